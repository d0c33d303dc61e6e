//! The raw lines of a card of 2.1, 3.0 or 4.0 → a card of 3.0.

use crate::content::{Reader, Version};
use crate::date::date_of;
use crate::line::Line;
use crate::modern::Modern;
use crate::odd;
use crate::unfold::{Logical, is_mark};
use crate::valid::{SINGLE, is_blank};
use crate::value::escape;
use crate::{Card, Warning};

/// A line of a card, and whether it belongs to a card inside (2.1's `AGENT`).
pub type RawLine = (Logical, bool);

/// The version that lines of a card, or of the card inside of it, name.
fn version(raw: &[RawLine], nested: bool) -> Version {
    let says = |mark: &str| {
        raw.iter().any(|(line, inside)| *inside == nested && is_mark(&line.bytes, mark))
    };
    if says("VERSION:2.1") {
        Version::Old
    } else if says("VERSION:4.0") {
        Version::Four
    } else {
        Version::Three
    }
}

/// The card that these lines make in 3.0. The lines of a card inside become the value of the `AGENT`
/// before them (RFC 2426, section 3.5.4).
pub fn converted(reader: &mut Reader<'_>, raw: Vec<RawLine>, warnings: &mut Vec<Warning>) -> Card {
    let (outer, inner) = (version(&raw, false), version(&raw, true));
    let begin = raw.first().map_or(1, |(line, _)| line.number);
    let mut lines: Vec<Line<'static>> = Vec::with_capacity(raw.len());
    let mut agent: Option<(Line<'static>, String)> = None;
    for (line, nested) in raw {
        if nested && let Some((_, value)) = &mut agent {
            if !value.is_empty() {
                value.push_str("\\n");
            }
            value.push_str(&escape(&inside(reader, &line, inner, warnings)));
            continue;
        }
        if let Some((mut line, value)) = agent.take() {
            line.set_value(value);
            lines.push(line);
        }
        let read = reader.line(line.number, &line.bytes, outer, warnings);
        match read.is("AGENT") && read.value().trim().is_empty() {
            true => agent = Some((read, String::new())),
            false => lines.push(read),
        }
    }
    if let Some((mut line, value)) = agent.take() {
        line.set_value(value);
        lines.push(line);
    }
    assembled(Modern::translate(outer, lines), |detail| {
        warnings.push(Warning { line: begin, detail });
    })
}

/// A line of a card inside.
fn inside(
    reader: &mut Reader<'_>,
    line: &Logical,
    version: Version,
    warnings: &mut Vec<Warning>,
) -> String {
    for mark in ["BEGIN:VCARD", "END:VCARD"] {
        if is_mark(&line.bytes, mark) {
            return mark.to_owned();
        }
    }
    if ["VERSION:2.1", "VERSION:4.0"].iter().any(|mark| is_mark(&line.bytes, mark)) {
        return "VERSION:3.0".to_owned();
    }
    reader.line(line.number, &line.bytes, version, warnings).unfolded()
}

/// The member that a line is shown as, of those that people see.
fn member(name: &str) -> Option<&'static str> {
    match name {
        "FN" => Some("display_name"),
        "N" => Some("last_name"),
        "BDAY" => Some("birthday"),
        _ => None,
    }
}

/// What a line says, however it is written.
fn meaning(name: &str, line: &Line<'_>) -> String {
    match date_of(line) {
        Some(date) if name == "BDAY" => date.to_string(),
        _ => line.value().trim_end_matches(';').to_owned(),
    }
}

/// The lines as a card. Says which of several lines JSON does not show.
fn assembled(mut lines: Vec<Line<'static>>, mut say: impl FnMut(String)) -> Card {
    lines.retain(|line| !line.is("VERSION"));
    for (name, other) in SINGLE {
        let says =
            |line: &Line<'_>| line.value().contains(|c: char| c != ';' && !c.is_whitespace());
        let readable = |line: &Line<'_>| name != "BDAY" || date_of(line).is_some();
        let all = lines.iter().enumerate().filter(|(_, line)| line.is(name));
        let best = all.min_by_key(|(at, line)| (!says(line), !readable(line), line.rank(), *at));
        let Some((best, shown)) = best.map(|(at, line)| (at, meaning(name, line))) else {
            continue;
        };
        let mut at = 0;
        lines.retain_mut(|line| {
            let here = at;
            at += 1;
            if here == best || !line.is(name) {
                return true;
            }
            let kept = says(line) && meaning(name, line) != shown;
            if kept && let Some(member) = member(name) {
                let text = odd::shown(line.text().trim_matches([';', ' ']));
                say(format!("{member}: \"{text}\" is one more; it is kept as {other}"));
            }
            line.set_name(other);
            kept
        });
    }
    let mut text = String::from("BEGIN:VCARD\r\nVERSION:3.0\r\n");
    lines.iter().filter(|line| !is_blank(line)).for_each(|line| line.write(&mut text));
    text.push_str("END:VCARD\r\n");
    Card::from_text(text)
}
