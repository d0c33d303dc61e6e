//! What has changed, in the order of commits: the change feed of REST and CardDAV's sync stand on one
//! token.

use crate::db::Conn;
use crate::error::{Error, Result};
use crate::repository::contacts::books::{self, Book};
use crate::repository::contacts::changes::{self, Changed};

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

/// The token of a book at a revision: a URI, because WebDAV wants one (RFC 6578, 4).
pub fn token(book: &Book, revision: i64) -> String {
    format!("urn:contactd:{}:{revision}", book.epoch)
}

/// The revision of a token of this book. [`Error::Resync`] for one that is unknown, another book's, from
/// a future that a restored backup lost, or so old that deletions after it are forgotten.
pub fn revision(book: &Book, token: &str) -> Result<i64> {
    let raw = token.strip_prefix("urn:contactd:").and_then(|rest| rest.split_once(':'));
    let revision = raw.filter(|(epoch, _)| *epoch == book.epoch).and_then(|(_, number)| {
        let plain = number.bytes().all(|byte| byte.is_ascii_digit());
        number.parse::<i64>().ok().filter(|_| plain)
    });
    // At revision 0 the book was empty: a client without any state has missed no deletion.
    let believed = |it: &i64| *it <= book.revision && (*it == 0 || *it >= book.forgotten);
    revision.filter(believed).ok_or(Error::Resync)
}

/// At most `limit` changes after `since`; without it everything that is there.
pub fn since(db: &mut Conn, owner: i64, since: Option<&str>, limit: i64) -> Result<Changes> {
    // The book is read first: what is committed between the two statements is among the changes.
    let book = books::find(db, owner)?;
    let from = since.map_or(Ok(0), |token| revision(&book, token))?;
    let mut changes = changes::since(db, owner, from, limit + 1)?;
    let most = usize::try_from(limit).unwrap_or(0);
    let more = changes.len() > most;
    changes.truncate(most);
    let last = changes.last().map_or(from, |it| it.revision);
    let until = if more { last } else { last.max(book.revision) };
    Ok(Changes { changes, next: token(&book, until), more })
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
            history_from: 0,
            purge_after: None,
            epoch: "e-1".to_owned(),
        };
        for good in [0, 4, 9] {
            assert_eq!(revision(&book, &token(&book, good)).ok(), Some(good));
        }
        for bad in [
            "urn:contactd:e-1:3",
            "urn:contactd:e-1:10",
            "urn:contactd:e-2:9",
            "urn:contactd:e-1:+9",
            "urn:contactd:e-1:",
            "9",
            "",
        ] {
            assert!(matches!(revision(&book, bad), Err(Error::Resync)), "{bad}");
        }
    }
}
