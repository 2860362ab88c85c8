//! `.npz` files: NumPy's and Python MLX's are read, theirs read ours, and hostile archives are errors.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod io_files;

use io_files::{assert_numbers, damaged, exercise, golden, golden_bytes, numbers, output_folder};
use mlx::io::{load, load_npz, read_npz, save_npz, save_npz_compressed, write_npz, write_npz_compressed};
use mlx::{Array, Dtype, ErrorKind, Result, zeros};
use std::io::Cursor;

#[test]
fn files_of_numpy_and_mlx_are_read() -> Result<()> {
    for name in ["stored.npz", "deflated.npz"] {
        let arrays = load_npz(golden(name))?;
        assert_eq!(arrays.keys().collect::<Vec<_>>(), ["a/b.c", "floats", "many"]);
        assert_numbers(&arrays["floats"], Dtype::F32);
        assert_eq!((arrays["a/b.c"].item::<i64>()?, arrays["a/b.c"].ndim()?), (5, 0));
        assert_eq!(arrays["many"].to_vec::<u8>()?, [0; 4096]);
    }
    let arrays = load(golden("mlx.npz"))?.named()?;
    assert_eq!(arrays["arr_0"].to_vec::<i32>()?, [1, 2]);
    assert_eq!(arrays["b"].to_vec::<f32>()?, [1.5]);
    assert!(load(golden("mlx.npz"))?.one().unwrap_err().message().contains("2 named arrays"));
    Ok(())
}

#[test]
fn arrays_come_back() -> Result<()> {
    let temporary = tempfile::tempdir().unwrap();
    let folder = output_folder(&temporary);
    let (x, y, z) = (numbers(Dtype::F32), Array::scalar(7i32), zeros(&[3, 0], Dtype::U8));
    let arrays = [("numbers", &x), ("a/b.c", &y), ("ü", &z)];
    let paths = [folder.join("stored.npz"), folder.join("deflated.npz")];
    save_npz(&paths[0], arrays)?;
    save_npz_compressed(&paths[1], arrays)?;
    for path in paths {
        let back = load_npz(&path)?;
        assert_eq!(back.keys().collect::<Vec<_>>(), ["a/b.c", "numbers", "ü"]);
        assert_numbers(&back["numbers"], Dtype::F32);
        assert_eq!(back["ü"].shape()?, [3, 0]);
    }
    let mut empty = Vec::new();
    write_npz(&mut empty, [])?;
    assert!(read_npz(Cursor::new(empty))?.is_empty());
    let mut zeroes = Vec::new();
    write_npz_compressed(&mut zeroes, [("zeroes", &zeros(&[1 << 18], Dtype::F32))])?;
    assert!(zeroes.len() < 1 << 12, "a MiB of zeros took {} bytes", zeroes.len());
    assert_eq!(read_npz(Cursor::new(zeroes))?["zeroes"].size()?, 1 << 18);
    Ok(())
}

#[test]
fn names_that_an_archive_cannot_hold_are_errors() {
    let x = numbers(Dtype::F32);
    let error = write_npz(Vec::new(), [("x", &x), ("x", &x)]).unwrap_err();
    assert!(error.message().contains("`x` is given twice"), "{error}");
    let long = "x".repeat(65532);
    let error = write_npz(Vec::new(), [(long.as_str(), &x)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.message().ends_with("is too long for an archive"));
}

/// Where a record with that signature starts, the `n`th of its kind.
fn record(bytes: &[u8], signature: &[u8; 4], n: usize) -> usize {
    let mut places = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(signature));
    places.nth(n).unwrap()
}

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const END: &[u8; 4] = b"PK\x05\x06";

#[test]
fn hostile_archives_are_refused_with_a_reason() {
    let deflated = golden_bytes("deflated.npz");
    let mut wide = Vec::new();
    write_npz(&mut wide, [("x", &numbers(Dtype::F32))]).unwrap();
    let patched = |bytes: &[u8], signature, n, offset: usize, patch: &[u8]| {
        let mut bytes = bytes.to_vec();
        let at = record(&bytes, signature, n) + offset;
        bytes[at..at + patch.len()].copy_from_slice(patch);
        bytes
    };
    let first = record(&deflated, CENTRAL, 0);
    let start_of_second = record(&deflated, LOCAL, 1) as u32;
    let two = {
        let mut bytes = Vec::new();
        let x = numbers(Dtype::F32);
        write_npz(&mut bytes, [("a", &x), ("b", &x)]).unwrap();
        let renamed = [(CENTRAL, 46), (LOCAL, 30)];
        renamed
            .into_iter()
            .fold(bytes, |bytes, (signature, offset)| patched(&bytes, signature, 1, offset, b"a.npy"))
    };
    for (bytes, message) in [
        (vec![], "this is not a zip archive"),
        (golden_bytes("scalar.npy"), "this is not a zip archive"),
        (deflated[..deflated.len() - 1].to_vec(), "this is not a zip archive, or it is cut short"),
        (deflated[first..].to_vec(), "cannot be there"),
        (patched(&deflated, END, 0, 10, &[0xfe, 0xff]), "a directory of 65534 entries"),
        (patched(&deflated, END, 0, 12, &[0xfe; 4]), "cannot be there"),
        (patched(&deflated, END, 0, 16, &[0xfe; 4]), "cannot be there"),
        (patched(&deflated, END, 0, 10, &[4, 0]), "a directory of 4 entries in 165 bytes"),
        (patched(&deflated, CENTRAL, 2, 28, &[0xff; 2]), "directory is cut short"),
        (patched(&deflated, END, 0, 4, &[1, 0]), "spread over several files"),
        (patched(&deflated, END, 0, 10, &[0xff; 2]), "the archive's directory is damaged"),
        (patched(&deflated, CENTRAL, 1, 0, &[0; 4]), "the archive's directory is damaged"),
        (patched(&deflated, CENTRAL, 0, 8, &[1, 0]), "entry `floats.npy`: it is encrypted"),
        (patched(&deflated, CENTRAL, 0, 10, &[12, 0]), "compression method 12 is not supported"),
        (patched(&deflated, CENTRAL, 0, 10, &[0, 0]), "it is stored, but"),
        (patched(&deflated, CENTRAL, 0, 16, &[0; 4]), "entry `floats.npy`: its checksum does not match"),
        (patched(&deflated, CENTRAL, 0, 20, &[0xff, 0xff, 0, 0]), "65535 bytes at 0 are not there"),
        (patched(&deflated, CENTRAL, 0, 24, &[0xfe; 4]), "bytes cannot unpack to 4278124286"),
        (patched(&deflated, CENTRAL, 0, 24, &[0xff; 4]), "directory is cut short"),
        (patched(&deflated, CENTRAL, 0, 24, &[0, 0, 1, 0]), "65536 bytes are needed, "),
        (patched(&deflated, CENTRAL, 0, 42, &start_of_second.to_le_bytes()), "overlap"),
        (patched(&deflated, CENTRAL, 0, 42, &[0xfe; 4]), "entry `floats.npy`: "),
        (patched(&deflated, CENTRAL, 0, 46, &[0xff]), "is not UTF-8"),
        (patched(&wide, b"PK\x06\x06", 0, 32, &[0xff; 8]), "a directory of 18446744073709551615 entries"),
        (patched(&wide, b"PK\x06\x06", 0, 48, &[0xff; 8]), "cannot be there"),
        (patched(&wide, b"PK\x06\x07", 0, 8, &[0xff; 8]), "64-bit directory: "),
        (patched(&wide, b"PK\x06\x07", 0, 0, &[0; 4]), "damaged"),
        (two, "two entries are called `a`"),
    ] {
        let error = read_npz(Cursor::new(&bytes)).unwrap_err();
        assert!(error.message().contains(message), "{error} does not say {message:?}");
        assert_eq!((error.kind(), error.op()), (ErrorKind::Io, "read_npz"));
        assert!(error.location().file().ends_with("npz.rs"), "{error}");
    }
}

#[test]
fn damaged_archives_do_not_panic() {
    let mut sound = 0;
    let mut wide = Vec::new();
    write_npz_compressed(&mut wide, [("x", &numbers(Dtype::F32)), ("y", &numbers(Dtype::C64))]).unwrap();
    for bytes in [golden_bytes("deflated.npz"), golden_bytes("mlx.npz"), wide] {
        damaged(&bytes, 1500, |bytes| {
            if let Ok(arrays) = read_npz(Cursor::new(bytes)) {
                exercise(arrays.values());
                sound += 1;
            }
        });
    }
    assert!(sound > 100, "only {sound} damaged archives were still sound: the damage is too coarse");
}
