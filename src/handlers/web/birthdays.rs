//! The coming birthdays, and the calendar's secret address.

use crate::access::Visitor;
use crate::context::Call;
use crate::error::Result;
use crate::handlers::rest::calendars;
use crate::handlers::web::contacts::row;
use crate::handlers::web::reader::{self, owner, words};
use crate::handlers::web::sent;
use crate::http::Reply;
use crate::markup::birthdays::{self, Calendar, Row};
use crate::markup::contact::Birthday;
use crate::model::contact::birthday::{self, Window};
use crate::model::contact::input::date;
use crate::repository::contacts::birthdays::{AfterBirthday, with_birthday};
use crate::repository::contacts::books;
use chrono::{Datelike, Days, NaiveDate};
use serde_json::json;

/// Rows on a page.
const PAGE: usize = 60;

/// `GET /birthdays`
pub fn page(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (owner, _) = owner(call, visitor)?;
    let page = reader::page(call, visitor);
    let mut query = call.query()?;
    let from = query.parsed("from", date).unwrap_or(page.today).max(page.today);
    let skip = usize::try_from(query.number("skip", 0, 0..=1_000_000)).unwrap_or(0);
    query.finish()?;
    let mut rows = coming(call, owner.id(), page.today, from, skip + PAGE)?;
    // The next page begins with a day, and those of this day that were shown.
    let day = rows.get(skip + PAGE).map(|row| row.next.date);
    rows.truncate(skip + PAGE);
    let shown = rows.iter().filter(|row| Some(row.next.date) == day).count();
    rows.drain(..skip.min(rows.len()));
    let url = reader::handed(call, visitor).map(|it| reader::text(&it, "url").to_owned());
    let url = url.filter(|url| !url.is_empty());
    let exists = call.app.db.read(|db| books::has_calendar(db, owner.id()))?;
    let next = day.map(|day: NaiveDate| format!("from={day}&skip={shown}"));
    Ok(reader::show(
        call,
        birthdays::page(&page, &rows, &Calendar { exists, url }, next.as_deref()),
    ))
}

/// Whose next birthday within a year from today is on this day or later, nearest first; at least one more than `many`.
fn coming(
    call: &Call,
    owner: i64,
    today: NaiveDate,
    from: NaiveDate,
    many: usize,
) -> Result<Vec<Row>> {
    let year_from_now = Window::new(today, 365);
    let window = Window::new(from, (today + Days::new(365) - from).num_days());
    let mut rows: Vec<Row> = Vec::new();
    for (year, keys) in window.keys() {
        let mut after = AfterBirthday::default();
        loop {
            let page = call.app.db.read(|db| with_birthday(db, owner, keys, &mut after))?;
            if page.is_empty() || rows.len() > many {
                break;
            }
            for found in &page {
                let born = birthday::born(found.key, found.year);
                let next = born.and_then(|born| birthday::next_in(born, year_from_now));
                let is_here =
                    |next: &birthday::Birthday| next.date.year() == year && next.date >= from;
                let Some(next) = next.filter(is_here) else { continue };
                let it = row(call, owner, &found.contact)?;
                let next = Birthday { date: next.date, days: next.days_until, turns: next.turns };
                rows.push(Row { id: it.id, name: it.name, has_photo: it.has_photo, next });
            }
        }
    }
    Ok(rows)
}

/// `POST /birthdays/calendar`: a new address, shown on the next page and never again.
pub fn create(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (_, owner, _) = sent::by_owner(call, visitor)?;
    let url = calendars::renew(call, &owner)?;
    reader::hand(call, visitor, "/birthdays#calendar", &json!({ "url": url }))
}

/// `POST /birthdays/calendar/revoke`
pub fn revoke(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (_, owner, _) = sent::by_owner(call, visitor)?;
    calendars::delete(call, &owner)?;
    reader::go_saying(call, visitor, "/birthdays#calendar", words(call, visitor).calendar_revoked)
}
