//! One connection: a socket, the bytes that came and are not used yet, and a deadline.
//!
//! Reads and writes never block (`MSG_DONTWAIT`). [`Connection::receive`] never waits: the threads of the
//! waiting room call it. [`Connection::receive_body`] and slow answers (`deliver.rs`) wait for the socket
//! with [`wait_for`], until a deadline, in a thread of the pool.

use crate::incoming::Incoming;
use crate::limits::Limits;
use crate::places::Place;
use crate::request::{self, Refusal, Scan};
use crate::service::Program;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A read has room for at least this many bytes.
const READ: usize = 32 << 10;

/// A server that stops leaves a connection open until it is this old, if nothing was received from it.
const FIRST_REQUEST: Duration = Duration::from_millis(500);

const SLOW_HEAD: Refusal =
    Refusal { status: 408, detail: "The head of the request took too long." };
const SLOW_BODY: Refusal =
    Refusal { status: 408, detail: "The body of the request took too long." };

/// A connection. It has one owner at a time: the waiting room, a thread, or a request that waits in a line or
/// for a thread of the pool.
pub struct Connection {
    // Above `place`, since fields are dropped in this order: a place is free only after its descriptor is
    // closed. Shared so that another thread can shut it down while one waits for it (`Pool::end_a_wait`),
    // which lets go of it before the connection is dropped.
    pub stream: Arc<TcpStream>,
    pub remote: SocketAddr,
    /// Its place in the table of connections; free again when this is dropped.
    pub place: Place,
    pub stage: Stage,
    /// When the waiting room gives it up (`sweep` and `end` in `server.rs`); nobody else looks at it. Set here when
    /// a head begins and when a part of a small body comes; by its owner when it is new, waits for a next
    /// request or lingers.
    pub deadline: Instant,
    /// When it was accepted; none after the first [`Connection::receive`].
    came: Option<Instant>,
    /// It is in the waiting room's epoll set already.
    pub is_registered: bool,
    /// Received and not yet used: a part of a head, or what came behind a request.
    pub input: Vec<u8>,
}

/// How far the request is that comes in.
pub enum Stage {
    /// None has begun; `input` may hold the next one, which waits for its turn. Also while one is answered.
    Idle,
    /// The rest of a head, of which this much was looked at.
    Head(Scan),
    /// The rest of a body that is small so far. One that proves large, or that the client holds back for
    /// `100 Continue`, leaves this stage at once ([`Incoming::is_for_later`]).
    Body(Box<Incoming>),
    /// None: the client has only to close, since the last answer is sent. What still comes is thrown away, at most
    /// this many bytes: a socket that is closed with bytes unread sends RST, and the client may lose the
    /// answer. Whoever sent that answer sets this, with a deadline.
    Lingering(usize),
}

/// What one read has come to.
pub enum Received {
    /// No request yet, or none any more (lingering): it goes back into the waiting room.
    Part,
    /// A head, and its body if that is small. While [`Incoming::done`] is false the rest is for
    /// [`Connection::receive_body`]. A body whose Content-Length is over its route's limit is
    /// not received: `done`, and cut off. One in chunks is received to a byte past the limit.
    Request(Box<Incoming>),
    /// To be closed: the client ended or the connection failed, and a request that had begun gets no answer;
    /// or it lingered, and has sent all that is thrown away.
    End,
}

impl Connection {
    /// A new connection, idle.
    pub fn new(stream: TcpStream, remote: SocketAddr, place: Place, deadline: Instant) -> Self {
        let (stage, input) = (Stage::Idle, Vec::new());
        let stream = Arc::new(stream);
        let came = Some(Instant::now());
        Connection { stream, remote, place, stage, deadline, came, is_registered: false, input }
    }

    /// No request has begun, and nothing is left over but perhaps half of an empty line, whose rest may never come.
    /// True while a request is answered, too: to be asked of a connection in the waiting room.
    pub fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle) && matches!(*self.input, [] | [b'\r'])
    }

    /// It is new, and has had no event. Its first request is probably on its way, since a proxy
    /// connects when it has one, and a server that stops would meet it with a closed connection.
    pub fn has_just_come(&self, now: Instant) -> bool {
        self.came.is_some_and(|came| now.saturating_duration_since(came) < FIRST_REQUEST)
    }

    /// Takes a request from `input`; if none is whole there, reads once and tries again. What is left in
    /// the socket is a new event once the connection is put back. `buffer` is lent by the thread, and what
    /// is not used of it goes back into `input`, so that a connection that waits keeps no read buffer.
    /// After a refusal the connection is good for an answer and for lingering only.
    pub fn receive(
        &mut self,
        buffer: &mut Vec<u8>,
        program: &dyn Program,
        limits: &Limits,
    ) -> Result<Received, Refusal> {
        self.came = None;
        buffer.clear();
        buffer.extend(std::mem::take(&mut self.input));
        let mut received = self.parse(buffer, program, limits);
        if matches!(received, Ok(Received::Part)) {
            let got = read(&self.stream, buffer);
            received = match (got, &mut self.stage) {
                (Err(Errno::AGAIN | Errno::INTR), _) => Ok(Received::Part),
                (Ok(0) | Err(_), _) => Ok(Received::End),
                (Ok(got), Stage::Lingering(left)) => {
                    buffer.clear();
                    *left = left.saturating_sub(got);
                    Ok(if *left == 0 { Received::End } else { Received::Part })
                }
                (Ok(_), _) => self.parse(buffer, program, limits),
            };
        }
        if !buffer.is_empty() {
            // A copy of the right size: the buffer stays with the thread.
            self.input = buffer.as_slice().to_vec();
        }
        received
    }

    /// Takes a request out of `buffer`, or as much of one as is there.
    fn parse(
        &mut self,
        buffer: &mut Vec<u8>,
        program: &dyn Program,
        limits: &Limits,
    ) -> Result<Received, Refusal> {
        let now = Instant::now();
        if matches!(self.stage, Stage::Idle) {
            // Empty lines before a request are skipped (RFC 9112, section 2.2), all at once. They begin
            // no request, and no deadline.
            let pairs = buffer.chunks(2).take_while(|pair| *pair == b"\r\n").count();
            buffer.drain(..pairs * 2);
            if buffer.is_empty() || buffer.as_slice() == b"\r" {
                return Ok(Received::Part);
            }
            self.deadline = now + limits.head_time;
            self.stage = Stage::Head(Scan::default());
        }
        if let Stage::Head(scan) = &mut self.stage {
            let Some(head) = request::head(buffer, scan)? else {
                return Ok(Received::Part);
            };
            buffer.drain(..head.length);
            let limit = match head.framing {
                request::Framing::Length(0) => 0,
                _ => program.body_limit(&head.method, &head.target),
            };
            self.stage = Stage::Body(Box::new(Incoming::new(head, limit, now)));
        }
        // Of a connection that lingers nothing is parsed.
        let Stage::Body(incoming) = &mut self.stage else { return Ok(Received::Part) };
        incoming.take(buffer)?;
        if !incoming.done && !incoming.is_for_later(limits) {
            self.deadline = incoming.deadline(limits);
            return Ok(Received::Part);
        }
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Body(incoming) => Ok(Received::Request(incoming)),
            _ => Ok(Received::Part), // not reached: it was a body
        }
    }

    /// Receives the rest of a large body, and waits for it. Returns false when the client ended, the
    /// connection failed, or the pool ended the wait (`Pool::end_a_wait`); after that, and after a refusal,
    /// what was received is lost. `grown` gets the length of the body so far, at least once, and may refuse
    /// it.
    pub fn receive_body(
        &mut self,
        incoming: &mut Incoming,
        limits: &Limits,
        mut grown: impl FnMut(usize) -> Result<(), Refusal>,
    ) -> Result<bool, Refusal> {
        let mut buffer = std::mem::take(&mut self.input);
        loop {
            incoming.take(&mut buffer)?;
            grown(incoming.body.len())?;
            if incoming.done {
                self.input = buffer.as_slice().to_vec(); // the buffer is large and goes
                return Ok(true);
            }
            match read(&self.stream, &mut buffer) {
                Ok(0) => return Ok(false),
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !wait_for(&self.stream, PollFlags::IN, incoming.deadline(limits)) {
                        return Err(SLOW_BODY);
                    }
                }
                Err(_) => return Ok(false),
            }
            // A trickle of bytes does not count as in time.
            if incoming.deadline(limits) < Instant::now() {
                return Err(SLOW_BODY);
            }
        }
    }

    /// Sends as much as the socket takes at once; returns how much that was. An error is that of the
    /// system call, `AGAIN` and `INTR` too.
    pub fn send(&self, bytes: &[u8]) -> rustix::io::Result<usize> {
        send(&self.stream, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
    }

    /// There is something to be read, or the end.
    pub fn is_readable(&self) -> bool {
        // Only looks, since the deadline is now.
        wait_for(&self.stream, PollFlags::IN, Instant::now())
    }

    /// The 408 for a request that has begun and is not complete; none where no request has begun, or the last
    /// one was answered. (Who needs its place asks only whether there is one, and answers 503.)
    pub fn timeout_refusal(&self) -> Option<Refusal> {
        match self.stage {
            Stage::Head(_) => Some(SLOW_HEAD),
            Stage::Body(_) => Some(SLOW_BODY),
            Stage::Idle | Stage::Lingering(_) => None,
        }
    }

    /// The Origin field of the request in `stage`, which one whose large body is received has left: a
    /// browser shows a refusal to a page only if it names that origin.
    pub fn origin(&self) -> Option<String> {
        match &self.stage {
            Stage::Body(incoming) => incoming.origin.clone(),
            _ => request::origin(&self.input),
        }
    }

    /// From now on closing the socket sends RST: an answer that was cut off must not look whole.
    pub fn reset_on_close(&self) {
        // A failure means that the connection is gone already.
        let _ = rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
    }
}

/// Reads once, without waiting.
fn read(stream: &TcpStream, buffer: &mut Vec<u8>) -> rustix::io::Result<usize> {
    buffer.reserve(READ);
    recv(stream, spare_capacity(buffer), RecvFlags::DONTWAIT).map(|(got, _)| got)
}

/// Waits until the socket is ready, or has ended: true, even if the deadline has passed meanwhile. False
/// when it is not ready by then, or poll failed.
pub fn wait_for(stream: &TcpStream, what: PollFlags, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // Up to the next millisecond: rustix drops the rest, and poll would return before the deadline.
        let left = left + Duration::from_micros(if left.is_zero() { 0 } else { 999 });
        let left = Timespec::try_from(left).ok();
        match poll(&mut [PollFd::new(stream, what)], left.as_ref()) {
            Ok(ready) => return ready > 0,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_at_the_deadline() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let start = Instant::now();
        assert!(!wait_for(&client, PollFlags::IN, start + Duration::from_millis(50)));
        assert!((50..10_000).contains(&start.elapsed().as_millis()));
        assert!(wait_for(&client, PollFlags::OUT, start));
    }
}
