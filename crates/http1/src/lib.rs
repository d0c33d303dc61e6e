//! An HTTP/1.1 server: sockets on one side, `rouille::Request` and `rouille::Response` on the
//! other. It is independent of the program behind it. The README has the limits and what the server
//! withstands.
//!
//! **Blocking code, and one waiting room.** Connections that wait for their client lie in one epoll
//! set, the waiting room (`room`), one-shot: who gets the event owns the connection. As many threads
//! as there are cores wait in it (`work::wait`). Each takes up to 16 connections that are ready, reads
//! each once without waiting, has the program look at all whole requests together, answers what is
//! quick, and puts the connections back. Whatever has to wait is plain blocking code (`work`,
//! `deliver`) in a thread of an elastic pool (`pool`): a large body, a handler, an answer that the
//! socket does not take, a stream.
//!
//! ```text
//! server: accept ──→ waiting room ── ready ──→ work::wait: read, look together, answer what is quick
//!                     ↑   ↑   ↑                  │            │
//!                     │   │   └── half a request ┘            │ a large body, work, a slow answer
//!                     │   └────── answered ───────────────────┤
//!                     └────────── answered ── run, deliver ←──┘  in the line, then in the pool
//! ```
//!
//! The modules stand in reading order; each imports only from modules above it.

mod limits;
mod panics;
mod gzip;
mod request;
mod service;
mod chunked;
mod response;
mod incoming;
mod budget;
mod places;
mod connection;
mod room;
mod pool;
mod line;
mod shared;
mod deliver;
mod work;
mod server;

pub use limits::{Limits, LineLimits};
pub use request::Refusal;
pub use response::reason;
pub use server::{Server, Stopper};
pub use service::{Admission, Client, Look, Service, Work, network};
