//! The graph behind arrays that are not evaluated yet, as text.

use crate::{Array, Error, Result, ffi::graph as ffi};

/// MLX walks the graph by recursion; this depth fits the stack of any thread.
const DEEPEST: usize = 4_000;

/// The operations that `outputs` wait for, one line each, inputs before what is computed from them.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// let x = mlx::ones(&[2], mlx::Dtype::F32).exp()?;
/// assert!(mlx::graph::print_graph([&x])?.contains("Exp"));
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn print_graph<'a>(outputs: impl IntoIterator<Item = &'a Array>) -> Result<String> {
    let outputs: Vec<&Array> = outputs.into_iter().collect();
    check_depth("print_graph", &outputs)?;
    ffi::print_graph(&outputs)
}

/// The same in the DOT language of Graphviz: save it as `graph.dot` and run `dot -Tsvg graph.dot`.
#[track_caller]
pub fn export_to_dot<'a>(outputs: impl IntoIterator<Item = &'a Array>) -> Result<String> {
    let outputs: Vec<&Array> = outputs.into_iter().collect();
    check_depth("export_to_dot", &outputs)?;
    ffi::export_to_dot(&outputs)
}

#[track_caller]
fn check_depth(op: &'static str, outputs: &[&Array]) -> Result<()> {
    if ffi::depth(outputs, DEEPEST)? <= DEEPEST {
        return Ok(());
    }
    let text = format!("the graph is more than {DEEPEST} operations deep; evaluate part of it first");
    Err(Error::invalid(op, text))
}
