//! Random tokens, and digests.

use crate::error::{Error, Result};
use crate::model::text;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ring::rand::{SecureRandom, SystemRandom};

/// Bytes from the operating system's generator.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::internal("no random bytes"))?;
    Ok(bytes)
}

/// An opaque secret of 256 bits, as 43 URL-safe characters.
pub fn random_token() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// An opaque secret of 256 bits that says whose it is: `17-` and 43 URL-safe characters. So each
/// look-up begins with the account.
pub fn token_for(user: i64) -> Result<String> {
    Ok(format!("{user}-{}", random_token()?))
}

/// The account in a token of [`token_for`], or of any that begins in the same way.
pub fn owner_of(token: &str) -> Option<i64> {
    let (id, _) = token.split_once('-')?;
    text::id(id)
}

/// A random UUID (RFC 9562, version 4) in its usual form.
pub fn random_uuid() -> Result<String> {
    Ok(uuid(u128::from_be_bytes(random()?), 4))
}

/// A UUID (version 7, RFC 9562) that begins with an instant; `number` puts those of one instant in order.
/// An index grows at its end by them, in half the room that random ones take.
pub fn ordered_uuid(at: DateTime<Utc>, number: usize) -> Result<String> {
    let micros = u128::try_from(at.timestamp_micros()).unwrap_or(0) + number as u128;
    // 48 bits of milliseconds, 4 of the version, 10 of microseconds; the rest is random.
    let time = ((micros / 1_000) << 80) | ((micros % 1_000) << 66);
    Ok(uuid(time | (u128::from_be_bytes(random()?) >> 62), 7))
}

/// The UUID of these bytes, the same each time (RFC 9562, version 8): the beginning of their SHA-256.
pub fn uuid_of(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let bits = digest.as_ref().iter().take(16);
    uuid(bits.fold(0, |bits, byte| bits << 8 | u128::from(*byte)), 8)
}

fn uuid(bits: u128, version: u128) -> String {
    let bits = (bits & !(0xf << 76 | 0x3 << 62)) | version << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// What is stored of a token: its SHA-256. The tokens have 256 random bits, so a fast hash will do.
pub fn token_hash(token: &str) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref().to_vec()
}

/// A [`token_hash`] as 43 URL-safe characters, as the cache holds it.
pub fn digest_text(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hash)
}

/// What the cache holds of a token.
pub fn token_digest(token: &str) -> String {
    digest_text(&token_hash(token))
}

/// SHA-256 in hexadecimal, for what is no secret.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9562, 4 and 5.4: where the version and the variant stand.
    #[test]
    fn a_uuid_is_random_and_says_so() {
        for _ in 0..64 {
            let uuid = random_uuid().unwrap();
            let lengths: Vec<_> = uuid.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{uuid}");
            assert!(uuid.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-')), "{uuid}");
            assert_eq!(&uuid[14..15], "4", "{uuid}");
            assert!("89ab".contains(&uuid[19..20]), "{uuid}");
            assert_ne!(uuid, random_uuid().unwrap());
        }
        // All other bits take both values.
        let ids: Vec<_> = (0..128).map(|_| random_uuid().unwrap().replace('-', "")).collect();
        let number = |id: &String| u128::from_str_radix(id, 16).unwrap();
        let ever_set = ids.iter().map(number).fold(0, |all, one| all | one);
        let ever_unset = ids.iter().map(number).fold(0, |all, one| all | !one);
        let fixed: u128 = 0xf000_c000_0000_0000_0000;
        assert_eq!((ever_set | fixed, ever_unset | fixed), (u128::MAX, u128::MAX));
    }

    /// RFC 9562, 5.7.
    #[test]
    fn ordered_uuids_sort_by_time_and_number_and_are_random_besides() {
        let at = "2026-11-28T12:00:00.000900Z".parse().unwrap();
        let ids: Vec<_> = (0..2_000).map(|number| ordered_uuid(at, number).unwrap()).collect();
        assert!(ids.is_sorted());
        assert!(
            ids.iter().all(|id| id.starts_with("01a22206-ca0")
                && &id[14..15] == "7"
                && "89ab".contains(&id[19..20])),
            "{ids:?}"
        );
        assert_ne!(ids[0], ordered_uuid(at, 0).unwrap());
        assert_eq!(
            u64::from_str_radix(&ids[100].replace('-', "")[..12], 16).unwrap(),
            1_795_867_200_001
        );
    }

    /// RFC 9562, 5.8, and FIPS 180-2, B.1.
    #[test]
    fn a_uuid_of_bytes_is_their_hash() {
        assert_eq!(uuid_of(b"abc"), "ba7816bf-8f01-8fea-8141-40de5dae2223");
    }

    #[test]
    fn a_token_has_256_bits_and_is_stored_as_its_hash() {
        let token = random_token().unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(&token).unwrap().len(), 32);
        assert_ne!(token, random_token().unwrap());
        let mine = token_for(17).unwrap();
        assert_eq!((owner_of(&mine), mine.len()), (Some(17), 46));
        for other in ["", "17", "-x", "017-x", "+1-x", "99999999999999999999-x", "x-17"] {
            assert_eq!(owner_of(other), None, "{other}");
        }
        // FIPS 180-2, B.1
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((sha256_hex(b"abc").as_str(), hex(&token_hash("abc")).as_str()), (abc, abc));
    }
}
