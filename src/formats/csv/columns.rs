//! What the columns of a table mean, by their header: the names that Google Contacts (now and
//! until 2023), Outlook (classic, new, .com), Thunderbird and our own API use.

use std::collections::BTreeMap;

/// The parts of an `N`, in its order (RFC 2426, section 3.1.2).
#[derive(Clone, Copy, PartialEq)]
pub enum NamePart {
    Last,
    First,
    Middle,
    Prefix,
    Suffix,
}

/// Things of which one person can have several, each spread over some columns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Email,
    Phone,
    Organization,
    Address,
    Website,
    Im,
    Event,
    Relation,
    Custom,
}

/// What one column says of such a thing.
#[derive(Clone, Copy, PartialEq)]
pub enum Part {
    Label,
    Value,
    /// An address in one text.
    Formatted,
    /// A component of `ADR`, by its place (RFC 2426, section 3.2.1); or of an organisation, where
    /// 0 is its name, 1 the department and 2 the title of the person.
    Component(usize),
}

/// What a column means.
#[derive(Clone, PartialEq)]
pub enum Column {
    Name(NamePart),
    /// The whole name in one text.
    FullName,
    Uid,
    Birthday,
    /// Year, month, day: 0, 1, 2.
    BirthPart(usize),
    Notes,
    /// Labels, separated as Google does it.
    Labels,
    /// Labels, separated as Outlook does it.
    Categories,
    /// The value of the content line of this name.
    Line(&'static str),
    /// One of several: which one, in order of preference within its kind, and what of it. The
    /// text is what the header says of its type: `HOME,FAX`.
    Part(Kind, u16, &'static str, Part),
    /// Unknown; kept with its header.
    Other(String),
}

/// The columns of a table.
pub struct Layout {
    pub columns: Vec<Column>,
    /// Dates are month/day/year.
    pub outlook: bool,
}

impl Layout {
    /// Reads the header.
    pub fn read<'a>(header: impl Iterator<Item = &'a str>) -> Layout {
        let mut layout = Layout { columns: Vec::new(), outlook: false };
        let mut iso = false;
        for name in header.map(str::trim) {
            let key = name.to_lowercase();
            layout.outlook |= is_outlook(&key);
            iso |= key.ends_with(" - value");
            layout.columns.push(column(&key).unwrap_or_else(|| Column::Other(name.to_owned())));
        }
        layout.outlook &= !iso;
        layout
    }

    /// True if there is a column from which a person can get a name.
    pub fn names_people(&self) -> bool {
        self.columns.iter().any(|column| match column {
            Column::Name(part) => *part == NamePart::First || *part == NamePart::Last,
            Column::FullName => true,
            Column::Part(kind, ..) => *kind == Kind::Organization,
            _ => false,
        })
    }
}

/// Headers that Outlook has and no other of the programs.
fn is_outlook(key: &str) -> bool {
    let only_there = [
        "e-mail address",
        "e-mail 2 address",
        "mobile phone",
        "business phone",
        "primary phone",
        "business street",
        "home street",
        "company",
        "internet free busy",
        "anniversary",
        "spouse",
    ];
    only_there.contains(&key)
}

/// The meaning of a header in lower case.
fn column(key: &str) -> Option<Column> {
    use Column::{BirthPart, Birthday, Categories, FullName, Labels, Line, Name, Notes, Uid};
    Some(match key {
        "first name" | "given name" | "first_name" => Name(NamePart::First),
        "last name" | "family name" | "last_name" => Name(NamePart::Last),
        "middle name" | "additional name" => Name(NamePart::Middle),
        "name prefix" | "title" => Name(NamePart::Prefix),
        "name suffix" | "suffix" => Name(NamePart::Suffix),
        "name" | "display name" | "full name" => FullName,
        "uid" => Uid,
        "birthday" => Birthday,
        "birth year" => BirthPart(0),
        "birth month" => BirthPart(1),
        "birth day" => BirthPart(2),
        "notes" | "additional_data" => Notes,
        "labels" | "group membership" => Labels,
        "categories" => Categories,
        "nickname" => Line("NICKNAME"),
        "phonetic first name" | "given name yomi" | "given yomi" => Line("X-PHONETIC-FIRST-NAME"),
        "phonetic middle name" | "additional name yomi" => Line("X-PHONETIC-MIDDLE-NAME"),
        "phonetic last name" | "family name yomi" | "surname yomi" => Line("X-PHONETIC-LAST-NAME"),
        "job title" => Line("TITLE"),
        "file as" => Line("X-FILE-AS"),
        "photo" => Line("PHOTO;VALUE=uri"),
        "gender" => Line("X-GENDER"),
        _ => return single(key).or_else(|| numbered(key)).or_else(|| address(key)),
    })
}

/// Headers that name one of several things in full, better ones with a smaller number.
fn single(key: &str) -> Option<Column> {
    use Kind::{Email, Organization, Phone, Website};
    let (kind, order, types) = match key {
        "e-mail address" | "primary email" | "email" | "e-mail" => (Email, 1, ""),
        "e-mail 2 address" | "secondary email" => (Email, 2, ""),
        "e-mail 3 address" => (Email, 3, ""),
        "phone" => (Phone, 1, ""),
        "primary phone" => (Phone, 2, "MAIN"),
        "mobile phone" | "mobile number" => (Phone, 3, "CELL"),
        "home phone" => (Phone, 4, "HOME"),
        "home phone 2" => (Phone, 5, "HOME"),
        "business phone" | "work phone" => (Phone, 6, "WORK"),
        "business phone 2" => (Phone, 7, "WORK"),
        "company main phone" => (Phone, 8, "WORK,MAIN"),
        "other phone" => (Phone, 9, "OTHER"),
        "car phone" => (Phone, 10, "CAR"),
        "radio phone" => (Phone, 11, "RADIO"),
        "callback" => (Phone, 12, "CALLBACK"),
        "assistant's phone" => (Phone, 13, "ASSISTANT"),
        "isdn" => (Phone, 14, "ISDN"),
        "pager" | "pager number" => (Phone, 15, "PAGER"),
        "home fax" => (Phone, 16, "HOME,FAX"),
        "business fax" => (Phone, 17, "WORK,FAX"),
        "other fax" | "fax number" => (Phone, 18, "FAX"),
        "telex" => (Phone, 19, "TELEX"),
        "tty/tdd phone" => (Phone, 20, "TTY"),
        "web page" | "web page 1" => (Website, 1, ""),
        "personal web page" | "web page 2" => (Website, 2, "HOME"),
        "company" | "organization" | "organisation" | "organization name" => {
            return Some(Column::Part(Organization, 1, "", Part::Component(0)));
        }
        "department" | "organization department" => {
            return Some(Column::Part(Organization, 1, "", Part::Component(1)));
        }
        "organization title" => {
            return Some(Column::Part(Organization, 1, "", Part::Component(2)));
        }
        _ => return None,
    };
    Some(Column::Part(kind, order, types, Part::Value))
}

/// Google's headers: `Phone 2 - Value`.
fn numbered(key: &str) -> Option<Column> {
    let (thing, part) = key.split_once(" - ")?;
    let (kind, number) = thing.rsplit_once(' ')?;
    let kind = match kind {
        "e-mail" => Kind::Email,
        "phone" => Kind::Phone,
        "organization" => Kind::Organization,
        "address" => Kind::Address,
        "website" => Kind::Website,
        "im" => Kind::Im,
        "event" => Kind::Event,
        "relation" => Kind::Relation,
        "custom field" => Kind::Custom,
        _ => return None,
    };
    let part = match (kind, part) {
        (_, "label" | "type") => Part::Label,
        (Kind::Organization, "name") => Part::Component(0),
        (Kind::Organization, "department") => Part::Component(1),
        (Kind::Organization, "title") => Part::Component(2),
        (Kind::Address, "formatted") => Part::Formatted,
        (Kind::Address, part) => Part::Component(component(part)?),
        (_, "value") => Part::Value,
        _ => return None,
    };
    Some(Column::Part(kind, number.parse().ok()?, "", part))
}

/// Outlook's and Thunderbird's headers: `Business Street 2`, `Home ZipCode`.
fn address(key: &str) -> Option<Column> {
    let (place, part) = key.split_once(' ')?;
    let (order, types) = match place {
        "home" => (1, "HOME"),
        "business" | "work" => (2, "WORK"),
        "other" => (3, "OTHER"),
        _ => return None,
    };
    Some(Column::Part(Kind::Address, order, types, Part::Component(component(part)?)))
}

/// The place of a component in an `ADR`.
fn component(part: &str) -> Option<usize> {
    Some(match part {
        "po box" | "p.o. box" | "address po box" => 0,
        "extended address" => 1,
        "street" | "street 2" | "street 3" | "address" | "address 2" => 2,
        "city" => 3,
        "state" | "region" | "county" => 4,
        "postal code" | "zipcode" | "post code" => 5,
        "country" | "country/region" => 6,
        _ => return None,
    })
}

/// The things of a row, in order of kind and preference.
pub type Things = BTreeMap<(Kind, u16), Thing>;

/// One of several things, put together from its columns.
#[derive(Default)]
pub struct Thing {
    /// What the header says of its type.
    pub types: &'static str,
    pub label: String,
    pub value: String,
    pub formatted: String,
    pub components: [String; 7],
}

impl Thing {
    /// Adds the text of a cell.
    pub fn add(&mut self, types: &'static str, part: Part, text: &str) {
        let place = match part {
            Part::Label => Some(&mut self.label),
            Part::Value => Some(&mut self.value),
            Part::Formatted => Some(&mut self.formatted),
            Part::Component(place) => self.components.get_mut(place),
        };
        self.types = types;
        let Some(place) = place else { return };
        if !place.is_empty() {
            // "Street" and "Street 2".
            place.push('\n');
        }
        place.push_str(text);
    }
}
