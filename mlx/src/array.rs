//! The array handle: creation, shape, reading, evaluation.

use crate::{Dtype, Element, Error, ErrorKind, Result, ffi, ffi::Handle, stream::Scope};

/// A lazy n-dimensional array.
///
/// Cloning copies a handle, not data. An operator that fails gives a *failed array*, which carries the error to the
/// next call that returns a [`Result`]. Two words wide; neither `Send` nor `Sync` (see [`SharedArray`]):
///
/// ```compile_fail,E0277
/// let lazy = mlx::Array::scalar(1.0f32) + 1.0;
/// std::thread::spawn(move || drop(lazy)); // MLX changes its graph without locks
/// ```
///
/// [`SharedArray`]: crate::SharedArray
#[doc(alias = "mx.array")]
#[derive(Clone)]
pub struct Array(Repr);

#[derive(Clone)]
enum Repr {
    Live(Handle),
    Failed(Error),
}

impl Array {
    /// Copies `data` (row-major) into an array of `shape`.
    ///
    /// A length that does not fill the shape gives a failed array.
    ///
    /// ```
    /// let x = mlx::Array::from_slice(&[1i32, 2, 3, 4, 5, 6], &[2, 3]);
    /// assert_eq!(x.shape().unwrap(), [2, 3]);
    /// ```
    #[doc(alias = "mx.array")]
    #[doc(alias = "asarray")]
    #[track_caller]
    pub fn from_slice<T: Element>(data: &[T], shape: &[i32]) -> Array {
        let result = match element_count(shape) {
            Some(count) if count == data.len() => ffi::from_slice(data, shape),
            _ => Err(Error::invalid(
                "from_slice",
                format!("{} elements do not fill shape {shape:?}", data.len()),
            )),
        };
        Array::from_result(result)
    }

    /// A scalar: an array without dimensions.
    #[track_caller]
    pub fn scalar<T: Element>(value: T) -> Array {
        Array::from_slice(&[value], &[])
    }

    pub(crate) fn from_handle(handle: Handle) -> Array {
        Array(Repr::Live(handle))
    }

    /// The array, or one that carries the error.
    pub(crate) fn from_result(result: Result<Array>) -> Array {
        result.unwrap_or_else(|error| Array(Repr::Failed(error)))
    }

    pub(crate) fn handle(&self) -> Result<&Handle> {
        match &self.0 {
            Repr::Live(handle) => Ok(handle),
            Repr::Failed(error) => Err(error.clone()),
        }
    }

    /// The extent of each dimension. Fails only for a failed array.
    pub fn shape(&self) -> Result<&[i32]> {
        Ok(self.handle()?.shape())
    }

    /// The shape with its rank checked, for destructuring: `let [batch, length, _] = x.dims()?;`
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let [rows, columns] = mlx::zeros(&[2, 3], mlx::Dtype::F32).dims()?;
    /// assert_eq!((rows, columns), (2, 3));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn dims<const RANK: usize>(&self) -> Result<[i32; RANK]> {
        let shape = self.shape()?;
        match shape.try_into() {
            Ok(dims) => Ok(dims),
            Err(_) => {
                Err(Error::invalid("dims", format!("expected {RANK} dimensions, the shape is {shape:?}")))
            }
        }
    }

    /// The extent of `axis`, which may be negative.
    #[track_caller]
    pub fn dim(&self, axis: i32) -> Result<i32> {
        let shape = self.shape()?;
        Ok(shape[crate::index::resolve_axis("dim", axis, shape)?])
    }

    /// The number of dimensions.
    pub fn ndim(&self) -> Result<usize> {
        Ok(self.shape()?.len())
    }

    /// The number of elements.
    pub fn size(&self) -> Result<usize> {
        Ok(self.handle()?.size())
    }

    /// The number of bytes the elements take.
    pub fn nbytes(&self) -> Result<usize> {
        Ok(self.size()? * self.dtype()?.size())
    }

    /// The type of the elements.
    pub fn dtype(&self) -> Result<Dtype> {
        Ok(Dtype::from_code(self.handle()?.dtype()))
    }

    /// Evaluates, casts to `T` and copies the elements out in row-major order.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1.5f32, -2.5], &[2]);
    /// assert_eq!(x.to_vec::<f32>()?, [1.5, -2.5]);
    /// assert_eq!(x.to_vec::<i32>()?, [1, -2]); // cast as `astype` does
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "tolist")]
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if T::DTYPE == Dtype::Bool {
            return read_bools(self);
        }
        // Another operation would wait for all that has been submitted since.
        if self.dtype()? == T::DTYPE && ffi::is_readable(self)? {
            return ffi::read(self);
        }
        // GPUs have no `float64`.
        let is_double = [self.dtype()?, T::DTYPE].contains(&Dtype::F64);
        let _cpu = if is_double { Scope::cpu_instead("to_vec")? } else { None };
        let cast = if self.dtype()? == T::DTYPE { self.clone() } else { self.astype(T::DTYPE)? };
        let dense = ffi::ops::contiguous(&cast, false)?;
        dense.eval()?;
        ffi::read(&dense)
    }

    /// Evaluates and reads the only element, cast to `T`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1.0f32, 2.0], &[2]);
    /// assert_eq!(x.sum(..)?.item::<f32>()?, 3.0);
    /// assert!(x.item::<f32>().is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn item<T: Element>(&self) -> Result<T> {
        match self.to_vec::<T>()?.as_slice() {
            [value] => Ok(*value),
            _ => Err(Error::invalid(
                "item",
                format!("the shape is {:?}, not that of one element", self.shape()?),
            )),
        }
    }

    /// Evaluates and waits.
    #[track_caller]
    pub fn eval(&self) -> Result<()> {
        ffi::eval(&[self])
    }
}

/// For functions of lists of arrays or of references to them.
impl AsRef<Array> for Array {
    fn as_ref(&self) -> &Array {
        self
    }
}

/// The product of the extents, if it is a size this machine can address and no extent is negative.
pub(crate) fn element_count(shape: &[i32]) -> Option<usize> {
    let extents = shape.iter().map(|&extent| usize::try_from(extent).ok());
    extents.into_iter().try_fold(1usize, |product, extent| product.checked_mul(extent?))
}

/// MLX stores whatever byte a `bool` view was made from, which Rust's `bool` may not hold.
#[track_caller]
fn read_bools<T: Element>(array: &Array) -> Result<Vec<T>> {
    let bytes = array.astype(Dtype::Bool)?.astype(Dtype::U8)?.to_vec::<u8>()?;
    let bools: Vec<bool> = bytes.into_iter().map(|byte| byte != 0).collect();
    let boxed: Box<dyn std::any::Any> = Box::new(bools);
    let typed = boxed.downcast::<Vec<T>>();
    typed.map(|v| *v).map_err(|_| Error::new(ErrorKind::Backend, "to_vec", "only `bool` has the dtype Bool"))
}

/// Evaluates several arrays in one pass and waits.
///
/// When this fails, none of `arrays` may be read: a later read of one fails too.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, eval, ones};
/// let x = ones(&[3], Dtype::F32);
/// let (sum, product) = (x.sum(..)?, x.prod(..)?);
/// eval([&sum, &product])?;
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn eval<'a>(arrays: impl IntoIterator<Item = &'a Array>) -> Result<()> {
    ffi::eval(&arrays.into_iter().collect::<Vec<_>>())
}

/// Starts evaluating several arrays; reading one waits for it.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// let x = mlx::ones(&[3], mlx::Dtype::F32).exp()?;
/// mlx::async_eval([&x])?;
/// // Other work of the host goes here.
/// assert_eq!(x.size()?, x.to_vec::<f32>()?.len());
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn async_eval<'a>(arrays: impl IntoIterator<Item = &'a Array>) -> Result<()> {
    ffi::async_eval(&arrays.into_iter().collect::<Vec<_>>())
}
