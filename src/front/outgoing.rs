//! An answer that is going out, and the end of a connection behind the last one.

use super::connection::{Connection, Need, READ, State, TURN};
use super::limits::Limits;
use super::request::Scan;
use super::response::Stream;
use super::shared::{Scratch, Shared};
use mio::net::TcpStream;
use rustix::buffer::spare_capacity;
use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

/// An answer that is going out.
pub struct Outgoing {
    pub(super) bytes: Vec<u8>,
    pub(super) sent: usize,
    pub(super) stream: Option<Stream>,
    pub(super) then: Then,
    /// Of a streamed answer: bytes sent in all, the time spent waiting for the client, and since
    /// when it is waited for now.
    total: u64,
    stalled: Duration,
    blocked: Option<Instant>,
}

/// What follows an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The next request.
    Next,
    /// The client asked for the end and has nothing more to say.
    Close,
    /// The end, while the client may still be sending: a close now would reset the connection and
    /// could destroy the answer before the client has read it.
    Linger,
}

/// How far an answer has come.
pub enum Flushed {
    All,
    Blocked,
    Failed,
}

impl Outgoing {
    /// An answer of which nothing is sent yet.
    pub fn new(bytes: Vec<u8>, stream: Option<Stream>, then: Then) -> Outgoing {
        let (total, stalled, blocked) = (0, Duration::ZERO, None);
        Outgoing { bytes, sent: 0, stream, then, total, stalled, blocked }
    }

    /// How long to wait for the client now, while it takes a streamed answer; `None` when it has
    /// used up its time.
    fn patience(&self, limits: &Limits) -> Option<Duration> {
        let earned = self.total / u64::from(limits.stream_rate.max(1));
        let allowed = limits.write_time + Duration::from_secs(earned);
        let left = allowed.checked_sub(self.stalled).filter(|left| !left.is_zero())?;
        Some(left.min(limits.write_time))
    }
}

impl Connection {
    /// Sends what the socket takes.
    pub(super) fn flush(&mut self, shared: &Shared, now: Instant) -> Flushed {
        let State::Writing(out) = &mut self.state else { return Flushed::All };
        loop {
            let rest = out.bytes.get(out.sent..).unwrap_or_default();
            if rest.is_empty() {
                return Flushed::All;
            }
            match self.stream.write(rest) {
                Ok(0) => return Flushed::Failed,
                Ok(sent) => {
                    out.sent += sent;
                    out.total += sent as u64;
                    if let Some(since) = out.blocked.take() {
                        out.stalled += now.saturating_duration_since(since);
                    }
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return Flushed::Failed,
            }
        }
        if out.stream.is_some() && out.blocked.is_none() {
            match out.patience(&shared.limits) {
                Some(patience) => self.deadline = now + patience,
                None => return Flushed::Failed,
            }
        }
        out.blocked.get_or_insert(now);
        // Only what waits in memory counts; an answer that the socket took at once never does.
        let waiting = out.bytes.len() + out.stream.as_ref().map_or(0, Stream::owed);
        if self.charge(waiting, shared) { Flushed::Blocked } else { Flushed::Failed }
    }

    /// The answer is sent. Returns what is needed, or `None` when there is something to do.
    pub(super) fn finish(
        &mut self,
        shared: &Shared,
        scratch: &mut Scratch,
        now: Instant,
    ) -> Option<Need> {
        let State::Writing(out) = &mut self.state else { return Some(Need::Close) };
        scratch.give_back(std::mem::take(&mut out.bytes));
        match out.then {
            Then::Close => Some(Need::Close),
            Then::Linger => {
                if self.stream.shutdown(Shutdown::Write).is_err() {
                    return Some(Need::Close);
                }
                self.charge(0, shared);
                self.deadline = now + shared.limits.linger_time;
                self.state = State::Lingering { left: shared.limits.linger_bytes };
                None
            }
            Then::Next => {
                self.charge(0, shared);
                self.deadline = now + shared.limits.idle_time;
                self.state = State::Head { scan: Scan::default(), begun: false };
                (!self.has_input() && !self.more).then_some(Need::Event)
            }
        }
    }

    /// Closes, or has a worker close what may take time.
    pub fn give_up(&mut self) -> Need {
        let lingering = State::Lingering { left: 0 };
        if let State::Writing(out) = std::mem::replace(&mut self.state, lingering)
            && let Some(stream) = out.stream
        {
            // Without a reset, an answer that ends with the connection would look whole.
            self.reset_on_close();
            self.state = State::Doomed(stream);
            return Need::Worker;
        }
        Need::Close
    }

    /// Closing sends RST from now on.
    pub fn reset_on_close(&self) {
        // A failure means that the connection is gone already.
        let _ = rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
    }
}

/// Reads and throws away.
pub fn discard(stream: &TcpStream, left: &mut usize, scratch: &mut Scratch) -> Need {
    let mut turn = TURN;
    loop {
        scratch.input.clear();
        scratch.input.reserve(READ);
        match rustix::io::read(stream, spare_capacity(&mut scratch.input)) {
            Ok(0) => return Need::Close,
            Ok(got) if got >= *left => return Need::Close,
            Ok(got) => {
                *left -= got;
                turn = turn.saturating_sub(got);
                if turn == 0 {
                    return Need::Turn;
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => return Need::Event,
            Err(_) => return Need::Close,
        }
    }
}
