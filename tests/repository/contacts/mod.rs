//! The tables `contacts` and `address_books`, laid out like the code. Each function is also called
//! with another owner, who must not reach the contact.

mod books;
mod exports;
mod imports;
mod lists;
mod trash;

use crate::world::{World, variable};
use contactd::db::Tx;
use contactd::error::{Error, Result};
use contactd::model::contact::{Contact, ContactFields};
use contactd::model::user::Role;
use contactd::repository::contacts::{self, books as book};
use contactd::repository::users::{self, NewUser};

/// An account of that name; its id.
pub fn owner(world: &World, name: &str) -> i64 {
    let email = format!("{name}@example.com");
    let new = NewUser {
        username: name,
        email: &email,
        password_hash: "x",
        role: Role::User,
        is_verified: true,
    };
    world.app.db.transaction(|tx| Ok(users::insert(tx, &new, world.now())?.id)).unwrap()
}

/// A world with the owners Ann and Eve.
pub fn ann_and_eve() -> (World, i64, i64) {
    let world = World::new();
    let (ann, eve) = (owner(&world, "ann"), owner(&world, "eve"));
    (world, ann, eve)
}

/// Fields with this name: `first last`, or `first`.
pub fn named(name: &str) -> ContactFields {
    let (first, last) = name.split_once(' ').map_or((name, None), |(it, last)| (it, Some(last)));
    ContactFields {
        first_name: first.to_owned(),
        last_name: last.map(str::to_owned),
        ..ContactFields::default()
    }
}

pub fn add(world: &World, owner: i64, fields: &ContactFields) -> Contact {
    let uid = contactd::crypto::random_uuid().unwrap();
    world.app.db.write(|db| contacts::insert(db, owner, &uid, fields, world.now())).unwrap()
}

pub fn change<T>(world: &World, work: impl FnOnce(&mut Tx) -> Result<T>) -> T {
    world.app.db.transaction(work).unwrap()
}

/// Puts a contact into the trash, as its handler does.
pub fn delete(world: &World, owner: i64, id: i64) {
    change(world, |tx| {
        let revision = book::next_revision(tx, owner)?;
        contacts::trash::put(tx, owner, id, revision, world.now())?;
        book::add_to_count(tx, owner, -1)
    });
}

/// What is there, the trash included, and how much each book counts.
pub fn state(world: &World) -> String {
    world.sql(
        "SELECT coalesce((SELECT string_agg(c::text, ' ' ORDER BY id) FROM contacts c), '')
            || (SELECT string_agg(b::text, ' ' ORDER BY owner) FROM address_books b)",
    )
}

#[test]
fn a_new_contact_takes_the_book_s_next_revision_and_is_counted() {
    let (world, ann, eve) = ann_and_eve();
    let (first, second) = (add(&world, ann, &named("A")), add(&world, ann, &named("B")));
    assert_eq!((first.revision, second.revision), (1, 2));
    assert_eq!(first.fields, named("A"));
    assert_eq!(world.app.db.read(|db| book::count(db, ann)).unwrap(), 2);
    assert_eq!(world.app.db.read(|db| book::count(db, eve)).unwrap(), 0);
    let nobody = |db: &mut _| contacts::insert(db, 4711, "uid", &named("C"), world.now());
    assert!(matches!(world.app.db.write(nobody), Err(Error::Unauthenticated)));
}

#[test]
fn a_contact_is_found_by_its_owner_another_cannot() {
    let (world, ann, eve) = ann_and_eve();
    let contact = add(&world, ann, &named("A"));
    let find = |owner| world.app.db.read(|db| contacts::find(db, owner, contact.id)).unwrap();
    assert_eq!(find(ann), Some(contact.clone()));
    assert_eq!(find(eve), None);
    delete(&world, ann, contact.id);
    assert_eq!(find(ann), None, "what is in the trash is not found");
}

#[test]
fn a_contact_is_changed_by_its_owner_another_cannot() {
    let (world, ann, eve) = ann_and_eve();
    let contact = add(&world, ann, &named("A"));
    world.pass(chrono::Duration::hours(1));
    let before = state(&world);
    let update = |owner, revision| {
        change(&world, |tx| {
            contacts::update(tx, owner, contact.id, revision, &named("B C"), world.now())
        })
    };
    assert_eq!(update(eve, 9), None);
    assert_eq!(state(&world), before);
    let changed = update(ann, 9).unwrap();
    assert_eq!((changed.revision, &changed.fields), (9, &named("B C")));
    assert_eq!((changed.created_at, changed.updated_at), (contact.created_at, world.now()));
    assert_eq!(changed.uid, contact.uid);
    delete(&world, ann, contact.id);
    assert_eq!(update(ann, 10), None, "what is in the trash does not change");
}

#[test]
fn a_dump_can_be_restored() {
    // pg_restore computes the columns that searches look in again, and that without a search path.
    let (world, ann, _) = ann_and_eve();
    add(&world, ann, &named("Ґудзь Müller"));
    let schema: String = world.sql("SELECT current_schema()::text");
    let mut restoring =
        postgres::Client::connect(&variable("TEST_DATABASE_URL"), postgres::NoTls).unwrap();
    restoring
        .batch_execute(&format!(
            "SET search_path = ''; UPDATE {schema}.contacts SET last_name = 'Zoë', labels = '{{Ї}}'"
        ))
        .unwrap();
    let folded: String = world.sql("SELECT folded || short_labels FROM contacts");
    assert!(
        folded.starts_with("гудзь\u{1f}zoe\u{1f}") && folded.ends_with("\u{1e}ї\u{1e}"),
        "{folded}"
    );
}
