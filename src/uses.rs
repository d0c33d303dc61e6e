//! Remembers what was written down lately, so that the last use of a secret costs a statement once in
//! a while and not at every request. Lost with the process, which costs one statement more.

use chrono::{DateTime, Duration, Utc};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Most secrets that are remembered; past that all are forgotten. 10,000 are about 2 MB.
const MOST: usize = 10_000;
/// Most networks of one secret.
const NETWORKS: usize = 20;

#[derive(Debug)]
struct Use {
    at: DateTime<Utc>,
    networks: Vec<String>,
}

/// The uses of secrets, by their ids.
#[derive(Debug)]
pub struct Uses {
    period: Duration,
    noted: Mutex<HashMap<i64, Use>>,
}

impl Uses {
    /// One use in a period is to be written down.
    pub fn new(period: Duration) -> Uses {
        Uses { period, noted: Mutex::default() }
    }

    /// True if a use of `id` is to be written down: the first one in a period, and the first one
    /// from `network`. Counts as written by that.
    pub fn is_due(&self, id: i64, network: &str, now: DateTime<Utc>) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= MOST && !noted.contains_key(&id) {
            noted.clear();
        }
        let this = noted
            .entry(id)
            .or_insert_with(|| Use { at: DateTime::UNIX_EPOCH, networks: Vec::new() });
        let known = this.networks.iter().any(|known| known == network);
        if known && now - this.at < self.period {
            return false;
        }
        if !known {
            this.networks.truncate(NETWORKS - 1);
            this.networks.insert(0, network.to_owned());
        }
        this.at = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_due_once_in_a_period_and_for_each_network() {
        let uses = Uses::new(Duration::minutes(1));
        let at = |seconds| DateTime::UNIX_EPOCH + Duration::days(1) + Duration::seconds(seconds);
        assert!(uses.is_due(1, "a", at(0)) && !uses.is_due(1, "a", at(59)));
        assert!(uses.is_due(2, "a", at(1)) && uses.is_due(1, "b", at(59)));
        assert!(!uses.is_due(1, "a", at(60)) && uses.is_due(1, "a", at(119)));
        for id in 3..20_003 {
            uses.is_due(id, "a", at(119));
        }
        assert!(uses.noted.lock().unwrap().len() <= MOST);
    }
}
