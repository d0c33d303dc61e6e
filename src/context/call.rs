//! [`Call`]: one request, with its headers and its query.

use super::app::App;
use super::conditions::{self, Conditions};
use super::query::Query;
use crate::error::{Error, Result};
use crate::repository::sessions;
use chrono::{DateTime, Utc};
use rouille::Request;
use std::net::IpAddr;
use std::sync::Arc;

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
    /// What a placeholder of the path stands for.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The `{id}` of the path. What cannot be an id is an unknown one.
    pub fn id(&self) -> Result<i64> {
        let raw = self.param("id");
        let plain = raw.bytes().all(|byte| byte.is_ascii_digit()) && !raw.starts_with('0');
        raw.parse().ok().filter(|_| plain).ok_or(Error::NotFound)
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

    /// The value of a cookie; of several with one name the last one counts.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.header("Cookie")?.split(';');
        let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        pairs.rev().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The query's parameters. [`Error::Malformed`] when it cannot be decoded.
    pub fn query(&self) -> Result<Query> {
        Query::read(self.request.raw_query_string())
    }

    /// Address and program of the client, for its session.
    pub fn client(&self) -> (String, String) {
        let agent = self.header("User-Agent").unwrap_or_default();
        let agent = agent.chars().filter(|c| !c.is_control()).take(200).collect();
        (self.ip.to_string(), agent)
    }
}

/// Borrows what [`Call::client`] gives.
pub fn as_client((ip, user_agent): &(String, String)) -> sessions::Client<'_> {
    sessions::Client { ip, user_agent }
}
