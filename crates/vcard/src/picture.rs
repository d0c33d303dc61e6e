//! Pictures in cards: base64 (RFC 2426, section 3.1.4), or a `data:` URI (RFC 2397) as 4.0 has it.

use crate::Picture;
use crate::clean::strip_scheme;
use crate::line::Line;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Base64 as programs write it: with padding or without, with bits left over.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes base64, blanks among it aside.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    LENIENT.decode(digits).ok()
}

/// How many digits of base64 a text has, blanks and padding aside; none where it is no base64.
fn digits(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(|c: char| c == '=' || c.is_ascii_whitespace());
    let digits = digits.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let mut count = 0;
    for byte in digits {
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')) {
            return None;
        }
        count += 1;
    }
    (count % 4 != 1).then_some(count)
}

/// True for base64 that [`decode`] reads.
pub fn is_base64(text: &str) -> bool {
    digits(text).is_some()
}

/// Base64 without blanks and with the padding without which strict readers (vobject) refuse the card.
pub fn padded(text: &str) -> Option<String> {
    let count = digits(text)?;
    let mut text: String = text.chars().filter(|c| *c != '=' && !c.is_ascii_whitespace()).collect();
    text.extend(std::iter::repeat_n('=', count.wrapping_neg() % 4));
    Some(text)
}

/// Encodes base64.
pub fn encode(bytes: &[u8]) -> String {
    LENIENT.encode(bytes)
}

/// The picture in a PHOTO, if it is one that browsers show.
pub fn read(line: &Line<'_>) -> Option<Picture> {
    let bytes = bytes(line)?;
    Some(Picture { media_type: media_type(&bytes)?, bytes })
}

/// The bytes in a line: encoded as a parameter says, or in a `data:` URI.
fn bytes(line: &Line<'_>) -> Option<Vec<u8>> {
    let value = line.value();
    let value = value.trim();
    if strip_scheme(value, "data:").is_some() {
        return data(&line.text()).map(|(_, bytes)| bytes);
    }
    let Some(encoding) = line.param("ENCODING") else {
        // Some programs do not say it.
        return line.param("VALUE").is_none().then(|| decode(value))?;
    };
    let known = ["b", "base64"].iter().any(|it| it.eq_ignore_ascii_case(encoding));
    known.then(|| decode(value))?
}

/// Media type and bytes of a `data:` URI.
pub fn data(uri: &str) -> Option<(&str, Vec<u8>)> {
    let (head, body) = strip_scheme(uri.trim(), "data:")?.split_once(',')?;
    let mut head_parts = head.split(';');
    let media_type = head_parts.next().unwrap_or_default().trim();
    let base64 = head_parts.any(|part| part.trim().eq_ignore_ascii_case("base64"));
    let body = percent_decoded(body);
    let bytes = if base64 { decode(std::str::from_utf8(&body).ok()?)? } else { body };
    Some((media_type, bytes))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let code =
            pair.filter(|_| *byte == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(code.unwrap_or(*byte));
        rest = if code.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    out
}

/// The kind of a picture by its first bytes.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// The picture as a line.
pub fn write(picture: &Picture) -> Line<'static> {
    let kind = picture.media_type.rsplit('/').next().unwrap_or_default().to_ascii_uppercase();
    Line::new("PHOTO", encode(&picture.bytes)).with("ENCODING", "b").with("TYPE", &kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::lines;

    #[test]
    fn base64_gets_its_padding() {
        for (text, want) in [
            ("AAAA", Some("AAAA")),
            ("AA", Some("AA==")),
            ("A A\tA=", Some("AAA=")),
            ("AA====", Some("AA==")),
            ("", Some("")),
            ("A", None),
            ("AA=A", None),
            ("!!!", None),
        ] {
            assert_eq!(padded(text).as_deref(), want, "{text}");
            assert_eq!(is_base64(text), decode(text).is_some() || text == "AA====", "{text}");
        }
    }

    #[test]
    fn pictures_by_their_bytes() {
        for (text, kind) in [
            ("PHOTO;ENCODING=b;TYPE=PNG:/9j/4AA=", Some("image/jpeg")),
            ("PHOTO;ENCODING=BASE64:/9j/\r\n  4AA\r\n", Some("image/jpeg")),
            ("PHOTO:data:image/x;base64,R0lGODlh", Some("image/gif")),
            ("PHOTO;VALUE=uri:data:image/png\\;base64\\,iVBORw0KGgo=", Some("image/png")),
            ("PHOTO;ENCODING=b;TYPE=WEBP:UklGRgAAAABXRUJQ", Some("image/webp")),
            ("PHOTO;ENCODING=b;TYPE=WAV:UklGRgAAAABXQVZF", None),
            ("PHOTO;VALUE=uri:https://x.example/a.jpg", None),
            ("PHOTO;ENCODING=b:PHN2Zz4=", None),
            ("PHOTO;ENCODING=b:!", None),
        ] {
            let line = lines(text).next().unwrap();
            assert_eq!(read(&line).map(|picture| picture.media_type), kind, "{text}");
        }
    }
}
