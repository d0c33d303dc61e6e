//! One connection to Postgres, with the statements prepared on it, and a transaction.

use super::errors::{is_connection_error, spoils};
use super::link::{ANSWER_LIMIT, Deadline};
use crate::error::{Error, Result};
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{ToSql, Type};
use postgres::{Client, Row, Statement};
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Parameters of a statement.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Parameters of a statement, with types where Postgres would guess others.
type TypedParams<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// Settings of every connection.
///
/// - The time-outs: no statement and no lock holds a worker for long, and a transaction whose program hangs
///   gives its locks back.
/// - `random_page_cost`: on today's disks a page at a random place costs little more than the next one in
///   order. With Postgres' default of four times as much, a search in a book that is most of the table would
///   read the whole table and not the index.
/// - `jit`, `max_parallel_workers_per_gather`: nothing here runs long enough to be worth compiling, or worth other
///   processes, of which there are few for all connections.
/// - `default_transaction_isolation`: writers wait for each other's locks and go on with what is there then. At
///   another level, which an operator may set for a database, all but one of those who meet would fail.
/// - `work_mem`: with 16 MB what a search of 100,000 contacts finds is sorted without a file, which is 5 % faster.
const SESSION_SETTINGS: &str = "SET statement_timeout = '5s'; SET lock_timeout = '2s'; \
    SET idle_in_transaction_session_timeout = '30s'; SET timezone = 'UTC'; \
    SET random_page_cost = 1.1; SET jit = off; SET max_parallel_workers_per_gather = 0; SET work_mem = '16MB'; \
    SET application_name = 'contactd'; SET default_transaction_isolation = 'read committed'";

/// The largest number of statements kept on a connection: a statement takes Postgres some 100 kB.
const STATEMENTS: usize = 100;

/// One connection and the statements prepared on it.
pub struct Conn {
    /// To be asked through [`Conn::ask`], which sets the deadline; whoever does not sets it, too.
    client: Client,
    deadline: Arc<Deadline>,
    /// By their SQL, which is never made from input. One text always has parameters of the same types, so these
    /// are no part of the key.
    statements: HashMap<String, Statement>,
    /// The pool's count of breakages when this connection was last known to be alive.
    pub(super) breakages_seen: u64,
    /// Not to be used again: an error ended it ([`is_connection_error`]) or spoiled it ([`spoils`]), or it
    /// could not begin or roll back a transaction.
    pub(super) broken: bool,
    /// Postgres uses one plan for all parameters here, see [`Conn::query_with_fixed_plan`].
    has_fixed_plans: bool,
    /// Something failed since `BEGIN`, or its time is over: there is no `COMMIT`, which Postgres would answer with a
    /// rollback after a failure and call success. Without a meaning outside a transaction.
    failed: bool,
    /// Until when the open transaction may ask; none: it has no limit, or none is open.
    may_ask_until: Option<Instant>,
}

impl Conn {
    /// A connection that was just opened; `breakages` is the pool's count.
    pub(super) fn new(client: Client, deadline: Arc<Deadline>, breakages: u64) -> Result<Conn> {
        let statements = HashMap::new();
        let mut conn = Conn {
            client,
            deadline,
            statements,
            breakages_seen: breakages,
            broken: false,
            has_fixed_plans: false,
            failed: false,
            may_ask_until: None,
        };
        conn.batch(SESSION_SETTINGS)?;
        Ok(conn)
    }

    /// Asks Postgres for a sign of life, and waits for it at most so long.
    pub(super) fn check_alive(&mut self, within: Duration) -> Result<()> {
        self.deadline.set(Some(within));
        Ok(self.client.is_valid(within)?)
    }

    /// The driver's connection, for one question: its deadline begins now. Fails in a transaction that
    /// took too long, which can then only roll back.
    fn ask(&mut self) -> Result<&mut Client> {
        if self.may_ask_until.is_some_and(|end| Instant::now() >= end) {
            self.failed = true;
            return Err(Error::Unavailable("the transaction takes too long".to_owned()));
        }
        self.deadline.set(Some(ANSWER_LIMIT));
        Ok(&mut self.client)
    }

    fn prepared(&mut self, sql: &str, types: &[Type], fixed_plan: bool) -> Result<Statement> {
        self.fix_plans(fixed_plan)?;
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.ask()?.prepare_typed(sql, types);
        let statement = self.checked(statement)?;
        if self.statements.len() >= STATEMENTS {
            self.statements.clear(); // the driver closes them
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Notes an error: it may be the end of this connection, and is the end of a transaction.
    fn checked<T>(&mut self, result: Result<T, postgres::Error>) -> Result<T> {
        result.map_err(|error| {
            self.broken |= error.code().is_some_and(spoils) || is_connection_error(&error);
            self.failed = true;
            Error::from(error)
        })
    }

    /// All rows of a statement.
    pub fn query(&mut self, sql: &str, params: Params) -> Result<Vec<Row>> {
        let statement = self.prepared(sql, &[], false)?;
        let rows = self.ask()?.query(&statement, params);
        self.checked(rows)
    }

    /// Looks at the rows of a statement one by one, without holding them in memory. Fails if the last one has not
    /// come within `ANSWER_LIMIT`; `look` may have seen some rows by then, and sees them again where the work is
    /// repeated ([`super::Pool::read`]).
    pub fn each(&mut self, sql: &str, params: Params, mut look: impl FnMut(&Row)) -> Result<()> {
        let statement = self.prepared(sql, &[], false)?;
        let rows = self.ask()?.query_raw(&statement, params.iter().copied());
        let looked = rows.and_then(|mut rows| {
            while let Some(row) = rows.next()? {
                look(&row);
            }
            Ok(())
        });
        self.checked(looked)
    }

    /// All rows of a statement whose parameters have these types. As for [`Conn::query`], Postgres chooses between
    /// a plan for these parameters and one for all.
    pub fn query_typed(&mut self, sql: &str, params: TypedParams) -> Result<Vec<Row>> {
        self.query_kept(sql, params, false)
    }

    /// The same with one plan for all parameters, made once on a connection: for what runs faster than it is
    /// planned. Not in a transaction, since a rollback would undo the setting.
    pub fn query_with_fixed_plan(&mut self, sql: &str, params: TypedParams) -> Result<Vec<Row>> {
        self.query_kept(sql, params, true)
    }

    /// Switches between the two ways to plan; one round trip if that changes.
    fn fix_plans(&mut self, fixed: bool) -> Result<()> {
        if self.has_fixed_plans == fixed {
            return Ok(());
        }
        let mode = if fixed { "force_generic_plan" } else { "auto" };
        self.batch(&format!("SET plan_cache_mode = {mode}"))?;
        self.has_fixed_plans = fixed;
        Ok(())
    }

    fn query_kept(&mut self, sql: &str, params: TypedParams, fixed_plan: bool) -> Result<Vec<Row>> {
        let (params, types): (Vec<_>, Vec<_>) = params.iter().cloned().unzip();
        let statement = self.prepared(sql, &types, fixed_plan)?;
        let rows = self.ask()?.query(&statement, &params);
        self.checked(rows)
    }

    /// All rows of a statement that is not kept, but planned each time for these parameters, on which its plan
    /// depends.
    pub fn query_planned_anew(&mut self, sql: &str, params: TypedParams) -> Result<Vec<Row>> {
        self.fix_plans(false)?;
        let rows = self.ask()?.query_typed(sql, params);
        self.checked(rows)
    }

    /// The only row of a statement that always has one.
    pub fn query_one(&mut self, sql: &str, params: Params) -> Result<Row> {
        self.query_opt(sql, params)?.ok_or_else(|| Error::internal("no row where one must be"))
    }

    /// The first row of a statement, if there is one.
    pub fn query_opt(&mut self, sql: &str, params: Params) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Runs a statement; the number of rows that it changed.
    pub fn execute(&mut self, sql: &str, params: Params) -> Result<u64> {
        let statement = self.prepared(sql, &[], false)?;
        let count = self.ask()?.execute(&statement, params);
        self.checked(count)
    }

    /// Broken or closed: not to be used again.
    pub(super) fn is_gone(&self) -> bool {
        self.broken || self.client.is_closed()
    }

    /// Asks Postgres whether it is there, for `readyz`.
    pub fn ping(&mut self) -> Result<()> {
        self.query("SELECT 1", &[]).map(|_| ())
    }

    /// Begins a transaction, for [`Tx`], that may ask questions for so long.
    pub(super) fn begin(&mut self, within: Option<Duration>) -> Result<()> {
        self.may_ask_until = None;
        self.fix_plans(false)?;
        self.batch("BEGIN")?;
        self.failed = false;
        self.may_ask_until = within.map(|time| Instant::now() + time);
        Ok(())
    }

    /// Ends the transaction by this statement, however long it took.
    fn end(&mut self, sql: &str) -> Result<()> {
        self.may_ask_until = None;
        self.batch(sql)
    }

    /// Runs statements without parameters, not prepared.
    pub fn batch(&mut self, sql: &str) -> Result<()> {
        let done = self.ask()?.batch_execute(sql);
        self.checked(done)
    }

    /// Like [`Conn::batch`] without our deadline and without the transaction's limit, for changes of the schema.
    pub(super) fn batch_without_end(&mut self, sql: &str) -> Result<()> {
        self.deadline.set(None);
        let done = self.client.batch_execute(sql);
        self.checked(done)
    }
}

/// A transaction: a connection that rolls back unless [`Tx::commit`] is called. Whatever takes a
/// connection takes a transaction.
pub struct Tx<'a>(pub(super) &'a mut Conn);

impl<'a> Tx<'a> {
    /// Begins a transaction without a limit for the whole of it.
    pub fn begin(conn: &'a mut Conn) -> Result<Tx<'a>> {
        conn.begin(None)?;
        Ok(Tx(conn))
    }

    /// Makes everything durable. After an error nothing is, with one exception: if the answer to COMMIT was lost
    /// (an [`Error::Unavailable`] like any other), nobody knows.
    pub fn commit(self) -> Result<()> {
        if self.0.failed {
            return Err(Error::internal("commit after a failed statement"));
        }
        // Not dropped: that would roll back.
        let mut this = std::mem::ManuallyDrop::new(self);
        this.0.end("COMMIT")
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
        if !self.0.broken && self.0.end("ROLLBACK").is_err() {
            // Postgres rolls back by itself when the connection goes.
            self.0.broken = true;
        }
    }
}
