//! Models spread over the processes of a [`Group`](crate::distributed::Group).
//!
//! There are two ways. *Tensor parallel*: each process computes a share of every layer, with [`AllToShardedLinear`] and
//! [`ShardedToAllLinear`]. *Data parallel*: each computes with other data, and gradients are averaged, with
//! [`average_gradients`], or with [`FullySharded`], where each process also keeps no more than a share of the weights.

mod cut;
mod fully_sharded;
mod gradients;
mod linear;

pub use cut::{Segments, Shard, all_to_sharded, shard_inplace, sharded_to_all};
pub use fully_sharded::FullySharded;
pub use gradients::{average_gradients, average_gradients_sized, clip_grad_norm_sharded};
pub use linear::{AllToShardedLinear, ShardedToAllLinear};
