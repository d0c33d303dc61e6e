//! What a browser shows: the pages behind mailed links, pictures, the landing page.

use crate::context::Call;
use crate::crypto;
use crate::error::{Error, Result};
use crate::http::Reply;
use crate::markup::{self, DeadLink};
use crate::picture;
use crate::repository::mail_tokens::{self, MailToken, Purpose};
use crate::repository::{avatars, users};

/// A year, which is for ever: what is shown under a key never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// The token in the path with its account's name, if it is alive and for one of these purposes.
/// Looking changes nothing: mail scanners follow links.
fn alive(call: &Call, purposes: &[Purpose]) -> Result<Option<(MailToken, String)>> {
    let token = call.param("token");
    let Some(user) = crypto::owner_of(token) else { return Ok(None) };
    let hash = crypto::token_hash(token);
    call.app.db.read(|db| {
        let found = mail_tokens::find(db, user, &hash, call.now)?;
        let found = found.filter(|token| purposes.contains(&token.purpose));
        Ok(found.zip(users::find(db, user)?.map(|user| user.username)))
    })
}

/// `GET /api/auth/confirmed_email/{token}`
pub fn confirm(call: &Call) -> Result<Reply> {
    if let Some((token, name)) = alive(call, &[Purpose::Confirm, Purpose::ChangeEmail])? {
        return Ok(Reply::html(markup::confirm(call.param("token"), &name, &token.email)));
    }
    Ok(Reply::html_error(&Error::DeadLink, markup::dead_link(DeadLink::Confirm)))
}

/// `GET /api/auth/reset-password/{token}`
pub fn reset(call: &Call) -> Result<Reply> {
    if alive(call, &[Purpose::Reset])?.is_some() {
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
        .with("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"))
}

/// `GET /`
pub fn landing(_: &Call) -> Result<Reply> {
    Ok(Reply::html(markup::landing()).with("Cache-Control", "public, max-age=300"))
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
