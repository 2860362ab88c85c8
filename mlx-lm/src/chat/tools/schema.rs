//! Arguments that are written as plain text, typed by the tool's schema.

use serde_json::{Number, Value};

use super::{Tools, literal};

impl Tools<'_> {
    /// The schema of an argument, if its tool declares it.
    fn argument(&self, tool: &str, name: &str) -> Option<&Value> {
        let function =
            |entry: &'_ Value| -> Option<()> { (entry.get("name")?.as_str()? == tool).then_some(()) };
        let entry = self.0.iter().map(|entry| entry.get("function").unwrap_or(entry));
        let mut named = entry.filter(|entry| function(entry).is_some());
        let tool = named.next()?;
        let parameters = ["parameters", "input_schema"].iter().find_map(|key| tool.get(*key))?;
        parameters.get("properties")?.get(name)
    }

    /// Whether the schema says that an argument is a string, and nothing else.
    pub(super) fn is_string(&self, tool: &str, name: &str) -> bool {
        self.argument(tool, name).is_some_and(is_string)
    }

    /// Any of several types, the narrowest first; an argument without a schema is a string.
    pub(super) fn widest(&self, tool: &str, name: &str, text: &str) -> Value {
        let mut types = Vec::new();
        if let Some(schema) = self.argument(tool, name) {
            collect_types(schema, &mut types, 0);
        }
        if types.is_empty() {
            types.push("string");
        }
        if text.eq_ignore_ascii_case("null") {
            return Value::Null;
        }
        if types.contains(&"null") && ["none", "nil"].contains(&text.to_lowercase().as_str()) {
            return Value::Null;
        }
        let has = |names: &[&str]| types.iter().any(|kind| names.contains(kind));
        let typed = [
            has(&["integer", "int"]).then(|| text.trim().parse::<i64>().ok().map(Value::from)),
            has(&["number", "float"]).then(|| number(text)),
            has(&["boolean", "bool"]).then(|| boolean(text)),
            has(&["object", "array"]).then(|| json_or_literal(text)),
            has(&["string", "str", "text"]).then(|| Some(text.into())),
        ];
        let typed = typed.into_iter().flatten().flatten().next();
        typed.unwrap_or_else(|| serde_json::from_str(text).unwrap_or_else(|_| text.into()))
    }

    /// The one type of the schema. What does not fit it stays a string, for the tool to refuse.
    pub(super) fn typed(&self, tool: &str, name: &str, text: &str) -> Value {
        if text.eq_ignore_ascii_case("null") {
            return Value::Null;
        }
        let Some(schema) = self.argument(tool, name) else { return text.into() };
        let Some(kind) = first_type(schema) else {
            let value = serde_json::from_str::<Value>(text).ok();
            return value
                .filter(|value| value.is_object() || value.is_array())
                .unwrap_or_else(|| text.into());
        };
        let starts = |names: &[&str]| names.iter().any(|name| kind.starts_with(name));
        let value = if ["string", "str", "text", "varchar", "char", "enum"].contains(&kind.as_str()) {
            None
        } else if starts(&["int", "uint", "long", "short", "unsigned"]) {
            number(text).filter(Value::is_i64)
        } else if starts(&["num", "float"]) {
            number(text)
        } else if ["boolean", "bool", "binary"].contains(&kind.as_str()) {
            Some(text.eq_ignore_ascii_case("true").into())
        } else {
            json_or_literal(text)
        };
        value.unwrap_or_else(|| text.into())
    }
}

/// Whether a schema allows strings, and nothing else.
pub(super) fn is_string(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "string")
}

/// Whether a schema may allow strings.
pub(super) fn can_be_string(schema: &Value) -> bool {
    let mut types = Vec::new();
    collect_types(schema, &mut types, 0);
    types.is_empty() || types.contains(&"string")
}

/// JSON or a Python literal; any other text is a string.
pub(super) fn guess(text: &str) -> Value {
    json_or_literal(text).unwrap_or_else(|| text.into())
}

fn json_or_literal(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| literal::parse(text))
}

/// A number, as an integer if it is whole.
fn number(text: &str) -> Option<Value> {
    let text = text.trim();
    let number = match text.parse::<i64>() {
        Ok(number) => Number::from(number),
        Err(_) => {
            let number: f64 = text.parse().ok()?;
            let whole = number.fract() == 0.0 && number.abs() < 9e15;
            if whole { Number::from(number as i64) } else { Number::from_f64(number)? }
        }
    };
    Some(Value::Number(number))
}

fn boolean(text: &str) -> Option<Value> {
    match text.trim().to_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true.into()),
        "false" | "0" | "no" | "off" => Some(false.into()),
        _ => None,
    }
}

fn first_type(schema: &Value) -> Option<String> {
    let kind = match schema.get("type")? {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null")?.as_str()?,
        kind => kind.as_str()?,
    };
    Some(kind.trim().to_lowercase())
}

/// Every type that a schema allows, by itself, by its values or by its alternatives.
fn collect_types<'s>(schema: &'s Value, types: &mut Vec<&'s str>, depth: usize) {
    const MAX_DEPTH: usize = 16;
    if !schema.is_object() || depth >= MAX_DEPTH {
        types.push("string");
        return;
    }
    let list = |key: &str| list(schema, key);
    match schema.get("type") {
        Some(Value::String(kind)) => types.push(kind),
        _ => types.extend(list("type").iter().filter_map(Value::as_str)),
    }
    types.extend(list("enum").iter().map(|value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }));
    for key in ["anyOf", "oneOf", "allOf"] {
        for choice in list(key) {
            collect_types(choice, types, depth + 1);
        }
    }
}

pub(super) fn list<'s>(schema: &'s Value, key: &str) -> &'s [Value] {
    schema.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
