//! Downloads: the contacts as a file, and everything that is stored about an account.

use crate::access::{Caller, Owner};
use crate::context::Call;
use crate::error::{Error, Result};
use crate::formats::{csv, vcard};
use crate::handlers::streams::{Pages, Pieces};
use crate::handlers::views;
use crate::http::Reply;
use crate::model::contact::Contact;
use crate::repository::contacts::{books, exports::Part};
use crate::repository::{app_passwords, audit, avatars, mail_tokens, outbox, sessions, totp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Serialize;

#[derive(Clone, Copy)]
enum Format {
    Vcard,
    Csv,
    Json,
}

impl Format {
    fn parse(raw: &str) -> Result<Format, String> {
        match raw {
            "vcard" => Ok(Format::Vcard),
            "csv" => Ok(Format::Csv),
            "json" => Ok(Format::Json),
            _ => Err("must be vcard, csv or json".to_owned()),
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Format::Vcard => "text/vcard; charset=utf-8",
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Json => "application/json",
        }
    }

    fn disposition(self) -> &'static str {
        match self {
            Format::Vcard => "attachment; filename=\"contacts.vcf\"",
            Format::Csv => "attachment; filename=\"contacts.csv\"",
            Format::Json => "attachment; filename=\"contacts.json\"",
        }
    }
}

/// `GET /api/contacts/export`
pub fn contacts(call: &Call, caller: &Owner) -> Result<Reply> {
    let mut query = call.query()?;
    let format = query.parsed("format", Format::parse).unwrap_or(Format::Vcard);
    query.finish()?;
    let mut pages = Pages::new(&call.app.db, caller.id(), Part::Live);
    let mut list = JsonList::default();
    let mut begun = false;
    let body = Pieces::begin(&call.request_id, move |out| {
        if !begun {
            begun = true;
            match format {
                Format::Vcard => {}
                Format::Csv => csv::header(out),
                Format::Json => list.begin(out),
            }
        }
        let page = pages.fetch()?;
        for contact in &page {
            match format {
                Format::Vcard => vcard::write(out, contact),
                Format::Csv => csv::row(out, contact),
                Format::Json => list.add(out, &views::contact(contact))?,
            }
        }
        if page.is_empty() && matches!(format, Format::Json) {
            list.end(out);
        }
        Ok(!page.is_empty())
    })?;
    Ok(Reply::stream(format.content_type(), body).with("Content-Disposition", format.disposition()))
}

/// A JSON array, one element a line.
#[derive(Default)]
struct JsonList {
    filled: bool,
}

impl JsonList {
    fn begin(&mut self, out: &mut String) {
        self.filled = false;
        out.push('[');
    }

    fn add(&mut self, out: &mut String, element: &impl Serialize) -> Result<()> {
        out.push_str(if self.filled { ",\n" } else { "\n" });
        self.filled = true;
        out.push_str(&serde_json::to_string(element).map_err(Error::internal)?);
        Ok(())
    }

    fn end(&mut self, out: &mut String) {
        out.push_str(if self.filled { "\n]" } else { "]" });
    }
}

/// A contact with what else is stored of it.
#[derive(Serialize)]
struct StoredContact<'a> {
    #[serde(flatten)]
    contact: views::ContactView<'a>,
    uid: &'a str,
    revision: i64,
    /// vCard content lines that have no field of ours.
    properties: Vec<&'a str>,
}

fn stored(contact: &Contact) -> StoredContact<'_> {
    StoredContact {
        contact: views::contact(contact),
        uid: &contact.uid,
        revision: contact.revision,
        properties: contact.properties.lines().collect(),
    }
}

/// What the document of the account's export is made of, in this order.
enum Step {
    Head(String),
    Contacts(Pages),
    Trash(Pages),
    Events(i64),
}

/// `GET /api/users/me/export`: everything stored about the account, but no secrets and no hashes.
pub fn account(call: &Call, caller: &Caller) -> Result<Reply> {
    let (db, id) = (call.app.db.clone(), caller.id());
    let head = head(call, caller)?;
    let mut list = JsonList::default();
    let mut step = Step::Head(head);
    let body = Pieces::begin(&call.request_id, move |out| {
        match &mut step {
            Step::Head(head) => {
                out.push_str(head);
                out.push_str(",\n\"contacts\": ");
                list.begin(out);
                step = Step::Contacts(Pages::new(&db, id, Part::Live));
            }
            Step::Contacts(pages) => {
                let page = pages.fetch()?;
                page.iter().try_for_each(|contact| list.add(out, &stored(contact)))?;
                if page.is_empty() {
                    list.end(out);
                    out.push_str(",\n\"trash\": ");
                    list.begin(out);
                    step = Step::Trash(Pages::new(&db, id, Part::Trash));
                }
            }
            Step::Trash(pages) => {
                let page = pages.fetch()?;
                page.iter().try_for_each(|contact| list.add(out, &stored(contact)))?;
                if page.is_empty() {
                    list.end(out);
                    out.push_str(",\n\"audit_events\": ");
                    list.begin(out);
                    step = Step::Events(0);
                }
            }
            Step::Events(after) => {
                let events = db.read(|db| audit::page(db, id, *after))?;
                events.iter().try_for_each(|event| list.add(out, event))?;
                match events.last() {
                    Some(last) => *after = last.id,
                    None => {
                        list.end(out);
                        out.push_str("}\n");
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    })?;
    let disposition = "attachment; filename=\"account.json\"";
    Ok(Reply::stream("application/json", body).with("Content-Disposition", disposition))
}

#[derive(Serialize)]
struct Head<'a> {
    exported_at: DateTime<Utc>,
    user: views::UserView<'a>,
    /// In base64; none: the default one, drawn from the account.
    avatar_picture: Option<String>,
    sessions: Vec<sessions::Session>,
    app_passwords: Vec<app_passwords::AppPassword>,
    has_second_factor: bool,
    pending_links: Vec<mail_tokens::PendingLink>,
    mails: Vec<outbox::Mail>,
    has_calendar_url: bool,
}

/// The account and what there is only little of, as an object whose end is still to come.
fn head(call: &Call, caller: &Caller) -> Result<String> {
    let id = caller.id();
    let (sessions, access, pending_links, mails, has_calendar_url, picture) =
        call.app.db.read(|db| {
            Ok((
                sessions::list(db, id, call.now)?,
                (app_passwords::list(db, id)?, totp::is_on(db, id)?),
                mail_tokens::of_user(db, id)?,
                outbox::of_user(db, id)?,
                books::has_calendar(db, id)?,
                avatars::of_user(db, id)?,
            ))
        })?;
    let head = Head {
        exported_at: call.now,
        user: views::user(&call.app.config, caller.user()),
        avatar_picture: picture.map(|picture| STANDARD.encode(picture)),
        sessions,
        app_passwords: access.0,
        has_second_factor: access.1,
        pending_links,
        mails,
        has_calendar_url,
    };
    let mut head = serde_json::to_string_pretty(&head).map_err(Error::internal)?;
    // The closing bracket, and the line's end before it.
    head.truncate(head.len().saturating_sub(2));
    Ok(head)
}
