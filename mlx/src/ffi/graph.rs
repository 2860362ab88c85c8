//! The graph behind arrays.

use super::{ArrayList, call::Outputs, text};
use crate::{Array, Result};
use std::collections::HashSet;

#[track_caller]
pub(crate) fn print_graph(outputs: &[&Array]) -> Result<String> {
    let list = ArrayList::of(outputs.iter().copied())?;
    // SAFETY: the handles are borrowed from arrays that outlive the call; the text becomes ours.
    unsafe { text::owned("print_graph", |text| mlx_sys::mlx_print_graph(text, list.span())) }
}

#[track_caller]
pub(crate) fn export_to_dot(outputs: &[&Array]) -> Result<String> {
    let list = ArrayList::of(outputs.iter().copied())?;
    // SAFETY: as in `print_graph`.
    unsafe { text::owned("export_to_dot", |text| mlx_sys::mlx_export_to_dot(text, list.span())) }
}

/// The arrays that `array` is computed from; none once it is evaluated.
#[track_caller]
pub(crate) fn inputs(array: &Array) -> Result<Vec<Array>> {
    let handle = array.handle()?;
    // SAFETY: a live handle; the call writes a list when it succeeds.
    Outputs::of("inputs", |list| unsafe { mlx_sys::mlx_array_inputs(list, handle.raw()) })
}

pub(crate) fn id(array: &Array) -> Result<usize> {
    // SAFETY: a live handle.
    Ok(unsafe { mlx_sys::mlx_array_id(array.handle()?.raw()) })
}

/// Whether `array` has been evaluated, or will have been before anything else runs, and its elements lie in row-major order
/// without gaps.
#[track_caller]
pub(crate) fn has_rows_in_memory(array: &Array) -> Result<bool> {
    let handle = array.handle()?.raw();
    // SAFETY: a live handle.
    Ok(unsafe {
        mlx_sys::mlx_array_status(handle) != mlx_sys::MLX_UNSCHEDULED
            && mlx_sys::mlx_array_row_contiguous(handle)
    })
}

/// How deep a walk goes that visits inputs first and each array once, as far as `limit`.
#[track_caller]
pub(crate) fn depth(outputs: &[&Array], limit: usize) -> Result<usize> {
    let mut seen = HashSet::new();
    let mut deepest = 0;
    // The arrays on the way down, each with those of its inputs that are still to visit.
    let mut path: Vec<Vec<Array>> = vec![outputs.iter().rev().map(|&array| array.clone()).collect()];
    while let Some(siblings) = path.last_mut() {
        match siblings.pop() {
            None => drop(path.pop()),
            Some(next) if seen.insert(id(&next)?) => {
                let mut below = inputs(&next)?;
                below.reverse();
                path.push(below);
                deepest = deepest.max(path.len() - 1);
                if deepest > limit {
                    return Ok(deepest);
                }
            }
            Some(_) => {}
        }
    }
    Ok(deepest)
}
