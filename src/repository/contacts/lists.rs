//! Pages of contacts: filters, order, cursors. The SQL is put together from the pieces below and
//! never from input.

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

/// A statement that is put together, and its parameters; `$1` is the owner.
type Typed<'a> = Vec<(&'a (dyn ToSql + Sync), Type)>;

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

/// The conditions of a filter on the text that `search_text` of the schema makes, here called
/// `TEXT`. strpos, not LIKE: `%`, `_` and `\` are plain characters. `(SELECT fold(…))` is computed
/// once, `fold(…)` alone might be for every row. What folds to nothing (an accent alone) is in no
/// text. The whole text is looked at before it is split, since most rows end there.
fn conditions<'a>(filter: &'a Filter, digits: &'a Digits, params: &mut Typed<'a>) -> String {
    const IN_PART: &str = " AND (SELECT fold($n)) <> ''
        AND strpos(TEXT, (SELECT fold($n))) > 0
        AND strpos(split_part(TEXT, E'\\x1f', PART), (SELECT fold($n))) > 0";
    const IN_DIGITS: &str = "$n <> '' AND strpos(TEXT, $n) > 0
        AND strpos(split_part(TEXT, E'\\x1d', 2), $n) > 0";
    const IN_ALL: &str = "(SELECT fold($n)) <> ''
        AND strpos(TEXT, (SELECT fold($n))) BETWEEN 1 AND strpos(TEXT, E'\\x1d')";
    const LABEL: &str = " AND strpos(TEXT,
        (SELECT E'\\x1e' || lower($n COLLATE \"und-x-icu\") || E'\\x1e') COLLATE \"C\") > 0";
    let mut numbered = |value: &'a Option<String>, sql: &str| {
        if value.is_none() {
            return String::new();
        }
        params.push((value, Type::TEXT));
        sql.replace("$n", &format!("${}", params.len()))
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
        (false, false) => format!("{all} AND ({text} OR {digits})"),
    }
}

/// What the contacts that pass the filter are sorted by. Texts too long for the index are looked at one
/// by one.
fn hits<'a>(filter: &'a Filter, digits: &'a Digits, sort: Sort, params: &mut Typed<'a>) -> String {
    let keys = keys(sort).join(", ");
    let hits = format!("SELECT {keys} FROM contacts WHERE owner = $1 AND deleted_at IS NULL");
    let on_text = conditions(filter, digits, params);
    let since = match &filter.updated_since {
        Some(instant) => {
            params.push((instant, Type::TIMESTAMPTZ));
            format!(" AND updated_at >= ${}", params.len())
        }
        None => String::new(),
    };
    if on_text.is_empty() {
        return format!("{hits}{since}");
    }
    let (short, long) = (on_text.replace("TEXT", "folded"), on_text.replace("TEXT", "folded_long"));
    format!(
        "{hits}{since} AND folded IS NOT NULL{short}
        UNION ALL {hits}{since} AND folded IS NULL{long}"
    )
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
    let digits = Digits::of(filter);
    let mut params: Typed = vec![(&owner, Type::INT8)];
    if filter.is_empty() {
        let slice = slice(sort, start, &limit, &mut params);
        let sql = format!(
            "SELECT {}, (SELECT contacts FROM address_books WHERE owner = $1) AS total
            FROM contacts WHERE owner = $1 AND deleted_at IS NULL {slice}",
            columns!()
        );
        // Six statements in all, so they are kept.
        let params: Vec<_> = params.into_iter().map(|(param, _)| param).collect();
        let rows = db.query(&sql, &params)?;
        let total = rows.first().map_or_else(|| books::count(db, owner), |it| Ok(it.get("total")));
        return Ok((rows.iter().map(from_row).collect(), total?));
    }
    let hits = hits(filter, &digits, sort, &mut params);
    let filters = params.len();
    let slice = slice(sort, start, &limit, &mut params);
    let sql = format!(
        "WITH hits AS MATERIALIZED ({hits})
        SELECT {}, (SELECT count(*) FROM hits) AS total FROM contacts
        WHERE owner = $1 AND id = ANY (ARRAY(SELECT id FROM hits WHERE true {slice}))
        ORDER BY {}",
        columns!(),
        order(sort)
    );
    let rows = db.query_once(&sql, &params)?;
    let total = match rows.first() {
        Some(row) => row.get("total"),
        None if *start == Start::Skip(0) => 0,
        // There is no row to tell, because the page lies behind the end.
        None => {
            let filters = params.get(..filters).unwrap_or_default();
            let rows = db.query_once(&format!("SELECT count(*) FROM ({hits}) AS hits"), filters)?;
            rows.first().map_or(0, |row| row.get(0))
        }
    };
    Ok((rows.iter().map(from_row).collect(), total))
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

/// The end of a statement: `AND` after the start, in order, so many rows.
fn slice<'a>(sort: Sort, start: &'a Start, limit: &'a i64, params: &mut Typed<'a>) -> String {
    let mut number = |value: &'a (dyn ToSql + Sync), kind: Type| {
        params.push((value, kind));
        format!("${}", params.len())
    };
    let (after, skip) = match start {
        Start::Skip(rows) => (Vec::new(), format!(" OFFSET {}", number(rows, Type::INT8))),
        Start::AfterName { sort_name, first_name, id } => {
            let names = [number(sort_name, Type::TEXT), number(first_name, Type::TEXT)];
            ([&names[..], &[number(id, Type::INT8)]].concat(), String::new())
        }
        Start::AfterInstant(instant, id) => {
            (vec![number(instant, Type::TIMESTAMPTZ), number(id, Type::INT8)], String::new())
        }
    };
    let comparison = if sort.descending { "<" } else { ">" };
    let after = match after.is_empty() {
        true => String::new(),
        false => format!("AND ({}) {comparison} ({}) ", keys(sort).join(", "), after.join(", ")),
    };
    format!("{after}ORDER BY {} LIMIT {}{skip}", order(sort), number(limit, Type::INT8))
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
