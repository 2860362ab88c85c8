//! GGUF files: Python MLX's are read, it reads ours, and malformed ones are errors where MLX itself aborts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod io_files;

use io_files::{assert_numbers, damaged, exercise, golden, golden_bytes, numbers, output_folder};
use mlx::io::gguf::{GgmlType, Gguf, Metadata, Tensor, Value, Values};
use mlx::io::{load_gguf, load_safetensors, save_gguf, write_gguf};
use mlx::{Array, Dtype, ErrorKind, Result, ones, zeros};

#[test]
fn files_of_mlx_are_read() -> Result<()> {
    let (arrays, metadata) = load_gguf(golden("mlx.gguf"))?;
    let names = ["empty", "five", "float16", "float32", "int16", "int32", "int8", "scalar"];
    assert_eq!(arrays.keys().collect::<Vec<_>>(), names);
    for dtype in [Dtype::F16, Dtype::F32, Dtype::I8, Dtype::I16, Dtype::I32] {
        assert_numbers(&arrays[dtype.name()], dtype);
    }
    assert_eq!(arrays["five"].shape()?, [1, 2, 1, 2, 1]);
    assert_eq!(arrays["empty"].shape()?, [0, 3]);
    assert_eq!((arrays["scalar"].ndim()?, arrays["scalar"].item::<f32>()?), (0, 7.0));

    for (key, value, values) in [
        ("uint8", Value::U8(3), Value::from(vec![1u8, 2])),
        ("int8", Value::I8(3), vec![1i8, 2].into()),
        ("uint16", Value::U16(3), vec![1u16, 2].into()),
        ("int16", Value::I16(3), vec![1i16, 2].into()),
        ("uint32", Value::U32(3), vec![1u32, 2].into()),
        ("int32", Value::I32(3), vec![1i32, 2].into()),
        ("uint64", Value::U64(3), vec![1u64, 2].into()),
        ("int64", Value::I64(3), vec![1i64, 2].into()),
        ("float32", Value::F32(3.0), vec![1f32, 2.0].into()),
    ] {
        assert_eq!(metadata.get(key), Some(&value));
        assert_eq!(metadata.get(&format!("{key}s")), Some(&values));
        match key {
            "float32" => assert_eq!(metadata.floats("float32s")?, Some(vec![1.0, 2.0])),
            _ => assert_eq!(metadata.uints(&format!("{key}s"))?, Some(vec![1, 2])),
        }
    }
    assert_eq!(metadata.bool("bool")?, Some(true));
    assert_eq!(metadata.string("string")?, Some("a 🦀"));
    assert_eq!(metadata.strings("strings")?.unwrap(), ["a", "", "bc"]);
    let error = metadata.u32("string").unwrap_err();
    assert!(error.message().ends_with("mlx.gguf: metadata `string` is a string, not an integer of 32 bits"));
    assert!(error.location().file().ends_with("gguf_files.rs"), "{error}");
    Ok(())
}

#[test]
fn quantized_blocks_become_the_groups_that_mlx_makes() -> Result<()> {
    let (arrays, _) = load_gguf(golden("quantized.gguf"))?;
    let expected = load_safetensors(golden("quantized.safetensors"))?;
    // MLX cuts seven letters off a name to find the stem, whether or not they are `.weight`.
    let names = ["q4_0", "q4_1", "q8_0"].map(|stem| [format!("{stem}.biases"), format!("{stem}.scales")]);
    for name in names.as_flattened().iter().chain(&["q4_0.weight", "q4_1.weight", "q8_0"].map(str::to_owned))
    {
        let (found, expected) = (&arrays[name], &expected[name]);
        assert_eq!((found.dtype()?, found.shape()?), (expected.dtype()?, expected.shape()?), "{name}");
        assert_eq!(found.to_vec::<f64>()?, expected.to_vec::<f64>()?, "{name}");
    }
    assert_eq!(arrays.len(), expected.len());
    let file = Gguf::open(golden("quantized.gguf"))?;
    let info = file.tensor("q8_0").unwrap();
    assert_eq!((info.ggml_type, info.shape.as_slice(), info.bytes), (GgmlType::Q8_0, &[2, 64][..], 4 * 34));
    assert!(matches!(file.load(info)?, Tensor::Affine { bits: 8, .. }));
    Ok(())
}

#[test]
fn other_blocks_become_the_numbers_that_ggml_makes() -> Result<()> {
    let file = Gguf::open(golden("dequantized.gguf"))?;
    let dense = |name: &str| match file.load(file.tensor(name).unwrap())? {
        Tensor::Dense(array) => array.to_vec::<f32>(),
        other => panic!("{name} is not dense: {other:?}"),
    };
    let names = file.tensors().map(|info| info.name.as_str()).filter(|name| !name.contains('.'));
    let types: Vec<_> = names.collect();
    assert_eq!(types, ["Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4"]);
    for name in types {
        let (found, expected) = (dense(name)?, dense(&format!("{name}.expected"))?);
        assert_eq!(found.len(), 512, "{name}");
        let found = found.into_iter().map(f32::to_bits);
        assert!(found.eq(expected.into_iter().map(f32::to_bits)), "{name}");
    }
    Ok(())
}

fn metadata() -> Metadata {
    Metadata::new()
        .with("string", "a 🦀")
        .with("strings", ["a", "", "bc"].map(str::to_owned).to_vec())
        .with("count", 3u32)
        .with("floats", vec![0.5f32, -1.0])
        .with("flag", true)
}

#[test]
fn arrays_and_metadata_come_back() -> Result<()> {
    let temporary = tempfile::tempdir().unwrap();
    let path = output_folder(&temporary).join("ours.gguf");
    let dtypes = [Dtype::F16, Dtype::F32, Dtype::I8, Dtype::I16, Dtype::I32];
    let more = [Dtype::Bf16, Dtype::F64, Dtype::I64];
    let arrays: Vec<_> = dtypes.iter().chain(&more).map(|&dtype| (dtype.name(), numbers(dtype))).collect();
    let (five, empty) = (ones(&[1, 2, 1, 2, 1], Dtype::F32), zeros(&[0, 3], Dtype::F32));
    let odd = [("five", &five), ("empty", &empty)];
    let pairs = || arrays.iter().map(|(name, array)| (*name, array)).chain(odd);
    // Python's MLX reads the first five types and no nested arrays.
    save_gguf(&path, pairs().filter(|(name, _)| !more.iter().any(|d| d.name() == *name)), &metadata())?;

    let path = temporary.path().join("all.gguf");
    let nested = Values::Array(vec![Values::Bool(vec![true]), Values::I64(vec![])]);
    let wide =
        metadata().with("general.alignment", 128u32).with("f64", 0.1).with("nested", Value::Array(nested));
    save_gguf(&path, pairs(), &wide)?;
    let (back, found) = load_gguf(&path)?;
    assert!(found.iter().eq(wide.iter()));
    for dtype in dtypes.into_iter().chain(more) {
        assert_numbers(&back[dtype.name()], dtype);
    }
    assert_eq!((back["five"].shape()?, back["empty"].shape()?), (five.shape()?, empty.shape()?));
    assert!(Gguf::open(&path)?.tensors().all(|info| info.offset % 128 == 0));
    Ok(())
}

#[test]
fn what_a_file_cannot_hold_is_an_error() {
    let none = Metadata::new();
    let deep = ones(&[1; 9], Dtype::F32);
    let x = numbers(Dtype::F32);
    type Named<'a> = &'a [(&'a str, &'a Array)];
    let cases: [(Named<'_>, Metadata, &str); 7] = [
        (
            &[("a", &numbers(Dtype::Bool))],
            none.clone(),
            "array `a`: ggml has no type for bool; cast it first",
        ),
        (&[("a", &numbers(Dtype::U32))], none.clone(), "ggml has no type for uint32"),
        (&[("a", &numbers(Dtype::C64))], none.clone(), "ggml has no type for complex64"),
        (&[("a", &deep)], none.clone(), "9 dimensions, more than 8"),
        (&[("a", &x), ("a", &x)], none.clone(), "`a` is given twice"),
        (&[], none.clone().with("general.alignment", 48u32), "is 48, not a power of two"),
        (&[], none.clone().with("general.alignment", 1u64 << 40), "is too large"),
    ];
    for (arrays, metadata, message) in cases {
        let error = write_gguf(Vec::new(), arrays.iter().copied(), &metadata).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains(message), "{error} does not say {message:?}");
    }
}

#[test]
fn malformed_files_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let header = |tensors: u64, entries: u64, rest: &[u8]| {
        [b"GGUF\x03\0\0\0", &tensors.to_le_bytes()[..], &entries.to_le_bytes()[..], rest].concat()
    };
    let tensor = |dimensions: &[u64], kind: u32, data: usize| {
        let mut line = [&1u64.to_le_bytes()[..], b"x", &(dimensions.len() as u32).to_le_bytes()].concat();
        dimensions.iter().for_each(|extent| line.extend(extent.to_le_bytes()));
        line.extend(kind.to_le_bytes());
        line.extend(0u64.to_le_bytes());
        let mut file = header(1, 0, &line);
        file.resize(file.len().next_multiple_of(32) + data, 0);
        file
    };
    for (bytes, message) in [
        (vec![], "4 bytes cannot fit into the 0 bytes left"),
        (b"GGML\x03\0\0\0".to_vec(), "this is not a GGUF file"),
        (header(1 << 60, 0, &[]), "1152921504606846976 tensors cannot fit"),
        (header(0, 1 << 60, &[]), "1152921504606846976 metadata entries cannot fit"),
        (tensor(&[1; 9], 0, 4), "9 dimensions, more than 8"),
        (tensor(&[1 << 31], 24, 4), "tensor `x`: dimension 2147483648 exceeds"),
        (tensor(&[1 << 30, 1 << 30, 1 << 30], 0, 4), "overflows"),
        (tensor(&[0, 1 << 30, 1 << 30, 1 << 30], 0, 0), "overflows"),
        (tensor(&[31, 32], 2, 64), "shape [32, 31] is impossible for type Q4_0"),
        (tensor(&[8], 0, 31), "tensor `x` needs 32 bytes at 0 of the data, but the file ends before"),
        (tensor(&[1], 99, 4), "tensor `x` has the type 99, which ggml does not define"),
        (tensor(&[256], 16, 66), "tensor `x`: type IQ2_XXS is not supported; supported: F32, F16"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = load_gguf(&path).unwrap_err();
        assert!(error.message().contains("x.gguf: "), "{error}");
        assert!(error.message().contains(message), "{error} does not say {message:?}");
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.location().file().ends_with("gguf_files.rs"), "{error}");
    }
}

#[test]
fn damaged_files_do_not_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let mut sound = 0;
    for name in ["mlx.gguf", "quantized.gguf"] {
        damaged(&golden_bytes(name), 1500, |bytes| {
            // A new file each time: some file systems write through when an old one is overwritten.
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, bytes).unwrap();
            if let Ok((arrays, _)) = load_gguf(&path) {
                exercise(arrays.values());
                sound += 1;
            }
        });
    }
    assert!(sound > 100, "only {sound} damaged files were still sound: the damage is too coarse");
}
