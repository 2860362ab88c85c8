//! Convolutions: weighted sums over windows that slide along the spatial axes.
//!
//! Images are `[batch, space..., channels]`, weights `[out channels, window..., in channels / groups]`.

mod instead;
mod options;
mod sizes;

pub use options::{ConvOptions, ConvTransposeOptions, PerAxis};

use crate::{Array, Error, Result, ffi::conv as ops};

/// Which places of two vectors' convolution to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvolveMode {
    /// All where they overlap: `n + m - 1`.
    Full,
    /// As many as the longer vector has, from the middle.
    Same,
    /// Those where the shorter one lies within the longer: `n - m + 1`.
    Valid,
}

impl Array {
    /// Convolution over one spatial axis: `[batch, length, channels]` and `[out, window, channels / groups]`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, ops::ConvOptions};
    /// let x = Array::from_slice(&[1.0f32, 2.0, 4.0, 8.0], &[1, 4, 1]);
    /// let differences = Array::from_slice(&[-1.0f32, 1.0], &[1, 2, 1]);
    /// assert_eq!(x.conv1d(&differences, ConvOptions::new())?.to_vec::<f32>()?, [1.0, 2.0, 4.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn conv1d(&self, weight: &Array, options: ConvOptions) -> Result<Array> {
        options.apply::<1>("conv1d", self, weight)
    }

    /// Convolution over two spatial axes: `[batch, height, width, channels]` and
    /// `[out, window height, window width, channels / groups]`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Dtype, ones, ops::ConvOptions};
    /// let (image, weight) = (ones(&[1, 8, 8, 3], Dtype::F32), ones(&[16, 3, 3, 3], Dtype::F32));
    /// let y = image.conv2d(&weight, ConvOptions::new().stride(2).padding(1))?;
    /// assert_eq!(y.shape()?, [1, 4, 4, 16]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn conv2d(&self, weight: &Array, options: ConvOptions) -> Result<Array> {
        options.apply::<2>("conv2d", self, weight)
    }

    /// Convolution over three spatial axes: `[batch, depth, height, width, channels]` and
    /// `[out, window depth, window height, window width, channels]`.
    #[track_caller]
    pub fn conv3d(&self, weight: &Array, options: ConvOptions) -> Result<Array> {
        options.apply::<3>("conv3d", self, weight)
    }

    /// Convolution over as many spatial axes, one to three, as there are beside batch and channels.
    #[track_caller]
    pub fn conv_general(&self, weight: &Array, options: ConvOptions) -> Result<Array> {
        match self.ndim()? {
            3 => options.apply::<1>("conv_general", self, weight),
            4 => options.apply::<2>("conv_general", self, weight),
            5 => options.apply::<3>("conv_general", self, weight),
            _ => {
                let text = format!("needs one to three spatial axes, the shape is {:?}", self.shape()?);
                Err(Error::invalid("conv_general", text))
            }
        }
    }

    /// Transposed convolution over one spatial axis: each input adds its multiple of the window to the output, of
    /// length `(length - 1) · stride - 2 · padding + dilation · (window - 1) + output_padding + 1`.
    ///
    /// The weight is `[out, window, channels / groups]`, as for [`Array::conv1d`].
    #[track_caller]
    pub fn conv_transpose1d(&self, weight: &Array, options: ConvTransposeOptions) -> Result<Array> {
        options.resolve("conv_transpose1d", self, weight)?.apply(self, weight, ops::conv_transpose1d)
    }

    /// Transposed convolution over two spatial axes; see [`Array::conv_transpose1d`].
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Dtype, ones, ops::ConvTransposeOptions};
    /// let (image, weight) = (ones(&[1, 4, 4, 16], Dtype::F32), ones(&[3, 2, 2, 16], Dtype::F32));
    /// let y = image.conv_transpose2d(&weight, ConvTransposeOptions::new().stride(2))?;
    /// assert_eq!(y.shape()?, [1, 8, 8, 3]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn conv_transpose2d(&self, weight: &Array, options: ConvTransposeOptions) -> Result<Array> {
        options.resolve("conv_transpose2d", self, weight)?.apply(self, weight, ops::conv_transpose2d)
    }

    /// Transposed convolution over three spatial axes; see [`Array::conv_transpose1d`].
    #[track_caller]
    pub fn conv_transpose3d(&self, weight: &Array, options: ConvTransposeOptions) -> Result<Array> {
        options.resolve("conv_transpose3d", self, weight)?.apply(self, weight, ops::conv_transpose3d)
    }

    /// The convolution of two vectors of floating-point numbers, as of two polynomials' coefficients.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, ops::ConvolveMode};
    /// let (a, b) = (Array::from_slice(&[1.0f32, 2.0, 3.0], &[3]), Array::from_slice(&[0.0f32, 1.0, 0.5], &[3]));
    /// assert_eq!(a.convolve(&b, ConvolveMode::Full)?.to_vec::<f32>()?, [0.0, 1.0, 2.5, 4.0, 1.5]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn convolve(&self, rhs: &Array, mode: ConvolveMode) -> Result<Array> {
        let (&[n], &[m]) = (self.shape()?, rhs.shape()?) else {
            let text = format!("needs two vectors, not {:?} and {:?}", self.shape()?, rhs.shape()?);
            return Err(Error::invalid("convolve", text));
        };
        if n == 0 || m == 0 {
            return Err(Error::invalid("convolve", format!("a vector is empty: lengths {n} and {m}")));
        }
        let (long, short, m) = if n < m { (rhs, self, n) } else { (self, rhs, m) };
        let options = ConvOptions::new().flip();
        let options = match mode {
            ConvolveMode::Full => options.padding(m - 1),
            ConvolveMode::Same => options.padding_sides(m / 2, (m - 1) / 2),
            ConvolveMode::Valid => options,
        };
        let (long, short) = (long.reshape([1, -1, 1])?, short.reshape([1, -1, 1])?);
        options.apply::<1>("convolve", &long, &short)?.flatten(0, -1)
    }
}
