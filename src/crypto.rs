//! Every cryptographic call: password hashes (argon2), access tokens (JWT), random tokens and
//! digests. The primitives are ring's, which TLS brings along anyway.

mod access_tokens;
mod keys;
mod passwords;
mod random;
mod refresh_tokens;
pub mod totp;
pub mod typed;

pub use access_tokens::AccessTokens;
pub use keys::{Keys, Opened, Purpose};
pub use passwords::{Hasher, Passwords, is_outdated};
pub use random::{
    digest_text, ordered_uuid, owner_of, random_token, random_uuid, sha256_hex, token_digest,
    token_for, token_hash, uuid_of,
};
pub use refresh_tokens::RefreshToken;
