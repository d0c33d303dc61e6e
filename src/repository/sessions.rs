//! The table `sessions`: of programs, which hold refresh tokens, and of browsers, which hold cookies.

use crate::db::{Conn, Tx};
use crate::error::Result;
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

/// Most sessions of one account; a new login ends the oldest.
pub const SESSIONS_MAX: i64 = 20;
/// How long a refresh token that was exchanged gives the same successor again: its answer may have
/// been lost on the way to a phone.
pub const REPEAT_SECONDS: i64 = 10;
/// How many rows one statement of a purge deletes.
pub const BATCH: i64 = 1_000;

/// A session as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Unique, positive.
    pub id: i64,
    /// When it began, at the sign-in.
    pub created_at: DateTime<Utc>,
    /// When its refresh token was last used.
    pub last_used_at: DateTime<Utc>,
    /// The address it was last used from.
    pub ip: String,
    /// The program it was last used with, as it names itself.
    pub user_agent: String,
}

/// From where a session is used.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// Address.
    pub ip: String,
    /// `User-Agent`, cut to a sane length.
    pub user_agent: String,
}

/// What the holder of a session shows, hashed.
#[derive(Debug, Clone, Copy)]
pub enum Secret<'a> {
    /// A program's refresh token, and the part of it that stays the same.
    Refresh {
        /// SHA-256 of the part.
        family: &'a [u8],
        /// SHA-256 of the whole token.
        token: &'a [u8],
    },
    /// A browser's cookie.
    Cookie(&'a [u8]),
}

/// Adds a session. The caller holds the user's row lock, so that the count in [`trim`] is right.
pub fn insert(
    tx: &mut Tx,
    user: i64,
    secret: Secret,
    client: &Client,
    now: DateTime<Utc>,
    expires: DateTime<Utc>,
) -> Result<i64> {
    const SQL: &str = "INSERT INTO sessions (user_id, family_hash, refresh_hash, cookie_hash,
            created_at, last_used_at, expires_at, ip, user_agent)
        VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)
        RETURNING id";
    let (family, token, cookie) = match secret {
        Secret::Refresh { family, token } => (Some(family), Some(token), None),
        Secret::Cookie(cookie) => (None, None, Some(cookie)),
    };
    let Client { ip, user_agent } = client;
    let row =
        tx.query_one(SQL, &[&user, &family, &token, &cookie, &now, &expires, &ip, &user_agent])?;
    Ok(row.get(0))
}

/// Ends the oldest sessions of an account that has more than [`SESSIONS_MAX`].
pub fn trim(tx: &mut Tx, user: i64) -> Result<u64> {
    const SQL: &str = "DELETE FROM sessions WHERE user_id = $1 AND id IN
        (SELECT id FROM sessions WHERE user_id = $1 ORDER BY id DESC OFFSET $2)";
    tx.execute(SQL, &[&user, &SESSIONS_MAX])
}

/// A refresh token that is to be exchanged, and its successor.
#[derive(Debug, Clone, Copy)]
pub struct Rotation<'a> {
    /// SHA-256 of the part that stays the same.
    pub family: &'a [u8],
    /// SHA-256 of the token that was shown.
    pub old: &'a [u8],
    /// SHA-256 of its successor.
    pub new: &'a [u8],
}

/// A session after its token was exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// The session's id.
    pub id: i64,
    /// When the session ends whatever happens.
    pub ends: DateTime<Utc>,
}

/// Exchanges a refresh token for its successor; nothing when it is not the live one of a session of
/// the account, or when the session began more than `life` ago. Of parallel calls with one token
/// exactly one gets the row: the others wait for its lock and then find another hash in it.
pub fn rotate(
    db: &mut Conn,
    user: i64,
    rotation: Rotation,
    client: &Client,
    now: DateTime<Utc>,
    idle: Duration,
    life: Duration,
) -> Result<Option<Rotated>> {
    const SQL: &str = "UPDATE sessions
        SET previous_hash = $3, refresh_hash = $4, rotated_at = $5, last_used_at = $5,
            expires_at = least($6, created_at + make_interval(secs => $7)), ip = $8, user_agent = $9
        WHERE user_id = $1 AND family_hash = $2 AND refresh_hash = $3 AND expires_at > $5
            AND created_at + make_interval(secs => $7) > $5
        RETURNING id, created_at";
    let Rotation { family, old, new } = rotation;
    let Client { ip, user_agent } = client;
    let seconds = life.num_seconds() as f64;
    let row = db.query_opt(
        SQL,
        &[&user, &family, &old, &new, &now, &(now + idle), &seconds, &ip, &user_agent],
    )?;
    let rotated = |row: postgres::Row| Rotated {
        id: row.get("id"),
        ends: row.get::<_, DateTime<Utc>>("created_at") + life,
    };
    Ok(row.map(rotated))
}

/// What is known of a refresh token that was not exchanged now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// The session.
    pub id: i64,
    /// When the session began.
    pub created_at: DateTime<Utc>,
    /// The live token.
    pub token: Vec<u8>,
    /// The token before, if it was exchanged less than [`REPEAT_SECONDS`] ago.
    pub previous: Option<Vec<u8>>,
}

/// The session of an account that a family of refresh tokens belongs to.
pub fn find_family(
    db: &mut Conn,
    user: i64,
    family: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Family>> {
    const SQL: &str = "SELECT id, created_at, refresh_hash,
            CASE WHEN rotated_at > $3 THEN previous_hash END AS previous_hash
        FROM sessions WHERE user_id = $1 AND family_hash = $2 AND expires_at > $4";
    let oldest = now - Duration::seconds(REPEAT_SECONDS);
    let row = db.query_opt(SQL, &[&user, &family, &oldest, &now])?;
    Ok(row.map(|row| Family {
        id: row.get("id"),
        created_at: row.get("created_at"),
        token: row.get("refresh_hash"),
        previous: row.get("previous_hash"),
    }))
}

/// A browser's session was used: it lives until `idle` from now, and `life` from its login at most.
pub fn renew_page(
    db: &mut Conn,
    user: i64,
    id: i64,
    client: &Client,
    now: DateTime<Utc>,
    idle: Duration,
    life: Duration,
) -> Result<u64> {
    const SQL: &str = "UPDATE sessions SET last_used_at = $3,
            expires_at = least($4, created_at + make_interval(secs => $5)), ip = $6, user_agent = $7
        WHERE user_id = $1 AND id = $2 AND cookie_hash IS NOT NULL AND expires_at > $3";
    let Client { ip, user_agent } = client;
    let seconds = life.num_seconds() as f64;
    db.execute(SQL, &[&user, &id, &now, &(now + idle), &seconds, &ip, &user_agent])
}

/// The live sessions of an account that began after `oldest`, newest first.
pub fn list(
    db: &mut Conn,
    user: i64,
    now: DateTime<Utc>,
    oldest: DateTime<Utc>,
) -> Result<Vec<Session>> {
    const SQL: &str = "SELECT id, created_at, last_used_at, ip, user_agent
        FROM sessions WHERE user_id = $1 AND expires_at > $2 AND created_at > $3 ORDER BY id DESC";
    let rows = db.query(SQL, &[&user, &now, &oldest])?;
    let session = |row: &postgres::Row| Session {
        id: row.get("id"),
        created_at: row.get("created_at"),
        last_used_at: row.get("last_used_at"),
        ip: row.get("ip"),
        user_agent: row.get("user_agent"),
    };
    Ok(rows.iter().map(session).collect())
}

/// When a session of an account began; nothing if it is not there.
pub fn began(db: &mut Conn, user: i64, id: i64) -> Result<Option<DateTime<Utc>>> {
    const SQL: &str = "SELECT created_at FROM sessions WHERE user_id = $1 AND id = $2";
    Ok(db.query_opt(SQL, &[&user, &id])?.map(|row| row.get(0)))
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

/// Deletes some sessions that ended by themselves; how many. The cache needs no word of it: it asks
/// for live ones only, and an access token ends before its session.
pub fn purge(db: &mut Conn, now: DateTime<Utc>) -> Result<u64> {
    const SQL: &str = "DELETE FROM sessions WHERE (user_id, id) IN
        (SELECT user_id, id FROM sessions WHERE expires_at <= $1 LIMIT $2) AND expires_at <= $1";
    db.execute(SQL, &[&now, &BATCH])
}
