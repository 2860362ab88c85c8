//! Operations that MLX composes of many on a CPU, as one.
//!
//! Most have one output and are [`Fused`]; every [`Fused`] is a [`Composite`], of which the outputs are a list.

use super::views::is_float;
use crate::{
    Array, Error, Result,
    ffi::kernels::operation,
    kernels::{Operation, Spec, View, ViewMut, apply_in_place, exactly},
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

/// Like [`Fused`], with any number of outputs.
pub(super) trait Composite: PartialEq + Send + Sync + 'static {
    /// MLX's name.
    const NAME: &'static str;

    /// What comes out; the inputs have been checked.
    fn outputs(&self, inputs: &[Spec]) -> Vec<Spec>;

    /// Computes the outputs.
    fn eval(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()>;

    /// So many of the last outputs are in the memory of as many of the last inputs; no slice of these may be taken.
    fn in_place(&self, _inputs: usize) -> usize {
        0
    }

    /// The same, recorded as MLX's operations: what transforms see.
    fn compose(&self, inputs: &[Array]) -> Result<Vec<Array>>;

    /// Whether inputs come as they lie in memory; otherwise they are made dense first.
    fn strided(&self) -> bool {
        true
    }
}

impl<F: Fused> Composite for F {
    const NAME: &'static str = F::NAME;

    fn outputs(&self, inputs: &[Spec]) -> Vec<Spec> {
        vec![self.output(inputs)]
    }

    fn eval(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        match outputs {
            [output] => Fused::eval(self, inputs, output),
            _ => Err(Error::invalid(F::NAME, "there is one output")),
        }
    }

    fn compose(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        Ok(vec![Fused::compose(self, inputs)?])
    }

    fn strided(&self) -> bool {
        Fused::strided(self)
    }
}

/// Records `operation` on `inputs`.
#[track_caller]
pub(super) fn record<C: Composite, const N: usize>(operation: C, inputs: &[&Array]) -> Result<[Array; N]> {
    exactly(C::NAME, record_list(operation, inputs)?)
}

/// Records `operation`, whose number of outputs is not known beforehand, on `inputs`.
#[track_caller]
pub(super) fn record_list<C: Composite>(operation: C, inputs: &[&Array]) -> Result<Vec<Array>> {
    let in_place = operation.in_place(inputs.len());
    apply_in_place(&shared(operation), inputs, in_place)
}

/// The operation of this kind that gives `array`, and which of its outputs that is: for one that takes it along.
pub(super) fn recorded<C: Composite>(array: &Array) -> Result<Option<(Arc<Node<C>>, usize)>> {
    let Some((context, index)) = operation(array)? else { return Ok(None) };
    KNOWN.with_borrow(|known| {
        let list = known.get(&TypeId::of::<C>()).map_or(&[][..], |list| list);
        let node = list.iter().find(|node| Arc::as_ptr(node).addr() == context);
        Ok(node.and_then(|node| node.clone().downcast::<Node<C>>().ok()).map(|node| (node, index)))
    })
}

thread_local! {
    static KNOWN: RefCell<HashMap<TypeId, Vec<Arc<dyn Any + Send + Sync>>>> = RefCell::default();
}

/// The operation that equals this one and was recorded before, if there is one: then compiled functions compute equal
/// calls once, and a function that is traced again records the same.
fn shared<C: Composite>(operation: C) -> Arc<Node<C>> {
    /// Programs use few different ones; who makes more goes without.
    const KEPT: usize = 64;
    let node = Node(operation);
    KNOWN.with_borrow_mut(|known| {
        let list = known.entry(TypeId::of::<C>()).or_default();
        let mut nodes = list.iter().filter_map(|known| known.clone().downcast::<Node<C>>().ok());
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

/// A recorded operation.
pub(super) struct Node<C>(pub(super) C);

impl<C: Composite> Operation for Node<C> {
    fn name(&self) -> &str {
        C::NAME
    }

    fn outputs(&self, inputs: &[Spec]) -> Result<Vec<Spec>> {
        Ok(self.0.outputs(inputs))
    }

    fn eval(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        self.0.eval(inputs, outputs)
    }

    fn strided_inputs(&self) -> bool {
        self.0.strided()
    }

    fn vjp(&self, inputs: &[Array], _outputs: &[Array], cotangents: &[Array]) -> Result<Vec<Array>> {
        let (floats, places) = floats(inputs)?;
        let compose = |x: &Vec<Array>| self.0.compose(&placed(inputs, &places, x));
        let (_, mut products) = vjp(compose, &floats, &cotangents.to_vec())?;
        let mut all = inputs.iter().map(|x| Ok(zeros(x.shape()?, x.dtype()?))).collect::<Result<Vec<_>>>()?;
        for (place, product) in places.iter().zip(products.drain(..)) {
            all[*place] = product;
        }
        Ok(all)
    }

    fn jvp(&self, inputs: &[Array], tangents: &[Option<Array>]) -> Result<Vec<Array>> {
        // Of the others there may be no derivatives.
        let given = |place: usize| Some((place, tangents[place].clone()?));
        let (places, tangents): (Vec<usize>, Vec<Array>) = (0..inputs.len()).filter_map(given).unzip();
        let varied: Vec<Array> = places.iter().map(|&place| inputs[place].clone()).collect();
        let compose = |x: &Vec<Array>| self.0.compose(&placed(inputs, &places, x));
        Ok(jvp(compose, &varied, &tangents)?.1)
    }

    fn vmap(&self, inputs: &[Array], axes: &[Option<usize>]) -> Result<Vec<(Array, Option<usize>)>> {
        let axes = axes.iter().map(|axis| axis.map(|axis| axis as i32)).collect::<Vec<_>>();
        let mapped = vmap_axes(|x: &Vec<Array>| self.0.compose(x), axes, 0);
        Ok(mapped(&inputs.to_vec())?.into_iter().map(|output| (output, Some(0))).collect())
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
