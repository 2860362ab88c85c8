//! Requests that schemathesis makes up from the server's OpenAPI document, and answers that must be as it says.

use super::{
    common::write_tiny_qwen3,
    program::Server,
    python::{interpreter, script},
};

#[test]
fn made_up_requests_get_what_the_document_promises() {
    let python = interpreter("contract.txt");
    let folder = tempfile::tempdir().unwrap();
    write_tiny_qwen3(folder.path());
    // A store of its own, and no hub: among these requests are some to fetch and to delete models.
    let store = tempfile::tempdir().unwrap();
    let alone = [("HF_HOME", store.path().to_str().unwrap()), ("HF_HUB_OFFLINE", "1")];
    let named = format!("m={}", folder.path().display());
    let server = Server::start_in(&alone, &["--model", &named, "--context", "64"]);
    let url = format!("http://{}", server.address);
    script(&python, "contract.py", &[&url, "m"], || server.log());
    assert_eq!(server.metric("mlx_lm_runner_deaths_total"), 0.0, "{}", server.log());
}
