//! A test program that starts itself several times, connected in a ring. The children run its test `child`.

use mlx::distributed::LocalRing;
use std::{
    env,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// Says in a child what it is to do.
pub(crate) const CASE: &str = "MLX_TEST_CASE";
pub(crate) const CONNECTED: &str = "connected";
pub(crate) const TIMEOUT: Duration = Duration::from_secs(300);

/// What one process printed, and whether it ended well.
pub(crate) struct Ended {
    pub(crate) well: bool,
    pub(crate) output: String,
}

/// Runs the case in `size` processes; what runs when the time is over is killed.
fn processes(case: &str, size: usize) -> Vec<Ended> {
    let ring = LocalRing::new(size).unwrap();
    let run =
        |rank| start(case, &ring.environment(rank).map(|(name, value)| (name, value.into_string().unwrap())));
    let children: Vec<Child> = (0..size).map(run).collect();
    let deadline = Instant::now() + TIMEOUT;
    children.into_iter().map(|child| end(child, deadline)).collect()
}

pub(crate) fn start(case: &str, environment: &[(&str, String)]) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["child", "--exact", "--nocapture", "--test-threads=1"]).env(CASE, case);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub(crate) fn end(mut child: Child, deadline: Instant) -> Ended {
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
        }
        sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Ended { well: output.status.success(), output: text.into_owned() }
}

/// Runs the case and expects all processes to end well. Another program may take a port between the choice of it and
/// its use, so a ring that did not form is tried again.
pub(crate) fn ring(case: &str, size: usize) {
    for attempt in 0..3 {
        let ended = processes(case, size);
        if ended.iter().all(|process| process.well && process.output.contains("1 passed")) {
            return;
        }
        let connected = ended.iter().any(|process| process.output.contains(CONNECTED));
        if connected || attempt == 2 {
            let outputs: Vec<&str> = ended.iter().map(|process| process.output.as_str()).collect();
            panic!("{case}: {}", outputs.join("\n----\n"));
        }
    }
}
