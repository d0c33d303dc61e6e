//! [`Reply`] and [`Error`] → status, headers, bytes: the only place that knows status codes.

pub mod dav;

use crate::error::{Conflict, Error, Fault, LimitState};
use rouille::{Response, ResponseBody};
use serde::Serialize;
use serde_json::json;
use std::borrow::Cow;
use std::io::Read;

/// What a handler answers.
pub struct Reply {
    status: u16,
    headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    body: ResponseBody,
}

const JSON: &str = "application/json";

/// What a page may do: use our style sheet, our script and our pictures, ask us, and post its forms
/// to us.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The policy of whatever is no page: whoever opens it in a browser sees text or a picture, in no frame.
const INERT: &str = "default-src 'none'; frame-ancestors 'none'";

impl Reply {
    fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Reply {
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

    /// Noted; what follows is not told.
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

    /// An HTML page that tells of an error, with the status of the error.
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

/// The status of an error.
pub fn status(error: &Error) -> u16 {
    match error {
        Error::Malformed(_) | Error::DeadLink => 400,
        Error::Unauthenticated
        | Error::BadCredentials
        | Error::EmailNotConfirmed
        | Error::AccountDisabled
        | Error::SecondFactorRequired
        | Error::SecondFactorWrong
        | Error::UnknownDevice => 401,
        Error::WrongPassword
        | Error::AdminOnly
        | Error::ReadOnly
        | Error::PasswordNeeded
        | Error::StaleForm
        | Error::RegistrationClosed => 403,
        Error::NotFound => 404,
        Error::MethodNotAllowed(_) => 405,
        Error::Conflict(_) => 409,
        Error::Resync => 410,
        Error::PreconditionFailed => 412,
        Error::Dav(fault) => dav::precondition(fault).0,
        Error::BodyTooLarge(_) => 413,
        Error::UnsupportedMediaType(_) => 415,
        Error::Invalid(_) => 422,
        Error::TooManyRequests(_) => 429,
        Error::Internal(_) => 500,
        Error::Unavailable(_) => 503,
    }
}

/// The last part of a problem's type, where a client has to tell two problems of one status apart.
fn kind(error: &Error) -> Option<&'static str> {
    match error {
        Error::EmailNotConfirmed => Some("email-not-confirmed"),
        Error::AccountDisabled => Some("account-disabled"),
        Error::WrongPassword => Some("wrong-password"),
        Error::SecondFactorRequired => Some("second-factor-required"),
        Error::SecondFactorWrong => Some("second-factor-wrong"),
        Error::ReadOnly => Some("read-only"),
        Error::PasswordNeeded => Some("password-needed"),
        Error::StaleForm => Some("stale-form"),
        Error::RegistrationClosed => Some("registration-closed"),
        Error::DeadLink => Some("dead-link"),
        Error::Conflict(Conflict::UsernameTaken) => Some("username-taken"),
        Error::Conflict(Conflict::EmailTaken) => Some("email-taken"),
        Error::Conflict(Conflict::LastAdmin) => Some("last-admin"),
        Error::Conflict(Conflict::UidTaken) => Some("uid-taken"),
        Error::Conflict(Conflict::QuotaExceeded) => Some("quota-exceeded"),
        Error::Resync => Some("resync"),
        Error::Conflict(Conflict::TooManyAppPasswords) => Some("too-many-app-passwords"),
        Error::Conflict(Conflict::SecondFactorOn) => Some("second-factor-on"),
        Error::Conflict(Conflict::SecondFactorOff) => Some("second-factor-off"),
        Error::Conflict(Conflict::OwnSecondFactor) => Some("own-second-factor"),
        _ => None,
    }
}

/// The standard phrase of an error's status.
pub fn title(error: &Error) -> &'static str {
    http1::reason(status(error))
}

/// What a client is told: never more than it knows already, or may know.
pub fn detail(error: &Error) -> String {
    let fixed = match error {
        Error::NotFound => "There is nothing here.",
        Error::MethodNotAllowed(_) => "This path does not take this method.",
        Error::Unauthenticated => "Sign in first: the access token is missing or not valid.",
        Error::BadCredentials => "Invalid username or password",
        Error::EmailNotConfirmed => "Confirm your e-mail address first.",
        Error::AccountDisabled => "This account is disabled.",
        Error::WrongPassword => "The current password is wrong.",
        Error::SecondFactorRequired => "Send the code of your second factor too.",
        Error::SecondFactorWrong => "The code of the second factor is wrong or was used already.",
        Error::UnknownDevice => "Sign in with your username or address and an app password.",
        Error::ReadOnly => "This app password may read only.",
        Error::PasswordNeeded => "You signed in more than an hour ago: send your password too.",
        Error::StaleForm => {
            "This form is not of the page that you are signed in on. Load it again."
        }
        Error::RegistrationClosed => "Nobody can register here. Ask whoever runs this server.",
        Error::AdminOnly => "Only admins may do this.",
        Error::TooManyRequests(_) => "Too many requests. Try again later.",
        Error::DeadLink => "This link is wrong, was used already or is too old.",
        Error::Conflict(Conflict::UsernameTaken) => "This username is taken.",
        Error::Conflict(Conflict::EmailTaken) => "There is an account with this e-mail address.",
        Error::Conflict(Conflict::LastAdmin) => "This is the last active admin.",
        Error::Conflict(Conflict::UidTaken) => "Another contact has this uid.",
        Error::Conflict(Conflict::QuotaExceeded) => "The address book is as large as it may be.",
        Error::Resync => "This token is not known any more. Begin anew, without one.",
        Error::Conflict(Conflict::TooManyAppPasswords) => "There are 50 app passwords: revoke one.",
        Error::Conflict(Conflict::SecondFactorOn) => "There is a second factor already.",
        Error::Conflict(Conflict::SecondFactorOff) => "There is no second factor.",
        Error::Conflict(Conflict::OwnSecondFactor) => {
            "This is your own account: send password and code to /api/users/me/totp."
        }
        Error::PreconditionFailed => "It was changed since you read it. Read it again.",
        Error::Dav(_) => "The request breaks a rule of WebDAV.",
        Error::Unavailable(_) => "The server is busy or a part of it is down. Try again.",
        Error::Internal(_) => "The server made a mistake. It is written down.",
        Error::UnsupportedMediaType(why) => return format!("Unsupported content: {why}."),
        Error::BodyTooLarge(max) => return format!("The body may have at most {max} bytes."),
        Error::Malformed(why) => return format!("{why}."),
        Error::Invalid(faults) => {
            let faults: Vec<_> =
                faults.iter().map(|f| format!("{} {}", f.field, f.detail)).collect();
            return format!("{}.", faults.join("; "));
        }
    };
    fixed.to_owned()
}

/// A problem document (RFC 9457).
#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    type_: String,
    title: &'static str,
    status: u16,
    detail: String,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Fault],
}

/// The problem document of an error.
pub fn problem(error: &Error, request_id: &str) -> Response {
    let errors: &[Fault] = match error {
        Error::Invalid(faults) => faults,
        _ => &[],
    };
    let status = status(error);
    let type_ = kind(error).map_or("about:blank".to_owned(), |kind| format!("/problems/{kind}"));
    let detail = detail(error);
    let mut response =
        Problem { type_, title: http1::reason(status), status, detail, request_id, errors }
            .response();
    response.headers.extend(error_headers(error));
    response
}

impl Problem<'_> {
    fn response(&self) -> Response {
        let body = serde_json::to_vec(self).unwrap_or_default();
        Reply::new(self.status, "application/problem+json", body).into()
    }
}

/// The problem document of a status that no handler gives: what the front refuses.
pub fn refusal(status: u16, detail: &str, request_id: &str) -> Response {
    let (type_, detail) = ("about:blank".to_owned(), detail.to_owned());
    let problem =
        Problem { type_, title: http1::reason(status), status, detail, request_id, errors: &[] };
    let mut response = problem.response();
    if status == 503 {
        response.headers.push(("Retry-After".into(), "1".into()));
    }
    response
}

/// RFC 7617: what a device is asked for.
const BASIC: &str = "Basic realm=\"contactd\", charset=\"UTF-8\"";

type Headers = Vec<(Cow<'static, str>, Cow<'static, str>)>;

fn error_headers(error: &Error) -> Headers {
    match error {
        // RFC 9110, 11.6.1: every 401 says how to sign in.
        Error::Unauthenticated
        | Error::BadCredentials
        | Error::EmailNotConfirmed
        | Error::AccountDisabled
        | Error::SecondFactorRequired
        | Error::SecondFactorWrong => vec![("WWW-Authenticate".into(), "Bearer".into())],
        Error::UnknownDevice => vec![("WWW-Authenticate".into(), BASIC.into())],
        Error::MethodNotAllowed(allow) => vec![("Allow".into(), allow.clone().into())],
        Error::TooManyRequests(state) => {
            vec![("Retry-After".into(), state.reset_seconds.to_string().into())]
        }
        Error::Unavailable(_) => vec![("Retry-After".into(), "1".into())],
        _ => Vec::new(),
    }
}

/// Headers that tell where the caller stands in a rate limit.
pub fn limit_headers(response: &mut Response, state: LimitState) {
    let numbers = [
        ("RateLimit-Limit", state.limit),
        ("RateLimit-Remaining", state.remaining),
        ("RateLimit-Reset", state.reset_seconds),
    ];
    let headers = numbers.map(|(name, number)| (name.into(), number.to_string().into()));
    response.headers.extend(headers);
}

/// Headers of every answer. Nothing is cached unless its handler said so, because most answers
/// hold personal data. `https`: this is how clients reach us (RFC 6797).
pub fn common_headers(response: &mut Response, request_id: &str, https: bool) {
    let has = |response: &Response, name: &str| {
        response.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    if !has(response, "Cache-Control") {
        response.headers.push(("Cache-Control".into(), "no-store".into()));
    }
    if !has(response, "Content-Security-Policy") {
        response.headers.push(("Content-Security-Policy".into(), INERT.into()));
    }
    if https {
        // A year, as the proxies of deploy/ say it too.
        let value = "max-age=31536000";
        response.headers.push(("Strict-Transport-Security".into(), value.into()));
    }
    response.headers.extend([
        ("X-Content-Type-Options".into(), "nosniff".into()),
        ("Referrer-Policy".into(), "no-referrer".into()),
        ("X-Request-Id".into(), request_id.to_owned().into()),
    ]);
}

/// Cross-origin headers, for the origins of the configuration only.
pub fn cors_headers(
    response: &mut Response,
    known: &[String],
    origin: Option<&str>,
    preflight: bool,
) {
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
        let headers = "ETag, Link, Location, RateLimit-Limit, RateLimit-Remaining, \
            RateLimit-Reset, Retry-After, X-Request-Id, X-Total-Count";
        add("Access-Control-Expose-Headers", headers.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn who_is_turned_away_is_told_when_to_come_again() {
        for (status, told) in [(503, true), (400, false)] {
            let headers = refusal(status, "", "").headers;
            assert_eq!(headers.iter().any(|(name, _)| name == "Retry-After"), told, "{status}");
        }
    }
}
