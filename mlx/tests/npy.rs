//! `.npy` files: NumPy's and Python MLX's are read, theirs read ours, and malformed ones are errors.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod io_files;

use io_files::{assert_numbers, damaged, exercise, golden, golden_bytes, numbers, output_folder};
use mlx::io::{load_npy, read_npy, save_npy, write_npy};
use mlx::{Array, Dtype, ErrorKind, Result};

/// A file of version 1 with this header and so many bytes of data.
fn file(header: &str, data: usize) -> Vec<u8> {
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &vec![0; data]]
        .concat()
}

fn plain(descr: &str, shape: &str, data: usize) -> Vec<u8> {
    file(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"), data)
}

#[test]
fn files_of_numpy_and_mlx_are_read() -> Result<()> {
    for (name, dtype) in [
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
        ("c8", Dtype::C64),
    ] {
        assert_numbers(&load_npy(golden(&format!("little_{name}.npy")))?, dtype);
        let big = golden(&format!("big_{name}.npy"));
        if big.exists() {
            assert_numbers(&load_npy(big)?, dtype);
        }
    }
    for (name, dtype) in [
        ("version2", Dtype::I32),
        ("version3", Dtype::I32),
        ("mlx_float32", Dtype::F32),
        ("mlx_bfloat16", Dtype::Bf16),
        ("mlx_bool_", Dtype::Bool),
    ] {
        assert_numbers(&load_npy(golden(&format!("{name}.npy")))?, dtype);
    }
    Ok(())
}

#[test]
fn orders_and_shapes_are_kept() -> Result<()> {
    let fortran = load_npy(golden("fortran.npy"))?;
    assert_eq!(fortran.shape()?, [2, 3, 4]);
    assert_eq!(fortran.to_vec::<f32>()?, (0..24).map(|i| i as f32).collect::<Vec<_>>());
    let transposed = load_npy(golden("mlx_transposed.npy"))?;
    assert_eq!(transposed.shape()?, [2, 3]);
    assert_eq!(transposed.to_vec::<f32>()?, [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    assert_eq!(load_npy(golden("scalar.npy"))?.shape()?, [0i32; 0]);
    assert_eq!(load_npy(golden("scalar.npy"))?.item::<f32>()?, 7.0);
    assert_eq!(load_npy(golden("empty.npy"))?.shape()?, [0, 5]);
    Ok(())
}

#[test]
fn every_dtype_comes_back() -> Result<()> {
    let temporary = tempfile::tempdir().unwrap();
    let folder = output_folder(&temporary);
    for &dtype in Dtype::ALL {
        let path = folder.join(format!("{dtype}.npy"));
        save_npy(&path, &numbers(dtype))?;
        assert_numbers(&load_npy(&path)?, dtype);
    }
    // Byte for byte what NumPy writes.
    let mut bytes = Vec::new();
    write_npy(&mut bytes, &numbers(Dtype::F32))?;
    assert_eq!(bytes, golden_bytes("little_f4.npy"));
    // Views are written as what they show; a `bool` view as 0 and 1.
    for view in
        [numbers(Dtype::F32).transpose(..)?, Array::from_slice(&[0u8, 2, 255], &[3]).view(Dtype::Bool)?]
    {
        let mut bytes = Vec::new();
        write_npy(&mut bytes, &view)?;
        let back = read_npy(bytes.as_slice())?;
        assert_eq!((back.dtype()?, back.shape()?), (view.dtype()?, view.shape()?));
        match view.dtype()? {
            Dtype::Bool => assert!(bytes.ends_with(&[0, 1, 1])),
            _ => assert_eq!(back.to_vec::<f32>()?, view.to_vec::<f32>()?),
        }
    }
    Ok(())
}

#[test]
fn malformed_files_are_refused_with_a_reason() {
    let deep = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({})}}\n", "1,".repeat(33));
    for (bytes, message) in [
        (vec![], "this is not a .npy file"),
        (b"\x93NUMP".to_vec(), "this is not a .npy file"),
        (b"PK\x03\x04 and more".to_vec(), "this is not a .npy file"),
        (b"\x93NUMPY\x04\x00\x00\x00".to_vec(), "version 4 of the .npy format is unknown"),
        (b"\x93NUMPY\x01\x00\x10".to_vec(), "the header is cut short"),
        (b"\x93NUMPY\x01\x00\x10\x00{".to_vec(), "header: 16 bytes are needed, 1 are there"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "a header of 4294967295 bytes"),
        (file("\u{fffd}", 0), "header: `{` was expected, not '\u{fffd}'"),
        ([b"\x93NUMPY\x01\x00\x01\x00\xff".to_vec()].concat(), "the header is not text"),
        (file("", 0), "`{` was expected, not the end"),
        (file("{", 0), "a string was expected, not the end"),
        (file("{'descr", 0), "a string has no end"),
        (file("{'descr': '<f4'}", 0), "`fortran_order` is missing"),
        (file("{'descr': '<f4', 'fortran_order': False}", 0), "`shape` is missing"),
        (file("{'fortran_order': False, 'shape': ()}", 0), "`descr` is missing"),
        (file("{'shape': (), 'shape': ()}", 0), "`shape` stands twice"),
        (file("{'x': 1}", 0), "unknown entry `x`"),
        (file("{'descr': '<f4', 'fortran_order': 1, 'shape': ()}", 4), "True or False was expected"),
        (file("{'descr': '\\x41', 'fortran_order': True, 'shape': ()}", 4), "has an escape"),
        (file("{'descr': '<f4', 'fortran_order': True, 'shape': ()} x", 4), "the end was expected, not 'x'"),
        (file(&deep, 4), "33 dimensions, more than 32"),
        (plain("<f4", "(-1,)", 4), "a dimension was expected, not '-'"),
        (plain("<f4", "(1.5,)", 4), "`)` was expected, not '.'"),
        (plain("<f4", "3", 4), "`(` was expected, not '3'"),
        (plain("<f4", "(99999999999999999999,)", 4), "dimension 99999999999999999999 exceeds"),
        (plain("<f4", "(2147483648,)", 4), "dimension 2147483648 exceeds"),
        (plain("<f4", "(65536, 65536, 65536, 65536)", 4), "overflows"),
        (plain("<f4", "(0, 2147483647, 2147483647, 2147483647)", 0), "overflows"),
        (plain("<f4", "(1073741824,)", 64), "4294967296 bytes are needed, 64 are there; it is cut short"),
        (plain("<f4", "(2,)", 7), "8 bytes are needed, 7 are there"),
        (plain("|O", "(1,)", 8), "pickled code, which is never loaded"),
        (plain("<U3", "(1,)", 12), "dtype `<U3` has no counterpart in MLX; known: b1, u1"),
        (plain("<f3", "(1,)", 3), "dtype `<f3` has no counterpart"),
        (plain("", "(1,)", 3), "dtype `` has no counterpart"),
    ] {
        let error = read_npy(bytes.as_slice()).unwrap_err();
        assert!(error.message().contains(message), "{error} does not say {message:?}");
        assert_eq!((error.kind(), error.op()), (ErrorKind::Io, "read_npy"));
        assert!(error.location().file().ends_with("npy.rs"), "{error}");
    }
    for (name, message) in [
        ("objects", "pickled code"),
        ("records", "records (a structured dtype)"),
        ("text", "dtype `<U2`"),
        ("complex128", "dtype `<c16`"),
        ("missing", "No such file"),
    ] {
        let error = load_npy(golden(&format!("{name}.npy"))).unwrap_err();
        assert!(error.message().contains(&format!("{name}.npy: ")), "{error}");
        assert!(error.message().contains(message), "{error} does not say {message:?}");
    }
}

#[test]
fn spellings_of_other_writers_are_read() -> Result<()> {
    for header in [
        "{\"shape\":(2L,3L),\"fortran_order\":False,\"descr\":\"<i4\"}",
        "{ 'shape' : ( 2 , 3 , ) , 'descr' : 'i4' , 'fortran_order' : False , }",
        "{'descr': '=i4', 'fortran_order': False, 'shape': (2, 3)}   \n\n",
    ] {
        let bytes = [file(header, 0), (0..6i32).flat_map(i32::to_le_bytes).collect()].concat();
        assert_numbers(&read_npy(bytes.as_slice())?, Dtype::I32);
    }
    Ok(())
}

#[test]
fn damaged_files_do_not_panic() {
    let mut sound = 0;
    for name in ["little_f4", "big_c8", "fortran", "mlx_bool_", "version2"] {
        damaged(&golden_bytes(&format!("{name}.npy")), 1000, |bytes| {
            if let Ok(array) = read_npy(bytes) {
                exercise([&array]);
                sound += 1;
            }
        });
    }
    assert!(sound > 100, "only {sound} damaged files were still sound: the damage is too coarse");
}
