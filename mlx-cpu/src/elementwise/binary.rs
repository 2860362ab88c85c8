use crate::{
    floats::{Floats, FloatsMut, with_floats},
    pool,
    simd::{Element, Kernel, Simd, dispatch},
};
use std::marker::PhantomData;

/// Less than this many elements are not worth a second thread.
const LEAST: usize = 1 << 15;

/// How many axes may be left after those that are dense in all arrays are merged.
const AXES: usize = 8;

/// A function of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `a + b`.
    Add,
    /// `a - b`.
    Subtract,
    /// `a * b`.
    Multiply,
    /// `a / b`.
    Divide,
    /// The larger, NaN if one is. Of zeros of both signs it may be either.
    Maximum,
    /// The smaller, NaN if one is. Of zeros of both signs it may be either.
    Minimum,
}

/// Numbers of an array, and how many of them lie between neighbors along each of its axes: 0 along an axis that repeats.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'a> {
    /// The numbers, the first one first.
    pub values: Floats<'a>,
    /// For each axis.
    pub strides: &'a [usize],
}

/// Computes a function of arrays of one `shape` into a dense one.
///
/// # Panics
/// If the arrays are not of one type, end before their last element, or `out` is not as long as `shape` says; and if
/// more than 8 axes cannot be merged.
pub fn binary(op: Binary, a: Strided<'_>, b: Strided<'_>, shape: &[usize], out: FloatsMut<'_>) {
    assert_eq!(out.len(), shape.iter().product(), "a result for each element");
    if out.is_empty() {
        return;
    }
    let axes = Axes::merge(shape, a.strides, b.strides);
    with_floats!(mut out, out => {
        let compute = match op {
            Binary::Add => strided::<_, Add>,
            Binary::Subtract => strided::<_, Subtract>,
            Binary::Multiply => strided::<_, Multiply>,
            Binary::Divide => strided::<_, Divide>,
            Binary::Maximum => strided::<_, Maximum>,
            Binary::Minimum => strided::<_, Minimum>,
        };
        compute(&axes, a.values, b.values, out);
    });
}

/// A function of vectors of two numbers.
pub(crate) trait BinaryOp {
    /// The results; must be `#[inline(always)]`.
    fn apply<S: Simd>(s: S, a: S::F, b: S::F) -> S::F;
}

macro_rules! op {
    ($name:ident, |$s:ident, $a:ident, $b:ident| $value:expr) => {
        struct $name;

        impl BinaryOp for $name {
            #[inline(always)]
            fn apply<S: Simd>($s: S, $a: S::F, $b: S::F) -> S::F {
                $value
            }
        }
    };
}

op!(Add, |s, a, b| s.add(a, b));
op!(Subtract, |s, a, b| s.sub(a, b));
op!(Multiply, |s, a, b| s.mul(a, b));
op!(Divide, |s, a, b| s.div(a, b));
op!(Maximum, |s, a, b| both(s, s.max(a, b), s.max(b, a)));
op!(Minimum, |s, a, b| both(s, s.min(a, b), s.min(b, a)));

/// The bits of two numbers that are the same, except that one is NaN where the other may not be: together they are NaN.
#[inline(always)]
fn both<S: Simd>(s: S, x: S::F, y: S::F) -> S::F {
    s.float_of_bits(s.or(s.bits_of_float(x), s.bits_of_float(y)))
}

/// Computes a function of two dense arrays. Panics if the three are not of one length and type.
pub(crate) fn dense<T: Element, Op: BinaryOp>(a: Floats<'_>, b: Floats<'_>, out: &mut [T]) {
    assert!(a.len() == out.len() && b.len() == out.len(), "two numbers for each result");
    if !out.is_empty() {
        strided::<T, Op>(&Axes::merge(&[out.len()], &[1], &[1]), a, b, out);
    }
}

fn strided<T: Element, Op: BinaryOp>(axes: &Axes, a: Floats<'_>, b: Floats<'_>, out: &mut [T]) {
    let (a, b) = (T::slice(a), T::slice(b));
    pool::for_each_rows(out, 1, LEAST, |start, out| {
        let mut position = Position::new(axes, start);
        let mut rest = out;
        while !rest.is_empty() {
            let len = position.left().min(rest.len());
            let (row, after) = rest.split_at_mut(len);
            let [a_start, b_start] = position.offsets;
            let [a_stride, b_stride] = axes.strides[0];
            let (a, b) = (&a[a_start..], &b[b_start..]);
            dispatch(Row { a, a_stride, b, b_stride, out: row, op: PhantomData::<Op> });
            position.advance(len);
            rest = after;
        }
    });
}

/// The axes of two arrays, the innermost first, with neighbors merged that are one axis in both.
struct Axes {
    count: usize,
    sizes: [usize; AXES],
    strides: [[usize; 2]; AXES],
}

impl Axes {
    fn merge(shape: &[usize], a_strides: &[usize], b_strides: &[usize]) -> Axes {
        assert!(a_strides.len() == shape.len() && b_strides.len() == shape.len(), "strides for each axis");
        let mut axes = Axes { count: 1, sizes: [1; AXES], strides: [[1; 2]; AXES] };
        for ((&size, &a), &b) in shape.iter().zip(a_strides).zip(b_strides).rev() {
            let last = axes.count - 1;
            let inner = axes.sizes[last];
            if size == 1 {
                continue;
            }
            if inner == 1 {
                (axes.sizes[last], axes.strides[last]) = (size, [a, b]);
            } else if [a, b] == axes.strides[last].map(|stride| stride * inner) {
                axes.sizes[last] = inner * size;
            } else {
                assert!(axes.count < AXES, "at most {AXES} axes that cannot be merged");
                (axes.sizes[axes.count], axes.strides[axes.count]) = (size, [a, b]);
                axes.count += 1;
            }
        }
        axes
    }
}

/// An element of arrays with axes.
struct Position<'a> {
    axes: &'a Axes,
    indices: [usize; AXES],
    offsets: [usize; 2],
}

impl<'a> Position<'a> {
    /// Element number `i` in row-major order.
    fn new(axes: &'a Axes, mut i: usize) -> Self {
        let mut position = Position { axes, indices: [0; AXES], offsets: [0; 2] };
        for axis in 0..axes.count {
            position.step(axis, i % axes.sizes[axis]);
            i /= axes.sizes[axis];
        }
        position
    }

    /// How many elements there are to the end of the innermost axis.
    fn left(&self) -> usize {
        self.axes.sizes[0] - self.indices[0]
    }

    /// Goes `by` elements on, at most to the end of the innermost axis.
    fn advance(&mut self, by: usize) {
        self.step(0, by);
        for axis in 0..self.axes.count {
            let size = self.axes.sizes[axis];
            if self.indices[axis] < size {
                return;
            }
            self.indices[axis] = 0;
            self.offsets[0] -= size * self.axes.strides[axis][0];
            self.offsets[1] -= size * self.axes.strides[axis][1];
            if axis + 1 < self.axes.count {
                self.step(axis + 1, 1);
            }
        }
    }

    fn step(&mut self, axis: usize, by: usize) {
        self.indices[axis] += by;
        self.offsets[0] += by * self.axes.strides[axis][0];
        self.offsets[1] += by * self.axes.strides[axis][1];
    }
}

/// A part of the innermost axis.
struct Row<'a, T, Op> {
    a: &'a [T],
    a_stride: usize,
    b: &'a [T],
    b_stride: usize,
    out: &'a mut [T],
    op: PhantomData<Op>,
}

impl<T: Element, Op: BinaryOp> Kernel for Row<'_, T, Op> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Row { a, a_stride, b, b_stride, out, .. } = self;
        match (a_stride, b_stride) {
            (1, 1) => row::<S, T, Op>(s, Dense(&a[..out.len()]), Dense(&b[..out.len()]), out),
            (1, 0) => row::<S, T, Op>(s, Dense(&a[..out.len()]), One(b[0]), out),
            (0, 1) => row::<S, T, Op>(s, One(a[0]), Dense(&b[..out.len()]), out),
            _ => row::<S, T, Op>(s, Spread(a, a_stride), Spread(b, b_stride), out),
        }
    }
}

#[inline(always)]
fn row<S: Simd, T: Element, Op: BinaryOp>(s: S, a: impl Operand<T>, b: impl Operand<T>, out: &mut [T]) {
    let mut vectors = out.chunks_exact_mut(S::LANES);
    let mut at = 0;
    for out in vectors.by_ref() {
        T::store(s, Op::apply(s, a.load(s, at, S::LANES), b.load(s, at, S::LANES)), out);
        at += S::LANES;
    }
    let rest = vectors.into_remainder();
    if !rest.is_empty() {
        T::store_part(s, Op::apply(s, a.load(s, at, rest.len()), b.load(s, at, rest.len())), rest);
    }
}

/// The numbers along the innermost axis of an array.
trait Operand<T: Element> {
    /// `count` numbers, at most a vector, from number `at` on.
    fn load<S: Simd>(&self, s: S, at: usize, count: usize) -> S::F;
}

struct Dense<'a, T>(&'a [T]);
struct One<T>(T);
struct Spread<'a, T>(&'a [T], usize);

impl<T: Element> Operand<T> for Dense<'_, T> {
    #[inline(always)]
    fn load<S: Simd>(&self, s: S, at: usize, count: usize) -> S::F {
        let x = &self.0[at..][..count];
        if count == S::LANES { T::load(s, x) } else { T::load_part(s, x) }
    }
}

impl<T: Element> Operand<T> for One<T> {
    #[inline(always)]
    fn load<S: Simd>(&self, s: S, _: usize, _: usize) -> S::F {
        s.splat(self.0.widen())
    }
}

impl<T: Element> Operand<T> for Spread<'_, T> {
    #[inline(always)]
    fn load<S: Simd>(&self, s: S, at: usize, count: usize) -> S::F {
        let mut near = [T::default(); 16];
        for (i, to) in near[..count].iter_mut().enumerate() {
            *to = self.0[(at + i) * self.1];
        }
        T::load(s, &near)
    }
}
