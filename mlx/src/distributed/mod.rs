//! Several processes that compute together, on one machine or on many.
//!
//! Every process runs the same program and makes a [`Group`]; arrays are combined with methods of the group:
//!
//! ```
//! # fn main() -> mlx::Result<()> {
//! use mlx::{Array, distributed::{Backend, Group}};
//! let group = Group::init(Backend::Any)?; // of one process, unless it was started as one of several
//! let gradient = Array::from_slice(&[1.0f32, 2.0], &[2]);
//! let mean = group.all_sum(&gradient)? / group.size();
//! assert_eq!(mean.to_vec::<f32>()?, [1.0, 2.0]);
//! # Ok(())
//! # }
//! ```
//!
//! # Order
//!
//! All processes must communicate in the same order, with arrays of equal shapes and dtypes: messages carry neither.
//! A process whose partner does something else waits for it, or gets other numbers. As arrays are lazy it is
//! *evaluation* that communicates, so evaluate each result, or several in one [`eval`](crate::eval), where the other
//! processes do. Communication runs on the default stream of the thread that made the group, whatever
//! [`with_stream`](crate::with_stream) says. A process that ends early makes the operations of the others fail.
//!
//! # Starting the processes
//!
//! Environment variables tell a process which one it is. Python's `mlx.launch` sets them, also for programs that are
//! not Python's, and so can anything that starts processes:
//!
//! | backend | variables of each process |
//! |---|---|
//! | [`Ring`](Backend::Ring) | `MLX_RANK`; `MLX_HOSTFILE`, the path of a JSON file with the addresses of all, in order of rank: `[["10.0.0.1:32323"], ["10.0.0.2:32323"]]` |
//! | [`Mpi`](Backend::Mpi) | those of Open MPI's `mpirun`; `MLX_MPI_LIBNAME` names another library file |
//! | [`Nccl`](Backend::Nccl) | `MLX_RANK`, `MLX_WORLD_SIZE`, and `NCCL_HOST_IP` and `NCCL_PORT` of rank 0 |
//! | [`Jaccl`](Backend::Jaccl) | `MLX_RANK`, `MLX_IBV_DEVICES`, `MLX_JACCL_COORDINATOR` |
//!
//! On one machine [`LocalRing`] does it; [`write_hostfile`] writes the file for several.

mod backend;
mod environment;
mod group;
mod ring;

pub use backend::Backend;
pub use group::Group;
pub use ring::{LocalRing, write_hostfile};
