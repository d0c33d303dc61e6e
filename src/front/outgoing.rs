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

#[cfg(test)]
mod tests {
    use super::super::connection::tests::connection;
    use super::super::response::{self, Asked};
    use super::super::shared::tests::shared;
    use super::*;
    use rouille::{Response, ResponseBody};
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

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
            let mut out = Outgoing::new(Vec::new(), None, Then::Next);
            (out.total, out.stalled) = (total, seconds(stalled));
            assert_eq!(out.patience(&limits), left.map(seconds), "{total} bytes, {stalled} s");
        }
    }

    /// Four megabytes of an answer for a client that takes something every ten seconds: what is needed
    /// then, and when it is given up, counted from the begin.
    fn taken_in_drops(limits: Limits, is_stream: bool) -> [(Need, Duration); 3] {
        let (shared, mut scratch) = (shared(limits), Scratch::default());
        let (mut client, server) = UnixStream::pair().unwrap();
        client.set_nonblocking(true).unwrap();
        // Never all of it fits, wherever this runs.
        rustix::net::sockopt::set_socket_send_buffer_size(&server, 200_000).unwrap();
        let mut connection = connection(server, &shared);
        let (head_only, http_1_1, keep_alive, is_last, gzip) = (false, true, true, false, false);
        let asked = Asked { head_only, http_1_1, keep_alive, is_last, gzip };
        let data = ResponseBody::from_reader(std::io::empty());
        let answer = Response { data, ..Response::text("") };
        let (stream, _) = response::write(answer, asked, "", &mut Vec::new()).unwrap();
        let (bytes, begin) = (vec![b'x'; 4_000_000], Instant::now());
        connection.begin(bytes, stream.filter(|_| is_stream), Then::Next, &shared, begin);
        [0, 10, 20].map(|seconds| {
            let now = begin + Duration::from_secs(seconds);
            let need = connection.drive(&shared, &mut scratch, now);
            while client.read(&mut [0; 64 << 10]).is_ok() {}
            (need, connection.deadline - begin)
        })
    }

    #[test]
    fn a_whole_answer_has_its_time_and_a_stream_some_for_each_part() {
        let seconds = Duration::from_secs;
        let limits = Limits { write_time: seconds(15), stream_rate: 1, ..Limits::default() };
        let needs = taken_in_drops(limits.clone(), false);
        assert_eq!(needs, [(Need::Event, seconds(15)); 3]);
        let needs = taken_in_drops(limits.clone(), true);
        assert_eq!(needs, [15, 25, 35].map(|end| (Need::Event, seconds(end))));
        // Nothing is earned at this rate. A worker then drops the stream.
        let needs = taken_in_drops(Limits { stream_rate: 100_000_000, ..limits }, true);
        let [first, second, third] = [Need::Event, Need::Event, Need::Worker];
        assert_eq!(needs, [first, second, third].map(|need| (need, seconds(15))));
    }

    #[test]
    fn so_much_is_thrown_away_behind_a_last_answer_and_no_more() {
        // Not of the network, where bytes take their time.
        let (mut client, server) = UnixStream::pair().unwrap();
        server.set_nonblocking(true).unwrap();
        let server = TcpStream::from_std(std::net::TcpStream::from(OwnedFd::from(server)));
        let (mut left, mut scratch) = (10, Scratch::default());
        let mut send = |bytes: &[u8]| {
            client.write_all(bytes).unwrap();
            discard(&server, &mut left, &mut scratch)
        };
        assert_eq!(send(b"12345"), Need::Event);
        assert_eq!(send(b"6789"), Need::Event);
        assert_eq!(send(b"0"), Need::Close);
    }
}
