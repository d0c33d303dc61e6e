//! The table `totp`: the second factor of an account. Secrets come and go encrypted, see
//! `crypto::Keys`.

use crate::db::{Conn, Tx};
use crate::error::Result;
use chrono::{DateTime, Utc};

/// A second factor as it is stored.
#[derive(Debug)]
pub struct Factor {
    /// The secret, encrypted.
    pub secret: Vec<u8>,
    /// It counts. One that was not confirmed yet asks for nothing.
    pub confirmed: bool,
    /// The newest time step whose code was taken.
    pub last_step: i64,
}

/// Stores a new secret in place of one that was not confirmed; 0 when one is confirmed.
pub fn begin(tx: &mut Tx, user: i64, secret: &[u8], now: DateTime<Utc>) -> Result<u64> {
    const SQL: &str = "INSERT INTO totp (user_id, secret, created_at) VALUES ($1, $2, $3)
        ON CONFLICT (user_id) DO UPDATE
        SET secret = excluded.secret, created_at = excluded.created_at, last_step = 0
        WHERE NOT totp.confirmed";
    tx.execute(SQL, &[&user, &secret, &now])
}

/// The second factor of an account. To be asked under the user's row lock where its code is taken:
/// so none is taken twice, on whatever replica.
pub fn find(db: &mut Conn, user: i64) -> Result<Option<Factor>> {
    const SQL: &str = "SELECT secret, confirmed, last_step FROM totp WHERE user_id = $1";
    let row = db.query_opt(SQL, &[&user])?;
    Ok(row.map(|row| Factor {
        secret: row.get("secret"),
        confirmed: row.get("confirmed"),
        last_step: row.get("last_step"),
    }))
}

/// True if a login needs a code.
pub fn is_on(db: &mut Conn, user: i64) -> Result<bool> {
    Ok(find(db, user)?.is_some_and(|stored| stored.confirmed))
}

/// From now on it counts, with these recovery codes.
pub fn confirm(tx: &mut Tx, user: i64, step: i64, recovery: &[Vec<u8>]) -> Result<u64> {
    const SQL: &str = "UPDATE totp SET confirmed = true, last_step = $2, recovery = $3
        WHERE user_id = $1";
    tx.execute(SQL, &[&user, &step, &recovery])
}

/// The code of this step was taken, and with it every older one.
pub fn take_step(tx: &mut Tx, user: i64, step: i64) -> Result<u64> {
    tx.execute("UPDATE totp SET last_step = $2 WHERE user_id = $1", &[&user, &step])
}

/// Takes a recovery code; 0 when it is none (any more).
pub fn take_recovery(tx: &mut Tx, user: i64, digest: &[u8]) -> Result<u64> {
    const SQL: &str = "UPDATE totp SET recovery = array_remove(recovery, $2)
        WHERE user_id = $1 AND $2 = ANY(recovery)";
    tx.execute(SQL, &[&user, &digest])
}

/// Stores the same secret encrypted with another key, unless it was replaced meanwhile.
pub fn reseal(db: &mut Conn, user: i64, before: &[u8], after: &[u8]) -> Result<u64> {
    const SQL: &str = "UPDATE totp SET secret = $3 WHERE user_id = $1 AND secret = $2";
    db.execute(SQL, &[&user, &before, &after])
}

/// The first hundred second factors of accounts after `user`, by account.
pub fn page(db: &mut Conn, user: i64) -> Result<Vec<(i64, Vec<u8>)>> {
    const SQL: &str =
        "SELECT user_id, secret FROM totp WHERE user_id > $1 ORDER BY user_id LIMIT 100";
    let rows = db.query(SQL, &[&user])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Removes a secret that was begun and not confirmed.
pub fn delete_unconfirmed(tx: &mut Tx, user: i64) -> Result<()> {
    tx.execute("DELETE FROM totp WHERE user_id = $1 AND NOT confirmed", &[&user]).map(|_| ())
}

/// Takes the second factor off an account. True if one counted; one that was only begun goes too.
pub fn delete(tx: &mut Tx, user: i64) -> Result<bool> {
    const SQL: &str = "DELETE FROM totp WHERE user_id = $1 RETURNING confirmed";
    Ok(tx.query_opt(SQL, &[&user])?.is_some_and(|row| row.get("confirmed")))
}
