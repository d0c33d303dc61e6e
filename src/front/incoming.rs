//! A request that is coming in: its head is here, its body is being received.

use super::chunked::Chunked;
use super::limits::Limits;
use super::request::{Framing, Head, Refusal};
use super::shared::Shared;
use std::time::{Duration, Instant};

/// A request that is coming in or has come.
pub struct Incoming {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
    /// The body was not read, or not to its end: it is larger than its route takes.
    pub(super) cut: bool,
    decoder: Option<Chunked>,
    /// The length of the body, or for a chunked one what its route takes and one byte more.
    most: usize,
    since: Instant,
}

impl Incoming {
    /// What is known when the head is here.
    pub fn new(head: Head, shared: &Shared, now: Instant) -> Incoming {
        let limits = &shared.limits;
        let (mut most, mut cut, mut decoder) = (0, false, None);
        if head.framing != Framing::Length(0) {
            let limit = shared.body_limit(&head.method, &head.target);
            match head.framing {
                Framing::Length(length) if length > limit => cut = true,
                Framing::Length(length) => most = usize::try_from(length).unwrap_or(usize::MAX),
                Framing::Chunked => {
                    most = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
                    decoder = Some(Chunked::new(limits));
                }
            }
        }
        Incoming { head, body: Vec::new(), cut, decoder, most, since: now }
    }

    /// Asked for, the body will be read, and none of it is here yet.
    pub fn waits_for_continue(&self, received: usize) -> bool {
        self.head.expects_continue && self.most > 0 && received == 0
    }

    /// Moves what belongs to the body out of `buffer`; true when it is complete or cut.
    pub fn take(&mut self, buffer: &mut Vec<u8>) -> Result<bool, Refusal> {
        if let Some(decoder) = &mut self.decoder {
            let progress = decoder.decode(buffer, &mut self.body, self.most)?;
            buffer.drain(..progress.used);
            self.cut = self.body.len() >= self.most;
            return Ok(progress.done || self.cut);
        }
        let take = (self.most - self.body.len()).min(buffer.len());
        self.body.extend(buffer.drain(..take));
        Ok(self.body.len() == self.most)
    }

    /// When the body has to have come on: it has a time in all, and a least rate.
    pub fn deadline(&self, limits: &Limits) -> Instant {
        let earned = self.body.len() as f64 / f64::from(limits.body_rate.max(1));
        let by_rate = RATE_GRACE + Duration::from_secs_f64(earned);
        self.since + limits.body_time.min(by_rate)
    }
}

/// How long a body may take to get going before its rate counts.
const RATE_GRACE: Duration = Duration::from_secs(5);
