//! The front: sockets on one side, `rouille::Request` and `rouille::Response` on the other. It
//! knows nothing of contacts.
//!
//! One thread, the poll set, accepts connections and holds all that wait for their client. Worker
//! threads run the handlers; **a worker never waits for a client**. A connection goes from one to
//! the other through the `queue`, and is always owned by exactly one of them:
//!
//! ```text
//!   accept → parked in the poll set ── an event ──→ queue ──→ worker: read, handler, write
//!                ↑        │  ↑                         ↑            │
//!                │        └──┘ half a request,         └────────────┤ a job that may wait
//!                │             a blocked answer                     │
//!                └───────── nothing to read, nothing to write ←─────┘
//! ```
//!
//! A worker takes all connections that are ready together and has the program look at their
//! requests in one go (`Service::prepare`). What may wait goes through the queue once more,
//! alone, so that no request waits for another's.
//!
//! Read `limits` for what a client may take, `request` and `chunked` for what counts as a
//! request, `connection` for the life of one, `listener` for who gets in.

#![allow(clippy::vec_box, reason = "a connection moves often; its box does not move it")]

mod admission;
mod chunked;
mod connection;
mod gzip;
mod incoming;
mod limits;
mod listener;
mod outgoing;
mod queue;
mod request;
mod response;
mod seats;
mod setup;
mod shared;
mod stop;
mod worker;

use rouille::{Request, Response};

pub use limits::Limits;
pub use listener::Server;
pub use stop::Stopper;

/// What the front needs of the program behind it.
pub trait Service: Send + Sync + 'static {
    /// The largest body in bytes that the route of this method and target takes; 0 for an unknown
    /// route. Must not block: it is called between the connections of other clients.
    fn body_limit(&self, method: &str, target: &str) -> u64;

    /// Answers one request. A body larger than its route takes was not read: a Content-Length
    /// above [`body_limit`](Service::body_limit) comes with an empty body, and a chunked body with
    /// one byte more than the limit. So the program can say 404 or 401 before it says 413.
    ///
    /// A panic is survived and becomes a 500.
    fn respond(&self, request: &Request) -> Response;

    /// Looks at requests that are here at the same time, so that the program can ask another one
    /// about all of them at once. The result has as many entries, in the same order; a panic
    /// becomes a 500 for all of them. What would make others wait is left for a job.
    fn prepare(&self, requests: &[Request]) -> Vec<Prepared> {
        requests.iter().map(|_| Prepared::Respond).collect()
    }

    /// The answer to what is no request (400, 408, 414, 417, 431, 501, 505), to one too many (503)
    /// and to one whose handler failed (500). Must not block.
    fn refuse(&self, status: u16, detail: &'static str) -> Response;

    /// Is told how many connections are open, a tenth of a second after that changed at the latest.
    fn set_connections(&self, _open: usize) {}
}

/// What `Service::prepare` has made of a request.
pub enum Prepared {
    /// The answer.
    Answer(Response),
    /// What gives the answer and may take its time, on a worker of its own. A panic is survived.
    Job(Job),
    /// Nothing: [`Service::respond`] has to answer.
    Respond,
}

/// Answers the request that it was made for.
pub type Job = Box<dyn FnOnce(&Request) -> Response + Send>;
