//! What a request is about: whose resource, and the tokens of the only book.

use crate::access::Device;
use crate::context::Call;
use crate::error::{Error, Result};
use crate::handlers::dav::target::Target;
use crate::handlers::dav::target_of;
use crate::repository::contacts::books::{self, Book};
use crate::repository::contacts::resources::{self, Resource};
use crate::service::changes::{self, Place};

/// The resource of a request.
#[derive(Debug)]
pub struct Asked {
    /// Which one.
    pub target: Target,
    /// Whose.
    pub account: Account,
    /// The card and its text, if it is one.
    pub card: Option<(Resource, String)>,
}

impl Asked {
    /// [`Error::NotFound`] where nothing is.
    pub fn of(call: &Call, device: &Device) -> Result<Asked> {
        let target = target_of(call, device);
        let card = match &target {
            Target::OtherBook(_) | Target::Orphan(_) | Target::Nothing => {
                return Err(Error::NotFound);
            }
            Target::Card(owner, name) => Some(find(call, *owner, name)?),
            _ => None,
        };
        Ok(Asked { target, account: Account::of(call, device)?, card })
    }
}

/// The card of this name, and its text. [`Error::NotFound`] where there is none.
pub fn find(call: &Call, owner: i64, name: &str) -> Result<(Resource, String)> {
    call.app.db.read(|db| resources::find(db, owner, name))?.ok_or(Error::NotFound)
}

/// An account as CardDAV sees it.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id, which stands in its paths.
    pub id: i64,
    /// What its principal is called.
    pub username: String,
    /// The app password may change things.
    pub may_write: bool,
    /// What clients call the book.
    pub book_name: Option<String>,
    /// What they say about it.
    pub book_description: Option<String>,
    /// The state of the book.
    pub book: Book,
}

impl Account {
    /// The caller's, with the book as it is now.
    pub fn of(call: &Call, device: &Device) -> Result<Account> {
        let owner = device.owner();
        let (book, book_name, book_description) =
            call.app.db.read(|db| books::find_named(db, owner.id()))?;
        let (id, username) = (owner.id(), owner.user().username.clone());
        let may_write = owner.may_write();
        Ok(Account { id, username, may_write, book_name, book_description, book })
    }

    /// The sync token of the book's state.
    pub fn sync_token(&self) -> String {
        changes::token(&self.book, Place::at(self.book.revision))
    }

    /// Apple's mark of the book's state.
    pub fn ctag(&self) -> String {
        format!("\"{}-{}\"", self.book.epoch, self.book.revision)
    }
}
