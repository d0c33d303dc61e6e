//! Columns that an older version of the program made.

use super::{add, ann_and_eve, find, patch, with};
use contactd::service::upkeep;
use serde_json::json;
use std::sync::atomic::AtomicBool;

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
