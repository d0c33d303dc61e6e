//! From a `rouille::Response` to bytes: status line, header fields, body or the start of a stream.

use crate::gzip;
use crate::panics::guarded;
use crate::request::is_token;
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
    /// The client wants gzip.
    pub gzip: bool,
}

/// Answers up to this size are built in memory and sent with one write; longer ones, and those of
/// unknown length, are streamed.
const LARGEST_WHOLE: usize = 1 << 20;

/// A streamed answer is sent in parts of about this size.
const PART: usize = 32 << 10;

/// About what the program behind holds of a streamed answer of unknown length: contactd's exports are
/// made in pieces of 250 kB and more (`handlers::rest::streams`).
const PIECE: usize = 512 << 10;

/// The rest of an answer that is pulled from the handler's reader as the client takes it.
pub struct Stream {
    reader: Box<dyn Read + Send>,
    framing: Framing,
}

#[derive(Clone, Copy)]
enum Framing {
    /// Content-Length has been sent; so many bytes are still owed.
    Exact(usize),
    Chunked,
    /// HTTP/1.0: the end of the connection is the end of the answer.
    UntilClose,
}

/// Writes the answer, or all of it that is not streamed, to `out`, and returns the stream and
/// whether the connection stays open. An answer that must not go out as it is is an error, which says
/// why: the client gets a 500.
pub fn write(
    response: Response,
    asked: Asked,
    out: &mut Vec<u8>,
) -> Result<(Option<Stream>, bool), &'static str> {
    let Response { status_code: status, headers, data, .. } = response;
    if !(200..=599).contains(&status) {
        return Err("a status that is no final one");
    }
    let mut keep_alive = asked.keep_alive;
    let version = if asked.http_1_1 { "HTTP/1.1" } else { "HTTP/1.0" };
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{version} {status} {}\r\nDate: {}\r\n", reason(status), date());
    for (name, value) in &headers {
        // With CR, LF or NUL a value could end the head and begin another answer.
        if name.is_empty() || !name.bytes().all(is_token) || value.contains(['\r', '\n', '\0']) {
            return Err("a header field with CR, LF, NUL or a malformed name");
        }
        if !OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            field(out, name, value);
        } else if name.eq_ignore_ascii_case("connection") {
            keep_alive &= !value.to_ascii_lowercase().contains("close");
        }
    }
    let (mut whole, mut stream) = (Vec::new(), None);
    match data.into_reader_and_size() {
        _ if matches!(status, 204 | 304) => {}
        (reader, Some(size)) if size <= LARGEST_WHOLE => {
            whole = pull(reader, size)?;
            if gzip::is_eligible(status, &headers, size) {
                if !headers.iter().any(varies_by_encoding) {
                    field(out, "Vary", "Accept-Encoding");
                }
                if asked.gzip {
                    whole =
                        gzip::compress(&whole).map_err(|_| "a body that cannot be compressed")?;
                    field(out, "Content-Encoding", "gzip");
                }
            }
            field(out, "Content-Length", &whole.len().to_string());
        }
        (reader, size) => {
            let framing = match size {
                Some(size) => {
                    field(out, "Content-Length", &size.to_string());
                    Framing::Exact(size)
                }
                None if asked.http_1_1 => {
                    field(out, "Transfer-Encoding", "chunked");
                    Framing::Chunked
                }
                None => {
                    keep_alive &= asked.head_only;
                    Framing::UntilClose
                }
            };
            stream = Some(Stream { reader, framing });
        }
    }
    match (keep_alive, asked.http_1_1) {
        (false, _) => field(out, "Connection", "close"),
        (true, false) => field(out, "Connection", "keep-alive"),
        (true, true) => {}
    }
    out.extend_from_slice(b"\r\n");
    if asked.head_only {
        return Ok((None, keep_alive));
    }
    out.extend_from_slice(&whole);
    Ok((stream, keep_alive))
}

/// Reads a body of which the size is known. One that is shorter than it said is a fault of ours.
fn pull(reader: Box<dyn Read + Send>, size: usize) -> Result<Vec<u8>, &'static str> {
    let mut body = Vec::with_capacity(size);
    match guarded(|| reader.take(size as u64).read_to_end(&mut body)) {
        Some(Ok(got)) if got == size => Ok(body),
        Some(Ok(_)) => Err("a body shorter than its size"),
        Some(Err(_)) => Err("a body that could not be read"),
        None => Err("a body whose reader panicked"),
    }
}

fn varies_by_encoding((name, value): &(Cow<'_, str>, Cow<'_, str>)) -> bool {
    name.eq_ignore_ascii_case("vary") && value.to_ascii_lowercase().contains("accept-encoding")
}

impl Stream {
    /// The bytes that this stream may hold in memory. Behind a body of known size there is mostly a
    /// buffer of that size; one of unknown size is made piece by piece, as it is read.
    pub fn owed(&self) -> usize {
        match self.framing {
            Framing::Exact(left) => left,
            Framing::Chunked | Framing::UntilClose => PIECE,
        }
    }

    /// Pulls the next part of the answer into `out`, and returns whether it was the last one. May
    /// take as long as the handler's reader takes, so only a worker calls it. After an error the
    /// connection has to be reset, so that the client does not take a part for the whole.
    pub fn pull(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let start = out.len();
        let most = match self.framing {
            Framing::Exact(left) => left.min(PART),
            Framing::Chunked | Framing::UntilClose => PART,
        };
        if matches!(self.framing, Framing::Chunked) {
            // Room for the size line; the size is known when the data is there.
            out.extend_from_slice(b"00000000\r\n");
        }
        let body = out.len();
        let reader = &mut self.reader;
        let read = || reader.by_ref().take(most as u64).read_to_end(out);
        let got = guarded(read).unwrap_or_else(|| Err(io::Error::other("the reader panicked")))?;
        match &mut self.framing {
            Framing::Exact(left) => {
                if got < most {
                    return Err(io::Error::other("the body is shorter than its size"));
                }
                *left -= got;
                Ok(*left == 0)
            }
            Framing::UntilClose => Ok(got < most),
            Framing::Chunked => {
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
pub const PLAIN_500: &[u8] =
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Fields of the connection, not of the answer: the server alone sets them.
const OURS: [&str; 7] = [
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Keep-Alive",
    "Date",
    "Upgrade",
    "Trailer",
];

/// Now, as an IMF-fixdate (RFC 9110, section 5.6.7).
#[allow(
    clippy::disallowed_methods,
    reason = "Date is the time of this machine, whatever a test says"
)]
fn date() -> httpdate::HttpDate {
    SystemTime::now().into()
}

/// The reason phrase of a status (RFC 9110, section 15; RFC 4918, section 11), which people read and programs do not; empty for an unknown one.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        207 => "Multi-Status",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        422 => "Unprocessable Content",
        423 => "Locked",
        424 => "Failed Dependency",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::reason;
    use hyper::StatusCode;

    #[test]
    fn reasons_are_those_of_the_registry() {
        let known: Vec<_> = (100..600).filter(|&status| !reason(status).is_empty()).collect();
        assert_eq!(known.len(), 39);
        for status in known {
            let registered = match status {
                // Their names in RFC 9110, which hyper does not have yet.
                413 => Some("Content Too Large"),
                422 => Some("Unprocessable Content"),
                _ => StatusCode::from_u16(status).unwrap().canonical_reason(),
            };
            assert_eq!(Some(reason(status)), registered);
        }
    }
}
