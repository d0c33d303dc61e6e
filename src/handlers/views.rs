//! How accounts and contacts look in answers: the members of the contract, in its order.

use crate::config::Config;
use crate::model::contact::Contact;
use crate::model::user::{Role, User};
use crate::picture;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

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
    let key = user.avatar_key.clone();
    let key = key.unwrap_or_else(|| picture::default_key(&user.username, user.id));
    UserView {
        id: user.id,
        username: &user.username,
        email: &user.email,
        role: user.role,
        is_verified: user.is_verified,
        is_active: user.is_active,
        avatar: format!("{}/avatars/{key}", config.public_url),
        created_at: user.created_at,
    }
}

/// A contact.
#[derive(Debug, Serialize)]
pub struct ContactView<'a> {
    id: i64,
    first_name: &'a str,
    last_name: Option<&'a str>,
    email: Option<&'a str>,
    phone: Option<&'a str>,
    birthday: Option<NaiveDate>,
    additional_data: Option<&'a str>,
    labels: &'a [String],
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<DateTime<Utc>>,
}

/// A contact as the API shows it.
pub fn contact(contact: &Contact) -> ContactView<'_> {
    let fields = &contact.fields;
    ContactView {
        id: contact.id,
        first_name: &fields.first_name,
        last_name: fields.last_name.as_deref(),
        email: fields.email.as_deref(),
        phone: fields.phone.as_deref(),
        birthday: fields.birthday,
        additional_data: fields.additional_data.as_deref(),
        labels: &fields.labels,
        created_at: contact.created_at,
        updated_at: contact.updated_at,
        deleted_at: contact.deleted_at,
    }
}
