//! What a REST client writes of a contact: a body over what is stored, by the rules of the contract.
//!
//! What is stored may break these rules, because a card from a phone or a file is taken as it is. So a
//! value that is sent back as it was is always fine, and only what changes is checked.

use crate::error::{Error, Faults, Result};
use crate::model::text;
use chrono::NaiveDate;
use serde_json::{Map, Value};
use vcard::{Address, DateEntry, Details, Entry, Labelled, Online, PartialDate};

/// Most entries of each list.
pub const LIST_MAX: usize = 50;
/// Longest label, in characters.
pub const LABEL_MAX: usize = 50;
/// Longest first or last name, nickname and the like, in characters.
pub const NAME_MAX: usize = 100;
/// Longest organisation, department, title, display name.
pub const LONG_NAME_MAX: usize = 200;
/// Longest part of a postal address, relation, service.
pub const PART_MAX: usize = 500;
/// Longest web address.
pub const URL_MAX: usize = 2_000;
/// Longest `additional_data`.
pub const ADDITIONAL_DATA_MAX: usize = 20_000;

/// How a body counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A new contact.
    Post,
    /// The whole contact: what is absent becomes null.
    Put,
    /// A merge patch: what is absent stays.
    Patch,
}

/// The body of a request, not yet held against what is stored.
#[derive(Debug)]
pub struct Input {
    method: Method,
    members: Map<String, Value>,
}

/// Members that the server sets; in a body they are ignored, so that what was read can be sent back.
const READ_ONLY: [&str; 6] = ["id", "uid", "photo", "created_at", "updated_at", "deleted_at"];

impl Input {
    /// A body that is a JSON object.
    pub fn read(body: Value, method: Method) -> Result<Input> {
        match body {
            Value::Object(members) => Ok(Input { method, members }),
            _ => Err(Error::invalid("body", "must be a JSON object")),
        }
    }

    /// The uid of a new contact, if the client gives one: 1 to 255 characters.
    pub fn uid(&self) -> Result<Option<String>> {
        match self.members.get("uid") {
            Some(Value::String(uid)) if !text::is_blank(uid) => {
                let uid = text::line(uid, 1, super::UID_MAX);
                uid.map(Some).map_err(|why| Error::invalid("uid", why))
            }
            None | Some(Value::Null | Value::String(_)) => Ok(None),
            Some(_) => Err(Error::invalid("uid", "must be a string or null")),
        }
    }

    /// The contact that this body makes of `stored`; of a new contact that is the default. `latest` is
    /// the last date that a birthday may have, see [`super::latest_date`]. Every wrong member is
    /// reported at once.
    pub fn apply(&self, stored: &Details, latest: NaiveDate) -> Result<Details> {
        let (wanted, mut faults) = self.apply_leniently(stored, latest);
        let names = |it: &Details| {
            [&it.first_name, &it.last_name, &it.nickname, &it.organization].map(Clone::clone)
        };
        let (before, after) = (names(stored), names(&wanted));
        let new = self.method == Method::Post;
        if (new || before != after) && after.iter().all(Option::is_none) {
            faults.add_once("first_name", "is required, or last_name, nickname or organization");
        }
        faults.into_result(wanted)
    }

    /// What is wrong with this body whatever is stored: for a contact that is not there, because 422
    /// comes before 404.
    pub fn check(&self, latest: NaiveDate) -> Result<()> {
        let named = Details { first_name: Some("x".to_owned()), ..Details::default() };
        match &self.members {
            members if members.get("first_name").is_some_and(Value::is_null) => Ok(()),
            _ => self.apply(&named, latest).map(|_| ()),
        }
    }

    /// Like [`Input::apply`] for a file, in which one odd value never costs the person: what breaks a
    /// rule is taken as it is where that is possible, and is among the faults.
    pub fn apply_leniently(&self, stored: &Details, latest: NaiveDate) -> (Details, Faults) {
        let mut read = Reader { input: self, latest, faults: Faults::default() };
        let wanted = read.details(stored);
        (wanted, read.faults)
    }
}

/// What a body says of one member.
enum Said<T> {
    /// Nothing.
    Absent,
    /// This; null and the empty string are the default value.
    Value(T),
}

struct Reader<'a> {
    input: &'a Input,
    latest: NaiveDate,
    faults: Faults,
}

impl Reader<'_> {
    fn details(&mut self, stored: &Details) -> Details {
        let name = |raw: &str| name_of(raw, NAME_MAX);
        let long = |raw: &str| name_of(raw, LONG_NAME_MAX);
        let full = self.text("display_name", &Some(stored.display_name.clone()), long);
        let wanted = Details {
            // Never empty: not written, it follows the names.
            display_name: full.unwrap_or_else(|| stored.display_name.clone()),
            prefix: self.text("prefix", &stored.prefix, name),
            first_name: self.text("first_name", &stored.first_name, name),
            middle_name: self.text("middle_name", &stored.middle_name, name),
            last_name: self.text("last_name", &stored.last_name, name),
            suffix: self.text("suffix", &stored.suffix, name),
            nickname: self.text("nickname", &stored.nickname, name),
            organization: self.text("organization", &stored.organization, long),
            department: self.text("department", &stored.department, long),
            job_title: self.text("job_title", &stored.job_title, long),
            emails: self.points("email", "emails", &stored.emails, email),
            phones: self.points("phone", "phones", &stored.phones, phone),
            addresses: self.addresses(&stored.addresses),
            urls: self.labelled("urls", &stored.urls, URL_MAX),
            birthday: self.birthday(stored.birthday),
            dates: self.dates(&stored.dates),
            relations: self.labelled("relations", &stored.relations, PART_MAX),
            online: self.online(&stored.online),
            additional_data: self.text("additional_data", &stored.additional_data, |raw| {
                text::paragraph(raw, ADDITIONAL_DATA_MAX)
            }),
            labels: self.labels(&stored.labels),
        };
        self.unknown_members();
        wanted
    }

    fn unknown_members(&mut self) {
        let known = |name: &str| {
            READ_ONLY.contains(&name) || super::MEMBERS.iter().any(|(known, _)| *known == name)
        };
        for name in self.input.members.keys().filter(|name| !known(name)) {
            // A name can be as long as the body; the answer repeats only its beginning.
            self.faults.add(&name.chars().take(64).collect::<String>(), "is not a known member");
        }
    }

    /// What is there when the body does not say anything of a member.
    fn absent<T: Clone + Default>(&self, stored: &T) -> T {
        if self.input.method == Method::Patch { stored.clone() } else { T::default() }
    }

    /// A text that passes `check`, unless it is what is stored.
    fn said(
        &mut self,
        name: &str,
        stored: Option<&str>,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Said<Option<String>> {
        match self.input.members.get(name) {
            None => Said::Absent,
            Some(value) => Said::Value(self.string(name, value, |raw| stored == Some(raw), check)),
        }
    }

    fn text(
        &mut self,
        name: &str,
        stored: &Option<String>,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<String> {
        match self.said(name, stored.as_deref(), check) {
            Said::Absent => self.absent(stored),
            Said::Value(value) => value,
        }
    }

    /// A string or null at `path`; blank is null. What is `known` is fine as it is.
    fn string(
        &mut self,
        path: &str,
        value: &Value,
        known: impl FnOnce(&str) -> bool,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<String> {
        match value {
            Value::Null => None,
            Value::String(raw) if known(raw) => Some(raw.clone()),
            Value::String(raw) if text::is_blank(raw) => None,
            Value::String(raw) => match check(raw) {
                Ok(text) => Some(text).filter(|text| !text.is_empty()),
                Err(why) => {
                    self.faults.add(path, why);
                    Some(raw.trim().to_owned())
                }
            },
            _ => {
                self.faults.add(path, "must be a string or null");
                None
            }
        }
    }

    /// The entries of a list, each an object read by `each`. None: the body does not have the list.
    fn list<T: Clone + PartialEq>(
        &mut self,
        name: &str,
        stored: &[T],
        mut each: impl FnMut(&mut Self, &str, Members) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = match self.input.members.get(name)? {
            Value::Null => return Some(Vec::new()),
            Value::Array(items) => items,
            _ => {
                self.faults.add(name, "must be a list");
                return Some(stored.to_vec());
            }
        };
        let mut list = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let path = format!("{name}.{at}");
            match item {
                Value::Object(members) => list.extend(each(self, &path, Members(members))),
                _ => self.faults.add(&path, "must be an object"),
            }
        }
        if list.len() > LIST_MAX && list != stored {
            self.faults.add(name, format!("must have at most {LIST_MAX} entries"));
        }
        Some(list)
    }

    /// Exactly one entry is primary: none marked means the first.
    fn one_primary<T>(&mut self, name: &str, list: &mut [T], primary: fn(&mut T) -> &mut bool) {
        let marked = list.iter_mut().filter_map(|it| primary(it).then_some(())).count();
        match (marked, list.first_mut()) {
            (0, Some(first)) => *primary(first) = true,
            (2.., _) => self.faults.add(name, "must have one primary entry"),
            _ => {}
        }
    }

    /// Addresses or numbers: the list, the flat member, or both, as the contract says.
    fn points(
        &mut self,
        flat_name: &str,
        list_name: &str,
        stored: &[Entry],
        check: fn(&str) -> Result<String, String>,
    ) -> Vec<Entry> {
        let known = |raw: &str| stored.iter().any(|it| it.value == raw);
        let list = self.list(list_name, stored, |read, path, members| {
            members.only(&["value", "label", "primary"], path, &mut read.faults);
            let value = read.required(path, "value", members, known, check)?;
            let (label, primary) = (
                read.label(path, members, stored.iter().map(|it| &it.label)),
                read.flag(path, members),
            );
            Some(Entry { value, label, primary })
        });
        let list = list.map(|mut list| {
            self.one_primary(list_name, &mut list, |it| &mut it.primary);
            list
        });
        let flat = match self.input.members.get(flat_name) {
            None => Said::Absent,
            Some(value) => Said::Value(self.string(flat_name, value, known, check)),
        };
        let primary = |list: &[Entry]| list.iter().find(|it| it.primary).map(|it| it.value.clone());
        let flat_differs = |flat: &Option<String>| *flat != primary(stored);
        match (list, flat, self.input.method) {
            (None, Said::Absent, Method::Patch) => stored.to_vec(),
            (None, Said::Absent, _) => with_primary(stored, None),
            (None, Said::Value(flat), Method::Post) => with_primary(&[], flat),
            (None, Said::Value(flat), _) => with_primary(stored, flat),
            (Some(list), Said::Absent, _) => list,
            (Some(list), Said::Value(flat), method) => {
                let agree = primary(&list) == flat;
                let new = method == Method::Post;
                if agree || !(new || flat_differs(&flat)) {
                    list
                } else if !new && list == stored {
                    with_primary(stored, flat)
                } else {
                    let why = format!("must be the value of the primary entry of {list_name}");
                    self.faults.add(flat_name, why);
                    list
                }
            }
        }
    }

    fn addresses(&mut self, stored: &[Address]) -> Vec<Address> {
        const PARTS: [&str; 7] =
            ["po_box", "extended", "street", "city", "region", "postal_code", "country"];
        let list = self.list("addresses", stored, |read, path, members| {
            members.only(&[&PARTS[..], &["label", "primary"]].concat(), path, &mut read.faults);
            let known: Vec<_> = stored.iter().flat_map(address_parts).flatten().collect();
            let mut part = |name| {
                let known = |raw: &str| known.contains(&raw);
                read.part(path, name, members, known, |raw| text::paragraph(raw, PART_MAX))
            };
            let address = Address {
                po_box: part("po_box"),
                extended: part("extended"),
                street: part("street"),
                city: part("city"),
                region: part("region"),
                postal_code: part("postal_code"),
                country: part("country"),
                label: read.label(path, members, stored.iter().map(|it| &it.label)),
                primary: read.flag(path, members),
            };
            // An address that says nothing is none.
            address_parts(&address).iter().any(Option::is_some).then_some(address)
        });
        let mut list = list.unwrap_or_else(|| self.absent(&stored.to_vec()));
        self.one_primary("addresses", &mut list, |it| &mut it.primary);
        list
    }

    fn labelled(&mut self, name: &str, stored: &[Labelled], max: usize) -> Vec<Labelled> {
        let known = |raw: &str| stored.iter().any(|it| it.value == raw);
        let list = self.list(name, stored, |read, path, members| {
            members.only(&["value", "label"], path, &mut read.faults);
            let value =
                read.required(path, "value", members, known, |raw| text::line(raw, 1, max))?;
            Some(Labelled {
                value,
                label: read.label(path, members, stored.iter().map(|it| &it.label)),
            })
        });
        list.unwrap_or_else(|| self.absent(&stored.to_vec()))
    }

    fn online(&mut self, stored: &[Online]) -> Vec<Online> {
        let list = self.list("online", stored, |read, path, members| {
            members.only(&["service", "value", "label"], path, &mut read.faults);
            let check = |raw: &str| text::line(raw, 1, PART_MAX);
            let known = |raw: &str| stored.iter().any(|it| it.value == raw);
            let services = |raw: &str| stored.iter().any(|it| it.service.as_deref() == Some(raw));
            let service = read.part(path, "service", members, services, check);
            let value = read.required(path, "value", members, known, check)?;
            let label = read.label(path, members, stored.iter().map(|it| &it.label));
            Some(Online { service, value, label })
        });
        list.unwrap_or_else(|| self.absent(&stored.to_vec()))
    }

    fn dates(&mut self, stored: &[DateEntry]) -> Vec<DateEntry> {
        let latest = self.latest;
        let list = self.list("dates", stored, |read, path, members| {
            members.only(&["value", "label"], path, &mut read.faults);
            let known = |raw: &str| stored.iter().any(|it| it.value.to_string() == raw);
            let check = |raw: &str| partial_date(raw, latest).map(|date| date.to_string());
            let value = read.required(path, "value", members, known, check)?;
            let label = read.label(path, members, stored.iter().map(|it| &it.label));
            Some(DateEntry { value: PartialDate::parse(&value)?, label })
        });
        list.unwrap_or_else(|| self.absent(&stored.to_vec()))
    }

    fn birthday(&mut self, stored: Option<PartialDate>) -> Option<PartialDate> {
        let was = stored.map(|date| date.to_string());
        let latest = self.latest;
        let check = |raw: &str| partial_date(raw, latest).map(|date| date.to_string());
        let date = self.text("birthday", &was, check);
        date.and_then(|date| PartialDate::parse(&date))
    }

    /// Labels as a set ignoring case, in which the first spelling stays.
    fn labels(&mut self, stored: &[String]) -> Vec<String> {
        let items = match self.input.members.get("labels") {
            None => return self.absent(&stored.to_vec()),
            Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.faults.add("labels", "must be a list of strings");
                return stored.to_vec();
            }
        };
        let mut labels: Vec<String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for item in items {
            let known = |raw: &str| stored.iter().any(|it| it == raw);
            let check = |raw: &str| text::line(raw, 1, LABEL_MAX);
            let label = self.string("labels", item, known, check);
            if label.is_none() {
                let why = format!("must be a list of strings of 1 to {LABEL_MAX} characters");
                self.faults.add_once("labels", why);
            }
            labels.extend(label.filter(|label| seen.insert(label.to_lowercase())));
        }
        if labels.len() > LIST_MAX && labels != stored {
            self.faults.add("labels", format!("must have at most {LIST_MAX} labels"));
        }
        labels
    }

    /// An optional text of an entry.
    fn part(
        &mut self,
        path: &str,
        name: &str,
        members: Members,
        known: impl FnOnce(&str) -> bool,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<String> {
        let value = members.0.get(name)?;
        self.string(&format!("{path}.{name}"), value, known, check)
    }

    /// A text that an entry must have.
    fn required(
        &mut self,
        path: &str,
        name: &str,
        members: Members,
        known: impl FnOnce(&str) -> bool,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<String> {
        let value = self.part(path, name, members, known, check);
        if value.is_none() {
            self.faults.add_once(&format!("{path}.{name}"), "is required");
        }
        value
    }

    fn label<'a>(
        &mut self,
        path: &str,
        members: Members,
        mut stored: impl Iterator<Item = &'a Option<String>>,
    ) -> Option<String> {
        let known = |raw: &str| stored.any(|it| it.as_deref() == Some(raw));
        self.part(path, "label", members, known, |raw| text::line(raw, 1, LABEL_MAX))
    }

    fn flag(&mut self, path: &str, members: Members) -> bool {
        match members.0.get("primary") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.faults.add(&format!("{path}.primary"), "must be true or false");
                false
            }
        }
    }
}

/// The members of an entry of a list.
#[derive(Clone, Copy)]
struct Members<'a>(&'a Map<String, Value>);

impl Members<'_> {
    fn only(self, names: &[&str], path: &str, faults: &mut Faults) {
        for name in self.0.keys().filter(|name| !names.contains(&name.as_str())) {
            let name: String = name.chars().take(64).collect();
            faults.add(&format!("{path}.{name}"), "is not a known member");
        }
    }
}

/// The stored entries with another value in the primary one; none: it goes, and the next one takes its
/// place.
fn with_primary(stored: &[Entry], value: Option<String>) -> Vec<Entry> {
    let mut list = stored.to_vec();
    let at = list.iter().position(|it| it.primary);
    match (value, at.and_then(|at| list.get_mut(at)), at) {
        (Some(value), Some(entry), _) => entry.value = value,
        (Some(value), None, _) => list.insert(0, Entry { value, label: None, primary: true }),
        (None, Some(_), Some(at)) => {
            list.remove(at);
            if let Some(first) = list.first_mut() {
                first.primary = true;
            }
        }
        _ => {}
    }
    list
}

fn address_parts(it: &Address) -> [Option<&str>; 7] {
    [&it.po_box, &it.extended, &it.street, &it.city, &it.region, &it.postal_code, &it.country]
        .map(|part| part.as_deref())
}

/// A name of nothing visible is none.
fn name_of(raw: &str, max: usize) -> Result<String, String> {
    // What shows nothing goes off the ends, but a control character is a mistake there too.
    text::line(raw, 0, usize::MAX)?;
    let visible = vcard::trim(raw);
    if visible.is_empty() { Ok(String::new()) } else { text::line(visible, 1, max) }
}

fn email(raw: &str) -> Result<String, String> {
    text::line(raw, 1, 1_000)?;
    let address = vcard::clean_email(raw);
    match vcard::is_valid_email(&address) {
        true => Ok(address),
        false => Err("must be a valid e-mail address".to_owned()),
    }
}

fn phone(raw: &str) -> Result<String, String> {
    text::line(raw, 1, 1_000)?;
    let number = vcard::clean_phone(raw);
    match vcard::is_valid_phone(&number) {
        true => Ok(number),
        false => {
            Err("must be a phone number: 3 to 32 digits, spaces and + - ( ) . / # * x, with at \
            least three digits"
                .to_owned())
        }
    }
}

/// A real date `YYYY-MM-DD`, from year 1 on. chrono alone would take `1990-4-1` and signs.
pub fn date(raw: &str) -> Result<NaiveDate, String> {
    let raw = text::line(raw, 0, 100)?;
    let shape = raw.len() == 10
        && raw.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    match raw.parse::<NaiveDate>() {
        Ok(date) if shape && !raw.starts_with("0000") => Ok(date),
        _ => Err("must be a real date, YYYY-MM-DD".to_owned()),
    }
}

/// A date, not after `latest`, or `--MM-DD` when the year is unknown. In cards 1604 stands for that, so
/// it is no year here.
fn partial_date(raw: &str, latest: NaiveDate) -> Result<PartialDate, String> {
    let wrong = || "must be a real date, YYYY-MM-DD, or --MM-DD without a year".to_owned();
    // 2000 was a leap year.
    let (full, yearless) = match raw.trim().strip_prefix("--") {
        Some(rest) => (format!("2000-{rest}"), true),
        None => (raw.to_owned(), false),
    };
    let day = date(&full).map_err(|_| wrong())?;
    if !yearless && day > latest {
        return Err("must not be in the future".to_owned());
    }
    let means_something_else = full.trim().starts_with("1604-") || full.trim() == "0001-01-01";
    if !yearless && means_something_else {
        return Err(
            "must not be in 1604 or on 0001-01-01, which cards have for what is unknown".to_owned()
        );
    }
    PartialDate::parse(raw.trim()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests;
