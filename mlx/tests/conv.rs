//! Convolutions against the sums that define them, in f64.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{
    Array, Dtype, Result, ones,
    ops::{ConvOptions, ConvTransposeOptions, ConvolveMode},
    random, zeros,
};

/// Small pseudorandom numbers.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, low: i32, high: i32) -> i32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        low + ((self.0 >> 33) % (high - low + 1) as u64) as i32
    }

    fn rolls<const N: usize>(&mut self, low: i32, high: i32) -> [i32; N] {
        std::array::from_fn(|_| self.roll(low, high))
    }
}

/// A dense array of doubles.
#[derive(Clone)]
struct Grid {
    shape: Vec<i32>,
    data: Vec<f64>,
}

impl Grid {
    fn zeros(shape: &[i32]) -> Grid {
        Grid { shape: shape.to_vec(), data: vec![0.0; shape.iter().product::<i32>() as usize] }
    }

    fn of(x: &Array) -> Grid {
        Grid { shape: x.shape().unwrap().to_vec(), data: x.to_vec::<f64>().unwrap() }
    }

    fn offset(&self, index: &[i32]) -> Option<usize> {
        let inside = index.iter().zip(&self.shape).all(|(i, n)| (0..*n).contains(i));
        let offset = index.iter().zip(&self.shape).fold(0, |offset, (i, n)| offset * n + i);
        inside.then_some(offset as usize)
    }

    fn at(&self, index: &[i32]) -> f64 {
        self.offset(index).map_or(0.0, |offset| self.data[offset])
    }

    fn indices(&self) -> Vec<Vec<i32>> {
        self.shape.iter().fold(vec![vec![]], |list, &n| {
            list.iter().flat_map(|head| (0..n).map(move |i| [&head[..], &[i]].concat())).collect()
        })
    }

    fn assert_near(&self, found: &Array, what: &str) {
        assert_eq!(found.shape().unwrap(), self.shape, "{what}");
        for (i, (x, y)) in self.data.iter().zip(found.to_vec::<f64>().unwrap()).enumerate() {
            assert!((x - y).abs() < 1e-4 * x.abs().max(1.0), "{what}: element {i} is {y}, expected {x}");
        }
    }
}

fn normal(shape: &[i32], seed: u64) -> Array {
    random::normal(shape, Dtype::F32, &random::key(seed).unwrap()).unwrap()
}

#[derive(Debug)]
struct Case<const N: usize> {
    stride: [i32; N],
    before: [i32; N],
    after: [i32; N],
    dilation: [i32; N],
    input_dilation: [i32; N],
    groups: i32,
    flip: bool,
}

impl<const N: usize> Case<N> {
    /// The sum that defines the convolution.
    fn reference(&self, x: &Grid, w: &Grid) -> Grid {
        let (batch, out_channels, per_group) = (x.shape[0], w.shape[0], w.shape[N + 1]);
        let out_space: Vec<i32> = (0..N)
            .map(|i| {
                let length =
                    1 + (x.shape[i + 1] - 1) * self.input_dilation[i] + self.before[i] + self.after[i];
                (length - 1 - (w.shape[i + 1] - 1) * self.dilation[i]) / self.stride[i] + 1
            })
            .collect();
        let mut out = Grid::zeros(&[&[batch], &out_space[..], &[out_channels]].concat());
        for (place, index) in out.indices().iter().enumerate() {
            let group = index[N + 1] / (out_channels / self.groups);
            for window in Grid::zeros(&w.shape[1..=N]).indices() {
                let from: Option<Vec<i32>> = (0..N)
                    .map(|i| {
                        let tap = if self.flip { w.shape[i + 1] - 1 - window[i] } else { window[i] };
                        let at = index[i + 1] * self.stride[i] + tap * self.dilation[i] - self.before[i];
                        (at % self.input_dilation[i] == 0).then_some(at / self.input_dilation[i])
                    })
                    .collect();
                let Some(from) = from else { continue };
                for c in 0..per_group {
                    let x = x.at(&[&[index[0]], &from[..], &[group * per_group + c]].concat());
                    let w = w.at(&[&[index[N + 1]], &window[..], &[c]].concat());
                    out.data[place] += x * w;
                }
            }
        }
        out
    }
}

fn convolutions_over<const N: usize>(count: u64) {
    for seed in 0..count {
        let dice = &mut Dice(seed * 31 + N as u64);
        let groups = if N == 3 { 1 } else { dice.roll(1, 3) };
        let case = Case::<N> {
            stride: dice.rolls(1, 3),
            before: dice.rolls(0, 2),
            after: dice.rolls(0, 2),
            dilation: dice.rolls(1, 2),
            input_dilation: dice.rolls(1, 2),
            groups,
            flip: dice.roll(0, 1) == 1,
        };
        let (per_group, out_per_group) = (dice.roll(1, 3), dice.roll(1, 3));
        let (space, window) = (dice.rolls::<N>(5, 7), dice.rolls::<N>(1, 3));
        let x = normal(&[&[dice.roll(1, 2)], &space[..], &[per_group * groups]].concat(), seed);
        let w = normal(&[&[out_per_group * groups], &window[..], &[per_group]].concat(), seed + 100);
        let mut options = ConvOptions::new()
            .stride(case.stride)
            .padding_sides(case.before, case.after)
            .dilation(case.dilation)
            .input_dilation(case.input_dilation)
            .groups(groups);
        if case.flip {
            options = options.flip();
        }
        let found = x.conv_general(&w, options.clone()).unwrap();
        case.reference(&Grid::of(&x), &Grid::of(&w)).assert_near(&found, &format!("{N} axes, {case:?}"));
        let named = match N {
            1 => x.conv1d(&w, options),
            2 => x.conv2d(&w, options),
            _ => x.conv3d(&w, options),
        };
        assert_eq!(named.unwrap().to_vec::<f32>().unwrap(), found.to_vec::<f32>().unwrap());
    }
}

#[test]
fn convolutions() {
    convolutions_over::<1>(24);
    convolutions_over::<2>(16);
    convolutions_over::<3>(6);
}

/// Each input adds its multiple of the window to the output.
fn transposed<const N: usize>(count: u64) {
    for seed in 0..count {
        let dice = &mut Dice(seed * 17 + N as u64);
        let groups = if N == 3 { 1 } else { dice.roll(1, 2) };
        let (stride, padding) = (dice.rolls::<N>(1, 3), dice.rolls::<N>(0, 2));
        let (dilation, extra) = (dice.rolls::<N>(1, 2), dice.rolls::<N>(0, 2));
        let (space, window) = (dice.rolls::<N>(4, 5), dice.rolls::<N>(1, 3));
        let (per_group, out_per_group) = (dice.roll(1, 2), dice.roll(1, 2));
        let x = normal(&[&[2], &space[..], &[per_group * groups]].concat(), seed);
        let w = normal(&[&[out_per_group * groups], &window[..], &[per_group]].concat(), seed + 100);
        let options = ConvTransposeOptions::new()
            .stride(stride)
            .padding(padding)
            .dilation(dilation)
            .output_padding(extra)
            .groups(groups);
        let length = |i: usize| {
            (space[i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (window[i] - 1) + extra[i] + 1
        };
        let out_space: [i32; N] = std::array::from_fn(length);
        if out_space.iter().any(|&extent| extent < 1) {
            continue;
        }
        let mut out = Grid::zeros(&[&[2], &out_space[..], &[out_per_group * groups]].concat());
        let (x_grid, w_grid) = (Grid::of(&x), Grid::of(&w));
        for (index, value) in x_grid.indices().iter().zip(&x_grid.data) {
            for (tap, weight) in w_grid.indices().iter().zip(&w_grid.data) {
                let group = tap[0] / out_per_group;
                if index[N + 1] != group * per_group + tap[N + 1] {
                    continue;
                }
                let to: Vec<i32> = (0..N)
                    .map(|i| index[i + 1] * stride[i] + tap[i + 1] * dilation[i] - padding[i])
                    .collect();
                if let Some(offset) = out.offset(&[&[index[0]], &to[..], &[tap[0]]].concat()) {
                    out.data[offset] += value * weight;
                }
            }
        }
        let what = format!("{N} axes, {options:?}, window {window:?}");
        let found = match N {
            1 => x.conv_transpose1d(&w, options),
            2 => x.conv_transpose2d(&w, options),
            _ => x.conv_transpose3d(&w, options),
        };
        out.assert_near(&found.unwrap(), &what);
    }
}

#[test]
fn transposed_convolutions() {
    transposed::<1>(24);
    transposed::<2>(12);
    transposed::<3>(4);
}

#[test]
fn convolutions_of_vectors() -> Result<()> {
    for (n, m) in [(1, 1), (5, 1), (5, 2), (5, 3), (4, 4), (2, 6), (3, 6), (7, 6)] {
        let (a, b) = (normal(&[n], n as u64), normal(&[m], 50 + m as u64));
        let (x, y) = (a.to_vec::<f64>()?, b.to_vec::<f64>()?);
        let mut full = vec![0.0; x.len() + y.len() - 1];
        for (i, x) in x.iter().enumerate() {
            y.iter().enumerate().for_each(|(j, y)| full[i + j] += x * y);
        }
        let (long, short) = (n.max(m) as usize, n.min(m) as usize);
        let middle = (short - 1) / 2;
        for (mode, expected) in [
            (ConvolveMode::Full, &full[..]),
            (ConvolveMode::Same, &full[middle..middle + long]),
            (ConvolveMode::Valid, &full[short - 1..long]),
        ] {
            let expected = Grid { shape: vec![expected.len() as i32], data: expected.to_vec() };
            expected.assert_near(&a.convolve(&b, mode)?, &format!("{n} and {m}, {mode:?}"));
        }
    }
    Ok(())
}

#[test]
fn senseless_convolutions_are_errors() {
    const MAX: i32 = i32::MAX;
    let of = ConvOptions::new;
    let (x, w) = (ones(&[2, 8, 4], Dtype::F32), ones(&[6, 3, 4], Dtype::F32));
    let bad_options = [
        of().stride(0),
        of().stride(i32::MIN),
        of().dilation(0),
        of().dilation(-1),
        of().dilation(MAX),
        of().input_dilation(0),
        of().input_dilation(MAX),
        of().padding(-1),
        of().padding(MAX),
        of().padding(i32::MIN),
        of().padding_sides(0, -1),
        of().padding(1 << 30),
        of().groups(0),
        of().groups(-1),
        of().groups(2),
        of().groups(MAX),
        of().stride([1, 1]),
        of().stride(vec![]),
        of().padding(&[1, 2, 3][..]),
    ];
    for options in bad_options {
        let result = x.conv1d(&w, options.clone());
        assert!(result.is_err(), "{options:?} gave {result:?}");
    }
    let of = ConvTransposeOptions::new;
    let bad_options = [
        of().stride(0),
        of().stride(MAX),
        of().dilation(0),
        of().dilation(MAX),
        of().padding(-1),
        of().padding(5),
        of().padding(MAX),
        of().output_padding(-1),
        of().output_padding(MAX),
        of().groups(0),
        of().groups(3),
    ];
    for options in bad_options {
        let result = x.conv_transpose1d(&w, options.clone());
        assert!(result.is_err(), "{options:?} gave {result:?}");
    }
    let shapes: [(&[i32], &[i32]); 12] = [
        (&[2, 8, 4], &[6, 0, 4]),
        (&[2, 8, 4], &[0, 3, 4]),
        (&[2, 8, 4], &[6, 3, 0]),
        (&[2, 8, 0], &[6, 3, 0]),
        (&[2, 0, 4], &[6, 3, 4]),
        (&[2, 2, 4], &[6, 3, 4]),
        (&[8, 4], &[6, 3, 4]),
        (&[], &[6, 3, 4]),
        (&[2, 8, 4], &[]),
        (&[2, 8, 4], &[4]),
        (&[2, 8, 8, 4], &[6, 3, 3, 4]),
        (&[2, 8, 4], &[6, 3, 3, 4]),
    ];
    for (x, w) in shapes {
        let result = ones(x, Dtype::F32).conv1d(&ones(w, Dtype::F32), ConvOptions::new());
        assert!(result.is_err(), "{x:?} and {w:?} gave {result:?}");
        if x != [2, 2, 4] {
            let result = ones(x, Dtype::F32).conv_transpose1d(&ones(w, Dtype::F32), of());
            assert!(result.is_err(), "{x:?} and {w:?} gave {result:?}");
        }
    }
    for dtype in [Dtype::I32, Dtype::Bool, Dtype::C64] {
        assert!(zeros(&[2, 8, 4], dtype).conv1d(&w, ConvOptions::new()).is_err(), "{dtype}");
    }
    assert!(ones(&[2, 4], Dtype::F32).conv_general(&w, ConvOptions::new()).is_err());
    let (vector, empty) = (ones(&[4], Dtype::F32), ones(&[0], Dtype::F32));
    for (a, b) in [(&vector, &empty), (&empty, &vector), (&empty, &empty), (&vector, &x)] {
        assert!(a.convolve(b, ConvolveMode::Full).is_err());
    }
}

#[test]
fn an_empty_batch_gives_an_empty_result() -> Result<()> {
    let empty = |rank: usize| ones(&[&[0][..], &vec![5; rank], &[2]].concat(), Dtype::F32);
    let weight = |rank: usize| ones(&[&[3][..], &vec![2; rank], &[2]].concat(), Dtype::F32);
    for rank in 1..=3 {
        let y = empty(rank).conv_general(&weight(rank), ConvOptions::new().padding(1))?;
        assert_eq!(y.to_vec::<f32>()?, [0.0; 0]);
    }
    let y = empty(2).conv_transpose2d(&weight(2), ConvTransposeOptions::new().stride(2))?;
    assert_eq!(y.to_vec::<f32>()?, [0.0; 0]);
    let y = empty(1).conv1d(&ones(&[4, 2, 1], Dtype::F32), ConvOptions::new().groups(2))?;
    assert_eq!(y.to_vec::<f32>()?, [0.0; 0]);
    Ok(())
}
