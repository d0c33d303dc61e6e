//! A user's own account.

use crate::access::{Admin, Caller};
use crate::context::Call;
use crate::crypto;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::handlers::views;
use crate::http::Reply;
use crate::limits;
use crate::mail::Kind;
use crate::model::text;
use crate::model::user::{self, Role, User};
use crate::multipart;
use crate::picture;
use crate::repository::audit::Action;
use crate::repository::endings::{self, Kept, Sessions};
use crate::repository::mail_tokens::Purpose;
use crate::repository::{avatars, users};
use crate::service::confirmation::{confirm_password, not_the_last, unchanged};
use crate::service::profiles;

/// `GET /api/users/me`: from the cache, without SQL when it is warm.
pub fn me(call: &Call, caller: &Caller) -> Result<Reply> {
    Ok(Reply::json(&views::user(&call.app.config, caller.user())))
}

/// `PATCH /api/users/me`
pub fn rename(call: &Call, caller: &Caller) -> Result<Reply> {
    let mut body = call.members()?;
    let username = body.required("username", user::username);
    body.finish()?;
    let id = caller.id();
    let user = call.app.change_user(id, |tx, before| {
        if before.user.username != username {
            call.audit(tx, Action::Renamed, Some(id), Some(id))?;
        }
        users::set_username(tx, id, &username)?.ok_or(Error::Unauthenticated)
    })?;
    Ok(Reply::json(&views::user(&call.app.config, &user)))
}

/// `POST /api/users/me/password`
pub fn change_password(call: &Call, caller: &Caller) -> Result<Reply> {
    let me = caller.user();
    let mut body = call.members()?;
    let current = body.required("current_password", user::password_as_typed);
    let new = body.required("new_password", |raw| user::password(raw, &me.username, &me.email));
    let app_passwords = body.optional_bool("keep_app_passwords");
    body.finish()?;
    let confirmed = confirm_password(call, caller, &current)?;
    let hash = call.app.passwords.enter()?.hash(&new)?;
    call.app.change_user(me.id, |tx, found| {
        let user = unchanged(found, &confirmed)?;
        users::set_password(tx, user.id, &hash)?;
        // With the links a change of the address that a thief began with the old password.
        let kept = Kept { sessions: Sessions::Keep(caller.session()), app_passwords };
        endings::end(tx, user.id, kept, call.now)?;
        call.mail(tx, Kind::PasswordChanged, &user.email, Some(user.id))?;
        call.audit(tx, Action::PasswordChanged, Some(user.id), Some(user.id))
    })?;
    call.app.work_waits.notify();
    Ok(Reply::no_content())
}

/// `POST /api/users/me/email`: a link to the new address, a notice to the old one. Whether the
/// new one is taken is not said: the worker then sends no link.
pub fn change_email(call: &Call, caller: &Caller) -> Result<Reply> {
    let mut body = call.members()?;
    let email = body.required("email", text::email);
    let password = body.required("password", user::password_as_typed);
    body.finish()?;
    let confirmed = confirm_password(call, caller, &password)?;
    // A strange mailbox must not be filled from here either.
    limits::count_new_address(call, caller.id())?;
    // Whether the address is taken or not, since the account's export shows what came of the wish.
    let allowed = limits::mailbox_allows(call, &email, "new-mailbox");
    call.app.db.transaction(|tx| {
        let found = users::lock(tx, confirmed.user.id)?.ok_or(Error::Unauthenticated)?;
        let user = unchanged(found, &confirmed)?;
        if allowed {
            // The older wish is withdrawn, also where the new address turns out to be taken.
            endings::revoke_links(tx, user.id, &[Purpose::ChangeEmail], call.now)?;
        }
        call.mail(tx, Kind::ChangeEmail, &email, Some(user.id).filter(|_| allowed))?;
        call.mail(tx, Kind::EmailChanging, &user.email, Some(user.id))?;
        call.audit(tx, Action::EmailChangeRequested, Some(user.id), Some(user.id))
    })?;
    call.app.work_waits.notify();
    Ok(Reply::accepted("A mail with a link is on its way to the new address."))
}

/// `DELETE /api/users/me`
pub fn delete(call: &Call, caller: &Caller) -> Result<Reply> {
    let mut body = call.members()?;
    let password = body.required("password", user::password_as_typed);
    body.finish()?;
    let confirmed = confirm_password(call, caller, &password)?;
    let id = caller.id();
    let deleted = call.app.delete_user(id, |tx, found, admins| {
        unchanged(found, &confirmed)?;
        not_the_last(admins, id)?;
        call.audit(tx, Action::Deleted, Some(id), Some(id))
    });
    match deleted {
        // Another request of the same account was quicker, and ended this session.
        Err(Error::NotFound) => Err(Error::Unauthenticated),
        deleted => deleted.map(|()| Reply::no_content()),
    }
}

/// `PATCH /api/users/avatar`
pub fn set_avatar(call: &Call, admin: &Admin) -> Result<Reply> {
    let boundary = call.multipart_boundary()?;
    let body = call.body()?;
    let file = multipart::file(body, boundary, "file")?;
    let file = file.ok_or_else(|| Error::invalid("file", "is required"))?;
    let user = put_avatar(call, admin, file)?;
    Ok(Reply::json(&views::user(&call.app.config, &user)))
}

/// Makes a picture of a file and shows it from now on.
pub fn put_avatar(call: &Call, admin: &Admin, file: &[u8]) -> Result<User> {
    let picture = picture::avatar(file)?;
    // The first letter is in no key of a default picture.
    let key = format!("u{}-{}", admin.id(), crypto::random_uuid()?);
    change_avatar(call, admin, |tx, id| {
        avatars::put(tx, id, &key, &picture)?;
        users::set_avatar(tx, id, Some(&key))
    })
}

/// `DELETE /api/users/avatar`
pub fn delete_avatar(call: &Call, admin: &Admin) -> Result<Reply> {
    let user = change_avatar(call, admin, |tx, id| {
        avatars::delete(tx, id)?;
        users::set_avatar(tx, id, None)
    })?;
    Ok(Reply::json(&views::user(&call.app.config, &user)))
}

fn change_avatar(
    call: &Call,
    admin: &Admin,
    change: impl FnOnce(&mut Tx, i64) -> Result<Option<User>>,
) -> Result<User> {
    let id = admin.id();
    call.app.change_user(id, |tx, actor| {
        if actor.user.role != Role::Admin || !actor.user.is_active {
            return Err(Error::AdminOnly);
        }
        let user = change(tx, id)?.ok_or(Error::Unauthenticated)?;
        call.audit(tx, Action::AvatarChanged, Some(id), Some(id))?;
        Ok(user)
    })
}

/// `GET /api/users/me/carddav.mobileconfig`
pub fn carddav_profile(call: &Call, caller: &Caller) -> Result<Reply> {
    let profile = profiles::carddav(&call.app.config, caller.user())?;
    Ok(Reply::bytes("application/x-apple-aspen-config", profile)
        .with("Content-Disposition", "attachment; filename=\"contacts.mobileconfig\""))
}
