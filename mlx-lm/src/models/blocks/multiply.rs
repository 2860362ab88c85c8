//! Multipliers of layers, which become part of their weights.

use mlx::{Array, Dtype, Error, ErrorKind, Loader, Result};

/// What multiplies the input of a layer, and what each feature of its output; no number for one.
#[derive(Clone, Debug)]
pub struct Multiplier {
    /// Of the input.
    pub input: f32,
    /// Of each feature of the output, or of all.
    pub output: Vec<f32>,
}

impl Multiplier {
    /// Of the input.
    pub fn input(factor: f32) -> Multiplier {
        Multiplier { input: factor, output: vec![1.0] }
    }

    /// Of the output.
    pub fn output(factor: f32) -> Multiplier {
        Multiplier { input: 1.0, output: vec![factor] }
    }

    fn is_one(&self) -> bool {
        self.input == 1.0 && self.output.iter().all(|factor| *factor == 1.0)
    }
}

/// Multiplies the layers whose path ends so; dense ones, and quantized ones in affine modes.
///
/// # Errors
/// A layer in a floating-point mode, whose scales cannot be multiplied.
pub fn multiply_layers(weights: &Loader, multipliers: &[(&str, Multiplier)]) -> Result<()> {
    weights.edit(|tensors| {
        for (path, array) in tensors.iter_mut() {
            let Some((layer, part)) = path.rsplit_once('.') else { continue };
            let of = |(end, _): &&(&str, Multiplier)| {
                layer.strip_suffix(end).is_some_and(|start| start.is_empty() || start.ends_with('.'))
            };
            let Some((_, multiplier)) = multipliers.iter().find(of).filter(|(_, m)| !m.is_one()) else {
                continue;
            };
            let dtype = array.dtype()?;
            if part == "scales" && dtype == Dtype::U8 {
                let message = format!(
                    "the scales of `{layer}` cannot be multiplied; convert the model as it was published"
                );
                return Err(Error::new(ErrorKind::InvalidArgument, "multiply_layers", message));
            }
            if !dtype.is_float() {
                continue;
            }
            // A bias is added to what the input makes.
            let input = if part == "bias" { 1.0 } else { multiplier.input };
            let factors: Vec<f32> = multiplier.output.iter().map(|factor| factor * input).collect();
            let factors = Array::from_slice(&factors, &[factors.len() as i32]);
            let factors = if array.ndim()? > 1 { factors.expand_dims(-1)? } else { factors };
            *array = array.astype(Dtype::F32)?.multiply(factors)?.astype(dtype)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_and_biases_are_multiplied() -> Result<()> {
        let two = |dtype| Array::from_slice(&[1f32, 2.0], &[2]).astype(dtype);
        let matrix = || Array::from_slice(&[1f32, 2.0, 3.0, 4.0], &[2, 2]);
        let tensors = [
            ("layers.0.up.weight", matrix()),
            ("layers.0.up.bias", two(Dtype::F32)?),
            ("layers.0.up.scales", two(Dtype::Bf16)?),
            ("layers.0.sup.weight", matrix()),
            ("up.weight", two(Dtype::U32)?),
        ];
        let weights = Loader::new(tensors.map(|(name, array)| (name.to_owned(), array)));
        multiply_layers(&weights, &[("up", Multiplier { input: 2.0, output: vec![3.0, 5.0] })])?;
        let numbers = |path: &str| {
            let found = weights.at(path).peek().map(|array| array.astype(Dtype::F32)?.to_vec::<f32>());
            found.transpose().map(Option::unwrap_or_default)
        };
        assert_eq!(numbers("layers.0.up.weight")?, [6.0, 12.0, 30.0, 40.0]);
        assert_eq!(numbers("layers.0.up.bias")?, [3.0, 10.0]);
        assert_eq!(numbers("layers.0.up.scales")?, [6.0, 20.0]);
        assert_eq!(numbers("layers.0.sup.weight")?, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(numbers("up.weight")?, [1.0, 2.0]);

        let packed = [("up.scales".to_owned(), two(Dtype::U8)?)];
        let error = multiply_layers(&Loader::new(packed), &[("up", Multiplier::output(2.0))]).unwrap_err();
        assert!(error.to_string().contains("`up`"), "{error}");
        Ok(())
    }
}
