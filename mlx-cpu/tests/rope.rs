//! Rotations against the same in double precision.

mod common;

use common::{Kind, Numbers, Random};
use mlx_cpu::{
    heads::Heads,
    rope::{Frequencies, Rope, rope},
};

/// Rotates one vector, at a position that is scaled already.
fn exact(x: &mut [f64], position: f64, rope: &Rope<'_>) {
    let half = rope.dims / 2;
    for i in 0..half {
        let frequency = match rope.frequencies {
            Frequencies::Base(base) => f64::from(base).powf(-2.0 * i as f64 / rope.dims as f64),
            Frequencies::Reciprocals(numbers) => 1.0 / f64::from(numbers[i]),
        };
        let (sin, cos) = (position * frequency).sin_cos();
        let (a, b) = if rope.traditional { (2 * i, 2 * i + 1) } else { (i, i + half) };
        (x[a], x[b]) = (x[a] * cos - x[b] * sin, x[a] * sin + x[b] * cos);
    }
}

#[test]
fn vectors_of_all_layouts_are_rotated_at_near_and_far_positions() {
    let mut random = Random::new(7);
    for round in 0..500 {
        let kind = random.pick(&Kind::ALL);
        let [batch, heads] = [(); 2].map(|()| 1 + random.below(3));
        let length = random.below(if round % 50 == 0 { 3000 } else { 8 });
        let dim = random.pick(&[1, 2, 7, 16, 30, 64, 100, 128]);
        let dims = random.pick(&[dim, dim, dim / 2, dim * 3 / 4]) / 2 * 2;
        let offsets: Vec<i32> = (0..random.pick(&[1, batch]))
            .map(|_| random.pick(&[0, 1, 1234, 100_000, 1_000_000, -5]))
            .collect();
        let numbers: Vec<f32> = (0..dims / 2).map(|_| 1.0 + 1000.0 * random.float().abs()).collect();
        let base = random.pick(&[10_000.0, 500_000.0, 2.0]);
        let frequencies = random.pick(&[
            Frequencies::Base(base),
            Frequencies::Reciprocals(&numbers),
            Frequencies::Base(base),
        ]);
        let (traditional, scale) = (random.below(2) == 0, random.pick(&[1.0, 0.125, 1.3]));
        let rotation = Rope { dims, traditional, frequencies, scale, offsets: &offsets };

        // Heads before or after positions, and gaps.
        let vector = dim + random.pick(&[0, 0, 3]);
        let strides = if random.below(2) == 0 {
            [heads * length * vector, length * vector, vector]
        } else {
            [heads * length * vector + 5, vector, heads * vector]
        };
        let x = random.numbers(kind, batch * strides[0] + dim, 2.0);
        let view = Heads { values: x.floats(), strides };
        let mut out = Numbers::room(kind, batch * heads * length * dim);
        rope(view, [batch, heads, length, dim], &rotation, out.floats_mut());

        let x = x.to_f64();
        for row in 0..batch * heads * length {
            let (b, h, l) = (row / length / heads, row / length % heads, row % length);
            let at = b * strides[0] + h * strides[1] + l * strides[2];
            let mut wanted = x[at..][..dim].to_vec();
            let position = f64::from(offsets[b % offsets.len()]) + l as f64;
            exact(&mut wanted, position * f64::from(scale), &rotation);
            for (i, wanted) in wanted.iter().enumerate() {
                let got = f64::from(out.get(row * dim + i));
                let limit = if i < dims { wanted.abs() * kind.rounding() + 5e-7 } else { 0.0 };
                assert!(
                    (got - wanted).abs() <= limit,
                    "{kind:?} {rotation:?} at {row}, {i}: {got} for {wanted}"
                );
            }
        }
    }
}

#[test]
fn nothing_is_rotated() {
    let rotation = Rope {
        dims: 0,
        traditional: false,
        frequencies: Frequencies::Base(10_000.0),
        scale: 1.0,
        offsets: &[3],
    };
    for shape in [[0, 2, 3, 4], [1, 0, 3, 4], [1, 2, 0, 4], [1, 2, 3, 0], [1, 2, 3, 4]] {
        let x = Random::new(8).numbers(Kind::Bf16, shape.iter().product(), 1.0);
        let [_, heads, length, dim] = shape;
        let strides = [heads * length * dim, length * dim, dim];
        let mut out = Numbers::room(Kind::Bf16, x.len());
        rope(Heads { values: x.floats(), strides }, shape, &rotation, out.floats_mut());
        assert_eq!(out.to_f64(), x.to_f64());
    }
}
