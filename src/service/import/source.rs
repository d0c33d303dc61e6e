//! A file → cards. Which kind it is, its contents show and its media type.

use super::incoming::{CARDS_MAX, Incoming, List, Notes, too_many};
use super::{json, lenient};
use crate::error::{Error, Result};
use crate::model::contact::input::{LABEL_MAX, LIST_MAX};
use crate::model::contact::{
    CARD_MAX, CARD_TEXT_MAX, Input, MEMBERS, Method, check_size, new_card,
};
use crate::model::text;
use crate::picture;
use chrono::NaiveDate;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use vcard::table::{self, Fault, Options};
use vcard::{Card, Details, Group, Picture};

/// Largest picture, in bytes, that stays as it is.
pub(super) const PHOTO_MAX: usize = 1024 * 1024;

/// What a file has.
#[derive(Debug, Default)]
pub struct Source {
    /// Its cards, each small enough to be stored.
    pub(super) cards: Vec<Incoming>,
    /// Lists of people, by the uid of each member.
    pub(super) groups: HashMap<String, Vec<Arc<List>>>,
    pub(super) errors: Notes,
    pub(super) warnings: Notes,
    /// Its cards are whole. Of a table or JSON they say what members show, and no more.
    pub(super) is_whole: bool,
    /// `vCard`, `CSV` or `JSON`.
    pub format: &'static str,
}

/// Reads a file. [`Error::Malformed`] for what is no file of contacts at all, [`Error::Invalid`] for a
/// wrong `map` (column → member) and for one with too many contacts.
pub fn read(
    bytes: &[u8],
    media_type: &str,
    charset: Option<&str>,
    map: &[(String, String)],
    latest: NaiveDate,
) -> Result<Source> {
    contacts(bytes, media_type, charset, map, latest).map_err(|error| match (error, other_kind(bytes)) {
        (Error::Malformed(_), Some(kind)) => Error::Malformed(format!(
            "the file is {kind}; a vCard, a table of separated values (CSV) or our JSON is expected"
        )),
        (error, _) => error,
    })
}

/// What a file is that has no contacts, by how it begins.
fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 15] = [
        (
            b"PK\x03\x04",
            "a workbook (such as .xlsx) or an archive (ZIP): save the sheet as CSV, or unpack it",
        ),
        (b"\xD0\xCF\x11\xE0", "a document of Microsoft Office: save it as CSV"),
        (b"!BDN", "a mailbox of Outlook: export its contacts as CSV"),
        (b"\x1F\x8B", "compressed (gzip): unpack it"),
        (b"%PDF", "a PDF"),
        (b"{\\rtf", "a document (RTF): save it as CSV"),
        (b"SQLite format 3", "a database"),
        (b"\x89PNG", "a picture"),
        (b"\xFF\xD8\xFF", "a picture"),
        (b"GIF8", "a picture"),
        (b"BEGIN:VCALENDAR", "a calendar"),
        (b"dn:", "LDIF: export it as vCard or CSV"),
        (b"version: 1", "LDIF: export it as vCard or CSV"),
        (b"<!DOCTYPE", "a web page"),
        (b"<", "a web page or other XML"),
    ];
    let rest = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    KINDS.iter().find(|(begin, _)| rest.starts_with(begin)).map(|(_, kind)| *kind)
}

fn contacts(
    bytes: &[u8],
    media_type: &str,
    charset: Option<&str>,
    map: &[(String, String)],
    latest: NaiveDate,
) -> Result<Source> {
    let mut source = Source::default();
    let marks: [&[u8]; 3] = [b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xFE\xFF"];
    let rest = marks.iter().find_map(|mark| bytes.strip_prefix(*mark)).unwrap_or(bytes);
    let rest = rest.trim_ascii_start();
    let is_json = rest.starts_with(b"[") || rest.starts_with(b"{");
    let is_json = is_json || media_type == "application/json";
    if rest.is_empty() && media_type != "application/json" {
        return Ok(source);
    }
    if vcard::has_cards(bytes) {
        source.format = "vCard";
        source.cards(bytes, charset)?;
    } else if is_json {
        source.format = "JSON";
        source.json(bytes, charset, latest)?;
    } else if ["text/vcard", "text/x-vcard", "text/directory"].contains(&media_type) {
        let why = "the file has no vCard: no line says BEGIN:VCARD";
        return Err(Error::Malformed(why.to_owned()));
    } else {
        source.format = "CSV";
        source.table(bytes, charset, map)?;
    }
    Ok(source)
}

/// Whether the last line that begins or ends a card begins one. As where cards are read, blanks in it, the zeros of
/// UTF-16 and the `>` of a mail count for nothing.
fn ends_within_a_card(bytes: &[u8]) -> bool {
    let begins = |line: &[u8]| {
        let seen = line.iter().filter(|byte| byte.is_ascii_alphabetic() || **byte == b':');
        let seen = seen.map(u8::to_ascii_uppercase);
        let is = |mark: &str| seen.clone().eq(mark.bytes());
        (is("BEGIN:VCARD") || is("END:VCARD")).then(|| is("BEGIN:VCARD"))
    };
    let mut lines = bytes.rsplit(|byte| matches!(byte, b'\n' | b'\r'));
    lines.find_map(begins) == Some(true)
}

impl Source {
    fn cards(&mut self, bytes: &[u8], charset: Option<&str>) -> Result<()> {
        self.is_whole = true;
        let mut last = 1;
        for read in vcard::read_cards(bytes, charset) {
            last = read.line;
            self.warnings.extend(read.warnings);
            match read.card {
                Ok(card) => self.add(read.line, card)?,
                Err(detail) => self.errors.add(read.line, detail),
            }
        }
        if ends_within_a_card(bytes) {
            // As after a broken download: whoever was to come after it is missing.
            let why = "the file ends within this card: it may have been cut off";
            self.warnings.add_first(last, why);
        }
        Ok(())
    }

    fn table(
        &mut self,
        bytes: &[u8],
        charset: Option<&str>,
        map: &[(String, String)],
    ) -> Result<()> {
        let (text, odd) = vcard::decode(bytes, charset);
        self.warnings.extend(odd);
        let read = |text| table::read(text, &Options { map });
        let text = match table::unwrapped(&text).filter(|_| read(&text).is_err()) {
            Some(unwrapped) => Cow::Owned(unwrapped),
            None => text,
        };
        let table = table::read(&text, &Options { map }).map_err(|fault| match fault {
            Fault::NoTable(why) => Error::Malformed(why),
            Fault::Map(why) => Error::invalid("map", why),
        })?;
        self.warnings.extend(table.warnings().iter().cloned());
        for row in table.rows() {
            match row {
                Ok(row) => {
                    self.warnings.extend(row.warnings);
                    let mut card = new_card(row.uid.as_deref(), &row.details);
                    card.keep(row.kept.iter().map(|(name, text)| (name.as_ref(), text.as_str())));
                    self.add(row.line, card)?;
                }
                Err(error) => self.errors.add(error.line, error.detail),
            }
        }
        Ok(())
    }

    fn json(&mut self, bytes: &[u8], charset: Option<&str>, latest: NaiveDate) -> Result<()> {
        let (text, odd) = vcard::decode(bytes, charset);
        self.warnings.extend(odd);
        self.is_whole = true;
        for element in json::read(text.as_bytes())? {
            let mut value = match element.value {
                Ok(value) => value,
                Err(detail) => {
                    self.errors.add(element.line, detail);
                    continue;
                }
            };
            if element.replaced {
                self.warnings.add(element.line, "half a character is no text; it became \u{fffd}");
            }
            let whole = value.as_object_mut().and_then(json::whole_card);
            let is_null = |name: &&str| value.get(*name).is_some_and(Value::is_null);
            let nulls: Vec<_> = MEMBERS.iter().map(|(name, _)| *name).filter(is_null).collect();
            let kept = value.as_object_mut().map(lenient::tidy).unwrap_or_default();
            // Octet for octet, as in a card: another one is another contact.
            let uid = value.get("uid").and_then(Value::as_str).map(str::to_owned);
            // What the card says, with what was edited beside it, as by PATCH.
            let method = if whole.is_some() { Method::Patch } else { Method::Post };
            if let Some(members) = value.as_object_mut().filter(|_| whole.is_some()) {
                for name in nulls {
                    members.entry(name).or_insert(Value::Null);
                }
            }
            let Ok(input) = Input::read(value, method) else {
                self.errors.add(element.line, "must be a JSON object");
                continue;
            };
            let there = whole.as_ref().map(Card::details).unwrap_or_default();
            let (details, faults) = input.apply_leniently(&there, latest);
            if !says_who(&details) {
                self.errors.add(element.line, "there is nothing in it that says who it is");
                continue;
            }
            for fault in faults.list() {
                self.warnings.add(element.line, format!("{}: {}", fault.field, fault.detail));
            }
            self.is_whole &= whole.is_some();
            let mut card = match whole {
                Some(mut card) => {
                    card.set(&details);
                    uid.filter(|_| card.uid().is_none()).iter().for_each(|uid| card.set_uid(uid));
                    card
                }
                None => new_card(uid.as_deref(), &details),
            };
            for (name, _) in &kept {
                self.warnings
                    .add(element.line, format!("no member takes a value; it is kept as {name}"));
            }
            card.keep(kept.iter().map(|(name, text)| (name.as_str(), text.as_str())));
            self.add(element.line, card)?;
        }
        Ok(())
    }

    /// Takes a card, if it says who it is about and is small enough.
    fn add(&mut self, line: u64, mut card: Card) -> Result<()> {
        if let Some(group) = card.group() {
            self.take_group(line, &group);
            return Ok(());
        }
        if self.cards.len() == CARDS_MAX {
            return Err(too_many());
        }
        if card.details().display_name.trim().is_empty() {
            self.errors.add(line, "there is nothing in it that says who it is");
            return Ok(());
        }
        self.shrink_photo(line, &mut card);
        for name in card.leave_out(CARD_MAX) {
            let why = "the card would have more than 4 MiB with it; left out";
            self.warnings.add(line, format!("{name}: {why}"));
        }
        match check_size(&card) {
            Ok(()) => self.cards.push(Incoming { line, text: card.text() }),
            Err(Error::Invalid(faults)) => {
                let why = faults.first().map(|fault| format!("{} {}", fault.field, fault.detail));
                self.errors.add(line, why.unwrap_or_default());
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// Notes whom a list of people gives its name as a label. The name is kept once, however many they
    /// are, and a contact gets no more of them than it may have labels.
    fn take_group(&mut self, line: u64, group: &Group) {
        let Ok(label) = text::line(&group.name, 1, LABEL_MAX) else {
            self.warnings.add(line, "a list of people: its name cannot be a label; left out");
            return;
        };
        if group.members.is_empty() {
            self.warnings.add(line, "a list of people: it has no members; left out");
        }
        let list = Arc::new(List { line, label });
        for uid in &group.members {
            let lists = self.groups.entry(uid.clone()).or_default();
            if lists.len() < LIST_MAX {
                lists.push(Arc::clone(&list));
            }
        }
    }

    /// A picture over a mebibyte is made smaller.
    fn shrink_photo(&mut self, line: u64, card: &mut Card) {
        let (whole, text) = card.sizes();
        if whole - text <= PHOTO_MAX || text > CARD_TEXT_MAX {
            return;
        }
        let Some(photo) = card.photo().filter(|photo| photo.bytes.len() > PHOTO_MAX) else {
            return;
        };
        match picture::portrait(&photo.bytes) {
            Ok(bytes) => {
                card.set_photo(Some(&Picture { media_type: "image/jpeg", bytes }));
                self.warnings.add(line, "photo: was over 1 MiB and was made smaller");
            }
            Err(_) => self.warnings.add(line, "photo: is over 1 MiB and cannot be made smaller"),
        }
    }
}

/// True if something names or reaches a person.
fn says_who(it: &Details) -> bool {
    let names = [
        &it.prefix,
        &it.first_name,
        &it.middle_name,
        &it.last_name,
        &it.suffix,
        &it.nickname,
        &it.organization,
    ];
    let reached = it.emails.len() + it.phones.len() + it.addresses.len();
    let reached = reached + it.online.len() + it.urls.len();
    !it.display_name.is_empty() || names.iter().any(|name| name.is_some()) || reached > 0
}
