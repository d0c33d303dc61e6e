//! Problem documents (RFC 9457): what a client reads of an error.

use super::reply::Reply;
use super::status::{error_headers, kind, status};
use crate::error::{Conflict, Error, Fault};
use rouille::Response;
use serde::Serialize;

/// The sentence for the client. It holds nothing that the client may not learn.
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
