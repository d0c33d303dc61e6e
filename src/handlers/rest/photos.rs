//! The pictures of contacts.

use super::{by, guard, shown};
use crate::access::Owner;
use crate::context::{Call, etag};
use crate::error::{Error, Result};
use crate::http::Reply;
use crate::repository::contacts::rows;
use crate::service::photos;
use crate::{multipart, picture};

/// A picture may do nothing, wherever it is opened.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// `GET /api/contacts/{id}/photo`
pub fn get(call: &Call, owner: &Owner) -> Result<Reply> {
    let id = call.id()?;
    let contact = call.app.db.read(|db| rows::find_shown(db, owner.id(), id))?;
    let contact = contact.filter(|it| it.photo_type.is_some()).ok_or(Error::NotFound)?;
    let reply = if call.if_none_match(&etag(contact.revision)) {
        Reply::not_modified().with_etag(contact.revision)
    } else {
        let (revision, picture) = call.app.db.read(|db| photos::get(db, owner.id(), id))?;
        Reply::bytes(picture.media_type, picture.bytes).with_etag(revision)
    };
    Ok(reply.with("Cache-Control", "private, no-cache").with("Content-Security-Policy", POLICY))
}

/// `PUT /api/contacts/{id}/photo`: as the body, or as `file` of a form.
pub fn set(call: &Call, owner: &Owner) -> Result<Reply> {
    let body = call.file()?;
    let upload = match call.content_type().as_str() {
        "multipart/form-data" => multipart::only_file(body, call.multipart_boundary()?)?.content,
        _ => body,
    };
    let jpeg = Some(picture::portrait(upload)?);
    let (id, by) = (call.id()?, by(call, owner));
    let stored = photos::set(&call.app, owner.id(), &by, id, &guard(call), jpeg)?;
    Ok(shown(call, &stored.contact))
}

/// `DELETE /api/contacts/{id}/photo`
pub fn delete(call: &Call, owner: &Owner) -> Result<Reply> {
    let (id, by) = (call.id()?, by(call, owner));
    photos::set(&call.app, owner.id(), &by, id, &guard(call), None)?;
    Ok(Reply::no_content())
}
