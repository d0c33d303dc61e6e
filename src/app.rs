//! One request, from its route to its answer: this file from top to bottom, with `authorize.rs` for the route and
//! for who may call.
//!
//! [`http1`] (a crate of this repository) reads the request, and takes it through three steps (`batch.rs`), together
//! with others that came at the same time: [`InFlight::begin`]; the look-up of [`InFlight::asked`] in the cache,
//! mostly in one round trip for all of them; [`InFlight::decide`], which answers, or says in which line the rest
//! waits. None of the three asks Postgres, since each runs in a thread that other connections need. The rest (a
//! caller whom the cache does not have, a large body, a handler that may wait) runs in a thread of its own, and ends
//! in `InFlight::answer` too.
//!
//! The cache holds accounts with their live sessions and app passwords, and counts the rate limits. Without
//! Redis, accounts come from Postgres and limits are counted in this process.

mod authorize;

use crate::access::{Claim, Visitor};
use crate::cache::{Asked, Counter, LookedUp};
use crate::context::{App, Call, new_request_id};
use crate::error::{Error, LimitState, Result};
use crate::handlers::web::reader;
use crate::http::{self, Reply};
use crate::limits;
use crate::routes::{self, Gate, Route, Waits};
use authorize::{Handler, Stage, claim_held, denies_claim, find_route, is_preflight, let_in, verb};
use http1::{Admission, Client, Look, Refusal};
use rouille::{Request, Response};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// A request in flight.
pub struct InFlight {
    began: Instant,
    call: Call,
    /// The route; the first one of the path where none has the method (405, OPTIONS).
    route: Option<&'static Route>,
    /// What the request says of its sender, if the route asks.
    claim: Option<Claim>,
    /// Anybody could have made the claim up: it is an app password or a cookie that was not found true in the
    /// last hour ([`Claim::is_guess`]). Until Postgres confirms it, the account in it is charged nothing.
    is_guess: bool,
    /// How far it has come.
    stage: Stage,
    /// Its rate limits, to be counted in the same look-up as the user.
    counters: Vec<Counter>,
    /// What the cache answered of the user.
    pub(crate) looked_up: LookedUp,
    /// Where its limits stand after counting.
    pub(crate) limits: Vec<LimitState>,
    /// Whose page it is, once it was let in: an error has a page in the same language.
    visitor: Option<Visitor>,
}

impl InFlight {
    /// Route: 404, 405, or the row of `ROUTES`. Claim: 401, or whom to look up.
    pub fn begin(app: &Arc<App>, request: Request) -> InFlight {
        let mut call = Call::new(app, request);
        let (found, params) = routes::find(call.path());
        call.params = params;
        let (route, claim, stage) = find_route(&call, &found);
        let is_guess = claim.as_ref().is_some_and(|claim| claim.is_guess(&call));
        let counters = match &stage {
            Stage::Routed(route) => {
                // It counts for the account if the claim is no guess. A request with a scarce limit (passwords,
                // imports) counts in the usual limit of its address first ([`limits::Limit::is_scarce`]); `settle` moves it.
                let account = claim.as_ref().filter(|_| !is_guess && !route.limit.is_scarce());
                limits::of_route(route.limit, &call, account.map(Claim::subject))
            }
            // What is refused counts for its address: 401, 404, 405.
            Stage::Refused(_) => limits::of_address(&call),
            _ => Vec::new(),
        };
        call.body_max = route.map_or(0, |route| route.body);
        InFlight {
            began: Instant::now(),
            call,
            route,
            claim,
            is_guess,
            stage,
            counters,
            looked_up: LookedUp::default(),
            limits: Vec::new(),
            visitor: None,
        }
    }

    /// What the cache is asked: the user, by the claim, and the rate limits, which it counts. About a guess
    /// Postgres is asked later and not the cache, so that it leaves nothing in Redis; it counts for its
    /// address until it is found true (`settle`).
    pub fn asked(&self) -> Asked<'_> {
        Asked { user: self.account(), counters: &self.counters }
    }

    /// The account that the request is charged to: the one that it names, unless that is a guess.
    fn account(&self) -> Option<i64> {
        self.claim.as_ref().filter(|_| !self.is_guess).map(|claim| claim.user)
    }

    /// What comes next, now that the cache has answered. Past a limit, what is refused anyway and what is a guess
    /// gets 429 here. Anyone else is authorized first, since 403 comes before 429: at once if the cache has the
    /// user, else in a line (`go_on`). Where a count has to be moved (`settle`), Redis is asked once more.
    pub fn decide(mut self) -> Look {
        match self.exceeded() {
            // An address past its limit gets 429 where it would get 401, 404 or 405, and no guess of it is
            // looked up.
            Some(state) if self.is_guess || matches!(self.stage, Stage::Refused(_)) => {
                self.stage = Stage::Refused(Error::TooManyRequests(state));
            }
            _ if !self.is_guess && self.looked_up.needs_no_load() => self.authorize(),
            // A guess within its limit, or a caller whom the cache does not have.
            _ => {}
        }
        self.go_on()
    }

    fn exceeded(&self) -> Option<LimitState> {
        self.limits.iter().find(|state| state.exceeded).copied()
    }

    /// The answer, or the work for it, to be done when its line says so. Where the caller may call, it is
    /// accepted: http1 receives the body and the handler runs. Where the caller has to be looked up first, a
    /// small body (at most `SMALL_BODY`) is here already, and everything is done at once; before a large one, and
    /// one that the client holds back (`Expect`), the work gets no body, and only the caller is looked up.
    fn go_on(mut self) -> Look {
        let is_accepted = matches!(self.stage, Stage::Authorized(_));
        let waits = match (&self.stage, self.route) {
            (Stage::Authorized(_), Some(route)) => route.waits,
            // The look-up waits as the handler would: that of a search as searches do, that of what hashes in the
            // line for cores. All else waits as plain work for Postgres.
            (Stage::Routed(it), _) if matches!(it.waits, Waits::Search | Waits::Core) => it.waits,
            (Stage::Routed(_), _) => Waits::Postgres,
            _ => Waits::Never,
        };
        if waits == Waits::Never {
            return Look::Answer(self.answer(Vec::new()));
        }
        let account = self.account();
        // Without an account, or while it is a guess, the address is charged.
        let client = account.map_or_else(|| Client::at(self.call.ip), Client::Account);
        let size = self.call.app.config.db_pool_size as usize;
        let is_slow = |account| self.call.app.slow_books.contains(account);
        let most = match (waits, self.call.request.method()) {
            // A request begins only while fewer than this many of its account (or address) are at work in its line,
            // whatever they do; one always may. What reads: half of the pool. A search of an account whose searches
            // are slow: one. What writes: a quarter, since writers of one book wait for each other (`owner_slots`).
            (Waits::Search, _) if account.is_some_and(is_slow) => 1,
            (Waits::Search, _) => size / 2,
            (Waits::Postgres, "GET" | "HEAD" | "PROPFIND" | "REPORT" | "OPTIONS") => size / 2,
            (Waits::Postgres, _) => size / 4,
            _ => usize::MAX,
        };
        let admission = Admission { line: waits.line(), client, most, is_accepted };
        let work = Box::new(move |body| match body {
            Some(body) => Look::Answer(self.answer(body)),
            None => {
                self.authorize();
                self.go_on()
            }
        });
        Look::Work(admission, work)
    }

    /// Caller, limits and size of the body: 401 (429 past its limit), 403, 429, 413, or 503. Waits for Postgres,
    /// unless the cache has the user and the claim is no guess. Does nothing for a request that is authorized.
    fn authorize(&mut self) {
        let Stage::Routed(route) = self.stage else { return };
        let looked_up = match &self.claim {
            Some(claim) if self.is_guess => LookedUp::unasked(claim.user),
            _ => std::mem::take(&mut self.looked_up),
        };
        let handler = let_in(route, &self.call, self.claim.as_ref(), looked_up);
        if let Some(is_true) = claim_held(&handler) {
            self.settle(route, is_true);
        }
        let exceeded = self.exceeded();
        let announced = self.call.header("Content-Length").and_then(|it| it.parse::<u64>().ok());
        self.stage = match (handler, exceeded) {
            (Err(error), Some(state)) if denies_claim(&error) => {
                Stage::Refused(Error::TooManyRequests(state))
            }
            (Err(error), _) => Stage::Refused(error),
            (Ok(_), Some(state)) => Stage::Refused(Error::TooManyRequests(state)),
            // Before a byte of a large body is read. One in chunks is cut a byte past the limit while it is received,
            // and refused by whatever reads it (`Call::body`).
            (Ok(_), None) if announced.is_some_and(|length| length > self.call.body_max) => {
                Stage::Refused(Error::BodyTooLarge(self.call.body_max))
            }
            (Ok(handler), None) => Stage::Authorized(Box::new(handler)),
        };
    }

    /// Now the claim is known to be true or false. If the request counted for the account but should for the
    /// address, or the other way round, moves the count.
    fn settle(&mut self, route: &Route, is_true: bool) {
        let Some(claim) = &self.claim else { return };
        let counted_for_account = !self.is_guess && !route.limit.is_scarce();
        // A guess that is true, or a claim that was no guess and is not.
        if is_true == self.is_guess {
            claim.set_proven(&self.call, is_true);
        }
        self.is_guess = !is_true;
        if is_true != counted_for_account {
            let account = Some(claim.subject());
            // None: the address.
            let (before, after) = if is_true { (None, account) } else { (account, None) };
            if let Some(limits) = limits::recount(&self.call, route.limit, before, after) {
                self.limits = limits;
            }
        }
    }

    /// The answer. Whatever the handler does, the client gets an answer, and the log has the cause. (A panic
    /// elsewhere is caught by http1.)
    fn answer(mut self, body: Vec<u8>) -> Response {
        self.call.received = body;
        let run = AssertUnwindSafe(|| self.run());
        let result =
            catch_unwind(run).unwrap_or_else(|_| Err(Error::internal("a handler panicked")));
        // A handler may have met a limit of its own, such as that of failed logins.
        let met = match &result {
            Err(Error::TooManyRequests(state)) => Some(*state),
            _ => self.exceeded(),
        };
        let mut response = match result {
            Ok(reply) => reply.into(),
            Err(error) => self.refusal(&error),
        };
        if let Some(state) = met.or(self.limits.first().copied()) {
            http::limit_headers(&mut response, state);
        }
        let (call, origin) = (&self.call, self.call.header("Origin"));
        let (config, is_preflight) = (&call.app.config, is_preflight(call));
        http::common_headers(&mut response, config, &call.request_id, origin, is_preflight);
        self.log(response.status_code);
        response
    }

    /// Authorizes, if that is still to do, and runs the handler.
    fn run(&mut self) -> Result<Reply> {
        if self.call.had_to_wait_for_body() {
            self.authorize_again();
        }
        self.authorize();
        let call = &self.call;
        let handler = match std::mem::replace(&mut self.stage, Stage::Answered) {
            Stage::Authorized(handler) => *handler,
            Stage::Options(allow) => return Ok(Reply::options(allow)),
            Stage::Refused(error) => return Err(error),
            Stage::Routed(_) | Stage::Answered => return Err(Error::internal("not authorized")),
        };
        match handler {
            Handler::Anyone(run) => run(call),
            Handler::User(run, caller) => run(call, &caller),
            Handler::Contacts(run, owner) => {
                owner.note_use(call)?;
                run(call, &owner)
            }
            Handler::Device(run, device) => {
                device.owner().note_use(call)?;
                run(call, &device)
            }
            Handler::Visitor(run, visitor) => {
                let visitor = self.visitor.insert(visitor);
                visitor.renew(call)?;
                run(call, visitor)
            }
            Handler::Admin(run, admin) => run(call, &admin),
        }
    }

    /// The body was waited for. Meanwhile its sender may have been signed out, or the account disabled: the caller
    /// is looked up once more. It is not counted again, and what ended by the clock meanwhile still counts.
    fn authorize_again(&mut self) {
        let (Stage::Authorized(_), Some(route), Some(claim)) =
            (&self.stage, self.route, &self.claim)
        else {
            return;
        };
        let asked = Asked { counters: &[], ..self.asked() };
        let found = self.call.app.cache.look_up(&[asked], self.call.app.now()).pop();
        let found = found.filter(|_| !self.is_guess).map(|(user, _)| user);
        let found = found.unwrap_or_else(|| LookedUp::unasked(claim.user));
        self.stage = match let_in(route, &self.call, Some(claim), found) {
            Ok(handler) => Stage::Authorized(Box::new(handler)),
            Err(error) => Stage::Refused(error),
        };
    }

    /// A page where the route is one of a page, for a form of ours, and for an unknown path if the client takes HTML;
    /// else a problem document. What is our fault goes to the log.
    fn refusal(&self, error: &Error) -> Response {
        let request_id = &self.call.request_id;
        match error {
            Error::Internal(cause) => log::error!("{cause} request_id={request_id}"),
            Error::Unavailable(cause) => log::warn!("{cause} request_id={request_id}"),
            _ => {}
        }
        match self.route {
            Some(route) if route.pages && route.verb == verb(&self.call) && self.call.is_form() => {
                reader::failed(&self.call, None, error).into()
            }
            Some(Route { gate: Gate::Visitor(_), .. }) => match error {
                Error::MethodNotAllowed(_) if verb(&self.call) == "GET" => {
                    reader::go(page_of(self.call.path())).into()
                }
                _ => reader::failed(&self.call, self.visitor.as_ref(), error).into(),
            },
            None if reader::browses(&self.call) => reader::failed(&self.call, None, error).into(),
            Some(route) if route.is_dav() => http::dav::problem(error, request_id),
            _ => http::problem(error, request_id),
        }
    }

    /// Counts the answer, and writes its line in the log, before its body is sent: a stream that breaks off later
    /// is not seen here.
    fn log(&self, status: u16) {
        let took = self.began.elapsed();
        let answered = self.route.filter(|route| route.verb == verb(&self.call));
        let place = |route: &Route| routes::ROUTES.iter().position(|it| std::ptr::eq(it, route));
        self.call.app.counters.of(answered.and_then(place)).count(status, took);
        let agent = self.call.header("User-Agent").unwrap_or_default();
        let is_dav = self.route.is_some_and(Route::is_dav);
        let client = is_dav.then(|| self.call.app.counters.count_client(agent)).flatten();
        // Paths that hold secrets are logged as their patterns, unknown ones not at all: they may
        // be misspelt ones.
        let path = match self.route {
            Some(route) if route.path.contains("{token}") || route.path.contains("{secret}") => {
                route.path
            }
            Some(_) => self.call.path(),
            None => "-",
        };
        let (method, request_id) = (self.call.request.method(), self.call.request_id.as_str());
        let ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
        // Audit events name our own id; a CardDAV client is named by its kind.
        let own_id = Some(self.call.own_id.as_str()).filter(|own_id| *own_id != request_id);
        let more = [("own_id", own_id), ("client", client)];
        let more = more.into_iter().filter_map(|(name, value)| Some(format!(" {name}={}", value?)));
        let more: String = more.collect();
        log::info!(
            method, path, status, ms, request_id, own_id, client, user = self.account();
            "{method} {path} {status} {ms:.1}ms request_id={request_id}{more}"
        );
    }
}

/// Largest body in bytes that the route of this method and target takes; 0 where there is none, so that http1
/// receives nothing of it.
pub fn body_limit(method: &str, target: &str) -> u64 {
    let path = target.split('?').next().unwrap_or_default();
    let (routes, _) = routes::find(path);
    routes.iter().find(|route| route.verb == method).map_or(0, |route| route.body)
}

/// The answer of http1 itself, to what is no request, or to one that found no place in a line or whose answer failed,
/// see [`http1::Service::refuse`]. It has no line in the log.
pub fn refuse(app: &App, refusal: Refusal, origin: Option<&str>) -> Response {
    let request_id = new_request_id();
    let mut response = http::refusal(refusal.status, refusal.detail, &request_id);
    http::common_headers(&mut response, &app.config, &request_id, origin, false);
    response
}

/// The page that has the form of this address: whoever loads an answer with faults anew in the address bar asks
/// for the address.
fn page_of(path: &str) -> &str {
    let above = std::iter::successors(Some(path), |it| Some(it.rsplit_once('/')?.0));
    let is_page = |it: &&str| {
        let (routes, _) = routes::find(it);
        routes.iter().any(|it| it.verb == "GET" && matches!(it.gate, Gate::Visitor(_)))
    };
    above.skip(1).find(is_page).unwrap_or("/")
}
