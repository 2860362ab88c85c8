//! Every operation against Python's: values, dtypes, shapes, refusals and gradients, by the cases of
//! `xtask/golden/ops.py`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod arrays;
mod compare;
mod coverage;
mod differences;
mod golden;
mod gradients;
mod linear;
mod numbers;

use compare::difference;
use differences::Reason;
use golden::{Args, Case, Given, Golden};
use mlx::{Array, Device, Result, Stream, eval, kernels::cpu_kernels_enabled, with_stream};
use std::collections::BTreeSet;

/// An operation of the safe API, by Python's name and with Python's arguments.
type Op = fn(&[Array], &Args<'_>) -> Result<Vec<Array>>;

#[rustfmt::skip]
const TABLES: &[&[(&str, Op)]] = &[
    numbers::UNARY, numbers::BINARY, numbers::CHOICES, numbers::REDUCTIONS, numbers::MORE_REDUCTIONS, numbers::SCANS,
    numbers::ORDER,
    arrays::SHAPES, arrays::JOINTS, arrays::LAYOUTS, arrays::CREATION, arrays::DIAGONALS, arrays::INDEXING,
    arrays::SCATTERS, arrays::UPDATES,
    linear::PRODUCTS, linear::CONVOLUTIONS, linear::TRANSPOSED, linear::CONVOLVE, linear::QUANTIZED, linear::LINALG,
    linear::TRANSFORMS, linear::FOURIER, linear::RANDOM, linear::FUSED,
];

fn find(name: &str) -> Option<Op> {
    TABLES.iter().copied().flatten().find(|(op, _)| *op == name).map(|(_, op)| *op)
}

fn one(result: Result<Array>) -> Result<Vec<Array>> {
    Ok(vec![result?])
}

fn pair(result: Result<(Array, Array)>) -> Result<Vec<Array>> {
    let (first, second) = result?;
    Ok(vec![first, second])
}

/// Python's goldens were computed on the CPU.
fn on_the_cpu(test: impl FnOnce()) {
    with_stream(&Stream::default_of(Device::Cpu).unwrap(), test);
}

fn report(mismatches: &[String], count: usize) {
    let shown = mismatches.join("\n");
    assert!(mismatches.is_empty(), "{} of {count} cases are not as in Python:\n{shown}", mismatches.len());
}

/// The evaluated outputs of a case.
fn computed(golden: &Golden, case: &Case, op: Op) -> Result<Vec<Array>> {
    let args = golden.args(case);
    let outputs = op(&golden.inputs(case), &args)?;
    eval(&outputs)?;
    // What the table need not ask for: `quantize_scaled` has one format.
    assert!(
        args.has("global_scale") || args.unused().is_empty(),
        "{}: the table ignores {:?}",
        case.name,
        args.unused()
    );
    Ok(outputs)
}

/// Where operations are compared.
struct Comparison {
    /// What numbers may be off by, in units of what they may be on the CPU.
    slack: f64,
    reasons: Vec<Reason>,
    excused: BTreeSet<&'static str>,
}

impl Comparison {
    fn new(slack: f64, reasons: Vec<Reason>) -> Comparison {
        Comparison { slack, reasons, excused: BTreeSet::new() }
    }

    /// What is wrong with a case, if anything.
    fn mismatch(&mut self, golden: &Golden, case: &Case) -> Option<String> {
        let Some(op) = find(&case.op) else {
            return Some(format!("{} is not in the tables", case.op));
        };
        let text = match (computed(golden, case, op), golden.outputs(case)) {
            (Err(_), None) => return None,
            (Ok(found), Some(expected)) => difference(&found, &expected, self.slack)?,
            (Ok(found), None) => format!("Python raises, this gives {found:?}"),
            (Err(error), Some(_)) => error.to_string(),
        };
        if let Some(reason) = differences::reason(&self.reasons, case) {
            self.excused.insert(reason);
            return None;
        }
        Some(format!("{}: {text}\n    {}", case.name, case.text))
    }

    /// Compares these cases, of which some differ for each of the needed reasons.
    fn run<'a>(mut self, golden: &Golden, cases: impl Iterator<Item = &'a Case>, needed: &[Reason]) {
        let mut count = 0;
        let wrong: Vec<_> =
            cases.inspect(|_| count += 1).filter_map(|case| self.mismatch(golden, case)).collect();
        report(&wrong, count);
        let idle: Vec<_> = needed.iter().filter(|(.., why)| !self.excused.contains(why)).collect();
        assert!(idle.is_empty(), "no case differs for these reasons: {idle:#?}");
    }
}

#[test]
fn operations_give_what_python_gives() {
    on_the_cpu(|| {
        let golden = Golden::load();
        let of_kernels = if cpu_kernels_enabled() { differences::OF_CPU_KERNELS } else { &[] };
        let reasons = [differences::REASONS, of_kernels].concat();
        Comparison::new(1.0, reasons.clone()).run(&golden, golden.cases.iter(), &reasons);
    });
}

/// GPUs have no `float64`, add up in another order, and have functions of their own.
#[test]
fn operations_on_a_gpu_give_what_python_gives_on_a_cpu() {
    if !Device::Gpu.is_available().unwrap() {
        return;
    }
    let golden = Golden::load();
    let reasons = [differences::REASONS, differences::OF_CPU_KERNELS, differences::ON_A_GPU].concat();
    let cases =
        golden.cases.iter().filter(|case| !["f64", "float64"].iter().any(|name| case.text.contains(name)));
    Comparison::new(16.0, reasons).run(&golden, cases, differences::ON_A_GPU);
}
