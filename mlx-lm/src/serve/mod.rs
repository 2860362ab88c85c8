//! `mlx-lm serve`: one local server that clients of OpenAI's, Anthropic's and Ollama's APIs use unmodified.
//!
//! The front (this process) speaks HTTP and translates each API to and from one internal form (`protocol`). Each
//! loaded model has a runner, a process of its own, so that a fault below it costs that model a restart and nothing
//! else. `docs/serving.md` describes the endpoints, fields, limits and rules.

mod api;
mod failure;
mod fleet;
mod http;
mod metering;
mod options;
mod protocol;
mod runner;

pub use fleet::KeepAlive;
pub use http::serve;
pub use options::ServeOptions;
pub use runner::run as run_runner;

use fleet::Fleet;
use std::{sync::Arc, time::SystemTime};

/// What every handler sees.
pub(crate) struct App {
    options: ServeOptions,
    fleet: Arc<Fleet>,
    metrics: metering::Metrics,
    started: SystemTime,
    /// `host:port` it listens on.
    address: std::net::SocketAddr,
}

/// Seconds since 1970.
fn unix_time(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// A random text of hexadecimal digits, for ids.
fn random_hex() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1))
}

/// A random number, for seeds.
fn random_u64() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(2)
}
