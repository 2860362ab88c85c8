//! Following JSON text as it arrives, without reading it.

/// Where in a JSON object or array a text is.
#[derive(Clone, Debug, Default)]
pub(super) struct JsonScan {
    depth: usize,
    in_string: bool,
    escaped: bool,
    complete: bool,
}

impl JsonScan {
    /// Takes more text and gives the byte behind the bracket that closes the value, if it is in it.
    pub(super) fn feed(&mut self, text: &str) -> Option<usize> {
        for (at, byte) in text.bytes().enumerate() {
            if self.complete {
                return Some(at);
            }
            self.step(byte);
        }
        self.complete.then_some(text.len())
    }

    /// Takes more text of which the value is only a part: text before it, and further values, may surround it.
    pub(super) fn feed_all(&mut self, text: &str) {
        for byte in text.bytes() {
            self.step(byte);
        }
    }

    /// Whether the text so far ends inside a string.
    pub(super) fn in_string(&self) -> bool {
        self.in_string
    }

    /// A quote outside of all brackets is no string's: the text there is not JSON.
    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => (),
            }
            return;
        }
        match byte {
            b'"' => self.in_string = self.depth > 0,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.complete |= self.depth == 1;
                self.depth = self.depth.saturating_sub(1);
            }
            _ => (),
        }
    }
}
