//! How far back undo goes, and what it puts back.

use super::{add, ann_and_eve, by, delete, find, name, named, owner, patch, with};
use crate::world::World;
use chrono::{DateTime, Duration, Utc};
use contactd::config::Config;
use contactd::error::{Conflict, Error, Result};
use contactd::repository::contacts::{books, rows};
use contactd::service::contacts::{self, Action};
use contactd::service::history::{self, Rewound, To};
use serde_json::json;

fn rewind(world: &World, owner: i64, to: To) -> Result<Rewound> {
    let counted = history::rewind(&world.app, owner, &by(), to, true);
    let done = history::rewind(&world.app, owner, &by(), to, false);
    assert_eq!(format!("{counted:?}"), format!("{done:?}"), "a dry run says what is done");
    done
}

fn refused(world: &World, owner: i64, to: To) {
    let answer = rewind(world, owner, to);
    assert!(matches!(answer, Err(Error::Invalid(_))), "{to:?}: {answer:?}");
}

/// Changes a note every minute until history has made room; the instants of the changes.
fn forgetful() -> (World, i64, i64, Vec<DateTime<Utc>>) {
    let world = World::with(|config| config.max_storage = 20_000);
    let ann = owner(&world, "ann");
    let note = |n: usize| format!("{n} {}", "x".repeat(4_000));
    let contact = add(&world, ann, with("A", json!({"additional_data": note(0)})));
    let changed = (1..10).map(|n| {
        world.pass(Duration::minutes(1));
        let body = with("A", json!({"additional_data": note(n)}));
        patch(&world, ann, contact.id, body).unwrap();
        world.now()
    });
    let changed = changed.collect();
    (world, ann, contact.id, changed)
}

#[test]
fn an_instant_that_history_made_room_of_is_refused_and_not_taken_for_another() {
    let (world, ann, id, changed) = forgetful();
    let kept: i64 = world.sql("SELECT min(revision) FROM history");
    assert!(kept > 3, "something is forgotten");
    let note = |n: i64| format!("{n} ");
    // Change n took revision n + 1; what it made is there as long as the change after it is kept.
    for n in 1..10 {
        let at = (changed[n as usize - 1] + Duration::seconds(1)).min(world.now());
        let (instant, revision) = (To::Instant(at), To::Revision(n + 1));
        if n + 2 < kept {
            refused(&world, ann, instant);
            refused(&world, ann, revision);
            continue;
        }
        for to in [instant, revision] {
            history::rewind(&world.app, ann, &by(), to, true).unwrap();
        }
    }
    refused(&world, ann, To::Revision(1));
    refused(&world, ann, To::Revision(0));
    history::rewind(&world.app, ann, &by(), To::Instant(changed[7]), false).unwrap();
    let card = find(&world, ann, id).unwrap().text;
    assert!(card.contains(&format!("NOTE:{}", note(8))), "{card}");
}

#[test]
fn thirty_days_are_one_limit_for_instants_revisions_and_contacts() {
    let (world, ann, _) = ann_and_eve();
    let first = add(&world, ann, named("A"));
    let changed = patch(&world, ann, first.id, named("A2")).unwrap().contact.revision;
    world.pass(Duration::days(15));
    let second = add(&world, ann, named("B"));
    world.pass(Duration::days(15) + Duration::seconds(1));
    add(&world, ann, named("C"));
    // Nothing was purged, and before the first change there are only births.
    let revert = history::revert(&world.app, ann, &by(), first.id, changed, &|_, _| Ok(()));
    assert!(matches!(revert, Err(Error::Invalid(_))), "{revert:?}");
    for old in [0, first.revision] {
        refused(&world, ann, To::Revision(old));
    }
    refused(&world, ann, To::Instant(world.now() - Duration::days(30) - Duration::seconds(1)));
    // That was the book until fifteen days ago.
    let both = Rewound { restored: 0, reverted: 0, deleted: 2 };
    assert_eq!(rewind(&world, ann, To::Revision(changed)).unwrap(), both);
    assert_eq!(rewind(&world, ann, To::Revision(second.revision)).unwrap().restored, 1);
    let since = world.now() - Duration::days(30) + Duration::milliseconds(1);
    assert_eq!(rewind(&world, ann, To::Instant(since)).unwrap().deleted, 1);
}

#[test]
fn a_revision_in_the_midst_of_a_transaction_is_the_end_of_it() {
    let (world, ann, _) = ann_and_eve();
    let ids: Vec<_> = (0..4).map(|n| add(&world, ann, named(&format!("N{n}"))).id).collect();
    let label = Action::AddLabel("x".to_owned());
    contacts::bulk(&world.app, ann, &by(), &label, &ids).unwrap();
    contacts::bulk(&world.app, ann, &by(), &Action::Delete, &ids).unwrap();
    let labels = |id: i64| find(&world, ann, id).map(|it| it.card().details().labels);
    for midst in 5..=8 {
        rewind(&world, ann, To::Revision(midst)).unwrap();
        assert!(ids.iter().all(|id| labels(*id).unwrap() == ["x"]), "revision {midst}");
    }
    rewind(&world, ann, To::Revision(10)).unwrap();
    assert!(ids.iter().all(|id| labels(*id).is_none()), "all are deleted");
    rewind(&world, ann, To::Revision(4)).unwrap();
    assert!(ids.iter().all(|id| labels(*id).unwrap().is_empty()), "none has the label");
    // A clock that stands still, or one that went ahead of another, makes no two transactions one.
    let instants: i64 = world.sql("SELECT count(DISTINCT at) FROM history");
    assert_eq!(instants, 2 + 3, "two changes and three rewinds that changed something");
}

#[test]
fn a_revision_of_a_future_that_a_restored_backup_lost_is_refused() {
    let (world, ann, _) = ann_and_eve();
    let ids = ["A", "B", "C"].map(|name| add(&world, ann, named(name)).id);
    world.app.db.write(books::restored).unwrap();
    let restored = 1_000_000_003;
    assert_eq!(rewind(&world, ann, To::Revision(restored)).unwrap(), Rewound::default());
    patch(&world, ann, ids[0], named("A2")).unwrap();
    for lost in [4, 5, 1_000_000_002, restored + 2] {
        refused(&world, ann, To::Revision(lost));
    }
    assert_eq!(rewind(&world, ann, To::Revision(restored)).unwrap().reverted, 1);
    assert_eq!(rewind(&world, ann, To::Revision(2)).unwrap().deleted, 1);
    assert_eq!(name(&find(&world, ann, ids[0]).unwrap().contact), "A");
}

/// Cards of what lies in the trash, by id.
fn trashed(world: &World, owner: i64) -> Vec<(i64, String)> {
    let page = world.app.db.read(|db| rows::page(db, owner, &rows::Part::Trash, 0)).unwrap();
    page.into_iter().map(|it| (it.contact.id, it.text)).collect()
}

#[test]
fn what_lay_in_the_trash_lies_there_as_it_was() {
    let (world, ann, _) = ann_and_eve();
    let ids = ["A", "B", "C"].map(|name| add(&world, ann, named(name)).id);
    contacts::bulk(&world.app, ann, &by(), &Action::Delete, &ids).unwrap();
    let then = trashed(&world, ann);
    assert_eq!(then.len(), 3);
    world.pass(Duration::days(20));
    // One is there now, one was there in between, one was looked at.
    contacts::bulk(&world.app, ann, &by(), &Action::Restore, &ids).unwrap();
    patch(&world, ann, ids[0], named("A2")).unwrap();
    patch(&world, ann, ids[1], named("B2")).unwrap();
    delete(&world, ann, ids[1]).unwrap();
    delete(&world, ann, ids[2]).unwrap();
    let done = rewind(&world, ann, To::Revision(6)).unwrap();
    assert_eq!(done, Rewound { restored: 0, reverted: 1, deleted: 1 });
    assert_eq!(trashed(&world, ann), then);
    assert_eq!(rewind(&world, ann, To::Revision(6)).unwrap(), Rewound::default());
    let bytes: i64 = world.sql("SELECT sum(octet_length(card))::bigint FROM contacts");
    let book = world.app.db.read(|db| books::find(db, ann)).unwrap();
    assert_eq!((book.card_bytes, book.contacts, book.stored), (bytes, 0, 3));
    contacts::restore(&world.app, ann, &by(), ids[0], contacts::UNGUARDED).unwrap();
    assert_eq!(name(&find(&world, ann, ids[0]).unwrap().contact), "A");
    // It is kept for thirty days from the rewind on, which put it there.
    world.pass(Duration::days(29));
    contactd::service::upkeep::purge(&world.app).unwrap();
    assert_eq!(trashed(&world, ann).len(), 2);
}

#[test]
fn what_a_full_book_refuses_a_dry_run_refuses_too() {
    let (world, ann, _) = ann_and_eve();
    let noted = |length: usize| with("A", json!({"additional_data": "x".repeat(length)}));
    let contact = add(&world, ann, noted(9_000));
    let other = add(&world, ann, noted(9_000));
    patch(&world, ann, contact.id, noted(10)).unwrap();
    // Even what goes into the trash takes room; but less than now is never too much.
    let limit = |bytes: i64| {
        let config = Config { max_storage: bytes, ..world.app.config.clone() };
        world.replica_of(config)
    };
    let to = To::Revision(other.revision);
    let answer = rewind(&limit(12_000), ann, to);
    assert!(matches!(answer, Err(Error::Conflict(Conflict::QuotaExceeded(_)))), "{answer:?}");
    assert_eq!(rewind(&limit(30_000), ann, to).unwrap().reverted, 1);
    assert_eq!(rewind(&limit(1_000), ann, To::Revision(3)).unwrap().reverted, 1);
}
