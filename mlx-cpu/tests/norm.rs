//! Norms against the same in double precision.

mod common;

use common::{Kind, Numbers, Random};
use mlx_cpu::norm::{layer_norm, rms_norm};

/// What a norm should give for a row.
fn exact(x: &[f64], center: bool, eps: f64, weight: Option<&[f64]>, bias: Option<&[f64]>) -> Vec<f64> {
    let count = x.len() as f64;
    let mean = if center { x.iter().sum::<f64>() / count } else { 0.0 };
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    let scale = 1.0 / (variance + eps).sqrt();
    let at = |x: Option<&[f64]>, i: usize, other| x.map_or(other, |x| x[i]);
    (0..x.len()).map(|i| (x[i] - mean) * scale * at(weight, i, 1.0) + at(bias, i, 0.0)).collect()
}

#[test]
fn rows_are_normalized_in_all_kinds_of_numbers() {
    let mut random = Random::new(1);
    for round in 0..400 {
        let [x_kind, weight_kind, out_kind] = [(); 3].map(|()| random.pick(&Kind::ALL));
        let width = 1 + random.below(if round % 20 == 0 { 5000 } else { 100 });
        let rows = random.below(if round % 20 == 1 { 1000 } else { 6 });
        let (center, has_weight, has_bias) = (round % 2 == 0, random.below(3) > 0, random.below(3) > 0);
        let eps = random.pick(&[1e-5, 1e-6, 0.1]);
        let x = random.numbers(x_kind, rows * width, 3.0);
        let weight = random.numbers(weight_kind, width, 2.0);
        let bias = random.numbers(weight_kind, width, 2.0);
        let mut out = Numbers::room(out_kind, rows * width);
        let (w, b) = (has_weight.then(|| weight.floats()), (has_bias && center).then(|| bias.floats()));
        if center {
            layer_norm(x.floats(), w, b, width, eps, out.floats_mut());
        } else {
            rms_norm(x.floats(), w, width, eps, out.floats_mut());
        }
        let (weight, bias) = (w.map(|_| weight.to_f64()), b.map(|_| bias.to_f64()));
        for (row, x) in x.to_f64().chunks(width).enumerate() {
            let wanted = exact(x, center, f64::from(eps), weight.as_deref(), bias.as_deref());
            for (i, wanted) in wanted.iter().enumerate() {
                let error = (f64::from(out.get(row * width + i)) - wanted).abs();
                // A norm of one or of nearly equal numbers amplifies the rounding of their mean.
                let amplified = if center { 3.0 / eps.sqrt() } else { 1.0 };
                let limit = out_kind.rounding() * wanted.abs() * 1.01 + 2e-6 + 1e-7 * f64::from(amplified);
                assert!(error <= limit, "{x_kind:?} {out_kind:?} {rows}x{width} at {row}, {i}: {error}");
            }
        }
    }
}

#[test]
fn what_is_not_a_number_stays_in_its_row() {
    for special in [f32::NAN, f32::INFINITY] {
        let mut x = vec![1.0f32; 3 * 37];
        x[37 + 35] = special;
        let x = Numbers::F32(x);
        let mut out = Numbers::room(Kind::F32, 3 * 37);
        rms_norm(x.floats(), None, 37, 0.0, out.floats_mut());
        let nan = (37..74).filter(|&i| out.get(i).is_nan()).count();
        assert_eq!(nan, if special.is_nan() { 37 } else { 1 });
        layer_norm(x.floats(), None, None, 37, 1e-5, out.floats_mut());
        assert!((37..74).all(|i| out.get(i).is_nan()));
        assert!((0..37).chain(74..111).all(|i| out.get(i) == 0.0));
    }
}

#[test]
fn signs_of_zeros_stay() {
    let x = Numbers::F32(vec![-0.0; 11]);
    let mut out = Numbers::room(Kind::F32, 11);
    rms_norm(x.floats(), None, 11, 1e-5, out.floats_mut());
    assert!((0..11).all(|i| out.get(i).to_bits() == (-0.0f32).to_bits()));
}
