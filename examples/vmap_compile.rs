//! What vectorization and compilation are worth: a loop, `vmap`, `compile`, and both.
//!
//! `cargo run --release -p examples --example vmap_compile -- [runs]`
//!
//! * The gradient of a loss for each example of a batch, which one call of `grad` cannot give: it sums over the batch.
//! * A long formula of elementwise operations, each of which passes over memory unless they are compiled into one.
//!
//! Measure your own: on the CPU a compiled loop calls the C library for functions such as `tanh`, which MLX's own loops
//! compute several at a time, so that compilation can lose there too.

use mlx::transforms::{compile, grad, vmap_axes};
use mlx::{Array, Dtype, Result, eval, nn, random, stack};
use std::time::Instant;

const EXAMPLES: i32 = 256;
const FEATURES: i32 = 64;

/// A weight, an input and its target.
type Example = (Array, Array, Array);

/// The loss of a network of one layer for one example.
fn loss((weight, x, y): &Example) -> Result<Array> {
    (nn::relu(&weight.matmul(x)?)? - y).square()?.sum(..)
}

/// Its gradient by the weight.
fn gradient(example: &Example) -> Result<Array> {
    let (weight, _, _) = grad(loss)(example)?;
    Ok(weight)
}

/// Fifty steps of the logistic map, which is chaotic: 150 operations.
fn logistic_map(x: &Array) -> Result<Array> {
    (0..50).try_fold(x.clone(), |x, _| (&x * 3.9).multiply(1 - &x))
}

/// The median time of some runs in milliseconds, after one that does not count: it compiles.
fn time(runs: usize, run: impl Fn() -> Result<Array>) -> Result<f64> {
    run()?.eval()?;
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        run()?.eval()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Prints the rows of a table: what was run, its time, and how many times faster than the first it is.
fn table(title: &str, rows: &[(&str, f64)]) {
    println!("{title:<34} {:>10} {:>8}", "ms", "speedup");
    for (name, time) in rows {
        println!("  {name:<32} {time:>10.3} {:>7.1}x", rows[0].1 / time);
    }
    println!();
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let runs: usize = std::env::args().nth(1).map_or(Ok(15), |text| text.parse())?;
    let mut keys = random::Keys::new(0)?;
    let mut normal = |shape: &[i32]| random::normal(shape, Dtype::F32, &keys.next_key()?);

    let weight = normal(&[FEATURES, FEATURES])? * 0.1;
    let batch = (weight, normal(&[EXAMPLES, FEATURES])?, normal(&[EXAMPLES, FEATURES])?);
    let (weight, xs, ys) = &batch;
    eval([weight, xs, ys])?;

    let one_by_one = || -> Result<Array> {
        let rows = (0..EXAMPLES).map(|i| gradient(&(weight.clone(), xs.at(i)?, ys.at(i)?)));
        stack(&rows.collect::<Result<Vec<_>>>()?, 0)
    };
    // The weight is the same for all, inputs and targets are taken row by row.
    let at_once = || vmap_axes(gradient, [None, Some(0), Some(0)], 0);
    let (mapped, compiled) = (at_once(), compile(at_once()));

    let apart = (one_by_one()? - mapped(&batch)?).abs()?.max(..)?.item::<f32>()?;
    assert!(apart < 1e-4, "the gradients differ by {apart}");
    let rows = [
        ("a loop", time(runs, one_by_one)?),
        ("vmap", time(runs, || mapped(&batch))?),
        ("vmap, compiled", time(runs, || compiled.call(&batch))?),
    ];
    table(&format!("gradients of {EXAMPLES} examples"), &rows);

    let compiled = compile(logistic_map);
    for elements in [1_000, 1_000_000] {
        let x = normal(&[elements])?.sigmoid()?;
        x.eval()?;
        let rows =
            [("as it is", time(runs, || logistic_map(&x))?), ("compiled", time(runs, || compiled.call(&x))?)];
        table(&format!("logistic map of {elements} numbers"), &rows);
    }
    Ok(())
}
