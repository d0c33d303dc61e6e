//! The calendar of birthdays, as RFC 5545 and other people's parsers see it.

use crate::*;
use calcard::{Entry, Parser};
use contactd::formats::ics;

fn contact(lines: &str) -> Contact {
    stored(&with_lines(&format!("UID:u-1\n{lines}")))
}

fn calendar(contacts: &[Contact]) -> String {
    let mut out = String::new();
    ics::start(&mut out, "Birthdays, mine");
    contacts.iter().for_each(|contact| ics::event(&mut out, contact));
    ics::end(&mut out);
    out
}

#[test]
fn one_yearly_event_a_birthday() {
    let ann = contact("N:Smith\\;x;Ann;;;\nBDAY:1990-12-31");
    let out = calendar(&[ann, contact("FN:Nobody")]);
    let expected = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//contactd//contactd//EN\r\n\
        CALSCALE:GREGORIAN\r\nMETHOD:PUBLISH\r\nNAME:Birthdays\\, mine\r\n\
        X-WR-CALNAME:Birthdays\\, mine\r\nREFRESH-INTERVAL;VALUE=DURATION:PT12H\r\n\
        X-PUBLISHED-TTL:PT12H\r\nBEGIN:VEVENT\r\nUID:u-1-birthday\r\nDTSTAMP:20260102T030405Z\r\n\
        DTSTART;VALUE=DATE:19901231\r\nDTEND;VALUE=DATE:19910101\r\nRRULE:FREQ=YEARLY\r\n\
        SUMMARY:🎂 Ann Smith\\;x (1990)\r\nCATEGORIES:Birthday\r\nCLASS:PRIVATE\r\n\
        TRANSP:TRANSPARENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    assert_eq!(out, expected);
}

#[test]
fn leap_days_and_long_ago() {
    for (birthday, start, rule) in [
        ("2000-02-29", "20000229", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"),
        ("1904-02-29", "19720229", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"),
        ("1814-03-09", "19700309", "FREQ=YEARLY"),
    ] {
        let out = calendar(&[contact(&format!("FN:Ann\nBDAY:{birthday}"))]);
        assert!(out.contains(&format!("DTSTART;VALUE=DATE:{start}\r\n")), "{out}");
        assert!(out.contains(&format!("RRULE:{rule}\r\n")), "{out}");
        assert!(out.contains(&format!("Ann ({})", &birthday[..4])), "{out}");
    }
}

#[test]
fn other_parsers_read_it() {
    let name = "Ї".repeat(100);
    let people =
        [contact(&format!("N:x\\,y;{name};;;\nBDAY:2000-02-29")), contact("FN:B\nBDAY:1990-01-02")];
    let out = calendar(&people);
    assert!(out.split("\r\n").all(|line| line.len() <= 75));
    let theirs = vobject::parse_component(&out).unwrap();
    assert_eq!(theirs.subcomponents.len(), 2);
    let summary = theirs.subcomponents[0].get_only("SUMMARY").unwrap().value_as_string();
    assert_eq!(summary, format!("🎂 {name} x,y (2000)"));
    let mut parser = Parser::new(&out);
    let theirs = match parser.entry() {
        Entry::ICalendar(theirs) => theirs,
        other => panic!("{other:?}"),
    };
    assert_eq!(theirs.components.len(), 3, "the calendar and two events");
    assert!(matches!(parser.entry(), Entry::Eof));
}
