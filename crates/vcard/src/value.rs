//! Values of content lines: what is escaped, how parts are separated, what text is visible.

use unicode_normalization::UnicodeNormalization;

/// Text → value: `\`, `,`, `;` and line breaks escaped (RFC 2426, section 2.4.2; RFC 5545, section
/// 3.3.11). A carriage return cannot be written, the line feed says it all.
pub fn escape(text: &str) -> String {
    escaped(text, &['\\', ',', ';'])
}

/// The same for a URI, of which 3.0 escapes no commas and semicolons.
pub fn escape_uri(text: &str) -> String {
    escaped(text, &['\\'])
}

fn escaped(text: &str, special: &[char]) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' => out.push_str("\\n"),
            c if special.contains(&c) => out.extend(['\\', c]),
            c if is_forbidden(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Value → text. Google also writes `\:`; a backslash before anything else is one.
pub fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('n' | 'N')) => {
                chars.next();
                out.push('\n');
            }
            ('\\', Some('\\' | ',' | ';' | ':')) => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

/// Escapes those of `bare` that are not escaped yet.
pub fn escape_bare(value: &str, bare: &[char]) -> String {
    let mut out = String::with_capacity(value.len());
    let mut escaped = false;
    for c in value.chars() {
        if !escaped && bare.contains(&c) {
            out.push('\\');
        }
        escaped = c == '\\' && !escaped;
        out.push(c);
    }
    out
}

/// The parts of a value, still escaped, between unescaped `separator`s.
pub fn split_value(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    value.split(move |c| {
        let splits = !escaped && c == separator;
        escaped = c == '\\' && !escaped;
        splits
    })
}

/// Splits at `separator` outside double quotes; if a quote stays open, quotes mean nothing.
pub fn split_quoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let balanced = text.matches('"').count().is_multiple_of(2);
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"' && balanced;
        !quoted && c == separator
    })
}

/// Where the head of a line ends: the first colon outside double quotes, or if a quote stays open the first.
pub fn colon(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    let outside = line.iter().position(|byte| {
        quoted ^= *byte == b'"';
        !quoted && *byte == b':'
    });
    outside.or_else(|| line.iter().position(|byte| *byte == b':'))
}

/// True for what no value may have, since XML cannot carry it: control characters but tab and line
/// ends, and the two that are no characters (`carddav.md`, rule 40).
pub fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// True for characters that show nothing and that programs leave around copied text
/// (`files.md`, 7).
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{34f}' | '\u{61c}' | '\u{fe00}'..='\u{fe0f}'
        // Letters without a shape, which people call themselves by: Hangul fillers, a blank in Braille.
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}')
}

/// Text without white space and what shows nothing at its ends.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || is_invisible(c))
}

/// Text without what shows nothing at its ends; none if nothing is left.
pub fn visible(text: &str) -> Option<&str> {
    Some(trim(text)).filter(|text| !text.is_empty())
}

/// A value as text of one line: line breaks and tabs as spaces, [`visible`].
pub fn one_line(text: &str) -> Option<String> {
    let text = visible(text)?;
    match text.contains(['\n', '\r', '\t']) {
        true => Some(text.replace("\r\n", " ").replace(['\n', '\r', '\t'], " ")),
        false => Some(text.to_owned()),
    }
}

/// The name of a label: [`one_line`], and composed (NFC), so that the two spellings of `é` are one label.
pub fn label(text: &str) -> Option<String> {
    one_line(text).map(|label| label.nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_escaping() {
        for text in ["a\\n,b;c:d\ne", "\\", "C:\\new", ",;\n\n"] {
            assert_eq!(unescape(&escape(text)), text);
            assert_eq!(unescape(&escape_uri(text)), text);
        }
        assert_eq!(unescape(r"https\://a\qb\"), r"https://a\qb\");
        assert_eq!(escape("a\r\nb\rc\0"), r"a\nb\nc");
        assert_eq!(escape_bare(r"a\,b\\,c", &[',']), r"a\,b\\\,c");
        assert_eq!(split_value(r"a\;b;c\\;d", ';').collect::<Vec<_>>(), [r"a\;b", r"c\\", "d"]);
    }

    #[test]
    fn what_shows_nothing_is_no_text() {
        assert_eq!(visible("\u{200b} \u{ad}"), None);
        assert_eq!(visible("\u{feff}Ann\u{200e} "), Some("Ann"));
        assert_eq!(one_line(" a\r\nb\tc ").as_deref(), Some("a b c"));
    }
}
