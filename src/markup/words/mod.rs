//! What pages say, a file for each language. English makes the list of words; a language that
//! lacks one does not compile. `{}` stands for a number or a name. Words that follow a number have
//! the forms that their language needs, between bars.

/// Makes the type [`Words`] of the English ones.
macro_rules! words {
    ($($name:ident: $text:literal,)*) => {
        /// The words of one language.
        pub struct Words { $(pub $name: &'static str,)* }

        impl Words {
            /// A word by its name.
            pub fn word(&self, name: &str) -> Option<&'static str> {
                match name {
                    $(stringify!($name) => Some(self.$name),)*
                    _ => None,
                }
            }
        }

        /// English.
        pub const EN: Words = Words { $($name: $text,)* };
    };
}

mod en;
mod uk;

pub use en::{EN, Words};
pub use uk::UK;

/// The languages by their tags, each under its own name.
pub const LANGUAGES: &[(&str, &str)] = &[("en", "English"), ("uk", "Українська")];

/// The words for a language tag that is known here.
pub fn of(tag: &str) -> Option<&'static Words> {
    [&EN, &UK].into_iter().find(|words| words.lang == tag)
}

/// The first language of an `Accept-Language` header (RFC 9110, 12.5.4) that is known here, by
/// weight; English where there is none. True when that reader writes the month before the day.
pub fn accepted(header: &str) -> (&'static Words, bool) {
    let mut wishes: Vec<(f32, &str)> = header
        .split(',')
        .map(|wish| {
            let (tag, rest) = wish.split_once(';').unwrap_or((wish, ""));
            let weight = rest.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse);
            (weight.unwrap_or(0.0), tag.trim())
        })
        .collect();
    wishes.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let primary = |tag: &str| of(&tag.split('-').next().unwrap_or_default().to_ascii_lowercase());
    let found =
        wishes.iter().find_map(|(_, tag)| Some((primary(tag)?, tag.eq_ignore_ascii_case("en-US"))));
    found.unwrap_or((&EN, false))
}

impl Words {
    /// `3 contacts`: the form that a number wants, the number in it.
    pub fn n(&self, forms: &'static str, n: i64) -> String {
        self.form(forms, n).replace("{}", &self.number(n))
    }

    /// The form that a number wants (CLDR's rules for whole numbers).
    pub fn form(&self, forms: &'static str, n: i64) -> &'static str {
        let index = match self.lang {
            "uk" => match (n % 10, n % 100) {
                (1, rest) if rest != 11 => 0,
                (2..=4, rest) if !(12..=14).contains(&rest) => 1,
                _ => 2,
            },
            _ => usize::from(n != 1),
        };
        forms.split('|').nth(index).or(forms.split('|').next_back()).unwrap_or_default()
    }

    /// A count with its thousands apart.
    pub fn number(&self, n: i64) -> String {
        let digits = n.to_string();
        let apart = if self.lang == "uk" { '\u{a0}' } else { ',' };
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(apart);
            }
            text.push(digit);
        }
        text
    }

    /// What stands before a quotation and after it.
    pub fn quotes(&self) -> [&'static str; 2] {
        if self.lang == "uk" { ["«", "»"] } else { ["“", "”"] }
    }

    /// The name of a contact's member; of a field in a list its last part's, else the list's.
    pub fn member(&self, name: &str) -> &'static str {
        let (list, part) = (name.split('.').next(), name.rsplit('.').next());
        let mut known = part.into_iter().chain(list).filter_map(|name| self.word(name));
        known.next().unwrap_or(self.field)
    }

    /// What a column of a table can be: a member, perhaps with a label.
    pub fn column(&self, member: &str) -> String {
        match member.split_once('.') {
            _ if member.is_empty() => self.keep_as_is.to_owned(),
            Some((list, label)) if self.member(member) == self.member(list) => {
                format!("{} ({})", self.member(list), self.label_name(label))
            }
            _ => self.member(member).to_owned(),
        }
    }

    /// The label of an entry: the usual ones in the reader's language, others as they are.
    pub fn label_name(&self, label: &str) -> String {
        let mut known = self.label_names.split('|').filter_map(|pair| pair.split_once('='));
        let known = known.find(|(name, _)| name.eq_ignore_ascii_case(label));
        known.map_or(label.to_owned(), |(_, word)| word.to_owned())
    }

    /// The label that a reader wrote: the usual ones as the card has them. The other way round than
    /// [`Words::label_name`].
    pub fn label_of<'a>(&self, word: &'a str) -> &'a str {
        let mut known = self.label_names.split('|').filter_map(|pair| pair.split_once('='));
        let lower = word.trim().to_lowercase();
        known.find(|(_, known)| *known == lower).map_or(word, |(label, _)| label)
    }

    /// What the program says of a fault or an error, as a sentence in this language if it is known; else
    /// in English. What stands for each `{}` is carried over. Remarks begin with the member that they are
    /// about: `birthday: must be …`.
    pub fn sentence(&self, text: &str) -> String {
        let known = |text| self.remark(text).or_else(|| self.own(text));
        // What is a remark elsewhere has the end of a sentence where it is all that is said.
        let found = known(text).or_else(|| known(text.strip_suffix('.')?));
        let found = found.unwrap_or_else(|| text.to_owned());
        let mut letters = found.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        let end = if found.ends_with(['.', '!', '?']) { "" } else { "." };
        format!("{first}{}{end}", letters.as_str())
    }
}

impl Words {
    /// A sentence in this language, if it is known.
    fn own(&self, text: &str) -> Option<String> {
        let known = self.sentences.lines().filter_map(|line| line.trim().split_once(" = "));
        let mut known = known.filter_map(|(english, own)| {
            let parts = between(english, text)?;
            Some(parts.iter().fold(own.to_owned(), |own, part| own.replacen("{}", part, 1)))
        });
        known.next()
    }

    /// A sentence after the name of a member, which is put into words too.
    fn remark(&self, text: &str) -> Option<String> {
        let (member, rest) = text.split_once(": ").filter(|(member, _)| !member.contains(' '))?;
        let own = self.own(rest)?;
        let mut letters = own.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_lowercase).collect();
        Some(format!("{}: {first}{}", self.member(member), letters.as_str()))
    }
}

/// What stands in `text` where `pattern` has each `{}`; `None` when it is another text.
fn between<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = pattern.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    for part in parts {
        let at = if part.is_empty() { rest.len() } else { rest.find(part)? };
        let (before, after) = rest.split_at(at);
        found.push(before);
        rest = after.strip_prefix(part)?;
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_choose_their_words() {
        let forms = "{} контакт|{} контакти|{} контактів";
        for (n, text) in [
            (1, "1 контакт"),
            (3, "3 контакти"),
            (11, "11 контактів"),
            (21, "21 контакт"),
            (112, "112 контактів"),
            (1004, "1\u{a0}004 контакти"),
        ] {
            assert_eq!(UK.n(forms, n), text);
        }
        assert_eq!(EN.n("{} contact|{} contacts", 1), "1 contact");
        assert_eq!(EN.n("{} contact|{} contacts", 12_000), "12,000 contacts");
        assert_eq!(EN.number(100), "100");
    }

    #[test]
    fn the_reader_chooses_the_language() {
        for (header, lang, month_first) in [
            ("uk-UA,uk;q=0.9,en;q=0.8", "uk", false),
            ("en-US,en;q=0.5", "en", true),
            ("en-GB", "en", false),
            ("fr, uk;q=0.3, en;q=0.2", "uk", false),
            ("en;q=0.1, UK;q=0.9", "uk", false),
            ("", "en", false),
            ("*", "en", false),
        ] {
            let (words, first) = accepted(header);
            assert_eq!((words.lang, first), (lang, month_first), "{header}");
        }
    }

    #[test]
    fn labels_that_phones_and_files_bring_have_words_that_lead_back_to_them() {
        for label in ["home", "work", "mobile", "home fax", "other", "anniversary", "homepage"]
            .into_iter()
            .chain(["spouse", "partner", "parent", "child", "friend", "assistant", "manager"])
        {
            let word = UK.label_name(label);
            assert_ne!(word, label);
            assert_eq!((UK.label_of(&word), &*EN.label_name(label)), (label, label));
        }
        // Beside a phone, an address and a web page alike.
        assert_eq!((&*UK.label_name("home"), &*UK.label_name("Work")), ("дім", "робота"));
    }

    #[test]
    fn sentences_carry_their_numbers() {
        assert_eq!(UK.sentence("is required"), "Треба заповнити.");
        assert_eq!(UK.sentence("must have 3 to 50 characters"), "Від 3 до 50 символів.");
        assert_eq!(UK.sentence("is odd"), "Is odd.");
        assert_eq!(EN.sentence("is required"), "Is required.");
        for (text, own) in [
            ("birthday: must be a real date, YYYY-MM-DD", "День народження: такої дати немає."),
            (
                "emails.3.value: must have 3 to 50 characters",
                "Адреси ел. пошти: від 3 до 50 символів.",
            ),
            (
                "birthday: \"31.31.1990\" is no date that can be read; it is kept as it is",
                "День народження: дату \"31.31.1990\" не вдалося прочитати; її збережено як є.",
            ),
            ("labels: \"x\" would be one too many", "Мітка \"x\" вже зайва."),
            (
                "the card has more than 1 MiB without its pictures",
                "Картка більша за 1 МіБ без світлин.",
            ),
            ("birthday: is odd", "Birthday: is odd."),
        ] {
            assert_eq!(UK.sentence(text), own);
        }
        assert_eq!(EN.sentence("birthday: must be"), "Birthday: must be.");
        assert_eq!(EN.sentence("Try again."), "Try again.");
    }

    /// None stands behind another one that takes its texts too.
    #[test]
    fn every_sentence_is_found_by_its_own_line() {
        for line in UK.sentences.lines().chain(EN.sentences.lines()) {
            let Some((english, own)) = line.trim().split_once(" = ") else { continue };
            let words = if UK.sentences.contains(line) { &UK } else { &EN };
            let [english, own] = [english, own].map(|text| text.replace("{}", "7"));
            assert_eq!(words.own(&english), Some(own), "{english}");
        }
    }
}
