//! Load on a running server of OpenAI's API: time to the first token, time between tokens, throughput.

use std::io::{BufRead, BufReader, Write};
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
    /// A server and its model: HOST:PORT=MODEL. May be given more than once; the servers take turns.
    #[arg(required = true)]
    servers: Vec<String>,
    /// Clients at once, one row each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16, 32])]
    clients: Vec<usize>,
    /// Requests of each client.
    #[arg(long, default_value_t = 3)]
    requests: usize,
    /// Words of each prompt, about a token each; all prompts differ.
    #[arg(long, default_value_t = 100)]
    prompt_words: usize,
    /// Tokens of each answer.
    #[arg(long, default_value_t = 64)]
    max_tokens: usize,
}

/// What one client saw of one answer.
#[derive(Default)]
struct Timed {
    first: Duration,
    gaps: Vec<Duration>,
    tokens: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    println!(
        "| server | clients | tokens/s | first token, ms: median | 99 % | between tokens, ms: median | 99 % |\n\
         |---|---|---|---|---|---|---|"
    );
    for &clients in &arguments.clients {
        for server in &arguments.servers {
            let (address, model) = server.split_once('=').ok_or("a server is HOST:PORT=MODEL")?;
            let row = load(address, model, clients, arguments)?;
            println!("| {address} | {clients} | {row} |");
        }
    }
    Ok(())
}

/// Numbers of prompts, so that no two are alike: a cached prompt would make a server look faster than it is.
static PROMPTS: AtomicUsize = AtomicUsize::new(0);

fn load(address: &str, model: &str, clients: usize, arguments: &Arguments) -> Result<String> {
    let began = Instant::now();
    let results: Vec<std::result::Result<Vec<Timed>, String>> = thread::scope(|scope| {
        let client = || {
            (0..arguments.requests)
                .map(|_| ask(address, model, arguments).map_err(|error| error.to_string()))
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
    let mut first: Vec<Duration> = answers.iter().map(|answer| answer.first).collect();
    let mut gaps: Vec<Duration> = answers.iter().flat_map(|answer| answer.gaps.clone()).collect();
    Ok(format!(
        "{:.1} | {} | {} | {} | {}",
        tokens as f64 / seconds,
        percentile(&mut first, 50),
        percentile(&mut first, 99),
        percentile(&mut gaps, 50),
        percentile(&mut gaps, 99),
    ))
}

fn percentile(times: &mut [Duration], percent: usize) -> String {
    times.sort();
    let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(index).map_or("-".into(), |time| format!("{:.1}", time.as_secs_f64() * 1000.0))
}

/// Streams one answer. Each event that has text is a token.
fn ask(address: &str, model: &str, arguments: &Arguments) -> Result<Timed> {
    let number = PROMPTS.fetch_add(1, Ordering::Relaxed);
    let words = (0..arguments.prompt_words).map(|i| format!("{} ", (number * 7919 + i * 104_729) % 1000));
    let prompt = format!("Story {number}. {}Once upon a time", words.collect::<String>());
    let body = format!(
        r#"{{"model": "{model}", "prompt": "{prompt}", "max_tokens": {}, "stream": true}}"#,
        arguments.max_tokens
    );
    let request = format!(
        "POST /v1/completions HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let began = Instant::now();
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(600)))?;
    stream.write_all(request.as_bytes())?;
    let mut lines = BufReader::new(stream).lines();
    let status = lines.next().transpose()?.unwrap_or_default();
    if !status.contains(" 200") {
        return Err(format!(
            "{address} answers {status}: {}",
            lines.map_while(|line| line.ok()).last().unwrap_or_default()
        )
        .into());
    }
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
