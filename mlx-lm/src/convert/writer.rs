//! Weight files, written one layer at a time.

use crate::{Error, Result, source::Progress};
use mlx::{Array, Dtype, eval};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// More would not fit what other programs read at once.
const SHARD_BYTES: u64 = 5 << 30;

/// Bytes that are copied out of an array at once.
const CHUNK_BYTES: usize = 16 << 20;

/// A layer to write: its tensors' shapes and types, and how to come by their numbers.
pub(super) struct Job {
    outputs: Vec<(String, Array)>,
    make: Option<Make>,
}

type Make = Box<dyn FnOnce() -> Result<Vec<(String, Array)>>>;

impl Job {
    /// These tensors, not evaluated yet.
    pub(super) fn ready(outputs: Vec<(String, Array)>) -> Job {
        Job { outputs, make: None }
    }

    /// What `make` will give, which has the names, shapes and types of `like`.
    pub(super) fn later(
        like: Vec<(String, Array)>,
        make: impl FnOnce() -> Result<Vec<(String, Array)>> + 'static,
    ) -> Job {
        Job { outputs: like, make: Some(Box::new(make)) }
    }

    fn bytes(&self) -> Result<u64> {
        Ok(self.outputs.iter().map(|(_, array)| array.nbytes()).sum::<mlx::Result<usize>>()? as u64)
    }

    fn run(self) -> Result<Vec<(String, Array)>> {
        match self.make {
            None => Ok(self.outputs),
            Some(make) => {
                drop(self.outputs);
                make()
            }
        }
    }
}

/// Writes `model*.safetensors` and their index to `folder`; gives the bytes of all tensors. `progress` makes the bar for
/// that many bytes.
pub(super) fn write(
    folder: &Path,
    jobs: Vec<Job>,
    parameters: u64,
    progress: impl FnOnce(u64) -> Progress,
) -> Result<u64> {
    let shards = shards(jobs, SHARD_BYTES)?;
    let total = shards.iter().flatten().map(Job::bytes).sum::<Result<u64>>()?;
    crate::source::reserve(folder, total)?;
    let (progress, mut done) = (progress(total), 0);
    let count = shards.len();
    let mut weight_map = BTreeMap::new();
    for (i, jobs) in shards.into_iter().enumerate() {
        let name = match count {
            1 => "model.safetensors".to_owned(),
            _ => format!("model-{:05}-of-{count:05}.safetensors", i + 1),
        };
        let mut shard = Shard::create(folder.join(&name), &jobs)?;
        weight_map.extend(shard.places.keys().map(|tensor| (tensor.clone(), Value::from(name.as_str()))));
        for job in jobs {
            if let Some((first, _)) = job.outputs.first() {
                progress.label(first.clone());
            }
            let outputs = job.run()?;
            eval(outputs.iter().map(|(_, array)| array))?;
            for (tensor, array) in outputs {
                done += shard.write(&tensor, &array)?;
                progress.at(done);
            }
            // The pool would keep what the next layer cannot use.
            mlx::memory::clear_cache()?;
        }
        shard.finish()?;
    }
    let weight_map: Map<String, Value> = weight_map.into_iter().collect();
    let index = json!({
        "metadata": { "total_size": total, "total_parameters": parameters },
        "weight_map": weight_map,
    });
    super::config::write_json(&folder.join("model.safetensors.index.json"), &index)?;
    Ok(total)
}

/// The jobs in order, cut where a file would grow beyond `limit`.
fn shards(jobs: Vec<Job>, limit: u64) -> Result<Vec<Vec<Job>>> {
    let (mut shards, mut bytes) = (vec![vec![]], 0);
    for job in jobs {
        let size = job.bytes()?;
        if bytes > 0 && bytes + size > limit {
            shards.push(vec![]);
            bytes = 0;
        }
        bytes += size;
        if let Some(shard) = shards.last_mut() {
            shard.push(job);
        }
    }
    Ok(shards)
}

/// A safetensors file whose header stands before the first tensor is known.
struct Shard {
    path: PathBuf,
    file: File,
    /// Where each tensor begins in the file, and its bytes.
    places: BTreeMap<String, (u64, u64)>,
}

impl Shard {
    fn create(path: PathBuf, jobs: &[Job]) -> Result<Shard> {
        let (header, places) = header(jobs)?;
        let mut file = File::create(&path).map_err(|e| Error::io(&path, e))?;
        file.write_all(&header).map_err(|e| Error::io(&path, e))?;
        Ok(Shard { path, file, places })
    }

    /// Writes an evaluated array; gives its bytes.
    fn write(&mut self, name: &str, array: &Array) -> Result<u64> {
        let (start, length) = match self.places.remove(name) {
            Some((start, length)) if length == array.nbytes()? as u64 => (start, length),
            _ => return Err(Error::weights(&self.path, format!("`{name}` is not what was planned"))),
        };
        let put = |file: &mut File, bytes: &[u8]| file.write_all(bytes);
        self.file.seek(SeekFrom::Start(start)).map_err(|e| Error::io(&self.path, e))?;
        let flat = array.reshape([-1])?;
        let step = (CHUNK_BYTES / array.dtype()?.size()) as i32;
        let count = flat.dim(0)?;
        let mut from = 0;
        while from < count {
            let to = from.saturating_add(step).min(count);
            let bytes = flat.at(from..to)?.view(Dtype::U8)?.to_vec::<u8>()?;
            put(&mut self.file, &bytes).map_err(|e| Error::io(&self.path, e))?;
            from = to;
        }
        Ok(length)
    }

    fn finish(self) -> Result<()> {
        if let Some(name) = self.places.keys().next() {
            return Err(Error::weights(&self.path, format!("`{name}` was planned and not written")));
        }
        self.file.sync_all().map_err(|e| Error::io(&self.path, e))
    }
}

type Places = BTreeMap<String, (u64, u64)>;

/// The header's length and JSON, and where the tensors come to lie: those of wide elements first, so that each starts at a
/// multiple of its element's size.
fn header(jobs: &[Job]) -> Result<(Vec<u8>, Places)> {
    let mut tensors = vec![];
    for (name, array) in jobs.iter().flat_map(|job| &job.outputs) {
        tensors.push((std::cmp::Reverse(array.dtype()?.size()), name, array));
    }
    tensors.sort_by_key(|&(width, name, _)| (width, name));
    let mut entries = Map::new();
    entries.insert("__metadata__".into(), json!({ "format": "mlx" }));
    let (mut places, mut offset) = (Places::new(), 0);
    for (_, name, array) in tensors {
        let length = array.nbytes()? as u64;
        let entry = json!({
            "dtype": stored_as(array.dtype()?).ok_or_else(|| {
                Error::Invalid(format!("`{name}` has a type that safetensors files lack"))
            })?,
            "shape": array.shape()?,
            "data_offsets": [offset, offset + length],
        });
        entries.insert(name.clone(), entry);
        places.insert(name.clone(), (offset, length));
        offset += length;
    }
    let mut text = Value::Object(entries).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let header = [&(text.len() as u64).to_le_bytes()[..], &text].concat();
    places.values_mut().for_each(|(start, _)| *start += header.len() as u64);
    Ok((header, places))
}

fn stored_as(dtype: Dtype) -> Option<&'static str> {
    Some(match dtype {
        Dtype::Bool => "BOOL",
        Dtype::U8 => "U8",
        Dtype::U16 => "U16",
        Dtype::U32 => "U32",
        Dtype::U64 => "U64",
        Dtype::I8 => "I8",
        Dtype::I16 => "I16",
        Dtype::I32 => "I32",
        Dtype::I64 => "I64",
        Dtype::F16 => "F16",
        Dtype::Bf16 => "BF16",
        Dtype::F32 => "F32",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, array: Array) -> Job {
        Job::ready(vec![(name.to_owned(), array)])
    }

    #[test]
    fn files_are_cut_at_the_limit_and_a_larger_tensor_stays_whole() {
        let zeros = |count| mlx::zeros(&[count], Dtype::F32);
        let jobs = [3, 1, 1, 9, 2].map(|count| job("x", zeros(count))).into();
        let sizes: Vec<usize> = shards(jobs, 16).unwrap().iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 1, 1, 1]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let odd = Array::from_slice(&[1u8, 2, 3], &[3]);
        let wide = Array::from_slice(&[1.5f32, -2.0, 0.0, 7.0, 8.0, 9.0], &[2, 3]);
        let turned = wide.t().unwrap();
        let later = wide.clone();
        let jobs = vec![
            job("a.odd", odd),
            Job::later(vec![("b.wide".into(), mlx::zeros(&[2, 3], Dtype::F32))], move || {
                Ok(vec![("b.wide".into(), later)])
            }),
            job("c.turned", turned),
            job("d.scalar", Array::scalar(3.0f32)),
        ];
        let bytes = write(folder.path(), jobs, 16, |total| Progress::bytes(total, false)).unwrap();
        assert_eq!(bytes, 3 + 24 + 24 + 4);
        let tensors = mlx::io::load_safetensors(folder.path().join("model.safetensors")).unwrap();
        assert_eq!(tensors["a.odd"].to_vec::<u8>().unwrap(), [1, 2, 3]);
        assert_eq!(tensors["b.wide"].to_vec::<f32>().unwrap(), [1.5, -2.0, 0.0, 7.0, 8.0, 9.0]);
        assert_eq!(tensors["c.turned"].shape().unwrap(), [3, 2]);
        assert_eq!(tensors["c.turned"].to_vec::<f32>().unwrap(), [1.5, 7.0, -2.0, 8.0, 0.0, 9.0]);
        assert_eq!(tensors["d.scalar"].item::<f32>().unwrap(), 3.0);
    }

    #[test]
    fn a_layer_that_comes_out_otherwise_than_planned_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let like = vec![("x".to_owned(), mlx::zeros(&[2], Dtype::F32))];
        let jobs = vec![Job::later(like, || Ok(vec![("x".into(), mlx::zeros(&[3], Dtype::F32))]))];
        let error = write(folder.path(), jobs, 2, |total| Progress::bytes(total, false)).unwrap_err();
        assert!(error.to_string().contains("`x` is not what was planned"), "{error}");
    }
}
