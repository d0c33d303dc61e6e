//! What takes long to find in a book, kept until the book changes: the labels beside every list and the
//! groups of duplicates, which pages show again and again. In memory, of a few books; what is lost with
//! the process is found once more.

use crate::lock::lock;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Most books of which something is kept; past that what was not asked for longest goes.
const MOST: usize = 32;

/// What a book was when something was found in it: the revision of its last change, and the number of
/// the last change that takes none. Read before the search: what changes meanwhile gives the book another
/// state, for which nothing is kept.
pub type State = (i64, i64);

/// What was found in books, by owner; those that were asked for last are first.
#[derive(Debug)]
pub struct Remembered<T> {
    found: Mutex<VecDeque<(i64, State, Arc<T>)>>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Remembered<T> {
        Remembered { found: Mutex::default() }
    }
}

impl<T> Remembered<T> {
    /// What was found in this state of the book.
    pub fn get(&self, owner: i64, state: State) -> Option<Arc<T>> {
        let mut found = lock(&self.found);
        let at = found.iter().position(|it| (it.0, it.1) == (owner, state))?;
        let kept = found.remove(at)?;
        let value = Arc::clone(&kept.2);
        found.push_front(kept);
        Some(value)
    }

    /// Keeps what was found in this state of the book, in place of what was found before.
    pub fn put(&self, owner: i64, state: State, value: &Arc<T>) {
        let mut found = lock(&self.found);
        found.retain(|it| it.0 != owner);
        found.push_front((owner, state, Arc::clone(value)));
        found.truncate(MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_that_changed_has_nothing_kept() {
        let kept = Remembered::default();
        kept.put(1, (7, 0), &Arc::new("seven"));
        assert_eq!(kept.get(1, (7, 0)).as_deref(), Some(&"seven"));
        assert_eq!(
            (kept.get(1, (8, 0)), kept.get(1, (7, 1)), kept.get(2, (7, 0))),
            (None, None, None)
        );
        kept.put(1, (8, 0), &Arc::new("eight"));
        assert_eq!((kept.get(1, (7, 0)), kept.get(1, (8, 0)).as_deref()), (None, Some(&"eight")));
    }

    #[test]
    fn few_books_are_kept_and_those_that_are_asked_for_stay() {
        let kept = Remembered::default();
        for owner in 0..200 {
            kept.put(owner, (1, 0), &Arc::new(owner));
            assert!(kept.get(0, (1, 0)).is_some(), "asked for all the while");
        }
        assert_eq!(kept.found.lock().unwrap().len(), MOST);
        assert!(kept.get(199, (1, 0)).is_some() && kept.get(100, (1, 0)).is_none());
    }
}
