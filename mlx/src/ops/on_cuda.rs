//! What MLX does not compute on CUDA, or computes wrongly, in operations that it does compute there.

use crate::{
    Array, Device, Dtype, Result, Stream, axes, cuda, eye, ffi::matrix, nn::Quantization, stream::Scope,
};

/// Whether operations that are recorded now are computed by CUDA.
#[track_caller]
pub(crate) fn on_cuda() -> Result<bool> {
    Ok(Stream::current()?.device() == Device::Gpu && cuda::is_available()?)
}

/// What ones are scattered as where they are to be of `dtype`: MLX scatters no numbers of 64 bits.
#[track_caller]
pub(super) fn scattered(dtype: Dtype) -> Result<Dtype> {
    Ok(if dtype.size() == 8 && dtype != Dtype::F64 && on_cuda()? { Dtype::F32 } else { dtype })
}

/// The Hadamard transform times `scale`, where the rows are too short for MLX's kernel: a product with the matrix.
#[track_caller]
pub(super) fn hadamard_of_short_rows(x: &Array, scale: Option<f32>) -> Result<Option<Array>> {
    const SHORT: i32 = 16;
    let columns = x.shape()?.last().copied().unwrap_or(1);
    let base = if columns.count_ones() == 1 { 1 } else { 4 * (columns >> columns.trailing_zeros()) };
    let is_short = x.ndim()? > 0 && columns / base < SHORT;
    if is_short && on_cuda()? { hadamard_product(x, columns, scale).map(Some) } else { Ok(None) }
}

#[track_caller]
fn hadamard_product(x: &Array, columns: i32, scale: Option<f32>) -> Result<Array> {
    let on_the_cpu = Scope::cpu_instead("hadamard_transform")?;
    let rows = matrix::hadamard_transform(&eye(columns, x.dtype()?), scale)?;
    drop(on_the_cpu);
    x.matmul(&rows)
}

/// Whether MLX multiplies by quantized matrices of this shape: for a batch of them that is known only once the product is
/// to be computed, and for rows of one group its kernel for GPUs of the kind of an H100 gives numbers that nobody wrote.
#[track_caller]
pub(super) fn has_quantized_product(shape: &[i32], quantization: &Quantization) -> Result<bool> {
    let [.., columns] = shape else { return Ok(true) };
    Ok(shape.len() == 2 && *columns > quantization.group_size || !on_cuda()?)
}

/// Matrices whose columns lie together, for products with those that ascending positions pick. The kernel for these gives other
/// numbers once the graph that it is part of is used again; that for any positions takes such matrices alone.
#[track_caller]
pub(super) fn by_columns(matrices: &Array) -> Result<Option<Array>> {
    if !on_cuda()? {
        return Ok(None);
    }
    matrices.swapaxes(-1, -2)?.contiguous()?.swapaxes(-1, -2).map(Some)
}

/// Whether a norm of rows of this length has a gradient: the kernels leave out what is behind the last four elements.
#[track_caller]
pub(crate) fn has_gradient_of_norm(x: &Array) -> Result<bool> {
    const AT_ONCE: i32 = 4;
    Ok(x.shape()?.last().is_none_or(|columns| columns % AT_ONCE == 0) || !on_cuda()?)
}

/// `(x - mean(x)) / sqrt(var(x) + eps) * weight + bias` over the last axis; without the mean if not `centred`.
#[track_caller]
pub(crate) fn norm_in_parts(
    x: &Array,
    centred: bool,
    weight: Option<&Array>,
    bias: Option<&Array>,
    eps: f32,
) -> Result<Array> {
    let dtype = x.dtype()?;
    let wide = x.astype(Dtype::F32)?;
    let wide = if centred { &wide - wide.mean(axes(-1).keep())? } else { wide };
    let scale = (wide.square()?.mean(axes(-1).keep())? + eps).rsqrt()?;
    let mut y = (wide * scale).astype(dtype)?;
    if let Some(weight) = weight {
        y = y.multiply(weight)?;
    }
    if let Some(bias) = bias {
        y = y.add(bias)?;
    }
    y.astype(dtype)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fast, random, with_stream};

    fn on_the_cpu(test: impl FnOnce() -> Result<()>) -> Result<()> {
        with_stream(&Stream::default_of(Device::Cpu)?, test)
    }

    fn off(found: &Array, expected: &Array) -> Result<f32> {
        assert_eq!((found.shape()?, found.dtype()?), (expected.shape()?, expected.dtype()?));
        (found.astype(Dtype::F32)? - expected.astype(Dtype::F32)?).abs()?.max(..)?.item()
    }

    fn normal(shape: &[i32], seed: u64) -> Result<Array> {
        random::normal(shape, Dtype::F32, &random::key(seed)?)
    }

    #[test]
    fn products_with_the_matrix_are_hadamard_transforms() -> Result<()> {
        on_the_cpu(|| {
            for columns in [1, 2, 8, 12, 20, 24, 28, 40] {
                for scale in [None, Some(0.5)] {
                    let x = normal(&[2, 3, columns], 1)?;
                    let expected = matrix::hadamard_transform(&x, scale)?;
                    assert!(off(&hadamard_product(&x, columns, scale)?, &expected)? < 1e-4, "{columns}");
                }
            }
            Ok(())
        })
    }

    #[test]
    fn norms_in_parts_are_norms() -> Result<()> {
        on_the_cpu(|| {
            for dtype in [Dtype::F32, Dtype::F16] {
                let x = (normal(&[4, 6], 1)? * 3.0 + 1.0).astype(dtype)?;
                let (weight, bias) = (normal(&[6], 2)?.astype(dtype)?, normal(&[6], 3)?.astype(dtype)?);
                for (weight, bias) in [(None, None), (Some(&weight), None), (Some(&weight), Some(&bias))] {
                    let expected = fast::layer_norm(&x, weight, bias, 0.1)?;
                    assert!(off(&norm_in_parts(&x, true, weight, bias, 0.1)?, &expected)? < 5e-3);
                    let expected = fast::rms_norm(&x, weight, 0.1)?;
                    assert!(off(&norm_in_parts(&x, false, weight, None, 0.1)?, &expected)? < 5e-3);
                }
            }
            Ok(())
        })
    }
}
