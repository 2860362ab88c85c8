//! A server on this machine that behaves like the Hugging Face hub: listings with checksums, small files from the hub
//! itself, large ones by redirect from a second host, ranges, and the ways in which all this fails.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use sha1::{Digest, Sha1};
use sha2::Sha256;

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A file of the repository.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
    /// Whether it is stored outside git, as weights are.
    pub(crate) large: bool,
}

impl File {
    pub(crate) fn small(name: &str, content: &[u8]) -> File {
        File { name: name.into(), content: content.into(), large: false }
    }

    pub(crate) fn large(name: &str, content: &[u8]) -> File {
        File { name: name.into(), content: content.into(), large: true }
    }

    pub(crate) fn etag(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        if self.large {
            return hex(&Sha256::digest(&self.content));
        }
        let git = [format!("blob {}\0", self.content.len()).as_bytes(), &self.content].concat();
        hex(&Sha1::digest(git))
    }
}

/// What the server has and how it misbehaves.
pub(crate) struct State {
    pub(crate) repo: String,
    pub(crate) files: Vec<File>,
    pub(crate) commit: String,
    /// Sent instead of the listing.
    pub(crate) listing: Option<String>,
    /// Sent instead of anything: status and `X-Error-Code`.
    pub(crate) refuse: Option<(u16, &'static str)>,
    /// Bytes of bodies of large files until connections break; no limit when `None`.
    pub(crate) budget: Option<usize>,
    /// Given anew to each connection once `budget` is spent.
    pub(crate) refill: usize,
    /// Flips the last byte of large files.
    pub(crate) corrupt: bool,
    /// Whether the second host answers ranges.
    pub(crate) ranges: bool,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `hub` or `cdn`.
    pub(crate) host: &'static str,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
}

/// The running server.
pub(crate) struct Hub {
    pub(crate) endpoint: String,
    state: Arc<Mutex<State>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Hub {
    pub(crate) fn new(repo: &str, files: Vec<File>) -> Hub {
        let state = Arc::new(Mutex::new(State {
            repo: repo.into(),
            files,
            commit: COMMIT.into(),
            listing: None,
            refuse: None,
            budget: None,
            refill: 0,
            corrupt: false,
            ranges: true,
        }));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let cdn = serve("cdn", state.clone(), requests.clone(), String::new());
        let endpoint = serve("hub", state.clone(), requests.clone(), cdn);
        Hub { endpoint, state, requests }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The requests since the last call.
    pub(crate) fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

fn serve(
    host: &'static str,
    state: Arc<Mutex<State>>,
    requests: Arc<Mutex<Vec<Request>>>,
    cdn: String,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (state, requests, cdn) = (state.clone(), requests.clone(), cdn.clone());
            thread::spawn(move || {
                let Some(request) = read(host, &stream) else { return };
                requests.lock().unwrap().push(request.clone());
                // A client that has gone away is its own affair.
                let _ = answer(&request, &mut state.lock().unwrap(), &stream, &cdn);
            });
        }
    });
    address
}

fn read(host: &'static str, stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    Some(Request { host, path, headers })
}

fn answer(request: &Request, state: &mut State, stream: &TcpStream, cdn: &str) -> std::io::Result<()> {
    if let Some((status, code)) = state.refuse {
        return send(stream, status, &format!("X-Error-Code: {code}\r\n"), b"no");
    }
    if request.path.starts_with(&format!("/api/models/{}/revision/", state.repo)) {
        let listing = state.listing.clone().unwrap_or_else(|| listing(state));
        return send(stream, 200, "", listing.as_bytes());
    }
    let prefix = match request.host {
        "hub" => format!("/{}/resolve/{}/", state.repo, state.commit),
        _ => "/blob/".to_owned(),
    };
    let name = request.path.strip_prefix(&prefix);
    let Some(file) = state.files.iter().find(|file| Some(file.name.as_str()) == name).cloned() else {
        return send(stream, 404, "X-Error-Code: EntryNotFound\r\n", b"");
    };
    let tags = format!("ETag: \"{}\"\r\nX-Repo-Commit: {}\r\n", file.etag(), state.commit);
    match (file.large, request.host) {
        (true, "hub") => {
            let linked =
                format!("X-Linked-Etag: \"{}\"\r\nX-Linked-Size: {}\r\n", file.etag(), file.content.len());
            send(stream, 302, &format!("{tags}{linked}Location: {cdn}/blob/{}\r\n", file.name), b"")
        }
        (true, _) => send_large(request, state, stream, file.content),
        (false, _) => send(stream, 200, &tags, &file.content),
    }
}

fn listing(state: &State) -> String {
    let files = state.files.iter().map(|file| {
        let (size, etag) = (file.content.len(), file.etag());
        let lfs = file.large.then(|| serde_json::json!({"sha256": etag, "size": size, "pointerSize": 130}));
        let id = if file.large { "f".repeat(40) } else { etag };
        serde_json::json!({"rfilename": file.name, "size": size, "blobId": id, "lfs": lfs})
    });
    serde_json::json!({"id": state.repo, "sha": state.commit, "siblings": files.collect::<Vec<_>>()})
        .to_string()
}

fn send_large(
    request: &Request,
    state: &mut State,
    mut stream: &TcpStream,
    mut content: Vec<u8>,
) -> std::io::Result<()> {
    if state.corrupt
        && let Some(last) = content.last_mut()
    {
        *last ^= 1;
    }
    let range =
        request.headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
    let start: usize = range.filter(|_| state.ranges).map_or(0, |start| start.parse().unwrap());
    if start >= content.len() {
        return send(stream, 416, "", b"");
    }
    let (status, body) = (if start > 0 { 206 } else { 200 }, &content[start..]);
    let range = format!("Content-Range: bytes {start}-{}/{}\r\n", content.len() - 1, content.len());
    let Some(budget) = &mut state.budget else {
        return send(stream, status, &range, body);
    };
    let n = body.len().min(*budget);
    *budget -= n;
    if *budget == 0 {
        *budget = state.refill;
    }
    head(stream, status, &range, body.len())?;
    stream.write_all(&body[..n])
}

fn send(mut stream: &TcpStream, status: u16, headers: &str, body: &[u8]) -> std::io::Result<()> {
    head(stream, status, headers, body.len())?;
    stream.write_all(body)
}

fn head(mut stream: &TcpStream, status: u16, headers: &str, length: usize) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n")
}
