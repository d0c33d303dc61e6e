//! Contacts from JSON bodies, for REST and for the forms of pages.

use crate::context::App;
use crate::error::{Error, Result};
use crate::model::contact::{Contact, Input, Method, Stored, check_size, latest_date, new_card};
use crate::service::contacts::{self, Guard, Which};
use crate::service::writer::By;
use chrono::{DateTime, Utc};
use serde_json::Value;
use vcard::{Card, Details};

/// A new contact, with what else is to be in its card.
pub fn create(
    app: &App,
    owner: i64,
    by: &By,
    body: Value,
    now: DateTime<Utc>,
    also: impl FnOnce(&mut Card),
) -> Result<Contact> {
    let input = Input::read(body, Method::Post)?;
    let wanted = input.apply(&Details::default(), latest_date(now))?;
    let uid = input.uid().ok().flatten();
    let mut card = new_card(uid.as_deref(), &wanted);
    also(&mut card);
    contacts::create(app, owner, by, card)
}

/// A contact with what a body makes of it, and what else is to be in its card.
pub fn edit(
    app: &App,
    owner: i64,
    by: &By,
    id: i64,
    guard: Guard,
    (body, method, now): (Value, Method, DateTime<Utc>),
    also: impl FnOnce(&mut Card),
) -> Result<Stored> {
    let input = Input::read(body, method)?;
    let latest = latest_date(now);
    let edited = contacts::change(app, owner, by, Which::Id(id), guard, |_, card| {
        let wanted = input.apply(&card.details(), latest)?;
        card.set(&wanted);
        also(card);
        check_size(card)
    });
    match edited {
        // 422 comes before 404.
        Err(Error::NotFound) => input.check(latest).and(Err(Error::NotFound)),
        edited => edited,
    }
}
