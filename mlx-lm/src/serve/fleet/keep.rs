//! How long a model stays loaded after its last request.

use serde_json::Value;
use std::{
    str::FromStr,
    time::{Duration, Instant},
};

/// How long a model stays loaded after its last request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// So long; zero lets it go at once.
    For(Duration),
    /// Until the server ends or its memory is needed.
    Forever,
}

/// As good as for ever, and no clock overflows.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

impl KeepAlive {
    pub(super) fn after(self, now: Instant) -> Instant {
        match self {
            KeepAlive::For(time) => now + time.min(LONGEST),
            KeepAlive::Forever => now + LONGEST,
        }
    }

    pub(super) fn ends(self) -> bool {
        self != KeepAlive::Forever
    }

    /// As clients of Ollama write it: a number of seconds, or a text such as `5m` or `1h30m`; negative is for ever.
    pub(in crate::serve) fn from_json(value: &Value) -> Result<KeepAlive, String> {
        match value {
            Value::Number(seconds) => {
                let seconds = seconds.as_f64().unwrap_or(f64::NAN);
                from_seconds(seconds).ok_or_else(|| "`keep_alive` is no number of seconds".to_owned())
            }
            Value::String(text) => text.parse(),
            _ => Err("`keep_alive` must be a number of seconds or a duration such as \"5m\"".into()),
        }
    }
}

fn from_seconds(seconds: f64) -> Option<KeepAlive> {
    if seconds < 0.0 {
        return Some(KeepAlive::Forever);
    }
    Duration::try_from_secs_f64(seconds).ok().map(KeepAlive::For)
}

impl FromStr for KeepAlive {
    type Err = String;

    fn from_str(text: &str) -> Result<KeepAlive, String> {
        let wrong = || format!("`{text}` is no duration; write `5m`, `1h30m`, `45s`, or -1 for ever");
        if let Ok(seconds) = text.parse::<f64>() {
            return from_seconds(seconds).ok_or_else(wrong);
        }
        let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let mut seconds = 0.0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
            let end =
                rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| end + digits);
            seconds += number
                * match &rest[digits..end] {
                    "ms" => 0.001,
                    "s" => 1.0,
                    "m" => 60.0,
                    "h" => 3600.0,
                    _ => return Err(wrong()),
                };
            rest = &rest[end..];
        }
        let seconds = if negative { -1.0 } else { seconds };
        from_seconds(seconds).filter(|_| !text.is_empty()).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn durations_of_clients_are_read() {
        let seconds = |s: f64| Ok(KeepAlive::For(Duration::from_secs_f64(s)));
        for (value, expected) in [
            (json!("5m"), seconds(300.0)),
            (json!("1h30m"), seconds(5400.0)),
            (json!("1.5s"), seconds(1.5)),
            (json!("250ms"), seconds(0.25)),
            (json!(0), seconds(0.0)),
            (json!("0"), seconds(0.0)),
            (json!(3600), seconds(3600.0)),
            (json!(-1), Ok(KeepAlive::Forever)),
            (json!("-1m"), Ok(KeepAlive::Forever)),
        ] {
            assert_eq!(KeepAlive::from_json(&value), expected, "{value}");
        }
        for value in [json!("5x"), json!("m"), json!(""), json!("1e999"), json!("é"), json!(true), json!([1])]
        {
            assert!(KeepAlive::from_json(&value).is_err(), "{value}");
        }
        assert!(KeepAlive::For(Duration::MAX).after(Instant::now()) > Instant::now());
    }
}
