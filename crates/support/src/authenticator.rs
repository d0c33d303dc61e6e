//! What an authenticator shows: RFC 6238, written down a second time.

use chrono::{DateTime, Utc};
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

/// What Base32 stands for (RFC 4648, without padding).
pub fn base32(text: &str) -> Vec<u8> {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bytes, mut bits, mut left) = (Vec::new(), 0_u64, 0);
    for letter in text.chars() {
        bits = bits << 5 | letters.find(letter).unwrap() as u64;
        left += 5;
        if left >= 8 {
            left -= 8;
            bytes.push((bits >> left & 255) as u8);
        }
    }
    bytes
}

/// The code of a secret in Base32 at an instant.
pub fn code(secret: &str, at: DateTime<Utc>) -> String {
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(secret));
    let mac = sign(&key, &(at.timestamp() / 30).to_be_bytes());
    let mac = mac.as_ref();
    let at = usize::from(mac[19] & 15);
    let four = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", four % 1_000_000)
}
