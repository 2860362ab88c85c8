//! Quantizing the layers of a model in place.

use super::{Quantization, Weight, quantize};
use crate::{Error, Module, Param, Path, Result, SlotMut};
use std::collections::BTreeMap;

/// Quantizes the weights that `choose` gives a [`Quantization`] for, by the path of their layer and the weight's shape
/// `[rows, columns]`, which is that of each matrix of a stack. Those that are quantized already stay as they are.
///
/// Quantized weights do not learn; gradients go on to what stands before them.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Module, nn::{Linear, Quantization, quantize_layers}, random};
/// let mut model = vec![Linear::new(64, 64).init(&random::key(0)?)?, Linear::new(64, 3).init(&random::key(1)?)?];
/// quantize_layers(&mut model, |path, _shape| (path != "1").then_some(Quantization::affine(32, 4)))?;
/// let held: Vec<_> = model.parameters().into_keys().collect();
/// assert_eq!(held, ["0.biases", "0.scales", "0.weight", "1.weight"]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Groups that do not divide the columns, or a combination that MLX does not have. The model is then as before.
#[doc(alias = "nn.quantize")]
#[doc(alias = "class_predicate")]
#[track_caller]
pub fn quantize_layers<M: Module + ?Sized>(
    model: &mut M,
    choose: impl Fn(&str, [i32; 2]) -> Option<Quantization>,
) -> Result<()> {
    let mut changed = BTreeMap::new();
    for (path, weight) in weights(model) {
        if let Weight::Dense(dense) = &weight {
            let (&[rows, columns] | &[_, rows, columns]) = dense.shape()? else { continue };
            let shape = [rows, columns];
            if let Some(quantization) = choose(&path, shape) {
                check(&path, shape, quantization)?;
                changed.insert(path, Weight::Quantized(quantize(dense, quantization)?));
            }
        }
    }
    put(model, changed);
    Ok(())
}

/// Turns the quantized weights of the layers whose path `selects` picks into the numbers they stand for, which learn.
///
/// `dequantize_layers(&mut model, |_| true)` does it for all.
#[track_caller]
pub fn dequantize_layers<M: Module + ?Sized>(model: &mut M, selects: impl Fn(&str) -> bool) -> Result<()> {
    let mut changed = BTreeMap::new();
    for (path, weight) in weights(model) {
        if let Weight::Quantized(quantized) = &weight
            && selects(&path)
        {
            changed.insert(path, Weight::Dense(Param::new(quantized.dequantize()?)));
        }
    }
    put(model, changed);
    Ok(())
}

#[track_caller]
fn check(path: &str, [rows, columns]: [i32; 2], quantization: Quantization) -> Result<()> {
    let size = quantization.check()?.group_size;
    if columns % size == 0 {
        return Ok(());
    }
    let text = format!("groups of {size} do not divide the columns of layer `{path}`, [{rows}, {columns}]");
    Err(Error::invalid("quantize_layers", text))
}

fn weights<M: Module + ?Sized>(model: &mut M) -> Vec<(String, Weight)> {
    let mut found = vec![];
    model.visit_mut(&mut Path::default(), &mut |path, slot| {
        if let SlotMut::Weight(weight) = slot {
            found.push((path.to_owned(), weight.clone()));
        }
    });
    found
}

fn put<M: Module + ?Sized>(model: &mut M, mut changed: BTreeMap<String, Weight>) {
    model.visit_mut(&mut Path::default(), &mut |path, slot| {
        if let SlotMut::Weight(place) = slot
            && let Some(weight) = changed.remove(path)
        {
            *place = weight;
        }
    });
}
