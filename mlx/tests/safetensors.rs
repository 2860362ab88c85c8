//! Weight files as hostile input: every malformed header is refused with a reason, and no header makes us panic.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod io_files;

use io_files::{assert_numbers, damaged, exercise, golden, golden_bytes, numbers, output_folder};
use mlx::io::{
    check_safetensors, load_safetensors, load_safetensors_with_metadata, parse_header, read_safetensors,
    save_safetensors, write_safetensors,
};
use mlx::{Array, Dtype, Result};
use proptest::prelude::*;
use std::{fs, io::Cursor};

/// A file: the header's length as declared, the header, and so many bytes of data.
fn file(declared: u64, header: &str, data: usize) -> Vec<u8> {
    [&declared.to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
}

fn tensors(header: &str, data: usize) -> Vec<u8> {
    file(header.len() as u64, header, data)
}

fn one(dtype: &str, shape: &str, offsets: &str, data: usize) -> Vec<u8> {
    tensors(&format!(r#"{{"a": {{"dtype": "{dtype}", "shape": {shape}, "data_offsets": {offsets}}}}}"#), data)
}

#[test]
fn malformed_files_are_refused_with_a_reason() {
    const MAX: u64 = u64::MAX;
    let deep = "[".repeat(100_000);
    let axes = format!("[{}1]", "1,".repeat(32));
    let two = |second: &str| {
        tensors(
            &format!(r#"{{"a": {{"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, {second}}}"#),
            16,
        )
    };
    let wrapping = format!("[{}, {}]", MAX - 7, MAX - 3);
    for (name, bytes, message) in [
        ("empty", vec![], "it has 0 bytes, too few for a header"),
        ("short length", vec![0; 7], "it has 7 bytes, too few"),
        ("length 0", file(0, "", 0), "header: EOF"),
        ("huge length", file(1 << 40, "{}", 0), "a header of 1099511627776 bytes, more than the format's"),
        ("wrapping length", file(MAX - 3, "{}", 0), "a header of 18446744073709551612 bytes"),
        (
            "length past the file",
            file(100, "{}", 0),
            "a header of 100 bytes in a file of 10; it is cut short",
        ),
        ("not JSON", tensors("nonsense", 0), "header: expected"),
        ("not UTF-8", [&2u64.to_le_bytes()[..], &[0xff, 0xfe]].concat(), "header: expected value"),
        ("not an object", tensors("[]", 0), "expected an object of tensors"),
        ("deep nesting", tensors(&format!(r#"{{"a": {deep}"#), 0), "`a`: "),
        ("text behind", tensors("{} {}", 0), "header: trailing characters"),
        ("metadata not strings", tensors(r#"{"__metadata__": {"a": 1}}"#, 0), "`__metadata__`: "),
        ("metadata twice", tensors(r#"{"__metadata__": {}, "__metadata__": {}}"#, 0), "given twice"),
        (
            "no dtype",
            tensors(r#"{"a": {"shape": [], "data_offsets": [0, 4]}}"#, 4),
            "`a`: missing field `dtype`",
        ),
        (
            "no shape",
            tensors(r#"{"a": {"dtype": "F32", "data_offsets": [0, 4]}}"#, 4),
            "missing field `shape`",
        ),
        (
            "dtype twice",
            tensors(r#"{"a": {"dtype": "F32", "dtype": "F32", "shape": [], "data_offsets": [0, 4]}}"#, 4),
            "`a`: `dtype` is given twice",
        ),
        ("no offsets", tensors(r#"{"a": {"dtype": "F32", "shape": []}}"#, 4), "missing field `data_offsets`"),
        ("unknown dtype", one("F31", "[1]", "[0, 4]", 4), "`a`: MLX has no dtype F31"),
        ("dtype not in MLX", one("F64", "[1]", "[0, 8]", 8), "`a`: MLX has no dtype F64"),
        ("product wraps to 0", one("F32", "[65536, 65536, 65536, 65536]", "[0, 0]", 0), "overflows"),
        (
            "dimension above 32 bits",
            one("U8", "[4294967298]", "[0, 2]", 2),
            "dimension 4294967298 exceeds 2147483647",
        ),
        ("dimension 2^31", one("U8", "[0, 2147483648]", "[0, 0]", 0), "dimension 2147483648 exceeds"),
        ("dimensions negative", one("F32", "[-1, -2]", "[0, 8]", 8), "`a`: invalid value: integer `-1`"),
        ("dimension a fraction", one("F32", "[1.5]", "[0, 6]", 6), "`a`: invalid type: floating point `1.5`"),
        ("too many axes", one("U8", &axes, "[0, 1]", 1), "33 dimensions, more than 32"),
        ("offsets wrap", one("F32", "[1]", &wrapping, 4), "starts at byte 18446744073709551608, expected 0"),
        ("offsets backwards", one("F32", "[1]", "[4, 0]", 4), "takes 4 bytes, data_offsets are [4, 0]"),
        (
            "offsets past the file",
            one("F32", "[2]", "[0, 8]", 4),
            "take 8 bytes, the file holds 4; it is cut short",
        ),
        ("shape against offsets", one("F32", "[3]", "[0, 8]", 8), "F32 of shape [3] takes 12 bytes"),
        ("data behind", one("F32", "[1]", "[0, 4]", 5), "the file holds 5; the rest belongs to no tensor"),
        (
            "data before",
            one("F32", "[1]", "[4, 8]", 8),
            "leaves a hole before it: it starts at byte 4, expected 0",
        ),
        (
            "same name",
            two(r#""a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}"#),
            "`a` is declared twice",
        ),
        (
            "overlap",
            two(r#""b": {"dtype": "F32", "shape": [3], "data_offsets": [4, 16]}"#),
            "`b` overlaps the tensor",
        ),
        (
            "same bytes",
            two(r#""b": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}"#),
            "overlaps the tensor",
        ),
        (
            "hole",
            two(r#""b": {"dtype": "F32", "shape": [1], "data_offsets": [12, 16]}"#),
            "`b` leaves a hole before it",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        fs::write(&path, bytes).unwrap();
        let error = check_safetensors(&path).unwrap_err().to_string();
        assert!(error.contains("model.safetensors: invalid safetensors file: "), "{name}: {error}");
        assert!(error.contains(message), "{name}: {error}");
        let error = read_safetensors(fs::File::open(&path).unwrap()).unwrap_err().to_string();
        assert!(error.contains(message), "{name}: {error}");
    }
}

#[test]
fn good_files_tell_what_they_hold() {
    let text = r#"{"b": {"dtype": "U32", "shape": [2, 1], "data_offsets": [2, 10]},
                   "__metadata__": {"format": "mlx"},
                   "empty": {"dtype": "I8", "shape": [0, 2147483647], "data_offsets": [2, 2]},
                   "scalar": {"dtype": "BF16", "shape": [], "data_offsets": [0, 2]}}    "#;
    let header = parse_header(text.as_bytes(), 10).unwrap();
    assert_eq!(header.metadata["format"], "mlx");
    assert_eq!(header.data_start, 8 + text.len() as u64);
    let found: Vec<_> = header
        .tensors
        .iter()
        .map(|(name, t)| (name.as_str(), t.stored_as, t.dtype, t.shape.as_slice()))
        .collect();
    assert_eq!(
        found,
        [
            ("b", "U32", Dtype::U32, &[2, 1][..]),
            ("empty", "I8", Dtype::I8, &[0, 2147483647]),
            ("scalar", "BF16", Dtype::Bf16, &[])
        ]
    );
    assert!(parse_header(b"{}", 0).unwrap().tensors.is_empty());
    assert!(parse_header(br#"{"__metadata__": null}"#, 0).unwrap().metadata.is_empty());
}

/// Bytes that a mutation puts into a header: what JSON and the numbers of the format are sensitive to.
fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<i8>().prop_map(|number| number.to_string()),
        "[\\[\\]{}\",:0-9a-zA-Z\\\\é-]{1,4}",
        Just("\"a\": ".to_owned()),
        Just("4294967296, ".to_owned()),
    ]
}

proptest! {
    #[test]
    fn mutated_headers_are_sound_or_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..8usize, fragment()), 1..4),
        data in 0..32u64,
    ) {
        let mut text: Vec<u8> = br#"{"a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}, "__metadata__":
            {"format": "mlx"}, "b": {"dtype": "BF16", "shape": [4], "data_offsets": [8, 16]}}"#.to_vec();
        for (at, removed, inserted) in edits {
            let at = at.index(text.len());
            let end = (at + removed).min(text.len());
            text.splice(at..end, inserted.bytes());
            text.push(b' ');
        }
        if let Ok(header) = parse_header(&text, data) {
            let mut bytes = 0;
            for tensor in header.tensors.values() {
                let (start, end) = tensor.data_offsets;
                let product: u128 = tensor.shape.iter().map(|&dimension| dimension as u128).product();
                prop_assert_eq!((end - start) as u128, product * tensor.dtype.size() as u128);
                bytes += (end - start) as u64;
            }
            prop_assert_eq!(bytes, data);
        }
    }

    #[test]
    fn any_bytes_are_no_reason_to_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), data: u64) {
        let _ = parse_header(&bytes, data);
    }
}

/// What MLX stores, which is every dtype but `F64`.
fn stored() -> impl Iterator<Item = Dtype> {
    Dtype::ALL.iter().copied().filter(|&dtype| dtype != Dtype::F64)
}

#[test]
fn files_of_mlx_are_read() -> Result<()> {
    let (lazy, metadata) = load_safetensors_with_metadata(golden("mlx.safetensors"))?;
    let (read, same) = read_safetensors(Cursor::new(golden_bytes("mlx.safetensors")))?;
    assert_eq!((metadata["format"].as_str(), metadata["emoji"].as_str()), ("mlx", "🦀"));
    assert_eq!(metadata, same);
    assert_eq!((lazy.len(), read.len()), (13, 13));
    for dtype in stored() {
        let name = if dtype == Dtype::Bool { "bool_" } else { dtype.name() };
        assert_numbers(&lazy[name], dtype);
        assert_numbers(&read[name], dtype);
    }
    Ok(())
}

#[test]
fn arrays_and_metadata_come_back() -> Result<()> {
    let temporary = tempfile::tempdir().unwrap();
    let path = output_folder(&temporary).join("ours.safetensors");
    let arrays: Vec<_> = stored().map(|dtype| (dtype.name(), numbers(dtype))).collect();
    let pairs = || arrays.iter().map(|(name, array)| (*name, array));
    let metadata = [("format", "mlx"), ("emoji", "🦀")];
    save_safetensors(&path, pairs(), &metadata)?;
    let mut bytes = Vec::new();
    write_safetensors(&mut bytes, pairs(), &metadata)?;
    assert_eq!(fs::read(&path).unwrap(), bytes);

    let header = check_safetensors(&path)?;
    assert_eq!(header.metadata["emoji"], "🦀");
    assert!(header.data_start.is_multiple_of(8));
    for (name, info) in &header.tensors {
        let width = info.dtype.size();
        assert_eq!(info.data_offsets.0 % width, 0, "`{name}` is not aligned to its elements");
    }
    for loaded in [load_safetensors(&path)?, read_safetensors(Cursor::new(&bytes))?.0] {
        assert_eq!(loaded.len(), 13);
        stored().for_each(|dtype| assert_numbers(&loaded[dtype.name()], dtype));
    }

    // Over the file that the arrays are still to be read from.
    let loaded = load_safetensors(&path)?;
    let half = loaded.iter().take(6).map(|(name, array)| (name.as_str(), array));
    let path = temporary.path().join("half.bin");
    fs::write(&path, &bytes).unwrap();
    save_safetensors(&path, half, &[])?;
    assert_eq!(read_safetensors(fs::File::open(&path).unwrap())?.0.len(), 6);
    save_safetensors(&path, [], &[])?;
    assert!(read_safetensors(fs::File::open(&path).unwrap())?.0.is_empty());
    Ok(())
}

#[test]
fn a_file_may_be_replaced_by_its_own_contents() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    save_safetensors(&path, [("x", &numbers(Dtype::F32)), ("y", &numbers(Dtype::I8))], &[])?;
    let lazy = load_safetensors(&path)?;
    save_safetensors(&path, [("y", &lazy["y"]), ("z", &lazy["x"])], &[])?;
    let back = load_safetensors(&path)?;
    assert_numbers(&back["y"], Dtype::I8);
    assert_numbers(&back["z"], Dtype::F32);
    Ok(())
}

#[test]
fn eight_bit_floats_come_as_bytes() -> Result<()> {
    for dtype in ["F8_E4M3", "F8_E8M0"] {
        let mut bytes = one(dtype, "[2]", "[0, 2]", 2);
        bytes.splice(bytes.len() - 2.., [56, 255]);
        let (arrays, _) = read_safetensors(Cursor::new(&bytes))?;
        assert_eq!((arrays["a"].dtype()?, arrays["a"].to_vec::<u8>()?), (Dtype::U8, vec![56, 255]));
    }
    Ok(())
}

#[test]
fn a_stream_may_start_anywhere() -> Result<()> {
    let mut reader = Cursor::new([b"before".to_vec(), golden_bytes("mlx.safetensors")].concat());
    reader.set_position(6);
    assert_numbers(&read_safetensors(reader)?.0["int16"], Dtype::I16);
    Ok(())
}

#[test]
fn what_a_file_cannot_hold_is_an_error() {
    let (x, wide) = (numbers(Dtype::F32), numbers(Dtype::F64));
    type Named<'a, T> = &'a [(&'a str, T)];
    let cases: [(Named<'_, &Array>, Named<'_, &str>, &str); 4] = [
        (&[("x", &x), ("x", &x)], &[], "the name `x` is given twice"),
        (&[("x", &x)], &[("a", "1"), ("a", "2")], "metadata `a` is given twice"),
        (&[("__metadata__", &x)], &[], "`__metadata__` cannot name an array"),
        (&[("x", &wide)], &[], "array `x` is float64"),
    ];
    for (arrays, metadata, message) in cases {
        let error = write_safetensors(Vec::new(), arrays.iter().copied(), metadata).unwrap_err();
        assert!(error.message().contains(message), "{error} does not say {message:?}");
        assert!(error.location().file().ends_with("safetensors.rs"), "{error}");
    }
}

#[test]
fn damaged_files_do_not_panic() {
    let mut sound = 0;
    damaged(&golden_bytes("mlx.safetensors"), 4000, |bytes| {
        if let Ok((arrays, _)) = read_safetensors(Cursor::new(bytes)) {
            exercise(arrays.values());
            sound += 1;
        }
    });
    assert!(sound > 100, "only {sound} damaged files were still sound: the damage is too coarse");
}
