//! The chunked transfer coding (RFC 9112, section 7.1), decoded as it comes. Pure.
//!
//! `httparse::parse_chunk_size` takes an empty line as 0 and spaces before the CRLF, so the line
//! is read here, strictly: what two readers can take in two ways is refused.

use crate::limits::{CHUNK_EXTENSION_BYTES, HEAD_BYTES, HEADER_FIELDS};
use crate::request::{Refusal, bad, is_token};

/// Where in the coding we are. The bytes before it are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Size { digits: u8 },
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    Done,
}

/// A decoder for one body.
#[derive(Debug)]
pub struct Chunked {
    place: Place,
    /// The size that is being read, then the bytes of the chunk that are still to come.
    left: u64,
    extension_left: usize,
    trailer_left: usize,
    fields_left: usize,
}

/// What came of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Progress {
    /// So many bytes of the input belong to the body and are done with.
    pub used: usize,
    /// The body is complete, its trailers read and dropped.
    pub done: bool,
}

/// 8 hexadecimal digits: 4 GiB in one chunk, more than any route takes.
const MOST_DIGITS: u8 = 8;

impl Chunked {
    /// A decoder at the start of a body.
    pub fn new() -> Chunked {
        Chunked {
            place: Place::Size { digits: 0 },
            left: 0,
            extension_left: CHUNK_EXTENSION_BYTES,
            trailer_left: HEAD_BYTES,
            fields_left: HEADER_FIELDS,
        }
    }

    /// Decodes `input` and appends the data to `out`, until the input or the body ends, or `out`
    /// has `most` bytes.
    pub fn decode(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        most: usize,
    ) -> Result<Progress, Refusal> {
        let mut used = 0;
        while let Some(rest @ &[byte, ..]) = input.get(used..) {
            if self.place == Place::Done || out.len() >= most {
                break;
            }
            if self.place == Place::Data {
                let left = usize::try_from(self.left).unwrap_or(usize::MAX);
                let take = left.min(rest.len()).min(most - out.len());
                out.extend_from_slice(rest.get(..take).unwrap_or_default());
                used += take;
                self.left -= take as u64;
                if self.left == 0 {
                    self.place = Place::DataCr;
                }
                continue;
            }
            used += 1;
            self.place = self.after(byte)?;
        }
        Ok(Progress { used, done: self.place == Place::Done })
    }

    /// The place after one byte that is not data.
    fn after(&mut self, byte: u8) -> Result<Place, Refusal> {
        let place = match (self.place, byte) {
            (Place::Size { digits }, _) if byte.is_ascii_hexdigit() => {
                if digits == MOST_DIGITS {
                    return Err(bad("A chunk size has more than 8 digits."));
                }
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                self.left = self.left * 16 + u64::from(digit);
                Place::Size { digits: digits + 1 }
            }
            (Place::Size { digits: 1.. }, b'\r') => Place::SizeLf,
            (Place::Size { digits: 1.. }, b';') => Place::Extension,
            (Place::Size { .. }, _) => return Err(bad("A chunk size is malformed.")),
            (Place::Extension, b'\r') => Place::SizeLf,
            (Place::Extension, _) if is_text(byte) => {
                let left = self.extension_left.checked_sub(1);
                self.extension_left = left.ok_or(bad("The chunk extensions are too long."))?;
                Place::Extension
            }
            (Place::SizeLf, b'\n') if self.left == 0 => Place::TrailerStart,
            (Place::SizeLf, b'\n') => Place::Data,
            (Place::DataCr, b'\r') => Place::DataLf,
            (Place::DataLf, b'\n') => Place::Size { digits: 0 },
            (Place::DataCr | Place::DataLf, _) => {
                return Err(bad("The data of a chunk is not followed by CRLF."));
            }
            (Place::TrailerStart, b'\r') => Place::EndLf,
            (Place::EndLf, b'\n') => Place::Done,
            (Place::TrailerStart, _) if is_token(byte) => {
                let left = self.fields_left.checked_sub(1);
                self.fields_left = left.ok_or(bad("There are too many trailer fields."))?;
                Place::TrailerName
            }
            (Place::TrailerName, _) if is_token(byte) => Place::TrailerName,
            (Place::TrailerName, b':') => Place::TrailerValue,
            (Place::TrailerValue, b'\r') => Place::TrailerLf,
            (Place::TrailerValue, _) if is_text(byte) => Place::TrailerValue,
            (Place::TrailerLf, b'\n') => Place::TrailerStart,
            _ => return Err(bad("The chunked body is malformed.")),
        };
        if matches!(place, Place::TrailerName | Place::TrailerValue) {
            let left = self.trailer_left.checked_sub(1);
            self.trailer_left = left.ok_or(bad("The trailer fields are too long."))?;
        }
        Ok(place)
    }
}

/// What a field value may have: no control characters but the tab.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= 32 && byte != 127)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes the body cut into pieces of `step` bytes.
    fn decode(body: &[u8], step: usize) -> Result<(Vec<u8>, usize, bool), Refusal> {
        let (mut decoder, mut out, mut used, mut done) = (Chunked::new(), Vec::new(), 0, false);
        let mut end = 0;
        while end < body.len() && !done {
            end = (end + step).min(body.len());
            let progress = decoder.decode(&body[used..end], &mut out, 1000)?;
            used += progress.used;
            done = progress.done;
        }
        Ok((out, used, done))
    }

    #[test]
    fn a_body_is_the_same_however_it_is_cut() {
        let body = b"4\r\nWiki\r\n6;a=\"b\"\r\npedia \r\n0\r\nX-Sum: 1\r\n\r\nGET";
        for step in 1..=body.len() {
            let (out, used, done) = decode(body, step).unwrap();
            assert_eq!((out.as_slice(), used, done), (&b"Wikipedia "[..], body.len() - 3, true));
        }
    }

    #[test]
    fn data_stops_at_the_bytes_asked_for() {
        let mut out = Vec::new();
        let mut decoder = Chunked::new();
        let progress = decoder.decode(b"9\r\n123456789\r\n0\r\n\r\n", &mut out, 5).unwrap();
        assert_eq!((out.as_slice(), progress), (&b"12345"[..], Progress { used: 8, done: false }));
    }

    #[test]
    fn odd_chunks_are_refused() {
        for body in [
            "\r\n",
            " 1\r\n",
            "+1\r\n",
            "-1\r\n",
            "0x1\r\n",
            "1 \r\n",
            "1\n",
            "g\r\n",
            "1 ;a\r\n",
            "123456789\r\n",
            "1\r\nab",
            "1\r\na\n",
            "1\r\na\rb",
            "0\r\n\n",
            "0\r\n: x\r\n",
            "0\r\nx y: 1\r\n",
            "0\r\nX: 1\n",
            "0\r\n X: 1\r\n",
            "0\r\nX\r\n",
            "1;a\nb",
            "1;a\0\r\n",
        ] {
            assert!(decode(body.as_bytes(), 1).is_err(), "{body:?}");
        }
        let long = |line: &str, n| decode(format!("0\r\n{}", line.repeat(n)).as_bytes(), 99);
        assert!(long("a: b\r\n", 64).is_ok());
        assert!(long("a: b\r\n", 65).is_err());
        assert!(decode(format!("1;{}\r\n", "x".repeat(4097)).as_bytes(), 99).is_err());
        assert!(decode(format!("0\r\na:{}\r\n", "x".repeat(16 << 10)).as_bytes(), 99).is_err());
    }
}
