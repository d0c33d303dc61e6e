//! The words of headers, in English, German, French, Spanish, Italian, Polish, Ukrainian, Russian
//! and Japanese, as Google Contacts, Outlook, Thunderbird, Yahoo and LinkedIn write them and as
//! people write them by hand.
//!
//! [`NAMES`] are whole headers. Any other header is read as a sequence of [`WORDS`]: `Telefon
//! geschäftlich 2`, `Телефон раб. 2` and `Business Phone 2` are a telephone, a place and a number
//! each. Both are compared by [`fold`].

pub(super) use super::kinds::{Kind, Member, Part, Word};
use super::vocabulary::{NAMES, WORDS};
use std::collections::HashMap;
use std::sync::OnceLock;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A header for comparing: lower case, no accents, letters only. Numbers are taken out.
pub(super) fn fold(header: &str) -> String {
    // Full-width forms are the ASCII ones (NFKD).
    let folded = header.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    folded.filter(|c| c.is_alphabetic()).collect()
}

struct Dictionary {
    names: HashMap<String, Word>,
    words: Words,
    /// The words for parts of a person's name, and what stands between them.
    people: Words,
}

struct Words {
    map: HashMap<String, Word>,
    /// Octets of the longest one.
    longest: usize,
}

fn dictionary() -> &'static Dictionary {
    static DICTIONARY: OnceLock<Dictionary> = OnceLock::new();
    let read = |table: &[(Word, &str)]| {
        let mut map = HashMap::new();
        for (word, names) in table {
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
        let names = read(NAMES);
        let mut parts = read(WORDS);
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
        Dictionary { names, words: words(parts), people }
    })
}

/// The meaning of a whole folded header.
pub(super) fn name(folded: &str) -> Option<Word> {
    dictionary().names.get(folded).copied().or_else(|| person(folded))
}

/// The meaning of a header of names: `Nombre y apellidos` is the whole name, `Name (First)` a part.
fn person(folded: &str) -> Option<Word> {
    let words = dictionary().people.take_apart(folded)?;
    let no_part = |word: &Word| matches!(word, Word::Filler | Word::Member(Member::Full));
    let mut parts = words.iter().filter(|word| !no_part(word));
    let first = *parts.next()?;
    match parts.any(|word| *word != first) {
        true => Some(Word::Member(Member::Full)),
        false => (!words.contains(&Word::Filler)).then_some(first),
    }
}

/// A folded header taken apart into words; `None` if something is left over.
pub(super) fn words(folded: &str) -> Option<Vec<Word>> {
    dictionary().words.take_apart(folded)
}

impl Words {
    /// Long words first.
    fn take_apart(&self, folded: &str) -> Option<Vec<Word>> {
        let mut dead = vec![false; folded.len() + 1];
        let mut found = Vec::new();
        self.split(folded, 0, &mut dead, &mut found).then_some(found)
    }

    /// True if the text from `at` on consists of words; `dead` marks where it does not.
    fn split(&self, folded: &str, at: usize, dead: &mut [bool], found: &mut Vec<Word>) -> bool {
        if at >= folded.len() {
            return true;
        }
        if dead.get(at).copied().unwrap_or(true) {
            return false;
        }
        for end in (at + 1..=folded.len().min(at + self.longest)).rev() {
            let word = folded.get(at..end).and_then(|piece| self.map.get(piece));
            let Some(word) = word else { continue };
            found.push(*word);
            if self.split(folded, end, dead, found) {
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
    use super::*;

    #[test]
    fn a_header_is_folded_and_taken_apart() {
        assert_eq!(fold("E-mail\u{a0}2 Addr\u{e9}ss"), "emailaddress");
        assert_eq!(fold("ＦＡＸ 番号"), "fax番号");
        assert_eq!(
            words(&fold("Telefon geschäftlich 2")),
            Some(vec![Word::Kind(Kind::Phone), Word::Place("work")])
        );
        assert_eq!(words(&fold("calle del domicilio")).map(|words| words.len()), Some(3));
        assert_eq!(words("homexyz"), None);
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
            assert_eq!(name(&fold(header)), member.map(Word::Member), "{header}");
        }
    }
}
