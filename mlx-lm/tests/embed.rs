//! Vectors of texts by a tiny model, against Python mlx-lm's features and the formulas of sentence-transformers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{fixtures, read_json, write_pooling, write_tiny_qwen3};
use mlx_lm::{Error, Lm, source::Location};

/// The numbers of vectors are about one.
const TOLERANCE: f32 = 1e-4;

fn vectors(lm: &Lm, texts: Vec<Vec<u32>>) -> Vec<Vec<f32>> {
    let mut embedding = lm.embedding(texts).unwrap();
    while embedding.step().unwrap() {}
    embedding.finish()
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32]) {
    let close = |(a, b): (&f32, &f32)| (a - b).abs() <= TOLERANCE;
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(expected).all(close), "{found:?} instead of {expected:?}");
}

#[test]
fn vectors_are_those_of_sentence_transformers() {
    let folder = tempfile::tempdir().unwrap();
    write_tiny_qwen3(folder.path());
    let location = Location::Folder(folder.path().into());
    let lm = Lm::open(&location).unwrap();
    let error = lm.embed(&["x"]).unwrap_err().to_string();
    assert!(error.contains("the model has no modules.json"), "{error}");

    let texts: Vec<Vec<u32>> =
        serde_json::from_value(read_json("golden/embeddings.json")["texts"].clone()).unwrap();
    let expected = mlx::io::load_safetensors(fixtures().join("golden/embeddings.safetensors")).unwrap();
    for (mode, expected) in expected {
        write_pooling(folder.path(), &mode, false);
        let size = expected.dim(1).unwrap() as usize;
        let expected = expected.to_vec::<f32>().unwrap();
        let found = vectors(&lm, texts.clone());
        assert_eq!(found.len(), texts.len());
        for (found, expected) in found.iter().zip(expected.chunks(size)) {
            assert_close(found, expected);
        }
        // Together or alone, long or short: a text has one vector.
        assert_close(&vectors(&lm, vec![texts[1].clone()])[0], &found[1]);
    }

    write_pooling(folder.path(), "lasttoken", true);
    let vector = &lm.embed(&["The capital of France"]).unwrap()[0];
    let length: f32 = vector.iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-5, "{length}");
}

/// As models that only make vectors are published: without a head, and without the name of what is below it.
#[test]
fn checkpoints_of_layers_alone_are_read() {
    let folder = tempfile::tempdir().unwrap();
    write_tiny_qwen3(folder.path());
    write_pooling(folder.path(), "lasttoken", true);
    let location = Location::Folder(folder.path().into());
    let expected = Lm::open(&location).unwrap().embed(&["Paris"]).unwrap();

    let file = folder.path().join("model.safetensors");
    let tensors = mlx::io::load_safetensors(&file).unwrap();
    mlx::eval(tensors.values()).unwrap();
    let arrays = tensors.iter().map(|(name, array)| (name.strip_prefix("model.").unwrap(), array));
    let bare = folder.path().join("bare");
    mlx::io::save_safetensors(&bare, arrays, &[]).unwrap();
    std::fs::rename(bare, file).unwrap();
    let mut config = read_json("golden/embeddings.json")["config"].clone();
    config["tie_word_embeddings"] = false.into();
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    assert_eq!(Lm::open(&location).unwrap().embed(&["Paris"]).unwrap(), expected);
}

#[test]
fn texts_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_tiny_qwen3(folder.path());
    write_pooling(folder.path(), "mean", true);
    let lm = Lm::open(&Location::Folder(folder.path().into())).unwrap();
    assert!(matches!(lm.embedding(vec![vec![1; 32769]]), Err(Error::ContextLength { limit: 32768, .. })));
    assert!(matches!(lm.embedding(vec![vec![1], vec![]]), Err(Error::Invalid(_))));
    assert!(matches!(lm.embedding(vec![vec![49152]]), Err(Error::Invalid(_))));
    assert!(vectors(&lm, vec![]).is_empty());
}
