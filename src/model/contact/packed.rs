//! The column `members` in less room: what the JSON of contacts repeats is one control character there.
//! JSON has no control characters of its own, and the only ones between members are line breaks, so
//! that unpacking gives the same text again.

/// Longest text that is packed. So the length of the column bounds what it becomes in memory: lists leave
/// longer ones out (`repository::contacts::columns`).
pub const PACKED_MAX: usize = 16_384;

/// The member before this one, which the first of its list repeats (`email` and `emails`).
const AGAIN: char = '\u{1}';
/// What other characters stand for. The longer ones come first.
const WORDS: [(char, &str); 22] = [
    ('\u{2}', r#","label":null,"primary":true}"#),
    ('\u{3}', r#","label":null,"primary":false}"#),
    ('\u{4}', r#","label":"mobile","primary":"#),
    ('\u{5}', r#","label":"home","primary":"#),
    ('\u{6}', r#","label":"work","primary":"#),
    ('\u{7}', r#""primary":true"#),
    ('\u{8}', r#""primary":false"#),
    ('\u{b}', r#"{"label":null,"#),
    ('\u{c}', r#"{"label":"home","#),
    ('\u{e}', r#"{"label":"work","#),
    ('\u{f}', r#","po_box":null,"extended":null,"street":"#),
    ('\u{10}', r#","city":"#),
    ('\u{11}', r#","region":null"#),
    ('\u{12}', r#","postal_code":"#),
    ('\u{13}', r#","country":"#),
    ('\u{14}', r#","label":"#),
    ('\u{15}', r#"{"value":"#),
    ('\u{16}', r#","region":"#),
    ('\u{17}', r#","street":"#),
    ('\u{18}', "\n\n\n\n\n"),
    ('\u{19}', "\n\n\n"),
    ('\u{1a}', "null"),
];

/// Packs the members of the JSON, each on a line. The first line stays as it is, since statements read it.
pub fn pack(lines: &[String]) -> String {
    let all = lines.join("\n");
    if all.len() > PACKED_MAX {
        return all;
    }
    let mut packed: Vec<String> = lines.to_vec();
    for (before, line) in lines.iter().zip(packed.iter_mut().skip(1)) {
        if before.len() > 1 && line.starts_with('[') {
            *line = line.replacen(before.as_str(), AGAIN.encode_utf8(&mut [0; 4]), 1);
        }
    }
    let joined = packed.join("\n");
    let (first, rest) = joined.split_once('\n').unwrap_or((joined.as_str(), ""));
    let (rest, last) = rest.rsplit_once('\n').unwrap_or((rest, ""));
    let rest = WORDS.iter().fold(rest.to_owned(), |text, (sign, word)| {
        text.replace(word, sign.encode_utf8(&mut [0; 4]))
    });
    format!("{first}\n{rest}\n{last}")
}

/// What [`pack`] was given, in lines. The last one may have been cut off.
pub fn unpack(packed: &str) -> String {
    let mut text = String::with_capacity(packed.len() * 3);
    for sign in packed.chars() {
        match WORDS.iter().find(|(it, _)| *it == sign) {
            Some((_, word)) => text.push_str(word),
            None if sign == AGAIN => {
                let before = text.rsplit('\n').nth(1).unwrap_or_default().to_owned();
                text.push_str(&before);
            }
            None => text.push(sign),
        }
    }
    text
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
            lines(&["null", "[null,\"null\"]", "[[null,\"null\"]]", "x"]),
            lines(&["\"Ann\"", &all.replace('\n', ""), "[]"]),
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
        assert_eq!(packed.split('\n').next(), Some("\"null\""));
        assert_eq!(packed.split('\n').next_back(), Some(r#"["null"]"#));
    }

    #[test]
    fn each_sign_is_one_and_no_line_break() {
        let signs: std::collections::HashSet<_> = WORDS.iter().map(|(sign, _)| *sign).collect();
        assert_eq!(signs.len(), WORDS.len());
        assert!(signs.iter().all(|it| *it < ' ' && !"\n\u{1}".contains(*it)));
    }

    #[test]
    fn what_is_long_is_left_alone() {
        let it = lines(&["\"Ann\"", &"null".repeat(PACKED_MAX / 4), ""]);
        assert_eq!(pack(&it), it.join("\n"));
    }
}
