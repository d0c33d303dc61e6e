//! Cards: GET, PUT, DELETE, MOVE.

use crate::access::Device;
use crate::context::{Call, etag};
use crate::error::{DavFault, Error, Result};
use crate::handlers::dav::headers::{self, If};
use crate::handlers::dav::properties::{VCARD_TYPE, http_date};
use crate::handlers::dav::target::Target;
use crate::handlers::dav::{NO_PLACE, account, not_here, target_of};
use crate::http::Reply;
use crate::model::contact::Stored;
use crate::model::resource_name;
use crate::repository::contacts::resources;
use crate::service::changes::{self, Place};
use crate::service::contacts::{self, Put, Which};
use crate::service::writer::{By, Writer};
use std::borrow::Cow;

/// What a browser shows at `/dav/`.
const HERE: &str = "This is the CardDAV address of contactd, for phones and mail programs.\n";

/// `GET /dav/…`: a card, or a sentence at the place that discovery leads to.
pub fn get(call: &Call, device: &Device) -> Result<Reply> {
    let owner = device.owner().id();
    let target = target_of(call, device);
    if matches!(target, Target::Root) {
        // libdav follows `/.well-known/carddav` by GET and goes on only after a 2xx.
        return Ok(Reply::bytes("text/plain; charset=utf-8", HERE));
    }
    let name = name_in(&target)?;
    let (card, text) = account::find(call, owner, name)?;
    if !accepts_cards(call.header_list("Accept").as_deref().unwrap_or("*/*")) {
        return Err(Error::Dav(DavFault::AddressDataConversion));
    }
    let reply = match call.if_none_match(&etag(card.revision)) {
        true => Reply::not_modified(),
        false => Reply::bytes(VCARD_TYPE, text),
    };
    Ok(reply.with_etag(card.revision).with("Last-Modified", http_date(card.updated_at)))
}

/// The name of the card that a request is about: 404 where no card can be, 405 at what is no card.
fn name_in(target: &Target) -> Result<&String> {
    match target {
        Target::Card(_, name) => Ok(name),
        Target::OtherBook(_) | Target::Orphan(_) => Err(Error::NotFound),
        target => Err(not_here(target)),
    }
}

/// `PUT /dav/…`: a new card, or another one in its place.
pub fn put(call: &Call, device: &Device) -> Result<Reply> {
    let owner = device.owner().id();
    let target = target_of(call, device);
    let name = match &target {
        Target::Card(_, name) => resource_name::octets(name),
        Target::Orphan(_) => return Err(Error::Dav(DavFault::MissingParent)),
        target => return Err(not_here(target)),
    };
    if name.len() > resource_name::MAX {
        return Err(Error::Dav(NO_PLACE));
    }
    let (sent, card) = sent_card(call)?;
    let guard = guard(call, owner, &target)?;
    match contacts::put(&call.app, owner, &by(call, device), &name, card, &guard) {
        Ok(Put::Created(stored)) => Ok(stored_as(&stored, sent, Reply::made())),
        Ok(Put::Replaced(stored)) => Ok(stored_as(&stored, sent, Reply::no_content())),
        Ok(Put::UidTaken(other)) => {
            let other = Target::Card(owner, resource_name::encoded(&other));
            Err(Error::Dav(DavFault::NoUidConflict(other.to_string())))
        }
        // The only thing that can be wrong with a card that was read is its size.
        Err(Error::Invalid(_)) => Err(Error::Dav(DavFault::TooMuchText)),
        Err(other) => Err(other),
    }
}

/// The body's octets, and the card in them.
fn sent_card(call: &Call) -> Result<(&[u8], vcard::Card)> {
    // A part of a card must not become the card (RFC 9110, 14.5).
    if call.header("Content-Range").is_some() {
        return Err(Error::Malformed("a part of a card cannot be sent".to_owned()));
    }
    if !CARD_TYPES.contains(&call.content_type().as_str()) {
        return Err(Error::Dav(DavFault::SupportedAddressData));
    }
    let sent = call.file()?;
    // What is UTF-8 is, whatever the client calls it.
    let text = match (call.content_type_parameter("charset"), std::str::from_utf8(sent)) {
        (charset @ Some(_), Err(_)) => {
            Cow::Owned(vcard::decode(sent, charset).0.into_owned().into_bytes())
        }
        _ => Cow::Borrowed(sent),
    };
    match vcard::put_card(&text) {
        Ok(put) => Ok((sent, put.card)),
        Err(vcard::Refusal::TooLarge) => Err(Error::Dav(DavFault::TooMuchText)),
        Err(_) => Err(Error::Dav(DavFault::ValidAddressData)),
    }
}

/// The types under which cards are sent; none at all is fine too.
const CARD_TYPES: [&str; 6] =
    ["", "text/vcard", "text/x-vcard", "text/directory", "application/octet-stream", "text/plain"];

/// With its ETag, if what is stored is what was sent: a client that gets one need not read the card
/// again (RFC 6352, 6.3.2.3).
fn stored_as(stored: &Stored, sent: &[u8], reply: Reply) -> Reply {
    match stored.text.as_bytes() == sent {
        true => reply.with_etag(stored.contact.revision),
        false => reply,
    }
}

/// `DELETE /dav/…`: a card into the trash.
pub fn delete(call: &Call, device: &Device) -> Result<Reply> {
    let owner = device.owner().id();
    let target = target_of(call, device);
    if matches!(target, Target::Book(_)) {
        return Err(Error::Dav(DavFault::Forbidden("D:need-privileges")));
    }
    let name = resource_name::octets(name_in(&target)?);
    let guard = guard(call, owner, &target)?;
    contacts::delete(&call.app, owner, &by(call, device), Which::Name(&name), &guard)?;
    Ok(Reply::no_content())
}

/// `MOVE /dav/…`: a card gets another name.
pub fn rename(call: &Call, device: &Device) -> Result<Reply> {
    let owner = device.owner().id();
    let target = target_of(call, device);
    let from = name_in(&target)?;
    let destination = headers::destination(call, owner)?;
    let to = match &destination {
        Target::Card(_, to) if to == from => return Err(Error::Dav(NO_PLACE)),
        Target::Card(_, to) => resource_name::octets(to),
        Target::Orphan(_) | Target::Nothing => return Err(Error::Dav(DavFault::MissingParent)),
        _ => return Err(Error::Dav(NO_PLACE)),
    };
    if to.len() > resource_name::MAX {
        return Err(Error::Dav(NO_PLACE));
    }
    let from = resource_name::octets(from);
    let guard = guard(call, owner, &target)?;
    match contacts::rename(&call.app, owner, &by(call, device), &from, &to, &guard)? {
        true => Ok(Reply::made()),
        false if headers::may_overwrite(call) => {
            Err(Error::Dav(DavFault::NoUidConflict(destination.to_string())))
        }
        false => Err(Error::PreconditionFailed),
    }
}

/// Who changes something, for its history.
fn by(call: &Call, device: &Device) -> By {
    By::of("carddav", call, device.owner())
}

/// Whether the request's conditions hold, asked under the lock of the book.
fn guard(
    call: &Call,
    owner: i64,
    target: &Target,
) -> Result<impl Fn(&mut Writer, Option<&Stored>) -> Result<()>> {
    let (conditions, listed) = (call.conditions(), If::of(call)?);
    Ok(move |writer: &mut Writer, stored: Option<&Stored>| {
        let revision = stored.map(|stored| stored.contact.revision);
        let now = changes::token(writer.book(), Place::at(writer.book().revision));
        let token = |it: &Target| matches!(it, Target::Book(_)).then(|| now.clone());
        let tag = |it: &Target| match it {
            it if it == target => Ok(revision.map(etag)),
            Target::Card(_, name) => Ok(resources::revision(writer.tx, owner, name)?.map(etag)),
            _ => Ok(None),
        };
        match listed.as_ref().map(|it| it.holds(owner, target, token, tag)).transpose()? {
            Some(false) => Err(Error::PreconditionFailed),
            _ => conditions.allow(revision),
        }
    })
}

/// True if one of the media ranges has vCard 3.0 in it, or there is none.
fn accepts_cards(accept: &str) -> bool {
    let ranges: Vec<_> = accept.split(',').filter(|range| !range.trim().is_empty()).collect();
    ranges.is_empty() || ranges.into_iter().any(has_cards)
}

fn has_cards(range: &str) -> bool {
    let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next().unwrap_or_default();
    let kinds = ["*/*", "text/*", "text/vcard", "text/x-vcard", "text/directory"];
    let refused = |part: String| match part.split_once('=') {
        Some(("version", version)) => version.trim_matches('"') != "3.0",
        Some(("q", weight)) => weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0),
        _ => false,
    };
    kinds.contains(&kind.as_str()) && !parts.any(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_given_to_whoever_takes_vcard_3() {
        for (accept, taken) in [
            ("*/*", true),
            ("text/*;q=0.1", true),
            ("text/x-vcard", true),
            ("text/directory", true),
            ("text/vcard;charset=utf-8;version=3.0;q=0.9", true),
            ("text/vcard; version=4.0, text/vcard; version=\"3.0\"", true),
            ("text/vcard; version=4.0", false),
            ("text/vcard;q=0", false),
            ("application/json", false),
            ("", true),
            (" , ", true),
        ] {
            assert_eq!(accepts_cards(accept), taken, "{accept}");
        }
    }
}
