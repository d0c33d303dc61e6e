//! What an error is in HTTP: its status, its headers, and its problem document (RFC 9457), which is what a
//! client reads of it.

use super::reply::{Headers, Reply};
use super::rules::precondition;
use crate::error::{Conflict, Error, Fault};
use rouille::Response;
use serde::Serialize;

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
        Error::NotFound | Error::InTrash => 404,
        Error::MethodNotAllowed(_) => 405,
        Error::Conflict(_) => 409,
        Error::Resync => 410,
        Error::PreconditionFailed => 412,
        Error::Dav(fault) => precondition(fault).0,
        Error::BodyTooLarge(_) => 413,
        Error::UnsupportedMediaType(_) => 415,
        Error::Invalid(_) => 422,
        Error::TooManyRequests(_) => 429,
        Error::Internal(_) => 500,
        Error::Unavailable(_) => 503,
    }
}

/// The last part of a problem's type, where a client has to distinguish two problems of one status.
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
        Error::Conflict(Conflict::TooManyDismissals) => Some("quota-exceeded"),
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

/// RFC 7617: how a device is asked for its password.
const BASIC: &str = "Basic realm=\"contactd\", charset=\"UTF-8\"";

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

impl Reply {
    /// An HTML page about an error, with the status of the error.
    pub fn html_error(error: &Error, page: String) -> Reply {
        let mut reply = Reply::page(status(error), page);
        reply.headers.extend(error_headers(error));
        reply
    }
}

/// The sentence for the client. It holds nothing that the client may not learn.
pub fn detail(error: &Error) -> String {
    let fixed = match error {
        Error::NotFound => "There is nothing here.",
        Error::InTrash => "This contact is in the trash: restore it first.",
        Error::MethodNotAllowed(_) => "This path does not take this method.",
        Error::Unauthenticated => "Sign in first: the token is missing or not valid.",
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
        Error::Conflict(Conflict::TooManyDismissals) => "No more can be dismissed in this account.",
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
    let type_ = kind(error).map_or("about:blank".to_owned(), |kind| format!("/problems/{kind}"));
    let mut response = document(type_, status(error), detail(error), request_id, errors);
    response.headers.extend(error_headers(error));
    response
}

/// The problem document of a status that no handler gives: what the front refuses.
pub fn refusal(status: u16, detail: &str, request_id: &str) -> Response {
    let type_ = "about:blank".to_owned();
    let mut response = document(type_, status, detail.to_owned(), request_id, &[]);
    if status == 503 {
        response.headers.push(("Retry-After".into(), "1".into()));
    }
    response
}

fn document(
    type_: String,
    status: u16,
    detail: String,
    request_id: &str,
    errors: &[Fault],
) -> Response {
    let title = http1::reason(status);
    let problem = Problem { type_, title, status, detail, request_id, errors };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    Reply::new(status, "application/problem+json", body).into()
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn a_503_says_when_to_try_again() {
        for (status, expected) in [(503, true), (400, false)] {
            let headers = refusal(status, "", "").headers;
            assert_eq!(headers.iter().any(|(name, _)| name == "Retry-After"), expected, "{status}");
        }
    }
}
