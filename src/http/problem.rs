//! What an error is in HTTP: its status, its headers, and its problem document (RFC 9457), which is what a
//! client reads of it.

use super::reply::{Headers, Reply};
use crate::error::{Conflict, DavFault, Error, Fault};
use rouille::Response;
use serde::Serialize;

/// Each error in HTTP: its status, the last part of its problem's type where a client has to know the problem
/// by more than its status, and the sentence for the client, which holds nothing that the client may not
/// learn.
#[rustfmt::skip] // a table
fn row(error: &Error) -> (u16, &'static str, &'static str) {
    match error {
        Error::DeadLink => (400, "dead-link", "This link is wrong, was used already or is too old."),
        Error::Unauthenticated => (401, "", "Sign in first: the token is missing or not valid."),
        Error::BadCredentials => (401, "", "Invalid username or password"),
        Error::UnknownDevice => (401, "", "Sign in with your username or address and an app password."),
        Error::EmailNotConfirmed => (401, "email-not-confirmed", "Confirm your e-mail address first."),
        Error::AccountDisabled => (401, "account-disabled", "This account is disabled."),
        Error::SecondFactorRequired => (401, "second-factor-required", "Send the code of your second factor too."),
        Error::SecondFactorWrong => (401, "second-factor-wrong", "The code of the second factor is wrong or was used already."),
        Error::AdminOnly => (403, "", "Only admins may do this."),
        Error::WrongPassword => (403, "wrong-password", "The current password is wrong."),
        Error::ReadOnly => (403, "read-only", "This app password may read only."),
        Error::PasswordNeeded => (403, "password-needed", "You signed in more than an hour ago: send your password too."),
        Error::StaleForm => (403, "stale-form", "This form is not of the page that you are signed in on. Load it again."),
        Error::RegistrationClosed => (403, "registration-closed", "Nobody can register here. Ask whoever runs this server."),
        Error::NotFound => (404, "", "There is nothing here."),
        Error::InTrash => (404, "", "This contact is in the trash: restore it first."),
        Error::MethodNotAllowed(_) => (405, "", "This path does not take this method."),
        Error::Conflict(Conflict::UsernameTaken) => (409, "username-taken", "This username is taken."),
        Error::Conflict(Conflict::EmailTaken) => (409, "email-taken", "There is an account with this e-mail address."),
        Error::Conflict(Conflict::LastAdmin) => (409, "last-admin", "This is the last active admin."),
        Error::Conflict(Conflict::UidTaken) => (409, "uid-taken", "Another contact has this uid."),
        Error::Conflict(Conflict::TooManyDismissals) => (409, "quota-exceeded", "No more can be dismissed in this account."),
        Error::Conflict(Conflict::TooManyAppPasswords) => (409, "too-many-app-passwords", "There are 50 app passwords: revoke one."),
        Error::Conflict(Conflict::SecondFactorOn) => (409, "second-factor-on", "There is a second factor already."),
        Error::Conflict(Conflict::SecondFactorOff) => (409, "second-factor-off", "There is no second factor."),
        Error::Conflict(Conflict::OwnSecondFactor) => (409, "own-second-factor", "This is your own account: send password and code to /api/users/me/totp."),
        Error::Resync => (410, "resync", "This token is not known any more. Begin anew, without one."),
        Error::PreconditionFailed => (412, "", "It was changed since you read it. Read it again."),
        Error::TooManyRequests(_) => (429, "", "Too many requests. Try again later."),
        Error::Internal(_) => (500, "", "The server made a mistake. It is written down."),
        Error::Unavailable(_) => (503, "", "The server is busy or a part of it is down. Try again."),
        Error::Dav(fault) => (precondition(fault).0, "", "The request breaks a rule of WebDAV."),
        // Their sentences have something of their own, see `detail`.
        Error::Conflict(Conflict::QuotaExceeded(_)) => (409, "quota-exceeded", ""),
        Error::Malformed(_) => (400, "", ""),
        Error::BodyTooLarge(_) => (413, "", ""),
        Error::UnsupportedMediaType(_) => (415, "", ""),
        Error::Invalid(_) => (422, "", ""),
    }
}

/// The status of a broken rule of WebDAV, and the name of its element.
pub(super) fn precondition(fault: &DavFault) -> (u16, &'static str) {
    match fault {
        DavFault::FiniteDepth => (403, "D:propfind-finite-depth"),
        DavFault::NoExternalEntities => (403, "D:no-external-entities"),
        DavFault::ValidSyncToken => (403, "D:valid-sync-token"),
        DavFault::ValidSyncTokenThunderbird => (400, "D:valid-sync-token"),
        DavFault::SupportedReport => (403, "D:supported-report"),
        DavFault::SupportedCollation => (403, "C:supported-collation"),
        DavFault::SupportedFilter => (403, "C:supported-filter"),
        DavFault::SupportedAddressData => (403, "C:supported-address-data"),
        DavFault::AddressDataConversion => (406, "C:supported-address-data-conversion"),
        DavFault::ValidAddressData => (403, "C:valid-address-data"),
        DavFault::TooMuchText => (413, "C:max-resource-size"),
        // Not 403, which the RFC names: DAVx5 goes on after 409 and stops after 403.
        DavFault::NoUidConflict(_) => (409, "C:no-uid-conflict"),
        DavFault::MissingParent => (409, "C:addressbook-collection-location-ok"),
        DavFault::Forbidden(rule) => (403, rule),
        DavFault::OtherServer => (502, "D:same-server"),
    }
}

/// The standard phrase of an error's status.
pub fn title(error: &Error) -> &'static str {
    http1::reason(row(error).0)
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
        let mut reply = Reply::page(row(error).0, page);
        reply.headers.extend(error_headers(error));
        reply
    }
}

/// The sentence for the client.
pub fn detail(error: &Error) -> String {
    match error {
        Error::UnsupportedMediaType(why) => format!("Unsupported content: {why}."),
        Error::BodyTooLarge(max) => format!("The body may have at most {max} bytes."),
        Error::Malformed(why) => format!("{why}."),
        Error::Conflict(Conflict::QuotaExceeded(why)) => why.clone(),
        Error::Invalid(faults) => {
            let faults: Vec<_> =
                faults.iter().map(|f| format!("{} {}", f.field, f.detail)).collect();
            format!("{}.", faults.join("; "))
        }
        other => row(other).2.to_owned(),
    }
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
    let (status, kind, _) = row(error);
    let type_ =
        if kind.is_empty() { "about:blank".to_owned() } else { format!("/problems/{kind}") };
    let mut response = document(type_, status, detail(error), request_id, errors);
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
    Reply::json_with(status, &problem).with("Content-Type", "application/problem+json").into()
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
