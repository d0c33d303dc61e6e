//! When a birthday is. 29 February is kept on 28 February in common years.

use chrono::{Datelike, Days, NaiveDate};
use vcard::PartialDate;

/// Some days in a row, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    first: NaiveDate,
    last: NaiveDate,
}

/// A birthday inside a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Birthday {
    /// When it is kept.
    pub date: NaiveDate,
    /// Days from the window's first day.
    pub days_until: i64,
    /// The age reached; none where the year of birth is unknown.
    pub turns: Option<i32>,
}

impl Window {
    /// `first` and the `days` days after it, at most 366, and none after the year 9999: dates have
    /// four digits for it (RFC 3339).
    pub fn new(first: NaiveDate, days: i64) -> Window {
        let days = u64::try_from(days).unwrap_or(0).min(366);
        let last = first.checked_add_days(Days::new(days)).filter(|last| last.year() < 10_000);
        Window { first, last: last.or(NaiveDate::from_ymd_opt(9999, 12, 31)).unwrap_or(first) }
    }

    /// The days of each calendar year in it, as a range of month × 100 + day, in the order of the days.
    /// May hold a 29 February too many, and of a year and a day one day twice; [`next_in`] decides, by
    /// its day and by its year.
    pub fn keys(self) -> impl Iterator<Item = (i32, (i16, i16))> {
        let of = |date: NaiveDate| key(date.month(), date.day());
        let to = match of(self.last) {
            // In a common year those born on the 29th are celebrated on this day.
            228 => 229,
            to => to,
        };
        let years = self.first.year()..=self.last.year();
        years.map(move |year| {
            let from = if year == self.first.year() { of(self.first) } else { 101 };
            (year, (from, if year == self.last.year() { to } else { 1231 }))
        })
    }
}

/// Month and day as one number.
pub fn key(month: u32, day: u32) -> i16 {
    i16::try_from(month * 100 + day).unwrap_or(0)
}

/// The date of a [`key`] and perhaps a year.
pub fn born(key: i16, year: Option<i16>) -> Option<PartialDate> {
    let [month, day] = [key / 100, key % 100].map(|part| u32::try_from(part).unwrap_or(0));
    PartialDate::new(year.map(i32::from), month, day)
}

/// The day on which a person `born` then celebrates in `year`.
fn in_year(born: PartialDate, year: i32) -> Option<NaiveDate> {
    let day = NaiveDate::from_ymd_opt(year, born.month, born.day);
    day.or_else(|| NaiveDate::from_ymd_opt(year, 2, 28))
}

/// The first birthday within a window, if there is one. There is none before the birth.
pub fn next_in(born: PartialDate, window: Window) -> Option<Birthday> {
    let years = window.first.year()..=window.last.year();
    let mut dates = years.filter_map(|year| in_year(born, year));
    let born_on = born.year.and_then(|year| in_year(born, year));
    let date = dates.find(|date| {
        (window.first..=window.last).contains(date)
            && born_on.is_none_or(|born_on| *date >= born_on)
    })?;
    Some(Birthday {
        date,
        days_until: (date - window.first).num_days(),
        turns: born.year.map(|year| date.year() - year),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn born(text: &str) -> PartialDate {
        match text.strip_prefix("--") {
            Some(rest) => PartialDate { year: None, ..born(&format!("2000-{rest}")) },
            None => {
                let date = day(text);
                PartialDate { year: Some(date.year()), month: date.month(), day: date.day() }
            }
        }
    }

    fn next(text: &str, from: &str, days: i64) -> Option<(String, i64, i32)> {
        let next = next_in(born(text), Window::new(day(from), days))?;
        Some((next.date.to_string(), next.days_until, next.turns.unwrap_or(-1)))
    }

    #[test]
    fn without_a_year_of_birth_there_is_a_birthday_and_no_age() {
        let found = Some(("2027-02-28".to_owned(), 0, -1));
        assert_eq!(next("--02-29", "2027-02-28", 0), found);
    }

    #[test]
    fn both_ends_are_included_and_the_year_s_end_makes_no_difference() {
        let found = |date: &str, days, turns| Some((date.to_owned(), days, turns));
        assert_eq!(next("1990-12-28", "2026-12-28", 7), found("2026-12-28", 0, 36));
        assert_eq!(next("1990-01-04", "2026-12-28", 7), found("2027-01-04", 7, 37));
        assert_eq!(next("1990-01-05", "2026-12-28", 7), None);
        assert_eq!(next("1990-12-27", "2026-12-28", 7), None);
    }

    #[test]
    fn the_29th_of_february_is_kept_on_the_28th_in_common_years() {
        let found = |date: &str, days, turns| Some((date.to_owned(), days, turns));
        assert_eq!(next("2000-02-29", "2027-02-28", 0), found("2027-02-28", 0, 27));
        assert_eq!(next("2000-02-29", "2028-02-28", 0), None);
        assert_eq!(next("2000-02-29", "2028-02-28", 1), found("2028-02-29", 1, 28));
        assert_eq!(next("2000-02-29", "2027-03-01", 365), found("2028-02-29", 365, 28));
    }

    #[test]
    fn nobody_has_a_birthday_before_being_born_and_the_day_of_birth_is_one() {
        assert_eq!(next("2026-06-01", "2025-01-01", 366), None);
        assert_eq!(next("2026-06-01", "2026-06-01", 0), Some(("2026-06-01".to_owned(), 0, 0)));
    }

    #[test]
    fn no_date_is_after_the_year_9999() {
        assert_eq!(next("1990-01-01", "9999-12-31", 366), None);
        assert_eq!(next("1990-12-31", "9999-12-30", 366), Some(("9999-12-31".to_owned(), 1, 8009)));
    }

    #[test]
    fn in_a_year_and_a_day_a_birthday_comes_once_and_the_nearest_counts() {
        assert_eq!(next("1990-06-01", "2026-06-01", 366), Some(("2026-06-01".to_owned(), 0, 36)));
    }

    #[test]
    fn of_a_week_no_more_than_its_days_are_looked_up() {
        let keys = |from: &str| Window::new(day(from), 7).keys().collect::<Vec<_>>();
        assert_eq!(keys("2026-06-01"), [(2026, (601, 608))]);
        assert_eq!(keys("2026-12-28"), [(2026, (1228, 1231)), (2027, (101, 104))]);
    }

    /// The ranges that are looked up hold every day of every window, checked one by one, and each in
    /// the range of its year: so what is read range by range comes nearest first.
    #[test]
    fn the_ranges_hold_every_birthday_of_the_window() {
        for from in day("2027-01-01").iter_days().take(800) {
            for days in [0, 1, 2, 31, 59, 60, 364, 365, 366] {
                let window = Window::new(from, days);
                for date in
                    day("2000-01-01").iter_days().take(366).step_by(7).chain([day("2000-02-29")])
                {
                    let born = born(&date.to_string());
                    let key = key(born.month, born.day);
                    let Some(next) = next_in(born, window) else { continue };
                    let held = |(year, (a, b))| year == next.date.year() && (a..=b).contains(&key);
                    assert!(window.keys().any(held), "{born} {window:?}");
                }
            }
        }
    }
}
