//! How fast and how good a model is.

mod bandwidth;
mod engine;
mod perplexity;
mod speed;

pub use bandwidth::read_bandwidth;
pub use engine::{EngineTime, engine_time};
pub use perplexity::{Perplexity, PerplexityOptions, perplexity};
pub use speed::{Measurement, Speed, SpeedTest, measure};
