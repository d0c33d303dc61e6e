//! One request: find the route, open its gate, run, log.

use crate::access;
use crate::context::{App, Call};
use crate::crypto;
use crate::error::{Error, LimitState, Result};
use crate::http::{self, Reply};
use crate::limits;
use crate::routes::{self, Gate, Route};
use ipnet::IpNet;
use rouille::{Request, Response};
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Answers one request. Whatever happens inside, the client gets an answer and the log the story.
pub fn respond(app: &App, request: &Request) -> Response {
    let began = Instant::now();
    let request_id = request_id(request);
    let (found, mut response) = catch_unwind(AssertUnwindSafe(|| {
        answer(app, request, &request_id)
    }))
    .unwrap_or_else(|_| (None, problem(&Error::internal("a handler panicked"), &request_id)));
    http::common_headers(&mut response, &request_id);
    cors(app, request, &mut response);
    let took = began.elapsed();
    app.counters.of(counted_as(found, request.method())).count(response.status_code, took);
    // Paths that hold secrets are logged as their patterns, unknown ones not at all: they may be
    // misspelt ones.
    let path = match found {
        Some(route) if route.path.contains("{token}") || route.path.contains("{secret}") => {
            route.path
        }
        Some(_) => request.raw_url().split('?').next().unwrap_or_default(),
        None => "-",
    };
    log::info!(
        "{} {path} {} {:.1}ms request_id={request_id}",
        request.method(),
        response.status_code,
        took.as_secs_f64() * 1_000.0,
    );
    response
}

/// The place in `ROUTES` under which a request is counted: none when no route answered it.
fn counted_as(found: Option<&'static Route>, method: &str) -> Option<usize> {
    let verb = if method == "HEAD" { "GET" } else { method };
    let found = found.filter(|route| route.verb == verb)?;
    routes::ROUTES.iter().position(|route| std::ptr::eq(route, found))
}

/// Largest body in bytes that the route of this method and target takes.
pub fn body_limit(method: &str, target: &str) -> u64 {
    let path = target.split('?').next().unwrap_or_default();
    let routes = routes::find(path).map(|(routes, _)| routes).unwrap_or_default();
    routes.iter().find(|route| route.verb == method).map_or(0, |route| route.body)
}

/// The answer to what never becomes a request, see `front`.
pub fn refuse(status: u16, detail: &str) -> Response {
    let request_id = new_request_id();
    let mut response = http::refusal(status, detail, &request_id);
    http::common_headers(&mut response, &request_id);
    response
}

fn answer(app: &App, request: &Request, request_id: &str) -> (Option<&'static Route>, Response) {
    let path = request.raw_url().split('?').next().unwrap_or_default();
    if path == "*" && request.method() == "OPTIONS" {
        // RFC 9110, 9.3.7: about the server as a whole.
        let verbs = "OPTIONS, GET, HEAD, POST, PUT, PATCH, DELETE";
        return (None, http::options(verbs.to_owned()));
    }
    let Some((routes, params)) = routes::find(path) else {
        return (None, problem(&Error::NotFound, request_id));
    };
    let verb = match request.method() {
        "HEAD" => "GET",
        verb => verb,
    };
    let some = routes.first().copied();
    let Some(&route) = routes.iter().find(|route| route.verb == verb) else {
        let allow = allow(&routes);
        let response = match verb {
            "OPTIONS" => http::options(allow),
            _ => problem(&Error::MethodNotAllowed(allow), request_id),
        };
        return (some, response);
    };
    let call = Call {
        app,
        now: app.now(),
        ip: client_address(request, &app.config.trusted_proxies),
        request_id: request_id.to_owned(),
        params,
        body_max: route.body,
        request,
    };
    let mut state = None;
    let result = pass(route, &call, &mut state);
    let mut response = match result {
        Ok(reply) => reply.into(),
        Err(error) if route.pages && call.is_form() => {
            note(&error, request_id);
            http::error_page(&error, request_id)
        }
        Err(error) => problem(&error, request_id),
    };
    if let Some(state) = state {
        http::limit_headers(&mut response, state);
    }
    (Some(route), response)
}

/// Through the gate in the order of the contract: 401, 403, 429, 413, then the handler.
fn pass(route: &Route, call: &Call, state: &mut Option<LimitState>) -> Result<Reply> {
    if let Gate::Anyone(handler) = route.gate {
        let states = call.app.cache.count(&limits::of_route(route.limit, call, None));
        within(states, state)?;
        check_size(call)?;
        return handler(call);
    }
    let ids = access::token_ids(call).inspect_err(|_| {
        // Counted for its address, although 401 comes before 429.
        *state = call.app.cache.count(&limits::of_route(route.limit, call, None)).first().copied();
    })?;
    let (caller, states) =
        access::caller(call, ids, &limits::of_route(route.limit, call, Some(ids.0)))?;
    *state = states.first().copied();
    let caller = caller?;
    match route.gate {
        Gate::User(handler) => {
            within(states, state)?;
            check_size(call)?;
            handler(call, &caller)
        }
        Gate::Admin(handler) => {
            let admin = access::admin(caller)?;
            within(states, state)?;
            check_size(call)?;
            handler(call, &admin)
        }
        Gate::Anyone(handler) => handler(call),
    }
}

fn within(states: Vec<LimitState>, told: &mut Option<LimitState>) -> Result<()> {
    *told = states.first().copied();
    match states.into_iter().find(|state| state.exceeded) {
        Some(state) => Err(Error::TooManyRequests(state)),
        None => Ok(()),
    }
}

/// The body is refused by its announced length, before a byte of it is read.
fn check_size(call: &Call) -> Result<()> {
    let announced = call.header("Content-Length").and_then(|length| length.parse::<u64>().ok());
    match announced {
        Some(length) if length > call.body_max => Err(Error::BodyTooLarge(call.body_max)),
        _ => Ok(()),
    }
}

fn problem(error: &Error, request_id: &str) -> Response {
    note(error, request_id);
    http::problem(error, request_id)
}

/// What is our fault goes to the log.
fn note(error: &Error, request_id: &str) {
    match error {
        Error::Internal(cause) => log::error!("{cause} request_id={request_id}"),
        Error::Unavailable(cause) => log::warn!("{cause} request_id={request_id}"),
        _ => {}
    }
}

fn allow(routes: &[&Route]) -> String {
    let mut verbs = vec!["OPTIONS"];
    for route in routes {
        verbs.push(route.verb);
        if route.verb == "GET" {
            verbs.push("HEAD");
        }
    }
    verbs.join(", ")
}

/// The request's own id if it has a decent one, else a new one.
fn request_id(request: &Request) -> String {
    let decent = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    let own = request.header("X-Request-Id").filter(decent);
    own.map_or_else(new_request_id, str::to_owned)
}

fn new_request_id() -> String {
    // Without random bytes the request still has to be answered.
    crypto::random_uuid().unwrap_or_else(|_| "no-random-bytes".to_owned())
}

/// The client's address. Of the addresses in `X-Forwarded-For` the last one counts that no
/// trusted proxy has: what stands before it, the client itself may have written.
fn client_address(request: &Request, trusted: &[IpNet]) -> IpAddr {
    let peer = request.remote_addr().ip().to_canonical();
    let trusts = |ip: &IpAddr| trusted.iter().any(|network| network.contains(ip));
    if !trusts(&peer) {
        return peer;
    }
    let lines = request.headers().filter(|(name, _)| name.eq_ignore_ascii_case("X-Forwarded-For"));
    let told: Vec<_> = lines.flat_map(|(_, line)| line.split(',')).collect();
    let mut address = peer;
    for entry in told.into_iter().rev() {
        let entry = entry.trim();
        let parsed = entry.parse::<IpAddr>().or(entry.parse::<SocketAddr>().map(|a| a.ip()));
        let Ok(ip) = parsed else { break };
        address = ip.to_canonical();
        if !trusts(&address) {
            break;
        }
    }
    address
}

/// Cross-origin headers, for the origins of the configuration only.
fn cors(app: &App, request: &Request, response: &mut Response) {
    if app.config.cors_origins.is_empty() {
        return;
    }
    let mut add = |name: &'static str, value: String| {
        response.headers.push((name.into(), value.into()));
    };
    add("Vary", "Origin".to_owned());
    let Some(origin) = request.header("Origin") else { return };
    if !app.config.cors_origins.iter().any(|known| known == origin) {
        return;
    }
    add("Access-Control-Allow-Origin", origin.to_owned());
    if request.method() == "OPTIONS" && request.header("Access-Control-Request-Method").is_some() {
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
