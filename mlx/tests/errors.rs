//! Nothing that safe code can ask for may crash the process; every refusal is a value that names its place.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{Array, Dtype, ErrorKind, Result, fast, nn::Linear, ones, random, zeros};

#[test]
fn a_failed_operator_reports_its_own_line() -> Result<()> {
    let (a, b) = (ones(&[2, 3], Dtype::F32), ones(&[4], Dtype::F32));
    let line = line!() + 1;
    let bad = &a + &b;
    let error = ((bad * 2.0) - &a).reshape([6]).unwrap_err();
    assert_eq!((error.kind(), error.op()), (ErrorKind::InvalidArgument, "add"));
    assert_eq!((error.location().file(), error.location().line()), (file!(), line));
    assert!(error.to_string().contains("(2,3)") && error.to_string().contains("(4)"), "{error}");
    assert!(!error.to_string().contains(".cpp"), "{error}");
    Ok(())
}

#[test]
fn constructors_defer_their_errors() {
    let too_few = Array::from_slice(&[1.0f32, 2.0], &[3]);
    assert_eq!(too_few.shape().unwrap_err().message(), "2 elements do not fill shape [3]");
    let layer = Linear::new(-1, 4);
    assert!(layer.forward(&ones(&[1, 4], Dtype::F32)).is_err());
    assert!(format!("{:?}", zeros(&[-1], Dtype::F32)).contains("failed"));
}

#[test]
fn sizes_that_overflow_are_refused() {
    let huge = [i32::MAX; 3];
    for array in [zeros(&huge, Dtype::F32), ones(&[65536; 4], Dtype::U8), mlx::full(&huge, 1.0, Dtype::F32)] {
        assert_eq!(array.eval().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    let x = ones(&[1], Dtype::F32);
    assert!(x.broadcast_to(huge).is_err());
    assert!(x.broadcast_to([65536; 4]).is_err());
    assert!(x.reshape([65536, 65536, 65536, 65536]).is_err());
    assert!(
        x.repeat(i32::MAX, 0)
            .and_then(|y| y.expand_dims(0)?.repeat(i32::MAX, 0)?.expand_dims(0)?.repeat(i32::MAX, 0))
            .is_err()
    );
    assert!(mlx::arange(0.0, 1e18, 1.0, Dtype::F32).is_err());
    assert!(mlx::arange(0.0, f64::INFINITY, 1.0, Dtype::F32).is_err());
    assert!(random::key(0).and_then(|key| random::normal(&huge, Dtype::F32, &key)).is_err());
    // A product of broadcasts overflows without any one operand doing so.
    let row = ones(&[1 << 20, 1, 1], Dtype::F32);
    let grown = &row + row.reshape([1, 1 << 20, 1]).unwrap() + row.reshape([1, 1, 1 << 20]).unwrap();
    assert_eq!(grown.shape().unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn senseless_arguments_are_errors() -> Result<()> {
    let x = ones(&[2, 3], Dtype::F32);
    let key = random::key(0)?;
    let cases: Vec<(&str, Result<Array>)> = vec![
        ("sum", x.sum(5)),
        ("squeeze", x.squeeze(0)),
        ("transpose", x.transpose([0, 0])),
        ("matmul", x.matmul(&x)),
        ("slice", x.slice(&[0, 0], &[2, 4])),
        ("slice", x.slice(&[0], &[1])),
        ("slice_update", x.slice_update(&x, &[1, 0], &[3, 3])),
        ("argpartition", x.argpartition(9, -1)),
        ("topk", x.topk(9, -1)),
        ("split", x.split(0, 0).map(|parts| parts[0].clone())),
        ("rms_norm", fast::rms_norm(&x, Some(&ones(&[2], Dtype::F32)), 1e-5)),
        ("attention", fast::scaled_dot_product_attention(&x, &x, &x, 1.0, fast::Mask::Causal)),
        ("categorical", random::categorical(&zeros(&[2, 0], Dtype::F32), -1, &key)),
        ("categorical", random::categorical(&x, -1, &x)),
        ("item", x.item::<f32>().map(Array::scalar)),
        ("load", mlx::io::load_safetensors("/no/such/file%s%n.safetensors").map(|_| x.clone())),
        ("view", ones(&[3], Dtype::U8).view(Dtype::F32)),
    ];
    for (name, result) in cases {
        assert!(result.is_err(), "{name} gave {result:?}");
    }
    Ok(())
}

#[test]
fn a_failed_evaluation_leaves_nothing_to_read() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cut.safetensors");
    let array = ones(&[1024], Dtype::F32);
    mlx::io::save_safetensors(&path, [("x", &array)], &[])?;
    let lazy = mlx::io::load_safetensors(&path)?;
    std::fs::File::options().write(true).open(&path).and_then(|f| f.set_len(200)).expect("a shorter file");
    let x = &lazy["x"];
    assert!(x.to_vec::<f32>().is_err());
    assert!(x.to_vec::<f32>().is_err(), "the second read gives memory that was never written");
    Ok(())
}
