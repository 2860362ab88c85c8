//! The memory of the process while a bounded cache turns over many times.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{prompt, tiny_model};
use mlx_lm::generate::{KvOptions, TokenBatch, TokenOptions};

/// Kilobytes.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Alone in its process, because it counts all of the process's memory.
#[test]
#[ignore = "takes a minute"]
fn twenty_thousand_tokens_take_no_more_than_five_thousand() {
    for family in ["llama", "gemma3_text"] {
        let model = tiny_model(family, None);
        let kv = KvOptions { max_size: Some(256), ..KvOptions::default() };
        let options = TokenOptions { max_tokens: 20_001, kv, ..TokenOptions::default() };
        let mut batch = TokenBatch::new(model.as_ref());
        batch.add(&prompt(1, 9), options, None).unwrap();
        let (mut tokens, mut early) = (0, 0);
        while !batch.is_empty() {
            batch.prefill().unwrap();
            tokens += batch.decode().unwrap().len();
            if tokens % 5000 == 0 && tokens > 0 {
                let now = resident();
                println!(
                    "{family}: {tokens} tokens, {} KiB of caches, {now} KiB resident",
                    batch.cache_bytes().unwrap() >> 10
                );
                early = if tokens == 5000 { now } else { early };
                // A cache of all tokens would have grown by 2 MiB and more for each 5000.
                assert!(now <= early + 1024, "{early} KiB after 5000 tokens, {now} after {tokens}");
            }
        }
    }
}
