//! What goes wrong in the world: processes that die, clients that leave, queues that fill.

use super::{
    http::{connect, get, post, raw, read, request},
    program::{MODEL, Server, eventually, send},
    tools::model_with,
};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

const ANSWER: &str = "The capital of France is Paris.";

fn question() -> Value {
    json!({"model": MODEL, "messages": [{"role": "user", "content": "What is the capital of France?"}]})
}

/// A request that goes on for long.
fn long(more: &Value) -> Value {
    let mut body = json!({"model": MODEL, "prompt": "Once upon a time", "max_tokens": 1500, "stream": true,
                          "logit_bias": {"0": -100, "2": -100}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// Starts a long stream and waits for its first piece.
fn begin(server: &Server, more: &Value) -> TcpStream {
    let mut stream = connect(server.address);
    stream.write_all(&request("POST", "/v1/completions", &[], &long(more).to_string())).unwrap();
    let mut seen = String::new();
    while !seen.contains("data: ") {
        let mut bytes = [0; 512];
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "it ended: {seen}");
        seen += &String::from_utf8_lossy(&bytes[..count]);
    }
    stream
}

fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn answers(server: &Server) {
    let reply = post(server.address, "/v1/chat/completions", &question());
    assert_eq!(reply.json()["choices"][0]["message"]["content"], ANSWER, "{reply:?}");
}

#[test]
fn a_runner_that_dies_costs_its_requests_and_no_more() {
    let server = Server::with_model(&[]);
    let running = begin(&server, &json!({}));
    let runner = server.runner().unwrap();
    send("KILL", runner);
    let end = rest(running);
    assert!(end.contains("model_process_died"), "{end}");
    assert_eq!(get(server.address, "/health").status, 200);
    answers(&server);
    assert_ne!(server.runner(), Some(runner), "another process serves now");
    assert_eq!(server.metric("mlx_lm_runner_deaths_total"), 1.0);
    assert_eq!(get(server.address, "/ready").json()["runner_deaths"], 1);
}

/// Each list contains the one before twice: to compare two of them takes a step, but not in this world.
const NESTED: &str = "{%- set all = namespace(a=[1], b=[1]) %}{% for i in range(60) %}\
    {%- set all.a = [all.a, all.a] %}{% set all.b = [all.b, all.b] %}{% endfor %}{{ all.a == all.b }}";

#[test]
fn a_template_that_does_not_end_costs_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let model = format!("nested={}", model_with(NESTED, folder.path()));
    let server = Server::start(&["--model", &model]);
    let body = json!({"model": "nested", "messages": [{"role": "user", "content": "Hi"}]});
    let reply = post(server.address, "/v1/chat/completions", &body);
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (500, &json!("model_process_died")));
    let body = json!({"model": "nested", "prompt": "One, two,", "max_tokens": 2});
    assert_eq!(post(server.address, "/v1/completions", &body).status, 200);
    assert_eq!(server.metric("mlx_lm_runner_deaths_total"), 1.0);
}

#[test]
fn clients_that_leave_stop_the_work() {
    let server = Server::with_model(&["--batch", "2"]);
    let running = || server.metric("mlx_lm_running");
    let streams = [begin(&server, &json!({})), begin(&server, &json!({}))];
    eventually("both run", || running() == 2.0);
    drop(streams);
    eventually("nothing runs", || running() == 0.0);
    // Without a stream, the request alone tells that its client is there.
    let mut whole = connect(server.address);
    whole
        .write_all(&request("POST", "/v1/completions", &[], &long(&json!({"stream": false})).to_string()))
        .unwrap();
    eventually("it runs", || running() == 1.0);
    drop(whole);
    eventually("nothing runs", || running() == 0.0);
    assert!(server.metric("mlx_lm_requests_cancelled_total") >= 3.0);
    answers(&server);
}

#[test]
fn a_full_queue_refuses_and_late_requests_end() {
    let server = Server::with_model(&["--batch", "1", "--queue", "1"]);
    let first = begin(&server, &json!({}));
    let waiting = thread::spawn({
        let address = server.address;
        move || post(address, "/v1/chat/completions", &question())
    });
    eventually("one waits", || server.metric("mlx_lm_waiting") == 1.0);
    let refused = post(server.address, "/v1/chat/completions", &question());
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &json!("queue_full")));
    assert!(refused.header("retry-after").is_some());
    drop(first);
    assert_eq!(waiting.join().unwrap().json()["choices"][0]["message"]["content"], ANSWER);
    assert_eq!(server.metric("mlx_lm_queue_full_total"), 1.0);

    let server = Server::with_model(&["--request-timeout", "1"]);
    // On a busy machine the time may be over before the first piece.
    let end = post(server.address, "/v1/completions", &long(&json!({})));
    assert!(end.body.contains("deadline_exceeded"), "{end:?}");
    eventually("nothing runs", || server.metric("mlx_lm_running") == 0.0);
    assert_eq!(get(server.address, "/health").status, 200);
}

#[test]
fn many_at_once_get_what_each_would_get_alone() {
    let server = Server::with_model(&["--batch", "4"]);
    let prompts = ["One, two, three,", "The sky is", "Water boils at", "My name is", "A, B, C,", "In 1969,"];
    let ask = |prompt: &str, sampled: bool| {
        let mut body = json!({"model": MODEL, "prompt": prompt, "max_tokens": 24});
        if sampled {
            body["temperature"] = json!(1.0);
            body["seed"] = json!(prompt.len());
        }
        post(server.address, "/v1/completions", &body).json()["choices"][0]["text"].clone()
    };
    let alone: Vec<Value> = prompts.iter().map(|prompt| ask(prompt, false)).collect();
    let together: Vec<Value> = thread::scope(|scope| {
        let ask = &ask;
        let asked: Vec<_> = prompts.iter().map(|prompt| scope.spawn(move || ask(prompt, false))).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn random_trouble_leaves_nothing_behind() {
    let server = Server::with_model(&["--batch", "4", "--queue", "64"]);
    answers(&server);
    thread::scope(|scope| {
        for client in 0..12u64 {
            let address = server.address;
            scope.spawn(move || {
                let body = long(&json!({"max_tokens": 40, "prompt": format!("Story {client}:")})).to_string();
                let bytes = request("POST", "/v1/completions", &[], &body);
                match client % 4 {
                    // Leaves after a while.
                    0 => {
                        let mut stream = connect(address);
                        stream.write_all(&bytes).unwrap();
                        thread::sleep(Duration::from_millis(40 * client));
                    }
                    // Leaves in the middle of its request.
                    1 => connect(address).write_all(&bytes[..bytes.len() / 2]).unwrap(),
                    // Sends what makes no sense.
                    2 => {
                        let reply = raw(address, &request("POST", "/v1/completions", &[], &body[1..]));
                        assert_eq!(reply.status, 400);
                    }
                    // Is well-behaved.
                    _ => {
                        let mut stream = connect(address);
                        stream.write_all(&bytes).unwrap();
                        assert!(read(stream).body.ends_with("data: [DONE]\n\n"));
                    }
                }
            });
        }
    });
    eventually("nothing runs or waits", || {
        server.metric("mlx_lm_running") == 0.0 && server.metric("mlx_lm_waiting") == 0.0
    });
    answers(&server);
    assert_eq!(server.metric("mlx_lm_runner_deaths_total"), 0.0);
}

#[test]
fn a_signal_lets_running_requests_end() {
    let mut server = Server::with_model(&["--drain-timeout", "300"]);
    let running = begin(&server, &json!({"max_tokens": 60}));
    let runner = server.runner().unwrap();
    server.signal("TERM");
    assert!(rest(running).contains("[DONE]"), "it went on to its end");
    assert_eq!(server.wait(), Some(0));
    // Nobody may be there to bury it.
    let command = || std::fs::read_to_string(format!("/proc/{runner}/cmdline")).unwrap_or_default();
    eventually("the runner is gone", || command().is_empty());

    let mut server = Server::with_model(&["--drain-timeout", "1"]);
    let mut running = begin(&server, &json!({}));
    server.signal("INT");
    assert_eq!(server.wait(), Some(0));
    let mut end = vec![];
    // Nobody is left to close the connection in good order.
    let _ = running.read_to_end(&mut end);
    assert!(!String::from_utf8_lossy(&end).contains("[DONE]"), "it was cut off");
}
