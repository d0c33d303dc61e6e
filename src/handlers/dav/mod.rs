//! CardDAV: RFC 6352 on WebDAV (4918), with sync-collection (6578) and discovery (6764).
//!
//! One handler for each method; all find their resource by the path ([`target::Target`]). What a
//! resource says of itself stands in the table of [`properties`]. Cards are changed through
//! `service`, as REST changes them.

pub mod account;
pub mod address_data;
pub mod cards;
pub mod discovery;
pub mod escape;
pub mod filter;
pub mod headers;
pub mod properties;
pub mod proppatch;
pub mod query;
pub mod report;
pub mod sync;
pub mod target;
pub mod xml;

use crate::access::Device;
use crate::context::Call;
use crate::error::{DavFault, Error, Result};
use crate::handlers::rest::streams::Pieces;
use crate::http::Reply;
use rouille::ResponseBody;
use target::Target;
use xml::Element;

/// What a multistatus begins with, and ends with.
const BEGIN: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
    <D:multistatus xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:carddav\" \
    xmlns:CS=\"http://calendarserver.org/ns/\">\n";
/// See [`BEGIN`].
const END: &str = "</D:multistatus>\n";

/// There is no place for a card, or for a book, of that name (RFC 6352, 6.3.2.1).
const NO_PLACE: DavFault = DavFault::Forbidden("C:addressbook-collection-location-ok");

/// What the request's path names.
fn target_of(call: &Call, device: &Device) -> Target {
    Target::of(call.path(), device.owner().id())
}

/// The XML in the body, which must have this root if there is a body.
fn body_of(call: &Call, ns: &str, name: &str) -> Result<Option<Element>> {
    let root = body(call)?;
    match root.as_ref().is_none_or(|root| root.is(ns, name)) {
        true => Ok(root),
        false => Err(Error::Malformed(format!("the body must be a {name}"))),
    }
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

/// Any method that CardDAV does not have.
pub fn not_offered(call: &Call, device: &Device) -> Result<Reply> {
    Err(not_here(&target_of(call, device)))
}

/// This method does not work on this resource: 405, or 404 where there is none.
fn not_here(target: &Target) -> Error {
    match target {
        Target::Nothing => Error::NotFound,
        target => Error::MethodNotAllowed(allow(target).to_owned()),
    }
}

/// A multistatus that is made piece by piece: `next` appends one, and returns whether there may be more.
fn multistatus<F>(call: &Call, owner: i64, mut next: F) -> Result<Reply>
where
    F: FnMut(&mut String) -> Result<bool> + Send + 'static,
{
    let pieces = Pieces::begin(call, owner, BEGIN, move |out| {
        let more = next(out)?;
        if !more {
            out.push_str(END);
        }
        Ok(more)
    })?;
    Ok(answer(call, pieces.into_body()))
}

/// A multistatus of these responses.
fn short_multistatus(call: &Call, responses: &str) -> Reply {
    answer(call, ResponseBody::from_data([BEGIN, responses, END].concat()))
}

/// An answer whose form the client may have chosen (RFC 8144, 2).
fn answer(call: &Call, body: ResponseBody) -> Reply {
    let reply = Reply::multistatus(body).with("Vary", "Prefer, Brief");
    match headers::wants_minimal(call) && call.header("Prefer").is_some() {
        true => reply.with("Preference-Applied", "return=minimal"),
        false => reply,
    }
}
