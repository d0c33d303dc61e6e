//! The threads for what may wait: as many as are needed, up to a limit. When it is reached, a thread that
//! waits for a client of a greedier address is freed for the newcomer.

use crate::connection::Connection;
use crate::panics::{guarded, lock};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Something to be done by a thread of the pool.
type Task = Box<dyn FnOnce() + Send>;

/// Threads that are there from the start and stay: there may be no more to be had later.
const KEPT: usize = 2;
/// A thread with nothing to do ends after this.
const IDLE: Duration = Duration::from_secs(5);
/// How long no thread is started after one could not be.
const PAUSE: Duration = Duration::from_secs(1);

/// The threads and what they have to do.
pub struct Pool {
    state: Mutex<State>,
    /// There is a task, or no more will come.
    called: Condvar,
    most: usize,
    /// The clients for which threads wait, the newest last.
    waits: Mutex<Vec<Wait>>,
}

struct Wait {
    address: IpAddr,
    stream: Arc<TcpStream>,
    /// What ends the wait.
    side: Shutdown,
}

/// A wait that is under way, the only one for its socket. It is over when this is dropped.
pub struct Waiting<'a> {
    pool: &'a Pool,
    stream: Arc<TcpStream>,
}

#[derive(Default)]
struct State {
    tasks: VecDeque<Task>,
    /// Threads, idle or not.
    threads: usize,
    /// Threads with nothing to do, those that are just starting included.
    idle: usize,
    failed: Option<Instant>,
    is_closed: bool,
}

impl Pool {
    /// A pool of at most so many threads.
    ///
    /// # Errors
    /// Not a single thread could be started.
    pub fn start(most: usize) -> io::Result<Arc<Pool>> {
        let (most, waits) = (most.max(1), Mutex::default());
        let pool = Arc::new(Pool { state: Mutex::default(), called: Condvar::new(), most, waits });
        let mut state = lock(&pool.state);
        for _ in 0..KEPT.min(pool.most) {
            if let Err(e) = pool.spawn(&mut state)
                && state.threads == 0
            {
                return Err(e);
            }
        }
        drop(state);
        Ok(pool)
    }

    /// Makes sure that a task for a client of this address would be begun at once, if need be by starting a thread,
    /// or by ending a wait for a greedier address. False: that cannot be had.
    pub fn make_room_for(self: &Arc<Pool>, address: IpAddr) -> bool {
        let mut state = lock(&self.state);
        let has_room = state.idle > state.tasks.len() || self.grow(&mut state);
        drop(state);
        has_room || self.end_a_wait(address)
    }

    /// Something is to be done and has no thread yet.
    pub fn is_behind(&self) -> bool {
        !lock(&self.state).tasks.is_empty()
    }

    /// From now on a thread waits for this client to send (`Shutdown::Read`) or to take
    /// (`Shutdown::Both`) something.
    pub fn waits(&self, connection: &Connection, side: Shutdown) -> Waiting<'_> {
        let (address, stream) = (connection.place.address, Arc::clone(&connection.stream));
        lock(&self.waits).push(Wait { address, stream: Arc::clone(&stream), side });
        Waiting { pool: self, stream }
    }

    /// Ends the newest wait of the address that has most, if it has two more than the newcomer's:
    /// its thread then is free at once.
    pub fn end_a_wait(&self, newcomer: IpAddr) -> bool {
        let mut waits = lock(&self.waits);
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for wait in waits.iter() {
            *counts.entry(wait.address).or_default() += 1;
        }
        let own = counts.get(&newcomer).copied().unwrap_or(0);
        let greediest = counts.into_iter().max_by_key(|(_, count)| *count);
        let greediest = greediest.filter(|(_, count)| *count > own + 1);
        let newest =
            greediest.and_then(|(address, _)| waits.iter().rposition(|it| it.address == address));
        let Some(newest) = newest else { return false };
        let wait = waits.remove(newest);
        // A failure means that the client has ended it already.
        let _ = wait.stream.shutdown(wait.side);
        true
    }

    /// Has a task done, by an idle thread or a new one; by the next one that becomes idle if there
    /// is no room.
    pub fn run(self: &Arc<Pool>, task: impl FnOnce() + Send + 'static) {
        let mut state = lock(&self.state);
        state.tasks.push_back(Box::new(task));
        if state.idle >= state.tasks.len() {
            self.called.notify_one();
        } else {
            self.grow(&mut state);
        }
    }

    /// The threads end when nothing is left to be done.
    pub fn close(&self) {
        lock(&self.state).is_closed = true;
        self.called.notify_all();
    }

    /// Starts one more thread. False: that cannot be had.
    fn grow(self: &Arc<Pool>, state: &mut State) -> bool {
        if state.threads >= self.most || state.failed.is_some_and(|at| at.elapsed() <= PAUSE) {
            return false;
        }
        let started = self.spawn(state);
        if let Err(e) = &started {
            log::warn!("http1: no more than {} threads can be had: {e}", state.threads);
            state.failed = Some(Instant::now());
        }
        started.is_ok()
    }

    fn spawn(self: &Arc<Pool>, state: &mut State) -> io::Result<()> {
        let pool = Arc::clone(self);
        thread::Builder::new().name("work".to_owned()).spawn(move || pool.work())?;
        state.threads += 1;
        // It begins idle, so that nothing else is started for what it will do.
        state.idle += 1;
        Ok(())
    }

    /// The life of a thread.
    fn work(&self) {
        let mut state = lock(&self.state);
        state.idle -= 1;
        loop {
            if let Some(task) = state.tasks.pop_front() {
                drop(state);
                if guarded(task).is_none() {
                    log::error!("http1: a task panicked");
                }
                state = lock(&self.state);
            } else if state.is_closed {
                break;
            } else {
                state.idle += 1;
                let waited = self.called.wait_timeout(state, IDLE);
                let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                state = woken;
                state.idle -= 1;
                if timeout.timed_out() && state.tasks.is_empty() && state.threads > KEPT {
                    break;
                }
            }
        }
        state.threads -= 1;
    }
}

impl Waiting<'_> {
    /// It was ended by [`Pool::end_a_wait`].
    pub fn was_ended(&self) -> bool {
        lock(&self.pool.waits).iter().all(|wait| !Arc::ptr_eq(&wait.stream, &self.stream))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(&self.pool.waits).retain(|wait| !Arc::ptr_eq(&wait.stream, &self.stream));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn threads(pool: &Pool) -> usize {
        lock(&pool.state).threads
    }

    #[test]
    fn tasks_have_a_thread_each_up_to_the_limit_and_then_wait() {
        let (pool, nowhere) = (Pool::start(4).unwrap(), IpAddr::from([127, 0, 0, 1]));
        let (begun, began) = mpsc::channel();
        let gates: Vec<mpsc::Sender<()>> = (0..6)
            .map(|number| {
                let ((open, gate), begun) = (mpsc::channel(), begun.clone());
                assert_eq!(pool.make_room_for(nowhere), number < 4, "{number}");
                pool.run(move || {
                    begun.send(number).unwrap();
                    let _ = gate.recv();
                });
                if number < 4 {
                    assert_eq!(began.recv().unwrap(), number);
                }
                open
            })
            .collect();
        assert_eq!(threads(&pool), 4);
        assert!(began.try_recv().is_err());
        drop(gates);
        assert_eq!([began.recv().unwrap(), began.recv().unwrap()], [4, 5]);
    }

    #[test]
    fn threads_with_nothing_to_do_end_but_for_the_two_that_are_kept() {
        let pool = Pool::start(4).unwrap();
        let meeting = Arc::new(std::sync::Barrier::new(4 + 1));
        for _ in 0..4 {
            let meeting = Arc::clone(&meeting);
            pool.run(move || {
                meeting.wait();
            });
        }
        meeting.wait(); // so it had four
        let begin = Instant::now();
        while threads(&pool) > KEPT {
            assert!(begin.elapsed() < 10 * IDLE, "two end");
            thread::sleep(Duration::from_millis(50));
        }
        // The others have nothing to do for as long.
        while begin.elapsed() < IDLE + Duration::from_secs(1) {
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(threads(&pool), KEPT);
    }

    #[test]
    fn a_panic_costs_no_thread_and_a_closed_pool_has_none() {
        let pool = Pool::start(1).unwrap();
        let (send, receive) = mpsc::channel();
        for number in 0..2 {
            let send = send.clone();
            pool.run(move || {
                send.send(number).unwrap();
                assert_eq!(number, 1, "on purpose");
            });
        }
        assert_eq!([receive.recv().unwrap(), receive.recv().unwrap()], [0, 1]);
        pool.close();
        let begin = Instant::now();
        while threads(&pool) > 0 {
            assert!(begin.elapsed() < IDLE, "it ends at once");
            thread::yield_now();
        }
    }
}
