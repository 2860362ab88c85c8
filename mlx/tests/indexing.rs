//! `at`, `set_at` and their kin against NumPy's results and against plain loops over random indices.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod naive;

use mlx::{Array, Device, Dtype, Item, New, Rest, Result, Span, arange, ones, step, zeros};
use naive::{Part, Random, positions_of};

fn counting(shape: &[i32]) -> Result<Array> {
    let count = shape.iter().product::<i32>();
    arange(0.0, count.into(), 1.0, Dtype::I32)?.reshape(shape)
}

/// A sum that depends on the order of the elements.
fn checksum(values: &[i32]) -> i64 {
    values.iter().enumerate().map(|(i, &v)| i64::from(v) * (i as i64 % 7 + 1)).sum()
}

/// Index in NumPy's notation; shape and checksum of what NumPy gives.
#[test]
fn numpy_gives_the_same() -> Result<()> {
    let x = counting(&[3, 4, 5])?;
    let a = Array::from_slice(&[2, 0], &[2]);
    let b = Array::from_slice(&[1i64, 3], &[2, 1]);
    let c = Array::from_slice(&[0i8, -1], &[2]);
    // Written as a literal the empty range looks like a mistake to clippy.
    let one = 1;
    let cases: Vec<(&str, Result<Array>, &[i32], i64)> = vec![
        ("2", x.at(2), &[4, 5], 3864),
        ("-1", x.at(-1), &[4, 5], 3864),
        ("0,1", x.at((0, 1)), &[5], 115),
        ("0,1,-2", x.at((0, 1, -2)), &[], 8),
        ("slice(1,None)", x.at(1..), &[2, 4, 5], 6185),
        ("slice(None),slice(1,3)", x.at((.., 1..3)), &[3, 2, 5], 3475),
        ("slice(None),slice(-2,None),slice(None,2)", x.at((.., -2.., ..2)), &[3, 2, 2], 1511),
        ("Ellipsis,4", x.at((Rest, 4)), &[3, 4], 1457),
        ("0,Ellipsis,slice(0,3)", x.at((0, Rest, 0..=2)), &[4, 3], 399),
        ("Ellipsis,slice(None,-1)", x.at((Rest, ..=-2)), &[3, 4, 4], 5634),
        ("None,1,None,Ellipsis,0", x.at((New, 1, New, Rest, 0)), &[1, 1, 4], 300),
        ("Ellipsis,slice(None,None,-2)", x.at((Rest, step(.., -2))), &[3, 4, 3], 4320),
        ("slice(None,None,-1),0,slice(1,None,2)", x.at((step(.., -1), 0, step(1.., 2))), &[3, 2], 305),
        ("0,slice(3,0,-2)", x.at((0, step(1..4, -2))), &[2, 5], 387),
        ("0,slice(-1,-4,-1)", x.at((0, step(-3.., -1))), &[3, 5], 639),
        ("0,0,slice(-99,99,3)", x.at((0, 0, step(-99..99, 3))), &[2], 6),
        ("0,0,slice(99,-99,-3)", x.at((0, 0, step(-99..99, -3))), &[2], 6),
        ("0,slice(3,1)", x.at((0, 3..one)), &[0, 5], 0),
        ("0,0,slice(1,5,3)", x.at((0, 0, step(1..=4, 3))), &[2], 9),
        ("0,0,slice(4,None,-2)", x.at((0, 0, step(..=4, -2))), &[3], 8),
        ("0,0,slice(None,0,-1)", x.at((0, 0, step(1.., -1))), &[4], 20),
        ("[2,0]", x.at([2, 0]), &[2, 4, 5], 4605),
        ("slice(None),[1,-1,1],0", x.at((.., [1, -1, 1], 0)), &[3, 3], 935),
        ("a", x.at(&a), &[2, 4, 5], 4605),
        ("slice(None),a", x.at((.., &a)), &[3, 2, 5], 3150),
        ("Ellipsis,b", x.at((Rest, &b)), &[3, 4, 2, 1], 2713),
        ("a,c", x.at((&a, &c)), &[2, 5], 952),
        ("a,b,1", x.at((&a, &b, 1)), &[2, 2], 290),
        ("a,slice(None),c", x.at((&a, .., &c)), &[2, 4], 691),
        ("slice(None),a,c", x.at((.., &a, &c)), &[3, 2], 718),
        ("slice(None),b,a", x.at((.., &b, &a)), &[3, 2, 2], 1439),
        ("0,slice(None),a", x.at((0, .., &a)), &[2, 4], 235),
        ("0,a", x.at((0, &a)), &[2, 5], 217),
        ("slice(None),1,a", x.at((.., 1, &a)), &[3, 2], 703),
        ("a,Ellipsis,1", x.at((&a, Rest, 1)), &[2, 4], 644),
        ("None,a,slice(None),None,slice(1,3)", x.at((New, &a, .., New, 1..3)), &[1, 2, 4, 1, 2], 1734),
        ("slice(None),a,None,c", x.at((.., &a, New, &c)), &[2, 3, 1], 620),
        ("slice(1,None),a,Ellipsis,c", x.at((1.., &a, Rest, &c)), &[2, 2], 378),
        (
            "slice(None,None,-1),b,slice(None,None,3)",
            x.at((step(.., -1), &b, step(.., 3))),
            &[3, 2, 1, 2],
            1298,
        ),
    ];
    for (index, result, shape, sum) in cases {
        let result = result?;
        assert_eq!((result.shape()?, checksum(&result.to_vec()?)), (shape, sum), "x[{index}]");
    }
    Ok(())
}

fn to_item(part: &Part) -> Item {
    match part {
        Part::Pick(position) => (*position).into(),
        Part::Span(from, to, by) => {
            let span: Span = match (*from, *to) {
                (Some(from), Some(to)) => (from..to).into(),
                (Some(from), None) => (from..).into(),
                (None, Some(to)) => (..to).into(),
                (None, None) => (..).into(),
            };
            step(span, *by).into()
        }
        Part::New => New.into(),
        Part::Rest => Rest.into(),
        Part::Array(positions, shape) if shape.len() == 1 && positions.len() % 2 == 1 => {
            positions.clone().into()
        }
        Part::Array(positions, shape) => Array::from_slice(positions, shape).into(),
    }
}

fn to_items(parts: &[Part]) -> Vec<Item> {
    parts.iter().map(to_item).collect()
}

#[test]
fn random_indices_agree_with_plain_loops() -> Result<()> {
    let mut random = Random(7);
    for round in 0..400 {
        let shape = random.shape();
        let parts = random.index(&shape);
        let x = counting(&shape)?;
        let (expected_shape, places) = positions_of(&shape, &parts);
        let read = x.at(to_items(&parts))?;
        let expected: Vec<i32> = places.iter().map(|&place| place as i32).collect();
        assert_eq!(read.shape()?, expected_shape, "round {round}: {parts:?} of {shape:?}");
        assert_eq!(read.to_vec::<i32>()?, expected, "round {round}: {parts:?} of {shape:?}");
    }
    Ok(())
}

/// What a write does to one element that a value meets.
type Rule = fn(f32, f32) -> f32;
type Write = fn(&Array, Vec<Item>, &Array) -> Result<Array>;

#[test]
fn random_writes_agree_with_plain_loops() -> Result<()> {
    let writes: [(&str, Write, Rule); 6] = [
        ("add_at", |x, i, v| x.add_at(i, v), |x, v| x + v),
        ("subtract_at", |x, i, v| x.subtract_at(i, v), |x, v| x - v),
        ("multiply_at", |x, i, v| x.multiply_at(i, v), |x, v| x * v),
        ("divide_at", |x, i, v| x.divide_at(i, v), |x, v| x / v),
        ("max_at", |x, i, v| x.max_at(i, v), f32::max),
        ("min_at", |x, i, v| x.min_at(i, v), f32::min),
    ];
    let mut random = Random(11);
    for round in 0..300 {
        let shape = random.shape();
        let parts = random.index(&shape);
        let (name, write, rule) = writes[round % writes.len()];
        let x = counting(&shape)?.astype(Dtype::F32)? + 1;
        let (part, places) = positions_of(&shape, &parts);
        // Powers of two multiply, divide and add without rounding.
        let values: Vec<f32> = places.iter().map(|_| [1.0, 2.0, 4.0][random.below(3) as usize]).collect();
        let value = Array::from_slice(&values, &part);
        let mut expected = x.to_vec::<f32>()?;
        places
            .iter()
            .zip(&values)
            .for_each(|(&place, &value)| expected[place] = rule(expected[place], value));
        let written = write(&x, to_items(&parts), &value)?.to_vec::<f32>()?;
        assert_eq!(written, expected, "round {round}: {name} {parts:?} of {shape:?}");
    }
    Ok(())
}

#[test]
fn random_replacements_agree_with_plain_loops() -> Result<()> {
    let mut random = Random(13);
    for round in 0..200 {
        let shape = random.shape();
        let parts = random.index(&shape);
        let x = counting(&shape)?;
        let (part, places) = positions_of(&shape, &parts);
        // One value for all, so that positions named twice do not matter; and one per position of the last axis.
        let written = x.set_at(to_items(&parts), -1)?.to_vec::<i32>()?;
        let mut expected = x.to_vec::<i32>()?;
        places.iter().for_each(|&place| expected[place] = -1);
        assert_eq!(written, expected, "round {round}: {parts:?} of {shape:?}");

        let distinct = places.iter().collect::<std::collections::HashSet<_>>().len() == places.len();
        if let (true, Some(&width)) = (distinct, part.last()) {
            let row: Vec<i32> = (0..width).map(|i| -i).collect();
            let written = x.set_at(to_items(&parts), Array::from_slice(&row, &[width]))?.to_vec::<i32>()?;
            places.iter().enumerate().for_each(|(i, &place)| expected[place] = row[i % row.len()]);
            assert_eq!(written, expected, "round {round}: {parts:?} of {shape:?}");
        }
    }
    Ok(())
}

#[test]
fn masks_write_where_they_are_true() -> Result<()> {
    let x = counting(&[2, 3])?;
    let rows = Array::from_slice(&[false, true], &[2]);
    let columns = Array::from_slice(&[true, false, true], &[3]);
    let odd = x.remainder(2)?.equal(1)?;
    let of = |values: &[i32], shape: &[i32]| Array::from_slice(values, shape);
    for (name, written, expected) in [
        ("scalar", x.set_at(&odd, -1)?, [0, -1, 2, -1, 4, -1]),
        ("one entry", x.set_at(&odd, of(&[-1], &[1]))?, [0, -1, 2, -1, 4, -1]),
        ("entries", x.set_at(&odd, of(&[7, 8, 9], &[3]))?, [0, 7, 2, 8, 4, 9]),
        ("more entries", x.set_at(&odd, of(&[7, 8, 9, 10], &[4]))?, [0, 7, 2, 8, 4, 9]),
        ("rows", x.set_at(&rows, -1)?, [0, 1, 2, -1, -1, -1]),
        ("row by row", x.set_at(&rows, of(&[7, 8, 9], &[3]))?, [0, 1, 2, 7, 8, 9]),
        ("row entry", x.set_at(&rows, of(&[7, 8, 9], &[1, 3]))?, [0, 1, 2, 7, 8, 9]),
        ("row entries", x.set_at(&rows, of(&[7, 8, 9, 1, 1, 1], &[2, 3]))?, [0, 1, 2, 7, 8, 9]),
        ("columns", x.set_at((.., &columns), -1)?, [-1, 1, -1, -1, 4, -1]),
        ("column entries", x.set_at((Rest, &columns), of(&[7, 8], &[2]))?, [7, 1, 8, 7, 4, 8]),
        ("column matrix", x.set_at((Rest, &columns), of(&[5, 6, 7, 8], &[2, 2]))?, [5, 1, 6, 7, 4, 8]),
        ("column per row", x.set_at((.., &columns), of(&[5, 6], &[2, 1]))?, [5, 1, 5, 6, 4, 6]),
        ("rest behind", x.set_at((&rows, Rest), -1)?, [0, 1, 2, -1, -1, -1]),
        ("nothing true", x.set_at(zeros(&[2, 3], Dtype::Bool), -1)?, [0, 1, 2, 3, 4, 5]),
        ("added", x.add_at(&odd, of(&[10, 20, 30], &[3]))?, [0, 11, 2, 23, 4, 35]),
        ("subtracted", x.subtract_at(&odd, 1)?, [0, 0, 2, 2, 4, 4]),
        ("multiplied", x.multiply_at(&odd, 2)?, [0, 2, 2, 6, 4, 10]),
        ("largest", x.max_at((.., &columns), 3)?, [3, 1, 3, 3, 4, 5]),
        ("smallest", x.min_at((.., &columns), 3)?, [0, 1, 2, 3, 4, 3]),
        ("a float value", x.set_at(&odd, 1.9)?, [0, 1, 2, 1, 4, 1]),
    ] {
        assert_eq!(written.to_vec::<i32>()?, expected, "{name}");
    }
    let one = ones(&[], Dtype::F32);
    assert_eq!(one.set_at(Array::scalar(true), 3.0)?.item::<f32>()?, 3.0);
    for result in [
        x.at(&odd),
        x.at((0, &columns)),
        x.set_at((0, &columns), 1),
        x.set_at((&rows, &columns), 1),
        x.set_at(&columns, 1),
        x.set_at(&odd, of(&[], &[0])),
        x.set_at(&odd, of(&[1, 2, 3, 4], &[2, 2])),
        x.set_at((.., .., &rows), 1),
    ] {
        assert!(result.is_err(), "{result:?}");
    }
    // How many entries are true is known on the device only, and a GPU does not tell.
    if Device::default_device()? == Device::Cpu {
        assert!(x.set_at(&odd, of(&[7, 8], &[2]))?.to_vec::<i32>().is_err());
    }
    Ok(())
}

#[test]
fn along_one_axis_and_flattened() -> Result<()> {
    let x = counting(&[2, 3])?;
    let at = |values: &[i32], shape: &[i32]| Array::from_slice(values, shape);
    let (flat, line) = (at(&[5, -6], &[2]), at(&[2, 0], &[2, 1]));
    let duplicates = at(&[0, 0, 1, 2, 2, 2], &[2, 3]);
    for (name, result, shape, expected) in [
        ("take", x.take(&line, 1)?, &[2, 2, 1][..], &[2, 0, 5, 3][..]),
        ("take flattened", x.take(&flat, ..)?, &[2], &[5, 0]),
        ("take_along_axis", x.take_along_axis(&line, -1)?, &[2, 1], &[2, 3]),
        ("take_along_axis flattened", x.take_along_axis(&flat, ..)?, &[2], &[5, 0]),
        ("put_along_axis", x.put_along_axis(&line, 9, 1)?, &[2, 3], &[0, 1, 9, 9, 4, 5]),
        (
            "put_along_axis flattened",
            x.put_along_axis(&flat, at(&[8, 9], &[2]), ..)?,
            &[2, 3],
            &[9, 1, 2, 3, 4, 8],
        ),
        ("scatter_add_axis", x.scatter_add_axis(&duplicates, 10, 1)?, &[2, 3], &[20, 11, 2, 3, 4, 35]),
        ("scatter_add_axis flattened", x.scatter_add_axis(&flat, 10, ..)?, &[2, 3], &[10, 1, 2, 3, 4, 15]),
        ("gather", x.gather(&[&at(&[-2, 0], &[2])], &[1], &[2, 2])?, &[2, 2, 2], &[1, 2, 4, 5, 0, 1, 3, 4]),
        (
            "scatter",
            x.scatter(&[&flat.at(..1)?.minimum(1)?], &at(&[7, 8, 9], &[1, 1, 3]), &[0])?,
            &[2, 3],
            &[0, 1, 2, 7, 8, 9],
        ),
        ("masked_scatter", x.masked_scatter(&x.greater(3)?, &flat)?, &[2, 3], &[0, 1, 2, 3, 5, -6]),
        ("slice_dynamic", x.slice_dynamic(&at(&[1], &[1]), &[1], &[2, 2])?, &[2, 2], &[1, 2, 4, 5]),
        (
            "slice_update_dynamic",
            x.slice_update_dynamic(&at(&[7, 8], &[2]), &at(&[1, 1], &[2]), &[0, 1])?,
            &[2, 3],
            &[0, 1, 2, 3, 7, 8],
        ),
        ("as_strided", x.t()?.as_strided([2, 2], &[-1, 3], 1)?, &[2, 2], &[3, 2, 0, 4]),
        (
            "slice_update_add",
            x.slice_update_add(&at(&[10], &[1]), &[0, 1], &[2, 2])?,
            &[2, 3],
            &[0, 11, 2, 3, 14, 5],
        ),
        (
            "slice_update_prod",
            x.slice_update_prod(&at(&[10], &[]), &[1, 0], &[2, 3])?,
            &[2, 3],
            &[0, 1, 2, 30, 40, 50],
        ),
        (
            "slice_update_max",
            x.slice_update_max(&at(&[4], &[]), &[1, 0], &[2, 3])?,
            &[2, 3],
            &[0, 1, 2, 4, 4, 5],
        ),
        (
            "slice_update_min",
            x.slice_update_min(&at(&[4], &[]), &[1, 0], &[2, 3])?,
            &[2, 3],
            &[0, 1, 2, 3, 4, 4],
        ),
    ] {
        assert_eq!((result.shape()?, &result.to_vec::<i32>()?[..]), (shape, expected), "{name}");
    }
    Ok(())
}

#[test]
fn scatters_combine_blocks_that_overlap() -> Result<()> {
    let x = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[4]);
    let starts = Array::from_slice(&[0, 1, 0], &[3]);
    let updates = Array::from_slice(&[2.0f32, 3.0, 5.0, 7.0, 2.0, 2.0], &[3, 2]);
    for (result, expected) in [
        (x.scatter_add(&[&starts], &updates, &[0])?, [5.0, 12.0, 10.0, 4.0]),
        (x.scatter_prod(&[&starts], &updates, &[0])?, [4.0, 60.0, 21.0, 4.0]),
        (x.scatter_max(&[&starts], &updates, &[0])?, [2.0, 5.0, 7.0, 4.0]),
        (x.scatter_min(&[&starts], &updates, &[0])?, [1.0, 2.0, 3.0, 4.0]),
    ] {
        assert_eq!(result.to_vec::<f32>()?, expected);
    }
    Ok(())
}
