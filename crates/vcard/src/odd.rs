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
/// Longest text that a warning repeats.
const SHOWN_MAX: usize = 60;

/// Lines of which JSON shows one, the names of which a further one has (`valid::SINGLE`), and the member.
const SINGLE: [([&str; 2], &str); 7] = [
    (["FN", "X-FN"], "display_name"),
    (["N", "X-N"], "last_name"),
    (["NICKNAME"; 2], "nickname"),
    (["ORG"; 2], "organization"),
    (["TITLE"; 2], "job_title"),
    (["NOTE"; 2], "additional_data"),
    (["BDAY", "X-BDAY"], "birthday"),
];

/// The oddities of a card, each after the name of its member.
pub fn of(card: &Card, details: &Details) -> impl Iterator<Item = String> {
    let mut odd = of_details(details);
    let mut first: [Option<String>; SINGLE.len()] = Default::default();
    for line in card.lines() {
        let single = SINGLE.iter().zip(&mut first).find(|((names, _), _)| line.is_any(names));
        // Of one value in several languages the first is right.
        if let Some(((_, member), first)) = single.filter(|_| line.param("ALTID").is_none()) {
            let text = match line.is_any(&["BDAY", "X-BDAY"]) {
                true => date_of(&line).map(|date| date.to_string()),
                false => one_line(&line.text()),
            };
            match (text, &first) {
                (text, None) => *first = text,
                (Some(text), Some(there)) if *there != text => {
                    // Of several FN the preferred one is shown.
                    let hidden = if text == details.display_name { there } else { &text };
                    odd.push(format!("{member}: \"{}\" is one more; kept as it is", shown(hidden)));
                }
                _ => {}
            }
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
    let names = [
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
    let lists = [
        ("emails", details.emails.len()),
        ("phones", details.phones.len()),
        ("addresses", details.addresses.len()),
        ("urls", details.urls.len()),
        ("dates", details.dates.len()),
        ("relations", details.relations.len()),
        ("online", details.online.len()),
        ("labels", details.labels.len()),
    ];
    for (member, count) in lists.into_iter().filter(|(_, count)| *count > LIST_MAX) {
        say(
            member,
            format!(
                "{count} entries; kept as they are, {LIST_MAX} is the most that can be written"
            ),
        );
    }
    if details.labels.iter().any(|label| label.chars().count() > LIST_MAX) {
        say("labels", format!("one has more than {LIST_MAX} characters; kept as it is"));
    }
    odd
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}
