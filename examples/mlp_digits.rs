//! A network of two layers learns to read digits: an npz file, layers, batches, AdamW with a schedule, dropout.
//!
//! `cargo run --release -p examples --example mlp_digits -- [epochs]`
//!
//! The data, 1797 images of 8×8 pixels, lie in `data/digits.npz`; `data/digits.py` says where they come from.

use mlx::nn::{
    self, Activation, Dropout, Linear, Sequential,
    losses::{Reduction, cross_entropy},
};
use mlx::optimizers::{AdamW, Optimizer, Schedule, cosine_decay, join_schedules, linear_schedule};
use mlx::{Array, Dtype, Module, Result, eval, io, random};
use std::{collections::BTreeMap, time::Instant};

const BATCH: i32 = 64;
const HIDDEN: i32 = 128;

/// Images `[count, 8, 8]` with values from 0 to 1, and their digits `[count]`.
struct Digits {
    images: Array,
    labels: Array,
}

impl Digits {
    fn new(file: &BTreeMap<String, Array>, part: &str) -> Result<Digits> {
        let images = file[&format!("{part}_images")].astype(Dtype::F32)? / 16.0;
        Ok(Digits { images, labels: file[&format!("{part}_labels")].clone() })
    }

    fn count(&self) -> Result<i32> {
        self.labels.dim(0)
    }

    /// Those at some positions.
    fn pick(&self, positions: &Array) -> Result<Digits> {
        Ok(Digits { images: self.images.take(positions, 0)?, labels: self.labels.take(positions, 0)? })
    }

    /// The share of digits that the model reads right.
    fn accuracy(&self, model: &Sequential) -> Result<f32> {
        let read = model.forward(&self.images)?.argmax(-1)?;
        read.equal(&self.labels)?.mean(..)?.item()
    }
}

fn mlp(keys: &mut random::Keys) -> Result<Sequential> {
    Ok(Sequential::new()
        .then_fn(|images| images.flatten(1, -1))
        .then(Linear::new(64, HIDDEN).with_bias(true).init(&keys.next_key()?)?)
        .then(Activation::Relu)
        .then(Dropout::new(0.2))
        .then(Linear::new(HIDDEN, 10).with_bias(true).init(&keys.next_key()?)?))
}

/// Rises to its peak over a tenth of the steps, then falls to zero.
fn schedule(peak: f64, steps: u32) -> Result<Schedule> {
    let warmup = (steps / 10).max(1);
    let fall = cosine_decay(peak, 0.0, (steps - warmup).max(1))?;
    join_schedules(&[linear_schedule(0.0, peak, warmup)?, fall], &[warmup])
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let epochs: u32 = std::env::args().nth(1).map_or(Ok(30), |text| text.parse())?;

    let file = io::load_npz(concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.npz"))?;
    let (train, test) = (Digits::new(&file, "train")?, Digits::new(&file, "test")?);
    let batches = train.count()? / BATCH;

    let mut keys = random::Keys::new(0)?;
    let mut model = mlp(&mut keys)?;
    let schedule = schedule(4e-3, epochs * batches as u32)?;
    let mut optimizer = Optimizer::new(AdamW::new().with_bias_correction(true), schedule)?;

    let start = Instant::now();
    for epoch in 1..=epochs {
        let order = random::permutation_arange(train.count()?, &keys.next_key()?)?;
        let mut total = Array::scalar(0.0f32);
        for batch in order.at(..batches * BATCH)?.split(batches, 0)? {
            let Digits { images, labels } = train.pick(&batch)?;
            let key = keys.next_key()?; // for the dropout
            let (loss, gradients) = nn::value_and_grad(&mut model, |model: &Sequential| {
                cross_entropy(&model.forward_with_key(&images, &key)?, &labels, Reduction::Mean)
            })?;
            optimizer.update(&mut model, &gradients)?;
            total += loss;
            eval(model.parameters().values().chain(optimizer.state().values()).chain([&total]))?;
        }
        if epoch % 5 == 0 || epoch == epochs {
            let accuracy = model.with_training(false, |model| test.accuracy(model))?; // no dropout
            let loss = (total / batches).item::<f32>()?;
            println!("epoch {epoch:2}: loss {loss:.4}, test accuracy {:.1} %", 100.0 * accuracy);
        }
    }
    println!("{:.1} s", start.elapsed().as_secs_f32());
    Ok(())
}
