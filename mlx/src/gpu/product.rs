//! Products of a few vectors with a quantized matrix: a step of a language model that generates.

use super::element;
use crate::{
    Array, Dtype, Result,
    ffi::{
        graph::inputs,
        kernels::{
            Argument, Program, ProgramLaunch, ProgramParts, is_result_of, parameters, rewrite_gpu_everywhere,
        },
        stream,
    },
    kernels::{Spec, compile_cuda},
};
use std::{cell::RefCell, collections::HashMap};

/// The most vectors.
const MOST_VECTORS: i32 = 8;
/// Bytes of shared memory that every GPU gives without being asked for more.
const SHARED_MEMORY: i32 = 48 << 10;
const WARPS: i32 = 8;

pub(super) fn install() -> Result<()> {
    const OP: &str = "gpu";
    rewrite_gpu_everywhere(OP, "QuantizedMatmul", |y| match Product::of(y)? {
        Some(product) => product.with_norm()?.record(y),
        None => Ok(None),
    })?;
    rewrite_gpu_everywhere(OP, "Add", |y| {
        let terms = inputs(y)?;
        for (residual, product) in [(0, 1), (1, 0)] {
            if terms[residual].shape()? == y.shape()?
                && let Some(product) = Product::of(&terms[product])?
            {
                let residual = Some(terms[residual].clone());
                return Product { residual, ..product }.record(y);
            }
        }
        Ok(None)
    })?;
    rewrite_gpu_everywhere(OP, "Multiply", |y| match gated(y)? {
        Some(product) => Product { swiglu: true, ..product.with_norm()? }.record(y),
        None => Ok(None),
    })
}

/// A product that the kernel computes, and what it takes along.
struct Product {
    x: Array,
    w: Array,
    scales: Array,
    biases: Array,
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

/// What a kernel is compiled and launched for.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    shape: Vec<i32>,
    dtype: Dtype,
    bits: i32,
    group_size: i32,
    columns: i32,
    swiglu: bool,
    /// The bits of eps.
    norm: Option<i32>,
    residual: bool,
    stream: [u8; 8],
}

thread_local! {
    static PREPARED: RefCell<HashMap<Key, Program>> = RefCell::default();
}

impl Product {
    /// The product that gives `y`, if it is one of those.
    fn of(y: &Array) -> Result<Option<Product>> {
        if !is_result_of(y, "QuantizedMatmul") {
            return Ok(None);
        }
        let ([group_size, bits, mode, transposed], 4) = parameters::<4>(y)? else { return Ok(None) };
        let (group_size, bits) = (group_size as i32, bits as i32);
        let Ok([x, w, scales, biases]) = <[Array; 4]>::try_from(inputs(y)?) else { return Ok(None) };
        let dtype = y.dtype()?;
        let same = [&x, &scales, &biases].into_iter().all(|a| a.dtype().is_ok_and(|d| d == dtype));
        let columns = x.shape()?.last().copied().unwrap_or(0);
        let vectors = i32::try_from(x.size()?).unwrap_or(i32::MAX) / columns.max(1);
        let fits = mode == 0.0
            && transposed == 1.0
            && matches!(bits, 4 | 8)
            && w.ndim()? == 2
            && same
            && element(dtype).is_some()
            && columns % 32 == 0
            && (1..=MOST_VECTORS).contains(&vectors)
            && vectors * columns * dtype.size() as i32 <= SHARED_MEMORY;
        let (swiglu, norm, residual) = (false, None, None);
        Ok(fits.then_some(Product {
            x,
            w,
            scales,
            biases,
            bits,
            group_size,
            vectors,
            columns,
            swiglu,
            norm,
            residual,
        }))
    }

    /// With the norm that gives `x`, if one does.
    fn with_norm(mut self) -> Result<Product> {
        if self.vectors > 1 || !is_result_of(&self.x, "RMSNorm") {
            return Ok(self);
        }
        let Ok([x, weight]) = <[Array; 2]>::try_from(inputs(&self.x)?) else { return Ok(self) };
        let dtype = self.x.dtype()?;
        if weight.ndim()? == 1 && weight.dtype()? == dtype && x.dtype()? == dtype {
            let ([eps], _) = parameters::<1>(&self.x)?;
            (self.x, self.norm) = (x, Some((weight, eps as f32)));
        }
        Ok(self)
    }

    /// Records the product in the place of `y`.
    fn record(&self, y: &Array) -> Result<Option<Array>> {
        let key = Key {
            shape: y.shape()?.to_vec(),
            dtype: y.dtype()?,
            bits: self.bits,
            group_size: self.group_size,
            columns: self.columns,
            swiglu: self.swiglu,
            norm: self.norm.as_ref().map(|(_, eps)| eps.to_bits() as i32),
            residual: self.residual.is_some(),
            stream: stream::key()?,
        };
        let mut inputs = vec![&self.x, &self.w, &self.scales, &self.biases];
        inputs.extend(self.norm.as_ref().map(|(weight, _)| weight));
        inputs.extend(&self.residual);
        PREPARED.with_borrow_mut(|known| {
            if let Some(program) = known.get(&key) {
                return program.call_one(&inputs).map(Some);
            }
            let program = self.compile(&key, inputs.len())?;
            let y = program.call_one(&inputs)?;
            known.insert(key, program);
            Ok(Some(y))
        })
    }

    fn compile(&self, key: &Key, inputs: usize) -> Result<Program> {
        let outputs = key.shape.last().copied().unwrap_or(1);
        let rows = if outputs >= 16384 && !key.swiglu {
            4
        } else if outputs >= 1024 {
            2
        } else {
            1
        };
        let (name, source) = self.source(key, rows);
        let eps = key.norm.map_or(0.0, |bits| f32::from_bits(bits as u32));
        let mut arguments: Vec<_> = (0..inputs).map(Argument::Input).collect();
        let scalars = [Argument::Int(self.w.dim(0)?), Argument::Int(self.columns), Argument::Float(eps)];
        arguments.extend([Argument::Output(0)].into_iter().chain(scalars));
        let launch = ProgramLaunch {
            function: &name,
            blocks: (outputs + rows * WARPS - 1) / (rows * WARPS),
            threads: WARPS * 32,
            shared_memory: self.vectors * self.columns * key.dtype.size() as i32,
            arguments,
        };
        let program = ProgramParts {
            module: &compile_cuda(&source)?,
            launches: &[launch],
            outputs: &[Spec::new(&key.shape[..], key.dtype)],
            in_place: 0,
            scratch: &[],
            places: None,
            positions: None,
        };
        // SAFETY: a warp writes the elements of its own rows, of which there are as many as the launch has warps for; it
        // reads rows below their number, and vectors of as many elements as a row has. `Product::of` has checked the rest.
        unsafe { Program::new(&program) }
    }

    /// The kernel's name, which tells it from all others, and its source.
    fn source(&self, key: &Key, rows: i32) -> (String, String) {
        let element = element(key.dtype).unwrap_or("float");
        let Key { bits, group_size, swiglu, residual, .. } = *key;
        let (vectors, norm) = (self.vectors, key.norm.is_some());
        let flag = |set: bool, name| if set { name } else { "" };
        let name = format!(
            "qmv_{element}_{bits}_{group_size}_{vectors}_{rows}{}{}{}",
            flag(norm, "_norm"),
            flag(swiglu, "_swiglu"),
            flag(residual, "_residual")
        );
        let parameter =
            |set: bool, name| if set { format!("const {element}* {name}, ") } else { String::new() };
        let argument = |set: bool, name| if set { name } else { "x" };
        // Two blocks of a processor hide each other's waits: 128 registers a thread.
        let threads = WARPS * 32;
        let source = format!(
            "{}
extern \"C\" __global__ void __launch_bounds__({threads}, 2) {name}(
    const {element}* x, const uint4* w, const {element}* scales, const {element}* biases, {}{}{element}* y, int rows,
    int columns, float eps) {{
  qmv<{element}, {bits}, {group_size}, {vectors}, {rows}, {norm}, {swiglu}, {residual}>(
      x, w, scales, biases, {}, {}, y, rows, columns, eps);
}}
",
            include_str!("qmv.cu"),
            parameter(norm, "norm"),
            parameter(residual, "residual"),
            argument(norm, "norm"),
            argument(residual, "residual"),
        );
        (name, source)
    }
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
    let same = |a: &Array, b: &Array| crate::ffi::graph::id(a).ok() == crate::ffi::graph::id(b).ok();
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
