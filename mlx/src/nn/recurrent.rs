//! Layers that go through a sequence step by step and carry a state.
//!
//! Sequences are `[..., length, inputs]`, states `[..., hidden]`, with the same batch before.

use super::{Activation, init};
use crate::{Array, Dtype, Error, Module, Param, Result, random, stack, zeros};

/// The weights of the input and of the state, with `gates` rows for each number of the state.
#[derive(Clone, Debug, Module)]
struct Gates {
    #[module(rename = "Wx")]
    input: Param,
    #[module(rename = "Wh")]
    state: Param,
}

impl Gates {
    #[track_caller]
    fn new(gates: i32, inputs: i32, hidden: i32) -> Gates {
        let rows = hidden.saturating_mul(gates);
        Gates {
            input: zeros(&[rows, inputs], Dtype::F32).into(),
            state: zeros(&[rows, hidden], Dtype::F32).into(),
        }
    }
}

#[track_caller]
fn bias_of(gates: i32, hidden: i32) -> Param {
    zeros(&[hidden.saturating_mul(gates)], Dtype::F32).into()
}

/// Draws each array that is there uniformly from ±`1 / sqrt(hidden)`.
#[track_caller]
fn draw<const N: usize>(hidden: i32, params: [Option<&mut Param>; N], key: &Array) -> Result<()> {
    let keys: [Array; N] = random::split(key)?;
    for (param, key) in params.into_iter().zip(&keys) {
        if let Some(param) = param {
            *param.value_mut() = init::by_inputs(param.shape()?, hidden, key)?;
        }
    }
    Ok(())
}

/// What each step takes from the input: `x Wᵀ + b`, one array per step.
#[track_caller]
fn steps(op: &'static str, x: &Array, weight: &Param, bias: Option<&Param>) -> Result<Vec<Array>> {
    let (shape, inputs) = (x.shape()?, weight.dim(-1)?);
    match shape {
        [.., length, last] if *length > 0 && *last == inputs => {}
        _ => {
            let text = format!("the shape is {shape:?}, not [..., length, {inputs}] with one step at least");
            return Err(Error::invalid(op, text));
        }
    }
    let y = match bias {
        Some(bias) => bias.addmm(x, &weight.t()?)?,
        None => x.matmul(&weight.t()?)?,
    };
    y.unstack(-2)
}

/// The states after all steps as one array `[..., length, hidden]`.
#[track_caller]
fn sequence(states: &[Array]) -> Result<Array> {
    stack(&states.iter().collect::<Vec<_>>(), -2)
}

/// `a` and, from the position `at` of the last axis, `b`.
#[track_caller]
fn cut_at(op: &'static str, x: &Array, at: i32) -> Result<[Array; 2]> {
    parts(op, x.split_at(&[at], -1)?)
}

#[track_caller]
fn parts<const N: usize>(op: &'static str, parts: Vec<Array>) -> Result<[Array; N]> {
    let count = parts.len();
    parts.try_into().map_err(|_| Error::invalid(op, format!("MLX cut into {count} parts, not {N}")))
}

/// The recurrent layer of [Elman (1990)](https://doi.org/10.1016/0364-0213(90)90002-E): the next state is
/// `tanh(Wxh x + Whh h + b)`.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, nn::Rnn, ones, random};
/// let layer = Rnn::new(3, 5).init(&random::key(0)?)?;
/// let states = layer.forward(&ones(&[2, 7, 3], Dtype::F32))?;
/// assert_eq!(states.shape()?, [2, 7, 5]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "nn.RNN")]
#[derive(Clone, Debug, Module)]
pub struct Rnn {
    #[module(rename = "Wxh")]
    input: Param,
    #[module(rename = "Whh")]
    state: Param,
    bias: Option<Param>,
    nonlinearity: Activation,
    hidden: i32,
}

impl Rnn {
    /// From `inputs` features to a state of `hidden`, all zero, with a bias.
    #[track_caller]
    pub fn new(inputs: i32, hidden: i32) -> Rnn {
        let Gates { input, state } = Gates::new(1, inputs, hidden);
        Rnn { input, state, bias: Some(bias_of(1, hidden)), nonlinearity: Activation::Tanh, hidden }
    }

    /// With a bias of zeros, or without.
    #[track_caller]
    pub fn with_bias(self, bias: bool) -> Rnn {
        Rnn { bias: bias.then_some(bias_of(1, self.hidden)), ..self }
    }

    /// With another function than `tanh`.
    pub fn with_nonlinearity(self, nonlinearity: Activation) -> Rnn {
        Rnn { nonlinearity, ..self }
    }

    /// With weights and bias drawn uniformly from ±`1 / sqrt(hidden)`.
    #[track_caller]
    pub fn init(mut self, key: &Array) -> Result<Rnn> {
        draw(self.hidden, [Some(&mut self.input), Some(&mut self.state), self.bias.as_mut()], key)?;
        Ok(self)
    }

    /// The states after each step of `x` `[..., length, inputs]`, from a state of zeros: `[..., length, hidden]`.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        self.run(x, None)
    }

    /// [`Rnn::forward`] from the state `hidden` `[..., hidden]`.
    #[track_caller]
    pub fn forward_from(&self, x: &Array, hidden: &Array) -> Result<Array> {
        self.run(x, Some(hidden.clone()))
    }

    #[track_caller]
    fn run(&self, x: &Array, mut hidden: Option<Array>) -> Result<Array> {
        let state = self.state.t()?;
        let mut states = vec![];
        for step in steps("Rnn", x, &self.input, self.bias.as_ref())? {
            let sum = match &hidden {
                Some(hidden) => step.addmm(hidden, &state)?,
                None => step,
            };
            let next = self.nonlinearity.forward(&sum)?;
            states.push(next.clone());
            hidden = Some(next);
        }
        sequence(&states)
    }
}

/// Gated recurrent units ([Cho et al., 2014](https://arxiv.org/abs/1406.1078)): a reset gate `r` and an update gate `z`
/// decide how much of the state enters the candidate `n`, and how much of it stays.
///
/// ```text
/// r, z = sigmoid(Wx x + Wh h + b)
/// n = tanh(Wx x + b + r · (Wh h + bhn))
/// h = (1 - z) · n + z · h
/// ```
///
/// `Wx` `[3 · hidden, inputs]`, `Wh` `[3 · hidden, hidden]` and `b` hold the rows of `r`, `z` and `n` in this order.
#[doc(alias = "nn.GRU")]
#[derive(Clone, Debug, Module)]
pub struct Gru {
    #[module(flatten)]
    gates: Gates,
    b: Option<Param>,
    bhn: Option<Param>,
    hidden: i32,
}

impl Gru {
    /// From `inputs` features to a state of `hidden`, all zero, with biases.
    #[track_caller]
    pub fn new(inputs: i32, hidden: i32) -> Gru {
        Gru { gates: Gates::new(3, inputs, hidden), b: None, bhn: None, hidden }.with_bias(true)
    }

    /// With biases of zeros, or without.
    #[track_caller]
    pub fn with_bias(self, bias: bool) -> Gru {
        let (b, bhn) = (bias.then_some(bias_of(3, self.hidden)), bias.then_some(bias_of(1, self.hidden)));
        Gru { b, bhn, ..self }
    }

    /// With weights and biases drawn uniformly from ±`1 / sqrt(hidden)`.
    #[track_caller]
    pub fn init(mut self, key: &Array) -> Result<Gru> {
        let Gates { input, state } = &mut self.gates;
        draw(self.hidden, [Some(input), Some(state), self.b.as_mut(), self.bhn.as_mut()], key)?;
        Ok(self)
    }

    /// The states after each step of `x` `[..., length, inputs]`, from a state of zeros: `[..., length, hidden]`.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        self.run(x, None)
    }

    /// [`Gru::forward`] from the state `hidden` `[..., hidden]`.
    #[track_caller]
    pub fn forward_from(&self, x: &Array, hidden: &Array) -> Result<Array> {
        self.run(x, Some(hidden.clone()))
    }

    #[track_caller]
    fn run(&self, x: &Array, mut hidden: Option<Array>) -> Result<Array> {
        let mut states = vec![];
        for step in steps("Gru", x, &self.gates.input, self.b.as_ref())? {
            let next = self.step(&step, hidden.as_ref())?;
            states.push(next.clone());
            hidden = Some(next);
        }
        sequence(&states)
    }

    #[track_caller]
    fn step(&self, step: &Array, hidden: Option<&Array>) -> Result<Array> {
        const OP: &str = "Gru";
        let gates = self.hidden.saturating_mul(2);
        let [rz, n] = cut_at(OP, step, gates)?;
        let (rz, from_state) = match hidden {
            Some(hidden) => {
                let [state_rz, state_n] = cut_at(OP, &hidden.matmul(&self.gates.state.t()?)?, gates)?;
                let state_n = match &self.bhn {
                    Some(bhn) => state_n.add(bhn.value())?,
                    None => state_n,
                };
                (rz.add(state_rz)?, Some(state_n))
            }
            None => (rz, self.bhn.as_deref().cloned()),
        };
        let [r, z] = cut_at(OP, &rz.sigmoid()?, self.hidden)?;
        let n = match from_state {
            Some(from_state) => n.add(r * from_state)?.tanh()?,
            None => n.tanh()?,
        };
        let new = (1 - &z).multiply(n)?;
        match hidden {
            Some(hidden) => new.add(z * hidden),
            None => Ok(new),
        }
    }
}

/// Long short-term memory ([Hochreiter and Schmidhuber, 1997](https://doi.org/10.1162/neco.1997.9.8.1735)): beside the
/// state `h` a cell `c`, which an input gate `i`, a forget gate `f` and an output gate `o` guard.
///
/// ```text
/// i, f, o = sigmoid(Wx x + Wh h + bias)
/// g = tanh(Wx x + Wh h + bias)
/// c = f · c + i · g
/// h = o · tanh(c)
/// ```
///
/// `Wx` `[4 · hidden, inputs]`, `Wh` `[4 · hidden, hidden]` and `bias` hold the rows of `i`, `f`, `g` and `o` in this
/// order.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, nn::Lstm, ones, random};
/// let layer = Lstm::new(3, 5).init(&random::key(0)?)?;
/// let (hidden, cells) = layer.forward(&ones(&[7, 3], Dtype::F32))?;
/// assert_eq!((hidden.shape()?, cells.shape()?), (&[7, 5][..], &[7, 5][..]));
/// let more = layer.forward_from(&ones(&[2, 3], Dtype::F32), &hidden.at(-1)?, &cells.at(-1)?)?;
/// assert_eq!(more.0.shape()?, [2, 5]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "nn.LSTM")]
#[derive(Clone, Debug, Module)]
pub struct Lstm {
    #[module(flatten)]
    gates: Gates,
    bias: Option<Param>,
    hidden: i32,
}

impl Lstm {
    /// From `inputs` features to a state and a cell of `hidden`, all zero, with a bias.
    #[track_caller]
    pub fn new(inputs: i32, hidden: i32) -> Lstm {
        Lstm { gates: Gates::new(4, inputs, hidden), bias: Some(bias_of(4, hidden)), hidden }
    }

    /// With a bias of zeros, or without.
    #[track_caller]
    pub fn with_bias(self, bias: bool) -> Lstm {
        Lstm { bias: bias.then_some(bias_of(4, self.hidden)), ..self }
    }

    /// With weights and bias drawn uniformly from ±`1 / sqrt(hidden)`.
    #[track_caller]
    pub fn init(mut self, key: &Array) -> Result<Lstm> {
        let Gates { input, state } = &mut self.gates;
        draw(self.hidden, [Some(input), Some(state), self.bias.as_mut()], key)?;
        Ok(self)
    }

    /// The states and the cells after each step of `x` `[..., length, inputs]`, from zeros: twice
    /// `[..., length, hidden]`.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<(Array, Array)> {
        self.run(x, None)
    }

    /// [`Lstm::forward`] from the state `hidden` and the cell `cell`, both `[..., hidden]`.
    #[track_caller]
    pub fn forward_from(&self, x: &Array, hidden: &Array, cell: &Array) -> Result<(Array, Array)> {
        self.run(x, Some((hidden.clone(), cell.clone())))
    }

    #[track_caller]
    fn run(&self, x: &Array, mut carried: Option<(Array, Array)>) -> Result<(Array, Array)> {
        let state = self.gates.state.t()?;
        let (mut states, mut cells) = (vec![], vec![]);
        for step in steps("Lstm", x, &self.gates.input, self.bias.as_ref())? {
            let ifgo = match &carried {
                Some((hidden, _)) => step.addmm(hidden, &state)?,
                None => step,
            };
            let [i, f, g, o] = parts("Lstm", ifgo.split(4, -1)?)?;
            let new = i.sigmoid()?.multiply(g.tanh()?)?;
            let cell = match &carried {
                Some((_, cell)) => f.sigmoid()?.multiply(cell)?.add(new)?,
                None => new,
            };
            let hidden = o.sigmoid()?.multiply(cell.tanh()?)?;
            states.push(hidden.clone());
            cells.push(cell.clone());
            carried = Some((hidden, cell));
        }
        Ok((sequence(&states)?, sequence(&cells)?))
    }
}
