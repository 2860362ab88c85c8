//! Every API, whole and as a stream, over the real model.

use super::{
    http::{Reply, get, post, raw, request},
    program::{MODEL, Server},
};
use serde_json::{Value, json};

const QUESTION: &str = "What is the capital of France?";
const ANSWER: &str = "The capital of France is Paris.";

fn ask(more: &Value) -> Value {
    let mut body = json!({"model": MODEL, "messages": [{"role": "user", "content": QUESTION}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[track_caller]
fn ok(reply: Reply) -> Value {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

#[test]
fn apis_answer() {
    let server = Server::with_model(&["--context", "1024"]);
    openai_chat(&server);
    openai_stream(&server);
    choices_and_seeds(&server);
    logprobs(&server);
    structured(&server);
    completions(&server);
    responses(&server);
    anthropic(&server);
    ollama(&server);
    ollama_models(&server);
    text(&server);
    refusals(&server);
    operations(&server);
    keep_alive(&server);
}

fn openai_chat(server: &Server) {
    let reply = ok(post(server.address, "/v1/chat/completions", &ask(&json!({}))));
    assert_eq!(reply["choices"][0]["message"]["content"], ANSWER);
    assert_eq!(reply["choices"][0]["finish_reason"], "stop");
    assert_eq!((&reply["object"], &reply["model"]), (&json!("chat.completion"), &json!(MODEL)));
    assert_eq!(reply["usage"]["prompt_tokens"], 37);
    assert_eq!(reply["usage"]["completion_tokens"], 8);
    let again = ok(post(server.address, "/v1/chat/completions", &ask(&json!({}))));
    assert_eq!(again["choices"][0]["message"]["content"], ANSWER, "from the cached prompt");
    assert_eq!(again["usage"]["prompt_tokens_details"]["cached_tokens"], 36);

    let short = ok(post(server.address, "/v1/chat/completions", &ask(&json!({"max_tokens": 2}))));
    assert_eq!(short["choices"][0]["finish_reason"], "length");
    let stopped = ok(post(server.address, "/v1/chat/completions", &ask(&json!({"stop": [" Paris"]}))));
    assert_eq!(stopped["choices"][0]["message"]["content"], "The capital of France is");
    let banned = ask(&json!({"logit_bias": {"504": -100}, "max_tokens": 4}));
    let banned = ok(post(server.address, "/v1/chat/completions", &banned));
    assert!(banned["choices"][0]["message"]["content"].is_string());
}

fn openai_stream(server: &Server) {
    let body = ask(&json!({"stream": true, "stream_options": {"include_usage": true}}));
    let reply = post(server.address, "/v1/chat/completions", &body);
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    assert!(reply.body.ends_with("data: [DONE]\n\n"));
    let events = reply.events();
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    let text: String = events.iter().filter_map(|e| e["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, ANSWER);
    let reasons: Vec<_> = events.iter().filter_map(|e| e["choices"][0]["finish_reason"].as_str()).collect();
    assert_eq!(reasons, ["stop"]);
    let last = events.last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]["completion_tokens"]), (&json!([]), &json!(8)));
    let ids: std::collections::BTreeSet<_> = events.iter().map(|e| e["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1);
}

fn choices_and_seeds(server: &Server) {
    let body = ask(&json!({"n": 3, "temperature": 1.5, "seed": 11, "max_tokens": 12}));
    let texts = || {
        let reply = ok(post(server.address, "/v1/chat/completions", &body));
        let choices = reply["choices"].as_array().unwrap().clone();
        choices.iter().map(|c| c["message"]["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = texts();
    assert_eq!(first.len(), 3);
    assert_ne!(first[0], first[1], "each choice has a seed of its own");
    assert_eq!(first, texts(), "and the same one again");
}

fn logprobs(server: &Server) {
    let body = ask(&json!({"logprobs": true, "top_logprobs": 3}));
    let whole = ok(post(server.address, "/v1/chat/completions", &body));
    let tokens = whole["choices"][0]["logprobs"]["content"].as_array().unwrap().clone();
    let text: String = tokens.iter().map(|token| token["token"].as_str().unwrap()).collect();
    assert_eq!(text, ANSWER);
    for token in &tokens {
        let top = token["top_logprobs"].as_array().unwrap();
        assert_eq!((top.len(), &top[0]["token"]), (3, &token["token"]), "greedy takes the best");
        assert!(token["logprob"].as_f64().unwrap() <= 0.0);
    }
    let mut streaming = body.clone();
    streaming["stream"] = json!(true);
    let events = post(server.address, "/v1/chat/completions", &streaming).events();
    let streamed: Vec<Value> = events
        .iter()
        .filter_map(|e| e["choices"][0]["logprobs"]["content"].as_array())
        .flatten()
        .cloned()
        .collect();
    assert_eq!(streamed.len(), tokens.len());
}

fn structured(server: &Server) {
    let schema = json!({
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}, "big": {"type": "boolean"}},
        "required": ["city", "big"], "additionalProperties": false,
    });
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "c", "schema": schema, "strict": true}});
    let reply = ok(post(
        server.address,
        "/v1/chat/completions",
        &ask(&json!({"response_format": format, "max_tokens": 60})),
    ));
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(value["city"].is_string() && value["big"].is_boolean());
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": QUESTION}], "format": schema, "stream": false});
    let reply = ok(post(server.address, "/api/chat", &body));
    assert!(serde_json::from_str::<Value>(reply["message"]["content"].as_str().unwrap()).is_ok());
    let broken = json!({"type": "json_schema", "json_schema": {"schema": {"type": "no such type"}}});
    let reply = post(server.address, "/v1/chat/completions", &ask(&json!({"response_format": broken})));
    assert_eq!(reply.status, 400, "no grammar, no answer: {reply:?}");
}

fn completions(server: &Server) {
    let body =
        json!({"model": MODEL, "prompt": ["One, two, three,", "The sky"], "max_tokens": 6, "logprobs": 2});
    let reply = ok(post(server.address, "/v1/completions", &body));
    assert_eq!(reply["choices"].as_array().unwrap().len(), 2);
    assert_eq!(reply["choices"][0]["text"], " four, five, six,");
    assert_eq!(reply["choices"][0]["logprobs"]["tokens"].as_array().unwrap().len(), 6);
    let body = json!({"model": MODEL, "prompt": "One, two, three,", "max_tokens": 6, "stream": true});
    let events = post(server.address, "/v1/completions", &body).events();
    let text: String = events.iter().filter_map(|e| e["choices"][0]["text"].as_str()).collect();
    assert_eq!(text, " four, five, six,");
}

fn responses(server: &Server) {
    let body = json!({"model": MODEL, "input": QUESTION, "metadata": {"a": "b"}});
    let reply = ok(post(server.address, "/v1/responses", &body));
    assert_eq!(reply["output"][0]["content"][0]["text"], ANSWER);
    assert_eq!((&reply["status"], &reply["metadata"]["a"]), (&json!("completed"), &json!("b")));
    let body = json!({"model": MODEL, "input": [{"role": "user", "content": QUESTION}], "stream": true});
    let events = post(server.address, "/v1/responses", &body).events();
    let kinds: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], *kinds.last().unwrap()), ("response.created", "response.completed"));
    let numbers: Vec<u64> = events.iter().map(|e| e["sequence_number"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq(0..numbers.len() as u64));
    let text: String = events
        .iter()
        .filter(|e| e["type"] == "response.output_text.delta")
        .filter_map(|e| e["delta"].as_str())
        .collect();
    assert_eq!(text, ANSWER);
}

fn anthropic(server: &Server) {
    let body = ask(
        &json!({"max_tokens": 50, "system": [{"type": "text", "text": "x-anthropic-billing-header: 1"}]}),
    );
    let reply = ok(post(server.address, "/v1/messages", &body));
    assert_eq!(reply["content"], json!([{"type": "text", "text": ANSWER}]));
    assert_eq!((&reply["type"], &reply["stop_reason"]), (&json!("message"), &json!("end_turn")));
    let mut streaming = body.clone();
    streaming["stream"] = json!(true);
    let events = post(server.address, "/v1/messages?beta=true", &streaming).events();
    let kinds: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(&kinds[..2], ["message_start", "content_block_start"]);
    assert_eq!(&kinds[kinds.len() - 3..], ["content_block_stop", "message_delta", "message_stop"]);
    let text: String = events.iter().filter_map(|e| e["delta"]["text"].as_str()).collect();
    assert_eq!(text, ANSWER);
    let stopped = ask(&json!({"max_tokens": 50, "stop_sequences": [" Paris"]}));
    let stopped = ok(post(server.address, "/v1/messages", &stopped));
    assert_eq!(
        (&stopped["stop_reason"], &stopped["stop_sequence"]),
        (&json!("stop_sequence"), &json!(" Paris"))
    );
    let count = ok(post(server.address, "/v1/messages/count_tokens", &ask(&json!({}))));
    assert_eq!(count["input_tokens"], 37);
    let prefilled = json!({"model": MODEL, "max_tokens": 3, "messages": [
        {"role": "user", "content": QUESTION}, {"role": "assistant", "content": "The capital of"}]});
    let reply = ok(post(server.address, "/v1/messages", &prefilled));
    assert_eq!(reply["content"][0]["text"], " France is Paris");
    let reply =
        post(server.address, "/v1/messages", &json!({"model": MODEL, "messages": [], "max_tokens": 1}));
    assert_eq!((reply.status, &reply.json()["type"]), (400, &json!("error")));
}

fn ollama(server: &Server) {
    let lines = post(server.address, "/api/chat", &ask(&json!({}))).lines();
    let text: String = lines.iter().filter_map(|line| line["message"]["content"].as_str()).collect();
    assert_eq!(text, ANSWER);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["done"], &last["done_reason"], &last["eval_count"]),
        (&json!(true), &json!("stop"), &json!(8))
    );
    assert!(last["total_duration"].as_u64().unwrap() > 0);
    let body = json!({"model": MODEL, "prompt": QUESTION, "stream": false, "options": {"num_predict": 3, "num_gpu": 1}});
    let reply = ok(post(server.address, "/api/generate", &body));
    assert_eq!((&reply["response"], &reply["done_reason"]), (&json!("The capital of"), &json!("length")));
    let body = json!({"model": MODEL, "prompt": "One, two, three,", "raw": true, "stream": false, "options": {"num_predict": 2}});
    assert_eq!(ok(post(server.address, "/api/generate", &body))["response"], " four,");
    assert_eq!(ok(post(server.address, "/api/generate", &json!({"model": MODEL})))["done_reason"], "load");
    let reply = post(server.address, "/api/chat", &ask(&json!({"options": {"num_ctx": 10}})));
    assert_eq!(reply.status, 400);
    assert!(reply.json()["error"].as_str().unwrap().contains("37 tokens"));
}

fn ollama_models(server: &Server) {
    let has = |reply: Value| reply["models"].as_array().unwrap().iter().any(|model| model["name"] == MODEL);
    assert!(has(ok(get(server.address, "/api/tags"))) && has(ok(get(server.address, "/api/ps"))));
    let shown = ok(post(server.address, "/api/show", &json!({"model": MODEL})));
    assert_eq!(shown["details"]["family"], "llama");
    assert!(shown["capabilities"].as_array().unwrap().contains(&json!("completion")));
    let copy = post(server.address, "/api/copy", &json!({"source": MODEL, "destination": "other-name"}));
    assert_eq!(copy.status, 200);
    let mut body = ask(&json!({"stream": false}));
    body["model"] = json!("other-name:latest");
    assert_eq!(ok(post(server.address, "/api/chat", &body))["message"]["content"], ANSWER);
    let delete = |name: &str| {
        raw(server.address, &request("DELETE", "/api/delete", &[], &json!({"model": name}).to_string()))
            .status
    };
    assert_eq!((delete("other-name"), delete("other-name"), delete(MODEL)), (200, 404, 403));
    assert!(ok(get(server.address, "/api/version"))["version"].is_string());
}

fn text(server: &Server) {
    let reply = ok(post(server.address, "/tokenize", &json!({"model": MODEL, "content": "Hello, world"})));
    let back = ok(post(server.address, "/detokenize", &json!({"model": MODEL, "tokens": reply["tokens"]})));
    assert_eq!(back["content"], "Hello, world");
    let unknown =
        post(server.address, "/detokenize", &json!({"model": MODEL, "tokens": [1, 4_294_967_295u32]}));
    assert_eq!((unknown.status, &unknown.json()["error"]["param"]), (400, &json!("tokens")));
    let prompt =
        ok(post(server.address, "/apply-template", &ask(&json!({}))))["prompt"].as_str().unwrap().to_owned();
    assert!(prompt.ends_with("<|im_start|>assistant\n"), "{prompt}");
}

fn refusals(server: &Server) {
    for (path, more, param) in [
        ("/v1/chat/completions", json!({"grammar": "x"}), "grammar"),
        (
            "/v1/chat/completions",
            json!({"messages": [{"role": "user", "content": "x", "cache": 1}]}),
            "messages[0].cache",
        ),
        ("/v1/chat/completions", json!({"logit_bias": {"99999999": 1}}), "logit_bias"),
        (
            "/v1/chat/completions",
            json!({"tools": [{"type": "function", "function": {"name": "f"}}]}),
            "tools",
        ),
        ("/v1/embeddings", json!({}), "model"),
    ] {
        let mut body = if path.ends_with("embeddings") {
            json!({"model": MODEL, "input": "x"})
        } else {
            ask(&json!({}))
        };
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = post(server.address, path, &body);
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!(param)), "{reply:?}");
    }
    let long = ask(&json!({"messages": [{"role": "user", "content": "x ".repeat(3000)}]}));
    let reply = post(server.address, "/v1/chat/completions", &long);
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (400, &json!("context_length_exceeded")));
    let endless = json!({"model": MODEL, "content": "a".repeat(1 << 20)});
    let refused = post(server.address, "/tokenize", &endless).json();
    assert_eq!(refused["error"]["code"], "context_length_exceeded", "one word of a million letters");
    assert_eq!(get(server.address, "/v1/chat/completions").status, 405);
    assert_eq!(get(server.address, "/v1/models/no-one/nothing").status, 404);
}

fn operations(server: &Server) {
    assert_eq!(ok(get(server.address, "/health")), json!({"status": "ok"}));
    assert_eq!(ok(get(server.address, "/ready"))["models"], json!([MODEL]));
    let listed = ok(get(server.address, "/v1/models"));
    assert!(listed["data"].as_array().unwrap().iter().any(|model| model["id"] == MODEL));
    assert_eq!(ok(get(server.address, &format!("/v1/models/{MODEL}")))["object"], "model");
    assert!(server.metric("mlx_lm_generated_tokens_total") > 20.0);
    assert!(server.metric("mlx_lm_cached_tokens_total") >= 36.0);
    assert!(server.metric("mlx_lm_models_loaded") == 1.0);
    let log = server.log();
    assert!(
        log.contains("/v1/chat/completions") && !log.contains("capital"),
        "what is said is never logged: {log}"
    );
}

/// A model goes when it is told to, and comes back when it is asked.
fn keep_alive(server: &Server) {
    let loaded = || ok(get(server.address, "/api/ps"))["models"].as_array().unwrap().len();
    let reply = ok(post(server.address, "/api/generate", &json!({"model": MODEL, "keep_alive": 0})));
    assert_eq!(reply["done_reason"], "unload");
    super::program::eventually("the model goes", || loaded() == 0);
    let reply = ok(post(server.address, "/v1/chat/completions", &ask(&json!({"keep_alive": "0s"}))));
    assert_eq!(reply["choices"][0]["message"]["content"], ANSWER);
    super::program::eventually("the model goes again", || loaded() == 0);
}
