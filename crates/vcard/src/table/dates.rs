//! Dates in cells. `5/6/1990` says by itself nothing of its order; its column may.

use crate::{DateText, PartialDate, read_date};

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
        let text = bare(text);
        self.unsure |= matches!(read_date(text), DateText::Either(..));
        let mut numbers = text.splitn(3, ['/', '-']).map(|part| part.trim().parse::<u32>());
        if let (Some(Ok(first)), Some(Ok(second)), Some(_)) =
            (numbers.next(), numbers.next(), numbers.next())
        {
            // A larger first number is a year.
            self.first_over_12 |= (13..32).contains(&first);
            self.second_over_12 |= (13..32).contains(&second) && first < 32;
        }
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

    /// Reads a cell of the column; the answer is never [`DateText::Either`].
    pub fn read(self, text: &str, english: bool) -> DateText {
        let text = bare(text);
        let zero = |c: char| c == '0' || !c.is_alphanumeric();
        match read_date(text) {
            DateText::Either(first, second, year) => match self.day_first(english) {
                Some(true) => date(year, second, first),
                Some(false) => date(year, first, second),
                None => DateText::Unreadable,
            },
            // `0.0.00`, as Outlook writes it where dates have dots.
            DateText::Unreadable if text.contains('0') && text.chars().all(zero) => {
                DateText::Nothing
            }
            read => read,
        }
    }
}

/// Without the apostrophe that keeps a spreadsheet from reading it.
fn bare(text: &str) -> &str {
    text.trim().trim_start_matches('\'')
}

fn date(year: i32, month: u32, day: u32) -> DateText {
    PartialDate::new(Some(year), month, day).map_or(DateText::Unreadable, DateText::Date)
}

/// A birthday in three columns; without a year it is one all the same.
pub(super) fn from_parts(year: &str, month: &str, day: &str) -> DateText {
    match (month.trim().parse::<u32>(), day.trim().parse::<u32>()) {
        (Ok(0), Ok(0)) => DateText::Nothing,
        (Ok(month), Ok(day)) => {
            let year = year.trim().parse().ok().filter(|year| *year != 0);
            PartialDate::new(year, month, day).map_or(DateText::Unreadable, DateText::Date)
        }
        _ => DateText::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[&str], english: bool) -> Vec<String> {
        let mut evidence = Evidence::default();
        cells.iter().for_each(|cell| evidence.add(cell));
        let text = |read| match read {
            DateText::Date(date) => date.to_string(),
            other => format!("{other:?}"),
        };
        cells.iter().map(|cell| text(evidence.read(cell, english))).collect()
    }

    #[test]
    fn every_form_that_says_its_order() {
        for text in [
            "1990-05-15",
            "19900515",
            "1990/5/15",
            "1990-5-15",
            "15.05.1990",
            "15.5.1990",
            "19900515120000",
            "1990-05-15T00:00:00Z",
            "1990-05-15T120000",
            "1990-05-15 00:00",
            "15.05.1990 0:00:00",
            "5/15/1990 12:00:00 AM",
            "1990-05-15;",
            " 1990-05-15 ",
            "15/5/1990",
            "5/15/1990",
        ] {
            assert_eq!(column(&[text], true), ["1990-05-15"], "{text}");
        }
        for text in ["--05-15", "--0515", " --05-15", "1604-05-15", "0000-05-15"] {
            assert_eq!(column(&[text], true), ["--05-15"], "{text}");
        }
        for text in [
            "0001-01-01",
            "0/0/00",
            "0000-00-00",
            "0.0.00",
            "00.00.0000",
            "0.0.00 0:00:00",
            "1/1/0001",
        ] {
            assert_eq!(column(&[text], true), ["Nothing"], "{text}");
        }
        for text in [
            "15 May 2020",
            "1990-13-40",
            "5/15/90",
            "soon",
            "1990",
            "29.02.1990",
            "--02-30",
            "--",
            "",
            "31-31-31",
            "-1-1-1990",
        ] {
            assert_eq!(column(&[text], true), ["Unreadable"], "{text}");
        }
        assert_eq!(
            column(&["--02-29", "2000-02-29", "2062-05-06"], true),
            ["--02-29", "2000-02-29", "2062-05-06"]
        );
    }

    #[test]
    fn the_column_says_the_order_of_the_others() {
        assert_eq!(column(&["5/6/1990", "13/6/1990"], true), ["1990-06-05", "1990-06-13"]);
        assert_eq!(column(&["5/6/1990", "6/13/1990"], false), ["1990-05-06", "1990-06-13"]);
        assert_eq!(
            column(&["5/6/1990 12:00:00 AM", "6/13/1990 12:00:00 AM"], false),
            ["1990-05-06", "1990-06-13"]
        );
        // No cell shows it, or the cells contradict each other.
        assert_eq!(
            (column(&["5/6/1990"], true), column(&["5/6/1990"], false)),
            (vec!["1990-05-06".to_owned()], vec!["1990-06-05".to_owned()])
        );
        assert_eq!(
            column(&["5/6/1990", "6/13/1990", "13/6/1990", "7/7/1990"], true),
            ["Unreadable", "1990-06-13", "1990-06-13", "1990-07-07"]
        );
        // What begins with no day and no year says nothing of an order.
        assert_eq!(column(&["5/6/1990", "32/13/1990"], false), ["1990-06-05", "Unreadable"]);
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
