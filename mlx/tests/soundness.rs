//! What would crash the process, or give wrong numbers, in MLX itself.
//!
//! Positions out of range stand in `out_of_range.rs`, damaged files with their formats, failures of evaluation in
//! `errors.rs`, long chains in `transforms.rs`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{
    Array, Device, Dtype, Engine, ErrorKind, Result, Stream, async_eval, eval, memory, ones, random,
    transforms::{grad, value_and_grad},
    with_stream, zeros,
};
use std::{process::Command, sync::Arc, thread};

/// More than any machine has, and little enough to pass for a size.
const HUGE: [i32; 3] = [1 << 20, 1 << 20, 4];

#[test]
fn memory_that_malloc_refuses_is_an_error() {
    let x = ones(&[3], Dtype::F32);
    let before = memory::active().unwrap();
    for huge in [
        zeros(&HUGE, Dtype::F32),
        x.at(0).and_then(|x| x.broadcast_to(HUGE)).unwrap() + 1.0,
        random::normal(&HUGE, Dtype::F32, &random::key(0).unwrap()).unwrap(),
    ] {
        let error = huge.eval().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{error}");
        assert!(huge.to_vec::<f32>().is_err());
        assert_eq!(eval([&x, &huge]).unwrap_err().kind(), ErrorKind::OutOfMemory);
    }
    // Views of that size need no memory, and nothing else has suffered.
    let view = x.at(0).and_then(|x| x.broadcast_to(HUGE)).unwrap();
    assert_eq!(view.at((0, 0, 0)).unwrap().item::<f32>().unwrap(), 1.0);
    assert_eq!(x.to_vec::<f32>().unwrap(), [1.0; 3]);
    assert!(memory::active().unwrap() < before + (1 << 20));
}

#[test]
fn misaligned_views_are_read() {
    let bytes: Vec<u8> = (0..64).collect();
    let x = Array::from_slice(&bytes, &[64]);
    for start in 0..8 {
        let part = x.slice(&[start], &[start + 32]).unwrap();
        let floats = part.view(Dtype::F32).unwrap().to_vec::<f32>().unwrap();
        let expected = bytes[start as usize..start as usize + 32].chunks(4);
        let expected: Vec<f32> = expected.map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
        assert_eq!(floats, expected, "from byte {start}");
    }
}

#[test]
fn bytes_viewed_as_bools_are_bools() {
    let x = Array::from_slice(&[0u8, 1, 2, 255], &[4]).view(Dtype::Bool).unwrap();
    assert_eq!(x.to_vec::<bool>().unwrap(), [false, true, true, true]);
    // MLX would count with the bytes themselves.
    assert_eq!(x.cumsum(0).unwrap().to_vec::<i32>().unwrap(), [0, 1, 2, 3]);
    assert_eq!(x.view(Dtype::U8).unwrap().to_vec::<u8>().unwrap(), [0, 1, 1, 1]);
    assert_eq!(x.unique(3).unwrap().inverse.to_vec::<u32>().unwrap(), [0, 1, 1, 1]);
}

#[test]
fn bytes_of_files_are_bools() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bools.safetensors");
    let header = r#"{"x":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0, 1, 128]].concat();
    std::fs::write(&path, bytes).unwrap();
    let x = &mlx::io::load_safetensors(&path).unwrap()["x"];
    assert_eq!(x.cumsum(0).unwrap().to_vec::<i32>().unwrap(), [0, 1, 2]);
}

#[test]
fn threads_differentiate_over_one_buffer() {
    let weights = random::normal(&[32, 32], Dtype::F32, &random::key(0).unwrap()).unwrap();
    let f = |w: &Array, x: &Array| x.matmul(w)?.tanh()?.sum(..);
    let x = ones(&[4, 32], Dtype::F32);
    let expected = grad(|x: &Array| f(&weights, x))(&x).unwrap().to_vec::<f32>().unwrap();
    let shared = Arc::new(weights.share().unwrap());
    let work = || -> Result<Vec<f32>> {
        let weights = shared.local()?;
        let mut last = vec![];
        for _ in 0..30 {
            let x = ones(&[4, 32], Dtype::F32);
            let (_, gradient) = value_and_grad(|x: &Array| f(&weights, x))(&x)?;
            last = gradient.to_vec()?;
        }
        Ok(last)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            // On a GPU, parts of a sum come in any order.
            let most = if Device::default_device().unwrap() == Device::Gpu { 1e-5 } else { 0.0 };
            let found = thread.join().unwrap().unwrap();
            assert_eq!(found.len(), expected.len());
            assert!(found.iter().zip(&expected).all(|(x, y)| (x - y).abs() <= most), "{found:?}");
        }
    });
}

#[test]
fn threads_end_with_work_pending() {
    for _ in 0..4 {
        let pending = thread::spawn(|| {
            let mut x = ones(&[64, 64], Dtype::F32);
            for _ in 0..20 {
                x = x.matmul(&x).unwrap().tanh().unwrap();
            }
            async_eval([&x]).unwrap();
        });
        pending.join().unwrap();
        let engine = Engine::start("busy", || Ok::<_, mlx::Error>(ones(&[64, 64], Dtype::F32))).unwrap();
        engine
            .run(|x| {
                (0..20).for_each(|_| *x = x.matmul(&*x).unwrap().tanh().unwrap());
                async_eval([&*x])
            })
            .unwrap()
            .unwrap();
    }
}

#[test]
fn streams_end_before_the_work_recorded_on_them() {
    let x = ones(&[16], Dtype::F32);
    let y = {
        let stream = Stream::new(Device::Cpu).unwrap();
        with_stream(&stream, || &x + 1.0)
    };
    assert_eq!(y.sum(..).unwrap().item::<f32>().unwrap(), 32.0);
}

const CHILD: &str = "MLX_TEST_EXIT_CHILD";

/// In a child process: leaves `main` while the CPU still computes.
#[test]
fn processes_exit_with_work_pending() {
    if std::env::var_os(CHILD).is_some() {
        let mut x = ones(&[256, 256], Dtype::F32);
        for _ in 0..20 {
            x = x.matmul(&x).unwrap().tanh().unwrap();
        }
        async_eval([&x]).unwrap();
        std::process::exit(0);
    }
    for _ in 0..10 {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "processes_exit_with_work_pending"]).env(CHILD, "1");
        let output = child.output().unwrap();
        assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn copies_read_on_the_host_do_not_race_later_work() {
    let mut x = ones(&[1024], Dtype::F32);
    for i in 1..40 {
        x = x.slice_update(&Array::from_slice(&[i as f32], &[1]), &[0], &[1]).unwrap();
        async_eval([&x]).unwrap();
        let seen = x.to_vec::<f32>().unwrap();
        assert_eq!((seen[0], seen[1023]), (i as f32, 1.0));
    }
}
