//! Wakes a thread that waits for work: a flag that stays set until it is seen, so that no wake-up is
//! lost between two waits.

use crate::lock::lock;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A flag that one thread waits for.
#[derive(Debug, Default)]
pub struct Notifier {
    set: Mutex<bool>,
    changed: Condvar,
}

impl Notifier {
    /// Sets the flag and wakes who waits.
    pub fn notify(&self) {
        *lock(&self.set) = true;
        self.changed.notify_all();
    }

    /// Waits until the flag is set, at most so long, and clears it.
    pub fn wait(&self, at_most: Duration) {
        let set = lock(&self.set);
        let waited = self.changed.wait_timeout_while(set, at_most, |set| !*set);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}
