//! Keys and values of attention.

use super::{Offset, invalid, quantized, reach::Reach, row::Row, state::no_row, store::Rows};
use crate::{Error, Result};
use mlx::{
    Array, concatenate,
    fast::{Mask, Sequence, append_and_attend, scaled_dot_product_attention},
    nn::Quantization,
};

/// Keys and values of one layer, for each row.
///
/// Rows stay apart: attention, which is all that depends on a row's length, runs row by row. So nothing is padded, a row
/// joins and leaves without a copy, and computes what it would compute alone.
#[derive(Clone, Debug)]
pub struct AttentionCache {
    pub(super) rows: Vec<Row>,
    offset: Offset,
    /// How many tokens the last row takes in a step in which the others take one: each is an entry of the batch.
    of_last: i32,
}

impl AttentionCache {
    pub(super) fn new(reach: Reach) -> AttentionCache {
        AttentionCache { rows: vec![Row::new(reach)], offset: Offset::Same(0), of_last: 1 }
    }

    pub(super) fn offset(&self) -> Offset {
        self.offset.clone()
    }

    pub(super) fn refresh(&mut self) {
        self.offset = match &self.rows[..] {
            [row] if self.of_last == 1 => Offset::of_row(row.offset(), row.expected),
            _ => Offset::of_rows(self.positions().into_iter()),
        };
    }

    pub(super) fn take_together(&mut self, count: i32) {
        self.of_last = count;
        self.refresh();
    }

    /// For each row the number of tokens that it takes as entries of the batch.
    fn counts(&self) -> impl Iterator<Item = i32> + use<> {
        let (last, of_last) = (self.rows.len().saturating_sub(1), self.of_last);
        (0..self.rows.len()).map(move |row| if row == last { of_last } else { 1 })
    }

    pub(super) fn attend(
        &mut self,
        q: &Array,
        k: &Array,
        v: &Array,
        scale: f32,
        mask: Mask<'_>,
        sinks: Option<&Array>,
    ) -> mlx::Result<Array> {
        if sinks.is_none()
            && !matches!(mask, Mask::Array(_))
            && let Some(out) = self.attend_next(q, k, v, scale)?
        {
            return Ok(out);
        }
        self.by_rows([q], Some([k, v]), mask, |[q], k, v, mask| attend(q, k, v, scale, mask, sinks))
    }

    /// As one operation, where each token is an entry of the batch and that is possible.
    fn attend_next(&mut self, q: &Array, k: &Array, v: &Array, scale: f32) -> mlx::Result<Option<Array>> {
        if q.dim(2)? != 1 || q.dim(0)? != self.counts().sum::<i32>() {
            return Ok(None);
        }
        let Some(sequences) = self.next()? else { return Ok(None) };
        let out = append_and_attend(q, k, v, sequences, scale)?;
        if out.is_some() {
            self.advanced()?;
        }
        Ok(out)
    }

    /// Where the next tokens of each row go, if they can be appended and attend as one operation.
    pub(super) fn next(&mut self) -> mlx::Result<Option<Vec<Sequence<'_>>>> {
        let counts = self.counts();
        self.rows.iter_mut().zip(counts).map(|(row, count)| row.next(count)).collect()
    }

    /// Takes note of tokens that have been appended to [`AttentionCache::next`].
    pub(super) fn advanced(&mut self) -> mlx::Result<()> {
        self.rows.iter_mut().try_for_each(Row::quantize_if_due)?;
        self.refresh();
        Ok(())
    }

    /// The position of the next token of each entry of the batch.
    pub(super) fn positions(&self) -> Vec<i32> {
        let rows = self.rows.iter().zip(self.counts());
        rows.flat_map(|(row, count)| row.offset()..row.offset() + count).collect()
    }

    pub(super) fn attend_kept(&mut self, q: &Array, scale: f32, mask: Mask<'_>) -> mlx::Result<Array> {
        self.by_rows([q], None, mask, |[q], k, v, mask| attend(q, k, v, scale, mask, None))
    }

    /// Appends `new` keys and values if there are any, and lets `f` attend, for each row.
    pub(super) fn by_rows<const N: usize>(
        &mut self,
        queries: [&Array; N],
        new: Option<[&Array; 2]>,
        mask: Mask<'_>,
        mut f: impl FnMut([&Array; N], Rows, Rows, Mask<'_>) -> mlx::Result<Array>,
    ) -> mlx::Result<Array> {
        let counts = self.counts();
        let out = match &mut self.rows[..] {
            [row] if self.of_last == 1 => row.attend(queries, new, mask, &mut f)?,
            rows => {
                let mut parts = Vec::with_capacity(rows.len());
                let mut first = 0;
                for (row, count) in rows.iter_mut().zip(counts) {
                    // Tokens that are entries of the batch are a sequence meanwhile.
                    let turned = |array: Array| if count > 1 { array.swapaxes(0, 2) } else { Ok(array) };
                    let part = |array: &Array| turned(array.at((first..first + count,))?);
                    let queries = each(queries, part)?;
                    let new = new.map(|new| each(new, part)).transpose()?;
                    let new = new.as_ref().map(|[k, v]| [k, v]);
                    let mask = if count > 1 { Mask::Causal } else { mask };
                    parts.push(turned(row.attend(queries.each_ref(), new, mask, &mut f)?)?);
                    first += count;
                }
                concatenate(&parts, 0)?
            }
        };
        self.refresh();
        Ok(out)
    }

    pub(super) fn push(&mut self, other: AttentionCache) {
        self.rows.extend(other.rows);
        self.refresh();
    }

    pub(super) fn remove(&mut self, row: usize) -> Result<AttentionCache> {
        if row >= self.rows.len() {
            return Err(no_row(row, self.rows.len()));
        }
        let taken = AttentionCache::of(self.rows.remove(row));
        self.refresh();
        Ok(taken)
    }

    pub(super) fn row(&self, row: usize) -> Result<AttentionCache> {
        let kept = self.rows.get(row).ok_or_else(|| no_row(row, self.rows.len()))?;
        Ok(AttentionCache::of(kept.clone()))
    }

    fn of(row: Row) -> AttentionCache {
        AttentionCache { offset: Offset::of_row(row.offset(), row.expected), rows: vec![row], of_last: 1 }
    }

    pub(super) fn can_trim(&self, tokens: i32) -> bool {
        self.rows.iter().all(|row| row.can_trim(tokens))
    }

    pub(super) fn trim(&mut self, tokens: i32) {
        self.rows.iter_mut().for_each(|row| row.trim(tokens));
        self.refresh();
    }

    pub(super) fn expect(&mut self, length: i32) {
        self.rows.iter_mut().for_each(|row| row.expected = length);
        self.refresh();
    }

    /// Has room made for `tokens` tokens at once, where all are kept.
    pub(super) fn reserve(&mut self, tokens: i32) {
        for row in self.rows.iter_mut().filter(|row| row.reach == Reach::All) {
            row.keys.expect(tokens);
            row.values.expect(tokens);
        }
    }

    pub(super) fn quantize(&mut self, quantization: Quantization, start: i32) -> Result<()> {
        Ok(self.rows.iter_mut().try_for_each(|row| row.quantize(quantization, start))?)
    }

    pub(super) fn tokens_before_quantization(&self) -> Option<i32> {
        self.rows.iter().filter_map(Row::tokens_before_quantization).min()
    }

    /// Bounds a cache without a window to one of `size` tokens after the first `keep`.
    pub(super) fn limit(&mut self, size: i32, keep: i32) -> Result<()> {
        if self.rows.iter().any(|row| row.offset() > 0) {
            return Err(Error::Invalid("a cache that is in use cannot be given another size".into()));
        }
        for row in self.rows.iter_mut().filter(|row| row.reach == Reach::All) {
            row.reach = Reach::Window { size, keep };
        }
        Ok(())
    }

    pub(super) fn arrays<'a>(&'a self, out: &mut Vec<&'a Array>) {
        for row in &self.rows {
            row.keys.arrays(out);
            row.values.arrays(out);
        }
    }
}

fn attend(
    q: &Array,
    k: Rows,
    v: Rows,
    scale: f32,
    mask: Mask<'_>,
    sinks: Option<&Array>,
) -> mlx::Result<Array> {
    let options = match sinks {
        Some(sinks) => mask.sinks(sinks),
        None => mask.into(),
    };
    match (k, v) {
        (Rows::Plain(k), Rows::Plain(v)) => scaled_dot_product_attention(q, &k, &v, scale, options),
        (Rows::Quantized(k), Rows::Quantized(v)) => quantized::attention(q, &k, &v, scale, mask, sinks),
        (k, v) => scaled_dot_product_attention(q, &k.dense(q)?, &v.dense(q)?, scale, options),
    }
}

fn each<const N: usize>(
    arrays: [&Array; N],
    f: impl Fn(&Array) -> mlx::Result<Array>,
) -> mlx::Result<[Array; N]> {
    let parts: mlx::Result<Vec<Array>> = arrays.into_iter().map(f).collect();
    parts?.try_into().map_err(|_| invalid("attend", "a part is missing"))
}
