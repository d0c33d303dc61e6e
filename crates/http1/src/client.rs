//! Who a request is charged to.

use std::net::{IpAddr, Ipv6Addr};

/// Whom the program charges for a request: for its place in a line, and for the memory of its body
/// and its answer. Behind a proxy all sockets have one address, so the program says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// An account, by a number that the program gives.
    Account(i64),
    /// A network address; see [`network`].
    Network(IpAddr),
}

impl Client {
    /// The client at this address.
    pub fn at(address: IpAddr) -> Client {
        Client::Network(network(address))
    }
}

/// What counts as one client: an IPv4 address, or the /64 network of an IPv6 address, which is what
/// one customer gets (RFC 6177).
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn a_client_is_an_address_or_a_network_of_version_6() {
        let client = |address: &str| network(address.parse().unwrap()).to_string();
        assert_eq!(client("192.0.2.1"), "192.0.2.1");
        assert_eq!(client("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(client("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
