//! Whether arrays are what Python gave.

use mlx::{Array, Complex32, Dtype, Result};

/// Why the arrays differ, if they do by more than `slack` times what numbers may be off by.
pub(crate) fn difference(found: &[Array], expected: &[Array], slack: f64) -> Option<String> {
    if found.len() != expected.len() {
        return Some(format!("{} arrays, Python gives {}", found.len(), expected.len()));
    }
    let pairs = found.iter().zip(expected).enumerate();
    pairs.into_iter().find_map(|(i, (found, expected))| {
        let text = one(found, expected, slack).unwrap_or_else(|error| Some(error.to_string()))?;
        Some(format!("output {i}: {text}"))
    })
}

fn one(found: &Array, expected: &Array, slack: f64) -> Result<Option<String>> {
    if (found.shape()?, found.dtype()?) != (expected.shape()?, expected.dtype()?) {
        let what = |x: &Array| Ok::<_, mlx::Error>(format!("{:?} of {}", x.shape()?, x.dtype()?));
        return Ok(Some(format!("{}, Python's is {}", what(found)?, what(expected)?)));
    }
    let tolerance = slack * tolerance(found.dtype()?);
    let equal = |found: &[f64], expected: &[f64]| {
        let close = |(f, e): (&f64, &f64)| {
            f == e || (f.is_nan() && e.is_nan()) || (f - e).abs() <= tolerance * e.abs().max(1.0)
        };
        found.iter().zip(expected).all(close)
    };
    let same = match found.dtype()? {
        Dtype::I64 => found.to_vec::<i64>()? == expected.to_vec::<i64>()?,
        Dtype::U64 => found.to_vec::<u64>()? == expected.to_vec::<u64>()?,
        Dtype::C64 => equal(&parts(found)?, &parts(expected)?),
        _ => equal(&found.to_vec::<f64>()?, &expected.to_vec::<f64>()?),
    };
    Ok((!same).then(|| format!("{found:?}\nPython's is {expected:?}")))
}

/// Relative above one, absolute below.
fn tolerance(dtype: Dtype) -> f64 {
    match dtype {
        Dtype::F64 => 1e-9,
        Dtype::F32 | Dtype::C64 => 1e-5,
        Dtype::F16 => 2e-3,
        Dtype::Bf16 => 2e-2,
        _ => 0.0,
    }
}

/// Real and imaginary parts.
pub(crate) fn parts(x: &Array) -> Result<Vec<f64>> {
    let numbers = x.to_vec::<Complex32>()?;
    Ok(numbers.into_iter().flat_map(|number| [number.re.into(), number.im.into()]).collect())
}
