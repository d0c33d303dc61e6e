//! Every limit of the front on one page.

use std::time::Duration;

/// What a client may take of this server. The defaults are the figures of the design.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at one time. The server takes fewer when the process may not open so many
    /// descriptors; it leaves some for the program behind it.
    pub max_connections: usize,
    /// Threads that run requests.
    pub workers: usize,
    /// How many of them may be busy with what may wait for others, a database above all. The rest
    /// is there for what is quick.
    pub jobs: usize,
    /// Requests that may wait until the program looks at them, and as many jobs that may wait for a
    /// worker; past that, 503.
    pub queue: usize,
    /// Bytes of the request line without its CRLF; past that, 414.
    pub request_line_bytes: usize,
    /// Bytes of the head with the request line and the empty line; past that, 431.
    pub head_bytes: usize,
    /// Header fields, at most 64; past that, 431. Trailers have the same limit, and are dropped.
    pub header_fields: usize,
    /// Bytes of chunk extensions in one request. They mean nothing to us and are dropped.
    pub chunk_extension_bytes: usize,
    /// Bytes of unfinished bodies and unsent answers that may lie in memory, of all connections.
    /// When half of it is taken, one address gets no more than a quarter.
    pub buffered_bytes: usize,
    /// Bytes of these that each connection has without being counted: 16 MiB in all, at the most
    /// connections.
    pub free_bytes: usize,
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
    /// Bytes a second that a client must take of a streamed answer. Only time in which we waited
    /// for the client counts, and only past the first `write_time` of it.
    pub stream_rate: u32,
    /// How long, and for how many bytes, what a client still sends is read and thrown away after
    /// a last answer, so that it sees this answer and no connection reset.
    pub linger_time: Duration,
    /// The bytes of the same.
    pub linger_bytes: usize,
    /// How long a graceful stop waits for requests in flight.
    pub stop_time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_connections: 4096,
            workers: 34,
            jobs: 32,
            queue: 1024,
            request_line_bytes: 8 << 10,
            head_bytes: 16 << 10,
            header_fields: 64,
            chunk_extension_bytes: 4 << 10,
            buffered_bytes: 64 << 20,
            free_bytes: 4 << 10,
            head_time: Duration::from_secs(5),
            idle_time: Duration::from_secs(15),
            body_time: Duration::from_secs(30),
            body_rate: 1 << 10,
            write_time: Duration::from_secs(15),
            stream_rate: 32 << 10,
            linger_time: Duration::from_secs(2),
            linger_bytes: 16 << 20,
            stop_time: Duration::from_secs(25),
        }
    }
}
