//! What happens to text before the model sees it: templates, tokens, limits.

use super::{Flag, Outbox, embeddings::Asked, fail, structure, watch::watched};
use crate::{
    Lm, Pooling, Result, TemplateOptions, Tokenizer,
    serve::{
        failure::{Failure, Kind},
        protocol::{
            self, Answer, Conversation, Event, Facts, Format, Input, Job, Question, Report, ToolChoice,
        },
    },
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    time::{Duration, Instant},
};

/// Answers without a limit of their own, from models that name no context, end here.
const LONGEST_ANSWER: usize = 32 << 10;

/// For models that name no context.
const LONGEST_CONTEXT: usize = 1 << 20;

/// More than a token has, but for runs of blanks in some vocabularies.
const BYTES_PER_TOKEN: usize = 64;

/// Work for the text threads.
pub(super) enum Task {
    Generate { id: u64, job: Box<Job>, flag: Flag },
    Ask { id: u64, question: Question, flag: Flag },
}

/// Work for the model.
pub(super) enum Work {
    Generate(Prepared),
    Embed(Asked),
}

/// A generation that is ready for the model.
pub(super) struct Prepared {
    pub(super) id: u64,
    pub(super) job: Box<Job>,
    pub(super) flag: Flag,
    pub(super) prompt: Vec<u32>,
    /// The prompt as text, if it was made of a conversation.
    pub(super) rendered: Option<String>,
    /// Where messages end in the prompt: what the model keeps is worth keeping there, if it cannot be cut.
    pub(super) boundaries: Vec<usize>,
    pub(super) max_tokens: usize,
    pub(super) accepted: Instant,
    pub(super) deadline: Option<Instant>,
}

/// What is known of the model in `lm`.
pub(super) fn facts(lm: &Lm) -> Result<Facts> {
    let tokenizer = lm.tokenizer();
    let template = tokenizer.chat_template();
    Ok(Facts {
        model_type: lm.config().model_type.clone(),
        context_length: lm.context_length(),
        vocabulary: tokenizer.vocab_size(),
        weight_bytes: lm.weight_bytes()? as u64,
        has_template: template.is_some(),
        can_call_tools: template.is_some_and(|template| template.source_with_tools().contains("tools")),
        no_vectors: Pooling::of(lm.config()).err().map(|error| error.to_string()),
        can_cut: lm.model().new_cache().can_trim(1),
        warnings: lm.warnings().to_vec(),
    })
}

/// The text threads' common knowledge.
pub(super) struct Texts {
    tokenizer: Tokenizer,
    facts: Facts,
    context: Option<usize>,
    work: mpsc::Sender<Work>,
    out: Outbox,
}

impl Texts {
    pub(super) fn new(
        tokenizer: Tokenizer,
        facts: Facts,
        context: Option<usize>,
        work: mpsc::Sender<Work>,
        out: Outbox,
    ) -> Texts {
        let limits = [context, facts.context_length];
        let context = limits.into_iter().flatten().min();
        Texts { tokenizer, facts, context, work, out }
    }

    /// Does a task and reports. A panic of a library is this request's misfortune alone.
    pub(super) fn work(&self, task: Task) {
        let done = |work: &mut dyn FnMut() -> Result<(), Failure>| {
            let panicked = |_| Err(Failure::internal("the tokenizer or the template failed"));
            catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(panicked)
        };
        match task {
            Task::Generate { id, job, flag } => {
                let mut job = Some(job);
                let mut work = || {
                    let Some(job) = job.take() else { return Ok(()) };
                    let prepared = self.prepare(id, job, flag.clone())?;
                    let event = Event::Accepted { prompt_tokens: prepared.prompt.len() };
                    self.out.send(Report::Event { id, event });
                    self.hand_over(Work::Generate(prepared))
                };
                if let Err(failure) = done(&mut work) {
                    fail(&self.out, id, failure);
                }
            }
            Task::Ask { id, question: Question::Embed(texts), flag } => {
                let mut work = || {
                    let (flag, dimensions) = (flag.clone(), texts.dimensions);
                    let texts = self.texts(&texts)?;
                    self.hand_over(Work::Embed(Asked { id, flag, texts, dimensions }))
                };
                if let Err(failure) = done(&mut work) {
                    self.out.send(Report::Answer { id, answer: Err(failure) });
                }
            }
            Task::Ask { id, question, .. } => {
                let mut answer = Err(Failure::internal("no answer"));
                let asked = done(&mut || {
                    answer = self.answer(&question);
                    Ok(())
                });
                let answer = asked.and(answer);
                self.out.send(Report::Answer { id, answer });
            }
        }
    }

    fn hand_over(&self, work: Work) -> Result<(), Failure> {
        self.work.send(work).map_err(|_| Failure::internal("the engine has stopped"))
    }

    /// The tokens of texts that the model is to make vectors of.
    fn texts(&self, texts: &protocol::Texts) -> Result<Vec<Vec<u32>>, Failure> {
        if let Some(why) = &self.facts.no_vectors {
            let message = format!("the model makes no vectors of texts: {why}");
            return Err(Failure::unsupported("model", message));
        }
        let limit = self.context.into_iter().chain(texts.context).min().unwrap_or(usize::MAX);
        let tokens = |input: &Input| {
            let (mut tokens, _) =
                self.encode(input).map_err(|f| Failure { param: Some("input".into()), ..f })?;
            if tokens.is_empty() {
                return Err(Failure::invalid("input", "a text is empty"));
            }
            if tokens.len() > limit {
                if !texts.truncate {
                    return Err(Failure::from(&crate::Error::ContextLength { prompt: tokens.len(), limit }));
                }
                // The token that closes a text stays at its end.
                let end = tokens.last().copied().filter(|id| self.tokenizer.eos_ids().contains(id));
                tokens.truncate(limit - usize::from(end.is_some()));
                tokens.extend(end);
            }
            Ok(tokens)
        };
        texts.inputs.iter().map(tokens).collect()
    }

    fn prepare(&self, id: u64, job: Box<Job>, flag: Flag) -> Result<Prepared, Failure> {
        let accepted = Instant::now();
        let mut job = job;
        self.fit(&mut job)?;
        let (prompt, rendered) = self.encode(&job.input)?;
        if prompt.is_empty() {
            return Err(Failure::invalid("prompt", "the prompt is empty"));
        }
        let limit = self.context.into_iter().chain(job.context).min().unwrap_or(usize::MAX);
        if prompt.len() >= limit {
            return Err(Failure::from(&crate::Error::ContextLength { prompt: prompt.len(), limit }));
        }
        let room = if limit == usize::MAX { LONGEST_ANSWER } else { limit - prompt.len() };
        let max_tokens = job.max_tokens.unwrap_or(room).min(limit - prompt.len());
        if let Some(&(id, _)) =
            job.sampling.logit_bias.iter().find(|(id, _)| *id as usize >= self.facts.vocabulary)
        {
            let message =
                format!("the model has no token {id}; its tokens are below {}", self.facts.vocabulary);
            return Err(Failure::invalid("logit_bias", message));
        }
        let deadline = job.deadline.map(|ms| accepted + Duration::from_millis(ms));
        let boundaries = self.boundaries(&job.input, &prompt)?;
        Ok(Prepared { id, job, flag, prompt, rendered, boundaries, max_tokens, accepted, deadline })
    }

    /// Refuses what does not go together, and fits the template's variables to the rest.
    fn fit(&self, job: &mut Job) -> Result<(), Failure> {
        let Input::Chat(conversation) = &mut job.input else { return Ok(()) };
        let forces = structure::forces(conversation);
        if forces && !structure::can_force(&self.tokenizer) {
            return Err(Failure::unsupported("tool_choice", structure::CANNOT_FORCE));
        }
        if job.format == Format::Text && !forces {
            return Ok(());
        }
        if job.format != Format::Text
            && structure::may_call(conversation)
            && !structure::can_choose(&self.tokenizer)
        {
            let message =
                "this model's calls cannot be told from an answer that follows a format; send one of the two";
            return Err(Failure::unsupported("response_format", message));
        }
        // What must be JSON, or a call, from its first token on has no thoughts before.
        conversation.kwargs.entry("enable_thinking").or_insert(false.into());
        Ok(())
    }

    /// Where the first message and the last but one end in the prompt: the next request begins alike up to there.
    fn boundaries(&self, input: &Input, prompt: &[u32]) -> Result<Vec<usize>, Failure> {
        let Input::Chat(conversation) = input else { return Ok(vec![]) };
        let count = conversation.messages.len();
        if self.facts.can_cut || count < 2 {
            return Ok(vec![]);
        }
        let mut boundaries = vec![];
        for end in [1, count - 1] {
            let options = TemplateOptions {
                add_generation_prompt: false,
                tools: conversation.tools.clone(),
                kwargs: conversation.kwargs.clone(),
                ..TemplateOptions::default()
            };
            // Some templates refuse the beginning of a conversation; then there is no such place.
            let messages = &conversation.messages[..end];
            let Ok(text) = watched(|| self.tokenizer.apply_chat_template(messages, &options))? else {
                continue;
            };
            let tokens = self.tokens(&text, false)?;
            let shared = tokens.iter().zip(prompt).take_while(|(a, b)| a == b).count();
            boundaries.extend((shared > 0 && shared < prompt.len()).then_some(shared));
        }
        Ok(boundaries)
    }

    /// The token ids of a text, unless it is longer than any context: there are texts on which tokenizers take minutes.
    fn tokens(&self, text: &str, special: bool) -> Result<Vec<u32>, Failure> {
        let most = self.context.unwrap_or(LONGEST_CONTEXT).saturating_mul(BYTES_PER_TOKEN);
        if text.len() > most {
            let message =
                format!("the text has {} bytes; the model's context holds {most} at most", text.len());
            return Err(Failure::new(Kind::ContextLength, message));
        }
        self.tokenizer.encode(text, special).map_err(failed)
    }

    fn encode(&self, input: &Input) -> Result<(Vec<u32>, Option<String>), Failure> {
        Ok(match input {
            Input::Text(text) => (self.tokens(text, true)?, None),
            Input::Tokens(tokens) => {
                self.check_known("prompt", tokens)?;
                (tokens.clone(), None)
            }
            Input::Chat(conversation) => {
                let text = self.render(conversation)?;
                (self.tokens(&text, false)?, Some(text))
            }
        })
    }

    fn check_known(&self, param: &str, tokens: &[u32]) -> Result<(), Failure> {
        match tokens.iter().find(|id| **id as usize >= self.facts.vocabulary) {
            Some(id) => Err(Failure::invalid(param, format!("the model has no token {id}"))),
            None => Ok(()),
        }
    }

    fn render(&self, conversation: &Conversation) -> Result<String, Failure> {
        let Conversation { messages, tools, choice, kwargs, continue_last, .. } = conversation;
        let tools = if *choice == ToolChoice::None { vec![] } else { tools.clone() };
        if !tools.is_empty() && !self.facts.can_call_tools {
            return Err(Failure::unsupported("tools", "this model's chat template knows no tools"));
        }
        let options = TemplateOptions {
            add_generation_prompt: !continue_last,
            continue_final_message: *continue_last,
            tools,
            kwargs: kwargs.clone(),
            ..TemplateOptions::default()
        };
        watched(|| self.tokenizer.apply_chat_template(messages, &options))?
            .map_err(|error| Failure { param: Some("messages".into()), ..failed(error) })
    }

    fn answer(&self, question: &Question) -> Result<Answer, Failure> {
        Ok(match question {
            Question::Tokenize { text, special } => Answer::Tokens(self.tokens(text, *special)?),
            Question::Detokenize { tokens, skip_special } => {
                self.check_known("tokens", tokens)?;
                Answer::Text(self.tokenizer.decode(tokens, *skip_special).map_err(failed)?)
            }
            Question::Render(conversation) => Answer::Text(self.render(conversation)?),
            Question::Count(input) => Answer::Count(self.encode(input)?.0.len()),
            Question::Embed(_) => return Err(Failure::internal("vectors are the model's work")),
        })
    }
}

fn failed(error: crate::Error) -> Failure {
    Failure::from(&error)
}
