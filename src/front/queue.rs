//! The queue between the poll set and the workers.

use super::connection::Connection;
use super::shared::lock;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::thread::Thread;

/// Connections that wait for a worker, and workers that wait for a connection.
pub struct Queue {
    waiting: Mutex<Waiting>,
    most: usize,
}

#[derive(Default)]
struct Waiting {
    connections: VecDeque<Box<Connection>>,
    /// Workers asleep. The last one is called first: few workers stay warm, and the others cost
    /// nothing.
    asleep: Vec<Thread>,
    /// A worker is on its way here: it was called, or looks around before it falls asleep. It calls
    /// the next one if there is work left, so that a burst of short requests does not wake more
    /// workers than can run.
    coming: bool,
    closed: bool,
}

/// How often a worker without work looks again before it falls asleep. Under load the next
/// connection is a few microseconds away, and to fall asleep and be called costs more than that.
const LOOKS: usize = 8;

impl Queue {
    /// A queue for so many connections.
    pub fn new(most: usize) -> Queue {
        Queue { waiting: Mutex::default(), most }
    }

    /// Appends as many as there is room for, and leaves the others in `connections`. With
    /// `always`, there is room for all: for work that was begun and has to be ended.
    pub fn push(&self, connections: &mut Vec<Box<Connection>>, always: bool) {
        if connections.is_empty() {
            return;
        }
        let mut waiting = lock(&self.waiting);
        let room = self.most.saturating_sub(waiting.connections.len());
        let count = if always { connections.len() } else { room.min(connections.len()) };
        waiting.connections.extend(connections.drain(..count));
        let called = waiting.call();
        drop(waiting);
        called.inspect(Thread::unpark);
    }

    /// Whether somebody waits.
    pub fn is_empty(&self) -> bool {
        lock(&self.waiting).connections.is_empty()
    }

    /// The next connection; waits for one. `None` when the queue is closed and empty.
    pub fn pop(&self) -> Option<Box<Connection>> {
        let mut looks = 0;
        let mut mine = false;
        loop {
            let mut waiting = lock(&self.waiting);
            if mine {
                waiting.coming = false;
            }
            if let Some(connection) = waiting.connections.pop_front() {
                let called = waiting.call();
                drop(waiting);
                called.inspect(Thread::unpark);
                return Some(connection);
            }
            if waiting.closed {
                return None;
            }
            if looks < LOOKS && !waiting.coming {
                looks += 1;
                waiting.coming = true;
                mine = true;
                drop(waiting);
                std::thread::yield_now();
                continue;
            }
            let me = std::thread::current();
            waiting.asleep.push(me.clone());
            drop(waiting);
            // `park` may return for no reason; who was called is no longer on the list.
            loop {
                std::thread::park();
                let waiting = lock(&self.waiting);
                if !waiting.asleep.iter().any(|thread| thread.id() == me.id()) {
                    break;
                }
            }
            mine = true;
            looks = 0;
        }
    }

    /// Sends the workers home once the queue is empty.
    pub fn close(&self) {
        let mut waiting = lock(&self.waiting);
        waiting.closed = true;
        for thread in waiting.asleep.drain(..) {
            thread.unpark();
        }
    }
}

impl Waiting {
    /// The worker to be called now, if one is needed.
    fn call(&mut self) -> Option<Thread> {
        if self.coming || self.connections.is_empty() {
            return None;
        }
        let thread = self.asleep.pop()?;
        self.coming = true;
        Some(thread)
    }
}
