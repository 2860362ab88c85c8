use crate::golden::Goldens;
use mlx::{
    Dtype, Module,
    nn::{Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d},
    ones, random,
};

#[test]
fn convolutions() {
    let goldens = Goldens::of("convolution");
    goldens.layer("conv1d", Conv1d::new(4, 3, 3));
    let conv = Conv1d::new(4, 6, 3).with_stride(2).with_padding(3).with_dilation(2).with_groups(2);
    goldens.layer("conv1d.options", conv.with_bias(false));
    goldens.layer("conv2d", Conv2d::new(4, 3, 2));
    let conv = Conv2d::new(4, 3, [3, 2]).with_stride([2, 1]).with_padding([0, 2]).with_dilation([1, 2]);
    goldens.layer("conv2d.options", conv);
    goldens.layer("conv2d.groups", Conv2d::new(4, 8, 3).with_padding(1).with_groups(4));
    goldens.layer("conv3d", Conv3d::new(2, 3, 2));
    let conv = Conv3d::new(2, 3, [2, 3, 2]).with_stride([1, 2, 1]).with_padding(1).with_dilation([2, 1, 1]);
    goldens.layer("conv3d.options", conv);
    goldens.layer("transpose1d", ConvTranspose1d::new(4, 3, 3));
    let conv = ConvTranspose1d::new(4, 3, 3).with_stride(2).with_padding(1).with_dilation(2);
    goldens.layer("transpose1d.options", conv.with_output_padding(1));
    goldens.layer("transpose2d", ConvTranspose2d::new(4, 3, 2).with_bias(false));
    let conv = ConvTranspose2d::new(4, 3, [3, 2]).with_stride([2, 3]).with_padding([1, 0]);
    goldens.layer("transpose2d.options", conv.with_output_padding([1, 0]));
    goldens.layer("transpose3d", ConvTranspose3d::new(2, 3, 2));
    let conv = ConvTranspose3d::new(2, 3, [2, 1, 2]).with_stride(2).with_output_padding([0, 1, 0]);
    goldens.layer("transpose3d.options", conv);
    goldens.finish();
}

/// Python's layer has no groups.
#[test]
fn groups_of_a_transposed_convolution_do_not_mix() {
    let layer = ConvTranspose1d::new(4, 6, 2).with_groups(2).init(&random::key(0).unwrap()).unwrap();
    assert_eq!(layer.parameters()["weight"].shape().unwrap(), [6, 2, 2]);
    let x = ones(&[1, 3, 4], Dtype::F32);
    let changed = x.slice_update(&(ones(&[1, 3, 2], Dtype::F32) * 2.0), &[0, 0, 2], &[1, 3, 4]).unwrap();
    let [y, other] = [&x, &changed].map(|x| layer.forward(x).unwrap().split(2, -1).unwrap());
    assert!(y[0].array_equal(&other[0]).unwrap().item::<bool>().unwrap());
    assert!(!y[1].array_equal(&other[1]).unwrap().item::<bool>().unwrap());
}
