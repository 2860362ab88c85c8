//! The operations of `ops.h`, `fast.h` and `random.h`.

use super::{
    args::ArrayList,
    call::{Outputs, call_for_array},
};
use crate::{Array, Axes, Dtype, Result};

ops! {
    // Elementwise, one operand
    abs(x: &Array) = mlx_abs;
    arccos(x: &Array) = mlx_arccos;
    arccosh(x: &Array) = mlx_arccosh;
    arcsin(x: &Array) = mlx_arcsin;
    arcsinh(x: &Array) = mlx_arcsinh;
    arctan(x: &Array) = mlx_arctan;
    arctanh(x: &Array) = mlx_arctanh;
    bitwise_invert(x: &Array) = mlx_bitwise_invert;
    cosh(x: &Array) = mlx_cosh;
    degrees(x: &Array) = mlx_degrees;
    erfinv(x: &Array) = mlx_erfinv;
    isneginf(x: &Array) = mlx_isneginf;
    isposinf(x: &Array) = mlx_isposinf;
    log10(x: &Array) = mlx_log10;
    log2(x: &Array) = mlx_log2;
    radians(x: &Array) = mlx_radians;
    sinh(x: &Array) = mlx_sinh;
    tan(x: &Array) = mlx_tan;
    trunc(x: &Array) = mlx_trunc;
    round(x: &Array, decimals: i32) = mlx_round;
    ceil(x: &Array) = mlx_ceil;
    conjugate(x: &Array) = mlx_conjugate;
    cos(x: &Array) = mlx_cos;
    erf(x: &Array) = mlx_erf;
    exp(x: &Array) = mlx_exp;
    expm1(x: &Array) = mlx_expm1;
    floor(x: &Array) = mlx_floor;
    imag(x: &Array) = mlx_imag;
    isfinite(x: &Array) = mlx_isfinite;
    isinf(x: &Array) = mlx_isinf;
    isnan(x: &Array) = mlx_isnan;
    log(x: &Array) = mlx_log;
    log1p(x: &Array) = mlx_log1p;
    logical_not(x: &Array) = mlx_logical_not;
    negative(x: &Array) = mlx_negative;
    real(x: &Array) = mlx_real;
    reciprocal(x: &Array) = mlx_reciprocal;
    rsqrt(x: &Array) = mlx_rsqrt;
    sigmoid(x: &Array) = mlx_sigmoid;
    sign(x: &Array) = mlx_sign;
    sin(x: &Array) = mlx_sin;
    sqrt(x: &Array) = mlx_sqrt;
    square(x: &Array) = mlx_square;
    stop_gradient(x: &Array) = mlx_stop_gradient;
    tanh(x: &Array) = mlx_tanh;
    nan_to_num(x: &Array, nan: f32, posinf: Option<f32>, neginf: Option<f32>) = mlx_nan_to_num;

    // Elementwise, two operands
    add(a: &Array, b: &Array) = mlx_add;
    arctan2(a: &Array, b: &Array) = mlx_arctan2;
    bitwise_and(a: &Array, b: &Array) = mlx_bitwise_and;
    bitwise_or(a: &Array, b: &Array) = mlx_bitwise_or;
    bitwise_xor(a: &Array, b: &Array) = mlx_bitwise_xor;
    floor_divide(a: &Array, b: &Array) = mlx_floor_divide;
    left_shift(a: &Array, b: &Array) = mlx_left_shift;
    logical_xor(a: &Array, b: &Array) = mlx_logical_xor;
    right_shift(a: &Array, b: &Array) = mlx_right_shift;
    clip(x: &Array, low: Option<&Array>, high: Option<&Array>) = mlx_clip;
    isclose(a: &Array, b: &Array, rtol: f64, atol: f64, equal_nan: bool) = mlx_isclose;
    allclose(a: &Array, b: &Array, rtol: f64, atol: f64, equal_nan: bool) = mlx_allclose;
    array_equal(a: &Array, b: &Array, equal_nan: bool) = mlx_array_equal;
    divide(a: &Array, b: &Array) = mlx_divide;
    equal(a: &Array, b: &Array) = mlx_equal;
    greater(a: &Array, b: &Array) = mlx_greater;
    greater_equal(a: &Array, b: &Array) = mlx_greater_equal;
    less(a: &Array, b: &Array) = mlx_less;
    less_equal(a: &Array, b: &Array) = mlx_less_equal;
    logaddexp(a: &Array, b: &Array) = mlx_logaddexp;
    logical_and(a: &Array, b: &Array) = mlx_logical_and;
    logical_or(a: &Array, b: &Array) = mlx_logical_or;
    maximum(a: &Array, b: &Array) = mlx_maximum;
    minimum(a: &Array, b: &Array) = mlx_minimum;
    multiply(a: &Array, b: &Array) = mlx_multiply;
    not_equal(a: &Array, b: &Array) = mlx_not_equal;
    power(a: &Array, b: &Array) = mlx_power;
    remainder(a: &Array, b: &Array) = mlx_remainder;
    subtract(a: &Array, b: &Array) = mlx_subtract;
    where_(condition: &Array, x: &Array, y: &Array) = mlx_where;

    // Matrices
    tril(x: &Array, diagonal: i32) = mlx_tril;
    triu(x: &Array, diagonal: i32) = mlx_triu;
    diag(x: &Array, diagonal: i32) = mlx_diag;
    diagonal(x: &Array, offset: i32, axis1: i32, axis2: i32) = mlx_diagonal;
    trace(x: &Array, offset: i32, axis1: i32, axis2: i32, dtype: Option<Dtype>) = mlx_trace;

    // Reductions and scans
    all(x: &Array, axes: &Axes, keepdims: bool) = mlx_all;
    any(x: &Array, axes: &Axes, keepdims: bool) = mlx_any;
    logsumexp(x: &Array, axes: &Axes, keepdims: bool) = mlx_logsumexp;
    max(x: &Array, axes: &Axes, keepdims: bool) = mlx_max;
    mean(x: &Array, axes: &Axes, keepdims: bool) = mlx_mean;
    min(x: &Array, axes: &Axes, keepdims: bool) = mlx_min;
    prod(x: &Array, axes: &Axes, keepdims: bool) = mlx_prod;
    sum(x: &Array, axes: &Axes, keepdims: bool) = mlx_sum;
    count_nonzero(x: &Array, axes: &Axes, keepdims: bool) = mlx_count_nonzero;
    median(x: &Array, axes: &Axes, keepdims: bool) = mlx_median;
    std(x: &Array, axes: &Axes, keepdims: bool, ddof: i32) = mlx_std;
    cummax(x: &Array, axis: Option<i32>, reverse: bool, inclusive: bool) = mlx_cummax;
    cummin(x: &Array, axis: Option<i32>, reverse: bool, inclusive: bool) = mlx_cummin;
    cumprod(x: &Array, axis: Option<i32>, reverse: bool, inclusive: bool, dtype: Option<Dtype>) = mlx_cumprod;
    var(x: &Array, axes: &Axes, keepdims: bool, ddof: i32) = mlx_var;
    argmax(x: &Array, axis: Option<i32>, keepdims: bool) = mlx_argmax;
    argmin(x: &Array, axis: Option<i32>, keepdims: bool) = mlx_argmin;
    cumsum(x: &Array, axis: Option<i32>, reverse: bool, inclusive: bool, dtype: Option<Dtype>) = mlx_cumsum;
    logcumsumexp(x: &Array, axis: Option<i32>, reverse: bool, inclusive: bool) = mlx_logcumsumexp;
    diff(x: &Array, n: i32, axis: i32) = mlx_diff;
    softmax(x: &Array, axes: &Axes, precise: bool) = mlx_softmax;

    // Order
    argpartition(x: &Array, kth: i32, axis: Option<i32>) = mlx_argpartition;
    argsort(x: &Array, axis: Option<i32>) = mlx_argsort;
    partition(x: &Array, kth: i32, axis: Option<i32>) = mlx_partition;
    searchsorted(sorted: &Array, values: &Array, side: &str) = mlx_searchsorted;
    sort(x: &Array, axis: Option<i32>) = mlx_sort;
    topk(x: &Array, k: i32, axis: Option<i32>) = mlx_topk;

    // Shape
    concatenate(list: &ArrayList<'_>, axis: i32) = mlx_concatenate;
    stack(list: &ArrayList<'_>, axis: i32) = mlx_stack;
    atleast_1d(x: &Array) = mlx_atleast_1d;
    atleast_2d(x: &Array) = mlx_atleast_2d;
    atleast_3d(x: &Array) = mlx_atleast_3d;
    broadcast_to(x: &Array, shape: &[i32]) = mlx_broadcast_to;
    contiguous(x: &Array, allow_col_major: bool) = mlx_contiguous;
    copy(x: &Array) = mlx_copy;
    expand_dims(x: &Array, axes: &[i32]) = mlx_expand_dims;
    flatten(x: &Array, start: i32, end: i32) = mlx_flatten;
    flip(x: &Array, axes: &Axes) = mlx_flip;
    matrix_transpose(x: &Array) = mlx_matrix_transpose;
    moveaxis(x: &Array, source: i32, destination: i32) = mlx_moveaxis;
    number_of_elements(x: &Array, axes: &[i32], inverted: bool, dtype: Dtype) = mlx_number_of_elements;
    pad(x: &Array, axes: &[i32], low: &[i32], high: &[i32], value: &Array, mode: &str) = mlx_pad;
    tile(x: &Array, repeats: &[i32]) = mlx_tile;
    roll(x: &Array, shift: &[i32], axes: &Axes) = mlx_roll;
    repeat(x: &Array, repeats: i32, axis: Option<i32>) = mlx_repeat;
    reshape(x: &Array, shape: &[i32]) = mlx_reshape;
    squeeze(x: &Array, axes: &Axes) = mlx_squeeze;
    swapaxes(x: &Array, a: i32, b: i32) = mlx_swapaxes;
    transpose(x: &Array, axes: &Axes) = mlx_transpose;
    unflatten(x: &Array, axis: i32, shape: &[i32]) = mlx_unflatten;

    // Dtype
    astype(x: &Array, dtype: Dtype) = mlx_astype;
    view(x: &Array, dtype: Dtype) = mlx_view;

    // Indexing
    as_strided(x: &Array, shape: &[i32], strides: &[i64], offset: usize) = mlx_as_strided;
    gather(x: &Array, indices: &ArrayList<'_>, axes: &[i32], slice_sizes: &[i32]) = mlx_gather;
    masked_scatter(x: &Array, mask: &Array, values: &Array) = mlx_masked_scatter;
    put_along_axis(x: &Array, indices: &Array, values: &Array, axis: i32) = mlx_put_along_axis;
    scatter(x: &Array, indices: &ArrayList<'_>, updates: &Array, axes: &[i32]) = mlx_scatter;
    scatter_add(x: &Array, indices: &ArrayList<'_>, updates: &Array, axes: &[i32]) = mlx_scatter_add;
    scatter_add_axis(x: &Array, indices: &Array, values: &Array, axis: i32) = mlx_scatter_add_axis;
    scatter_max(x: &Array, indices: &ArrayList<'_>, updates: &Array, axes: &[i32]) = mlx_scatter_max;
    scatter_min(x: &Array, indices: &ArrayList<'_>, updates: &Array, axes: &[i32]) = mlx_scatter_min;
    scatter_prod(x: &Array, indices: &ArrayList<'_>, updates: &Array, axes: &[i32]) = mlx_scatter_prod;
    slice(x: &Array, start: &[i32], stop: &[i32], strides: &[i32]) = mlx_slice;
    slice_dynamic(x: &Array, start: &Array, axes: &[i32], sizes: &[i32]) = mlx_slice_dynamic;
    slice_update(x: &Array, update: &Array, start: &[i32], stop: &[i32], strides: &[i32]) = mlx_slice_update;
    slice_update_add(x: &Array, update: &Array, start: &[i32], stop: &[i32], strides: &[i32]) = mlx_slice_update_add;
    slice_update_dynamic(x: &Array, update: &Array, start: &Array, axes: &[i32]) = mlx_slice_update_dynamic;
    slice_update_max(x: &Array, update: &Array, start: &[i32], stop: &[i32], strides: &[i32]) = mlx_slice_update_max;
    slice_update_min(x: &Array, update: &Array, start: &[i32], stop: &[i32], strides: &[i32]) = mlx_slice_update_min;
    slice_update_prod(x: &Array, update: &Array, start: &[i32], stop: &[i32], strides: &[i32])
        = mlx_slice_update_prod;
    take(x: &Array, indices: &Array, axis: i32) = mlx_take;
    take_along_axis(x: &Array, indices: &Array, axis: i32) = mlx_take_along_axis;

    // Creation
    arange(start: f64, stop: f64, step: f64, dtype: Dtype) = mlx_arange;
    bartlett(count: i32) = mlx_bartlett;
    blackman(count: i32) = mlx_blackman;
    eye(rows: i32, columns: i32, diagonal: i32, dtype: Dtype) = mlx_eye;
    linspace(start: f64, stop: f64, count: i32, endpoint: bool, dtype: Dtype) = mlx_linspace;
    full(shape: &[i32], value: &Array, dtype: Dtype) = mlx_full;
    full_like(x: &Array, value: &Array, dtype: Dtype) = mlx_full_like;
    hamming(count: i32) = mlx_hamming;
    hanning(count: i32) = mlx_hanning;
    identity(size: i32, dtype: Dtype) = mlx_identity;
    ones(shape: &[i32], dtype: Dtype) = mlx_ones;
    ones_like(x: &Array, dtype: Dtype) = mlx_ones_like;
    tri(rows: i32, columns: i32, diagonal: i32, dtype: Dtype) = mlx_tri;
    zeros(shape: &[i32], dtype: Dtype) = mlx_zeros;
    zeros_like(x: &Array, dtype: Dtype) = mlx_zeros_like;

    // Fused
    cross_entropy(logits: &Array, targets: &Array) = mlx_fast_cross_entropy;
    layer_norm(x: &Array, weight: Option<&Array>, bias: Option<&Array>, eps: f32) = mlx_fast_layer_norm;
    rms_norm(x: &Array, weight: Option<&Array>, eps: f32) = mlx_fast_rms_norm;
    rope(
        x: &Array, dims: i32, traditional: bool, base: Option<f32>, scale: f32, offset: i32, freqs: Option<&Array>
    ) = mlx_fast_rope;
    rope_dynamic(
        x: &Array, dims: i32, traditional: bool, base: Option<f32>, scale: f32, offset: &Array, freqs: Option<&Array>
    ) = mlx_fast_rope_dynamic;
    scaled_dot_product_attention(
        q: &Array, k: &Array, v: &Array, scale: f32, mask_mode: &str, mask: Option<&Array>, sinks: Option<&Array>,
        force_fused: bool
    ) = mlx_fast_scaled_dot_product_attention;

    // Random numbers
    bernoulli(p: &Array, shape: &[i32], key: Option<&Array>) = mlx_random_bernoulli;
    bits(shape: &[i32], width: i32, key: Option<&Array>) = mlx_random_bits;
    categorical(logits: &Array, axis: i32, key: Option<&Array>) = mlx_random_categorical;
    categorical_num_samples(logits: &Array, axis: i32, count: i32, key: Option<&Array>)
        = mlx_random_categorical_num_samples;
    categorical_shape(logits: &Array, axis: i32, shape: &[i32], key: Option<&Array>) = mlx_random_categorical_shape;
    gumbel(shape: &[i32], dtype: Dtype, key: Option<&Array>) = mlx_random_gumbel;
    laplace(shape: &[i32], dtype: Dtype, loc: f32, scale: f32, key: Option<&Array>) = mlx_random_laplace;
    multivariate_normal(mean: &Array, cov: &Array, shape: &[i32], dtype: Dtype, key: Option<&Array>)
        = mlx_random_multivariate_normal;
    normal(shape: &[i32], dtype: Dtype, loc: Option<&Array>, scale: Option<&Array>, key: Option<&Array>)
        = mlx_random_normal;
    permutation(x: &Array, axis: i32, key: Option<&Array>) = mlx_random_permutation;
    permutation_arange(n: i32, key: Option<&Array>) = mlx_random_permutation_arange;
    randint(low: &Array, high: &Array, shape: &[i32], dtype: Dtype, key: Option<&Array>) = mlx_random_randint;
    split_num(key: &Array, num: i32) = mlx_random_split_num;
    truncated_normal(lower: &Array, upper: &Array, shape: &[i32], dtype: Dtype, key: Option<&Array>)
        = mlx_random_truncated_normal;
    uniform(low: &Array, high: &Array, shape: &[i32], dtype: Dtype, key: Option<&Array>) = mlx_random_uniform;
}

ops_with_two_outputs! {
    minmax(x: &Array, axes: &Axes, keepdims: bool) = mlx_minmax;
    split_key(key: &Array) = mlx_random_split;
}

ops_with_many_outputs! {
    broadcast_arrays(list: &ArrayList<'_>) = mlx_broadcast_arrays;
    meshgrid(list: &ArrayList<'_>, sparse: bool, indexing: &str) = mlx_meshgrid;
    gated_delta_update(
        q: &Array, k: &Array, v: &Array, gates: &Array, beta: &Array, state: Option<&Array>, mask: Option<&Array>
    ) = mlx_fast_gated_delta_update;
    split(x: &Array, parts: i32, axis: i32) = mlx_split;
    split_sections(x: &Array, indices: &[i32], axis: i32) = mlx_split_sections;
    unique(
        x: &Array, size: i32, return_index: bool, return_inverse: bool, return_counts: bool, fill: Option<&Array>
    ) = mlx_unique;
    unstack(x: &Array, axis: i32) = mlx_unstack;
}

/// A random key; needs no stream.
#[track_caller]
pub(crate) fn key(seed: u64) -> Result<Array> {
    // SAFETY: the call writes `out` when it succeeds.
    call_for_array("key", |out| unsafe { mlx_sys::mlx_random_key(out, seed) })
}

/// The inputs again, bound to the dependencies; needs no stream.
#[track_caller]
pub(crate) fn depends(inputs: &ArrayList<'_>, dependencies: &ArrayList<'_>) -> Result<Vec<Array>> {
    // SAFETY: the handles are borrowed from arrays that outlive the call, which writes `out` when it succeeds.
    Outputs::of("depends", |out| unsafe { mlx_sys::mlx_depends(out, inputs.span(), dependencies.span()) })
}
