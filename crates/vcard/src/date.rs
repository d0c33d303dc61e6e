//! Dates as people and programs write them (`files.md`, 4).

use crate::PartialDate;
use crate::line::Line;
use std::borrow::Cow;

/// The year that stands for none in vCard 3.0: a leap year, which Apple chose.
pub const NO_YEAR: i32 = 1604;

/// What a text says of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateText {
    /// This date.
    Date(PartialDate),
    /// `M/D/YYYY` or `D/M/YYYY`, also with `-`: both numbers are at most 12 and differ, so the text alone does
    /// not say which. First number, second number, year.
    Either(u32, u32, i32),
    /// That there is none: `0001-01-01`, `0/0/00`.
    Nothing,
    /// Nothing that can be read.
    Unreadable,
}

impl PartialDate {
    /// The date, if it is a real one; without a year 29 February is.
    pub fn new(year: Option<i32>, month: u32, day: u32) -> Option<PartialDate> {
        let leap = year.is_none_or(|year| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 0,
        };
        let real = (1..=days).contains(&day) && year.is_none_or(|year| (1..=9999).contains(&year));
        real.then_some(PartialDate { year, month, day })
    }

    /// Reads `YYYY-MM-DD` or `--MM-DD`, the two forms of the API.
    pub fn parse(text: &str) -> Option<PartialDate> {
        let (year, rest) = match text.strip_prefix("--") {
            Some(rest) => (None, rest),
            None => {
                let (year, rest) = text.split_once('-')?;
                (Some(i32::try_from(number(year, 4)?).ok()?), rest)
            }
        };
        let (month, day) = rest.split_once('-')?;
        PartialDate::new(year, number(month, 2)?, number(day, 2)?)
    }

    /// The value of a BDAY of 3.0.
    pub(crate) fn value(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year.unwrap_or(NO_YEAR), self.month, self.day)
    }

    /// A line with that value, and the parameter that it has without a year.
    pub(crate) fn line<'a>(&self, name: &'a str) -> Line<'a> {
        let line = Line::new(name, self.value());
        if self.year.is_none() { line.with("X-APPLE-OMIT-YEAR", "1604") } else { line }
    }
}

/// So many ASCII digits, as a number.
fn number(text: &str, digits: usize) -> Option<u32> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// The date of a line: BDAY, X-ABDATE and the like.
pub fn date_of(line: &Line<'_>) -> Option<PartialDate> {
    let DateText::Date(date) = read_date(&line.text()) else { return None };
    let omitted = line.param("X-APPLE-OMIT-YEAR").and_then(|year| year.parse::<i32>().ok());
    let year = date.year.filter(|year| omitted != Some(*year));
    PartialDate::new(year, date.month, date.day)
}

/// Reads a date in any form that needs no column beside it.
pub fn read_date(text: &str) -> DateText {
    let text = plain(text.trim().trim_end_matches([';', '.']).trim_end());
    let date = without_time(&text);
    if let Some(rest) = date.strip_prefix("--") {
        let (month, day) = match rest.split_once('-') {
            Some(parts) => parts,
            None => rest.split_at_checked(2).unwrap_or(("", "")),
        };
        let date = number(month, 2).zip(number(day, 2));
        let date = date.and_then(|(month, day)| PartialDate::new(None, month, day));
        return date.map_or(DateText::Unreadable, DateText::Date);
    }
    if date.bytes().all(|byte| byte.is_ascii_digit()) && matches!(date.len(), 8 | 14) {
        let part = |range| date.get(range).and_then(|part: &str| part.parse().ok());
        return whole(part(0..4), part(4..6), part(6..8));
    }
    let Some(separator) = date.chars().find(|c| "-/.".contains(*c)) else {
        return DateText::Unreadable;
    };
    let mut parts = date.split(separator);
    let (Some(a), Some(b), Some(c), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return DateText::Unreadable;
    };
    let short = |text: &str| number(text, 1).or_else(|| number(text, 2));
    match separator {
        _ if a.len() == 4 => whole(number(a, 4), short(b), short(c)),
        '.' if c.len() == 4 => whole(number(c, 4), short(b), short(a)),
        '-' if c.len() != 4 => DateText::Unreadable,
        '-' | '/' => {
            slashes(short(a), short(b), number(c, 4).or_else(|| number(c, 2).filter(|y| *y == 0)))
        }
        _ => DateText::Unreadable,
    }
}

/// A date with a year, where 1604 and 0 are none.
fn whole(year: Option<u32>, month: Option<u32>, day: Option<u32>) -> DateText {
    let (Some(year), Some(month), Some(day)) = (year, month, day) else {
        return DateText::Unreadable;
    };
    if matches!((year, month, day), (1, 1, 1) | (0 | 1, 0, 0)) {
        return DateText::Nothing;
    }
    let year = i32::try_from(year).ok().filter(|year| *year != 0 && *year != NO_YEAR);
    PartialDate::new(year, month, day).map_or(DateText::Unreadable, DateText::Date)
}

fn slashes(first: Option<u32>, second: Option<u32>, year: Option<u32>) -> DateText {
    match (first, second, year) {
        (Some(0), Some(0), year) => whole(year, Some(0), Some(0)),
        (Some(first), Some(second), Some(year)) if first > 12 => {
            whole(Some(year), Some(second), Some(first))
        }
        (Some(first), Some(second), Some(year)) if second > 12 || first == second => {
            whole(Some(year), Some(first), Some(second))
        }
        (Some(first), Some(second), Some(year)) => match i32::try_from(year) {
            Ok(year) if first > 0 && second > 0 && year > 0 => {
                DateText::Either(first, second, year)
            }
            _ => DateText::Unreadable,
        },
        _ => DateText::Unreadable,
    }
}

/// `1990年4月12日` and `12. 4. 1990` with one sign between the numbers.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(['年', '년']) && !text.contains(". ") {
        return Cow::Borrowed(text);
    }
    let text = text.replace(['年', '月', '년', '월'], "-").replace(['日', '일'], "");
    Cow::Owned(text.replace("- ", "-").replace(". ", "."))
}

/// The text before a time of day (`T10:30:00Z`, ` 00:00`), or all of it.
fn without_time(text: &str) -> &str {
    let Some((date, time)) = text.split_once(['T', 't', ' ']) else { return text };
    if time.is_empty() {
        return date;
    }
    let plain = |c: char| c.is_ascii_digit() || ":.,+- ZzAaPpMm".contains(c);
    if time.chars().all(plain) && time.contains(|c: char| c.is_ascii_digit()) { date } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::lines;

    #[test]
    fn dates_in_every_form() {
        for text in [
            "1990-04-12",
            "19900412",
            "1990/4/12",
            "1990-4-12",
            "12.04.1990",
            "19900412103000",
            "1990-04-12T10:30:00Z",
            "19900412T103000",
            "1990-04-12 00:00",
            "1990-04-12;",
            "1990-04-12T10:00+02:00",
            "4/12/1990T0",
            "4/13/1990",
            " 1990-04-12 ",
        ] {
            let day = if text.contains("13") { 13 } else { 12 };
            match read_date(text) {
                DateText::Date(date) => {
                    assert_eq!((date.year, date.month, date.day), (Some(1990), 4, day), "{text}");
                }
                other => assert_eq!(other, DateText::Either(4, 12, 1990), "{text}"),
            }
        }
        for text in ["--0412", "--04-12", "1604-04-12", "16040412", "0000-04-12", "00000412"] {
            assert_eq!(
                read_date(text),
                DateText::Date(PartialDate { year: None, month: 4, day: 12 })
            );
        }
        for text in ["0001-01-01", "0/0/00", "00/00/0000", "0000-00-00", "00000000"] {
            assert_eq!(read_date(text), DateText::Nothing, "{text}");
        }
        for text in [
            "",
            "1990",
            "1990-04",
            "---12",
            "circa 1800",
            "1990-02-30",
            "31/31/1990",
            "4/5/90",
            "1990-04-12Tea",
            "1990-04-12 or 13",
            "0/5/1990",
            "5/0/1990",
            "4/5/0000",
            "1990-04-12 PM",
            "+1990-04-12",
            "--1304",
            "١٩٩٠-٠٤-١٢",
            "1990-00-00",
            "0/0/1990",
            "--04é",
            "é990",
        ] {
            assert_eq!(read_date(text), DateText::Unreadable, "{text}");
        }
        assert_eq!(read_date("31/10/1973"), read_date("1973-10-31"));
    }

    #[test]
    fn apple_marks_a_year_that_means_nothing() {
        let date =
            |text: &str| lines(text).next().and_then(|line| date_of(&line)).unwrap().to_string();
        assert_eq!(date("BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29"), "--02-29");
        assert_eq!(date("BDAY;X-APPLE-OMIT-YEAR=1900:1900-02-28"), "--02-28");
        assert_eq!(date("BDAY;X-APPLE-OMIT-YEAR=1604:1990-02-28"), "1990-02-28");
    }

    #[test]
    fn the_two_forms_of_the_api() {
        for text in ["1990-04-12", "--02-29", "1604-01-01"] {
            assert_eq!(PartialDate::parse(text).unwrap().to_string(), text);
        }
        for text in ["1990-4-12", "--0412", "1990-02-29", "0000-01-01", "19900412", "1990-04-12T"] {
            assert_eq!(PartialDate::parse(text), None, "{text}");
        }
    }
}
