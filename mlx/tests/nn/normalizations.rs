use crate::golden::Goldens;
use mlx::{
    Array, Dtype, Module,
    nn::{BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm},
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
    assert_eq!(norm.forward(&x).unwrap().to_vec::<f32>().unwrap(), [1.0, -1.0]);
    assert_eq!(norm.forward(&x.astype(Dtype::F16).unwrap()).unwrap().dtype().unwrap(), Dtype::F16);
}
