//! The real SmolLM2-135M: tokens equal to Python mlx-lm's on the same weights.
//!
//! The model is the program's default and is fetched once, with pip; `cargo xtask golden` makes the fixture.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::read_json;
use mlx::Engine;
use mlx_lm::{
    ConvertOptions, Error, Finish, Lm, Message, TemplateOptions, convert,
    generate::Prompt,
    source::{DEFAULT_MODEL, Location, SourceOptions, resolve},
};
use serde_json::Value;

fn model() -> Location {
    resolve(DEFAULT_MODEL, &SourceOptions::from_env().unwrap()).unwrap()
}

/// Runs `check` on an engine that holds the model at `location`.
fn with_model(location: Location, check: impl FnOnce(&mut Lm) + Send + 'static) {
    let engine =
        Engine::start("smollm2", move || Lm::open(&location)).unwrap_or_else(|e: Error| panic!("{e}"));
    engine.run(check).unwrap();
}

/// Every case in one process takes minutes; two tests share them, and run on two cores.
fn greedy_tokens(part: usize) {
    let fixture = read_json("golden/smollm2_greedy.json");
    let cases: Vec<Value> =
        fixture["cases"].as_array().unwrap().iter().skip(part).step_by(2).cloned().collect();
    with_model(model(), move |lm| cases.iter().for_each(|case| compare(lm, case)));
}

#[test]
fn greedy_tokens_of_one_half() {
    greedy_tokens(0);
}

#[test]
fn greedy_tokens_of_the_other_half() {
    greedy_tokens(1);
}

fn compare(lm: &Lm, case: &Value) {
    let name = case["name"].as_str().unwrap();
    let prompt = match case["messages"].as_array() {
        Some(messages) => {
            let rendered = rendered(lm, messages);
            assert_eq!(rendered, case["rendered"].as_str().unwrap(), "{name}: chat template");
            lm.tokenizer().encode(&rendered, false).unwrap()
        }
        None => lm.tokenizer().encode(case["text"].as_str().unwrap(), true).unwrap(),
    };
    assert_eq!(prompt, ids(&case["prompt_ids"]), "{name}: prompt tokens");

    let expected = ids(&case["ids"]);
    let request =
        lm.generate(Prompt::Tokens(prompt)).max_tokens(case["max_tokens"].as_u64().unwrap() as usize);
    let mut generation = request.start().unwrap();
    let (mut found, mut text, mut finish) = (vec![], String::new(), None);
    for piece in &mut generation {
        let piece = piece.unwrap();
        found.push(piece.id);
        text.push_str(&piece.text);
        finish = piece.finish;
    }
    assert_eq!(found, expected, "{name}: generated tokens");
    assert_eq!(text, case["text_after"].as_str().unwrap(), "{name}: text");
    let ended = lm.tokenizer().eos_ids().contains(expected.last().unwrap());
    assert_eq!(finish, Some(if ended { Finish::Stop } else { Finish::Length }), "{name}");
    assert_eq!(generation.stats().unwrap().generated_tokens, expected.len());
}

fn rendered(lm: &Lm, messages: &[Value]) -> String {
    let messages: Vec<Message> = messages
        .iter()
        .map(|m| Message::new(m["role"].as_str().unwrap(), m["content"].as_str().unwrap()))
        .collect();
    lm.tokenizer().apply_chat_template(&messages, &TemplateOptions::default()).unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

#[test]
fn a_converted_folder_gives_the_same_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("smollm2");
    let (source, target) = (model(), output.clone());
    let engine = Engine::start("convert", || Ok::<_, Error>(())).unwrap();
    engine.run(move |()| convert(&source, &target, ConvertOptions::default())).unwrap().unwrap();
    drop(engine);

    let fixture = read_json("golden/smollm2_greedy.json");
    let chosen = ["digits", "chinese", "chat_capital", "chat_special"];
    let cases: Vec<Value> = fixture["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| chosen.contains(&case["name"].as_str().unwrap()))
        .cloned()
        .collect();
    assert_eq!(cases.len(), chosen.len());
    with_model(Location::Folder(output), move |lm| cases.iter().for_each(|case| compare(lm, case)));
}

#[test]
fn limits_and_stops_end_a_generation() {
    with_model(model(), |lm| {
        let question = "What is the capital of France?";
        let text = lm.chat(question).unwrap().max_tokens(32).stop([" Paris"]).text().unwrap();
        assert_eq!(text, "The capital of France is");
        let pieces: Vec<_> =
            lm.chat(question).unwrap().max_tokens(2).into_iter().collect::<Result<_, _>>().unwrap();
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[1].finish, Some(Finish::Length));
        assert_eq!(lm.chat(question).unwrap().max_tokens(0).text().unwrap(), "");

        let limit = lm.context_length().unwrap();
        let error = lm.generate(vec![1; limit]).text().unwrap_err();
        assert!(matches!(error, Error::ContextLength { prompt, limit: l } if prompt == limit && l == limit));
        assert!(error.to_string().contains("shorten it"), "{error}");
        assert!(lm.generate(Vec::new()).text().unwrap_err().to_string().contains("the prompt is empty"));
    });
}
