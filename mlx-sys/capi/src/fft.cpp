#include "mlx_capi/fft.h"

#include <numeric>

#include "convert.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

mx::fft::FFTNorm as_norm(mlx_fft_norm norm) {
  if (norm < MLX_FFT_NORM_BACKWARD || norm > MLX_FFT_NORM_FORWARD) {
    throw std::invalid_argument("no FFT normalization has the number " + std::to_string(norm));
  }
  return static_cast<mx::fft::FFTNorm>(norm);
}

std::vector<int> all_axes(const array& a) {
  std::vector<int> axes(a.ndim());
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

}  // namespace
}  // namespace mlx_capi

#define FFT_1D(function, op)                                                                 \
  int function(mlx_array* out, mlx_array a, mlx_optional_int n, int axis, mlx_fft_norm norm, \
               mlx_stream s) noexcept {                                                      \
    return guard([&] {                                                                       \
      put(out, n.has_value ? mx::fft::op(get(a), n.value, axis, as_norm(norm), get(s))       \
                           : mx::fft::op(get(a), axis, as_norm(norm), get(s)));              \
    });                                                                                      \
  }

#define FFT(function, op, default_axes)                                                       \
  int function(mlx_array* out, mlx_array a, mlx_ints opt_n, mlx_axes axes, mlx_fft_norm norm, \
               mlx_stream s) noexcept {                                                       \
    return guard([&] {                                                                        \
      auto over = axes.data ? as_ints(axes) : default_axes;                                   \
      put(out, opt_n.data ? mx::fft::op(get(a), as_shape(opt_n), over, as_norm(norm), get(s)) \
                          : mx::fft::op(get(a), over, as_norm(norm), get(s)));                \
    });                                                                                       \
  }
#define FFT_2D(function, op) FFT(function, op, (std::vector<int>{-2, -1}))
#define FFT_ND(function, op) FFT(function, op, all_axes(get(a)))

FFT_1D(mlx_fft_fft, fft)
FFT_1D(mlx_fft_ifft, ifft)
FFT_2D(mlx_fft_fft2, fft2)
FFT_2D(mlx_fft_ifft2, ifft2)
FFT_ND(mlx_fft_fftn, fftn)
FFT_ND(mlx_fft_ifftn, ifftn)
FFT_1D(mlx_fft_rfft, rfft)
FFT_1D(mlx_fft_irfft, irfft)
FFT_2D(mlx_fft_rfft2, rfft2)
FFT_2D(mlx_fft_irfft2, irfft2)
FFT_ND(mlx_fft_rfftn, rfftn)
FFT_ND(mlx_fft_irfftn, irfftn)

int mlx_fft_fftfreq(mlx_array* out, int n, double d, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::fft::fftfreq(n, d, get(s))); });
}

int mlx_fft_rfftfreq(mlx_array* out, int n, double d, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::fft::rfftfreq(n, d, get(s))); });
}

int mlx_fft_fftshift(mlx_array* out, mlx_array a, mlx_axes axes, mlx_stream s) noexcept {
  return guard([&] {
    put(out,
        axes.data ? mx::fft::fftshift(get(a), as_ints(axes), get(s)) : mx::fft::fftshift(get(a), get(s)));
  });
}

int mlx_fft_ifftshift(mlx_array* out, mlx_array a, mlx_axes axes, mlx_stream s) noexcept {
  return guard([&] {
    put(out,
        axes.data ? mx::fft::ifftshift(get(a), as_ints(axes), get(s)) : mx::fft::ifftshift(get(a), get(s)));
  });
}

int mlx_fft_stft(mlx_array* out, mlx_array x, int n_fft, mlx_optional_int hop_length,
                 mlx_optional_int win_length, mlx_array opt_window, bool center, mlx_string pad_mode,
                 mlx_fft_norm norm, mlx_optional_bool onesided, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::fft::stft(get(x), n_fft, get(hop_length), get(win_length), opt(opt_window), center,
                           get(pad_mode), as_norm(norm), get(onesided), get(s)));
  });
}

int mlx_fft_istft(mlx_array* out, mlx_array stft_matrix, mlx_optional_int n_fft, mlx_optional_int hop_length,
                  mlx_optional_int win_length, mlx_array opt_window, bool center, mlx_fft_norm norm,
                  mlx_optional_bool onesided, mlx_optional_int length, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::fft::istft(get(stft_matrix), get(n_fft), get(hop_length), get(win_length), opt(opt_window),
                            center, as_norm(norm), get(onesided), get(length), get(s)));
  });
}

#undef FFT_1D
#undef FFT
#undef FFT_2D
#undef FFT_ND
