//! Dropouts: what they zero, what they share, and that the key alone decides.

use mlx::{
    Array, Dtype, Module,
    nn::{Activation, Dropout, Dropout2d, Dropout3d, Sequential},
    ones, random,
    transforms::{compile, grad},
};

fn key(seed: u64) -> Array {
    random::key(seed).unwrap()
}

fn numbers(x: mlx::Result<Array>) -> Vec<f32> {
    x.unwrap().to_vec().unwrap()
}

#[test]
fn kept_elements_are_scaled() {
    let x = ones(&[10_000], Dtype::F32);
    for p in [0.1f32, 0.5, 0.9] {
        let y = numbers(Dropout::new(p).forward(&x, &key(1)));
        let kept = y.iter().filter(|&&y| y != 0.0).count() as f32 / 10_000.0;
        assert!((kept - (1.0 - p)).abs() < 0.02, "{p}: kept {kept}");
        assert!(y.iter().all(|&y| y == 0.0 || (y * (1.0 - p) - 1.0).abs() < 1e-6));
    }
}

#[test]
fn the_key_decides() {
    let (x, dropout) = (ones(&[64], Dtype::F32), Dropout::new(0.5));
    let draw = |seed| numbers(dropout.forward(&x, &key(seed)));
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn channels_share_their_fate() {
    let same_within = |y: &Array, axes: &[i32]| {
        let (low, high) = y.minmax(axes).unwrap();
        assert_eq!(numbers(Ok(low)), numbers(Ok(high.clone())));
        let zeros = high.size().unwrap() as i32 - high.count_nonzero(..).unwrap().item::<i32>().unwrap();
        assert!(zeros > 0 && zeros < high.size().unwrap() as i32);
    };
    let (flat, image) = (Dropout2d::new(0.5), ones(&[4, 3, 5, 8], Dtype::F32));
    let image = flat.forward(&image, &key(1)).unwrap();
    same_within(&image, &[1, 2]);
    // Each image of the batch has its own choice.
    assert_ne!(numbers(image.at((0, 0, 0))), numbers(image.at((1, 0, 0))));
    same_within(&flat.forward(&ones(&[3, 5, 32], Dtype::F32), &key(1)).unwrap(), &[0, 1]);
    let solid = Dropout3d::new(0.5);
    same_within(&solid.forward(&ones(&[4, 2, 3, 5, 8], Dtype::F32), &key(1)).unwrap(), &[1, 2, 3]);
    same_within(&solid.forward(&ones(&[2, 3, 5, 32], Dtype::F32), &key(1)).unwrap(), &[0, 1, 2]);
}

#[test]
fn training_needs_a_key_and_inference_none() {
    let x = ones(&[64], Dtype::F32);
    let mut model = Sequential::new().then(Dropout::new(0.5)).then(Activation::Relu).then(Dropout::new(0.5));
    assert!(model.forward(&x).unwrap_err().message().contains("key"));
    let y = numbers(model.forward_with_key(&x, &key(1)));
    let kept = y.iter().filter(|&&y| y == 4.0).count();
    assert!((4..32).contains(&kept), "two dropouts with keys of their own keep a quarter, not {kept} of 64");
    model.set_training(false);
    assert_eq!(numbers(model.forward(&x)), [1.0; 64]);
    assert_eq!(numbers(Dropout::new(0.0).forward(&x, None)), [1.0; 64]);
}

#[test]
fn gradients_and_traces_draw_the_same() {
    let (x, plain) = (ones(&[64], Dtype::F32), Dropout::new(0.5));
    let expected = numbers(plain.forward(&x, &key(3)));
    let gradient = grad(|x: &Array| plain.forward(x, &key(3))?.sum(..));
    assert_eq!(numbers(gradient(&x)), expected);
    let traced = Dropout::new(0.5);
    let compiled = compile(move |(x, key): &(Array, Array)| traced.forward(x, key));
    for seed in [3, 4] {
        let found = numbers(compiled.call(&(x.clone(), key(seed))));
        assert_eq!(
            found,
            numbers(plain.forward(&x, &key(seed))),
            "the key is an argument, not part of the trace"
        );
    }
}
