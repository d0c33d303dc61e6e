//! A transaction of changes to one address book: its lock, its revisions, the columns made from cards, history and
//! counters. Everything that changes contacts goes through this file; `upkeep` only purges and makes columns anew.

use crate::config::Config;
use crate::context::App;
use crate::crypto;
use crate::db::Tx;
use crate::error::{Conflict, Error, Result};
use crate::model::contact::{Columns, Contact, Stored, check_size, columns};
use crate::repository::contacts::books::{self, Book};
use crate::repository::contacts::rows::{self, Part};
use crate::repository::contacts::writes::{self, NewRow, Origin, Written};
use crate::repository::contacts::{history, imports, trash};
pub use crate::service::by::By;
use crate::service::groups;
use chrono::{DateTime, Duration, Utc};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use vcard::Card;

/// Changes to one address book, under its lock.
pub struct Writer<'a, 'tx> {
    /// For reading only: what writes contacts goes through the methods.
    pub tx: &'a mut Tx<'tx>,
    book: Book,
    before: Book,
    origin: Origin<'a>,
    /// Labels, in lower case, and the contacts that got or lost them: the cards of their groups have to follow.
    pub(super) touched: BTreeMap<String, BTreeSet<i64>>,
    /// A group came, or its card got longer.
    pub(super) groups_grew: bool,
}

/// Runs changes to an owner's address book as one. Waits for its turn before it takes a connection.
/// What `work` reads it reads under the lock of the book, so between reading and writing nothing else
/// is written there. If it changes nothing, no revision is taken.
pub fn in_book<T>(
    app: &App,
    owner: i64,
    by: &By,
    work: impl FnOnce(&mut Writer) -> Result<T>,
) -> Result<T> {
    app.change_book(owner, |tx| {
        let book = books::lock(tx, owner)?;
        // Read after the lock, and later than the last change, whatever another replica's clock says: an
        // instant is one transaction.
        let at = app.now().max(book.changed_at + Duration::microseconds(1));
        let (before, origin, touched) = (book.clone(), by.at(at), BTreeMap::new());
        let mut writer = Writer { tx, book, before, origin, touched, groups_grew: false };
        let value = work(&mut writer)?;
        writer.finish(&app.config)?;
        Ok(value)
    })
}

/// A card that becomes a contact, or a group.
pub struct NewCard {
    /// Gets a uid if it has none.
    pub card: Card,
    /// The name that a CardDAV client gives it.
    pub resource: Option<Vec<u8>>,
}

/// Adds one contact, with a new uid. Mostly that is one statement, which Postgres does in half the time of a
/// transaction. It does nothing where the book is full or has groups, which may wait for the contact; then a
/// transaction of [`in_book`] does it with all that the statement leaves out.
pub fn add(app: &App, owner: i64, by: &By, mut card: Card) -> Result<Contact> {
    card.set_uid(&crypto::ordered_uuid(app.now(), 0)?);
    let new = row(0, 0, None, &card)?;
    let origin = by.at(app.now());
    let room = (app.config.max_contacts, app.config.max_storage);
    let added = match new.columns.is_group {
        true => None,
        false => app.write_book(owner, |db| writes::add(db, owner, &new, origin, room))?,
    };
    if let Some((id, revision, at)) = added {
        return Ok(shown(&NewRow { revision, ..new }, id, at, at));
    }
    in_book(app, owner, by, |it| it.insert_one(NewCard { card, resource: None }))
}

/// Uids and names that contacts have, of those that others want.
#[derive(Default)]
struct Taken {
    uids: HashSet<String>,
    names: HashSet<Vec<u8>>,
}

/// It comes out of the trash, or gets another uid.
fn moves(stored: &Stored, card: &Card) -> bool {
    stored.contact.deleted_at.is_some() || columns::uid_of(card) != stored.contact.uid
}

/// A random name for CardDAV clients, which no contact has.
pub fn free_name() -> Result<Vec<u8>> {
    Ok(format!("{}.vcf", crypto::random_uuid()?).into_bytes())
}

impl<'tx> Writer<'_, 'tx> {
    /// The book as it is, changes of this transaction included.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// The instant of this transaction's changes.
    pub fn at(&self) -> DateTime<Utc> {
        self.origin.at
    }

    /// Takes so many revisions. Returns the first.
    fn take(&mut self, count: usize) -> i64 {
        let first = self.book.revision + 1;
        self.book.revision += i64::try_from(count).unwrap_or(0);
        first
    }

    /// Does something with all contacts of a part, a page at a time, so that memory does not grow with
    /// their number.
    pub fn each_page(
        &mut self,
        part: &Part,
        mut act: impl FnMut(&mut Self, Vec<Stored>) -> Result<()>,
    ) -> Result<()> {
        let mut after = 0;
        loop {
            let page = rows::page(self.tx, self.book.owner, part, after)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.contact.id;
            act(self, page)?;
        }
    }

    /// Adds one contact, as [`Writer::insert`] does; with the labels of groups that waited for it.
    pub fn insert_one(&mut self, new: NewCard) -> Result<Contact> {
        let new = only(self.insert(vec![new])?)?;
        match self.book.revision == new.revision {
            true => Ok(new),
            false => {
                only(rows::find(self.tx, self.book.owner, new.id)?.into_iter().map(|it| it.contact))
            }
        }
    }

    /// Gives one contact another card, as [`Writer::update`] does.
    pub fn update_one(&mut self, stored: Stored, card: Card) -> Result<Stored> {
        only(self.update(vec![(stored, card)])?)
    }

    /// Adds contacts, in their order. [`Conflict::UidTaken`] when one has a uid that is there. The caller
    /// has made sure that no other contact has the names that were given.
    pub fn insert(&mut self, cards: Vec<NewCard>) -> Result<Vec<Contact>> {
        let first = self.take(cards.len());
        let mut new = Vec::with_capacity(cards.len());
        for (revision, NewCard { mut card, resource }) in (first..).zip(cards) {
            if card.uid().is_none_or(str::is_empty) {
                card.set_uid(&crypto::ordered_uuid(self.at(), new.len())?);
            }
            new.push(row(0, revision, resource, &card)?);
        }
        let ids = writes::insert(self.tx, self.book.owner, &new, self.origin)?;
        for (row, id) in new.iter().zip(&ids) {
            self.count(row.columns.is_group, 1);
            self.book.stored += 1;
            self.book.card_bytes += bytes(&row.text);
            if !row.columns.is_group {
                self.touch(&row.columns.labels, *id);
            }
        }
        let uids: Vec<_> = new.iter().map(|row| row.columns.uid.clone()).collect();
        let contacts = new.iter().zip(ids).map(|(row, id)| shown(row, id, self.at(), self.at()));
        let contacts: Vec<_> = contacts.collect();
        groups::welcome(self, &uids)?; // they may have been named before they came
        Ok(contacts)
    }

    /// Gives contacts other cards, and returns them in the order given. One in the trash comes out of it; if its uid
    /// or name was taken meanwhile, it gets a new one. A card with another uid changes the contact's if that is
    /// free; the name stays, so that clients that sync see a change and no deletion. An unchanged card takes no
    /// revision.
    pub fn update(&mut self, changes: Vec<(Stored, Card)>) -> Result<Vec<Stored>> {
        let mut taken = self.taken(&changes)?;
        let (mut new, mut all) = (Vec::new(), Vec::new());
        for (stored, mut card) in changes {
            let revived = stored.contact.deleted_at.is_some();
            let mut resource = stored.resource.clone();
            if moves(&stored, &card) {
                let own = stored.card().uid().filter(|_| !revived).map(str::to_owned);
                if !taken.uids.insert(columns::uid_of(&card)) {
                    card.set_uid(&own.map_or_else(crypto::random_uuid, Ok)?);
                }
                let name = stored.name();
                let free = !revived || taken.names.insert(name.clone());
                resource = Some(if free { name } else { free_name()? });
            }
            if !revived && card.text() == stored.text {
                all.push(stored);
                continue;
            }
            let row = row(stored.contact.id, self.take(1), resource, &card)?;
            self.note_labels(&stored, revived, &row.columns);
            self.count(stored.is_group, i64::from(revived));
            self.groups_grew |= stored.is_group && row.text.len() > stored.text.len();
            self.book.card_bytes += bytes(&row.text) - bytes(&stored.text);
            all.push(Stored {
                contact: shown(&row, row.id, stored.contact.created_at, self.at()),
                resource: row.resource.clone(),
                text: row.text.clone(),
                is_group: stored.is_group,
            });
            new.push(row);
        }
        self.write(&new, false, None)?;
        Ok(all)
    }

    /// Has those of these members leave a group that it has, and the others join it. History keeps only who they are,
    /// or a list of thousands would fill it.
    pub fn toggle_members(&mut self, group: &Stored, uids: &BTreeSet<String>) -> Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        let mut card = group.card();
        card.toggle_members(uids);
        let full = |_| groups::full();
        let row = row(group.contact.id, self.take(1), Some(group.name()), &card).map_err(full)?;
        let grown = bytes(&row.text) - bytes(&group.text);
        self.groups_grew |= grown > 0;
        self.book.card_bytes += grown;
        self.write(&[row], false, Some(&serde_json::to_string(uids).map_err(Error::internal)?))
    }

    /// Gives contacts other cards and puts them into the trash, or leaves them there. Only for a rewind, which gives
    /// the groups their cards of then, so no label is noted.
    pub fn bury_as(&mut self, changes: &[(Stored, Card)]) -> Result<()> {
        let mut new = Vec::new();
        for (stored, card) in changes {
            let row = row(stored.contact.id, self.take(1), Some(stored.name()), card)?;
            self.count(stored.is_group, -i64::from(stored.contact.deleted_at.is_none()));
            self.book.card_bytes += bytes(&row.text) - bytes(&stored.text);
            new.push(row);
        }
        self.write(&new, true, None)
    }

    fn write(&mut self, rows: &[NewRow], in_trash: bool, members: Option<&str>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let owner = self.book.owner;
        let written = writes::update(self.tx, owner, rows, self.origin, in_trash, members)?;
        self.keep(written, rows.len())
    }

    /// For contacts that come out of the trash or change their uid: which of the uids and names that they want
    /// others have.
    fn taken(&mut self, changes: &[(Stored, Card)]) -> Result<Taken> {
        let moving: Vec<_> = changes.iter().filter(|(it, card)| moves(it, card)).collect();
        if moving.is_empty() {
            return Ok(Taken::default());
        }
        let uids: Vec<_> = moving.iter().map(|(_, card)| columns::uid_of(card)).collect();
        let names: Vec<_> = moving.iter().map(|(it, _)| it.name()).collect();
        let owner = self.book.owner;
        let uids = imports::taken_uids(self.tx, owner, &uids)?.into_iter().collect();
        let names = imports::taken_names(self.tx, owner, &names)?.into_iter().collect();
        Ok(Taken { uids, names })
    }

    /// Puts contacts (or groups) that are not in the trash into it.
    pub fn bury(&mut self, contacts: &[Stored]) -> Result<()> {
        if contacts.is_empty() {
            return Ok(());
        }
        let first = self.take(contacts.len());
        let ids: Vec<_> = contacts.iter().map(|it| it.contact.id).collect();
        let written = writes::bury(self.tx, self.book.owner, &ids, first, self.origin)?;
        for stored in contacts {
            self.count(stored.is_group, -1);
            if self.book.groups > 0 && !stored.is_group {
                self.touch(&stored.card().details().labels, stored.contact.id);
            }
        }
        self.keep(written, contacts.len())
    }

    /// Gives a contact another name for CardDAV clients.
    pub fn rename(&mut self, stored: &Stored, name: &[u8]) -> Result<()> {
        let revision = self.take(2) + 1; // the first one is that of the old name, which is gone
        let (old, new) = (stored.name(), rows::name_to_keep(name, &stored.contact.uid));
        let (id, names) = (stored.contact.id, (old.as_slice(), new.as_deref()));
        let written = writes::rename(self.tx, self.book.owner, id, revision, names, self.origin)?;
        let forgotten = writes::forget_names(self.tx, self.book.owner)?;
        self.book.forgotten = self.book.forgotten.max(forgotten);
        self.keep(written, 1)
    }

    /// Counts what went into history, and when it is due.
    fn keep(&mut self, written: Written, expected: usize) -> Result<()> {
        if usize::try_from(written.rows) != Ok(expected) {
            return Err(Error::internal("a contact went away under the lock of its book"));
        }
        self.book.history_bytes += written.bytes;
        let due = self.at() + Duration::days(trash::KEPT_DAYS);
        self.book.purge_after = Some(self.book.purge_after.unwrap_or(due));
        Ok(())
    }

    fn count(&mut self, is_group: bool, by: i64) {
        self.groups_grew |= is_group && by > 0;
        let counter = if is_group { &mut self.book.groups } else { &mut self.book.contacts };
        *counter += by;
    }

    /// Notes the labels that a contact gets or loses, if there are groups that show labels.
    fn note_labels(&mut self, stored: &Stored, revived: bool, columns: &Columns) {
        if self.book.groups == 0 || columns.is_group {
            return;
        }
        let before = if revived { BTreeSet::new() } else { lower(&stored.card().details().labels) };
        self.touch(before.symmetric_difference(&lower(&columns.labels)), stored.contact.id);
    }

    /// Notes that a contact got or lost labels.
    pub fn touch(&mut self, labels: impl IntoIterator<Item = impl AsRef<str>>, contact: i64) {
        for label in labels.into_iter().filter(|_| self.book.groups > 0) {
            self.touched.entry(label.as_ref().to_lowercase()).or_default().insert(contact);
        }
    }

    fn finish(mut self, config: &Config) -> Result<()> {
        groups::follow(&mut self)?;
        groups::check_room(&mut self)?;
        let Writer { tx, mut book, before, origin, .. } = self;
        if book == before {
            return Ok(());
        }
        book.changed_at = origin.at;
        let added = (book.stored - before.stored, book.card_bytes - before.card_bytes);
        check_room(config, &before, added)?;
        let over = book.card_bytes + book.history_bytes - config.max_storage;
        if over > 0 && book.history_bytes > 0 {
            // A little more than has to go, so that not each of the next changes looks again.
            history::forget(tx, &mut book, over + config.max_storage / 100)?;
        }
        books::save(tx, &book).map(|_| ())
    }
}

/// Fails if so many more contacts, or bytes of cards, are too many for a book.
pub fn check_room(config: &Config, book: &Book, (contacts, bytes): (i64, i64)) -> Result<()> {
    let full = |now: i64, more: i64, most: i64| more > 0 && now + more > most;
    let why = if full(book.stored, contacts, config.max_contacts) {
        format!(
            "The address book may have at most {} contacts. Those in the trash count until they are \
             deleted for good, 30 days after their deletion.",
            config.max_contacts
        )
    } else if full(book.card_bytes, bytes, config.max_storage) {
        format!(
            "The cards and photos of the address book may take at most {} MiB, those in the trash too.",
            config.max_storage >> 20
        )
    } else {
        return Ok(());
    };
    Err(Error::Conflict(Conflict::QuotaExceeded(why)))
}

/// The row of a card. [`Error::Invalid`] for one that is too large.
pub fn row(id: i64, revision: i64, name: Option<Vec<u8>>, card: &Card) -> Result<NewRow> {
    check_size(card)?;
    let columns = Columns::of(card);
    let resource = name.and_then(|name| rows::name_to_keep(&name, &columns.uid));
    Ok(NewRow { id, revision, resource, text: card.text(), columns })
}

fn lower(labels: &[String]) -> BTreeSet<String> {
    labels.iter().map(|label| label.to_lowercase()).collect()
}

fn only<T>(list: impl IntoIterator<Item = T>) -> Result<T> {
    list.into_iter().next().ok_or_else(|| Error::internal("no contact where one was written"))
}

fn bytes(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// The contact of a row that was written, as lists show it.
fn shown(row: &NewRow, id: i64, created_at: DateTime<Utc>, updated_at: DateTime<Utc>) -> Contact {
    Contact {
        id,
        uid: row.columns.uid.clone(),
        revision: row.revision,
        members: Some(row.columns.members.clone()),
        photo_type: row.columns.photo_type.map(str::to_owned),
        created_at,
        updated_at,
        deleted_at: None,
    }
}
