//! What operations cost the host on a GPU, in microseconds each: to record, and to submit. `cargo bench -p benches --bench
//! step_cost`.
//!
//! On a GPU small models wait for the host: a step of 30 layers of 17 operations is submitted anew for each token.

use mlx::{
    Array, Device, Dtype, Result, async_eval, eval,
    fast::{AppendBuffer, Mask, RopeOptions, rms_norm, rope, scaled_dot_product_attention},
    nn::{Quantization, quantize, swiglu},
    random, synchronize,
};
use std::time::Instant;

const CHAIN: usize = 200;
const ROUNDS: usize = 10;

/// Measures a chain of `CHAIN` calls of `step`, each on the result of the one before.
fn measure(name: &str, start: &Array, mut step: impl FnMut(&Array) -> Result<Array>) -> Result<()> {
    let (mut record, mut submit, mut whole) = (f64::MAX, f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let mut x = start.clone();
        for _ in 0..CHAIN {
            x = step(&x)?;
        }
        let recorded = begin.elapsed();
        async_eval([&x])?;
        let submitted = begin.elapsed();
        x.eval()?;
        synchronize()?;
        let per_call = |time: std::time::Duration| time.as_secs_f64() * 1e6 / CHAIN as f64;
        record = record.min(per_call(recorded));
        submit = submit.min(per_call(submitted - recorded));
        whole = whole.min(per_call(begin.elapsed()));
    }
    println!("{name:28} {record:8.2} {submit:8.2} {whole:8.2}");
    Ok(())
}

fn main() -> Result<()> {
    println!(
        "{:?}; microseconds a call\n{:28} {:>8} {:>8} {:>8}",
        Device::default_device()?,
        "",
        "record",
        "submit",
        "all"
    );
    let key = random::key(0)?;
    let normal = |shape: &[i32]| random::normal(shape, Dtype::Bf16, &key);
    let x = normal(&[1, 1, 2048])?;
    let weight = normal(&[2048])?;
    let q4 = quantize(&normal(&[2048, 2048])?, Quantization::affine(64, 4))?;
    let qkv = quantize(&normal(&[3072, 2048])?, Quantization::affine(64, 4))?;
    let up = quantize(&normal(&[16384, 2048])?, Quantization::affine(64, 4))?;
    let down = quantize(&normal(&[2048, 8192])?, Quantization::affine(64, 4))?;
    let heads = normal(&[1, 32, 1, 64])?;
    let kv = normal(&[1, 8, 512, 64])?;
    eval([&x, &weight, &heads, &kv])?;
    eval([
        &q4.weight,
        &q4.scales,
        &qkv.weight,
        &qkv.scales,
        &up.weight,
        &up.scales,
        &down.weight,
        &down.scales,
    ])?;

    measure("add", &x, |x| x.add(x))?;
    measure("slice", &x, |x| x.at((.., .., 0..2048)))?;
    measure("slice and reshape", &x, |x| {
        x.at((.., .., 0..2048))?.reshape([1, -1, 1, 64])?.reshape([1, 1, -1])
    })?;
    measure("rms_norm", &x, |x| rms_norm(x, Some(&weight), 1e-5))?;
    measure("product", &x, |x| q4.project(x))?;
    measure("norm and product", &x, |x| q4.project(&rms_norm(x, Some(&weight), 1e-5)?))?;
    measure("product and sum", &x, |x| Ok(x + q4.project(x)?))?;
    measure("feed-forward", &x, |x| {
        let y = up.project(&rms_norm(x, Some(&weight), 1e-5)?)?;
        let (gate, up) = (y.at((.., .., 0..8192))?, y.at((.., .., 8192..))?);
        Ok(x + down.project(&swiglu(&gate, &up)?)?)
    })?;
    measure("rope", &heads, |x| {
        rope(x, 600, RopeOptions { dims: 64, traditional: false, base: 1e4, scale: 1.0, freqs: None })
    })?;
    measure("attention", &heads, |x| scaled_dot_product_attention(x, &kv, &kv, 0.125, Mask::None))?;
    let long = normal(&[1, 8, 1024, 64])?;
    let row = normal(&[1, 8, 1, 64])?;
    eval([&long, &row])?;
    let attend = |x: &Array, keys: i32| {
        let part = long.at((.., .., 0..keys))?;
        scaled_dot_product_attention(x, &part, &part, 0.125, Mask::None)
    };
    measure("attention over a part", &heads, |x| attend(x, 512))?;
    let mut keys = 0;
    measure("attention over ever more", &heads, |x| {
        keys = keys % 512 + 1;
        attend(x, 511 + keys)
    })?;
    measure("slice_update", &long, |x| x.slice_update(&row, &[0, 0, 700, 0], &[1, 8, 701, 64]))?;
    let mut cache = AppendBuffer::new(2);
    cache.append(&kv)?;
    measure("append", &heads, |_| {
        cache.append(&row)?;
        Ok(cache.memory().cloned().unwrap_or_else(|| row.clone()))
    })?;
    let mut cache = AppendBuffer::new(2);
    cache.append(&kv)?;
    measure("append and attention", &heads, |x| {
        cache.append(&row)?;
        let kv = cache.array()?;
        scaled_dot_product_attention(x, &kv, &kv, 0.125, Mask::None)
    })
}
