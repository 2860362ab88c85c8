//! What may stand between the brackets of an index.

use crate::Array;
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

/// Inserts an axis of length one: NumPy's `None`.
#[doc(alias = "newaxis")]
#[derive(Clone, Copy, Debug)]
pub struct New;

/// Stands for all axes that are not mentioned: NumPy's `...`.
#[doc(alias = "Ellipsis")]
#[derive(Clone, Copy, Debug)]
pub struct Rest;

/// A range of positions with a step; see [`step`].
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub(super) from: Option<i32>,
    pub(super) to: Option<i32>,
    /// Whether the position `to` belongs to the span.
    pub(super) closed: bool,
    pub(super) step: i32,
}

/// Every `step`-th position of a range; a negative step goes through the range from its end.
///
/// `step(.., -1)` is the whole axis backwards, `step(3..9, -2)` the positions 8, 6 and 4. (NumPy writes the last one
/// `8:2:-2`; here a range says which positions take part, whichever way they are walked.)
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, arange, step};
/// let x = arange(0.0, 10.0, 1.0, Dtype::I32)?;
/// assert_eq!(x.at(step(1.., 4))?.to_vec::<i32>()?, [1, 5, 9]);
/// assert_eq!(x.at(step(3..9, -2))?.to_vec::<i32>()?, [8, 6, 4]);
/// assert_eq!(x.at(step(-3.., -1))?.to_vec::<i32>()?, [9, 8, 7]);
/// # Ok(())
/// # }
/// ```
pub fn step(range: impl Into<Span>, step: i32) -> Span {
    Span { step, ..range.into() }
}

/// One part of an index.
///
/// Made by conversion: `2`, `1..5`, `..=4`, `..`, [`step`], [`New`], [`Rest`], `[0, 2, 2]`, `&array`.
#[derive(Clone, Debug)]
pub enum Item {
    /// One position; the axis disappears. Negative counts from the end.
    Pick(i32),
    /// Evenly spaced positions. Negative counts from the end; what is out of range is cut.
    Span(Span),
    /// A new axis of length one.
    New,
    /// All axes not mentioned.
    Rest,
    /// Positions in any order, repeated or not. Negative counts from the end.
    List(Vec<i32>),
    /// An integer array: positions, which take the place of the axis with their own shape; several broadcast. A
    /// `Bool` array: a mask over as many axes as it has, for writing only.
    Array(Array),
}

macro_rules! spans {
    ($($ty:ty, $range:pat => $from:expr, $to:expr, $closed:expr;)*) => { $(
        impl From<$ty> for Span {
            fn from($range: $ty) -> Span {
                Span { from: $from, to: $to, closed: $closed, step: 1 }
            }
        }

        impl From<$ty> for Item {
            fn from(range: $ty) -> Item {
                Item::Span(range.into())
            }
        }
    )* };
}

spans! {
    RangeFull, _ => None, None, false;
    Range<i32>, r => Some(r.start), Some(r.end), false;
    RangeFrom<i32>, r => Some(r.start), None, false;
    RangeTo<i32>, r => None, Some(r.end), false;
    RangeInclusive<i32>, r => Some(*r.start()), Some(*r.end()), true;
    RangeToInclusive<i32>, r => None, Some(r.end), true;
}

macro_rules! items {
    ($($ty:ty, $x:pat => $item:expr;)*) => { $(
        impl From<$ty> for Item {
            fn from($x: $ty) -> Item { $item }
        }
    )* };
}

items! {
    i32, i => Item::Pick(i);
    Span, span => Item::Span(span);
    New, _ => Item::New;
    Rest, _ => Item::Rest;
    Vec<i32>, list => Item::List(list);
    &[i32], list => Item::List(list.to_vec());
    &Array, array => Item::Array(array.clone());
    Array, array => Item::Array(array);
}

impl<const N: usize> From<[i32; N]> for Item {
    fn from(list: [i32; N]) -> Item {
        Item::List(list.to_vec())
    }
}

/// One [`Item`], a tuple of up to eight, or a vector of them where their number is only known at run time.
pub trait Index {
    /// The parts, in order.
    fn items(self) -> Vec<Item>;
}

impl<T: Into<Item>> Index for T {
    fn items(self) -> Vec<Item> {
        vec![self.into()]
    }
}

impl Index for Vec<Item> {
    fn items(self) -> Vec<Item> {
        self
    }
}

/// No part: the whole array.
impl Index for () {
    fn items(self) -> Vec<Item> {
        Vec::new()
    }
}

macro_rules! tuples {
    ($($($name:ident)+;)*) => { $(
        #[allow(non_snake_case, reason = "the type parameters name the fields")]
        impl<$($name: Into<Item>),+> Index for ($($name,)+) {
            fn items(self) -> Vec<Item> {
                let ($($name,)+) = self;
                vec![$($name.into()),+]
            }
        }
    )* };
}

tuples! { A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H; }
