//! What strangers and browsers may not do. No model is needed.

use super::{
    http::{get, post, raw, read, request},
    program::Server,
};
use serde_json::{Value, json};
use std::{
    io::{ErrorKind, Write},
    net::TcpListener,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const KEY: &str = "correct-horse-battery";

#[test]
fn every_route_needs_the_key() {
    let server = Server::start(&["--api-key", KEY, "--api-key", "another-good-key"]);
    let address = server.address;
    let bearer = format!("Authorization: Bearer {KEY}");
    let document: Value = raw(address, &request("GET", "/openapi.json", &[&bearer], "")).json();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 20);
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let path = path.replace("{model}", "x");
            for key in [
                "X: y",
                "Authorization: Bearer wrong",
                "Authorization: Bearer ",
                "x-api-key: wrong",
                "Authorization: Basic eA==",
            ] {
                let reply = raw(address, &request(&method.to_uppercase(), &path, &[key], "{}"));
                let expected = if path == "/health" { 200 } else { 401 };
                assert_eq!(reply.status, expected, "{method} {path} with {key}");
            }
            let other = "x-api-key: another-good-key".to_owned();
            for key in [&bearer, &other] {
                let reply = raw(address, &request(&method.to_uppercase(), &path, &[key], "{}"));
                assert_ne!(reply.status, 401, "{method} {path} with {key}");
            }
        }
    }
    for path in ["/nowhere", "/v1/nowhere", "/debug/vars", "/../etc/passwd", "/v1/models/..%2f..%2fetc"] {
        assert_eq!(get(address, path).status, 401, "{path}");
        let reply = raw(address, &request("GET", path, &[&bearer], ""));
        assert!([400, 404].contains(&reply.status), "{path}: {reply:?}");
    }
    // The words of each API.
    let refused = |path: &str| post(address, path, &json!({})).json();
    assert_eq!(refused("/v1/chat/completions")["error"]["code"], "invalid_api_key");
    assert_eq!(refused("/v1/messages")["error"]["type"], "authentication_error");
    assert!(refused("/api/chat")["error"].is_string());
    assert!(!server.log().contains(KEY), "the key is in the log");
}

#[test]
fn an_open_address_needs_a_key() {
    let run = |arguments: &[&str]| {
        let program = Command::new(env!("CARGO_BIN_EXE_mlx-lm"))
            .args(["serve", "--port", "0"])
            .args(arguments)
            .output();
        let output = program.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, error) = run(&["--host", "0.0.0.0"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("--api-key"), "{error}");
    let (code, error) = run(&["--api-key", "short"]);
    assert!(code == Some(2) && error.contains("8 printable"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "correct-horse-battery\n").unwrap();
    std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let (code, error) = run(&["--api-key-file", file.path().to_str().unwrap()]);
    assert!(code == Some(2) && error.contains("chmod 600"), "{error}");
}

#[test]
fn foreign_hosts_and_pages_are_refused() {
    let server = Server::start(&["--allow-host", "llm.example", "--allow-origin", "https://good.example"]);
    let address = server.address;
    for (host, status) in [
        ("localhost", 200),
        ("LOCALHOST.:8080", 200),
        ("127.0.0.1:9", 200),
        ("[::1]:80", 200),
        ("llm.example", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("evil.example:8080", 403),
        ("192.168.1.5", 403),
        ("localhost\r\nHost: evil.example", 403),
        ("", 403),
    ] {
        let reply = raw(address, &request("GET", "/v1/models", &[&format!("Host: {host}")], ""));
        assert_eq!(reply.status, status, "{host:?}");
    }
    let without = raw(address, b"GET /v1/models HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!([400, 403].contains(&without.status), "{without:?}");
    for (origin, status) in [
        ("http://localhost:3000", 200),
        ("http://127.0.0.1", 200),
        ("https://good.example", 200),
        ("https://evil.example", 403),
        ("https://good.example.evil.example", 403),
        ("null", 403),
        ("file://", 403),
    ] {
        let headers = [&*format!("Origin: {origin}")];
        let reply = raw(address, &request("GET", "/v1/models", &headers, ""));
        assert_eq!(reply.status, status, "{origin}");
        let expected = (status == 200).then_some(origin);
        assert_eq!(reply.header("access-control-allow-origin"), expected, "{origin}");
        let preflight = raw(address, &request("OPTIONS", "/v1/chat/completions", &headers, ""));
        assert_eq!(preflight.status, if status == 200 { 204 } else { 403 }, "{origin}");
    }
}

#[test]
fn bodies_have_limits() {
    let server = Server::start(&["--max-body", "1"]);
    let address = server.address;
    let send =
        |headers: &[&str], body: &str| raw(address, &request("POST", "/v1/chat/completions", headers, body));
    for (header, status) in [
        ("Content-Type: text/plain", 415),
        ("Content-Type: application/x-www-form-urlencoded", 415),
        ("Content-Type: multipart/form-data", 415),
        ("Content-Encoding: gzip", 415),
        ("Content-Type: application/json; charset=utf-8", 400),
    ] {
        assert_eq!(send(&[header], "{}").status, status, "{header}");
    }
    let large = format!("{{\"model\": \"{}\"}}", "x".repeat(2 << 20));
    let reply = send(&[], &large);
    assert_eq!((reply.status, &*reply.json()["error"]["code"].to_string()), (413, "\"request_too_large\""));
    let chunked = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    assert_eq!(send(&["Transfer-Encoding: chunked"], &chunked).status, 413, "without a length");

    let impatient = Server::start(&["--body-timeout", "1"]);
    let mut slow = super::http::connect(impatient.address);
    slow.write_all(&request("POST", "/api/chat", &["Content-Length: 1000"], "{\"model\"")).unwrap();
    assert_eq!(read(slow).status, 408);

    for body in
        ["", "{", "[]", "null", "{\"model\": 1e999}", "{\"model\": NaN}", "\u{0}", &"[".repeat(100_000)]
    {
        assert_eq!(send(&[], body).status, 400, "{body:.20}");
    }
    let many = (0..200).map(|i| format!("X-{i}: y")).collect::<Vec<_>>();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(raw(address, &request("GET", "/v1/models", &many, "")).status, 431, "too many headers");
    assert_eq!(get(address, "/health").status, 200);
}

#[test]
fn names_are_no_paths_and_nothing_is_fetched() {
    let hub = TcpListener::bind("127.0.0.1:0").unwrap();
    hub.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", hub.local_addr().unwrap());
    let server = Server::start_in(&[("HF_ENDPOINT", &endpoint)], &[]);
    let chat = |model: &str| {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "x"}]});
        post(server.address, "/v1/chat/completions", &body)
    };
    for name in [
        "../../etc/passwd",
        "/etc/passwd",
        "./x",
        "~/x",
        "a//b",
        "http://169.254.169.254/latest",
        "a\u{0}b",
        "%2e%2e%2fx",
        "C:\\x",
        "",
        "é",
    ] {
        let reply = chat(name);
        assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!("model")), "{name:?}");
    }
    // Missing and forbidden are told alike: the network is not asked.
    for name in
        ["no-one/nothing", "no-such-model", "src", "Cargo.toml", "tests/fixtures", "no-one/nothing@main"]
    {
        let reply = chat(name);
        assert_eq!(
            (reply.status, &reply.json()["error"]["code"]),
            (404, &json!("model_not_found")),
            "{name}"
        );
    }
    assert_eq!(hub.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody asked the hub");
    let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://169.254.169.254/"}}]}]);
    let reply = post(server.address, "/v1/chat/completions", &json!({"model": "x", "messages": image}));
    assert_eq!((reply.status, &reply.json()["error"]["param"]), (400, &json!("messages[0].content[0].type")));
}

#[test]
fn strangers_change_no_models() {
    let server = Server::start(&["--manage-models", "false"]);
    for (method, path) in [("POST", "/api/pull"), ("DELETE", "/api/delete"), ("POST", "/api/copy")] {
        let body = if path == "/api/copy" {
            r#"{"source": "a", "destination": "b"}"#
        } else {
            r#"{"model": "a/b"}"#
        };
        let reply = raw(server.address, &request(method, path, &[], body));
        assert_eq!(reply.status, 403, "{path}: {reply:?}");
    }
}

#[test]
fn ids_in_the_log_are_harmless() {
    let server = Server::start(&[]);
    let id = |given: &str| {
        let reply = raw(server.address, &request("GET", "/health", &[&format!("X-Request-Id: {given}")], ""));
        reply.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("abc-123_x.y"), "abc-123_x.y");
    for hostile in ["a b", "a;b", &"x".repeat(65)] {
        assert!(id(hostile).starts_with("req_"), "{hostile:?}");
    }
    let page = get(server.address, "/");
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert!(!page.body.contains("http://") && !page.body.contains("https://"), "the page asks nobody else");
}

#[test]
fn a_runner_ends_with_its_front() {
    let mut runner = Command::new(env!("CARGO_BIN_EXE_mlx-lm"))
        .arg("runner")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(runner.stdin.take());
    let began = Instant::now();
    while runner.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(300), "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}
