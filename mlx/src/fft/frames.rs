//! Transforms of short frames of a signal: what is heard when.

use super::Norm;
use crate::{
    Array, Dtype, Error, Result,
    ffi::fft as ops,
    ops::{create::check_shape, pad::check_mirrors},
};

/// How a signal continues beyond its ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pad {
    /// Backwards, without repeating the end.
    #[default]
    Reflect,
    /// With zeros.
    Constant,
    /// With the last element.
    Edge,
}

impl Pad {
    fn name(self) -> &'static str {
        match self {
            Pad::Reflect => "reflect",
            Pad::Constant => "constant",
            Pad::Edge => "edge",
        }
    }
}

/// How a signal is cut into frames: `Stft::new(512).hop(160).window(&hann)`.
#[derive(Clone, Copy, Debug)]
pub struct Stft<'a> {
    size: i32,
    hop: Option<i32>,
    window_size: Option<i32>,
    window: Option<&'a Array>,
    uncentered: bool,
    pad: Pad,
    norm: Norm,
    onesided: Option<bool>,
    length: Option<i32>,
}

impl<'a> Stft<'a> {
    /// Frames of `size` samples, a quarter of that apart, each centered on its time, all weighted the same.
    pub fn new(size: i32) -> Stft<'a> {
        Stft {
            size,
            hop: None,
            window_size: None,
            window: None,
            uncentered: false,
            pad: Pad::Reflect,
            norm: Norm::Backward,
            onesided: None,
            length: None,
        }
    }

    /// Samples from one frame to the next; a quarter of the size.
    pub fn hop(self, hop: i32) -> Stft<'a> {
        Stft { hop: Some(hop), ..self }
    }

    /// The weights of a frame's samples, `[size]` or fewer, which are then centered between zeros; ones.
    pub fn window(self, window: &'a Array) -> Stft<'a> {
        Stft { window: Some(window), ..self }
    }

    /// How many samples of a frame have the weight one, where no window is given; all.
    pub fn window_size(self, size: i32) -> Stft<'a> {
        Stft { window_size: Some(size), ..self }
    }

    /// The first frame starts at the first sample, instead of around it with the signal padded.
    pub fn uncentered(self) -> Stft<'a> {
        Stft { uncentered: true, ..self }
    }

    /// How centered frames continue the signal; [`Pad::Reflect`].
    pub fn pad(self, pad: Pad) -> Stft<'a> {
        Stft { pad, ..self }
    }

    /// Which direction divides by the size; the inverse.
    pub fn norm(self, norm: Norm) -> Stft<'a> {
        Stft { norm, ..self }
    }

    /// Whether only frequencies from zero up are kept, which say all about a real signal; true for one.
    pub fn onesided(self, onesided: bool) -> Stft<'a> {
        Stft { onesided: Some(onesided), ..self }
    }

    /// The length of what [`istft`] gives, cut or padded with zeros.
    pub fn length(self, length: i32) -> Stft<'a> {
        Stft { length: Some(length), ..self }
    }

    /// The distance of frames and the window's size, checked.
    #[track_caller]
    fn check(&self, op: &'static str) -> Result<(i32, i32)> {
        if self.size < 1 {
            return Err(Error::invalid(op, format!("frames cannot have {} samples", self.size)));
        }
        let hop = self.hop.unwrap_or(self.size / 4);
        if hop < 1 {
            let text = format!("frames of {} samples cannot be {hop} apart; give a `hop`", self.size);
            return Err(Error::invalid(op, text));
        }
        let mut window_size = self.window_size.unwrap_or(self.size);
        if let Some(window) = self.window {
            let &[size] = window.shape()? else {
                let text = format!("the window is a vector, not {:?}", window.shape()?);
                return Err(Error::invalid(op, text));
            };
            if !window.dtype()?.is_float() || self.window_size.is_some_and(|given| given != size) {
                let text =
                    format!("{window:?} is no window of {:?} samples", self.window_size.unwrap_or(size));
                return Err(Error::invalid(op, text));
            }
            window_size = size;
        }
        if !(1..=self.size).contains(&window_size) {
            let text = format!("a window of {window_size} does not fit frames of {}", self.size);
            return Err(Error::invalid(op, text));
        }
        Ok((hop, window_size))
    }

    /// Refuses what many frames would take too much memory for.
    #[track_caller]
    fn check_frames(&self, op: &'static str, batch: &[i32], frames: i64) -> Result<()> {
        let frames = i32::try_from(frames).unwrap_or(-1);
        check_shape(op, &[batch, &[frames, self.size]].concat(), Dtype::C64)
    }
}

/// The spectra of overlapping frames of `x` `[..., samples]`: `[..., frequencies, frames]`, `C64`.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, fft::{Stft, istft, stft}, random};
/// let signal = random::normal(&[400], Dtype::F32, &random::key(0)?)?;
/// let frames = Stft::new(64).hop(16);
/// let spectra = stft(&signal, frames)?;
/// assert_eq!(spectra.shape()?, [33, 26]);
/// let again = istft(&spectra, frames.length(400))?;
/// assert!((again - signal).abs()?.max(..)?.item::<f32>()? < 1e-4);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn stft(x: &Array, frames: Stft<'_>) -> Result<Array> {
    let (hop, window_size) = frames.check("stft")?;
    let shape = x.shape()?;
    let Some((&samples, batch)) = shape.split_last() else {
        return Err(Error::invalid("stft", "needs samples along an axis, not a scalar"));
    };
    let half = if frames.uncentered { 0 } else { i64::from(frames.size / 2) };
    let free = i64::from(samples) + 2 * half - i64::from(frames.size);
    if samples < 1 || free < 0 {
        let text = format!("{samples} samples are too few for a frame of {}", frames.size);
        return Err(Error::invalid("stft", text));
    }
    if x.dtype()? == Dtype::C64 && frames.onesided == Some(true) {
        return Err(Error::invalid("stft", "complex samples have spectra of two sides"));
    }
    if half > 0 && frames.pad == Pad::Reflect {
        check_mirrors("stft", samples, frames.size / 2)?;
    }
    frames.check_frames("stft", batch, free / i64::from(hop) + 1)?;
    let (pad, norm) = (frames.pad.name(), frames.norm as i32);
    let (size, center) = (frames.size, !frames.uncentered);
    ops::stft(x, size, Some(hop), Some(window_size), frames.window, center, pad, norm, frames.onesided)
}

/// The signal whose [`stft`] is `spectra` `[..., frequencies, frames]`, from frames cut the same way.
///
/// Overlapping frames are added and divided by the sum of their squared windows; where that is zero, so is the signal.
/// Frames farther apart than their size leave samples open, and are refused.
#[track_caller]
pub fn istft(spectra: &Array, frames: Stft<'_>) -> Result<Array> {
    let (hop, window_size) = frames.check("istft")?;
    let shape = spectra.shape()?;
    let &[ref batch @ .., frequencies, count] = shape else {
        return Err(Error::invalid("istft", format!("needs frequencies and frames, the shape is {shape:?}")));
    };
    let expected = if frames.onesided == Some(false) { frames.size } else { frames.size / 2 + 1 };
    if frequencies != expected || count < 1 || batch.contains(&0) {
        let text = format!("{count} spectra of {expected} frequencies are needed, the shape is {shape:?}");
        return Err(Error::invalid("istft", text));
    }
    if hop > frames.size {
        let text = format!("frames of {} samples that are {hop} apart leave gaps", frames.size);
        return Err(Error::invalid("istft", text));
    }
    if let Some(length) = frames.length {
        check_shape("istft", &[batch, &[length]].concat(), Dtype::C64)?;
    }
    frames.check_frames("istft", batch, count.into())?;
    let (size, center, norm) = (Some(frames.size), !frames.uncentered, frames.norm as i32);
    let (hop, window_size) = (Some(hop), Some(window_size));
    ops::istft(spectra, size, hop, window_size, frames.window, center, norm, frames.onesided, frames.length)
}
