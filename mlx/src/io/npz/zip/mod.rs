//! The part of the [zip format](https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT) that `.npz` files use.
//!
//! Our own because a reader of untrusted archives must not allocate, or unpack, what a directory merely claims, and
//! because that part is small: stored and deflated entries, one disk, no encryption, 64-bit sizes.

mod read;
mod write;

pub(super) use read::Archive;
pub(super) use write::ArchiveWriter;

const LOCAL: u32 = u32::from_le_bytes(*b"PK\x03\x04");
const CENTRAL: u32 = u32::from_le_bytes(*b"PK\x01\x02");
const END: u32 = u32::from_le_bytes(*b"PK\x05\x06");
const END64: u32 = u32::from_le_bytes(*b"PK\x06\x06");
const END64_LOCATOR: u32 = u32::from_le_bytes(*b"PK\x06\x07");

/// Bytes of the 64-bit end record.
const END64_BYTES: usize = 56;

/// In place of a 32-bit size or offset: the 64-bit one stands in an extra field of this number.
const IN_EXTRA: u32 = u32::MAX;
const EXTRA64: u16 = 1;

/// How an entry is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Method {
    Stored = 0,
    Deflated = 8,
}
