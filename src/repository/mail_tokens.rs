//! The table `mail_tokens`: secrets that travel by mail, each for one purpose and one use.

use crate::db::{Conn, Tx};
use crate::error::{Error, Result};
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

/// What a mailed token is good for, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Confirms the address of a new account.
    Confirm,
    /// Sets a new password.
    Reset,
    /// Changes the account's address to the one that the token was mailed to.
    ChangeEmail,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Purpose; 3] = [Purpose::Confirm, Purpose::Reset, Purpose::ChangeEmail];

    /// The word in the database, which is also the kind of the mail that carries such a token.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Confirm => "confirm",
            Purpose::Reset => "reset",
            Purpose::ChangeEmail => "change_email",
        }
    }

    /// How long a link for this works.
    pub fn lifetime(self) -> Duration {
        match self {
            Purpose::Confirm | Purpose::ChangeEmail => Duration::hours(24),
            Purpose::Reset => Duration::minutes(30),
        }
    }

    fn parse(word: &str) -> Result<Purpose> {
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == word);
        purpose.ok_or_else(|| Error::internal(format!("unknown purpose {word}")))
    }
}

/// A live token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailToken {
    /// What it is good for.
    pub purpose: Purpose,
    /// The address it was mailed to.
    pub email: String,
}

/// Stores a token; an older one of the same account and purpose is revoked by that.
pub fn put(
    db: &mut Conn,
    user: i64,
    purpose: Purpose,
    hash: &[u8],
    email: &str,
    expires: DateTime<Utc>,
) -> Result<u64> {
    const SQL: &str = "INSERT INTO mail_tokens (user_id, purpose, hash, email, expires_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (user_id, purpose) DO UPDATE
        SET hash = excluded.hash, email = excluded.email, expires_at = excluded.expires_at,
            handed_over = false";
    db.execute(SQL, &[&user, &purpose.as_str(), &hash, &email, &expires])
}

/// Gives a token that is still waiting to be mailed its full life. Once its mail was handed to the
/// mail server, a try of the same mail prolongs nothing. False when it was used, has ended, or was
/// replaced by a newer one.
pub fn prolong(
    db: &mut Conn,
    user: i64,
    hash: &[u8],
    purpose: Purpose,
    now: DateTime<Utc>,
    expires: DateTime<Utc>,
) -> Result<bool> {
    const SQL: &str = "UPDATE mail_tokens
        SET expires_at = CASE WHEN handed_over THEN expires_at ELSE $4 END
        WHERE user_id = $1 AND hash = $2 AND purpose = $3 AND (expires_at > $5 OR NOT handed_over)";
    Ok(db.execute(SQL, &[&user, &hash, &purpose.as_str(), &expires, &now])? == 1)
}

/// Whether the mail server may have had the mail already.
pub fn handed_over(db: &mut Conn, user: i64, hash: &[u8]) -> Result<bool> {
    const SQL: &str = "SELECT handed_over FROM mail_tokens WHERE user_id = $1 AND hash = $2";
    Ok(db.query_opt(SQL, &[&user, &hash])?.is_some_and(|row| row.get(0)))
}

/// Writes down whether the mail server may have had the mail.
pub fn set_handed_over(db: &mut Conn, user: i64, hash: &[u8], handed_over: bool) -> Result<u64> {
    const SQL: &str = "UPDATE mail_tokens SET handed_over = $3 WHERE user_id = $1 AND hash = $2";
    db.execute(SQL, &[&user, &hash, &handed_over])
}

fn from_row(row: &postgres::Row) -> Result<MailToken> {
    Ok(MailToken { purpose: Purpose::parse(row.get("purpose"))?, email: row.get("email") })
}

/// A live token, which stays alive.
pub fn find(
    db: &mut Conn,
    user: i64,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<MailToken>> {
    const SQL: &str = "SELECT purpose, email FROM mail_tokens
        WHERE user_id = $1 AND hash = $2 AND expires_at > $3";
    db.query_opt(SQL, &[&user, &hash, &now])?.as_ref().map(from_row).transpose()
}

/// Uses a token up. Of parallel calls with one token exactly one gets it.
pub fn consume(
    tx: &mut Tx,
    user: i64,
    hash: &[u8],
    purposes: &[Purpose],
    now: DateTime<Utc>,
) -> Result<Option<MailToken>> {
    const SQL: &str = "DELETE FROM mail_tokens
        WHERE user_id = $1 AND hash = $2 AND purpose = ANY($3) AND expires_at > $4
        RETURNING purpose, email";
    let purposes: Vec<_> = purposes.iter().map(|purpose| purpose.as_str()).collect();
    tx.query_opt(SQL, &[&user, &hash, &purposes, &now])?.as_ref().map(from_row).transpose()
}

/// Revokes the account's token of a purpose.
pub fn revoke(tx: &mut Tx, user: i64, purpose: Purpose) -> Result<u64> {
    const SQL: &str = "DELETE FROM mail_tokens WHERE user_id = $1 AND purpose = $2";
    tx.execute(SQL, &[&user, &purpose.as_str()])
}

/// A link that was mailed and not used yet, as its user may see it.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "see MailToken")]
pub struct PendingLink {
    pub purpose: String,
    pub email: String,
    pub expires_at: DateTime<Utc>,
}

/// The links of an account, without their secrets. Not the one to another address: there is one only
/// where that address is free, which the account must not learn. Its mail is in the outbox either way.
pub fn of_user(db: &mut Conn, user: i64) -> Result<Vec<PendingLink>> {
    const SQL: &str = "SELECT purpose, email, expires_at FROM mail_tokens WHERE user_id = $1
            AND purpose <> 'change_email' ORDER BY purpose";
    let rows = db.query(SQL, &[&user])?;
    let link = |row: &postgres::Row| PendingLink {
        purpose: row.get("purpose"),
        email: row.get("email"),
        expires_at: row.get("expires_at"),
    };
    Ok(rows.iter().map(link).collect())
}

/// Deletes some tokens that ended two days ago (for a day their mail may still be tried); how many. One that is
/// renewed while this waits for its row stays: Postgres looks at the outer condition once more.
pub fn purge(db: &mut Conn, now: DateTime<Utc>) -> Result<u64> {
    const SQL: &str = "DELETE FROM mail_tokens WHERE (user_id, purpose) IN
        (SELECT user_id, purpose FROM mail_tokens WHERE expires_at <= $1 LIMIT 1000)
        AND expires_at <= $1";
    db.execute(SQL, &[&(now - Duration::days(2))])
}
