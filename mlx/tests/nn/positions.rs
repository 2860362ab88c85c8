use crate::golden::Goldens;
use mlx::nn::{Alibi, Rope, SinusoidalPositionalEncoding};

#[test]
fn positions() {
    let goldens = Goldens::of("positions");
    goldens.function("rope", |x| Rope::new(4, 10000.0).forward(x, 0));
    let options = Rope { traditional: true, scale: 0.5, ..Rope::new(6, 100.0) };
    goldens.function("rope.options", |x| options.forward(x, 3));
    let encoding = SinusoidalPositionalEncoding::new;
    goldens.layer("sinusoidal", encoding(8));
    goldens.layer("sinusoidal.two", encoding(2));
    goldens.layer("sinusoidal.frequencies", encoding(6).with_frequencies(0.01, 2.0).with_scale(1.0));
    let turns = encoding(6).with_frequencies(0.01, 1.0).with_cos_first(true).with_full_turns(true);
    goldens.layer("sinusoidal.turns", turns);
    for heads in [1, 4, 6, 13] {
        goldens.function(&format!("alibi.{heads}"), |scores| Alibi.forward(scores, 2));
    }
    goldens.finish();
}
