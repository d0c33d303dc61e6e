//! Revisions, counts, the calendar's secret.

use super::{add, ann_and_eve, change, named};
use contactd::error::Error;
use contactd::repository::contacts::books;
use contactd::repository::users;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn revisions_are_taken_one_by_one_and_of_one_s_own_book() {
    let (world, ann, eve) = ann_and_eve();
    assert_eq!(change(&world, |tx| books::next_revision(tx, ann)), 1);
    assert_eq!(change(&world, |tx| books::next_revision(tx, ann)), 2);
    assert_eq!(change(&world, |tx| books::next_revision(tx, eve)), 1, "eve's are her own");
    let nobody = world.app.db.transaction(|tx| books::next_revision(tx, 4711));
    assert!(matches!(nobody, Err(Error::Unauthenticated)));
    let nobody = world.app.db.transaction(|tx| books::lock(tx, 4711));
    assert!(matches!(nobody, Err(Error::Unauthenticated)));
}

#[test]
fn a_lock_holds_up_the_owner_s_writes_and_nobody_else_s() {
    let (world, ann, eve) = ann_and_eve();
    let (locked, wait) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            change(&world, |tx| {
                books::lock(tx, ann)?;
                locked.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(600));
                books::next_revision(tx, ann)
            })
        });
        wait.recv().unwrap();
        assert_eq!(change(&world, |tx| books::next_revision(tx, eve)), 1);
        let began = std::time::Instant::now();
        assert_eq!(change(&world, |tx| books::next_revision(tx, ann)), 2, "after the other one");
        assert!(began.elapsed() > Duration::from_millis(200), "{:?}", began.elapsed());
    });
}

#[test]
fn a_count_is_of_one_s_own_book_and_never_below_zero() {
    let (world, ann, eve) = ann_and_eve();
    add(&world, ann, &named("A"));
    let count = |owner| world.app.db.read(|db| books::count(db, owner)).unwrap();
    change(&world, |tx| books::add_to_count(tx, ann, 4));
    assert_eq!((count(ann), count(eve), count(4711)), (5, 0, 0));
    assert!(world.app.db.transaction(|tx| books::add_to_count(tx, eve, -1)).is_err());
}

#[test]
fn a_calendar_is_found_by_its_own_secret_until_it_changes() {
    let (world, ann, eve) = ann_and_eve();
    let db = &world.app.db;
    let find = |hash: &[u8]| db.read(|db| books::find_by_calendar(db, hash)).unwrap();
    let set = |owner, hash: Option<&[u8]>| db.write(|db| books::set_calendar(db, owner, hash));
    assert_eq!(find(b"a"), None);
    set(ann, Some(b"a")).unwrap();
    add(&world, ann, &named("A"));
    assert_eq!(find(b"a"), Some((ann, 1)), "with the book's revision");
    let has = |owner| db.read(|db| books::has_calendar(db, owner)).unwrap();
    assert!(has(ann) && !has(eve));
    set(eve, None).unwrap();
    set(eve, Some(b"e")).unwrap();
    assert_eq!((find(b"a"), find(b"e")), (Some((ann, 1)), Some((eve, 0))), "eve's is her own");
    set(ann, Some(b"b")).unwrap();
    assert_eq!(find(b"a"), None, "a new one ends the old one");
    db.write(|db| users::set_active(db, ann, false)).unwrap();
    assert_eq!(find(b"b"), None, "the account is disabled");
    set(eve, None).unwrap();
    assert!(find(b"e").is_none() && !has(eve), "revoked");
}
