//! Numbers and addresses as people paste them (`files.md`, 7). Cards keep what they have; this is
//! how it is shown, and what the API takes.

use crate::fold::fold_digit;
use crate::value::is_invisible;
use unicode_normalization::UnicodeNormalization;

/// Longest number, in characters.
const PHONE_MAX: usize = 32;
/// Longest address, in characters (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const EMAIL_MAX: usize = 254;

/// A telephone number without what shows nothing, with ASCII digits, dashes and spaces. `tel:` goes
/// (RFC 3966), and `;ext=` becomes ` x`.
pub fn clean_phone(text: &str) -> String {
    let plain = text.chars().filter(|c| is_shown(*c)).map(|c| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' | '\u{ff0d}' => '-',
        c if c.is_whitespace() => ' ',
        // Full-width forms of ASCII lie in the same order.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => fold_digit(c),
    });
    let plain: String = plain.collect();
    let mut number = plain.trim();
    while let Some(rest) = strip_scheme(number, "tel:") {
        number = rest.trim();
    }
    let had_scheme = number.len() < plain.trim().len();
    if had_scheme { number.replacen(";ext=", " x", 1).trim().to_owned() } else { number.to_owned() }
}

/// False for what shows nothing. A line break parts what stands around it: two numbers of one line of a
/// card must not run together.
fn is_shown(c: char) -> bool {
    !is_invisible(c) && (!c.is_control() || c.is_whitespace())
}

/// True for a number that can be dialled: 3 to 32 characters, at least three digits, and beside them
/// space, `+ - ( ) . / # *`, pauses (`,` `;` `p` `w`) and an extension (`x12`, `ext. 12`, `доб. 5`).
pub fn is_valid_phone(number: &str) -> bool {
    let length = number.chars().count();
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let mut words = number.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let word = |word: &str| {
        let word = word.to_lowercase();
        ["x", "p", "w", "ext", "extension", "доб", "вн", "poste", "int", "dw"]
            .contains(&word.as_str())
            || word.chars().all(|c| matches!(c, 'p' | 'w'))
    };
    let sign = |c: char| c.is_ascii_digit() || c.is_alphabetic() || " +-()./#*,;=".contains(c);
    (3..=PHONE_MAX).contains(&length)
        && digits >= 3
        && words.all(word)
        && number.chars().all(sign)
        // A word before the first digit is no extension.
        && !number.split(|c: char| c.is_ascii_digit()).next().unwrap_or("").contains(char::is_alphabetic)
}

/// An e-mail address without what shows nothing, out of `Name <a@x>`, `<a@x>`, `mailto:a@x?…` and
/// Exchange's `SMTP:a@x`.
pub fn clean_email(text: &str) -> String {
    let address = text.contains(['@', '＠']);
    let plain: String = text
        .chars()
        .filter(|c| is_shown(*c))
        .map(|c| match c {
            c if c.is_control() => ' ',
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            '\u{3002}' if address => '.',
            c => c,
        })
        .nfc()
        .collect();
    let plain = inside(plain.trim());
    let mut address = plain;
    let scheme = |address| ["mailto:", "smtp:"].iter().find_map(|it| strip_scheme(address, it));
    while let Some(rest) = scheme(address) {
        address = rest.trim();
    }
    if address.len() < plain.len() {
        address = inside(address.split('?').next().unwrap_or_default().trim());
    }
    let address = address.trim_end_matches([',', ';', ' ']);
    // Outlook puts an address that is a name in quotes; a full stop ends a sentence.
    let quoted = ['\'', '"'].iter().find_map(|it| address.strip_prefix(*it)?.strip_suffix(*it));
    let bare = quoted.unwrap_or(address).trim();
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    if is_valid_email(bare) { bare.to_owned() } else { address.to_owned() }
}

/// The address in `Name <a@x>`, or the text.
fn inside(text: &str) -> &str {
    match text.rsplit_once('<') {
        Some((before, rest)) if !before.contains('<') => match rest.split_once('>') {
            Some((inside, after))
                if inside.contains('@') && after.trim_matches([' ', ',', ';']).is_empty() =>
            {
                inside.trim()
            }
            _ => text,
        },
        _ => text,
    }
}

/// True for an address that mail can be sent to. Wider than RFC 5321 where mail is: dots may stand
/// together or at the end of the name (Japanese telephones have such), any script is fine.
pub fn is_valid_email(address: &str) -> bool {
    let Some((name, domain)) = address.rsplit_once('@') else { return false };
    let in_name = |c: char| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c) || is_mark(c);
    let label = |label: &str| {
        let inside = |c: char| c.is_alphanumeric() || c == '-' || is_mark(c);
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(inside)
    };
    address.chars().count() <= EMAIL_MAX
        && !name.is_empty()
        && name.chars().all(in_name)
        && domain.split('.').all(label)
}

/// Vowel signs and the like, without which many scripts cannot be written.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// The text after a scheme in any letter case.
pub fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_from_a_clipboard() {
        for (text, clean) in [
            ("+1\u{200b} 555 010 0115", "+1 555 010 0115"),
            ("555−010−0100", "555-010-0100"),
            ("٠٥٠ ٥٥٥", "050 555"),
            ("０９０ー５５５５－０１００", "090-5555-0100"),
            ("\u{202a}+1\u{a0}555\u{202c}", "+1 555"),
            ("555 010\n555 011\r\n", "555 010 555 011"),
            ("tel:+1-555;ext=12", "+1-555 x12"),
            ("TEL:+1", "+1"),
            ("+1 555;ext=12", "+1 555;ext=12"),
        ] {
            assert_eq!(clean_phone(text), clean, "{text}");
            assert_eq!(clean_phone(clean), clean);
        }
    }

    #[test]
    fn numbers_that_can_be_dialled() {
        for good in [
            "112",
            "+38 (044) 123-45-67",
            "555.0100 x12",
            "*#06#1",
            "+1 (555) 010-0199 ext. 12",
            "+15555550100,,123#",
            "+38 044 555-01-00 доб. 5",
            "555-0100p12w3",
            "+1 555;ext=12",
            "+1 555 0100 EXT 12",
        ] {
            assert!(is_valid_phone(good), "{good}");
        }
        for bad in [
            "12",
            "++--",
            "1-800-555-CARS",
            "4.91512E+11",
            "15",
            "x123",
            "ext 123",
            "1234\n",
            "111111111111111111111111111111111",
            "555 home",
        ] {
            assert!(!is_valid_phone(bad), "{bad}");
        }
    }

    #[test]
    fn addresses_from_a_clipboard() {
        for (text, clean) in [
            ("Ann <a@x.example>", "a@x.example"),
            ("<a@x.example>;", "a@x.example"),
            ("mailto:a@x.example?subject=b", "a@x.example"),
            ("SMTP:a@x.example", "a@x.example"),
            ("<MAILTO:a@x.example>", "a@x.example"),
            ("\u{feff}a@x\u{200b}.example ", "a@x.example"),
            ("ａ＠ｘ．example", "a@x.example"),
            ("n/a", "n/a"),
            ("Ann <boat>", "Ann <boat>"),
            ("<a@x.example> or Ann", "<a@x.example> or Ann"),
            ("'a@x.example'", "a@x.example"),
            ("\"Ann <a@x.example>\"", "\"Ann <a@x.example>\""),
            ("\"a@x.example\";", "a@x.example"),
            ("a@x.example.", "a@x.example"),
            ("n/a.", "n/a."),
            ("Ann\na@x.example\n", "Ann a@x.example"),
            ("'n/a'", "'n/a'"),
        ] {
            assert_eq!(clean_email(text), clean, "{text}");
            assert_eq!(clean_email(clean), clean);
        }
        for good in [
            "a..b@docomo.example",
            "a.@docomo.example",
            "a@xn--mnchen-3ya.example",
            "a@münchen.example",
            "o'brien+tag@example.com",
            "ann@localhost",
            "हिन्दी@उदाहरण.example",
        ] {
            assert!(is_valid_email(good), "{good}");
        }
        for bad in [
            "",
            "n/a",
            "a@",
            "@b",
            "a b@c.de",
            "/o=ExchangeLabs/ou=x",
            "a@b..c",
            "a@-b.c",
            "a@b@c",
            "a@b\r\nBcc: x@y.z",
            "a@[127.0.0.1]",
        ] {
            assert!(!is_valid_email(bad), "{bad}");
        }
    }
}
