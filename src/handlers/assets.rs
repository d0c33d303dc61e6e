//! Files that are compiled into the program: the description of the API, its page, style sheets.
//! Compression is the server's business, as for every answer.

use crate::context::Call;
use crate::crypto;
use crate::error::Result;
use crate::http::Reply;
use crate::{markup, openapi};

/// Scripts and styles from here only, none inline, and requests to this server only.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; \
    frame-ancestors 'none'";
/// A new version of the program is seen after five minutes at the latest.
const CACHE: &str = "public, max-age=300";
const CSS: &str = "text/css; charset=utf-8";

/// A file, or 304 to a client that has it. The tag is weak: it names the text, compressed or not.
fn file(call: &Call, content_type: &'static str, text: &'static str) -> Result<Reply> {
    let tag = format!("\"{:.16}\"", crypto::sha256_hex(text.as_bytes()));
    let reply = match call.if_none_match(&tag) {
        true => Reply::not_modified(),
        false => Reply::bytes(content_type, text),
    };
    Ok(reply.with("ETag", format!("W/{tag}")).with("Cache-Control", CACHE))
}

/// `GET /openapi.json`
pub fn description(call: &Call) -> Result<Reply> {
    file(call, "application/json", openapi::DOCUMENT)
}

/// `GET /docs`: the page is ours and needs nothing from anywhere; it shows `/openapi.json`.
pub fn docs(_: &Call) -> Result<Reply> {
    let page = include_str!("../../assets/docs.html");
    Ok(Reply::html(page.to_owned())
        .with("Content-Security-Policy", DOCS_POLICY)
        .with("Cache-Control", CACHE))
}

/// `GET /docs.js`
pub fn docs_script(call: &Call) -> Result<Reply> {
    file(call, "text/javascript; charset=utf-8", include_str!("../../assets/docs.js"))
}

/// `GET /docs.css`
pub fn docs_style(call: &Call) -> Result<Reply> {
    file(call, CSS, include_str!("../../assets/docs.css"))
}

/// `GET /style.css`
pub fn style(call: &Call) -> Result<Reply> {
    file(call, CSS, &markup::STYLE)
}

/// `GET /app.js`
pub fn script(call: &Call) -> Result<Reply> {
    file(call, "text/javascript; charset=utf-8", &markup::SCRIPT)
}

/// `GET /icon.svg`
pub fn icon(call: &Call) -> Result<Reply> {
    file(call, "image/svg+xml", markup::ICON)
}
