//! Lines → what the JSON shows. Each function says which line an entry comes from, so that an edit
//! finds it again.

use crate::clean::{clean_email, clean_phone};
use crate::date::date_of;
use crate::label::{self, Labels};
use crate::line::Line;
use crate::value::{one_line, split_value, unescape, visible};
use crate::{Address, DateEntry, Details, Entry, Labelled, Online, PartialDate, names, online};
use std::collections::HashSet;

/// Lines of dates that are no birthday.
pub const DATES: [&str; 6] = [
    "X-ABDATE",
    "ANNIVERSARY",
    "X-ANNIVERSARY",
    "X-EVOLUTION-ANNIVERSARY",
    "X-KADDRESSBOOK-X-ANNIVERSARY",
    "X-MS-ANNIVERSARY",
];
/// Lines of related persons.
pub const RELATIONS: [&str; 16] = [
    "X-ABRELATEDNAMES",
    "RELATED",
    "X-SPOUSE",
    "X-EVOLUTION-SPOUSE",
    "X-KADDRESSBOOK-X-SPOUSESNAME",
    "X-EVOLUTION-MANAGER",
    "X-EVOLUTION-ASSISTANT",
    "X-MANAGER",
    "X-MANAGERSNAME",
    "X-KADDRESSBOOK-X-MANAGERSNAME",
    "X-ASSISTANT",
    "X-KADDRESSBOOK-X-ASSISTANTSNAME",
    "X-MS-SPOUSE",
    "X-MS-CHILD",
    "X-MS-MANAGER",
    "X-MS-ASSISTANT",
];

/// What the JSON shows of these lines.
pub fn details(lines: &[Line<'_>]) -> Details {
    let labels = Labels::of(lines);
    let [last_name, first_name, middle_name, prefix, suffix] = names::parts(lines);
    let [organization, department] = organization(lines).map_or([None, None], |(_, parts)| parts);
    let text = |name: &str| first(lines, name).map(|(_, text)| text);
    let mut details = Details {
        display_name: String::new(),
        prefix,
        first_name,
        middle_name,
        last_name,
        suffix,
        nickname: text("NICKNAME"),
        organization,
        department,
        job_title: text("TITLE"),
        emails: values(emails(lines, &labels)),
        phones: values(phones(lines, &labels)),
        addresses: values(addresses(lines, &labels)),
        urls: values(urls(lines, &labels)),
        birthday: birthday(lines),
        dates: values(dates(lines, &labels)),
        relations: values(relations(lines, &labels)),
        online: values(accounts(lines, &labels)),
        additional_data: note(lines).map(|(_, text)| text),
        labels: categories(lines),
    };
    let full = names::full(lines).map(|(_, text)| text);
    details.display_name = full.unwrap_or_else(|| names::derive(&details, lines));
    details
}

fn values<T>(found: Vec<(usize, T)>) -> Vec<T> {
    found.into_iter().map(|(_, value)| value).collect()
}

/// The lines of these names, with their places.
fn named<'l, 'a>(
    lines: &'l [Line<'a>],
    names: &'l [&str],
) -> impl Iterator<Item = (usize, &'l Line<'a>)> {
    lines.iter().enumerate().filter(|(_, line)| line.is_any(names))
}

/// The first line of that name with something visible.
pub fn first(lines: &[Line<'_>], name: &str) -> Option<(usize, String)> {
    named(lines, &[name]).find_map(|(at, line)| Some((at, one_line(&line.text())?)))
}

/// NOTE, which may have several lines.
pub fn note(lines: &[Line<'_>]) -> Option<(usize, String)> {
    named(lines, &["NOTE"]).find_map(|(at, line)| Some((at, visible(&line.text())?.to_owned())))
}

/// Organisation and department: the first two parts of ORG.
pub fn organization(lines: &[Line<'_>]) -> Option<(usize, [Option<String>; 2])> {
    named(lines, &["ORG"]).find_map(|(at, line)| {
        let value = line.value();
        let mut parts = split_value(&value, ';').map(|part| one_line(&unescape(part)));
        let parts = [parts.next().flatten(), parts.next().flatten()];
        parts.iter().any(Option::is_some).then_some((at, parts))
    })
}

/// The first BDAY that can be read.
pub fn birthday(lines: &[Line<'_>]) -> Option<PartialDate> {
    named(lines, &["BDAY"]).find_map(|(_, line)| date_of(line))
}

/// CATEGORIES of all lines, a set ignoring case.
pub fn categories(lines: &[Line<'_>]) -> Vec<String> {
    let mut seen = HashSet::new();
    let labels = named(lines, &["CATEGORIES"]).flat_map(|(_, line)| line.parts(','));
    let labels = labels.filter_map(|label| crate::value::label(&label));
    labels.filter(|label| seen.insert(label.to_lowercase())).collect()
}

/// EMAIL.
pub fn emails(lines: &[Line<'_>], labels: &Labels) -> Vec<(usize, Entry)> {
    entries(lines, "EMAIL", labels, clean_email)
}

/// TEL.
pub fn phones(lines: &[Line<'_>], labels: &Labels) -> Vec<(usize, Entry)> {
    entries(lines, "TEL", labels, clean_phone)
}

fn entries(
    lines: &[Line<'_>],
    name: &str,
    labels: &Labels,
    clean: fn(&str) -> String,
) -> Vec<(usize, Entry)> {
    let names = [name];
    let found = named(lines, &names).filter_map(|(at, line)| {
        let value = one_line(&clean(&line.text()))?;
        Some((at, Entry { value, label: labels.get(line), primary: false }))
    });
    with_primary(lines, found.collect(), |entry| &mut entry.primary)
}

/// ADR.
pub fn addresses(lines: &[Line<'_>], labels: &Labels) -> Vec<(usize, Address)> {
    let found = named(lines, &["ADR"]).filter_map(|(at, line)| {
        let value = line.value();
        let mut parts = split_value(&value, ';')
            .map(|part| visible(&unescape(part)).map(str::to_owned))
            .chain(std::iter::repeat(None));
        let mut part = || parts.next().flatten();
        let address = Address {
            label: None,
            primary: false,
            po_box: part(),
            extended: part(),
            street: part(),
            city: part(),
            region: part(),
            postal_code: part(),
            country: part(),
        };
        (address != Address::default())
            .then(|| (at, Address { label: labels.get(line), ..address }))
    });
    with_primary(lines, found.collect(), |address| &mut address.primary)
}

/// Marks the entry of the line that the card prefers; of equals the first.
fn with_primary<T>(
    lines: &[Line<'_>],
    mut found: Vec<(usize, T)>,
    mark: fn(&mut T) -> &mut bool,
) -> Vec<(usize, T)> {
    let best = found.iter_mut().min_by_key(|(at, _)| (lines.get(*at).map(Line::rank), *at));
    if let Some((_, entry)) = best {
        *mark(entry) = true;
    }
    found
}

/// URL.
pub fn urls(lines: &[Line<'_>], labels: &Labels) -> Vec<(usize, Labelled)> {
    labelled(lines, &["URL"], labels)
}

/// Related persons by name; who is named by a URI stays in the card alone.
pub fn relations(lines: &[Line<'_>], labels: &Labels) -> Vec<(usize, Labelled)> {
    let mut found = labelled(lines, &RELATIONS, labels);
    let is_uri = |line: &Line<'_>| line.is("RELATED") && names_by_uri(line);
    found.retain(|(at, _)| !lines.get(*at).is_some_and(is_uri));
    found
}

/// True for a RELATED with a URI: a URI is what it has unless it says that it is text (RFC 6350, section 6.6.6).
pub fn names_by_uri(line: &Line<'_>) -> bool {
    let text = line.param("VALUE").is_some_and(|value| value.eq_ignore_ascii_case("text"));
    !text && line.value().contains(':')
}

fn labelled(lines: &[Line<'_>], names: &[&str], labels: &Labels) -> Vec<(usize, Labelled)> {
    let found = named(lines, names).filter_map(|(at, line)| {
        let value = one_line(&line.text())?;
        Some((at, Labelled { value, label: labels.get(line) }))
    });
    found.collect()
}

/// Dates that are no birthday; one that cannot be read stays in the card alone.
pub fn dates(lines: &[Line<'_>], labels: &Labels) -> Vec<(usize, DateEntry)> {
    let found = named(lines, &DATES).filter_map(|(at, line)| {
        Some((at, DateEntry { value: date_of(line)?, label: labels.get(line) }))
    });
    found.collect()
}

/// Accounts at messengers and networks.
pub fn accounts(lines: &[Line<'_>], labels: &Labels) -> Vec<(usize, Online)> {
    let found = lines.iter().enumerate();
    found.filter_map(|(at, line)| Some((at, online::read(line, labels)?))).collect()
}

impl Details {
    /// The same in the one form in which a card gives it back: labels and services of ours in their
    /// spelling, nothing that shows nothing, exactly one primary entry of each list, labels as a
    /// set, numbers and addresses clean.
    pub fn normal(&self) -> Details {
        let line = |text: &Option<String>| text.as_deref().and_then(one_line);
        let dates = self.dates.iter();
        let mut seen = HashSet::new();
        let labels = self.labels.iter().filter_map(|label| crate::value::label(label));
        Details {
            display_name: one_line(&self.display_name).unwrap_or_default(),
            prefix: line(&self.prefix),
            first_name: line(&self.first_name),
            middle_name: line(&self.middle_name),
            last_name: line(&self.last_name),
            suffix: line(&self.suffix),
            nickname: line(&self.nickname),
            organization: line(&self.organization),
            department: line(&self.department),
            job_title: line(&self.job_title),
            emails: normal_entries(&self.emails, clean_email),
            phones: normal_entries(&self.phones, clean_phone),
            addresses: normal_addresses(&self.addresses),
            urls: normal_labelled(&self.urls),
            birthday: self.birthday,
            dates: dates.map(|it| DateEntry { label: normal_label(&it.label), ..*it }).collect(),
            relations: normal_labelled(&self.relations),
            online: normal_accounts(&self.online),
            additional_data: normal_part(&self.additional_data),
            labels: labels.filter(|label| seen.insert(label.to_lowercase())).collect(),
        }
    }
}

fn normal_label(text: &Option<String>) -> Option<String> {
    text.as_deref().and_then(label::normal)
}

/// A text that may have several lines.
fn normal_part(text: &Option<String>) -> Option<String> {
    let text = text.as_deref().and_then(visible)?;
    Some(text.replace("\r\n", "\n").replace('\r', "\n"))
}

fn normal_entries(list: &[Entry], clean: fn(&str) -> String) -> Vec<Entry> {
    let kept = list.iter().filter_map(|entry| {
        let value = one_line(&clean(&entry.value))?;
        Some(Entry { value, label: normal_label(&entry.label), primary: entry.primary })
    });
    let mut kept: Vec<_> = kept.collect();
    one_primary(kept.iter_mut().map(|entry| &mut entry.primary));
    kept
}

fn normal_addresses(list: &[Address]) -> Vec<Address> {
    let addresses = list.iter().map(|address| Address {
        label: normal_label(&address.label),
        primary: address.primary,
        ..address.map(normal_part)
    });
    let mut kept: Vec<_> = addresses.filter(Address::says_something).collect();
    one_primary(kept.iter_mut().map(|address| &mut address.primary));
    kept
}

fn normal_labelled(list: &[Labelled]) -> Vec<Labelled> {
    let kept = list.iter().filter_map(|it| {
        Some(Labelled { value: one_line(&it.value)?, label: normal_label(&it.label) })
    });
    kept.collect()
}

fn normal_accounts(list: &[Online]) -> Vec<Online> {
    let kept = list.iter().filter_map(|it| {
        let service = it.service.as_deref().and_then(one_line);
        Some(Online {
            service: service.map(|name| online::service(&name)),
            value: one_line(&it.value)?,
            label: normal_label(&it.label),
        })
    });
    kept.collect()
}

/// Leaves the first mark, or sets it on the first entry.
fn one_primary<'a>(marks: impl Iterator<Item = &'a mut bool>) {
    let mut marks: Vec<_> = marks.collect();
    let first = marks.iter().position(|mark| **mark).unwrap_or(0);
    for (at, mark) in marks.iter_mut().enumerate() {
        **mark = at == first;
    }
}
