//! Access tokens: JWT with HMAC-SHA256 and nothing else, signed with `SECRET_KEY`.

use super::keys::Keys;
use super::random::{hex, random};
use crate::config::{Config, Secret};
use crate::error::{Error, Result};
use crate::lately::Bounded;
use chrono::{DateTime, Utc};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// What an access token says. No role and no rights: these come from the cached user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    /// The account's id, as a string (RFC 7519, 4.1.2).
    sub: String,
    /// The session's id.
    sid: i64,
    /// Always `access`: no other kind of token is taken for one.
    typ: String,
    /// When it was issued, in seconds since 1970.
    iat: i64,
    /// When it ends, in seconds since 1970.
    exp: i64,
    /// Makes two tokens of one second different.
    jti: String,
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
    /// Tokens whose signature was verified: the user, the session, and when it ends, in seconds since 1970. A client
    /// sends the same one for a quarter of an hour, and to verify it took more time than anything else in a quick
    /// request.
    verified: Bounded<String, (i64, i64, i64)>,
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
            verified: Bounded::default(),
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
        let known = self.verified.get(token);
        let (user, session, exp) = known.map_or_else(|| self.decode(token), Ok)?;
        if exp <= now.timestamp() {
            return Err(Error::Unauthenticated);
        }
        if known.is_none() {
            self.verified.set(token.to_owned(), (user, session, exp));
        }
        Ok((user, session))
    }

    /// Checks all but the time.
    fn decode(&self, token: &str) -> Result<(i64, i64, i64)> {
        let key = self.key_of(token);
        let decoded = jsonwebtoken::decode::<Claims>(token, key, &self.validation);
        let claims = decoded.map_err(|_| Error::Unauthenticated)?.claims;
        if claims.typ != "access" {
            return Err(Error::Unauthenticated);
        }
        let user = claims.sub.parse().map_err(|_| Error::Unauthenticated)?;
        Ok((user, claims.sid, claims.exp))
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
