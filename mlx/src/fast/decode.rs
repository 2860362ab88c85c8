//! Attention of the next tokens of sequences.

use super::AppendBuffer;
use crate::{Array, Error, Result, cpu, gpu};

const OP: &str = "append_and_attend";

/// A sequence that tokens are appended to, and that these attend to: [`append_and_attend`].
#[derive(Debug)]
pub struct Sequence<'a> {
    /// Keys `[1, kv heads, tokens, dim]`, which grow along axis 2.
    pub keys: &'a mut AppendBuffer,
    /// Values, likewise.
    pub values: &'a mut AppendBuffer,
    /// The first token that is attended to.
    pub from: i32,
    /// How many tokens are appended, usually 1. Each is an entry of the batch, and attends to those up to itself.
    pub count: i32,
}

impl Sequence<'_> {
    /// Whether it takes a single token, and this can be appended in the memory there is.
    pub(crate) fn has_room(&self) -> Result<bool> {
        let is_sound = self.keys.len() == self.values.len() && (0..=self.keys.len()).contains(&self.from);
        Ok(is_sound && self.count == 1 && self.keys.has_room()? && self.values.has_room()?)
    }

    /// Counts a token that has been written to the memory.
    pub(crate) fn advance(&mut self) {
        self.keys.advance();
        self.values.advance();
    }
}

/// The memory in which sequences have room for the tokens that come.
pub(crate) struct Room {
    /// Of all keys, then of all values.
    pub(crate) memory: Vec<Array>,
    /// For each token that comes the first one that it attends to, and where it goes.
    pub(crate) places: Vec<i32>,
}

impl Room {
    /// Room for tokens of `k` and `v` `[batch, kv heads, 1, dim]`; `None` where others refer to what would be written over.
    #[track_caller]
    pub(crate) fn of(k: &Array, v: &Array, sequences: &mut [Sequence<'_>]) -> Result<Option<Room>> {
        let ([_, heads, _, dim], [.., value_dim]) = (k.dims()?, v.dims::<4>()?);
        let dtype = k.dtype()?;
        let (mut memory, mut of_values, mut places) = (vec![], vec![], vec![]);
        for Sequence { keys, values, from, count } in sequences {
            places.extend((0..*count).flat_map(|token| [*from, keys.len() + token]));
            let [of_key, of_value] = [dim, value_dim].map(|dim| [1, heads, *count, dim]);
            let (Some(k), Some(v)) = (keys.room(OP, &of_key, dtype)?, values.room(OP, &of_value, dtype)?)
            else {
                return Ok(None);
            };
            memory.push(k.clone());
            of_values.push(v.clone());
        }
        memory.append(&mut of_values);
        Ok(Some(Room { memory, places }))
    }

    /// Gives `sequences` their memory back, with the tokens written: as the outputs of an operation, in the same order.
    pub(crate) fn filled(memory: Vec<Array>, sequences: &mut [Sequence<'_>]) {
        let all = sequences.len();
        for (i, Sequence { keys, values, count, .. }) in sequences.iter_mut().enumerate() {
            keys.grow(memory[i].clone(), *count);
            values.grow(memory[all + i].clone(), *count);
        }
    }
}

/// Appends keys and values of tokens, of `k` and `v` `[batch, kv heads, 1, dim]`, to the sequences that they are for, and attends
/// to all that these then have, from `q` `[batch, heads, 1, dim]`: what [`AppendBuffer::append`] and
/// [`scaled_dot_product_attention`](super::scaled_dot_product_attention) do, for sequences of different lengths, as one
/// operation. [`rope`](super::rope) of `q` and `k` becomes part of it, if they are yet to be computed.
///
/// `None` where this is not one operation: where there is no kernel for the arguments, or those of this crate are switched off,
/// in transformations, and where other arrays refer to what would be written over. Nothing is appended then.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, fast::{AppendBuffer, Sequence, append_and_attend}, ones};
/// let (mut keys, mut values) = (AppendBuffer::new(2), AppendBuffer::new(2));
/// let sequence = Sequence { keys: &mut keys, values: &mut values, from: 0, count: 1 };
/// let (q, k) = (ones(&[1, 4, 1, 8], Dtype::F32), ones(&[1, 2, 1, 8], Dtype::F32));
/// if let Some(y) = append_and_attend(&q, &k, &k, [sequence], 1.0)? {
///     assert_eq!(y.to_vec::<f32>()?, q.to_vec::<f32>()?); // the average of one value
///     assert_eq!(keys.len(), 1);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Arrays of other shapes or other than one dtype, sequences of another number of tokens, a sequence that `k` or `v` do not continue,
/// or that has no token `from`.
#[doc(alias = "scaled_dot_product_attention")]
#[track_caller]
pub fn append_and_attend<'a>(
    q: &Array,
    k: &Array,
    v: &Array,
    sequences: impl IntoIterator<Item = Sequence<'a>>,
    scale: f32,
) -> Result<Option<Array>> {
    let mut sequences: Vec<_> = sequences.into_iter().collect();
    check(q, k, v, &sequences)?;
    match cpu::append_and_attend([q, k, v], &mut sequences, scale)? {
        Some(y) => Ok(Some(y)),
        None => gpu::append_and_attend([q, k, v], &mut sequences, scale),
    }
}

#[track_caller]
fn check(q: &Array, k: &Array, v: &Array, sequences: &[Sequence<'_>]) -> Result<()> {
    let (of_q, of_k, of_v) = (q.shape()?, k.shape()?, v.shape()?);
    let fits = match (of_q, of_k, of_v) {
        (&[batch, heads, 1, dim], &[k_batch, k_heads, 1, k_dim], &[v_batch, v_heads, 1, _]) => {
            let is_group = k_heads > 0 && heads % k_heads == 0;
            is_group && [k_batch, v_batch] == [batch; 2] && v_heads == k_heads && k_dim == dim
        }
        _ => false,
    };
    let dtype = q.dtype()?;
    if !fits || k.dtype()? != dtype || v.dtype()? != dtype {
        let text = format!(
            "q {dtype} {of_q:?}, k {} {of_k:?}, v {} {of_v:?} are not of one dtype, [batch, heads, 1, dim] and twice \
             [batch, kv heads, 1, dim] with heads a multiple of kv heads",
            k.dtype()?,
            v.dtype()?
        );
        return Err(Error::invalid(OP, text));
    }
    let tokens: i64 = sequences.iter().map(|sequence| i64::from(sequence.count)).sum();
    if tokens != i64::from(of_q[0]) || sequences.iter().any(|sequence| sequence.count < 1) {
        let text = format!(
            "{} sequences take {tokens} tokens of a batch of {}, each at least 1",
            sequences.len(),
            of_q[0]
        );
        return Err(Error::invalid(OP, text));
    }
    for Sequence { keys, values, from, .. } in sequences {
        if keys.len() != values.len() || !(0..=keys.len()).contains(from) {
            let text = format!("{} keys, {} values, attended from {from} on", keys.len(), values.len());
            return Err(Error::invalid(OP, text));
        }
    }
    Ok(())
}
