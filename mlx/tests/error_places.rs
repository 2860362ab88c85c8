//! An error says where the caller's code is, whichever function it comes from and however deep it was found.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{
    Array, Device, Dtype, Loader, Module, Parameters, Result, Tree,
    distributed::{Backend, Group},
    export, fast, fft, io, linalg, nn, ones,
    ops::{ConvOptions, ConvTransposeOptions, ConvolveMode, PadMode, Side, Tolerance},
    optimizers::{self, Adam, Optimizer},
    random, scan, transforms, zeros,
};
use std::{io::Cursor, panic::Location};

/// An error, or none, and where it was asked for.
struct Case {
    error: Option<mlx::Error>,
    asked: &'static Location<'static>,
}

#[track_caller]
fn of<T>(result: Result<T>) -> Case {
    Case { error: result.err(), asked: Location::caller() }
}

/// Each case failed, with a place in this file where the case was made, or a few lines below if it is longer than one.
fn check(cases: Vec<Case>) {
    const LONGEST: u32 = 8;
    let mut wrong = Vec::new();
    for Case { error, asked } in cases {
        let Some(error) = error else {
            wrong.push(format!("{asked}: no error"));
            continue;
        };
        let (file, line) = (error.location().file(), error.location().line());
        if file != file!() || !(asked.line()..asked.line() + LONGEST).contains(&line) {
            wrong.push(format!("{asked}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn of_arrays() {
    let x = ones(&[2, 3], Dtype::F32);
    let v = ones(&[4], Dtype::F32);
    let mask = x.greater(0.0).unwrap();
    check(vec![
        of(Array::from_slice(&[1.0f32], &[2]).eval()),
        of(zeros(&[-1], Dtype::F32).eval()),
        of(mlx::full(&[-1], 1.0, Dtype::F32).eval()),
        of(mlx::full(&[1], u64::MAX, Dtype::F32).eval()),
        of(mlx::eye(-1, Dtype::F32).eval()),
        of(mlx::tri(-1, Dtype::F32).eval()),
        of(mlx::identity(-1, Dtype::F32).eval()),
        of(mlx::hanning(-1).eval()),
        of(mlx::arange(0.0, 1.0, 0.0, Dtype::F32)),
        of(mlx::linspace(0.0..=1.0, -1, Dtype::F32)),
        of(x.full_like(&v)),
        of(x.dims::<3>()),
        of(x.dim(2)),
        of(x.item::<f32>()),
        of((&x + &v).exp()),
        of((2.0 / (&x - &v)).exp()),
        of((-(&x * &v)).exp()),
        of(x.add(&v)),
        of(x.add(u64::MAX)),
        of(x.divmod(&v)),
        of(x.floor_divide(&v)),
        of(x.remainder(&v)),
        of(x.bitwise_and(1)),
        of(x.bitwise_invert()),
        of(mask.where_(1.0, &v)),
        of(x.clip(&v, 1.0)),
        of(x.isclose(&v, Tolerance::default())),
        of(x.allclose(&v, Tolerance::default())),
        of(x.sum(2)),
        of(x.mean([0, 0])),
        of(x.var(2, 0)),
        of(x.minmax(2)),
        of(x.argmax([0, 1])),
        of(x.softmax(2)),
        of(x.cumsum(2)),
        of(x.cumsum(scan(2).reverse())),
        of(x.diff(-1, 0)),
        of(x.sort(2)),
        of(x.topk(9, -1)),
        of(x.partition(9, 0)),
        of(x.searchsorted(1.0, Side::Left)),
        of(x.unique(-1)),
    ]);
}

#[test]
fn of_shapes_and_parts() {
    let x = ones(&[2, 3], Dtype::F32);
    let positions = Array::from_slice(&[0u32], &[1]);
    let mask = x.greater(0.0).unwrap();
    check(vec![
        of(x.reshape([5])),
        of(x.transpose([0, 0])),
        of(ones(&[2], Dtype::F32).t()),
        of(x.swapaxes(0, 2)),
        of(x.moveaxis(0, 2)),
        of(x.squeeze(0)),
        of(x.expand_dims(..)),
        of(x.flatten(1, 0)),
        of(x.unflatten(0, [5])),
        of(x.broadcast_to([2])),
        of(x.repeat(-1, 0)),
        of(x.flip(2)),
        of(x.roll([1, 2], 0)),
        of(x.tile([-1])),
        of(x.split(0, 0)),
        of(x.split_at(&[1], 2)),
        of(x.unstack(2)),
        of(x.pad(-1, 0)),
        of(x.pad_mode(-1, PadMode::Edge)),
        of(x.number_of_elements(2, Dtype::I32)),
        of(mlx::concatenate(&[&x, &ones(&[3], Dtype::F32)], 0)),
        of(mlx::stack(&[&x, &ones(&[3], Dtype::F32)], 0)),
        of(mlx::broadcast_arrays(&[&x, &ones(&[2], Dtype::F32)])),
        of(mlx::broadcast_shapes(&[&[2], &[3]])),
        of(x.at(2)),
        of(x.at((0, 0, 0))),
        of(x.at([0, 9])),
        of(x.at(&mask)),
        of(x.at((0, mlx::step(.., 0)))),
        of(x.set_at(2, 0.0)),
        of(x.set_at(0, ones(&[2], Dtype::F32))),
        of(x.set_at(&mask, ones(&[2, 2], Dtype::F32))),
        of(x.add_at(2, 0.0)),
        of(x.subtract_at(2, 0.0)),
        of(x.multiply_at(2, 0.0)),
        of(x.divide_at(2, 0.0)),
        of(x.max_at(2, 0.0)),
        of(x.take(&x, 0)),
        of(x.take(&positions, 2)),
        of(x.take_along_axis(&positions, 0)),
        of(x.put_along_axis(&positions, 0.0, 2)),
        of(x.scatter_add_axis(&positions, 0.0, 2)),
        of(x.gather(&[&positions], &[0], &[9, 9])),
        of(x.scatter(&[&positions], &x, &[0])),
        of(x.masked_scatter(&x, &x)),
        of(x.slice(&[0], &[1])),
        of(x.slice_dynamic(&positions, &[0], &[9, 9])),
        of(x.slice_update(&x, &[1, 0], &[3, 3])),
        of(x.slice_update_dynamic(&ones(&[9, 9], Dtype::F32), &positions, &[0])),
        of(x.as_strided([9, 9], &[1, 1], 0)),
        of(ones(&[3], Dtype::U8).view(Dtype::F32)),
        of(x.diagonal(0, [0, 2])),
        of(x.trace(0, [0, 2])),
        of(ones(&[1, 1, 1], Dtype::F32).diag(0)),
    ]);
}

#[test]
fn of_matrices_convolutions_and_transforms_of_signals() {
    let x = ones(&[2, 3], Dtype::F32);
    let matrix = nn::quantize(&ones(&[4, 64], Dtype::F32), nn::Quantization::affine(64, 4)).unwrap();
    check(vec![
        of(x.matmul(&x)),
        of(x.addmm(&x, &x)),
        of(x.inner(&ones(&[2], Dtype::F32))),
        of(x.vecdot(&x, 2)),
        of(x.tensordot(&x, 1)),
        of(x.tensordot(&x, ([0], [1]))),
        of(x.hadamard_transform()),
        of(ones(&[2], Dtype::F32).tril(0)),
        of(mlx::einsum("ij,jk->ik", &[&x, &x])),
        of(mlx::einsum_path("i?", &[&x])),
        of(x.conv1d(&x, ConvOptions::new())),
        of(x.conv2d(&x, ConvOptions::new().stride(0))),
        of(x.conv_general(&x, ConvOptions::new())),
        of(x.conv_transpose2d(&x, ConvTransposeOptions::new())),
        of(x.convolve(&x, ConvolveMode::Full)),
        of(nn::quantize(&x, nn::Quantization::affine(64, 4))),
        of(nn::Quantization::affine(7, 4).check()),
        of(matrix.project(&x)),
        of(matrix.project_back(&x)),
        of(linalg::inv(&x)),
        of(linalg::qr(&zeros(&[3], Dtype::F32))),
        of(linalg::svd(&zeros(&[3], Dtype::F32))),
        of(linalg::solve(&x, &x)),
        of(linalg::det(&x)),
        of(linalg::norm(&x, 2.0, 5)),
        of(linalg::cross(&x, &ones(&[2, 4], Dtype::F32), -1)),
        of(fft::fft(&x, 5)),
        of(fft::irfft2(&x, 5)),
        of(fft::fftfreq(-1, 1.0)),
        of(fft::stft(&x, fft::Stft::new(0))),
        of(fast::rms_norm(&x, Some(&ones(&[2], Dtype::F32)), 1e-5)),
        of(fast::layer_norm(&x, Some(&ones(&[2], Dtype::F32)), None, 1e-5)),
        of(fast::scaled_dot_product_attention(&x, &x, &x, 1.0, fast::Mask::None)),
        of(fast::cross_entropy(&x, &x)),
    ]);
}

#[test]
fn of_random_numbers_streams_and_types() {
    let (x, key) = (ones(&[2, 3], Dtype::F32), random::key(0).unwrap());
    check(vec![
        of(random::split::<2>(&x)),
        of(random::split_num(&key, -1)),
        of(random::bits(&[1], Dtype::F32, &key)),
        of(random::normal(&[-1], Dtype::F32, &key)),
        of(random::normal(&[1], Dtype::I32, &key)),
        of(random::normal_with(&x, 1.0, &[2], Dtype::F32, &key)),
        of(random::uniform(&x, 1.0, &[2], Dtype::F32, &key)),
        of(random::randint(0, 1, &[2], Dtype::F32, &key)),
        of(random::bernoulli(&x, &[2], &key)),
        of(random::truncated_normal(&x, 1.0, &[2], Dtype::F32, &key)),
        of(random::gumbel(&[-1], Dtype::F32, &key)),
        of(random::laplace(&[-1], Dtype::F32, &key)),
        of(random::categorical(&x, 2, &key)),
        of(random::categorical_num_samples(&x, 2, 1, &key)),
        of(random::categorical_shape(&x, 0, &[5], &key)),
        of(random::permutation(&x, 2, &key)),
        of(random::permutation_arange(-1, &key)),
        of(random::multivariate_normal(&x, &x, &[], &key)),
        of(Dtype::I32.finfo()),
        of(Dtype::F32.iinfo()),
        of(Device::Cpu.info(99)),
    ]);
}

#[test]
fn of_functions_of_functions() {
    let x = ones(&[3], Dtype::F32);
    let square = |x: &Array| x.square();
    check(vec![
        of(transforms::grad(square)(&x)),
        of(transforms::value_and_grad(square)(&x)),
        of(transforms::grad(|_: &()| Ok(ones(&[], Dtype::F32)))(&())),
        of(transforms::vjp(square, &x, &ones(&[2], Dtype::F32))),
        of(transforms::jvp(square, &x, &ones(&[2], Dtype::F32))),
        of(transforms::vmap(square)(&ones(&[], Dtype::F32))),
        of(transforms::vmap_axes(square, 0, [0, 0])(&x)),
        of(transforms::compile(|x: &Array| x.reshape([7])).call(&x)),
        of(transforms::grad(|x: &Array| x.reshape([7]))(&x)),
        of(transforms::checkpoint(|x: &Array| x.reshape([7]))(&x)),
        of(transforms::custom_vjp(square, |x: &Array, _, _| x.reshape([7]))(&x).and_then(|_| {
            let bad = transforms::custom_vjp(square, |x: &Array, _, _| x.reshape([7]));
            transforms::grad(move |x: &Array| bad(x)?.sum(..))(&x)
        })),
    ]);
}

#[derive(Module)]
struct Model {
    layers: Vec<nn::Linear>,
    tied: Option<nn::Embedding>,
    pair: (nn::RmsNorm, nn::LayerNorm),
}

#[test]
fn of_modules_layers_and_losses() {
    let x = ones(&[2, 3], Dtype::F32);
    let key = random::key(0).unwrap();
    let model = || Model {
        layers: vec![nn::Linear::new(3, 3)],
        tied: Some(nn::Embedding::new(2, 3)),
        pair: (nn::RmsNorm::new(3, 1e-5), nn::LayerNorm::new(3)),
    };
    let all = model().parameters();
    // Each tensor in turn is missing.
    let mut cases: Vec<Case> = all
        .keys()
        .map(|missing| {
            let rest = all.clone().into_iter().filter(|(name, _)| name != missing);
            of(model().load(&Loader::new(rest)))
        })
        .collect();
    let unknown = Parameters::from([("nothing".to_owned(), x.clone())]);
    let mut dense = nn::Linear::new(4, 2);
    cases.extend([
        of(Loader::new(all.clone()).finish()),
        of(Loader::new(all.clone()).take(&[1])),
        of(model().update(&unknown)),
        of(model().load_weights("/no/such/file")),
        of(model().save_weights("/no/such/folder/file")),
        of(model().apply(|array| array.reshape([77]))),
        of(nn::value_and_grad(&mut dense, |model| model.forward(&ones(&[1, 4], Dtype::F32)))),
        of(nn::value_and_grad(&mut dense, |model| model.forward(&x))),
        of(nn::checkpoint(|model: &nn::Linear, x: &Array| model.forward(x))(&dense, &x)),
        of(dense.forward(&x)),
        of(nn::Linear::new(0, 4).init(&key)),
        of(nn::Sequential::new().then(nn::Linear::new(4, 2)).forward(&x)),
        of(nn::Sequential::new().then(nn::Dropout::new(0.5)).forward(&x)),
        of(nn::Dropout::new(2.0).forward(&x, &key)),
        of(nn::GroupNorm::new(2, 3).forward(&x)),
        of(nn::LayerNorm::new(4).forward(&x)),
        of(nn::RmsNorm::new(4, 1e-5).forward(&x)),
        of(nn::Embedding::new(4, 4).forward(&x)),
        of(nn::glu(&x, -1)),
        of(nn::softmax(&x, 7)),
        of(nn::init::he_normal(&[3], nn::init::Fan::In, 1.0, &key)),
        of(nn::init::orthogonal(&[3], 1.0, &key)),
        of(nn::losses::mse_loss(&x, &ones(&[2], Dtype::F32), nn::losses::Reduction::Mean)),
        of(nn::losses::cross_entropy(&x, &ones(&[7, 7], Dtype::F32), nn::losses::Reduction::Mean)),
    ]);
    check(cases);
}

#[test]
fn of_optimizers() {
    let one = |value: Array| Parameters::from([("x".to_owned(), value)]);
    let (x, wide) = (one(ones(&[1], Dtype::F32)), one(ones(&[2], Dtype::F32)));
    let adam = || Optimizer::new(Adam::new(), 0.1).unwrap();
    let mut trained = adam();
    trained.apply_gradients(&x, &x).unwrap();
    check(vec![
        of(Optimizer::new(Adam::new().with_betas([2.0, 0.0]), 0.1)),
        of(Optimizer::new(Adam::new(), 0.1).unwrap().with_group(
            |_, _| true,
            Adam::new().with_eps(-1.0),
            0.1,
        )),
        of(adam().apply_gradients(&x, &wide)),
        of(adam().update(&mut nn::Linear::new(1, 1), &x)),
        of(trained.set_state(&x)),
        of(trained.load_state("/no/such/file")),
        of(trained.save_state("/no/such/folder/file")),
        of(trained.set_learning_rate(ones(&[2], Dtype::F32))),
        of(optimizers::clip_grad_norm(&x, -1.0)),
        of(optimizers::cosine_decay(0.1, 0.0, 0)),
        of(optimizers::step_decay(0.1, 0.0, 0)),
        of(optimizers::join_schedules(&[], &[])),
    ]);
}

#[test]
fn of_files() {
    let (x, none) = (ones(&[1], Dtype::F32), "/no/such/file");
    check(vec![
        of(io::load(none)),
        of(io::load("/no/such/file.npz")),
        of(io::load_npy(none)),
        of(io::load_npz(none)),
        of(io::load_gguf(none)),
        of(io::load_safetensors(none)),
        of(io::load_safetensors_with_metadata(none)),
        of(io::check_safetensors(none)),
        of(io::gguf::Gguf::open(none)),
        of(io::save_npy("/no/such/folder/file", &x)),
        of(io::save_npz("/no/such/folder/file", [("x", &x)])),
        of(io::save_npz("/tmp/twice", [("x", &x), ("x", &x)])),
        of(io::save_safetensors("/no/such/folder/file", [("x", &x)], &[])),
        of(io::read_npy(Cursor::new([]))),
        of(io::read_npz(Cursor::new([]))),
        of(io::read_safetensors(Cursor::new([]))),
        of(export::export_function("/no/such/folder/file", |x| Ok(x.to_vec()), &[&x])),
    ]);
}

#[test]
fn of_processes() {
    let (x, alone) = (ones(&[1], Dtype::F32), Group::init(Backend::Any).unwrap());
    check(vec![
        of(Group::init(Backend::Nccl)),
        of(alone.send(&x, 1)),
        of(alone.recv([1], Dtype::F32, 1)),
        of(alone.recv([-1], Dtype::F32, 1)),
    ]);
}

/// A tree that does not rebuild what it flattened.
struct Odd(Array);

impl Tree for Odd {
    fn flatten(&self, out: &mut mlx::Flat) {
        out.array(&self.0);
        out.array(&self.0);
    }

    fn rebuild(&self, leaves: &mut mlx::Leaves) -> Result<Odd> {
        Ok(Odd(leaves.take()?))
    }
}

#[test]
fn of_trees_that_contradict_themselves() {
    let odd = Odd(ones(&[1], Dtype::F32));
    check(vec![of(transforms::grad(|odd: &Odd| odd.0.sum(..))(&odd))]);
}
