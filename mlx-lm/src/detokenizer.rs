//! Token ids to text, one at a time, never splitting a character.
//!
//! All that [`Detokenizer`] gives, put together, is what [`Tokenizer::decode`] gives for all ids at once; the
//! time for each id does not depend on how many came before.

use serde_json::Value;
use tokenizers::Model as _;

use crate::error::Result;
use crate::tokenizer::Tokenizer;

/// Turns a stream of token ids into text.
///
/// Special tokens are part of the text: tool calls and reasoning are marked by them.
/// [`Detokenizer::skip_special`] drops them.
#[derive(Clone, Debug)]
pub struct Detokenizer<'t> {
    tokenizer: &'t Tokenizer,
    skip_special: bool,
    decoder: Decoder,
}

/// How tokens become text, by the `decoder` of `tokenizer.json`.
#[derive(Clone, Debug)]
enum Decoder {
    ByteLevel(ByteLevel),
    SentencePiece(SentencePiece),
    Window(Window),
}

impl<'t> Detokenizer<'t> {
    /// A detokenizer at the start of a text.
    pub fn new(tokenizer: &'t Tokenizer) -> Detokenizer<'t> {
        let decoder = serde_json::to_value(tokenizer.inner().get_decoder()).unwrap_or_default();
        let steps = steps(&decoder);
        let decoder = match steps.as_slice() {
            [step] if step["type"] == "ByteLevel" => Decoder::ByteLevel(ByteLevel::default()),
            steps => match SentencePiece::from_steps(steps) {
                Some(decoder) => Decoder::SentencePiece(decoder),
                None => Decoder::Window(Window::default()),
            },
        };
        Detokenizer { tokenizer, skip_special: false, decoder }
    }

    /// Whether special tokens are left out. Default: false.
    #[must_use]
    pub fn skip_special(mut self, skip: bool) -> Detokenizer<'t> {
        self.skip_special = skip;
        self
    }

    /// Takes the next id and gives the text that is complete with it, often none. An id that names no token
    /// has no text.
    pub fn push(&mut self, id: u32) -> Result<String> {
        let inner = self.tokenizer.inner();
        let added = inner.get_added_vocabulary();
        let Some(token) = added.simple_id_to_token(id).or_else(|| inner.get_model().id_to_token(id)) else {
            return Ok(String::new());
        };
        if self.skip_special && added.is_special_token(&token) {
            return Ok(String::new());
        }
        match &mut self.decoder {
            Decoder::ByteLevel(decoder) => Ok(decoder.push(&token)),
            Decoder::SentencePiece(decoder) => Ok(decoder.push(token)),
            Decoder::Window(decoder) => decoder.push(self.tokenizer, id),
        }
    }

    /// The bytes of each token by its id; none where an id names no token. Special tokens, which are no text, begin with a
    /// byte that is part of none.
    pub(crate) fn vocabulary(&self) -> Vec<Vec<u8>> {
        let inner = self.tokenizer.inner();
        let added = inner.get_added_vocabulary();
        let bytes = |id: u32| match (added.simple_id_to_token(id), inner.get_model().id_to_token(id)) {
            (Some(token), _) if added.is_special_token(&token) => [&[0xff], token.as_bytes()].concat(),
            (Some(token), _) => token.into_bytes(),
            (None, Some(token)) => self.decoder.bytes(&token),
            (None, None) => vec![],
        };
        let ids = inner.get_vocab(true).into_values().max().map_or(0, |last| last + 1);
        (0..ids).map(bytes).collect()
    }

    /// Ends the text: gives what was held back, with U+FFFD for what never became a character, and starts
    /// anew.
    pub fn finish(&mut self) -> Result<String> {
        let rest = match &mut self.decoder {
            Decoder::ByteLevel(decoder) => decoder.finish(),
            Decoder::SentencePiece(decoder) => decoder.finish(),
            Decoder::Window(decoder) => decoder.finish(self.tokenizer)?,
        };
        *self = Detokenizer::new(self.tokenizer).skip_special(self.skip_special);
        Ok(rest)
    }
}

impl Decoder {
    /// What a token adds to the bytes of a text.
    fn bytes(&self, token: &str) -> Vec<u8> {
        match self {
            Decoder::ByteLevel(_) => {
                let bytes: Option<Vec<u8>> = token.chars().map(byte_of).collect();
                bytes.unwrap_or_else(|| token.as_bytes().to_vec())
            }
            Decoder::SentencePiece(decoder) => match byte_token(token).filter(|_| decoder.byte_fallback) {
                Some(byte) => vec![byte],
                None => decoder.replaced(token.to_owned()).into_bytes(),
            },
            Decoder::Window(_) => token.replace('▁', " ").into_bytes(),
        }
    }
}

/// The steps of a decoder, sequences laid flat.
fn steps(decoder: &Value) -> Vec<&Value> {
    match decoder["decoders"].as_array() {
        Some(decoders) => decoders.iter().flat_map(steps).collect(),
        None => vec![decoder],
    }
}

/// Tokens that spell bytes with GPT-2's printable characters.
#[derive(Clone, Debug, Default)]
struct ByteLevel {
    /// The beginning of a character.
    held: Vec<u8>,
}

impl ByteLevel {
    fn push(&mut self, token: &str) -> String {
        let bytes: Option<Vec<u8>> = token.chars().map(byte_of).collect();
        self.held.extend(bytes.unwrap_or_else(|| token.as_bytes().to_vec()));
        let rest = self.held.split_off(self.held.len() - incomplete(&self.held));
        let complete = std::mem::replace(&mut self.held, rest);
        String::from_utf8_lossy(&complete).into_owned()
    }

    fn finish(&mut self) -> String {
        String::from_utf8_lossy(&self.held).into_owned()
    }
}

/// How many bytes at the end may yet become a character: at most three.
fn incomplete(bytes: &[u8]) -> usize {
    let end = bytes.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
    let open = std::str::from_utf8(end).is_err_and(|error| error.error_len().is_none());
    if open { end.len() } else { 0 }
}

/// The byte that GPT-2 writes as `c`: printable Latin-1 stands for itself, the others follow from U+0100 on
/// in order.
fn byte_of(c: char) -> Option<u8> {
    let code = u32::from(c);
    let offset = code.checked_sub(0x100);
    match (u8::try_from(code), offset) {
        (Ok(byte), _) => is_printable(byte).then_some(byte),
        (_, Some(offset @ 0..=0x20)) => Some(offset as u8),
        (_, Some(offset @ 0x21..=0x42)) => Some((offset - 0x21 + 0x7f) as u8),
        (_, Some(0x43)) => Some(0xad),
        _ => None,
    }
}

/// The character that GPT-2 writes for `byte`.
pub(crate) fn char_of(byte: u8) -> char {
    let code = match byte {
        byte if is_printable(byte) => u32::from(byte),
        0..=0x20 => 0x100 + u32::from(byte),
        0xad => 0x143,
        byte => 0x121 + u32::from(byte) - 0x7f,
    };
    // All of them are below the surrogates.
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff)
}

/// Tokens of text, with `▁` for a space and `<0xNN>` for a byte.
#[derive(Clone, Debug)]
struct SentencePiece {
    replacements: Vec<(String, String)>,
    byte_fallback: bool,
    /// How many of which character are yet to be dropped from the beginning of the text.
    strip: Option<(char, u64)>,
    /// Bytes since the last token of text. They are text only if the whole run is; until it ends it is
    /// undecided.
    run: Vec<u8>,
}

impl SentencePiece {
    /// Any number of `Replace`, perhaps `ByteFallback`, then `Fuse`, and perhaps `Strip` at the beginning.
    fn from_steps(steps: &[&Value]) -> Option<SentencePiece> {
        let text = |value: &Value| value.as_str().map(str::to_string);
        let mut steps = steps.iter().copied().peekable();
        let mut replacements = Vec::new();
        while let Some(step) = steps.next_if(|step| step["type"] == "Replace") {
            replacements.push((text(&step["pattern"]["String"])?, text(&step["content"])?));
        }
        let byte_fallback = steps.next_if(|step| step["type"] == "ByteFallback").is_some();
        steps.next_if(|step| step["type"] == "Fuse")?;
        let strip = match steps.next_if(|step| step["type"] == "Strip" && step["stop"] == 0) {
            Some(step) => Some((step["content"].as_str()?.chars().next()?, step["start"].as_u64()?)),
            None => None,
        };
        steps.next().is_none().then_some(SentencePiece {
            replacements,
            byte_fallback,
            strip,
            run: Vec::new(),
        })
    }

    fn replaced(&self, mut token: String) -> String {
        for (pattern, content) in &self.replacements {
            token = token.replace(pattern, content);
        }
        token
    }

    fn push(&mut self, token: String) -> String {
        let token = self.replaced(token);
        if let Some(byte) = byte_token(&token).filter(|_| self.byte_fallback) {
            self.run.push(byte);
            return String::new();
        }
        let text = self.end_run() + &token;
        self.strip(text)
    }

    fn finish(&mut self) -> String {
        let text = self.end_run();
        self.strip(text)
    }

    fn end_run(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.run))
            .unwrap_or_else(|error| "\u{fffd}".repeat(error.as_bytes().len()))
    }

    fn strip(&mut self, text: String) -> String {
        let Some((drop, mut left)) = self.strip else { return text };
        let mut rest = text.as_str();
        while let Some(shorter) = rest.strip_prefix(drop).filter(|_| left > 0) {
            rest = shorter;
            left -= 1;
        }
        self.strip = (rest.is_empty() && left > 0).then_some((drop, left));
        rest.to_string()
    }
}

/// The byte that `<0xNN>` stands for.
fn byte_token(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() == 2 { u8::from_str_radix(digits, 16).ok() } else { None }
}

/// Any other decoder: the last tokens are decoded with and without the new ones, and the difference is the
/// text.
#[derive(Clone, Debug, Default)]
struct Window {
    ids: Vec<u32>,
    /// How many of `ids` are context, whose text was given before.
    context: usize,
    /// The text of the context.
    given: String,
}

impl Window {
    /// Tokens that wait for the end of a character; after so many it is given up.
    const LIMIT: usize = 32;

    fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> Result<String> {
        self.ids.push(id);
        let text = tokenizer.decode(&self.ids, false)?;
        let new = self.new_text(&text);
        let waiting = self.ids.len() - self.context;
        if (new.is_empty() || new.ends_with('\u{fffd}')) && waiting < Window::LIMIT {
            return Ok(String::new());
        }
        let new = new.to_string();
        self.ids.drain(..self.context);
        self.context = self.ids.len();
        self.given = tokenizer.decode(&self.ids, false)?;
        Ok(new)
    }

    fn finish(&mut self, tokenizer: &Tokenizer) -> Result<String> {
        let text = tokenizer.decode(&self.ids, false)?;
        Ok(self.new_text(&text).to_string())
    }

    fn new_text<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.given.len()..).unwrap_or_default()
    }
}
