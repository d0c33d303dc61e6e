//! The memory that large bodies, and answers waiting for their client, may take together.

use crate::panics::lock;
use crate::service::Client;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Bytes charged, of all clients and of each.
pub struct Budget {
    most: usize,
    charged: Mutex<Charged>,
}

#[derive(Default)]
struct Charged {
    all: usize,
    of: HashMap<Client, usize>,
}

/// What one request takes. It is given back when this is dropped.
pub struct Charge {
    budget: Arc<Budget>,
    client: Client,
    bytes: usize,
}

impl Budget {
    /// A budget of `most` bytes.
    pub fn new(most: usize) -> Arc<Budget> {
        Arc::new(Budget { most, charged: Mutex::default() })
    }

    /// Nothing yet, for this client.
    pub fn charge(self: &Arc<Budget>, client: Client) -> Charge {
        Charge { budget: Arc::clone(self), client, bytes: 0 }
    }
}

impl Charge {
    /// Takes so many bytes in all from now on; false, and no change, when they are not to be had:
    /// past half of the budget a client has a quarter at most. Giving back always works.
    pub fn set(&mut self, bytes: usize) -> bool {
        let (most, mut charged) = (self.budget.most, lock(&self.budget.charged));
        let all = (charged.all - self.bytes).saturating_add(bytes);
        let own = charged.of.get(&self.client).copied().unwrap_or(0);
        let own = (own - self.bytes).saturating_add(bytes);
        if bytes > self.bytes && (all > most || (all > most / 2 && own > most / 4)) {
            return false;
        }
        charged.all = all;
        match own {
            0 => drop(charged.of.remove(&self.client)),
            _ => drop(charged.of.insert(self.client, own)),
        }
        self.bytes = bytes;
        true
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_half_of_the_memory_is_taken_a_client_has_a_quarter_at_most() {
        let budget = Budget::new(100);
        let mut charges: Vec<_> = (0..5).map(|id| budget.charge(Client::Account(id))).collect();
        assert!(charges[0].set(50), "alone it may have half");
        assert!(!charges[0].set(51));
        assert!(!charges[1].set(26));
        assert!(charges[1].set(25));
        assert!(charges[2].set(25), "the last byte too");
        assert!(charges[0].set(50), "no more than it has");
        assert!(!charges[3].set(1));
        assert!(charges[0].set(25), "giving back always works");
        assert!(charges[3].set(25));
        assert!(!charges[4].set(1));
        let mut more = budget.charge(Client::Account(0));
        assert!(!more.set(1), "two requests of a client count together");
        charges.truncate(1);
        assert!(more.set(25));
        drop((more, charges));
        assert!(lock(&budget.charged).of.is_empty() && lock(&budget.charged).all == 0);
    }
}
