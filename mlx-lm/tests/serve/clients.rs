//! The official Python clients of OpenAI, Anthropic and Ollama, unmodified.

use super::{
    program::{MODEL, Server},
    python::{interpreter, script},
};

const KEY: &str = "a-key-for-clients";

#[test]
fn official_clients_are_served() {
    let python = interpreter("clients.txt");
    let server = Server::with_model(&["--api-key", KEY, "--context", "1024"]);
    let url = format!("http://{}", server.address);
    script(&python, "clients.py", &[&url, MODEL, KEY], || server.log());
}
