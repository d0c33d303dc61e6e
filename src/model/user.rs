//! What an account is, and which usernames and passwords are valid.

use crate::model::text;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a user may do. Admins manage accounts; no user reads the contacts of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The usual role.
    #[default]
    User,
    /// May manage accounts and change their own avatar.
    Admin,
}

impl Role {
    /// The word in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::User => "user",
            Role::Admin => "admin",
        }
    }

    /// Reads [`Role::as_str`] back, or says what is wrong.
    pub fn parse(word: &str) -> Result<Role, String> {
        match word {
            "user" => Ok(Role::User),
            "admin" => Ok(Role::Admin),
            _ => Err("must be \"user\" or \"admin\"".to_owned()),
        }
    }
}

/// An account as answers show it. No hash, no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Unique, positive.
    pub id: i64,
    /// Unique ignoring case.
    pub username: String,
    /// Unique ignoring case, kept as typed.
    pub email: String,
    /// What the user may do.
    pub role: Role,
    /// The address was confirmed.
    pub is_verified: bool,
    /// False when an admin disabled the account.
    pub is_active: bool,
    /// The language of its pages and mails, a tag; none: as the browser asks.
    pub language: Option<String>,
    /// Key of an uploaded picture; none: the default one, drawn from the account.
    pub avatar_key: Option<String>,
    /// When the account was registered.
    pub created_at: DateTime<Utc>,
}

/// What an app password is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// CardDAV and nothing else.
    #[default]
    CardDav,
    /// Reading contacts.
    Read,
    /// Reading and changing contacts.
    Write,
}

impl Scope {
    /// The word in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::CardDav => "carddav",
            Scope::Read => "read",
            Scope::Write => "write",
        }
    }

    /// Reads [`Scope::as_str`] back, or says what is wrong.
    pub fn parse(word: &str) -> Result<Scope, String> {
        match word {
            "carddav" => Ok(Scope::CardDav),
            "read" => Ok(Scope::Read),
            "write" => Ok(Scope::Write),
            _ => Err("must be \"carddav\", \"read\" or \"write\"".to_owned()),
        }
    }
}

/// An app password as the cache holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppPassword {
    /// Its id.
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// What it is good for.
    pub scope: Scope,
    /// `crypto::typed`: its SHA-256 as text.
    pub digest: String,
}

/// A session of a browser as the cache holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSession {
    /// The session's id.
    pub session: i64,
    /// The cookie's SHA-256 as text.
    pub digest: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// The current user as the cache holds it: what a request needs to know about its caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentUser {
    /// The account.
    pub user: User,
    /// Ids of the programs' sessions that are alive, at most 20 with those of browsers.
    pub sessions: Vec<i64>,
    /// The browsers' sessions.
    pub pages: Vec<PageSession>,
    /// At most 50.
    pub app_passwords: Vec<AppPassword>,
}

/// A valid username: 3 to 50 of `A-Z a-z 0-9 . _ -`, so never an address.
pub fn username(raw: &str) -> Result<String, String> {
    let name = text::line(raw, 3, 50)?;
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
        return Err("may only contain A-Z a-z 0-9 . _ -".to_owned());
    }
    Ok(name)
}

/// Shortest and longest password, in Unicode scalar values.
const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// A shorter name of the account may well be part of a good password.
const OWN_WORD: usize = 4;

/// Checks a new password exactly as sent: length, not common, without the account's own words
/// (`username`, `email`; letter case ignored). No composition rules, as NIST SP 800-63B asks.
pub fn password(raw: &str, username: &str, email: &str) -> Result<String, String> {
    if !PASSWORD_LENGTH.contains(&raw.chars().count()) {
        return Err("must have 8 to 128 characters".to_owned());
    }
    let lower = raw.to_lowercase();
    if lower == username.to_lowercase() || lower == email.to_lowercase() {
        return Err("must not be the username or the e-mail address".to_owned());
    }
    let (local, _) = email.rsplit_once('@').unwrap_or((email, ""));
    let own = [username, local].into_iter().filter(|own| own.chars().count() >= OWN_WORD);
    if own.into_iter().any(|own| lower.contains(&own.to_lowercase())) {
        return Err("must not contain the username or the address".to_owned());
    }
    if is_common(&lower) {
        return Err("is one of the most common passwords".to_owned());
    }
    Ok(raw.to_owned())
}

/// A password at sign-in. Not checked by today's rules for new ones: it is what
/// it is.
pub fn password_as_typed(raw: &str) -> Result<String, String> {
    match raw.chars().count() {
        0..=1_000 => Ok(raw.to_owned()),
        _ => Err("must have at most 1000 characters".to_owned()),
    }
}

/// The common passwords of at least eight characters, lower case, sorted by bytes, one a line.
/// Source: the list of Dropbox' zxcvbn 4.4 (MIT), itself from public password dumps.
const COMMON: &str = include_str!("common_passwords.txt");

/// True if `lower`, a password in lower case, is on the list of common ones.
fn is_common(lower: &str) -> bool {
    static LINES: std::sync::LazyLock<Vec<&'static str>> =
        std::sync::LazyLock::new(|| COMMON.lines().collect());
    LINES.binary_search(&lower).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_common_passwords_is_sorted_so_that_it_can_be_searched() {
        let lines: Vec<_> = COMMON.lines().collect();
        assert!(lines.len() > 5_000 && lines.is_sorted());
    }

    #[test]
    fn passwords_count_exactly_as_sent() {
        let check = |raw: &str| password(raw, "ann-smith", "ann@example.com");
        for good in ["  spaced out  ", "Авторизація", "🔑🔑🔑🔑🔑🔑🔑🔑", &"x1".repeat(64)]
        {
            assert_eq!(check(good), Ok(good.to_owned()));
        }
        for bad in ["short", "Password123", "ANN-smith", "Ann@Example.com", &"x1".repeat(65)] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check("x ANN-Smith x").is_err());
        // A name of three letters is part of many a good one.
        assert!(check("annual report").is_ok());
        let mail = |raw| password(raw, "bob", "mary@example.com");
        assert!(mail("proud Mary 99").is_err() && mail("bobsleigh ride").is_ok());
    }

    #[test]
    fn a_username_is_never_an_address() {
        for good in ["ann", "Ann.B_c-9", &"a".repeat(50)] {
            assert!(username(good).is_ok());
        }
        for bad in ["an", "ann@b.co", "анна", "ann b", &"a".repeat(51)] {
            assert!(username(bad).is_err(), "{bad}");
        }
    }
}
