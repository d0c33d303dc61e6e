//! Apple's cards of groups (`X-ADDRESSBOOKSERVER-KIND:group`). Such a card shows a label: its members are
//! the contacts that have the label, whichever of the two changes. REST has labels only.

use crate::context::App;
use crate::error::{Conflict, Error, Result};
use crate::model::contact::columns::{label_key, uid_key};
use crate::model::contact::{Stored, check_size};
use crate::repository::contacts::rows::{self, Part};
use crate::service::labels;
use crate::service::writer::{By, Writer, in_book};
use std::collections::{BTreeSet, HashMap, HashSet};
use vcard::bare_uid;

/// Most bytes of all group cards of a book together, some 113,000 members: all of them are read when a contact comes
/// that one of them may name, or a label changes. Past it a change that makes a group longer (putting one, giving
/// its label) is refused; other changes are not.
const GROUPS_MAX: i64 = 8 * 1024 * 1024;

/// The label that a group's card shows; none: it is a contact's card.
pub fn name(stored: &Stored) -> Option<String> {
    if stored.is_group { stored.card().group().map(|group| group.name) } else { None }
}

/// The groups of a book one after the other; most have none.
fn each(writer: &mut Writer, mut act: impl FnMut(&mut Writer, Stored) -> Result<()>) -> Result<()> {
    if writer.book().groups == 0 {
        return Ok(());
    }
    writer.each_page(&Part::Groups, |writer, page| {
        page.into_iter().try_for_each(|group| act(writer, group))
    })
}

/// Renames a label on all contacts and in the groups of its name, or takes it off; how many contacts
/// changed.
pub fn rename_label(app: &App, owner: i64, by: &By, from: &str, to: Option<&str>) -> Result<usize> {
    in_book(app, owner, by, |writer| {
        let changed = relabel(writer, from, to, false)?;
        rename(writer, from, to)?;
        Ok(changed)
    })
}

/// Renames a label on all contacts of the book. A contact whose card is too full for the new name loses it where it
/// `may_lose`; else nobody's is renamed.
fn relabel(writer: &mut Writer, from: &str, to: Option<&str>, may_lose: bool) -> Result<usize> {
    let part = Part::Labelled(label_key(from));
    let before = writer.book().revision;
    writer.each_page(&part, |writer, page| {
        let edited = page.into_iter().map(|stored| {
            let mut card = stored.card();
            labels::replace(&mut card, from, to);
            if may_lose && check_size(&card).is_err() {
                card = stored.card();
                labels::replace(&mut card, from, None);
            }
            (stored, card)
        });
        writer.update(edited.collect()).map(|_| ())
    })?;
    // Each change takes one revision.
    usize::try_from(writer.book().revision - before).map_err(Error::internal)
}

/// The uids that the contacts may have whom a group means by this one: it names them without `urn:uuid:`.
fn forms(member: &str) -> impl Iterator<Item = String> {
    ["", "urn:uuid:", "URN:UUID:"]
        .into_iter()
        .map(move |scheme| uid_key(&format!("{scheme}{member}")))
}

/// Gives new contacts, or those that came out of the trash, the labels of groups that waited for them: a group may
/// come before its members.
pub fn welcome(writer: &mut Writer, uids: &[String]) -> Result<()> {
    let new: HashSet<&str> = uids.iter().map(|uid| bare_uid(uid)).collect();
    each(writer, |writer, group| {
        let Some(shown) = group.card().group() else { return Ok(()) };
        let members = shown.members.into_iter().filter(|uid| new.contains(uid.as_str()));
        give(writer, &shown.name, &members.collect::<Vec<_>>())
    })
}

/// Gives contacts with these uids a label. A card may name ten thousands, who are there or not: so many at a
/// time.
fn give(writer: &mut Writer, label: &str, uids: &[String]) -> Result<()> {
    for uids in uids.chunks(1_000) {
        let part = Part::Uids(uids.iter().flat_map(|uid| forms(uid)).collect());
        writer.each_page(&part, |writer, page| {
            let mut labelled = Vec::new();
            for stored in page {
                match labels::with(stored.card(), label) {
                    Ok(card) => labelled.push((stored, card)),
                    // One who has as many labels, or as long a card, as a contact may have is no member.
                    Err(_) => writer.touch([label], stored.contact.id),
                }
            }
            writer.update(labelled).map(|_| ())
        })?;
    }
    Ok(())
}

/// The contacts that got or lost a label, and those of them that have it.
struct Changed {
    uids: Vec<String>,
    labelled: Vec<String>,
}

impl Changed {
    fn read(writer: &mut Writer, label: &str, ids: &BTreeSet<i64>) -> Result<Changed> {
        let (owner, key) = (writer.book().owner, label_key(label));
        let ids: Vec<i64> = ids.iter().copied().collect();
        let (mut uids, mut labelled) = (Vec::new(), Vec::new());
        for ids in ids.chunks(1_000) {
            let few = rows::uids(writer.tx, owner, ids)?;
            // Two contacts may be one member, with `urn:uuid:` and without: one of them may still have the label.
            let forms: Vec<_> = few.iter().flat_map(|uid| forms(bare_uid(uid))).collect();
            labelled.extend(rows::uids_labelled(writer.tx, owner, &key, &forms)?);
            uids.extend(few);
        }
        Ok(Changed { uids, labelled })
    }
}

/// Brings the members of groups in step with the labels that contacts got or lost. It looks at those contacts
/// alone: a book may have a thousand groups, and a hundred thousand contacts.
pub fn follow(writer: &mut Writer) -> Result<()> {
    let touched = std::mem::take(&mut writer.touched);
    if touched.is_empty() {
        return Ok(());
    }
    each(writer, |writer, group| {
        let Some(shown) = group.card().group() else { return Ok(()) };
        let label = shown.name.to_lowercase();
        let Some(ids) = touched.get(&label) else { return Ok(()) };
        // Read for each group, and not kept: an import may touch a hundred thousand contacts with fifty labels each.
        let changed = Changed::read(writer, &label, ids)?;
        // As the card has them: a column may have a long one shortened.
        let mut named = HashMap::new();
        for uid in &shown.members {
            named.extend(forms(uid).map(|form| (form, uid.as_str())));
        }
        let spelt =
            |uid: &String| named.get(uid).copied().unwrap_or_else(|| bare_uid(uid)).to_owned();
        let members: HashSet<&String> = shown.members.iter().collect();
        let labelled: HashSet<String> = changed.labelled.iter().map(spelt).collect();
        let mut uids: BTreeSet<String> = changed.uids.iter().map(spelt).collect();
        uids.retain(|uid| members.contains(uid) != labelled.contains(uid));
        writer.toggle_members(&group, &uids)
    })
}

/// Fails if the groups of a book have become too large.
pub fn check_room(writer: &mut Writer) -> Result<()> {
    let owner = writer.book().owner;
    match writer.groups_grew && rows::group_bytes(writer.tx, owner)? > GROUPS_MAX {
        true => Err(full()),
        false => Ok(()),
    }
}

/// The groups of a book, or one of them, would be too large.
pub fn full() -> Error {
    let why = "The lists of people are as large as they may be: take somebody out of one, or use another label.";
    Error::Conflict(Conflict::QuotaExceeded(why.to_owned()))
}

/// After a card was put: if it is a group, its members get the label and all others lose it. A group
/// that had another name renames the label first.
pub fn was_put(writer: &mut Writer, stored: &Stored, old_name: Option<&str>) -> Result<()> {
    let Some(group) = stored.card().group().filter(|_| stored.is_group) else { return Ok(()) };
    if let Some(old) = old_name.filter(|old| !labels::same(old, &group.name)) {
        relabel(writer, old, Some(&group.name), true)?;
    }
    let members: HashSet<&str> = group.members.iter().map(String::as_str).collect();
    writer.each_page(&Part::Labelled(label_key(&group.name)), |writer, page| {
        let others = page.into_iter().filter(|it| !members.contains(bare_uid(&it.contact.uid)));
        let others = others.map(|stored| {
            let mut card = stored.card();
            labels::replace(&mut card, &group.name, None);
            (stored, card)
        });
        writer.update(others.collect()).map(|_| ())
    })?;
    give(writer, &group.name, &group.members)?;
    // It may have named a contact that lies in the trash, which is no member.
    let (owner, uids) = (writer.book().owner, group.members.iter().flat_map(|uid| forms(uid)));
    for id in rows::trashed(writer.tx, owner, &uids.collect::<Vec<_>>())? {
        writer.touch([&group.name], id);
    }
    Ok(())
}

/// Before something is deleted: a group takes its label off, unless another one shows it too.
pub fn will_go(writer: &mut Writer, stored: &Stored) -> Result<()> {
    let Some(label) = name(stored) else { return Ok(()) };
    let mut is_shown = false;
    each(writer, |_, other| {
        is_shown |= other.contact.id != stored.contact.id
            && name(&other).is_some_and(|it| labels::same(&it, &label));
        Ok(())
    })?;
    if is_shown { Ok(()) } else { relabel(writer, &label, None, false).map(|_| ()) }
}

/// After a label was renamed on all contacts: its group has the new name.
pub fn rename(writer: &mut Writer, from: &str, to: Option<&str>) -> Result<()> {
    let Some(to) = to else { return Ok(()) };
    let mut renamed = false;
    each(writer, |writer, group| {
        let mut card = group.card();
        if card.group().is_some_and(|it| labels::same(&it.name, from)) {
            card.set_group_name(to);
            writer.update_one(group, card)?;
            renamed = true;
        }
        Ok(())
    })?;
    if !renamed {
        return Ok(());
    }
    // Others may have that label already.
    writer.each_page(&Part::Labelled(label_key(to)), |writer, page| {
        page.iter().for_each(|it| writer.touch([to], it.contact.id));
        Ok(())
    })
}
