//! [`Cache`], and the round trip to Redis for whatever is asked of it together: mostly one.

use super::connection::{Link, READ_TIMEOUT, SCRIPTS, Store};
use super::limits::{Change, Counter, LocalCounters};
use super::protocol;
use crate::crypto;
use crate::error::{LimitState, Result};
use redis::{ErrorKind, Pipeline, RedisError, RedisResult, Value};
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The cache, one per process. Without Redis every user is loaded from the database, and limits are
/// counted in the process.
pub struct Cache {
    pub(super) store: Option<Store>,
    pub(super) prefix: String,
    /// Authenticates the users that stand in Redis.
    pub(super) secret: ring::hmac::Key,
    pub(super) local: LocalCounters,
    /// A random id of this process. With a number from `names` it makes the name of a lease or a tombstone.
    pub(super) process: String,
    pub(super) names: AtomicU64,
    /// How many of the places for writers that may have to wait after their commit are taken.
    pub(super) waiting: AtomicUsize,
}

impl Cache {
    /// `url`: where Redis is, `redis://` or `rediss://` (TLS); none: no cache. `prefix` stands
    /// before every key: empty in production, each test has its own. `secret` authenticates the
    /// users that stand there. `extra_ca` (PEM) is trusted beside the system's certificates. Does not
    /// connect, so a Redis that is down is no error; an address that cannot be read is.
    pub fn new(
        url: Option<&str>,
        prefix: String,
        secret: ring::hmac::Key,
        extra_ca: Option<&[u8]>,
    ) -> Result<Cache> {
        Ok(Cache {
            store: url.map(|url| Store::new(url, extra_ca)).transpose()?,
            prefix,
            secret,
            local: LocalCounters::default(),
            process: crypto::random_uuid()?,
            names: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Counts one request in each of `counters` and returns where each stands, in their order.
    pub fn count(&self, counters: &[Counter]) -> Vec<LimitState> {
        self.change(&[], counters, Change::Count)
    }

    /// Where `counters` stand, without counting: `exceeded` says that one more would be too
    /// many.
    pub fn peek(&self, counters: &[Counter]) -> Vec<LimitState> {
        self.change(&[], counters, Change::Peek)
    }

    /// Takes back what [`Cache::count`] counted: it does not count.
    pub fn give_back(&self, counters: &[Counter]) {
        self.change(&[], counters, Change::GiveBack);
    }

    /// What was counted in `before` counts in `after`. Where those stand, in their order.
    pub fn recount(&self, before: &[Counter], after: &[Counter]) -> Vec<LimitState> {
        self.change(before, after, Change::Count)
    }

    /// `ok`, `down` or `off` (none configured), see [`Cache::probe`].
    pub fn status(&self) -> &'static str {
        self.probe().map_or("off", |probe| if probe.is_ok() { "ok" } else { "down" })
    }

    /// Whether Redis takes what is written to it, or why not; nothing: none is configured. Waits about
    /// 100 ms at most for each step of a new connection, or 500 over TLS.
    pub fn probe(&self) -> Option<Result<(), String>> {
        let key = format!("{}!", self.prefix);
        let wrote = self.store.as_ref()?.attempt(READ_TIMEOUT, |link| link.write_once(&key));
        Some(wrote.map_err(|failure| failure.text))
    }

    /// Gives `back`, and changes `counters`. Where these stand, in their order.
    fn change(&self, back: &[Counter], counters: &[Counter], change: Change) -> Vec<LimitState> {
        let given = back.iter().map(|counter| self.question(counter, Change::GiveBack));
        let changed = counters.iter().map(|counter| self.question(counter, change));
        let questions: Vec<_> = given.chain(changed).collect();
        if questions.is_empty() {
            return Vec::new();
        }
        self.ask(&questions)
            .and_then(|(_, answers)| {
                read_states(counters, change, answers.into_iter().skip(back.len()))
            })
            .unwrap_or_else(|| {
                self.local.apply(back, Change::GiveBack);
                self.local.apply(counters, change)
            })
    }

    pub(super) fn question(&self, counter: &Counter, change: Change) -> Question {
        let change = match change {
            Change::Count => format!("+{}", counter.window_ms()),
            Change::Peek => "?".to_owned(),
            Change::GiveBack => "-".to_owned(),
        };
        Question::Counter(format!("{}rl:{}", self.prefix, counter.key), change)
    }

    /// Users and counters in one round trip where all is there, as mostly: plain commands take Redis half
    /// the time of the script. What is missing, a user or the end of a window, takes the script in a second
    /// round trip; should that fail, the window has no end until its counter is asked for again. Counts in every
    /// counter, whatever its question says, so only for [`Change::Count`]. The answers as [`Cache::ask`] gives them.
    pub(super) fn look(&self, questions: &[Question]) -> Option<(String, Vec<Value>)> {
        let (run_id, first) = self.store.as_ref()?.read(|link| {
            let first = glance(link, &self.prefix, questions)?;
            Ok((link.run_id.clone(), first))
        })?;
        let both = questions.iter().zip(&first);
        let missing: Vec<_> = both.filter_map(|(asked, first)| asked.missing(first)).collect();
        let mut second = Vec::new().into_iter();
        if !missing.is_empty() {
            // From another Redis the two would not go together.
            let (_, found) = self.ask(&missing).filter(|(other, _)| *other == run_id)?;
            second = found.into_iter();
        }
        let whole = first.into_iter().map(|first| match first {
            First::Whole(answer) => Some(answer),
            First::NoUser => second.next(),
            First::NoEnd(number) => Some(with_number(number, second.next()?)),
        });
        Some((run_id, whole.collect::<Option<_>>()?))
    }

    /// One round trip for all `questions`. The run id of the Redis that answered, and the answers in
    /// their order; `None`: Redis did not answer.
    pub(super) fn ask(&self, questions: &[Question]) -> Option<(String, Vec<Value>)> {
        let mut tries = 0;
        let answers = self.store.as_ref()?.read(|link| {
            tries += 1;
            let (keys, arguments): (Vec<_>, Vec<_>) =
                questions.iter().map(|question| question.parts(&self.prefix, &link.run_id)).unzip();
            let answers = link.run(&SCRIPTS.look, &keys, &arguments)?;
            let run_id = link.run_id.clone();
            match answers {
                Value::Array(answers) if tries == 1 => Ok((run_id, answers)),
                Value::Array(answers) => {
                    Ok((run_id, answers.into_iter().map(not_leased).collect()))
                }
                _ => Err(RedisError::from((ErrorKind::UnexpectedReturnType, "odd answer"))),
            }
        });
        answers.filter(|(_, answers)| answers.len() == questions.len())
    }

    /// A name that no process of contactd ever had.
    pub(super) fn name(&self) -> String {
        format!("{}{:x}", self.process, self.names.fetch_add(1, Ordering::Relaxed))
    }
}

/// The values of users, or nil; the counters with one more, and when each ends, or -1. After the users comes
/// a write, for the reason that [`protocol::LOOK`] gives: a Redis that lost the right to write before they
/// were read refuses it.
fn glance(link: &mut Link, prefix: &str, questions: &[Question]) -> RedisResult<Vec<First>> {
    let mut commands = Pipeline::with_capacity(questions.len() * 2);
    for question in questions {
        match question {
            Question::User(id, _) => {
                commands.cmd("GET").arg(protocol::key(prefix, &link.run_id, *id))
            }
            Question::Counter(key, _) => commands.cmd("INCR").arg(key).cmd("PTTL").arg(key),
        };
    }
    commands.cmd("DEL").arg(format!("{prefix}!"));
    let mut answers = link.run_plain(&commands)?.into_iter();
    // No answer may be missing; one that is would be no user and no number.
    let mut next = || answers.next().unwrap_or(Value::Okay);
    let answer = |question: &Question| match question {
        Question::User(..) => match next() {
            Value::Nil => First::NoUser,
            user => First::Whole(user),
        },
        Question::Counter(..) => match (next(), next()) {
            (number, Value::Int(..0)) => First::NoEnd(number),
            (number, left) => First::Whole(Value::Array(vec![number, left])),
        },
    };
    Ok(questions.iter().map(answer).collect())
}

/// What [`glance`] found of one thing.
enum First {
    /// All that was asked.
    Whole(Value),
    /// There is no user.
    NoUser,
    /// This request has this number, and its window has no end yet.
    NoEnd(Value),
}

/// The end from the script, the number from [`glance`]: this request was counted then, others may have been since.
fn with_number(number: Value, mut counter: Value) -> Value {
    if let Value::Array(parts) = &mut counter
        && let Some(now) = parts.first_mut()
    {
        *now = number;
    }
    counter
}

/// One thing to ask [`protocol::LOOK`].
#[derive(Debug)]
pub(super) enum Question {
    /// The user with this id; where nothing is, this lease is put there.
    User(i64, String),
    /// The counter under this key, prefix included, and what happens to it.
    Counter(String, String),
}

impl Question {
    /// What is left to ask after [`glance`].
    fn missing(&self, first: &First) -> Option<Question> {
        match (self, first) {
            (_, First::Whole(_)) => None,
            (Question::User(id, lease), _) => Some(Question::User(*id, lease.clone())),
            // Counted already: the window gets its end.
            (Question::Counter(key, change), _) => {
                Some(Question::Counter(key.clone(), change.replace('+', "=")))
            }
        }
    }

    /// The key that it is about and what to do there.
    fn parts(&self, prefix: &str, run_id: &str) -> (Cow<'_, str>, &[u8]) {
        match self {
            Question::User(id, lease) => {
                (protocol::key(prefix, run_id, *id).into(), lease.as_bytes())
            }
            Question::Counter(key, change) => (key.into(), change.as_bytes()),
        }
    }
}

/// The answer to a look-up that was sent a second time (the connection was lost, or that Redis may not write): the
/// first may still be carried out, after a writer ended the lease that the second one took, and take it again under
/// the same name. So nothing may be filled: nil would say that the lease is ours, this says that it is another's.
fn not_leased(answer: Value) -> Value {
    if answer == Value::Nil { Value::Okay } else { answer }
}

/// What [`protocol::LOOK`] answered for `counters`; `None`: not what it ever does.
pub(super) fn read_states(
    counters: &[Counter],
    change: Change,
    answers: impl IntoIterator<Item = Value>,
) -> Option<Vec<LimitState>> {
    let state = |(counter, answer): (&Counter, Value)| {
        let (count, left_ms) = redis::from_redis_value(answer).ok()?;
        Some(counter.state(change, count, left_ms))
    };
    let states: Vec<LimitState> = counters.iter().zip(answers).map(state).collect::<Option<_>>()?;
    (states.len() == counters.len()).then_some(states)
}
