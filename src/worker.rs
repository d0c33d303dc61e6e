//! What happens without a request: mail goes out, and what is too old goes away. Every replica
//! runs a worker; row locks keep them from doing the same thing twice.

use crate::context::App;
use crate::crypto;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::mail::{Kind, Letter};
use crate::model::user::User;
use crate::repository::mail_tokens::{self, Purpose};
use crate::repository::outbox::{self, Due};
use crate::repository::{sessions, users};
use crate::service::upkeep;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the outbox is looked at when nobody rings: retries, and mail of other replicas.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often old rows are purged.
const PURGE_EVERY: Duration = Duration::from_secs(600);

/// Works until `stop` is set and the bell rung.
pub fn run(app: &App, stop: &AtomicBool) {
    let mut purged: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = deliver_due(app) {
            log::warn!("outbox: {error}");
        }
        if purged.is_none_or(|at| at.elapsed() >= PURGE_EVERY) {
            if let Err(error) = purge(app) {
                log::warn!("purge: {error}");
            }
            purged = Some(Instant::now());
        }
        app.wait_for_mail_bell(LOOK_EVERY);
    }
}

/// Sends every mail that is due; how many were sent. A mail that fails waits for its next try.
pub fn deliver_due(app: &App) -> Result<usize> {
    let mut sent = 0;
    while let Some(due) = app.db.write(|db| outbox::claim(db, app.now()))? {
        let result = match letter(app, &due)? {
            Some(letter) => app.mailer.send(&letter, app.now()).map(|()| sent += 1),
            None => Ok(()),
        };
        app.db.write(|db| match &result {
            Ok(()) => outbox::sent(db, due.id, app.now()).map(|_| ()),
            Err(error) => {
                log::warn!("mail {} ({}): {error}", due.message_id, due.kind);
                let given_up = outbox::failed(db, due.id, &error.to_string(), app.now())?;
                if given_up {
                    log::error!("mail {} ({}): given up", due.message_id, due.kind);
                }
                Ok(())
            }
        })?;
    }
    Ok(sent)
}

/// The letter of a row, or nothing when there is nobody (any more) who should have it.
fn letter(app: &App, due: &Due) -> Result<Option<Letter>> {
    let kind = Kind::parse(&due.kind).map_err(Error::internal)?;
    app.db.transaction(|tx| {
        let user = due.user_id.map(|id| users::lock(tx, id)).transpose()?.flatten();
        let Some(user) = user.map(|found| found.user) else { return Ok(None) };
        let token = match purpose(kind) {
            None => None,
            Some(_) if !wants(tx, kind, &user, &due.recipient)? => return Ok(None),
            Some(purpose) => match token(app, tx, due, purpose, &user)? {
                Some(token) => Some(token),
                None => return Ok(None),
            },
        };
        Ok(Some(Letter {
            kind,
            to: due.recipient.clone(),
            username: user.username,
            token,
            message_id: due.message_id.clone(),
        }))
    })
}

fn purpose(kind: Kind) -> Option<Purpose> {
    match kind {
        Kind::Confirm => Some(Purpose::Confirm),
        Kind::Reset => Some(Purpose::Reset),
        Kind::ChangeEmail => Some(Purpose::ChangeEmail),
        Kind::PasswordChanged | Kind::EmailChanging => None,
    }
}

/// True if the account may have a link of this kind at this address.
fn wants(db: &mut Conn, kind: Kind, user: &User, recipient: &str) -> Result<bool> {
    let to_own_address = user.email == recipient;
    Ok(user.is_active
        && match kind {
            Kind::Confirm => !user.is_verified && to_own_address,
            // Somebody else's address gets no mail: its owner never asked for one.
            Kind::ChangeEmail => {
                users::find_by_login(db, recipient)?.is_none_or(|it| it.user.id == user.id)
            }
            _ => to_own_address,
        })
}

/// The secret of the link. Made at the first try; at later ones the same again, because a mail
/// that arrives twice has one Message-ID and is shown once. Nothing if a newer link of its kind
/// was made meanwhile, or this one was used.
fn token(
    app: &App,
    db: &mut Conn,
    due: &Due,
    purpose: Purpose,
    user: &User,
) -> Result<Option<String>> {
    let kind = Kind::parse(&due.kind).map_err(Error::internal)?;
    let life = kind.lifetime().unwrap_or_default();
    let expires = app.now() + life;
    if let Some(token) = &due.token {
        let alive = mail_tokens::prolong(db, &crypto::token_hash(token), purpose, expires)?;
        return Ok(alive.then(|| token.clone()));
    }
    // Two workers may take two wishes in either order, and the link of the newer one counts.
    if outbox::is_superseded(db, due.id, user.id, &due.kind)? {
        return Ok(None);
    }
    let token = crypto::random_token()?;
    if outbox::set_token(db, due.id, &token)? == 0 {
        return Ok(None);
    }
    let hash = crypto::token_hash(&token);
    mail_tokens::put(db, user.id, purpose, &hash, &due.recipient, expires)?;
    Ok(Some(token))
}

/// Deletes what is too old to matter.
pub fn purge(app: &App) -> Result<()> {
    let now = app.now();
    app.db.write(|db| {
        sessions::purge(db, now)?;
        mail_tokens::purge(db, now)?;
        outbox::purge(db, now)?;
        Ok(())
    })?;
    upkeep::purge(app)
}
