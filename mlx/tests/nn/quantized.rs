use crate::golden::{Goldens, assert_close};
use mlx::{
    Array, Device, Dtype, Module, Result, Stream,
    nn::{
        Activation, Embedding, Linear, Mode, QqLinear, Quantization, Sequential, dequantize_layers,
        quantize_layers, value_and_grad,
    },
    ones, random, with_stream,
};

fn perceptron() -> Sequential {
    Sequential::new()
        .then(Linear::new(64, 32).with_bias(true))
        .then(Activation::Relu)
        .then(Linear::new(32, 3))
}

fn keys(module: &impl Module) -> Vec<String> {
    module.parameters().into_keys().collect()
}

/// Quantizing the dense weights gives those that Python has; output and gradient of the input are Python's.
/// On the CPU: a GPU rounds numbers between two sizes of a float of 4 bits otherwise.
#[test]
fn layers_are_quantized_as_in_python() {
    with_stream(&Stream::default_of(Device::Cpu).unwrap(), layers_are_quantized);
}

fn layers_are_quantized() {
    let goldens = Goldens::of("quantized");
    goldens.layer("dense", perceptron());
    for (name, mode) in [("affine", Mode::Affine), ("mxfp4", Mode::Mxfp4)] {
        let quantization = Quantization { group_size: 32, bits: 4, mode };
        let mut model = goldens.case("dense").loaded(perceptron());
        quantize_layers(&mut model, |path, shape| {
            assert_eq!(shape, if path == "layers.0" { [32, 64] } else { [3, 32] });
            (path == "layers.0").then_some(quantization)
        })
        .unwrap();
        goldens.case(name).check_weights(&model);
        goldens.layer(name, perceptron());
        let learned: Vec<_> = model.trainable_parameters().into_keys().collect();
        assert_eq!(learned, ["layers.0.bias", "layers.2.weight"]);
    }
    let mut table = goldens.case("embedding.dense").loaded(Embedding::new(5, 64));
    goldens.layer("embedding.dense", Embedding::new(5, 64));
    quantize_layers(&mut table, |_, _| Some(Quantization::affine(64, 8))).unwrap();
    goldens.case("embedding").check_weights(&table);
    goldens.layer("embedding", Embedding::new(5, 64));
    goldens.finish();
}

#[test]
fn dequantized_layers_learn_again() -> Result<()> {
    let mut model =
        vec![Linear::new(64, 32).init(&random::key(0)?)?, Linear::new(32, 4).init(&random::key(1)?)?];
    model.set_dtype(Dtype::Bf16)?;
    let before = model.parameters();
    quantize_layers(&mut model, |_, _| Some(Quantization::affine(32, 8)))?;
    assert_eq!(keys(&model).len(), 6);
    assert!(model.trainable_parameters().is_empty());
    // What is quantized already is neither asked about nor changed.
    quantize_layers(&mut model, |path, _| panic!("{path} is quantized"))?;
    dequantize_layers(&mut model, |path| path == "1")?;
    assert_eq!(keys(&model), ["0.biases", "0.scales", "0.weight", "1.weight"]);
    assert_eq!(model.trainable_parameters().into_keys().collect::<Vec<_>>(), ["1.weight"]);
    dequantize_layers(&mut model, |_| true)?;
    for (path, array) in model.parameters() {
        assert_eq!(array.dtype()?, Dtype::Bf16);
        let error = (array.astype(Dtype::F32)? - before[&path].astype(Dtype::F32)?).abs()?.max(..)?;
        assert!(error.item::<f32>()? < 2e-3, "{path}: {error}");
    }
    Ok(())
}

#[test]
fn a_failed_quantization_changes_nothing() -> Result<()> {
    let mut model = vec![Linear::new(64, 2), Linear::new(48, 2)];
    let error = quantize_layers(&mut model, |_, _| Some(Quantization::affine(32, 4))).unwrap_err();
    assert_eq!(error.message(), "groups of 32 do not divide the columns of layer `1`, [2, 48]");
    assert_eq!(error.location().file(), file!());
    for bad in [Quantization::affine(7, 4), Quantization::affine(0, 4), Quantization::affine(32, -1)] {
        assert!(quantize_layers(&mut model, |_, _| Some(bad)).is_err());
    }
    assert_eq!(keys(&model), ["0.weight", "1.weight"]);
    Ok(())
}

/// The gradient of a dense layer that stands before a quantized one is that of the numbers which it stands for.
#[test]
fn gradients_flow_through_quantized_layers() -> Result<()> {
    let mut model =
        vec![Linear::new(8, 64).init(&random::key(0)?)?, Linear::new(64, 4).init(&random::key(1)?)?];
    let x = random::normal(&[3, 8], Dtype::F32, &random::key(2)?)?;
    quantize_layers(&mut model, |path, _| (path == "1").then_some(Quantization::affine(64, 4)))?;
    let mut dense = model.clone();
    dequantize_layers(&mut dense, |_| true)?;
    let loss = |model: &Vec<Linear>| {
        let mut y = x.clone();
        for layer in model {
            y = layer.forward(&y)?.tanh()?;
        }
        y.square()?.sum(..)
    };
    let (_, found) = value_and_grad(&mut model, loss)?;
    let (_, expected) = value_and_grad(&mut dense, loss)?;
    assert_eq!(found.keys().collect::<Vec<_>>(), ["0.weight"]);
    assert_close("0.weight", &found["0.weight"], &expected["0.weight"]);
    Ok(())
}

#[test]
fn both_sides_quantized() -> Result<()> {
    let quantization = Quantization { group_size: 32, bits: 8, mode: Mode::Mxfp8 };
    let linear = Linear::new(64, 32).init(&random::key(0)?)?;
    let mut layer = QqLinear::from_linear(&linear, quantization)?;
    let x = random::normal(&[64], Dtype::F32, &random::key(1)?)?;
    let on_the_fly = layer.forward(&x);
    quantize_layers(&mut layer, |_, _| Some(quantization))?;
    assert_eq!(keys(&layer), ["scales", "weight"]);
    let y = layer.forward(&x)?;
    let error = (&y - linear.forward(&x)?).abs()?.max(..)?.item::<f32>()?;
    assert!(error < 0.2, "{error}");
    let rows = ones(&[2, 64], Dtype::F32);
    if Stream::current()?.device() == Device::Gpu {
        assert_close("on the fly", &on_the_fly?, &y);
        assert_eq!(layer.forward(&rows)?.shape()?, [2, 32]);
    } else {
        for (error, what) in [
            (on_the_fly.unwrap_err(), "not quantized yet"),
            (layer.forward(&rows).unwrap_err(), "one vector"),
        ] {
            assert!(error.message().contains(what) && error.message().contains("GPUs only"), "{error}");
            assert!(error.location().file().ends_with("nn/quantized.rs"), "{error}");
        }
    }
    assert!(layer.init(&random::key(0)?).is_err());
    let with_bias = Linear::new(64, 32).with_bias(true);
    assert!(QqLinear::from_linear(&with_bias, quantization).unwrap_err().message().contains("bias"));
    let wrong = QqLinear::new(64, 32, Quantization::affine(32, 3));
    assert!(wrong.forward(&ones(&[64], Dtype::F32)).and_then(|y| Array::eval(&y)).is_err());
    Ok(())
}
