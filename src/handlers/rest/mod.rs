//! The REST API of contacts.

pub mod birthdays;
pub mod bulk;
pub mod calendars;
pub mod changes;
pub mod contacts;
pub mod duplicates;
pub mod exports;
pub mod history;
pub mod imports;
pub mod labels;
pub mod lists;
pub mod photos;
pub mod streams;
pub mod trash;

use crate::access::Owner;
use crate::context::{App, Call};
use crate::error::Result;
use crate::handlers::views;
use crate::http::Reply;
use crate::model::contact::{Contact, Stored};
use crate::repository::contacts::rows;
use crate::service::writer::{By, Writer};
use std::sync::Arc;
use streams::{JsonList, Pieces};

/// Who changes something here: REST, and the app password or the program of the client.
fn by(call: &Call, owner: &Owner) -> By {
    By::of("rest", call, owner)
}

/// `If-Match` and `If-None-Match`, for the change of a contact.
fn guard(call: &Call) -> impl Fn(&mut Writer, Option<&Stored>) -> Result<()> + use<> {
    let conditions = call.conditions();
    move |_, stored| conditions.allow(stored.map(|it| it.contact.revision))
}

/// A contact as JSON.
fn json(call: &Call, contact: &Contact) -> String {
    let mut out = String::new();
    let members = contact.members.as_deref().unwrap_or_default();
    views::contact(&mut out, Some(&call.app.config), contact, members, "");
    out
}

/// A contact whose members were read with it.
fn shown(call: &Call, contact: &Contact) -> Reply {
    Reply::json_text(json(call, contact)).with_etag(contact.revision)
}

/// Appends a contact of a list, with `more` behind its members. Those that the list left out because they are
/// long are read by themselves; one that was purged meanwhile has none.
pub fn show(out: &mut String, app: &App, owner: i64, contact: &Contact, more: &str) -> Result<()> {
    let read;
    let members = match &contact.members {
        Some(members) => members,
        None => {
            read = app.db.read(|db| rows::members(db, owner, contact.id))?.unwrap_or_default();
            &read
        }
    };
    views::contact(out, Some(&app.config), contact, members, more);
    Ok(())
}

/// About as long as a contact in JSON with a few entries.
const USUAL: usize = 1024;

/// A list of contacts. Those whose members are long come one by one while they are sent.
fn list(call: &Call, owner: i64, contacts: Vec<Contact>) -> Result<Reply> {
    let app = Arc::clone(&call.app);
    let streamed = contacts.iter().any(|it| it.members.is_none());
    let room = contacts.len() * USUAL;
    let mut list = JsonList::default();
    let mut contacts = contacts.into_iter();
    let mut next = move |out: &mut String| {
        for contact in contacts.by_ref() {
            list.separate(out);
            show(out, &app, owner, &contact, "")?;
            if contact.members.is_none() {
                return Ok(true);
            }
        }
        list.end(out);
        Ok(false)
    };
    if streamed {
        return Ok(Reply::stream("application/json", Pieces::begin(call, owner, "[", next)?));
    }
    let mut text = String::with_capacity(room);
    text.push('[');
    next(&mut text)?;
    Ok(Reply::json_text(text))
}
