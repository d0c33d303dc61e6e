//! What is under way in this process, by name: how many do the same thing at this moment, and a wait
//! for one of them to end.

use crate::lock::lock;
use std::collections::HashMap;
use std::sync::{Condvar, Mutex};
use std::time::Instant;

/// Numbers by name; a name of which nothing is under way takes no memory.
#[derive(Debug, Default)]
pub struct UnderWay {
    numbers: Mutex<HashMap<String, u64>>,
    ended: Condvar,
}

impl UnderWay {
    /// One more is under way; how many that makes. [`UnderWay::leave`] has to follow.
    pub fn enter(&self, name: &str) -> u64 {
        let mut numbers = lock(&self.numbers);
        let number = numbers.entry(name.to_owned()).or_default();
        *number += 1;
        *number
    }

    /// One less is under way.
    pub fn leave(&self, name: &str) {
        let mut numbers = lock(&self.numbers);
        if let Some(number) = numbers.get_mut(name) {
            *number = number.saturating_sub(1);
            if *number == 0 {
                numbers.remove(name);
            }
        }
        self.ended.notify_all();
    }

    /// Waits until something ends, if anything of this name is under way. False after `deadline`.
    pub fn wait(&self, name: &str, deadline: Instant) -> bool {
        let numbers = lock(&self.numbers);
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        if numbers.contains_key(name) {
            drop(self.ended.wait_timeout(numbers, left));
        }
        true
    }
}
