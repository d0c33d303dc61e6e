//! Contacts one by one: create, read, change, delete.

use super::{by, guard, json, shown};
use crate::access::Owner;
use crate::context::{Call, etag};
use crate::error::{Error, Result};
use crate::http::Reply;
use crate::model::contact::Method;
use crate::repository::contacts::rows;
use crate::service::bodies;
use crate::service::contacts::{self, Which};

/// `POST /api/contacts`
pub fn create(call: &Call, owner: &Owner) -> Result<Reply> {
    let body = call.json(&["application/json"])?;
    let by = by(call, owner);
    let contact = bodies::create(&call.app, owner.id(), &by, body, call.now, |_| {})?;
    let location = format!("/api/contacts/{}", contact.id);
    Ok(Reply::created_text(location, json(call, &contact)).with_etag(contact.revision))
}

/// `GET /api/contacts/{id}`: as JSON, or as its vCard to whom prefers that.
pub fn get(call: &Call, owner: &Owner) -> Result<Reply> {
    let id = call.id()?;
    let contact = call.app.db.read(|db| rows::find_shown(db, owner.id(), id))?;
    let contact = contact.ok_or(Error::NotFound)?;
    let reply = if call.if_none_match(&etag(contact.revision)) {
        Reply::not_modified().with_etag(contact.revision)
    } else if prefers_vcard(call.header("Accept").unwrap_or_default()) {
        let stored = call.app.db.read(|db| rows::find(db, owner.id(), id))?;
        let stored = stored.ok_or(Error::NotFound)?;
        Reply::bytes("text/vcard; charset=utf-8", stored.text).with_etag(stored.contact.revision)
    } else {
        shown(call, &contact)
    };
    Ok(reply.with("Vary", "Accept"))
}

/// True when `text/vcard` is named, and JSON is not wanted as much or named before it.
fn prefers_vcard(accept: &str) -> bool {
    let accept = accept.to_ascii_lowercase();
    let quality = |wanted: &[&str]| {
        let each = accept.split(',').enumerate().filter_map(|(at, range)| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?;
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
            wanted.contains(&name).then_some((quality.unwrap_or(1.0), at))
        });
        each.reduce(|best, next| if next.0 > best.0 { next } else { best })
    };
    let vcard = quality(&["text/vcard", "text/x-vcard", "text/directory"]);
    let any = || quality(&["application/*", "*/*"]).map(|(quality, _)| (quality, usize::MAX));
    let (json, json_at) = quality(&["application/json"]).or_else(any).unwrap_or((0.0, 0));
    vcard.is_some_and(|(vcard, at)| vcard > json || (vcard == json && vcard > 0.0 && at < json_at))
}

/// `PUT /api/contacts/{id}`
pub fn replace(call: &Call, owner: &Owner) -> Result<Reply> {
    edit(call, owner, &["application/json"], Method::Put)
}

/// `PATCH /api/contacts/{id}`
pub fn patch(call: &Call, owner: &Owner) -> Result<Reply> {
    edit(call, owner, &["application/json", "application/merge-patch+json"], Method::Patch)
}

fn edit(call: &Call, owner: &Owner, types: &[&str], method: Method) -> Result<Reply> {
    let body = (call.json(types)?, method, call.now);
    // What cannot be an id is that of no contact; what is wrong with the body comes first.
    let (id, by) = (call.id().unwrap_or(0), by(call, owner));
    let stored = bodies::edit(&call.app, owner.id(), &by, id, &guard(call), body, |_| {})?;
    Ok(shown(call, &stored.contact))
}

/// `DELETE /api/contacts/{id}`
pub fn delete(call: &Call, owner: &Owner) -> Result<Reply> {
    let which = Which::Id(call.id()?);
    contacts::delete(&call.app, owner.id(), &by(call, owner), which, &guard(call))?;
    Ok(Reply::no_content())
}

#[cfg(test)]
mod tests {
    use super::prefers_vcard;

    #[test]
    fn a_card_goes_to_whom_asks_for_it() {
        for (accept, card) in [
            ("text/vcard", true),
            ("text/vcard; charset=utf-8, */*;q=0.1", true),
            ("text/x-vcard", true),
            ("application/json, text/vcard", false),
            ("text/vcard, application/json", true),
            ("text/vcard;q=0.5, application/json;q=0.9", false),
            ("text/vcard;q=0.5, */*;q=0.9", false),
            ("text/vcard, */*", true),
            ("text/vcard;Q=0.1, application/json;q=0.5", false),
            ("text/vcard;q=0", false),
            ("*/*", false),
            ("text/*", false),
            ("", false),
        ] {
            assert_eq!(prefers_vcard(accept), card, "{accept}");
        }
    }
}
