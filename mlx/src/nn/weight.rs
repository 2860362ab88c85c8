//! A weight matrix, or a stack of them, that becomes what the checkpoint holds.

use super::{Quantization, Quantized, init};
use crate::{Array, Dtype, Error, Loader, Module, Param, Path, Result, Slot, SlotMut, ops::Gather, zeros};

/// The matrix `[rows, columns]` of a linear layer or an embedding, or the matrices `[count, rows, columns]` of experts;
/// dense or quantized.
#[derive(Clone, Debug)]
pub enum Weight {
    /// As it is; learned.
    Dense(Param),
    /// In few bits; not learned.
    Quantized(Quantized),
}

impl Weight {
    #[track_caller]
    pub(super) fn new(rows: i32, columns: i32) -> Weight {
        Weight::Dense(zeros(&[rows, columns], Dtype::F32).into())
    }

    /// `count` matrices.
    #[track_caller]
    pub(super) fn stacked(count: i32, rows: i32, columns: i32) -> Weight {
        Weight::Dense(zeros(&[count, rows, columns], Dtype::F32).into())
    }

    /// The matrix to draw random numbers for, which must not be quantized.
    #[track_caller]
    pub(super) fn dense(&mut self) -> Result<&mut Param> {
        match self {
            Weight::Dense(weight) => Ok(weight),
            Weight::Quantized(_) => Err(Error::invalid("init", "the layer is quantized and does not learn")),
        }
    }

    /// Draws the numbers uniformly from ±`1 / sqrt(columns)`; gives the shape `[rows, columns]`.
    #[track_caller]
    pub(super) fn draw_by_columns(&mut self, key: &Array) -> Result<[i32; 2]> {
        let weight = self.dense()?;
        let [rows, columns] = weight.dims()?;
        *weight.value_mut() = init::by_inputs(&[rows, columns], columns, key)?;
        Ok([rows, columns])
    }

    /// `[rows, columns]`.
    #[track_caller]
    pub(super) fn shape(&self) -> Result<[i32; 2]> {
        match self {
            Weight::Dense(weight) => weight.dims(),
            Weight::Quantized(weight) => {
                let [rows, groups] = weight.scales.dims()?;
                Ok([rows, groups.saturating_mul(weight.quantization.group_size)])
            }
        }
    }

    /// `x @ self` transposed.
    #[track_caller]
    pub(super) fn project(&self, x: &Array) -> Result<Array> {
        match self {
            Weight::Dense(weight) => x.matmul(&weight.t()?),
            Weight::Quantized(weight) => weight.project(x),
        }
    }

    /// `x` times the transposed matrices of a stack that `gather` picks by its right side.
    #[track_caller]
    pub(super) fn gather_project(&self, x: &Array, gather: Gather<'_>) -> Result<Array> {
        match self {
            Weight::Dense(weight) => x.gather_mm(&weight.swapaxes(-1, -2)?, gather),
            Weight::Quantized(weight) => weight.gather_project(x, gather),
        }
    }

    /// The rows at `indices`.
    #[track_caller]
    pub(super) fn rows(&self, indices: &Array) -> Result<Array> {
        match self {
            Weight::Dense(weight) => weight.take(indices, 0),
            Weight::Quantized(weight) => weight.rows(indices)?.dequantize(),
        }
    }

    /// How the layer at the cursor is stored: `None` when dense.
    #[track_caller]
    fn stored(weights: &Loader, columns: i32) -> Result<Option<Quantization>> {
        if let Some(said) = weights.quantization() {
            return said.map(Quantization::check).transpose();
        }
        match (weights.at("weight").peek(), weights.at("scales").peek()) {
            (Some(weight), Some(scales)) => Quantization::of_stored(&weight, &scales, columns)
                .map(Some)
                .map_err(|e| weights.error(format!("layer `{}`: {}", weights.path(), e.message()))),
            _ => Ok(None),
        }
    }
}

impl Module for Weight {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
        match self {
            Weight::Dense(weight) => path.enter("weight", |path| weight.visit(path, f)),
            Weight::Quantized(matrix) => matrix.visit(path, f),
        }
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
        f(path.as_str(), SlotMut::Weight(self));
        match self {
            Weight::Dense(weight) => path.enter("weight", |path| weight.visit_mut(path, f)),
            Weight::Quantized(matrix) => matrix.visit_mut(path, f),
        }
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        let dense = match self {
            Weight::Dense(dense) => dense,
            Weight::Quantized(matrix) => return matrix.load(weights),
        };
        let (rows, columns) = match dense.shape()? {
            [rows @ .., columns] => (rows.to_vec(), *columns),
            [] => (vec![], 1),
        };
        let Some(quantization) = Weight::stored(weights, columns)? else {
            return dense.load(&weights.at("weight"));
        };
        let Quantization { group_size, bits, mode } = quantization;
        let words = (i64::from(columns) * i64::from(bits) / 32) as i32;
        let per_group = [&rows[..], &[columns / group_size]].concat();
        *self = Weight::Quantized(Quantized {
            weight: weights.at("weight").take(&[&rows[..], &[words]].concat())?,
            scales: weights.at("scales").take(&per_group)?,
            biases: match mode {
                super::Mode::Affine => Some(weights.at("biases").take(&per_group)?),
                _ => None,
            },
            quantization,
        });
        Ok(())
    }
}
