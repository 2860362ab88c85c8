//! Products with quantized matrices.

use super::{
    fused::{Fused, record, recorded},
    fuses,
    views::{common, floats, floats_mut, is_float, rows},
};
use crate::{
    Array, Dtype, Error, Result,
    ffi::{
        graph::inputs,
        kernels::{is_result_of, parameters},
        quantized as ops,
    },
    kernels::{CpuKernel, Layout, Spec, View, ViewMut, replace_cpu_everywhere},
    nn::{self, Mode, Quantization},
};
use mlx_cpu::quantized::{Encoding, Quantized, project_picked};
use std::sync::Arc;

pub(super) fn install() -> Result<()> {
    replace_cpu_everywhere("QuantizedMatmul", |parameters| {
        super::is_default_device().then(|| Product::of(parameters).map(Arc::new)).flatten()
    })?;
    replace_cpu_everywhere("GatherQMM", |parameters| {
        let (product, _sorted) = parameters.split_at_checked(4)?;
        let product = Product::of(product)?;
        (super::is_default_device() && product.transpose).then(|| Arc::new(Picked { product }))
    })
}

/// `quantized_matmul` of `x` with a matrix whose scales have another dtype, where it can be computed without converting
/// those; `None` otherwise.
#[track_caller]
pub(crate) fn quantized_matmul(x: &Array, matrix: &nn::Quantized, transpose: bool) -> Result<Option<Array>> {
    let Some(biases) = &matrix.biases else { return Ok(None) };
    let (of_x, of_scales) = (x.dtype()?, matrix.scales.dtype()?);
    if !fuses()? || of_x == of_scales || !is_float(of_x) || !is_float(of_scales) || matrix.weight.ndim()? != 2
    {
        return Ok(None);
    }
    let columns = if transpose {
        matrix.scales.dim(-2)?
    } else {
        matrix.scales.dim(-1)? * matrix.quantization.group_size
    };
    let product = Product { quantization: matrix.quantization, transpose };
    record(Mixed { product, columns }, &[x, &matrix.weight, &matrix.scales, biases]).map(|[y]| Some(y))
}

/// The vectors and the transposed matrix whose products `y` is yet to become.
pub(super) fn projection(y: &Array) -> Result<Option<(Array, nn::Quantized)>> {
    if !is_result_of(y, "QuantizedMatmul") {
        return Ok(None);
    }
    let product = match recorded::<Mixed>(y)? {
        Some((mixed, _)) => Some(mixed.0.product.clone()),
        None => match parameters::<4>(y)? {
            (parameters, 4) => Product::of(&parameters),
            _ => None,
        },
    };
    let Some(Product { quantization, transpose: true }) = product else { return Ok(None) };
    let mut inputs = inputs(y)?.into_iter();
    let (Some(x), Some(weight), Some(scales), biases) =
        (inputs.next(), inputs.next(), inputs.next(), inputs.next())
    else {
        return Ok(None);
    };
    Ok(Some((x, nn::Quantized { weight, scales, biases, quantization })))
}

/// `x` times a quantized matrix, which may be transposed.
#[derive(Clone, PartialEq)]
pub(super) struct Product {
    quantization: Quantization,
    transpose: bool,
}

impl Product {
    /// From the parameters of MLX's operation.
    fn of(parameters: &[f64]) -> Option<Product> {
        let &[group_size, bits, mode, transpose] = parameters else { return None };
        let mode = match mode as i32 {
            0 => Mode::Affine,
            1 => Mode::Mxfp4,
            2 => Mode::Mxfp8,
            3 => Mode::Nvfp4,
            _ => return None,
        };
        let quantization = Quantization { group_size: group_size as i32, bits: bits as i32, mode };
        Some(Product { quantization, transpose: transpose != 0.0 })
    }

    /// `x` times a transposed matrix.
    pub(super) fn transposed(quantization: Quantization) -> Product {
        Product { quantization, transpose: true }
    }

    fn compute(&self, inputs: &[View<'_>], output: &mut ViewMut<'_>) -> Result<()> {
        let [x, parts @ ..] = inputs else { return Err(missing()) };
        let matrix = self.matrix(parts)?;
        let (m, x, output) = (rows(x).0, floats(x)?, floats_mut(output)?);
        if self.transpose {
            matrix.project(x, m, output)
        } else {
            matrix.project_back(x, m, output)
        }
        Ok(())
    }

    /// The matrix of words, scales and perhaps biases.
    pub(super) fn matrix<'a>(&self, parts: &[View<'a>]) -> Result<Quantized<'a>> {
        self.stack(parts)?.first().copied().ok_or_else(missing)
    }

    /// The same, recorded as MLX's operation.
    pub(super) fn compose(&self, x: &Array, parts: &[Array]) -> Result<Array> {
        let Quantization { group_size, bits, mode } = self.quantization;
        let [weight, scales, biases @ ..] = parts else { return Err(missing()) };
        let (group_size, bits, biases) = (Some(group_size), Some(bits), biases.first());
        ops::quantized_matmul(x, weight, scales, biases, self.transpose, group_size, bits, mode.name())
    }

    /// The matrices of a batch, from words, scales and perhaps biases.
    fn stack<'a>(&self, parts: &[View<'a>]) -> Result<Vec<Quantized<'a>>> {
        let Quantization { group_size, bits, mode } = self.quantization;
        let (words, scales) = (parts.first().ok_or_else(missing)?, parts.get(1).ok_or_else(missing)?);
        let [.., count, groups] = scales.shape() else { return Err(missing()) };
        let (count, groups) = (*count as usize, *groups as usize);
        let columns = groups * group_size as usize;
        let (all, words) = (count * groups, words.as_slice::<u32>()?);
        let matrix = |i: usize| {
            let encoding = match mode {
                Mode::Affine => Encoding::Affine {
                    bits: bits as usize,
                    group_size: group_size as usize,
                    scales: floats(scales)?.part(i * all, all),
                    biases: floats(parts.get(2).ok_or_else(missing)?)?.part(i * all, all),
                },
                Mode::Mxfp4 => Encoding::Mxfp4 { scales: &scales.as_slice()?[i * all..][..all] },
                Mode::Nvfp4 => Encoding::Nvfp4 { scales: &scales.as_slice()?[i * all..][..all] },
                Mode::Mxfp8 => Encoding::Mxfp8 { scales: &scales.as_slice()?[i * all..][..all] },
            };
            let size = count * columns * bits as usize / 32;
            Ok(Quantized::new(count, columns, &words[i * size..][..size], encoding))
        };
        (0..scales.size().checked_div(all).unwrap_or(0)).map(matrix).collect()
    }
}

fn missing() -> Error {
    Error::invalid("quantized_matmul", "a part of the matrix is missing")
}

impl CpuKernel for Product {
    fn replaces(&self) -> &str {
        "QuantizedMatmul"
    }

    fn strided_inputs(&self) -> bool {
        false
    }

    fn accepts(&self, inputs: &[Layout<'_>], outputs: &[Layout<'_>]) -> bool {
        let affine = self.quantization.mode == Mode::Affine;
        // Batches of matrices are rare; and who transposes scales wants nothing fast.
        inputs.len() == if affine { 4 } else { 3 }
            && is_float(inputs[0].dtype())
            && is_float(outputs[0].dtype())
            && inputs[1..].iter().all(|part| part.shape().len() == 2 && part.is_row_contiguous())
            && inputs[1].dtype() == Dtype::U32
    }

    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        self.compute(inputs, &mut outputs[0])
    }
}

/// Products with matrices of a batch, which indices pick.
struct Picked {
    product: Product,
}

impl CpuKernel for Picked {
    fn replaces(&self) -> &str {
        "GatherQMM"
    }

    fn strided_inputs(&self) -> bool {
        false
    }

    fn accepts(&self, inputs: &[Layout<'_>], outputs: &[Layout<'_>]) -> bool {
        let parts = if self.product.quantization.mode == Mode::Affine { 3 } else { 2 };
        let dtypes = inputs.iter().map(|input| input.dtype()).collect::<Vec<_>>();
        inputs.len() == parts + 3
            && is_float(dtypes[0])
            && is_float(outputs[0].dtype())
            && inputs[0].shape().len() >= 2
            && inputs[1..=parts].iter().all(|part| part.shape().len() >= 2 && part.is_row_contiguous())
            && dtypes[1] == Dtype::U32
            && dtypes[parts + 1..] == [Dtype::U32; 2]
    }

    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        let wrong = || Error::invalid("gather_qmm", "a pick of a matrix that does not exist");
        let ([x, parts @ ..], Some(picks)) = (inputs, inputs.len().checked_sub(2)) else {
            return Err(wrong());
        };
        let (parts, picks) = parts.split_at(picks - 1);
        let places = |picks: &View<'_>, count: usize| {
            let places = picks.as_slice::<u32>()?.iter().map(|&i| i as usize).collect::<Vec<_>>();
            if places.iter().all(|&i| i < count) { Ok(places) } else { Err(wrong()) }
        };
        let (stack, shape) = (self.product.stack(parts)?, x.shape());
        let count = shape[shape.len() - 2] as usize;
        let blocks = rows(x).0 / count.max(1);
        let (of_x, of_stack) = (places(&picks[0], blocks)?, places(&picks[1], stack.len())?);
        project_picked(&stack, floats(x)?, count, &of_x, &of_stack, floats_mut(&mut outputs[0])?);
        Ok(())
    }
}

/// A product with scales of another dtype than `x`, which MLX would convert each time.
#[derive(PartialEq)]
struct Mixed {
    product: Product,
    columns: i32,
}

impl Fused for Mixed {
    const NAME: &'static str = "QuantizedMatmul";

    fn output(&self, inputs: &[Spec]) -> Spec {
        let mut shape = inputs[0].shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = self.columns;
        }
        Spec::new(shape, common([inputs[0].dtype, inputs[2].dtype]))
    }

    fn eval(&self, inputs: &[View<'_>], output: &mut ViewMut<'_>) -> Result<()> {
        self.product.compute(inputs, output)
    }

    fn compose(&self, inputs: &[Array]) -> Result<Array> {
        let [x, parts @ ..] = inputs else { return Err(missing()) };
        self.product.compose(x, parts)
    }

    fn strided(&self) -> bool {
        false
    }
}
