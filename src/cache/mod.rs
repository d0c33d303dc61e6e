//! Redis: the current user, cached and never stale, and the counters of the rate limits.
//!
//! Two promises. (A) A request that starts after the answer to an update was sent sees that
//! update, on every replica. (B) The same from the moment of commit, even when the writer dies
//! before it answers. [`protocol`] says how; `tests/cache_model.rs` goes through every
//! interleaving and shows which step each promise rests on.
//!
//! Both hold as long as all replicas talk to the same Redis process, or to one that nobody else
//! talks to any more. What they do not cover: Redis' clock set back by seconds; a proxy that
//! swaps the server behind an open connection; and (B), for at most 12 s, when the writer's
//! tombstone was never acknowledged because it alone cannot reach Redis.

mod connection;
mod limits;
pub mod protocol;
mod users;

pub use limits::Counter;
pub use users::{Fence, Load, Loaded};

use crate::error::{LimitState, Result};
use connection::{Link, READ_TIMEOUT, SCRIPTS, Store};
use limits::{Change, LocalCounters};
use redis::{RedisError, RedisResult, Value};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The cache, one per process. Without Redis every look-up asks the database, and limits are
/// counted in the process.
pub struct Cache {
    store: Option<Store>,
    prefix: String,
    local: LocalCounters,
    /// Random: names leases and tombstones together with `names`, unlike any other process'.
    process: String,
    names: AtomicU64,
    /// How many writers wait after their commit.
    waiting: AtomicUsize,
}

impl Cache {
    /// `url`: where Redis is, `redis://` or `rediss://` (TLS); none: no cache. `prefix` stands
    /// before every key: empty in production, each test has its own. Does not connect, so a
    /// Redis that is down is no error; an address that cannot be read is.
    pub fn new(url: Option<&str>, prefix: String) -> Result<Cache> {
        use ring::rand::SecureRandom;
        let mut random = [0; 16];
        ring::rand::SystemRandom::new().fill(&mut random).map_err(crate::error::Error::internal)?;
        Ok(Cache {
            store: url.map(Store::new).transpose()?,
            prefix,
            local: LocalCounters::default(),
            process: format!("{:032x}", u128::from_be_bytes(random)),
            names: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Counts one request in each of `counters` and tells where each stands, in their order.
    pub fn count(&self, counters: &[Counter]) -> Vec<LimitState> {
        self.change(counters, Change::Count)
    }

    /// Tells where `counters` stand without counting: `exceeded` says that one more would be too
    /// many.
    pub fn peek(&self, counters: &[Counter]) -> Vec<LimitState> {
        self.change(counters, Change::Peek)
    }

    /// Takes back what [`Cache::count`] counted in advance: count a failure before a password is
    /// checked and take it back if it was right, and no number of parallel guesses gets past the
    /// limit.
    pub fn give_back(&self, counters: &[Counter]) {
        self.change(counters, Change::GiveBack);
    }

    /// `ok`, `down` or `off` (none configured). Waits 100 ms at most.
    pub fn status(&self) -> &'static str {
        match &self.store {
            None => "off",
            Some(store) => match store.attempt(READ_TIMEOUT, Link::ping) {
                Ok(()) => "ok",
                Err(_) => "down",
            },
        }
    }

    fn change(&self, counters: &[Counter], change: Change) -> Vec<LimitState> {
        if counters.is_empty() {
            return Vec::new();
        }
        match self.look(None, counters, change) {
            Some((_, states)) => states,
            None => self.local.apply(counters, change),
        }
    }

    /// One round trip: the value under a user's key (where there is none, the lease is put
    /// there) and the counters. `None`: Redis did not answer.
    fn look(
        &self,
        user: Option<(i64, &str)>,
        counters: &[Counter],
        change: Change,
    ) -> Option<(Option<Vec<u8>>, Vec<LimitState>)> {
        let mut arguments: Vec<Vec<u8>> = Vec::with_capacity(counters.len() + 1);
        arguments.extend(user.map(|(_, lease)| lease.as_bytes().to_vec()));
        arguments.extend(counters.iter().map(|counter| match change {
            Change::Count => format!("+{}", counter.window_ms()).into_bytes(),
            Change::Peek => b"?".to_vec(),
            Change::GiveBack => b"-".to_vec(),
        }));
        self.store.as_ref()?.read(|link| {
            let mut keys: Vec<String> = Vec::with_capacity(counters.len() + 1);
            keys.extend(user.map(|(id, _)| protocol::key(&self.prefix, &link.run_id, id)));
            keys.extend(
                counters.iter().map(|counter| format!("{}rl:{}", self.prefix, counter.key)),
            );
            let answer = link.run(&SCRIPTS.look, &keys, &arguments)?;
            read_answer(answer, user.is_some(), counters, change)
        })
    }

    /// A name that nobody had before.
    fn name(&self) -> String {
        format!("{}{:x}", self.process, self.names.fetch_add(1, Ordering::Relaxed))
    }
}

/// Takes the answer of [`protocol::LOOK`] apart.
fn read_answer(
    answer: Value,
    with_user: bool,
    counters: &[Counter],
    change: Change,
) -> RedisResult<(Option<Vec<u8>>, Vec<LimitState>)> {
    let odd = || RedisError::from((redis::ErrorKind::UnexpectedReturnType, "odd look-up answer"));
    let Value::Array(answers) = answer else { return Err(odd()) };
    let mut answers = answers.into_iter();
    let user = match with_user.then(|| answers.next()) {
        None | Some(Some(Value::Nil)) => None,
        Some(Some(Value::BulkString(value))) => Some(value),
        Some(_) => return Err(odd()),
    };
    let states: Vec<LimitState> = counters
        .iter()
        .zip(answers)
        .map(|(counter, answer)| {
            let (count, left_ms) = redis::from_redis_value(answer)?;
            Ok(counter.state(change, count, left_ms))
        })
        .collect::<RedisResult<_>>()?;
    if states.len() == counters.len() { Ok((user, states)) } else { Err(odd()) }
}
