//! The rules that every string of the API follows: NFC, nothing invisible at its ends, no control characters,
//! lengths counted in Unicode scalar values.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use unicode_normalization::UnicodeNormalization;

/// `raw` normalised to NFC and without what shows nothing at its ends, as a card's values are read (`files.md`, 7), or
/// what is wrong with it. Control characters are refused, NUL first of all: Postgres cannot store it.
pub fn line(raw: &str, min: usize, max: usize) -> Result<String, String> {
    clean(raw, min, max, |_| false)
}

/// True for a text of spaces only, or of nothing: no value at all. Control characters are
/// something, and wrong.
pub fn is_blank(raw: &str) -> bool {
    raw.chars().all(|c| c.is_whitespace() && !c.is_control())
}

/// An id as this program writes it: digits without leading zeros.
pub fn id(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|octet| octet.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

/// Octets as they may stand anywhere in a URL: percent-encoded, but for what RFC 3986 (2.3) calls unreserved.
pub fn percent_encoded(octets: &[u8]) -> String {
    const ESCAPED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encode(octets, ESCAPED).to_string()
}

/// True if two hexadecimal digits follow each `%`.
pub fn is_percent_encoded(text: &[u8]) -> bool {
    let mut escapes = text.split(|&octet| octet == b'%').skip(1);
    escapes.all(|after| after.len() >= 2 && after.iter().take(2).all(u8::is_ascii_hexdigit))
}

/// Like [`line()`], but line breaks and tabs are fine.
pub fn paragraph(raw: &str, max: usize) -> Result<String, String> {
    clean(raw, 0, max, |c| matches!(c, '\n' | '\r' | '\t'))
}

fn clean(raw: &str, min: usize, max: usize, allowed: fn(char) -> bool) -> Result<String, String> {
    if raw.chars().any(|c| (c.is_control() && !allowed(c)) || vcard::is_forbidden(c)) {
        return Err("must not contain control characters".to_owned());
    }
    let text = raw.nfc().collect::<String>();
    let text = vcard::trim(&text);
    let length = text.chars().count();
    if length < min || length > max {
        return Err(match min {
            0 => format!("must have at most {max} characters"),
            _ => format!("must have {min} to {max} characters"),
        });
    }
    Ok(text.to_owned())
}

/// The longest e-mail address, in characters (RFC 5321, 4.5.3.1.3, less the angle brackets).
pub const EMAIL_MAX: usize = 254;

/// A valid e-mail address as typed, or what is wrong with it. The syntax is lettre's, so that
/// whatever is accepted here can be mailed to.
pub fn email(raw: &str) -> Result<String, String> {
    let text = line(raw, 1, EMAIL_MAX)?;
    match text.parse::<lettre::Address>() {
        Ok(address) if is_plain(&address) => Ok(text),
        _ => Err("must be a valid e-mail address".to_owned()),
    }
}

/// True for an address that has one spelling: no quoted name, no literal IP address, and a domain
/// that IDNA does not turn into another one (full-width letters, invisible characters, `xn--` for
/// what can be written out). Else one mailbox could have many accounts, and many mails an hour.
fn is_plain(address: &lettre::Address) -> bool {
    let domain = address.domain().to_lowercase();
    let spelt = idna::domain_to_ascii(&domain).map(|ascii| idna::domain_to_unicode(&ascii));
    let same = matches!(spelt, Ok((unicode, Ok(()))) if unicode == domain);
    same && !address.user().starts_with('"') && !domain.starts_with('[')
}

/// `text` as it may stand in HTML, also inside a quoted attribute.
pub fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_meaning_in_html_is_escaped() {
        assert_eq!(escape_html("<a b='c' d=\"&\">"), "&lt;a b=&#39;c&#39; d=&quot;&amp;&quot;&gt;");
    }

    #[test]
    fn lengths_count_characters_after_trimming_and_nfc() {
        assert_eq!(line("  e\u{301}  ", 1, 1), Ok("é".to_owned()));
        assert!(line("   ", 1, 5).is_err());
        assert!(line("їїїїїї", 1, 5).is_err());
        assert_eq!(line("їїїїї", 1, 5), Ok("їїїїї".to_owned()));
    }

    #[test]
    fn control_characters_are_refused_even_at_the_ends() {
        for bad in ["a\0b", "a\nb", "\ta", "a\u{7f}", "a\u{85}"] {
            assert!(line(bad, 1, 50).is_err(), "{bad:?}");
        }
        assert_eq!(paragraph("a\n\tb\r\n", 50), Ok("a\n\tb".to_owned()));
        assert!(paragraph("a\0", 50).is_err());
    }

    #[test]
    fn addresses() {
        for good in ["a@b.co", "o'brien+tag@example.com", "Ann@Example.COM", "a@münchen.de"] {
            assert_eq!(email(good), Ok(good.to_owned()));
        }
        let bad = ["", "a", "a@", "@b", "a b@c.de", "a@b\r\nBcc: x@y.z", "a@b@c"];
        let other_spellings = [
            "a@exａmple.com",
            "a@exa\u{200b}mple.com",
            "a@example。com",
            "\"a\"@example.com",
            "\"a b\"@example.com",
            "a@[127.0.0.1]",
            "a@xn--mnchen-3ya.de",
        ];
        for bad in bad.into_iter().chain(other_spellings) {
            assert!(email(bad).is_err(), "{bad:?}");
        }
        assert!(email(&format!("a@{}.com", "x".repeat(300))).is_err());
    }
}
