//! NVIDIA's model optimizer: 4-bit floats with a scale for each 16 columns and one of the whole, and 8-bit floats.

use super::{Import, compressed::put_nvfp4, fp8};
use crate::Result;

pub(super) fn import(import: &mut Import<'_>) -> Result<()> {
    if let Some(layer) = import.layers_with("pre_quant_scale").first() {
        let message =
            "its inputs are scaled (`pre_quant_scale`, AWQ by the model optimizer), which is not supported";
        return Err(import.error(layer, message.into()));
    }
    for layer in import.layers_with("weight_scale_2") {
        let global = import.need(&layer, "weight_scale_2")?;
        let (weight, scales) = (import.need(&layer, "weight")?, import.need(&layer, "weight_scale")?);
        put_nvfp4(import, &layer, weight, scales, &global)?;
    }
    for layer in import.layers_with("weight_scale") {
        // The scales of blocks are stored `[rows, 1, columns, 1]`.
        let name = format!("{layer}.weight_scale");
        if let Some(scales) = import.tensors.get_mut(&name)
            && let &[rows, 1, columns, 1] = scales.shape()?
        {
            *scales = scales.reshape([rows, columns])?;
        }
    }
    fp8::import(import, None, false)
}
