//! Bytes → logical lines. On bytes, because a fold may stand in the middle of a character.

use crate::line::HEAD_MAX;
use crate::value::{colon, split_quoted};

/// Most bytes of a logical line that are kept: a picture of six megabytes in base64.
const LINE_MAX: usize = 9 << 20;
/// Most blanks after a soft break.
const BLANKS_MAX: usize = 32;
/// Length from which mail programs break lines, and that at which a line is folded.
const WRAPPED_MIN: usize = 60;
const FOLDED: usize = 75;
/// Physical lines that are looked at to find out whether every second one is blank.
const SAMPLE: usize = 64;

/// The logical lines of a file that are not blank. CR LF, LF, CR and CR CR LF end a physical line.
/// What continues a logical line:
///
/// - a line that begins with a space or tab (RFC 2426, section 2.6; the one character goes);
/// - where the head says quoted-printable, the line after a `=` at the end (RFC 2045, section 6.7,
///   rule 5);
/// - where the head says base64, a line of nothing but base64: some writers of 2.1 do not indent;
/// - behind a long line of a card, one that is no content line: a mail program has broken it, or lost its blank.
///
/// Where a blank line follows every line, blank lines count for nothing; where the whole file is
/// indented, or quoted by a mail, what stands before BEGIN counts for nothing.
#[derive(Debug, Default)]
pub struct Unfold {
    at: usize,
    /// Physical lines before `at`.
    count: u64,
    /// None: not looked at yet.
    doubled: Option<bool>,
    indent: usize,
    /// True inside of a card.
    inside: bool,
}

/// A logical line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logical {
    /// The first physical line, from 1.
    pub number: u64,
    /// Where it begins in the file.
    pub start: usize,
    /// Where the next one begins.
    pub end: usize,
    /// Unfolded.
    pub bytes: Vec<u8>,
}

/// What a line's head says of the encoding of its value.
#[derive(Clone, Copy, PartialEq)]
enum Encoding {
    Unknown,
    Plain,
    QuotedPrintable,
    Base64,
}

impl Unfold {
    /// The next line of the file, which has to be the same at each call.
    pub fn next(&mut self, file: &[u8]) -> Option<Logical> {
        let doubled = *self.doubled.get_or_insert_with(|| is_doubled(file));
        let (start, mut bytes) = loop {
            let (line, next) = physical(file, self.at)?;
            let start = self.at;
            let before = start.checked_sub(1).and_then(|at| file.get(at));
            self.count += u64::from(before.is_none_or(|it| matches!(it, b'\n' | b'\r')));
            self.at = next;
            // Files that were put together have a byte-order mark before each part.
            let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
            let bare = unquoted(line);
            if !self.inside && is_mark(bare, "BEGIN:VCARD") {
                self.indent = line.len() - bare.len();
            }
            let line = self.unindented(line);
            if line.trim_ascii().is_empty() {
                continue;
            }
            break (start, line.to_vec());
        };
        let number = self.count;
        self.inside = match self.inside {
            true => !is_mark(&bytes, "END:VCARD"),
            false => is_mark(&bytes, "BEGIN:VCARD"),
        };
        self.go_on(file, &mut bytes, doubled);
        Some(Logical { number, start, end: self.at, bytes })
    }

    fn unindented<'f>(&self, line: &'f [u8]) -> &'f [u8] {
        match line.split_at_checked(self.indent) {
            Some((head, rest)) if unquoted(head).is_empty() => rest,
            None if line.trim_ascii_end().ends_with(b">") && unquoted(line).is_empty() => b"",
            _ => line,
        }
    }

    /// Appends what continues the line.
    fn go_on(&mut self, file: &[u8], bytes: &mut Vec<u8>, doubled: bool) {
        let mut encoding = Encoding::of(bytes);
        let mut soft = SoftBreaks::default();
        let (mut at, mut count) = (self.at, self.count);
        let (mut skipped, mut before) = (false, bytes.len());
        while let Some((line, next)) = physical(file, at) {
            let line = self.unindented(line);
            // A second blank line was one before the file was doubled.
            skipped = doubled && !skipped && line.trim_ascii().is_empty();
            if skipped {
                (at, count) = (next, count + 1);
                continue;
            }
            // Some telephones put one between the lines of a picture.
            if encoding == Encoding::Base64
                && line.trim_ascii().is_empty()
                && physical(file, next).is_some_and(|(after, _)| is_indented_base64(after))
            {
                (at, count) = (next, count + 1);
                continue;
            }
            let room = LINE_MAX.saturating_sub(bytes.len());
            let broken = encoding == Encoding::QuotedPrintable && ends_softly(bytes);
            let ends = is_mark(line, "END:VCARD") || is_mark(line, "BEGIN:VCARD");
            if broken && !ends && !begins_property(bytes, line) {
                bytes.truncate(soft_end(bytes).unwrap_or(bytes.len()));
                soft.add(bytes, line);
                bytes.extend(line.iter().take(room));
            } else if let Some((b' ' | b'\t', folded)) = line.split_first() {
                bytes.extend(folded.iter().take(room));
                // The head itself may be folded. It is looked at once, when its end is there.
                if encoding == Encoding::Unknown && folded.contains(&b':') {
                    encoding = Encoding::of(bytes);
                }
            } else if encoding == Encoding::Base64 && is_base64(line) {
                bytes.extend(line.iter().take(room));
            } else if self.inside
                && before >= WRAPPED_MIN
                && !matches!(encoding, Encoding::Base64 | Encoding::QuotedPrintable)
                && !is_content(line, matches!(file.get(next), Some(b' ' | b'\t')))
            {
                let folded = before == FOLDED || line.len() >= WRAPPED_MIN && is_base64(line);
                bytes.extend(if folded { None } else { Some(b' ') });
                bytes.extend(line.iter().take(room));
            } else {
                break;
            }
            (at, count, before) = (next, count + 1, line.len());
            (self.at, self.count) = (at, count);
        }
        if encoding == Encoding::QuotedPrintable && ends_softly(bytes) {
            bytes.truncate(soft_end(bytes).unwrap_or(bytes.len()));
        }
        soft.take_folds(bytes);
    }
}

/// Where lines of quoted-printable were joined. A blank after a soft break may be part of the text,
/// or a fold that a writer of 3.0 put on top of it.
#[derive(Default)]
struct SoftBreaks {
    /// Places of blanks that begin a line.
    blanks: Vec<usize>,
    /// Of them those that cannot be text: inside of a character, or after a line break.
    folds: usize,
    /// All breaks.
    count: usize,
}

impl SoftBreaks {
    fn add(&mut self, before: &[u8], line: &[u8]) {
        self.count += 1;
        if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            self.blanks.push(before.len());
            let tail = crate::quoted::tail(before);
            let cut = tail.utf8_chunks().last().is_some_and(|chunk| {
                let lead = chunk.invalid().first().is_some_and(|byte| (0xC2..0xF5).contains(byte));
                lead && before.ends_with(format!("={:02X}", tail.last().unwrap_or(&0)).as_bytes())
            });
            self.folds += usize::from(cut || tail.ends_with(b"\n"));
        }
    }

    /// Takes the blanks out if they are folds: if one of them must be one, or if every line has one.
    fn take_folds(self, bytes: &mut Vec<u8>) {
        let all = self.count > 1 && self.blanks.len() == self.count;
        if self.folds == 0 && !all {
            return;
        }
        let mut places = self.blanks.into_iter().peekable();
        let mut at = 0;
        bytes.retain(|_| {
            let goes = places.next_if_eq(&at).is_some();
            at += 1;
            !goes
        });
    }
}

/// The line without blanks before it and the marks of a mail that quotes it, `> `.
pub fn unquoted(line: &[u8]) -> &[u8] {
    let text = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'>'));
    line.get(text.unwrap_or(line.len())..).unwrap_or_default()
}

/// The physical line at `at` without its end, and where the next one begins.
fn physical(file: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = file.get(at..).filter(|rest| !rest.is_empty())?;
    let length = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
    let (line, end) = rest.split_at_checked(length)?;
    if let Some((line, begin)) = end_before_begin(line) {
        return Some((line, at + begin));
    }
    let end = match end {
        [b'\r', b'\r', b'\n', ..] => 3,
        [b'\r', b'\n', ..] => 2,
        _ => end.len().min(1),
    };
    Some((line, at + length + end))
}

/// The END of a card, and where on the same line the next one begins: a file without an end of its last line was
/// put before another one.
fn end_before_begin(line: &[u8]) -> Option<(&[u8], usize)> {
    let (end, rest) = line.split_at_checked("END:VCARD".len())?;
    let rest = rest.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(rest).trim_ascii_start();
    let both = is_mark(end, "END:VCARD") && is_mark(rest, "BEGIN:VCARD");
    both.then_some((end, line.len() - rest.len()))
}

/// True if every line has a blank one after it.
fn is_doubled(file: &[u8]) -> bool {
    let mut at = 0;
    let mut blank_before = true;
    let mut pairs = 0;
    for _ in 0..SAMPLE {
        let Some((line, next)) = physical(file, at) else { break };
        let blank = line.trim_ascii().is_empty();
        if !blank && !blank_before {
            return false;
        }
        pairs += usize::from(blank && !blank_before);
        (blank_before, at) = (blank, next);
    }
    pairs >= 3
}

/// True if the line is `mark` in any letter case, spaces and zeros aside.
pub fn is_mark(line: &[u8], mark: &str) -> bool {
    let visible = line.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != 0);
    // `eq` on iterators stops at the first difference.
    visible.map(u8::to_ascii_uppercase).eq(mark.bytes())
}

/// True for a line that is one of its own after a `=` that breaks nothing: some telephones end each value so. What
/// follows a line break of the text is text, as in a signature.
fn begins_property(before: &[u8], line: &[u8]) -> bool {
    const NAMES: [&[u8]; 10] =
        [b"TEL", b"EMAIL", b"ADR", b"ORG", b"URL", b"BDAY", b"TITLE", b"PHOTO", b"N", b"FN"];
    let end = line.iter().position(|byte| matches!(byte, b';' | b':')).unwrap_or_default();
    let broken = soft_end(before).and_then(|end| before.get(..end)).unwrap_or_default();
    NAMES.contains(&line.get(..end).unwrap_or_default())
        && !broken.ends_with(b"=0A")
        && !broken.ends_with(b"=0D")
}

/// True for a line that ends with `=`, blanks after it aside.
fn ends_softly(bytes: &[u8]) -> bool {
    soft_end(bytes).is_some()
}

/// Where that `=` stands. Only some blanks are looked at, so that many lines of blanks take no time
/// that grows with their square.
fn soft_end(bytes: &[u8]) -> Option<usize> {
    let blanks = bytes.iter().rev().take(BLANKS_MAX).take_while(|byte| byte.is_ascii_whitespace());
    let end = bytes.len().checked_sub(blanks.count() + 1)?;
    (bytes.get(end) == Some(&b'=')).then_some(end)
}

/// The line up to its value.
pub fn head(line: &[u8]) -> Option<&[u8]> {
    line.get(..colon(line)?)
}

impl Encoding {
    fn of(line: &[u8]) -> Encoding {
        let Some(head) = head(line) else { return Encoding::Unknown };
        if !head.contains(&b';') || head.len() > HEAD_MAX {
            return Encoding::Plain;
        }
        let head = String::from_utf8_lossy(head).to_ascii_uppercase();
        let says = |words: &[&str]| {
            split_quoted(&head, ';').skip(1).any(|param| {
                let param =
                    param.split_once('=').map_or(param, |(name, value)| match name.trim() {
                        "ENCODING" => value,
                        _ => "",
                    });
                words.contains(&param.trim().trim_matches('"'))
            })
        };
        if says(&["QUOTED-PRINTABLE", "Q"]) {
            Encoding::QuotedPrintable
        } else if says(&["BASE64", "B"]) {
            Encoding::Base64
        } else {
            Encoding::Plain
        }
    }
}

/// True for a line that begins with the name of a property, or that is blank. The colon of a long head may stand in
/// the folded line after it, if there is one (`goes_on`).
fn is_content(line: &[u8], goes_on: bool) -> bool {
    let end = line.iter().position(|byte| matches!(byte, b';' | b':')).unwrap_or_default();
    let name = line.get(..end).unwrap_or_default().trim_ascii();
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let named = !name.is_empty() && name.iter().all(of_name) && (goes_on || line.contains(&b':'));
    named || line.trim_ascii().is_empty()
}

fn is_base64(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    !line.is_empty() && line.iter().all(digit)
}

fn is_indented_base64(line: &[u8]) -> bool {
    line.starts_with(b" ") && is_base64(line.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(u64, String)> {
        let mut unfold = Unfold::default();
        let next = || unfold.next(text.as_bytes());
        let lines = std::iter::from_fn(next);
        lines.map(|line| (line.number, String::from_utf8(line.bytes).unwrap())).collect()
    }

    fn texts(text: &str) -> Vec<String> {
        lines(text).into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn lines_are_numbered_as_an_editor_does() {
        let text = "\u{feff}A:1\r\n b\n\n\tc\r\r\nB:2\rC:3\n";
        // A blank line ends a line; what is indented after it begins one.
        let expected = [(1, "A:1b"), (4, "\tc"), (5, "B:2"), (6, "C:3")];
        assert_eq!(lines(text), expected.map(|(at, line)| (at, line.to_owned())));
    }

    #[test]
    fn soft_breaks_count_only_where_they_are_declared() {
        let text = "A;QUOTED-PRINTABLE:x=\n=3D=\nEND:VCARD\nB:x=\nC:y";
        assert_eq!(texts(text), ["A;QUOTED-PRINTABLE:x=3D", "END:VCARD", "B:x=", "C:y"]);
        assert_eq!(
            texts("A;ENCODING=quoted-printable:one =  \r\ntwo"),
            ["A;ENCODING=quoted-printable:one two"]
        );
        let quoted = "A;X=\"b:c\";ENCODING=QUOTED-PRINTABLE:one =\ntwo";
        assert_eq!(texts(quoted), ["A;X=\"b:c\";ENCODING=QUOTED-PRINTABLE:one two"]);
    }

    #[test]
    fn a_blank_after_a_soft_break_is_text_unless_it_must_be_a_fold() {
        for (text, joined) in [
            ("A;Q:a.=\n =D0=A1=\n=D0=B0", "A;Q:a. =D0=A1=D0=B0"),
            ("A;Q:a.=\n b", "A;Q:a. b"),
            ("A;Q:=D0=\n =A1", "A;Q:=D0=A1"),
            ("A;Q:a=0D=0A=\n b", "A;Q:a=0D=0Ab"),
            ("A;Q:a=\n b=\n c", "A;Q:abc"),
            ("A;Q:=D0=A1=\n b", "A;Q:=D0=A1 b"),
        ] {
            assert_eq!(texts(text), [joined], "{text}");
        }
    }

    #[test]
    fn base64_goes_on_without_indent_and_ends_at_a_blank_line() {
        let text = "P;ENCODING=BASE64:\nAAAA\n BB==\n\nTEXT\nQ;ENCO\n DING=b:\nAA\nR:1";
        assert_eq!(texts(text), ["P;ENCODING=BASE64:AAAABB==", "TEXT", "Q;ENCODING=b:AA", "R:1"]);
    }

    #[test]
    fn blank_lines_after_every_line_and_indents_of_the_file_count_for_nothing() {
        let text = "BEGIN:VCARD\n\nA:1\n\n 2\n\nP;BASE64:AA\n\n BB\n\nEND:VCARD\n\n";
        assert_eq!(texts(text), ["BEGIN:VCARD", "A:12", "P;BASE64:AABB", "END:VCARD"]);
        let text = "BEGIN:VCARD\n\nA;Q:1=\n\n2=\n\n\n\nB:3\n\nEND:VCARD\n\n";
        assert_eq!(texts(text), ["BEGIN:VCARD", "A;Q:12", "B:3", "END:VCARD"]);
        let text = "  BEGIN:VCARD\n  A:1\n   2\n  END:VCARD\nBEGIN:VCARD\nB:1\n  2\nEND:VCARD\n";
        let card = ["BEGIN:VCARD", "A:12", "END:VCARD", "BEGIN:VCARD", "B:1 2", "END:VCARD"];
        assert_eq!(texts(text), card);
    }
}
