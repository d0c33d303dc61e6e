//! The birthdays as a calendar to subscribe to, at a secret address: calendar programs cannot
//! sign in.

use super::streams::Pieces;
use crate::access::Owner;
use crate::context::Call;
use crate::crypto;
use crate::error::{Error, Result};
use crate::handlers::views;
use crate::http::Reply;
use crate::repository::contacts::{birthdays, books};
use serde_json::json;
use vcard::{PartialDate, calendar};

/// What calendar programs call it.
const NAME: &str = "Birthdays";

/// `POST /api/contacts/calendar-url`: a new address. It is stored as a hash only, so it is shown
/// once; the old one dies.
pub fn create(call: &Call, owner: &Owner) -> Result<Reply> {
    Ok(Reply::created(None, &json!({ "url": renew(call, owner)? })))
}

/// Makes a new address.
pub fn renew(call: &Call, owner: &Owner) -> Result<String> {
    let secret = format!("{}-{}", owner.id(), crypto::random_token()?);
    let hash = crypto::token_hash(&secret);
    let changed = call.app.db.write(|db| books::set_calendar(db, owner.id(), Some(&hash)))?;
    if changed == 0 {
        // The account was deleted since the request began.
        return Err(Error::Unauthenticated);
    }
    Ok(format!("{}/calendars/{secret}.ics", call.app.config.public_url))
}

/// `DELETE /api/contacts/calendar-url`
pub fn delete(call: &Call, owner: &Owner) -> Result<Reply> {
    call.app.db.write(|db| books::set_calendar(db, owner.id(), None))?;
    Ok(Reply::no_content())
}

/// `GET /calendars/{secret}.ics`: whoever knows the secret may. Its tag is the revision of the
/// book, so that a program which asks again costs one look-up.
pub fn get(call: &Call) -> Result<Reply> {
    let secret = call.param("secret");
    let owner = secret.split('-').next().and_then(|it| it.parse::<i64>().ok()).ok_or(Error::NotFound)?;
    let hash = crypto::token_hash(secret);
    let found = call.app.db.read(|db| books::find_by_calendar(db, owner, &hash))?;
    let revision = found.ok_or(Error::NotFound)?;
    let reply = if call.if_none_match(&format!("\"{revision}\"")) {
        Reply::not_modified()
    } else {
        // The tag was read first: what changes meanwhile is fetched again the next time.
        let (db, mut after, mut begun) = (call.app.db.clone(), 0, false);
        let body = Pieces::begin(&call.request_id, move |out| {
            if !std::mem::replace(&mut begun, true) {
                calendar::start(out, NAME);
            }
            let page = db.read(|db| birthdays::page(db, owner, after))?;
            for it in &page {
                let [month, day] =
                    [it.key / 100, it.key % 100].map(|part| u32::try_from(part).unwrap_or(0));
                if let Some(date) = PartialDate::new(it.year.map(i32::from), month, day) {
                    let updated = views::instant(it.updated_at);
                    calendar::event(out, &it.uid, &it.name, date, &updated);
                }
                after = it.id;
            }
            if page.is_empty() {
                calendar::end(out);
            }
            Ok(!page.is_empty())
        })?;
        Reply::stream("text/calendar; charset=utf-8", body)
    };
    Ok(reply
        .with_etag(revision)
        .with("Cache-Control", "private, max-age=3600")
        .with("X-Robots-Tag", "noindex"))
}
