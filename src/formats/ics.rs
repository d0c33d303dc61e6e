//! Birthdays as a calendar (RFC 5545) that programs subscribe to: [`start`], one [`event`] a
//! contact, [`end`], so that it can be streamed.

use super::line::{self, Line};
use super::value::escape;
use crate::model::contact::Contact;
use chrono::{Datelike, Days, NaiveDate};

/// How often a subscriber may ask again, at most (RFC 7986, section 5.7).
const REFRESH: &str = "PT12H";

/// Appends the head of the calendar; `name` is shown to the subscriber.
pub fn start(out: &mut String, name: &str) {
    let lines = [
        Line::new("BEGIN", "VCALENDAR"),
        Line::new("VERSION", "2.0"),
        Line::new("PRODID", "-//contactd//contactd//EN"),
        Line::new("CALSCALE", "GREGORIAN"),
        Line::new("METHOD", "PUBLISH"),
        Line::new("NAME", escape(name)),
        // What everybody read before RFC 7986.
        Line::new("X-WR-CALNAME", escape(name)),
        Line::new("REFRESH-INTERVAL", REFRESH).with("VALUE", "DURATION"),
        Line::new("X-PUBLISHED-TTL", REFRESH),
    ];
    lines.iter().for_each(|line| line::fold(out, line));
}

/// Appends the birthday of a contact as a yearly all-day event; nothing if it has none.
///
/// 29 February is kept on the last day of February, as in the list of birthdays. Some calendars
/// of Android ignore events that begin before 1970, so an earlier birthday begins in 1970 (1972
/// for 29 February). The age is not told: one text serves every year.
pub fn event(out: &mut String, contact: &Contact) {
    let Some(birthday) = contact.fields.birthday else { return };
    let leap_day = (birthday.month(), birthday.day()) == (2, 29);
    let year = birthday.year().max(if leap_day { 1972 } else { 1970 });
    let start = NaiveDate::from_ymd_opt(year, birthday.month(), birthday.day()).unwrap_or(birthday);
    let end = start.checked_add_days(Days::new(1)).unwrap_or(start);
    let name = [Some(&contact.fields.first_name), contact.fields.last_name.as_ref()];
    let name = name.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    let date = |name: &str, day: NaiveDate| {
        Line::new(name, day.format("%Y%m%d").to_string()).with("VALUE", "DATE")
    };
    let rule = if leap_day { "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1" } else { "FREQ=YEARLY" };
    let lines = [
        Line::new("BEGIN", "VEVENT"),
        Line::new("UID", escape(&format!("{}-birthday", contact.uid))),
        Line::new("DTSTAMP", contact.updated_at.format("%Y%m%dT%H%M%SZ").to_string()),
        date("DTSTART", start),
        date("DTEND", end),
        Line::new("RRULE", rule),
        Line::new("SUMMARY", escape(&format!("🎂 {name} ({})", birthday.year()))),
        Line::new("CATEGORIES", "Birthday"),
        Line::new("CLASS", "PRIVATE"),
        // The day stays free for appointments.
        Line::new("TRANSP", "TRANSPARENT"),
        Line::new("END", "VEVENT"),
    ];
    lines.iter().for_each(|line| line::fold(out, line));
}

/// Appends the end of the calendar.
pub fn end(out: &mut String) {
    line::fold(out, &Line::new("END", "VCALENDAR"));
}
