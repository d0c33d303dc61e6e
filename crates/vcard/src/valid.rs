//! What a card of 3.0 is, as strictly as what is stored has to be.

use crate::content::is_token;
use crate::line::{Line, is_param_value, lines};
use crate::value::{is_forbidden, one_line};
use crate::{Card, picture};

/// Lines of which a card of 3.0 has one: a further one that says something else is kept under the
/// name with `X-` before it.
pub const SINGLE: [(&str, &str); 7] = [
    ("FN", "X-FN"),
    ("N", "X-N"),
    ("UID", "X-UID"),
    ("BDAY", "X-BDAY"),
    ("REV", "X-REV"),
    ("PRODID", "X-PRODID"),
    ("SORT-STRING", "X-SORT-STRING"),
];

/// True for a line of a name of ours that says nothing: an empty FN, a UID of blanks.
pub fn is_blank(line: &Line<'_>) -> bool {
    line.is_any(&["FN", "UID", "BDAY"]) && one_line(&line.text()).is_none()
}

/// True if the text is one card of 3.0 as it may be stored: CRLF, no character that XML cannot
/// carry, each line a content line, none twice of which there is one.
pub fn is_valid(text: &str) -> bool {
    let ends = text.bytes().zip(text.bytes().skip(1).chain([0])).all(|pair| match pair {
        (b'\r', next) => next == b'\n',
        _ => true,
    });
    let ends = ends && text.matches('\n').count() == text.matches("\r\n").count();
    if !ends || !text.ends_with("\r\n") || text.contains(is_forbidden) {
        return false;
    }
    let mut counts = [0_usize; SINGLE.len()];
    let mut version = 0;
    let mut open = true;
    let mut first = true;
    for line in lines(text) {
        let mark = line.is("BEGIN") || line.is("END");
        let begins = line.is("BEGIN") && line.group().is_empty();
        if !open || first != begins || (mark && !line.value().eq_ignore_ascii_case("VCARD")) {
            return false;
        }
        first = false;
        open = !line.is("END");
        if line.is("VERSION") {
            version += 1;
            if line.value() != "3.0" {
                return false;
            }
        }
        for (count, (name, _)) in counts.iter_mut().zip(SINGLE) {
            *count += usize::from(line.is(name));
        }
        if !is_content_line(&line) {
            return false;
        }
    }
    !open && version == 1 && counts.iter().all(|count| *count < 2)
}

/// True for a line as 3.0 has it.
fn is_content_line(line: &Line<'_>) -> bool {
    let param = |(name, value): (&str, &str)| {
        let encoded = name.eq_ignore_ascii_case("ENCODING") && !value.eq_ignore_ascii_case("b");
        let charset = name.eq_ignore_ascii_case("CHARSET") && !value.eq_ignore_ascii_case("utf-8");
        is_token(name) && !encoded && !charset && is_param_value(value)
    };
    // Readers refuse a card for a picture that is no base64.
    let plain_text = line.param("ENCODING").is_none();
    is_token(line.name())
        && line.has_bare_head()
        && (plain_text || picture::is_base64(&line.value()))
        && (line.group().is_empty() || is_token(line.group()))
        && line.params().all(param)
}

/// True if the card has UID, FN and N.
pub fn is_complete(card: &Card) -> bool {
    let has = |name: &str| card.lines().any(|line| line.is(name) && !is_blank(&line));
    card.uid().is_some() && has("FN") && has("N")
}

#[cfg(test)]
mod tests {
    use super::is_valid;
    use crate::put_card;

    #[test]
    fn a_quote_within_a_parameter_is_not_stored() {
        for line in ["TEL;X=a\"b:5", "TEL;X=\"a\"b\":5", "TEL;X=a,b\":5"] {
            let card = format!(
                "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nN:A;;;;\r\nFN:A\r\n{line}\r\nEND:VCARD\r\n"
            );
            let put = put_card(card.as_bytes()).unwrap();
            assert!(!put.as_sent && !put.card.as_str().contains(line), "{}", put.card.text());
            assert_eq!(put.card.details().phones.len(), 1, "{line}");
        }
    }

    #[test]
    fn only_a_card_begins_and_ends_within_a_card() {
        for (line, valid) in [("a.X:1", true), ("a.BEGIN:VEVENT", false), ("BEGIN:VCARD", false)] {
            let text = format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{line}\r\nEND:VCARD\r\n");
            assert_eq!(is_valid(&text), valid, "{line}");
        }
    }

    #[test]
    fn a_charset_other_than_utf_8_is_not_stored() {
        for (charset, valid) in [("utf-8", true), ("ISO-8859-1", false)] {
            let text =
                format!("BEGIN:VCARD\r\nVERSION:3.0\r\nX;CHARSET={charset}:1\r\nEND:VCARD\r\n");
            assert_eq!(is_valid(&text), valid, "{charset}");
        }
    }

    /// Readers of 3.0 refuse a card for a name that has a blank beside it.
    #[test]
    fn what_stands_around_the_parts_of_a_head_goes() {
        for (sent, stored) in [
            ("TEL :5", "TEL:5"),
            ("TEL\t:5", "TEL:5"),
            ("\u{a0}TEL:5", "TEL:5"),
            ("TEL\u{85};TYPE=home:5", "TEL;TYPE=home:5"),
            ("TEL; TYPE=home:5", "TEL;TYPE=home:5"),
            ("TEL;TYPE = home:5", "TEL;TYPE=home:5"),
            ("TEL;;TYPE=home;:5", "TEL;TYPE=home:5"),
            (".TEL:5", "TEL:5"),
            ("FN :A", "FN:A"),
            ("item1.TEL;TYPE=home,\"a b\":5 ", "item1.TEL;TYPE=home,\"a b\":5 "),
            ("TEL;TYPE=ho\r\n me:5", "TEL;TYPE=ho\r\n me:5"),
        ] {
            let name = if sent.starts_with("FN") { "" } else { "FN:A\r\n" };
            let card = |line: &str| {
                format!(
                    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nN:A;;;;\r\n{name}{line}\r\nEND:VCARD\r\n"
                )
            };
            let put = put_card(card(sent).as_bytes()).unwrap();
            assert_eq!((put.card.as_str(), put.as_sent), (card(stored).as_str(), sent == stored));
        }
    }
}
