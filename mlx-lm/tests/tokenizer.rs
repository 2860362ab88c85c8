//! Loading, encoding and saving tokenizers: `fixtures/tokenizer/make.py` wrote what transformers does.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use mlx_lm::{Error, Message, TemplateOptions, Tokenizer};
use serde_json::Value;
use tempfile::TempDir;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer")
}

/// Names and texts.
type Files<'a> = &'a [(&'a str, &'a str)];

/// A copy of a fixture, with further files.
fn folder(kind: &str, files: Files<'_>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        fs::copy(fixtures().join(kind).join(name), folder.path().join(name)).unwrap();
    }
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn load(kind: &str, files: Files<'_>) -> mlx_lm::Result<Tokenizer> {
    Tokenizer::from_folder(folder(kind, files).path())
}

#[test]
fn encodes_and_decodes_as_transformers() {
    let text = fs::read_to_string(fixtures().join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    for (kind, cases) in expected.as_object().unwrap() {
        let tokenizer = Tokenizer::from_folder(fixtures().join(kind)).unwrap();
        for case in cases.as_array().unwrap() {
            let ids = |key: &str| serde_json::from_value::<Vec<u32>>(case[key].clone()).unwrap();
            let text = case["text"].as_str().unwrap();
            assert_eq!(tokenizer.encode(text, false).unwrap(), ids("ids"), "{kind}: {text}");
            assert_eq!(tokenizer.encode(text, true).unwrap(), ids("special_ids"), "{kind}: {text}");
            let decode = |skip| tokenizer.decode(&ids("special_ids"), skip).unwrap();
            assert_eq!(decode(false), case["decoded"], "{kind}: {text}");
            assert_eq!(decode(true), case["decoded_plain"], "{kind}: {text}");
        }
    }
}

#[test]
fn eos_ids_come_from_all_who_know_them() {
    let table: [(Files<'_>, &[u32]); 5] = [
        (&[], &[2]),
        (&[("config.json", r#"{"eos_token_id": 7}"#)], &[7, 2]),
        (&[("config.json", r#"{"text_config": {"eos_token_id": [7, 2]}}"#)], &[7, 2]),
        (
            &[
                ("config.json", r#"{"eos_token_id": 7}"#),
                ("generation_config.json", r#"{"eos_token_id": [8, 9]}"#),
            ],
            &[8, 9, 2],
        ),
        (&[("config.json", r#"{"eos_token_id": 7}"#), ("generation_config.json", "{}")], &[7, 2]),
    ];
    for (files, expected) in table {
        assert_eq!(load("byte_level", files).unwrap().eos_ids(), expected, "{files:?}");
    }
}

#[test]
fn special_tokens_come_from_either_file() {
    let tokenizer =
        load("byte_level", &[("tokenizer_config.json", r#"{"eos_token": {"content": "</s>"}}"#)]).unwrap();
    assert_eq!((tokenizer.bos_token(), tokenizer.eos_token()), (None, Some("</s>")));
    let files = [("tokenizer_config.json", "{}"), ("special_tokens_map.json", r#"{"bos_token": "<s>"}"#)];
    let tokenizer = load("byte_level", &files).unwrap();
    assert_eq!((tokenizer.bos_token(), tokenizer.eos_token()), (Some("<s>"), None));
}

#[test]
fn declared_tokens_are_added() {
    let plain = load("byte_level", &[]).unwrap();
    let size = plain.vocab_size();
    let config = format!(
        r#"{{"added_tokens_decoder": {{"{}": {{"content": "<b>", "special": false}},
            "{size}": {{"content": "<a>", "special": true}}, "0": {{"content": "<unk>", "special": true}}}}}}"#,
        size + 1
    );
    let tokenizer = load("byte_level", &[("tokenizer_config.json", &config)]).unwrap();
    assert_eq!(tokenizer.vocab_size(), size + 2);
    let ids = tokenizer.encode("<a><b>", false).unwrap();
    assert_eq!(ids, [size as u32, size as u32 + 1]);
    assert_eq!(tokenizer.decode(&ids, true).unwrap(), "<b>");
}

#[test]
fn prompts_are_never_cut_or_padded() {
    let folder = folder("byte_level", &[]);
    let path = folder.path().join("tokenizer.json");
    let mut json: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    json["truncation"] =
        serde_json::json!({ "max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right" });
    fs::write(&path, json.to_string()).unwrap();
    let tokenizer = Tokenizer::from_folder(folder.path()).unwrap();
    let text = "a text of more than three tokens";
    assert_eq!(tokenizer.decode(&tokenizer.encode(text, true).unwrap(), false).unwrap(), text);
}

#[test]
fn a_missing_tokenizer_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let message = |folder: &Path| Tokenizer::from_folder(folder).unwrap_err().to_string();
    assert!(message(folder.path()).contains("incomplete"));
    fs::write(folder.path().join("hy.tiktoken"), "").unwrap();
    let text = message(folder.path());
    assert!(text.contains("hy.tiktoken") && text.contains("save_pretrained"), "{text}");
}

#[test]
fn malformed_files_are_named() {
    assert!(matches!(load("byte_level", &[("tokenizer.json", "{}")]), Err(Error::Tokenizer(_))));
    for name in ["tokenizer_config.json", "config.json", "generation_config.json", "chat_template.json"] {
        let error = load("byte_level", &[(name, "{")]).unwrap_err();
        assert!(matches!(&error, Error::Config { path, .. } if path.ends_with(name)), "{error}");
    }
    for template in ["1", "[1]", r#"[{"name": "default"}]"#] {
        let config = format!(r#"{{"chat_template": {template}}}"#);
        let error = load("byte_level", &[("tokenizer_config.json", &config)]).unwrap_err();
        assert!(error.to_string().contains("`chat_template` must be"), "{error}");
    }
}

#[test]
fn the_chat_template_is_found_in_order() {
    let config = ("tokenizer_config.json", r#"{"chat_template": "config"}"#);
    let json = ("chat_template.json", r#"{"chat_template": "json"}"#);
    let jinja = ("chat_template.jinja", "jinja");
    let more = ("additional_chat_templates/tool_use.jinja", "more {{ tools[0] }}");
    let render = |files: Files<'_>, tools: &[&str]| {
        let tools = tools.iter().map(|&tool| tool.into()).collect();
        let options = TemplateOptions { tools, ..TemplateOptions::default() };
        load("byte_level", files).unwrap().apply_chat_template(&[Message::user("Hi")], &options).unwrap()
    };
    assert_eq!(render(&[config], &[]), "config");
    assert_eq!(render(&[config, json], &[]), "json");
    assert_eq!(render(&[config, json, jinja], &[]), "jinja");
    assert_eq!(render(&[config, json, jinja, more], &["t"]), "more t");
    assert_eq!(render(&[config, json, jinja, more], &[]), "jinja");
    let list = r#"{"chat_template": [{"name": "tool_use", "template": "tool"},
        {"name": "default", "template": "plain"}]}"#;
    assert_eq!(render(&[("tokenizer_config.json", list)], &[]), "plain");
    assert_eq!(render(&[("tokenizer_config.json", list)], &["t"]), "tool");
}

#[test]
fn templates_see_special_tokens_and_thinking() {
    let template = "{{ bos_token }}{{ eos_token }}{{ pad_token }} {{ enable_thinking }}";
    let tokenizer = load("byte_level", &[("chat_template.jinja", template)]).unwrap();
    assert_eq!(tokenizer.thinking(), Some(("<think>", "</think>")));
    let mut options = TemplateOptions::default();
    let render =
        |options: &TemplateOptions| tokenizer.apply_chat_template(&[Message::user("Hi")], options).unwrap();
    assert_eq!(render(&options), "<s></s> True");
    options.kwargs.insert("enable_thinking".into(), false.into());
    options.kwargs.insert("bos_token".into(), "<b>".into());
    assert_eq!(render(&options), "<b></s> False");
}

#[test]
fn without_a_template_there_is_no_chat() {
    let tokenizer = load("byte_level", &[]).unwrap();
    let error =
        tokenizer.apply_chat_template(&[Message::user("Hi")], &TemplateOptions::default()).unwrap_err();
    assert!(error.to_string().contains("plain prompt"), "{error}");
}

#[test]
fn a_broken_template_spoils_only_chats() {
    let tokenizer = load("byte_level", &[("chat_template.jinja", "one\n{% if %}")]).unwrap();
    let error =
        tokenizer.apply_chat_template(&[Message::user("Hi")], &TemplateOptions::default()).unwrap_err();
    assert!(matches!(&error, Error::Template(text) if text.contains("line 2")), "{error}");
}

#[test]
fn what_is_saved_reads_back() {
    for kind in ["byte_level", "sentence_piece"] {
        let files = [("chat_template.jinja", "{{ bos_token }}{{ messages[0].content }}")];
        let tokenizer = load(kind, &files).unwrap();
        let folder = tempfile::tempdir().unwrap();
        tokenizer.save(folder.path()).unwrap();
        let again = Tokenizer::from_folder(folder.path()).unwrap();
        let text = "<s>Grüße, 世界 😀</s>";
        assert_eq!(again.encode(text, true).unwrap(), tokenizer.encode(text, true).unwrap());
        assert_eq!(again.chat_template(), tokenizer.chat_template());
        assert_eq!(again.bos_token(), tokenizer.bos_token());
        assert_eq!(again.eos_ids(), tokenizer.eos_ids());
    }
}
