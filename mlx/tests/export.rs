//! Functions in files: what comes back is what was written, also across languages.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![allow(clippy::undocumented_unsafe_blocks, reason = "the files are those of this repository and its tests")]

use mlx::{
    Array, Device, Dtype, ErrorKind, Result, Stream, arange, async_eval, concatenate,
    export::{Exporter, Imported, Kwargs, export_function},
    ones, random, with_stream, zeros,
};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/export").join(name)
}

fn load(path: impl AsRef<Path>) -> Imported {
    unsafe { Imported::load(path) }.unwrap()
}

fn vecs(arrays: &[Array]) -> Vec<Vec<f32>> {
    arrays.iter().map(|array| array.to_vec().unwrap()).collect()
}

fn matrix(rows: i32, columns: i32, seed: u64) -> Array {
    random::normal(&[rows, columns], Dtype::F32, &random::key(seed).unwrap()).unwrap()
}

/// What `xtask/golden/export.py` exports, and `rust.mlxfn` holds.
fn block(x: &Array, scale: &Array) -> Result<Vec<Array>> {
    let weight = (arange(0.0, 12.0, 1.0, Dtype::F32)? / 10.0).reshape([3, 4])?;
    let hidden = x.matmul(&weight)?;
    let probabilities = hidden.at((.., 1..))?.softmax(-1)? * scale;
    Ok(vec![probabilities, concatenate(&[&hidden, x], 1)?.sum(0)?])
}

fn write_block(path: &Path) -> Result<()> {
    let mut exporter =
        Exporter::with_kwargs(path, |x, named| block(&x[0], &named["scale"])).metadata("block");
    for rows in [2, 5] {
        exporter.trace_with(&[&ones(&[rows, 3], Dtype::F32)], &[("scale", &Array::scalar(1.0f32))])?;
    }
    exporter.finish()
}

#[test]
fn files_of_python_and_rust_compute_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("block.mlxfn");
    write_block(&written).unwrap();
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        fs::copy(&written, fixture("rust.mlxfn")).unwrap();
    }
    for path in [written, fixture("rust.mlxfn"), fixture("python.mlxfn")] {
        let imported = load(&path);
        for rows in [2, 5] {
            let (x, scale) = (matrix(rows, 3, 7), Array::scalar(3.5f32));
            let outputs = imported.call_with(&[&x], &[("scale", &scale)]).unwrap();
            for (ours, theirs) in vecs(&block(&x, &scale).unwrap()).iter().zip(vecs(&outputs)) {
                assert_eq!(ours.len(), theirs.len());
                let near = ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() < 1e-5);
                assert!(near, "{}: {ours:?} {theirs:?}", path.display());
            }
        }
    }
    assert_eq!(load(fixture("rust.mlxfn")).metadata(), "block");
    assert_eq!(load(fixture("python.mlxfn")).metadata(), "");
}

#[test]
fn arguments_that_no_trace_is_for_are_refused() {
    let imported = load(fixture("rust.mlxfn"));
    let (x, scale) = (ones(&[2, 3], Dtype::F32), Array::scalar(1.0f32));
    let half = x.astype(Dtype::F16).unwrap();
    let (matrix, vector) = (ones(&[3, 3], Dtype::F32), ones(&[3], Dtype::F32));
    let cases = [
        (vec![], vec![]),
        (vec![&x], vec![]),
        (vec![&x, &scale], vec![]),
        (vec![&x], vec![("size", &scale)]),
        (vec![&x], vec![("scale", &scale), ("scale", &scale)]),
        (vec![&x], vec![("scale", &scale), ("more", &scale)]),
        (vec![&half], vec![("scale", &scale)]),
        (vec![&matrix], vec![("scale", &scale)]),
        (vec![&vector], vec![("scale", &scale)]),
    ];
    for (args, named) in cases {
        let error = imported.call_with(&args, &named).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    let error = imported.call(&[&x]).unwrap_err();
    assert!(error.message().contains("\"scale\": () float32"), "{error}");
}

#[test]
fn constants_are_written_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("constant.mlxfn");
    let base = arange(0.0, 60.0, 1.0, Dtype::F32).unwrap().reshape([10, 6]).unwrap();
    let big = matrix(300, 300, 3);
    let evaluated = |array: Result<Array>| {
        let array = array.unwrap();
        array.eval().unwrap();
        array
    };
    let in_flight = big.matmul(&big).unwrap().matmul(&big).unwrap();
    let cases = [
        ("dense", evaluated(Ok(base.clone()))),
        ("transposed", evaluated(base.t())),
        ("slice", evaluated(base.slice(&[2, 1], &[4, 4]))),
        ("broadcast", evaluated(Array::scalar(3.0f32).broadcast_to([40, 40]))),
        ("broadcast to nothing", evaluated(Array::scalar(3.0f32).broadcast_to([0, 4]))),
        ("reversed", evaluated(base.flip(..))),
        ("scalar", Array::scalar(4.0f32)),
        ("lazy", (base.t().unwrap() * 2.0).exp().unwrap().reciprocal().unwrap()),
        ("lazy over a view", evaluated(base.t()).sum(0).unwrap()),
        ("in flight", in_flight.clone()),
    ];
    for (name, constant) in cases {
        if name == "in flight" {
            async_eval([&constant]).unwrap();
        }
        let x = zeros(constant.shape().unwrap(), Dtype::F32);
        // Twice in the graph and once as an output of its own.
        let f = |x: &[Array]| Ok(vec![&x[0] + &constant, &x[0] - &constant, constant.clone()]);
        export_function(&path, f, &[&x]).unwrap();
        let (ours, theirs) = (f(std::slice::from_ref(&x)).unwrap(), load(&path).call(&[&x]).unwrap());
        assert_eq!(vecs(&ours), vecs(&theirs), "{name}");
    }
}

#[test]
fn constants_are_written_once_for_all_traces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.mlxfn");
    let weight = matrix(100, 100, 1).t().unwrap();
    weight.eval().unwrap();
    let mut exporter = Exporter::new(&path, |x| Ok(vec![x[0].matmul(&weight)?]));
    for rows in 1..6 {
        exporter.trace(&[&ones(&[rows, 100], Dtype::F32)]).unwrap();
    }
    exporter.finish().unwrap();
    let size = fs::metadata(&path).unwrap().len();
    assert!((40_000..60_000).contains(&size), "{size} bytes for 40000 of weights");
    // In the file it lies densely; sums may be taken in another order where it does not.
    let (x, dense) = (matrix(5, 100, 2), weight.contiguous().unwrap());
    assert_eq!(vecs(&load(&path).call(&[&x]).unwrap()), vecs(&[x.matmul(&dense).unwrap()]));
}

#[test]
fn shapeless_functions_take_other_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shapeless.mlxfn");
    let f = |x: &[Array]| Ok(vec![(&x[0] * 2.0).sum(1)?, &x[0] + &x[1]]);
    let mut exporter = Exporter::new(&path, f).shapeless();
    exporter.trace(&[&ones(&[2, 3], Dtype::F32), &Array::scalar(1.0f32)]).unwrap();
    exporter.finish().unwrap();
    let imported = load(&path);
    let (x, y) = (matrix(4, 7, 1), Array::scalar(5.0f32));
    assert_eq!(vecs(&imported.call(&[&x, &y]).unwrap()), vecs(&f(&[x.clone(), y.clone()]).unwrap()));
    assert!(imported.call(&[&ones(&[3], Dtype::F32), &y]).is_err(), "another number of axes");
}

#[test]
fn names_may_come_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.mlxfn");
    let f = |_: &[Array], named: &Kwargs| {
        let terms = ["a", "b", "c", "d"].iter().zip([1.0, 10.0, 100.0, 1000.0]);
        Ok(vec![terms.fold(Array::scalar(0.0f32), |sum, (name, factor)| sum + &named[*name] * factor)])
    };
    let digits: Vec<Array> = (1..5).map(|digit| Array::scalar(digit as f32)).collect();
    let by_order = |order: [usize; 4]| order.map(|i| (["a", "b", "c", "d"][i], &digits[i]));
    let mut exporter = Exporter::with_kwargs(&path, f);
    exporter.trace_with(&[], &by_order([2, 0, 3, 1])).unwrap();
    exporter.finish().unwrap();
    let imported = load(&path);
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
        assert_eq!(imported.call_with(&[], &by_order(order)).unwrap()[0].item::<f32>().unwrap(), 4321.0);
    }
}

#[test]
fn any_thread_can_call_what_another_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("thread.mlxfn");
    let other = Stream::new(Device::Cpu).unwrap();
    let f = |x: &[Array]| Ok(vec![&x[0] * 2.0, with_stream(&other, || x[0].sum(..))?]);
    export_function(&path, f, &[&ones(&[3], Dtype::F32)]).unwrap();
    let call = move || {
        let outputs = load(&path).call(&[&ones(&[3], Dtype::F32)]).unwrap();
        let stream = Stream::new(Device::Cpu).unwrap();
        let more = with_stream(&stream, || load(&path).call(&[&outputs[0]])).unwrap();
        (vecs(&outputs), vecs(&more))
    };
    for _ in 0..4 {
        let (outputs, more) = std::thread::spawn(call.clone()).join().unwrap();
        assert_eq!((outputs, more), (vec![vec![2.0; 3], vec![3.0]], vec![vec![4.0; 3], vec![6.0]]));
    }
}

#[test]
fn failures_of_the_function_come_back_and_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failed.mlxfn");
    let x = ones(&[2], Dtype::F32);
    let read = |x: &[Array]| x[0].item::<f32>().map(|value| vec![Array::scalar(value)]);
    let error = export_function(&path, read, &[&x]).unwrap_err();
    assert!(error.message().contains("during function transformations"), "{error}");

    let line = line!() + 1;
    let error = export_function(&path, |x| Ok(vec![x[0].reshape([3])?]), &[&x]).unwrap_err();
    assert_eq!((error.op(), error.location().line()), ("reshape", line));

    let panics = |_: &[Array]| -> Result<Vec<Array>> { panic!("mine") };
    let panic = catch_unwind(AssertUnwindSafe(|| export_function(&path, panics, &[&x]))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"mine"));

    let failed = ones(&[2], Dtype::F32) + ones(&[3], Dtype::F32);
    assert_eq!(export_function(&path, |x| Ok(x.to_vec()), &[&failed]).unwrap_err().op(), "add");
    assert_eq!(export_function(&path, |_| Ok(vec![failed.clone()]), &[&x]).unwrap_err().op(), "add");

    // A failed trace does not make the next one read what it left behind.
    let count = std::cell::Cell::new(0);
    let mut exporter = Exporter::new(&path, |x| {
        count.set(count.get() + 1);
        if count.get() == 2 { x[0].reshape([77]).map(|y| vec![y]) } else { Ok(vec![x[0].clone()]) }
    });
    exporter.trace(&[&x]).unwrap();
    assert!(exporter.trace(&[&ones(&[3], Dtype::F32)]).is_err());
    assert!(exporter.trace(&[&ones(&[4], Dtype::F32)]).is_err());
    assert!(exporter.finish().is_err());

    assert!(Exporter::new(&path, |x| Ok(x.to_vec())).finish().is_err(), "nothing was traced");
    let mut twice = Exporter::new(&path, |x| Ok(x.to_vec()));
    twice.trace(&[&x]).unwrap();
    assert!(twice.trace(&[&x]).unwrap_err().message().contains("same signature"));
    drop(twice);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "files are left");

    let nowhere = folder.path().join("no/such/folder.mlxfn");
    assert!(export_function(&nowhere, |x| Ok(x.to_vec()), &[&x]).is_err());
}

#[test]
fn arguments_of_another_function_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leak.mlxfn");
    let leaked = std::cell::RefCell::new(None);
    let x = ones(&[2], Dtype::F32);
    let leak = |x: &[Array]| {
        leaked.replace(Some(x[0].clone()));
        Ok(x.to_vec())
    };
    export_function(&path, leak, &[&x]).unwrap();
    let leaked = leaked.take().unwrap();
    assert!(leaked.to_vec::<f32>().is_err());
    let error = export_function(&path, |x| Ok(vec![&x[0] + &leaked]), &[&x]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

#[test]
fn chains_that_would_overflow_the_stack_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep.mlxfn");
    let x = ones(&[1], Dtype::F32);
    for (length, fits) in [(7900, true), (8100, false), (200_000, false)] {
        let chain = |x: &[Array]| (0..length).try_fold(x[0].clone(), |y, _| y.sin()).map(|y| vec![y]);
        assert_eq!(export_function(&path, chain, &[&x]).is_ok(), fits, "{length}");
    }
}

#[test]
fn files_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.mlxfn");
    let good = fs::read(fixture("python.mlxfn")).unwrap();
    let version = |text: &str| {
        let mut bytes = good.clone();
        bytes[8..14].copy_from_slice(text.as_bytes());
        bytes
    };
    for (bytes, message) in [
        (vec![], "no exported function"),
        (vec![0; 100], "no exported function"),
        (vec![0xff; 100], "no exported function"),
        (b"{\"json\": true, \"and\": \"long enough\"}".to_vec(), "no exported function"),
        (version("0.31.1"), "written by MLX 0.31.1 and has to be exported again"),
        (version("9.32.4"), "written by MLX 9.32.4"),
        (version("v.32.4"), "no exported function"),
        (good[..14].to_vec(), ""),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = unsafe { Imported::load(&path) }.unwrap_err();
        assert!(error.message().contains(message), "{error}");
    }
    assert_eq!(unsafe { Imported::load(folder.path()) }.unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(unsafe { Imported::load("/no/such/file%s%n") }.unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn files_that_end_early_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.mlxfn");
    let good = fs::read(fixture("rust.mlxfn")).unwrap();
    for length in (0..good.len()).step_by(3).chain([good.len() - 1]) {
        fs::write(&path, &good[..length]).unwrap();
        assert!(unsafe { Imported::load(&path) }.is_err(), "{length} bytes of {}", good.len());
    }
}
