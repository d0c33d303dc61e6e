//! Contacts change here, whichever way the wish came.

use crate::context::App;
use crate::crypto;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::model::contact::{Contact, Stored, columns, resource_name};
use crate::repository::contacts::rows::{self, Part};
use crate::service::writer::{By, NewCard, Writer, free_name, in_book};
use crate::service::{groups, labels, writer};
use vcard::Card;

/// Which contact is meant.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// The one with this id; never a group.
    Id(i64),
    /// What CardDAV clients know by this name, groups too.
    Name(&'a [u8]),
}

impl Which<'_> {
    /// What is meant, unless it is in the trash.
    pub fn find(self, db: &mut Conn, owner: i64) -> Result<Option<Stored>> {
        match self {
            Which::Id(id) => rows::find(db, owner, id),
            Which::Name(name) => rows::find_named(db, owner, name),
        }
    }
}

/// Looks at the book and at what is there, under the lock, and says whether a change may happen: for
/// `If-Match` and its like. Asked last, after what is wrong with the change itself.
pub type Guard<'a> = &'a dyn Fn(&mut Writer, Option<&Stored>) -> Result<()>;

/// Every change may happen: forms of pages have no `If-Match`.
pub const UNGUARDED: Guard<'static> = &|_, _| Ok(());

/// Adds a contact. `Conflict::UidTaken` when there is one with its uid.
pub fn create(app: &App, owner: i64, by: &By, card: Card) -> Result<Contact> {
    let Some(uid) = card.uid() else { return writer::add(app, owner, by, card) };
    // The name that follows from a uid that the client gave may be taken.
    let follows = resource_name(None, uid);
    in_book(app, owner, by, |writer| {
        let taken = rows::find_named(writer.tx, owner, &follows)?.is_some();
        let resource = if taken { Some(free_name()?) } else { None };
        writer.insert_one(NewCard { card, resource })
    })
}

/// Edits a contact's card; the contact as it is then. [`Error::NotFound`] when it is not there.
pub fn change(
    app: &App,
    owner: i64,
    by: &By,
    which: Which,
    guard: Guard,
    edit: impl FnOnce(&Stored, &mut Card) -> Result<()>,
) -> Result<Stored> {
    in_book(app, owner, by, |writer| {
        let stored = which.find(writer.tx, owner)?.ok_or(Error::NotFound)?;
        let mut card = stored.card();
        edit(&stored, &mut card)?;
        guard(writer, Some(&stored))?;
        writer.update_one(stored, card)
    })
}

/// What became of a card that a CardDAV client put.
#[derive(Debug)]
pub enum Put {
    /// There was nothing by that name.
    Created(Stored),
    /// There was, and it has this card now.
    Replaced(Stored),
    /// Nothing: its uid belongs to what has this other name.
    UidTaken(Vec<u8>),
}

/// Stores a card under a name. Whether the stored octets are those that were sent, `text` of what is
/// returned shows.
pub fn put(
    app: &App,
    owner: i64,
    by: &By,
    name: &[u8],
    mut card: Card,
    guard: Guard,
) -> Result<Put> {
    in_book(app, owner, by, |writer| {
        let there = rows::find_named(writer.tx, owner, name)?;
        guard(writer, there.as_ref())?;
        if card.uid().is_none_or(str::is_empty) {
            let own = there.as_ref().and_then(|it| it.card().uid().map(str::to_owned));
            card.set_uid(&own.map_or_else(crypto::random_uuid, Ok)?);
        }
        let key = columns::uid_of(&card);
        if there.as_ref().is_none_or(|there| there.contact.uid != key) {
            let other = rows::find_uid(writer.tx, owner, &key)?;
            if let Some(other) = other.as_ref().or(there.as_ref()) {
                return Ok(Put::UidTaken(other.name()));
            }
        }
        match there {
            Some(there) if there.is_group == card.group().is_some() => {
                let old_group = groups::name(&there);
                let stored = writer.update_one(there, card)?;
                groups::was_put(writer, &stored, old_group.as_deref())?;
                Ok(Put::Replaced(again(writer, owner, stored)?))
            }
            there => {
                // A contact stays a contact, and can be restored, when a group takes its name; and the
                // other way round.
                let replaces = there.is_some();
                writer.bury(there.as_slice())?;
                let new = NewCard { card, resource: Some(name.to_vec()) };
                writer.insert_one(new)?;
                let stored = rows::find_named(writer.tx, owner, name)?;
                let stored =
                    stored.ok_or_else(|| Error::internal("a card is not where it was put"))?;
                groups::was_put(writer, &stored, None)?;
                let stored = again(writer, owner, stored)?;
                Ok(if replaces { Put::Replaced(stored) } else { Put::Created(stored) })
            }
        }
    })
}

/// A group as it is once its label was given to its members; anything else as it is.
fn again(writer: &mut Writer, owner: i64, stored: Stored) -> Result<Stored> {
    if !stored.is_group {
        return Ok(stored);
    }
    groups::follow(writer)?;
    rows::find_named(writer.tx, owner, &stored.name())?.ok_or(Error::NotFound)
}

/// Puts a contact into the trash; a group takes its label off.
pub fn delete(app: &App, owner: i64, by: &By, which: Which, guard: Guard) -> Result<()> {
    in_book(app, owner, by, |writer| {
        let stored = which.find(writer.tx, owner)?.ok_or(Error::NotFound)?;
        guard(writer, Some(&stored))?;
        groups::will_go(writer, &stored)?;
        writer.bury(&[stored])
    })
}

/// Takes a contact out of the trash. If its uid was given to another one meanwhile it gets a new one:
/// both stay.
pub fn restore(app: &App, owner: i64, by: &By, id: i64, guard: Guard) -> Result<Stored> {
    in_book(app, owner, by, |writer| {
        let stored = rows::find_any(writer.tx, owner, id)?;
        let stored = stored.filter(|it| it.contact.deleted_at.is_some()).ok_or(Error::NotFound)?;
        guard(writer, Some(&stored))?;
        let card = stored.card();
        let stored = writer.update_one(stored, card)?;
        groups::welcome(writer, std::slice::from_ref(&stored.contact.uid))?;
        rows::find(writer.tx, owner, id)?.ok_or(Error::NotFound)
    })
}

/// Gives a contact another name for CardDAV clients. False: another contact has it.
pub fn rename(
    app: &App,
    owner: i64,
    by: &By,
    from: &[u8],
    to: &[u8],
    guard: Guard,
) -> Result<bool> {
    in_book(app, owner, by, |writer| {
        let stored = rows::find_named(writer.tx, owner, from)?.ok_or(Error::NotFound)?;
        guard(writer, Some(&stored))?;
        if rows::find_named(writer.tx, owner, to)?.is_some() {
            return Ok(false);
        }
        writer.rename(&stored, to)?;
        Ok(true)
    })
}

/// What happens to many contacts at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Into the trash.
    Delete,
    /// Out of it.
    Restore,
    /// Gives them a label.
    AddLabel(String),
    /// Takes a label off.
    RemoveLabel(String),
}

/// Does the same to many contacts, as one change: how many really changed, and which are not there.
pub fn bulk(
    app: &App,
    owner: i64,
    by: &By,
    action: &Action,
    ids: &[i64],
) -> Result<(usize, Vec<i64>)> {
    in_book(app, owner, by, |writer| {
        let part = Part::Ids(ids.to_vec());
        let mut changed = 0;
        let mut missing: std::collections::BTreeSet<i64> = ids.iter().copied().collect();
        writer.each_page(&part, |writer, page| {
            let page = page.into_iter().filter(|it| !it.is_group);
            let wants_trash = *action == Action::Restore;
            let (there, other): (Vec<_>, Vec<_>) =
                page.partition(|it| it.contact.deleted_at.is_some() == wants_trash);
            // What is deleted or restored already is there, and does not change.
            let known = matches!(action, Action::Delete | Action::Restore);
            for stored in there.iter().chain(other.iter().filter(|_| known)) {
                missing.remove(&stored.contact.id);
            }
            changed += apply(writer, action, there)?;
            Ok(())
        })?;
        Ok((changed, missing.into_iter().collect()))
    })
}

fn apply(writer: &mut Writer, action: &Action, contacts: Vec<Stored>) -> Result<usize> {
    let before = writer.book().revision;
    if *action == Action::Delete {
        writer.bury(&contacts)?;
    } else {
        let edited = contacts.into_iter().map(|stored| {
            let mut card = stored.card();
            match action {
                Action::AddLabel(label) => labels::add(&mut card, label)?,
                Action::RemoveLabel(label) => labels::replace(&mut card, label, None),
                Action::Restore | Action::Delete => {}
            }
            Ok((stored, card))
        });
        let changed = writer.update(edited.collect::<Result<Vec<_>>>()?)?;
        if *action == Action::Restore {
            let uids: Vec<_> = changed.iter().map(|it| it.contact.uid.clone()).collect();
            groups::welcome(writer, &uids)?;
            return Ok(changed.len());
        }
    }
    // Each change takes one revision.
    usize::try_from(writer.book().revision - before).map_err(Error::internal)
}
