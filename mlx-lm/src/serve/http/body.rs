//! Bodies of requests: JSON of a known shape, within limits, or a refusal that names the field.

use crate::serve::{
    App,
    failure::{Failure, Kind},
};
use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A JSON body of type `T`. Fields that `T` does not know are refused by name.
pub(in crate::serve) struct Strict<T>(pub(in crate::serve) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Strict<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Strict<T>, Failure> {
        let options = &app.options;
        let read = read(request.into_body(), options.max_body);
        let bytes = tokio::time::timeout(options.body_timeout, read).await.map_err(|_| {
            Failure::new(Kind::BodyTimeout, format!("the body took more than {:?}", options.body_timeout))
        })??;
        parse(&bytes).map(Strict)
    }
}

/// A client that is still writing sees no answer. So of a body that is too long, up to so many times the limit are read
/// and thrown away.
const DRAINED: usize = 4;

/// The whole body, of `limit` bytes at most; the limit holds while reading, whatever the headers say.
async fn read(body: Body, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut stream = body.into_data_stream();
    let (mut bytes, mut seen) = (Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Failure::new(Kind::Invalid, "the body ended too early"))?;
        seen += chunk.len();
        if seen > DRAINED * limit {
            break;
        }
        if seen <= limit {
            bytes.extend_from_slice(&chunk);
        }
    }
    if seen > limit {
        return Err(Failure::new(Kind::BodyTooLarge, format!("the body is longer than {limit} bytes")));
    }
    Ok(bytes)
}

/// Reads JSON; `serde_json` refuses what nests deeper than 128.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| explain(&error))?;
    deserializer.end().map_err(|error| Failure::new(Kind::Invalid, format!("invalid JSON: {error}")))?;
    Ok(value)
}

fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> Failure {
    let path = error.path().to_string();
    let path = if path == "." { String::new() } else { path };
    let inner = error.inner();
    if !inner.is_data() {
        return Failure::new(Kind::Invalid, format!("invalid JSON: {inner}"));
    }
    let text = inner.to_string();
    // The position means little to a client that has not written the JSON by hand.
    let text = text.split(" at line ").next().unwrap_or_default();
    let quoted = |prefix: &str| text.strip_prefix(prefix)?.split('`').next().map(str::to_owned);
    if let Some(field) = quoted("unknown field `") {
        // The path ends in the field already.
        let field = if path.is_empty() { field } else { path };
        return Failure::unsupported(
            &field,
            format!("unknown field `{field}`: this server does not serve it"),
        );
    }
    if let Some(field) = quoted("missing field `") {
        let field = if path.is_empty() { field } else { format!("{path}.{field}") };
        return Failure::invalid(&field, format!("missing field `{field}`"));
    }
    let at = if path.is_empty() { "the body".to_owned() } else { format!("`{path}`") };
    Failure::invalid(&path, format!("{at}: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "read by serde alone")]
    struct Outer {
        model: String,
        #[serde(default)]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "read by serde alone")]
    struct Inner {
        x: u8,
    }

    #[test]
    fn refusals_name_the_field() {
        for (body, kind, param) in [
            (r#"{"model": "m", "grammer": 1}"#, Kind::Unsupported, Some("grammer")),
            (
                r#"{"model": "m", "inner": [{"x": 1}, {"x": 1, "y": 2}]}"#,
                Kind::Unsupported,
                Some("inner[1].y"),
            ),
            (r#"{"model": "m", "inner": [{"x": 300}]}"#, Kind::Invalid, Some("inner[0].x")),
            (r#"{"model": 7}"#, Kind::Invalid, Some("model")),
            (r#"{"inner": []}"#, Kind::Invalid, Some("model")),
            (r#"{"model": "m"} x"#, Kind::Invalid, None),
            (r#"{"model": "#, Kind::Invalid, None),
            (r#"{"model": NaN}"#, Kind::Invalid, None),
            ("", Kind::Invalid, None),
        ] {
            let failure = parse::<Outer>(body.as_bytes()).unwrap_err();
            assert_eq!((failure.kind, failure.param.as_deref()), (kind, param), "{body}: {failure:?}");
        }
        let deep = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
        assert_eq!(parse::<serde_json::Value>(deep.as_bytes()).unwrap_err().kind, Kind::Invalid);
        assert!(parse::<Outer>(br#"{"model": "m", "inner": [{"x": 1}]}"#).is_ok());
    }
}
