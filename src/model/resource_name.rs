//! The name of a card among the paths of CardDAV.
//!
//! Any octets but NUL are a name (RFC 4918 leaves them to the client), and a URL may write each of
//! them in several ways. So a name is kept in one way: percent-encoded, as it stands in hrefs. It is
//! ASCII text then, and two names are the same if their texts are.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use ring::digest;
use std::fmt::Write;

/// All that RFC 3986 (2.3) does not call unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The longest name, encoded: it has to fit into an index of Postgres.
const MAX: usize = 1_000;

/// One segment of a path, as it stands in a URL, in the one way in which it is kept. None for what
/// is no segment: nothing, `.` and `..`, NUL, a percent sign that escapes nothing, what is too long.
pub fn canonical(segment: &str) -> Option<String> {
    let mut escapes = segment.split('%').skip(1);
    let is_escape = |after: &str| {
        after.len() >= 2 && after.bytes().take(2).all(|octet| octet.is_ascii_hexdigit())
    };
    if !escapes.all(is_escape) {
        return None;
    }
    encoded(&percent_decode_str(segment).collect::<Vec<u8>>())
}

fn encoded(octets: &[u8]) -> Option<String> {
    if matches!(octets, b"" | b"." | b"..") || octets.contains(&0) {
        return None;
    }
    Some(percent_encode(octets, ESCAPED).to_string()).filter(|name| name.len() <= MAX)
}

/// The name of a card that no CardDAV client gave one: `{uid}.vcf`, or the digest of a UID that is
/// too long for it.
pub fn for_uid(uid: &str) -> String {
    encoded(format!("{uid}.vcf").as_bytes()).unwrap_or_else(|| {
        let mut name = String::new();
        for octet in digest::digest(&digest::SHA256, uid.as_bytes()).as_ref() {
            let _ = write!(name, "{octet:02x}");
        }
        name + ".vcf"
    })
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
        assert_eq!(canonical(&"a".repeat(1_001)), None);
    }

    #[test]
    fn every_uid_makes_a_name() {
        assert_eq!(for_uid("urn:uuid:1"), "urn%3Auuid%3A1.vcf");
        assert_eq!(for_uid("").len(), 4);
        let (one, other) = (for_uid(&"😀".repeat(255)), for_uid(&"😁".repeat(255)));
        assert!(one != other && canonical(&one).as_deref() == Some(one.as_str()));
    }
}
