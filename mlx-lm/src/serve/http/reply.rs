//! Answers: whole, or as a stream that ends the work when its reader goes away.

use crate::serve::{
    App,
    failure::{Failure, Kind},
    fleet::{KeepAlive, Lease, Ticket},
    metering,
    protocol::{Delta, Event, Finished, Job},
};
use axum::{
    body::Body,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

/// Clients give up on connections that stay silent while a long prompt is read.
const PULSE: Duration = Duration::from_secs(10);

/// A request's generations, one per choice. Dropping it cancels them.
pub(in crate::serve) struct Generation {
    pub(in crate::serve) load_time: Option<Duration>,
    pub(in crate::serve) prompt_tokens: usize,
    choices: usize,
    early: VecDeque<(usize, Event)>,
    events: mpsc::UnboundedReceiver<(usize, Event)>,
    stall: Duration,
    _tickets: Vec<Ticket>,
    /// Held to the end, after the tickets: the model stays.
    _lease: Lease,
}

impl Generation {
    /// Starts `jobs` on the model called `name`, and waits until each is accepted.
    pub(in crate::serve) async fn start(
        app: &Arc<App>,
        name: &str,
        keep: Option<KeepAlive>,
        jobs: Vec<Job>,
    ) -> Result<Generation, Failure> {
        let began = Instant::now();
        let lease = app.fleet.lease_for(name, keep, jobs.len()).await?;
        let load_time = Some(began.elapsed()).filter(|time| *time > Duration::from_millis(50));
        let (sender, mut events) = mpsc::unbounded_channel();
        let choices = jobs.len();
        let limit = u64::try_from(app.options.request_timeout.as_millis()).unwrap_or(u64::MAX);
        let start = |(choice, mut job): (usize, Job)| {
            job.deadline = Some(job.deadline.map_or(limit, |asked| asked.min(limit)));
            lease.generate(job, choice, sender.clone())
        };
        let tickets: Vec<Ticket> = jobs.into_iter().enumerate().map(start).collect();
        drop(sender);
        let (mut prompt_tokens, mut accepted) = (0, 0);
        // A first choice can have begun before the last one is accepted.
        let mut early = VecDeque::new();
        while accepted < choices {
            match events.recv().await {
                Some((_, Event::Accepted { prompt_tokens: count })) => {
                    (prompt_tokens, accepted) = (count, accepted + 1);
                }
                Some((_, Event::Failed(failure))) => return Err(failure),
                Some(event) => early.push_back(event),
                None => return Err(Failure::internal("no answer")),
            }
        }
        let stall = app.options.stall_timeout;
        Ok(Generation {
            load_time,
            prompt_tokens,
            choices,
            early,
            events,
            stall,
            _tickets: tickets,
            _lease: lease,
        })
    }

    /// The next event; none when all choices have ended.
    async fn next(&mut self) -> Option<(usize, Event)> {
        let next = match self.early.pop_front() {
            Some(event) => Some(event),
            None => self.events.recv().await,
        };
        if let Some((_, Event::Finished(finished))) = &next {
            metering::generation(finished);
        }
        next
    }
}

/// A whole answer of one choice.
#[derive(Clone, Debug, Default)]
pub(in crate::serve) struct Answer {
    pub(in crate::serve) delta: Delta,
    pub(in crate::serve) finished: Finished,
}

/// Waits for the whole answers, in the order of the choices.
pub(in crate::serve) async fn collect(mut generation: Generation) -> Result<Vec<Answer>, Failure> {
    let mut answers = vec![Answer::default(); generation.choices];
    let mut ended = 0;
    while ended < generation.choices {
        let Some((choice, event)) = generation.next().await else {
            return Err(Failure::internal("the generation ended without a reason"));
        };
        let answer = &mut answers[choice];
        match event {
            Event::Accepted { .. } | Event::Prefill { .. } => {}
            Event::Delta(delta) => {
                answer.delta.text += &delta.text;
                answer.delta.reasoning += &delta.reasoning;
                answer.delta.calls.extend(delta.calls);
                answer.delta.logprobs.extend(delta.logprobs);
            }
            Event::Finished(finished) => {
                answer.finished = finished;
                ended += 1;
            }
            Event::Failed(failure) => return Err(failure),
        }
    }
    Ok(answers)
}

/// Tells a generation in one API's words, as text that is sent at once.
pub(in crate::serve) trait Narrator: Send + 'static {
    /// The media type of the stream.
    const MEDIA_TYPE: &'static str;

    /// Before everything else.
    fn begin(&mut self, _out: &mut String) {}

    /// A piece of the answer of `choice`.
    fn delta(&mut self, choice: usize, delta: Delta, out: &mut String);

    /// The end of `choice`.
    fn finished(&mut self, choice: usize, finished: Finished, out: &mut String);

    /// After all choices.
    fn end(&mut self, _out: &mut String) {}

    /// Instead of the rest.
    fn failed(&mut self, failure: &Failure, out: &mut String);

    /// While nothing happens; `progress` is of the prompt.
    fn pulse(&mut self, _progress: Option<(usize, usize)>, _out: &mut String) {}
}

/// The generation as a stream.
pub(in crate::serve) fn stream<N: Narrator>(generation: Generation, narrator: N) -> Response {
    let (sender, receiver) = mpsc::channel::<String>(16);
    tokio::spawn(narrate(generation, narrator, sender));
    let chunks = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (Ok::<_, Infallible>(chunk), receiver))
    });
    let headers = [(CONTENT_TYPE, N::MEDIA_TYPE), (CACHE_CONTROL, "no-cache")];
    (headers, Body::from_stream(chunks)).into_response()
}

async fn narrate<N: Narrator>(mut generation: Generation, mut narrator: N, sender: mpsc::Sender<String>) {
    let mut out = String::new();
    narrator.begin(&mut out);
    let mut left = generation.choices;
    let mut progress = None;
    let mut pulse = Instant::now() + PULSE;
    while left > 0 {
        if !out.is_empty() {
            // A reader that has gone away, or reads nothing for long, ends the work: dropping the tickets cancels.
            match timeout(generation.stall, sender.send(std::mem::take(&mut out))).await {
                Ok(Ok(())) => pulse = Instant::now() + PULSE,
                _ => return,
            }
        }
        let event = tokio::select! {
            event = generation.next() => event,
            () = sender.closed() => return,
            () = sleep_until(pulse) => {
                narrator.pulse(progress, &mut out);
                pulse = Instant::now() + PULSE;
                continue;
            }
        };
        match event {
            Some((_, Event::Accepted { .. })) => {}
            Some((_, Event::Prefill { done, total })) => progress = Some((done, total)),
            Some((choice, Event::Delta(delta))) => narrator.delta(choice, delta, &mut out),
            Some((choice, Event::Finished(finished))) => {
                narrator.finished(choice, finished, &mut out);
                left -= 1;
            }
            Some((_, Event::Failed(failure))) => {
                narrator.failed(&failure, &mut out);
                // Whoever reads it knows already if it cannot be sent.
                let _ = timeout(generation.stall, sender.send(out)).await;
                return;
            }
            None => left = 0,
        }
    }
    narrator.end(&mut out);
    let _ = timeout(generation.stall, sender.send(out)).await;
}

/// A JSON document.
pub(in crate::serve) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => Failure::new(Kind::Internal, error.to_string()).into_response(),
    }
}
