//! Deleted contacts.

use super::{add, ann_and_eve, change, delete, named, state};
use crate::world::World;
use chrono::Duration;
use contactd::repository::Slice;
use contactd::repository::contacts::{self, books, trash};

fn list(world: &World, owner: i64, skip: i64, limit: i64) -> (Vec<String>, i64) {
    let slice = Slice { skip, limit };
    let (list, total) = world.app.db.read(|db| trash::list(db, owner, slice)).unwrap();
    (list.into_iter().map(|contact| contact.fields.first_name).collect(), total)
}

#[test]
fn what_is_deleted_is_listed_newest_first_to_its_owner_another_cannot() {
    let (world, ann, eve) = ann_and_eve();
    let contacts = ["A", "B", "C"].map(|name| add(&world, ann, &named(name)));
    let before = state(&world);
    let put = |owner, id| change(&world, |tx| trash::put(tx, owner, id, 9, world.now()));
    assert_eq!(put(eve, contacts[0].id), 0, "another owner cannot");
    assert_eq!(state(&world), before);
    for contact in &contacts {
        world.pass(Duration::seconds(1));
        delete(&world, ann, contact.id);
        assert_eq!(put(ann, contact.id), 0, "it is there already");
    }
    assert_eq!(list(&world, ann, 0, 2), (vec!["C".to_owned(), "B".to_owned()], 3));
    assert_eq!(list(&world, ann, 2, 2), (vec!["A".to_owned()], 3));
    assert_eq!(list(&world, eve, 0, 2), (vec![], 0), "another owner cannot");
}

#[test]
fn what_is_deleted_is_restored_by_its_owner_another_cannot() {
    let (world, ann, eve) = ann_and_eve();
    let contact = add(&world, ann, &named("A"));
    let restore = |owner, revision| {
        change(&world, |tx| trash::restore(tx, owner, contact.id, revision, "new-uid", world.now()))
    };
    assert_eq!(restore(ann, 9), None, "it is not in the trash");
    delete(&world, ann, contact.id);
    let before = state(&world);
    assert_eq!(restore(eve, 9), None, "another owner cannot");
    assert_eq!(state(&world), before);
    world.pass(Duration::hours(1));
    let restored = restore(ann, 9).unwrap();
    assert_eq!((restored.revision, restored.deleted_at), (9, None));
    assert_eq!((&restored.uid, restored.updated_at), (&contact.uid, world.now()));
}

#[test]
fn a_restored_contact_gets_a_new_uid_only_when_its_own_was_taken_by_its_owner() {
    let (world, ann, eve) = ann_and_eve();
    let contact = add(&world, ann, &named("A"));
    delete(&world, ann, contact.id);
    let restore = || {
        let restored = change(&world, |tx| {
            books::add_to_count(tx, ann, 1)?;
            trash::restore(tx, ann, contact.id, 9, "new-uid", world.now())
        });
        restored.unwrap().uid
    };
    let take = |owner| {
        let take = |db: &mut _| contacts::insert(db, owner, &contact.uid, &named("B"), world.now());
        world.app.db.write(take).unwrap()
    };
    take(eve);
    assert_eq!(restore(), contact.uid, "another owner's uids do not count");
    delete(&world, ann, contact.id);
    take(ann);
    assert_eq!(restore(), "new-uid");
}

#[test]
fn thirty_days_later_it_is_gone_a_thousand_at_a_time() {
    let (world, ann, eve) = ann_and_eve();
    add(&world, eve, &named("Eve's"));
    world
        .app
        .db
        .write(|db| {
            db.execute(
                "INSERT INTO contacts (owner, uid, revision, first_name, created_at, updated_at, deleted_at)
                SELECT $1, n, n, n, $2, $2, $2 FROM generate_series(1, 1001) AS n",
                &[&ann, &world.now()],
            )
        })
        .unwrap();
    let purge = || world.app.db.write(|db| trash::purge(db, world.now())).unwrap();
    world.pass(Duration::days(trash::TRASH_DAYS) - Duration::seconds(1));
    assert_eq!(purge(), 0);
    world.pass(Duration::seconds(1));
    assert_eq!([purge(), purge(), purge()], [1000, 1, 0]);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM contacts"), 1, "what is live stays");
}
