//! An agent's second turn over a long conversation: only what is new is read.

use super::{common::write_tiny_qwen3, http::post, program::Server};
use serde_json::{Value, json};

/// Words of the system message, a token each.
const WORDS: usize = 20_000;

#[test]
fn a_second_turn_over_20k_tokens_reads_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    write_tiny_qwen3(folder.path());
    let server = Server::start(&["--model", &format!("m={}", folder.path().display())]);
    let mut messages = vec![
        json!({"role": "system", "content": " word".repeat(WORDS)}),
        json!({"role": "user", "content": "What is the first word?"}),
    ];
    let first = ask(&server, &messages);
    assert!(first["usage"]["prompt_tokens"].as_u64().unwrap() > WORDS as u64, "{first}");
    assert_eq!(cached(&first), 0);

    messages.push(first["choices"][0]["message"].clone());
    messages.push(json!({"role": "user", "content": "And the last one?"}));
    let second = ask(&server, &messages);
    let read = second["usage"]["prompt_tokens"].as_u64().unwrap() - cached(&second);
    // The answer, which comes back as text that may have other tokens, and the new question.
    assert!((1..=100).contains(&read), "{read} tokens were read: {}", second["usage"]);

    // Another conversation that begins alike.
    messages[1]["content"] = json!("How many words are there?");
    messages.truncate(2);
    let other = ask(&server, &messages);
    assert!(cached(&other) >= WORDS as u64, "{}", other["usage"]);
}

fn ask(server: &Server, messages: &[Value]) -> Value {
    let body = json!({"model": "m", "messages": messages, "max_tokens": 8, "seed": 1});
    let reply = post(server.address, "/v1/chat/completions", &body);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

fn cached(reply: &Value) -> u64 {
    reply["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap()
}
