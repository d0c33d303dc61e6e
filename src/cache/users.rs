//! The current user: reading through the cache, and the fence around every change of it.

use super::connection::SCRIPTS;
use super::limits::{Change, Counter};
use super::protocol::{self, AfterCommit, BeforeCommit, Found, Reach, ReadStep, WAITERS};
use super::round_trip::{Cache, Question, read_states};
use crate::error::{Error, LimitState, Result};
use crate::model::user::CurrentUser;
use chrono::{DateTime, Utc};
use redis::Value;
use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long each step of a writer's tombstone (address, connection, script) may take before Redis counts as
/// hanging (a new connection over TLS has 500 ms). Longer than a reader's time-out: a short stall should not
/// send writers into the long wait.
const RAISE_TIMEOUT: Duration = Duration::from_millis(250);
/// How long each try after the commit waits. Long enough for a connection to a host that is
/// gone to be given up by the kernel (3 s), which says that there is no process to wait for.
const LOWER_TIMEOUT: Duration = Duration::from_secs(4);
/// Pause between two tries that failed at once.
const PAUSE: Duration = Duration::from_millis(50);

/// What a load is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// For the answer and, if the row is settled, for the cache.
    ToFill,
    /// For the answer only; [`Loaded::settled`] does not matter.
    ToAnswer,
}

/// What a load found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The account; none: there is none with this id.
    pub user: Option<CurrentUser>,
    /// No transaction that changes this user was under way **when the load began**: no connection held the
    /// row lock under which writers raise the tombstone that counts. To be asked in a statement before the
    /// SELECT of the user (`repository::users::is_settled`), never in the same one: a statement sees the
    /// database as it was at its start.
    pub settled: bool,
}

/// What one request asks the cache.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Which user to look up; none: the request names no account, or what names it is still a guess.
    pub user: Option<i64>,
    /// What it counts against.
    pub counters: &'a [Counter],
}

/// What the cache found of one request's user: to be given to [`Cache::finish`], at any later time. A fill whose
/// lease has ended meanwhile does nothing.
#[derive(Debug, Default)]
pub struct LookedUp {
    user: Option<(i64, String, ReadStep<CurrentUser>)>,
    /// When the cache was asked, in seconds.
    now: i64,
}

impl LookedUp {
    /// For a user whom the cache was not asked about: [`Cache::finish`] loads it, and fills nothing.
    pub fn unasked(user: i64) -> LookedUp {
        let user = Some((user, String::new(), ReadStep::LoadOnly));
        LookedUp { user, ..LookedUp::default() }
    }

    /// [`Cache::finish`] has nothing to load: the user is here, or none was asked for.
    pub fn needs_no_load(&self) -> bool {
        matches!(&self.user, None | Some((_, _, ReadStep::Use(_))))
    }
}

impl Cache {
    /// The current users of several requests, and where their counters stand in their order, mostly in one round
    /// trip. `now` is the time of this call. Every one of the requests must have begun before it, and its answer is
    /// for that request only.
    pub fn look_up(
        &self,
        asked: &[Asked<'_>],
        now: DateTime<Utc>,
    ) -> Vec<(LookedUp, Vec<LimitState>)> {
        let now = now.timestamp();
        let lease = |_| format!("L{}", self.name());
        let leases: Vec<Option<String>> = asked.iter().map(|one| one.user.map(lease)).collect();
        let mut questions = Vec::with_capacity(asked.len() * 2);
        for (one, lease) in asked.iter().zip(&leases) {
            let user = one.user.zip(lease.clone());
            questions.extend(user.map(|(id, lease)| Question::User(id, lease)));
            let counters = one.counters.iter();
            questions.extend(counters.map(|counter| self.question(counter, Change::Count)));
        }
        let answers = if questions.is_empty() { None } else { self.look(&questions) };
        let (run_id, answers) = answers.unzip();
        let run_id = run_id.unwrap_or_default();
        let mut answers = answers.map(Vec::into_iter);
        let answer = |(one, lease): (&Asked<'_>, Option<String>)| {
            let user = one.user.zip(lease).map(|(id, lease)| {
                let found = answers.as_mut().and_then(Iterator::next).map(|value| match value {
                    Value::Nil => Found::Nothing,
                    Value::BulkString(value) => {
                        let key = protocol::key(&self.prefix, &run_id, id);
                        protocol::decode(&self.secret, &key, &value, now)
                    }
                    _ => Found::Busy,
                });
                (id, lease, protocol::after_look(found))
            });
            let number = one.counters.len();
            let limits = answers
                .as_mut()
                .map(|all| all.by_ref().take(number).collect::<Vec<_>>())
                .and_then(|own| read_states(one.counters, Change::Count, own))
                .unwrap_or_else(|| self.local.apply(one.counters, Change::Count));
            (LookedUp { user, now }, limits)
        };
        asked.iter().zip(leases).map(answer).collect()
    }

    /// The current user of a request. Runs `load`, whose errors are returned, where the cache had
    /// none, and fills it. `None`: the request names no account, or that account is gone.
    ///
    /// An unknown id is not cached: it comes from a claim that we signed, or that was found true within the
    /// last hour, of an account that was deleted since. So no client can ask for many of them.
    pub fn finish(
        &self,
        looked_up: LookedUp,
        load: impl FnOnce(Load) -> Result<Loaded>,
    ) -> Result<Option<CurrentUser>> {
        let LookedUp { user, now } = looked_up;
        let Some((id, lease, step)) = user else { return Ok(None) };
        match step {
            ReadStep::Use(user) => Ok(Some(user)),
            ReadStep::LoadOnly => Ok(load(Load::ToAnswer)?.user),
            ReadStep::LoadToFill => {
                let loaded = load(Load::ToFill)?;
                if let Loaded { user: Some(user), settled: true } = &loaded {
                    self.fill(id, &lease, user, now);
                }
                Ok(loaded.user)
            }
        }
    }

    /// Puts the user in place of our lease. Whether that worked changes nothing.
    fn fill(&self, id: i64, lease: &str, user: &CurrentUser, now: i64) {
        let Some(store) = &self.store else { return };
        store.read(|link| {
            // On another connection than the look-up's it may be another Redis, with another
            // key, where our lease is not: then nothing happens.
            let key = protocol::key(&self.prefix, &link.run_id, id);
            let Some(value) = protocol::encode(&self.secret, &key, user, now) else {
                return Ok(Value::Nil);
            };
            link.run(&SCRIPTS.fill, &[key], &[lease.as_bytes(), &value])
        });
    }

    /// Runs a transaction that changes what the cached value holds, which is any field of [`CurrentUser`], or
    /// ends the account. Every such change goes through here. `ids`: the users it changes, as far
    /// as they are known before the transaction. The transaction
    ///
    /// 1. locks the users' rows (`SELECT … FOR NO KEY UPDATE`);
    /// 2. calls [`Fence::raise`] with all their ids, again with those in `ids`: promise (B) rests on this
    ///    raise, which comes after the locks;
    /// 3. changes what it changes, and commits before it returns.
    ///
    /// It takes its database connection by itself, so neither the first raise nor the wait after the commit
    /// holds one.
    ///
    /// # Errors
    /// Those of the transaction, and [`Error::Unavailable`], before anything was committed, if
    /// Redis hangs and enough writers wait for it already. An error of the transaction may hide a commit whose
    /// acknowledgement was lost. Then the tombstone is taken away without a wait: promise (A) is about answers
    /// to updates, and this one gets an error; (B) rests on the tombstone alone. After a panic, or where the
    /// first raise fails, a tombstone may stay for 30 s: reads go to the database then, and nothing is stale.
    pub fn write<T>(
        &self,
        ids: &[i64],
        transaction: impl FnOnce(&Fence<'_>) -> Result<T>,
    ) -> Result<T> {
        let fence = Fence {
            cache: self,
            name: self.name(),
            ids: RefCell::new(Vec::new()),
            has_place: Cell::new(false),
        };
        // The first of two raises, without a lock: a Redis that hangs is noticed before rows are locked.
        // The one that counts comes in the transaction, under the locks.
        fence.raise(ids)?;
        let outcome = transaction(&fence);
        fence.lower(outcome.is_ok());
        outcome
    }

    /// Runs one of the writers' scripts, raise or lower, for these `ids`.
    fn announce(&self, raise: bool, ids: &[i64], name: &str, timeout: Duration) -> Reach {
        let Some(store) = &self.store else { return Reach::Gone };
        let script = if raise { &SCRIPTS.raise } else { &SCRIPTS.lower };
        let arguments = [name.as_bytes()];
        store.write(timeout, |link| {
            let key = |id: &i64| protocol::key(&self.prefix, &link.run_id, *id);
            let keys: Vec<String> = ids.iter().map(key).collect();
            link.run(script, &keys, &arguments)
        })
    }
}

/// Keeps readers from filling the cache while a transaction changes users.
pub struct Fence<'a> {
    cache: &'a Cache,
    /// Our name in tombstones.
    name: String,
    /// Over whom we raised a tombstone, or tried to.
    ids: RefCell<Vec<i64>>,
    /// We have one of the places of writers that may have to wait after their commit.
    has_place: Cell<bool>,
}

impl Fence<'_> {
    /// Puts a tombstone over the users `ids`. Inside the transaction to be called **after** it
    /// locked their rows: a reader that sees no lock then has a lease that this tombstone ends.
    /// Waits at most 250 ms for each step; for a Redis that hangs once before the transaction or once in it.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: Redis hangs, and enough others wait for it. Roll back.
    pub fn raise(&self, ids: &[i64]) -> Result<()> {
        {
            let mut known = self.ids.borrow_mut();
            let new: Vec<i64> = ids.iter().copied().filter(|id| !known.contains(id)).collect();
            known.extend(new);
        }
        // With a place we wait after the commit until nothing old is left. Another try would only hold row
        // locks for longer.
        if ids.is_empty() || self.has_place.get() {
            return Ok(());
        }
        // Also those that were raised before: they need a tombstone that was raised under the locks.
        match protocol::after_raise(self.cache.announce(true, ids, &self.name, RAISE_TIMEOUT)) {
            BeforeCommit::Commit => Ok(()),
            BeforeCommit::CommitAndWait => self.take_place(),
        }
    }

    /// Takes one of the places for writers that will have to wait.
    fn take_place(&self) -> Result<()> {
        let place = |taken: usize| (taken < WAITERS).then_some(taken + 1);
        match self.cache.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, place) {
            Ok(_) => {
                self.has_place.set(true);
                Ok(())
            }
            Err(_) => Err(Error::Unavailable("Redis hangs, and enough writers wait".to_owned())),
        }
    }

    /// After the transaction: ends what was filled and leased before the commit, and lets readers fill again.
    /// If Redis hangs, tries until nothing old can be left there; once only where nothing was committed.
    fn lower(&self, committed: bool) {
        let ids = self.ids.borrow();
        let began = Instant::now();
        if ids.is_empty() {
            return;
        }
        loop {
            let left = protocol::WAIT.saturating_sub(began.elapsed());
            let timeout = if committed { LOWER_TIMEOUT.min(left) } else { RAISE_TIMEOUT };
            let timeout = timeout.max(PAUSE); // a socket takes no timeout of zero
            let reach = self.cache.announce(false, &ids, &self.name, timeout);
            match protocol::after_lower(reach, began.elapsed()) {
                AfterCommit::TryAgain if committed => std::thread::sleep(PAUSE),
                AfterCommit::TryAgain | AfterCommit::Answer => break,
            }
        }
    }
}

impl Drop for Fence<'_> {
    fn drop(&mut self) {
        if self.has_place.get() {
            self.cache.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
