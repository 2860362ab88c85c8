//! The operations of `fft.h`. Transforms of one and of two axes are those of many with as many axes.

use crate::{Array, Axes};

ops! {
    fftfreq(n: i32, spacing: f64) = mlx_fft_fftfreq;
    fftn(x: &Array, sizes: &[i32], axes: &Axes, norm: i32) = mlx_fft_fftn;
    fftshift(x: &Array, axes: &Axes) = mlx_fft_fftshift;
    ifftn(x: &Array, sizes: &[i32], axes: &Axes, norm: i32) = mlx_fft_ifftn;
    ifftshift(x: &Array, axes: &Axes) = mlx_fft_ifftshift;
    irfftn(x: &Array, sizes: &[i32], axes: &Axes, norm: i32) = mlx_fft_irfftn;
    istft(
        x: &Array, size: Option<i32>, hop: Option<i32>, window_size: Option<i32>, window: Option<&Array>,
        center: bool, norm: i32, onesided: Option<bool>, length: Option<i32>
    ) = mlx_fft_istft;
    rfftfreq(n: i32, spacing: f64) = mlx_fft_rfftfreq;
    rfftn(x: &Array, sizes: &[i32], axes: &Axes, norm: i32) = mlx_fft_rfftn;
    stft(
        x: &Array, size: i32, hop: Option<i32>, window_size: Option<i32>, window: Option<&Array>, center: bool,
        pad_mode: &str, norm: i32, onesided: Option<bool>
    ) = mlx_fft_stft;
}
