//! What goes wrong with a request, and how each API says it.

use serde::{Deserialize, Serialize};

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    pub(super) message: String,
    /// The field of the request that is to blame.
    pub(super) param: Option<String>,
}

/// Kinds of failure; [`Kind::facts`] has what each means to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// A field has a value that makes no sense.
    Invalid,
    /// A field, or a value of one, that this server does not serve.
    Unsupported,
    ContextLength,
    Unauthorized,
    Forbidden,
    ModelNotFound,
    RouteNotFound,
    MethodNotAllowed,
    BodyTimeout,
    BodyTooLarge,
    MediaType,
    QueueFull,
    Memory,
    Draining,
    Deadline,
    /// The model's process died.
    RunnerDied,
    /// The model's files are at fault.
    ModelBroken,
    Internal,
}

/// Status, OpenAI's type and code, and Anthropic's type.
pub(super) struct KindFacts {
    pub(super) status: u16,
    pub(super) openai: &'static str,
    pub(super) code: &'static str,
    pub(super) anthropic: &'static str,
    /// Seconds after which trying again makes sense.
    pub(super) retry_after: Option<u32>,
}

impl Kind {
    #[rustfmt::skip]
    pub(super) fn facts(self) -> KindFacts {
        let row = |status, openai, code, anthropic, retry_after| {
            KindFacts { status, openai, code, anthropic, retry_after }
        };
        const BAD: &str = "invalid_request_error";
        match self {
            Kind::Invalid          => row(400, BAD, "invalid_value", BAD, None),
            Kind::Unsupported      => row(400, BAD, "unsupported_parameter", BAD, None),
            Kind::ContextLength    => row(400, BAD, "context_length_exceeded", BAD, None),
            Kind::Unauthorized     => row(401, "authentication_error", "invalid_api_key", "authentication_error", None),
            Kind::Forbidden        => row(403, "permission_error", "forbidden", "permission_error", None),
            Kind::ModelNotFound    => row(404, BAD, "model_not_found", "not_found_error", None),
            Kind::RouteNotFound    => row(404, BAD, "not_found", "not_found_error", None),
            Kind::MethodNotAllowed => row(405, BAD, "method_not_allowed", BAD, None),
            Kind::BodyTimeout      => row(408, BAD, "request_timeout", BAD, None),
            Kind::BodyTooLarge     => row(413, BAD, "request_too_large", "request_too_large", None),
            Kind::MediaType        => row(415, BAD, "unsupported_media_type", BAD, None),
            Kind::QueueFull        => row(503, "server_error", "queue_full", "overloaded_error", Some(2)),
            Kind::Memory           => row(503, "server_error", "insufficient_memory", "overloaded_error", Some(10)),
            Kind::Draining         => row(503, "server_error", "shutting_down", "overloaded_error", Some(5)),
            Kind::Deadline         => row(504, "server_error", "deadline_exceeded", "timeout_error", None),
            Kind::RunnerDied       => row(500, "server_error", "model_process_died", "api_error", None),
            Kind::ModelBroken      => row(500, "server_error", "model_broken", "api_error", None),
            Kind::Internal         => row(500, "server_error", "internal_error", "api_error", None),
        }
    }
}

impl Failure {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into(), param: None }
    }

    /// A value of the field `param` that makes no sense.
    pub(super) fn invalid(param: &str, message: impl Into<String>) -> Failure {
        Failure { param: Some(param.to_owned()), ..Failure::new(Kind::Invalid, message) }
    }

    /// A field, or a value of one, that is not served.
    pub(super) fn unsupported(param: &str, message: impl Into<String>) -> Failure {
        Failure { param: Some(param.to_owned()), ..Failure::new(Kind::Unsupported, message) }
    }

    pub(super) fn internal(message: impl Into<String>) -> Failure {
        Failure::new(Kind::Internal, message)
    }

    pub(super) fn model_not_found(name: &str) -> Failure {
        let message = format!(
            "no model `{name}` on this machine; `mlx-lm list` shows those there are, `mlx-lm pull` fetches more"
        );
        Failure { param: Some("model".into()), ..Failure::new(Kind::ModelNotFound, message) }
    }
}

impl From<&crate::Error> for Failure {
    fn from(error: &crate::Error) -> Failure {
        use crate::Error as E;
        let kind = match error {
            E::ContextLength { .. } => Kind::ContextLength,
            E::Invalid(_) | E::Template(_) | E::Grammar(_) => Kind::Invalid,
            E::ModelNotFound { .. } | E::Offline { .. } => Kind::ModelNotFound,
            E::Config { .. }
            | E::UnsupportedModel { .. }
            | E::UnsupportedQuantization(_)
            | E::Weights { .. }
            | E::Io { .. } => Kind::ModelBroken,
            _ => Kind::Internal,
        };
        Failure::new(kind, error.to_string())
    }
}
