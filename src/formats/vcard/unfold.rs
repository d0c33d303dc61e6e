//! Bytes → logical lines. On bytes, because a fold may stand in the middle of a character.

use crate::formats::line::{head, split_quoted};
use std::borrow::Cow;

/// The unfolded lines of a file that are not blank, each with the number of its first physical
/// line. CR LF, LF and CR end a line. What continues a line:
///
/// - a line that begins with a space or tab (RFC 2426, section 2.6; the one character goes);
/// - where the head says quoted-printable, the line after a `=` at the end (RFC 2045, section 6.7,
///   rule 5), as it is;
/// - where the head says base64, a line of nothing but base64: some writers of 2.1 do not indent.
pub struct Unfold<'a> {
    bytes: Cow<'a, [u8]>,
    at: usize,
    /// Number of the physical line at `at`.
    number: u64,
}

/// What a line's head says of the encoding of its value.
#[derive(Clone, Copy, PartialEq)]
enum Encoding {
    Unknown,
    Plain,
    QuotedPrintable,
    Base64,
}

impl<'a> Unfold<'a> {
    /// The lines of these bytes.
    pub fn new(bytes: Cow<'a, [u8]>) -> Unfold<'a> {
        Unfold { bytes, at: 0, number: 1 }
    }

    /// The physical line at `at` without its end, and where the next one begins.
    fn physical(&self) -> Option<(&[u8], usize)> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
        let (line, end) = rest.split_at_checked(length)?;
        let end = if end.starts_with(b"\r\n") { 2 } else { end.len().min(1) };
        Some((line, self.at + length + end))
    }
}

impl Iterator for Unfold<'_> {
    type Item = (u64, Vec<u8>);

    fn next(&mut self) -> Option<(u64, Vec<u8>)> {
        let (number, mut text) = loop {
            let (line, next) = self.physical()?;
            // Files that were put together have a byte-order mark before each part.
            let line = line.strip_prefix(crate::formats::encoding::BOM).unwrap_or(line);
            let found = (self.number, line.to_vec());
            (self.at, self.number) = (next, self.number + 1);
            if !found.1.trim_ascii().is_empty() {
                break found;
            }
        };
        let mut encoding = Encoding::of(&text);
        while let Some((line, next)) = self.physical() {
            if encoding == Encoding::QuotedPrintable
                && text.ends_with(b"=")
                && !super::is_mark(line, "END:VCARD")
            {
                text.pop();
                text.extend(line);
            } else if let Some((b' ' | b'\t', folded)) = line.split_first() {
                text.extend(folded);
                // The head itself may be folded. It is looked at once, when its end is there.
                if encoding == Encoding::Unknown && folded.contains(&b':') {
                    encoding = Encoding::of(&text);
                }
            } else if encoding == Encoding::Base64 && is_base64(line) {
                text.extend(line);
            } else {
                break;
            }
            (self.at, self.number) = (next, self.number + 1);
        }
        Some((number, text))
    }
}

impl Encoding {
    fn of(line: &[u8]) -> Encoding {
        let Some(head) = head(line) else { return Encoding::Unknown };
        if !head.contains(&b';') {
            return Encoding::Plain;
        }
        let head = String::from_utf8_lossy(head).to_ascii_uppercase();
        let params = split_quoted(&head, ';');
        let says = |words: &[&str]| params.iter().any(|param| words.contains(&param.trim()));
        if says(&["QUOTED-PRINTABLE", "ENCODING=QUOTED-PRINTABLE"]) {
            Encoding::QuotedPrintable
        } else if says(&["BASE64", "ENCODING=BASE64", "ENCODING=B"]) {
            Encoding::Base64
        } else {
            Encoding::Plain
        }
    }
}

fn is_base64(line: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    !line.is_empty() && line.iter().all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(u64, String)> {
        let lines = Unfold::new(Cow::Borrowed(text.as_bytes()));
        lines.map(|(at, line)| (at, String::from_utf8(line).unwrap())).collect()
    }

    #[test]
    fn lines_are_numbered_as_an_editor_does() {
        let text = "\u{feff}A:1\r\n b\n\n\tc\r\rB:2";
        // A blank line ends a line; what is indented after it begins one.
        assert_eq!(lines(text), [(1, "A:1b".into()), (4, "\tc".into()), (6, "B:2".into())]);
    }

    #[test]
    fn soft_breaks_count_only_where_they_are_declared() {
        let text = "A;QUOTED-PRINTABLE:x=\n =3D=\nEND:VCARD\nB:x=\nC:y";
        let expected = ["A;QUOTED-PRINTABLE:x =3D=", "END:VCARD", "B:x=", "C:y"];
        assert_eq!(lines(text).into_iter().map(|(_, line)| line).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn base64_goes_on_without_indent_and_ends_at_a_blank_line() {
        let text = "P;ENCODING=BASE64:\nAAAA\n BB==\n\nTEXT\nQ;ENCO\n DING=b:\nAA\nR:1";
        let expected = ["P;ENCODING=BASE64:AAAABB==", "TEXT", "Q;ENCODING=b:AA", "R:1"];
        assert_eq!(lines(text).into_iter().map(|(_, line)| line).collect::<Vec<_>>(), expected);
    }
}
