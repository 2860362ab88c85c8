//! The index of the greatest element of rows: which token is likeliest.
//!
//! MLX has one block for a row, and a vocabulary has a hundred thousand tokens.

use super::{compiled::compiled, element, prepared::Prepared};
use crate::{
    Array, Dtype, Result,
    ffi::{
        graph::inputs,
        kernels::{Argument, Program, ProgramLaunch, ProgramParts, parameters, rewrite_gpu_everywhere},
        stream,
    },
    kernels::Spec,
};

const THREADS: i32 = 256;
/// The least elements of a row that are worth a second launch.
const LEAST: i32 = 1 << 13;

pub(super) fn install() -> Result<()> {
    rewrite_gpu_everywhere("gpu", "ArgReduce", |y| {
        let Ok([x]) = <[Array; 1]>::try_from(inputs(y)?) else { return Ok(None) };
        let Some(shape) = Shape::of(&x, y)? else { return Ok(None) };
        PREPARED.with(|known| known.call(shape, Shape::compile, |program| program.call_one(&[&x])))
    })
}

/// What kernels are compiled and launched for.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Shape {
    /// The shape of the result.
    y: Vec<i32>,
    rows: i32,
    columns: i32,
    dtype: Dtype,
    stream: [u8; 8],
}

thread_local! {
    static PREPARED: Prepared<Shape> = Prepared::default();
}

impl Shape {
    /// That of `y`, if it is the greatest along the last axis of `x`, and there is a kernel for it.
    fn of(x: &Array, y: &Array) -> Result<Option<Shape>> {
        const GREATEST: f64 = 1.0;
        const MOST_ROWS: i32 = 64;
        let ([kind, axis], 2) = parameters::<2>(y)? else { return Ok(None) };
        let (columns, dtype) = (x.shape()?.last().copied().unwrap_or(0), x.dtype()?);
        let rows = i32::try_from(x.size()?).unwrap_or(i32::MAX) / columns.max(1);
        let fits = kind == GREATEST
            && axis + 1.0 == x.ndim()? as f64
            && element(dtype).is_some()
            && columns >= LEAST
            && columns % (16 / dtype.size() as i32) == 0
            && (1..=MOST_ROWS).contains(&rows);
        let shape = Shape { y: y.shape()?.to_vec(), rows, columns, dtype, stream: stream::key()? };
        Ok(fits.then_some(shape))
    }

    fn compile(&self) -> Result<Option<Program>> {
        use Argument::{Input, Int, Output, Scratch};
        // A thread has eight elements, or some more.
        let parts = (self.columns / (8 * THREADS)).clamp(1, 64);
        let element = element(self.dtype).unwrap_or("float");
        let names = ["parts", "keys"].map(|name| format!("argmax_of_{name}_{element}"));
        let launches = [
            ProgramLaunch {
                function: &names[0],
                blocks: self.rows * parts,
                threads: THREADS,
                shared_memory: 0,
                arguments: vec![Input(0), Scratch(0), Int(self.columns), Int(parts)],
            },
            ProgramLaunch {
                function: &names[1],
                blocks: self.rows,
                threads: 32,
                shared_memory: 0,
                arguments: vec![Scratch(0), Output(0), Int(parts)],
            },
        ];
        let [of_parts, of_keys] = &names;
        let source = format!(
            "{}{}
extern \"C\" __global__ void __launch_bounds__({THREADS}) {of_parts}(
    const {element}* x, Key* keys, int columns, int parts) {{
  argmax_of_parts<{element}>(x, keys, columns, parts);
}}
extern \"C\" __global__ void __launch_bounds__(32) {of_keys}(const Key* keys, unsigned* y, int parts) {{
  argmax_of_keys(keys, y, parts);
}}
",
            include_str!("types.cu"),
            include_str!("argmax.cu"),
        );
        let program = ProgramParts {
            module: &compiled(&source)?,
            launches: &launches,
            outputs: &[Spec::new(&self.y[..], Dtype::U32)],
            in_place: 0,
            scratch: &[(self.rows * parts).unsigned_abs() as usize * size_of::<u64>()],
            places: None,
            positions: None,
        };
        // SAFETY: a block of the first reads elements of its row, and writes the key of its part; one of the second reads the
        // keys of its row, and writes one element.
        unsafe { Program::new(&program) }.map(Some)
    }
}
