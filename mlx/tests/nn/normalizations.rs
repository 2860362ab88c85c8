use crate::golden::{Goldens, on_a_gpu};
use mlx::{
    Array, Dtype, Module,
    nn::{self, BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm},
    random,
    transforms::compile_with_state,
};

#[test]
fn normalizations() {
    let goldens = Goldens::of("normalizations");
    goldens.layer("layer_norm", LayerNorm::new(6));
    goldens.layer("layer_norm.no_bias", LayerNorm::new(6).with_eps(0.1).with_bias(false));
    goldens.layer("layer_norm.no_affine", LayerNorm::new(6).with_affine(false));
    goldens.layer("rms_norm", RmsNorm::new(6, 1e-5));
    goldens.layer("group_norm", GroupNorm::new(2, 6));
    goldens.layer("group_norm.pytorch", GroupNorm::new(3, 6).with_eps(0.1).with_pytorch_compatible(true));
    goldens.layer("group_norm.no_affine", GroupNorm::new(6, 6).with_affine(false));
    goldens.layer("instance_norm", InstanceNorm::new(6));
    goldens.layer("instance_norm.affine", InstanceNorm::new(6).with_eps(0.1).with_affine(true));
    for axes in 2..=4 {
        goldens.layer(&format!("batch_norm.{axes}"), BatchNorm::new(6));
    }
    let fast = BatchNorm::new(6).with_eps(0.1).with_momentum(0.4).with_affine(false);
    goldens.layer("batch_norm.momentum", fast);
    goldens.layer("batch_norm.untracked", BatchNorm::new(6).with_running_stats(false));
    let inference = |mut norm: BatchNorm| {
        norm.set_training(false);
        norm
    };
    goldens.layer("batch_norm.inference", inference(BatchNorm::new(6)));
    goldens.layer("batch_norm.untracked_inference", inference(BatchNorm::new(6).with_running_stats(false)));
    goldens.finish();
}

#[test]
fn running_statistics_are_kept_but_not_learned() {
    let norm = BatchNorm::new(2);
    let keys = |parameters: mlx::Parameters| parameters.into_keys().collect::<Vec<_>>();
    assert_eq!(keys(norm.trainable_parameters()), ["bias", "weight"]);
    assert_eq!(keys(norm.parameters()), ["bias", "running_mean", "running_var", "weight"]);
    assert_eq!(keys(norm.clone().with_running_stats(false).parameters()), ["bias", "weight"]);
}

#[test]
fn rms_norm_without_a_weight() {
    let norm = RmsNorm::new(2, 0.0).with_affine(false);
    assert!(norm.parameters().is_empty());
    let x = Array::from_slice(&[3.0f32, -3.0], &[2]);
    let y = norm.forward(&x).unwrap().to_vec::<f32>().unwrap();
    let most = if on_a_gpu() { 1e-6 } else { 0.0 };
    assert!(y.iter().zip([1.0, -1.0]).all(|(y, expected)| (y - expected).abs() <= most), "{y:?}");
    assert_eq!(norm.forward(&x.astype(Dtype::F16).unwrap()).unwrap().dtype().unwrap(), Dtype::F16);
}

#[test]
fn running_statistics_follow_in_gradients_and_traces() {
    let batch = |seed| random::normal(&[8, 2], Dtype::F32, &random::key(seed).unwrap()).unwrap();
    let running = |norm: &BatchNorm| norm.parameters()["running_var"].to_vec::<f32>().unwrap();
    let (mut plain, mut learning, mut traced) = (BatchNorm::new(2), BatchNorm::new(2), BatchNorm::new(2));
    let step = compile_with_state(|norm: &mut BatchNorm, x: &Array| norm.forward(x)?.sum(..));
    for seed in 0..3 {
        let x = batch(seed);
        plain.forward(&x).unwrap();
        let (_, gradients) =
            nn::value_and_grad(&mut learning, |norm| norm.forward(&x)?.square()?.sum(..)).unwrap();
        assert_eq!(gradients.into_keys().collect::<Vec<_>>(), ["bias", "weight"]);
        step.call(&mut traced, &x).unwrap();
        assert_eq!(running(&learning), running(&plain));
        for (found, expected) in running(&traced).into_iter().zip(running(&plain)) {
            assert!((found - expected).abs() < 1e-6);
        }
    }
    // In inference nothing changes.
    plain.set_training(false);
    let before = running(&plain);
    plain.forward(&batch(9)).unwrap();
    assert_eq!(running(&plain), before);
}
