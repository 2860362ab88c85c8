//! The parameters of each layer have Python's names and shapes.

use crate::golden::Goldens;
use mlx::{
    Array, Module, Parameters, Result,
    distributed::{Backend, Group},
    nn::*,
};
use std::collections::BTreeMap;

fn quantized<M: Module>(mut model: M, quantization: Quantization) -> Parameters {
    quantize_layers(&mut model, |_, _| Some(quantization)).unwrap();
    model.parameters()
}

#[test]
fn names_are_pythons() {
    let goldens = Goldens::of("names");
    let group = Group::init(Backend::Any).unwrap();
    let of = |module: &dyn Module| module.parameters();
    let options = TransformerOptions::new(4, 2);
    let affine = Quantization::affine(64, 4);
    let mxfp4 = Quantization { group_size: 32, bits: 4, mode: Mode::Mxfp4 };
    let nvfp4 = Quantization { group_size: 16, bits: 4, mode: Mode::Nvfp4 };
    let perceptron = Sequential::new()
        .then(Linear::new(4, 3).with_bias(true))
        .then(Activation::Relu)
        .then(Linear::new(3, 2).with_bias(true));
    for (layer, parameters) in [
        ("Linear", of(&Linear::new(4, 3).with_bias(true))),
        ("QuantizedLinear", quantized(Linear::new(64, 3).with_bias(true), affine)),
        ("QQLinear", of(&QqLinear::new(64, 3, nvfp4))),
        ("Bilinear", of(&Bilinear::new(4, 3, 2).with_bias(true))),
        ("Embedding", of(&Embedding::new(4, 3))),
        ("QuantizedEmbedding", quantized(Embedding::new(4, 64), mxfp4)),
        ("LayerNorm", of(&LayerNorm::new(4))),
        ("RMSNorm", of(&RmsNorm::new(4, 1e-5))),
        ("GroupNorm", of(&GroupNorm::new(2, 4))),
        ("InstanceNorm", of(&InstanceNorm::new(4).with_affine(true))),
        ("BatchNorm", of(&BatchNorm::new(4))),
        ("PReLU", of(&PRelu::new(4))),
        ("Sequential", of(&perceptron)),
        ("Conv1d", of(&Conv1d::new(4, 6, 3).with_groups(2))),
        ("Conv2d", of(&Conv2d::new(4, 6, [3, 2]))),
        ("Conv3d", of(&Conv3d::new(4, 6, [3, 2, 1]))),
        ("ConvTranspose1d", of(&ConvTranspose1d::new(4, 6, 3))),
        ("ConvTranspose2d", of(&ConvTranspose2d::new(4, 6, [3, 2]))),
        ("ConvTranspose3d", of(&ConvTranspose3d::new(4, 6, [3, 2, 1]))),
        ("RNN", of(&Rnn::new(4, 3))),
        ("GRU", of(&Gru::new(4, 3))),
        ("LSTM", of(&Lstm::new(4, 3))),
        ("MultiHeadAttention", of(&MultiHeadAttention::new(4, 2).with_bias(true))),
        ("TransformerEncoderLayer", of(&TransformerEncoderLayer::new(options))),
        ("TransformerEncoder", of(&TransformerEncoder::new(2, options))),
        ("TransformerDecoderLayer", of(&TransformerDecoderLayer::new(options))),
        ("TransformerDecoder", of(&TransformerDecoder::new(2, options))),
        ("Transformer", of(&Transformer::new(1, 1, options))),
        ("AllToShardedLinear", of(&AllToShardedLinear::new(4, 3, &group).with_bias(true))),
        ("ShardedToAllLinear", of(&ShardedToAllLinear::new(4, 3, &group).with_bias(true))),
        (
            "QuantizedAllToShardedLinear",
            quantized(AllToShardedLinear::new(64, 3, &group).with_bias(true), affine),
        ),
        (
            "QuantizedShardedToAllLinear",
            quantized(ShardedToAllLinear::new(64, 3, &group).with_bias(true), affine),
        ),
    ] {
        let case = goldens.case(layer);
        let shapes = |(path, array): (&String, Result<Vec<i32>>)| (path.clone(), array.unwrap());
        let found = parameters.iter().map(|(path, array)| (path, array.shape().map(<[i32]>::to_vec)));
        let expected = case.arrays().iter().map(|(path, shape)| (path, Array::to_vec::<i32>(shape)));
        let found: BTreeMap<_, _> = found.map(shapes).collect();
        assert_eq!(found, expected.map(shapes).collect(), "{layer}");
    }
    goldens.finish();
}
