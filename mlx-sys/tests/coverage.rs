//! Every public function of MLX is bound, or stands in `coverage.tsv` with the reason why not.
//!
//! The table has one line per header and C++ name: the number of declarations of that name, then the C functions
//! (or types) that bind it, with a remark after `;` — or `later:` and what it waits for, or `no:` and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const TABLE: &str = include_str!("coverage.tsv");

/// A header and a name declared in it.
type Name = (String, String);

/// A line of the table: how often the name is declared, and how it is bound.
struct Entry {
    overloads: usize,
    bound: String,
}

fn table() -> BTreeMap<Name, Entry> {
    let entry = |line: &str| {
        let [header, name, overloads, bound] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not four columns: {line}");
        };
        let overloads = overloads.parse().expect("a number of overloads");
        ((header.into(), name.into()), Entry { overloads, bound: bound.into() })
    };
    TABLE.lines().skip(1).map(entry).collect()
}

#[test]
fn every_public_function_is_in_the_table() {
    let table = table();
    let headers: BTreeSet<&String> = table.keys().map(|(header, _)| header).collect();
    let mut found: BTreeMap<Name, usize> = BTreeMap::new();
    for header in headers {
        let path = Path::new(env!("MLX_INCLUDE_DIR")).join("mlx").join(header);
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for name in declarations(&text).iter().filter_map(|d| public_name(d)) {
            *found.entry((header.clone(), name)).or_default() += 1;
        }
    }
    let mut differences = Vec::new();
    for ((header, name), count) in &found {
        match table.get(&(header.clone(), name.clone())) {
            None => differences.push(format!("{header}: {name} is not in the table")),
            Some(entry) if entry.overloads != *count => {
                differences.push(format!("{header}: {name} has {count} overloads, not {}", entry.overloads));
            }
            Some(_) => {}
        }
    }
    let gone = table.keys().filter(|name| !found.contains_key(*name));
    differences.extend(gone.map(|(header, name)| format!("{header} no longer declares {name}")));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_name_in_the_table_is_bound() {
    let mut words = BTreeSet::new();
    words_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("capi/include"), &mut words);
    let mut missing = Vec::new();
    for ((header, name), Entry { bound, .. }) in table() {
        let reason = bound.strip_prefix("later: ").or_else(|| bound.strip_prefix("no: "));
        if let Some(reason) = reason {
            assert!(!reason.is_empty(), "{header}: {name} has no reason");
            continue;
        }
        let functions = bound.split(';').next().unwrap_or_default();
        assert!(functions.starts_with("mlx_"), "{header}: {name} is neither bound nor explained: {bound}");
        let unknown = functions.split_whitespace().filter(|function| !words.contains(*function));
        missing.extend(unknown.map(|function| format!("{header}: {name}: there is no {function}")));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// All identifiers in the declarations of the headers below a folder.
fn words_below(folder: &Path, words: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the headers") {
        let path = entry.expect("a header").path();
        if path.is_dir() {
            words_below(&path, words);
        } else {
            let text = without_comments(&fs::read_to_string(&path).expect("a header"));
            words.extend(text.split(|c: char| !c.is_alphanumeric() && c != '_').map(String::from));
        }
    }
}

/// The text without comments and preprocessor lines.
fn without_comments(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("/*") {
        code += &rest[..start];
        rest = rest[start..].split_once("*/").expect("the end of a comment").1;
    }
    code += rest;
    let mut continued = false;
    let mut is_code = |line: &&str| {
        let directive = continued || line.trim_start().starts_with('#');
        continued = directive && line.ends_with('\\');
        !directive
    };
    let lines = code.lines().filter(|line| is_code(line));
    lines.map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join(" ")
}

/// The declarations outside of classes and bodies; one that has a body ends with `{`.
fn declarations(text: &str) -> Vec<String> {
    let (mut braces, mut parentheses) = (0, 0);
    let mut current = String::new();
    let mut all = Vec::new();
    for c in without_comments(text).chars() {
        match c {
            '{' if braces > 0 => braces += 1,
            '}' if braces > 0 => braces -= 1,
            _ if braces > 0 => {}
            '{' | '}' | ';' if parentheses == 0 => {
                let declaration = current.split_whitespace().collect::<Vec<_>>().join(" ");
                current.clear();
                match c {
                    '{' if declaration.contains("namespace ") => {}
                    '{' => {
                        braces = 1;
                        all.push(declaration + "{");
                    }
                    _ => all.push(declaration),
                }
            }
            _ => {
                parentheses += i32::from(c == '(') - i32::from(c == ')');
                current.push(c);
            }
        }
    }
    all
}

/// The name of a function or class that programs can use: it is exported, or defined in the header.
fn public_name(declaration: &str) -> Option<String> {
    if let Some((_, operator)) = declaration.split_once(" operator") {
        return Some(format!("operator{}", operator.split('(').next()?.trim()));
    }
    let words = without_template_arguments(declaration).replace("template", "");
    let words = words.trim();
    let exported = declaration.contains("MLX_API ");
    for class in ["struct MLX_API ", "class MLX_API "] {
        if let Some(rest) = words.strip_prefix(class) {
            return rest.split([' ', '{', ':']).next().map(String::from);
        }
    }
    let is_type = ["using ", "struct ", "class ", "enum "].iter().any(|start| words.starts_with(start));
    let defined = declaration.ends_with('{') || declaration.contains("inline ");
    if is_type || !(exported || defined) {
        return None;
    }
    let (before, _) = words.split_once('(')?;
    before.trim().rsplit([' ', '&', '*']).next().map(String::from)
}

fn without_template_arguments(declaration: &str) -> String {
    let mut depth = 0;
    let outside = declaration.chars().filter(|c| {
        depth += i32::from(*c == '<');
        let keep = depth == 0;
        depth -= i32::from(*c == '>');
        keep
    });
    outside.collect()
}
