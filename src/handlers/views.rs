//! How accounts and contacts look in answers: the members of the contract, in its order.

use crate::config::Config;
use crate::model::contact::packed::unpack;
use crate::model::contact::{Contact, MEMBERS};
use crate::model::user::{Role, User};
use crate::picture;
use chrono::{DateTime, SecondsFormat, Utc};
use memchr::memchr_iter;
use serde::Serialize;
use serde_json::json;
use std::fmt::Write;

/// A user. Nothing else ever leaves, a password hash least of all.
#[derive(Debug, Serialize)]
pub struct UserView<'a> {
    id: i64,
    username: &'a str,
    email: &'a str,
    role: Role,
    is_verified: bool,
    is_active: bool,
    avatar: String,
    created_at: DateTime<Utc>,
}

/// A user as the API shows it.
pub fn user<'a>(config: &Config, user: &'a User) -> UserView<'a> {
    UserView {
        id: user.id,
        username: &user.username,
        email: &user.email,
        role: user.role,
        is_verified: user.is_verified,
        is_active: user.is_active,
        avatar: format!("{}{}", config.public_url, avatar_path(user)),
        created_at: user.created_at,
    }
}

/// Where a user's picture is.
pub fn avatar_path(user: &User) -> String {
    let key = user.avatar_key.clone();
    let key = key.unwrap_or_else(|| picture::default_key(&user.username, user.id));
    format!("/avatars/{key}")
}

/// An instant as the API shows it.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Appends a contact as the API shows it. Its members stand in the row as packed JSON, so nothing is
/// read or made anew; those that a list left out are in `members`. `more` are further members, each
/// after a comma. No `config`: it is a state that was, whose picture is at no address.
pub fn contact(
    out: &mut String,
    config: Option<&Config>,
    contact: &Contact,
    members: &str,
    more: &str,
) {
    // Neither writing to a String nor a text in JSON can fail.
    let uid = serde_json::to_string(&contact.uid).unwrap_or_default();
    let _ = write!(out, "{{\"id\":{},\"uid\":{uid}", contact.id);
    let members = unpack(members);
    let (mut from, mut ends) = (0, memchr_iter(b'\n', members.as_bytes()).chain([members.len()]));
    for (name, empty) in MEMBERS {
        let value =
            ends.next().and_then(|end| members.get(std::mem::replace(&mut from, end + 1)..end));
        // Not write!, which takes several times as long for some twenty members of each contact of a list.
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        out.push_str(value.filter(|value| !value.is_empty()).unwrap_or(empty));
    }
    match &contact.photo_type {
        Some(media_type) => {
            // Of what lies in the trash nothing is served.
            let config = config.filter(|_| contact.deleted_at.is_none());
            let url = |it: &Config| format!("{}/api/contacts/{}/photo", it.public_url, contact.id);
            let url = json!(config.map(url));
            let _ = write!(out, ",\"photo\":{{\"url\":{url},\"type\":\"{media_type}\"}}");
        }
        None => out.push_str(",\"photo\":null"),
    }
    let created = instant(contact.created_at);
    let updated = match contact.updated_at == contact.created_at {
        true => created.clone(),
        false => instant(contact.updated_at),
    };
    let _ = write!(out, ",\"created_at\":\"{created}\",\"updated_at\":\"{updated}\"");
    if let Some(at) = contact.deleted_at {
        let _ = write!(out, ",\"deleted_at\":\"{}\"", instant(at));
    }
    out.push_str(more);
    out.push('}');
}
