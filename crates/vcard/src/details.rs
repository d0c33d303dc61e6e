//! What the JSON of a contact shows of its card.

use serde::Serialize;

/// A date whose year may be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartialDate {
    /// 1 to 9999; none: unknown.
    pub year: Option<i32>,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31; a real day of that month (29 February without a year is one).
    pub day: u32,
}

impl std::fmt::Display for PartialDate {
    /// `YYYY-MM-DD`, or `--MM-DD` without a year.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.year {
            Some(year) => write!(f, "{year:04}-{:02}-{:02}", self.month, self.day),
            None => write!(f, "--{:02}-{:02}", self.month, self.day),
        }
    }
}

impl Serialize for PartialDate {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// An e-mail address or a telephone number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Entry {
    /// As the card says it, unescaped.
    pub value: String,
    /// `home`, `work`, …, or free text; none: no label.
    pub label: Option<String>,
    /// Exactly one entry of a non-empty list is the primary one.
    pub primary: bool,
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Address {
    /// As for [`Entry`].
    pub label: Option<String>,
    /// As for [`Entry`].
    pub primary: bool,
    /// Post office box.
    pub po_box: Option<String>,
    /// Floor, flat, building.
    pub extended: Option<String>,
    /// Street and number.
    pub street: Option<String>,
    /// Town.
    pub city: Option<String>,
    /// State, province, county.
    pub region: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Country, in words.
    pub country: Option<String>,
}

impl Address {
    /// Its parts in the order of an ADR.
    pub fn parts(&self) -> [Option<&str>; 7] {
        [
            &self.po_box,
            &self.extended,
            &self.street,
            &self.city,
            &self.region,
            &self.postal_code,
            &self.country,
        ]
        .map(|part| part.as_deref())
    }

    /// The address whose parts are made of these; without a label.
    pub fn map(&self, part: impl Fn(&Option<String>) -> Option<String>) -> Address {
        Address {
            label: None,
            primary: false,
            po_box: part(&self.po_box),
            extended: part(&self.extended),
            street: part(&self.street),
            city: part(&self.city),
            region: part(&self.region),
            postal_code: part(&self.postal_code),
            country: part(&self.country),
        }
    }

    /// True if it has more than a label.
    pub fn says_something(&self) -> bool {
        self.parts().iter().any(Option::is_some)
    }
}

/// A web address or a related person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Labelled {
    /// As the card says it, unescaped.
    pub value: String,
    /// As for [`Entry`].
    pub label: Option<String>,
}

/// A date that is no birthday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DateEntry {
    /// The date.
    pub value: PartialDate,
    /// `anniversary`, or free text.
    pub label: Option<String>,
}

/// An account at a messenger or a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Online {
    /// `matrix`, `skype`, …
    pub service: Option<String>,
    /// The name there.
    pub value: String,
    /// As for [`Entry`].
    pub label: Option<String>,
}

/// A picture in a card, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// By content: `image/jpeg`, `image/png`, `image/webp`, `image/gif`.
    pub media_type: &'static str,
    /// Decoded.
    pub bytes: Vec<u8>,
}

/// What the JSON of a contact shows of its card, in the contract's order. `email` and `phone`, the
/// flat members, are the values of the primary entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "each is the member of the contract with its name")]
pub struct Details {
    /// FN; never empty in a card that was read or written here.
    pub display_name: String,
    pub prefix: Option<String>,
    pub first_name: Option<String>,
    pub middle_name: Option<String>,
    pub last_name: Option<String>,
    pub suffix: Option<String>,
    pub nickname: Option<String>,
    pub organization: Option<String>,
    pub department: Option<String>,
    pub job_title: Option<String>,
    pub emails: Vec<Entry>,
    pub phones: Vec<Entry>,
    pub addresses: Vec<Address>,
    pub urls: Vec<Labelled>,
    pub birthday: Option<PartialDate>,
    pub dates: Vec<DateEntry>,
    pub relations: Vec<Labelled>,
    pub online: Vec<Online>,
    /// NOTE.
    pub additional_data: Option<String>,
    /// CATEGORIES, a set ignoring case.
    pub labels: Vec<String>,
}

impl Details {
    /// How many entries each list has, by the name of its member.
    pub fn counts(&self) -> [(&'static str, usize); 8] {
        [
            ("emails", self.emails.len()),
            ("phones", self.phones.len()),
            ("addresses", self.addresses.len()),
            ("urls", self.urls.len()),
            ("dates", self.dates.len()),
            ("relations", self.relations.len()),
            ("online", self.online.len()),
            ("labels", self.labels.len()),
        ]
    }
}
