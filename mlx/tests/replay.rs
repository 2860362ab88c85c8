//! Steps that are launched as a whole, against steps that are recorded. Without CUDA there are none.

use mlx::{
    Array, Device, Dtype, Result, async_eval, concatenate,
    cuda::{Places, Replay},
    eval,
    fast::{
        AppendBuffer, Mask, RopeOptions, Sequence, append_and_attend, rope, scaled_dot_product_attention,
    },
    random,
};

const HEADS: i32 = 4;
const KV_HEADS: i32 = 2;
const DIM: i32 = 64;
const VOCABULARY: i32 = 100;

/// Two layers of attention over keys and values of so many sequences.
struct Model {
    table: Array,
    layers: Vec<[Array; 4]>,
    memory: Vec<Vec<[AppendBuffer; 2]>>,
    /// Positions of the next tokens.
    positions: Vec<i32>,
    replay: Option<Replay>,
    launched: usize,
}

fn sequences(memory: &mut [Vec<[AppendBuffer; 2]>]) -> Vec<Vec<Sequence<'_>>> {
    let mut layers = vec![];
    for rows in memory {
        layers.push(
            rows.iter_mut().map(|[keys, values]| Sequence { keys, values, from: 0, count: 1 }).collect(),
        );
    }
    layers
}

impl Model {
    fn new(lengths: &[i32], replay: Option<Replay>) -> Result<Model> {
        let normal = |shape: &[i32], seed| random::normal(shape, Dtype::F32, &random::key(seed)?);
        let width = HEADS * DIM;
        let mut memory = vec![];
        let mut layers = vec![];
        for layer in 0..2 {
            let seed = 10 * layer;
            layers.push([
                normal(&[width, width], seed + 1)?.multiply(0.06f32)?,
                normal(&[width, KV_HEADS * DIM], seed + 2)?.multiply(0.06f32)?,
                normal(&[width, KV_HEADS * DIM], seed + 3)?.multiply(0.06f32)?,
                normal(&[width, width], seed + 4)?.multiply(0.06f32)?,
            ]);
            let mut rows = vec![];
            for (row, &length) in (100..).zip(lengths) {
                let mut buffers = [AppendBuffer::new(2), AppendBuffer::new(2)];
                for (part, buffer) in (0..).zip(&mut buffers) {
                    buffer.append(&normal(&[1, KV_HEADS, length, DIM], seed + 2 * row + part)?)?;
                }
                rows.push(buffers);
            }
            memory.push(rows);
        }
        let table = normal(&[VOCABULARY, width], 7)?;
        let buffers = memory.iter().flatten().flatten().filter_map(AppendBuffer::memory);
        eval(buffers.chain(layers.iter().flatten()).chain([&table]))?;
        Ok(Model { table, layers, memory, positions: lengths.to_vec(), replay, launched: 0 })
    }

    fn attend(&mut self, layer: usize, x: &Array) -> Result<Array> {
        let rows = self.positions.len() as i32;
        let positions = Array::from_slice(&self.positions, &[rows]);
        let options = RopeOptions { dims: DIM, traditional: false, base: 10_000.0, scale: 1.0, freqs: None };
        let [wq, wk, wv, wo] = &self.layers[layer];
        let q = rope(&x.matmul(wq)?.reshape([rows, HEADS, 1, DIM])?, &positions, options)?;
        let k = rope(&x.matmul(wk)?.reshape([rows, KV_HEADS, 1, DIM])?, &positions, options)?;
        let v = x.matmul(wv)?.reshape([rows, KV_HEADS, 1, DIM])?;
        let memory = &mut self.memory[layer];
        let list = memory.iter_mut().map(|[keys, values]| Sequence { keys, values, from: 0, count: 1 });
        let y = match append_and_attend(&q, &k, &v, list, 0.125)? {
            Some(y) => y,
            None => {
                let mut parts = vec![];
                for (row, [keys, values]) in (0..).zip(memory) {
                    keys.append(&k.at((row..row + 1,))?)?;
                    values.append(&v.at((row..row + 1,))?)?;
                    let (q, k, v) = (q.at((row..row + 1,))?, keys.array()?, values.array()?);
                    parts.push(scaled_dot_product_attention(&q, &k, &v, 0.125, Mask::None)?);
                }
                concatenate(&parts, 0)?
            }
        };
        y.reshape([rows, 1, -1])?.matmul(wo)
    }

    fn record(&mut self, tokens: &Array) -> Result<Array> {
        let mut h = self.table.take(tokens, 0)?;
        for layer in 0..self.layers.len() {
            h = h.add(&self.attend(layer, &h)?)?;
        }
        h.at((.., -1))?.matmul(&self.table.t()?)
    }

    /// The scores `[rows, vocabulary]` behind `tokens` `[rows, 1]`.
    fn step(&mut self, tokens: &Array) -> Result<Array> {
        let Some(mut replay) = self.replay.take() else { return self.record_and_count(tokens) };
        let mut layers = sequences(&mut self.memory);
        let places = Places::of(&layers, &self.positions);
        let scores = match replay.launch(tokens, &mut layers, &self.positions)? {
            Some(scores) => {
                self.launched += 1;
                self.count();
                scores
            }
            None => {
                let scores = self.record_and_count(tokens)?;
                replay.offer(&scores, tokens, &places, &sequences(&mut self.memory))?.unwrap_or(scores)
            }
        };
        self.replay = Some(replay);
        Ok(scores)
    }

    fn record_and_count(&mut self, tokens: &Array) -> Result<Array> {
        let scores = self.record(tokens)?;
        self.count();
        Ok(scores)
    }

    fn count(&mut self) {
        self.positions.iter_mut().for_each(|position| *position += 1);
    }

    /// The most probable tokens of so many steps, and the last scores.
    fn run(&mut self, steps: usize) -> Result<(Vec<u32>, Array)> {
        let rows = self.positions.len() as i32;
        let mut tokens = Array::from_slice(&vec![3u32; rows as usize], &[rows]);
        let (mut all, mut last) = (vec![], None);
        for _ in 0..steps {
            let scores = self.step(&tokens.reshape([-1, 1])?)?;
            let next = scores.argmax(-1)?;
            let memory = self.memory.iter().flatten().flatten().filter_map(AppendBuffer::memory);
            async_eval([&next].into_iter().chain(memory))?;
            all.extend(tokens.to_vec::<u32>()?);
            (tokens, last) = (next, Some(scores));
        }
        Ok((all, last.expect("a step")))
    }
}

#[test]
fn launched_steps_equal_recorded_ones() -> Result<()> {
    for lengths in [&[0][..], &[250], &[5, 300, 17]] {
        let Some(replay) = Replay::new()? else {
            assert!(Device::default_device()? == Device::Cpu || !mlx::cuda::is_available()?);
            return Ok(());
        };
        let steps = 300;
        let (mut launched, mut recorded) = (Model::new(lengths, Some(replay))?, Model::new(lengths, None)?);
        let (tokens, scores) = launched.run(steps)?;
        let (expected, expected_scores) = recorded.run(steps)?;
        assert_eq!(tokens, expected, "{lengths:?}");
        let difference = (&scores - &expected_scores).abs()?.max(..)?.item::<f32>()?;
        assert!(difference < 1e-4, "{lengths:?}: {difference}");
        // Memory grows now and then; then two steps are recorded.
        assert!(launched.launched > steps - 20, "{}", launched.launched);
        for (a, b) in
            launched.memory.iter_mut().flatten().flatten().zip(recorded.memory.iter_mut().flatten().flatten())
        {
            assert_eq!(a.len(), b.len());
            let difference = (a.array()? - b.array()?).abs()?.max(..)?.item::<f32>()?;
            assert!(difference < 1e-4, "{lengths:?}: {difference}");
        }
    }
    Ok(())
}

#[test]
fn other_sequences_are_not_launched() -> Result<()> {
    let Some(replay) = Replay::new()? else { return Ok(()) };
    let mut model = Model::new(&[20], Some(replay))?;
    model.run(5)?;
    assert_eq!(model.launched, 3);
    // A copy refers to the rows that would be written over; what goes on moves to memory of its own.
    let mut other = Model::new(&[20], None)?;
    other.run(5)?;
    let tokens = Array::from_slice(&[1u32], &[1, 1]);
    model.memory = other.memory.clone();
    model.step(&tokens)?;
    assert_eq!(model.launched, 3);
    let scores = model.step(&tokens)?;
    other.step(&tokens)?;
    let expected = other.step(&tokens)?;
    let difference = (&scores - &expected).abs()?.max(..)?.item::<f32>()?;
    assert!(difference < 1e-4, "{difference}");
    Ok(())
}
