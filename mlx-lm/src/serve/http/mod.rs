//! HTTP: connections, what guards them, bodies in and answers out.

mod body;
mod guard;
mod listener;
mod reply;
mod router;

pub(super) use body::Strict;
pub(super) use guard::Caller;
pub use listener::serve;
pub(super) use reply::{Answer, Generation, Narrator, collect, json, stream};
