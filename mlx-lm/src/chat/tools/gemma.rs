//! Gemma's calls: `call:f{key:value,…}`, with strings between markers of their own.

use serde_json::{Map, Value};

use super::{Parsed, ParsedCall, Tools, nothing_left, start_of};

/// `call:f{a:<escape>text<escape>,b:1}`
pub(super) fn function_gemma(text: &str, _: &Tools<'_>) -> Parsed {
    read(text, "<escape>")
}

/// `call:f{a:<|"|>text<|"|>,b:{c:[1,2]}}`, any number of times.
pub(super) fn gemma4(text: &str, _: &Tools<'_>) -> Parsed {
    read(text, "<|\"|>")
}

fn read(text: &str, quote: &str) -> Parsed {
    let mut calls = Vec::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once("call:").unwrap_or((rest, ""));
        nothing_left(before)?;
        if after.is_empty() {
            break;
        }
        let (name, _) = after.split_once('{').ok_or("a tool call has no arguments")?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
        if !is_name {
            return Err(format!("{} is no tool's name", start_of(name)));
        }
        let mut reader = Reader { rest: &after[name.len()..], quote, depth: 0 };
        let arguments = reader.object().ok_or("the arguments of a tool call are malformed")?;
        calls.push(ParsedCall { id: None, name: name.to_owned(), arguments });
        rest = reader.rest;
    }
    if calls.is_empty() { Err("a tool call is empty".to_owned()) } else { Ok(calls) }
}

/// JSON with bare keys and other quotes.
struct Reader<'t> {
    rest: &'t str,
    quote: &'t str,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn eat(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn object(&mut self) -> Option<Map<String, Value>> {
        self.eat("{")?;
        let mut fields = Map::new();
        while self.eat("}").is_none() {
            if !fields.is_empty() {
                self.eat(",")?;
            }
            let key = match self.string().or_else(|| self.json_string()) {
                Some(key) => key,
                None => self.until(':')?.trim().trim_matches('"').to_owned(),
            };
            self.eat(":")?;
            let value = self.value()?;
            fields.insert(key, value);
        }
        Some(fields)
    }

    fn value(&mut self) -> Option<Value> {
        const MAX_DEPTH: usize = 64;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        self.rest = self.rest.trim_start();
        let value = match self.rest.chars().next()? {
            '{' => Value::Object(self.object()?),
            '[' => self.list()?,
            _ => match self.string() {
                Some(text) => Value::String(text),
                None => self.bare()?,
            },
        };
        self.depth -= 1;
        Some(value)
    }

    fn list(&mut self) -> Option<Value> {
        self.eat("[")?;
        let mut items = Vec::new();
        while self.eat("]").is_none() {
            if !items.is_empty() {
                self.eat(",")?;
            }
            items.push(self.value()?);
        }
        Some(Value::Array(items))
    }

    fn string(&mut self) -> Option<String> {
        let (text, rest) = self.rest.trim_start().strip_prefix(self.quote)?.split_once(self.quote)?;
        self.rest = rest;
        Some(text.to_owned())
    }

    /// A JSON value without brackets, or a word.
    fn bare(&mut self) -> Option<Value> {
        if let Some(text) = self.json_string() {
            return Some(text.into());
        }
        let end = self.rest.find([',', '}', ']'])?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let text = text.trim();
        Some(serde_json::from_str(text).unwrap_or_else(|_| text.into()))
    }

    fn json_string(&mut self) -> Option<String> {
        let text = self.rest.trim_start();
        text.starts_with('"').then_some(())?;
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let string = values.next()?.ok()?;
        self.rest = &text[values.byte_offset()..];
        Some(string)
    }

    fn until(&mut self, end: char) -> Option<&'t str> {
        let (text, rest) = self.rest.split_at(self.rest.find(end)?);
        self.rest = rest;
        Some(text)
    }
}
