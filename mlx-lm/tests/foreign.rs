//! Quantized checkpoints of other programs, against what their formats say in double precision.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{Array, Dtype, nn::Mode};
use mlx_lm::{ConvertOptions, Error, ModelConfig, WeightChange, convert, source::Location, weights::open};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::PathBuf};

const HIDDEN: usize = 128;
const INNER: usize = 256;
/// Layers, rows and columns.
const LAYERS: [(&str, usize, usize); 7] = [
    ("self_attn.q_proj", HIDDEN, HIDDEN),
    ("self_attn.k_proj", 64, HIDDEN),
    ("self_attn.v_proj", 64, HIDDEN),
    ("self_attn.o_proj", HIDDEN, HIDDEN),
    ("mlp.gate_proj", INNER, HIDDEN),
    ("mlp.up_proj", INNER, HIDDEN),
    ("mlp.down_proj", HIDDEN, INNER),
];

/// The parts of a layer as the other program stores them, and the numbers they stand for, row by row.
type Encoded = (Vec<(&'static str, Array)>, Vec<f64>);

/// What MLX shall make of a layer; dense if `None`.
type Stored = Option<(i32, i32, Mode)>;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u32) -> u32 {
        (self.next() % u64::from(bound)) as u32
    }

    fn many(&mut self, count: usize, bound: u32) -> Vec<u32> {
        (0..count).map(|_| self.below(bound)).collect()
    }

    /// Scales that half precision holds exactly.
    fn scales(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| f64::from(1 + self.below(255)) / 4096.0).collect()
    }
}

fn ints(values: &[u32], shape: &[usize]) -> Array {
    Array::from_slice(values, &dims(shape)).view(Dtype::I32).unwrap()
}

fn bytes(values: impl IntoIterator<Item = u32>, shape: &[usize]) -> Array {
    Array::from_slice(&values.into_iter().map(|value| value as u8).collect::<Vec<_>>(), &dims(shape))
}

fn floats(values: &[f64], shape: &[usize], dtype: Dtype) -> Array {
    let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
    Array::from_slice(&values, &dims(shape)).astype(dtype).unwrap()
}

fn dims(shape: &[usize]) -> Vec<i32> {
    shape.iter().map(|dim| *dim as i32).collect()
}

/// The bits of the values one after the other, the lowest first, in words.
fn bit_stream(values: impl IntoIterator<Item = u32>, bits: usize) -> Vec<u32> {
    let mut words: Vec<u32> = vec![];
    for (i, value) in values.into_iter().enumerate() {
        for bit in 0..bits {
            let at = i * bits + bit;
            words.resize(words.len().max(at / 32 + 1), 0);
            words[at / 32] |= (value >> bit & 1) << (at % 32);
        }
    }
    words
}

fn transposed<T: Copy>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
    (0..columns).flat_map(|c| (0..rows).map(move |r| values[r * columns + c])).collect()
}

/// A row-major matrix packed along its rows.
fn packed(values: &[u32], columns: usize, bits: usize) -> Vec<u32> {
    values.chunks(columns).flat_map(|row| bit_stream(row.iter().copied(), bits)).collect()
}

fn numbers(rows: usize, columns: usize, at: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    (0..rows * columns).map(|i| at(i / columns, i % columns)).collect()
}

/// Converts a small Llama whose layers are encoded so, and compares what is stored, and the numbers it stands for.
fn check(
    name: &str,
    block: &Value,
    stored: Stored,
    tolerance: f64,
    encode: impl Fn(usize, usize, &mut Random) -> Encoded,
) {
    let mut random = Random(name.len() as u64);
    let config = json!({
        "model_type": "llama", "hidden_size": HIDDEN, "num_hidden_layers": 1, "intermediate_size": INNER,
        "num_attention_heads": 2, "num_key_value_heads": 1, "rms_norm_eps": 1e-5, "vocab_size": 32,
        "max_position_embeddings": 64, "rope_theta": 10000.0, "tie_word_embeddings": true,
    });
    let mut tensors: BTreeMap<String, Array> = BTreeMap::new();
    let mut reference: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (layer, rows, columns) in LAYERS {
        let (parts, numbers) = encode(rows, columns, &mut random);
        let path = format!("model.layers.0.{layer}");
        tensors.extend(parts.into_iter().map(|(part, array)| (format!("{path}.{part}"), array)));
        reference.insert(path, numbers);
    }
    let ones = |count| mlx::ones(&[count], Dtype::Bf16);
    for norm in ["model.norm", "model.layers.0.input_layernorm", "model.layers.0.post_attention_layernorm"] {
        tensors.insert(format!("{norm}.weight"), ones(HIDDEN as i32));
    }
    tensors.insert("model.embed_tokens.weight".into(), mlx::ones(&[32, HIDDEN as i32], Dtype::Bf16));

    let source = Source::new(config, block, &tensors);
    let (notes, kept) = source.convert(None, WeightChange::Keep).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(notes.is_empty(), stored.is_some(), "{name}: {notes:?}");
    let config = ModelConfig::load(&kept).unwrap();
    for path in reference.keys() {
        let found = config.quantization.of(path).map(|q| (q.bits, q.group_size, q.mode));
        assert_eq!(found, stored, "{name}: {path}");
    }
    source.expect(name, &reference, tolerance);
}

/// A checkpoint of another program.
struct Source(tempfile::TempDir);

impl Source {
    /// `block` is part of `config.json`, or a file of its own if it names who wrote it.
    fn new(mut config: Value, block: &Value, tensors: &BTreeMap<String, Array>) -> Source {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source");
        fs::create_dir(&path).unwrap();
        match block.get("producer") {
            Some(_) => fs::write(path.join("hf_quant_config.json"), block.to_string()).unwrap(),
            None => config["quantization_config"] = block.clone(),
        }
        fs::write(path.join("config.json"), config.to_string()).unwrap();
        let arrays = tensors.iter().map(|(name, array)| (name.as_str(), array));
        mlx::io::save_safetensors(path.join("model.safetensors"), arrays, &[]).unwrap();
        Source(folder)
    }

    /// What the conversion noted, and where it wrote.
    fn convert(&self, dtype: Option<Dtype>, weights: WeightChange) -> Result<(Vec<String>, PathBuf), Error> {
        let output = self.0.path().join(format!("{weights:?}"));
        let options = ConvertOptions { dtype, weights, progress: false };
        let done = convert(&Location::Folder(self.0.path().join("source")), &output, options)?;
        Ok((done.notes, output))
    }

    /// Compares the numbers of layers.
    fn expect(&self, name: &str, reference: &BTreeMap<String, Vec<f64>>, tolerance: f64) {
        let dense = self.convert(Some(Dtype::F32), WeightChange::Dequantize).unwrap().1;
        let tensors = open(&dense).unwrap().tensors().unwrap();
        for (path, expected) in reference {
            let found = tensors[&format!("{path}.weight")].to_vec::<f32>().unwrap();
            assert_eq!(found.len(), expected.len(), "{name}: {path}");
            let largest = expected.iter().fold(0f64, |largest, value| largest.max(value.abs()));
            for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
                let difference = (f64::from(*found) - expected).abs();
                assert!(
                    difference <= tolerance * largest,
                    "{name}: {path}, number {i}: {found}, expected {expected}"
                );
            }
        }
    }
}

/// Of a product with a zero that half precision rounds.
const ROUNDED: f64 = 1e-3;
const EXACT: f64 = 1e-7;
const BFLOAT16: f64 = 4e-3;

#[test]
fn awq() {
    const ORDER: [usize; 8] = [0, 2, 4, 6, 1, 3, 5, 7];
    let words = |values: &[u32]| -> Vec<u32> {
        let word = |eight: &[u32]| (0..8).fold(0, |word, i| word | eight[ORDER[i]] << (4 * i));
        values.chunks(8).map(word).collect()
    };
    let block =
        json!({"quant_method": "awq", "bits": 4, "group_size": 64, "version": "gemm", "zero_point": true});
    check("awq", &block, Some((4, 64, Mode::Affine)), ROUNDED, |rows, columns, random| {
        let groups = columns / 64;
        let (q, z) = (random.many(columns * rows, 16), random.many(groups * rows, 16));
        let s = random.scales(groups * rows);
        let numbers = numbers(rows, columns, |r, c| {
            let group = c / 64 * rows + r;
            (f64::from(q[c * rows + r]) - f64::from(z[group])) * s[group]
        });
        let parts = vec![
            ("qweight", ints(&words(&q), &[columns, rows / 8])),
            ("qzeros", ints(&words(&z), &[groups, rows / 8])),
            ("scales", floats(&s, &[groups, rows], Dtype::F16)),
        ];
        (parts, numbers)
    });
}

/// AutoAWQ's layout for products with vectors: scales and zeros have room for more groups than there are.
#[test]
fn awq_by_rows() {
    for (size, width) in [(128, 1), (64, 2), (32, 4)] {
        let block = json!({"quant_method": "awq", "bits": 4, "group_size": size, "version": "gemv"});
        let stored = Some((4, size as i32, Mode::Affine));
        check(&format!("gemv, {size}"), &block, stored, ROUNDED, |rows, columns, random| {
            let groups = columns / size;
            let width = groups.div_ceil(8).div_ceil(width) * width;
            let (q, z) = (random.many(rows * columns, 16), random.many(rows * groups, 16));
            let s = random.scales(rows * groups);
            let numbers = numbers(rows, columns, |r, c| {
                let group = r * groups + c / size;
                (f64::from(q[r * columns + c]) - f64::from(z[group])) * s[group]
            });
            let zeros: Vec<u32> =
                z.chunks(groups).flat_map(|row| padded(bit_stream(row.to_vec(), 4), width)).collect();
            let scales: Vec<f64> = s.chunks(groups).flat_map(|row| padded(row.to_vec(), 8 * width)).collect();
            let parts = vec![
                ("qweight", ints(&packed(&q, columns, 4), &[rows, columns / 8])),
                ("qzeros", ints(&zeros, &[rows, width])),
                ("scales", floats(&scales, &[rows, 8 * width], Dtype::F16)),
            ];
            (parts, numbers)
        });
    }
}

fn padded<T: Clone + Default>(mut row: Vec<T>, width: usize) -> Vec<T> {
    row.resize(width, T::default());
    row
}

/// A GPTQ layer, with groups of this many columns in order, or not.
fn gptq_layer(
    bits: usize,
    size: usize,
    exact: bool,
    shuffled: bool,
) -> impl Fn(usize, usize, &mut Random) -> Encoded {
    move |rows, columns, random| {
        let size = size.min(columns);
        let groups = columns / size;
        let range = 1 << bits;
        let (q, z) = (random.many(rows * columns, range), random.many(groups * rows, range));
        let s = random.scales(groups * rows);
        let mut order: Vec<u32> = (0..columns).map(|c| (c / size) as u32).collect();
        if shuffled {
            (1..columns).rev().for_each(|i| order.swap(i, random.below(i as u32 + 1) as usize));
        }
        let numbers = numbers(rows, columns, |r, c| {
            let group = order[c] as usize * rows + r;
            (f64::from(q[r * columns + c]) - f64::from(z[group])) * s[group]
        });
        let words = packed(&q, columns, bits);
        let per_row = columns * bits / 32;
        let stored: Vec<u32> =
            z.iter().map(|z| if exact { *z } else { z.wrapping_sub(1) & (range - 1) }).collect();
        let parts = vec![
            ("qweight", ints(&transposed(&words, rows, per_row), &[per_row, rows])),
            ("qzeros", ints(&packed(&stored, rows, bits), &[groups, rows * bits / 32])),
            ("scales", floats(&s, &[groups, rows], Dtype::F16)),
            ("g_idx", ints(&order, &[columns])),
        ];
        (parts, numbers)
    }
}

#[test]
fn gptq() {
    for bits in [2, 3, 4, 8] {
        for (size, stored) in [(32, 32), (64, 64), (1 << 20, 128)] {
            let block = json!({"quant_method": "gptq", "bits": bits, "group_size": size, "desc_act": false});
            let expected = Some((bits as i32, stored, Mode::Affine));
            check(
                &format!("gptq, {bits} bits, {size}"),
                &block,
                expected,
                ROUNDED,
                gptq_layer(bits, size, false, false),
            );
        }
    }
    let block = json!({"quant_method": "gptq", "bits": 4, "checkpoint_format": "gptq_v2"});
    check("gptq_v2", &block, Some((4, 128, Mode::Affine)), ROUNDED, gptq_layer(4, 128, true, false));
    for bits in [3, 4] {
        let block = json!({"quant_method": "gptq", "bits": bits, "desc_act": true});
        check("gptq out of order", &block, None, ROUNDED, gptq_layer(bits, 32, false, true));
    }
}

/// An 8-bit float: 4 bits of exponent, 3 of mantissa.
fn e4m3(byte: u32) -> f64 {
    let (exponent, mantissa) = ((byte >> 3 & 15) as i32, f64::from(byte & 7));
    let sign = if byte & 128 == 0 { 1.0 } else { -1.0 };
    match exponent {
        0 => sign * mantissa / 8.0 * 2f64.powi(-6),
        _ => sign * (1.0 + mantissa / 8.0) * 2f64.powi(exponent - 7),
    }
}

/// A 4-bit float: 2 bits of exponent, 1 of mantissa.
fn e2m1(nibble: u32) -> f64 {
    const NUMBERS: [f64; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];
    NUMBERS[(nibble & 7) as usize] * if nibble & 8 == 0 { 1.0 } else { -1.0 }
}

impl Random {
    /// Bytes that are 8-bit floats other than NaN.
    fn fp8(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| self.below(2) << 7 | self.below(127)).collect()
    }
}

/// Which scale of how many across and along a number has.
fn fp8_layer(
    block: [usize; 2],
    part: &'static str,
    scale: impl Fn(&mut Random, usize) -> (Vec<f64>, Vec<u32>),
    stored: impl Fn(&[f64], &[u32], &[usize]) -> Array,
) -> impl Fn(usize, usize, &mut Random) -> Encoded {
    move |rows, columns, random| {
        let [height, width] = [block[0].min(rows), block[1].min(columns)];
        let shape = [rows.div_ceil(height), columns.div_ceil(width)];
        let w = random.fp8(rows * columns);
        let (s, codes) = scale(random, shape[0] * shape[1]);
        let numbers =
            numbers(rows, columns, |r, c| e4m3(w[r * columns + c]) * s[r / height * shape[1] + c / width]);
        let parts = vec![
            ("weight", bytes(w, &[rows, columns])),
            (part, stored(&s, &codes, &shape)),
            ("input_scale", floats(&[1.0], &[1], Dtype::F32)),
        ];
        (parts, numbers)
    }
}

fn any_scales(random: &mut Random, count: usize) -> (Vec<f64>, Vec<u32>) {
    (random.scales(count), vec![])
}

fn powers_of_two(random: &mut Random, count: usize) -> (Vec<f64>, Vec<u32>) {
    let codes: Vec<u32> = (0..count).map(|_| 115 + random.below(20)).collect();
    (codes.iter().map(|code| 2f64.powi(*code as i32 - 127)).collect(), codes)
}

#[test]
fn fp8() {
    let single = |s: &[f64], _: &[u32], shape: &[usize]| floats(s, shape, Dtype::F32);
    let scalar = |s: &[f64], _: &[u32], _: &[usize]| floats(s, &[], Dtype::F32);
    let exponents = |_: &[f64], codes: &[u32], shape: &[usize]| bytes(codes.iter().copied(), shape);
    let mxfp8 = Some((8, 32, Mode::Mxfp8));
    let whole = 1 << 20;
    let block = json!({"quant_method": "fp8", "weight_block_size": [128, 128]});
    check("blocks", &block, None, BFLOAT16, fp8_layer([128, 128], "weight_scale_inv", any_scales, single));
    let block = json!({"quant_method": "fp8", "weight_block_size": null, "activation_scheme": "static"});
    check("whole", &block, None, BFLOAT16, fp8_layer([whole, whole], "weight_scale_inv", any_scales, scalar));
    check("rows", &block, None, BFLOAT16, fp8_layer([1, whole], "weight_scale", any_scales, single));
    let block = json!({"quant_method": "fp8", "weight_block_size": [128, 128], "scale_fmt": "ue8m0"});
    let layer = fp8_layer([128, 128], "weight_scale_inv", powers_of_two, single);
    check("powers of two in single precision", &block, mxfp8, EXACT, layer);
    let block = json!({"quant_method": "fp8", "weight_block_size": [32, 32], "scale_fmt": "ue8m0"});
    let layer = fp8_layer([32, 32], "weight_scale_inv", powers_of_two, exponents);
    check("powers of two", &block, mxfp8, EXACT, layer);
    let block = json!({"quant_method": "compressed-tensors", "format": "float-quantized"});
    check("compressed", &block, None, BFLOAT16, fp8_layer([1, whole], "weight_scale", any_scales, single));
}

/// Integers of `bits` bits with zeros, or without.
fn packed_layer(bits: usize, size: usize, zeros: bool) -> impl Fn(usize, usize, &mut Random) -> Encoded {
    move |rows, columns, random| {
        let size = size.min(columns);
        let groups = columns / size;
        let q = random.many(rows * columns, 1 << bits);
        let half = 1 << (bits - 1);
        let z = if zeros { random.many(rows * groups, 1 << bits) } else { vec![half; rows * groups] };
        let s = random.scales(rows * groups);
        let numbers = numbers(rows, columns, |r, c| {
            let group = r * groups + c / size;
            (f64::from(q[r * columns + c]) - f64::from(z[group])) * s[group]
        });
        let mut parts = vec![
            ("weight_packed", ints(&packed(&q, columns, bits), &[rows, columns * bits / 32])),
            ("weight_scale", floats(&s, &[rows, groups], Dtype::Bf16)),
            ("weight_shape", Array::from_slice(&[rows as i64, columns as i64], &[2])),
        ];
        if zeros {
            // Along the rows.
            let words = packed(&transposed(&z, rows, groups), rows, bits);
            let words = transposed(&words, groups, rows * bits / 32);
            parts.push(("weight_zero_point", ints(&words, &[rows * bits / 32, groups])));
        }
        (parts, numbers)
    }
}

#[test]
fn compressed_tensors() {
    let block = json!({"quant_method": "compressed-tensors", "format": "pack-quantized"});
    for (bits, size, zeros, stored) in [
        (4, 32, false, 32),
        (4, 128, false, 128),
        (4, 64, true, 64),
        (3, 32, false, 32),
        (3, 64, true, 64),
        (5, 128, false, 128),
        (6, 64, true, 64),
        (8, 1 << 20, false, 128),
        (8, 64, true, 64),
    ] {
        let tolerance = if zeros { BFLOAT16 } else { EXACT };
        let expected = Some((bits as i32, stored, Mode::Affine));
        check(
            &format!("{bits} bits, {size}, {zeros}"),
            &block,
            expected,
            tolerance,
            packed_layer(bits, size, zeros),
        );
    }
    let block = json!({"quant_method": "compressed-tensors", "format": "mxfp8-quantized"});
    let exponents = |_: &[f64], codes: &[u32], shape: &[usize]| bytes(codes.iter().copied(), shape);
    let layer = fp8_layer([1, 32], "weight_scale", powers_of_two, exponents);
    check("mxfp8", &block, Some((8, 32, Mode::Mxfp8)), EXACT, layer);
    let block = json!({"quant_method": "compressed-tensors", "format": "int-quantized"});
    check("int8", &block, Some((8, 128, Mode::Affine)), EXACT, |rows, columns, random| {
        let (q, s) = (random.many(rows * columns, 256), random.scales(rows));
        let numbers = numbers(rows, columns, |r, c| f64::from(q[r * columns + c] as u8 as i8) * s[r]);
        let weight = bytes(q, &[rows, columns]).view(Dtype::I8).unwrap();
        (vec![("weight", weight), ("weight_scale", floats(&s, &[rows, 1], Dtype::Bf16))], numbers)
    });
    let block = json!({"quant_method": "compressed-tensors", "format": "mxfp4-pack-quantized"});
    check("mxfp4", &block, Some((4, 32, Mode::Mxfp4)), EXACT, |rows, columns, random| {
        let q = random.many(rows * columns, 16);
        let (s, codes) = powers_of_two(random, rows * columns / 32);
        let numbers = numbers(rows, columns, |r, c| e2m1(q[r * columns + c]) * s[(r * columns + c) / 32]);
        let pairs = q.chunks(2).map(|pair| pair[0] | pair[1] << 4);
        let parts = vec![
            ("weight_packed", bytes(pairs, &[rows, columns / 2])),
            ("weight_scale", bytes(codes, &[rows, columns / 32])),
        ];
        (parts, numbers)
    });
}

#[test]
fn nvfp4_with_a_scale_of_the_whole() {
    let layer = |inverse: bool| {
        move |rows: usize, columns: usize, random: &mut Random| -> Encoded {
            let q = random.many(rows * columns, 16);
            let codes: Vec<u32> = (0..rows * columns / 16).map(|_| 32 + random.below(64)).collect();
            let global = if inverse { 640.0 } else { 1.0 / 640.0 };
            let numbers = numbers(rows, columns, |r, c| {
                let i = r * columns + c;
                e2m1(q[i]) * e4m3(codes[i / 16]) / 640.0
            });
            let pairs = bytes(q.chunks(2).map(|pair| pair[0] | pair[1] << 4), &[rows, columns / 2]);
            let scales = bytes(codes, &[rows, columns / 16]);
            let parts = match inverse {
                true => vec![
                    ("weight_packed", pairs),
                    ("weight_scale", scales),
                    ("weight_global_scale", floats(&[global], &[1], Dtype::F32)),
                ],
                false => vec![
                    ("weight", pairs),
                    ("weight_scale", scales),
                    ("weight_scale_2", floats(&[global], &[], Dtype::F32)),
                ],
            };
            (parts, numbers)
        }
    };
    let block = json!({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"});
    check("compressed", &block, None, BFLOAT16, layer(true));
    let block = json!({"quant_method": "modelopt", "quant_algo": "NVFP4"});
    check("modelopt", &block, None, BFLOAT16, layer(false));
    let block =
        json!({"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4", "group_size": 16}});
    check("modelopt, a file", &block, None, BFLOAT16, layer(false));
}

#[test]
fn modelopt_of_8_bits() {
    let single = |s: &[f64], _: &[u32], shape: &[usize]| floats(s, shape, Dtype::F32);
    let scalar = |s: &[f64], _: &[u32], _: &[usize]| floats(s, &[], Dtype::F32);
    let column = |s: &[f64], _: &[u32], shape: &[usize]| floats(s, &shape[..1], Dtype::F32);
    let spaced = |s: &[f64], _: &[u32], shape: &[usize]| floats(s, &[shape[0], 1, shape[1], 1], Dtype::F32);
    let exponents = |_: &[f64], codes: &[u32], shape: &[usize]| bytes(codes.iter().copied(), shape);
    let whole = 1 << 20;
    let block = |algorithm: &str| json!({"quant_method": "modelopt", "quant_algo": algorithm});
    let part = "weight_scale";
    check("FP8", &block("FP8"), None, BFLOAT16, fp8_layer([whole, whole], part, any_scales, scalar));
    let layer = fp8_layer([1, whole], part, any_scales, column);
    check("rows", &block("FP8_PER_CHANNEL_PER_TOKEN"), None, BFLOAT16, layer);
    check("blocks", &block("fp8_pb_wo"), None, BFLOAT16, fp8_layer([128, 128], part, any_scales, spaced));
    check("blocks", &block("FP8_PB_WO"), None, BFLOAT16, fp8_layer([64, 32], part, any_scales, single));
    let mxfp8 = Some((8, 32, Mode::Mxfp8));
    check("MXFP8", &block("MXFP8"), mxfp8, EXACT, fp8_layer([1, 32], part, powers_of_two, exponents));
    let file = json!({"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "MIXED_PRECISION",
        "quantized_layers": {"model.layers.0.mlp.up_proj": {"quant_algo": "FP8"}}}});
    check("mixed", &file, None, BFLOAT16, fp8_layer([whole, whole], part, any_scales, scalar));
}

/// transformers holds all experts of a layer as one array, and so do some checkpoints.
#[test]
fn fp8_of_all_experts_at_once() {
    const EXPERTS: usize = 3;
    let (hidden, inner) = (64, 96);
    let config = json!({
        "model_type": "qwen3_moe", "hidden_size": hidden, "num_hidden_layers": 1, "intermediate_size": 64,
        "moe_intermediate_size": inner, "num_experts": EXPERTS, "num_experts_per_tok": 2, "norm_topk_prob": true,
        "decoder_sparse_step": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32,
        "rms_norm_eps": 1e-5, "vocab_size": 32, "max_position_embeddings": 64, "rope_theta": 10000.0,
        "tie_word_embeddings": true,
    });
    let layer = "model.layers.0";
    let ones = |shape: &[usize]| mlx::ones(&dims(shape), Dtype::Bf16);
    let mut tensors: BTreeMap<String, Array> = [
        ("model.embed_tokens", vec![32, hidden]),
        ("model.norm", vec![hidden]),
        ("model.layers.0.input_layernorm", vec![hidden]),
        ("model.layers.0.post_attention_layernorm", vec![hidden]),
        ("model.layers.0.self_attn.q_proj", vec![64, hidden]),
        ("model.layers.0.self_attn.k_proj", vec![32, hidden]),
        ("model.layers.0.self_attn.v_proj", vec![32, hidden]),
        ("model.layers.0.self_attn.o_proj", vec![hidden, 64]),
        ("model.layers.0.self_attn.q_norm", vec![32]),
        ("model.layers.0.self_attn.k_norm", vec![32]),
        ("model.layers.0.mlp.gate", vec![EXPERTS, hidden]),
    ]
    .into_iter()
    .map(|(path, shape)| (format!("{path}.weight"), ones(&shape)))
    .collect();
    // Scales of blocks, and one of each expert.
    for size in [32, 1 << 20] {
        let mut random = Random(size as u64);
        let mut fused = |rows: usize, columns: usize| {
            let (height, width) = (size.min(rows), size.min(columns));
            let shape = [EXPERTS, rows.div_ceil(height), columns.div_ceil(width)];
            let (w, s) = (random.fp8(EXPERTS * rows * columns), random.scales(shape.iter().product()));
            let numbers = numbers(EXPERTS * rows, columns, |row, c| {
                let (e, r) = (row / rows, row % rows);
                e4m3(w[row * columns + c]) * s[(e * shape[1] + r / height) * shape[2] + c / width]
            });
            (bytes(w, &[EXPERTS, rows, columns]), floats(&s, &shape, Dtype::F32), numbers)
        };
        let (up, up_scales, up_numbers) = fused(2 * inner, hidden);
        let (down, down_scales, down_numbers) = fused(hidden, inner);
        for (name, array) in [
            ("gate_up_proj", up),
            ("gate_up_proj_scale_inv", up_scales),
            ("down_proj", down),
            ("down_proj_scale_inv", down_scales),
        ] {
            tensors.insert(format!("{layer}.mlp.experts.{name}"), array);
        }
        let half = |second: usize| -> Vec<f64> {
            let halves = up_numbers.chunks(inner * hidden).skip(second).step_by(2);
            halves.flatten().copied().collect()
        };
        let reference = [("gate_proj", half(0)), ("up_proj", half(1)), ("down_proj", down_numbers)];
        let reference = reference.map(|(name, numbers)| (format!("{layer}.mlp.switch_mlp.{name}"), numbers));
        let block = match size {
            32 => json!({"quant_method": "fp8", "weight_block_size": [32, 32]}),
            _ => json!({"quant_method": "fp8"}),
        };
        let source = Source::new(config.clone(), &block, &tensors);
        source.expect(&format!("blocks of {size}"), &reference.into(), BFLOAT16);
    }
}

/// What cannot be read says why.
#[test]
fn what_is_not_read_is_named() {
    let (rows, columns) = (HIDDEN, HIDDEN);
    let config =
        json!({"model_type": "llama", "hidden_size": HIDDEN, "num_hidden_layers": 1, "vocab_size": 32});
    let path = |part: &str| format!("model.layers.0.mlp.up_proj.{part}");
    let shape = Array::from_slice(&[rows as i64, columns as i64], &[2]);
    // Ten numbers of three bits in a word, with two bits left over.
    let words = mlx::zeros(&dims(&[rows, columns.div_ceil(10)]), Dtype::I32);
    let scales = mlx::ones(&dims(&[rows, 1]), Dtype::Bf16);
    let loose = [("weight_packed", words), ("weight_scale", scales.clone()), ("weight_shape", shape)];
    let smoothed =
        [("weight", mlx::zeros(&dims(&[rows, columns]), Dtype::U8)), ("pre_quant_scale", scales.clone())];
    type Parts<'a> = &'a [(&'a str, Array)];
    let cases: [(Value, Parts<'_>, &str); 2] = [
        (
            json!({"quant_method": "compressed-tensors", "format": "pack-quantized"}),
            &loose,
            "layer `model.layers.0.mlp.up_proj`: 128 x 128 numbers in words of 416 bits a row",
        ),
        (json!({"quant_method": "modelopt", "quant_algo": "NVFP4"}), &smoothed, "`pre_quant_scale`"),
    ];
    for (block, parts, message) in cases {
        let tensors = parts.iter().map(|(part, array)| (path(part), array.clone())).collect();
        let error =
            Source::new(config.clone(), &block, &tensors).convert(None, WeightChange::Keep).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn bitnet() {
    for (class, inverse) in [("bitlinear", true), ("autobitlinear", false)] {
        let block = json!({"quant_method": "bitnet", "linear_class": class});
        check(class, &block, Some((2, 128, Mode::Affine)), EXACT, |rows, columns, random| {
            let q = random.many(rows * columns, 3);
            let scale = 1.0 / 32.0;
            let numbers = numbers(rows, columns, |r, c| (f64::from(q[r * columns + c]) - 1.0) * scale);
            let quarter = rows / 4 * columns;
            let packed = (0..quarter).map(|i| (0..4).fold(0, |byte, k| byte | q[k * quarter + i] << (2 * k)));
            let stored = if inverse { 1.0 / scale } else { scale };
            let parts = vec![
                ("weight", bytes(packed, &[rows / 4, columns])),
                ("weight_scale", floats(&[stored], &[1], Dtype::Bf16)),
            ];
            (parts, numbers)
        });
    }
}
