//! XML out: text as what stands in an element or an attribute.

/// XML 1.0, 2.2: what a document may have, escaped or not.
pub fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Appends text as the content of an element or of an attribute in double quotes. A carriage return
/// would come out as a line feed, so it is written as a reference; what XML cannot hold is left out.
/// What stands between such characters is copied at once, since photos are most of what is sent.
pub fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some((plain, special)) =
        next_special(rest.as_bytes()).and_then(|at| rest.split_at_checked(at))
    {
        out.push_str(plain);
        let mut characters = special.chars();
        match characters.next() {
            Some('&') => out.push_str("&amp;"),
            Some('<') => out.push_str("&lt;"),
            Some('>') => out.push_str("&gt;"),
            Some('"') => out.push_str("&quot;"),
            Some('\r') => out.push_str("&#13;"),
            Some(c) if is_legal(c) => out.push(c),
            _ => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
}

/// Where the first character may be that is not written as it is. Looked for in blocks, which the
/// processor compares at once, first large, then small: a folded picture has one in every line.
fn next_special(text: &[u8]) -> Option<usize> {
    let large = clean_blocks::<32>(text);
    let small = large + clean_blocks::<8>(text.get(large..)?);
    let found = text.get(small..)?.iter().position(|it| may_be_special(*it))?;
    Some(small + found)
}

/// Octets of the blocks at the beginning that have no such character.
fn clean_blocks<const N: usize>(text: &[u8]) -> usize {
    let (blocks, _) = text.as_chunks::<N>();
    let special =
        |block: &[u8; N]| block.iter().fold(false, |it, octet| it | may_be_special(*octet));
    N * blocks.iter().position(special).unwrap_or(blocks.len())
}

/// True for the first octet of every character that is not written as it is. (That of U+FFFE and U+FFFF
/// begins others too.) Without branches, for the sake of [`next_special`].
fn may_be_special(octet: u8) -> bool {
    ((octet < b' ') & (octet != b'\n') & (octet != b'\t'))
        | (octet == b'&')
        | (octet == b'<')
        | (octet == b'>')
        | (octet == b'"')
        | (octet == 0xEF)
}

/// [`escape`], as a text of its own.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(&mut out, text);
    out
}

/// `<D:href>…</D:href>`
pub fn href(path: &str) -> String {
    format!("<D:href>{}</D:href>", escaped(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_left_out_and_the_rest_is_whole_wherever_it_stands() {
        assert_eq!(escaped("a\u{0}\u{B}\u{FFFE}b\u{FFFF}"), "ab");
        assert_eq!(escaped("\u{FFFD}\u{F000}ü😀'\t\n"), "\u{FFFD}\u{F000}ü😀'\t\n");
        for plain in 0..70 {
            let text = format!("{}&\r\n<ü>{0}\"", "x".repeat(plain));
            let x = "x".repeat(plain);
            assert_eq!(escaped(&text), format!("{x}&amp;&#13;\n&lt;ü&gt;{x}&quot;"));
        }
    }
}
