//! One contact: made, found, changed.

use super::{add, ann_and_eve, delete, find, name, named, patch, state};
use contactd::error::Error;
use contactd::model::contact::Columns;
use contactd::repository::contacts::{books, rows};
use contactd::service::bodies;
use contactd::service::contacts;
use serde_json::json;
use vcard::Card;

#[test]
fn a_new_contact_takes_the_book_s_next_revision_and_is_counted() {
    let (world, ann, eve) = ann_and_eve();
    let (first, second) = (add(&world, ann, named("A")), add(&world, ann, named("B")));
    assert_eq!((first.revision, second.revision), (1, 2));
    let book = |owner| world.app.db.read(|db| books::find(db, owner)).unwrap();
    let stored = find(&world, ann, first.id).unwrap();
    let bytes = stored.text.len() as i64 * 2;
    assert_eq!((book(ann).contacts, book(ann).stored, book(ann).card_bytes), (2, 2, bytes));
    assert_eq!((book(eve).contacts, book(eve).revision), (0, 0));
    let nobody = bodies::create(&world.app, 4711, &super::by(), named("C"), world.now(), |_| {});
    assert!(matches!(nobody, Err(Error::Unauthenticated)));
}

#[test]
fn a_new_contact_is_counted_alike_in_a_book_with_groups_and_is_never_older_than_the_last_change() {
    let (world, ann, _) = ann_and_eve();
    let book = || world.app.db.read(|db| books::find(db, ann)).unwrap();
    let counted = || {
        let stored = "SELECT count(*) FROM contacts";
        let bytes = "SELECT sum(octet_length(card))::bigint FROM contacts";
        assert_eq!((book().stored, book().card_bytes), (world.sql(stored), world.sql(bytes)));
    };
    let first = add(&world, ann, named("A"));
    world.pass(chrono::Duration::hours(-1)); // another replica's clock
    let soon = |n| first.created_at + chrono::Duration::microseconds(n);
    assert_eq!(add(&world, ann, named("B")).created_at, soon(1));
    counted();
    let group = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:g\r\nFN:work\r\nN:work;;;;\r\n\
                 X-ADDRESSBOOKSERVER-KIND:group\r\nEND:VCARD\r\n";
    let group = Card::stored(group);
    contacts::put(&world.app, ann, &super::by(), b"g.vcf", group, &|_, _| Ok(())).unwrap();
    let third = add(&world, ann, named("C"));
    assert_eq!((third.revision, third.created_at), (4, soon(3)));
    assert_eq!((book().contacts, book().groups, book().revision), (3, 1, 4));
    counted();
}

#[test]
fn a_contact_is_found_by_its_owner_another_cannot() {
    let (world, ann, eve) = ann_and_eve();
    let contact = add(&world, ann, named("A"));
    let found = find(&world, ann, contact.id).unwrap();
    assert_eq!(found.contact, contact);
    assert_eq!(find(&world, eve, contact.id), None);
    let named = |owner, name: &[u8]| {
        world.app.db.read(|db| rows::find_named(db, owner, name)).unwrap().map(|it| it.contact.id)
    };
    assert_eq!(named(ann, &found.name()), Some(contact.id));
    assert_eq!(named(eve, &found.name()), None);
    delete(&world, ann, contact.id).unwrap();
    assert_eq!(find(&world, ann, contact.id), None, "what is in the trash is not found");
    assert_eq!(named(ann, &found.name()), None);
}

#[test]
fn a_contact_is_changed_by_its_owner_another_cannot() {
    let (world, ann, eve) = ann_and_eve();
    let contact = add(&world, ann, named("A"));
    world.pass(chrono::Duration::hours(1));
    let before = state(&world);
    assert!(matches!(patch(&world, eve, contact.id, named("B C")), Err(Error::NotFound)));
    assert_eq!(state(&world), before);
    let changed = patch(&world, ann, contact.id, named("B C")).unwrap().contact;
    assert_eq!((changed.revision, name(&changed)), (2, "B C".to_owned()));
    assert_eq!((changed.created_at, changed.updated_at), (contact.created_at, world.now()));
    assert_eq!(changed.uid, contact.uid);
    assert_eq!(find(&world, ann, contact.id).unwrap().contact, changed);
    delete(&world, ann, contact.id).unwrap();
    assert!(matches!(patch(&world, ann, contact.id, named("D")), Err(Error::NotFound)));
}

#[test]
fn what_does_not_change_takes_no_revision() {
    let (world, ann, _) = ann_and_eve();
    let contact = add(&world, ann, named("A"));
    let before = state(&world);
    assert_eq!(patch(&world, ann, contact.id, named("A")).unwrap().contact, contact);
    assert_eq!(state(&world), before);
}

#[test]
fn each_change_has_an_instant_after_that_of_the_one_before() {
    let (world, ann, _) = ann_and_eve();
    let ahead = world.replica_with_clock(chrono::Duration::minutes(5));
    add(&ahead, ann, named("A"));
    let later = add(&world, ann, named("B"));
    assert_eq!(later.updated_at, ahead.now() + chrono::Duration::microseconds(1));
    let changed = patch(&world, ann, later.id, named("B2")).unwrap().contact;
    assert_eq!(changed.updated_at, ahead.now() + chrono::Duration::microseconds(2));
}

#[test]
fn a_name_of_one_s_own_is_kept_and_two_contacts_never_have_one() {
    let (world, ann, eve) = ann_and_eve();
    let by = super::by();
    let put = |owner, name: &[u8], uid: &str| {
        let mut card = Card::new(uid);
        card.set(&vcard::Details { display_name: "A".to_owned(), ..card.details() });
        contacts::put(&world.app, owner, &by, name, card, &|_, _| Ok(())).unwrap()
    };
    let contacts::Put::Created(first) = put(ann, b"u-2.vcf", "u-1") else { panic!("must be new") };
    assert_eq!(first.name(), b"u-2.vcf");
    // The name that follows from the uid is taken by the other one.
    let second = bodies::create(
        &world.app,
        ann,
        &by,
        json!({"first_name": "B", "uid": "u-2"}),
        world.now(),
        |_| {},
    );
    let second = find(&world, ann, second.unwrap().id).unwrap();
    assert_ne!(second.name(), first.name());
    assert!(
        matches!(put(ann, b"x.vcf", "u-1"), contacts::Put::UidTaken(name) if name == b"u-2.vcf")
    );
    assert!(
        matches!(put(ann, b"u-2.vcf", "u-3"), contacts::Put::UidTaken(name) if name == b"u-2.vcf")
    );
    assert!(matches!(put(eve, b"u-2.vcf", "u-1"), contacts::Put::Created(_)), "eve's are her own");
    let rename =
        |from: &[u8], to: &[u8]| contacts::rename(&world.app, ann, &by, from, to, &|_, _| Ok(()));
    assert!(!rename(b"u-2.vcf", &second.name()).unwrap());
    assert!(rename(b"u-2.vcf", b"\xff").unwrap());
    let since = second.contact.revision;
    let gone = world.app.db.read(|db| {
        contactd::repository::contacts::resources::changes(db, ann, (since, since, 99), 10)
    });
    let gone: Vec<_> = gone.unwrap().0.into_iter().map(|it| (it.name, it.card.is_none())).collect();
    assert_eq!(gone, [("u-2.vcf".to_owned(), true), ("%FF".to_owned(), false)]);
}

/// Columns of every contact are those that its card makes.
#[test]
fn columns_are_what_the_card_makes() {
    let (world, ann, _) = ann_and_eve();
    let long = super::with("Long Müller", json!({"additional_data": "ж".repeat(2_000)}));
    for body in
        [named("A"), long, super::with("B", json!({"birthday": "--02-29", "labels": ["x"]}))]
    {
        let contact = add(&world, ann, body);
        let stored = find(&world, ann, contact.id).unwrap();
        let columns = Columns::of(&stored.card());
        assert_eq!(Some(columns.members), stored.contact.members);
        let short: bool = world.sql(&format!(
            "SELECT (folded IS NULL) <> (long_text IS NULL) FROM contacts WHERE id = {}",
            contact.id
        ));
        assert!(short);
    }
}
