//! The chat page in a headless Chromium.

use super::{
    program::{MODEL, Server},
    python::{interpreter, script},
};
use std::{env, path::PathBuf};

const KEY: &str = "a-key-for-the-page";

/// Set where the test must not be skipped.
const DEMANDED: &str = "MLX_LM_TEST_CHROMIUM";

#[test]
fn the_page_talks() {
    let Some(chromium) = chromium() else {
        let message =
            "there is no chromium in PATH, nor does CHROMIUM name one (Debian: apt-get install chromium)";
        assert!(env::var_os(DEMANDED).is_none(), "{DEMANDED} is set, but {message}");
        eprintln!("skipped: {message}");
        return;
    };
    let python = interpreter("page.txt");
    let server = Server::with_model(&["--api-key", KEY, "--context", "2048"]);
    let url = format!("http://{}", server.address);
    script(&python, "page.py", &[&url, MODEL, KEY, chromium.to_str().unwrap()], || server.log());
}

fn chromium() -> Option<PathBuf> {
    const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
    let path = env::var_os("PATH")?;
    let mut in_path = env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name)));
    env::var_os("CHROMIUM").map(PathBuf::from).or_else(|| in_path.find(|file| file.is_file()))
}
