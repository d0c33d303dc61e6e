//! Contacts that may be one person.

use serde::Serialize;

/// Why contacts are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// They share an address.
    Email,
    /// They share a number.
    Phone,
    /// They share the full name.
    Name,
}

/// Contacts that hang together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Their ids, ascending.
    pub contacts: Vec<i64>,
    /// What some of them share.
    pub reasons: Vec<Reason>,
    /// They hang together by addresses and numbers alone, and no single value of one contradicts that
    /// of another.
    pub likely: bool,
}
