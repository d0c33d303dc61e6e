//! The name of a card among the paths of CardDAV.
//!
//! Any octets but NUL are a name (RFC 4918 leaves them to the client), and a URL may write each of
//! them in several ways. So a name is kept in one way: percent-encoded, as it stands in hrefs. It is
//! ASCII text then, and two names are the same if their texts are.

use super::text;
use percent_encoding::percent_decode_str;

/// The most octets of a name that a client gives: it has to fit into an index of Postgres.
pub const MAX: usize = 1_000;

/// One segment of a path, as it stands in a URL, in the one way in which it is kept. None for what
/// is no segment: nothing, `.` and `..`, NUL, a percent sign that escapes nothing.
pub fn canonical(segment: &str) -> Option<String> {
    if !text::is_percent_encoded(segment.as_bytes()) {
        return None;
    }
    let octets = octets(segment);
    let wrong = matches!(octets.as_slice(), b"" | b"." | b"..") || octets.contains(&0);
    (!wrong).then(|| encoded(&octets))
}

/// These octets as they are kept.
pub fn encoded(octets: &[u8]) -> String {
    text::percent_encoded(octets)
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
