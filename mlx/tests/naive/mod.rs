//! Indexing spelled out: which element of the source stands at each place of the result.

/// One part of an index, as data.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Pick(i32),
    Span(Option<i32>, Option<i32>, i32),
    New,
    Rest,
    Array(Vec<i32>, Vec<i32>),
}

/// A small generator; the same numbers everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: i32) -> i32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as i32
    }

    pub(crate) fn shape(&mut self) -> Vec<i32> {
        (0..self.below(4) + 1).map(|_| [1, 2, 3, 4, 5][self.below(5) as usize]).collect()
    }

    /// An index that is valid for `shape`.
    pub(crate) fn index(&mut self, shape: &[i32]) -> Vec<Part> {
        let named = self.below(shape.len() as i32 + 1) as usize;
        let rest_at = if self.below(2) == 0 { Some(self.below(named as i32 + 1) as usize) } else { None };
        // Arrays of one index must broadcast together.
        let common = [self.below(3) + 1, self.below(2) + 1];
        let mut parts = vec![];
        for place in 0..=named {
            if self.below(5) == 0 {
                parts.push(Part::New);
            }
            if rest_at == Some(place) {
                parts.push(Part::Rest);
            }
            if place == named {
                break;
            }
            // Behind the rest, axes count from the last.
            let axis =
                if rest_at.is_some_and(|at| at <= place) { shape.len() - named + place } else { place };
            parts.push(self.part(shape[axis], common));
        }
        parts
    }

    fn part(&mut self, extent: i32, common: [i32; 2]) -> Part {
        match self.below(6) {
            0 => Part::Pick(self.below(2 * extent) - extent),
            1 | 2 => {
                let mut end = || (self.below(3) > 0).then(|| self.below(2 * extent + 4) - extent - 2);
                let (from, to) = (end(), end());
                Part::Span(from, to, [1, 1, 2, 3, -1, -2][self.below(6) as usize])
            }
            3 => Part::Span(None, None, 1),
            _ => {
                let shape = match self.below(4) {
                    0 => vec![],
                    1 => vec![common[1]],
                    2 => vec![common[0], 1],
                    _ => common.to_vec(),
                };
                let count: i32 = shape.iter().product();
                Part::Array((0..count).map(|_| self.below(2 * extent) - extent).collect(), shape)
            }
        }
    }
}

/// The shape of the result and, in row-major order, the place in the source of each of its elements.
pub(crate) fn positions_of(shape: &[i32], parts: &[Part]) -> (Vec<i32>, Vec<usize>) {
    let parts = without_rest(shape, parts);
    let group = parts.iter().filter_map(|part| match part {
        Part::Array(_, shape) => Some(shape.clone()),
        _ => None,
    });
    let group = group.reduce(|a, b| broadcast(&a, &b));
    let is_advanced =
        |part: &Part| matches!(part, Part::Array(..)) || group.is_some() && matches!(part, Part::Pick(_));
    let advanced: Vec<usize> = (0..parts.len()).filter(|&i| is_advanced(&parts[i])).collect();
    // Side by side: the first and the last are as far apart as there are many. `Rest` that stands for no axis still
    // separates, and was replaced by a mark.
    let adjacent = advanced.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let group_at = if adjacent { advanced.first().copied().unwrap_or_default() } else { 0 };

    let mut out = vec![];
    let mut group_axis = 0;
    let mut axis = 0;
    let mut sources = vec![];
    for (i, part) in parts.iter().enumerate() {
        if let (Some(group), true) = (&group, i == group_at) {
            group_axis = out.len();
            out.extend(group);
        }
        match part {
            Part::New => out.push(1),
            Part::Rest => {}
            Part::Pick(position) => sources.push(Source::Fixed(position.rem_euclid(shape[axis]))),
            Part::Span(from, to, step) => {
                let positions = walk(*from, *to, *step, shape[axis]);
                sources.push(Source::Listed(out.len(), positions.clone()));
                out.push(positions.len() as i32);
            }
            Part::Array(positions, own) => {
                let positions = positions.iter().map(|p| p.rem_euclid(shape[axis])).collect();
                sources.push(Source::Grouped(positions, own.clone()));
            }
        }
        axis += usize::from(!matches!(part, Part::New | Part::Rest));
    }
    let rank = group.map_or(0, |group| group.len());
    let places = coordinates(&out).map(|at| {
        sources.iter().zip(shape).fold(0, |place, (source, &extent)| {
            let position = match source {
                Source::Fixed(position) => *position,
                Source::Listed(axis, positions) => positions[at[*axis] as usize],
                Source::Grouped(positions, own) => {
                    let behind = &at[group_axis + rank - own.len()..group_axis + rank];
                    let offset =
                        behind.iter().zip(own).fold(0, |o, (&i, &n)| o * n + if n == 1 { 0 } else { i });
                    positions[offset as usize]
                }
            };
            place * extent as usize + position as usize
        })
    });
    let places = places.collect();
    (out, places)
}

enum Source {
    Fixed(i32),
    /// An axis of the result, and the position for each of its indices.
    Listed(usize, Vec<i32>),
    /// Positions and the shape of their array.
    Grouped(Vec<i32>, Vec<i32>),
}

/// The parts with whole spans for all axes that were not mentioned; `Rest` stays behind as a mark.
fn without_rest(shape: &[i32], parts: &[Part]) -> Vec<Part> {
    let named = parts.iter().filter(|part| !matches!(part, Part::New | Part::Rest)).count();
    let missing = vec![Part::Span(None, None, 1); shape.len() - named];
    let mut parts = parts.to_vec();
    match parts.iter().position(|part| matches!(part, Part::Rest)) {
        Some(at) => drop(parts.splice(at + 1..at + 1, missing)),
        None => parts.extend(missing),
    }
    parts
}

/// The positions of the range, walked: from its end when `step` is negative.
fn walk(from: Option<i32>, to: Option<i32>, step: i32, extent: i32) -> Vec<i32> {
    let count = |end: i32| if end < 0 { end + extent } else { end };
    let (from, to) = (from.map_or(0, count), to.map_or(extent, count));
    let mut positions: Vec<i32> = (0..extent).filter(|&position| from <= position && position < to).collect();
    if step < 0 {
        positions.reverse();
    }
    positions.into_iter().step_by(step.unsigned_abs() as usize).collect()
}

fn broadcast(a: &[i32], b: &[i32]) -> Vec<i32> {
    let rank = a.len().max(b.len());
    let extent = |s: &[i32], i: usize| if i + s.len() < rank { 1 } else { s[i + s.len() - rank] };
    (0..rank).map(|i| extent(a, i).max(extent(b, i))).collect()
}

/// All coordinates of a shape in row-major order.
fn coordinates(shape: &[i32]) -> impl Iterator<Item = Vec<i32>> {
    let shape = shape.to_vec();
    let count: i32 = shape.iter().product();
    (0..count).map(move |mut flat| {
        let mut at = vec![0; shape.len()];
        for (i, &n) in shape.iter().enumerate().rev() {
            at[i] = flat % n;
            flat /= n;
        }
        at
    })
}
