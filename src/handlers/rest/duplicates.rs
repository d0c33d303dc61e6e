//! Contacts that may be one person: the list, what is none, and one contact out of several.

use super::streams::{JsonList, PIECE_MAX, Pieces};
use super::{by, guard, shown};
use crate::access::Owner;
use crate::context::Call;
use crate::error::Result;
use crate::http::Reply;
use crate::model::contact::{Input, Method};
use crate::repository::contacts::rows;
use crate::service::duplicates;
use crate::service::merge::{self, MERGE_MAX, Wish};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Most contacts that are dismissed together.
const IDS_MAX: usize = 1_000;

/// `GET /api/contacts/duplicates`: streamed, since a group may be as large as the book.
pub fn list(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut query = call.query()?;
    let slice = query.slice();
    query.finish()?;
    let groups = duplicates::find(&call.app, owner.id())?;
    let total = groups.len();
    let (skip, limit) = (slice.skip.try_into().unwrap_or(usize::MAX), slice.limit);
    let mut groups = groups.into_iter().skip(skip).take(usize::try_from(limit).unwrap_or(0));
    let (db, app, owner) = (call.app.db.clone(), Arc::clone(&call.app), owner.id());
    let (mut list, mut inner) = (JsonList::default(), JsonList::default());
    let (mut rest, mut read) = (Vec::<i64>::new(), VecDeque::new());
    let body = Pieces::begin(call, owner, "[", move |out| {
        if rest.is_empty() && read.is_empty() {
            let Some(group) = groups.next() else {
                list.end(out);
                return Ok(false);
            };
            list.separate(out);
            let head = json!({ "reasons": group.reasons, "likely": group.likely });
            out.push_str(head.to_string().trim_end_matches('}'));
            out.push_str(",\"contacts\":[");
            rest = group.contacts;
        }
        if read.is_empty() {
            let some: Vec<i64> = rest.drain(..rest.len().min(50)).collect();
            let contacts = db.read(|db| rows::shown(db, owner, &some))?;
            // What was deleted since the list was made is left out.
            let mut found: HashMap<_, _> = contacts.into_iter().map(|it| (it.id, it)).collect();
            read.extend(some.iter().filter_map(|id| found.remove(id)));
        }
        while out.len() < PIECE_MAX {
            let Some(contact) = read.pop_front() else { break };
            inner.separate(out);
            super::show(out, &app, owner, &contact, "")?;
        }
        if rest.is_empty() && read.is_empty() {
            inner.end(out);
            out.push('}');
        }
        Ok(true)
    })?;
    Ok(Reply::stream("application/json", body).with("X-Total-Count", total.to_string()))
}

/// `POST /api/contacts/duplicates/dismiss`
pub fn dismiss(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut members = call.members()?;
    let ids = members.ids("ids", IDS_MAX);
    members.finish()?;
    duplicates::dismiss(&call.app, owner.id(), ids)?;
    Ok(Reply::no_content())
}

/// `POST /api/contacts/merge`
pub fn merge(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut members = call.members()?;
    let keep = members.required_number("keep");
    let mut others = members.ids("merge", MERGE_MAX);
    let set = match members.take("set") {
        Some(Value::Null) | None => None,
        Some(set @ Value::Object(_)) => Some(Input::read(set, Method::Patch)?),
        Some(_) => members.fault("set", "must be an object with members of a contact"),
    };
    let mut seen = std::collections::HashSet::from([keep]);
    if others.contains(&keep) {
        members.fault::<()>("merge", "must not name the contact that is kept");
    }
    others.retain(|id| seen.insert(*id));
    if others.is_empty() {
        members.fault_once("merge", "must name at least one contact");
    }
    members.finish()?;
    let wish = Wish { keep, others, set, is_stored: false };
    let (app, by, guard) = (&call.app, by(call, owner), guard(call));
    let stored = merge::merge(app, owner.id(), &by, &wish, &guard, call.now)?;
    Ok(shown(call, &stored.contact))
}
