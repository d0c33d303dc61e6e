//! Every limit of the server on one page.

use std::time::Duration;

/// Bytes of the request line without its CRLF; past that, 414.
pub const REQUEST_LINE_BYTES: usize = 8 << 10;
/// Bytes of the head with the request line and the empty line; past that, 431. Trailers have the same limit,
/// and are dropped.
pub const HEAD_BYTES: usize = 16 << 10;
/// Header fields; past that, 431. Trailers have the same limit.
pub const HEADER_FIELDS: usize = 64;
/// Bytes of chunk extensions in one request. They mean nothing to us and are dropped.
pub const CHUNK_EXTENSION_BYTES: usize = 4 << 10;
/// Bytes a second that a client must take of a streamed answer. Only time spent waiting for the client counts,
/// and only past the first [`Limits::write_time`] of it.
pub const STREAM_RATE: u64 = 32 << 10;
/// Bytes of what a client still sends after a last answer that are read and thrown away: the largest file,
/// 50 MiB, that comes to where it is not wanted.
pub const LINGER_BYTES: usize = 64 << 20;

/// What a client may take of this server, as far as a program may want it otherwise. The README explains the
/// figures.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at one time. The server takes fewer when the process may not open so many
    /// descriptors; it leaves some for the program behind it.
    pub max_connections: usize,
    /// Threads for what is slow: large bodies, work, answers that the client does not take. Past
    /// that, the newest of the address that has most waiting for its clients is closed.
    pub threads: usize,
    /// The lines in which work waits; [`Admission::line`](crate::Admission::line) is a place in this list.
    pub lines: Vec<LineLimits>,
    /// Bytes of a body that is received before the program has looked at the head. A larger one is
    /// received after the program has accepted the head.
    pub small_body_bytes: usize,
    /// Bytes of larger bodies and of answers waiting for their client that may lie in memory. When
    /// half of it is taken, one client gets no more than a quarter.
    pub buffered_bytes: usize,
    /// From the first byte of a head to its end; past that, 408.
    pub head_time: Duration,
    /// Without a byte between two requests, or before the first; then the connection closes.
    pub idle_time: Duration,
    /// From the end of the head to the end of the body; past that, 408.
    pub body_time: Duration,
    /// Bytes a second that a body must come at, after the first five seconds; below that, 408.
    pub body_rate: u32,
    /// For the client to take an answer, or the next part of a streamed one.
    pub write_time: Duration,
    /// How long what a client still sends is read and thrown away after a last answer, so that it sees this
    /// answer and no connection reset.
    pub linger_time: Duration,
    /// How long a graceful stop waits for requests in flight.
    pub stop_time: Duration,
}

/// A line in which work waits, without a thread, until it may run.
#[derive(Debug, Clone)]
pub struct LineLimits {
    /// How much runs at once.
    pub at_once: usize,
    /// How much may wait; past that, 503 for the newest of the client that has most waiting.
    pub places: usize,
    /// How long it may wait; past that, 503.
    pub wait: Duration,
}

impl Default for LineLimits {
    fn default() -> LineLimits {
        LineLimits { at_once: 32, places: 1024, wait: Duration::from_secs(2) }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_connections: 4096,
            threads: 512,
            lines: vec![LineLimits::default()],
            small_body_bytes: 16 << 10,
            // Half of it is what one client gets alone: the largest file, 50 MiB, has to fit.
            buffered_bytes: 128 << 20,
            head_time: Duration::from_secs(5),
            idle_time: Duration::from_secs(15),
            body_time: Duration::from_secs(30),
            body_rate: 1 << 10,
            write_time: Duration::from_secs(15),
            linger_time: Duration::from_secs(2),
            stop_time: Duration::from_secs(25),
        }
    }
}
