//! `REPORT`, by what its body asks for; and `MKCOL`, which makes nothing.

use super::account::Account;
use super::target::Target;
use super::xml::{CARDDAV, DAV};
use super::{body, cards, discovery, not_here, path, properties, query, sync};
use crate::access::Device;
use crate::context::Call;
use crate::error::{DavFault, Error, Result};
use crate::http::Reply;

/// `REPORT /dav/…`
pub fn report(call: &Call, device: &Device) -> Result<Reply> {
    let target = Target::of(path(call), device.owner().id());
    if matches!(target, Target::OtherBook(_) | Target::Orphan(_) | Target::Nothing) {
        return Err(Error::NotFound);
    }
    let root = body(call)?.ok_or_else(|| Error::Malformed("the body is missing".to_owned()))?;
    let account = Account::of(call, device)?;
    let card = match &target {
        Target::Card(_, name) => Some(cards::find(call, account.id, name)?),
        _ => None,
    };
    let known = properties::reports_of(&target).iter().find(|(ns, name)| root.is(ns, name));
    match known {
        Some((CARDDAV, "addressbook-query")) => query::query(call, account, card, &root),
        Some((CARDDAV, "addressbook-multiget")) => query::multiget(call, account, &root),
        Some((DAV, "sync-collection")) => sync::sync(call, account, &root),
        Some((DAV, "expand-property")) => {
            let card = card.as_ref().map(|(card, _)| card);
            discovery::expand(call, &account, &target, card, &root)
        }
        _ => Err(Error::Dav(DavFault::SupportedReport)),
    }
}

/// `MKCOL /dav/…`: there is one book, and nothing else can be made.
pub fn mkcol(call: &Call, device: &Device) -> Result<Reply> {
    const ONE_BOOK: DavFault = DavFault::Forbidden("C:addressbook-collection-location-ok");
    let owner = device.owner().id();
    let target = Target::of(path(call), owner);
    Err(match &target {
        Target::OtherBook(_) => Error::Dav(ONE_BOOK),
        Target::Orphan(_) => Error::Dav(DavFault::MissingParent),
        Target::Card(_, name) => match cards::find(call, owner, name) {
            Ok(_) => not_here(&target),
            Err(Error::NotFound) => Error::Dav(ONE_BOOK),
            Err(error) => error,
        },
        target => not_here(target),
    })
}
