//! `Content-Encoding: gzip` for answers that are text, long enough and asked for.

use std::borrow::Cow;
use std::io::{self, Write};

/// Shorter answers fit into one packet anyway.
const LEAST_BYTES: usize = 1024;

/// Whether an answer of this kind is compressed for a client that wants it. The same for every
/// client, so it also says which answers get `Vary: Accept-Encoding`.
///
/// An answer with a strong ETag is left as it is: the tag names these very bytes, and a weak one
/// would never pass the client's later `If-Match` (RFC 9110, section 8.8.3).
pub fn is_eligible(status: u16, headers: &[(Cow<'_, str>, Cow<'_, str>)], size: usize) -> bool {
    if size <= LEAST_BYTES || status == 206 {
        return false;
    }
    let mut text = false;
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("content-type") {
            text = is_text(value);
        } else if name.eq_ignore_ascii_case("content-encoding")
            || (name.eq_ignore_ascii_case("etag") && !value.starts_with("W/"))
            || (name.eq_ignore_ascii_case("cache-control") && value.contains("no-transform"))
        {
            return false;
        }
    }
    text
}

/// Content types that shrink: text (HTML, CSV, vCard, calendar), JSON and scripts.
fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || kind.ends_with("+json")
        || matches!(kind.as_str(), "application/json" | "application/javascript" | "image/svg+xml")
}

/// Whether this `Accept-Encoding` asks for gzip, at least as much as for the plain bytes
/// (RFC 9110, section 12.5.3).
pub fn is_accepted(accept_encoding: &str) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    for item in accept_encoding.split(',') {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = match parameters.trim().strip_prefix(['q', 'Q']) {
            Some(q) => q.trim_start().trim_start_matches('=').trim().parse().unwrap_or(0.0),
            None => 1.0_f32,
        };
        match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "identity" => identity = Some(weight),
            "*" => any = Some(weight),
            _ => {}
        }
    }
    let wanted = gzip.or(any).unwrap_or(0.0);
    wanted > 0.0 && wanted >= identity.unwrap_or(0.0)
}

/// The bytes compressed. At the fast level: a page of contacts takes a tenth of a millisecond, and
/// higher ones save few bytes more.
pub fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let room = Vec::with_capacity(bytes.len() / 4);
    let mut encoder = flate2::write::GzEncoder::new(room, flate2::Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_used_when_it_is_asked_for() {
        for yes in [
            "gzip",
            "GZIP",
            "x-gzip",
            "br, gzip;q=0.5",
            "*",
            "*;q=0.1",
            "gzip ; q=1.0",
            "identity;q=0.5, gzip;q=0.5",
            "deflate, gzip;q=1.0, *;q=0",
        ] {
            assert!(is_accepted(yes), "{yes}");
        }
        for no in [
            "",
            "identity",
            "br",
            "gzip;q=0",
            "gzip;q=0.0",
            "*;q=0",
            "gzip;q=x",
            "*, gzip;q=0",
            "identity, gzip;q=0.5",
            "gzipped",
        ] {
            assert!(!is_accepted(no), "{no}");
        }
    }

    #[test]
    fn only_long_plain_text_without_a_strong_etag_is_compressed() {
        let with_status = |status, headers: &[(&'static str, &'static str)], size| {
            let headers: Vec<_> = headers.iter().map(|&(n, v)| (n.into(), v.into())).collect();
            is_eligible(status, &headers, size)
        };
        let eligible = |headers: &[_], size| with_status(200, headers, size);
        assert!(eligible(&[("Content-Type", "application/json")], 1025));
        assert!(!eligible(&[("Content-Type", "application/json")], 1024));
        assert!(eligible(&[("content-type", "application/problem+json")], 2000));
        assert!(eligible(&[("Content-Type", "text/html; charset=utf-8")], 2000));
        assert!(eligible(&[("Content-Type", "text/vcard"), ("ETag", "W/\"1\"")], 2000));
        assert!(!eligible(&[("Content-Type", "text/vcard"), ("ETag", "\"1\"")], 2000));
        assert!(!eligible(&[("Content-Type", "image/png")], 2000));
        assert!(!eligible(&[("Content-Type", "text/csv"), ("Content-Encoding", "br")], 2000));
        assert!(!eligible(
            &[("Content-Type", "text/csv"), ("Cache-Control", "no-transform")],
            2000
        ));
        assert!(eligible(&[("Content-Type", "text/csv"), ("Cache-Control", "no-store")], 2000));
        assert!(eligible(&[("Content-Type", "Image/SVG+XML")], 2000));
        assert!(
            !with_status(206, &[("Content-Type", "text/csv")], 2000),
            "a part of the plain bytes"
        );
        assert!(!eligible(&[], 2000));
    }
}
