//! The table `avatars`: uploaded pictures, re-encoded by us.

use crate::db::{Conn, Tx};
use crate::error::Result;

/// Stores the picture of an account in place of an older one. `key` is new and random.
pub fn put(tx: &mut Tx, user: i64, key: &str, picture: &[u8]) -> Result<u64> {
    const SQL: &str = "INSERT INTO avatars (user_id, key, picture) VALUES ($1, $2, $3)
        ON CONFLICT (user_id) DO UPDATE SET key = excluded.key, picture = excluded.picture";
    tx.execute(SQL, &[&user, &key, &picture])
}

/// The picture of an account with this key. Anyone with the key may see it.
pub fn find(db: &mut Conn, user: i64, key: &str) -> Result<Option<Vec<u8>>> {
    const SQL: &str = "SELECT picture FROM avatars WHERE user_id = $1 AND key = $2";
    let row = db.query_opt(SQL, &[&user, &key])?;
    Ok(row.map(|row| row.get(0)))
}

/// The picture of an account.
pub fn of_user(db: &mut Conn, user: i64) -> Result<Option<Vec<u8>>> {
    let row = db.query_opt("SELECT picture FROM avatars WHERE user_id = $1", &[&user])?;
    Ok(row.map(|row| row.get(0)))
}

/// Removes the picture of an account; 0 when there is none.
pub fn delete(tx: &mut Tx, user: i64) -> Result<u64> {
    tx.execute("DELETE FROM avatars WHERE user_id = $1", &[&user])
}
