//! A counting semaphore for work that eats a machine when too much of it runs at once: hashing
//! passwords, decoding pictures. So many at once, so many waiting, each only so long.

use crate::error::{Error, Result};
use crate::lock::lock;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A semaphore with a number of places and a bounded queue before it. All time here is monotonic.
#[derive(Debug)]
pub struct Semaphore {
    slots: usize,
    queue: usize,
    wait: Duration,
    state: Mutex<State>,
    handed: Condvar,
}

/// `busy + handed <= slots` and `handed <= waiting`, always.
#[derive(Debug)]
struct State {
    /// Permits that are out.
    busy: usize,
    /// Threads that wait, those included for whom a place was put aside.
    waiting: usize,
    /// Places put aside for waiting threads. A newcomer cannot take one, so no thread overtakes the
    /// queue.
    handed: usize,
}

/// A place. It is given back when this value goes, also by a panic.
#[derive(Debug)]
#[must_use = "the place is given back as soon as the permit is dropped"]
pub struct Permit<'a>(&'a Semaphore);

impl Semaphore {
    /// A semaphore that lets `slots` in at once, keeps at most `queue` more waiting, and none of them
    /// longer than `wait`.
    pub const fn new(slots: usize, queue: usize, wait: Duration) -> Semaphore {
        let state = State { busy: 0, waiting: 0, handed: 0 };
        Semaphore { slots, queue, wait, state: Mutex::new(state), handed: Condvar::new() }
    }

    /// Waits for a place. Fails with [`Error::Unavailable`]: at once when the queue is full, or
    /// when no place became free in time.
    pub fn enter(&self) -> Result<Permit<'_>> {
        let mut state = lock(&self.state);
        if state.busy + state.handed < self.slots {
            state.busy += 1;
            return Ok(Permit(self));
        }
        if state.waiting >= self.queue {
            let (slots, queue) = (self.slots, self.queue);
            return Err(Error::Unavailable(format!("{slots} at work and {queue} waiting")));
        }
        state.waiting += 1;
        let waited = self.handed.wait_timeout_while(state, self.wait, |state| state.handed == 0);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        // A place put aside at the very end of the wait still counts; this is looked at under the
        // lock, so none is lost between a hand-over and a thread that gives up.
        if state.handed == 0 {
            return Err(Error::Unavailable(format!("no place became free in {:?}", self.wait)));
        }
        state.handed -= 1;
        state.busy += 1;
        Ok(Permit(self))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.busy -= 1;
        if state.waiting > state.handed {
            state.handed += 1;
            self.0.handed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::thread;
    use std::time::Instant;

    fn until(what: impl Fn() -> bool) {
        let start = Instant::now();
        while !what() {
            assert!(start.elapsed() < Duration::from_secs(10), "waited too long");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn never_more_inside_than_there_are_places_and_everybody_gets_in() {
        let semaphore = Semaphore::new(3, 64, Duration::from_secs(30));
        let (inside, most, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let permit = semaphore.enter().unwrap();
                        most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                        thread::yield_now();
                        inside.fetch_sub(1, SeqCst);
                        drop(permit);
                        done.fetch_add(1, SeqCst);
                    }
                });
            }
        });
        assert_eq!((done.into_inner(), most.into_inner()), (2_000, 3));
        let state = lock(&semaphore.state);
        assert_eq!((state.busy, state.waiting, state.handed), (0, 0, 0));
    }

    #[test]
    fn a_full_queue_refuses_at_once_and_a_wait_ends() {
        let semaphore = Semaphore::new(1, 1, Duration::from_secs(3));
        let permit = semaphore.enter().unwrap();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| semaphore.enter().map(drop));
            until(|| lock(&semaphore.state).waiting == 1);
            let start = Instant::now();
            assert!(matches!(semaphore.enter(), Err(Error::Unavailable(_))));
            assert!(start.elapsed() < Duration::from_secs(2));
            assert!(matches!(waiter.join().unwrap(), Err(Error::Unavailable(_))));
        });
        drop(permit);
        assert!(semaphore.enter().is_ok(), "giving up must not cost a place");
    }

    #[test]
    fn a_place_goes_to_the_one_who_waits_and_not_to_a_newcomer() {
        let semaphore = Semaphore::new(1, 1, Duration::from_secs(10));
        let permit = semaphore.enter().unwrap();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| semaphore.enter().map(drop).is_ok());
            until(|| lock(&semaphore.state).waiting == 1);
            drop(permit);
            assert!(waiter.join().unwrap());
        });
    }

    #[test]
    fn a_panic_gives_the_place_back() {
        let semaphore = Semaphore::new(1, 0, Duration::ZERO);
        let result = std::panic::catch_unwind(|| {
            let _permit = semaphore.enter().unwrap();
            panic!("as planned");
        });
        assert!(result.is_err() && semaphore.enter().is_ok());
    }

    #[test]
    fn storms_of_timeouts_lose_no_place() {
        let semaphore = Semaphore::new(2, 64, Duration::from_micros(300));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        if let Ok(_permit) = semaphore.enter() {
                            thread::sleep(Duration::from_micros(100));
                        }
                    }
                });
            }
        });
        let (first, second) = (semaphore.enter(), semaphore.enter());
        assert!(first.is_ok() && second.is_ok());
    }
}
