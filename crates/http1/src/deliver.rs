//! Sending answers: what the socket takes at once, the rest in a thread, and what the connection does afterwards.

use crate::connection::{Connection, Stage, wait_for};
use crate::incoming::Incoming;
use crate::limits::{LINGER_BYTES, Limits, STREAM_RATE};
use crate::request::Refusal;
use crate::response::{self, Asked, Stream};
use crate::room::Wants;
use crate::service::Client;
use crate::shared::Shared;
use rouille::Response;
use rustix::event::PollFlags;
use rustix::io::Errno;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The answer to one request, or one connection, too many.
pub const OVERLOADED: Refusal =
    Refusal { status: 503, detail: "The server has too much to do just now." };
/// The answer to a request whose handler failed.
const FAILED: Refusal = Refusal { status: 500, detail: "The server failed to answer." };

/// An answer that is going out.
pub struct Outgoing {
    connection: Box<Connection>,
    bytes: Vec<u8>,
    sent: usize,
    stream: Option<Stream>,
    then: Then,
    /// Whom its memory is charged to.
    client: Client,
}

/// What follows an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The next request.
    Next,
    /// The end at once: somebody else needs its place or thread.
    Close,
    /// The end, while the client may still be sending: a close now would reset the connection and
    /// could destroy the answer before the client has read it.
    Linger,
}

/// Sends what the socket takes now. If that is all of it, the connection goes on to its next stage; otherwise the
/// rest is returned. Without a response the handler has failed: 500.
#[must_use]
pub fn answer(
    shared: &Shared,
    connection: Box<Connection>,
    incoming: &Incoming,
    response: Option<Response>,
    client: Client,
) -> Option<Outgoing> {
    let (mut asked, mut bytes) = (incoming.asked, Vec::new());
    // If the body was not read to its end (`cut`: it is too large), the next bytes are its rest, and no request.
    let is_received = incoming.done && !incoming.cut;
    asked.keep_alive &= is_received && !shared.is_stopping();
    let fault = |what| log::error!("http1: the handler gave {what}");
    let written = response.map(|it| response::write(it, asked, &mut bytes).map_err(fault));
    let Some(Ok((stream, keep_alive))) = written else {
        return refusal_of(shared, connection, FAILED, Some(incoming), Then::Linger);
    };
    let then = match keep_alive {
        true => Then::Next,
        // Also where the client asked for the end: some send an empty line behind a body.
        false => Then::Linger,
    };
    Outgoing { connection, bytes, sent: 0, stream, then, client }.begin(shared)
}

/// Answers something that the program never saw: malformed, too slow, or one connection too many. It is the last
/// answer on its connection, which lingers, or closes where it has to go now, whether the socket took all of it or
/// not.
pub fn refuse(shared: &Arc<Shared>, connection: Box<Connection>, refusal: Refusal, then: Then) {
    finish_elsewhere(shared, refusal_of(shared, connection, refusal, None, then));
}

/// Like [`refuse`], also for a request that was taken out of its connection (`incoming`). Returns what has to be
/// waited for.
pub fn refusal_of(
    shared: &Shared,
    mut connection: Box<Connection>,
    refusal: Refusal,
    incoming: Option<&Incoming>,
    then: Then,
) -> Option<Outgoing> {
    let origin = incoming.map_or_else(|| connection.origin(), |it| it.origin.clone());
    let head_only = incoming.is_some_and(|it| it.asked.head_only);
    connection.input = Vec::new();
    let asked = Asked { head_only, http_1_1: true, keep_alive: false, gzip: false };
    let mut bytes = Vec::new();
    let response = shared.program.refuse(refusal, origin.as_deref());
    let written = response.map(|it| response::write(it, asked, &mut bytes));
    if !matches!(written, Some(Ok((None, _)))) {
        log::error!("http1: the program has no answer for a {}", refusal.status);
        bytes = response::PLAIN_500.to_vec();
    }
    let client = Client::Network(connection.place.address);
    let rest = Outgoing { connection, bytes, sent: 0, stream: None, then, client }.begin(shared);
    rest.filter(|_| then == Then::Linger)
}

/// Sends the rest, if there is one, in a thread of the pool, if one can be had.
pub fn finish_elsewhere(shared: &Arc<Shared>, rest: Option<Outgoing>) {
    let Some(rest) = rest else { return };
    if !shared.pool.make_room_for(rest.connection.place.address) {
        return rest.connection.reset_on_close();
    }
    let this = Arc::clone(shared);
    shared.pool.run(move || rest.finish(&this));
}

impl Outgoing {
    /// Sends what the socket takes now; what is left.
    fn begin(mut self, shared: &Shared) -> Option<Outgoing> {
        match self.send() {
            Ok(true) if self.stream.is_none() => self.go_on(shared),
            Ok(_) => return Some(self),
            Err(_) => {}
        }
        None
    }

    /// Sends the rest, waiting for the client.
    pub fn finish(mut self, shared: &Shared) {
        let mut charge = shared.budget.charge(self.client);
        let waiting = shared.pool.waits(&self.connection, Shutdown::Both);
        let is_whole = self.send_slowly(&shared.limits, |bytes| charge.set(bytes));
        drop((waiting, charge));
        if is_whole { self.go_on(shared) } else { self.connection.reset_on_close() }
    }

    /// Sends what the socket takes without waiting. True: it took all bytes that are here; of a stream the
    /// next part can be made.
    fn send(&mut self) -> rustix::io::Result<bool> {
        while let Some(rest) = self.bytes.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.connection.send(rest) {
                Ok(sent) => self.sent += sent,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Sends all of it, waiting for the client; false when that failed. A whole answer has
    /// `Limits::write_time`, a stream earns time as it is taken (`time_left`). `hold` gets the number of bytes that lie in memory
    /// while the client is waited for; false ends the answer.
    fn send_slowly(&mut self, limits: &Limits, mut hold: impl FnMut(usize) -> bool) -> bool {
        let (begin, is_stream) = (Instant::now(), self.stream.is_some());
        let (mut total, mut stalled) = (0, Duration::ZERO);
        loop {
            match self.send() {
                Ok(true) if self.stream.is_none() => return true,
                Ok(true) => {
                    total += self.sent as u64;
                    if !self.pull() {
                        return false;
                    }
                    continue;
                }
                Ok(false) => {}
                Err(_) => return false,
            }
            let owed = self.stream.as_ref().map_or(0, Stream::owed);
            let blocked = Instant::now();
            let until = match is_stream {
                false => Some(begin + limits.write_time),
                true => time_left(total + self.sent as u64, stalled, limits).map(|it| blocked + it),
            };
            let waits = until.filter(|_| hold(self.bytes.len() + owed));
            if !waits.is_some_and(|it| wait_for(&self.connection.stream, PollFlags::OUT, it)) {
                return false;
            }
            stalled += blocked.elapsed();
        }
    }

    /// Makes the next part of a stream; false when that failed.
    fn pull(&mut self) -> bool {
        self.bytes.clear();
        self.sent = 0;
        let Some(stream) = &mut self.stream else { return true };
        let pulled = stream.pull(&mut self.bytes);
        if let Ok(true) = pulled {
            self.stream = None;
        }
        pulled.inspect_err(|e| log::error!("http1: a streamed answer broke off: {e}")).is_ok()
    }

    /// All is sent: the connection waits for the next request, or ends.
    fn go_on(self, shared: &Shared) {
        let (mut connection, limits) = (self.connection, &shared.limits);
        let (time, wants) = match self.then {
            Then::Close => return,
            Then::Linger => {
                if connection.stream.shutdown(Shutdown::Write).is_err() {
                    return;
                }
                connection.stage = Stage::Lingering(LINGER_BYTES);
                (limits.linger_time, Wants::Input)
            }
            Then::Next if connection.input.is_empty() => (limits.idle_time, Wants::Input),
            // A request is in `input` already: its turn comes when the socket can be written to again, or more comes.
            Then::Next => (limits.write_time, Wants::Turn),
        };
        connection.deadline = Instant::now() + time;
        shared.room.put(connection, wants);
    }
}

/// How long to wait for the client now, while it takes a streamed answer: the more of it it has
/// taken, the more time it has in all. `None` when it has used up its time.
fn time_left(total: u64, stalled: Duration, limits: &Limits) -> Option<Duration> {
    let earned = total / STREAM_RATE;
    let allowed = limits.write_time + Duration::from_secs(earned);
    let left = allowed.checked_sub(stalled).filter(|left| !left.is_zero())?;
    Some(left.min(limits.write_time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::Places;
    use rouille::ResponseBody;
    use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    /// An answer, and its client: neither kernel holds more than a few kilobytes of it.
    fn outgoing(response: Response) -> (Outgoing, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        sockopt::set_socket_recv_buffer_size(&client, 1).unwrap();
        connect(&client, &listener.local_addr().unwrap()).unwrap();
        let (stream, remote) = listener.accept().unwrap();
        sockopt::set_socket_send_buffer_size(&stream, 1).unwrap();
        let place = Places::new(1, 1).take(remote.ip()).unwrap();
        let connection = Box::new(Connection::new(stream, remote, place, Instant::now()));
        let asked = Asked { head_only: false, http_1_1: true, keep_alive: true, gzip: false };
        let mut bytes = Vec::new();
        let (stream, _) = response::write(response, asked, &mut bytes).unwrap();
        let (sent, then, payer) = (0, Then::Next, Client::Account(1));
        (Outgoing { connection, bytes, sent, stream, then, client: payer }, client.into())
    }

    #[test]
    fn who_takes_a_stream_too_slowly_is_cut_off_though_it_never_stops() {
        let data = ResponseBody::from_reader(std::io::repeat(b'x').take(60_000));
        let (mut outgoing, mut client) = outgoing(Response { data, ..Response::text("") });
        let reader = std::thread::spawn(move || {
            // 10 KB a second, which earn it a third of a second.
            while client.read(&mut [0; 512]).is_ok_and(|got| got > 0) {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let limits = Limits { write_time: Duration::from_secs(1), ..Limits::default() };
        assert!(!outgoing.send_slowly(&limits, |_| true), "all of it would take six seconds");
        outgoing.connection.reset_on_close();
        drop(outgoing);
        reader.join().unwrap();
    }

    #[test]
    fn an_answer_that_waits_counts_with_all_its_bytes() {
        let (mut outgoing, _client) = outgoing(Response::text("x".repeat(500_000)));
        let (size, mut held) = (outgoing.bytes.len(), 0);
        let hold = |bytes| {
            held = bytes;
            false
        };
        assert!(!outgoing.send_slowly(&Limits::default(), hold), "no room for it");
        assert!(held == size && size > 500_000, "{held} of {size}");
    }

    #[test]
    fn a_client_has_the_more_time_for_a_stream_the_more_of_it_it_has_taken() {
        let seconds = Duration::from_secs;
        let limits = Limits { write_time: seconds(15), ..Limits::default() };
        for (total, stalled, left) in [
            (0, 0, Some(15)),
            (0, 10, Some(5)),
            (0, 15, None),
            // Ten seconds were earned.
            (11 * STREAM_RATE - 1, 15, Some(10)),
            (11 * STREAM_RATE - 1, 25, None),
            // However much was: not for one wait.
            (1000 * STREAM_RATE, 20, Some(15)),
        ] {
            let left = left.map(seconds);
            let allowed = time_left(total, seconds(stalled), &limits);
            assert_eq!(allowed, left, "{total} bytes, {stalled} s");
        }
    }
}
