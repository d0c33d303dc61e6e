//! Forms that pages send: read, checked for the session's token, and given to what a REST client calls.

use crate::access::{Owner, Visitor, same_origin};
use crate::context::Call;
use crate::error::{Conflict, Error, Result};
use crate::handlers::web::reader;
use crate::http::{self, Reply};
use crate::markup::form::Form;
use crate::markup::page::Page;
use crate::markup::words::Words;
use crate::multipart;
use crate::service::writer::By;
use maud::Markup;
use rouille::Request;
use serde_json::Value;
use std::sync::Arc;

/// Fields of a form that hold files.
const FILES: [&str; 2] = ["file", "photo"];

/// A form that a page of this visitor's session sent.
pub struct Sent {
    /// Its fields.
    pub form: Form,
    /// Its file, unless none was chosen.
    pub file: Option<Vec<u8>>,
}

/// Reads a form. [`Error::StaleForm`] unless it comes from a page of ours and has the token of the session
/// that is alive.
pub fn form(call: &Call, visitor: &Visitor) -> Result<Sent> {
    let sent = read(call)?;
    match visitor.sent(call, sent.form.get("csrf")) {
        true => Ok(sent),
        false => Err(Error::StaleForm),
    }
}

/// A form of a page of ours, and whether it comes late: its session has ended. It may change nothing then,
/// but what stands in it is not lost.
pub fn perhaps_late(call: &Call, visitor: &Visitor) -> Result<(Sent, bool)> {
    let sent = read(call)?;
    let late = visitor.caller().is_none() || !visitor.sent(call, sent.form.get("csrf"));
    match same_origin(call) {
        true => Ok((sent, late)),
        false => Err(Error::StaleForm),
    }
}

fn read(call: &Call) -> Result<Sent> {
    let mut file = None;
    let fields = if call.is_form() {
        call.form()?
    } else {
        let boundary = call.multipart_boundary()?;
        let body = call.file()?;
        let mut fields = Vec::new();
        for part in multipart::parts(body, boundary)? {
            if FILES.contains(&part.name.as_str()) {
                file = Some(part.content.to_vec()).filter(|bytes| !bytes.is_empty());
                continue;
            }
            let text = String::from_utf8(part.content.to_vec());
            let text = text.map_err(|_| Error::invalid(&part.name, "must be UTF-8"))?;
            fields.push((part.name, text));
        }
        fields
    };
    Ok(Sent { form: Form::of(fields), file })
}

/// [`form`] of somebody who is signed in: whoever is not any more gets no further than with a form of
/// another session.
pub fn by_caller(call: &Call, visitor: &Visitor) -> Result<Sent> {
    match visitor.caller() {
        Some(_) => form(call, visitor),
        None => Err(Error::StaleForm),
    }
}

/// The same of whoever owns a book, with what the history says of what it changes.
pub fn by_owner(call: &Call, visitor: &Visitor) -> Result<(Form, Owner, By)> {
    let form = by_caller(call, visitor)?.form;
    let (owner, by) = reader::owner(call, visitor)?;
    Ok((form, owner, by))
}

/// Another request that a page makes of its own, by the same client at the same instant.
pub fn another(call: &Call, request: Request, received: Vec<u8>) -> Call {
    Call {
        app: Arc::clone(&call.app),
        request,
        received,
        params: Vec::new(),
        body_max: u64::MAX,
        request_id: call.request_id.clone(),
        own_id: call.own_id.clone(),
        ..*call
    }
}

/// Gives a handler of the API what a form says, as JSON, as any client would send it.
pub fn forward<T>(
    call: &Call,
    params: Vec<(&'static str, String)>,
    body: &Value,
    handler: impl FnOnce(&Call) -> Result<T>,
) -> Result<T> {
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    if let Some(agent) = call.header("User-Agent") {
        headers.push(("User-Agent".to_owned(), agent.to_owned()));
    }
    let request = Request::fake_http("POST", "/", headers, Vec::new());
    handler(&Call { params, ..another(call, request, body.to_string().into_bytes()) })
}

/// What is gone was ended before, as by a first click on the same button.
pub fn or_gone<T>(ended: Result<T>) -> Result<()> {
    match ended {
        Ok(_) | Err(Error::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Answers with the page of a form once more, with what was wrong with it.
pub fn again(
    call: &Call,
    visitor: &Visitor,
    mut form: Form,
    error: Error,
    page: impl FnOnce(&Page, &Form) -> Result<Markup>,
) -> Result<Reply> {
    let p = reader::page(call, visitor);
    let error = note(p.w, &mut form, error)?;
    Ok(reader::refuse(&error, page(&p, &form)?))
}

/// Writes into the form what was wrong with it, in the reader's words: beside its fields where these are
/// known. An error that is not the sender's stays one.
pub fn note(w: &Words, form: &mut Form, error: Error) -> Result<Error> {
    let field = match &error {
        Error::Invalid(faults) => {
            for fault in faults {
                form.fault(&fault.field, w.sentence(&fault.detail));
            }
            return Ok(error);
        }
        Error::WrongPassword => "password",
        Error::Conflict(Conflict::UsernameTaken) => "username",
        Error::Conflict(Conflict::EmailTaken) => "email",
        Error::SecondFactorWrong => "code",
        Error::UnsupportedMediaType(_) | Error::BodyTooLarge(_) | Error::Malformed(_) => "file",
        Error::BadCredentials
        | Error::EmailNotConfirmed
        | Error::AccountDisabled
        | Error::PasswordNeeded
        | Error::Conflict(_)
        | Error::TooManyRequests(_) => "",
        _ => return Err(error),
    };
    form.fault(field, w.sentence(&http::detail(&error)));
    Ok(error)
}
