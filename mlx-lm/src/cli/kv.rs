//! How keys and values are kept, as arguments.

use clap::Args;
use mlx::nn::Quantization;
use mlx_lm::{Request, generate::KvOptions};

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Keys and values")]
pub(crate) struct KvArguments {
    /// Keep the first four tokens and the last ones, so many together, where the model keeps all
    #[arg(long, value_name = "TOKENS")]
    max_kv_size: Option<usize>,
    /// Quantize keys and values to 8 or 4 bits
    #[arg(long, value_name = "BITS")]
    kv_bits: Option<i32>,
    /// Numbers that share a scale
    #[arg(long, default_value_t = 64, requires = "kv_bits", value_name = "SIZE")]
    kv_group_size: i32,
    /// Quantize them once so many tokens have passed
    #[arg(long, default_value_t = 0, requires = "kv_bits", value_name = "TOKENS")]
    quantized_kv_start: usize,
}

impl KvArguments {
    pub(crate) fn options(&self) -> KvOptions {
        KvOptions {
            max_size: self.max_kv_size,
            quantization: self.kv_bits.map(|bits| Quantization::affine(self.kv_group_size, bits)),
            quantization_start: self.quantized_kv_start,
        }
    }

    pub(crate) fn apply<'m>(&self, request: Request<'m>) -> Request<'m> {
        request.kv(self.options())
    }
}
