//! The order in which kernels come across the numbers of a row.

use super::numbers::Numbers;
use crate::simd::{Kernel, Simd, dispatch};
use std::{any::TypeId, cell::RefCell, collections::HashMap, marker::PhantomData, sync::Arc};

/// Where the numbers of a row are when it is loaded in blocks, each a vector of words.
pub(super) struct Layout {
    /// Blocks in a row; the last may have less than a vector of words.
    pub(super) blocks: usize,
    /// The first group of each block.
    pub(super) groups: Vec<usize>,
    /// Whether no block has numbers of several groups.
    pub(super) uniform: bool,
    /// The group of each word less the first of its block.
    pub(super) places: Vec<u32>,
    /// How many bits of each word are of a number that begins in the word before, unless there never are any.
    pub(super) skipped: Vec<u32>,
    /// 32 less `skipped`.
    pub(super) kept: Vec<u32>,
    /// All bits for each group of a row, and zeros to a whole number of vectors.
    pub(super) present: Vec<u32>,
}

/// Which number of a row is the first to begin in a word.
#[inline(always)]
fn first_number<N: Numbers>(word: usize) -> usize {
    (word * 32).div_ceil(N::BITS)
}

impl Layout {
    /// The layout of rows for vectors of `lanes` elements. Models have few different ones, and use each in every step.
    pub(super) fn of<N: Numbers>(columns: usize, group_size: usize, lanes: usize) -> Arc<Layout> {
        type Known = HashMap<(TypeId, usize, usize, usize), Arc<Layout>>;
        /// Whoever has more makes them anew.
        const MOST: usize = 64;
        thread_local! {
            static KNOWN: RefCell<Known> = RefCell::default();
        }
        let key = (TypeId::of::<N>(), columns, group_size, lanes);
        KNOWN.with_borrow_mut(|known| {
            if known.len() >= MOST && !known.contains_key(&key) {
                known.clear();
            }
            known.entry(key).or_insert_with(|| Arc::new(Layout::new::<N>(columns, group_size, lanes))).clone()
        })
    }

    fn new<N: Numbers>(columns: usize, group_size: usize, lanes: usize) -> Layout {
        let words = columns * N::BITS / 32;
        let group_words = group_size * N::BITS / 32;
        let blocks = words.div_ceil(lanes);
        let mut layout = Layout {
            blocks,
            groups: (0..blocks).map(|block| block * lanes / group_words).collect(),
            uniform: group_words.is_multiple_of(lanes),
            places: Vec::new(),
            skipped: Vec::new(),
            kept: Vec::new(),
            present: vec![u32::MAX; columns / group_size],
        };
        layout.present.resize(layout.present.len().next_multiple_of(lanes), 0);
        // Past the end of the row there are no numbers, and any of its groups will do.
        let group = |word: usize| word.min(words - 1) / group_words;
        let place = |word| (group(word) - layout.groups[word / lanes]) as u32;
        layout.places = (0..blocks * lanes).map(place).collect();
        if N::STRADDLE {
            let skipped = |word| (first_number::<N>(word) * N::BITS - word * 32) as u32;
            layout.skipped = (0..blocks * lanes).map(skipped).collect();
            layout.kept = layout.skipped.iter().map(|bits| 32 - bits).collect();
        }
        layout
    }
}

/// Vectors to multiply rows with, in the order of the rows' numbers.
pub(super) struct Arranged {
    /// How the rows are laid out.
    pub(super) layout: Arc<Layout>,
    /// For each vector, block and slot the elements that meet the numbers there, times the unit of the slot; zeros where
    /// there are no numbers.
    values: Vec<f32>,
    /// For each vector the sums over groups, and zeros to a whole number of vectors.
    sums: Vec<f32>,
    count: usize,
}

impl Arranged {
    /// Arranges the vectors `x[count, columns]` for the encoding with `N` and the vectors that [`dispatch`] chooses.
    pub(super) fn new<N: Numbers>(x: &[f32], count: usize, columns: usize, group_size: usize) -> Arranged {
        dispatch(Arrange::<N> { x, count, columns, group_size, numbers: PhantomData })
    }

    /// The values and the sums of a vector.
    #[inline(always)]
    pub(super) fn vector(&self, i: u32) -> (&[f32], &[f32]) {
        let i = i as usize;
        let (values, sums) = (self.values.len() / self.count, self.sums.len() / self.count);
        (&self.values[i * values..][..values], &self.sums[i * sums..][..sums])
    }
}

struct Arrange<'a, N> {
    x: &'a [f32],
    count: usize,
    columns: usize,
    group_size: usize,
    numbers: PhantomData<N>,
}

impl<N: Numbers> Kernel for Arrange<'_, N> {
    type Output = Arranged;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Arranged {
        let Arrange { x, count, columns, group_size, .. } = self;
        let layout = Layout::of::<N>(columns, group_size, S::LANES);
        let groups = layout.present.len();
        let mut values = vec![0.0; count * layout.blocks * N::ALL_SLOTS * S::LANES];
        let mut sums = vec![0.0; count * groups];
        for i in 0..count {
            let x = &x[i * columns..][..columns];
            for word in 0..columns * N::BITS / 32 {
                let block = i * layout.blocks + word / S::LANES;
                let values = &mut values[block * N::ALL_SLOTS * S::LANES..][..N::ALL_SLOTS * S::LANES];
                let numbers = &x[first_number::<N>(word)..first_number::<N>(word + 1)];
                let mut values = values[word % S::LANES..].iter_mut().step_by(S::LANES);
                for part in 0..2 {
                    for (slot, value) in values.by_ref().take(N::SLOTS[part]).enumerate() {
                        // Of the last slot there may be no number in this word.
                        let x = numbers.get(N::place(part, slot));
                        *value = x.map_or(0.0, |x| x * N::unit(slot));
                    }
                }
            }
            for (x, sum) in x.chunks_exact(group_size).zip(&mut sums[i * groups..]) {
                let mut total = s.splat(0.0);
                for x in x.chunks_exact(S::LANES) {
                    total = s.add(total, s.load(x));
                }
                *sum = s.sum(total);
            }
        }
        Arranged { layout, values, sums, count }
    }
}
