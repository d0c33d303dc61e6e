//! The places of the table of connections, and which client address has how many of them.

use super::shared::{Peer, Shared};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

/// Which places are taken, and by whom. Only the poll set has it.
pub struct Seats {
    seats: Vec<Option<Seat>>,
    free: Vec<usize>,
    peers: HashMap<IpAddr, (Arc<Peer>, usize)>,
    given: u64,
    /// Connections that are served at one time; the places beyond are for those turned away.
    most: usize,
}

/// A taken place.
struct Seat {
    client: IpAddr,
    /// Counts up, so that the larger is the newer.
    number: u64,
}

impl Seats {
    /// A table for `most` connections, and `spare` more that are turned away with an answer.
    pub fn new(most: usize, spare: usize) -> Seats {
        Seats {
            seats: (0..most + spare).map(|_| None).collect(),
            free: (0..most + spare).rev().collect(),
            peers: HashMap::new(),
            given: 0,
            most,
        }
    }

    /// Places taken.
    pub fn taken(&self) -> usize {
        self.seats.len() - self.free.len()
    }

    /// One more would have to be turned away.
    pub fn is_full(&self) -> bool {
        self.taken() >= self.most
    }

    /// Not even for turning away there is a place.
    pub fn is_crammed(&self) -> bool {
        self.free.is_empty()
    }

    /// A place for a connection of this client.
    pub fn take(&mut self, client: IpAddr, shared: &Shared) -> Option<(usize, Arc<Peer>)> {
        let token = self.free.pop()?;
        self.given += 1;
        if let Some(seat) = self.seats.get_mut(token) {
            *seat = Some(Seat { client, number: self.given });
        }
        let (peer, count) = self.peers.entry(client).or_insert_with(|| (shared.new_peer(), 0));
        *count += 1;
        Some((token, Arc::clone(peer)))
    }

    /// Makes a place free.
    pub fn give_back(&mut self, token: usize) {
        let Some(seat) = self.seats.get_mut(token).and_then(Option::take) else { return };
        self.free.push(token);
        if let Some((_, count)) = self.peers.get_mut(&seat.client) {
            *count -= 1;
            if *count == 0 {
                self.peers.remove(&seat.client);
            }
        }
    }

    /// The tokens of the taken places.
    pub fn tokens(&self) -> impl Iterator<Item = usize> {
        self.seats.iter().enumerate().filter_map(|(token, seat)| seat.is_some().then_some(token))
    }

    /// From whom a place is taken for a newcomer: the address with the most connections, if it has
    /// two more than the newcomer's; and whether it has more than a quarter of all.
    pub fn greediest(&self, newcomer: IpAddr) -> Option<(IpAddr, bool)> {
        let own = self.peers.get(&newcomer).map_or(0, |(_, count)| *count);
        let (client, (_, count)) = self.peers.iter().max_by_key(|(_, (_, count))| *count)?;
        (*count > own + 1).then_some((*client, *count > self.most / 4))
    }

    /// The connections of a client: number, which is larger for newer ones, and token.
    pub fn of(&self, client: IpAddr) -> impl Iterator<Item = (u64, usize)> {
        self.seats.iter().enumerate().filter_map(move |(token, seat)| {
            let seat = seat.as_ref().filter(|seat| seat.client == client)?;
            Some((seat.number, token))
        })
    }
}

/// What counts as one client: an IPv4 address, or the /64 of an IPv6 one, of which everybody has
/// 2^64 addresses.
pub fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::super::shared::tests::shared;
    use super::*;

    #[test]
    fn a_place_is_taken_from_who_has_two_more() {
        let (shared, mut seats) = (shared(Limits::default()), Seats::new(8, 1));
        let [a, b] = [1, 2].map(|last| IpAddr::from([127, 0, 0, last]));
        let mut given = |client| seats.take(client, &shared).map(|_| seats.greediest(b)).unwrap();
        assert_eq!(given(a), None);
        assert_eq!(given(a), Some((a, false)));
        assert_eq!(given(b), None, "or the two would only swap");
        assert_eq!(given(a), Some((a, true)), "more than a quarter of the places");
    }

    #[test]
    fn what_is_given_back_counts_no_more() {
        let (shared, mut seats) = (shared(Limits::default()), Seats::new(8, 1));
        let [a, b] = [1, 2].map(|last| IpAddr::from([127, 0, 0, last]));
        let [first, second, third] = [(); 3].map(|()| seats.take(a, &shared).unwrap().0);
        seats.give_back(third);
        assert_eq!((seats.taken(), seats.greediest(b)), (2, Some((a, false))));
        seats.give_back(second);
        assert_eq!((seats.taken(), seats.greediest(b)), (1, None));
        seats.take(a, &shared).unwrap();
        assert_eq!(seats.greediest(b), Some((a, false)), "the first is still here");
        [first, second, third].into_iter().for_each(|token| seats.give_back(token));
        assert!(seats.taken() == 0 && seats.peers.is_empty());
    }

    #[test]
    fn a_client_is_an_address_or_a_network_of_version_6() {
        let client = |address: &str| client(address.parse().unwrap()).to_string();
        assert_eq!(client("192.0.2.1"), "192.0.2.1");
        assert_eq!(client("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(client("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
