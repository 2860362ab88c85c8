//! Models of several layers learn, evaluate, and are saved and loaded.

use crate::golden::assert_close;
use mlx::{
    Array, Dtype, Module, Result, eval,
    fast::Mask,
    nn::{
        self, Activation, BatchNorm, Conv2d, Dropout, Embedding, Linear, Lstm, MaxPool2d, Sequential,
        TransformerEncoder, TransformerOptions,
        losses::{Reduction, cross_entropy, mse_loss},
    },
    ones,
    optimizers::{AdamW, Optimizer, Sgd},
    random,
};

/// Says the next token of a sequence.
#[derive(Clone, Module)]
struct Language {
    embedding: Embedding,
    encoder: TransformerEncoder,
}

impl Language {
    fn new(key: &Array) -> Result<Language> {
        let [for_embedding, for_encoder] = random::split(key)?;
        let options = TransformerOptions::new(16, 2).mlp_dims(32).dropout(0.1);
        Ok(Language {
            embedding: Embedding::new(8, 16).init(&for_embedding)?,
            encoder: TransformerEncoder::new(2, options).init(&for_encoder)?,
        })
    }

    fn loss(&self, tokens: &Array, key: Option<&Array>) -> Result<Array> {
        let last = tokens.dim(1)? - 1;
        let x = self.embedding.forward(&tokens.at((.., ..last))?)?;
        let y = self.embedding.as_linear(&self.encoder.forward(&x, Mask::Causal, key)?)?;
        cross_entropy(&y, &tokens.at((.., 1..))?, Reduction::Mean)
    }
}

/// Sequences that count up from different numbers, modulo 8.
fn counting() -> Result<Array> {
    let tokens: Vec<i32> = (0..4).flat_map(|start| (0..9).map(move |i| (2 * start + i) % 8)).collect();
    Ok(Array::from_slice(&tokens, &[4, 9]))
}

#[test]
fn a_small_transformer_learns() -> Result<()> {
    let (mut model, tokens) = (Language::new(&random::key(0)?)?, counting()?);
    let mut optimizer = Optimizer::new(AdamW::new(), 3e-3)?;
    let mut keys = random::Keys::new(1)?;
    let mut losses = vec![];
    for _ in 0..60 {
        let key = keys.next_key()?;
        let (loss, gradients) = nn::value_and_grad(&mut model, |model| model.loss(&tokens, Some(&key)))?;
        optimizer.update(&mut model, &gradients)?;
        eval(model.parameters().values().chain(optimizer.state().values()))?;
        losses.push(loss.item::<f32>()?);
    }
    assert!(losses[0] > 1.5 && losses[59] < 0.3, "{losses:?}");
    model.set_training(false);
    let loss = model.loss(&tokens, None)?.item::<f32>()?;
    assert!(loss < 0.2, "without dropout: {loss}");
    Ok(())
}

/// A classifier of images, of layers that differ between training and inference.
fn classifier(key: &Array) -> Result<Sequential> {
    let [first, second] = random::split(key)?;
    Ok(Sequential::new()
        .then(Conv2d::new(1, 8, 3).with_padding(1).init(&first)?)
        .then(BatchNorm::new(8))
        .then(Activation::Relu)
        .then(MaxPool2d::new(2))
        .then_fn(|x| x.flatten(1, -1))
        .then(Dropout::new(0.2))
        .then(Linear::new(4 * 4 * 8, 2).with_bias(true).init(&second)?))
}

/// Images with horizontal or vertical stripes, and noise.
fn stripes(key: &Array) -> Result<(Array, Array)> {
    let classes = Array::from_slice(&[0i32, 1].repeat(8), &[16]);
    let stripes: Vec<f32> = (0..8 * 8).map(|i| if i / 8 % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let stripes = Array::from_slice(&stripes, &[8, 8, 1]);
    let both = mlx::stack(&[&stripes, &stripes.swapaxes(0, 1)?], 0)?.tile([8, 1, 1, 1])?;
    Ok((both + random::normal(&[16, 8, 8, 1], Dtype::F32, key)? * 0.5, classes))
}

#[test]
fn batch_normalization_and_dropout_train_and_evaluate() -> Result<()> {
    let mut model = classifier(&random::key(0)?)?;
    let mut optimizer = Optimizer::new(AdamW::new(), 1e-2)?;
    let mut keys = random::Keys::new(1)?;
    for _ in 0..20 {
        let (x, classes) = stripes(&keys.next_key()?)?;
        let key = keys.next_key()?;
        let (_, gradients) = nn::value_and_grad(&mut model, |model| {
            cross_entropy(&model.forward_with_key(&x, &key)?, &classes, Reduction::Mean)
        })?;
        optimizer.update(&mut model, &gradients)?;
        eval(model.parameters().values().chain(optimizer.state().values()))?;
    }
    let statistics = model.parameters()["layers.1.running_mean"].clone();
    assert!(statistics.abs()?.max(..)?.item::<f32>()? > 0.0, "training moves the statistics");
    model.set_training(false);
    let (x, classes) = stripes(&random::key(99)?)?;
    let guesses = model.forward(&x)?.argmax(-1)?.astype(Dtype::I32)?;
    assert_eq!(guesses.to_vec::<i32>()?, classes.to_vec::<i32>()?);
    assert_close("statistics", &model.parameters()["layers.1.running_mean"], &statistics);
    // One image alone is seen as among others.
    let alone = model.forward(&x.at(0..1)?)?;
    assert_close("alone", &alone, &model.forward(&x)?.at(0..1)?);
    Ok(())
}

#[test]
fn frozen_parameters_stay() -> Result<()> {
    let mut model = classifier(&random::key(0)?)?;
    let (x, classes) = stripes(&random::key(1)?)?;
    let mut optimizer = Optimizer::new(Sgd::new(), 0.1)?;
    let mut changed_by_a_step = |model: &mut Sequential| -> Result<Vec<String>> {
        let before = model.parameters();
        let (_, gradients) = nn::value_and_grad(model, |model| {
            cross_entropy(&model.forward_with_key(&x, &random::key(2)?)?, &classes, Reduction::Mean)
        })?;
        optimizer.update(model, &gradients)?;
        let mut changed = vec![];
        for (path, array) in model.parameters() {
            if !path.contains("running") && !array.array_equal(&before[&path])?.item::<bool>()? {
                changed.push(path);
            }
        }
        Ok(changed)
    };
    model.freeze(|path| !path.starts_with("layers.6"));
    assert_eq!(changed_by_a_step(&mut model)?, ["layers.6.bias", "layers.6.weight"]);
    model.unfreeze(|path| path.ends_with("1.bias"));
    assert_eq!(changed_by_a_step(&mut model)?, ["layers.1.bias", "layers.6.bias", "layers.6.weight"]);
    model.freeze(|_| true);
    assert!(changed_by_a_step(&mut model).unwrap_err().message().contains("no trainable parameters"));
    model.unfreeze(|_| true);
    // What shifts all inputs of a normalization alike changes nothing, so the bias before it learns nothing to speak of.
    let changed = changed_by_a_step(&mut model)?;
    for path in ["layers.0.weight", "layers.1.bias", "layers.1.weight", "layers.6.bias", "layers.6.weight"] {
        assert!(changed.contains(&path.to_owned()), "{path}");
    }
    Ok(())
}

#[test]
fn saved_weights_come_back() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = Language::new(&random::key(0)?)?;
    model.save_weights(&path)?;
    let mut other = Language::new(&random::key(1)?)?;
    let tokens = counting()?;
    let [mut first, mut second] = [model.clone(), other.clone()];
    first.set_training(false);
    second.set_training(false);
    let (a, b) = (first.loss(&tokens, None)?.item::<f32>()?, second.loss(&tokens, None)?.item::<f32>()?);
    assert!((a - b).abs() > 1e-3);
    other.load_weights(&path)?;
    other.set_training(false);
    assert_eq!(other.loss(&tokens, None)?.item::<f32>()?, a);
    let error = classifier(&random::key(0)?)?.load_weights(&path).unwrap_err();
    assert!(error.message().contains("missing"), "{error}");
    Ok(())
}

/// Says whether there were more positive than negative numbers so far.
#[test]
fn a_recurrent_layer_learns() -> Result<()> {
    #[derive(Module)]
    struct Counter {
        lstm: Lstm,
        head: Linear,
    }
    let [first, second, third] = random::split(&random::key(0)?)?;
    let mut model = Counter { lstm: Lstm::new(1, 8).init(&first)?, head: Linear::new(8, 1).init(&second)? };
    let x = random::normal(&[16, 6, 1], Dtype::F32, &third)?.sign()?;
    let target = (x.cumsum(1)? / 6.0).tanh()?;
    let mut optimizer = Optimizer::new(AdamW::new(), 2e-2)?;
    let mut losses = vec![];
    for _ in 0..40 {
        let (loss, gradients) = nn::value_and_grad(&mut model, |model| {
            let (states, _) = model.lstm.forward(&x)?;
            mse_loss(&model.head.forward(&states)?, &target, Reduction::Mean)
        })?;
        optimizer.update(&mut model, &gradients)?;
        eval(model.parameters().values())?;
        losses.push(loss.item::<f32>()?);
    }
    assert!(losses[39] < losses[0] / 20.0, "{losses:?}");
    Ok(())
}

#[test]
fn modes_come_back() -> Result<()> {
    let mut model = vec![Dropout::new(0.9), Dropout::new(0.9)];
    model[1].set_training(false);
    let (x, key) = (ones(&[64], Dtype::F32), random::key(0)?);
    let drops = |model: &Vec<Dropout>| -> Result<Vec<bool>> {
        let zeros = |layer: &Dropout| layer.forward(&x, &key)?.equal(0.0)?.any(..)?.item::<bool>();
        model.iter().map(zeros).collect()
    };
    assert_eq!(drops(&model)?, [true, false]);
    assert_eq!(model.with_training(true, drops)?, [true, true]);
    assert_eq!(model.with_training(false, drops)?, [false, false]);
    let panic = std::panic::AssertUnwindSafe(|| model.with_training(true, |_| panic!("inside")));
    assert!(std::panic::catch_unwind(panic).is_err());
    assert_eq!(drops(&model)?, [true, false]);
    Ok(())
}
