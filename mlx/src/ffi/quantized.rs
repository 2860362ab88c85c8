//! The operations of `ops/quantized.h`.

use crate::{Array, Dtype};

ops! {
    dequantize(
        w: &Array, scales: &Array, biases: Option<&Array>, group_size: Option<i32>, bits: Option<i32>, mode: &str,
        global_scale: Option<&Array>, dtype: Option<Dtype>
    ) = mlx_dequantize;
    from_fp8(x: &Array, dtype: Dtype) = mlx_from_fp8;
    gather_qmm(
        x: &Array, w: &Array, scales: &Array, biases: Option<&Array>, lhs: Option<&Array>, rhs: Option<&Array>,
        transpose: bool, group_size: Option<i32>, bits: Option<i32>, mode: &str, global_scale: Option<&Array>,
        sorted: bool
    ) = mlx_gather_qmm;
    gather_qqmm(
        x: &Array, w: &Array, scales: Option<&Array>, lhs: Option<&Array>, rhs: Option<&Array>,
        group_size: Option<i32>, bits: Option<i32>, mode: &str, global_scale_x: Option<&Array>,
        global_scale_w: Option<&Array>, sorted: bool
    ) = mlx_gather_qqmm;
    qqmm(
        x: &Array, w: &Array, scales: Option<&Array>, group_size: Option<i32>, bits: Option<i32>, mode: &str,
        global_scale_x: Option<&Array>, global_scale_w: Option<&Array>
    ) = mlx_qqmm;
    quantized_matmul(
        x: &Array, w: &Array, scales: &Array, biases: Option<&Array>, transpose: bool, group_size: Option<i32>,
        bits: Option<i32>, mode: &str
    ) = mlx_quantized_matmul;
    to_fp8(x: &Array) = mlx_to_fp8;
}

ops_with_many_outputs! {
    quantize(w: &Array, group_size: Option<i32>, bits: Option<i32>, mode: &str, global_scale: Option<&Array>)
        = mlx_quantize;
}
