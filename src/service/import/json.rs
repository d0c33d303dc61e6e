//! A JSON array of contacts, or the export of an account, which has one in `contacts`, with the card of each. It is
//! read element by element, so that memory does not grow with the file.

use crate::error::{Error, Result};
use crate::model::contact::CARD_MAX;
use crate::model::json::is_light;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use vcard::Card;

/// Longest element, in bytes. No card has as much text, and a parsed one takes many times its length.
const ELEMENT_MAX: usize = 1024 * 1024 + 64 * 1024;
/// Longest element with a card, in bytes: a card with its picture, and what else there is of it.
const EXPORTED_MAX: usize = CARD_MAX + 2 * ELEMENT_MAX;

/// An element of the array.
pub struct Element {
    /// The physical line of its beginning, from 1.
    pub line: u64,
    /// Parsed, or why it is not.
    pub value: Result<Value, String>,
    /// True if it had half a surrogate pair, in whose place U+FFFD stands now.
    pub replaced: bool,
}

/// The elements of the array. Text that is no JSON, or no array, is [`Error::Malformed`].
pub fn read(bytes: &[u8]) -> Result<Elements<'_>> {
    let malformed = |detail: String| Error::Malformed(detail);
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    // The whole text is checked first: a broken file changes nothing.
    serde_json::from_slice::<IgnoredAny>(bytes)
        .map_err(|err| malformed(format!("the file is no JSON: {err}")))?;
    let rest = bytes.trim_ascii_start();
    let Some(elements) = rest.strip_prefix(b"[").or_else(|| contacts_of(rest)) else {
        return Err(malformed("the JSON must be an array of contacts".to_owned()));
    };
    let before = bytes.len() - elements.len();
    let number = 1 + line_ends(bytes.get(..before).unwrap_or_default());
    Ok(Elements { number, rest: elements })
}

/// What follows the opening bracket of an object's list `contacts`.
fn contacts_of(object: &[u8]) -> Option<&[u8]> {
    let mut rest = object.strip_prefix(b"{")?;
    loop {
        if let Some(list) = value_of(rest, b"\"contacts\"").and_then(|it| it.strip_prefix(b"[")) {
            return Some(list);
        }
        rest = rest.get(element_length(rest)..)?.strip_prefix(b",")?;
    }
}

/// What follows the name and the colon of a member, if it has this name.
fn value_of<'a>(member: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = member.trim_ascii_start().strip_prefix(name)?.trim_ascii_start();
    value.strip_prefix(b":").map(<[u8]>::trim_ascii_start)
}

/// The iterator that [`read`] returns.
pub struct Elements<'a> {
    /// What follows the opening bracket or an element.
    rest: &'a [u8],
    /// The physical line where `rest` begins.
    number: u64,
}

impl Iterator for Elements<'_> {
    type Item = Element;

    fn next(&mut self) -> Option<Element> {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
        let start = self.rest.iter().position(|byte| !blank(byte))?;
        let (before, rest) = self.rest.split_at_checked(start)?;
        let (element, rest) = rest.split_at_checked(element_length(rest))?;
        if element.is_empty() {
            // What follows the list is none of it.
            self.rest = b"";
            return None;
        }
        let line = self.number + line_ends(before);
        self.number = line + line_ends(element);
        self.rest = rest;
        let (value, replaced) = match element.len() {
            0..=ELEMENT_MAX if !is_light(element) => {
                (Err("has more values than any contact needs".to_owned()), false)
            }
            0..=ELEMENT_MAX => parsed(element),
            length if length <= EXPORTED_MAX => exported(element).unwrap_or_else(too_long),
            _ => too_long(),
        };
        Some(Element { line, value, replaced })
    }
}

fn too_long() -> (Result<Value, String>, bool) {
    (Err("must have at most 1 MiB".to_owned()), false)
}

/// A contact of an account's export that is long for the picture in its card: the card is read by itself.
fn exported(element: &[u8]) -> Option<(Result<Value, String>, bool)> {
    let members = element.trim_ascii_end().strip_prefix(b"{")?.strip_suffix(b"}")?;
    let mut rest = members;
    loop {
        let (member, more) = rest.split_at_checked(element_length(rest))?;
        if let Some(card) = value_of(member, b"\"vcard\"") {
            let before = members.get(..members.len() - rest.len())?;
            let others = [b"{", before, b"\"vcard\":null", more, b"}"].concat();
            if !card.starts_with(b"\"") || others.len() > ELEMENT_MAX || !is_light(&others) {
                return None;
            }
            let ((card, cut), (others, replaced)) = (parsed(card), parsed(&others));
            let whole = others.and_then(|mut others| {
                let members = others.as_object_mut().ok_or("must be a JSON object")?;
                members.insert("vcard".to_owned(), card?);
                Ok(others)
            });
            return Some((whole, cut || replaced));
        }
        rest = more.strip_prefix(b",")?;
    }
}

/// The card that the export of an account has of a contact; what else it has beside the members goes.
pub fn whole_card(members: &mut Map<String, Value>) -> Option<Card> {
    let text = members.get("vcard")?.as_str()?;
    let card = vcard::read_cards(text.as_bytes(), None).next()?.card.ok()?;
    members.retain(|name, _| !["vcard", "revision", "resource_name"].contains(&name.as_str()));
    Some(card)
}

/// The value, and whether something was replaced for it: JavaScript cuts texts between the two halves of
/// a character and writes half a pair as `\ud83d`, which is no text. It costs that character only.
fn parsed(element: &[u8]) -> (Result<Value, String>, bool) {
    match serde_json::from_slice(element) {
        Ok(value) => (Ok(value), false),
        Err(_) => {
            let whole = serde_json::from_slice(&without_halves(element));
            (whole.map_err(|error| error.to_string()), true)
        }
    }
}

/// The text of an element with `\ufffd` for each escape of half a surrogate pair (RFC 8259, 8.2).
fn without_halves(element: &[u8]) -> Vec<u8> {
    let escape = |at: usize| {
        let digits = element.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut text = Vec::with_capacity(element.len());
    let mut at = 0;
    while let Some(byte) = element.get(at) {
        let (copied, length) = match (escape(at), escape(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (element.get(at..at + 12), 12),
            (Some(0xd800..=0xdfff), _) => (Some(b"\\ufffd".as_slice()), 6),
            // What follows a backslash begins no escape, nor does it end the text.
            _ if *byte == b'\\' => (element.get(at..at + 2), 2),
            _ => (element.get(at..=at), 1),
        };
        text.extend(copied.unwrap_or_default());
        at += length;
    }
    text
}

/// The length of the element at the beginning of `text`, which is valid JSON: up to a comma or
/// bracket that is outside of strings and nested values. 0 at the end of the array.
fn element_length(text: &[u8]) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let end = text.iter().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth > 0 => depth -= 1,
            b',' | b']' => return depth == 0,
            _ => {}
        }
        false
    });
    end.unwrap_or(text.len())
}

fn line_ends(text: &[u8]) -> u64 {
    u64::try_from(text.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_element_has_its_line() {
        let text = "\u{feff}\n\n[\n{\"a\": \"a]},\\\"\"}, {\"b\":\n\"b\", \"x\": [1,{}]},\n7]\n";
        let lines: Vec<_> = read(text.as_bytes()).unwrap().map(|it| it.line).collect();
        assert_eq!(lines, [4, 4, 6]);
        let first = read(text.as_bytes()).unwrap().next().unwrap().value.unwrap();
        assert_eq!(first["a"], "a]},\"");
    }

    #[test]
    fn half_a_surrogate_pair_costs_that_character_and_nothing_else() {
        for (text, read_as, replaced) in [
            (r#""Zoe \ud83d""#, "Zoe \u{fffd}", true),
            (r#""\udE00 Zoe""#, "\u{fffd} Zoe", true),
            (r#""\ude00\ud83dx""#, "\u{fffd}\u{fffd}x", true),
            (r#""\ud83d\ud83d\ude00\ud83d\n""#, "\u{fffd}😀\u{fffd}\n", true),
            (r#""\\ud83d \\\ud83d""#, "\\ud83d \\\u{fffd}", true),
            (r#""\ud83d\ude00 \\ud83d""#, "😀 \\ud83d", false),
        ] {
            let element = read(format!("[{text}]").as_bytes()).unwrap().next().unwrap();
            assert_eq!((element.value.unwrap(), element.replaced), (read_as.into(), replaced));
        }
        let wrong = read(br#"["\ud8"]"#);
        assert!(wrong.is_err() || wrong.unwrap().next().unwrap().value.is_err());
    }

    #[test]
    fn broken_text_is_malformed_as_a_whole() {
        let deep = "[".repeat(100_000);
        for bad in ["", "{}", "[{}", "[1] 2", "[,]", "\"[\"", deep.as_str()] {
            assert!(matches!(read(bad.as_bytes()), Err(Error::Malformed(_))), "{bad:.9}");
        }
        assert_eq!(read(b" [ ] ").unwrap().count(), 0);
    }

    #[test]
    fn an_element_that_is_longer_than_any_contact_is_not_parsed() {
        let long = format!("[{{\"a\":[{}1]}}, 2]", "1,".repeat(ELEMENT_MAX / 2));
        let elements: Vec<_> = read(long.as_bytes()).unwrap().map(|it| it.value.is_ok()).collect();
        assert_eq!(elements, [false, true]);
        let heavy = format!("[[{}1], 2]", "{\"\":0},".repeat(ELEMENT_MAX / 8));
        let elements: Vec<_> = read(heavy.as_bytes()).unwrap().map(|it| it.value.is_ok()).collect();
        assert_eq!(elements, [false, true]);
    }
}
