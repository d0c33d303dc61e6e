//! Deleted contacts, and what goes by age: trash, history and former names after 30 days.

use super::books::{self, Book};
use super::{columns, from_row, history_bytes};
use crate::db::{Conn, Tx};
use crate::error::Result;
use crate::model::contact::Contact;
use crate::repository::Slice;
use chrono::{DateTime, Duration, Utc};

/// How long a deleted contact can be restored, and a change be undone.
pub const KEPT_DAYS: i64 = 30;

/// What was deleted or changed at this instant or before is kept no longer.
pub fn kept_since(now: DateTime<Utc>) -> DateTime<Utc> {
    now - Duration::days(KEPT_DAYS)
}

/// The trash, newest first, and how many are in it.
pub fn list(db: &mut Conn, owner: i64, slice: Slice) -> Result<(Vec<Contact>, i64)> {
    const PAGE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM contacts WHERE owner = $1 AND deleted_at IS NOT NULL AND NOT is_group
        ORDER BY deleted_at DESC, id DESC LIMIT $2 OFFSET $3"
    );
    let rows = db.query(PAGE, &[&owner, &slice.limit, &slice.skip])?;
    Ok((rows.iter().map(from_row).collect(), count(db, owner)?))
}

/// How many contacts are in the trash.
pub(super) fn count(db: &mut Conn, owner: i64) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM contacts
        WHERE owner = $1 AND deleted_at IS NOT NULL AND NOT is_group";
    Ok(db.query_one(SQL, &[&owner])?.get(0))
}

/// Deletes what is older than 30 days, a thousand rows of each kind at most; true if there may be
/// more. The book remembers how far it forgot, and when something will be due again. The caller has
/// locked it and saves it.
pub fn purge(tx: &mut Tx, book: &mut Book, now: DateTime<Utc>) -> Result<bool> {
    const TRASH: &str = "WITH gone AS (
            DELETE FROM contacts WHERE owner = $1 AND id IN (SELECT id FROM contacts
                WHERE owner = $1 AND deleted_at <= $2 ORDER BY deleted_at LIMIT 1000)
            RETURNING revision, deleted_at AS at, octet_length(card) AS bytes
        )
        SELECT count(*) AS rows, coalesce(sum(bytes), 0)::bigint AS bytes,
            coalesce(max(revision), 0) AS revision, max(at) AS last
        FROM gone";
    // No change has an instant before that of an earlier one: what is too old is at the beginning, and the rest of
    // the month, which may be millions of rows, is not looked at.
    const HISTORY: &str = concat!(
        "WITH gone AS (
            DELETE FROM history WHERE owner = $1 AND revision IN (SELECT revision FROM (
                    SELECT revision, at FROM history WHERE owner = $1 ORDER BY revision LIMIT 1000
                ) AS oldest WHERE at <= $2)
            RETURNING at, ",
        history_bytes!(),
        " AS bytes
        )
        SELECT count(*) AS rows, coalesce(sum(bytes), 0)::bigint AS bytes, 0::bigint AS revision, max(at) AS last
        FROM gone"
    );
    const NAMES: &str = "WITH gone AS (
            DELETE FROM former_names WHERE owner = $1 AND revision IN (SELECT revision FROM (
                    SELECT revision, at FROM former_names WHERE owner = $1 ORDER BY revision LIMIT 1000
                ) AS oldest WHERE at <= $2)
            RETURNING revision, at
        )
        SELECT count(*) AS rows, 0::bigint AS bytes, coalesce(max(revision), 0) AS revision, max(at) AS last
        FROM gone";
    const NEXT: &str = "SELECT least(
            (SELECT min(deleted_at) FROM contacts WHERE owner = $1 AND deleted_at IS NOT NULL),
            (SELECT at FROM history WHERE owner = $1 ORDER BY revision LIMIT 1),
            (SELECT at FROM former_names WHERE owner = $1 ORDER BY revision LIMIT 1))";
    let before = kept_since(now);
    let (owner, mut since) = (book.owner, book.history_since);
    let mut run = |sql| -> Result<(i64, i64, i64)> {
        let row = tx.query_one(sql, &[&owner, &before])?;
        // What is gone, and not the age at which it goes: a clock may have been a year ahead.
        since = since.max(row.get::<_, Option<_>>("last").unwrap_or(since));
        Ok((row.get("rows"), row.get("bytes"), row.get("revision")))
    };
    let (trash, card_bytes, forgotten) = run(TRASH)?;
    let (history, history_bytes, _) = run(HISTORY)?;
    let (names, _, renamed) = run(NAMES)?;
    book.history_since = since;
    book.stored -= trash;
    book.card_bytes -= card_bytes;
    book.history_bytes -= history_bytes;
    book.forgotten = book.forgotten.max(forgotten).max(renamed);
    let oldest: Option<DateTime<Utc>> = tx.query_one(NEXT, &[&book.owner])?.get(0);
    book.purge_after = oldest.map(|at| at + Duration::days(KEPT_DAYS));
    books::save(tx, book)?;
    Ok([trash, history, names].contains(&1_000))
}
