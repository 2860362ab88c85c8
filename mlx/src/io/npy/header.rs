//! The header of a `.npy` file: the literal of a Python dictionary with three entries.

use crate::Dtype;
use crate::io::{fault::Outcome, raw};
use std::io::Read;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy itself refuses headers beyond 10 000 bytes; those of plain arrays have 118.
const MAX_HEADER: usize = 1 << 16;
/// Where the data starts is a multiple of this.
const ALIGNMENT: usize = 64;

/// Kind and bytes of an element as NumPy spells them.
const DTYPES: [(&str, Dtype); 14] = [
    ("b1", Dtype::Bool),
    ("u1", Dtype::U8),
    ("u2", Dtype::U16),
    ("u4", Dtype::U32),
    ("u8", Dtype::U64),
    ("i1", Dtype::I8),
    ("i2", Dtype::I16),
    ("i4", Dtype::I32),
    ("i8", Dtype::I64),
    ("f2", Dtype::F16),
    ("f4", Dtype::F32),
    ("f8", Dtype::F64),
    ("V2", Dtype::Bf16),
    ("c8", Dtype::C64),
];

/// Which index changes fastest: the last or the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    C,
    Fortran,
}

pub(super) struct Header {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<i32>,
    pub(super) order: Order,
    pub(super) big_endian: bool,
    /// Bytes of what byte order applies to: an element, or one part of a complex number.
    pub(super) word: usize,
    /// Bytes of all elements.
    pub(super) bytes: usize,
}

impl Header {
    /// Reads up to the first element.
    pub(super) fn read(reader: &mut impl Read) -> Outcome<Header> {
        let mut start = [0; MAGIC.len() + 2];
        let read = reader.read_exact(&mut start);
        let [.., version, _] = start;
        if read.is_err() || !start.starts_with(MAGIC) {
            return Err("this is not a .npy file".into());
        }
        let len = match version {
            1 => u16::from_le_bytes(array(reader)?).into(),
            2 | 3 => u32::from_le_bytes(array(reader)?) as usize,
            _ => {
                return Err(format!("version {version} of the .npy format is unknown; known: 1, 2, 3").into());
            }
        };
        if len > MAX_HEADER {
            return Err(format!("a header of {len} bytes, more than {MAX_HEADER}").into());
        }
        let text = raw::read_exactly(reader, len).map_err(|fault| fault.at("header"))?;
        let text = std::str::from_utf8(&text).map_err(|_| "the header is not text".to_owned())?;
        Ok(parse(text)?)
    }
}

fn array<const N: usize>(reader: &mut impl Read) -> Outcome<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).map_err(|_| "the header is cut short".to_owned())?;
    Ok(bytes)
}

fn parse(text: &str) -> Result<Header, String> {
    let (mut descr, mut order, mut shape) = (None, None, None);
    let mut literal = Literal(text);
    literal.list('{', '}', |literal| {
        let key = literal.text()?;
        literal.expect(':')?;
        let is_new = match key {
            "descr" if literal.next() == Some('[') => {
                return Err("records (a structured dtype) are not supported".to_owned());
            }
            "descr" => descr.replace(literal.text()?).is_none(),
            "fortran_order" => {
                order.replace(if literal.bool()? { Order::Fortran } else { Order::C }).is_none()
            }
            "shape" => shape.replace(literal.extents()?).is_none(),
            _ => return Err(format!("header: unknown entry `{key}`")),
        };
        if is_new { Ok(()) } else { Err(format!("header: `{key}` stands twice")) }
    })?;
    literal.end()?;
    let missing = |name: &str| format!("header: `{name}` is missing");
    let (dtype, big_endian) = dtype(descr.ok_or_else(|| missing("descr"))?)?;
    let order = order.ok_or_else(|| missing("fortran_order"))?;
    let (shape, bytes) = raw::layout(&shape.ok_or_else(|| missing("shape"))?, dtype.size())?;
    let word = if dtype == Dtype::C64 { dtype.size() / 2 } else { dtype.size() };
    Ok(Header { dtype, shape, order, big_endian, word, bytes })
}

/// The dtype that a `descr` such as `<f4` names, and whether its bytes are in big-endian order.
fn dtype(descr: &str) -> Result<(Dtype, bool), String> {
    let (order, kind) = match descr.strip_prefix(['<', '>', '|', '=']) {
        Some(kind) => (descr.chars().next(), kind),
        None => (None, descr),
    };
    if let Some((_, dtype)) = DTYPES.iter().find(|(name, _)| *name == kind) {
        return Ok((*dtype, order == Some('>')));
    }
    Err(match kind.chars().next() {
        Some('O') => format!("dtype `{descr}`: Python objects are pickled code, which is never loaded"),
        _ => {
            let known: Vec<&str> = DTYPES.iter().map(|(name, _)| *name).collect();
            format!("dtype `{descr}` has no counterpart in MLX; known: {}", known.join(", "))
        }
    })
}

/// Magic, version 1, and the dictionary as NumPy writes it to the letter: MLX finds its entries by position.
pub(super) fn write(dtype: Dtype, shape: &[i32]) -> Vec<u8> {
    let order = if dtype.size() == 1 { '|' } else { '<' };
    let kind = DTYPES.iter().find(|(_, known)| *known == dtype).map_or("", |(name, _)| *name);
    let extents = match shape {
        [extent] => format!("{extent},"),
        _ => shape.iter().map(i32::to_string).collect::<Vec<_>>().join(", "),
    };
    let text = format!("{{'descr': '{order}{kind}', 'fortran_order': False, 'shape': ({extents}), }}");
    let prefix = MAGIC.len() + 4;
    let padded = (prefix + text.len() + 1).next_multiple_of(ALIGNMENT) - prefix - 1;
    let mut bytes = [&MAGIC[..], &[1, 0], &(padded as u16 + 1).to_le_bytes()].concat();
    bytes.extend(format!("{text:padded$}\n").bytes());
    bytes
}

/// What is left of the literal.
struct Literal<'a>(&'a str);

impl<'a> Literal<'a> {
    /// The next character that is no blank.
    fn next(&mut self) -> Option<char> {
        self.0 = self.0.trim_ascii_start();
        self.0.chars().next()
    }

    fn eat(&mut self, token: char) -> bool {
        self.next();
        self.0.strip_prefix(token).inspect(|rest| self.0 = rest).is_some()
    }

    fn expect(&mut self, token: char) -> Result<(), String> {
        if self.eat(token) { Ok(()) } else { Err(self.unexpected(&format!("`{token}`"))) }
    }

    fn end(&mut self) -> Result<(), String> {
        if self.next().is_none() { Ok(()) } else { Err(self.unexpected("the end")) }
    }

    fn unexpected(&mut self, expected: &str) -> String {
        match self.next() {
            Some(found) => format!("header: {expected} was expected, not {found:?}"),
            None => format!("header: {expected} was expected, not the end"),
        }
    }

    /// Items between `open` and `close`, separated by commas, one of which may trail.
    fn list(
        &mut self,
        open: char,
        close: char,
        mut item: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        self.expect(open)?;
        while !self.eat(close) {
            item(self)?;
            if !self.eat(',') {
                return self.expect(close);
            }
        }
        Ok(())
    }

    /// A string without escapes, which no entry needs.
    fn text(&mut self) -> Result<&'a str, String> {
        let quote = match self.next() {
            Some(quote @ ('\'' | '"')) => quote,
            _ => return Err(self.unexpected("a string")),
        };
        self.expect(quote)?;
        let (text, rest) = self.0.split_once(quote).ok_or("header: a string has no end")?;
        self.0 = rest;
        if text.contains('\\') { Err("header: a string has an escape".to_owned()) } else { Ok(text) }
    }

    fn bool(&mut self) -> Result<bool, String> {
        self.next();
        for (name, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.0.strip_prefix(name) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err(self.unexpected("True or False"))
    }

    /// A tuple of non-negative integers.
    fn extents(&mut self) -> Result<Vec<u64>, String> {
        let mut extents = Vec::new();
        self.list('(', ')', |literal| {
            literal.next();
            let rest = literal.0.trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = &literal.0[..literal.0.len() - rest.len()];
            if digits.is_empty() {
                return Err(literal.unexpected("a dimension"));
            }
            extents.push(digits.parse().map_err(|_| format!("dimension {digits} exceeds {}", i32::MAX))?);
            // Python 2 marked long integers.
            literal.0 = rest.strip_prefix('L').unwrap_or(rest);
            Ok(())
        })?;
        Ok(extents)
    }
}
