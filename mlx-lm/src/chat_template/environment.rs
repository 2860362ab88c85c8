//! The Jinja environment chat templates are written for: Jinja2 as transformers sets it up.

use std::fmt::Write as _;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, Output, State, escape_formatter};

use super::{json, methods};

/// Nested macro calls and loops: schema printers recurse about ten deep.
const RECURSION_LIMIT: usize = 64;

/// An environment that reads `now` for `strftime_now` and stops a render after `fuel` steps.
pub(super) fn environment(now: SystemTime, fuel: u64) -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the default delimiters are valid"));
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_recursion_limit(RECURSION_LIMIT);
    environment.set_fuel(Some(fuel));
    environment.set_unknown_method_callback(methods::call);
    environment.add_filter("tojson", json::tojson);
    environment.set_formatter(print);
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("string", string);
    environment.add_test("iterable", is_iterable);
    environment.add_test("sequence", is_iterable);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", move |format: &str| strftime(now, format));
    environment
}

/// What Python iterates over: none is not among it. Jinja2 calls strings and mappings sequences, too.
fn is_iterable(value: &Value) -> bool {
    use ValueKind::{Iterable, Map, Seq, String, Undefined};
    matches!(value.kind(), Seq | Iterable | String | Map | Undefined)
}

/// Jinja2 names the third argument: `default('x', boolean=true)` replaces what is false, too.
fn default(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    // An optional parameter could not tell an undefined argument, which is the result, from a missing one.
    let mut given = arguments.into_values();
    let named = given.pop_if(|last| last.is_kwargs());
    let options = named.map_or_else(|| Ok(Kwargs::from_iter::<[(&str, Value); 0]>([])), Kwargs::try_from)?;
    let lax = match given.get(1) {
        Some(lax) => lax.is_true(),
        None => options.get::<Option<bool>>("boolean")?.unwrap_or(false),
    };
    let other = match given.first() {
        Some(other) => other.clone(),
        None => options.get::<Option<Value>>("default_value")?.unwrap_or_else(|| Value::from("")),
    };
    options.assert_all_used()?;
    let missing = value.is_undefined() || (lax && !value.is_true());
    Ok(if missing { other } else { value.clone() })
}

/// What `str` gives in Python. Lists that hold each other many times print longer than they are, hence the
/// bound.
fn string(value: &Value) -> Result<String, Error> {
    if let Some(text) = json::float(value) {
        return Ok(text);
    }
    let mut text = super::output::Output::default();
    write!(text, "{value}").map_err(|_| Error::from(ErrorKind::WriteFailure))?;
    Ok(text.into_text())
}

fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(_) => escape_formatter(out, state, value),
        None => out.write_str(&string(value)?).map_err(Error::from),
    }
}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

fn strftime(now: SystemTime, format: &str) -> Result<String, Error> {
    let text = || -> Result<String, jiff::Error> {
        let local = Timestamp::try_from(now)?.to_zoned(TimeZone::system());
        jiff::fmt::strtime::format(format, &local)
    };
    text().map_err(|error| Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {error}")))
}
