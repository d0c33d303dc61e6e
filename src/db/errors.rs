//! What the errors of Postgres mean to us: a conflict, something that passes, or a fault of ours.

use crate::error::{Conflict, Error};
use postgres::error::SqlState;

/// The names of the constraints are those of `sql/001_schema.sql`.
impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Error {
        if let Some(db) = error.as_db_error() {
            match db.constraint() {
                Some("users_username_key") => return Error::Conflict(Conflict::UsernameTaken),
                Some("contacts_uid_key") => return Error::Conflict(Conflict::UidTaken),
                Some("users_email_key") => return Error::Conflict(Conflict::EmailTaken),
                _ => {}
            }
        }
        let text = describe(&error);
        if is_connection_error(&error)
            || error.code().is_some_and(|code| passes_by(code) || spoils(code))
        {
            Error::Unavailable(text)
        } else {
            Error::Internal(text)
        }
    }
}

/// The connection is gone, was never there, or its answer came too late.
pub(super) fn is_connection_error(error: &postgres::Error) -> bool {
    let gone = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        // We took too long between two statements, as under heavy load.
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        // The operator set this limit, and this connection was not needed for as long.
        SqlState::IDLE_SESSION_TIMEOUT,
    ];
    error.is_closed() || error.code().map_or(is_io(error), |code| gone.contains(code))
}

/// This connection works, but must not be used again: its server became read-only, a kept statement fits the
/// schema no more (as after the migration of a newer replica), or a pooler gave us another session.
pub(super) fn spoils(code: &SqlState) -> bool {
    let spoiling = [
        &SqlState::READ_ONLY_SQL_TRANSACTION,
        &SqlState::FEATURE_NOT_SUPPORTED, // "cached plan must not change result type"
        &SqlState::INVALID_SQL_STATEMENT_NAME, // a statement that this session never prepared
    ];
    spoiling.contains(&code)
}

fn is_io(error: &postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
}

/// Trying again later helps: a time-out, a deadlock, a full disk, a server on its way up or down.
fn passes_by(code: &SqlState) -> bool {
    let code = code.code();
    // Class 53 is insufficient resources, 57 operator intervention, 40 transaction rollback, 08 a connection
    // (also one of a pooler to Postgres).
    ["53", "57", "40", "08"].iter().any(|class| code.starts_with(class))
        || code == SqlState::LOCK_NOT_AVAILABLE.code()
}

/// An error for the log: without `DETAIL`, which would repeat people's data.
fn describe(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!(
            "{} ({}){}",
            db.message(),
            db.code().code(),
            db.constraint().map(|name| format!(", constraint {name}")).unwrap_or_default()
        ),
        None => {
            let cause = std::error::Error::source(error);
            cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        }
    }
}
