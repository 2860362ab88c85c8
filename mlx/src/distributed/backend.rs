//! The ways processes exchange data, and what each can do.

use crate::{Error, ErrorKind, Result, ffi::distributed as ffi};
use std::fmt;

/// How processes exchange data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// The first of NCCL, ring, MPI and JACCL that this process was started for.
    Any,
    /// TCP sockets, each process connected with the next; in every build.
    Ring,
    /// Open MPI, if it is installed.
    Mpi,
    /// NVIDIA's library for GPUs, in CUDA builds. It ends the process when it cannot connect.
    Nccl,
    /// RDMA over Thunderbolt, on macOS.
    Jaccl,
}

impl Backend {
    /// Those that exist, in the order in which [`Backend::Any`] tries them.
    pub(super) const ALL: [Backend; 4] = [Backend::Nccl, Backend::Ring, Backend::Mpi, Backend::Jaccl];

    /// MLX's name, e.g. `"ring"`.
    pub const fn name(self) -> &'static str {
        match self {
            Backend::Any => "any",
            Backend::Ring => "ring",
            Backend::Mpi => "mpi",
            Backend::Nccl => "nccl",
            Backend::Jaccl => "jaccl",
        }
    }

    /// Whether this build of MLX and this machine have the backend; of [`Backend::Any`], whether they have one.
    #[track_caller]
    pub fn is_available(self) -> Result<bool> {
        ffi::is_available(self.name())
    }

    /// What MLX has not written for the backend.
    const fn missing(self) -> &'static [&'static str] {
        match self {
            Backend::Ring => &["sum_scatter", "split"],
            Backend::Mpi => &["sum_scatter"],
            Backend::Nccl => &["send", "recv", "recv_like"],
            Backend::Jaccl => &["split"],
            Backend::Any => &[],
        }
    }

    /// Fails if the backend lacks `op`.
    #[track_caller]
    pub(super) fn require(self, op: &'static str) -> Result<()> {
        if !self.missing().contains(&op) {
            return Ok(());
        }
        let having = Backend::ALL.iter().filter(|other| !other.missing().contains(&op));
        let having: Vec<&str> = having.map(|other| other.name()).collect();
        let text = format!("the {self} backend has no {op}; {} have it", having.join(" and "));
        Err(Error::new(ErrorKind::Backend, op, text))
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
