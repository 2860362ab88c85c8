//! Names and layouts that checkpoints give to the parts of a model.

use mlx::{
    Array, Dtype, Loader, Result,
    nn::{Mode, Quantization, Quantized, quantize},
};
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

/// Gives the experts of `mlp` layers the form they have here: one layer `mlp.switch_mlp.gate_proj` and so on for all
/// experts. Checkpoints number the experts, or hold `experts.gate_up_proj` with the rows of both halves.
pub fn stack_experts(weights: &Loader) -> Result<()> {
    stack_numbered(weights, "mlp.experts")?;
    weights.edit(|tensors| {
        let fused: Vec<String> =
            tensors.keys().filter(|path| path.ends_with("experts.gate_up_proj")).cloned().collect();
        for path in fused {
            let Some(array) = tensors.remove(&path) else { continue };
            for (half, name) in array.split(2, -2)?.into_iter().zip(["gate_proj", "up_proj"]) {
                tensors.insert(path.replace("gate_up_proj", &format!("{name}.weight")), half);
            }
        }
        let is_bare =
            |path: &&String| ["experts.up_proj", "experts.down_proj"].iter().any(|end| path.ends_with(end));
        let bare: Vec<String> = tensors.keys().filter(is_bare).cloned().collect();
        for path in bare {
            if let Some(array) = tensors.remove(&path) {
                tensors.insert(format!("{path}.weight"), array);
            }
        }
        Ok(())
    })?;
    let names = [
        ("mlp.experts", "mlp.switch_mlp"),
        ("switch_mlp.w1", "switch_mlp.gate_proj"),
        ("switch_mlp.w2", "switch_mlp.down_proj"),
        ("switch_mlp.w3", "switch_mlp.up_proj"),
    ];
    rename(weights, &names)
}

/// Takes apart the layer `kv_b_proj` of `attention`, which makes keys and values of a latent; its rows are, for each of
/// `heads` heads, `keys` rows of the key and then those of the value. What comes out are `embed_q` `[heads, key, latent]`
/// and `unembed_out` `[heads, value, latent]`.
pub fn split_latent(
    tensors: &mut BTreeMap<String, Array>,
    attention: &str,
    [heads, keys]: [i32; 2],
) -> Result<()> {
    for name in ["weight", "scales", "biases"] {
        if let Some(part) = tensors.remove(&format!("{attention}.kv_b_proj.{name}")) {
            let by_head = part.reshape([heads, -1, part.dim(-1)?])?;
            tensors.insert(format!("{attention}.embed_q.{name}"), by_head.at((.., ..keys))?);
            tensors.insert(format!("{attention}.unembed_out.{name}"), by_head.at((.., keys..))?);
        }
    }
    Ok(())
}

/// Transposes the matrices `[..., rows, columns]` of the layer at `path`. Those of a quantized layer are quantized again,
/// as groups lie along rows.
pub fn transpose_layer(tensors: &mut BTreeMap<String, Array>, path: &str, columns: i32) -> Result<()> {
    let mut take = |name: &str| tensors.remove(&format!("{path}.{name}"));
    let (weight, scales, biases) = (take("weight"), take("scales"), take("biases"));
    let mut parts = vec![];
    match (weight, scales) {
        (Some(weight), Some(scales)) => {
            let quantization = stored(&weight, &scales, columns)?;
            let dense = Quantized { weight, scales, biases, quantization }.dequantize()?.swapaxes(-1, -2)?;
            if dense.dim(-1)? % quantization.group_size == 0 {
                let packed = quantize(&dense, quantization)?;
                parts.extend([("weight", packed.weight), ("scales", packed.scales)]);
                parts.extend(packed.biases.map(|biases| ("biases", biases)));
            } else {
                parts.push(("weight", dense));
            }
        }
        (Some(weight), None) => parts.push(("weight", weight.swapaxes(-1, -2)?)),
        _ => {}
    }
    tensors.extend(parts.into_iter().map(|(name, part)| (format!("{path}.{name}"), part)));
    Ok(())
}

/// How a layer of so many `columns` is quantized.
fn stored(weight: &Array, scales: &Array, columns: i32) -> Result<Quantization> {
    let bits = weight.dim(-1)?.saturating_mul(32) / columns.max(1);
    let group_size = columns / scales.dim(-1)?.max(1);
    let mode = match (scales.dtype()?, bits, group_size) {
        (Dtype::U8, 4, 16) => Mode::Nvfp4,
        (Dtype::U8, 4, _) => Mode::Mxfp4,
        (Dtype::U8, ..) => Mode::Mxfp8,
        _ => Mode::Affine,
    };
    Quantization { group_size, bits, mode }.check()
}

/// Drops the layers behind the last, which predict more than one token.
pub fn drop_layers_from(weights: &Loader, count: usize) {
    weights.ignore(|path| {
        let index = path.strip_prefix("model.layers.").and_then(|rest| rest.split('.').next());
        index.and_then(|index| index.parse().ok()).is_some_and(|index: usize| index >= count)
    });
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
