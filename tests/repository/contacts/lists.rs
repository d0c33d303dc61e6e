//! Pages, filters, cursors, birthdays, labels.

use super::{add, ann_and_eve, change, delete, named, owner};
use crate::world::World;
use chrono::{Duration, NaiveDate};
use contactd::model::birthday::Window;
use contactd::model::contact::{Contact, ContactFields};
use contactd::repository::contacts::lists::{self, Filter, Key, Sort, Start};
use contactd::repository::contacts::{self, books};

const BY_NAME: Sort = Sort { key: Key::Name, descending: false };

fn page(
    world: &World,
    owner: i64,
    filter: &Filter,
    sort: Sort,
    start: &Start,
    limit: i64,
) -> (Vec<Contact>, i64) {
    world.app.db.read(|db| lists::page(db, owner, filter, sort, start, limit)).unwrap()
}

/// The first names of what passes the filter, by name, and how many that are.
fn found(world: &World, owner: i64, filter: &Filter) -> (Vec<String>, i64) {
    let (list, total) = page(world, owner, filter, BY_NAME, &Start::Skip(0), 100);
    (list.into_iter().map(|contact| contact.fields.first_name).collect(), total)
}

fn search(text: &str) -> Filter {
    Filter { search: Some(text.to_owned()), ..Filter::default() }
}

/// The cursor behind a contact.
fn after(contact: &Contact, key: Key) -> Start {
    let fields = &contact.fields;
    match key {
        Key::Name => Start::AfterName {
            sort_name: fields.last_name.clone().unwrap_or(fields.first_name.clone()),
            first_name: fields.first_name.clone(),
            id: contact.id,
        },
        Key::CreatedAt => Start::AfterInstant(contact.created_at, contact.id),
        Key::UpdatedAt => Start::AfterInstant(contact.updated_at, contact.id),
    }
}

/// A contact with something in every field, one that is too long for the index, and one with
/// labels that are.
fn book(world: &World, owner: i64) {
    let full = ContactFields {
        email: Some("Ann.Full@Example.com".to_owned()),
        phone: Some("(044) 123-45".to_owned()),
        additional_data: Some("100%".to_owned()),
        labels: vec!["Work".to_owned()],
        ..named("Ґудзь Müller")
    };
    let long = ContactFields {
        additional_data: Some(format!("{} needle", "ж".repeat(900))),
        phone: Some("0441239".to_owned()),
        labels: vec!["Work".to_owned()],
        ..named("Long Müller")
    };
    let labels = (0..20).map(|n| format!("{n:-<50}")).chain(["Work".to_owned()]).collect();
    let labelled = ContactFields { labels, ..named("Labelled Müller") };
    for fields in [full, long, labelled, named("Other")] {
        add(world, owner, &fields);
        world.pass(Duration::seconds(1));
    }
}

#[test]
fn every_filter_finds_in_its_own_field_whatever_the_length_another_owner_nothing() {
    let (world, ann, eve) = ann_and_eve();
    book(&world, ann);
    let text = |text: &str| Some(text.to_owned());
    let none = Filter::default;
    for (filter, names) in [
        (Filter { first_name: text("ГУДЗ"), ..none() }, &["Ґудзь"][..]),
        (Filter { last_name: text("mull"), ..none() }, &["Labelled", "Long", "Ґудзь"]),
        (Filter { email: text("full@"), ..none() }, &["Ґудзь"]),
        (Filter { phone: text("44-123"), ..none() }, &["Long", "Ґудзь"]),
        (Filter { label: text("wORK"), ..none() }, &["Labelled", "Long", "Ґудзь"]),
        (Filter { label: text("wor"), ..none() }, &[]),
        (search("(044) 123"), &["Long", "Ґудзь"]),
        (search("NEEDLE"), &["Long"]),
        (search("100%"), &["Ґудзь"]),
        (search("work"), &[]),
        (search("muller long"), &["Long"]),
        (Filter { label: text("work"), phone: text("441239"), ..none() }, &["Long"]),
        (Filter { label: text("work"), ..search("needle") }, &["Long"]),
        (Filter { label: text("work"), first_name: text("lab"), ..none() }, &["Labelled"]),
        (search("nothing like it"), &[]),
        (Filter { updated_since: Some(world.now()), ..none() }, &[]),
    ] {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let total = names.len() as i64;
        assert_eq!(found(&world, ann, &filter), (names, total), "{filter:?}");
        assert_eq!(found(&world, eve, &filter), (vec![], 0), "another owner cannot: {filter:?}");
    }
    assert_eq!(found(&world, ann, &none()).1, 4);
    assert_eq!(found(&world, eve, &none()), (vec![], 0), "another owner cannot");
    let since = Filter { updated_since: Some(world.now() - Duration::seconds(2)), ..none() };
    assert_eq!(found(&world, ann, &since), (vec!["Labelled".to_owned(), "Other".to_owned()], 2));
    assert_eq!(found(&world, eve, &since), (vec![], 0), "another owner cannot");
}

/// Each order, both ways, with and without a filter, page by page by cursor and by skipping: the
/// same contacts in the same order, and always the whole number of them.
#[test]
fn pages_by_cursor_and_by_skip_are_the_slices_of_one_list() {
    let (world, ann, eve) = ann_and_eve();
    for n in 0..23 {
        let name = ["Ї", "І", "Ю", "ё", "a", "Ä", "b"][n % 7];
        let last = ["Zöe", "", "zoe", "Їжак"][n % 4];
        let long = ["", "x".repeat(1300).as_str()][n % 2].to_owned();
        let fields = ContactFields {
            additional_data: Some(format!("common {long}")),
            ..named(format!("{name} {last}").trim())
        };
        add(&world, ann, &fields);
        add(&world, eve, &fields);
        world.pass(Duration::seconds((n % 2) as i64));
    }
    for key in [Key::Name, Key::CreatedAt, Key::UpdatedAt] {
        for descending in [false, true] {
            for filter in [Filter::default(), search("common"), search("zoe")] {
                let sort = Sort { key, descending };
                let all = page(&world, ann, &filter, sort, &Start::Skip(0), 100);
                let total = all.0.len() as i64;
                assert_eq!(all.1, total);
                assert!(total > 5);
                let mut cursor = Start::Skip(0);
                for at in (0..all.0.len()).step_by(4) {
                    let expected = (all.0[at..all.0.len().min(at + 4)].to_vec(), total);
                    let skipped = Start::Skip(at as i64);
                    assert_eq!(page(&world, ann, &filter, sort, &skipped, 4), expected);
                    assert_eq!(page(&world, ann, &filter, sort, &cursor, 4), expected);
                    cursor = after(expected.0.last().unwrap(), key);
                }
                assert_eq!(page(&world, ann, &filter, sort, &cursor, 4), (vec![], total));
                assert_eq!(page(&world, ann, &filter, sort, &Start::Skip(99), 4), (vec![], total));
            }
        }
    }
}

#[test]
fn a_cursor_holds_when_its_contact_is_renamed_deleted_or_no_hit_any_more() {
    let (world, ann, _) = ann_and_eve();
    let noted = |name: &str, note: &str| ContactFields {
        additional_data: Some(note.to_owned()),
        ..named(name)
    };
    let list: Vec<_> =
        ["A", "B", "C", "D", "E"].map(|name| add(&world, ann, &noted(name, "hit"))).into();
    for filter in [Filter::default(), search("hit")] {
        let rest = |start: &Start| {
            let (list, total) = page(&world, ann, &filter, BY_NAME, start, 10);
            (list.iter().map(|it| it.fields.first_name.clone()).collect::<String>(), total)
        };
        let save = |contact: &Contact, fields: &ContactFields| {
            change(&world, |tx| {
                let revision = books::next_revision(tx, ann)?;
                contacts::update(tx, ann, contact.id, revision, fields, world.now())
            })
        };
        let (b, c) = (after(&list[1], Key::Name), after(&list[2], Key::Name));
        assert_eq!(rest(&c), ("DE".to_owned(), 5));
        save(&list[2], &noted("X", "hit"));
        assert_eq!(rest(&c), ("DEX".to_owned(), 5), "it stands at its new place");
        save(&list[1], &noted("0", "hit"));
        assert_eq!(rest(&b), ("DEX".to_owned(), 5));
        save(&list[0], &noted("A", "none"));
        save(&list[1], &noted("B", "none"));
        let hits = if filter == Filter::default() { 5 } else { 3 };
        assert_eq!(rest(&b), ("DEX".to_owned(), hits), "no hit is at or before the cursor");
        for (contact, name) in list.iter().zip(["A", "B", "C", "D", "E"]) {
            save(contact, &noted(name, "hit"));
        }
    }
    delete(&world, ann, list[2].id);
    let c = after(&list[2], Key::Name);
    let (rest, total) = page(&world, ann, &search("hit"), BY_NAME, &c, 10);
    let rest: String = rest.iter().map(|it| it.fields.first_name.as_str()).collect();
    assert_eq!((rest.as_str(), total), ("DE", 4));
}

#[test]
fn birthdays_are_those_of_the_ranges_another_owner_s_are_not() {
    let (world, ann, eve) = ann_and_eve();
    for (name, birthday) in [("Old", "1950-12-31"), ("Leap", "2000-02-29"), ("New", "1990-01-02")] {
        let fields = ContactFields { birthday: birthday.parse().ok(), ..named(name) };
        add(&world, ann, &fields);
    }
    let gone = ContactFields { birthday: "1990-01-01".parse().ok(), ..named("Gone") };
    delete(&world, ann, add(&world, ann, &gone).id);
    let of = |owner, from: &str, days, born_before: &str| {
        let window = Window::new(from.parse().unwrap(), days);
        let born_before: NaiveDate = born_before.parse().unwrap();
        let read = |db: &mut _| lists::with_birthday(db, owner, window.keys(), born_before);
        let list = world.app.db.read(read).unwrap();
        list.into_iter().map(|contact| contact.fields.first_name).collect::<Vec<_>>()
    };
    assert_eq!(of(ann, "2026-12-30", 5, "2027-01-04"), ["New", "Old"]);
    assert_eq!(of(ann, "2026-12-30", 5, "1989-01-01"), ["Old"], "not before birth");
    assert_eq!(of(ann, "2026-02-28", 0, "2026-02-28"), ["Leap"]);
    assert_eq!(of(ann, "2026-03-01", 200, "2026-12-01"), Vec::<String>::new());
    assert_eq!(of(eve, "2026-01-01", 366, "2027-01-04"), Vec::<String>::new());
}

#[test]
fn labels_are_counted_ignoring_case_of_one_s_own_live_contacts() {
    let (world, ann, eve) = ann_and_eve();
    let labelled = |labels: &[&str]| ContactFields {
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        ..named("A")
    };
    add(&world, ann, &labelled(&["Сім'я", "b"]));
    add(&world, ann, &labelled(&["СІМ'Я"]));
    delete(&world, ann, add(&world, ann, &labelled(&["gone"])).id);
    let labels = |owner| world.app.db.read(|db| lists::labels(db, owner)).unwrap();
    assert_eq!(labels(ann), [("b".to_owned(), 1), ("Сім'я".to_owned(), 2)]);
    assert_eq!(labels(eve), [], "another owner cannot");
    assert_eq!(labels(owner(&world, "bob")), []);
}

#[test]
fn what_was_folded_otherwise_is_folded_anew() {
    let (world, ann, _) = ann_and_eve();
    world.app.db.transaction(|tx| tx.batch(
        "CREATE OR REPLACE FUNCTION search_text(first_name text, last_name text, email text, phone text, additional_data text)
        RETURNS text LANGUAGE sql IMMUTABLE RETURN 'as before'",
    )).unwrap();
    add(&world, ann, &named("O´Neil"));
    assert_eq!(found(&world, ann, &search("oneil")).1, 0);
    let migration = include_str!("../../../sql/004_fold.sql");
    world.app.db.transaction(|tx| tx.batch(migration)).unwrap();
    assert_eq!(found(&world, ann, &search("oneil")).1, 1);
}

#[test]
fn both_places_of_folding_do_the_same_and_need_no_search_path() {
    let (world, ann, _) = ann_and_eve();
    add(&world, ann, &named("Ґонта Мар’яна"));
    let same: bool = world.sql(
        "SELECT bool_and(search_text(a, b, a, b, a) = fold(concat_ws(E'\\x1f', a, b, a, b, a, a || ' ' || b || ' ' || a)))
        FROM (VALUES ('Їжак', 'ҐАЛАҐАН'), ('Álvaro ß', 'Łukasz Æ Œ'), ('Мар’яна', 'O''Neil `´'), ('ﬁ', '①'),
            ('ΚΩΣ', 'דָּוִד ¨')) AS names (a, b)",
    );
    assert!(same);
    let schema: String = world.sql("SELECT current_schema()::text");
    let rewritten = world.app.db.transaction(|tx| {
        tx.batch("SET LOCAL search_path = ''")?;
        tx.execute(&format!("UPDATE {schema}.contacts SET first_name = 'Йосип'"), &[])
    });
    assert_eq!(rewritten.unwrap(), 1);
    assert_eq!(found(&world, ann, &search("иосип")), (vec!["Йосип".to_owned()], 1));
}
