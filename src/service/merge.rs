//! Several contacts of one person become one.

use crate::context::App;
use crate::error::{Error, Faults, Result};
use crate::model::contact::input::LIST_MAX;
use crate::model::contact::{Input, Stored, check_size, latest_date};
use crate::repository::contacts::{duplicates, rows};
use crate::service::contacts::Guard;
use crate::service::duplicates::DISMISSED_MAX;
use crate::service::writer::{By, in_book};
use chrono::{DateTime, Utc};
use vcard::Details;

/// Most contacts that become one at once, beside the one that stays.
pub const MERGE_MAX: usize = 100;

/// Which contacts become one, and how.
#[derive(Debug)]
pub struct Wish {
    /// The one that stays. What it says stands.
    pub keep: i64,
    /// Those whose cards it takes over; of two that could fill a gap the first one does. They go into
    /// the trash.
    pub others: Vec<i64>,
    /// What is set in the end, a merge patch.
    pub set: Option<Input>,
    /// Its values stand in contacts of this book, and are taken as they are, however long a file made them.
    pub is_stored: bool,
}

/// Merges contacts in one transaction; the one that is kept. [`Error::NotFound`] if one of them is not
/// there or in the trash, [`Error::Invalid`] if they are more than [`MERGE_MAX`] or a list would become too
/// long. `guard` is asked of the one that is kept. Whoever was dismissed with one of the others is a
/// different person from it too, as long as that one does not come back.
pub fn merge(
    app: &App,
    owner: i64,
    by: &By,
    wish: &Wish,
    guard: Guard,
    now: DateTime<Utc>,
) -> Result<Stored> {
    if wish.others.len() > MERGE_MAX {
        return Err(Error::invalid("ids", format!("must name at most {MERGE_MAX} besides")));
    }
    let by = By { protocol: "merge", ..by.clone() };
    let latest = latest_date(now);
    let in_set = |error: Error| error.within("set");
    let merged = in_book(app, owner, &by, |writer| {
        let kept = rows::find(writer.tx, owner, wish.keep)?.ok_or(Error::NotFound)?;
        let before = kept.card().details();
        let mut card = kept.card();
        // One after the other: a card may have 4 MiB.
        for id in &wish.others {
            let other = rows::find(writer.tx, owner, *id)?.ok_or(Error::NotFound)?;
            card.merge(&[other.card()]);
            check_size(&card)?;
            writer.bury(&[other])?;
        }
        if let Some(set) = &wish.set {
            let wanted = match wish.is_stored {
                true => set.apply_leniently(&card.details(), latest).0,
                false => set.apply(&card.details(), latest).map_err(in_set)?,
            };
            card.set(&wanted);
            check_size(&card)?;
        }
        check_lists(&before, &card.details()).map_err(in_set)?;
        guard(writer, Some(&kept))?;
        let room = DISMISSED_MAX - duplicates::count(writer.tx, owner)?;
        duplicates::inherit(writer.tx, owner, wish.keep, &wish.others, room)?;
        writer.update_one(kept, card)
    });
    match (merged, &wish.set) {
        // 422 comes before 404.
        (Err(Error::NotFound), Some(set)) if !wish.is_stored => {
            set.check(latest).map_err(in_set).and(Err(Error::NotFound))
        }
        (merged, _) => merged,
    }
}

/// Fails for a list that has become longer than a contact's may be. The client shortens it with `set`.
fn check_lists(before: &Details, after: &Details) -> Result<()> {
    let mut faults = Faults::default();
    for ((list, before), (_, after)) in before.counts().into_iter().zip(after.counts()) {
        if after > LIST_MAX && after > before {
            let detail = format!("would have {after} entries, and may have {LIST_MAX}: set it");
            faults.add(list, detail);
        }
    }
    faults.into_result(())
}
