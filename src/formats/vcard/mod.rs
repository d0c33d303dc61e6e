//! vCard: 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350) in, 3.0 out, since that is the version which
//! every address book reads.

mod unfold;

use super::fields::{self, Origin};
use super::line::{self, Line};
use super::value::escape;
use super::{PROPERTIES_MAX, Row, RowError, encoding};
use crate::error::{Error, Result};
use crate::model::contact::Contact;
use chrono::NaiveDate;
use unfold::Unfold;

/// Most bytes of one card, a little more than what is kept of it.
const CARD_MAX: usize = PROPERTIES_MAX + 64 * 1024;
/// Most lines of one card: many times what a person has, and little to hold in memory.
const LINES_MAX: usize = 10_000;

/// The cards of a file, one by one, so that memory does not grow with the file. Broken lines and
/// cards do not stop it: a card may lack its `END`, text between cards is reported. A file in
/// which nothing is a card is [`Error::Malformed`]; an empty file has no cards. `latest` is the
/// last date that a birthday may have, see [`crate::model::contact::latest_date`].
pub fn read(bytes: &[u8], latest: NaiveDate) -> Result<Cards<'_>> {
    let mut lines = Unfold::new(encoding::without_bom(bytes));
    let mut blank = true;
    for (_, line) in lines.by_ref() {
        if is_mark(&line, "BEGIN:VCARD") {
            return Ok(Cards {
                lines: Unfold::new(encoding::without_bom(bytes)),
                latest,
                next: None,
            });
        }
        blank = false;
    }
    if blank {
        return Ok(Cards { lines, latest, next: None });
    }
    Err(Error::Malformed("the file has no vCard: no line says BEGIN:VCARD".to_owned()))
}

/// The iterator that [`read`] returns.
pub struct Cards<'a> {
    lines: Unfold<'a>,
    latest: NaiveDate,
    /// Where the next card begins, if its `BEGIN` was read already.
    next: Option<u64>,
}

/// An unfolded line of a card, and whether it belongs to a card inside (2.1 `AGENT`).
type RawLine = (Vec<u8>, bool);

impl Iterator for Cards<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        match self.begin()? {
            Ok(at) => Some(self.card(at)),
            Err(stray) => Some(Err(stray)),
        }
    }
}

impl Cards<'_> {
    /// Skips to the next card; or an error for the text before it.
    fn begin(&mut self) -> Option<Result<u64, RowError>> {
        if let Some(at) = self.next.take() {
            return Some(Ok(at));
        }
        let mut stray = None;
        for (at, line) in &mut self.lines {
            if is_mark(&line, "BEGIN:VCARD") {
                let Some(line) = stray else { return Some(Ok(at)) };
                self.next = Some(at);
                return Some(Err(stray_text(line)));
            }
            // A second END is harmless.
            if !is_mark(&line, "END:VCARD") {
                stray = stray.or(Some(at));
            }
        }
        stray.map(|line| Err(stray_text(line)))
    }

    /// Reads the card that began at line `at`, up to its `END`, the next `BEGIN` or the end.
    fn card(&mut self, at: u64) -> Row {
        let mut raw: Vec<RawLine> = Vec::new();
        let mut bytes = 0;
        let mut count = 0;
        let mut depth = 0_usize;
        for (number, line) in &mut self.lines {
            let begins = is_mark(&line, "BEGIN:VCARD");
            let ends = is_mark(&line, "END:VCARD");
            if begins && depth == 0 && !raw.last().is_some_and(|(last, _)| is_mark(last, "AGENT:"))
            {
                self.next = Some(number);
                break;
            }
            if ends && depth == 0 {
                break;
            }
            depth += usize::from(begins);
            bytes += line.len();
            count += 1;
            // Past the limits go on to the end of the card, but keep no more of it.
            if bytes <= CARD_MAX && count <= LINES_MAX {
                raw.push((line, depth > 0));
            }
            depth -= usize::from(ends);
        }
        if bytes > CARD_MAX || count > LINES_MAX {
            let detail =
                format!("the card must have at most {CARD_MAX} bytes and {LINES_MAX} lines");
            return Err(RowError { line: at, detail });
        }
        fields::import(at, content_lines(&raw), Origin::Card, self.latest)
    }
}

fn stray_text(line: u64) -> RowError {
    RowError { line, detail: "the text is not part of a card".to_owned() }
}

/// The content lines of a card. The lines of a card inside become the value of the `AGENT` before
/// them, as 3.0 writes it (RFC 2426, section 3.5.4).
fn content_lines(raw: &[RawLine]) -> Vec<Line> {
    let old = |nested: bool| {
        let mut versions = raw.iter().filter(|line| line.1 == nested);
        versions.any(|(line, _)| is_mark(line, "VERSION:2.1"))
    };
    let old = (old(false), old(true));
    let mut lines: Vec<Line> = Vec::new();
    for (text, nested) in raw {
        match lines.last_mut() {
            Some(agent) if *nested => {
                if !agent.value.is_empty() {
                    agent.value.push_str("\\n");
                }
                agent.value.push_str(&escape(&nested_line(text, old.1)));
            }
            _ => lines.push(Line::read(text, old.0)),
        }
    }
    lines
}

fn nested_line(text: &[u8], old: bool) -> String {
    for mark in ["BEGIN:VCARD", "END:VCARD"] {
        if is_mark(text, mark) {
            return mark.to_owned();
        }
    }
    if is_mark(text, "VERSION:2.1") {
        return "VERSION:3.0".to_owned();
    }
    Line::read(text, old).to_string()
}

/// True if the line is `mark` in any letter case, spaces aside.
fn is_mark(line: &[u8], mark: &str) -> bool {
    let visible = line.iter().filter(|byte| !byte.is_ascii_whitespace());
    // `eq` on iterators stops at the first difference.
    visible.map(u8::to_ascii_uppercase).eq(mark.bytes())
}

/// Appends the contact as a card of version 3.0: fields in the slots that its properties have,
/// then the other properties. Reading it gives the same fields, uid and properties.
pub fn write(out: &mut String, contact: &Contact) {
    let revised = contact.updated_at.format("%Y-%m-%dT%H:%M:%SZ");
    let head = [
        Line::new("BEGIN", "VCARD"),
        Line::new("VERSION", "3.0"),
        Line::new("PRODID", "-//contactd//contactd//EN"),
        Line::new("UID", escape(&contact.uid)),
        Line::new("REV", revised.to_string()),
    ];
    let lines = fields::export(&contact.fields, &contact.properties);
    let end = [Line::new("END", "VCARD")];
    for line in head.iter().chain(&lines).chain(&end) {
        line::fold(out, line);
    }
}
