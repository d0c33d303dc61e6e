//! Who is calling. This file is the only maker of [`Caller`] and [`Admin`]: a handler that takes
//! one of them cannot be reached by anybody else.

use crate::cache::LookedUp;
use crate::context::Call;
use crate::error::{Error, Result};
use crate::model::user::{CurrentUser, Role, User};

/// Somebody who is signed in: the token is valid, its session alive, the account active.
pub struct Caller {
    current: CurrentUser,
    session: i64,
}

impl Caller {
    /// The account.
    pub fn user(&self) -> &User {
        &self.current.user
    }

    /// The account's id, which is the owner of the contacts that the caller may see.
    pub fn id(&self) -> i64 {
        self.current.user.id
    }

    /// The session of the access token.
    pub fn session(&self) -> i64 {
        self.session
    }
}

/// A caller who is an admin.
pub struct Admin(Caller);

impl Admin {
    /// The admin as a user.
    pub fn caller(&self) -> &Caller {
        &self.0
    }

    /// The admin's id.
    pub fn id(&self) -> i64 {
        self.0.id()
    }

    /// Makes sure in a transaction that the admin still is one: the cached user may be older than
    /// the transaction. `active_admins` comes from `users::lock_active_admins`.
    pub fn still_one_of(&self, active_admins: &[i64]) -> Result<()> {
        if active_admins.contains(&self.id()) { Ok(()) } else { Err(Error::AdminOnly) }
    }
}

/// The ids in a valid access token of the request, before anything is looked up.
pub fn token_ids(call: &Call) -> Result<(i64, i64)> {
    let header = call.header("Authorization").unwrap_or_default();
    let (scheme, token) = header.split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Error::Unauthenticated);
    }
    call.app.access_tokens.verify(token.trim(), call.now)
}

/// The caller with these ids, of whom the cache was asked before.
pub fn caller(call: &Call, (id, session): (i64, i64), looked_up: LookedUp) -> Result<Caller> {
    let current = call.app.cache.finish(looked_up, |purpose| call.app.load_user(id, purpose))?;
    let alive = current.filter(|it| it.user.is_active && it.sessions.contains(&session));
    alive.map(|current| Caller { current, session }).ok_or(Error::Unauthenticated)
}

/// The caller as an admin, or [`Error::AdminOnly`].
pub fn admin(caller: Caller) -> Result<Admin> {
    match caller.user().role {
        Role::Admin => Ok(Admin(caller)),
        Role::User => Err(Error::AdminOnly),
    }
}
