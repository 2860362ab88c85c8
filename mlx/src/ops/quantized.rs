//! Products with quantized matrices.

use super::{
    gather::{Gather, Picks},
    on_cuda::has_quantized_product,
};
use crate::{
    Array, Device, Dtype, Error, Result, Stream, cpu,
    ffi::quantized as ops,
    nn::{Mode, Quantization, Quantized},
};

/// Quantizes to [`Mode::Nvfp4`] with a scale for the whole matrix, a scalar `F32`: the largest number the matrix can then
/// hold, so best `max(|weight|)`. Read and multiply what it gives with [`Quantized::scaled`].
///
/// Without it, the format reaches from 2⁻¹⁰ to 2688.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, nn::quantize_scaled, random};
/// let w = random::normal(&[8, 64], Dtype::F32, &random::key(0)?)? * 1e6;
/// let scale = w.abs()?.max(..)?;
/// let q = quantize_scaled(&w, &scale)?;
/// let error = (q.scaled(&scale).dequantize()? - &w).abs()?.max(..)?;
/// assert!(error.item::<f32>()? < 0.5e6);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn quantize_scaled(weight: &Array, global_scale: &Array) -> Result<Quantized> {
    let quantization = Quantization { group_size: 16, bits: 4, mode: Mode::Nvfp4 };
    let Quantization { group_size, bits, mode } = quantization;
    let parts = ops::quantize(weight, Some(group_size), Some(bits), mode.name(), Some(global_scale))?;
    match <[Array; 2]>::try_from(parts) {
        Ok([weight, scales]) => Ok(Quantized { weight, scales, biases: None, quantization }),
        Err(_) => Err(Error::invalid("quantize", "MLX did not return a matrix and its scales")),
    }
}

/// `x @ weight` transposed, `[..., columns]` to `[..., rows]`, with both quantized on the way; the weight may get gradients,
/// which that of [`Quantized::qqmm`] may not.
///
/// # Errors
/// Integers ([`Mode::Affine`]); on the CPU always: MLX has it on GPUs.
#[track_caller]
pub fn qqmm(x: &Array, weight: &Array, quantization: Quantization) -> Result<Array> {
    let Quantization { group_size, bits, mode } = quantization.check()?;
    require_gpu("qqmm", "with a matrix that is not quantized yet")?;
    require_floats("qqmm", mode)?;
    ops::qqmm(x, weight, None, Some(group_size), Some(bits), mode.name(), None, None)
}

/// Two operands of integers would take biases, which MLX's kernels read where there are none.
#[track_caller]
fn require_floats(op: &'static str, mode: Mode) -> Result<()> {
    if mode == Mode::Affine {
        return Err(Error::invalid(
            op,
            "both sides are quantized to floating-point numbers, not to integers",
        ));
    }
    Ok(())
}

/// MLX's code for two quantized operands is for GPUs; evaluated on the CPU, it would fail far from where it is called.
#[track_caller]
fn require_gpu(op: &'static str, what: &str) -> Result<()> {
    match Stream::current()?.device() {
        Device::Gpu => Ok(()),
        Device::Cpu => {
            let instead = "use a GPU, or multiply with what `dequantize` gives";
            Err(Error::invalid(op, format!("MLX has it {what} on GPUs only: {instead}")))
        }
    }
}

impl Quantized {
    /// `x @ self` transposed: `[..., columns]` to `[..., rows]`.
    #[doc(alias = "quantized_matmul")]
    #[track_caller]
    pub fn project(&self, x: &Array) -> Result<Array> {
        self.multiply(x, true)
    }

    /// `x @ self`: `[..., rows]` to `[..., columns]`.
    #[doc(alias = "quantized_matmul")]
    #[track_caller]
    pub fn project_back(&self, x: &Array) -> Result<Array> {
        self.multiply(x, false)
    }

    /// [`Quantized::project`] with a batch of matrices, `[matrices..., rows, columns]`, where `gather` picks by its left
    /// side from the batch of `x` `[..., count, columns]`, by its right side the matrices: `[picks..., count, rows]`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, Dtype, nn::{Quantization, quantize}, ones, ops::Gather, random};
    /// let experts = random::normal(&[4, 8, 64], Dtype::F32, &random::key(0)?)?;
    /// let experts = quantize(&experts, Quantization::affine(64, 8))?;
    /// let (x, choice) = (ones(&[2, 1, 64], Dtype::F32), Array::from_slice(&[3u32, 1], &[2]));
    /// let y = experts.gather_project(&x, Gather::new().rhs(&choice))?;
    /// assert_eq!(y.shape()?, [2, 1, 8]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "gather_qmm")]
    #[track_caller]
    pub fn gather_project(&self, x: &Array, gather: Gather<'_>) -> Result<Array> {
        self.gather_multiply(x, gather, true, None)
    }

    /// [`Quantized::gather_project`] with the matrices not transposed: `[..., count, rows]` to `[picks..., count, columns]`.
    #[doc(alias = "gather_qmm")]
    #[track_caller]
    pub fn gather_project_back(&self, x: &Array, gather: Gather<'_>) -> Result<Array> {
        self.gather_multiply(x, gather, false, None)
    }

    /// [`Quantized::project`] with `x` quantized on the way, in the matrix's mode.
    ///
    /// # Errors
    /// On the CPU for more than one vector, which MLX has on GPUs. Its gradients too are computed on GPUs only.
    #[track_caller]
    pub fn qqmm(&self, x: &Array) -> Result<Array> {
        self.quantized_both(x, None)
    }

    /// [`Quantized::gather_project`] with `x` quantized on the way, in the matrix's mode.
    ///
    /// # Errors
    /// On the CPU always: MLX has it on GPUs.
    #[track_caller]
    pub fn gather_qqmm(&self, x: &Array, gather: Gather<'_>) -> Result<Array> {
        self.gather_quantized_both(x, gather, None)
    }

    /// The numbers the matrix stands for.
    #[track_caller]
    pub fn dequantize(&self) -> Result<Array> {
        self.expand(None, None)
    }

    /// The numbers the matrix stands for, as `dtype`; by default they have that of the scales, or `Bf16`.
    #[track_caller]
    pub fn dequantize_as(&self, dtype: Dtype) -> Result<Array> {
        // MLX computes wrong doubles from 8-bit floats.
        match dtype {
            Dtype::F64 => self.expand(None, Some(Dtype::F32))?.astype(dtype),
            _ => self.expand(None, Some(dtype)),
        }
    }

    /// The matrix times a scale of its own: what [`quantize_scaled`] took, or one for each of a batch of matrices.
    pub fn scaled<'a>(&'a self, global_scale: &'a Array) -> Scaled<'a> {
        Scaled { matrix: self, scale: global_scale }
    }

    #[track_caller]
    fn multiply(&self, x: &Array, transpose: bool) -> Result<Array> {
        let shape = self.check("quantized_matmul")?;
        if x.shape()?.contains(&0) || shape.contains(&0) {
            return self.multiply_empty(x, transpose);
        }
        if let Some(y) = cpu::quantized_matmul(x, self, transpose)? {
            return Ok(y);
        }
        if !has_quantized_product(&shape, &self.quantization)? {
            let dense = self.dequantize_as(x.dtype()?)?;
            return x.matmul(&if transpose { dense.swapaxes(-1, -2)? } else { dense });
        }
        let Quantization { group_size, bits, mode } = self.quantization;
        let (biases, group_size, bits) = (self.biases.as_ref(), Some(group_size), Some(bits));
        ops::quantized_matmul(x, &self.weight, &self.scales, biases, transpose, group_size, bits, mode.name())
    }

    /// MLX's kernels divide by the extents of their operands; the product of plain matrices does not.
    #[track_caller]
    fn multiply_empty(&self, x: &Array, transpose: bool) -> Result<Array> {
        let dense = crate::zeros(&self.check("quantized_matmul")?, x.dtype()?);
        x.matmul(&if transpose { dense.t()? } else { dense })
    }

    #[track_caller]
    fn gather_multiply(
        &self,
        x: &Array,
        gather: Gather<'_>,
        transpose: bool,
        scale: Option<&Array>,
    ) -> Result<Array> {
        let shape = self.check("gather_qmm")?;
        let Picks { lhs, rhs, sorted } = gather.checked("gather_qmm", x.shape()?, &shape)?;
        let (lhs, rhs) = (lhs.as_ref(), rhs.as_ref());
        if x.shape()?.contains(&0) || shape.contains(&0) {
            let dense = crate::zeros(&shape, Dtype::F32);
            let dense = if transpose { dense.t()? } else { dense };
            return crate::ffi::matrix::gather_mm(x, &dense, lhs, rhs, sorted);
        }
        let Quantization { group_size, bits, mode } = self.quantization;
        let (biases, group_size, bits) = (self.biases.as_ref(), Some(group_size), Some(bits));
        let (w, s, mode) = (&self.weight, &self.scales, mode.name());
        ops::gather_qmm(x, w, s, biases, lhs, rhs, transpose, group_size, bits, mode, scale, sorted)
    }

    #[track_caller]
    fn quantized_both(&self, x: &Array, scales: Option<(&Array, &Array)>) -> Result<Array> {
        let shape = self.check("qqmm")?;
        require_floats("qqmm", self.quantization.mode)?;
        if x.shape()?.contains(&0) || shape.contains(&0) {
            return self.multiply_empty(x, true);
        }
        if x.size()? != x.dim(-1)? as usize {
            require_gpu("qqmm", "for more than one vector")?;
        }
        let Quantization { group_size, bits, mode } = self.quantization;
        let (of_x, of_w) = scales.unzip();
        let (w, s) = (&self.weight, Some(&self.scales));
        ops::qqmm(x, w, s, Some(group_size), Some(bits), mode.name(), of_x, of_w)
    }

    #[track_caller]
    fn gather_quantized_both(
        &self,
        x: &Array,
        gather: Gather<'_>,
        scales: Option<(&Array, &Array)>,
    ) -> Result<Array> {
        let shape = self.check("gather_qqmm")?;
        require_floats("gather_qqmm", self.quantization.mode)?;
        let picks = gather.checked("gather_qqmm", x.shape()?, &shape)?;
        if x.shape()?.contains(&0) || shape.contains(&0) {
            return self.gather_multiply(x, gather, true, None);
        }
        require_gpu("gather_qqmm", "for a batch of matrices")?;
        let Quantization { group_size, bits, mode } = self.quantization;
        let (of_x, of_w) = scales.unzip();
        let (w, s, mode) = (&self.weight, Some(&self.scales), mode.name());
        let (lhs, rhs, group_size, bits) =
            (picks.lhs.as_ref(), picks.rhs.as_ref(), Some(group_size), Some(bits));
        ops::gather_qqmm(x, w, s, lhs, rhs, group_size, bits, mode, of_x, of_w, picks.sorted)
    }

    #[track_caller]
    fn expand(&self, scale: Option<&Array>, dtype: Option<Dtype>) -> Result<Array> {
        self.check("dequantize")?;
        let Quantization { group_size, bits, mode } = self.quantization;
        let (biases, group_size, bits) = (self.biases.as_ref(), Some(group_size), Some(bits));
        ops::dequantize(&self.weight, &self.scales, biases, group_size, bits, mode.name(), scale, dtype)
    }

    /// The shape of the matrix, if its parts agree: MLX reads scales where it expects them without asking how many there
    /// are.
    #[track_caller]
    fn check(&self, op: &'static str) -> Result<Vec<i32>> {
        let Quantization { group_size, bits, mode } = self.quantization.check()?;
        let (weight, scales) = (self.weight.shape()?, self.scales.shape()?);
        let biases = self.biases.as_ref().map(Array::shape).transpose()?;
        if let (&[ref rows @ .., words], &[ref scale_rows @ .., groups]) = (weight, scales) {
            let columns = i64::from(groups) * i64::from(group_size);
            let agree = rows == scale_rows
                && !rows.is_empty()
                && i64::from(words) * 32 == columns * i64::from(bits)
                && biases.is_none_or(|biases| biases == scales)
                && biases.is_some() == (mode == Mode::Affine)
                && self.weight.dtype()? == Dtype::U32;
            if let (true, Ok(columns)) = (agree, i32::try_from(columns)) {
                return Ok([rows, &[columns]].concat());
            }
        }
        let dtype = self.weight.dtype()?;
        let text = format!(
            "the parts do not make a matrix of {:?}: weight {weight:?} of {dtype}, scales {scales:?}, biases \
             {biases:?}",
            self.quantization
        );
        Err(Error::invalid(op, text))
    }
}

/// A quantized matrix and a scale of its own; from [`Quantized::scaled`]. MLX has these for [`Mode::Nvfp4`].
#[derive(Clone, Copy, Debug)]
pub struct Scaled<'a> {
    matrix: &'a Quantized,
    scale: &'a Array,
}

impl Scaled<'_> {
    /// [`Quantized::dequantize`].
    #[track_caller]
    pub fn dequantize(&self) -> Result<Array> {
        self.matrix.expand(Some(self.scale), None)
    }

    /// [`Quantized::gather_project`], with a scale `F32` for each matrix. MLX has it on the GPU.
    #[track_caller]
    pub fn gather_project(&self, x: &Array, gather: Gather<'_>) -> Result<Array> {
        self.matrix.gather_multiply(x, gather, true, Some(self.scale))
    }

    /// [`Quantized::qqmm`], where `x` too has a scale.
    #[track_caller]
    pub fn qqmm(&self, x: &Array, x_scale: &Array) -> Result<Array> {
        self.matrix.quantized_both(x, Some((x_scale, self.scale)))
    }

    /// [`Quantized::gather_qqmm`], with a scale `F32` for each matrix, and one of `x`.
    #[track_caller]
    pub fn gather_qqmm(&self, x: &Array, x_scale: &Array, gather: Gather<'_>) -> Result<Array> {
        self.matrix.gather_quantized_both(x, gather, Some((x_scale, self.scale)))
    }
}

impl Array {
    /// The nearest 8-bit floats (E4M3, up to 448), as bytes.
    ///
    /// Infinities and NaN become the largest number.
    #[track_caller]
    pub fn to_fp8(&self) -> Result<Array> {
        // MLX computes wrong bytes from doubles, and wrong doubles from bytes.
        match self.dtype()? {
            Dtype::F64 => ops::to_fp8(&self.astype(Dtype::F32)?),
            _ => ops::to_fp8(self),
        }
    }

    /// The numbers that bytes stand for as 8-bit floats (E4M3), as `dtype`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, Dtype};
    /// let x = Array::from_slice(&[1.0f32, -3.1, 1000.0], &[3]);
    /// assert_eq!(x.to_fp8()?.from_fp8(Dtype::F32)?.to_vec::<f32>()?, [1.0, -3.0, 448.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[allow(clippy::wrong_self_convention, reason = "the name is MLX's")]
    #[track_caller]
    pub fn from_fp8(&self, dtype: Dtype) -> Result<Array> {
        match dtype {
            Dtype::F64 => ops::from_fp8(self, Dtype::F32)?.astype(dtype),
            _ => ops::from_fp8(self, dtype),
        }
    }
}
