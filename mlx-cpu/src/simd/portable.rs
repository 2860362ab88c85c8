//! Vectors as arrays of four, which compilers turn into SSE2 or NEON instructions.

use super::{Kernel, Simd};
use half::{bf16, f16};
use std::array::from_fn;

const LANES: usize = 4;
type F = [f32; LANES];
type I = [u32; LANES];

/// What every processor has.
#[derive(Clone, Copy)]
pub(super) struct Portable;

pub(super) fn enter<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Portable)
}

#[inline(always)]
fn first<T: Copy>(x: &[T]) -> [T; LANES] {
    let x = &x[..LANES];
    from_fn(|i| x[i])
}

#[inline(always)]
fn zip(a: F, b: F, f: impl Fn(f32, f32) -> f32) -> F {
    from_fn(|i| f(a[i], b[i]))
}

impl Simd for Portable {
    const LANES: usize = LANES;
    type F = F;
    type I = I;
    type Table = [u8; 16];

    #[inline(always)]
    fn splat(self, x: f32) -> F {
        [x; LANES]
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> F {
        first(x)
    }

    #[inline(always)]
    fn load_f16(self, x: &[f16]) -> F {
        first(x).map(f16::to_f32)
    }

    #[inline(always)]
    fn load_bf16(self, x: &[bf16]) -> F {
        first(x).map(bf16::to_f32)
    }

    #[inline(always)]
    fn load_repeated(self, x: &[f32], shift: u32) -> F {
        let x = first(x);
        from_fn(|i| x[i >> shift])
    }

    #[inline(always)]
    fn store(self, v: F, to: &mut [f32]) {
        to[..LANES].copy_from_slice(&v);
    }

    #[inline(always)]
    fn store_f16(self, v: F, to: &mut [f16]) {
        to[..LANES].copy_from_slice(&v.map(f16::from_f32));
    }

    #[inline(always)]
    fn store_bf16(self, v: F, to: &mut [bf16]) {
        to[..LANES].copy_from_slice(&v.map(bf16::from_f32));
    }

    #[inline(always)]
    fn add(self, a: F, b: F) -> F {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: F, b: F) -> F {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: F, b: F) -> F {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: F, b: F) -> F {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn fma(self, a: F, b: F, c: F) -> F {
        // Where there is no instruction for it, `mul_add` is a slow function.
        let fused = cfg!(any(target_arch = "aarch64", target_feature = "fma"));
        from_fn(|i| if fused { a[i].mul_add(b[i], c[i]) } else { a[i] * b[i] + c[i] })
    }

    #[inline(always)]
    fn max(self, a: F, b: F) -> F {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, a: F, b: F) -> F {
        zip(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn select_less(self, a: F, b: F, x: F, y: F) -> F {
        from_fn(|i| if a[i] < b[i] { x[i] } else { y[i] })
    }

    #[inline(always)]
    fn sum(self, v: F) -> f32 {
        (v[0] + v[2]) + (v[1] + v[3])
    }

    #[inline(always)]
    fn sums(self, [a, b, c, d]: [F; 4]) -> [f32; 4] {
        [self.sum(a), self.sum(b), self.sum(c), self.sum(d)]
    }

    #[inline(always)]
    fn largest(self, v: F) -> f32 {
        v[0].max(v[2]).max(v[1].max(v[3]))
    }

    #[inline(always)]
    fn transpose(self, rows: &mut [F]) {
        let [a, b, c, d] = rows else { panic!("not a square") };
        let columns = from_fn(|i| [a[i], b[i], c[i], d[i]]);
        [*a, *b, *c, *d] = columns;
    }

    #[inline(always)]
    fn permute(self, v: F, places: I) -> F {
        places.map(|i| v[i as usize % LANES])
    }

    #[inline(always)]
    fn round(self, v: F) -> I {
        v.map(|x| x.round_ties_even() as i32 as u32)
    }

    #[inline(always)]
    fn splat_int(self, x: u32) -> I {
        [x; LANES]
    }

    #[inline(always)]
    fn load_words(self, x: &[u32]) -> I {
        first(x)
    }

    #[inline(always)]
    fn load_words_padded(self, x: &[u32]) -> I {
        from_fn(|i| x.get(i).copied().unwrap_or(0))
    }

    #[inline(always)]
    fn load_bytes(self, x: &[u8]) -> I {
        first(x).map(u32::from)
    }

    #[inline(always)]
    fn add_int(self, a: I, b: I) -> I {
        from_fn(|i| a[i].wrapping_add(b[i]))
    }

    #[inline(always)]
    fn and(self, a: I, b: I) -> I {
        from_fn(|i| a[i] & b[i])
    }

    #[inline(always)]
    fn or(self, a: I, b: I) -> I {
        from_fn(|i| a[i] | b[i])
    }

    #[inline(always)]
    fn shr(self, v: I, by: u32) -> I {
        v.map(|x| x >> by)
    }

    #[inline(always)]
    fn shl(self, v: I, by: u32) -> I {
        v.map(|x| x << by)
    }

    #[inline(always)]
    fn shr_each(self, v: I, by: I) -> I {
        from_fn(|i| v[i].checked_shr(by[i]).unwrap_or(0))
    }

    #[inline(always)]
    fn shl_each(self, v: I, by: I) -> I {
        from_fn(|i| v[i].checked_shl(by[i]).unwrap_or(0))
    }

    #[inline(always)]
    fn to_float(self, v: I) -> F {
        v.map(|x| x as i32 as f32)
    }

    #[inline(always)]
    fn float_of_bits(self, v: I) -> F {
        v.map(f32::from_bits)
    }

    #[inline(always)]
    fn bits_of_float(self, v: F) -> I {
        v.map(f32::to_bits)
    }

    #[inline(always)]
    fn table(self, bytes: &[u8; 16]) -> [u8; 16] {
        *bytes
    }

    #[inline(always)]
    fn lookup(self, table: [u8; 16], places: I) -> I {
        places.map(|places| u32::from_ne_bytes(places.to_ne_bytes().map(|i| table[usize::from(i % 16)])))
    }
}
