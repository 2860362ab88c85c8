//! Downloads from a hub on this machine: whole, interrupted, corrupt, refused, hostile.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod hub_server;

use std::fs;
use std::path::{Path, PathBuf};

use hub_server::{COMMIT, File, Hub};
use mlx_lm::Error;
use mlx_lm::source::{Location, SourceOptions, Token, resolve};

const REPO: &str = "org/model";
const CONFIG: &[u8] = br#"{"model_type": "llama"}"#;

fn weights() -> Vec<u8> {
    (0..300_000u32).map(|i| (i ^ (i >> 8)) as u8).collect()
}

fn model() -> Vec<File> {
    vec![
        File::small("README.md", b"# Model"),
        File::small("chat_template.jinja", b"{{ messages }}"),
        File::small("config.json", CONFIG),
        File::small("modeling_evil.py", b"import os"),
        File::large("model.safetensors", &weights()),
        File::large("tokenizer.json", b"{}"),
    ]
}

/// A hub with one model, and options whose caches are empty.
struct Setup {
    hub: Hub,
    options: SourceOptions,
    folder: tempfile::TempDir,
}

impl Setup {
    fn new() -> Setup {
        Setup::with(model())
    }

    fn with(files: Vec<File>) -> Setup {
        let hub = Hub::new(REPO, files);
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_owned();
        let get = |name: &str| (name == "HOME").then(|| home.clone().into_os_string());
        let mut options = SourceOptions::from_variables(get).unwrap();
        options.endpoint = hub.endpoint.clone();
        options.progress = false;
        Setup { hub, options, folder }
    }

    fn resolve(&self, name: &str) -> Result<PathBuf, Error> {
        resolve(name, &self.options).map(|location| match location {
            Location::Folder(path) | Location::Gguf(path) => path,
        })
    }

    /// The message of the error that `name` ends in.
    fn error(&self, name: &str) -> String {
        self.resolve(name).unwrap_err().to_string()
    }

    fn repo(&self) -> PathBuf {
        self.options.hub_cache.join("models--org--model")
    }

    fn partial(&self) -> PathBuf {
        let etag = File::large("model.safetensors", &weights()).etag();
        self.repo().join("blobs").join(format!("{etag}.incomplete"))
    }

    /// The `Range` headers that the second host got for the weights.
    fn ranges(&self) -> Vec<Option<String>> {
        let requests = self.hub.take_requests();
        let of_weights = requests.iter().filter(|r| r.host == "cdn" && r.path.ends_with("model.safetensors"));
        of_weights.map(|request| request.headers.get("range").cloned()).collect()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_model_is_downloaded_once_into_the_shared_layout() {
    let setup = Setup::new();
    let snapshot = setup.resolve(REPO).unwrap();
    assert_eq!(snapshot, setup.repo().join("snapshots").join(COMMIT));
    assert_eq!(
        names(&snapshot),
        ["chat_template.jinja", "config.json", "model.safetensors", "tokenizer.json"]
    );
    assert_eq!(fs::read(snapshot.join("model.safetensors")).unwrap(), weights());
    assert_eq!(fs::read_to_string(setup.repo().join("refs/main")).unwrap(), COMMIT);
    for file in model().iter().filter(|file| snapshot.join(&file.name).exists()) {
        let link = fs::read_link(snapshot.join(&file.name)).unwrap();
        assert_eq!(link, Path::new("../../blobs").join(file.etag()), "{}", file.name);
    }

    assert!(!setup.hub.take_requests().is_empty());
    assert_eq!(setup.resolve(REPO).unwrap(), snapshot);
    assert_eq!(setup.resolve(&format!("{REPO}@{COMMIT}")).unwrap(), snapshot);
    assert!(setup.hub.take_requests().is_empty());
}

#[test]
fn the_token_goes_to_the_hub_and_to_no_other_host() {
    let mut setup = Setup::new();
    setup.options.token = Some(Token::new("hf_secret"));
    setup.resolve(REPO).unwrap();
    let requests = setup.hub.take_requests();
    for host in ["hub", "cdn"] {
        let of_host: Vec<_> = requests.iter().filter(|request| request.host == host).collect();
        assert!(!of_host.is_empty());
        for request in of_host {
            let token = request.headers.get("authorization").map(String::as_str);
            assert_eq!(token, (host == "hub").then_some("Bearer hf_secret"), "{request:?}");
        }
    }
}

#[test]
fn an_interrupted_download_is_resumed_by_the_next_run() {
    let setup = Setup::new();
    // Two bytes more, for tokenizer.json.
    setup.hub.state().budget = Some(100_002);
    let error = setup.error(REPO);
    assert!(error.contains("org/model/model.safetensors: the connection broke"), "{error}");
    assert!(error.contains("100000 of 300000 bytes are kept for the next try"), "{error}");
    assert_eq!(fs::metadata(setup.partial()).unwrap().len(), 100_000);
    assert!(!setup.repo().join("refs/main").exists());

    setup.ranges();
    setup.hub.state().budget = None;
    let snapshot = setup.resolve(REPO).unwrap();
    assert_eq!(setup.ranges(), [Some("bytes=100000-".to_owned())]);
    assert_eq!(fs::read(snapshot.join("model.safetensors")).unwrap(), weights());
    assert!(!setup.partial().exists());
}

#[test]
fn broken_connections_are_taken_up_within_a_run() {
    for (ranges, budget, refill) in [(true, 100_000, 70_000), (false, 100_000, 400_000)] {
        let setup = Setup::new();
        {
            let mut state = setup.hub.state();
            (state.ranges, state.budget, state.refill) = (ranges, Some(budget), refill);
        }
        let snapshot = setup.resolve(REPO).unwrap();
        assert_eq!(fs::read(snapshot.join("model.safetensors")).unwrap(), weights());
        assert!(setup.ranges().len() > 1);
    }
}

#[test]
fn what_another_program_left_unfinished_does_no_harm() {
    for leftover in [vec![0; 1000], vec![0; 300_000], vec![0; 300_001], weights()[..1000].to_vec(), weights()]
    {
        let setup = Setup::new();
        fs::create_dir_all(setup.repo().join("blobs")).unwrap();
        fs::write(setup.partial(), &leftover).unwrap();
        let snapshot = setup.resolve(REPO).unwrap();
        assert_eq!(
            fs::read(snapshot.join("model.safetensors")).unwrap(),
            weights(),
            "{} bytes",
            leftover.len()
        );
    }
}

#[test]
fn corrupt_content_is_refused_and_removed() {
    let setup = Setup::new();
    setup.hub.state().corrupt = true;
    let error = setup.error(REPO);
    assert!(error.contains("it is corrupt: its SHA-256 is "), "{error}");
    assert!(!setup.partial().exists());
    assert!(!setup.repo().join("snapshots").join(COMMIT).join("config.json").exists());

    setup.hub.state().corrupt = false;
    setup.resolve(REPO).unwrap();
}

#[test]
fn git_files_are_verified_too() {
    let setup = Setup::new();
    let listing = serde_json::json!({"sha": COMMIT, "siblings": [
        {"rfilename": "config.json", "size": CONFIG.len(), "blobId": "a".repeat(40)},
        {"rfilename": "model.safetensors", "size": 1, "blobId": "b".repeat(40)},
    ]});
    setup.hub.state().listing = Some(listing.to_string());
    setup.hub.state().files.iter_mut().for_each(|file| file.large = false);
    let error = setup.error(REPO);
    assert!(error.contains("it is corrupt: got"), "{error}");
    let listing = listing.to_string().replace("\"size\":1,", "\"size\":300000,");
    setup.hub.state().listing = Some(listing);
    let error = setup.error(REPO);
    assert!(error.contains("it is corrupt: its git checksum is "), "{error}");
}

#[test]
fn refusals_say_what_to_do() {
    let token = || Some(Token::new("hf_secret"));
    for (refuse, token, message) in [
        ((401, "RepoNotFound"), None, "there is no such repository, or it is private"),
        ((401, "GatedRepo"), None, "/org/model, then set HF_TOKEN"),
        ((403, "GatedRepo"), token(), "your token has none; accept the terms at http"),
        ((401, ""), token(), "the token is not valid; check HF_TOKEN"),
        ((403, ""), token(), "the token may not read it"),
        ((404, "RepoNotFound"), token(), "no such repository that your token may see"),
        ((404, "RevisionNotFound"), None, "no such revision"),
        ((429, ""), None, "too many requests"),
        ((503, ""), None, "the hub answered 503"),
    ] {
        let mut setup = Setup::new();
        setup.options.token = token;
        setup.hub.state().refuse = Some(refuse);
        let error = setup.error(REPO);
        assert!(error.contains(REPO) && error.contains(message), "{refuse:?}: {error}");
        assert!(!error.contains("hf_secret"));
    }
    let setup = Setup::new();
    assert!(matches!(setup.resolve("org/llama3.2"), Err(Error::ModelNotFound { .. })));
    let error = setup.error("org/llama3.2");
    assert!(error.contains("short names like it: llama3.2:1b"), "{error}");
}

#[test]
fn offline_mode_asks_nothing() {
    let mut setup = Setup::new();
    setup.options.offline = true;
    assert!(matches!(setup.resolve(REPO), Err(Error::Offline { what }) if what == REPO));
    setup.options.offline = false;
    let snapshot = setup.resolve(REPO).unwrap();
    setup.hub.take_requests();

    setup.options.offline = true;
    assert_eq!(setup.resolve(REPO).unwrap(), snapshot);
    setup.options.update = true;
    assert_eq!(setup.resolve(REPO).unwrap(), snapshot);
    fs::remove_file(snapshot.join("model.safetensors")).unwrap();
    assert!(matches!(setup.resolve(REPO), Err(Error::Offline { .. })));
    assert!(setup.hub.take_requests().is_empty());
}

#[test]
fn an_incomplete_snapshot_is_completed() {
    for lost in ["config.json", "tokenizer.json", "model.safetensors"] {
        let setup = Setup::new();
        let snapshot = setup.resolve(REPO).unwrap();
        fs::remove_file(snapshot.join(lost)).unwrap();
        setup.hub.take_requests();
        setup.resolve(REPO).unwrap();
        assert!(snapshot.join(lost).exists(), "{lost}");
        let fetched: Vec<_> = setup.hub.take_requests().into_iter().map(|request| request.path).collect();
        assert_eq!(fetched.len(), 1, "the listing only, for the blobs are there: {fetched:?}");
    }
}

#[test]
fn without_a_network_the_way_out_is_named() {
    let mut setup = Setup::new();
    setup.options.endpoint = "http://127.0.0.1:1".into();
    let error = setup.error(REPO);
    assert!(error.starts_with("cannot download org/model: cannot reach http://127.0.0.1:1: "), "{error}");
    assert!(error.contains("set HF_ENDPOINT to a mirror, or give the path of a local folder"), "{error}");
}

#[test]
fn an_update_fetches_what_changed() {
    let mut setup = Setup::new();
    let old = setup.resolve(REPO).unwrap();
    setup.hub.state().commit = "f".repeat(40);
    setup.hub.state().files[1] = File::small("chat_template.jinja", b"{{ messages[0] }}");
    assert_eq!(setup.resolve(REPO).unwrap(), old);

    setup.options.update = true;
    setup.hub.take_requests();
    let new = setup.resolve(REPO).unwrap();
    assert_ne!(new, old);
    assert_eq!(setup.hub.take_requests().len(), 2, "the listing and one file");
    assert_eq!(fs::read(new.join("chat_template.jinja")).unwrap(), b"{{ messages[0] }}");
    assert_eq!(fs::read(new.join("model.safetensors")).unwrap(), weights());
}

#[test]
fn revisions_have_their_own_reference() {
    let setup = Setup::new();
    let snapshot = setup.resolve("org/model@refs/pr/1").unwrap();
    assert!(setup.hub.take_requests()[0].path.contains("/revision/refs%2Fpr%2F1?"));
    assert_eq!(fs::read_to_string(setup.repo().join("refs/refs/pr/1")).unwrap(), COMMIT);
    assert!(!setup.repo().join("refs/main").exists());
    assert_eq!(setup.resolve("org/model@refs/pr/1").unwrap(), snapshot);
}

#[test]
fn gguf_files_are_taken_by_name_only() {
    let setup = Setup::with(vec![
        File::large("m-Q4_0.gguf", b"GGUF4"),
        File::large("m-Q8_0.gguf", b"GGUF8"),
        model()[2].clone(),
    ]);
    let error = setup.error(REPO);
    assert!(
        error.contains("it has m-Q4_0.gguf, m-Q8_0.gguf; name the one to use, such as org/model/m-Q4_0.gguf"),
        "{error}"
    );
    let error = setup.error("org/model/m.gguf");
    assert!(error.contains("it has no m.gguf; it has m-Q4_0.gguf"), "{error}");

    let location = resolve("org/model/m-Q8_0.gguf", &setup.options).unwrap();
    let Location::Gguf(path) = &location else { panic!("{location:?}") };
    assert_eq!(fs::read(path).unwrap(), b"GGUF8");
    setup.hub.take_requests();
    assert_eq!(resolve("org/model/m-Q8_0.gguf", &setup.options).unwrap(), location);
    assert!(setup.hub.take_requests().is_empty());
}

#[test]
fn more_than_the_disk_holds_is_not_begun() {
    let setup = Setup::new();
    let listing = serde_json::json!({"sha": COMMIT, "siblings": [
        {"rfilename": "config.json", "size": 1, "blobId": "a".repeat(40)},
        {"rfilename": "model.safetensors", "size": 1, "lfs": {"sha256": "b".repeat(64), "size": 1u64 << 60}},
    ]});
    setup.hub.state().listing = Some(listing.to_string());
    let error = setup.error(REPO);
    let needed = (1u64 << 60) + 1;
    assert!(
        error.contains(&format!("models--org--model/blobs: no space left: {needed} bytes needed, ")),
        "{error}"
    );
    assert_eq!(setup.hub.take_requests().len(), 1);
}

#[test]
fn hostile_listings_write_nothing_outside_the_cache() {
    let good = |name: &str| serde_json::json!({"rfilename": name, "size": 1, "blobId": "a".repeat(40)});
    let weights = good("model.safetensors");
    for (listing, message) in [
        (serde_json::json!("nonsense"), "sent no list of files"),
        (serde_json::json!({"sha": "../../x", "siblings": []}), "gives `../../x` as the commit"),
        (serde_json::json!({"sha": COMMIT, "siblings": []}), "it has no model*.safetensors; nor a GGUF file"),
        (serde_json::json!({"sha": COMMIT, "siblings": [weights]}), "it has no config.json"),
        (
            serde_json::json!({"sha": COMMIT, "siblings": [weights, {"rfilename": "config.json"}]}),
            "no size and checksum for config.json",
        ),
        (
            serde_json::json!({"sha": COMMIT, "siblings":
                [weights, {"rfilename": "config.json", "size": 1, "blobId": "../../../../x"}]}),
            "no checksum for config.json",
        ),
        (
            serde_json::json!({"sha": COMMIT, "siblings":
                [weights, good("../../../../x.json"), good("/tmp/x.json"), good("config.json")]}),
            "it is corrupt",
        ),
    ] {
        let setup = Setup::new();
        setup.hub.state().listing = Some(listing.to_string());
        let error = setup.error(REPO);
        assert!(error.contains(message), "{error}");
        let asked = setup.hub.take_requests();
        assert!(asked.iter().all(|request| !request.path.contains("x.json")), "{asked:?}");
        assert!(names(setup.folder.path()).iter().all(|name| name == ".cache"));
    }
}

#[test]
fn two_processes_share_one_download() {
    let setup = Setup::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| setup.resolve(REPO).unwrap());
        }
    });
    assert_eq!(setup.ranges(), [None]);
}
