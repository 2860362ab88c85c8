//! What the host spends on an operation: recording and dropping an addition, cloning and dropping an array, in Rust and
//! in C++, by turns; and the memory of an array that is not evaluated.
//!
//! `cargo bench -p benches`

use benches::CppArray;
use divan::{Bencher, black_box, counter::ItemsCount};
use mlx::{Array, Dtype, ones};
use std::{fs, time::Instant};

/// Additions recorded at once; a chain, as in a model.
const CHAIN: i32 = 500;

fn main() -> mlx::Result<()> {
    divan::main();
    compare();
    report_memory()
}

fn rust_add(one: &Array, count: i32) {
    let mut sum = one.clone();
    for _ in 0..count {
        sum = &sum + one;
    }
    black_box(sum);
}

fn rust_clone(one: &Array, count: i32) {
    for _ in 0..count {
        black_box(one.clone());
    }
}

#[divan::bench_group(sample_count = 500)]
mod add {
    use super::*;

    #[divan::bench]
    fn rust(bencher: Bencher<'_, '_>) {
        let one = ones(&[2], Dtype::F32);
        bencher.counter(ItemsCount::new(CHAIN as usize)).bench_local(|| rust_add(&one, CHAIN));
    }

    #[divan::bench]
    fn cpp(bencher: Bencher<'_, '_>) {
        let one = CppArray::ones();
        bencher.counter(ItemsCount::new(CHAIN as usize)).bench_local(|| one.add(CHAIN));
    }

    #[divan::bench]
    fn cpp_naming_the_stream(bencher: Bencher<'_, '_>) {
        let one = CppArray::ones();
        bencher.counter(ItemsCount::new(CHAIN as usize)).bench_local(|| one.add_on(CHAIN));
    }
}

#[divan::bench_group(sample_count = 500)]
mod clone_and_drop {
    use super::*;

    #[divan::bench]
    fn rust(bencher: Bencher<'_, '_>) {
        let one = ones(&[2], Dtype::F32);
        bencher.counter(ItemsCount::new(CHAIN as usize)).bench_local(|| rust_clone(&one, CHAIN));
    }

    #[divan::bench]
    fn cpp(bencher: Bencher<'_, '_>) {
        let one = CppArray::ones();
        bencher.counter(ItemsCount::new(CHAIN as usize)).bench_local(|| one.clone_and_drop(CHAIN));
    }
}

/// Ratios from rounds that alternate, because a shared machine changes its speed from one second to the next.
fn compare() {
    const ROUNDS: usize = 1000;
    let (rust, cpp) = (ones(&[2], Dtype::F32), CppArray::ones());
    let time = |f: &dyn Fn()| {
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64() * 1e9 / f64::from(CHAIN)
    };
    let [mut ours, mut theirs, mut named, mut clones] = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        ours.push(time(&|| rust_add(&rust, CHAIN)));
        theirs.push(time(&|| cpp.add(CHAIN)));
        named.push(time(&|| cpp.add_on(CHAIN)));
        clones.push(time(&|| rust_clone(&rust, CHAIN)));
    }
    let [ours, theirs, named, clones] = [ours, theirs, named, clones].map(median);
    println!("\nmedians of {ROUNDS} alternating rounds:");
    println!("  add + drop: Rust {ours:.0} ns, C++ {theirs:.0} ns, ratio {:.3}", ours / theirs);
    println!("  add + drop: C++ naming the stream {named:.0} ns, ratio {:.3}", ours / named);
    println!("  clone + drop: Rust {clones:.1} ns");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What an array costs before it is evaluated, by the growth of resident memory (Linux).
fn report_memory() -> mlx::Result<()> {
    const COUNT: usize = 200_000;
    let one = ones(&[2], Dtype::F32);
    one.eval()?;
    let before = resident();
    let held: Vec<Array> = (0..COUNT).map(|_| &one + &one).collect();
    if let (Some(before), Some(after)) = (before, resident()) {
        let bytes = (after - before) as f64 / COUNT as f64;
        println!(
            "  a live array that is not evaluated: {bytes:.0} bytes, its handle of {} included",
            size_of::<Array>()
        );
    }
    black_box(held);
    Ok(())
}

fn resident() -> Option<usize> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
}
