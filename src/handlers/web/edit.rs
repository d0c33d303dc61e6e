//! A contact is written: a new one, or one that is there.

use crate::access::Visitor;
use crate::context::Call;
use crate::crypto::{random_uuid, uuid_of};
use crate::error::{Conflict, Error, Result};
use crate::handlers::web::contacts::members;
use crate::handlers::web::reader::{self, owner, words};
use crate::handlers::web::sent::{self, Sent};
use crate::http::Reply;
use crate::markup::dates;
use crate::markup::edit::{self, Edited, NUMBER, PHOTO_SENT, form_of, json_of};
use crate::markup::form::{Form, row_number};
use crate::markup::late;
use crate::model::contact::{Method, Stored};
use crate::picture;
use crate::repository::contacts::rows;
use crate::service::labels::in_use;
use crate::service::writer::Writer;
use crate::service::{bodies, photos};
use serde_json::json;
use std::cell::Cell;

/// `GET /contacts/new`
pub fn new(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let form = numbered(Form::default())?;
    shown(call, visitor, None, &form, None).map(|page| reader::show(call, page))
}

/// A form for a new contact, with a number of its own.
fn numbered(mut form: Form) -> Result<Form> {
    form.set(NUMBER, &random_uuid()?);
    Ok(form)
}

/// `GET /contacts/{id}/edit`
pub fn edit(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let stored = stored(call, visitor)?;
    let form = form_of(words(call, visitor), &members(call, 0, &stored.contact)?);
    shown(call, visitor, Some(&stored), &form, None).map(|page| reader::show(call, page))
}

fn stored(call: &Call, visitor: &Visitor) -> Result<Stored> {
    let (owner, _) = owner(call, visitor)?;
    let id = call.id()?;
    call.app.db.read(|db| reader::contact(db, owner.id(), id))
}

/// The page with this form in it. `now`: the contact is another one than the form began from.
fn shown(
    call: &Call,
    visitor: &Visitor,
    stored: Option<&Stored>,
    form: &Form,
    now: Option<&Form>,
) -> Result<maud::Markup> {
    let (owner, _) = owner(call, visitor)?;
    let labels = in_use(&call.app, owner.id())?;
    let it = Edited {
        id: stored.map(|it| it.contact.id),
        revision: stored.map_or(0, |it| it.contact.revision),
        has_photo: stored.is_some_and(|it| it.contact.photo_type.is_some()),
        known_labels: &labels,
        now,
    };
    Ok(edit::page(&reader::page(call, visitor), &it, form))
}

/// A form that was sent, which knows whether a photo came with it; and whether it comes late.
fn sent(call: &Call, visitor: &Visitor) -> Result<(Sent, bool)> {
    let (mut sent, late) = sent::perhaps_late(call, visitor)?;
    if sent.file.is_some() {
        sent.form.set(PHOTO_SENT, "1");
    }
    Ok((sent, late))
}

/// What was written while the session ended: to be saved in the session that is there now, or kept until
/// there is one.
fn kept(call: &Call, visitor: &Visitor, mut form: Form, stored: Option<&Stored>) -> Result<Reply> {
    let page = reader::page(call, visitor);
    let page = match visitor.caller() {
        Some(caller) => {
            form.fault("", page.w.late_again.replace("{}", &caller.user().username));
            shown(call, visitor, stored, &form, None)?
        }
        None => {
            form.retain(|name| !["csrf", "row", "remove"].contains(&name));
            late::page(&page, page.path, &form)
        }
    };
    Ok(reader::refuse(&Error::StaleForm, page))
}

/// What was written about a contact that is not in this book any more, to be saved as a new one. A late form may
/// be about a contact of another account's.
fn gone(call: &Call, visitor: &Visitor, form: Form, late: bool) -> Result<Reply> {
    let (owner, _) = owner(call, visitor)?;
    let in_trash = reader::before_the_trash(call, owner.id(), &[call.id()?]);
    let mut form = numbered(form)?;
    match in_trash {
        Ok(_) => form.fault("", words(call, visitor).deleted_meanwhile.to_owned()),
        Err(Error::NotFound) if late => {}
        Err(error) => return Err(error),
    }
    if late {
        return kept(call, visitor, form, None);
    }
    Ok(reader::refuse(&Error::PreconditionFailed, shown(call, visitor, None, &form, None)?))
}

/// The uid of a new contact, by the number of its form and all that stands in it: sent again, the form finds
/// the contact that it made. Whoever wrote something else into it means another one.
fn uid_of(form: &Form, file: Option<&[u8]>) -> Option<String> {
    let fields = form.pairs().iter().filter(|(name, _)| name != "csrf");
    let fields = fields.flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
    let all: Vec<_> = fields.chain([file.unwrap_or_default()]).collect();
    Some(uuid_of(&all.join(&0))).filter(|_| !form.get(NUMBER).is_empty())
}

/// Without the script a button adds a row to a list, or empties one: the form comes back with it.
fn with_other_rows(form: &mut Form) -> bool {
    let (row, gone) = (form.get("row").to_owned(), form.get("remove").to_owned());
    if let Some((list, _)) = gone.split_once('.') {
        let number = row_number(&gone, list);
        form.retain(|name| number.is_none() || row_number(name, list) != number);
    }
    if let Some((list, number)) = row.split_once('.')
        && row_number(&row, list).is_some()
    {
        form.set(&format!("{list}.{number}.label"), "");
    }
    !row.is_empty() || !gone.is_empty()
}

/// `POST /contacts/new`
pub fn create(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (Sent { mut form, file }, late) = sent(call, visitor)?;
    if late {
        return kept(call, visitor, form, None);
    }
    if with_other_rows(&mut form) {
        return Ok(reader::show(call, shown(call, visitor, None, &form, None)?));
    }
    let (owner, by) = owner(call, visitor)?;
    let w = words(call, visitor);
    let (mut body, rows) = json_of(w, &form);
    let uid = uid_of(&form, file.as_deref());
    if let (Some(uid), Some(body)) = (&uid, body.as_object_mut()) {
        body.insert("uid".to_owned(), json!(uid));
    }
    let created = picture_of(file).and_then(|jpeg| {
        // As one change: what is refused is not half done.
        bodies::create(&call.app, owner.id(), &by, body, call.now, |card| {
            if jpeg.is_some() {
                photos::put(card, jpeg);
            }
        })
    });
    let created = match (created, uid) {
        (Err(Error::Conflict(Conflict::UidTaken)), Some(uid)) => {
            let found = call.app.db.read(|db| rows::find_uid(db, owner.id(), &uid))?;
            found.map(|it| it.contact).ok_or(Error::NotFound)
        }
        (created, _) => created,
    };
    match created {
        Ok(contact) => {
            reader::go_saying(call, visitor, format!("/contacts/{}", contact.id), w.saved)
        }
        Err(error) => {
            let error = renamed(&form, error, &rows);
            sent::again(call, visitor, form, error, |_, form| {
                shown(call, visitor, None, form, None)
            })
        }
    }
}

/// `POST /contacts/{id}/edit`
pub fn save(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (Sent { mut form, file }, late) = sent(call, visitor)?;
    let id = call.id()?;
    if visitor.caller().is_none() {
        return kept(call, visitor, form, None);
    }
    let mut began = match stored(call, visitor) {
        Err(Error::NotFound | Error::InTrash) => return gone(call, visitor, form, late),
        found => found?,
    };
    began.contact.revision = form.get("revision").parse().unwrap_or(0);
    if late {
        return kept(call, visitor, form, Some(&began));
    }
    if with_other_rows(&mut form) {
        return Ok(reader::show(call, shown(call, visitor, Some(&began), &form, None)?));
    }
    let (owner, by) = owner(call, visitor)?;
    let w = words(call, visitor);
    let (body, rows) = json_of(w, &form);
    let (seen, wanted) = (began.contact.revision, Cell::new(String::new()));
    // Sent again, a form finds what it made: nobody else changed the contact, and there is nothing to save. The edit
    // below comes before this guard, and leaves in `wanted` the card that it made.
    let same = |_: &mut Writer, it: Option<&Stored>| match it {
        Some(it) if it.contact.revision != seen && it.text != wanted.take() => {
            Err(Error::PreconditionFailed)
        }
        _ => Ok(()),
    };
    let removed = !form.get("photo.remove").is_empty();
    let edited = picture_of(file).and_then(|jpeg| {
        let body = (body, Method::Patch, call.now);
        bodies::edit(&call.app, owner.id(), &by, id, &same, body, |card| {
            if jpeg.is_some() || removed {
                photos::put(card, jpeg);
            }
            wanted.set(card.text());
        })
    });
    match edited {
        Ok(_) => reader::go_saying(call, visitor, format!("/contacts/{id}"), w.saved),
        Err(Error::PreconditionFailed) => {
            let stored = stored(call, visitor)?;
            let now = form_of(w, &members(call, owner.id(), &stored.contact)?);
            Ok(reader::refuse(
                &Error::PreconditionFailed,
                shown(call, visitor, Some(&stored), &form, Some(&now))?,
            ))
        }
        Err(Error::NotFound) => gone(call, visitor, form, late),
        Err(error) => {
            let error = renamed(&form, error, &rows);
            sent::again(call, visitor, form, error, |_, form| {
                shown(call, visitor, Some(&began), form, None)
            })
        }
    }
}

/// The chosen photo, made small, before anything is stored.
fn picture_of(file: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {
    let photo = file.map(|bytes| picture::portrait(&bytes)).transpose();
    photo.map_err(|error| match error {
        Error::UnsupportedMediaType(why) => Error::invalid("photo", why),
        Error::BodyTooLarge(most) => {
            Error::invalid("photo", format!("must have at most {} MiB", most >> 20))
        }
        other => other,
    })
}

/// Faults name the entries of the JSON; in the form these have other numbers where rows were left empty. And of a date
/// they say how the API wants it, not how people may write it.
fn renamed(form: &Form, error: Error, rows: &[(&'static str, Vec<usize>)]) -> Error {
    let Error::Invalid(mut faults) = error else { return error };
    for fault in &mut faults {
        for (list, kept) in rows {
            let row = row_number(&fault.field, list).and_then(|at| Some((at, kept.get(at)?)));
            if let Some((at, row)) = row {
                fault.field =
                    fault.field.replacen(&format!("{list}.{at}"), &format!("{list}.{row}"), 1);
            }
        }
        if let Some(why) = dates::why_wrong(form, &fault.field) {
            fault.detail = why.to_owned();
        }
    }
    // The first one on the page gets the focus.
    faults.sort_by_key(|fault| edit::place(&fault.field));
    Error::Invalid(faults)
}
