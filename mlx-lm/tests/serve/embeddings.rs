//! Vectors of texts, by the APIs that have them: a tiny model, and the clients unmodified.

use super::{
    common::{read_json, write_pooling, write_tiny_qwen3},
    http::post,
    program::{MODEL, Server},
    python::{interpreter, script},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::path::Path;

fn serve(folder: &Path) -> Server {
    write_tiny_qwen3(folder);
    write_pooling(folder, "lasttoken", true);
    Server::start(&["--model", &format!("e={}", folder.display()), "--model", MODEL, "--context", "1024"])
}

fn numbers(vector: &Value) -> Vec<f64> {
    vector.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn texts_have_vectors() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let ask = |path: &str, more: Value| {
        let mut body = json!({"model": "e"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        post(server.address, path, &body)
    };
    let openai = |more: Value| ask("/v1/embeddings", more).json();

    // Texts and their tokens have the same vectors, in the order of the request.
    let texts = ["Paris", "The capital of France", "Paris"];
    let reply = openai(json!({"input": texts}));
    let data = reply["data"].as_array().unwrap();
    let vectors: Vec<Vec<f64>> = data.iter().map(|entry| numbers(&entry["embedding"])).collect();
    assert!(data.iter().enumerate().all(|(i, entry)| entry["index"] == i && entry["object"] == "embedding"));
    assert_eq!((vectors.len(), vectors[0].len()), (3, 32), "{reply}");
    assert!(vectors.iter().all(|vector| (length(vector) - 1.0).abs() < 1e-5));
    assert!(vectors[0] == vectors[2] && vectors[0] != vectors[1]);
    let tokens: Vec<Value> = texts
        .iter()
        .map(|text| ask("/tokenize", json!({"content": text, "add_special": true})).json()["tokens"].clone())
        .collect();
    let count: usize = tokens.iter().map(|tokens| tokens.as_array().unwrap().len()).sum();
    assert_eq!(reply["usage"], json!({"prompt_tokens": count, "total_tokens": count}));
    assert_eq!(openai(json!({"input": tokens}))["data"], reply["data"]);
    assert_eq!(openai(json!({"input": tokens[1]}))["data"][0]["embedding"], data[1]["embedding"]);

    // The same numbers as bytes, and fewer of them, which are one long again.
    let coded = openai(json!({"input": texts[1], "encoding_format": "base64"}));
    let bytes = STANDARD.decode(coded["data"][0]["embedding"].as_str().unwrap()).unwrap();
    let (words, _) = bytes.as_chunks::<4>();
    let read: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
    let written: Vec<f32> = vectors[1].iter().map(|x| *x as f32).collect();
    assert_eq!(read, written);
    let short = numbers(&openai(json!({"input": texts[1], "dimensions": 8}))["data"][0]["embedding"]);
    let scale = length(&vectors[1][..8]);
    assert_eq!(short.len(), 8);
    assert!(short.iter().zip(&vectors[1]).all(|(a, b)| (a - b / scale).abs() < 1e-6));

    // A text that is too long is cut, or refused.
    let long = "word ".repeat(2000);
    let cut = ask("/api/embed", json!({"input": long})).json();
    assert_eq!(cut["prompt_eval_count"], 1024, "{cut}");
    assert_eq!(ask("/api/embed", json!({"input": long, "truncate": false})).status, 400);
    assert_eq!(openai(json!({"input": long}))["error"]["code"], "context_length_exceeded");
    let ollama = ask("/api/embed", json!({"input": texts})).json();
    assert_eq!(numbers(&ollama["embeddings"][1]), vectors[1]);
    let shown = post(server.address, "/api/show", &json!({"model": "e"})).json();
    assert!(shown["capabilities"].as_array().unwrap().contains(&json!("embedding")), "{shown}");
    refusals(&server);
}

fn refusals(server: &Server) {
    for (body, param) in [
        (json!({"model": "e", "input": []}), "input"),
        (json!({"model": "e", "input": ""}), "input"),
        (json!({"model": "e", "input": [49152]}), "input"),
        (json!({"model": "e", "input": "x", "dimensions": 33}), "dimensions"),
        (json!({"model": "e", "input": "x", "dimensions": 0}), "dimensions"),
        (json!({"model": "e", "input": "x", "encoding_format": "hex"}), "encoding_format"),
        (json!({"model": MODEL, "input": "x"}), "model"),
    ] {
        let reply = post(server.address, "/v1/embeddings", &body);
        assert_eq!(
            (reply.status, &reply.json()["error"]["param"]),
            (400, &json!(param)),
            "{body}: {reply:?}"
        );
    }
}

/// The vectors that the clients get are those of the model whose fixture Python made.
#[test]
fn clients_get_vectors() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let python = interpreter("clients.txt");
    let size = read_json("golden/embeddings.json")["config"]["hidden_size"].to_string();
    let url = format!("http://{}", server.address);
    script(&python, "embeddings.py", &[&url, "e", &size], || server.log());
}
