//! The list of contacts: filters, order, pages.

use crate::access::Owner;
use crate::context::{Call, Query};
use crate::crypto::Purpose;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::http::Reply;
use crate::model::text;
use crate::repository::contacts::filter::Filter;
use crate::repository::contacts::lists::{self, Key, Sort, Start};
use chrono::{DateTime, Utc};

/// `GET /api/contacts`
pub fn list(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut query = call.query()?;
    let filter = Filter {
        first_name: query.text("first_name"),
        last_name: query.text("last_name"),
        email: query.text("email"),
        phone: query.text("phone"),
        organization: query.text("organization"),
        label: query.text("label"),
        search: query.parsed("search", search),
        updated_since: query.parsed("updated_since", instant),
    };
    let sort = query.parsed("sort", sort);
    let sort = sort.unwrap_or(Sort { key: Key::Name, descending: false });
    let limit = query.number("limit", 20, 1..=100);
    let start = start(call, owner.id(), &mut query, sort);
    query.finish()?;
    let look = |db: &mut Conn| lists::page(db, owner.id(), &filter, sort, &start, limit);
    let page = call.app.search_book(owner.id(), look)?;
    let reply = super::list(call, owner.id(), page.contacts)?;
    let reply = reply.with("X-Total-Count", page.total.to_string());
    match page.next {
        Some(next) => {
            let query = next_query(call, owner.id(), sort, &next)?;
            Ok(reply.with("Link", format!("</api/contacts?{query}>; rel=\"next\"")))
        }
        None => Ok(reply),
    }
}

/// Most words of a search. Each is looked for in every contact: 20 take 100,000 contacts most of a second.
const WORDS_MAX: usize = 20;

/// What is searched for.
pub fn search(raw: &str) -> Result<String, String> {
    let text = text::line(raw, 0, 1_000)?;
    match text.split_whitespace().nth(WORDS_MAX) {
        Some(_) => Err(format!("must have at most {WORDS_MAX} words")),
        None => Ok(text),
    }
}

/// An instant in RFC 3339.
pub fn instant(raw: &str) -> Result<DateTime<Utc>, String> {
    // A + that was not escaped arrives as a space; an instant has none otherwise.
    let instant = DateTime::parse_from_rfc3339(&raw.trim().replace(' ', "+"));
    instant
        .map(|instant| instant.to_utc())
        .map_err(|_| "must be an instant such as 2026-01-31T12:00:00Z".to_owned())
}

/// `name`, `-updated_at` and the like.
pub fn sort(raw: &str) -> Result<Sort, String> {
    let (descending, name) = match raw.strip_prefix('-') {
        Some(name) => (true, name),
        None => (false, raw),
    };
    let key = match name {
        "name" => Key::Name,
        "created_at" => Key::CreatedAt,
        "updated_at" => Key::UpdatedAt,
        _ => return Err("must be name, created_at or updated_at, perhaps after a -".to_owned()),
    };
    Ok(Sort { key, descending })
}

/// Where the page begins: `cursor` or `skip`, never both.
pub fn start(call: &Call, owner: i64, query: &mut Query, sort: Sort) -> Start {
    let skip = query.optional_number("skip", 0..=10_000);
    let cursor = query.parsed("cursor", |raw| {
        read_cursor(call, owner, raw, sort).ok_or_else(|| "is not a cursor of this list".to_owned())
    });
    if skip.is_some() && cursor.is_some() {
        query.fault("cursor", "cannot be combined with skip");
    }
    cursor.unwrap_or(Start::Skip(skip.unwrap_or(0)))
}

/// The query of the next page: this one's, with what the last contact is sorted by as `cursor`.
pub fn next_query(call: &Call, owner: i64, sort: Sort, next: &Start) -> Result<String> {
    let cursor = write_cursor(call, owner, sort, next)?;
    Ok(call.query()?.with(&["cursor", "skip"], "cursor", &cursor))
}

/// What the last contact of a page is sorted by, sealed: it names people, and links get into logs. It
/// has its sort key inside, so that it cannot be used with another.
fn write_cursor(call: &Call, owner: i64, sort: Sort, next: &Start) -> Result<String> {
    let inside = match next {
        Start::AfterName(name, more, id) => (0, name.as_str(), more.as_str(), *id),
        Start::AfterNumber(number) => (sort.key as u8, "", "", *number),
        Start::Skip(_) => return Ok(String::new()),
    };
    let text = serde_json::to_string(&inside).map_err(Error::internal)?;
    call.app.keys.seal_text(Purpose::Cursor, owner, &text)
}

fn read_cursor(call: &Call, owner: i64, raw: &str, sort: Sort) -> Option<Start> {
    let text = call.app.keys.open_text(Purpose::Cursor, owner, raw)?;
    let (key, name, more, number): (u8, String, String, i64) = serde_json::from_str(&text).ok()?;
    match sort.key {
        _ if key != sort.key as u8 => None,
        Key::Name => Some(Start::AfterName(name, more, number)),
        Key::CreatedAt | Key::UpdatedAt => Some(Start::AfterNumber(number)),
    }
}
