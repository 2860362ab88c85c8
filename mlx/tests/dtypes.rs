//! Element types: how they relate and what they hold. What is expected was printed by Python's MLX.

use mlx::{
    Category, Complex32, Device, Dtype, ErrorKind, Result, Stream, ones, promote_types, result_type,
    with_stream,
};

const CATEGORIES: [Category; 8] = [
    Category::Generic,
    Category::Number,
    Category::Integer,
    Category::SignedInteger,
    Category::UnsignedInteger,
    Category::Inexact,
    Category::Floating,
    Category::ComplexFloating,
];

/// Per dtype: the letter of its kind, its families among `CATEGORIES`, and what it becomes with each other dtype.
const TABLE: [(&str, char, &str, [usize; 14]); 14] = [
    ("bool", 'b', "10000000", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
    ("uint8", 'u', "11101000", [1, 1, 2, 3, 4, 6, 6, 7, 8, 9, 10, 11, 12, 13]),
    ("uint16", 'u', "11101000", [2, 2, 2, 3, 4, 7, 7, 7, 8, 9, 10, 11, 12, 13]),
    ("uint32", 'u', "11101000", [3, 3, 3, 3, 4, 8, 8, 8, 8, 9, 10, 11, 12, 13]),
    ("uint64", 'u', "11101000", [4, 4, 4, 4, 4, 10, 10, 10, 10, 9, 10, 11, 12, 13]),
    ("int8", 'i', "11110000", [5, 6, 7, 8, 10, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
    ("int16", 'i', "11110000", [6, 6, 7, 8, 10, 6, 6, 7, 8, 9, 10, 11, 12, 13]),
    ("int32", 'i', "11110000", [7, 7, 7, 8, 10, 7, 7, 7, 8, 9, 10, 11, 12, 13]),
    ("int64", 'i', "11110000", [8, 8, 8, 8, 10, 8, 8, 8, 8, 9, 10, 11, 12, 13]),
    ("float16", 'f', "11000110", [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 10, 11, 10, 13]),
    ("float32", 'f', "11000110", [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 11, 10, 13]),
    ("float64", 'f', "11000110", [11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 13]),
    ("bfloat16", 'V', "11000110", [12, 12, 12, 12, 12, 12, 12, 12, 12, 10, 10, 11, 12, 13]),
    ("complex64", 'c', "11000101", [13; 14]),
];

#[test]
fn families_and_promotions() -> Result<()> {
    let cpu = Stream::default_of(Device::Cpu)?;
    for (dtype, (name, kind, families, promoted)) in Dtype::ALL.iter().copied().zip(TABLE) {
        assert_eq!((dtype.to_string().as_str(), dtype.kind()), (name, kind));
        let found: String =
            CATEGORIES.map(|family| if dtype.issubdtype(family) { '1' } else { '0' }).iter().collect();
        assert_eq!(found, families, "{dtype}");
        for (other, becomes) in Dtype::ALL.iter().copied().zip(promoted) {
            assert_eq!(promote_types(dtype, other)?, Dtype::ALL[becomes], "{dtype} with {other}");
            // GPUs have no `float64`.
            let of_arrays = || result_type([&ones(&[1], dtype), &ones(&[2], other)]);
            assert_eq!(with_stream(&cpu, of_arrays)?, Dtype::ALL[becomes]);
        }
    }
    let of_categories =
        ["10000000", "11000000", "11100000", "11110000", "11101000", "11000100", "11000110", "11000101"];
    for (category, expected) in CATEGORIES.into_iter().zip(of_categories) {
        let found: String =
            CATEGORIES.map(|family| if category.issubdtype(family) { '1' } else { '0' }).iter().collect();
        assert_eq!(found, expected, "{category:?}");
    }
    assert_eq!(result_type([])?, Dtype::Bool);
    Ok(())
}

#[test]
fn limits() -> Result<()> {
    for (dtype, min, max) in [
        (Dtype::U8, 0, u64::from(u8::MAX)),
        (Dtype::U16, 0, u16::MAX.into()),
        (Dtype::U32, 0, u32::MAX.into()),
        (Dtype::U64, 0, u64::MAX),
        (Dtype::I8, i8::MIN.into(), i8::MAX as u64),
        (Dtype::I16, i16::MIN.into(), i16::MAX as u64),
        (Dtype::I32, i32::MIN.into(), i32::MAX as u64),
        (Dtype::I64, i64::MIN, i64::MAX as u64),
    ] {
        let info = dtype.iinfo()?;
        assert_eq!((info.min, info.max), (min, max), "{dtype}");
        assert_eq!(dtype.finfo().map_err(|e| e.kind()), Err(ErrorKind::InvalidArgument));
    }
    let (f32_min, f32_eps) = (f64::from(f32::MIN_POSITIVE), f64::from(f32::EPSILON));
    for (dtype, bits, max, eps, smallest) in [
        (Dtype::F16, 16, 65504.0, 0.0009765625, 6.103515625e-05),
        (Dtype::Bf16, 16, 3.3895313892515355e+38, 0.0078125, f32_min),
        (Dtype::F32, 32, f32::MAX.into(), f32_eps, f32_min),
        (Dtype::C64, 32, f32::MAX.into(), f32_eps, f32_min),
        (Dtype::F64, 64, f64::MAX, f64::EPSILON, f64::MIN_POSITIVE),
    ] {
        let info = dtype.finfo()?;
        assert_eq!((info.bits, info.min, info.max), (bits, -max, max), "{dtype}");
        assert_eq!((info.eps, info.smallest_normal), (eps, smallest), "{dtype}");
        assert_eq!(dtype.iinfo().map_err(|e| e.kind()), Err(ErrorKind::InvalidArgument));
    }
    assert!(Dtype::Bool.iinfo().is_err() && Dtype::Bool.finfo().is_err());
    Ok(())
}

#[test]
fn complex_numbers() -> Result<()> {
    let values = [Complex32::new(1.0, 2.0), Complex32::new(-0.5, 4.0)];
    let z = mlx::Array::from_slice(&values, &[2]);
    assert_eq!((z.dtype()?, z.to_vec::<Complex32>()?), (Dtype::C64, values.to_vec()));
    assert_eq!(z.real()?.to_vec::<f32>()?, [1.0, -0.5]);
    assert_eq!(z.imag()?.to_vec::<f32>()?, [2.0, 4.0]);
    assert_eq!(z.to_vec::<f32>()?, [1.0, -0.5]);
    let i = Complex32::i();
    for (found, expected) in [
        (z.conjugate()?, values.map(|z| z.conj())),
        (&z * i, values.map(|z| z * i)),
        (&z * 2.0, values.map(|z| z * 2.0)),
        (ones(&[2], Dtype::F16) + i, [1.0 + i; 2]),
        (z.multiply(&z)?, values.map(|z| z * z)),
    ] {
        assert_eq!((found.dtype()?, found.to_vec::<Complex32>()?), (Dtype::C64, expected.to_vec()));
    }
    assert_eq!(ones(&[1], Dtype::I32).to_vec::<Complex32>()?, [Complex32::new(1.0, 0.0)]);
    assert_eq!(ones(&[1], Dtype::I32).imag()?.to_vec::<i32>()?, [0]);
    assert!(z.floor().is_err() && z.remainder(i).is_err());
    Ok(())
}
