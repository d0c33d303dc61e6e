//! What contacts were, and back to it.

use super::streams::{JsonList, Pieces};
use super::{by, guard, shown};
use crate::access::Owner;
use crate::context::Call;
use crate::error::{Error, Result};
use crate::handlers::views;
use crate::http::Reply;
use crate::model::contact::{Columns, Contact};
use crate::repository::contacts::history::{self, Change};
use crate::repository::contacts::rows;
use crate::service::history::{self as undo, To};
use crate::service::writer::By;
use serde_json::{Value, json};
use vcard::Card;

/// `GET /api/contacts/{id}/history`: newest first, the making of the contact last.
pub fn list(call: &Call, owner: &Owner) -> Result<Reply> {
    let (db, owner, id) = (call.app.db.clone(), owner.id(), call.id()?);
    let now = db.read(|db| rows::find_any(db, owner, id))?.ok_or(Error::NotFound)?.contact;
    let since = db.read(|db| undo::reachable_since(db, owner, call.now))?;
    let (mut list, mut until) = (JsonList::default(), i64::MAX);
    let body = Pieces::begin(call, owner, "[", move |out| {
        let page = db.read(|db| history::of_contact(db, owner, id, since, until))?;
        for change in &page {
            list.separate(out);
            until = change.revision;
            entry(out, &now, change);
        }
        if page.is_empty() {
            let birth = db.read(|db| history::birth(db, owner, id))?;
            if let Some(birth) = birth.filter(|it| it.at > since) {
                list.separate(out);
                entry(out, &now, &birth);
            }
            list.end(out);
        }
        Ok(!page.is_empty())
    })?;
    Ok(Reply::stream("application/json", body))
}

fn entry(out: &mut String, now: &Contact, change: &Change) {
    let head = json!({
        "revision": change.revision,
        "at": views::instant(change.at),
        "by": change.protocol,
        "client": change.client,
    });
    out.push_str(head.to_string().trim_end_matches('}'));
    out.push_str(",\"contact\":");
    match &change.before {
        Some(before) => {
            let columns = Columns::of(&Card::stored(&before.card));
            let then = Contact {
                uid: columns.uid,
                photo_type: columns.photo_type.map(str::to_owned),
                updated_at: before.since,
                deleted_at: before.in_trash.then_some(before.since),
                members: None,
                ..now.clone()
            };
            views::contact(out, None, &then, &columns.members, "");
        }
        None => out.push_str("null"),
    }
    out.push('}');
}

/// `POST /api/contacts/{id}/revert`
pub fn revert(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut members = call.members()?;
    let revision = members.required_number("revision");
    members.finish()?;
    let (app, by, guard) = (&call.app, by(call, owner), guard(call));
    let stored = undo::revert(app, owner.id(), &by, call.id()?, revision, &guard)?;
    Ok(shown(call, &stored.contact))
}

/// `POST /api/contacts/rewind`
pub fn rewind(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut query = call.query()?;
    let asked = query.flag("dry_run");
    query.finish()?;
    let mut members = call.members()?;
    let wrong = "must be a revision or an instant such as 2026-01-31T12:00:00Z";
    let to = match members.take("to") {
        Some(Value::Number(number)) => number.as_i64().map(To::Revision),
        Some(Value::String(text)) => super::lists::instant(&text).ok().map(To::Instant),
        _ => None,
    };
    if to.is_none() {
        members.fault::<()>("to", wrong);
    }
    let dry_run = members.optional_bool("dry_run") || asked;
    members.finish()?;
    let to = to.ok_or_else(|| Error::invalid("to", wrong))?;
    let by = By::of("rewind", call, owner);
    Ok(Reply::json(&undo::rewind(&call.app, owner.id(), &by, to, dry_run)?))
}
