//! Birthdays as a calendar (RFC 5545) that programs subscribe to: [`start`], one [`event`] a
//! contact, [`end`], so that it can be streamed.

use crate::PartialDate;
use crate::line::Line;
use crate::value::escape;

/// How often a subscriber may ask again, at most (RFC 7986, section 5.7).
const REFRESH: &str = "PT12H";

/// Some calendars of Android ignore events that begin earlier.
const FIRST_YEAR: i32 = 1970;
/// The first leap year from [`FIRST_YEAR`] on.
const FIRST_LEAP_YEAR: i32 = 1972;

/// Appends the head of the calendar; `name` is shown to the subscriber. It has a component of its
/// own, a time zone, since a calendar without any is not valid (RFC 5545, section 3.6).
pub fn start(out: &mut String, name: &str) {
    let lines = [
        Line::new("BEGIN", "VCALENDAR"),
        Line::new("VERSION", "2.0"),
        Line::new("PRODID", "-//contactd//contactd//EN"),
        Line::new("CALSCALE", "GREGORIAN"),
        Line::new("METHOD", "PUBLISH"),
        Line::new("NAME", escape(name)),
        // What all readers took before RFC 7986.
        Line::new("X-WR-CALNAME", escape(name)),
        Line::new("REFRESH-INTERVAL", REFRESH).with("VALUE", "DURATION"),
        Line::new("X-PUBLISHED-TTL", REFRESH),
        Line::new("BEGIN", "VTIMEZONE"),
        Line::new("TZID", "UTC"),
        Line::new("BEGIN", "STANDARD"),
        Line::new("DTSTART", "19700101T000000"),
        Line::new("TZNAME", "UTC"),
        Line::new("TZOFFSETFROM", "+0000"),
        Line::new("TZOFFSETTO", "+0000"),
        Line::new("END", "STANDARD"),
        Line::new("END", "VTIMEZONE"),
    ];
    lines.iter().for_each(|line| line.write(out));
}

/// Appends a birthday as a yearly all-day event. `updated_at` is RFC 3339 in UTC, with seconds:
/// `2026-11-20T17:31:05Z`.
///
/// 29 February is kept on the last day of February, as in the list of birthdays. The age is not
/// shown: one text serves every year. There is no CLASS: Google shows what is private in a calendar
/// that was subscribed to as "busy".
pub fn event(out: &mut String, uid: &str, name: &str, birthday: PartialDate, updated_at: &str) {
    let PartialDate { year, month, day } = birthday;
    let leap_day = (month, day) == (2, 29);
    let first = if leap_day { FIRST_LEAP_YEAR } else { FIRST_YEAR };
    let start = year.map_or(first, |year| year.max(first));
    let date = |name, (year, month, day): (i32, u32, u32)| {
        Line::new(name, format!("{year:04}{month:02}{day:02}")).with("VALUE", "DATE")
    };
    let rule = if leap_day { "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1" } else { "FREQ=YEARLY" };
    let born = year.map_or(String::new(), |year| format!(" ({year})"));
    let lines = [
        Line::new("BEGIN", "VEVENT"),
        Line::new("UID", escape(&format!("{uid}-birthday"))),
        Line::new("DTSTAMP", stamp(updated_at)),
        date("DTSTART", (start, month, day)),
        date("DTEND", day_after(start, month, day)),
        Line::new("RRULE", rule),
        Line::new("SUMMARY", escape(&format!("🎂 {name}{born}"))),
        Line::new("CATEGORIES", "Birthday"),
        // The day stays free for appointments.
        Line::new("TRANSP", "TRANSPARENT"),
        Line::new("END", "VEVENT"),
    ];
    lines.iter().for_each(|line| line.write(out));
}

/// Appends the end of the calendar.
pub fn end(out: &mut String) {
    Line::new("END", "VCALENDAR").write(out);
}

/// An instant as RFC 5545 writes it: `20261120T173105Z`.
fn stamp(instant: &str) -> String {
    let whole = instant.split('.').next().unwrap_or_default().trim_end_matches('Z');
    whole.chars().filter(|c| !matches!(c, '-' | ':')).chain(['Z']).collect()
}

/// The next day. The last day of the last year that can be written has none; its event ends with
/// the year 9999 all the same, which no calendar shows.
fn day_after(year: i32, month: u32, day: u32) -> (i32, u32, u32) {
    let next = [(year, month, day + 1), (year, month + 1, 1), (year + 1, 1, 1)];
    let real = |(year, month, day): &(i32, u32, u32)| {
        PartialDate::new(Some(*year), *month, *day).is_some()
    };
    next.into_iter().find(real).unwrap_or((year, month, day))
}
