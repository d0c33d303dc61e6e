//! Accounts, audit events, the mail queue: for admins.

use crate::access::Visitor;
use crate::context::Call;
use crate::error::{Conflict, Error, Result};
use crate::handlers::users;
use crate::handlers::web::reader::{self, words};
use crate::handlers::web::sent::{self, forward};
use crate::http::{self, Reply};
use crate::markup::admin::{self, Event, Health, Slice};
use crate::markup::form::Form;
use crate::markup::queries::query as encoded;
use crate::model::user::Role;
use crate::repository::audit::{self, Action};
use crate::repository::{outbox, users as rows};
use serde_json::{Value, json};

/// `GET /admin`
pub fn accounts(call: &Call, visitor: &Visitor) -> Result<Reply> {
    visitor.admin()?;
    let mut query = call.query()?;
    let (search, role) = (query.text("search"), query.parsed("role", Role::parse));
    let mut slice = query.slice();
    query.finish()?;
    slice.limit = 15;
    let ((users, total), queue) = call
        .app
        .db
        .read(|db| Ok((rows::list(db, search.as_deref(), role, slice)?, outbox::queue(db)?)))?;
    let role = role.map_or("", Role::as_str);
    let search = search.unwrap_or_default();
    let more = slice.skip + (users.len() as i64) < total;
    let place = |skip: i64| {
        let skip = Some(skip.to_string()).filter(|_| skip > 0).unwrap_or_default();
        encoded(&[("search", &search), ("role", role), ("skip", &skip)])
    };
    // The accounts on this page were deleted since.
    if slice.skip > 0 && users.is_empty() {
        return Ok(reader::go(list_at(&place(0))));
    }
    let (query, next) = (place(slice.skip), more.then(|| place(slice.skip + slice.limit)));
    let health = Health {
        version: env!("CARGO_PKG_VERSION"),
        redis: call.app.cache.status(),
        mails_waiting: queue.0,
        mails_failing: queue.1,
    };
    let slice = Slice { search: &search, role, total, query, next };
    Ok(reader::show(call, admin::accounts(&reader::page(call, visitor), &health, &users, &slice)))
}

/// The list of accounts, with the query that it was shown with.
fn list_at(query: &str) -> String {
    if query.is_empty() { "/admin".to_owned() } else { format!("/admin?{query}") }
}

fn came_from(form: &Form) -> String {
    list_at(&reader::place(form.get("query"), &["search", "role", "skip"]))
}

/// `POST /admin/users/{id}`: one change of an account.
pub fn change(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let form = sent::by_caller(call, visitor)?.form;
    let admin = visitor.admin()?;
    let id = vec![("id", call.param("id").to_owned())];
    let send = |body: Value, handler: &dyn Fn(&Call) -> Result<Reply>| {
        let mut body = body;
        if let (Some(members), false) = (body.as_object_mut(), form.get("password").is_empty()) {
            members.insert("password".to_owned(), json!(form.get("password")));
        }
        forward(call, id.clone(), &body, handler)
    };
    let done = match form.get("action") {
        role @ ("user" | "admin") => {
            send(json!({ "role": role }), &|call| users::set_role(call, &admin))
        }
        "disable" => send(json!({ "is_active": false }), &|call| users::set_active(call, &admin)),
        "enable" => send(json!({ "is_active": true }), &|call| users::set_active(call, &admin)),
        "reset-totp" => send(json!({}), &|call| users::delete_totp(call, &admin)),
        "delete" if form.get("sure").is_empty() => return sure(call, visitor, &form),
        "delete" => send(json!({}), &|call| users::delete(call, &admin)),
        _ => Err(Error::invalid("action", "is none that there is")),
    };
    let w = words(call, visitor);
    let back = came_from(&form);
    let deletes = form.get("action") == "delete";
    match done {
        // A second click finds no account any more.
        Ok(_) | Err(Error::NotFound) if deletes => {
            reader::go_saying(call, visitor, back, w.sentence("The account is deleted"))
        }
        Ok(_) if form.get("action") == "user" && call.id()? == admin.id() => {
            reader::go_saying(call, visitor, "/contacts", w.saved)
        }
        Ok(_) => reader::go_saying(call, visitor, back, w.saved),
        // Who signed in long ago types the password again, on the page that asks.
        Err(Error::PasswordNeeded) => sure(call, visitor, &form),
        Err(error @ Error::WrongPassword) => {
            let mut form = form;
            form.fault("password", w.sentence(&http::detail(&error)));
            sure(call, visitor, &form)
        }
        Err(Error::Conflict(Conflict::OwnSecondFactor)) => {
            let own = "Your own second factor is switched off in the settings";
            reader::go_saying(call, visitor, back, w.sentence(own))
        }
        Err(error @ Error::Conflict(_)) => {
            reader::go_saying(call, visitor, back, w.sentence(&http::detail(&error)))
        }
        Err(error) => Err(error),
    }
}

/// Asks before an account is deleted, and for the password where it is needed.
fn sure(call: &Call, visitor: &Visitor, form: &Form) -> Result<Reply> {
    let id = call.id()?;
    let user = call.app.db.read(|db| rows::find(db, id))?.ok_or(Error::NotFound)?;
    let page = reader::page(call, visitor);
    let page = admin::sure(&page, &user, form, &came_from(form));
    Ok(reader::refuse(&Error::PasswordNeeded, page))
}

/// `GET /admin/events`
pub fn events(call: &Call, visitor: &Visitor) -> Result<Reply> {
    visitor.admin()?;
    let mut query = call.query()?;
    let (user, action) = (query.number("user_id", 0, 0..=i64::MAX), query.text("action"));
    let mut slice = query.slice();
    query.finish()?;
    slice.limit = 50;
    let of = Some(user).filter(|id| *id > 0);
    let (events, total, names) = call.app.db.read(|db| {
        let (events, total) = audit::list(db, of, action.as_deref(), slice)?;
        let ids: Vec<_> =
            events.iter().flat_map(|it| [it.actor_id, it.user_id]).flatten().collect();
        Ok((events, total, rows::names(db, &ids)?))
    })?;
    let action = action.unwrap_or_default();
    let user = of.map(|id| id.to_string()).unwrap_or_default();
    let place = |skip: &str| encoded(&[("user_id", &user), ("action", &action), ("skip", skip)]);
    if slice.skip > 0 && events.is_empty() {
        return Ok(reader::go(format!("/admin/events?{}", place(""))));
    }
    let skip = (slice.skip + slice.limit).to_string();
    let next = (slice.skip + (events.len() as i64) < total).then(|| place(&skip));
    let account = |id: Option<i64>| id.map(|id| (id, names.get(&id).cloned()));
    let event = |it: audit::Event| Event {
        at: it.at,
        action: it.action,
        actor: account(it.actor_id),
        user: account(it.user_id),
        ip: it.ip,
    };
    let events: Vec<_> = events.into_iter().map(event).collect();
    let page = reader::page(call, visitor);
    let action = (&*action, Action::WORDS);
    Ok(reader::show(call, admin::events(&page, &events, &user, action, next.as_deref())))
}
