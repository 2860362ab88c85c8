//! Numbers and arguments, plausible or hostile; the same for a seed everywhere.

use mlx::{Array, Dtype};

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// A small number, now and then one that nobody would pass on purpose.
    pub(crate) fn int(&mut self) -> i32 {
        match self.below(12) {
            0 => self.pick(&[i32::MIN, i32::MAX, i32::MIN + 1, 1 << 20, -(1 << 20), 1 << 16, 1 << 30, 1000]),
            _ => self.below(8) as i32 - 3,
        }
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.one_in(2)
    }

    /// Mostly an axis of an array of `rank` dimensions.
    pub(crate) fn axis(&mut self, rank: usize) -> i32 {
        match rank {
            0 => self.int(),
            _ if self.one_in(10) => self.int(),
            _ => self.below(2 * rank) as i32 - rank as i32,
        }
    }

    pub(crate) fn ints(&mut self, count: usize) -> Vec<i32> {
        (0..count).map(|_| self.int()).collect()
    }

    pub(crate) fn any_ints(&mut self) -> Vec<i32> {
        let count = self.below(4);
        self.ints(count)
    }

    pub(crate) fn axes(&mut self, rank: usize) -> Vec<i32> {
        (0..self.below(rank + 1)).map(|_| self.axis(rank)).collect()
    }

    pub(crate) fn shape(&mut self) -> Vec<i32> {
        (0..self.below(4)).map(|_| self.pick(&[0, 1, 1, 2, 2, 3, 3, 4, 5])).collect()
    }

    pub(crate) fn float(&mut self) -> f32 {
        self.pick(&[0.0, -0.0, 1.0, -1.5, 0.25, 1e30, 1e-30, f32::INFINITY, f32::NEG_INFINITY, f32::NAN])
    }

    pub(crate) fn dtype(&mut self) -> Dtype {
        self.pick(Dtype::ALL)
    }

    /// Small whole numbers.
    pub(crate) fn numbers(&mut self, shape: &[i32]) -> Vec<f64> {
        (0..shape.iter().product::<i32>()).map(|_| self.below(9) as f64 - 4.0).collect()
    }

    /// An array of any dtype and layout.
    pub(crate) fn array(&mut self) -> mlx::Result<Array> {
        let shape = self.shape();
        let numbers: Vec<f32> = (0..shape.iter().product::<i32>())
            .map(|_| if self.one_in(6) { self.float() } else { self.below(9) as f32 - 4.0 })
            .collect();
        let dtype = self.dtype();
        let x = Array::from_slice(&numbers, &shape);
        // What is not finite has no integer, and negative numbers no unsigned one.
        let x = if dtype.is_float() || dtype == Dtype::C64 { x } else { x.nan_to_num(0.0)?.clip(0, 100)? };
        let x = x.astype(dtype)?;
        match self.below(4) {
            0 => x.transpose(..),
            1 if !shape.is_empty() => x.flip(0),
            2 => x.broadcast_to([&[2], &shape[..]].concat()),
            _ => Ok(x),
        }
    }
}
