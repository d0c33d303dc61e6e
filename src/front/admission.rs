//! Who gets in: accepting, the places, and how they are shared between addresses.

use super::connection::{Connection, State};
use super::listener::{OVERLOADED, Server};
use super::seats::client;
use super::shared::Slot;
use mio::net::TcpStream;
use mio::{Interest, Token};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Connections accepted before the others have their turn.
const ACCEPTS: usize = 64;
impl Server {
    /// Accepts what waits, or a good part of it: true when there may be more that can be accepted now.
    pub(super) fn accept(&mut self, now: Instant) -> bool {
        self.accept_again = false;
        for _ in 0..ACCEPTS {
            let Some(listener) = &self.listener else { return false };
            match listener.accept() {
                Ok((stream, remote)) => self.admit(stream, remote, now),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return false,
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
                    return false;
                }
            }
        }
        self.accept_again = true;
        true
    }

    /// Finds a place for a new connection, by closing one of a greedier address if need be, or
    /// turns it away.
    fn admit(&mut self, mut stream: TcpStream, remote: SocketAddr, now: Instant) {
        self.reap();
        let client = client(remote.ip());
        let full = self.seats.is_full() && !self.make_room(client, now);
        // A few places are for those that are turned away. When these, too, are taken, the
        // connection closes without a word.
        let Some((token, peer)) = self.seats.take(client, &self.shared) else { return };
        let interest = Interest::READABLE | Interest::WRITABLE;
        if stream.set_nodelay(true).is_err()
            || self.poll.registry().register(&mut stream, Token(token), interest).is_err()
        {
            return self.seats.give_back(token);
        }
        if let Some(mut slot) = self.shared.slot(token) {
            *slot = Slot::TAKEN;
        }
        let deadline = now + self.shared.limits.idle_time;
        let mut connection = Box::new(Connection::new(stream, remote, token, peer, deadline));
        if full {
            connection.refuse(OVERLOADED, &self.shared, &mut self.scratch, now);
            self.drive(connection, now);
        } else {
            // It would come back for an event, of which only this thread can have heard.
            self.shared.park(connection);
        }
    }

    /// Closes the newest idle connection of the address that has most, or, if that is more than a
    /// quarter of all places, the newest that waits for its client.
    fn make_room(&mut self, newcomer: IpAddr, now: Instant) -> bool {
        let Some((greediest, too_many)) = self.seats.greediest(newcomer) else { return false };
        let mut best = None;
        for (number, token) in self.seats.of(greediest) {
            if let Some(slot) = self.shared.slot(token)
                && let Slot::Parked(connection) = &*slot
                && (too_many || connection.is_idle())
                && !matches!(connection.state, State::Writing(_))
            {
                best = best.max(Some((connection.is_idle(), number, token)));
            }
        }
        let Some((_, _, token)) = best else { return false };
        let Some(mut connection) = self.unpark(token, |_| true) else { return false };
        if matches!(connection.state, State::Head { begun: true, .. } | State::Body(_)) {
            connection.refuse(OVERLOADED, &self.shared, &mut self.scratch, now);
            let _ = connection.drive(&self.shared, &mut self.scratch, now);
        }
        self.shared.close(connection);
        self.reap();
        true
    }

    /// Makes the places of closed connections free, and tells how many are taken.
    pub(super) fn reap(&mut self) {
        self.shared.take_gone(&mut self.gone);
        for token in self.gone.drain(..) {
            self.seats.give_back(token);
        }
        self.shared.service.set_connections(self.seats.taken());
    }
}

/// Whether an error of `accept` is about that one connection only.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}
