//! Writes the logits `[1, steps, vocabulary]` of steps of decoding with given tokens, to compare what different kernels
//! compute: `decode_logits MODEL OUT.npy`.

use mlx::{Array, Dtype, concatenate, eval};
use mlx_lm::Lm;
use std::error::Error;

const PROMPT: i32 = 64;
const STEPS: i32 = 32;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, out] = &arguments[..] else { return Err("usage: decode_logits MODEL OUT.npy".into()) };
    let lm = Lm::load(name)?;
    let (model, mut cache) = (lm.model(), lm.model().new_cache());
    let token = |position: i32| 97 + position * 7 % 26;
    let prompt: Vec<i32> = (0..PROMPT).map(token).collect();
    eval([&model.forward(&Array::from_slice(&prompt, &[1, PROMPT]), &mut cache)?])?;
    let mut logits = vec![];
    for position in PROMPT..PROMPT + STEPS {
        let step = model.forward(&Array::from_slice(&[token(position)], &[1, 1]), &mut cache)?;
        let step = step.astype(Dtype::F32)?;
        eval([&step])?;
        logits.push(step);
    }
    Ok(mlx::io::save_npy(out, &concatenate(&logits, 1)?)?)
}
