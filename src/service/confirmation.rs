//! The password again, or the session, where that a request was let in is not enough.

use crate::access::{Admin, Caller, Owner};
use crate::context::Call;
use crate::db::Tx;
use crate::error::{Conflict, Error, Result};
use crate::limits::{self, Limit};
use crate::model::user::User;
use crate::repository::audit::Action;
use crate::repository::users::{self, Credentials};
use crate::repository::{app_passwords, sessions};
use chrono::Duration;

/// The caller's account as it is now, if `password` is its password. The route counts such calls
/// (`Limit::Password`), and a wrong one counts as a failed login too; that logins are locked out does
/// not matter here. Must stay inside the same request: see [`unchanged`].
pub fn confirm_password(call: &Call, caller: &Caller, password: &str) -> Result<Credentials> {
    let id = caller.id();
    let found = call.app.db.read(|db| users::find_credentials(db, id))?;
    let found = found.ok_or(Error::Unauthenticated)?;
    if call.app.passwords.enter()?.verify(password, Some(&found.password_hash))? {
        return Ok(found);
    }
    limits::count_failure(call, &found.user.username, &found.password_hash);
    note_failure(call, Some(id))?;
    Err(Error::WrongPassword)
}

/// Makes sure that the password was not changed since it was confirmed, nor the account disabled. `found` is locked.
pub fn unchanged(found: Credentials, confirmed: &Credentials) -> Result<User> {
    if !found.user.is_active {
        return Err(Error::Unauthenticated);
    }
    if found.password_hash != confirmed.password_hash {
        return Err(Error::WrongPassword);
    }
    Ok(found.user)
}

/// Makes sure that what let the owner in (a session or an app password, of an active account) has not ended since
/// the request began, for what outlives it: [`Error::Unauthenticated`] if it has. Nor does it end before the
/// transaction, which holds the account's row.
pub fn still_let_in(tx: &mut Tx, owner: &Owner) -> Result<()> {
    let id = owner.id();
    let account = users::lock(tx, id)?.filter(|found| found.user.is_active);
    let is_there = match (owner.session(), owner.app_password()) {
        (Some(session), _) => sessions::began(tx, id, session)?.is_some(),
        (None, Some(app_password)) => app_passwords::is_there(tx, id, app_password)?,
        (None, None) => false,
    };
    if account.is_some() && is_there { Ok(()) } else { Err(Error::Unauthenticated) }
}

/// Makes sure that without this account there still is an active admin. `admins` comes from
/// `users::lock_active_admins`.
pub fn not_the_last(admins: &[i64], account: i64) -> Result<()> {
    if admins == [account] { Err(Error::Conflict(Conflict::LastAdmin)) } else { Ok(()) }
}

/// How long after a login an admin changes accounts without the password.
const FRESH: Duration = Duration::hours(1);

/// Makes sure that an admin signed in lately, or typed the password again.
pub fn confirm_admin(call: &Call, admin: &Admin, password: Option<&str>) -> Result<()> {
    let (id, session) = (admin.id(), admin.caller().session());
    if let Some(password) = password {
        limits::count_also(call, Limit::Password, id)?;
        return confirm_password(call, admin.caller(), password).map(|_| ());
    }
    let began = call.app.db.read(|db| sessions::began(db, id, session))?;
    match began.ok_or(Error::Unauthenticated)? {
        began if call.now - began <= FRESH => Ok(()),
        _ => Err(Error::PasswordNeeded),
    }
}

/// Writes a failed login down.
pub fn note_failure(call: &Call, user: Option<i64>) -> Result<()> {
    call.app.db.transaction(|tx| call.audit(tx, Action::LoginFailed, None, user))
}
