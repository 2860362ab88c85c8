//! How Rust arguments become arguments of the C API.

use crate::{Array, Axes, Dtype, Result};
use mlx_sys::{
    mlx_array, mlx_arrays, mlx_axes, mlx_int2, mlx_int3, mlx_int64s, mlx_ints, mlx_optional_bool,
    mlx_optional_double, mlx_optional_dtype, mlx_optional_float, mlx_optional_int, mlx_string,
};
use std::marker::PhantomData;

/// An argument of an operation. What `to_c` returns borrows from `self` and is valid while `self` is.
pub(super) trait Arg {
    type C;
    fn to_c(&self) -> Result<Self::C>;
}

macro_rules! plain {
    ($($ty:ty),*) => { $(impl Arg for $ty {
        type C = $ty;
        fn to_c(&self) -> Result<$ty> { Ok(*self) }
    })* };
}
plain!(bool, i32, f32, f64, u64, usize);

impl Arg for &Array {
    type C = mlx_array;
    fn to_c(&self) -> Result<mlx_array> {
        Ok(self.handle()?.raw())
    }
}

impl Arg for Option<&Array> {
    type C = mlx_array;
    fn to_c(&self) -> Result<mlx_array> {
        match self {
            Some(array) => array.to_c(),
            None => Ok(mlx_array { p: [std::ptr::null_mut(); 2] }),
        }
    }
}

/// The borrowed handles of a list of arrays.
pub(crate) struct ArrayList<'a> {
    raw: Vec<mlx_array>,
    _source: PhantomData<&'a Array>,
}

impl<'a> ArrayList<'a> {
    /// Fails with the error that one of the arrays carries.
    pub(crate) fn of<A: AsRef<Array> + 'a>(list: impl IntoIterator<Item = &'a A>) -> Result<ArrayList<'a>> {
        let raw = list.into_iter().map(|array| array.as_ref().to_c()).collect::<Result<_>>()?;
        Ok(ArrayList { raw, _source: PhantomData })
    }

    pub(super) fn span(&self) -> mlx_arrays {
        mlx_arrays { data: self.raw.as_ptr(), size: self.raw.len() }
    }
}

impl Arg for &ArrayList<'_> {
    type C = mlx_arrays;
    fn to_c(&self) -> Result<mlx_arrays> {
        Ok(self.span())
    }
}

impl Arg for &[i32] {
    type C = mlx_ints;
    fn to_c(&self) -> Result<mlx_ints> {
        Ok(mlx_ints { data: self.as_ptr(), size: self.len() })
    }
}

impl Arg for [i32; 1] {
    type C = i32;
    fn to_c(&self) -> Result<i32> {
        let [v] = *self;
        Ok(v)
    }
}

impl Arg for [i32; 2] {
    type C = mlx_int2;
    fn to_c(&self) -> Result<mlx_int2> {
        Ok(mlx_int2 { v: *self })
    }
}

impl Arg for [i32; 3] {
    type C = mlx_int3;
    fn to_c(&self) -> Result<mlx_int3> {
        Ok(mlx_int3 { v: *self })
    }
}

impl Arg for &[i64] {
    type C = mlx_int64s;
    fn to_c(&self) -> Result<mlx_int64s> {
        Ok(mlx_int64s { data: self.as_ptr(), size: self.len() })
    }
}

impl Arg for &Axes {
    type C = mlx_axes;
    fn to_c(&self) -> Result<mlx_axes> {
        Ok(match self.list() {
            Some(list) => mlx_axes { data: list.as_ptr(), size: list.len() },
            None => mlx_axes { data: std::ptr::null(), size: 0 },
        })
    }
}

impl Arg for Dtype {
    type C = mlx_sys::mlx_dtype;
    fn to_c(&self) -> Result<mlx_sys::mlx_dtype> {
        Ok(*self as mlx_sys::mlx_dtype)
    }
}

impl Arg for Option<Dtype> {
    type C = mlx_optional_dtype;
    fn to_c(&self) -> Result<mlx_optional_dtype> {
        let value = self.unwrap_or(Dtype::Bool) as mlx_sys::mlx_dtype;
        Ok(mlx_optional_dtype { value, has_value: self.is_some() })
    }
}

impl Arg for Option<i32> {
    type C = mlx_optional_int;
    fn to_c(&self) -> Result<mlx_optional_int> {
        Ok(mlx_optional_int { value: self.unwrap_or_default(), has_value: self.is_some() })
    }
}

impl Arg for Option<bool> {
    type C = mlx_optional_bool;
    fn to_c(&self) -> Result<mlx_optional_bool> {
        Ok(mlx_optional_bool { value: self.unwrap_or_default(), has_value: self.is_some() })
    }
}

impl Arg for Option<f64> {
    type C = mlx_optional_double;
    fn to_c(&self) -> Result<mlx_optional_double> {
        Ok(mlx_optional_double { value: self.unwrap_or_default(), has_value: self.is_some() })
    }
}

impl Arg for Option<f32> {
    type C = mlx_optional_float;
    fn to_c(&self) -> Result<mlx_optional_float> {
        Ok(mlx_optional_float { value: self.unwrap_or_default(), has_value: self.is_some() })
    }
}

impl Arg for &str {
    type C = mlx_string;
    fn to_c(&self) -> Result<mlx_string> {
        Ok(mlx_string { data: self.as_ptr().cast(), size: self.len() })
    }
}
