//! What a handler answers, and the headers of every answer, of rate limits and for other origins.

use crate::config::Config;
use crate::context::etag;
use crate::error::LimitState;
use rouille::{Response, ResponseBody};
use serde::Serialize;
use serde_json::json;
use std::borrow::Cow;
use std::io::Read;

pub(super) type Headers = Vec<(Cow<'static, str>, Cow<'static, str>)>;

/// What a handler answers.
pub struct Reply {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: ResponseBody,
}

const JSON: &str = "application/json";

/// What a page may do: load our style sheet, our script and our pictures, send requests to us, and
/// post its forms to us.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

impl Reply {
    pub(super) fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Reply {
        let headers = vec![("Content-Type".into(), content_type.into())];
        Reply { status, headers, body: ResponseBody::from_data(body) }
    }

    pub(super) fn empty(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: ResponseBody::empty() }
    }

    pub(super) fn json_with(status: u16, value: &impl Serialize) -> Reply {
        // Our own types always serialize: they have no maps with keys other than strings.
        Reply::new(status, JSON, serde_json::to_vec(value).unwrap_or_default())
    }

    /// Done; here is the result, which is JSON already.
    pub fn json_text(text: String) -> Reply {
        Reply::new(200, JSON, text)
    }

    /// Made; here it is, in JSON already, and where.
    pub fn created_text(location: String, text: String) -> Reply {
        Reply::new(201, JSON, text).with("Location", location)
    }

    /// Done; here is the result.
    pub fn json(value: &impl Serialize) -> Reply {
        Reply::json_with(200, value)
    }

    /// Made; here it is.
    pub fn created(value: &impl Serialize) -> Reply {
        Reply::json_with(201, value)
    }

    /// Noted; the answer does not say what follows.
    pub fn accepted(message: &str) -> Reply {
        Reply::json_with(202, &json!({ "message": message }))
    }

    /// Done; there is nothing to say.
    pub fn no_content() -> Reply {
        Reply::empty(204)
    }

    /// It is elsewhere, for now.
    pub fn see_other(location: String) -> Reply {
        Reply::empty(303).with("Location", location)
    }

    /// These methods there are.
    pub fn options(allow: String) -> Reply {
        Reply::no_content().with("Allow", allow)
    }

    /// What the client has is what there is.
    pub fn not_modified() -> Reply {
        Reply::empty(304)
    }

    /// Not ready to serve, with the reasons.
    pub fn not_ready(value: &impl Serialize) -> Reply {
        Reply::json_with(503, value).with("Retry-After", "5")
    }

    /// An HTML page.
    pub fn html(page: String) -> Reply {
        Reply::page(200, page)
    }

    /// An HTML page that answers a form with 202.
    pub fn html_accepted(page: String) -> Reply {
        Reply::page(202, page)
    }

    pub(super) fn page(status: u16, page: String) -> Reply {
        Reply::new(status, "text/html; charset=utf-8", page)
            .with("Content-Security-Policy", PAGE_POLICY)
            .with("X-Frame-Options", "DENY")
    }

    /// Bytes of a type.
    pub fn bytes(content_type: &'static str, body: impl Into<Vec<u8>>) -> Reply {
        Reply::new(200, content_type, body)
    }

    /// A body that is made while it is sent.
    pub fn stream(content_type: &'static str, body: impl Read + Send + 'static) -> Reply {
        let headers = vec![("Content-Type".into(), content_type.into())];
        Reply { status: 200, headers, body: ResponseBody::from_reader(body) }
    }

    /// With one more header, in place of an older one of its name.
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Reply {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With one more header, beside others of its name.
    pub fn and(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With the entity tag of the state that it shows.
    pub fn with_etag(self, revision: i64) -> Reply {
        self.with("ETag", etag(revision))
    }
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Response {
        let Reply { status, headers, body } = reply;
        Response { status_code: status, headers, data: body, upgrade: None }
    }
}

/// Where the caller stands in a rate limit.
pub fn limit_headers(response: &mut Response, state: LimitState) {
    let numbers = [
        ("RateLimit-Limit", state.limit),
        ("RateLimit-Remaining", state.remaining),
        ("RateLimit-Reset", state.reset_seconds),
    ];
    let headers = numbers.map(|(name, number)| (name.into(), number.to_string().into()));
    response.headers.extend(headers);
}

/// The policy of whatever is no page: whoever opens it in a browser sees text or a picture, in no frame.
const INERT: &str = "default-src 'none'; frame-ancestors 'none'";

/// Headers of every answer. Nothing is cached unless its handler said so, because most answers
/// hold personal data. `origin`: that of the page that asks.
pub fn common_headers(
    response: &mut Response,
    config: &Config,
    request_id: &str,
    origin: Option<&str>,
    is_preflight: bool,
) {
    let has = |response: &Response, name: &str| {
        response.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    if !has(response, "Cache-Control") {
        response.headers.push(("Cache-Control".into(), "no-store".into()));
    }
    if !has(response, "Content-Security-Policy") {
        response.headers.push(("Content-Security-Policy".into(), INERT.into()));
    }
    // RFC 6797
    if config.is_https() {
        // A year, as the proxies of deploy/ say it too.
        let value = "max-age=31536000";
        response.headers.push(("Strict-Transport-Security".into(), value.into()));
    }
    response.headers.extend([
        ("X-Content-Type-Options".into(), "nosniff".into()),
        ("Referrer-Policy".into(), "no-referrer".into()),
        ("X-Request-Id".into(), request_id.to_owned().into()),
    ]);
    cors_headers(response, &config.cors_origins, origin, is_preflight);
}

/// Cross-origin headers, for the origins of the configuration only.
fn cors_headers(response: &mut Response, known: &[String], origin: Option<&str>, preflight: bool) {
    if known.is_empty() {
        return;
    }
    let mut add = |name: &'static str, value: String| {
        response.headers.push((name.into(), value.into()));
    };
    add("Vary", "Origin".to_owned());
    let Some(origin) = origin.filter(|origin| known.iter().any(|it| it == origin)) else { return };
    add("Access-Control-Allow-Origin", origin.to_owned());
    if preflight {
        add("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE".to_owned());
        let headers = "Authorization, Content-Type, If-Match, If-None-Match, X-Request-Id";
        add("Access-Control-Allow-Headers", headers.to_owned());
        add("Access-Control-Max-Age", "600".to_owned());
    } else {
        let headers = "Content-Disposition, ETag, Link, Location, RateLimit-Limit, \
            RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id, X-Total-Count";
        add("Access-Control-Expose-Headers", headers.to_owned());
    }
}
