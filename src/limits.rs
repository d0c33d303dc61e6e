//! What is counted, and under which name. How counting works is in `cache`.

use crate::cache::Counter;
use crate::config::Rate;
use crate::context::{App, Call};
use crate::crypto;
use crate::error::{Error, LimitState, Result};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Which rate limit counts a route's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// None: probes.
    Never,
    /// `RATE_LIMIT_DEFAULT`, per user, or per address without a session; all such routes
    /// together.
    Default,
    /// `RATE_LIMIT_ME`, per user.
    Me,
    /// `RATE_LIMIT_PASSWORD`, per user: the password is checked, right or wrong.
    Password,
    /// `RATE_LIMIT_IMPORT`, per user.
    Import,
    /// Ten times as often as `RATE_LIMIT_IMPORT`, per user: the pages of what a file would bring. To look with other
    /// answers counts as an import besides.
    Preview,
    /// `RATE_LIMIT_DAV`, per app password.
    Dav,
    /// `RATE_LIMIT_LOGIN`, per address.
    Login,
    /// `RATE_LIMIT_REGISTER`, per address.
    Register,
    /// `RATE_LIMIT_MAIL`, per address.
    Mail,
}

impl Limit {
    /// So few that requests of a session that is dead, if they counted until that is found out, would be
    /// as many: they count for their address until their sender is known.
    pub fn is_scarce(self) -> bool {
        matches!(self, Limit::Password | Limit::Import | Limit::Preview)
    }
}

/// Whose request is counted.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The account.
    pub user: i64,
    /// The digest of an app password or a cookie.
    pub secret: Option<&'a str>,
}

/// The counters of a route. `by`: whose request it is; none: no account is known yet.
/// Empty when the limit is off or the client exempt.
pub fn of_route(limit: Limit, call: &Call, by: Option<Subject<'_>>) -> Vec<Counter> {
    let rates = &call.app.config.rates;
    let (name, rate) = match limit {
        Limit::Never => return Vec::new(),
        // Whoever is signed in or not.
        Limit::Login => return per_address(call, "login", rates.login),
        Limit::Register => return per_address(call, "register", rates.register),
        Limit::Mail => return per_address(call, "mail", rates.mail),
        Limit::Default => ("default", rates.default),
        Limit::Me => ("me", rates.me),
        Limit::Password => ("password", rates.password),
        Limit::Import => ("import", rates.import),
        Limit::Preview => ("preview", times(rates.import, LOOKS_FACTOR)),
        Limit::Dav => ("dav", rates.dav),
    };
    // Without a session that the route needs, it counts as any other request.
    let Some(by) = by else { return of_address(call) };
    let subject = match by.secret.filter(|_| limit == Limit::Dav) {
        Some(secret) => format!("u{}:{secret}", by.user),
        None => format!("u{}", by.user),
    };
    counter(call, name, &subject, rate).into_iter().collect()
}

/// The counters of whatever an address sends without being signed in, and of what is refused there:
/// 401, 404 and 405.
pub fn of_address(call: &Call) -> Vec<Counter> {
    per_address(call, "default", call.app.config.rates.default)
}

fn per_address(call: &Call, name: &str, rate: Option<Rate>) -> Vec<Counter> {
    let site = site(call.ip);
    let site = site.and_then(|site| counter(call, name, &site, times(rate, SITE_FACTOR)));
    let network = http1::network(call.ip).to_string();
    counter(call, name, &network, rate).into_iter().chain(site).collect()
}

/// A request that was counted for `before` turned out to be another account's, or no account's: it is taken back
/// there, and counts for `after`. Where that stands; nothing where it is the same.
pub fn recount(
    call: &Call,
    limit: Limit,
    before: Option<Subject<'_>>,
    after: Option<Subject<'_>>,
) -> Option<Vec<LimitState>> {
    let (before, after) = (of_route(limit, call, before), of_route(limit, call, after));
    if before == after {
        return None;
    }
    Some(call.app.cache.recount(&before, &after))
}

/// Counts in each of `counters`. [`Error::TooManyRequests`] says where the first stands that is past its limit.
fn within(call: &Call, counters: &[Counter]) -> Result<()> {
    let exceeded = call.app.cache.count(counters).into_iter().find(|state| state.exceeded);
    exceeded.map_or(Ok(()), |state| Err(Error::TooManyRequests(state)))
}

fn counter(call: &Call, name: &str, subject: &str, rate: Option<Rate>) -> Option<Counter> {
    let exempt = call.app.config.rate_limit_exempt.iter().any(|network| network.contains(&call.ip));
    let rate = rate.filter(|_| !exempt)?;
    Some(Counter {
        key: format!("{name}:{subject}"),
        limit: rate.count,
        window_seconds: rate.seconds,
    })
}

/// So many times as much as one network may a site of many, or a name that many clients try; and so many times as
/// often as a file may come in may one be looked at.
const SITE_FACTOR: u64 = 10;
const CLIENTS_FACTOR: u64 = 20;
const LOOKS_FACTOR: u64 = 10;

fn times(rate: Option<Rate>, factor: u64) -> Option<Rate> {
    rate.map(|rate| Rate { count: rate.count.saturating_mul(factor), ..rate })
}

/// The /48 network of an IPv6 address: one customer may get all 65,536 networks of it.
fn site(ip: IpAddr) -> Option<String> {
    let IpAddr::V6(ip) = ip else { return None };
    Some(format!("{}/48", Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 80))))
}

/// Counts a refresh against its session, which `family` names.
pub fn count_refresh(call: &Call, family: &str) -> Result<()> {
    within(call, counter(call, "refresh", family, call.app.config.rates.default).as_slice())
}

/// The refresh token was a live one: its request does not count against the address.
pub fn was_live(call: &Call) {
    call.app.cache.give_back(&of_address(call));
}

/// Counts a request of `user` against one more limit than its route's.
pub fn count_also(call: &Call, limit: Limit, user: i64) -> Result<()> {
    within(call, &of_route(limit, call, Some(Subject { user, secret: None })))
}

/// Counts a mail to an address that `user` says is the new one: whoever owns a domain has mailboxes without end.
pub fn count_new_address(call: &Call, user: i64) -> Result<()> {
    let subject = format!("u{user}");
    within(call, counter(call, "new-address", &subject, call.app.config.rates.mail).as_slice())
}

/// True if this mailbox may get another mail on request. Counts it, among the wishes of its kind: those that send
/// nothing are apart, or strangers could use up what the owner's wish for a new password needs.
pub fn mailbox_allows(call: &Call, email: &str, kind: &str) -> bool {
    let subject = crypto::sha256_hex(email.to_lowercase().as_bytes());
    within(call, counter(call, kind, &subject, call.app.config.rates.mailbox).as_slice()).is_ok()
}

/// How long an attempt waits for others with the same name from the same client.
const WAIT: Duration = Duration::from_secs(5);

/// One attempt at signing in: what it counts against if it fails. A right password never counts, and
/// however many guesses come at once, no more than the limit are looked at: an attempt begins only
/// where the limit would hold even if all that are under way failed, and waits for them otherwise.
/// (Of several replicas each may look at one guess more.)
pub struct Attempt<'a> {
    app: &'a App,
    /// Name and client first, then the name alone.
    counters: Vec<Counter>,
    key: String,
    /// It is among those under way.
    began: bool,
}

impl<'a> Attempt<'a> {
    /// Begins an attempt with a name as it was typed; `stored`: the hash of the account's password.
    /// [`Error::TooManyRequests`] past a limit, [`Error::Unavailable`] when too many others are under
    /// way for too long.
    pub fn begin(call: &'a Call, typed: &str, stored: Option<&str>) -> Result<Attempt<'a>> {
        let counters = failures(call, typed, stored);
        let key = counters.first().map(|counter| counter.key.clone()).unwrap_or_default();
        let limit = counters.first().map(|counter| counter.limit);
        let mut attempt = Attempt { app: &call.app, counters, key, began: false };
        let Some(limit) = limit else { return Ok(attempt) };
        let deadline = Instant::now() + WAIT;
        loop {
            // Taken before the counters are looked at: whoever fails counts before it leaves, so
            // that each attempt before this one is seen here or there.
            attempt.began = true;
            let place = call.app.logins.enter(&attempt.key);
            let states = call.app.cache.peek(&attempt.counters);
            if let Some(state) = states.iter().find(|state| state.exceeded) {
                return Err(Error::TooManyRequests(*state));
            }
            let failed = states.first().map_or(0, |state| limit.saturating_sub(state.remaining));
            if failed + place <= limit {
                return Ok(attempt);
            }
            attempt.leave();
            if !call.app.logins.wait(&attempt.key, deadline) {
                let busy = "too many attempts with one name at once";
                return Err(Error::Unavailable(busy.to_owned()));
            }
        }
    }

    fn leave(&mut self) {
        if std::mem::take(&mut self.began) {
            self.app.logins.leave(&self.key);
        }
    }

    /// The password, or the code, was wrong.
    pub fn failed(&self) {
        self.app.cache.count(&self.counters);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The counters of failed logins with a name: from this client, and from all of them together. Names
/// that do not exist count in the same way, and the username and the address of one account are two
/// names. The password's hash is part of the key, so that a new password begins with none. Hashed,
/// because people type all sorts of things there.
fn failures(call: &Call, typed: &str, stored: Option<&str>) -> Vec<Counter> {
    let name = format!("{}\n{}", typed.to_lowercase(), stored.unwrap_or_default());
    let name = crypto::sha256_hex(name.as_bytes());
    let rate = call.app.config.rates.login_failures;
    let here = counter(call, "failures", &format!("{name}:{}", http1::network(call.ip)), rate);
    here.into_iter().chain(counter(call, "failures", &name, times(rate, CLIENTS_FACTOR))).collect()
}

/// Counts a wrong password that was typed inside a session as a failed login with this name.
pub fn count_failure(call: &Call, name: &str, stored: &str) {
    call.app.cache.count(&failures(call, name, Some(stored)));
}
