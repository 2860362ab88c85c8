//! Load on a running server of OpenAI's API: time to the first token, time between tokens, throughput.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// Loads servers with requests and times their answers.
///
/// Start the servers first, with the same weights, such as `mlx-lm serve --port 8081` and
/// `mlx_lm.server --port 8082`, then give both.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A server and its model: HOST:PORT=MODEL. May be given more than once; the servers take turns, and the throughput
    /// of each is compared with that of the last.
    #[arg(required = true)]
    servers: Vec<String>,
    /// Clients at once, one row each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16, 32])]
    clients: Vec<usize>,
    /// Requests of each client.
    #[arg(long, default_value_t = 3)]
    requests: usize,
    #[command(flatten)]
    shape: Shape,
}

/// What requests are like.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Shape {
    /// Words of each prompt, about a token each; all prompts differ.
    #[arg(long, default_value_t = 100)]
    prompt_words: usize,
    /// Tokens of each answer.
    #[arg(long, default_value_t = 64)]
    max_tokens: usize,
}

/// What one client saw of one answer.
#[derive(Default)]
pub(crate) struct Timed {
    first: Duration,
    gaps: Vec<Duration>,
    pub(crate) tokens: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    println!(
        "| clients | server | tokens/s | of the last server's | first token, ms: median | 99 % | between tokens, ms: median \
         | 99 % | of one client's median | beside the model |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    // Of each server: the median between tokens with the fewest clients.
    let mut single = vec![None; arguments.servers.len()];
    for &clients in &arguments.clients {
        let mut rows = vec![];
        for server in &arguments.servers {
            let (address, model) = split(server)?;
            rows.push((address, load(address, model, clients, arguments)?));
        }
        let last = rows.last().map_or(f64::NAN, |(_, row)| row.throughput);
        for ((address, row), single) in rows.iter().zip(&mut single) {
            let median = *single.get_or_insert(row.gap[0]);
            println!(
                "| {clients} | {address} | {:.1} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} | {} |",
                row.throughput,
                row.throughput / last,
                row.first[0],
                row.first[1],
                row.gap[0],
                row.gap[1],
                row.gap[1] / median,
                row.overhead.map_or_else(String::new, |overhead| format!("{overhead:.3}")),
            );
        }
    }
    Ok(())
}

/// The address and the model of HOST:PORT=MODEL.
pub(crate) fn split(server: &str) -> Result<(&str, &str)> {
    Ok(server.split_once('=').ok_or("a server is HOST:PORT=MODEL")?)
}

/// What so many clients saw of one server; of times, the median and the 99th percentile in milliseconds.
struct Row {
    throughput: f64,
    first: [f64; 2],
    gap: [f64; 2],
    /// The mean between tokens without the model's part of it, if the server tells that.
    overhead: Option<f64>,
}

/// Numbers of prompts, so that no two are alike: a cached prompt would make a server look faster than it is.
static PROMPTS: AtomicUsize = AtomicUsize::new(0);

fn load(address: &str, model: &str, clients: usize, arguments: &Arguments) -> Result<Row> {
    let before = model_time(address);
    let began = Instant::now();
    let results: Vec<std::result::Result<Vec<Timed>, String>> = thread::scope(|scope| {
        let client = || {
            (0..arguments.requests)
                .map(|_| ask(address, model, arguments.shape).map_err(|error| error.to_string()))
                .collect()
        };
        let running: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        running
            .into_iter()
            .map(|client| client.join().unwrap_or_else(|_| Err("a client panicked".into())))
            .collect()
    });
    let seconds = began.elapsed().as_secs_f64();
    let mut answers = vec![];
    for result in results {
        answers.extend(result?);
    }
    let tokens: usize = answers.iter().map(|answer| answer.tokens).sum();
    let first = percentiles(answers.iter().map(|answer| answer.first).collect());
    let gaps: Vec<Duration> = answers.iter().flat_map(|answer| answer.gaps.clone()).collect();
    let mean = gaps.iter().sum::<Duration>().as_secs_f64() / gaps.len().max(1) as f64;
    let overhead = before.zip(model_time(address)).and_then(|(before, after)| {
        let model = (after[0] - before[0]) / (after[1] - before[1]);
        Some((mean - model) * 1000.0).filter(|overhead| overhead.is_finite())
    });
    Ok(Row { throughput: tokens as f64 / seconds, first, gap: percentiles(gaps), overhead })
}

/// Of all answers so far: the sum of the model's seconds per token after the first, and how many answers there were. Only
/// servers of this repository tell that.
fn model_time(address: &str) -> Option<[f64; 2]> {
    let lines: Vec<String> = send(address, "GET", "/metrics", "").ok()?.map_while(|line| line.ok()).collect();
    let value = |name: &str| {
        let line = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(Some(0.0), |number| number.trim().parse().ok())
    };
    Some([value("mlx_lm_token_model_seconds_sum")?, value("mlx_lm_token_model_seconds_count")?])
}

fn percentiles(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort();
    [50, 99].map(|percent| {
        let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    })
}

/// Streams one answer. Each event that has text is a token.
pub(crate) fn ask(address: &str, model: &str, shape: Shape) -> Result<Timed> {
    let number = PROMPTS.fetch_add(1, Ordering::Relaxed);
    let words = (0..shape.prompt_words).map(|i| format!("{} ", (number * 7919 + i * 104_729) % 1000));
    let prompt = format!("Story {number}. {}Once upon a time", words.collect::<String>());
    let body = format!(
        r#"{{"model": "{model}", "prompt": "{prompt}", "max_tokens": {}, "stream": true}}"#,
        shape.max_tokens
    );
    let began = Instant::now();
    let lines = send(address, "POST", "/v1/completions", &body)?;
    let mut timed = Timed::default();
    let mut last = began;
    for line in lines {
        let line = line?;
        let has_text =
            line.starts_with("data: {") && (line.contains(r#""text":""#) || line.contains(r#""text": ""#));
        let is_empty = line.contains(r#""text":"","#) || line.contains(r#""text": "","#);
        if has_text && !is_empty {
            let now = Instant::now();
            match timed.tokens {
                0 => timed.first = now - began,
                _ => timed.gaps.push(now - last),
            }
            timed.tokens += 1;
            last = now;
        }
    }
    if timed.tokens == 0 {
        return Err(format!("{address} sent no text").into());
    }
    Ok(timed)
}

/// Sends a request and gives the lines of a good answer, its headers first.
pub(crate) fn send(
    address: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Result<Lines<BufReader<TcpStream>>> {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(600)))?;
    stream.write_all(request.as_bytes())?;
    let mut lines = BufReader::new(stream).lines();
    let status = lines.next().transpose()?.unwrap_or_default();
    if !status.contains(" 200") {
        let last = lines.map_while(|line| line.ok()).last().unwrap_or_default();
        return Err(format!("{address} answers {status}: {last}").into());
    }
    Ok(lines)
}
