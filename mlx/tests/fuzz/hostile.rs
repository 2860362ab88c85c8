//! Operations on any arrays with any arguments: they may fail, but nothing else.

use super::random::Random;
use mlx::{
    Array, Result, concatenate,
    fast::{self, GatedDelta, Mask, RopeOptions},
    fft::{self, Stft, along},
    linalg::{self, Triangle},
    nn::{Quantization, quantize},
    ops::{ConvOptions, ConvTransposeOptions, ConvolveMode, Gather, Grid, PadMode, Side},
    random, scan, stack,
};

/// An operation along axes.
type Along = fn(&Array, Vec<i32>) -> Result<Array>;

type Step = fn(&mut Random, &[&Array; 3]) -> Result<Vec<Array>>;

macro_rules! steps {
    ($($name:ident |$r:ident, $x:ident, $y:ident, $z:ident| $result:expr;)*) => { &[$((
        stringify!($name),
        |$r, [$x, $y, $z]| {
            let _ = (&$r, $x, $y, $z);
            Ok(Vec::from($result))
        },
    )),*] };
}

fn rank(x: &Array) -> usize {
    x.ndim().unwrap_or(0)
}

fn conv(r: &mut Random) -> ConvOptions {
    ConvOptions::new().stride(r.int()).padding(r.int()).dilation(r.int()).groups(r.pick(&[1, 1, 2, 0, -1]))
}

fn transposed(r: &mut Random) -> ConvTransposeOptions {
    ConvTransposeOptions::new().stride(r.int()).padding(r.int()).dilation(r.int()).output_padding(r.int())
}

fn two(pair: (Array, Array)) -> [Array; 2] {
    [pair.0, pair.1]
}

pub(crate) const STEPS: &[(&str, Step)] = steps! {
    unary |r, x, y, z| {
        let all: &[fn(&Array) -> Result<Array>] = &[
            Array::abs, Array::arccos, Array::bitwise_invert, Array::ceil, Array::conjugate, Array::exp, Array::expm1,
            Array::erfinv, Array::imag, Array::isnan, Array::log1p, Array::logical_not, Array::negative, Array::real,
            Array::reciprocal, Array::rsqrt, Array::sigmoid, Array::sign, Array::square, Array::tan, Array::trunc, Array::t,
            Array::atleast_3d, Array::copy, Array::contiguous, Array::zeros_like, Array::hadamard_transform, Array::to_fp8,
        ];
        [r.pick(all)(x)?]
    };
    binary |r, x, y, z| {
        let all: &[fn(&Array, &Array) -> Result<Array>] = &[
            |x, y| x.divide(y), |x, y| x.floor_divide(y), |x, y| x.remainder(y), |x, y| x.power(y), |x, y| x.arctan2(y),
            |x, y| x.bitwise_and(y), |x, y| x.left_shift(y), |x, y| x.right_shift(y), |x, y| x.logaddexp(y),
            |x, y| x.logical_or(y), |x, y| x.equal(y), |x, y| x.less(y), |x, y| x.minimum(y), |x, y| x.array_equal(y),
            |x, y| x.inner(y), |x, y| x.outer(y), |x, y| x.kron(y), |x, y| x.matmul(y),
        ];
        [r.pick(all)(x, y)?]
    };
    scalar |r, x, y, z| [x.floor_divide(r.int())?, x.remainder(r.int())?, x.power(r.int())?, x.add(r.float())?];
    divmod |r, x, y, z| two(x.divmod(*y)?);
    reduction |r, x, y, z| {
        let all: &[Along] = &[
            |x, a| x.all(a), |x, a| x.any(a), |x, a| x.count_nonzero(a), |x, a| x.logsumexp(a), |x, a| x.max(a),
            |x, a| x.mean(a), |x, a| x.median(a), |x, a| x.min(a), |x, a| x.prod(a), |x, a| x.sum(a), |x, a| x.argmax(a),
            |x, a| x.argmin(a), |x, a| x.softmax(a), |x, a| x.sort(a), |x, a| x.argsort(a), |x, a| x.squeeze(a),
            |x, a| x.expand_dims(a), |x, a| x.flip(a), |x, a| x.transpose(a), |x, a| Ok(x.minmax(a)?.1),
        ];
        let axes = r.axes(rank(x));
        [r.pick(all)(x, axes)?]
    };
    var |r, x, y, z| [x.var(r.axes(rank(x)), r.int())?, x.std(.., r.int())?];
    scan |r, x, y, z| {
        let how = if r.flag() { scan(..) } else { scan(r.axis(rank(x))) };
        let how = if r.flag() { how.reverse() } else { how.exclusive() };
        [x.cumsum(how)?, x.cumprod(how)?, x.cummax(how)?, x.cummin(how)?, x.logcumsumexp(how)?]
    };
    diff |r, x, y, z| [x.diff(r.int(), r.axis(rank(x)))?];
    partition |r, x, y, z| [x.partition(r.int(), r.axis(rank(x)))?];
    argpartition |r, x, y, z| [x.argpartition(r.int(), ..)?];
    topk |r, x, y, z| [x.topk(r.int(), r.axis(rank(x)))?];
    searchsorted |r, x, y, z| [x.searchsorted(*y, Side::Right)?];
    unique |r, x, y, z| {
        let unique = x.unique(r.int())?;
        [unique.values, unique.index, unique.inverse, unique.counts]
    };
    reshape |r, x, y, z| [x.reshape(r.any_ints())?];
    unflatten |r, x, y, z| [x.unflatten(r.axis(rank(x)), r.any_ints())?];
    flatten |r, x, y, z| [x.flatten(r.axis(rank(x)), r.axis(rank(x)))?];
    moveaxis |r, x, y, z| [x.moveaxis(r.axis(rank(x)), r.axis(rank(x)))?, x.swapaxes(r.axis(rank(x)), r.axis(rank(x)))?];
    repeat |r, x, y, z| [x.repeat(r.int(), r.axis(rank(x)))?];
    tile |r, x, y, z| [x.tile(r.any_ints())?];
    roll |r, x, y, z| [x.roll(r.int(), r.axes(rank(x)))?];
    split |r, x, y, z| x.split(r.int(), r.axis(rank(x)))?;
    split_at |r, x, y, z| x.split_at(&r.any_ints(), r.axis(rank(x)))?;
    unstack |r, x, y, z| x.unstack(r.axis(rank(x)))?;
    concatenate |r, x, y, z| [concatenate(&[x, y, z], r.axis(rank(x)))?];
    stack |r, x, y, z| [stack(&[x, y], r.axis(rank(x)))?];
    pad |r, x, y, z| [x.pad((r.int(), r.int()), 1)?];
    pad_mode |r, x, y, z| {
        let mode = r.pick(&[PadMode::Edge, PadMode::Reflect, PadMode::Symmetric]);
        [x.pad_mode((r.int(), r.int()), mode)?]
    };
    view |r, x, y, z| [x.view(r.dtype())?];
    as_strided |r, x, y, z| {
        let shape = r.any_ints();
        let strides: Vec<i64> = r.ints(shape.len()).into_iter().map(i64::from).collect();
        [x.as_strided(shape, &strides, r.below(9))?]
    };
    diag |r, x, y, z| [x.diag(r.int())?];
    diagonal |r, x, y, z| [x.diagonal(r.int(), [r.axis(rank(x)), r.axis(rank(x))])?];
    trace |r, x, y, z| [x.trace(r.int(), [r.axis(rank(x)), r.axis(rank(x))])?];
    tril |r, x, y, z| [x.tril(r.int())?, x.triu(r.int())?];
    take |r, x, y, z| [x.take(y, r.axis(rank(x)))?];
    take_along_axis |r, x, y, z| [x.take_along_axis(y, r.axis(rank(x)))?];
    put_along_axis |r, x, y, z| [x.put_along_axis(y, *z, r.axis(rank(x)))?];
    scatter_add_axis |r, x, y, z| [x.scatter_add_axis(y, *z, r.axis(rank(x)))?];
    gather |r, x, y, z| [x.gather(&[y], &[r.axis(rank(x))], &r.ints(rank(x)))?];
    scatter |r, x, y, z| [x.scatter(&[y], z, &[r.axis(rank(x))])?, x.scatter_max(&[y], z, &[0])?];
    masked_scatter |r, x, y, z| [x.masked_scatter(y, z)?];
    slice |r, x, y, z| [x.slice(&r.ints(rank(x)), &r.ints(rank(x)))?];
    slice_update |r, x, y, z| [x.slice_update(y, &r.ints(rank(x)), &r.ints(rank(x)))?];
    slice_dynamic |r, x, y, z| [x.slice_dynamic(y, &r.axes(rank(x)), &r.ints(rank(x)))?];
    slice_update_dynamic |r, x, y, z| [x.slice_update_dynamic(y, z, &r.axes(rank(x)))?];
    at |r, x, y, z| [x.at((mlx::Rest, mlx::step(r.int()..r.int(), r.int())))?, x.at(*y)?, x.at(r.int())?];
    set_at |r, x, y, z| [x.set_at(*y, *z)?, x.add_at((r.int(), mlx::Rest), *z)?];
    tensordot |r, x, y, z| [x.tensordot(y, r.int())?];
    vecdot |r, x, y, z| [x.vecdot(y, r.axis(rank(x)))?];
    addmm |r, x, y, z| [x.addmm(y, z)?];
    einsum |r, x, y, z| [mlx::einsum(r.pick(&["ij,jk", "i,i->", "ii", "...i,...i", "ab,c->abc", "i..", "->"]), &[x, y])?];
    gather_mm |r, x, y, z| [x.gather_mm(y, Gather::new().rhs(z))?];
    segmented_mm |r, x, y, z| [x.segmented_mm(y, z)?];
    conv |r, x, y, z| [x.conv_general(y, conv(r))?];
    conv_transpose |r, x, y, z| [x.conv_transpose1d(y, transposed(r))?];
    convolve |r, x, y, z| [x.convolve(y, ConvolveMode::Same)?];
    quantize |r, x, y, z| {
        let matrix = quantize(x, Quantization::affine(r.pick(&[32, 64]), r.pick(&[2, 4, 8])))?;
        [matrix.dequantize()?, matrix.project(y)?]
    };
    norm |r, x, y, z| [linalg::norm(x, r.int(), r.axes(rank(x)))?];
    factor |r, x, y, z| two(linalg::qr(x)?);
    svd |r, x, y, z| [linalg::svdvals(x)?, linalg::pinv(x)?];
    eig |r, x, y, z| [linalg::eigvals(x)?, linalg::eigvalsh(x, Triangle::Upper)?];
    inv |r, x, y, z| [linalg::inv(x)?];
    solve |r, x, y, z| [linalg::solve(x, y)?];
    det |r, x, y, z| [linalg::det(x)?];
    cross |r, x, y, z| [linalg::cross(x, y, r.axis(rank(x)))?];
    fft |r, x, y, z| [fft::fft(x, along(r.axis(rank(x))).size(r.int()))?];
    irfft |r, x, y, z| [fft::irfftn(x, r.axes(rank(x)))?, fft::fftshift(x, r.axes(rank(x)))?];
    stft |r, x, y, z| [fft::stft(x, Stft::new(r.int()).hop(r.int()))?];
    rms_norm |r, x, y, z| [fast::rms_norm(x, Some(y), r.float())?, fast::layer_norm(x, Some(y), Some(z), 0.1)?];
    rope |r, x, y, z| {
        let options = RopeOptions { dims: r.int(), traditional: r.flag(), base: r.float(), scale: 1.0, freqs: None };
        [fast::rope(x, r.int(), options)?]
    };
    attention |r, x, y, z| [fast::scaled_dot_product_attention(x, y, z, r.float(), Mask::Causal)?];
    cross_entropy |r, x, y, z| [fast::cross_entropy(x, y)?];
    gated_delta |r, x, y, z| two(fast::gated_delta_update(x, x, y, z, z, GatedDelta::default())?);
    random |r, x, y, z| {
        let (key, shape) = (random::key(7)?, r.any_ints());
        [random::uniform(*x, *y, &shape, mlx::Dtype::F32, &key)?]
    };
    categorical |r, x, y, z| [random::categorical_num_samples(x, r.axis(rank(x)), r.int(), &random::key(7)?)?];
    bits |r, x, y, z| [random::bits(&r.any_ints(), r.dtype(), x)?];
    permutation |r, x, y, z| [random::permutation(x, r.axis(rank(x)), &random::key(1)?)?];
    create |r, x, y, z| [mlx::arange(r.float().into(), r.int().into(), r.float().into(), r.dtype())?];
    full |r, x, y, z| [mlx::full(&r.any_ints(), *x, r.dtype())];
    eye |r, x, y, z| [mlx::eye(mlx::matrix([r.int(), r.int()]).diagonal(r.int()), r.dtype())];
    linspace |r, x, y, z| [mlx::linspace(0.0..=1.0, r.int(), r.dtype())?];
    meshgrid |r, x, y, z| mlx::meshgrid(&[x, y], Grid::XY)?;
};
