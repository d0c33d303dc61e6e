//! Signing in: the password, the second factor, the session.

use crate::context::Call;
use crate::crypto::{self, Purpose, RefreshToken};
use crate::error::{Error, Result};
use crate::limits::{self, Attempt};
use crate::mail::Kind;
use crate::repository::audit::Action;
use crate::repository::sessions::{self, Rotation};
use crate::repository::users::{self, Credentials};
use crate::service::confirmation::note_failure;
use crate::service::second_factor;
use chrono::{DateTime, Duration, Utc};

/// Who asks for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// A program, which gets a refresh token.
    Program,
    /// A browser, which gets a cookie.
    Browser,
}

/// What was typed to sign in.
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

/// What came of a name and a password.
enum Signed {
    In(Session),
    /// The password is right, and a code is needed beside it.
    NeedsCode(Credentials),
}

/// What signing in on a page comes to.
#[derive(Debug)]
pub enum OnPage {
    /// A session.
    In(Session),
    /// A page that asks for the code, with this ticket; see [`second_step`].
    NeedsCode(String),
}

/// Opens a session for a program. Past the limits even the right password gets
/// [`Error::TooManyRequests`].
pub fn sign_in(call: &Call, typed: &Typed) -> Result<Session> {
    match twice(call, typed, Holder::Program)? {
        Signed::In(session) => Ok(session),
        Signed::NeedsCode(_) => Err(Error::SecondFactorRequired),
    }
}

/// Opens a session for a browser, or the way to the page that asks for the code.
pub fn sign_in_on_page(call: &Call, typed: &Typed) -> Result<OnPage> {
    match twice(call, typed, Holder::Browser)? {
        Signed::In(session) => Ok(OnPage::In(session)),
        Signed::NeedsCode(found) => ticket(call, &found).map(OnPage::NeedsCode),
    }
}

/// Once more when the account was changed meanwhile: another login may have renewed the hash.
fn twice(call: &Call, typed: &Typed, kind: Holder) -> Result<Signed> {
    match once(call, typed, kind)? {
        Some(signed) => Ok(signed),
        None => once(call, typed, kind)?.ok_or(Error::BadCredentials),
    }
}

/// Nothing if the password was changed, or the account disabled or deleted, since it was looked at.
fn once(call: &Call, typed: &Typed, kind: Holder) -> Result<Option<Signed>> {
    let found = call.app.db.read(|db| users::find_by_login(db, &typed.name))?;
    let hash = found.as_ref().map(|it| it.password_hash.as_str());
    let attempt = Attempt::begin(call, &typed.name, hash)?;
    let hasher = call.app.passwords.enter()?;
    let right = hasher.verify(&typed.password, hash)?;
    let outdated = right && hash.is_some_and(crypto::is_outdated);
    let rehashed = outdated.then(|| hasher.hash(&typed.password)).transpose()?;
    drop(hasher);
    let id = found.as_ref().map(|found| found.user.id);
    let Some(found) = found.filter(|_| right) else {
        attempt.failed();
        note_failure(call, id)?;
        return Err(Error::BadCredentials);
    };
    if !found.user.is_active || !found.user.is_verified {
        note_failure(call, id)?;
        return Err(match found.user.is_active {
            true => Error::EmailNotConfirmed,
            false => Error::AccountDisabled,
        });
    }
    match open(call, &found, rehashed.as_deref(), typed.code.as_deref(), kind) {
        Ok(session) => Ok(session.map(Signed::In)),
        Err(Error::SecondFactorRequired) => Ok(Some(Signed::NeedsCode(found))),
        Err(error) => Err(failed(call, &attempt, &found, error)?),
    }
}

/// A wrong code counts as a wrong password does.
fn failed(call: &Call, attempt: &Attempt<'_>, found: &Credentials, error: Error) -> Result<Error> {
    if let Error::SecondFactorWrong = error {
        attempt.failed();
        note_failure(call, Some(found.user.id))?;
    }
    Ok(error)
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
        let id = sessions::insert(tx, user, secret, &client, call.now, expires)?;
        sessions::trim(tx, user)?;
        call.audit(tx, Action::Login, Some(user), Some(user))?;
        Ok(Some(id))
    });
    let session = match session {
        Err(Error::Unauthenticated) => None, // it was deleted
        session => session?,
    };
    let secret = if kind == Holder::Program { refresh.text() } else { cookie };
    Ok(session.map(|id| Session { user, id, secret, ends }))
}

/// What stands for a right password on the page that asks for the code: the account and the password's
/// hash, hashed. Good for five minutes, and for a code that belongs to it.
fn ticket(call: &Call, found: &Credentials) -> Result<String> {
    let until = (call.now + TICKET_LIFE).timestamp();
    let digest = crypto::sha256_hex(found.password_hash.as_bytes());
    let plain = format!("{until} {} {digest}", found.user.id);
    call.app.keys.seal_text(Purpose::Flash, 0, &plain)
}

/// How long a [`ticket`] is good.
const TICKET_LIFE: Duration = Duration::minutes(5);

/// The account of a [`ticket`], if it is good and the password is the same.
fn read_ticket(call: &Call, ticket: &str) -> Result<Option<Credentials>> {
    let Some(plain) = call.app.keys.open_text(Purpose::Flash, 0, ticket) else { return Ok(None) };
    let parts: Vec<&str> = plain.split(' ').collect();
    let [until, id, digest] = parts.as_slice() else { return Ok(None) };
    let Some((until, id)) = until.parse::<i64>().ok().zip(id.parse().ok()) else { return Ok(None) };
    if until < call.now.timestamp() {
        return Ok(None);
    }
    let found = call.app.db.read(|db| users::find_credentials(db, id))?;
    Ok(found.filter(|it| crypto::sha256_hex(it.password_hash.as_bytes()) == *digest))
}

/// The second step of signing in on a page: a ticket and a code. [`Error::Unauthenticated`] for a ticket
/// that is too old, made up, or of a password that was changed since.
pub fn second_step(call: &Call, ticket: &str, code: &str) -> Result<Session> {
    let found = read_ticket(call, ticket)?.ok_or(Error::Unauthenticated)?;
    let attempt = Attempt::begin(call, &found.user.username, Some(&found.password_hash))?;
    match open(call, &found, None, Some(code), Holder::Browser) {
        Ok(session) => session.ok_or(Error::Unauthenticated),
        Err(error) => Err(failed(call, &attempt, &found, error)?),
    }
}

/// Exchanges a refresh token for the next one. For ten seconds the same again gives the same again,
/// as long as that one was not used; any other use of a spent token ends the session, because whoever
/// shows it stole it, or was stolen from.
pub fn refresh(call: &Call, typed: &str) -> Result<Session> {
    let old = RefreshToken::read(typed).ok_or(Error::Unauthenticated)?;
    let (family, hash) = (old.family_hash(), old.hash());
    // What is no session has no counter of its own: its address counts it.
    let known = call.app.db.read(|db| sessions::find_family(db, old.user, &family, call.now))?;
    known.ok_or(Error::Unauthenticated)?;
    limits::count_refresh(call, &crypto::sha256_hex(&family))?;
    let successors = old.successors(&call.app.keys);
    let next = successors.first().ok_or(Error::Unauthenticated)?;
    let new = next.hash();
    let rotation = Rotation { family: &family, old: &hash, new: &new };
    let (client, config) = (call.client(), &call.app.config);
    let rotated = call.app.db.write(|db| {
        let (idle, life) = (config.refresh_token, config.session);
        sessions::rotate(db, old.user, rotation, &client, call.now, idle, life)
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

/// It is unknown whether the thief or the owner has the live token: both have to sign in again.
fn reused(call: &Call, user: i64, session: i64) -> Result<Session> {
    call.app.change_user(user, |tx, found| {
        if sessions::delete(tx, user, session)? == 0 {
            return Ok(());
        }
        call.mail(tx, Kind::RefreshReused, &found.user.email, Some(user))?;
        call.audit(tx, Action::RefreshReused, None, Some(user))
    })?;
    call.app.work_waits.notify();
    Err(Error::Unauthenticated)
}
