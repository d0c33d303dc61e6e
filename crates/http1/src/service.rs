//! What the server needs of the program behind it, and whom it charges for what.

use crate::panics::guarded;
use crate::request::Refusal;
use rouille::{Request, Response};
use std::net::{IpAddr, Ipv6Addr};

/// The program behind the server. Requests that are here at the same time are looked at together,
/// in three steps: each begins, the program looks something up for all of them at once, and each is
/// decided. A panic in a step of one request is a 500 for that request, a panic in the step of all
/// of them is a 500 for each.
pub trait Service: Send + Sync + 'static {
    /// A request between the steps.
    type InFlight: Send;

    /// The largest body in bytes that the route of this method and target takes; 0 for an unknown
    /// route. Must not block.
    fn body_limit(&self, method: &str, target: &str) -> u64;

    /// Begins with a request. Its body comes later, with the [`Work`]. Must not block.
    fn begin(&self, request: Request) -> Self::InFlight;

    /// Looks something up for all of them, in one round trip to another program.
    fn look_up(&self, _together: &mut [Self::InFlight]) {}

    /// The answer, or the work that gives one. Must not wait for a client, nor for anything without a short bound.
    fn decide(&self, in_flight: Self::InFlight) -> Look;

    /// The answer to what is no request (400, 408, 414, 417, 431, 501, 505), to one too many (503)
    /// and to one whose handler failed (500). `origin` is the request's Origin field, if one came.
    /// Must not block.
    fn refuse(&self, refusal: Refusal, origin: Option<&str>) -> Response;

    /// Gets the number of open connections, at least every tenth of a second.
    fn set_connections(&self, _open: usize) {}
}

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

/// What a look at a request has come to.
pub enum Look {
    /// The answer. A large body that was not received yet never will be.
    Answer(Response),
    /// There is something to wait for.
    Work(Admission, Work),
}

/// Where a request waits, and whom that is charged to.
#[derive(Debug, Clone, Copy)]
pub struct Admission {
    /// The line it waits in, a place in [`Limits::lines`](crate::Limits::lines).
    pub line: usize,
    /// Whom it is charged to.
    pub client: Client,
    /// How much of this client's work may run at once, this included, for this to begin.
    pub most: usize,
    /// The request is accepted: a large body is received before the work begins. Otherwise the work finds
    /// out whether it is.
    pub is_accepted: bool,
}

/// What is done in a thread of its own, when its turn has come. Gets the body if all of it is here, and
/// then gives the answer. Without a body, of which the client has some still to send, it gives an answer
/// that needs none, or work that is accepted.
///
/// A body larger than its route takes was not received: one with a Content-Length is empty then, a chunked
/// one has one byte more than the limit. So the program can say 404 or 401 before it says 413. A panic
/// becomes a 500.
pub type Work = Box<dyn FnOnce(Option<Vec<u8>>) -> Look + Send>;

/// A [`Service`] with its panics caught.
pub trait Program: Send + Sync {
    /// 0 after a panic.
    fn body_limit(&self, method: &str, target: &str) -> u64;
    /// One entry for each request, in their order; none after a panic.
    fn look(&self, requests: Vec<Request>) -> Vec<Option<Look>>;
    /// None after a panic.
    fn refuse(&self, refusal: Refusal, origin: Option<&str>) -> Option<Response>;
    /// See [`Service::set_connections`].
    fn set_connections(&self, open: usize);
}

impl<S: Service> Program for S {
    fn body_limit(&self, method: &str, target: &str) -> u64 {
        guarded(|| Service::body_limit(self, method, target)).unwrap_or(0)
    }

    fn look(&self, requests: Vec<Request>) -> Vec<Option<Look>> {
        let (mut begun, mut together) = (Vec::with_capacity(requests.len()), Vec::new());
        for request in requests {
            let in_flight = guarded(|| self.begin(request));
            begun.push(in_flight.is_some());
            together.extend(in_flight);
        }
        if guarded(|| self.look_up(&mut together)).is_none() {
            return begun.iter().map(|_| None).collect();
        }
        let mut together = together.into_iter();
        let decide = |begun| {
            let in_flight = if begun { together.next() } else { None };
            in_flight.and_then(|it| guarded(|| self.decide(it)))
        };
        begun.into_iter().map(decide).collect()
    }

    fn refuse(&self, refusal: Refusal, origin: Option<&str>) -> Option<Response> {
        guarded(|| Service::refuse(self, refusal, origin))
    }

    fn set_connections(&self, open: usize) {
        guarded(|| Service::set_connections(self, open));
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
