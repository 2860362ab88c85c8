//! `cargo xtask bench-decode`: this stack beside Python mlx-lm and llama.cpp, the same weights on the same machine.
//!
//! The programs take turns, each run in a process of its own, so that a machine that slows down slows all.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use serde_json::Value;

use crate::python_env::{self, interpreter, llama_interpreter, script, vacant};
use crate::{Result, root};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Model to run: a short name, a folder or a .gguf file; llama.cpp takes part for the last, and smollm2:135m
    #[arg(long, default_value = "smollm2:135m")]
    model: String,
    /// What Python stores and computes scales, biases, norms and activations in; may be given more than once
    #[arg(long, default_values = ["float32"])]
    dtype: Vec<String>,
    /// Words of the prompt, about as many tokens
    #[arg(long, default_value_t = 380)]
    prompt_words: usize,
    /// Tokens to generate
    #[arg(long, default_value_t = 64)]
    max_tokens: usize,
    /// Runs of each program
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Leave out Python mlx-lm, which takes minutes for long prompts
    #[arg(long)]
    no_python: bool,
    /// Leave out llama.cpp
    #[arg(long)]
    no_llama: bool,
}

/// What one run reports of itself, and what it took.
struct Run {
    report: Value,
    peak_rss: Option<u64>,
}

/// One of the programs, and its runs.
struct Contestant {
    name: String,
    command: Box<dyn Fn() -> Command>,
    runs: Vec<Run>,
}

/// A figure of all programs: its label, its unit, and where it is in a [`Run`].
type Figure = (&'static str, &'static str, fn(&Run) -> Option<f64>);

const FIGURES: [Figure; 4] = [
    ("prompt", "tokens/s", |run| run.report["prompt_tokens_per_second"].as_f64()),
    ("decode", "tokens/s", |run| run.report["generation_tokens_per_second"].as_f64()),
    ("first token", "s", |run| run.report["time_to_first_token_seconds"].as_f64()),
    ("peak RSS", "MiB", |run| run.peak_rss.map(|bytes| bytes as f64 / f64::from(1 << 20))),
];

/// Runs all programs `arguments.runs` times and prints medians, ratios and what they were measured on.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let program = build_program("release")?;
    let mut contestants = contestants(&program, arguments)?;
    for turn in 1..=arguments.runs {
        for contestant in &mut contestants {
            eprintln!("run {turn} of {}: {}", arguments.runs, contestant.name);
            contestant.runs.push(measure(&mut (contestant.command)())?);
        }
    }
    same_work(&contestants)?;
    print_report(arguments, &program, &contestants)
}

fn contestants(program: &Path, arguments: &Arguments) -> Result<Vec<Contestant>> {
    let prompt = prompt(arguments.prompt_words);
    let tokens = arguments.max_tokens.to_string();
    let new = |name: &str, command: Box<dyn Fn() -> Command>| Contestant {
        name: name.into(),
        command,
        runs: vec![],
    };
    let with = |start: Box<dyn Fn() -> Command>, model: PathBuf| {
        let (prompt, tokens) = (prompt.clone(), tokens.clone());
        Box::new(move || {
            let mut command = start();
            command.arg("--model").arg(&model).args(["--prompt", &prompt, "--max-tokens", &tokens]);
            command
        })
    };
    let program_path = program.to_owned();
    let ours = Box::new(move || {
        let mut command = Command::new(&program_path);
        command.args(["generate", "--raw", "--json", "--temperature", "0"]);
        command
    });
    let mut list = vec![new("mlx-lm", with(ours, arguments.model.clone().into()))];
    if !arguments.no_python {
        let python = interpreter()?;
        let folder = converted(program, &arguments.model)?;
        for dtype in arguments.dtype.clone() {
            let (python, name) = (python.clone(), format!("Python {dtype}"));
            let start = Box::new(move || {
                let mut command = script(&python, "decode_speed.py");
                command.args(["--dtype", &dtype]);
                command
            });
            list.push(new(&name, with(start, folder.clone())));
        }
    }
    if let (false, Some(file)) = (arguments.no_llama, gguf(&arguments.model)?) {
        let python = llama_interpreter()?;
        list.push(new("llama.cpp", with(Box::new(move || script(&python, "llama_speed.py")), file)));
    }
    Ok(list)
}

/// Prose of so many words: text that no model finds strange, and that every tokenizer cuts alike.
fn prompt(words: usize) -> String {
    const TEXT: &str = "The lighthouse keeper wrote down the weather every evening before he climbed the stairs. Some days \
        the sea was calm and the ships went by without a sound, and on others the wind threw the water over the rocks and \
        he could not hear his own steps. He had been alone there for eleven years, and he knew each stone of the island.";
    TEXT.split_whitespace().cycle().take(words).collect::<Vec<_>>().join(" ")
}

/// The model as the file that llama.cpp reads.
fn gguf(model: &str) -> Result<Option<PathBuf>> {
    if model.ends_with(".gguf") {
        return Ok(Some(model.into()));
    }
    let folder = crate::tools::user_cache().path("models", "");
    let packages = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = packages.flat_map(|package| fs::read_dir(package.path()).into_iter().flatten().flatten());
    let file = files.map(|file| file.path()).find(|path| path.extension().is_some_and(|e| e == "gguf"));
    Ok(file.filter(|_| model == "smollm2:135m"))
}

/// Builds `mlx-lm`; cargo says where it put the program.
pub(crate) fn build_program(profile: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command.args(["build", "--profile", profile, "--package", "mlx-lm", "--bin", "mlx-lm"]);
    let output = command.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("cannot build mlx-lm".into());
    }
    let messages = String::from_utf8(output.stdout)?;
    let mut messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executable = messages.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    executable.ok_or_else(|| "cargo built mlx-lm but named no program".into())
}

/// The model as a folder that Python reads.
fn converted(program: &Path, model: &str) -> Result<PathBuf> {
    let folder = vacant("bench-decode", "model")?;
    let mut command = Command::new(program);
    command.args(["convert", "--model", model, "--output"]).arg(&folder);
    python_env::run(&mut command)?;
    Ok(folder)
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

/// Speeds compare only when all read the same prompt and wrote as many tokens.
fn same_work(contestants: &[Contestant]) -> Result {
    let Some((first, others)) = contestants.split_first() else { return Ok(()) };
    for (count, other) in
        ["prompt_tokens", "generated_tokens"].iter().flat_map(|c| others.iter().map(move |o| (c, o)))
    {
        let (our, their) = (&first.runs[0].report[count], &other.runs[0].report[count]);
        if our.as_u64().is_none() || our != their {
            return Err(format!("{count}: {} reports {our}, {} {their}", first.name, other.name).into());
        }
    }
    Ok(())
}

fn print_report(arguments: &Arguments, program: &Path, contestants: &[Contestant]) -> Result {
    let version = Command::new(program).arg("--version").output()?;
    let report = |contestant: &Contestant| contestant.runs[0].report.clone();
    let ours = report(&contestants[0]);
    println!("model    {}, {} runs each, medians", arguments.model, arguments.runs);
    println!("tokens   {} in, {} out", ours["prompt_tokens"], ours["generated_tokens"]);
    println!("machine  {}, {} cores", processor(), thread::available_parallelism()?);
    println!("mlx-lm   {}", String::from_utf8_lossy(&version.stdout).trim());
    for other in &contestants[1..] {
        let same =
            if report(other)["token_ids"] == ours["token_ids"] { "the same tokens" } else { "other tokens" };
        println!("{}: {}, {same}", other.name, report(other)["versions"]);
    }
    print!("\n{:<22}", "");
    contestants.iter().for_each(|contestant| print!("{:>18}", contestant.name));
    println!("  (mlx-lm's share)");
    for (label, unit, value) in FIGURES {
        print!("{:<22}", format!("{label} ({unit})"));
        let our = median(&contestants[0].runs, value);
        for contestant in contestants {
            match (median(&contestant.runs, value), our) {
                (Some(it), Some(our)) => print!("{:>18}", format!("{it:.2} ({:.2})", our / it)),
                _ => print!("{:>18}", "-"),
            }
        }
        println!();
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
        let run = measure(command.args(["-c", r#"sleep 1; printf '{"prompt_tokens": 7}'"#])).unwrap();
        assert_eq!(run.report["prompt_tokens"], 7);
        assert!(run.peak_rss.unwrap() > 4096);
        assert!(measure(Command::new("sh").args(["-c", "echo '{}'; exit 3"])).is_err());
        assert!(measure(Command::new("sh").args(["-c", "echo words"])).is_err());
    }
}
