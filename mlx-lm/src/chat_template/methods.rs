//! Python's methods on strings, lists and dictionaries, which templates call freely.

use minijinja::value::{Tuple, Value, from_args};
use minijinja::{Error, ErrorKind, State};
use minijinja_contrib::pycompat;

/// What `value.method(args)` means in Python, for methods that minijinja itself does not know.
pub(super) fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    match value.as_str() {
        Some(text) => match string_method(text, method, args)? {
            Some(result) => Ok(result),
            None => pycompat::unknown_method_callback(state, value, method, args),
        },
        None => pycompat::unknown_method_callback(state, value, method, args),
    }
}

/// The string methods that `pycompat` lacks; none for any other.
fn string_method(text: &str, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let result = match method {
        // The engine would make room for any width before it looks at its fuel.
        "format" if text.split(|c: char| !c.is_ascii_digit()).any(|width| width.len() > 4) => {
            return Err(Error::new(ErrorKind::InvalidOperation, "format: a field is too wide"));
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "partition" => {
            let (separator,): (&str,) = from_args(args)?;
            let (before, after) = text.split_once(separator).unwrap_or((text, ""));
            triple(text, separator, before, after)
        }
        "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            let (before, after) = text.rsplit_once(separator).unwrap_or(("", text));
            triple(text, separator, before, after)
        }
        "rsplit" => {
            let (separator, most): (&str, Option<usize>) = from_args(args)?;
            if separator.is_empty() {
                return Err(Error::new(ErrorKind::InvalidOperation, "rsplit: empty separator"));
            }
            let mut parts: Vec<&str> = match most {
                Some(most) => text.rsplitn(most.saturating_add(1), separator).collect(),
                None => text.rsplit(separator).collect(),
            };
            parts.reverse();
            parts.into_iter().map(Value::from).collect()
        }
        _ => return Ok(None),
    };
    Ok(Some(result))
}

fn triple(text: &str, separator: &str, before: &str, after: &str) -> Value {
    let found = if text.contains(separator) { separator } else { "" };
    Value::from(Tuple::from([Value::from(before), Value::from(found), Value::from(after)]))
}
