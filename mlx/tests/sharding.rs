//! Modules spread over processes compute what whole ones do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod processes;

use mlx::{
    Array, Dtype, Module, Param, Parameters, Result,
    distributed::{Backend, Group},
    nn::{
        self, AllToShardedLinear, FullySharded, Linear, Quantization, Segments, Shard, ShardedToAllLinear,
        all_to_sharded, average_gradients, average_gradients_sized, clip_grad_norm_sharded,
        dequantize_layers, quantize_layers, shard_inplace, sharded_to_all,
    },
    ones,
    optimizers::{Optimizer, Sgd, clip_grad_norm},
    random, stack,
    transforms::grad,
};
use processes::{CASE, CONNECTED, ring};
use std::env;

#[test]
fn two_processes_share_layers() {
    ring("layers", 2);
}

#[test]
fn two_processes_share_quantized_layers() {
    ring("quantized", 2);
}

#[test]
fn two_processes_average_gradients() {
    ring("gradients", 2);
}

#[test]
fn two_processes_keep_halves() {
    ring("halves", 2);
}

/// What the children run; passes at once in the parent.
#[test]
fn child() {
    let Ok(case) = env::var(CASE) else { return };
    let group = Group::init(Backend::Ring).unwrap();
    println!("{CONNECTED}");
    match case.as_str() {
        "layers" => layers(&group),
        "quantized" => quantized_layers(&group),
        "gradients" => gradients(&group),
        "halves" => halves(&group),
        _ => panic!("no case {case}"),
    }
    .unwrap();
}

#[test]
fn a_process_alone_has_it_all() {
    let group = Group::init(Backend::Any).unwrap();
    layers(&group).unwrap();
    quantized_layers(&group).unwrap();
    gradients(&group).unwrap();
    halves(&group).unwrap();
}

fn normal(shape: &[i32], seed: u64) -> Result<Array> {
    random::normal(shape, Dtype::F32, &random::key(seed)?)
}

#[track_caller]
fn assert_close(what: &str, found: &Array, expected: &Array) {
    assert_eq!(found.shape().unwrap(), expected.shape().unwrap(), "{what}");
    let error = (found - expected).abs().unwrap().astype(Dtype::F32).unwrap();
    let error = if error.size().unwrap() == 0 { 0.0 } else { error.max(..).unwrap().item::<f32>().unwrap() };
    assert!(error < 1e-4, "{what} differs by {error}");
}

/// This process's part of an axis.
fn own(x: &Array, axis: i32, group: &Group) -> Array {
    x.split(group.size(), axis).unwrap().swap_remove(group.rank() as usize)
}

#[derive(Clone, Module)]
struct Perceptron<U, D> {
    up: U,
    down: D,
}

type Whole = Perceptron<Linear, Linear>;
type Shared = Perceptron<AllToShardedLinear, ShardedToAllLinear>;

fn whole(inputs: i32, hidden: i32) -> Result<Whole> {
    let up = Linear::new(inputs, hidden).with_bias(true).init(&random::key(0)?)?;
    Ok(Perceptron { up, down: Linear::new(hidden, inputs).with_bias(true).init(&random::key(1)?)? })
}

fn shared(whole: &Whole, group: &Group) -> Result<Shared> {
    Ok(Perceptron {
        up: AllToShardedLinear::from_linear(&whole.up, 1, group)?,
        down: ShardedToAllLinear::from_linear(&whole.down, 1, group)?,
    })
}

impl Whole {
    fn forward(&self, x: &Array) -> Result<Array> {
        self.down.forward(&self.up.forward(x)?.tanh()?)
    }
}

impl Shared {
    fn forward(&self, x: &Array) -> Result<Array> {
        self.down.forward(&self.up.forward(x)?.tanh()?)
    }
}

fn layers(group: &Group) -> Result<()> {
    let mut whole = whole(6, 8)?;
    whole.freeze(|path| path == "up.bias");
    let mut shared = shared(&whole, group)?;
    let x = normal(&[3, 6], 2)?;
    assert_close("y", &shared.forward(&x)?, &whole.forward(&x)?);
    let of_x = grad(|x: &Array| shared.forward(x)?.square()?.sum(..))(&x)?;
    assert_close("x", &of_x, &grad(|x: &Array| whole.forward(x)?.square()?.sum(..))(&x)?);
    let (_, found) = nn::value_and_grad(&mut shared, |model| model.forward(&x)?.square()?.sum(..))?;
    let (_, expected) = nn::value_and_grad(&mut whole, |model| model.forward(&x)?.square()?.sum(..))?;
    assert_eq!(found.keys().collect::<Vec<_>>(), ["down.bias", "down.weight", "up.weight"]);
    assert_close("up.weight", &found["up.weight"], &own(&expected["up.weight"], 0, group));
    assert_close("down.weight", &found["down.weight"], &own(&expected["down.weight"], 1, group));
    assert_close("down.bias", &found["down.bias"], &expected["down.bias"]);
    fused_parts(group)?;
    drawn(group)?;
    refusals(group)
}

/// Of a projection to several things each process has a part of each.
fn fused_parts(group: &Group) -> Result<()> {
    let fused = Linear::new(4, 24).with_bias(true).init(&random::key(3)?)?;
    let x = normal(&[2, 4], 4)?;
    let y = fused.forward(&x)?;
    for (segments, cuts) in [
        (Segments::from(3), vec![8, 16]),
        (Segments::from([4, 16]), vec![4, 16]),
        (Segments::from([1.0 / 6.0, 2.0 / 3.0]), vec![4, 16]),
    ] {
        let layer = AllToShardedLinear::from_linear(&fused, segments.clone(), group)?;
        let parts: Vec<Array> = y.split_at(&cuts, -1)?.iter().map(|part| own(part, -1, group)).collect();
        let expected = mlx::concatenate(&parts.iter().collect::<Vec<_>>(), -1)?;
        assert_close("parts", &layer.forward(&x)?, &expected);
        let mut inplace = fused.clone();
        let sharding =
            |path: &str, array: &Array| Some(all_to_sharded(path, array)?.segments(segments.clone()));
        shard_inplace(&mut inplace, sharding, group)?;
        assert_close("in place", &inplace.forward(&x)?, &expected);
        // Back from these parts.
        let back = Linear::new(24, 4).with_bias(true).init(&random::key(5)?)?;
        let layer = ShardedToAllLinear::from_linear(&back, segments, group)?;
        assert_close("back", &layer.forward(&expected)?, &back.forward(&y)?);
    }
    let mut inplace = Linear::new(4, 2).with_bias(true);
    shard_inplace(&mut inplace, sharded_to_all, group)?;
    assert_eq!(inplace.parameters()["weight"].shape()?, [2, 4 / group.size()]);
    assert_eq!(inplace.parameters()["bias"].shape()?, [2]);
    Ok(())
}

fn drawn(group: &Group) -> Result<()> {
    let key = random::key(0)?;
    let up = AllToShardedLinear::new(4, 8, group).with_bias(true).init(&key)?.parameters();
    let down = ShardedToAllLinear::new(8, 4, group).with_bias(true).init(&key)?.parameters();
    assert_eq!(up["weight"].shape()?, [8 / group.size(), 4]);
    assert_eq!(down["weight"].shape()?, [4, 8 / group.size()]);
    assert!(up["weight"].abs()?.max(..)?.item::<f32>()? <= 0.5);
    assert!(down["weight"].abs()?.max(..)?.item::<f32>()? <= 8f32.sqrt().recip());
    let same = |x: &Array| -> Result<bool> {
        let all = group.all_gather(&x.reshape([1, -1])?)?;
        all.equal(&x.reshape([1, -1])?)?.all(..)?.item()
    };
    let alone = group.size() == 1;
    assert_eq!([same(&up["weight"])?, same(&up["bias"])?, same(&down["weight"])?], [alone; 3]);
    assert!(same(&down["bias"])?);
    Ok(())
}

fn refusals(group: &Group) -> Result<()> {
    let linear = Linear::new(4, 8);
    for segments in [
        Segments::Equal(0),
        Segments::Equal(3),
        Segments::Equal(i32::MIN),
        Segments::from([5, 2]),
        Segments::from([-1]),
        Segments::from([9]),
        Segments::from([f64::NAN]),
        Segments::from([1.5]),
        Segments::from([f64::NEG_INFINITY]),
    ] {
        let error = AllToShardedLinear::from_linear(&linear, segments, group).unwrap_err();
        assert!(error.message().contains("an axis of 8 cannot be cut"), "{error}");
    }
    for axis in [2, -3, i32::MIN, i32::MAX] {
        assert!(shard_inplace(&mut linear.clone(), |_, _| Some(Shard::axis(axis)), group).is_err());
    }
    assert!(FullySharded::new(vec![Param::new(Array::scalar(1.0f32))], group).is_err());
    if group.size() > 1 {
        let odd = Linear::new(3, 5);
        let x = ones(&[3], Dtype::F32);
        assert!(AllToShardedLinear::from_linear(&odd, 1, group).is_err());
        assert!(AllToShardedLinear::from_linear(&Linear::new(4, 6), 2, group).is_err());
        assert!(ShardedToAllLinear::from_linear(&odd, 1, group).is_err());
        assert!(AllToShardedLinear::new(3, 5, group).with_bias(true).forward(&x).is_err());
        assert!(ShardedToAllLinear::new(3, 5, group).init(&random::key(0)?).is_err());
        let error = FullySharded::new(odd, group).unwrap_err();
        assert_eq!(error.message(), "axis 0 of `weight` [5, 3] cannot be shared by 2 processes");
        // One group of quantized numbers cannot be shared.
        let mut quantized = Linear::new(64, 4);
        quantize_layers(&mut quantized, |_, _| Some(Quantization::affine(64, 4)))?;
        assert!(ShardedToAllLinear::from_linear(&quantized, 1, group).is_err());
    }
    Ok(())
}

fn quantized_layers(group: &Group) -> Result<()> {
    let mut quantized = whole(64, 128)?;
    quantize_layers(&mut quantized, |_, _| Some(Quantization::affine(32, 4)))?;
    let shared = shared(&quantized, group)?;
    let held: Vec<_> = shared.up.parameters().into_keys().collect();
    assert_eq!(held, ["bias", "biases", "scales", "weight"]);
    let mut dense = quantized.clone();
    dequantize_layers(&mut dense, |_| true)?;
    let x = normal(&[3, 64], 2)?;
    assert_close("y", &shared.forward(&x)?, &dense.forward(&x)?);
    let of_x = grad(|x: &Array| shared.forward(x)?.square()?.sum(..))(&x)?;
    assert_close("x", &of_x, &grad(|x: &Array| dense.forward(x)?.square()?.sum(..))(&x)?);
    Ok(())
}

/// What the process `rank` has; every process can compute what the others have.
fn part(rank: i32) -> Result<Parameters> {
    let seed = rank as u64 * 10;
    Ok(Parameters::from([
        ("a".to_owned(), normal(&[3, 4], seed)?),
        ("b".to_owned(), normal(&[], seed + 1)?),
        ("c".to_owned(), normal(&[0, 2], seed + 2)?),
        ("d".to_owned(), normal(&[5], seed + 3)?.astype(Dtype::F16)?),
        ("e".to_owned(), normal(&[2, 2], seed + 4)?),
        ("f".to_owned(), normal(&[70], seed + 5)?),
    ]))
}

fn gradients(group: &Group) -> Result<()> {
    let all: Vec<Parameters> = (0..group.size()).map(part).collect::<Result<_>>()?;
    let mine = &all[group.rank() as usize];
    for size in [0, 1, 20, 100, usize::MAX] {
        let averaged = average_gradients_sized(mine, size, group)?;
        assert_eq!(averaged.keys().collect::<Vec<_>>(), mine.keys().collect::<Vec<_>>());
        for (path, found) in &averaged {
            let of_all: Vec<&Array> = all.iter().map(|gradients| &gradients[path]).collect();
            assert_eq!(found.dtype()?, mine[path].dtype()?);
            let tolerant = found.astype(Dtype::F32)?;
            let expected = stack(&of_all, 0)?.mean(0)?.astype(Dtype::F32)?;
            let rounding = if found.dtype()? == Dtype::F16 { 0.05 } else { 1.0 };
            assert_close(path, &(tolerant * rounding), &(expected * rounding));
        }
    }
    assert_eq!(average_gradients(mine, group)?.len(), 6);
    assert!(average_gradients(&Parameters::new(), group)?.is_empty());
    // Every process has a part of the whole, whose norm counts.
    let whole = Parameters::from([("w".to_owned(), normal(&[8, 3], 1)?)]);
    let share = Parameters::from([("w".to_owned(), own(&whole["w"], 0, group))]);
    for most in [0.5, 100.0] {
        let (clipped, norm) = clip_grad_norm_sharded(&share, most, group)?;
        let (expected, of_whole) = clip_grad_norm(&whole, most)?;
        assert_close("norm", &norm, &of_whole);
        assert_close("clipped", &clipped["w"], &own(&expected["w"], 0, group));
    }
    for bad in [-1.0, f64::NAN] {
        let error = clip_grad_norm_sharded(&share, bad, group).unwrap_err();
        assert_eq!(error.op(), "clip_grad_norm_sharded");
    }
    Ok(())
}

/// A module with one inside that is shared out by itself.
#[derive(Module)]
struct Outer {
    inner: FullySharded<Linear>,
    scale: Param,
    table: Array,
}

impl Outer {
    fn forward(&self, x: &Array) -> Result<Array> {
        let y = self.inner.with_whole(|inner| inner.forward(x))?;
        (y * self.scale.value()).add(&self.table)
    }
}

/// Training with halves is training by the mean of all processes' gradients.
fn halves(group: &Group) -> Result<()> {
    let whole_inner = Linear::new(3, 4).with_bias(true).init(&random::key(0)?)?;
    let (scale, table) = (normal(&[4], 1)?, normal(&[4], 2)?);
    let inner = FullySharded::new(whole_inner.clone(), group)?;
    let outer = Outer { inner, scale: scale.clone().into(), table: table.clone() };
    let mut model = FullySharded::new(outer, group)?;
    let share = 4 / group.size();
    for (path, array) in model.parameters() {
        let first = if path == "module.table" { 4 } else { share };
        assert_eq!(array.shape()?[0], first, "{path}");
    }
    let xs: Vec<Array> =
        (0..group.size()).map(|rank| normal(&[5, 3], 10 + rank as u64)).collect::<Result<_>>()?;
    let mine = &xs[group.rank() as usize];
    let mut optimizer = Optimizer::new(Sgd::new().with_momentum(0.9), 0.1)?;
    for _ in 0..3 {
        let loss =
            |model: &FullySharded<Outer>| model.with_whole(|outer| outer.forward(mine)?.square()?.mean(..));
        let (_, gradients) = nn::value_and_grad(&mut model, loss)?;
        optimizer.update(&mut model, &gradients)?;
        mlx::eval(model.parameters().values())?;
    }
    // The same with all data in one process.
    let mut expected = (whole_inner, Param::new(scale));
    let mut optimizer = Optimizer::new(Sgd::new().with_momentum(0.9), 0.1)?;
    let all = mlx::concatenate(&xs.iter().collect::<Vec<_>>(), 0)?;
    for _ in 0..3 {
        let loss = |(inner, scale): &(Linear, Param)| {
            (inner.forward(&all)? * scale.value()).add(&table)?.square()?.mean(..)
        };
        let (_, gradients) = nn::value_and_grad(&mut expected, loss)?;
        optimizer.update(&mut expected, &gradients)?;
    }
    let (found, expected) = (model.parameters(), expected.parameters());
    for (path, whole) in
        [("inner.module.weight", "0.weight"), ("inner.module.bias", "0.bias"), ("scale", "1")]
    {
        assert_close(path, &found[&format!("module.{path}")], &own(&expected[whole], 0, group));
    }
    whole_only_while_used(&model, group)
}

fn whole_only_while_used(model: &FullySharded<Outer>, group: &Group) -> Result<()> {
    let shapes = |outer: &Outer| outer.parameters()["scale"].shape().map(<[i32]>::to_vec);
    assert_eq!(model.with_whole(shapes)?, [4]);
    let failed: Result<()> = model.with_whole(|_| Err(Array::scalar(1).dims::<3>().unwrap_err()));
    assert_eq!(failed.unwrap_err().op(), "dims");
    assert_eq!(model.parameters()["module.scale"].shape()?, [4 / group.size()], "after an error too");
    let again = model.with_whole(|_| model.with_whole(|_| Ok(()))).unwrap_err();
    assert!(again.message().contains("whole already"), "{again}");
    assert_eq!(FullySharded::new((), group)?.with_whole(|()| Ok(3))?, 3);
    let half = FullySharded::new(Linear::new(3, 4).init(&random::key(0)?)?, group)?;
    let half = half.with_compute_dtype(Dtype::F16);
    let weights = half.with_whole(|linear| Ok(linear.parameters()))?;
    assert_eq!((weights["weight"].dtype()?, weights["weight"].shape()?), (Dtype::F16, &[4, 3][..]));
    assert_eq!(half.parameters()["module.weight"].dtype()?, Dtype::F32);
    Ok(())
}
