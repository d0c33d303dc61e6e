//! [`App`]: everything that lives as long as the process.

use crate::cache::Cache;
use crate::config::Config;
use crate::counters::Counters;
use crate::crypto::{self, AccessTokens, Keys, Passwords};
use crate::db::{Conn, Pool, Tx};
use crate::error::{Error, Result};
use crate::lately::{Proven, SlowBooks, Uses};
use crate::mail::{Mailer, Transport};
use crate::model::alike::Group;
use crate::notifier::Notifier;
use crate::owner_slots::{OwnerSlots, Slot};
use crate::remembered::Remembered;
use crate::under_way::UnderWay;
use chrono::{DateTime, SubsecRound, Utc};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What time it is. Tests bring a clock that stands still.
pub type Clock = Box<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Everything that lives as long as the process. Nothing in it is state of ours: replicas share
/// Postgres and Redis.
pub struct App {
    /// The settings.
    pub config: Config,
    /// Postgres.
    pub db: Pool,
    /// Redis.
    pub cache: Cache,
    /// The mail server, or the folder for mails.
    pub mailer: Mailer,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Signs and verifies access tokens.
    pub access_tokens: AccessTokens,
    /// The other keys that come from `SECRET_KEY`.
    pub keys: Keys,
    /// The logins that are under way, by name and client.
    pub logins: UnderWay,
    /// When app passwords were used, as far as it was written down.
    pub uses: Uses,
    /// App passwords and cookies that were true lately.
    pub proven: Proven,
    /// When sessions of browsers were used, as far as it was written down.
    pub page_uses: Uses,
    /// Labels in use, with their numbers of contacts, as pages show them.
    pub labels: Remembered<Vec<(String, i64)>>,
    /// Contacts that are alike, as pages show them.
    pub alike: Remembered<Vec<Group>>,
    /// Wakes the worker: a mail was committed, or an account ended.
    pub work_waits: Notifier,
    /// An account ended of which there was much: the worker deletes it.
    pub deletion_waits: AtomicBool,
    /// Owners with a search that took long lately.
    pub slow_books: SlowBooks,
    /// Counts requests.
    pub counters: Counters,
    /// When this value was made.
    pub started: DateTime<Utc>,
    clock: Clock,
    draining: AtomicBool,
    book_slots: OwnerSlots,
    look_slots: OwnerSlots,
    stream_slots: OwnerSlots,
}

/// A search that takes longer keeps its owner from a second one at the same time.
const SLOW: Duration = Duration::from_millis(250);
/// The same of one that failed.
const SLOW_FAILURE: Duration = Duration::from_secs(3);

impl App {
    /// Puts the parts together. Opens no connection, so it succeeds while a store is down.
    pub fn new(config: Config, clock: Clock) -> Result<App> {
        let redis_url = config.redis_url.as_ref().map(|url| url.reveal());
        let keys = Keys::new(&config);
        let (prefix, secret) = (config.redis_prefix.clone(), keys.mac_key(crypto::Purpose::Cache));
        Ok(App {
            db: Pool::new(&config)?,
            cache: Cache::new(redis_url, prefix, secret, config.tls_ca.as_deref())?,
            mailer: mailer(&config)?,
            passwords: Passwords::new()?,
            access_tokens: AccessTokens::new(&config, &keys),
            keys,
            logins: UnderWay::default(),
            uses: Uses::new(chrono::Duration::minutes(1)),
            proven: Proven::default(),
            page_uses: Uses::new(config.page_renewal()),
            labels: Remembered::default(),
            alike: Remembered::default(),
            work_waits: Notifier::default(),
            deletion_waits: AtomicBool::new(false),
            counters: Counters::default(),
            started: clock(),
            clock,
            draining: AtomicBool::new(false),
            // The book's row is locked until the commit: a second writer could only wait, with a connection.
            book_slots: OwnerSlots::new(1, 8),
            look_slots: OwnerSlots::new(1, 1),
            stream_slots: OwnerSlots::new(config.db_pool_size as usize / 2, 4),
            slow_books: SlowBooks::default(),
            config,
        })
    }

    /// Now, in the microseconds that Postgres keeps: what is answered is what is stored.
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)().trunc_subsecs(6)
    }

    /// Changes an owner's address book in one transaction. Waits for a slot before it takes a
    /// connection, see [`OwnerSlots`].
    pub fn change_book<T>(&self, owner: i64, work: impl FnOnce(&mut Tx) -> Result<T>) -> Result<T> {
        let _slot = self.book_slots.take(owner)?;
        self.db.transaction(work)
    }

    /// Like [`App::change_book`], for a single statement.
    pub fn write_book<T>(
        &self,
        owner: i64,
        work: impl FnOnce(&mut Conn) -> Result<T>,
    ) -> Result<T> {
        let _slot = self.book_slots.take(owner)?;
        self.db.write(work)
    }

    /// Reads the whole of an owner's address book, statement by statement: for what takes long in a
    /// large book. One at a time for an owner, so that it costs no other account a worker.
    pub fn look_through_book<T>(
        &self,
        owner: i64,
        work: impl FnOnce(&Pool) -> Result<T>,
    ) -> Result<T> {
        let _slot = self.look_slots.take(owner)?;
        work(&self.db)
    }

    /// Searches an owner's address book, in a statement or two. Books of very much text take seconds for
    /// that: while a search of the owner took longer than a quarter of a second within the last minute, there
    /// is one at a time, so that a few such books do not take every connection. Nor every thread: of an owner
    /// one search waits here for longer than a moment, and the others in the line, see `Waits::Search`.
    pub fn search_book<T>(
        &self,
        owner: i64,
        work: impl FnMut(&mut Conn) -> Result<T>,
    ) -> Result<T> {
        let _slot = self.search_slot(owner)?;
        self.search_on(owner, work)
    }

    /// The slot of an owner whose searches are slow; none for others. For several searches of one answer.
    pub fn search_slot(&self, owner: i64) -> Result<Option<Slot>> {
        self.slow_books.contains(owner).then(|| self.look_slots.take(owner)).transpose()
    }

    /// Like [`App::search_book`], for who has the slot.
    pub fn search_on<T>(
        &self,
        owner: i64,
        mut work: impl FnMut(&mut Conn) -> Result<T>,
    ) -> Result<T> {
        self.db.read(|db| {
            let began = Instant::now();
            let found = work(db);
            // One that failed may have waited for a lock alone, for two seconds at most.
            let slow = if found.is_ok() { SLOW } else { SLOW_FAILURE };
            if began.elapsed() > slow {
                self.slow_books.add(owner, Instant::now());
            }
            found
        })
    }

    /// A slot for an answer that is read from the store while it is sent, outside of every line: half the
    /// connections for an owner, as in the line.
    pub fn stream_slot(&self, owner: i64) -> Result<Slot> {
        self.stream_slots.take(owner)
    }

    /// From now on `readyz` says no, so that load balancers look elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// True after [`App::drain`].
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

fn mailer(config: &Config) -> Result<Mailer> {
    let transport = match &config.smtp {
        Some(settings) => Transport::Smtp(settings.clone()),
        None => Transport::Files(config.mail_dir.clone()),
    };
    let from = config.mail_from.clone();
    Mailer::new(transport, from, &config.public_url, config.tls_ca.as_deref())
        .map_err(Error::internal)
}
