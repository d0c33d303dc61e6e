//! What there is to say about lines of a file.

use serde::Serialize;
use vcard::Warning;

/// Most errors, and most warnings, of one file that are listed.
const NOTES_MAX: usize = 1_000;

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

    /// Adds what the reader of a file found odd.
    pub(super) fn extend(&mut self, warnings: impl IntoIterator<Item = Warning>) {
        warnings.into_iter().for_each(|it| self.add(it.line, it.detail));
    }

    /// The list, with how many more there are.
    pub(super) fn finish(mut self) -> Vec<Note> {
        if let Some(last) = self.list.last().filter(|_| self.more > 0) {
            let (line, more) = (last.line, self.more);
            self.list.push(Note { line, detail: format!("and {more} more like these") });
        }
        self.list
    }
}
