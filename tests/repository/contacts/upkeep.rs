//! Columns that an older version of the program made.

use super::{add, ann_and_eve, by, find, named, patch, with};
use contactd::model::contact::columns::VERSION;
use contactd::repository::contacts::books;
use contactd::service::contacts::{UNGUARDED, Which, change};
use contactd::service::{labels, upkeep};
use contactd::worker;
use serde_json::json;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::time::Duration;

static STOP: AtomicBool = AtomicBool::new(false);

#[test]
fn what_an_older_function_made_is_made_anew_and_no_contact_changes() {
    let (world, ann, eve) = ann_and_eve();
    let ours =
        add(&world, ann, with("Ann Müller", json!({"birthday": "--02-29", "labels": ["x"]})));
    add(&world, eve, with("Eve", json!({"phone": "112"})));
    let columns = "SELECT string_agg(concat_ws('|', id, revision, made_by, uid, members, sort_name, folded, digits,
            label_keys, birthday_key, photo_type), E'\\n' ORDER BY id) FROM contacts";
    let before: String = world.sql(columns);
    world
        .app
        .db
        .write(|db| {
            db.batch(
                "UPDATE contacts SET made_by = 0, members = '', sort_name = '', folded = 'x', digits = NULL,
                    label_keys = NULL, birthday_key = NULL; UPDATE address_books SET made_by = 0",
            )
        })
        .unwrap();
    assert_ne!(world.sql::<String>(columns), before);
    assert_eq!(upkeep::reindex(&world.app, false, &STOP).unwrap(), 2);
    assert_eq!(world.sql::<String>(columns), before);
    assert_eq!(find(&world, ann, ours.id).unwrap().contact, ours);
    assert_eq!(upkeep::reindex(&world.app, false, &STOP).unwrap(), 0, "once");
    assert_eq!(upkeep::reindex(&world.app, true, &STOP).unwrap(), 2, "or when it is asked for");
}

/// A newer reader of cards may take one for a group that an older one did not, or the other way round.
#[test]
fn a_row_stays_what_it_is_whatever_a_newer_function_says_of_its_card() {
    let (world, ann, _) = ann_and_eve();
    let contact = add(&world, ann, with("Ann", json!({"labels": ["x"]})));
    let card = "UPDATE contacts SET made_by = 0,
        card = replace(card, E'END:', E'X-ADDRESSBOOKSERVER-KIND:group\\r\\nEND:')";
    world.app.db.write(|db| db.batch(card)).unwrap();
    upkeep::reindex(&world.app, true, &STOP).unwrap();
    let counted = "SELECT contacts || ' ' || groups || ' ' || (SELECT count(*) FROM contacts
        WHERE NOT is_group) FROM address_books WHERE contacts > 0";
    assert_eq!(world.sql::<String>(counted), "1 0 1");
    patch(&world, ann, contact.id, json!({"nickname": "A"})).unwrap();
    assert_eq!(world.sql::<String>(counted), "1 0 1");
}

/// Changes of many contacts lock them in any order: a reindex that locked some of them, and waited for others, made
/// a circle with them.
#[test]
fn a_reindex_waits_for_a_change_of_many_contacts_and_that_for_no_reindex() {
    let (world, ann, _) = ann_and_eve();
    let [first, second] = ["Ann", "Bob"].map(|name| add(&world, ann, named(name)).id);
    let touch = "UPDATE contacts SET made_by = made_by WHERE owner = $1 AND id = $2";
    let (begun, may_begin) = mpsc::channel();
    std::thread::scope(|scope| {
        let changing = scope.spawn(|| {
            world.app.db.transaction(|tx| {
                books::lock(tx, ann)?;
                tx.execute(touch, &[&ann, &second])?;
                begun.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(500));
                tx.execute(touch, &[&ann, &first])
            })
        });
        may_begin.recv().unwrap();
        assert!(upkeep::reindex(&world.app, true, &STOP).is_ok());
        assert!(changing.join().unwrap().is_ok());
    });
}

#[test]
fn a_book_that_is_locked_for_long_keeps_no_other_from_a_reindex() {
    let (world, ann, eve) = ann_and_eve();
    for owner in [ann, eve] {
        add(&world, owner, named("Bob"));
    }
    let old = "UPDATE contacts SET made_by = 0; UPDATE address_books SET made_by = 0";
    world.app.db.write(|db| db.batch(old)).unwrap();
    let locked = world.app.db.transaction(|tx| {
        books::lock(tx, ann)?;
        assert!(upkeep::reindex(&world.app, false, &STOP).is_err());
        Ok(())
    });
    locked.unwrap();
    let made = "SELECT string_agg((made_by > 0)::text, ' ' ORDER BY owner) FROM contacts";
    assert_eq!(world.sql::<String>(made), "false true");
    assert_eq!(upkeep::reindex(&world.app, false, &STOP).unwrap(), 1, "the next one goes on");
}

/// While replicas are replaced one by one, those of the old version write on.
#[test]
fn a_book_that_an_older_version_wrote_to_is_looked_at_again() {
    let (world, ann, _) = ann_and_eve();
    let made_by = format!("SELECT made_by FROM address_books WHERE owner = {ann}");
    let newer = "UPDATE address_books SET made_by = $1";
    let newer = || world.app.db.write(|db| db.execute(newer, &[&(VERSION + 1)])).unwrap();
    newer();
    let contact = add(&world, ann, named("Ann"));
    assert_eq!(world.sql::<i16>(&made_by), VERSION, "by the one statement that adds");
    newer();
    patch(&world, ann, contact.id, json!({"nickname": "A"})).unwrap();
    assert_eq!(world.sql::<i16>(&made_by), VERSION, "by a transaction");
    // It wrote after the last batch was looked at.
    let set = || world.app.db.transaction(|tx| books::set_made_by(tx, ann, VERSION + 1));
    assert_eq!((set().unwrap(), world.sql::<i16>(&made_by)), (0, VERSION));
}

/// A contact that went away under the lock of its book was an answer of 500.
#[test]
fn a_book_is_emptied_once_the_change_that_is_under_way_has_ended() {
    let (world, ann, _) = ann_and_eve();
    let contact = add(&world, ann, named("Ann"));
    let which = Which::Id(contact.id);
    let changed = change(&world.app, ann, &by(), which, UNGUARDED, |_, card| {
        world.app.delete_user(ann, |_, _, _| Ok(()))?;
        labels::add(card, "x")
    });
    assert_eq!(changed.unwrap().contact.revision, 2);
    worker::purge(&world.app).unwrap();
    let left = "SELECT (SELECT count(*) FROM contacts) + (SELECT count(*) FROM history)
        + (SELECT count(*) FROM users) + (SELECT count(*) FROM address_books)";
    assert_eq!(world.sql::<i64>(left), 2, "Eve and her book");
}
