//! The one way in which this process locks a [`Mutex`].

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks it, though a thread may have panicked with the lock: nothing that is locked here is ever left
/// half changed.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
