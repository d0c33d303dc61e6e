//! The limits that a client can meet; the README says what happens past each. Sizes of batches and of buffers
//! stand where they are used.

use std::time::Duration;

/// Bytes of the request line without its CRLF; past that, 414.
pub const REQUEST_LINE_BYTES: usize = 8 << 10;
/// Bytes of the head with the request line and the empty line; past that, 431. Trailers have the same limit (400),
/// and are dropped.
pub const HEAD_BYTES: usize = 16 << 10;
/// Header fields; past that, 431. Trailers have the same limit (400).
pub const HEADER_FIELDS: usize = 64;
/// Bytes of chunk extensions in one request; past that, 400. They mean nothing to us and are dropped.
pub const CHUNK_EXTENSION_BYTES: usize = 4 << 10;
/// A streamed answer may wait for its client for [`Limits::write_time`] in all, and one second more for each so
/// many bytes that the client has taken.
pub const STREAM_RATE: u64 = 32 << 10;
/// Bytes of what a client still sends after a last answer that are read and thrown away: more than any program's
/// largest body, so that whoever uploads to where that is refused still reads the answer.
pub const LINGER_BYTES: usize = 64 << 20;

/// The limits that a program may set.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at one time. The server takes fewer when the process may not open so many
    /// descriptors; it leaves some for the program behind it.
    pub max_connections: usize,
    /// Threads for what is slow: large bodies, work, answers that the client does not take at once. Past that, the
    /// newest wait of the address with most waits is ended, if it has two more than the newcomer's; else the
    /// newcomer is refused.
    pub threads: usize,
    /// The lines in which work waits; [`Admission::line`](crate::Admission::line) is a place in this list.
    pub lines: Vec<LineLimits>,
    /// Bytes of a body that is received before the program has looked at the head. A larger one is
    /// received after the program has accepted the head.
    pub small_body_bytes: usize,
    /// Bytes of larger bodies and of answers waiting for their client that may lie in memory. Where half of it
    /// would be passed, one client gets no more than a quarter.
    pub buffered_bytes: usize,
    /// From the first byte of a head to its end; past that, 408.
    pub head_time: Duration,
    /// Without a byte between two requests, or before the first; then the connection closes.
    pub idle_time: Duration,
    /// From the end of the head to the end of the body; past that, 408.
    pub body_time: Duration,
    /// Bytes a second that a body must come at, after the first five seconds; below that, 408.
    pub body_rate: u32,
    /// For the client to take a whole answer, and the longest single wait in a stream (`STREAM_RATE`).
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
    /// How many requests run at once.
    pub at_once: usize,
    /// How many may wait; past that, 503 for the newest of the client that has most waiting.
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
