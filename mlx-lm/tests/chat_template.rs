//! Chat templates render as transformers renders them: `fixtures/chat_template/render.py` wrote what is
//! expected.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use mlx_lm::{ChatTemplate, Error, Message, TemplateOptions};
use serde_json::{Map, Value, json};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/chat_template")
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

fn render(source: &str, options: &TemplateOptions) -> mlx_lm::Result<String> {
    ChatTemplate::new(source).render(&[Message::user("Hi")], &special_tokens(), options)
}

fn failure(source: &str, options: &TemplateOptions) -> String {
    render(source, options).unwrap_err().to_string()
}

#[test]
fn errors_name_the_line() {
    let plain = TemplateOptions::default();
    let table = [
        ("a\n\n{% if %}", "line 3"),
        ("{% for x in y %}", "line 1"),
        ("\n{{ missing.x }}", "line 2"),
        ("\n{{ raise_exception('No system role') }}", "line 2: No system role"),
        ("\n\n{% macro m() %}\n{{ 1 + 'a' }}{% endmacro %}{{ m() }}", "line 4"),
        ("{{ strftime_now('%!') }}", "strftime_now"),
        ("{{ 'x'|nothing }}", "nothing"),
    ];
    for (source, part) in table {
        let text = failure(source, &plain);
        assert!(text.starts_with("chat template: ") && text.contains(part), "{source}: {text}");
    }
}

#[test]
fn hostile_templates_fail_soon() {
    let nested =
        "{% set ns = namespace(x=[]) %}{% for i in range(90000) %}{% set ns.x = [ns.x] %}{% endfor %}";
    let doubled =
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}";
    let grown = |by: &str| {
        format!(
            "{{% set ns = namespace(x='xx') %}}{{% for i in range(99) %}}{{% set ns.x = {by} %}}{{% endfor %}}"
        )
    };
    let table = [
        "{% for i in range(99999) %}{% for j in range(99999) %}{{ j }}{% endfor %}{% endfor %}".to_string(),
        "{{ 'x' * 1000000000 }}".to_string(),
        "{{ [0] * 1000000000 }}".to_string(),
        "{{ range(1000000000)|list }}".to_string(),
        "{% set x = 'x' * 1000000 %}{% for i in range(1000) %}{{ x }}{% endfor %}".to_string(),
        grown("ns.x ~ ns.x"),
        grown("ns.x.replace('x', 'xx')"),
        format!("{doubled}{{{{ ns.x|tojson }}}}"),
        format!("{doubled}{{{{ ns.x }}}}"),
        format!("{doubled}{{{{ ns.x|string }}}}"),
        format!("{doubled}{{% set text %}}{{{{ ns.x }}}}{{% endset %}}"),
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".to_string(),
        "{% macro m(n) %}{{ m(n) ~ m(n) }}{% endmacro %}{{ m(1) }}".to_string(),
        "{{ '%1000000000d'|format(1) }}".to_string(),
        "{{ '{:>1000000000}'.format(1) }}".to_string(),
        "{{ strftime_now('%1000000000d') }}".to_string(),
        "{{ 'a'|indent(1000000000) }}".to_string(),
        format!("{nested}{{{{ ns.x|tojson }}}}"),
        format!("{nested}{{{{ ns.x == [ns.x] }}}}{{{{ ns.x }}}}{{{{ missing.x }}}}"),
        "{{ ".to_string() + &"(".repeat(60_000),
        format!("{{{{ {} missing.x }}}}", "not ".repeat(15_000)),
        format!("{{{{ 'a'{} ~ missing.x }}}}", "~eos_token".repeat(6_000)),
        "{% if 1 %}".repeat(6_000),
        "{{ 1 }}".repeat(1_000_000),
    ];
    // Together they take eight seconds of one processor. Without bounds each would take hours, or all memory.
    for source in table {
        let start = Instant::now();
        let result = render(&source, &TemplateOptions::default());
        let label = &source[..source.len().min(100)];
        assert!(matches!(result, Err(Error::Template(_))), "{label}: {:?}", result.map(|text| text.len()));
        assert!(start.elapsed() < Duration::from_secs(600), "{label}: {:?}", start.elapsed());
    }
}

#[test]
fn long_conversations_fit_the_limits() {
    let source = fs::read_to_string(fixtures().join("templates/think.jinja")).unwrap();
    let turn = [Message::user("question ".repeat(50)), Message::assistant("answer ".repeat(100))];
    let messages: Vec<Message> = turn.iter().cycle().take(4001).cloned().collect();
    let text =
        ChatTemplate::new(source).render(&messages, &special_tokens(), &TemplateOptions::default()).unwrap();
    assert_eq!(text.matches("<|im_end|>").count(), 4001);
}

#[test]
fn impossible_options_are_refused() {
    let plain = TemplateOptions::default();
    let continued = TemplateOptions { continue_final_message: true, ..plain.clone() };
    assert!(failure("", &continued).contains("not both"));
    let continued = TemplateOptions { add_generation_prompt: false, ..continued };
    assert!(failure("nothing", &continued).contains("drops the final message"));
    let named = TemplateOptions { template: Some("rag".into()), ..plain.clone() };
    assert!(failure("", &named).contains("`rag`"));
    let mut shadowing = plain.clone();
    shadowing.kwargs.insert("messages".into(), json!([]));
    assert!(failure("", &shadowing).contains("`messages`"));
    let empty = ChatTemplate::new("").render(&[], &special_tokens(), &plain);
    assert!(empty.unwrap_err().to_string().contains("empty"));
}

#[test]
fn messages_are_objects_with_a_role() {
    let message = Message::assistant("").with("tool_calls", json!([{ "id": "a" }]));
    let json = json!({ "role": "assistant", "content": "", "tool_calls": [{ "id": "a" }] });
    assert_eq!(serde_json::to_value(&message).unwrap(), json);
    assert_eq!(serde_json::from_value::<Message>(json).unwrap(), message);
    assert_eq!((message.role(), message.content()), ("assistant", Some("")));
    for wrong in [json!("user"), json!({}), json!({ "role": 1 }), json!({ "content": "Hi" })] {
        assert!(serde_json::from_value::<Message>(wrong).is_err());
    }
}
