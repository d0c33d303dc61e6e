//! What the columns of a table mean, by their headers.

use super::dates::Evidence;
use super::forms::{is_form_of_address, may_be_job, says_nothing};
use super::key::Key;
use super::words::{self, Kind, Member, Part, Word};
use std::collections::{HashMap, HashSet};

/// Most characters of a header that are kept and shown.
const NAME_MAX: usize = 64;

/// What a column means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    Member(Member),
    /// Part of an entry of a list: which of [`Layout::slots`].
    Part(usize, Part),
    /// The content line of this name.
    Line(&'static str),
    Unknown,
}

/// A column.
pub(super) struct Column {
    /// The header as it was written, cut to 64 characters.
    pub header: String,
    pub(super) key: Key,
    /// The header with all that it says, by which the map and a further header of the same table know it.
    whole: Key,
    pub meaning: Meaning,
    /// Under which name of a content line its cells are kept, where no member takes them.
    pub line: String,
    /// That name does not say the header: the value has to begin with it.
    pub says_header: bool,
    /// The header is English: its dates are month first where they do not show their order.
    pub english: bool,
    /// Its cells that are not empty; counted before the rows are read.
    pub used: u64,
    pub dates: Evidence,
    /// Those that may be a form of address, `Professor`, or say nothing; and that one can be nothing else, `Mr`.
    pub forms: u64,
    pub addresses: bool,
}

/// An entry of a list, spread over some columns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Slot {
    pub kind: Kind,
    /// What the header says of the label; of `Online`, of the service.
    pub label: Option<&'static str>,
    /// The number in the header, and how many columns before had the very same header.
    pub number: (u32, u32),
}

/// The columns of a table.
#[derive(Default)]
pub(super) struct Layout {
    /// The line of the header.
    pub line: u64,
    pub columns: Vec<Column>,
    pub slots: Vec<Slot>,
    /// The header was sorted with its table: people stand above it.
    pub sorted: bool,
    /// What of each slot has a column.
    parts: HashSet<(usize, Part)>,
}

impl Layout {
    /// Reads the header. `map` says as which header some columns are to be read; it names members
    /// of the contract (`phones.home`), which are words of headers too.
    pub fn read<S: AsRef<str>>(header: &[S], map: &[(String, String)]) -> Layout {
        let map: HashMap<Key, Key> =
            map.iter().map(|(from, to)| (Key::whole(from), Key::of(to))).collect();
        let begin = Key::beginning(header);
        let wholes: Vec<Key> = header.iter().map(|header| Key::whole(header.as_ref())).collect();
        let key = |(whole, header): (&Key, &S)| match map.get(whole) {
            Some(mapped) => (mapped.clone(), true),
            None => (Key::of(header.as_ref().get(begin..).unwrap_or_default()), false),
        };
        let mut keys: Vec<(Key, bool)> = wholes.iter().zip(header).map(key).collect();
        Key::look_aside(&mut keys);
        Key::without_role(&mut keys);
        let mut layout = Layout::default();
        let mut slots = HashMap::new();
        let mut seen: HashMap<&Key, u32> = HashMap::new();
        let has_city = keys.iter().any(|(key, _)| is_plain_city(key));
        for (((key, mapped), header), whole) in keys.iter().zip(header).zip(wholes) {
            let seen = seen.entry(key).or_default();
            let own = Key::of(header.as_ref());
            let header: String = header.as_ref().trim().chars().take(NAME_MAX).collect();
            let meaning = match words::name(&key.word, &key.ends) {
                Some(Word::Member(member)) => Meaning::Member(member),
                Some(Word::Line(name)) => Meaning::Line(name),
                Some(word) => layout.part(&[word], key, *seen, has_city, &mut slots),
                None => match words::words(&key.word, &key.ends) {
                    Some(words) => layout.part(&words, key, *seen, has_city, &mut slots),
                    None => Meaning::Unknown,
                },
            };
            *seen += 1;
            let (line, says_header) = line_name(&header, layout.columns.len() + 1);
            // A map says what a column is, and not of which language; ASCII that nobody knows may be English.
            let unknown = || {
                words::name(&own.word, &own.ends).is_none()
                    && words::words(&own.word, &own.ends).is_none()
            };
            let english = is_english(&own.word) || (*mapped && header.is_ascii() && unknown());
            let (used, forms, addresses, dates) = (0, 0, false, Evidence::default());
            layout.columns.push(Column {
                header,
                key: own,
                whole,
                meaning,
                line,
                says_header,
                english,
                used,
                dates,
                forms,
                addresses,
            });
        }
        layout.settle();
        layout
    }

    /// The meaning of a header that is made of these words.
    fn part(
        &mut self,
        words: &[Word],
        key: &Key,
        seen: u32,
        has_city: bool,
        slots: &mut HashMap<Slot, usize>,
    ) -> Meaning {
        let Some((mut slot, part)) = entry(words, key, seen, has_city) else {
            return Meaning::Unknown;
        };
        // Two headers may mean the same (`Alternate Email 1` and `2`): they are two entries.
        let taken =
            |slot: &Slot| slots.get(slot).is_some_and(|at| self.parts.contains(&(*at, part)));
        while slot.kind != Kind::Address && taken(&slot) {
            slot.number.1 += 1;
        }
        let next = self.slots.len();
        let at = *slots.entry(slot).or_insert(next);
        if at == next {
            self.slots.push(slot);
        }
        self.parts.insert((at, part));
        Meaning::Part(at, part)
    }

    /// How many columns are not unknown.
    pub fn known(&self) -> usize {
        self.columns.iter().filter(|column| column.meaning != Meaning::Unknown).count()
    }

    /// True if a column names or reaches people.
    pub fn names_people(&self) -> bool {
        self.columns.iter().any(|column| match column.meaning {
            Meaning::Member(member) => matches!(
                member,
                Member::First
                    | Member::Last
                    | Member::Nickname
                    | Member::Full
                    | Member::FileAs
                    | Member::Organization
            ),
            Meaning::Part(slot, Part::Label | Part::Service) => self.kind(slot).is_none(),
            Meaning::Part(slot, _) => {
                !matches!(self.kind(slot), Some(Kind::Date | Kind::Relation | Kind::Custom))
            }
            Meaning::Line(_) | Meaning::Unknown => false,
        })
    }

    /// True for cells that are the header once more, which a file that was put behind another one has; one
    /// cell may be somebody's name.
    pub fn is_header<S: AsRef<str>>(&self, cells: &[S]) -> bool {
        let same = |(column, cell): (&Column, &S)| column.whole == Key::whole(cell.as_ref());
        cells.len() > 1
            && cells.len() == self.columns.len()
            && self.columns.iter().zip(cells).all(same)
    }

    /// True if there is a column with this header.
    pub fn has(&self, header: &str) -> bool {
        let key = Key::whole(header);
        self.columns.iter().any(|column| column.whole == key)
    }

    /// True for a column of names of people, and for one of which nothing says what it is of.
    pub fn is_of_names(&self, meaning: Meaning) -> bool {
        const NAMES: [Member; 6] = [
            Member::First,
            Member::Middle,
            Member::Last,
            Member::Full,
            Member::FileAs,
            Member::Nickname,
        ];
        match meaning {
            Meaning::Member(member) => NAMES.contains(&member),
            Meaning::Part(slot, _) => self.kind(slot) == Some(Kind::Relation),
            Meaning::Line(_) | Meaning::Unknown => true,
        }
    }

    fn kind(&self, slot: usize) -> Option<Kind> {
        self.slots.get(slot).map(|slot| slot.kind)
    }

    /// Collects what only a whole column shows.
    pub fn look_at<S: AsRef<str>>(&mut self, cells: &[S]) {
        let days = |slot: usize| self.slots.get(slot).is_some_and(|slot| slot.kind == Kind::Date);
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.used += u64::from(!cell.as_ref().trim().is_empty());
            match column.meaning {
                Meaning::Member(Member::Birthday) => column.dates.add(cell.as_ref()),
                Meaning::Member(Member::Title) => {
                    let cell = cell.as_ref();
                    let form = is_form_of_address(cell);
                    column.forms += u64::from(form || says_nothing(cell.trim(), false));
                    column.addresses |= form && !may_be_job(cell);
                }
                Meaning::Part(slot, Part::Value) if days(slot) => column.dates.add(cell.as_ref()),
                _ => {}
            }
        }
    }

    /// The member of the contract, `list.label` or `list.part` for lists; `map` takes it, too.
    pub fn member(&self, meaning: Meaning) -> Option<String> {
        let (slot, part) = match meaning {
            Meaning::Member(member) => return Some(member_name(member).to_owned()),
            Meaning::Line(_) | Meaning::Unknown => return None,
            Meaning::Part(slot, part) => (self.slots.get(slot)?, part),
        };
        let mut name = list_name(slot.kind)?.to_owned();
        for word in [slot.label, part_name(part)].into_iter().flatten() {
            name = format!("{name}.{word}");
        }
        Some(name)
    }
}

/// The entry of a list, and the part of it, that some words mean.
fn entry(words: &[Word], key: &Key, seen: u32, has_city: bool) -> Option<(Slot, Part)> {
    let (mut kinds, mut label, mut place) = (Vec::new(), None, None);
    let (mut parts, mut number) = (Vec::new(), key.number.unwrap_or_default());
    for word in words {
        match *word {
            Word::Kind(kind) => kinds.push(kind),
            Word::Entry(kind, text) => {
                kinds.push(kind);
                label = Some(text);
            }
            Word::Part(part) if parts.contains(&part) => {}
            Word::Part(part) => parts.push(part),
            Word::Place(text) => place = Some(text),
            Word::Second => number = number.max(2),
            Word::Member(_) | Word::Line(_) => return None,
            Word::Filler => {}
        }
    }
    let is_address = kinds.contains(&Kind::Address);
    // `E-mail Address` is an e-mail, `Country/Region` is a country.
    kinds.retain(|kind| *kind != Kind::Address);
    if parts.contains(&Part::Country) {
        parts.retain(|part| *part != Part::Region);
    }
    let part = match parts.as_slice() {
        [] => None,
        [part] => Some(*part),
        _ => return None,
    };
    let of_address = part.is_some_and(|p| !matches!(p, Part::Label | Part::Value | Part::Service));
    // `Event date` is the day of some event, not of the person's.
    let dated = !kinds.is_empty() && kinds.iter().all(|kind| *kind == Kind::Date);
    if dated && label.is_none() && part.is_none() && words.len() > 1 {
        return None;
    }
    let kind = *match kinds.as_slice() {
        [] if is_address || of_address => &Kind::Address,
        [kind, rest @ ..] if rest.iter().all(|other| other == kind) && !of_address => kind,
        _ => return None,
    };
    if kind != Kind::Address {
        let label = labelled(kind, label, place);
        let slot = Slot { kind, label, number: (number, seen) };
        return Some((slot, part.unwrap_or(Part::Value)));
    }
    // Further lines of one address (`Home Street 2`, `Address 2` beside `City`), or a further
    // address (`Address 2 - Street`, `Address 2`).
    let further = is_address && place.is_none() && !(part.is_none() && has_city);
    let number = if further { number } else { 0 };
    let slot = Slot { kind, label: place, number: (number, seen) };
    Some((slot, part.unwrap_or(Part::Street)))
}

/// The label of an entry by what the header says of it and of the place.
fn labelled(
    kind: Kind,
    label: Option<&'static str>,
    place: Option<&'static str>,
) -> Option<&'static str> {
    match (kind, label, place) {
        (Kind::Phone, Some("fax"), Some("home")) => Some("home fax"),
        (Kind::Phone, Some("fax"), Some("work")) => Some("work fax"),
        (Kind::Phone, Some("mobile"), Some("home")) => Some("home mobile"),
        (Kind::Phone, Some("mobile"), Some("work")) => Some("work mobile"),
        _ => label.or(place),
    }
}

/// True for `City` and `ZIP` alone: the table has one address a row.
fn is_plain_city(key: &Key) -> bool {
    let words = words::words(&key.word, &key.ends).unwrap_or_default();
    matches!(words.as_slice(), [Word::Part(Part::City | Part::PostalCode)]) && key.number.is_none()
}

/// True for the headers of dates as English programs and people write them.
fn is_english(folded: &str) -> bool {
    let words = ["birthday", "birthdate", "dateofbirth", "dob", "bday", "born", "date", "dates"];
    let ends = ["anniversary", "birthday", "birthdate", "dateofbirth"];
    words.contains(&folded)
        || ends.iter().any(|end| folded.ends_with(end))
        || folded.starts_with("event")
}

/// The name of the content line that keeps the cells of an unknown column, at most 64 characters,
/// and whether the value has to begin with the header, because the name cannot say it.
fn line_name(header: &str, number: usize) -> (String, bool) {
    let words = header.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-").to_ascii_uppercase();
    let ascii = header.chars().filter(|c| c.is_alphanumeric()).all(|c| c.is_ascii());
    if !ascii || name.is_empty() {
        return (format!("X-CSV-{number}"), !header.is_empty());
    }
    (format!("X-CSV-{}", name.chars().take(NAME_MAX - 6).collect::<String>()), false)
}

/// The name of a content line for a header that only the row says (Google's custom fields).
pub(super) fn custom_line(header: &str, number: usize) -> (String, bool) {
    line_name(&header.chars().take(NAME_MAX).collect::<String>(), number)
}

fn member_name(member: Member) -> &'static str {
    match member {
        Member::Prefix => "prefix",
        Member::First => "first_name",
        Member::Middle => "middle_name",
        Member::Last => "last_name",
        Member::Suffix => "suffix",
        Member::Nickname => "nickname",
        Member::Full | Member::FileAs => "display_name",
        Member::Organization => "organization",
        Member::Department => "department",
        Member::JobTitle | Member::Occupation | Member::Title => "job_title",
        Member::Birthday | Member::BirthYear | Member::BirthMonth | Member::BirthDay => "birthday",
        Member::Notes => "additional_data",
        Member::Labels | Member::Categories => "labels",
        Member::Uid => "uid",
    }
}

fn list_name(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Email => "emails",
        Kind::Phone => "phones",
        Kind::Address => "addresses",
        Kind::Url => "urls",
        Kind::Date => "dates",
        Kind::Relation => "relations",
        Kind::Online => "online",
        Kind::Custom => return None,
    })
}

fn part_name(part: Part) -> Option<&'static str> {
    Some(match part {
        Part::Value => return None,
        Part::Label => "label",
        Part::Service => "service",
        Part::PoBox => "po_box",
        Part::Extended => "extended",
        Part::Street => "street",
        Part::City => "city",
        Part::Region => "region",
        Part::PostalCode => "postal_code",
        Part::Country => "country",
        Part::Formatted => "formatted",
    })
}
