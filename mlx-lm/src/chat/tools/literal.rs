//! Python's literals, as models that think in Python write values.

use serde_json::{Map, Number, Value};

/// Deeper nesting than any argument has; it bounds the recursion.
const MAX_DEPTH: usize = 64;

/// The value of a text that is one literal: numbers, strings, `True`, `False`, `None`, lists, tuples and
/// dictionaries. JSON's `true`, `false` and `null` count, too.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader::new(text);
    let value = reader.value()?;
    reader.end().then_some(value)
}

/// Reads literals and what stands around them.
pub(super) struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Reader<'t> {
        Reader { rest: text, depth: 0 }
    }

    /// Whether only blanks are left.
    pub(super) fn end(&self) -> bool {
        self.rest.trim().is_empty()
    }

    /// Takes `token` if it comes next.
    pub(super) fn eat(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(token)?;
        Some(())
    }

    /// Takes a name, dots included.
    pub(super) fn name(&mut self) -> Option<&'t str> {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.');
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let named = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        named.then_some(name)
    }

    pub(super) fn value(&mut self) -> Option<Value> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        self.rest = self.rest.trim_start();
        let value = match self.rest.chars().next()? {
            '[' => self.list("[", "]").map(|(items, _)| Value::Array(items)),
            '(' => match self.list("(", ")")? {
                (mut items, false) if items.len() == 1 => items.pop(),
                (items, _) => Some(Value::Array(items)),
            },
            '{' => self.dictionary(),
            '"' | '\'' => self.strings().map(Value::String),
            c if c.is_ascii_digit() || "+-.".contains(c) => self.number(),
            _ => self.word(),
        };
        self.depth -= 1;
        value
    }

    /// The items, and whether a comma stands behind the last one.
    fn list(&mut self, open: &str, close: &str) -> Option<(Vec<Value>, bool)> {
        self.eat(open)?;
        let (mut items, mut comma) = (Vec::new(), false);
        while self.eat(close).is_none() {
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.value()?);
            comma = self.eat(",").is_some();
        }
        Some((items, comma))
    }

    fn dictionary(&mut self) -> Option<Value> {
        self.eat("{")?;
        let (mut fields, mut comma) = (Map::new(), true);
        while self.eat("}").is_none() {
            if !comma {
                return None;
            }
            let key = match self.value()? {
                Value::String(key) => key,
                key @ (Value::Number(_) | Value::Bool(_)) => key.to_string(),
                _ => return None,
            };
            self.eat(":")?;
            fields.insert(key, self.value()?);
            comma = self.eat(",").is_some();
        }
        Some(Value::Object(fields))
    }

    /// Strings that stand side by side are one.
    fn strings(&mut self) -> Option<String> {
        let mut text = self.string()?;
        while self.rest.trim_start().starts_with(['"', '\'']) {
            text += &self.string()?;
        }
        Some(text)
    }

    fn string(&mut self) -> Option<String> {
        let text = self.rest.trim_start();
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| text.starts_with(quote))?;
        let (mut rest, mut out) = (&text[quote.len()..], String::new());
        loop {
            if let Some(after) = rest.strip_prefix(quote) {
                self.rest = after;
                return Some(out);
            }
            let c = rest.chars().next()?;
            rest = &rest[c.len_utf8()..];
            match c {
                '\\' => rest = escape(rest, &mut out)?,
                '\n' if quote.len() == 1 => return None,
                c => out.push(c),
            }
        }
    }

    fn number(&mut self) -> Option<Value> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-._".contains(c));
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let digits = text.replace('_', "");
        let number = match digits.parse::<i64>() {
            Ok(number) => Number::from(number),
            Err(_) => Number::from_f64(digits.parse().ok()?)?,
        };
        Some(Value::Number(number))
    }

    fn word(&mut self) -> Option<Value> {
        Some(match self.name()? {
            "True" | "true" => true.into(),
            "False" | "false" => false.into(),
            "None" | "null" => Value::Null,
            _ => return None,
        })
    }
}

/// Adds what the escape at the beginning of `text`, behind its backslash, stands for, and gives the text behind it.
fn escape<'t>(text: &'t str, out: &mut String) -> Option<&'t str> {
    let c = text.chars().next()?;
    let rest = &text[c.len_utf8()..];
    let code = |digits: usize| {
        let (digits, rest) = (rest.get(..digits)?, &rest[digits..]);
        Some((u32::from_str_radix(digits, 16).ok()?, rest))
    };
    match c {
        '\n' => (),
        '\\' | '\'' | '"' => out.push(c),
        'n' => out.push('\n'),
        't' => out.push('\t'),
        'r' => out.push('\r'),
        'b' => out.push('\u{8}'),
        'f' => out.push('\u{c}'),
        'x' | 'u' | 'U' => {
            let (code, rest) = code(match c {
                'x' => 2,
                'u' => 4,
                _ => 8,
            })?;
            out.push(char::from_u32(code)?);
            return Some(rest);
        }
        c => out.extend(['\\', c]),
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::json;

    #[test]
    fn literals_are_read_as_in_python() {
        for (text, value) in [
            ("None", json!(null)),
            (" True ", json!(true)),
            ("-12", json!(-12)),
            ("1_000", json!(1000)),
            ("2.50", json!(2.5)),
            ("1e3", json!(1000.0)),
            ("'it\\'s'", json!("it's")),
            ("\"a\" 'b'", json!("ab")),
            ("'''x\n\"y'''", json!("x\n\"y")),
            ("'\\u00e9\\x41\\d'", json!("éA\\d")),
            ("[1, 'a', [],]", json!([1, "a", []])),
            ("(1,)", json!([1])),
            ("(1)", json!(1)),
            ("()", json!([])),
            ("{'a': {'b': None}, \"c\": false,}", json!({"a": {"b": null}, "c": false})),
        ] {
            assert_eq!(parse(text), Some(value), "{text}");
        }
        for text in
            ["", "x", "1 2", "[1 2]", "[,]", "{'a'}", "{'a': 1 'b': 2}", "'a", "'a\nb'", "'\\xé'", "nan"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse(&"[".repeat(1_000_000)), None);
    }
}
