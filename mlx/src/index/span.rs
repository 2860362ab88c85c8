//! From a span with open ends and negative positions to the numbers MLX slices by.

use super::item::Span;
use crate::{Error, Result};

/// Evenly spaced positions of one axis, all in range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slice {
    pub(super) start: i32,
    /// Just beyond the last position. MLX reads a negative number as counted from the end, so what lies before the
    /// first position of an axis of `extent` is `-extent - 1`.
    pub(super) stop: i32,
    pub(super) step: i32,
    pub(super) count: i32,
}

impl Slice {
    /// All positions of an axis.
    pub(super) fn whole(extent: i32) -> Slice {
        Slice { start: 0, stop: extent, step: 1, count: extent }
    }

    /// One position.
    pub(super) fn one(position: i32) -> Slice {
        Slice { start: position, stop: position + 1, step: 1, count: 1 }
    }

    /// The positions of `span` that an axis of `extent` has.
    #[track_caller]
    pub(super) fn new(op: &'static str, span: Span, extent: i32) -> Result<Slice> {
        let (n, step) = (i64::from(extent), i64::from(span.step));
        if step == 0 {
            return Err(Error::invalid(
                op,
                "a step of zero never arrives; use 1, or a negative step to go back",
            ));
        }
        let from_start = |position: i32| i64::from(position) + if position < 0 { n } else { 0 };
        let low = span.from.map_or(0, from_start).clamp(0, n);
        let high = span.to.map_or(n, |to| from_start(to) + i64::from(span.closed)).clamp(low, n);
        let count = (high - low + step.abs() - 1) / step.abs();
        let start = if step > 0 { low } else { high - 1 };
        match Slice::of(start, step, count, n) {
            Some(slice) => Ok(slice),
            None => {
                let text = format!("a step of {step} over an axis of {extent} is more than MLX can count");
                Err(Error::invalid(op, text))
            }
        }
    }

    fn of(start: i64, step: i64, count: i64, extent: i64) -> Option<Slice> {
        let (start, step, stop) = match count {
            0 => (0, 1, 0),
            1 => (start, 1, start + 1),
            // MLX adds the step to the distance in 32 bits.
            _ if i32::try_from(count.checked_mul(step)?).is_err() => return None,
            _ => (start, step, start + (count - 1) * step + step.signum()),
        };
        let stop = if stop < 0 { -extent - 1 } else { stop };
        Some(Slice {
            start: start.try_into().ok()?,
            stop: stop.try_into().ok()?,
            step: step.try_into().ok()?,
            count: count.try_into().ok()?,
        })
    }
}
