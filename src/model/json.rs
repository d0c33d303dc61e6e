//! How much memory JSON takes once it is read. Two bytes of text may be a value of 32, and six bytes an
//! object with a node of a tree behind it: that is looked at before anything is read.

/// Bytes that an object takes in `serde_json`: one node of a `BTreeMap`, eleven keys and values.
const OBJECT: usize = 700;
/// Bytes that an element of a list takes while the list grows: its place in the old and in the new one.
const ELEMENT: usize = 96;
/// Most bytes for a byte of text.
const FACTOR: usize = 12;
/// What any text may take: a contact with all its lists full takes less than half.
const FREE: usize = 1024 * 1024;

/// True if the values in `text` take no more than `FACTOR` times its length, and `FREE`. `text` need
/// not be valid.
pub fn is_light(text: &[u8]) -> bool {
    let (mut quoted, mut escaped, mut weight) = (false, false, 0_usize);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' => weight += OBJECT,
            b'[' | b',' => weight += ELEMENT,
            _ => {}
        }
    }
    weight <= FREE + FACTOR * text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_that_grows_when_it_is_read_is_too_heavy() {
        let entry = "{\"value\":\"a@b.cd\",\"label\":\"work\",\"primary\":false},";
        let entries = format!("[{}0]", entry.repeat(400));
        let text = format!("\"{}\"", "{[,\\\"".repeat(200_000));
        for light in [entries.as_str(), &text, "{}", ""] {
            assert!(is_light(light.as_bytes()), "{light:.20}");
        }
        for heavy in ["[[{\"\":0},", "0,", "[],", "{\"a\":"] {
            assert!(!is_light(heavy.repeat(150_000).as_bytes()), "{heavy}");
        }
    }
}
