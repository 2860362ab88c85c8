//! Linear layers that read the same input.

use super::{Linear, Quantized, weight::Weight};
use crate::{Array, Device, Loader, Module, Path, Result, Slot, SlotMut, concatenate, cpu, index::Rest};

/// `N` linear layers of the same input, `[x W₁ᵀ + b₁, x W₂ᵀ + b₂, …]`: queries, keys and values of attention; gate and
/// up projection of a feed-forward layer.
///
/// In checkpoints they stay layers with names of their own. [`Module::load`] packs their matrices into one where a GPU
/// computes and their dtypes and quantizations agree: what such a product costs is mostly its launch. The layers' own
/// arrays become parts of that matrix, so memory holds all once. Changing one of them takes the layers apart again.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Module, nn::PackedLinear, zeros, Dtype};
/// let qkv = PackedLinear::new(8, [("q_proj", 16), ("k_proj", 4), ("v_proj", 4)]);
/// assert_eq!(qkv.parameters().into_keys().collect::<Vec<_>>(), ["k_proj.weight", "q_proj.weight", "v_proj.weight"]);
/// let [q, k, v] = qkv.forward(&zeros(&[1, 8], Dtype::F32))?;
/// assert_eq!((q.shape()?, k.shape()?, v.shape()?), (&[1, 16][..], &[1, 4][..], &[1, 4][..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PackedLinear<const N: usize> {
    names: [&'static str; N],
    outputs: [i32; N],
    parts: [Linear; N],
    packed: Option<Linear>,
}

impl<const N: usize> PackedLinear<N> {
    /// Layers from `inputs` features, each with its name and its number of outputs, without biases.
    #[track_caller]
    pub fn new(inputs: i32, layers: [(&'static str, i32); N]) -> PackedLinear<N> {
        let outputs = layers.map(|(_, outputs)| outputs);
        let parts = outputs.map(|outputs| Linear::new(inputs, outputs));
        PackedLinear { names: layers.map(|(name, _)| name), outputs, parts, packed: None }
    }

    /// With biases, or without.
    #[track_caller]
    pub fn with_bias(self, bias: bool) -> PackedLinear<N> {
        PackedLinear { parts: self.parts.map(|part| part.with_bias(bias)), packed: None, ..self }
    }

    /// `x` `[..., inputs]` to `[..., outputs]` of each layer.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<[Array; N]> {
        let mut all = Vec::with_capacity(N);
        match &self.packed {
            Some(packed) => {
                let (y, mut start) = (packed.forward(x)?, 0);
                for outputs in self.outputs {
                    all.push(y.at((Rest, start..start + outputs))?);
                    start += outputs;
                }
            }
            None => {
                if let Some(all) = self.together(x)? {
                    return Ok(all);
                }
                for part in &self.parts {
                    all.push(part.forward(x)?);
                }
            }
        }
        Ok(std::array::from_fn(|i| all[i].clone()))
    }

    /// The outputs of quantized layers as one operation, where there is one.
    #[track_caller]
    fn together(&self, x: &Array) -> Result<Option<[Array; N]>> {
        let quantized = self.parts.iter().filter_map(|part| match &part.weight {
            Weight::Quantized(matrix) => Some(matrix),
            Weight::Dense(_) => None,
        });
        let Ok(matrices) = <[&Quantized; N]>::try_from(quantized.collect::<Vec<_>>()) else {
            return Ok(None);
        };
        let Some(mut all) = cpu::products(x, matrices)? else { return Ok(None) };
        for (y, part) in all.iter_mut().zip(&self.parts) {
            if let Some(bias) = part.bias.as_deref() {
                *y = y.add(bias)?;
            }
        }
        Ok(Some(all))
    }

    /// One layer of all, if they can be; the layers become parts of it.
    #[track_caller]
    fn pack(&mut self) -> Result<()> {
        let weights = self.parts.each_ref().map(|part| &part.weight);
        let Some(weight) = packed_weight(&weights)? else { return Ok(()) };
        let biases: Vec<&Array> = self.parts.iter().filter_map(|part| part.bias.as_deref()).collect();
        let mut packed = Linear::new(1, 1);
        packed.bias = match biases.len() {
            0 => None,
            count if count == N => Some(concatenate(&biases, 0)?.into()),
            _ => return Ok(()),
        };
        let mut start = 0;
        for (part, outputs) in self.parts.iter_mut().zip(self.outputs) {
            let rows = |all: &Array| all.at(start..start + outputs);
            part.weight = match &weight {
                Weight::Dense(all) => Weight::Dense(rows(all)?.into()),
                Weight::Quantized(all) => Weight::Quantized(Quantized {
                    weight: rows(&all.weight)?,
                    scales: rows(&all.scales)?,
                    biases: all.biases.as_ref().map(rows).transpose()?,
                    quantization: all.quantization,
                }),
            };
            if let (Some(bias), Some(all)) = (&mut part.bias, &packed.bias) {
                *bias.value_mut() = rows(all)?;
            }
            start += outputs;
        }
        packed.weight = weight;
        self.packed = Some(packed);
        Ok(())
    }
}

/// The matrices one below the other, if they are stored alike.
#[track_caller]
fn packed_weight(weights: &[&Weight]) -> Result<Option<Weight>> {
    let dense = weights.iter().map(|weight| match weight {
        Weight::Dense(weight) => Some(weight.value()),
        Weight::Quantized(_) => None,
    });
    if let Some(dense) = dense.collect::<Option<Vec<&Array>>>() {
        return Ok(stacked(&dense)?.map(|all| Weight::Dense(all.into())));
    }
    let quantized = weights.iter().map(|weight| match weight {
        Weight::Quantized(weight) => Some(weight),
        Weight::Dense(_) => None,
    });
    let Some(quantized) = quantized.collect::<Option<Vec<&Quantized>>>() else { return Ok(None) };
    let Some(quantization) = quantized.first().map(|first| first.quantization) else { return Ok(None) };
    let biases = quantized.iter().filter_map(|part| part.biases.as_ref()).collect::<Vec<_>>();
    if quantized.iter().any(|part| part.quantization != quantization)
        || ![0, quantized.len()].contains(&biases.len())
    {
        return Ok(None);
    }
    let all = |part: fn(&Quantized) -> &Array| {
        stacked(&quantized.iter().map(|quantized| part(quantized)).collect::<Vec<_>>())
    };
    let (weight, scales) = (all(|part| &part.weight)?, all(|part| &part.scales)?);
    let biases = if biases.is_empty() { Some(None) } else { stacked(&biases)?.map(Some) };
    Ok(match (weight, scales, biases) {
        (Some(weight), Some(scales), Some(biases)) => {
            Some(Weight::Quantized(Quantized { weight, scales, biases, quantization }))
        }
        _ => None,
    })
}

/// `arrays` along their first axis, if their dtypes are the same.
#[track_caller]
fn stacked(arrays: &[&Array]) -> Result<Option<Array>> {
    let dtypes = arrays.iter().map(|array| array.dtype()).collect::<Result<Vec<_>>>()?;
    let same = dtypes.windows(2).all(|pair| pair[0] == pair[1]);
    if same { concatenate(arrays, 0).map(Some) } else { Ok(None) }
}

impl<const N: usize> Module for PackedLinear<N> {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
        for (name, part) in self.names.iter().zip(&self.parts) {
            path.enter(name, |path| part.visit(path, f));
        }
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
        self.packed = None;
        for (name, part) in self.names.iter().zip(&mut self.parts) {
            path.enter(name, |path| part.visit_mut(path, f));
        }
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        self.packed = None;
        for (name, part) in self.names.iter().zip(&mut self.parts) {
            part.load(&weights.at(name))?;
        }
        if Device::default_device()? == Device::Gpu { self.pack() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dtype, nn::Quantization, random};

    fn layers(quantization: Option<Quantization>, bias: bool) -> Result<PackedLinear<3>> {
        let mut layers = PackedLinear::new(64, [("a", 32), ("b", 8), ("c", 40)]).with_bias(bias);
        for (i, part) in layers.parts.iter_mut().enumerate() {
            *part = part.clone().init(&random::key(i as u64)?)?;
            if let Some(quantization) = quantization {
                let Weight::Dense(weight) = &part.weight else { unreachable!() };
                part.weight = Weight::Quantized(crate::nn::quantize(weight, quantization)?);
            }
        }
        Ok(layers)
    }

    #[test]
    fn packed_layers_give_what_each_gives() -> Result<()> {
        let x = random::normal(&[2, 3, 64], Dtype::F32, &random::key(9)?)?;
        for quantization in [None, Some(Quantization::affine(32, 4))] {
            for bias in [false, true] {
                let apart = layers(quantization, bias)?;
                let mut packed = apart.clone();
                packed.pack()?;
                assert!(packed.packed.is_some());
                for (a, b) in apart.forward(&x)?.iter().zip(packed.forward(&x)?) {
                    assert_eq!(a.shape()?, b.shape()?);
                    assert!((a - b).abs()?.max(..)?.item::<f32>()? < 1e-5);
                }
                for (path, array) in apart.parameters() {
                    assert!(packed.parameters()[&path].array_equal(&array)?.item::<bool>()?, "{path}");
                }
                packed.visit_mut(&mut Path::default(), &mut |_, _| ());
                assert!(packed.packed.is_none(), "a change must show in the product");
            }
        }
        Ok(())
    }

    #[test]
    fn what_is_stored_differently_stays_apart() -> Result<()> {
        let mut layers = layers(None, false)?;
        layers.parts[1] = self::layers(Some(Quantization::affine(32, 8)), false)?.parts[1].clone();
        layers.pack()?;
        assert!(layers.packed.is_none());
        Ok(())
    }
}
