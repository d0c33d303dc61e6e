//! The trash.

use super::{by, guard, shown};
use crate::access::Owner;
use crate::context::Call;
use crate::error::Result;
use crate::http::Reply;
use crate::repository::contacts::trash;
use crate::service::contacts;

/// `GET /api/contacts/trash`
pub fn list(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut query = call.query()?;
    let slice = query.slice();
    query.finish()?;
    let (contacts, total) = call.app.db.read(|db| trash::list(db, owner.id(), slice))?;
    Ok(super::list(call, owner.id(), contacts)?.with("X-Total-Count", total.to_string()))
}

/// `POST /api/contacts/{id}/restore`
pub fn restore(call: &Call, owner: &Owner) -> Result<Reply> {
    let (app, by, guard) = (&call.app, by(call, owner), guard(call));
    let stored = contacts::restore(app, owner.id(), &by, call.id()?, &guard)?;
    Ok(shown(call, &stored.contact))
}
