//! A transformer learns to write sonnets, letter by letter, from nothing.
//!
//! `cargo run --release -p examples --example char_transformer -- [--steps 800] [--dims 64] [--plot target/loss.svg]`
//!
//! It shows a model derived with `Module`, a training step compiled together with the optimizer, sampling, and a plot of
//! the losses. The text is `data/sonnets.txt`: Shakespeare's sonnets (1609), in the public domain, as Project Gutenberg
//! transcribed them (etext 1041), without the numbers.

use clap::Parser;
use mlx::fast::{Mask, scaled_dot_product_attention};
use mlx::nn::{
    self, Embedding, LayerNorm, Linear, Rope,
    losses::{Reduction, cross_entropy},
};
use mlx::optimizers::{AdamW, Optimizer, clip_grad_norm, cosine_decay};
use mlx::random::{self, Keys};
use mlx::transforms::compile_with_state;
use mlx::{Array, Dtype, Module, Rest, Result, arange, eval};
use plotters::prelude::*;
use std::{collections::BTreeSet, path::PathBuf, time::Instant};

type Fallible<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Trains a transformer on letters, writes a sample and plots the losses.
#[derive(Parser)]
struct Args {
    /// Steps of training.
    #[arg(long, default_value_t = 800)]
    steps: u32,
    /// Numbers per letter, a multiple of 32.
    #[arg(long, default_value_t = 64)]
    dims: i32,
    /// The file for the curve of losses.
    #[arg(long, default_value = "target/loss.svg")]
    plot: PathBuf,
}

const LAYERS: usize = 2;
const HEAD_DIMS: i32 = 32;
/// Letters that the model sees at once.
const CONTEXT: i32 = 64;
/// Windows of text per step.
const BATCH: i32 = 8;

#[derive(Module)]
struct Attention {
    qkv: Linear,
    out: Linear,
    rope: Rope,
}

impl Attention {
    fn new(dims: i32, keys: &mut Keys) -> Result<Attention> {
        Ok(Attention {
            qkv: Linear::new(dims, 3 * dims).init(&keys.next_key()?)?,
            out: Linear::new(dims, dims).init(&keys.next_key()?)?,
            rope: Rope::new(HEAD_DIMS, 10_000.0),
        })
    }

    fn forward(&self, x: &Array) -> Result<Array> {
        let [batch, length, dims] = x.dims()?;
        // [batch, length, 3 · dims] to three times [batch, heads, length, HEAD_DIMS]
        let qkv = self.qkv.forward(x)?.reshape([batch, length, 3, dims / HEAD_DIMS, HEAD_DIMS])?;
        let part = |i: i32| qkv.at((Rest, i, .., ..))?.swapaxes(1, 2);
        let (q, k) = (self.rope.forward(&part(0)?, 0)?, self.rope.forward(&part(1)?, 0)?);
        let scale = (HEAD_DIMS as f32).powf(-0.5);
        let y = scaled_dot_product_attention(&q, &k, &part(2)?, scale, Mask::Causal)?;
        self.out.forward(&y.swapaxes(1, 2)?.reshape([batch, length, dims])?)
    }
}

#[derive(Module)]
struct Block {
    attention_norm: LayerNorm,
    attention: Attention,
    mlp_norm: LayerNorm,
    up: Linear,
    down: Linear,
}

impl Block {
    fn new(dims: i32, keys: &mut Keys) -> Result<Block> {
        Ok(Block {
            attention_norm: LayerNorm::new(dims),
            attention: Attention::new(dims, keys)?,
            mlp_norm: LayerNorm::new(dims),
            up: Linear::new(dims, 4 * dims).init(&keys.next_key()?)?,
            down: Linear::new(4 * dims, dims).init(&keys.next_key()?)?,
        })
    }

    fn forward(&self, x: &Array) -> Result<Array> {
        let x = x + self.attention.forward(&self.attention_norm.forward(x)?)?;
        let hidden = nn::gelu_approx(&self.up.forward(&self.mlp_norm.forward(&x)?)?)?;
        x.add(self.down.forward(&hidden)?)
    }
}

#[derive(Module)]
struct Transformer {
    letters: Embedding,
    blocks: Vec<Block>,
    norm: LayerNorm,
    output: Linear,
}

impl Transformer {
    fn new(letters: i32, dims: i32, keys: &mut Keys) -> Result<Transformer> {
        Ok(Transformer {
            letters: Embedding::new(letters, dims).init(&keys.next_key()?)?,
            blocks: (0..LAYERS).map(|_| Block::new(dims, keys)).collect::<Result<_>>()?,
            norm: LayerNorm::new(dims),
            output: Linear::new(dims, letters).init(&keys.next_key()?)?,
        })
    }

    /// The logits `[batch, length, letters]` of the letters that come after each of `ids` `[batch, length]`.
    fn forward(&self, ids: &Array) -> Result<Array> {
        let x = self.letters.forward(ids)?;
        let x = self.blocks.iter().try_fold(x, |x, block| block.forward(&x))?;
        self.output.forward(&self.norm.forward(&x)?)
    }
}

/// What a step changes. A module of modules, so that the whole of it can go through a compiled step.
#[derive(Module)]
struct Trainer {
    model: Transformer,
    optimizer: Optimizer,
}

impl Trainer {
    /// One step on windows of text `[BATCH, CONTEXT + 1]`; gives the loss.
    fn step(&mut self, windows: &Array) -> Result<Array> {
        let (inputs, targets) = (windows.at((.., ..-1))?, windows.at((.., 1..))?);
        let (loss, gradients) = nn::value_and_grad(&mut self.model, |model: &Transformer| {
            cross_entropy(&model.forward(&inputs)?, &targets, Reduction::Mean)
        })?;
        let (gradients, _norm) = clip_grad_norm(&gradients, 1.0)?;
        self.optimizer.update(&mut self.model, &gradients)?;
        Ok(loss)
    }
}

/// A text as numbers of letters, and back.
struct Text {
    letters: Vec<char>,
    ids: Array,
}

impl Text {
    fn new(text: &str) -> Text {
        let letters: Vec<char> = text.chars().collect::<BTreeSet<_>>().into_iter().collect();
        let ids: Vec<u32> =
            text.chars().filter_map(|c| letters.binary_search(&c).ok()).map(|i| i as u32).collect();
        Text { letters, ids: Array::from_slice(&ids, &[ids.len() as i32]) }
    }

    /// Windows `[batch, length]` from random places.
    fn windows(&self, batch: i32, length: i32, key: &Array) -> Result<Array> {
        let starts = random::randint(0, self.ids.dim(0)? - length + 1, &[batch, 1], Dtype::I32, key)?;
        self.ids.take(&(starts + arange(0.0, length.into(), 1.0, Dtype::I32)?), 0)
    }
}

/// Writes `count` letters after a line break, each drawn from what the model makes of those before it.
fn sample(model: &Transformer, text: &Text, count: usize, keys: &mut Keys) -> Result<String> {
    const TEMPERATURE: f32 = 0.8;
    let mut ids: Vec<u32> = text.letters.binary_search(&'\n').map(|i| i as u32).into_iter().collect();
    for _ in 0..count {
        let seen = &ids[ids.len().saturating_sub(CONTEXT as usize)..];
        let logits = model.forward(&Array::from_slice(seen, &[1, seen.len() as i32]))?.at((0, -1))?;
        ids.push(random::categorical(&(logits / TEMPERATURE), -1, &keys.next_key()?)?.item()?);
    }
    Ok(ids.into_iter().filter_map(|id| text.letters.get(id as usize)).collect())
}

/// Draws the losses as an SVG.
fn plot(losses: &[f32], path: &PathBuf) -> Fallible<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let area = SVGBackend::new(path, (800, 450)).into_drawing_area();
    area.fill(&WHITE)?;
    let top = losses.iter().copied().fold(0.0, f32::max) * 1.05;
    let mut chart = ChartBuilder::on(&area)
        .margin(15)
        .set_label_area_size(LabelAreaPosition::Left, 50)
        .set_label_area_size(LabelAreaPosition::Bottom, 40)
        .build_cartesian_2d(0..losses.len(), 0f32..top)?;
    chart.configure_mesh().light_line_style(WHITE).x_desc("step").y_desc("loss per letter (nats)").draw()?;
    chart.draw_series(LineSeries::new(losses.iter().copied().enumerate(), &BLUE))?;
    area.present()?;
    Ok(())
}

fn main() -> Fallible<()> {
    let args = Args::parse();
    let text = Text::new(include_str!("data/sonnets.txt"));
    let mut keys = Keys::new(0)?;

    let model = Transformer::new(text.letters.len() as i32, args.dims, &mut keys)?;
    let count: usize = model.parameters().values().map(Array::size).sum::<Result<_>>()?;
    println!("{} letters of {} kinds, {count} parameters", text.ids.size()?, text.letters.len());

    let rule = AdamW::new().with_betas([0.9, 0.99]).with_bias_correction(true);
    let mut trainer =
        Trainer { model, optimizer: Optimizer::new(rule, cosine_decay(3e-3, 1e-4, args.steps)?)? };
    // A compiled step cannot add to its state, so the optimizer makes its part of it before.
    trainer.optimizer.init(&trainer.model.trainable_parameters())?;
    // Compiled, a step takes three quarters of the time: the elementwise work of layers and optimizer runs as few
    // kernels. On the CPU that needs `g++`; without it the step runs as it is.
    let step = compile_with_state(Trainer::step);

    let (start, mut losses) = (Instant::now(), Vec::new());
    for i in 1..=args.steps {
        let windows = text.windows(BATCH, CONTEXT + 1, &keys.next_key()?)?;
        let loss = step.call(&mut trainer, &windows)?;
        eval(trainer.parameters().values().chain([&loss]))?;
        losses.push(loss.item()?);
        if i % 100 == 0 || i == args.steps {
            let recent = &losses[losses.len().saturating_sub(50)..];
            let mean = recent.iter().sum::<f32>() / recent.len() as f32;
            println!("step {i:4}: loss {mean:.3}, {:.0} s", start.elapsed().as_secs_f32());
        }
    }

    println!("{}", sample(&trainer.model, &text, 400, &mut keys)?);
    plot(&losses, &args.plot)?;
    println!("the curve of losses is in {}", args.plot.display());
    Ok(())
}
