//! All contacts of an owner, page by page.

use super::{add, ann_and_eve, delete, named};
use crate::world::World;
use contactd::model::contact::{Contact, ContactFields};
use contactd::repository::contacts::exports::{self, Part};

fn page(world: &World, owner: i64, part: Part, after: i64) -> Vec<Contact> {
    world.app.db.read(|db| exports::page(db, owner, part, after)).unwrap()
}

fn names(contacts: &[Contact]) -> Vec<&str> {
    contacts.iter().map(|contact| contact.fields.first_name.as_str()).collect()
}

#[test]
fn each_part_has_its_own_contacts_and_another_owner_none() {
    let (world, ann, eve) = ann_and_eve();
    let born = ContactFields { birthday: "2000-02-29".parse().ok(), ..named("Born") };
    let (born, gone) = (add(&world, ann, &born), add(&world, ann, &named("Gone")));
    add(&world, ann, &named("Plain"));
    delete(&world, ann, gone.id);
    assert_eq!(names(&page(&world, ann, Part::Live, 0)), ["Born", "Plain"]);
    assert_eq!(names(&page(&world, ann, Part::Live, born.id)), ["Plain"], "after that id");
    assert_eq!(names(&page(&world, ann, Part::WithBirthday, 0)), ["Born"]);
    assert_eq!(names(&page(&world, ann, Part::Trash, 0)), ["Gone"]);
    for part in [Part::Live, Part::WithBirthday, Part::Trash] {
        assert_eq!(page(&world, eve, part, 0), [], "another owner cannot");
    }
}

#[test]
fn a_page_has_500_rows_or_250_kb_and_pages_lose_nothing() {
    let (world, ann, _) = ann_and_eve();
    world
        .app
        .db
        .write(|db| {
            db.execute(
                "INSERT INTO contacts (owner, uid, revision, first_name, properties, created_at, updated_at)
                SELECT $1, n, n, n, CASE WHEN n > 1100 THEN repeat('X', 100000) ELSE 'X:' || n END,
                    '2026-01-01', '2026-01-01'
                FROM generate_series(1, 1105) AS n",
                &[&ann],
            )
        })
        .unwrap();
    let (mut after, mut sizes, mut seen) = (0, Vec::new(), Vec::new());
    loop {
        let page = page(&world, ann, Part::Live, after);
        let Some(last) = page.last() else { break };
        after = last.id;
        sizes.push(page.len());
        assert!(page.iter().all(|contact| !contact.properties.is_empty()));
        seen.extend(page.into_iter().map(|contact| contact.fields.first_name));
    }
    assert_eq!(sizes, [500, 500, 102, 2, 1]);
    assert_eq!(seen, (1..=1105).map(|n| n.to_string()).collect::<Vec<_>>());
    let born = "UPDATE contacts SET birthday = '2000-01-01'";
    world.app.db.write(|db| db.batch(born)).unwrap();
    let born = page(&world, ann, Part::WithBirthday, 0);
    assert!(born.len() == 500 && born.iter().all(|contact| contact.properties.is_empty()));
}
