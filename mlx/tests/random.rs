//! The numbers of a key are those of Python's MLX.

use mlx::{Array, Device, Dtype, Result, Stream, arange, random, random::Keys, with_stream};

/// Drawn by mlx 0.32.4 in Python with `key = mx.random.key(7)`.
#[test]
fn a_key_gives_the_numbers_of_python() -> Result<()> {
    let key = &random::key(7)?;
    let (shape, f) = (&[2, 2], Dtype::F32);
    let row = |values: &[f32; 2]| Array::from_slice(values, &[2]);
    let cases: Vec<(&str, Result<Array>, [f32; 4])> = vec![
        ("uniform", random::uniform(-1.0, 2.0, shape, f, key), [-0.3250461, -0.308989, 0.360828, -0.2606132]),
        (
            "uniform between arrays",
            random::uniform(row(&[0.0, 10.0]), row(&[1.0, 20.0]), shape, f, key),
            [0.2249846, 12.303_37, 0.4536093, 12.464_622],
        ),
        ("normal", random::normal(shape, f, key), [-0.7554662, -0.7377374, -0.1165474, -0.6856647]),
        (
            "normal with parameters",
            random::normal_with(2, 3.0, shape, f, key),
            [-0.2663987, -0.213212, 1.650358, -0.0569942],
        ),
        (
            "truncated normal",
            random::truncated_normal(-1.0, 1.0, shape, f, key),
            [-0.4894829, -0.4791839, -0.0794695, -0.4484549],
        ),
        ("gumbel", random::gumbel(shape, f, key), [-0.3999319, -0.3840453, 0.2350657, -0.3368624]),
        ("laplace", random::laplace(shape, f, key), [0.7985759, 0.7750645, 0.0973717, 0.7073991]),
        (
            "laplace with parameters",
            random::laplace_with(2.0, 3.0, shape, f, key),
            [4.395_728, 4.325_193, 2.292_115, 4.122_197],
        ),
        (
            "complex normal",
            random::normal(&[2], Dtype::C64, key).and_then(|z| z.view(f)),
            [-0.5341953, -0.5216591, -0.0824114, -0.4848382],
        ),
        ("randint", random::randint(-5, 5, shape, Dtype::I32, key), [-3.0, -3.0, -1.0, -3.0]),
        (
            "randint between arrays",
            random::randint(Array::from_slice(&[0, 100], &[2]), 200, shape, Dtype::U8, key),
            [44.0, 123.0, 90.0, 124.0],
        ),
        ("bernoulli", random::bernoulli(0.5, &[2, 2], key), [1.0, 1.0, 1.0, 1.0]),
        (
            "split",
            random::split_num(key, 2),
            [966301609u32 as f32, 989289821u32 as f32, 1948237315u32 as f32, 1058547403u32 as f32],
        ),
    ];
    for (name, drawn, expected) in cases {
        let values = drawn?.to_vec::<f32>()?;
        let close = values.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 2e-6 * b.abs().max(1.0));
        assert!(values.len() == 4 && close, "{name}: {values:?}, not {expected:?}");
    }
    Ok(())
}

#[test]
fn a_key_makes_the_choices_of_python() -> Result<()> {
    let key = &random::key(7)?;
    let logits = Array::from_slice(&[0.0f32, 1.0, 2.0, 2.0, 1.0, 0.0], &[2, 3]);
    for (name, drawn, shape, expected) in [
        ("categorical", random::categorical(&logits, -1, key)?, &[2][..], &[2u32, 0][..]),
        ("along the first axis", random::categorical(&logits, 0, key)?, &[3], &[1, 1, 0]),
        ("several", random::categorical_num_samples(&logits, -1, 3, key)?, &[2, 3], &[2, 0, 1, 0, 0, 0]),
        ("of a shape", random::categorical_shape(&logits, -1, &[2, 2], key)?, &[2, 2], &[2, 2, 0, 0]),
        ("permutation", random::permutation_arange(5, key)?, &[5], &[0, 1, 3, 2, 4]),
        ("bernoulli", random::bernoulli(0.5, &[6], key)?, &[6], &[1, 1, 1, 1, 0, 1]),
    ] {
        assert_eq!((drawn.shape()?, &drawn.to_vec::<u32>()?[..]), (shape, expected), "{name}");
    }
    Ok(())
}

#[test]
fn permutations_keep_the_parts_together() -> Result<()> {
    let x = arange(0.0, 12.0, 1.0, Dtype::I32)?.reshape([4, 3])?;
    let shuffled = random::permutation(&x, 0, &random::key(3)?)?;
    let mut rows: Vec<Vec<i32>> = (0..4).map(|i| shuffled.at(i)?.to_vec()).collect::<Result<_>>()?;
    assert_ne!(shuffled.to_vec::<i32>()?, x.to_vec::<i32>()?);
    rows.sort_unstable();
    assert_eq!(rows.concat(), x.to_vec::<i32>()?);
    Ok(())
}

#[test]
fn joint_normals_have_their_covariance() -> Result<()> {
    let (mean, cov) =
        (Array::from_slice(&[1.0f32, 2.0], &[2]), Array::from_slice(&[2.0f32, 0.5, 0.5, 1.0], &[2, 2]));
    let cpu = Stream::default_of(Device::Cpu)?;
    let draw = |shape: &[i32], seed| {
        with_stream(&cpu, || random::multivariate_normal(&mean, &cov, shape, &random::key(seed)?))
    };
    // The sign of the factors is LAPACK's choice; mean and covariance are not.
    let x = draw(&[20_000], 7)?;
    assert_eq!(x.shape()?, [20_000, 2]);
    let centred = &x - &mean;
    assert!(centred.mean(0)?.abs()?.max(..)?.item::<f32>()? < 0.05);
    let estimate = (centred.t()?.matmul(&centred)? / 20_000.0).to_vec::<f32>()?;
    assert!(estimate.iter().zip([2.0, 0.5, 0.5, 1.0]).all(|(a, b)| (a - b).abs() < 0.1), "{estimate:?}");
    Ok(())
}

/// `mx.random.seed(7)` in Python, and two draws without a key.
#[test]
fn a_sequence_of_keys_is_the_generator_of_python() -> Result<()> {
    let mut keys = Keys::new(7)?;
    for expected in [[0.514_767_05, 0.078_491_21], [0.801_293_73, 0.184_429_65]] {
        let drawn = random::uniform(0.0, 1.0, &[2], Dtype::F32, &keys.next_key()?)?.to_vec::<f32>()?;
        assert_eq!(drawn, expected);
    }
    let again: Vec<Vec<u32>> =
        Keys::from_key(&random::key(7)?).take(3).map(|key| key?.to_vec()).collect::<Result<_>>()?;
    assert!(again[0] != again[1] && again[1] != again[2]);
    Ok(())
}

#[test]
fn bits_fill_their_type() -> Result<()> {
    let key = random::key(1)?;
    for (dtype, bits) in [(Dtype::U8, 8), (Dtype::U16, 16), (Dtype::U32, 32)] {
        let drawn = random::bits(&[999], dtype, &key)?;
        assert_eq!(drawn.dtype()?, dtype);
        let drawn = drawn.to_vec::<u32>()?;
        let seen = drawn.iter().fold(0u32, |all, bits| all | bits);
        assert_eq!(u64::from(seen), (1u64 << bits) - 1);
        assert!(drawn.iter().any(|&x| x < 1 << (bits - 4)));
    }
    let [a, b] = random::split::<2>(&key)?;
    assert_eq!([a.to_vec::<u32>()?, b.to_vec()?].concat(), random::split_num(&key, 2)?.to_vec::<u32>()?);
    Ok(())
}
