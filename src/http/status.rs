//! What an error is in HTTP: its status, the name of its problem, its headers.

use crate::error::{Conflict, DavFault, Error};
use std::borrow::Cow;

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
        Error::Dav(fault) => precondition(fault).0,
        Error::BodyTooLarge(_) => 413,
        Error::UnsupportedMediaType(_) => 415,
        Error::Invalid(_) => 422,
        Error::TooManyRequests(_) => 429,
        Error::Internal(_) => 500,
        Error::Unavailable(_) => 503,
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
        // Not 403, which the RFC names: DAVx5 goes on after 409 and stops after 403.
        DavFault::NoUidConflict(_) => (409, "C:no-uid-conflict"),
        DavFault::ProtectedProperty => (403, "D:cannot-modify-protected-property"),
        DavFault::MissingParent => (409, "C:addressbook-collection-location-ok"),
        DavFault::Forbidden(rule) => (403, rule),
        DavFault::OtherServer => (502, "D:same-server"),
    }
}

/// The last part of a problem's type, where a client has to distinguish two problems of one status.
pub(super) fn kind(error: &Error) -> Option<&'static str> {
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

/// RFC 7617: how a device is asked for its password.
const BASIC: &str = "Basic realm=\"contactd\", charset=\"UTF-8\"";

pub(super) type Headers = Vec<(Cow<'static, str>, Cow<'static, str>)>;

pub(super) fn error_headers(error: &Error) -> Headers {
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
