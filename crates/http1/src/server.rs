//! Starting, running and stopping a server: the thread that calls `run` accepts connections, shares the
//! places between addresses, and ends what is overdue. Nothing here waits for a client: a refusal is sent
//! without blocking.

use crate::budget::Budget;
use crate::connection::{Connection, Stage};
use crate::deliver::{self, OVERLOADED, Then};
use crate::limits::Limits;
use crate::line::Line;
use crate::panics::guarded;
use crate::places::Places;
use crate::pool::Pool;
use crate::room::{Room, Wants};
use crate::service::{Service, network};
use crate::shared::{AT_ONCE, DRAINING, RUNNING, Shared};
use crate::work;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Most connections accepted in a row before deadlines and the wish to stop are looked at.
const ACCEPTS: usize = 64;
/// Deadlines, and the wish to stop, are looked at no later than after twice this time.
const TICK: Duration = Duration::from_millis(100);
/// The same while stopping, which should not take longer than it must.
const STOPPING_TICK: Duration = Duration::from_millis(5);
/// How soon an accept that failed, mostly for want of descriptors, is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// Connections that may wait in the kernel to be accepted; it caps this at `net.core.somaxconn`. The standard
/// library's `bind` has 128, which are soon full while no descriptor is left.
const QUEUE: i32 = 1024;

/// A bound listener with its threads.
pub struct Server {
    shared: Arc<Shared>,
    /// None once a server that stops has accepted the last ones.
    listener: Option<TcpListener>,
    /// When a failure to accept was last logged.
    logged: Option<Instant>,
    address: SocketAddr,
}

/// What waits to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backlog {
    /// Nothing.
    Empty,
    /// Something, perhaps.
    More,
    /// Something, but accepting failed, mostly for want of descriptors: nothing says when it will work.
    Stuck,
}

/// Stops its server. Clones stop the same one.
#[derive(Clone)]
pub struct Stopper(Arc<Shared>);

impl Stopper {
    /// The first call stops gracefully: what waits in the backlog is still served, then no connection is
    /// accepted, requests in flight are answered, idle connections close. With a second one `Server::run`
    /// waits for nothing more. Either is seen within a tenth of a second.
    pub fn stop(&self) {
        let next = |stage: u8| Some(stage.saturating_add(1).min(AT_ONCE));
        let _ = self.0.stage.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }
}

impl Server {
    /// Binds the address, raises the soft limit of descriptors to the hard one, and starts the
    /// threads of the waiting room and a few of the pool, which starts others when it needs them. Turns huge
    /// pages off for the whole process. With too few descriptors or threads to be had the server takes fewer
    /// connections and has fewer threads, and logs it: a program that needs threads of its own starts them
    /// first.
    ///
    /// # Errors
    /// The address is taken or unknown, there is no epoll, or no thread of the pool or of the waiting room
    /// could be started.
    pub fn bind(
        address: impl ToSocketAddrs,
        limits: Limits,
        service: Arc<impl Service>,
    ) -> io::Result<Server> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        // A second listen(2) changes the backlog, nothing else.
        rustix::net::listen(&listener, QUEUE)?;
        let address = listener.local_addr()?;
        small_pages();
        let (most, spare) = raise_and_divide_descriptors(limits.max_connections);
        let shared = Arc::new(Shared {
            places: Places::new(most, spare),
            room: Room::new(most + spare)?,
            pool: Pool::start(limits.threads)?,
            lines: limits.lines.iter().cloned().map(Line::new).collect(),
            budget: Budget::new(limits.buffered_bytes),
            stage: AtomicU8::new(RUNNING),
            program: service,
            limits,
        });
        // Two at least, so that one goes on while the other is in `Service::look_up`.
        let threads = thread::available_parallelism().map_or(1, NonZero::get).max(2);
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            let builder = thread::Builder::new().name(format!("waiting-{number}"));
            match builder.spawn(move || work::wait(&shared)) {
                Ok(_) => {}
                Err(e) if number == 0 => return Err(e),
                Err(e) => log::warn!("http1: thread waiting-{number} could not be started: {e}"),
            }
        }
        Ok(Server { shared, listener: Some(listener), logged: None, address })
    }

    /// The address it listens on, with the port that was chosen for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What stops this server.
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.shared))
    }

    /// Serves until it is stopped. True when no connection was left; false after `Limits::stop_time`, a
    /// second stop, or (then nothing in flight is waited for) when waiting for connections failed.
    pub fn run(mut self) -> bool {
        let mut swept = Instant::now();
        while !self.shared.is_stopping() {
            match self.accept() {
                Backlog::More => {}
                // The listener counts as ready, so poll would return at once each time.
                Backlog::Stuck => thread::sleep(RETRY),
                Backlog::Empty => {
                    let (time, mut ready) = (Timespec::try_from(TICK).ok(), Vec::new());
                    ready.extend(self.listener.iter().map(|it| PollFd::new(it, PollFlags::IN)));
                    let polled = poll(&mut ready, time.as_ref());
                    if let Err(e) = polled
                        && e != Errno::INTR
                    {
                        log::error!("http1: waiting for connections failed: {e}");
                        return false;
                    }
                }
            }
            if swept.elapsed() >= TICK {
                swept = Instant::now();
                self.tidy();
            }
        }
        self.drain()
    }

    /// Accepts what waits, or a good part of it.
    fn accept(&mut self) -> Backlog {
        let Some(listener) = &self.listener else { return Backlog::Empty };
        for _ in 0..ACCEPTS {
            match listener.accept() {
                Ok((stream, remote)) => {
                    guarded(|| admit(&self.shared, stream, remote));
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Backlog::Empty,
                // About that one connection only.
                Err(e) if is_of_the_client(&e) => {}
                Err(e) => {
                    let second = Duration::from_secs(1);
                    if self.logged.is_none_or(|at| at.elapsed() >= second) {
                        log::error!("http1: no connection can be accepted: {e}");
                        self.logged = Some(Instant::now());
                    }
                    return Backlog::Stuck;
                }
            }
        }
        Backlog::More
    }

    /// Ends what is overdue, and gives the program the number of connections.
    fn tidy(&self) {
        sweep(&self.shared, Instant::now());
        self.shared.program.set_connections(self.shared.places.taken());
    }

    /// Answers what is in flight. What waits in the backlog is accepted first, so that few requests are met
    /// with a reset.
    fn drain(&mut self) -> bool {
        let until = Instant::now() + self.shared.limits.stop_time;
        while self.accept() == Backlog::More && Instant::now() < until {}
        self.listener = None;
        loop {
            self.tidy();
            let taken = self.shared.places.taken();
            if taken == 0 {
                return true;
            }
            if self.shared.stage.load(Ordering::Relaxed) > DRAINING {
                return false;
            }
            if Instant::now() >= until {
                log::warn!("http1: {taken} connections are cut off");
                return false;
            }
            thread::sleep(STOPPING_TICK);
        }
    }
}

/// The threads end by themselves: those that wait within a second, those at work with their work.
impl Drop for Server {
    fn drop(&mut self) {
        self.shared.room.close();
        self.shared.pool.close();
    }
}

/// Finds a place for a new connection, by closing one of the address that has most if that has more than
/// the newcomer's, or turns it away.
fn admit(shared: &Arc<Shared>, stream: TcpStream, remote: SocketAddr) {
    let address = network(remote.ip());
    let is_turned_away = shared.places.is_full() && !make_room(shared, address);
    // A few places are for those that are turned away, and for those whose place is free in a moment. When
    // these, too, are taken, the connection closes without a word.
    let Some(place) = shared.places.take(address) else { return };
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let deadline = Instant::now() + shared.limits.idle_time;
    let connection = Box::new(Connection::new(stream, remote, place, deadline));
    if is_turned_away {
        deliver::refuse(shared, connection, OVERLOADED, Then::Linger);
    } else {
        shared.room.put(connection, Wants::Input);
    }
}

/// Closes the newest connection of the address that has most which owes its client nothing. If that address
/// has more than a quarter of all places and no such one, closes the newest in the waiting room, else ends a
/// thread's wait. False: nothing could be closed.
fn make_room(shared: &Arc<Shared>, newcomer: IpAddr) -> bool {
    let Some((greediest, has_too_many)) = shared.places.greediest(newcomer) else { return false };
    let is_lingering = |it: &Connection| matches!(it.stage, Stage::Lingering(_));
    let mark = |it: &Connection| {
        let owes_nothing = it.is_idle() || is_lingering(it);
        // The number counts up: the highest is the newest.
        (it.place.address == greediest && (has_too_many || owes_nothing))
            .then_some((owes_nothing, it.place.number))
    };
    // A request may have come that no thread has read yet.
    let is_free = |it: &Connection| has_too_many || is_lingering(it) || !it.is_readable();
    let Some(connection) = shared.room.take_best(mark, is_free) else {
        return has_too_many && shared.pool.end_a_wait(newcomer);
    };
    if !is_lingering(&connection) && (!connection.is_idle() || connection.is_readable()) {
        deliver::refuse(shared, connection, OVERLOADED, Then::Close);
    }
    true
}

/// Ends what has passed its deadline in the waiting room or in a line; while stopping also what waits for a
/// request, if none has come. A connection that was just accepted is given a moment for its first one
/// ([`Connection::has_just_come`]).
fn sweep(shared: &Arc<Shared>, now: Instant) {
    let is_stopping = shared.is_stopping();
    for token in 0..shared.places.all() {
        let is_due = |c: &Connection| {
            c.deadline <= now || (is_stopping && c.is_idle() && !c.has_just_come(now))
        };
        let Some(connection) = shared.room.take_if(token, is_due) else { continue };
        guarded(|| end(shared, connection, now));
    }
    for ticket in shared.lines.iter().flat_map(|line| line.overdue(now)) {
        guarded(|| work::refuse(shared, ticket, OVERLOADED, Then::Linger));
    }
}

/// Ends a connection, unless a request came just now to one that was to end with the server.
fn end(shared: &Arc<Shared>, connection: Box<Connection>, now: Instant) {
    if connection.deadline > now && connection.is_readable() {
        return shared.room.put(connection, Wants::Input);
    }
    if let Some(refusal) = connection.timeout_refusal() {
        deliver::refuse(shared, connection, refusal, Then::Linger);
    }
}

/// Whether an error of `accept` is about that one connection only.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

/// Raises the soft limit of descriptors, and returns how many connections there may be, and how
/// many more (an eighth, at most 64) for those that are turned away with an answer.
fn raise_and_divide_descriptors(wanted: usize) -> (usize, usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        log::warn!("http1: the limit of descriptors cannot be raised");
    }
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    // What the program needs: its pool of database connections, files, the standard streams, the listener.
    let kept = (descriptors / 4).clamp(32, 256);
    let usable = descriptors.saturating_sub(kept).max(2).min(wanted.saturating_add(64));
    let spare = (usable / 8).clamp(1, 64);
    let most = wanted.clamp(1, usable - spare);
    if most < wanted {
        log::warn!("http1: {descriptors} descriptors are enough for {most} connections only");
    }
    (most, spare)
}

/// Without this an allocator may ask for pages of 2 MB (mimalloc does), and a few dozen threads with
/// a little each held 170 MB under load instead of 40.
fn small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true); // a kernel without them is fine
}

#[cfg(test)]
mod tests {
    use super::raise_and_divide_descriptors as places;

    #[test]
    fn descriptors_are_left_for_the_program_behind() {
        assert_eq!(places(10), (10, 9));
        let (most, spare) = places(usize::MAX);
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let limit = limit.map_or(usize::MAX, |it| usize::try_from(it).unwrap());
        assert_eq!(limit - most - spare, (limit / 4).clamp(32, 256));
    }
}
