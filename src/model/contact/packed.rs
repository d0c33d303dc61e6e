//! The column `members` in less room: what the JSON of contacts repeats is one control character there.
//! JSON has no control characters of its own, and the only ones between members are line breaks, so
//! that unpacking gives the same text again.

use memchr::memmem::Finder;
use std::sync::LazyLock;

/// The members of the JSON that come from the card, in the order of the contract, and what stands
/// there when the card says nothing.
pub const MEMBERS: [(&str, &str); 22] = [
    ("display_name", "\"\""),
    ("prefix", "null"),
    ("first_name", "null"),
    ("middle_name", "null"),
    ("last_name", "null"),
    ("suffix", "null"),
    ("nickname", "null"),
    ("organization", "null"),
    ("department", "null"),
    ("job_title", "null"),
    ("email", "null"),
    ("emails", "[]"),
    ("phone", "null"),
    ("phones", "[]"),
    ("addresses", "[]"),
    ("urls", "[]"),
    ("birthday", "null"),
    ("dates", "[]"),
    ("relations", "[]"),
    ("online", "[]"),
    ("additional_data", "null"),
    ("labels", "[]"),
];

/// Longest text that is packed. So the length of the column bounds what it becomes in memory: lists leave
/// longer ones out (`repository::contacts::columns`).
const PACKED_MAX: usize = 16_384;

/// The member before this one, which its list repeats (`email` and `emails`).
const AGAIN: char = '\u{1}';
/// What other characters stand for, in their order. A word may have what those after it stand for, so the
/// longer ones come first.
const WORDS: [(char, &str); 28] = [
    ('\u{2}', "[{\"value\":\u{1},\"label\":null,\"primary\":true}]\n"),
    ('\u{3}', "[{\"value\":\u{1},\"label\":\"mobile\",\"primary\":true}"),
    ('\u{4}', "[{\"value\":\u{1},\"label\":"),
    ('\u{5}', r#"{"label":null,"primary":true,"po_box":null,"extended":null,"street":"#),
    ('\u{6}', r#"{"label":"home","primary":true,"po_box":null,"extended":null,"street":"#),
    ('\u{7}', r#","po_box":null,"extended":null,"street":"#),
    ('\u{8}', r#","region":null,"postal_code":"#),
    ('\t', r#","label":"mobile","primary":false}"#),
    ('\u{b}', r#","label":"home","primary":false}"#),
    ('\u{c}', r#","label":"work","primary":false}"#),
    ('\r', r#","label":null,"primary":false}"#),
    ('\u{e}', r#""primary":true"#),
    ('\u{f}', r#""primary":false"#),
    ('\u{10}', r#","postal_code":"#),
    ('\u{11}', r#","extended":"#),
    ('\u{12}', r#","region":"#),
    ('\u{13}', r#","country":"#),
    ('\u{14}', r#","street":"#),
    ('\u{15}', r#","city":"#),
    ('\u{16}', r#","label":"#),
    ('\u{17}', r#"{"value":"#),
    ('\u{18}', r#"{"label":"#),
    ('\u{19}', "\n\n\n\n\n"),
    ('\u{1a}', "\n\n\n"),
    ('\u{1b}', "\"\n\""),
    ('\u{1c}', "\"}]\n"),
    ('\u{1d}', "null"),
    ('\u{1e}', "true"),
];

static FINDERS: LazyLock<Vec<Finder<'static>>> =
    LazyLock::new(|| WORDS.iter().map(|(_, word)| Finder::new(word)).collect());

/// Packs the members of the JSON, each on a line. The first line and the last one stay as they are, since
/// statements read them.
pub fn pack(lines: &[String]) -> String {
    let [first, between @ .., last] = lines else { return lines.join("\n") };
    if between.is_empty() {
        return lines.join("\n");
    }
    let all = lines.join("\n");
    if all.len() > PACKED_MAX {
        return all;
    }
    let mut text = String::new();
    for (before, line) in lines.iter().zip(between) {
        match before.len() > 1 && line.starts_with('[') {
            true => text.push_str(&line.replacen(before.as_str(), &AGAIN.to_string(), 1)),
            false => text.push_str(line),
        }
        text.push('\n');
    }
    text.pop(); // the break before the last line stays one
    for ((sign, word), finder) in WORDS.iter().zip(FINDERS.iter()) {
        // Most words are in no given text, and a prepared search sees that in a tenth of the time.
        if finder.find(text.as_bytes()).is_some() {
            text = text.replace(word, sign.encode_utf8(&mut [0; 4]));
        }
    }
    format!("{first}\n{text}\n{last}")
}

/// What [`pack`] was given, in lines. The end may have been cut off.
pub fn unpack(packed: &str) -> String {
    let text = String::with_capacity(packed.len() * 4);
    let mut lines = Lines { text, before: 0, line: 0 };
    lines.push(packed);
    lines.text
}

/// Lines that are being unpacked. A list of contacts takes more time here than in all the rest, so they
/// are gone through once.
struct Lines {
    text: String,
    /// Where the line before this one begins.
    before: usize,
    /// Where this one does.
    line: usize,
}

impl Lines {
    fn push(&mut self, packed: &str) {
        let mut rest = packed;
        while let Some(at) = rest.bytes().position(|byte| byte < b' ') {
            let (plain, signs) = rest.split_at(at);
            self.text.push_str(plain);
            let mut signs = signs.chars();
            let sign = signs.next().unwrap_or('\n');
            match WORDS.binary_search_by_key(&sign, |(it, _)| *it) {
                Ok(word) => self.push(WORDS.get(word).map_or("", |(_, word)| word)),
                Err(_) if sign == AGAIN => {
                    let before = self.text.get(self.before..self.line).unwrap_or_default();
                    let before = before.trim_end_matches('\n').to_owned();
                    self.text.push_str(&before);
                }
                Err(_) => self.text.push(sign),
            }
            if sign == '\n' {
                (self.before, self.line) = (self.line, self.text.len());
            }
            rest = signs.as_str();
        }
        self.text.push_str(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn what_is_packed_comes_out_the_same() {
        let words = || WORDS.iter().map(|(_, word)| *word);
        let all: String = words().chain(words().rev()).collect();
        for it in [
            lines(&[
                "\"Ann\"",
                "",
                "",
                "",
                "\"a@x\"",
                r#"[{"value":"a@x","label":null,"primary":true}]"#,
                "",
            ]),
            lines(&["", "\"null\"", r#"["\"null\""]"#, "", "", "", "", "", "", "", r#"["a","b"]"#]),
            lines(&["null", "[null,\"null\"]", "[[null]]", "x"]),
            lines(&["\"Ann\"", &all.replace(['\n', AGAIN], ""), "[]"]),
            lines(&["\"Ann\""]),
        ] {
            assert_eq!(
                unpack(&pack(&it)).trim_end_matches('\n'),
                it.join("\n").trim_end_matches('\n')
            );
        }
    }

    #[test]
    fn a_usual_contact_takes_a_third_and_statements_read_the_first_and_last_line() {
        let phone = r#"[{"value":"+380 44 1","label":"mobile","primary":true},{"value":"2","label":null,"primary":false}]"#;
        let it = lines(&[
            "\"null\"",
            "",
            "",
            "",
            "",
            "",
            "\"+380 44 1\"",
            phone,
            "",
            "",
            "",
            r#"["null"]"#,
        ]);
        let packed = pack(&it);
        assert!(packed.len() * 3 < it.join("\n").len(), "{packed:?}");
        assert_eq!(
            pack(&lines(&["1", "", "", "", "", "", "", "[2]"])).split('\n').next_back(),
            Some("[2]")
        );
        assert_eq!(packed.split('\n').next(), Some("\"null\""));
        assert_eq!(packed.split('\n').next_back(), Some(r#"["null"]"#));
    }

    #[test]
    fn each_sign_is_one_and_no_line_break() {
        let signs: std::collections::HashSet<_> = WORDS.iter().map(|(sign, _)| *sign).collect();
        assert!(signs.len() == WORDS.len() && WORDS.is_sorted_by_key(|(sign, _)| *sign));
        assert!(signs.iter().all(|it| *it < ' ' && !"\n\u{1}".contains(*it)));
    }

    #[test]
    fn what_is_long_is_left_alone() {
        let it = lines(&["\"Ann\"", &"null".repeat(PACKED_MAX / 4), ""]);
        assert_eq!(pack(&it), it.join("\n"));
    }
}
