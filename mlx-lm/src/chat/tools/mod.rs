//! The formats of tool calls: one row each, and how what stands between their markers is read.

use serde_json::{Map, Value};

mod angle;
pub(super) mod bare;
mod gemma;
mod json;
mod kimi_k3;
mod literal;
mod pairs;
mod python;
mod schema;
mod spelling;
#[cfg(test)]
mod spelling_tests;

pub(crate) use spelling::{ANY, CallGrammar, text_until};
use spelling::{CODE, ELEMENTS, TextOf};
pub(super) use spelling::{OBJECT, Spelling};

/// A family's way to call tools.
pub(super) struct ToolFormat {
    /// As `tool_parser_type` of `tokenizer_config.json` names it.
    pub(super) name: &'static str,
    /// Other names of the same.
    aliases: &'static [&'static str],
    /// Chat templates with all texts of one of these lists use it.
    template: &'static [&'static [&'static str]],
    /// If no template tells: vocabularies with all of these tokens.
    tokens: &'static [&'static str],
    /// Markers around all calls of an answer.
    pub(super) section: Option<(&'static str, &'static str)>,
    /// Stands before each call.
    pub(super) open: &'static str,
    /// Stands behind each call; without it the answer ends there.
    pub(super) close: Option<&'static str>,
    /// Whether a call is JSON, so that markers in its strings are text.
    pub(super) json: bool,
    /// Whether a call may stand without markers at the beginning of the answer.
    pub(super) bare: bool,
    /// Reads what stands between the markers.
    pub(super) parse: fn(&str, &Tools<'_>) -> Parsed,
    /// Reads the beginning of it, for formats that write the arguments as JSON behind the name.
    pub(super) head: Option<fn(&str) -> Option<Head>>,
    /// How it is written; the first that fits the model.
    pub(super) spellings: &'static [Spelling],
}

impl std::fmt::Debug for ToolFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The calls, or what is wrong with the text.
pub(super) type Parsed = Result<Vec<ParsedCall>, String>;

/// A call as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ParsedCall {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
}

/// The beginning of a call.
#[derive(Debug, PartialEq)]
pub(super) struct Head {
    pub(super) id: Option<String>,
    pub(super) name: String,
    /// The byte where the JSON object of the arguments begins.
    pub(super) arguments: usize,
}

/// The tools that the model was told of.
pub(super) struct Tools<'t>(pub(super) &'t [Value]);

/// What most formats are.
const PLAIN: ToolFormat = ToolFormat {
    name: "",
    aliases: &[],
    template: &[],
    tokens: &[],
    section: None,
    open: "<tool_call>",
    close: Some("</tool_call>"),
    json: false,
    bare: false,
    parse: json::calls,
    head: None,
    spellings: &[],
};

/// What stands around DeepSeek's calls.
const DEEPSEEK_AROUND: [&str; 3] = ["<｜tool▁calls▁begin｜>", "\n", "<｜tool▁calls▁end｜>"];

/// A list of calls in Python.
const PYTHONIC: Spelling = Spelling {
    around: ["<|tool_call_start|>[", ", ", "]<|tool_call_end|>"],
    call: "{name}({pairs})",
    pair: ["{key}=", "", ", "],
    text: (TextOf::Strings, CODE),
    ..OBJECT
};

/// The first row that fits decides.
static FORMATS: [ToolFormat; 23] = [
    ToolFormat {
        name: "minimax_m2",
        template: &[&["<minimax:tool_call>"]],
        section: Some(("<minimax:tool_call>", "</minimax:tool_call>")),
        open: "<invoke name=",
        close: Some("</invoke>"),
        parse: angle::minimax_m2,
        spellings: &[Spelling {
            around: ["<minimax:tool_call>\n", "\n", "\n</minimax:tool_call>"],
            call: "<invoke name=\"{name}\">\n{pairs}\n</invoke>",
            pair: ["<parameter name=\"{key}\">", "</parameter>", "\n"],
            ..ELEMENTS
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "gemma4",
        template: &[&["<|tool_call>", "<tool_call|>"]],
        open: "<|tool_call>",
        close: Some("<tool_call|>"),
        parse: gemma::gemma4,
        spellings: &[Spelling {
            around: ["", "", ""],
            call: "<|tool_call>call:{name}{{pairs}}<tool_call|>",
            pair: ["{key}:", "", ","],
            text: (TextOf::Strings, "<|\"|>"),
            ..OBJECT
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "function_gemma",
        template: &[&["<start_function_call>"]],
        open: "<start_function_call>",
        close: Some("<end_function_call>"),
        parse: gemma::function_gemma,
        spellings: &[Spelling {
            around: ["", "", ""],
            call: "<start_function_call>call:{name}{{pairs}}<end_function_call>",
            pair: ["{key}:", "", ","],
            text: (TextOf::Strings, "<escape>"),
            ..OBJECT
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "longcat",
        template: &[&["<longcat_tool_call>"]],
        open: "<longcat_tool_call>",
        close: Some("</longcat_tool_call>"),
        parse: pairs::longcat,
        spellings: &[Spelling {
            call: "<longcat_tool_call>{name}\n{pairs}\n</longcat_tool_call>",
            pair: [
                "<longcat_arg_key>{key}</longcat_arg_key>\n<longcat_arg_value>",
                "</longcat_arg_value>",
                "\n",
            ],
            text: (TextOf::Strings, ""),
            ..OBJECT
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "glm47",
        aliases: &["laguna"],
        template: &[&["<arg_key>"]],
        parse: pairs::glm47,
        spellings: &[Spelling {
            call: "<tool_call>{name}\n{pairs}\n</tool_call>",
            pair: ["<arg_key>{key}</arg_key>\n<arg_value>", "</arg_value>", "\n"],
            text: (TextOf::Strings, ""),
            ..OBJECT
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "pythonic",
        template: &[&["<|tool_list_start|>"], &["<|tool_call_start|>"]],
        open: "<|tool_call_start|>",
        close: Some("<|tool_call_end|>"),
        parse: python::pythonic,
        spellings: &[PYTHONIC],
        ..PLAIN
    },
    ToolFormat {
        name: "seed_oss",
        template: &[&["<seed:tool_call>"]],
        open: "<seed:tool_call>",
        close: Some("</seed:tool_call>"),
        parse: angle::qwen3_coder,
        spellings: &[Spelling {
            call: "<seed:tool_call>\n<function={name}>\n{pairs}\n</function>\n</seed:tool_call>",
            pair: ["<parameter={key}>\n", "</parameter>", "\n"],
            ..ELEMENTS
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "qwen3_coder",
        template: &[&["<tool_call>\\n<function="], &["<tool_call>\n<function="]],
        parse: angle::qwen3_coder,
        spellings: &[Spelling {
            call: "<tool_call>\n<function={name}>\n{pairs}\n</function>\n</tool_call>",
            pair: ["<parameter={key}>\n", "</parameter>", "\n"],
            ..ELEMENTS
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "kimi_k2",
        template: &[&["<|tool_calls_section_begin|>"]],
        section: Some(("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>")),
        open: "<|tool_call_begin|>",
        close: Some("<|tool_call_end|>"),
        json: true,
        parse: json::kimi_k2,
        head: Some(json::kimi_k2_head),
        spellings: &[Spelling {
            around: ["<|tool_calls_section_begin|>", "", "<|tool_calls_section_end|>"],
            call: "<|tool_call_begin|>functions.{name}:{number}<|tool_call_argument_begin|>{json}<|tool_call_end|>",
            ..OBJECT
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "minicpm5",
        template: &[&["<function name=\"", "<param name=\""]],
        open: "<function name=",
        close: Some("</function>"),
        parse: angle::minicpm5,
        spellings: &[Spelling {
            call: "<function name=\"{name}\">{pairs}</function>",
            pair: ["<param name=\"{key}\">", "</param>", ""],
            ..ELEMENTS
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "mistral",
        template: &[&["[TOOL_CALLS]"]],
        open: "[TOOL_CALLS]",
        close: None,
        json: true,
        parse: json::mistral,
        head: Some(json::mistral_head),
        spellings: &[
            Spelling {
                sign: "[ARGS]",
                around: ["[TOOL_CALLS]", "", ""],
                call: "{name}[ARGS]{json}",
                ..OBJECT
            },
            Spelling { around: ["[TOOL_CALLS][", ", ", "]"], ..OBJECT },
        ],
        ..PLAIN
    },
    ToolFormat {
        name: "muse_spark",
        template: &[&["<atem:function_calls>"]],
        section: Some(("<atem:function_calls>", "</atem:function_calls>")),
        open: "<atem:invoke",
        close: Some("</atem:invoke>"),
        parse: angle::muse_spark,
        spellings: &[Spelling {
            around: [" to=user<|message|><atem:function_calls>\n", "\n", "\n</atem:function_calls>"],
            call: "<atem:invoke name=\"{name}\">\n{pairs}\n</atem:invoke>",
            pair: ["<atem:parameter name=\"{key}\">", "</atem:parameter>", "\n"],
            text: (TextOf::Strings, CODE),
            ..OBJECT
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "deepseek_v32",
        template: &[&["｜DSML｜function_calls>"]],
        section: Some(("<｜DSML｜function_calls>", "</｜DSML｜function_calls>")),
        open: "<｜DSML｜invoke",
        close: Some("</｜DSML｜invoke>"),
        parse: angle::deepseek_v32,
        spellings: &[Spelling {
            around: ["<｜DSML｜function_calls>\n", "\n", "\n</｜DSML｜function_calls>"],
            call: "<｜DSML｜invoke name=\"{name}\">\n{pairs}\n</｜DSML｜invoke>",
            pair: ["<｜DSML｜parameter name=\"{key}\" string=\"{is_text}\">", "</｜DSML｜parameter>", "\n"],
            text: (TextOf::Strings, ""),
            ..OBJECT
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "deepseek",
        aliases: &["deepseek_v3", "deepseek_v31", "deepseek_r1"],
        template: &[&["<｜tool▁calls▁begin｜>"]],
        section: Some(("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>")),
        open: "<｜tool▁call▁begin｜>",
        close: Some("<｜tool▁call▁end｜>"),
        json: true,
        parse: json::deepseek,
        head: Some(json::deepseek_head),
        spellings: &[
            Spelling {
                sign: "```json",
                around: DEEPSEEK_AROUND,
                call: "<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n{json}\n```<｜tool▁call▁end｜>",
                ..OBJECT
            },
            Spelling {
                around: DEEPSEEK_AROUND,
                call: "<｜tool▁call▁begin｜>{name}<｜tool▁sep｜>{json}<｜tool▁call▁end｜>",
                ..OBJECT
            },
        ],
        ..PLAIN
    },
    ToolFormat {
        name: "command",
        aliases: &["cohere"],
        template: &[&["<|START_ACTION|>"]],
        open: "<|START_ACTION|>",
        close: Some("<|END_ACTION|>"),
        json: true,
        spellings: &[Spelling {
            around: ["<|START_ACTION|>[", ", ", "]<|END_ACTION|>"],
            keys: ["tool_name", "parameters"],
            ..OBJECT
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "phi4",
        template: &[&["<|tool_call|>", "<|/tool_call|>"]],
        tokens: &["<|tool_call|>", "<|/tool_call|>"],
        open: "<|tool_call|>",
        close: Some("<|/tool_call|>"),
        json: true,
        spellings: &[Spelling { around: ["<|tool_call|>[", ", ", "]<|/tool_call|>"], ..OBJECT }],
        ..PLAIN
    },
    ToolFormat {
        name: "granite",
        template: &[&["<|tool_call|>"]],
        open: "<|tool_call|>",
        close: None,
        json: true,
        spellings: &[Spelling { around: ["<|tool_call|>[", ", ", "]"], ..OBJECT }],
        ..PLAIN
    },
    ToolFormat {
        name: "nemotron",
        template: &[&["<TOOLCALL>"]],
        open: "<TOOLCALL>",
        close: Some("</TOOLCALL>"),
        json: true,
        spellings: &[Spelling { around: ["<TOOLCALL>[", ", ", "]</TOOLCALL>"], ..OBJECT }],
        ..PLAIN
    },
    ToolFormat {
        name: "llama3",
        template: &[&["<|python_tag|>"], &["<|start_header_id|>", "\"parameters\": dictionary"]],
        open: "<|python_tag|>",
        close: None,
        json: true,
        bare: true,
        parse: python::python_tag,
        spellings: &[Spelling { around: ["", "; ", ""], keys: ["name", "parameters"], ..OBJECT }],
        ..PLAIN
    },
    ToolFormat {
        name: "tool_calls",
        aliases: &["hunyuan", "jamba"],
        template: &[&["<tool_calls>", "</tool_calls>"]],
        open: "<tool_calls>",
        close: Some("</tool_calls>"),
        json: true,
        spellings: &[Spelling { around: ["<tool_calls>[", ", ", "]</tool_calls>"], ..OBJECT }],
        ..PLAIN
    },
    ToolFormat {
        name: "json_tools",
        aliases: &["hermes"],
        template: &[&["<tool_call>", "tool_call.name"], &["<tool_call>", "arguments"]],
        json: true,
        head: Some(json::head),
        spellings: &[Spelling { call: "<tool_call>\n{object}\n</tool_call>", ..OBJECT }],
        ..PLAIN
    },
    ToolFormat {
        name: "kimi_k3",
        tokens: &["<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>"],
        section: Some(("<|open|>tools<|sep|>", "<|close|>tools<|sep|>")),
        open: "<|open|>call",
        close: Some("<|close|>call<|sep|>"),
        parse: kimi_k3::call,
        spellings: &[Spelling {
            around: ["<|open|>tools<|sep|>", "", "<|close|>tools<|sep|>"],
            call: "<|open|>call tool=\"{name}\" index=\"{number}\"<|sep|>{pairs}<|close|>call<|sep|>",
            pair: ["<|open|>argument key=\"{key}\" type=\"{type}\"<|sep|>", "<|close|>argument<|sep|>", ""],
            text: (TextOf::Strings, ""),
            ..OBJECT
        }],
        ..PLAIN
    },
    ToolFormat {
        name: "pythonic",
        tokens: &["<|tool_call_start|>", "<|tool_call_end|>"],
        open: "<|tool_call_start|>",
        close: Some("<|tool_call_end|>"),
        parse: python::pythonic,
        spellings: &[PYTHONIC],
        ..PLAIN
    },
];

/// The format that is `declared`, else the first that the template shows, else the first of the vocabulary.
pub(super) fn detect(
    template: &str,
    declared: Option<&str>,
    has_token: &impl Fn(&str) -> bool,
) -> Option<&'static ToolFormat> {
    if let Some(name) = declared {
        return FORMATS.iter().find(|format| format.name == name || format.aliases.contains(&name));
    }
    let shown = |format: &&ToolFormat| {
        format.template.iter().any(|texts| texts.iter().all(|text| template.contains(text)))
    };
    let known = |format: &&ToolFormat| {
        !format.tokens.is_empty() && format.tokens.iter().all(|token| has_token(token))
    };
    FORMATS.iter().find(shown).or_else(|| FORMATS.iter().find(known))
}

/// A call whose tool a header has named: its arguments are JSON, or the code that the tool runs.
pub(super) fn named(tool: &str, payload: &str) -> Result<ParsedCall, String> {
    let arguments = match payload.trim() {
        code if named_head(tool, code).is_none() && tool == "python" => {
            Map::from_iter([("code".to_owned(), code.into())])
        }
        text => json::arguments(text)?,
    };
    Ok(ParsedCall { id: None, name: tool.to_owned(), arguments })
}

/// The beginning of such a call, if its arguments are JSON.
pub(super) fn named_head(tool: &str, payload: &str) -> Option<Head> {
    let arguments = payload.len() - payload.trim_start().len();
    (payload[arguments..].starts_with('{') && tool != "python").then(|| Head {
        id: None,
        name: tool.to_owned(),
        arguments,
    })
}

/// The text before `open`, between it and the next `close`, and behind that.
fn between<'t>(text: &'t str, open: &str, close: &str) -> Option<(&'t str, &'t str, &'t str)> {
    let (before, rest) = text.split_once(open)?;
    let (inside, after) = rest.split_once(close)?;
    Some((before, inside, after))
}

/// An error if more than blanks is left of a call.
fn nothing_left(text: &str) -> Result<(), String> {
    match text.trim() {
        "" => Ok(()),
        rest => Err(format!("unexpected text in a tool call: {}", start_of(rest))),
    }
}

/// So much of a text as an error needs to show.
fn start_of(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}
