//! Who may ask: names of hosts, origins, keys, media types. Every route passes here.

use crate::serve::{
    App,
    failure::{Failure, Kind},
    http::router::is_public,
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use std::{net::IpAddr, sync::Arc};
use subtle::ConstantTimeEq;

/// Who asks, as the guard found out.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::serve) struct Caller {
    /// Differs between keys, so that one's cached prompts are never another's.
    pub(in crate::serve) salt: u64,
}

/// Lets a request pass, or refuses it.
pub(super) async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    if let Err(failure) = check_host(&app, headers, request.version()) {
        return failure.into_response();
    }
    let origin = headers.get(header::ORIGIN).cloned();
    if let Some(origin) = &origin
        && !is_origin_allowed(&app, origin, headers)
    {
        return Failure::new(
            Kind::Forbidden,
            "pages of this origin may not use the server; see --allow-origin",
        )
        .into_response();
    }
    if request.method() == Method::OPTIONS {
        return with_origin(origin, preflight());
    }
    let response = match admit(&app, &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(failure) => failure.into_response(),
    };
    with_origin(origin, response)
}

fn admit(app: &App, request: &Request) -> Result<Caller, Failure> {
    let headers = request.headers();
    let caller = if is_public(request.uri().path()) { Caller::default() } else { check_key(app, headers)? };
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Failure::new(Kind::MediaType, "compressed bodies are not accepted"));
    }
    // Without a body there is nothing that a page's form could have written.
    let is_empty = headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0")
        && !headers.contains_key(header::TRANSFER_ENCODING);
    if !is_empty && !is_json(headers) {
        let message = "send the body as `Content-Type: application/json`";
        return Err(Failure::new(Kind::MediaType, message));
    }
    Ok(caller)
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// Against DNS rebinding: a page of `evil.example` whose name has come to point here still names its own host.
fn check_host(app: &App, headers: &HeaderMap, version: Version) -> Result<(), Failure> {
    let forbidden = |message: &str| Err(Failure::new(Kind::Forbidden, message));
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_10 => Ok(()),
        (Some(host), None) => match host.to_str().ok().and_then(host_name) {
            Some(name) if is_host_allowed(app, &name) => Ok(()),
            _ => forbidden("this `Host` is not served here; see --allow-host"),
        },
        _ => forbidden("a request must name one `Host`"),
    }
}

/// The name in `name:port`, in lower case, without brackets and a final dot.
fn host_name(host: &str) -> Option<String> {
    let name = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            is_port(port).then_some(name)?
        }
        None => {
            let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
            is_port(port).then_some(name)?
        }
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}

fn is_local(name: &str) -> bool {
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_host_allowed(app: &App, name: &str) -> bool {
    let bound = app.address.ip();
    let is_own_address = name.parse::<IpAddr>().is_ok_and(|ip| ip == bound || bound.is_unspecified());
    is_local(name)
        || is_own_address
        || app.options.allowed_hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}

/// Pages of this machine, of the host that the request names, and of origins that the server was told.
fn is_origin_allowed(app: &App, origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    if app.options.allowed_origins.iter().any(|allowed| allowed.trim_end_matches('/') == origin) {
        return true;
    }
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let own = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_web = scheme == "http" || scheme == "https";
    is_web && (own == Some(authority) || host_name(authority).is_some_and(|name| is_local(&name)))
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE, HEAD"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, x-api-key, x-request-id"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Lets the page of an allowed origin read the answer.
fn with_origin(origin: Option<HeaderValue>, mut response: Response) -> Response {
    if let Some(origin) = origin {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("origin"));
    response
}

/// The key may come as OpenAI's clients send it, or as Anthropic's do.
fn check_key(app: &App, headers: &HeaderMap) -> Result<Caller, Failure> {
    let keys = &app.options.api_keys;
    if keys.is_empty() {
        return Ok(Caller::default());
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    let given = bearer.or_else(|| headers.get("x-api-key").and_then(|value| value.to_str().ok()));
    let given = Sha256::digest(given.unwrap_or_default());
    // Hashes have one length, and all are compared: the time tells nothing of the keys.
    let mut found = None;
    for key in keys {
        let key = Sha256::digest(key);
        if bool::from(key.as_slice().ct_eq(given.as_slice())) {
            let salt = key.iter().take(8).fold(0, |salt, byte| salt << 8 | u64::from(*byte));
            found = Some(Caller { salt });
        }
    }
    found.ok_or_else(|| {
        let message = "a valid API key is needed: `Authorization: Bearer KEY` or `x-api-key: KEY`";
        Failure::new(Kind::Unauthorized, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts() {
        for (host, name) in [
            ("localhost", Some("localhost")),
            ("LocalHost:8080", Some("localhost")),
            ("localhost.:8080", Some("localhost")),
            ("127.0.0.1:1", Some("127.0.0.1")),
            ("[::1]:8080", Some("::1")),
            ("[::1]", Some("::1")),
            ("evil.example", Some("evil.example")),
            ("localhost:99999", None),
            ("localhost:80:80", None),
            ("[::1", None),
            ("localhost@evil.example", Some("localhost@evil.example")),
            ("", None),
            (".", None),
        ] {
            assert_eq!(host_name(host).as_deref(), name, "{host}");
        }
        for name in ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(is_local(name), "{name}");
        }
        for name in
            ["evil.example", "localhost.evil.example", "xlocalhost", "0.0.0.0", "10.0.0.1", "localhost@x"]
        {
            assert!(!is_local(name), "{name}");
        }
    }
}
