//! The pool of connections, and what runs on one of them: a read, a write, a transaction.

use super::conn::{Conn, Tx};
use super::link::Dialer;
use crate::config::Config;
use crate::error::{Error, Result};
use r2d2::ManageConnection;
use r2d2_postgres::PostgresConnectionManager;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a check-out waits for a connection before its request is answered 503.
const CHECKOUT_WAIT: Duration = Duration::from_secs(1);

/// How long a connection may take to prove that it is alive, after another one broke.
const ALIVE_WAIT: Duration = Duration::from_millis(500);

/// How long a transaction may ask questions (each a round trip to Postgres): a single statement has little time,
/// but an import or a rewind has very many statements. Ten times the 12 s that an import of 100,000 contacts takes
/// on two cores. After this it may ask nothing more and is rolled back, so that the connection and the
/// book's lock are free again; one that has only its COMMIT left still commits.
const TRANSACTION_LIMIT: Duration = Duration::from_secs(120);

/// Opens connections for the pool. `breakages` counts broken connections; those that were not checked since
/// the last breakage have to prove that they are alive before they are used again. So a check-out costs no
/// round trip. A restart of Postgres fails the writes under way, and as a rule the next one outside a transaction,
/// which is the first to notice; reads are repeated, and so is BEGIN.
struct Manager {
    dialer: Dialer,
    breakages: Arc<AtomicU64>,
}

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = Error;

    fn connect(&self) -> Result<Conn> {
        let seen = self.breakages.load(Ordering::Relaxed);
        let deadline = Arc::default();
        let (config, connector) = self.dialer.parts(&deadline);
        let driver = PostgresConnectionManager::new(config, connector);
        // It panics where there is no descriptor left, and r2d2 would wait for that connection for ever.
        let client = catch_unwind(AssertUnwindSafe(|| driver.connect()));
        let client = client.map_err(|_| Error::Unavailable("the driver panicked".to_owned()))??;
        Conn::new(client, deadline, seen)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<()> {
        let breakages = self.breakages.load(Ordering::Relaxed);
        if conn.breakages_seen != breakages {
            conn.check_alive(ALIVE_WAIT)?;
            conn.breakages_seen = breakages;
        }
        Ok(())
    }

    /// Asked when a connection comes back; counts a breakage.
    fn has_broken(&self, conn: &mut Conn) -> bool {
        let gone = conn.is_gone();
        if gone {
            self.breakages.fetch_add(1, Ordering::Relaxed);
        }
        gone
    }
}

/// r2d2 reports failed connections here; the text has no password, the driver leaves it out.
#[derive(Debug)]
struct LogErrors;

impl r2d2::HandleError<Error> for LogErrors {
    fn handle_error(&self, error: Error) {
        log::warn!("postgres: {error}");
    }
}

fn no_connection(why: impl std::fmt::Display) -> Error {
    Error::Unavailable(format!("no Postgres connection: {why}"))
}

/// The connections to Postgres.
#[derive(Clone)]
pub struct Pool(r2d2::Pool<Manager>);

impl Pool {
    /// A pool for `config.postgres` with at most `config.db_pool_size` connections, of which one is kept
    /// ready. Fails for a wrong `TLS_CA_FILE`, and not when Postgres is away.
    pub fn new(config: &Config) -> Result<Pool> {
        let manager = Manager { dialer: Dialer::new(config)?, breakages: Arc::default() };
        let pool = r2d2::Pool::builder()
            .max_size(config.db_pool_size)
            .min_idle(Some(1))
            .connection_timeout(CHECKOUT_WAIT)
            // Free of cost as long as nothing broke, see Manager::is_valid.
            .test_on_check_out(true)
            .error_handler(Box::new(LogErrors))
            .build_unchecked(manager);
        Ok(Pool(pool))
    }

    /// Waits for a connection, for who begins: a check-out waits for less than it takes to find the next of
    /// several hosts, or one that is far away. What waits longer here is a connection beside the pool's first.
    pub fn try_out(&self, config: &Config) -> Result<()> {
        self.conn().map(drop).or_else(|_| {
            let manager = Manager { dialer: Dialer::new(config)?, breakages: Arc::default() };
            manager.connect().map(drop).map_err(no_connection)
        })
    }

    /// How many connections are open, and how many of them do nothing.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.0.state();
        (state.connections, state.idle_connections)
    }

    fn conn(&self) -> Result<r2d2::PooledConnection<Manager>> {
        // The error says why the last connection failed, if one did.
        self.0.get().map_err(no_connection)
    }

    /// Runs something that only reads: if it fails and its connection is broken, it is run once more on another.
    /// Its statements share no snapshot.
    pub fn read<T>(&self, mut work: impl FnMut(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.conn()?;
        let result = work(&mut conn);
        if result.is_err() && conn.is_gone() {
            drop(conn); // counts the breakage, so that the next one has to prove that it is alive
            return work(&mut *self.conn()?);
        }
        result
    }

    /// Runs statements that write and commit each by itself, or begin transactions themselves. They are never run
    /// twice, since they may have been done. What belongs together belongs into a transaction.
    pub fn write<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        work(&mut *self.conn()?)
    }

    /// Runs several statements as one transaction, see [`Tx::commit`]. It is rolled back if `work` fails, or asks
    /// anything after two minutes.
    pub fn transaction<T>(&self, work: impl FnOnce(&mut Tx) -> Result<T>) -> Result<T> {
        self.transaction_within(TRANSACTION_LIMIT, work)
    }

    /// Like [`Pool::transaction`] with another limit: after it every question but COMMIT fails, and then nothing is
    /// committed.
    pub fn transaction_within<T>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut Tx) -> Result<T>,
    ) -> Result<T> {
        let mut conn = self.conn()?;
        if conn.begin(Some(limit)).is_err() {
            // BEGIN failed, so nothing was done yet, and another connection may try.
            conn.broken = true;
            drop(conn);
            conn = self.conn()?;
            conn.begin(Some(limit))?;
        }
        let mut tx = Tx(&mut conn);
        let value = work(&mut tx)?;
        tx.commit()?;
        Ok(value)
    }
}
