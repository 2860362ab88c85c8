//! Which of the tokens so far a query attends to.

use mlx::{Array, Dtype, Result, arange, concatenate};

/// How far back a query looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// To the first token.
    All,
    /// To the first `keep` tokens and to the last `size`, its own included.
    Window { size: i32, keep: i32 },
    /// To the start of its block of so many tokens.
    Chunk(i32),
}

impl Reach {
    /// The first of the neighbouring positions that the query at `position` sees.
    pub(super) fn first(self, position: i32) -> i32 {
        match self {
            Reach::All => 0,
            Reach::Window { size, .. } => (position + 1 - size).max(0),
            Reach::Chunk(size) => position / size * size,
        }
    }

    /// How many of the first tokens every query sees.
    pub(super) fn keep(self) -> i32 {
        match self {
            Reach::Window { keep, .. } => keep,
            Reach::All | Reach::Chunk(_) => 0,
        }
    }

    /// How many tokens a query sees at most; `None` without a limit.
    pub(super) fn limit(self) -> Option<i32> {
        match self {
            Reach::All => None,
            Reach::Window { size, keep } => Some(size + keep),
            Reach::Chunk(size) => Some(size),
        }
    }

    /// Whether queries at the positions `queries` see keys at the positions `keys`: `[queries, keys]` (`Bool`).
    pub(super) fn mask(self, queries: &Array, keys: &Array) -> Result<Array> {
        let (query, key) = (queries.expand_dims(1)?, keys.expand_dims(0)?);
        let past = query.greater_equal(&key)?;
        let near = match self {
            Reach::All => return Ok(past),
            Reach::Window { size, .. } => query.less(&(&key + size))?,
            Reach::Chunk(size) => key.greater_equal(&(query.floor_divide(size)? * size))?,
        };
        let near = if self.keep() > 0 { near.logical_or(&key.less(self.keep())?)? } else { near };
        past.logical_and(&near)
    }
}

/// Positions of rows: the first `keep`, then those from `start` to `end`.
pub(super) fn positions(keep: i32, start: i32, end: i32) -> Result<Array> {
    let range = |from: i32, to: i32| arange(from.into(), to.into(), 1.0, Dtype::I32);
    let rest = range(start, end)?;
    if keep > 0 { concatenate(&[range(0, keep)?, rest], 0) } else { Ok(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_say_what_the_definition_says() -> Result<()> {
        for reach in [
            Reach::All,
            Reach::Window { size: 4, keep: 0 },
            Reach::Window { size: 3, keep: 2 },
            Reach::Chunk(5),
        ] {
            for (queries, offset) in [(3, 2), (1, 9), (5, 0), (7, 12)] {
                let mask = reach
                    .mask(&positions(0, offset, offset + queries)?, &positions(0, 0, offset + queries)?)?;
                let sees = |q: i32, k: i32| {
                    let near = match reach {
                        Reach::All => true,
                        Reach::Window { size, keep } => k < keep || q < k + size,
                        Reach::Chunk(size) => k / size == q / size,
                    };
                    k <= q && near
                };
                let expected: Vec<bool> = (offset..offset + queries)
                    .flat_map(|q| (0..offset + queries).map(move |k| sees(q, k)))
                    .collect();
                assert_eq!(mask.to_vec::<bool>()?, expected, "{reach:?}");
                for q in offset..offset + queries {
                    let first = (reach.keep()..=q).find(|&k| sees(q, k)).unwrap_or(q);
                    assert_eq!(reach.first(q).max(reach.keep().min(q)), first, "{reach:?} at {q}");
                }
            }
        }
        Ok(())
    }
}
