//! Sequences that grow, against plain concatenation.

use mlx::{Array, Dtype, Result, arange, async_eval, fast::AppendBuffer, ones};

/// A small generator of its own, so that failures repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// `count` rows that nothing else has: `[2, count, 3]`, or the same memory transposed.
fn rows(random: &mut Random, count: i32, dtype: Dtype) -> Result<Array> {
    let start = random.below(1 << 20) as f64;
    let numbers = arange(start, start + f64::from(count) * 6.0, 1.0, Dtype::F32)?.astype(dtype)?;
    if random.below(2) == 0 {
        return numbers.reshape([2, count, 3]);
    }
    numbers.reshape([count, 2, 3])?.transpose([1, 0, 2])
}

/// Row by row, as numbers.
fn numbers(array: &Array) -> Result<Vec<Vec<f32>>> {
    let flat = array.transpose([1, 0, 2])?.to_vec::<f32>()?;
    Ok(flat.chunks(6).map(<[f32]>::to_vec).collect())
}

#[test]
fn any_sequence_of_steps_gives_what_lists_give() -> Result<()> {
    for seed in 0..40 {
        let mut random = Random(seed);
        let dtype = [Dtype::F32, Dtype::Bf16, Dtype::I8][seed as usize % 3];
        let mut buffers = vec![(AppendBuffer::new(1), Vec::<Vec<f32>>::new())];
        // Arrays from before, of which some are evaluated late.
        let mut earlier: Vec<(Array, Vec<Vec<f32>>)> = vec![];
        for _ in 0..60 {
            let place = random.below(buffers.len() as u64) as usize;
            let (buffer, list) = &mut buffers[place];
            match random.below(10) {
                0 if list.len() > 2 => {
                    let len = random.below(list.len() as u64);
                    buffer.truncate(len as i32);
                    list.truncate(len as usize);
                }
                1 if !buffer.is_empty() => {
                    let copy = (buffer.clone(), list.clone());
                    buffers.push(copy);
                }
                2 => async_eval(buffer.memory())?,
                3 if !earlier.is_empty() => {
                    let (array, list) = earlier.swap_remove(random.below(earlier.len() as u64) as usize);
                    assert_eq!(numbers(&array)?, list, "seed {seed}");
                }
                _ => {
                    let count = [0, 1, 1, 1, 2, 100, 256, 300][random.below(8) as usize];
                    let more = rows(&mut random, count, dtype)?;
                    buffer.append(&more)?;
                    list.extend(numbers(&more)?);
                    let array = buffer.array()?;
                    if random.below(2) == 0 {
                        async_eval([&array])?;
                    }
                    earlier.push((array, list.clone()));
                }
            }
            let (buffer, list) = &mut buffers[place];
            assert_eq!(buffer.len() as usize, list.len());
        }
        for (mut buffer, list) in buffers {
            if !buffer.is_empty() {
                assert_eq!(numbers(&buffer.array()?)?, list, "seed {seed}");
            }
        }
        for (array, list) in earlier {
            assert_eq!(numbers(&array)?, list, "seed {seed}");
        }
    }
    Ok(())
}

#[test]
fn memory_is_not_copied_by_steps_that_run_ahead() -> Result<()> {
    let mut buffer = AppendBuffer::new(0);
    buffer.append(&ones(&[1, 1 << 16], Dtype::F32))?;
    buffer.array()?.eval()?;
    mlx::memory::reset_peak()?;
    let before = mlx::memory::peak()?.max(mlx::memory::active()?);
    let mut sums = vec![];
    for _ in 0..50 {
        buffer.append(&ones(&[1, 1 << 16], Dtype::F32))?;
        let sum = buffer.array()?.sum(..)?;
        async_eval([&sum].into_iter().chain(buffer.memory()))?;
        sums.push(sum);
    }
    for (i, sum) in sums.iter().enumerate() {
        assert_eq!(sum.item::<f32>()?, ((i + 2) << 16) as f32);
    }
    let memory = buffer.memory().map_or(Ok(0), Array::nbytes)?;
    let more = mlx::memory::peak()?.saturating_sub(before);
    assert!(more < memory / 2, "{more} bytes more than before, beside {memory}");
    Ok(())
}

#[test]
fn rows_that_do_not_continue_are_refused() -> Result<()> {
    let mut buffer = AppendBuffer::new(1);
    assert!(buffer.array().is_err());
    buffer.append(&ones(&[2, 3, 4], Dtype::F32))?;
    for (shape, dtype) in
        [(&[2, 3, 5][..], Dtype::F32), (&[2, 3, 4], Dtype::F16), (&[2, 3], Dtype::F32), (&[], Dtype::F32)]
    {
        let error = buffer.append(&ones(shape, dtype)).expect_err("rows of another kind");
        assert!(error.to_string().starts_with("append"), "{error}");
    }
    assert_eq!(buffer.array()?.shape()?, [2, 3, 4]);
    Ok(())
}
