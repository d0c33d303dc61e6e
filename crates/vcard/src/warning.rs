//! What is said of a file beside what was read.

/// A value that came in otherwise than a member wants it, or was understood by a guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The physical line, from 1.
    pub line: u64,
    /// The member and what is odd: `phones: "15" is no number that can be dialled; …`.
    pub detail: String,
}
