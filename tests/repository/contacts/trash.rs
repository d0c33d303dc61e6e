//! Deleted contacts.

use super::{add, ann_and_eve, by, delete, name, named, state};
use crate::world::World;
use chrono::Duration;
use contactd::error::Error;
use contactd::repository::Slice;
use contactd::repository::contacts::{books, trash};
use contactd::service::{bodies, contacts, upkeep};
use serde_json::json;

fn list(world: &World, owner: i64, skip: i64, limit: i64) -> (Vec<String>, i64) {
    let slice = Slice { skip, limit };
    let (list, total) = world.app.db.read(|db| trash::list(db, owner, slice)).unwrap();
    (list.iter().map(name).collect(), total)
}

#[test]
fn what_is_deleted_is_listed_newest_first_to_its_owner_another_cannot() {
    let (world, ann, eve) = ann_and_eve();
    let contacts = ["A", "B", "C"].map(|name| add(&world, ann, named(name)));
    let before = state(&world);
    assert!(matches!(delete(&world, eve, contacts[0].id), Err(Error::NotFound)));
    assert_eq!(state(&world), before);
    for contact in &contacts {
        world.pass(Duration::seconds(1));
        delete(&world, ann, contact.id).unwrap();
        assert!(matches!(delete(&world, ann, contact.id), Err(Error::NotFound)), "once");
    }
    assert_eq!(list(&world, ann, 0, 2), (vec!["C".to_owned(), "B".to_owned()], 3));
    assert_eq!(list(&world, ann, 2, 2), (vec!["A".to_owned()], 3));
    assert_eq!(list(&world, eve, 0, 2), (vec![], 0), "another owner cannot");
}

#[test]
fn what_is_deleted_is_restored_by_its_owner_another_cannot() {
    let (world, ann, eve) = ann_and_eve();
    let contact = add(&world, ann, named("A"));
    let restore =
        |owner| contacts::restore(&world.app, owner, &by(), contact.id, contacts::UNGUARDED);
    assert!(matches!(restore(ann), Err(Error::NotFound)), "it is not in the trash");
    delete(&world, ann, contact.id).unwrap();
    let before = state(&world);
    assert!(matches!(restore(eve), Err(Error::NotFound)), "another owner cannot");
    assert_eq!(state(&world), before);
    world.pass(Duration::hours(1));
    let restored = restore(ann).unwrap().contact;
    assert_eq!((restored.revision, restored.deleted_at), (3, None));
    assert_eq!((&restored.uid, restored.updated_at), (&contact.uid, world.now()));
}

#[test]
fn a_restored_contact_gets_a_new_uid_only_when_its_own_was_taken_by_its_owner() {
    let (world, ann, eve) = ann_and_eve();
    let contact = add(&world, ann, named("A"));
    delete(&world, ann, contact.id).unwrap();
    let restore =
        || contacts::restore(&world.app, ann, &by(), contact.id, contacts::UNGUARDED).unwrap();
    let take = |owner| {
        let body = json!({"first_name": "B", "uid": contact.uid});
        bodies::create(&world.app, owner, &by(), body, world.now(), |_| {}).unwrap()
    };
    take(eve);
    assert_eq!(restore().contact.uid, contact.uid, "another owner's uids do not count");
    delete(&world, ann, contact.id).unwrap();
    take(ann);
    let restored = restore();
    assert_ne!(restored.contact.uid, contact.uid);
    assert_eq!(restored.card().uid(), Some(restored.contact.uid.as_str()), "the card says so too");
}

#[test]
fn thirty_days_later_it_is_gone_and_so_is_its_history() {
    let (world, ann, eve) = ann_and_eve();
    add(&world, eve, named("Eve's"));
    let contact = add(&world, ann, named("A"));
    super::patch(&world, ann, contact.id, named("B")).unwrap();
    delete(&world, ann, contact.id).unwrap();
    let kept = add(&world, ann, named("Kept"));
    world.pass(Duration::days(trash::KEPT_DAYS) - Duration::seconds(1));
    super::patch(&world, ann, kept.id, named("Later")).unwrap();
    let rows = |table: &str| world.sql::<i64>(&format!("SELECT count(*) FROM {table}"));
    upkeep::purge(&world.app).unwrap();
    assert_eq!((rows("contacts"), rows("history")), (3, 3));
    let deleted_at: chrono::DateTime<chrono::Utc> =
        world.sql("SELECT max(deleted_at) FROM contacts");
    world.pass(Duration::seconds(2));
    upkeep::purge(&world.app).unwrap();
    assert_eq!((rows("contacts"), rows("history")), (2, 1));
    let book = world.app.db.read(|db| books::find(db, ann)).unwrap();
    assert_eq!((book.stored, book.contacts, book.forgotten), (1, 1, 3));
    assert_eq!(book.history_since, deleted_at);
    let bytes: i64 = world
        .sql(&format!("SELECT sum(octet_length(card))::bigint FROM contacts WHERE owner = {ann}"));
    assert_eq!(book.card_bytes, bytes);
    let due = book.purge_after.unwrap();
    assert_eq!(due, world.now() - Duration::seconds(2) + Duration::days(trash::KEPT_DAYS));
    world.pass(Duration::days(31));
    upkeep::purge(&world.app).unwrap();
    let book = world.app.db.read(|db| books::find(db, ann)).unwrap();
    assert_eq!((rows("history"), book.history_bytes, book.purge_after), (0, 0, None));
}
