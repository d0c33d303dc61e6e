//! One connection: what it has received, what it still has to send, and when it has to be done.
//! Nothing here waits. `drive` goes as far as the socket allows and says what is needed next.

use super::incoming::Incoming;
use super::outgoing::{Flushed, Outgoing, Then, discard};
use super::request::{self, Refusal, Scan};
use super::response::{Pending, Stream};
use super::shared::{Peer, Scratch, Shared};
use mio::net::TcpStream;
use rustix::buffer::spare_capacity;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// What one read may bring, and so the least room a buffer has before it.
pub const READ: usize = 32 << 10;

/// What one connection may bring before others have their turn.
pub const TURN: usize = 512 << 10;

/// A socket with its state. It is owned by the poll set or by the worker that serves it.
pub struct Connection {
    pub(super) stream: TcpStream,
    pub(super) remote: SocketAddr,
    /// Its place in the table of connections.
    pub(super) token: usize,
    pub(super) peer: Arc<Peer>,
    pub(super) state: State,
    /// When the poll set gives up on it, if nothing happens until then.
    pub(super) deadline: Instant,
    /// There may be bytes, or the end, in the socket that were not read. Events are edges: nobody
    /// tells us again.
    pub(super) more: bool,
    /// The client has ended its side: behind the last bytes there is an end to be read, of which
    /// no further event tells.
    pub(super) ended: bool,
    /// Received and not yet used; a part of a head, or what came behind a request.
    input: Vec<u8>,
    /// The part of `Limits::buffered_bytes` that this connection has.
    charged: usize,
}

/// What a connection is doing.
pub enum State {
    /// Between requests (`begun` is false), or within a head.
    Head { scan: Scan, begun: bool },
    /// Within a body.
    Body(Box<Incoming>),
    /// A whole request, for a worker.
    Ready(Box<Incoming>),
    /// One that the program has looked at and left for a worker of its own.
    Prepared(Box<Pending>),
    /// An answer on its way.
    Writing(Outgoing),
    /// The last answer is sent. What still comes is thrown away until the client closes.
    Lingering { left: usize },
    /// Nothing but to be dropped, by a worker: dropping a stream may end a transaction.
    Doomed(#[allow(dead_code, reason = "it is kept only to be dropped")] Stream),
}

/// What a connection needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// An event on its socket, until its deadline.
    Event,
    /// Another turn: there is more to read, but others come first.
    Turn,
    /// A worker, for a request or for the next part of a stream.
    Worker,
    /// To be closed.
    Close,
}

impl Connection {
    /// A new connection, idle.
    pub fn new(
        stream: TcpStream,
        remote: SocketAddr,
        token: usize,
        peer: Arc<Peer>,
        deadline: Instant,
    ) -> Connection {
        Connection {
            stream,
            remote,
            token,
            peer,
            state: State::Head { scan: Scan::default(), begun: false },
            deadline,
            more: true,
            ended: false,
            input: Vec::new(),
            charged: 0,
        }
    }

    /// Between two requests, with nothing received.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Head { begun: false, .. }) && self.input.is_empty()
    }

    /// A worker can go on with it without making others wait: it has a request, or part of one,
    /// that the program has not seen yet.
    pub fn is_quick(&self) -> bool {
        matches!(self.state, State::Head { .. } | State::Body(_) | State::Ready(_))
    }

    /// Reads, refuses, writes and lingers as far as it can be done without waiting and without
    /// the handler.
    pub fn drive(&mut self, shared: &Shared, scratch: &mut Scratch, now: Instant) -> Need {
        loop {
            match &mut self.state {
                State::Head { .. } | State::Body(_) => {
                    match self.receive(shared, scratch, now) {
                        Ok(Some(need)) => return need,
                        Ok(None) => return Need::Worker,
                        Err(refusal) => self.refuse(refusal, shared, scratch, now),
                    };
                }
                State::Ready(_) | State::Prepared(_) | State::Doomed(_) => return Need::Worker,
                State::Writing(_) => match self.flush(shared, now) {
                    Flushed::All if matches!(&self.state, State::Writing(o) if o.stream.is_some()) =>
                    {
                        return Need::Worker;
                    }
                    Flushed::All => {
                        if let Some(need) = self.finish(shared, scratch, now) {
                            return need;
                        }
                    }
                    Flushed::Blocked => return Need::Event,
                    Flushed::Failed => return self.give_up(),
                },
                State::Lingering { left } => return discard(&self.stream, left, scratch),
            }
        }
    }

    /// Reads until a whole request is here (`None`, and the state is `Ready`) or the socket has no
    /// more.
    fn receive(
        &mut self,
        shared: &Shared,
        scratch: &mut Scratch,
        now: Instant,
    ) -> Result<Option<Need>, Refusal> {
        // What is left from before is put into the large buffer of this thread, and what is left
        // afterwards into one of its own size: a connection that waits holds no more than it sent.
        let mut buffer = std::mem::take(&mut scratch.input);
        buffer.clear();
        buffer.append(&mut self.input);
        let result = self.receive_into(&mut buffer, shared, now);
        if !buffer.is_empty() {
            self.input = buffer.as_slice().to_vec();
        }
        scratch.input = buffer;
        result
    }

    fn receive_into(
        &mut self,
        buffer: &mut Vec<u8>,
        shared: &Shared,
        now: Instant,
    ) -> Result<Option<Need>, Refusal> {
        let mut read = 0;
        loop {
            if self.parse(buffer, shared, now)? {
                return Ok(None);
            }
            if !self.more {
                return Ok(Some(Need::Event));
            }
            if read >= TURN {
                return Ok(Some(Need::Turn));
            }
            buffer.reserve(READ);
            let room = buffer.capacity() - buffer.len();
            match rustix::io::read(&self.stream, spare_capacity(buffer)) {
                // The end, with no request or half of one: nobody is there to be answered.
                Ok(0) => return Ok(Some(Need::Close)),
                Ok(got) => {
                    read += got;
                    // A short read took all there was (epoll(7)), and what comes later is an event.
                    self.more = got == room || self.ended;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => self.more = false,
                Err(_) => return Ok(Some(Need::Close)),
            }
        }
    }

    /// Takes what it can from `buffer`; true when a whole request is there.
    fn parse(
        &mut self,
        buffer: &mut Vec<u8>,
        shared: &Shared,
        now: Instant,
    ) -> Result<bool, Refusal> {
        if let State::Head { scan, begun } = &mut self.state {
            // An empty line before a request is skipped (RFC 9112, section 2.2).
            while !*begun && buffer.starts_with(b"\r\n") {
                buffer.drain(..2);
            }
            if buffer.is_empty() {
                return Ok(false);
            }
            if !*begun && buffer.as_slice() != b"\r" {
                *begun = true;
                self.deadline = now + shared.limits.head_time;
            }
            if !*begun {
                return Ok(false);
            }
            let Some(head) = request::head(buffer, scan, &shared.limits)? else { return Ok(false) };
            buffer.drain(..head.length);
            let incoming = Incoming::new(head, shared, now);
            if incoming.waits_for_continue(buffer.len()) {
                self.send_continue()?;
            }
            self.state = State::Body(Box::new(incoming));
        }
        let State::Body(incoming) = &mut self.state else { return Ok(true) };
        let done = incoming.take(buffer)?;
        self.deadline = incoming.deadline(&shared.limits);
        let size = incoming.body.len();
        if done {
            let ready = State::Head { scan: Scan::default(), begun: false };
            if let State::Body(incoming) = std::mem::replace(&mut self.state, ready) {
                self.state = State::Ready(incoming);
            }
        }
        if !self.charge(size, shared) {
            return Err(Refusal { status: 503, detail: "Too much is being uploaded just now." });
        }
        Ok(done)
    }

    fn send_continue(&mut self) -> Result<(), Refusal> {
        // 25 bytes on a connection with nothing unsent: if they do not fit, something is wrong.
        match self.stream.write(b"HTTP/1.1 100 Continue\r\n\r\n") {
            Ok(25) => Ok(()),
            _ => Err(request::bad("The connection does not take a 100 Continue.")),
        }
    }

    /// Takes this part of the memory for bodies and answers; false when there is none. What every
    /// connection may have is not counted, so that large bodies leave room for small ones.
    pub(super) fn charge(&mut self, bytes: usize, shared: &Shared) -> bool {
        let bytes = bytes.saturating_sub(shared.limits.free_bytes);
        let fits = shared.charge(&self.peer, self.charged, bytes);
        if fits {
            self.charged = bytes;
        }
        fits
    }

    /// Begins the answer to what is no request of ours. It is the last one here.
    pub fn refuse(
        &mut self,
        refusal: Refusal,
        shared: &Shared,
        scratch: &mut Scratch,
        now: Instant,
    ) {
        let bytes = shared.refusal(refusal, scratch);
        self.input = Vec::new();
        self.charge(0, shared);
        self.begin(bytes, None, Then::Linger, shared, now);
    }

    /// Begins to send an answer; `drive` does the rest.
    pub fn begin(
        &mut self,
        bytes: Vec<u8>,
        stream: Option<Stream>,
        then: Then,
        shared: &Shared,
        now: Instant,
    ) {
        self.deadline = now + shared.limits.write_time;
        self.state = State::Writing(Outgoing::new(bytes, stream, then));
    }

    /// Something came behind the request.
    pub fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// The deadline has passed. Returns what is needed now; a request that is half here gets 408.
    pub fn expire(&mut self, shared: &Shared, scratch: &mut Scratch, now: Instant) -> Need {
        let detail = match &self.state {
            State::Head { begun: true, .. } => "The head of the request took too long.",
            State::Body(_) => "The body of the request took too long.",
            _ => return self.give_up(),
        };
        self.refuse(Refusal { status: 408, detail }, shared, scratch, now);
        self.drive(shared, scratch, now)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.peer.uncharge(self.charged);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Limits;
    use super::super::shared::tests::shared;
    use super::*;
    use std::fs::File;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    /// A connection that reads from this.
    pub fn connection(from: impl Into<OwnedFd>, shared: &Shared) -> Connection {
        let stream = std::net::TcpStream::from(from.into());
        stream.set_nonblocking(true).unwrap();
        let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
        Connection::new(TcpStream::from_std(stream), nobody, 0, shared.new_peer(), Instant::now())
    }

    #[test]
    fn who_sends_without_a_pause_lets_others_have_their_turn() {
        let shared = shared(Limits::default());
        let mut endless = connection(File::open("/dev/zero").unwrap(), &shared);
        endless.input = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n".to_vec();
        let mut turns = 0;
        while endless.drive(&shared, &mut Scratch::default(), Instant::now()) == Need::Turn {
            turns += 1;
        }
        assert!(matches!(endless.state, State::Ready(_)));
        assert_eq!(turns, 2_000_000 / TURN);
    }

    /// The socket tells of it once.
    #[test]
    fn what_comes_at_once_behind_half_a_head_is_all_read() {
        let shared = shared(Limits::default());
        let (mut client, server) = UnixStream::pair().unwrap();
        let (mut connection, mut scratch) = (connection(server, &shared), Scratch::default());
        // Room for all that is written before anything is read.
        rustix::net::sockopt::set_socket_send_buffer_size(&client, 200_000).unwrap();
        client.write_all(b"POST / HTTP/1.1\r\n").unwrap();
        assert_eq!(connection.drive(&shared, &mut scratch, Instant::now()), Need::Event);
        client.write_all(b"Host: a\r\nContent-Length: 80000\r\n\r\n").unwrap();
        client.write_all(&[b'x'; 80_000]).unwrap();
        connection.more = true;
        assert_eq!(connection.drive(&shared, &mut scratch, Instant::now()), Need::Worker);
    }
}
