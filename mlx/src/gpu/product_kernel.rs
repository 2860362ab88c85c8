//! Which kernel computes a product of a few vectors with a matrix, and how it is launched.

use super::element;
use crate::{
    Dtype, Result,
    ffi::kernels::{Argument, Program, ProgramLaunch, ProgramParts, cuda_processors},
    kernels::{Spec, compile_cuda},
};
use std::sync::LazyLock;

/// The most bytes of shared memory that a block can have on every GPU from the A100 on.
const SHARED_MEMORY: i32 = 160 << 10;
const WARPS: i32 = 8;
/// Blocks that share a processor: they hide each other's waits, with 128 registers a thread.
const BLOCKS: i32 = 2;

/// What a kernel is compiled and launched for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    /// The shape of the result.
    pub(super) y: Vec<i32>,
    pub(super) dtype: Dtype,
    /// Of the matrix, and elements of a row.
    pub(super) rows: i32,
    pub(super) columns: i32,
    pub(super) vectors: i32,
    pub(super) bits: i32,
    pub(super) group_size: i32,
    /// Whether the result is `silu` of its first half times its second.
    pub(super) swiglu: bool,
    /// Of a norm before the product the bits of eps.
    pub(super) norm: Option<u32>,
    pub(super) residual: bool,
    pub(super) stream: [u8; 8],
}

/// A kernel, as a template with parameters of its own, and how it is launched.
struct Kernel {
    name: &'static str,
    own: Vec<i32>,
    /// The elements that a word of the matrix is passed as.
    word: &'static str,
    blocks: i32,
    warps: i32,
    /// Its own arguments behind those that all have.
    arguments: Vec<i32>,
    shared_memory: i32,
}

impl Shape {
    /// The program; `None` if there is no kernel.
    pub(super) fn compile(&self) -> Result<Option<Program>> {
        let kernel = match self.on_tensor_cores() {
            Some(kernel) => kernel,
            None => self.on_lanes()?,
        };
        if kernel.shared_memory > SHARED_MEMORY {
            return Ok(None);
        }
        let (name, source) = self.source(&kernel);
        let inputs = 2 + 2 * usize::from(self.is_quantized()) + usize::from(self.norm.is_some());
        let mut arguments: Vec<_> = (0..inputs + usize::from(self.residual)).map(Argument::Input).collect();
        arguments.push(Argument::Output(0));
        arguments.extend([self.rows, self.columns].into_iter().chain(kernel.arguments).map(Argument::Int));
        arguments.push(Argument::Float(self.norm.map_or(0.0, f32::from_bits)));
        let launch = ProgramLaunch {
            function: &name,
            blocks: kernel.blocks,
            threads: kernel.warps * 32,
            shared_memory: kernel.shared_memory,
            arguments,
        };
        let program = ProgramParts {
            module: &compile_cuda(&source)?,
            launches: &[launch],
            outputs: &[Spec::new(&self.y[..], self.dtype)],
            in_place: 0,
            scratch: &[],
            places: None,
            positions: None,
        };
        // SAFETY: a block writes the elements of its own rows, and there are blocks for all; it reads rows below their number,
        // and vectors of as many elements as a row has. `Product::of` has checked the rest.
        unsafe { Program::new(&program) }.map(Some)
    }

    fn is_quantized(&self) -> bool {
        self.bits <= 8
    }

    /// Elements that a vector gives.
    fn outputs(&self) -> i32 {
        self.y.last().copied().unwrap_or(1)
    }

    /// The kernel whose warps take turns at the rows.
    fn on_lanes(&self) -> Result<Kernel> {
        let outputs = self.outputs();
        let most = BLOCKS * processors()?;
        let warps = most * WARPS;
        // Two rows share what is done with the vector, unless too many warps have nothing to do in the last turn.
        let turns = |rows: i32| (outputs + rows * warps - 1) / (rows * warps) * rows;
        let rows = if outputs > warps && !self.swiglu && 10 * turns(2) <= 11 * turns(1) { 2 } else { 1 };
        let of_block = rows * WARPS;
        let numbers = self.columns + self.columns * self.bits / 128;
        Ok(Kernel {
            name: "qmv",
            own: vec![rows],
            word: "uint4",
            blocks: ((outputs + of_block - 1) / of_block).min(most),
            warps: WARPS,
            arguments: vec![],
            shared_memory: self.vectors * numbers * size_of::<f32>() as i32,
        })
    }

    /// The kernel on the tensor cores, where there are enough rows for all of them.
    fn on_tensor_cores(&self) -> Option<Kernel> {
        const COLUMNS: i32 = 256;
        const ENOUGH: i32 = 96;
        let of_tile = if self.swiglu { 8 } else { 16 };
        let tiles = (self.outputs() + of_tile - 1) / of_tile;
        // One vector needs less arithmetic than reading takes.
        let fits = matches!(self.dtype, Dtype::F16 | Dtype::Bf16)
            && self.vectors > 1
            && self.is_quantized()
            && matches!(self.group_size, 64 | 128)
            && self.columns % COLUMNS == 0
            && tiles >= ENOUGH;
        if !fits {
            return None;
        }
        let of_block = match tiles {
            4096.. => 4,
            1024.. => 2,
            _ => 1,
        };
        // What the warps of a tile ask for before they go on.
        let tile = self.columns.min(2 * WARPS * COLUMNS);
        Some(Kernel {
            name: "qmm",
            own: vec![WARPS, of_block],
            word: "unsigned",
            blocks: (tiles + of_block - 1) / of_block,
            warps: WARPS,
            arguments: vec![tile],
            shared_memory: self.vectors * tile * self.dtype.size() as i32,
        })
    }

    /// The kernel's name, which tells it from all others, and its source.
    fn source(&self, kernel: &Kernel) -> (String, String) {
        let element = element(self.dtype).unwrap_or("float");
        let Shape { bits, group_size, vectors, swiglu, residual, .. } = *self;
        let norm = self.norm.is_some();
        let own = kernel.own.iter().map(i32::to_string).collect::<Vec<_>>();
        let flag = |set: bool, name| if set { name } else { "" };
        let name = format!(
            "{}_{element}_{bits}_{group_size}_{vectors}_{}{}{}{}",
            kernel.name,
            own.join("_"),
            flag(norm, "_norm"),
            flag(swiglu, "_swiglu"),
            flag(residual, "_residual")
        );
        let parameter =
            |set: bool, name| if set { format!("const {element}* {name}, ") } else { String::new() };
        let argument = |set: bool, name| if set { name } else { "nullptr" };
        let scales = self.is_quantized();
        let threads = kernel.warps * 32;
        let (parameters, arguments) = match kernel.arguments.len() {
            0 => ("", ""),
            _ => ("int tile, ", "tile, "),
        };
        let source = format!(
            "{}{}
extern \"C\" __global__ void __launch_bounds__({threads}, {BLOCKS}) {name}(
    const {element}* x, const {}* w, {}{}{}{}{element}* y, int rows, int columns, {parameters}float eps) {{
  {}<{element}, {bits}, {group_size}, {vectors}, {}, {norm}, {swiglu}, {residual}>(
      x, w, {}, {}, {}, {}, y, rows, columns, {arguments}eps);
}}
",
            include_str!("qmv.cu"),
            flag(kernel.name == "qmm", include_str!("qmm.cu")),
            kernel.word,
            parameter(scales, "scales"),
            parameter(scales, "biases"),
            parameter(norm, "norm"),
            parameter(residual, "residual"),
            kernel.name,
            own.join(", "),
            argument(scales, "scales"),
            argument(scales, "biases"),
            argument(norm, "norm"),
            argument(residual, "residual"),
        );
        (name, source)
    }
}

/// How many processors the GPU has.
fn processors() -> Result<i32> {
    static COUNT: LazyLock<Result<i32>> = LazyLock::new(cuda_processors);
    COUNT.clone()
}
