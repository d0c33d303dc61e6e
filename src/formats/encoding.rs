//! Bytes → text: byte-order marks, UTF-16, and the two single-byte encodings that address books
//! of Windows still write.

use std::borrow::Cow;

/// The UTF-8 byte-order mark.
pub const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Windows-1251 from 0x80 to 0xBF; above that the Russian alphabet follows in order.
const CP1251: &str =
    "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{fffd}™љ›њќћџ\u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕї";
/// Windows-1252 from 0x80 to 0x9F; above that it is Latin-1.
const CP1252: &str = "€\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}Ž\u{fffd}\u{fffd}‘’“”•–—˜™š›œ\u{fffd}žŸ";

/// A whole file as bytes of an ASCII superset: UTF-16 with a byte-order mark becomes UTF-8, a
/// UTF-8 mark is cut off.
pub fn without_bom(bytes: &[u8]) -> Cow<'_, [u8]> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let pairs = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
        let text = char::decode_utf16(pairs).map(|c| c.unwrap_or('\u{fffd}'));
        Cow::Owned(text.collect::<String>().into_bytes())
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => Cow::Borrowed(bytes.strip_prefix(BOM).unwrap_or(bytes)),
    }
}

/// Text of unknown encoding: UTF-8 if it is that, else what `charset` names, else a guess. It
/// never fails, since every byte is some letter in a single-byte encoding.
pub fn decode<'a>(bytes: &'a [u8], charset: Option<&str>) -> Cow<'a, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let charset = charset.unwrap_or_default().to_ascii_lowercase();
    let cyrillic = match charset.as_str() {
        "windows-1251" | "cp1251" | "cp-1251" | "x-cp1251" => true,
        "windows-1252" | "cp1252" | "iso-8859-1" | "latin1" | "us-ascii" => false,
        _ => looks_cyrillic(bytes),
    };
    Cow::Owned(bytes.iter().map(|byte| single(*byte, cyrillic)).collect())
}

fn single(byte: u8, cyrillic: bool) -> char {
    let high = |table: &str| table.chars().nth(usize::from(byte) - 0x80).unwrap_or('\u{fffd}');
    match byte {
        0..0x80 => char::from(byte),
        0xC0.. if cyrillic => char::from_u32(0x0410 + u32::from(byte) - 0xC0).unwrap_or('\u{fffd}'),
        _ if cyrillic => high(CP1251),
        0x80..0xA0 => high(CP1252),
        _ => char::from(byte),
    }
}

/// Western words have a single accented letter among ASCII ones; Cyrillic words in Windows-1251
/// are runs of high bytes. So Cyrillic is where most high bytes follow another one.
fn looks_cyrillic(bytes: &[u8]) -> bool {
    let high = bytes.iter().filter(|byte| **byte >= 0x80).count();
    let in_runs =
        bytes.iter().zip(bytes.iter().skip(1)).filter(|(a, b)| **a >= 0x80 && **b >= 0x80).count();
    in_runs * 2 > high
}

/// Quoted-printable (RFC 2045, section 6.7) → bytes of a content line: what was encoded is
/// literal, so `;`, `\` and line breaks among it are escaped. A `=` that encodes nothing stays.
pub fn quoted_printable(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    let mut after_cr = false;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let pair = match (byte, tail) {
            (b'=', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        let Some((high, low)) = pair else {
            out.push(byte);
            after_cr = false;
            continue;
        };
        rest = tail.get(2..).unwrap_or_default();
        let decoded = high * 16 + low;
        match decoded {
            b'\n' if after_cr => {}
            b'\n' | b'\r' => out.extend(b"\\n"),
            b';' | b'\\' => out.extend([b'\\', decoded]),
            _ => out.push(decoded),
        }
        after_cr = decoded == b'\r';
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_a_character_for_every_byte() {
        assert_eq!((CP1251.chars().count(), CP1252.chars().count()), (64, 32));
    }

    #[test]
    fn windows_1251_is_known_by_its_runs_and_latin_by_single_letters() {
        // "Їжак Ґалаґан" and "Müller, Zoë" as Windows writes them.
        let cyrillic = b"\xAF\xE6\xE0\xEA \xA5\xE0\xEB\xE0\xB4\xE0\xED";
        assert_eq!(decode(cyrillic, None), "Їжак Ґалаґан");
        assert_eq!(decode(cyrillic, Some("windows-1251")), "Їжак Ґалаґан");
        assert_eq!(decode(b"M\xFCller, Zo\xEB \x80", None), "Müller, Zoë €");
        assert_eq!(decode("Мак".as_bytes(), Some("windows-1251")), "Мак");
        assert_eq!(decode(b"P\xE4\xE4", None), "Pää");
        // Where the file names its encoding, nothing is guessed.
        assert_eq!(decode(b"J\xE4\xE4\xE4\xE4r", Some("ISO-8859-1")), "Jäääär");
        assert_eq!(decode(b"\xDF", Some("windows-1251")), "Я");
    }

    #[test]
    fn utf_16_needs_its_mark() {
        assert_eq!(without_bom(b"\xFF\xFEA\x00\x07\x04").as_ref(), "AЇ".as_bytes());
        assert_eq!(without_bom(b"\xFE\xFF\x00A\x04\x07").as_ref(), "AЇ".as_bytes());
        assert_eq!(without_bom(b"\xEF\xBB\xBFA").as_ref(), b"A");
    }
}
