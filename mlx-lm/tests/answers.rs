//! Answers are taken apart as their markers say, wherever the text is cut, and as Python mlx-lm reads the calls:
//! `fixtures/answers/make.py` wrote what is expected.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use mlx_lm::chat::{Answer, AnswerEvent, AnswerFormat, AnswerParser, ToolCall, ToolCallDelta};
use proptest::prelude::*;
use serde_json::{Value, json};

fn fixture() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/answers/expected.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn tools() -> Vec<Value> {
    fixture()["tools"].as_array().unwrap().clone()
}

fn declared(name: &str) -> AnswerFormat {
    AnswerFormat::detect(Some("<think></think>"), Some(name), |_| false)
}

fn harmony() -> AnswerFormat {
    AnswerFormat::detect(Some("<|channel|><|message|>"), None, |_| false)
}

/// All events of an answer that arrives as `pieces`, neighbours of a kind joined.
fn events<'p>(mut parser: AnswerParser, pieces: impl IntoIterator<Item = &'p str>) -> Vec<AnswerEvent> {
    let mut events: Vec<AnswerEvent> = pieces.into_iter().flat_map(|piece| parser.push(piece)).collect();
    events.extend(parser.finish());
    let mut joined: Vec<AnswerEvent> = Vec::new();
    for event in events {
        use AnswerEvent::{Content, Reasoning, ToolCallDelta as Delta};
        match (joined.last_mut(), event) {
            (Some(Content(last)), Content(text)) | (Some(Reasoning(last)), Reasoning(text)) => *last += &text,
            (Some(Delta(last)), Delta(next)) if last.index == next.index => {
                assert_eq!((next.name, next.id), (None, None), "only the first delta names the tool");
                last.arguments += &next.arguments;
            }
            (_, event) => joined.push(event),
        }
    }
    joined
}

fn answer(parser: AnswerParser, text: &str) -> Answer {
    let mut answer = Answer::default();
    answer.extend(events(parser, [text]));
    answer
}

fn call(index: usize, name: &str, arguments: Value) -> ToolCall {
    ToolCall { index, id: None, name: name.into(), arguments: arguments.as_object().unwrap().clone() }
}

#[test]
fn calls_are_read_as_in_python() {
    let fixture = fixture();
    for case in fixture["cases"].as_array().unwrap() {
        let (format, text) = (case["format"].as_str().unwrap(), case["text"].as_str().unwrap());
        let format = AnswerFormat::detect(None, Some(format), |_| false);
        let text = format!("Let me look.\n\n{text}");
        let parser = AnswerParser::new(format).tools(&tools());
        // Muse Spark puts its calls into messages.
        let text = if format.tool_format() == Some("muse_spark") {
            format!("to=user<|message|>{text}")
        } else {
            text
        };
        let answer = answer(parser, &text);
        assert_eq!(answer.content, "Let me look.", "{text}");
        assert!(answer.errors.is_empty(), "{text}: {:?}", answer.errors);
        let expected = case["calls"].as_array().unwrap();
        assert_eq!(answer.tool_calls.len(), expected.len(), "{text}");
        for (index, (call, expected)) in answer.tool_calls.iter().zip(expected).enumerate() {
            assert_eq!(call.index, index);
            assert_eq!(call.name, expected["name"], "{text}");
            assert_eq!(call.id.as_deref(), expected["id"].as_str(), "{text}");
            assert_eq!(Value::Object(call.arguments.clone()), expected["arguments"], "{text}");
        }
    }
}

/// Format, text, content, calls: formats that Python mlx-lm does not know.
#[test]
fn other_families_call_tools_too() {
    let oslo = || json!({"city": "Oslo"});
    let both = || vec![call(0, "get_weather", oslo()), call(1, "now", json!({}))];
    let table = [
        (
            "llama3",
            r#"{"name": "get_weather", "parameters": {"city": "Oslo"}}"#,
            "",
            vec![call(0, "get_weather", oslo())],
        ),
        (
            "llama3",
            r#"{"name": "get_weather", "parameters": {"city": "Oslo"}}; {"type": "function", "name": "now", "parameters": {}}"#,
            "",
            both(),
        ),
        ("llama3", r#"<|python_tag|>{"name": "now", "parameters": {}}"#, "", vec![call(0, "now", json!({}))]),
        (
            "llama3",
            r#"<|python_tag|>brave_search.call(query="Oslo weather")"#,
            "",
            vec![call(0, "brave_search", json!({"query": "Oslo weather"}))],
        ),
        (
            "llama3",
            "<|python_tag|>import math\nprint(math.pi)",
            "",
            vec![call(0, "code_interpreter", json!({"code": "import math\nprint(math.pi)"}))],
        ),
        // JSON that was asked for is no call.
        ("llama3", r#"{"name": "Ada", "age": 36}"#, r#"{"name": "Ada", "age": 36}"#, vec![]),
        ("llama3", r#"{"city": "Oslo"}"#, r#"{"city": "Oslo"}"#, vec![]),
        ("llama3", "{\"name\": \"now\", \"par", "{\"name\": \"now\", \"par", vec![]),
        (
            "deepseek",
            "Sure.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Oslo\"}\n```\
             <｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
            "Sure.",
            both(),
        ),
        (
            "deepseek",
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Oslo\"}<｜tool▁call▁end｜>\
             <｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
            "",
            both(),
        ),
        (
            "deepseek_v32",
            "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter name=\"city\" \
             string=\"true\">Oslo</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"now\">\n</｜DSML｜invoke>\n\
             </｜DSML｜function_calls>",
            "",
            both(),
        ),
        (
            "granite",
            r#"<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Oslo"}}, {"name": "now", "arguments": {}}]"#,
            "",
            both(),
        ),
        (
            "phi4",
            r#"<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Oslo"}}]<|/tool_call|>"#,
            "",
            vec![call(0, "get_weather", oslo())],
        ),
        (
            "nemotron",
            r#"<TOOLCALL>[{"name": "now", "arguments": {}}]</TOOLCALL>"#,
            "",
            vec![call(0, "now", json!({}))],
        ),
        (
            "seed_oss",
            "<seed:tool_call>\n<function=get_weather>\n<parameter=city>Oslo</parameter>\n</function>\n</seed:tool_call>",
            "",
            vec![call(0, "get_weather", oslo())],
        ),
        // The marker stands in a string.
        (
            "json_tools",
            r#"<tool_call>{"name": "get_weather", "arguments": {"city": "</tool_call>\"<tool_call>"}}</tool_call>"#,
            "",
            vec![call(0, "get_weather", json!({"city": "</tool_call>\"<tool_call>"}))],
        ),
        // Python instead of JSON; arguments as a string; several calls in one.
        (
            "json_tools",
            "<tool_call>{'name': 'get_weather', 'arguments': {'city': 'Oslo'}}</tool_call>",
            "",
            vec![call(0, "get_weather", oslo())],
        ),
        (
            "json_tools",
            r#"<tool_call>{"name": "get_weather", "arguments": "{\"city\": \"Oslo\"}"}</tool_call>"#,
            "",
            vec![call(0, "get_weather", oslo())],
        ),
        (
            "json_tools",
            "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\"}}\n{\"name\": \"now\"}\n</tool_call>",
            "",
            both(),
        ),
        // The end is missing, but the call is complete.
        ("json_tools", r#"<tool_call>{"name": "now", "arguments": {}}"#, "", vec![call(0, "now", json!({}))]),
    ];
    for (format, text, content, calls) in table {
        let answer = answer(AnswerParser::new(declared(format)).tools(&tools()), text);
        assert_eq!(answer.errors, Vec::<String>::new(), "{text}");
        assert_eq!(answer.content, content, "{text}");
        assert_eq!(answer.tool_calls, calls, "{text}");
    }
}

#[test]
fn command_and_mistral_ids_are_kept() {
    let table = [
        (
            "command",
            r#"<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "now", "parameters": {}}]<|END_ACTION|>"#,
            "0",
        ),
        ("mistral", "[TOOL_CALLS]now[CALL_ID]abc123def[ARGS]{}", "abc123def"),
    ];
    for (format, text, id) in table {
        let answer = answer(AnswerParser::new(declared(format)).tools(&tools()), text);
        assert_eq!(answer.tool_calls, [ToolCall { id: Some(id.into()), ..call(0, "now", json!({})) }]);
    }
}

#[test]
fn harmony_messages_go_where_their_headers_say() {
    let text = "<|channel|>analysis<|message|>User asks.\nUse the tool.<|end|><|start|>assistant<|channel|>commentary\
                <|message|>I'll look. <|end|><|start|>assistant<|channel|>commentary to=functions.get_weather \
                <|constrain|>json<|message|>{\"city\": \"<|end|>\"}<|call|>";
    let parsed = answer(AnswerParser::new(harmony()), text);
    assert_eq!(parsed.reasoning, "User asks.\nUse the tool.");
    assert_eq!(parsed.content, "I'll look.");
    assert_eq!(parsed.tool_calls, [call(0, "get_weather", json!({"city": "<|end|>"}))]);

    for (text, reasoning, content) in [
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>",
            "a",
            "b",
        ),
        ("<|start|>assistant<|channel|>final<|message|>b", "", "b"),
        ("no header at all", "", "no header at all"),
        ("<|channel|>final<|message|>a < b <| c", "", "a < b <| c"),
        ("<|channel|>final<|mess", "", ""),
    ] {
        let parsed = answer(AnswerParser::new(harmony()), text);
        assert_eq!((parsed.reasoning.as_str(), parsed.content.as_str()), (reasoning, content), "{text}");
    }
    let code = "<|channel|>analysis to=python code<|message|>print(1)<|call|>";
    assert_eq!(
        answer(AnswerParser::new(harmony()), code).tool_calls,
        [call(0, "python", json!({"code": "print(1)"}))]
    );
}

#[test]
fn muse_spark_messages_go_where_their_headers_say() {
    let text = "to=self<|message|>Hm.<|eom|><|start|>assistant to=weather<|message|><atem:function_calls>\
                <atem:invoke name=\"now\"></atem:invoke></atem:function_calls><|eom|>\
                <|start|>assistant to=user<|message|>Done.<|eot|>";
    let parsed = answer(AnswerParser::new(declared("muse_spark")).tools(&tools()), text);
    assert_eq!((parsed.reasoning.as_str(), parsed.content.as_str()), ("Hm.", "Done."));
    assert_eq!(parsed.tool_calls, [call(0, "now", json!({}))]);
}

#[test]
fn reasoning_is_set_apart() {
    let vocabulary =
        |tokens: &'static [&'static str]| AnswerFormat::detect(None, None, move |t| tokens.contains(&t));
    let think = || vocabulary(&["<think>", "</think>"]);
    for (format, prompt, text, reasoning, content) in [
        (think(), "…", "<think>\nHm.\n</think>\n\nYes. ", "Hm.", "Yes. "),
        (think(), "…<think>\n", "Hm.\n\nSo:\n</think>\n\nYes.", "Hm.\n\nSo:", "Yes."),
        (think(), "…<think>\n\n</think>\n\n", "Yes.\n", "", "Yes.\n"),
        (think(), "…<think>", "Hm", "Hm", ""),
        (think(), "What is <think>?", " It is <thin", "", " It is <thin"),
        (
            vocabulary(&["<|channel>", "<channel|>"]),
            "…",
            "<|channel>thought\nHm.\n<channel|>Yes.",
            "Hm.",
            "Yes.",
        ),
        (vocabulary(&["[THINK]", "[/THINK]"]), "…", "[THINK]Hm.[/THINK]Yes.", "Hm.", "Yes."),
        (
            vocabulary(&["<seed:think>", "</seed:think>"]),
            "…",
            "<seed:think>Hm.</seed:think>Yes.",
            "Hm.",
            "Yes.",
        ),
        (
            vocabulary(&["<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>"]),
            "…",
            "<|open|>think<|sep|>Hm.<|close|>think<|sep|><|open|>response<|sep|>Yes.<|close|>response<|sep|><|end_of_msg|>",
            "Hm.",
            "Yes.",
        ),
        (
            AnswerFormat::detect(Some("write <think></think> and <response></response>"), None, |_| false),
            "…",
            "<think>Hm.</think><response>Yes.</response>",
            "Hm.",
            "Yes.",
        ),
        (AnswerFormat::default(), "<think>", "<think>Hm.</think> Yes.", "", "<think>Hm.</think> Yes."),
    ] {
        let parsed = answer(AnswerParser::new(format).after_prompt(prompt), text);
        assert_eq!((parsed.reasoning.as_str(), parsed.content.as_str()), (reasoning, content), "{text}");
    }
    let continued = AnswerParser::new(think()).continuing("<think>\nHm");
    let parsed = answer(continued, ", yes.</think>Yes.");
    assert_eq!((parsed.reasoning.as_str(), parsed.content.as_str()), (", yes.", "Yes."));
}

#[test]
fn malformed_calls_become_content_with_an_error() {
    for (format, text) in [
        ("json_tools", r#"<tool_call>{"name": "now", "arguments": {}</tool_call>"#),
        ("json_tools", r#"<tool_call>{"arguments": {}}</tool_call>"#),
        ("json_tools", r#"<tool_call>{"name": "now", "arguments": [1]}</tool_call>"#),
        ("json_tools", "<tool_call></tool_call>"),
        ("json_tools", r#"<tool_call>{"name": "get_weather", "arguments": {"city": "Os"#),
        (
            "qwen3_coder",
            "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n<parameter=da",
        ),
        ("qwen3_coder", "<tool_call>get_weather</tool_call>"),
        ("glm47", "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Os"),
        ("glm47", "<tool_call>I will now look</tool_call>"),
        ("gemma4", "<|tool_call>call:get_weather{city:<|\"|>Os"),
        ("function_gemma", "<start_function_call>call:get_weather{city<end_function_call>"),
        ("pythonic", "<|tool_call_start|>[get_weather(\"Oslo\")]<|tool_call_end|>"),
        ("pythonic", "<|tool_call_start|>[f(a=1) g()]<|tool_call_end|>"),
        ("mistral", "[TOOL_CALLS]get_weather[ARGS]{\"city\": \"Os"),
        ("mistral", "[TOOL_CALLS] get the weather"),
        ("granite", "<|tool_call|>[{\"name\": \"now\""),
        ("minicpm5", "<function name=\"get_weather\"><param name=\"city\">Oslo</function>"),
        ("longcat", "<longcat_tool_call>get_weather<longcat_arg_key>a</longcat_arg_key></longcat_tool_call>"),
    ] {
        let parsed = answer(AnswerParser::new(declared(format)).tools(&tools()), text);
        assert_eq!(parsed.content, text);
        assert_eq!(parsed.errors.len(), 1, "{text}: {parsed:?}");
        assert!(parsed.tool_calls.is_empty(), "{text}");
    }
    // In a section the other calls stay what they are.
    let text = "<|tool_calls_section_begin|>oh<|tool_call_begin|>functions.now:0<|tool_call_argument_begin|>{}\
                <|tool_call_end|><|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{<|tool_call_end|>\
                <|tool_calls_section_end|>";
    let parsed = answer(AnswerParser::new(declared("kimi_k2")).tools(&tools()), text);
    assert_eq!((parsed.tool_calls.len(), parsed.errors.len()), (1, 2));
    assert_eq!(
        parsed.content,
        "oh<|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{<|tool_call_end|>"
    );
}

#[test]
fn without_tools_nothing_is_a_call() {
    let text = "Write <tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>.";
    assert_eq!(answer(AnswerParser::new(declared("json_tools")), text).content, text);
    let text = r#"{"name": "now", "parameters": {}}"#;
    assert_eq!(answer(AnswerParser::new(declared("llama3")), text).content, text);
}

#[test]
fn arguments_are_given_while_they_are_written() {
    let delta = |id: Option<&str>, name: Option<&str>, arguments: &str| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        AnswerEvent::ToolCallDelta(ToolCallDelta {
            index: 0,
            id: owned(id),
            name: owned(name),
            arguments: arguments.into(),
        })
    };
    for (format, name_at, id) in [
        ("json_tools", "<tool_call>{\"name\": \"get_weather\", \"arguments\": ", None),
        ("mistral", "[TOOL_CALLS]get_weather[ARGS]", None),
        (
            "kimi_k2",
            "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>",
            Some("functions.get_weather:0"),
        ),
        ("deepseek", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>", None),
        (
            "deepseek",
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n",
            None,
        ),
    ] {
        let mut parser = AnswerParser::new(declared(format)).tools(&tools());
        assert_eq!(parser.push(name_at), [], "{name_at}");
        assert_eq!(
            parser.push("{\"ci"),
            [delta(id, Some("get_weather"), ""), delta(None, None, "{\"ci")],
            "{name_at}"
        );
        assert_eq!(parser.push("ty\": \"Os}"), [delta(None, None, "ty\": \"Os}")], "{name_at}");
        let rest = "lo\"}";
        assert_eq!(parser.push(rest), [delta(None, None, rest)], "{name_at}");
    }
    let mut parser = AnswerParser::new(harmony());
    parser.push("<|channel|>commentary to=functions.get_weather<|message|>");
    assert_eq!(parser.push("{\"a\""), [delta(None, Some("get_weather"), ""), delta(None, None, "{\"a\"")]);
    assert_eq!(parser.push(": 1}"), [delta(None, None, ": 1}")]);

    // A call that fails after its deltas says which one it was.
    let mut parser = AnswerParser::new(declared("json_tools")).tools(&tools());
    parser.push("<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": ");
    let events = parser.finish();
    assert!(matches!(&events[..], [AnswerEvent::Malformed { index: Some(0), .. }]), "{events:?}");
}

#[test]
fn formats_are_found_in_templates_and_vocabularies() {
    for (template, name) in [
        ("{{ '<tool_call>' }}{{ tool_call.name }}", Some("json_tools")),
        ("<tool_call>\n<function=f>", Some("qwen3_coder")),
        ("<tool_call>{{ x }}<arg_key>", Some("glm47")),
        ("<|tool_call>{{ x }}<tool_call|>", Some("gemma4")),
        ("<|tool_call|>", Some("granite")),
        ("[TOOL_CALLS]", Some("mistral")),
        ("<|python_tag|>", Some("llama3")),
        ("<｜tool▁calls▁begin｜>", Some("deepseek")),
        ("<|im_start|>", None),
    ] {
        assert_eq!(AnswerFormat::detect(Some(template), None, |_| false).tool_format(), name, "{template}");
    }
    let lfm = ["<|tool_call_start|>", "<|tool_call_end|>"];
    assert_eq!(AnswerFormat::detect(None, None, |t| lfm.contains(&t)).tool_format(), Some("pythonic"));
    assert_eq!(AnswerFormat::detect(None, Some("laguna"), |_| false).tool_format(), Some("glm47"));
    assert_eq!(AnswerFormat::detect(Some("[TOOL_CALLS]"), Some("unheard"), |_| false).tool_format(), None);
}

/// What answers are made of: markers of all families, their beginnings, and text.
const FRAGMENTS: [&str; 60] = [
    "<think>",
    "</think>",
    "<",
    "</",
    "<thi",
    "text",
    " ",
    "\n",
    "é🌧",
    "{",
    "}",
    "\"",
    "\\",
    ":",
    ",",
    "[",
    "]",
    "<tool_call>",
    "</tool_call>",
    "{\"name\": \"now\", \"arguments\": {}}",
    "{\"name\": \"now\", \"parameters\": ",
    "<function=now>",
    "</function>",
    "<parameter=a>",
    "</parameter>",
    "[TOOL_CALLS]",
    "now[ARGS]{\"a\": 1}",
    "<|python_tag|>",
    ";",
    "<arg_key>a</arg_key>",
    "<arg_value>1</arg_value>",
    "now",
    "call:now{a:1}",
    "<|tool_call>",
    "<tool_call|>",
    "<|\"|>",
    "<|tool_calls_section_begin|>",
    "<|tool_calls_section_end|>",
    "<|tool_call_begin|>",
    "<|tool_call_end|>",
    "functions.now:0<|tool_call_argument_begin|>{",
    "<|tool_call_start|>",
    "[now(a=1)]",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁calls▁end｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁call▁end｜>",
    "function<｜tool▁sep｜>now\n```json\n",
    "```",
    "<|channel|>analysis",
    "<|channel|>commentary to=functions.now",
    "<|message|>",
    "<|end|>",
    "<|start|>assistant",
    "<|call|>",
    "to=",
    "<|open|>call tool=\"now\"<|sep|>",
    "<|close|>call<|sep|>",
    "<|open|>tools<|sep|>",
    "<invoke name=\"now\">",
];

const FORMATS: [&str; 13] = [
    "json_tools",
    "qwen3_coder",
    "glm47",
    "mistral",
    "llama3",
    "kimi_k2",
    "gemma4",
    "pythonic",
    "deepseek",
    "granite",
    "minimax_m2",
    "kimi_k3",
    "muse_spark",
];

/// The last border between characters up to `at`.
fn cut_at(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn where_the_text_is_cut_does_not_matter(
        format in prop::option::of(prop::sample::select(&FORMATS[..])),
        fragments in prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 0..14),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let text = fragments.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut_at(&text, cut.index(text.len() + 1))).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&str> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
        let characters = text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]);
        let parser = AnswerParser::new(format.map_or_else(harmony, declared)).tools(&tools());
        let whole = events(parser.clone(), [text.as_str()]);
        prop_assert_eq!(&events(parser.clone(), pieces), &whole);
        prop_assert_eq!(&events(parser, characters), &whole);
    }

    /// Nothing but markers, headers and the blanks around them is lost.
    #[test]
    fn no_text_is_lost(
        format in prop::sample::select(&FORMATS[..12]),
        words in prop::collection::vec("[a-z]{1,5}|<tool_call>|\\[TOOL_CALLS\\]|<think>|</think>|<|<\\|tool_call\\|>", 1..10),
    ) {
        let text = words.join(" ");
        let parsed = answer(AnswerParser::new(declared(format)).tools(&tools()), &text);
        let all = parsed.reasoning + " " + &parsed.content;
        for word in words.iter().filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())) {
            let calls = parsed.tool_calls.iter().any(|call| call.name.contains(word.as_str()) || call.arguments_json().contains(word.as_str()));
            prop_assert!(all.contains(word.as_str()) || calls, "{} in {}", word, text);
        }
    }
}
