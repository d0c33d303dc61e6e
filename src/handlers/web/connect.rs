//! Phones, mail programs and scripts: their app passwords.

use crate::access::Visitor;
use crate::context::Call;
use crate::error::Result;
use crate::handlers::dav::target::Target;
use crate::handlers::web::reader::{self, caller, words};
use crate::handlers::web::sent::{self, forward, or_gone};
use crate::handlers::{app_passwords, profile};
use crate::http::Reply;
use crate::markup::connect::{self, AppPassword, Fresh};
use crate::markup::form::Form;
use crate::repository::app_passwords as rows;
use crate::service::second_factor::svg;
use serde_json::{Value, json};

/// App passwords on a page.
const PAGE: usize = 20;

fn shown(call: &Call, visitor: &Visitor, form: &Form) -> Result<maud::Markup> {
    let caller = caller(visitor)?;
    let known = call.app.db.read(|db| rows::list(db, caller.id()))?;
    let password = |it: rows::AppPassword| AppPassword {
        id: it.id,
        name: it.name,
        scope: it.scope.as_str().to_owned(),
        created_at: it.created_at,
        last_used: it.last_used_at.zip(it.last_used_ip),
    };
    let mut query = call.query()?;
    let skip = usize::try_from(query.slice().skip).unwrap_or(0);
    query.finish()?;
    let next = (skip + PAGE < known.len()).then(|| format!("skip={}", skip + PAGE));
    let known: Vec<_> = known.into_iter().map(password).skip(skip).take(PAGE).collect();
    let server = &call.app.config.public_url;
    let handed = reader::handed(call, visitor);
    let text = |name: &str| Some(handed.as_ref()?.get(name)?.as_str()?.to_owned());
    let fresh = match (text("name"), text("scope"), text("secret")) {
        (Some(name), Some(scope), Some(secret)) => {
            let book = format!("{server}{}", Target::Book(caller.id()));
            Some(Fresh { name, scope, secret, qr: svg(server)?, book })
        }
        _ => None,
    };
    let page = reader::page(call, visitor);
    let username = &caller.user().username;
    let next = next.as_deref();
    Ok(connect::page(&page, server, username, &known, fresh.as_ref(), form, next))
}

/// `GET /settings/connect`
pub fn page(call: &Call, visitor: &Visitor) -> Result<Reply> {
    shown(call, visitor, &Form::default()).map(|page| reader::show(call, page))
}

/// `POST /settings/connect`: the new app password is handed to the page that shows it, once.
pub fn create(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let form = sent::by_caller(call, visitor)?.form;
    let (name, scope) = (form.get("name").to_owned(), form.get("scope").to_owned());
    let body = json!({ "name": name, "scope": scope, "password": form.get("password") });
    match forward(call, Vec::new(), &body, |call| app_passwords::make(call, caller(visitor)?)) {
        Ok(made) => reader::hand(
            call,
            visitor,
            "/settings/connect",
            &json!({ "name": name, "scope": scope, "secret": reader::text(&made, "secret") }),
        ),
        Err(error) => sent::again(call, visitor, form, error, |_, form| shown(call, visitor, form)),
    }
}

/// `POST /settings/connect/revoke`
pub fn revoke(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let form = sent::by_caller(call, visitor)?.form;
    let id = vec![("id", form.get("id").to_owned())];
    or_gone(forward(call, id, &Value::Null, |call| app_passwords::delete(call, caller(visitor)?)))?;
    reader::go_saying(call, visitor, "/settings/connect", words(call, visitor).revoked)
}

/// `GET /settings/carddav.mobileconfig`
pub fn apple_profile(call: &Call, visitor: &Visitor) -> Result<Reply> {
    profile::carddav_profile(call, caller(visitor)?)
}
