//! A step of decoding: keys and values of one token are rotated, appended to those of its sequence, and attended to.

use super::{
    attention::{THREADS, bytes_of_parts, merge, parts},
    compiled::compiled,
    element, is_in_use,
    prepared::Prepared,
};
use crate::{
    Array, Dtype, Result,
    fast::{Room, Sequence, Unrotated},
    ffi::{
        graph::inputs,
        kernels::{Argument, Program, ProgramLaunch, ProgramParts, is_result_of, parameters},
        stream,
    },
    kernels::Spec,
};
use std::cell::RefCell;

/// The most sequences: each has two addresses among the arguments of a launch.
const MOST: usize = 16;

/// [`append_and_attend`](crate::fast::append_and_attend) of arguments that have been checked.
#[track_caller]
pub(crate) fn append_and_attend(
    [q, k, v]: [&Array; 3],
    sequences: &mut [Sequence<'_>],
    scale: f32,
) -> Result<Option<Array>> {
    if sequences.iter().any(|sequence| sequence.count != 1)
        || !is_in_use()?
        || !fits(q, k, v, sequences.len())?
    {
        return Ok(None);
    }
    let [batch, kv_heads, _, dim] = k.dims()?;
    let dtype = q.dtype()?;
    let Some(Room { memory, places }) = Room::of(k, v, sequences)? else { return Ok(None) };
    let rotation = Rotation::of(q, k)?;
    let [q, k] = rotation.as_ref().map_or([q, k], |(_, before)| [&before.q, &before.k]);
    let origins = [Origin::of(q)?, Origin::of(k)?, Origin::of(v)?];
    let capacities = memory.iter().map(|memory| memory.dim(2)).collect::<Result<Vec<_>>>()?;
    let shape = Shape {
        batch,
        heads: q.dim(1)?,
        kv_heads,
        dim,
        capacities,
        dtype,
        scale: scale.to_bits(),
        origins: origins.each_ref().map(|origin| (origin.at, origin.stride)),
        rotation: rotation.as_ref().map(|(rotation, _)| *rotation),
        stream: stream::key()?,
    };
    let places = places_array(places)?;
    let mut all: Vec<&Array> = origins.iter().map(|origin| &origin.whole).collect();
    all.push(&places);
    if let Some((_, before)) = &rotation {
        all.extend(before.offsets.iter().chain(&before.freqs));
    }
    all.extend(&memory);
    for array in &all {
        if array.handle()?.is_tracer() {
            return Ok(None);
        }
    }
    let call = |program: &Program| program.call(&all);
    let Some(outputs) = PREPARED.with(|known| known.call(shape, Shape::compile, call))? else {
        return Ok(None);
    };
    let mut outputs = outputs.into_iter();
    let y = outputs.next();
    Room::filled(outputs.collect(), sequences);
    Ok(y)
}

/// Whether there is a kernel for these.
fn fits(q: &Array, k: &Array, v: &Array, sequences: usize) -> Result<bool> {
    let ([_, heads, _, dim], [_, kv_heads, _, _]) = (q.dims()?, k.dims()?);
    let group = heads / kv_heads;
    let dims = matches!((dim, group), (64 | 128, 1..=8) | (256, 1..=4));
    Ok(dims && (1..=MOST).contains(&sequences) && v.dim(3)? == dim && element(q.dtype()?).is_some())
}

thread_local! {
    static PREPARED: Prepared<Shape> = Prepared::default();
    /// Where tokens go, as an array: the same in all layers.
    static PLACES: RefCell<Option<(Vec<i32>, Array)>> = const { RefCell::new(None) };
}

fn places_array(places: Vec<i32>) -> Result<Array> {
    PLACES.with_borrow_mut(|last| match last {
        Some((same, array)) if *same == places => Ok(array.clone()),
        _ => {
            let array = Array::from_slice(&places, &[places.len() as i32 / 2, 2]);
            *last = Some((places, array.clone()));
            Ok(array)
        }
    })
}

/// Has the next step take an array of its own for places: those of the last one are no longer what they were.
pub(crate) fn forget_places() {
    PLACES.take();
}

/// How queries and keys are rotated.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Rotation {
    dims: i32,
    traditional: bool,
    /// The bits of base and scale.
    base: u32,
    scale: u32,
    /// Whether there is one position per sequence.
    each: bool,
    freqs: bool,
}

impl Rotation {
    /// How `q` and `k` are rotated, and what they were before, if that is the last that happens to both.
    fn of(q: &Array, k: &Array) -> Result<Option<(Rotation, Unrotated)>> {
        if !is_result_of(q, "RoPE") || !is_result_of(k, "RoPE") {
            return Ok(None);
        }
        let of_q = parameters::<5>(q)?;
        let ([dims, traditional, base, scale, 1.0], 5) = of_q else { return Ok(None) };
        let before = Unrotated::of(q, k)?.filter(|_| parameters::<5>(k).is_ok_and(|of_k| of_k == of_q));
        let Some(before) = before else { return Ok(None) };
        let [offset, other] = &before.offsets;
        let are_integers = offset.dtype()? == Dtype::I32 && other.dtype()? == Dtype::I32;
        let rotation = Rotation {
            dims: dims as i32,
            traditional: traditional == 1.0,
            base: (base as f32).to_bits(),
            scale: (scale as f32).to_bits(),
            each: offset.size()? > 1,
            freqs: before.freqs.is_some(),
        };
        Ok((are_integers && offset.size()? == other.size()?).then_some((rotation, before)))
    }
}

/// Where vectors `[batch, heads, 1, dim]` come from: elements of a wider array, one row per batch entry.
struct Origin {
    whole: Array,
    at: i32,
    stride: i32,
}

impl Origin {
    fn of(x: &Array) -> Result<Origin> {
        let [batch, heads, _, dim] = x.dims()?;
        let (mut origin, width) = (Origin { whole: x.clone(), at: 0, stride: heads * dim }, heads * dim);
        let Some(rows) = only_input(x, "Reshape")?.filter(|rows| is_rows(rows, batch, width)) else {
            return Ok(origin);
        };
        origin.whole = rows.clone();
        let Some(whole) = only_input(&rows, "Slice")? else { return Ok(origin) };
        let ([.., at, end, step], 9) = parameters::<9>(&rows)? else { return Ok(origin) };
        let all = whole.shape()?.last().copied().unwrap_or(0);
        if is_rows(&whole, batch, all) && step == 1.0 && end - at == f64::from(width) {
            origin = Origin { whole, at: at as i32, stride: all };
        }
        Ok(origin)
    }
}

fn is_rows(x: &Array, batch: i32, width: i32) -> bool {
    x.shape().is_ok_and(|shape| shape == [batch, 1, width])
}

fn only_input(x: &Array, operation: &str) -> Result<Option<Array>> {
    if !is_result_of(x, operation) {
        return Ok(None);
    }
    Ok(inputs(x)?.into_iter().next())
}

/// What kernels are compiled and launched for.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Shape {
    batch: i32,
    heads: i32,
    kv_heads: i32,
    dim: i32,
    /// Of the keys of each sequence, then of its values, which are as many.
    capacities: Vec<i32>,
    dtype: Dtype,
    /// The bits of the scale.
    scale: u32,
    /// Where queries, keys and values begin in theirs, and from row to row.
    origins: [(i32, i32); 3],
    rotation: Option<Rotation>,
    stream: [u8; 8],
}

impl Shape {
    fn compile(&self) -> Result<Option<Program>> {
        let Shape { batch, heads, kv_heads, dim, dtype, .. } = *self;
        let (group, count) = (heads / kv_heads, batch.unsigned_abs() as usize);
        let parts = parts(self.capacities.iter().copied().max().unwrap_or(0), batch * kv_heads)?;
        let names = ["step", "merge"].map(|name| format!("{name}_{}_{dim}_{group}", self.element()));
        let launches = [
            ProgramLaunch {
                function: &names[0],
                blocks: batch * kv_heads * parts,
                threads: THREADS,
                shared_memory: 0,
                arguments: self.arguments(count, parts),
            },
            merge(&names[1], batch * heads, dim, parts),
        ];
        let memory = self.capacities.iter().map(|capacity| Spec::new([1, kv_heads, *capacity, dim], dtype));
        let outputs: Vec<_> = [Spec::new([batch, heads, 1, dim], dtype)].into_iter().chain(memory).collect();
        let program = ProgramParts {
            module: &compiled(&self.source(&names, count))?,
            launches: &launches,
            outputs: &outputs,
            in_place: 2 * count,
            scratch: &[bytes_of_parts(batch * heads, parts, dim)],
            places: Some(3),
            positions: self.rotation.map(|_| 4),
        };
        // SAFETY: a block of the first reads vectors of its sequence and head, rows below the one that the places name, which is
        // below the capacity, and writes that row and the numbers of its own part; a block of the second reads the parts of its
        // head and writes the head's elements, one a thread.
        unsafe { Program::new(&program) }.map(Some)
    }

    /// In the order of the parameters in [`Shape::source`].
    fn arguments(&self, count: usize, parts: i32) -> Vec<Argument> {
        use Argument::{Float, Input, Int, Output, Scratch};
        let extra = self.rotation.map_or(0, |rotation| 2 + usize::from(rotation.freqs));
        let mut arguments: Vec<_> = (0..4 + extra).map(Input).collect();
        arguments.extend((1..=2 * count).map(Output));
        arguments.push(Scratch(0));
        arguments.extend(self.origins.iter().flat_map(|&(at, stride)| [Int(at), Int(stride)]));
        arguments.extend(self.capacities[..count].iter().map(|&capacity| Int(capacity)));
        arguments.extend([Int(self.kv_heads), Int(parts), Float(f32::from_bits(self.scale))]);
        if let Some(rotation) = self.rotation {
            let (scale, base) = (f32::from_bits(rotation.scale), f32::from_bits(rotation.base));
            arguments.extend([Int(rotation.dims), Float(scale), Float(base.log2())]);
        }
        arguments
    }

    fn element(&self) -> &'static str {
        element(self.dtype).unwrap_or("float")
    }

    fn source(&self, [step, merge]: &[String; 2], count: usize) -> String {
        let (element, dim, group) = (self.element(), self.dim, self.heads / self.kv_heads);
        let list =
            |text: &str| (0..count).map(|i| text.replace('#', &i.to_string())).collect::<Vec<_>>().join(", ");
        let (mut inputs, mut scalars, mut rotation) = ("", "", "{}".to_owned());
        if let Some(Rotation { each, traditional, freqs, .. }) = self.rotation {
            inputs = if freqs {
                "const int* of_queries, const int* of_keys, const float* freqs, "
            } else {
                "const int* of_queries, const int* of_keys, "
            };
            scalars = ", int dims, float rope_scale, float log2_base";
            let freqs = if freqs { "freqs" } else { "nullptr" };
            rotation = format!(
                "{{of_queries, of_keys, {freqs}, dims, rope_scale, log2_base, {each}, {traditional}}}"
            );
        }
        format!(
            "{}{}
extern \"C\" __global__ void __launch_bounds__({THREADS}) {step}(
    const {element}* q, const {element}* k, const {element}* v, const int* places, {inputs}{}, {}, float* parts, int q_at,
    int q_stride, int k_at, int k_stride, int v_at, int v_stride, {}, int kv_heads, int splits, float scale{scalars}) {{
  {element}* const keys[] = {{{}}};
  {element}* const values[] = {{{}}};
  const int capacities[] = {{{}}};
  append_and_attend<{element}, {dim}, {group}>({{q + q_at, q_stride}}, {{k + k_at, k_stride}}, {{v + v_at, v_stride}}, places,
      keys, values, capacities, kv_heads, parts, splits, scale, Rotation{rotation});
}}
extern \"C\" __global__ void __launch_bounds__({dim}) {merge}(const float* parts, {element}* y, int splits) {{
  merge_parts<{element}, {dim}>(parts, y, splits);
}}
",
            include_str!("types.cu"),
            include_str!("attend.cu"),
            list(&format!("{element}* keys#")),
            list(&format!("{element}* values#")),
            list("int capacity#"),
            list("keys#"),
            list("values#"),
            list("capacity#"),
        )
    }
}
