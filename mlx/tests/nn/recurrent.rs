use crate::golden::Goldens;
use mlx::nn::{Activation, Gru, Lstm, Rnn};

#[test]
fn recurrent_layers() {
    let goldens = Goldens::of("recurrent");
    goldens.layer("rnn", Rnn::new(3, 4));
    goldens.layer("rnn.single", Rnn::new(3, 4));
    for (name, layer) in [
        ("rnn.hidden", Rnn::new(3, 4)),
        ("rnn.no_bias", Rnn::new(3, 4).with_bias(false)),
        ("rnn.relu", Rnn::new(3, 4).with_nonlinearity(Activation::Relu)),
    ] {
        let case = goldens.case(name);
        let layer = case.loaded(layer);
        case.call(|x| layer.forward_from(&x[0], &x[1]));
    }
    goldens.layer("gru", Gru::new(3, 4));
    goldens.layer("gru.single", Gru::new(3, 4));
    for (name, layer) in [("gru.hidden", Gru::new(3, 4)), ("gru.no_bias", Gru::new(3, 4).with_bias(false))] {
        let case = goldens.case(name);
        let layer = case.loaded(layer);
        case.call(|x| layer.forward_from(&x[0], &x[1]));
    }
    for (name, bias) in
        [("lstm", true), ("lstm.hidden", true), ("lstm.single", true), ("lstm.no_bias", false)]
    {
        let case = goldens.case(name);
        let layer = case.loaded(Lstm::new(3, 4).with_bias(bias));
        let (hidden, cells) = match name {
            "lstm.hidden" | "lstm.single" => layer.forward_from(case.input(0), case.input(1), case.input(2)),
            _ => layer.forward(case.input(0)),
        }
        .unwrap();
        case.check("out.0", &hidden);
        case.check("out.1", &cells);
    }
    goldens.finish();
}
