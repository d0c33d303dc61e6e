//! The calendar of birthdays. `tools/calendar-check` has another program read the same text.

#![cfg(test)]

use vcard::PartialDate;
use vcard::calendar::{end, event, start};

fn date(text: &str) -> PartialDate {
    PartialDate::parse(text).unwrap()
}

/// The lines of one event, between its BEGIN and END, unfolded.
fn one(name: &str, birthday: &str) -> Vec<String> {
    let mut out = String::new();
    event(&mut out, "u;1", name, date(birthday), "2026-11-20T17:31:05Z");
    assert!(out.split("\r\n").all(|line| line.len() <= 75), "{out}");
    out.replace("\r\n ", "").split_terminator("\r\n").map(str::to_owned).collect()
}

#[test]
fn a_birthday_is_a_yearly_day() {
    assert_eq!(
        one("Ann, Ash; \\o/", "1990-05-06"),
        [
            "BEGIN:VEVENT",
            "UID:u\\;1-birthday",
            "DTSTAMP:20261120T173105Z",
            "DTSTART;VALUE=DATE:19900506",
            "DTEND;VALUE=DATE:19900507",
            "RRULE:FREQ=YEARLY",
            "SUMMARY:🎂 Ann\\, Ash\\; \\\\o/ (1990)",
            "CATEGORIES:Birthday",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    );
    let long = "山".repeat(100);
    assert!(one(&long, "1990-05-06").contains(&format!("SUMMARY:🎂 {long} (1990)")));
}

#[test]
fn where_the_first_one_falls() {
    for (birthday, start, end, rule, name) in [
        ("1931-12-31", "19701231", "19710101", "FREQ=YEARLY", "🎂 A (1931)"),
        ("--04-30", "19700430", "19700501", "FREQ=YEARLY", "🎂 A"),
        ("--02-29", "19720229", "19720301", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", "🎂 A"),
        (
            "1984-02-29",
            "19840229",
            "19840301",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1",
            "🎂 A (1984)",
        ),
        ("1985-02-28", "19850228", "19850301", "FREQ=YEARLY", "🎂 A (1985)"),
        ("1984-02-28", "19840228", "19840229", "FREQ=YEARLY", "🎂 A (1984)"),
        ("9999-12-31", "99991231", "99991231", "FREQ=YEARLY", "🎂 A (9999)"),
    ] {
        let lines = one("A", birthday);
        for line in [
            format!("DTSTART;VALUE=DATE:{start}"),
            format!("DTEND;VALUE=DATE:{end}"),
            format!("RRULE:{rule}"),
            format!("SUMMARY:{name}"),
        ] {
            assert!(lines.contains(&line), "{birthday}: {line} is not in {lines:#?}");
        }
    }
    let mut out = String::new();
    event(&mut out, "u", "A", date("--01-01"), "2026-11-20T17:31:05.123456Z");
    assert!(out.contains("DTSTAMP:20261120T173105Z\r\n"));
}

#[test]
fn a_calendar_without_birthdays_is_one_all_the_same() {
    let mut out = String::new();
    start(&mut out, "Birthdays, all");
    end(&mut out);
    assert!(
        out.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n") && out.ends_with("END:VCALENDAR\r\n")
    );
    assert!(
        out.contains("BEGIN:VTIMEZONE\r\nTZID:UTC\r\n")
            && out.contains("NAME:Birthdays\\, all\r\n")
    );
    // Google shows private events of a subscribed calendar as "busy".
    assert!(!out.contains("CLASS"));
}
