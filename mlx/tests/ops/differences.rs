//! Where this crate means to differ from Python, and why.

use super::Case;

/// The operation, what its case contains, and the reason.
#[rustfmt::skip]
pub(crate) const REASONS: &[(&str, &str, &str)] = &[
    ("divmod", r#"["bool:2x3","bool:2x3#1"]"#, "a quotient by false is false, not what the CPU makes of it"),
    ("roll", r#""shift":[1,2,3]"#, "more shifts than axes are refused, where MLX drops the rest"),
    ("full", r#""dtype":"bool""#, "the dtype is the one asked for, where Python drops bool"),
    ("full", r#"["f32:3"]"#, "the dtype is the one asked for, where Python keeps that of an array"),
    ("block_masked_mm", r#""block_size":16"#, "blocks are those of every backend, where the CPU has others too"),
    ("linalg.solve", r#"["f32:2x3x3~definite","f32:3x2"]"#, "batches broadcast, where MLX takes equal ones"),
    ("fft.rfft", r#"["c64:3x4"]"#, "imaginary parts are refused, where MLX drops them"),
];

pub(crate) fn reason(case: &Case) -> Option<&'static str> {
    let fits = |(op, text, _): &&(&str, &str, &str)| case.op == *op && case.text.contains(text);
    REASONS.iter().find(fits).map(|(.., why)| *why)
}
