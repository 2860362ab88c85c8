//! Finding markers in text that arrives in pieces.

/// Where the next marker is.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// `which` of the markers begins at the byte `start`.
    Marker { which: usize, start: usize },
    /// No marker begins before the byte `decided`; what follows may be the beginning of one.
    None { decided: usize },
}

/// The leftmost marker in `text`, the longest of those that begin there. Unless the text has `ended`, one that
/// could still grow is waited for, so that the answer does not depend on where the text was cut.
pub(super) fn next(text: &str, markers: &[&str], ended: bool) -> Next {
    for (start, _) in text.char_indices() {
        let rest = &text[start..];
        if !ended && markers.iter().any(|marker| marker.len() > rest.len() && marker.starts_with(rest)) {
            return Next::None { decided: start };
        }
        let here = markers.iter().enumerate().filter(|(_, marker)| rest.starts_with(**marker));
        if let Some((which, _)) = here.max_by_key(|(_, marker)| marker.len()) {
            return Next::Marker { which, start };
        }
    }
    Next::None { decided: text.len() }
}

#[cfg(test)]
mod tests {
    use super::{Next, next};

    #[test]
    fn the_leftmost_longest_marker_wins_however_the_text_is_cut() {
        let markers = ["<a>", "<a><b>", "b>c"];
        assert_eq!(next("x<a", &markers, false), Next::None { decided: 1 });
        assert_eq!(next("x<a", &markers, true), Next::None { decided: 3 });
        assert_eq!(next("x<a>", &markers, false), Next::None { decided: 1 });
        assert_eq!(next("x<a>", &markers, true), Next::Marker { which: 0, start: 1 });
        assert_eq!(next("x<a>c", &markers, false), Next::Marker { which: 0, start: 1 });
        assert_eq!(next("x<a><b>c", &markers, false), Next::Marker { which: 1, start: 1 });
        assert_eq!(next("é<b>c", &markers, false), Next::Marker { which: 2, start: 3 });
    }
}
