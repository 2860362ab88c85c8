use crate::golden::{Goldens, assert_close, on_a_gpu};
use mlx::{
    Array, Dtype, Module, Result,
    fast::Mask,
    nn::{
        self, Activation, Transformer, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder,
        TransformerEncoderLayer, TransformerMasks, TransformerOptions,
    },
    random,
    transforms::grad,
};

#[test]
fn transformers() {
    let goldens = Goldens::of("transformer");
    let plain = TransformerOptions::new(8, 2);
    let small = TransformerOptions::new(8, 2).mlp_dims(6);
    for (name, options) in [("encoder_layer", plain), ("encoder_layer.norm_last", plain.norm_first(false))] {
        let case = goldens.case(name);
        let layer = case.loaded(TransformerEncoderLayer::new(options));
        case.call(|x| layer.forward(&x[0], Mask::None, None));
    }
    let gelu = small.activation(Activation::Gelu);
    for (name, options) in [("decoder_layer", gelu), ("decoder_layer.norm_last", gelu.norm_first(false))] {
        let case = goldens.case(name);
        let layer = case.loaded(TransformerDecoderLayer::new(options));
        case.call(|x| layer.forward(&x[0], &x[1], Mask::Causal, Mask::Array(&x[2]), None));
    }
    let of_four = TransformerOptions::new(8, 4).mlp_dims(6).activation(Activation::Gelu);
    for checkpoint in [false, true] {
        let case = goldens.case("encoder");
        let stack = case.loaded(TransformerEncoder::new(2, of_four.checkpoint(checkpoint)));
        case.call(|x| stack.forward(&x[0], Mask::None, None));
        let case = goldens.case("decoder");
        let stack = case.loaded(TransformerDecoder::new(2, gelu.checkpoint(checkpoint)));
        case.call(|x| stack.forward(&x[0], &x[1], Mask::Causal, Mask::Array(&x[2]), None));
        let case = goldens.case("transformer");
        let model = case.loaded(Transformer::new(1, 2, small.checkpoint(checkpoint)));
        let masks = TransformerMasks { target: Mask::Causal, ..Default::default() };
        case.call(|x| model.forward(&x[0], &x[1], masks, None));
    }
    goldens.finish();
}

fn normal(shape: &[i32], seed: u64) -> Array {
    random::normal(shape, Dtype::F32, &random::key(seed).unwrap()).unwrap()
}

/// The same numbers, dropout and masks of booleans included, whether results are kept or computed again.
#[test]
fn checkpoints_change_nothing() {
    let options = TransformerOptions::new(8, 2).dropout(0.3);
    let (key, x) = (random::key(7).unwrap(), normal(&[2, 4, 8], 1));
    let seen = normal(&[4, 4], 2).greater(-1.0).unwrap();
    let model = Transformer::new(2, 2, options).init(&random::key(0).unwrap()).unwrap();
    let mut forgetful = Transformer::new(2, 2, options.checkpoint(true));
    forgetful.update(&model.parameters()).unwrap();
    let masks = TransformerMasks { target: Mask::Causal, memory: Mask::Array(&seen), source: Mask::None };
    let results = [model, forgetful].map(|mut model| {
        let gradient = grad(|x: &Array| model.forward(x, x, masks, &key)?.square()?.sum(..))(&x).unwrap();
        let loss = |model: &Transformer| model.forward(&x, &x, masks, &key)?.square()?.sum(..);
        let (loss, mut gradients) = nn::value_and_grad(&mut model, loss).unwrap();
        gradients.insert("x".to_owned(), gradient);
        gradients.insert("loss".to_owned(), loss);
        gradients
    });
    assert_eq!(results[0].len(), results[1].len());
    for ((path, found), expected) in results[1].iter().zip(results[0].values()) {
        assert_close(path, found, expected);
    }
}

#[test]
fn keys_decide_what_is_dropped() -> Result<()> {
    let options = TransformerOptions::new(8, 2).dropout(0.5);
    let mut model = Transformer::new(1, 1, options).init(&random::key(0)?)?;
    let x = normal(&[1, 3, 8], 1);
    let masks = TransformerMasks::default();
    let draw = |model: &Transformer, seed| model.forward(&x, &x, masks, &random::key(seed)?)?.to_vec::<f32>();
    let (once, again) = (draw(&model, 1)?, draw(&model, 1)?);
    let most = if on_a_gpu() { 1e-5 } else { 0.0 };
    assert!(once.iter().zip(&again).all(|(x, y)| (x - y).abs() <= most), "{once:?} {again:?}");
    assert_ne!(draw(&model, 1)?, draw(&model, 2)?);
    assert!(model.forward(&x, &x, masks, None).unwrap_err().message().contains("key"));
    model.set_training(false);
    assert_eq!(draw(&model, 1)?, model.forward(&x, &x, masks, None)?.to_vec::<f32>()?);
    Ok(())
}

#[test]
fn later_positions_stay_unseen() -> Result<()> {
    let layer = TransformerEncoderLayer::new(TransformerOptions::new(8, 2)).init(&random::key(0)?)?;
    let x = normal(&[1, 5, 8], 1);
    let changed = x.slice_update(&normal(&[1, 2, 8], 2), &[0, 3, 0], &[1, 5, 8])?;
    let additive = nn::MultiHeadAttention::create_additive_causal_mask(5, Dtype::F32)?;
    for mask in [Mask::Causal, Mask::Array(&additive)] {
        let [y, other] = [layer.forward(&x, mask, None)?, layer.forward(&changed, mask, None)?];
        assert_close("first", &other.at((.., ..3))?, &y.at((.., ..3))?);
        assert_ne!(other.at((.., 3))?.to_vec::<f32>()?, y.at((.., 3))?.to_vec::<f32>()?);
    }
    Ok(())
}
