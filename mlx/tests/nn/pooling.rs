use crate::golden::Goldens;
use mlx::nn::{AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d, MaxPool2d, MaxPool3d};

#[test]
fn pooling() {
    let goldens = Goldens::of("pooling");
    goldens.layer("max_pool1d", MaxPool1d::new(3));
    goldens.layer("avg_pool1d", AvgPool1d::new(3));
    goldens.layer("max_pool1d.options", MaxPool1d::new(4).with_stride(2).with_padding(3));
    goldens.layer("avg_pool1d.options", AvgPool1d::new(4).with_stride(2).with_padding(3));
    goldens.layer("max_pool2d", MaxPool2d::new(2));
    goldens.layer("avg_pool2d", AvgPool2d::new(2));
    goldens.layer("max_pool2d.options", MaxPool2d::new([3, 2]).with_stride([2, 3]).with_padding([1, 0]));
    goldens.layer("avg_pool2d.options", AvgPool2d::new([3, 2]).with_stride([2, 3]).with_padding([1, 0]));
    goldens.layer("max_pool2d.ties", MaxPool2d::new(2).with_stride(1));
    goldens.layer("avg_pool2d.ties", AvgPool2d::new(2).with_stride(1));
    goldens.layer("max_pool3d", MaxPool3d::new(2));
    goldens.layer("avg_pool3d", AvgPool3d::new(2));
    let (kernel, stride, padding) = ([2, 3, 2], [1, 2, 1], [0, 1, 1]);
    goldens.layer("max_pool3d.options", MaxPool3d::new(kernel).with_stride(stride).with_padding(padding));
    goldens.layer("avg_pool3d.options", AvgPool3d::new(kernel).with_stride(stride).with_padding(padding));
    goldens.finish();
}
