//! Launches of compiled CUDA kernels as one operation.

use super::operation::specs;
use crate::{
    Array, Result,
    ffi::{ArrayList, args::Arg, call, call::Outputs, call::call_for_array, stream},
    kernels::Spec,
};
use mlx_sys::{
    mlx_int3, mlx_program, mlx_program_launch, mlx_program_parts, mlx_scalar_arg, mlx_specs, mlx_string,
};
use std::mem::MaybeUninit;

/// What a launch is given.
#[derive(Clone, Copy)]
pub(crate) enum Argument {
    /// The address of an input.
    Input(usize),
    /// The address of an output.
    Output(usize),
    /// The address of scratch memory.
    Scratch(usize),
    Int(i32),
    Float(f32),
}

impl Argument {
    fn to_c(self) -> mlx_scalar_arg {
        let number = |kind, integer| mlx_scalar_arg { kind, integer, real: 0.0 };
        match self {
            Argument::Input(i) => number(mlx_sys::MLX_ARGUMENT_INPUT, i as i32),
            Argument::Output(i) => number(mlx_sys::MLX_ARGUMENT_OUTPUT, i as i32),
            Argument::Scratch(i) => number(mlx_sys::MLX_ARGUMENT_SCRATCH, i as i32),
            Argument::Int(value) => number(mlx_sys::MLX_ARGUMENT_INT, value),
            Argument::Float(real) => mlx_scalar_arg { kind: mlx_sys::MLX_ARGUMENT_FLOAT, integer: 0, real },
        }
    }
}

/// The processors of a GPU.
#[derive(Clone, Copy)]
pub(crate) struct Processors {
    pub(crate) count: i32,
    /// Bytes that each has for the blocks that it runs.
    pub(crate) shared_memory: i32,
}

impl Processors {
    /// Those of the first GPU.
    #[track_caller]
    pub(crate) fn of_cuda() -> Result<Processors> {
        let (mut count, mut shared_memory) = (0, 0);
        // SAFETY: valid out-pointers.
        call("processors", || unsafe { mlx_sys::mlx_cuda_processors(&mut count, &mut shared_memory) })?;
        Ok(Processors { count, shared_memory })
    }
}

/// One launch of a function of the module.
pub(crate) struct ProgramLaunch<'a> {
    pub(crate) function: &'a str,
    pub(crate) blocks: i32,
    pub(crate) threads: i32,
    pub(crate) shared_memory: i32,
    pub(crate) arguments: Vec<Argument>,
}

/// What a program is made of.
pub(crate) struct ProgramParts<'a> {
    pub(crate) module: &'a [u8],
    pub(crate) launches: &'a [ProgramLaunch<'a>],
    pub(crate) outputs: &'a [Spec],
    /// So many of the last outputs are written in the memory of as many of the last inputs.
    pub(crate) in_place: usize,
    /// Bytes of memory that only the launches see.
    pub(crate) scratch: &'a [usize],
    /// The input that says which rows are read and written, and the first of two that say positions: what changes from step
    /// to step.
    pub(crate) places: Option<usize>,
    pub(crate) positions: Option<usize>,
}

/// An operation of launches, recorded again and again with other inputs of the same shapes and dtypes.
pub(crate) struct Program(mlx_program);

impl Program {
    /// A program for the current stream, which is one of a GPU.
    ///
    /// # Safety
    /// Called with inputs as those it is made for, the functions take these arguments, and read and write no memory but that
    /// of inputs, outputs and scratch.
    #[track_caller]
    pub(crate) unsafe fn new(parts: &ProgramParts<'_>) -> Result<Program> {
        const OP: &str = "program";
        let arguments: Vec<Vec<_>> = parts
            .launches
            .iter()
            .map(|launch| launch.arguments.iter().map(|argument| argument.to_c()).collect())
            .collect();
        let launches = parts.launches.iter().zip(&arguments).map(|(launch, arguments)| {
            Ok(mlx_program_launch {
                function: launch.function.to_c()?,
                blocks: mlx_int3 { v: [launch.blocks, 1, 1] },
                threads: mlx_int3 { v: [launch.threads, 1, 1] },
                shared_memory: launch.shared_memory,
                arguments: arguments.as_ptr(),
                argument_count: arguments.len(),
            })
        });
        let launches = launches.collect::<Result<Vec<_>>>()?;
        let outputs = specs(parts.outputs);
        let number = |input: Option<usize>| input.map_or(-1, |input| input as i32);
        let table = mlx_program_parts {
            module: mlx_string { data: parts.module.as_ptr().cast(), size: parts.module.len() },
            launches: launches.as_ptr(),
            launch_count: launches.len(),
            outputs: mlx_specs { data: outputs.as_ptr(), size: outputs.len() },
            in_place: parts.in_place,
            scratch: parts.scratch.as_ptr(),
            scratch_count: parts.scratch.len(),
            places: number(parts.places),
            positions: number(parts.positions),
        };
        let (stream, mut out) = (stream::current(OP)?, MaybeUninit::uninit());
        // SAFETY: all texts and lists are borrowed for the call.
        call(OP, || unsafe { mlx_sys::mlx_program_new(out.as_mut_ptr(), table, stream) })?;
        // SAFETY: the call succeeded, so it wrote the program.
        Ok(Program(unsafe { out.assume_init() }))
    }

    /// Records it; it has one output.
    #[track_caller]
    pub(crate) fn call_one(&self, inputs: &[&Array]) -> Result<Array> {
        let inputs = ArrayList::of(inputs.iter().copied())?;
        // SAFETY: a live program; the list is borrowed for the call.
        call_for_array("program", |out| unsafe { mlx_sys::mlx_program_call_one(out, self.0, inputs.span()) })
    }

    /// Records it.
    #[track_caller]
    pub(crate) fn call(&self, inputs: &[&Array]) -> Result<Vec<Array>> {
        let inputs = ArrayList::of(inputs.iter().copied())?;
        // SAFETY: a live program; the list is borrowed for the call.
        Outputs::of("program", |out| unsafe { mlx_sys::mlx_program_call(out, self.0, inputs.span()) })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: it is ours and released once; recorded calls hold it themselves.
        unsafe { mlx_sys::mlx_program_free(self.0) };
    }
}
