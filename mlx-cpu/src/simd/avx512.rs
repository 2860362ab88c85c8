//! AVX-512: vectors of sixteen.
//!
//! SAFETY, of all blocks here: an [`Avx512`] exists only inside the functions that enter, so the processor has the instructions; and
//! addresses are those of references, with as many elements as the instruction reads or writes.
#![allow(clippy::undocumented_unsafe_blocks, reason = "one reason for all, above")]

use super::{Bytes, BytesKernel, Kernel, Simd};
use half::{bf16, f16};
use std::arch::x86_64::*;

const LANES: usize = 16;

/// AVX-512 F, BW, DQ and VL; with `VNNI` the instruction that multiplies bytes and adds the products to sums.
#[derive(Clone, Copy)]
pub(super) struct Avx512<const VNNI: bool>(());

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
pub(super) fn enter<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx512::<false>(()))
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]
pub(super) fn enter_bytes<K: BytesKernel>(kernel: K) -> K::Output {
    kernel.run(Avx512::<false>(()))
}

pub(super) fn has_vnni() -> bool {
    is_x86_feature_detected!("avx512vnni")
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
pub(super) fn enter_vnni<K: BytesKernel>(kernel: K) -> K::Output {
    kernel.run(Avx512::<true>(()))
}

impl<const VNNI: bool> Bytes for Avx512<VNNI> {
    const AT_ONCE: bool = VNNI;
    const LARGEST: u32 = if VNNI { 255 } else { 15 };
    /// Without `VNNI` integers of 16 bits, each of two products.
    type Products = __m512i;

    #[inline(always)]
    fn begin(self, sum: __m512i) -> __m512i {
        if VNNI { sum } else { self.splat_int(0) }
    }

    #[inline(always)]
    fn add_products(self, products: __m512i, a: __m512i, b: __m512i) -> __m512i {
        unsafe {
            if VNNI {
                _mm512_dpbusd_epi32(products, a, b)
            } else {
                _mm512_add_epi16(products, _mm512_maddubs_epi16(a, b))
            }
        }
    }

    #[inline(always)]
    fn finish(self, sum: __m512i, products: __m512i) -> __m512i {
        if VNNI {
            products
        } else {
            unsafe { _mm512_add_epi32(sum, _mm512_madd_epi16(products, _mm512_set1_epi16(1))) }
        }
    }

    #[inline(always)]
    fn store_bytes(self, v: __m512i, to: &mut [u32]) {
        let to = &mut to[..LANES / 4];
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(v)) }
    }
}

/// Transposes the four squares of four rows, each for itself.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose_quarters([a, b, c, d]: [__m512; 4]) -> [__m512; 4] {
    let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
    let (ab_high, cd_high) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
    [
        _mm512_shuffle_ps::<0b01_00_01_00>(ab, cd),
        _mm512_shuffle_ps::<0b11_10_11_10>(ab, cd),
        _mm512_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
        _mm512_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
    ]
}

impl<const VNNI: bool> Simd for Avx512<VNNI> {
    const LANES: usize = LANES;
    type F = __m512;
    type I = __m512i;
    type Table = __m512i;

    #[inline(always)]
    fn prefetch<T>(self, x: &[T]) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(x.as_ptr().cast()) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> __m512 {
        let x = &x[..LANES];
        unsafe { _mm512_loadu_ps(x.as_ptr()) }
    }

    #[inline(always)]
    fn load_f16(self, x: &[f16]) -> __m512 {
        let x = &x[..LANES];
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(x.as_ptr().cast())) }
    }

    #[inline(always)]
    fn load_bf16(self, x: &[bf16]) -> __m512 {
        let x = &x[..LANES];
        unsafe {
            let wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(x.as_ptr().cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
        }
    }

    #[inline(always)]
    fn load_repeated(self, x: &[f32], shift: u32) -> __m512 {
        let x = self.load(x);
        unsafe {
            let places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            _mm512_permutexvar_ps(self.shr(places, shift), x)
        }
    }

    #[inline(always)]
    fn store(self, v: __m512, to: &mut [f32]) {
        let to = &mut to[..LANES];
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn store_f16(self, v: __m512, to: &mut [f16]) {
        let to = &mut to[..LANES];
        unsafe {
            let halves = _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(v);
            _mm256_storeu_si256(to.as_mut_ptr().cast(), halves);
        }
    }

    #[inline(always)]
    fn store_bf16(self, v: __m512, to: &mut [bf16]) {
        let to = &mut to[..LANES];
        unsafe {
            let bits = _mm512_castps_si512(v);
            let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
            let rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
            let quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x40_0000));
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(v, v);
            let high = _mm512_srli_epi32::<16>(_mm512_mask_blend_epi32(nan, rounded, quiet));
            _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(high));
        }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn select_less(self, a: __m512, b: __m512, x: __m512, y: __m512) -> __m512 {
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), y, x) }
    }

    #[inline(always)]
    fn sum(self, v: __m512) -> f32 {
        unsafe { _mm512_reduce_add_ps(v) }
    }

    #[inline(always)]
    fn sums(self, v: [__m512; 4]) -> [f32; 4] {
        let mut sums = [0.0; 4];
        unsafe {
            let [a, b, c, d] = transpose_quarters(v);
            let v = _mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d));
            let v = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v));
            let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            _mm_storeu_ps(sums.as_mut_ptr(), v);
        }
        sums
    }

    #[inline(always)]
    fn largest(self, v: __m512) -> f32 {
        unsafe { _mm512_reduce_max_ps(v) }
    }

    #[inline(always)]
    fn transpose(self, rows: &mut [__m512]) {
        let &mut [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = rows else { panic!("not a square") };
        unsafe {
            let (first, second) = (transpose_quarters([a, b, c, d]), transpose_quarters([e, f, g, h]));
            let (third, fourth) = (transpose_quarters([i, j, k, l]), transpose_quarters([m, n, o, p]));
            for i in 0..4 {
                let left_top = _mm512_shuffle_f32x4::<0b01_00_01_00>(first[i], second[i]);
                let left_bottom = _mm512_shuffle_f32x4::<0b01_00_01_00>(third[i], fourth[i]);
                let right_top = _mm512_shuffle_f32x4::<0b11_10_11_10>(first[i], second[i]);
                let right_bottom = _mm512_shuffle_f32x4::<0b11_10_11_10>(third[i], fourth[i]);
                rows[i] = _mm512_shuffle_f32x4::<0b10_00_10_00>(left_top, left_bottom);
                rows[i + 4] = _mm512_shuffle_f32x4::<0b11_01_11_01>(left_top, left_bottom);
                rows[i + 8] = _mm512_shuffle_f32x4::<0b10_00_10_00>(right_top, right_bottom);
                rows[i + 12] = _mm512_shuffle_f32x4::<0b11_01_11_01>(right_top, right_bottom);
            }
        }
    }

    #[inline(always)]
    fn permute(self, v: __m512, places: __m512i) -> __m512 {
        unsafe { _mm512_permutexvar_ps(places, v) }
    }

    #[inline(always)]
    fn round(self, v: __m512) -> __m512i {
        unsafe { _mm512_cvtps_epi32(v) }
    }

    #[inline(always)]
    fn splat_int(self, x: u32) -> __m512i {
        unsafe { _mm512_set1_epi32(x.cast_signed()) }
    }

    #[inline(always)]
    fn load_words(self, x: &[u32]) -> __m512i {
        let x = &x[..LANES];
        unsafe { _mm512_loadu_si512(x.as_ptr().cast()) }
    }

    #[inline(always)]
    fn load_words_padded(self, x: &[u32]) -> __m512i {
        let there = ((1u32 << x.len().min(LANES)) - 1) as __mmask16;
        unsafe { _mm512_maskz_loadu_epi32(there, x.as_ptr().cast()) }
    }

    #[inline(always)]
    fn load_bytes(self, x: &[u8]) -> __m512i {
        let x = &x[..LANES];
        unsafe { _mm512_cvtepu8_epi32(_mm_loadu_si128(x.as_ptr().cast())) }
    }

    #[inline(always)]
    fn add_int(self, a: __m512i, b: __m512i) -> __m512i {
        unsafe { _mm512_add_epi32(a, b) }
    }

    #[inline(always)]
    fn and(self, a: __m512i, b: __m512i) -> __m512i {
        unsafe { _mm512_and_si512(a, b) }
    }

    #[inline(always)]
    fn or(self, a: __m512i, b: __m512i) -> __m512i {
        unsafe { _mm512_or_si512(a, b) }
    }

    #[inline(always)]
    fn shr(self, v: __m512i, by: u32) -> __m512i {
        unsafe { _mm512_srl_epi32(v, _mm_cvtsi32_si128(by.cast_signed())) }
    }

    #[inline(always)]
    fn shl(self, v: __m512i, by: u32) -> __m512i {
        unsafe { _mm512_sll_epi32(v, _mm_cvtsi32_si128(by.cast_signed())) }
    }

    #[inline(always)]
    fn shr_each(self, v: __m512i, by: __m512i) -> __m512i {
        unsafe { _mm512_srlv_epi32(v, by) }
    }

    #[inline(always)]
    fn shl_each(self, v: __m512i, by: __m512i) -> __m512i {
        unsafe { _mm512_sllv_epi32(v, by) }
    }

    #[inline(always)]
    fn to_float(self, v: __m512i) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(v) }
    }

    #[inline(always)]
    fn float_of_bits(self, v: __m512i) -> __m512 {
        unsafe { _mm512_castsi512_ps(v) }
    }

    #[inline(always)]
    fn bits_of_float(self, v: __m512) -> __m512i {
        unsafe { _mm512_castps_si512(v) }
    }

    #[inline(always)]
    fn table(self, bytes: &[u8; 16]) -> __m512i {
        unsafe { _mm512_broadcast_i32x4(_mm_loadu_si128(bytes.as_ptr().cast())) }
    }

    #[inline(always)]
    fn lookup(self, table: __m512i, places: __m512i) -> __m512i {
        unsafe { _mm512_shuffle_epi8(table, places) }
    }
}
