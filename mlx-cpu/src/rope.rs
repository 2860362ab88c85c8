//! Rotary position embedding (Su et al., 2021).

use crate::{
    floats::{FloatsMut, with_floats},
    heads::Heads,
    pool,
    simd::{Element, Kernel, Simd, dispatch, sin_cos},
};

/// Less than this many rotated elements, or elements of the table, are not worth a second thread.
const LEAST: usize = 1 << 14;
const LEAST_OF_TABLE: usize = 1 << 12;

/// How vectors are rotated: pair `i` of a vector at position `p` by the angle `scale * p * frequency(i)`.
#[derive(Clone, Copy, Debug)]
pub struct Rope<'a> {
    /// How many elements of each vector are rotated, the first ones; an even number.
    pub dims: usize,
    /// Whether pair `i` is elements `2i` and `2i + 1`, rather than `i` and `i + dims / 2`.
    pub traditional: bool,
    /// The frequency of each pair.
    pub frequencies: Frequencies<'a>,
    /// The factor of positions.
    pub scale: f32,
    /// The position of the first vector: one for all batches, or one for each.
    pub offsets: &'a [i32],
}

/// The angles, in radians, by which pairs are rotated from one position to the next.
#[derive(Clone, Copy, Debug)]
pub enum Frequencies<'a> {
    /// `base` to the power of `-2i / dims`.
    Base(f32),
    /// The reciprocals of these numbers, one for each pair. (MLX calls these numbers frequencies.)
    Reciprocals(&'a [f32]),
}

/// Rotates vectors of `shape`, which is [batch, heads, length, dim], into a dense array.
///
/// Angles are computed in double precision, so that they are exact at any position.
///
/// # Panics
/// If `dims` is odd or more than `dim`; if there is neither one offset nor one for each batch, or not a reciprocal for
/// each pair; or if `x` ends before its last element, or `out` has another length than `shape` says or another type.
pub fn rope(x: Heads<'_>, shape: [usize; 4], rope: &Rope<'_>, out: FloatsMut<'_>) {
    let [batch, _, length, dim] = shape;
    assert_eq!(out.len(), shape.iter().product(), "a result for each element");
    assert!(rope.dims.is_multiple_of(2) && rope.dims <= dim, "{} of {dim} elements in pairs", rope.dims);
    assert!([1, batch].contains(&rope.offsets.len()), "{} offsets for {batch} batches", rope.offsets.len());
    if out.is_empty() {
        return;
    }
    let table = table(rope, length);
    with_floats!(mut out, out => rotate(x, shape, rope, &table, out));
}

/// The cosines of all angles of a position, their sines, those of the next position, …, of the next offset; then some
/// numbers more, so that one can load a vector from anywhere.
fn table(rope: &Rope<'_>, length: usize) -> Vec<f32> {
    let pairs = rope.dims / 2;
    let mut quarters = quarter_turns(rope);
    quarters.resize(pairs + 16, 0.0);
    let mut table = vec![0.0; rope.offsets.len() * length * rope.dims + 16];
    let (rows, _) = table.split_at_mut(rope.offsets.len() * length * rope.dims);
    pool::for_each_rows(rows, rope.dims, LEAST_OF_TABLE.div_ceil(rope.dims.max(1)), |first, rows| {
        dispatch(Table { rope, quarters: &quarters, length, first, rows });
    });
    table
}

/// For each pair, its frequency in quarters of a turn, times the scale.
fn quarter_turns(rope: &Rope<'_>) -> Vec<f64> {
    let unit = f64::from(rope.scale) * std::f64::consts::FRAC_2_PI;
    let pairs = rope.dims / 2;
    match rope.frequencies {
        Frequencies::Base(base) => {
            let step = -f64::from(base).ln() / pairs as f64;
            (0..pairs).map(|i| unit * (step * i as f64).exp()).collect()
        }
        Frequencies::Reciprocals(numbers) => {
            assert_eq!(numbers.len(), pairs, "a frequency for each pair");
            numbers.iter().map(|&x| unit / f64::from(x)).collect()
        }
    }
}

struct Table<'a> {
    rope: &'a Rope<'a>,
    quarters: &'a [f64],
    length: usize,
    first: usize,
    rows: &'a mut [f32],
}

impl Kernel for Table<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (i, row) in self.rows.chunks_exact_mut(self.rope.dims).enumerate() {
            let (offset, step) = ((self.first + i) / self.length, (self.first + i) % self.length);
            let position = f64::from(self.rope.offsets[offset]) + step as f64;
            let (cosines, sines) = row.split_at_mut(self.rope.dims / 2);
            for (i, (cos, sin)) in cosines.chunks_mut(S::LANES).zip(sines.chunks_mut(S::LANES)).enumerate() {
                let (x, quadrants) = reduce(s, position, &self.quarters[i * S::LANES..][..S::LANES]);
                let (sine, cosine) = sin_cos(s, x, quadrants);
                if cos.len() == S::LANES {
                    s.store(cosine, cos);
                    s.store(sine, sin);
                } else {
                    f32::store_part(s, cosine, cos);
                    f32::store_part(s, sine, sin);
                }
            }
        }
    }
}

/// Angles as radians from -π/4 to π/4 and a number of quarters of a turn.
#[inline(always)]
fn reduce<S: Simd>(s: S, position: f64, quarters: &[f64]) -> (S::F, S::I) {
    // At this size the lowest bit of the mantissa is one: adding rounds to a whole number, and the low bits count it.
    const WHOLE: f64 = 1.5 * (1u64 << 52) as f64;
    let (mut angles, mut quadrants) = ([0.0f32; 16], [0u32; 16]);
    for ((angle, quadrant), quarter) in angles.iter_mut().zip(&mut quadrants).zip(quarters) {
        let turned = position * quarter;
        let whole = turned + WHOLE;
        *quadrant = whole.to_bits() as u32;
        *angle = ((turned - (whole - WHOLE)) * std::f64::consts::FRAC_PI_2) as f32;
    }
    (s.load(&angles), s.load_words(&quadrants))
}

fn rotate<T: Element>(x: Heads<'_>, shape: [usize; 4], rope: &Rope<'_>, table: &[f32], out: &mut [T]) {
    let [_, heads, length, dim] = shape;
    let values = T::slice(x.values);
    pool::for_each_rows(out, dim, LEAST.div_ceil(dim), |mut row, mut out| {
        while !out.is_empty() {
            let (head, position) = (row / length, row % length);
            let count = (length - position).min(out.len() / dim);
            let (now, later) = out.split_at_mut(count * dim);
            let vectors = &values[x.offset(head / heads, head % heads, position)..];
            // The table starts again for each batch, if it is the same for all.
            let offset = if rope.offsets.len() == 1 { 0 } else { head / heads };
            let table = &table[(offset * length + position) * rope.dims..];
            let (dims, traditional) = (rope.dims, rope.traditional);
            dispatch(Rotate { x: vectors, stride: x.strides[2], dim, dims, traditional, table, out: now });
            (row, out) = (row + count, later);
        }
    });
}

/// Rotates successive vectors of a head.
struct Rotate<'a, T> {
    x: &'a [T],
    stride: usize,
    dim: usize,
    dims: usize,
    traditional: bool,
    table: &'a [f32],
    out: &'a mut [T],
}

impl<T: Element> Kernel for Rotate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (i, out) in self.out.chunks_exact_mut(self.dim).enumerate() {
            let x = &self.x[i * self.stride..][..self.dim];
            let cos = &self.table[i * self.dims..];
            let sin = &cos[self.dims / 2..];
            let (rotated, rest) = out.split_at_mut(self.dims);
            if self.traditional {
                rotate_neighbors(s, &x[..self.dims], cos, sin, rotated);
            } else {
                rotate_halves(s, &x[..self.dims], cos, sin, rotated);
            }
            rest.copy_from_slice(&x[self.dims..]);
        }
    }
}

#[inline(always)]
fn rotate_halves<S: Simd, T: Element>(s: S, x: &[T], cos: &[f32], sin: &[f32], out: &mut [T]) {
    let half = x.len() / 2;
    let (x, y) = x.split_at(half);
    let (x_out, y_out) = out.split_at_mut(half);
    let (mut x, mut y) = (x.chunks_exact(S::LANES), y.chunks_exact(S::LANES));
    let (mut cos, mut sin) = (cos[..half].chunks_exact(S::LANES), sin[..half].chunks_exact(S::LANES));
    let (mut x_out, mut y_out) = (x_out.chunks_exact_mut(S::LANES), y_out.chunks_exact_mut(S::LANES));
    let inputs = x.by_ref().zip(y.by_ref()).zip(cos.by_ref().zip(sin.by_ref()));
    for (((x, y), (cos, sin)), (x_out, y_out)) in inputs.zip(x_out.by_ref().zip(y_out.by_ref())) {
        let (x, y) = turn(s, [T::load(s, x), T::load(s, y)], s.load(cos), s.load(sin));
        T::store(s, x, x_out);
        T::store(s, y, y_out);
    }
    let rest = [T::load_part(s, x.remainder()), T::load_part(s, y.remainder())];
    let (cos, sin) = (f32::load_part(s, cos.remainder()), f32::load_part(s, sin.remainder()));
    let (x, y) = turn(s, rest, cos, sin);
    T::store_part(s, x, x_out.into_remainder());
    T::store_part(s, y, y_out.into_remainder());
}

#[inline(always)]
fn turn<S: Simd>(s: S, [x, y]: [S::F; 2], cos: S::F, sin: S::F) -> (S::F, S::F) {
    (s.sub(s.mul(x, cos), s.mul(y, sin)), s.fma(x, sin, s.mul(y, cos)))
}

#[inline(always)]
fn rotate_neighbors<S: Simd, T: Element>(s: S, x: &[T], cos: &[f32], sin: &[f32], out: &mut [T]) {
    let signs = s.load(&std::array::from_fn::<f32, 16, _>(|i| if i % 2 == 0 { -1.0 } else { 1.0 }));
    let neighbors = s.load_words(&std::array::from_fn::<u32, 16, _>(|i| i as u32 ^ 1));
    let pairs = s.load_words(&std::array::from_fn::<u32, 16, _>(|i| i as u32 / 2));
    for (i, (x, out)) in x.chunks(S::LANES).zip(out.chunks_mut(S::LANES)).enumerate() {
        let whole = x.len() == S::LANES;
        let x = if whole { T::load(s, x) } else { T::load_part(s, x) };
        let at = i * S::LANES / 2;
        let cos = s.permute(s.load(&cos[at..]), pairs);
        let sin = s.mul(s.permute(s.load(&sin[at..]), pairs), signs);
        let y = s.fma(s.permute(x, neighbors), sin, s.mul(x, cos));
        if whole { T::store(s, y, out) } else { T::store_part(s, y, out) }
    }
}
