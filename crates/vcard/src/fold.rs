//! Text as search compares it: what is stored and what is looked for go through the same function.

use crate::value::is_invisible;
use unicode_normalization::UnicodeNormalization;

/// NFKD, lower case, without marks, apostrophes and what shows nothing; letters that Unicode does
/// not take apart (`ł`, `ø`) as people type them; digits of all scripts and dashes of every length as ASCII;
/// one space for many. Folding twice is folding once.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Lower case of a composed letter may be composed again, so it comes before NFKD; NFKD may make
    // a capital (𝐀), so it comes after it too.
    let lower = text.nfkd().flat_map(char::to_lowercase).nfkd();
    let mut space = false;
    for c in lower {
        let c = fold_digit(c);
        if c.is_whitespace() || c.is_control() {
            space = true;
            continue;
        }
        if is_mark(c) || is_invisible(c) {
            // An accent that stands alone is a space and an accent in NFKD: both go.
            space = space && !matches!(c, '\u{300}'..='\u{36f}');
            continue;
        }
        if space && !out.is_empty() {
            out.push(' ');
        }
        space = false;
        match c {
            'ґ' => out.push('г'),
            'ł' => out.push('l'),
            'ø' => out.push('o'),
            'đ' | 'ð' => out.push('d'),
            'ı' => out.push('i'),
            'ħ' => out.push('h'),
            'ŧ' => out.push('t'),
            'þ' => out.push_str("th"),
            'ς' => out.push('σ'),
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            // Farsi and Urdu letters, and the Arabic ones that look alike.
            'ی' | 'ى' | 'ے' => out.push('ي'),
            'ک' => out.push('ك'),
            'ہ' | 'ة' => out.push('ه'),
            'ٱ' => out.push('ا'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
            c => out.push(c),
        }
    }
    out
}

/// The digits of a text, as ASCII. The `(0)` of `+49 (0)30` is dialled within the country only.
pub fn digits(text: &str) -> String {
    text.replace("(0)", "").nfkd().map(fold_digit).filter(char::is_ascii_digit).collect()
}

/// Marks and signs that people leave out: accents, points of Hebrew, signs of Arabic and its
/// tatweel, the dot under letters of Hindi, apostrophes of every kind, and which form of a Chinese character is meant.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}'
        | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}'
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{93c}' | '\u{2b9}'..='\u{2bf}' | '\u{2018}' | '\u{2019}'
        | '\'' | '`' | '\u{e0100}'..='\u{e01ef}')
}

/// The zeros of the scripts whose ten digits stand in a row and which NFKD does not turn into
/// ASCII (Unicode 16, general category Nd).
const ZEROS: [u32; 62] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
    0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50,
    0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0x104a0,
    0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0,
    0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16a60, 0x16ac0, 0x16b50,
    0x1e140, 0x1e2f0, 0x1e4f0, 0x1e950, 0x1fbf0, 0xff10,
];

/// A digit of any script as ASCII; anything else as it is.
pub fn fold_digit(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let code = u32::from(c);
    let after = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code));
    after.and_then(|zero| char::from_digit(code - zero, 10)).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_as_people_type_them() {
        for (text, folded) in [
            ("Їжак ҐАЛАҐАН Йосип Мар’яна Álvaro Łukasz", "іжак галаган иосип маряна alvaro lukasz"),
            ("O´Neil O'Neil", "oneil oneil"),
            ("  Straße\u{200b}  ŒUVRE\t", "strasse oeuvre"),
            ("ΝΊΚΟΣ Νίκος", "νικοσ νικοσ"),
            ("İstanbul ISPARTA ırmak", "istanbul isparta irmak"),
            ("علی کریمی", "علي كريمي"),
            ("فاطمة ہاشمی ٱلله", "فاطمه هاشمي الله"),
            ("Anne‑Marie Smith–Jones", "anne-marie smith-jones"),
            ("Qurʾan Saʿd ʻAnela", "quran sad anela"),
            ("क़मर ज़ैदी", "कमर जैदी"),
            ("葛\u{e0100}城", "葛城"),
            ("٠١٢ ۳ ５ ९", "012 3 5 9"),
            ("ｅｘａｍｐｌｅ", "example"),
            ("", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
            assert_eq!(fold(&fold(text)), folded, "{text}");
        }
    }

    #[test]
    fn digits_of_all_scripts() {
        assert_eq!(digits("+49 (0)30 ١٢٣ ９x7"), "493012397");
    }
}
