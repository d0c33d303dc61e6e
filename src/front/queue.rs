//! The queue between the poll set and the workers.

use super::connection::Connection;
use super::limits::Limits;
use super::shared::lock;
use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Connections that wait for a worker, and workers that wait for a connection.
pub struct Queue {
    waiting: Mutex<Waiting>,
    most: usize,
    /// Jobs that may be under way.
    jobs: AtomicUsize,
    /// How many of them may be younger than [`YOUNG`].
    young: usize,
    /// Workers that may be at quick work.
    quick: usize,
}

/// What a worker comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// Its start.
    Nothing,
    /// Requests that the program had not seen yet.
    Quick,
    /// A job, begun then.
    Job(Instant),
}

#[derive(Default)]
struct Waiting {
    /// Those whose requests the program has not seen yet. A worker takes all of them.
    quick: VecDeque<Box<Connection>>,
    /// Those with work that may take its time. A worker takes one.
    jobs: VecDeque<Box<Connection>>,
    /// When those that are under way were begun.
    begun: Vec<Instant>,
    /// Workers that are at quick work.
    looking: usize,
    /// Workers asleep. The last one is called first: few workers stay warm, and the others cost
    /// nothing.
    asleep: Vec<Thread>,
    /// A worker was called and is on its way here. It calls the next one if there is work left, so
    /// that a burst of short requests does not wake more workers than can run.
    coming: bool,
    /// One of those asleep wakes by itself, to see which jobs are no longer young.
    watched: bool,
    closed: bool,
}

/// Connections that a worker takes at once, or its share of a longer queue, as with a slow cache. More
/// ask the cache together, but wait for each other when their worker loses its core.
const TOGETHER: usize = 16;

/// Where a database is near, a few jobs keep all cores busy, and more would only take turns at them:
/// measured with a contact by its id, 6 jobs at once on two cores are a fifth faster than 32. A job that
/// takes longer than this waits for something else, and leaves its place among the few to another.
const YOUNG: Duration = Duration::from_millis(4);

impl Queue {
    /// A queue with the limits `queue` and `jobs`. As many workers are at quick work as there are
    /// cores, two at least, so that one goes on while the other waits for the cache: more would only
    /// take requests from each other, and ask for fewer of them together.
    pub fn new(limits: &Limits) -> Queue {
        let (most, jobs) = (limits.queue, limits.jobs.max(1));
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (young, quick) = (cores * 3, cores.max(2));
        Queue { waiting: Mutex::default(), most, jobs: AtomicUsize::new(jobs), young, quick }
    }

    /// There are only so many workers: two of them are kept from jobs.
    pub fn workers_started(&self, workers: usize) {
        self.jobs.fetch_min(workers.saturating_sub(2).max(1), Ordering::Relaxed);
    }

    /// How many more jobs may wait. Requests that the program has not looked at have room of their own,
    /// so that a slow database does not take it from those that need none.
    pub fn room_for_jobs(&self) -> usize {
        self.most.saturating_sub(lock(&self.waiting).jobs.len())
    }

    /// Appends as many as there is room for, and leaves the others in `connections`. With
    /// `always`, there is room for all: for work that was begun and has to be ended.
    pub fn push(&self, connections: &mut Vec<Box<Connection>>, always: bool) {
        if connections.is_empty() {
            return;
        }
        let mut waiting = lock(&self.waiting);
        let room = self.most.saturating_sub(waiting.quick.len());
        let count = if always { connections.len() } else { room.min(connections.len()) };
        waiting.append(connections.drain(..count));
        let called = waiting.call(self);
        drop(waiting);
        called.inspect(Thread::unpark);
    }

    /// For a worker: appends what it leaves in `taken`, and moves there what it is to do next, all
    /// that is quick or one job; waits for something. [`Last::Nothing`] when the queue is closed and
    /// there is nothing left.
    pub fn exchange(&self, taken: &mut Vec<Box<Connection>>, last: Last) -> Last {
        let mut mine = false;
        let mut waiting = lock(&self.waiting);
        match last {
            Last::Nothing => {}
            Last::Quick => waiting.looking -= 1,
            Last::Job(since) => {
                let place = waiting.begun.iter().position(|&begun| begun == since);
                place.map(|place| waiting.begun.swap_remove(place));
            }
        }
        waiting.append(taken.drain(..));
        loop {
            if mine {
                waiting.coming = false;
            }
            let next = waiting.take(taken, last, self);
            if next != Last::Nothing {
                let called = waiting.call(self);
                drop(waiting);
                called.inspect(Thread::unpark);
                return next;
            }
            if waiting.closed {
                return Last::Nothing;
            }
            let me = std::thread::current();
            let watches = waiting.needs_a_watch(self);
            waiting.watched |= watches;
            // The watch is called last.
            let place = if watches { 0 } else { waiting.asleep.len() };
            waiting.asleep.insert(place, me.clone());
            drop(waiting);
            // `park` may return for no reason; who was called is no longer on the list.
            let place = loop {
                if watches {
                    std::thread::park_timeout(YOUNG)
                } else {
                    std::thread::park()
                }
                waiting = lock(&self.waiting);
                let place = waiting.asleep.iter().position(|thread| thread.id() == me.id());
                if watches || place.is_none() {
                    break place;
                }
                drop(waiting);
            };
            mine = place.is_none();
            if let Some(place) = place {
                waiting.asleep.remove(place);
            }
            waiting.watched &= !watches;
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

    fn has_job(&self, queue: &Queue) -> bool {
        self.has_place(queue)
            && self.begun.iter().filter(|begun| begun.elapsed() < YOUNG).count() < queue.young
    }

    /// A job waits that may begin, once those under way are no longer young.
    fn has_place(&self, queue: &Queue) -> bool {
        !self.jobs.is_empty() && self.begun.len() < queue.jobs.load(Ordering::Relaxed)
    }

    /// A job waits for others to age, of which nobody else tells.
    fn needs_a_watch(&self, queue: &Queue) -> bool {
        !self.watched && self.has_place(queue)
    }

    fn has_quick(&self, queue: &Queue) -> bool {
        !self.quick.is_empty() && self.looking < queue.quick
    }

    /// Moves work to `taken`, of the kind that its worker did not do last if there is some.
    fn take(&mut self, taken: &mut Vec<Box<Connection>>, last: Last, queue: &Queue) -> Last {
        let quick = self.has_quick(queue);
        let from_job = matches!(last, Last::Job(_));
        if self.has_job(queue) && (!from_job || !quick) {
            let now = Instant::now();
            self.begun.push(now);
            taken.extend(self.jobs.pop_front());
            Last::Job(now)
        } else if quick {
            self.looking += 1;
            let waiting = self.quick.len();
            let count = waiting.min(TOGETHER.max(waiting / queue.quick));
            taken.extend(self.quick.drain(..count));
            Last::Quick
        } else {
            Last::Nothing
        }
    }

    /// The worker to be called now, if one is needed.
    fn call(&mut self, queue: &Queue) -> Option<Thread> {
        let needed = self.has_quick(queue) || self.has_job(queue) || self.needs_a_watch(queue);
        if self.coming || !needed {
            return None;
        }
        let thread = self.asleep.pop()?;
        self.coming = true;
        Some(thread)
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection::State;
    use super::super::connection::tests::connection;
    use super::super::shared::tests::shared;
    use super::*;
    use std::fs::File;

    /// Two workers may look at requests; three jobs may be under way, two of them young.
    fn queue() -> Queue {
        let jobs = AtomicUsize::new(3);
        Queue { jobs, young: 2, quick: 2, ..Queue::new(&Limits::default()) }
    }

    fn waiting(quick: usize, jobs: usize) -> Waiting {
        let shared = shared(Limits::default());
        let mut waiting = Waiting::default();
        waiting.append((0..quick + jobs).map(|number| {
            let mut connection = connection(File::open("/dev/null").unwrap(), &shared);
            if number < jobs {
                connection.state = State::Lingering { left: 0 };
            }
            Box::new(connection)
        }));
        waiting
    }

    /// What a worker takes that comes from this: requests, jobs.
    fn taken(waiting: &mut Waiting, last: Last) -> (usize, usize) {
        let mut taken = Vec::new();
        match waiting.take(&mut taken, last, &queue()) {
            Last::Nothing => (0, 0),
            Last::Quick => (taken.len(), 0),
            Last::Job(_) => (0, taken.len()),
        }
    }

    #[test]
    fn a_worker_takes_a_job_or_requests_together_and_goes_from_one_to_the_other() {
        let job = Last::Job(Instant::now());
        for (quick, jobs, last, next) in [
            (0, 0, Last::Nothing, (0, 0)),
            (3, 2, Last::Nothing, (0, 1)),
            (3, 2, Last::Quick, (0, 1)),
            (3, 2, job, (3, 0)),
            (3, 0, Last::Quick, (3, 0)),
            (0, 2, job, (0, 1)),
            (16, 0, Last::Nothing, (16, 0)),
            (20, 0, Last::Nothing, (16, 0)),
            (40, 0, Last::Nothing, (20, 0)),
        ] {
            assert_eq!(taken(&mut waiting(quick, jobs), last), next, "{quick}, {jobs}, {last:?}");
        }
    }

    #[test]
    fn few_look_and_few_jobs_are_young() {
        let mut requests = waiting(3, 0);
        requests.looking = 2;
        assert_eq!(taken(&mut requests, Last::Nothing), (0, 0));
        requests.looking = 1;
        assert_eq!(taken(&mut requests, Last::Nothing), (3, 0));

        let now = Instant::now();
        let (old, young) = (now - Duration::from_secs(9), now + Duration::from_secs(9));
        // Jobs that wait, those under way: whether one may begin, whether it waits for them to age.
        for (jobs, begun, begins, watched) in [
            (1, vec![], true, true),
            (1, vec![young], true, true),
            (1, vec![old, old], true, true),
            (1, vec![young, young], false, true),
            (1, vec![old, old, old], false, false),
            (0, vec![young, young], false, false),
        ] {
            let mut waiting = Waiting { begun, ..waiting(0, jobs) };
            assert_eq!(waiting.needs_a_watch(&queue()), watched, "{:?}", waiting.begun);
            waiting.watched = true;
            assert!(!waiting.needs_a_watch(&queue()), "one is enough");
            assert_eq!(taken(&mut waiting, Last::Nothing), (0, usize::from(begins)));
        }
    }

    #[test]
    fn one_worker_is_called_at_a_time_and_none_for_nothing() {
        for (quick, jobs, called) in [(0, 0, false), (1, 0, true), (0, 1, true)] {
            let mut waiting = waiting(quick, jobs);
            waiting.asleep = vec![std::thread::current(); 2];
            assert_eq!(waiting.call(&queue()).is_some(), called);
            assert!(waiting.call(&queue()).is_none());
        }
    }
}
