//! Postgres: the pool, statements prepared once per connection, and what the database's errors
//! mean to us.

mod link;
pub mod migrations;

use crate::config::Config;
use crate::error::{Conflict, Error, Result};
use link::{Deadline, Dialer};
use postgres::error::SqlState;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{ToSql, Type};
use postgres::{Client, Row, Statement};
use r2d2::ManageConnection;
use r2d2_postgres::PostgresConnectionManager;
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a request waits for a connection before it is answered 503.
const CHECKOUT_WAIT: Duration = Duration::from_secs(1);
/// How long a connection may take to prove that it is alive, after another one broke.
const ALIVE_WAIT: Duration = Duration::from_millis(500);
/// Settings of every connection: no statement and no lock may hold a worker for long, and a
/// transaction whose program hangs gives its locks back. On today's disks a page somewhere costs
/// little more than the next one: with Postgres' default of four times as much, a search in a book
/// that is most of the table would read the whole table and not the index. Nothing here runs long
/// enough to be worth compiling (jit). With 16 MB what a search of 100,000 contacts finds is sorted
/// without a file, in a twentieth less time.
const SESSION_SETTINGS: &str = "SET statement_timeout = '5s'; SET lock_timeout = '2s'; \
    SET idle_in_transaction_session_timeout = '30s'; SET timezone = 'UTC'; \
    SET random_page_cost = 1.1; SET jit = off; SET work_mem = '16MB'; \
    SET application_name = 'contactd'";

/// Parameters of a statement.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Most statements kept on a connection. Those with filters have more forms than that; a statement
/// takes Postgres some 100 kB.
const STATEMENTS: usize = 100;

/// Parameters of a statement, with types where Postgres would guess others.
pub type TypedParams<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// One connection and the statements prepared on it.
pub struct Conn {
    /// To be asked through [`Conn::client`] only.
    client: Client,
    deadline: Arc<Deadline>,
    /// By their SQL, which is never made from input.
    statements: HashMap<String, Statement>,
    /// The pool's count of breakages when this connection was last known to be alive.
    checked: u64,
    /// It will not do any more: closed, or its server became read-only after a failover.
    broken: bool,
    /// A statement of this transaction failed, so that Postgres would answer `COMMIT` with a
    /// rollback and call it success.
    failed: bool,
}

impl Conn {
    /// The connection, for one question that is asked now.
    fn client(&mut self) -> &mut Client {
        self.deadline.begin();
        &mut self.client
    }

    fn prepared(&mut self, sql: &str, types: &[Type]) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client().prepare_typed(sql, types);
        let statement = self.checked(statement)?;
        if self.statements.len() >= STATEMENTS {
            self.statements.clear(); // the driver closes them
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Notes whether an error is the end of this connection.
    fn checked<T>(&mut self, result: Result<T, postgres::Error>) -> Result<T> {
        result.map_err(|error| {
            self.broken |= error.code().is_some_and(spoils) || is_connection_error(&error);
            self.failed = true;
            Error::from(error)
        })
    }

    /// All rows of a statement.
    pub fn query(&mut self, sql: &str, params: Params) -> Result<Vec<Row>> {
        let statement = self.prepared(sql, &[])?;
        let rows = self.client().query(&statement, params);
        self.checked(rows)
    }

    /// Looks at the rows of a statement one by one, however many there are.
    pub fn each(&mut self, sql: &str, params: Params, mut look: impl FnMut(&Row)) -> Result<()> {
        let statement = self.prepared(sql, &[])?;
        let rows = self.client().query_raw(&statement, params.iter().copied());
        let looked = rows.and_then(|mut rows| {
            while let Some(row) = rows.next()? {
                look(&row);
            }
            Ok(())
        });
        self.checked(looked)
    }

    /// All rows of a statement whose parameters have these types.
    pub fn query_typed(&mut self, sql: &str, params: TypedParams) -> Result<Vec<Row>> {
        let (params, types): (Vec<_>, Vec<_>) = params.iter().cloned().unzip();
        let statement = self.prepared(sql, &types)?;
        let rows = self.client().query(&statement, &params);
        self.checked(rows)
    }

    /// All rows of a statement that is not kept: one whose plan depends on its parameters, which
    /// Postgres knows here when it plans.
    pub fn query_once(&mut self, sql: &str, params: TypedParams) -> Result<Vec<Row>> {
        let rows = self.client().query_typed(sql, params);
        self.checked(rows)
    }

    /// The only row of a statement that always has one.
    pub fn query_one(&mut self, sql: &str, params: Params) -> Result<Row> {
        self.query_opt(sql, params)?.ok_or_else(|| Error::internal("no row where one must be"))
    }

    /// The row of a statement that has one or none.
    pub fn query_opt(&mut self, sql: &str, params: Params) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Runs a statement; the number of rows that it changed.
    pub fn execute(&mut self, sql: &str, params: Params) -> Result<u64> {
        let statement = self.prepared(sql, &[])?;
        let count = self.client().execute(&statement, params);
        self.checked(count)
    }

    /// It will not do any more.
    fn is_gone(&self) -> bool {
        self.broken || self.client.is_closed()
    }

    /// Asks Postgres whether it is there.
    pub fn ping(&mut self) -> Result<()> {
        self.query("SELECT 1", &[]).map(|_| ())
    }

    /// Runs statements without parameters, not prepared.
    pub fn batch(&mut self, sql: &str) -> Result<()> {
        let done = self.client().batch_execute(sql);
        self.checked(done)
    }

    /// Like [`Conn::batch`], for what may take as long as it needs.
    fn batch_without_end(&mut self, sql: &str) -> Result<()> {
        self.deadline.without_end();
        let done = self.client.batch_execute(sql);
        self.checked(done)
    }
}

/// A transaction: a connection that rolls back unless [`Tx::commit`] is called. Whatever takes a
/// connection takes a transaction.
pub struct Tx<'a>(&'a mut Conn);

impl<'a> Tx<'a> {
    /// Begins a transaction.
    pub fn begin(conn: &'a mut Conn) -> Result<Tx<'a>> {
        conn.batch("BEGIN")?;
        conn.failed = false;
        Ok(Tx(conn))
    }

    /// Makes everything durable, or nothing. After an error nobody knows which.
    pub fn commit(self) -> Result<()> {
        if self.0.failed {
            return Err(Error::internal("commit after a failed statement"));
        }
        let mut this = std::mem::ManuallyDrop::new(self);
        this.0.batch("COMMIT")
    }
}

impl Deref for Tx<'_> {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        self.0
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        self.0
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if !self.0.broken && self.0.batch("ROLLBACK").is_err() {
            // Postgres rolls back by itself when the connection goes.
            self.0.broken = true;
        }
    }
}

/// Opens connections for the pool. `breakages` counts broken connections; those that are older
/// than the last breakage have to prove that they are alive before they are used again. So a
/// check-out costs no round trip, and a restart of Postgres costs one failed request.
struct Manager {
    dialer: Dialer,
    breakages: Arc<AtomicU64>,
}

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = Error;

    fn connect(&self) -> Result<Conn> {
        let checked = self.breakages.load(Ordering::Relaxed);
        let deadline = Arc::default();
        let (config, connector) = self.dialer.parts(&deadline);
        let mut client = PostgresConnectionManager::new(config, connector).connect()?;
        deadline.begin();
        client.batch_execute(SESSION_SETTINGS)?;
        let statements = HashMap::new();
        Ok(Conn { client, deadline, statements, checked, broken: false, failed: false })
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<()> {
        let breakages = self.breakages.load(Ordering::Relaxed);
        if conn.checked != breakages {
            conn.deadline.begin_for(ALIVE_WAIT);
            conn.client.is_valid(ALIVE_WAIT)?;
            conn.checked = breakages;
        }
        Ok(())
    }

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

/// The connections to Postgres.
#[derive(Clone)]
pub struct Pool(r2d2::Pool<Manager>);

impl Pool {
    /// A pool for `config.database_url` with `config.db_pool_size` connections, opened as they
    /// are needed. Does not fail when Postgres is away.
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

    /// How many connections are open, and how many of them do nothing.
    pub fn connections(&self) -> (u32, u32) {
        let state = self.0.state();
        (state.connections, state.idle_connections)
    }

    fn conn(&self) -> Result<r2d2::PooledConnection<Manager>> {
        // It tells why the last connection failed, if one did.
        self.0.get().map_err(|error| Error::Unavailable(format!("no Postgres connection: {error}")))
    }

    /// Runs something that only reads. If its connection breaks it is run once more on another.
    pub fn read<T>(&self, mut work: impl FnMut(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.conn()?;
        let result = work(&mut conn);
        if result.is_err() && conn.is_gone() {
            drop(conn);
            return work(&mut *self.conn()?);
        }
        result
    }

    /// Runs one statement that writes. It is never run twice: nobody knows how far it came.
    pub fn write<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        work(&mut *self.conn()?)
    }

    /// Runs several statements as one: all of them count once `work` is through and the commit
    /// is acknowledged, none of them otherwise.
    pub fn transaction<T>(&self, work: impl FnOnce(&mut Tx) -> Result<T>) -> Result<T> {
        let mut conn = self.conn()?;
        if conn.batch("BEGIN").is_err() {
            // Without it each statement would count by itself. Nothing was done yet, so another
            // connection may try.
            conn.broken = true;
            drop(conn);
            conn = self.conn()?;
            conn.batch("BEGIN")?;
        }
        conn.failed = false;
        let mut tx = Tx(&mut conn);
        let value = work(&mut tx)?;
        tx.commit()?;
        Ok(value)
    }
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Error {
        if let Some(db) = error.as_db_error() {
            match db.constraint() {
                Some("users_username_key") => return Error::Conflict(Conflict::UsernameTaken),
                Some("contacts_uid_key") => return Error::Conflict(Conflict::UidTaken),
                Some("users_email_key") => return Error::Conflict(Conflict::EmailTaken),
                _ => {}
            }
        }
        let told = describe(&error);
        if is_connection_error(&error)
            || error.code().is_some_and(|code| passes_by(code) || spoils(code))
        {
            Error::Unavailable(told)
        } else {
            Error::Internal(told)
        }
    }
}

/// The connection is gone, or was never there.
fn is_connection_error(error: &postgres::Error) -> bool {
    let gone = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        // We took too long between two statements, as under heavy load.
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        // The operator set one, and this connection was not needed for as long.
        SqlState::IDLE_SESSION_TIMEOUT,
    ];
    error.is_closed()
        || error
            .code()
            .map_or(error.as_db_error().is_none() && is_io(error), |code| gone.contains(code))
}

/// Another connection has to be taken from now on: this one leads to a server that became read-only, or
/// keeps statements that fit the schema no more, as after the migration of a newer replica.
fn spoils(code: &SqlState) -> bool {
    let spoiling = [
        &SqlState::READ_ONLY_SQL_TRANSACTION,
        &SqlState::FEATURE_NOT_SUPPORTED, // "cached plan must not change result type"
        &SqlState::INVALID_SQL_STATEMENT_NAME,
    ];
    spoiling.contains(&code)
}

fn is_io(error: &postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
}

/// Trying again later helps: a time-out, a deadlock, a full disk, a server on its way up or down.
fn passes_by(code: &SqlState) -> bool {
    let code = code.code();
    // Class 53 is insufficient resources, 57 operator intervention, 40 transaction rollback.
    ["53", "57", "40", "08"].iter().any(|class| code.starts_with(class))
        || code == SqlState::LOCK_NOT_AVAILABLE.code()
}

/// An error for the log: without `DETAIL`, which would repeat people's data.
fn describe(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!(
            "{} ({}){}",
            db.message(),
            db.code().code(),
            db.constraint().map(|name| format!(", constraint {name}")).unwrap_or_default()
        ),
        None => {
            let cause = std::error::Error::source(error);
            cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        }
    }
}
