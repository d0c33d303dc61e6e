//! What is asked for at fixed addresses by browsers and other programs: pictures of accounts, and what
//! lies under `/.well-known/`.

use crate::context::Call;
use crate::crypto;
use crate::error::{Error, Result};
use crate::http::Reply;
use crate::picture;
use crate::repository::avatars;

/// A year, which is for ever: what is shown under a key never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// `GET /avatars/{key}`: an uploaded picture, or the default one that the key describes.
pub fn avatar(call: &Call) -> Result<Reply> {
    let key = call.param("key");
    let (content_type, picture) = match picture::draw_default(key) {
        Some(drawing) => (picture::DEFAULT_CONTENT_TYPE, drawing.into_bytes()),
        None => {
            let owner = key.strip_prefix('u').and_then(crypto::owner_of);
            let owner = owner.ok_or(Error::NotFound)?;
            let found = call.app.db.read(|db| avatars::find(db, owner, key))?;
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
        .with(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ))
}

/// `GET /.well-known/security.txt` (RFC 9116). It has to say until when it is right.
pub fn security(call: &Call) -> Result<Reply> {
    let contact = call.app.config.security_contact.as_ref().ok_or(Error::NotFound)?;
    let expires = (call.now + chrono::Duration::days(180)).format("%Y-%m-%dT00:00:00Z");
    let text = format!("Contact: {contact}\nExpires: {expires}\nPreferred-Languages: en\n");
    Ok(Reply::bytes("text/plain; charset=utf-8", text)
        .with("Cache-Control", "public, max-age=86400"))
}

/// `GET /.well-known/change-password` (a W3C draft that password managers follow).
pub fn change_password(call: &Call) -> Result<Reply> {
    Ok(Reply::see_other(format!("{}/settings", call.app.config.public_url)))
}
