//! Arguments that make no sense are errors, or results without elements; never a crash.

use mlx::{
    Array, Dtype, Result,
    fast::Mask,
    nn::{losses::*, *},
    ones, random, zeros,
};

fn f32s(shape: &[i32]) -> Array {
    zeros(shape, Dtype::F32)
}

#[track_caller]
fn attend(attention: MultiHeadAttention) -> Result<Array> {
    let x = f32s(&[1, 4, 6]);
    attention.forward(&x, &x, &x, Mask::Causal)
}

#[track_caller]
fn attend_to(x: &Array, mask: Mask<'_>) -> Result<Array> {
    MultiHeadAttention::new(x.dim(-1)?, 1).forward(x, x, x, mask)
}

#[track_caller]
fn encode(options: TransformerOptions) -> Result<Array> {
    TransformerEncoder::new(2, options).forward(&f32s(&[1, 4, 6]), Mask::Causal, None)
}

#[test]
fn bad_arguments_are_errors() {
    let (matrix, image, key) = (f32s(&[2, 3]), f32s(&[1, 4, 4, 6]), random::key(0).unwrap());
    let classes = Array::from_slice(&[0i32, 1], &[2]);
    let wide = f32s(&[1, 4, 4, 5]);
    let scaled = |scale: &[f64]| Upsample::new(scale).forward(&image);
    let smooth = |label_smoothing| CrossEntropy { label_smoothing, ..Default::default() };
    let cases: Vec<(&str, Result<Array>)> = vec![
        ("glu of an odd axis", glu(&matrix, 1)),
        ("glu of no axis", glu(&f32s(&[]), -1)),
        ("log_softmax of no axis", log_softmax(&matrix, 2)),
        ("log_softmax of nothing", log_softmax(&f32s(&[2, 0]), -1)),
        ("cross_entropy of a scalar", cross_entropy(&f32s(&[]), &f32s(&[]), Reduction::Mean)),
        ("cross_entropy of other rows", cross_entropy(&f32s(&[3, 3]), &classes, Reduction::Mean)),
        ("cross_entropy of nothing", cross_entropy(&f32s(&[0, 3]), &f32s(&[0, 3]), Reduction::None)),
        ("cross_entropy of floats", cross_entropy(&matrix, &f32s(&[2]), Reduction::Mean)),
        ("smoothing of one", cross_entropy(&matrix, &classes, smooth(1.0))),
        ("smoothing of NaN", cross_entropy(&matrix, &classes, smooth(f32::NAN))),
        ("nll of no axis", nll_loss(&matrix, &classes, Nll { axis: i32::MIN, ..Default::default() })),
        ("mse of other shapes", mse_loss(&matrix, &f32s(&[3]), Reduction::Mean)),
        ("triplet of other shapes", triplet_loss(&matrix, &f32s(&[4]), &matrix, Reduction::None)),
        ("cosine of no axis", cosine_similarity_loss(&classes, &classes, Reduction::None)),
        ("huber of other shapes", huber_loss(&matrix, &f32s(&[4]), Reduction::None)),
        ("an infinite fan", init::he_normal(&[0, 3], init::Fan::In, 1.0, &key)),
        ("the fan of a vector", init::glorot_uniform(&[3], 1.0, &key)),
        ("a huge kernel", init::he_uniform(&[1, i32::MAX, i32::MAX, 1], init::Fan::In, 1.0, &key)),
        ("a negative shape", init::normal(&[-1], 0.0, 1.0, &key)),
        ("identity of no square", init::identity(&[2, 3])),
        ("too sparse", init::sparse(&[2, 3], 1.5, 0.0, 1.0, &key)),
        ("sparse by NaN", init::sparse(&[2, 3], f32::NAN, 0.0, 1.0, &key)),
        ("orthogonal volume", init::orthogonal(&[2, 3, 4], 1.0, &key)),
        ("a huge orthogonal", init::orthogonal(&[i32::MAX, i32::MAX], 1.0, &key)),
        ("no inputs", Linear::new(0, 3).init(&key).and_then(|l| l.forward(&matrix))),
        ("negative inputs", Linear::new(-1, 3).init(&key).and_then(|l| l.forward(&matrix))),
        ("no dims", Embedding::new(3, 0).init(&key).and_then(|e| e.forward(&classes))),
        ("no key", Linear::new(3, 3).init(&matrix).and_then(|l| l.forward(&matrix))),
        ("bilinear of scalars", Bilinear::new(3, 3, 3).forward(&f32s(&[]), &f32s(&[]))),
        ("bilinear of other rows", Bilinear::new(3, 3, 3).forward(&matrix, &f32s(&[4, 3]))),
        ("bilinear of other features", Bilinear::new(3, 4, 3).forward(&matrix, &matrix)),
        (
            "huge bilinear",
            Bilinear::new(i32::MAX, i32::MAX, i32::MAX).with_bias(true).forward(&matrix, &matrix),
        ),
        ("certain dropout", Dropout::new(1.0).forward(&matrix, &key)),
        ("dropout by NaN", Dropout::new(f32::NAN).forward(&matrix, &key)),
        ("negative dropout", Dropout::new(-0.1).forward(&matrix, &key)),
        ("dropout with a bad key", Dropout::new(0.5).forward(&matrix, &matrix)),
        ("dropout of no image", Dropout2d::new(0.5).forward(&matrix, &key)),
        ("dropout of no volume", Dropout3d::new(0.5).forward(&f32s(&[2, 3, 4]), &key)),
        ("layer norm of a scalar", LayerNorm::new(3).forward(&f32s(&[]))),
        ("layer norm of other features", LayerNorm::new(4).forward(&matrix)),
        ("layer norm without dims", LayerNorm::new(-1).forward(&matrix)),
        ("rms norm of other features", RmsNorm::new(4, 1e-5).forward(&matrix)),
        ("no groups", GroupNorm::new(0, 6).forward(&image)),
        ("negative groups", GroupNorm::new(-2, 6).forward(&image)),
        ("groups that do not divide", GroupNorm::new(4, 6).forward(&image)),
        ("group norm of other features", GroupNorm::new(2, 6).forward(&wide)),
        ("group norm of a vector", GroupNorm::new(2, 6).forward(&f32s(&[6]))),
        ("least groups", GroupNorm::new(i32::MIN, i32::MIN).forward(&image)),
        ("instance norm without positions", InstanceNorm::new(3).forward(&matrix)),
        ("instance norm of other features", InstanceNorm::new(6).forward(&wide)),
        ("batch norm of a vector", BatchNorm::new(6).forward(&f32s(&[6]))),
        ("batch norm of a volume", BatchNorm::new(6).forward(&f32s(&[1, 1, 2, 2, 6]))),
        ("batch norm of one value", BatchNorm::new(6).forward(&f32s(&[1, 1, 6]))),
        ("batch norm of other features", BatchNorm::new(1).forward(&image)),
        ("odd positions", SinusoidalPositionalEncoding::new(3).forward(&matrix)),
        ("no positions", SinusoidalPositionalEncoding::new(0).forward(&matrix)),
        ("no heads", Alibi::slopes(0, Dtype::F32)),
        ("ALiBi of a matrix", Alibi.forward(&matrix, 0)),
        ("ALiBi at the end", Alibi.forward(&image, i32::MAX)),
        ("no window", MaxPool2d::new([0, 2]).forward(&image)),
        ("no stride", MaxPool2d::new(2).with_stride([1, 0]).forward(&image)),
        ("negative stride", AvgPool2d::new(2).with_stride([i32::MIN, 1]).forward(&image)),
        ("negative padding", MaxPool2d::new(2).with_padding([-1, 0]).forward(&image)),
        ("huge padding", AvgPool2d::new(2).with_padding(i32::MAX).forward(&image)),
        ("padded integers", MaxPool1d::new(2).with_padding(1).forward(&zeros(&[1, 4, 2], Dtype::I32))),
        ("a window too large", AvgPool2d::new([5, 1]).forward(&image)),
        ("a window far too large", MaxPool2d::new([i32::MAX, 1]).forward(&image)),
        ("pooling of other axes", MaxPool1d::new(2).forward(&image)),
        ("pooling of a scalar", MaxPool1d::new(2).forward(&f32s(&[]))),
        ("scales of other axes", scaled(&[1.0, 2.0, 3.0])),
        ("no scales", scaled(&[])),
        ("negative scale", scaled(&[-1.0])),
        ("no scale", scaled(&[0.0])),
        ("NaN scale", scaled(&[f64::NAN])),
        ("infinite scale", scaled(&[f64::INFINITY])),
        ("huge scale", scaled(&[1e9])),
        ("upsampling of a matrix", Upsample::new(&[2.0]).forward(&matrix)),
        ("antialiased nearest", Upsample::new(&[0.5]).with_antialias(true).forward(&image)),
        ("no convolution groups", Conv2d::new(6, 4, 2).with_groups(0).forward(&image)),
        ("negative convolution groups", Conv2d::new(6, 4, 2).with_groups(i32::MIN).forward(&image)),
        ("channels not in groups", Conv2d::new(6, 4, 2).with_groups(4).forward(&image)),
        ("outputs not in groups", Conv2d::new(6, 4, 2).with_groups(3).forward(&image)),
        ("groups of volumes", Conv3d::new(4, 4, 1).with_groups(2).forward(&f32s(&[1, 2, 2, 2, 4]))),
        ("no convolution window", Conv2d::new(6, 4, [0, 2]).forward(&image)),
        ("negative convolution window", Conv2d::new(6, 4, -1).init(&key).and_then(|c| c.forward(&image))),
        ("window of other axes", Conv2d::new(6, 4, [2, 2, 2]).forward(&image)),
        ("huge convolution", Conv2d::new(i32::MAX, i32::MAX, i32::MAX).forward(&image)),
        (
            "huge convolution drawn",
            Conv1d::new(1 << 20, 1, 1 << 20).init(&key).and_then(|c| c.forward(&image)),
        ),
        ("no channels", Conv2d::new(0, 4, 2).init(&key).and_then(|c| c.forward(&image))),
        ("no outputs", Conv2d::new(6, 0, 2).forward(&image)),
        ("negative outputs", Conv2d::new(6, -4, 2).forward(&image)),
        ("convolution stride", Conv2d::new(6, 4, 2).with_stride(0).forward(&image)),
        ("convolution dilation", Conv2d::new(6, 4, 2).with_dilation([1, -1]).forward(&image)),
        ("convolution padding", Conv2d::new(6, 4, 2).with_padding(i32::MIN).forward(&image)),
        ("convolution of other axes", Conv1d::new(6, 4, 2).forward(&image)),
        ("convolution of a scalar", Conv1d::new(6, 4, 2).forward(&f32s(&[]))),
        ("convolution of other channels", Conv2d::new(5, 4, 2).forward(&image)),
        ("transposed groups", ConvTranspose2d::new(6, 4, 2).with_groups(-1).forward(&image)),
        ("transposed stride", ConvTranspose2d::new(6, 4, 2).with_stride(i32::MAX).forward(&image)),
        ("transposed padding", ConvTranspose2d::new(6, 4, 2).with_output_padding(-1).forward(&image)),
        ("transposed convolution over four axes", ConvTranspose::<4>::new(6, 4, 2).forward(&image)),
        ("convolution over no axes", Conv::<0>::new(6, 4, 2).forward(&matrix)),
        ("no steps", Rnn::new(3, 4).forward(&f32s(&[0, 3]))),
        ("a step without a sequence", Gru::new(3, 4).forward(&f32s(&[3]))),
        ("steps of other features", Gru::new(4, 4).forward(&matrix)),
        ("a state of other features", Gru::new(3, 4).forward_from(&matrix, &f32s(&[5]))),
        ("states of another batch", Rnn::new(3, 4).forward_from(&f32s(&[2, 5, 3]), &f32s(&[3, 4]))),
        (
            "a cell of other features",
            Lstm::new(3, 4).forward_from(&matrix, &f32s(&[4]), &f32s(&[3])).map(|x| x.0),
        ),
        ("no state", Lstm::new(3, 0).init(&key).and_then(|l| l.forward(&matrix)).map(|x| x.0)),
        ("negative state", Gru::new(3, i32::MIN).forward(&matrix)),
        ("huge state", Lstm::new(i32::MAX, i32::MAX).forward(&matrix).map(|x| x.0)),
        ("no attention heads", attend(MultiHeadAttention::new(6, 0))),
        ("negative attention heads", attend(MultiHeadAttention::new(6, -2))),
        ("heads that do not divide", attend(MultiHeadAttention::new(6, 4))),
        ("values that heads do not divide", attend(MultiHeadAttention::new(6, 3).with_values(5))),
        ("attention without features", attend(MultiHeadAttention::new(0, 1))),
        ("attention of other features", attend(MultiHeadAttention::new(5, 1))),
        ("attention of a matrix", attend_to(&matrix, Mask::None)),
        ("attention mask of other shape", attend_to(&f32s(&[1, 4, 6]), Mask::Array(&f32s(&[3, 3])))),
        ("a mask of integers", MultiHeadAttention::create_additive_causal_mask(2, Dtype::I32)),
        ("a huge mask", MultiHeadAttention::create_additive_causal_mask(i32::MAX, Dtype::F32)),
        ("certain dropout in a transformer", encode(TransformerOptions::new(6, 2).dropout(1.0))),
        ("dropout without a key", encode(TransformerOptions::new(6, 2).dropout(0.5))),
        ("the same, checkpointed", encode(TransformerOptions::new(6, 2).dropout(0.5).checkpoint(true))),
        ("no heads in a transformer", encode(TransformerOptions::new(6, 0).checkpoint(true))),
        ("a transformer without features", encode(TransformerOptions::new(i32::MIN, 2))),
        ("huge features", encode(TransformerOptions::new(6, 2).mlp_dims(i32::MAX).checkpoint(true))),
        ("failed input", relu(&(f32s(&[2]) + f32s(&[3])))),
    ];
    // Each is an error of this file: the user's line, not ours.
    let passed = cases.into_iter().filter_map(|(name, result)| match result.and_then(|x| x.eval()) {
        Ok(()) => Some(format!("{name} gave a result")),
        Err(error) if error.location().file() == file!() => None,
        Err(error) => Some(format!("{name}: {error}")),
    });
    let passed: Vec<String> = passed.collect();
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn empty_arrays_give_empty_arrays() {
    let key = random::key(0).unwrap();
    let (image, no_image) = (f32s(&[0, 4, 4, 6]), f32s(&[1, 0, 4, 6]));
    let cubic = Upsample::new(&[2.0]).with_interpolation(Interpolation::Cubic);
    for (name, result) in [
        ("relu", relu(&f32s(&[0]))),
        ("softmax", softmax(&f32s(&[2, 0]), -1)),
        ("glu", glu(&f32s(&[2, 0]), -1)),
        ("dropout", Dropout::new(0.5).forward(&f32s(&[0]), &key)),
        ("linear", Linear::new(3, 2).forward(&f32s(&[0, 3]))),
        ("bilinear", Bilinear::new(3, 2, 4).forward(&f32s(&[0, 3]), &f32s(&[0, 2]))),
        ("sparse", init::sparse(&[0, 3], 0.5, 0.0, 1.0, &key)),
        ("orthogonal", init::orthogonal(&[0, 0], 1.0, &key)),
        ("layer_norm", LayerNorm::new(6).forward(&image)),
        ("group_norm", GroupNorm::new(2, 6).forward(&image)),
        ("group_norm without positions", GroupNorm::new(2, 6).forward(&no_image)),
        ("pytorch group_norm", GroupNorm::new(2, 6).with_pytorch_compatible(true).forward(&no_image)),
        ("instance_norm", InstanceNorm::new(6).forward(&no_image)),
        ("batch_norm", BatchNorm::new(6).forward(&image)),
        ("positions", SinusoidalPositionalEncoding::new(4).forward(&f32s(&[0]))),
        ("alibi", Alibi.forward(&f32s(&[0, 2, 0, 3]), 1)),
        ("max_pool", MaxPool2d::new(2).forward(&image)),
        ("avg_pool", AvgPool2d::new([3, 2]).with_stride(1).forward(&image)),
        ("nearest", Upsample::new(&[1.5]).forward(&no_image)),
        ("cubic", cubic.forward(&no_image)),
        ("conv", Conv2d::new(6, 3, 2).forward(&image)),
        ("transposed conv", ConvTranspose2d::new(6, 3, 2).forward(&image)),
        ("rnn", Rnn::new(3, 4).forward(&f32s(&[0, 5, 3]))),
        ("gru", Gru::new(3, 4).forward(&f32s(&[0, 5, 3]))),
        ("gru without a state", Gru::new(3, 0).forward(&f32s(&[2, 5, 3]))),
        ("lstm", Lstm::new(3, 4).forward(&f32s(&[0, 5, 3])).map(|x| x.1)),
        ("attention", attend_to(&f32s(&[0, 4, 6]), Mask::None)),
        ("attention of no positions", attend_to(&f32s(&[2, 0, 6]), Mask::None)),
        ("mask", MultiHeadAttention::create_additive_causal_mask(-1, Dtype::F32)),
        ("shrunk to nothing", Upsample::new(&[0.1]).forward(&f32s(&[1, 4, 4, 6]))),
    ] {
        let found = result.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(found.to_vec::<f32>().unwrap(), [0f32; 0], "{name}");
    }
}

/// Arrays of many elements that take no memory must not make layers allocate for each of them.
#[test]
fn huge_broadcasts_stay_lazy() {
    let huge = ones(&[1], Dtype::F32).broadcast_to([1, 1 << 30, 1]).unwrap();
    let cubic = Upsample::new(&[2e-9]).with_interpolation(Interpolation::Cubic).with_antialias(true);
    for (name, result) in [
        ("antialias", cubic.forward(&huge)),
        ("nearest", Upsample::new(&[1.5]).forward(&huge)),
        ("pool", MaxPool1d::new(1 << 20).forward(&huge)),
        ("slopes", Alibi.forward(&f32s(&[0, 1 << 30, 1, 1]), 0)),
    ] {
        assert!(result.is_ok_and(|x| x.shape().is_ok()), "{name}");
    }
}
