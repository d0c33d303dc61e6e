//! Undo: one contact back to what it was, or the whole book.

use crate::context::App;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::model::contact::Stored;
use crate::repository::contacts::books::{self, Book};
use crate::repository::contacts::history::{self, Then, Those};
use crate::repository::contacts::rows::{self, Part};
use crate::repository::contacts::trash::kept_since;
use crate::service::contacts::Guard;
use crate::service::writer::{By, Writer, check_room, in_book};
use chrono::{DateTime, Utc};
use serde::Serialize;
use vcard::Card;

const MADE_IT: &str = "made the contact; there is nothing before it";

/// Nothing from this instant or before can be undone any more: 30 days ago, or what made room for cards.
fn reach(book: &Book, now: DateTime<Utc>) -> DateTime<Utc> {
    kept_since(now).max(book.history_since)
}

/// What can be undone of an owner's book was changed after this instant; only that is shown.
pub fn reachable_since(db: &mut Conn, owner: i64, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    Ok(reach(&books::find(db, owner)?, now))
}

/// The revision of an owner's book, and whether it can be rewound to an earlier one.
pub fn reaches(db: &mut Conn, owner: i64, to: i64, now: DateTime<Utc>) -> Result<(i64, bool)> {
    let book = books::find(db, owner)?;
    match revision(db, &book, now, To::Revision(to)) {
        Err(Error::Invalid(_)) => Ok((book.revision, false)),
        found => found.map(|_| (book.revision, true)),
    }
}

/// Makes a contact what it was before the change with this revision.
pub fn revert(
    app: &App,
    owner: i64,
    by: &By,
    id: i64,
    revision: i64,
    guard: Guard,
) -> Result<Stored> {
    in_book(app, owner, by, |writer| {
        let stored = match rows::find(writer.tx, owner, id)? {
            Some(stored) => stored,
            None if rows::find_any(writer.tx, owner, id)?.is_some() => return Err(Error::InTrash),
            None => return Err(Error::NotFound),
        };
        let reach = reach(writer.book(), app.now());
        let old = history::find(writer.tx, owner, id, revision)?.filter(|(_, at)| *at > reach);
        let Some((old, _)) = old else {
            let why = match history::birth(writer.tx, owner, id)? {
                Some(it) if it.revision == revision => MADE_IT,
                _ => "is none of this contact's changes of the last 30 days",
            };
            return Err(Error::invalid("revision", why));
        };
        guard(writer, Some(&stored))?;
        let card = with_uid(&old, &stored.card());
        writer.update_one(stored, card)
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
    /// The same, if it is at revision `now`: else [`Error::PreconditionFailed`].
    Undo {
        /// The change.
        to: i64,
        /// The revision that the book must have.
        now: i64,
    },
    /// As it was then.
    Instant(DateTime<Utc>),
}

/// What a rewind does: each contact that it changes is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Rewound {
    /// Contacts that come out of the trash.
    pub restored: usize,
    /// Contacts that are what they were.
    pub reverted: usize,
    /// Contacts that go into the trash, because they were not there or lay there.
    pub deleted: usize,
}

impl Rewound {
    fn count(&mut self, contact: &Then) {
        if contact.is_group {
            return;
        }
        match (contact.in_trash_now, contact.in_trash) {
            (true, false) => self.restored += 1,
            (false, true) => self.deleted += 1,
            _ => self.reverted += 1,
        }
    }
}

/// Makes the whole book what it was, and what lay in the trash what that was, as one change that can be
/// rewound too. With `dry_run` it only counts, and fails where it would fail.
pub fn rewind(app: &App, owner: i64, by: &By, to: To, dry_run: bool) -> Result<Rewound> {
    in_book(app, owner, by, |writer| {
        let book = writer.book().clone();
        let then = revision(writer.tx, &book, app.now(), to)?;
        let now = writer.book().revision;
        let (mut rewound, mut bytes, mut strange) = (Rewound::default(), 0, 0);
        // What goes, goes first: its uid may belong to what comes back.
        rewound.deleted += bury_new(writer, (then, now), dry_run)?;
        for those in [Those::Revived, Those::Others] {
            each(writer, those, (then, now), |writer, page| {
                page.iter().for_each(|it| rewound.count(it));
                bytes += page.iter().map(grows).sum::<i64>();
                strange += if dry_run { 0 } else { put_back(writer, page)? };
                Ok(())
            })?;
        }
        if dry_run {
            check_room(&app.config, writer.book(), (0, bytes))?;
            return Ok(rewound);
        }
        // A uid that was taken is free now, or once those before have theirs.
        let mut before = usize::MAX;
        while strange > 0 && strange < before {
            (before, strange) = (strange, 0);
            let now = writer.book().revision;
            each(writer, Those::Others, (then, now), |writer, page| {
                strange += put_back(writer, page)?;
                Ok(())
            })?;
        }
        // The book of then was in step with its groups, and so is this one.
        writer.touched.clear();
        Ok(rewound)
    })
}

/// By how many bytes a card grows.
fn grows(contact: &Then) -> i64 {
    let bytes = |card: &String| i64::try_from(card.len()).unwrap_or(i64::MAX);
    bytes(&contact.card) - bytes(&contact.card_now)
}

/// Gives contacts the cards that they had, in the trash or out of it; how many have another uid, because
/// another contact of now has theirs.
fn put_back(writer: &mut Writer, mut page: Vec<Then>) -> Result<usize> {
    page.sort_by_key(|it| it.id); // as `rows::all` has them
    let ids: Vec<_> = page.iter().map(|it| it.id).collect();
    let owner = writer.book().owner;
    let stored = rows::all(writer.tx, owner, &ids)?;
    let (mut out, mut into, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
    for (stored, then) in stored.into_iter().zip(page) {
        let card = Card::stored(&then.card);
        if then.in_trash {
            into.push((stored, card));
        } else {
            out.push((stored, card));
            wanted.push(then.card);
        }
    }
    writer.bury_as(&into)?;
    let written = writer.update(out)?;
    Ok(written.iter().zip(&wanted).filter(|(now, then)| now.text != **then).count())
}

/// Puts what was made since into the trash; how many contacts that are.
fn bury_new(writer: &mut Writer, (then, now): (i64, i64), dry_run: bool) -> Result<usize> {
    let (owner, mut after, mut contacts) = (writer.book().owner, then, 0);
    loop {
        let new = history::made_since(writer.tx, owner, then, (after, now))?;
        let Some((last, ..)) = new.last() else { return Ok(contacts) };
        after = *last;
        contacts += new.iter().filter(|(_, _, is_group)| !is_group).count();
        if !dry_run {
            let ids = Part::Ids(new.iter().map(|it| it.1).collect());
            writer.each_page(&ids, |writer, page| writer.bury(&page))?;
        }
    }
}

/// Contacts that are not what they were, a page at a time, so that memory does not grow with their number.
fn each(
    writer: &mut Writer,
    those: Those,
    (then, now): (i64, i64),
    mut act: impl FnMut(&mut Writer, Vec<Then>) -> Result<()>,
) -> Result<()> {
    let (owner, mut after) = (writer.book().owner, then);
    loop {
        let mut page = history::changed_since(writer.tx, owner, those, then, (after, now))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.revision;
        for group in page.iter_mut().filter(|it| it.is_group) {
            group.card = group_card(writer, group, then)?;
        }
        page.retain(|it| it.in_trash != it.in_trash_now || it.card != it.card_now);
        act(writer, page)?;
    }
}

/// The card that a group had: history has only the members who came or went where it followed its label.
fn group_card(writer: &mut Writer, group: &Then, then: i64) -> Result<String> {
    let owner = writer.book().owner;
    let (card, uids) = history::of_group(writer.tx, owner, group.id, then)?;
    let mut card = Card::stored(&card.unwrap_or_else(|| group.card_now.clone()));
    if !uids.is_empty() {
        card.toggle_members(&uids);
    }
    Ok(card.text())
}

/// The revision of the book that is meant, which is the last of a transaction: nobody saw the book in the
/// midst of one. [`Error::Invalid`] when there was none, or it is out of reach.
fn revision(db: &mut Conn, book: &Book, now: DateTime<Utc>, to: To) -> Result<i64> {
    let reach = reach(book, now);
    let wrong = |why: &str| Err(Error::invalid("to", why));
    let revision = match to {
        // Another replica's clock may be ahead.
        To::Instant(instant) if instant > now.max(book.changed_at) => {
            return wrong("must not be in the future");
        }
        To::Instant(instant) if instant < reach => {
            return wrong("must be within the last 30 days, and what history remembers of them");
        }
        To::Instant(instant) => return history::revision_at(db, book, instant),
        To::Undo { now, .. } if now != book.revision => return Err(Error::PreconditionFailed),
        To::Revision(to) | To::Undo { to, .. } => to,
    };
    if revision == book.revision {
        return Ok(revision);
    }
    let mut instant_of = |revision| history::instant_of(db, book.owner, revision);
    match instant_of(revision)? {
        Some(at) if at > reach => history::revision_at(db, book, at),
        // It was the book until the next change.
        _ if instant_of(revision.saturating_add(1))?.is_some_and(|at| at > reach) => Ok(revision),
        _ => wrong(
            "must be a revision that there was, of a book of the last 30 days that history remembers",
        ),
    }
}
