//! The fused operations against their formulas, computed in `f64`.

use mlx::{
    Array, Dtype, Result, arange,
    fast::{self, GatedDelta, Mask, RopeOptions},
    ones, random,
};

fn noise(shape: &[i32], seed: u64) -> Result<Array> {
    random::normal(shape, Dtype::F32, &random::key(seed)?)
}

#[track_caller]
fn assert_close(name: &str, given: &Array, expected: &[f64]) {
    let given: Vec<f64> = given.to_vec().unwrap_or_default();
    let worst = given.iter().zip(expected).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max);
    assert!(given.len() == expected.len() && worst < 1e-5, "{name} is off by {worst}");
}

#[test]
fn norms_are_their_formulas() -> Result<()> {
    let (x, weight, bias) = (noise(&[3, 4], 1)?, noise(&[4], 2)?, noise(&[4], 3)?);
    let lines = x.to_vec::<f64>()?;
    let (w, b) = (weight.to_vec::<f64>()?, bias.to_vec::<f64>()?);
    let (mut layer, mut rms) = (vec![], vec![]);
    for line in lines.chunks(4) {
        let mean = line.iter().sum::<f64>() / 4.0;
        let variance = line.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4.0;
        let square = line.iter().map(|x| x * x).sum::<f64>() / 4.0;
        layer.extend((0..4).map(|i| (line[i] - mean) / (variance + 1e-3).sqrt() * w[i] + b[i]));
        rms.extend((0..4).map(|i| line[i] / (square + 1e-3).sqrt() * w[i]));
    }
    assert_close("layer_norm", &fast::layer_norm(&x, Some(&weight), Some(&bias), 1e-3)?, &layer);
    assert_close("rms_norm", &fast::rms_norm(&x, Some(&weight), 1e-3)?, &rms);
    Ok(())
}

#[test]
fn cross_entropy_is_its_formula() -> Result<()> {
    let logits = noise(&[2, 3, 5], 4)?;
    let targets = Array::from_slice(&[0, 4, 2, -1, 1, 3], &[2, 3]);
    let lines = logits.to_vec::<f64>()?;
    let expected: Vec<f64> = lines
        .chunks(5)
        .zip([0usize, 4, 2, 4, 1, 3])
        .map(|(line, target)| line.iter().map(|x| x.exp()).sum::<f64>().ln() - line[target])
        .collect();
    let loss = fast::cross_entropy(&logits, &targets)?;
    assert_eq!(loss.shape()?, [2, 3]);
    assert_close("cross_entropy", &loss, &expected);
    Ok(())
}

/// One position of one head, rotated.
fn rotated(
    x: &[f64],
    position: f64,
    dims: usize,
    traditional: bool,
    frequency: impl Fn(usize) -> f64,
) -> Vec<f64> {
    let mut y = x.to_vec();
    for pair in 0..dims / 2 {
        let (a, b) = if traditional { (2 * pair, 2 * pair + 1) } else { (pair, pair + dims / 2) };
        let (sin, cos) = (position * frequency(pair)).sin_cos();
        y[a] = x[a] * cos - x[b] * sin;
        y[b] = x[a] * sin + x[b] * cos;
    }
    y
}

#[test]
fn rope_rotates_by_position() -> Result<()> {
    let x = noise(&[2, 1, 3, 6], 5)?;
    let values = x.to_vec::<f64>()?;
    let wavelengths = [1.0f32, 7.0];
    let freqs = Array::from_slice(&wavelengths, &[2]);
    let offsets = Array::from_slice(&[3, 40], &[2]);
    for (traditional, own) in [(false, false), (true, false), (false, true), (true, true)] {
        let frequency = |pair: usize| match own {
            true => 1.0 / f64::from(wavelengths[pair]),
            false => 100f64.powf(-(pair as f64) / 2.0),
        };
        let options =
            RopeOptions { dims: 4, traditional, base: 100.0, scale: 0.5, freqs: own.then_some(&freqs) };
        let expected = |first: [f64; 2]| -> Vec<f64> {
            let lines = values.chunks(6).enumerate();
            lines
                .flat_map(|(i, line)| {
                    let position = (first[i / 3] + (i % 3) as f64) * 0.5;
                    rotated(line, position, 4, traditional, frequency)
                })
                .collect()
        };
        assert_close("one offset", &fast::rope(&x, 9, options)?, &expected([9.0, 9.0]));
        assert_close("an offset each", &fast::rope(&x, &offsets, options)?, &expected([3.0, 40.0]));
        assert_close(
            "a scalar array",
            &fast::rope(&x, &Array::scalar(9u32), options)?,
            &expected([9.0, 9.0]),
        );
    }
    Ok(())
}

/// Attention of heads `[heads, queries, 2]` over `[kv heads, keys, 2]`.
fn attention(
    q: &[f64],
    k: &[f64],
    v: &[f64],
    sees: impl Fn(usize, usize) -> bool,
    sinks: Option<&[f64]>,
) -> Vec<f64> {
    let (heads, keys, queries) = (4, 3, 2);
    let mut out = vec![];
    for head in 0..heads {
        for query in 0..queries {
            let q = &q[(head * queries + query) * 2..][..2];
            let line = |x: &[f64], key: usize| -> [f64; 2] {
                let at = (head / 2 * keys + key) * 2;
                [x[at], x[at + 1]]
            };
            let weights: Vec<f64> = (0..keys)
                .map(|key| {
                    let k = line(k, key);
                    if sees(query, key) { (0.7 * (q[0] * k[0] + q[1] * k[1])).exp() } else { 0.0 }
                })
                .collect();
            let total = weights.iter().sum::<f64>() + sinks.map_or(0.0, |sinks| sinks[head].exp());
            for i in 0..2 {
                out.push((0..keys).map(|key| weights[key] / total * line(v, key)[i]).sum());
            }
        }
    }
    out
}

#[test]
fn attention_is_its_formula() -> Result<()> {
    let (q, k, v) = (noise(&[1, 4, 2, 2], 6)?, noise(&[1, 2, 3, 2], 7)?, noise(&[1, 2, 3, 2], 8)?);
    let sinks = noise(&[4], 9)?;
    let seen = Array::from_slice(&[true, false, true, false, true, true], &[2, 3]);
    let (q64, k64, v64, sinks64) =
        (q.to_vec::<f64>()?, k.to_vec::<f64>()?, v.to_vec::<f64>()?, sinks.to_vec::<f64>()?);
    let run = |mask: Mask<'_>| fast::scaled_dot_product_attention(&q, &k, &v, 0.7, mask);
    assert_close("no mask", &run(Mask::None)?, &attention(&q64, &k64, &v64, |_, _| true, None));
    let causal = |query: usize, key: usize| key <= query + 1;
    assert_close("causal", &run(Mask::Causal)?, &attention(&q64, &k64, &v64, causal, None));
    let by_array = |query: usize, key: usize| [[true, false, true], [false, true, true]][query][key];
    assert_close("a mask", &run(Mask::Array(&seen))?, &attention(&q64, &k64, &v64, by_array, None));
    let with_sinks = fast::scaled_dot_product_attention(&q, &k, &v, 0.7, Mask::Causal.sinks(&sinks))?;
    assert_close("sinks", &with_sinks, &attention(&q64, &k64, &v64, causal, Some(&sinks64)));
    // The CPU has no fused kernel to force; a GPU may have one.
    let forced = fast::scaled_dot_product_attention(&q, &k, &v, 0.7, Mask::None.sinks(&sinks).force_fused());
    assert!(forced.is_err() || mlx::Device::default_device()? == mlx::Device::Gpu);
    Ok(())
}

#[test]
fn the_gated_delta_rule_is_its_recurrence() -> Result<()> {
    let (length, dim, value_dim) = (3, 32usize, 4usize);
    let shape = |heads, dim: usize| [1, length, heads, dim as i32];
    let (q, k, v) =
        (noise(&shape(1, dim), 1)?, noise(&shape(1, dim), 2)? * 0.2, noise(&shape(2, value_dim), 3)?);
    let (gates, beta) = (noise(&[1, length, 2], 4)?.sigmoid()?, noise(&[1, length, 2], 5)?.sigmoid()?);
    let start = noise(&[1, 2, value_dim as i32, dim as i32], 6)?;
    let mask = Array::from_slice(&[true, false, true], &[1, 3]);
    let read = |x: &Array| x.to_vec::<f64>();
    let (q64, k64, v64, g64, b64) = (read(&q)?, read(&k)?, read(&v)?, read(&gates)?, read(&beta)?);
    for masked in [false, true] {
        let (mut state, mut output) = (read(&start)?, vec![]);
        for step in 0..length as usize {
            let (q, k) = (&q64[step * dim..][..dim], &k64[step * dim..][..dim]);
            let keep = masked && step == 1;
            for head in 0..2 {
                for value in 0..value_dim {
                    let row = &mut state[(head * value_dim + value) * dim..][..dim];
                    if !keep {
                        row.iter_mut().for_each(|s| *s *= g64[step * 2 + head]);
                        let held: f64 = row.iter().zip(k).map(|(s, k)| s * k).sum();
                        let change =
                            b64[step * 2 + head] * (v64[(step * 2 + head) * value_dim + value] - held);
                        row.iter_mut().zip(k).for_each(|(s, k)| *s += change * k);
                    }
                    output.push(row.iter().zip(q).map(|(s, q)| s * q).sum::<f64>());
                }
            }
        }
        let options = GatedDelta { state: Some(&start), mask: masked.then_some(&mask) };
        let (given, last) = fast::gated_delta_update(&q, &k, &v, &gates, &beta, options)?;
        assert_close("the state", &last, &state);
        // What comes out where the mask is false has no meaning.
        let at = |y: &[f64], step: usize| y[step * 2 * value_dim..][..2 * value_dim].to_vec();
        for step in (0..length as usize).filter(|&step| !masked || step != 1) {
            assert_close("the output", &given.at((0, step as i32))?, &at(&output, step));
        }
    }
    // Gates per key dimension, all the same, are gates per head.
    let wide = gates.expand_dims(3)?.broadcast_to([1, length, 2, dim as i32])?;
    let (one, _) = fast::gated_delta_update(&q, &k, &v, &gates, &beta, GatedDelta::default())?;
    let (other, _) = fast::gated_delta_update(&q, &k, &v, &wide, &beta, GatedDelta::default())?;
    assert_close("gates", &other, &read(&one)?);
    Ok(())
}

#[test]
fn rope_of_nothing_and_of_one() -> Result<()> {
    let options = RopeOptions { dims: 2, traditional: true, base: 1e4, scale: 1.0, freqs: None };
    assert_eq!(fast::rope(&ones(&[1, 0, 2], Dtype::F32), 5, options)?.to_vec::<f32>()?.len(), 0);
    let x = arange(0.0, 2.0, 1.0, Dtype::F32)?.reshape([1, 1, 2])?;
    assert_eq!(fast::rope(&x, 0, options)?.to_vec::<f32>()?, [0.0, 1.0]);
    Ok(())
}
