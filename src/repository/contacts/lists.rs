//! Pages of contacts: filters, order, cursors. Each statement is literal text; what a filter does not
//! ask for is a null parameter, which Postgres leaves out when it plans the statement.

use super::{books, columns, from_row};
use crate::db::Conn;
use crate::error::Result;
use crate::model::contact::Contact;
use crate::model::contact::columns::label_key;
use chrono::{DateTime, Utc};
use postgres::Row;
use postgres::types::Type;
use vcard::{digits, fold};

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
#[derive(Debug)]
pub struct Page {
    /// In order.
    pub contacts: Vec<Contact>,
    /// How many pass the filter on all pages.
    pub total: i64,
    /// Where the next page begins.
    pub next: Option<Start>,
}

/// Which contacts to list; all conditions hold together. Text is compared folded, as a substring.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Part of the first name.
    pub first_name: Option<String>,
    /// Part of the last name.
    pub last_name: Option<String>,
    /// Part of an address.
    pub email: Option<String>,
    /// Digits that follow each other in a phone number, other characters left out.
    pub phone: Option<String>,
    /// Part of the organisation.
    pub organization: Option<String>,
    /// A whole label.
    pub label: Option<String>,
    /// Words, each of which is part of anything that can be searched.
    pub search: Option<String>,
    /// Changed at this instant or later.
    pub updated_since: Option<DateTime<Utc>>,
}

/// A filter as statements take it: $2 to $16.
#[derive(Debug, Default, PartialEq)]
struct Terms {
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    organization: Option<String>,
    phone: Option<String>,
    label: Option<String>,
    /// The first four words, longest first, so that most contacts are passed over at once.
    words: [Option<String>; 4],
    more_words: Option<Vec<String>>,
    /// What looks like a number: its digits, or itself as it is written, have to be there.
    number: Option<String>,
    number_digits: Option<String>,
}

/// The digits of a number as people type them: without the zeros that stand for what others write.
fn typed_digits(text: &str) -> String {
    let all = digits(text);
    let bare = all.trim_start_matches('0');
    if bare.is_empty() { all } else { bare.to_owned() }
}

impl Terms {
    fn of(filter: &Filter) -> Terms {
        // What folds to nothing (an accent alone) is in no text.
        let somewhere = |text: String| if text.is_empty() { NOWHERE.to_owned() } else { text };
        let folded = |text: &Option<String>| text.as_deref().map(|it| somewhere(fold(it)));
        let mut terms = Terms {
            first_name: folded(&filter.first_name),
            last_name: folded(&filter.last_name),
            email: folded(&filter.email),
            organization: folded(&filter.organization),
            phone: filter.phone.as_deref().map(|it| somewhere(typed_digits(it))),
            label: filter.label.as_deref().map(label_key),
            ..Terms::default()
        };
        // Nothing visible is no search.
        let search = filter.search.as_deref().filter(|it| !vcard::trim(it).is_empty());
        if let Some(search) = search {
            terms.search(&somewhere(fold(search)));
        }
        terms
    }

    fn search(&mut self, text: &str) {
        let number = |word: &&str| {
            word.chars().all(|c| c.is_ascii_digit() || "+-()./#*".contains(c))
                && word.contains(|c: char| c.is_ascii_digit())
        };
        let (numbers, mut words): (Vec<&str>, Vec<&str>) = text.split(' ').partition(number);
        words.retain(|word| !word.is_empty());
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.dedup();
        let mut words = words.into_iter().map(str::to_owned);
        self.words = std::array::from_fn(|_| words.next());
        self.more_words = Some(words.collect::<Vec<_>>()).filter(|it| !it.is_empty());
        if !numbers.is_empty() {
            let number = numbers.join(" ");
            self.number_digits = Some(typed_digits(&number)).filter(|_| digits(&number).len() >= 3);
            self.number = Some(number);
        }
    }

    fn params(&self) -> Vec<(&(dyn postgres::types::ToSql + Sync), Type)> {
        let [first, second, third, fourth] = &self.words;
        let texts = [
            &self.first_name,
            &self.last_name,
            &self.email,
            &self.organization,
            &self.phone,
            &self.label,
            first,
            second,
            third,
            fourth,
        ];
        let mut params: Vec<(&(dyn postgres::types::ToSql + Sync), Type)> =
            texts.into_iter().map(|it| (it as _, Type::TEXT)).collect();
        params.push((&self.more_words, Type::TEXT_ARRAY));
        params.push((&self.number, Type::TEXT));
        params.push((&self.number_digits, Type::TEXT));
        params
    }
}

/// In no text that can be searched: it separates such texts.
const NOWHERE: &str = "\u{1d}";

/// The condition of [`Terms`] on `folded`, `digits` and `label_keys`. strpos, not LIKE: `%`, `_` and `\`
/// are plain characters. The whole text is looked at before it is split, since with most rows that is
/// all.
macro_rules! passes {
    () => {
        "($2::text IS NULL OR (strpos(folded, $2) > 0 AND strpos(split_part(folded, E'\\x1f', 1), $2) > 0))
        AND ($3::text IS NULL OR (strpos(folded, $3) > 0 AND strpos(split_part(folded, E'\\x1f', 2), $3) > 0))
        AND ($4::text IS NULL OR (strpos(folded, $4) > 0 AND strpos(split_part(folded, E'\\x1f', 3), $4) > 0))
        AND ($5::text IS NULL OR (strpos(folded, $5) > 0 AND strpos(split_part(folded, E'\\x1f', 4), $5) > 0))
        AND ($6::text IS NULL OR strpos(digits, $6) > 0)
        AND ($7::text IS NULL OR strpos(label_keys, $7) > 0)
        AND ($8::text IS NULL OR strpos(folded, $8) > 0)
        AND ($9::text IS NULL OR strpos(folded, $9) > 0)
        AND ($10::text IS NULL OR strpos(folded, $10) > 0)
        AND ($11::text IS NULL OR strpos(folded, $11) > 0)
        AND ($13::text IS NULL OR strpos(digits, $14) > 0 OR strpos(folded, $13) > 0)
        AND ($12::text[] IS NULL
            OR NOT EXISTS (SELECT 1 FROM unnest($12) AS word WHERE strpos(folded, word) = 0))"
    };
}
macro_rules! live {
    () => {
        "owner = $1 AND deleted_at IS NULL AND NOT is_group"
    };
}
/// What passes the filter: in the index, and among those that are too long for it ($15), which were
/// looked at before. $16 is the revision after which a contact must have changed.
macro_rules! hits {
    () => {
        concat!(
            live!(),
            " AND ($16::bigint IS NULL OR revision > $16) AND ((",
            passes!(),
            ") OR id = ANY ($15::bigint[]))"
        )
    };
}

/// Those that are too long for the index and pass the filter.
fn long_hits(db: &mut Conn, owner: i64, terms: &Terms) -> Result<Vec<i64>> {
    const SQL: &str = concat!(
        "SELECT id FROM (
            SELECT id, split_part(long_text, E'\\x1d', 1) AS folded,
                split_part(long_text, E'\\x1d', 2) AS digits,
                split_part(long_text, E'\\x1d', 3) AS label_keys
            FROM contacts WHERE ",
        live!(),
        " AND long_text IS NOT NULL OFFSET 0
        ) AS long WHERE ",
        passes!()
    );
    let mut params = vec![(&owner as _, Type::INT8)];
    params.extend(terms.params());
    Ok(db.query_once(SQL, &params)?.iter().map(|row| row.get(0)).collect())
}

/// The last revision before an instant: what changed then or later has a greater one, because no
/// change has an instant before that of an earlier one.
fn revision_before(db: &mut Conn, owner: i64, instant: DateTime<Utc>) -> Result<i64> {
    const SQL: &str = "SELECT revision FROM contacts WHERE owner = $1 AND updated_at < $2
        ORDER BY revision DESC LIMIT 1";
    Ok(db.query_opt(SQL, &[&owner, &instant])?.map_or(0, |row| row.get(0)))
}

/// A page and the number of all contacts that pass the filter.
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
    let rows = db.query_once(filtered_page(sort), &params)?;
    let total = rows.first().map_or(0, |row| row.get::<_, i64>("total"));
    // Without a hit there is one row, for the total.
    let rows: Vec<_> =
        rows.into_iter().filter(|row| row.get::<_, Option<i64>>("id").is_some()).collect();
    Ok(finish(rows, total, sort, limit))
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
    Ok(db.query_once(SQL, &params)?.iter().map(|row| row.get(0)).collect())
}

/// The statement of a filtered page. By name: one pass over the index finds all hits, in order. Names are
/// not compared in it, which would take longer than the search: where a cursor stands is shown by the
/// last hit that is not after it, which the index finds, going back. OFFSET 0: once, not for each time
/// that it is named. By number: only the first ones of what comes after the cursor are sorted.
fn filtered_page(sort: Sort) -> &'static str {
    macro_rules! shown {
        ($order:literal) => {
            concat!(
                " SELECT ",
                columns!(),
                ", sort_name, sort_more, total
                FROM page LEFT JOIN contacts ON owner = $1 AND id = ANY (ids) ORDER BY ",
                $order
            )
        };
    }
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
                shown!($order)
            )
        };
    }
    macro_rules! by_number {
        ($order:literal, $key:literal, $after:literal) => {
            concat!(
                "WITH hits AS MATERIALIZED (SELECT id, revision FROM contacts WHERE ",
                hits!(),
                "),
                page AS MATERIALIZED (
                    SELECT (SELECT count(*) FROM hits) AS total, ARRAY(
                        SELECT id FROM hits WHERE $19::bigint IS NULL OR ",
                $key,
                $after,
                " $19
                        ORDER BY ",
                $order,
                " LIMIT $17 OFFSET $18
                    ) AS ids
                )",
                shown!($order)
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

/// A page of all contacts, whose number the book has.
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
    // Of a limit that it does not know Postgres thinks that it is a tenth of everything, and plans each
    // page anew, which takes longer than to fetch it. So the number is written out, for a page of 20 and
    // for one of 100, each with one row more.
    macro_rules! pages {
        ($where:literal, $order:literal) => {
            if limit <= 20 {
                page!($where, $order, " LIMIT 21")
            } else {
                page!($where, $order, " LIMIT 101")
            }
        };
    }
    // What is skipped is skipped in the index: its rows lie far from each other in the table.
    macro_rules! skipping {
        ($order:literal) => {
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
    macro_rules! statements {
        ($order:literal, $after:literal) => {
            match start {
                Start::Skip(0) => pages!("", $order),
                Start::Skip(_) => skipping!($order),
                _ => pages!($after, $order),
            }
        };
    }
    let sql = match (sort.key, sort.descending) {
        (Key::Name, false) => statements!(
            "sort_name, sort_more, id",
            " AND (sort_name, sort_more, id) > ($2, $3, $4)"
        ),
        (Key::Name, true) => statements!(
            "sort_name DESC, sort_more DESC, id DESC",
            " AND (sort_name, sort_more, id) < ($2, $3, $4)"
        ),
        (Key::CreatedAt, false) => statements!("id", " AND id > $2"),
        (Key::CreatedAt, true) => statements!("id DESC", " AND id < $2"),
        (Key::UpdatedAt, false) => statements!("revision", " AND revision > $2"),
        (Key::UpdatedAt, true) => statements!("revision DESC", " AND revision < $2"),
    };
    let most = limit + 1;
    let rows = match start {
        Start::Skip(0) => db.query(sql, &[&owner])?,
        Start::Skip(rows) => {
            db.query_once(sql, &[(&owner, Type::INT8), (&most, Type::INT8), (rows, Type::INT8)])?
        }
        Start::AfterName(name, more, id) => db.query(sql, &[&owner, name, more, id])?,
        Start::AfterNumber(number) => db.query(sql, &[&owner, number])?,
    };
    let total = rows.first().map_or_else(|| books::count(db, owner), |it| Ok(it.get("total")));
    Ok(finish(rows, total?, sort, limit))
}

/// Where a page of birthdays begins: after this key and name.
#[derive(Debug, Clone, Default)]
pub struct AfterBirthday {
    key: i16,
    name: (String, String),
    id: i64,
}

/// A contact and its birthday.
#[derive(Debug)]
pub struct Celebrated {
    /// Whose it is.
    pub contact: Contact,
    /// Month × 100 + day.
    pub key: i16,
    /// Where it is known.
    pub year: Option<i16>,
}

/// Contacts whose birthday falls on a day with one of these keys (both ends included), by day and
/// name, a page at a time; `after` moves on.
pub fn with_birthday(
    db: &mut Conn,
    owner: i64,
    (from, to): (i16, i16),
    after: &mut AfterBirthday,
) -> Result<Vec<Celebrated>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        ", sort_name, sort_more, birthday_key, birthday_year
        FROM contacts WHERE ",
        live!(),
        " AND birthday_key BETWEEN $2 AND $3
            AND (birthday_key, sort_name, sort_more, id) > ($4, $5, $6, $7)
        ORDER BY birthday_key, sort_name, sort_more, id LIMIT 200"
    );
    let (name, more) = &after.name;
    let rows = db.query(SQL, &[&owner, &from, &to, &after.key, name, more, &after.id])?;
    if let Some(last) = rows.last() {
        *after = AfterBirthday {
            key: last.get("birthday_key"),
            name: (last.get("sort_name"), last.get("sort_more")),
            id: last.get("id"),
        };
    }
    let celebrated = |row: &Row| Celebrated {
        contact: from_row(row),
        key: row.get("birthday_key"),
        year: row.get("birthday_year"),
    };
    Ok(rows.iter().map(celebrated).collect())
}

/// Labels in use after this one (in lower case), a thousand at most, with the number of contacts that
/// have each. Of several spellings the one of the oldest contact is shown; they are counted first, byte
/// by byte, since ICU's lower case takes most of the time.
pub fn labels(db: &mut Conn, owner: i64, after: &str) -> Result<Vec<(String, i64)>> {
    const SQL: &str = concat!(
        "SELECT (array_agg(label ORDER BY oldest))[1] AS label, sum(count)::bigint AS count
        FROM (
            SELECT label COLLATE \"C\" AS label, count(*) AS count, min(id) AS oldest
            FROM contacts, unnest(labels) AS label WHERE ",
        live!(),
        " GROUP BY label COLLATE \"C\"
        ) AS spellings
        WHERE lower(label COLLATE \"und-x-icu\") > lower($2 COLLATE \"und-x-icu\")
        GROUP BY lower(label COLLATE \"und-x-icu\")
        ORDER BY lower(label COLLATE \"und-x-icu\") LIMIT 1000"
    );
    let rows = db.query(SQL, &[&owner, &after])?;
    Ok(rows.iter().map(|row| (row.get("label"), row.get("count"))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(text: &str) -> Terms {
        Terms::of(&Filter { search: Some(text.to_owned()), ..Filter::default() })
    }

    #[test]
    fn words_are_looked_for_one_by_one_and_numbers_by_their_digits() {
        let terms = searched(" Ann  Müller-Lüdenscheidt 0172 555-1234");
        assert_eq!(
            terms.words.map(|it| it.unwrap_or_default()),
            ["muller-ludenscheidt", "ann", "", ""]
        );
        assert_eq!(terms.number.as_deref(), Some("0172 555-1234"));
        assert_eq!(terms.number_digits.as_deref(), Some("1725551234"));
        let terms = searched("12");
        assert_eq!((terms.number.as_deref(), terms.number_digits), (Some("12"), None));
        assert_eq!(searched("a b c d e f").more_words.map(|it| it.len()), Some(2));
    }

    #[test]
    fn nothing_visible_is_no_search_and_in_a_filter_it_is_nowhere() {
        assert_eq!(searched(" \u{200b} "), Terms::default());
        let filter = Filter { first_name: Some("´".to_owned()), ..Filter::default() };
        assert_eq!(Terms::of(&filter).first_name.as_deref(), Some(NOWHERE));
    }
}
