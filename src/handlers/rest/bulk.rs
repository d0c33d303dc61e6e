//! The same for many contacts at once.

use super::by;
use crate::access::Owner;
use crate::context::Call;
use crate::error::Result;
use crate::http::Reply;
use crate::model::contact::input::LABEL_MAX;
use crate::model::text;
use crate::service::contacts::{self, Action};
use serde_json::json;

/// Most contacts of one call.
const IDS_MAX: usize = 1_000;

/// `POST /api/contacts/bulk`
pub fn bulk(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut members = call.members()?;
    let ids = members.ids("ids", IDS_MAX);
    let action = members.required("action", |raw| Ok(raw.to_owned()));
    let label = members.optional("label", |raw| text::line(raw, 1, LABEL_MAX));
    let action = match (action.as_str(), label) {
        ("delete", None) => Action::Delete,
        ("restore", None) => Action::Restore,
        ("add_label", Some(label)) => Action::AddLabel(label),
        ("remove_label", Some(label)) => Action::RemoveLabel(label),
        ("delete" | "restore", Some(_)) => {
            members.fault::<()>("label", "is for add_label and remove_label");
            Action::Restore
        }
        ("add_label" | "remove_label", None) => {
            members.fault_once("label", "is required");
            Action::Restore
        }
        _ => {
            members.fault_once("action", "must be delete, restore, add_label or remove_label");
            Action::Restore
        }
    };
    members.finish()?;
    let (changed, missing) =
        contacts::bulk(&call.app, owner.id(), &by(call, owner), &action, &ids)?;
    Ok(Reply::json(&json!({ "changed": changed, "missing": missing })))
}
