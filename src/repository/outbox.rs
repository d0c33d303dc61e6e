//! The table `outbox`: mail to send. A row is written in the transaction of its change, so
//! that no mail is lost and none is about a change that was rolled back.

use crate::db::Conn;
use crate::error::Result;
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

/// Waits before the second and later tries, in minutes; the last one repeats.
const RETRY_MINUTES: [i32; 4] = [1, 5, 15, 60];
/// After this time a mail is given up.
const GIVE_UP_HOURS: i64 = 24;
/// How long rows stay that were sent or given up, for the operator to look at.
const KEEP_DAYS: i64 = 7;

/// A mail to be written down.
#[derive(Debug, Clone, Copy)]
pub struct NewMail<'a> {
    /// Which text, see `mail::Kind`.
    pub kind: &'a str,
    /// The address.
    pub recipient: &'a str,
    /// The account; none: no account has this address, and nothing will be sent.
    pub user_id: Option<i64>,
    /// `Message-ID` without brackets, the same at every try.
    pub message_id: &'a str,
    /// It is a notice and has no link: it waits behind those that have one.
    pub is_notice: bool,
    /// The name for its greeting, for a mail that outlives its account; empty: a greeting without one.
    pub username: Option<&'a str>,
    /// Its language, for the same mails.
    pub language: Option<&'a str>,
}

/// A mail that is to be sent now.
#[derive(Debug)]
#[allow(missing_docs, reason = "see NewMail")]
pub struct Due {
    pub id: i64,
    pub kind: String,
    pub recipient: String,
    pub user_id: Option<i64>,
    /// The name for its greeting, where the account may be gone.
    pub username: Option<String>,
    /// Its language, for the same mails.
    pub language: Option<String>,
    /// The secret of the link, if an earlier try made one.
    pub token: Option<String>,
    pub message_id: String,
}

/// Writes a mail down, to be sent at once.
pub fn insert(db: &mut Conn, mail: NewMail, now: DateTime<Utc>) -> Result<()> {
    const SQL: &str = "INSERT INTO outbox
            (kind, recipient, user_id, message_id, rank, username, language, created_at, next_attempt_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
    let NewMail { kind, recipient, user_id, message_id, is_notice, username, language } = mail;
    let rank = i16::from(is_notice);
    db.execute(
        SQL,
        &[&kind, &recipient, &user_id, &message_id, &rank, &username, &language, &now],
    )?;
    Ok(())
}

/// How many notices of a kind were written to an account since `since`.
pub fn notices(db: &mut Conn, user: i64, kind: &str, since: DateTime<Utc>) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM outbox
        WHERE user_id = $1 AND kind = $2 AND created_at > $3";
    Ok(db.query_one(SQL, &[&user, &kind, &since])?.get(0))
}

/// Takes the mail that has waited longest, those with links before notices, for this worker only. Its
/// next try is set down before this one begins: a worker that dies loses nothing, and no transaction
/// is held while the mail server takes its time.
pub fn claim(db: &mut Conn, now: DateTime<Utc>) -> Result<Option<Due>> {
    const SQL: &str = "UPDATE outbox
        SET attempts = attempts + 1,
            next_attempt_at = $1 + make_interval(mins => ($2::int[])[least(attempts + 1, cardinality($2::int[]))])
        WHERE id = (
            SELECT id FROM outbox WHERE done_at IS NULL AND next_attempt_at <= $1
            ORDER BY rank, next_attempt_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
        )
        RETURNING id, kind, recipient, user_id, username, language, token, message_id";
    let row = db.query_opt(SQL, &[&now, &RETRY_MINUTES.as_slice()])?;
    Ok(row.map(|row| Due {
        id: row.get("id"),
        kind: row.get("kind"),
        recipient: row.get("recipient"),
        user_id: row.get("user_id"),
        username: row.get("username"),
        language: row.get("language"),
        token: row.get("token"),
        message_id: row.get("message_id"),
    }))
}

/// Keeps the secret of the link for later tries; 0 when the mail was withdrawn meanwhile.
pub fn set_token(db: &mut Conn, id: i64, token: &str) -> Result<u64> {
    const SQL: &str = "UPDATE outbox SET token = $2 WHERE id = $1 AND done_at IS NULL";
    db.execute(SQL, &[&id, &token])
}

/// True if the account asked for a newer mail of this kind.
pub fn is_superseded(db: &mut Conn, id: i64, user: i64, kind: &str) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS
        (SELECT 1 FROM outbox WHERE user_id = $2 AND kind = $3 AND id > $1)";
    Ok(db.query_one(SQL, &[&id, &user, &kind])?.get(0))
}

/// Takes mails of a kind back that wait for an account: their links are not wanted any more.
pub fn withdraw(db: &mut Conn, user: i64, kind: &str, now: DateTime<Utc>) -> Result<u64> {
    const SQL: &str = "UPDATE outbox SET done_at = $3, token = NULL
        WHERE user_id = $1 AND kind = $2 AND done_at IS NULL";
    db.execute(SQL, &[&user, &kind, &now])
}

/// The mail server took it, or no account should have it. The secret is wiped, and a mail to an
/// account that is gone (it brought its own name) goes altogether.
pub fn sent(db: &mut Conn, id: i64, now: DateTime<Utc>) -> Result<u64> {
    const SQL: &str = "WITH last AS (DELETE FROM outbox WHERE id = $1 AND username IS NOT NULL)
        UPDATE outbox SET done_at = $2, token = NULL, last_error = NULL
        WHERE id = $1 AND username IS NULL";
    db.execute(SQL, &[&id, &now])
}

/// Forgets a mail that no account should have.
pub fn delete(db: &mut Conn, id: i64) -> Result<u64> {
    db.execute("DELETE FROM outbox WHERE id = $1", &[&id])
}

/// Everything to and of an account that ended goes, but for what outlives it.
pub fn forget(db: &mut Conn, user: i64) -> Result<u64> {
    db.execute("DELETE FROM outbox WHERE user_id = $1 AND username IS NULL", &[&user])
}

/// Sending failed. After a day it is given up, and the secret is wiped. True if given up.
pub fn failed(db: &mut Conn, id: i64, error: &str, now: DateTime<Utc>) -> Result<bool> {
    const SQL: &str = "UPDATE outbox SET last_error = $2,
            done_at = CASE WHEN created_at <= $4 THEN $3::timestamptz END,
            token = CASE WHEN created_at <= $4 THEN NULL ELSE token END
        WHERE id = $1 AND done_at IS NULL RETURNING done_at IS NOT NULL";
    let oldest = now - Duration::hours(GIVE_UP_HOURS);
    let row = db.query_opt(SQL, &[&id, &error, &now, &oldest])?;
    Ok(row.is_some_and(|row| row.get(0)))
}

/// A mail as its user may see it.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "see NewMail")]
pub struct Mail {
    pub kind: String,
    pub recipient: String,
    pub created_at: DateTime<Utc>,
    /// When it was sent or given up. Not of the wish for another address: that is done sooner where
    /// the address is taken.
    pub done_at: Option<DateTime<Utc>>,
}

/// The mails to an account that are still kept, oldest first, without the secrets of their links.
pub fn of_user(db: &mut Conn, user: i64) -> Result<Vec<Mail>> {
    const SQL: &str = "SELECT kind, recipient, created_at,
            CASE WHEN kind <> 'change_email' THEN done_at END AS done_at
        FROM outbox WHERE user_id = $1 ORDER BY id";
    let rows = db.query(SQL, &[&user])?;
    let mail = |row: &postgres::Row| Mail {
        kind: row.get("kind"),
        recipient: row.get("recipient"),
        created_at: row.get("created_at"),
        done_at: row.get("done_at"),
    };
    Ok(rows.iter().map(mail).collect())
}

/// How many mails wait, and how many of them failed before.
pub fn queue(db: &mut Conn) -> Result<(i64, i64)> {
    const SQL: &str = "SELECT count(*), count(*) FILTER (WHERE attempts > 0) FROM outbox
        WHERE done_at IS NULL";
    let row = db.query_one(SQL, &[])?;
    Ok((row.get(0), row.get(1)))
}

/// Deletes some old rows that were sent or given up; how many. What outlived its account goes as soon
/// as it was given up.
pub fn purge(db: &mut Conn, now: DateTime<Utc>) -> Result<u64> {
    const SQL: &str = "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
        WHERE done_at <= $1 OR done_at IS NOT NULL AND username IS NOT NULL LIMIT 1000)";
    db.execute(SQL, &[&(now - Duration::days(KEEP_DAYS))])
}
