//! The table of connections: which places are taken, and how many by which address.

use crate::panics::lock;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// The places, and who has them.
pub struct Places {
    all: usize,
    /// Connections that are served at one time; the places beyond are for those turned away.
    most: usize,
    taken: Mutex<Taken>,
}

struct Taken {
    free: Vec<usize>,
    of: HashMap<IpAddr, usize>,
    given: u64,
}

/// A taken place. It becomes free when this is dropped.
pub struct Place {
    places: Arc<Places>,
    /// Its number in the table.
    pub token: usize,
    /// Whose it is: an address, or a /64 network.
    pub address: IpAddr,
    /// Counts up, so that the larger is the newer.
    pub number: u64,
}

impl Places {
    /// Places for `most` connections, and `spare` more that are turned away with an answer.
    pub fn new(most: usize, spare: usize) -> Arc<Places> {
        let all = most + spare;
        let taken = Taken { free: (0..all).rev().collect(), of: HashMap::new(), given: 0 };
        Arc::new(Places { all, most, taken: Mutex::new(taken) })
    }

    /// Places, taken or not.
    pub fn all(&self) -> usize {
        self.all
    }

    /// Places taken.
    pub fn taken(&self) -> usize {
        self.all - lock(&self.taken).free.len()
    }

    /// One more would have to be turned away.
    pub fn is_full(&self) -> bool {
        self.taken() >= self.most
    }

    /// A place for a connection of this address.
    pub fn take(self: &Arc<Places>, address: IpAddr) -> Option<Place> {
        let mut taken = lock(&self.taken);
        let token = taken.free.pop()?;
        taken.given += 1;
        *taken.of.entry(address).or_default() += 1;
        Some(Place { places: Arc::clone(self), token, address, number: taken.given })
    }

    /// From whom a place is taken for a newcomer: the address with the most connections, if it has
    /// two more than the newcomer's; and whether it has more than a quarter of all.
    pub fn greediest(&self, newcomer: IpAddr) -> Option<(IpAddr, bool)> {
        let taken = lock(&self.taken);
        let own = taken.of.get(&newcomer).copied().unwrap_or(0);
        let (address, count) = taken.of.iter().max_by_key(|(_, count)| **count)?;
        (*count > own + 1).then_some((*address, *count > self.most / 4))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.places.taken);
        taken.free.push(self.token);
        if let Some(count) = taken.of.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.of.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_from_who_has_two_more() {
        let places = Places::new(8, 1);
        let [a, b] = [1, 2].map(|last| IpAddr::from([127, 0, 0, last]));
        let mut held = Vec::new();
        let mut given = |address| {
            held.push(places.take(address).unwrap());
            places.greediest(b)
        };
        assert_eq!(given(a), None);
        assert_eq!(given(a), Some((a, false)));
        assert_eq!(given(b), None, "or the two would only swap");
        assert_eq!(given(a), Some((a, true)), "more than a quarter of the places");
    }

    #[test]
    fn what_is_given_back_counts_no_more() {
        let places = Places::new(8, 1);
        let [a, b] = [1, 2].map(|last| IpAddr::from([127, 0, 0, last]));
        let [first, second, third] = [(); 3].map(|()| places.take(a).unwrap());
        assert!(first.number < second.number && second.number < third.number);
        drop(third);
        assert_eq!((places.taken(), places.greediest(b)), (2, Some((a, false))));
        drop(second);
        assert_eq!((places.taken(), places.greediest(b)), (1, None));
        drop(first);
        assert!(places.taken() == 0 && lock(&places.taken).of.is_empty());
    }
}
