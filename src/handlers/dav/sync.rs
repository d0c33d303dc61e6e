//! sync-collection (RFC 6578): what changed since a token.

use crate::context::Call;
use crate::error::{DavFault, Error, Result};
use crate::handlers::dav::account::Account;
use crate::handlers::dav::escape::escaped;
use crate::handlers::dav::multistatus;
use crate::handlers::dav::properties::{self, Shown};
use crate::handlers::dav::query::{limit, write_truncated};
use crate::handlers::dav::target::Target;
use crate::handlers::dav::xml::{DAV, Element};
use crate::http::Reply;
use crate::http::dav::NOT_FOUND;
use crate::repository::contacts::resources::{self, Change};
use crate::service::changes::{self, Place};
use std::fmt::Write;

/// Changes that are read at once.
const PAGE: u64 = 1_000;

/// `D:sync-collection`. Whatever Depth says it means 0: Thunderbird sends 1, others none.
pub fn sync(call: &Call, account: Account, root: &Element) -> Result<Reply> {
    let shown = Shown::read(call, root)?;
    let mut left = match limit(root, DAV)? {
        Some(0) => return Err(Error::Malformed("nresults must be more than 0".to_owned())),
        Some(limit) => limit,
        None => u64::MAX,
    };
    let fault = fault(call);
    let mut place = place(&account, root).map_err(|_| Error::Dav(fault.clone()))?;
    // Up to the state that the token at the end names: what changes while this is sent comes with
    // the next sync.
    let until = account.book.revision;
    let db = call.app.db.clone();
    multistatus(call, account.id, move |out| {
        // Most polls of phones find nothing new: then no index is looked at.
        if place.after >= until {
            write_token(out, &account, place);
            return Ok(false);
        }
        // One more than wanted, to see whether there is more.
        let page = i64::try_from(left.saturating_add(1).min(PAGE)).unwrap_or(i64::MAX);
        let Place { after, deleted_after } = place;
        let range = (after, deleted_after, until);
        let read = db.read(|db| {
            let changes = resources::changes(db, account.id, range, page)?;
            place.check(db, account.id)?;
            Ok(changes)
        });
        let (changes, next) = read.map_err(|error| match error {
            Error::Resync => Error::Dav(fault.clone()),
            other => other,
        })?;
        for change in &changes {
            if left == 0 {
                write_truncated(out, &account);
                write_token(out, &account, place);
                return Ok(false);
            }
            left -= 1;
            place = place.moved(change.revision);
            write_change(out, &account, change, &shown);
        }
        match next {
            Some(next) => place = place.moved(next),
            None => write_token(out, &account, place.moved(until)),
        }
        Ok(next.is_some())
    })
}

/// What a client is answered whose token is good no more.
fn fault(call: &Call) -> DavFault {
    match call.header("User-Agent").unwrap_or_default().contains("Thunderbird") {
        true => DavFault::ValidSyncTokenThunderbird,
        false => DavFault::ValidSyncToken,
    }
}

/// The place of the request's token; without one everything is wanted, and nothing that is gone.
fn place(account: &Account, root: &Element) -> Result<Place> {
    match root.child(DAV, "sync-token").map_or("", |token| token.text.trim()) {
        "" => Ok(Place::beginning(&account.book)),
        token => changes::place(&account.book, token),
    }
}

fn write_change(out: &mut String, account: &Account, change: &Change, shown: &Shown) {
    match &change.card {
        Some(card) => shown.write_card(out, account, card, None),
        None => {
            let path = Target::Card(account.id, change.name.clone()).to_string();
            properties::write_status(out, &path, NOT_FOUND, "");
        }
    }
}

fn write_token(out: &mut String, account: &Account, place: Place) {
    let token = escaped(&changes::token(&account.book, place));
    let _ = writeln!(out, "<D:sync-token>{token}</D:sync-token>");
}
