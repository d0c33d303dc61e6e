//! Every SQL statement. One file a table, one function a statement: the connection (or the
//! transaction) comes first, then the owner. Uniqueness is the constraints' job, and `db/errors.rs` turns
//! their names into errors.

pub mod app_passwords;
pub mod audit;
pub mod avatars;
pub mod contacts;
pub mod endings;
pub mod mail_tokens;
pub mod outbox;
pub mod sessions;
pub mod totp;
pub mod uploads;
pub mod users;

/// A page of a list that is counted from its beginning.
#[derive(Debug, Clone, Copy)]
pub struct Slice {
    /// Rows to leave out.
    pub skip: i64,
    /// Most rows to return.
    pub limit: i64,
}
