//! `REPORT`, by what its body asks for; and `MKCOL`, which makes nothing.

use super::account::{Asked, find};
use super::target::Target;
use super::xml::{CARDDAV, DAV};
use super::{NO_PLACE, body, discovery, not_here, properties, query, sync, target_of};
use crate::access::Device;
use crate::context::Call;
use crate::error::{DavFault, Error, Result};
use crate::http::Reply;

/// `REPORT /dav/…`
pub fn report(call: &Call, device: &Device) -> Result<Reply> {
    let asked = Asked::of(call, device)?;
    let root = body(call)?.ok_or_else(|| Error::Malformed("the body is missing".to_owned()))?;
    let known = properties::reports_of(&asked.target).iter().find(|(ns, name)| root.is(ns, name));
    match known {
        Some((CARDDAV, "addressbook-query")) => query::query(call, asked, &root),
        Some((CARDDAV, "addressbook-multiget")) => query::multiget(call, asked.account, &root),
        Some((DAV, "sync-collection")) => sync::sync(call, asked.account, &root),
        Some((DAV, "expand-property")) => discovery::expand(call, &asked, &root),
        _ => Err(Error::Dav(DavFault::SupportedReport)),
    }
}

/// `MKCOL /dav/…`: there is one book, and nothing else can be made.
pub fn mkcol(call: &Call, device: &Device) -> Result<Reply> {
    let target = target_of(call, device);
    Err(match &target {
        Target::OtherBook(_) => Error::Dav(NO_PLACE),
        Target::Orphan(_) => Error::Dav(DavFault::MissingParent),
        Target::Card(owner, name) => match find(call, *owner, name) {
            Ok(_) => not_here(&target),
            Err(Error::NotFound) => Error::Dav(NO_PLACE),
            Err(error) => error,
        },
        target => not_here(target),
    })
}
