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
/// meanwhile: each batch is a statement, and a contact that changes has new columns from its change.
/// With `all` it looks at every contact, not only at those of older functions. Ends early when `stop` is
/// set; the next call goes on.
pub fn reindex(app: &App, all: bool, stop: &AtomicBool) -> Result<usize> {
    let (mut done, mut after_owner) = (0, 0);
    let version = if all { i16::MAX } else { VERSION };
    loop {
        let owners = app.db.read(|db| books::due_for_reindex(db, version, after_owner))?;
        let Some(last) = owners.last() else { return Ok(done) };
        after_owner = *last;
        for owner in owners {
            done += reindex_book(app, owner, version, stop)?;
            if stop.load(Ordering::Relaxed) {
                return Ok(done);
            }
            app.db.write(|db| books::set_made_by(db, owner, VERSION))?;
        }
    }
}

fn reindex_book(app: &App, owner: i64, version: i16, stop: &AtomicBool) -> Result<usize> {
    let (mut done, mut after) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let cards = app.db.read(|db| rows::made_before(db, owner, version, after))?;
        let Some((last, ..)) = cards.last() else { return Ok(done) };
        after = *last;
        let anew = cards.into_iter().map(|(id, revision, text)| {
            let columns = Columns::of(&Card::stored(&text));
            NewRow { id, revision, resource: None, text: String::new(), columns }
        });
        let anew: Vec<_> = anew.collect();
        done += usize::try_from(app.db.write(|db| writes::set_columns(db, owner, &anew))?)
            .map_err(Error::internal)?;
    }
    Ok(done)
}
