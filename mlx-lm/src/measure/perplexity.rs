//! How well a model predicts a text.

use crate::{Error, Result, models::LanguageModel};
use mlx::{
    Array, Dtype,
    nn::losses::{CrossEntropy, cross_entropy},
};

/// How a text is cut.
#[derive(Clone, Copy, Debug)]
pub struct PerplexityOptions {
    /// Tokens of each piece; every piece is predicted on its own. Default 512.
    pub sequence_length: usize,
    /// Pieces that go through the model at once. Default 8.
    pub batch_size: usize,
    /// The most pieces; `None` takes all. Default `None`.
    pub max_pieces: Option<usize>,
}

impl Default for PerplexityOptions {
    fn default() -> PerplexityOptions {
        PerplexityOptions { sequence_length: 512, batch_size: 8, max_pieces: None }
    }
}

/// How well a model predicts a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perplexity {
    /// `exp` of the mean loss of a token.
    pub value: f64,
    /// Of the value.
    pub standard_error: f64,
    /// How many tokens were predicted.
    pub tokens: usize,
}

/// Cuts `tokens` into pieces, a rest being left out, and has `model` predict each token of a piece but its first, as Python
/// mlx-lm does. A text shorter than a piece is one piece. `progress` is told how many pieces of how many are done.
///
/// # Errors
/// [`Error::Invalid`] for fewer than two tokens or senseless options; [`Error::Mlx`].
pub fn perplexity(
    model: &dyn LanguageModel,
    tokens: &[u32],
    options: PerplexityOptions,
    mut progress: impl FnMut(usize, usize),
) -> Result<Perplexity> {
    let PerplexityOptions { sequence_length, batch_size, max_pieces } = options;
    if sequence_length < 2 || batch_size == 0 || tokens.len() < 2 {
        let text = "a perplexity needs pieces of two tokens or more, a batch of one or more, and such a text";
        return Err(Error::Invalid(text.into()));
    }
    let length = sequence_length.min(tokens.len());
    let pieces: Vec<&[u32]> =
        tokens.chunks_exact(length).take(max_pieces.unwrap_or(usize::MAX).max(1)).collect();
    let (mut losses, mut done) = (vec![], 0);
    for batch in pieces.chunks(batch_size) {
        let rows = Array::from_slice(&batch.concat(), &[batch.len() as i32, length as i32]);
        let logits = model.forward(&rows.at((.., ..-1))?, &mut model.new_cache())?.astype(Dtype::F32)?;
        losses.extend(
            cross_entropy(&logits, &rows.at((.., 1..))?, CrossEntropy::default())?
                .reshape([-1])?
                .to_vec::<f32>()?,
        );
        done += batch.len();
        progress(done, pieces.len());
        mlx::memory::clear_cache()?;
    }
    Ok(of_losses(&losses))
}

fn of_losses(losses: &[f32]) -> Perplexity {
    let count = losses.len() as f64;
    let mean = losses.iter().map(|loss| f64::from(*loss)).sum::<f64>() / count;
    let squares: f64 = losses.iter().map(|loss| (f64::from(*loss) - mean).powi(2)).sum();
    let value = mean.exp();
    let standard_error = value * (squares / (count - 1.0).max(1.0)).sqrt() / count.sqrt();
    Perplexity { value, standard_error, tokens: losses.len() }
}
