//! Contacts that may be one person: found in one pass over the owner's rows, by what they share.

pub mod groups;

use crate::context::App;
use crate::error::{Conflict, Error, Result};
use crate::model::alike::{Group, Reason};
use crate::model::contact::MEMBERS;
use crate::model::contact::columns::ITEM;
use crate::repository::contacts::books;
use crate::repository::contacts::duplicates::{self, Traits};
use groups::{Finder, Hashes, VALUES};
use serde::Deserialize;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use vcard::{digits, fold};

/// Numbers that are the same from here on, counted from the end, are one: the country's code and the
/// zero in its place come before.
const LAST_DIGITS: usize = 9;
/// Fewer are no number (`api.md`).
const FEWEST_DIGITS: usize = 3;
/// Most contacts in groups of a book whose groups are kept: about half a megabyte.
const KEPT_MAX: usize = 10_000;
/// Most rows of dismissals of one owner.
pub const DISMISSED_MAX: i64 = 100_000;

/// All groups of contacts that are alike, likeliest first.
pub fn find(app: &App, owner: i64) -> Result<Vec<Group>> {
    app.look_through_book(owner, |db| {
        let (mut finder, mut after) = (Finder::default(), 0);
        loop {
            // A page at a time, so that no connection is held for long.
            let page = db.read(|db| duplicates::traits(db, owner, after))?;
            let Some(last) = page.last() else { break };
            after = last.id;
            page.iter().for_each(|row| finder.add(row.id, hashes(row)));
        }
        for (contact, dismissal) in db.read(|db| duplicates::dismissed(db, owner))? {
            finder.dismiss(contact, dismissal);
        }
        Ok(finder.groups())
    })
}

/// The same for pages, which show a few of the groups at a time: kept until the book changes, or someone
/// is dismissed.
pub fn kept(app: &App, owner: i64) -> Result<Arc<Vec<Group>>> {
    let state = app.db.read(|db| {
        Ok((books::find(db, owner)?.revision, duplicates::last_dismissal(db, owner)?))
    })?;
    if let Some(kept) = app.alike.get(owner, state) {
        return Ok(kept);
    }
    let found = Arc::new(find(app, owner)?);
    if found.iter().map(|group| group.contacts.len()).sum::<usize>() <= KEPT_MAX {
        app.alike.put(owner, state, &found);
    }
    Ok(found)
}

/// Not random: where dismissals leave a choice, each page of the list has to make the same one. Whoever
/// finds two texts with one hash confuses their own book only.
fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish() | 1
}

/// What is read of an entry of the list of addresses.
#[derive(Deserialize)]
struct Address {
    value: String,
}

fn hashes(row: &Traits) -> Hashes {
    let emails: Vec<&str> = row.emails.split(ITEM).filter(|it| !it.is_empty()).collect();
    let numbers: Vec<&str> =
        row.digits.split(ITEM).filter(|it| it.len() >= FEWEST_DIGITS).collect();
    let mut members = row.members.split('\n').map(|json| {
        let text = serde_json::from_str::<String>(json);
        // The last line may be cut off.
        text.unwrap_or_else(|_| json.to_owned())
    });
    let name = members.next().map(|name| fold(&name)).unwrap_or_default();
    // As they are written, but for the case: where an accent or an apostrophe differs it is another mailbox. Folded,
    // where the list was cut off.
    let mut lines = MEMBERS.iter().zip(row.members.split('\n'));
    let list = lines.find(|((name, _), _)| *name == "emails").map_or("", |(_, line)| line);
    let mut keys: Vec<_> = match serde_json::from_str::<Vec<Address>>(list) {
        Ok(list) => list.iter().map(|it| (Reason::Email, hash(it.value.to_lowercase()))).collect(),
        Err(_) => emails.iter().map(|it| (Reason::Email, hash(it))).collect(),
    };
    keys.extend(numbers.iter().map(|it| (Reason::Phone, hash(last_digits(it)))));
    // Who has no name is called by an address or a number.
    let is_name = !emails.contains(&name.as_str())
        && (name.contains(char::is_alphabetic) || !numbers.contains(&digits(&name).as_str()));
    if is_name && !name.is_empty() {
        keys.push((Reason::Name, hash(&name)));
    }
    let mut values = [0; VALUES];
    let birthday = [row.birthday_key, row.birthday_year].map(|part| part.map_or(0, hash));
    let single = members.take(VALUES - birthday.len()).map(|text| match fold(&text) {
        text if text.is_empty() => 0,
        text => hash(text),
    });
    for (value, found) in values.iter_mut().zip(birthday.into_iter().chain(single)) {
        *value = found;
    }
    // What was cut off may be anything.
    let conflict = row.cut && row.members.matches('\n').count() <= VALUES - birthday.len();
    Hashes { keys, values, conflict }
}

fn last_digits(digits: &str) -> &str {
    digits.get(digits.len().saturating_sub(LAST_DIGITS)..).unwrap_or(digits)
}

/// Remembers that these contacts are different people. No change of theirs, so it takes no revision.
pub fn dismiss(app: &App, owner: i64, mut ids: Vec<i64>) -> Result<()> {
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < 2 {
        return Err(Error::invalid("ids", "must name at least two contacts"));
    }
    let count = i64::try_from(ids.len()).map_err(Error::internal)?;
    app.change_book(owner, |tx| {
        books::lock(tx, owner)?;
        if duplicates::count_shown(tx, owner, &ids)? != ids.len() {
            return Err(Error::NotFound);
        }
        if duplicates::is_dismissed(tx, owner, &ids)? {
            return Ok(());
        }
        if duplicates::count(tx, owner)? + count > DISMISSED_MAX {
            return Err(Error::Conflict(Conflict::TooManyDismissals));
        }
        duplicates::dismiss(tx, owner, &ids).map(|_| ())
    })
}

#[cfg(test)]
mod tests;
