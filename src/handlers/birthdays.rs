//! Birthdays of the next days.

use crate::access::Owner;
use crate::context::Call;
use crate::error::Result;
use crate::handlers::views::{self, ContactView};
use crate::http::Reply;
use crate::model::birthday::{self, Window};
use crate::model::contact;
use crate::repository::contacts::lists;
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;

#[derive(Serialize)]
struct BirthdayView<'a> {
    #[serde(flatten)]
    contact: ContactView<'a>,
    next_birthday: NaiveDate,
    days_until: i64,
    turns: i32,
}

/// `GET /api/contacts/birthdays`
pub fn list(call: &Call, caller: &Owner) -> Result<Reply> {
    let mut query = call.query()?;
    let days = query.number("days", 7, 0..=366);
    let zone = query.parsed("tz", |raw| {
        raw.parse::<Tz>().map_err(|_| "must be an IANA time zone such as Europe/Kyiv".to_owned())
    });
    let from = query.parsed("from", contact::date);
    query.finish()?;
    let today = call.now.with_timezone(&zone.unwrap_or(Tz::UTC)).date_naive();
    let window = Window::new(from.unwrap_or(today), days);
    let contacts = call
        .app
        .db
        .read(|db| lists::with_birthday(db, caller.id(), window.keys(), window.last()))?;
    let mut shown: Vec<_> = contacts
        .iter()
        .filter_map(|contact| {
            let born = contact.fields.birthday?;
            let next = birthday::next_in(born, window)?;
            Some(BirthdayView {
                contact: views::contact(contact),
                next_birthday: next.date,
                days_until: next.days_until,
                turns: next.turns,
            })
        })
        .collect();
    // Stable: on one day they stay in the order of names, as Postgres gave them.
    shown.sort_by_key(|birthday| birthday.next_birthday);
    Ok(Reply::json(&shown))
}
