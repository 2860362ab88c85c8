//! Keys and values of one sequence.

use super::{
    invalid,
    reach::{Reach, positions},
    store::{Rows, Store},
};
use mlx::{
    Array,
    fast::{Mask, Sequence},
    nn::Quantization,
};

/// Keys and values of one sequence.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) keys: Store,
    pub(super) values: Store,
    pub(super) reach: Reach,
    /// Tokens behind the first ones to keep that are no longer here.
    pub(super) dropped: i32,
    /// How many tokens there will be behind the prompt.
    pub(super) expected: i32,
    /// What keys and values are yet to be quantized to, and behind how many tokens.
    planned: Option<(Quantization, i32)>,
}

/// What the last tokens of a [`Row`] see of it.
struct Seen {
    /// Positions at or behind this one are in the store, besides the first ones.
    here: i32,
    /// The first position that is seen, besides those.
    first: i32,
    /// The first row of the store that is needed.
    from: i32,
    /// Whether they see all rows from there on up to their own, and so need no mask.
    in_order: bool,
}

impl Row {
    /// Tokens out of a window that stay so that the last ones can be taken back.
    const REWIND: i32 = 64;

    pub(super) fn new(reach: Reach) -> Row {
        Row {
            keys: Store::default(),
            values: Store::default(),
            reach,
            dropped: 0,
            expected: 0,
            planned: None,
        }
    }

    pub(super) fn offset(&self) -> i32 {
        self.keys.len() + self.dropped
    }

    pub(super) fn attend<const N: usize>(
        &mut self,
        queries: [&Array; N],
        new: Option<[&Array; 2]>,
        mask: Mask<'_>,
        f: &mut impl FnMut([&Array; N], Rows, Rows, Mask<'_>) -> mlx::Result<Array>,
    ) -> mlx::Result<Array> {
        let count = match new {
            Some([k, v]) => {
                self.drop_unseen()?;
                self.keys.append(k)?;
                self.values.append(v)?;
                k.dim(2)?
            }
            None => queries.first().map_or(Ok(1), |q| q.dim(2))?,
        };
        let (from, hidden) = self.seen_by(count, mask)?;
        let mask = hidden.as_ref().map_or(mask, Mask::Array);
        let out = f(queries, self.keys.rows(from)?, self.values.rows(from)?, mask)?;
        self.quantize_if_due()?;
        Ok(out)
    }

    pub(super) fn quantize(&mut self, quantization: Quantization, start: i32) -> mlx::Result<()> {
        self.planned = Some((quantization.check()?, start));
        self.quantize_if_due()
    }

    pub(super) fn quantize_if_due(&mut self) -> mlx::Result<()> {
        let passed = self.offset();
        if let Some((quantization, _)) = self.planned.take_if(|(_, start)| passed >= *start) {
            self.keys.quantize(quantization)?;
            self.values.quantize(quantization)?;
        }
        Ok(())
    }

    pub(super) fn tokens_before_quantization(&self) -> Option<i32> {
        self.planned.map(|(_, start)| start - self.offset())
    }

    /// Where the next `count` tokens are appended and what they see, if these are plain arrays and they see all from some row on.
    pub(super) fn next(&mut self, count: i32) -> mlx::Result<Option<Sequence<'_>>> {
        self.drop_unseen()?;
        let Seen { from, in_order, .. } = self.seen(self.offset() + count, count);
        Ok(match (&mut self.keys, &mut self.values) {
            (Store::Plain(keys), Store::Plain(values)) if in_order => {
                Some(Sequence { keys, values, from, count })
            }
            _ => None,
        })
    }

    /// What the last `count` of `end` tokens see.
    fn seen(&self, end: i32, count: i32) -> Seen {
        if self.reach == Reach::All {
            return Seen { here: 0, first: 0, from: 0, in_order: true };
        }
        let keep = self.reach.keep();
        let here = if self.dropped > 0 { keep + self.dropped } else { 0 };
        let first = self.reach.first(end - count).max(here);
        let unseen = first > here && keep > 0;
        let narrows = self.reach.first(end - 1) > first;
        let from = if keep == 0 { first - here } else { 0 };
        Seen { here, first, from, in_order: !unseen && !narrows }
    }

    /// The first row that the last `count` tokens see, and a mask where `mask` and the order of rows do not say it all.
    fn seen_by(&self, count: i32, mask: Mask<'_>) -> mlx::Result<(i32, Option<Array>)> {
        let (end, keep) = (self.offset(), self.reach.keep());
        let Seen { here, first, from, in_order } = self.seen(end, count);
        if in_order {
            return Ok((from, None));
        }
        if matches!(mask, Mask::Array(_)) {
            let text = "a mask of the model's own, in a layer that has a window";
            return Err(invalid("attend", text));
        }
        let keys = match (keep, self.dropped) {
            (0, _) => positions(0, first, end)?,
            (_, 0) => positions(0, 0, end)?,
            _ => positions(keep, here, end)?,
        };
        Ok((from, Some(self.reach.mask(&positions(0, end - count, end)?, &keys)?)))
    }

    /// Drops what no token to come sees, now and then, as the rest moves to memory of its own.
    fn drop_unseen(&mut self) -> mlx::Result<()> {
        let Some(limit) = self.reach.limit() else { return Ok(()) };
        let keep = self.reach.keep();
        let unseen = self.reach.first(self.offset()) - Row::REWIND - keep - self.dropped;
        if unseen >= (limit / 4).max(256) {
            self.keys.drop_between(keep, keep + unseen)?;
            self.values.drop_between(keep, keep + unseen)?;
            self.dropped += unseen;
        }
        Ok(())
    }

    pub(super) fn can_trim(&self, tokens: i32) -> bool {
        let offset = self.offset() - tokens;
        let keep = self.reach.keep();
        let in_reach = self.dropped == 0
            || (self.keys.len() - tokens >= keep && self.reach.first(offset) >= keep + self.dropped);
        tokens >= 0 && offset >= 0 && in_reach
    }

    pub(super) fn trim(&mut self, tokens: i32) {
        let len = self.keys.len() - tokens;
        self.keys.truncate(len);
        self.values.truncate(len);
    }
}
