//! Rings of processes on this machine, and the file that tells them of each other.

use crate::{Error, ErrorKind, Result};
use std::{
    env,
    ffi::OsString,
    fs, io,
    net::{Ipv4Addr, SocketAddrV4, TcpListener},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Writes the file that [`Backend::Ring`](super::Backend::Ring) finds processes with: the addresses of each, in order
/// of rank. A process with several addresses, of several network interfaces, uses them all at once.
///
/// Each process needs a copy of the file at the path in its `MLX_HOSTFILE`, and its number in `MLX_RANK`.
///
/// # Errors
/// No process, one without an address, or differing numbers of addresses; a file that cannot be written.
#[track_caller]
pub fn write_hostfile<H: AsRef<[SocketAddrV4]>>(path: impl AsRef<Path>, processes: &[H]) -> Result<()> {
    let (path, links) = (path.as_ref(), processes.first().map_or(0, |addresses| addresses.as_ref().len()));
    if links == 0 || processes.iter().any(|addresses| addresses.as_ref().len() != links) {
        let text = "each process needs an address, and all equally many";
        return Err(Error::invalid("write_hostfile", text));
    }
    let hosts: Vec<Vec<String>> = processes
        .iter()
        .map(|addresses| addresses.as_ref().iter().map(ToString::to_string).collect())
        .collect();
    let failed =
        |text: String| Error::new(ErrorKind::Io, "write_hostfile", format!("{}: {text}", path.display()));
    let text = serde_json::to_vec(&hosts).map_err(|error| failed(error.to_string()))?;
    fs::write(path, text).map_err(|error| failed(error.to_string()))
}

/// Addresses for processes on this machine that are to form a ring, and the variables that tell each of them.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use mlx::distributed::LocalRing;
/// let ring = LocalRing::new(2)?;
/// let start = |rank| std::process::Command::new("./train").envs(ring.environment(rank)).spawn();
/// for mut process in [start(0)?, start(1)?] {
///     process.wait()?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// The file they read goes away with the value, which must live until the processes have their groups.
#[derive(Debug)]
pub struct LocalRing {
    hostfile: PathBuf,
}

impl LocalRing {
    /// Picks a free port for each of `size` processes.
    ///
    /// # Errors
    /// No process; no free port; a folder for temporary files that cannot be written to.
    #[track_caller]
    pub fn new(size: usize) -> Result<LocalRing> {
        let failed = |error: io::Error| {
            Error::new(ErrorKind::Io, "LocalRing::new", format!("no ring of {size} processes: {error}"))
        };
        // All are held until all are known, or one could be given out twice.
        let held: Vec<TcpListener> = (0..size)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .collect::<io::Result<_>>()
            .map_err(failed)?;
        let port = |socket: &TcpListener| Ok(socket.local_addr()?.port());
        let ports: Vec<u16> = held.iter().map(port).collect::<io::Result<_>>().map_err(failed)?;
        let addresses: Vec<_> =
            ports.iter().map(|&port| [SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)]).collect();
        let ring = LocalRing { hostfile: new_file().map_err(failed)? };
        write_hostfile(&ring.hostfile, &addresses)?;
        Ok(ring)
    }

    /// The environment variables of the process `rank`.
    pub fn environment(&self, rank: usize) -> [(&'static str, OsString); 2] {
        [("MLX_RANK", rank.to_string().into()), ("MLX_HOSTFILE", self.hostfile.clone().into())]
    }
}

/// An empty file of an unused name among temporary files.
fn new_file() -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        let name = format!("mlx-ring-{}-{}.json", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        match fs::File::create_new(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

impl Drop for LocalRing {
    fn drop(&mut self) {
        // What is left behind is a small file among temporary ones.
        let _ = fs::remove_file(&self.hostfile);
    }
}
