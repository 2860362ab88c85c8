//! Half-precision numbers one by one, which MLX computes in software.

use super::views::{extents, floats, floats_mut, is_float, strided};
use crate::{
    Dtype, Error, Result,
    kernels::{CpuKernel, Layout, View, ViewMut, replace_cpu_everywhere},
};
use mlx_cpu::elementwise::{Binary, Strided, Unary, binary, cast, unary};
use std::sync::Arc;

const BINARY: [(&str, Binary); 6] = [
    ("Add", Binary::Add),
    ("Divide", Binary::Divide),
    ("Maximum", Binary::Maximum),
    ("Minimum", Binary::Minimum),
    ("Multiply", Binary::Multiply),
    ("Subtract", Binary::Subtract),
];

const UNARY: [(&str, Unary); 13] = [
    ("Abs", Unary::Abs),
    ("Cos", Unary::Cos),
    ("Erf", Unary::Erf),
    ("Exp", Unary::Exp),
    ("Expm1", Unary::Expm1),
    ("Log", Unary::Log),
    ("Log1p", Unary::Log1p),
    ("Negative", Unary::Negative),
    ("Sigmoid", Unary::Sigmoid),
    ("Sin", Unary::Sin),
    ("Sqrt", Unary::Sqrt),
    ("Square", Unary::Square),
    ("Tanh", Unary::Tanh),
];

pub(super) fn install() -> Result<()> {
    for (name, function) in BINARY {
        everywhere(name, HalfBinary { name, function })?;
    }
    for (name, function) in UNARY {
        everywhere(name, HalfUnary { name, function })?;
    }
    everywhere("AsType", Cast)
}

fn everywhere<K: CpuKernel>(name: &str, kernel: K) -> Result<()> {
    let kernel = Arc::new(kernel);
    replace_cpu_everywhere(name, move |_| super::is_default_device().then(|| kernel.clone()))
}

fn is_half(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F16 | Dtype::Bf16)
}

struct HalfBinary {
    name: &'static str,
    function: Binary,
}

impl CpuKernel for HalfBinary {
    fn replaces(&self) -> &str {
        self.name
    }

    fn accepts(&self, inputs: &[Layout<'_>], outputs: &[Layout<'_>]) -> bool {
        let dtype = outputs[0].dtype();
        // With more axes they might not merge into as many as the kernel takes.
        let fits = |input: &Layout<'_>| {
            input.dtype() == dtype && input.shape().len() <= 8 && extents(input).is_some()
        };
        is_half(dtype) && inputs.iter().all(fits)
    }

    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        let negative = || Error::invalid("kernel", "a negative stride");
        let (shape, a_strides) = extents(&inputs[0]).ok_or_else(negative)?;
        let (_, b_strides) = extents(&inputs[1]).ok_or_else(negative)?;
        let a = Strided { values: strided(&inputs[0])?.0, strides: &a_strides };
        let b = Strided { values: strided(&inputs[1])?.0, strides: &b_strides };
        binary(self.function, a, b, &shape, floats_mut(&mut outputs[0])?);
        Ok(())
    }
}

struct HalfUnary {
    name: &'static str,
    function: Unary,
}

impl CpuKernel for HalfUnary {
    fn replaces(&self) -> &str {
        self.name
    }

    fn accepts(&self, inputs: &[Layout<'_>], outputs: &[Layout<'_>]) -> bool {
        is_half(outputs[0].dtype())
            && inputs[0].dtype() == outputs[0].dtype()
            && inputs[0].is_row_contiguous()
    }

    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        unary(self.function, floats(&inputs[0])?, floats_mut(&mut outputs[0])?);
        Ok(())
    }
}

/// Between kinds of floating-point numbers.
struct Cast;

impl CpuKernel for Cast {
    fn replaces(&self) -> &str {
        "AsType"
    }

    fn accepts(&self, inputs: &[Layout<'_>], outputs: &[Layout<'_>]) -> bool {
        is_float(inputs[0].dtype()) && is_float(outputs[0].dtype()) && inputs[0].is_row_contiguous()
    }

    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        cast(floats(&inputs[0])?, floats_mut(&mut outputs[0])?);
        Ok(())
    }
}
