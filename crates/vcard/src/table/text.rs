//! What a cell says beside its text: an apostrophe in front, several values, the star of a label.
//! Reader and writer agree here.

use super::words::Kind;
use crate::{clean_email, fold, is_valid_email, is_valid_phone};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

/// What stands between several values in one cell, as Google writes it.
pub(super) const SEVERAL: &str = ":::";

/// A number with fewer digits is no number of its own: an extension, or the code before a `/`.
const DIGITS_MIN: usize = 7;

/// A spreadsheet takes a cell that begins so for a formula, and runs it.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// True if an apostrophe before this text, and before its own apostrophes, is there for protection.
fn is_protected(text: &str, kind: Option<Kind>) -> bool {
    let bare = text.trim_start_matches('\'');
    bare.starts_with(FORMULA)
        || (kind == Some(Kind::Phone) && bare.starts_with(|c: char| c.is_ascii_digit() || c == '('))
        || [text, bare].into_iter().any(|it| pieces(it, kind) != [it])
}

/// The text of a cell, and whether an apostrophe protected it: then it is one value as it is. `="0301"` is
/// how programs keep spreadsheets from reading text as a number.
pub(super) fn unprotected(cell: &str, kind: Option<Kind>) -> (&str, bool) {
    let formula = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    if let Some(text) = formula.filter(|text| !text.contains('"')) {
        return (text.trim(), false);
    }
    match cell.strip_prefix('\'') {
        Some(rest) if is_protected(rest, kind) => (rest, true),
        _ => (cell, false),
    }
}

/// True if the writer has to put an apostrophe before the text: a formula, but for numbers and
/// dates, which say nothing to a spreadsheet; several values that are one, or a separator at its end; an
/// apostrophe that [`unprotected`] would take away.
pub(super) fn wants_protection(text: &str, kind: Option<Kind>) -> bool {
    let harmless = text.starts_with(['+', '-']) && is_valid_phone(text);
    let formula = text.starts_with(FORMULA) && !harmless;
    formula
        || text.strip_prefix('\'').is_some_and(|rest| is_protected(rest, kind))
        || pieces(text, kind) != [text]
}

/// The values of a cell, as Google wrote them; numbers and addresses also as people do,
/// `+1 555 010 0003, +1 555 010 0004`.
pub(super) fn values(text: &str, kind: Kind) -> Vec<String> {
    let values = text.split(" ::: ").flat_map(|value| pieces(value, Some(kind)));
    values.map(|value| unescaped(value.trim()).into_owned()).filter(|v| !v.is_empty()).collect()
}

/// A value that [`values`] does not split at colons.
pub(super) fn escaped(value: &str) -> Cow<'_, str> {
    if value.contains(SEVERAL) {
        Cow::Owned(value.replace(SEVERAL, "\\:::"))
    } else {
        Cow::Borrowed(value)
    }
}

/// The opposite of [`escaped`].
pub(super) fn unescaped(value: &str) -> Cow<'_, str> {
    if value.contains("\\:::") {
        Cow::Owned(value.replace("\\:::", SEVERAL))
    } else {
        Cow::Borrowed(value)
    }
}

/// The numbers, or the addresses, of a text in which they stand one after the other. What is none
/// stays with the one before it: an extension, a pause. Behind the last one a separator separates nothing.
fn pieces(text: &str, kind: Option<Kind>) -> Vec<&str> {
    let bare = text.trim_end_matches(|c: char| matches!(c, ',' | ';') || c.is_whitespace());
    let listed = matches!(kind, Some(Kind::Phone | Kind::Email)) && !bare.is_empty();
    let text = if listed { bare } else { text };
    match kind {
        Some(Kind::Phone) => {
            let apart = wholes(text, true, is_number);
            // A slash also stands behind an area code: `030/1234567`.
            let slashes = |piece: &str| {
                let parts = || piece.split('/');
                parts().all(is_number) && !parts().zip(parts().skip(1)).any(is_one)
            };
            let split =
                |piece| if slashes(piece) { piece.split('/').collect() } else { vec![piece] };
            apart.into_iter().flat_map(split).map(whole_number).collect()
        }
        Some(Kind::Email) => {
            let found = wholes(text, true, |piece| piece.contains('@') && quotes_a_name(piece));
            found.into_iter().flat_map(bare_addresses).collect()
        }
        _ => vec![text],
    }
}

/// True for `"Ann A" <a@x.example>`, and for a text without quotes.
fn quotes_a_name(text: &str) -> bool {
    let quotes = text.matches('"').count();
    quotes == 0 || quotes.is_multiple_of(2) && text.trim_end().ends_with('>')
}

/// A number without the fraction that programs give a column of numbers with gaps: `4915112345678.0`.
fn whole_number(text: &str) -> &str {
    let digits = |text: &&str| text.len() >= DIGITS_MIN && text.bytes().all(|b| b.is_ascii_digit());
    text.strip_suffix(".0").filter(digits).unwrap_or(text)
}

/// Addresses with nothing but blanks between them; anything else as it is.
fn bare_addresses(text: &str) -> Vec<&str> {
    let all: Vec<&str> = text.split_whitespace().collect();
    let several =
        all.len() > 1 && all.iter().all(|it| is_valid_email(it.trim_end_matches([',', ';'])));
    if several { all } else { vec![text] }
}

/// True for a text that begins as a number does and has digits enough to be one.
pub(super) fn is_number(text: &str) -> bool {
    let starts = |c: char| c.is_numeric() || matches!(c, '+' | '(' | '＋');
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    text.trim_start().starts_with(starts) && digits >= DIGITS_MIN
}

/// Digits of a country and a town, behind `+` or `00`: no country has whole numbers so short.
const TOWN_DIGITS_MAX: usize = 8;

/// True for a country and a town, and a number there: `0049 (0) 2151` and `1234567`.
fn is_one((before, after): (&str, &str)) -> bool {
    let before = before.trim_start();
    let town = before.strip_prefix("00").or_else(|| before.strip_prefix('+'));
    let digits = |town: &str| town.chars().filter(|c| c.is_numeric()).count();
    town.is_some_and(|town| digits(town) <= TOWN_DIGITS_MAX && !town.contains('@'))
        && after.trim_start().starts_with(|c: char| ('1'..='9').contains(&c))
}

/// True for `Ann Ash <ann@x.example>`, or the address alone.
pub(super) fn is_mail(text: &str) -> bool {
    let address = clean_email(text);
    is_valid_email(&address) && address.split_once('@').is_some_and(|(_, at)| at.contains('.'))
}

/// The text cut before each part that is a whole value, if one was there before. Parts end at
/// commas, semicolons and line breaks, and at slashes between blanks where these count.
fn wholes(text: &str, slashes: bool, is_whole: impl Fn(&str) -> bool) -> Vec<&str> {
    let separator = |rest: &[u8]| match rest {
        [b',' | b';' | b'\n', ..] => 1,
        [b' ', b'/', b' ', ..] if slashes => 3,
        _ => 0,
    };
    let (mut found, mut start, mut end, mut whole) = (Vec::new(), 0, 0, false);
    let mut at = 0;
    while at <= text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let bytes = rest.as_bytes();
        let here = |from: &usize| bytes.get(*from..).is_some_and(|rest| separator(rest) > 0);
        let length = (0..bytes.len()).find(here).unwrap_or(bytes.len());
        let separator = bytes.get(length..).map_or(1, separator).max(1);
        let is_whole = is_whole(rest.get(..length).unwrap_or_default());
        let before = text.get(start..end).unwrap_or_default();
        let slash = text.get(end..at) == Some(" / ");
        if whole && is_whole && !(slash && is_one((before, rest))) {
            found.push(before);
            start = at;
        }
        whole |= is_whole;
        end = at + length;
        at = end + separator;
    }
    found.push(text.get(start..).unwrap_or_default());
    found
}

/// Longest line that says how many rows there are, in octets.
const COUNT_MAX: usize = 100;

/// Words that say so behind or before the number: `Total,2`.
const TOTALS: &str = "total totals sum count summe gesamt insgesamt anzahl nombre totale suma razem liczba \
    усього всього разом кількість итого всего количество 合計 件数 合计 总计";

/// Words that do so behind it, as in `2 contacts exported`, `1 row in set (0.00 sec)`.
const COUNTED: &str = "contact contacts row rows record records entry entries people exported in set sec of \
    grand all kontakt kontakte zeilen einträge exportiert lignes exportés contactos filas exportados contatti \
    righe kontaktów kontakty wierszy контакт контакти контактів рядків записів експортовано контакты контактов \
    контакта строк записей экспортировано 件";

/// Words of a line that says which page it is, `Page 1 of 2`, and what stands between its numbers.
const PAGES: &str =
    "page seite página pagina sida side strona stránka oldal sayfa сторінка страница";
const OF: &str = "of von sur de di av af z ze из з";

/// True for such a line.
fn is_page<S: AsRef<str>>(cells: &[S]) -> bool {
    let mut cells = cells.iter().map(|cell| cell.as_ref().trim());
    let text = cells.next().unwrap_or_default();
    if cells.any(|cell| !cell.is_empty()) || text.len() > COUNT_MAX || !has_digit(text) {
        return false;
    }
    let folded = fold(text);
    let numbers: Vec<&str> =
        folded.split(|c: char| !c.is_numeric()).filter(|it| !it.is_empty()).collect();
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphabetic()).filter(|it| !it.is_empty()).collect();
    let is = |list: &str, word: &str| list.split(' ').any(|it| fold(it) == word);
    let [page, of @ ..] = words.as_slice() else { return false };
    numbers.len() == 2
        && numbers.iter().all(|it| it.len() < 5)
        && is(PAGES, page)
        && of.len() < 2
        && of.iter().all(|word| is(OF, word))
}

/// True for the cells of a line that says how many rows or pages there are, and is no row. Where the number is
/// another one, because some were left out, the words have to be such that they are no name.
pub(super) fn counts_rows<S: AsRef<str>>(cells: &[S], rows: usize) -> bool {
    if is_page(cells) {
        return true;
    }
    let length: usize = cells.iter().map(|cell| cell.as_ref().len()).sum();
    if rows == 0 || length > COUNT_MAX || !cells.iter().any(|it| has_digit(it.as_ref())) {
        return false;
    }
    let text = cells.iter().map(|cell| fold(cell.as_ref())).collect::<Vec<_>>().join(" ");
    let numbers: Vec<&str> =
        text.split(|c: char| !c.is_numeric()).filter(|it| !it.is_empty()).collect();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphabetic()).filter(|it| !it.is_empty()).collect();
    let Some(first) = numbers.first().filter(|_| numbers.iter().all(|it| it.len() < DIGITS_MIN))
    else {
        return false;
    };
    let known = counting();
    let total = words.iter().find(|word| known.get(**word) == Some(&true));
    let leads = text.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with(first);
    let sure = match first.parse() == Ok(rows) {
        true => total.is_some() || leads && !words.is_empty(),
        false => {
            leads && words.len() > 1
                || first.len() < 3 && total.is_some_and(|it| !["sum", "count"].contains(it))
        }
    };
    sure && words.iter().all(|word| known.contains_key(*word))
}

/// The words of a line that counts, folded, and whether they say so by themselves.
fn counting() -> &'static HashMap<String, bool> {
    static WORDS: OnceLock<HashMap<String, bool>> = OnceLock::new();
    let all = || {
        let of =
            |words: &'static str, total| words.split_whitespace().map(move |it| (fold(it), total));
        of(COUNTED, false).chain(of(TOTALS, true)).collect()
    };
    WORDS.get_or_init(all)
}

fn has_digit(text: &str) -> bool {
    text.contains(char::is_numeric)
}

/// Begins with a star, or with what [`escaped_star`] makes of one.
fn is_starred(label: &str) -> bool {
    let bare = label.trim_start_matches('\\');
    bare == "*" || bare.starts_with("* ")
}

/// A label whose star is text.
pub(super) fn escaped_star(label: &str) -> Cow<'_, str> {
    if is_starred(label) { Cow::Owned(format!("\\{label}")) } else { Cow::Borrowed(label) }
}

/// The opposite of [`escaped_star`].
fn unescaped_star(label: &str) -> &str {
    label.strip_prefix('\\').filter(|bare| is_starred(bare)).unwrap_or(label)
}

/// The label of an entry, and whether a star says that it is the primary one.
pub(super) fn entry_label(cell: &str) -> (&str, bool) {
    match cell.strip_prefix('*') {
        Some("") => ("", true),
        Some(rest) if rest.starts_with(' ') => (unescaped_star(rest.trim()), true),
        _ => (unescaped_star(cell), false),
    }
}

/// The labels of a person as Google writes them: `* myContacts ::: Friends`, where a star marks
/// Google's own ones.
pub(super) fn google_labels(cell: &str) -> Vec<String> {
    let label = |text: &str| unescaped(entry_label(text.trim()).0).into_owned();
    cell.split(" ::: ").map(label).filter(|label| !label.is_empty()).collect()
}

/// The cell of the labels of a person, see [`google_labels`].
pub(super) fn labels_cell(labels: &[String]) -> String {
    let label = |label: &String| escaped(&escaped_star(label)).into_owned();
    labels.iter().map(label).collect::<Vec<_>>().join(" ::: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_numbers_in_one_cell() {
        for (text, want) in [
            ("+1 555 010 0003, +1 555 010 0004", &["+1 555 010 0003", "+1 555 010 0004"][..]),
            ("+1 555 010 0003;+1 555 010 0004", &["+1 555 010 0003", "+1 555 010 0004"]),
            ("5550100/5550101\n5550102", &["5550100", "5550101", "5550102"]),
            ("5550100 ::: 55", &["5550100", "55"]),
            ("030/1234567", &["030/1234567"]),
            ("030/1234567, 12", &["030/1234567, 12"]),
            ("+15550100,,123#;ext=5", &["+15550100,,123#;ext=5"]),
            ("030/1234567 / 0172/7654321", &["030/1234567", "0172/7654321"]),
            ("030/1234567, 0172/7654321", &["030/1234567", "0172/7654321"]),
            ("5550100,5,5550101,", &["5550100,5", "5550101"]),
            ("0049 (0) 151 / 123 45 67", &["0049 (0) 151 / 123 45 67"]),
            ("+49 (0)33056 / 1234567", &["+49 (0)33056 / 1234567"]),
            ("0049151/1234567", &["0049151/1234567"]),
            ("+49 2151 1 / 02151 1234567", &["+49 2151 1", "02151 1234567"]),
            ("+354 5501234 / 5501235", &["+354 5501234", "5501235"]),
            ("0301234567/7654321", &["0301234567", "7654321"]),
            ("0049151/1234567; 030/7654321", &["0049151/1234567", "030/7654321"]),
            ("0049301234567/0049307654321", &["0049301234567", "0049307654321"]),
            ("Tel 5550100, 5550101", &["Tel 5550100, 5550101"]),
        ] {
            assert_eq!(values(text, Kind::Phone), want, "{text}");
        }
        assert_eq!(values("a@x.example; b@x.example", Kind::Email), ["a@x.example", "b@x.example"]);
        assert_eq!(
            values("a@x.example / b@x.example", Kind::Email),
            ["a@x.example", "b@x.example"]
        );
        assert_eq!(values("\"Ash, A\" <a@x.example>", Kind::Email), ["\"Ash, A\" <a@x.example>"]);
        assert_eq!(values("https://x.example/a,b;c", Kind::Url), ["https://x.example/a,b;c"]);
    }

    #[test]
    fn an_apostrophe_protects_and_comes_off_again() {
        let pieces_of = ["", "'", ",", " ", "=", "-", "030 1234567", "'t Hooft", "a@x.example"];
        let texts = (0..9_usize.pow(4)).map(|n| {
            let part = |at: u32| pieces_of[n / 9_usize.pow(at) % 9];
            (0..4).map(part).collect::<String>().trim().to_owned()
        });
        let others = [
            "=1+1",
            "'=1",
            "''=1",
            "@x",
            "+",
            "+49 30 1234567",
            "'+49 30 1234567",
            "030 1234567, 030 7654321",
            "'030 1234567, 030 7654321",
            "'030",
            "a@x.example, b@x.example",
            "'a@x.example, b@x.example",
            "-1+cmd|' /C calc'!A0",
            "+1*2",
        ];
        for text in texts.chain(others.map(str::to_owned)) {
            for kind in [None, Some(Kind::Phone), Some(Kind::Email)] {
                let cell =
                    if wants_protection(&text, kind) { format!("'{text}") } else { text.clone() };
                let (again, as_is) = unprotected(&cell, kind);
                assert_eq!(again, text);
                assert!(as_is || pieces(&text, kind) == [&*text], "{text}");
            }
        }
        assert_eq!(unprotected("'t Hooft", None), ("'t Hooft", false));
        assert_eq!(unprotected("'030", None), ("'030", false));
        for (cell, number) in [("'030", "030"), ("'(030) 1", "(030) 1")] {
            assert_eq!(unprotected(cell, Some(Kind::Phone)), (number, true));
        }
        assert_eq!(unprotected("'none", Some(Kind::Phone)), ("'none", false));
        assert_eq!(unprotected("=\"0301\"", Some(Kind::Phone)), ("0301", false));
        assert_eq!(unprotected("=\"a\"&\"b\"", None), ("=\"a\"&\"b\"", false));
        assert!(
            wants_protection("-1+cmd|' /C calc'!A0", None) && !wants_protection("+49 30 123", None)
        );
    }

    #[test]
    fn labels_and_stars() {
        for label in ["", "home", "* x", "*", "\\* x", "\\", "a ::: b", "***", "*x", "::::"] {
            let cell = escaped_star(label).into_owned();
            assert_eq!(entry_label(&cell), (label, false));
            assert_eq!(entry_label(format!("* {cell}").trim()), (label, true));
        }
        let labels = ["myContacts", "a ::: b", "* c", ":::", "\\:::"].map(str::to_owned);
        assert_eq!(google_labels(&labels_cell(&labels)), labels);
        assert_eq!(
            google_labels("* myContacts ::: * starred ::: Friends"),
            ["myContacts", "starred", "Friends"]
        );
    }
}
