//! Operations that MLX composes of many on a CPU, as one.

use super::views::is_float;
use crate::{
    Array, Error, Result,
    kernels::{Operation, Spec, View, ViewMut, apply},
    transforms::{jvp, vjp, vmap_axes},
    zeros,
};
use std::{
    any::{Any, TypeId},
    cell::RefCell,
    collections::HashMap,
    sync::Arc,
};

/// What is computed at once. Values that are equal are the same operation.
pub(super) trait Fused: PartialEq + Send + Sync + 'static {
    /// MLX's name.
    const NAME: &'static str;

    /// What comes out; the inputs have been checked.
    fn output(&self, inputs: &[Spec]) -> Spec;

    /// Computes the output.
    fn eval(&self, inputs: &[View<'_>], output: &mut ViewMut<'_>) -> Result<()>;

    /// The same, recorded as MLX's operations: what transforms see.
    fn compose(&self, inputs: &[Array]) -> Result<Array>;

    /// Whether inputs come as they lie in memory; otherwise they are made dense first.
    fn strided(&self) -> bool {
        true
    }
}

/// Records `operation` on `inputs`.
#[track_caller]
pub(super) fn record<F: Fused>(operation: F, inputs: &[&Array]) -> Result<Array> {
    let [output] = apply(&shared(operation), inputs)?;
    Ok(output)
}

/// The operation that equals this one and was recorded before, if there is one: then compiled functions compute equal
/// calls once, and a function that is traced again records the same.
fn shared<F: Fused>(operation: F) -> Arc<Node<F>> {
    /// Programs use few different ones; who makes more goes without.
    const KEPT: usize = 64;
    thread_local! {
        static KNOWN: RefCell<HashMap<TypeId, Vec<Arc<dyn Any + Send + Sync>>>> = RefCell::default();
    }
    let node = Node(operation);
    KNOWN.with_borrow_mut(|known| {
        let list = known.entry(TypeId::of::<F>()).or_default();
        let mut nodes = list.iter().filter_map(|known| known.clone().downcast::<Node<F>>().ok());
        if let Some(same) = nodes.find(|known| known.0 == node.0) {
            return same;
        }
        drop(nodes);
        let node = Arc::new(node);
        if list.len() < KEPT {
            list.push(node.clone());
        }
        node
    })
}

struct Node<F>(F);

impl<F: Fused> Operation for Node<F> {
    fn name(&self) -> &str {
        F::NAME
    }

    fn outputs(&self, inputs: &[Spec]) -> Result<Vec<Spec>> {
        Ok(vec![self.0.output(inputs)])
    }

    fn eval(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        match outputs {
            [output] => self.0.eval(inputs, output),
            _ => Err(Error::invalid(F::NAME, "there is one output")),
        }
    }

    fn strided_inputs(&self) -> bool {
        self.0.strided()
    }

    fn vjp(&self, inputs: &[Array], _outputs: &[Array], cotangents: &[Array]) -> Result<Vec<Array>> {
        let (floats, places) = floats(inputs)?;
        let compose = |x: &Vec<Array>| self.0.compose(&placed(inputs, &places, x));
        let (_, mut products) = vjp(compose, &floats, &cotangents[0])?;
        let mut all = inputs.iter().map(|x| Ok(zeros(x.shape()?, x.dtype()?))).collect::<Result<Vec<_>>>()?;
        for (place, product) in places.iter().zip(products.drain(..)) {
            all[*place] = product;
        }
        Ok(all)
    }

    fn jvp(&self, inputs: &[Array], tangents: &[Option<Array>]) -> Result<Vec<Array>> {
        let (floats, places) = floats(inputs)?;
        let compose = |x: &Vec<Array>| self.0.compose(&placed(inputs, &places, x));
        let tangent = |&place: &usize| match &tangents[place] {
            Some(tangent) => Ok(tangent.clone()),
            None => Ok(zeros(inputs[place].shape()?, inputs[place].dtype()?)),
        };
        let tangents = places.iter().map(tangent).collect::<Result<Vec<_>>>()?;
        Ok(vec![jvp(compose, &floats, &tangents)?.1])
    }

    fn vmap(&self, inputs: &[Array], axes: &[Option<usize>]) -> Result<Vec<(Array, Option<usize>)>> {
        let axes = axes.iter().map(|axis| axis.map(|axis| axis as i32)).collect::<Vec<_>>();
        let mapped = vmap_axes(|x: &Vec<Array>| self.0.compose(x), axes, 0);
        Ok(vec![(mapped(&inputs.to_vec())?, Some(0))])
    }
}

/// The inputs that may have derivatives, and which of all they are.
fn floats(inputs: &[Array]) -> Result<(Vec<Array>, Vec<usize>)> {
    let (mut floats, mut places) = (vec![], vec![]);
    for (place, input) in inputs.iter().enumerate() {
        if is_float(input.dtype()?) {
            floats.push(input.clone());
            places.push(place);
        }
    }
    Ok((floats, places))
}

/// `inputs` with those at `places` exchanged.
fn placed(inputs: &[Array], places: &[usize], arrays: &[Array]) -> Vec<Array> {
    let mut all = inputs.to_vec();
    for (place, array) in places.iter().zip(arrays) {
        all[*place] = array.clone();
    }
    all
}
