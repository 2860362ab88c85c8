//! The JSON of a safetensors header: what it says of each tensor, not yet checked.

use crate::Dtype;
use serde_core::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::{collections::BTreeMap, fmt};

/// The entry of a header that is no tensor.
pub(super) const METADATA: &str = "__metadata__";

/// The format's names of what MLX reads; it has no 8-bit floats and takes them as bytes. The format's `F64` is not
/// here, nor are narrower floats: MLX reads none.
pub(super) const DTYPES: [(&str, Dtype); 15] = [
    ("BOOL", Dtype::Bool),
    ("U8", Dtype::U8),
    ("U16", Dtype::U16),
    ("U32", Dtype::U32),
    ("U64", Dtype::U64),
    ("I8", Dtype::I8),
    ("I16", Dtype::I16),
    ("I32", Dtype::I32),
    ("I64", Dtype::I64),
    ("F16", Dtype::F16),
    ("F32", Dtype::F32),
    ("BF16", Dtype::Bf16),
    ("C64", Dtype::C64),
    ("F8_E4M3", Dtype::U8),
    ("F8_E8M0", Dtype::U8),
];

/// What a header says of one tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// The format's name of the dtype: `F32`, `BF16`, `F8_E4M3`.
    pub stored_as: &'static str,
    /// The dtype of the loaded array: [`Dtype::U8`] for the 8-bit floats `F8_E4M3` and `F8_E8M0`, which MLX lacks.
    pub dtype: Dtype,
    /// The extents of all axes.
    pub shape: Vec<usize>,
    /// Where its bytes begin and where they end.
    pub data_offsets: (usize, usize),
}

/// A header in file order, so that a name given twice is still seen.
pub(super) struct Entries {
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) tensors: Vec<(String, TensorInfo)>,
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        // MLX writes `null` where there is no metadata.
        let mut metadata: Option<Option<_>> = None;
        let mut tensors = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let located = |e: A::Error| A::Error::custom(format_args!("`{name}`: {e}"));
            if name == METADATA {
                fill(&mut metadata, METADATA, &mut map).map_err(located)?;
            } else {
                let info = map.next_value().map_err(located)?;
                tensors.push((name, info));
            }
        }
        Ok(Entries { metadata: metadata.flatten().unwrap_or_default(), tensors })
    }
}

impl<'de> Deserialize<'de> for TensorInfo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TensorVisitor)
    }
}

struct TensorVisitor;

impl<'de> Visitor<'de> for TensorVisitor {
    type Value = TensorInfo;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `dtype`, `shape` and `data_offsets`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TensorInfo, A::Error> {
        let (mut dtype, mut shape, mut data_offsets) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "dtype" => fill(&mut dtype, "dtype", &mut map)?,
                "shape" => fill(&mut shape, "shape", &mut map)?,
                "data_offsets" => fill(&mut data_offsets, "data_offsets", &mut map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let dtype: String = dtype.ok_or_else(|| A::Error::missing_field("dtype"))?;
        let known = DTYPES.into_iter().find(|(name, _)| *name == dtype);
        let (stored_as, dtype) =
            known.ok_or_else(|| A::Error::custom(format_args!("MLX has no dtype {dtype}")))?;
        let shape = shape.ok_or_else(|| A::Error::missing_field("shape"))?;
        let data_offsets = data_offsets.ok_or_else(|| A::Error::missing_field("data_offsets"))?;
        Ok(TensorInfo { stored_as, dtype, shape, data_offsets })
    }
}

/// Reads the value of `key` into `slot`. Readers disagree on which of two values counts, so a second is an error.
fn fill<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    key: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    match slot.replace(map.next_value()?) {
        Some(_) => Err(A::Error::custom(format_args!("`{key}` is given twice"))),
        None => Ok(()),
    }
}
