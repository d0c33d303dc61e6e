//! All labels of a book, and another name for one.

use crate::access::Visitor;
use crate::context::Call;
use crate::error::{Error, Result};
use crate::handlers::web::contacts::{again, why};
use crate::handlers::web::reader::{self, owner, words};
use crate::handlers::web::sent;
use crate::http::Reply;
use crate::markup::labels;
use crate::markup::queries;
use crate::model::contact::input::LABEL_MAX;
use crate::model::text;
use crate::repository::contacts::labels::{LABELS_MAX, labels_in_use};
use crate::service::groups::rename_label;
use crate::service::labels::{in_use, same};
use serde_json::json;

/// `GET /labels`: those after one, as many as a page has room for.
pub fn page(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (owner, _) = owner(call, visitor)?;
    let mut query = call.query()?;
    let after = query.text("after").unwrap_or_default();
    query.finish()?;
    let found = match after.as_str() {
        "" => in_use(&call.app, owner.id())?.to_vec(),
        after => call.app.search_book(owner.id(), |db| labels_in_use(db, owner.id(), after))?,
    };
    // Those on this page were taken off since.
    if !after.is_empty() && found.is_empty() {
        return Ok(reader::go("/labels"));
    }
    let page = reader::page(call, visitor);
    Ok(reader::show(call, labels::page(&page, &found, found.len() == LABELS_MAX)))
}

/// `POST /labels`: another name for a label, or none.
pub fn change(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (mut form, owner, by) = sent::by_owner(call, visitor)?;
    let w = words(call, visitor);
    let from = form.get("from").to_owned();
    let page = |label: &str| queries::query(&[("label", label)]);
    let removes = form.get("action") == "remove";
    let to = text::line(form.get("to"), 1, LABEL_MAX).ok().filter(|_| !removes);
    if to.is_none() && !removes {
        form.fault("to", w.label_wrong.to_owned());
        return again(call, visitor, &page(&from), &form, "");
    }
    let before = reader::revision(call, owner.id())?;
    let changed = match rename_label(&call.app, owner.id(), &by, &from, to.as_deref()) {
        Err(error @ Error::Invalid(_)) => {
            form.fault("to", w.sentence(&why(&error)));
            return again(call, visitor, &page(&from), &form, "");
        }
        changed => changed?,
    };
    // A label that nobody has was renamed by a first click, or is gone.
    let known = |to: &&String| {
        in_use(&call.app, owner.id()).map(|all| all.iter().any(|(label, _)| same(label, to)))
    };
    let to = match &to {
        Some(to) if changed > 0 || known(&to)? => Some(to.as_str()),
        _ => None,
    };
    let (text, label) = match to {
        Some(to) => (w.label_renamed, to),
        None => (w.label_gone, from.as_str()),
    };
    let next = format!("/contacts?{}", page(to.unwrap_or_default()));
    // Undone, there is no label of this name to come back to.
    let undo = reader::undo(call, owner.id(), before)?;
    let message = json!({ "text": text.replace("{label}", label), "undo": undo });
    reader::hand(call, visitor, next, &message)
}
