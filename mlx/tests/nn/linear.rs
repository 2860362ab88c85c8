use crate::golden::{Goldens, assert_close};
use mlx::{
    Array, Module,
    nn::{Activation, Bilinear, Embedding, Identity, Layer, Linear, Sequential},
};

#[test]
fn linear_layers() {
    let goldens = Goldens::of("linear");
    goldens.layer("linear", Linear::new(4, 3).with_bias(true));
    goldens.layer("linear.no_bias", Linear::new(4, 3));
    goldens.layer("embedding", Embedding::new(7, 4));
    for (name, layer) in
        [("bilinear", Bilinear::new(4, 3, 2).with_bias(true)), ("bilinear.no_bias", Bilinear::new(4, 3, 2))]
    {
        let case = goldens.case(name);
        let layer = case.loaded(layer);
        case.check("out", &layer.forward(case.input(0), case.input(1)).unwrap());
    }
    let perceptron = Sequential::new()
        .then(Linear::new(4, 6).with_bias(true))
        .then(Activation::Relu)
        .then(Linear::new(6, 2).with_bias(true));
    goldens.layer("sequential", perceptron);
    goldens.finish();
}

#[test]
fn sequential_nests_and_takes_functions() {
    let model = Sequential::new()
        .then(Sequential::new().then_fn(|x| x.add(1)).then(Identity))
        .then_fn(|x| x.multiply(10));
    let x = Array::from_slice(&[1i32, 2], &[2]);
    assert_eq!(model.forward(&x).unwrap().to_vec::<i32>().unwrap(), [20, 30]);
    assert!(model.parameters().is_empty());
    assert_close("empty", &Sequential::new().call(&x, None).unwrap(), &x);
}
