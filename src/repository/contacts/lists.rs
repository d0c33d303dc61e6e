//! Pages of contacts: filters, order, cursors. The SQL is put together from the pieces below and
//! never from input; there are 24 statements in all.

use super::{books, columns, from_row};
use crate::db::Conn;
use crate::error::Result;
use crate::model::contact::Contact;
use chrono::{DateTime, NaiveDate, Utc};
use postgres::types::ToSql;

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

/// `$1` is the owner, `$2` to `$9` are the filters. strpos, not LIKE: `%`, `_` and `\` are plain
/// characters. `(SELECT fold(…))` is computed once, `fold(…)` alone would be for every row.
const FILTERED: &str = " FROM contacts WHERE owner = $1 AND deleted_at IS NULL
    AND ($2::text IS NULL OR strpos(first_name_folded, (SELECT fold($2))) > 0)
    AND ($3::text IS NULL OR strpos(last_name_folded, (SELECT fold($3))) > 0)
    AND ($4::text IS NULL OR strpos(email_folded, (SELECT fold($4))) > 0)
    AND ($5::text IS NULL OR ($5 <> '' AND strpos(phone_digits, $5) > 0))
    AND ($6::text IS NULL OR (SELECT lower($6 COLLATE \"und-x-icu\")) COLLATE \"C\" = ANY (labels_folded))
    AND ($7::text IS NULL
        OR strpos(first_name_folded || ' ' || last_name_folded, (SELECT fold($7))) > 0
        OR strpos(last_name_folded || ' ' || first_name_folded, (SELECT fold($7))) > 0
        OR strpos(email_folded, (SELECT fold($7))) > 0
        OR strpos(data_folded, (SELECT fold($7))) > 0
        OR strpos(phone, $7) > 0
        OR ($8::text IS NOT NULL AND strpos(phone_digits, $8) > 0))
    AND ($9::timestamptz IS NULL OR updated_at >= $9)";
const UNFILTERED: &str = " FROM contacts WHERE owner = $1 AND deleted_at IS NULL";

/// A page and the number of all contacts that pass the filter.
pub fn page(
    db: &mut Conn,
    owner: i64,
    filter: &Filter,
    sort: Sort,
    start: &Start,
    limit: i64,
) -> Result<(Vec<Contact>, i64)> {
    let phone = filter.phone.as_deref().map(digits);
    let search_digits = filter.search.as_deref().map(digits).filter(|digits| digits.len() >= 3);
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&owner];
    if !filter.is_empty() {
        params.extend([
            &filter.first_name as &(dyn ToSql + Sync),
            &filter.last_name,
            &filter.email,
            &phone,
            &filter.label,
            &filter.search,
            &search_digits,
            &filter.updated_since,
        ]);
    }
    let filters = params.len();
    match start {
        Start::Skip(rows) => params.push(rows),
        Start::AfterName { sort_name, first_name, id } => {
            params.extend([sort_name as &(dyn ToSql + Sync), first_name, id]);
        }
        Start::AfterInstant(instant, id) => {
            params.extend([instant as &(dyn ToSql + Sync), id]);
        }
    }
    params.push(&limit);
    let rows = db.query(&page_sql(filter.is_empty(), sort, start, filters), &params)?;
    let total = match rows.first() {
        Some(row) => row.get("total"),
        // There is no row to tell, because the page lies behind the end.
        None if filter.is_empty() => books::count(db, owner)?,
        None => {
            let filters = params.get(..filters).unwrap_or_default();
            db.query_one(&format!("SELECT count(*){FILTERED}"), filters)?.get(0)
        }
    };
    Ok((rows.iter().map(from_row).collect(), total))
}

/// The statement of a page. `filters` parameters come first, then those of `start`, then the limit.
fn page_sql(unfiltered: bool, sort: Sort, start: &Start, filters: usize) -> String {
    let (from, total) = match unfiltered {
        true => (UNFILTERED, "SELECT contacts FROM address_books WHERE owner = $1".to_owned()),
        false => (FILTERED, format!("SELECT count(*){FILTERED}")),
    };
    let direction = if sort.descending { " DESC" } else { "" };
    let comparison = if sort.descending { "<" } else { ">" };
    let keys: &[&str] = match sort.key {
        Key::Name => &["sort_name", "first_name", "id"],
        Key::CreatedAt => &["created_at", "id"],
        Key::UpdatedAt => &["updated_at", "id"],
    };
    let numbers = |count: usize| -> Vec<String> {
        (filters + 1..=filters + count).map(|number| format!("${number}")).collect()
    };
    let (after, skip, used) = match start {
        Start::Skip(_) => (String::new(), format!(" OFFSET ${}", filters + 1), 1),
        Start::AfterName { .. } | Start::AfterInstant(..) => {
            let row = numbers(keys.len()).join(", ");
            (format!(" AND ({}) {comparison} ({row})", keys.join(", ")), String::new(), keys.len())
        }
    };
    let order: Vec<_> = keys.iter().map(|key| format!("{key}{direction}")).collect();
    format!(
        "SELECT {}, ({total}) AS total{from}{after} ORDER BY {} LIMIT ${}{skip}",
        columns!(),
        order.join(", "),
        filters + used + 1
    )
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
