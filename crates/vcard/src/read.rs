//! Cards in: files of 2.1, 3.0 and 4.0, and single cards of CardDAV. Out come cards of 3.0.

use crate::charset::{Decoder, without_mark};
use crate::content::{Reader, Version};
use crate::line::Line;
use crate::modern::Modern;
use crate::unfold::{Logical, Unfold, is_mark};
use crate::valid::{SINGLE, is_blank, is_complete, is_valid};
use crate::value::escape;
use crate::{Card, Details, Warning, names, odd};
use std::borrow::Cow;

/// Most octets of a card without its pictures.
pub const CARD_MAX: usize = 1 << 20;
/// Most octets of a card that a file brings, pictures included: as much as the largest picture that
/// may be made smaller takes (5 MiB in base64).
const FILE_CARD_MAX: usize = 8 << 20;
/// Most octets of a card by CardDAV.
const PUT_MAX: usize = 4 << 20;
/// Most octets of a card in a file without its pictures: quoted-printable takes three times what it
/// stands for, and the lines cost something too.
const TEXT_MAX: usize = 6 * CARD_MAX;
/// What a line costs in memory beside its octets, less than it really does: so many short lines
/// are too large before many octets are.
const LINE_COST: usize = 64;
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
/// cards do not stop it: a card may lack its `END`; text outside of cards is a fault of its own.
/// `declared` is the character set that the media type names.
pub fn read_cards<'a>(bytes: &'a [u8], declared: Option<&str>) -> Cards<'a> {
    let (file, known) = without_mark(bytes, declared);
    Cards {
        file,
        unfold: Unfold::default(),
        decoder: Some((Decoder::new(declared, known), false)),
        next: None,
        found: false,
        ended: false,
    }
}

/// True if a line of the file begins a card.
pub fn has_cards(bytes: &[u8]) -> bool {
    let (file, _) = without_mark(bytes, None);
    let mut ends = file.split(|byte| matches!(byte, b'\n' | b'\r'));
    ends.any(|line| is_mark(line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line), "BEGIN:VCARD"))
}

/// The iterator that [`read_cards`] returns.
pub struct Cards<'a> {
    file: Cow<'a, [u8]>,
    unfold: Unfold,
    /// The decoder, and whether it was said that it guesses.
    decoder: Option<(Decoder, bool)>,
    /// BEGIN of the next card, if it was read already.
    next: Option<Logical>,
    found: bool,
    ended: bool,
}

/// A line of a card, and whether it belongs to a card inside (2.1's `AGENT`).
type RawLine = (Logical, bool);

/// The lines of one card.
struct RawCard {
    /// Its BEGIN.
    begin: Logical,
    lines: Vec<RawLine>,
    /// Where the line after it begins; none where END is missing.
    end: Option<usize>,
    too_large: bool,
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
            if is_mark(&line.bytes, "BEGIN:VCARD") {
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
        let mut card = RawCard { begin, lines: Vec::new(), end: None, too_large: false };
        let (mut depth, mut octets, mut text) = (0_usize, 0, 0);
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
                card.end = Some(line.end);
                break;
            }
            depth += usize::from(begins);
            octets += line.bytes.len() + LINE_COST;
            if !is_picture(&line.bytes) {
                text += line.bytes.len() + LINE_COST;
            }
            card.too_large |= octets > FILE_CARD_MAX + TEXT_MAX || text > TEXT_MAX;
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
        let (card, mut warnings) = self.card(raw, false);
        let details = card.details();
        let kind = card.lines().any(|line| {
            line.is("X-ADDRESSBOOKSERVER-KIND") && line.value().trim().eq_ignore_ascii_case("group")
        });
        let named = card.lines().any(|line| line.is("FN"));
        if !named && !kind && names::says_who(&details).is_none() {
            return Read {
                line,
                card: Err("nothing in the card says who it is".to_owned()),
                warnings: Vec::new(),
            };
        }
        let (all, without) = card.sizes();
        if without > CARD_MAX || all > FILE_CARD_MAX {
            return fault(
                line,
                "the card has more than 1 MiB without its pictures, or more than 8 MiB",
            );
        }
        warnings.extend(odd::of(&card, &details).map(|detail| Warning { line, detail }));
        warnings.truncate(WARNINGS_MAX);
        Read { line, card: Ok(complete(card, Some(&details))), warnings }
    }

    /// The card as it was sent if it is one of 3.0, else what it says in 3.0.
    fn card(&mut self, raw: RawCard, only_whole: bool) -> (Card, Vec<Warning>) {
        let sent = raw.end.and_then(|end| self.file.get(raw.begin.start..end));
        let sent = sent.and_then(|sent| std::str::from_utf8(sent).ok());
        if let Some(sent) = sent.filter(|sent| is_valid(sent)) {
            let card = Card::from_text(sent.to_owned());
            if !only_whole || is_complete(&card) {
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

/// True for a line of a picture and the like, which has a limit of its own.
fn is_picture(line: &[u8]) -> bool {
    let end = line.iter().take(100).position(|byte| matches!(byte, b';' | b':'));
    let name = line.get(..end.unwrap_or(0)).unwrap_or_default();
    let name = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    crate::card::LARGE.iter().any(|large| name.eq_ignore_ascii_case(large.as_bytes()))
}

fn fault(line: u64, why: &str) -> Read {
    Read { line, card: Err(why.to_owned()), warnings: Vec::new() }
}

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
fn converted(reader: &mut Reader<'_>, raw: Vec<RawLine>, warnings: &mut Vec<Warning>) -> Card {
    let (outer, inner) = (version(&raw, false), version(&raw, true));
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
    assembled(Modern::translate(outer, lines))
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

/// The lines as a card.
fn assembled(mut lines: Vec<Line<'static>>) -> Card {
    lines.retain(|line| !line.is("VERSION"));
    for (name, other) in SINGLE {
        let says =
            |line: &Line<'_>| line.value().contains(|c: char| c != ';' && !c.is_whitespace());
        let readable = |line: &Line<'_>| name != "BDAY" || crate::date::date_of(line).is_some();
        let all = lines.iter().enumerate().filter(|(_, line)| line.is(name));
        let best = all.min_by_key(|(at, line)| (!says(line), !readable(line), line.rank(), *at));
        let Some((best, value)) = best.map(|(at, line)| (at, line.value().into_owned())) else {
            continue;
        };
        let mut at = 0;
        lines.retain_mut(|line| {
            let here = at;
            at += 1;
            if here == best || !line.is(name) {
                return true;
            }
            let kept = says(line) && line.value() != value;
            line.set_name(other);
            kept
        });
    }
    let mut text = String::from("BEGIN:VCARD\r\nVERSION:3.0\r\n");
    lines.iter().filter(|line| !is_blank(line)).for_each(|line| line.write(&mut text));
    text.push_str("END:VCARD\r\n");
    Card::from_text(text)
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
    let mut cards = read_cards(octets, None);
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
