//! Where MLX is: in `MLX_DIR`, else in the pinned wheel.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::backend::Backend;
use super::cache::Cache;
use super::failure::{Failure, Result, cannot};
use super::pins::Pins;
use super::pip::{INTERPRETERS, Pip};
use super::target::Target;
use super::wheel;

/// An MLX to build with.
pub(crate) struct Mlx {
    pub(crate) backend: Backend,
    /// Holds `mlx/*.h`.
    pub(crate) include: PathBuf,
    /// Holds `libmlx`.
    pub(crate) lib: PathBuf,
    /// Differs between any two builds of MLX.
    pub(crate) identity: String,
    /// The folder of the unpacked wheel, if it comes from one.
    pub(crate) wheel: Option<PathBuf>,
}

/// Finds MLX, fetching it if need be.
pub(crate) fn locate(pins: &Pins, target: &Target, cache: &Cache) -> Result<Mlx> {
    let asked = Backend::from_env()?;
    match env::var_os("MLX_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => from_dir(Path::new(&dir), asked, pins.version()?, target),
        None => from_wheel(asked, pins, target, cache),
    }
}

/// MLX from the pinned wheel.
fn from_wheel(asked: Option<Backend>, pins: &Pins, target: &Target, cache: &Cache) -> Result<Mlx> {
    let other_ways = "Or set MLX_DIR to an MLX that is installed already: a prefix with include/mlx and \
                      lib/libmlx, such as a Python environment's site-packages/mlx.";
    let backend = asked.unwrap_or(Backend::default_for(target));
    let wheel = backend.wheel(pins, target).map_err(|failure| match asked {
        Some(_) => failure.refused(),
        None => failure.or(other_ways),
    })?;
    let by_hand = format!("Or put {} into {}.", wheel.file, cache.path("wheels", "").display());
    let unpacked = wheel::unpacked(&wheel, cache, &|wheel, into, fresh| {
        let pip = Pip::find(&INTERPRETERS);
        pip.and_then(|pip| pip.download(wheel, into, fresh)).map_err(|failure| failure.or(&by_hand))
    })
    .map_err(|failure| failure.or(other_ways))?;
    let prefix = unpacked.join("mlx");
    println!(
        "mlx-sys: MLX {} from the pinned wheel {}, in {}",
        pins.version()?,
        wheel.file,
        prefix.display()
    );
    Ok(Mlx {
        backend,
        include: prefix.join("include"),
        lib: prefix.join("lib"),
        identity: wheel.sha256,
        wheel: Some(unpacked),
    })
}

/// MLX from the prefix `dir`.
fn from_dir(dir: &Path, asked: Option<Backend>, wanted: &str, target: &Target) -> Result<Mlx> {
    let shown = format!("MLX_DIR={}", dir.display());
    let library = target.shared_library("mlx");
    let missing = |what: &str| {
        Failure::Refused(format!(
            "{shown} has no {what}.\n\
             It must be a prefix with include/mlx and lib/{library}: of Homebrew, of an own build, or a \
             Python environment's site-packages/mlx. Or unset MLX_DIR to use the pinned wheel."
        ))
    };
    let dir = dir.canonicalize().map_err(|_| missing("folder of that name"))?;
    let header = dir.join("include/mlx/version.h");
    let header = fs::read_to_string(header).map_err(|_| missing("include/mlx/version.h"))?;
    let version = version(&header).ok_or_else(|| missing("version in its include/mlx/version.h"))?;
    if version != wanted {
        return Err(Failure::Refused(format!(
            "{shown} holds MLX {version}, and this crate is written for MLX {wanted} only.\n\
             Install that release there (python3 -m pip install mlx=={wanted}), or unset MLX_DIR to use the \
             pinned wheel."
        )));
    }
    let library = dir.join("lib").join(&library);
    let file =
        fs::metadata(&library).map_err(|_| missing(&format!("lib/{}", target.shared_library("mlx"))))?;
    let age = file.modified().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    let backend = asked.map_or_else(|| backend_of(&library, target), Ok)?;
    println!("cargo::rerun-if-changed={}", library.display());
    println!("mlx-sys: MLX {version} from {shown}");
    Ok(Mlx {
        backend,
        include: dir.join("include"),
        lib: dir.join("lib"),
        identity: format!("{} {} {age:?}", library.display(), file.len()),
        wheel: None,
    })
}

/// The release that a `version.h` is of.
fn version(header: &str) -> Option<String> {
    let number = |name: &str| {
        let mut lines = header.lines().map(str::split_whitespace);
        lines.find_map(|mut words| (words.by_ref().nth(1) == Some(name)).then(|| words.next()).flatten())
    };
    let [major, minor, patch] = ["MLX_VERSION_MAJOR", "MLX_VERSION_MINOR", "MLX_VERSION_PATCH"].map(number);
    Some(format!("{}.{}.{}", major?, minor?, patch?))
}

/// The backend that a `libmlx` was built with, by the libraries it names.
fn backend_of(library: &Path, target: &Target) -> Result<Backend> {
    if target.is_macos() {
        let has_kernels = library.with_file_name("mlx.metallib").exists();
        return Ok(if has_kernels { Backend::Metal } else { Backend::Cpu });
    }
    let bytes = fs::read(library).map_err(cannot("read", library))?;
    let names = |name: &str| memchr::memmem::find(&bytes, name.as_bytes()).is_some();
    Ok(if names("libcublasLt.so.13") {
        Backend::Cuda13
    } else if names("libcublasLt.so.12") {
        Backend::Cuda12
    } else {
        Backend::Cpu
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "#pragma once\n#define MLX_VERSION_MAJOR 0\n#define MLX_VERSION_MINOR 31\n\
                          #define MLX_VERSION_PATCH 2\n#define MLX_VERSION_NUMERIC 31002\n";

    /// The outcome for a prefix with these files.
    fn outcome(files: &[(&str, &str)], wanted: &str) -> Result<Mlx> {
        let folder = tempfile::TempDir::new().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let target = Target { os: "linux".to_owned(), arch: "x86_64".to_owned(), abi: "gnu".to_owned() };
        from_dir(folder.path(), None, wanted, &target)
    }

    fn refusal(files: &[(&str, &str)]) -> String {
        match outcome(files, "0.32.4") {
            Err(Failure::Refused(message)) => message,
            Err(Failure::Missing(_)) => panic!("a wrong MLX_DIR fails at once"),
            Ok(_) => panic!("{files:?} is not MLX 0.32.4"),
        }
    }

    #[test]
    fn a_prefix_that_will_not_do_is_refused() {
        let header = ("include/mlx/version.h", HEADER);
        let library = ("lib/libmlx.so", "");
        assert!(refusal(&[]).contains("has no include/mlx/version.h"));
        let other = refusal(&[header, library]);
        assert!(other.contains("holds MLX 0.31.2") && other.contains("for MLX 0.32.4 only"), "{other}");
        let current = HEADER.replace("31", "32").replace("PATCH 2", "PATCH 4");
        assert!(refusal(&[("include/mlx/version.h", &current)]).contains("has no lib/libmlx.so"));
        assert!(refusal(&[("include/mlx/version.h", "0.32.4"), library]).contains("has no version"));
    }

    #[test]
    fn the_backend_is_read_off_the_library() {
        for (content, backend) in [
            ("nothing", Backend::Cpu),
            ("..libcublasLt.so.12..", Backend::Cuda12),
            ("..libcublasLt.so.13..", Backend::Cuda13),
        ] {
            let files = [("include/mlx/version.h", HEADER), ("lib/libmlx.so", content)];
            assert_eq!(outcome(&files, "0.31.2").map(|mlx| mlx.backend).ok(), Some(backend));
        }
    }
}
