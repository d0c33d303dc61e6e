//! What a contact is: its card, and what is made of it.

pub mod birthday;
pub mod columns;
pub mod input;
pub mod packed;

pub use columns::{Columns, UID_MAX};
pub use input::{Input, Method};
pub use packed::MEMBERS;

use crate::error::{Error, Result};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use vcard::{Card, Details};

/// What an address may say, beside its label and whether it is the primary one.
pub const ADDRESS_PARTS: [&str; 7] =
    ["po_box", "extended", "street", "city", "region", "postal_code", "country"];

/// What the server says of a contact. In a body it is ignored, so that what was read can be sent back; of a file it is
/// not kept.
pub const READ_ONLY: [&str; 5] = ["id", "photo", "created_at", "updated_at", "deleted_at"];

/// Most octets of a card with its pictures.
pub const CARD_MAX: usize = 4 * 1024 * 1024;
/// Most octets of a card without PHOTO, LOGO, SOUND and KEY.
pub const CARD_TEXT_MAX: usize = 1024 * 1024;

/// A new card that says this. A uid of blanks is none.
pub fn new_card(uid: Option<&str>, details: &Details) -> Card {
    let mut card = Card::stored("BEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCARD\r\n");
    if let Some(uid) = uid.filter(|uid| !uid.trim().is_empty()) {
        card.set_uid(uid);
    }
    card.set(details);
    card
}

/// Fails for a card that is larger than any contact may be, and names it: it may be one of many that change.
pub fn check_size(card: &Card) -> Result<()> {
    let (whole, text) = card.sizes();
    let most = match () {
        () if whole > CARD_MAX => "4 MiB as a vCard",
        () if text > CARD_TEXT_MAX => "1 MiB as a vCard without its pictures",
        () => return Ok(()),
    };
    let who = short_name(card);
    Err(Error::invalid("card", format!("must have at most {most}, and {who} would have more")))
}

/// What a message calls a contact: of a name as long as a card may be, the beginning.
pub fn short_name(card: &Card) -> String {
    card.details().display_name.chars().take(100).collect()
}

/// A contact as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Unique over all owners.
    pub id: i64,
    /// Unique among the owner's contacts that are not in the trash.
    pub uid: String,
    /// The owner's count of changes when this contact last changed; its ETag.
    pub revision: i64,
    /// The column `members` ([`packed`]); none where it is so long that it is read by itself.
    pub members: Option<String>,
    /// Media type of the picture in the card.
    pub photo_type: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it went into the trash.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// A contact with its card.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// What lists show, `members` always there.
    pub contact: Contact,
    /// The name that a CardDAV client gave it; none: [`Stored::name`] follows its uid.
    pub resource: Option<Vec<u8>>,
    /// vCard 3.0.
    pub text: String,
    /// Apple's card of a group, which no list shows.
    pub is_group: bool,
}

impl Stored {
    /// The card, to be edited.
    pub fn card(&self) -> Card {
        Card::stored(&self.text)
    }

    /// Its name for CardDAV clients, any octets.
    pub fn name(&self) -> Vec<u8> {
        resource_name(self.resource.as_deref(), &self.contact.uid)
    }
}

/// The name of a contact for CardDAV clients.
pub fn resource_name(resource: Option<&[u8]>, uid: &str) -> Vec<u8> {
    resource.map_or_else(|| format!("{uid}.vcf").into_bytes(), <[u8]>::to_vec)
}

/// The latest date that it is anywhere on Earth at `now` (UTC+14, Kiritimati): a birthday after
/// it lies in the future in every time zone.
pub fn latest_date(now: DateTime<Utc>) -> NaiveDate {
    (now + Duration::hours(14)).date_naive()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_date_on_earth_is_that_of_utc_plus_14() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        assert_eq!(latest_date(now).to_string(), "2026-11-23");
        let now = "2026-11-22T09:59:59Z".parse().unwrap();
        assert_eq!(latest_date(now).to_string(), "2026-11-22");
    }

    #[test]
    fn a_contact_that_no_caller_named_is_called_after_its_uid() {
        assert_eq!(resource_name(None, "7"), b"7.vcf");
        assert_eq!(resource_name(Some(b"x\xff"), "7"), b"x\xff");
    }
}
