//! Undo: one contact back to what it was, or the whole book.

use crate::context::App;
use crate::error::{Error, Result};
use crate::model::contact::Stored;
use crate::repository::contacts::books::Book;
use crate::repository::contacts::history::{self, Then};
use crate::repository::contacts::rows::{self, Part};
use crate::repository::contacts::trash::KEPT_DAYS;
use crate::service::writer::{By, Writer, in_book};
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use vcard::Card;

/// Makes a contact what it was before the change with this revision.
pub fn revert(app: &App, owner: i64, by: &By, id: i64, revision: i64) -> Result<Stored> {
    in_book(app, owner, by, |writer| {
        let stored = rows::find(writer.tx, owner, id)?.ok_or(Error::NotFound)?;
        let old = history::find(writer.tx, owner, id, revision)?;
        let unknown = || Error::invalid("revision", "is none of this contact's changes");
        let card = with_uid(&old.ok_or_else(unknown)?, &stored.card());
        let changed = writer.update(vec![(stored, card)])?;
        changed.into_iter().next().ok_or(Error::NotFound)
    })
}

/// An old card with the uid of today: the uid of a contact that came out of the trash may have been
/// given away.
fn with_uid(old: &str, now: &Card) -> Card {
    let mut card = Card::stored(old);
    match now.uid() {
        Some(uid) if card.uid() != Some(uid) => card.set_uid(uid),
        _ => {}
    }
    card
}

/// When a book is rewound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// As it was right after this change.
    Revision(i64),
    /// As it was then.
    Instant(DateTime<Utc>),
}

/// What a rewind does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Rewound {
    /// Contacts that come out of the trash.
    pub restored: usize,
    /// Contacts that are what they were.
    pub reverted: usize,
    /// Contacts that go into the trash, because they were not there or lay there.
    pub deleted: usize,
}

/// Makes the whole book what it was, as one change that can be rewound too. With `dry_run` only counts.
pub fn rewind(app: &App, owner: i64, by: &By, to: To, dry_run: bool) -> Result<Rewound> {
    in_book(app, owner, by, |writer| {
        let now = writer.book().revision;
        let then = revision(writer, to)?;
        let mut rewound = Rewound::default();
        // What goes, goes first: its uid may belong to what comes back.
        let mut after = then;
        loop {
            let page = history::come_since(writer.tx, owner, then, (after, now))?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            rewound.deleted += bury(writer, page.iter().map(|it| it.1).collect(), dry_run)?;
        }
        let mut postponed = false;
        each(writer, then, |writer, page| {
            for it in page.iter().filter(|it| !it.in_trash) {
                rewound.restored += usize::from(it.in_trash_now);
                rewound.reverted += usize::from(!it.in_trash_now && it.card != it.card_now);
            }
            postponed |= !dry_run && put_back(writer, page)?;
            Ok(())
        })?;
        if postponed {
            // A uid that was taken is free now.
            each(writer, then, |writer, page| put_back(writer, page).map(|_| ()))?;
        }
        // The book of then was in step with its groups, and so is this one.
        writer.take_touched();
        Ok(rewound)
    })
}

/// Gives contacts the cards that they had; true if one has another uid, because another contact of now
/// has its own.
fn put_back(writer: &mut Writer, page: Vec<Then>) -> Result<bool> {
    let changed = |it: &Then| !it.in_trash && (it.in_trash_now || it.card != it.card_now);
    let mut page: Vec<_> = page.into_iter().filter(changed).collect();
    page.sort_by_key(|it| it.id); // as `rows::all` has them
    let ids: Vec<_> = page.iter().map(|it| it.id).collect();
    let owner = writer.book().owner;
    let stored = rows::all(writer.tx, owner, &ids)?;
    let cards = page.iter().map(|it| Card::stored(&it.card));
    let written = writer.update(stored.into_iter().zip(cards).collect())?;
    Ok(written.iter().zip(&page).any(|(now, then)| now.text != then.card))
}

fn bury(writer: &mut Writer, ids: Vec<i64>, dry_run: bool) -> Result<usize> {
    let (count, owner, mut after) = (ids.len(), writer.book().owner, 0);
    if dry_run {
        return Ok(count);
    }
    let part = Part::Ids(ids);
    loop {
        let page = rows::page(writer.tx, owner, &part, after)?;
        let Some(last) = page.last() else { break };
        after = last.contact.id;
        writer.bury(&page)?;
    }
    Ok(count)
}

/// Contacts that were there and have changed, a page at a time, so that memory does not grow with their number.
fn each(
    writer: &mut Writer,
    then: i64,
    mut act: impl FnMut(&mut Writer, Vec<Then>) -> Result<()>,
) -> Result<()> {
    let (owner, now, mut after) = (writer.book().owner, writer.book().revision, then);
    loop {
        let page = history::changed_since(writer.tx, owner, then, (after, now))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.revision;
        act(writer, page)?;
    }
}

/// The revision that is meant. [`Error::Invalid`] when it is none, or further back than history goes.
fn revision(writer: &mut Writer, to: To) -> Result<i64> {
    let (book, at): (Book, _) = (writer.book().clone(), writer.at());
    let wrong = |why: &str| Err(Error::invalid("to", why));
    let revision = match to {
        To::Instant(instant) if instant > at => return wrong("must not be in the future"),
        To::Instant(instant) if instant < at - Duration::days(KEPT_DAYS) => {
            return wrong("must be within the last 30 days");
        }
        To::Instant(instant) => history::revision_at(writer.tx, &book, instant)?,
        To::Revision(revision) => revision,
    };
    if revision > book.revision || revision < 0 {
        return wrong("must be a revision that there was");
    }
    if revision < book.history_from.max(book.forgotten) {
        return wrong("must be within what history remembers");
    }
    Ok(revision)
}
