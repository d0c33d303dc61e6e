//! The queue between the poll set and the workers.

use super::connection::Connection;
use super::shared::lock;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

/// Connections that wait for a worker.
pub struct Queue {
    waiting: Mutex<Waiting>,
    work: Condvar,
    most: usize,
}

#[derive(Default)]
struct Waiting {
    connections: VecDeque<Box<Connection>>,
    /// Workers asleep.
    asleep: usize,
    /// One of them has been called and is on its way. It calls the next one if there is work left,
    /// so that a burst of short requests does not wake more workers than can run.
    called: bool,
    closed: bool,
}

impl Queue {
    /// A queue for so many connections.
    pub fn new(most: usize) -> Queue {
        Queue { waiting: Mutex::default(), work: Condvar::new(), most }
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
        self.call(&mut waiting);
    }

    /// Whether somebody waits.
    pub fn is_empty(&self) -> bool {
        lock(&self.waiting).connections.is_empty()
    }

    /// The next connection; waits for one. `None` when the queue is closed and empty.
    pub fn pop(&self) -> Option<Box<Connection>> {
        let mut waiting = lock(&self.waiting);
        loop {
            if let Some(connection) = waiting.connections.pop_front() {
                self.call(&mut waiting);
                return Some(connection);
            }
            if waiting.closed {
                return None;
            }
            waiting.asleep += 1;
            waiting = self.work.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.asleep -= 1;
            waiting.called = false;
        }
    }

    /// Sends the workers home once the queue is empty.
    pub fn close(&self) {
        lock(&self.waiting).closed = true;
        self.work.notify_all();
    }

    fn call(&self, waiting: &mut Waiting) {
        if waiting.asleep > 0 && !waiting.called && !waiting.connections.is_empty() {
            waiting.called = true;
            self.work.notify_one();
        }
    }
}
