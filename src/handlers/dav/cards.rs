//! Cards: GET, PUT, DELETE, MOVE.

use crate::access::Device;
use crate::context::Call;
use crate::error::{DavFault, Error, Result};
use crate::handlers::dav::headers::{self, If};
use crate::handlers::dav::properties::{VCARD_TYPE, etag, http_date};
use crate::handlers::dav::target::Target;
use crate::handlers::dav::{not_here, path};
use crate::http::Reply;
use crate::model::resource_name;
use crate::repository::contacts::resources::{self, Resource};

/// The card of this name. [`Error::NotFound`] where there is none.
pub fn find(call: &Call, owner: i64, name: &str) -> Result<Resource> {
    call.app.db.read(|db| resources::find(db, owner, name))?.ok_or(Error::NotFound)
}

/// `GET /dav/…`
pub fn get(call: &Call, device: &Device) -> Result<Reply> {
    let owner = device.owner().id();
    let target = Target::of(path(call), owner);
    let Target::Card(_, name) = &target else { return Err(not_here(&target)) };
    let card = find(call, owner, name)?;
    if !accepts_cards(call.header("Accept").unwrap_or("*/*")) {
        return Err(Error::Dav(DavFault::AddressDataConversion));
    }
    let reply = match call.if_none_match(&etag(card.revision)) {
        true => Reply::not_modified(),
        false => Reply::bytes(VCARD_TYPE, card.card),
    };
    Ok(reply.with_etag(card.revision).with("Last-Modified", http_date(card.updated_at)))
}

/// True if one of the media ranges has vCard 3.0 in it.
fn accepts_cards(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let kind = parts.next().unwrap_or_default();
        let kinds = ["*/*", "text/*", "text/vcard", "text/x-vcard", "text/directory"];
        let refused = |part: String| match part.split_once('=') {
            Some(("version", version)) => version.trim_matches('"') != "3.0",
            Some(("q", weight)) => weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0),
            _ => false,
        };
        kinds.contains(&kind.as_str()) && !parts.any(refused)
    })
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
            ("", false),
        ] {
            assert_eq!(accepts_cards(accept), taken, "{accept}");
        }
    }
}
