//! Headers of every answer, of rate limits and for other origins.

use crate::error::LimitState;
use rouille::Response;

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
