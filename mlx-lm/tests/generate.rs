//! The engine with the real SmolLM2-135M: text, batches, grammars and drafts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{Engine, nn::Quantization};
use mlx_lm::{
    Batch, Error, Event, Finish, Lm, Penalties, Request, Sampling, Structure,
    generate::KvOptions,
    source::{DEFAULT_MODEL, SourceOptions, resolve},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// Runs `check` on an engine that holds the model.
fn with_model(check: impl FnOnce(&mut Lm) + Send + 'static) {
    let model = resolve(DEFAULT_MODEL, &SourceOptions::from_env().unwrap()).unwrap();
    let engine = Engine::start("smollm2", move || Lm::open(&model)).unwrap_or_else(|e: Error| panic!("{e}"));
    engine.run(check).unwrap();
}

fn person() -> Structure {
    Structure::JsonSchema(json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": "^[A-Z][a-z]{1,10}$"},
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "likes": {"enum": ["tea", "coffee"]},
        },
        "required": ["name", "age", "likes"],
        "additionalProperties": false,
    }))
}

fn is_person(text: &str) -> bool {
    let person: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let name = person["name"].as_str().unwrap();
    person.as_object().unwrap().len() == 3
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && person["age"].as_i64().is_some_and(|age| (0..=150).contains(&age))
        && ["tea", "coffee"].contains(&person["likes"].as_str().unwrap())
}

/// Requests with nothing in common.
fn requests(lm: &Lm) -> Vec<Request<'_>> {
    let warm = |seed| Sampling { temperature: 0.8, top_p: 0.9, seed, ..Sampling::default() };
    let chat = |text: &str| lm.chat(text).unwrap().max_tokens(24);
    let penalties = Penalties { repetition: 1.3, presence: 0.2, ..Penalties::default() };
    vec![
        chat("What is the capital of France?"),
        chat("Count from one to ten.").stop([" four", "5"]),
        chat("Tell me about a person.")
            .sampling(warm(3))
            .grammar(lm.grammar(&person()).unwrap())
            .max_tokens(250),
        lm.generate("Once upon a time").sampling(warm(1)).max_tokens(20),
        lm.generate("The sea is").penalties(penalties).max_tokens(20),
        chat("Say a colour.").grammar(lm.grammar(&Structure::Regex("(red|green|blue)!".into())).unwrap()),
        chat("Hello!").max_tokens(0),
    ]
}

#[test]
fn a_batch_gives_each_request_its_own_text() {
    with_model(|lm| {
        let expected: Vec<String> = requests(lm).into_iter().map(|request| request.text().unwrap()).collect();
        let mut batch = Batch::new(lm);
        let mut ids = vec![];
        let (mut texts, mut ends) = (BTreeMap::<_, String>::new(), BTreeMap::new());
        for request in requests(lm) {
            ids.push(batch.add(request.keep_cache()).unwrap());
            // Each joins while the ones before are at work.
            for _ in 0..4 {
                listen(batch.step().unwrap(), &mut texts, &mut ends);
            }
        }
        while !batch.is_empty() {
            listen(batch.step().unwrap(), &mut texts, &mut ends);
        }
        for (i, id) in ids.iter().enumerate() {
            assert_eq!(texts.get(id).cloned().unwrap_or_default(), expected[i], "request {i}");
        }
        let (finish, stop) = &ends[&ids[1]];
        assert!(*finish == Finish::Stop && [" four", "5"].contains(&stop.as_deref().unwrap()));
        assert_eq!(ends[&ids[2]].0, Finish::Stop);
        assert_eq!(ends[&ids[3]].0, Finish::Length);
        assert_eq!(ends[&ids[6]].0, Finish::Length);
        assert!(is_person(&expected[2]));
        assert!(["red!", "green!", "blue!"].contains(&expected[5].as_str()), "{}", expected[5]);
    });
}

fn listen(
    events: Vec<Event>,
    texts: &mut BTreeMap<mlx_lm::generate::Id, String>,
    ends: &mut BTreeMap<mlx_lm::generate::Id, (Finish, Option<String>)>,
) {
    for event in events {
        match event {
            Event::Piece { id, piece } => *texts.entry(id).or_default() += &piece.text,
            Event::Finished { id, finish, stop, snapshot, stats } => {
                assert!(snapshot.is_some() || stats.generated_tokens == 0);
                ends.insert(id, (finish, stop));
            }
            Event::Failed { error, .. } => panic!("{error}"),
            Event::Prefilled(_) => {}
        }
    }
}

#[test]
fn grammars_hold_at_any_temperature() {
    with_model(|lm| {
        let person = lm.grammar(&person()).unwrap();
        for seed in 0..4 {
            let sampling = Sampling { temperature: 0.5 + 0.5 * seed as f32, seed, ..Sampling::default() };
            let request = lm.chat("Describe someone.").unwrap().sampling(sampling);
            let text = request.grammar(person.clone()).max_tokens(300).text().unwrap();
            assert!(is_person(&text), "{text}");
        }
        let object = lm.grammar(&Structure::JsonObject).unwrap();
        let text = lm.chat("Give me JSON.").unwrap().grammar(object).max_tokens(60).text().unwrap();
        assert!(text.trim_start().starts_with('{'), "{text}");
        let lark = Structure::Lark("start: NUMBER (\" \" NUMBER)*\nNUMBER: /[0-9]{2}/".into());
        let text =
            lm.chat("Count.").unwrap().grammar(lm.grammar(&lark).unwrap()).max_tokens(9).text().unwrap();
        assert!(text.chars().all(|c| c.is_ascii_digit() || c == ' ') && text.len() > 1, "{text}");
        // A stop string ends what the grammar would let go on.
        let digits = lm.grammar(&Structure::Regex("[0-9]+".into())).unwrap();
        let request = lm.chat("Count.").unwrap().grammar(digits).stop(["2", "0"]).min_tokens(5);
        assert!(!request.text().unwrap().contains(['2', '0']));

        for (structure, message) in [
            (Structure::JsonSchema(json!({"type": "nothing"})), "nothing"),
            (Structure::Regex("(".into()), ""),
            (Structure::Lark("start: missing".into()), "missing"),
        ] {
            let error = lm.grammar(&structure).unwrap_err();
            assert!(matches!(&error, Error::Grammar(text) if text.contains(message)), "{error}");
        }
    });
}

#[test]
fn drafts_change_nothing() {
    with_model(|lm| {
        let lm: &Lm = lm;
        let question = "Repeat after me: the quick brown fox jumps over the lazy dog.";
        let text = "one two three four one two three four one two three four one two";
        let grammar = lm.grammar(&Structure::Regex("( (one|two|three|four))+".into())).unwrap();
        for request in [
            lm.chat(question).unwrap().max_tokens(30),
            lm.generate(text).max_tokens(24),
            lm.generate(text).max_tokens(24).grammar(grammar),
            lm.generate(text).max_tokens(24).stop([" four"]),
        ] {
            let expected = request.clone().text().unwrap();
            for drafted in [request.clone().prompt_lookup(4), request.clone().draft_model(lm, 3).unwrap()] {
                let mut generation = drafted.keep_cache().start().unwrap();
                let found: String = (&mut generation).map(|piece| piece.unwrap().text).collect();
                assert_eq!(found, expected);
                assert!(generation.stats().unwrap().drafted_tokens > 0 && generation.note().is_none());
                let snapshot = generation.take_snapshot().unwrap();
                assert_eq!(snapshot.cache.offset().max() as usize, snapshot.tokens.len());
            }
        }
    });
}

#[test]
fn keys_and_values_may_be_packed_or_few() {
    with_model(|lm| {
        let question = "What is the capital of France?";
        for (max_size, bits, quantization_start) in
            [(None, Some(8), 0), (None, Some(8), 40), (Some(64), None, 0), (Some(40), Some(8), 0)]
        {
            let quantization = bits.map(|bits| Quantization::affine(64, bits));
            let kv = KvOptions { max_size, quantization, quantization_start };
            let text = lm.chat(question).unwrap().kv(kv).max_tokens(12).text().unwrap();
            assert!(text.starts_with("The capital of France is Paris"), "{kv:?}: {text}");
        }
        let too_small = KvOptions { max_size: Some(4), ..KvOptions::default() };
        let error = lm.chat(question).unwrap().kv(too_small).text().unwrap_err().to_string();
        assert!(error.contains("cannot keep the first 4"), "{error}");
    });
}

#[test]
fn time_and_progress_are_told() {
    with_model(|lm| {
        let prompt = "word ".repeat(60);
        let mut generation = lm.generate(prompt.as_str()).prefill_step(16).max_tokens(3).start().unwrap();
        let mut seen = vec![];
        while let Some((done, total)) = generation.prefill().unwrap() {
            seen.push(done);
            assert!(done < total);
        }
        assert!(seen.len() >= 4 && seen.is_sorted(), "{seen:?}");
        assert_eq!(generation.by_ref().count(), 3);
        let stats = generation.stats().unwrap();
        assert_eq!(stats.generated_tokens, 3);
        assert!(
            stats.host.steps >= 3 && stats.host.wait > Duration::ZERO && stats.host.forward > Duration::ZERO
        );

        let request = lm.generate("Once upon a time").max_tokens(1000).time_limit(Duration::from_millis(1));
        let pieces: Vec<_> = request.into_iter().collect::<Result<_, _>>().unwrap();
        assert_eq!(pieces.last().unwrap().finish, Some(Finish::Time));
        assert!(pieces.len() < 10);
    });
}
