//! `mlx-lm bench`.

use super::{
    constraint::ConstraintArguments,
    output::{print, print_json, print_table, size},
};
use clap::Args;
use mlx::Engine;
use mlx_lm::{
    Error, Lm, Machine, Result,
    measure::{EngineTime, Measurement, Speed, SpeedTest, engine_time, measure, read_bandwidth},
    source::{DEFAULT_MODEL, SourceOptions, resolve},
};
use serde_json::{Value, json};
use std::io::IsTerminal;

/// The arguments of `bench`.
#[derive(Args)]
#[command(after_help = "Example: mlx-lm bench --model llama3.2:3b -p 512 -g 128 -d 0,4096 --markdown")]
pub(crate) struct Arguments {
    /// A folder, a .gguf file, a short name or a repository of the hub
    #[arg(long, short, default_value = DEFAULT_MODEL)]
    model: String,
    /// Lengths of prompts to read; 0 leaves it out
    #[arg(long, short, value_delimiter = ',', default_value = "512")]
    prompt: Vec<usize>,
    /// Numbers of tokens to write; 0 leaves it out
    #[arg(long, short, value_delimiter = ',', default_value = "128")]
    generate: Vec<usize>,
    /// Tokens in the cache before
    #[arg(long, short, value_delimiter = ',', default_value = "0")]
    depth: Vec<usize>,
    /// Sequences to write at once; the tokens of all count
    #[arg(long, short, value_delimiter = ',', default_value = "1")]
    batch: Vec<usize>,
    /// How often each test is run, after once to warm up
    #[arg(long, short, default_value_t = 5)]
    repetitions: usize,
    /// Prompt tokens per evaluation
    #[arg(long, default_value_t = 2048)]
    prefill_step: usize,
    /// Also print the time in which the processor prepares each step, and for one sequence what the engine takes of it
    #[arg(long)]
    profile: bool,
    #[command(flatten)]
    constraint: ConstraintArguments,
    /// Print a JSON document
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print a table in Markdown
    #[arg(long)]
    markdown: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let location = resolve(&arguments.model, &SourceOptions::from_env()?)?;
    let engine = Engine::start("mlx-lm", move || Lm::open(&location))?;
    engine.run(move |lm| bench(lm, &arguments))?
}

impl Arguments {
    fn tests(&self) -> Vec<SpeedTest> {
        let mut tests = vec![];
        for &depth in &self.depth {
            let of = |speed, batch| move |&tokens: &usize| SpeedTest { speed, tokens, depth, batch };
            tests.extend(self.prompt.iter().map(of(Speed::Prompt, 1)));
            for &batch in &self.batch {
                tests.extend(self.generate.iter().map(of(Speed::Generation, batch)));
            }
        }
        tests.retain(|test| test.tokens > 0);
        tests
    }
}

fn bench(lm: &Lm, arguments: &Arguments) -> Result<()> {
    let machine = Machine::detect()?;
    let bandwidth = read_bandwidth()?;
    let note = std::io::stderr().is_terminal();
    let grammar = arguments.constraint.grammar(lm)?;
    let (mut results, mut engine) = (vec![], vec![]);
    for test in arguments.tests() {
        if note {
            eprintln!("{} …", test.name());
        }
        results.push(measure(lm, test, arguments.repetitions, arguments.prefill_step)?);
        let profiled = arguments.profile || grammar.is_some();
        let profiled = profiled && test.speed == Speed::Generation && test.batch == 1;
        let time = profiled.then(|| engine_time(lm, test, arguments.repetitions, grammar.as_ref()));
        engine.push(time.transpose()?);
    }
    if results.is_empty() {
        return Err(Error::Invalid("there is nothing to measure".into()));
    }
    let report = Report { machine, bandwidth, lm, engine, arguments };
    if arguments.json { print_json(&report.document(&results)?) } else { report.table(&results) }
}

struct Report<'a> {
    machine: Machine,
    bandwidth: f64,
    lm: &'a Lm,
    /// One for each result.
    engine: Vec<Option<EngineTime>>,
    arguments: &'a Arguments,
}

const TITLES: [&str; 8] =
    ["model", " size", "device", "test", " tokens/s", " peak memory", " GB/s", " share"];

impl Report<'_> {
    fn share(&self, result: &Measurement) -> Option<f64> {
        Some(result.bandwidth()? / self.bandwidth)
    }

    fn table(&self, results: &[Measurement]) -> Result<()> {
        let bytes = size(self.lm.weight_bytes()? as u64);
        let row = |result: &Measurement| {
            [
                self.arguments.model.clone(),
                bytes.clone(),
                self.machine.device.clone(),
                result.test.name(),
                format!("{:.2} ± {:.2}", result.mean(), result.deviation()),
                size(result.peak_memory as u64),
                result.bandwidth().map_or_else(String::new, |bandwidth| format!("{:.1}", bandwidth / 1e9)),
                self.share(result).map_or_else(String::new, share_text),
            ]
        };
        let rows: Vec<_> = results.iter().map(row).collect();
        if self.arguments.markdown {
            print(&markdown(&rows))?;
        } else {
            print_table(TITLES, &rows)?;
        }
        print(&format!("\nmemory is read at {:.1} GB/s here\n", self.bandwidth / 1e9))?;
        for (result, engine) in results.iter().zip(&self.engine) {
            let name = result.test.name();
            if let Some(time) = result.host_time.filter(|_| self.arguments.profile) {
                let step = 1e6 * result.test.batch as f64 / result.mean();
                let host = time.as_secs_f64() * 1e6;
                print(&format!("{name}: the processor prepares a step in {host:.0} µs of {step:.0} µs\n"))?;
            }
            if let Some(engine) = engine {
                print(&format!("{name}: {}\n", engine_text(engine)))?;
            }
            if self.share(result).is_some_and(|share| share > 1.0) {
                eprintln!(
                    "warning: {name} is not valid as a share: weights that memory cannot have delivered came from a \
                     cache, or something is measured wrongly"
                );
            }
        }
        Ok(())
    }

    fn document(&self, results: &[Measurement]) -> Result<Value> {
        let entry = |(result, engine): (&Measurement, &Option<EngineTime>)| {
            let share = self.share(result);
            json!({
                "test": result.test.name(),
                "tokens": result.test.tokens,
                "depth": result.test.depth,
                "batch": result.test.batch,
                "tokens_per_second": result.mean(),
                "standard_deviation": result.deviation(),
                "rates": result.rates,
                "peak_memory_bytes": result.peak_memory,
                "bytes_per_step": result.bytes_per_step,
                "bytes_per_second": result.bandwidth(),
                "share_of_bandwidth": share.filter(|share| *share <= 1.0),
                "valid": share.is_none_or(|share| share <= 1.0),
                "host_seconds_per_step": result.host_time.map(|time| time.as_secs_f64()),
                "engine_share": engine.as_ref().map(EngineTime::share),
                "grammar_overhead": engine.as_ref().and_then(|engine| engine.grammar_overhead),
            })
        };
        Ok(json!({
            "model": self.arguments.model,
            "weight_bytes": self.lm.weight_bytes()?,
            "machine": self.machine,
            "bytes_per_second_read": self.bandwidth,
            "results": results.iter().zip(&self.engine).map(entry).collect::<Vec<_>>(),
        }))
    }
}

fn engine_text(engine: &EngineTime) -> String {
    let (free, constrained) = engine.own();
    let text = format!("the engine takes {:.0} µs of a step, {:.1} %", free * 1e6, engine.share() * 100.0);
    match (constrained, engine.grammar_overhead) {
        (Some(own), Some(overhead)) => {
            let (own, overhead) = (own * 1e6, overhead * 100.0);
            text + &format!("; following the grammar {own:.0} µs, and the step is {overhead:.1} % longer")
        }
        _ => text,
    }
}

/// More than all there is cannot be.
fn share_text(share: f64) -> String {
    if share > 1.0 { "not valid".into() } else { format!("{:.0} %", share * 100.0) }
}

fn markdown(rows: &[[String; 8]]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let titles = TITLES.map(|title| title.trim_start().to_owned());
    let rules = TITLES.map(|title| if title.starts_with(' ') { "---:" } else { "---" }.to_owned());
    let head = line(&titles) + &line(&rules);
    rows.iter().fold(head, |text, row| text + &line(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_above_everything_is_not_valid() {
        assert_eq!([0.5, 1.0, 1.43].map(share_text), ["50 %", "100 %", "not valid"]);
    }

    #[test]
    fn markdown_has_a_rule_below_the_titles() {
        let row: [String; 8] = std::array::from_fn(|i| i.to_string());
        let text = markdown(&[row]);
        assert!(text.starts_with("| model | size |"), "{text}");
        assert!(text.ends_with("| 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |\n"), "{text}");
    }
}
