//! Quoted-printable (RFC 2045, section 6.7), in which 2.1 writes text.

/// A value in quoted-printable → the bytes of a value of 3.0: what was encoded is literal, so `;`,
/// `\` and line breaks among it are escaped. A `=` that encodes nothing stays, but for one that was
/// cut off at the end. `leads` says which bytes begin a character of two: its second byte is no `\`.
pub fn decode(raw: &[u8], leads: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    let mut after_cr = false;
    let mut inside = false;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let pair = match (byte, tail) {
            // A part that was cut inside a character.
            (b'=', [b';', ..]) if inside_character(&out) => continue,
            (b'=', [digit, b';', ..]) if hex(*digit).is_some() && inside_character(&out) => {
                rest = tail.get(1..).unwrap_or_default();
                continue;
            }
            (b'=', [high, low, ..]) => hex(*high).zip(hex(*low)),
            (b'=', []) => break,
            (b'=', [digit]) if hex(*digit).is_some() => break,
            _ => None,
        };
        let Some((high, low)) = pair else {
            out.push(byte);
            after_cr = false;
            inside = !inside && leads(byte);
            continue;
        };
        rest = tail.get(2..).unwrap_or_default();
        let decoded = high * 16 + low;
        match decoded {
            // No second byte is below this one.
            0x40.. if inside => out.push(decoded),
            b'\n' if after_cr => {}
            b'\n' | b'\r' => out.extend(b"\\n"),
            b';' | b'\\' => out.extend([b'\\', decoded]),
            _ => out.push(decoded),
        }
        after_cr = decoded == b'\r';
        inside = !inside && leads(decoded);
    }
    out
}

/// True for bytes that end inside a character of UTF-8.
fn inside_character(bytes: &[u8]) -> bool {
    let last = bytes.get(bytes.len().saturating_sub(4)..).unwrap_or_default();
    last.utf8_chunks().last().is_some_and(|chunk| {
        chunk.invalid().first().is_some_and(|byte| (0xC2..0xF5).contains(byte))
    })
}

/// The bytes that `=XX` at the very end of a text stand for, at most the last four.
pub fn tail(raw: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = raw;
    while bytes.len() < 4
        && let Some((before, [b'=', high, low])) = rest.split_last_chunk::<3>()
        && let Some((high, low)) = hex(*high).zip(hex(*low))
    {
        bytes.push(high * 16 + low);
        rest = before;
    }
    bytes.reverse();
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_literal() {
        for (raw, text) in [
            ("a=3Bb;c=5C", "a\\;b;c\\\\"),
            ("a=0D=0Ab=0Ac=0D=0Dd", "a\\nb\\nc\\n\\nd"),
            ("a = b =G1 =e4", "a = b =G1 \u{fffd}"),
            ("a=", "a"),
            ("a=D", "a"),
        ] {
            assert_eq!(String::from_utf8_lossy(&decode(raw.as_bytes(), |_| false)), text, "{raw}");
        }
        assert_eq!(tail(b"x=D0=9F=D1"), [0xd0, 0x9f, 0xd1]);
        assert_eq!(tail(b"=D0x"), []);
    }
}
