//! Revisions, quotas, the calendar's secret.

use super::{add, ann_and_eve, delete, named, patch, with};
use crate::world::World;
use contactd::error::{Conflict, Error};
use contactd::repository::contacts::books;
use contactd::repository::users;
use contactd::service::bodies;
use serde_json::json;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn a_lock_holds_up_the_owner_s_writes_and_nobody_else_s() {
    let (world, ann, eve) = ann_and_eve();
    let nobody = world.app.db.transaction(|tx| books::lock(tx, 4711));
    assert!(matches!(nobody, Err(Error::Unauthenticated)));
    let ((locked, wait), (go, may_go)) = (mpsc::channel(), mpsc::channel::<()>());
    std::thread::scope(|scope| {
        let world = &world;
        scope.spawn(move || {
            world.app.db.transaction(|tx| {
                books::lock(tx, ann)?;
                locked.send(()).unwrap();
                may_go.recv().unwrap();
                Ok(())
            })
        });
        wait.recv().unwrap();
        assert_eq!(add(world, eve, named("E")).revision, 1);
        let waits = scope.spawn(move || add(world, ann, named("A")).revision);
        std::thread::sleep(Duration::from_millis(200));
        assert!(!waits.is_finished());
        go.send(()).unwrap();
        assert_eq!(waits.join().unwrap(), 1, "after the other one");
    });
}

#[test]
fn a_writer_of_contacts_locks_no_account() {
    let (world, ann, _) = ann_and_eve();
    world
        .app
        .db
        .transaction(|tx| {
            users::lock(tx, ann)?;
            add(&world, ann, named("A"));
            Ok(())
        })
        .unwrap();
}

fn small(change: impl FnOnce(&mut contactd::config::Config)) -> (World, i64) {
    let world = World::with(change);
    let ann = super::owner(&world, "ann");
    (world, ann)
}

#[test]
fn a_full_book_takes_no_more_contacts_and_the_trash_counts() {
    let (world, ann) = small(|config| config.max_contacts = 2);
    let first = add(&world, ann, named("A"));
    add(&world, ann, named("B"));
    delete(&world, ann, first.id).unwrap();
    let full = bodies::create(&world.app, ann, &super::by(), named("C"), world.now(), |_| {});
    assert!(matches!(full, Err(Error::Conflict(Conflict::QuotaExceeded(_)))), "{full:?}");
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM contacts"), 2);
    assert_eq!(
        world.sql::<i64>(
            "SELECT revision FROM address_books WHERE owner = (SELECT min(owner) FROM contacts)"
        ),
        3
    );
}

#[test]
fn history_makes_room_and_cards_do_not() {
    let (world, ann) = small(|config| config.max_storage = 20_000);
    let noted =
        |n: usize| with("A", json!({"additional_data": format!("{n} {}", "x".repeat(4_000))}));
    let contact = add(&world, ann, noted(0));
    for n in 1..10 {
        patch(&world, ann, contact.id, noted(n)).unwrap();
    }
    let book = world.app.db.read(|db| books::find(db, ann)).unwrap();
    let real: i64 = world
        .sql("SELECT sum(octet_length(card) + octet_length(client) + 200)::bigint FROM history");
    assert_eq!(book.history_bytes, real);
    assert!(book.card_bytes + book.history_bytes <= 20_000, "{book:?}");
    assert!(book.history_since > chrono::DateTime::UNIX_EPOCH && real > 4_000, "{book:?}");
    let (body, by) = (with("B", json!({"additional_data": "x".repeat(18_000)})), super::by());
    let full = bodies::create(&world.app, ann, &by, body, world.now(), |_| {});
    assert!(matches!(full, Err(Error::Conflict(Conflict::QuotaExceeded(_)))), "{full:?}");
}

#[test]
fn a_calendar_is_found_by_its_own_secret_until_it_changes() {
    let (world, ann, eve) = ann_and_eve();
    let db = &world.app.db;
    let find = |owner, hash: &[u8]| db.read(|db| books::find_by_calendar(db, owner, hash)).unwrap();
    let set = |owner, hash: Option<&[u8]>| {
        db.transaction(|tx| match hash {
            Some(hash) => books::set_calendar(tx, owner, hash, None),
            None => books::revoke_calendar(tx, owner),
        })
    };
    assert_eq!(find(ann, b"a"), None);
    set(ann, Some(b"a")).unwrap();
    add(&world, ann, named("A"));
    assert_eq!(find(ann, b"a"), Some(1), "with the book's revision");
    assert_eq!(find(eve, b"a"), None, "eve's are her own");
    let has = |owner| db.read(|db| books::has_calendar(db, owner)).unwrap();
    assert!(has(ann) && !has(eve));
    set(eve, None).unwrap();
    set(eve, Some(b"a")).unwrap();
    assert_eq!((find(ann, b"a"), find(eve, b"a")), (Some(1), Some(0)), "two may have one secret");
    set(ann, Some(b"b")).unwrap();
    assert_eq!(find(ann, b"a"), None, "a new one ends the old one");
    db.write(|db| users::set_active(db, ann, false)).unwrap();
    assert_eq!(find(ann, b"b"), None, "the account is disabled");
    set(eve, None).unwrap();
    assert!(find(eve, b"a").is_none() && !has(eve), "revoked");
    assert_eq!(set(4711, Some(b"x")).unwrap(), 0);
}
