//! How fast and how good a model is.

mod bandwidth;
mod perplexity;
mod speed;

pub use bandwidth::read_bandwidth;
pub use perplexity::{Perplexity, PerplexityOptions, perplexity};
pub use speed::{Measurement, Speed, SpeedTest, measure};
