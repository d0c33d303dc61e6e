//! A JSON array of contacts, each as the API takes it.

use super::{Imported, Row, RowError};
use crate::error::{Error, Result};
use crate::model::contact::ContactFields;
use chrono::NaiveDate;
use serde::de::IgnoredAny;

/// The elements of the array, one by one, so that memory does not grow with the file. Text that
/// is no JSON, or no array, is [`Error::Malformed`]. `latest` is the last date that a birthday
/// may have.
pub fn read(bytes: &[u8], latest: NaiveDate) -> Result<Elements<'_>> {
    let malformed = |detail: String| Error::Malformed(detail);
    let bytes = bytes.strip_prefix(super::encoding::BOM).unwrap_or(bytes);
    // The whole text is checked first: a broken file changes nothing.
    serde_json::from_slice::<IgnoredAny>(bytes).map_err(|err| malformed(err.to_string()))?;
    let rest = bytes.trim_ascii_start();
    let Some(elements) = rest.strip_prefix(b"[") else {
        return Err(malformed("must be an array of contacts".to_owned()));
    };
    let before = bytes.len() - elements.len();
    Ok(Elements {
        number: 1 + line_ends(bytes.get(..before).unwrap_or_default()),
        rest: elements,
        latest,
    })
}

/// The iterator that [`read`] returns.
pub struct Elements<'a> {
    /// What follows the opening bracket or an element.
    rest: &'a [u8],
    /// The physical line where `rest` begins.
    number: u64,
    latest: NaiveDate,
}

impl Iterator for Elements<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
        let start = self.rest.iter().position(|byte| !blank(byte))?;
        let (before, rest) = self.rest.split_at_checked(start)?;
        let (element, rest) = rest.split_at_checked(element_length(rest))?;
        if element.is_empty() {
            return None;
        }
        let line = self.number + line_ends(before);
        self.number = line + line_ends(element);
        self.rest = rest;
        Some(contact(element, self.latest, line))
    }
}

fn contact(element: &[u8], latest: NaiveDate, line: u64) -> Row {
    let error = |detail: String| RowError { line, detail };
    let value = serde_json::from_slice(element).map_err(|err| error(err.to_string()))?;
    match ContactFields::from_json(value, latest) {
        Ok(fields) => Ok(Imported { line, uid: None, fields, properties: String::new() }),
        Err(Error::Invalid(faults)) => {
            let faults = faults.iter().map(|fault| format!("{}: {}", fault.field, fault.detail));
            Err(error(faults.collect::<Vec<_>>().join("; ")))
        }
        Err(other) => Err(error(other.to_string())),
    }
}

/// The length of the element at the beginning of `text`, which is valid JSON: up to a comma or
/// bracket that is outside of strings and nested values. 0 at the end of the array.
fn element_length(text: &[u8]) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let end = text.iter().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth > 0 => depth -= 1,
            b',' | b']' => return depth == 0,
            _ => {}
        }
        false
    });
    end.unwrap_or(text.len())
}

fn line_ends(text: &[u8]) -> u64 {
    u64::try_from(text.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Row> {
        read(text.as_bytes(), NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()).unwrap().collect()
    }

    #[test]
    fn each_element_has_its_line() {
        let text = "\u{feff}\n\n[\n{\"first_name\": \"a]},\\\"\"}, {\"first_name\":\n\"b\", \"x\": [1,{}]},\n7]\n";
        let rows = rows(text);
        let first = rows[0].as_ref().unwrap();
        assert_eq!((first.line, first.fields.first_name.as_str()), (4, "a]},\""));
        let detail = |line, detail: &str| Err(RowError { line, detail: detail.to_owned() });
        assert_eq!(rows[1], detail(4, "x: is not a known member"));
        assert_eq!(rows[2], detail(6, "body: must be a JSON object"));
        assert_eq!(rows.len(), 3);
    }

    #[test]
    fn broken_text_is_malformed_as_a_whole() {
        let deep = "[".repeat(100_000);
        for bad in ["", "{}", "[{}", "[1] 2", "[,]", "\"[\"", deep.as_str()] {
            let latest = NaiveDate::MAX;
            assert!(matches!(read(bad.as_bytes(), latest), Err(Error::Malformed(_))), "{bad:.9}");
        }
        assert_eq!(rows(" [ ] ").len(), 0);
    }
}
