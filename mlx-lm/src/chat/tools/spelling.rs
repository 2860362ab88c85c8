//! How calls are written, as a grammar: for answers that have to be calls.

use serde_json::{Map, Value, json};
use std::fmt::Write;

use super::schema;
use crate::Tokenizer;

/// How a family writes calls. Texts between braces are placeholders.
#[derive(Debug)]
pub(crate) struct Spelling {
    /// A text of the chat template or a token without which a model does not write so; empty if all do.
    pub(in super::super) sign: &'static str,
    /// Stands before, between and behind the calls of an answer.
    pub(in super::super) around: [&'static str; 3],
    /// A call: `{name}`, any `{number}`, and its arguments as JSON, `{json}`, or as `{pairs}`; or all in `{object}`.
    pub(in super::super) call: &'static str,
    /// The keys of `{object}`, of name and arguments.
    pub(in super::super) keys: [&'static str; 2],
    /// One of the pairs: what stands before the value, with `{key}`, `{type}` and `{is_text}`; behind it; between pairs.
    pub(in super::super) pair: [&'static str; 3],
    /// Which values are text instead of JSON, and what stands on both sides of text.
    pub(in super::super) text: (TextOf, &'static str),
}

/// Which values are written as they are. The others are JSON.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) enum TextOf {
    Nothing,
    Strings,
    /// All that the schema allows to be strings.
    PossibleStrings,
}

/// What JSON is in a call: an object with name and arguments.
pub(in super::super) const OBJECT: Spelling = Spelling {
    sign: "",
    around: ["", "\n", ""],
    call: "{object}",
    keys: ["name", "arguments"],
    pair: [""; 3],
    text: (TextOf::Nothing, ""),
};

/// The quotes around strings in code and JSON.
pub(in super::super) const CODE: &str = "\"";

/// Elements with text in them.
pub(in super::super) const ELEMENTS: Spelling = Spelling { text: (TextOf::PossibleStrings, ""), ..OBJECT };

/// A grammar's rule `call` and what it needs, and what stands around the calls of an answer, all in Lark's notation.
pub(crate) struct CallGrammar {
    /// Before, between and behind the calls.
    pub(crate) around: [String; 3],
    pub(crate) rules: String,
}

impl Spelling {
    /// Whether a model with this tokenizer writes so.
    pub(in super::super) fn fits(&self, tokenizer: &Tokenizer) -> bool {
        let template = tokenizer.chat_template().map(|template| template.source_with_tools());
        tokenizer.token_to_id(self.sign).is_some() || template.unwrap_or_default().contains(self.sign)
    }

    /// Calls of `tools`. JSON gets the options `json` of llguidance. The error says what cannot be written.
    pub(crate) fn grammar(
        &self,
        tokenizer: &Tokenizer,
        tools: &[&Value],
        json: &Value,
    ) -> Result<CallGrammar, String> {
        let mut writer = Writer { spelling: self, tokenizer, json, rules: String::new() };
        let mut names = vec![];
        for (index, tool) in tools.iter().enumerate() {
            let rule = writer.tool(index, tool.get("function").unwrap_or(tool))?;
            let _ = writeln!(writer.rules, "call_{index}: {rule}");
            names.push(format!("call_{index}"));
        }
        let _ = writeln!(writer.rules, "call: {}", names.join(" | "));
        if self.text.0 != TextOf::Nothing {
            let text = writer.text();
            writer.rules += &text;
        }
        Ok(CallGrammar { around: self.around.map(|text| literal(tokenizer, text)), rules: writer.rules })
    }
}

struct Writer<'t> {
    spelling: &'t Spelling,
    tokenizer: &'t Tokenizer,
    json: &'t Value,
    rules: String,
}

impl Writer<'_> {
    fn tool(&mut self, index: usize, tool: &Value) -> Result<String, String> {
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
        let arguments = ["parameters", "input_schema"].iter().find_map(|key| tool.get(*key));
        let arguments = arguments.filter(|schema| !schema.is_null()).cloned();
        let arguments = arguments.unwrap_or_else(|| json!({"type": "object"}));
        let (mut rule, mut rest) = (String::new(), self.spelling.call);
        while let Some((before, placeholder, after)) = next_placeholder(rest) {
            rule += &self.literal(before);
            rule += &match placeholder {
                "{name}" => self.literal(self.word(name)?),
                "{number}" => "/[0-9]{1,3}/ ".to_owned(),
                "{json}" => self.json(&arguments),
                "{pairs}" => self.pairs(index, name, &arguments)?,
                _ => self.json(&self.object(name, &arguments)),
            };
            rest = after;
        }
        Ok(rule + &self.literal(rest))
    }

    fn literal(&self, text: &str) -> String {
        literal(self.tokenizer, text)
    }

    /// A name that can stand among marks.
    fn word<'w>(&self, word: &'w str) -> Result<&'w str, String> {
        let is_word = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
        // In Python a name is one.
        let is_named = self.spelling.pair[0] != "{key}=" || !word.contains('-');
        if is_word && is_named { Ok(word) } else { Err(format!("a call cannot spell the name `{word}`")) }
    }

    fn object(&self, name: &str, arguments: &Value) -> Value {
        let [name_key, arguments_key] = self.spelling.keys;
        let object = json!({
            "type": "object",
            "properties": { name_key: { "const": name }, arguments_key: arguments },
            "required": [name_key, arguments_key],
            "additionalProperties": false,
        });
        with_definitions(&object, arguments)
    }

    fn json(&self, schema: &Value) -> String {
        let mut schema = schema.clone();
        if let Some(fields) = schema.as_object_mut() {
            fields.insert("x-guidance".into(), self.json.clone());
        }
        format!("%json {schema} ")
    }

    /// The arguments in the order of the schema; those that are not required may be left out.
    fn pairs(&mut self, index: usize, tool: &str, schema: &Value) -> Result<String, String> {
        let whole = ["anyOf", "oneOf", "allOf", "$ref", "patternProperties", "if"];
        if let Some(key) = whole.iter().find(|key| schema.get(**key).is_some()) {
            return Err(format!(
                "a call writes its arguments one by one; `{key}` of `{tool}` describes them as a whole"
            ));
        }
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let required: Vec<&str> = schema::list(schema, "required").iter().filter_map(Value::as_str).collect();
        let undeclared = required.iter().find(|key| !properties.contains_key(**key));
        if let Some(key) = undeclared {
            return Err(format!("the argument `{key}` of `{tool}` is required but not among its properties"));
        }
        let between = self.literal(self.spelling.pair[2]);
        // From the last to the first: `first` begins a list, `more` goes on with one.
        let count = properties.len();
        let _ = writeln!(self.rules, "first_{index}_{count}: \"\"\nmore_{index}_{count}: \"\"");
        for (at, (key, property)) in properties.iter().enumerate().rev() {
            let pair = self.pair(key, &with_definitions(property, schema))?;
            let next = at + 1;
            let (rest, skip) = (format!("more_{index}_{next}"), !required.contains(&key.as_str()));
            let skip = |kind: &str| if skip { format!(" | {kind}_{index}_{next}") } else { String::new() };
            let (first, more) = (skip("first"), skip("more"));
            let _ = writeln!(
                self.rules,
                "pair_{index}_{at}: {pair}\nfirst_{index}_{at}: pair_{index}_{at} {rest}{first}\n\
                 more_{index}_{at}: {between} pair_{index}_{at} {rest}{more}"
            );
        }
        Ok(format!("first_{index}_0 "))
    }

    fn pair(&self, key: &str, property: &Value) -> Result<String, String> {
        let Spelling { pair: [head, tail, _], text: (text_of, quote), .. } = self.spelling;
        let is_text = match text_of {
            TextOf::Nothing => false,
            TextOf::Strings => schema::is_string(property),
            TextOf::PossibleStrings => schema::can_be_string(property),
        };
        let kind = if is_text { "string" } else { property["type"].as_str().unwrap_or("object") };
        let head = head.replace("{key}", self.word(key)?).replace("{type}", kind);
        let head = head.replace("{is_text}", if is_text { "true" } else { "false" });
        // A value on lines of its own has a line break behind it, too; that of a text is part of its rule.
        let line = if head.ends_with('\n') { "\n" } else { "" };
        let values = match (property.get("const"), schema::list(property, "enum")) {
            (Some(value), _) => std::slice::from_ref(value),
            (None, values) => values,
        };
        let (head, end) = (self.literal(&head), self.literal(&format!("{line}{tail}")));
        Ok(match values {
            _ if !is_text => format!("{head}{}{end}", self.json(property)),
            [] => format!("{head}{}text", self.literal(quote)),
            values => {
                let choices: Vec<_> = values.iter().map(|value| self.literal(&plain(value, quote))).collect();
                let quote = self.literal(quote);
                format!("{head}{quote}({}) {quote}{end}", choices.join("| "))
            }
        })
    }

    /// The rule `text`, without what would end it, or the call, for a reader.
    fn text(&self) -> String {
        let Spelling { around, call, pair, text: (_, quote), .. } = self.spelling;
        let behind = call.rsplit("{pairs}").next().unwrap_or_default();
        let ends = [quote, pair[1], behind, around[2]];
        let lines = ends.iter().flat_map(|text| text.split('\n'));
        let marks =
            lines.map(|line| line.trim_start_matches(['}', ')', ']'])).filter(|mark| !mark.is_empty());
        let end = format!("{quote}{}", pair[1]);
        // Where quotes are those of code, text is what needs no escapes.
        let characters = if *quote == CODE { r"[^\x00-\x1f\\]" } else { ANY };
        text_until(self.tokenizer, "text", characters, &end, marks)
    }
}

/// A regular expression for any character.
pub(crate) const ANY: &str = "(?s:.)";

/// A rule: any text of these `characters` up to and with `end`, without any of `marks` before.
pub(crate) fn text_until<'m>(
    tokenizer: &Tokenizer,
    rule: &str,
    characters: &str,
    end: &str,
    marks: impl Iterator<Item = &'m str>,
) -> String {
    let marks: Vec<String> = marks.map(escape).collect();
    let terminal = rule.to_uppercase();
    let body = format!("{terminal}_BODY: /{characters}+/ & ~/(?s:.*)({})(?s:.*)/", marks.join("|"));
    // A terminal holds no special tokens: these stand behind it, and end it.
    let end = parts(tokenizer, end);
    let (lead, rest) = match end.split_first() {
        Some((Part::Text(text), rest)) => (quoted(text), rest),
        _ => (String::new(), &end[..]),
    };
    let tokens: String = rest.iter().map(Part::to_string).collect();
    match tokens.as_str() {
        "" => format!("{rule}[lazy]: {terminal}_BODY? {lead}\n{body}\n"),
        tokens if lead.is_empty() => format!("{rule}: {terminal}_BODY? {tokens}\n{body}\n"),
        tokens => format!("{rule}: {terminal} {tokens}\n{terminal}: {terminal}_BODY? {lead}\n{body}\n"),
    }
}

/// The property with the definitions that its references name.
fn with_definitions(property: &Value, schema: &Value) -> Value {
    let (mut property, refers) = (property.clone(), property.to_string().contains("\"$ref\""));
    if let Some(fields) = property.as_object_mut().filter(|_| refers) {
        for key in ["$defs", "definitions"] {
            if let Some(definitions) = schema.get(key) {
                fields.entry(key).or_insert_with(|| definitions.clone());
            }
        }
    }
    property
}

fn plain(value: &Value, quote: &str) -> String {
    let json = value.to_string();
    match value.as_str() {
        Some(_) if quote == CODE => json[1..json.len() - 1].to_owned(),
        Some(text) => text.to_owned(),
        None => json,
    }
}

fn next_placeholder(text: &str) -> Option<(&str, &'static str, &str)> {
    let all = ["{name}", "{number}", "{json}", "{pairs}", "{object}"];
    let (at, placeholder) = all.into_iter().filter_map(|p| Some((text.find(p)?, p))).min()?;
    Some((&text[..at], placeholder, &text[at + placeholder.len()..]))
}

/// Part of a text: a special token, which no text spells, or text.
enum Part {
    Token(u32),
    Text(String),
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Part::Token(id) => write!(f, "<[{id}]> "),
            Part::Text(text) => write!(f, "{} ", quoted(text)),
        }
    }
}

fn parts(tokenizer: &Tokenizer, text: &str) -> Vec<Part> {
    let (mut parts, mut rest) = (vec![], text);
    for id in tokenizer.encode(text, false).unwrap_or_default() {
        let is_special = tokenizer.decode(&[id], true).is_ok_and(|text| text.is_empty());
        let token = tokenizer.inner().id_to_token(id).filter(|_| is_special).unwrap_or_default();
        if let Some((before, after)) = rest.split_once(&token).filter(|_| !token.is_empty()) {
            parts.extend((!before.is_empty()).then(|| Part::Text(before.to_owned())));
            parts.push(Part::Token(id));
            rest = after;
        }
    }
    parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_owned())));
    parts
}

/// A text in Lark's notation, and a blank.
fn literal(tokenizer: &Tokenizer, text: &str) -> String {
    parts(tokenizer, text).iter().map(Part::to_string).collect()
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A text as part of a regular expression in Lark's notation.
fn escape(text: &str) -> String {
    let needs = |c: char| r"\.+*?()|[]{}^$#&-~/".contains(c);
    text.chars().flat_map(|c| needs(c).then_some('\\').into_iter().chain([c])).collect()
}
