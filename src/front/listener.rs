//! The poll set: the one thread that accepts connections and holds all that wait.

use super::connection::{Connection, Need, State};
use super::limits::Limits;
use super::request::Refusal;
use super::seats::Seats;
use super::setup::{bind_any, places, start_workers};
use super::shared::{Scratch, Shared, Slot};
use super::{Service, Stopper, stop};
use mio::event::Event;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);

/// How often deadlines are looked at. All of them are seconds.
const TICK: Duration = Duration::from_millis(100);
/// The same while stopping, which should not take longer than it must.
const STOPPING_TICK: Duration = Duration::from_millis(5);
/// How soon an accept that failed for want of descriptors is tried again: nobody tells when the
/// program behind gives one back.
const RETRY: Duration = Duration::from_millis(10);
/// Connections given to the workers at once. More would let them wait for nothing.
const HANDED_TOGETHER: usize = 8;

/// The answer to one request, or one connection, too many.
pub const OVERLOADED: Refusal =
    Refusal { status: 503, detail: "The server has too much to do just now." };

/// A bound listener with its workers.
pub struct Server {
    pub(super) shared: Arc<Shared>,
    pub(super) listener: Option<TcpListener>,
    address: SocketAddr,
    pub(super) poll: Poll,
    stopper: Stopper,
    workers: Vec<JoinHandle<()>>,
    pub(super) scratch: Scratch,
    pub(super) seats: Seats,
    pub(super) gone: Vec<usize>,
    /// Connections that still had something to read when their turn ended.
    again: Vec<Box<Connection>>,
    /// Connections for the workers, pushed together.
    ready: Vec<Box<Connection>>,
    pub(super) accept_again: bool,
    pub(super) error_logged: Option<Instant>,
}

impl Server {
    /// Binds the address, raises the soft limit of descriptors to the hard one, and starts the
    /// workers. With too few descriptors or threads to be had the server takes fewer connections
    /// and has fewer workers, and logs it. A program that starts threads of its own does so first.
    ///
    /// # Errors
    /// The address is taken or unknown, or not a single thread could be started.
    pub fn bind(
        address: impl ToSocketAddrs,
        mut limits: Limits,
        service: Arc<dyn Service>,
    ) -> io::Result<Server> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let mut listener = bind_any(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let address = listener.local_addr()?;

        limits.header_fields = limits.header_fields.min(super::request::MOST_FIELDS);
        let (most, spare) = places(limits.max_connections);
        let shared = Arc::new(Shared::new(limits, service, most + spare));
        let workers = start_workers(&shared)?;
        let stopper = Stopper { stage: Arc::clone(&shared.stage), waker };
        Ok(Server {
            listener: Some(listener),
            address,
            poll,
            stopper,
            workers,
            scratch: Scratch::default(),
            seats: Seats::new(most, spare),
            gone: Vec::new(),
            again: Vec::new(),
            ready: Vec::new(),
            accept_again: false,
            error_logged: None,
            shared,
        })
    }

    /// The address it listens on, with the port that was chosen for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What stops this server.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Serves until it is stopped. True when every request in flight was answered; false after
    /// `Limits::stop_time`, a second stop, or when the poll set failed.
    pub fn run(mut self) -> bool {
        let mut events = Events::with_capacity(512);
        let mut swept = Instant::now();
        let mut stop_at = None;
        loop {
            let wait = self.wait_time(stop_at.is_some());
            match self.poll.poll(&mut events, wait) {
                Err(e) if e.kind() != ErrorKind::Interrupted => {
                    log::error!("front: polling failed: {e}");
                    return false;
                }
                _ => {}
            }
            let now = Instant::now();
            let again = std::mem::take(&mut self.again);
            for event in &events {
                self.on_event(event, now);
            }
            for connection in again {
                self.drive(connection, now);
            }
            self.hand_over(now);
            self.reap();
            if self.accept_again {
                self.accept(now);
            }
            let stage = self.shared.stage.load(Ordering::Relaxed);
            if stage == stop::AT_ONCE {
                return false;
            }
            if stage == stop::DRAINING && stop_at.is_none() {
                stop_at = Some(now + self.shared.limits.stop_time);
                self.stop_accepting(now);
            }
            if stop_at.is_some() || now.saturating_duration_since(swept) >= TICK {
                swept = now;
                self.sweep(now, stop_at.is_some());
                self.hand_over(now);
                self.reap();
            }
            if let Some(stop_at) = stop_at {
                if self.seats.taken() == 0 {
                    return self.join_workers();
                }
                if now >= stop_at {
                    log::warn!("front: {} connections were cut off", self.seats.taken());
                    return false;
                }
            }
        }
    }

    fn wait_time(&self, stopping: bool) -> Option<Duration> {
        if !self.again.is_empty() {
            Some(Duration::ZERO)
        } else if stopping {
            Some(STOPPING_TICK)
        } else if self.accept_again {
            Some(RETRY)
        } else if self.seats.taken() > 0 {
            Some(TICK)
        } else {
            None
        }
    }

    fn on_event(&mut self, event: &Event, now: Instant) {
        match event.token() {
            LISTENER => drop(self.accept(now)),
            WAKER => {}
            Token(token) => {
                let ended = event.is_read_closed() || event.is_error();
                let Some(connection) = self.take(token, event.is_readable(), ended) else { return };
                // Between requests a worker reads by itself, so that reading, too, has all cores.
                // A client that is slow to send meets a worker once, and from then on only us.
                if connection.is_idle() && !ended && !self.shared.is_stopping() {
                    self.ready.push(connection);
                    if self.ready.len() >= HANDED_TOGETHER {
                        self.hand_over(now);
                    }
                } else {
                    self.drive(connection, now);
                }
            }
        }
    }

    /// Takes a parked connection for an event; `None` when a worker has it, which then hears of
    /// the event, or when the event is none (a new socket can be written to).
    fn take(&self, token: usize, readable: bool, ended: bool) -> Option<Box<Connection>> {
        let mut slot = self.shared.slot(token)?;
        match &mut *slot {
            Slot::Free => return None,
            Slot::Taken { event, ended: end } => {
                *event = true;
                *end |= ended;
                return None;
            }
            Slot::Parked(connection) => {
                connection.ended |= ended;
                connection.more |= readable || ended;
                if connection.is_idle() && !connection.more {
                    return None;
                }
            }
        }
        match std::mem::replace(&mut *slot, Slot::TAKEN) {
            Slot::Parked(connection) => Some(connection),
            _ => None,
        }
    }

    /// Goes on with a connection until it waits for somebody.
    pub(super) fn drive(&mut self, mut connection: Box<Connection>, now: Instant) {
        loop {
            match connection.drive(&self.shared, &mut self.scratch, now) {
                Need::Event => match self.shared.park(connection) {
                    Some(again) => connection = again,
                    None => return,
                },
                need => return self.pass_on(connection, need),
            }
        }
    }

    fn pass_on(&mut self, connection: Box<Connection>, need: Need) {
        match need {
            Need::Turn => self.again.push(connection),
            Need::Worker if matches!(connection.state, State::Ready(_)) => {
                self.ready.push(connection);
            }
            // An answer that was begun is finished, however long the queue is.
            Need::Worker => self.shared.queue.push(&mut vec![connection], true),
            Need::Close | Need::Event => self.shared.close(connection),
        }
    }

    /// Gives the ready connections to the workers. Those that find the queue full get 503.
    fn hand_over(&mut self, now: Instant) {
        self.shared.queue.push(&mut self.ready, false);
        for mut connection in std::mem::take(&mut self.ready) {
            if connection.is_idle() {
                match connection.drive(&self.shared, &mut self.scratch, now) {
                    Need::Worker => {}
                    Need::Event => {
                        if let Some(again) = self.shared.park(connection) {
                            self.again.push(again);
                        }
                        continue;
                    }
                    need => {
                        self.pass_on(connection, need);
                        continue;
                    }
                }
            }
            connection.refuse(OVERLOADED, &self.shared, &mut self.scratch, now);
            self.drive(connection, now);
        }
    }

    /// Takes a parked connection if it is one of these.
    pub(super) fn unpark(
        &self,
        token: usize,
        wanted: impl Fn(&Connection) -> bool,
    ) -> Option<Box<Connection>> {
        let mut slot = self.shared.slot(token)?;
        match &*slot {
            Slot::Parked(connection) if wanted(connection) => {}
            _ => return None,
        }
        match std::mem::replace(&mut *slot, Slot::TAKEN) {
            Slot::Parked(connection) => Some(connection),
            _ => None,
        }
    }

    /// Ends what has passed its deadline; while stopping also what waits for a next request, if
    /// none has come.
    fn sweep(&mut self, now: Instant, stopping: bool) {
        let due = |c: &Connection| c.deadline <= now || (stopping && c.is_idle());
        let tokens: Vec<_> = self.seats.tokens().collect();
        for token in tokens {
            let Some(mut connection) = self.unpark(token, due) else { continue };
            let need = if connection.deadline <= now {
                connection.expire(&self.shared, &mut self.scratch, now)
            } else {
                connection.more = true;
                connection.drive(&self.shared, &mut self.scratch, now)
            };
            match need {
                Need::Event if connection.is_idle() => self.shared.close(connection),
                Need::Event => {
                    if let Some(again) = self.shared.park(connection) {
                        self.again.push(again);
                    }
                }
                need => self.pass_on(connection, need),
            }
        }
    }

    /// Takes what waits in the backlog, so that nobody's request is met with a reset, and closes
    /// the listener.
    fn stop_accepting(&mut self, now: Instant) {
        while self.accept(now) && !self.seats.is_crammed() {}
        self.accept_again = false;
        if let Some(mut listener) = self.listener.take() {
            let _ = self.poll.registry().deregister(&mut listener);
        }
    }

    fn join_workers(&mut self) -> bool {
        self.shared.queue.close();
        self.workers.drain(..).all(|worker| worker.join().is_ok())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}
