//! The tables `contacts`, `history` and `address_books`, through what alone writes to them, the service.
//! Each function is also called with another owner, who must not reach the contact.

mod books;
mod feed;
mod imports;
mod lists;
mod lookups;
mod reach;
mod rewinding;
mod rows;
mod trash;
mod upkeep;

use crate::world::World;
use contactd::error::Result;
use contactd::model::contact::{Contact, Method, Stored};
use contactd::model::user::Role;
use contactd::repository::contacts::rows as table;
use contactd::repository::users::{self, NewUser};
use contactd::service::bodies;
use contactd::service::contacts::{self, Which};
use contactd::service::writer::By;
use serde_json::{Value, json};

/// An account of that name; its id.
pub fn owner(world: &World, name: &str) -> i64 {
    let email = format!("{name}@example.com");
    let new = NewUser {
        username: name,
        email: &email,
        password_hash: "x",
        role: Role::User,
        is_verified: true,
        language: None,
    };
    world.app.db.transaction(|tx| Ok(users::insert(tx, &new, world.now())?.id)).unwrap()
}

/// A world with the owners Ann and Eve.
pub fn ann_and_eve() -> (World, i64, i64) {
    let world = World::new();
    let (ann, eve) = (owner(&world, "ann"), owner(&world, "eve"));
    (world, ann, eve)
}

pub fn by() -> By {
    By { protocol: "rest", client: "test".to_owned() }
}

/// A body with this name: `first last`, or `first`.
pub fn named(name: &str) -> Value {
    match name.split_once(' ') {
        Some((first, last)) => json!({"first_name": first, "last_name": last}),
        None => json!({"first_name": name}),
    }
}

/// A body with this name and more members.
pub fn with(name: &str, more: Value) -> Value {
    let mut body = named(name);
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

pub fn add(world: &World, owner: i64, body: Value) -> Contact {
    bodies::create(&world.app, owner, &by(), body, world.now(), |_| {}).unwrap()
}

pub fn patch(world: &World, owner: i64, id: i64, body: Value) -> Result<Stored> {
    let body = (body, Method::Patch, world.now());
    bodies::edit(&world.app, owner, &by(), id, &|_, _| Ok(()), body, |_| {})
}

pub fn delete(world: &World, owner: i64, id: i64) -> Result<()> {
    contacts::delete(&world.app, owner, &by(), Which::Id(id), &|_, _| Ok(()))
}

pub fn find(world: &World, owner: i64, id: i64) -> Option<Stored> {
    world.app.db.read(|db| table::find(db, owner, id)).unwrap()
}

/// The display name, which is the first of the members.
pub fn name(contact: &Contact) -> String {
    let members = contact.members.as_deref().unwrap_or("\"long\"");
    serde_json::from_str(members.split('\n').next().unwrap()).unwrap()
}

/// What is there, the trash included, and how much each book counts.
pub fn state(world: &World) -> String {
    world.sql(
        "SELECT coalesce((SELECT string_agg(c::text, ' ' ORDER BY id) FROM contacts c), '')
            || coalesce((SELECT string_agg(h::text, ' ' ORDER BY owner, revision) FROM history h), '')
            || (SELECT string_agg(b::text, ' ' ORDER BY owner) FROM address_books b)",
    )
}
