//! Arrays as text. What is expected was printed by Python's MLX.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{Array, Complex32, Dtype, PrintOptions, Result, arange, bf16, f16, ones, set_printoptions, zeros};

fn counting(shape: &[i32]) -> Result<Array> {
    arange(0.0, shape.iter().product::<i32>().into(), 1.0, Dtype::I32)?.reshape(shape)
}

fn vector<T: mlx::Element>(values: &[T]) -> Array {
    Array::from_slice(values, &[values.len() as i32])
}

#[test]
fn arrays_print_as_in_python() -> Result<()> {
    let infinity = f32::INFINITY;
    for (array, expected) in [
        (Array::scalar(7), "array(7, dtype=int32)"),
        (Array::scalar(-0.0f32), "array(-0, dtype=float32)"),
        (Array::from_slice(&[1, 2, 3, -4], &[2, 2]), "array([[1, 2],\n       [3, -4]], dtype=int32)"),
        (vector(&[0u8, 255]), "array([0, 255], dtype=uint8)"),
        (vector(&[3u16]), "array([3], dtype=uint16)"),
        (vector(&[u32::MAX]), "array([4294967295], dtype=uint32)"),
        (vector(&[u64::MAX]), "array([18446744073709551615], dtype=uint64)"),
        (vector(&[-128i8, 127]), "array([-128, 127], dtype=int8)"),
        (vector(&[-3i16]), "array([-3], dtype=int16)"),
        (vector(&[i64::MIN]), "array([-9223372036854775808], dtype=int64)"),
        (vector(&[f16::from_f32(1.1), f16::MAX]), "array([1.09961, 65504], dtype=float16)"),
        (vector(&[bf16::from_f32(1.1)]), "array([1.10156], dtype=bfloat16)"),
        (vector(&[1.5f32, 2.0, -0.25, 1e-10]), "array([1.5, 2, -0.25, 1e-10], dtype=float32)"),
        (vector(&[infinity, -infinity, f32::NAN, 1e10]), "array([inf, -inf, nan, 1e+10], dtype=float32)"),
        (vector(&[0.1f64, 1.0 / 3.0]), "array([0.1, 0.333333], dtype=float64)"),
        (vector(&[true, false]), "array([True, False], dtype=bool)"),
        (
            vector(&[Complex32::new(1.0, 2.0), Complex32::new(-1.5, -0.5)]),
            "array([1+2j, -1.5-0.5j], dtype=complex64)",
        ),
        (zeros(&[0], Dtype::F32), "array([], dtype=float32)"),
        (zeros(&[2, 0], Dtype::F32), "array([[],\n       []], dtype=float32)"),
        (zeros(&[0, 2], Dtype::F32), "array([], dtype=float32)"),
        (counting(&[6])?, "array([0, 1, 2, 3, 4, 5], dtype=int32)"),
        (counting(&[7])?, "array([0, 1, 2, ..., 4, 5, 6], dtype=int32)"),
        (counting(&[1000])?, "array([0, 1, 2, ..., 997, 998, 999], dtype=int32)"),
        (
            counting(&[8, 8])?,
            "array([[0, 1, 2, ..., 5, 6, 7],\n       [8, 9, 10, ..., 13, 14, 15],\n       [16, 17, 18, ..., 21, 22, 23],\n       \
             ...,\n       [40, 41, 42, ..., 45, 46, 47],\n       [48, 49, 50, ..., 53, 54, 55],\n       \
             [56, 57, 58, ..., 61, 62, 63]], dtype=int32)",
        ),
        (
            counting(&[2, 2, 2])?,
            "array([[[0, 1],\n        [2, 3]],\n       [[4, 5],\n        [6, 7]]], dtype=int32)",
        ),
        (counting(&[2, 3])?.t()?, "array([[0, 3],\n       [1, 4],\n       [2, 5]], dtype=int32)"),
        (vector(&[1, 2]).broadcast_to([2, 2])?, "array([[1, 2],\n       [1, 2]], dtype=int32)"),
    ] {
        assert_eq!((array.to_string().as_str(), format!("{array:?}").as_str()), (expected, expected));
    }

    let x = vector(&[1.23456f32, 1000.5, 1e10, infinity]);
    let two_decimals = "array([1.23, 1000.50, 10000000000.00, inf], dtype=float32)";
    let usual = x.to_string();
    assert_eq!(format!("{x:.2}"), two_decimals);
    assert_eq!(x.to_string(), usual);
    set_printoptions(PrintOptions::default().precision(2))?;
    assert_eq!(x.to_string(), two_decimals);
    assert_eq!(format!("{:.0}", vector(&[1.23456f32, 1000.5])), "array([1, 1000], dtype=float32)");
    assert_eq!(x.to_string(), two_decimals);
    set_printoptions(PrintOptions::default())?;
    assert_eq!(x.to_string(), usual);
    Ok(())
}

#[test]
fn precisions_of_threads_do_not_mix() {
    let threads: Vec<_> = (1..5usize)
        .map(|decimals| {
            std::thread::spawn(move || {
                let expected = format!("array({:.decimals$}, dtype=float32)", 0.5);
                for _ in 0..200 {
                    assert_eq!(format!("{:.decimals$}", Array::scalar(0.5f32)), expected);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let long = format!("{:.1$}", Array::scalar(0.5f64), u16::MAX.into());
    assert!(long.len() < 1200, "{}", long.len());
}

#[test]
fn failures_are_printed_not_raised() -> Result<()> {
    let failed = ones(&[2], Dtype::F32) + ones(&[3], Dtype::F32);
    assert!(failed.to_string().starts_with("array(failed: add: "), "{failed}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.safetensors");
    mlx::io::save_safetensors(&path, [("x", &ones(&[1024], Dtype::F32))], &[])?;
    let lazy = mlx::io::load_safetensors(&path)?;
    std::fs::File::options().write(true).open(&path).unwrap().set_len(200).unwrap();
    for _ in 0..2 {
        let text = lazy["x"].to_string();
        assert!(
            text.starts_with("array(failed: ") && text.ends_with(", shape=[1024], dtype=float32)"),
            "{text}"
        );
    }
    Ok(())
}
