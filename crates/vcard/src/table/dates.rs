//! Dates in cells. `5/6/1990` says by itself nothing of its order; its column may.

use crate::PartialDate;

/// What a date in a cell says.
#[derive(Debug, PartialEq, Clone, Copy)]
pub(super) enum Read {
    Date(PartialDate),
    /// What Outlook and .NET write where there is no date: `0/0/00`, `0001-01-01`.
    Nothing,
    /// Two numbers of which each may be the month, and the year.
    Either(u32, u32, u32),
    Unreadable,
}

/// What the cells of a column say of the order in which they are written.
#[derive(Default, Clone, Copy, Debug)]
pub(super) struct Evidence {
    first_over_12: bool,
    second_over_12: bool,
    /// A cell can be read in both orders, to different days.
    unsure: bool,
}

impl Evidence {
    /// Takes a cell into account.
    pub fn add(&mut self, text: &str) {
        let Some((first, second, _)) = two_and_year(without_time(text)) else { return };
        self.first_over_12 |= first > 12;
        self.second_over_12 |= second > 12;
        self.unsure |= matches!(read(text), Read::Either(..));
    }

    /// The order in which doubtful cells are read; `None` where the cells contradict each other.
    fn day_first(self, english: bool) -> Option<bool> {
        match (self.first_over_12, self.second_over_12) {
            (true, true) => None,
            (true, false) => Some(true),
            (false, true) => Some(false),
            (false, false) => Some(!english),
        }
    }

    /// The order that is taken without any proof, in words: worth a warning.
    pub fn guess(self, english: bool) -> Option<&'static str> {
        let proven = self.first_over_12 || self.second_over_12;
        let order = if english { "month/day/year" } else { "day/month/year" };
        (self.unsure && !proven).then_some(order)
    }

    /// Reads a cell of the column.
    pub fn read(self, text: &str, english: bool) -> Read {
        let Read::Either(first, second, year) = read(text) else { return read(text) };
        match self.day_first(english) {
            Some(true) => date(year, second, first),
            Some(false) => date(year, first, second),
            None => Read::Unreadable,
        }
    }
}

/// Reads a date. The time of day, which some programs add, does not count.
fn read(text: &str) -> Read {
    let text = without_time(text);
    if let Some(yearless) = text.strip_prefix("--") {
        return match (numbers(yearless, '-').as_slice(), yearless.len()) {
            ([month, day], 3..=5) => date(0, *month, *day),
            ([both], 4) => date(0, both / 100, both % 100),
            _ => Read::Unreadable,
        };
    }
    if matches!(text.len(), 8 | 14) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = |from, to| text.get(from..to).and_then(|n| n.parse().ok()).unwrap_or(0);
        return date(number(0, 4), number(4, 6), number(6, 8));
    }
    for separator in ['-', '/'] {
        let leading = text.split(separator).next().map_or(0, str::len);
        if let ([year, month, day], 4) = (numbers(text, separator).as_slice(), leading) {
            return date(*year, *month, *day);
        }
    }
    if let [day, month, year] = numbers(text, '.').as_slice() {
        let short = text.rsplit('.').next().map_or(0, str::len) < 4;
        return match (day, month, short) {
            (0, 0, _) => Read::Nothing,
            (_, _, true) => Read::Unreadable,
            _ => date(*year, *month, *day),
        };
    }
    match two_and_year(text) {
        Some((0, 0, _)) => Read::Nothing,
        // A year of two digits may be of two centuries.
        Some(_) if text.rsplit(['/', '-']).next().map_or(0, str::len) < 4 => Read::Unreadable,
        Some((day @ 13.., month, year)) => date(year, month, day),
        Some((month, day @ 13.., year)) => date(year, month, day),
        Some((same, day, year)) if same == day => date(year, same, day),
        Some((first, second, year)) => Read::Either(first, second, year),
        None => Read::Unreadable,
    }
}

/// Two numbers and a year.
fn two_and_year(text: &str) -> Option<(u32, u32, u32)> {
    ['/', '-'].into_iter().find_map(|separator| match numbers(text, separator).as_slice() {
        [first, second, year] if !text.starts_with('-') && *first < 32 => {
            Some((*first, *second, *year))
        }
        _ => None,
    })
}

/// The numbers between the separators; none if anything else stands there.
fn numbers(text: &str, separator: char) -> Vec<u32> {
    let number = |part: &str| {
        let digits = (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    text.split(separator).map(|part| number(part.trim())).collect::<Option<_>>().unwrap_or_default()
}

/// The text without a time of day, and without the `;` that some programs leave behind it.
fn without_time(text: &str) -> &str {
    let text = text.trim().trim_end_matches(';').trim_end();
    let is_time = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains(':');
    let cut = text.match_indices(['T', 't', ' ']).find(|(at, found)| {
        let rest = text.get(at + 1..).unwrap_or_default();
        is_time(rest) || (*found != " " && rest.len() >= 4 && rest.bytes().take(4).all(|b| b.is_ascii_digit()))
    });
    cut.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// A real day. The years 0 and 1604 (Apple's) mean that it is not known.
fn date(year: u32, month: u32, day: u32) -> Read {
    if (year, month, day) == (1, 1, 1) || (month, day) == (0, 0) {
        return Read::Nothing;
    }
    let year = i32::try_from(year).ok().filter(|year| !matches!(year, 0 | 1604));
    let leap = year.is_none_or(|year| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    if (1..=days).contains(&day) {
        Read::Date(PartialDate { year, month, day })
    } else {
        Read::Unreadable
    }
}

/// A birthday in three columns; without a year it is one all the same.
pub(super) fn from_parts(year: &str, month: &str, day: &str) -> Read {
    match (month.parse(), day.parse()) {
        (Ok(month), Ok(day)) => date(year.parse().unwrap_or_default(), month, day),
        _ => Read::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[&str], english: bool) -> Vec<String> {
        let mut evidence = Evidence::default();
        cells.iter().for_each(|cell| evidence.add(cell));
        let text = |read| match read {
            Read::Date(date) => date.to_string(),
            other => format!("{other:?}"),
        };
        cells.iter().map(|cell| text(evidence.read(cell, english))).collect()
    }

    #[test]
    fn every_form_that_says_its_order() {
        for text in [
            "1990-05-15", "19900515", "1990/5/15", "1990-5-15", "15.05.1990", "15.5.1990", "19900515120000", "1990-05-15T00:00:00Z",
            "1990-05-15T120000", "1990-05-15 00:00", "15.05.1990 0:00:00", "5/15/1990 12:00:00 AM", "1990-05-15;", " 1990-05-15 ", "15/5/1990", "5/15/1990",
        ] {
            assert_eq!(column(&[text], true), ["1990-05-15"], "{text}");
        }
        for text in ["--05-15", "--0515", " --05-15", "1604-05-15", "0000-05-15", "--5-15"] {
            assert_eq!(column(&[text], true), ["--05-15"], "{text}");
        }
        for text in ["0001-01-01", "0/0/00", "0000-00-00", "0.0.00", "00.00.0000", "1/1/0001"] {
            assert_eq!(column(&[text], true), ["Nothing"], "{text}");
        }
        for text in ["15 May 2020", "1990-13-40", "5/15/90", "soon", "1990", "29.02.1990", "--02-30", "--", "", "31-31-31", "-1-1-1990"] {
            assert_eq!(column(&[text], true), ["Unreadable"], "{text}");
        }
        assert_eq!(column(&["--02-29", "2000-02-29", "2062-05-06"], true), ["--02-29", "2000-02-29", "2062-05-06"]);
    }

    #[test]
    fn the_column_says_the_order_of_the_others() {
        assert_eq!(column(&["5/6/1990", "13/6/1990"], true), ["1990-06-05", "1990-06-13"]);
        assert_eq!(column(&["5/6/1990", "6/13/1990"], false), ["1990-05-06", "1990-06-13"]);
        assert_eq!(column(&["5/6/1990 12:00:00 AM", "6/13/1990 12:00:00 AM"], false), ["1990-05-06", "1990-06-13"]);
        // Nothing tells, or the cells contradict each other.
        assert_eq!((column(&["5/6/1990"], true), column(&["5/6/1990"], false)), (vec!["1990-05-06".to_owned()], vec!["1990-06-05".to_owned()]));
        assert_eq!(column(&["5/6/1990", "6/13/1990", "13/6/1990", "7/7/1990"], true), ["Unreadable", "1990-06-13", "1990-06-13", "1990-07-07"]);
    }

    #[test]
    fn only_a_guess_is_worth_a_warning() {
        let guess = |cells: &[&str]| {
            let mut evidence = Evidence::default();
            cells.iter().for_each(|cell| evidence.add(cell));
            evidence.guess(true)
        };
        assert_eq!(guess(&["5/6/1990"]), Some("month/day/year"));
        for sure in [&["5/5/1990"][..], &["5/6/1990", "13/6/1990"], &["1990-05-06", "0/0/00"]] {
            assert_eq!(guess(sure), None, "{sure:?}");
        }
    }
}
