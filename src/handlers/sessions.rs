//! A user's own sessions.

use crate::access::Caller;
use crate::context::Call;
use crate::error::{Error, Result};
use crate::http::Reply;
use crate::repository::audit::Action;
use crate::repository::sessions;
use serde::Serialize;

#[derive(Serialize)]
struct SessionView<'a> {
    #[serde(flatten)]
    session: &'a sessions::Session,
    current: bool,
}

/// `GET /api/users/me/sessions`
pub fn list(call: &Call, caller: &Caller) -> Result<Reply> {
    let oldest = call.now - call.app.config.session;
    let sessions = call.app.db.read(|db| sessions::list(db, caller.id(), call.now, oldest))?;
    let shown: Vec<_> = sessions
        .iter()
        .map(|session| SessionView { session, current: session.id == caller.session() })
        .collect();
    Ok(Reply::json(&shown))
}

/// `DELETE /api/users/me/sessions/{id}`
pub fn delete(call: &Call, caller: &Caller) -> Result<Reply> {
    let (user, id) = (caller.id(), call.id()?);
    let action = if id == caller.session() { Action::Logout } else { Action::SessionRevoked };
    call.app.change_user(user, |tx, _| {
        if sessions::delete(tx, user, id)? == 0 {
            return Err(Error::NotFound);
        }
        call.audit(tx, action, Some(user), Some(user))
    })?;
    Ok(Reply::no_content())
}
