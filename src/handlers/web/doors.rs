//! Before somebody is signed in: the first page, signing in and out, registering, links by mail.

use crate::access::{COOKIE, Visitor};
use crate::context::Call;
use crate::error::{Conflict, Error, Result};
use crate::handlers::auth;
use crate::handlers::web::reader::{self, caller, set_cookie, words};
use crate::handlers::web::sent;
use crate::http::Reply;
use crate::markup::doors;
use crate::markup::form::Form;
use crate::markup::page::Page;
use crate::markup::queries::query;
use crate::model::{text, user};
use crate::service::sign_in::{self, OnPage, Session, Typed};
use maud::Markup;
use serde_json::json;

const TAKEN: &str = "This username is taken. If you have just registered, look into your mailbox.";

/// `GET /`
pub fn welcome(call: &Call, visitor: &Visitor) -> Result<Reply> {
    if visitor.caller().is_some() {
        return Ok(reader::go("/contacts"));
    }
    let page = reader::page(call, visitor);
    Ok(reader::show(call, doors::welcome(&page, call.app.config.registration_open)))
}

/// `GET /login`
pub fn login(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let mut query = call.query()?;
    let next = query.text("next").unwrap_or_default();
    if visitor.caller().is_some() {
        return Ok(reader::go(reader::way_on(&next)));
    }
    let mut form = Form::default();
    form.set("next", &next);
    let page = reader::page(call, visitor);
    Ok(reader::show(call, doors::login(&page, &form, call.app.config.registration_open)))
}

/// `POST /login`
pub fn sign_in(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let mut form = sent::form(call, visitor)?.form;
    let typed = Typed {
        // What cannot be a name is none that there is.
        name: text::line(form.get("username"), 1, text::EMAIL_MAX).unwrap_or_default(),
        password: user::password_as_typed(form.get("password")).unwrap_or_default(),
        code: Some(form.get("code").to_owned()).filter(|code| !code.is_empty()),
    };
    match sign_in::sign_in_on_page(call, &typed) {
        Ok(OnPage::In(session)) => welcome_in(call, visitor, &session, form.get("next")),
        Ok(OnPage::NeedsCode(ticket)) => reader::hand(
            call,
            visitor,
            "/login/code",
            &json!({ "ticket": ticket, "next": form.get("next") }),
        ),
        Err(error) => {
            if let Error::EmailNotConfirmed = error {
                form.set(doors::UNCONFIRMED, "1");
            }
            sent::again(call, visitor, form, error, |p, form| {
                Ok(doors::login(p, form, call.app.config.registration_open))
            })
        }
    }
}

/// The session's cookie, and on to where the visitor wanted to go. The session that the
/// browser had before ends, since nothing else could end it once its cookie is gone.
fn welcome_in(call: &Call, visitor: &Visitor, session: &Session, next: &str) -> Result<Reply> {
    if let Some(before) = visitor.caller() {
        auth::logout(call, before)?;
    }
    let seconds = (session.ends - call.now).num_seconds();
    Ok(reader::go(reader::way_on(next))
        .and("Set-Cookie", set_cookie(call, COOKIE, &session.secret, seconds)))
}

/// `GET /login/code`
pub fn code(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let Some(handed) = reader::handed(call, visitor) else { return Ok(reader::go("/login")) };
    let mut form = Form::default();
    for name in ["ticket", "next"] {
        form.set(name, reader::text(&handed, name));
    }
    Ok(reader::show_again(call, doors::code(&reader::page(call, visitor), &form)))
}

/// `POST /login/code`
pub fn second_step(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let form = sent::form(call, visitor)?.form;
    match sign_in::second_step(call, form.get("ticket"), form.get("code")) {
        Ok(session) => welcome_in(call, visitor, &session, form.get("next")),
        Err(Error::Unauthenticated) => {
            let next = query(&[("next", form.get("next"))]);
            Ok(reader::go(format!("/login?{next}").trim_end_matches('?')))
        }
        Err(error) => sent::again(call, visitor, form, error, |p, form| Ok(doors::code(p, form))),
    }
}

/// `POST /logout`
pub fn sign_out(call: &Call, visitor: &Visitor) -> Result<Reply> {
    sent::by_caller(call, visitor)?;
    auth::logout(call, caller(visitor)?)?;
    Ok(reader::go("/").and("Set-Cookie", set_cookie(call, COOKIE, "", 0)))
}

/// `GET /register`
pub fn register_page(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let page = reader::page(call, visitor);
    let w = page.w;
    Ok(match call.app.config.registration_open {
        true => reader::show(call, doors::register(&page, &Form::default())),
        false => reader::show(call, doors::done(&page, w.register, w.registration_closed)),
    })
}

/// `POST /register`
pub fn register(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let form = sent::form(call, visitor)?.form;
    let body = json!({
        "username": form.get("username"), "email": form.get("email"), "password": form.get("password")
    });
    // Without one the account's mails are in English, and its pages as the browser asks.
    let language = Some(words(call, visitor).lang).filter(|lang| *lang != "en");
    let register = |call: &Call| auth::register_in(call, language);
    match sent::forward(call, Vec::new(), &body, register) {
        Ok(_) => Ok(reader::go("/mailbox?registered=true")),
        Err(error) => {
            let error = match error {
                // Perhaps by whoever lost the first answer.
                Error::Conflict(Conflict::UsernameTaken) => Error::invalid("username", TAKEN),
                other => other,
            };
            sent::again(call, visitor, form, error, |p, form| Ok(doors::register(p, form)))
        }
    }
}

/// `GET /forgot`
pub fn forgot(call: &Call, visitor: &Visitor) -> Result<Reply> {
    Ok(reader::show(call, doors::forgot(&reader::page(call, visitor), &Form::default())))
}

/// `POST /forgot`: a link to choose a new password.
pub fn send_reset(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let page = |p: &Page, form: &Form| Ok(doors::forgot(p, form));
    send_link(call, visitor, auth::request_password_reset, page)
}

/// `POST /confirmation`: a new link to confirm an address.
pub fn send_confirmation(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let page = |p: &Page, form: &Form| Ok(doors::no_confirmation(p, form));
    send_link(call, visitor, auth::request_email, page)
}

fn send_link(
    call: &Call,
    visitor: &Visitor,
    handler: fn(&Call) -> Result<Reply>,
    page: impl FnOnce(&Page, &Form) -> Result<Markup>,
) -> Result<Reply> {
    let form = sent::form(call, visitor)?.form;
    match sent::forward(call, Vec::new(), &json!({ "email": form.get("email") }), handler) {
        Ok(_) => Ok(reader::go("/mailbox")),
        Err(error) => sent::again(call, visitor, form, error, page),
    }
}

/// `GET /mailbox`: after whatever sends a mail; but for new accounts, whose names and addresses are no
/// secret here, the same for every address, known or not.
pub fn mailbox(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let mut query = call.query()?;
    let registered = query.text("registered").is_some();
    query.finish()?;
    let page = reader::page(call, visitor);
    let text = if registered { page.w.registered_text } else { page.w.mailbox_text };
    Ok(reader::show(call, doors::done(&page, page.w.mailbox_title, text)))
}
