//! Contacts: create, read, list, change, delete, restore.

use crate::access::Owner;
use crate::context::{Call, Query};
use crate::crypto;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::handlers::views;
use crate::http::Reply;
use crate::model::contact::{Contact, ContactFields, latest_date};
use crate::repository::contacts::lists::{self, Filter, Key, Sort, Start};
use crate::repository::contacts::{self, books, trash};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, Utc};
use serde_json::{Value, json};

fn shown(contact: &Contact) -> Reply {
    Reply::json(&views::contact(contact)).with_etag(contact.revision)
}

/// `POST /api/contacts`
pub fn create(call: &Call, caller: &Owner) -> Result<Reply> {
    let body = call.json(&["application/json"])?;
    let fields = ContactFields::from_json(body, latest_date(call.now))?;
    let uid = crypto::random_uuid()?;
    let contact = call
        .app
        .write_book(caller.id(), |db| contacts::insert(db, caller.id(), &uid, &fields, call.now))?;
    let location = format!("/api/contacts/{}", contact.id);
    let reply = Reply::created(Some(location), &views::contact(&contact));
    Ok(reply.with_etag(contact.revision))
}

/// `GET /api/contacts/{id}`
pub fn get(call: &Call, caller: &Owner) -> Result<Reply> {
    let id = call.id()?;
    let contact = call.app.db.read(|db| contacts::find(db, caller.id(), id))?;
    let contact = contact.ok_or(Error::NotFound)?;
    if names_tag(call.header("If-None-Match"), contact.revision) {
        return Ok(Reply::not_modified().with_etag(contact.revision));
    }
    Ok(shown(&contact))
}

/// `PUT /api/contacts/{id}`
pub fn replace(call: &Call, caller: &Owner) -> Result<Reply> {
    let body = call.json(&["application/json"])?;
    let fields = ContactFields::from_json(body, latest_date(call.now))?;
    change(call, caller, |_| Ok(fields))
}

/// `PATCH /api/contacts/{id}`
pub fn patch(call: &Call, caller: &Owner) -> Result<Reply> {
    let patch = call.json(&["application/json", "application/merge-patch+json"])?;
    if !patch.is_object() {
        return Err(Error::invalid("body", "must be a JSON object"));
    }
    // What is wrong with the patch alone is told whether the contact exists or not, 422 before 404;
    // unknown members too, which a merge with null would lose.
    let mut alone = patch.clone();
    if let Value::Object(members) = &mut alone {
        members.entry("first_name").or_insert_with(|| json!("x"));
    }
    ContactFields::from_json(alone, latest_date(call.now))?;
    change(call, caller, |contact| {
        let merged = merge(Value::Object(contact.fields.to_json()), patch);
        ContactFields::from_json(merged, latest_date(call.now))
    })
}

/// RFC 7396 for an object whose members are not objects: a null removes, anything else replaces.
fn merge(mut target: Value, patch: Value) -> Value {
    if let (Value::Object(target), Value::Object(patch)) = (&mut target, patch) {
        for (name, value) in patch {
            match value {
                Value::Null => target.remove(&name),
                value => target.insert(name, value),
            };
        }
    }
    target
}

/// Changes a contact under the lock of the owner's book, so that between reading and writing
/// nobody else comes.
fn change(
    call: &Call,
    caller: &Owner,
    new_fields: impl FnOnce(&Contact) -> Result<ContactFields>,
) -> Result<Reply> {
    let id = call.id()?;
    let contact = call.app.change_book(caller.id(), |tx| {
        let revision = books::next_revision(tx, caller.id())?;
        let contact = find_matching(call, tx, caller.id(), id)?;
        let fields = new_fields(&contact)?;
        let changed = contacts::update(tx, caller.id(), id, revision, &fields, call.now)?;
        changed.ok_or(Error::NotFound)
    })?;
    Ok(shown(&contact))
}

/// The contact, if `If-Match` does not name another state of it.
fn find_matching(call: &Call, tx: &mut Tx, owner: i64, id: i64) -> Result<Contact> {
    let contact = contacts::find(tx, owner, id)?.ok_or(Error::NotFound)?;
    match call.header("If-Match") {
        Some(tags) if !names_strong_tag(tags, contact.revision) => Err(Error::PreconditionFailed),
        _ => Ok(contact),
    }
}

/// `DELETE /api/contacts/{id}`
pub fn delete(call: &Call, caller: &Owner) -> Result<Reply> {
    let id = call.id()?;
    call.app.change_book(caller.id(), |tx| {
        let revision = books::next_revision(tx, caller.id())?;
        find_matching(call, tx, caller.id(), id)?;
        trash::put(tx, caller.id(), id, revision, call.now)?;
        books::add_to_count(tx, caller.id(), -1)
    })?;
    Ok(Reply::no_content())
}

/// `GET /api/contacts/trash`
pub fn list_trash(call: &Call, caller: &Owner) -> Result<Reply> {
    let mut query = call.query()?;
    let slice = query.slice();
    query.finish()?;
    let (contacts, total) = call.app.db.read(|db| trash::list(db, caller.id(), slice))?;
    let shown: Vec<_> = contacts.iter().map(views::contact).collect();
    Ok(Reply::json(&shown).with("X-Total-Count", total.to_string()))
}

/// `POST /api/contacts/{id}/restore`
pub fn restore(call: &Call, caller: &Owner) -> Result<Reply> {
    let id = call.id()?;
    let new_uid = crypto::random_uuid()?;
    let contact = call.app.change_book(caller.id(), |tx| {
        let revision = books::next_revision(tx, caller.id())?;
        let restored = trash::restore(tx, caller.id(), id, revision, &new_uid, call.now)?;
        let contact = restored.ok_or(Error::NotFound)?;
        books::add_to_count(tx, caller.id(), 1)?;
        Ok(contact)
    })?;
    Ok(shown(&contact))
}

/// `GET /api/contacts/labels`
pub fn labels(call: &Call, caller: &Owner) -> Result<Reply> {
    let labels = call.app.db.read(|db| lists::labels(db, caller.id()))?;
    let shown = labels.into_iter().map(|(label, count)| json!({ "label": label, "count": count }));
    Ok(Reply::json(&shown.collect::<Vec<_>>()))
}

/// `GET /api/contacts`
pub fn list(call: &Call, caller: &Owner) -> Result<Reply> {
    let mut query = call.query()?;
    let filter = Filter {
        first_name: query.text("first_name"),
        last_name: query.text("last_name"),
        email: query.text("email"),
        phone: query.text("phone"),
        label: query.text("label"),
        search: query.text("search"),
        updated_since: query.parsed("updated_since", instant),
    };
    let sort = query.parsed("sort", sort);
    let sort = sort.unwrap_or(Sort { key: Key::Name, descending: false });
    let limit = query.number("limit", 20, 1..=100);
    let start = start(&mut query, sort);
    query.finish()?;
    // One more, to know whether there is a next page.
    let (mut contacts, total) =
        call.app.db.read(|db| lists::page(db, caller.id(), &filter, sort, &start, limit + 1))?;
    let more = contacts.len() as i64 > limit;
    contacts.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let shown: Vec<_> = contacts.iter().map(views::contact).collect();
    let reply = Reply::json(&shown).with("X-Total-Count", total.to_string());
    match contacts.last() {
        Some(last) if more => Ok(reply.with("Link", next_link(call, sort, last)?)),
        _ => Ok(reply),
    }
}

fn instant(raw: &str) -> Result<DateTime<Utc>, String> {
    // A + that was not escaped arrives as a space; an instant has none otherwise.
    let instant = DateTime::parse_from_rfc3339(&raw.trim().replace(' ', "+"));
    instant
        .map(|instant| instant.to_utc())
        .map_err(|_| "must be an instant such as 2026-01-31T12:00:00Z".to_owned())
}

fn sort(raw: &str) -> Result<Sort, String> {
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
fn start(query: &mut Query, sort: Sort) -> Start {
    let skip = query.parsed("skip", |raw| Ok(raw.to_owned())).is_some();
    let from = Start::Skip(query.number("skip", 0, 0..=10_000));
    let cursor = query.parsed("cursor", |raw| read_cursor(raw, sort));
    if skip && cursor.is_some() {
        query.fault("cursor", "cannot be combined with skip");
    }
    cursor.unwrap_or(from)
}

/// The address of the next page: this one's, with the last contact of this page as `cursor`.
fn next_link(call: &Call, sort: Sort, last: &Contact) -> Result<String> {
    let query = call.query()?.with(&["cursor", "skip"], "cursor", &write_cursor(sort, last));
    Ok(format!("</api/contacts?{query}>; rel=\"next\""))
}

/// A cursor is what the last contact of a page is sorted by, in JSON, in base64: opaque to
/// clients, and good for any replica. It names its sort key, so that it cannot be used with another.
fn write_cursor(sort: Sort, last: &Contact) -> String {
    let fields = &last.fields;
    let key = match sort.key {
        Key::Name => {
            let sort_name = fields.last_name.as_ref().unwrap_or(&fields.first_name);
            json!(["name", sort_name, fields.first_name, last.id])
        }
        Key::CreatedAt => json!(["created_at", last.created_at.timestamp_micros(), last.id]),
        Key::UpdatedAt => json!(["updated_at", last.updated_at.timestamp_micros(), last.id]),
    };
    URL_SAFE_NO_PAD.encode(key.to_string())
}

fn read_cursor(raw: &str, sort: Sort) -> Result<Start, String> {
    let wrong = || "is not a cursor of this list".to_owned();
    let bytes = URL_SAFE_NO_PAD.decode(raw).map_err(|_| wrong())?;
    let instant = |micros, id| {
        DateTime::from_timestamp_micros(micros)
            // Postgres knows fewer years than chrono.
            .filter(|at| (1..=9999).contains(&at.year()))
            .map(|at| Start::AfterInstant(at, id))
            .ok_or_else(wrong)
    };
    match sort.key {
        Key::Name => match serde_json::from_slice::<(String, String, String, i64)>(&bytes) {
            // NUL is the one character that Postgres cannot compare with.
            Ok((key, sort_name, first_name, id))
                if key == "name" && !format!("{sort_name}{first_name}").contains('\0') =>
            {
                Ok(Start::AfterName { sort_name, first_name, id })
            }
            _ => Err(wrong()),
        },
        Key::CreatedAt | Key::UpdatedAt => {
            let name = if sort.key == Key::CreatedAt { "created_at" } else { "updated_at" };
            match serde_json::from_slice::<(String, i64, i64)>(&bytes) {
                Ok((key, micros, id)) if key == name => instant(micros, id),
                _ => Err(wrong()),
            }
        }
    }
}

/// True if a list of entity tags names this revision, or is `*`. Weak comparison (RFC 9110,
/// 8.8.3.2), as `If-None-Match` wants.
pub fn names_tag(tags: Option<&str>, revision: i64) -> bool {
    let tag = format!("\"{revision}\"");
    tags.is_some_and(|tags| {
        let mut each = tags.split(',').map(str::trim);
        each.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
    })
}

/// Strong comparison, as `If-Match` wants: a weak tag matches nothing.
fn names_strong_tag(tags: &str, revision: i64) -> bool {
    let tag = format!("\"{revision}\"");
    tags.split(',').map(str::trim).any(|one| one == "*" || one == tag)
}
