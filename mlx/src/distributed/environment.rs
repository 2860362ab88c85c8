//! What the environment says about this process's place among others.
//!
//! MLX trusts its variables: a negative rank or an empty list of hosts ends the process, and a ring of one waits for
//! itself. So they are read here first.

use super::Backend;
use crate::{Error, ErrorKind, Result};
use std::{env, ffi::OsString, fs, path::Path};

/// Whether this process was started as one of several that use `backend`.
pub(super) fn names(backend: Backend) -> bool {
    let all = |names: &[&str]| names.iter().all(|name| env::var_os(name).is_some());
    let any = |names: &[&str]| names.iter().any(|name| env::var_os(name).is_some());
    match backend {
        Backend::Any => Backend::ALL.into_iter().any(names),
        Backend::Ring => all(&["MLX_RANK", "MLX_HOSTFILE"]),
        Backend::Mpi => any(&["OMPI_COMM_WORLD_SIZE", "PMIX_RANK"]),
        Backend::Nccl => all(&["MLX_RANK", "MLX_WORLD_SIZE", "NCCL_HOST_IP", "NCCL_PORT"]),
        Backend::Jaccl => any(&["MLX_IBV_DEVICES", "JACCL_IBV_DEVICES"]),
    }
}

/// The number of processes if the variables tell and make sense.
#[track_caller]
pub(super) fn check(backend: Backend) -> Result<Option<usize>> {
    match size(backend) {
        Ok(size) => Ok(size),
        Err(text) => Err(Error::new(ErrorKind::Backend, "init", text)),
    }
}

/// What is wrong as text: a closure would not know its caller.
type Checked<T> = std::result::Result<T, String>;

fn size(backend: Backend) -> Checked<Option<usize>> {
    match backend {
        Backend::Any | Backend::Mpi => Ok(None),
        Backend::Ring => {
            let path = variable("MLX_HOSTFILE")?;
            let size = hosts(Path::new(&path))?;
            rank_below(size)?;
            Ok(Some(size))
        }
        Backend::Nccl => {
            variable("NCCL_HOST_IP")?;
            let size = number("MLX_WORLD_SIZE")?;
            rank_below(size)?;
            let port = number("NCCL_PORT")?;
            if u16::try_from(port).is_err() {
                return Err(format!("NCCL_PORT is {port}, which is no port"));
            }
            Ok(Some(size))
        }
        Backend::Jaccl => match env::var_os("MLX_RANK") {
            Some(_) => number("MLX_RANK").map(|_| None),
            None => Ok(None),
        },
    }
}

fn rank_below(size: usize) -> Checked<()> {
    let rank = number("MLX_RANK")?;
    if rank < size {
        return Ok(());
    }
    Err(format!("MLX_RANK is {rank}, but there are {size} processes, numbered from 0"))
}

fn number(name: &str) -> Checked<usize> {
    let text = variable(name)?;
    let value = text.to_str().and_then(|text| text.parse::<i32>().ok());
    let value = value.and_then(|value| usize::try_from(value).ok());
    value.ok_or_else(|| format!("{name} is `{}`, which is no count", text.display()))
}

fn variable(name: &str) -> Checked<OsString> {
    env::var_os(name).ok_or_else(|| format!("the environment variable {name} is not set"))
}

/// The number of processes in a host file.
fn hosts(path: &Path) -> Checked<usize> {
    let wrong = |text: String| format!("MLX_HOSTFILE {}: {text}", path.display());
    let bytes = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let hosts: Vec<Vec<String>> = serde_json::from_slice(&bytes)
        .map_err(|error| wrong(format!("{error}; expected a list of addresses for each process")))?;
    let links = hosts.first().map_or(0, Vec::len);
    if links == 0 || hosts.iter().any(|addresses| addresses.len() != links) {
        return Err(wrong("each process needs an address, and all equally many".to_owned()));
    }
    match hosts.iter().flatten().find(|address| !address.contains(':')) {
        Some(address) => Err(wrong(format!("`{address}` is not of the form host:port"))),
        None => Ok(hosts.len()),
    }
}
