//! What the poll set and the workers share: the table of connections, the memory they may take,
//! and the way to the program behind.

use super::connection::Connection;
use super::limits::Limits;
use super::queue::Queue;
use super::request::Refusal;
use super::response::{self, Asked, DateCache};
use super::{Job, Prepared, Service, stop};
use rouille::{Request, Response};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One per server.
pub struct Shared {
    pub(super) limits: Limits,
    pub(super) queue: Queue,
    pub(super) stage: Arc<AtomicU8>,
    pub(super) service: Arc<dyn Service>,
    slots: Box<[Mutex<Slot>]>,
    /// Tokens of connections that a worker closed; the poll set makes their places free.
    gone: Mutex<Vec<usize>>,
    /// Bytes charged, of all connections.
    buffered: Arc<AtomicUsize>,
}

/// Who has a connection.
pub enum Slot {
    /// Nobody: there is none.
    Free,
    /// The poll set.
    Parked(Box<Connection>),
    /// A worker, or the queue. `event` tells that its socket had an event meanwhile, `ended` that
    /// the client has ended its side.
    Taken { event: bool, ended: bool },
}

impl Slot {
    /// Just taken.
    pub const TAKEN: Slot = Slot::Taken { event: false, ended: false };
}

/// The memory that the connections of one client address take.
pub struct Peer {
    buffered: AtomicUsize,
    all_buffered: Arc<AtomicUsize>,
}

/// Buffers of one thread, so that a request needs no new ones.
#[derive(Default)]
pub struct Scratch {
    /// What was just read.
    pub(super) input: Vec<u8>,
    /// The answer being built.
    out: Vec<u8>,
    pub(super) date: DateCache,
}

/// A buffer larger than this is not kept.
const KEPT: usize = 64 << 10;

impl Scratch {
    /// An empty buffer for an answer.
    pub fn out(&mut self) -> Vec<u8> {
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        out
    }

    /// Keeps a buffer for the next answer.
    pub fn give_back(&mut self, out: Vec<u8>) {
        if out.capacity() > self.out.capacity() && out.capacity() <= KEPT {
            self.out = out;
        }
    }
}

impl Shared {
    /// A table with so many places.
    pub fn new(limits: Limits, service: Arc<dyn Service>, places: usize) -> Shared {
        Shared {
            queue: Queue::new(&limits),
            limits,
            stage: Arc::new(AtomicU8::new(stop::RUNNING)),
            service,
            slots: (0..places).map(|_| Mutex::new(Slot::Free)).collect(),
            gone: Mutex::new(Vec::new()),
            buffered: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// The place of this token. A token out of the table is a fault of ours; it reads as free.
    pub fn slot(&self, token: usize) -> Option<MutexGuard<'_, Slot>> {
        self.slots.get(token).map(lock)
    }

    /// Gives a connection to the poll set. It comes back if its socket had an event since it was
    /// taken: edges are told once, and this one would be lost.
    pub fn park(&self, mut connection: Box<Connection>) -> Option<Box<Connection>> {
        let mut slot = self.slot(connection.token)?;
        if let Slot::Taken { event: true, ended } = *slot {
            *slot = Slot::TAKEN;
            connection.more = true;
            connection.ended |= ended;
            return Some(connection);
        }
        *slot = Slot::Parked(connection);
        None
    }

    /// Closes a connection and makes its place free.
    pub fn close(&self, connection: Box<Connection>) {
        let token = connection.token;
        drop(connection);
        self.release(token);
    }

    /// Makes a place free. Its connection is gone.
    pub fn release(&self, token: usize) {
        if let Some(mut slot) = self.slot(token) {
            *slot = Slot::Free;
        }
        lock(&self.gone).push(token);
    }

    /// Moves the tokens that became free to `tokens`.
    pub fn take_gone(&self, tokens: &mut Vec<usize>) {
        tokens.append(&mut lock(&self.gone));
    }

    /// An address nobody has connected from yet.
    pub fn new_peer(&self) -> Arc<Peer> {
        Arc::new(Peer { buffered: AtomicUsize::new(0), all_buffered: Arc::clone(&self.buffered) })
    }

    /// Changes what a connection of this address takes from `old` to `new` bytes, if they are to
    /// be had. Giving back always works.
    pub fn charge(&self, peer: &Peer, old: usize, new: usize) -> bool {
        if new <= old {
            peer.uncharge(old - new);
            return true;
        }
        let most = self.limits.buffered_bytes;
        let more = new - old;
        // Two threads may pass here at once; the limit is then passed by one read, which is fine.
        let all = self.buffered.load(Ordering::Relaxed) + more;
        let own = peer.buffered.load(Ordering::Relaxed) + more;
        if all > most || (all > most / 2 && own > most / 4) {
            return false;
        }
        self.buffered.fetch_add(more, Ordering::Relaxed);
        peer.buffered.fetch_add(more, Ordering::Relaxed);
        true
    }

    /// A graceful stop has begun: no connection lives longer than its request.
    pub fn is_stopping(&self) -> bool {
        self.stage.load(Ordering::Relaxed) != stop::RUNNING
    }

    /// What the route takes. A panic of the program counts as nothing.
    pub fn body_limit(&self, method: &str, target: &str) -> u64 {
        catch_unwind(AssertUnwindSafe(|| self.service.body_limit(method, target))).unwrap_or(0)
    }

    /// Has the program look at requests. A panic becomes `None`.
    pub fn prepare(&self, requests: &[Request]) -> Option<Vec<Prepared>> {
        catch_unwind(AssertUnwindSafe(|| self.service.prepare(requests))).ok()
    }

    /// Runs the handler. A panic becomes `None`.
    pub fn respond(&self, request: &Request, job: Option<Job>) -> Option<Response> {
        let respond = || match job {
            Some(job) => job(request),
            None => self.service.respond(request),
        };
        catch_unwind(AssertUnwindSafe(respond)).ok()
    }

    /// The bytes of an answer that the front gives by itself; the connection closes after it.
    pub fn refusal(&self, refusal: Refusal, scratch: &mut Scratch) -> Vec<u8> {
        let Refusal { status, detail } = refusal;
        let mut out = scratch.out();
        let response = catch_unwind(AssertUnwindSafe(|| self.service.refuse(status, detail)));
        let (head_only, http_1_1, keep_alive, is_last, gzip) = (false, true, false, false, false);
        let asked = Asked { head_only, http_1_1, keep_alive, is_last, gzip };
        let written = match response {
            Ok(mut response) => {
                if status == 503 && !has(&response, "Retry-After") {
                    response.headers.push(("Retry-After".into(), "1".into()));
                }
                response::write(response, asked, scratch.date.now(), &mut out)
            }
            Err(_) => Err(response::Fault("refuse panicked")),
        };
        match written {
            Ok((None, _)) => {}
            Ok((Some(_), _)) | Err(_) => {
                log::error!("front: the program has no answer for a {status}");
                out.clear();
                response::plain_500(&mut out);
            }
        }
        out
    }
}

fn has(response: &Response, name: &str) -> bool {
    response.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
}

impl Peer {
    /// Gives back memory.
    pub fn uncharge(&self, bytes: usize) {
        if bytes > 0 {
            self.buffered.fetch_sub(bytes, Ordering::Relaxed);
            self.all_buffered.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

/// A lock, also after a panic in another thread: what it guards is whole at every step.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    struct Nothing;

    impl Service for Nothing {
        fn body_limit(&self, _method: &str, _target: &str) -> u64 {
            64 << 20
        }

        fn respond(&self, _request: &Request) -> Response {
            Response::text("")
        }

        fn refuse(&self, status: u16, detail: &'static str) -> Response {
            Response::text(detail).with_status_code(status)
        }
    }

    /// With a program that does nothing.
    pub fn shared(limits: Limits) -> Shared {
        Shared::new(limits, Arc::new(Nothing), 8)
    }

    #[test]
    fn when_half_of_the_memory_is_taken_an_address_has_a_quarter_at_most() {
        let shared = shared(Limits { buffered_bytes: 100, ..Limits::default() });
        let peers = [(); 5].map(|()| shared.new_peer());
        assert!(shared.charge(&peers[0], 0, 50), "alone it may have half");
        assert!(!shared.charge(&peers[0], 50, 51));
        assert!(!shared.charge(&peers[1], 0, 26));
        assert!(shared.charge(&peers[1], 0, 25));
        assert!(shared.charge(&peers[2], 0, 25), "the last byte too");
        assert!(!shared.charge(&peers[3], 0, 1));
        assert!(shared.charge(&peers[0], 50, 25), "giving back always works");
        assert!(shared.charge(&peers[3], 0, 25));
        assert!(!shared.charge(&peers[4], 0, 1));
        for peer in &peers[..4] {
            peer.uncharge(25);
        }
        assert!(shared.charge(&peers[4], 0, 50));
    }

    #[test]
    fn a_buffer_serves_again_unless_it_is_large() {
        let mut scratch = Scratch::default();
        for (given, kept) in [(1000, 1000), (KEPT, KEPT), (KEPT + 1, 0)] {
            scratch.give_back(Vec::with_capacity(given));
            assert_eq!(scratch.out().capacity(), kept);
        }
        scratch.give_back(b"of an answer".to_vec());
        assert!(scratch.out().is_empty());
    }
}
