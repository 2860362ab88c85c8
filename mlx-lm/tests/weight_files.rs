//! Which files of a folder are a model's weights.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::fs;
use std::path::Path;

use mlx_lm::weights;

/// A safetensors file with these tensors, of one byte each.
fn shard(folder: &Path, name: &str, tensors: &[&str]) {
    let entries: Vec<_> = tensors
        .iter()
        .enumerate()
        .map(|(i, t)| format!(r#""{t}": {{"dtype": "U8", "shape": [1], "data_offsets": [{i}, {}]}}"#, i + 1))
        .collect();
    let header = format!("{{{}}}", entries.join(", "));
    let length = (header.len() as u64).to_le_bytes();
    let bytes = [&length[..], header.as_bytes(), &vec![0; tensors.len()]].concat();
    fs::write(folder.join(name), bytes).unwrap();
}

/// Writes an index that gives the files a tensor each.
fn index(folder: &Path, files: &[&str]) {
    let map: serde_json::Map<_, _> =
        files.iter().enumerate().map(|(i, file)| (format!("tensor{i}"), (*file).into())).collect();
    let text = serde_json::json!({"metadata": {}, "weight_map": map}).to_string();
    fs::write(folder.join("model.safetensors.index.json"), text).unwrap();
}

#[test]
fn the_files_of_a_model() {
    const A: &str = "model-00001-of-00002.safetensors";
    const B: &str = "model-00002-of-00002.safetensors";
    const ONE: &str = "model.safetensors";
    const OTHER: &str = "mtp.safetensors";
    type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], Result<&'a [&'a str], &'a str>, usize);
    let cases: [Case<'_>; 14] = [
        ("a single file", &[ONE], &[], Ok(&[ONE]), 0),
        ("shards without an index", &[A, B], &[], Ok(&[A, B]), 0),
        ("shards with an index", &[A, B], &[A, B], Ok(&[A, B]), 0),
        ("a file that the index leaves out", &[A, B, ONE], &[A, B], Ok(&[A, B]), 0),
        ("a file that is not the model's", &[ONE, OTHER], &[ONE, OTHER], Ok(&[ONE]), 0),
        ("the index names an absent extra", &[ONE], &[ONE, OTHER], Ok(&[ONE]), 0),
        ("the index of another model", &[ONE], &[A, B], Ok(&[ONE]), 1),
        ("the index names a path", &[ONE], &["../model.safetensors"], Ok(&[ONE]), 0),
        ("the index names more", &[A], &[A, B], Err("incomplete download, missing model-00002-of-00002"), 0),
        ("the names announce more", &[B], &[], Err("incomplete download, missing model-00001-of-00002"), 0),
        (
            "the index names an unnumbered one",
            &[ONE],
            &[ONE, "model-b.safetensors"],
            Err("missing model-b.safe"),
            0,
        ),
        ("no files", &[], &[], Err("no weights: no model*.safetensors"), 0),
        ("an index alone", &[], &[A], Err("no weights"), 0),
        ("another kind", &[OTHER], &[], Err("and mtp.safetensors cannot be read instead"), 0),
    ];
    for (name, files, indexed, expected, warnings) in cases {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            shard(folder.path(), file, &[file]);
        }
        if !indexed.is_empty() {
            index(folder.path(), indexed);
        }
        match (weights::open(folder.path()), expected) {
            (Ok(found), Ok(expected)) => {
                let names: Vec<_> =
                    found.files.iter().map(|f| f.path.file_name().unwrap().to_str().unwrap()).collect();
                assert_eq!(names, expected, "{name}");
                assert_eq!(found.warnings.len(), warnings, "{name}: {:?}", found.warnings);
            }
            (Err(error), Err(message)) => assert!(error.to_string().contains(message), "{name}: {error}"),
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
}

#[test]
fn two_exports_in_one_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    shard(folder.path(), "model.safetensors", &["x", "y"]);
    shard(folder.path(), "model-00001-of-00001.safetensors", &["z", "y"]);
    let error = weights::open(folder.path()).unwrap_err().to_string();
    let expected = "tensor `y` is in both model-00001-of-00001.safetensors and model.safetensors";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_broken_shard_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("model.safetensors"), "?").unwrap();
    let error = weights::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("model.safetensors: invalid safetensors file"), "{error}");
    fs::write(folder.path().join("model.safetensors.index.json"), "?").unwrap();
    let error = weights::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("model.safetensors.index.json: "), "{error}");
}
