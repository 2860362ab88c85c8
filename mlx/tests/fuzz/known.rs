//! Operations whose results are computed twice: by MLX and by the oracle.

use super::{
    oracle::{CHOOSING, Tensor},
    random::Random,
};
use mlx::{Array, Result, axes, concatenate};

/// An array and what it holds.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) array: Array,
    pub(crate) tensor: Tensor,
}

impl Known {
    /// `F32` numbers in some layout.
    pub(crate) fn random(r: &mut Random) -> Known {
        let shape = r.shape();
        let data = r.numbers(&shape);
        let single: Vec<f32> = data.iter().map(|&number| number as f32).collect();
        Known { array: Array::from_slice(&single, &shape), tensor: Tensor { shape, data } }
    }
}

/// The name, MLX's result and the oracle's.
type Both = (&'static str, Result<Array>, Option<Tensor>);

/// One operation on arrays of the pool.
pub(crate) fn step(r: &mut Random, pool: &[Known]) -> Both {
    let [a, b, c] = [0; 3].map(|_| &pool[r.below(pool.len())]);
    let (x, y, s, t) = (&a.array, &b.array, &a.tensor, &b.tensor);
    let rank = s.shape.len();
    let axis = r.axis(rank);
    match r.below(18) {
        0 => ("add", x.add(y), s.binary(t, |a, b| a + b)),
        1 => ("subtract", x.subtract(y), s.binary(t, |a, b| a - b)),
        2 => ("multiply", x.multiply(y), s.binary(t, |a, b| a * b)),
        3 => ("maximum", x.maximum(y), s.binary(t, f64::max)),
        4 => {
            let condition = x.greater(CHOOSING as f32);
            let z = &c.array;
            ("where", condition.and_then(|condition| condition.where_(y, z)), s.choose(t, &c.tensor))
        }
        5 => {
            let list = r.axes(rank);
            ("sum", x.sum(&list[..]), s.reduce(&list, false, 0.0, |a, b| a + b))
        }
        6 => {
            let list = r.axes(rank);
            let kept = x.max(axes(&list[..]).keep());
            ("max", kept, s.reduce(&list, true, f64::NEG_INFINITY, f64::max))
        }
        7 => {
            let shape = likely_shape(r, s);
            ("reshape", x.reshape(&shape), s.reshape(&shape))
        }
        8 => {
            let mut order: Vec<i32> = (0..rank as i32).collect();
            (1..rank).for_each(|i| order.swap(i, r.below(i + 1)));
            let order = if r.one_in(8) { r.axes(rank) } else { order };
            ("transpose", x.transpose(&order[..]), s.transpose(&order))
        }
        9 => {
            let ends: Vec<(i32, i32)> =
                s.shape.iter().map(|&n| (r.below(n as usize + 1) as i32, n)).collect();
            let (start, mut stop): (Vec<i32>, Vec<i32>) = ends.into_iter().unzip();
            if let (true, Some(last)) = (r.one_in(4), stop.last_mut()) {
                *last = r.int();
            }
            ("slice", x.slice(&start, &stop), s.slice(&start, &stop))
        }
        10 => {
            let indices = r.any_ints();
            let positions = Array::from_slice(&indices, &[indices.len() as i32]);
            ("take", x.take(&positions, axis), s.take(&indices, axis))
        }
        11 => ("concatenate", concatenate(&[x, y], axis), s.concatenate(t, axis)),
        12 => {
            let mut shape = vec![r.below(3) as i32; r.below(2)];
            shape.extend(s.shape.iter().map(|&n| if n == 1 { r.below(4) as i32 } else { n }));
            if r.one_in(6) {
                shape = r.any_ints();
            }
            // The oracle would have to hold it.
            shape.iter_mut().for_each(|extent| *extent = (*extent).min(8));
            ("broadcast_to", x.broadcast_to(&shape), s.broadcast_to(&shape))
        }
        13 => ("softmax", x.softmax(axis), s.softmax(axis)),
        14 if rank >= 2 && t.shape.len() >= 2 => ("matmul", x.matmul(y), s.matmul(t)),
        15 => ("flip", x.flip(axis), s.flip(axis)),
        16 => ("cumsum", x.cumsum(axis), s.cumsum(axis)),
        _ => ("sort", x.sort(axis), s.sort(axis)),
    }
}

/// Mostly a shape of as many elements.
fn likely_shape(r: &mut Random, of: &Tensor) -> Vec<i32> {
    let count = of.data.len() as i32;
    match r.below(5) {
        0 => r.any_ints(),
        1 => vec![-1],
        2 if count % 2 == 0 => vec![2, -1, 1],
        3 if count % 3 == 0 => vec![count / 3, 3],
        _ => vec![1, count],
    }
}
