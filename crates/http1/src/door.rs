//! The door: accepting connections, sharing the places between addresses, and ending what is
//! overdue. One thread does it; nothing here waits for a client.

use crate::client::network;
use crate::connection::{Connection, Stage};
use crate::deliver::{self, OVERLOADED};
use crate::panics::guarded;
use crate::room::Wants;
use crate::shared::Shared;
use crate::work;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Connections accepted before the door does anything else.
const ACCEPTS: usize = 64;

/// What waits to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// Nothing.
    Empty,
    /// Something, perhaps.
    More,
    /// Something, but there are no descriptors: nothing says when there will be.
    Stuck,
}

/// The listener, and when its last failure was logged.
pub struct Door {
    pub listener: TcpListener,
    logged: Option<Instant>,
}

impl Door {
    /// A door with this listener, which does not block.
    pub fn new(listener: TcpListener) -> Door {
        Door { listener, logged: None }
    }

    /// Accepts what waits, or a good part of it.
    pub fn accept(&mut self, shared: &Arc<Shared>) -> Backlog {
        for _ in 0..ACCEPTS {
            match self.listener.accept() {
                Ok((stream, remote)) => {
                    guarded(|| admit(shared, stream, remote));
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Backlog::Empty,
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
        deliver::refuse(shared, connection, OVERLOADED, None);
    } else {
        shared.room.put(connection, Wants::Input);
    }
}

/// Closes the newest idle connection of the address that has most, or, if that is more than a
/// quarter of all places, the newest that waits for its client.
fn make_room(shared: &Shared, newcomer: IpAddr) -> bool {
    let Some((greediest, has_too_many)) = shared.places.greediest(newcomer) else { return false };
    let best = shared.room.best(|connection| {
        let is_idle = connection.is_idle() || matches!(connection.stage, Stage::Lingering(_));
        (connection.place.address == greediest && (has_too_many || is_idle))
            .then_some((is_idle, connection.place.number))
    });
    let Some(connection) = best.and_then(|token| shared.room.take_if(token, |_| true)) else {
        return has_too_many && shared.slow.end_one(newcomer);
    };
    if connection.overdue().is_some() {
        deliver::evict(shared, &connection, connection.origin().as_deref());
    }
    true
}

/// Ends what has passed its deadline; while stopping also what waits for a next request, if none
/// has come. A connection that was just accepted is given a moment for its first one.
pub fn sweep(shared: &Arc<Shared>, now: Instant) {
    let is_stopping = shared.is_stopping();
    for token in 0..shared.places.all() {
        let is_due = |c: &Connection| {
            c.deadline <= now || (is_stopping && c.is_idle() && !c.has_just_come(now))
        };
        let Some(connection) = shared.room.take_if(token, is_due) else { continue };
        guarded(|| end(shared, connection, now));
    }
    for line in &shared.lines {
        for ticket in line.overdue(now) {
            guarded(|| work::refuse_ticket(shared, ticket));
        }
    }
}

fn end(shared: &Arc<Shared>, connection: Box<Connection>, now: Instant) {
    if connection.deadline > now && connection.is_readable() {
        return shared.room.put(connection, Wants::Input);
    }
    if let Some(refusal) = connection.overdue() {
        let origin = connection.origin();
        deliver::refuse(shared, connection, refusal, origin.as_deref());
    }
}

/// Whether an error of `accept` is about that one connection only.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}
