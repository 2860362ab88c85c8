//! The macros that make functions of a table: Rust name, arguments, function of the C API.
//!
//! Each row becomes a function that checks its arguments, calls the C API on the current stream, and gives a result.

/// Operations that give one array.
macro_rules! ops {
    ($($name:ident($($arg:ident: $ty:ty),*) = $c:ident;)*) => { $(
        #[allow(clippy::too_many_arguments, reason = "the arguments are MLX's")]
        #[track_caller]
        pub(crate) fn $name($($arg: $ty),*) -> $crate::Result<$crate::Array> {
            $(let $arg = (&$arg, $crate::ffi::args::Arg::to_c(&$arg)?);)*
            let stream = $crate::ffi::stream::current(stringify!($name))?;
            // SAFETY: each `to_c` gave a value of the type the C declaration asks for, valid while its source is,
            // and the sources live until the end of this function. The call writes `out` when it succeeds.
            $crate::ffi::call::call_for_array(stringify!($name), |out| unsafe {
                mlx_sys::$c(out, $($arg.1,)* stream)
            })
        }
    )* };
}

/// Operations that give two arrays.
macro_rules! ops_with_two_outputs {
    ($($name:ident($($arg:ident: $ty:ty),*) = $c:ident;)*) => { $(
        #[track_caller]
        pub(crate) fn $name($($arg: $ty),*) -> $crate::Result<($crate::Array, $crate::Array)> {
            $(let $arg = (&$arg, $crate::ffi::args::Arg::to_c(&$arg)?);)*
            let stream = $crate::ffi::stream::current(stringify!($name))?;
            // SAFETY: as in `ops!`; both outputs are written when the call succeeds.
            $crate::ffi::call::call_for_two_arrays(stringify!($name), |first, second| unsafe {
                mlx_sys::$c(first, second, $($arg.1,)* stream)
            })
        }
    )* };
}

/// Operations that give a list of arrays.
macro_rules! ops_with_many_outputs {
    ($($name:ident($($arg:ident: $ty:ty),*) = $c:ident;)*) => { $(
        #[track_caller]
        pub(crate) fn $name($($arg: $ty),*) -> $crate::Result<Vec<$crate::Array>> {
            $(let $arg = (&$arg, $crate::ffi::args::Arg::to_c(&$arg)?);)*
            let stream = $crate::ffi::stream::current(stringify!($name))?;
            // SAFETY: as in `ops!`.
            $crate::ffi::call::Outputs::of(stringify!($name), |out| unsafe {
                mlx_sys::$c(out, $($arg.1,)* stream)
            })
        }
    )* };
}
