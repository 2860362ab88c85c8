//! Positions, extents and sizes that MLX would follow out of its memory, or divide by: each is an error or is clamped.
//!
//! Without the checks of this crate nearly every line here ends the process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{
    Array, Dtype, New, Rest, Result, arange, fast, fast::GatedDelta, fast::Mask, ones, random, step, zeros,
};

fn counting(shape: &[i32]) -> Result<Array> {
    let count = shape.iter().product::<i32>();
    arange(0.0, count.into(), 1.0, Dtype::I32)?.reshape(shape)
}

fn ints(values: &[i32], shape: &[i32]) -> Array {
    Array::from_slice(values, shape)
}

/// Positions far beyond any axis, in every dtype that can hold them.
fn far() -> Vec<Array> {
    vec![
        ints(&[i32::MIN, -1_000_000_000, 1_000_000_000, i32::MAX], &[4]),
        Array::from_slice(&[i64::MIN, -1 << 40, 1 << 40, i64::MAX], &[4]),
        Array::from_slice(&[0u32, 3_000_000_000, u32::MAX, 7], &[4]),
        Array::from_slice(&[0u64, 1 << 40, 1 << 63, u64::MAX], &[4]),
        Array::from_slice(&[i16::MIN, -9, 9, i16::MAX], &[4]),
        Array::from_slice(&[i8::MIN, -9, 9, i8::MAX], &[4]),
        Array::from_slice(&[0u8, 9, 200, u8::MAX], &[4]),
    ]
}

#[test]
fn positions_on_the_device_are_clamped() -> Result<()> {
    let x = counting(&[5, 3])?;
    for far in far() {
        let (low, high) = if far.dtype()?.is_unsigned() { (0, [2, 2, 2]) } else { (0, [0, 2, 2]) };
        let columns = |y: Array| -> Result<Vec<i32>> { y.remainder(3)?.to_vec() };
        let first_line = x.take(&far, 1)?.at(0)?.to_vec::<i32>()?;
        assert_eq!(first_line, [low, high[0], high[1], high[2]], "{far:?}");
        assert_eq!(columns(x.at((0, &far))?)?, first_line, "{far:?}");
        let each = far.reshape([1, 4])?;
        assert_eq!(columns(x.take_along_axis(&each, 1)?.at(1)?)?, first_line, "{far:?}");
        assert_eq!(x.at((&far, &far))?.shape()?, [4]);
        assert_eq!(x.take(&far, ..)?.size()?, 4);
        for written in [
            x.set_at((.., &far), 0)?,
            x.add_at((&far, step(.., -1)), 0)?,
            x.max_at((&far, &far), 0)?,
            x.put_along_axis(&each, 0, 1)?,
            x.scatter_add_axis(&each, 0, 1)?,
            x.scatter(&[&far], &zeros(&[4, 2, 3], Dtype::I32), &[0])?,
            x.scatter_add(&[&far, &far], &zeros(&[4, 1, 1], Dtype::I32), &[1, 0])?,
        ] {
            assert_eq!(written.to_vec::<i32>()?.len(), 15);
        }
        let blocks = x.gather(&[&far], &[1], &[5, 2])?.to_vec::<i32>()?;
        assert!(blocks.iter().all(|value| (0..15).contains(value)), "{blocks:?}");
        for place in 0..4 {
            let start = far.at(place..place + 1)?;
            let block = x.slice_dynamic(&start, &[0], &[2, 3])?.to_vec::<i32>()?;
            assert!([0, 9].contains(&block[0]) && block[5] == block[0] + 5, "{far:?}: {block:?}");
            let written = x.slice_update_dynamic(&ints(&[-1; 6], &[2, 3]), &start, &[0])?.to_vec::<i32>()?;
            assert_eq!(written.iter().filter(|&&value| value == -1).count(), 6);
        }
        let loss = fast::cross_entropy(&ones(&[4, 3], Dtype::F32), &far)?.to_vec::<f32>()?;
        assert!(loss.iter().all(|loss| (loss - 3f32.ln()).abs() < 1e-6));
    }
    Ok(())
}

#[test]
fn positions_known_here_are_errors() -> Result<()> {
    let x = counting(&[5, 3])?;
    for position in [5, -6, i32::MAX, i32::MIN] {
        for result in [
            x.at(position),
            x.at((.., [0, position])),
            x.at(([0, 1], position)),
            x.set_at(position, 0),
            x.add_at((.., vec![position]), 0),
        ] {
            let error = result.unwrap_err();
            assert!(error.message().contains(&format!("index {position} is out of range")), "{error}");
            assert_eq!(error.location().file(), file!(), "{error}");
        }
    }
    for span in [
        step(i32::MIN..i32::MAX, i32::MIN),
        step(i32::MIN..i32::MAX, -1),
        step(i32::MIN..=i32::MAX, i32::MAX),
        step(..=i32::MIN, -1),
        step(i32::MAX.., -i32::MAX),
        step(..=i32::MAX, 2),
    ] {
        let part = x.at(span)?;
        assert_eq!(x.set_at(span, 0)?.size()?, 15);
        assert_eq!(part.to_vec::<i32>()?.len(), part.size()?, "{span:?}");
    }
    assert!(x.at(step(.., 0)).is_err());
    // Two positions a billion apart: the sum of distance and step does not fit MLX's integers.
    let wide = Array::scalar(1i8).broadcast_to([i32::MAX])?;
    assert!(wide.at(step(.., 1 << 30)).is_err());
    let wide = wide.at(..1 << 30)?;
    assert_eq!(wide.at(step(.., 1 << 29))?.to_vec::<i8>()?, [1; 2]);
    assert_eq!(wide.at(step(.., -(1 << 29)))?.to_vec::<i8>()?, [1; 2]);
    assert_eq!(wide.at(step(.., i32::MIN))?.to_vec::<i8>()?, [1]);
    Ok(())
}

#[test]
fn arguments_that_fit_nothing_are_errors() -> Result<()> {
    let x = counting(&[5, 3])?;
    let f = x.astype(Dtype::F32)?;
    let (one, two, none) = (ints(&[1], &[1]), ints(&[0, 1], &[2]), ints(&[], &[0]));
    let mask = ones(&[5, 3], Dtype::Bool);
    let wide = Array::scalar(0).broadcast_to([2, 1 << 20])?;
    let many = Array::scalar(0).broadcast_to([1 << 16, 1 << 16])?;
    let cases: Vec<(&str, Result<Array>)> = vec![
        ("float positions", x.at(&f)),
        ("float positions to take", x.take(&f, 0)),
        ("two axes to take", x.take(&one, [0, 1])),
        ("no such axis", x.take(&one, 2)),
        ("a scalar has no axis", Array::scalar(1).take(&one, 0)),
        ("positions that do not broadcast", x.at((&two, ints(&[0, 1, 2], &[3])))),
        ("no elements", zeros(&[0, 3], Dtype::F32).at(&one)),
        ("no elements to write", zeros(&[0, 3], Dtype::F32).add_at(&one, 1)),
        ("too large a result", wide.at(&many)),
        ("too large a result to take", wide.take(&many, 0)),
        ("too large a result to gather", wide.gather(&[&many], &[0], &[1, 1 << 20])),
        ("value", x.set_at((.., &two), counting(&[5, 3])?)),
        ("value of higher rank", x.set_at(0, ones(&[2, 3], Dtype::I32))),
        ("value under a mask", x.set_at(&mask, &none)),
        ("unsigned division", x.divide_at(0, 2)),
        ("bool difference", mask.subtract_at(0, true)),
        ("gather sizes", x.gather(&[&one], &[0], &[1, 4])),
        ("negative gather sizes", x.gather(&[&one], &[0], &[1, -1])),
        ("gather sizes of another rank", x.gather(&[&one], &[0], &[1])),
        ("gather axes", x.gather(&[&one], &[0, 1], &[1, 1])),
        ("gather axis twice", x.gather(&[&one, &one], &[0, -2], &[1, 1])),
        ("gather axis", x.gather(&[&one], &[9], &[1, 1])),
        ("scatter updates", x.scatter(&[&one], &ones(&[1, 1, 4], Dtype::I32), &[0])),
        ("scatter rank", x.scatter_add(&[&one], &ones(&[3], Dtype::I32), &[0])),
        ("scatter lead", x.scatter_max(&[&one], &ones(&[2, 1, 3], Dtype::I32), &[0])),
        ("mask dtype", x.masked_scatter(&one, &one)),
        ("mask values", x.masked_scatter(&mask, &none)),
        ("mask shape", x.masked_scatter(&ones(&[4], Dtype::Bool), &one)),
        ("slice", x.slice(&[0, -1], &[1, 2])),
        ("slice_update of higher rank", x.slice_update(&ones(&[2, 2, 2], Dtype::I32), &[0, 0], &[2, 2])),
        ("slice_update_add", x.slice_update_add(&ones(&[3], Dtype::I32), &[0, 0], &[2, 2])),
        ("dynamic size", x.slice_dynamic(&one, &[0], &[6, 3])),
        ("negative dynamic size", x.slice_dynamic(&one, &[0], &[-1, 3])),
        ("dynamic rank", x.slice_dynamic(&one, &[0], &[2])),
        ("dynamic starts", x.slice_dynamic(&two, &[0], &[1, 1])),
        ("dynamic start dtype", x.slice_dynamic(&f.at((0, ..1))?, &[0], &[1, 1])),
        ("dynamic axis", x.slice_dynamic(&one, &[2], &[1, 1])),
        ("dynamic axis twice", x.slice_dynamic(&two, &[0, 0], &[1, 1])),
        ("dynamic update of higher rank", x.slice_update_dynamic(&ones(&[2, 2, 2], Dtype::I32), &one, &[0])),
        ("dynamic update", x.slice_update_dynamic(&ones(&[6, 1], Dtype::I32), &one, &[0])),
    ];
    for (name, result) in cases {
        let error = result.expect_err(name);
        assert_eq!(error.location().file(), file!(), "{name}: {error}");
    }
    Ok(())
}

#[test]
fn nothing_is_done_with_no_elements() -> Result<()> {
    let (empty, none) = (zeros(&[3, 0], Dtype::F32), ints(&[], &[0]));
    let twice = ints(&[0, 0], &[2]);
    let x = counting(&[3, 2])?;
    let lines = twice.reshape([1, 2])?;
    for (result, shape) in [
        (empty.at(&twice)?, &[2, 0][..]),
        (empty.add_at(&twice, 1)?, &[3, 0]),
        (empty.set_at(&twice, 1)?, &[3, 0]),
        (empty.put_along_axis(&twice.reshape([2, 1])?, 1, 0)?, &[3, 0]),
        (empty.scatter_add(&[&twice], &zeros(&[2, 1, 0], Dtype::F32), &[0])?, &[3, 0]),
        (empty.gather(&[&twice], &[0], &[1, 0])?, &[2, 1, 0]),
        (empty.masked_scatter(&zeros(&[3, 0], Dtype::Bool), &none)?, &[3, 0]),
        (empty.set_at(zeros(&[3, 0], Dtype::Bool), 1)?, &[3, 0]),
        (empty.set_at((.., ones(&[0], Dtype::Bool)), 1)?, &[3, 0]),
        (empty.slice_update_add(&zeros(&[0], Dtype::F32), &[0, 0], &[3, 0])?, &[3, 0]),
        (empty.slice_dynamic(&twice, &[0, 1], &[2, 0])?, &[2, 0]),
        (empty.slice_update_dynamic(&zeros(&[0], Dtype::F32), &twice, &[0, 1])?, &[3, 0]),
        (empty.as_strided([0, 5], &[1, 1], 9)?, &[0, 5]),
        (x.at(&none)?, &[0, 2]),
        (x.at((.., [0; 0]))?, &[3, 0]),
        (x.at((3.., &twice))?, &[0, 2]),
        (x.add_at(&none, 1)?, &[3, 2]),
        (x.take(&none, 1)?, &[3, 0]),
        (x.take(&none, ..)?, &[0]),
        (x.put_along_axis(&zeros(&[3, 0], Dtype::I32), 1, 1)?, &[3, 2]),
        (x.put_along_axis(&lines, zeros(&[0], Dtype::I32), 1)?, &[3, 2]),
        (x.scatter(&[&none], &zeros(&[0, 1, 2], Dtype::I32), &[0])?, &[3, 2]),
    ] {
        assert_eq!((result.shape()?, result.to_vec::<f32>()?.len()), (shape, result.size()?));
    }
    Ok(())
}

#[test]
fn strided_views_stay_in_the_buffer() -> Result<()> {
    let x = counting(&[6])?;
    for (shape, strides, offset) in [
        (&[7][..], &[1i64][..], 0usize),
        (&[6], &[1], 1),
        (&[6], &[-1], 4),
        (&[2, 2], &[3, 3], 0),
        (&[2], &[i64::MAX], 0),
        (&[2], &[i64::MIN], 5),
        (&[3, 3], &[i64::MAX, i64::MIN], 2),
        (&[i32::MAX, 2], &[i64::MAX, 1], 0),
        (&[1], &[1], 6),
        (&[1], &[1], usize::MAX),
        (&[], &[], 6),
        (&[-1], &[1], 0),
        (&[65536, 65536, 65536, 65536], &[0, 0, 0, 0], 0),
        (&[2, 2], &[1], 0),
    ] {
        assert!(x.as_strided(shape, strides, offset).is_err(), "{shape:?} {strides:?} {offset}");
    }
    // Neither the stride of a picked view nor a broadcast makes the buffer larger than the elements.
    assert_eq!(x.at(step(.., 2))?.as_strided([3], &[1], 0)?.to_vec::<i32>()?, [0, 2, 4]);
    let same = Array::scalar(5).broadcast_to([4])?;
    assert_eq!(same.as_strided([2, 2], &[2, 1], 0)?.to_vec::<i32>()?, [5; 4]);
    assert!(same.as_strided([5], &[1], 0).is_err());
    assert_eq!(x.as_strided([6], &[-1], 5)?.to_vec::<i32>()?, [5, 4, 3, 2, 1, 0]);
    assert_eq!(x.as_strided([2, 3], &[0, 2], 1)?.to_vec::<i32>()?, [1, 3, 5, 1, 3, 5]);
    assert_eq!(x.as_strided(Vec::new(), &[], 5)?.item::<i32>()?, 5);
    // An operation on a view that overlaps itself must not write to what it shares.
    let windows = x.as_strided([5, 2], &[1, 1], 0)?;
    assert_eq!((windows * 2).sum(..)?.item::<i32>()?, 50);
    assert_eq!(x.to_vec::<i32>()?, [0, 1, 2, 3, 4, 5]);
    Ok(())
}

#[test]
fn fused_operations_check_what_their_kernels_trust() -> Result<()> {
    let of = |shape: &[i32]| ones(shape, Dtype::F32);
    let attend = |q: &[i32], k: &[i32], v: &[i32]| {
        fast::scaled_dot_product_attention(&of(q), &of(k), &of(v), 1.0, Mask::None)
    };
    let delta = |q: &[i32], k: &[i32], v: &[i32], g: &[i32], b: &[i32], options| {
        fast::gated_delta_update(&of(q), &of(k), &of(v), &of(g), &of(b), options).map(|(output, _)| output)
    };
    let (qk, v, g) = (&[1, 2, 1, 4][..], &[1, 2, 2, 4][..], &[1, 2, 2][..]);
    let plain = GatedDelta::default();
    let (state, mask) = (of(&[3, 3]), ones(&[2, 2], Dtype::Bool));
    let x = of(&[1, 2, 4]);
    let rope = |dims, base, freqs: Option<&Array>, offset: i32| {
        let options = fast::RopeOptions { dims, traditional: false, base, scale: 1.0, freqs };
        fast::rope(&x, offset, options)
    };
    let options = fast::RopeOptions { dims: 4, traditional: false, base: 1e4, scale: 1.0, freqs: None };
    let cases: Vec<(&str, Result<Array>)> = vec![
        ("no kv heads", attend(&[1, 2, 3, 4], &[1, 0, 3, 4], &[1, 0, 3, 4])),
        ("no heads", attend(&[1, 0, 3, 4], &[1, 0, 3, 4], &[1, 0, 3, 4])),
        ("lengths of k and v", attend(&[1, 2, 3, 4], &[1, 2, 3, 4], &[1, 2, 5, 4])),
        ("dims of q and k", attend(&[1, 2, 3, 4], &[1, 2, 3, 5], &[1, 2, 3, 4])),
        ("heads", attend(&[1, 3, 3, 4], &[1, 2, 3, 4], &[1, 2, 3, 4])),
        ("batch", attend(&[1, 2, 3, 4], &[2, 2, 3, 4], &[2, 2, 3, 4])),
        ("rank", attend(&[2, 3, 4], &[2, 3, 4], &[2, 3, 4])),
        ("no key heads", delta(&[1, 2, 0, 4], &[1, 2, 0, 4], v, g, g, plain)),
        ("no positions", delta(&[1, 0, 1, 4], &[1, 0, 1, 4], &[1, 0, 2, 4], &[1, 0, 2], &[1, 0, 2], plain)),
        ("k", delta(qk, &[1, 2, 1, 5], v, g, g, plain)),
        ("gates", delta(qk, qk, v, &[1, 2, 2, 5], g, plain)),
        ("beta", delta(qk, qk, v, g, &[1, 2, 3], plain)),
        ("state", delta(qk, qk, v, g, g, GatedDelta { state: Some(&state), ..plain })),
        ("mask", delta(qk, qk, v, g, g, GatedDelta { mask: Some(&mask), ..plain })),
        ("ranks", delta(&[2], &[2], &[2], &[2], &[2], plain)),
        ("odd dims", rope(3, 1e4, None, 0)),
        ("no dims", rope(0, 1e4, None, 0)),
        ("negative dims", rope(-2, 1e4, None, 0)),
        ("more dims than there are", rope(6, 1e4, None, 0)),
        ("freqs", rope(4, 1e4, Some(&of(&[3])), 0)),
        ("the last position", rope(4, 1e4, None, i32::MAX)),
        ("too many offsets", fast::rope(&x, &ints(&[0, 1], &[2]), options)),
        ("a float offset", fast::rope(&x, &of(&[1]), options)),
        ("layer_norm weight", fast::layer_norm(&x, Some(&of(&[3])), None, 1e-5)),
        ("layer_norm bias", fast::layer_norm(&x, None, Some(&of(&[3])), 1e-5)),
        ("layer_norm of a scalar", fast::layer_norm(&of(&[]), None, None, 1e-5)),
        ("layer_norm of integers", fast::layer_norm(&ints(&[1], &[1]), None, None, 1e-5)),
        ("targets", fast::cross_entropy(&x, &ints(&[0], &[1]))),
        ("float targets", fast::cross_entropy(&x, &of(&[1, 2]))),
        ("no classes", fast::cross_entropy(&of(&[2, 0]), &ints(&[0, 1], &[2]))),
        ("scalar logits", fast::cross_entropy(&of(&[]), &ints(&[0], &[]))),
    ];
    for (name, result) in cases {
        let error = result.expect_err(name);
        assert_eq!(error.location().file(), file!(), "{name}: {error}");
    }
    assert_eq!(attend(&[1, 2, 3, 4], &[1, 2, 0, 4], &[1, 2, 0, 4])?.to_vec::<f32>()?.len(), 24);
    assert_eq!(attend(&[1, 2, 0, 4], &[1, 2, 3, 4], &[1, 2, 3, 4])?.to_vec::<f32>()?.len(), 0);
    assert_eq!(fast::layer_norm(&of(&[2, 0]), None, None, 1e-5)?.to_vec::<f32>()?.len(), 0);
    Ok(())
}

#[test]
fn random_arguments_are_checked() -> Result<()> {
    let key = random::key(0)?;
    let (f, huge) = (Dtype::F32, [i32::MAX; 3]);
    let logits = zeros(&[2, 3], f);
    let cases: Vec<(&str, Result<Array>)> = vec![
        ("a key of three", random::normal(&[2], f, &ints(&[1, 2, 3], &[3]).astype(Dtype::U32)?)),
        ("a key of another dtype", random::normal(&[2], f, &ints(&[1, 2], &[2]))),
        ("too many keys", random::split_num(&key, i32::MAX).and_then(|keys| keys.reshape([-3]))),
        ("fewer than no keys", random::split_num(&key, -1)),
        ("huge bits", random::bits(&huge, Dtype::U8, &key)),
        ("signed bits", random::bits(&[2], Dtype::I32, &key)),
        ("64 bits", random::bits(&[2], Dtype::U64, &key)),
        ("integer normal", random::normal(&[2], Dtype::I32, &key)),
        ("loc", random::normal_with(zeros(&[3], f), 1.0, &[2], f, &key)),
        ("low", random::uniform(zeros(&[3], f), 1.0, &[2], f, &key)),
        ("a bound of higher rank", random::uniform(zeros(&[1, 2], f), 1.0, &[2], f, &key)),
        ("negative shape", random::uniform(0.0, 1.0, &[-1], f, &key)),
        ("float randint", random::randint(0, 9, &[2], f, &key)),
        ("randint bounds", random::randint(0, zeros(&[3], Dtype::I32), &[2], Dtype::I32, &key)),
        ("bernoulli of an integer", random::bernoulli(Array::scalar(1), &[2], &key)),
        ("bernoulli shape", random::bernoulli(zeros(&[3], f), &[2], &key)),
        ("truncated", random::truncated_normal(-1.0, 1.0, &[2], Dtype::I32, &key)),
        ("gumbel", random::gumbel(&huge, f, &key)),
        ("laplace", random::laplace(&[2], Dtype::I32, &key)),
        ("no options", random::categorical_num_samples(&zeros(&[2, 0], f), 1, 3, &key)),
        ("negative samples", random::categorical_num_samples(&logits, 1, -3, &key)),
        ("huge samples", random::categorical_shape(&logits, 1, &huge, &key)),
        ("samples' shape", random::categorical_shape(&logits, 1, &[5], &key)),
        ("a scalar", random::categorical(&Array::scalar(1.0f32), 0, &key)),
        ("permutation axis", random::permutation(&logits, 2, &key)),
        ("permutation of a scalar", random::permutation(&Array::scalar(1), 0, &key)),
        ("negative permutation", random::permutation_arange(-3, &key)),
        ("mean", random::multivariate_normal(&Array::scalar(1.0f32), &mlx::eye(2, f), &[3], &key)),
        ("covariance", random::multivariate_normal(&zeros(&[2], f), &mlx::eye(3, f), &[3], &key)),
        ("means", random::multivariate_normal(&zeros(&[2, 2], f), &mlx::eye(2, f), &[3], &key)),
    ];
    for (name, result) in cases {
        let error = result.expect_err(name);
        assert_eq!(error.location().file(), file!(), "{name}: {error}");
    }
    assert_eq!(random::permutation_arange(0, &key)?.to_vec::<u32>()?.len(), 0);
    assert_eq!(random::randint(5, 3, &[2], Dtype::I32, &key)?.to_vec::<i32>()?, [5, 5]);
    Ok(())
}

/// Whatever these give, an array that reads or an error: the process goes on.
#[test]
fn arrays_without_axes_and_lists_without_entries_do_no_harm() -> Result<()> {
    let (one, x, empty) = (Array::scalar(1), counting(&[2, 3])?, zeros(&[0, 3], Dtype::I32));
    let none = ints(&[], &[0]);
    let f = |shape: &[i32]| ones(shape, Dtype::F32);
    let rope = fast::RopeOptions { dims: 2, traditional: false, base: 1e4, scale: 1.0, freqs: None };
    let results = vec![
        one.at(()),
        one.at(Rest),
        one.at((New, New)),
        one.set_at((), 2),
        one.set_at(Rest, ints(&[3], &[1])),
        one.add_at((New, Rest), 2),
        one.set_at(Array::scalar(false), 2),
        x.set_at(Array::scalar(true), 2),
        one.slice(&[], &[]),
        one.slice_update_add(&one, &[], &[]),
        one.slice_dynamic(&none, &[], &[]),
        one.slice_update_dynamic(&one, &none, &[]),
        one.gather(&[], &[], &[]),
        one.scatter_add(&[], &one, &[]),
        one.take(&x, ..),
        one.put_along_axis(&none, 1, ..),
        one.scatter_add_axis(&ints(&[0, 0], &[2]), 1, ..),
        one.masked_scatter(&Array::scalar(true), &one),
        one.as_strided([2, 2], &[0, 0], 0),
        x.slice_dynamic(&none, &[], &[2, 3]),
        x.slice_dynamic(&Array::scalar(i32::MIN), &[1], &[1, 1]),
        x.gather(&[], &[], &[1, 1]),
        x.scatter(&[], &x, &[]),
        x.take_along_axis(&one, 0),
        x.put_along_axis(&one, 1, 0),
        x.put_along_axis(&zeros(&[3, 1], Dtype::I32), 1, 1),
        x.take_along_axis(&zeros(&[3, 1], Dtype::I32), 1),
        x.put_along_axis(&zeros(&[2, 1], Dtype::I32), ones(&[5], Dtype::I32), 1),
        empty.take(&none, 0),
        empty.take_along_axis(&zeros(&[1, 1], Dtype::I32), 1),
        empty.put_along_axis(&zeros(&[1, 1], Dtype::I32), 1, 1),
        empty.scatter_max(&[&none], &zeros(&[0, 1, 3], Dtype::I32), &[0]),
        empty.scatter_max(&[&ints(&[0], &[1])], &zeros(&[1, 1, 3], Dtype::I32), &[0]),
        empty.scatter_max(&[&ints(&[0], &[1])], &zeros(&[1, 0, 3], Dtype::I32), &[0]),
        fast::rope(&f(&[0, 1, 2]), 1, rope),
        fast::rope(&f(&[0, 1, 1, 2]), &none, rope),
        fast::rope(&f(&[1, 2]), 1, rope),
        fast::rope(&f(&[]), 1, rope),
        fast::rms_norm(&f(&[0, 0]), None, 1e-5),
        fast::layer_norm(&f(&[0, 2]), Some(&f(&[2])), None, 1e-5),
        fast::cross_entropy(&f(&[0, 2]), &none),
        fast::scaled_dot_product_attention(
            &f(&[0, 1, 1, 2]),
            &f(&[0, 1, 1, 2]),
            &f(&[0, 1, 1, 2]),
            1.0,
            Mask::Causal,
        ),
        fast::scaled_dot_product_attention(
            &f(&[1, 1, 1, 2]),
            &f(&[1, 1, 1, 2]),
            &f(&[1, 1, 1, 0]),
            1.0,
            Mask::Causal,
        ),
        fast::scaled_dot_product_attention(
            &f(&[1, 1, 2, 2]),
            &f(&[1, 1, 1, 2]),
            &f(&[1, 1, 1, 2]),
            1.0,
            Mask::Array(&none),
        ),
        random::permutation(&empty, 0, &random::key(0)?),
        random::randint(i64::MIN, i64::MAX, &[2], Dtype::I64, &random::key(0)?),
        random::bits(&[], Dtype::U8, &random::key(0)?),
        random::split_num(&random::key(0)?, 0),
        random::categorical(&zeros(&[0, 3], Dtype::F32), 1, &random::key(0)?),
        random::normal(&[0], Dtype::F32, &random::key(0)?),
    ];
    let complete = |array: &Array| -> Result<bool> { Ok(array.to_vec::<f32>()?.len() == array.size()?) };
    let given = results.iter().flatten().filter(|array| complete(array).unwrap_or(false)).count();
    assert!(given > 30, "{given}");
    assert_eq!(one.add_at((New, Rest), 2)?.item::<i32>()?, 3);
    assert_eq!(one.set_at(Rest, ints(&[3], &[1]))?.item::<i32>()?, 3);
    assert_eq!(x.set_at(Array::scalar(true), 2)?.to_vec::<i32>()?, [2; 6]);
    Ok(())
}

/// A failed array carries its error into and through an index.
#[test]
fn failed_arrays_stay_errors() {
    let failed = ones(&[2], Dtype::I32) + ones(&[3], Dtype::I32);
    let x = ones(&[3, 3], Dtype::I32);
    for result in
        [x.at(&failed), failed.at(0), x.set_at(0, &failed), x.add_at(&failed, 1), x.at((&failed, 0))]
    {
        assert_eq!(result.unwrap_err().op(), "add");
    }
}
