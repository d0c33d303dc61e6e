//! Labels: which there are, and another name for one.

use super::by;
use super::streams::{JsonList, Pieces};
use crate::access::Owner;
use crate::context::Call;
use crate::error::Result;
use crate::http::Reply;
use crate::model::contact::input::LABEL_MAX;
use crate::model::text;
use crate::repository::contacts::labels::labels_in_use;
use crate::service::groups;
use serde_json::json;

/// `GET /api/contacts/labels`: streamed, since a book can have more labels than contacts.
pub fn list(call: &Call, owner: &Owner) -> Result<Reply> {
    let (db, owner) = (call.app.db.clone(), owner.id());
    let (mut list, mut begun, mut after) = (JsonList::default(), false, String::new());
    let body = Pieces::begin(&call.request_id, move |out| {
        if !std::mem::replace(&mut begun, true) {
            list.begin(out);
        }
        let page = db.read(|db| labels_in_use(db, owner, &after))?;
        for (label, count) in &page {
            list.add(out, &json!({ "label": label, "count": count }))?;
        }
        match page.last() {
            Some((last, _)) => after.clone_from(last),
            None => list.end(out),
        }
        Ok(!page.is_empty())
    })?;
    Ok(Reply::stream("application/json", body))
}

/// `PATCH /api/contacts/labels`
pub fn rename(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut members = call.members()?;
    let from = members.required("from", |raw| text::line(raw, 1, 10_000));
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
