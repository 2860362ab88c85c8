//! Stop strings: ending an answer at a piece of text, whichever tokens it is made of.

/// Watches streamed text for stop strings.
///
/// Text that could still become a stop string is held back until it is decided. The stream ends at the stop
/// string that is complete first; the text before it is kept, the string itself and all after it are dropped.
#[derive(Clone, Debug, Default)]
pub struct StopStrings {
    strings: Vec<String>,
    /// The longest end of the text so far that begins a stop string.
    held: String,
    /// The string that was found.
    found: Option<usize>,
}

/// What [`StopStrings::push`] lets pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Text that no stop string can claim any more.
    pub text: String,
    /// Whether a stop string was found; then no further text will come.
    pub stopped: bool,
}

impl StopStrings {
    /// Watches for any of `strings`; empty ones are ignored.
    pub fn new(strings: Vec<String>) -> StopStrings {
        let strings = strings.into_iter().filter(|string| !string.is_empty()).collect();
        StopStrings { strings, held: String::new(), found: None }
    }

    /// Takes the next piece of text and gives what can be shown.
    pub fn push(&mut self, text: &str) -> Held {
        if self.found.is_some() {
            return Held { text: String::new(), stopped: true };
        }
        let mut text = std::mem::take(&mut self.held) + text;
        if let Some((index, start)) = self.first_match(&text) {
            self.found = Some(index);
            text.truncate(start);
            return Held { text, stopped: true };
        }
        self.held = text.split_off(self.undecided(&text));
        Held { text, stopped: false }
    }

    /// The text still held back, at the end of the stream.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// The stop string that was found.
    pub fn matched(&self) -> Option<&str> {
        self.found.map(|index| self.strings[index].as_str())
    }

    /// The stop string that is complete first, the longest of several, and where it begins.
    fn first_match(&self, text: &str) -> Option<(usize, usize)> {
        let matches = self.strings.iter().enumerate();
        matches
            .filter_map(|(index, string)| text.find(string.as_str()).map(|start| (index, start)))
            .min_by_key(|&(index, start)| (start + self.strings[index].len(), start))
    }

    /// Where the longest end of `text` that begins a stop string starts.
    fn undecided(&self, text: &str) -> usize {
        let longest = self.strings.iter().map(String::len).max().unwrap_or(0);
        let starts = text.char_indices().rev().map(|(start, _)| start);
        starts
            .take_while(|&start| text.len() - start < longest)
            .filter(|&start| self.strings.iter().any(|string| string.starts_with(&text[start..])))
            .last()
            .unwrap_or(text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stops(strings: &[&str]) -> StopStrings {
        StopStrings::new(strings.iter().map(ToString::to_string).collect())
    }

    fn held(text: &str, stopped: bool) -> Held {
        Held { text: text.into(), stopped }
    }

    #[test]
    fn holds_back_what_could_become_a_stop_string() {
        let mut stop = stops(&["</s>", "\nUser:"]);
        assert_eq!(stop.push("a <"), held("a ", false));
        assert_eq!(stop.push("/b"), held("</b", false));
        assert_eq!(stop.push("\nUs"), held("", false));
        assert_eq!(stop.push("er: more"), held("", true));
        assert_eq!(stop.matched(), Some("\nUser:"));
        assert_eq!(stop.push("ignored"), held("", true));
        assert_eq!(stop.finish(), "");
    }

    #[test]
    fn gives_the_rest_at_the_end() {
        let mut stop = stops(&["stop", ""]);
        assert_eq!(stop.push("don't sto"), held("don't ", false));
        assert_eq!(stop.finish(), "sto");
        assert_eq!(stop.matched(), None);
    }

    /// The same over the whole text: cut where the first stop string to be complete begins.
    fn naive<'t>(strings: &[String], text: &'t str) -> (&'t str, bool) {
        for end in 0..=text.len() {
            let starts =
                strings.iter().filter(|s| !s.is_empty() && text.as_bytes()[..end].ends_with(s.as_bytes()));
            if let Some(start) = starts.map(|string| end - string.len()).min() {
                return (&text[..start], true);
            }
        }
        (text, false)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn chunks_do_not_matter(
            strings in prop::collection::vec("[abé😀]{0,4}", 0..4),
            chunks in prop::collection::vec("[abcé😀]{0,5}", 0..12),
        ) {
            let mut stop = StopStrings::new(strings.clone());
            let mut text = String::new();
            let mut stopped = false;
            for chunk in &chunks {
                let held = stop.push(chunk);
                text += &held.text;
                stopped = held.stopped;
            }
            text += &stop.finish();
            let whole = chunks.concat();
            prop_assert_eq!((text.as_str(), stopped), naive(&strings, &whole));
        }

        #[test]
        fn nothing_is_held_without_need(
            strings in prop::collection::vec("[ab]{1,4}", 1..4),
            text in "[abc]{0,12}",
        ) {
            let mut stop = StopStrings::new(strings.clone());
            if !stop.push(&text).stopped {
                let rest = stop.finish();
                prop_assert!(rest.is_empty() || strings.iter().any(|string| string.starts_with(&rest)));
            }
        }
    }
}
