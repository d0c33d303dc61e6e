//! Prints a calendar of birthdays of every kind; `tools/calendar-check` has another program read it.

use vcard::PartialDate;
use vcard::calendar::{end, event, start};

fn main() {
    let mut out = String::new();
    start(&mut out, "Birthdays, all of them; \"every\" one");
    let days = ["1931-12-31", "1990-05-06", "--04-30", "--02-29", "1984-02-29", "2062-01-01"];
    for (at, day) in days.iter().enumerate() {
        if let Some(day) = PartialDate::parse(day) {
            let name = format!("Ann, Ash; \\{}", "山".repeat(at * 10));
            event(&mut out, &format!("u{at}"), &name, day, "2026-11-20T17:31:05Z");
        }
    }
    end(&mut out);
    print!("{out}");
}
