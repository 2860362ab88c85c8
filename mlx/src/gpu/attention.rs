//! Attention of a language model that generates: one query per head over a buffer of keys and values.
//!
//! MLX copies keys and values that are part of a longer buffer, in each step.

use super::{compiled::compiled, element, prepared::Prepared, processors};
use crate::{
    Array, Dtype, Result,
    ffi::{
        graph::inputs,
        kernels::{
            Argument, Program, ProgramLaunch, ProgramParts, is_result_of, parameters, rewrite_gpu_everywhere,
        },
        stream,
    },
    kernels::Spec,
};
use std::cell::RefCell;

pub(super) const THREADS: i32 = 256;

/// In how many parts the keys of each of `groups` heads are attended to: a block takes so many at least, and all of them run
/// at once if they can.
pub(super) fn parts(capacity: i32, groups: i32) -> Result<i32> {
    const KEYS: i32 = 32;
    const MOST: i32 = 64;
    const BLOCKS: i32 = 2;
    let at_once = BLOCKS * processors()?.count / groups;
    Ok((capacity / KEYS).min(at_once).clamp(1, MOST))
}

/// The launch of `function` that puts the parts of so many heads together, from the first scratch memory in the first output.
pub(super) fn merge(function: &str, heads: i32, dim: i32, parts: i32) -> ProgramLaunch<'_> {
    let arguments = vec![Argument::Scratch(0), Argument::Output(0), Argument::Int(parts)];
    ProgramLaunch { function, blocks: heads, threads: dim, shared_memory: 0, arguments }
}

/// Bytes of the parts of so many heads.
pub(super) fn bytes_of_parts(heads: i32, parts: i32, dim: i32) -> usize {
    [heads, parts, dim + 2].iter().map(|extent| extent.unsigned_abs() as usize).product::<usize>()
        * size_of::<f32>()
}

pub(super) fn install() -> Result<()> {
    rewrite_gpu_everywhere("gpu", "ScaledDotProductAttention", |y| match Attention::of(y)? {
        Some(attention) => attention.record(),
        None => Ok(None),
    })
}

struct Attention {
    q: Array,
    /// `[batch, kv heads, capacity, dim]`.
    keys: Array,
    values: Array,
    /// How many keys there are.
    length: i32,
    shape: Shape,
}

/// What kernels are compiled and launched for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Shape {
    batch: i32,
    heads: i32,
    kv_heads: i32,
    capacity: i32,
    dim: i32,
    dtype: Dtype,
    /// The bits of the scale.
    scale: u32,
    stream: [u8; 8],
}

thread_local! {
    static PREPARED: Prepared<Shape> = Prepared::default();
    /// The number of keys as an array: the same in all layers.
    static LENGTH: RefCell<Option<(i32, Array)>> = const { RefCell::new(None) };
}

impl Attention {
    /// The attention that gives `y`, if it is of that kind.
    fn of(y: &Array) -> Result<Option<Attention>> {
        let Ok([q, k, v]) = <[Array; 3]>::try_from(inputs(y)?) else { return Ok(None) };
        let (Some(keys), Some(values)) = (buffer(&k)?, buffer(&v)?) else { return Ok(None) };
        let ([batch, heads, queries, dim], [_, kv_heads, length, _]) = (q.dims()?, k.dims()?);
        let dtype = q.dtype()?;
        let fits = queries == 1
            && matches!(dim, 64 | 128)
            && keys.shape()? == values.shape()?
            && matches!(heads / kv_heads, 1..=8)
            && keys.dtype()? == dtype
            && values.dtype()? == dtype
            && element(dtype).is_some();
        if !fits {
            return Ok(None);
        }
        let ([scale], _) = parameters::<1>(y)?;
        let scale = (scale as f32).to_bits();
        let stream = stream::key()?;
        let shape = Shape { batch, heads, kv_heads, capacity: keys.dim(2)?, dim, dtype, scale, stream };
        Ok(Some(Attention { q, keys, values, length, shape }))
    }

    fn record(&self) -> Result<Option<Array>> {
        let length = LENGTH.with_borrow_mut(|last| match last {
            Some((count, array)) if *count == self.length => array.clone(),
            _ => {
                let array = Array::from_slice(&[self.length.unsigned_abs()], &[1]);
                *last = Some((self.length, array.clone()));
                array
            }
        });
        let inputs = [&self.q, &self.keys, &self.values, &length];
        PREPARED.with(|known| known.call(self.shape, Shape::compile, |program| program.call_one(&inputs)))
    }
}

impl Shape {
    fn compile(&self) -> Result<Option<Program>> {
        use Argument::{Float, Input, Int, Scratch};
        let Shape { batch, heads, kv_heads, capacity, dim, dtype, scale, stream: _ } = *self;
        let (group, parts) = (heads / kv_heads, parts(capacity, batch * kv_heads)?);
        let names = ["attend", "merge"].map(|name| format!("{name}_{}_{dim}_{group}", self.element()));
        let scale = f32::from_bits(scale);
        let launches = [
            ProgramLaunch {
                function: &names[0],
                blocks: batch * kv_heads * parts,
                threads: THREADS,
                shared_memory: 0,
                arguments: vec![
                    Input(0),
                    Input(1),
                    Input(2),
                    Input(3),
                    Scratch(0),
                    Int(capacity),
                    Int(parts),
                    Float(scale),
                ],
            },
            merge(&names[1], batch * heads, dim, parts),
        ];
        let program = ProgramParts {
            module: &compiled(&self.source(&names, group))?,
            launches: &launches,
            outputs: &[Spec::new([batch, heads, 1, dim], dtype)],
            in_place: 0,
            scratch: &[bytes_of_parts(batch * heads, parts, dim)],
            places: None,
            positions: None,
        };
        // SAFETY: a block of the first reads keys and values below the length, which is at most the capacity, and writes the
        // numbers of its own part; one of the second reads the parts of its head and writes the head's elements, one a
        // thread. `Attention::of` has checked the shapes.
        unsafe { Program::new(&program) }.map(Some)
    }

    fn element(&self) -> &'static str {
        element(self.dtype).unwrap_or("float")
    }

    fn source(&self, [attend, merge]: &[String; 2], group: i32) -> String {
        let (element, dim) = (self.element(), self.dim);
        format!(
            "{}{}
extern \"C\" __global__ void __launch_bounds__({THREADS}) {attend}(
    const {element}* q, const {element}* keys, const {element}* values, const unsigned* length, float* parts, int capacity,
    int splits, float scale) {{
  attend<{element}, {dim}, {group}>(q, keys, values, length, parts, capacity, splits, scale);
}}
extern \"C\" __global__ void __launch_bounds__({dim}) {merge}(const float* parts, {element}* y, int splits) {{
  merge_parts<{element}, {dim}>(parts, y, splits);
}}
",
            include_str!("types.cu"),
            include_str!("attend.cu"),
        )
    }
}

/// The buffer that `part` is the first rows of, if it is that.
fn buffer(part: &Array) -> Result<Option<Array>> {
    const NUMBERS: usize = 3 * 4;
    if !is_result_of(part, "Slice") {
        return Ok(None);
    }
    let Ok([whole]) = <[Array; 1]>::try_from(inputs(part)?) else { return Ok(None) };
    let (numbers, count) = parameters::<NUMBERS>(part)?;
    let starts = numbers.chunks_exact(3).all(|axis| axis[0] == 0.0 && axis[2] == 1.0);
    let ([a, b, _, d], [e, f, _, g]) = (part.dims()?, whole.dims()?);
    Ok((count == NUMBERS && starts && (a, b, d) == (e, f, g)).then_some(whole))
}
