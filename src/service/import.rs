//! Contacts from a file. The file is read before the book is locked, so that a long one keeps no one
//! waiting; then its cards are held against the contacts that are there, a batch at a time, and stored in
//! one transaction. A dry run does the same without storing.

mod existing;
mod incoming;
mod json;
mod known;
mod lenient;
mod source;

pub use existing::Existing;
pub use incoming::{CARDS_MAX, Incoming, Note, Notes};
pub use source::{Source, read};

use crate::context::App;
use crate::crypto;
use crate::db::{Conn, Tx};
use crate::error::Result;
use crate::model::contact::{Stored, check_size, columns, resource_name};
use crate::repository::contacts::{books, imports};
use crate::service::history::reaches;
use crate::service::labels;
use crate::service::writer::{By, NewCard, Writer, check_room, free_name, in_book};
use chrono::{DateTime, Utc};
use incoming::{List, uid, uids};
use known::Known;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use vcard::Card;

/// Cards of which a page shows what becomes of them.
pub const ROWS_MAX: usize = 25;
/// How many cards are held against the book at once, and how many bytes of them, or of what is there in their place.
const BATCH: usize = 500;
const BATCH_BYTES: usize = 1_000_000;
/// The warning where the contacts leave history too little room.
const NO_UNDO: &str = "undo: the address book has too little room to remember what was there before; \
    this import cannot be taken back";

/// How a file is taken in.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only says what would be.
    pub dry_run: bool,
    /// Put on all that are created.
    pub label: Option<String>,
    /// See [`Existing`].
    pub existing: Existing,
    /// Cards before those whose [`Outcome::rows`] are wanted.
    pub skip: usize,
}

/// What becomes of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It becomes a contact.
    New,
    /// The contact with this id becomes what it says.
    Changes(i64),
    /// It says nothing new, of the contact with this id or of one that was not looked up.
    Known(Option<i64>),
}

/// A card of the file, for who looks before taking it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it begins.
    pub line: u64,
    /// Its display name.
    pub name: String,
    /// Its main address, or number.
    pub about: String,
    /// What becomes of it.
    pub fate: Fate,
}

/// What became of a file.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    /// New contacts.
    pub created: usize,
    /// Contacts that have the file's card now.
    pub updated: usize,
    /// Cards that say nothing new, or whose uid is there with other contents.
    pub skipped_duplicates: usize,
    /// What cannot be stored.
    pub errors: Vec<Note>,
    /// What came in otherwise than it stood there.
    pub warnings: Vec<Note>,
    /// The revision to rewind to in order to undo this; none: history had no room for it.
    pub undo: Option<i64>,
    /// Some cards, for pages, see [`Options::skip`].
    #[serde(skip)]
    pub rows: Vec<Row>,
}

/// What is to be done with a card.
enum Verdict {
    Create(Card),
    Update(Box<Stored>, Card),
    Skip,
}

/// Stores what [`read`] found in a file.
/// `note` is done in the same transaction.
pub fn store(
    app: &App,
    owner: i64,
    by: &By,
    source: Source,
    options: &Options,
    note: impl FnOnce(&mut Tx) -> Result<()>,
) -> Result<Outcome> {
    let mut plan = Plan::new(source, options, app.now());
    if options.dry_run {
        // One connection at a time and no lock: what is written meanwhile may or may not be seen.
        let book = app.db.read(|db| books::find(db, owner))?;
        plan.outcome.undo = Some(book.revision);
        let mut added = (0, 0);
        // Not as a read, which may be tried again: a batch is taken once.
        while let Some(verdicts) = app.db.write(|db| plan.judge(db, owner))? {
            verdicts.iter().try_for_each(|verdict| weigh(verdict, &mut added))?;
        }
        check_room(&app.config, &book, added)?;
    } else {
        in_book(app, owner, by, |writer| {
            plan.outcome.undo = Some(writer.book().revision);
            while let Some(verdicts) = plan.judge(writer.tx, owner)? {
                write(writer, verdicts)?;
            }
            note(writer.tx)
        })?;
        // It is stored, whatever this answers.
        let before = plan.outcome.undo.unwrap_or_default();
        if let Ok((_, false)) = app.db.read(|db| reaches(db, owner, before, app.now())) {
            plan.outcome.undo = None;
            plan.warnings.add_first(1, NO_UNDO);
        }
    }
    Ok(plan.finish())
}

/// Adds what a verdict makes of a book: contacts, and bytes of cards.
fn weigh(verdict: &Verdict, (contacts, bytes): &mut (i64, i64)) -> Result<()> {
    let (card, before) = match verdict {
        Verdict::Create(card) => (card, 0),
        Verdict::Update(stored, card) => (card, stored.text.len()),
        Verdict::Skip => return Ok(()),
    };
    check_size(card)?;
    *contacts += i64::from(before == 0);
    let length = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    *bytes += length(card.sizes().0) - length(before);
    Ok(())
}

fn write(writer: &mut Writer, verdicts: Vec<Verdict>) -> Result<()> {
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for verdict in verdicts {
        match verdict {
            Verdict::Create(card) => new.push(NewCard { card, resource: None }),
            Verdict::Update(stored, card) => changed.push((*stored, card)),
            Verdict::Skip => {}
        }
    }
    // A name that follows from a uid of the file may have been given to another contact.
    let owner = writer.book().owner;
    let follows = |card: &Card| resource_name(None, card.uid().unwrap_or_default());
    let names: Vec<_> = new.iter().map(|it| follows(&it.card)).collect();
    let taken = imports::taken_names(writer.tx, owner, &names)?;
    for it in new.iter_mut().filter(|it| taken.contains(&follows(&it.card))) {
        it.resource = Some(free_name()?);
    }
    if !new.is_empty() {
        writer.insert(new)?;
    }
    writer.update(changed).map(|_| ())
}

struct Plan<'o> {
    cards: std::vec::IntoIter<Incoming>,
    /// Cards that the last batch had no room for.
    left: Vec<(u64, Card)>,
    /// The file's lists of people, by the uid of each member that was not met yet.
    groups: HashMap<String, Vec<Arc<List>>>,
    options: &'o Options,
    is_whole: bool,
    /// Cards so far.
    judged: usize,
    /// When the import began.
    at: DateTime<Utc>,
    errors: Notes,
    warnings: Notes,
    outcome: Outcome,
    known: Known,
    /// Uids of this file's cards, each with a hash of the folded name.
    seen: HashMap<String, u64>,
}

impl<'o> Plan<'o> {
    fn new(source: Source, options: &'o Options, at: DateTime<Utc>) -> Plan<'o> {
        let Source { cards, groups, errors, warnings, is_whole, .. } = source;
        Plan {
            cards: cards.into_iter(),
            left: Vec::new(),
            groups,
            options,
            is_whole,
            judged: 0,
            at,
            errors,
            warnings,
            outcome: Outcome::default(),
            known: Known::default(),
            seen: HashMap::new(),
        }
    }

    /// The next cards, one at least; none at the end.
    fn batch(&mut self, db: &mut Conn, owner: i64) -> Result<Vec<(u64, Card)>> {
        let mut batch = std::mem::take(&mut self.left);
        let mut bytes: usize = batch.iter().map(|(_, card)| card.as_str().len()).sum();
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Some(Incoming { line, text }) = self.cards.next() else { break };
            bytes += text.len();
            batch.push((line, Card::stored(&text)));
        }
        let there = imports::sizes(db, owner, &uids(&batch))?;
        let mut bytes = 0;
        let fits = |(_, card): &&(u64, Card)| {
            let size = uid(card).and_then(|uid| there.get(&columns::uid_key(uid)));
            bytes += size.copied().unwrap_or_default();
            bytes <= BATCH_BYTES
        };
        let fitting = batch.iter().take_while(fits).count();
        self.left = batch.split_off(fitting.max(1).min(batch.len()));
        Ok(batch)
    }

    /// Holds the next cards against the contacts that are there and against the file before them.
    fn judge(&mut self, db: &mut Conn, owner: i64) -> Result<Option<Vec<Verdict>>> {
        let batch = self.batch(db, owner)?;
        if batch.is_empty() {
            return Ok(None);
        }
        let mut there = imports::find_uids(db, owner, &uids(&batch))?;
        let revision = self.outcome.undo.unwrap_or_default();
        self.known.load(db, owner, revision, &self.strangers(&batch, &there))?;
        let verdicts = batch.into_iter().map(|(line, card)| self.noted(line, card, &mut there));
        verdicts.collect::<Result<_>>().map(Some)
    }

    /// The verdict on a card, noted for pages.
    fn noted(
        &mut self,
        line: u64,
        card: Card,
        there: &mut HashMap<String, Stored>,
    ) -> Result<Verdict> {
        let number = self.judged;
        self.judged += 1;
        if !(self.options.skip..self.options.skip + ROWS_MAX).contains(&number) {
            return self.verdict(line, card, there);
        }
        let details = card.details();
        let same = uid(&card).and_then(|uid| there.get(&columns::uid_key(uid)));
        let same = same.map(|stored| stored.contact.id);
        let verdict = self.verdict(line, card, there)?;
        let fate = match &verdict {
            Verdict::Create(_) => Fate::New,
            Verdict::Update(stored, _) => Fate::Changes(stored.contact.id),
            Verdict::Skip => Fate::Known(same),
        };
        let entry = details.emails.first().or(details.phones.first());
        let about = entry.map(|entry| entry.value.clone()).unwrap_or_default();
        self.outcome.rows.push(Row { line, name: details.display_name, about, fate });
        Ok(verdict)
    }

    /// Cards that come in without a uid or under a new one.
    fn strangers<'c>(
        &self,
        batch: &'c [(u64, Card)],
        there: &HashMap<String, Stored>,
    ) -> Vec<&'c Card> {
        let mut here = HashSet::new();
        let mut strange = |card: &Card| {
            uid(card).map(columns::uid_key).is_none_or(|uid| {
                let taken = self.options.existing == Existing::Add && there.contains_key(&uid);
                taken || self.seen.contains_key(&uid) || !here.insert(uid)
            })
        };
        batch.iter().map(|(_, card)| card).filter(|card| strange(card)).collect()
    }

    fn verdict(
        &mut self,
        line: u64,
        mut card: Card,
        there: &mut HashMap<String, Stored>,
    ) -> Result<Verdict> {
        self.label_by_lists(line, &mut card);
        let Some(own) = uid(&card).map(columns::uid_key) else {
            if self.known.says_all_of(&card) {
                return Ok(self.skip());
            }
            return self.create(line, card);
        };
        let name = known::name_hash(&card);
        if let Some(before) = self.seen.get(&own) {
            if self.known.says_all_of(&card) {
                return Ok(self.skip());
            }
            if *before == name && self.options.existing != Existing::Add {
                let why = "uid: another card of this file has it, with other contents; skipped";
                self.warnings.add(line, why);
                return Ok(self.skip());
            }
            let why = "uid: another card of this file has it; this one comes in under a new one";
            self.warnings.add(line, why);
            card.set_uid(&self.new_uid()?);
            return self.create(line, card);
        }
        self.seen.insert(own.clone(), name);
        let Some(stored) = there.remove(&own) else { return self.create(line, card) };
        let old = stored.card();
        let whole = if self.is_whole { card.clone() } else { existing::over(&old, &card) };
        let made = labels::as_made(whole, &old, self.options.label.as_deref());
        if stored.is_group || existing::is_same(&old, &made) {
            return Ok(self.skip());
        }
        match self.options.existing {
            Existing::Skip => {
                self.warnings.add(line, "uid: a contact with other contents has it; skipped");
                Ok(self.skip())
            }
            Existing::Update if check_size(&made).is_err() => Ok(self.too_long(line)),
            Existing::Update => {
                self.outcome.updated += 1;
                self.known.remember(&card);
                Ok(Verdict::Update(Box::new(stored), made))
            }
            Existing::Add if self.known.says_all_of(&card) => Ok(self.skip()),
            Existing::Add => {
                card.set_uid(&self.new_uid()?);
                self.create(line, card)
            }
        }
    }

    /// Gives the card the labels of the lists that name it.
    fn label_by_lists(&mut self, line: u64, card: &mut Card) {
        let lists = uid(card).map(vcard::bare_uid).and_then(|uid| self.groups.remove(uid));
        lists.into_iter().flatten().for_each(|list| self.label(line, card, &list.label));
    }

    fn label(&mut self, line: u64, card: &mut Card, label: &str) {
        match labels::with(card.clone(), label) {
            Ok(with) => *card = with,
            Err(why) => self.warnings.add(line, format!("labels: \"{label}\" {why}")),
        }
    }

    fn new_uid(&self) -> Result<String> {
        crypto::ordered_uuid(self.at, self.outcome.created)
    }

    fn skip(&mut self) -> Verdict {
        self.outcome.skipped_duplicates += 1;
        Verdict::Skip
    }

    fn create(&mut self, line: u64, mut card: Card) -> Result<Verdict> {
        self.known.remember(&card);
        if uid(&card).is_none() {
            card.set_uid(&self.new_uid()?);
        }
        if let Some(label) = &self.options.label {
            self.label(line, &mut card, label);
        }
        if check_size(&card).is_err() {
            return Ok(self.too_long(line));
        }
        self.outcome.created += 1;
        Ok(Verdict::Create(card))
    }

    fn too_long(&mut self, line: u64) -> Verdict {
        self.errors.add(line, "card would be longer than one may be, with what the import adds");
        Verdict::Skip
    }

    fn finish(mut self) -> Outcome {
        self.warnings.add_missed(&self.groups);
        let (errors, warnings) = (self.errors.finish(), self.warnings.finish());
        Outcome { errors, warnings, ..self.outcome }
    }
}
