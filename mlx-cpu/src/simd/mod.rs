//! One kernel, all instruction sets: vectors as a trait, and the choice among its implementations at run time.
//!
//! A kernel is a [`Kernel`] whose `run` is generic over [`Simd`]. [`dispatch`] compiles it once per instruction set and
//! calls the best that this processor has. Two rules keep it fast:
//!
//! * `run` and all helpers it calls with an `S: Simd` are `#[inline(always)]`: only what is inlined into the entry point
//!   of an instruction set is compiled for it.
//! * No closure lies between: closures are functions of their own. Threads are therefore outside ([`crate::pool`]), and
//!   `dispatch` inside each of their tasks.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod math;
mod portable;

pub use math::{erf, exp, sigmoid, sin_cos, tanh};

use crate::floats::Floats;
use half::{bf16, f16};
use std::{fmt::Debug, sync::OnceLock};

/// Vectors of `f32` and of 32-bit integers of one width.
///
/// A value of an implementing type is the proof that the processor has its instructions: only [`dispatch`] makes them.
/// Slices that are loaded from or stored to must have at least [`LANES`](Simd::LANES) elements, else these methods
/// panic; iterate over `chunks_exact(S::LANES)`, and the check costs nothing.
pub trait Simd: Copy + Send + Sync + 'static {
    /// The number of elements of a vector: 4, 8 or 16.
    const LANES: usize;
    /// A vector of `f32`.
    type F: Copy;
    /// A vector of 32-bit integers.
    type I: Copy;
    /// Sixteen bytes, ready for [`lookup`](Simd::lookup).
    type Table: Copy;

    /// Begins to bring the beginning of `x` into the caches, where there is an instruction for it.
    #[inline(always)]
    fn prefetch<T>(self, x: &[T]) {
        let _ = x;
    }

    /// All elements `x`.
    fn splat(self, x: f32) -> Self::F;
    /// The first elements of `x`.
    fn load(self, x: &[f32]) -> Self::F;
    /// The first elements of `x`, widened.
    fn load_f16(self, x: &[f16]) -> Self::F;
    /// The first elements of `x`, widened.
    fn load_bf16(self, x: &[bf16]) -> Self::F;
    /// Element `i` is `x[i >> shift]`; `x` must have [`LANES`](Simd::LANES) elements all the same.
    fn load_repeated(self, x: &[f32], shift: u32) -> Self::F;
    /// Writes the elements to the first of `to`.
    fn store(self, v: Self::F, to: &mut [f32]);
    /// Writes the elements, rounded to nearest, ties to even.
    fn store_f16(self, v: Self::F, to: &mut [f16]);
    /// Writes the elements, rounded to nearest, ties to even.
    fn store_bf16(self, v: Self::F, to: &mut [bf16]);

    /// `a + b`.
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`.
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b`.
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`.
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once where the processor can.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The larger of each pair; `b` where one is NaN.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The smaller of each pair; `b` where one is NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The elements of `x` where `a < b`, else those of `y`.
    fn select_less(self, a: Self::F, b: Self::F, x: Self::F, y: Self::F) -> Self::F;
    /// The sum of the elements.
    fn sum(self, v: Self::F) -> f32;
    /// The sum of the elements of each vector.
    fn sums(self, v: [Self::F; 4]) -> [f32; 4];
    /// The largest element.
    fn largest(self, v: Self::F) -> f32;
    /// Exchanges rows and columns of a square of [`LANES`](Simd::LANES) vectors; panics where there are not as many.
    fn transpose(self, rows: &mut [Self::F]);
    /// The elements of `v` at `places`, which are less than [`LANES`](Simd::LANES).
    fn permute(self, v: Self::F, places: Self::I) -> Self::F;
    /// The nearest integers, of numbers within the range of `i32`.
    fn round(self, v: Self::F) -> Self::I;

    /// All elements `x`.
    fn splat_int(self, x: u32) -> Self::I;
    /// The first elements of `x`.
    fn load_words(self, x: &[u32]) -> Self::I;
    /// The first elements of `x`, and zeros where it has fewer.
    fn load_words_padded(self, x: &[u32]) -> Self::I;
    /// Writes the elements to the first of `to`.
    #[inline(always)]
    fn store_words(self, v: Self::I, to: &mut [u32]) {
        let mut floats = [0.0; 16];
        self.store(self.float_of_bits(v), &mut floats);
        for (to, float) in to[..Self::LANES].iter_mut().zip(floats) {
            *to = float.to_bits();
        }
    }
    /// The first elements of `x`, widened.
    fn load_bytes(self, x: &[u8]) -> Self::I;
    /// `a + b`, wrapping.
    fn add_int(self, a: Self::I, b: Self::I) -> Self::I;
    /// The bits that both have.
    fn and(self, a: Self::I, b: Self::I) -> Self::I;
    /// The bits that one of them has.
    fn or(self, a: Self::I, b: Self::I) -> Self::I;
    /// Shifts zeros in from the left.
    fn shr(self, v: Self::I, by: u32) -> Self::I;
    /// Shifts zeros in from the right.
    fn shl(self, v: Self::I, by: u32) -> Self::I;
    /// Shifts each element by its own number of bits; by more than 31, it becomes 0.
    fn shr_each(self, v: Self::I, by: Self::I) -> Self::I;
    /// Shifts each element by its own number of bits; by more than 31, it becomes 0.
    fn shl_each(self, v: Self::I, by: Self::I) -> Self::I;
    /// The numbers nearest to signed integers.
    fn to_float(self, v: Self::I) -> Self::F;
    /// The floats with these bits.
    fn float_of_bits(self, v: Self::I) -> Self::F;
    /// The bits of these floats.
    fn bits_of_float(self, v: Self::F) -> Self::I;

    /// Prepares a table.
    fn table(self, bytes: &[u8; 16]) -> Self::Table;
    /// The bytes of the table at `places`: four in each element, less than 16.
    fn lookup(self, table: Self::Table, places: Self::I) -> Self::I;
}

/// A number that kernels read and write, and compute with as `f32`.
pub trait Element: Copy + Default + Debug + Send + Sync + 'static {
    /// The first elements of `x` as `f32`.
    fn load<S: Simd>(s: S, x: &[Self]) -> S::F;
    /// Writes the elements of `v` to the first of `to`.
    fn store<S: Simd>(s: S, v: S::F, to: &mut [Self]);
    /// All elements of `x`, which are less than a vector, and zeros.
    #[inline(always)]
    fn load_part<S: Simd>(s: S, x: &[Self]) -> S::F {
        let mut whole = [Self::default(); 16];
        whole[..x.len()].copy_from_slice(x);
        Self::load(s, &whole)
    }
    /// Writes as many elements of `v` as `to` has, which are less than a vector.
    #[inline(always)]
    fn store_part<S: Simd>(s: S, v: S::F, to: &mut [Self]) {
        let mut whole = [Self::default(); 16];
        Self::store(s, v, &mut whole);
        to.copy_from_slice(&whole[..to.len()]);
    }
    /// The number as `f32`, exactly.
    fn widen(self) -> f32;
    /// The nearest number, ties to even.
    fn narrow(x: f32) -> Self;
    /// The numbers, which are of this type. Panics if they are of another.
    fn slice(x: Floats<'_>) -> &[Self];
    /// The elements as they are, if they are `f32`.
    fn as_f32(x: &[Self]) -> Option<&[f32]> {
        let _ = x;
        None
    }
}

macro_rules! element {
    ($type:ident, $variant:ident, $load:ident, $store:ident, $widen:expr, $narrow:expr $(, $as_f32:item)?) => {
        impl Element for $type {
            #[inline(always)]
            fn load<S: Simd>(s: S, x: &[Self]) -> S::F {
                s.$load(x)
            }

            #[inline(always)]
            fn store<S: Simd>(s: S, v: S::F, to: &mut [Self]) {
                s.$store(v, to);
            }

            #[inline(always)]
            fn widen(self) -> f32 {
                $widen(self)
            }

            #[inline(always)]
            fn narrow(x: f32) -> Self {
                $narrow(x)
            }

            fn slice(x: Floats<'_>) -> &[Self] {
                match x {
                    Floats::$variant(x) => x,
                    _ => panic!("numbers of another type than {}", stringify!($type)),
                }
            }

            $($as_f32)?
        }
    };
}

element!(
    f32,
    F32,
    load,
    store,
    |x| x,
    |x| x,
    fn as_f32(x: &[f32]) -> Option<&[f32]> {
        Some(x)
    }
);
element!(f16, F16, load_f16, store_f16, f16::to_f32, f16::from_f32);
element!(bf16, Bf16, load_bf16, store_bf16, bf16::to_f32, bf16::from_f32);

/// Code that is compiled for each instruction set.
pub trait Kernel {
    /// What it gives.
    type Output;
    /// Computes; must be `#[inline(always)]`.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// Vectors of processors that multiply bytes, four for each element at once.
pub trait Bytes: Simd {
    /// Whether one instruction multiplies and adds.
    const AT_ONCE: bool;
    /// The largest byte of `a` in [`add_products`](Bytes::add_products).
    const LARGEST: u32;
    /// A vector of integers and products that are being added to it.
    type Products: Copy;

    /// No products yet, to be added to `sum`.
    fn begin(self, sum: Self::I) -> Self::Products;
    /// Adds to each element four products: of the bytes of `a`, which are from 0 to [`LARGEST`](Bytes::LARGEST), with those of
    /// `b`, which are from -128 to 127. At most eight times in a row.
    fn add_products(self, products: Self::Products, a: Self::I, b: Self::I) -> Self::Products;
    /// `sum`, which they were begun with, and the products.
    fn finish(self, sum: Self::I, products: Self::Products) -> Self::I;
    /// Writes the lowest byte of each element, four to a word.
    fn store_bytes(self, v: Self::I, to: &mut [u32]);
}

/// Code for processors that multiply bytes, which is compiled for each of their instruction sets.
pub trait BytesKernel {
    /// What it gives.
    type Output;
    /// Computes; must be `#[inline(always)]`.
    fn run<S: Bytes>(self, s: S) -> Self::Output;
}

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What every processor of the architecture has; on arm64 that includes NEON.
    Portable,
    /// AVX2, FMA and F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// These and AVX-VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx2Vnni,
    /// AVX-512 F, BW, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// These and AVX-512 VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

impl Level {
    /// Those of this processor, the best last.
    pub fn available() -> Vec<Level> {
        let levels = [
            Level::Portable,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2Vnni,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Vnni,
        ];
        levels.into_iter().filter(|level| level.is_available()).collect()
    }

    /// Whether this processor has its instructions.
    fn is_available(self) -> bool {
        match self {
            Level::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::is_available(),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2Vnni => avx2::is_available() && avx2::has_vnni(),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx2::is_available() && avx512::is_available(),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Vnni => Level::Avx512.is_available() && avx512::has_vnni(),
        }
    }

    /// The one in use: the best, or the one that `MLX_RS_CPU_SIMD` names, if this processor has it.
    pub fn current() -> Level {
        static CURRENT: OnceLock<Level> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let levels = Level::available();
            let wanted = std::env::var("MLX_RS_CPU_SIMD").unwrap_or_default().to_lowercase();
            let named = levels.iter().find(|level| format!("{level:?}").to_lowercase() == wanted);
            named.or(levels.last()).copied().unwrap_or(Level::Portable)
        })
    }
}

/// Runs `kernel` with the vectors of [`Level::current`].
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    dispatch_at(Level::current(), kernel)
}

/// Runs `kernel` with the vectors of `level`, or portable ones where this processor does not have it.
pub fn dispatch_at<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Vnni if Level::Avx512.is_available() => {
            // SAFETY: the processor has the instructions.
            unsafe { avx512::enter(kernel) }
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx2Vnni if Level::Avx2.is_available() => {
            // SAFETY: the processor has the instructions.
            unsafe { avx2::enter(kernel) }
        }
        _ => portable::enter(kernel),
    }
}

/// Runs `kernel` with the vectors of [`Level::current`]; `None` where these do not multiply bytes.
pub fn dispatch_bytes<K: BytesKernel>(kernel: K) -> Option<K::Output> {
    match Level::current() {
        Level::Portable => {
            drop(kernel);
            None
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => {
            // SAFETY: the processor has the instructions of the current level.
            Some(unsafe { avx2::enter_bytes(kernel) })
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx2Vnni => {
            // SAFETY: the processor has the instructions of the current level.
            Some(unsafe { avx2::enter_vnni(kernel) })
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => {
            // SAFETY: the processor has the instructions of the current level.
            Some(unsafe { avx512::enter_bytes(kernel) })
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Vnni => {
            // SAFETY: the processor has the instructions of the current level.
            Some(unsafe { avx512::enter_vnni(kernel) })
        }
    }
}
