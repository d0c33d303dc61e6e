//! One request: find the route, open its gate, run, log.

use crate::access::{self, Claim};
use crate::cache::{Asked, Counter, LookedUp};
use crate::context::{App, Call};
use crate::crypto;
use crate::error::{Error, Result};
use crate::http::{self, Reply};
use crate::limits;
use crate::routes::{self, Gate, Route};
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use rouille::{Request, Response};
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// A request on its way: what is known of it when the cache was asked.
pub struct Begun {
    began: Instant,
    now: DateTime<Utc>,
    ip: IpAddr,
    request_id: String,
    own_id: String,
    params: routes::Params,
    way: Way,
    looked_up: LookedUp,
}

/// Where a request goes.
enum Way {
    /// To a route, with what the request says of its sender where the route wants to know.
    To(&'static Route, Result<Option<Claim>>),
    /// To no handler. The route, if there is one, has the right path.
    Refused(Option<&'static Route>, Error),
    /// To the answer to `OPTIONS`; none: about the server as a whole.
    Options(Option<&'static Route>, String),
}

/// Answers one request.
pub fn respond(app: &App, request: &Request) -> Response {
    let begun = begin(app, std::slice::from_ref(request)).pop();
    begun.map_or_else(|| refuse(500, ""), |begun| begun.answer(app, request))
}

/// Looks at requests that are here together, and asks the cache about all of them at once. The
/// result has their order.
pub fn begin(app: &App, requests: &[Request]) -> Vec<Begun> {
    let (mut all, counters): (Vec<_>, Vec<_>) =
        requests.iter().map(|request| Begun::new(app, request)).unzip();
    let asked =
        all.iter().zip(&counters).map(|(begun, counters)| Asked { user: begun.user(), counters });
    let looked_up = app.cache.look_up(&asked.collect::<Vec<_>>());
    for (begun, looked_up) in all.iter_mut().zip(looked_up) {
        begun.looked_up = looked_up;
    }
    all
}

impl Begun {
    fn new(app: &App, request: &Request) -> (Begun, Vec<Counter>) {
        let began = Instant::now();
        let mut call = Call {
            app,
            now: app.now(),
            ip: client_address(request, &app.config.trusted_proxies),
            request_id: request_id(request),
            own_id: String::new(),
            params: Vec::new(),
            body_max: 0,
            request,
        };
        let (way, params) = way(&call);
        let counters = match &way {
            // A request that no user sent is counted for its address, whatever it wanted.
            Way::To(route, claim) => {
                let claim = claim.as_ref().ok().and_then(Option::as_ref);
                let subject = claim.map(Claim::subject);
                limits::of_route(route.limit, &call, subject.as_deref())
            }
            Way::Refused(..) => limits::of_address(&call),
            Way::Options(..) => Vec::new(),
        };
        call.params = params;
        call.own_id = own_id(request, &call.request_id);
        let Call { now, ip, request_id, own_id, params, .. } = call;
        let looked_up = LookedUp::default();
        (Begun { began, now, ip, request_id, own_id, params, way, looked_up }, counters)
    }

    /// Whose request it is, as far as its token tells.
    fn user(&self) -> Option<i64> {
        match &self.way {
            Way::To(_, Ok(Some(claim))) => Some(claim.user),
            _ => None,
        }
    }

    /// Its answer keeps nobody waiting: there is nothing to be asked any more.
    pub fn is_quick(&self) -> bool {
        match &self.way {
            Way::To(route, Ok(_)) => route.quick && self.looked_up.is_complete(),
            _ => true,
        }
    }

    /// The answer. Whatever happens inside, the client gets one and the log the story.
    pub fn answer(self, app: &App, request: &Request) -> Response {
        let Begun { began, now, ip, request_id, own_id, params, way, looked_up } = self;
        let found = match &way {
            Way::To(route, _) => Some(*route),
            Way::Refused(route, _) | Way::Options(route, _) => *route,
        };
        let answer = || match way {
            Way::To(route, claim) => {
                let body_max = route.body;
                let (request_id, own_id) = (request_id.clone(), own_id.clone());
                let call = Call { app, now, ip, request_id, own_id, params, body_max, request };
                run(route, &call, claim, looked_up)
            }
            Way::Refused(_, error) => {
                let past = looked_up.limits.iter().find(|state| state.exceeded);
                let error = past.map_or(error, |state| Error::TooManyRequests(*state));
                problem(&error, &request_id)
            }
            Way::Options(_, allow) => http::options(allow),
        };
        let mut response = catch_unwind(AssertUnwindSafe(answer))
            .unwrap_or_else(|_| problem(&Error::internal("a handler panicked"), &request_id));
        http::common_headers(&mut response, &request_id, app.config.is_https());
        cors(app, request, &mut response);
        let took = began.elapsed();
        app.counters.of(counted_as(found, request.method())).count(response.status_code, took);
        // Paths that hold secrets are logged as their patterns, unknown ones not at all: they may
        // be misspelt ones.
        let path = match found {
            Some(route) if route.path.contains("{token}") || route.path.contains("{secret}") => {
                route.path
            }
            Some(_) => request.raw_url().split('?').next().unwrap_or_default(),
            None => "-",
        };
        // Audit events name our own id.
        let own = if own_id == request_id { String::new() } else { format!(" own_id={own_id}") };
        log::info!(
            "{} {path} {} {:.1}ms request_id={request_id}{own}",
            request.method(),
            response.status_code,
            took.as_secs_f64() * 1_000.0,
        );
        response
    }
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
    http::common_headers(&mut response, &request_id, false);
    response
}

fn way(call: &Call) -> (Way, routes::Params) {
    let path = call.request.raw_url().split('?').next().unwrap_or_default();
    if path == "*" && call.request.method() == "OPTIONS" {
        // RFC 9110, 9.3.7: about the server as a whole.
        let verbs = "OPTIONS, GET, HEAD, POST, PUT, PATCH, DELETE";
        return (Way::Options(None, verbs.to_owned()), Vec::new());
    }
    let Some((routes, params)) = routes::find(path) else {
        return (Way::Refused(None, Error::NotFound), Vec::new());
    };
    let verb = match call.request.method() {
        "HEAD" => "GET",
        verb => verb,
    };
    let way = match (routes.iter().find(|route| route.verb == verb), routes.first()) {
        (Some(route), _) => {
            let claim = match route.gate {
                Gate::Anyone(_) => Ok(None),
                Gate::User(_) | Gate::Admin(_) => access::access_token(call).map(Some),
                Gate::Contacts(_) => access::any_token(call).map(Some),
                Gate::Device(_) => access::basic(call).map(Some),
                Gate::Visitor(_) => Ok(access::cookie(call)),
            };
            Way::To(route, claim)
        }
        (None, route @ Some(_)) if verb == "OPTIONS" => {
            Way::Options(route.copied(), allow(&routes))
        }
        (None, route) => Way::Refused(route.copied(), Error::MethodNotAllowed(allow(&routes))),
    };
    (way, params)
}

/// Runs a route's handler, if its gate opens.
fn run(
    route: &Route,
    call: &Call,
    claim: Result<Option<Claim>>,
    looked_up: LookedUp,
) -> Response {
    let state = looked_up.limits.first().copied();
    let result = pass(route, call, claim, looked_up);
    let mut response = match result {
        Ok(reply) => reply.into(),
        Err(error) if route.pages && call.is_form() => {
            note(&error, &call.request_id);
            http::error_page(&error, &call.request_id)
        }
        Err(error) => problem(&error, &call.request_id),
    };
    if let Some(state) = state {
        http::limit_headers(&mut response, state);
    }
    response
}

/// Through the gate in the order of the contract: 401, 403, 429, 413, then the handler. Past the limit
/// of its address 429 takes the place of 401.
fn pass(
    route: &Route,
    call: &Call,
    claim: Result<Option<Claim>>,
    mut looked_up: LookedUp,
) -> Result<Reply> {
    let states = std::mem::take(&mut looked_up.limits);
    let counted = || match states.iter().find(|state| state.exceeded) {
        Some(state) => Err(Error::TooManyRequests(*state)),
        None => Ok(()),
    };
    let within_limits = || counted().and_then(|()| check_size(call));
    let claim = match claim {
        Ok(claim) => claim,
        Err(error) => return counted().and(Err(error)),
    };
    let Some(known) = &claim else {
        return match &route.gate {
            Gate::Anyone(handler) => within_limits().and_then(|()| handler(call)),
            Gate::Visitor(handler) => {
                within_limits()?;
                handler(call, &access::visitor(call, None, looked_up)?)
            }
            _ => Err(Error::Unauthenticated),
        };
    };
    // Whoever is nobody after all counts for the address and not for the account.
    let refused = |error| match error {
        error @ (Error::Unauthenticated | Error::UnknownDevice) => {
            limits::refused(call, route.limit, &known.subject(), error)
        }
        other => other,
    };
    match &route.gate {
        Gate::Anyone(handler) => within_limits().and_then(|()| handler(call)),
        Gate::User(handler) => {
            let caller = access::caller(call, known, looked_up).map_err(refused)?;
            within_limits()?;
            handler(call, &caller)
        }
        Gate::Admin(handler) => {
            let caller = access::caller(call, known, looked_up).map_err(refused)?;
            let admin = access::admin(caller)?;
            within_limits()?;
            handler(call, &admin)
        }
        Gate::Contacts(handler) => {
            let owner = access::owner(call, known, looked_up).map_err(refused)?;
            within_limits()?;
            handler(call, &owner)
        }
        Gate::Device(handler) => {
            let device = access::device(call, known, looked_up).map_err(refused)?;
            within_limits()?;
            handler(call, &device)
        }
        Gate::Visitor(handler) => {
            let visitor = access::visitor(call, Some(known), looked_up)?;
            within_limits()?;
            handler(call, &visitor)
        }
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

/// The request's id unless the client chose that.
fn own_id(request: &Request, request_id: &str) -> String {
    match request.header("X-Request-Id") {
        Some(chosen) if chosen == request_id => new_request_id(),
        _ => request_id.to_owned(),
    }
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
