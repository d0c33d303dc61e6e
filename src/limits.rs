//! What is counted, and under which name. How counting works is in `cache`.

use crate::cache::Counter;
use crate::config::Rate;
use crate::context::Call;
use crate::crypto;
use crate::error::{Error, Result};
use std::net::{IpAddr, Ipv6Addr};

/// Which rate limit counts a route's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// None: probes.
    Never,
    /// Per user, or per address when nobody is signed in; all such routes together.
    Default,
    /// `RATE_LIMIT_ME`, per user.
    Me,
    /// `RATE_LIMIT_LOGIN`, per address.
    Login,
    /// `RATE_LIMIT_REGISTER`, per address.
    Register,
    /// `RATE_LIMIT_MAIL`, per address.
    Mail,
}

/// The counter of a route for this caller; none when the limit is off or the client exempt.
pub fn of_route(limit: Limit, call: &Call, user: Option<i64>) -> Vec<Counter> {
    let rates = &call.app.config.rates;
    let (name, rate) = match limit {
        Limit::Never => return Vec::new(),
        Limit::Default => ("default", rates.default),
        Limit::Me => ("me", rates.me),
        Limit::Login => ("login", rates.login),
        Limit::Register => ("register", rates.register),
        Limit::Mail => ("mail", rates.mail),
    };
    let subject = match user {
        Some(id) => format!("u{id}"),
        None => network(call.ip),
    };
    counter(call, name, &subject, rate).into_iter().collect()
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

/// Whom an address stands for: itself, or its /64 network, which is what one customer gets in
/// IPv6.
fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).to_string(),
    }
}

/// The account that somebody tries to sign in to.
#[derive(Debug)]
pub struct Account {
    id: Option<i64>,
    subject: String,
}

impl Account {
    /// By its id where it exists, so that username and address count together; by what was typed
    /// where it does not, in the same way. Hashed, because people type all sorts of things there.
    pub fn of(id: Option<i64>, typed: &str) -> Account {
        let subject = match id {
            Some(id) => format!("u{id}"),
            None => crypto::sha256_hex(typed.to_lowercase().as_bytes()),
        };
        Account { id, subject }
    }

    /// The id of an account that exists.
    pub fn id(&self) -> Option<i64> {
        self.id
    }

    fn failures(&self, call: &Call) -> Vec<Counter> {
        let rate = call.app.config.rates.login_failures;
        counter(call, "failures", &self.subject, rate).into_iter().collect()
    }
}

/// Counts a login as failed before its password is looked at, so that however many guesses come
/// at once, no more than the limit are looked at. [`Error::TooManyRequests`] past it, whoever asks.
pub fn count_failure(call: &Call, account: &Account) -> Result<()> {
    let states = call.app.cache.count(&account.failures(call));
    match states.into_iter().find(|state| state.exceeded) {
        Some(state) => Err(Error::TooManyRequests(state)),
        None => Ok(()),
    }
}

/// Takes back what [`count_failure`] counted: the password was right.
pub fn forgive(call: &Call, account: &Account) {
    call.app.cache.give_back(&account.failures(call));
}

/// True if this mailbox may get another mail on request. Counts it.
pub fn mailbox_allows(call: &Call, email: &str) -> bool {
    let subject = crypto::sha256_hex(email.to_lowercase().as_bytes());
    let counter = counter(call, "mailbox", &subject, call.app.config.rates.mailbox);
    let counters: Vec<_> = counter.into_iter().collect();
    !call.app.cache.count(&counters).iter().any(|state| state.exceeded)
}
