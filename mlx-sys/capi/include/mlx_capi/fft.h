// Fourier transforms.
//
// `opt_n` gives the sizes of the transformed axes, which are cut or padded with zeros to them; by default
// they stay as they are. The inverse of a real transform makes its last axis `2 * (size - 1)` long unless a
// size is given.
#ifndef MLX_CAPI_FFT_H
#define MLX_CAPI_FFT_H

#include "types.h"

MLX_C_BEGIN

typedef int32_t mlx_fft_norm;
/// The inverse transform is divided by the size.
static const mlx_fft_norm MLX_FFT_NORM_BACKWARD = 0;
/// Both directions are divided by the square root of the size.
static const mlx_fft_norm MLX_FFT_NORM_ORTHO = 1;
/// The forward transform is divided by the size.
static const mlx_fft_norm MLX_FFT_NORM_FORWARD = 2;

// Complex to complex ------------------------------------------------------------------------------

/// The transform of one axis.
MLX_C_API int mlx_fft_fft(mlx_array* out, mlx_array a, mlx_optional_int n, int axis, mlx_fft_norm norm,
                          mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse transform of one axis.
MLX_C_API int mlx_fft_ifft(mlx_array* out, mlx_array a, mlx_optional_int n, int axis, mlx_fft_norm norm,
                           mlx_stream s) MLX_C_NOEXCEPT;

/// The transform of two axes; without axes, of the last two.
MLX_C_API int mlx_fft_fft2(mlx_array* out, mlx_array a, mlx_ints opt_n, mlx_axes axes, mlx_fft_norm norm,
                           mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse transform of two axes; without axes, of the last two.
MLX_C_API int mlx_fft_ifft2(mlx_array* out, mlx_array a, mlx_ints opt_n, mlx_axes axes, mlx_fft_norm norm,
                            mlx_stream s) MLX_C_NOEXCEPT;

/// The transform of any axes.
MLX_C_API int mlx_fft_fftn(mlx_array* out, mlx_array a, mlx_ints opt_n, mlx_axes axes, mlx_fft_norm norm,
                           mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse transform of any axes.
MLX_C_API int mlx_fft_ifftn(mlx_array* out, mlx_array a, mlx_ints opt_n, mlx_axes axes, mlx_fft_norm norm,
                            mlx_stream s) MLX_C_NOEXCEPT;

// Real to complex and back: the last transformed axis has `size / 2 + 1` complex elements ---------

/// The transform of one axis of real numbers.
MLX_C_API int mlx_fft_rfft(mlx_array* out, mlx_array a, mlx_optional_int n, int axis, mlx_fft_norm norm,
                           mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse of `mlx_fft_rfft`.
MLX_C_API int mlx_fft_irfft(mlx_array* out, mlx_array a, mlx_optional_int n, int axis, mlx_fft_norm norm,
                            mlx_stream s) MLX_C_NOEXCEPT;

/// The transform of two axes of real numbers; without axes, of the last two.
MLX_C_API int mlx_fft_rfft2(mlx_array* out, mlx_array a, mlx_ints opt_n, mlx_axes axes, mlx_fft_norm norm,
                            mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse of `mlx_fft_rfft2`.
MLX_C_API int mlx_fft_irfft2(mlx_array* out, mlx_array a, mlx_ints opt_n, mlx_axes axes, mlx_fft_norm norm,
                             mlx_stream s) MLX_C_NOEXCEPT;

/// The transform of any axes of real numbers.
MLX_C_API int mlx_fft_rfftn(mlx_array* out, mlx_array a, mlx_ints opt_n, mlx_axes axes, mlx_fft_norm norm,
                            mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse of `mlx_fft_rfftn`.
MLX_C_API int mlx_fft_irfftn(mlx_array* out, mlx_array a, mlx_ints opt_n, mlx_axes axes, mlx_fft_norm norm,
                             mlx_stream s) MLX_C_NOEXCEPT;

// Frequencies -------------------------------------------------------------------------------------

/// The frequencies of the elements of a transform of size `n` with sample spacing `d`; float32.
MLX_C_API int mlx_fft_fftfreq(mlx_array* out, int n, double d, mlx_stream s) MLX_C_NOEXCEPT;

/// The frequencies of the elements of a real transform of size `n` with sample spacing `d`; float32.
MLX_C_API int mlx_fft_rfftfreq(mlx_array* out, int n, double d, mlx_stream s) MLX_C_NOEXCEPT;

/// Frequency zero moved to the middle of the axes.
MLX_C_API int mlx_fft_fftshift(mlx_array* out, mlx_array a, mlx_axes axes, mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse of `mlx_fft_fftshift`.
MLX_C_API int mlx_fft_ifftshift(mlx_array* out, mlx_array a, mlx_axes axes, mlx_stream s) MLX_C_NOEXCEPT;

// Short-time transforms ---------------------------------------------------------------------------

/// Transforms of overlapping windows of the last axis, in a new axis of frames before the frequencies. By
/// default a hop of a quarter window, a window of `n_fft`, and for real input one side of the spectrum;
/// `center` pads both ends in a mode of `mlx_pad`.
MLX_C_API int mlx_fft_stft(mlx_array* out, mlx_array x, int n_fft, mlx_optional_int hop_length,
                           mlx_optional_int win_length, mlx_array opt_window, bool center,
                           mlx_string pad_mode, mlx_fft_norm norm, mlx_optional_bool onesided,
                           mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse of `mlx_fft_stft`, cut or padded to `length`.
MLX_C_API int mlx_fft_istft(mlx_array* out, mlx_array stft_matrix, mlx_optional_int n_fft,
                            mlx_optional_int hop_length, mlx_optional_int win_length, mlx_array opt_window,
                            bool center, mlx_fft_norm norm, mlx_optional_bool onesided,
                            mlx_optional_int length, mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
