//! The birthdays as a calendar to subscribe to, at a secret address: calendar programs cannot
//! sign in.

use super::streams::Pieces;
use crate::access::Owner;
use crate::context::{Call, etag};
use crate::crypto;
use crate::error::{Error, Result};
use crate::handlers::views;
use crate::http::Reply;
use crate::model::contact::birthday;
use crate::repository::audit::Action;
use crate::repository::contacts::birthdays::{self, AfterBirthday};
use crate::repository::contacts::books;
use crate::service::confirmation::still_let_in;
use serde_json::json;
use vcard::calendar;

/// What calendar programs call it.
const NAME: &str = "Birthdays";

/// `POST /api/contacts/calendar-url`: a new address. It is stored as a hash only, so it is shown
/// once; the old one dies.
pub fn create(call: &Call, owner: &Owner) -> Result<Reply> {
    Ok(Reply::created(&json!({ "url": renew(call, owner)? })))
}

/// Makes a new address.
pub fn renew(call: &Call, owner: &Owner) -> Result<String> {
    let secret = crypto::token_for(owner.id())?;
    let hash = crypto::token_hash(&secret);
    call.app.db.transaction(|tx| {
        still_let_in(tx, owner)?;
        books::set_calendar(tx, owner.id(), &hash, owner.app_password())?;
        call.audit(tx, Action::CalendarCreated, Some(owner.id()), Some(owner.id()))
    })?;
    Ok(format!("{}/calendars/{secret}.ics", call.app.config.public_url))
}

/// `DELETE /api/contacts/calendar-url`
pub fn delete(call: &Call, owner: &Owner) -> Result<Reply> {
    call.app.db.transaction(|tx| match books::revoke_calendar(tx, owner.id())? {
        0 => Ok(()),
        _ => call.audit(tx, Action::CalendarRevoked, Some(owner.id()), Some(owner.id())),
    })?;
    Ok(Reply::no_content())
}

/// `GET /calendars/{secret}.ics`: the secret is the permission. Its tag is the revision of the
/// book, so that a program which asks again costs one look-up.
pub fn get(call: &Call) -> Result<Reply> {
    let secret = call.param("secret");
    let owner = crypto::owner_of(secret).ok_or(Error::NotFound)?;
    let hash = crypto::token_hash(secret);
    let found = call.app.db.read(|db| books::find_by_calendar(db, owner, &hash))?;
    let revision = found.ok_or(Error::NotFound)?;
    let reply = if call.if_none_match(&etag(revision)) {
        Reply::not_modified()
    } else {
        // The tag was read first: what changes meanwhile is fetched again the next time.
        let (db, mut after, mut head) =
            (call.app.db.clone(), AfterBirthday::default(), String::new());
        calendar::start(&mut head, NAME);
        let body = Pieces::begin(call, owner, head, move |out| {
            let page = db.read(|db| birthdays::page(db, owner, &mut after))?;
            for it in &page {
                if let Some(date) = birthday::born(it.key, it.year) {
                    let updated = views::instant(it.updated_at);
                    calendar::event(out, &it.uid, &it.name, date, &updated);
                }
            }
            if page.is_empty() {
                calendar::end(out);
            }
            Ok(!page.is_empty())
        })?;
        Reply::stream("text/calendar; charset=utf-8", body)
    };
    Ok(reply.with_etag(revision).with("X-Robots-Tag", "noindex"))
}
