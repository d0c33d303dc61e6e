//! Starting, running and stopping a server: one thread accepts connections, shares the places between
//! addresses, and ends what is overdue. Nothing here waits for a client.

use crate::budget::Budget;
use crate::connection::{Connection, Stage};
use crate::deliver::{self, OVERLOADED, Then};
use crate::limits::Limits;
use crate::line::Line;
use crate::panics::guarded;
use crate::places::Places;
use crate::pool::Pool;
use crate::request::MOST_FIELDS;
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

/// Connections accepted before anything else is done.
const ACCEPTS: usize = 64;
/// How often deadlines, and the wish to stop, are looked at.
const TICK: Duration = Duration::from_millis(100);
/// The same while stopping, which should not take longer than it must.
const STOPPING_TICK: Duration = Duration::from_millis(5);
/// How soon an accept that failed for want of descriptors is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// Connections that may wait in the kernel to be accepted. The standard library's `bind` has 128: when
/// no descriptor is left, the next client would not even be able to wait.
const BACKLOG: i32 = 1024;

/// A bound listener with its threads.
pub struct Server {
    shared: Arc<Shared>,
    /// None: the server stops.
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
    /// Something, but there are no descriptors: nothing says when there will be.
    Stuck,
}

/// Stops its server. Clones stop the same one.
#[derive(Clone)]
pub struct Stopper(Arc<Shared>);

impl Stopper {
    /// The first call stops gracefully: no new connections, requests in flight are answered, idle
    /// connections close. A second one makes `Server::run` return at once.
    pub fn stop(&self) {
        let next = |stage: u8| Some(stage.saturating_add(1).min(AT_ONCE));
        let _ = self.0.stage.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }
}

impl Server {
    /// Binds the address, raises the soft limit of descriptors to the hard one, and starts the
    /// threads of the waiting room and a few of the pool. With too few descriptors or threads to be
    /// had the server takes fewer connections and has fewer threads, and logs it. A program that
    /// starts threads of its own does so first.
    ///
    /// # Errors
    /// The address is taken or unknown, or not a single thread could be started.
    pub fn bind(
        address: impl ToSocketAddrs,
        mut limits: Limits,
        service: Arc<impl Service>,
    ) -> io::Result<Server> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        // A second listen(2) changes the backlog, nothing else.
        rustix::net::listen(&listener, BACKLOG)?;
        let address = listener.local_addr()?;
        small_pages();
        limits.header_fields = limits.header_fields.min(MOST_FIELDS);
        let (most, spare) = places(limits.max_connections);
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
        // Two at least, so that one goes on while the other waits for the program's look-up.
        let threads = thread::available_parallelism().map_or(1, NonZero::get).max(2);
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            let builder = thread::Builder::new().name(format!("waiting-{number}"));
            match builder.spawn(move || work::wait(&shared)) {
                Ok(_) => {}
                Err(e) if number == 0 => return Err(e),
                Err(e) => log::warn!("http1: only {number} threads could be started: {e}"),
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

    /// Serves until it is stopped. True when every request in flight was answered; false after
    /// `Limits::stop_time`, a second stop, or when waiting for connections failed.
    pub fn run(mut self) -> bool {
        let mut swept = Instant::now();
        while !self.shared.is_stopping() {
            match self.accept() {
                Backlog::More => {}
                // The listener is ready all the time, and in vain.
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

    /// Answers what is in flight. What waits in the backlog is accepted first, so that no request is
    /// met with a reset.
    fn drain(&mut self) -> bool {
        let until = Instant::now() + self.shared.limits.stop_time;
        while self.accept() == Backlog::More {}
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
                log::warn!("http1: {taken} connections were cut off");
                return false;
            }
            thread::sleep(STOPPING_TICK);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.room.close();
        self.shared.pool.close();
    }
}

/// Finds a place for a new connection, by closing one of a greedier address if need be, or turns it
/// away.
fn admit(shared: &Arc<Shared>, stream: TcpStream, remote: SocketAddr) {
    let address = network(remote.ip());
    let is_full = shared.places.is_full() && !make_room(shared, address);
    // A few places are for those that are turned away. When these, too, are taken, the connection
    // closes without a word.
    let Some(place) = shared.places.take(address) else { return };
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let deadline = Instant::now() + shared.limits.idle_time;
    let connection = Box::new(Connection::new(stream, remote, place, deadline));
    if is_full {
        deliver::refuse(shared, connection, OVERLOADED, None, Then::Linger);
    } else {
        shared.room.put(connection, Wants::Input);
    }
}

/// Closes the newest idle connection of the address that has most, or, if that is more than a
/// quarter of all places, the newest that waits for its client.
fn make_room(shared: &Arc<Shared>, newcomer: IpAddr) -> bool {
    let Some((greediest, has_too_many)) = shared.places.greediest(newcomer) else { return false };
    let best = shared.room.best(|connection| {
        let is_idle = connection.is_idle() || matches!(connection.stage, Stage::Lingering(_));
        (connection.place.address == greediest && (has_too_many || is_idle))
            .then_some((is_idle, connection.place.number))
    });
    let Some(connection) = best.and_then(|token| shared.room.take_if(token, |_| true)) else {
        return has_too_many && shared.pool.end_a_wait(newcomer);
    };
    if connection.overdue().is_some() {
        let origin = connection.origin();
        deliver::refuse(shared, connection, OVERLOADED, origin.as_deref(), Then::Close);
    }
    true
}

/// Ends what has passed its deadline; while stopping also what waits for a next request, if none
/// has come. A connection that was just accepted is given a moment for its first one.
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

fn end(shared: &Arc<Shared>, connection: Box<Connection>, now: Instant) {
    if connection.deadline > now && connection.is_readable() {
        return shared.room.put(connection, Wants::Input);
    }
    if let Some(refusal) = connection.overdue() {
        let origin = connection.origin();
        deliver::refuse(shared, connection, refusal, origin.as_deref(), Then::Linger);
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
/// many more for those that are turned away with an answer.
fn places(wanted: usize) -> (usize, usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        log::warn!("http1: the limit of descriptors cannot be raised");
    }
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    // What the program behind needs: its pool of database connections, files, the standard streams.
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
    use super::places;

    #[test]
    fn descriptors_are_left_for_the_program_behind() {
        assert_eq!(places(10), (10, 9));
        let (most, spare) = places(usize::MAX);
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let limit = limit.map_or(usize::MAX, |it| usize::try_from(it).unwrap());
        assert_eq!(limit - most - spare, (limit / 4).clamp(32, 256));
    }
}
