//! Answers of CardDAV: the second, small map, from faults to the preconditions of the RFCs.

use super::problem::precondition;
use super::problem::problem as problem_document;
use super::reply::Reply;
use crate::error::{Conflict, DavFault, Error};
use crate::model::contact::CARD_TEXT_MAX;
use rouille::{Response, ResponseBody};

/// The status of a resource or of properties inside a multistatus: all is well.
pub const OK: &str = "HTTP/1.1 200 OK";
/// As [`OK`]: the client may not.
pub const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden";
/// As [`OK`]: it is not there.
pub const NOT_FOUND: &str = "HTTP/1.1 404 Not Found";
/// As [`OK`]: it was fine, but something beside it was not.
pub const FAILED_DEPENDENCY: &str = "HTTP/1.1 424 Failed Dependency";
/// As [`OK`]: there is more than was asked for.
pub const INSUFFICIENT: &str = "HTTP/1.1 507 Insufficient Storage";

/// The namespace of what no RFC has.
pub const CONTACTD: &str = "urn:contactd";

const XML: &str = "application/xml; charset=utf-8";

impl Reply {
    /// The states of several resources.
    pub fn multistatus(body: ResponseBody) -> Reply {
        let headers = vec![("Content-Type".into(), XML.into())];
        Reply { status: 207, headers, body }
    }

    /// A resource was made.
    pub fn made() -> Reply {
        Reply::empty(201)
    }

    /// What a resource takes.
    pub fn capabilities(allow: String) -> Reply {
        Reply::empty(200).with("Allow", allow).with("DAV", "1, 3, access-control, addressbook")
    }

    /// It is at another path; the method stays (303 would make a GET of it). CalDav Synchronizer does not follow 308.
    pub fn moved(to: &'static str) -> Reply {
        Reply::empty(307).with("Location", to).with("Cache-Control", "max-age=86400")
    }
}

/// The answer to a request under `/dav/` that went wrong: the RFC's element where there is one, a
/// problem document where not.
pub fn problem(error: &Error, request_id: &str) -> Response {
    let (status, element) = match error {
        Error::Dav(fault) => (precondition(fault).0, element(fault)),
        Error::BodyTooLarge(_) => (413, "<C:max-resource-size/>".to_owned()),
        Error::Conflict(Conflict::QuotaExceeded(_)) => (507, "<D:quota-not-exceeded/>".to_owned()),
        // The account was deleted while a device wrote to its book.
        Error::Unauthenticated => return problem_document(&Error::UnknownDevice, request_id),
        other => return problem_document(other, request_id),
    };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:error xmlns:D=\"DAV:\" \
         xmlns:C=\"urn:ietf:params:xml:ns:carddav\">{element}</D:error>"
    );
    Reply::new(status, XML, body).into()
}

/// The element of a broken rule, with what helps to keep it.
fn element(fault: &DavFault) -> String {
    let name = precondition(fault).1;
    match fault {
        DavFault::NoUidConflict(href) => format!("<{name}><D:href>{href}</D:href></{name}>"),
        // The card may be smaller than `C:max-resource-size` says: the second limit is no RFC's.
        DavFault::TooMuchText => {
            format!("<{name}/><max-text-size xmlns=\"{CONTACTD}\">{CARD_TEXT_MAX}</max-text-size>")
        }
        _ => format!("<{name}/>"),
    }
}
