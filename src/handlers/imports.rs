//! Uploads: contacts from a file.

use crate::access::Owner;
use crate::context::Call;
use crate::crypto;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::formats::{Imported, Row, RowError, csv, json, vcard};
use crate::http::Reply;
use crate::model::contact::{ContactFields, latest_date};
use crate::repository::contacts::books;
use crate::repository::contacts::imports::{self, NewContact};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// Most contacts and errors of one file. A file of ten megabytes has fewer, unless somebody means
/// to keep the server busy.
const ROWS_MAX: usize = 100_000;
/// How many contacts are looked up and inserted at once.
const BATCH: usize = 1_000;

/// What became of a file.
#[derive(Debug, Default, Serialize)]
struct Outcome {
    created: usize,
    skipped_duplicates: usize,
    errors: Vec<WrongRow>,
}

#[derive(Debug, Serialize)]
struct WrongRow {
    line: u64,
    detail: String,
}

/// `POST /api/contacts/import`: everything that is good, in one transaction.
pub fn import(call: &Call, caller: &Owner) -> Result<Reply> {
    let content_type = call.content_type();
    if !["text/vcard", "text/csv", "application/json"].contains(&content_type.as_str()) {
        let types = "send text/vcard, text/csv or application/json".to_owned();
        return Err(Error::UnsupportedMediaType(types));
    }
    let bytes = if content_type == "application/json" { call.body()? } else { call.file()? };
    let mut query = call.query()?;
    let dry_run = query.flag("dry_run");
    let latest = latest_date(call.now);
    let rows: Box<dyn Iterator<Item = Row>> = match content_type.as_str() {
        "text/vcard" => Box::new(vcard::read(&bytes, latest)?),
        "text/csv" => Box::new(csv::read(&bytes, latest)?),
        _ => Box::new(json::read(&bytes, latest)?),
    };
    query.finish()?;
    let outcome = call.app.change_book(caller.id(), |tx| {
        books::lock(tx, caller.id())?;
        if !dry_run {
            return store(tx, caller.id(), rows, call.now);
        }
        imports::begin_rehearsal(tx)?;
        let outcome = store(tx, caller.id(), rows, call.now)?;
        imports::end_rehearsal(tx)?;
        Ok(outcome)
    })?;
    Ok(Reply::json(&outcome))
}

/// Stores the good rows that are not there yet, a batch at a time, so that memory does not grow
/// with the file.
fn store(
    tx: &mut Tx,
    owner: i64,
    rows: impl Iterator<Item = Row>,
    now: DateTime<Utc>,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut batch = Vec::new();
    for (count, row) in rows.enumerate() {
        if count == ROWS_MAX {
            let detail = format!("has more than {ROWS_MAX} contacts: split the file");
            return Err(Error::invalid("body", detail));
        }
        match row {
            Ok(contact) => batch.push(contact),
            Err(RowError { line, detail }) => outcome.errors.push(WrongRow { line, detail }),
        }
        if batch.len() == BATCH {
            store_batch(tx, owner, std::mem::take(&mut batch), now, &mut outcome)?;
        }
    }
    store_batch(tx, owner, batch, now, &mut outcome)?;
    Ok(outcome)
}

fn store_batch(
    tx: &mut Tx,
    owner: i64,
    batch: Vec<Imported>,
    now: DateTime<Utc>,
    outcome: &mut Outcome,
) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let uids: Vec<&str> = batch.iter().filter_map(uid).collect();
    let mut uids = imports::find_uids(tx, owner, &uids)?;
    let fields: Vec<&ContactFields> = batch.iter().map(|contact| &contact.fields).collect();
    let mut digests = imports::find_digests(tx, owner, &fields)?;
    let mut new = Vec::new();
    for contact in batch {
        let digest = imports::digest(&contact.fields);
        let uid = uid(&contact).map(str::to_owned);
        if uid.as_ref().is_some_and(|uid| uids.contains(uid)) || digests.contains(&digest) {
            outcome.skipped_duplicates += 1;
            continue;
        }
        digests.insert(digest);
        uids.extend(uid.clone());
        let uid = uid.map_or_else(crypto::random_uuid, Ok)?;
        new.push(NewContact { uid, fields: contact.fields, properties: contact.properties });
    }
    outcome.created += new.len();
    if new.is_empty() { Ok(()) } else { imports::insert(tx, owner, &new, now) }
}

/// The identity that the file gives a contact.
fn uid(contact: &Imported) -> Option<&str> {
    contact.uid.as_deref().filter(|uid| !uid.is_empty())
}
