//! The program, running.

use super::http;
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// A server on a port of its own. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<String>>,
}

pub(crate) const MODEL: &str = mlx_lm::source::DEFAULT_MODEL;

impl Server {
    /// Starts it and waits until it listens.
    pub(crate) fn start(arguments: &[&str]) -> Server {
        Server::start_in(&[], arguments)
    }

    /// The same, with these variables in its environment.
    pub(crate) fn start_in(variables: &[(&str, &str)], arguments: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mlx-lm"))
            .args(["serve", "--port", "0"])
            .args(arguments)
            .env("MLX_LM_LOG", "debug,hyper=info")
            .env("NO_COLOR", "1")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = None;
        for line in lines.by_ref() {
            let line = line.unwrap();
            *log.lock().unwrap() += &format!("{line}\n");
            if let Some(found) = line.strip_prefix("listening on http://") {
                address = Some(found.parse().unwrap());
                break;
            }
        }
        let address = address.unwrap_or_else(|| panic!("it does not listen: {}", log.lock().unwrap()));
        let rest = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *rest.lock().unwrap() += &format!("{line}\n");
            }
        });
        Server { child, address, log }
    }

    /// With SmolLM2 loaded, fetched if need be.
    pub(crate) fn with_model(arguments: &[&str]) -> Server {
        Server::start(&[&["--model", MODEL], arguments].concat())
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process of the first loaded model.
    pub(crate) fn runner(&self) -> Option<u64> {
        http::get(self.address, "/api/ps").json()["models"][0]["pid"].as_u64()
    }

    /// Sends a signal such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        send(signal, u64::from(self.pid()));
    }

    /// Waits until it has ended and gives its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(300) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end: {}", self.log());
    }

    /// A number of `/metrics`, summed over its labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = http::get(self.address, "/metrics").body;
        let is_it = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
        text.lines().filter(is_it).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

pub(crate) fn send(signal: &str, pid: u64) {
    let status = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `check` holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let began = Instant::now();
    while !check() {
        assert!(began.elapsed() < Duration::from_secs(300), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
