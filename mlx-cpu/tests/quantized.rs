//! Products with quantized matrices against sums in `f64` of numbers that are decoded bit by bit.

#[path = "common/levels.rs"]
mod levels;

use mlx_cpu::{
    Floats, FloatsMut, bf16, f16,
    quantized::{Encoding, Quantized, project_picked, project_together},
};

struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit
    }

    /// From -1 to 1.
    fn float(&mut self) -> f32 {
        self.next() as f32 / (1u64 << 31) as f32 - 1.0
    }

    fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float()).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Affine(usize, usize),
    Mxfp4,
    Nvfp4,
    Mxfp8,
}

const FORMATS: [Format; 14] = [
    Format::Affine(1, 32),
    Format::Affine(2, 32),
    Format::Affine(2, 128),
    Format::Affine(3, 64),
    Format::Affine(4, 32),
    Format::Affine(4, 64),
    Format::Affine(4, 128),
    Format::Affine(5, 32),
    Format::Affine(6, 64),
    Format::Affine(8, 32),
    Format::Affine(8, 64),
    Format::Mxfp4,
    Format::Nvfp4,
    Format::Mxfp8,
];

impl Format {
    fn bits(self) -> usize {
        match self {
            Format::Affine(bits, _) => bits,
            Format::Mxfp4 | Format::Nvfp4 => 4,
            Format::Mxfp8 => 8,
        }
    }

    fn group(self) -> usize {
        match self {
            Format::Affine(_, group) => group,
            Format::Nvfp4 => 16,
            Format::Mxfp4 | Format::Mxfp8 => 32,
        }
    }
}

fn e2m1(q: u32) -> f64 {
    let size = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0][(q & 7) as usize];
    if q & 8 == 0 { size } else { -size }
}

fn e4m3(q: u32) -> f64 {
    let (exponent, fraction) = ((q >> 3 & 15) as i32, f64::from(q & 7) / 8.0);
    let size =
        if exponent == 0 { fraction * 2f64.powi(-6) } else { (1.0 + fraction) * 2f64.powi(exponent - 7) };
    if q & 128 == 0 { size } else { -size }
}

/// A matrix in all its forms.
struct Matrix {
    format: Format,
    rows: usize,
    columns: usize,
    words: Vec<u32>,
    scales: [Vec<f32>; 2],
    halves: [Vec<f16>; 2],
    brains: [Vec<bf16>; 2],
    bytes: Vec<u8>,
    kind: usize,
}

impl Matrix {
    fn new(random: &mut Random, format: Format, rows: usize, columns: usize) -> Matrix {
        let groups = rows * columns / format.group();
        let word = |random: &mut Random| match format {
            // No NaN.
            Format::Mxfp8 => random.next() & 0xf7f7_f7f7,
            _ => random.next(),
        };
        let words = (0..rows * columns * format.bits() / 32).map(|_| word(random)).collect();
        let brains =
            [(); 2].map(|()| random.floats(groups).into_iter().map(bf16::from_f32).collect::<Vec<_>>());
        // The same numbers in all forms.
        let scales = brains.each_ref().map(|list| list.iter().map(|x| x.to_f32()).collect::<Vec<_>>());
        let halves = scales.each_ref().map(|list| list.iter().map(|x| f16::from_f32(*x)).collect::<Vec<_>>());
        let bytes = (0..groups).map(|_| {
            if format == Format::Nvfp4 { random.next() as u8 & 0xf7 } else { 120 + random.below(12) as u8 }
        });
        Matrix {
            format,
            rows,
            columns,
            words,
            scales,
            halves,
            brains,
            bytes: bytes.collect(),
            kind: random.below(3),
        }
    }

    fn view(&self) -> Quantized<'_> {
        let floats = |i: usize| match self.kind {
            0 => Floats::F32(&self.scales[i]),
            1 => Floats::F16(&self.halves[i]),
            _ => Floats::Bf16(&self.brains[i]),
        };
        let encoding = match self.format {
            Format::Affine(bits, group_size) => {
                Encoding::Affine { bits, group_size, scales: floats(0), biases: floats(1) }
            }
            Format::Mxfp4 => Encoding::Mxfp4 { scales: &self.bytes },
            Format::Nvfp4 => Encoding::Nvfp4 { scales: &self.bytes },
            Format::Mxfp8 => Encoding::Mxfp8 { scales: &self.bytes },
        };
        Quantized::new(self.rows, self.columns, &self.words, encoding)
    }

    fn number(&self, row: usize, column: usize) -> f64 {
        let bits = self.format.bits();
        let first = (row * self.columns + column) * bits;
        let bit = |i: usize| self.words[i / 32] >> (i % 32) & 1;
        let q = (0..bits).map(|i| bit(first + i) << i).sum::<u32>();
        let group = (row * self.columns + column) / self.format.group();
        match self.format {
            Format::Affine(..) => {
                let of = |i: usize| {
                    if self.kind == 1 {
                        f64::from(self.halves[i][group])
                    } else {
                        f64::from(self.scales[i][group])
                    }
                };
                f64::from(q) * of(0) + of(1)
            }
            Format::Mxfp4 => e2m1(q) * 2f64.powi(i32::from(self.bytes[group]) - 127),
            Format::Nvfp4 => e2m1(q) * e4m3(u32::from(self.bytes[group])),
            Format::Mxfp8 => e4m3(q) * 2f64.powi(i32::from(self.bytes[group]) - 127),
        }
    }

    fn numbers(&self) -> Vec<f64> {
        (0..self.rows * self.columns).map(|i| self.number(i / self.columns, i % self.columns)).collect()
    }
}

/// The product of `x` with a matrix given by its element `(k, n)`, and the sum of the sizes of its terms.
fn product(x: &[f32], m: usize, k: usize, n: usize, w: impl Fn(usize, usize) -> f64) -> Vec<(f64, f64)> {
    let element = |i: usize, j: usize| {
        let terms = (0..k).map(|p| f64::from(x[i * k + p]) * w(p, j));
        terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()))
    };
    (0..m).flat_map(|i| (0..n).map(move |j| (i, j))).map(|(i, j)| element(i, j)).collect()
}

#[track_caller]
fn assert_close(what: &str, given: &[f32], expected: &[(f64, f64)], rounding: f64) {
    assert_eq!(given.len(), expected.len(), "{what}");
    for (i, (&a, &(b, size))) in given.iter().zip(expected).enumerate() {
        let error = (f64::from(a) - b).abs();
        assert!(error <= 2e-6 * size + rounding * b.abs() + 1e-30, "{what}: number {i} is {a}, not {b}");
    }
}

const COUNTS: [usize; 9] = [0, 1, 2, 3, 7, 12, 13, 16, 33];

#[test]
fn projections_are_their_sums() {
    let mut random = Random(1);
    for format in FORMATS {
        for count in COUNTS {
            let rows = 1 + random.below(70);
            let columns = format.group().max(32) * (1 + random.below(12));
            let matrix = Matrix::new(&mut random, format, rows, columns);
            let x = random.floats(count * columns);
            let numbers = matrix.numbers();
            let what = format!("{format:?}, {count} times {rows}x{columns}");

            let expected = product(&x, count, columns, rows, |p, j| numbers[j * columns + p]);
            let mut out = vec![f32::NAN; count * rows];
            matrix.view().project(Floats::F32(&x), count, FloatsMut::F32(&mut out));
            assert_close(&what, &out, &expected, 0.0);

            let brains: Vec<bf16> = x.iter().map(|x| bf16::from_f32(*x)).collect();
            let wide: Vec<f32> = brains.iter().map(|x| x.to_f32()).collect();
            let expected = product(&wide, count, columns, rows, |p, j| numbers[j * columns + p]);
            let mut out = vec![bf16::NAN; count * rows];
            matrix.view().project(Floats::Bf16(&brains), count, FloatsMut::Bf16(&mut out));
            let out: Vec<f32> = out.into_iter().map(bf16::to_f32).collect();
            assert_close(&what, &out, &expected, 1.0 / 256.0);

            let x = random.floats(count * rows);
            let expected = product(&x, count, rows, columns, |p, j| numbers[p * columns + j]);
            let mut out = vec![f32::NAN; count * columns];
            matrix.view().project_back(Floats::F32(&x), count, FloatsMut::F32(&mut out));
            assert_close(&format!("back: {what}"), &out, &expected, 0.0);
        }
    }
}

#[test]
fn products_together_are_those_of_each() {
    let mut random = Random(7);
    for count in COUNTS {
        for formats in [&FORMATS[..1], &FORMATS[..4], &FORMATS, &[FORMATS[3]; 3]] {
            let columns = 128 * (1 + random.below(5));
            let matrices: Vec<Matrix> = formats
                .iter()
                .map(|format| {
                    // Whole tiles, whose rows are added up alike wherever a task begins.
                    let rows = 16 * (1 + random.below(5));
                    Matrix::new(&mut random, *format, rows, columns)
                })
                .collect();
            let x = random.floats(count * columns);
            let views: Vec<Quantized<'_>> = matrices.iter().map(Matrix::view).collect();
            let mut wide: Vec<Vec<f32>> =
                matrices.iter().map(|matrix| vec![f32::NAN; count * matrix.rows]).collect();
            let mut outs: Vec<FloatsMut<'_>> = wide.iter_mut().map(|out| FloatsMut::F32(out)).collect();
            project_together(&views, Floats::F32(&x), count, &mut outs);
            for ((view, out), format) in views.iter().zip(&wide).zip(formats) {
                let mut alone = vec![f32::NAN; out.len()];
                view.project(Floats::F32(&x), count, FloatsMut::F32(&mut alone));
                assert_eq!(out, &alone, "{format:?}, {count} times {} columns", columns);
            }
        }
    }
}

#[test]
fn rows_are_decoded_exactly() {
    let mut random = Random(2);
    for format in FORMATS {
        let columns = format.group().max(32) * 5;
        let matrix = Matrix::new(&mut random, format, 9, columns);
        let mut out = vec![0.0f32; columns];
        for row in 0..9 {
            matrix.view().decode_row(row, FloatsMut::F32(&mut out));
            for (column, x) in out.iter().enumerate() {
                let wanted = matrix.number(row, column);
                assert!(
                    (f64::from(*x) - wanted).abs() <= wanted.abs() * 3e-7 + 4e-7,
                    "{format:?}: {x} for {wanted}"
                );
            }
        }
    }
}

#[test]
fn picked_matrices_multiply_their_blocks() {
    let mut random = Random(3);
    for (format, count) in [(Format::Affine(4, 64), 1), (Format::Mxfp4, 3), (Format::Affine(3, 32), 1)] {
        let (rows, columns, blocks) = (20, 128, 7);
        let matrices: Vec<Matrix> = (0..4).map(|_| Matrix::new(&mut random, format, rows, columns)).collect();
        let views: Vec<Quantized<'_>> = matrices.iter().map(Matrix::view).collect();
        let x = random.floats(blocks * count * columns);
        let of_x: Vec<usize> = (0..50).map(|_| random.below(blocks)).collect();
        let of_matrices: Vec<usize> = (0..50).map(|_| random.below(4)).collect();
        let mut out = vec![f32::NAN; 50 * count * rows];
        project_picked(&views, Floats::F32(&x), count, &of_x, &of_matrices, FloatsMut::F32(&mut out));
        for (i, out) in out.chunks(count * rows).enumerate() {
            let numbers = matrices[of_matrices[i]].numbers();
            let x = &x[of_x[i] * count * columns..][..count * columns];
            let expected = product(x, count, columns, rows, |p, j| numbers[j * columns + p]);
            assert_close("picked", out, &expected, 0.0);
        }
    }
}

#[test]
fn large_products_use_all_threads() {
    let mut random = Random(4);
    for count in [1, 5, 40] {
        let matrix = Matrix::new(&mut random, Format::Affine(4, 64), 1030, 576);
        let (x, numbers) = (random.floats(count * 576), matrix.numbers());
        let mut out = vec![f32::NAN; count * 1030];
        matrix.view().project(Floats::F32(&x), count, FloatsMut::F32(&mut out));
        assert_close("large", &out, &product(&x, count, 576, 1030, |p, j| numbers[j * 576 + p]), 0.0);
    }
}

/// Few vectors may be multiplied otherwise than several: the error is no larger than that of plain sums in single precision.
#[test]
fn few_vectors_are_as_exact_as_plain_sums() {
    let mut random = Random(11);
    for format in FORMATS {
        for (columns, octaves) in [(256, 0.0), (256, 3.0), (640, 0.0), (640, 6.0), (1536, 0.0), (1536, 12.0)]
        {
            let rows = 256;
            let matrix = Matrix::new(&mut random, format, rows, columns);
            let numbers = matrix.numbers();
            // Elements of one size, or of many.
            let x: Vec<f32> =
                (0..columns).map(|_| random.float() * (random.float() * octaves).exp2()).collect();
            let plain: Vec<f32> = numbers
                .chunks(columns)
                .map(|row| row.iter().zip(&x).map(|(w, x)| *w as f32 * x).sum())
                .collect();
            let expected = product(&x, 1, columns, rows, |p, j| numbers[j * columns + p]);
            let error = |list: &[f32]| {
                let errors = list.iter().zip(&expected).map(|(a, (b, _))| (f64::from(*a) - b).powi(2));
                errors.sum::<f64>().sqrt()
            };
            let plain = error(&plain);
            for count in 1..=4 {
                let mut out = vec![f32::NAN; count * rows];
                matrix.view().project(Floats::F32(&x.repeat(count)), count, FloatsMut::F32(&mut out));
                for own in out.chunks(rows).map(error) {
                    let what = format!("{format:?}, {count} of {columns} columns, {octaves} octaves");
                    assert!(own <= plain, "{what}: {own}, plainly {plain}");
                }
            }
        }
    }
}

#[test]
fn vectors_of_any_size_are_multiplied() {
    let mut random = Random(12);
    for format in [Format::Affine(2, 32), Format::Affine(4, 64), Format::Affine(8, 32), Format::Affine(6, 64)]
    {
        let (rows, columns) = (11, 320);
        let matrix = Matrix::new(&mut random, format, rows, columns);
        let numbers = matrix.numbers();
        for size in [0.0, 1e-38, 1e-33, 1e-20, 1e20, 1e33, f32::INFINITY, f32::NAN] {
            for range in [0..columns, 32..64, 100..101] {
                let mut x = random.floats(columns);
                for x in &mut x[range.clone()] {
                    *x = if size == 0.0 { 0.0 } else { *x * size };
                }
                let mut out = vec![f32::NAN; rows];
                matrix.view().project(Floats::F32(&x), 1, FloatsMut::F32(&mut out));
                let what = format!("{format:?}, {range:?} of size {size}");
                if size.is_finite() {
                    let expected = product(&x, 1, columns, rows, |p, j| numbers[j * columns + p]);
                    assert_close(&what, &out, &expected, 0.0);
                } else {
                    assert!(out.iter().all(|y| !y.is_finite()), "{what}: {out:?}");
                }
            }
        }
    }
}

#[test]
fn all_instruction_sets_and_more_threads_pass_too() {
    levels::pass_with_all();
}
