//! Slots for what an owner does at once: writing, looking through a whole book, sending one. A writer holds a
//! lock in Postgres until the commit, and a writer that waits for this lock holds a connection. So it waits
//! here, before it takes a connection: a long import, and a client that writes all the while, cost their own
//! account time, and no other account a connection.

use crate::error::{Error, Result};
use crate::lock::lock;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a writer waits for a slot; as long as Postgres lets it wait for a lock.
const WAIT: Duration = Duration::from_secs(2);
/// Long enough for a burst of writes to be through.
const SHORT_WAIT: Duration = Duration::from_millis(250);

#[derive(Default)]
struct Line {
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Default)]
struct State {
    busy: usize,
    waiting: usize,
}

type Lines = Mutex<HashMap<i64, Arc<Line>>>;

/// Who has a slot and who waits, by owner.
pub struct OwnerSlots {
    lines: Arc<Lines>,
    at_once: usize,
    long_waits: usize,
}

/// A slot. It is free again when this is dropped.
pub struct Slot {
    lines: Arc<Lines>,
    owner: i64,
    line: Arc<Line>,
}

impl OwnerSlots {
    /// So many slots of one owner, at least one. `long_waits` may wait for two seconds; more wait for a
    /// quarter of one only, because each of them holds a thread.
    pub fn new(at_once: usize, long_waits: usize) -> OwnerSlots {
        OwnerSlots { lines: Arc::default(), at_once: at_once.max(1), long_waits }
    }

    /// Waits for a slot. [`Error::Unavailable`] when none came in time.
    pub fn take(&self, owner: i64) -> Result<Slot> {
        let mut lines = lock(&self.lines);
        let line = Arc::clone(lines.entry(owner).or_default());
        // Made before the wait, so that whoever gives up cleans up too.
        let slot = Slot { lines: Arc::clone(&self.lines), owner, line };
        let mut state = lock(&slot.line.state);
        let longest = if state.waiting < self.long_waits { WAIT } else { SHORT_WAIT };
        state.waiting += 1;
        // Not before it counts in the line: nobody takes that away now.
        drop(lines);
        let full = |state: &mut State| state.busy >= self.at_once;
        let waited = slot.line.left.wait_timeout_while(state, longest, full);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.busy += 1;
        let late = state.busy > self.at_once;
        drop(state);
        if late {
            return Err(Error::Unavailable("the address book is busy".to_owned()));
        }
        Ok(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut lines = lock(&self.lines);
        let mut state = lock(&self.line.state);
        state.busy -= 1;
        // A system call, whether a thread waits or not.
        if state.waiting > 0 {
            self.line.left.notify_one();
        }
        // Nobody else has the line, and nobody gets it while the map is locked.
        if (state.busy, state.waiting) == (0, 0) {
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
        let slots = OwnerSlots::new(2, 8);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| {
                    let _slot = slots.take(1).unwrap();
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(most.into_inner(), 2);
        assert!(lock(&slots.lines).is_empty());
    }

    /// Of two that leave at the same time, one asks whether it is the last while the other one still has its
    /// part of the line.
    #[test]
    fn whoever_leaves_last_cleans_up_though_another_one_still_has_the_line() {
        let slots = OwnerSlots::new(2, 8);
        let slot = slots.take(1).unwrap();
        let _line_of_the_other = Arc::clone(&slot.line);
        drop(slot);
        assert!(lock(&slots.lines).is_empty());
    }

    #[test]
    fn who_waits_too_long_is_told_and_another_owner_does_not_wait() {
        let slots = OwnerSlots::new(1, 2);
        let held = slots.take(1).unwrap();
        let began = Instant::now();
        assert!(slots.take(2).is_ok());
        assert!(began.elapsed() < WAIT);
        assert!(matches!(slots.take(1), Err(Error::Unavailable(_))));
        assert!(began.elapsed() >= WAIT);
        drop(held);
        assert!(slots.take(1).is_ok());
        assert!(lock(&slots.lines).is_empty());
    }

    #[test]
    fn past_a_few_the_wait_is_short() {
        let slots = OwnerSlots::new(1, 2);
        let _held = slots.take(1).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert!(slots.take(1).is_err()));
            }
            while lock(&lock(&slots.lines)[&1].state).waiting < 2 {
                std::thread::yield_now();
            }
            let began = Instant::now();
            assert!(slots.take(1).is_err());
            assert!(began.elapsed() < WAIT);
        });
        assert_eq!(lock(&lock(&slots.lines)[&1].state).waiting, 0);
    }
}
