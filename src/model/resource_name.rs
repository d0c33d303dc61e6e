//! The name of a card among the paths of CardDAV.
//!
//! Any octets but NUL are a name (RFC 4918 leaves them to the client), and a URL may write each of
//! them in several ways. So a name is kept in one way: percent-encoded, as it stands in hrefs. It is
//! ASCII text then, and two names are the same if their texts are.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// All that RFC 3986 (2.3) does not call unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The most octets of a name that a client gives: it has to fit into an index of Postgres.
pub const MAX: usize = 1_000;

/// One segment of a path, as it stands in a URL, in the one way in which it is kept. None for what
/// is no segment: nothing, `.` and `..`, NUL, a percent sign that escapes nothing.
pub fn canonical(segment: &str) -> Option<String> {
    let mut escapes = segment.split('%').skip(1);
    let is_escape = |after: &str| {
        after.len() >= 2 && after.bytes().take(2).all(|octet| octet.is_ascii_hexdigit())
    };
    if !escapes.all(is_escape) {
        return None;
    }
    let octets = octets(segment);
    let wrong = matches!(octets.as_slice(), b"" | b"." | b"..") || octets.contains(&0);
    (!wrong).then(|| encoded(&octets))
}

/// These octets as they are kept.
pub fn encoded(octets: &[u8]) -> String {
    percent_encode(octets, ESCAPED).to_string()
}

/// The octets of a segment.
pub fn octets(segment: &str) -> Vec<u8> {
    percent_decode_str(segment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_ways_to_write_a_name_are_one() {
        for (written, kept) in [
            ("a@b.vcf", "a%40b.vcf"),
            ("%61%40b.vcf", "a%40b.vcf"),
            ("a%2Fb", "a%2Fb"),
            ("a%2fb", "a%2Fb"),
            ("a b+,c~", "a%20b%2B%2Cc~"),
            ("ü", "%C3%BC"),
            ("%FF", "%FF"),
        ] {
            assert_eq!(canonical(written).as_deref(), Some(kept), "{written}");
            assert_eq!(canonical(kept).as_deref(), Some(kept));
        }
    }

    #[test]
    fn what_is_no_segment_is_no_name() {
        for wrong in ["", ".", "..", "%2e%2E", "a%00", "a%", "a%2", "a%zz", "%üa"] {
            assert_eq!(canonical(wrong), None, "{wrong}");
        }
        assert!(canonical(&"ü".repeat(100)).is_some());
    }
}
