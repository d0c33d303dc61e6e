//! Takes turns at an owner's address book. Whoever writes there holds a lock in Postgres until the
//! commit, and whoever waits for that lock holds a connection. So the wait is here, before a
//! connection is taken: a long import, and a client that writes all the while, cost their own
//! account time, and nobody else a connection.

use crate::error::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a writer waits for its turn; as long as Postgres lets it wait for a lock.
const WAIT: Duration = Duration::from_secs(2);
/// So many may wait that long. More wait [`SHORT_WAIT`] only, because each of them holds a worker.
const PATIENT: usize = 8;
/// Long enough for a burst of writes to be through.
const SHORT_WAIT: Duration = Duration::from_millis(250);

#[derive(Default)]
struct Line {
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Default)]
struct State {
    writing: usize,
    waiting: usize,
}

/// Who writes and who waits, by owner.
pub struct Turns {
    lines: Mutex<HashMap<i64, Arc<Line>>>,
    at_once: usize,
}

/// A turn. It ends when this is dropped.
pub struct Turn<'a> {
    turns: &'a Turns,
    owner: i64,
    line: Arc<Line>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turns {
    /// So many writers of one owner at once, at least one.
    pub fn new(at_once: usize) -> Turns {
        Turns { lines: Mutex::default(), at_once: at_once.max(1) }
    }

    /// Waits for a turn. [`Error::Unavailable`] when none came in time.
    pub fn take(&self, owner: i64) -> Result<Turn<'_>> {
        let line = Arc::clone(lock(&self.lines).entry(owner).or_default());
        // Made before the wait, so that whoever gives up cleans up too.
        let turn = Turn { turns: self, owner, line };
        let mut state = lock(&turn.line.state);
        let patience = if state.waiting < PATIENT { WAIT } else { SHORT_WAIT };
        state.waiting += 1;
        let full = |state: &mut State| state.writing >= self.at_once;
        let waited = turn.line.left.wait_timeout_while(state, patience, full);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.writing += 1;
        let late = state.writing > self.at_once;
        drop(state);
        if late {
            return Err(Error::Unavailable("the address book is being written to".to_owned()));
        }
        Ok(turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut lines = lock(&self.turns.lines);
        lock(&self.line.state).writing -= 1;
        self.line.left.notify_one();
        // The map's and this one: nobody else is here, and nobody comes while the map is locked.
        if Arc::strong_count(&self.line) == 2 {
            lines.remove(&self.owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    #[test]
    fn a_burst_gets_through_a_few_at_a_time_and_leaves_nothing_behind() {
        let turns = Turns::new(2);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| {
                    let _turn = turns.take(1).unwrap();
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(most.into_inner(), 2);
        assert!(lock(&turns.lines).is_empty());
    }

    #[test]
    fn who_waits_too_long_is_told_and_another_owner_does_not_wait() {
        let turns = Turns::new(1);
        let held = turns.take(1).unwrap();
        let began = Instant::now();
        assert!(turns.take(2).is_ok());
        assert!(began.elapsed() < SHORT_WAIT);
        assert!(matches!(turns.take(1), Err(Error::Unavailable(_))));
        assert!(began.elapsed() >= WAIT);
        drop(held);
        assert!(turns.take(1).is_ok());
        assert!(lock(&turns.lines).is_empty());
    }

    #[test]
    fn past_a_few_the_wait_is_short() {
        let turns = Turns::new(1);
        let _held = turns.take(1).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..PATIENT {
                scope.spawn(|| assert!(turns.take(1).is_err()));
            }
            while lock(&lock(&turns.lines)[&1].state).waiting < PATIENT {
                std::thread::yield_now();
            }
            let began = Instant::now();
            assert!(turns.take(1).is_err());
            assert!(began.elapsed() < WAIT);
        });
        assert_eq!(lock(&lock(&turns.lines)[&1].state).waiting, 0);
    }
}
