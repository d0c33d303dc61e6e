//! Secrets that people type: app passwords, recovery codes, and the Base32 of a second factor.
//!
//! An app password is 160 random bits in Crockford's Base32, which has no letters that look like
//! digits, behind the account's id in the same letters: `3k-7x2m-9qf4-…`. Whatever a phone makes of
//! it (capitals, spaces, no hyphens, o for 0) is read as the same.

use super::random::{digest_text, random, token_hash};
use crate::error::Result;

/// Crockford's letters.
const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The letters of RFC 4648, 6: what authenticators read.
const RFC4648: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Letters of the secret: 160 bits.
const SECRET: usize = 32;
/// Letters of a recovery code: 50 bits.
const RECOVERY: usize = 10;

fn encode(bytes: &[u8], letters: &[u8; 32]) -> String {
    let mut text = String::new();
    let (mut bits, mut left) = (0_u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        left += 8;
        while left >= 5 {
            left -= 5;
            push(&mut text, letters, bits >> left);
        }
        bits &= (1 << left) - 1;
    }
    if left > 0 {
        push(&mut text, letters, bits << (5 - left));
    }
    text
}

fn push(text: &mut String, letters: &[u8; 32], value: u32) {
    let letter = letters.get((value & 31) as usize).copied().unwrap_or(b'0');
    text.push(char::from(letter));
}

/// RFC 4648's Base32, without padding.
pub fn base32(bytes: &[u8]) -> String {
    encode(bytes, RFC4648)
}

/// What was typed in Crockford's letters, or nothing if it is something else.
fn normal(typed: &str) -> Option<String> {
    let kept = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
    let letter = |c: char| match c.to_ascii_lowercase() {
        'o' => Some('0'),
        'i' | 'l' => Some('1'),
        'u' => None,
        c => c.is_ascii_alphanumeric().then_some(c),
    };
    kept.map(letter).collect()
}

fn grouped(text: &str, size: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    let groups = letters.chunks(size).map(|group| group.iter().collect::<String>());
    groups.collect::<Vec<_>>().join("-")
}

/// A new app password of an account, as it is shown once, and the digest that is stored of it.
pub fn app_password(user: i64) -> Result<(String, Vec<u8>)> {
    let mut id = String::new();
    let mut rest = user.unsigned_abs();
    loop {
        let digit = CROCKFORD.get((rest & 31) as usize).copied().unwrap_or(b'0');
        id.insert(0, char::from(digit));
        rest >>= 5;
        if rest == 0 {
            break;
        }
    }
    let secret = encode(&random::<20>()?, CROCKFORD);
    Ok((format!("{id}-{}", grouped(&secret, 4)), app_password_digest(user, &secret)))
}

/// The account that a typed app password is for, and the digest that is stored of it, as text;
/// nothing if it cannot be an app password.
pub fn read_app_password(typed: &str) -> Option<(i64, String)> {
    // An id has at most 13 letters; more than this, spaces included, is no password of ours.
    if typed.len() > 200 {
        return None;
    }
    let text = normal(typed)?;
    let (id, secret) = text.split_at_checked(text.len().checked_sub(SECRET)?)?;
    if id.is_empty() || id.starts_with('0') {
        return None;
    }
    let digit = |c: u8| CROCKFORD.iter().position(|known| *known == c);
    let user = id
        .bytes()
        .try_fold(0_i64, |id, c| id.checked_mul(32)?.checked_add(i64::try_from(digit(c)?).ok()?))?;
    Some((user, digest_text(&app_password_digest(user, secret))))
}

fn app_password_digest(user: i64, secret: &str) -> Vec<u8> {
    token_hash(&format!("{user} {secret}"))
}

/// A new recovery code of 50 random bits.
pub fn recovery_code() -> Result<String> {
    let letters: String = encode(&random::<7>()?, CROCKFORD).chars().take(RECOVERY).collect();
    Ok(grouped(&letters, 5))
}

/// A typed recovery code as it is hashed; nothing if it cannot be one.
pub fn read_recovery_code(typed: &str) -> Option<String> {
    normal(typed).filter(|text| text.len() == RECOVERY)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, 10.
    #[test]
    fn base32_is_that_of_the_rfc() {
        for (plain, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(plain.as_bytes()), text);
        }
    }

    #[test]
    fn an_app_password_holds_its_account_and_160_bits_and_can_be_typed() {
        for user in [1, 31, 32, 1_000_000, i64::MAX] {
            let (shown, digest) = app_password(user).unwrap();
            let read = read_app_password(&shown).unwrap();
            assert_eq!(read, (user, digest_text(&digest)), "{shown}");
            let (other, _) = app_password(user).unwrap();
            assert_ne!(shown, other);
            let swapped =
                shown.to_uppercase().replace('-', " ").replace('0', "O").replace('1', "l");
            assert_eq!(read_app_password(&swapped), Some(read.clone()));
            assert_eq!(read_app_password(&shown.replace('-', "")), Some(read.clone()));
            assert_eq!(shown.replace('-', "").len(), shown.split('-').next().unwrap().len() + 32);
            assert_ne!(read_app_password(&other).unwrap().1, read.1);
        }
        let zeros = "0".repeat(32);
        for wrong in ["", "1", &zeros, &format!("0{zeros}"), &format!("1u{zeros}"), "é", "пароль"]
        {
            assert_eq!(read_app_password(wrong), None, "{wrong}");
        }
        assert_eq!(read_app_password(&format!("{}{zeros}", "z".repeat(14))), None);
    }

    #[test]
    fn a_recovery_code_has_fifty_bits() {
        let code = recovery_code().unwrap();
        assert_eq!(code.len(), 11);
        assert_eq!(read_recovery_code(&code.to_uppercase()).unwrap(), code.replace('-', ""));
        assert_eq!(read_recovery_code("123456"), None);
    }
}
