//! What is found in a file: its cards, and notes on its lines.

use crate::error::Error;
use crate::model::contact::columns;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use vcard::{Card, Warning};

/// Most cards of one file: as many as a book may have.
pub const CARDS_MAX: usize = 100_000;

/// Most errors, and most warnings, of one file that are listed.
const NOTES_MAX: usize = 1_000;

/// A card of the file.
#[derive(Debug)]
pub struct Incoming {
    /// Where it begins.
    pub line: u64,
    /// vCard 3.0. Text, because a parsed one would take more memory.
    pub text: String,
}

/// A list of people, of which the members get the label.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct List {
    /// Where it begins.
    pub line: u64,
    /// Its name.
    pub label: String,
}

/// A note on a line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The physical line, from 1.
    pub line: u64,
    /// The member, and what is odd or wrong.
    pub detail: String,
}

/// Notes, of which only the first ones are listed.
#[derive(Debug, Default)]
pub struct Notes {
    list: Vec<Note>,
    more: usize,
}

impl Notes {
    /// Adds a note.
    pub fn add(&mut self, line: u64, detail: impl Into<String>) {
        if self.list.len() < NOTES_MAX {
            self.list.push(Note { line, detail: detail.into() });
        } else {
            self.more += 1;
        }
    }

    /// Adds a note before the others, which is always listed.
    pub(super) fn add_first(&mut self, line: u64, detail: impl Into<String>) {
        self.list.insert(0, Note { line, detail: detail.into() });
    }

    pub(super) fn extend(&mut self, warnings: impl IntoIterator<Item = Warning>) {
        warnings.into_iter().for_each(|it| self.add(it.line, it.detail));
    }

    /// Says of each list whom it names in vain, by the members that were not met.
    pub(super) fn add_missed(&mut self, unmet: &HashMap<String, Vec<Arc<List>>>) {
        let mut missed: BTreeMap<&List, usize> = BTreeMap::new();
        unmet.values().flatten().for_each(|list| *missed.entry(list).or_default() += 1);
        for (List { line, label }, count) in missed {
            let why = format!("of the list \"{label}\" {count} members are not in this file");
            self.add(*line, format!("labels: {why}"));
        }
    }

    pub(super) fn finish(mut self) -> Vec<Note> {
        if let Some(last) = self.list.last().filter(|_| self.more > 0) {
            let (line, more) = (last.line, self.more);
            self.list.push(Note { line, detail: format!("and {more} more like these") });
        }
        self.list
    }
}

/// [`Error::Invalid`] for a file with more cards than a book may have.
pub(super) fn too_many() -> Error {
    Error::invalid("body", format!("has more than {CARDS_MAX} contacts: split the file"))
}

/// The identity that the file gives a card.
pub(super) fn uid(card: &Card) -> Option<&str> {
    card.uid().filter(|uid| !uid.trim().is_empty())
}

/// Those of several cards, as the column has them.
pub(super) fn uids(cards: &[(u64, Card)]) -> Vec<String> {
    cards.iter().filter_map(|(_, card)| uid(card)).map(columns::uid_key).collect()
}
