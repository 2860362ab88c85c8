//! HTTP as bytes: a client that can also misbehave.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The data of server-sent events, `[DONE]` excepted.
    pub(crate) fn events(&self) -> Vec<Value> {
        let data = self.body.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// The lines of newline-delimited JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(600))).unwrap();
    stream
}

/// Sends the bytes of a request and reads the answer to its end.
pub(crate) fn raw(address: SocketAddr, request: &[u8]) -> Reply {
    let mut stream = connect(address);
    // A server that has heard enough may close before everything is sent.
    let _ = stream.write_all(request);
    read(stream)
}

pub(crate) fn read(stream: TcpStream) -> Reply {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status in {line:?}"));
    let mut headers = vec![];
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((key, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((key.to_ascii_lowercase(), value.to_owned()));
    }
    let mut reply = Reply { status, headers, body: String::new() };
    let body = match (reply.header("content-length"), reply.header("transfer-encoding")) {
        (Some(length), _) => {
            let mut body = vec![0; length.parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            body
        }
        (None, Some("chunked")) => chunks(&mut reader),
        _ => vec![],
    };
    reply.body = String::from_utf8(body).unwrap();
    reply
}

fn chunks(reader: &mut impl BufRead) -> Vec<u8> {
    let mut body = vec![];
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

/// The bytes of a request with a JSON body.
pub(crate) fn request(method: &str, path: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    let has = |name: &str| headers.iter().any(|header| header.to_ascii_lowercase().starts_with(name));
    if !has("host:") {
        text += "Host: localhost\r\n";
    }
    if !has("content-type:") {
        text += "Content-Type: application/json\r\n";
    }
    if !has("content-length:") && !has("transfer-encoding:") {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    headers
        .iter()
        .filter(|header| !header.ends_with(": -"))
        .for_each(|header| text += &format!("{header}\r\n"));
    (text + "\r\n" + body).into_bytes()
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Reply {
    raw(address, &request("GET", path, &[], ""))
}

pub(crate) fn post(address: SocketAddr, path: &str, body: &Value) -> Reply {
    raw(address, &request("POST", path, &[], &body.to_string()))
}
