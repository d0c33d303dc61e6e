//! Pages of contacts: filters, order, cursors. The SQL is put together from the pieces below and
//! never from input, but for the numbers of rows.

use super::{books, columns, from_row};
use crate::db::Conn;
use crate::error::Result;
use crate::model::contact::Contact;
use chrono::{DateTime, NaiveDate, Utc};
use postgres::types::{ToSql, Type};

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Last name (first name where there is none), first name, id.
    Name,
    /// When it was created, id.
    CreatedAt,
    /// When it was changed, id.
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
    /// After the row with this name.
    AfterName {
        /// `last_name`, or `first_name` where there is none.
        sort_name: String,
        /// `first_name`.
        first_name: String,
        /// `id`.
        id: i64,
    },
    /// After the row with this instant, created or updated.
    AfterInstant(DateTime<Utc>, i64),
}

/// Which contacts to list; all conditions hold together. Text is compared without case and
/// accents, as a substring.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Part of the first name.
    pub first_name: Option<String>,
    /// Part of the last name.
    pub last_name: Option<String>,
    /// Part of the address.
    pub email: Option<String>,
    /// Digits that follow each other in the phone number, other characters left out.
    pub phone: Option<String>,
    /// A whole label.
    pub label: Option<String>,
    /// Part of any name, the full name, the address, the phone number or the additional data.
    pub search: Option<String>,
    /// Changed at this instant or later.
    pub updated_since: Option<DateTime<Utc>>,
}

impl Filter {
    fn is_empty(&self) -> bool {
        *self == Filter::default()
    }
}

/// Only the digits of a text.
fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The parameters of a statement that is put together; `$1` is the owner.
type Typed<'a> = Vec<(&'a (dyn ToSql + Sync), Type)>;

/// Adds a parameter; its `$n`.
fn number<'a>(params: &mut Typed<'a>, value: &'a (dyn ToSql + Sync), kind: Type) -> String {
    params.push((value, kind));
    format!("${}", params.len())
}

/// What of a filter is digits only.
struct Digits {
    phone: Option<String>,
    search: Option<String>,
}

impl Digits {
    fn of(filter: &Filter) -> Digits {
        let search = filter.search.as_deref().map(digits);
        Digits {
            phone: filter.phone.as_deref().map(digits),
            search: search.filter(|digits| digits.len() >= 3),
        }
    }
}

/// The conditions of a filter on `digits`, on the text that `search_text` of the schema makes, here
/// called `TEXT`, and on what its `label_text` makes, `LABELS`. strpos, not LIKE: `%`, `_` and `\`
/// are plain characters. `(SELECT …)` is computed once, `fold(…)` alone might be for every row.
/// What folds to nothing (an accent alone) is null, and in no text. The whole text is looked at before
/// it is split, and few digits before many letters, since with most rows that is all.
fn conditions<'a>(filter: &'a Filter, digits: &'a Digits, params: &mut Typed<'a>) -> String {
    const IN_PART: &str = " AND strpos(TEXT, (SELECT nullif(fold($n), ''))) > 0
        AND strpos(split_part(TEXT, E'\\x1f', PART), (SELECT fold($n))) > 0";
    const IN_DIGITS: &str = "strpos(digits, (SELECT nullif($n, ''))) > 0";
    const IN_ALL: &str = "strpos(TEXT, (SELECT nullif(fold($n), ''))) > 0";
    const LABEL: &str = " AND strpos(LABELS, (SELECT label_text(ARRAY[$n])) COLLATE \"C\") > 0";
    let mut numbered = |value: &'a Option<String>, sql: &str| match value {
        None => String::new(),
        Some(value) => sql.replace("$n", &number(params, value, Type::TEXT)),
    };
    let mut all = String::new();
    for (value, part) in [(&filter.first_name, "1"), (&filter.last_name, "2"), (&filter.email, "3")]
    {
        all.push_str(&numbered(value, &IN_PART.replace("PART", part)));
    }
    all.push_str(&numbered(&digits.phone, &format!(" AND {IN_DIGITS}")));
    all.push_str(&numbered(&filter.label, LABEL));
    let text = numbered(&filter.search, IN_ALL);
    let digits = numbered(&digits.search, IN_DIGITS);
    match (text.is_empty(), digits.is_empty()) {
        (true, _) => all,
        (false, true) => format!("{all} AND {text}"),
        (false, false) => format!("{all} AND ({digits} OR {text})"),
    }
}

/// The contacts that pass the filter: the beginning of a statement, and `FROM … WHERE …`. What is
/// too long for the index is looked at before and one by one.
fn hits<'a>(filter: &'a Filter, digits: &'a Digits, params: &mut Typed<'a>) -> (String, String) {
    const TOO_LONG: &str = "(folded IS NULL OR short_labels IS NULL)";
    let on_text = conditions(filter, digits, params);
    let mut from = "FROM contacts WHERE owner = $1 AND deleted_at IS NULL".to_owned();
    if let Some(instant) = &filter.updated_since {
        let instant = number(params, instant, Type::TIMESTAMPTZ);
        from.push_str(&format!(" AND updated_at >= {instant}"));
    }
    if on_text.is_empty() {
        return ("WITH".to_owned(), from);
    }
    let (short, long) = (
        on_text.replace("TEXT", "folded").replace("LABELS", "short_labels"),
        on_text
            .replace("TEXT", "coalesce(folded, folded_long)")
            .replace("LABELS", "label_text(labels)"),
    );
    let with = format!("WITH long AS MATERIALIZED (SELECT id {from} AND {TOO_LONG}{long}),");
    (with, format!("{from} AND (true{short} OR {TOO_LONG} AND id IN (SELECT id FROM long))"))
}

/// A page and the number of all contacts that pass the filter.
pub fn page(
    db: &mut Conn,
    owner: i64,
    filter: &Filter,
    sort: Sort,
    start: &Start,
    limit: i64,
) -> Result<(Vec<Contact>, i64)> {
    if filter.is_empty() {
        return plain_page(db, owner, sort, start, limit);
    }
    let digits = Digits::of(filter);
    let mut params: Typed = vec![(&owner, Type::INT8)];
    let (with, from) = hits(filter, &digits, &mut params);
    let order = order(sort);
    let limit = number(&mut params, &limit, Type::INT8);
    let page = match sort.key {
        Key::Name => page_by_name(&from, sort, start, &limit, &mut params),
        Key::CreatedAt | Key::UpdatedAt => page_by_time(&from, sort, start, &limit, &mut params),
    };
    let sql = format!(
        "{with} {page}
        SELECT {}, total FROM page LEFT JOIN contacts ON owner = $1 AND id = ANY (ids)
        ORDER BY {order}",
        columns!(),
    );
    let rows = match filter.updated_since {
        // How many have changed since then decides which index is the better one.
        Some(_) => db.query_once(&sql, &params)?,
        None => db.query_typed(&sql, &params)?,
    };
    let total = rows.first().map_or(0, |row| row.get::<_, i32>("total"));
    // Without a hit there is one row, to tell the total.
    let found = rows.iter().filter(|row| row.get::<_, Option<i64>>("id").is_some());
    Ok((found.map(from_row).collect(), total.into()))
}

/// `hits` and `page` (the total, and the ids of the page) of a list by name. One pass over the index
/// finds all hits, in order. Names are not compared in it, which would take longer than the search:
/// where a cursor stands is told by the last hit that is not after it, which the index finds, going
/// back. OFFSET 0: once, not for each time that it is named.
fn page_by_name<'a>(
    from: &str,
    sort: Sort,
    start: &'a Start,
    limit: &str,
    params: &mut Typed<'a>,
) -> String {
    let order = order(sort);
    let skip = match start {
        Start::Skip(rows) => number(params, rows, Type::INT8),
        _ => {
            let back = Sort { descending: !sort.descending, ..sort };
            let (until, back) = (compare(back, "=", start, params), self::order(back));
            format!(
                "coalesce(array_position(ids, (SELECT id {from} AND {until}
                    ORDER BY {back} LIMIT 1)), 0)"
            )
        }
    };
    format!(
        "hits AS MATERIALIZED (SELECT ARRAY(SELECT id {from} ORDER BY {order}) AS ids),
        page AS MATERIALIZED (
            SELECT cardinality(ids) AS total, ids[skip + 1 : skip + {limit}::int] AS ids
            FROM (SELECT *, ({skip})::int AS skip FROM hits OFFSET 0) AS start
        )"
    )
}

/// The same of a list by time: one pass over the index finds all hits, in the order of names. Only
/// the first ones of what comes after the cursor are sorted.
fn page_by_time<'a>(
    from: &str,
    sort: Sort,
    start: &'a Start,
    limit: &str,
    params: &mut Typed<'a>,
) -> String {
    let (order, after) = (order(sort), compare(sort, "", start, params));
    let skip = match start {
        Start::Skip(rows) => number(params, rows, Type::INT8),
        _ => "0".to_owned(),
    };
    let keys = keys(sort).join(", ");
    format!(
        "hits AS MATERIALIZED (SELECT {keys} {from}),
        page AS MATERIALIZED (
            SELECT (SELECT count(*) FROM hits)::int AS total, ARRAY(
                SELECT id FROM hits WHERE {after} ORDER BY {order} LIMIT {limit} OFFSET {skip}
            ) AS ids
        )"
    )
}

/// A page of all contacts, whose number the book knows.
fn plain_page(
    db: &mut Conn,
    owner: i64,
    sort: Sort,
    start: &Start,
    limit: i64,
) -> Result<(Vec<Contact>, i64)> {
    let mut params: Typed = vec![(&owner, Type::INT8)];
    let order = order(sort);
    // The numbers are written out: of a limit that it does not know Postgres thinks that it is a tenth
    // of everything, and plans each page anew, which takes longer than to fetch it. Two of them for
    // all, so that there are few statements to keep: a page of 20 or of 100, and one row more.
    let most = if limit <= 21 { 21 } else { limit.max(101) };
    let after = compare(sort, "", start, &mut params);
    let live =
        format!("owner = $1 AND deleted_at IS NULL AND {after} ORDER BY {order} LIMIT {most}");
    let page = |which: &str| {
        format!(
            "SELECT {}, (SELECT contacts FROM address_books WHERE owner = $1) AS total
            FROM contacts WHERE {which}",
            columns!(),
        )
    };
    let mut rows = match start {
        // What is skipped is skipped in the index: its rows lie far from each other in the table.
        Start::Skip(rows) if *rows > 0 => db.query_once(
            &page(&format!(
                "owner = $1 AND id = ANY (ARRAY(SELECT id FROM contacts WHERE {live} OFFSET {rows}))
                ORDER BY {order}"
            )),
            &params,
        )?,
        _ => db.query_typed(&page(&live), &params)?,
    };
    rows.truncate(usize::try_from(limit).unwrap_or(0));
    let total = rows.first().map_or_else(|| books::count(db, owner), |it| Ok(it.get("total")));
    Ok((rows.iter().map(from_row).collect(), total?))
}

fn keys(sort: Sort) -> &'static [&'static str] {
    match sort.key {
        Key::Name => &["sort_name", "first_name", "id"],
        Key::CreatedAt => &["created_at", "id"],
        Key::UpdatedAt => &["updated_at", "id"],
    }
}

fn order(sort: Sort) -> String {
    let direction = if sort.descending { " DESC" } else { "" };
    let order: Vec<_> = keys(sort).iter().map(|key| format!("{key}{direction}")).collect();
    order.join(", ")
}

/// The condition that a row comes after the cursor in this order; with `=`, or at it.
fn compare<'a>(sort: Sort, equal: &str, cursor: &'a Start, params: &mut Typed<'a>) -> String {
    let mut number = |value: &'a (dyn ToSql + Sync), kind| number(params, value, kind);
    let cursor = match cursor {
        Start::Skip(_) => return "true".to_owned(),
        Start::AfterName { sort_name, first_name, id } => vec![
            number(sort_name, Type::TEXT),
            number(first_name, Type::TEXT),
            number(id, Type::INT8),
        ],
        Start::AfterInstant(instant, id) => {
            vec![number(instant, Type::TIMESTAMPTZ), number(id, Type::INT8)]
        }
    };
    let sign = if sort.descending { "<" } else { ">" };
    format!("({}) {sign}{equal} ({})", keys(sort).join(", "), cursor.join(", "))
}

/// The contacts whose birthday falls on a day with one of these keys (month × 100 + day, both
/// ends included), by name. A range that goes over the year's end is two ranges.
pub fn with_birthday(
    db: &mut Conn,
    owner: i64,
    ranges: [(i16, i16); 2],
    born_before: NaiveDate,
) -> Result<Vec<Contact>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM contacts WHERE owner = $1 AND deleted_at IS NULL AND birthday <= $2
        AND (birthday_key BETWEEN $3 AND $4 OR birthday_key BETWEEN $5 AND $6)
        ORDER BY sort_name, first_name, id"
    );
    let [(from, to), (more_from, more_to)] = ranges;
    let rows = db.query(SQL, &[&owner, &born_before, &from, &to, &more_from, &more_to])?;
    Ok(rows.iter().map(from_row).collect())
}

/// The labels in use with the number of contacts that have each. Of several spellings the one of
/// the oldest contact is shown.
pub fn labels(db: &mut Conn, owner: i64) -> Result<Vec<(String, i64)>> {
    const SQL: &str = "SELECT (array_agg(label ORDER BY id))[1] AS label, count(*) AS count
        FROM contacts, unnest(labels) AS label
        WHERE owner = $1 AND deleted_at IS NULL
        GROUP BY lower(label COLLATE \"und-x-icu\")
        ORDER BY lower(label COLLATE \"und-x-icu\")";
    let rows = db.query(SQL, &[&owner])?;
    Ok(rows.iter().map(|row| (row.get("label"), row.get("count"))).collect())
}
