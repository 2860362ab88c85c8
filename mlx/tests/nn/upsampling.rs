use crate::golden::Goldens;
use mlx::nn::{
    Interpolation::{Cubic, Linear, Nearest},
    Upsample,
};

#[test]
fn upsampling() {
    let goldens = Goldens::of("upsampling");
    for (name, scale) in
        [("up", [2.0, 3.0]), ("between", [1.7, 2.3]), ("down", [0.5, 0.75]), ("same", [1.0, 1.0])]
    {
        let case = |mode: &str, layer: Upsample| goldens.layer(&format!("upsample.{name}.{mode}"), layer);
        let layer = |interpolation| Upsample::new(&scale).with_interpolation(interpolation);
        case("nearest", layer(Nearest));
        case("linear", layer(Linear));
        case("linear.align_corners", layer(Linear).with_align_corners(true));
        case("linear.antialias", layer(Linear).with_antialias(true));
        case("cubic", layer(Cubic));
        case("cubic.align_corners", layer(Cubic).with_align_corners(true));
        case("cubic.antialias", layer(Cubic).with_antialias(true));
    }
    for (mode, interpolation) in [("nearest", Nearest), ("linear", Linear), ("cubic", Cubic)] {
        let layer = Upsample::new(&[1.5]).with_interpolation(interpolation);
        goldens.layer(&format!("upsample.signal.{mode}"), layer);
    }
    goldens.finish();
}
