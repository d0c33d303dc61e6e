//! One logical line in whatever encoding → a line of 3.0.
//!
//! - Quoted-printable, base64 of text and character sets are decoded, so `ENCODING` and `CHARSET` go.
//! - A bare parameter gets its name (`TEL;CELL` → `TEL;TYPE=CELL`), `BASE64` becomes `ENCODING=b`.
//! - In text of 2.1 commas (and where a value has one part, semicolons) are escaped, since they
//!   separate nothing there.
//! - Characters that no version allows go; stray quotes and empty parameters too.
//! - What is no content line is kept as `X-CONTACTD-UNREADABLE`.

use crate::charset::{self, Decoder, Sound};
use crate::clean::strip_scheme;
use crate::line::{HEAD_MAX, Line, is_param_value, param_value};
use crate::unfold::{self, Unfold};
use crate::value::{escape, escape_bare, is_forbidden, split_quoted};
use crate::{Warning, picture, quoted};
use encoding_rs::{Encoding, UTF_8};

/// The version that a card says it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 2.1 of the Versit consortium.
    Old,
    /// RFC 2426, and cards that say nothing.
    Three,
    /// RFC 6350.
    Four,
}

/// Longest text of a line that a warning repeats, in characters.
const SHOWN_MAX: usize = 60;

/// Reads the lines of one file.
pub struct Reader<'f> {
    /// The file, of an ASCII superset.
    file: &'f [u8],
    decoder: Decoder,
    /// True once it was said that the character set was guessed.
    said: bool,
}

impl<'f> Reader<'f> {
    /// A reader of this file; `said` once it was said that the character set was guessed.
    pub fn new(file: &'f [u8], decoder: Decoder, said: bool) -> Reader<'f> {
        Reader { file, decoder, said }
    }

    /// What the reader of the next card needs.
    pub fn into_decoder(self) -> (Decoder, bool) {
        (self.decoder, self.said)
    }

    /// The line that these bytes are.
    pub fn line(
        &mut self,
        number: u64,
        raw: &[u8],
        version: Version,
        warnings: &mut Vec<Warning>,
    ) -> Line<'static> {
        let mut say = |detail: String| warnings.push(Warning { line: number, detail });
        if let Some(line) = self.read(raw, version, &mut say) {
            return line;
        }
        let text = self.text(raw, None, false, &mut say);
        let shown: String = text.chars().take(SHOWN_MAX).collect();
        say(format!("\"{shown}\" is no line of a card; it is kept as X-CONTACTD-UNREADABLE"));
        Line::new("X-CONTACTD-UNREADABLE", escape(&text))
    }

    fn read(
        &mut self,
        raw: &[u8],
        version: Version,
        say: &mut dyn FnMut(String),
    ) -> Option<Line<'static>> {
        let head = unfold::head(raw).filter(|head| head.len() <= HEAD_MAX)?;
        let value = raw.get(head.len() + 1..)?;
        let head = self.text(head, None, false, say);
        let mut pieces = split_quoted(&head, ';');
        let first = pieces.next()?.trim();
        let (group, name) = first.rsplit_once('.').unwrap_or(("", first));
        let group = group.replace('.', "-");
        // KDE: `X-messaging/skype-All:ann`.
        let service = strip_scheme(name, "X-messaging/").and_then(|it| it.split('-').next());
        let name = if service.is_some_and(is_token) { "IMPP" } else { name };
        // A BEGIN or END in the middle of a card would end it for the next reader.
        let mark = ["BEGIN", "END"].iter().any(|mark| name.eq_ignore_ascii_case(mark));
        if !is_token(name) || !(group.is_empty() || is_token(&group)) || mark {
            return None;
        }
        let mut params: Vec<(String, String)> = pieces.filter_map(param).collect();
        params.extend(service.map(|it| ("X-SERVICE-TYPE".to_owned(), it.to_owned())));
        let mut value = self.value(name, &mut params, value, version, say);
        let mut name = name.to_owned();
        if params.first().is_some_and(|param| param.0 == "ENCODING") && !picture::is_base64(&value)
        {
            // Readers of 3.0 refuse the whole card for it.
            params.remove(0);
            name = if name.starts_with("X-") { name } else { format!("X-{name}") };
            say(format!("a value is no base64; it is kept as {name}"));
            value = escape(&value);
        }
        Some(Line::of(group, name, params, value))
    }

    /// The value as its parameters say it is encoded; what they said goes.
    fn value(
        &mut self,
        name: &str,
        params: &mut Vec<(String, String)>,
        raw: &[u8],
        version: Version,
        say: &mut dyn FnMut(String),
    ) -> String {
        let is = |name: &str, wanted: &str| name.eq_ignore_ascii_case(wanted);
        let mut take = |wanted: &str| {
            let found =
                params.iter().find(|param| is(&param.0, wanted)).map(|param| param.1.clone());
            params.retain(|param| !is(&param.0, wanted));
            found.map(|value| value.trim_matches('"').to_ascii_uppercase())
        };
        let charset = take("CHARSET");
        let charset = charset.as_deref();
        let encoding = take("ENCODING").unwrap_or_default();
        let mut value = match encoding.as_str() {
            "QUOTED-PRINTABLE" | "Q" => {
                let bytes = self.unquoted(raw, charset);
                self.text(&bytes, charset, true, say)
            }
            "BASE64" | "B" => {
                let base64 = whole_base64(raw);
                match base64_text(name, params, &base64) {
                    Some(bytes) => self.text(&escaped_breaks(&bytes), charset, true, say),
                    None => {
                        params.insert(0, ("ENCODING".to_owned(), "b".to_owned()));
                        return base64;
                    }
                }
            }
            _ => self.text(raw, charset, false, say),
        };
        // Looked at as it would be kept: else it would be read as something else the next time.
        if is_undeclared(name, &value) {
            say(format!("{name}: is quoted-printable and does not say so; it is read as that"));
            value = self.text(&quoted::decode(value.as_bytes(), |_| false), charset, true, say);
        }
        if version == Version::Old {
            match name.to_ascii_uppercase().as_str() {
                "N" | "ADR" | "ORG" => value = escape_bare(&value, &[',']),
                "FN" | "NOTE" | "TITLE" | "ROLE" | "LABEL" | "MAILER" | "SORT-STRING"
                | "NICKNAME" => value = escape_bare(&value, &[',', ';']),
                _ => {}
            }
        }
        value
    }

    /// The bytes of a value in quoted-printable. Of some character sets a second byte looks like a `\\`, so
    /// the set has to be known before.
    fn unquoted(&mut self, raw: &[u8], charset: Option<&str>) -> Vec<u8> {
        let said = self.decoder.said(charset);
        let bytes = quoted::decode(raw, charset::leads(said));
        if said.is_some_and(|it| it != UTF_8) {
            return bytes;
        }
        let bytes = without_cut_character(bytes);
        if self.decoder.is_known() || std::str::from_utf8(&bytes).is_ok() {
            return bytes;
        }
        match self.decoder.guessed(|| guess(self.file)) {
            it if it == UTF_8 => bytes,
            it => quoted::decode(raw, charset::leads(Some(it))),
        }
    }

    /// Text from bytes, without what no line may have. `encoded` bytes are none of the file's, so a
    /// mark at its start says nothing of them.
    fn text(
        &mut self,
        bytes: &[u8],
        charset: Option<&str>,
        encoded: bool,
        say: &mut dyn FnMut(String),
    ) -> String {
        if bytes.is_ascii() && !charset.is_some_and(|it| it.starts_with("ISO-2022")) {
            return printable(String::from_utf8_lossy(bytes).into_owned());
        }
        let charset = charset.filter(|_| encoded || !self.decoder.is_known());
        let (text, sound) = self.decoder.text(bytes, charset, || guess(self.file));
        match sound {
            Sound::Clean => {}
            Sound::Replaced => say(charset::REPLACED.to_owned()),
            Sound::Guessed(encoding) if !self.said => {
                self.said = true;
                say(charset::guessed(encoding.name()));
            }
            Sound::Guessed(_) => {}
        }
        printable(text)
    }
}

/// True for text in quoted-printable that does not say so: each `=` stands for a byte, and they are UTF-8.
fn is_undeclared(name: &str, value: &str) -> bool {
    let signs = value.bytes().filter(|byte| *byte == b'=').count();
    let text = ["FN", "N", "ADR", "ORG", "TITLE", "NOTE", "NICKNAME"];
    if signs < 2 || !value.is_ascii() || !text.iter().any(|it| it.eq_ignore_ascii_case(name)) {
        return false;
    }
    let bytes = quoted::decode(value.as_bytes(), |_| false);
    let beyond = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    beyond == signs && std::str::from_utf8(&bytes).is_ok()
}

/// Looks through a file for what its undeclared bytes are.
fn guess(file: &[u8]) -> &'static Encoding {
    let mut unfold = Unfold::default();
    let mut evidence = charset::Evidence::new();
    while let Some(line) = unfold.next(file) {
        let Some(head) = unfold::head(&line.bytes) else {
            evidence.add(&line.bytes);
            continue;
        };
        let upper = String::from_utf8_lossy(head).to_ascii_uppercase();
        // What says that it is UTF-8 and is not shows what it is.
        if upper.contains("CHARSET=") && !upper.contains("CHARSET=UTF-8") {
            continue;
        }
        match upper.contains("QUOTED-PRINTABLE") {
            true => evidence
                .add(&quoted::decode(line.bytes.get(head.len()..).unwrap_or_default(), |_| false)),
            false => evidence.add(&line.bytes),
        }
    }
    evidence.decide()
}

/// Base64 without what does not belong to it: line breaks as text has them, bytes of no text, the address that says
/// that it is the picture itself. Before it is looked at, or it would be something else when it is read again.
fn whole_base64(raw: &[u8]) -> String {
    let mut base64 = String::from_utf8_lossy(raw).into_owned();
    base64.retain(|c| c.is_ascii_graphic());
    if base64.contains('\\') {
        base64 = base64.replace("\\n", "");
    }
    let data = || picture::data(&base64).map(|(_, bytes)| picture::encode(&bytes));
    picture::padded(&base64).or_else(data).unwrap_or(base64)
}

/// What base64 stands for where that is text: in no picture, and nothing that names a type of file.
fn base64_text(name: &str, params: &[(String, String)], base64: &str) -> Option<Vec<u8>> {
    let known = crate::card::LARGE.iter().any(|it| name.eq_ignore_ascii_case(it));
    let typed = params.iter().any(|param| param.0.eq_ignore_ascii_case("TYPE"));
    if known || name.starts_with("X-") && typed {
        return None;
    }
    let bytes = picture::decode(base64)?;
    let binary = |byte: &u8| matches!(byte, 0..9 | 11 | 12 | 14..32);
    (!bytes.iter().any(binary)).then_some(bytes)
}

/// Text with its line breaks as a value has them.
fn escaped_breaks(text: &[u8]) -> Vec<u8> {
    let lines = text.split(|byte| *byte == b'\n');
    let lines: Vec<&[u8]> = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    lines.join(&b"\\n"[..])
}

/// Without a character of UTF-8 of which the end is missing, at the end of a part.
fn without_cut_character(bytes: Vec<u8>) -> Vec<u8> {
    if std::str::from_utf8(&bytes).is_ok()
        || bytes.utf8_chunks().all(|chunk| chunk.valid().is_ascii())
    {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut chunks = bytes.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        out.extend(chunk.valid().bytes());
        let cut = chunk.invalid().first().is_some_and(|byte| (0xC2..0xF5).contains(byte));
        let ends = chunks.peek().is_none_or(|next| next.valid().starts_with(';'));
        if !(cut && ends) {
            out.extend(chunk.invalid());
        }
    }
    out
}

/// The parameter that a piece of the head is, or none where it says nothing.
fn param(piece: &str) -> Option<(String, String)> {
    let piece = piece.trim();
    match piece.split_once('=') {
        // `TYPE=HOME\,VOICE`, escaped as a value is.
        Some((name, value)) if name.trim().eq_ignore_ascii_case("TYPE") => {
            Some((name.trim().to_owned(), whole_value(&value.trim().replace("\\,", ","))))
        }
        Some((name, value)) if is_token(name.trim()) => {
            Some((name.trim().to_owned(), whole_value(value.trim())))
        }
        _ => bare_param(piece),
    }
}

/// A parameter of 2.1 without a name, of which the value says what it is; anything unknown is a
/// type of telephone, address and so on.
fn bare_param(piece: &str) -> Option<(String, String)> {
    let name = match piece.to_ascii_uppercase().as_str() {
        "QUOTED-PRINTABLE" | "BASE64" | "8BIT" | "7BIT" => "ENCODING",
        "URL" | "CONTENT-ID" | "CID" => "VALUE",
        "INLINE" => return None,
        _ => "TYPE",
    };
    // Android: X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=D0=B4=D0=B0…) is a label.
    if let Some(custom) = strip_scheme(piece, "X-CUSTOM(") {
        let last = custom.trim_end_matches(')').rsplit(',').next()?;
        let label =
            String::from_utf8_lossy(&quoted::decode(last.as_bytes(), |_| false)).into_owned();
        return Some((name.to_owned(), param_value(&printable(label))));
    }
    let says_something = piece.chars().any(char::is_alphanumeric);
    says_something.then(|| (name.to_owned(), whole_value(piece)))
}

/// `value` as it was where it is valid, else without stray quotes and quoted as a whole.
fn whole_value(value: &str) -> String {
    if is_param_value(value) { value.to_owned() } else { param_value(value) }
}

/// RFC 2426's `iana-token`, and the underscore that some programs use. Not longer than any program
/// has it: folded, a name of 75 letters would look like one more line of base64.
pub fn is_token(text: &str) -> bool {
    (1..=60).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Without the characters that no line may have.
fn printable(mut text: String) -> String {
    text.retain(|c| !is_forbidden(c) && !matches!(c, '\r' | '\n'));
    text
}
