//! Cards in: files of 2.1, 3.0 and 4.0, and single cards of CardDAV. Out come cards of 3.0.

use crate::charset::{Decoder, without_mark};
use crate::content::Reader;
use crate::convert::{RawLine, converted};
use crate::line::Line;
use crate::modern::is_one_part;
use crate::table;
use crate::unfold::{Logical, Unfold, is_mark, unquoted};
use crate::valid::{is_blank, is_complete, is_valid};
use crate::value::{escape, visible};
use crate::{Card, Details, Warning, names, odd};
use std::borrow::Cow;

/// Most octets of a card without its pictures.
pub const CARD_MAX: usize = 1 << 20;
/// Most octets of the pictures and keys of a card that a file brings: as much as the largest picture that
/// may be made smaller takes (5 MiB in base64).
const PICTURES_MAX: usize = (7 << 20) + (1 << 19);
/// Most octets of a card by CardDAV.
const PUT_MAX: usize = 4 << 20;
/// Most octets of a card in a file without its pictures: quoted-printable takes three times what it
/// stands for, and the lines cost something too.
const TEXT_MAX: usize = 6 * CARD_MAX;
/// What a line costs in memory beside its octets, less than it really does: so many short lines
/// are too large before many octets are.
const LINE_COST: usize = 64;
/// The names of lines that begin a card where its BEGIN was lost.
const BARE_NAMES: [&str; 10] =
    ["N", "FN", "PRODID", "UID", "REV", "TEL", "EMAIL", "ORG", "NICKNAME", "ADR"];
/// Most warnings of one card.
const WARNINGS_MAX: usize = 50;

/// A card of a file, or a part of the file that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The first physical line, from 1.
    pub line: u64,
    /// The card, of which UID may be missing, or what is wrong.
    pub card: Result<Card, String>,
    /// What is odd in it, but in the card all the same.
    pub warnings: Vec<Warning>,
}

/// The cards of a file, one by one, so that memory does not grow with their number. Broken lines and
/// cards do not stop it: a card may lack its `BEGIN` or `END`; text outside of cards is a fault of its own.
/// `declared` is the character set that the media type names.
pub fn read_cards<'a>(bytes: &'a [u8], declared: Option<&str>) -> Cards<'a> {
    let (file, known) = without_mark(bytes, declared);
    Cards {
        file,
        unfold: Unfold::default(),
        decoder: Some((Decoder::new(declared, known), false)),
        next: None,
        bare: true,
        found: false,
        ended: false,
    }
}

/// A longer first line is no header of a table that holds cards.
const FIRST_MAX: usize = 100_000;

/// True if a line of the file begins or ends a card, or if its first one is the version or the name of one.
pub fn has_cards(bytes: &[u8]) -> bool {
    let (file, _) = without_mark(bytes, None);
    let lines = || {
        let lines = file.split(|byte| matches!(byte, b'\n' | b'\r'));
        lines.map(|line| line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line))
    };
    let first = lines().find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let first = first.trim_ascii_start();
    // `N;Name;Tel.:` is a table.
    let separated = first.starts_with(b"N;") && !first.contains(&b'=');
    let marked = |line| is_mark(line, "BEGIN:VCARD") || is_mark(line, "END:VCARD");
    // A cell of a table may hold a card, in somebody's notes.
    let is_table = || first.len() < FIRST_MAX && table::is_header(&String::from_utf8_lossy(first));
    (is_line_of(first, &["N", "FN"]) && !separated)
        || lines().map(unquoted).any(marked) && !is_table()
}

/// True for a content line of one of these names, or for the version of a card.
fn is_line_of(line: &[u8], names: &[&str]) -> bool {
    let end = line.iter().position(|byte| matches!(byte, b';' | b':')).unwrap_or_default();
    let name = line.get(..end).unwrap_or_default();
    let named = names.iter().any(|it| name.eq_ignore_ascii_case(it.as_bytes()));
    named && line.contains(&b':')
        || ["VERSION:2.1", "VERSION:3.0", "VERSION:4.0"].iter().any(|it| is_mark(line, it))
}

/// The iterator that [`read_cards`] returns.
pub struct Cards<'a> {
    file: Cow<'a, [u8]>,
    unfold: Unfold,
    /// The decoder, and whether it was said that it guesses.
    decoder: Option<(Decoder, bool)>,
    /// BEGIN of the next card, if it was read already.
    next: Option<Logical>,
    /// A card may lack its BEGIN.
    bare: bool,
    found: bool,
    ended: bool,
}

/// The lines of one card.
struct RawCard {
    /// Its BEGIN, or its first line.
    begin: Logical,
    lines: Vec<RawLine>,
    /// Where the line after it begins; none where BEGIN or END is missing.
    end: Option<usize>,
    too_large: bool,
    /// What is too large to be taken: what it is, and where.
    left_out: Vec<Warning>,
}

impl Iterator for Cards<'_> {
    type Item = Read;

    fn next(&mut self) -> Option<Read> {
        match self.begin()? {
            Ok(begin) => {
                let raw = self.raw_card(begin);
                Some(self.read(raw))
            }
            Err(fault) => Some(fault),
        }
    }
}

impl Cards<'_> {
    /// Skips to the next card; or a fault for the text before it.
    fn begin(&mut self) -> Option<Result<Logical, Read>> {
        if let Some(begin) = self.next.take() {
            return Some(Ok(begin));
        }
        let mut stray = None;
        while let Some(line) = self.unfold.next(&self.file) {
            if is_mark(&line.bytes, "BEGIN:VCARD")
                || self.bare && is_line_of(&line.bytes, &BARE_NAMES)
            {
                self.found = true;
                let Some(number) = stray else { return Some(Ok(line)) };
                self.next = Some(line);
                return Some(Err(fault(number, "the text is not part of a card")));
            }
            // A second END is harmless, and so are zeros or Ctrl-Z at the end.
            if line.bytes.iter().any(|byte| *byte > b' ') && !is_mark(&line.bytes, "END:VCARD") {
                stray = stray.or(Some(line.number));
            }
        }
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        match (self.found, stray) {
            (_, None) => None,
            (true, Some(number)) => Some(Err(fault(number, "the text is not part of a card"))),
            (false, Some(number)) => {
                Some(Err(fault(number, "the file has no vCard: no line says BEGIN:VCARD")))
            }
        }
    }

    /// The lines of the card up to its END, the next BEGIN or the end of the file.
    fn raw_card(&mut self, begin: Logical) -> RawCard {
        let mut card =
            RawCard { begin, lines: Vec::new(), end: None, too_large: false, left_out: Vec::new() };
        let marked = is_mark(&card.begin.bytes, "BEGIN:VCARD");
        if !marked {
            card.lines.push((card.begin.clone(), false));
        }
        let (mut depth, mut pictures, mut text) = (0_usize, 0, 0);
        while let Some(line) = self.unfold.next(&self.file) {
            let begins = is_mark(&line.bytes, "BEGIN:VCARD");
            let ends = is_mark(&line.bytes, "END:VCARD");
            let agent =
                || card.lines.last().is_some_and(|(last, _)| is_mark(&last.bytes, "AGENT:"));
            if begins && depth == 0 && !agent() {
                self.next = Some(line);
                break;
            }
            if ends && depth == 0 {
                card.end = Some(line.end).filter(|_| marked);
                break;
            }
            depth += usize::from(begins);
            let octets = line.bytes.len() + LINE_COST;
            match picture(&line.bytes) {
                Some(name) if pictures + octets > PICTURES_MAX => {
                    let detail = format!("{name}: is larger than a card may be; left out");
                    card.left_out.push(Warning { line: line.number, detail });
                    card.left_out.truncate(WARNINGS_MAX);
                    continue;
                }
                Some(_) => pictures += octets,
                None => text += octets,
            }
            card.too_large |= text > TEXT_MAX;
            // Past the limit go on to the end of the card, but keep no more of it.
            if !card.too_large {
                card.lines.push((line, depth > 0));
            }
            depth -= usize::from(ends);
        }
        card
    }

    fn read(&mut self, raw: RawCard) -> Read {
        let line = raw.begin.number;
        if raw.too_large {
            return fault(line, "the card is too large");
        }
        let mut warnings = raw.left_out.clone();
        let (card, of_lines) = self.card(raw, true);
        warnings.extend(of_lines);
        let details = card.details();
        let full: Vec<String> =
            card.lines().filter(|line| line.is("FN")).map(|line| line.text()).collect();
        let named = full.iter().any(|text| visible(text).is_some())
            || !full.is_empty() && details.additional_data.is_some();
        let aside = || names::aside(&card.lines().collect::<Vec<_>>());
        if !named && card.group().is_none() && names::says_who(&details).or_else(aside).is_none() {
            return Read {
                line,
                card: Err("nothing in the card says who it is".to_owned()),
                warnings: Vec::new(),
            };
        }
        if card.sizes().1 > CARD_MAX {
            return fault(line, "the card has more than 1 MiB without its pictures");
        }
        warnings.extend(odd::of(&card, &details).map(|detail| Warning { line, detail }));
        warnings.truncate(WARNINGS_MAX);
        Read { line, card: Ok(complete(card, Some(&details))), warnings }
    }

    /// The card as it was sent if it is one of 3.0, else what it says in 3.0. A file's is translated too
    /// where Android has put members into lines of its own, or an address is in one part.
    fn card(&mut self, raw: RawCard, of_file: bool) -> (Card, Vec<Warning>) {
        let end = raw.end.filter(|_| raw.left_out.is_empty());
        let sent = end.and_then(|end| self.file.get(raw.begin.start..end));
        let sent = sent.and_then(|sent| std::str::from_utf8(sent).ok());
        if let Some(sent) = sent.filter(|sent| is_valid(sent)) {
            let card = Card::from_text(sent.to_owned());
            let odd = |line: &Line<'_>| line.is("X-ANDROID-CUSTOM") || is_one_part(line);
            if !(of_file && card.lines().any(|line| odd(&line))) {
                return (card, Vec::new());
            }
        }
        let mut warnings = Vec::new();
        let (decoder, said) = self.decoder.take().unwrap_or((Decoder::new(None, false), true));
        let mut reader = Reader::new(&self.file, decoder, said);
        let card = converted(&mut reader, raw.lines, &mut warnings);
        self.decoder = Some(reader.into_decoder());
        (card, warnings)
    }
}

/// The name of a line of a picture and the like, which has a limit of its own.
fn picture(line: &[u8]) -> Option<&'static str> {
    let end = line.iter().take(100).position(|byte| matches!(byte, b';' | b':'));
    let name = line.get(..end.unwrap_or(0)).unwrap_or_default();
    let name = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let is = |large: &&&str| name.eq_ignore_ascii_case(large.as_bytes());
    crate::card::LARGE.iter().find(is).copied()
}

fn fault(line: u64, why: &str) -> Read {
    Read { line, card: Err(why.to_owned()), warnings: Vec::new() }
}

/// With FN and N, which 3.0 asks for.
fn complete(mut card: Card, details: Option<&Details>) -> Card {
    let has = |name: &str| card.lines().any(|line| line.is(name) && !is_blank(&line));
    let (full, parts) = (has("FN"), has("N"));
    if !(full && parts) {
        let name =
            details.map_or_else(|| card.details().display_name, |it| it.display_name.clone());
        card.edit(|editor| {
            if !parts {
                editor.insert_head(Line::new("N", ";;;;"));
            }
            if !full {
                editor.remove("FN");
                editor.insert_head(Line::new("FN", escape(&name)));
            }
        });
    }
    card
}

/// A card by CardDAV.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// The card, of which UID may be missing: the caller gives it one.
    pub card: Card,
    /// True if its text is what was sent, octet for octet.
    pub as_sent: bool,
}

/// Why octets are no card that can be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No BEGIN.
    NoCard,
    /// No END.
    CutOff,
    /// More than one.
    TwoCards,
    /// More than 4 MiB, or more than 1 MiB without pictures.
    TooLarge,
}

/// Reads one card (`carddav.md`, rules 28, 30, 34, 35, 40). What can be read is not refused.
///
/// # Errors
/// [`Refusal`] for what is no card, or more than one.
pub fn put_card(octets: &[u8]) -> Result<Put, Refusal> {
    if octets.len() > PUT_MAX {
        return Err(Refusal::TooLarge);
    }
    let mut cards = Cards { bare: false, ..read_cards(octets, None) };
    let begin = loop {
        match cards.begin() {
            Some(Ok(begin)) => break begin,
            Some(Err(_)) => {}
            None => return Err(Refusal::NoCard),
        }
    };
    let raw = cards.raw_card(begin);
    if raw.end.is_none() {
        return Err(if cards.next.is_some() { Refusal::TwoCards } else { Refusal::CutOff });
    }
    if raw.too_large {
        return Err(Refusal::TooLarge);
    }
    let (card, _) = cards.card(raw, false);
    while let Some(more) = cards.begin() {
        if more.is_ok() {
            return Err(Refusal::TwoCards);
        }
    }
    let as_sent = is_complete(&card) && card.as_str().as_bytes() == octets;
    let card = complete(card, None);
    let (all, without) = card.sizes();
    if without > CARD_MAX || all > PUT_MAX {
        return Err(Refusal::TooLarge);
    }
    Ok(Put { card, as_sent })
}
