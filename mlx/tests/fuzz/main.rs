//! Random sequences of operations on a pool of arrays. Some are compared with an oracle; all others must only not crash,
//! and keep their word about shapes and dtypes.
//!
//! `MLX_FUZZ_ROUNDS` says how many sequences, `MLX_FUZZ_FIRST` which is the first; a sequence is the same each time.
//! After a crash, `fuzz.txt` in Cargo's `target/tmp` names the sequence and its operations up to it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod hostile;
mod known;
mod oracle;
mod random;

use known::Known;
use mlx::{Array, Dtype, Error, Result, random as draws};
use oracle::Tensor;
use random::Random;
use std::{env, fs::File, io::Write};

/// Larger results are not evaluated.
const MOST_ELEMENTS: usize = 1 << 14;

/// Larger numbers would make rounding visible.
const LARGEST: f64 = 1e4;

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// The operations of a sequence, kept in a file for when the process ends early.
struct Log {
    file: File,
    round: u64,
}

impl Log {
    fn new(name: &str, round: u64) -> Log {
        let file = File::create(format!("{}/{name}.txt", env!("CARGO_TARGET_TMPDIR"))).unwrap();
        let mut log = Log { file, round };
        log.line(&format!("sequence {round}"));
        log
    }

    fn line(&mut self, text: &str) {
        writeln!(self.file, "{text}").unwrap();
    }
}

fn sequences(name: &str, default: u64, run: impl Fn(&mut Random, &mut Log)) {
    let first = setting("MLX_FUZZ_FIRST", 0);
    for round in first..first + setting("MLX_FUZZ_ROUNDS", default) {
        run(&mut Random::new(round), &mut Log::new(name, round));
    }
}

#[test]
fn results_are_those_of_the_oracle() {
    sequences("fuzz-oracle", 500, |r, log| {
        let mut pool: Vec<Known> = (0..4).map(|_| Known::random(r)).collect();
        for _ in 0..10 + r.below(20) {
            let (name, found, expected) = known::step(r, &pool);
            log.line(name);
            let found = found.and_then(|array| array.eval().map(|()| array));
            match (found, expected) {
                (Err(_), None) => {}
                (Ok(array), Some(tensor)) => {
                    let what = || format!("sequence {}: {name}", log.round);
                    compare(&what(), &array, &tensor);
                    let small = tensor.data.iter().all(|number| number.abs() < LARGEST);
                    if small && tensor.data.len() < 500 && tensor.shape.len() < 6 {
                        let place = r.below(6);
                        let known = Known { array, tensor };
                        if place < pool.len() { pool[place] = known } else { pool.push(known) }
                    }
                }
                (found, expected) => {
                    let found = found.map(|array| array.shape().unwrap().to_vec());
                    let expected = expected.map(|tensor| tensor.shape);
                    panic!("sequence {}: {name}: {found:?}, the oracle says {expected:?}", log.round)
                }
            }
        }
    });
}

fn compare(what: &str, array: &Array, tensor: &Tensor) {
    assert_eq!(array.shape().unwrap(), tensor.shape, "{what}");
    assert_eq!(array.dtype().unwrap(), Dtype::F32, "{what}");
    let found = array.to_vec::<f64>().unwrap();
    let largest = tensor.data.iter().fold(1.0, |most: f64, number| most.max(number.abs()));
    for (i, (found, expected)) in found.iter().zip(&tensor.data).enumerate() {
        let close = (found - expected).abs() <= 1e-3 * largest || (found.is_nan() && expected.is_nan());
        assert!(close, "{what}: element {i} is {found}, the oracle's {expected}");
    }
}

#[test]
fn nothing_crashes() {
    sequences("fuzz", 500, |r, log| {
        let mut pool: Vec<Array> = (0..5).map(|_| evaluated(r.array()).unwrap()).collect();
        pool.push(draws::key(log.round).unwrap());
        for _ in 0..10 + r.below(20) {
            let [x, y, z] = [0; 3].map(|_| pool[r.below(pool.len())].clone());
            let (name, step) = hostile::STEPS[r.below(hostile::STEPS.len())];
            log.line(&format!("{name} of {x:?}, {y:?}, {z:?}"));
            for result in step(r, &[&x, &y, &z]).unwrap_or_default() {
                if result.size().is_ok_and(|size| size > MOST_ELEMENTS) {
                    continue;
                }
                if let Ok(array) = evaluated(Ok(result)) {
                    let place = r.below(8);
                    if place < pool.len() { pool[place] = array } else { pool.push(array) }
                }
            }
        }
    });
}

/// The array, evaluated, if it then is what it was announced to be.
fn evaluated(array: Result<Array>) -> Result<Array, Error> {
    let array = array?;
    let (shape, dtype) = (array.shape()?.to_vec(), array.dtype()?);
    array.eval()?;
    assert_eq!((array.shape()?, array.dtype()?), (&shape[..], dtype));
    assert_eq!(array.to_vec::<u8>()?.len(), array.size()?);
    Ok(array)
}
