//! A long load on a running `mlx-lm serve`: whether its processes' memory stays flat.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::load::{Shape, ask, send, split};

/// Loads a running `mlx-lm serve` for long, and watches its memory.
///
/// Start it first with a small cache of prompts, which is full soon: `mlx-lm serve --prefix-cache 64`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The server and its model: HOST:PORT=MODEL.
    server: String,
    /// How long.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Clients at once.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    #[command(flatten)]
    shape: Shape,
}

/// Samples of a run. The first fifth is warming up: caches fill.
const SAMPLES: u32 = 30;
const WARM: usize = SAMPLES as usize / 5;

/// How often memory is looked at: it rises and falls with the lengths of the sequences that run, and a sample is the most that
/// was held since the one before.
const EVERY: Duration = Duration::from_millis(500);

/// What one process held at most, in bytes, up to each sample.
struct Process {
    name: &'static str,
    pid: u64,
    resident: Vec<u64>,
}

/// Fails if memory grows, or a request fails.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let (address, model) = split(&arguments.server)?;
    ask(address, model, arguments.shape)?;
    let mut processes = processes(address)?;
    let (over, answers, tokens) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let began = Instant::now();
    println!("| minute | answers | tokens/s | front, MiB | runner, MiB |\n|---|---|---|---|---|");
    let failures: Vec<String> = thread::scope(|scope| {
        let client = || -> std::result::Result<(), String> {
            while !over.load(Ordering::Relaxed) {
                let timed = ask(address, model, arguments.shape).map_err(|error| error.to_string())?;
                answers.fetch_add(1, Ordering::Relaxed);
                tokens.fetch_add(timed.tokens, Ordering::Relaxed);
            }
            Ok(())
        };
        let running: Vec<_> = (0..arguments.clients).map(|_| scope.spawn(client)).collect();
        let sampled: Result = (1..=SAMPLES).try_for_each(|sample| {
            let due =
                Duration::from_secs_f64(arguments.minutes * 60.0 * f64::from(sample) / f64::from(SAMPLES));
            processes.iter_mut().for_each(|process| process.resident.push(0));
            while began.elapsed() < due {
                thread::sleep(EVERY.min(due.saturating_sub(began.elapsed())));
                processes.iter_mut().try_for_each(Process::look)?;
            }
            let mib = |process: &Process| process.resident.last().map_or(0, |bytes| bytes >> 20);
            let seconds = began.elapsed().as_secs_f64();
            println!(
                "| {:.1} | {} | {:.1} | {} | {} |",
                seconds / 60.0,
                answers.load(Ordering::Relaxed),
                tokens.load(Ordering::Relaxed) as f64 / seconds,
                mib(&processes[0]),
                mib(&processes[1]),
            );
            Ok(())
        });
        over.store(true, Ordering::Relaxed);
        let ended = running
            .into_iter()
            .map(|client| client.join().unwrap_or_else(|_| Err("a client panicked".into())));
        ended
            .filter_map(std::result::Result::err)
            .chain(sampled.err().map(|error| error.to_string()))
            .collect()
    });
    let growths: Vec<f64> = processes.iter().map(growth).collect();
    for (process, growth) in processes.iter().zip(&growths) {
        println!("{}: {growth:+.1} % from the warm level to the highest sample behind it", process.name);
    }
    match failures.first() {
        Some(failure) => Err(format!("{} failures, the first: {failure}", failures.len()).into()),
        None if growths.iter().any(|growth| *growth > 5.0) => Err("memory grows by more than 5 %".into()),
        None => Ok(()),
    }
}

/// Percent by which the highest sample of the rest lies above the end of the warm-up.
fn growth(process: &Process) -> f64 {
    let warm = process.resident.get(WARM - 1).copied().unwrap_or(0).max(1) as f64;
    let highest = process.resident.iter().skip(WARM).max().copied().unwrap_or(0) as f64;
    (highest / warm - 1.0) * 100.0
}

/// The runner, as the server tells, and the front, which is its parent.
fn processes(address: &str) -> Result<Vec<Process>> {
    let body = send(address, "GET", "/api/ps", "")?.map_while(|line| line.ok()).last().unwrap_or_default();
    let loaded: serde_json::Value = serde_json::from_str(&body)?;
    let runner =
        loaded["models"][0]["pid"].as_u64().ok_or("the server tells of no runner; is it mlx-lm serve?")?;
    let front = ps("ppid=", runner)?;
    let process = |name: &'static str, pid| Process { name, pid, resident: vec![] };
    Ok(vec![process("front", front), process("runner", runner)])
}

impl Process {
    /// Takes note of what it holds now.
    fn look(&mut self) -> Result {
        // In KiB, on Linux and on macOS.
        let now = ps("rss=", self.pid)? << 10;
        if let Some(most) = self.resident.last_mut() {
            *most = now.max(*most);
        }
        Ok(())
    }
}

fn ps(what: &str, pid: u64) -> Result<u64> {
    let output = Command::new("ps").args(["-o", what, "-p", &pid.to_string()]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| format!("process {pid} is gone").into())
}
