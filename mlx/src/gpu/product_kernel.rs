//! Which kernel computes a product of a few vectors with a matrix, and how it is launched.

use super::{compiled::compiled, element, processors};
use crate::{
    Dtype, Result,
    ffi::kernels::{Argument, Program, ProgramLaunch, ProgramParts},
    kernels::Spec,
};

/// The most bytes of shared memory that a block gets, where a processor has as many.
const SHARED_MEMORY: i32 = 160 << 10;
const WARPS: i32 = 8;
/// Bytes of shared memory that a block does not get.
const OF_SYSTEM: i32 = 1 << 10;
const THREADS: i32 = WARPS * 32;
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
    /// Whether the numbers of 4 bits are floats, and scales powers of two.
    pub(super) floats: bool,
    /// Whether the result is `silu` of its first half times its second.
    pub(super) swiglu: bool,
    /// Of a norm before the product the bits of eps.
    pub(super) norm: Option<u32>,
    pub(super) residual: bool,
    pub(super) stream: [u8; 8],
}

/// A kernel, as a template, and how it is launched.
struct Kernel {
    name: &'static str,
    /// What its source is made of, behind what all have.
    files: &'static [&'static str],
    /// Its parameters between the group size and the flags.
    own: Vec<i32>,
    /// So many, of which so many share a processor.
    blocks: i32,
    together: i32,
    shared_memory: i32,
    /// So many columns of the vectors are in shared memory at once, if it can do with fewer than all.
    at_once: Option<i32>,
}

impl Shape {
    /// The program; `None` if there is no kernel.
    pub(super) fn compile(&self) -> Result<Option<Program>> {
        let kernel = match self.on_tensor_cores()? {
            Some(kernel) => kernel,
            None if self.floats => return Ok(None),
            None => self.on_lanes()?,
        };
        if kernel.shared_memory > SHARED_MEMORY.min(processors()?.shared_memory - OF_SYSTEM) {
            return Ok(None);
        }
        let (name, source) = self.source(&kernel);
        let scales = usize::from(self.is_quantized()) + usize::from(self.has_biases());
        let inputs = 2 + scales + usize::from(self.norm.is_some());
        let mut arguments: Vec<_> = (0..inputs + usize::from(self.residual)).map(Argument::Input).collect();
        arguments.push(Argument::Output(0));
        arguments.extend([self.rows, self.columns].into_iter().chain(kernel.at_once).map(Argument::Int));
        arguments.push(Argument::Float(self.norm.map_or(0.0, f32::from_bits)));
        let launch = ProgramLaunch {
            function: &name,
            blocks: kernel.blocks,
            threads: THREADS,
            shared_memory: kernel.shared_memory,
            arguments,
        };
        let program = ProgramParts {
            module: &compiled(&source)?,
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

    fn has_biases(&self) -> bool {
        self.is_quantized() && !self.floats
    }

    /// Elements that a vector gives.
    fn outputs(&self) -> i32 {
        self.y.last().copied().unwrap_or(1)
    }

    /// Tiles of 16 rows, of each half of the matrix 8 if both make an element.
    fn tiles(&self) -> i32 {
        let of_tile = if self.swiglu { 8 } else { 16 };
        (self.outputs() + of_tile - 1) / of_tile
    }

    /// The kernel whose warps take turns at the rows.
    fn on_lanes(&self) -> Result<Kernel> {
        let outputs = self.outputs();
        let most = BLOCKS * processors()?.count;
        let warps = most * WARPS;
        // Two rows share what is done with the vector, unless too many warps have nothing to do in the last turn.
        let turns = |rows: i32| (outputs + rows * warps - 1) / (rows * warps) * rows;
        let rows = if outputs > warps && !self.swiglu && 10 * turns(2) <= 11 * turns(1) { 2 } else { 1 };
        let of_block = rows * WARPS;
        let numbers = self.columns + self.columns * self.bits / 128;
        Ok(Kernel {
            name: "qmv",
            files: &[],
            own: vec![self.vectors, rows],
            blocks: ((outputs + of_block - 1) / of_block).min(most),
            together: BLOCKS,
            shared_memory: self.vectors * numbers * size_of::<f32>() as i32,
            at_once: None,
        })
    }

    /// The kernel on the tensor cores, if they know the elements.
    fn on_tensor_cores(&self) -> Result<Option<Kernel>> {
        const ROWS: i32 = 16;
        const BYTES_OF_ROW: i32 = 128;
        let (size, of_piece) = (self.dtype.size() as i32, 8 * BYTES_OF_ROW / self.bits);
        let scales = if self.is_quantized() { of_piece / self.group_size } else { 0 };
        // An asynchronous copy has four bytes or more.
        let fits =
            matches!(self.dtype, Dtype::F16 | Dtype::Bf16) && self.columns % of_piece == 0 && scales != 1;
        if !fits {
            return Ok(None);
        }
        // More pieces on their way would delay the vectors.
        let ahead = if self.vectors > 1 || self.bits == 4 { 2 } else { 3 };
        let pieces = WARPS * ahead * ROWS * (BYTES_OF_ROW + 2 * scales * size);
        // Of each vector, and of the sums of its groups, of which there is one for 32 columns at most.
        let bytes = |columns: i32| {
            self.vectors * (columns * size + scales.min(1) * columns / 32 * size_of::<f32>() as i32)
        };
        let processors = processors()?;
        let of_results = (2 * ROWS + 1) * WARPS * self.vectors * size_of::<f32>() as i32;
        let room = |together: i32| {
            (processors.shared_memory / together - OF_SYSTEM - of_results).min(SHARED_MEMORY) - pieces
        };
        // Halves are multiplied at once, so that more blocks have something on its way.
        let is_light = scales == 0 && self.vectors == 1 && bytes(self.columns) <= room(BLOCKS + 1);
        let together = BLOCKS + i32::from(is_light);
        let (room, of_all_warps) = (room(together), WARPS * of_piece);
        let at_once = match self.columns {
            columns if bytes(columns) <= room => columns,
            _ => room / bytes(of_all_warps) * of_all_warps,
        };
        // The sum of squares is that of what is loaded before the first product.
        if at_once <= 0 || (self.norm.is_some() && at_once < self.columns) {
            return Ok(None);
        }
        // Others would take the place of those of a processor that is late.
        let just_as_many = processors.shared_memory / (together + 1);
        Ok(Some(Kernel {
            name: "qmm",
            files: &[
                include_str!("mma.cu"),
                include_str!("qmm_one.cu"),
                include_str!("qmm_several.cu"),
                include_str!("qmm.cu"),
            ],
            own: vec![self.vectors, ahead],
            blocks: self.tiles().min(together * processors.count),
            together,
            shared_memory: (pieces + bytes(at_once)).max(just_as_many),
            at_once: Some(at_once),
        }))
    }

    /// The kernel's name, which tells it from all others, and its source.
    fn source(&self, kernel: &Kernel) -> (String, String) {
        let element = element(self.dtype).unwrap_or("float");
        let Shape { bits, group_size, swiglu, residual, .. } = *self;
        let norm = self.norm.is_some();
        let mut numbers = vec![bits.to_string()];
        numbers.extend(kernel.at_once.map(|_| self.floats.to_string()));
        numbers.extend([group_size].iter().chain(&kernel.own).map(i32::to_string));
        let flag = |set: bool, name| if set { name } else { "" };
        let name = format!(
            "{}_{element}_{}{}{}{}",
            kernel.name,
            numbers.join("_"),
            flag(norm, "_norm"),
            flag(swiglu, "_swiglu"),
            flag(residual, "_residual")
        );
        let parameter =
            |set: bool, element, name| if set { format!("const {element}* {name}, ") } else { String::new() };
        let of_scales = if self.floats { "unsigned char" } else { element };
        let argument = |set: bool, name| if set { name } else { "nullptr" };
        let at_once = kernel.at_once.is_some();
        let source = format!(
            "{}{}{}
extern \"C\" __global__ void __launch_bounds__({THREADS}, {}) {name}(
    const {element}* x, const uint4* w, {}{}{}{}{element}* y, int rows, int columns, {}float eps) {{
  {}<{element}, {}, {norm}, {swiglu}, {residual}>(x, w, {}, {}, {}, {}, y, rows, columns, {}eps);
}}
",
            include_str!("types.cu"),
            include_str!("qmv.cu"),
            kernel.files.concat(),
            kernel.together,
            parameter(self.is_quantized(), of_scales, "scales"),
            parameter(self.has_biases(), element, "biases"),
            parameter(norm, element, "norm"),
            parameter(residual, element, "residual"),
            flag(at_once, "int at_once, "),
            kernel.name,
            numbers.join(", "),
            argument(self.is_quantized(), "scales"),
            argument(self.has_biases(), "biases"),
            argument(norm, "norm"),
            argument(residual, "residual"),
            flag(at_once, "at_once, "),
        );
        (name, source)
    }
}
