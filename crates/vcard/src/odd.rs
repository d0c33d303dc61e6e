//! What a card says that no REST client may write: kept and shown as it is, and reported.

use crate::date::{DateText, date_of, read_date};
use crate::shown::DATES;
use crate::value::one_line;
use crate::{Card, Details, is_valid_email, is_valid_phone};

/// Longest name, in characters; also what the warning says.
const NAME_MAX: usize = 100;
/// Longest display name, organisation, department and title.
const LINE_MAX: usize = 200;
/// Longest note.
const NOTE_MAX: usize = 20_000;
/// Most entries of a list, and longest label.
const LIST_MAX: usize = 50;
/// Longest part of an address, related person, service and account; longest web address.
const PART_MAX: usize = 500;
const URL_MAX: usize = 2_000;
/// Longest text that a warning repeats.
const SHOWN_MAX: usize = 60;

/// Lines of which JSON shows the first one that says something, and their members.
const FIRST: [(&str, &str); 4] = [
    ("NICKNAME", "nickname"),
    ("ORG", "organization"),
    ("TITLE", "job_title"),
    ("NOTE", "additional_data"),
];

/// The oddities of a card, each after the name of its member.
pub fn of(card: &Card, details: &Details) -> impl Iterator<Item = String> {
    let mut odd = of_details(details);
    let mut first: [Option<String>; FIRST.len()] = Default::default();
    for line in card.lines() {
        if let Some(((_, member), first)) =
            FIRST.iter().zip(&mut first).find(|((name, _), _)| line.is(name))
            && let Some(text) = one_line(line.text().trim_matches([';', ' ']))
        {
            // Of one value in several languages nothing is hidden.
            if first.as_ref().is_some_and(|it| *it != text) && line.param("ALTID").is_none() {
                odd.push(format!("{member}: \"{}\" is one more; kept as it is", shown(&text)));
            }
            first.get_or_insert(text);
        }
        if line.is("AGENT") && line.value().contains("BEGIN:VCARD") {
            odd.push(
                "AGENT: a card inside of this one; it is kept there, and is no contact".to_owned(),
            );
        }
        let member = match line.is("BDAY") {
            true if details.birthday.is_none() => "birthday",
            false if line.is_any(&DATES) && date_of(&line).is_none() => "dates",
            _ => continue,
        };
        let text = line.text();
        if !text.trim().is_empty() && read_date(&text) != DateText::Nothing {
            let why = "is no date that can be read; kept as it is";
            odd.push(format!("{member}: \"{}\" {why}", shown(&text)));
        }
    }
    odd.into_iter()
}

/// The oddities of what the JSON shows.
pub fn of_details(details: &Details) -> Vec<String> {
    let mut odd = Vec::new();
    let mut say = |member: &str, why: String| odd.push(format!("{member}: {why}"));
    let full = Some(details.display_name.clone());
    let names = [
        ("display_name", &full, LINE_MAX),
        ("prefix", &details.prefix, NAME_MAX),
        ("first_name", &details.first_name, NAME_MAX),
        ("middle_name", &details.middle_name, NAME_MAX),
        ("last_name", &details.last_name, NAME_MAX),
        ("suffix", &details.suffix, NAME_MAX),
        ("nickname", &details.nickname, NAME_MAX),
        ("organization", &details.organization, LINE_MAX),
        ("department", &details.department, LINE_MAX),
        ("job_title", &details.job_title, LINE_MAX),
        ("additional_data", &details.additional_data, NOTE_MAX),
    ];
    for (member, text, most) in names {
        let length = text.as_deref().map_or(0, |text| text.chars().count());
        if length > most {
            say(
                member,
                format!(
                    "{length} characters; kept as it is, {most} is the most that can be written"
                ),
            );
        }
    }
    for entry in details.emails.iter().filter(|entry| !is_valid_email(&entry.value)) {
        say("emails", format!("\"{}\" is no e-mail address; kept as it is", shown(&entry.value)));
    }
    for entry in details.phones.iter().filter(|entry| !is_valid_phone(&entry.value)) {
        say(
            "phones",
            format!("\"{}\" is no number that can be dialled; kept as it is", shown(&entry.value)),
        );
    }
    for (member, count) in details.counts().into_iter().filter(|(_, count)| *count > LIST_MAX) {
        say(
            member,
            format!(
                "{count} entries; kept as they are, {LIST_MAX} is the most that can be written"
            ),
        );
    }
    for (member, text, most) in parts(details) {
        let length = text.chars().count();
        if length > most {
            let why = "the most that can be written";
            say(member, format!("a part has {length} characters; kept as it is, {most} is {why}"));
        }
    }
    if details.labels.iter().any(|label| label.chars().count() > LIST_MAX) {
        say("labels", format!("one has more than {LIST_MAX} characters; kept as it is"));
    }
    odd
}

/// The texts in the entries of lists, with their limits.
fn parts(details: &Details) -> impl Iterator<Item = (&'static str, &str, usize)> {
    let mut all: Vec<(&'static str, Option<&str>, usize)> = Vec::new();
    all.extend(details.emails.iter().map(|it| ("emails", it.label.as_deref(), LIST_MAX)));
    all.extend(details.phones.iter().map(|it| ("phones", it.label.as_deref(), LIST_MAX)));
    for it in &details.addresses {
        all.push(("addresses", it.label.as_deref(), LIST_MAX));
        all.extend(it.parts().map(|part| ("addresses", part, PART_MAX)));
    }
    let lists = [("urls", &details.urls, URL_MAX), ("relations", &details.relations, PART_MAX)];
    for (member, list, most) in lists {
        all.extend(list.iter().map(|it| (member, Some(it.value.as_str()), most)));
        all.extend(list.iter().map(|it| (member, it.label.as_deref(), LIST_MAX)));
    }
    all.extend(details.dates.iter().map(|it| ("dates", it.label.as_deref(), LIST_MAX)));
    for it in &details.online {
        all.push(("online", Some(it.value.as_str()), PART_MAX));
        all.push(("online", it.service.as_deref(), PART_MAX));
        all.push(("online", it.label.as_deref(), LIST_MAX));
    }
    all.into_iter().filter_map(|(member, text, most)| Some((member, text?, most)))
}

pub fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}
