//! Numbers about the server, in Prometheus's text form. No names of models' files, no text of requests.

use super::{App, fleet::Fleet, protocol::Gauges};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

/// The recorder is one for the whole process.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// Renders what was recorded.
pub(super) struct Metrics(PrometheusHandle);

impl Metrics {
    pub(super) fn start() -> Metrics {
        let handle = RECORDER.get_or_init(|| {
            let builder = PrometheusBuilder::new();
            let suffix = Matcher::Suffix("_seconds".into());
            // The buckets are not empty, which is all that can go wrong.
            let builder =
                builder.set_buckets_for_metric(suffix, &SECONDS).unwrap_or_else(|_| PrometheusBuilder::new());
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            // Someone else's recorder stays; then /metrics is empty.
            let _ = metrics::set_global_recorder(recorder);
            describe();
            handle
        });
        Metrics(handle.clone())
    }

    pub(super) fn render(&self, app: &App) -> String {
        gauges(&app.fleet);
        self.0.run_upkeep();
        self.0.render()
    }
}

fn describe() {
    describe_counter!("mlx_lm_requests_total", "Requests by route and status");
    describe_counter!("mlx_lm_requests_cancelled_total", "Generations whose client went away");
    describe_counter!("mlx_lm_queue_full_total", "Requests refused because too many waited");
    describe_counter!("mlx_lm_runner_deaths_total", "Model processes that died");
    describe_counter!("mlx_lm_prompt_tokens_total", "Tokens of prompts");
    describe_counter!("mlx_lm_cached_tokens_total", "Tokens of prompts that a cached prefix spared");
    describe_counter!("mlx_lm_generated_tokens_total", "Tokens generated");
    describe_counter!("mlx_lm_embedded_tokens_total", "Tokens of texts that vectors were made of");
    describe_counter!("mlx_lm_tool_parse_failures_total", "Answers whose tool calls could not be read");
    describe_histogram!("mlx_lm_request_seconds", Unit::Seconds, "Time of whole requests");
    describe_histogram!("mlx_lm_first_token_seconds", Unit::Seconds, "Time to the first token");
    describe_histogram!("mlx_lm_token_seconds", Unit::Seconds, "Mean time per token after the first");
    describe_histogram!(
        "mlx_lm_token_model_seconds",
        Unit::Seconds,
        "The model's part of mlx_lm_token_seconds, with waiting for the device"
    );
    describe_histogram!("mlx_lm_load_seconds", Unit::Seconds, "Time to load a model");
    describe_gauge!("mlx_lm_models_loaded", "Models in memory");
    describe_gauge!("mlx_lm_active_bytes", Unit::Bytes, "Bytes that models' arrays hold");
    describe_gauge!("mlx_lm_pool_bytes", Unit::Bytes, "Bytes of freed buffers kept for reuse");
    describe_gauge!("mlx_lm_peak_bytes", Unit::Bytes, "The most bytes that arrays held");
    describe_gauge!("mlx_lm_prefix_cache_bytes", Unit::Bytes, "Bytes of cached prompts");
    describe_gauge!("mlx_lm_running", "Generations that run");
    describe_gauge!("mlx_lm_waiting", "Generations that wait");
}

fn gauges(fleet: &Fleet) {
    let loaded = fleet.loaded();
    gauge!("mlx_lm_models_loaded").set(loaded.len() as f64);
    loaded.iter().for_each(|(model, _)| holds(&model.name, &model.runner.gauges()));
}

/// Takes note of what a model holds: nothing, once it is unloaded.
pub(super) fn holds(model: &str, held: &Gauges) {
    let rows = [
        ("mlx_lm_active_bytes", held.active_bytes),
        ("mlx_lm_pool_bytes", held.pool_bytes),
        ("mlx_lm_peak_bytes", held.peak_bytes),
        ("mlx_lm_prefix_cache_bytes", held.prefix_bytes),
        ("mlx_lm_running", held.running),
        ("mlx_lm_waiting", held.waiting),
    ];
    for (name, value) in rows {
        gauge!(name, "model" => model.to_owned()).set(value as f64);
    }
}

/// Takes note of a request that was answered.
pub(super) fn request(route: &str, status: u16, began: Instant) {
    counter!("mlx_lm_requests_total", "route" => route.to_owned(), "status" => status.to_string())
        .increment(1);
    histogram!("mlx_lm_request_seconds").record(began.elapsed().as_secs_f64());
}

/// Takes note of a generation that ended.
pub(super) fn generation(finished: &super::protocol::Finished) {
    let super::protocol::Finished { usage, timings, malformed_calls, .. } = finished;
    counter!("mlx_lm_tool_parse_failures_total").increment(*malformed_calls as u64);
    counter!("mlx_lm_prompt_tokens_total").increment(usage.prompt as u64);
    counter!("mlx_lm_cached_tokens_total").increment(usage.cached as u64);
    counter!("mlx_lm_generated_tokens_total").increment(usage.completion as u64);
    let seconds = |nanos: u64| Duration::from_nanos(nanos).as_secs_f64();
    histogram!("mlx_lm_first_token_seconds").record(seconds(timings.queue + timings.prefill));
    if usage.completion > 1 {
        let per_token = |nanos| seconds(nanos) / (usage.completion - 1) as f64;
        histogram!("mlx_lm_token_seconds").record(per_token(timings.decode));
        histogram!("mlx_lm_token_model_seconds").record(per_token(timings.model));
    }
}
