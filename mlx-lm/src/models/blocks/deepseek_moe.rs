//! The mixture of experts that DeepSeek has, and others after it: first layers without, a feed-forward layer for all positions
//! beside the experts, which may be chosen from groups
//! ([DeepSeek-AI, 2024](https://arxiv.org/abs/2401.06066)).

use super::{
    DecoderConfig, FeedForward, Gate, GatedMlp, Groups, Moe, Routing, Scores, SwitchGlu, rename,
    stack_experts,
};
use mlx::Loader;
use serde::Deserialize;

/// The fields of `config.json` that describe it.
#[derive(Clone, Debug, Deserialize)]
pub struct DeepSeekMoe {
    moe_intermediate_size: i32,
    /// Features of a shared expert, if it has others.
    moe_shared_expert_intermediate_size: Option<i32>,
    n_routed_experts: i32,
    n_shared_experts: Option<i32>,
    num_experts_per_tok: i32,
    norm_topk_prob: bool,
    routed_scaling_factor: f32,
    n_group: Option<i32>,
    topk_group: Option<i32>,
    /// `sparse` for layers with experts; else the next two fields tell.
    mlp_layer_types: Option<Vec<String>>,
    first_k_dense_replace: usize,
    #[serde(default = "one")]
    moe_layer_freq: usize,
}

fn one() -> usize {
    1
}

impl DeepSeekMoe {
    /// The feed-forward part of `layer`, with experts whose choice a bias balances
    /// ([Wang et al., 2024](https://arxiv.org/abs/2408.15664)).
    ///
    /// # Errors
    /// An unknown activation.
    pub fn balanced(&self, base: &DecoderConfig, layer: usize) -> crate::Result<Box<dyn FeedForward>> {
        let routing = self.routing(Scores::Sigmoid, self.groups(2));
        self.mlp(base, layer, routing, |moe| moe.with_choice_bias(self.n_routed_experts))
    }

    /// The feed-forward part of `layer`, with experts chosen by the softmax of their scores, from groups or not.
    ///
    /// # Errors
    /// An unknown activation.
    pub fn plain(
        &self,
        base: &DecoderConfig,
        layer: usize,
        from_groups: bool,
    ) -> crate::Result<Box<dyn FeedForward>> {
        let routing = self.routing(Scores::Softmax, self.groups(1).filter(|_| from_groups));
        self.mlp(base, layer, routing, |moe| moe)
    }

    /// Whether `layer` has experts.
    fn is_sparse(&self, layer: usize) -> bool {
        self.n_routed_experts > 0
            && match &self.mlp_layer_types {
                Some(kinds) => kinds.get(layer).is_some_and(|kind| kind == "sparse"),
                None => layer >= self.first_k_dense_replace && layer.is_multiple_of(self.moe_layer_freq),
            }
    }

    fn routing(&self, scores: Scores, groups: Option<Groups>) -> Routing {
        Routing {
            normalize: self.norm_topk_prob,
            scale: self.routed_scaling_factor,
            groups,
            ..Routing::new(self.num_experts_per_tok, scores)
        }
    }

    fn groups(&self, best: i32) -> Option<Groups> {
        Some(Groups { count: self.n_group?, kept: self.topk_group?, best })
    }

    fn mlp(
        &self,
        base: &DecoderConfig,
        layer: usize,
        routing: Routing,
        finish: impl Fn(Moe) -> Moe,
    ) -> crate::Result<Box<dyn FeedForward>> {
        if !self.is_sparse(layer) {
            return Ok(Box::new(base.gated_mlp()?));
        }
        let (hidden, inner, f) = (base.hidden_size, self.moe_intermediate_size, base.activation()?);
        let experts = SwitchGlu::new(hidden, inner, self.n_routed_experts, Gate::Plain(f));
        let moe = finish(Moe::new(hidden, self.n_routed_experts, experts, routing));
        Ok(match self.n_shared_experts.filter(|count| *count > 0) {
            Some(count) => {
                let inner = self.moe_shared_expert_intermediate_size.unwrap_or(inner);
                Box::new(moe.with_shared(GatedMlp::new(hidden, inner.saturating_mul(count), f)))
            }
            None => Box::new(moe),
        })
    }
}

/// Stacks the experts, and gives the parts of the mixture the names they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn name_deepseek_moe(weights: &Loader) -> mlx::Result<()> {
    let names =
        [("gate.e_score_correction_bias", "e_score_correction_bias"), ("shared_experts", "shared_expert")];
    rename(weights, &names)?;
    stack_experts(weights)
}
