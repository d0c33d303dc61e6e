//! Picks the route of a path by its method, and turns a claim into a handler with its caller: 404, 405, 401, 403
//! (and 403 for a form that is stale).

use crate::access::{self, Admin, Caller, Claim, Device, Owner, Visitor};
use crate::cache::LookedUp;
use crate::context::{Call, SMALL_BODY};
use crate::error::{Error, Result};
use crate::http::Reply;
use crate::routes::{Gate, OTHERS_OF_DAV, Route};

/// How far a request has come.
pub(super) enum Stage {
    /// It has a route, and a claim about its sender if the route needs one.
    Routed(&'static Route),
    /// Its caller may call, and within the limits: this runs.
    Authorized(Box<Handler>),
    /// It gets no further.
    Refused(Error),
    /// It asks which methods there are.
    Options(String),
    /// `run` has taken out what it was.
    Answered,
}

/// What runs, with the caller that it takes.
pub(super) enum Handler {
    Anyone(fn(&Call) -> Result<Reply>),
    User(fn(&Call, &Caller) -> Result<Reply>, Caller),
    Contacts(fn(&Call, &Owner) -> Result<Reply>, Owner),
    Device(fn(&Call, &Device) -> Result<Reply>, Device),
    Visitor(fn(&Call, &Visitor) -> Result<Reply>, Visitor),
    Admin(fn(&Call, &Admin) -> Result<Reply>, Admin),
}

/// The route of a path for the method, the claim of the request about its sender, and what is to be done.
pub(super) fn find_route(
    call: &Call,
    found: &[&'static Route],
) -> (Option<&'static Route>, Option<Claim>, Stage) {
    let (first, method) = (found.first().copied(), call.request.method());
    if method == "OPTIONS" && call.request.raw_url() == "*" {
        // RFC 9110, 9.3.7: about the server as a whole.
        let verbs = "OPTIONS, GET, HEAD, POST, PUT, PATCH, DELETE";
        return (None, None, Stage::Options(verbs.to_owned()));
    }
    let mut routes = found.iter().copied();
    let route = routes.find(|route| route.verb == verb(call));
    let route = route.or_else(|| first.filter(|it| it.is_below_dav()).map(|_| &OTHERS_OF_DAV));
    let Some(route) = route.filter(|_| !is_preflight(call)) else {
        let stage = match first {
            None => Stage::Refused(Error::NotFound),
            Some(_) if method == "OPTIONS" => Stage::Options(allow(found)),
            Some(_) => Stage::Refused(Error::MethodNotAllowed(allow(found))),
        };
        return (first, None, stage);
    };
    let claim = match route.gate {
        Gate::Anyone(_) => Ok(None),
        Gate::User(_) | Gate::Admin(_) => access::access_token(call).map(Some),
        Gate::Contacts(_) => access::any_token(call).map(Some),
        Gate::Device(_) => access::basic(call).map(Some),
        Gate::Visitor(_) => Ok(access::cookie(call)),
    };
    match claim {
        Ok(claim) => (Some(route), claim, Stage::Routed(route)),
        Err(error) => (Some(route), None, Stage::Refused(error)),
    }
}

/// The handler of a route with the caller that its gate wants: 401, 403.
pub(super) fn let_in(
    route: &Route,
    call: &Call,
    claim: Option<&Claim>,
    looked_up: LookedUp,
) -> Result<Handler> {
    Ok(match (&route.gate, claim) {
        (Gate::Anyone(run), _) => Handler::Anyone(*run),
        (Gate::Visitor(run), claim) => {
            let visitor = access::visitor(call, claim, looked_up)?;
            // A long form needs a session. Without one it is refused before its body is read, with the error for
            // a session that has ended.
            if visitor.caller().is_none() && is_long(call) {
                return Err(Error::StaleForm);
            }
            Handler::Visitor(*run, visitor)
        }
        (Gate::User(run), Some(claim)) => {
            Handler::User(*run, access::caller(call, claim, looked_up)?)
        }
        (Gate::Contacts(run), Some(claim)) => {
            Handler::Contacts(*run, access::owner(call, claim, looked_up)?)
        }
        (Gate::Device(run), Some(claim)) => {
            Handler::Device(*run, access::device(call, claim, looked_up)?)
        }
        (Gate::Admin(run), Some(claim)) => {
            Handler::Admin(*run, access::admin(access::caller(call, claim, looked_up)?)?)
        }
        (Gate::User(_) | Gate::Contacts(_) | Gate::Device(_) | Gate::Admin(_), None) => {
            return Err(Error::Unauthenticated);
        }
    })
}

/// Whether the claim of a request was true, by the handler that it got; none: that was not found out, as without
/// Postgres. `AdminOnly` and `ReadOnly` come only after it was found true. A real app password of the wrong scope,
/// or with a wrong name before it, counts as false here.
pub(super) fn claim_held(handler: &Result<Handler>) -> Option<bool> {
    match handler {
        Ok(Handler::Visitor(_, visitor)) => Some(visitor.caller().is_some()),
        Ok(_) | Err(Error::AdminOnly | Error::ReadOnly) => Some(true),
        Err(error) => denies_claim(error).then_some(false),
    }
}

/// Whether this error says that the claim is not true, or that there is none.
pub(super) fn denies_claim(error: &Error) -> bool {
    matches!(error, Error::Unauthenticated | Error::UnknownDevice | Error::StaleForm)
}

/// The body is chunked, longer than `SMALL_BODY`, or announced with a length that cannot be read.
fn is_long(call: &Call) -> bool {
    let announced = call.header("Content-Length").map(|length| length.parse::<u64>());
    let chunked = call.header("Transfer-Encoding").is_some();
    chunked
        || announced.is_some_and(|length| !length.is_ok_and(|length| length <= SMALL_BODY as u64))
}

/// True for a preflight: a browser asks whether a page of another origin may send a request.
pub(super) fn is_preflight(call: &Call) -> bool {
    call.request.method() == "OPTIONS" && call.header("Access-Control-Request-Method").is_some()
}

/// The method, with `GET` for `HEAD`.
pub(super) fn verb(call: &Call) -> &str {
    match call.request.method() {
        "HEAD" => "GET",
        verb => verb,
    }
}

fn allow(routes: &[&Route]) -> String {
    let mut verbs = vec!["OPTIONS"];
    for route in routes.iter().filter(|route| route.verb != "OPTIONS") {
        verbs.push(route.verb);
        if route.verb == "GET" {
            verbs.push("HEAD");
        }
    }
    verbs.join(", ")
}
