//! Text → records of cells (RFC 4180), forgiving where the people's programs are not strict: any
//! end of line, blanks around quotes, quotes within an unquoted cell, quotes that are not doubled.
//!
//! A quoted cell that is never closed is an error of its own line only, so that one stray quote
//! does not take the people behind it along. Every byte is looked at a bounded number of times:
//! [`Cells::far`] keeps what an earlier search for a closing quote found.

use std::borrow::Cow;

/// Most cells of a record that are taken apart. Google has about a hundred columns, our widest table 1,063: 13, and 21
/// for each of 50 entries.
pub(super) const CELLS_MAX: usize = 1_100;

/// One record.
#[derive(Default)]
pub(super) struct Record<'a> {
    /// The physical line of its first cell, from 1.
    pub line: u64,
    pub cells: Vec<Cow<'a, str>>,
    /// What stands behind the last of [`CELLS_MAX`] cells, as it was written.
    pub rest: &'a str,
    /// The record as it was written, without its end of line.
    pub raw: &'a str,
}

impl Record<'_> {
    /// True if nothing stands in it, but for the rule under the header of a printed table.
    pub fn is_blank(&self) -> bool {
        let shows =
            |cell: &&Cow<'_, str>| cell.contains(|c: char| !c.is_whitespace() && !c.is_control());
        let rules = |cell: &str| cell.len() > 2 && cell.bytes().all(|byte| b"-=:+".contains(&byte));
        let shown = self.cells.iter().filter(shows).count();
        // `|---|---|`: nothing stands before the first separator and behind the last one.
        let is_rule = || {
            shown + 2 >= self.cells.len()
                && self.cells.iter().filter(shows).all(|cell| rules(cell.trim()))
        };
        self.rest.is_empty() && (shown == 0 || is_rule())
    }
}

/// A cell is opened by a quote on this line and never closed.
#[derive(Debug, PartialEq)]
pub(super) struct Unclosed {
    pub line: u64,
    /// Which cell of its record, from 0.
    pub cell: usize,
}

/// The records of a text, one by one.
#[derive(Clone)]
pub(super) struct Cells<'a> {
    text: &'a str,
    separator: u8,
    at: usize,
    line: u64,
    /// No quote before this offset closes or breaks off a cell that was opened before it, but for
    /// the quotes right behind the opening one.
    far: usize,
    /// A quote of this record is never closed.
    unclosed: bool,
}

impl<'a> Cells<'a> {
    /// `separator` is ASCII.
    pub fn new(text: &'a str, separator: u8) -> Cells<'a> {
        Cells { text, separator, at: 0, line: 1, far: 0, unclosed: false }
    }

    /// Passes over the physical line it stands on.
    pub fn skip_line(&mut self) {
        self.at = self.end_of_line(self.at);
        self.at += self.line_end(self.at);
        self.line += 1;
    }

    /// Reads the next record, past empty lines; `None` at the end of the text. After an error it
    /// goes on at the line behind the quote.
    pub fn next(&mut self, record: &mut Record<'a>) -> Option<Result<(), Unclosed>> {
        while let length @ 1.. = self.line_end(self.at) {
            self.at += length;
            self.line += 1;
        }
        if self.at >= self.text.len() {
            return None;
        }
        record.cells.clear();
        (record.line, record.rest) = (self.line, "");
        self.unclosed = false;
        let start = self.at;
        let mut rest = None;
        loop {
            let from = self.at;
            let open = self.past_blanks(from);
            let quoted = self.byte(open) == Some(b'"');
            let close = quoted.then(|| self.close(open));
            self.unclosed |= close == Some(None);
            let (cell, end) = match close {
                Some(Some(close)) => {
                    (unquoted(self.slice(open + 1, close)), self.past_blanks(close + 1))
                }
                Some(None) if !self.pairs_quotes(open) => {
                    let line = self.line + line_ends(self.bytes(start, open));
                    let cell = record.cells.len();
                    (self.at, self.line) = (open, line);
                    self.skip_line();
                    return Some(Err(Unclosed { line, cell }));
                }
                _ => {
                    let end = self.end_of_cell(from);
                    (Cow::Borrowed(self.slice(from, end)), end)
                }
            };
            if record.cells.len() < CELLS_MAX {
                record.cells.push(cell);
            } else {
                rest.get_or_insert(from);
            }
            self.at = end;
            if self.byte(end) != Some(self.separator) {
                break;
            }
            self.at += 1;
        }
        record.raw = self.slice(start, self.at);
        record.rest = rest.map_or("", |from| self.slice(from, self.at));
        self.at += self.line_end(self.at);
        self.line += line_ends(self.bytes(start, self.at));
        Some(Ok(()))
    }

    /// The closing quote of the cell that the quote at `open` opens. A lone quote within a cell is
    /// text, unless it looks like the opening one of a cell on a later line: then the cell before
    /// it was never closed.
    fn close(&mut self, open: usize) -> Option<usize> {
        let run = self.quotes(open + 1);
        let mut at = open + 1 + run;
        if run % 2 == 1 && self.ends_cell(at) {
            return Some(at - 1);
        }
        let mut later = false;
        if self.far > at {
            // After a quote of this record that is never closed, `far` is on a later line.
            later = self.unclosed || has_line_end(self.bytes(at, self.far));
            at = self.far;
        }
        loop {
            let Some(found) = self.bytes(at, self.text.len()).iter().position(|b| *b == b'"')
            else {
                self.far = self.text.len();
                return None;
            };
            let quote = at + found;
            later |= has_line_end(self.bytes(at, quote));
            let run = self.quotes(quote);
            at = quote + run;
            if run % 2 == 1 && self.ends_cell(at) {
                self.far = quote;
                return Some(at - 1);
            }
            let opens = |before| matches!(before, b'\n' | b'\r') || before == self.separator;
            if run == 1 && later && self.byte(quote - 1).is_some_and(opens) {
                self.far = quote;
                return None;
            }
        }
    }

    /// How many quotes stand from here on.
    fn quotes(&self, at: usize) -> usize {
        self.bytes(at, self.text.len()).iter().take_while(|byte| **byte == b'"').count()
    }

    /// True where a cell may end: at a separator, at an end of line or text, blanks before it.
    fn ends_cell(&self, at: usize) -> bool {
        let next = self.byte(self.past_blanks(at));
        next.is_none_or(|byte| matches!(byte, b'\n' | b'\r') || byte == self.separator)
    }

    /// True for `"Bob" Lee`, which is text as it stands.
    fn pairs_quotes(&self, open: usize) -> bool {
        let cell = self.bytes(open, self.end_of_cell(open));
        cell.iter().filter(|byte| **byte == b'"').count() % 2 == 0
    }

    fn past_blanks(&self, at: usize) -> usize {
        at + self.bytes(at, self.text.len()).iter().take_while(|byte| **byte == b' ').count()
    }

    fn end_of_cell(&self, at: usize) -> usize {
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r') || *byte == self.separator;
        let rest = self.bytes(at, self.text.len());
        at + rest.iter().position(ends).unwrap_or(rest.len())
    }

    fn end_of_line(&self, at: usize) -> usize {
        let rest = self.bytes(at, self.text.len());
        at + rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())
    }

    /// The length of the end of line that stands here, or 0. CR CR LF, which a text mode of
    /// Windows makes of CR LF, is one.
    fn line_end(&self, at: usize) -> usize {
        match self.bytes(at, self.text.len()) {
            [b'\r', b'\r', b'\n', ..] => 3,
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn bytes(&self, from: usize, to: usize) -> &'a [u8] {
        self.text.as_bytes().get(from..to).unwrap_or_default()
    }

    /// Both ends stand at ASCII characters or ends of the text.
    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }
}

/// The text between the quotes; a quote in it is written twice.
fn unquoted(text: &str) -> Cow<'_, str> {
    if text.contains("\"\"") { Cow::Owned(text.replace("\"\"", "\"")) } else { Cow::Borrowed(text) }
}

fn has_line_end(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
}

/// How many lines end in these bytes, as [`Cells::line_end`] sees it.
fn line_ends(bytes: &[u8]) -> u64 {
    let (mut count, mut rest) = (0, bytes);
    while let [first, tail @ ..] = rest {
        rest = match rest {
            [b'\r', b'\r', b'\n', tail @ ..] | [b'\r', b'\n', tail @ ..] => tail,
            _ => tail,
        };
        count += u64::from(matches!(first, b'\n' | b'\r'));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each record as its line and cells, each error as its line.
    fn all(text: &str, separator: u8) -> Vec<Result<(u64, Vec<String>), u64>> {
        let (mut cells, mut record) = (Cells::new(text, separator), Record::default());
        let mut found = Vec::new();
        while let Some(next) = cells.next(&mut record) {
            found.push(match next {
                Ok(()) => Ok((record.line, record.cells.iter().map(|c| c.to_string()).collect())),
                Err(unclosed) => Err(unclosed.line),
            });
        }
        found
    }

    fn record(line: u64, cells: &[&str]) -> Result<(u64, Vec<String>), u64> {
        Ok((line, cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    #[test]
    fn cells_and_physical_lines_with_every_end_of_line() {
        for end in ["\n", "\r\n", "\r", "\r\r\n"] {
            let text = ["a,b", "", "\"c", "d\",\"e\"\"f\"", "", "g"].join(end);
            let cell = format!("c{end}d");
            let want = [record(1, &["a", "b"]), record(3, &[&cell, "e\"f"]), record(6, &["g"])];
            assert_eq!(all(&text, b','), want, "{end:?}");
        }
        assert_eq!(all("a;\"b\" ; \"c;d\"\n;", b';')[0], record(1, &["a", "b", "c;d"]));
        assert_eq!(all("\n", b','), []);
        assert_eq!(all("5\" disk,\"\"", b','), [record(1, &["5\" disk", ""])]);
    }

    #[test]
    fn a_quote_that_is_not_doubled_is_text() {
        assert_eq!(
            all("\"He said \"hi\" there\",x", b','),
            [record(1, &["He said \"hi\" there", "x"])]
        );
        assert_eq!(all("\"a \"b\"\nc", b','), [record(1, &["a \"b"]), record(2, &["c"])]);
    }

    #[test]
    fn an_unclosed_quote_costs_its_line_only() {
        assert_eq!(all("a,\"b\nc,d\ne", b','), [Err(1), record(2, &["c", "d"]), record(3, &["e"])]);
        // The quote of another row does not close it.
        let text = "a,\"b\nc,\"d, e\",f\ng,\"h\n\"i\",k";
        let want = [Err(1), record(2, &["c", "d, e", "f"]), Err(3), record(4, &["i", "k"])];
        assert_eq!(all(text, b','), want);
        // The line is the quote's, where the row began before it.
        assert_eq!(all("\"a\nb\",\"c\nd", b','), [Err(2), record(3, &["d"])]);
    }

    #[test]
    fn many_unclosed_quotes_take_linear_time() {
        for line in ["a,\"b\n", "a,\"\"\"b\n", "a,\" \"\n,\"b", "\"a ,\"b ,\"c", "\"\"\"\"\"x\n"] {
            let text = line.repeat(200_000) + ",\"d";
            let start = std::time::Instant::now();
            assert!(!all(&text, b',').is_empty());
            assert!(start.elapsed().as_secs() < 20, "{line:?}");
        }
    }

    #[test]
    fn a_wide_record_is_cut() {
        let text = ",".repeat(CELLS_MAX + 2) + "x\ny";
        let (mut cells, mut record) = (Cells::new(&text, b','), Record::default());
        cells.next(&mut record).unwrap().unwrap();
        assert_eq!((record.cells.len(), record.rest), (CELLS_MAX, ",,x"));
        cells.next(&mut record).unwrap().unwrap();
        assert_eq!((record.line, record.rest, record.raw), (2, "", "y"));
    }
}
