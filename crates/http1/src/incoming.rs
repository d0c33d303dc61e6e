//! A request that is coming in: its head is here, its body is being received. Pure: no socket.

use crate::chunked::Chunked;
use crate::gzip;
use crate::limits::Limits;
use crate::request::{Framing, Head, Refusal};
use crate::response::Asked;
use rouille::Request;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long a body may take to get going before its rate counts.
const RATE_GRACE: Duration = Duration::from_secs(5);

/// The body of a request, as far as it has come.
pub struct Incoming {
    /// What is decoded.
    pub body: Vec<u8>,
    /// The body was not read, or not to its end: it is larger than its route takes.
    pub cut: bool,
    /// The body is complete, or cut.
    pub done: bool,
    decoder: Option<Chunked>,
    /// The length of the body, or for a chunked one what its route takes and one byte more.
    most: usize,
    since: Instant,
    expects_continue: bool,
}

impl Incoming {
    /// The body behind `head`, of a route that takes `limit` bytes.
    pub fn new(head: &Head, limit: u64, limits: &Limits, now: Instant) -> Incoming {
        let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
        let (most, cut, decoder) = match head.framing {
            Framing::Length(length) if length > limit => (0, true, None),
            Framing::Length(length) => (bytes(length), false, None),
            Framing::Chunked => (bytes(limit).saturating_add(1), false, Some(Chunked::new(limits))),
        };
        let (body, expects_continue) = (Vec::new(), head.expects_continue);
        Incoming { body, cut, done: false, decoder, most, since: now, expects_continue }
    }

    /// Moves what belongs to the body out of `buffer`.
    pub fn take(&mut self, buffer: &mut Vec<u8>) -> Result<(), Refusal> {
        if let Some(decoder) = &mut self.decoder {
            let progress = decoder.decode(buffer, &mut self.body, self.most)?;
            buffer.drain(..progress.used);
            self.cut = self.body.len() >= self.most;
            self.done = progress.done || self.cut;
        } else {
            let take = (self.most - self.body.len()).min(buffer.len());
            self.body.extend(buffer.drain(..take));
            self.done = self.body.len() == self.most;
        }
        Ok(())
    }

    /// The program has to look at the head before the rest of the body is received: the body is
    /// large, or the client asks whether it is wanted.
    pub fn is_for_later(&self, limits: &Limits) -> bool {
        let known = if self.decoder.is_some() { self.body.len() } else { self.most };
        !self.done && (known > limits.small_body_bytes || self.expects_continue)
    }

    /// The client waits for `100 Continue`: none of the body is here.
    pub fn waits_for_continue(&self) -> bool {
        self.expects_continue && self.body.is_empty() && !self.done
    }

    /// When the body has to have come on: it has a time in all, and a least rate.
    pub fn deadline(&self, limits: &Limits) -> Instant {
        let earned = self.body.len() as f64 / f64::from(limits.body_rate.max(1));
        let by_rate = RATE_GRACE + Duration::from_secs_f64(earned);
        self.since + limits.body_time.min(by_rate)
    }
}

/// The request as the program gets it, without its body, and what decides about the form of the
/// answer.
pub fn for_the_program(
    head: Head,
    incoming: &Incoming,
    remote: SocketAddr,
) -> (Request, Asked, Option<String>) {
    let mut headers = head.headers;
    if head.framing == Framing::Chunked {
        // The body is decoded: for the handler it has a length like any other, once it is known.
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("transfer-encoding"));
        if incoming.done {
            headers.push(("Content-Length".to_owned(), incoming.body.len().to_string()));
        }
    }
    let field = |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    let origin = field("origin").map(|(_, value)| value.clone());
    let gzip = headers
        .iter()
        .any(|(n, v)| n.eq_ignore_ascii_case("accept-encoding") && gzip::is_accepted(v));
    let keep_alive = head.keep_alive && !incoming.cut;
    let asked = Asked {
        head_only: head.method == "HEAD",
        http_1_1: head.http_1_1,
        keep_alive,
        is_last: !head.keep_alive && incoming.done && !incoming.cut,
        gzip,
    };
    let request = Request::fake_http_from(remote, head.method, head.target, headers, Vec::new());
    (request, asked, origin)
}
