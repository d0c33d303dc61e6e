//! A user's own app passwords, for phones and scripts.

use crate::access::Caller;
use crate::context::Call;
use crate::crypto::typed;
use crate::error::{Conflict, Error, Result};
use crate::http::Reply;
use crate::model::text;
use crate::model::user::{self, Scope};
use crate::repository::app_passwords;
use crate::repository::audit::Action;
use crate::service::confirmation::{confirm_password, unchanged};
use serde_json::{Value, json};

/// `GET /api/users/me/app-passwords`
pub fn list(call: &Call, caller: &Caller) -> Result<Reply> {
    Ok(Reply::json(&call.app.db.read(|db| app_passwords::list(db, caller.id()))?))
}

/// `POST /api/users/me/app-passwords`: the secret is shown once.
pub fn create(call: &Call, caller: &Caller) -> Result<Reply> {
    Ok(Reply::created(&make(call, caller)?))
}

/// Makes an app password, as the API shows it.
pub fn make(call: &Call, caller: &Caller) -> Result<Value> {
    let mut body = call.members()?;
    let name = body.required("name", |raw| text::line(raw, 1, 100));
    let scope = body.required("scope", Scope::parse);
    let password = body.required("password", user::password_as_typed);
    body.finish()?;
    let confirmed = confirm_password(call, caller, &password)?;
    let user = caller.id();
    let (secret, digest) = typed::app_password(user)?;
    let id = call.app.change_user(user, |tx, found| {
        unchanged(found, &confirmed)?;
        let added = app_passwords::insert(tx, user, &name, scope, &digest, call.now)?;
        let id = added.ok_or(Error::Conflict(Conflict::TooManyAppPasswords))?;
        call.audit(tx, Action::AppPasswordCreated, Some(user), Some(user))?;
        Ok(id)
    })?;
    Ok(json!({
        "id": id, "name": name, "scope": scope, "secret": secret, "created_at": call.now
    }))
}

/// `DELETE /api/users/me/app-passwords/{id}`
pub fn delete(call: &Call, caller: &Caller) -> Result<Reply> {
    let (user, id) = (caller.id(), call.id()?);
    call.app.change_user(user, |tx, _| {
        if app_passwords::delete(tx, user, id)? == 0 {
            return Err(Error::NotFound);
        }
        call.audit(tx, Action::AppPasswordRevoked, Some(user), Some(user))
    })?;
    Ok(Reply::no_content())
}
