//! The tables `sessions` and `spent_refresh_tokens`.

use crate::db::{Conn, Tx};
use crate::error::Result;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// Most sessions of one account; a new login ends the oldest.
pub const SESSIONS_MAX: i64 = 20;

/// A session as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Unique, positive.
    pub id: i64,
    /// When somebody signed in.
    pub created_at: DateTime<Utc>,
    /// When its refresh token was last used.
    pub last_used_at: DateTime<Utc>,
    /// The address it was last used from.
    pub ip: String,
    /// The program it was last used with, as it names itself.
    pub user_agent: String,
}

/// From where a session is used.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    /// Address.
    pub ip: &'a str,
    /// `User-Agent`, cut to a sane length.
    pub user_agent: &'a str,
}

/// Adds a session. The caller holds the user's row lock, so that the count in [`trim`] is right.
pub fn insert(
    tx: &mut Tx,
    user: i64,
    refresh_hash: &[u8],
    client: Client,
    now: DateTime<Utc>,
    expires: DateTime<Utc>,
) -> Result<i64> {
    const SQL: &str = "INSERT INTO sessions
            (user_id, refresh_hash, created_at, last_used_at, expires_at, ip, user_agent)
        VALUES ($1, $2, $3, $3, $4, $5, $6)
        RETURNING id";
    let row =
        tx.query_one(SQL, &[&user, &refresh_hash, &now, &expires, &client.ip, &client.user_agent])?;
    Ok(row.get(0))
}

/// Ends the oldest sessions of an account that has more than [`SESSIONS_MAX`].
pub fn trim(tx: &mut Tx, user: i64) -> Result<u64> {
    const SQL: &str = "DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions WHERE user_id = $1 ORDER BY id DESC OFFSET $2)";
    tx.execute(SQL, &[&user, &SESSIONS_MAX])
}

/// Exchanges a refresh token for a newer one, and keeps the old one as spent. The ids of the
/// session and the user, or nothing when the token is not the live one of a session. Of parallel
/// calls with one token exactly one gets the row: the others wait for its lock and then find
/// another hash in it.
pub fn rotate(
    db: &mut Conn,
    old_hash: &[u8],
    new_hash: &[u8],
    client: Client,
    now: DateTime<Utc>,
    expires: DateTime<Utc>,
) -> Result<Option<(i64, i64)>> {
    const SQL: &str = "WITH rotated AS (
            UPDATE sessions
            SET refresh_hash = $2, last_used_at = $3, expires_at = $4, ip = $5, user_agent = $6
            WHERE refresh_hash = $1 AND expires_at > $3
            RETURNING id, user_id
        ), spent AS (
            INSERT INTO spent_refresh_tokens (hash, session_id) SELECT $1, id FROM rotated
        )
        SELECT id, user_id FROM rotated";
    let row =
        db.query_opt(SQL, &[&old_hash, &new_hash, &now, &expires, &client.ip, &client.user_agent])?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

/// The ids of the session and the user whose refresh token this once was.
pub fn find_spent(db: &mut Conn, hash: &[u8]) -> Result<Option<(i64, i64)>> {
    const SQL: &str = "SELECT sessions.id, sessions.user_id
        FROM spent_refresh_tokens JOIN sessions ON sessions.id = session_id
        WHERE hash = $1";
    Ok(db.query_opt(SQL, &[&hash])?.map(|row| (row.get(0), row.get(1))))
}

/// The live sessions of an account, newest first.
pub fn list(db: &mut Conn, user: i64, now: DateTime<Utc>) -> Result<Vec<Session>> {
    const SQL: &str = "SELECT id, created_at, last_used_at, ip, user_agent
        FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY id DESC";
    let rows = db.query(SQL, &[&user, &now])?;
    let session = |row: &postgres::Row| Session {
        id: row.get("id"),
        created_at: row.get("created_at"),
        last_used_at: row.get("last_used_at"),
        ip: row.get("ip"),
        user_agent: row.get("user_agent"),
    };
    Ok(rows.iter().map(session).collect())
}

/// Ends one session of an account; 0 when it is not there.
pub fn delete(db: &mut Conn, user: i64, id: i64) -> Result<u64> {
    db.execute("DELETE FROM sessions WHERE user_id = $1 AND id = $2", &[&user, &id])
}

/// Ends every session of an account but `keep`.
pub fn delete_all(db: &mut Conn, user: i64, keep: Option<i64>) -> Result<u64> {
    const SQL: &str = "DELETE FROM sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2";
    db.execute(SQL, &[&user, &keep])
}

/// Deletes sessions that ended by themselves.
pub fn purge(db: &mut Conn, now: DateTime<Utc>) -> Result<u64> {
    db.execute("DELETE FROM sessions WHERE expires_at <= $1", &[&now])
}
