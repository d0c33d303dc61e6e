//! The table `app_passwords`: what phones and scripts sign in with.

use crate::db::{Conn, Tx};
use crate::error::{Error, Result};
use crate::model::user::Scope;
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

/// Most app passwords of one account.
pub const MOST: i64 = 50;

/// An app password as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppPassword {
    /// Unique, positive.
    pub id: i64,
    /// What the user calls it.
    pub name: String,
    /// What it is good for.
    pub scope: Scope,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The address it was last used from.
    pub last_used_ip: Option<String>,
    /// The networks it was used from last, newest first; only the account's export shows them.
    #[serde(skip)]
    pub networks: Vec<String>,
}

/// Adds an app password; its id. The caller holds the user's row lock, so that the count is right.
/// Nothing when there are [`MOST`] already.
pub fn insert(
    tx: &mut Tx,
    user: i64,
    name: &str,
    scope: Scope,
    digest: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<i64>> {
    const SQL: &str = "INSERT INTO app_passwords (user_id, name, scope, digest, created_at)
        SELECT $1, $2, $3, $4, $5
        WHERE (SELECT count(*) FROM app_passwords WHERE user_id = $1) < $6
        RETURNING id";
    let row = tx.query_opt(SQL, &[&user, &name, &scope.as_str(), &digest, &now, &MOST])?;
    Ok(row.map(|row| row.get(0)))
}

/// The app passwords of an account, newest first.
pub fn list(db: &mut Conn, user: i64) -> Result<Vec<AppPassword>> {
    const SQL: &str = "SELECT id, name, scope, created_at, last_used_at, last_used_ip, networks
        FROM app_passwords WHERE user_id = $1 ORDER BY id DESC";
    let rows = db.query(SQL, &[&user])?;
    let one = |row: &postgres::Row| {
        Ok(AppPassword {
            id: row.get("id"),
            name: row.get("name"),
            scope: Scope::parse(row.get("scope")).map_err(Error::internal)?,
            created_at: row.get("created_at"),
            last_used_at: row.get("last_used_at"),
            last_used_ip: row.get("last_used_ip"),
            networks: row.get("networks"),
        })
    };
    rows.iter().map(one).collect()
}

/// Writes a use down. True if it came from a network that is not among the last twenty; nothing if
/// the password was revoked meanwhile. The time is written at most once a minute.
pub fn note_use(
    tx: &mut Tx,
    user: i64,
    id: i64,
    ip: &str,
    network: &str,
    now: DateTime<Utc>,
) -> Result<Option<bool>> {
    const SQL: &str = "UPDATE app_passwords SET last_used_at = $5, last_used_ip = $3,
            networks = ($4 || array_remove(app_passwords.networks, $4))[1:20]
        FROM (SELECT networks, last_used_at FROM app_passwords
            WHERE user_id = $1 AND id = $2 FOR UPDATE) AS before
        WHERE user_id = $1 AND id = $2
            AND (before.last_used_at IS NULL OR before.last_used_at <= $6 OR before.last_used_at >= $7
                OR NOT $4 = ANY(before.networks))
        RETURNING NOT $4 = ANY(before.networks)";
    let minute = Duration::minutes(1);
    let times = (now - minute, now + minute); // the latter where a clock was ahead
    let row = tx.query_opt(SQL, &[&user, &id, &ip, &network, &now, &times.0, &times.1])?;
    Ok(row.map(|row| row.get(0)))
}

/// True if an app password is there. Whoever holds the user's row lock keeps it from being revoked.
pub fn is_there(tx: &mut Tx, user: i64, id: i64) -> Result<bool> {
    const SQL: &str = "SELECT 1 FROM app_passwords WHERE user_id = $1 AND id = $2";
    Ok(tx.query_opt(SQL, &[&user, &id])?.is_some())
}

/// Revokes one app password of an account; 0 when it is not there.
pub fn delete(tx: &mut Tx, user: i64, id: i64) -> Result<u64> {
    tx.execute("DELETE FROM app_passwords WHERE user_id = $1 AND id = $2", &[&user, &id])
}

/// Revokes every app password of an account.
pub fn delete_all(tx: &mut Tx, user: i64) -> Result<u64> {
    tx.execute("DELETE FROM app_passwords WHERE user_id = $1", &[&user])
}
