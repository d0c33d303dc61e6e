//! Where a table begins, and what separates its cells.

use super::cells::{CELLS_MAX, Cells, Record};
use super::columns::{Column, Layout, Meaning};
use super::text::is_number;
use super::words::{Kind, Member, Part};
use super::write::wrote;
use crate::is_valid_email;
use std::fmt;

/// What separates cells; at equal success the first one counts.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Most lines before the header: LinkedIn writes three, Numbers the name of the table.
const LINES_BEFORE: usize = 10;

const EXPECTED: &str = "no line names columns: one of the first lines must say which column is which, \
    as Google Contacts, Outlook and Thunderbird write it (First Name, Last Name, E-mail, Phone, …)";

/// Why a text is no table that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No line names columns that identify a person; the text says what was expected.
    NoTable(String),
    /// The caller's map of columns is wrong here; the text names the column.
    Map(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Fault::NoTable(detail) | Fault::Map(detail)) = self;
        f.write_str(detail)
    }
}

/// The cells from the first line on, and the columns: the line of which most columns are known, under the separator
/// that makes it so. Below a line of several cells it has to be many more, since the cells of a person may be
/// words of headers, too: `Ann,Work,Home`. A line with an address or a number is no header, but where the map names it.
pub(super) fn header<'a>(
    text: &'a str,
    map: &[(String, String)],
) -> Result<(Cells<'a>, Layout), Fault> {
    for (column, member) in map {
        if !member.trim().is_empty() && Layout::read(&[member], &[]).known() == 0 {
            return Err(Fault::Map(format!("{column}: there is no member {member:?}")));
        }
    }
    let mut best: Option<(usize, Cells<'a>, Layout)> = None;
    let mut too_wide = false;
    let (separators, start) = separators(text);
    for separator in separators {
        let (mut cells, mut record) = (start(separator), Record::default());
        // So many known columns has the header to have under this separator.
        let mut least = 1;
        for _ in 0..=LINES_BEFORE {
            match cells.next(&mut record) {
                None => break,
                Some(Err(_)) => continue,
                Some(Ok(())) if !record.rest.is_empty() => {
                    too_wide = true;
                    continue;
                }
                Some(Ok(())) => {}
            }
            let mut layout = Layout::read(&record.cells, map);
            layout.line = record.line;
            let known = layout.known();
            if !layout.names_people() || known < least || map.is_empty() && reaches(&record) {
                continue;
            }
            let several = record.cells.iter().filter(|cell| !cell.trim().is_empty()).count() > 1;
            least = if several { 2 * known + 1 } else { known + 1 };
            if best.as_ref().is_none_or(|best| known > best.0) {
                best = Some((known, start(separator), layout));
            }
        }
    }
    match best {
        Some((_, cells, layout)) => {
            check_map(&layout, map)?;
            Ok((cells, layout))
        }
        None if too_wide => Err(Fault::NoTable(format!("a line has more than {CELLS_MAX} cells"))),
        None => Err(Fault::NoTable(EXPECTED.to_owned())),
    }
}

/// True for a line with a number or an address.
fn reaches(record: &Record<'_>) -> bool {
    record.cells.iter().any(|cell| is_valid_email(cell.trim()) || is_number(cell))
}

/// The text without the quotes around whole lines, `"Name,Phone"`, where the first line has them: a spreadsheet took
/// each for one cell.
pub fn unwrapped(text: &str) -> Option<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let inner = |line: &str| {
        let inner = line.trim_end().strip_prefix('"')?.strip_suffix('"')?.replace("\"\"", "\u{0}");
        (!inner.contains('"')).then(|| inner.replace('\u{0}', "\""))
    };
    let first = inner(text.lines().next()?)?;
    first.contains(SEPARATORS.map(char::from)).then_some(())?;
    let lines = text.lines().map(|line| inner(line).unwrap_or_else(|| line.to_owned()) + "\n");
    Some(lines.collect())
}

/// True for a line above the header, or the header itself, that is a row: one with an address or a number in the column
/// of one, of a table that was sorted with its header or of which the map names the cells of the first person; and, in a
/// table that was sorted so, one that has nothing else in such a column.
pub(super) fn is_row(layout: &Layout, record: &Record<'_>) -> bool {
    if record.cells.len() != layout.columns.len() {
        return false;
    }
    let (mut reached, mut odd) = (false, false);
    for (column, cell) in layout.columns.iter().zip(&record.cells) {
        let Meaning::Part(slot, Part::Value) = column.meaning else { continue };
        let reaches = match layout.slots.get(slot).map(|slot| slot.kind) {
            Some(Kind::Email) => is_valid_email(cell.trim()),
            Some(Kind::Phone) => is_number(cell),
            _ => continue,
        };
        reached |= reaches;
        odd |= !reaches && !cell.trim().is_empty();
    }
    reached || layout.sorted && record.line < layout.line && !odd
}

/// The columns of a table under another one, if this is its header: every cell is known, one is a name, and one
/// reaches people; or it is one of ours.
pub(super) fn another_header(record: &Record<'_>, map: &[(String, String)]) -> Option<Layout> {
    let shown = record.cells.iter().filter(|cell| !cell.trim().is_empty());
    let digits = |cell: &str| cell.bytes().filter(u8::is_ascii_digit).count() > 3;
    let count = shown.clone().count();
    // Most rows are none at a glance.
    if count < 2 || shown.clone().any(|cell| cell.contains('@') || digits(cell)) {
        return None;
    }
    shown.clone().next().filter(|cell| Layout::read(&[cell], &[]).known() > 0)?;
    let mut layout = Layout::read(&record.cells, map);
    layout.line = record.line;
    const NAMES: [Member; 4] = [Member::First, Member::Last, Member::Full, Member::Organization];
    let is_name = |column: &Column| NAMES.iter().any(|it| column.meaning == Meaning::Member(*it));
    let named = layout.columns.iter().any(is_name);
    let reached = layout.slots.iter().any(|slot| matches!(slot.kind, Kind::Phone | Kind::Email));
    (wrote(&layout) || named && reached && layout.known() == count).then_some(layout)
}

/// As [`header`], where no header is known: the first line, cut into most cells.
pub(super) fn first_line(text: &str) -> Result<(Cells<'_>, Layout), Fault> {
    let (separators, start) = separators(text);
    let mut best: Option<(Cells<'_>, Layout)> = None;
    for separator in separators {
        let (mut cells, mut record) = (start(separator), Record::default());
        if !matches!(cells.next(&mut record), Some(Ok(()))) || !record.rest.is_empty() {
            continue;
        }
        let layout = Layout::read(&record.cells, &[]);
        let count = |layout: &Layout| layout.columns.len();
        if best.as_ref().is_none_or(|best| count(&layout) > count(&best.1)) {
            best = Some((cells, layout));
        }
    }
    best.ok_or_else(|| Fault::NoTable(EXPECTED.to_owned()))
}

/// The separators that may be, and how to begin with one. A line `sep=;`, which Excel reads and
/// some programs write, says it.
fn separators<'a>(text: &'a str) -> (Vec<u8>, impl Fn(u8) -> Cells<'a>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.split(['\n', '\r']).next().unwrap_or_default().trim_end();
    let first = first.trim_matches('"').split_at_checked(4);
    let said = first.filter(|(word, _)| word.eq_ignore_ascii_case("sep=")).map(|(_, rest)| rest);
    let said = match said.map(str::as_bytes) {
        // A tab at the end of the line is trimmed.
        Some([]) => Some(b'\t'),
        Some([separator]) if separator.is_ascii_punctuation() || *separator == b'\t' => {
            Some(*separator)
        }
        _ => None,
    };
    let start = move |separator| {
        let mut cells = Cells::new(text, separator);
        if said.is_some() {
            cells.skip_line();
        }
        cells
    };
    (said.map_or(SEPARATORS.to_vec(), |separator| vec![separator]), start)
}

/// Every column of the map is there.
fn check_map(layout: &Layout, map: &[(String, String)]) -> Result<(), Fault> {
    match map.iter().find(|(column, _)| !layout.has(column)) {
        Some((column, _)) => Err(Fault::Map(format!("{column}: the table has no such column"))),
        None => Ok(()),
    }
}
