//! The description of the API for programs (OpenAPI 3.1), served at `/openapi.json`.
//!
//! It is written once, in `assets/openapi.json`, which is JSON that spells out whatever is special
//! about a call. What calls have in common stands there as one member, such as `"user...": true`,
//! and `SHARED` says what that is. `tests/api/description.rs` holds the document against `ROUTES`
//! and against every answer that the tests get.

use std::sync::LazyLock;

/// Its name, the kind of component that it refers to, and that one's name.
type Member = (&'static str, &'static str, &'static str);

/// What the members ending in `...` stand for: in `headers` the first two, in `responses` the
/// others. `user`, `contacts` and `admin` hold what a call can answer whose gate is that; `body` and `query`
/// come on top for calls that read one, and `form` is for the calls that pages of ours post to.
const SHARED: [(&str, &[Member]); 10] = [
    ("common...", &[("X-Request-Id", "headers", "RequestId")]),
    (
        "limited...",
        &[
            ("X-Request-Id", "headers", "RequestId"),
            ("RateLimit-Limit", "headers", "RateLimitLimit"),
            ("RateLimit-Remaining", "headers", "RateLimitRemaining"),
            ("RateLimit-Reset", "headers", "RateLimitReset"),
        ],
    ),
    ("probe...", &[TOO_LARGE, INTERNAL, UNAVAILABLE]),
    ("anyone...", &[TOO_LARGE, TOO_MANY, INTERNAL, UNAVAILABLE]),
    ("user...", &[UNAUTHENTICATED, TOO_LARGE, TOO_MANY, INTERNAL, UNAVAILABLE]),
    ("contacts...", &[UNAUTHENTICATED, READ_ONLY, TOO_LARGE, TOO_MANY, INTERNAL, UNAVAILABLE]),
    ("admin...", &[UNAUTHENTICATED, ADMIN_ONLY, TOO_LARGE, TOO_MANY, INTERNAL, UNAVAILABLE]),
    ("query...", &[MALFORMED, INVALID]),
    ("body...", &[MALFORMED, UNSUPPORTED, INVALID]),
    (
        "form...",
        &[
            ("413", "responses", "TooLargeOrPage"),
            ("415", "responses", "UnsupportedMediaTypeOrPage"),
            ("422", "responses", "InvalidOrPage"),
            ("429", "responses", "TooManyRequestsOrPage"),
            ("500", "responses", "InternalOrPage"),
            ("503", "responses", "UnavailableOrPage"),
        ],
    ),
];

const MALFORMED: Member = ("400", "responses", "Malformed");
const UNAUTHENTICATED: Member = ("401", "responses", "Unauthenticated");
const READ_ONLY: Member = ("403", "responses", "ReadOnly");
const ADMIN_ONLY: Member = ("403", "responses", "AdminOnly");
const TOO_LARGE: Member = ("413", "responses", "TooLarge");
const UNSUPPORTED: Member = ("415", "responses", "UnsupportedMediaType");
const INVALID: Member = ("422", "responses", "Invalid");
const TOO_MANY: Member = ("429", "responses", "TooManyRequests");
const INTERNAL: Member = ("500", "responses", "Internal");
const UNAVAILABLE: Member = ("503", "responses", "Unavailable");

/// The whole document as JSON. Made at the first call.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
        let short = include_str!("../assets/openapi.json");
        let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
        let named = short.replace("\"version\": \"...\"", &version);
        SHARED.iter().fold(named, |text, (name, members)| {
            let members: Vec<_> = members
                .iter()
                .map(|(member, kind, target)| {
                    format!("\"{member}\": {{\"$ref\": \"#/components/{kind}/{target}\"}}")
                })
                .collect();
            text.replace(&format!("\"{name}\": true"), &members.join(", "))
        })
    });
    &DOCUMENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_be_spelt_out_and_nothing_is_said_twice() {
        assert!(serde_json::from_str::<serde_json::Value>(document()).is_ok());
        assert!(!document().contains("...\""));
        for (name, _) in SHARED {
            assert!(include_str!("../assets/openapi.json").contains(name), "{name} is not used");
        }
    }
}
