//! Attention against the same in double precision, with all scores at once.

mod common;

use common::{Kind, Numbers, Random};
use mlx_cpu::{
    Floats,
    attention::{Attention, Mask, attention},
    heads::Heads,
};

/// Numbers of a shape in which heads come before or after positions, with gaps, and their strides.
fn heads(random: &mut Random, kind: Kind, [batch, heads, length, dim]: [usize; 4]) -> (Numbers, [usize; 3]) {
    let vector = dim + random.pick(&[0, 0, 3]);
    let strides = if random.below(2) == 0 {
        [heads * length * vector, length * vector, vector]
    } else {
        [heads * length * vector + 5, vector, heads * vector]
    };
    (random.numbers(kind, batch * strides[0] + dim, 1.0), strides)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Masking {
    None,
    Causal,
    Bool,
    Additive,
}

/// Strides of [batch, heads, queries, keys] of which some axes repeat, and how many numbers they reach.
fn mask_strides(random: &mut Random, shape: [usize; 4]) -> ([usize; 4], usize) {
    let mut order = [3, 2, 1, 0];
    if random.below(4) == 0 {
        order.swap(0, 1);
    }
    let (mut strides, mut next) = ([0; 4], 1);
    for axis in order {
        if random.below(3) > 0 {
            strides[axis] = next;
            next *= shape[axis];
        }
    }
    (strides, next)
}

/// What attention should give for one query of one head; `see` adds what the mask says to a score.
fn exact(
    x: &Attention<'_>,
    index: [usize; 3],
    arrays: [&[f64]; 3],
    sinks: Option<&[f64]>,
    see: impl Fn(usize, f64) -> f64,
) -> Vec<f64> {
    let [batch, head, query] = index;
    let start = |heads: &Heads<'_>, head: usize, position: usize| {
        batch * heads.strides[0] + head * heads.strides[1] + position * heads.strides[2]
    };
    let kv_head = head / (x.heads / x.kv_heads);
    let q = &arrays[0][start(&x.q, head, query)..][..x.dim];
    let scores: Vec<f64> = (0..x.keys)
        .map(|key| {
            let k = &arrays[1][start(&x.k, kv_head, key)..][..x.dim];
            see(key, q.iter().zip(k).map(|(q, k)| q * k).sum::<f64>() * f64::from(x.scale))
        })
        .collect();
    let sink = sinks.map(|sinks| sinks[head]);
    let most = scores.iter().copied().chain(sink).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = scores.iter().copied().chain(sink).map(|x| (x - most).exp()).sum();
    let mut out = vec![0.0; x.value_dim];
    for (key, score) in scores.iter().enumerate() {
        let v = &arrays[2][start(&x.v, kv_head, key)..][..x.value_dim];
        let weight = (score - most).exp() / total;
        out.iter_mut().zip(v).for_each(|(out, v)| *out += weight * v);
    }
    out
}

/// Tries one random case.
fn check(random: &mut Random, queries: usize, keys: usize, [dim, value_dim]: [usize; 2]) {
    let kind = random.pick(&Kind::ALL);
    let [batch, kv_heads] = [(); 2].map(|()| 1 + random.below(2));
    let heads_count = kv_heads * random.pick(&[1, 1, 2, 3, 5, 8]);
    let (q, q_strides) = heads(random, kind, [batch, heads_count, queries, dim]);
    let (k, k_strides) = heads(random, kind, [batch, kv_heads, keys, dim]);
    let (v, v_strides) = heads(random, kind, [batch, kv_heads, keys, value_dim]);
    let masking = random.pick(&[Masking::None, Masking::Causal, Masking::Bool, Masking::Additive]);
    let (mask_strides, mask_len) = mask_strides(random, [batch, heads_count, queries, keys]);
    let share = random.pick(&[0, 1, 20]);
    let keep: Vec<u8> = (0..mask_len).map(|_| u8::from(random.below(20) >= share)).collect();
    let mask_kind = random.pick(&Kind::ALL);
    let added = Numbers::new(
        mask_kind,
        (0..mask_len).map(|i| if keep[i] == 0 { f32::NEG_INFINITY } else { random.float() }),
    );
    let mask = match masking {
        Masking::None => Mask::None,
        Masking::Causal => Mask::Causal,
        Masking::Bool => Mask::Bool { keep: &keep, strides: mask_strides },
        Masking::Additive => Mask::Additive { values: added.floats(), strides: mask_strides },
    };
    let sink_kind = random.pick(&Kind::ALL);
    let sinks = random.numbers(sink_kind, heads_count, 4.0);
    let with_sinks = random.below(3) == 0;
    // Large factors make the weight of one key nearly 1.
    let scale = random.pick(&[0.125, 0.3, 2.0]);
    let x = Attention {
        batch,
        heads: heads_count,
        kv_heads,
        queries,
        keys,
        dim,
        value_dim,
        q: Heads { values: q.floats(), strides: q_strides },
        k: Heads { values: k.floats(), strides: k_strides },
        v: Heads { values: v.floats(), strides: v_strides },
        scale,
        mask,
        sinks: with_sinks.then(|| sinks.floats()),
    };
    let mut out = Numbers::room(kind, batch * heads_count * queries * value_dim);
    attention(&x, out.floats_mut());

    let arrays = [q.to_f64(), k.to_f64(), v.to_f64()];
    let arrays = [&arrays[0][..], &arrays[1], &arrays[2]];
    let sinks = with_sinks.then(|| sinks.to_f64());
    for row in 0..batch * heads_count * queries {
        let index = [row / queries / heads_count, row / queries % heads_count, row % queries];
        let wanted = exact(&x, index, arrays, sinks.as_deref(), |key, score| {
            let [b, h, i] = index;
            let [bs, hs, is, ks] = mask_strides;
            let at = b * bs + h * hs + i * is + key * ks;
            match masking {
                Masking::None => score,
                Masking::Causal if key + queries <= keys + i => score,
                Masking::Bool if keep[at] > 0 => score,
                Masking::Causal | Masking::Bool => f64::from(f32::MIN),
                Masking::Additive => score + f64::from(added.get(at)),
            }
        });
        for (i, wanted) in wanted.iter().enumerate() {
            let got = f64::from(out.get(row * value_dim + i));
            let limit = wanted.abs() * kind.rounding() + 1e-5;
            assert!(
                (got - wanted).abs() <= limit || (got.is_nan() && wanted.is_nan()),
                "{kind:?} {masking:?} {index:?} of {batch} {heads_count} {queries}, {keys}: {got} for {wanted}"
            );
        }
    }
}

#[test]
fn few_queries_of_all_layouts_and_masks() {
    let mut random = Random::new(9);
    for round in 0..600 {
        let keys = match round % 20 {
            0 => 600 + random.below(3000),
            1 => 0,
            _ => 1 + random.below(200),
        };
        let queries = 1 + random.below(4);
        let dims = [(); 2].map(|()| random.pick(&[16, 64, 80, 128]));
        check(&mut random, queries, keys, dims);
    }
}

#[test]
fn many_queries_of_all_layouts_and_masks() {
    let mut random = Random::new(10);
    for round in 0..300 {
        let queries = random.below(if round % 10 == 0 { 300 } else { 40 });
        let more = random.below(200);
        let keys = random.pick(&[queries, queries, queries + more, queries / 2]);
        let dims = [(); 2].map(|()| random.pick(&[1, 7, 16, 33, 64]));
        check(&mut random, queries, keys, dims);
    }
}

#[test]
fn what_is_not_a_number_reaches_those_who_see_it() {
    for (queries, dim) in [(2, 16), (2, 7), (40, 16)] {
        let keys = 300;
        for special in [f32::NAN, f32::INFINITY] {
            let mut k = vec![0.5; keys * dim];
            k[(keys - 1) * dim] = special;
            let (q, v) = (vec![1.0; queries * dim], vec![1.0; keys * dim]);
            let strides = [0, 0, dim];
            let x = Attention {
                batch: 1,
                heads: 1,
                kv_heads: 1,
                queries,
                keys,
                dim,
                value_dim: dim,
                q: Heads { values: Floats::F32(&q), strides },
                k: Heads { values: Floats::F32(&k), strides },
                v: Heads { values: Floats::F32(&v), strides },
                scale: 1.0,
                mask: Mask::Causal,
                sinks: None,
            };
            let mut out = Numbers::room(Kind::F32, queries * dim);
            attention(&x, out.floats_mut());
            for row in 0..queries {
                let all = (0..dim).map(|i| out.get(row * dim + i));
                if row == queries - 1 {
                    assert!(all.into_iter().all(f32::is_nan), "{special} {queries}");
                } else {
                    assert!(all.into_iter().all(|x| (x - 1.0).abs() < 1e-5), "{special} {queries} {row}");
                }
            }
        }
    }
}
