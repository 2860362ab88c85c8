//! Which kernel computes a product of a few vectors with a matrix, and how it is launched.

use super::element;
use crate::{
    Dtype, Result,
    ffi::kernels::{Argument, Program, ProgramLaunch, ProgramParts},
    kernels::{Spec, compile_cuda},
};

/// Bytes of shared memory that let two blocks share a processor on every GPU.
const SHARED_MEMORY: i32 = 48 << 10;
const WARPS: i32 = 8;

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

/// A kernel, as a template with its own arguments behind those that all have.
struct Kernel {
    name: &'static str,
    own: Vec<i32>,
    /// The elements that a word of the matrix is passed as.
    word: &'static str,
    /// Outputs of a block.
    outputs: i32,
    warps: i32,
    /// What the kernel takes for the part of the vectors that is in shared memory at once, and its bytes.
    tile: i32,
    shared_memory: i32,
}

impl Shape {
    /// Whether a vector of so many elements is in shared memory as a whole, which a norm needs.
    pub(super) fn takes_norm(columns: i32, dtype: Dtype) -> bool {
        columns.saturating_mul(dtype.size() as i32) <= SHARED_MEMORY
    }

    pub(super) fn compile(&self) -> Result<Program> {
        let kernel = self.on_tensor_cores().unwrap_or_else(|| self.on_lanes());
        let outputs = self.outputs();
        let (name, source) = self.source(&kernel);
        let eps = self.norm.map_or(0.0, f32::from_bits);
        let inputs = 2 + if self.is_quantized() { 2 } else { 0 } + i32::from(self.norm.is_some());
        let inputs = (inputs + i32::from(self.residual)).unsigned_abs() as usize;
        let mut arguments: Vec<_> = (0..inputs).map(Argument::Input).collect();
        arguments.push(Argument::Output(0));
        arguments.extend([self.rows, self.columns, kernel.tile].map(Argument::Int));
        arguments.push(Argument::Float(eps));
        let launch = ProgramLaunch {
            function: &name,
            blocks: (outputs + kernel.outputs - 1) / kernel.outputs,
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
        unsafe { Program::new(&program) }
    }

    fn is_quantized(&self) -> bool {
        self.bits <= 8
    }

    /// Elements that a vector gives.
    fn outputs(&self) -> i32 {
        self.y.last().copied().unwrap_or(1)
    }

    /// The kernel whose warps have rows of their own.
    fn on_lanes(&self) -> Kernel {
        let outputs = self.outputs();
        let rows = if outputs >= 16384 && !self.swiglu {
            4
        } else if outputs >= 1024 {
            2
        } else {
            1
        };
        // Both in units of 16 bytes of a row.
        let at_once = if self.vectors == 1 { 3 * 32 } else { 32 };
        let bytes = self.vectors * 128 / self.bits * self.dtype.size() as i32;
        let (all, most) = (self.columns * self.bits / 128, SHARED_MEMORY / bytes);
        let tile = if all <= most { all } else { most / at_once * at_once };
        Kernel {
            name: "qmv",
            own: vec![rows],
            word: "uint4",
            outputs: rows * WARPS,
            warps: WARPS,
            tile,
            shared_memory: bytes * tile,
        }
    }

    /// The kernel on the tensor cores, where there are enough rows for all of them.
    fn on_tensor_cores(&self) -> Option<Kernel> {
        const COLUMNS: i32 = 256;
        const ENOUGH: i32 = 96;
        let of_tile = if self.swiglu { 8 } else { 16 };
        let tiles = (self.outputs() + of_tile - 1) / of_tile;
        let fits = matches!(self.dtype, Dtype::F16 | Dtype::Bf16)
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
        // Long rows of few tiles are shared by more warps.
        let warps = if self.vectors == 1 && tiles < 200 && self.columns >= 16 * COLUMNS { 16 } else { WARPS };
        // What the warps of a tile ask for before they go on.
        let at_once = 2 * WARPS * COLUMNS;
        let tile = if self.vectors == 1 { self.columns } else { self.columns.min(at_once) };
        Some(Kernel {
            name: "qmm",
            own: vec![warps, of_block],
            word: "unsigned",
            outputs: of_block * of_tile,
            warps,
            tile,
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
        // Two blocks of a processor hide each other's waits: 128 registers a thread.
        let (threads, blocks) = (kernel.warps * 32, if kernel.warps > WARPS { 1 } else { 2 });
        let source = format!(
            "{}{}
extern \"C\" __global__ void __launch_bounds__({threads}, {blocks}) {name}(
    const {element}* x, const {}* w, {}{}{}{}{element}* y, int rows, int columns, int tile, float eps) {{
  {}<{element}, {bits}, {group_size}, {vectors}, {}, {norm}, {swiglu}, {residual}>(
      x, w, {}, {}, {}, {}, y, rows, columns, tile, eps);
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
