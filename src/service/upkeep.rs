//! What goes by age, and columns that an older version of the program made.

use crate::context::App;
use crate::error::{Error, Result};
use crate::model::contact::Columns;
use crate::model::contact::columns::VERSION;
use crate::repository::contacts::rows;
use crate::repository::contacts::writes::{self, NewRow};
use crate::repository::contacts::{books, trash};
use std::sync::atomic::{AtomicBool, Ordering};
use vcard::Card;

/// Deletes trash and history that are older than 30 days, in small transactions. For the worker.
pub fn purge(app: &App) -> Result<()> {
    each_account(
        |failed| app.db.read(|db| books::due_for_purge(db, app.now(), failed)),
        |owner| {
            while purge_book(app, owner)? {}
            Ok(())
        },
    )
}

/// So many accounts fail in a round before it ends: each may wait for a lock, and mail waits for the round.
const FAILURES_MAX: usize = 20;

/// Does something for every account that `next` names, a few at a time and without those that failed: one that
/// fails, because its book is locked, keeps no other waiting. The last error, all of which are in the log.
pub fn each_account(
    mut next: impl FnMut(&[i64]) -> Result<Vec<i64>>,
    mut act: impl FnMut(i64) -> Result<()>,
) -> Result<()> {
    let (mut failed, mut result) = (Vec::new(), Ok(()));
    loop {
        let ids = next(&failed)?;
        if ids.is_empty() {
            return result;
        }
        for id in ids {
            let Err(error) = act(id) else { continue };
            log::warn!("upkeep of account {id}: {error}");
            failed.push(id);
            result = Err(error);
            if failed.len() == FAILURES_MAX {
                return result;
            }
        }
    }
}

fn purge_book(app: &App, owner: i64) -> Result<bool> {
    let purged = app.change_book(owner, |tx| {
        let mut book = books::lock(tx, owner)?;
        trash::purge(tx, &mut book, app.now())
    });
    match purged {
        // The account was deleted meanwhile.
        Err(Error::Unauthenticated) => Ok(false),
        purged => purged,
    }
}

/// Makes the columns of every contact anew that an older function made; how many. Others go on
/// meanwhile: each batch is a transaction under the lock of its book, or one that changes many contacts in
/// another order would be waited for in a circle. With `all` it looks at every contact, not only at those of older
/// functions. Ends early when `stop` is set; the next call goes on. One book that fails, because it is locked for
/// long, keeps no other waiting: the last error, all of which are in the log.
pub fn reindex(app: &App, all: bool, stop: &AtomicBool) -> Result<usize> {
    let (mut done, mut after_owner, mut result) = (0, 0, Ok(()));
    let version = if all { i16::MAX } else { VERSION };
    loop {
        let owners = app.db.read(|db| books::due_for_reindex(db, version, after_owner))?;
        let Some(last) = owners.last() else { return result.map(|()| done) };
        after_owner = *last;
        for owner in owners {
            match reindex_book(app, owner, version, stop) {
                Ok(more) => done += more,
                Err(error) => {
                    log::warn!("reindex of account {owner}: {error}");
                    result = Err(error);
                }
            }
            if stop.load(Ordering::Relaxed) {
                return result.map(|()| done);
            }
        }
    }
}

fn reindex_book(app: &App, owner: i64, version: i16, stop: &AtomicBool) -> Result<usize> {
    let (mut done, mut after) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let batch = app.change_book(owner, |tx| {
            books::lock(tx, owner)?;
            let cards = rows::made_before(tx, owner, version, after)?;
            let Some((last, _)) = cards.last() else {
                return books::set_made_by(tx, owner, VERSION).map(|_| None);
            };
            let last = *last;
            let anew = cards.into_iter().map(|(id, text)| {
                let columns = Columns::of(&Card::stored(&text));
                NewRow { id, revision: 0, resource: None, text: String::new(), columns }
            });
            let anew: Vec<_> = anew.collect();
            writes::set_columns(tx, owner, &anew)?;
            Ok(Some((last, anew.len())))
        });
        match batch {
            Ok(Some((last, count))) => (after, done) = (last, done + count),
            // The account may have been deleted meanwhile.
            Ok(None) | Err(Error::Unauthenticated) => return Ok(done),
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
