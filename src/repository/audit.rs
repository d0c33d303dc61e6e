//! The table `audit_events`: what happened to accounts. Written in the transaction of the
//! change; its rows outlive the account.

use crate::db::Conn;
use crate::error::Result;
use crate::repository::Slice;
use chrono::{DateTime, Utc};
use postgres::Row;
use serde::Serialize;

/// What can happen to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum Action {
    Registered,
    EmailConfirmed,
    Login,
    LoginFailed,
    Logout,
    SessionRevoked,
    RefreshReused,
    PasswordResetRequested,
    PasswordReset,
    PasswordChanged,
    EmailChanged,
    RoleChanged,
    Disabled,
    Enabled,
    AvatarChanged,
    Deleted,
    Renamed,
    CalendarCreated,
    CalendarRevoked,
    Exported,
    Imported,
    EmailChangeRequested,
    AppPasswordCreated,
    AppPasswordRevoked,
    AppPasswordNewAddress,
    TotpEnabled,
    TotpDisabled,
    RecoveryCodeUsed,
}

impl Action {
    /// The word in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Registered => "registered",
            Action::EmailConfirmed => "email_confirmed",
            Action::Login => "login",
            Action::LoginFailed => "login_failed",
            Action::Logout => "logout",
            Action::SessionRevoked => "session_revoked",
            Action::RefreshReused => "refresh_reused",
            Action::PasswordResetRequested => "password_reset_requested",
            Action::PasswordReset => "password_reset",
            Action::PasswordChanged => "password_changed",
            Action::EmailChanged => "email_changed",
            Action::RoleChanged => "role_changed",
            Action::Disabled => "disabled",
            Action::Enabled => "enabled",
            Action::AvatarChanged => "avatar_changed",
            Action::Deleted => "deleted",
            Action::Renamed => "renamed",
            Action::CalendarCreated => "calendar_created",
            Action::CalendarRevoked => "calendar_revoked",
            Action::Exported => "exported",
            Action::Imported => "imported",
            Action::EmailChangeRequested => "email_change_requested",
            Action::AppPasswordCreated => "app_password_created",
            Action::AppPasswordRevoked => "app_password_revoked",
            Action::AppPasswordNewAddress => "app_password_new_address",
            Action::TotpEnabled => "totp_enabled",
            Action::TotpDisabled => "totp_disabled",
            Action::RecoveryCodeUsed => "recovery_code_used",
        }
    }
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
pub fn insert(db: &mut Conn, event: NewEvent) -> Result<u64> {
    const SQL: &str = "INSERT INTO audit_events (at, actor_id, user_id, action, ip, request_id)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let NewEvent { at, actor_id, user_id, action, ip, request_id } = event;
    db.execute(SQL, &[&at, &actor_id, &user_id, &action.as_str(), &ip, &request_id])
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
