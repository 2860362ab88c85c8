//! AVX2 with FMA and F16C: vectors of eight.
//!
//! SAFETY, of all blocks here: an [`Avx2`] exists only inside the functions that enter, so the processor has the instructions; and
//! addresses are those of references, with as many elements as the instruction reads or writes.
#![allow(clippy::undocumented_unsafe_blocks, reason = "one reason for all, above")]

use super::{Bytes, BytesKernel, Kernel, Simd};
use half::{bf16, f16};
use std::arch::x86_64::*;

const LANES: usize = 8;

/// AVX2, FMA and F16C; with `VNNI` the instruction that multiplies bytes and adds the products to sums.
#[derive(Clone, Copy)]
pub(super) struct Avx2<const VNNI: bool>(());

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn enter<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx2::<false>(()))
}

#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn enter_bytes<K: BytesKernel>(kernel: K) -> K::Output {
    kernel.run(Avx2::<false>(()))
}

pub(super) fn has_vnni() -> bool {
    is_x86_feature_detected!("avxvnni")
}

#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
pub(super) fn enter_vnni<K: BytesKernel>(kernel: K) -> K::Output {
    kernel.run(Avx2::<true>(()))
}

impl<const VNNI: bool> Bytes for Avx2<VNNI> {
    const AT_ONCE: bool = VNNI;
    const LARGEST: u32 = if VNNI { 255 } else { 15 };
    /// Without `VNNI` integers of 16 bits, each of two products.
    type Products = __m256i;

    #[inline(always)]
    fn begin(self, sum: __m256i) -> __m256i {
        if VNNI { sum } else { self.splat_int(0) }
    }

    #[inline(always)]
    fn add_products(self, products: __m256i, a: __m256i, b: __m256i) -> __m256i {
        unsafe {
            if VNNI {
                _mm256_dpbusd_avx_epi32(products, a, b)
            } else {
                _mm256_add_epi16(products, _mm256_maddubs_epi16(a, b))
            }
        }
    }

    #[inline(always)]
    fn finish(self, sum: __m256i, products: __m256i) -> __m256i {
        if VNNI {
            products
        } else {
            unsafe { _mm256_add_epi32(sum, _mm256_madd_epi16(products, _mm256_set1_epi16(1))) }
        }
    }

    #[inline(always)]
    fn store_bytes(self, v: __m256i, to: &mut [u32]) {
        let to = &mut to[..LANES / 4];
        unsafe {
            let places = _mm256_broadcastsi128_si256(_mm_cvtsi32_si128(0x0c08_0400));
            let bytes = _mm256_shuffle_epi8(v, places);
            let (low, high) = (_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
            _mm_storel_epi64(to.as_mut_ptr().cast(), _mm_unpacklo_epi32(low, high));
        }
    }
}

/// Transposes the left and the right square of four rows, each for itself.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose_quarters([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
    let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
    [
        _mm256_shuffle_ps::<0b01_00_01_00>(ab, cd),
        _mm256_shuffle_ps::<0b11_10_11_10>(ab, cd),
        _mm256_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
        _mm256_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
    ]
}

impl<const VNNI: bool> Simd for Avx2<VNNI> {
    const LANES: usize = LANES;
    type F = __m256;
    type I = __m256i;
    type Table = __m256i;

    #[inline(always)]
    fn prefetch<T>(self, x: &[T]) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(x.as_ptr().cast()) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> __m256 {
        let x = &x[..LANES];
        unsafe { _mm256_loadu_ps(x.as_ptr()) }
    }

    #[inline(always)]
    fn load_f16(self, x: &[f16]) -> __m256 {
        let x = &x[..LANES];
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(x.as_ptr().cast())) }
    }

    #[inline(always)]
    fn load_bf16(self, x: &[bf16]) -> __m256 {
        let x = &x[..LANES];
        unsafe {
            let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(x.as_ptr().cast()));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
        }
    }

    #[inline(always)]
    fn load_repeated(self, x: &[f32], shift: u32) -> __m256 {
        let x = self.load(x);
        unsafe {
            let places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_permutevar8x32_ps(x, self.shr(places, shift))
        }
    }

    #[inline(always)]
    fn store(self, v: __m256, to: &mut [f32]) {
        let to = &mut to[..LANES];
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn store_f16(self, v: __m256, to: &mut [f16]) {
        let to = &mut to[..LANES];
        unsafe {
            let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v);
            _mm_storeu_si128(to.as_mut_ptr().cast(), halves);
        }
    }

    #[inline(always)]
    fn store_bf16(self, v: __m256, to: &mut [bf16]) {
        let to = &mut to[..LANES];
        unsafe {
            let bits = _mm256_castps_si256(v);
            let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
            let rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
            let quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x40_0000));
            let nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(v, v));
            let high = _mm256_srli_epi32::<16>(_mm256_blendv_epi8(rounded, quiet, nan));
            let packed = _mm256_permute4x64_epi64::<0b10_00>(_mm256_packus_epi32(high, high));
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm256_castsi256_si128(packed));
        }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_min_ps(a, b) }
    }

    #[inline(always)]
    fn select_less(self, a: __m256, b: __m256, x: __m256, y: __m256) -> __m256 {
        unsafe { _mm256_blendv_ps(y, x, _mm256_cmp_ps::<_CMP_LT_OQ>(a, b)) }
    }

    #[inline(always)]
    fn sum(self, v: __m256) -> f32 {
        unsafe {
            let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
            _mm_cvtss_f32(_mm_add_ss(v, _mm_shuffle_ps::<1>(v, v)))
        }
    }

    #[inline(always)]
    fn sums(self, v: [__m256; 4]) -> [f32; 4] {
        let mut sums = [0.0; 4];
        unsafe {
            let [a, b, c, d] = transpose_quarters(v);
            let v = _mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d));
            let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            _mm_storeu_ps(sums.as_mut_ptr(), v);
        }
        sums
    }

    #[inline(always)]
    fn largest(self, v: __m256) -> f32 {
        unsafe {
            let v = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let v = _mm_max_ps(v, _mm_movehl_ps(v, v));
            _mm_cvtss_f32(_mm_max_ss(v, _mm_shuffle_ps::<1>(v, v)))
        }
    }

    #[inline(always)]
    fn transpose(self, rows: &mut [__m256]) {
        let &mut [a, b, c, d, e, f, g, h] = rows else { panic!("not a square") };
        unsafe {
            let (top, bottom) = (transpose_quarters([a, b, c, d]), transpose_quarters([e, f, g, h]));
            for i in 0..4 {
                rows[i] = _mm256_permute2f128_ps::<0x20>(top[i], bottom[i]);
                rows[i + 4] = _mm256_permute2f128_ps::<0x31>(top[i], bottom[i]);
            }
        }
    }

    #[inline(always)]
    fn permute(self, v: __m256, places: __m256i) -> __m256 {
        unsafe { _mm256_permutevar8x32_ps(v, places) }
    }

    #[inline(always)]
    fn round(self, v: __m256) -> __m256i {
        unsafe { _mm256_cvtps_epi32(v) }
    }

    #[inline(always)]
    fn splat_int(self, x: u32) -> __m256i {
        unsafe { _mm256_set1_epi32(x.cast_signed()) }
    }

    #[inline(always)]
    fn load_words(self, x: &[u32]) -> __m256i {
        let x = &x[..LANES];
        unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
    }

    #[inline(always)]
    fn load_words_padded(self, x: &[u32]) -> __m256i {
        const EDGE: [i32; 2 * LANES] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        let edge = &EDGE[LANES - x.len().min(LANES)..][..LANES];
        unsafe { _mm256_maskload_epi32(x.as_ptr().cast(), _mm256_loadu_si256(edge.as_ptr().cast())) }
    }

    #[inline(always)]
    fn load_bytes(self, x: &[u8]) -> __m256i {
        let x = &x[..LANES];
        unsafe { _mm256_cvtepu8_epi32(_mm_loadu_si64(x.as_ptr())) }
    }

    #[inline(always)]
    fn add_int(self, a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_add_epi32(a, b) }
    }

    #[inline(always)]
    fn and(self, a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_and_si256(a, b) }
    }

    #[inline(always)]
    fn or(self, a: __m256i, b: __m256i) -> __m256i {
        unsafe { _mm256_or_si256(a, b) }
    }

    #[inline(always)]
    fn shr(self, v: __m256i, by: u32) -> __m256i {
        unsafe { _mm256_srl_epi32(v, _mm_cvtsi32_si128(by.cast_signed())) }
    }

    #[inline(always)]
    fn shl(self, v: __m256i, by: u32) -> __m256i {
        unsafe { _mm256_sll_epi32(v, _mm_cvtsi32_si128(by.cast_signed())) }
    }

    #[inline(always)]
    fn shr_each(self, v: __m256i, by: __m256i) -> __m256i {
        unsafe { _mm256_srlv_epi32(v, by) }
    }

    #[inline(always)]
    fn shl_each(self, v: __m256i, by: __m256i) -> __m256i {
        unsafe { _mm256_sllv_epi32(v, by) }
    }

    #[inline(always)]
    fn to_float(self, v: __m256i) -> __m256 {
        unsafe { _mm256_cvtepi32_ps(v) }
    }

    #[inline(always)]
    fn float_of_bits(self, v: __m256i) -> __m256 {
        unsafe { _mm256_castsi256_ps(v) }
    }

    #[inline(always)]
    fn bits_of_float(self, v: __m256) -> __m256i {
        unsafe { _mm256_castps_si256(v) }
    }

    #[inline(always)]
    fn table(self, bytes: &[u8; 16]) -> __m256i {
        unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.as_ptr().cast())) }
    }

    #[inline(always)]
    fn lookup(self, table: __m256i, places: __m256i) -> __m256i {
        unsafe { _mm256_shuffle_epi8(table, places) }
    }
}
