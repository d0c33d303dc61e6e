//! Remembers which secrets were shown to be true lately. One that was is no guess: its request is
//! counted for its account at once, and looked up in the cache. Lost with the process, which costs the
//! next request with each secret a statement and two round trips to Redis more.

use chrono::{DateTime, Duration, Utc};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most secrets that are remembered; past that all are forgotten. 10,000 are about 1 MB.
const MOST: usize = 10_000;
/// How long one is remembered.
const LIFE: Duration = Duration::hours(1);

/// Digests of secrets, and when each was shown to be true.
#[derive(Debug, Default)]
pub struct Proven(Mutex<HashMap<String, DateTime<Utc>>>);

impl Proven {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, DateTime<Utc>>> {
        // A thread that panicked here left whole entries behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if the secret with this digest was true lately. It may have ended since.
    pub fn contains(&self, digest: &str, now: DateTime<Utc>) -> bool {
        self.lock().get(digest).is_some_and(|at| now - *at < LIFE)
    }

    /// The secret is true, or is not.
    pub fn set(&self, digest: &str, is_true: bool, now: DateTime<Utc>) {
        let mut proven = self.lock();
        if !is_true {
            proven.remove(digest);
            return;
        }
        if proven.len() >= MOST && !proven.contains_key(digest) {
            proven.clear();
        }
        proven.insert(digest.to_owned(), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_true_is_remembered_for_an_hour_or_until_it_is_not() {
        let (proven, now) = (Proven::default(), DateTime::UNIX_EPOCH);
        assert!(!proven.contains("a", now));
        proven.set("a", true, now);
        proven.set("b", true, now);
        proven.set("b", false, now);
        let later = |minutes| now + Duration::minutes(minutes);
        assert!(proven.contains("a", later(59)) && !proven.contains("a", later(60)));
        assert!(!proven.contains("b", now));
        for number in 0..MOST * 2 {
            proven.set(&number.to_string(), true, now);
        }
        assert!(proven.lock().len() <= MOST);
    }
}
