//! Vectors of texts, whichever API asks for them.

use super::fields::{at_most, range};
use crate::serve::{
    App, KeepAlive,
    failure::{Failure, Kind},
    protocol::{Answer, Question, Texts, Vectors},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The most texts of one request.
const MAX_TEXTS: usize = 2048;

/// More than any model's vectors have.
const MAX_DIMENSIONS: usize = 1 << 20;

/// Asks `model` for the vectors of `texts`, and says how long loading it took.
pub(super) async fn ask(
    app: &Arc<App>,
    model: &str,
    keep: Option<KeepAlive>,
    texts: Texts,
) -> Result<(Vectors, Duration), Failure> {
    at_most("input", texts.inputs.len(), MAX_TEXTS)?;
    if texts.inputs.is_empty() {
        return Err(Failure::invalid("input", "`input` has no texts"));
    }
    range("dimensions", texts.dimensions, 1..=MAX_DIMENSIONS)?;
    let began = Instant::now();
    let lease = app.fleet.lease_for(model, keep, 1).await?;
    let load = began.elapsed();
    let answer = lease.ask(Question::Embed(texts));
    match tokio::time::timeout(app.options.request_timeout, answer).await {
        Ok(Ok(Answer::Vectors(vectors))) => {
            metrics::counter!("mlx_lm_embedded_tokens_total").increment(vectors.tokens as u64);
            Ok((vectors, load))
        }
        Ok(Ok(_)) => Err(Failure::internal("another answer came")),
        Ok(Err(failure)) => Err(failure),
        Err(_) => Err(Failure::new(Kind::Deadline, "the request took too long")),
    }
}

impl Vectors {
    /// The vectors as numbers.
    pub(super) fn numbers(&self) -> Result<Vec<Vec<f32>>, Failure> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let read = |text: &String| {
            let bytes = STANDARD.decode(text).map_err(|error| Failure::internal(error.to_string()))?;
            let (numbers, _) = bytes.as_chunks::<4>();
            Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        };
        self.vectors.iter().map(read).collect()
    }
}
