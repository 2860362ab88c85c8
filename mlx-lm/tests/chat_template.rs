//! Chat templates render as transformers renders them: `fixtures/chat_template/render.py` wrote what is expected.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use mlx_lm::{ChatTemplate, Message, TemplateOptions};
use serde_json::{Map, Value, json};

fn fixtures() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/chat_template");
    std::env::var_os("CHAT_TEMPLATE_FIXTURES").map_or(own, PathBuf::from)
}

fn read_json(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(fixtures().join(name)).unwrap()).unwrap()
}

/// 2025-03-07 12:00 UTC, where render.py stopped the clock.
fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_741_348_800)
}

fn options(chat: &Value) -> TemplateOptions {
    let list = |key: &str| chat[key].as_array().cloned().unwrap_or_default();
    TemplateOptions {
        add_generation_prompt: chat["add_generation_prompt"].as_bool().unwrap_or(true),
        continue_final_message: chat["continue_final_message"].as_bool().unwrap_or(false),
        tools: list("tools"),
        documents: list("documents"),
        kwargs: chat["kwargs"].as_object().cloned().unwrap_or_default(),
        now: Some(noon()),
        ..TemplateOptions::default()
    }
}

fn special_tokens() -> Map<String, Value> {
    Map::from_iter([("bos_token".into(), json!("<s>")), ("eos_token".into(), json!("</s>"))])
}

/// A difference from what is expected, in words. Both must fail or both must give the same text.
fn difference(expected: &Value, got: &mlx_lm::Result<String>) -> Option<String> {
    match (expected["text"].as_str(), got) {
        (Some(text), Ok(got)) if text == got => None,
        (None, Err(_)) => None,
        _ => Some(format!("expected {expected}\n     got {got:?}")),
    }
}

fn report(differences: Vec<String>) {
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn chats_render_as_in_transformers() {
    let (chats, expected) = (read_json("conversations.json"), read_json("expected.json"));
    let mut differences = Vec::new();
    for (template, texts) in expected["chats"].as_object().unwrap() {
        let source = fs::read_to_string(fixtures().join(format!("templates/{template}.jinja"))).unwrap();
        for (name, chat) in chats.as_object().unwrap() {
            let messages: Vec<Message> = serde_json::from_value(chat["messages"].clone()).unwrap();
            let got = ChatTemplate::new(&source).render(&messages, &special_tokens(), &options(chat));
            if let Some(text) = difference(&texts[name], &got) {
                differences.push(format!("{template} / {name}: {text}"));
            }
        }
    }
    report(differences);
}

#[test]
fn expressions_evaluate_as_in_jinja2() {
    let expected = read_json("expected.json");
    let expressions = fs::read_to_string(fixtures().join("expressions.jinja")).unwrap();
    let expressions: Vec<_> = expressions.trim_end_matches('\n').split("\n----\n").collect();
    let expected = expected["expressions"].as_array().unwrap();
    assert_eq!(expressions.len(), expected.len());
    let mut variables = read_json("variables.json");
    let messages: Vec<Message> = serde_json::from_value(variables["messages"].take()).unwrap();
    let mut options = TemplateOptions { now: Some(noon()), ..TemplateOptions::default() };
    options.tools = variables["tools"].as_array().cloned().unwrap();
    for (key, value) in variables.as_object().unwrap() {
        if !["messages", "tools"].contains(&key.as_str()) {
            options.kwargs.insert(key.clone(), value.clone());
        }
    }
    let mut differences = Vec::new();
    for (source, expected) in expressions.iter().zip(expected) {
        let got = ChatTemplate::new(*source).render(&messages, &Map::new(), &options);
        if let Some(text) = difference(expected, &got) {
            differences.push(format!("{source}\n{text}\n"));
        }
    }
    report(differences);
}
