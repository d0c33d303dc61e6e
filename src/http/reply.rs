//! What a handler answers.

use super::status::{Headers, error_headers, status};
use crate::error::Error;
use rouille::{Response, ResponseBody};
use serde::Serialize;
use serde_json::json;
use std::borrow::Cow;
use std::io::Read;

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

    fn json_with(status: u16, value: &impl Serialize) -> Reply {
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

    /// Made; here it is, and where.
    pub fn created(location: Option<String>, value: &impl Serialize) -> Reply {
        let reply = Reply::json_with(201, value);
        match location {
            Some(location) => reply.with("Location", location),
            None => reply,
        }
    }

    /// Noted; the answer does not say what follows.
    pub fn accepted(message: &str) -> Reply {
        Reply::json_with(202, &json!({ "message": message }))
    }

    /// Done; there is nothing to say.
    pub fn no_content() -> Reply {
        Reply { status: 204, headers: Vec::new(), body: ResponseBody::empty() }
    }

    /// It is elsewhere, for now.
    pub fn see_other(location: String) -> Reply {
        let headers = vec![("Location".into(), location.into())];
        Reply { status: 303, headers, body: ResponseBody::empty() }
    }

    /// These methods there are.
    pub fn options(allow: String) -> Reply {
        Reply::no_content().with("Allow", allow)
    }

    /// What the client has is what there is.
    pub fn not_modified() -> Reply {
        Reply { status: 304, headers: Vec::new(), body: ResponseBody::empty() }
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

    /// An HTML page about an error, with the status of the error.
    pub fn html_error(error: &Error, page: String) -> Reply {
        let mut reply = Reply::page(status(error), page);
        reply.headers.extend(error_headers(error));
        reply
    }

    fn page(status: u16, page: String) -> Reply {
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
        self.with("ETag", format!("\"{revision}\""))
    }
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Response {
        let Reply { status, headers, body } = reply;
        Response { status_code: status, headers, data: body, upgrade: None }
    }
}
