use super::{
    reach::{Reach, positions},
    *,
};
use mlx::{
    Dtype, concatenate,
    fast::{Mask, scaled_dot_product_attention},
    nn::quantize,
    random,
};

const HEADS: [i32; 2] = [4, 2];
const DIM: i32 = 32;
const SCALE: f32 = 0.2;

fn layer(reach: Reach) -> LayerCache {
    LayerCache::Attention(AttentionCache::new(reach))
}

fn random(seed: u64, batch: i32, heads: i32, length: i32) -> mlx::Result<Array> {
    random::normal(&[batch, heads, length, DIM], Dtype::F32, &random::key(seed)?)
}

/// Queries, keys and values of a sequence.
struct Sequence {
    q: Array,
    k: Array,
    v: Array,
}

impl Sequence {
    fn new(seed: u64, length: i32) -> mlx::Result<Sequence> {
        let [heads, kv_heads] = HEADS;
        Ok(Sequence {
            q: random(seed, 1, heads, length)?,
            k: random(seed + 1, 1, kv_heads, length)?,
            v: random(seed + 2, 1, kv_heads, length)?,
        })
    }

    fn part(&self, from: i32, to: i32) -> mlx::Result<[Array; 3]> {
        let part = |array: &Array| array.at((.., .., from..to));
        Ok([part(&self.q)?, part(&self.k)?, part(&self.v)?])
    }

    /// Runs the tokens `from..to` through `cache`.
    fn attend(&self, cache: &mut LayerCache, from: i32, to: i32) -> mlx::Result<Array> {
        let [q, k, v] = self.part(from, to)?;
        cache.attend(&q, &k, &v, SCALE, Mask::causal(to - from))
    }

    /// What the tokens `from..to` get when they see all that `reach` says, over plain arrays.
    fn expected(&self, reach: Reach, from: i32, to: i32) -> mlx::Result<Array> {
        let ([q, ..], [_, k, v]) = (self.part(from, to)?, self.part(0, to)?);
        let mask = reach.mask(&positions(0, from, to)?, &positions(0, 0, to)?)?;
        scaled_dot_product_attention(&q, &k, &v, SCALE, Mask::Array(&mask))
    }
}

fn difference(a: &Array, b: &Array) -> mlx::Result<f32> {
    assert_eq!(a.shape()?, b.shape()?);
    (a - b).abs()?.max(..)?.item::<f32>()
}

#[test]
fn every_reach_sees_what_its_mask_shows() -> Result<()> {
    for (seed, reach) in [
        Reach::All,
        Reach::Window { size: 7, keep: 0 },
        Reach::Window { size: 300, keep: 0 },
        Reach::Window { size: 5, keep: 4 },
        Reach::Window { size: 260, keep: 3 },
        Reach::Chunk(50),
    ]
    .into_iter()
    .enumerate()
    {
        let steps = [1, 3, 1, 1, 40, 1, 260, 1, 1, 300, 1, 1, 400, 5, 1, 1];
        let sequence = Sequence::new(10 * seed as u64, steps.iter().sum())?;
        let mut cache = layer(reach);
        let mut start = 0;
        for step in steps {
            assert_eq!(cache.offset().max(), start);
            let found = sequence.attend(&mut cache, start, start + step)?;
            let expected = sequence.expected(reach, start, start + step)?;
            let error = difference(&found, &expected)?;
            assert!(error < 1e-5, "{reach:?}, {step} tokens from {start} on: {error}");
            start += step;
        }
    }
    Ok(())
}

#[test]
fn a_window_holds_a_bounded_number_of_rows() -> Result<()> {
    let mut cache = Cache::new(vec![LayerCache::window(64)]);
    let sequence = Sequence::new(5, 1)?;
    let mut most = 0;
    for _ in 0..3000 {
        let layer = cache.layers_mut().next().expect("a layer");
        sequence.attend(layer, 0, 1)?;
        mlx::eval(cache.arrays())?;
        most = most.max(cache.nbytes()?);
    }
    let row = 2 * HEADS[1] * DIM * 4;
    assert!(most <= (64 + 64 + 256 + 256) * row as usize, "{most}");
    assert_eq!(cache.offset().max(), 3000);
    Ok(())
}

#[test]
fn rows_of_a_batch_get_what_they_would_get_alone() -> Result<()> {
    for reach in [Reach::All, Reach::Window { size: 9, keep: 0 }, Reach::Window { size: 6, keep: 2 }] {
        let lengths = [1, 30, 8, 17];
        let sequences: Vec<Sequence> =
            (0..4).map(|i| Sequence::new(100 + 10 * i, 60)).collect::<mlx::Result<_>>()?;
        let mut alone: Vec<Cache> = vec![];
        for (sequence, length) in sequences.iter().zip(lengths) {
            let mut cache = Cache::new(vec![layer(reach)]);
            sequence.attend(cache.layers_mut().next().expect("a layer"), 0, length)?;
            alone.push(cache);
        }
        let mut batch = alone[0].clone();
        alone[1..].iter().try_for_each(|cache| batch.push(cache.clone()))?;
        let mut rows = vec![0, 1, 2, 3];
        for step in 0..12 {
            if step == 5 {
                batch.remove(1)?;
                rows.remove(1);
            }
            let now: Vec<i32> = rows.iter().map(|&row| lengths[row] + step).collect();
            let Offset::Each(each) = batch.offset() else { panic!("one offset") };
            assert_eq!(each.rows(), now);
            let parts: Vec<[Array; 3]> = rows
                .iter()
                .zip(&now)
                .map(|(&row, &at)| sequences[row].part(at, at + 1))
                .collect::<mlx::Result<_>>()?;
            let stacked =
                |i: usize| concatenate(&parts.iter().map(|part| part[i].clone()).collect::<Vec<_>>(), 0);
            let layer = batch.layers_mut().next().expect("a layer");
            let found = layer.attend(&stacked(0)?, &stacked(1)?, &stacked(2)?, SCALE, Mask::None)?;
            for (i, (&row, &at)) in rows.iter().zip(&now).enumerate() {
                let own = alone[row].layers_mut().next().expect("a layer");
                let expected = sequences[row].attend(own, at, at + 1)?;
                let found = found.at((i as i32..i as i32 + 1,))?;
                assert_eq!(found.to_vec::<f32>()?, expected.to_vec::<f32>()?, "row {row}, step {step}");
            }
        }
    }
    Ok(())
}

#[test]
fn snapshots_and_originals_do_not_see_each_other() -> Result<()> {
    let (one, other) = (Sequence::new(1, 40)?, Sequence::new(7, 40)?);
    let mut cache = layer(Reach::All);
    one.attend(&mut cache, 0, 20)?;
    let mut snapshot = cache.clone();
    one.attend(&mut cache, 20, 30)?;
    other.attend(&mut snapshot, 20, 30)?;
    let found = one.attend(&mut cache, 30, 31)?;
    assert!(difference(&found, &one.expected(Reach::All, 30, 31)?)? < 1e-5);
    let mixed = |a: &Array, b: &Array| concatenate(&[a.at((.., .., ..20))?, b.at((.., .., 20..))?], 2);
    let both = Sequence { q: other.q.clone(), k: mixed(&one.k, &other.k)?, v: mixed(&one.v, &other.v)? };
    let found = other.attend(&mut snapshot, 30, 31)?;
    assert!(difference(&found, &both.expected(Reach::All, 30, 31)?)? < 1e-5);
    Ok(())
}

#[test]
fn what_is_taken_back_leaves_no_trace() -> Result<()> {
    for reach in [Reach::All, Reach::Window { size: 9, keep: 0 }, Reach::Window { size: 6, keep: 2 }] {
        let (sequence, wrong) = (Sequence::new(3, 1200)?, Sequence::new(4, 1200)?);
        let mut cache = Cache::new(vec![layer(reach)]);
        let mut at = 0;
        while at + 20 < 1200 {
            let layer = cache.layers_mut().next().expect("a layer");
            let found = sequence.attend(layer, at, at + 11)?;
            assert!(difference(&found, &sequence.expected(reach, at, at + 11)?)? < 1e-5, "{reach:?} at {at}");
            at += 11;
            wrong.attend(layer, at, at + 5)?;
            cache.trim(5)?;
            assert_eq!(cache.offset().max(), at);
        }
        assert_eq!(cache.can_trim(900), reach == Reach::All);
        assert!(!cache.can_trim(at + 1) && !cache.can_trim(-1));
        if reach != Reach::All {
            let error = cache.trim(900).expect_err("the window is short").to_string();
            assert!(error.contains("cannot go back 900 tokens"), "{error}");
        }
    }
    Ok(())
}

#[test]
fn quantized_attention_is_attention_over_what_was_quantized() -> Result<()> {
    let quantization = Quantization::affine(32, 8);
    let lossy = |array: &Array| quantize(array, quantization)?.dequantize();
    let reaches = [Reach::All, Reach::Window { size: 9, keep: 0 }, Reach::Window { size: 40, keep: 3 }];
    for (reach, planned) in reaches.into_iter().flat_map(|reach| [(reach, true), (reach, false)]) {
        let exact = Sequence::new(50, 700)?;
        let rounded = Sequence { q: exact.q.clone(), k: lossy(&exact.k)?, v: lossy(&exact.v)? };
        let mut cache = Cache::new(vec![layer(reach)]);
        let mut at = 0;
        for (i, step) in [3, 1, 300, 1, 1, 350, 1, 1].into_iter().enumerate() {
            match i {
                0 if planned => cache.quantize(quantization, 4)?,
                2 if !planned => cache.quantize(quantization, 0)?,
                _ => {}
            }
            let layer = cache.layers_mut().next().expect("a layer");
            let found = exact.attend(layer, at, at + step)?;
            let seen = if i < 2 { &exact } else { &rounded };
            let error = difference(&found, &seen.expected(reach, at, at + step)?)?;
            assert!(error < 1e-4, "{reach:?} at {at}: {error}");
            at += step;
        }
    }
    Ok(())
}

#[test]
fn what_is_quantized_stays_as_it_is() -> Result<()> {
    let mut cache = Cache::new(vec![layer(Reach::All)]);
    cache.quantize(Quantization::affine(32, 8), 3)?;
    assert_eq!(cache.tokens_before_quantization(), Some(3));
    let sequence = Sequence::new(70, 3)?;
    sequence.attend(cache.layers_mut().next().expect("a layer"), 0, 3)?;
    assert_eq!(cache.tokens_before_quantization(), None);
    cache.trim(2)?;
    cache.quantize(Quantization::affine(32, 8), 3)?;
    sequence.attend(cache.layers_mut().next().expect("a layer"), 1, 2)?;
    let error = cache.quantize(Quantization::affine(32, 4), 0).expect_err("it has 8 bits").to_string();
    assert!(error.contains("8 bits in groups of 32 already"), "{error}");
    Ok(())
}

#[test]
fn quantized_attention_has_sinks() -> Result<()> {
    let sinks = random::normal(&[HEADS[0]], Dtype::F32, &random::key(9)?)?;
    let sequence = Sequence::new(60, 20)?;
    let (mut plain, mut packed) = (layer(Reach::All), Cache::new(vec![layer(Reach::All)]));
    packed.quantize(Quantization::affine(32, 8), 0)?;
    let [q, k, v] = sequence.part(0, 20)?;
    let expected = plain.attend_with_sinks(&q, &k, &v, SCALE, Mask::Causal, &sinks)?;
    let without = plain.clone().attend_kept(&q, SCALE, Mask::Causal)?;
    let packed = packed.layers_mut().next().expect("a layer");
    let found = packed.attend_with_sinks(&q, &k, &v, SCALE, Mask::Causal, &sinks)?;
    assert!(difference(&found, &expected)? < 0.02);
    assert!(difference(&without, &expected)? > 0.1);
    Ok(())
}

#[test]
fn states_are_stacked_and_taken_apart() -> Result<()> {
    let row = |value: f32, passed: i32| -> Result<Cache> {
        let mut cache = Cache::new(vec![LayerCache::state(2), LayerCache::Nothing]);
        let state = cache.layers_mut().next().expect("a layer").state_mut()?;
        if passed > 0 {
            state.set(1, mlx::full(&[1, 3], value, Dtype::F32));
            state.advance(passed);
        }
        Ok(cache)
    };
    let mut batch = row(1.0, 4)?;
    batch.push(row(0.0, 0)?)?;
    batch.push(row(2.0, 7)?)?;
    let Offset::Each(each) = batch.offset() else { panic!("one offset") };
    assert_eq!(each.rows(), [4, 0, 7]);
    let values = |cache: &mut Cache| -> Result<Vec<f32>> {
        let state = cache.layers_mut().next().expect("a layer").state_mut()?;
        assert!(state.get(0).is_none());
        Ok(state.get(1).expect("was set").at((.., 0))?.to_vec::<f32>()?)
    };
    assert_eq!(values(&mut batch)?, [1.0, 0.0, 2.0]);
    assert_eq!(values(&mut batch.row(2)?)?, [2.0]);
    assert_eq!(values(&mut batch.remove(0)?)?, [1.0]);
    assert_eq!(values(&mut batch)?, [0.0, 2.0]);
    assert!(!batch.can_trim(1) && batch.can_trim(0));
    assert!(batch.row(2).is_err() && batch.remove(2).is_err());
    assert!(batch.push(Cache::new(vec![])).is_err());
    Ok(())
}
