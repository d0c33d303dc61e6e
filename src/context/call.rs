//! [`Call`]: one request, with its ids, the address of its client, its headers, and its body: bytes, JSON, a
//! form, each only in the type and character set it comes in.

use super::app::App;
use super::conditions::{self, Conditions};
use crate::crypto;
use crate::error::{Error, Result};
use crate::model::input::Members;
use crate::model::{json, text};
use crate::repository::sessions::Client;
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use rouille::Request;
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Octets. A larger body is received only when its request was let in.
pub const SMALL_BODY: usize = 16 * 1024;

/// One request on its way through the program.
pub struct Call {
    /// The program.
    pub app: Arc<App>,
    /// When the request began: the same instant for everything it does.
    pub now: DateTime<Utc>,
    /// The client's address, behind trusted proxies the one that they report.
    pub ip: IpAddr,
    /// Names this request in answers and in the log; the client may have chosen it.
    pub request_id: String,
    /// Names this request in audit events, and in the log where it differs: always our own.
    pub own_id: String,
    /// What the path's placeholders stand for, percent-decoded.
    pub params: Vec<(&'static str, String)>,
    /// Largest body in bytes.
    pub body_max: u64,
    /// As it came, without its body.
    pub request: Request,
    /// The body, at most `body_max` bytes and one more. Handlers read it through [`Call::body`],
    /// which checks that.
    pub received: Vec<u8>,
}

impl Call {
    /// A request that has just come, without its body and before its route is known.
    pub fn new(app: &Arc<App>, request: Request) -> Call {
        let is_decent = |id: &&str| {
            (1..=64).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        let own_id = new_request_id();
        let chosen = request.header("X-Request-Id").filter(is_decent);
        Call {
            now: app.now(),
            ip: client_address(&request, &app.config.trusted_proxies),
            request_id: chosen.unwrap_or(&own_id).to_owned(),
            own_id,
            params: Vec::new(),
            body_max: 0,
            received: Vec::new(),
            app: Arc::clone(app),
            request,
        }
    }

    /// The request may have been let in before its body was here: a small one comes first.
    pub fn had_to_wait_for_body(&self) -> bool {
        self.received.len() > SMALL_BODY || self.header("Expect").is_some()
    }

    /// What a placeholder of the path stands for.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The `{id}` of the path. What cannot be an id is an unknown one.
    pub fn id(&self) -> Result<i64> {
        text::id(self.param("id")).ok_or(Error::NotFound)
    }

    /// The path as it was sent, without the query.
    pub fn path(&self) -> &str {
        self.request.raw_url().split('?').next().unwrap_or_default()
    }

    /// The value of a request header; `None` when it is missing.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.header(name)
    }

    /// The value of a request header that is a list: several lines of it are one (RFC 9110, 5.3).
    pub fn header_list(&self, name: &str) -> Option<String> {
        let lines = self.request.headers().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        lines.map(|(_, value)| value.to_owned()).reduce(|all, more| all + ", " + &more)
    }

    /// Whether `If-None-Match` names this entity tag (in its quotes, without `W/`), so that the
    /// client has the answer already. Weak comparison (RFC 9110, 8.8.3.2 and 13.1.2).
    pub fn if_none_match(&self, tag: &str) -> bool {
        self.header_list("If-None-Match").is_some_and(|tags| conditions::names(&tags, tag, true))
    }

    /// `If-Match` and `If-None-Match` of a change.
    pub fn conditions(&self) -> Conditions {
        Conditions::new(self.header_list("If-Match"), self.header_list("If-None-Match"))
    }

    /// The name of a cookie of ours as browsers have it: with TLS its prefix makes them take it from this
    /// very host only (RFC 6265bis, 4.1.3).
    pub fn cookie_name(&self, name: &str) -> String {
        let prefix = if self.app.config.is_https() { "__Host-" } else { "" };
        format!("{prefix}{name}")
    }

    /// The value of a cookie of ours; of several with one name the last one counts.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let name = self.cookie_name(name);
        let pairs = self.header("Cookie")?.split(';');
        let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        pairs.rev().find(|(known, _)| known == &name).map(|(_, value)| value)
    }

    /// Address and program of the client, for its session.
    pub fn client(&self) -> Client {
        let agent = self.header("User-Agent").unwrap_or_default();
        let user_agent = agent.chars().filter(|c| !c.is_control()).take(200).collect();
        Client { ip: self.ip.to_string(), user_agent }
    }

    // The body.

    /// The type of the body in lower case without parameters, for example `application/json`.
    pub fn content_type(&self) -> String {
        let raw = self.header("Content-Type").unwrap_or_default();
        raw.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// A parameter of the body's type, without its quotes: `charset`, `boundary`.
    pub fn content_type_parameter(&self, name: &str) -> Option<&str> {
        let params = self.header("Content-Type")?.split(';').skip(1);
        params
            .filter_map(|param| param.split_once('='))
            .map(|(known, value)| (known.trim(), value.trim().trim_matches('"')))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// True when the body is an HTML form. Such a caller is a browser and gets HTML back.
    pub fn is_form(&self) -> bool {
        self.content_type() == "application/x-www-form-urlencoded"
    }

    /// The body's bytes. [`Error::BodyTooLarge`] past the route's limit, [`Error::UnsupportedMediaType`] when it is
    /// compressed, or in another character set than UTF-8.
    pub fn body(&self) -> Result<&[u8]> {
        let charset = self.content_type_parameter("charset").unwrap_or("utf-8");
        if !["utf-8", "utf8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known)) {
            return Err(Error::UnsupportedMediaType("send the body in UTF-8".to_owned()));
        }
        self.file()
    }

    /// Like [`Call::body`], in whatever character set: files of old address books have their own.
    pub fn file(&self) -> Result<&[u8]> {
        let encoding = self.header("Content-Encoding").unwrap_or("identity");
        if !encoding.eq_ignore_ascii_case("identity") {
            return Err(Error::UnsupportedMediaType("send the body uncompressed".to_owned()));
        }
        if self.received.len() as u64 > self.body_max {
            return Err(Error::BodyTooLarge(self.body_max));
        }
        Ok(&self.received)
    }

    /// The JSON body, if it has one of these types.
    pub fn json(&self, types: &[&str]) -> Result<Value> {
        if !types.contains(&self.content_type().as_str()) {
            self.some_body()?;
            return Err(Error::UnsupportedMediaType(format!("send {}", types.join(" or "))));
        }
        let body = self.body()?;
        if !json::is_light(body) {
            return Err(Error::invalid("body", "has more values than any request needs"));
        }
        serde_json::from_slice(body)
            .map_err(|error| Error::Malformed(format!("the body is not valid JSON: {error}")))
    }

    /// The members of a JSON body.
    pub fn members(&self) -> Result<Members> {
        Members::from_json(self.json(&["application/json"])?)
    }

    /// The members of a JSON body, or none where there is no body: many clients name the type of what they do not
    /// send.
    pub fn members_if_any(&self) -> Result<Members> {
        if self.body()?.is_empty() {
            return Ok(Members::from_form(Vec::new()));
        }
        self.members()
    }

    /// The members of a JSON body or the fields of a form.
    pub fn form_or_members(&self) -> Result<Members> {
        if self.is_form() {
            Ok(Members::from_form(self.form()?))
        } else if self.content_type() == "application/json" {
            self.members()
        } else {
            self.some_body()?;
            let types = "send application/json or application/x-www-form-urlencoded";
            Err(Error::UnsupportedMediaType(types.to_owned()))
        }
    }

    /// Whoever sends nothing at all has no wrong type: [`Error::Malformed`] then.
    fn some_body(&self) -> Result<()> {
        let nothing = self.content_type().is_empty() && self.body()?.is_empty();
        if nothing { Err(Error::Malformed("the body is missing".to_owned())) } else { Ok(()) }
    }

    /// The boundary of a `multipart/form-data` body, for [`crate::multipart`], which checks it.
    pub fn multipart_boundary(&self) -> Result<&str> {
        if self.content_type() != "multipart/form-data" {
            self.some_body()?;
            return Err(Error::UnsupportedMediaType("send multipart/form-data".to_owned()));
        }
        self.content_type_parameter("boundary")
            .ok_or_else(|| Error::Malformed("the boundary is missing".to_owned()))
    }
}

/// An id for a request that brings none.
pub fn new_request_id() -> String {
    // Without random bytes the request still has to be answered.
    crypto::random_uuid().unwrap_or_else(|_| "no-random-bytes".to_owned())
}

/// The client's address. Of the addresses in `X-Forwarded-For` the last one counts that no
/// trusted proxy has: what stands before it, the client itself may have written.
fn client_address(request: &Request, trusted: &[IpNet]) -> IpAddr {
    let peer = request.remote_addr().ip().to_canonical();
    let trusts = |ip: &IpAddr| trusted.iter().any(|network| network.contains(ip));
    if !trusts(&peer) {
        return peer;
    }
    let lines = request.headers().filter(|(name, _)| name.eq_ignore_ascii_case("X-Forwarded-For"));
    let listed: Vec<_> = lines.flat_map(|(_, line)| line.split(',')).collect();
    let mut address = peer;
    for entry in listed.into_iter().rev() {
        let entry = entry.trim();
        let parsed = entry.parse::<IpAddr>().or(entry.parse::<SocketAddr>().map(|a| a.ip()));
        let Ok(ip) = parsed else { break };
        address = ip.to_canonical();
        if !trusts(&address) {
            break;
        }
    }
    address
}
