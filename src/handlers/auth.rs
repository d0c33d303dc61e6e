//! Registration, login, tokens, and what mailed links do.

use crate::access::Caller;
use crate::context::Call;
use crate::crypto;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::handlers::views;
use crate::handlers::web::links;
use crate::http::Reply;
use crate::limits;
use crate::mail::Kind;
use crate::markup::DeadLink;
use crate::model::user::Role;
use crate::model::{input::Members, text, user};
use crate::repository::audit::Action;
use crate::repository::endings::{self, Kept, Sessions};
use crate::repository::mail_tokens::{self, Purpose};
use crate::repository::sessions;
use crate::repository::users::{self, Credentials};
use crate::service::sign_in::{self, Session, Typed};
use serde::Serialize;
use serde_json::json;

/// Same answer whoever asks, so that no caller learns which addresses have accounts.
const MAIL_MESSAGE: &str = "If there is such an account, a mail is on its way.";

#[derive(Serialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    token_type: &'static str,
    expires_in: i64,
}

fn tokens(call: &Call, session: Session) -> Result<Reply> {
    let Session { user, id, secret: refresh_token, ends } = session;
    let signer = &call.app.access_tokens;
    let access_token = signer.sign(user, id, call.now, ends)?;
    let expires_in = signer.life_seconds().min((ends - call.now).num_seconds());
    Ok(Reply::json(&Tokens { access_token, refresh_token, token_type: "bearer", expires_in }))
}

/// `POST /api/auth/register`
pub fn register(call: &Call) -> Result<Reply> {
    register_in(call, None)
}

/// The same, for an account with a language of its own: the one of the page that was filled in.
pub fn register_in(call: &Call, language: Option<&str>) -> Result<Reply> {
    if !call.app.config.registration_open {
        return Err(Error::RegistrationClosed);
    }
    let mut body = call.members()?;
    let username = body.required("username", user::username);
    let email = body.required("email", text::email);
    let password = body.required("password", |raw| user::password(raw, &username, &email));
    body.finish()?;
    let password_hash = call.app.passwords.enter()?.hash(&password)?;
    let new = users::NewUser {
        username: &username,
        email: &email,
        password_hash: &password_hash,
        role: Role::User,
        is_verified: false,
        language,
    };
    let user = call.app.db.transaction(|tx| {
        let user = users::insert(tx, &new, call.now)?;
        call.mail(tx, Kind::Confirm, &user.email, Some(user.id))?;
        call.audit(tx, Action::Registered, None, Some(user.id))?;
        Ok(user)
    })?;
    call.app.work_waits.notify();
    Ok(Reply::created(&views::user(&call.app.config, &user)))
}

/// `POST /api/auth/login`
pub fn login(call: &Call) -> Result<Reply> {
    let session = sign_in::sign_in(call, &credentials(call)?)?;
    tokens(call, session)
}

/// Name, password and code of a login: JSON, or the form of an OAuth 2 password grant (RFC 6749, 4.3),
/// whose other fields do not matter to us.
fn credentials(call: &Call) -> Result<Typed> {
    let is_form = call.is_form();
    let mut body = call.form_or_members()?;
    if is_form {
        let grant = body.optional("grant_type", |raw| Ok(raw.to_owned()));
        if grant.is_some_and(|grant| grant != "password") {
            return Err(Error::Malformed("grant_type must be password".to_owned()));
        }
        body.ignore_all_but(&["username", "password", "code"]);
    }
    let name = body.required("username", |raw| text::line(raw, 1, text::EMAIL_MAX));
    let password = body.required("password", user::password_as_typed);
    let code = body.optional("code", user::password_as_typed);
    body.finish()?;
    Ok(Typed { name, password, code })
}

/// `POST /api/auth/refresh`
pub fn refresh(call: &Call) -> Result<Reply> {
    let mut body = call.members()?;
    let old = body.required("refresh_token", |raw| Ok(raw.to_owned()));
    body.finish()?;
    tokens(call, sign_in::refresh(call, &old)?)
}

/// `POST /api/auth/logout`
pub fn logout(call: &Call, caller: &Caller) -> Result<Reply> {
    let id = caller.id();
    call.app.change_user(id, |tx, _| {
        sessions::delete(tx, id, caller.session())?;
        call.audit(tx, Action::Logout, Some(id), Some(id))
    })?;
    Ok(Reply::no_content())
}

/// `POST /api/auth/logout-all`: every session, and whatever else opens the account but app passwords.
pub fn logout_all(call: &Call, caller: &Caller) -> Result<Reply> {
    let id = caller.id();
    call.app.change_user(id, |tx, _| {
        let kept = Kept { app_passwords: true, ..Kept::default() };
        endings::end(tx, id, kept, call.now)?;
        call.audit(tx, Action::Logout, Some(id), Some(id))
    })?;
    Ok(Reply::no_content())
}

/// `POST /api/auth/request_email`: a new link for an account that is not confirmed yet.
pub fn request_email(call: &Call) -> Result<Reply> {
    request_link(call, Kind::Confirm, None)
}

/// `POST /api/auth/request-password-reset`
pub fn request_password_reset(call: &Call) -> Result<Reply> {
    request_link(call, Kind::Reset, Some(Action::PasswordResetRequested))
}

/// Writes the wish for a mail down, with the same statements for a known and an unknown address;
/// the worker finds out whether an account may have it.
fn request_link(call: &Call, kind: Kind, action: Option<Action>) -> Result<Reply> {
    let mut body = call.form_or_members()?;
    let email = body.required("email", text::email);
    body.finish()?;
    let user = call.app.db.read(|db| users::find_addressee(db, &email))?;
    // As in the worker, which decides.
    let wants = user.is_active && (kind != Kind::Confirm || !user.is_verified);
    let allowed = limits::mailbox_allows(call, &email, if wants { "mailbox" } else { "no-mail" });
    call.app.db.transaction(|tx| {
        call.mail(tx, kind, &user.email, user.id.filter(|_| allowed))?;
        action.map_or(Ok(()), |action| call.audit(tx, action, None, user.id))
    })?;
    call.app.work_waits.notify();
    Ok(match call.is_form() {
        true => links::mail_requested(call),
        false => Reply::accepted(MAIL_MESSAGE),
    })
}

/// `POST /api/auth/confirm-email`: the button behind the link of a mail.
pub fn confirm_email(call: &Call) -> Result<Reply> {
    let mut body = call.form_or_members()?;
    let token = body.required("token", token);
    body.finish()?;
    let result = confirm(call, &token);
    call.app.work_waits.notify();
    if call.is_form() {
        return match result {
            Ok(()) => Ok(links::confirmed(call)),
            Err(error) => dead_link(call, error, DeadLink::Confirm),
        };
    }
    result.map(|()| Reply::json(&json!({ "message": "Your e-mail address is confirmed." })))
}

/// The page for a dead link, which offers a new one.
fn dead_link(call: &Call, error: Error, link: DeadLink) -> Result<Reply> {
    match error {
        Error::DeadLink => Ok(links::dead(call, link)),
        other => Err(other),
    }
}

/// A mailed token as text. What it cannot be is a dead link like any other.
fn token(raw: &str) -> Result<String, String> {
    Ok(raw.chars().take(200).collect())
}

/// Changes an account, which may have been deleted since its link was looked up.
fn change_by_link(
    call: &Call,
    id: i64,
    work: impl FnOnce(&mut Tx, Credentials) -> Result<()>,
) -> Result<()> {
    match call.app.change_user(id, work) {
        Err(Error::Unauthenticated) => Err(Error::DeadLink),
        changed => changed,
    }
}

fn confirm(call: &Call, token: &str) -> Result<()> {
    let hash = crypto::token_hash(token);
    let id = crypto::owner_of(token).ok_or(Error::DeadLink)?;
    let found = call.app.db.read(|db| mail_tokens::find(db, id, &hash, call.now))?;
    found.ok_or(Error::DeadLink)?;
    change_by_link(call, id, |tx, found| {
        let purposes = [Purpose::Confirm, Purpose::ChangeEmail];
        let token = mail_tokens::consume(tx, id, &hash, &purposes, call.now)?;
        let token = token.ok_or(Error::DeadLink)?;
        // Whoever wished for another address may be why an admin disabled the account.
        if !found.user.is_active {
            return Err(Error::DeadLink);
        }
        if token.purpose == Purpose::ChangeEmail {
            users::set_email(tx, id, &token.email)?;
            // A link in the old mailbox must not open the account any more.
            let kept = Kept { sessions: Sessions::KeepAll, app_passwords: true };
            endings::end(tx, id, kept, call.now)?;
            call.mail(tx, Kind::EmailChanged, &found.user.email, Some(id))?;
            return call.audit(tx, Action::EmailChanged, Some(id), Some(id));
        }
        if found.user.email != token.email {
            return Err(Error::DeadLink);
        }
        users::set_verified(tx, id)?;
        call.audit(tx, Action::EmailConfirmed, Some(id), Some(id))
    })
}

/// `POST /api/auth/reset-password`
pub fn reset_password(call: &Call) -> Result<Reply> {
    let mut body = call.form_or_members()?;
    let token = body.required("token", token);
    let result = reset(call, &token, body);
    if call.is_form() {
        return match result {
            Ok(()) => Ok(links::reset_done(call)),
            Err(error) => reset_error(call, error, &token),
        };
    }
    result.map(|()| Reply::json(&json!({ "message": "Your password is changed." })))
}

/// A weak password is reported beside its field, and the link still works.
fn reset_error(call: &Call, error: Error, token: &str) -> Result<Reply> {
    let weak = match &error {
        Error::Invalid(faults) => faults.iter().find(|fault| fault.field == "new_password"),
        _ => None,
    };
    match weak {
        Some(fault) => Ok(links::reset_again(call, token, &error, &fault.detail)),
        None => dead_link(call, error, DeadLink::Reset),
    }
}

fn reset(call: &Call, token: &str, mut body: Members) -> Result<()> {
    let password = body.required("new_password", |raw| Ok(raw.to_owned()));
    body.finish()?;
    let hash = crypto::token_hash(token);
    let id = crypto::owner_of(token).ok_or(Error::DeadLink)?;
    let found = call.app.db.read(|db| {
        let token = mail_tokens::find(db, id, &hash, call.now)?;
        let token = token.filter(|token| token.purpose == Purpose::Reset);
        token.map_or(Ok(None), |_| users::find(db, id))
    })?;
    let user = found.filter(|user| user.is_active).ok_or(Error::DeadLink)?;
    let password = user::password(&password, &user.username, &user.email)
        .map_err(|why| Error::invalid("new_password", why))?;
    let password_hash = call.app.passwords.enter()?.hash(&password)?;
    change_by_link(call, id, |tx, found| {
        let user = found.user;
        let token = mail_tokens::consume(tx, id, &hash, &[Purpose::Reset], call.now)?;
        if token.ok_or(Error::DeadLink)?.email != user.email || !user.is_active {
            return Err(Error::DeadLink);
        }
        users::set_password(tx, user.id, &password_hash)?;
        users::set_verified(tx, user.id)?;
        endings::end(tx, user.id, Kept::default(), call.now)?;
        call.mail(tx, Kind::PasswordChanged, &user.email, Some(user.id))?;
        call.audit(tx, Action::PasswordReset, None, Some(user.id))
    })?;
    call.app.work_waits.notify();
    Ok(())
}
