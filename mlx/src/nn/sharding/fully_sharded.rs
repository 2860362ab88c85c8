//! Modules of which each process keeps a share.

use super::Shard;
use crate::{
    Array, Dtype, Error, ErrorKind, Loader, Module, Path, Result, Slot, SlotMut, concatenate,
    distributed::Group,
    error::at_caller,
    nn::{gradients::put, merged},
    transforms::custom_vjp,
};
use std::{
    cell::{RefCell, RefMut},
    collections::BTreeMap,
};

/// A module of whose learned arrays each process keeps and updates a share, along axis 0
/// ([Zhao et al., 2023](https://arxiv.org/abs/2304.11277)).
///
/// The whole arrays are there while the module is [used](FullySharded::with_whole) only: they are gathered from all
/// processes, and on the way back gradients are averaged over the processes, of which each gets its share. So
/// [`average_gradients`](super::average_gradients) is not needed, and norms are those of
/// [`clip_grad_norm_sharded`](super::clip_grad_norm_sharded). Arrays that are not learned stay whole.
///
/// Wrap the layers of a model one by one rather than all in one, so that there is one layer's weights at a time. Load
/// checkpoints before; what is saved and loaded later is the share.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, distributed::{Backend, Group}, nn::{self, FullySharded, Linear}, ones};
/// let group = Group::init(Backend::Any)?;
/// let mut layer = FullySharded::new(Linear::new(4, 2), &group)?;
/// let x = ones(&[1, 4], Dtype::F32);
/// let loss = |layer: &FullySharded<Linear>| layer.with_whole(|whole| whole.forward(&x)?.sum(..));
/// let (_, gradients) = nn::value_and_grad(&mut layer, loss)?;
/// assert_eq!(gradients["module.weight"].shape()?, [2 / group.size(), 4]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "fully_shard")]
#[doc(alias = "FullyShardedModule")]
#[derive(Clone, Debug)]
pub struct FullySharded<M> {
    module: RefCell<M>,
    /// Of the arrays that are shared out, sorted.
    paths: Vec<String>,
    group: Group,
    compute_dtype: Option<Dtype>,
}

impl<M: Module> FullySharded<M> {
    /// Keeps this process's share of `module`, all of which every process has. What is shared out inside of it stays as
    /// it is.
    ///
    /// # Errors
    /// A learned array whose axis 0 the processes cannot share evenly, or a scalar.
    #[track_caller]
    pub fn new(mut module: M, group: &Group) -> Result<FullySharded<M>> {
        let mut wholes = vec![];
        module.visit(&mut Path::default(), &mut |path, slot| {
            if let Slot::Param(param) = slot
                && !param.is_sharded()
            {
                wholes.push((path.to_owned(), param.value().clone()));
            }
        });
        wholes.sort_by(|(a, _), (b, _)| a.cmp(b));
        let (mut paths, mut shares) = (vec![], vec![]);
        for (path, whole) in wholes {
            if whole.shape()?.first().is_none_or(|extent| extent % group.size() != 0) {
                let text = format!(
                    "axis 0 of `{path}` {:?} cannot be shared by {} processes",
                    whole.shape()?,
                    group.size()
                );
                return Err(Error::invalid("FullySharded", text));
            }
            shares.push(Shard::axis(0).take(&whole, group)?);
            paths.push(path);
        }
        put(&mut module, &paths, &shares);
        module.visit_mut(&mut Path::default(), &mut |_, slot| {
            if let SlotMut::Param(param) = slot {
                param.set_sharded();
            }
        });
        Ok(FullySharded { module: RefCell::new(module), paths, group: group.clone(), compute_dtype: None })
    }

    /// With the gathered arrays converted to `compute_dtype`, before they are sent.
    pub fn with_compute_dtype(self, compute_dtype: Dtype) -> FullySharded<M> {
        FullySharded { compute_dtype: Some(compute_dtype), ..self }
    }

    /// What `f` makes of the whole module, such as its `forward`. All processes must call it. Meanwhile this has no
    /// parameters to show.
    ///
    /// # Errors
    /// Those of `f`; a call inside of `f`, where the module is whole already.
    #[track_caller]
    pub fn with_whole<O>(&self, f: impl FnOnce(&M) -> Result<O>) -> Result<O> {
        let Ok(module) = self.module.try_borrow_mut() else {
            return Err(Error::invalid("with_whole", "the module is whole already: it is being used"));
        };
        let (paths, shares) = self.shares(&*module);
        let wholes = self.gather(&shares)?;
        let mut used = Used { module, paths, shares };
        put(&mut *used.module, &used.paths, &wholes);
        f(&used.module)
    }

    /// What is shared out and still learned, sorted by path.
    fn shares(&self, module: &M) -> (Vec<String>, Vec<Array>) {
        let mut held = BTreeMap::new();
        module.visit(&mut Path::default(), &mut |path, slot| {
            if let Slot::Param(param) = slot
                && self.paths.iter().any(|known| known == path)
            {
                held.insert(path.to_owned(), param.value().clone());
            }
        });
        held.into_iter().unzip()
    }

    /// The whole arrays of all processes' shares.
    #[track_caller]
    fn gather(&self, shares: &Vec<Array>) -> Result<Vec<Array>> {
        if shares.is_empty() {
            return Ok(vec![]);
        }
        let (group, group_back, dtype) = (self.group.clone(), self.group.clone(), self.compute_dtype);
        let gather = custom_vjp(
            move |shares: &Vec<Array>| {
                let cast = shares.iter().map(|share| dtype.map_or(Ok(share.clone()), |d| share.astype(d)));
                by_dtype(&cast.collect::<Result<Vec<_>>>()?, |message| gathered(message, &group))
            },
            move |shares: &Vec<Array>, gradients: &Vec<Array>, _| {
                let parts = by_dtype(gradients, |message| scattered(message, &group_back))?;
                parts.iter().zip(shares).map(|(part, share)| part.astype(share.dtype()?)).collect()
            },
        );
        at_caller(gather(shares))
    }
}

/// Arrays sent and received in one message for each dtype.
fn by_dtype(arrays: &[Array], send: impl Fn(&[&Array]) -> Result<Vec<Array>>) -> Result<Vec<Array>> {
    let mut received = vec![None; arrays.len()];
    let dtypes = arrays.iter().map(Array::dtype).collect::<Result<Vec<_>>>()?;
    for (first, dtype) in dtypes.iter().enumerate() {
        if dtypes.iter().position(|other| other == dtype) != Some(first) {
            continue;
        }
        let all = dtypes.iter().zip(arrays).zip(&mut received).filter(|((other, _), _)| *other == dtype);
        let (message, places): (Vec<&Array>, Vec<_>) = all.map(|((_, array), place)| (array, place)).unzip();
        for (place, array) in places.into_iter().zip(send(&message)?) {
            *place = Some(array);
        }
    }
    Ok(received.into_iter().flatten().collect())
}

/// The arrays joined along axis 0 with those of the other processes.
fn gathered(shares: &[&Array], group: &Group) -> Result<Vec<Array>> {
    let (message, ends) = packed(1, shares)?;
    let parts = group.all_gather(&message)?.split_at(&ends, 1)?;
    let whole = |(part, share): (Array, &&Array)| match share.shape()? {
        [first, rest @ ..] => part.reshape([&[first * group.size()], rest].concat()),
        [] => Ok(part),
    };
    parts.into_iter().zip(shares).map(whole).collect()
}

/// This process's share, along axis 0, of each array's mean over the processes.
fn scattered(wholes: &[&Array], group: &Group) -> Result<Vec<Array>> {
    let (message, ends) = packed(group.size(), wholes)?;
    let sum = match group.sum_scatter(&message) {
        Err(error) if error.kind() == ErrorKind::Backend => {
            // The backend does not have it: each process gets all and keeps its own.
            group.all_sum(&message)?.at(group.rank()..=group.rank())?
        }
        sum => sum?,
    };
    let parts = (sum / group.size()).split_at(&ends, 1)?;
    let share = |(part, whole): (Array, &&Array)| match whole.shape()? {
        [first, rest @ ..] => part.reshape([&[first / group.size()], rest].concat()),
        [] => Ok(part),
    };
    parts.into_iter().zip(wholes).map(share).collect()
}

/// The arrays as `rows` rows each, side by side, and where all but the last end.
fn packed(rows: i32, arrays: &[&Array]) -> Result<(Array, Vec<i32>)> {
    let (mut flat, mut ends, mut end) = (vec![], vec![], 0i32);
    for array in arrays {
        let columns = merged("FullySharded", array.shape()?)? / rows;
        end = end_after(end, columns)?;
        ends.push(end);
        flat.push(array.reshape([rows, columns])?);
    }
    ends.pop();
    Ok((concatenate(&flat.iter().collect::<Vec<_>>(), 1)?, ends))
}

fn end_after(end: i32, columns: i32) -> Result<i32> {
    let text = "there are too many numbers for one message; wrap the layers one by one";
    end.checked_add(columns).ok_or_else(|| Error::invalid("FullySharded", text))
}

/// A module that holds whole arrays; it gets its shares back when this goes, also after a panic.
struct Used<'a, M: Module> {
    module: RefMut<'a, M>,
    paths: Vec<String>,
    shares: Vec<Array>,
}

impl<M: Module> Drop for Used<'_, M> {
    fn drop(&mut self) {
        put(&mut *self.module, &self.paths, &self.shares);
    }
}

impl<M: Module> Module for FullySharded<M> {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
        if let Ok(module) = self.module.try_borrow() {
            path.enter("module", |path| module.visit(path, f));
        }
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
        path.enter("module", |path| self.module.get_mut().visit_mut(path, f));
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        self.module.get_mut().load(&weights.at("module"))
    }
}
