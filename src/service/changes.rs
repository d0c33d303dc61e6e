//! What has changed, in the order of commits. The change feed of REST and CardDAV's sync stand on one token,
//! which is the place of a reader in the changes of a book.

use crate::db::Conn;
use crate::error::{Error, Result};
use crate::repository::contacts::books::{self, Book};
use crate::repository::contacts::changes::{self, Changed};

/// What every token begins with: WebDAV wants a URI (RFC 6578, 4).
const TOKEN: &str = "urn:contactd:";

/// How far a reader has come. Who follows has seen everything up to a revision. Who began with what is
/// there, and gets it in pages, has seen less: but of deletions before the beginning nothing has to be
/// said, so that it does no harm when those are forgotten meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What is there and has a greater revision comes next.
    pub after: i64,
    /// What was deleted by this revision is of no interest; never less than `after`.
    pub deleted_after: i64,
}

impl Place {
    /// Everything up to this revision was seen.
    pub fn at(revision: i64) -> Place {
        Place { after: revision, deleted_after: revision }
    }

    /// Nothing was seen yet.
    pub fn beginning(book: &Book) -> Place {
        Place { after: 0, deleted_after: book.revision }
    }

    /// Asked after changes were read: [`Error::Resync`] if a purge may have taken some away before.
    pub fn check(self, db: &mut Conn, owner: i64) -> Result<()> {
        match self.deleted_after >= books::forgotten(db, owner)? {
            true => Ok(()),
            false => Err(Error::Resync),
        }
    }

    /// The place once everything up to another revision was seen.
    pub fn moved(self, after: i64) -> Place {
        Place { after, deleted_after: self.deleted_after.max(after) }
    }
}

/// Changes after a token.
#[derive(Debug)]
pub struct Changes {
    /// Oldest first, each contact once, as it is now.
    pub changes: Vec<Changed>,
    /// The token of this state.
    pub next: String,
    /// There are more after these.
    pub more: bool,
}

/// The token of a place in the changes of a book.
pub fn token(book: &Book, place: Place) -> String {
    let Place { after, deleted_after } = place;
    match after == deleted_after {
        true => format!("{TOKEN}{}:{after}", book.epoch),
        false => format!("{TOKEN}{}:{deleted_after}:{after}", book.epoch),
    }
}

/// The place of a token of this book. [`Error::Resync`] for one that is unknown, another book's, from a
/// future that a restored backup lost, or so old that deletions after it are forgotten.
pub fn place(book: &Book, token: &str) -> Result<Place> {
    let mut parts = token.strip_prefix(TOKEN).unwrap_or_default().split(':');
    let epoch = parts.next();
    let numbers: Option<Vec<i64>> = parts.map(number).collect();
    let place = match numbers.as_deref() {
        // The book was empty: who saw it so has missed none of the deletions that are forgotten.
        Some([0]) => Place { after: 0, deleted_after: book.forgotten },
        Some([revision]) => Place::at(*revision),
        Some([began, after]) if after < began => Place { after: *after, deleted_after: *began },
        _ => return Err(Error::Resync),
    };
    let known = (book.forgotten..=book.revision).contains(&place.deleted_after);
    match epoch == Some(&book.epoch) && known {
        true => Ok(place),
        false => Err(Error::Resync),
    }
}

/// A number as [`token`] writes it.
fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text && *number >= 0)
}

/// At most `limit` changes after a token; without it everything that is there.
pub fn since(db: &mut Conn, owner: i64, since: Option<&str>, limit: i64) -> Result<Changes> {
    // The book is read first: what is committed between the two statements is among the changes.
    let book = books::find(db, owner)?;
    let from = since.map_or(Ok(Place::beginning(&book)), |token| place(&book, token))?;
    let mut changes = changes::since(db, owner, from.after, from.deleted_after, limit + 1)?;
    from.check(db, owner)?;
    let most = usize::try_from(limit).unwrap_or(0);
    let more = changes.len() > most;
    changes.truncate(most);
    let last = changes.last().map_or(from.after, |it| it.revision);
    let until = if more { last } else { last.max(book.revision) };
    Ok(Changes { changes, next: token(&book, from.moved(until)), more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_book_from_what_is_remembered_until_now() {
        let book = Book {
            owner: 1,
            revision: 9,
            changed_at: chrono::DateTime::UNIX_EPOCH,
            contacts: 0,
            groups: 0,
            stored: 0,
            card_bytes: 0,
            history_bytes: 0,
            forgotten: 4,
            history_since: chrono::DateTime::UNIX_EPOCH,
            purge_after: None,
            epoch: "e-1".to_owned(),
        };
        let of_pages = [(0, 4), (3, 4), (0, 9), (8, 9)];
        let of_pages = of_pages.map(|(after, deleted_after)| Place { after, deleted_after });
        let empty = Place { after: 0, deleted_after: 4 };
        assert_eq!(place(&book, "urn:contactd:e-1:0").ok(), Some(empty));
        for good in [4, 9].map(Place::at).into_iter().chain(of_pages) {
            assert_eq!(place(&book, &token(&book, good)).ok(), Some(good));
        }
        for bad in [
            "urn:contactd:e-1:3",
            "urn:contactd:e-1:10",
            "urn:contactd:e-2:9",
            "urn:contactd:e-1:+9",
            "urn:contactd:e-1:09",
            "urn:contactd:e-1:-1",
            "urn:contactd:e-1:",
            "urn:contactd:e-1",
            "urn:contactd:e-1:3:2",
            "urn:contactd:e-1:10:2",
            "urn:contactd:e-1:8:8",
            "urn:contactd:e-1:8:9",
            "urn:contactd:e-1:8:-1",
            "urn:contactd:e-1:8:",
            "urn:contactd:e-1:8:7:6",
            "9",
            "",
        ] {
            assert!(matches!(place(&book, bad), Err(Error::Resync)), "{bad}");
        }
    }
}
