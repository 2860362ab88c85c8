use crate::golden::{Goldens, assert_close};
use mlx::{
    Dtype, Module, eye,
    nn::{
        Bilinear, Conv2d, ConvTranspose1d, Embedding, Gru, Linear, Lstm, Rnn,
        init::{self, Fan},
    },
    random, zeros,
};

#[test]
fn initializers_draw_what_python_draws() {
    let goldens = Goldens::of("initializers");
    let (kernel, matrix) = (&[6, 3, 2, 5], &[5, 8]);
    // Python draws from one key after the other, split from that of the seed; functions that draw once get the first.
    let seed = random::key(7).unwrap();
    let [key] = random::split(&seed).unwrap();
    for (name, drawn) in [
        ("normal", init::normal(matrix, 0.5, 2.0, &key)),
        ("uniform", init::uniform(matrix, -0.5, 2.0, &key)),
        ("glorot_normal", init::glorot_normal(kernel, 2.0, &key)),
        ("glorot_uniform", init::glorot_uniform(kernel, 1.0, &key)),
        ("he_normal.in", init::he_normal(kernel, Fan::In, 1.0, &key)),
        ("he_normal.out", init::he_normal(kernel, Fan::Out, 2.0, &key)),
        ("he_uniform.in", init::he_uniform(kernel, Fan::In, 1.0, &key)),
        ("he_uniform.out", init::he_uniform(kernel, Fan::Out, 2.0, &key)),
        ("sparse", init::sparse(matrix, 0.3, 0.5, 2.0, &seed)),
        ("orthogonal.wide", init::orthogonal(matrix, 2.0, &key)),
        ("orthogonal.tall", init::orthogonal(&[6, 4], 1.0, &key)),
    ] {
        goldens.case(name).check("out", &drawn.unwrap());
    }
    goldens.case("linear").check_weights(&Linear::new(5, 3).with_bias(true).init(&seed).unwrap());
    goldens.case("bilinear").check_weights(&Bilinear::new(5, 3, 4).with_bias(true).init(&seed).unwrap());
    goldens.case("embedding").check_weights(&Embedding::new(7, 4).init(&key).unwrap());
    goldens.finish();
}

#[test]
fn layers_draw_what_python_draws() {
    let goldens = Goldens::of("drawn");
    let seed = random::key(7).unwrap();
    let [key] = random::split(&seed).unwrap();
    let conv = Conv2d::new(4, 3, [3, 2]).with_groups(2).init(&key).unwrap();
    goldens.case("conv2d").check_weights(&conv);
    goldens.case("transpose1d").check_weights(&ConvTranspose1d::new(4, 3, 2).init(&key).unwrap());
    goldens.case("rnn").check_weights(&Rnn::new(3, 4).init(&seed).unwrap());
    goldens.case("gru").check_weights(&Gru::new(3, 4).init(&seed).unwrap());
    goldens.case("lstm").check_weights(&Lstm::new(3, 4).init(&seed).unwrap());
    goldens.finish();
}

#[test]
fn orthogonal_rows_are_orthogonal() {
    let drawn = init::orthogonal(&[3, 9], 2.0, &random::key(1).unwrap()).unwrap();
    let products = drawn.matmul(&drawn.t().unwrap()).unwrap();
    assert_close("products", &products, &(eye(3, Dtype::F32) * 4.0));
}

#[test]
fn sparse_rows_have_their_share_of_zeros() {
    let drawn = init::sparse(&[20, 10], 0.25, 0.0, 1.0, &random::key(1).unwrap()).unwrap();
    assert_eq!(drawn.count_nonzero(1).unwrap().to_vec::<i32>().unwrap(), [7; 20]);
}

#[test]
fn fixed_values() {
    assert_close("identity", &init::identity(&[3, 3]).unwrap(), &eye(3, Dtype::F32));
    assert_close("constant", &init::constant(&[2, 3], 0.0).unwrap(), &zeros(&[2, 3], Dtype::F32));
    assert_eq!(init::constant(&[2], 0.5).unwrap().to_vec::<f32>().unwrap(), [0.5, 0.5]);
    let frozen = {
        let mut layer = Linear::new(2, 2);
        layer.freeze(|_| true);
        layer.init(&random::key(0).unwrap()).unwrap()
    };
    assert!(frozen.trainable_parameters().is_empty());
}
