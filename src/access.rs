//! Who is calling. This file is the only maker of [`Caller`], [`Admin`], [`Owner`], [`Device`] and
//! [`Visitor`]: a handler that takes one of them cannot be reached by any other client.
//!
//! A request first makes a claim ([`Claim`]): an access token, an app password, a page's cookie. Then the account
//! that the claim names is looked up, in the cache or, for a guess, in Postgres, and the claim is held against it.
//!
//! A page's session is that of a browser, named by a cookie; a program's session is one with tokens.

use crate::cache::LookedUp;
use crate::context::Call;
use crate::crypto::{self, Purpose, typed};
use crate::error::{Error, Result};
use crate::limits::Subject;
use crate::model::user::{CurrentUser, PageSession, Role, Scope, User};
use crate::repository::audit::Action;
use crate::repository::{app_passwords, sessions};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

/// What a request says of who sends it, before anything is looked up.
#[derive(Debug)]
pub struct Claim {
    /// The account.
    pub user: i64,
    proof: Proof,
}

#[derive(Debug)]
enum Proof {
    /// An access token that we signed, for this session.
    Session(i64),
    /// An app password with this digest, and the name before it, if there was one.
    AppPassword { digest: String, name: Option<String> },
    /// A page's cookie with this digest.
    Cookie { digest: String },
}

impl Claim {
    /// The digest of a secret that clients may guess; none: a token that we signed.
    fn digest(&self) -> Option<&str> {
        match &self.proof {
            Proof::Session(_) => None,
            Proof::AppPassword { digest, .. } | Proof::Cookie { digest } => Some(digest),
        }
    }

    /// True for a secret that was not found true in the last hour, and so never for a token that we signed. Until it
    /// is found true, no account is charged for it.
    pub fn is_guess(&self, call: &Call) -> bool {
        self.digest().is_some_and(|digest| !call.app.proven.contains(digest, call.now))
    }

    /// Remembers whether the secret was found true; of a token nothing.
    pub fn set_proven(&self, call: &Call, is_true: bool) {
        if let Some(digest) = self.digest() {
            call.app.proven.set(digest, is_true, call.now);
        }
    }

    /// Whom the request counts for, if the claim is true.
    pub fn subject(&self) -> Subject<'_> {
        Subject { user: self.user, secret: self.digest() }
    }
}

/// A user who is signed in, by a token or a page's cookie: the session is alive, the account active.
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

    /// The session: of the access token, or of the browser whose cookie it is.
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

/// Whoever may read, and as the method asks for it change, the contacts of one account: with an
/// access token, with an app password, or on a page.
pub struct Owner {
    current: CurrentUser,
    session: Option<i64>,
    /// Id and name.
    app_password: Option<(i64, String)>,
    may_write: bool,
}

impl Owner {
    /// The account.
    pub fn user(&self) -> &User {
        &self.current.user
    }

    /// The account's id.
    pub fn id(&self) -> i64 {
        self.current.user.id
    }

    /// False for an app password of scope `read`.
    pub fn may_write(&self) -> bool {
        self.may_write
    }

    /// The session; none: an app password.
    pub fn session(&self) -> Option<i64> {
        self.session
    }

    /// The id of the app password; none: a session.
    pub fn app_password(&self) -> Option<i64> {
        self.app_password.as_ref().map(|(id, _)| *id)
    }

    /// The name of the app password, for the history of a contact; none: a session.
    pub fn client(&self) -> Option<&str> {
        self.app_password.as_ref().map(|(_, name)| name.as_str())
    }

    /// Writes the use of an app password down, once a minute, and an event when it comes from a
    /// network that is new. Waits for Postgres then.
    pub fn note_use(&self, call: &Call) -> Result<()> {
        let Some((id, _)) = self.app_password else { return Ok(()) };
        let (user, network) = (self.id(), http1::network(call.ip));
        if !call.app.uses.is_due(id, Some(network), call.now) {
            return Ok(());
        }
        let (ip, network) = (call.ip.to_string(), network.to_string());
        call.app.db.transaction(|tx| {
            match app_passwords::note_use(tx, user, id, &ip, &network, call.now)? {
                Some(true) => call.audit(tx, Action::AppPasswordNewAddress, Some(user), Some(user)),
                Some(false) | None => Ok(()),
            }
        })
    }
}

/// A phone, a mail program or a script with an app password, over CardDAV.
pub struct Device(Owner);

impl Device {
    /// Whose contacts it may see.
    pub fn owner(&self) -> &Owner {
        &self.0
    }
}

/// Who looks at a page: with a page's session, or without.
pub struct Visitor {
    caller: Option<Caller>,
    /// When the session ends unless it is used.
    ends: DateTime<Utc>,
    csrf: String,
}

impl Visitor {
    /// Whoever is signed in.
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// The caller as the owner of contacts.
    pub fn owner(&self) -> Option<Owner> {
        let Caller { current, session } = self.caller.as_ref()?;
        let (current, session) = (current.clone(), Some(*session));
        Some(Owner { current, session, app_password: None, may_write: true })
    }

    /// The caller as an admin; [`Error::Unauthenticated`] without one, [`Error::AdminOnly`] for another user.
    pub fn admin(&self) -> Result<Admin> {
        let Caller { current, session } = self.caller.as_ref().ok_or(Error::Unauthenticated)?;
        admin(Caller { current: current.clone(), session: *session })
    }

    /// The token that each form of this visitor's pages has to carry; empty for a visitor who is not signed
    /// in.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    /// The session lives on from its use, as a program's does from a refresh: written once a day, or twice in a life
    /// that is shorter. Waits for Postgres then.
    pub fn renew(&self, call: &Call) -> Result<()> {
        let Some(caller) = &self.caller else { return Ok(()) };
        let (idle, life) = (call.app.config.refresh_token, call.app.config.session);
        let since_renewal = idle - (self.ends - call.now);
        let is_early = since_renewal < call.app.config.page_renewal();
        let (user, session) = (caller.id(), caller.session());
        if is_early || !call.app.page_uses.is_due(session, None, call.now) {
            return Ok(());
        }
        let client = call.client();
        call.app.change_user(user, |tx, _| {
            sessions::renew_page(tx, user, session, &client, call.now, idle, life)
        })?;
        Ok(())
    }

    /// True if a form came from a page of this visitor: it carries the token, if the visitor is signed in, and the
    /// browser names no other origin.
    pub fn sent(&self, call: &Call, token: &str) -> bool {
        let session = self.caller.as_ref().map(Caller::session);
        let bound = session.is_none_or(|session| {
            call.app.keys.verify(Purpose::Csrf, &csrf_message(session), token)
        });
        bound && same_origin(call)
    }
}

/// True unless the browser says that a form comes from another site's page.
pub fn same_origin(call: &Call) -> bool {
    // It can be read (`config`); else no browser's origin would be ours.
    let own = url::Url::parse(&call.app.config.public_url)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    let site = call.header("Sec-Fetch-Site").unwrap_or("none");
    call.header("Origin").is_none_or(|origin| origin == own)
        && ["same-origin", "none"].contains(&site)
}

fn csrf_message(session: i64) -> Vec<u8> {
    format!("session {session}").into_bytes()
}

/// The text after a scheme of `Authorization`.
fn authorization<'a>(call: &'a Call, wanted: &str) -> Option<&'a str> {
    let (scheme, text) = call.header("Authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| text.trim())
}

/// The claim of an access token, for what belongs to the account itself.
pub fn access_token(call: &Call) -> Result<Claim> {
    let token = authorization(call, "Bearer").ok_or(Error::Unauthenticated)?;
    let (user, session) = call.app.access_tokens.verify(token, call.now)?;
    Ok(Claim { user, proof: Proof::Session(session) })
}

/// The claim of an app password as HTTP Basic (RFC 7617), for devices.
pub fn basic(call: &Call) -> Result<Claim> {
    let parts = || {
        let decoded = STANDARD.decode(authorization(call, "Basic")?).ok()?;
        let text = String::from_utf8(decoded).ok()?;
        let (name, password) = text.split_once(':')?;
        let (user, digest) = typed::read_app_password(password)?;
        // A phone's keyboard adds a space to the word that it offers.
        let proof = Proof::AppPassword { digest, name: Some(name.trim().to_owned()) };
        Some(Claim { user, proof })
    };
    parts().ok_or(Error::UnknownDevice)
}

/// The claim of an access token or an app password, for contacts.
pub fn any_token(call: &Call) -> Result<Claim> {
    if authorization(call, "Basic").is_some() {
        return basic(call).map_err(|_| Error::Unauthenticated);
    }
    let app_password = authorization(call, "Bearer").and_then(typed::read_app_password);
    match app_password {
        Some((user, digest)) => {
            Ok(Claim { user, proof: Proof::AppPassword { digest, name: None } })
        }
        None => access_token(call),
    }
}

/// The cookie of pages.
pub const COOKIE: &str = "contactd";

/// The claim of a page's cookie, if the request has one.
pub fn cookie(call: &Call) -> Option<Claim> {
    let token = call.cookie(COOKIE)?;
    let user = crypto::owner_of(token)?;
    Some(Claim { user, proof: Proof::Cookie { digest: crypto::token_digest(token) } })
}

/// The account of a claim, if it is active: what the cache had, else from Postgres.
fn active_account(call: &Call, claim: &Claim, looked_up: LookedUp) -> Result<Option<CurrentUser>> {
    let id = claim.user;
    let found = call.app.cache.finish(looked_up, |purpose| call.app.load_user(id, purpose))?;
    Ok(found.filter(|it| it.user.is_active))
}

/// The caller with this claim.
pub fn caller(call: &Call, claim: &Claim, looked_up: LookedUp) -> Result<Caller> {
    let current = active_account(call, claim, looked_up)?.ok_or(Error::Unauthenticated)?;
    match claim.proof {
        Proof::Session(session) if current.sessions.contains(&session) => {
            Ok(Caller { current, session })
        }
        _ => Err(Error::Unauthenticated),
    }
}

/// The caller as an admin, or [`Error::AdminOnly`].
pub fn admin(caller: Caller) -> Result<Admin> {
    match caller.user().role {
        Role::Admin => Ok(Admin(caller)),
        Role::User => Err(Error::AdminOnly),
    }
}

/// The owner of contacts with this claim: a session, or an app password of a scope that the request's
/// method is in ([`Error::ReadOnly`]). One of scope `carddav` is refused here; [`device`] takes every scope.
pub fn owner(call: &Call, claim: &Claim, looked_up: LookedUp) -> Result<Owner> {
    if let Proof::Session(_) = claim.proof {
        let Caller { current, session } = caller(call, claim, looked_up)?;
        return Ok(Owner { current, session: Some(session), app_password: None, may_write: true });
    }
    by_app_password(call, claim, looked_up, &[Scope::Read, Scope::Write])?
        .ok_or(Error::Unauthenticated)
}

/// The device with this claim.
pub fn device(call: &Call, claim: &Claim, looked_up: LookedUp) -> Result<Device> {
    by_app_password(call, claim, looked_up, &[Scope::CardDav, Scope::Read, Scope::Write])?
        .map(Device)
        .ok_or(Error::UnknownDevice)
}

/// Methods for which reading is enough.
const READING: [&str; 5] = ["GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"];

/// Nothing unless the app password is the account's and of one of `scopes`.
fn by_app_password(
    call: &Call,
    claim: &Claim,
    looked_up: LookedUp,
    scopes: &[Scope],
) -> Result<Option<Owner>> {
    let Proof::AppPassword { digest, name } = &claim.proof else { return Ok(None) };
    let Some(current) = active_account(call, claim, looked_up)? else { return Ok(None) };
    let is_named = |name: &String| {
        let name = name.to_lowercase();
        name == current.user.username.to_lowercase() || name == current.user.email.to_lowercase()
    };
    let found = current.app_passwords.iter().find(|known| known.digest == *digest);
    let Some(found) = found.filter(|found| scopes.contains(&found.scope)) else { return Ok(None) };
    if !name.as_ref().is_none_or(is_named) {
        return Ok(None);
    }
    if found.scope == Scope::Read && !READING.contains(&call.request.method()) {
        return Err(Error::ReadOnly);
    }
    let may_write = found.scope != Scope::Read;
    let app_password = Some((found.id, found.name.clone()));
    Ok(Some(Owner { current, session: None, app_password, may_write }))
}

/// Whoever looks at a page, with this claim if there is one. A cookie that is no good any more is as
/// none.
pub fn visitor(call: &Call, claim: Option<&Claim>, looked_up: LookedUp) -> Result<Visitor> {
    let anonymous = Visitor { caller: None, ends: call.now, csrf: String::new() };
    let Some(claim) = claim else { return Ok(anonymous) };
    let Proof::Cookie { digest } = &claim.proof else { return Ok(anonymous) };
    let Some(current) = active_account(call, claim, looked_up)? else { return Ok(anonymous) };
    let is_alive = |it: &&PageSession| it.digest == *digest && it.expires_at > call.now;
    let found = current.pages.iter().find(is_alive).map(|it| (it.session, it.expires_at));
    let Some((session, ends)) = found else { return Ok(anonymous) };
    let csrf = call.app.keys.mac(Purpose::Csrf, &csrf_message(session));
    Ok(Visitor { caller: Some(Caller { current, session }), ends, csrf })
}
