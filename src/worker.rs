//! What happens without a request: mail goes out, and what is too old goes away. Every replica
//! runs a worker; row locks keep them from doing the same thing twice.

use crate::context::App;
use crate::crypto::{self, Purpose as Key};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::mail::{Kind, Letter};
use crate::model::user::User;
use crate::repository::audit::{self, Action};
use crate::repository::mail_tokens::{self, Purpose};
use crate::repository::outbox::{self, Due};
use crate::repository::{sessions, totp, uploads, users};
use crate::service::{operator, upkeep};
use chrono::Duration as Days;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the outbox is looked at without a notification: retries, and mail of other replicas.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The longest that a mail without a recipient takes.
const USUAL_MOST: Duration = Duration::from_secs(3);
/// How often old rows are purged: the first time at the start.
const PURGE_EVERY: Duration = Duration::from_secs(600);
/// How long an account waits for its confirmation.
const UNCONFIRMED_DAYS: i64 = 7;

/// Works until `stop` is set and the worker notified.
pub fn run(app: &App, stop: &AtomicBool) {
    let (mut purged, mut usual): (Option<Instant>, _) = (None, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        // One mail at a time: with a server that hangs each takes half a minute.
        let delivered = guarded("outbox", || deliver_next(app, &mut usual));
        if let Err(error) = &delivered {
            log::warn!("outbox: {error}");
        }
        if purged.is_none_or(|at| at.elapsed() >= PURGE_EVERY) {
            // Errors are in the log already.
            let _ = purge(app);
            purged = Some(Instant::now());
        } else if app.deletion_waits.swap(false, Ordering::Relaxed)
            && let Err(error) = guarded("deleted accounts", || finish_deletions(app))
        {
            log::warn!("deleted accounts: {error}");
        }
        if !matches!(delivered, Ok(Some(_))) {
            app.work_waits.wait(LOOK_EVERY);
        }
    }
}

/// Runs a piece of the worker's work; a panic is an error like any other, and not the worker's end.
fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::internal(format!("{what} panicked"))))
}

/// Sends every mail that is due; how many were sent. A mail that fails waits for its next try.
pub fn deliver_due(app: &App) -> Result<usize> {
    let (mut sent, mut usual) = (0, Duration::ZERO);
    while let Some(more) = deliver_next(app, &mut usual)? {
        sent += more;
    }
    Ok(sent)
}

/// Tries the mail that is due first; nothing when none is, else how many were sent. What has no recipient takes as long
/// as the last mail that was sent (`usual`): else the time of the one behind it would show who has an account.
fn deliver_next(app: &App, usual: &mut Duration) -> Result<Option<usize>> {
    let Some(due) = app.db.write(|db| outbox::claim(db, app.now()))? else { return Ok(None) };
    let began = Instant::now();
    // What panics costs this mail its try, and no other mail.
    let result = guarded("mail", || send(app, &due));
    match &result {
        Ok(0) => std::thread::sleep(usual.saturating_sub(began.elapsed())),
        Ok(_) => *usual = began.elapsed().min(USUAL_MOST),
        Err(_) => {}
    }
    app.db.write(|db| match &result {
        Ok(_) => outbox::sent(db, due.id, app.now()).map(|_| ()),
        Err(error) => {
            log::warn!("mail {} ({}): {error}", due.message_id, due.kind);
            let given_up = outbox::failed(db, due.id, &error.to_string(), app.now())?;
            if given_up {
                log::error!("mail {} ({}): given up", due.message_id, due.kind);
            }
            Ok(())
        }
    })?;
    Ok(Some(result.unwrap_or(0)))
}

/// Sends one mail, if an account should have it; how many that makes.
fn send(app: &App, due: &Due) -> Result<usize> {
    let Some(letter) = letter(app, due)? else { return Ok(0) };
    // From the first time that the server may have it, no try prolongs its link. Written down before
    // that, since this process may not live to see the answer.
    let link = letter.token.as_deref().map(crypto::token_hash).zip(due.user_id);
    let note = |handed_over| match &link {
        Some((hash, user)) => app
            .db
            .write(|db| mail_tokens::set_handed_over(db, *user, hash, handed_over))
            .map(|_| ()),
        None => Ok(()),
    };
    let before = match &link {
        Some((hash, user)) => app.db.read(|db| mail_tokens::handed_over(db, *user, hash))?,
        None => false,
    };
    note(true)?;
    match app.mailer.send(&letter, app.now()) {
        Ok(()) => Ok(1),
        Err(not_sent) => {
            note(before || not_sent.may_have_arrived)?;
            Err(not_sent.error)
        }
    }
}

/// The letter of a row, or nothing when no account should have it (any more).
fn letter(app: &App, due: &Due) -> Result<Option<Letter>> {
    let kind = Kind::parse(&due.kind).map_err(Error::internal)?;
    if let Some(username) = due.username.clone() {
        // It outlives its account.
        let username = Some(username).filter(|name| !name.is_empty());
        return Ok(Some(written(due, kind, (username, due.language.clone()), None)));
    }
    app.db.transaction(|tx| {
        let user = due.user_id.map(|id| users::lock(tx, id)).transpose()?.flatten();
        let Some(user) = user.map(|found| found.user) else {
            // Nobody has this address, or the account ended while the wish was written down: it is not kept.
            return outbox::delete(tx, due.id).map(|_| None);
        };
        let token = match purpose(kind) {
            None => None,
            Some(_) if !wants(tx, kind, &user, &due.recipient)? => return Ok(None),
            Some(purpose) => match token(app, tx, due, purpose, &user)? {
                Some(token) => Some(token),
                None => return Ok(None),
            },
        };
        // Only who is known to have the mailbox is greeted by name.
        let known = user.is_verified && kind != Kind::ChangeEmail;
        let username = Some(user.username).filter(|_| known);
        Ok(Some(written(due, kind, (username, user.language), token)))
    })
}

fn written(
    due: &Due,
    kind: Kind,
    (username, language): (Option<String>, Option<String>),
    token: Option<String>,
) -> Letter {
    let (to, message_id) = (due.recipient.clone(), due.message_id.clone());
    Letter { kind, to, username, language, token, message_id }
}

fn purpose(kind: Kind) -> Option<Purpose> {
    match kind {
        Kind::Confirm => Some(Purpose::Confirm),
        Kind::Reset => Some(Purpose::Reset),
        Kind::ChangeEmail => Some(Purpose::ChangeEmail),
        _ => None,
    }
}

/// True if the account may have a link of this kind at this address.
fn wants(db: &mut Conn, kind: Kind, user: &User, recipient: &str) -> Result<bool> {
    let to_own_address = user.email == recipient;
    Ok(user.is_active
        && match kind {
            Kind::Confirm => !user.is_verified && to_own_address,
            // The address of another account gets no mail: its owner never asked for one.
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
    let expires = app.now() + purpose.lifetime();
    if let Some(token) = &due.token {
        let hash = crypto::token_hash(token);
        let alive = mail_tokens::prolong(db, user.id, &hash, purpose, app.now(), expires)?;
        return Ok(alive.then(|| token.clone()));
    }
    // Two workers may take two wishes in either order, and the link of the newer one counts.
    if outbox::is_superseded(db, due.id, user.id, &due.kind)? {
        return Ok(None);
    }
    let token = crypto::token_for(user.id)?;
    if outbox::set_token(db, due.id, &token)? == 0 {
        return Ok(None);
    }
    let hash = crypto::token_hash(&token);
    mail_tokens::put(db, user.id, purpose, &hash, &due.recipient, expires)?;
    Ok(Some(token))
}

/// Deletes what is too old to matter, each kind and each account by itself and in batches: one that fails
/// keeps no other from going. The last error, all of which are in the log.
pub fn purge(app: &App) -> Result<()> {
    let now = app.now();
    let batches = |batch: &dyn Fn(&mut Conn) -> Result<u64>| {
        while app.db.write(batch)? > 0 {}
        Ok(())
    };
    let kinds: [(&str, &dyn Fn() -> Result<()>); 9] = [
        ("sessions", &|| batches(&|db| sessions::purge(db, now))),
        ("links", &|| batches(&|db| mail_tokens::purge(db, now))),
        ("outbox", &|| batches(&|db| outbox::purge(db, now))),
        ("uploads", &|| batches(&|db| uploads::purge(db, now))),
        ("trash", &|| upkeep::purge(app)),
        ("audit events", &|| match app.config.audit {
            Some(age) => batches(&|db| audit::purge(db, now - age)),
            None => Ok(()),
        }),
        ("unconfirmed accounts", &|| end_unconfirmed(app)),
        ("deleted accounts", &|| finish_deletions(app)),
        ("second factors", &|| reseal(app)),
    ];
    let mut result = Ok(());
    for (name, work) in kinds {
        if let Err(error) = guarded(name, work) {
            log::warn!("purge of {name}: {error}");
            result = Err(error);
        }
    }
    result
}

/// Ends accounts that were never confirmed.
fn end_unconfirmed(app: &App) -> Result<()> {
    let oldest = app.now() - Days::days(UNCONFIRMED_DAYS);
    // Confirmed at the last moment: it stays.
    let still = |user: &User| !user.is_verified && user.created_at <= oldest;
    upkeep::each_account(
        |failed| app.db.read(|db| users::unconfirmed(db, oldest, failed)),
        |id| {
            let ended = app.delete_user(id, |tx, found, _| {
                if !still(&found.user) {
                    return Err(Error::NotFound);
                }
                operator::note(app, tx, id, Action::Deleted, "never confirmed")
            });
            if matches!(ended, Err(Error::NotFound)) { Ok(()) } else { ended }
        },
    )
}

/// Deletes what is left of accounts that ended.
fn finish_deletions(app: &App) -> Result<()> {
    let ended = |failed: &[i64]| app.db.read(|db| users::ended(db, failed));
    upkeep::each_account(ended, |id| app.finish_deletion(id))
}

/// After a change of `SECRET_KEY`: what was encrypted with the old key is encrypted with the new one,
/// so that the old one can go.
fn reseal(app: &App) -> Result<()> {
    if app.config.secret_key_old.is_none() {
        return Ok(());
    }
    let mut after = 0;
    loop {
        let page = app.db.read(|db| totp::page(db, after))?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        for (user, sealed) in &page {
            let opened = app.keys.open(Key::Totp, *user, sealed).filter(|opened| opened.old);
            if let Some(opened) = opened {
                let anew = app.keys.seal(Key::Totp, *user, &opened.plain)?;
                app.db.write(|db| totp::reseal(db, *user, sealed, &anew))?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_panics_is_an_error_and_not_the_end_of_the_worker() {
        let error = guarded("mail", || -> Result<()> { panic!("as planned") }).unwrap_err();
        assert!(error.to_string().contains("mail panicked"), "{error}");
        assert_eq!(guarded("mail", || Ok(7)).unwrap(), 7);
    }
}
