//! With a draft, a sequence gets the tokens that it gets without.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{prompt, tiny_folder, tiny_model};
use mlx::nn::Quantization;
use mlx_lm::{
    Lm, Penalties, Sampling,
    generate::{Draft, KvOptions, Speculative, TokenOptions, Tokens},
    models::LanguageModel,
    source::Location,
};

fn alone(model: &dyn LanguageModel, prompt: &[u32], options: TokenOptions) -> Vec<u32> {
    Tokens::new(model, prompt, options).unwrap().collect::<Result<_, _>>().unwrap()
}

/// The tokens, and how many of them had been guessed.
fn drafted(
    model: &dyn LanguageModel,
    prompt: &[u32],
    options: TokenOptions,
    draft: Draft<'_>,
) -> (Vec<u32>, usize) {
    let mut sequence = Speculative::new(model, prompt, options, None, draft).unwrap();
    let mut tokens = vec![];
    loop {
        let round = sequence.round().unwrap();
        tokens.extend(round.iter().map(|token| token.id));
        if round.is_empty() {
            // All tokens but the last have passed.
            let passed = [prompt, &tokens].concat();
            assert_eq!(sequence.snapshot().tokens, passed[..passed.len() - 1]);
            return (tokens, sequence.accepted());
        }
    }
}

fn cases() -> Vec<TokenOptions> {
    let plain = TokenOptions { max_tokens: 30, prefill_step: 7, ..TokenOptions::default() };
    let sampling = Sampling { temperature: 0.7, top_p: 0.95, seed: 5, ..Sampling::default() };
    let penalties = Penalties { repetition: 1.2, frequency: 0.1, ..Penalties::default() };
    vec![
        plain.clone(),
        TokenOptions { sampling, ..plain.clone() },
        TokenOptions {
            penalties,
            min_tokens: 20,
            stop_ids: vec![3, 5, 9],
            logprobs: Some(2),
            ..plain.clone()
        },
        TokenOptions { kv: KvOptions { max_size: Some(24), ..KvOptions::default() }, ..plain.clone() },
        TokenOptions { max_tokens: 1, ..plain },
    ]
}

/// Windows of eight tokens among the layers of some of these; the sequences are many times as long.
const FAMILIES: [&str; 5] = ["llama", "gemma3_text", "cohere2", "gpt_oss", "deepseek_v3"];

#[test]
fn a_draft_model_changes_nothing() {
    for family in FAMILIES {
        let model = tiny_model(family, None);
        let other = tiny_model("llama", None);
        for (i, options) in cases().into_iter().enumerate() {
            let prompt = prompt(i as u32, 3 + 9 * i);
            let expected = alone(model.as_ref(), &prompt, options.clone());
            for (draft, count) in [(&model, 1), (&model, 4), (&other, 3)] {
                let draft = Draft::Model { model: draft.as_ref(), count };
                let (tokens, accepted) = drafted(model.as_ref(), &prompt, options.clone(), draft);
                assert_eq!(tokens, expected, "{family}, case {i}, {count} guesses");
                // The model's own guesses are right where it is not bounded, but for ties.
                let sure = i < 2 && count == 4 && expected.len() > 20;
                assert!(!sure || accepted * 10 > tokens.len() * 7, "{family}, case {i}: {accepted}");
            }
        }
    }
}

#[test]
fn looking_up_the_text_changes_nothing() {
    for family in FAMILIES {
        let model = tiny_model(family, None);
        let mut guessed = 0;
        for (i, options) in cases().into_iter().enumerate() {
            let mut prompt = prompt(i as u32, 12);
            prompt.extend(prompt.clone());
            let expected = alone(model.as_ref(), &prompt, options.clone());
            let (tokens, accepted) =
                drafted(model.as_ref(), &prompt, options.clone(), Draft::Lookup { count: 5 });
            assert_eq!(tokens, expected, "{family}, case {i}");
            guessed += accepted;
        }
        assert!(guessed > 0, "{family}: not one guess was right");
    }
}

#[test]
fn guesses_do_not_hasten_quantization() {
    let model = tiny_model("qwen3", Some("head_dim"));
    for quantization_start in [0, 20, 27, 28, 29, 30, 45] {
        let quantization = Some(Quantization::affine(32, 2));
        let kv = KvOptions { quantization, quantization_start, ..KvOptions::default() };
        let options = TokenOptions { max_tokens: 40, kv, ..TokenOptions::default() };
        let prompt = prompt(4, 24);
        let expected = alone(model.as_ref(), &prompt, options.clone());
        for draft in [Draft::Model { model: model.as_ref(), count: 5 }, Draft::Lookup { count: 5 }] {
            let (tokens, _) = drafted(model.as_ref(), &prompt, options.clone(), draft);
            assert_eq!(tokens, expected, "from {quantization_start} on");
        }
    }
}

#[test]
fn a_recurrent_model_goes_on_without_a_draft_and_says_so() {
    let folder = tiny_folder("lfm2", &[]);
    let lm = Lm::open(&Location::Folder(folder.path().into())).unwrap();
    let request = || lm.generate(prompt(1, 9)).max_tokens(8);
    let mut generation = request().prompt_lookup(3).start().unwrap();
    assert!(generation.note().unwrap().contains("cannot take guesses back; the draft is not used"));
    let text: String = generation.by_ref().map(|piece| piece.unwrap().text).collect();
    assert_eq!(text, request().text().unwrap());
    assert_eq!(generation.stats().unwrap().drafted_tokens, 0);
}

#[test]
fn senseless_drafts_are_refused() {
    let model = tiny_model("llama", None);
    for count in [0, 33] {
        let draft = Draft::Lookup { count };
        let error =
            Speculative::new(model.as_ref(), &[1], TokenOptions::default(), None, draft).err().unwrap();
        assert!(error.to_string().contains("it must be 1 to 32"), "{error}");
    }
}
