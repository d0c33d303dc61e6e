//! The waiting room: the connections that wait for their client or for their next turn, in one epoll set.
//!
//! It is one-shot and level-triggered. One-shot: after an event there is no other until the connection is
//! put back, so one thread gets it. Level-triggered: bytes that came while it was out are an event as soon
//! as it is back, so nothing has to be remembered about unread bytes. The thread that takes a connection out
//! owns it. One that is closed leaves the epoll set by itself.
//!
//! The threads in `work::wait` take out what has an event. The thread that accepts takes out what is overdue
//! or whose place is needed (`server.rs`); nothing here looks at deadlines.

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
use std::thread;
use std::time::Duration;

/// At most this many events are taken at a time by one thread. It asks the program about all their requests
/// in one call (`Program::look`), so in a longer batch the first would wait for the last.
const BATCH: usize = 16;
/// How many connections [`Room::take_best`] tries: each costs a look at all of them.
const TRIES: usize = 8;
/// [`Room::wait`] returns after this time at the latest, so that its caller can see whether the room is
/// closed.
const CLOSED_CHECK: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// Pause after an error of the kernel, which would come again at once.
const PAUSE: Duration = Duration::from_millis(10);

/// The epoll set, and the connections that wait.
pub struct Room {
    epoll: OwnedFd,
    /// One for each place, spare ones too. A connection's token is the number of its place, and its index here.
    slots: Box<[Mutex<Option<Box<Connection>>>]>,
    is_closed: AtomicBool,
}

/// Which event takes a connection out of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Bytes, or the end.
    Input,
    /// Its next turn: a request, or a part of one, is in its `input` already. The event is a socket that can
    /// be written to, so it queues behind the others, and waits while the client takes nothing. More bytes are
    /// an event too: a client may send all its requests before it reads the first answer.
    Turn,
}

impl Room {
    /// An empty room with this many slots.
    pub fn new(places: usize) -> io::Result<Room> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let slots = (0..places).map(|_| Mutex::new(None)).collect();
        Ok(Room { epoll, slots, is_closed: AtomicBool::new(false) })
    }

    /// Puts a connection in, or back. Closes it when the kernel cannot wait for it (it is dropped).
    pub fn put(&self, mut connection: Box<Connection>, wants: Wants) {
        let token = connection.place.token;
        // Never missing: there is a slot for each place.
        let Some(slot) = self.slots.get(token) else { return };
        // The event may come before the connection is in its slot. The thread that gets it waits for
        // this lock, and finds the connection.
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

    /// Takes a connection out, if it is there and wanted.
    pub fn take_if(
        &self,
        token: usize,
        wanted: impl FnOnce(&Connection) -> bool,
    ) -> Option<Box<Connection>> {
        lock(self.slots.get(token)?).take_if(|connection| wanted(connection))
    }

    /// Takes out the connection with the highest mark that is `free` too; those without a mark do not count. It is
    /// asked for its mark once more when it is taken: another thread may have put it back meanwhile with a request.
    /// Tries [`TRIES`] connections.
    pub fn take_best<M: Ord>(
        &self,
        mark: impl Fn(&Connection) -> Option<M>,
        free: impl Fn(&Connection) -> bool,
    ) -> Option<Box<Connection>> {
        let mut tried = Vec::new();
        while tried.len() < TRIES {
            let marks = self.slots.iter().enumerate().filter_map(|(token, slot)| {
                let slot = lock(slot);
                Some((mark(slot.as_deref()?)?, token)).filter(|_| !tried.contains(&token))
            });
            let (_, token) = marks.max()?;
            let taken = self.take_if(token, |it| mark(it).is_some() && free(it));
            if taken.is_some() {
                return taken;
            }
            tried.push(token);
        }
        None
    }

    /// Waits for events, and appends the tokens of the connections that had one. A token is a hint: the thread
    /// that accepts may have taken its connection out without an event, and another one may have its slot.
    /// Then the slot is empty, or the new one is served if it has something, and else put back.
    pub fn wait(&self, tokens: &mut Vec<usize>) {
        let mut events = Vec::with_capacity(BATCH);
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&CLOSED_CHECK)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(e) => {
                log::error!("http1: waiting for events failed: {e}");
                thread::sleep(PAUSE);
            }
        }
        let token = |event: &Event| usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
        tokens.extend(events.iter().map(token));
    }

    /// Tells the threads that wait to end; each asks [`Room::is_closed`] within a second. Nothing is taken
    /// out, and [`Room::put`] still works.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// True after [`Room::close`].
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::Places;
    use std::cell::Cell;
    use std::net::{TcpListener, TcpStream};
    use std::time::Instant;

    #[test]
    fn what_is_taken_is_still_what_it_was_when_it_was_chosen() {
        let (room, places) = (Room::new(3).unwrap(), Places::new(3, 0));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _clients: Vec<_> = (0..3)
            .map(|_| {
                let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                let (stream, remote) = listener.accept().unwrap();
                let place = places.take(remote.ip()).unwrap();
                let connection = Connection::new(stream, remote, place, Instant::now());
                room.put(Box::new(connection), Wants::Input);
                client
            })
            .collect();
        // A request comes to the newest one when all three were looked at, and one to the second is on its way.
        let looks = Cell::new(0);
        let mark = |it: &Connection| {
            looks.set(looks.get() + 1);
            (looks.get() <= 3 || it.place.token != 2).then_some(it.place.number)
        };
        let taken = room.take_best(mark, |it| it.place.token != 1);
        assert_eq!(taken.map(|it| it.place.token), Some(0));
        assert!(room.take_if(1, |_| true).is_some() && room.take_if(2, |_| true).is_some());
    }
}
