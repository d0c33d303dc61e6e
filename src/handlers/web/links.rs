//! Pages behind mailed links, and what their forms answer. Looking at one changes nothing: mail scanners
//! follow links.

use crate::context::Call;
use crate::crypto;
use crate::error::{Error, Result};
use crate::handlers::web::reader::anyone;
use crate::http::Reply;
use crate::markup::DeadLink;
use crate::markup::doors;
use crate::markup::form::Form;
use crate::repository::mail_tokens::{self, MailToken, Purpose};
use crate::repository::users;

/// The token in the path with its account's name, if it is alive and for one of these purposes.
fn alive(call: &Call, purposes: &[Purpose]) -> Result<Option<(MailToken, String)>> {
    let token = call.param("token");
    let Some(user) = crypto::owner_of(token) else { return Ok(None) };
    let hash = crypto::token_hash(token);
    call.app.db.read(|db| {
        let found = mail_tokens::find(db, user, &hash, call.now)?;
        let found = found.filter(|token| purposes.contains(&token.purpose));
        Ok(found.zip(users::find(db, user)?.map(|user| user.username)))
    })
}

/// `GET /api/auth/confirmed_email/{token}`
pub fn confirm(call: &Call) -> Result<Reply> {
    Ok(match alive(call, &[Purpose::Confirm, Purpose::ChangeEmail])? {
        Some((token, name)) => {
            let page = doors::confirm(&anyone(call), call.param("token"), &name, &token.email);
            Reply::html(page.into_string())
        }
        None => dead(call, DeadLink::Confirm),
    })
}

/// `GET /api/auth/reset-password/{token}`
pub fn reset(call: &Call) -> Result<Reply> {
    Ok(match alive(call, &[Purpose::Reset])? {
        Some(_) => {
            let page = doors::reset(&anyone(call), call.param("token"), &Form::default());
            Reply::html(page.into_string())
        }
        None => dead(call, DeadLink::Reset),
    })
}

/// The page for a dead link, which offers a new one.
pub fn dead(call: &Call, link: DeadLink) -> Reply {
    let page = doors::dead_link(&anyone(call), link);
    Reply::html_error(&Error::DeadLink, page.into_string())
}

/// After the button that confirms an address.
pub fn confirmed(call: &Call) -> Reply {
    let p = anyone(call);
    Reply::html(doors::done(&p, p.w.confirmed, p.w.confirmed_text).into_string())
}

/// The form for a new password once more, with what is wrong with the one that was sent.
pub fn reset_again(call: &Call, token: &str, error: &Error, detail: &str) -> Reply {
    let p = anyone(call);
    let mut form = Form::default();
    form.fault("new_password", p.w.sentence(detail));
    Reply::html_error(error, doors::reset(&p, token, &form).into_string())
}

/// After the form for a new password.
pub fn reset_done(call: &Call) -> Reply {
    let p = anyone(call);
    Reply::html(doors::done(&p, p.w.reset_done, p.w.reset_done_text).into_string())
}

/// After a form that asks for a mail: the same for every address, known or not.
pub fn mail_requested(call: &Call) -> Reply {
    let p = anyone(call);
    Reply::html_accepted(doors::done(&p, p.w.mailbox_title, p.w.mailbox_text).into_string())
}
