//! Bytes → text (`files.md`, 3). In this order: a byte-order mark; what is declared; UTF-8 if that is
//! what all but a few bytes are; a guess over the whole file.

use crate::mac::Letters;
use crate::{Warning, dos};
use chardetng::EncodingDetector;
use encoding_rs::{
    BIG5, Encoding, GB18030, GBK, ISO_2022_JP, MACINTOSH, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE,
    WINDOWS_1252,
};
use std::borrow::Cow;

/// So many bytes show whether a file is UTF-16.
const SAMPLE: usize = 1024;
/// Most warnings of lines with bytes that are no text.
const WARNINGS_MAX: usize = 100;

/// The encoding of that name: all labels of the WHATWG Encoding standard but those of which a browser
/// shows no text, and some that Windows gives the same code pages.
pub fn by_label(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().trim_matches('"').to_ascii_lowercase();
    let other = match label.replace(['-', '_', ' '], "").as_str() {
        "cp932" | "ms932" => "shift_jis",
        "cp936" | "ms936" => "gbk",
        "cp949" | "ms949" => "euc-kr",
        "cp950" | "ms950" => "big5",
        "cp1250" => "windows-1250",
        "cp1251" => "windows-1251",
        "cp1252" | "ansi" | "latin1" => "windows-1252",
        "utf8" => "utf-8",
        _ => "",
    };
    let known = |label: &str| Encoding::for_label_no_replacement(label.as_bytes());
    known(&label).or_else(|| known(other))
}

/// A whole text, as a table is one, and what is to be said of how it was read.
pub fn decode<'a>(bytes: &'a [u8], declared: Option<&str>) -> (Cow<'a, str>, Vec<Warning>) {
    let (bytes, known) = without_mark(bytes, declared);
    let mut decoder = Decoder::new(declared, known);
    if let Cow::Borrowed(bytes) = bytes
        && decoder.declared.is_none_or(|it| it == UTF_8)
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return (Cow::Borrowed(text), Vec::new());
    }
    if decoder.declared.is_none()
        && !known
        && let Some(page) = dos::page(&bytes).filter(|_| likeliest(&bytes).is_single_byte())
    {
        let detail = guessed(page.name);
        return (Cow::Owned(page.text(&bytes)), vec![Warning { line: 1, detail }]);
    }
    let (text, sound) = decoder.text(&bytes, None, || likeliest(&bytes));
    let was_whole = matches!(bytes, Cow::Borrowed(_)) || !text.contains('\u{fffd}');
    let warnings = match sound {
        Sound::Clean if was_whole => Vec::new(),
        Sound::Guessed(it) => vec![Warning { line: 1, detail: guessed(it.name()) }],
        Sound::Clean | Sound::Replaced => {
            let lines = (1..).zip(text.split('\n')).filter(|(_, line)| line.contains('\u{fffd}'));
            let warning = |line| Warning { line, detail: REPLACED.to_owned() };
            lines.take(WARNINGS_MAX).map(|(line, _)| warning(line)).collect()
        }
    };
    (Cow::Owned(text), warnings)
}

/// The name of the character set that a file seems to be in.
pub fn charset_of(bytes: &[u8]) -> &'static str {
    match without_mark(bytes, None) {
        (Cow::Owned(_), _) => "UTF-16",
        (_, true) => "UTF-8",
        (bytes, _) => likeliest(&bytes).name(),
    }
}

/// What undeclared bytes speak for as a whole.
fn likeliest(bytes: &[u8]) -> &'static Encoding {
    let mut evidence = Evidence::new();
    evidence.add(bytes);
    evidence.decide()
}

/// What is said of a line with bytes that are no text.
pub const REPLACED: &str = "some bytes are no text; each became \u{fffd}";

/// What is said of a file whose character set was guessed.
pub fn guessed(name: &str) -> String {
    format!("the file does not say its character set; it was read as {name}")
}

/// A file as bytes of an ASCII superset: UTF-16 and ISO-2022-JP become UTF-8, a mark is cut off. True if
/// it is certain that it is UTF-8 now.
pub fn without_mark<'a>(bytes: &'a [u8], declared: Option<&str>) -> (Cow<'a, [u8]>, bool) {
    let whole = |encoding: &'static Encoding, bytes: &'a [u8]| {
        // What only knows single bytes may have put one more line end behind it.
        let bytes = match bytes {
            [pairs @ .., ..=b' '] if encoding != ISO_2022_JP && pairs.len() % 2 == 0 => pairs,
            _ => bytes,
        };
        let (text, _) = encoding.decode_without_bom_handling(bytes);
        (Cow::Owned(text.into_owned().into_bytes()), true)
    };
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => return (Cow::Borrowed(rest), true),
        [0xFF, 0xFE, rest @ ..] => return whole(UTF_16LE, rest),
        [0xFE, 0xFF, rest @ ..] => return whole(UTF_16BE, rest),
        _ if says_japanese(bytes) => return whole(ISO_2022_JP, bytes),
        _ => {}
    }
    // Half the bytes of UTF-16 are zeros, of Greek and Cyrillic 3 and 4; text in anything else has none.
    let start = bytes.get(..bytes.len().min(SAMPLE)).unwrap_or_default();
    let low = |odd: usize| start.iter().skip(odd).step_by(2).filter(|byte| **byte < 9).count();
    let is_most = |low: usize, other: usize| low > start.len() / 16 && low > 3 * other;
    match (low(0), low(1)) {
        (big, little) if is_most(little, big) => whole(UTF_16LE, bytes),
        (big, little) if is_most(big, little) => whole(UTF_16BE, bytes),
        _ => match declared.and_then(by_label) {
            Some(it) if start.contains(&0) && [UTF_16LE, UTF_16BE].contains(&it) => {
                whole(it, bytes)
            }
            _ => (Cow::Borrowed(bytes), false),
        },
    }
}

/// True for ASCII with the escapes of ISO-2022-JP, as Japanese mail has it.
fn says_japanese(bytes: &[u8]) -> bool {
    let escape = |it: &[u8]| matches!(it, [0x1B, b'$', b'@' | b'B']);
    bytes.contains(&0x1B) && bytes.is_ascii() && bytes.windows(3).any(escape)
}

fn is_ascii_superset(encoding: &&'static Encoding) -> bool {
    ![UTF_16LE, UTF_16BE].contains(encoding)
}

/// How well a text could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// As it is.
    Clean,
    /// Some bytes are no text.
    Replaced,
    /// In this encoding, which was guessed.
    Guessed(&'static Encoding),
}

/// Reads the texts of one file.
pub struct Decoder {
    declared: Option<&'static Encoding>,
    /// A byte-order mark said that the file is UTF-8.
    known: bool,
    /// What undeclared bytes are that are no UTF-8.
    fallback: Option<&'static Encoding>,
}

impl Decoder {
    /// A decoder for a file of which `declared` says the character set, or a mark that it is UTF-8.
    pub fn new(declared: Option<&str>, known: bool) -> Decoder {
        let declared = declared.and_then(by_label).filter(|it| !known && is_ascii_superset(it));
        Decoder { declared, known, fallback: None }
    }

    /// True if a mark said that the file is UTF-8.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// What a line that declares `charset`, or the whole file, says that its bytes are.
    pub fn said(&self, charset: Option<&str>) -> Option<&'static Encoding> {
        charset.and_then(by_label).filter(is_ascii_superset).or(self.declared)
    }

    /// What undeclared bytes are that are no UTF-8.
    pub fn guessed(&mut self, whole: impl FnOnce() -> &'static Encoding) -> &'static Encoding {
        self.fallback.get_or_insert_with(whole)
    }

    /// Text from bytes. `charset` is what the line declares; `whole` looks through the file when
    /// nothing else says what the bytes are.
    pub fn text(
        &mut self,
        bytes: &[u8],
        charset: Option<&str>,
        whole: impl FnOnce() -> &'static Encoding,
    ) -> (String, Sound) {
        let declared = self.said(charset);
        if let Some(encoding) = declared.filter(|it| *it != UTF_8)
            && !(encoding.is_single_byte() && surely_utf8(bytes, encoding))
        {
            let (text, faulty) = encoding.decode_without_bom_handling(bytes);
            return (text.into_owned(), if faulty { Sound::Replaced } else { Sound::Clean });
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            return (text.to_owned(), Sound::Clean);
        }
        let joined = joined(bytes);
        if let Ok(text) = std::str::from_utf8(&joined) {
            return (text.to_owned(), Sound::Clean);
        }
        let encoding = match self.known {
            true => UTF_8,
            false => self.guessed(whole),
        };
        if encoding == UTF_8 {
            return (String::from_utf8_lossy(&joined).into_owned(), Sound::Replaced);
        }
        (encoding.decode_without_bom_handling(bytes).0.into_owned(), Sound::Guessed(encoding))
    }
}

/// True for text of which it cannot be chance that it is valid UTF-8: two characters, or one of the West, where
/// `Ã¼` is no word. Of the others `É®` and the like are: NESTLÉ® is no NESTLɮ.
fn surely_utf8(bytes: &[u8], declared: &'static Encoding) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut foreign = text.chars().filter(|c| !c.is_ascii());
    let Some(first) = foreign.next() else { return false };
    let western = first < '\u{180}' || first.len_utf8() >= 3;
    foreign.next().is_some() || (declared == WINDOWS_1252 && western)
}

/// The bytes that begin a character of two, where the second one may look like a `\`.
pub fn leads(encoding: Option<&'static Encoding>) -> impl Fn(u8) -> bool {
    let wide = encoding.is_some_and(|it| [GBK, GB18030, BIG5].contains(&it));
    let japanese = encoding == Some(SHIFT_JIS);
    move |byte| match byte {
        0x81..=0x9F | 0xE0..=0xFC => wide || japanese,
        0xA0..=0xDF | 0xFD..=0xFE => wide,
        _ => false,
    }
}

/// CESU-8 (a surrogate pair of which each half is written as three bytes) → UTF-8.
fn joined(bytes: &[u8]) -> Cow<'_, [u8]> {
    let half = |high: &[u8]| match high {
        [0xED, a @ 0xA0..=0xBF, b @ 0x80..=0xBF, ..] => {
            Some(0xD000 | (u32::from(*a) & 0x3F) << 6 | (u32::from(*b) & 0x3F))
        }
        _ => None,
    };
    if !bytes.windows(2).any(|pair| matches!(pair, [0xED, 0xA0..=0xAF])) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, tail)) = rest.split_first() {
        let low = rest.get(3..).and_then(half).filter(|low| (0xDC00..0xE000).contains(low));
        let high = half(rest).filter(|high| (0xD800..0xDC00).contains(high));
        let pair =
            high.zip(low).map(|(high, low)| 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
        match pair.and_then(char::from_u32) {
            Some(c) => {
                out.extend(c.encode_utf8(&mut [0; 4]).bytes());
                rest = rest.get(6..).unwrap_or_default();
            }
            None => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
    Cow::Owned(out)
}

/// What the bytes of a file speak for.
pub struct Evidence {
    detector: EncodingDetector,
    letters: Letters,
    /// Characters of UTF-8 beyond ASCII.
    good: usize,
    /// Bytes that are none.
    bad: usize,
}

impl Evidence {
    /// None yet.
    pub fn new() -> Evidence {
        let (detector, letters) = (EncodingDetector::new(), Letters::default());
        Evidence { detector, letters, good: 0, bad: 0 }
    }

    /// Looks at some text of which nothing is declared.
    pub fn add(&mut self, bytes: &[u8]) {
        if bytes.is_ascii() {
            return;
        }
        for chunk in joined(bytes).utf8_chunks() {
            self.good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
            self.bad += chunk.invalid().len().min(1);
        }
        self.letters.add(bytes);
        self.detector.feed(bytes, false);
        self.detector.feed(b"\n", false);
    }

    /// UTF-8 if all but a few bytes are that, else the likeliest encoding. Bytes of another
    /// encoding look like a character of UTF-8 now and then, those of East Asia every fourth time.
    pub fn decide(mut self) -> &'static Encoding {
        if self.good >= 2 * self.bad {
            return UTF_8;
        }
        self.detector.feed(b"", true);
        match self.detector.guess(None, false) {
            it if it == WINDOWS_1252 && self.letters.are_of_a_mac() => MACINTOSH,
            it => it,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], declared: Option<&str>) -> (String, usize) {
        let (text, warnings) = decode(bytes, declared);
        (text.into_owned(), warnings.len())
    }

    #[test]
    fn a_file_has_a_character_set() {
        assert_eq!(charset_of(b"Ann"), "UTF-8");
        assert_eq!(charset_of("Анна".as_bytes()), "UTF-8");
        assert_eq!(charset_of(b"\xff\xfeA\0"), "UTF-16");
        let text = "Олена Бондаренко, Харків, вулиця Сумська, будинок 25";
        let (bytes, ..) = encoding_rs::WINDOWS_1251.encode(text);
        assert_eq!(charset_of(&bytes), "windows-1251");
    }

    #[test]
    fn marks_win_and_utf_16_needs_none() {
        for (bytes, text) in [
            (&b"\xFF\xFEA\x00\x07\x04"[..], "AЇ"),
            (b"\xFE\xFF\x00A\x04\x07", "AЇ"),
            (b"\xEF\xBB\xBFA\xD0\x87", "AЇ"),
            (b"F\0N\0:\0\x07\x04A\0\n\0", "FN:ЇA\n"),
            (b"\0F\0N\0:\x04\x07\0A\0\n", "FN:ЇA\n"),
        ] {
            assert_eq!(read(bytes, Some("koi8-r")), (text.to_owned(), 0));
        }
    }

    #[test]
    fn escapes_say_japanese_only_in_ascii_and_only_those_of_iso_2022_jp() {
        assert_eq!(read(b"\x1b$B;3ED\x1b(B", None), ("山田".to_owned(), 0));
        for text in ["A\u{1b}[1mB", "Мак \u{1b}$B;3ED"] {
            assert_eq!(read(text.as_bytes(), None), (text.to_owned(), 0));
        }
    }

    #[test]
    fn what_is_declared_counts() {
        for (bytes, label, text) in [
            (&b"J\xE4\xE4r"[..], "ISO-8859-1", "Jäär"),
            (b"\xDF", "CP1251", "Я"),
            (b"\xC4", "x-cp1250", "Ä"),
            (b"\x8ER\x93c", "Shift_JIS", "山田"),
            (b"\x8ER\x93c", "cp932", "山田"),
            ("Мак".as_bytes(), "windows-1252", "Мак"),
        ] {
            assert_eq!(read(bytes, Some(label)), (text.to_owned(), 0), "{label}");
        }
    }

    #[test]
    fn a_few_bad_bytes_do_not_make_it_another_encoding() {
        assert_eq!(
            read(b"Zo\xC3\xAB M\xC3\xBCller\n\xC3;x", None),
            ("Zoë Müller\n\u{fffd};x".to_owned(), 1)
        );
        assert_eq!(read(b"\xED\xA0\xBD\xED\xB8\x80", None), ("😀".to_owned(), 0));
        assert_eq!(read("Ї".as_bytes(), None), ("Ї".to_owned(), 0));
    }

    #[test]
    fn the_rest_is_guessed_with_a_warning() {
        for (bytes, text) in [
            (&b"M\xFCller, Zo\xEB, Stra\xDFe"[..], "Müller, Zoë, Straße"),
            (b"\xCF\xE5\xF2\xF0\xE5\xED\xEA\xEE \xCE\xEB\xE5\xF1\xFF", "Петренко Олеся"),
            (b"\xC4\xDC Verein", "ÄÜ Verein"),
        ] {
            assert_eq!(read(bytes, None), (text.to_owned(), 1));
        }
    }
}
