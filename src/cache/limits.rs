//! Rate limits: fixed windows that begin with their first request. They are counted in Redis,
//! so that replicas share them and Redis' clock decides; while it does not answer, and when
//! there is none, in this process.

use crate::error::LimitState;
use crate::lock::lock;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What is counted, and how often it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// Names the counter, for example `me:17`.
    pub key: String,
    /// How many a window allows.
    pub limit: u64,
    /// How long a window lasts, in seconds.
    pub window_seconds: u64,
}

impl Counter {
    /// The window, at least one millisecond long as Redis wants it.
    pub(super) fn window_ms(&self) -> u64 {
        self.window_seconds.saturating_mul(1_000).clamp(1, i64::MAX as u64 / 2)
    }

    /// Where `count` requests stand in a window that ends in `left_ms`; below 0: the whole window is left.
    pub(super) fn state(&self, change: Change, count: i64, left_ms: i64) -> LimitState {
        let count = u64::try_from(count).unwrap_or(0);
        let left_ms = u64::try_from(left_ms).unwrap_or(self.window_ms());
        LimitState {
            limit: self.limit,
            remaining: self.limit.saturating_sub(count),
            reset_seconds: left_ms.div_ceil(1_000).max(1),
            exceeded: match change {
                Change::Peek => count >= self.limit,
                Change::Count | Change::GiveBack => count > self.limit,
            },
        }
    }
}

/// What happens to a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// One more.
    Count,
    /// Only look: would one more be too many?
    Peek,
    /// One less, for something that was counted in advance and turned out not to count.
    GiveBack,
}

/// How many maps share the counters of this process, so that threads seldom meet at a lock.
const SHARDS: usize = 16;
/// At most this many counters in one of them: 16 × 8,192 short keys are about 15 MB.
const CAPACITY: usize = 8_192;
/// How many a full map looks at for the one to give up.
const SAMPLE: usize = 16;

/// A running window.
#[derive(Debug)]
struct Window {
    count: i64,
    ends: Instant,
}

/// One map of counters.
#[derive(Debug, Default)]
struct Shard {
    windows: HashMap<String, Window>,
    /// When windows that had ended were last dropped. That looks at every entry, so at most once a second.
    swept: Option<Instant>,
}

/// The counters of this process. Bounded: when a map is full and no windows that have ended were found, or looked
/// for within the last second, the smallest of a few counters goes, so that those over their limit stay.
#[derive(Debug, Default)]
pub(super) struct LocalCounters {
    shards: [Mutex<Shard>; SHARDS],
    hasher: std::hash::RandomState,
}

impl LocalCounters {
    /// Applies `change` to every counter, and returns where each stands then.
    pub(super) fn apply(&self, counters: &[Counter], change: Change) -> Vec<LimitState> {
        let now = Instant::now();
        counters.iter().map(|counter| self.apply_one(counter, change, now)).collect()
    }

    fn apply_one(&self, counter: &Counter, change: Change, now: Instant) -> LimitState {
        let number = self.hasher.hash_one(&counter.key) as usize % SHARDS;
        let Some(shard) = self.shards.get(number) else {
            return counter.state(change, 0, -1); // cannot happen: the number is below SHARDS
        };
        let mut shard = lock(shard);
        let known = shard.windows.get_mut(&counter.key);
        if let Some(window) = known.filter(|window| window.ends > now) {
            match change {
                Change::Count => window.count = window.count.saturating_add(1),
                Change::GiveBack => window.count = (window.count - 1).max(0),
                Change::Peek => {}
            }
            let left = window.ends.duration_since(now).as_millis();
            return counter.state(change, window.count, i64::try_from(left).unwrap_or(i64::MAX));
        }
        if change != Change::Count {
            return counter.state(change, 0, -1);
        }
        let window = Duration::from_millis(counter.window_ms());
        let Some(ends) = now.checked_add(window) else {
            return counter.state(change, 1, -1); // a window longer than the clock can express
        };
        if shard.windows.len() >= CAPACITY && !shard.windows.contains_key(&counter.key) {
            shard.make_room(now);
        }
        shard.windows.insert(counter.key.clone(), Window { count: 1, ends });
        counter.state(change, 1, -1)
    }
}

impl Shard {
    /// Drops what has ended; if that is nothing, the smallest of a few.
    fn make_room(&mut self, now: Instant) {
        let swept = self.swept.is_some_and(|at| now.duration_since(at) < Duration::from_secs(1));
        if !swept {
            self.windows.retain(|_, window| window.ends > now);
            self.swept = Some(now);
        }
        if self.windows.len() >= CAPACITY {
            let smallest = self.windows.iter().take(SAMPLE).min_by_key(|(_, window)| window.count);
            if let Some(key) = smallest.map(|(key, _)| key.clone()) {
                self.windows.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(key: &str, limit: u64) -> Counter {
        Counter { key: key.to_owned(), limit, window_seconds: 60 }
    }

    #[test]
    fn a_window_counts_to_its_limit_and_starts_anew_after_its_end() {
        let (counters, start) = (LocalCounters::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let count = |when| counters.apply_one(&counter("a", 2), Change::Count, when);
        assert_eq!(
            count(at(0)),
            LimitState { limit: 2, remaining: 1, reset_seconds: 60, exceeded: false }
        );
        assert!(!count(at(59)).exceeded);
        assert!(count(at(59)).exceeded && count(at(59)).reset_seconds == 1);
        assert_eq!(count(at(60)).remaining, 1);
    }

    #[test]
    fn peeking_adds_nothing_and_giving_back_takes_one_off() {
        let counters = LocalCounters::default();
        let apply = |change| counters.apply(&[counter("a", 1)], change).remove(0);
        assert!(!apply(Change::Peek).exceeded && apply(Change::Peek).reset_seconds == 60);
        assert_eq!(apply(Change::GiveBack).remaining, 1);
        assert!(!apply(Change::Count).exceeded);
        assert!(apply(Change::Peek).exceeded && apply(Change::Count).exceeded);
        apply(Change::GiveBack);
        assert_eq!(apply(Change::GiveBack).remaining, 1);
        assert!(!apply(Change::Peek).exceeded);
    }

    #[test]
    fn memory_is_bounded_and_who_is_over_the_limit_stays_there() {
        // One moment, however long this takes.
        let (counters, now) = (LocalCounters::default(), Instant::now());
        for _ in 0..3 {
            counters.apply_one(&counter("eve", 1), Change::Count, now);
        }
        for number in 0..SHARDS * CAPACITY * 2 {
            counters.apply_one(&counter(&number.to_string(), 1), Change::Count, now);
        }
        let kept = || -> usize {
            counters.shards.iter().map(|shard| shard.lock().unwrap().windows.len()).sum()
        };
        assert!(kept() <= SHARDS * CAPACITY);
        assert!(counters.apply_one(&counter("eve", 1), Change::Peek, now).exceeded);
        // What has ended makes room for what begins.
        let later = now + Duration::from_secs(60);
        for number in 0..1_000 {
            counters.apply_one(&counter(&format!("later{number}"), 1), Change::Count, later);
        }
        assert_eq!(kept(), 1_000);
    }
}
