//! What whoever runs the server does to accounts on the command line: without a session, and written
//! down like everything else that happens to accounts.

use crate::context::App;
use crate::crypto;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::model::user::{Role, User};
use crate::repository::audit::{self, Action};
use crate::repository::endings::{self, Kept};
use crate::repository::mail_tokens::{self, Purpose};
use crate::repository::totp;
use crate::repository::users::{self, NewUser};
use crate::service::confirmation::not_the_last;

/// Writes down what happened to an account without a request: by a command, or by itself.
pub fn note(app: &App, tx: &mut Tx, user: i64, action: Action, why: &str) -> Result<()> {
    let event = audit::NewEvent {
        at: app.now(),
        actor_id: None,
        user_id: Some(user),
        action,
        ip: "local",
        request_id: why,
    };
    audit::insert(tx, event)
}

/// Makes an account: confirmed and active.
pub fn create_account(
    app: &App,
    role: Role,
    username: &str,
    email: &str,
    password: &str,
) -> Result<i64> {
    let password_hash = app.passwords.enter()?.hash(password)?;
    let new = NewUser {
        username,
        email,
        password_hash: &password_hash,
        role,
        is_verified: true,
        language: None,
    };
    app.db.transaction(|tx| {
        let id = users::insert(tx, &new, app.now())?.id;
        note(app, tx, id, Action::Registered, &format!("create-{}", role.as_str()))?;
        Ok(id)
    })
}

/// Every account by id, given to `each`, a hundred at a time.
pub fn each_user(app: &App, mut each: impl FnMut(&User)) -> Result<()> {
    let mut after = 0;
    loop {
        let page = app.db.read(|db| users::page(db, after))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        page.iter().for_each(&mut each);
    }
}

fn find(app: &App, name: &str) -> Result<User> {
    let found = app.db.read(|db| users::find_by_login(db, name))?;
    found.map(|found| found.user).ok_or(Error::NotFound)
}

/// Disables or enables the account with this username or address. The last admin stays.
pub fn set_active(app: &App, name: &str, active: bool) -> Result<()> {
    let id = find(app, name)?.id;
    app.change_user_among_admins(id, |tx, found, admins| {
        if !active {
            not_the_last(admins, id)?;
            let kept = Kept { app_passwords: true, ..Kept::default() };
            endings::end(tx, id, kept, app.now())?;
        }
        users::set_active(tx, id, active)?;
        let action = if active { Action::Enabled } else { Action::Disabled };
        match found.user.is_active == active {
            true => Ok(()),
            false => note(app, tx, id, action, "user"),
        }
    })
}

/// Takes the second factor off. True if there was one.
pub fn reset_totp(app: &App, name: &str) -> Result<bool> {
    let id = find(app, name)?.id;
    app.change_user(id, |tx, _| {
        let was_on = totp::delete(tx, id)?;
        if was_on {
            note(app, tx, id, Action::TotpDisabled, "user reset-totp")?;
        }
        Ok(was_on)
    })
}

/// A link by which the owner chooses a new password, for who gets no mail. It voids the one before, and
/// those of mails that wait, which would void this one.
pub fn password_link(app: &App, name: &str) -> Result<String> {
    let id = find(app, name)?.id;
    let token = crypto::token_for(id)?;
    let hash = crypto::token_hash(&token);
    app.db.transaction(|tx| {
        let user = users::lock(tx, id)?.ok_or(Error::NotFound)?.user;
        if !user.is_active {
            return Err(Error::AccountDisabled);
        }
        endings::revoke_links(tx, id, &[Purpose::Reset], app.now())?;
        let expires = app.now() + Purpose::Reset.lifetime();
        mail_tokens::put(tx, id, Purpose::Reset, &hash, &user.email, expires)?;
        note(app, tx, id, Action::PasswordResetRequested, "user password-link")
    })?;
    Ok(format!("{}/api/auth/reset-password/{token}", app.config.public_url))
}
