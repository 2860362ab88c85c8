//! `mlx-lm doctor`: what the program runs on, and what is missing.

use super::output::{print, print_json};
use clap::Args;
use mlx::{Array, Device, Dtype, Engine, Property, transforms::compile};
use mlx_lm::{Error, Result, source::SourceOptions};
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, fs, path::Path};

/// The arguments of `doctor`.
#[derive(Args)]
#[command(after_help = "Exits with 1 if a check fails.")]
pub(crate) struct Arguments {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// One line of the report: a value, or what is wrong.
struct Finding {
    section: &'static str,
    name: String,
    value: std::result::Result<String, String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let engine = Engine::start("mlx-lm", || Ok::<_, Error>(()))?;
    let mut findings = program();
    findings.extend(libraries());
    findings.extend(engine.run(|()| devices())?);
    findings.extend(engine.run(|()| checks())?);
    findings.extend(files()?);
    if arguments.json {
        print_json(&document(&findings))?;
    } else {
        print(&report(&findings))?;
    }
    match findings.iter().filter(|finding| finding.value.is_err()).count() {
        0 => Ok(()),
        count => Err(Error::Invalid(format!("{count} of the findings are problems, marked with !"))),
    }
}

fn found(section: &'static str, name: &str, value: impl Into<String>) -> Finding {
    Finding { section, name: name.to_owned(), value: Ok(value.into()) }
}

fn checked<T, E: std::fmt::Display>(
    section: &'static str,
    name: &str,
    value: std::result::Result<T, E>,
    show: impl FnOnce(T) -> String,
) -> Finding {
    let value = value.map(show).map_err(|error| error.to_string());
    Finding { section, name: name.to_owned(), value }
}

fn program() -> Vec<Finding> {
    let machine = format!("{} {}", std::env::consts::ARCH, std::env::consts::OS);
    vec![
        found("program", "mlx-lm", format!("{} for {machine}", env!("CARGO_PKG_VERSION"))),
        checked("program", "MLX", mlx::version(), |version| version),
        checked("program", "backend", backend(), str::to_owned),
    ]
}

fn backend() -> Result<&'static str> {
    Ok(match (mlx::metal::is_available()?, mlx::cuda::is_available()?) {
        (true, _) => "Metal",
        (_, true) => "CUDA",
        _ => "CPU",
    })
}

/// The libraries of MLX and NVIDIA that this process has loaded, where the system tells.
fn libraries() -> Vec<Finding> {
    const NAMES: [&str; 9] = [
        "libmlx",
        "libmlx_capi",
        "libcuda",
        "libcudnn",
        "libcublasLt",
        "libnvrtc",
        "libnccl",
        "libcufft",
        "libcusolver",
    ];
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let paths: BTreeSet<&str> = maps.lines().filter_map(|line| Some(&line[line.find('/')?..])).collect();
    let file = |path: &str| {
        Path::new(path).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    };
    let files = paths.into_iter().map(|path| (file(path), path));
    files
        .filter(|(file, _)| NAMES.contains(&file.split('.').next().unwrap_or_default()))
        .map(|(file, path)| found("libraries", &file, path))
        .collect()
}

fn devices() -> Vec<Finding> {
    let mut findings = vec![];
    for device in [Device::Gpu, Device::Cpu] {
        for index in 0..device.count().unwrap_or(0) {
            let name = format!("{device:?} {index}").to_lowercase();
            findings.push(checked("devices", &name, device.info(index), |info| describe(&info)));
        }
    }
    let kernels = if mlx::kernels::cpu_kernels_enabled() { "this crate's" } else { "MLX's" };
    findings.push(found("devices", "cpu kernels", kernels));
    findings.push(checked("devices", "default", Device::default_device(), |device| {
        format!("{device:?}").to_lowercase()
    }));
    if mlx::cuda::is_available().unwrap_or(false) && Device::Gpu.count().unwrap_or(0) == 0 {
        let text = "this build is for CUDA and finds no GPU: check that `nvidia-smi` runs and CUDA_VISIBLE_DEVICES is right";
        findings.push(Finding { section: "devices", name: "gpu".into(), value: Err(text.into()) });
    }
    findings.push(checked("devices", "memory limit", mlx::memory::memory_limit(), gib));
    findings
}

fn describe(info: &std::collections::BTreeMap<String, Property>) -> String {
    let text = |key: &str| match info.get(key) {
        Some(Property::Text(text)) => Some(text.clone()),
        Some(Property::Number(bytes)) if key.contains("memory") => {
            Some(format!("{} {}", key.replace('_', " "), gib(*bytes)))
        }
        _ => None,
    };
    let keys = ["device_name", "architecture", "total_memory", "free_memory", "memory_size"];
    keys.iter().filter_map(|key| text(key)).collect::<Vec<_>>().join(", ")
}

fn gib(bytes: usize) -> String {
    format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64)
}

/// Small computations of each kind that a model needs.
fn checks() -> Vec<Finding> {
    let product = || -> Result<()> {
        let x = mlx::ones(&[64, 64], Dtype::F32);
        let sum = x.matmul(&x)?.sum(..)?.item::<f32>()?;
        if sum == 262_144.0 {
            Ok(())
        } else {
            Err(Error::Invalid(format!("a product is wrong: {sum} instead of 262144")))
        }
    };
    let quantized = || -> Result<()> {
        let w = mlx::nn::quantize(&mlx::ones(&[64, 64], Dtype::F32), mlx::nn::Quantization::affine(64, 4))?;
        let error = (w.dequantize()? - 1.0).abs()?.max(..)?.item::<f32>()?;
        if error < 1e-3 { Ok(()) } else { Err(Error::Invalid(format!("dequantization is off by {error}"))) }
    };
    // On a CPU the compiler is g++, on CUDA it needs NVIDIA's headers.
    let compiled = || -> Result<()> {
        let f = compile(|x: &Array| (x * 2.0 + 1.0).exp());
        Ok(f.call(&mlx::ones(&[8], Dtype::F32))?.eval()?)
    };
    vec![
        checked("checks", "matrix product", product(), |()| "works".into()),
        checked("checks", "quantized weights", quantized(), |()| "work".into()),
        checked("checks", "compiled functions", compiled(), |()| "work".into()),
    ]
}

fn files() -> Result<Vec<Finding>> {
    let options = SourceOptions::from_env()?;
    let place = |path: &Path| {
        let there = if path.is_dir() { "" } else { " (none yet)" };
        format!("{}{there}", path.display())
    };
    let network = if options.offline { "off (HF_HUB_OFFLINE)".to_owned() } else { options.endpoint.clone() };
    let token = if options.token.is_some() { "set" } else { "none" };
    Ok(vec![
        found("models", "hub cache", place(&options.hub_cache)),
        found("models", "own cache", place(&options.cache_dir)),
        found("models", "hub", network),
        found("models", "token", token),
    ])
}

fn report(findings: &[Finding]) -> String {
    let (mut text, mut section) = (String::new(), "");
    for finding in findings {
        if finding.section != section {
            section = finding.section;
            text += &format!("{section}\n");
        }
        let (mark, value) = match &finding.value {
            Ok(value) => (" ", value),
            Err(problem) => ("!", problem),
        };
        text += &format!("{mark} {:20} {value}\n", finding.name);
    }
    text
}

fn document(findings: &[Finding]) -> Value {
    let mut sections = Map::new();
    for finding in findings {
        let value = match &finding.value {
            Ok(value) => json!(value),
            Err(problem) => json!({ "error": problem }),
        };
        let section = sections.entry(finding.section).or_insert_with(|| json!({}));
        section[finding.name.as_str()] = value;
    }
    Value::Object(sections)
}
