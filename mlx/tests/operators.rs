//! Operators and host scalars.

use mlx::{Array, Dtype, ErrorKind, Result, full, ones};

fn vector(values: &[i32]) -> Array {
    Array::from_slice(values, &[values.len() as i32])
}

#[test]
fn operators_on_integers() -> Result<()> {
    let (a, b) = (vector(&[12, -7, 5, 0]), vector(&[10, 3, -2, 4]));
    let bits = vector(&[1, 2, 3, 0]);
    for (found, expected) in [
        (&a & &b, [12 & 10, -7 & 3, 5 & -2, 0]),
        (&a | &b, [12 | 10, -7 | 3, 5 | -2, 4]),
        (&a ^ &b, [12 ^ 10, -7 ^ 3, 5 ^ -2, 4]),
        (&a << &bits, [12 << 1, -7 << 2, 5 << 3, 0]),
        (&a >> &bits, [12 >> 1, -7 >> 2, 5 >> 3, 0]),
        (!&a, [!12, !-7, !5, !0]),
        (!a.clone(), [!12, !-7, !5, !0]),
        (1 << &bits, [2, 4, 8, 1]),
        (6 & b.clone(), [6 & 10, 6 & 3, 6 & -2, 6 & 4]),
        (&a & 4u8, [4, -7 & 4, 4, 0]),
        (-&a % 5, [-12 + 15, 2, 0, 0]),
    ] {
        assert_eq!(found.to_vec::<i32>()?, expected);
    }
    let mask = Array::from_slice(&[true, false], &[2]);
    assert_eq!((!&mask).to_vec::<bool>()?, [false, true]);
    assert_eq!((&mask | !&mask).to_vec::<bool>()?, [true, true]);
    assert_eq!((&mask & false).dtype()?, Dtype::Bool);
    Ok(())
}

#[test]
fn assigning_operators_do_what_the_plain_ones_do() -> Result<()> {
    let start = vector(&[7, 9, -12]);
    macro_rules! check {
        ($($op:tt $assign:tt $rhs:expr;)*) => { $({
            let mut x = start.clone();
            x $assign $rhs;
            let plain = &start $op $rhs;
            assert_eq!((x.dtype()?, x.to_vec::<f32>()?), (plain.dtype()?, plain.to_vec::<f32>()?));
        })* };
    }
    check! {
        + += 2; - -= 2i64; * *= &start; / /= 4; % %= 5; & &= 6; | |= 1u16; ^ ^= 3; << <<= 1; >> >>= 1; + += 0.5;
    }
    let mut sum = ones(&[2], Dtype::Bf16);
    for i in 0..3 {
        sum += i;
    }
    assert_eq!((sum.dtype()?, sum.to_vec::<f32>()?), (Dtype::Bf16, vec![4.0, 4.0]));
    let mut failed = ones(&[2], Dtype::F32);
    failed += ones(&[3], Dtype::F32);
    failed *= 2;
    assert_eq!(failed.shape().map_err(|e| e.op()), Err("add"));
    failed = ones(&[1], Dtype::F32);
    failed &= 1;
    assert!(failed.shape().is_err_and(|e| e.op() == "bitwise_and"));
    Ok(())
}

#[test]
fn integer_scalars_of_every_width() -> Result<()> {
    let x = vector(&[1]);
    for sum in
        [&x + 1i8, &x + 1i16, &x + 1i32, &x + 1i64, &x + 1u8, &x + 1u16, &x + 1u32, &x + 1u64, &x + 1usize]
    {
        assert_eq!((sum.dtype()?, sum.item::<i32>()?), (Dtype::I32, 2));
    }
    let wide = full(&[1], u64::MAX, Dtype::U64);
    assert_eq!(wide.item::<u64>()?, u64::MAX);
    assert_eq!((&wide - (u64::MAX - 5)).item::<u64>()?, 5);
    let too_large = x.add(u64::MAX);
    assert!(
        too_large.is_err_and(|e| e.kind() == ErrorKind::InvalidArgument && e.message().contains("too large"))
    );
    Ok(())
}

/// The quotient and remainder that Python's MLX gives, without its traps.
fn divided(a: i64, b: i64) -> (i64, i64) {
    match b {
        0 => (0, a),
        _ => {
            let (quotient, remainder) = (a.wrapping_div(b), a.wrapping_rem(b));
            let below = remainder != 0 && (remainder < 0) != (b < 0);
            if below { (quotient - 1, remainder + b) } else { (quotient, remainder) }
        }
    }
}

#[test]
fn no_integers_crash_a_division() -> Result<()> {
    for dtype in Dtype::ALL.iter().copied().filter(|dtype| dtype.is_integer()) {
        let info = dtype.iinfo()?;
        let top = i64::try_from(info.max).unwrap_or(i64::MAX);
        let values: Vec<i64> =
            [info.min, -7, -1, 0, 1, 2, 7, top].into_iter().filter(|v| *v >= info.min).collect();
        let pairs: Vec<(i64, i64)> = values.iter().flat_map(|a| values.iter().map(|b| (*a, *b))).collect();
        let side = |pick: fn(&(i64, i64)) -> i64| {
            let values: Vec<i64> = pairs.iter().map(pick).collect();
            Array::from_slice(&values, &[values.len() as i32]).astype(dtype)
        };
        let (a, b) = (side(|p| p.0)?, side(|p| p.1)?);
        let (quotients, remainders) = (a.floor_divide(&b)?, a.remainder(&b)?);
        let both = a.divmod(&b)?;
        assert_eq!((both.0.dtype()?, both.1.dtype()?), (dtype, dtype));
        assert!(
            both.0.array_equal(&quotients)?.item::<bool>()?
                && both.1.array_equal(&remainders)?.item::<bool>()?
        );
        let found = quotients.to_vec::<i64>()?.into_iter().zip(remainders.to_vec::<i64>()?);
        for ((a, b), (quotient, remainder)) in pairs.iter().copied().zip(found) {
            if b == 0 {
                continue; // Unspecified, but no crash.
            }
            let (expected, rest) = divided(a, b);
            // The lowest number divided by -1 wraps around.
            let expected = Array::scalar(expected).astype(dtype)?.item::<i64>()?;
            assert_eq!((quotient, remainder), (expected, rest), "{a} / {b} as {dtype}");
        }
    }
    let (lowest, mixed) = (vector(&[i32::MIN, 7]), ones(&[2], Dtype::U8) - 2);
    assert_eq!(lowest.remainder(-1)?.to_vec::<i32>()?, [0, 0]);
    assert_eq!(lowest.floor_divide(-1)?.to_vec::<i32>()?, [i32::MIN, -7]);
    assert_eq!(ones(&[1], Dtype::U8).floor_divide(vector(&[-1]))?.to_vec::<i32>()?, [-1]);
    assert_eq!(ones(&[1], Dtype::Bool).floor_divide(vector(&[-1]))?.to_vec::<i32>()?, [-1]);
    assert_eq!(lowest.floor_divide(&mixed)?.to_vec::<i32>()?, [-8421505, 0]);
    let (whole, rest) = Array::from_slice(&[-7.5f32, 7.5], &[2]).divmod(2)?;
    assert_eq!((whole.to_vec::<f32>()?, rest.to_vec::<f32>()?), (vec![-4.0, 3.0], vec![0.5, 1.5]));
    Ok(())
}

#[test]
fn errors_name_the_line_of_the_caller() {
    let x = ones(&[2], Dtype::F32);
    let mut assigned = x.clone();
    let line = line!() + 1;
    assigned <<= 1;
    for (n, result) in [
        assigned.add(0),
        (1 << &x).add(0),
        (!&x).add(0),
        full(&[3], &x, Dtype::F32).add(0),
        mlx::eye(-1, Dtype::F32).add(0),
        x.diag(i32::MAX),
        x.pad(i32::MAX, 0),
        x.unflatten(0, [3, -1]),
        x.sort([0, 1]),
        x.unique(-1).map(|unique| unique.values),
        x.roll([1, 2], 0),
        x.dims::<2>().map(|_| x.clone()),
        mlx::broadcast_shapes(&[&[2], &[3]]).map(|_| x.clone()),
        x.floor_divide(ones(&[3], Dtype::F32)),
    ]
    .into_iter()
    .enumerate()
    {
        let place = result.map_err(|e| (e.location().file(), e.location().line()));
        let expected = line + if n == 0 { 0 } else { n as u32 + 2 };
        assert!(
            matches!(&place, Err((file, line)) if *file == file!() && *line == expected),
            "{n}: {place:?}"
        );
    }
}
