//! Labels: which there are, and another name for one.

use super::by;
use super::streams::{JsonList, Pieces};
use crate::access::Owner;
use crate::context::Call;
use crate::error::Result;
use crate::http::Reply;
use crate::model::contact::input::LABEL_MAX;
use crate::model::text;
use crate::repository::contacts::labels::{LABEL_LISTED_MAX, LABELS_MAX, labels_in_use};
use crate::service::groups;
use serde_json::json;
use std::sync::Arc;

/// Most labels of an answer. Each thousand of them counts the labels of the whole book anew, so that all of
/// a book that has a million would take hours.
const LISTED_MAX: usize = 10 * LABELS_MAX;

/// `GET /api/contacts/labels`: streamed, since a book can have more labels than contacts; the first ten
/// thousand of them.
pub fn list(call: &Call, owner: &Owner) -> Result<Reply> {
    let (app, owner) = (Arc::clone(&call.app), owner.id());
    let (mut list, mut after) = (JsonList::default(), String::new());
    let mut listed = 0;
    // For all of the list: a search that finds no slot when a part was sent would break it off.
    let slot = app.search_slot(owner)?;
    let body = Pieces::begin(call, owner, "[", move |out| {
        let _held = &slot;
        let page = app.search_on(owner, |db| labels_in_use(db, owner, &after))?;
        listed += page.len();
        for (label, count) in &page {
            list.add(out, &json!({ "label": label, "count": count }))?;
        }
        let more = page.len() == LABELS_MAX && listed < LISTED_MAX;
        match page.last() {
            Some((last, _)) if more => after.clone_from(last),
            _ => list.end(out),
        }
        Ok(more)
    })?;
    Ok(Reply::stream("application/json", body))
}

/// `PATCH /api/contacts/labels`
pub fn rename(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut members = call.members()?;
    let from = members.required("from", |raw| text::line(raw, 1, LABEL_LISTED_MAX));
    // Null takes the label off; to say nothing is a mistake.
    let said = members.has("to");
    let to = members.optional("to", |raw| text::line(raw, 1, LABEL_MAX));
    if !said {
        members.fault::<()>("to", "is required; null takes the label off");
    }
    members.finish()?;
    let changed =
        groups::rename_label(&call.app, owner.id(), &by(call, owner), &from, to.as_deref())?;
    Ok(Reply::json(&json!({ "changed": changed })))
}
