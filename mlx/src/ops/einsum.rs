//! Sums of products in Einstein's notation.

use super::reduce::reducible;
use crate::{
    Array, Error, Result,
    ffi::{ArrayList, einsum as ops},
};
use std::collections::HashMap;

/// More multiplications than any machine does; sizes beyond could overflow in MLX.
const MOST_TERMS: f64 = (1u64 << 60) as f64;

/// The sum of products that `subscripts` names: a letter per axis, `,` between operands, `->` before the axes of the
/// result. Letters that the result lacks are summed over; `...` stands for axes without a name, which broadcast. The
/// operands are arrays or references to them.
///
/// Without `->` the result has the letters that appear once, in alphabetical order. Contractions are matrix products,
/// so they need floating-point or complex numbers.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, einsum};
/// let (a, b) = (Array::from_slice(&[1.0f32, 2.0], &[2]), Array::from_slice(&[3.0f32, 4.0, 5.0, 6.0], &[2, 2]));
/// assert_eq!(einsum("i,ij->j", &[&a, &b])?.to_vec::<f32>()?, [13.0, 16.0]);
/// assert_eq!(einsum("ii->", &[&b])?.item::<f32>()?, 9.0);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn einsum(subscripts: &str, operands: &[impl AsRef<Array>]) -> Result<Array> {
    check("einsum", subscripts, operands)?;
    let operands = operands.iter().map(|operand| reducible(operand.as_ref())).collect::<Result<Vec<_>>>()?;
    ops::einsum(subscripts, &ArrayList::of(&operands)?)
}

/// The order in which [`einsum`] multiplies its operands. Each step takes the operands at its positions out of the
/// list and appends their product; the text describes the costs.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, einsum_path, ones};
/// let (a, b, c) = (ones(&[9, 9], Dtype::F32), ones(&[9, 9], Dtype::F32), ones(&[9, 1], Dtype::F32));
/// let (steps, _costs) = einsum_path("ij,jk,kl->il", &[&a, &b, &c])?;
/// assert_eq!(steps, [[1, 2], [0, 1]]); // the narrow one first
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn einsum_path(subscripts: &str, operands: &[impl AsRef<Array>]) -> Result<(Vec<Vec<usize>>, String)> {
    check("einsum_path", subscripts, operands)?;
    ops::einsum_path(subscripts, &ArrayList::of(operands)?)
}

/// Refuses contractions whose intermediate sizes could overflow; MLX checks the rest.
#[track_caller]
fn check(op: &'static str, subscripts: &str, operands: &[impl AsRef<Array>]) -> Result<()> {
    let text: String = subscripts.split_whitespace().collect();
    if let Some(odd) = text.chars().find(|c| !c.is_ascii_alphabetic() && !"->,.".contains(*c)) {
        return Err(Error::invalid(op, format!("{subscripts:?} contains {odd:?}; axes are letters")));
    }
    let terms = text.split("->").next().unwrap_or_default().split(',');
    let mut extents = HashMap::new();
    for (term, operand) in terms.zip(operands) {
        let shape = operand.as_ref().shape()?;
        let (front, back) = term.split_once("...").unwrap_or((term, ""));
        let unnamed = shape.len().saturating_sub(front.len() + back.len());
        // Unnamed axes are the same when as far from the end.
        let names = front.chars().map(Axis::Named);
        let names = names.chain((0..unnamed).rev().map(Axis::Unnamed)).chain(back.chars().map(Axis::Named));
        for (name, &extent) in names.zip(shape) {
            let known = extents.entry(name).or_insert(1);
            *known = extent.max(*known);
        }
    }
    let count: f64 = extents.values().map(|&extent| f64::from(extent)).product();
    if count <= MOST_TERMS {
        return Ok(());
    }
    Err(Error::invalid(op, format!("{subscripts:?} multiplies {count:e} times, more than any machine can")))
}

#[derive(PartialEq, Eq, Hash)]
enum Axis {
    Named(char),
    Unnamed(usize),
}
