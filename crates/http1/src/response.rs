//! From a `rouille::Response` to bytes: status line, header fields, body or the start of a stream.

use crate::gzip;
use crate::panics::guarded;
use crate::request::is_token;
use crate::status::reason;
use rouille::Response;
use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::time::SystemTime;

/// What of the request decides about the form of the answer.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// HEAD: the header fields of a GET, no body.
    pub head_only: bool,
    /// Otherwise HTTP/1.0, which has no chunks.
    pub http_1_1: bool,
    /// The connection stays open after this answer.
    pub keep_alive: bool,
    /// The client has said that it sends no more, and all of this request is here.
    pub is_last: bool,
    /// The client wants gzip.
    pub gzip: bool,
}

/// Answers up to this size are built in memory and sent with one write; longer ones, and those of
/// unknown length, are streamed.
const LARGEST_WHOLE: usize = 1 << 20;

/// A streamed answer is sent in parts of about this size.
const PART: usize = 32 << 10;

/// About what the program behind holds of a streamed answer of unknown length: contactd's exports are
/// made in pieces of 250 kB and more (`repository::contacts::exports`).
const PIECE: usize = 512 << 10;

/// The rest of an answer that is pulled from the handler's reader as the client takes it.
pub struct Stream {
    reader: Box<dyn Read + Send>,
    framing: StreamFraming,
}

#[derive(Clone, Copy)]
enum StreamFraming {
    /// Content-Length has been sent; so many bytes are still owed.
    Exact(usize),
    Chunked,
    /// HTTP/1.0: the end of the connection is the end of the answer.
    UntilClose,
}

/// An answer that must not go out as it is. The client gets a 500.
#[derive(Debug)]
pub struct Fault(pub &'static str);

/// Writes the answer, or all of it that is not streamed, to `out`, and returns the stream and
/// whether the connection stays open.
pub fn write(
    response: Response,
    asked: Asked,
    out: &mut Vec<u8>,
) -> Result<(Option<Stream>, bool), Fault> {
    let status = response.status_code;
    if !(200..=599).contains(&status) {
        return Err(Fault("a status that is no final one"));
    }
    let bodiless = matches!(status, 204 | 304);
    let mut keep_alive = asked.keep_alive;
    let start = out.len();
    let version = if asked.http_1_1 { "HTTP/1.1" } else { "HTTP/1.0" };
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{version} {status} {}\r\nDate: {}\r\n", reason(status), date());
    for (name, value) in &response.headers {
        if !is_safe(name, value) {
            out.truncate(start);
            return Err(Fault("a header field with CR, LF, NUL or a malformed name"));
        }
        if is_ours(name) {
            keep_alive &= !(name.eq_ignore_ascii_case("connection")
                && value.to_ascii_lowercase().contains("close"));
            continue;
        }
        field(out, name, value);
    }
    let headers = response.headers;
    let (reader, size) = response.data.into_reader_and_size();

    if bodiless {
        finish_head(out, asked, keep_alive);
        return Ok((None, keep_alive));
    }
    match size {
        Some(size) if size <= LARGEST_WHOLE => {
            whole(reader, size, status, &headers, asked, keep_alive, out)?;
            Ok((None, keep_alive))
        }
        size => {
            let framing = match size {
                Some(size) => {
                    let _ = write!(out, "Content-Length: {size}\r\n");
                    StreamFraming::Exact(size)
                }
                None if asked.http_1_1 => {
                    field(out, "Transfer-Encoding", "chunked");
                    StreamFraming::Chunked
                }
                None => {
                    keep_alive &= asked.head_only;
                    StreamFraming::UntilClose
                }
            };
            finish_head(out, asked, keep_alive);
            Ok(((!asked.head_only).then_some(Stream { reader, framing }), keep_alive))
        }
    }
}

/// The end of a head and a body of known size.
fn whole(
    reader: Box<dyn Read + Send>,
    size: usize,
    status: u16,
    headers: &[(Cow<'_, str>, Cow<'_, str>)],
    asked: Asked,
    keep_alive: bool,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    if gzip::is_eligible(status, headers, size) {
        let varies = |(name, value): &(Cow<'_, str>, Cow<'_, str>)| {
            name.eq_ignore_ascii_case("vary")
                && value.to_ascii_lowercase().contains("accept-encoding")
        };
        if !headers.iter().any(varies) {
            field(out, "Vary", "Accept-Encoding");
        }
        if asked.gzip {
            let mut plain = Vec::with_capacity(size);
            pull(reader, size, &mut plain)?;
            let packed = gzip::compress(&plain).map_err(|_| Fault("gzip failed"))?;
            field(out, "Content-Encoding", "gzip");
            let _ = write!(out, "Content-Length: {}\r\n", packed.len());
            finish_head(out, asked, keep_alive);
            if !asked.head_only {
                out.extend_from_slice(&packed);
            }
            return Ok(());
        }
    }
    let _ = write!(out, "Content-Length: {size}\r\n");
    finish_head(out, asked, keep_alive);
    if asked.head_only { Ok(()) } else { pull(reader, size, out) }
}

/// Reads a body of which the size is known. One that is shorter than it said is a fault of ours.
fn pull(reader: Box<dyn Read + Send>, size: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    out.reserve(size);
    match guarded(|| reader.take(size as u64).read_to_end(out)) {
        Some(Ok(got)) if got == size => Ok(()),
        Some(Ok(_)) => Err(Fault("a body shorter than its size")),
        Some(Err(_)) => Err(Fault("a body that could not be read")),
        None => Err(Fault("a body whose reader panicked")),
    }
}

impl Stream {
    /// The bytes that this stream may hold in memory. Behind a body of known size there is mostly a
    /// buffer of that size; one of unknown size is made piece by piece, as it is read.
    pub fn owed(&self) -> usize {
        match self.framing {
            StreamFraming::Exact(left) => left,
            StreamFraming::Chunked | StreamFraming::UntilClose => PIECE,
        }
    }

    /// Pulls the next part of the answer into `out`, and returns whether it was the last one. May
    /// take as long as the handler's reader takes, so only a worker calls it. After an error the
    /// connection has to be reset, so that the client does not take a part for the whole.
    pub fn pull(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let start = out.len();
        let most = match self.framing {
            StreamFraming::Exact(left) => left.min(PART),
            StreamFraming::Chunked | StreamFraming::UntilClose => PART,
        };
        if matches!(self.framing, StreamFraming::Chunked) {
            // Room for the size line; the size is known when the data is there.
            out.extend_from_slice(b"00000000\r\n");
        }
        let body = out.len();
        let reader = &mut self.reader;
        let read = || reader.by_ref().take(most as u64).read_to_end(out);
        let got = guarded(read).unwrap_or_else(|| Err(io::Error::other("the reader panicked")))?;
        match &mut self.framing {
            StreamFraming::Exact(left) => {
                if got < most {
                    return Err(io::Error::other("the body is shorter than its size"));
                }
                *left -= got;
                Ok(*left == 0)
            }
            StreamFraming::UntilClose => Ok(got < most),
            StreamFraming::Chunked => {
                if got == 0 {
                    out.truncate(start);
                } else if let Some(mut line) = out.get_mut(start..body) {
                    write!(line, "{got:08x}")?;
                    out.extend_from_slice(b"\r\n");
                }
                if got < most {
                    out.extend_from_slice(b"0\r\n\r\n");
                }
                Ok(got < most)
            }
        }
    }
}

/// The answer of last resort, for when the program cannot give one.
pub fn plain_500(out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
}

fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn finish_head(out: &mut Vec<u8>, asked: Asked, keep_alive: bool) {
    match (keep_alive, asked.http_1_1) {
        (false, _) => field(out, "Connection", "close"),
        (true, false) => field(out, "Connection", "keep-alive"),
        (true, true) => {}
    }
    out.extend_from_slice(b"\r\n");
}

/// Fields of the connection, not of the answer: the front alone sets them.
fn is_ours(name: &str) -> bool {
    const OURS: [&str; 7] = [
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "Date",
        "Upgrade",
        "Trailer",
    ];
    OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours))
}

/// No CR, LF or NUL: with one, a value could end the head and begin another answer.
fn is_safe(name: &str, value: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(is_token)
        && !value.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0))
}

/// Now, as an IMF-fixdate (RFC 9110, section 5.6.7).
#[allow(
    clippy::disallowed_methods,
    reason = "Date is the time of this machine, whatever a test says"
)]
fn date() -> httpdate::HttpDate {
    SystemTime::now().into()
}
