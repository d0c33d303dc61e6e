//! A header for comparing.

use super::words::{self, Kind, Member, Word};
use std::hash::{Hash, Hasher};

/// Most characters of a header that are looked at.
const HEADER_MAX: usize = 200;
/// Most digits of a header: they number the entries of a list.
const HEADER_DIGITS_MAX: usize = 3;

/// The letters of a header, folded, and its first number.
#[derive(Clone)]
pub(super) struct Key {
    pub word: String,
    pub number: Option<u32>,
    /// Where its words end in `word`; of two headers that differ in this alone, one is the other.
    pub ends: Vec<usize>,
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        (&self.word, self.number) == (&other.word, other.number)
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.word, self.number).hash(state);
    }
}

/// Longest text of these, in octets.
const DEMAND_MAX: usize = 40;
/// What forms write in brackets behind the name of a field.
const DEMANDS: [&str; 7] = [
    "required",
    "optional",
    "mandatory",
    "pflichtfeld",
    "obligatoire",
    "obligatorio",
    "обязательно",
];

/// Whom the headers of a form or a shop speak of, `Your e-mail`, `Billing First Name`: the words of each, folded.
const ROLES: [&str; 14] = [
    "your ваше ваша ваш ваши ihr ihre dein deine votre vos twoj twoje uw",
    "billing",
    "customer",
    "client",
    "member",
    "student",
    "attendee",
    "guest",
    "participant",
    "employee",
    "patient",
    "subscriber",
    "donor",
    "volunteer",
];

impl Key {
    /// The header without what forms write behind it.
    pub fn of(header: &str) -> Key {
        let demand = |(_, words): &(&str, &str)| {
            words.len() <= DEMAND_MAX && DEMANDS.contains(&words::fold(words).as_str())
        };
        let bare = header.rsplit_once(['[', '(']).filter(demand);
        Key::whole(bare.map_or(header, |(bare, _)| bare))
    }

    /// The header with all that it says.
    pub fn whole(header: &str) -> Key {
        let header: String = header.chars().take(HEADER_MAX).collect();
        let digits = header.chars().skip_while(|c| !c.is_ascii_digit());
        let digits: String = digits.take_while(char::is_ascii_digit).collect();
        let (mut word, mut ends) = (String::new(), Vec::new());
        for part in header.split(|c: char| !c.is_alphabetic()) {
            word.push_str(&words::fold(part));
            ends.push(word.len());
        }
        // `phone=111`, `telephoneNumber: +1 555 010 0103`, lines of other formats: no word has a blank.
        let digits_in = header.chars().filter(char::is_ascii_digit).count();
        if digits_in > HEADER_DIGITS_MAX || header.contains('=') {
            word.push(' ');
        }
        Key { word, number: digits.parse().ok(), ends }
    }

    /// How many octets all headers begin with that say nothing: `Person - ` of `Person - Name` and `Person - Phone`.
    pub fn beginning<S: AsRef<str>>(header: &[S]) -> usize {
        let mut shown = header.iter().map(AsRef::as_ref).filter(|it| !it.trim().is_empty());
        let (first, more) = (shown.next().unwrap_or_default(), shown.clone().next().is_some());
        let Some((word, _)) = first.split_once(" - ").filter(|_| more) else { return 0 };
        let begin = word.len() + " - ".len();
        let key = Key::of(word);
        let name = words::name(&key.word, &key.ends);
        let says = key.number.is_some()
            || words::words(&key.word, &key.ends).is_some()
            || name.is_some_and(|it| it != Word::Member(Member::Full));
        let common = shown.all(|it| it.get(..begin) == first.get(..begin));
        if common && !says { begin } else { 0 }
    }

    /// Takes the role off the headers of a table in which no other header names people: of one that names them,
    /// and of those with the same role that mean nothing with it.
    pub fn without_role(keys: &mut [(Key, bool)]) {
        const NAMES: [Member; 4] = [Member::First, Member::Last, Member::Full, Member::FileAs];
        let word = |key: &Key| words::name(&key.word, &key.ends);
        let names = |key: &Key| NAMES.iter().any(|it| word(key) == Some(Word::Member(*it)));
        // A name by itself is the member of something else.
        if keys.len() < 2 || keys.iter().any(|(key, _)| names(key)) {
            return;
        }
        let mut with_roles = keys.iter().filter_map(|(key, _)| key.after_role());
        let Some((role, _)) = with_roles.find(|(_, rest)| names(rest)) else { return };
        let means = |key: &Key| match word(key) {
            Some(Word::Member(Member::Middle | Member::Birthday | Member::Organization)) => true,
            Some(_) => names(key),
            // The date of a customer is none of the person's.
            None => words::words(&key.word, &key.ends)
                .is_some_and(|words| words != [Word::Kind(Kind::Date)]),
        };
        for (key, mapped) in keys {
            let Some((_, rest)) = key.after_role().filter(|(other, _)| *other == role) else {
                continue;
            };
            if !*mapped && !means(key) && means(&rest) {
                *key = rest;
            }
        }
    }

    /// The role that the header begins with, and what follows it.
    fn after_role(&self) -> Option<(&'static str, Key)> {
        let end = *self.ends.iter().find(|end| **end > 0)?;
        let (first, rest) = self.word.split_at_checked(end)?;
        let role = ROLES.into_iter().find(|role| role.split(' ').any(|word| word == first))?;
        let ends = self.ends.iter().filter_map(|it| it.checked_sub(end)).collect();
        Some((role, Key { word: rest.to_owned(), number: self.number, ends }))
    }

    /// Settles what a header means in the language that the headers beside it are in; those that the
    /// caller mapped say it themselves.
    pub fn look_aside(keys: &mut [(Key, bool)]) {
        let read_as = |at: usize| {
            let (key, mapped) = keys.get(at)?;
            let others = || keys.iter().map(|(key, _)| key.word.as_str());
            words::beside(&key.word, others).filter(|_| !mapped)
        };
        let found: Vec<_> = (0..keys.len()).filter_map(|at| Some((at, read_as(at)?))).collect();
        for (at, word) in found {
            if let Some((key, _)) = keys.get_mut(at) {
                word.clone_into(&mut key.word);
            }
        }
    }
}
