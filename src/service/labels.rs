//! Labels of a book, and on a card.

use crate::context::App;
use crate::error::{Error, Result};
use crate::model::contact::input::LIST_MAX;
use crate::model::contact::{check_size, short_name};
use crate::repository::contacts::books;
use crate::repository::contacts::labels::labels_in_use;
use std::sync::Arc;
use vcard::Card;

/// Labels in use, a thousand at most, with the number of contacts that have each, for pages: kept until
/// the book changes.
pub fn in_use(app: &App, owner: i64) -> Result<Arc<Vec<(String, i64)>>> {
    let state = (app.db.read(|db| books::find(db, owner))?.revision, 0);
    if let Some(kept) = app.labels.get(owner, state) {
        return Ok(kept);
    }
    let found = Arc::new(app.search_book(owner, |db| labels_in_use(db, owner, ""))?);
    app.labels.put(owner, state, &found);
    Ok(found)
}

/// True for two spellings of one label.
pub fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// Gives a card a label, unless it has it. [`Error::Invalid`] when it has as many as it may have.
pub fn add(card: &mut Card, label: &str) -> Result<()> {
    let mut details = card.details();
    if details.labels.iter().any(|it| same(it, label)) {
        return Ok(());
    }
    if details.labels.len() >= LIST_MAX {
        let who = short_name(card);
        let why = format!("a contact has at most {LIST_MAX} labels, and so many has {who}");
        return Err(Error::invalid("label", why));
    }
    details.labels.push(label.to_owned());
    card.set(&details);
    Ok(())
}

/// The card with one label more, or why it has no room for that.
pub fn with(mut card: Card, label: &str) -> std::result::Result<Card, &'static str> {
    add(&mut card, label).map_err(|_| "would be one too many")?;
    check_size(&card).map_err(|_| "would make the card too long")?;
    Ok(card)
}

/// A card of a file as an import with this label makes it, if the contact that is there has the label: an import that
/// is sent again finds what it made, and takes its own label off nobody.
pub fn as_made(card: Card, there: &Card, label: Option<&str>) -> Card {
    let is_there = |label: &&str| there.details().labels.iter().any(|it| same(it, label));
    match label.filter(is_there) {
        // A card that has no room for it comes in without.
        Some(label) => with(card.clone(), label).unwrap_or(card),
        None => card,
    }
}

/// Puts another label in the place of one, or nothing.
pub fn replace(card: &mut Card, from: &str, to: Option<&str>) {
    let mut details = card.details();
    if !details.labels.iter().any(|it| same(it, from)) {
        return;
    }
    let there = |label: &str| to.is_some_and(|to| same(label, to) && !same(label, from));
    let merged = details.labels.iter().any(|it| there(it));
    let labels = details.labels.into_iter().filter_map(|label| match to {
        Some(to) if same(&label, from) && !merged => Some(to.to_owned()),
        _ if same(&label, from) => None,
        _ => Some(label),
    });
    details.labels = labels.collect();
    card.set(&details);
}
