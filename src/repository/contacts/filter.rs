//! Which contacts a list shows: the filter of a request, and the condition that SQL has for it.

use crate::model::contact::columns::label_key;
use chrono::{DateTime, Utc};
use postgres::types::Type;
use vcard::{digits, fold};

/// Which contacts to list; all conditions hold together. Text is compared folded, as a substring.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Part of the first name.
    pub first_name: Option<String>,
    /// Part of the last name.
    pub last_name: Option<String>,
    /// Part of an address.
    pub email: Option<String>,
    /// Digits that follow each other in a phone number, other characters left out.
    pub phone: Option<String>,
    /// Part of the organisation.
    pub organization: Option<String>,
    /// A whole label.
    pub label: Option<String>,
    /// Words, each of which is part of anything that can be searched.
    pub search: Option<String>,
    /// Changed at this instant or later.
    pub updated_since: Option<DateTime<Utc>>,
}

/// A filter as statements take it: $2 to $14.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Terms {
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    organization: Option<String>,
    phone: Option<String>,
    label: Option<String>,
    /// The first four words, longest first, so that most contacts are passed over at once.
    words: [Option<String>; 4],
    more_words: Option<Vec<String>>,
    /// What looks like a number, longest first: each as it is written has to be there, or its digits; or the digits of
    /// all, which come before those of each.
    numbers: Option<Vec<String>>,
    digits: Option<Vec<String>>,
}

/// What stands between the digits of a number, folded; the last is the dash of a Japanese keyboard.
const SIGNS: &str = "+-()./#*\u{30fc}";

/// The digits of a number as people type them: without the zeros that stand for what others write.
fn typed_digits(text: &str) -> String {
    let all = digits(text);
    let bare = all.trim_start_matches('0');
    if bare.is_empty() { all } else { bare.to_owned() }
}

impl Terms {
    pub(super) fn of(filter: &Filter) -> Terms {
        // What folds to nothing (an accent alone) is in no text.
        let somewhere = |text: String| if text.is_empty() { NOWHERE.to_owned() } else { text };
        let folded = |text: &Option<String>| text.as_deref().map(|it| somewhere(fold(it)));
        let mut terms = Terms {
            first_name: folded(&filter.first_name),
            last_name: folded(&filter.last_name),
            email: folded(&filter.email),
            organization: folded(&filter.organization),
            phone: filter.phone.as_deref().map(|it| somewhere(typed_digits(it))),
            label: filter.label.as_deref().map(label_key),
            ..Terms::default()
        };
        // Nothing visible is no search.
        let search = filter.search.as_deref().filter(|it| !vcard::trim(it).is_empty());
        if let Some(search) = search {
            terms.search(&somewhere(fold(search)));
        }
        terms
    }

    fn search(&mut self, text: &str) {
        let has_digit = |word: &&str| word.contains(|c: char| c.is_ascii_digit());
        let of_number = |c: char| c.is_ascii_digit() || SIGNS.contains(c);
        // `"Lee, Ann" <ann@x>`: a comma at the end of a word is none of it, nor what is put around one.
        let around = [',', ';', '<', '>', '"', '“', '”', '„', '\u{60c}', '\u{61b}', '\u{3001}'];
        let nothing_else = text.trim_matches(|c| c == ' ' || around.contains(&c)).is_empty();
        let bare = |word| if nothing_else { word } else { str::trim_matches(word, around) };
        let words = text.split(' ').map(bare);
        let (mut numbers, mut words): (Vec<&str>, Vec<&str>) =
            words.partition(|word| word.chars().all(of_number));
        // A sign by itself belongs to a number, as in `030 / 123`, where there is one.
        if !numbers.iter().any(has_digit) {
            words.append(&mut numbers);
        }
        words.retain(|word| !word.is_empty());
        words.sort_by_key(|word| (std::cmp::Reverse(word.len()), *word));
        words.dedup();
        let mut words = words.into_iter().map(str::to_owned);
        self.words = std::array::from_fn(|_| words.next());
        self.more_words = Some(words.collect::<Vec<_>>()).filter(|it| !it.is_empty());
        if !numbers.is_empty() {
            let all = typed_digits(&numbers.join(" "));
            numbers.retain(has_digit);
            numbers.sort_by_key(|word| (std::cmp::Reverse(word.len()), *word));
            numbers.dedup();
            let each = numbers.iter().map(|word| {
                // Two digits are in most numbers.
                let enough = [typed_digits(word), digits(word)].into_iter().find(|it| it.len() > 2);
                enough.unwrap_or_else(|| NOWHERE.to_owned())
            });
            self.digits = Some(std::iter::once(all).chain(each).collect());
            self.numbers = Some(numbers.into_iter().map(str::to_owned).collect());
        }
    }

    /// The words, if there is nothing but words.
    pub(super) fn only_words(&self) -> Option<&[Option<String>; 4]> {
        let words = Terms { words: self.words.clone(), ..Terms::default() };
        (words == *self).then_some(&self.words)
    }

    /// Words first: $2 to $5.
    pub(super) fn params(&self) -> Vec<(&(dyn postgres::types::ToSql + Sync), Type)> {
        let texts = [
            &self.first_name,
            &self.last_name,
            &self.email,
            &self.organization,
            &self.phone,
            &self.label,
        ];
        let texts = self.words.iter().chain(texts);
        let mut params: Vec<(&(dyn postgres::types::ToSql + Sync), Type)> =
            texts.map(|it| (it as _, Type::TEXT)).collect();
        params.push((&self.more_words, Type::TEXT_ARRAY));
        params.push((&self.numbers, Type::TEXT_ARRAY));
        params.push((&self.digits, Type::TEXT_ARRAY));
        params
    }
}

/// In no text that can be searched: it separates such texts.
const NOWHERE: &str = "\u{1d}";

/// The condition of words that are searched, on `folded` and `label_keys`. strpos, not LIKE: `%`, `_` and
/// `\` are plain characters.
macro_rules! words {
    () => {
        "($2::text IS NULL OR strpos(folded, $2) > 0 OR strpos(label_keys, $2) > 0)
        AND ($3::text IS NULL OR strpos(folded, $3) > 0 OR strpos(label_keys, $3) > 0)
        AND ($4::text IS NULL OR strpos(folded, $4) > 0 OR strpos(label_keys, $4) > 0)
        AND ($5::text IS NULL OR strpos(folded, $5) > 0 OR strpos(label_keys, $5) > 0)"
    };
}

/// The condition of [`Terms`] on `folded`, `digits` and `label_keys`. The whole text is looked at before it
/// is split, since with most rows that is all. `coalesce`: behind a null Postgres would look at all of the numbers,
/// of which one of two digits is in the digits of most contacts.
macro_rules! passes {
    () => {
        concat!(words!(), "
        AND ($6::text IS NULL OR (strpos(folded, $6) > 0 AND strpos(split_part(folded, E'\\x1f', 1), $6) > 0))
        AND ($7::text IS NULL OR (strpos(folded, $7) > 0 AND strpos(split_part(folded, E'\\x1f', 2), $7) > 0))
        AND ($8::text IS NULL OR (strpos(folded, $8) > 0 AND strpos(split_part(folded, E'\\x1f', 3), $8) > 0))
        AND ($9::text IS NULL OR (strpos(folded, $9) > 0 AND strpos(split_part(folded, E'\\x1f', 4), $9) > 0))
        AND ($10::text IS NULL OR strpos(digits, $10) > 0)
        AND ($11::text IS NULL OR strpos(label_keys, $11) > 0)
        AND ($13::text[] IS NULL OR strpos(digits, ($14::text[])[1]) > 0
            OR (coalesce(strpos(folded, $13[1]) > 0 OR strpos(label_keys, $13[1]) > 0 OR strpos(digits, $14[2]) > 0, false)
                AND NOT EXISTS (SELECT 1 FROM unnest($13::text[], $14[2:]) AS it (word, number)
                    WHERE strpos(concat_ws(E'\\x1d', folded, label_keys), word) = 0
                        AND strpos(coalesce(digits, ''), number) = 0)))
        AND ($12::text[] IS NULL OR NOT EXISTS (SELECT 1 FROM unnest($12::text[]) AS word
            WHERE strpos(folded, word) = 0 AND strpos(coalesce(label_keys, ''), word) = 0))")
    };
}

/// What passes the filter: in the index, and among those that are too long for it, which were looked at
/// before. The parameters of a statement with it are
///
/// - $1: the owner; $2 to $5: words; $6 to $11: first name, last name, address, organization, number, label;
/// - $12: more words; $13, $14: words that are numbers, as typed, and the digits of all and of each;
/// - $15: the ids of long ones that pass; $16: the revision after which a contact must have changed;
/// - of a page (`lists.rs`) $17: how many; $18: how many are skipped; $19: the id or revision, $20, $21: the
///   name, after which it begins.
macro_rules! hits {
    () => {
        concat!(
            live!(),
            " AND ($16::bigint IS NULL OR revision > $16) AND ((",
            passes!(),
            ") OR id = ANY ($15::bigint[]))"
        )
    };
}

pub(super) use hits;
pub(super) use passes;
pub(super) use words;

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(text: &str) -> Terms {
        Terms::of(&Filter { search: Some(text.to_owned()), ..Filter::default() })
    }

    #[test]
    fn words_are_looked_for_one_by_one_and_numbers_by_their_digits() {
        let terms = searched(" Ann  Müller-Lüdenscheidt 0172 555-1234");
        assert_eq!(
            terms.words.map(|it| it.unwrap_or_default()),
            ["muller-ludenscheidt", "ann", "", ""]
        );
        assert_eq!(terms.numbers, Some(vec!["555-1234".to_owned(), "0172".to_owned()]));
        let digits = ["1725551234", "5551234", "172"].map(str::to_owned);
        assert_eq!(terms.digits, Some(digits.to_vec()));
        let terms = searched("012");
        assert_eq!(terms.digits, Some(["12", "012"].map(str::to_owned).to_vec()));
        assert_eq!(searched("a b c d e f").more_words.map(|it| it.len()), Some(2));
    }

    #[test]
    fn nothing_visible_is_no_search_and_in_a_filter_it_is_nowhere() {
        assert_eq!(searched(" \u{200b} "), Terms::default());
        let filter = Filter { first_name: Some("´".to_owned()), ..Filter::default() };
        assert_eq!(Terms::of(&filter).first_name.as_deref(), Some(NOWHERE));
    }
}
