//! The change feed.

use super::streams::{JsonList, PIECE_MAX, Pieces};
use crate::access::Owner;
use crate::context::Call;
use crate::error::Result;
use crate::http::Reply;
use crate::repository::contacts::rows;
use crate::service::changes;
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// `GET /api/contacts/changes`
pub fn list(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut query = call.query()?;
    // Whatever is no token is answered as one that is not known.
    let since = query.parsed("since", |raw| Ok(raw.to_owned()));
    let limit = query.number("limit", 500, 1..=1_000);
    query.finish()?;
    let (db, owner) = (call.app.db.clone(), owner.id());
    let found = db.read(|db| changes::since(db, owner, since.as_deref(), limit))?;
    let app = Arc::clone(&call.app);
    let end = format!(",\"next\":{},\"more\":{}}}", json!(found.next), found.more);
    let mut rest = found.changes.into_iter();
    let (mut list, mut read) = (JsonList::default(), VecDeque::new());
    let body = Pieces::begin(call, owner, "{\"changes\":[", move |out| {
        if read.is_empty() {
            let some: Vec<_> = rest.by_ref().take(50).collect();
            let live: Vec<_> = some.iter().filter(|it| !it.deleted).map(|it| it.id).collect();
            let contacts = db.read(|db| rows::shown(db, owner, &live))?;
            let mut found: HashMap<_, _> = contacts.into_iter().map(|it| (it.id, it)).collect();
            read.extend(some.into_iter().map(|change| (found.remove(&change.id), change)));
        }
        let more = !read.is_empty();
        while out.len() < PIECE_MAX {
            let Some((contact, change)) = read.pop_front() else { break };
            list.separate(out);
            // What was deleted since the list was read is on the next page again.
            let deleted = contact.is_none();
            let head = json!({ "id": change.id, "uid": change.uid, "deleted": deleted });
            out.push_str(head.to_string().trim_end_matches('}'));
            out.push_str(",\"contact\":");
            match contact {
                Some(contact) => super::show(out, &app, owner, &contact, "")?,
                None => out.push_str("null"),
            }
            out.push('}');
        }
        if !more {
            list.end(out);
            out.push_str(&end);
        }
        Ok(more)
    })?;
    Ok(Reply::stream("application/json", body))
}
