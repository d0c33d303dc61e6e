//! What all editors of one book wrote down, and the comparison at the end.
//!
//! Every change of a card adds a stamp, a word of its own, as a new line of its note, and is
//! conditional on the revision that its editor saw. So whatever the order was, each acknowledged
//! stamp stands in the note at the end; one that is missing was overwritten or lost. A card is named
//! by its first name, which nobody changes.

use super::wire::Outcome;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// A note is not made longer than this, so that ten minutes of edits have room.
pub const FULL: usize = 1_000;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Try {
    #[default]
    No,
    Perhaps,
    Yes,
}

#[derive(Debug, Default)]
struct Card {
    stamps: Vec<(String, Try)>,
    deleted: Try,
    restored: Try,
    /// Others that were made in the same transaction.
    batch: Option<String>,
}

/// What an editor wants to do to a card.
#[derive(Clone, Copy)]
pub enum Wish<'a> {
    /// Make it, with this stamp.
    Create(&'a str),
    /// Add this stamp.
    Stamp(&'a str),
    Delete,
    Restore,
    /// Rename it, give it a label: nothing that is looked for at the end.
    Touch,
}

#[derive(Default)]
pub struct Chronicle {
    cards: Mutex<HashMap<String, Card>>,
    wrong: Mutex<Vec<String>>,
    pub acknowledged: AtomicU64,
    pub late: AtomicU64,
    pub perhaps: AtomicU64,
    pub syncs: AtomicU64,
    pub stop: AtomicBool,
}

impl Chronicle {
    /// Does something to these cards in one request. It is written down before it is sent, and
    /// again when it was answered. True when it was acknowledged.
    pub fn note(&self, names: &[String], wish: Wish, send: impl FnOnce() -> Outcome) -> Outcome {
        self.set(names, wish, Try::Perhaps);
        let outcome = send();
        match &outcome {
            Outcome::Done(_) => {
                self.set(names, wish, Try::Yes);
                self.acknowledged.fetch_add(1, SeqCst);
            }
            Outcome::TooLate(_) => drop(self.late.fetch_add(1, SeqCst)),
            Outcome::Perhaps => drop(self.perhaps.fetch_add(1, SeqCst)),
            Outcome::NotSent => {}
            Outcome::Wrong(what) => self.wrong(what.clone()),
        }
        outcome
    }

    fn set(&self, names: &[String], wish: Wish, sure: Try) {
        let mut cards = self.cards.lock().unwrap();
        for name in names {
            let card = cards.entry(name.clone()).or_default();
            match wish {
                Wish::Create(stamp) | Wish::Stamp(stamp) => {
                    match card.stamps.iter_mut().find(|(known, _)| known == stamp) {
                        Some((_, known)) => *known = sure,
                        None => card.stamps.push((stamp.to_owned(), sure)),
                    }
                    let batch = matches!(wish, Wish::Create(_)) && names.len() > 1;
                    card.batch = batch.then(|| names[0].clone()).or(card.batch.take());
                }
                Wish::Delete if sure > card.deleted => card.deleted = sure,
                Wish::Restore if sure > card.restored => card.restored = sure,
                _ => {}
            }
        }
    }

    pub fn wrong(&self, what: String) {
        self.wrong.lock().unwrap().push(what);
    }

    /// A card is deleted once and restored once, so that the end can be known without the order.
    pub fn may_delete(&self, name: &str) -> bool {
        let cards = self.cards.lock().unwrap();
        cards.get(name).is_some_and(|it| it.restored == Try::No && it.batch.is_none())
    }

    pub fn may_restore(&self, name: &str) -> bool {
        let cards = self.cards.lock().unwrap();
        cards.get(name).is_some_and(|it| it.deleted == Try::Yes && it.restored == Try::No)
    }

    /// Compares with the contacts in the book and in the trash, as REST shows them.
    pub fn compare(&self, book: &[Value], trash: &[Value]) -> Balance {
        let mut cards = self.cards.lock().unwrap();
        let mut balance =
            Balance { wrong: self.wrong.lock().unwrap().clone(), ..Balance::default() };
        let mut found: HashMap<&str, Vec<(bool, &str)>> = HashMap::new();
        for (there, list) in [(true, book), (false, trash)] {
            for contact in list {
                let name = contact["first_name"].as_str().unwrap_or_default();
                let note = contact["additional_data"].as_str().unwrap_or_default();
                found.entry(name).or_default().push((there, note));
            }
        }
        let mut batches: HashMap<String, Vec<bool>> = HashMap::new();
        for (name, card) in cards.drain() {
            let places = found.remove(name.as_str()).unwrap_or_default();
            if let Some(batch) = &card.batch {
                batches.entry(batch.clone()).or_default().push(places.is_empty());
            }
            balance.stamps += card.stamps.iter().filter(|(_, sure)| *sure == Try::Yes).count();
            if let Err(what) = judge(&card, &places) {
                balance.lost.push(format!("{name}: {what}: {card:?}, but there is {places:?}"));
            }
        }
        let half = batches.iter().filter(|(_, missing)| missing.contains(&!missing[0]));
        balance.half.extend(half.map(|(name, _)| format!("an import in part: {name}")));
        balance.half.extend(found.keys().map(|name| format!("nobody made {name}")));
        balance
    }
}

fn judge(card: &Card, places: &[(bool, &str)]) -> Result<(), &'static str> {
    let sure = card.stamps.iter().any(|(_, sure)| *sure == Try::Yes);
    let &[(there, note)] = places else {
        let none_is_right = places.is_empty() && !sure;
        return if none_is_right { Ok(()) } else { Err("not there once") };
    };
    match (card.deleted, card.restored) {
        (Try::No, _) | (Try::Yes, Try::Yes) if !there => {
            return Err("it was never deleted for good");
        }
        (Try::Yes, Try::No) if there => return Err("its deletion was lost"),
        _ => {}
    }
    let stands: Vec<_> = note.lines().collect();
    let times = |stamp: &str| stands.iter().filter(|it| **it == stamp).count();
    let lost = |(stamp, sure): &(String, Try)| *sure == Try::Yes && times(stamp) != 1;
    if card.stamps.iter().any(lost) {
        return Err("a stamp was lost");
    }
    let tried = |it: &&str| card.stamps.iter().any(|(stamp, _)| stamp == it);
    if !stands.iter().all(tried) {
        return Err("a stamp that nobody set");
    }
    Ok(())
}

/// What the comparison found.
#[derive(Debug, Default)]
pub struct Balance {
    /// Acknowledged changes of notes that were looked for.
    pub stamps: usize,
    pub lost: Vec<String>,
    pub half: Vec<String>,
    pub wrong: Vec<String>,
}

/// Who edits the book.
pub trait Editor {
    /// Learns what others did; false when that failed.
    fn look(&mut self, chronicle: &Chronicle) -> bool;
    /// One random change; `None` when there was nothing to change.
    fn change(&mut self, chronicle: &Chronicle, number: usize) -> Option<Outcome>;
}

/// Edits until it is over; `sent` is when the last acknowledged change was sent, in microseconds.
pub fn work(it: &mut dyn Editor, chronicle: &Chronicle, begin: Instant, sent: &AtomicU64) {
    let mut number = 0;
    while !chronicle.stop.load(SeqCst) {
        number += 1;
        let at = u64::try_from(begin.elapsed().as_micros()).unwrap();
        match it.change(chronicle, number) {
            Some(Outcome::Done(_)) => sent.store(at, SeqCst),
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
