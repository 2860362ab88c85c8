//! Calls in Python: a list of them, or Llama 3's code behind `<|python_tag|>`.

use serde_json::Map;

use super::literal::Reader;
use super::{Parsed, ParsedCall, Tools, json, start_of};

/// `[f(a=1), g.h(b="x")]`
pub(super) fn pythonic(text: &str, _: &Tools<'_>) -> Parsed {
    let malformed = || format!("{} is no list of calls in Python", start_of(text.trim()));
    let mut reader = Reader::new(text);
    let mut calls = Vec::new();
    reader.eat("[").ok_or_else(malformed)?;
    loop {
        calls.push(call(&mut reader).ok_or_else(malformed)?);
        let comma = reader.eat(",").is_some();
        if reader.eat("]").is_some() {
            break;
        }
        if !comma {
            return Err(malformed());
        }
    }
    if reader.end() { Ok(calls) } else { Err(malformed()) }
}

/// `f(a=1, b="x")`
fn call(reader: &mut Reader<'_>) -> Option<ParsedCall> {
    let name = reader.name()?.to_owned();
    reader.eat("(")?;
    let mut arguments = Map::new();
    let mut comma = true;
    while reader.eat(")").is_none() {
        if !comma {
            return None;
        }
        let key = reader.name()?.to_owned();
        reader.eat("=")?;
        arguments.insert(key, reader.value()?);
        comma = reader.eat(",").is_some();
    }
    Some(ParsedCall { id: None, name, arguments })
}

/// JSON calls, a built-in tool's `search.call(query="x")`, or code to run: a call of `code_interpreter`.
pub(super) fn python_tag(text: &str, tools: &Tools<'_>) -> Parsed {
    if text.trim_start().starts_with('{') {
        return json::calls(&text.replace("};", "}"), tools);
    }
    let mut reader = Reader::new(text);
    if let Some(mut call) = call(&mut reader).filter(|_| reader.end())
        && let Some(tool) = call.name.strip_suffix(".call")
    {
        call.name = tool.to_owned();
        return Ok(vec![call]);
    }
    if text.trim().is_empty() {
        return Err("a tool call is empty".to_owned());
    }
    let arguments = Map::from_iter([("code".to_owned(), text.trim().into())]);
    Ok(vec![ParsedCall { id: None, name: "code_interpreter".to_owned(), arguments }])
}
