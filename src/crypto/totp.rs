//! Time-based one-time passwords (RFC 6238) as authenticators make them: SHA-1, 6 digits, 30 seconds,
//! one step of tolerance for clocks that differ.

use super::random::random;
use super::typed;
use crate::error::Result;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;

/// Seconds of a step.
const STEP: i64 = 30;
/// Steps before and after the present one whose codes count too.
const TOLERANCE: i64 = 1;
/// Digits of a code.
const DIGITS: usize = 6;

/// A new secret: 160 bits, as RFC 4226, 4, recommends.
pub fn secret() -> Result<[u8; 20]> {
    random()
}

/// HOTP (RFC 4226, 5.3) of a step, as a number of `digits` digits.
fn code(secret: &[u8], step: i64, digits: usize) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let mac = hmac::sign(&key, &step.to_be_bytes());
    let mac = mac.as_ref();
    let offset = usize::from(mac.last().copied().unwrap_or_default() & 15);
    let four = mac.iter().skip(offset).take(4).fold(0, |all, byte| all << 8 | u32::from(*byte));
    let number = u64::from(four & 0x7fff_ffff) % 10_u64.pow(u32::try_from(digits).unwrap_or(6));
    format!("{number:0digits$}")
}

/// The step whose code this is, if it is one of those that count at `seconds` since 1970 and newer
/// than `last`, the step of the last code that was taken.
pub fn step(secret: &[u8], typed: &str, seconds: i64, last: i64) -> Option<i64> {
    // In the digits of any script: keyboards have those of their language.
    let typed = vcard::fold(typed).replace(' ', "");
    if typed.len() != DIGITS {
        return None;
    }
    let now = seconds.div_euclid(STEP);
    let mut steps = (now - TOLERANCE).max(last + 1)..=now + TOLERANCE;
    steps.find(|step| is_same(code(secret, *step, DIGITS).as_bytes(), typed.as_bytes()))
}

/// Compares in the same time whatever differs.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// What is stored of a recovery code: its HMAC with the second factor's secret, so that the database
/// alone is not enough to try all 2^50 of them.
pub fn recovery_digest(secret: &[u8], code: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, format!("recovery code {code}").as_bytes()).as_ref().to_vec()
}

/// The address that authenticators read from a QR code.
pub fn uri(secret: &[u8], issuer: &str, account: &str) -> String {
    let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let (issuer, account) = (escape(issuer), escape(account));
    let secret = typed::base32(secret);
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    /// RFC 6238, appendix B.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, expected) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(code(SECRET, seconds / 30, 8), expected);
            assert_eq!(step(SECRET, &expected[2..], seconds, 0), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_counts_for_a_step_before_and_after_and_once() {
        let typed = code(SECRET, 100, 6);
        for (seconds, counts) in [(2_969, false), (2_970, true), (3_059, true), (3_060, false)] {
            assert_eq!(step(SECRET, &typed, seconds, 0).is_some(), counts, "{seconds}");
        }
        assert_eq!(step(SECRET, &format!(" {} {}", &typed[..3], &typed[3..]), 3_000, 0), Some(100));
        assert_eq!(step(SECRET, &typed, 3_000, 99), Some(100));
        assert_eq!(step(SECRET, &typed, 3_000, 100), None);
        // As keyboards of Japan, Iran and Arabia write digits.
        for zero in ['\u{ff10}', '\u{6f0}', '\u{660}'] {
            let other = |c: char| char::from_u32(u32::from(c) - 48 + u32::from(zero)).unwrap();
            let typed = typed.chars().map(other).collect::<String>();
            assert_eq!(step(SECRET, &typed, 3_000, 0), Some(100), "{typed}");
        }
        for wrong in ["", "12345", "1234567", &code(b"another", 100, 6)] {
            assert_eq!(step(SECRET, wrong, 3_000, 0), None, "{wrong}");
        }
    }

    #[test]
    fn an_address_for_authenticators() {
        assert_eq!(
            uri(b"foobar", "contacts.example", "ann b"),
            "otpauth://totp/contacts%2Eexample:ann%20b?secret=MZXW6YTBOI&issuer=contacts%2Eexample\
             &algorithm=SHA1&digits=6&period=30"
        );
    }
}
