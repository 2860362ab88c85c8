//! Fourier transforms against the sums that define them, in f64.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{
    Array, Dtype, Result,
    fft::{self, Along, Norm, Pad, Stft, along, istft, stft},
    ones, random, zeros,
};
use std::f64::consts::TAU;

type Complex = (f64, f64);

fn normal(shape: &[i32], seed: u64) -> Array {
    random::normal(shape, Dtype::F32, &random::key(seed).unwrap()).unwrap()
}

fn complex(shape: &[i32], seed: u64) -> Array {
    let (re, im) = (normal(shape, seed), normal(shape, seed + 1000));
    let pairs = mlx::stack(&[&re, &im], -1).unwrap();
    pairs.view(Dtype::C64).unwrap().squeeze(-1).unwrap()
}

fn read(x: &Array) -> Vec<Complex> {
    let flat = x.astype(Dtype::C64).unwrap().reshape([-1]).unwrap();
    let pairs = flat.view(Dtype::F32).unwrap().to_vec::<f64>().unwrap();
    pairs.chunks(2).map(|pair| (pair[0], pair[1])).collect()
}

fn assert_near(found: &Array, expected: &[Complex], what: &str) {
    let found = read(found);
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        let size = y.0.abs().max(y.1.abs()).max(1.0);
        assert!((x.0 - y.0).hypot(x.1 - y.1) < 1e-4 * size, "{what}: element {i} is {x:?}, expected {y:?}");
    }
}

/// The sum that defines the transform, along `axis` of `data` of `shape`, cut or padded to `size`.
fn dft(data: &[Complex], shape: &mut [i32], axis: usize, size: i32, sign: f64) -> Vec<Complex> {
    let inner: usize = shape[axis + 1..].iter().product::<i32>() as usize;
    let (old, new) = (shape[axis] as usize, size as usize);
    shape[axis] = size;
    let outer = data.len() / (inner * old);
    let mut out = Vec::new();
    for (o, k, i) in (0..outer).flat_map(|o| (0..new).flat_map(move |k| (0..inner).map(move |i| (o, k, i)))) {
        let term = |j: usize| {
            let ((re, im), angle) =
                (data[(o * old + j) * inner + i], sign * TAU * (j * k % new) as f64 / new as f64);
            (re * angle.cos() - im * angle.sin(), re * angle.sin() + im * angle.cos())
        };
        out.push((0..old.min(new)).map(term).fold((0.0, 0.0), |sum, x| (sum.0 + x.0, sum.1 + x.1)));
    }
    out
}

fn scaled(data: &[Complex], factor: f64) -> Vec<Complex> {
    data.iter().map(|x| (x.0 * factor, x.1 * factor)).collect()
}

#[test]
fn transforms_of_one_axis() -> Result<()> {
    for size in [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 31] {
        for (seed, axis) in [0usize, 1, 2].into_iter().enumerate() {
            let mut shape = [2, 3, 2];
            shape[axis] = 6;
            let (x, real) = (complex(&shape, seed as u64), normal(&shape, seed as u64));
            let n = f64::from(size);
            for (norm, forward, backward) in [
                (Norm::Backward, 1.0, 1.0 / n),
                (Norm::Ortho, 1.0 / n.sqrt(), 1.0 / n.sqrt()),
                (Norm::Forward, 1.0 / n, 1.0),
            ] {
                let what = format!("{size} along {axis}, {norm:?}");
                let over = || along(axis as i32 - 3).size(size).norm(norm);
                let expected = dft(&read(&x), &mut shape.clone(), axis, size, -1.0);
                assert_near(&fft::fft(&x, over())?, &scaled(&expected, forward), &what);
                let expected = dft(&read(&x), &mut shape.clone(), axis, size, 1.0);
                assert_near(&fft::ifft(&x, over())?, &scaled(&expected, backward), &what);
                // The half of a real transform says the same, and comes back.
                let whole = fft::fft(&real, over())?;
                let half = fft::rfft(&real, over())?;
                let mut stop = whole.shape()?.to_vec();
                stop[axis] = size / 2 + 1;
                assert_near(&half, &read(&whole.slice(&[0; 3], &stop)?), &what);
                let again = fft::irfft(&half, over())?;
                assert_eq!(again.dtype()?, Dtype::F32);
                assert_near(&again, &read(&fft::ifft(&whole, over())?), &what);
            }
        }
    }
    Ok(())
}

#[test]
fn transforms_of_several_axes() -> Result<()> {
    let x = complex(&[3, 4, 5], 0);
    let mut shape = [3, 4, 5];
    let mut expected = read(&x);
    for (axis, size) in [(0, 3), (1, 4), (2, 5)] {
        expected = dft(&expected, &mut shape, axis, size, -1.0);
    }
    assert_near(&fft::fftn(&x, ..)?, &expected, "fftn");
    assert_near(&fft::ifftn(&fft::fftn(&x, ..)?, ..)?, &read(&x), "ifftn");
    let mut shape = [3, 4, 5];
    let expected = dft(&read(&x), &mut shape, 2, 4, -1.0);
    let expected = dft(&expected, &mut shape, 0, 6, -1.0);
    assert_near(&fft::fft2(&x, along([0, -1]).sizes([6, 4]))?, &expected, "fft2");
    assert_near(&fft::ifft2(&fft::fft2(&x, [0, 2])?, [0, 2])?, &read(&x), "ifft2");
    let real = normal(&[3, 4, 5], 1);
    let whole = fft::fftn(&real, ..)?;
    assert_near(&fft::rfftn(&real, ..)?, &read(&whole.slice(&[0, 0, 0], &[3, 4, 3])?), "rfftn");
    assert_near(&fft::irfftn(&fft::rfftn(&real, ..)?, along(..).sizes([3, 4, 5]))?, &read(&real), "irfftn");
    assert_near(&fft::irfft2(&fft::rfft2(&real, [2, 1])?, [2, 1])?, &read(&real), "irfft2");
    Ok(())
}

#[test]
fn frequencies_and_shifts() -> Result<()> {
    for n in 1..9i32 {
        let frequency = |i: i32| f64::from(i) / (f64::from(n) * 0.5);
        let all: Vec<Complex> =
            (0..n).map(|i| (frequency(if i < (n + 1) / 2 { i } else { i - n }), 0.0)).collect();
        assert_near(&fft::fftfreq(n, 0.5)?, &all, "fftfreq");
        let half: Vec<Complex> = (0..=n / 2).map(|i| (frequency(i), 0.0)).collect();
        assert_near(&fft::rfftfreq(n, 0.5)?, &half, "rfftfreq");
        let shifted = fft::fftshift(&fft::fftfreq(n, 0.5)?, ..)?.to_vec::<f32>()?;
        assert!(shifted.is_sorted(), "{shifted:?}");
        let x = normal(&[2, n], n as u64);
        assert_eq!(fft::ifftshift(&fft::fftshift(&x, -1)?, -1)?.to_vec::<f32>()?, x.to_vec::<f32>()?);
        assert_eq!(fft::ifftshift(&fft::fftshift(&x, ..)?, ..)?.to_vec::<f32>()?, x.to_vec::<f32>()?);
    }
    Ok(())
}

#[test]
fn spectra_of_frames() -> Result<()> {
    let signal = normal(&[2, 50], 0);
    let samples = signal.to_vec::<f64>()?;
    let window = random::uniform(0.5, 1.5, &[8], Dtype::F32, &random::key(3)?)?;
    let weights = window.to_vec::<f64>()?;
    for (hop, uncentered, onesided) in [(4, true, true), (3, true, false), (2, false, true), (8, false, true)]
    {
        let mut frames = Stft::new(8).hop(hop).window(&window).pad(Pad::Constant).onesided(onesided);
        if uncentered {
            frames = frames.uncentered();
        }
        let half = if uncentered { 0 } else { 4 };
        let count = (50 + 2 * half - 8) / hop + 1;
        let bins = if onesided { 5 } else { 8 };
        let found = stft(&signal, frames)?;
        assert_eq!(found.shape()?, [2, bins, count]);
        let mut expected = vec![];
        for (b, k, f) in (0..2).flat_map(|b| (0..bins).flat_map(move |k| (0..count).map(move |f| (b, k, f))))
        {
            let frame: Vec<Complex> = (0..8)
                .map(|j| {
                    let at = f * hop + j - half;
                    let x = if (0..50).contains(&at) { samples[(b * 50 + at) as usize] } else { 0.0 };
                    (x * weights[j as usize], 0.0)
                })
                .collect();
            expected.push(dft(&frame, &mut [8], 0, 8, -1.0)[k as usize]);
        }
        assert_near(&found, &expected, &format!("{frames:?}"));
        let length = (count - 1) * hop + 8 - 2 * half;
        let again = istft(&found, frames)?;
        assert_eq!(again.shape()?, [2, length]);
        let kept = length.min(50);
        assert_near(&again.slice(&[0, 0], &[2, kept])?, &read(&signal.slice(&[0, 0], &[2, kept])?), "istft");
        assert_eq!(istft(&found, frames.length(99))?.shape()?, [2, 99]);
    }
    let short = stft(&signal, Stft::new(16).hop(4).window_size(6))?;
    assert_eq!(short.shape()?, [2, 9, 13]);
    assert_eq!(stft(&complex(&[50], 1), Stft::new(8))?.shape()?, [8, 26]);
    Ok(())
}

#[test]
fn senseless_transforms_are_errors() {
    let x = ones(&[2, 6], Dtype::F32);
    let none = ones(&[4, 0], Dtype::F32);
    let scalar = ones(&[], Dtype::F32);
    type Function = fn(&Array, Along) -> Result<Array>;
    let one: [Function; 4] = [fft::fft, fft::ifft, fft::rfft, fft::irfft];
    let two: [Function; 4] = [fft::fft2, fft::ifft2, fft::rfft2, fft::irfft2];
    let any: [Function; 4] = [fft::fftn, fft::ifftn, fft::rfftn, fft::irfftn];
    for function in one {
        for size in [0, -1, i32::MIN] {
            assert!(function(&x, along(-1).size(size)).is_err(), "{size}");
        }
        for axis in [2, -3, i32::MIN, i32::MAX] {
            assert!(function(&x, along(axis)).is_err(), "{axis}");
        }
        let cases: [(&Array, Along); 6] = [
            (&x, along([0, 1])),
            (&x, along(..)),
            (&x, along(-1).sizes([2, 2])),
            (&none, along(-1)),
            (&scalar, along(-1)),
            (&scalar, along(..)),
        ];
        for (x, over) in cases {
            assert!(function(x, over.clone()).is_err(), "{x:?} {over:?}");
        }
    }
    for function in two.into_iter().chain(any) {
        let cases: [(&Array, Along); 9] = [
            (&x, along([0, 0])),
            (&x, along([1, -1])),
            (&x, along([0; 0])),
            (&x, along([0, 2])),
            (&x, along([0, i32::MIN])),
            (&x, along([0, 1]).sizes([2])),
            (&x, along([0, 1]).sizes([2, 0])),
            (&x, along([0, 1]).sizes([i32::MAX, i32::MAX])),
            (&scalar, along(..)),
        ];
        for (x, over) in cases {
            assert!(function(x, over.clone()).is_err(), "{x:?} {over:?}");
        }
    }
    for (name, result) in [
        ("irfft", fft::irfft(&ones(&[4, 1], Dtype::F32), -1)),
        ("rfft", fft::rfft(&ones(&[4], Dtype::C64), -1)),
        ("fftfreq", fft::fftfreq(0, 1.0)),
        ("fftfreq", fft::fftfreq(i32::MIN, 1.0)),
        ("fftfreq", fft::fftfreq(4, 0.0)),
        ("fftfreq", fft::fftfreq(4, f64::NAN)),
        ("rfftfreq", fft::rfftfreq(-3, 1.0)),
        ("rfftfreq", fft::rfftfreq(3, f64::INFINITY)),
        ("fftshift", fft::fftshift(&x, 5)),
        ("ifftshift", fft::ifftshift(&x, i32::MIN)),
    ] {
        assert!(result.is_err(), "{name} gave {result:?}");
    }
    let padded = fft::fft(&none, along(-1).size(3)).unwrap();
    assert_eq!(read(&padded), [(0.0, 0.0); 12]);
    assert_eq!(read(&fft::rfft(&zeros(&[0, 4], Dtype::F32), -1).unwrap()), []);
}

#[test]
fn senseless_frames_are_errors() {
    let x = ones(&[32], Dtype::F32);
    let (long, flat, none) = (ones(&[9], Dtype::F32), ones(&[2, 4], Dtype::F32), ones(&[0], Dtype::F32));
    let odd = ones(&[8], Dtype::C64);
    let four = ones(&[4], Dtype::F32);
    let spectra = stft(&x, Stft::new(8)).unwrap();
    let of = Stft::new;
    let bad = [
        of(0),
        of(-1),
        of(i32::MIN),
        of(i32::MAX),
        of(3),
        of(8).hop(0),
        of(8).hop(-1),
        of(8).hop(i32::MIN),
        of(8).window_size(0),
        of(8).window_size(-1),
        of(8).window_size(9),
        of(8).window(&long),
        of(8).window(&flat),
        of(8).window(&none),
        of(8).window(&odd),
        of(8).window(&four).window_size(5),
    ];
    for frames in bad {
        assert!(stft(&x, frames).is_err(), "{frames:?}");
        assert!(istft(&spectra, frames).is_err(), "{frames:?}");
    }
    for (x, frames) in [
        (&ones(&[], Dtype::F32), of(8)),
        (&ones(&[0], Dtype::F32), of(8)),
        (&ones(&[2, 0], Dtype::F32), of(8).pad(Pad::Edge)),
        (&x, of(64).uncentered()),
        (&ones(&[3], Dtype::F32), of(1 << 20)),
        (&ones(&[32], Dtype::C64), of(8).onesided(true)),
    ] {
        assert!(stft(x, frames).is_err(), "{x:?} {frames:?}");
    }
    for frames in [
        of(8).length(-1),
        of(8).length(i32::MIN),
        of(7),
        of(16),
        of(8).hop(9),
        of(8).hop(i32::MAX),
        of(8).onesided(false),
    ] {
        // Of seven samples there are four frequencies, of eight and nine five.
        assert!(istft(&spectra, frames).is_err(), "{frames:?}");
    }
    for spectra in [
        zeros(&[5], Dtype::C64),
        zeros(&[], Dtype::C64),
        zeros(&[5, 0], Dtype::C64),
        zeros(&[0, 5, 3], Dtype::C64),
    ] {
        assert!(istft(&spectra, of(8)).is_err(), "{spectra:?}");
    }
    for (samples, pad) in [(1, Pad::Edge), (1, Pad::Reflect), (2, Pad::Reflect), (3, Pad::Constant)] {
        assert!(stft(&ones(&[samples], Dtype::F32), of(16).pad(pad)).and_then(|y| y.eval()).is_ok());
    }
}
