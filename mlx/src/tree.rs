//! Values made of arrays, which transformed functions take and return.

use crate::{Array, Error, ErrorKind, Result};
use std::collections::{BTreeMap, HashMap};

/// A value made of arrays: what a transformed function takes, and what it returns.
///
/// Arrays, tuples, lists, maps, options and boxes are trees, and structs that derive it. Numbers, booleans and strings
/// may be part of one: they are handed on as they are, and a compiled function is traced again when they change.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Tree, transforms::grad};
///
/// #[derive(Tree)]
/// struct Line { slope: Array, offset: Array, power: i32 }
///
/// let error = |line: &Line| (&line.slope * 2.0 + &line.offset).power(line.power)?.sum(..);
/// let line = Line { slope: Array::scalar(3.0f32), offset: Array::scalar(1.0f32), power: 2 };
/// let gradient = grad(error)(&line)?;
/// assert_eq!(gradient.slope.item::<f32>()?, 28.0);
/// assert_eq!(gradient.offset.item::<f32>()?, 14.0);
/// # Ok(())
/// # }
/// ```
pub trait Tree: Sized {
    /// Adds the arrays, always in the same order, and what else makes up the value.
    fn flatten(&self, out: &mut Flat);

    /// The same value with other arrays, taken from `leaves` in the order of [`Tree::flatten`].
    fn rebuild(&self, leaves: &mut Leaves) -> Result<Self>;
}

/// A tree taken apart: its arrays, and a description of all else.
#[derive(Debug, Default)]
pub struct Flat {
    pub(crate) arrays: Vec<Array>,
    pub(crate) structure: Vec<u8>,
}

impl Flat {
    pub(crate) fn of(tree: &impl Tree) -> Flat {
        let mut flat = Flat::default();
        tree.flatten(&mut flat);
        flat
    }

    /// Adds an array.
    pub fn array(&mut self, array: &Array) {
        self.arrays.push(array.clone());
    }

    /// Adds what distinguishes this value from others of its type: a length, a key, a number.
    pub fn describe(&mut self, bytes: &[u8]) {
        self.structure.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.structure.extend_from_slice(bytes);
    }

    fn length(&mut self, length: usize) {
        self.structure.extend_from_slice(&(length as u64).to_le_bytes());
    }
}

/// The arrays for a tree being rebuilt.
#[derive(Debug)]
pub struct Leaves(Source);

#[derive(Debug)]
enum Source {
    List(std::vec::IntoIter<Array>),
    Placeholders,
}

impl Leaves {
    pub(crate) fn new(arrays: Vec<Array>) -> Leaves {
        Leaves(Source::List(arrays.into_iter()))
    }

    /// The next array.
    pub fn take(&mut self) -> Result<Array> {
        let next = match &mut self.0 {
            Source::List(arrays) => arrays.next(),
            Source::Placeholders => Some(Array::from_result(Err(missing()))),
        };
        next.ok_or_else(missing)
    }
}

fn missing() -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        "Tree::rebuild",
        "`flatten` gave fewer arrays than `rebuild` takes",
    )
}

/// The tree without its arrays, to be kept as a pattern.
pub(crate) fn skeleton<T: Tree>(tree: &T) -> Result<T> {
    tree.rebuild(&mut Leaves(Source::Placeholders))
}

/// `tree` with other arrays; fails unless it takes all of them.
pub(crate) fn rebuild<T: Tree>(tree: &T, arrays: Vec<Array>) -> Result<T> {
    let mut leaves = Leaves::new(arrays);
    let built = tree.rebuild(&mut leaves)?;
    match leaves.0 {
        Source::List(left) if left.len() > 0 => Err(Error::new(
            ErrorKind::InvalidArgument,
            "Tree::rebuild",
            "`flatten` gave more arrays than `rebuild` takes",
        )),
        _ => Ok(built),
    }
}

impl Tree for Array {
    fn flatten(&self, out: &mut Flat) {
        out.array(self);
    }

    fn rebuild(&self, leaves: &mut Leaves) -> Result<Array> {
        leaves.take()
    }
}

impl<T: Tree> Tree for Vec<T> {
    fn flatten(&self, out: &mut Flat) {
        out.length(self.len());
        self.iter().for_each(|item| item.flatten(out));
    }

    fn rebuild(&self, leaves: &mut Leaves) -> Result<Vec<T>> {
        self.iter().map(|item| item.rebuild(leaves)).collect()
    }
}

impl<T: Tree, const N: usize> Tree for [T; N] {
    fn flatten(&self, out: &mut Flat) {
        self.iter().for_each(|item| item.flatten(out));
    }

    fn rebuild(&self, leaves: &mut Leaves) -> Result<[T; N]> {
        let items = self.iter().map(|item| item.rebuild(leaves)).collect::<Result<Vec<T>>>()?;
        items.try_into().map_err(|_| missing())
    }
}

impl<T: Tree> Tree for Option<T> {
    fn flatten(&self, out: &mut Flat) {
        out.length(self.iter().len());
        self.iter().for_each(|item| item.flatten(out));
    }

    fn rebuild(&self, leaves: &mut Leaves) -> Result<Option<T>> {
        self.as_ref().map(|item| item.rebuild(leaves)).transpose()
    }
}

impl<T: Tree> Tree for Box<T> {
    fn flatten(&self, out: &mut Flat) {
        (**self).flatten(out);
    }

    fn rebuild(&self, leaves: &mut Leaves) -> Result<Box<T>> {
        Ok(Box::new((**self).rebuild(leaves)?))
    }
}

/// In the order of the keys.
impl<T: Tree> Tree for BTreeMap<String, T> {
    fn flatten(&self, out: &mut Flat) {
        out.length(self.len());
        for (key, value) in self {
            out.describe(key.as_bytes());
            value.flatten(out);
        }
    }

    fn rebuild(&self, leaves: &mut Leaves) -> Result<BTreeMap<String, T>> {
        self.iter().map(|(key, value)| Ok((key.clone(), value.rebuild(leaves)?))).collect()
    }
}

/// In the order of the keys.
impl<T: Tree> Tree for HashMap<String, T> {
    fn flatten(&self, out: &mut Flat) {
        out.length(self.len());
        for (key, value) in self.iter().collect::<BTreeMap<_, _>>() {
            out.describe(key.as_bytes());
            value.flatten(out);
        }
    }

    fn rebuild(&self, leaves: &mut Leaves) -> Result<HashMap<String, T>> {
        let sorted = self.iter().collect::<BTreeMap<_, _>>();
        sorted.into_iter().map(|(key, value)| Ok((key.clone(), value.rebuild(leaves)?))).collect()
    }
}

macro_rules! tuples {
    ($($($name:ident $index:tt)*;)*) => { $(
        impl<$($name: Tree),*> Tree for ($($name,)*) {
            #[allow(unused_variables, reason = "nothing is in the empty tuple")]
            fn flatten(&self, out: &mut Flat) {
                $(self.$index.flatten(out);)*
            }

            #[allow(unused_variables, clippy::unused_unit, reason = "nothing is in the empty tuple")]
            fn rebuild(&self, leaves: &mut Leaves) -> Result<($($name,)*)> {
                Ok(($(self.$index.rebuild(leaves)?,)*))
            }
        }
    )* };
}

tuples! {
    ;
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 E 4;
    A 0 B 1 C 2 D 3 E 4 F 5;
}

macro_rules! plain {
    ($($ty:ty: $bytes:expr;)*) => { $(
        impl Tree for $ty {
            fn flatten(&self, out: &mut Flat) {
                let bytes: fn(&$ty) -> _ = $bytes;
                out.describe(bytes(self).as_ref());
            }

            fn rebuild(&self, _leaves: &mut Leaves) -> Result<$ty> {
                Ok(self.clone())
            }
        }
    )* };
}

plain! {
    bool: |x| [u8::from(*x)];
    i32: |x| x.to_le_bytes();
    i64: |x| x.to_le_bytes();
    u32: |x| x.to_le_bytes();
    u64: |x| x.to_le_bytes();
    usize: |x| x.to_le_bytes();
    f32: |x| x.to_bits().to_le_bytes();
    f64: |x| x.to_bits().to_le_bytes();
    String: |x| x.as_bytes().to_vec();
    &'static str: |x| x.as_bytes().to_vec();
}
