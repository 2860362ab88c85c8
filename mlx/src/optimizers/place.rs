//! Where errors are reported.

use crate::Result;
use std::{panic::Location, path::Path};

/// The result, with an error that was made in this folder reported at the caller's line; schedules, rules and filters of
/// the user keep theirs. Where rules are called, the compiler cannot pass the caller's line on.
#[track_caller]
pub(super) fn at_caller<T>(result: Result<T>) -> Result<T> {
    let place = Location::caller();
    result.map_err(|error| {
        let made_in = error.location().file();
        let ours = Path::new(made_in).parent() == Path::new(file!()).parent();
        if ours { error.moved(made_in, place) } else { error }
    })
}
