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

/// A request, with as much of its body as has come.
pub struct Incoming {
    /// Its head.
    pub head: Head,
    /// What is decoded.
    pub body: Vec<u8>,
    /// The body was not read, or not to its end: it is larger than its route takes.
    pub cut: bool,
    /// The body is complete, or cut.
    pub done: bool,
    /// What decides about the form of the answer.
    pub asked: Asked,
    /// The Origin field, for a refusal.
    pub origin: Option<String>,
    decoder: Option<Chunked>,
    /// The length of the body, or for a chunked one what its route takes and one byte more.
    most: usize,
    since: Instant,
}

impl Incoming {
    /// A head, of a route that takes bodies of `limit` bytes.
    pub fn new(head: Head, limit: u64, now: Instant) -> Incoming {
        let bytes = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
        let (most, cut, decoder) = match head.framing {
            Framing::Length(length) if length > limit => (0, true, None),
            Framing::Length(length) => (bytes(length), false, None),
            Framing::Chunked => (bytes(limit).saturating_add(1), false, Some(Chunked::new())),
        };
        let fields = |wanted: &'static str| {
            let of_name = move |(name, _): &&(String, String)| name.eq_ignore_ascii_case(wanted);
            head.headers.iter().filter(of_name).map(|(_, value)| value)
        };
        let asked = Asked {
            head_only: head.method == "HEAD",
            http_1_1: head.http_1_1,
            keep_alive: head.keep_alive,
            gzip: fields("accept-encoding").any(|value| gzip::is_accepted(value)),
        };
        let origin = fields("origin").next().cloned();
        let (body, done, since) = (Vec::new(), false, now);
        Incoming { head, body, cut, done, asked, origin, decoder, most, since }
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
        !self.done && (known > limits.small_body_bytes || self.head.expects_continue)
    }

    /// The client waits for `100 Continue`: none of the body is here.
    pub fn waits_for_continue(&self) -> bool {
        self.head.expects_continue && self.body.is_empty() && !self.done
    }

    /// When the body has to have come on: it has a time in all, and a least rate.
    pub fn deadline(&self, limits: &Limits) -> Instant {
        let earned = self.body.len() as f64 / f64::from(limits.body_rate.max(1));
        let by_rate = RATE_GRACE + Duration::from_secs_f64(earned);
        self.since + limits.body_time.min(by_rate)
    }

    /// The request as the program gets it, without its body.
    pub fn take_request(&mut self, remote: SocketAddr) -> Request {
        let [method, target] = [&mut self.head.method, &mut self.head.target].map(std::mem::take);
        let mut headers = std::mem::take(&mut self.head.headers);
        if self.head.framing == Framing::Chunked && self.done {
            // The body is decoded: for the program it has a length like any other. One that is still to come has
            // none, and says so.
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("transfer-encoding"));
            headers.push(("Content-Length".to_owned(), self.body.len().to_string()));
        }
        Request::fake_http_from(remote, method, target, headers, Vec::new())
    }
}
