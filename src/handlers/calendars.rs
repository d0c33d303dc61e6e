//! The birthdays as a calendar to subscribe to, at a secret address: calendar programs cannot
//! sign in.

use crate::access::Owner;
use crate::context::Call;
use crate::crypto;
use crate::error::{Error, Result};
use crate::formats::ics;
use crate::handlers::contacts::names_tag;
use crate::handlers::streams::{Pages, Pieces};
use crate::http::Reply;
use crate::repository::contacts::books;
use crate::repository::contacts::exports::Part;
use serde_json::json;

/// What calendar programs call it.
const NAME: &str = "Birthdays";

/// `POST /api/contacts/calendar-url`: a new address. It is stored as a hash only, so it is shown
/// once; the old one dies.
pub fn create(call: &Call, caller: &Owner) -> Result<Reply> {
    let secret = crypto::random_token()?;
    let hash = crypto::token_hash(&secret);
    let changed = call.app.db.write(|db| books::set_calendar(db, caller.id(), Some(&hash)))?;
    if changed == 0 {
        // The account was deleted since the request began.
        return Err(Error::Unauthenticated);
    }
    let url = format!("{}/calendars/{secret}.ics", call.app.config.public_url);
    Ok(Reply::created(None, &json!({ "url": url })))
}

/// `DELETE /api/contacts/calendar-url`
pub fn delete(call: &Call, caller: &Owner) -> Result<Reply> {
    call.app.db.write(|db| books::set_calendar(db, caller.id(), None))?;
    Ok(Reply::no_content())
}

/// `GET /calendars/{secret}.ics`: whoever knows the secret may. Its tag is the revision of the
/// book, so that a program which asks again costs one look-up.
pub fn get(call: &Call) -> Result<Reply> {
    let hash = crypto::token_hash(call.param("secret"));
    let found = call.app.db.read(|db| books::find_by_calendar(db, &hash))?;
    let (owner, revision) = found.ok_or(Error::NotFound)?;
    let reply = if names_tag(call.header("If-None-Match"), revision) {
        Reply::not_modified()
    } else {
        // The tag was read first: what changes meanwhile is fetched again the next time.
        let mut pages = Pages::new(&call.app.db, owner, Part::WithBirthday);
        let mut begun = false;
        let body = Pieces::begin(&call.request_id, move |out| {
            if !begun {
                ics::start(out, NAME);
                begun = true;
            }
            let page = pages.fetch()?;
            page.iter().for_each(|contact| ics::event(out, contact));
            if page.is_empty() {
                ics::end(out);
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
