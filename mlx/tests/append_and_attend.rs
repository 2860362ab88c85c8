//! The step of decoding that is one operation, against rope, concatenation and attention.

use mlx::{
    Array, Device, Dtype, Result, async_eval, concatenate, eval,
    fast::{
        AppendBuffer, Mask, RopeOptions, Sequence, append_and_attend, rope, scaled_dot_product_attention,
    },
    graph::print_graph,
    ones, random,
    transforms::grad,
};

/// Keys and values as they grow, and the same as plain arrays.
struct Growing {
    buffers: [AppendBuffer; 2],
    plain: [Array; 2],
    from: i32,
}

impl Growing {
    fn sequence(&mut self) -> Sequence<'_> {
        self.sequence_of(1)
    }

    fn sequence_of(&mut self, count: i32) -> Sequence<'_> {
        let [keys, values] = &mut self.buffers;
        Sequence { keys, values, from: self.from, count }
    }
}

#[derive(Clone, Copy, Debug)]
struct Case {
    dtype: Dtype,
    heads: [i32; 2],
    dims: [i32; 2],
    rotation: Rotation,
    /// Tokens of each sequence before.
    lengths: &'static [i32],
    from: i32,
}

#[derive(Clone, Copy, Debug)]
enum Rotation {
    No,
    Base { traditional: bool },
    Freqs,
    KeysOnly,
}

fn is_on_gpu() -> bool {
    Device::default_device().is_ok_and(|device| device == Device::Gpu)
}

/// Whether this is one operation here.
fn fuses(case: &Case) -> bool {
    let off = |name| std::env::var(name).is_ok_and(|value| value == "0");
    if is_on_gpu() {
        let ([heads, kv_heads], [dim, value_dim]) = (case.heads, case.dims);
        let fits = value_dim == dim && matches!((dim, heads / kv_heads), (64 | 128, _) | (256, 1..=4));
        return fits && mlx::cuda::is_available().is_ok_and(|there| there) && !off("MLX_RS_GPU_KERNELS");
    }
    !off("MLX_RS_CPU_KERNELS") && !cfg!(target_os = "macos")
}

/// How far results may be from those of MLX's operations. On a GPU these round more often than once.
fn tolerance(dtype: Dtype) -> f32 {
    match dtype {
        _ if !is_on_gpu() => 1e-6,
        Dtype::F32 => 2e-5,
        Dtype::F16 => 4e-3,
        _ => 5e-2,
    }
}

fn cases() -> Vec<Case> {
    use Rotation::*;
    let mut cases = vec![];
    for dtype in [Dtype::F32, Dtype::F16, Dtype::Bf16] {
        for (heads, dims, rotation, lengths, from) in [
            ([4, 2], [64, 64], Base { traditional: false }, &[0][..], 0),
            ([9, 3], [64, 64], Base { traditional: true }, &[255], 0),
            ([2, 2], [16, 32], Freqs, &[1, 255, 256, 7], 0),
            ([6, 1], [20, 12], No, &[3, 40], 2),
            ([8, 2], [128, 128], KeysOnly, &[700, 1, 300, 0, 90, 1100, 2, 5], 0),
            ([3, 3], [32, 32], Base { traditional: false }, &[600; 9], 511),
            ([4, 1], [256, 256], Base { traditional: false }, &[300, 20], 11),
        ] {
            cases.push(Case { dtype, heads, dims, rotation, lengths, from });
        }
    }
    cases
}

fn normal(shape: &[i32], dtype: Dtype, seed: u64) -> Result<Array> {
    random::normal(shape, Dtype::F32, &random::key(seed)?)?.astype(dtype)
}

fn rotate(x: &Array, offsets: &Array, case: &Case, freqs: &Array, is_key: bool) -> Result<Array> {
    let options = RopeOptions {
        dims: case.dims[0] / 4 * 2,
        traditional: matches!(case.rotation, Rotation::Base { traditional: true }),
        base: 10_000.0,
        scale: 0.5,
        freqs: matches!(case.rotation, Rotation::Freqs).then_some(freqs),
    };
    match case.rotation {
        Rotation::No => Ok(x.clone()),
        Rotation::KeysOnly if !is_key => Ok(x.clone()),
        _ => rope(x, offsets, options),
    }
}

fn start(case: &Case, seed: u64) -> Result<Vec<Growing>> {
    let mut list = vec![];
    for (i, &length) in case.lengths.iter().enumerate() {
        let part = |dim, seed| normal(&[1, case.heads[1], length, dim], case.dtype, seed);
        let plain = [part(case.dims[0], seed + i as u64)?, part(case.dims[1], seed + 50 + i as u64)?];
        let mut buffers = [AppendBuffer::new(2), AppendBuffer::new(2)];
        for (buffer, plain) in buffers.iter_mut().zip(&plain) {
            buffer.append(plain)?;
        }
        list.push(Growing { buffers, plain, from: case.from });
    }
    Ok(list)
}

/// The same numbers, reshaped from `[batch, 1, heads · dim]`, with a gap behind each entry.
fn projected(x: &Array) -> Result<Array> {
    let [batch, heads, _, dim] = x.dims()?;
    let width = heads * dim;
    let padded = concatenate(&[&x.reshape([batch, 1, width])?, &ones(&[batch, 1, 3], x.dtype()?)], 2)?;
    eval([&padded])?;
    let vectors = padded.at((.., .., ..width))?;
    eval([&vectors])?;
    vectors.reshape([batch, heads, 1, dim])
}

#[test]
fn equals_its_parts() -> Result<()> {
    'cases: for (number, case) in cases().iter().enumerate() {
        let Case { dtype, heads: [heads, kv_heads], dims: [dim, value_dim], lengths, .. } = *case;
        let seed = 1000 * number as u64;
        let mut sequences = start(case, seed)?;
        let freqs = random::uniform(1.0, 9.0, &[dim / 4], Dtype::F32, &random::key(seed)?)?;
        // Beyond the first step the memory is what the operation has given; the first one may have to reserve it.
        for step in 0..3 {
            let seed = seed + 100 * (step + 1);
            // For each entry of the batch the sequence that it continues: several may be of one.
            let counts = |i: usize| if step == 2 && !is_on_gpu() { 1 + 2 * (i % 2) } else { 1 };
            let entries: Vec<usize> = (0..lengths.len()).rev().flat_map(|i| vec![i; counts(i)]).collect();
            let count = entries.len() as i32;
            // Queries and keys that lie with gaps.
            let q = normal(&[count, 1, heads, dim + 3], dtype, seed)?.transpose([0, 2, 1, 3])?;
            let mut q = q.at((.., .., .., ..dim))?;
            let mut k = normal(&[count, kv_heads, 1, dim], dtype, seed + 1)?;
            let mut v = normal(&[1, count, kv_heads, value_dim], dtype, seed + 2)?.transpose([1, 2, 0, 3])?;
            if step == 1 {
                // As projections give them: the heads of a token side by side.
                (q, k) = (projected(&q)?, projected(&k)?);
                v = projected(&v)?;
            }
            let nth = |entry: usize| entries[..entry].iter().filter(|&&i| i == entries[entry]).count();
            let offset = |entry: usize| lengths[entries[entry]] + step as i32 + nth(entry) as i32;
            let offsets: Vec<i32> = (0..entries.len()).map(offset).collect();
            let offsets = Array::from_slice(&offsets, &[count]);
            let (q, k) =
                (rotate(&q, &offsets, case, &freqs, false)?, rotate(&k, &offsets, case, &freqs, true)?);
            let list = sequences.iter_mut().enumerate().rev();
            let list = list.map(|(i, sequence)| sequence.sequence_of(counts(i) as i32));
            let y = append_and_attend(&q, &k, &v, list, 0.3)?;
            assert_eq!(y.is_some(), fuses(case), "{case:?}");
            let Some(y) = y else { continue 'cases };
            if step == 1 && !is_on_gpu() && !matches!(case.rotation, Rotation::KeysOnly) {
                assert!(!print_graph([&y])?.contains("Reshape"), "{case:?}");
            }
            async_eval([&y])?;
            let mut expected = vec![];
            for (entry, &i) in (0..).zip(&entries) {
                let sequence = &mut sequences[i];
                let row = |x: &Array| x.at((entry..entry + 1,));
                for (plain, new) in sequence.plain.iter_mut().zip([row(&k)?, row(&v)?]) {
                    *plain = concatenate(&[&*plain, &new], 2)?;
                }
                let [keys, values] = &sequence.plain;
                let seen = |x: &Array| x.at((.., .., case.from..));
                expected.push(scaled_dot_product_attention(
                    &row(&q)?,
                    &seen(keys)?,
                    &seen(values)?,
                    0.3,
                    Mask::None,
                )?);
            }
            let expected = concatenate(&expected, 0)?;
            assert_eq!((y.shape()?, y.dtype()?), (expected.shape()?, dtype));
            let difference = (&y - &expected).abs()?.astype(Dtype::F32)?.max(..)?.item::<f32>()?;
            assert!(difference <= tolerance(dtype), "{case:?}, step {step}: {difference}");
        }
        for Growing { buffers, plain, .. } in &mut sequences {
            for (buffer, plain) in buffers.iter_mut().zip(plain) {
                let difference =
                    (buffer.array()? - &*plain).abs()?.astype(Dtype::F32)?.max(..)?.item::<f32>()?;
                assert!(
                    difference <= if is_on_gpu() { tolerance(dtype) } else { 0.0 },
                    "{case:?}: {difference}"
                );
            }
        }
    }
    Ok(())
}

/// The memory is complete whether or not anybody asked for what attention gave.
#[test]
fn what_is_appended_is_there_without_the_output() -> Result<()> {
    let mut sequence = start(&cases()[0], 5)?.remove(0);
    let (q, k) = (ones(&[1, 4, 1, 64], Dtype::F32), ones(&[1, 2, 1, 64], Dtype::F32));
    for _ in 0..4 {
        append_and_attend(&q, &k, &k, [sequence.sequence()], 1.0)?;
    }
    let fuses = fuses(&cases()[0]);
    let len = if fuses { 4 } else { 0 };
    assert_eq!(sequence.buffers[0].len(), len);
    if fuses {
        eval(sequence.buffers[1].memory())?;
        assert_eq!(sequence.buffers[1].array()?.to_vec::<f32>()?, vec![1.0; 2 * 4 * 64]);
    }
    Ok(())
}

#[test]
fn what_others_refer_to_is_not_written_over() -> Result<()> {
    let mut sequence = start(&cases()[1], 6)?.remove(0);
    let mut copy = Growing { buffers: sequence.buffers.clone(), plain: sequence.plain.clone(), from: 0 };
    let (q, k) = (ones(&[1, 9, 1, 64], Dtype::F32), ones(&[1, 3, 1, 64], Dtype::F32));
    assert!(append_and_attend(&q, &k, &k, [copy.sequence()], 1.0)?.is_none());
    assert_eq!(copy.buffers.each_ref().map(AppendBuffer::len), [255, 255]);
    // One of several is enough.
    assert!(
        append_and_attend(
            &concatenate(&[&q, &q], 0)?,
            &ones(&[2, 3, 1, 64], Dtype::F32),
            &ones(&[2, 3, 1, 64], Dtype::F32),
            [sequence.sequence(), copy.sequence()],
            1.0
        )?
        .is_none()
    );
    assert_eq!(sequence.buffers.each_ref().map(AppendBuffer::len), [255, 255]);
    // An array of before, of rows that are then dropped.
    let before = sequence.buffers[0].array()?;
    sequence.buffers.iter_mut().for_each(|buffer| buffer.truncate(200));
    assert!(append_and_attend(&q, &k, &k, [sequence.sequence()], 1.0)?.is_none());
    assert!(before.array_equal(&sequence.plain[0])?.item::<bool>()?);
    Ok(())
}

#[test]
fn transformations_see_the_parts() -> Result<()> {
    let k = ones(&[1, 2, 1, 16], Dtype::F32);
    let loss = |q: &Array| {
        let (mut keys, mut values) = (AppendBuffer::new(2), AppendBuffer::new(2));
        let sequence = Sequence { keys: &mut keys, values: &mut values, from: 0, count: 1 };
        assert!(append_and_attend(q, &k, &k, [sequence], 1.0)?.is_none());
        q.sum(..)
    };
    let q = ones(&[1, 2, 1, 16], Dtype::F32);
    assert_eq!(grad(loss)(&q)?.to_vec::<f32>()?, vec![1.0; 32]);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<()> {
    let of = |shape: [i32; 4], dtype| ones(&shape, dtype);
    let q = of([1, 4, 1, 16], Dtype::F32);
    let k = of([1, 2, 1, 16], Dtype::F32);
    for (q, k, v, from, message) in [
        (of([1, 4, 2, 16], Dtype::F32), k.clone(), k.clone(), 0, "[batch, heads, 1, dim]"),
        (of([1, 3, 1, 16], Dtype::F32), k.clone(), k.clone(), 0, "a multiple of kv heads"),
        (of([1, 4, 1, 8], Dtype::F32), k.clone(), k.clone(), 0, "[batch, heads, 1, dim]"),
        (
            of([2, 4, 1, 16], Dtype::F32),
            of([2, 2, 1, 16], Dtype::F32),
            of([2, 2, 1, 16], Dtype::F32),
            0,
            "1 sequences take 1 tokens of a batch of 2",
        ),
        (q.clone(), k.clone(), of([1, 2, 1, 16], Dtype::F16), 0, "of one dtype"),
        (q.clone(), k.clone(), k.clone(), 1, "attended from 1 on"),
        (q.clone(), k.clone(), k.clone(), -1, "attended from -1 on"),
    ] {
        let (mut keys, mut values) = (AppendBuffer::new(2), AppendBuffer::new(2));
        let sequence = Sequence { keys: &mut keys, values: &mut values, from, count: 1 };
        let error = append_and_attend(&q, &k, &v, [sequence], 1.0).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        assert!(keys.is_empty() && values.is_empty());
    }
    let (mut keys, mut values) = (AppendBuffer::new(2), AppendBuffer::new(2));
    for buffer in [&mut keys, &mut values] {
        buffer.append(&of([1, 3, 1, 16], Dtype::F32))?;
    }
    let sequence = Sequence { keys: &mut keys, values: &mut values, from: 0, count: 1 };
    let result = append_and_attend(&q, &k, &k, [sequence], 1.0);
    assert!(if fuses(&cases()[0]) && !is_on_gpu() { result.is_err() } else { result?.is_none() });
    Ok(())
}
