//! The one way to end what opens an account: sessions, app passwords, mailed links, the calendar's
//! address. Whatever makes an account safe again goes through here, so that nothing is forgotten.

use crate::db::Tx;
use crate::error::Result;
use crate::repository::contacts::books;
use crate::repository::mail_tokens::{self, Purpose};
use crate::repository::{app_passwords, outbox, sessions, totp};
use chrono::{DateTime, Utc};

/// Which sessions go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sessions {
    /// None.
    #[default]
    End,
    /// The one with this id.
    Keep(i64),
    /// All: what changed is no reason to sign in again.
    KeepAll,
}

/// What goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Sessions of programs and of browsers.
    pub sessions: Sessions,
    /// App passwords.
    pub app_passwords: bool,
}

/// Ends everything that opens the account but what is kept: links in mails, and mails that still
/// wait to carry one, and the calendar's address in any case. Inside `App::change_user`.
pub fn end(tx: &mut Tx, user: i64, kept: Kept, now: DateTime<Utc>) -> Result<()> {
    match kept.sessions {
        Sessions::End => sessions::delete_all(tx, user, None)?,
        Sessions::Keep(id) => sessions::delete_all(tx, user, Some(id))?,
        Sessions::KeepAll => 0,
    };
    if !kept.app_passwords {
        app_passwords::delete_all(tx, user)?;
    }
    // Begun with the old password, it would lock out who knows the new one.
    totp::delete_unconfirmed(tx, user)?;
    revoke_links(tx, user, &Purpose::ALL, now)?;
    books::revoke_calendar(tx, user).map(|_| ())
}

/// Revokes the account's links for these purposes: what was mailed, and what waits for its mail.
pub fn revoke_links(
    tx: &mut Tx,
    user: i64,
    purposes: &[Purpose],
    now: DateTime<Utc>,
) -> Result<()> {
    for &purpose in purposes {
        mail_tokens::revoke(tx, user, purpose)?;
        outbox::withdraw(tx, user, purpose.as_str(), now)?;
    }
    Ok(())
}
