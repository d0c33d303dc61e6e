//! Content lines → the fields of a contact and what is left, and back. See the module above for
//! slots and for what is an error.

use super::line::Line;
use super::value::{escape, split_value, unescape};
use super::{Imported, PROPERTIES_MAX, Row, RowError, UID_MAX, names, names::one_line};
use crate::model::contact::{ADDITIONAL_DATA_MAX, ContactFields, NAME_MAX, check_labels, phone};
use crate::model::text;
use chrono::{Datelike, NaiveDate};

/// Lines about the file or its writer, not about the person; ours take their place.
const ABOUT_THE_FILE: [&str; 3] = ["VERSION", "PRODID", "REV"];
/// Lines of which an empty one says nothing; kept, it would be a slot.
const OURS: [&str; 7] = ["N", "FN", "EMAIL", "TEL", "BDAY", "NOTE", "CATEGORIES"];

/// Where the lines come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A card: whatever can name it names it, and wrong numbers and addresses are kept as lines.
    Card,
    /// A row of a table: it must have a name, and what is wrong in it is reported.
    Row,
}

/// The contact that `lines` make, with every fault at once.
pub fn import(at: u64, lines: Vec<Line>, origin: Origin, latest: NaiveDate) -> Row {
    let mut card = Card::new(lines, origin);
    let uid = card.take("UID").map(|line| one_line(&line.value));
    if uid.as_ref().is_some_and(|uid| uid.chars().count() > UID_MAX) {
        card.fault("uid", &format!("must have 1 to {UID_MAX} characters"));
    }
    let (first, last) = card.names();
    let email = card.best("EMAIL", "email", |value| {
        let bare = value.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
        text::email(value.get(bare.map_or(0, str::len)..).unwrap_or_default())
    });
    let phone = card.best("TEL", "phone", |value| phone(&number(value)));
    let birthday = card.birthday(latest);
    let additional_data = card.note();
    let labels = card.labels();
    let first_name = card.name("first_name", &first);
    let last_name = Some(card.name("last_name", &last)).filter(|name| !name.is_empty());
    if first.is_empty() {
        card.fault("first_name", "is required");
    }
    let fields =
        ContactFields { first_name, last_name, email, phone, birthday, additional_data, labels };
    let properties = card.properties(birthday);
    match card.faults.is_empty() {
        true => Ok(Imported { line: at, uid, fields, properties }),
        false => Err(RowError { line: at, detail: card.faults.join("; ") }),
    }
}

struct Card {
    lines: Vec<Option<Line>>,
    slots: Vec<Line>,
    faults: Vec<String>,
    origin: Origin,
}

impl Card {
    fn new(lines: Vec<Line>, origin: Origin) -> Card {
        let kept = lines.into_iter().filter(|line| {
            let empty = line.value.trim().is_empty() && OURS.iter().any(|name| line.is(name));
            !empty && !ABOUT_THE_FILE.iter().any(|name| line.is(name))
        });
        let lines = kept.map(Some).collect();
        Card { lines, slots: Vec::new(), faults: Vec::new(), origin }
    }

    fn fault(&mut self, field: &str, detail: &str) {
        self.faults.push(format!("{field}: {detail}"));
    }

    /// The lines of one name that are still there.
    fn all(&self, name: &str) -> impl Iterator<Item = &Line> {
        self.lines.iter().flatten().filter(move |line| line.is(name))
    }

    fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Takes the first line of that name away.
    fn take(&mut self, name: &str) -> Option<Line> {
        let is = |line: &&mut Option<Line>| line.as_ref().is_some_and(|line| line.is(name));
        self.lines.iter_mut().find(is).and_then(Option::take)
    }

    /// Keeps what `line` says beside its value.
    fn slot(&mut self, mut line: Line, value: &str) {
        // The field holds text, whatever the value was.
        line.drop_param("VALUE");
        if !line.is_plain() || !value.is_empty() {
            self.slots.push(Line { value: value.to_owned(), ..line });
        }
    }

    fn names(&mut self) -> (String, String) {
        let n = self.take("N");
        let full = self.take("FN");
        let value = |line: &Option<Line>| line.as_ref().map_or("", |line| &line.value).to_owned();
        let (mut first, last) = names::read(&value(&n), &value(&full));
        let derive_from: &[&str] = match self.origin {
            Origin::Card => &["ORG", "NICKNAME", "EMAIL", "TEL"],
            Origin::Row => &["ORG", "NICKNAME"],
        };
        for name in derive_from {
            if first.is_empty() {
                let part = |line: &Line| split_value(&line.value, ';').map(one_line).next();
                first = self
                    .all(name)
                    .filter_map(part)
                    .find(|text| !text.is_empty())
                    .unwrap_or_default();
            }
        }
        // A second line is kept as it is, and must not be taken for the slot of the first.
        let (more_n, more_full) = (self.has("N"), self.has("FN"));
        self.slots.extend(n.and_then(|line| names::n_slot(line, more_n)));
        let slot = full.and_then(|line| names::full_slot(line, &first, &last, more_full));
        self.slots.extend(slot);
        (first, last)
    }

    fn name(&mut self, field: &str, name: &str) -> String {
        text::line(name, 0, NAME_MAX).unwrap_or_else(|_| {
            self.fault(field, &format!("must have at most {NAME_MAX} characters"));
            String::new()
        })
    }

    /// The most preferred valid value of the lines of that name; the others stay lines.
    fn best(
        &mut self,
        name: &str,
        field: &str,
        check: impl Fn(&str) -> Result<String, String>,
    ) -> Option<String> {
        let mut lines: Vec<_> = self
            .lines
            .iter_mut()
            .filter(|line| line.as_ref().is_some_and(|line| line.is(name)))
            .collect();
        // Stable, so of equals the first one in the file.
        lines.sort_by_key(|line| line.as_ref().map(Line::rank));
        let mut why = None;
        let mut found = None;
        for place in lines {
            let Some(line) = place.as_ref() else { continue };
            match check(&one_line(&line.value)) {
                Ok(value) => {
                    found = place.take().zip(Some(value));
                    break;
                }
                Err(detail) => why = why.or(Some(detail)),
            }
        }
        match (found, why, self.origin) {
            (Some((line, value)), _, _) => {
                self.slot(line, "");
                return Some(value);
            }
            (None, Some(detail), Origin::Row) => self.fault(field, &detail),
            _ => {}
        }
        None
    }

    /// The first `BDAY` that is a full date.
    fn birthday(&mut self, latest: NaiveDate) -> Option<NaiveDate> {
        let full = |line: &Line| line.is("BDAY") && full_date(line).is_some();
        let place = self.lines.iter_mut().find(|line| line.as_ref().is_some_and(full))?;
        let mut line = place.take()?;
        let (date, time) = full_date(&line)?;
        if date > latest {
            self.fault("birthday", "must not be in the future");
        }
        if time.is_empty() {
            self.slot(line, "");
            // A time alone is what a slot looks like, and from now on it is one.
            let alone = |line: &Line| line.is("BDAY") && is_time(&line.value);
            let mut places = self.lines.iter_mut();
            let place = places.find(|line| line.as_ref().is_some_and(alone));
            self.slots.extend(place.and_then(Option::take));
        } else {
            // The hour of birth; the date is cut out.
            line.value = time;
            self.slots.push(line);
        }
        Some(date)
    }

    fn note(&mut self) -> Option<String> {
        let line = self.take("NOTE")?;
        let note = text::paragraph(&unescape(&line.value), ADDITIONAL_DATA_MAX);
        self.slot(line, "");
        match note {
            Ok(note) => Some(note).filter(|note| !note.is_empty()),
            Err(detail) => {
                self.fault("additional_data", &detail);
                None
            }
        }
    }

    /// The labels of the first `CATEGORIES` and of the others that say nothing beside.
    fn labels(&mut self) -> Vec<String> {
        let mut labels = Vec::new();
        let mut first = true;
        for place in &mut self.lines {
            let Some(line) = place.as_ref().filter(|line| line.is("CATEGORIES")) else { continue };
            if !first && !line.is_plain() {
                continue;
            }
            labels.extend(
                split_value(&line.value, ',').map(one_line).filter(|text| !text.is_empty()),
            );
            let line = place.take().unwrap_or_default();
            if first && !line.is_plain() {
                self.slots.push(Line { value: String::new(), ..line });
            }
            first = false;
        }
        check_labels(labels).unwrap_or_else(|detail| {
            self.fault("labels", &detail);
            Vec::new()
        })
    }

    /// The slots in a fixed order, then the other lines in the order of the file.
    fn properties(&mut self, birthday: Option<NaiveDate>) -> String {
        let mut text = String::new();
        let rest = self.lines.iter().flatten().filter(|line| !is_superseded(line, birthday));
        for line in self.slots.iter().chain(rest) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&line.to_string());
        }
        if text.len() > PROPERTIES_MAX {
            let detail = format!("what has no field must have at most {PROPERTIES_MAX} bytes");
            self.fault("properties", &detail);
        }
        text
    }
}

/// The telephone number in a value: `tel:` URIs (RFC 3966) as one would type them, and without
/// the invisible characters and odd spaces that programs put around numbers.
fn number(value: &str) -> String {
    let tel = value.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("tel:"));
    let value = value.get(tel.map_or(0, str::len)..).unwrap_or_default();
    let value = if tel.is_some() { value.replacen(";ext=", " x", 1) } else { value.to_owned() };
    let plain = value.chars().filter_map(|c| match c {
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        '\u{2010}'..='\u{2014}' => Some('-'),
        c if c.is_whitespace() => Some(' '),
        c => Some(c),
    });
    plain.collect()
}

/// The full date of a `BDAY`, and the time of day with its `T` where it is not midnight.
/// `YYYYMMDD` and `YYYY-MM-DD` (ISO 8601 as of RFC 2426, section 3.1.5). Apple marks a date
/// whose year means nothing.
fn full_date(line: &Line) -> Option<(NaiveDate, String)> {
    let value = line.value.trim();
    let (date, time) = value.split_at(value.find(['T', 't', ' ']).unwrap_or(value.len()));
    let digits: String = date.chars().filter(|c| *c != '-').collect();
    let shape = match date.len() {
        8 => !date.contains('-'),
        10 => date.bytes().enumerate().all(|(at, b)| (b == b'-') == matches!(at, 4 | 7)),
        _ => false,
    };
    if !shape || digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |range| digits.get(range).and_then(|part: &str| part.parse::<u32>().ok());
    let year = i32::try_from(part(0..4)?).ok().filter(|year| *year > 0)?;
    if line.param("X-APPLE-OMIT-YEAR").is_some() {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(year, part(4..6)?, part(6..8)?)?;
    let time = time.get(1..).map(|time| format!("T{time}")).unwrap_or_default();
    // Midnight is what programs write that know no time.
    match time.trim_matches(['T', 'Z', '0', ':', '.', ',']).is_empty() {
        true => Some((date, String::new())),
        false => is_time(&time).then_some((date, time)),
    }
}

/// True for a `BDAY` without year of which the field knows the year.
pub fn is_superseded(line: &Line, birthday: Option<NaiveDate>) -> bool {
    let Some(birthday) = birthday.filter(|_| line.is("BDAY")) else { return false };
    let digits: String = line.value.chars().filter(char::is_ascii_digit).collect();
    let day = format!("{:02}{:02}", birthday.month(), birthday.day());
    match line.param("X-APPLE-OMIT-YEAR") {
        Some(year) => digits == format!("{year}{day}"),
        None => line.value.trim().starts_with("--") && digits == day,
    }
}

/// The fields as content lines in a fixed order, each in the slot that the properties have for
/// it, and then the other lines.
pub fn export(fields: &ContactFields, properties: &str) -> Vec<Line> {
    let mut slots: [Option<Line>; 7] = Default::default();
    let mut rest = Vec::new();
    for text in properties.split('\n').filter(|text| !text.is_empty()) {
        let line = Line::read(text.as_bytes(), false);
        let named = OURS.iter().zip(&mut slots).find(|(name, _)| line.is(name));
        match named {
            Some((name, slot)) if slot.is_none() && is_slot(name, &line, fields) => {
                *slot = Some(line);
            }
            _ if is_superseded(&line, fields.birthday) => {}
            _ => rest.push(line),
        }
    }
    let [n, full, email, tel, bday, note, categories] = slots;
    let (first, last) = (&fields.first_name, fields.last_name.as_deref().unwrap_or_default());
    let fill = |slot: Option<Line>, name: &str, value: Option<String>| {
        value.map(|value| Line { value, ..slot.unwrap_or_else(|| Line::new(name, "")) })
    };
    let text = |field: &Option<String>| field.as_deref().map(escape);
    let labels: Vec<String> = fields.labels.iter().map(|label| escape(label)).collect();
    let labels = Some(labels.join(",")).filter(|labels| !labels.is_empty());
    let mut lines = vec![names::n_filled(n, first, last), names::full_filled(full, first, last)];
    lines.extend(fill(email, "EMAIL", text(&fields.email)));
    lines.extend(fill(tel, "TEL", text(&fields.phone)));
    let time = bday.as_ref().map_or("", |line| &line.value).to_owned();
    match fields.birthday {
        // Both parts in the same form, with or without separators (ISO 8601).
        Some(date) if time.is_empty() || time.contains(':') => {
            lines.extend(fill(bday, "BDAY", Some(format!("{date}{time}"))));
        }
        Some(date) => {
            lines.extend(fill(bday, "BDAY", Some(format!("{}{time}", date.format("%Y%m%d")))))
        }
        None => {}
    }
    lines.extend(fill(note, "NOTE", text(&fields.additional_data)));
    lines.extend(fill(categories, "CATEGORIES", labels));
    lines.append(&mut rest);
    lines
}

/// True if the first line of that name is a slot. Names always are: a second `N` or `FN` is kept
/// only behind the slot of the first. Of the others a slot is empty, or holds a time of birth.
fn is_slot(name: &str, line: &Line, fields: &ContactFields) -> bool {
    match name {
        "N" | "FN" => true,
        "BDAY" => line.value.is_empty() || (fields.birthday.is_some() && is_time(&line.value)),
        _ => line.value.is_empty(),
    }
}

/// True for a time of day as it follows a date, `T10:30:00Z`, other than midnight.
fn is_time(value: &str) -> bool {
    let time = value.strip_prefix('T').unwrap_or_default();
    time.contains(|c| matches!(c, '1'..='9'))
        && time.chars().all(|c| c.is_ascii_digit() || ":.,Z+-".contains(c))
}
