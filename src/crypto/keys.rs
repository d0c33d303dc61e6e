//! What `SECRET_KEY` is good for beside access tokens: one key for each purpose, derived from it, so
//! that nothing made for one purpose is taken for another. While `SECRET_KEY_OLD` is set too, what was
//! made with it still counts, and nothing new is made with it.

use super::random::{hex, random};
use crate::config::{Config, Secret};
use crate::error::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac::{self, HMAC_SHA256};

/// What a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Authenticates the users that stand in Redis.
    Cache,
    /// Computes the next refresh token from the one before.
    Refresh,
    /// The token in each form of a page, bound to its session.
    Csrf,
    /// Encrypts the secret of a second factor.
    Totp,
    /// Encrypts the cursors of lists.
    Cursor,
    /// Encrypts what a page hands to the next one in a cookie.
    Flash,
}

/// The keys that come from one secret, each derived when it is asked for: four blocks of SHA-256.
struct Derived {
    kid: String,
    root: hmac::Key,
}

impl Derived {
    fn new(secret: &Secret) -> Derived {
        let root = hmac::Key::new(HMAC_SHA256, secret.reveal().as_bytes());
        let kid = hmac::sign(&root, b"contactd names this key");
        Derived { kid: hex(kid.as_ref().get(..4).unwrap_or_default()), root }
    }

    fn derive(&self, what: &str, purpose: Purpose) -> hmac::Tag {
        hmac::sign(&self.root, format!("contactd {what} {purpose:?}").as_bytes())
    }

    fn mac(&self, purpose: Purpose) -> hmac::Key {
        hmac::Key::new(HMAC_SHA256, self.derive("authenticates", purpose).as_ref())
    }

    fn seal(&self, purpose: Purpose) -> Result<LessSafeKey> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, self.derive("encrypts", purpose).as_ref());
        Ok(LessSafeKey::new(key.map_err(Error::internal)?))
    }
}

/// Something decrypted.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it was.
    pub plain: Vec<u8>,
    /// It was made with `SECRET_KEY_OLD`: what is stored has to be made anew.
    pub old: bool,
}

/// The keys of this process.
pub struct Keys {
    current: Derived,
    old: Option<Derived>,
}

impl Keys {
    /// From `SECRET_KEY` and `SECRET_KEY_OLD`.
    pub fn new(config: &Config) -> Keys {
        let old = config.secret_key_old.as_ref().map(Derived::new);
        Keys { current: Derived::new(&config.secret_key), old }
    }

    /// Names the current key in tokens (`kid`); says nothing of it.
    pub fn kid(&self) -> &str {
        &self.current.kid
    }

    /// Names the old key, if there is one.
    pub fn old_kid(&self) -> Option<&str> {
        self.old.as_ref().map(|old| old.kid.as_str())
    }

    /// The key that authenticates something, for whoever does it often.
    pub fn mac_key(&self, purpose: Purpose) -> hmac::Key {
        self.current.mac(purpose)
    }

    /// HMAC-SHA256 of `message` with the current key as 43 URL-safe characters.
    pub fn mac(&self, purpose: Purpose, message: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.mac_key(purpose), message).as_ref())
    }

    /// What [`Keys::mac`] gives with the current key, and with the old one where there is one.
    pub fn macs(&self, purpose: Purpose, message: &[u8]) -> Vec<String> {
        let keys = std::iter::once(&self.current).chain(&self.old);
        keys.map(|it| URL_SAFE_NO_PAD.encode(hmac::sign(&it.mac(purpose), message).as_ref()))
            .collect()
    }

    /// True if `tag` is what [`Keys::mac`] gave for `message`. Takes the same time whatever differs.
    pub fn verify(&self, purpose: Purpose, message: &[u8], tag: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(tag) else { return false };
        let mut keys = std::iter::once(&self.current).chain(&self.old);
        keys.any(|it| hmac::verify(&it.mac(purpose), message, &tag).is_ok())
    }

    /// Encrypts `plain` for `owner` (ChaCha20-Poly1305; RFC 8439): opened for the same purpose and
    /// the same owner only. The nonce is random, which will do for 2^32 texts of a purpose.
    pub fn seal(&self, purpose: Purpose, owner: i64, plain: &[u8]) -> Result<Vec<u8>> {
        let key = self.current.seal(purpose)?;
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = plain.to_vec();
        let aad = Aad::from(owner.to_be_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .map_err(|_| Error::internal("cannot encrypt"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts what [`Keys::seal`] made; `None`: it is something else.
    pub fn open(&self, purpose: Purpose, owner: i64, sealed: &[u8]) -> Option<Opened> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let open = |derived: &Derived| {
            let mut sealed = sealed.to_vec();
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let aad = Aad::from(owner.to_be_bytes());
            let key = derived.seal(purpose).ok()?;
            let plain = key.open_in_place(nonce, aad, &mut sealed).ok()?;
            Some(plain.to_vec())
        };
        let current = open(&self.current).map(|plain| Opened { plain, old: false });
        let old = || Some(Opened { plain: open(self.old.as_ref()?)?, old: true });
        current.or_else(old)
    }

    /// [`Keys::seal`] as URL-safe text: for cursors and cookies.
    pub fn seal_text(&self, purpose: Purpose, owner: i64, plain: &str) -> Result<String> {
        Ok(URL_SAFE_NO_PAD.encode(self.seal(purpose, owner, plain.as_bytes())?))
    }

    /// Reads what [`Keys::seal_text`] made; `None`: it is something else.
    pub fn open_text(&self, purpose: Purpose, owner: i64, text: &str) -> Option<String> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        String::from_utf8(self.open(purpose, owner, &sealed)?.plain).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(current: &str, old: Option<&str>) -> Keys {
        let config = Config::read(|name| match name {
            "DATABASE_URL" => Some("postgres://a:b@localhost/c".to_owned()),
            "SECRET_KEY" => Some(current.repeat(8)),
            "SECRET_KEY_OLD" => old.map(|old| old.repeat(8)),
            _ => None,
        });
        Keys::new(&config.unwrap())
    }

    #[test]
    fn what_is_sealed_is_opened_for_its_owner_and_purpose_only() {
        let keys = keys("one key", None);
        let sealed = keys.seal_text(Purpose::Cursor, 7, "Müller\u{1f}42").unwrap();
        assert_ne!(sealed, keys.seal_text(Purpose::Cursor, 7, "Müller\u{1f}42").unwrap());
        let open = |purpose, owner, text: &str| keys.open_text(purpose, owner, text);
        assert_eq!(open(Purpose::Cursor, 7, &sealed).unwrap(), "Müller\u{1f}42");
        assert_eq!(open(Purpose::Cursor, 8, &sealed), None);
        assert_eq!(open(Purpose::Flash, 7, &sealed), None);
        for broken in ["", "AAAA", &sealed[1..], &sealed[..sealed.len() - 2], "%"] {
            assert_eq!(open(Purpose::Cursor, 7, broken), None, "{broken}");
        }
    }

    #[test]
    fn a_key_is_changed_without_losing_what_was_made_with_the_old_one() {
        let (before, after) = (keys("one key", None), keys("new key", Some("one key")));
        let sealed = before.seal(Purpose::Totp, 7, b"secret").unwrap();
        let tag = before.mac(Purpose::Csrf, b"session 3");
        let opened = after.open(Purpose::Totp, 7, &sealed).unwrap();
        assert_eq!(opened, Opened { plain: b"secret".to_vec(), old: true });
        assert!(after.verify(Purpose::Csrf, b"session 3", &tag));
        assert!(!after.verify(Purpose::Csrf, b"session 4", &tag));
        assert!(!after.verify(Purpose::Cache, b"session 3", &tag));
        assert_eq!(after.old_kid(), Some(before.kid()));
        assert_ne!(after.kid(), before.kid());
        let new = after.seal(Purpose::Totp, 7, b"secret").unwrap();
        assert!(!after.open(Purpose::Totp, 7, &new).unwrap().old);
        assert_eq!(before.open(Purpose::Totp, 7, &new), None);
        assert_eq!(keys("new key", None).open(Purpose::Totp, 7, &sealed), None);
    }
}
