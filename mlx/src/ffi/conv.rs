//! The operations of `ops/conv.h`.

use crate::Array;

ops! {
    conv_general(
        x: &Array, weight: &Array, stride: &[i32], padding_low: &[i32], padding_high: &[i32], dilation: &[i32],
        input_dilation: &[i32], groups: i32, flip: bool
    ) = mlx_conv_general;
    conv_transpose1d(
        x: &Array, weight: &Array, stride: [i32; 1], padding: [i32; 1], dilation: [i32; 1],
        output_padding: [i32; 1], groups: i32
    ) = mlx_conv_transpose1d;
    conv_transpose2d(
        x: &Array, weight: &Array, stride: [i32; 2], padding: [i32; 2], dilation: [i32; 2],
        output_padding: [i32; 2], groups: i32
    ) = mlx_conv_transpose2d;
    conv_transpose3d(
        x: &Array, weight: &Array, stride: [i32; 3], padding: [i32; 3], dilation: [i32; 3],
        output_padding: [i32; 3], groups: i32
    ) = mlx_conv_transpose3d;
}
