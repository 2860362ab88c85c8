//! Products of a few vectors with a matrix: a step of a language model that generates.

use super::{element, prepared::Prepared, product_kernel::Shape};
use crate::{
    Array, Dtype, Result,
    ffi::{
        graph::{has_rows_in_memory, id, inputs},
        kernels::{is_result_of, parameters, rewrite_gpu_everywhere},
        stream,
    },
};

/// The most vectors.
const MOST_VECTORS: i32 = 8;
/// The most elements of all vectors together: more than there is shared memory for.
const MOST_COLUMNS: i32 = 1 << 17;

pub(super) fn install() -> Result<()> {
    const OP: &str = "gpu";
    for product in ["QuantizedMatmul", "Matmul"] {
        rewrite_gpu_everywhere(OP, product, |y| match Product::of(y)? {
            Some(product) => product.record(y),
            None => Ok(None),
        })?;
    }
    rewrite_gpu_everywhere(OP, "Add", |y| {
        let terms = inputs(y)?;
        for (residual, product) in [(0, 1), (1, 0)] {
            if terms[residual].shape()? == y.shape()?
                && terms[residual].dtype()? == y.dtype()?
                && let Some(product) = Product::of(&terms[product])?
            {
                let residual = Some(product.whole_residual(&terms[residual])?);
                return Product { residual, ..product }.record(y);
            }
        }
        Ok(None)
    })?;
    rewrite_gpu_everywhere(OP, "Multiply", |y| match gated(y)? {
        Some(product) => Product { swiglu: true, ..product }.record(y),
        None => Ok(None),
    })
}

/// A product that the kernels compute, and what it takes along.
#[derive(Clone)]
struct Product {
    x: Array,
    w: Array,
    /// Scales and biases, if the matrix is quantized; scales alone, if it has floats of 4 bits.
    scales: Vec<Array>,
    bits: i32,
    group_size: i32,
    /// How many vectors.
    vectors: i32,
    /// Elements of a vector.
    columns: i32,
    /// Whether the result is `silu` of its first half times its second.
    swiglu: bool,
    norm: Option<(Array, f32)>,
    residual: Option<Array>,
}

thread_local! {
    static PREPARED: Prepared<Shape> = Prepared::default();
}

impl Product {
    /// The product that gives `y`, if it is one of those.
    fn of(y: &Array) -> Result<Option<Product>> {
        if is_result_of(y, "QuantizedMatmul") {
            return Product::quantized(y);
        }
        let product = unshaped(y)?;
        if is_result_of(&product, "Matmul") && product.shape()?.last() == y.shape()?.last() {
            return Product::dense(&product);
        }
        Ok(None)
    }

    fn quantized(y: &Array) -> Result<Option<Product>> {
        let ([group_size, bits, mode, transposed], 4) = parameters::<4>(y)? else { return Ok(None) };
        const AFFINE: f64 = 0.0;
        const MXFP4: f64 = 1.0;
        let (group_size, bits) = (group_size as i32, bits as i32);
        let mut all = inputs(y)?.into_iter();
        let (Some(x), Some(w)) = (all.next(), all.next()) else { return Ok(None) };
        let scales: Vec<_> = all.collect();
        let same = |a: &Array| a.dtype().is_ok_and(|dtype| y.dtype().is_ok_and(|of_y| of_y == dtype));
        let is_affine =
            mode == AFFINE && matches!(bits, 4 | 8) && scales.len() == 2 && scales.iter().all(same);
        let is_float = mode == MXFP4 && scales.len() == 1;
        if transposed != 1.0 || !(is_affine || is_float) {
            return Ok(None);
        }
        Product::new(y, x, w, scales, bits, group_size)
    }

    /// One with the transpose of a matrix whose rows lie in memory one after the other.
    fn dense(y: &Array) -> Result<Option<Product>> {
        let Ok([x, transposed]) = <[Array; 2]>::try_from(inputs(y)?) else { return Ok(None) };
        if !is_result_of(&transposed, "Transpose") || parameters::<2>(&transposed)? != ([1.0, 0.0], 2) {
            return Ok(None);
        }
        let Some(w) = inputs(&transposed)?.into_iter().next() else { return Ok(None) };
        // For more vectors, and in `f32`, MLX's kernels read more of large matrices in a second.
        const LARGE: usize = 1 << 24;
        const FEW: usize = 4;
        let are_few_halves =
            y.dtype()? != Dtype::F32 && x.size()? <= FEW * x.dim(-1)?.unsigned_abs() as usize;
        let is_slow = w.size()? >= LARGE && !are_few_halves;
        if w.dtype()? != y.dtype()? || is_slow || !has_rows_in_memory(&w)? {
            return Ok(None);
        }
        let bits = 8 * w.dtype()?.size() as i32;
        Product::new(y, x, w, vec![], bits, 1)
    }

    fn new(
        y: &Array,
        x: Array,
        w: Array,
        scales: Vec<Array>,
        bits: i32,
        group_size: i32,
    ) -> Result<Option<Product>> {
        let columns = x.shape()?.last().copied().unwrap_or(0);
        let vectors = i32::try_from(x.size()?).unwrap_or(i32::MAX) / columns.max(1);
        let fits = w.ndim()? == 2
            && x.dtype()? == y.dtype()?
            && element(y.dtype()?).is_some()
            && columns % 32 == 0
            && (1..=MOST_VECTORS).contains(&vectors)
            && columns <= MOST_COLUMNS / vectors;
        let (swiglu, norm, residual) = (false, None, None);
        let product = Product { x, w, scales, bits, group_size, vectors, columns, swiglu, norm, residual };
        Ok(fits.then_some(product))
    }

    /// With the norm that gives `x`, if one does.
    fn with_norm(&self) -> Result<Option<Product>> {
        let normed = unshaped(&self.x)?;
        if !is_result_of(&normed, "RMSNorm") {
            return Ok(None);
        }
        let Ok([x, weight]) = <[Array; 2]>::try_from(inputs(&normed)?) else { return Ok(None) };
        let dtype = self.x.dtype()?;
        let is_whole = normed.shape()?.last() == Some(&self.columns);
        if !is_whole || weight.ndim()? != 1 || weight.dtype()? != dtype || x.dtype()? != dtype {
            return Ok(None);
        }
        let ([eps], _) = parameters::<1>(&normed)?;
        Ok(Some(Product { x, norm: Some((weight, eps as f32)), ..self.clone() }))
    }

    /// What is added to the only vector, if that is `term` broadcast: its elements lie where those of `term` would.
    fn whole_residual(&self, term: &Array) -> Result<Array> {
        if self.vectors == 1 && is_result_of(term, "Broadcast") {
            let whole = inputs(term)?.into_iter().next();
            if let Some(whole) = whole.filter(|whole| whole.size().ok() == term.size().ok()) {
                return Ok(whole);
            }
        }
        Ok(term.clone())
    }

    /// Records the product in the place of `y`, with the norm before it if a kernel takes both.
    fn record(&self, y: &Array) -> Result<Option<Array>> {
        if let Some(product) = self.with_norm()?
            && let Some(array) = product.launch(y)?
        {
            return Ok(Some(array));
        }
        self.launch(y)
    }

    fn launch(&self, y: &Array) -> Result<Option<Array>> {
        let shape = Shape {
            y: y.shape()?.to_vec(),
            dtype: y.dtype()?,
            rows: self.w.dim(0)?,
            columns: self.columns,
            vectors: self.vectors,
            bits: self.bits,
            group_size: self.group_size,
            floats: self.scales.len() == 1,
            swiglu: self.swiglu,
            norm: self.norm.as_ref().map(|(_, eps)| eps.to_bits()),
            residual: self.residual.is_some(),
            stream: stream::key()?,
        };
        let mut inputs = vec![&self.x, &self.w];
        inputs.extend(&self.scales);
        inputs.extend(self.norm.as_ref().map(|(weight, _)| weight));
        inputs.extend(&self.residual);
        PREPARED.with(|known| known.call(shape, Shape::compile, |program| program.call_one(&inputs)))
    }
}

/// The array whose elements `x` has in the same order, in another shape: products of matrices are recorded between two such.
fn unshaped(x: &Array) -> Result<Array> {
    const SHAPES: [&str; 5] = ["Flatten", "Unflatten", "Reshape", "ExpandDims", "Squeeze"];
    let mut x = x.clone();
    while SHAPES.iter().any(|name| is_result_of(&x, name)) {
        let Some(before) = inputs(&x)?.into_iter().next() else { break };
        x = before;
    }
    Ok(x)
}

/// The product of which `y` is `silu` of the first half times the second, if it is that.
fn gated(y: &Array) -> Result<Option<Product>> {
    let Ok([silu, up]) = <[Array; 2]>::try_from(inputs(y)?) else { return Ok(None) };
    if !is_result_of(&silu, "Multiply") || !is_result_of(&up, "Slice") {
        return Ok(None);
    }
    let Ok([gate, sigmoid]) = <[Array; 2]>::try_from(inputs(&silu)?) else { return Ok(None) };
    if !is_result_of(&sigmoid, "Sigmoid") || !is_result_of(&gate, "Slice") {
        return Ok(None);
    }
    let same = |a: &Array, b: &Array| id(a).ok() == id(b).ok();
    if !same(&inputs(&sigmoid)?[0], &gate) {
        return Ok(None);
    }
    let (whole, other) = (&inputs(&gate)?[0], &inputs(&up)?[0]);
    let half = y.shape()?.last().copied().unwrap_or(0);
    let is_half = |part: &Array, start: i32| -> Result<bool> {
        const MOST: usize = 3 * 4;
        let (numbers, count) = parameters::<MOST>(part)?;
        let Some(last) = numbers.get(..count).and_then(|numbers| numbers.last_chunk::<3>()) else {
            return Ok(false);
        };
        Ok(part.shape()? == y.shape()? && *last == [f64::from(start), f64::from(start + half), 1.0])
    };
    let halves = same(whole, other)
        && whole.shape()?.last() == Some(&(2 * half))
        && is_half(&gate, 0)?
        && is_half(&up, half)?;
    if halves { Product::of(whole) } else { Ok(None) }
}
