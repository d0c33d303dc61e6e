//! A user's own second factor.

use crate::access::Caller;
use crate::context::Call;
use crate::error::Result;
use crate::http::Reply;
use crate::model::user::password_as_typed;
use crate::service::second_factor;
use serde_json::json;

/// `POST /api/users/me/totp`
pub fn begin(call: &Call, caller: &Caller) -> Result<Reply> {
    let mut body = call.members()?;
    let password = body.required("password", password_as_typed);
    body.finish()?;
    Ok(Reply::created(&second_factor::begin(call, caller, &password)?))
}

/// `POST /api/users/me/totp/confirm`
pub fn confirm(call: &Call, caller: &Caller) -> Result<Reply> {
    let mut body = call.members()?;
    let code = body.required("code", password_as_typed);
    body.finish()?;
    let codes = second_factor::confirm(call, caller, &code)?;
    Ok(Reply::json(&json!({ "recovery_codes": codes })))
}

/// `DELETE /api/users/me/totp`
pub fn delete(call: &Call, caller: &Caller) -> Result<Reply> {
    let mut body = call.members()?;
    let password = body.required("password", password_as_typed);
    let code = body.required("code", password_as_typed);
    body.finish()?;
    second_factor::remove(call, caller, &password, &code)?;
    call.app.work_waits.notify();
    Ok(Reply::no_content())
}
