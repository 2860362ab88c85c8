//! Products, convolutions, quantized matrices, linear algebra, Fourier transforms, random numbers and fused operations.

use super::{Args, Op, one, pair};
use mlx::{
    Array, Result,
    fast::{self, AttentionOptions, GatedDelta, Mask, Offset, RopeOptions},
    fft::{self, Along, Pad, Stft, along},
    linalg::{self, Norm, Triangle},
    nn::{self, Mode, Quantization, Quantized},
    ops::{BlockMasks, Contraction, ConvOptions, ConvTransposeOptions, ConvolveMode, Gather},
    random,
};

pub(super) const PRODUCTS: &[(&str, Op)] = &[
    ("matmul", |x, _| one(x[0].matmul(&x[1]))),
    ("inner", |x, _| one(x[0].inner(&x[1]))),
    ("outer", |x, _| one(x[0].outer(&x[1]))),
    ("kron", |x, _| one(x[0].kron(&x[1]))),
    ("vecdot", |x, a| one(x[0].vecdot(&x[1], a.int_or("axis", -1)))),
    ("tensordot", |x, a| {
        let over = match &a.lists_if_nested("axes")[..] {
            [left, right] => Contraction::from((&left[..], &right[..])),
            _ => a.int("axes").into(),
        };
        one(x[0].tensordot(&x[1], over))
    }),
    ("addmm", |x, a| match a.has("alpha") {
        true => {
            let [alpha, beta] = ["alpha", "beta"].map(|name| a.float_or(name, 1.0) as f32);
            one(x[0].addmm_scaled(&x[1], &x[2], alpha, beta))
        }
        false => one(x[0].addmm(&x[1], &x[2])),
    }),
    ("hadamard_transform", |x, a| match a.float("scale") {
        Some(scale) => one(x[0].hadamard_transform_scaled(scale as f32)),
        None => one(x[0].hadamard_transform()),
    }),
    ("block_masked_mm", |x, a| {
        let [out, lhs, rhs] = ["mask_out", "mask_lhs", "mask_rhs"].map(|name| a.array(name));
        let masks = BlockMasks::new(a.int("block_size"));
        let masks = out.as_ref().map_or(masks, |mask| masks.out(mask));
        let masks = lhs.as_ref().map_or(masks, |mask| masks.lhs(mask));
        one(x[0].block_masked_mm(&x[1], rhs.as_ref().map_or(masks, |mask| masks.rhs(mask))))
    }),
    ("segmented_mm", |x, _| one(x[0].segmented_mm(&x[1], &x[2]))),
    ("gather_mm", |x, a| with_gather(a, |gather| x[0].gather_mm(&x[1], gather))),
    ("einsum", |x, a| one(mlx::einsum(a.text("subscripts").unwrap(), &x.iter().collect::<Vec<_>>()))),
];

fn with_gather(args: &Args<'_>, f: impl FnOnce(Gather<'_>) -> Result<Array>) -> Result<Vec<Array>> {
    let [lhs, rhs] = ["lhs_indices", "rhs_indices"].map(|name| args.array(name));
    let gather = Gather::new();
    let gather = lhs.as_ref().map_or(gather, |indices| gather.lhs(indices));
    let gather = rhs.as_ref().map_or(gather, |indices| gather.rhs(indices));
    one(f(if args.flag("sorted_indices") { gather.sorted() } else { gather }))
}

fn convolution(args: &Args<'_>) -> ConvOptions {
    let list = |name, default| args.ints_or(name, &[default]);
    let dilation = if args.has("kernel_dilation") { "kernel_dilation" } else { "dilation" };
    let options = ConvOptions::new()
        .stride(list("stride", 1))
        .dilation(list(dilation, 1))
        .input_dilation(list("input_dilation", 1))
        .groups(args.int_or("groups", 1));
    let options = match &args.lists_if_nested("padding")[..] {
        [before, after] => options.padding_sides(&before[..], &after[..]),
        _ => options.padding(list("padding", 0)),
    };
    if args.flag("flip") { options.flip() } else { options }
}

fn transposed(args: &Args<'_>) -> ConvTransposeOptions {
    let list = |name, default| args.ints_or(name, &[default]);
    ConvTransposeOptions::new()
        .stride(list("stride", 1))
        .padding(list("padding", 0))
        .dilation(list("dilation", 1))
        .output_padding(list("output_padding", 0))
        .groups(args.int_or("groups", 1))
}

macro_rules! convolutions {
    ($options:ident: $($name:ident)*) => { &[$((stringify!($name), |x, a| one(x[0].$name(&x[1], $options(a))))),*] };
}

pub(super) const CONVOLUTIONS: &[(&str, Op)] =
    convolutions! { convolution: conv1d conv2d conv3d conv_general };
pub(super) const TRANSPOSED: &[(&str, Op)] =
    convolutions! { transposed: conv_transpose1d conv_transpose2d conv_transpose3d };

pub(super) const CONVOLVE: &[(&str, Op)] = &[("convolve", |x, a| {
    let mode = match a.text("mode") {
        Some("full") => ConvolveMode::Full,
        Some("same") => ConvolveMode::Same,
        _ => ConvolveMode::Valid,
    };
    one(x[0].convolve(&x[1], mode))
})];

fn quantization(args: &Args<'_>) -> Quantization {
    Quantization {
        group_size: args.int("group_size"),
        bits: args.int("bits"),
        mode: Mode::from_name(args.text("mode").unwrap()).unwrap(),
    }
}

pub(super) const QUANTIZED: &[(&str, Op)] = &[
    ("quantize", |x, a| {
        let Quantized { weight, scales, biases, .. } = match a.array("global_scale") {
            Some(scale) => nn::quantize_scaled(&x[0], &scale)?,
            None => nn::quantize(&x[0], quantization(a))?,
        };
        Ok([Some(weight), Some(scales), biases].into_iter().flatten().collect())
    }),
    ("dequantize", |x, a| match a.array("global_scale") {
        Some(scale) => one(nn::quantize_scaled(&x[0], &scale)?.scaled(&scale).dequantize()),
        None if a.has("dtype") => one(nn::quantize(&x[0], quantization(a))?.dequantize_as(a.dtype("dtype"))),
        None => one(nn::quantize(&x[0], quantization(a))?.dequantize()),
    }),
    ("quantized_matmul", |x, a| {
        let matrix = nn::quantize(&x[1], quantization(a))?;
        one(if a.flag("transpose") { matrix.project(&x[0]) } else { matrix.project_back(&x[0]) })
    }),
    ("gather_qmm", |x, a| {
        let matrix = nn::quantize(&x[1], quantization(a))?;
        with_gather(a, |gather| match a.flag_or("transpose", true) {
            true => matrix.gather_project(&x[0], gather),
            false => matrix.gather_project_back(&x[0], gather),
        })
    }),
    ("qqmm", |x, a| match a.flag("stored") {
        true => one(nn::quantize(&x[1], quantization(a))?.qqmm(&x[0])),
        false => one(nn::qqmm(&x[0], &x[1], quantization(a))),
    }),
    ("gather_qqmm", |x, a| {
        let picks = Array::from_slice(&[1u32, 0], &[2]);
        one(nn::quantize(&x[1], quantization(a))?.gather_qqmm(&x[0], Gather::new().rhs(&picks)))
    }),
    ("to_fp8", |x, _| one(x[0].to_fp8())),
    ("from_fp8", |x, a| one(x[0].from_fp8(a.dtype("dtype")))),
];

fn three((a, b, c): (Array, Array, Array)) -> Result<Vec<Array>> {
    Ok(vec![a, b, c])
}

fn triangle(args: &Args<'_>) -> Triangle {
    let upper = args.flag("upper") || args.text("UPLO") == Some("U");
    if upper { Triangle::Upper } else { Triangle::Lower }
}

pub(super) const LINALG: &[(&str, Op)] = &[
    ("linalg.norm", |x, a| {
        let norm = match a.text("ord") {
            Some("fro") => Norm::Frobenius,
            Some("nuc") => Norm::Nuclear,
            Some("inf") => f64::INFINITY.into(),
            Some("-inf") => f64::NEG_INFINITY.into(),
            _ => a.float("ord").map_or(Norm::Euclidean, Norm::Order),
        };
        one(linalg::norm(&x[0], norm, a.axes()))
    }),
    ("linalg.qr", |x, _| pair(linalg::qr(&x[0]))),
    ("linalg.svd", |x, a| match a.flag_or("compute_uv", true) {
        true => three(linalg::svd(&x[0])?),
        false => one(linalg::svdvals(&x[0])),
    }),
    ("linalg.lu", |x, _| three(linalg::lu(&x[0])?)),
    ("linalg.lu_factor", |x, _| pair(linalg::lu_factor(&x[0]))),
    ("linalg.pinv", |x, _| one(linalg::pinv(&x[0]))),
    ("linalg.inv", |x, _| one(linalg::inv(&x[0]))),
    ("linalg.det", |x, _| one(linalg::det(&x[0]))),
    ("linalg.slogdet", |x, _| pair(linalg::slogdet(&x[0]))),
    ("linalg.eig", |x, _| pair(linalg::eig(&x[0]))),
    ("linalg.eigvals", |x, _| one(linalg::eigvals(&x[0]))),
    ("linalg.eigh", |x, a| pair(linalg::eigh(&x[0], triangle(a)))),
    ("linalg.eigvalsh", |x, a| one(linalg::eigvalsh(&x[0], triangle(a)))),
    ("linalg.cholesky", |x, a| one(linalg::cholesky(&x[0], triangle(a)))),
    ("linalg.cholesky_inv", |x, a| one(linalg::cholesky_inv(&x[0], triangle(a)))),
    ("linalg.tri_inv", |x, a| one(linalg::tri_inv(&x[0], triangle(a)))),
    ("linalg.solve", |x, _| one(linalg::solve(&x[0], &x[1]))),
    ("linalg.solve_triangular", |x, a| one(linalg::solve_triangular(&x[0], &x[1], triangle(a)))),
    ("linalg.cross", |x, a| one(linalg::cross(&x[0], &x[1], a.int("axis")))),
];

fn norm(args: &Args<'_>) -> fft::Norm {
    match args.text("norm") {
        Some("ortho") => fft::Norm::Ortho,
        Some("forward") => fft::Norm::Forward,
        _ => fft::Norm::Backward,
    }
}

/// Of a transform along one axis.
fn line(args: &Args<'_>) -> Along {
    let along = along(args.int_or("axis", -1)).norm(norm(args));
    if args.has("n") { along.size(args.int("n")) } else { along }
}

/// Of a transform along two axes, by default the last.
fn plane(args: &Args<'_>) -> Along {
    let axes = if args.has("axes") { args.axes_named("axes") } else { mlx::axes([-2, -1]) };
    sized(along(axes), args)
}

fn space(args: &Args<'_>) -> Along {
    sized(along(args.axes_named("axes")), args)
}

fn sized(along: Along, args: &Args<'_>) -> Along {
    let along = along.norm(norm(args));
    if args.has("s") { along.sizes(args.ints("s")) } else { along }
}

macro_rules! transforms {
    ($($along:ident: $($name:ident)*;)*) => {
        &[$($((concat!("fft.", stringify!($name)), |x, a| one(fft::$name(&x[0], $along(a))))),*),*]
    };
}

pub(super) const TRANSFORMS: &[(&str, Op)] = transforms! {
    line: fft ifft rfft irfft;
    plane: fft2 ifft2 rfft2 irfft2;
    space: fftn ifftn rfftn irfftn;
};

fn with_frames(args: &Args<'_>, f: impl FnOnce(Stft<'_>) -> Result<Array>) -> Result<Vec<Array>> {
    let window = args.array("window");
    let mut frames = Stft::new(args.int("n_fft")).norm(norm(args));
    frames = if args.has("hop_length") { frames.hop(args.int("hop_length")) } else { frames };
    frames = if args.has("win_length") { frames.window_size(args.int("win_length")) } else { frames };
    frames = window.as_ref().map_or(frames, |window| frames.window(window));
    frames = if args.flag_or("center", true) { frames } else { frames.uncentered() };
    frames = if args.text("pad_mode") == Some("constant") { frames.pad(Pad::Constant) } else { frames };
    frames = if args.has("onesided") { frames.onesided(args.flag("onesided")) } else { frames };
    one(f(if args.has("length") { frames.length(args.int("length")) } else { frames }))
}

pub(super) const FOURIER: &[(&str, Op)] = &[
    ("fft.fftshift", |x, a| one(fft::fftshift(&x[0], a.axes_named("axes")))),
    ("fft.ifftshift", |x, a| one(fft::ifftshift(&x[0], a.axes_named("axes")))),
    ("fft.fftfreq", |_, a| one(fft::fftfreq(a.int("n"), a.float_or("d", 1.0)))),
    ("fft.rfftfreq", |_, a| one(fft::rfftfreq(a.int("n"), a.float_or("d", 1.0)))),
    ("fft.stft", |x, a| with_frames(a, |frames| fft::stft(&x[0], frames))),
    ("fft.istft", |x, a| with_frames(a, |frames| fft::istft(&x[0], frames))),
];

pub(super) const RANDOM: &[(&str, Op)] = &[
    ("random.key", |_, a| one(random::key(a.float("seed").unwrap() as u64))),
    ("random.split", |_, a| one(random::split_num(&a.key(), a.int("num")))),
    ("random.bits", |_, a| one(random::bits(&a.ints("shape"), a.dtype("dtype"), &a.key()))),
    ("random.normal", |_, a| {
        let (shape, dtype) = (a.ints("shape"), a.dtype("dtype"));
        one(match a.has("loc") {
            true => random::normal_with(a.operand("loc"), a.operand("scale"), &shape, dtype, &a.key()),
            false => random::normal(&shape, dtype, &a.key()),
        })
    }),
    ("random.uniform", |_, a| {
        let (low, high) = (a.operand("low"), a.operand("high"));
        one(random::uniform(low, high, &a.ints("shape"), a.dtype("dtype"), &a.key()))
    }),
    ("random.randint", |_, a| {
        let (low, high) = (a.operand("low"), a.operand("high"));
        one(random::randint(low, high, &a.ints("shape"), a.dtype("dtype"), &a.key()))
    }),
    ("random.truncated_normal", |_, a| {
        let (lower, upper) = (a.operand("lower"), a.operand("upper"));
        one(random::truncated_normal(lower, upper, &a.ints("shape"), a.dtype("dtype"), &a.key()))
    }),
    ("random.gumbel", |_, a| one(random::gumbel(&a.ints("shape"), a.dtype("dtype"), &a.key()))),
    ("random.laplace", |_, a| {
        let (shape, dtype) = (a.ints("shape"), a.dtype("dtype"));
        let [loc, scale] = ["loc", "scale"].map(|name| a.float(name).map(|value| value as f32));
        one(match (loc, scale) {
            (Some(loc), Some(scale)) => random::laplace_with(loc, scale, &shape, dtype, &a.key()),
            _ => random::laplace(&shape, dtype, &a.key()),
        })
    }),
    ("random.bernoulli", |_, a| one(random::bernoulli(a.operand("p"), &a.ints("shape"), &a.key()))),
    ("random.categorical", |x, a| {
        let axis = a.int("axis");
        one(if a.has("num_samples") {
            random::categorical_num_samples(&x[0], axis, a.int("num_samples"), &a.key())
        } else if a.has("shape") {
            random::categorical_shape(&x[0], axis, &a.ints("shape"), &a.key())
        } else {
            random::categorical(&x[0], axis, &a.key())
        })
    }),
    ("random.permutation", |x, a| {
        one(match x {
            [x] => random::permutation(x, a.int("axis"), &a.key()),
            _ => random::permutation_arange(a.int("x"), &a.key()),
        })
    }),
    ("random.multivariate_normal", |x, a| {
        one(random::multivariate_normal(&x[0], &x[1], &a.ints("shape"), &a.key()))
    }),
];

fn attention(x: &[Array], args: &Args<'_>) -> Result<Vec<Array>> {
    let (array, sinks) = (args.array("mask"), args.array("sinks"));
    let mask = match &array {
        Some(array) => Mask::Array(array),
        None if args.text("mask") == Some("causal") => Mask::Causal,
        None => Mask::None,
    };
    let options: AttentionOptions<'_> = sinks.as_ref().map_or(mask.into(), |sinks| mask.sinks(sinks));
    let scale = args.float_or("scale", 1.0) as f32;
    one(fast::scaled_dot_product_attention(&x[0], &x[1], &x[2], scale, options))
}

pub(super) const FUSED: &[(&str, Op)] = &[
    ("fast.rms_norm", |x, a| {
        one(fast::rms_norm(&x[0], a.array("weight").as_ref(), a.float_or("eps", 0.0) as f32))
    }),
    ("fast.layer_norm", |x, a| {
        let [weight, bias] = ["weight", "bias"].map(|name| a.array(name));
        one(fast::layer_norm(&x[0], weight.as_ref(), bias.as_ref(), a.float_or("eps", 0.0) as f32))
    }),
    ("fast.rope", |x, a| {
        let (freqs, positions) = (a.array("freqs"), a.array("offset"));
        let offset = positions.as_ref().map_or_else(|| Offset::from(a.int("offset")), Offset::from);
        let options = RopeOptions {
            dims: a.int("dims"),
            traditional: a.flag("traditional"),
            base: a.float_or("base", 10_000.0) as f32,
            scale: a.float_or("scale", 1.0) as f32,
            freqs: freqs.as_ref(),
        };
        one(fast::rope(&x[0], offset, options))
    }),
    ("fast.scaled_dot_product_attention", attention),
    ("fast.cross_entropy", |x, _| one(fast::cross_entropy(&x[0], &x[1]))),
    ("fast.gated_delta_update", |x, a| {
        let (state, mask) = (a.array("initial_state"), a.array("mask"));
        let options = GatedDelta { state: state.as_ref(), mask: mask.as_ref() };
        pair(fast::gated_delta_update(&x[0], &x[1], &x[2], &x[3], &x[4], options))
    }),
];
