//! An answer that is going out.

use crate::connection::{Connection, wait_for};
use crate::limits::Limits;
use crate::response::Stream;
use rustix::event::PollFlags;
use rustix::io::Errno;
use std::time::{Duration, Instant};

/// An answer that is going out.
pub struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
    stream: Option<Stream>,
    /// What follows it.
    pub then: Then,
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
#[derive(Debug, PartialEq, Eq)]
pub enum Sent {
    /// All of it was sent.
    Whole,
    /// It has to be waited for: the client, or the next part of a stream.
    Part,
    /// The client is gone or takes nothing, or the answer broke off.
    Failed,
}

impl Outgoing {
    /// An answer of which nothing is sent yet.
    pub fn new(bytes: Vec<u8>, stream: Option<Stream>, then: Then) -> Outgoing {
        Outgoing { bytes, sent: 0, stream, then }
    }

    /// Sends what the socket takes without waiting.
    pub fn send(&mut self, connection: &Connection) -> Sent {
        loop {
            let rest = self.bytes.get(self.sent..).unwrap_or_default();
            if rest.is_empty() {
                return if self.stream.is_some() { Sent::Part } else { Sent::Whole };
            }
            match connection.send(rest) {
                Ok(sent) => self.sent += sent,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Sent::Part,
                Err(_) => return Sent::Failed,
            }
        }
    }

    /// Sends all of it, waiting for the client. A whole answer has `Limits::write_time`, a stream
    /// has it for each part. `hold` hears how many bytes lie in memory while the client is waited
    /// for; false ends the answer.
    pub fn send_slowly(
        &mut self,
        connection: &Connection,
        limits: &Limits,
        mut hold: impl FnMut(usize) -> bool,
    ) -> Sent {
        let (begin, is_stream) = (Instant::now(), self.stream.is_some());
        let (mut total, mut stalled) = (0, Duration::ZERO);
        loop {
            match self.send(connection) {
                Sent::Part => {}
                end => return end,
            }
            if self.sent == self.bytes.len() {
                total += self.sent as u64;
                if !self.pull() {
                    return Sent::Failed;
                }
                continue;
            }
            let owed = self.stream.as_ref().map_or(0, Stream::owed);
            let blocked = Instant::now();
            let until = match is_stream {
                false => Some(begin + limits.write_time),
                true => time_left(total + self.sent as u64, stalled, limits).map(|it| blocked + it),
            };
            let waits = until.filter(|_| hold(self.bytes.len() + owed));
            if !waits.is_some_and(|it| wait_for(&connection.stream, PollFlags::OUT, it)) {
                return Sent::Failed;
            }
            stalled += blocked.elapsed();
        }
    }

    /// Makes the next part of a stream; false when that failed.
    fn pull(&mut self) -> bool {
        self.bytes.clear();
        self.sent = 0;
        match self.stream.as_mut().map(|stream| stream.pull(&mut self.bytes)) {
            Some(Ok(false)) => true,
            Some(Ok(true)) | None => {
                self.stream = None;
                true
            }
            Some(Err(e)) => {
                log::error!("http1: a streamed answer broke off: {e}");
                false
            }
        }
    }
}

/// How long to wait for the client now, while it takes a streamed answer: the more of it it has
/// taken, the more time it has in all. `None` when it has used up its time.
fn time_left(total: u64, stalled: Duration, limits: &Limits) -> Option<Duration> {
    let earned = total / u64::from(limits.stream_rate.max(1));
    let allowed = limits.write_time + Duration::from_secs(earned);
    let left = allowed.checked_sub(stalled).filter(|left| !left.is_zero())?;
    Some(left.min(limits.write_time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_the_more_time_for_a_stream_the_more_of_it_it_has_taken() {
        let seconds = Duration::from_secs;
        let limits = Limits { write_time: seconds(15), stream_rate: 1000, ..Limits::default() };
        for (total, stalled, left) in [
            (0, 0, Some(15)),
            (0, 10, Some(5)),
            (0, 15, None),
            // Ten seconds were earned.
            (10_999, 15, Some(10)),
            (10_999, 25, None),
            // However much was: not for one part.
            (1_000_000, 20, Some(15)),
        ] {
            let left = left.map(seconds);
            let allowed = time_left(total, seconds(stalled), &limits);
            assert_eq!(allowed, left, "{total} bytes, {stalled} s");
        }
    }
}
