//! This crate's CPU kernels: transforms of operations that are one here and many in MLX, and kernels that take the place
//! of every operation of a kind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{
    Array, Device, Dtype, Module, Path, Result, SlotMut, Stream,
    fast::{self, Mask, RopeOptions},
    graph::print_graph,
    kernels::{
        CpuKernel, Layout, View, ViewMut, cpu_kernels_enabled, primitive_name, replace_cpu_everywhere,
    },
    nn, random,
    transforms::{compile, grad, jvp, vmap, vmap_axes},
    with_stream,
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

type Function = fn(&[Array]) -> Result<Array>;

/// A fused operation, the same of plain ones, and the shapes of its inputs, the first of which is mapped along its first
/// axis.
struct Case {
    name: &'static str,
    primitive: &'static str,
    fused: Function,
    plain: Function,
    shapes: &'static [&'static [i32]],
    /// Whether MLX vectorizes the operation.
    vmap: bool,
}

const CASES: [Case; 11] = [
    Case {
        name: "rms_norm",
        primitive: "RMSNorm",
        fused: |x| fast::rms_norm(&x[0], Some(&x[1]), 1e-5),
        plain: |x| {
            let scale = (x[0].square()?.mean(mlx::axes(-1).keep())? + 1e-5).rsqrt()?;
            x[0].multiply(scale)?.multiply(&x[1])
        },
        shapes: &[&[3, 4, 20], &[20]],
        vmap: true,
    },
    Case {
        name: "layer_norm",
        primitive: "LayerNorm",
        fused: |x| fast::layer_norm(&x[0], Some(&x[1]), Some(&x[2]), 1e-5),
        plain: |x| {
            let centered = x[0].subtract(x[0].mean(mlx::axes(-1).keep())?)?;
            let scale = (centered.square()?.mean(mlx::axes(-1).keep())? + 1e-5).rsqrt()?;
            centered.multiply(scale)?.multiply(&x[1])?.add(&x[2])
        },
        shapes: &[&[3, 2, 20], &[20], &[20]],
        vmap: true,
    },
    Case {
        name: "rope",
        primitive: "RoPE",
        fused: |x| {
            let options = RopeOptions { dims: 4, traditional: false, base: 100.0, scale: 1.0, freqs: None };
            fast::rope(&x[0], 2, options)
        },
        plain: |x| {
            let angles = (mlx::arange(2.0, 7.0, 1.0, Dtype::F32)?.reshape([5, 1])?)
                .multiply(Array::from_slice(&[1.0f32, 0.1], &[2]))?;
            let (cos, sin) = (angles.cos()?, angles.sin()?);
            let (a, b) = (x[0].at((mlx::Rest, 0..2))?, x[0].at((mlx::Rest, 2..4))?);
            mlx::concatenate(
                &[a.multiply(&cos)? - b.multiply(&sin)?, a.multiply(&sin)? + b.multiply(&cos)?],
                -1,
            )
        },
        shapes: &[&[2, 3, 5, 4]],
        vmap: true,
    },
    Case {
        name: "attention",
        primitive: "ScaledDotProductAttention",
        fused: |x| fast::scaled_dot_product_attention(&x[0], &x[1], &x[2], 0.5, Mask::Causal),
        plain: |x| {
            let scores = x[0].multiply(0.5)?.matmul(&x[1].swapaxes(-1, -2)?)?;
            let hidden = mlx::ones(&[3, 6], Dtype::F32).tril(3)?.equal(0.0)?;
            hidden.where_(f32::NEG_INFINITY, &scores)?.softmax(-1)?.matmul(&x[2])
        },
        shapes: &[&[2, 2, 3, 8], &[2, 2, 6, 8], &[2, 2, 6, 5]],
        vmap: true,
    },
    Case {
        name: "attention with a mask",
        primitive: "ScaledDotProductAttention",
        fused: |x| fast::scaled_dot_product_attention(&x[0], &x[1], &x[2], 0.5, Mask::Array(&x[3])),
        plain: |x| {
            let scores = x[0].multiply(0.5)?.matmul(&x[1].swapaxes(-1, -2)?)?;
            scores.add(&x[3])?.softmax(-1)?.matmul(&x[2])
        },
        shapes: &[&[2, 2, 3, 8], &[2, 2, 6, 8], &[2, 2, 6, 8], &[3, 6]],
        vmap: true,
    },
    Case {
        name: "swiglu",
        primitive: "SwiGLU",
        fused: |x| nn::swiglu(&x[0], &x[1]),
        plain: |x| x[0].multiply(x[0].sigmoid()?)?.multiply(&x[1]),
        shapes: &[&[3, 7], &[3, 7]],
        vmap: true,
    },
    Case {
        name: "packed products behind a norm",
        primitive: "QuantizedMatmul",
        fused: |x| {
            let [a, b] = packed(true)?.forward(&fast::rms_norm(&x[0], Some(&x[1]), 1e-5)?)?;
            if cpu_kernels_enabled() {
                assert_eq!(primitive_name(&a)?, primitive_name(&b)?);
            }
            // The second alone: of several outputs, transforms may need some.
            Ok(b)
        },
        plain: |x| Ok(packed(false)?.forward(&fast::rms_norm(&x[0], Some(&x[1]), 1e-5)?)?[1].clone()),
        shapes: &[&[3, 2, 64], &[64]],
        vmap: false,
    },
    Case {
        name: "gated packed products behind a norm",
        primitive: "QuantizedMatmul",
        fused: |x| {
            let [gate, up] = packed(true)?.forward(&fast::rms_norm(&x[0], Some(&x[1]), 1e-5)?)?;
            nn::swiglu(&gate, &up)
        },
        plain: |x| {
            let [gate, up] = packed(false)?.forward(&fast::rms_norm(&x[0], Some(&x[1]), 1e-5)?)?;
            gate.multiply(gate.sigmoid()?)?.multiply(&up)
        },
        shapes: &[&[3, 2, 64], &[64]],
        vmap: false,
    },
    Case {
        name: "a product of reshaped vectors added to a stream",
        primitive: "QuantizedMatmul",
        fused: |x| x[1].add(project(&x[0].reshape([3, 2, 64])?, true)?),
        plain: |x| x[1].add(project(&x[0].reshape([3, 2, 64])?, false)?),
        shapes: &[&[3, 4, 2, 16], &[3, 2, 20]],
        vmap: false,
    },
    Case {
        name: "a product behind a norm and before a stream",
        primitive: "QuantizedMatmul",
        fused: |x| project(&fast::rms_norm(&x[0], Some(&x[1]), 1e-5)?, true)?.add(&x[2]),
        plain: |x| project(&fast::rms_norm(&x[0], Some(&x[1]), 1e-5)?, false)?.add(&x[2]),
        shapes: &[&[3, 2, 64], &[64], &[3, 2, 20]],
        vmap: false,
    },
    Case {
        name: "a feed-forward layer behind a norm and before a stream",
        primitive: "QuantizedMatmul",
        fused: |x| {
            let [gate, up] = packed(true)?.forward(&fast::rms_norm(&x[0], Some(&x[1]), 1e-5)?)?;
            let sum = x[2].add(project(&nn::swiglu(&gate, &up)?, true)?)?;
            if cpu_kernels_enabled() {
                assert_eq!(print_graph([&sum])?.matches("QuantizedMatmul").count(), 1);
            }
            Ok(sum)
        },
        plain: |x| {
            let [gate, up] = packed(false)?.forward(&fast::rms_norm(&x[0], Some(&x[1]), 1e-5)?)?;
            x[2].add(project(&gate.multiply(gate.sigmoid()?)?.multiply(&up)?, false)?)
        },
        shapes: &[&[3, 2, 64], &[64], &[3, 2, 20]],
        vmap: false,
    },
];

/// `x` times one matrix, quantized or as the same numbers.
fn project(x: &Array, quantized: bool) -> Result<Array> {
    let weight = random::normal(&[20, 64], Dtype::F32, &random::key(1)?)?;
    let matrix = nn::quantize(&weight, nn::Quantization::affine(32, 4))?;
    if quantized { matrix.project(x) } else { x.matmul(&matrix.dequantize()?.t()?) }
}

/// Two layers of the same input, quantized or as the same numbers.
fn packed(quantized: bool) -> Result<nn::PackedLinear<2>> {
    let mut layers = nn::PackedLinear::new(64, [("gate", 64), ("up", 64)]);
    let mut seed = 0;
    layers.visit_mut(&mut Path::default(), &mut |_, slot| {
        if let SlotMut::Param(param) = slot {
            seed += 1;
            let shape = param.shape().unwrap().to_vec();
            *param.value_mut() = random::normal(&shape, Dtype::F32, &random::key(seed).unwrap()).unwrap();
        }
    });
    nn::quantize_layers(&mut layers, |_, _| Some(nn::Quantization::affine(32, 4)))?;
    if !quantized {
        nn::dequantize_layers(&mut layers, |_| true)?;
    }
    Ok(layers)
}

#[test]
fn halves_in_another_order_are_not_taken_for_gate_and_up() -> Result<()> {
    let (layers, plain) = (packed(true)?, packed(false)?);
    let x = random::normal(&[1, 64], Dtype::F32, &random::key(9)?)?;
    let other = random::normal(&[1, 64], Dtype::F32, &random::key(10)?)?;
    let pairs = |layers: &nn::PackedLinear<2>| -> Result<Vec<Array>> {
        let ([gate, up], [gate_of_other, up_of_other]) = (layers.forward(&x)?, layers.forward(&other)?);
        let pairs = [(&up, &gate), (&gate, &gate), (&gate, &up_of_other), (&gate_of_other, &up)];
        pairs.iter().map(|(a, b)| nn::swiglu(a, b)).collect()
    };
    for (a, b) in pairs(&layers)?.iter().zip(&pairs(&plain)?) {
        assert_close("swiglu", a, b)?;
    }
    Ok(())
}

#[test]
fn a_product_is_added_where_the_sum_is_like_it() -> Result<()> {
    let x = random::normal(&[2, 64], Dtype::F32, &random::key(9)?)?;
    let stream = random::normal(&[2, 20], Dtype::F32, &random::key(10)?)?;
    let (product, plain) = (project(&x, true)?, project(&x, false)?);
    let names = if cpu_kernels_enabled() { ["QuantizedMatmul", "Add"] } else { ["Add"; 2] };
    let row = stream.at(0)?;
    let added = [(&stream, "once", 0), (&stream, "again", 0), (&product, "itself", 0), (&row, "a row", 1)];
    for (other, what, name) in added {
        let sum = other.add(&product)?;
        assert_eq!(primitive_name(&sum)?.as_deref(), Some(names[name]), "{what}");
        let other = if what == "itself" { &plain } else { other };
        assert_close(what, &sum, &other.add(&plain)?)?;
    }
    assert_close("the product", &product, &plain)?;
    // Of vectors that were only reshaped, the reshaping is spared.
    let sum = stream.add(project(&x.exp()?.reshape([1, 2, 64])?.reshape([2, 64])?, true)?)?;
    assert_eq!(print_graph([&sum])?.matches("Reshape").count(), if cpu_kernels_enabled() { 1 } else { 2 });
    // What has been computed is not computed again, and what has another type makes a sum of that type.
    assert_eq!(primitive_name(&stream.add(&product)?)?.as_deref(), Some("Add"));
    let wide = project(&x, true)?.add(stream.astype(Dtype::F16)?)?;
    assert_eq!((wide.dtype()?, primitive_name(&wide)?.as_deref()), (Dtype::F32, Some("Add")));
    Ok(())
}

impl Case {
    fn inputs(&self, seed: u64) -> Result<Vec<Array>> {
        let noise =
            |(i, shape): (usize, &&[i32])| random::normal(shape, Dtype::F32, &random::key(seed + i as u64)?);
        self.shapes.iter().enumerate().map(noise).collect()
    }
}

#[track_caller]
fn assert_close(what: &str, a: &Array, b: &Array) -> Result<()> {
    assert_eq!(a.shape()?, b.shape()?, "{what}");
    let size = b.abs()?.max(..)?.item::<f32>()?.max(1.0);
    let worst = a.subtract(b)?.abs()?.max(..)?.item::<f32>()? / size;
    // A GPU adds up in other orders, which differ with the forms of a sum.
    let most = if Device::default_device()? == Device::Gpu { 1e-4 } else { 1e-5 };
    assert!(worst < most, "{what} is off by {worst}");
    Ok(())
}

/// A number that depends on all of an array in different ways.
fn mixed(y: &Array) -> Result<Array> {
    let weights = mlx::arange(0.0, y.size()? as f64, 1.0, Dtype::F32)?.sin()?.reshape(y.shape()?)?;
    (y.square()? * &weights + y).sum(..)
}

#[test]
fn fused_operations_transform_as_their_parts() -> Result<()> {
    for case in &CASES {
        let (fused, plain) = (|x: &Vec<Array>| (case.fused)(x), |x: &Vec<Array>| (case.plain)(x));
        let (x, tangents) = (case.inputs(1)?, case.inputs(100)?);
        if cpu_kernels_enabled() {
            assert_eq!(primitive_name(&fused(&x)?)?.as_deref(), Some(case.primitive));
        }
        let check =
            |what: &str, a: &Array, b: &Array| assert_close(&format!("{what} of {}", case.name), a, b);
        check("the value", &fused(&x)?, &plain(&x)?)?;

        let loss = |f: Function| move |x: &Vec<Array>| mixed(&f(x)?);
        let (by_fused, by_plain) = (grad(loss(case.fused))(&x)?, grad(loss(case.plain))(&x)?);
        for (a, b) in by_fused.iter().zip(&by_plain) {
            check("the gradient", a, b)?;
        }
        check("jvp", &jvp(fused, &x, &tangents)?.1, &jvp(plain, &x, &tangents)?.1)?;
        let second = |f: Function| grad(move |x: &Vec<Array>| mixed(&grad(loss(f))(x)?[0]));
        check("the second derivative", &second(case.fused)(&x)?[0], &second(case.plain)(&x)?[0])?;

        check("compile", &compile(fused).call(&x)?, &plain(&x)?)?;

        if !case.vmap {
            continue;
        }
        // The first input along its first axis; what comes with it, whole.
        let batch = |i: usize| mlx::stack(&[&x[i], &tangents[i], &(&x[i] * 0.5)], 0);
        let mapped: Vec<Array> =
            (0..x.len()).map(|i| if i == 0 { batch(0) } else { Ok(x[i].clone()) }).collect::<Result<_>>()?;
        let axes: Vec<Option<i32>> = (0..x.len()).map(|i| (i == 0).then_some(0)).collect();
        check("vmap", &vmap_axes(fused, axes.clone(), 0)(&mapped)?, &vmap_axes(plain, axes, 0)(&mapped)?)?;
        let all: Vec<Array> = (0..x.len()).map(batch).collect::<Result<_>>()?;
        check("vmap of all", &vmap(fused)(&all)?, &vmap(plain)(&all)?)?;
        check(
            "vmap of the gradient",
            &vmap(grad(loss(case.fused)))(&all)?[0],
            &vmap(grad(loss(case.plain)))(&all)?[0],
        )?;
    }
    Ok(())
}

/// `sinh`, with a mark.
struct Marked {
    runs: AtomicUsize,
}

impl CpuKernel for Marked {
    fn replaces(&self) -> &str {
        "Sinh"
    }

    fn accepts(&self, inputs: &[Layout<'_>], _outputs: &[Layout<'_>]) -> bool {
        inputs[0].dtype() == Dtype::F32
    }

    fn strided_inputs(&self) -> bool {
        false
    }

    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let (x, y) = (inputs[0].as_slice::<f32>()?, outputs[0].as_mut_slice::<f32>()?);
        x.iter().zip(y).for_each(|(x, y)| *y = x.sinh() + 1000.0);
        Ok(())
    }
}

#[test]
fn a_kernel_for_all_operations_of_a_kind_also_serves_gradients() -> Result<()> {
    with_stream(&Stream::default_of(Device::Cpu)?, a_kernel_also_serves_gradients)
}

fn a_kernel_also_serves_gradients() -> Result<()> {
    let before = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    let kernel = Arc::new(Marked { runs: AtomicUsize::new(0) });
    let given = kernel.clone();
    replace_cpu_everywhere("Sinh", move |parameters| parameters.is_empty().then(|| given.clone()))?;

    // Inputs that are not row-major come as copies that are.
    let sinh = before.t()?.sinh()?.to_vec::<f32>()?;
    assert!((sinh[1] - (1000.0 + 3f32.sinh())).abs() < 1e-3 && kernel.runs.load(Ordering::SeqCst) == 1);
    let slope = grad(|x: &Array| x.cosh()?.sum(..))(&before)?.to_vec::<f32>()?;
    assert!((slope[0] - (1000.0 + 1f32.sinh())).abs() < 1e-3 && kernel.runs.load(Ordering::SeqCst) == 2);
    // What it does not accept is MLX's.
    let half = before.astype(Dtype::F16)?.sinh()?.to_vec::<f32>()?;
    assert!((half[0] - 1f32.sinh()).abs() < 1e-2 && kernel.runs.load(Ordering::SeqCst) == 2);
    Ok(())
}

#[test]
fn parameters_tell_operations_apart() -> Result<()> {
    with_stream(&Stream::default_of(Device::Cpu)?, parameters_tell_apart)
}

fn parameters_tell_apart() -> Result<()> {
    let seen = Arc::new(Mutex::new(vec![]));
    let list = seen.clone();
    replace_cpu_everywhere::<Marked>("GatherQMM", move |parameters| {
        list.lock().expect("no panic").push(parameters.to_vec());
        None
    })?;
    let w = random::normal(&[2, 16, 64], Dtype::F32, &random::key(0)?)?;
    let q = nn::quantize(&w, nn::Quantization::affine(32, 8))?;
    let picks = Array::from_slice(&[1u32, 0], &[2]);
    let x = mlx::ones(&[2, 1, 64], Dtype::F32);
    q.gather_project(&x, mlx::ops::Gather::new().rhs(&picks))?.eval()?;
    assert_eq!(*seen.lock().expect("no panic"), [[32.0, 8.0, 0.0, 1.0, 0.0, 0.0]]);
    Ok(())
}
