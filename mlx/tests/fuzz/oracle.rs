//! A dozen operations spelled out over `f64`. Where the arguments make no sense there is no result.

/// `choose` takes the first where numbers are larger. Rounding takes no number across it.
pub(crate) const CHOOSING: f64 = 0.3141;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<i32>,
    pub(crate) data: Vec<f64>,
}

fn count(shape: &[i32]) -> usize {
    shape.iter().map(|&extent| extent as usize).product()
}

/// The position on each axis of the element at `flat`.
fn position(shape: &[i32], mut flat: usize) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for (axis, &extent) in shape.iter().enumerate().rev() {
        at[axis] = flat % extent as usize;
        flat /= extent as usize;
    }
    at
}

pub(crate) fn axis_of(axis: i32, rank: usize) -> Option<usize> {
    let rank = rank as i32;
    (-rank..rank).contains(&axis).then(|| axis.rem_euclid(rank) as usize)
}

impl Tensor {
    /// `f` of the position of each element.
    fn make(shape: Vec<i32>, f: impl Fn(&[usize]) -> f64) -> Tensor {
        let data = (0..count(&shape)).map(|flat| f(&position(&shape, flat))).collect();
        Tensor { shape, data }
    }

    fn get(&self, at: &[usize]) -> f64 {
        let flat = at.iter().zip(&self.shape).fold(0, |flat, (&i, &extent)| flat * extent as usize + i);
        self.data[flat]
    }

    /// The element that broadcasting puts at a position with as many axes or more.
    fn spread(&self, at: &[usize]) -> f64 {
        let at = &at[at.len() - self.shape.len()..];
        let at: Vec<_> =
            at.iter().zip(&self.shape).map(|(&i, &extent)| if extent == 1 { 0 } else { i }).collect();
        self.get(&at)
    }

    fn rank(&self) -> usize {
        self.shape.len()
    }

    pub(crate) fn binary(&self, rhs: &Tensor, f: fn(f64, f64) -> f64) -> Option<Tensor> {
        let shape = common(&self.shape, &rhs.shape)?;
        Some(Tensor::make(shape, |at| f(self.spread(at), rhs.spread(at))))
    }

    pub(crate) fn choose(&self, x: &Tensor, y: &Tensor) -> Option<Tensor> {
        let shape = common(&common(&self.shape, &x.shape)?, &y.shape)?;
        let chosen = |at: &[usize]| if self.spread(at) > CHOOSING { x.spread(at) } else { y.spread(at) };
        Some(Tensor::make(shape, chosen))
    }

    pub(crate) fn broadcast_to(&self, shape: &[i32]) -> Option<Tensor> {
        let fits = shape.iter().all(|&extent| extent >= 0) && common(&self.shape, shape)? == shape;
        fits.then(|| Tensor::make(shape.to_vec(), |at| self.spread(at)))
    }

    pub(crate) fn reduce(
        &self,
        axes: &[i32],
        keep: bool,
        start: f64,
        f: fn(f64, f64) -> f64,
    ) -> Option<Tensor> {
        let mut gone = vec![];
        for &axis in axes {
            let axis = axis_of(axis, self.rank())?;
            if gone.contains(&axis) || (start.is_infinite() && self.shape[axis] == 0) {
                return None;
            }
            gone.push(axis);
        }
        let kept: Vec<i32> =
            (0..self.rank()).map(|axis| if gone.contains(&axis) { 1 } else { self.shape[axis] }).collect();
        let mut result = Tensor { data: vec![start; count(&kept)], shape: kept };
        for flat in 0..self.data.len() {
            let mut at = position(&self.shape, flat);
            gone.iter().for_each(|&axis| at[axis] = 0);
            let place =
                at.iter().zip(&result.shape).fold(0, |place, (&i, &extent)| place * extent as usize + i);
            result.data[place] = f(result.data[place], self.data[flat]);
        }
        if !keep {
            let left = (0..self.rank()).filter(|axis| !gone.contains(axis)).map(|axis| self.shape[axis]);
            result.shape = left.collect();
        }
        Some(result)
    }

    pub(crate) fn softmax(&self, axis: i32) -> Option<Tensor> {
        if self.data.is_empty() {
            // MLX does not look at the axis.
            return Some(self.clone());
        }
        let most = self.reduce(&[axis], true, -1e300, f64::max)?;
        let powers = self.binary(&most, |x, most| (x - most).exp())?;
        powers.binary(&powers.reduce(&[axis], true, 0.0, |a, b| a + b)?, |x, sum| x / sum)
    }

    pub(crate) fn reshape(&self, shape: &[i32]) -> Option<Tensor> {
        let open = shape.iter().filter(|&&extent| extent == -1).count();
        if open > 1 || shape.iter().any(|&extent| extent < -1) {
            return None;
        }
        let known: u128 = shape.iter().filter(|&&extent| extent >= 0).map(|&extent| extent as u128).product();
        let size = self.data.len() as u128;
        if (open == 0 && known != size) || (open == 1 && (known == 0 || !size.is_multiple_of(known))) {
            return None;
        }
        let missing = if open == 1 { (size / known) as i32 } else { 0 };
        let shape = shape.iter().map(|&extent| if extent == -1 { missing } else { extent }).collect();
        Some(Tensor { shape, data: self.data.clone() })
    }

    pub(crate) fn transpose(&self, axes: &[i32]) -> Option<Tensor> {
        let order = axes.iter().map(|&axis| axis_of(axis, self.rank())).collect::<Option<Vec<_>>>()?;
        let complete = (0..self.rank()).all(|axis| order.contains(&axis));
        if order.len() != self.rank() || !complete {
            return None;
        }
        let shape = order.iter().map(|&axis| self.shape[axis]).collect();
        Some(Tensor::make(shape, |at| {
            let mut source = vec![0; at.len()];
            order.iter().zip(at).for_each(|(&axis, &i)| source[axis] = i);
            self.get(&source)
        }))
    }

    pub(crate) fn flip(&self, axis: i32) -> Option<Tensor> {
        let axis = axis_of(axis, self.rank())?;
        Some(Tensor::make(self.shape.clone(), |at| {
            let mut at = at.to_vec();
            at[axis] = self.shape[axis] as usize - 1 - at[axis];
            self.get(&at)
        }))
    }

    pub(crate) fn slice(&self, start: &[i32], stop: &[i32]) -> Option<Tensor> {
        let fits = start.len() == self.rank()
            && stop.len() == self.rank()
            && (0..self.rank()).all(|i| 0 <= start[i] && start[i] <= stop[i] && stop[i] <= self.shape[i]);
        fits.then(|| {
            let shape = start.iter().zip(stop).map(|(from, to)| to - from).collect();
            Tensor::make(shape, |at| {
                self.get(&at.iter().zip(start).map(|(i, &from)| i + from as usize).collect::<Vec<_>>())
            })
        })
    }

    /// Positions out of range are clamped.
    pub(crate) fn take(&self, indices: &[i32], axis: i32) -> Option<Tensor> {
        let axis = axis_of(axis, self.rank())?;
        let extent = self.shape[axis];
        if extent == 0 && !indices.is_empty() {
            return None;
        }
        let mut shape = self.shape.clone();
        shape[axis] = indices.len() as i32;
        Some(Tensor::make(shape, |at| {
            let (mut at, index) = (at.to_vec(), indices[at[axis]].clamp(-extent, extent - 1));
            at[axis] = index.rem_euclid(extent) as usize;
            self.get(&at)
        }))
    }

    pub(crate) fn concatenate(&self, rhs: &Tensor, axis: i32) -> Option<Tensor> {
        let axis = axis_of(axis, self.rank())?;
        let fits =
            self.rank() == rhs.rank() && (0..self.rank()).all(|i| i == axis || self.shape[i] == rhs.shape[i]);
        fits.then(|| {
            let (mut shape, first) = (self.shape.clone(), self.shape[axis] as usize);
            shape[axis] += rhs.shape[axis];
            Tensor::make(shape, |at| {
                let mut at = at.to_vec();
                if at[axis] < first {
                    return self.get(&at);
                }
                at[axis] -= first;
                rhs.get(&at)
            })
        })
    }

    /// Of two arrays that are at least matrices.
    pub(crate) fn matmul(&self, rhs: &Tensor) -> Option<Tensor> {
        let ([a_batch @ .., m, k], [b_batch @ .., rows, n]) = (&self.shape[..], &rhs.shape[..]) else {
            return None;
        };
        let mut shape = if k == rows { common(a_batch, b_batch)? } else { return None };
        shape.extend([m, n]);
        let rank = shape.len();
        Some(Tensor::make(shape, |at| {
            let (mut left, mut right) = (at.to_vec(), at.to_vec());
            let product = |i: usize| {
                (left[rank - 1], right[rank - 2]) = (i, i);
                self.spread(&left) * rhs.spread(&right)
            };
            (0..*k as usize).map(product).sum()
        }))
    }

    pub(crate) fn cumsum(&self, axis: i32) -> Option<Tensor> {
        let axis = axis_of(axis, self.rank())?;
        Some(Tensor::make(self.shape.clone(), |at| {
            let mut source = at.to_vec();
            let element = |i: usize| {
                source[axis] = i;
                self.get(&source)
            };
            (0..=at[axis]).map(element).sum()
        }))
    }

    pub(crate) fn sort(&self, axis: i32) -> Option<Tensor> {
        let axis = axis_of(axis, self.rank())?;
        Some(Tensor::make(self.shape.clone(), |at| {
            let mut source = at.to_vec();
            let mut line: Vec<f64> = (0..self.shape[axis] as usize)
                .map(|i| {
                    source[axis] = i;
                    self.get(&source)
                })
                .collect();
            line.sort_by(f64::total_cmp);
            line[at[axis]]
        }))
    }
}

/// The shape that both broadcast to.
fn common(a: &[i32], b: &[i32]) -> Option<Vec<i32>> {
    let rank = a.len().max(b.len());
    let from_last = |shape: &[i32], i: usize| shape.iter().rev().nth(i).copied().unwrap_or(1);
    let extent = |i| match (from_last(a, i), from_last(b, i)) {
        (m, n) if m == n || n == 1 => Some(m),
        (1, n) => Some(n),
        _ => None,
    };
    (0..rank).rev().map(extent).collect()
}
