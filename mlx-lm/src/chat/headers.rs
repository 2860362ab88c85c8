//! Formats in which every message of an answer has a header that says what it is: gpt-oss and Muse Spark.

use super::tools::{OBJECT, Spelling};

/// How messages are written: header, `message`, text, one of `ends`.
#[derive(Debug)]
pub(super) struct Headers {
    /// What a header can begin with; anything else is text without one.
    pub(super) opens: &'static [&'static str],
    /// Stands between header and text.
    pub(super) message: &'static str,
    /// What ends a message; a header may follow.
    pub(super) ends: &'static [&'static str],
    /// Where the text behind a header goes.
    pub(super) route: fn(&str) -> Route,
    /// How calls are written that are messages.
    pub(super) calls: Option<Spelling>,
}

/// What a message is.
#[derive(Debug, PartialEq)]
pub(super) enum Route {
    Reasoning,
    Content,
    /// The arguments of a call of this tool.
    Call(String),
}

/// `<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{…}<|call|>`
pub(super) static HARMONY: Headers = Headers {
    opens: &["<|channel|>", "<|start|>", "<|message|>", "to="],
    message: "<|message|>",
    ends: &["<|end|>", "<|return|>", "<|call|>", "<|start|>", "<|channel|>"],
    route: |header| {
        let channel = header.split("<|channel|>").nth(1).map(first_word);
        match recipient(header) {
            Some(tool) => Route::Call(tool.strip_prefix("functions.").unwrap_or(tool).to_owned()),
            None if channel == Some("analysis") => Route::Reasoning,
            None => Route::Content,
        }
    },
    // `<|call|>` would end the text.
    calls: Some(Spelling {
        around: ["", "<|end|><|start|>assistant", ""],
        call: "<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>{json}",
        ..OBJECT
    }),
};

/// `<|start|>assistant to=self<|message|>…<|eom|>`; calls stand inside the messages.
pub(super) static MUSE_SPARK: Headers = Headers {
    opens: &["<|start|>", "<|message|>", "to="],
    message: "<|message|>",
    ends: &["<|eom|>", "<|eot|>", "<|start|>"],
    route: |header| match recipient(header) {
        Some("self") => Route::Reasoning,
        _ => Route::Content,
    },
    calls: None,
};

/// Whom a header addresses.
fn recipient(header: &str) -> Option<&str> {
    let (_, after) = header.split_once("to=")?;
    Some(first_word(after)).filter(|word| !word.is_empty())
}

fn first_word(text: &str) -> &str {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let text = &text[..end];
    &text[..text.find("<|").unwrap_or(text.len())]
}

impl Headers {
    /// Whether `text` begins a header; none while that is open.
    pub(super) fn begins(&self, text: &str) -> Option<bool> {
        let text = text.trim_start();
        if self.opens.iter().any(|open| text.starts_with(open)) {
            return Some(true);
        }
        let open = self.opens.iter().any(|open| open.starts_with(text));
        (!open).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_name_the_channel_and_the_recipient() {
        let call = |name: &str| Route::Call(name.into());
        for (header, route) in [
            ("<|channel|>analysis", Route::Reasoning),
            ("<|start|>assistant<|channel|>final", Route::Content),
            ("<|channel|>final <|constrain|>json", Route::Content),
            ("<|channel|>commentary", Route::Content),
            ("<|channel|>commentary to=functions.f <|constrain|>json", call("f")),
            ("<|start|>assistant<|channel|>commentary to=functions.a.b<|constrain|>json", call("a.b")),
            (" to=functions.f<|channel|>commentary json", call("f")),
            ("<|channel|>analysis to=python code", call("python")),
            ("<|channel|>analysis to=browser.search", call("browser.search")),
        ] {
            assert_eq!((HARMONY.route)(header), route, "{header}");
        }
        assert_eq!((MUSE_SPARK.route)("to=self"), Route::Reasoning);
        assert_eq!((MUSE_SPARK.route)("<|start|>assistant to=user"), Route::Content);
    }
}
