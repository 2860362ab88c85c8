#include "mlx_capi/random.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_random_key(mlx_array* out, uint64_t seed) noexcept {
  return guard([&] { put(out, mx::random::key(seed)); });
}

int mlx_random_seed(uint64_t seed) noexcept {
  return guard([&] { mx::random::seed(seed); });
}

int mlx_random_split(mlx_array* out_0, mlx_array* out_1, mlx_array key, mlx_stream s) noexcept {
  return guard([&] { put(out_0, out_1, mx::random::split(get(key), get(s))); });
}

int mlx_random_split_num(mlx_array* out, mlx_array key, int num, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::random::split(get(key), num, get(s))); });
}

int mlx_random_bits(mlx_array* out, mlx_ints shape, int width, mlx_array opt_key, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::random::bits(as_shape(shape), width, opt(opt_key), get(s))); });
}

int mlx_random_uniform(mlx_array* out, mlx_array low, mlx_array high, mlx_ints shape, mlx_dtype dtype,
                       mlx_array opt_key, mlx_stream s) noexcept {
  return guard([&] {
    put(out,
        mx::random::uniform(get(low), get(high), as_shape(shape), as_dtype(dtype), opt(opt_key), get(s)));
  });
}

int mlx_random_normal(mlx_array* out, mlx_ints shape, mlx_dtype dtype, mlx_array opt_loc, mlx_array opt_scale,
                      mlx_array opt_key, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::random::normal(as_shape(shape), as_dtype(dtype), opt(opt_loc), opt(opt_scale), opt(opt_key),
                                get(s)));
  });
}

int mlx_random_multivariate_normal(mlx_array* out, mlx_array mean, mlx_array cov, mlx_ints shape,
                                   mlx_dtype dtype, mlx_array opt_key, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::random::multivariate_normal(get(mean), get(cov), as_shape(shape), as_dtype(dtype),
                                             opt(opt_key), get(s)));
  });
}

int mlx_random_truncated_normal(mlx_array* out, mlx_array lower, mlx_array upper, mlx_ints shape,
                                mlx_dtype dtype, mlx_array opt_key, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::random::truncated_normal(get(lower), get(upper), as_shape(shape), as_dtype(dtype),
                                          opt(opt_key), get(s)));
  });
}

int mlx_random_gumbel(mlx_array* out, mlx_ints shape, mlx_dtype dtype, mlx_array opt_key,
                      mlx_stream s) noexcept {
  return guard([&] { put(out, mx::random::gumbel(as_shape(shape), as_dtype(dtype), opt(opt_key), get(s))); });
}

int mlx_random_laplace(mlx_array* out, mlx_ints shape, mlx_dtype dtype, float loc, float scale,
                       mlx_array opt_key, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::random::laplace(as_shape(shape), as_dtype(dtype), loc, scale, opt(opt_key), get(s)));
  });
}

int mlx_random_randint(mlx_array* out, mlx_array low, mlx_array high, mlx_ints shape, mlx_dtype dtype,
                       mlx_array opt_key, mlx_stream s) noexcept {
  return guard([&] {
    put(out,
        mx::random::randint(get(low), get(high), as_shape(shape), as_dtype(dtype), opt(opt_key), get(s)));
  });
}

int mlx_random_bernoulli(mlx_array* out, mlx_array p, mlx_ints shape, mlx_array opt_key,
                         mlx_stream s) noexcept {
  return guard([&] { put(out, mx::random::bernoulli(get(p), as_shape(shape), opt(opt_key), get(s))); });
}

int mlx_random_categorical(mlx_array* out, mlx_array logits, int axis, mlx_array opt_key,
                           mlx_stream s) noexcept {
  return guard([&] { put(out, mx::random::categorical(get(logits), axis, opt(opt_key), get(s))); });
}

int mlx_random_categorical_shape(mlx_array* out, mlx_array logits, int axis, mlx_ints shape,
                                 mlx_array opt_key, mlx_stream s) noexcept {
  return guard(
      [&] { put(out, mx::random::categorical(get(logits), axis, as_shape(shape), opt(opt_key), get(s))); });
}

int mlx_random_categorical_num_samples(mlx_array* out, mlx_array logits, int axis, int num_samples,
                                       mlx_array opt_key, mlx_stream s) noexcept {
  return guard(
      [&] { put(out, mx::random::categorical(get(logits), axis, num_samples, opt(opt_key), get(s))); });
}

int mlx_random_permutation(mlx_array* out, mlx_array x, int axis, mlx_array opt_key, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::random::permutation(get(x), axis, opt(opt_key), get(s))); });
}

int mlx_random_permutation_arange(mlx_array* out, int n, mlx_array opt_key, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::random::permutation(n, opt(opt_key), get(s))); });
}
