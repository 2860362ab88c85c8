//! The processes that communicate, and how.

use super::{Backend, environment};
use crate::{
    Array, Dtype, Error, Result,
    array::element_count,
    ffi::distributed::{self as ffi, GroupHandle},
};
use std::{
    fmt,
    rc::Rc,
    sync::{Mutex, PoisonError},
    thread::{self, ThreadId},
};

/// The processes that communicate.
///
/// It belongs to the thread that made the first one of its process, as all messages go through the same sockets; an
/// [`Engine`](crate::Engine) is such a thread. In a group of one process each operation gives its argument back, and
/// [`send`](Group::send) and [`recv`](Group::recv) fail.
#[derive(Clone)]
pub struct Group {
    rank: i32,
    size: i32,
    /// None in a process that is alone.
    link: Option<(Backend, Rc<GroupHandle>)>,
}

/// The thread that communicates. Also keeps threads from initializing at once: MLX's table of groups has no lock.
static COMMUNICATING: Mutex<Option<ThreadId>> = Mutex::new(None);

impl Group {
    /// Connects with the other processes, as the environment says (see [the module](super)), and waits for them. What
    /// was connected once is given again.
    ///
    /// With [`Backend::Any`] a process that was not started as one of several gets a group of its own.
    ///
    /// # Errors
    /// A backend that this build does not have, or that was named and that the process was not started for; variables
    /// that make no sense; a process that cannot be reached; a thread that is not the one that communicates.
    #[doc(alias = "mx.distributed.init")]
    #[track_caller]
    pub fn init(backend: Backend) -> Result<Group> {
        let backend = match backend {
            Backend::Any => {
                let usable = |b: &Backend| environment::names(*b) && b.is_available().unwrap_or(false);
                match Backend::ALL.into_iter().find(usable) {
                    Some(backend) => backend,
                    None => return Ok(Group::alone()),
                }
            }
            named => named,
        };
        if !backend.is_available()? {
            return Err(Error::invalid("init", format!("this build of MLX has no {backend} backend")));
        }
        // A ring of one would wait for itself.
        match environment::check(backend)? {
            Some(1) => Ok(Group::alone()),
            _ => Group::connect(backend),
        }
    }

    fn alone() -> Group {
        Group { rank: 0, size: 1, link: None }
    }

    #[track_caller]
    fn connect(backend: Backend) -> Result<Group> {
        let mut communicating = COMMUNICATING.lock().unwrap_or_else(PoisonError::into_inner);
        let this = thread::current().id();
        if communicating.is_some_and(|thread| thread != this) {
            let text =
                "another thread of this process communicates; give it the work, e.g. through an `Engine`";
            return Err(Error::invalid("init", text));
        }
        // MPI is closed with its group when the process ends.
        let handle = GroupHandle::init(backend.name(), backend != Backend::Mpi)?;
        *communicating = Some(this);
        Group::of(backend, handle)
    }

    #[track_caller]
    fn of(backend: Backend, handle: GroupHandle) -> Result<Group> {
        let (rank, size) = (handle.rank()?, handle.size()?);
        Ok(Group { rank, size, link: Some((backend, Rc::new(handle))) })
    }

    /// The number of this process, from 0.
    pub fn rank(&self) -> i32 {
        self.rank
    }

    /// The number of processes.
    pub fn size(&self) -> i32 {
        self.size
    }

    /// What the group communicates with; `None` in a process that is alone.
    pub fn backend(&self) -> Option<Backend> {
        self.link.as_ref().map(|(backend, _)| *backend)
    }

    /// The groups of those processes that give the same color, each ranked by their keys; equal keys, and negative
    /// ones, stand for the rank in this group. All processes must call it.
    ///
    /// # Errors
    /// The ring and JACCL cannot split.
    #[track_caller]
    pub fn split(&self, color: i32, key: i32) -> Result<Group> {
        match &self.link {
            None => Ok(Group::alone()),
            Some((backend, handle)) => {
                backend.require("split")?;
                Group::of(*backend, handle.split(color, key)?)
            }
        }
    }

    /// The sum over all processes, element by element: of the shape and dtype of `x`. Its gradient is that of the
    /// identity.
    #[track_caller]
    pub fn all_sum(&self, x: &Array) -> Result<Array> {
        self.collective("all_sum", x, ffi::all_sum)
    }

    /// The largest over all processes, element by element.
    #[track_caller]
    pub fn all_max(&self, x: &Array) -> Result<Array> {
        self.collective("all_max", x, ffi::all_max)
    }

    /// The smallest over all processes, element by element.
    #[track_caller]
    pub fn all_min(&self, x: &Array) -> Result<Array> {
        self.collective("all_min", x, ffi::all_min)
    }

    /// The arrays of all processes, joined along axis 0 in order of rank; scalars are joined to a vector.
    #[track_caller]
    pub fn all_gather(&self, x: &Array) -> Result<Array> {
        if let Some(&first) = x.shape()?.first()
            && first.checked_mul(self.size).is_none()
        {
            let text = format!("{} arrays of shape {:?} are too long for one", self.size, x.shape()?);
            return Err(Error::invalid("all_gather", text));
        }
        self.collective("all_gather", x, ffi::all_gather)
    }

    /// The sum over all processes, of which each gets its share: the one of its rank, along axis 0.
    ///
    /// # Errors
    /// An axis 0 that the number of processes does not divide; a backend other than NCCL and JACCL.
    #[track_caller]
    pub fn sum_scatter(&self, x: &Array) -> Result<Array> {
        if self.link.is_some() && x.shape()?.first().is_none_or(|first| first % self.size != 0) {
            let text =
                format!("axis 0 of shape {:?} cannot be shared by {} processes", x.shape()?, self.size);
            return Err(Error::invalid("sum_scatter", text));
        }
        self.collective("sum_scatter", x, ffi::sum_scatter)
    }

    /// Sends `x` to the process `destination`, which must [`recv`](Group::recv) it. The result is `x` again;
    /// *evaluating it* sends.
    ///
    /// # Errors
    /// A rank that is this process or none; in a ring, one that is not next to this; NCCL, which cannot send.
    #[must_use = "the array is sent when the result is evaluated"]
    #[track_caller]
    pub fn send(&self, x: &Array, destination: i32) -> Result<Array> {
        ffi::send(x, destination, self.peer("send", destination)?)
    }

    /// The array of this shape and dtype that the process `source` sends.
    ///
    /// # Errors
    /// As [`send`](Group::send).
    #[track_caller]
    pub fn recv(&self, shape: impl AsRef<[i32]>, dtype: Dtype, source: i32) -> Result<Array> {
        let shape = shape.as_ref();
        if element_count(shape).is_none() {
            return Err(Error::invalid("recv", format!("there is no array of shape {shape:?}")));
        }
        ffi::recv(shape, dtype, source, self.peer("recv", source)?)
    }

    /// The array that the process `source` sends, of the shape and dtype of `x`.
    ///
    /// # Errors
    /// As [`send`](Group::send).
    #[track_caller]
    pub fn recv_like(&self, x: &Array, source: i32) -> Result<Array> {
        ffi::recv_like(x, source, self.peer("recv_like", source)?)
    }

    #[track_caller]
    fn collective(
        &self,
        op: &'static str,
        x: &Array,
        f: impl FnOnce(&Array, &GroupHandle) -> Result<Array>,
    ) -> Result<Array> {
        match &self.link {
            None => x.handle().map(|_| x.clone()),
            Some((backend, handle)) => {
                backend.require(op)?;
                f(x, handle)
            }
        }
    }

    /// The group to reach the process `rank` through, if it can be reached.
    #[track_caller]
    fn peer(&self, op: &'static str, rank: i32) -> Result<&GroupHandle> {
        let Some((backend, handle)) = &self.link else {
            return Err(Error::invalid(op, "this process is alone"));
        };
        backend.require(op)?;
        if !(0..self.size).contains(&rank) || rank == self.rank {
            let text =
                format!("this is process {} of {}: there is no other process {rank}", self.rank, self.size);
            return Err(Error::invalid(op, text));
        }
        let distance = (rank - self.rank).rem_euclid(self.size);
        if *backend == Backend::Ring && distance != 1 && distance != self.size - 1 {
            let text =
                format!("in a ring of {} process {} is not next to process {rank}", self.size, self.rank);
            return Err(Error::invalid(op, text));
        }
        Ok(handle)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backend = self.backend();
        f.debug_struct("Group")
            .field("rank", &self.rank)
            .field("size", &self.size)
            .field("backend", &backend)
            .finish()
    }
}
