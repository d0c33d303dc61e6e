//! A card whose uid a contact has already: whether it says something else, and what it makes of the contact.

use super::source::PHOTO_MAX;
use crate::model::contact::columns::members;
use crate::picture;
use unicode_normalization::UnicodeNormalization;
use vcard::{Card, Details};

/// What happens to a card whose uid is there with other contents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Existing {
    /// Nothing, and a warning.
    #[default]
    Skip,
    /// It replaces what is there.
    Update,
    /// It comes in under a new uid.
    Add,
}

/// True if the card `new` has the same contents as `old`, which has its uid. Spelling counts here, but for the case and
/// order of labels, and so do pictures: a file may bring nothing but a corrected accent.
pub fn is_same(old: &Card, new: &Card) -> bool {
    let shown = |card: &Card| {
        let mut details = card.details();
        details.labels.iter_mut().for_each(|label| *label = label.to_lowercase());
        details.labels.sort_unstable();
        details
    };
    shown(old) == shown(new)
        && old.says_all_of(new)
        && new.says_all_of(old)
        && has_same_pictures(old, new)
}

/// A picture that a phone stored comes back from our export as small as a file may bring it.
fn has_same_pictures(old: &Card, new: &Card) -> bool {
    let all = |card: &Card| {
        let photos = card.lines().filter(|line| line.is("PHOTO"));
        photos.map(|line| line.value().into_owned()).collect::<Vec<_>>()
    };
    let large = || old.photo().filter(|photo| photo.bytes.len() > PHOTO_MAX);
    let smaller = || picture::portrait(&large()?.bytes).ok();
    all(old) == all(new)
        || smaller().is_some_and(|it| new.photo().is_some_and(|new| new.bytes == it))
}

/// What a row or an object of JSON makes of the contact that has its uid: as by PUT, what no member shows stays.
pub fn over(old: &Card, new: &Card) -> Card {
    let (mut card, mut beside) = (old.clone(), new.clone());
    // JSON is read in NFC, in which a phone need not write.
    let composed = |details: &Details| members(details).nfc().collect::<String>();
    let details = new.details();
    if composed(&old.details()) != composed(&details) {
        card.set(&details);
    }
    beside.set(&Details::default());
    card.merge(&[beside]);
    card
}
