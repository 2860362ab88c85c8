//! Names and layouts that checkpoints give to the parts of a model.

use mlx::{Array, Loader, Result};
use std::collections::BTreeMap;

/// Gives tensors the names that the model has: each pair is a run of path segments and what stands for it here. An empty
/// name drops the segments.
pub fn rename(weights: &Loader, names: &[(&str, &str)]) -> Result<()> {
    weights.rename(|path| renamed(path, names))
}

fn renamed(path: &str, names: &[(&str, &str)]) -> String {
    let mut path = format!(".{path}.");
    for (old, new) in names {
        let new = if new.is_empty() { ".".to_owned() } else { format!(".{new}.") };
        path = path.replacen(&format!(".{old}."), &new, 1);
    }
    path.trim_matches('.').to_owned()
}

/// Takes apart what a checkpoint holds as one matrix: the rows of the layers called `fused` are `groups` times the rows
/// of each part in turn, which become layers beside it. Biases and packed matrices are cut alike.
pub fn split_rows(weights: &Loader, fused: &str, groups: i32, parts: &[(&str, i32)]) -> Result<()> {
    let rows: i32 = parts.iter().map(|(_, rows)| rows).sum();
    weights.edit(|tensors| {
        let segment = format!(".{fused}.");
        let found: Vec<String> = tensors.keys().filter(|path| path.contains(&segment)).cloned().collect();
        for path in found {
            let Some(array) = tensors.remove(&path) else { continue };
            let rest = array.shape()?.get(1..).unwrap_or_default().to_vec();
            let grouped = array.reshape([&[groups, rows], &rest[..]].concat())?;
            let mut end = 0;
            for (name, rows) in parts {
                end += rows;
                let part =
                    grouped.at((.., end - rows..end))?.reshape([&[groups * rows], &rest[..]].concat())?;
                tensors.insert(path.replace(&segment, &format!(".{name}.")), part);
            }
        }
        Ok(())
    })
}

/// Makes one tensor of those that a checkpoint numbers: `path.0.end`, `path.1.end` … become `path.end`, stacked along a
/// new first axis, wherever `path` ends with `list`.
pub fn stack_numbered(weights: &Loader, list: &str) -> Result<()> {
    weights.edit(|tensors| {
        let mut stacks: BTreeMap<String, BTreeMap<usize, Array>> = BTreeMap::new();
        let segment = format!("{list}.");
        for (path, array) in tensors.iter() {
            let Some((start, rest)) = path.split_once(&segment) else { continue };
            let Some((index, end)) = rest.split_once('.') else { continue };
            let Ok(index) = index.parse() else { continue };
            stacks.entry(format!("{start}{list}.{end}")).or_default().insert(index, array.clone());
        }
        tensors.retain(|path, _| {
            let index = path.split_once(&segment).and_then(|(_, rest)| rest.split('.').next());
            index.is_none_or(|index| index.parse::<usize>().is_err())
        });
        for (path, arrays) in stacks {
            tensors.insert(path, mlx::stack(&arrays.into_values().collect::<Vec<_>>(), 0)?);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::renamed;

    #[test]
    fn only_whole_segments_are_renamed() {
        let names = [("transformer.h", "model.layers"), ("mlp.c_fc", "mlp.up_proj"), ("language_model", "")];
        for (path, expected) in [
            ("transformer.h.0.mlp.c_fc.weight", "model.layers.0.mlp.up_proj.weight"),
            ("transformer.h.0.mlp.c_fc_0.weight", "model.layers.0.mlp.c_fc_0.weight"),
            ("language_model.lm_head.scales", "lm_head.scales"),
            ("lm_head", "lm_head"),
        ] {
            assert_eq!(renamed(path, &names), expected);
        }
    }
}
