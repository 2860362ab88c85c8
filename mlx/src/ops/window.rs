//! Windows that fade a signal in and out, `F32`.

use super::create::check_shape;
use crate::{Array, Dtype, ffi::ops};

macro_rules! windows {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        ///
        /// Zero points give an empty window, one point gives 1; a negative count gives a failed array.
        #[track_caller]
        pub fn $name(count: i32) -> Array {
            let checked = check_shape(stringify!($name), &[count], Dtype::F32);
            Array::from_result(checked.and_then(|()| ops::$name(count)))
        }
    )* };
}

windows! {
    /// The Bartlett window, a triangle from 0 to 1 and back: `1 - |2n / (count - 1) - 1|`.
    bartlett;
    /// The Blackman window: `0.42 - 0.5 cos(2πn / (count - 1)) + 0.08 cos(4πn / (count - 1))`.
    blackman;
    /// The Hamming window, which does not quite reach 0: `0.54 - 0.46 cos(2πn / (count - 1))`.
    hamming;
    /// The Hann window: `0.5 - 0.5 cos(2πn / (count - 1))`.
    hanning;
}
