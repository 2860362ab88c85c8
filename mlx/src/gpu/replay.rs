//! Steps of a loop that are launched as one.

use super::{compiled::compiled, decode::forget_places, is_in_use};
use crate::{
    Array, Result,
    fast::{AppendBuffer, Sequence},
    ffi::{graph::id, kernels as ffi},
};
use std::fmt;

/// Steps of decoding on an NVIDIA GPU, each of which is launched as a CUDA graph, or a few, instead of being recorded and
/// encoded.
///
/// Once two steps in a row have recorded the same operations, the second is captured: all its kernels, with the memory that
/// they read and write. What differs from step to step must be the step's input, and where
/// [`append_and_attend`](crate::fast::append_and_attend) appends and looks and the positions of [`rope`](crate::fast::rope), which
/// [`Places`] tells. Everything else has to stay: whoever offers a step promises that a later one would record the same.
pub struct Replay {
    raw: ffi::Replay,
    /// The memory of all sequences, by the ids of its arrays.
    memory: Vec<usize>,
}

/// Where the tokens of a step go: for each layer and sequence the first row that is attended to and the one that is
/// written, and each sequence's position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    values: Vec<i32>,
    rows: usize,
}

impl Places {
    /// The places of the next token of sequences at these positions, in all layers.
    pub fn of(layers: &[Vec<Sequence<'_>>], positions: &[i32]) -> Places {
        let places = layers.iter().flatten().flat_map(|sequence| [sequence.from, sequence.keys.len()]);
        Places { values: places.chain(positions.iter().copied()).collect(), rows: positions.len() }
    }
}

impl Replay {
    /// Nothing yet; `None` where steps are not captured: on other devices, and where kernels of this crate
    /// (`MLX_RS_GPU_KERNELS`) or MLX's graphs (`MLX_USE_CUDA_GRAPHS`) are switched off.
    ///
    /// # Errors
    /// What the compiler of CUDA says.
    #[track_caller]
    pub fn new() -> Result<Option<Replay>> {
        let graphs = std::env::var_os("MLX_USE_CUDA_GRAPHS").is_none_or(|value| value != "0");
        if !graphs || !is_in_use()? {
            return Ok(None);
        }
        let module = compiled(include_str!("prepare.cu"))?;
        Ok(Some(Replay { raw: ffi::Replay::new("Replay", &module)?, memory: vec![] }))
    }

    /// Looks at a recorded step, `output` of `input`, which is not yet computed: captures and computes it if the step offered
    /// before recorded the same, and gives what takes the place of `output`. `places` are those of before it was recorded;
    /// `layers` the sequences as they are now.
    ///
    /// # Errors
    /// What CUDA says.
    #[track_caller]
    pub fn offer(
        &mut self,
        output: &Array,
        input: &Array,
        places: &Places,
        layers: &[Vec<Sequence<'_>>],
    ) -> Result<Option<Array>> {
        self.memory.clear();
        let captured = self.raw.offer("offer", output, input, &places.values, places.rows)?;
        if captured.is_some() {
            forget_places();
            let memory = memory(layers)?;
            // Of other memory nothing would say whether there is room in that of the graph.
            if self.raw.writes("offer", &memory)? {
                self.memory = memory;
            }
        }
        Ok(captured)
    }

    /// The output of a step like the captured one, with another input of the same shape, for sequences that go on from there, at
    /// these positions; their token is appended. `None`, with nothing changed, where that is not possible: nothing has been
    /// captured, the sequences are others, or their memory has moved or is full.
    ///
    /// # Errors
    /// What CUDA says.
    #[track_caller]
    pub fn launch(
        &mut self,
        input: &Array,
        layers: &mut [Vec<Sequence<'_>>],
        positions: &[i32],
    ) -> Result<Option<Array>> {
        if self.memory.is_empty() || memory(layers)? != self.memory {
            return Ok(None);
        }
        for sequence in layers.iter().flatten() {
            if !sequence.has_room()? {
                return Ok(None);
            }
        }
        let places = Places::of(layers, positions);
        // SAFETY: each row is one behind those of its sequence, in memory that has room for it and that is what the graph writes
        // to, in this order.
        let output = unsafe { self.raw.launch("launch", input, &places.values)? };
        if output.is_some() {
            layers.iter_mut().flatten().for_each(Sequence::advance);
        }
        Ok(output)
    }

    /// Forgets what was captured, and lets go of its memory.
    ///
    /// # Errors
    /// None that can be foreseen.
    #[track_caller]
    pub fn reset(&mut self) -> Result<()> {
        self.memory.clear();
        self.raw.reset("reset")
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("is_captured", &!self.memory.is_empty()).finish_non_exhaustive()
    }
}

/// The ids of the memory of all layers, each of all keys and then of all values.
fn memory(layers: &[Vec<Sequence<'_>>]) -> Result<Vec<usize>> {
    let arrays = layers.iter().flat_map(|layer| {
        let keys = layer.iter().map(|sequence| &*sequence.keys);
        keys.chain(layer.iter().map(|sequence| &*sequence.values))
    });
    arrays.filter_map(AppendBuffer::memory).map(id).collect()
}
