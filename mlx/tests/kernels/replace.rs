//! MLX's operations computed by kernels of the user's.

use crate::support::{Drops, on_the_cpu};
use mlx::kernels::{CpuKernel, Layout, View, ViewMut, primitive_name, replace_cpu, replace_cpu_aliased};
use mlx::nn::{Quantization, quantize};
use mlx::{
    Array, Device, Dtype, Error, ErrorKind, Result, Stream, async_eval, eval, ones, random, with_stream,
    zeros,
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// `x @ dequantize(w).T` for affine quantization, one element after the other; counts its runs.
#[derive(Default)]
struct NaiveQuantized {
    runs: AtomicUsize,
    only_rows: Option<i32>,
}

impl CpuKernel for NaiveQuantized {
    fn replaces(&self) -> &str {
        "QuantizedMatmul"
    }

    fn accepts(&self, inputs: &[Layout<'_>], outputs: &[Layout<'_>]) -> bool {
        let rows = outputs[0].shape()[0];
        inputs.len() == 4
            && inputs.iter().all(|input| input.is_row_contiguous())
            && inputs[0].dtype() == Dtype::F32
            && self.only_rows.is_none_or(|only| only == rows)
    }

    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let [x, w, scales, biases] = inputs else { unreachable!("accepted") };
        let columns = x.shape()[1] as usize;
        let (words, groups) = (w.shape()[1] as usize, scales.shape()[1] as usize);
        let (group, bits) = (columns / groups, words * 32 / columns);
        let (x, w) = (x.as_slice::<f32>()?, w.as_slice::<u32>()?);
        let (scales, biases) = (scales.as_slice::<f32>()?, biases.as_slice::<f32>()?);
        let rows = scales.len() / groups;
        for (i, out) in outputs[0].as_mut_slice::<f32>()?.iter_mut().enumerate() {
            let (row_of_x, row) = (i / rows, i % rows);
            *out = (0..columns)
                .map(|k| {
                    let word = w[row * words + k * bits / 32] >> (k * bits % 32);
                    let number = (word & ((1 << bits) - 1)) as f32;
                    let place = row * groups + k / group;
                    x[row_of_x * columns + k] * (number * scales[place] + biases[place])
                })
                .sum();
        }
        Ok(())
    }
}

fn largest_difference(a: &Array, b: &Array) -> Result<f32> {
    (a - b).abs()?.max(..)?.item()
}

#[test]
fn quantized_matmul_in_rust_gives_the_same_numbers() -> Result<()> {
    on_the_cpu(|| {
        for bits in [4, 8] {
            let kernel = Arc::new(NaiveQuantized::default());
            let w = random::normal(&[24, 128], Dtype::F32, &random::key(1)?)?;
            let q = quantize(&w, Quantization::affine(64, bits))?;
            let x = random::normal(&[3, 128], Dtype::F32, &random::key(2)?)?;
            let mine = replace_cpu(q.project(&x)?, &kernel)?;
            assert_eq!(primitive_name(&mine)?.as_deref(), Some("QuantizedMatmul"));
            assert!(largest_difference(&mine, &q.project(&x)?)? < 1e-4);
            assert_eq!(kernel.runs.load(Ordering::SeqCst), 1);

            // A layout it does not accept is left to MLX.
            let transposed = random::normal(&[128, 3], Dtype::F32, &random::key(3)?)?.t()?;
            let declined = replace_cpu(q.project(&transposed)?, &kernel)?;
            assert!(largest_difference(&declined, &q.project(&transposed)?)? < 1e-4);
            assert_eq!(kernel.runs.load(Ordering::SeqCst), 1);
        }
        Ok(())
    })
}

#[test]
fn the_decision_is_made_at_each_evaluation() -> Result<()> {
    on_the_cpu(|| {
        let kernel = Arc::new(NaiveQuantized { only_rows: Some(1), ..Default::default() });
        let q = quantize(&ones(&[8, 64], Dtype::F32), Quantization::affine(64, 4))?;
        for (rows, runs) in [(1, 1), (2, 1), (1, 2)] {
            let y = replace_cpu(q.project(&ones(&[rows, 64], Dtype::F32))?, &kernel)?;
            assert!((y.max(..)?.item::<f32>()? - 64.0).abs() < 1e-3);
            assert_eq!(kernel.runs.load(Ordering::SeqCst), runs);
        }
        Ok(())
    })
}

/// A kernel made of a closure.
struct Closure<F> {
    replaces: &'static str,
    in_place: bool,
    run: F,
    _drops: Option<Drops>,
}

impl<F> Closure<F>
where
    F: Fn(&[View<'_>], &mut [ViewMut<'_>]) -> Result<()> + Send + Sync + 'static,
{
    fn new(replaces: &'static str, run: F) -> Closure<F> {
        Closure { replaces, in_place: false, run, _drops: None }
    }
}

impl<F> CpuKernel for Closure<F>
where
    F: Fn(&[View<'_>], &mut [ViewMut<'_>]) -> Result<()> + Send + Sync + 'static,
{
    fn name(&self) -> &str {
        "closure"
    }
    fn replaces(&self) -> &str {
        self.replaces
    }
    fn in_place(&self) -> bool {
        self.in_place
    }
    fn accepts(&self, _: &[Layout<'_>], _: &[Layout<'_>]) -> bool {
        true
    }
    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        (self.run)(inputs, outputs)
    }
}

#[test]
fn nothing_happens_to_what_is_no_such_operation() -> Result<()> {
    let never = Arc::new(Closure::new("Exp", |_, _| panic!("must not run")));
    let x = ones(&[2], Dtype::F32);
    let evaluated = x.exp()?;
    evaluated.eval()?;
    let leaf = Array::from_slice(&[1.0f32, 1.0], &[2]);
    for array in [evaluated, leaf, x.sin()?, x.exp()? + 1.0] {
        let same = replace_cpu(array.clone(), &never)?;
        assert_eq!(same.to_vec::<f32>()?, array.to_vec::<f32>()?);
    }
    let failed = &x + ones(&[3], Dtype::F32);
    assert_eq!(replace_cpu(failed, &never).unwrap_err().op(), "add");
    Ok(())
}

#[test]
fn every_holder_and_every_output_is_replaced() -> Result<()> {
    on_the_cpu(|| {
        let kernel = Closure::new("Split", |_, outputs| {
            outputs[0].as_mut_slice::<i32>()?.fill(7);
            outputs[1].as_mut_slice::<i32>()?.fill(8);
            Ok(())
        });
        let [left, right] = <[Array; 2]>::try_from(ones(&[4], Dtype::I32).split(2, 0)?).unwrap();
        assert_eq!(primitive_name(&left)?.as_deref(), Some("Split"));
        let held = right.clone();
        replace_cpu(right, &Arc::new(kernel))?;
        assert_eq!(left.to_vec::<i32>()?, [7, 7]);
        assert_eq!(held.to_vec::<i32>()?, [8, 8]);
        Ok(())
    })
}

#[test]
fn failures_of_kernels_are_errors() -> Result<()> {
    on_the_cpu(|| {
        struct Undecided;
        impl CpuKernel for Undecided {
            fn replaces(&self) -> &str {
                "Exp"
            }
            fn accepts(&self, inputs: &[Layout<'_>], _: &[Layout<'_>]) -> bool {
                inputs[7].is_row_contiguous()
            }
            fn run(&self, _: &[View<'_>], _: &mut [ViewMut<'_>]) -> Result<()> {
                Ok(())
            }
        }
        let x = Array::from_slice(&[1.0f32, 1.0], &[2]);
        let y = replace_cpu(x.exp()?, &Arc::new(Undecided))?;
        let error = y.eval().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Callback);
        assert!(error.message().contains("Undecided: panicked: index out of bounds"), "{error}");

        let fails = Closure::new("Exp", |_, _| Err(Error::new(ErrorKind::Io, "x", "no file")));
        let y = replace_cpu(x.exp()?, &Arc::new(fails))?;
        let error = y.eval().unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Callback, "closure: no file"));
        assert!(y.to_vec::<f32>().is_err());
        assert_eq!((&x + 1.0).to_vec::<f32>()?, [2.0, 2.0]);
        Ok(())
    })
}

#[test]
fn the_kernel_is_dropped_once() -> Result<()> {
    on_the_cpu(|| {
        let drops = Drops::default();
        let kernel = || {
            let run =
                |_: &[View<'_>], outputs: &mut [ViewMut<'_>]| outputs[0].as_mut_slice::<f32>().map(drop);
            Arc::new(Closure { _drops: Some(drops.one()), ..Closure::new("Exp", run) })
        };
        let x = ones(&[2], Dtype::F32);
        drop(replace_cpu(x.exp()?, &kernel())?);
        drops.settle("never evaluated");
        drop(replace_cpu(x.sin()?, &kernel())?);
        drops.settle("never used");
        replace_cpu(x.exp()?, &kernel())?.eval()?;
        drops.settle("evaluated");
        let twice = replace_cpu(replace_cpu(x.exp()?, &kernel())?, &kernel())?;
        assert_eq!(twice.to_vec::<f32>()?, [0.0, 0.0]);
        drop(twice);
        drops.settle("replaced twice");
        Ok(())
    })
}

/// Writes the update of a slice update of rows into the array itself, and notes where that is; input 1 is the update.
fn write_rows(start: usize, places: &Arc<Mutex<Vec<usize>>>) -> Arc<impl CpuKernel + use<>> {
    let places = places.clone();
    let run = move |inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]| {
        assert!(inputs[0].as_slice::<f32>().is_err(), "the memory of input 0 is the output's");
        let update = inputs[1].as_slice::<f32>()?;
        let columns = outputs[0].shape()[1] as usize;
        let elements = outputs[0].as_mut_slice::<f32>()?;
        elements[start * columns..][..update.len()].copy_from_slice(update);
        places.lock().unwrap().push(elements.as_ptr() as usize);
        Ok(())
    };
    Arc::new(Closure { in_place: true, ..Closure::new("SliceUpdate", run) })
}

fn row_means(x: &Array) -> Result<Vec<f32>> {
    x.mean(-1)?.to_vec()
}

#[test]
fn in_place_reuses_memory_that_nobody_else_has() -> Result<()> {
    on_the_cpu(|| {
        let places = Arc::<Mutex<Vec<usize>>>::default();
        let update = |x: Array, row: i32| {
            let value = ones(&[1, 64], Dtype::F32) * (row as f32);
            replace_cpu(
                x.slice_update(&value, &[row, 0], &[row + 1, 64])?,
                &write_rows(row as usize, &places),
            )
        };
        let mut x = zeros(&[6, 64], Dtype::F32) + 0.5;
        x.eval()?;
        for row in 1..5 {
            x = update(x, row)?;
            x.eval()?;
        }
        assert_eq!(row_means(&x)?, [0.5, 1.0, 2.0, 3.0, 4.0, 0.5]);
        let written = places.lock().unwrap().clone();
        assert!(written.len() == 4 && written.iter().all(|place| *place == written[0]), "{written:x?}");

        // Someone else has it: what they have stays as it is.
        let kept = x.clone();
        let y = update(x, 5)?;
        eval([&y, &kept])?;
        assert_eq!(row_means(&kept)?, [0.5, 1.0, 2.0, 3.0, 4.0, 0.5]);
        assert_eq!(row_means(&y)?, [0.5, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_ne!(places.lock().unwrap()[4], written[0]);

        // Not row-major: left to MLX.
        let transposed = update(zeros(&[64, 6], Dtype::F32).t()?, 3)?;
        assert_eq!(row_means(&transposed)?, [0.0, 0.0, 0.0, 3.0, 0.0, 0.0]);
        assert_eq!(places.lock().unwrap().len(), 5);
        Ok(())
    })
}

#[test]
fn aliased_writes_into_memory_that_is_in_use() -> Result<()> {
    on_the_cpu(|| {
        let kernel = write_rows(1, &Arc::default());
        let x = zeros(&[3, 64], Dtype::F32) + 0.5;
        x.eval()?;
        let updated = x.slice_update(&ones(&[1, 64], Dtype::F32), &[1, 0], &[2, 64])?;
        // SAFETY: all reads are on this thread's stream and expect the new elements.
        let y = unsafe { replace_cpu_aliased(updated, &kernel)? };
        async_eval([&y])?;
        assert_eq!(row_means(&y)?, [0.5, 1.0, 0.5]);
        assert_eq!(row_means(&x)?, [0.5, 1.0, 0.5], "the same memory");
        Ok(())
    })
}

#[test]
fn inputs_that_are_not_aligned_are_left_to_mlx() -> Result<()> {
    let bytes = Array::from_slice(&[0u8; 17], &[17]);
    let x = bytes.slice(&[1], &[17])?.view(Dtype::F32)?;
    x.eval()?;
    let never = Arc::new(Closure::new("Exp", |_, _| panic!("must not run")));
    assert_eq!(replace_cpu(x.exp()?, &never)?.to_vec::<f32>()?, [1.0; 4]);
    Ok(())
}

#[test]
fn kernels_run_on_the_stream_of_their_operation() -> Result<()> {
    on_the_cpu(|| {
        let stream = Stream::new(Device::Cpu)?;
        let names = Arc::new(Mutex::new(Vec::new()));
        let kernel = {
            let names = names.clone();
            Arc::new(Closure::new("Exp", move |_, outputs| {
                names.lock().unwrap().push(std::thread::current().id());
                outputs[0].as_mut_slice::<f32>().map(drop)
            }))
        };
        let x = ones(&[2], Dtype::F32);
        let here = replace_cpu(x.exp()?, &kernel)?;
        let there = with_stream(&stream, || replace_cpu(x.exp()?, &kernel))?;
        eval([&here, &there])?;
        let threads = names.lock().unwrap();
        assert!(
            threads.len() == 2 && threads[0] != threads[1] && !threads.contains(&std::thread::current().id())
        );
        Ok(())
    })
}
