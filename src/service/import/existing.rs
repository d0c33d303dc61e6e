//! A card whose uid a contact has already: whether it says something else, and what it makes of the contact.

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

/// True if two cards under one uid have the same contents. Spelling counts here, but for the case and order of labels,
/// and so do pictures: a file may bring nothing but a corrected accent.
pub fn is_same(a: &Card, b: &Card) -> bool {
    let shown = |card: &Card| {
        let mut details = card.details();
        details.labels.iter_mut().for_each(|label| *label = label.to_lowercase());
        details.labels.sort_unstable();
        let photos = card.lines().filter(|line| line.is("PHOTO"));
        (details, photos.map(|line| line.value().into_owned()).collect::<Vec<_>>())
    };
    shown(a) == shown(b) && a.says_all_of(b) && b.says_all_of(a)
}

/// What a row or an object of JSON makes of the contact that has its uid: as by PUT, what no member shows stays.
pub fn over(old: &Card, new: &Card) -> Card {
    let (mut card, mut beside) = (old.clone(), new.clone());
    card.set(&new.details());
    beside.set(&Details::default());
    card.merge(&[beside]);
    card
}
