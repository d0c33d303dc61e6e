//! History: one contact, and the whole book.

use super::{add, ann_and_eve, by, delete, find, name, named, patch, with};
use crate::world::World;
use chrono::Duration;
use contactd::error::Error;
use contactd::repository::contacts::rows::{self, Part};
use contactd::service::contacts::{self, Action};
use contactd::service::groups;
use contactd::service::history::{self, Rewound, To};
use serde_json::json;
use std::collections::BTreeMap;

/// The cards of a book by id.
fn book(world: &World, owner: i64) -> BTreeMap<i64, String> {
    let page = world.app.db.read(|db| rows::page(db, owner, &Part::Live, 0)).unwrap();
    page.into_iter().map(|stored| (stored.contact.id, stored.text)).collect()
}

fn revision(world: &World, owner: i64) -> i64 {
    world.app.db.read(|db| contactd::repository::contacts::books::find(db, owner)).unwrap().revision
}

#[test]
fn a_contact_goes_back_to_what_it_was_another_owner_s_does_not() {
    let (world, ann, eve) = ann_and_eve();
    let contact = add(&world, ann, named("A"));
    let changed = patch(&world, ann, contact.id, named("B")).unwrap().contact;
    let back = |owner, revision| {
        history::revert(&world.app, owner, &by(), contact.id, revision, &|_, _| Ok(()))
    };
    assert!(matches!(back(eve, changed.revision), Err(Error::NotFound)));
    assert!(matches!(back(ann, contact.revision), Err(Error::Invalid(_))), "made, not changed");
    assert_eq!(name(&back(ann, changed.revision).unwrap().contact), "A");
    assert_eq!(name(&back(ann, 3).unwrap().contact), "B", "itself a change");
}

/// Whatever happened, each earlier state comes back exactly, and so does the one before rewinding.
#[test]
fn a_book_goes_back_to_any_revision_and_forth_again() {
    let (world, ann, eve) = ann_and_eve();
    let mut states = vec![(0, BTreeMap::new())];
    let note = |world: &World, states: &mut Vec<_>| {
        states.push((revision(world, ann), book(world, ann)));
    };
    let eves = add(&world, eve, named("Eve's"));
    let ids: Vec<_> = (0..6)
        .map(|n| add(&world, ann, with(&format!("N{n}"), json!({"labels": ["x"]}))).id)
        .collect();
    note(&world, &mut states);
    patch(&world, ann, ids[0], named("Changed")).unwrap();
    delete(&world, ann, ids[1]).unwrap();
    note(&world, &mut states);
    contacts::restore(&world.app, ann, &by(), ids[1], contacts::UNGUARDED).unwrap();
    delete(&world, ann, ids[2]).unwrap();
    let taken = json!({"first_name": "Taken", "uid": find_uid(&world, ids[2])});
    let taken =
        contactd::service::bodies::create(&world.app, ann, &by(), taken, world.now(), |_| {});
    taken.unwrap();
    note(&world, &mut states);
    groups::rename_label(&world.app, ann, &by(), "X", Some("y")).unwrap();
    contacts::bulk(&world.app, ann, &by(), &Action::Delete, &ids[3..]).unwrap();
    note(&world, &mut states);
    let forth = states.clone();
    for (to, then) in states.iter().rev().chain(&forth) {
        let counted = history::rewind(&world.app, ann, &by(), To::Revision(*to), true).unwrap();
        let done = history::rewind(&world.app, ann, &by(), To::Revision(*to), false).unwrap();
        assert_eq!(counted, done, "a dry run counts what is done");
        assert_eq!(&book(&world, ann), then, "revision {to}");
        let again = history::rewind(&world.app, ann, &by(), To::Revision(*to), false).unwrap();
        assert_eq!(again, Rewound::default(), "there is nothing left to do");
    }
    assert_eq!(find(&world, eve, eves.id).unwrap().contact, eves);
    let counted: i64 =
        world.sql(&format!("SELECT contacts FROM address_books WHERE owner = {ann}"));
    assert_eq!(counted, book(&world, ann).len() as i64);
}

fn find_uid(world: &World, id: i64) -> String {
    world.sql(&format!("SELECT uid FROM contacts WHERE id = {id}"))
}

#[test]
fn an_instant_is_the_last_change_before_it_and_not_for_ever_back() {
    let (world, ann, _) = ann_and_eve();
    let contact = add(&world, ann, named("A"));
    world.pass(Duration::hours(1));
    let noon = world.now();
    world.pass(Duration::hours(1));
    patch(&world, ann, contact.id, named("B")).unwrap();
    let rewind = |to| history::rewind(&world.app, ann, &by(), to, false);
    for wrong in [
        To::Instant(world.now() + Duration::seconds(1)),
        To::Instant(world.now() - Duration::days(31)),
        To::Revision(3),
        To::Revision(-1),
    ] {
        assert!(matches!(rewind(wrong), Err(Error::Invalid(_))), "{wrong:?}");
    }
    rewind(To::Instant(noon)).unwrap();
    assert_eq!(name(&find(&world, ann, contact.id).unwrap().contact), "A");
    world.pass(Duration::days(31));
    contactd::service::upkeep::purge(&world.app).unwrap();
    assert!(matches!(rewind(To::Revision(1)), Err(Error::Invalid(_))), "forgotten");
}
