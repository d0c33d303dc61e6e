//! Values of content lines: what is escaped, and how parts are separated.

/// Text → value: `\`, `,`, `;` and line breaks escaped (RFC 2426, section 2.4.2; RFC 5545,
/// section 3.3.11). A carriage return cannot be written, the line feed says it all.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' | ',' | ';' => out.extend(['\\', c]),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' => out.push_str("\\n"),
            _ => out.push(c),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_escaping() {
        for text in ["a\\n,b;c:d\ne", "\\", "C:\\new", ",;\n\n"] {
            assert_eq!(unescape(&escape(text)), text);
        }
        assert_eq!(unescape(r"https\://a\qb\"), r"https://a\qb\");
        assert_eq!(escape("a\r\nb\rc"), r"a\nb\nc");
        assert_eq!(escape_bare(r"a\,b\\,c", &[',']), r"a\,b\\\,c");
        assert_eq!(split_value(r"a\;b;c\\;d", ';').collect::<Vec<_>>(), [r"a\;b", r"c\\", "d"]);
    }
}
