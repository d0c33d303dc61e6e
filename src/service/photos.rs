//! The picture of a contact.

use crate::context::App;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::model::contact::Stored;
use crate::repository::contacts::rows;
use crate::service::contacts::{Guard, Which, change};
use crate::service::writer::By;
use vcard::{Card, Picture};

/// The picture in a contact's card. [`Error::NotFound`] when there is none.
pub fn get(db: &mut Conn, owner: i64, id: i64) -> Result<(i64, Picture)> {
    let stored = rows::find(db, owner, id)?.ok_or(Error::NotFound)?;
    let picture = stored.card().photo().ok_or(Error::NotFound)?;
    Ok((stored.contact.revision, picture))
}

/// Replaces every picture in the card by this JPEG; none takes them away.
pub fn set(
    app: &App,
    owner: i64,
    by: &By,
    id: i64,
    guard: Guard,
    jpeg: Option<Vec<u8>>,
) -> Result<Stored> {
    change(app, owner, by, Which::Id(id), guard, |_, card| {
        put(card, jpeg);
        Ok(())
    })
}

/// The same on a card.
pub fn put(card: &mut Card, jpeg: Option<Vec<u8>>) {
    let picture = jpeg.map(|bytes| Picture { media_type: "image/jpeg", bytes });
    card.set_photo(picture.as_ref());
}
