//! Which part of an array is whose.

use crate::{Array, Error, Module, Parameters, Result, concatenate, distributed::Group, module::replace};

/// The parts of an axis that are each shared out among all processes: of a projection to queries, keys and values in
/// one, every process needs a share of each.
///
/// `3` for as many equal parts, `[0.5, 0.75]` for cuts at these fractions of the axis, `[64, 96]` at these positions.
#[derive(Clone, Debug, PartialEq)]
pub enum Segments {
    /// So many of equal length.
    Equal(i32),
    /// Cut at these positions.
    At(Vec<i32>),
    /// Cut at these fractions of the axis. They also fit quantized weights, whose columns are packed.
    Fractions(Vec<f64>),
}

macro_rules! segments {
    ($([$($generics:tt)*] $ty:ty => $variant:ident: |$from:ident| $into:expr;)*) => { $(
        impl<$($generics)*> From<$ty> for Segments {
            fn from($from: $ty) -> Segments {
                Segments::$variant($into)
            }
        }
    )* };
}

segments! {
    [] i32 => Equal: |count| count;
    [const N: usize] [i32; N] => At: |at| at.to_vec();
    [] &[i32] => At: |at| at.to_vec();
    [const N: usize] [f64; N] => Fractions: |at| at.to_vec();
    [] &[f64] => Fractions: |at| at.to_vec();
}

impl Segments {
    /// Where to cut an axis of `extent`, in ascending order.
    #[track_caller]
    fn cuts(&self, extent: i32) -> Result<Vec<i32>> {
        let cuts: Vec<i32> = match self {
            Segments::Equal(count) if *count >= 1 && extent % count == 0 => {
                (1..*count).map(|i| i * (extent / count)).collect()
            }
            Segments::At(at) => at.clone(),
            Segments::Fractions(at) if at.iter().all(|fraction| (0.0..=1.0).contains(fraction)) => {
                at.iter().map(|fraction| (fraction * f64::from(extent)).round() as i32).collect()
            }
            Segments::Equal(_) | Segments::Fractions(_) => vec![-1],
        };
        if cuts.is_sorted() && cuts.iter().all(|cut| (0..=extent).contains(cut)) {
            return Ok(cuts);
        }
        Err(Error::invalid("shard", format!("an axis of {extent} cannot be cut by {self:?}")))
    }
}

/// How an array is shared out: the axis, and the [`Segments`] of it that are each shared out; one by default.
#[derive(Clone, Debug, PartialEq)]
pub struct Shard {
    axis: i32,
    segments: Segments,
}

impl Shard {
    /// Along `axis`; negative counts from the end.
    pub fn axis(axis: i32) -> Shard {
        Shard { axis, segments: Segments::Equal(1) }
    }

    /// With the axis made of parts.
    pub fn segments(self, segments: impl Into<Segments>) -> Shard {
        Shard { segments: segments.into(), ..self }
    }

    /// The share of `x` that the process has.
    #[track_caller]
    pub(super) fn take(&self, x: &Array, group: &Group) -> Result<Array> {
        let cuts = self.segments.cuts(x.dim(self.axis)?)?;
        let mut shares = vec![];
        for part in x.split_at(&cuts, self.axis)? {
            let (extent, processes) = (part.dim(self.axis)?, group.size());
            if extent % processes != 0 {
                let text = format!(
                    "axis {} of the shape {:?} cannot be shared by {processes} processes in parts of {extent}",
                    self.axis,
                    x.shape()?
                );
                return Err(Error::invalid("shard", text));
            }
            let (share, first) = (extent / processes, group.rank());
            let ends = [first * share, (first + 1) * share];
            let pieces = part.split_at(&ends, self.axis)?;
            shares.extend(pieces.into_iter().nth(1));
        }
        // A copy, so that the whole can be freed.
        concatenate(&shares.iter().collect::<Vec<_>>(), self.axis)?.contiguous()
    }
}

/// How a layer from whole to shared features is shared out, dense or quantized: the rows of its weight, and its bias.
/// For [`shard_inplace`].
pub fn all_to_sharded(path: &str, array: &Array) -> Option<Shard> {
    let axis = if is_bias(path) { -1 } else { array.ndim().map_or(0, |n| n.saturating_sub(2) as i32) };
    Some(Shard::axis(axis))
}

/// How a layer from shared to whole features is shared out, dense or quantized: the columns of its weight. For
/// [`shard_inplace`].
pub fn sharded_to_all(path: &str, _array: &Array) -> Option<Shard> {
    (!is_bias(path)).then_some(Shard::axis(-1))
}

fn is_bias(path: &str) -> bool {
    path.rsplit('.').next() == Some("bias")
}

/// Replaces the arrays of `module` that `sharding` gives a [`Shard`] for, by path and array, by this process's share.
///
/// The module must know to communicate by itself; for linear layers there are
/// [`AllToShardedLinear`](super::AllToShardedLinear) and [`ShardedToAllLinear`](super::ShardedToAllLinear).
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{distributed::{Backend, Group}, nn::{Linear, all_to_sharded, shard_inplace}};
/// let group = Group::init(Backend::Any)?;
/// let mut fused = Linear::new(8, 12);
/// shard_inplace(&mut fused, |path, array| Some(all_to_sharded(path, array)?.segments(3)), &group)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// An axis that the array does not have or that cannot be shared out evenly. The module is then as before.
#[track_caller]
pub fn shard_inplace(
    module: &mut impl Module,
    sharding: impl Fn(&str, &Array) -> Option<Shard>,
    group: &Group,
) -> Result<()> {
    let mut shares = Parameters::new();
    for (path, array) in module.parameters() {
        if let Some(shard) = sharding(&path, &array) {
            shares.insert(path, shard.take(&array, group)?);
        }
    }
    replace(module, &shares);
    Ok(())
}
