//! Tables of comma-separated values (RFC 4180) as Google Contacts, Outlook and Thunderbird write
//! them, and as Google reads them.
//!
//! A row becomes content lines, see `formats::fields`; a column that is not known becomes
//! `X-CSV;X-COLUMN="its header":the cell`, so nothing is dropped here either. A row must have a
//! first name, or a whole name, or failing all names an organisation or nickname.

mod columns;
mod lines;
mod write;

use super::{Row, RowError, encoding, fields, fields::Origin};
use crate::error::{Error, Result};
use chrono::NaiveDate;
use columns::Layout;
use csv::{ByteRecord, Reader, ReaderBuilder};
use std::borrow::Cow;
use std::io::Cursor;

pub use write::{header, row};

/// Most columns of a table. Google has about a hundred.
const COLUMNS_MAX: usize = 1_000;

/// The rows of a table, one by one, so that memory does not grow with the file. Empty rows are
/// skipped. A file whose header has no column for names is [`Error::Malformed`]; an empty file has
/// no rows. `latest` is the last date that a birthday may have.
pub fn read(bytes: &[u8], latest: NaiveDate) -> Result<Rows<'_>> {
    let bytes = text(bytes);
    let delimiter = delimiter(&bytes);
    if is_too_wide(&bytes, delimiter) {
        let detail = format!("a line of the table has more than {COLUMNS_MAX} cells");
        return Err(Error::Malformed(detail));
    }
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter);
    let reader = builder.from_reader(Cursor::new(bytes));
    let layout = Layout { columns: Vec::new(), outlook: false };
    let mut rows = Rows { reader, layout, latest, at: 0, number: 1 };
    let mut header = ByteRecord::new();
    while header.iter().all(|cell| cell.trim_ascii().is_empty()) {
        if rows.next_record(&mut header)?.is_none() {
            return Ok(rows);
        }
    }
    rows.layout = Layout::read(header.iter().map(|cell| str::from_utf8(cell).unwrap_or_default()));
    if !rows.layout.names_people() {
        let detail = "no column for names: the first line must name the columns, \
             as Google Contacts or Outlook do (First Name, Last Name, …)";
        return Err(Error::Malformed(detail.to_owned()));
    }
    Ok(rows)
}

/// The file as UTF-8 without byte-order mark.
fn text(bytes: &[u8]) -> Cow<'_, [u8]> {
    let bytes = encoding::without_bom(bytes);
    match encoding::decode(&bytes, None) {
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        Cow::Borrowed(_) => bytes,
    }
}

/// What separates the cells: the most frequent candidate in the first line, outside quotes.
fn delimiter(bytes: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in bytes.trim_ascii_start() {
        quoted ^= *byte == b'"';
        if !quoted && matches!(byte, b'\n' | b'\r') {
            break;
        }
        let count = counts.iter_mut().find(|(candidate, _)| candidate == byte && !quoted);
        count.into_iter().for_each(|(_, count)| *count += 1);
    }
    // `max_by_key` takes the last of equals; the comma comes first, so search from the end.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(candidate, _)| *candidate)
}

/// True if a record has too many cells. Looked at beforehand, since the reader holds a whole
/// record and keeps 8 bytes a cell: ten million commas would cost more than a hundred megabytes.
fn is_too_wide(bytes: &[u8], delimiter: u8) -> bool {
    let mut cells = 1;
    let (mut quoted, mut may_open) = (false, true);
    for byte in bytes {
        if quoted {
            // Open again where the next one is a quote, too: "" in quotes is one.
            (quoted, may_open) = (*byte != b'"', *byte == b'"');
            continue;
        }
        quoted = may_open && *byte == b'"';
        may_open = matches!(byte, b'\n' | b'\r') || *byte == delimiter;
        match byte {
            b'\n' | b'\r' => cells = 1,
            byte if *byte == delimiter => cells += 1,
            _ => {}
        }
        if cells > COLUMNS_MAX {
            return true;
        }
    }
    false
}

/// The iterator that [`read`] returns.
pub struct Rows<'a> {
    reader: Reader<Cursor<Cow<'a, [u8]>>>,
    layout: Layout,
    latest: NaiveDate,
    /// How far physical lines were counted, in bytes, and the line there.
    at: usize,
    number: u64,
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let mut record = ByteRecord::new();
        loop {
            let line = match self.next_record(&mut record) {
                Ok(line) => line?,
                Err(err) => {
                    return Some(Err(RowError { line: self.number, detail: err.to_string() }));
                }
            };
            let cells = record.iter().map(|cell| str::from_utf8(cell).unwrap_or_default());
            if cells.clone().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if self.is_unclosed(&record) {
                let detail = "a quote is opened in this row and never closed".to_owned();
                return Some(Err(RowError { line, detail }));
            }
            return Some(match lines::content_lines(&self.layout, cells) {
                Ok(lines) => fields::import(line, lines, Origin::Row, self.latest),
                Err(detail) => Err(RowError { line, detail }),
            });
        }
    }
}

impl Rows<'_> {
    /// Reads the next record and tells its first physical line. The line that the csv crate tells
    /// is wrong after CR LF and before blank lines, so lines are counted here, each byte once.
    fn next_record(&mut self, record: &mut ByteRecord) -> Result<Option<u64>> {
        let more = self.reader.read_byte_record(record).map_err(Error::internal)?;
        let Some(start) = record.position().filter(|_| more) else { return Ok(None) };
        let start = usize::try_from(start.byte()).map_err(Error::internal)?;
        let bytes = self.reader.get_ref().get_ref();
        let passed = bytes.get(self.at..start).unwrap_or_default();
        let blank = bytes.get(start..).unwrap_or_default();
        let blank = blank.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
        let mut last = 0;
        for byte in passed.iter().chain(blank) {
            // CR LF is one end of line.
            self.number += u64::from(*byte == b'\r' || (*byte == b'\n' && last != b'\r'));
            last = *byte;
            self.at += 1;
        }
        Ok(Some(self.number))
    }

    /// True if the last record of the file took the end of the file for the end of a quoted cell.
    fn is_unclosed(&self, record: &ByteRecord) -> bool {
        let bytes = self.reader.get_ref().get_ref();
        let end = usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX);
        end >= bytes.len()
            && record.iter().any(|cell| cell.iter().any(|byte| matches!(byte, b'\n' | b'\r')))
            && bytes.get(self.at..).unwrap_or_default().iter().filter(|b| **b == b'"').count() % 2
                == 1
    }
}
