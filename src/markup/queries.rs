//! Queries of addresses, encoded.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A query of these parameters, encoded.
pub fn query(pairs: &[(&str, &str)]) -> String {
    joined(pairs, |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string())
}

/// The same for a link on a page, where browsers encode the letters of other scripts by themselves: a third
/// as long.
pub fn link(pairs: &[(&str, &str)]) -> String {
    let one = |letter: char| match letter.is_ascii() || !letter.is_alphanumeric() {
        true => utf8_percent_encode(letter.encode_utf8(&mut [0; 4]), NON_ALPHANUMERIC).to_string(),
        false => letter.to_string(),
    };
    joined(pairs, |text| text.chars().map(one).collect())
}

fn joined(pairs: &[(&str, &str)], encode: impl Fn(&str) -> String) -> String {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    pairs.map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&")
}
