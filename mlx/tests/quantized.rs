//! Products with quantized matrices against those with the numbers the matrices stand for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{
    Array, Device, Dtype, Result,
    nn::{Mode, Quantization, Quantized, qqmm, quantize, quantize_scaled},
    ones,
    ops::Gather,
    random, zeros,
};

fn normal(shape: &[i32], seed: u64) -> Array {
    random::normal(shape, Dtype::F32, &random::key(seed).unwrap()).unwrap()
}

/// One of each mode, as MLX has it by default.
fn quantizations() -> Vec<Quantization> {
    let of = |mode: Mode| Quantization { group_size: mode.group_sizes()[0], bits: mode.bits()[0], mode };
    Mode::ALL.into_iter().map(of).chain([Quantization::affine(32, 3)]).collect()
}

/// Those of the dtypes that the device knows: a GPU has no `float64`.
fn known(dtypes: impl IntoIterator<Item = Dtype>) -> Result<Vec<Dtype>> {
    let gpu = Device::default_device()? == Device::Gpu;
    Ok(dtypes.into_iter().filter(|&dtype| !gpu || dtype != Dtype::F64).collect())
}

fn assert_near(found: &Array, expected: &Array, what: &str) {
    assert_eq!(found.shape().unwrap(), expected.shape().unwrap(), "{what}");
    let (found, expected) = (found.to_vec::<f64>().unwrap(), expected.to_vec::<f64>().unwrap());
    for (x, y) in found.iter().zip(&expected) {
        assert!((x - y).abs() < 2e-3 * y.abs().max(1.0), "{what}: {x}, expected {y}");
    }
}

#[test]
fn products_are_those_of_the_numbers() -> Result<()> {
    for quantization in quantizations() {
        let what = format!("{quantization:?}");
        let q = quantize(&normal(&[32, 64], 0), quantization)?;
        let dense = q.dequantize_as(Dtype::F32)?;
        let (x, back) = (normal(&[3, 64], 1), normal(&[3, 32], 2));
        assert_near(&q.project(&x)?, &x.matmul(&dense.t()?)?, &what);
        assert_near(&q.project_back(&back)?, &back.matmul(&dense)?, &what);
        for dtype in known([Dtype::F16, Dtype::Bf16, Dtype::F64])? {
            let same = q.dequantize_as(dtype)?;
            assert_eq!(same.dtype()?, dtype);
            assert!(
                (same.astype(Dtype::F32)? - &dense).abs()?.max(..)?.item::<f32>()? < 0.02,
                "{what}, {dtype}"
            );
        }
    }
    Ok(())
}

#[test]
fn products_of_halves_are_near_those_of_the_numbers() -> Result<()> {
    for quantization in quantizations() {
        for (dtype, tolerance) in [(Dtype::F16, 4e-3), (Dtype::Bf16, 2e-2)] {
            let what = format!("{quantization:?}, {dtype}");
            let half = |x: Array| x.astype(dtype);
            let experts = quantize(&half(normal(&[3, 32, 64], 0))?, quantization)?;
            let (q, x) = (quantize(&half(normal(&[32, 64], 1))?, quantization)?, half(normal(&[3, 64], 2))?);
            let picks = Array::from_slice(&[2, 0], &[2]);
            let matrices = experts.dequantize_as(Dtype::F32)?.take(&picks, 0)?;
            for (found, matrix) in [
                (q.project(&x)?, q.dequantize_as(Dtype::F32)?),
                (experts.gather_project(&x, Gather::new().rhs(&picks))?, matrices),
            ] {
                assert_eq!(found.dtype()?, dtype, "{what}");
                let expected = x.astype(Dtype::F32)?.matmul(&matrix.t()?)?;
                let far =
                    (found.astype(Dtype::F32)? - &expected).abs()?.max(..)? / expected.abs()?.max(..)?;
                assert!(far.item::<f32>()? < tolerance, "{what}: {far} off");
            }
        }
    }
    Ok(())
}

#[test]
fn picked_products_are_those_of_the_numbers() -> Result<()> {
    for quantization in quantizations() {
        let experts = quantize(&normal(&[4, 32, 64], 0), quantization)?;
        let dense = experts.dequantize_as(Dtype::F32)?;
        let (x, back) = (normal(&[3, 2, 64], 1), normal(&[3, 2, 32], 2));
        // Beyond either end is the last or the first.
        let lhs = Array::from_slice(&[0, 2, i32::MIN, 7], &[4]);
        let rhs = Array::from_slice(&[3, i32::MAX, 1, -1], &[4]);
        let picks = Gather::new().lhs(&lhs).rhs(&rhs);
        let plain = |x: &Array, w: &Array| -> Result<Array> {
            let x = x.take(&Array::from_slice(&[0, 2, 0, 2], &[4]), 0)?;
            x.matmul(&w.take(&Array::from_slice(&[3, 3, 1, 0], &[4]), 0)?)
        };
        let what = format!("{quantization:?}");
        assert_near(&experts.gather_project(&x, picks)?, &plain(&x, &dense.t()?)?, &what);
        assert_near(&experts.gather_project_back(&back, picks)?, &plain(&back, &dense)?, &what);
        let ascending = Array::from_slice(&[0u32, 0, 3], &[3]);
        let sorted = experts.gather_project(&x, Gather::new().rhs(&ascending).sorted())?;
        assert_near(&sorted, &x.matmul(&dense.take(&ascending, 0)?.t()?)?, &what);
    }
    Ok(())
}

#[test]
fn a_scale_of_its_own() -> Result<()> {
    // Without the scale these numbers are beyond the format's.
    let w = normal(&[8, 64], 0) * 1e6;
    let scale = w.abs()?.max(..)?;
    let q = quantize_scaled(&w, &scale)?;
    let error = (q.scaled(&scale).dequantize()? - &w).abs()?.max(..)?.item::<f32>()?;
    assert!(error < 5e5, "{error}");
    let lost = (q.dequantize()? - &w).abs()?.max(..)?.item::<f32>()?;
    assert!(lost > 1e6, "{lost}");
    for scale in
        [ones(&[2], Dtype::F32), zeros(&[0], Dtype::F32), ones(&[], Dtype::F16), ones(&[], Dtype::I32)]
    {
        assert!(quantize_scaled(&w, &scale).is_err(), "{scale:?}");
        assert!(q.scaled(&scale).dequantize().is_err(), "{scale:?}");
    }
    let mxfp4 = quantize(&w, Quantization { group_size: 32, bits: 4, mode: Mode::Mxfp4 })?;
    assert!(mxfp4.scaled(&scale).dequantize().is_err());
    let experts = quantize(&normal(&[3, 8, 64], 0), q.quantization)?;
    let per_expert = ones(&[3], Dtype::F32);
    assert!(experts.scaled(&scale).gather_project(&ones(&[1, 1, 64], Dtype::F32), Gather::new()).is_err());
    // The CPU has none of the others: an error, here or when evaluated.
    let x = ones(&[3, 1, 64], Dtype::F32);
    for result in [
        experts.scaled(&per_expert).gather_project(&x, Gather::new()),
        experts.scaled(&per_expert).gather_qqmm(&x, &ones(&[], Dtype::F32), Gather::new()),
        experts.gather_qqmm(&x, Gather::new()),
        q.scaled(&scale).qqmm(&ones(&[2, 64], Dtype::F32), &ones(&[], Dtype::F32)),
        q.qqmm(&ones(&[2, 64], Dtype::F32)),
        qqmm(&ones(&[2, 64], Dtype::F32), &w, q.quantization),
    ] {
        let _either = result.and_then(|y| y.eval());
    }
    Ok(())
}

#[test]
fn both_sides_quantized() -> Result<()> {
    for mode in [Mode::Nvfp4, Mode::Mxfp8] {
        let quantization = Quantization { group_size: mode.group_sizes()[0], bits: mode.bits()[0], mode };
        let (w, x) = (normal(&[8, 64], 0), normal(&[64], 1));
        let q = quantize(&w, quantization)?;
        let rounded = quantize(&x.reshape([1, 64])?, quantization)?.dequantize_as(Dtype::F32)?;
        let expected = rounded.matmul(&q.dequantize_as(Dtype::F32)?.t()?)?.squeeze(0)?;
        // A single vector is multiplied as it is, or as it is rounded.
        let loose = |found: &Array| -> Result<f32> { (found - &expected).abs()?.max(..)?.item() };
        assert!(loose(&q.qqmm(&x)?)? < 3.0);
        assert_eq!(q.qqmm(&x)?.shape()?, [8]);
    }
    Ok(())
}

#[test]
fn bytes_as_floats() -> Result<()> {
    let bytes: Vec<u8> = (0..=255).filter(|byte| byte & 0x7f != 0x7f).collect();
    let x = Array::from_slice(&bytes, &[254]);
    let expected: Vec<f64> = (bytes.iter())
        .map(|&byte| {
            let (exponent, fraction) = (i32::from(byte >> 3 & 15), f64::from(byte & 7) / 8.0);
            let size = if exponent == 0 {
                fraction * 2f64.powi(-6)
            } else {
                (1.0 + fraction) * 2f64.powi(exponent - 7)
            };
            if byte < 128 { size } else { -size }
        })
        .collect();
    for dtype in known([Dtype::F32, Dtype::F64])? {
        let numbers = x.from_fp8(dtype)?;
        assert_eq!((numbers.dtype()?, numbers.to_vec::<f64>()?), (dtype, expected.clone()));
        let again = numbers.to_fp8()?.to_vec::<u8>()?;
        let differing = again.iter().zip(&bytes).filter(|(x, y)| x != y && (**x | **y) & 0x7f != 0).count();
        assert_eq!(differing, 0);
    }
    for dtype in [Dtype::I32, Dtype::Bool, Dtype::C64] {
        assert!(x.from_fp8(dtype).is_err() && ones(&[2], dtype).to_fp8().is_err(), "{dtype}");
    }
    assert!(ones(&[2], Dtype::U16).from_fp8(Dtype::F32).is_err());
    Ok(())
}

#[test]
fn parts_that_disagree_are_refused() -> Result<()> {
    let good = quantize(&normal(&[4, 8, 64], 0), Quantization::affine(64, 4))?;
    let x = ones(&[1, 2, 64], Dtype::F32);
    assert!(good.project(&x).is_ok());
    let few = |x: &Array| x.slice(&[0, 0, 0], &[4, 2, x.dim(-1)?]);
    let with = |change: fn(&mut Quantized)| {
        let mut q = good.clone();
        change(&mut q);
        q
    };
    let bad = [
        Quantized {
            scales: few(&good.scales)?,
            biases: Some(few(good.biases.as_ref().unwrap())?),
            ..good.clone()
        },
        Quantized { weight: good.weight.reshape([4, 64])?, ..good.clone() },
        with(|q| q.biases = None),
        with(|q| q.biases = Some(ones(&[1], Dtype::F32))),
        with(|q| q.quantization.mode = Mode::Mxfp4),
        with(|q| q.quantization.bits = 0),
        with(|q| q.quantization.bits = 8),
        with(|q| q.quantization.group_size = 0),
        with(|q| q.quantization.group_size = 32),
        with(|q| q.weight = zeros(&[], Dtype::U32)),
        with(|q| q.scales = zeros(&[4, 8, 0], Dtype::F32)),
        with(|q| q.weight = zeros(&[4, 8, 8], Dtype::I32)),
    ];
    for q in bad {
        let what = format!("{q:?}");
        for result in [
            q.project(&x),
            q.project_back(&x),
            q.dequantize(),
            q.qqmm(&x),
            q.gather_project(&x, Gather::new()),
            q.gather_qqmm(&x, Gather::new()),
        ] {
            assert!(result.is_err(), "{what} gave {result:?}");
        }
    }
    for x in [ones(&[], Dtype::F32), ones(&[63], Dtype::F32), ones(&[2, 64], Dtype::C64)] {
        assert!(good.project(&x).is_err(), "{x:?}");
        assert!(good.gather_project(&x, Gather::new()).is_err(), "{x:?}");
        assert!(good.qqmm(&x).is_err(), "{x:?}");
    }
    let fractions = ones(&[1], Dtype::F32);
    assert!(good.gather_project(&x, Gather::new().rhs(&fractions)).is_err());
    assert!(good.gather_project(&ones(&[0, 2, 64], Dtype::F32), Gather::new()).is_err());
    Ok(())
}

#[test]
fn empty_products_are_empty() -> Result<()> {
    let q = quantize(&normal(&[4, 8, 64], 0), Quantization::affine(64, 4))?;
    let flat = quantize(&normal(&[8, 64], 0), Quantization::affine(64, 4))?;
    let choice = Array::from_slice(&[1u32, 2], &[2]);
    let none = ones(&[0, 64], Dtype::F32);
    assert_eq!(flat.project(&none)?.shape()?, [0, 8]);
    assert_eq!(flat.project(&none)?.to_vec::<f32>()?, [0.0; 0]);
    let floats = Quantization { group_size: 32, bits: 8, mode: Mode::Mxfp8 };
    let floats = quantize(&normal(&[8, 64], 0), floats)?;
    assert_eq!(floats.qqmm(&none)?.to_vec::<f32>()?, [0.0; 0]);
    assert!(flat.qqmm(&none).unwrap_err().message().contains("not to integers"));
    assert_eq!(flat.project_back(&ones(&[0, 8], Dtype::F32))?.shape()?, [0, 64]);
    let none = ones(&[1, 0, 64], Dtype::F32);
    let y = q.gather_project(&none, Gather::new().rhs(&choice))?;
    assert_eq!((y.shape()?, y.to_vec::<f32>()?), (&[2, 0, 8][..], vec![]));
    let nobody = Array::from_slice(&[0u32; 0], &[0]);
    let y = q.gather_project(&ones(&[1, 2, 64], Dtype::F32), Gather::new().rhs(&nobody))?;
    assert_eq!((y.shape()?, y.to_vec::<f32>()?), (&[0, 2, 8][..], vec![]));
    let empty = Quantized {
        weight: zeros(&[0, 8], Dtype::U32),
        scales: zeros(&[0, 1], Dtype::F32),
        biases: Some(zeros(&[0, 1], Dtype::F32)),
        quantization: Quantization::affine(64, 4),
    };
    assert_eq!(empty.project(&ones(&[3, 64], Dtype::F32))?.to_vec::<f32>()?, [0.0; 0]);
    let no_columns = Quantized {
        weight: zeros(&[4, 0], Dtype::U32),
        scales: zeros(&[4, 0], Dtype::F32),
        biases: Some(zeros(&[4, 0], Dtype::F32)),
        quantization: Quantization::affine(64, 4),
    };
    assert_eq!(no_columns.project(&ones(&[2, 0], Dtype::F32))?.to_vec::<f32>()?, [0.0; 8]);
    Ok(())
}
