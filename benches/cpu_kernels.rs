//! What the CPU kernels make of the machine: matrix products as a share of its arithmetic, products with vectors and
//! attention as a share of its memory bandwidth, both measured in the same run.
//!
//! `cargo bench -p benches --bench cpu_kernels`

use mlx_cpu::{
    Floats, FloatsMut,
    attention::{Attention, Mask, attention},
    bf16,
    gemm::{Matrices, Product, multiply},
    heads::Heads,
    pool,
    quantized::{Encoding, Quantized},
    simd::{Kernel, Level, Simd, dispatch},
};
use std::{hint::black_box, time::Instant};

/// Each is repeated for about so long, and the fastest run counts: other programs only ever slow one down.
const SECONDS: f64 = 0.6;

fn main() {
    let (flops, bandwidth) = (peak_flops(), bandwidth());
    println!("{:?}, {} threads", Level::current(), pool::threads());
    println!("peak      {:7.1} GFLOP/s of fused multiply-adds in f32", flops / 1e9);
    println!("memory    {:7.1} GB/s read", bandwidth / 1e9);
    println!("\n{:<44}{:>12}{:>14}{:>8}", "", "time", "", "share");
    for (m, n, k) in
        [(512, 576, 576), (512, 1536, 576), (512, 576, 1536), (1024, 1024, 1024), (2048, 2048, 2048)]
    {
        let work = 2.0 * (m * n * k) as f64;
        row(&format!("gemm f32 {m}x{k} by {k}x{n}"), gemm(m, n, k), work, "GFLOP/s", flops);
        row(&format!("prefill 4-bit {m}x{k} by {n}x{k}"), quantized(m, n, k, 4, 64), work, "GFLOP/s", flops);
    }
    for (rows, columns) in [(576, 576), (1536, 576), (576, 1536), (49_152, 576), (16_384, 8192)] {
        for (bits, group) in [(4, 64), (4, 32), (8, 64)] {
            let bytes = (rows * columns) as f64 * (bits as f64 / 8.0 + 4.0 / group as f64);
            let name = format!("decode {bits}-bit in groups of {group}, {rows}x{columns}");
            row(&name, quantized(1, rows, columns, bits, group), bytes, "GB/s", bandwidth);
        }
    }
    row("decode bf16 16384x8192", dense_vector(16_384, 8192), (16_384 * 8192 * 2) as f64, "GB/s", bandwidth);
    for keys in [64, 1024, 8192, 32_768] {
        let bytes = (2 * 3 * keys * 64 * 2) as f64;
        row(
            &format!("attention 9 heads on 3x64, {keys} keys, bf16"),
            attend(1, keys),
            bytes,
            "GB/s",
            bandwidth,
        );
    }
    for queries in [512, 2048] {
        let work = 2.0 * 2.0 * 9.0 * 64.0 * (queries * queries) as f64 / 2.0;
        row(
            &format!("causal attention, {queries} queries, bf16"),
            attend(queries, queries),
            work,
            "GFLOP/s",
            flops,
        );
    }
}

fn row(name: &str, seconds: f64, work: f64, unit: &str, peak: f64) {
    let rate = work / seconds;
    let (time, rate, share) = (seconds * 1e6, rate / 1e9, 100.0 * rate / peak);
    println!("{name:<44}{time:>9.1} µs{rate:>8.1} {unit:<8}{share:>5.0} %");
}

/// The seconds of the fastest of many runs.
fn fastest(mut f: impl FnMut()) -> f64 {
    let (begin, mut least) = (Instant::now(), f64::INFINITY);
    while begin.elapsed().as_secs_f64() < SECONDS {
        let start = Instant::now();
        f();
        least = least.min(start.elapsed().as_secs_f64());
    }
    least
}

/// Fused multiply-adds in registers: more chains than the latency of one.
struct Chains(usize);

impl Kernel for Chains {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let (mut sums, factor) = ([s.splat(1.0); 12], s.splat(black_box(0.999)));
        for _ in 0..self.0 {
            for sum in &mut sums {
                *sum = s.fma(*sum, factor, factor);
            }
        }
        sums.into_iter().fold(0.0, |total, sum| total + s.sum(sum))
    }
}

struct Lanes;

impl Kernel for Lanes {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        S::LANES
    }
}

fn peak_flops() -> f64 {
    const ROUNDS: usize = 100_000;
    let threads = pool::threads();
    let seconds = fastest(|| {
        pool::for_each(threads, |_| {
            black_box(dispatch(Chains(ROUNDS)));
        });
    });
    (threads * ROUNDS * 12 * 2 * dispatch(Lanes)) as f64 / seconds
}

/// A sum that waits for nothing but memory: from four places at once, as one does not keep it busy.
struct Sum<'a>(&'a [f32]);

impl Kernel for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let (low, high) = self.0.split_at(self.0.len() / 2);
        let ((a, b), (c, d)) = (low.split_at(low.len() / 2), high.split_at(high.len() / 2));
        let mut sums = [s.splat(0.0); 4];
        let halves = a.chunks_exact(S::LANES).zip(b.chunks_exact(S::LANES));
        for ((a, b), (c, d)) in halves.zip(c.chunks_exact(S::LANES).zip(d.chunks_exact(S::LANES))) {
            sums[0] = s.add(sums[0], s.load(a));
            sums[1] = s.add(sums[1], s.load(b));
            sums[2] = s.add(sums[2], s.load(c));
            sums[3] = s.add(sums[3], s.load(d));
        }
        sums.into_iter().fold(0.0, |total, sum| total + s.sum(sum))
    }
}

fn bandwidth() -> f64 {
    let numbers = vec![1.0f32; 1 << 26];
    let parts: Vec<&[f32]> = numbers.chunks(1 << 16).collect();
    let seconds = fastest(|| {
        pool::for_each(parts.len(), |i| {
            black_box(dispatch(Sum(parts[i])));
        });
    });
    (numbers.len() * 4) as f64 / seconds
}

/// Numbers between -1 and 1 that look random.
fn noise(count: usize) -> Vec<f32> {
    (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

fn halves(count: usize) -> Vec<bf16> {
    noise(count).into_iter().map(bf16::from_f32).collect()
}

fn gemm(m: usize, n: usize, k: usize) -> f64 {
    let (a, b, mut out) = (noise(m * k), noise(n * k), vec![0.0; m * n]);
    let (a, b) = (Matrices::dense(Floats::F32(&a), k), Matrices::dense(Floats::F32(&b), n));
    fastest(|| multiply(&Product { m, n, k, a, b, alpha: 1.0, addend: None }, FloatsMut::F32(&mut out)))
}

fn quantized(m: usize, rows: usize, columns: usize, bits: usize, group_size: usize) -> f64 {
    let words: Vec<u32> =
        (0..(rows * columns * bits / 32) as u32).map(|i| i.wrapping_mul(2_654_435_761)).collect();
    let (scales, biases) = (halves(rows * columns / group_size), halves(rows * columns / group_size));
    let (scales, biases) = (Floats::Bf16(&scales), Floats::Bf16(&biases));
    let matrix = Quantized::new(rows, columns, &words, Encoding::Affine { bits, group_size, scales, biases });
    let (x, mut out) = (halves(m * columns), halves(m * rows));
    fastest(|| matrix.project(Floats::Bf16(&x), m, FloatsMut::Bf16(&mut out)))
}

fn dense_vector(rows: usize, columns: usize) -> f64 {
    let (x, w, mut out) = (halves(columns), halves(rows * columns), halves(rows));
    let a = Matrices::dense(Floats::Bf16(&x), columns);
    let b = Matrices::dense(Floats::Bf16(&w), columns).transposed();
    let product = Product { m: 1, n: rows, k: columns, a, b, alpha: 1.0, addend: None };
    fastest(|| multiply(&product, FloatsMut::Bf16(&mut out)))
}

/// Nine heads that share three of keys and values, as in a small model.
fn attend(queries: usize, keys: usize) -> f64 {
    const DIM: usize = 64;
    let (q, k, v) = (halves(9 * queries * DIM), halves(3 * keys * DIM), halves(3 * keys * DIM));
    let heads = |x, length| Heads { values: Floats::Bf16(x), strides: [0, length * DIM, DIM] };
    let arguments = Attention {
        batch: 1,
        heads: 9,
        kv_heads: 3,
        queries,
        keys,
        dim: DIM,
        value_dim: DIM,
        q: heads(&q, queries),
        k: heads(&k, keys),
        v: heads(&v, keys),
        scale: 0.125,
        mask: Mask::Causal,
        sinks: None,
    };
    let mut out = halves(9 * queries * DIM);
    fastest(|| attention(&arguments, FloatsMut::Bf16(&mut out)))
}
