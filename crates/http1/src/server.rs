//! Starting, running and stopping a server.

use crate::budget::Budget;
use crate::door::{Backlog, Door, sweep};
use crate::limits::Limits;
use crate::line::Line;
use crate::places::Places;
use crate::pool::Pool;
use crate::request::MOST_FIELDS;
use crate::room::Room;
use crate::rounds;
use crate::service::Service;
use crate::shared::{AT_ONCE, DRAINING, RUNNING, Shared};
use crate::slow::Slow;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

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
    door: Option<Door>,
    address: SocketAddr,
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
            slow: Slow::default(),
            lines: limits.lines.iter().cloned().map(Line::new).collect(),
            budget: Budget::new(limits.buffered_bytes),
            stage: AtomicU8::new(RUNNING),
            program: service,
            limits,
        });
        let door = Some(Door::new(listener));
        let server = Server { shared, door, address };
        server.start_rounds()?;
        Ok(server)
    }

    /// As many threads as there are cores, and two at least, so that one goes on while the other
    /// waits for the program's look-up.
    fn start_rounds(&self) -> io::Result<()> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        for number in 0..cores.max(2) {
            let shared = Arc::clone(&self.shared);
            let builder = thread::Builder::new().name(format!("waiting-{number}"));
            match builder.spawn(move || rounds::run(&shared)) {
                Ok(_) => {}
                Err(e) if number == 0 => return Err(e),
                Err(e) => log::warn!("http1: only {number} threads could be started: {e}"),
            }
        }
        Ok(())
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
        let (mut swept, mut backlog) = (Instant::now(), Backlog::Empty);
        while !self.shared.is_stopping() {
            if let Err(e) = self.wait(backlog) {
                log::error!("http1: waiting for connections failed: {e}");
                return false;
            }
            if let Some(door) = &mut self.door {
                backlog = door.accept(&self.shared);
            }
            if swept.elapsed() >= TICK {
                swept = Instant::now();
                self.tidy();
            }
        }
        self.drain()
    }

    /// Waits for a connection, or for the next time that something has to be looked at.
    fn wait(&self, backlog: Backlog) -> rustix::io::Result<()> {
        let Some(door) = &self.door else { return Ok(()) };
        let time = match backlog {
            Backlog::Empty => TICK,
            Backlog::More => return Ok(()),
            // The listener is ready all the time, and in vain.
            Backlog::Stuck => {
                thread::sleep(RETRY);
                return Ok(());
            }
        };
        let time = Timespec::try_from(time).ok();
        match poll(&mut [PollFd::new(&door.listener, PollFlags::IN)], time.as_ref()) {
            Err(rustix::io::Errno::INTR) | Ok(_) => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn tidy(&self) {
        sweep(&self.shared, Instant::now());
        self.shared.program.set_connections(self.shared.places.taken());
    }

    /// Answers what is in flight. What waits in the backlog is accepted first, so that no request is
    /// met with a reset.
    fn drain(&mut self) -> bool {
        let until = Instant::now() + self.shared.limits.stop_time;
        if let Some(mut door) = self.door.take() {
            while door.accept(&self.shared) == Backlog::More {}
        }
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
