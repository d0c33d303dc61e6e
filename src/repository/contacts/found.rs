//! Searching: what is too long for the index, and the first pages of a search by words, which is what people
//! look for most.

use super::filter::{Terms, passes, words};
use super::{columns, live};
use crate::db::Conn;
use crate::error::Result;
use postgres::Row;
use postgres::types::Type;

/// Those that are too long for the index and pass a condition.
macro_rules! long {
    ($($condition:tt)*) => {
        concat!(
            "SELECT id FROM (
                SELECT id, split_part(long_text, E'\\x1d', 1) AS folded,
                    split_part(long_text, E'\\x1d', 2) AS digits,
                    split_part(long_text, E'\\x1d', 3) AS label_keys
                FROM contacts WHERE ",
            live!(),
            " AND long_text IS NOT NULL OFFSET 0
            ) AS long WHERE ",
            $($condition)*
        )
    };
}

/// The contacts whose keys are in `page`, and the total beside each.
macro_rules! shown {
    ($key:literal, $keys:literal, $order:literal) => {
        concat!(
            " SELECT ",
            columns!(),
            ", sort_name, sort_more, total
            FROM page LEFT JOIN contacts ON owner = $1 AND ",
            $key,
            " = ANY (",
            $keys,
            ") ORDER BY ",
            $order
        )
    };
}

pub(super) use shown;

/// Those that are too long for the index and pass the filter.
pub(super) fn long_hits(db: &mut Conn, owner: i64, terms: &Terms) -> Result<Vec<i64>> {
    const SQL: &str = long!(passes!());
    let mut params = vec![(&owner as _, Type::INT8)];
    params.extend(terms.params());
    Ok(db.query_typed(SQL, &params)?.iter().map(|row| row.get(0)).collect())
}

/// A page of what has these words, by name, as rows with a total; `skip` and `most` rows. Postgres
/// plans the statement of all filters anew each time, in twice the time of a search among a hundred contacts.
/// This one is smaller and planned once; among 100,000 it takes an eighth more than one that is planned anew.
pub(super) fn by_name(
    db: &mut Conn,
    owner: i64,
    words: &[Option<String>; 4],
    descending: bool,
    (skip, most): (i64, i64),
) -> Result<Vec<Row>> {
    macro_rules! found {
        ($order:literal) => {
            concat!(
                "WITH hits AS MATERIALIZED (
                    SELECT ARRAY(SELECT id FROM contacts WHERE ",
                live!(),
                " AND ((",
                words!(),
                ") OR id IN (",
                long!(words!()),
                ")) ORDER BY ",
                $order,
                ") AS ids
                ), page AS MATERIALIZED (
                    SELECT cardinality(ids)::bigint AS total, ids[$7::int + 1 : $7::int + $6::int] AS ids
                    FROM hits
                )",
                shown!("id", "ids", $order)
            )
        };
    }
    let sql = match descending {
        false => found!("sort_name, sort_more, id"),
        true => found!("sort_name DESC, sort_more DESC, id DESC"),
    };
    let mut params = vec![(&owner as _, Type::INT8)];
    params.extend(words.iter().map(|it| (it as _, Type::TEXT)));
    params.extend([(&most as _, Type::INT8), (&skip as _, Type::INT8)]);
    db.query_with_fixed_plan(sql, &params)
}
