//! What a browser shows: the pages behind mailed links, pictures, the landing page.

use crate::context::Call;
use crate::crypto;
use crate::error::{Error, Result};
use crate::http::Reply;
use crate::markup::{self, DeadLink};
use crate::picture;
use crate::repository::avatars;
use crate::repository::mail_tokens::{self, Purpose};

/// A year, which is for ever: what is shown under a key never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// True if the token in the path is alive and for one of these purposes. Looking changes nothing:
/// mail scanners follow links.
fn is_alive(call: &Call, purposes: &[Purpose]) -> Result<bool> {
    let hash = crypto::token_hash(call.param("token"));
    let found = call.app.db.read(|db| mail_tokens::find(db, &hash, call.now))?;
    Ok(found.is_some_and(|token| purposes.contains(&token.purpose)))
}

/// `GET /api/auth/confirmed_email/{token}`
pub fn confirm(call: &Call) -> Result<Reply> {
    if is_alive(call, &[Purpose::Confirm, Purpose::ChangeEmail])? {
        return Ok(Reply::html(markup::confirm(call.param("token"))));
    }
    Ok(Reply::html_error(&Error::DeadLink, markup::dead_link(DeadLink::Confirm)))
}

/// `GET /api/auth/reset-password/{token}`
pub fn reset(call: &Call) -> Result<Reply> {
    if is_alive(call, &[Purpose::Reset])? {
        return Ok(Reply::html(markup::reset(call.param("token"), None)));
    }
    Ok(Reply::html_error(&Error::DeadLink, markup::dead_link(DeadLink::Reset)))
}

/// `GET /avatars/{key}`: an uploaded picture, or the default one that the key describes.
pub fn avatar(call: &Call) -> Result<Reply> {
    let key = call.param("key");
    let (content_type, picture) = match picture::draw_default(key) {
        Some(drawing) => (picture::DEFAULT_CONTENT_TYPE, drawing.into_bytes()),
        None => {
            let found = call.app.db.read(|db| avatars::find(db, key))?;
            (picture::CONTENT_TYPE, found.ok_or(Error::NotFound)?)
        }
    };
    let tag = format!("\"{key}\"");
    let reply = match call.if_none_match(&tag) {
        true => Reply::not_modified(),
        false => Reply::bytes(content_type, picture),
    };
    Ok(reply
        .with("ETag", tag)
        .with("Cache-Control", FOREVER)
        // A drawing opened by itself is a document; this one may do nothing.
        .with("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"))
}

/// `GET /`
pub fn landing(_: &Call) -> Result<Reply> {
    Ok(Reply::html(markup::landing()).with("Cache-Control", "public, max-age=300"))
}
