//! The poll set: the one thread that accepts connections and holds all that wait.

use super::connection::{Connection, Need, State, Then, is_of_the_client};
use super::limits::Limits;
use super::request::Refusal;
use super::shared::{Peer, Scratch, Shared, Slot, client};
use super::{Service, Stopper, stop, worker};
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
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
/// Connections accepted before the others have their turn.
const ACCEPTS: usize = 64;
/// Connections given to the workers at once. More would let them wait for nothing.
const HANDED_TOGETHER: usize = 8;

const OVERLOADED: Refusal =
    Refusal { status: 503, detail: "The server has too much to do just now." };

/// A bound listener with its workers.
pub struct Server {
    shared: Arc<Shared>,
    listener: Option<TcpListener>,
    address: SocketAddr,
    poll: Poll,
    stopper: Stopper,
    workers: Vec<JoinHandle<()>>,
    scratch: Scratch,
    /// Who has which place of the table.
    seats: Vec<Option<Seat>>,
    free: Vec<usize>,
    gone: Vec<usize>,
    peers: HashMap<IpAddr, Arc<Peer>>,
    accepted: u64,
    most: usize,
    /// Connections that still had something to read when their turn ended.
    again: Vec<Box<Connection>>,
    /// Connections for the workers, pushed together.
    ready: Vec<Box<Connection>>,
    accept_again: bool,
    error_logged: Option<Instant>,
}

/// A taken place.
struct Seat {
    client: IpAddr,
    /// Counts up, so that the larger is the newer.
    number: u64,
}

impl Server {
    /// Binds the address, raises the soft limit of descriptors to the hard one, and starts the
    /// workers. With too few descriptors or threads to be had the server takes fewer connections
    /// and has fewer workers, and logs it.
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
            seats: (0..most + spare).map(|_| None).collect(),
            free: (0..most + spare).rev().collect(),
            gone: Vec::new(),
            peers: HashMap::new(),
            accepted: 0,
            most,
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
                if self.live() == 0 {
                    return self.join_workers();
                }
                if now >= stop_at {
                    log::warn!("front: {} connections were cut off", self.live());
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
        } else if self.accept_again || self.live() > 0 {
            Some(TICK)
        } else {
            None
        }
    }

    /// Connections with a place.
    fn live(&self) -> usize {
        self.seats.len() - self.free.len()
    }

    fn on_event(&mut self, event: &Event, now: Instant) {
        match event.token() {
            LISTENER => self.accept(now),
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
    fn drive(&mut self, mut connection: Box<Connection>, now: Instant) {
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

    fn accept(&mut self, now: Instant) {
        self.accept_again = false;
        for _ in 0..ACCEPTS {
            let Some(listener) = &self.listener else { return };
            match listener.accept() {
                Ok((stream, remote)) => self.admit(stream, remote, now),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if is_of_the_client(&e) => {}
                Err(e) => {
                    // No descriptor or no memory. The connection stays in the backlog, of which
                    // the poll set has told us already: try again with the next tick.
                    let second = Duration::from_secs(1);
                    if self.error_logged.is_none_or(|at| now.duration_since(at) >= second) {
                        log::error!("front: no connection can be accepted: {e}");
                        self.error_logged = Some(now);
                    }
                    self.accept_again = true;
                    return;
                }
            }
        }
        self.accept_again = true;
    }

    /// Finds a place for a new connection, by closing one of a greedier address if need be, or
    /// turns it away.
    fn admit(&mut self, stream: TcpStream, remote: SocketAddr, now: Instant) {
        self.reap();
        let client = client(remote.ip());
        let full = self.live() >= self.most && !self.make_room(client, now);
        // A few places are for those that are turned away. When these, too, are taken, the
        // connection closes without a word.
        let Some(token) = self.free.pop() else { return };
        let mut stream = stream;
        let interest = Interest::READABLE | Interest::WRITABLE;
        if stream.set_nodelay(true).is_err()
            || self.poll.registry().register(&mut stream, Token(token), interest).is_err()
        {
            self.free.push(token);
            return;
        }
        let shared = &self.shared;
        let peer = self.peers.entry(client).or_insert_with(|| shared.new_peer());
        peer.connections.fetch_add(1, Ordering::Relaxed);
        self.accepted += 1;
        if let Some(seat) = self.seats.get_mut(token) {
            *seat = Some(Seat { client, number: self.accepted });
        }
        if let Some(mut slot) = shared.slot(token) {
            *slot = Slot::TAKEN;
        }
        let peer = Arc::clone(peer);
        let deadline = now + shared.limits.idle_time;
        let mut connection = Box::new(Connection::new(stream, remote, token, peer, deadline));
        if full {
            connection.refuse(OVERLOADED, &self.shared, &mut self.scratch, now);
            self.drive(connection, now);
        } else {
            connection.more = false;
            // It comes back only if it had an event, of which only this thread could know.
            self.shared.park(connection);
        }
    }

    /// Closes the newest waiting connection of the address that has most, if that is more than a
    /// quarter of all places and not the address that wants one; idle ones go first.
    fn make_room(&mut self, newcomer: IpAddr, now: Instant) -> bool {
        let count = |peer: &Peer| peer.connections.load(Ordering::Relaxed);
        let Some((&greediest, peer)) = self.peers.iter().max_by_key(|(_, peer)| count(peer)) else {
            return false;
        };
        if greediest == newcomer || count(peer) <= self.most / 4 {
            return false;
        }
        let mut best = None;
        for (token, seat) in self.seats.iter().enumerate() {
            let Some(seat) = seat.as_ref().filter(|seat| seat.client == greediest) else {
                continue;
            };
            let Some(slot) = self.shared.slot(token) else { continue };
            if let Slot::Parked(connection) = &*slot
                && !matches!(connection.state, State::Writing(_))
            {
                best = best.max(Some((connection.is_idle(), seat.number, token)));
            }
        }
        let Some((_, _, token)) = best else { return false };
        let Some(mut connection) = self.unpark(token, |_| true) else { return false };
        if matches!(connection.state, State::Head { begun: true, .. } | State::Body(_)) {
            connection.refuse(OVERLOADED, &self.shared, &mut self.scratch, now);
            connection.then(Then::Close);
            let _ = connection.drive(&self.shared, &mut self.scratch, now);
        }
        self.shared.close(connection);
        self.reap();
        true
    }

    /// Takes a parked connection if it is one of these.
    fn unpark(
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
        for token in 0..self.seats.len() {
            if self.seats.get(token).is_none_or(Option::is_none) {
                continue;
            }
            let due = |c: &Connection| c.deadline <= now || (stopping && c.is_idle());
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

    /// Makes the places of closed connections free.
    fn reap(&mut self) {
        self.shared.take_gone(&mut self.gone);
        for token in self.gone.drain(..) {
            let Some(seat) = self.seats.get_mut(token).and_then(Option::take) else { continue };
            self.free.push(token);
            if let Some(peer) = self.peers.get(&seat.client)
                && peer.connections.fetch_sub(1, Ordering::Relaxed) == 1
            {
                self.peers.remove(&seat.client);
            }
        }
    }

    /// Takes what waits in the backlog, so that nobody's request is met with a reset, and closes
    /// the listener.
    fn stop_accepting(&mut self, now: Instant) {
        loop {
            self.accept(now);
            if !self.accept_again || self.free.is_empty() {
                break;
            }
        }
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

/// The first of the addresses that can be bound.
fn bind_any(addresses: impl ToSocketAddrs) -> io::Result<TcpListener> {
    let mut last = io::Error::new(ErrorKind::AddrNotAvailable, "the name has no address");
    for address in addresses.to_socket_addrs()? {
        match TcpListener::bind(address) {
            Ok(listener) => return Ok(listener),
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// Raises the soft limit of descriptors, and returns how many connections there may be, and how
/// many more for those that are turned away with an answer.
fn places(wanted: usize) -> (usize, usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        log::warn!("front: the limit of descriptors cannot be raised");
    }
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    // What the program behind needs: its pool of database connections, files, the standard streams.
    let kept = (descriptors / 4).clamp(32, 256);
    let usable = descriptors.saturating_sub(kept).max(2).min(wanted.saturating_add(64));
    let spare = (usable / 8).clamp(1, 64);
    let most = wanted.clamp(1, usable - spare);
    if most < wanted {
        log::warn!("front: {descriptors} descriptors are enough for {most} connections only");
    }
    (most, spare)
}

fn start_workers(shared: &Arc<Shared>) -> io::Result<Vec<JoinHandle<()>>> {
    let mut workers = Vec::new();
    for number in 0..shared.limits.workers.max(1) {
        let mine = Arc::clone(shared);
        let name = format!("worker-{number}");
        match std::thread::Builder::new().name(name).spawn(move || worker::run(&mine)) {
            Ok(handle) => workers.push(handle),
            Err(e) if workers.is_empty() => return Err(e),
            Err(e) => {
                log::warn!("front: only {number} workers could be started: {e}");
                break;
            }
        }
    }
    Ok(workers)
}
