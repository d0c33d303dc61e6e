//! The schema: the numbered files of `sql/`, applied in order, each once.

use super::{Conn, Tx};
use crate::crypto;
use crate::error::{Error, Result};
use std::collections::HashMap;

/// The files in order. Once released, a file never changes.
const MIGRATIONS: &[(&str, &str)] = &[("001_schema", include_str!("../../sql/001_schema.sql"))];

/// Takes the lock that lets one replica at a time change this schema.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('contactd migrations in ' || current_schema(), 0))";

/// Whether this program can work with this database, and how many files are still to be applied.
/// Changes nothing. Fails when Postgres has no ICU, when the database is not in UTF-8, when a file
/// that was applied differs from the one in this program, and when the database is newer than it.
pub fn check(conn: &mut Conn) -> Result<usize> {
    let icu = conn.query("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'", &[])?;
    if icu.is_empty() {
        return Err(Error::internal(
            "this Postgres was built without ICU: the collation und-x-icu is missing",
        ));
    }
    let encoding: String = conn.query_one("SHOW server_encoding", &[])?.get(0);
    if encoding != "UTF8" {
        return Err(Error::internal(format!(
            "the database has the encoding {encoding}; make one with ENCODING 'UTF8'"
        )));
    }
    let mut unmatched = applied(conn)?;
    let mut pending = 0;
    for &(name, sql) in MIGRATIONS {
        match unmatched.remove(name) {
            None => pending += 1,
            Some(checksum) if checksum == crypto::sha256_hex(sql.as_bytes()) => {}
            Some(_) => {
                return Err(Error::internal(format!(
                    "migration {name} was changed after it was applied to this database"
                )));
            }
        }
    }
    if !unmatched.is_empty() {
        return Err(Error::internal("this database belongs to a newer version of contactd"));
    }
    Ok(pending)
}

/// Like [`check`], for who asks beforehand: fails also when nothing can be written, and when files are still to
/// be applied and this role may not.
pub fn check_rights(conn: &mut Conn) -> Result<usize> {
    let pending = check(conn)?;
    let rights = conn.query_one(
        "SELECT current_setting('transaction_read_only') = 'on',
            coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)",
        &[],
    )?;
    if rights.get(0) {
        return Err(Error::internal(
            "the database is read-only: a standby, or default_transaction_read_only is set",
        ));
    }
    if pending > 0 && !rights.get::<_, bool>(1) {
        return Err(Error::internal(
            "this role may not make tables here: let it own the database (ALTER DATABASE … OWNER TO …), \
             or run contactd migrate as the role that does",
        ));
    }
    Ok(pending)
}

/// The names of the files that were applied, and their checksums then.
fn applied(conn: &mut Conn) -> Result<HashMap<String, String>> {
    let table = conn.query_one("SELECT to_regclass('migrations') IS NOT NULL", &[])?;
    if !table.get::<_, bool>(0) {
        return Ok(HashMap::new());
    }
    let rows = conn.query("SELECT name, checksum FROM migrations", &[])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Brings the schema up to date and returns how many files were applied. Each file is a
/// transaction under a lock, so several replicas may start at once. Fails like [`check`].
pub fn migrate(conn: &mut Conn) -> Result<usize> {
    // Where nothing is to be done, no right to change the schema is needed.
    if check(conn)? == 0 {
        return Ok(0);
    }
    let mut count = 0;
    for &(name, sql) in MIGRATIONS {
        let mut tx = Tx::begin(conn)?;
        // Building an index on a large table may well take longer than a request may. So neither Postgres' limits
        // nor our own hold for the lock and the file.
        tx.batch("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")?;
        tx.batch_without_end(MIGRATION_LOCK)?;
        tx.batch(
            "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, checksum text NOT NULL)",
        )?;
        // Another replica may have been here while this one waited for the lock.
        if !applied(&mut tx)?.contains_key(name) {
            tx.batch_without_end(sql)?;
            let checksum = crypto::sha256_hex(sql.as_bytes());
            tx.execute("INSERT INTO migrations VALUES ($1, $2)", &[&name, &checksum])?;
            count += 1;
        }
        tx.commit()?;
    }
    check(conn)?; // another replica, of another version, may have changed it meanwhile
    Ok(count)
}
