//! The words of headers, in English, German, French, Spanish, Italian, Polish, Ukrainian, Russian
//! and Japanese, as Google Contacts, Outlook, Thunderbird, Yahoo and LinkedIn write them and as
//! people write them by hand; the plain ones in [`languages`], too.
//!
//! [`NAMES`] are whole headers. Any other header is read as a sequence of [`WORDS`]: `Telefon
//! geschäftlich 2`, `Телефон раб. 2` and `Business Phone 2` are a telephone, a place and a number
//! each. Both are compared by [`fold`].

pub(super) use super::kinds::{Kind, Member, Part, Word};
use super::languages;
use super::vocabulary::{NAMES, WORDS};
use std::collections::HashMap;
use std::sync::OnceLock;

/// A header for comparing: folded, letters only. Numbers are taken out.
pub(super) fn fold(header: &str) -> String {
    crate::fold(header).chars().filter(|c| c.is_alphabetic()).collect()
}

/// What stands behind a word without a blank: `Telefonnr`, `phoneno`.
const NUMBERS: [&str; 4] = ["nr", "no", "num", "nro"];

struct Dictionary {
    names: HashMap<String, Word>,
    words: Words,
    /// The words for parts of a person's name, and what stands between them.
    people: Words,
    /// [`languages::BESIDE`], folded.
    beside: HashMap<String, Vec<(Vec<String>, &'static str)>>,
}

struct Words {
    map: HashMap<String, Word>,
    /// Octets of the longest one.
    longest: usize,
}

fn dictionary() -> &'static Dictionary {
    static DICTIONARY: OnceLock<Dictionary> = OnceLock::new();
    let read = |tables: [&[(Word, &str)]; 2]| {
        let mut map = HashMap::new();
        for (word, names) in tables.into_iter().flatten() {
            for name in names.split(',') {
                map.entry(fold(name)).or_insert(*word);
            }
        }
        map
    };
    let words = |map: HashMap<String, Word>| {
        let longest = map.keys().map(String::len).max().unwrap_or_default();
        Words { map, longest }
    };
    DICTIONARY.get_or_init(|| {
        let names = read([NAMES, languages::NAMES]);
        let mut parts = read([WORDS, languages::WORDS]);
        let of_person = |(name, word): &(&String, &Word)| {
            let part = [Member::First, Member::Middle, Member::Last].map(Word::Member);
            part.contains(word) || **word == Word::Filler || *name == "name"
        };
        let people = names.iter().chain(&parts).filter(of_person);
        let people = words(people.map(|(name, word)| (name.clone(), *word)).collect());
        // `online.skype` and `phones.company main` are members of a map of columns.
        for (word, names) in NAMES {
            if let Word::Entry(_, label) = word {
                for name in names.split(',').chain([*label]) {
                    parts.entry(fold(name)).or_insert(*word);
                }
            }
        }
        let mut beside: HashMap<String, Vec<_>> = HashMap::new();
        for (header, others, word) in languages::BESIDE {
            let others = others.split(' ').map(fold).collect();
            beside.entry(fold(header)).or_default().push((others, *word));
        }
        Dictionary { names, words: words(parts), people, beside }
    })
}

/// The meaning of a whole folded header.
pub(super) fn name(folded: &str, ends: &[usize]) -> Option<Word> {
    dictionary().names.get(folded).copied().or_else(|| person(folded, ends))
}

/// The meaning of a header of names: `Nombre y apellidos` is the whole name, `Name (First)` a part.
fn person(folded: &str, ends: &[usize]) -> Option<Word> {
    let words = dictionary().people.take_apart(folded, ends)?;
    let no_part = |word: &Word| matches!(word, Word::Filler | Word::Member(Member::Full));
    let mut parts = words.iter().filter(|word| !no_part(word));
    let first = *parts.next()?;
    match parts.any(|word| *word != first) {
        true => Some(Word::Member(Member::Full)),
        false => (!words.contains(&Word::Filler)).then_some(first),
    }
}

/// The English header that a folded one is read as in the language that the others are in.
pub(super) fn beside<'a, I: Iterator<Item = &'a str>>(
    folded: &str,
    others: impl Fn() -> I,
) -> Option<&'static str> {
    let ways = dictionary().beside.get(folded)?;
    let speaks = |begin: &String| others().any(|other| other.starts_with(begin.as_str()));
    ways.iter().find(|(begins, _)| begins.iter().any(speaks)).map(|(_, word)| *word)
}

/// A folded header taken apart into words; `None` if something is left over. `ends` says where words were
/// written apart.
pub(super) fn words(folded: &str, ends: &[usize]) -> Option<Vec<Word>> {
    dictionary().words.take_apart(folded, ends)
}

/// False for a short word within a longer one, where it is chance: `Domain`, `Provider`, `Island`, `Datei`.
fn stands(word: Word, piece: &str, (at, end): (usize, usize), ends: &[usize]) -> bool {
    let short = piece.len() < 3 || word == Word::Filler && piece.len() == 3;
    let begins = at == 0 || ends.contains(&at) || NUMBERS.contains(&piece);
    !short || !piece.is_ascii() || begins && ends.contains(&end)
}

impl Words {
    /// Long words first.
    fn take_apart(&self, folded: &str, ends: &[usize]) -> Option<Vec<Word>> {
        let mut dead = vec![false; folded.len() + 1];
        let mut found = Vec::new();
        self.split((folded, ends), 0, &mut dead, &mut found).then_some(found)
    }

    /// True if the text from `at` on consists of words; `dead` marks where it does not.
    fn split(
        &self,
        (folded, ends): (&str, &[usize]),
        at: usize,
        dead: &mut [bool],
        found: &mut Vec<Word>,
    ) -> bool {
        if at >= folded.len() {
            return true;
        }
        if dead.get(at).copied().unwrap_or(true) {
            return false;
        }
        for end in (at + 1..=folded.len().min(at + self.longest)).rev() {
            let piece = folded.get(at..end).unwrap_or_default();
            let word = self.map.get(piece).filter(|it| stands(**it, piece, (at, end), ends));
            let Some(word) = word else { continue };
            found.push(*word);
            if self.split((folded, ends), end, dead, found) {
                return true;
            }
            found.pop();
        }
        if let Some(dead) = dead.get_mut(at) {
            *dead = true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Key;
    use super::*;

    #[test]
    fn a_header_is_folded_and_taken_apart() {
        assert_eq!(fold("E-mail\u{a0}2 Addr\u{e9}ss"), "emailaddress");
        assert_eq!(fold("ＦＡＸ 番号"), "fax番号");
        let apart = |header: &str| {
            let key = Key::of(header);
            words(&key.word, &key.ends)
        };
        assert_eq!(
            apart("Telefon geschäftlich 2"),
            Some(vec![Word::Kind(Kind::Phone), Word::Place("work")])
        );
        assert_eq!(apart("calle del domicilio").map(|words| words.len()), Some(3));
        assert_eq!(apart("Mobiltelefonnr.").map(|words| words.len()), Some(2));
        for header in ["homexyz", "Domain", "Donation", "Provider", "Island", "Datei", "Estate"] {
            assert_eq!(apart(header), None, "{header}");
        }
    }

    #[test]
    fn names_of_people_are_whole_or_a_part() {
        for (header, member) in [
            ("NOMBRE Y APELLIDOS", Some(Member::Full)),
            ("Cognome e nome", Some(Member::Full)),
            ("Nom et prénom", Some(Member::Full)),
            ("Last, First", Some(Member::Full)),
            ("姓名", Some(Member::Full)),
            ("Фамилия, имя, отчество", Some(Member::Full)),
            ("Name (First)", Some(Member::First)),
            ("Last contact", None),
            ("First number", None),
        ] {
            let key = Key::of(header);
            assert_eq!(name(&key.word, &key.ends), member.map(Word::Member), "{header}");
        }
    }
}
