//! Birthdays of the next days.

use super::streams::{JsonList, PIECE_MAX, Pieces};
use crate::access::Owner;
use crate::context::Call;
use crate::error::Result;
use crate::http::Reply;
use crate::model::contact::birthday::{self, Window};
use crate::model::contact::input;
use crate::repository::contacts::birthdays::{AfterBirthday, with_birthday};
use chrono::Datelike;
use chrono_tz::Tz;
use std::collections::VecDeque;
use std::sync::Arc;

/// `GET /api/contacts/birthdays`: nearest first, streamed, since a whole year of a large book is long.
pub fn list(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut query = call.query()?;
    let days = query.number("days", 7, 0..=366);
    let zone = query.parsed("tz", |raw| {
        raw.parse::<Tz>().map_err(|_| "must be an IANA time zone such as Europe/Kyiv".to_owned())
    });
    let from = query.parsed("from", input::date);
    query.finish()?;
    let today = call.now.with_timezone(&zone.unwrap_or(Tz::UTC)).date_naive();
    let window = Window::new(from.unwrap_or(today), days);
    let (db, app, owner) = (call.app.db.clone(), Arc::clone(&call.app), owner.id());
    let mut ranges = window.keys();
    let (mut range, mut after) = (ranges.next(), AfterBirthday::default());
    let mut list = JsonList::default();
    let mut read = VecDeque::new();
    let body = Pieces::begin(call, owner, "[", move |out| {
        let Some((year, keys)) = range else {
            list.end(out);
            return Ok(false);
        };
        if read.is_empty() {
            read = db.read(|db| with_birthday(db, owner, keys, &mut after))?.into();
        }
        if read.is_empty() {
            (range, after) = (ranges.next(), AfterBirthday::default());
        }
        while out.len() < PIECE_MAX {
            let Some(found) = read.pop_front() else { break };
            let born = birthday::born(found.key, found.year);
            let next = born.and_then(|born| birthday::next_in(born, window));
            let Some(next) = next.filter(|next| next.date.year() == year) else { continue };
            let turns = next.turns.map_or("null".to_owned(), |turns| turns.to_string());
            let more = format!(
                ",\"next_birthday\":\"{}\",\"days_until\":{},\"turns\":{turns}",
                next.date, next.days_until
            );
            list.separate(out);
            super::show(out, &app, owner, &found.contact, &more)?;
        }
        Ok(true)
    })?;
    Ok(Reply::stream("application/json", body))
}
