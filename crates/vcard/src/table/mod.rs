//! Tables of separated values, as Google Contacts, Outlook, Thunderbird, Yahoo and LinkedIn export
//! them and as people write them, in; Google's current layout out.
//!
//! [`read`] finds the separator and the header, looks once through the table for what only a whole
//! column shows (the order of its dates), and then yields the rows one by one. What no member takes
//! is kept beside the members as content lines (`X-CSV-…`), so nothing is lost; one odd value never
//! costs the person. Memory does not grow with the number of rows.

mod cells;
mod columns;
mod dates;
mod entries;
mod find;
mod forms;
mod joined;
mod key;
mod kinds;
mod languages;
mod row;
mod settle;
mod text;
mod vocabulary;
mod words;
mod write;

use crate::Warning;
use cells::{Cells, Record};
use columns::{Layout, Meaning};
use kinds::Kind;

pub use find::{Fault, unwrapped};
pub use row::{Row, RowError};
pub use write::{Widths, header, row};

/// Most names of columns that one warning shows.
const NAMES_MAX: usize = 30;
/// Most columns of all tables in one file.
const COLUMNS_MAX: usize = 5_000;

/// How a table is to be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Column → member of the contract, as [`Column::member`] says it (`first_name`, `phones`,
    /// `phones.home`, `addresses.work.city`), or any header that is known; empty: kept as unknown.
    pub map: &'a [(String, String)],
}

/// A table whose header was understood.
pub struct Table<'a> {
    /// From the first line on; most often the header is that.
    cells: Cells<'a>,
    /// What its columns are, and those of each table that stands under it in the file.
    layouts: Vec<Layout>,
    warnings: Vec<Warning>,
}

/// Finds the table in a text; a byte-order mark in front does not count.
///
/// # Errors
/// [`Fault`] where no line names a column that identifies a person, or the map is wrong.
pub fn read<'a>(text: &'a str, options: &Options) -> Result<Table<'a>, Fault> {
    let (cells, layout) = find::header(text, options.map)?;
    let mut table = Table { cells, layouts: vec![layout], warnings: Vec::new() };
    table.look_through(options.map);
    table.warnings = table.layouts.iter().flat_map(warnings).collect();
    Ok(table)
}

/// The member of the contract that a header means by itself, `list.label` or `list.part` for lists.
pub fn member(header: &str) -> Option<String> {
    let layout = Layout::read(&[header], &[]);
    layout.member(layout.columns.first()?.meaning)
}

/// True if a line by itself is the header of a table of people.
pub(crate) fn is_header(line: &str) -> bool {
    find::first_line(line).is_ok_and(|(_, layout)| layout.known() > 1 && layout.names_people())
}

/// The values of a text, which may have several where the list is of addresses or numbers.
pub fn values(list: &str, text: &str) -> Vec<String> {
    match list {
        "emails" => text::values(text, Kind::Email),
        "phones" => text::values(text, Kind::Phone),
        _ => vec![text.to_owned()],
    }
}

impl<'a> Table<'a> {
    /// What is to be said of whole columns, with the line of the header: those that no member
    /// takes, in one warning, and those whose dates were read in a guessed order.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The rows, from the first one. Blank ones are left out.
    pub fn rows(&self) -> Rows<'a, '_> {
        let (cells, record) = (self.cells.clone(), Record::default());
        Rows { cells, layouts: &self.layouts, record, count: 0 }
    }

    /// Collects what only a whole column shows, and finds the tables under this one.
    fn look_through(&mut self, map: &[(String, String)]) {
        let (mut cells, mut record) = (self.cells.clone(), Record::default());
        let mut columns = 0;
        while let Some(next) = cells.next(&mut record) {
            if next.is_err() {
                continue;
            }
            if let Some(first) = self.layouts.first_mut().filter(|it| record.line <= it.line) {
                if !find::is_row(first, &record) {
                    continue;
                }
                first.sorted |= record.line < first.line;
            }
            if columns < COLUMNS_MAX
                && let Some(layout) = find::another_header(&record, map)
                && (write::wrote(&layout) || !self.layouts.last().is_some_and(write::wrote))
            {
                columns += layout.columns.len();
                self.layouts.push(layout);
            } else if let Some(layout) = self.layouts.last_mut() {
                layout.look_at(&record.cells);
            }
        }
        self.layouts.iter_mut().for_each(Layout::settle_titles);
    }
}

/// What is to be said of the columns of a table.
fn warnings(layout: &Layout) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut say = |detail: String| warnings.push(Warning { line: layout.line, detail });
    let unknown = layout.columns.iter();
    let unknown = unknown.filter(|column| column.meaning == Meaning::Unknown && column.used > 0);
    let name = |column: &columns::Column| match column.header.as_str() {
        "" => "a column without a name".to_owned(),
        name => name.to_owned(),
    };
    let names: Vec<String> = unknown.map(name).collect();
    if !names.is_empty() {
        let more = names.len().saturating_sub(NAMES_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = names.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
        say(format!("columns that no member takes are kept (X-CSV-…): {names}{more}"));
    }
    for column in &layout.columns {
        if let Some(order) = column.dates.guess(column.english) {
            let member = layout.member(column.meaning).unwrap_or_default();
            say(format!(
                "{member}: nothing in the column {:?} shows the order of its dates; they are read as {order}",
                column.header
            ));
        }
    }
    warnings
}

/// The rows of a table, one by one.
pub struct Rows<'a, 't> {
    cells: Cells<'a>,
    /// Of the table that it is in, and of those under it.
    layouts: &'t [Layout],
    record: Record<'a>,
    /// Rows so far.
    count: usize,
}

impl<'t> Iterator for Rows<'_, 't> {
    type Item = Result<Row<'t>, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = self.cells.next(&mut self.record)?;
            let line = self.record.line;
            if let [_, under @ ..] = self.layouts
                && under.first().is_some_and(|layout| layout.line == line)
            {
                self.layouts = under;
                continue;
            }
            let layout = self.layouts.first()?;
            let behind = line > layout.line;
            match next {
                Err(_) if !behind => {}
                Ok(()) if !behind && !find::is_row(layout, &self.record) => {}
                Ok(()) if self.record.is_blank() => {}
                // Files that were put together have the header before each part.
                Ok(()) if behind && layout.is_header(&self.record.cells) => {}
                Ok(())
                    if text::counts_rows(&self.record.cells, self.count)
                        && !write::wrote(layout) =>
                {
                    let detail = "the row says how many there are, and is nobody".to_owned();
                    return Some(Err(RowError { line, detail }));
                }
                Ok(()) => {
                    self.count += 1;
                    return Some(row::read(layout, &self.record));
                }
                Err(unclosed) => {
                    let header = layout.columns.get(unclosed.cell);
                    let column = header.map_or(String::new(), |c| format!(" in {:?}", c.header));
                    let detail = format!("a quote is opened{column} and never closed");
                    return Some(Err(RowError { line: unclosed.line, detail }));
                }
            }
        }
    }
}

/// A column, as the page shows it where people say what their table means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The header, cut to 64 characters.
    pub name: String,
    /// The member it is read as, good for [`Options::map`]; none: unknown.
    pub member: Option<String>,
    /// The first few values, cut to 64 characters each.
    pub samples: Vec<String>,
}

/// The columns of the table in this text; where no header is known, those of its first line.
///
/// # Errors
/// [`Fault::NoTable`] for a text without any line, or past 1,100 columns.
pub fn columns(text: &str) -> Result<Vec<Column>, Fault> {
    const SAMPLES: usize = 3;
    const SAMPLE_MAX: usize = 64;
    let (mut cells, layout) = find::header(text, &[]).or_else(|_| find::first_line(text))?;
    let column = |column: &columns::Column| Column {
        name: column.header.clone(),
        member: layout.member(column.meaning),
        samples: Vec::new(),
    };
    let mut found: Vec<Column> = layout.columns.iter().map(column).collect();
    let mut record = Record::default();
    // Rows at the beginning are enough to see what a column is.
    for _ in 0..100 {
        match cells.next(&mut record) {
            None => break,
            Some(Ok(())) if record.line > layout.line => {}
            Some(_) => continue,
        }
        for (column, cell) in found.iter_mut().zip(&record.cells) {
            let cell: String = cell.trim().chars().take(SAMPLE_MAX).collect();
            if !cell.is_empty() && column.samples.len() < SAMPLES && !column.samples.contains(&cell)
            {
                column.samples.push(cell);
            }
        }
    }
    Ok(found)
}
