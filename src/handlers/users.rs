//! Accounts, for admins. Each change looks at the actor again in its own transaction, under the
//! lock of all admins: the last active one stays, whoever comes at once.

use crate::access::Admin;
use crate::context::Call;
use crate::db::Tx;
use crate::error::{Conflict, Error, Result};
use crate::handlers::views;
use crate::http::Reply;
use crate::mail::Kind;
use crate::model::user::{Role, User, password_as_typed};
use crate::repository::audit::{self, Action};
use crate::repository::endings::{self, Kept};
use crate::repository::{totp, users};
use crate::service::confirmation::{confirm_admin, not_the_last};

/// `GET /api/users`
pub fn list(call: &Call, _: &Admin) -> Result<Reply> {
    let mut query = call.query()?;
    let search = query.text("search");
    let role = query.parsed("role", Role::parse);
    let slice = query.slice();
    query.finish()?;
    let (users, total) = call.app.db.read(|db| users::list(db, search.as_deref(), role, slice))?;
    let shown: Vec<_> = users.iter().map(|user| views::user(&call.app.config, user)).collect();
    Ok(Reply::json(&shown).with("X-Total-Count", total.to_string()))
}

/// `GET /api/users/{id}`
pub fn get(call: &Call, _: &Admin) -> Result<Reply> {
    let id = call.id()?;
    let user = call.app.db.read(|db| users::find(db, id))?.ok_or(Error::NotFound)?;
    Ok(Reply::json(&views::user(&call.app.config, &user)))
}

/// `PATCH /api/users/{id}/role`
pub fn set_role(call: &Call, admin: &Admin) -> Result<Reply> {
    let mut body = call.members()?;
    let role = body.required("role", Role::parse);
    let password = body.optional("password", password_as_typed);
    body.finish()?;
    let id = call.id()?;
    confirm_admin(call, admin, password.as_deref())?;
    let user = change(call, admin, id, role == Role::Admin, |tx, before| {
        if before.role != role {
            call.mail(tx, Kind::RoleChanged, &before.email, Some(id))?;
            call.audit(tx, Action::RoleChanged, Some(admin.id()), Some(id))?;
        }
        users::set_role(tx, id, role)
    })?;
    call.app.work_waits.notify();
    Ok(Reply::json(&views::user(&call.app.config, &user)))
}

/// `PATCH /api/users/{id}`
pub fn set_active(call: &Call, admin: &Admin) -> Result<Reply> {
    let mut body = call.members()?;
    let active = body.required_bool("is_active");
    let password = body.optional("password", password_as_typed);
    body.finish()?;
    let id = call.id()?;
    confirm_admin(call, admin, password.as_deref())?;
    let user = change(call, admin, id, active, |tx, before| {
        if !active {
            // All but app passwords works no more when the account is enabled again.
            let kept = Kept { app_passwords: true, ..Kept::default() };
            endings::end(tx, id, kept, call.now)?;
        }
        if before.is_active != active {
            let action = if active { Action::Enabled } else { Action::Disabled };
            call.audit(tx, action, Some(admin.id()), Some(id))?;
        }
        users::set_active(tx, id, active)
    })?;
    Ok(Reply::json(&views::user(&call.app.config, &user)))
}

/// `DELETE /api/users/{id}`
pub fn delete(call: &Call, admin: &Admin) -> Result<Reply> {
    let mut body = call.members_if_any()?;
    let password = body.optional("password", password_as_typed);
    body.finish()?;
    let id = call.id()?;
    confirm_admin(call, admin, password.as_deref())?;
    call.app.delete_user(id, |tx, found, admins| {
        stays_safe(admin, id, admins)?;
        call.last_mail(tx, Kind::Deleted, &found.user)?;
        call.audit(tx, Action::Deleted, Some(admin.id()), Some(id))
    })?;
    call.app.work_waits.notify();
    Ok(Reply::no_content())
}

/// `DELETE /api/users/{id}/totp`: for another account that lost everything. An admin's own factor goes by
/// `DELETE /api/users/me/totp` only, which asks for a code.
pub fn delete_totp(call: &Call, admin: &Admin) -> Result<Reply> {
    let mut body = call.members_if_any()?;
    let password = body.optional("password", password_as_typed);
    body.finish()?;
    let id = call.id()?;
    if id == admin.id() {
        return Err(Error::Conflict(Conflict::OwnSecondFactor));
    }
    confirm_admin(call, admin, password.as_deref())?;
    call.app.change_user_among_admins(id, |tx, found, admins| {
        admin.still_one_of(admins)?;
        if totp::delete(tx, id)? {
            call.mail(tx, Kind::SecondFactorOff, &found.user.email, Some(id))?;
            call.audit(tx, Action::TotpDisabled, Some(admin.id()), Some(id))?;
        }
        Ok(())
    })?;
    call.app.work_waits.notify();
    Ok(Reply::no_content())
}

/// Changes an account under the lock of all active admins. Unless the target `stays_admin` (if it
/// is one), it must not be the last of them.
fn change(
    call: &Call,
    admin: &Admin,
    id: i64,
    stays_admin: bool,
    work: impl FnOnce(&mut Tx, User) -> Result<Option<User>>,
) -> Result<User> {
    call.app.change_user_among_admins(id, |tx, found, admins| {
        match stays_admin {
            true => admin.still_one_of(admins)?,
            false => stays_safe(admin, id, admins)?,
        }
        work(tx, found.user)?.ok_or(Error::NotFound)
    })
}

/// The actor still is an admin, and without the target there still is one.
fn stays_safe(admin: &Admin, target: i64, admins: &[i64]) -> Result<()> {
    admin.still_one_of(admins)?;
    not_the_last(admins, target)
}

/// `GET /api/audit-events`
pub fn audit_events(call: &Call, _: &Admin) -> Result<Reply> {
    let mut query = call.query()?;
    let user = query.parsed("user_id", |raw| {
        raw.parse::<i64>().ok().filter(|id| *id > 0).ok_or_else(|| "must be an id".to_owned())
    });
    let action = query.text("action");
    let slice = query.slice();
    query.finish()?;
    let (events, total) = call.app.db.read(|db| audit::list(db, user, action.as_deref(), slice))?;
    Ok(Reply::json(&events).with("X-Total-Count", total.to_string()))
}
