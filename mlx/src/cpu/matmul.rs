//! Products of dense matrices.

use super::views::{floats_mut, is_float, strided};
use crate::{
    Dtype, Error, Result,
    kernels::{CpuKernel, Layout, View, ViewMut, replace_cpu_everywhere},
};
use mlx_cpu::gemm::{Matrices, Product, multiply};
use std::sync::Arc;

pub(super) fn install() -> Result<()> {
    let matmul = Arc::new(Matmul { name: "Matmul", alpha: 1.0, beta: 0.0 });
    replace_cpu_everywhere("Matmul", move |_| super::is_default_device().then(|| matmul.clone()))?;
    replace_cpu_everywhere("AddMM", |parameters| match parameters {
        &[alpha, beta] if super::is_default_device() => {
            Some(Arc::new(Matmul { name: "AddMM", alpha: alpha as f32, beta: beta as f32 }))
        }
        _ => None,
    })?;
    let gather = Arc::new(GatherMatmul);
    replace_cpu_everywhere("GatherMM", move |_| super::is_default_device().then(|| gather.clone()))
}

/// Batches of matrices of floats, all of one dtype.
fn fits(matrices: &[Layout<'_>], output: &Layout<'_>) -> bool {
    let dtype = output.dtype();
    is_float(dtype) && matrices.iter().all(|x| x.dtype() == dtype && x.shape().len() >= 2)
}

/// `alpha * a b + beta * c`; without `c`, just the product.
struct Matmul {
    name: &'static str,
    alpha: f32,
    beta: f32,
}

impl CpuKernel for Matmul {
    fn replaces(&self) -> &str {
        self.name
    }

    fn accepts(&self, inputs: &[Layout<'_>], outputs: &[Layout<'_>]) -> bool {
        let batch = |x: &Layout<'_>| x.shape()[..x.shape().len().saturating_sub(2)].to_vec();
        fits(inputs, &outputs[0]) && inputs.iter().all(|x| batch(x) == batch(&outputs[0]))
    }

    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        let [a, b, rest @ ..] = inputs else { return Err(Error::invalid(self.name, "it has two operands")) };
        let c = rest.first().map(|c| Ok::<_, Error>((c, offsets(c)?))).transpose()?;
        let (a_offsets, b_offsets) = (offsets(a)?, offsets(b)?);
        let ([m, k], [_, n]) = (extents(a), extents(b));
        let addend = match &c {
            Some((c, offsets)) => Some((self.beta, matrices(c, offsets)?)),
            None => None,
        };
        let (a, b) = (matrices(a, &a_offsets)?, matrices(b, &b_offsets)?);
        multiply(&Product { m, n, k, a, b, alpha: self.alpha, addend }, floats_mut(&mut outputs[0])?);
        Ok(())
    }
}

/// Products of the matrices that two lists of indices pick.
struct GatherMatmul;

impl CpuKernel for GatherMatmul {
    fn replaces(&self) -> &str {
        "GatherMM"
    }

    fn accepts(&self, inputs: &[Layout<'_>], outputs: &[Layout<'_>]) -> bool {
        let [a, b, picks @ ..] = inputs else { return false };
        let picks_fit = picks.iter().all(|x| x.dtype() == Dtype::U32 && x.is_row_contiguous());
        picks.len() == 2
            && picks_fit
            && fits(std::slice::from_ref(a), &outputs[0])
            && fits(std::slice::from_ref(b), &outputs[0])
    }

    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        let [a, b, of_a, of_b] = inputs else { return Err(Error::invalid("GatherMM", "it has four inputs")) };
        let (a_offsets, b_offsets) = (picked(a, of_a)?, picked(b, of_b)?);
        let ([m, k], [_, n]) = (extents(a), extents(b));
        let (a, b) = (matrices(a, &a_offsets)?, matrices(b, &b_offsets)?);
        multiply(&Product { m, n, k, a, b, alpha: 1.0, addend: None }, floats_mut(&mut outputs[0])?);
        Ok(())
    }
}

/// The last two extents.
fn extents(layout: &Layout<'_>) -> [usize; 2] {
    match layout.shape() {
        [.., rows, columns] => [*rows as usize, *columns as usize],
        _ => [0, 0],
    }
}

fn matrices<'a>(view: &View<'a>, offsets: &'a [usize]) -> Result<Matrices<'a>> {
    let (data, _) = strided(view)?;
    match view.strides() {
        [.., row, column] => {
            Ok(Matrices { data, offsets, row_stride: *row as isize, col_stride: *column as isize })
        }
        _ => Err(Error::invalid("matmul", "there are no rows and columns")),
    }
}

/// Where the matrices of a batch begin, counted from the lowest element.
fn offsets(view: &View<'_>) -> Result<Vec<usize>> {
    let (shape, strides) = (view.shape(), view.strides());
    let axes = shape.len().saturating_sub(2);
    let mut offsets = vec![strided(view)?.1 as i64];
    for (&extent, &stride) in shape[..axes].iter().zip(strides) {
        offsets = offsets
            .iter()
            .flat_map(|&offset| (0..i64::from(extent)).map(move |i| offset + i * stride))
            .collect();
    }
    Ok(offsets.into_iter().map(|offset| offset as usize).collect())
}

/// Where the matrices begin that `picks` names.
fn picked(view: &View<'_>, picks: &View<'_>) -> Result<Vec<usize>> {
    let all = offsets(view)?;
    let pick = |&i: &u32| {
        all.get(i as usize)
            .copied()
            .ok_or_else(|| Error::invalid("GatherMM", format!("there is no matrix {i} among {}", all.len())))
    };
    picks.as_slice::<u32>()?.iter().map(pick).collect()
}
