//! The queue between the poll set and the workers.

use super::connection::Connection;
use super::limits::Limits;
use super::shared::lock;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::thread::Thread;

/// Connections that wait for a worker, and workers that wait for a connection.
pub struct Queue {
    waiting: Mutex<Waiting>,
    most: usize,
    jobs: usize,
}

#[derive(Default)]
struct Waiting {
    /// Those whose requests the program has not seen yet. A worker takes all of them.
    quick: VecDeque<Box<Connection>>,
    /// Those with work that may take its time. A worker takes one.
    jobs: VecDeque<Box<Connection>>,
    /// Workers that are at such work.
    working: usize,
    /// Workers asleep. The last one is called first: few workers stay warm, and the others cost
    /// nothing.
    asleep: Vec<Thread>,
    /// A worker is on its way here: it was called, or looks around before it falls asleep. It calls
    /// the next one if there is work left, so that a burst of short requests does not wake more
    /// workers than can run.
    coming: bool,
    closed: bool,
}

/// Most connections that a worker takes at once.
const TOGETHER: usize = 64;

/// How often a worker without work looks again before it falls asleep. Under load the next
/// connection is a few microseconds away, and to fall asleep and be called costs more than that.
const LOOKS: usize = 8;

impl Queue {
    /// A queue with the limits `queue` and `jobs`.
    pub fn new(limits: &Limits) -> Queue {
        let (most, jobs) = (limits.queue, limits.jobs.max(1));
        Queue { waiting: Mutex::default(), most, jobs }
    }

    /// Appends as many as there is room for, and leaves the others in `connections`. With
    /// `always`, there is room for all: for work that was begun and has to be ended.
    pub fn push(&self, connections: &mut Vec<Box<Connection>>, always: bool) {
        if connections.is_empty() {
            return;
        }
        let mut waiting = lock(&self.waiting);
        let room = self.most.saturating_sub(waiting.quick.len() + waiting.jobs.len());
        let count = if always { connections.len() } else { room.min(connections.len()) };
        waiting.append(connections.drain(..count));
        let called = waiting.call(self.jobs);
        drop(waiting);
        called.inspect(Thread::unpark);
    }

    /// For a worker: appends what it leaves in `taken`, and moves there what it is to do next, all
    /// that is quick or one job; waits for something. `was_job`: it comes from a job. False when the
    /// queue is closed and there is nothing left.
    pub fn exchange(&self, taken: &mut Vec<Box<Connection>>, was_job: bool) -> bool {
        let mut looks = 0;
        let mut mine = false;
        let mut waiting = lock(&self.waiting);
        waiting.working -= usize::from(was_job);
        waiting.append(taken.drain(..));
        loop {
            if mine {
                waiting.coming = false;
            }
            if waiting.take(taken, was_job, self.jobs) {
                let called = waiting.call(self.jobs);
                drop(waiting);
                called.inspect(Thread::unpark);
                return true;
            }
            if waiting.closed {
                return false;
            }
            if looks < LOOKS && !waiting.coming {
                looks += 1;
                waiting.coming = true;
                mine = true;
                drop(waiting);
                std::thread::yield_now();
                waiting = lock(&self.waiting);
                continue;
            }
            let me = std::thread::current();
            waiting.asleep.push(me.clone());
            drop(waiting);
            // `park` may return for no reason; who was called is no longer on the list.
            loop {
                std::thread::park();
                waiting = lock(&self.waiting);
                if !waiting.asleep.iter().any(|thread| thread.id() == me.id()) {
                    break;
                }
                drop(waiting);
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
    fn append(&mut self, connections: impl Iterator<Item = Box<Connection>>) {
        for connection in connections {
            let line = if connection.is_quick() { &mut self.quick } else { &mut self.jobs };
            line.push_back(connection);
        }
    }

    fn has_job(&self, most: usize) -> bool {
        !self.jobs.is_empty() && self.working < most
    }

    /// Moves work to `taken`, of the kind that its worker did not do last if there is some.
    fn take(&mut self, taken: &mut Vec<Box<Connection>>, was_job: bool, most: usize) -> bool {
        if self.has_job(most) && (!was_job || self.quick.is_empty()) {
            self.working += 1;
            taken.extend(self.jobs.pop_front());
        } else {
            let count = self.quick.len().min(TOGETHER);
            taken.extend(self.quick.drain(..count));
        }
        !taken.is_empty()
    }

    /// The worker to be called now, if one is needed.
    fn call(&mut self, most: usize) -> Option<Thread> {
        if self.coming || (self.quick.is_empty() && !self.has_job(most)) {
            return None;
        }
        let thread = self.asleep.pop()?;
        self.coming = true;
        Some(thread)
    }
}
