//! The table `audit_events`: what happened to accounts. Written in the transaction of the
//! change; its rows outlive the account.

use crate::db::Conn;
use crate::error::Result;
use crate::repository::Slice;
use chrono::{DateTime, Utc};
use postgres::Row;
use serde::Serialize;

/// Makes [`Action`] of a name and a word each.
macro_rules! actions {
    ($($name:ident: $word:literal,)*) => {
        /// What can happen to an account.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names say it all")]
        pub enum Action { $($name,)* }

        impl Action {
            /// All words, to choose from.
            pub const WORDS: &[&str] = &[$($word,)*];

            /// The word in the API and in the database.
            pub fn as_str(self) -> &'static str {
                match self { $(Action::$name => $word,)* }
            }
        }
    };
}

actions! {
    Registered: "registered",
    EmailConfirmed: "email_confirmed",
    Login: "login",
    LoginFailed: "login_failed",
    Logout: "logout",
    SessionRevoked: "session_revoked",
    RefreshReused: "refresh_reused",
    PasswordResetRequested: "password_reset_requested",
    PasswordReset: "password_reset",
    PasswordChanged: "password_changed",
    EmailChanged: "email_changed",
    RoleChanged: "role_changed",
    Disabled: "disabled",
    Enabled: "enabled",
    AvatarChanged: "avatar_changed",
    Deleted: "deleted",
    Renamed: "renamed",
    CalendarCreated: "calendar_created",
    CalendarRevoked: "calendar_revoked",
    Exported: "exported",
    Imported: "imported",
    EmailChangeRequested: "email_change_requested",
    AppPasswordCreated: "app_password_created",
    AppPasswordRevoked: "app_password_revoked",
    AppPasswordNewAddress: "app_password_new_address",
    TotpEnabled: "totp_enabled",
    TotpDisabled: "totp_disabled",
    RecoveryCodeUsed: "recovery_code_used",
}

/// One event, to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// The account that did it, if one was signed in.
    pub actor_id: Option<i64>,
    /// Whom it happened to, if such an account exists.
    pub user_id: Option<i64>,
    /// What.
    pub action: Action,
    /// From where.
    pub ip: &'a str,
    /// In which request.
    pub request_id: &'a str,
}

/// One event, as read.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "see NewEvent")]
pub struct Event {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor_id: Option<i64>,
    pub user_id: Option<i64>,
    pub action: String,
    pub ip: String,
    pub request_id: String,
}

/// Writes an event down.
pub fn insert(db: &mut Conn, event: NewEvent) -> Result<()> {
    const SQL: &str = "INSERT INTO audit_events (at, actor_id, user_id, action, ip, request_id)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let NewEvent { at, actor_id, user_id, action, ip, request_id } = event;
    db.execute(SQL, &[&at, &actor_id, &user_id, &action.as_str(), &ip, &request_id])?;
    Ok(())
}

/// The events of a user or of an action (or all), newest first, and how many there are in all.
pub fn list(
    db: &mut Conn,
    user: Option<i64>,
    action: Option<&str>,
    slice: Slice,
) -> Result<(Vec<Event>, i64)> {
    macro_rules! matching {
        () => {
            " FROM audit_events
            WHERE ($1::bigint IS NULL OR user_id = $1) AND ($2::text IS NULL OR action = $2)"
        };
    }
    const PAGE: &str = concat!(
        "SELECT id, at, actor_id, user_id, action, ip, request_id",
        matching!(),
        " ORDER BY id DESC LIMIT $3 OFFSET $4"
    );
    const COUNT: &str = concat!("SELECT count(*)", matching!());
    let rows = db.query(PAGE, &[&user, &action, &slice.limit, &slice.skip])?;
    let total = db.query_one(COUNT, &[&user, &action])?.get(0);
    Ok((rows.iter().map(from_row).collect(), total))
}

/// The first 500 events of a user whose id is greater than `after`, oldest first, as the user may
/// see them: the address of an admin who did something is the admin's.
pub fn page(db: &mut Conn, user: i64, after: i64) -> Result<Vec<Event>> {
    const SQL: &str = "SELECT id, at, actor_id, user_id, action,
            CASE WHEN actor_id <> user_id THEN '' ELSE ip END AS ip, request_id
        FROM audit_events WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT 500";
    let rows = db.query(SQL, &[&user, &after])?;
    Ok(rows.iter().map(from_row).collect())
}

fn from_row(row: &Row) -> Event {
    Event {
        id: row.get("id"),
        at: row.get("at"),
        actor_id: row.get("actor_id"),
        user_id: row.get("user_id"),
        action: row.get("action"),
        ip: row.get("ip"),
        request_id: row.get("request_id"),
    }
}

/// Deletes some events from before `oldest`; how many.
pub fn purge(db: &mut Conn, oldest: DateTime<Utc>) -> Result<u64> {
    const SQL: &str = "DELETE FROM audit_events WHERE id IN
        (SELECT id FROM audit_events WHERE at <= $1 LIMIT 1000)";
    db.execute(SQL, &[&oldest])
}
