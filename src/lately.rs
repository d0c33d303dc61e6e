//! What happened lately, remembered in this process: which secrets were shown to be true, what tokens said,
//! when the last use of a secret was written down, and in which books a search took long. What is lost with
//! the process is found out again: the next request with each app password or cookie is a guess once more, so that
//! its account is loaded from Postgres, its count is moved in Redis, and its use is noted again.

use crate::lock::lock;
use chrono::{DateTime, Duration, Utc};
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

/// Most entries of each map here; past that all are forgotten. 10,000 secrets are 1 to 4 MB.
const MOST: usize = 10_000;
/// Most networks of one secret.
const NETWORKS: usize = 20;
/// How long a secret that was true is no guess.
const LIFE: Duration = Duration::hours(1);

/// A map that forgets everything when it is full.
#[derive(Debug)]
pub struct Bounded<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Bounded<K, V> {
        Bounded(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Bounded<K, V> {
    /// The map, with room for an entry of this key.
    fn lock_for(&self, key: &K) -> MutexGuard<'_, HashMap<K, V>> {
        let mut map = lock(&self.0);
        if map.len() >= MOST && !map.contains_key(key) {
            map.clear();
        }
        map
    }
}

impl<K: Eq + Hash, V: Copy> Bounded<K, V> {
    /// What is remembered of this; whether it still holds, the caller checks.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        lock(&self.0).get(key).copied()
    }

    /// Remembers this of it.
    pub fn set(&self, key: K, what: V) {
        self.lock_for(&key).insert(key, what);
    }
}

/// Digests of secrets, and when each was shown to be true. One that was is no guess: its request is
/// counted for its account at once, and looked up in the cache.
#[derive(Debug, Default)]
pub struct Proven(Bounded<String, DateTime<Utc>>);

impl Proven {
    /// True if the secret with this digest was true lately. It may have ended since.
    pub fn contains(&self, digest: &str, now: DateTime<Utc>) -> bool {
        self.0.get(digest).is_some_and(|at| now - at < LIFE)
    }

    /// The secret is true, or is not.
    pub fn set(&self, digest: &str, is_true: bool, now: DateTime<Utc>) {
        if is_true {
            self.0.set(digest.to_owned(), now);
        } else {
            lock(&self.0.0).remove(digest);
        }
    }
}

#[derive(Debug)]
struct Use {
    at: DateTime<Utc>,
    networks: Vec<Option<IpAddr>>,
}

/// The uses of secrets, by their ids, so that writing down the last one costs a statement once in a while and
/// not at every request.
#[derive(Debug)]
pub struct Uses {
    period: Duration,
    noted: Bounded<i64, Use>,
}

impl Uses {
    /// One use in a period is to be written down.
    pub fn new(period: Duration) -> Uses {
        Uses { period, noted: Bounded::default() }
    }

    /// True if a use of `id` is to be written down: the first one in a period, and the first one
    /// from `network`, where that matters (the period is one for all networks). The caller has to write it now:
    /// from here on it counts as written, even where that fails.
    pub fn is_due(&self, id: i64, network: Option<IpAddr>, now: DateTime<Utc>) -> bool {
        let mut noted = self.noted.lock_for(&id);
        let this = noted
            .entry(id)
            .or_insert_with(|| Use { at: DateTime::UNIX_EPOCH, networks: Vec::new() });
        let known = this.networks.contains(&network);
        // A clock that was ahead for a while is no reason to write nothing until then.
        if known && (now - this.at).abs() < self.period {
            return false;
        }
        if !known {
            this.networks.truncate(NETWORKS - 1);
            this.networks.insert(0, network);
        }
        this.at = now;
        true
    }
}

/// Owners with a search that took long lately, and when that was.
#[derive(Debug, Default)]
pub struct SlowBooks(Bounded<i64, Instant>);

/// How long a book counts as slow after a slow search. A quick one does not end that: a page without words is quick
/// in any book.
const SLOW_FOR: std::time::Duration = std::time::Duration::from_secs(60);

impl SlowBooks {
    /// True if a search of the owner took long within the last minute.
    pub fn contains(&self, owner: i64) -> bool {
        self.0.get(&owner).is_some_and(|at| at.elapsed() < SLOW_FOR)
    }

    /// Notes that a search of the owner took long, and when.
    pub fn add(&self, owner: i64, at: Instant) {
        self.0.set(owner, at);
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
        assert!(lock(&proven.0.0).len() <= MOST);
    }

    #[test]
    fn a_use_is_due_once_in_a_period_and_for_each_network() {
        let uses = Uses::new(Duration::minutes(1));
        let (a, b) = (None, Some(IpAddr::from([203, 0, 113, 1])));
        let at = |seconds| DateTime::UNIX_EPOCH + Duration::days(1) + Duration::seconds(seconds);
        assert!(uses.is_due(1, a, at(0)) && !uses.is_due(1, a, at(59)));
        assert!(uses.is_due(2, a, at(1)) && uses.is_due(1, b, at(59)));
        assert!(!uses.is_due(1, a, at(60)) && uses.is_due(1, a, at(119)));
        for id in 3..20_003 {
            uses.is_due(id, a, at(119));
        }
        assert!(lock(&uses.noted.0).len() <= MOST);
    }

    #[test]
    fn a_book_stays_slow_for_a_minute() {
        let books = SlowBooks::default();
        books.add(1, Instant::now());
        assert!(books.contains(1) && !books.contains(2));
        books.add(2, Instant::now().checked_sub(SLOW_FOR).unwrap());
        assert!(!books.contains(2));
    }
}
