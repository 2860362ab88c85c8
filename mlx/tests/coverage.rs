//! Every function of the C API is called from the safe crate, or stands in `coverage.tsv` with the reason why not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

const REASONS: &str = include_str!("coverage.tsv");
const BINDINGS: &str = include_str!("../../mlx-sys/src/bindings.rs");

/// The words of a text that may name functions of the C API.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.starts_with("mlx_"))
}

fn add_sources(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        match path.is_dir() {
            true => add_sources(&path, sources),
            false => sources.push_str(&fs::read_to_string(&path).expect("a readable source")),
        }
    }
}

#[test]
fn every_function_is_reachable() {
    let declared = BINDINGS.lines().filter_map(|line| line.trim().strip_prefix("pub fn "));
    let declared: BTreeSet<&str> = declared.filter_map(|line| names(line).next()).collect();
    assert!(declared.len() > 380, "only {} functions were found in the bindings", declared.len());

    let mut sources = String::new();
    add_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi"), &mut sources);
    let called: BTreeSet<&str> = names(&sources).collect();
    let reasons: BTreeMap<&str, &str> =
        REASONS.lines().skip(1).filter_map(|line| line.split_once('\t')).collect();

    let missing: Vec<_> =
        declared.iter().filter(|name| !called.contains(**name) && !reasons.contains_key(**name)).collect();
    assert!(missing.is_empty(), "neither called nor excused: {missing:#?}");
    let needless: Vec<_> =
        reasons.keys().filter(|name| !declared.contains(**name) || called.contains(**name)).collect();
    assert!(needless.is_empty(), "excused without need: {needless:#?}");
}
