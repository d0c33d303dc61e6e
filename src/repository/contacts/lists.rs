//! Pages of contacts: order and cursors. Each statement is literal text; what a filter does not
//! ask for is a null parameter; `filter.rs` says at `hits!` what $1 to $21 are. `found.rs` has the statement of a
//! search by words alone.

use super::changes::revision_before;
use super::filter::{Filter, Terms, hits, passes, words};
use super::found::{self, long_hits, shown};
use super::{books, columns, from_row, live};
use crate::db::Conn;
use crate::error::Result;
use crate::model::contact::Contact;
use postgres::Row;
use postgres::types::Type;

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Last name (or what comes closest to one), first name, id.
    Name,
    /// The order in which contacts were made, which is that of their ids.
    CreatedAt,
    /// The order in which they were changed, which is that of their revisions.
    UpdatedAt,
}

/// Key and direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// What by.
    pub key: Key,
    /// Greatest first.
    pub descending: bool,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// After so many rows.
    Skip(i64),
    /// After the row with this name and id.
    AfterName(String, String, i64),
    /// After the row with this id or revision.
    AfterNumber(i64),
}

/// A page of a list.
#[derive(Debug, Default)]
pub struct Page {
    /// In order.
    pub contacts: Vec<Contact>,
    /// How many pass the filter on all pages.
    pub total: i64,
    /// Where the next page begins.
    pub next: Option<Start>,
}

/// A page of at most `limit` contacts, which is at most 100, and the number of all that pass the filter (read by
/// another statement, so what changes between the two may be in one of them). `start` fits the sort:
/// [`Start::AfterName`] only with [`Key::Name`].
pub fn page(
    db: &mut Conn,
    owner: i64,
    filter: &Filter,
    sort: Sort,
    start: &Start,
    limit: i64,
) -> Result<Page> {
    let terms = Terms::of(filter);
    if terms == Terms::default() && filter.updated_since.is_none() {
        return plain_page(db, owner, sort, start, limit);
    }
    let words = terms.only_words().filter(|_| filter.updated_since.is_none());
    if let (Some(words), Key::Name, Start::Skip(skip)) = (words, sort.key, start) {
        let rows = found::by_name(db, owner, words, sort.descending, (*skip, limit + 1))?;
        return Ok(finish_filtered(rows, sort, limit));
    }
    let since = filter.updated_since.map(|it| revision_before(db, owner, it)).transpose()?;
    let long = long_hits(db, owner, &terms)?;
    let (skip, name, more, number) = match start {
        Start::Skip(rows) => (*rows, None, None, None),
        Start::AfterName(name, more, id) => (0, Some(name), Some(more), Some(*id)),
        Start::AfterNumber(number) => (0, None, None, Some(*number)),
    };
    // One more, to see whether there is a next page.
    let most = limit + 1;
    let mut params = vec![(&owner as _, Type::INT8)];
    params.extend(terms.params());
    params.extend([
        (&long as _, Type::INT8_ARRAY),
        (&since as _, Type::INT8),
        (&most as _, Type::INT8),
        (&skip as _, Type::INT8),
        (&number as _, Type::INT8),
    ]);
    if sort.key == Key::Name {
        params.extend([(&name as _, Type::TEXT), (&more as _, Type::TEXT)]);
    }
    let rows = db.query_typed(filtered_page(sort), &params)?;
    Ok(finish_filtered(rows, sort, limit))
}

fn finish_filtered(rows: Vec<Row>, sort: Sort, limit: i64) -> Page {
    let total = rows.first().map_or(0, |row| row.get::<_, i64>("total"));
    // Without a hit there is one row, for the total.
    let rows: Vec<_> =
        rows.into_iter().filter(|row| row.get::<_, Option<i64>>("id").is_some()).collect();
    finish(rows, total, sort, limit)
}

/// Everything that passes the filter, by id.
pub fn ids(db: &mut Conn, owner: i64, filter: &Filter) -> Result<Vec<i64>> {
    const SQL: &str = concat!("SELECT id FROM contacts WHERE ", hits!(), " ORDER BY id");
    let terms = Terms::of(filter);
    let since = filter.updated_since.map(|it| revision_before(db, owner, it)).transpose()?;
    let long = long_hits(db, owner, &terms)?;
    let mut params = vec![(&owner as _, Type::INT8)];
    params.extend(terms.params());
    params.extend([(&long as _, Type::INT8_ARRAY), (&since as _, Type::INT8)]);
    Ok(db.query_typed(SQL, &params)?.iter().map(|row| row.get(0)).collect())
}

/// The statement of a filtered page. By name: one pass over the index finds all hits, in order. Names are
/// not compared in it, which would take longer than the search: where a cursor stands is shown by the
/// last hit that is not after it, which the index finds, going back. OFFSET 0: once, not for each time
/// that it is named. By number (a revision is one change of one contact): only the first ones of what comes
/// after the cursor are sorted. The hits are an array, which stays in memory where rows would not.
fn filtered_page(sort: Sort) -> &'static str {
    macro_rules! by_name {
        ($order:literal, $back:literal, $until:literal) => {
            concat!(
                "WITH hits AS MATERIALIZED (
                    SELECT ARRAY(SELECT id FROM contacts WHERE ", hits!(), " ORDER BY ", $order, ") AS ids
                ), page AS MATERIALIZED (
                    SELECT cardinality(ids)::bigint AS total, ids[skip + 1 : skip + $17::int] AS ids
                    FROM (
                        SELECT *, (CASE WHEN $20::text IS NULL THEN $18 ELSE coalesce(array_position(ids, (
                            SELECT id FROM contacts WHERE ", hits!(), "
                                AND (sort_name, sort_more, id) ", $until, " ($20, $21, $19)
                            ORDER BY ", $back, " LIMIT 1)), 0) END)::int AS skip
                        FROM hits OFFSET 0
                    ) AS start
                )",
                shown!("id", "ids", $order)
            )
        };
    }
    macro_rules! by_number {
        ($order:literal, $key:literal, $after:literal) => {
            concat!(
                "WITH hits AS MATERIALIZED (
                    SELECT ARRAY(SELECT ",
                $key,
                " FROM contacts WHERE ",
                hits!(),
                ") AS keys
                ), page AS MATERIALIZED (
                    SELECT cardinality(keys)::bigint AS total, ARRAY(
                        SELECT * FROM (SELECT unnest(keys) AS ",
                $key,
                ") AS hit
                        WHERE $19::bigint IS NULL OR ",
                $key,
                $after,
                " $19
                        ORDER BY ",
                $order,
                " LIMIT $17 OFFSET $18
                    ) AS keys FROM hits
                )",
                shown!($key, "keys", $order)
            )
        };
    }
    match (sort.key, sort.descending) {
        (Key::Name, false) => {
            by_name!("sort_name, sort_more, id", "sort_name DESC, sort_more DESC, id DESC", "<=")
        }
        (Key::Name, true) => {
            by_name!("sort_name DESC, sort_more DESC, id DESC", "sort_name, sort_more, id", ">=")
        }
        (Key::CreatedAt, false) => by_number!("id", "id", ">"),
        (Key::CreatedAt, true) => by_number!("id DESC", "id", "<"),
        (Key::UpdatedAt, false) => by_number!("revision", "revision", ">"),
        (Key::UpdatedAt, true) => by_number!("revision DESC", "revision", "<"),
    }
}

fn finish(mut rows: Vec<Row>, total: i64, sort: Sort, limit: i64) -> Page {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| match sort.key {
        Key::Name => Start::AfterName(row.get("sort_name"), row.get("sort_more"), row.get("id")),
        Key::CreatedAt => Start::AfterNumber(row.get("id")),
        Key::UpdatedAt => Start::AfterNumber(row.get("revision")),
    });
    Page { contacts: rows.iter().map(from_row).collect(), total, next }
}

/// A page without a filter: the book's counter is the total.
fn plain_page(db: &mut Conn, owner: i64, sort: Sort, start: &Start, limit: i64) -> Result<Page> {
    macro_rules! page {
        ($where:literal, $order:literal, $limit:literal) => {
            concat!(
                "SELECT ",
                columns!(),
                ", sort_name, sort_more,
                    (SELECT contacts FROM address_books WHERE owner = $1) AS total
                FROM contacts WHERE ",
                live!(),
                $where,
                " ORDER BY ",
                $order,
                $limit
            )
        };
    }
    // Postgres assumes that an unknown LIMIT returns a tenth of the table, and so plans each page anew, which takes
    // longer than fetching it. Hence fixed numbers, for pages of 20, of 50 (the list of a browser) and of 100, each
    // with one row more.
    macro_rules! after {
        ($order:literal, $after:literal) => {
            if limit <= 20 {
                page!($after, $order, " LIMIT 21")
            } else if limit <= 50 {
                page!($after, $order, " LIMIT 51")
            } else {
                page!($after, $order, " LIMIT 101")
            }
        };
    }
    macro_rules! first {
        ($order:literal, $after:literal) => {
            after!($order, "")
        };
    }
    // What is skipped is skipped in the index: its rows lie far from each other in the table.
    macro_rules! skipping {
        ($order:literal, $after:literal) => {
            concat!(
                "SELECT ",
                columns!(),
                ", sort_name, sort_more,
                    (SELECT contacts FROM address_books WHERE owner = $1) AS total
                FROM contacts WHERE owner = $1 AND id = ANY (ARRAY(
                    SELECT id FROM contacts WHERE ",
                live!(),
                " ORDER BY ",
                $order,
                " LIMIT $2 OFFSET $3))
                ORDER BY ",
                $order
            )
        };
    }
    // The statement in the order that is asked for, and what comes after the cursor in it.
    macro_rules! ordered {
        ($statement:ident) => {
            match (sort.key, sort.descending) {
                (Key::Name, false) => $statement!(
                    "sort_name, sort_more, id",
                    " AND (sort_name, sort_more, id) > ($2, $3, $4)"
                ),
                (Key::Name, true) => $statement!(
                    "sort_name DESC, sort_more DESC, id DESC",
                    " AND (sort_name, sort_more, id) < ($2, $3, $4)"
                ),
                (Key::CreatedAt, false) => $statement!("id", " AND id > $2"),
                (Key::CreatedAt, true) => $statement!("id DESC", " AND id < $2"),
                (Key::UpdatedAt, false) => $statement!("revision", " AND revision > $2"),
                (Key::UpdatedAt, true) => $statement!("revision DESC", " AND revision < $2"),
            }
        };
    }
    let rows = match start {
        Start::Skip(0) => db.query(ordered!(first), &[&owner])?,
        Start::Skip(rows) => {
            let most = limit + 1;
            let params =
                [(&owner as _, Type::INT8), (&most as _, Type::INT8), (rows as _, Type::INT8)];
            db.query_planned_anew(ordered!(skipping), &params)?
        }
        Start::AfterName(name, more, id) => db.query(ordered!(after), &[&owner, name, more, id])?,
        Start::AfterNumber(number) => db.query(ordered!(after), &[&owner, number])?,
    };
    let total = rows.first().map_or_else(|| books::count(db, owner), |it| Ok(it.get("total")));
    Ok(finish(rows, total?, sort, limit))
}
