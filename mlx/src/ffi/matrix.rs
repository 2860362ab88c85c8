//! The operations of `ops/linear.h`.

use crate::Array;

ops! {
    addmm(c: &Array, a: &Array, b: &Array, alpha: f32, beta: f32) = mlx_addmm;
    block_masked_mm(
        a: &Array, b: &Array, block_size: i32, mask_out: Option<&Array>, mask_lhs: Option<&Array>,
        mask_rhs: Option<&Array>
    ) = mlx_block_masked_mm;
    gather_mm(a: &Array, b: &Array, lhs: Option<&Array>, rhs: Option<&Array>, sorted: bool) = mlx_gather_mm;
    hadamard_transform(x: &Array, scale: Option<f32>) = mlx_hadamard_transform;
    inner(a: &Array, b: &Array) = mlx_inner;
    kron(a: &Array, b: &Array) = mlx_kron;
    matmul(a: &Array, b: &Array) = mlx_matmul;
    outer(a: &Array, b: &Array) = mlx_outer;
    segmented_mm(a: &Array, b: &Array, segments: &Array) = mlx_segmented_mm;
    tensordot(a: &Array, b: &Array, axes_a: &[i32], axes_b: &[i32]) = mlx_tensordot;
    vecdot(a: &Array, b: &Array, axis: i32) = mlx_vecdot;
}
