//! Every row of the tables in `src/ffi` is exercised: a case is named like its C function, or reaches it.

use super::{Golden, TABLES};
use std::{collections::BTreeSet, fs, path::Path};

/// Functions of the C API that Python has under another name, and the operation whose cases reach them.
#[rustfmt::skip]
const REACHED_BY: &[(&str, &str)] = &[
    ("mlx_conv_general", "conv2d"),
    ("mlx_random_categorical_num_samples", "random.categorical"),
    ("mlx_random_categorical_shape", "random.categorical"),
    ("mlx_random_permutation_arange", "random.permutation"),
    ("mlx_random_split_num", "random.split"),
    ("mlx_fast_rope_dynamic", "fast.rope"),
    ("mlx_split_sections", "split"),
    ("mlx_linalg_norm_named", "linalg.norm"),
];

/// What cannot be compared, and why.
const EXCUSED: &[(&str, &str)] = &[
    ("mlx_gather_qqmm", "MLX has it on CUDA alone"),
    ("mlx_random_split", "`Keys` draws with it; tests/random.rs compares its keys with Python's sequence"),
];

/// The functions in rows such as `exp(x: &Array) = mlx_exp;`.
fn rows() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi");
    let mut rows = BTreeSet::new();
    for file in ["conv", "einsum", "fft", "linalg", "matrix", "ops", "quantized"] {
        let source = fs::read_to_string(folder.join(file).with_extension("rs")).unwrap();
        let after = source.split("= mlx_").skip(1).filter_map(|rest| rest.split_once(';'));
        rows.extend(after.map(|(name, _)| format!("mlx_{name}")));
    }
    rows
}

#[test]
fn every_row_has_a_case() {
    let golden = Golden::load();
    let works = golden.cases.iter().filter(|case| case.has_outputs());
    let ops: BTreeSet<&str> = works.map(|case| case.op.as_str()).collect();
    let mut reached: BTreeSet<String> =
        ops.iter().map(|op| format!("mlx_{}", op.replace('.', "_"))).collect();
    reached.extend(REACHED_BY.iter().filter(|(_, op)| ops.contains(op)).map(|(row, _)| (*row).to_owned()));
    reached.extend(EXCUSED.iter().map(|(row, _)| (*row).to_owned()));
    let rows = rows();
    assert!(rows.len() > 240, "only {} rows were found", rows.len());
    let missing: Vec<_> = rows.difference(&reached).collect();
    assert!(missing.is_empty(), "without a case that works: {missing:#?}");
}

#[test]
fn every_operation_of_the_tables_has_a_case() {
    let golden = Golden::load();
    let ops: BTreeSet<&str> = golden.cases.iter().map(|case| case.op.as_str()).collect();
    let mut seen = BTreeSet::new();
    for (op, _) in TABLES.iter().copied().flatten() {
        assert!(ops.contains(op), "{op} has no case");
        assert!(seen.insert(op), "{op} stands in the tables twice");
    }
}
