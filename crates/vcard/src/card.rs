//! A card: its content lines, in their order, each as it was written.

use crate::{Details, Picture};

/// One vCard 3.0. Lines that nobody edits keep their octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {}

impl Card {
    /// A card with UID only. [`Card::set`] gives it names.
    pub fn new(_uid: &str) -> Card {
        unimplemented!()
    }

    /// Reads a card of 3.0 as it is stored. It was checked when it was written, so this never fails:
    /// what is no content line stays as it is.
    pub fn stored(_text: &str) -> Card {
        unimplemented!()
    }

    /// The text of vCard 3.0, CRLF, folded at 75 octets where the line is ours.
    pub fn text(&self) -> String {
        unimplemented!()
    }

    /// UID, octet for octet; none where the card has none.
    pub fn uid(&self) -> Option<&str> {
        unimplemented!()
    }

    /// Sets UID.
    pub fn set_uid(&mut self, _uid: &str) {
        unimplemented!()
    }

    /// What the JSON shows.
    pub fn details(&self) -> Details {
        unimplemented!()
    }

    /// Edits the lines so that [`Card::details`] is `wanted`. A member that is the same already keeps
    /// its lines; an entry whose value was there keeps its line's parameters and group. FN follows
    /// the names as `files.md` 5 says, where `wanted.display_name` is what it was.
    pub fn set(&mut self, _wanted: &Details) {
        unimplemented!()
    }

    /// The bytes of PHOTO, if they are a PNG, JPEG, WebP or GIF.
    pub fn photo(&self) -> Option<Picture> {
        unimplemented!()
    }

    /// Replaces every PHOTO by this one; `None` takes them away.
    pub fn set_photo(&mut self, _picture: Option<&Picture>) {
        unimplemented!()
    }

    /// Octets of the card, and of them without PHOTO, LOGO, SOUND and KEY.
    pub fn sizes(&self) -> (usize, usize) {
        unimplemented!()
    }
}
