//! A row of cells → content lines.

use super::columns::{Column, Kind, Layout, Thing, Things};
use crate::formats::line::Line;
use crate::formats::value::escape;
use std::borrow::Cow;

/// What stands between several values in one cell; Google writes it with spaces around.
pub const SEVERAL: &str = ":::";

/// The content lines that a row makes, or why it makes none.
pub fn content_lines<'a>(
    layout: &Layout,
    cells: impl Iterator<Item = &'a str>,
) -> Result<Vec<Line>, String> {
    let mut row = Builder::default();
    let mut columns = layout.columns.iter();
    for cell in cells {
        let column = columns.next();
        let text = without_controls(unguarded(cell));
        let text = text.trim();
        match column {
            _ if text.is_empty() => {}
            Some(column) => row.add(column, text, layout.outlook),
            None => return Err("the row has more cells than the header".to_owned()),
        }
    }
    row.finish()
}

/// A cell without the control characters that no content line can have.
fn without_controls(cell: &str) -> Cow<'_, str> {
    let wrong = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if cell.contains(wrong) { Cow::Owned(cell.replace(wrong, "")) } else { Cow::Borrowed(cell) }
}

/// A cell without the apostrophe that keeps a spreadsheet from taking it for a formula.
fn unguarded(cell: &str) -> &str {
    let formula = |rest: &str| {
        rest.trim_start_matches('\'')
            .starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
    };
    cell.strip_prefix('\'').filter(|rest| formula(rest)).unwrap_or(cell)
}

#[derive(Default)]
struct Builder {
    lines: Vec<Line>,
    /// Last, first, middle, prefix, suffix, as in `N`.
    name: [String; 5],
    full: String,
    born: [String; 3],
    labels: Vec<String>,
    things: Things,
    /// How many groups `item1`, `item2`, … there are.
    items: usize,
}

impl Builder {
    fn add(&mut self, column: &Column, text: &str, outlook: bool) {
        match column {
            Column::Name(part) => {
                if let Some(place) = self.name.get_mut(*part as usize) {
                    text.clone_into(place);
                }
            }
            Column::FullName => text.clone_into(&mut self.full),
            Column::Uid => self.lines.push(Line::new("UID", escape(text))),
            Column::Birthday => self.birthday(text, outlook),
            Column::BirthPart(part) => {
                if let Some(place) = self.born.get_mut(*part) {
                    text.clone_into(place);
                }
            }
            Column::Notes => self.lines.push(Line::new("NOTE", escape(text))),
            // Only as Google writes it, with spaces: its labels may well hold ":::" themselves.
            Column::Labels => self.labels.extend(text.split(" ::: ").map(label)),
            Column::Categories => self.labels.extend(text.split([';', ',']).map(label)),
            Column::Line(name) => {
                let (name, param) = name.split_once(';').unwrap_or((name, ""));
                let line = match param.split_once('=') {
                    // A URI has nothing to escape.
                    Some((param, value)) => Line::new(name, text).with(param, value),
                    None => Line::new(name, escape(text)),
                };
                self.lines.push(line);
            }
            Column::Part(kind, order, types, part) => {
                self.things.entry((*kind, *order)).or_default().add(types, *part, text);
            }
            Column::Other(header) => {
                let header = header.replace(|c: char| c == '"' || c.is_control(), " ");
                let line =
                    Line::new("X-CSV", escape(text)).with("X-COLUMN", &format!("\"{header}\""));
                self.lines.push(line);
            }
        }
    }

    /// A date as it is, but Outlook's month/day/year; Outlook writes 0/0/00 where there is none.
    fn birthday(&mut self, text: &str, outlook: bool) {
        let parts: Vec<u32> = text.split('/').map_while(|part| part.parse().ok()).collect();
        let date = match parts.as_slice() {
            [0, 0, _] => return,
            [month, day, year] if outlook && *year > 999 => {
                format!("{year:04}-{month:02}-{day:02}")
            }
            _ => escape(text),
        };
        self.lines.push(Line::new("BDAY", date));
    }

    /// Thunderbird's three columns; without a year it is a birthday all the same (RFC 6350,
    /// section 4.3.1).
    fn born(&mut self) {
        let [year, month, day] = &self.born;
        if let (Ok(month), Ok(day)) = (month.parse::<u32>(), day.parse::<u32>()) {
            let date = match year.parse::<u32>() {
                Ok(year) => format!("{year:04}-{month:02}-{day:02}"),
                Err(_) => format!("--{month:02}-{day:02}"),
            };
            self.lines.push(Line::new("BDAY", date));
        } else if !year.is_empty() || !month.is_empty() || !day.is_empty() {
            self.lines
                .push(Line::new("BDAY", escape(&[year, month, day].map(String::as_str).join("-"))));
        }
    }

    fn finish(mut self) -> Result<Vec<Line>, String> {
        let [last, first, ..] = &self.name;
        if first.is_empty() && self.full.is_empty() && !last.is_empty() {
            return Err("first_name: is required".to_owned());
        }
        self.born();
        self.lines.push(Line::new("N", self.name.each_ref().map(|part| escape(part)).join(";")));
        self.lines.push(Line::new("FN", escape(&self.full)));
        let labels: Vec<_> = self.labels.iter().map(|label| escape(label)).collect();
        self.lines.push(Line::new("CATEGORIES", labels.join(",")));
        for ((kind, _), thing) in std::mem::take(&mut self.things) {
            self.thing(kind, thing);
        }
        Ok(self.lines)
    }

    fn thing(&mut self, kind: Kind, thing: Thing) {
        let name = match kind {
            Kind::Organization => return self.organization(&thing),
            Kind::Address => return self.address(&thing),
            Kind::Email => "EMAIL",
            Kind::Phone => "TEL",
            Kind::Website => "URL",
            Kind::Im => "X-IM",
            Kind::Event => "X-ABDATE",
            Kind::Relation => "X-ABRELATEDNAMES",
            Kind::Custom => "X-CUSTOM",
        };
        for value in thing.value.split(SEVERAL).map(str::trim).filter(|value| !value.is_empty()) {
            let value = if kind == Kind::Website { value.to_owned() } else { escape(value) };
            self.labelled(Line::new(name, value), &thing);
        }
    }

    fn organization(&mut self, thing: &Thing) {
        let [name, department, title, ..] = thing.components.each_ref().map(|text| escape(text));
        if !department.is_empty() {
            self.lines.push(Line::new("ORG", format!("{name};{department}")));
        } else if !name.is_empty() {
            self.lines.push(Line::new("ORG", name));
        }
        if !title.is_empty() {
            self.lines.push(Line::new("TITLE", title));
        }
    }

    /// Google also writes the address in one text, put together from the others.
    fn address(&mut self, thing: &Thing) {
        let mut components = thing.components.each_ref().map(|text| escape(text));
        if let ([.., street, _, _, _, _], true) =
            (&mut components, thing.components.iter().all(String::is_empty))
        {
            *street = escape(&thing.formatted);
        }
        if components.iter().any(|text| !text.is_empty()) {
            self.labelled(Line::new("ADR", components.join(";")), thing);
        }
    }

    /// Adds the line with its type. A label that is no single word stands beside it, as Apple and
    /// Google do it: `item1.TEL` and `item1.X-ABLabel`.
    fn labelled(&mut self, mut line: Line, thing: &Thing) {
        // A star marks the preferred one.
        let starred = thing.label.strip_prefix("* ");
        let label = starred.unwrap_or(&thing.label).trim();
        if starred.is_some() {
            line = line.with("TYPE", "pref");
        }
        let lower = label.to_lowercase();
        let types = match lower.as_str() {
            "" => thing.types,
            "mobile" => "CELL",
            "home fax" => "HOME,FAX",
            "work fax" => "WORK,FAX",
            "home" | "work" | "main" | "other" | "pager" | "fax" => lower.as_str(),
            _ => {
                self.items += 1;
                line.group = format!("item{}", self.items);
                let mut named = Line::new("X-ABLabel", escape(label));
                named.group.clone_from(&line.group);
                self.lines.extend([line, named]);
                return;
            }
        };
        for word in types.split(',').filter(|word| !word.is_empty()) {
            line = line.with("TYPE", &word.to_uppercase());
        }
        self.lines.push(line);
    }
}

/// A label as [`label`] reads it again. What separates labels, and the star of Google's own ones, get
/// a backslash in front where they are part of a label.
pub fn label_cell(label: &str) -> String {
    let star = if is_starred(label) { "\\" } else { "" };
    format!("{star}{}", label.replace(SEVERAL, "\\:::"))
}

/// Begins with a star, or with what [`label_cell`] makes of one.
fn is_starred(label: &str) -> bool {
    label.trim_start_matches('\\').starts_with("* ")
}

/// A label without the star that Google gives to its own ones.
fn label(text: &str) -> String {
    let text = text.trim().replace("\\:::", SEVERAL);
    if let Some(bare) = text.strip_prefix('\\').filter(|bare| is_starred(bare)) {
        return bare.to_owned();
    }
    let own = ["myContacts", "starred", "friends", "family", "coworkers"];
    let bare =
        text.strip_prefix("* ").filter(|bare| own.iter().any(|own| bare.eq_ignore_ascii_case(own)));
    bare.unwrap_or(&text).to_owned()
}
