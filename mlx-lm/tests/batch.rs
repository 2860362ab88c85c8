//! Sequences that are generated together get what each gets alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{fixtures, prompt, read_json, tiny_model};
use mlx::Array;
use mlx_lm::{
    Penalties, Sampling,
    generate::{Decoded, Dry, Id, KvOptions, Snapshot, TokenBatch, TokenOptions, Tokens},
    models::LanguageModel,
};
use std::collections::BTreeMap;

/// The first tiny model of a family of the golden tests.
fn model(family: &str) -> Box<dyn LanguageModel> {
    tiny_model(family, None)
}

fn families() -> Vec<String> {
    let files = std::fs::read_dir(fixtures().join("golden")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    // Other goldens lie there too.
    names.retain(|name| read_json(&format!("golden/{name}.json"))["models"][0]["tensors"].is_object());
    names.sort();
    names
}

fn options(seed: u32) -> TokenOptions {
    let sampling = match seed % 3 {
        0 => Sampling::default(),
        1 => Sampling { temperature: 0.8, seed: seed.into(), ..Sampling::default() },
        _ => Sampling { temperature: 1.2, top_p: 0.9, top_k: 12, seed: seed.into(), ..Sampling::default() },
    };
    let penalties = match seed % 4 {
        3 => Penalties { repetition: 1.3, dry: Some(Dry::default()), ..Penalties::default() },
        _ => Penalties::default(),
    };
    TokenOptions {
        sampling,
        penalties,
        max_tokens: 6 + (seed as usize * 7) % 20,
        prefill_step: 5,
        keep_cache: true,
        ..TokenOptions::default()
    }
}

fn alone(model: &dyn LanguageModel, prompt: &[u32], options: TokenOptions) -> Vec<u32> {
    Tokens::new(model, prompt, options).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Sequences as they come and go.
#[derive(Default)]
struct Log {
    tokens: BTreeMap<Id, Vec<u32>>,
    snapshots: BTreeMap<Id, Snapshot>,
}

impl Log {
    fn take(&mut self, decoded: Vec<Decoded>) {
        for Decoded { id, token, snapshot } in decoded {
            let token = token.unwrap();
            self.tokens.entry(id).or_default().push(token.id);
            assert_eq!(token.finish.is_some(), snapshot.is_some());
            snapshot.map(|snapshot| self.snapshots.insert(id, snapshot));
        }
    }
}

/// Runs a chunk of a prompt and computes a token for each sequence; both at once, of so many tokens, where that can be. Gives
/// whether it was.
fn advance(batch: &mut TokenBatch<'_>, beside: usize, log: &mut Log) -> bool {
    let is_beside = beside > 0 && batch.running() > 0 && batch.can_run_beside().unwrap();
    if !is_beside {
        batch.prefill().unwrap();
    }
    let advanced = batch.decode_beside(beside).unwrap();
    log.take(advanced.decoded);
    is_beside
}

/// A prompt, the options of its sequence, and the tokens that this gets alone.
type Alone = (Vec<u32>, TokenOptions, Vec<u32>);

#[test]
fn rows_get_the_tokens_they_would_get_alone() {
    for family in families() {
        let model = model(&family);
        let model = model.as_ref();
        let alone = |seed: u32| {
            let prompt = prompt(seed, 1 + (seed as usize * 11) % 26);
            let tokens = alone(model, &prompt, options(seed));
            (prompt, options(seed), tokens)
        };
        let all: Vec<Alone> = (0..7).map(alone).collect();
        assert_eq!(run_together(model, &all, 0, &family), 0);
        let beside = run_together(model, &all, 3, &family);
        assert!(
            beside > 5 || !matches!(&family[..], "gemma2" | "gpt_oss" | "llama" | "qwen3_moe"),
            "{family}"
        );
    }
}

/// Prompts of which up to `beside` tokens run with steps of decoding; gives how often that was.
fn run_together(model: &dyn LanguageModel, all: &[Alone], beside: usize, family: &str) -> usize {
    let mut ran = 0;
    let mut batch = TokenBatch::new(model);
    let (mut log, mut expected) = (Log::default(), BTreeMap::new());
    for (i, (prompt, options, tokens)) in all.iter().enumerate() {
        let id = batch.add(prompt, options.clone(), None).unwrap();
        expected.insert(id, (prompt, tokens));
        // Sequences join while others are in the middle.
        for _ in 0..1 + i % 3 {
            ran += usize::from(advance(&mut batch, beside, &mut log));
        }
    }
    while !batch.is_empty() {
        ran += usize::from(advance(&mut batch, beside, &mut log));
    }
    for (id, (prompt, expected)) in expected {
        assert_eq!(log.tokens[&id], *expected, "{family}, {id:?}");
        let passed = [&prompt[..], expected].concat();
        let snapshot = &log.snapshots[&id];
        assert_eq!(snapshot.tokens, passed[..passed.len() - 1], "{family}, {id:?}");
        assert_eq!(snapshot.cache.offset().max() as usize, snapshot.tokens.len(), "{family}, {id:?}");
    }
    ran
}

#[test]
fn a_sequence_goes_on_from_what_another_left_behind() {
    for family in ["llama", "gemma3_text", "deepseek_v3"] {
        let model = model(family);
        let model = model.as_ref();
        let (first, second) = (prompt(1, 13), prompt(2, 9));
        let greedy = |checkpoints: Vec<usize>| TokenOptions {
            max_tokens: 12,
            checkpoints,
            keep_cache: true,
            ..TokenOptions::default()
        };
        let mut batch = TokenBatch::new(model);
        let id = batch.add(&first, greedy(vec![7]), None).unwrap();
        let mut log = Log::default();
        let mut checkpoint = None;
        while let Some(prefilled) = batch.prefill().unwrap() {
            checkpoint = prefilled.checkpoint.or(checkpoint);
        }
        let mut running = None;
        while !batch.is_empty() {
            log.take(batch.decode().unwrap());
            if log.tokens.get(&id).is_some_and(|tokens| tokens.len() == 4) {
                running = batch.snapshot(id).unwrap();
            }
        }
        let (checkpoint, running) = (checkpoint.unwrap(), running.unwrap());
        assert_eq!(checkpoint.tokens, first[..7]);
        assert_eq!(running.tokens.len(), first.len() + 4);
        for start in [checkpoint, running, log.snapshots.remove(&id).unwrap()] {
            let mut prompt = start.tokens.clone();
            prompt.extend(&second);
            let mut batch = TokenBatch::new(model);
            let id = batch.add(&prompt, greedy(vec![]), Some(start.clone())).unwrap();
            // The same tokens again: the last one has to run once more.
            let again = batch.add(&start.tokens, greedy(vec![]), Some(start.clone())).unwrap();
            let mut log = Log::default();
            while !batch.is_empty() {
                batch.prefill().unwrap();
                log.take(batch.decode().unwrap());
            }
            assert_eq!(log.tokens[&id], alone(model, &prompt, greedy(vec![])), "{family}");
            assert_eq!(log.tokens[&again], alone(model, &start.tokens, greedy(vec![])), "{family}");
            let error = batch.add(&prompt[1..], greedy(vec![]), Some(start)).unwrap_err().to_string();
            assert!(error.contains("other tokens than the prompt from position 0"), "{error}");
        }
    }
}

#[test]
fn what_is_removed_leaves_the_others_alone() {
    let model = model("llama");
    let model = model.as_ref();
    let mut batch = TokenBatch::new(model);
    let ids: Vec<Id> = (0..4).map(|seed| batch.add(&prompt(seed, 9), options(seed), None).unwrap()).collect();
    let mut log = Log::default();
    for _ in 0..6 {
        batch.prefill().unwrap();
    }
    for _ in 0..4 {
        log.take(batch.decode().unwrap());
    }
    let removed = batch.remove(ids[1]).unwrap().unwrap();
    assert_eq!(removed.tokens.len(), 9 + log.tokens[&ids[1]].len());
    assert!(batch.remove(ids[1]).unwrap().is_none() && batch.snapshot(ids[1]).unwrap().is_none());
    assert!(batch.remove(ids[3]).unwrap().is_some(), "a prompt that still waits");
    let early = log.tokens[&ids[1]].len();
    while !batch.is_empty() {
        batch.prefill().unwrap();
        log.take(batch.decode().unwrap());
    }
    assert_eq!(log.tokens[&ids[1]].len(), early);
    assert!(!log.tokens.contains_key(&ids[3]));
    for seed in [0, 2] {
        assert_eq!(log.tokens[&ids[seed as usize]], alone(model, &prompt(seed, 9), options(seed)));
    }
}

#[test]
fn tokens_that_end_a_sequence_wait_for_its_least_length() {
    let model = model("llama");
    let model = model.as_ref();
    let plain = TokenOptions { max_tokens: 12, ..TokenOptions::default() };
    let free = alone(model, &prompt(5, 8), plain.clone());
    let stopped = TokenOptions { stop_ids: vec![free[3]], ..plain.clone() };
    let end = free.iter().position(|id| *id == free[3]).unwrap();
    assert_eq!(alone(model, &prompt(5, 8), stopped.clone()), free[..=end]);
    let long = alone(model, &prompt(5, 8), TokenOptions { min_tokens: 9, ..stopped });
    assert!(long.len() > 9 && !long[..9].contains(&free[3]), "{long:?}");
}

#[test]
fn log_probabilities_are_the_models() {
    let model = model("llama");
    let model = model.as_ref();
    let prompt = prompt(5, 8);
    let options = TokenOptions {
        sampling: Sampling { temperature: 1.5, top_k: 5, seed: 3, ..Sampling::default() },
        penalties: Penalties { logit_bias: [(2, 1.0)].into(), ..Penalties::default() },
        logprobs: Some(4),
        max_tokens: 5,
        ..TokenOptions::default()
    };
    let mut batch = TokenBatch::new(model);
    batch.add(&prompt, options, None).unwrap();
    let mut history = prompt;
    while !batch.is_empty() {
        batch.prefill().unwrap();
        for decoded in batch.decode().unwrap() {
            let token = decoded.token.unwrap();
            let tokens = mlx::Array::from_slice(&history, &[1, history.len() as i32]);
            let logits = model.forward(&tokens, &mut model.new_cache()).unwrap().at((0, -1)).unwrap();
            let logits = logits.to_vec::<f32>().unwrap();
            let sum = logits.iter().map(|x| f64::from(*x).exp()).sum::<f64>().ln();
            let logprob = |id: u32| (f64::from(logits[id as usize]) - sum) as f32;
            let mut order: Vec<u32> = (0..logits.len() as u32).collect();
            order.sort_by(|a, b| logprob(*b).total_cmp(&logprob(*a)));
            let found = token.logprobs.unwrap();
            assert!((found.logprob - logprob(token.id)).abs() < 1e-4);
            assert_eq!(found.top.iter().map(|(id, _)| *id).collect::<Vec<_>>(), order[..4]);
            assert!(found.top.iter().all(|(id, value)| (value - logprob(*id)).abs() < 1e-4));
            history.push(token.id);
        }
    }
}

#[test]
fn a_bounded_cache_takes_no_more_memory_as_time_passes() {
    let model = model("llama");
    let options = TokenOptions {
        max_tokens: 2000,
        kv: KvOptions { max_size: Some(64), ..KvOptions::default() },
        ..TokenOptions::default()
    };
    let mut batch = TokenBatch::new(model.as_ref());
    batch.add(&prompt(1, 9), options, None).unwrap();
    let (mut early, mut late, mut steps) = (0, 0, 0);
    while !batch.is_empty() {
        batch.prefill().unwrap();
        batch.decode().unwrap();
        steps += 1;
        let most = if steps < 1000 { &mut early } else { &mut late };
        *most = batch.cache_bytes().unwrap().max(*most);
    }
    assert!(steps >= 2000 && late <= early, "{early} bytes, then {late}");
}

#[test]
fn embeddings_stand_in_for_their_tokens() {
    for family in ["llama", "gemma3_text"] {
        let model = model(family);
        let model = model.as_ref();
        let options = TokenOptions { max_tokens: 7, prefill_step: 4, ..TokenOptions::default() };
        let table = model.parameters()["model.embed_tokens.weight"].clone();
        let mut batch = TokenBatch::new(model);
        let mut expected = BTreeMap::new();
        for (seed, length) in [(1, 1), (2, 11), (3, 5)] {
            let prompt = prompt(seed, length);
            let ids = Array::from_slice(&prompt, &[1, length as i32]);
            let id = batch.add_embeddings(table.take(&ids, 0).unwrap(), options.clone()).unwrap();
            expected.insert(id, alone(model, &prompt, options.clone()));
        }
        let mut found = BTreeMap::<Id, Vec<u32>>::new();
        while !batch.is_empty() {
            batch.prefill().unwrap();
            for Decoded { id, token, .. } in batch.decode().unwrap() {
                found.entry(id).or_default().push(token.unwrap().id);
            }
        }
        assert_eq!(found, expected, "{family}");
        let error = batch.add_embeddings(mlx::zeros(&[2, 3], mlx::Dtype::F32), options).unwrap_err();
        assert!(error.to_string().contains("[2, 3] are not [1, length, features]"), "{error}");
    }
}
