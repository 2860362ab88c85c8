//! The products of gated feed-forward layers.

use crate::{
    elementwise::{BinaryOp, binary_dense},
    floats::{Floats, FloatsMut, with_floats},
    simd::{Simd, sigmoid},
};

/// Writes `silu(gate) * up` (SwiGLU of Shazeer, 2020), with `silu(x) = x * sigmoid(x)`.
///
/// # Panics
/// If the three are not of one length and type.
pub fn swiglu(gate: Floats<'_>, up: Floats<'_>, out: FloatsMut<'_>) {
    with_floats!(mut out, out => binary_dense::<_, SwiGlu>(gate, up, out));
}

struct SwiGlu;

impl BinaryOp for SwiGlu {
    #[inline(always)]
    fn apply<S: Simd>(s: S, gate: S::F, up: S::F) -> S::F {
        s.mul(s.mul(gate, sigmoid(s, gate)), up)
    }
}
