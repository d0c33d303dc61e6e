//! The account, its second factor, its sessions.

use crate::access::Visitor;
use crate::context::Call;
use crate::error::{Conflict, Error, Result};
use crate::handlers::rest::exports;
use crate::handlers::web::contacts::program;
use crate::handlers::web::reader::{self, caller, words};
use crate::handlers::web::sent::{self, Sent, forward, or_gone};
use crate::handlers::{auth, profile, second_factor, sessions, views};
use crate::http::Reply;
use crate::markup::form::Form;
use crate::markup::page::message;
use crate::markup::settings::{self, Account, Session};
use crate::repository::{sessions as rows, totp, users};
use crate::service::second_factor as factor;
use serde_json::{Value, json};

const WRONG_PASSWORD: &str =
    "The current password is wrong. If you have just changed it, the new one counts already.";
const CODES_GONE: &str = "Recovery codes are shown once. If you do not have yours, switch the second factor \
    off and on again: you get new ones.";

/// The page. `form` was sent to the part named `at` and has faults.
fn shown(call: &Call, visitor: &Visitor, at: &str, form: &Form) -> Result<maud::Markup> {
    let caller = caller(visitor)?;
    let user = caller.user();
    let (live, factor) = call.app.db.read(|db| {
        let oldest = call.now - call.app.config.session;
        let live = rows::list(db, user.id, call.now, oldest)?;
        Ok((live, totp::is_on(db, user.id)?))
    })?;
    let session = |it: rows::Session| Session {
        id: it.id,
        device: program(&it.user_agent),
        ip: it.ip,
        last_used_at: it.last_used_at,
        current: it.id == caller.session(),
    };
    let account = Account {
        user,
        avatar: &views::avatar_path(user),
        totp: factor,
        sessions: live.into_iter().map(session).collect(),
    };
    Ok(settings::page(&reader::page(call, visitor), &account, at, form))
}

/// `GET /settings`
pub fn page(call: &Call, visitor: &Visitor) -> Result<Reply> {
    shown(call, visitor, "", &Form::default()).map(|page| reader::show(call, page))
}

/// Gives what the form named `at` says to `act`; what is wrong with it stands in the form.
fn with_form(
    call: &Call,
    visitor: &Visitor,
    at: &str,
    act: impl FnOnce(&Form) -> Result<Reply>,
) -> Result<Reply> {
    let form = sent::by_caller(call, visitor)?.form;
    act(&form).or_else(|error| {
        sent::again(call, visitor, form, error, |_, form| shown(call, visitor, at, form))
    })
}

/// The fields of a form as JSON.
fn fields(form: &Form, names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| ((*name).to_owned(), json!(form.get(name))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn saved(call: &Call, visitor: &Visitor, text: &str) -> Result<Reply> {
    reader::go_saying(call, visitor, "/settings", text)
}

/// `POST /settings/profile`
pub fn set_profile(call: &Call, visitor: &Visitor) -> Result<Reply> {
    with_form(call, visitor, "profile", |form| {
        let caller = caller(visitor)?;
        // A page that was left open takes no name back that was given since.
        let was = Some(form.get("was")).filter(|was| !was.is_empty());
        if form.get("username") != was.unwrap_or(&caller.user().username) {
            forward(call, Vec::new(), &fields(form, &["username"]), |call| {
                profile::rename(call, caller)
            })?;
        }
        let w = crate::markup::words::of(form.get("language"));
        let (id, language) = (caller.id(), w.map(|w| w.lang));
        call.app.change_user(id, |tx, _| users::set_language(tx, id, language))?;
        saved(call, visitor, w.unwrap_or(words(call, visitor)).saved)
    })
}

/// `POST /settings/email`
pub fn set_email(call: &Call, visitor: &Visitor) -> Result<Reply> {
    with_form(call, visitor, "address", |form| {
        let body = fields(form, &["email", "password"]);
        forward(call, Vec::new(), &body, |call| profile::change_email(call, caller(visitor)?))?;
        saved(call, visitor, words(call, visitor).email_sent)
    })
}

/// `POST /settings/password`
pub fn set_password(call: &Call, visitor: &Visitor) -> Result<Reply> {
    with_form(call, visitor, "password", |form| {
        let body = json!({
            "current_password": form.get("current_password"),
            "new_password": form.get("new_password"),
            "keep_app_passwords": form.get("keep_app_passwords") == "true",
        });
        let changed = forward(call, Vec::new(), &body, |call| {
            profile::change_password(call, caller(visitor)?)
        });
        changed.map_err(|error| match error {
            // A second click, or whoever lost the first answer.
            Error::WrongPassword => Error::invalid("current_password", WRONG_PASSWORD),
            other => other,
        })?;
        saved(call, visitor, words(call, visitor).password_changed)
    })
}

/// `POST /settings/totp`: the secret is handed to the page that shows it.
pub fn begin_totp(call: &Call, visitor: &Visitor) -> Result<Reply> {
    with_form(call, visitor, "totp", |form| {
        let begun = factor::begin(call, caller(visitor)?, form.get("password"))?;
        reader::hand(
            call,
            visitor,
            "/settings/totp",
            &json!({ "secret": begun.secret, "uri": begun.uri }),
        )
    })
}

/// `GET /settings/totp`
pub fn totp_page(call: &Call, visitor: &Visitor) -> Result<Reply> {
    caller(visitor)?;
    let Some(handed) = reader::handed(call, visitor) else { return Ok(reader::go("/settings")) };
    let mut form = Form::default();
    form.set("uri", reader::text(&handed, "uri"));
    form.set("secret", reader::text(&handed, "secret"));
    setup(call, visitor, &form).map(|page| reader::show_again(call, page))
}

fn setup(call: &Call, visitor: &Visitor, form: &Form) -> Result<maud::Markup> {
    // An address that is too long for a picture is none of ours.
    let qr = factor::svg(form.get("uri")).map_err(|_| Error::StaleForm)?;
    Ok(settings::totp_setup(&reader::page(call, visitor), &qr, form))
}

/// `POST /settings/totp/confirm`
pub fn confirm_totp(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let form = sent::by_caller(call, visitor)?.form;
    match factor::confirm(call, caller(visitor)?, form.get("code").trim()) {
        Ok(codes) => {
            reader::hand(call, visitor, "/settings/recovery-codes", &json!({ "codes": codes }))
        }
        // Sent twice: the next page shows the codes that the first one handed over.
        Err(Error::Conflict(Conflict::SecondFactorOn)) => {
            Ok(reader::go("/settings/recovery-codes"))
        }
        Err(error) => sent::again(call, visitor, form, error, |_, form| setup(call, visitor, form)),
    }
}

/// `GET /settings/recovery-codes`: once. Whoever comes without them may have lost the answer that had them.
pub fn recovery_codes(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let user = caller(visitor)?.id();
    let codes = reader::handed(call, visitor)
        .and_then(|it| serde_json::from_value(it.get("codes")?.clone()).ok());
    let Some(codes): Option<Vec<String>> = codes else {
        if !call.app.db.read(|db| totp::is_on(db, user))? {
            return Ok(reader::go("/settings#totp"));
        }
        let text = words(call, visitor).sentence(CODES_GONE);
        return reader::go_saying(call, visitor, "/settings#totp", text);
    };
    Ok(reader::show(call, settings::recovery_codes(&reader::page(call, visitor), &codes)))
}

/// `POST /settings/totp/off`
pub fn end_totp(call: &Call, visitor: &Visitor) -> Result<Reply> {
    with_form(call, visitor, "totp", |form| {
        let body = fields(form, &["password", "code"]);
        or_gone(forward(call, Vec::new(), &body, |call| {
            second_factor::delete(call, caller(visitor)?)
        }))?;
        saved(call, visitor, words(call, visitor).totp_off)
    })
}

/// `POST /settings/sessions/end`
pub fn end_session(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let form = sent::by_caller(call, visitor)?.form;
    let id = vec![("id", form.get("id").to_owned())];
    or_gone(forward(call, id, &Value::Null, |call| sessions::delete(call, caller(visitor)?)))?;
    saved(call, visitor, words(call, visitor).session_ended)
}

/// `POST /settings/sessions/end-all`
pub fn end_all(call: &Call, visitor: &Visitor) -> Result<Reply> {
    sent::by_caller(call, visitor)?;
    auth::logout_all(call, caller(visitor)?)?;
    Ok(reader::go("/login"))
}

/// `POST /settings/avatar`
pub fn set_avatar(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let Sent { form, file } = sent::by_caller(call, visitor)?;
    let admin = visitor.admin()?;
    let set = file
        .ok_or_else(|| Error::invalid("file", "is required"))
        .and_then(|file| profile::put_avatar(call, &admin, &file));
    match set {
        Ok(_) => saved(call, visitor, words(call, visitor).saved),
        Err(error) => {
            sent::again(call, visitor, form, error, |_, form| shown(call, visitor, "avatar", form))
        }
    }
}

/// `POST /settings/avatar/delete`
pub fn delete_avatar(call: &Call, visitor: &Visitor) -> Result<Reply> {
    sent::by_caller(call, visitor)?;
    profile::delete_avatar(call, &visitor.admin()?)?;
    saved(call, visitor, words(call, visitor).saved)
}

/// `GET /settings/export`
pub fn export(call: &Call, visitor: &Visitor) -> Result<Reply> {
    exports::account(call, caller(visitor)?)
}

/// `POST /settings/delete`
pub fn delete(call: &Call, visitor: &Visitor) -> Result<Reply> {
    with_form(call, visitor, "delete", |form| {
        forward(call, Vec::new(), &fields(form, &["password"]), |call| {
            profile::delete(call, caller(visitor)?)
        })?;
        Ok(reader::go("/farewell"))
    })
}

/// `GET /farewell`: after an account was deleted.
pub fn farewell(call: &Call, _: &Visitor) -> Result<Reply> {
    let p = reader::anyone(call);
    let page = message(&p, p.w.account_deleted, p.w.account_deleted_text);
    Ok(reader::show(call, page))
}
