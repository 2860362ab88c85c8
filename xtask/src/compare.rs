//! `cargo xtask bench-decode`: this stack beside Python mlx-lm, the same model folder on the same machine.
//!
//! The two take turns, each run in a process of its own, so that a machine that slows down slows both.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use serde_json::Value;

use crate::python_env::{self, interpreter, script, vacant};
use crate::{Result, root};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Model to convert and run
    #[arg(long, default_value = "smollm2:135m")]
    model: String,
    /// What scales, biases, norms and activations are stored and computed in
    #[arg(long, default_value = "float32")]
    dtype: String,
    /// The user's message
    #[arg(long, default_value = "Write a long story about a lighthouse keeper and the sea.")]
    prompt: String,
    /// Tokens to generate
    #[arg(long, default_value_t = 128)]
    max_tokens: usize,
    /// Runs of each program
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

/// What one run reports of itself, and what it took.
struct Run {
    report: Value,
    peak_rss: Option<u64>,
}

/// A figure of both programs: its label, its unit, and where it is in a [`Run`].
type Figure = (&'static str, &'static str, fn(&Run) -> Option<f64>);

const FIGURES: [Figure; 3] = [
    ("prompt", "tokens/s", |run| run.report["prompt_tokens_per_second"].as_f64()),
    ("decode", "tokens/s", |run| run.report["generation_tokens_per_second"].as_f64()),
    ("peak RSS", "MiB", |run| run.peak_rss.map(|bytes| bytes as f64 / f64::from(1 << 20))),
];

/// Runs both programs `arguments.runs` times and prints medians, ratios and what they were measured on.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let python = interpreter()?;
    let program = build_program()?;
    let folder = converted(&program, &arguments.model, &arguments.dtype)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 1..=arguments.runs {
        eprintln!("run {turn} of {}", arguments.runs);
        ours.push(measure(&mut our_command(&program, &folder, arguments))?);
        theirs.push(measure(&mut their_command(&python, &folder, arguments))?);
    }
    same_work(&ours[0], &theirs[0])?;
    print_report(arguments, &program, &ours, &theirs)
}

/// Builds `mlx-lm` for release; cargo says where it put the program.
fn build_program() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command.args(["build", "--release", "--package", "mlx-lm", "--bin", "mlx-lm"]);
    let output = command.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("cannot build mlx-lm".into());
    }
    let messages = String::from_utf8(output.stdout)?;
    let mut messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executable = messages.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    executable.ok_or_else(|| "cargo built mlx-lm but named no program".into())
}

/// The model as a folder that both programs read.
fn converted(program: &Path, model: &str, dtype: &str) -> Result<PathBuf> {
    let folder = vacant("bench-decode", "model")?;
    let mut command = Command::new(program);
    command.args(["convert", "--model", model, "--dtype", dtype, "--output"]).arg(&folder);
    python_env::run(&mut command)?;
    Ok(folder)
}

fn our_command(program: &Path, folder: &Path, arguments: &Arguments) -> Command {
    let mut command = Command::new(program);
    command.arg("generate").arg("--model").arg(folder).args(["--prompt", &arguments.prompt]);
    command.args(["--max-tokens", &arguments.max_tokens.to_string(), "--temperature", "0", "--json"]);
    command
}

fn their_command(python: &Path, folder: &Path, arguments: &Arguments) -> Command {
    let mut command = script(python, "decode_speed.py");
    command.arg("--model").arg(folder).args(["--prompt", &arguments.prompt]);
    command.args(["--max-tokens", &arguments.max_tokens.to_string(), "--dtype", &arguments.dtype]);
    command
}

/// Runs a program that prints one JSON object, watching its memory.
fn measure(command: &mut Command) -> Result<Run> {
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let mut stdout = child.stdout.take().ok_or("no pipe from the program")?;
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let mut peak_rss = None;
    let status = loop {
        peak_rss = peak_rss_of(&child).or(peak_rss);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(10));
    };
    let text = reader.join().map_err(|_| "the reader of the program's output panicked")??;
    if !status.success() {
        return Err(format!("{command:?} failed: {status}").into());
    }
    let report = serde_json::from_str(&text)
        .map_err(|error| format!("{command:?} did not print one JSON object: {error}\n{text}"))?;
    Ok(Run { report, peak_rss })
}

/// The most memory the process has held so far, in bytes; only Linux tells of another process.
fn peak_rss_of(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

/// Speeds compare only when both read the same prompt and wrote as many tokens.
fn same_work(ours: &Run, theirs: &Run) -> Result {
    for count in ["prompt_tokens", "generated_tokens"] {
        let (our, their) = (&ours.report[count], &theirs.report[count]);
        if our.as_u64().is_none() || our != their {
            return Err(format!("{count}: mlx-lm reports {our}, Python mlx-lm {their}").into());
        }
    }
    Ok(())
}

fn print_report(arguments: &Arguments, program: &Path, ours: &[Run], theirs: &[Run]) -> Result {
    let version = Command::new(program).arg("--version").output()?;
    let report = &theirs[0].report;
    println!("model    {} ({}), {} runs each, medians", arguments.model, arguments.dtype, arguments.runs);
    println!("tokens   {} in, {} out", report["prompt_tokens"], report["generated_tokens"]);
    println!("machine  {}, {} cores", processor(), thread::available_parallelism()?);
    println!("here     {}", String::from_utf8_lossy(&version.stdout).trim());
    println!("Python   {} on {}", report["versions"], report["device"]);
    println!(
        "ids      {}",
        if ours[0].report["token_ids"] == report["token_ids"] { "the same" } else { "differs" }
    );
    println!("\n{:<20}{:>12}{:>12}{:>8}", "", "here", "Python", "ratio");
    for (label, unit, value) in FIGURES {
        let label = format!("{label} ({unit})");
        match (median(ours, value), median(theirs, value)) {
            (Some(our), Some(their)) => println!("{label:<20}{our:>12.1}{their:>12.1}{:>8.2}", our / their),
            _ => println!("{label:<20}{:>12}", "not reported"),
        }
    }
    Ok(())
}

/// The median over the runs, unless one of them lacks the figure.
fn median(runs: &[Run], value: fn(&Run) -> Option<f64>) -> Option<f64> {
    let mut values: Vec<f64> = runs.iter().map(value).collect::<Option<_>>()?;
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 { upper } else { (values[middle - 1] + upper) / 2.0 })
}

fn processor() -> String {
    let linux = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_string())
    });
    let macos = || {
        let output = Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"]).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    linux.or_else(macos).unwrap_or_else(|| std::env::consts::ARCH.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(speeds: &[Option<f64>]) -> Vec<Run> {
        speeds.iter().map(|s| Run { report: serde_json::json!({ "tps": s }), peak_rss: None }).collect()
    }

    #[test]
    fn median_is_the_middle_and_needs_every_run() {
        let tps: fn(&Run) -> Option<f64> = |run| run.report["tps"].as_f64();
        for (speeds, expected) in [
            (vec![Some(3.0), Some(1.0), Some(2.0)], Some(2.0)),
            (vec![Some(4.0), Some(1.0), Some(2.0), Some(100.0)], Some(3.0)),
            (vec![Some(5.0)], Some(5.0)),
            (vec![Some(5.0), None], None),
            (vec![], None),
        ] {
            assert_eq!(median(&runs(&speeds), tps), expected, "{speeds:?}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn measure_reads_the_report_and_the_memory() {
        let mut command = Command::new("sh");
        let run = measure(command.args(["-c", r#"sleep 0.1; printf '{"prompt_tokens": 7}'"#])).unwrap();
        assert_eq!(run.report["prompt_tokens"], 7);
        assert!(run.peak_rss.unwrap() > 4096);
        assert!(measure(Command::new("sh").args(["-c", "echo '{}'; exit 3"])).is_err());
        assert!(measure(Command::new("sh").args(["-c", "echo words"])).is_err());
    }
}
