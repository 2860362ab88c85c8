//! `options`, `format` and `think`, which `/api/generate` and `/api/chat` share.

use crate::serve::{
    api::fields::{MAX_TOKENS, OneOrMany, inert, range, reasoning_effort, schema, stops},
    failure::Failure,
    protocol::{Format, Job, SamplingChoice},
    random_u64,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// How to sample. What is left out is the model's own default.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ollama::Options)]
pub(super) struct Options {
    /// The most tokens of prompt and answer together. The model is not loaded anew for it.
    #[schema(minimum = 1)]
    num_ctx: Option<usize>,
    /// The most tokens to generate; negative is no limit.
    num_predict: Option<i64>,
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f32>,
    #[schema(minimum = 0, maximum = 1)]
    top_p: Option<f32>,
    top_k: Option<u32>,
    #[schema(minimum = 0, maximum = 1)]
    min_p: Option<f32>,
    /// Makes the answer repeatable; negative is random.
    seed: Option<i64>,
    stop: Option<OneOrMany>,
    repeat_penalty: Option<f32>,
    /// How many of the last tokens penalties look at.
    repeat_last_n: Option<i64>,
    presence_penalty: Option<f32>,
    frequency_penalty: Option<f32>,
    mirostat: Option<Value>,
    tfs_z: Option<Value>,
    typical_p: Option<Value>,
    draft_num_predict: Option<Value>,
    #[allow(dead_code, reason = "how llama.cpp runs; a no-op, documented")]
    num_batch: Option<Value>,
    #[allow(dead_code, reason = "how llama.cpp runs; a no-op, documented")]
    num_gpu: Option<Value>,
    #[allow(dead_code, reason = "how llama.cpp runs; a no-op, documented")]
    main_gpu: Option<Value>,
    #[allow(dead_code, reason = "how llama.cpp runs; a no-op, documented")]
    num_thread: Option<Value>,
    #[allow(dead_code, reason = "how llama.cpp runs; a no-op, documented")]
    num_keep: Option<Value>,
    #[allow(dead_code, reason = "how llama.cpp runs; a no-op, documented")]
    use_mmap: Option<Value>,
    #[allow(dead_code, reason = "how llama.cpp runs; a no-op, documented")]
    use_mlock: Option<Value>,
    #[allow(dead_code, reason = "how llama.cpp runs; a no-op, documented")]
    numa: Option<Value>,
    #[allow(dead_code, reason = "how llama.cpp runs; a no-op, documented")]
    low_vram: Option<Value>,
}

impl Options {
    /// A job without input and format.
    pub(super) fn job(self) -> Result<Job, Failure> {
        inert("options.mirostat", &self.mirostat, &[json!(0)])?;
        inert("options.tfs_z", &self.tfs_z, &[json!(1), json!(1.0)])?;
        inert("options.typical_p", &self.typical_p, &[json!(1), json!(1.0)])?;
        inert("options.draft_num_predict", &self.draft_num_predict, &[json!(0)])?;
        let max_tokens = match self.num_predict {
            None | Some(i64::MIN..0) => None,
            Some(count) => Some(usize::try_from(count).unwrap_or(usize::MAX)),
        };
        range("options.num_predict", max_tokens, 1..=MAX_TOKENS)?;
        let seed = self.seed.and_then(|seed| u64::try_from(seed).ok()).unwrap_or_else(random_u64);
        let window = window(self.repeat_last_n);
        let penalty = |value: Option<f32>, none: f32| if window.is_none() { Some(none) } else { value };
        Ok(Job {
            max_tokens,
            context: range("options.num_ctx", self.num_ctx, 1..=MAX_TOKENS)?,
            sampling: SamplingChoice {
                temperature: range("options.temperature", self.temperature, 0.0..=2.0)?,
                top_p: range("options.top_p", self.top_p, 0.0..=1.0)?,
                top_k: self.top_k,
                min_p: range("options.min_p", self.min_p, 0.0..=1.0)?,
                seed: Some(seed),
                repetition_penalty: penalty(
                    range("options.repeat_penalty", self.repeat_penalty, 0.01..=10.0)?,
                    1.0,
                ),
                presence_penalty: penalty(
                    range("options.presence_penalty", self.presence_penalty, -2.0..=2.0)?,
                    0.0,
                ),
                frequency_penalty: penalty(
                    range("options.frequency_penalty", self.frequency_penalty, -2.0..=2.0)?,
                    0.0,
                ),
                penalty_window: window,
                logit_bias: vec![],
            },
            stop: stops("options.stop", self.stop)?,
            ..Job::default()
        })
    }
}

/// How many tokens penalties look at, 0 for all; none if they are off.
fn window(asked: Option<i64>) -> Option<usize> {
    match asked {
        None => Some(64),
        Some(0) => None,
        Some(count) => Some(usize::try_from(count).unwrap_or(0)),
    }
}

/// `"json"`, or a JSON schema.
pub(super) fn format(format: Option<Value>) -> Result<Format, Failure> {
    match format {
        None | Some(Value::Null) => Ok(Format::Text),
        Some(Value::String(text)) if text.is_empty() => Ok(Format::Text),
        Some(Value::String(text)) if text == "json" => Ok(Format::Json),
        Some(value) => schema("format", value),
    }
}

/// True, false, or how much: as variables of the chat template.
pub(super) fn think(think: Option<Value>) -> Result<Map<String, Value>, Failure> {
    let mut kwargs = Map::new();
    match think {
        None | Some(Value::Null) => {}
        Some(Value::Bool(think)) => {
            kwargs.insert("enable_thinking".into(), json!(think));
        }
        Some(Value::String(level)) => reasoning_effort("think", Some(level), &mut kwargs)?,
        Some(_) => return Err(Failure::invalid("think", "`think` must be true, false, or a level")),
    }
    Ok(kwargs)
}

pub(super) fn logprobs(wanted: Option<bool>, top: Option<u8>) -> Result<Option<u8>, Failure> {
    let top = range("top_logprobs", top, 0..=20)?;
    Ok(wanted.unwrap_or(false).then(|| top.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(options: Value) -> Result<Job, Failure> {
        serde_json::from_value::<Options>(options).unwrap().job()
    }

    #[test]
    fn options_become_a_job() {
        let options = json!({"num_predict": -1, "seed": 3, "num_ctx": 100, "num_gpu": 99, "stop": ["x"], "mirostat": 0});
        let job = job(options).unwrap();
        assert_eq!((job.max_tokens, job.context, job.sampling.seed), (None, Some(100), Some(3)));
        assert_eq!(format(Some(json!("json"))).unwrap(), Format::Json);
        assert_eq!(format(Some(json!(""))).unwrap(), Format::Text);
        assert_eq!(think(Some(json!("none"))).unwrap()["enable_thinking"], json!(false));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for options in [
            json!({"num_predict": 0}),
            json!({"num_ctx": 0}),
            json!({"temperature": 5}),
            json!({"mirostat": 2}),
            json!({"top_p": -0.1}),
        ] {
            assert!(job(options.clone()).is_err(), "{options}");
        }
        assert!(serde_json::from_value::<Options>(json!({"n_discard": -1})).is_err());
        assert!(format(Some(json!("xml"))).is_err() && think(Some(json!(3))).is_err());
    }
}
