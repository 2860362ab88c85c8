//! Softmax against the same in double precision.

mod common;

use common::{Kind, Numbers, Random};
use mlx_cpu::softmax::softmax;

#[test]
fn rows_are_probabilities() {
    let mut random = Random::new(2);
    for round in 0..300 {
        let kind = random.pick(&Kind::ALL);
        let width = 1 + random.below(if round % 20 == 0 { 50_000 } else { 100 });
        let rows = random.below(if round % 20 == 1 { 1000 } else { 6 });
        let size = random.pick(&[1.0, 20.0, 300.0]);
        let mut x = random.numbers(kind, rows * width, size);
        if let (Numbers::F32(x), true) = (&mut x, width > 2) {
            x.iter_mut().step_by(3).for_each(|x| *x = f32::NEG_INFINITY);
        }
        let mut out = Numbers::room(kind, rows * width);
        softmax(x.floats(), width, out.floats_mut());
        for (row, x) in x.to_f64().chunks(width).enumerate() {
            let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = x.iter().map(|x| (x - most).exp()).sum();
            for (i, x) in x.iter().enumerate() {
                let wanted = (x - most).exp() / sum;
                let got = f64::from(out.get(row * width + i));
                // Differences of large numbers are rounded, and so are sums.
                let rounded = f64::from(size) * 1.2e-7 + 1e-6 + kind.rounding() * 1.01;
                let limit = wanted * rounded + if kind == Kind::F16 { 3e-8 } else { 1e-37 };
                assert!((got - wanted).abs() <= limit, "{kind:?} {rows}x{width}: {got} for {wanted}");
            }
        }
    }
}

#[test]
fn rows_without_a_largest_number_become_nan() {
    for width in [2, 8, 21, 70] {
        for special in [[f32::NEG_INFINITY; 2], [f32::INFINITY, 1.0], [f32::NAN, 1.0]] {
            for at in [0, width / 2, width - 1] {
                let mut x = vec![special[1]; 3 * width];
                x[..width].fill(0.0);
                x[2 * width..].fill(0.0);
                x[width + at] = special[0];
                let mut out = Numbers::room(Kind::F32, 3 * width);
                softmax(Numbers::F32(x).floats(), width, out.floats_mut());
                assert!((width..2 * width).all(|i| out.get(i).is_nan()), "{special:?}");
                assert!((0..width).all(|i| (out.get(i) - 1.0 / width as f32).abs() < 1e-6));
            }
        }
    }
}
