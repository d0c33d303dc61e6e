//! Downloads: the contacts as a file, and everything that is stored about an account.

use super::streams::{JsonList, Pages, Pieces};
use crate::access::{Caller, Owner};
use crate::config::Config;
use crate::context::Call;
use crate::error::{Error, Result};
use crate::handlers::views;
use crate::http::Reply;
use crate::model::contact::Stored;
use crate::model::contact::columns::label_key;
use crate::repository::contacts::rows::Part;
use crate::repository::contacts::{books, duplicates, history};
use crate::repository::{app_passwords, audit, avatars, mail_tokens, outbox, sessions, totp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use vcard::table::{self, Widths};

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

/// Who takes contacts along leaves a note, whichever way.
fn note(call: &Call, id: i64) -> Result<()> {
    let exported = audit::Action::Exported;
    call.app.db.transaction(|tx| call.audit(tx, exported, Some(id), Some(id)))
}

/// `GET /api/contacts/export`
pub fn contacts(call: &Call, owner: &Owner) -> Result<Reply> {
    let mut query = call.query()?;
    let format = query.parsed("format", Format::parse).unwrap_or(Format::Vcard);
    let label = query.text("label");
    query.finish()?;
    let part = label.map_or(Part::Live, |label| Part::Labelled(label_key(&label)));
    download(call, owner, format, part)
}

/// Some contacts as vCards: those that were selected on a page.
pub fn selected(call: &Call, owner: &Owner, ids: Vec<i64>) -> Result<Reply> {
    download(call, owner, Format::Vcard, Part::Ids(ids))
}

fn download(call: &Call, owner: &Owner, format: Format, part: Part) -> Result<Reply> {
    note(call, owner.id())?;
    let (db, app, owner) = (call.app.db.clone(), Arc::clone(&call.app), owner.id());
    let mut pages = Pages::new(&db, owner, part.clone());
    let (mut list, mut widths, mut head) = (JsonList::default(), Widths::default(), String::new());
    match format {
        Format::Vcard => {}
        // The header has as many columns of each kind as some contact needs.
        Format::Csv => {
            let mut all = Pages::new(&db, owner, part);
            loop {
                let page = all.fetch()?;
                page.iter().for_each(|it| widths.add(&it.card().details()));
                if page.is_empty() {
                    break;
                }
            }
            table::header(&mut head, &widths);
        }
        Format::Json => head.push('['),
    }
    let body = Pieces::begin(call, owner, head, move |out| {
        let page = pages.fetch()?;
        // Of those that were selected some may have been deleted since.
        for stored in page.iter().filter(|it| it.contact.deleted_at.is_none()) {
            match format {
                Format::Vcard => out.push_str(&stored.text),
                Format::Csv => table::row(out, &widths, &stored.card().details()),
                Format::Json => {
                    list.separate(out);
                    let members = stored.contact.members.as_deref().unwrap_or_default();
                    views::contact(out, Some(&app.config), &stored.contact, members, "");
                }
            }
        }
        if page.is_empty() && matches!(format, Format::Json) {
            list.end(out);
        }
        Ok(!page.is_empty())
    })?;
    Ok(Reply::stream(format.content_type(), body).with("Content-Disposition", format.disposition()))
}

/// A contact with what else is stored of it.
fn stored(out: &mut String, list: &mut JsonList, config: &Config, stored: &Stored) {
    list.separate(out);
    let (contact, members) = (&stored.contact, stored.contact.members.as_deref());
    let name = json!(String::from_utf8_lossy(&stored.name()));
    let (revision, card) = (contact.revision, json!(stored.text));
    let more = format!(",\"revision\":{revision},\"resource_name\":{name},\"vcard\":{card}");
    views::contact(out, Some(config), contact, members.unwrap_or_default(), &more);
}

/// What the document of the account's export is made of, in this order.
enum Step {
    /// Contacts, and then what else has cards.
    Cards(Pages),
    History(i64),
    Made(i64),
    FormerNames(i64),
    Dismissals(i64),
    Events(i64),
}

/// `GET /api/users/me/export`: everything stored about the account, but no secrets and no hashes.
pub fn account(call: &Call, caller: &Caller) -> Result<Reply> {
    let (db, app, id) = (call.app.db.clone(), Arc::clone(&call.app), caller.id());
    note(call, id)?;
    let head = head(call, caller)? + ",\n\"contacts\": [";
    let mut list = JsonList::default();
    let mut more = [("trash", Part::Trash), ("groups", Part::Groups)].into_iter();
    let mut step = Step::Cards(Pages::new(&db, id, Part::Live));
    let body = Pieces::begin(call, id, head, move |out| {
        match &mut step {
            Step::Cards(pages) => {
                let page = pages.fetch()?;
                page.iter().for_each(|it| stored(out, &mut list, &app.config, it));
                if page.is_empty() {
                    let next = more.next();
                    begin(out, &mut list, next.as_ref().map_or("history", |(name, _)| name));
                    step = match next {
                        Some((_, part)) => Step::Cards(Pages::new(&db, id, part)),
                        None => Step::History(0),
                    };
                }
            }
            Step::History(after) => {
                let page = db.read(|db| history::of_book(db, id, *after))?;
                page.iter().try_for_each(|change| list.add(out, change))?;
                match page.last() {
                    Some(last) => *after = last.revision,
                    None => {
                        begin(out, &mut list, "made");
                        step = Step::Made(0);
                    }
                }
            }
            Step::Made(after) => {
                let page = db.read(|db| history::births(db, id, *after))?;
                page.iter().try_for_each(|birth| list.add(out, birth))?;
                match page.last() {
                    Some(last) => *after = last.contact_id,
                    None => {
                        begin(out, &mut list, "former_resource_names");
                        step = Step::FormerNames(0);
                    }
                }
            }
            Step::FormerNames(after) => {
                let page = db.read(|db| history::former_names(db, id, *after))?;
                page.iter().try_for_each(|name| list.add(out, name))?;
                match page.last() {
                    Some(last) => *after = last.revision,
                    None => {
                        begin(out, &mut list, "dismissed_duplicates");
                        step = Step::Dismissals(0);
                    }
                }
            }
            Step::Dismissals(after) => {
                let page = db.read(|db| duplicates::page(db, id, *after))?;
                page.iter().try_for_each(|dismissal| list.add(out, dismissal))?;
                match page.last() {
                    Some(last) => *after = last.number,
                    None => {
                        begin(out, &mut list, "audit_events");
                        step = Step::Events(0);
                    }
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

/// Ends a list and begins the next one.
fn begin(out: &mut String, list: &mut JsonList, name: &str) {
    list.end(out);
    out.push_str(&format!(",\n\"{name}\": ["));
}

#[derive(Serialize)]
struct Head<'a> {
    exported_at: DateTime<Utc>,
    user: views::UserView<'a>,
    language: Option<&'a str>,
    /// What a CardDAV client calls the book, and says of it.
    address_book: Value,
    /// In base64; none: the default one, drawn from the account.
    avatar_picture: Option<String>,
    sessions: Vec<sessions::Session>,
    app_passwords: Vec<Used>,
    has_second_factor: bool,
    pending_links: Vec<mail_tokens::PendingLink>,
    mails: Vec<outbox::Mail>,
    has_calendar_url: bool,
}

/// An app password, and where it was used.
#[derive(Serialize)]
struct Used {
    #[serde(flatten)]
    app_password: app_passwords::AppPassword,
    networks: Vec<String>,
}

fn used(mut app_password: app_passwords::AppPassword) -> Used {
    let networks = std::mem::take(&mut app_password.networks);
    Used { app_password, networks }
}

/// The account and what there is only little of, as an object whose end is still to come.
fn head(call: &Call, caller: &Caller) -> Result<String> {
    let id = caller.id();
    let head = call.app.db.read(|db| {
        let (_, display_name, description) = books::find_named(db, id)?;
        Ok(Head {
            exported_at: call.now,
            user: views::user(&call.app.config, caller.user()),
            language: caller.user().language.as_deref(),
            address_book: json!({"display_name": display_name, "description": description}),
            avatar_picture: avatars::of_user(db, id)?.map(|picture| STANDARD.encode(picture)),
            sessions: sessions::list(db, id, call.now, call.now - call.app.config.session)?,
            app_passwords: app_passwords::list(db, id)?.into_iter().map(used).collect(),
            has_second_factor: totp::is_on(db, id)?,
            pending_links: mail_tokens::of_user(db, id)?,
            mails: outbox::of_user(db, id)?,
            has_calendar_url: books::has_calendar(db, id)?,
        })
    })?;
    let mut head = serde_json::to_string_pretty(&head).map_err(Error::internal)?;
    // The closing bracket, and the line's end before it.
    head.truncate(head.len().saturating_sub(2));
    Ok(head)
}
