//! Forms with a file: `multipart/form-data` (RFC 7578) in the framing of RFC 2046, 5.1.
//!
//! Strict where a mistake could hide a part or cut one off: a form without its closing delimiter,
//! a delimiter with something after it, and a part without a name are [`Error::Malformed`]. The
//! whole body is in memory (the route bounds its size), and parts are slices of it, so reading
//! costs no copy. File names are ignored: content decides what a file is.

use crate::error::{Error, Faults, Result};
use memchr::memmem;

/// Longest boundary (RFC 2046, 5.1.1).
const BOUNDARY_MAX: usize = 70;
/// Longest head of a part: field name, file name and type are far shorter.
const HEAD_MAX: usize = 8 * 1024;
/// Most parts of a form. Pages send fewer than a hundred.
const PARTS_MAX: usize = 1_000;

/// One field of a form.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The field's name.
    pub name: String,
    /// What was typed, or the bytes of the file.
    pub content: &'a [u8],
    /// The `charset` of its `Content-Type`.
    pub charset: Option<String>,
}

/// The content of a file field, `None` when the form does not have it. Of a repeated field the
/// first one counts.
pub fn file<'a>(body: &'a [u8], boundary: &str, field: &str) -> Result<Option<&'a [u8]>> {
    let part = parts(body, boundary)?.into_iter().find(|part| part.name == field);
    Ok(part.map(|part| part.content))
}

/// The field `file` of a form that has no other: an unknown one is [`Error::Invalid`], as an unknown JSON
/// member is.
pub fn only_file<'a>(body: &'a [u8], boundary: &str) -> Result<Part<'a>> {
    let parts = parts(body, boundary)?;
    if let Some(part) = parts.iter().find(|part| part.name != "file") {
        let mut faults = Faults::default();
        faults.add_unknown("", &part.name);
        faults.into_result(())?;
    }
    match <[Part; 1]>::try_from(parts) {
        Ok([part]) => Ok(part),
        Err(parts) if parts.is_empty() => Err(Error::invalid("file", "is required")),
        Err(_) => Err(Error::invalid("file", "must be there once; send each file by itself")),
    }
}

/// All parts in the order of the form.
pub fn parts<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>> {
    if !is_boundary(boundary) {
        return Err(malformed("its boundary is not one of RFC 2046"));
    }
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(&delimiter);
    let mut parts = Vec::new();
    let mut rest = after_preamble(body, &finder)?;
    while let Some(part) = after_delimiter(rest)? {
        if parts.len() == PARTS_MAX {
            return Err(malformed("it has too many fields"));
        }
        let end = finder.find(part).ok_or_else(|| malformed("its end is missing"))?;
        let (part, behind) = part.split_at(end);
        parts.push(read_part(part)?);
        rest = behind.get(delimiter.len()..).unwrap_or_default();
    }
    Ok(parts)
}

fn malformed(why: &str) -> Error {
    Error::Malformed(format!("the body is not valid multipart/form-data: {why}"))
}

/// `boundary` of RFC 2046, 5.1.1.
fn is_boundary(boundary: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    (1..=BOUNDARY_MAX).contains(&boundary.len())
        && boundary.bytes().all(allowed)
        && !boundary.ends_with(' ')
}

/// What follows the first delimiter. It has no line before it where the form has no preamble.
fn after_preamble<'a>(body: &'a [u8], finder: &memmem::Finder) -> Result<&'a [u8]> {
    let delimiter = finder.needle();
    let first_line = delimiter.strip_prefix(b"\r\n").unwrap_or(delimiter);
    if let Some(rest) = body.strip_prefix(first_line) {
        return Ok(rest);
    }
    let rest = finder.find(body).and_then(|start| body.get(start + delimiter.len()..));
    rest.ok_or_else(|| malformed("it does not have its boundary"))
}

/// The bytes after a delimiter's line; `None` after the closing one. Blanks may stand behind both
/// (`transport-padding`), and anything in the lines after the closing one (`epilogue`).
fn after_delimiter(rest: &[u8]) -> Result<Option<&[u8]>> {
    let (closing, rest) = match rest.strip_prefix(b"--") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let rest = rest.get(blanks..).unwrap_or_default();
    match (rest.strip_prefix(b"\r\n"), closing) {
        (Some(part), false) => Ok(Some(part)),
        (Some(_), true) => Ok(None),
        (None, true) if rest.is_empty() => Ok(None),
        (None, _) => Err(malformed("a boundary is not alone in its line")),
    }
}

/// A part: header fields, an empty line, the content.
fn read_part(part: &[u8]) -> Result<Part<'_>> {
    let bounded = part.get(..HEAD_MAX).unwrap_or(part);
    let end = memmem::find(bounded, b"\r\n\r\n").ok_or_else(|| malformed("a part has no head"))?;
    let (head, content) = (part.get(..end), part.get(end + 4..));
    // A file name may be in any character set.
    let head = String::from_utf8_lossy(head.unwrap_or_default());
    let (mut name, mut charset) = (None, None);
    for line in head.split("\r\n") {
        let (field, value) = line.split_once(':').ok_or_else(|| malformed("a part has no head"))?;
        if field.eq_ignore_ascii_case("Content-Disposition") {
            let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
            name =
                named(parameters, "name").filter(|_| kind.trim().eq_ignore_ascii_case("form-data"));
        }
        if field.eq_ignore_ascii_case("Content-Type") {
            charset =
                value.split_once(';').and_then(|(_, parameters)| named(parameters, "charset"));
        }
        // Deprecated by RFC 7578, 4.7, and sent by no browser. Read as plain it would be garbage.
        let encoded = !["7bit", "8bit", "binary"].contains(&value.trim());
        if field.eq_ignore_ascii_case("Content-Transfer-Encoding") && encoded {
            return Err(malformed("Content-Transfer-Encoding is not supported"));
        }
    }
    let name = name.ok_or_else(|| malformed("a part has no name"))?;
    Ok(Part { name, content: content.unwrap_or_default(), charset })
}

/// The parameter of that name in `name="photo"; filename="a.jpg"`, in quotes or without them.
fn named(parameters: &str, name: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        let (key, value) = rest.split_once('=')?;
        let (value, behind) = parameter(value.trim_start())?;
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = behind.trim_start().strip_prefix(';')?;
    }
}

/// The value of a parameter, and what stands behind it. In quotes a backslash stands before a
/// quote or a backslash; before anything else, and before the last quote of all, it is itself, as in
/// the paths of old browsers.
fn parameter(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, behind) = text.split_at(text.find(';').unwrap_or(text.len()));
        return Some((value.trim_end().to_owned(), behind));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => match chars
                .next_if(|(at, next)| matches!(next, '"' | '\\') && quoted.len() > at + 1)
            {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"a.vcf\"";

    fn read(body: &str) -> Result<Vec<Part<'_>>> {
        parts(body.as_bytes(), "XX")
    }

    /// Names and contents of a form that is right.
    fn fields(body: &str) -> Vec<(String, String)> {
        let text = |content: &[u8]| String::from_utf8(content.to_vec()).unwrap();
        read(body).unwrap().into_iter().map(|part| (part.name, text(part.content))).collect()
    }

    fn pair(name: &str, content: &str) -> (String, String) {
        (name.to_owned(), content.to_owned())
    }

    #[test]
    fn a_form_of_a_browser() {
        let body = format!(
            "--XX\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n\
             --XX\r\n{HEAD}\r\nContent-Type: text/vcard\r\n\r\nBEGIN\r\n\r\nEND\r\n\r\n--XX--\r\n"
        );
        assert_eq!(fields(&body), [pair("csrf", "abc"), pair("file", "BEGIN\r\n\r\nEND\r\n")]);
        let body = body.as_bytes();
        assert_eq!(file(body, "XX", "file").unwrap(), Some(b"BEGIN\r\n\r\nEND\r\n".as_slice()));
        assert_eq!(file(body, "XX", "photo").unwrap(), None);
        let refused = |body: &[u8], field: &str, why: &str| match only_file(body, "XX") {
            Err(Error::Invalid(faults)) => {
                let [fault] = <[_; 1]>::try_from(faults).unwrap();
                assert_eq!(fault.field, field);
                assert!(fault.detail.starts_with(why), "{}", fault.detail);
            }
            other => panic!("{other:?}"),
        };
        refused(body, "csrf", "");
        refused(b"--XX--\r\n", "file", "is required");
        let alone = format!("--XX\r\n{HEAD}\r\n\r\nBEGIN\r\n--XX--\r\n");
        assert_eq!(only_file(alone.as_bytes(), "XX").unwrap().content, b"BEGIN");
        let two = alone.replace("--XX--", &format!("--XX\r\n{HEAD}\r\n\r\nMORE\r\n--XX--"));
        refused(two.as_bytes(), "file", "must be there once");
    }

    #[test]
    fn what_else_the_framing_allows() {
        assert_eq!(fields("--XX--"), []);
        assert_eq!(fields("--XX--\r\n"), []);
        let body = format!("preamble\r\n--XX \t\r\n{HEAD}\r\n\r\n\r\n--XX-- \r\nepilogue --XX");
        assert_eq!(fields(&body), [pair("file", "")]);
        // A delimiter begins a line; elsewhere it is content.
        let body = format!("--XX\r\n{HEAD}\r\n\r\na--XX\n--XX\r\n--X\r\n--XX--");
        assert_eq!(fields(&body), [pair("file", "a--XX\n--XX\r\n--X")]);
    }

    #[test]
    fn every_form_that_is_cut_off_is_refused() {
        let body = format!("--XX\r\n{HEAD}\r\n\r\ncontent\r\n--XX\r\n{HEAD}\r\n\r\n2\r\n--XX--");
        assert_eq!(fields(&body).len(), 2);
        for end in 0..body.len() {
            let result = read(&body[..end]);
            assert!(matches!(result, Err(Error::Malformed(_))), "{end}: {result:?}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        // The line after the head is a delimiter, so that the head has no empty line after it.
        assert!(read(&format!("--XX\r\n{HEAD}\r\n\r\n--XX\r\n--XX--")).is_err());
        for body in [
            "--XXY\r\n\r\n--XX--",
            "--XX-\r\n\r\n--XX--",
            "--XX--x",
            "--XX\r\n\r\ncontent\r\n--XX--",
            "--XX\r\nContent-Type: text/plain\r\n\r\ncontent\r\n--XX--",
            "--XX\r\nContent-Disposition: form-data\r\n\r\ncontent\r\n--XX--",
            "--XX\r\nContent-Disposition: form-data; filename=\"name=file\"\r\n\r\nc\r\n--XX--",
            "--XX\r\nContent-Disposition: form-data; name=\"file\r\n\r\ncontent\r\n--XX--",
            "--XX\r\nContent-Disposition: attachment; name=\"file\"\r\n\r\ncontent\r\n--XX--",
            "--XX\r\nno colon\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nc\r\n--XX--",
            "--XX\nContent-Disposition: form-data; name=\"file\"\n\ncontent\n--XX--\n",
        ] {
            let result = read(body);
            assert!(matches!(result, Err(Error::Malformed(_))), "{body:?}: {result:?}");
        }
        let encoded = |how| {
            format!("--XX\r\n{HEAD}\r\nContent-Transfer-Encoding: {how}\r\n\r\naGk=\r\n--XX--")
        };
        assert!(read(&encoded("base64")).is_err());
        assert_eq!(fields(&encoded("binary")), [pair("file", "aGk=")]);
    }

    #[test]
    fn names_of_fields_in_every_spelling() {
        for (disposition, name) in [
            ("form-data; name=file", "file"),
            ("form-data;name = \"file\" ; filename=x", "file"),
            ("Form-Data; NAME=\"file\"", "file"),
            ("form-data; filename=\"a; name=\\\"b\\\".vcf\"; name=\"file\"", "file"),
            ("form-data; filename=\"C:\\dir\\a.vcf\"; name=\"file\"", "file"),
            ("form-data; filename*=UTF-8''%e2%82%ac.vcf; name=\"file\"", "file"),
            ("form-data; name=\"a \\\"b\\\" \\c\"", "a \"b\" \\c"),
            ("form-data; name=\"a\\\"", "a\\"),
            ("form-data; name=\"поле\"", "поле"),
            ("form-data; name=\"\"", ""),
        ] {
            let body = format!("--XX\r\ncontent-disposition: {disposition}\r\n\r\n1\r\n--XX--");
            assert_eq!(fields(&body), [pair(name, "1")], "{disposition}");
        }
        // A file name in Latin-1, as old systems send it.
        let mut body = b"--XX\r\nContent-Disposition: form-data; filename=\"\xe9\"; ".to_vec();
        body.extend_from_slice(b"name=\"file\"\r\n\r\n\xff\r\n--XX--");
        assert_eq!(file(&body, "XX", "file").unwrap(), Some(b"\xff".as_slice()));
    }

    #[test]
    fn boundaries_are_those_of_the_standard() {
        let form = |boundary: &str| format!("--{boundary}\r\n{HEAD}\r\n\r\n1\r\n--{boundary}--");
        let longest = "x".repeat(BOUNDARY_MAX);
        for boundary in ["----WebKitFormBoundaryAbC123", "'()+_,-./:=? a", &longest, "-"] {
            let body = form(boundary);
            assert_eq!(parts(body.as_bytes(), boundary).unwrap().len(), 1, "{boundary}");
        }
        let too_long = "x".repeat(BOUNDARY_MAX + 1);
        for boundary in ["", "a ", "a\"b", "a\r\nb", "é", &too_long] {
            assert!(parts(form(boundary).as_bytes(), boundary).is_err(), "{boundary}");
        }
    }

    #[test]
    fn heads_and_numbers_of_parts_are_bounded() {
        let form = |length: usize| {
            let name = "n".repeat(length);
            format!("--XX\r\nContent-Disposition: form-data; name={name}\r\n\r\n1\r\n--XX--")
        };
        assert!(read(&form(8_000)).is_ok());
        assert!(read(&form(9_000)).is_err());
        let many = |count| format!("{}--XX--", format!("--XX\r\n{HEAD}\r\n\r\n\r\n").repeat(count));
        assert_eq!(fields(&many(PARTS_MAX)).len(), PARTS_MAX);
        assert!(read(&many(PARTS_MAX + 1)).is_err());
    }

    /// No input of few bytes over the characters that mean something makes it fail otherwise.
    #[test]
    fn no_input_stops_it() {
        let pieces = ["--XX", "\r\n", "--", "a", HEAD, ":", ";", "=", "\"", "\\", " "];
        for seed in 0_usize..20_000 {
            let (mut state, mut body) =
                (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, String::new());
            for _ in 0..12 {
                state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
                body.push_str(pieces[(state >> 33) % pieces.len()]);
            }
            match read(&body) {
                Ok(parts) => assert!(body.contains("--XX--") && parts.len() <= 12),
                Err(error) => assert!(matches!(error, Error::Malformed(_))),
            }
        }
    }
}
