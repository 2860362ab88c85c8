//! Mixtures of experts ([Shazeer et al., 2017](https://arxiv.org/abs/1701.06538)).

use super::{FeedForward, GatedMlp, SwitchGlu};
use mlx::{Array, Dtype, Module, Param, Rest, Result, axes, concatenate, nn::Linear, zeros};

/// How a router's output becomes a choice of experts and their weights.
#[derive(Clone, Copy, Debug)]
pub struct Routing {
    /// Experts per position.
    pub choices: i32,
    /// What the router's output stands for.
    pub scores: Scores,
    /// Whether the weights of the chosen are made to sum to one.
    pub normalize: bool,
    /// Multiplies the weights.
    pub scale: f32,
    /// Only experts of the best groups are chosen.
    pub groups: Option<Groups>,
}

/// What a router's output stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scores {
    /// Its softmax over all experts has the weights.
    Softmax,
    /// Its softmax over the chosen experts has the weights.
    SoftmaxOfChosen,
    /// Its sigmoid has the weights.
    Sigmoid,
    /// SparseMixer ([Liu et al., 2024](https://arxiv.org/abs/2409.12136)): one expert after the other, each with its
    /// weight among those that are left and come close, within twice this fraction.
    SparseMixer(f32),
}

/// Experts are chosen from the best `kept` of `count` groups of neighbours
/// ([DeepSeek-AI, 2024](https://arxiv.org/abs/2405.04434)).
#[derive(Clone, Copy, Debug)]
pub struct Groups {
    /// Number of groups.
    pub count: i32,
    /// Number of groups that are chosen from.
    pub kept: i32,
    /// Of how many of its best experts a group's score is the sum.
    pub best: i32,
}

impl Routing {
    /// The `choices` best experts by `scores`.
    pub fn new(choices: i32, scores: Scores) -> Routing {
        Routing { choices, scores, normalize: false, scale: 1.0, groups: None }
    }

    /// The chosen experts `[..., choices]` and their weights, from a router's output `[..., experts]`. `bias` has a say
    /// in the choice but not in the weights ([Wang et al., 2024](https://arxiv.org/abs/2408.15664)).
    pub fn route(&self, logits: &Array, bias: Option<&Array>) -> Result<(Array, Array)> {
        let logits = logits.astype(Dtype::F32)?;
        let scores = match self.scores {
            Scores::Softmax => logits.softmax(-1)?,
            Scores::SoftmaxOfChosen => logits,
            Scores::Sigmoid => logits.sigmoid()?,
            Scores::SparseMixer(tolerance) => return sparse_mixer(&logits, self.choices, tolerance),
        };
        let mut merits = match bias {
            Some(bias) => scores.add(&bias.astype(Dtype::F32)?)?,
            None => scores.clone(),
        };
        if let Some(groups) = self.groups.filter(|groups| groups.kept < groups.count) {
            merits = groups.hide_others(&merits)?;
        }
        let chosen = merits.negative()?.argpartition(self.choices - 1, -1)?.at((Rest, ..self.choices))?;
        let mut weights = scores.take_along_axis(&chosen, -1)?;
        if self.scores == Scores::SoftmaxOfChosen {
            weights = weights.softmax(-1)?;
        }
        if self.normalize {
            weights = &weights / (weights.sum(axes([-1]).keep())? + 1e-20);
        }
        if self.scale != 1.0 {
            weights *= self.scale;
        }
        Ok((chosen, weights))
    }
}

fn sparse_mixer(logits: &Array, choices: i32, tolerance: f32) -> Result<(Array, Array)> {
    let (mut chosen, mut weights) = (vec![], vec![]);
    let mut left = logits.clone();
    for _ in 0..choices {
        let best = left.argmax(axes([-1]).keep())?;
        let top = left.take_along_axis(&best, -1)?;
        let distance = (&top - logits) / logits.abs()?.maximum(&top)?;
        let far = distance.greater(2.0 * tolerance)?;
        let weight = far.where_(f32::NEG_INFINITY, &left)?.softmax(-1)?.take_along_axis(&best, -1)?;
        left = left.put_along_axis(&best, f32::NEG_INFINITY, -1)?;
        chosen.push(best);
        weights.push(weight);
    }
    Ok((concatenate(&chosen, -1)?, concatenate(&weights, -1)?))
}

impl Groups {
    /// `merits` with minus infinity for the experts of all but the best groups.
    fn hide_others(&self, merits: &Array) -> Result<Array> {
        let mut shape = merits.shape()?.to_vec();
        let experts = shape.pop().unwrap_or_default();
        let grouped = merits.reshape([&shape[..], &[self.count, -1]].concat())?;
        let of_group = grouped.topk(self.best, -1)?.sum(-1)?;
        let others = of_group.argpartition(self.count - self.kept - 1, -1)?;
        let others = others.at((Rest, ..self.count - self.kept))?.expand_dims(-1)?;
        let hidden = grouped.put_along_axis(&others, f32::NEG_INFINITY, -2)?;
        hidden.reshape([&shape[..], &[experts]].concat())
    }
}

/// Whether `layer` has experts, where the last of each `step` layers has, but for those in `except`; none for a step of zero.
pub fn one_in(step: usize, layer: usize, except: &[usize]) -> bool {
    step > 0 && (layer + 1).is_multiple_of(step) && !except.contains(&layer)
}

/// Experts of which each position takes a few, and a feed-forward layer that all positions share.
#[derive(Debug, Module)]
pub struct Moe {
    gate: Linear,
    e_score_correction_bias: Option<Param>,
    switch_mlp: SwitchGlu,
    shared_expert: Option<GatedMlp>,
    shared_expert_gate: Option<Linear>,
    #[module(skip)]
    routing: Routing,
}

impl Moe {
    /// `experts` of `dims` features, chosen by `routing`.
    pub fn new(dims: i32, experts: i32, switch_mlp: SwitchGlu, routing: Routing) -> Moe {
        Moe {
            gate: Linear::new(dims, experts),
            e_score_correction_bias: None,
            switch_mlp,
            shared_expert: None,
            shared_expert_gate: None,
            routing,
        }
    }

    /// With a router that has a bias, which counts in the weights too.
    pub fn with_router_bias(self, bias: bool) -> Moe {
        Moe { gate: self.gate.with_bias(bias), ..self }
    }

    /// With a bias of `experts` numbers that counts in the choice only.
    pub fn with_choice_bias(self, experts: i32) -> Moe {
        Moe { e_score_correction_bias: Some(zeros(&[experts], Dtype::F32).into()), ..self }
    }

    /// With a feed-forward layer for all positions.
    pub fn with_shared(self, shared: GatedMlp) -> Moe {
        Moe { shared_expert: Some(shared), ..self }
    }

    /// With the shared layer's output multiplied by the sigmoid of a projection from `dims` features.
    pub fn with_shared_gate(self, dims: i32) -> Moe {
        Moe { shared_expert_gate: Some(Linear::new(dims, 1)), ..self }
    }
}

impl FeedForward for Moe {
    fn forward(&self, x: &Array) -> Result<Array> {
        let (chosen, weights) =
            self.routing.route(&self.gate.forward(x)?, self.e_score_correction_bias.as_deref())?;
        let y = self.switch_mlp.forward(x, &chosen)?;
        let y = (&y * weights.expand_dims(-1)?).sum(-2)?.astype(y.dtype()?)?;
        let Some(shared) = &self.shared_expert else { return Ok(y) };
        let mut shared = shared.forward(x)?;
        if let Some(gate) = &self.shared_expert_gate {
            shared = gate.forward(x)?.sigmoid()?.multiply(&shared)?;
        }
        y.add(&shared)
    }
}
