//! Whatever a grammar of calls lets through is one call, with arguments of its schema, for the reader of the format.

use super::{ANY, FORMATS, Spelling, text_until};
use crate::{
    Structure, Tokenizer,
    chat::{Answer, AnswerFormat, AnswerParser},
    generate::Grammars,
};
use serde_json::{Value, json};
use std::{collections::VecDeque, fs};

/// What ends something in one of the formats, to be tried wherever it may not stand.
const MARKS: [&str; 40] = [
    "\"",
    "}",
    "]",
    ",",
    "\n",
    "</tool_call>",
    "<tool_call>",
    "</parameter>",
    "</function>",
    "</invoke>",
    "</param>",
    "</arg_value>",
    "<arg_key>",
    "</longcat_arg_value>",
    "</longcat_tool_call>",
    "</seed:tool_call>",
    "</minimax:tool_call>",
    "<|tool_call>",
    "<tool_call|>",
    "<|\"|>",
    "<escape>",
    "<end_function_call>",
    "</｜DSML｜parameter>",
    "</｜DSML｜invoke>",
    "</｜DSML｜function_calls>",
    "<|close|>argument<|sep|>",
    "<|close|>call<|sep|>",
    "<|tool_call_end|>",
    "<|tool_calls_section_end|>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁calls▁end｜>",
    "<|END_ACTION|>",
    "<|/tool_call|>",
    "</TOOLCALL>",
    "</tool_calls>",
    "</atem:parameter>",
    "</atem:invoke>",
    "</atem:function_calls>",
    "<|end|>",
    "</think>",
];

/// Marks that are special tokens in the second vocabulary.
const SPECIAL: [&str; 26] = [
    "<tool_call>",
    "</tool_call>",
    "<|tool_call>",
    "<tool_call|>",
    "<|\"|>",
    "<|tool_call_start|>",
    "<|tool_call_end|>",
    "<|tool_calls_section_begin|>",
    "<|tool_calls_section_end|>",
    "<|tool_call_begin|>",
    "<|tool_call_argument_begin|>",
    "[TOOL_CALLS]",
    "[ARGS]",
    "｜DSML｜",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁calls▁end｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁sep｜>",
    "<|START_ACTION|>",
    "<|END_ACTION|>",
    "<|open|>",
    "<|close|>",
    "<|sep|>",
    "<|message|>",
    "<|channel|>",
];

/// One token for each byte, and `special` ones.
fn tokenizer(special: &[&str]) -> Tokenizer {
    let printable =
        |byte: u32| (33..127).contains(&byte) || (161..173).contains(&byte) || (174..256).contains(&byte);
    let hidden = (0..256).filter(|byte| !printable(*byte)).zip(256..);
    let shown = (0..256).filter(|byte| printable(*byte)).map(|byte| (byte, byte));
    let letter = |code| char::from_u32(code).unwrap().to_string();
    let vocabulary: serde_json::Map<_, _> =
        shown.chain(hidden).map(|(byte, code)| (letter(code), byte.into())).collect();
    let added = |(id, text): (usize, &&str)| {
        json!({"id": 256 + id, "content": text, "special": true, "single_word": false, "lstrip": false,
               "rstrip": false, "normalized": false})
    };
    let all = [&["<eos>"], special].concat();
    let bytes =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
    let folder = tempfile::tempdir().unwrap();
    let write = |name, value: Value| fs::write(folder.path().join(name), value.to_string()).unwrap();
    write(
        "tokenizer.json",
        json!({
            "version": "1.0", "added_tokens": all.iter().enumerate().map(added).collect::<Vec<_>>(),
            "pre_tokenizer": bytes, "decoder": bytes,
            "model": {"type": "BPE", "vocab": vocabulary, "merges": []},
        }),
    );
    write("tokenizer_config.json", json!({"eos_token": "<eos>"}));
    Tokenizer::from_folder(folder.path()).unwrap()
}

fn tools() -> [Value; 2] {
    let number =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": false});
    let parameters = json!({
        "type": "object",
        "properties": {
            "note": {"type": "string"},
            "city": {"type": "string"},
            "days": {"type": "integer", "minimum": 1, "maximum": 30},
            "unit": {"type": "string", "enum": ["C", "two words"]},
            "detailed": {"type": "boolean"},
            "hours": {"type": "array", "items": {"type": "integer"}},
            "where": {"$ref": "#/$defs/place", "type": "object"},
        },
        "required": ["city", "days", "unit"],
        "additionalProperties": false,
        "$defs": {"place": number},
    });
    let tool =
        |name, parameters| json!({"type": "function", "function": {"name": name, "parameters": parameters}});
    [
        tool("weather", parameters),
        tool("now", json!({"type": "object", "properties": {}, "additionalProperties": false})),
    ]
}

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }
}

/// A text of the grammar, in which marks are tried everywhere.
fn write(tokenizer: &Tokenizer, lark: &str, dice: &mut Dice) -> String {
    let grammar = Grammars::new(tokenizer).unwrap().compile(&Structure::Lark(lark.to_owned()));
    let grammar = grammar.unwrap_or_else(|error| panic!("{error}\n{lark}"));
    let mut script = VecDeque::new();
    let ids = grammar.write(|allowed| {
        if allowed.contains(&256) && dice.below(2) == 0 {
            return 256;
        }
        if script.is_empty() && dice.below(3) == 0 {
            script.extend(tokenizer.encode(MARKS[dice.below(MARKS.len())], false).unwrap());
        }
        match script.pop_front() {
            Some(next) if allowed.contains(&next) => next,
            _ => {
                script.clear();
                allowed[dice.below(allowed.len())]
            }
        }
    });
    let ids: Vec<u32> = ids.unwrap().into_iter().filter(|id| *id != 256).collect();
    tokenizer.decode(&ids, false).unwrap()
}

fn check(format: AnswerFormat, spelling: &Spelling, tokenizer: &Tokenizer, dice: &mut Dice) -> String {
    let tools = tools();
    let blanks = json!({"whitespace_pattern": "[ \\n]{1,4}"});
    let all: Vec<&Value> = tools.iter().collect();
    let grammar = spelling.grammar(tokenizer, &all, &blanks).unwrap();
    let [before, between, behind] = &grammar.around;
    let lark = format!("start: {before}call ({between}call)? {behind}\n{}", grammar.rules);
    let text = write(tokenizer, &lark, dice);
    let mut answer = Answer::default();
    let mut parser = AnswerParser::new(format).tools(&tools);
    answer.extend(parser.push(&text));
    answer.extend(parser.finish());
    assert!(answer.errors.is_empty(), "{spelling:?}\n{text}\n{:?}", answer.errors);
    assert!(answer.content.is_empty() && [1, 2].contains(&answer.tool_calls.len()), "{text}\n{answer:?}");
    for call in &answer.tool_calls {
        if call.name == "now" {
            assert!(call.arguments.is_empty(), "{text}");
            continue;
        }
        assert_eq!(call.name, "weather", "{text}");
        let field = |key: &str| call.arguments.get(key);
        let is = |key: &str, test: &dyn Fn(&Value) -> bool| field(key).is_none_or(test);
        assert!(["city", "days", "unit"].iter().all(|key| field(key).is_some()), "{text}");
        assert!(is("city", &Value::is_string) && is("note", &Value::is_string), "{text}");
        assert!(is("days", &|days| days.as_u64().is_some_and(|days| (1..31).contains(&days))), "{text}");
        assert!(is("unit", &|unit| unit == "C" || unit == "two words"), "{text}");
        assert!(is("detailed", &Value::is_boolean) && is("hours", &Value::is_array), "{text}");
        assert!(
            is("where", &|place| place.as_object().is_some_and(|place| place.keys().all(|k| k == "n"))),
            "{text}"
        );
    }
    text
}

#[test]
fn what_the_grammars_let_through_is_read_as_calls() {
    let mut dice = Dice(7);
    for tokenizer in [tokenizer(&[]), tokenizer(&SPECIAL)] {
        for format in &FORMATS {
            assert!(!format.spellings.is_empty(), "{} has no grammar", format.name);
            let answers = AnswerFormat::detect(None, Some(format.name), |_| false);
            for spelling in format.spellings {
                (0..12).for_each(|_| drop(check(answers, spelling, &tokenizer, &mut dice)));
            }
        }
        let harmony = AnswerFormat::detect(Some("<|channel|><|message|>"), None, |_| false);
        let spelling = harmony.spelling(&tokenizer).unwrap();
        for _ in 0..12 {
            let text = check(harmony, spelling, &tokenizer, &mut dice);
            assert!(text.starts_with("<|channel|>commentary to=functions."), "{text}");
        }
    }
}

#[test]
fn thoughts_end_where_their_mark_stands() {
    let mut dice = Dice(3);
    for special in [&[][..], &["</think>"]] {
        let tokenizer = tokenizer(special);
        let rule = text_until(&tokenizer, "thoughts", ANY, "</think>", ["</think>"].into_iter());
        for _ in 0..10 {
            let text = write(&tokenizer, &format!("start: thoughts \"done\"\n{rule}"), &mut dice);
            let (thoughts, rest) = text.split_once("</think>").unwrap();
            assert_eq!(rest, "done", "{thoughts}");
        }
    }
}

#[test]
fn what_a_format_cannot_write_is_said() {
    let tokenizer = tokenizer(&[]);
    let tool = |name: &str, parameters: Value| json!({"name": name, "parameters": parameters});
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    for (format, tool, what) in [
        ("qwen3_coder", tool("f g", object(json!({}))), "`f g`"),
        ("qwen3_coder", tool("f", object(json!({"a>": {}}))), "`a>`"),
        ("pythonic", tool("f-g", object(json!({}))), "`f-g`"),
        ("glm47", tool("f", json!({"anyOf": []})), "`anyOf` of `f`"),
        ("glm47", tool("f", json!({"type": "object", "required": ["a"]})), "`a` of `f` is required"),
    ] {
        let spelling = &FORMATS.iter().find(|row| row.name == format).unwrap().spellings[0];
        let error = spelling.grammar(&tokenizer, &[&tool], &json!({})).err().unwrap();
        assert!(error.contains(what), "{error}");
    }
}
