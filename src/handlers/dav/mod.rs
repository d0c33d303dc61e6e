//! CardDAV: RFC 6352 on WebDAV (4918), with sync-collection (6578) and discovery (6764).
//!
//! One handler for each method; all find their resource by the path ([`target::Target`]). What a
//! resource says of itself stands in the table of [`properties`]. Cards are changed through
//! `service`, as REST changes them.

pub mod account;
pub mod address_data;
pub mod cards;
pub mod discovery;
pub mod filter;
pub mod headers;
pub mod properties;
pub mod proppatch;
pub mod query;
pub mod report;
pub mod sync;
pub mod target;
pub mod xml;

use crate::context::Call;
use crate::error::{Error, Result};
use crate::http::Reply;
use target::Target;
use xml::Element;

/// The request's path, as it came.
fn path(call: &Call) -> &str {
    call.request.raw_url().split('?').next().unwrap_or_default()
}

/// The XML in the body, if there is a body.
fn body(call: &Call) -> Result<Option<Element>> {
    let bytes = call.file()?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let content_type = call.content_type();
    let is_xml = ["", "application/xml", "text/xml"].contains(&content_type.as_str());
    if !is_xml && !content_type.ends_with("+xml") {
        return Err(Error::UnsupportedMediaType("send application/xml".to_owned()));
    }
    xml::read(bytes).map(Some)
}

/// The methods that work on a resource.
fn allow(target: &Target) -> &'static str {
    match target {
        Target::Card(..) => "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, REPORT, MOVE",
        Target::Root => "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, REPORT",
        Target::OtherBook(_) | Target::Orphan(_) | Target::Nothing => "OPTIONS",
        _ => "OPTIONS, PROPFIND, PROPPATCH, REPORT",
    }
}

/// This method does not work on this resource: 405, or 404 where there is none.
fn not_here(target: &Target) -> Error {
    match target {
        Target::Nothing => Error::NotFound,
        target => Error::MethodNotAllowed(allow(target).to_owned()),
    }
}

/// An answer whose form the client may have chosen (RFC 8144, 2).
fn answer(call: &Call, reply: Reply) -> Reply {
    let reply = reply.with("Vary", "Prefer, Brief");
    match headers::wants_minimal(call) && call.header("Prefer").is_some() {
        true => reply.with("Preference-Applied", "return=minimal"),
        false => reply,
    }
}
