//! Signing in: the password, the second factor, the session. And the password again, where a session
//! alone is not enough.

use crate::access::{Admin, Caller};
use crate::context::{Call, as_client};
use crate::crypto::{self, Purpose, RefreshToken};
use crate::error::{Error, Result};
use crate::limits::{self, Attempt};
use crate::mail::Kind;
use crate::model::user::User;
use crate::repository::audit::Action;
use crate::repository::sessions::{self, Rotation};
use crate::repository::users::{self, Credentials};
use crate::service::second_factor;
use chrono::{DateTime, Duration, Utc};

/// Who asks for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A program, which gets a refresh token.
    Program,
    /// A browser, which gets a cookie.
    Browser,
}

/// What somebody typed to sign in.
#[derive(Debug)]
pub struct Typed {
    /// Username or address.
    pub name: String,
    /// Password, exactly as sent.
    pub password: String,
    /// Code of the second factor.
    pub code: Option<String>,
}

/// A session that goes on.
#[derive(Debug)]
pub struct Session {
    /// The account.
    pub user: i64,
    /// The session.
    pub id: i64,
    /// The refresh token, or the cookie.
    pub secret: String,
    /// When the session ends whatever happens.
    pub ends: DateTime<Utc>,
}

/// Opens a session. Past the limits even the right password gets [`Error::TooManyRequests`].
pub fn sign_in(call: &Call, typed: &Typed, kind: Holder) -> Result<Session> {
    // Once more when the account was changed meanwhile: another login may have renewed the hash.
    match once(call, typed, kind)? {
        Some(session) => Ok(session),
        None => once(call, typed, kind)?.ok_or(Error::BadCredentials),
    }
}

/// Nothing if the password was changed, or the account disabled, since it was looked at.
fn once(call: &Call, typed: &Typed, kind: Holder) -> Result<Option<Session>> {
    let found = call.app.db.read(|db| users::find_by_login(db, &typed.name))?;
    let hash = found.as_ref().map(|it| it.password_hash.as_str());
    let attempt = Attempt::begin(call, &typed.name, hash)?;
    let hasher = call.app.passwords.enter()?;
    let right = hasher.verify(&typed.password, hash)?;
    let outdated = right && hash.is_some_and(crypto::is_outdated);
    let rehashed = outdated.then(|| hasher.hash(&typed.password)).transpose()?;
    drop(hasher);
    let Some(found) = found.as_ref().filter(|_| right) else {
        attempt.failed();
        note_failure(call, found.map(|found| found.user.id))?;
        return Err(Error::BadCredentials);
    };
    let id = found.user.id;
    if !found.user.is_active || !found.user.is_verified {
        note_failure(call, Some(id))?;
        return Err(match found.user.is_active {
            true => Error::EmailNotConfirmed,
            false => Error::AccountDisabled,
        });
    }
    let opened = open(call, found, rehashed.as_deref(), typed.code.as_deref(), kind);
    if let Err(Error::SecondFactorWrong) = &opened {
        attempt.failed();
        note_failure(call, Some(id))?;
    }
    opened
}

fn note_failure(call: &Call, user: Option<i64>) -> Result<()> {
    call.app.db.transaction(|tx| call.audit(tx, Action::LoginFailed, None, user))
}

fn open(
    call: &Call,
    found: &Credentials,
    rehashed: Option<&str>,
    code: Option<&str>,
    kind: Holder,
) -> Result<Option<Session>> {
    let user = found.user.id;
    let refresh = RefreshToken::new(user)?;
    let (family, token) = (refresh.family_hash(), refresh.hash());
    let cookie = crypto::token_for(user)?;
    let cookie_hash = crypto::token_hash(&cookie);
    let ends = call.now + call.app.config.session;
    let expires = ends.min(call.now + call.app.config.refresh_token);
    let client = call.client();
    let session = call.app.change_user(user, |tx, now| {
        if now.password_hash != found.password_hash || !now.user.is_active {
            return Ok(None);
        }
        second_factor::check(call, tx, user, code)?;
        if let Some(hash) = rehashed {
            users::set_password(tx, user, hash)?;
        }
        let secret = match kind {
            Holder::Program => sessions::Secret::Refresh { family: &family, token: &token },
            Holder::Browser => sessions::Secret::Cookie(&cookie_hash),
        };
        let id = sessions::insert(tx, user, secret, as_client(&client), call.now, expires)?;
        sessions::trim(tx, user)?;
        call.audit(tx, Action::Login, Some(user), Some(user))?;
        Ok(Some(id))
    })?;
    let secret = if kind == Holder::Program { refresh.text() } else { cookie };
    Ok(session.map(|id| Session { user, id, secret, ends }))
}

/// What stands for a right password on the page that asks for the code: the account and the password's
/// hash, hashed. Good for five minutes, and for a code that belongs to it.
pub fn ticket(call: &Call, typed: &Typed) -> Result<String> {
    let found = call.app.db.read(|db| users::find_by_login(db, &typed.name))?;
    let found = found.ok_or(Error::BadCredentials)?;
    let until = (call.now + TICKET_LIFE).timestamp();
    let digest = crypto::sha256_hex(found.password_hash.as_bytes());
    let plain = format!("{until} {} {digest}", found.user.id);
    call.app.keys.seal_text(Purpose::Flash, 0, &plain)
}

/// How long a [`ticket`] is good.
const TICKET_LIFE: Duration = Duration::minutes(5);

/// The second step of signing in on a page: a ticket and a code. [`Error::Unauthenticated`] for a ticket
/// that is too old, made up, or of a password that was changed since.
pub fn second_step(call: &Call, ticket: &str, code: &str) -> Result<Session> {
    let plain = call.app.keys.open_text(Purpose::Flash, 0, ticket).ok_or(Error::Unauthenticated)?;
    let mut parts = plain.split(' ');
    let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok());
    let (until, id) = number().zip(number()).ok_or(Error::Unauthenticated)?;
    let user = call.app.db.read(|db| users::find(db, id))?.ok_or(Error::Unauthenticated)?;
    let found = call.app.db.read(|db| users::find_by_login(db, &user.username))?;
    let same = |hash: &str| parts.next() == Some(crypto::sha256_hex(hash.as_bytes()).as_str());
    let found = found.filter(|_| until >= call.now.timestamp());
    let mut same = same;
    let found = found.filter(|found| same(&found.password_hash)).ok_or(Error::Unauthenticated)?;
    let attempt = Attempt::begin(call, &user.username, Some(&found.password_hash))?;
    let opened = open(call, &found, None, Some(code), Holder::Browser);
    if let Err(Error::SecondFactorWrong) = &opened {
        attempt.failed();
        note_failure(call, Some(id))?;
    }
    opened?.ok_or(Error::Unauthenticated)
}

/// Exchanges a refresh token for the next one. For ten seconds the same again gives the same again,
/// as long as that one was not used; any other use of a spent token ends the session, because whoever
/// shows it stole it, or was stolen from.
pub fn refresh(call: &Call, typed: &str) -> Result<Session> {
    let old = RefreshToken::read(typed).ok_or(Error::Unauthenticated)?;
    let (family, hash) = (old.family_hash(), old.hash());
    limits::count_refresh(call, &crypto::sha256_hex(&family))?;
    let successors = old.successors(&call.app.keys);
    let next = successors.first().ok_or(Error::Unauthenticated)?;
    let new = next.hash();
    let rotation = Rotation { family: &family, old: &hash, new: &new };
    let (client, config) = (call.client(), &call.app.config);
    let rotated = call.app.db.write(|db| {
        let client = as_client(&client);
        let (idle, life) = (config.refresh_token, config.session);
        sessions::rotate(db, old.user, rotation, client, call.now, idle, life)
    })?;
    let session = |id, token: &RefreshToken, ends| {
        limits::was_live(call);
        Session { user: old.user, id, secret: token.text(), ends }
    };
    if let Some(rotated) = rotated {
        return Ok(session(rotated.id, next, rotated.ends));
    }
    let found = call.app.db.read(|db| sessions::find_family(db, old.user, &family, call.now))?;
    let found = found.ok_or(Error::Unauthenticated)?;
    let current = successors.iter().find(|token| token.hash() == found.token);
    match current {
        Some(token) if found.previous == Some(hash) => {
            Ok(session(found.id, token, found.created_at + config.session))
        }
        // Alive, but too old for SESSION_DAYS, which was lowered since.
        _ if found.token == old.hash() => Err(Error::Unauthenticated),
        _ => reused(call, old.user, found.id),
    }
}

/// Nobody knows whether the thief or the owner has the live token: both have to sign in again.
fn reused(call: &Call, user: i64, session: i64) -> Result<Session> {
    call.app.change_user(user, |tx, found| {
        if sessions::delete(tx, user, session)? == 0 {
            return Ok(());
        }
        call.mail(tx, Kind::RefreshReused, &found.user.email, Some(user))?;
        call.audit(tx, Action::RefreshReused, None, Some(user))
    })?;
    call.app.mail_queued.notify();
    Err(Error::Unauthenticated)
}

/// The caller's account as it is now, if `password` is its password. The route counts such calls
/// (`Limit::Password`), and a wrong one counts as a failed login too; that logins are locked out does
/// not matter here. Must stay inside the same request: see [`unchanged`].
pub fn confirm_password(call: &Call, caller: &Caller, password: &str) -> Result<Credentials> {
    let id = caller.id();
    if caller.is_on_page() {
        limits::count_password(call, id)?;
    }
    let name = caller.user().username.as_str();
    let found = call.app.db.read(|db| users::find_by_login(db, name))?;
    let found = found.filter(|found| found.user.id == id).ok_or(Error::Unauthenticated)?;
    if call.app.passwords.enter()?.verify(password, Some(&found.password_hash))? {
        return Ok(found);
    }
    limits::count_failure(call, name, &found.password_hash);
    note_failure(call, Some(id))?;
    Err(Error::WrongPassword)
}

/// Makes sure that nobody changed the password since it was confirmed. `found` is locked.
pub fn unchanged(found: Credentials, confirmed: &Credentials) -> Result<User> {
    if found.password_hash != confirmed.password_hash {
        return Err(Error::WrongPassword);
    }
    Ok(found.user)
}

/// How long after a login an admin changes accounts without the password.
const FRESH: Duration = Duration::hours(1);

/// Makes sure that an admin signed in lately, or typed the password again.
pub fn confirm_admin(call: &Call, admin: &Admin, password: Option<&str>) -> Result<()> {
    let (id, session) = (admin.id(), admin.caller().session());
    if let Some(password) = password {
        limits::count_password(call, id)?;
        return confirm_password(call, admin.caller(), password).map(|_| ());
    }
    let began = call.app.db.read(|db| sessions::began(db, id, session))?;
    match began.ok_or(Error::Unauthenticated)? {
        began if call.now - began <= FRESH => Ok(()),
        _ => Err(Error::PasswordNeeded),
    }
}
