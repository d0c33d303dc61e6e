//! How `N` and `FN` share their text with `first_name` and `last_name` (RFC 2426, section 3.1).
//!
//! `N` has five parts, of which two are ours; the slot keeps the other three. `FN` is one text
//! that somebody arranged ("Dr. Ann Smith, MD"); where it is not just first and last name, its
//! slot is a pattern with [`FIRST`] and [`LAST`] in place of the names, so that an edited name
//! shows and the rest stays. A text without the names ("The Boss") stays as it is.

use super::line::Line;
use super::value::{escape, split_value, unescape};
use unicode_normalization::UnicodeNormalization;

/// Stands for the first name in the slot of an `FN`.
const FIRST: &str = "{first_name}";
/// Stands for the last name in the slot of an `FN`.
const LAST: &str = "{last_name}";

/// A value as text of one line: unescaped, NFC, line breaks and tabs as spaces, trimmed.
pub fn one_line(value: &str) -> String {
    let spaced = unescape(value).replace(['\n', '\t'], " ");
    spaced.nfc().collect::<String>().trim().to_owned()
}

/// First and last name, empty where the lines have none. `n` and `full` are the values of `N`
/// and `FN`. The first name is required of a contact, so without one in `N` it is what `FN` says
/// beside the last name, or the last name itself.
pub fn read(n: &str, full: &str) -> (String, String) {
    let mut parts = split_value(n, ';').map(one_line);
    let (last, first) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let full = one_line(full);
    if !first.is_empty() || (full.is_empty() && last.is_empty()) {
        return (first, last);
    }
    if full.is_empty() {
        return (last, String::new());
    }
    let at = find_words(&full, &last).next();
    match at {
        None => (full, last),
        Some(at) => {
            let (before, after) = around(&full, at, last.len());
            let beside = |text: &str| text.trim_matches([' ', ',']).to_owned();
            let first = [beside(before), beside(after)].join(" ").trim().to_owned();
            if first.is_empty() { (last, first) } else { (first, last) }
        }
    }
}

/// The slot that an `N` leaves, or none where it has nothing but the two names, unless `always`.
pub fn n_slot(line: Line, always: bool) -> Option<Line> {
    let rest = rest(&line.value);
    if !always && line.is_plain() && rest.iter().all(|part| part.trim().is_empty()) {
        return None;
    }
    let value = format!(";;{}", rest.join(";"));
    Some(Line { value, ..line })
}

/// The `N` with the names in its slot.
pub fn n_filled(slot: Option<Line>, first: &str, last: &str) -> Line {
    let mut line = slot.unwrap_or_else(|| Line::new("N", ";;;;"));
    let rest = rest(&line.value);
    line.value = format!("{};{};{}", escape(last), escape(first), rest.join(";"));
    line
}

/// The parts of an `N` behind the names, at least three.
fn rest(value: &str) -> Vec<&str> {
    let mut rest: Vec<&str> = split_value(value, ';').skip(2).collect();
    rest.resize(rest.len().max(3), "");
    rest
}

/// The slot that an `FN` leaves, or none where it is plainly first and last name, unless `always`.
pub fn full_slot(mut line: Line, first: &str, last: &str, always: bool) -> Option<Line> {
    let full = one_line(&line.value);
    if !always && line.is_plain() && full == plain(first, last) {
        return None;
    }
    line.value = escape(&pattern(&full, first, last));
    Some(line)
}

/// The `FN` with the names in its slot.
pub fn full_filled(slot: Option<Line>, first: &str, last: &str) -> Line {
    let Some(mut line) = slot else { return Line::new("FN", escape(&plain(first, last))) };
    let text = filled(&unescape(&line.value), first, last);
    line.value = escape(if text.is_empty() { first } else { &text });
    line
}

/// First and last name with a space.
fn plain(first: &str, last: &str) -> String {
    [first, last].join(" ").trim().to_owned()
}

/// `full` with placeholders where it has the names as whole words; a brace of its own is doubled.
fn pattern(full: &str, first: &str, last: &str) -> String {
    // The longer one first: "Ann" must not be found inside "Mary Ann".
    let (mut long, mut short) = ((first, FIRST), (last, LAST));
    if last.len() > first.len() {
        (long, short) = (short, long);
    }
    let long = find_words(full, long.0).next().map(|at| (at, at + long.0.len(), long.1));
    let apart = |at: &usize| long.is_none_or(|long| at + short.0.len() <= long.0 || *at >= long.1);
    let short = find_words(full, short.0).find(apart).map(|at| (at, at + short.0.len(), short.1));
    let mut found: Vec<_> = [long, short].into_iter().flatten().collect();
    found.sort_unstable();
    let mut text = String::new();
    let mut done = 0;
    for (start, end, mark) in found {
        text.push_str(&full.get(done..start).unwrap_or_default().replace('{', "{{"));
        text.push_str(mark);
        if last.is_empty() {
            // Where a last name would go if the contact gets one.
            text.push(' ');
            text.push_str(LAST);
        }
        done = end;
    }
    text + &full.get(done..).unwrap_or_default().replace('{', "{{")
}

/// The opposite of [`pattern`]; an empty last name takes the space before it along.
fn filled(pattern: &str, first: &str, last: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let from_brace = rest.get(before.len()..).unwrap_or_default();
        if let Some(tail) = from_brace.strip_prefix(FIRST) {
            text.push_str(first);
            rest = tail;
        } else if let Some(tail) = from_brace.strip_prefix(LAST) {
            text.push_str(last);
            rest = tail;
            if last.is_empty() && text.is_empty() {
                rest = tail.trim_start_matches([' ', ',']);
            } else if last.is_empty() && text.ends_with(' ') {
                text.pop();
            }
        } else {
            text.push('{');
            rest = after.strip_prefix('{').unwrap_or(after);
        }
    }
    text + rest
}

/// Where `word` stands in `text` with no letter or digit on either side.
fn find_words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let found = text.match_indices(word).filter(|_| !word.is_empty()).map(|(at, _)| at);
    found.filter(move |at| {
        let (before, after) = around(text, *at, word.len());
        !letter(before.chars().next_back()) && !letter(after.chars().next())
    })
}

/// The text before and after the `length` bytes from `at`.
fn around(text: &str, at: usize, length: usize) -> (&str, &str) {
    (text.get(..at).unwrap_or_default(), text.get(at + length..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::read(text.as_bytes(), false)
    }

    #[test]
    fn a_first_name_is_found_wherever_the_card_has_one() {
        for (n, full, first, last) in [
            ("Smith;Ann;B;;", "whatever", "Ann", "Smith"),
            ("", "Ann Smith", "Ann Smith", ""),
            ("Smith;;;Mr.;", "Mr. Smith", "Mr.", "Smith"),
            ("Smith;;;;", "Smith, Ann", "Ann", "Smith"),
            ("Smith;;;;", "Smith", "Smith", ""),
            ("Smith;;;;", "", "Smith", ""),
            ("B;;;;", "B0", "B0", "B"),
            (r"Sm\;ith;A\nnn;;;", "", "A nn", "Sm;ith"),
            ("", "", "", ""),
        ] {
            assert_eq!(read(n, full), (first.to_owned(), last.to_owned()), "{n} {full}");
        }
    }

    #[test]
    fn what_n_says_beside_the_names_survives_an_edit() {
        assert_eq!(n_slot(line("N:Smith;John;;;"), false), None);
        assert_eq!(n_slot(line("N:Smith;John"), false), None);
        let slot = |text, always| n_slot(line(text), always).map(|line| line.to_string());
        assert_eq!(
            slot("N;LANGUAGE=en:Smith;John;;;", false).as_deref(),
            Some("N;LANGUAGE=en:;;;;")
        );
        assert_eq!(slot("N:Smith;John;;;", true).as_deref(), Some("N:;;;;"));
        let slot = n_slot(line("N;LANGUAGE=en:Smith;John;Q.;Mr.;Jr."), false).unwrap();
        assert_eq!(slot.to_string(), "N;LANGUAGE=en:;;Q.;Mr.;Jr.");
        let filled = n_filled(Some(slot), "Jo", "Sm;ith");
        assert_eq!(filled.to_string(), r"N;LANGUAGE=en:Sm\;ith;Jo;Q.;Mr.;Jr.");
        assert_eq!(n_filled(None, "Jo", "").to_string(), "N:;Jo;;;");
    }

    #[test]
    fn a_full_name_shows_an_edit_and_keeps_its_arrangement() {
        let edited = |full: &str, old: (&str, &str), new: (&str, &str)| {
            let slot = full_slot(line(&format!("FN:{full}")), old.0, old.1, false);
            let same = full_filled(slot.clone(), old.0, old.1);
            assert_eq!(unescape(&same.value), full, "unedited");
            unescape(&full_filled(slot, new.0, new.1).value)
        };
        let john = ("John", "Smith");
        assert_eq!(edited("John Smith", john, ("Jo", "")), "Jo");
        let arranged = "Mr. John Q. Smith Jr.";
        assert_eq!(edited(arranged, john, ("Jo", "Doe")), "Mr. Jo Q. Doe Jr.");
        assert_eq!(edited(arranged, john, ("Jo", "")), "Mr. Jo Q. Jr.");
        assert_eq!(edited("Smith, John", john, ("Jo", "")), "Jo");
        assert_eq!(edited("Dr.Smith, John", john, ("Jo", "")), "Dr., Jo");
        assert_eq!(edited("Mary Ann Ann", ("Mary Ann", "Ann"), ("Jo", "Doe")), "Jo Doe");
        assert_eq!(edited("The Boss", john, ("Jo", "Doe")), "The Boss");
        assert_eq!(edited("Bob Smith", john, ("Jo", "Doe")), "Bob Doe");
        assert_eq!(edited("Johnny Smith", john, ("Jo", "Doe")), "Johnny Doe");
        assert_eq!(edited("Dr. Ann", ("Ann", ""), ("Ann", "Lee")), "Dr. Ann Lee");
        assert_eq!(edited("Ann, Mary-Ann", ("Ann", "Mary-Ann"), ("A", "B")), "A, B");
        assert_eq!(edited("Smith", ("Smith", "Smith"), ("A", "B")), "A");
        assert_eq!(
            edited("{x} {first_name} {{Ann", ("Ann", ""), ("A", "")),
            "{x} {first_name} {{A"
        );
        assert_eq!(edited(", Ann,", ("Ann", ""), ("A", "")), ", A,");
    }
}
