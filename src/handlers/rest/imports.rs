//! Uploads: contacts from a file.

use crate::access::Owner;
use crate::context::Call;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::http::Reply;
use crate::model::contact::input::LABEL_MAX;
use crate::model::contact::latest_date;
use crate::model::text;
use crate::multipart;
use crate::repository::audit::Action;
use crate::service::import::{self, Existing, Options};
use crate::service::writer::By;
use serde_json::Value;

/// Media types of files that people have of their contacts.
const TYPES: [&str; 9] = [
    "text/vcard",
    "text/x-vcard",
    "text/directory",
    "text/csv",
    "application/csv",
    "application/vnd.ms-excel",
    "text/plain",
    "application/json",
    "application/octet-stream",
];

/// `POST /api/contacts/import`: everything that is good, in one transaction.
pub fn import(call: &Call, owner: &Owner) -> Result<Reply> {
    let media_type = call.content_type();
    let is_form = media_type == "multipart/form-data";
    if !is_form && !TYPES.contains(&media_type.as_str()) {
        return Err(Error::UnsupportedMediaType(format!("send {}", TYPES.join(", "))));
    }
    // Address books of old write in their own character sets; JSON has one.
    let body = if media_type == "application/json" { call.body()? } else { call.file()? };
    let part = match is_form {
        true => Some(multipart::only_file(body, call.multipart_boundary()?)?),
        false => None,
    };
    let (file, charset) = match &part {
        Some(part) => (part.content, part.charset.as_deref()),
        None => (body, call.content_type_parameter("charset")),
    };
    let mut query = call.query()?;
    let options = Options {
        dry_run: query.flag("dry_run"),
        label: query.parsed("label", |raw| text::line(raw, 1, LABEL_MAX)),
        existing: query.parsed("existing", existing).unwrap_or_default(),
        skip: 0,
    };
    let map = query.parsed("map", columns).unwrap_or_default();
    query.finish()?;
    let latest = latest_date(call.now);
    let source = import::read(file, &media_type, charset, &map, latest)?;
    let by = By::of("import", call, owner);
    let id = owner.id();
    let note = |tx: &mut Tx| call.audit(tx, Action::Imported, Some(id), Some(id));
    Ok(Reply::json(&import::store(&call.app, id, &by, source, &options, note)?))
}

/// What happens to a contact that is there.
pub fn existing(raw: &str) -> Result<Existing, String> {
    match raw {
        "skip" => Ok(Existing::Skip),
        "update" => Ok(Existing::Update),
        "add" => Ok(Existing::Add),
        _ => Err("must be skip, update or add".to_owned()),
    }
}

/// `{"column": "member"}`
fn columns(raw: &str) -> Result<Vec<(String, String)>, String> {
    let wrong = || "must be a JSON object of strings: {\"column\": \"member\"}".to_owned();
    let Ok(Value::Object(map)) = serde_json::from_str(raw) else { return Err(wrong()) };
    let pairs = map.into_iter().map(|(column, member)| match member {
        Value::String(member) => Ok((column, member)),
        Value::Null => Ok((column, String::new())),
        _ => Err(wrong()),
    });
    pairs.collect()
}
