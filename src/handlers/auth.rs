//! Registration, login, tokens, and what mailed links do.

use crate::access::Caller;
use crate::context::{Call, as_client};
use crate::crypto;
use crate::error::{Error, Result};
use crate::handlers::views;
use crate::http::Reply;
use crate::limits::{self, Account};
use crate::mail::Kind;
use crate::markup::{self, DeadLink};
use crate::model::user::Role;
use crate::model::{input::Members, text, user};
use crate::repository::audit::Action;
use crate::repository::mail_tokens::{self, Purpose};
use crate::repository::{sessions, users};
use serde::Serialize;
use serde_json::json;

/// Same answer whoever asks, so that nobody learns which addresses have accounts.
const MAIL_MESSAGE: &str = "If there is such an account, a mail is on its way.";

#[derive(Serialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    token_type: &'static str,
    expires_in: i64,
}

fn tokens(call: &Call, user: i64, session: i64, refresh_token: String) -> Result<Reply> {
    let access_token = call.app.access_tokens.sign(user, session, call.now)?;
    let expires_in = call.app.access_tokens.life_seconds();
    Ok(Reply::json(&Tokens { access_token, refresh_token, token_type: "bearer", expires_in }))
}

/// `POST /api/auth/register`
pub fn register(call: &Call) -> Result<Reply> {
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
    };
    let user = call.app.db.transaction(|tx| {
        let user = users::insert(tx, &new, call.now)?;
        call.mail(tx, Kind::Confirm, &user.email, Some(user.id))?;
        call.audit(tx, Action::Registered, None, Some(user.id))?;
        Ok(user)
    })?;
    call.app.ring_mail_bell();
    Ok(Reply::created(None, &views::user(&call.app.config, &user)))
}

/// `POST /api/auth/login`
pub fn login(call: &Call) -> Result<Reply> {
    let (name, password) = credentials(call)?;
    // Once more when the account was changed meanwhile: another login may have renewed the hash.
    match sign_in(call, &name, &password)? {
        Some(reply) => Ok(reply),
        None => sign_in(call, &name, &password)?.ok_or(Error::BadCredentials),
    }
}

/// Opens a session. Nothing if the password was changed, or the account disabled, since it was
/// looked at.
fn sign_in(call: &Call, name: &str, password: &str) -> Result<Option<Reply>> {
    let found = call.app.db.read(|db| users::find_by_login(db, name))?;
    let account = Account::of(found.as_ref().map(|it| it.user.id), name);
    let hash = found.as_ref().map(|it| it.password_hash.as_str());
    let rehashed = check_password(call, &account, hash, password, Error::BadCredentials)?;
    let found = found.ok_or(Error::BadCredentials)?;
    let id = found.user.id;
    if !found.user.is_active || !found.user.is_verified {
        call.app.db.transaction(|tx| call.audit(tx, Action::LoginFailed, None, Some(id)))?;
        return Err(match found.user.is_active {
            true => Error::EmailNotConfirmed,
            false => Error::AccountDisabled,
        });
    }
    let refresh_token = crypto::random_token()?;
    let refresh_hash = crypto::token_hash(&refresh_token);
    let expires = call.now + call.app.config.refresh_token;
    let session = call.app.change_user(id, |tx, now| {
        if now.password_hash != found.password_hash || !now.user.is_active {
            return Ok(None);
        }
        if let Some(hash) = &rehashed {
            users::set_password(tx, id, hash)?;
        }
        let client = call.client();
        let session =
            sessions::insert(tx, id, &refresh_hash, as_client(&client), call.now, expires)?;
        sessions::trim(tx, id)?;
        call.audit(tx, Action::Login, Some(id), Some(id))?;
        Ok(Some(session))
    })?;
    session.map(|session| tokens(call, id, session, refresh_token)).transpose()
}

/// Name and password of a login: JSON, or the form of an OAuth 2 password grant (RFC 6749, 4.3),
/// whose other fields do not matter to us.
fn credentials(call: &Call) -> Result<(String, String)> {
    let is_form = call.is_form();
    let mut body = call.form_or_members()?;
    if is_form {
        let grant = body.optional("grant_type", |raw| Ok(raw.to_owned()));
        if grant.is_some_and(|grant| grant != "password") {
            return Err(Error::Malformed("grant_type must be password".to_owned()));
        }
        body.ignore_all_but(&["username", "password"]);
    }
    let name = body.required("username", |raw| text::line(raw, 1, text::EMAIL_MAX));
    let password = body.required("password", user::password_as_typed);
    body.finish()?;
    Ok((name, password))
}

/// Checks a password, counting failures by the account: past the limit even the right one gets
/// 429. Returns a new hash when the stored one has old parameters. `wrong` is the error for a
/// wrong password.
pub fn check_password(
    call: &Call,
    account: &Account,
    stored: Option<&str>,
    password: &str,
    wrong: Error,
) -> Result<Option<String>> {
    // Counted behind the gate, where only as many are as there are cores: people who sign in at
    // once with the right password do not shut each other out.
    let hasher = call.app.passwords.enter()?;
    limits::count_failure(call, account)?;
    if hasher.verify(password, stored)? {
        limits::forgive(call, account);
        let outdated = stored.is_some_and(crypto::is_outdated);
        return if outdated { hasher.hash(password).map(Some) } else { Ok(None) };
    }
    drop(hasher);
    call.app.db.transaction(|tx| call.audit(tx, Action::LoginFailed, None, account.id()))?;
    Err(wrong)
}

/// `POST /api/auth/refresh`
pub fn refresh(call: &Call) -> Result<Reply> {
    let mut body = call.members()?;
    let old = body.required("refresh_token", |raw| text::line(raw, 1, 200));
    body.finish()?;
    let old_hash = crypto::token_hash(&old);
    let new = crypto::random_token()?;
    let expires = call.now + call.app.config.refresh_token;
    let client = call.client();
    let new_hash = crypto::token_hash(&new);
    let rotated = call.app.db.write(|db| {
        sessions::rotate(db, &old_hash, &new_hash, as_client(&client), call.now, expires)
    })?;
    if let Some((session, user)) = rotated {
        return tokens(call, user, session, new);
    }
    // A spent token: it was stolen from, or by, whoever shows it. Nobody knows which, so both
    // have to sign in again.
    if let Some((session, user)) = call.app.db.read(|db| sessions::find_spent(db, &old_hash))? {
        call.app.change_user(user, |tx, _| match sessions::delete(tx, user, session)? {
            0 => Ok(()),
            _ => call.audit(tx, Action::RefreshReused, None, Some(user)),
        })?;
    }
    Err(Error::Unauthenticated)
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

/// `POST /api/auth/logout-all`
pub fn logout_all(call: &Call, caller: &Caller) -> Result<Reply> {
    let id = caller.id();
    call.app.change_user(id, |tx, _| {
        sessions::delete_all(tx, id, None)?;
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

fn request_link(call: &Call, kind: Kind, action: Option<Action>) -> Result<Reply> {
    write_wish(call, kind, action)?;
    Ok(match call.is_form() {
        true => Reply::html_accepted(markup::mail_requested()),
        false => Reply::accepted(MAIL_MESSAGE),
    })
}

/// Writes the wish for a mail down, with the same statements for a known and an unknown address;
/// the worker finds out whether there is somebody who may have it.
fn write_wish(call: &Call, kind: Kind, action: Option<Action>) -> Result<()> {
    let mut body = call.form_or_members()?;
    let email = body.required("email", text::email);
    body.finish()?;
    let allowed = limits::mailbox_allows(call, &email);
    let found = call.app.db.read(|db| users::find_by_login(db, &email))?;
    let user = found.map(|found| found.user);
    let id = user.as_ref().map(|user| user.id);
    // The address as its owner wrote it, not as somebody else types it.
    let to = user.as_ref().map_or(email.as_str(), |user| user.email.as_str());
    call.app.db.transaction(|tx| {
        call.mail(tx, kind, to, id.filter(|_| allowed))?;
        action.map_or(Ok(()), |action| call.audit(tx, action, None, id))
    })?;
    call.app.ring_mail_bell();
    Ok(())
}

/// `POST /api/auth/confirm-email`: the button behind the link of a mail.
pub fn confirm_email(call: &Call) -> Result<Reply> {
    let mut body = call.form_or_members()?;
    let token = body.required("token", token);
    body.finish()?;
    let result = confirm(call, &token);
    if call.is_form() {
        return match result {
            Ok(()) => Ok(Reply::html(markup::confirmed())),
            Err(error) => dead_link(error, DeadLink::Confirm),
        };
    }
    result.map(|()| Reply::json(&json!({ "message": "Your e-mail address is confirmed." })))
}

/// The page for a dead link, which offers a new one.
fn dead_link(error: Error, link: DeadLink) -> Result<Reply> {
    match error {
        Error::DeadLink => Ok(Reply::html_error(&error, markup::dead_link(link))),
        other => Err(other),
    }
}

/// A mailed token as text. What it cannot be is a dead link like any other.
fn token(raw: &str) -> Result<String, String> {
    Ok(raw.chars().take(200).collect())
}

fn confirm(call: &Call, token: &str) -> Result<()> {
    let hash = crypto::token_hash(token);
    let found = call.app.db.read(|db| mail_tokens::find(db, &hash, call.now))?;
    let id = found.ok_or(Error::DeadLink)?.user_id;
    call.app.change_user(id, |tx, found| {
        let purposes = [Purpose::Confirm, Purpose::ChangeEmail];
        let token = mail_tokens::consume(tx, &hash, &purposes, call.now)?.ok_or(Error::DeadLink)?;
        // Whoever wished for another address may be why an admin disabled the account.
        if !found.user.is_active {
            return Err(Error::DeadLink);
        }
        if token.purpose == Purpose::ChangeEmail {
            users::set_email(tx, id, &token.email)?;
            // A link in the old mailbox must not open the account any more.
            call.void_links(tx, id, &[Purpose::Reset, Purpose::Confirm])?;
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
            Ok(()) => Ok(Reply::html(markup::reset_done())),
            Err(error) => reset_error(error, &token),
        };
    }
    result.map(|()| Reply::json(&json!({ "message": "Your password is changed." })))
}

/// A weak password is told beside its field, and the link still works.
fn reset_error(error: Error, token: &str) -> Result<Reply> {
    let weak = match &error {
        Error::Invalid(faults) => faults.iter().find(|fault| fault.field == "new_password"),
        _ => None,
    };
    match weak {
        Some(fault) => Ok(Reply::html_error(&error, markup::reset(token, Some(&fault.detail)))),
        None => dead_link(error, DeadLink::Reset),
    }
}

fn reset(call: &Call, token: &str, mut body: Members) -> Result<()> {
    let password = body.required("new_password", |raw| Ok(raw.to_owned()));
    body.finish()?;
    let hash = crypto::token_hash(token);
    let found = call.app.db.read(|db| {
        let token = mail_tokens::find(db, &hash, call.now)?;
        let token = token.filter(|token| token.purpose == Purpose::Reset);
        token.map_or(Ok(None), |token| users::find(db, token.user_id))
    })?;
    let user = found.filter(|user| user.is_active).ok_or(Error::DeadLink)?;
    let password = user::password(&password, &user.username, &user.email)
        .map_err(|why| Error::invalid("new_password", why))?;
    let password_hash = call.app.passwords.enter()?.hash(&password)?;
    call.app.change_user(user.id, |tx, found| {
        let user = found.user;
        let token = mail_tokens::consume(tx, &hash, &[Purpose::Reset], call.now)?;
        if token.ok_or(Error::DeadLink)?.email != user.email || !user.is_active {
            return Err(Error::DeadLink);
        }
        users::set_password(tx, user.id, &password_hash)?;
        users::set_verified(tx, user.id)?;
        call.void_links(tx, user.id, &Purpose::ALL)?;
        sessions::delete_all(tx, user.id, None)?;
        call.mail(tx, Kind::PasswordChanged, &user.email, Some(user.id))?;
        call.audit(tx, Action::PasswordReset, None, Some(user.id))
    })?;
    call.app.ring_mail_bell();
    Ok(())
}
