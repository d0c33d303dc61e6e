//! Refresh tokens: each is computed from the one before, so that an answer that was lost can be given
//! again and nothing readable is kept.

use super::keys::{Keys, Purpose};
use super::random::{owner_of, random, random_token, token_hash};
use crate::error::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

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
