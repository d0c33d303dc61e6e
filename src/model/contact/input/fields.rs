//! The members of a contact, one function each where they have rules of their own.

use super::reader::{Method, Reader};
use super::values::{
    ADDITIONAL_DATA_MAX, LABEL_MAX, LIST_MAX, LONG_NAME_MAX, NAME_MAX, PART_MAX, URL_MAX, email,
    partial_date, phone,
};
use crate::error::Result;
use crate::model::contact::{ADDRESS_PARTS, MEMBERS, READ_ONLY};
use crate::model::text;
use serde_json::Value;
use vcard::{Address, DateEntry, Details, Entry, Labelled, Online, PartialDate};

impl Reader<'_> {
    pub(super) fn details(&mut self, stored: &Details) -> Details {
        // A name of nothing visible is none.
        let name = |raw: &str| text::line(raw, 0, NAME_MAX);
        let long = |raw: &str| text::line(raw, 0, LONG_NAME_MAX);
        let full = self.text("display_name", &Some(stored.display_name.clone()), long);
        let is_absent = full.is_none();
        let mut wanted = Details {
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
        let names = [&wanted.first_name, &wanted.last_name, &wanted.nickname, &wanted.organization];
        // A PUT says all; but where it has no name at all, this one is the only one.
        let is_replaced = self.method == Method::Put && names.iter().any(|it| it.is_some());
        let is_cleared = self.members.contains_key("display_name") || is_replaced;
        // One of its own that is taken off makes room for the one that follows.
        if let Some(name) = wanted.derived_name().filter(|_| is_absent && is_cleared) {
            wanted.display_name = name;
        }
        self.unknown_members();
        wanted
    }

    fn unknown_members(&mut self) {
        let known = |name: &str| {
            name == "uid"
                || READ_ONLY.contains(&name)
                || MEMBERS.iter().any(|(known, _)| *known == name)
        };
        for name in self.members.keys().filter(|name| !known(name)) {
            self.faults.add_unknown("", name);
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
        let flat = self.members.get(flat_name);
        let flat = flat.map(|value| self.string(flat_name, value, known, check));
        let primary = |list: &[Entry]| list.iter().find(|it| it.primary).map(|it| it.value.clone());
        let is_new = self.method == Method::Post;
        let (list, flat) = match (list, flat) {
            (None, None) if self.method == Method::Patch => return stored.to_vec(),
            (None, None) => return with_primary(stored, None),
            (None, Some(flat)) if is_new => return with_primary(&[], flat),
            (None, Some(flat)) => return with_primary(stored, flat),
            (Some(list), None) => return list,
            (Some(list), Some(flat)) => (list, flat),
        };
        // Both are there. If only one of them differs from what is stored, that one is meant.
        if flat == primary(&list) || (!is_new && flat == primary(stored)) {
            return list;
        }
        if !is_new && list == stored {
            return with_primary(stored, flat);
        }
        let why = format!("must be the value of the primary entry of {list_name}");
        self.faults.add(flat_name, why);
        list
    }

    fn addresses(&mut self, stored: &[Address]) -> Vec<Address> {
        let names = [&ADDRESS_PARTS[..], &["label", "primary"]].concat();
        let list = self.list("addresses", stored, |read, path, members| {
            members.only(&names, path, &mut read.faults);
            let known: Vec<_> = stored.iter().flat_map(Address::parts).flatten().collect();
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
            address.says_something().then_some(address)
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
        let items = match self.members.get("labels") {
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
