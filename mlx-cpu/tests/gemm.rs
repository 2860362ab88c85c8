//! Products of all shapes, layouts and kinds of numbers, compared with sums in `f64`.

#[path = "common/levels.rs"]
mod levels;

use mlx_cpu::{
    Floats, FloatsMut, bf16, f16,
    gemm::{Matrices, Product, multiply},
};

/// A small generator of numbers: the upper bits of a linear congruential sequence (Knuth).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A small integer: sums of products of such are exact in `f32`.
    fn integer(&mut self) -> f32 {
        self.below(9) as f32 - 4.0
    }

    /// Between -1 and 1.
    fn real(&mut self) -> f32 {
        self.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Numbers of one of the three kinds.
enum Numbers {
    F32(Vec<f32>),
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
}

impl Numbers {
    fn new(kind: usize, numbers: impl Iterator<Item = f32>) -> Self {
        match kind {
            0 => Numbers::F32(numbers.collect()),
            1 => Numbers::F16(numbers.map(f16::from_f32).collect()),
            _ => Numbers::Bf16(numbers.map(bf16::from_f32).collect()),
        }
    }

    fn view(&self) -> Floats<'_> {
        match self {
            Numbers::F32(x) => Floats::F32(x),
            Numbers::F16(x) => Floats::F16(x),
            Numbers::Bf16(x) => Floats::Bf16(x),
        }
    }

    fn view_mut(&mut self) -> FloatsMut<'_> {
        match self {
            Numbers::F32(x) => FloatsMut::F32(x),
            Numbers::F16(x) => FloatsMut::F16(x),
            Numbers::Bf16(x) => FloatsMut::Bf16(x),
        }
    }

    fn to_f64(&self) -> Vec<f64> {
        (0..self.view().len()).map(|i| f64::from(self.view().get(i))).collect()
    }

    /// The nearest number of this kind.
    fn round(&self, x: f64) -> f64 {
        match self {
            Numbers::F32(_) => f64::from(x as f32),
            Numbers::F16(_) => f16::from_f32(x as f32).to_f64(),
            Numbers::Bf16(_) => bf16::from_f32(x as f32).to_f64(),
        }
    }
}

/// A batch of matrices in a layout of its own.
struct Operand {
    numbers: Numbers,
    offsets: Vec<usize>,
    row_stride: isize,
    col_stride: isize,
}

impl Operand {
    fn new(random: &mut Random, batch: usize, rows: usize, columns: usize) -> Self {
        let (rows, columns) = (rows.cast_signed(), columns.cast_signed());
        let padding = random.one_of(&[0, 0, 3]);
        let (row_stride, col_stride) = match random.below(8) {
            0..3 => (columns + padding, 1),
            3..6 => (1, rows + padding),
            6 => random.one_of(&[(0, 1), (1, 0), (0, 0), (columns * 2, 2)]),
            _ => random.one_of(&[(-columns, 1), (1, -rows), (-2 * columns, -2)]),
        };
        // The first element of a matrix is not the first in memory where strides are negative.
        let spans = [row_stride * (rows - 1).max(0), col_stride * (columns - 1).max(0)];
        let before = spans.iter().map(|span| -span.min(&0)).sum::<isize>().unsigned_abs();
        let after = spans.iter().map(|span| *span.max(&0)).sum::<isize>().unsigned_abs();
        let size = before + after + 1;
        // Each its own, or all the same.
        let step = random.one_of(&[size, size + 5, 0]);
        let offsets = (0..batch).map(|t| before + t * step).collect();
        let numbers = (0..batch * step + size).map(|_| random.integer()).collect::<Vec<_>>();
        let numbers = Numbers::new(random.below(3), numbers.into_iter());
        Operand { numbers, offsets, row_stride, col_stride }
    }

    fn view(&self) -> Matrices<'_> {
        let Operand { numbers, offsets, row_stride, col_stride } = self;
        Matrices { data: numbers.view(), offsets, row_stride: *row_stride, col_stride: *col_stride }
    }
}

fn at(x: &Matrices<'_>, matrix: usize, i: usize, j: usize) -> f64 {
    let way = i.cast_signed() * x.row_stride + j.cast_signed() * x.col_stride;
    f64::from(x.data.get(x.offsets[matrix].wrapping_add_signed(way)))
}

/// The exact elements of a product, and the sums of the magnitudes of their terms.
fn reference(product: &Product<'_>) -> Vec<(f64, f64)> {
    let Product { m, n, k, a, b, alpha, addend } = product;
    let mut out = Vec::new();
    for t in 0..a.offsets.len() {
        for (i, j) in (0..*m).flat_map(|i| (0..*n).map(move |j| (i, j))) {
            let mut terms: Vec<f64> =
                (0..*k).map(|p| f64::from(*alpha) * at(a, t, i, p) * at(b, t, p, j)).collect();
            terms.extend(addend.map(|(beta, c)| f64::from(beta) * at(&c, t, i, j)));
            out.push((terms.iter().sum(), terms.iter().map(|term| term.abs()).sum()));
        }
    }
    out
}

/// Computes products of random layouts; all results must be exact.
fn check(random: &mut Random, batch: usize, [m, n, k]: [usize; 3]) {
    let a = Operand::new(random, batch, m, k);
    let b = Operand::new(random, batch, k, n);
    let c = Operand::new(random, batch, m, n);
    let addend = random.one_of(&[None, Some((2.0, c.view())), Some((-0.5, c.view()))]);
    let alpha = random.one_of(&[1.0, 1.0, -0.25, 0.0]);
    let product = Product { m, n, k, a: a.view(), b: b.view(), alpha, addend };
    let mut out = Numbers::new(random.below(3), std::iter::repeat_n(f32::NAN, batch * m * n));
    multiply(&product, out.view_mut());
    for (i, (x, (wanted, _))) in out.to_f64().iter().zip(reference(&product)).enumerate() {
        let layout = |x: &Matrices<'_>| (x.row_stride, x.col_stride, x.offsets.len());
        let case =
            (batch, m, n, k, layout(&product.a), layout(&product.b), alpha, addend.map(|(beta, _)| beta));
        assert_eq!(*x, out.round(wanted), "element {i} of {case:?}");
    }
}

#[test]
fn small_products_of_all_layouts_are_exact() {
    let mut random = Random(1);
    for _ in 0..1500 {
        let batch = random.one_of(&[0, 1, 1, 1, 2, 5]);
        let shape = [0; 3].map(|_: usize| {
            let bound = random.one_of(&[2, 10, 40]);
            random.below(bound)
        });
        check(&mut random, batch, shape);
    }
}

#[test]
fn products_of_many_tiles_are_exact() {
    let mut random = Random(2);
    let sizes = [1, 2, 5, 63, 64, 150, 255, 256, 257, 300, 513];
    for _ in 0..25 {
        let shape = [0; 3].map(|_: usize| random.one_of(&sizes));
        let batch = random.one_of(&[1, 1, 3]);
        check(&mut random, batch, shape);
    }
    for shape in [[1, 5000, 70], [3, 2100, 40], [5000, 1, 70], [2100, 20, 9], [7, 40, 5000], [1, 3, 9000]] {
        check(&mut random, 1, shape);
        check(&mut random, 1, shape);
    }
    check(&mut random, 70, [30, 40, 20]);
}

#[test]
fn sums_are_at_least_as_exact_as_one_after_the_other() {
    let mut random = Random(3);
    for (m, n, k) in [(40, 50, 3000), (1, 70, 3000), (3, 70, 3000)] {
        let a: Vec<f32> = (0..m * k).map(|_| random.real()).collect();
        let b: Vec<f32> = (0..n * k).map(|_| random.real()).collect();
        for transposed in [false, true] {
            let a = Matrices::dense(Floats::F32(&a), k);
            let b = Matrices::dense(Floats::F32(&b), if transposed { k } else { n });
            let b = if transposed { b.transposed() } else { b };
            let product = Product { m, n, k, a, b, alpha: 1.0, addend: None };
            let mut out = vec![0.0; m * n];
            multiply(&product, FloatsMut::F32(&mut out));
            let (mut square, mut square_in_turn) = (0.0, 0.0);
            for (i, (wanted, size)) in reference(&product).into_iter().enumerate() {
                let error = f64::from(out[i]) - wanted;
                assert!(error.abs() <= size * 20.0 * f64::from(f32::EPSILON), "{error} of {size}");
                let term = |p| at(&a, 0, i / n, p) as f32 * at(&b, 0, p, i % n) as f32;
                let in_turn: f32 = (0..k).map(term).sum();
                square += error * error;
                square_in_turn += (f64::from(in_turn) - wanted).powi(2);
            }
            assert!(square <= square_in_turn * 1.05, "{square} {square_in_turn} of {m} {n} {k}");
        }
    }
}

#[test]
fn nan_and_infinity_go_where_sums_take_them() {
    for m in [1, 3, 20] {
        for transposed in [false, true] {
            let (n, k) = (37, 19);
            let mut a = vec![0.0; m * k];
            let mut b = vec![1.0; n * k];
            // Zero times these is NaN, in one row and in one column.
            a[(m - 1) * k + 5] = f32::INFINITY;
            b[if transposed { 30 * k + 18 } else { 18 * n + 30 }] = f32::NAN;
            let b = Matrices::dense(Floats::F32(&b), if transposed { k } else { n });
            let b = if transposed { b.transposed() } else { b };
            let a = Matrices::dense(Floats::F32(&a), k);
            let mut out = vec![0.0; m * n];
            let product = Product { m, n, k, a, b, alpha: 1.0, addend: None };
            multiply(&product, FloatsMut::F32(&mut out));
            for (i, x) in out.iter().enumerate() {
                let wanted = match (i / n == m - 1, i % n == 30) {
                    (_, true) => f32::NAN,
                    (true, false) => f32::INFINITY,
                    (false, false) => 0.0,
                };
                assert!(x.total_cmp(&wanted).is_eq() || x.is_nan() && wanted.is_nan(), "{i}: {x} {wanted}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "range")]
fn elements_outside_of_the_data_are_refused() {
    let a = Matrices::dense(Floats::F32(&[1.0; 11]), 4);
    let b = Matrices::dense(Floats::F32(&[1.0; 12]), 3);
    let product = Product { m: 3, n: 3, k: 4, a, b, alpha: 1.0, addend: None };
    multiply(&product, FloatsMut::F32(&mut [0.0; 9]));
}

#[test]
fn all_instruction_sets_and_more_threads_pass_too() {
    levels::pass_with_all();
}
