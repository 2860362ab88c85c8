//! Where this crate means to differ from Python, and why.

use super::Case;

/// The operation, or with `*` how it begins; what its case contains; and the reason.
pub(crate) type Reason = (&'static str, &'static str, &'static str);

#[rustfmt::skip]
pub(crate) const REASONS: &[Reason] = &[
    ("divmod", r#"["bool:2x3","bool:2x3#1"]"#, "a quotient by false is false, not what the CPU makes of it"),
    ("roll", r#""shift":[1,2,3]"#, "more shifts than axes are refused, where MLX drops the rest"),
    ("full", r#""dtype":"bool""#, "the dtype is the one asked for, where Python drops bool"),
    ("full", r#"["f32:3"]"#, "the dtype is the one asked for, where Python keeps that of an array"),
    ("block_masked_mm", r#""block_size":16"#, "blocks are those of every backend, where the CPU has others too"),
    ("linalg.solve", r#"["f32:2x3x3~definite","f32:3x2"]"#, "batches broadcast, where MLX takes equal ones"),
    ("fft.rfft", r#"["c64:3x4"]"#, "imaginary parts are refused, where MLX drops them"),
    ("hadamard_transform", r#"["c64:2"]"#, "imaginary parts are refused, where MLX drops them"),
    ("slice*", r#"["f32:0x4""#, "blocks that do not lie in the array are refused, where MLX cuts them"),
    ("slice*", r#"["f32:3x0""#, "blocks that do not lie in the array are refused, where MLX cuts them"),
    ("gather", r#"["f32:0x4""#, "blocks larger than the array are refused, where MLX takes none of them"),
    ("gather", r#"["f32:3x0""#, "blocks larger than the array are refused, where MLX takes none of them"),
    ("scatter_add_axis", r#"["f32:0x4""#, "an array without elements stays one, where MLX refuses it"),
    ("scatter_add_axis", r#"["f32:3x0""#, "an array without elements stays one, where MLX refuses it"),
    ("conv_general", r#"["f32:0x9x4""#, "no signals are refused in all convolutions, where MLX takes them in this one"),
    ("masked_scatter", r#"["f32:","bool:","f32:"]"#, "a mask without axes is one, where MLX refuses it"),
    ("segmented_mm", r#"["f32:0x8""#, "the inner extents must agree, where MLX looks at the segments alone"),
];

/// Where the CPU kernels of `mlx` are in use, or a GPU.
#[rustfmt::skip]
pub(crate) const OF_CPU_KERNELS: &[Reason] = &[
    ("gather_mm", r#"["f16:"#, "halves are taken on the CPU too, where MLX refuses them"),
    ("gather_mm", r#"["bf16:"#, "halves are taken on the CPU too, where MLX refuses them"),
    ("quantized_matmul", r#"["f16:"#, "sums are made in f32, where MLX rounds each term; tests/quantized.rs compares"),
    ("quantized_matmul", r#"["bf16:"#, "sums are made in f32, where MLX rounds each term; tests/quantized.rs compares"),
    ("gather_qmm", r#"["bf16:"#, "sums are made in f32, where MLX rounds each term; tests/quantized.rs compares"),
];

/// On a GPU alone.
#[rustfmt::skip]
pub(crate) const ON_A_GPU: &[Reason] = &[
    ("arc*", r#"["c64:2x3"]"#, "no kernel of complex numbers"),
    ("arg*", r#"["c64:2x3"]"#, "no kernel of complex numbers"),
    ("arange", r#""dtype":"c64""#, "no kernel of complex numbers"),
    ("random.categorical", r#"["c64:3x4"]"#, "no kernel of complex numbers"),
    ("scatter*", r#"["i64:"#, "numbers of 64 bits are not scattered"),
    ("scatter*", r#"["c64:"#, "complex numbers are not scattered"),
    ("scatter_add*", r#"["bool:"#, "of booleans that are added one is kept"),
    ("put_along_axis", r#""u32:2x1~index3""#, "which of several elements for one place stays is open"),
    ("remainder", r#"["bool:"#, "booleans are divided as bytes"),
    ("floor_divide", r#"["bool:"#, "booleans are divided as bytes"),
    ("partition", "", "both parts are sorted"),
    ("argpartition", "", "both parts are sorted"),
    ("topk", "", "both parts are sorted"),
    ("logsumexp", r#"["f32:12~special"]"#, "NaN gives way to infinity"),
    ("to_fp8", r#"["f16:12~special"]"#, "NaN has a sign"),
    ("quantize", r#""mode":"nvfp4""#, "sizes between two are rounded otherwise"),
    ("quantize", r#""mode":"mxfp4""#, "sizes between two are rounded otherwise"),
    ("dequantize", r#""global_scale""#, "numbers are bfloat16"),
    ("dequantize", r#"["f32:0x64"]"#, "arrays without elements stay without"),
    ("qqmm", "", "MLX has it on GPUs alone"),
    ("gather_qqmm", "", "MLX has it on GPUs alone"),
    ("block_masked_mm", r#""f16:"#, "MLX has halves on GPUs alone"),
    ("block_masked_mm", r#""bf16:"#, "MLX has halves on GPUs alone"),
    ("segmented_mm", r#"["f16:"#, "sums are rounded once"),
    ("segmented_mm", r#"["bf16:"#, "sums are rounded once"),
    ("fast.cross_entropy", r#"["f16:"#, "computed in f32"),
    ("fast.cross_entropy", r#"["bf16:"#, "computed in f32"),
    ("fast.cross_entropy", r#"["f32:0x5""#, "arrays without elements stay without"),
];

pub(crate) fn reason(reasons: &[Reason], case: &Case) -> Option<&'static str> {
    let named = |op: &str| op.strip_suffix('*').map_or(case.op == op, |start| case.op.starts_with(start));
    let fits = |(op, text, _): &&Reason| named(op) && case.text.contains(text);
    reasons.iter().find(fits).map(|(.., why)| *why)
}
