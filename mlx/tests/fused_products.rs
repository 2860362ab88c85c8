//! Products with quantized matrices and what stands around them in a decoder, in the forms that a GPU computes at once:
//! equal to the same with the matrix dequantized, on whatever device this runs.

use mlx::{
    Array, Device, Dtype, Result, eval,
    fast::{AppendBuffer, Mask, rms_norm, scaled_dot_product_attention},
    nn::{Mode, Quantization, Quantized, quantize, swiglu},
    random,
};

struct Case {
    x: Array,
    w: Quantized,
    dtype: Dtype,
}

fn quantizations() -> [Quantization; 6] {
    let affine = Quantization::affine;
    let floats = Quantization { group_size: 32, bits: 4, mode: Mode::Mxfp4 };
    [affine(64, 4), affine(32, 4), affine(128, 8), affine(64, 8), affine(32, 2), floats]
}

const DTYPES: [Dtype; 3] = [Dtype::F32, Dtype::F16, Dtype::Bf16];

fn cases() -> Result<Vec<Case>> {
    let (mut cases, gpu) = (vec![], Device::default_device()? == Device::Gpu);
    for (i, &(rows, columns, vectors)) in [
        (64, 64, 1),
        (576, 576, 1),
        (1536, 576, 1),
        (16500, 64, 1),
        (96, 2048, 3),
        (130, 512, 8),
        (50, 128, 9),
        (1600, 512, 1),
        (520, 1536, 1),
        (2050, 4352, 3),
        (1556, 8448, 6),
    ]
    .iter()
    .enumerate()
    {
        for (j, quantization) in quantizations().into_iter().enumerate() {
            let Quantization { group_size, bits, mode } = quantization;
            // What MLX computes: on a GPU it compiles for up to a minute before, so that one such case is enough there.
            let of_floats = mode == Mode::Mxfp4 && columns % 256 != 0;
            let by_mlx = vectors > 8 || bits == 2 || of_floats;
            // These are for the kernel on the tensor cores.
            let is_large = rows * columns > 1 << 20;
            if is_large && !gpu
                || columns % group_size != 0
                || gpu && by_mlx && (vectors, group_size, bits) != (9, 64, 4)
            {
                continue;
            }
            // There each dtype has a kernel of its own compiled, too.
            let known = if mode == Mode::Mxfp4 { &DTYPES[1..] } else { &DTYPES };
            let dtypes = if gpu { vec![known[(i + j) % known.len()]] } else { DTYPES.to_vec() };
            for dtype in dtypes {
                let [a, b] = random::split(&random::key(i as u64)?)?;
                let weight = (random::normal(&[rows, columns], Dtype::F32, &a)? * 0.05).astype(dtype)?;
                let x = random::normal(&[1, vectors, columns], Dtype::F32, &b)?.astype(dtype)?;
                let w = quantize(&weight, quantization)?;
                eval([&x, &w.weight, &w.scales])?;
                cases.push(Case { x, w, dtype });
            }
        }
    }
    Ok(cases)
}

/// What an element may be off by, beside the largest.
fn tolerance(dtype: Dtype) -> f32 {
    match dtype {
        Dtype::F32 => 2e-5,
        Dtype::F16 => 4e-3,
        _ => 3e-2,
    }
}

fn close(what: &str, case: &Case, got: &Array, expected: &Array) -> Result<()> {
    assert_eq!(got.dtype()?, case.dtype, "{what}");
    let scale = expected.abs()?.max(..)?.item::<f32>()?.max(1e-3);
    let off = (got.astype(Dtype::F32)? - expected).abs()?.max(..)?.item::<f32>()? / scale;
    let place = format!("{what}: {:?} {:?} {:?}", case.dtype, case.x.shape()?, case.w.quantization);
    assert!(off <= tolerance(case.dtype), "{place}: {off}");
    Ok(())
}

fn single(array: &Array) -> Result<Array> {
    array.astype(Dtype::F32)
}

impl Case {
    /// The matrix, in single precision.
    fn dense(&self) -> Result<Array> {
        single(&self.w.dequantize()?)?.t()
    }

    fn exact(&self) -> Result<Array> {
        single(&self.x)?.matmul(&self.dense()?)
    }
}

#[test]
fn alone() -> Result<()> {
    for case in cases()? {
        close("alone", &case, &case.w.project(&case.x)?, &case.exact()?)?;
    }
    Ok(())
}

#[test]
fn behind_a_norm() -> Result<()> {
    for case in cases()? {
        let columns = case.x.dim(-1)?;
        let norm = (random::normal(&[columns], Dtype::F32, &random::key(3)?)? + 1.0).astype(case.dtype)?;
        let got = case.w.project(&rms_norm(&case.x, Some(&norm), 1e-5)?)?;
        let expected = rms_norm(&single(&case.x)?, Some(&single(&norm)?), 1e-5)?.matmul(&case.dense()?)?;
        close("norm", &case, &got, &expected)?;
    }
    Ok(())
}

#[test]
fn added_to_a_stream() -> Result<()> {
    for case in cases()? {
        let exact = case.exact()?;
        let stream = random::normal(exact.shape()?, Dtype::F32, &random::key(4)?)?.astype(case.dtype)?;
        let expected = &exact + single(&stream)?;
        close("stream first", &case, &(&stream + case.w.project(&case.x)?), &expected)?;
        close("stream last", &case, &(case.w.project(&case.x)? + &stream), &expected)?;
        // A product that is added to something of another shape.
        let row = stream.at((0, 0))?;
        close("row", &case, &(&row + case.w.project(&case.x)?), &(exact + single(&row)?))?;
    }
    Ok(())
}

#[test]
fn gated() -> Result<()> {
    for case in cases()? {
        let both = case.exact()?;
        let half = both.dim(-1)? / 2;
        let halves =
            |y: &Array| Ok::<_, mlx::Error>([y.at((.., .., ..half))?, y.at((.., .., half..2 * half))?]);
        let ([gate, up], [a, b]) = (halves(&both)?, halves(&case.w.project(&case.x)?)?);
        close("gated", &case, &swiglu(&a, &b)?, &swiglu(&gate, &up)?)?;
        // Halves the other way round are not what a kernel for the usual order computes.
        close("swapped", &case, &swiglu(&b, &a)?, &swiglu(&up, &gate)?)?;
    }
    Ok(())
}

#[test]
fn gradients_are_those_of_the_parts() -> Result<()> {
    let case = &cases()?[0];
    let norm = mlx::ones(&[64], Dtype::F32);
    let loss = |x: &Array| (x + case.w.project(&rms_norm(x, Some(&norm), 1e-5)?)?).square()?.sum(..);
    let plain = |x: &Array| (x + rms_norm(x, Some(&norm), 1e-5)?.matmul(&case.dense()?)?).square()?.sum(..);
    let (got, expected) = (mlx::transforms::grad(loss)(&case.x)?, mlx::transforms::grad(plain)(&case.x)?);
    assert!((got - expected).abs()?.max(..)?.item::<f32>()? < 1e-3);
    Ok(())
}

#[test]
fn attention_from_one_query_over_a_buffer() -> Result<()> {
    for (i, &(batch, heads, kv_heads, dim, length)) in
        [(1, 4, 4, 64, 1), (1, 9, 3, 64, 300), (2, 8, 2, 128, 257), (1, 8, 1, 64, 1500), (3, 2, 1, 128, 40)]
            .iter()
            .enumerate()
    {
        for dtype in DTYPES {
            let [a, b, c] = random::split(&random::key(i as u64)?)?;
            let normal = |shape: [i32; 4], key| random::normal(&shape, Dtype::F32, key)?.astype(dtype);
            let q = normal([batch, heads, 1, dim], &a)?;
            let (k, v) =
                (normal([batch, kv_heads, length, dim], &b)?, normal([batch, kv_heads, length, dim], &c)?);
            let (mut keys, mut values) = (AppendBuffer::new(2), AppendBuffer::new(2));
            keys.append(&k)?;
            values.append(&v)?;
            let scale = (dim as f32).sqrt().recip();
            let got = scaled_dot_product_attention(&q, &keys.array()?, &values.array()?, scale, Mask::None)?;

            let grouped = |x: &Array| single(x)?.reshape([batch, kv_heads, 1, length, dim]);
            let queries = single(&q)?.reshape([batch, kv_heads, heads / kv_heads, 1, dim])?;
            let scores = (&queries * grouped(&k)?).sum(mlx::axes(-1))? * scale;
            let weights = scores.softmax(-1)?.expand_dims(-1)?;
            let expected = (weights * grouped(&v)?).sum(mlx::axes(-2))?.reshape([batch, heads, 1, dim])?;
            assert_eq!(got.dtype()?, dtype);
            let off = (single(&got)? - expected).abs()?.max(..)?.item::<f32>()?;
            assert!(
                off < tolerance(dtype),
                "{dtype:?} {heads} heads on {kv_heads}×{dim}, {length} keys: {off}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_cache_grows_while_steps_are_computed() -> Result<()> {
    let mut cache = AppendBuffer::new(1);
    let mut sums = vec![];
    for step in 0..600 {
        cache.append(&Array::from_slice(&[step as f32, 1.0], &[1, 1, 2]))?;
        let sum = cache.array()?.sum(mlx::axes(1))?;
        mlx::async_eval([&sum].into_iter().chain(cache.memory()))?;
        sums.push(sum);
    }
    for (step, sum) in sums.iter().enumerate() {
        let (step, count) = (step as f32, step as f32 + 1.0);
        assert_eq!(sum.to_vec::<f32>()?, [step * count / 2.0, count]);
    }
    Ok(())
}

/// The same with matrices that are not quantized.
#[test]
fn of_plain_matrices() -> Result<()> {
    for (seed, &(rows, columns, vectors)) in
        (0..).zip(&[(96, 576, 1), (1030, 2048, 1), (70, 4096, 5), (64, 96, 9)])
    {
        for dtype in DTYPES {
            let normal =
                |shape: &[i32], part: u64| random::normal(shape, Dtype::F32, &random::key(10 * seed + part)?);
            let w = (normal(&[rows, columns], 1)? * 0.05).astype(dtype)?;
            let x = normal(&[1, vectors, columns], 2)?.astype(dtype)?;
            let (norm, stream) = (
                (normal(&[columns], 3)? + 1.0).astype(dtype)?,
                normal(&[1, vectors, rows], 4)?.astype(dtype)?,
            );
            let bias = normal(&[rows], 5)?.astype(dtype)?;
            eval([&w, &x, &norm, &stream, &bias])?;
            let case = Case { x: x.clone(), w: quantize(&w, Quantization::affine(32, 4))?, dtype };
            let normed = rms_norm(&x, Some(&norm), 1e-5)?;
            let exact = |x: &Array| single(x)?.matmul(&single(&w)?.t()?);
            close("plain", &case, &x.matmul(&w.t()?)?, &exact(&x)?)?;
            close("plain, norm", &case, &normed.matmul(&w.t()?)?, &exact(&normed)?)?;
            close("plain, stream", &case, &(&stream + x.matmul(&w.t()?)?), &(single(&stream)? + exact(&x)?))?;
            close(
                "plain, bias",
                &case,
                &(normed.matmul(&w.t()?)? + &bias),
                &(exact(&normed)? + single(&bias)?),
            )?;
            let (half, y) = (rows / 2, normed.matmul(&w.t()?)?);
            let (gate, up) = (y.at((.., .., ..half))?, y.at((.., .., half..))?);
            let y = exact(&normed)?;
            let expected = swiglu(&y.at((.., .., ..half))?, &y.at((.., .., half..))?)?;
            close("plain, gated", &case, &swiglu(&gate, &up)?, &expected)?;
        }
    }
    Ok(())
}

#[test]
fn the_greatest_of_a_vocabulary() -> Result<()> {
    for (rows, columns) in [(1, 49152), (3, 8200), (2, 8193), (70, 8192), (2, 100)] {
        for dtype in DTYPES {
            let x = random::normal(&[rows, columns], Dtype::F32, &random::key(11)?)?.astype(dtype)?;
            let elements = single(&x)?.to_vec::<f32>()?;
            let expected = elements.chunks_exact(columns as usize).map(|row| {
                let greatest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                row.iter().position(|&element| element == greatest)
            });
            let expected: Vec<_> = expected.flatten().map(|i| i as u32).collect();
            assert_eq!(x.argmax(-1)?.to_vec::<u32>()?, expected, "{rows} {columns} {dtype:?}");
            assert_eq!(x.argmax(1)?.shape()?, [rows]);
            let least = x.argmin(-1)?.to_vec::<u32>()?;
            let of_negative = (-&x).argmax(-1)?.to_vec::<u32>()?;
            assert_eq!(least, of_negative, "{rows} {columns} {dtype:?}");
        }
    }
    Ok(())
}
