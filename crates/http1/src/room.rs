//! The waiting room: the connections that wait for their client, in one epoll set.
//!
//! It is level-triggered and one-shot: an event names a connection once, to one thread, until the
//! connection is put back; what came meanwhile is an event then. So there is nothing to remember
//! about a socket, and whoever takes a connection out owns it.

use crate::connection::Connection;
use crate::panics::lock;
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Connections that one thread takes at a time. More would ask the program together, and wait for
/// each other when their thread loses its core.
const TOGETHER: usize = 16;
/// How soon a thread that waits sees that the room is closed.
const LOOK: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The connections that wait, by their token.
pub struct Room {
    epoll: OwnedFd,
    slots: Box<[Mutex<Option<Box<Connection>>>]>,
    is_closed: AtomicBool,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Bytes, or the end.
    Input,
    /// Its next turn: it has a request already. The event comes as soon as the socket takes bytes.
    Turn,
}

impl Room {
    /// An empty room with so many places.
    pub fn new(places: usize) -> io::Result<Room> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let slots = (0..places).map(|_| Mutex::new(None)).collect();
        Ok(Room { epoll, slots, is_closed: AtomicBool::new(false) })
    }

    /// Puts a connection in, or back. It is closed when the kernel has no memory for it.
    pub fn put(&self, mut connection: Box<Connection>, wants: Wants) {
        let token = connection.place.token;
        let Some(slot) = self.slots.get(token) else { return };
        // Whoever gets the event has to find the connection here: it waits for this lock.
        let mut slot = lock(slot);
        let data = EventData::new_u64(token as u64);
        let what = match wants {
            Wants::Input => EventFlags::IN,
            Wants::Turn => EventFlags::IN | EventFlags::OUT,
        };
        let what = what | EventFlags::ONESHOT;
        let done = match connection.is_registered {
            true => epoll::modify(&self.epoll, &connection.stream, data, what),
            false => epoll::add(&self.epoll, &connection.stream, data, what),
        };
        match done {
            Ok(()) => {
                connection.is_registered = true;
                *slot = Some(connection);
            }
            Err(e) => log::error!("http1: a connection cannot be waited for: {e}"),
        }
    }

    /// Takes a connection out, if it is in there and one of these.
    pub fn take_if(
        &self,
        token: usize,
        wanted: impl FnOnce(&Connection) -> bool,
    ) -> Option<Box<Connection>> {
        lock(self.slots.get(token)?).take_if(|connection| wanted(connection))
    }

    /// The token that is best of those for which there is a mark.
    pub fn best<M: Ord>(&self, mark: impl Fn(&Connection) -> Option<M>) -> Option<usize> {
        let marks = self.slots.iter().enumerate().filter_map(|(token, slot)| {
            let slot = lock(slot);
            Some((mark(slot.as_deref()?)?, token))
        });
        marks.max().map(|(_, token)| token)
    }

    /// Waits for events; the tokens of the connections that had one. A slot may be empty, if its
    /// connection was overdue at the same time, or have another connection by now, which then is
    /// read in vain.
    pub fn wait(&self, tokens: &mut Vec<usize>) {
        let mut events = Vec::with_capacity(TOGETHER);
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&LOOK)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(e) => log::error!("http1: waiting for events failed: {e}"),
        }
        let token = |event: &Event| usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
        tokens.extend(events.iter().map(token));
    }

    /// Ends all waiting.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// After [`Room::close`].
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}
