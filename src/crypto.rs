//! Every cryptographic call: password hashes (argon2), access tokens (JWT), random tokens and
//! digests. The primitives are ring's, which TLS brings along anyway.

mod keys;
pub mod totp;
pub mod typed;

pub use keys::{Keys, Opened, Purpose};

use crate::config::{Config, Secret};
use crate::error::{Error, Result};
use crate::semaphore::{Permit, Semaphore};
use argon2::{ThreadMode, Variant, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;
use std::time::Duration;

/// argon2id parameters: OWASP's second choice of 2023, 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How a hash with these parameters begins; another beginning asks for a new hash at login.
const PHC_PREFIX: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
/// How many hashings may wait for a core, and how long, before the answer is 503.
const HASH_QUEUE: usize = 64;
const HASH_WAIT: Duration = Duration::from_secs(2);

/// Bytes from the operating system's generator.
fn random<const N: usize>() -> Result<[u8; N]> {
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
    let plain = id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0');
    id.parse().ok().filter(|_| plain)
}

/// A refresh token, in parts: `17-`, 22 characters that stay the same through all refreshes of its
/// session, 43 that change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The account.
    pub user: i64,
    family: String,
    secret: String,
}

/// Characters of a family: 128 bits.
const FAMILY: usize = 22;
/// Characters of a secret: 256 bits.
const SECRET: usize = 43;

impl RefreshToken {
    /// The first of a session.
    pub fn new(user: i64) -> Result<RefreshToken> {
        let family = URL_SAFE_NO_PAD.encode(random::<16>()?);
        Ok(RefreshToken { user, family, secret: random_token()? })
    }

    /// Reads [`RefreshToken::text`]; nothing if it cannot be one.
    pub fn read(text: &str) -> Option<RefreshToken> {
        let user = owner_of(text)?;
        let (_, rest) = text.split_once('-')?;
        let (family, secret) = rest.split_at_checked(FAMILY)?;
        let is_one = secret.len() == SECRET;
        let parts = || RefreshToken { user, family: family.to_owned(), secret: secret.to_owned() };
        is_one.then(parts)
    }

    /// As its holder has it.
    pub fn text(&self) -> String {
        format!("{}-{}{}", self.user, self.family, self.secret)
    }

    /// What is stored of it.
    pub fn hash(&self) -> Vec<u8> {
        token_hash(&self.text())
    }

    /// What is stored of its family.
    pub fn family_hash(&self) -> Vec<u8> {
        token_hash(&format!("{}-{}", self.user, self.family))
    }

    /// What it is exchanged for: computed from it and a key, so that nothing readable is kept of
    /// either, and a client that lost the answer gets the same again. With the current key, and
    /// with the old one where there is one.
    pub fn successors(&self, keys: &Keys) -> Vec<RefreshToken> {
        let macs = keys.macs(Purpose::Refresh, self.text().as_bytes());
        macs.into_iter().map(|secret| RefreshToken { secret, ..self.clone() }).collect()
    }
}

/// A random UUID (RFC 9562, version 4) in its usual form.
pub fn random_uuid() -> Result<String> {
    let mut bytes = random::<16>()?;
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let hex = hex(&bytes);
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    Ok([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-"))
}

/// What is stored of a token: its SHA-256. The tokens have 256 random bits, so a fast hash will do.
pub fn token_hash(token: &str) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref().to_vec()
}

/// [`token_hash`] as 43 URL-safe characters, as the cache holds it.
pub fn token_digest(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(token_hash(token))
}

/// SHA-256 in hexadecimal, for what is no secret.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Hashes and verifies passwords, as many at once as there are cores.
pub struct Passwords {
    semaphore: Semaphore,
    /// Verified when the account does not exist, so that this takes the same time.
    dummy: String,
}

impl Passwords {
    /// Ready to hash; computes one hash.
    pub fn new() -> Result<Passwords> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let semaphore = Semaphore::new(cores, HASH_QUEUE, HASH_WAIT);
        Ok(Passwords { semaphore, dummy: hash("no account has this password")? })
    }

    /// Waits for a core. [`Error::Unavailable`] when too many wait, or for too long.
    pub fn enter(&self) -> Result<Hasher<'_>> {
        Ok(Hasher { dummy: &self.dummy, _permit: self.semaphore.enter()? })
    }
}

/// The right to hash, for as long as it lives.
pub struct Hasher<'a> {
    dummy: &'a str,
    _permit: Permit<'a>,
}

impl Hasher<'_> {
    /// A new PHC string for `password`.
    pub fn hash(&self, password: &str) -> Result<String> {
        hash(password)
    }

    /// True if `password` is the one of `stored`. The same work is done where nothing is stored.
    pub fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool> {
        let hash = stored.unwrap_or(self.dummy);
        let matches = argon2::verify_encoded(hash, password.as_bytes()).map_err(Error::internal)?;
        Ok(matches && stored.is_some())
    }
}

fn hash(password: &str) -> Result<String> {
    let config = argon2::Config {
        ad: &[],
        secret: &[],
        hash_length: 32,
        lanes: LANES,
        mem_cost: MEMORY_KIB,
        time_cost: PASSES,
        thread_mode: ThreadMode::Sequential,
        variant: Variant::Argon2id,
        version: Version::Version13,
    };
    argon2::hash_encoded(password.as_bytes(), &random::<16>()?, &config).map_err(Error::internal)
}

/// True if a stored hash was made with other parameters than today's.
pub fn is_outdated(stored: &str) -> bool {
    !stored.starts_with(PHC_PREFIX)
}

/// What an access token says. No role and no rights: these come from the cached user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The account's id, as a string (RFC 7519, 4.1.2).
    pub sub: String,
    /// The session's id.
    pub sid: i64,
    /// Always `access`: no other kind of token is taken for one.
    pub typ: String,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// Makes two tokens of one second different.
    pub jti: String,
}

/// Signs and verifies access tokens: JWT with HMAC-SHA256 and nothing else.
pub struct AccessTokens {
    header: Header,
    signing: EncodingKey,
    verifying: DecodingKey,
    /// `SECRET_KEY_OLD` and its name.
    old: Option<(String, DecodingKey)>,
    validation: Validation,
    life: chrono::Duration,
}

impl AccessTokens {
    /// With the keys, whose names come from `keys`, and the life from the configuration.
    pub fn new(config: &Config, keys: &Keys) -> AccessTokens {
        install_hmac();
        let mut validation = Validation::new(Algorithm::HS256);
        // The clock is an ingredient, and the crate would ask the system's: see verify.
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "sub"]);
        let secret = |secret: &Secret| secret.reveal().as_bytes().to_vec();
        let key = secret(&config.secret_key);
        let old = keys.old_kid().zip(config.secret_key_old.as_ref());
        AccessTokens {
            header: Header { kid: Some(keys.kid().to_owned()), ..Header::new(Algorithm::HS256) },
            old: old.map(|(kid, key)| (kid.to_owned(), DecodingKey::from_secret(&secret(key)))),
            signing: EncodingKey::from_secret(&key),
            verifying: DecodingKey::from_secret(&key),
            validation,
            life: config.access_token,
        }
    }

    /// Life of a token in seconds.
    pub fn life_seconds(&self) -> i64 {
        self.life.num_seconds()
    }

    /// A token for a session, which ends at `session_end` at the latest.
    pub fn sign(
        &self,
        user: i64,
        session: i64,
        now: DateTime<Utc>,
        session_end: DateTime<Utc>,
    ) -> Result<String> {
        let claims = Claims {
            sub: user.to_string(),
            sid: session,
            typ: "access".to_owned(),
            iat: now.timestamp(),
            exp: (now + self.life).min(session_end).timestamp(),
            jti: hex(&random::<16>()?),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.signing).map_err(Error::internal)
    }

    /// The user's and the session's id of a valid token, else [`Error::Unauthenticated`].
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<(i64, i64)> {
        let key = self.key_of(token);
        let decoded = jsonwebtoken::decode::<Claims>(token, key, &self.validation);
        let claims = decoded.map_err(|_| Error::Unauthenticated)?.claims;
        if claims.typ != "access" || claims.exp <= now.timestamp() {
            return Err(Error::Unauthenticated);
        }
        let user = claims.sub.parse().map_err(|_| Error::Unauthenticated)?;
        Ok((user, claims.sid))
    }

    /// The key that a token names; the current one for a token that names none.
    fn key_of(&self, token: &str) -> &DecodingKey {
        let Some((kid, old)) = &self.old else { return &self.verifying };
        let header = jsonwebtoken::decode_header(token).ok();
        match header.and_then(|header| header.kid) {
            Some(named) if named == *kid => old,
            _ => &self.verifying,
        }
    }
}

/// HMAC-SHA256 for jsonwebtoken, whose own back ends bring RSA and elliptic curves along.
struct Hmac(ring::hmac::Key);

impl Hmac {
    fn new(algorithm: &Algorithm, secret: &[u8]) -> jsonwebtoken::errors::Result<Hmac> {
        match algorithm {
            Algorithm::HS256 => Ok(Hmac(ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret))),
            _ => Err(ErrorKind::InvalidAlgorithm.into()),
        }
    }
}

impl signature::Signer<Vec<u8>> for Hmac {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(ring::hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl signature::Verifier<Vec<u8>> for Hmac {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        // In constant time.
        ring::hmac::verify(&self.0, message, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Hmac {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hmac {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

/// Makes [`Hmac`] the process' only JWT back end.
fn install_hmac() {
    static PROVIDER: OnceLock<CryptoProvider> = OnceLock::new();
    let provider = PROVIDER.get_or_init(|| CryptoProvider {
        signer_factory: |algorithm, key| {
            let secret = key.as_bytes();
            Ok(Box::new(Hmac::new(algorithm, secret)?) as Box<dyn JwtSigner>)
        },
        verifier_factory: |algorithm, key| {
            let secret = key.try_get_as_bytes()?;
            Ok(Box::new(Hmac::new(algorithm, secret)?) as Box<dyn JwtVerifier>)
        },
        key_utils: KeyUtils::new_unimplemented(),
    });
    // Fails when it is installed already, which is what is wanted.
    let _ = provider.install_default();
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

    #[test]
    fn nobody_has_the_password_of_no_account() {
        let passwords = Passwords::new().unwrap();
        let hasher = passwords.enter().unwrap();
        let stored = hasher.hash("right").unwrap();
        assert!(hasher.verify("right", Some(&stored)).unwrap());
        assert!(!hasher.verify("wrong", Some(&stored)).unwrap());
        assert!(!hasher.verify("no account has this password", None).unwrap());
        assert_ne!(stored, hasher.hash("right").unwrap(), "a salt");
        assert!(!is_outdated(&stored) && is_outdated(&stored.replace("t=", "t=9")));
    }
}
