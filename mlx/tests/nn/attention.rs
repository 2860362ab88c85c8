use crate::golden::Goldens;
use mlx::{Dtype, fast::Mask, nn::MultiHeadAttention};

#[test]
fn attention() {
    let goldens = Goldens::of("attention");
    for name in ["attention", "attention.causal", "attention.mask"] {
        let case = goldens.case(name);
        let layer = case.loaded(MultiHeadAttention::new(8, 2));
        case.call(|x| {
            let mask = match x {
                [_, mask] => Mask::Array(mask),
                _ if name == "attention" => Mask::None,
                _ => Mask::Causal,
            };
            layer.forward(&x[0], &x[0], &x[0], mask)
        });
    }
    let case = goldens.case("attention.keys");
    let layer = case.loaded(MultiHeadAttention::new(8, 4).with_key_inputs(6).with_bias(true));
    case.call(|x| layer.forward(&x[0], &x[1], &x[1], Mask::None));
    let case = goldens.case("attention.sizes");
    let layer = MultiHeadAttention::new(4, 2).with_query_inputs(8).with_key_inputs(6).with_value_inputs(4);
    let layer = case.loaded(layer.with_values(6).with_outputs(5));
    case.call(|x| layer.forward(&x[0], &x[1], &x[2], Mask::None));
    for (name, dtype) in [("additive.f32", Dtype::F32), ("additive.f16", Dtype::F16)] {
        let mask = MultiHeadAttention::create_additive_causal_mask(4, dtype).unwrap();
        goldens.case(name).check("out", &mask);
    }
    goldens.finish();
}
