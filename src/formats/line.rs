//! Content lines, the common ground of vCard and iCalendar: `group.NAME;PARAM=value:value`
//! (RFC 2426, section 4; RFC 6350, section 3.3; RFC 5545, section 3.1).
//!
//! A [`Line`] prints exactly as it was written, with these exceptions, which make a line of
//! vCard 2.1 or a damaged head into one that every reader of 3.0 understands:
//!
//! - quoted-printable and character sets are decoded, so `ENCODING` and `CHARSET` go;
//! - a bare parameter gets its name (`TEL;CELL` → `TEL;TYPE=CELL`), `BASE64` becomes `ENCODING=b`;
//! - in text of 2.1 commas (and where a value has one part, semicolons) are escaped, since they
//!   separate nothing there;
//! - control characters, which no version allows, go; stray quotes and empty parameters too.

use super::encoding::{decode, quoted_printable};
use super::value::{escape, escape_bare};
use std::fmt::{self, Write};

/// One unfolded content line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// What stands before the dot, as in `item1.TEL`, or empty.
    pub group: String,
    /// The name as written; compare with [`Line::is`].
    pub name: String,
    /// Names as written, and values as written, quotes included.
    pub params: Vec<(String, String)>,
    /// As written, so still escaped.
    pub value: String,
}

impl Line {
    /// A line without group and parameters; `value` is escaped already.
    pub fn new(name: &str, value: impl Into<String>) -> Line {
        Line { name: name.to_owned(), value: value.into(), ..Line::default() }
    }

    /// The same line with one parameter more.
    pub fn with(mut self, name: &str, value: &str) -> Line {
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Reads an unfolded line in whatever encoding; `old` is vCard 2.1. A line that is none (it
    /// has no colon, or a head that cannot be a name) is kept as `X-CONTACTD-UNREADABLE`.
    pub fn read(raw: &[u8], old: bool) -> Line {
        Line::try_read(raw, old).unwrap_or_else(|| {
            Line::new("X-CONTACTD-UNREADABLE", escape(&printable(&decode(raw, None))))
        })
    }

    fn try_read(raw: &[u8], old: bool) -> Option<Line> {
        let head = head(raw)?;
        let value = raw.get(head.len()..)?;
        let head = printable(&decode(head, None));
        let mut pieces = split_quoted(&head, ';').into_iter();
        let first = pieces.next()?;
        let (group, name) = first.trim().rsplit_once('.').unwrap_or(("", first.trim()));
        let mut line = Line::new(name, "");
        line.group = group.replace('.', "-");
        // A BEGIN or END in the middle of a card would end it for the next reader.
        if !is_token(name)
            || !is_token(&format!("x{}", line.group))
            || line.is("BEGIN")
            || line.is("END")
        {
            return None;
        }
        line.params = pieces.filter_map(param).collect();
        line.decode_value(value.get(1..)?, old);
        Some(line)
    }

    /// Sets the value from its bytes as the parameters `ENCODING` and `CHARSET` say.
    fn decode_value(&mut self, raw: &[u8], old: bool) {
        let charset = self.param("CHARSET").map(str::to_owned);
        self.drop_param("CHARSET");
        let encoding = self.param("ENCODING").unwrap_or_default().to_ascii_uppercase();
        let value = match encoding.as_str() {
            "QUOTED-PRINTABLE" => decode(&quoted_printable(raw), charset.as_deref()).into_owned(),
            _ => decode(raw, charset.as_deref()).into_owned(),
        };
        self.value = printable(&value);
        match encoding.as_str() {
            "QUOTED-PRINTABLE" | "8BIT" | "7BIT" => self.drop_param("ENCODING"),
            "BASE64" | "B" => {
                self.value.retain(|c| !c.is_whitespace());
                let written =
                    self.params.iter().filter(|(name, _)| name.eq_ignore_ascii_case("ENCODING"));
                if encoding == "BASE64" || written.count() > 1 {
                    self.drop_param("ENCODING");
                    self.params.insert(0, ("ENCODING".to_owned(), "b".to_owned()));
                }
            }
            _ => {}
        }
        if old && encoding != "BASE64" {
            match self.name.to_ascii_uppercase().as_str() {
                "N" | "ADR" | "ORG" => self.value = escape_bare(&self.value, &[',']),
                "FN" | "NOTE" | "TITLE" | "ROLE" | "LABEL" | "MAILER" | "SORT-STRING" => {
                    self.value = escape_bare(&self.value, &[',', ';']);
                }
                _ => {}
            }
        }
    }

    /// True if this is a line of that name, in any letter case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// True if the value is all that the line says.
    pub fn is_plain(&self) -> bool {
        self.group.is_empty() && self.params.is_empty()
    }

    /// The first value of that parameter, without quotes.
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut params = self.params.iter().filter(|param| param.0.eq_ignore_ascii_case(name));
        params.next().map(|(_, value)| value.trim_matches('"'))
    }

    /// Takes every parameter of that name away.
    pub fn drop_param(&mut self, name: &str) {
        self.params.retain(|param| !param.0.eq_ignore_ascii_case(name));
    }

    /// How much the file prefers this line to others of its name, 1 is most: `PREF=1` to `100` in
    /// vCard 4.0 (RFC 6350, section 5.3), `TYPE=pref` in 3.0 and a bare `PREF` in 2.1.
    pub fn rank(&self) -> u8 {
        const NONE: u8 = 101;
        let rank = |(name, value): &(String, String)| {
            if name.eq_ignore_ascii_case("PREF") {
                return value.trim_matches('"').parse().unwrap_or(NONE).clamp(1, NONE);
            }
            let mut types = value.trim_matches('"').split(',');
            let preferred = types.any(|word| word.eq_ignore_ascii_case("pref"));
            if preferred && name.eq_ignore_ascii_case("TYPE") { 1 } else { NONE }
        };
        self.params.iter().map(rank).min().unwrap_or(NONE)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.group.is_empty() {
            write!(f, "{}.", self.group)?;
        }
        f.write_str(&self.name)?;
        self.params.iter().try_for_each(|(name, value)| write!(f, ";{name}={value}"))?;
        write!(f, ":{}", self.value)
    }
}

/// The parameter that a piece of the head is, or none where it says nothing.
fn param(piece: String) -> Option<(String, String)> {
    let piece = piece.trim();
    match piece.split_once('=') {
        Some((name, value)) if is_token(name.trim()) => {
            Some((name.trim().to_owned(), param_value(value.trim())))
        }
        _ => bare_param(piece),
    }
}

/// A parameter of 2.1 without a name, of which the value tells what it is; anything unknown is a
/// type of telephone, address and so on.
fn bare_param(piece: &str) -> Option<(String, String)> {
    let name = match piece.to_ascii_uppercase().as_str() {
        "QUOTED-PRINTABLE" | "BASE64" | "8BIT" | "7BIT" => "ENCODING",
        "URL" | "CONTENT-ID" | "CID" => "VALUE",
        "INLINE" => return None,
        _ => "TYPE",
    };
    // Android: X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=D0=B4=D0=B0…) is a label.
    if let Some(custom) = piece.strip_prefix("X-CUSTOM(") {
        let last = custom.trim_end_matches(')').rsplit(',').next()?;
        let label = printable(&decode(&quoted_printable(last.as_bytes()), None));
        return Some((name.to_owned(), param_value(&label)));
    }
    let says_something = piece.chars().any(char::is_alphanumeric);
    says_something.then(|| (name.to_owned(), param_value(piece)))
}

/// `value` as it was where it is valid, else without stray quotes and quoted as a whole.
fn param_value(value: &str) -> String {
    let valid = split_quoted(value, ',').iter().all(|part| {
        let inner = part.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        !inner.unwrap_or(part).contains('"') && (inner.is_some() || !part.contains([';', ':']))
    });
    if valid {
        return value.to_owned();
    }
    let bare = value.replace('"', "");
    if bare.contains([';', ':', ',']) { format!("\"{bare}\"") } else { bare }
}

/// RFC 2426's `iana-token`, and the underscore that some programs use. Not longer than any program
/// has it: folded, a name of 75 letters would look like one more line of base64.
fn is_token(text: &str) -> bool {
    (1..=60).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The line up to its value: to the first colon outside double quotes, or if a quote stays open
/// to the first colon.
pub fn head(line: &[u8]) -> Option<&[u8]> {
    let mut quoted = false;
    let colon = line.iter().position(|byte| {
        quoted ^= *byte == b'"';
        !quoted && *byte == b':'
    });
    line.get(..colon.or_else(|| line.iter().position(|byte| *byte == b':'))?)
}

/// Splits at `separator` outside double quotes; if a quote stays open, quotes mean nothing.
pub fn split_quoted(text: &str, separator: char) -> Vec<String> {
    let balanced = text.matches('"').count().is_multiple_of(2);
    let mut quoted = false;
    let pieces = text.split(|c| {
        quoted ^= c == '"' && balanced;
        !quoted && c == separator
    });
    pieces.map(str::to_owned).collect()
}

/// Without the characters that no content line may have: control characters but the tab.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

/// Appends a line folded to 75 octets, its end not counted, never inside a character (RFC 2426,
/// section 2.6; RFC 5545, section 3.1).
pub fn fold(out: &mut String, line: &impl fmt::Display) {
    const OCTETS: usize = 75;
    let start = out.len();
    // Writing into a String cannot fail.
    let _ = write!(out, "{line}");
    if out.len() - start > OCTETS {
        let line = out.split_off(start);
        let mut used = 0;
        for c in line.chars() {
            if used + c.len_utf8() > OCTETS {
                out.push_str("\r\n ");
                used = 1;
            }
            used += c.len_utf8();
            out.push(c);
        }
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str, old: bool) -> String {
        Line::read(raw.as_bytes(), old).to_string()
    }

    #[test]
    fn a_valid_line_prints_as_it_was() {
        for line in [
            "item1.X-ABLabel:_$!<HomePage>!$_",
            r#"ADR;LABEL="1 Rue^nParis: x; y";TYPE=home:;;1 Rue;Paris;;75001;France"#,
            r#"TEL;VALUE=uri;PREF=1;TYPE="voice,home":tel:+1-555;ext=5"#,
            r"item4.URL:https\://example.com/a\,b",
            "X-A;B=:",
            "tel;type=home,pref:1",
            "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AA=",
            "PHOTO;TYPE=JPEG;ENCODING=B:/9j/4AA=",
            "N:Stevenson;John;Philip,Paul;Dr.;Jr.,M.D.",
            "NOTE:a\tb",
        ] {
            assert_eq!(read(line, false), line);
        }
    }

    #[test]
    fn lines_of_2_1_become_lines_of_3_0() {
        for (old, new) in [
            ("TEL;CELL;PREF:1", "TEL;TYPE=CELL;TYPE=PREF:1"),
            ("ORG:Contoso, Ltd.;Sales", r"ORG:Contoso\, Ltd.;Sales"),
            ("NOTE;CHARSET=UTF-8:a; b", r"NOTE:a\; b"),
            ("LABEL;WORK;ENCODING=QUOTED-PRINTABLE:A=0D=0AB=3B", r"LABEL;TYPE=WORK:A\nB\;"),
            ("NOTE;ENCODING=QUOTED-PRINTABLE:a=0Ab=0D=0Dc", r"NOTE:a\nb\n\nc"),
            ("N;ENCODING=QUOTED-PRINTABLE:A=3BB;C=5C", r"N:A\;B;C\\"),
            ("PHOTO;ENCODING=BASE64;JPEG:/9j /4", "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4"),
            ("PHOTO;ENCODING=b;BASE64;INLINE:/9j/", "PHOTO;ENCODING=b:/9j/"),
            ("PHOTO;URL:http://x.yz/a.jpg", "PHOTO;VALUE=URL:http://x.yz/a.jpg"),
            ("N;QUOTED-PRINTABLE:=D0=97;=3D=", "N:З;=="),
            (
                "TEL;X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=D0=B4=D0=B0=D1=87):1",
                "TEL;TYPE=дач:1",
            ),
        ] {
            assert_eq!(read(old, true), new);
            assert_eq!(read(new, false), new, "stable");
        }
        let cyrillic = b"FN;CHARSET=windows-1251;ENCODING=QUOTED-PRINTABLE:=CC=E0=EA";
        assert_eq!(Line::read(cyrillic, true).to_string(), "FN:Мак");
    }

    #[test]
    fn damaged_heads_are_mended_and_what_is_no_line_is_kept() {
        for (bad, good) in [
            ("X-WEIRD;=;A;B=:v", "X-WEIRD;TYPE=A;B=:v"),
            (r#"EMAIL;TYPE="open:q@x.y"#, "EMAIL;TYPE=open:q@x.y"),
            (r#"X-A;B=b"c,d:v"#, r#"X-A;B="bc,d":v"#),
            ("a.b.TEL:1\u{0}2", "a-b.TEL:12"),
            ("no colon, at all", r"X-CONTACTD-UNREADABLE:no colon\, at all"),
            (":empty", "X-CONTACTD-UNREADABLE::empty"),
            ("begin:vevent", "X-CONTACTD-UNREADABLE:begin:vevent"),
            ("END:VEVENT", "X-CONTACTD-UNREADABLE:END:VEVENT"),
            ("with space: x", "X-CONTACTD-UNREADABLE:with space: x"),
        ] {
            assert_eq!(read(bad, false), good);
            assert_eq!(read(good, false), good, "stable");
        }
    }

    #[test]
    fn ranks() {
        for (head, rank) in [
            ("TEL", 101),
            ("TEL;PREF=2", 2),
            ("TEL;TYPE=home,pref", 1),
            (r#"TEL;TYPE="a,PREF""#, 1),
        ] {
            assert_eq!(Line::read(format!("{head}:1").as_bytes(), false).rank(), rank, "{head}");
        }
    }

    #[test]
    fn folding_counts_octets_and_keeps_characters_whole() {
        let text = format!("NOTE:{}", "Їa".repeat(200));
        let mut out = String::new();
        fold(&mut out, &text);
        assert!(out.ends_with("\r\n") && out.split("\r\n").all(|line| line.len() <= 75));
        assert_eq!(out.replace("\r\n ", ""), text.clone() + "\r\n");
        let mut out = String::new();
        fold(&mut out, &"x".repeat(75));
        assert_eq!(out.len(), 77);
    }
}
