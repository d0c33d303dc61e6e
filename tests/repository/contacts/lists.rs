//! Pages, filters, cursors, birthdays, labels.

use super::{add, ann_and_eve, delete, name, named, owner, patch, with};
use crate::world::World;
use chrono::Duration;
use contactd::model::contact::Contact;
use contactd::model::contact::birthday::Window;
use contactd::repository::contacts::birthdays::{AfterBirthday, with_birthday};
use contactd::repository::contacts::filter::Filter;
use contactd::repository::contacts::labels::labels_in_use;
use contactd::repository::contacts::lists::{self, Key, Page, Sort, Start};
use serde_json::{Value, json};

const BY_NAME: Sort = Sort { key: Key::Name, descending: false };

fn page(world: &World, owner: i64, filter: &Filter, sort: Sort, start: &Start, limit: i64) -> Page {
    world.app.db.read(|db| lists::page(db, owner, filter, sort, start, limit)).unwrap()
}

fn names(contacts: &[Contact]) -> Vec<String> {
    contacts.iter().map(|it| name(it).split(' ').next().unwrap().to_owned()).collect()
}

/// The first names of what passes the filter, by name, and how many that are.
fn found(world: &World, owner: i64, filter: &Filter) -> (Vec<String>, i64) {
    let page = page(world, owner, filter, BY_NAME, &Start::Skip(0), 100);
    (names(&page.contacts), page.total)
}

fn search(text: &str) -> Filter {
    Filter { search: Some(text.to_owned()), ..Filter::default() }
}

/// A contact with something in every field, one that is too long for the index, and one with
/// labels that are.
fn book(world: &World, owner: i64) {
    let full = json!({
        "email": "Ann.Full@Example.com", "phone": "(044) 123-45", "additional_data": "100%",
        "labels": ["Work"], "organization": "Zürich AG", "nickname": "Käthe",
        "addresses": [{"city": "Łódź", "street": "Lange Straße 5"}],
        "urls": [{"value": "https://full.example"}], "online": [{"value": "@full:example.net"}],
    });
    let long = json!({
        "additional_data": format!("{} needle", "ж".repeat(1_900)), "phones": [
            {"value": "0441239"}, {"value": "+49 172 5551234"},
        ], "labels": ["Work"], "organization": "Zurich Ltd",
    });
    let labels: Vec<Value> =
        (0..40).map(|n| json!(format!("{n:-<50}"))).chain([json!("Work")]).collect();
    for body in [
        with("Ґудзь Müller", full),
        with("Long Müller", long),
        with("Labelled Müller", json!({ "labels": labels })),
        named("Other"),
    ] {
        add(world, owner, body);
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
        (Filter { last_name: text("long"), ..none() }, &[]),
        (Filter { email: text("full@"), ..none() }, &["Ґудзь"]),
        (Filter { organization: text("zurich"), ..none() }, &["Long", "Ґудзь"]),
        (Filter { organization: text("mull"), ..none() }, &[]),
        (Filter { phone: text("44-123"), ..none() }, &["Long", "Ґудзь"]),
        (Filter { phone: text("0172 555"), ..none() }, &["Long"]),
        (Filter { label: text("wORK"), ..none() }, &["Labelled", "Long", "Ґудзь"]),
        (Filter { label: text("wor"), ..none() }, &[]),
        (search("(044) 123"), &["Long", "Ґудзь"]),
        (search("0172 5551234"), &["Long"]),
        (search("0049 172 5551234"), &["Long"]),
        (search("0172 long"), &["Long"]),
        (search("12395"), &[]),
        (search("NEEDLE"), &["Long"]),
        (search("100%"), &["Ґудзь"]),
        (search("work"), &["Labelled", "Long", "Ґудзь"]),
        (search("kathe"), &["Ґудзь"]),
        (search("lodz lange"), &["Ґудзь"]),
        (search("full.example"), &["Ґудзь"]),
        (search("@full:"), &["Ґудзь"]),
        (search("muller long"), &["Long"]),
        (search("l o n g m u l needle"), &["Long"]),
        (search("l o n g m u l nowhere"), &[]),
        (search("  müller \u{200b}  other  "), &[]),
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
    for nothing in [none(), search(" \u{200b} ")] {
        assert_eq!(found(&world, ann, &nothing).1, 4, "nothing visible is no search");
        assert_eq!(found(&world, eve, &nothing), (vec![], 0), "another owner cannot");
    }
    let since = Filter { updated_since: Some(world.now() - Duration::seconds(2)), ..none() };
    assert_eq!(found(&world, ann, &since), (vec!["Labelled".to_owned(), "Other".to_owned()], 2));
    assert_eq!(found(&world, eve, &since), (vec![], 0), "another owner cannot");
}

#[test]
fn what_changed_since_any_instant_is_what_its_own_instant_says() {
    let (world, ann, eve) = ann_and_eve();
    add(&world, eve, named("Eve"));
    let all: Vec<i64> = (0..40)
        .map(|n| {
            world.pass(Duration::seconds(n % 3));
            add(&world, ann, named(&format!("N{n}"))).id
        })
        .collect();
    for n in [3, 17, 18, 30] {
        world.pass(Duration::seconds(1));
        patch(&world, ann, all[n], json!({"nickname": "again"})).unwrap();
    }
    for n in [0, 21, 39] {
        delete(&world, ann, all[n]).unwrap();
    }
    let there = page(&world, ann, &Filter::default(), BY_NAME, &Start::Skip(0), 100).contacts;
    assert_eq!(there.len(), 37);
    let end = world.now() + Duration::seconds(1);
    let each = there.iter().map(|it| it.updated_at);
    let both = each.flat_map(|at| [at, at + Duration::microseconds(1)]);
    for since in both.chain([there[0].created_at - Duration::days(1), end]) {
        let filter = Filter { updated_since: Some(since), ..Filter::default() };
        let want = there.iter().filter(|it| it.updated_at >= since).count();
        assert_eq!(found(&world, ann, &filter).1, want as i64, "{since}");
    }
}

/// Each order, both ways, with and without a filter, page by page by cursor and by skipping: the
/// same contacts in the same order, and always the whole number of them.
#[test]
fn pages_by_cursor_and_by_skip_are_the_slices_of_one_list() {
    let (world, ann, eve) = ann_and_eve();
    for n in 0..23 {
        let name = ["Ї", "І", "Ю", "ё", "a", "Ä", "b"][n % 7];
        let last = ["Zöe", "", "zoe", "Їжак"][n % 4];
        let long = ["", "x".repeat(1_900).as_str()][n % 2].to_owned();
        let body = with(
            format!("{name} {last}").trim(),
            json!({ "additional_data": format!("common {long}") }),
        );
        add(&world, ann, body.clone());
        add(&world, eve, body);
        world.pass(Duration::seconds((n % 2) as i64));
    }
    for key in [Key::Name, Key::CreatedAt, Key::UpdatedAt] {
        for descending in [false, true] {
            for filter in [Filter::default(), search("common"), search("zoe")] {
                let sort = Sort { key, descending };
                let all = page(&world, ann, &filter, sort, &Start::Skip(0), 100);
                let (all, total) = (all.contacts, all.total);
                assert_eq!(all.len() as i64, total);
                assert!(total > 5);
                let mut cursor = Some(Start::Skip(0));
                for at in (0..all.len()).step_by(4) {
                    let expected = &all[at..all.len().min(at + 4)];
                    let skipped = Start::Skip(at as i64);
                    for start in [cursor.as_ref().unwrap(), &skipped] {
                        let page = page(&world, ann, &filter, sort, start, 4);
                        assert_eq!((page.contacts.as_slice(), page.total), (expected, total));
                    }
                    cursor = page(&world, ann, &filter, sort, &skipped, 4).next;
                }
                assert_eq!(cursor, None);
                let behind = page(&world, ann, &filter, sort, &Start::Skip(99), 4);
                assert_eq!((behind.contacts, behind.total, behind.next), (vec![], total, None));
            }
        }
    }
}

#[test]
fn a_cursor_holds_when_its_contact_is_renamed_deleted_or_no_hit_any_more() {
    let (world, ann, _) = ann_and_eve();
    let noted = |name: &str, note: &str| with(name, json!({ "additional_data": note }));
    let list: Vec<_> =
        ["A", "B", "C", "D", "E"].map(|name| add(&world, ann, noted(name, "hit"))).into();
    let after = |filter: &Filter, count: i64| {
        page(&world, ann, filter, BY_NAME, &Start::Skip(0), count).next.unwrap()
    };
    for filter in [Filter::default(), search("hit")] {
        let rest = |start: &Start| {
            let page = page(&world, ann, &filter, BY_NAME, start, 10);
            (names(&page.contacts).concat(), page.total)
        };
        let save = |contact: &Contact, body: Value| patch(&world, ann, contact.id, body).unwrap();
        let (b, c) = (after(&filter, 2), after(&filter, 3));
        assert_eq!(rest(&c), ("DE".to_owned(), 5));
        save(&list[2], noted("X", "hit"));
        assert_eq!(rest(&c), ("DEX".to_owned(), 5), "it stands at its new place");
        save(&list[1], noted("0", "hit"));
        assert_eq!(rest(&b), ("DEX".to_owned(), 5));
        save(&list[0], noted("A", "none"));
        save(&list[1], noted("B", "none"));
        let hits = if filter == Filter::default() { 5 } else { 3 };
        assert_eq!(rest(&b), ("DEX".to_owned(), hits), "no hit is at or before the cursor");
        for (contact, name) in list.iter().zip(["A", "B", "C", "D", "E"]) {
            save(contact, noted(name, "hit"));
        }
    }
    let c = after(&search("hit"), 3);
    delete(&world, ann, list[2].id).unwrap();
    let rest = page(&world, ann, &search("hit"), BY_NAME, &c, 10);
    assert_eq!((names(&rest.contacts).concat().as_str(), rest.total), ("DE", 4));
}

#[test]
fn birthdays_come_by_day_with_and_without_a_year_another_owner_s_do_not() {
    let (world, ann, eve) = ann_and_eve();
    for (name, birthday) in
        [("Old", "1950-12-31"), ("Leap", "2000-02-29"), ("New", "--01-02"), ("Also", "1990-12-31")]
    {
        add(&world, ann, with(name, json!({ "birthday": birthday })));
    }
    let gone = add(&world, ann, with("Gone", json!({"birthday": "1990-01-01"})));
    delete(&world, ann, gone.id).unwrap();
    let of = |owner, from: &str, days| {
        let mut all = Vec::new();
        for (_, keys) in Window::new(from.parse().unwrap(), days).keys() {
            let mut after = AfterBirthday::default();
            loop {
                let read = |db: &mut _| with_birthday(db, owner, keys, &mut after);
                let page = world.app.db.read(read).unwrap();
                if page.is_empty() {
                    break;
                }
                all.extend(page.into_iter().map(|it| (name(&it.contact), it.year)));
            }
        }
        all
    };
    let found = |name: &str, year| (name.to_owned(), year);
    let new_year = [found("Also", Some(1990)), found("Old", Some(1950)), found("New", None)];
    assert_eq!(of(ann, "2026-12-30", 5), new_year);
    assert_eq!(of(ann, "2026-02-28", 0), [found("Leap", Some(2000))]);
    assert_eq!(of(ann, "2026-03-01", 200), []);
    // Of a year and a day the first day is there twice, once for each year: `next_in` decides.
    assert_eq!(of(ann, "2026-12-31", 366).len(), 6);
    assert_eq!(of(eve, "2026-01-01", 366), []);
}

#[test]
fn labels_are_counted_ignoring_case_of_one_s_own_live_contacts() {
    let (world, ann, eve) = ann_and_eve();
    let labelled = |labels: &[&str]| with("A", json!({ "labels": labels }));
    add(&world, ann, labelled(&["Сім'я", "b"]));
    add(&world, ann, labelled(&["СІМ'Я"]));
    let gone = add(&world, ann, labelled(&["gone"]));
    delete(&world, ann, gone.id).unwrap();
    let labels =
        |owner, after: &str| world.app.db.read(|db| labels_in_use(db, owner, after)).unwrap();
    assert_eq!(labels(ann, ""), [("b".to_owned(), 1), ("Сім'я".to_owned(), 2)]);
    assert_eq!(labels(ann, "B"), [("Сім'я".to_owned(), 2)], "those after a label");
    assert_eq!(labels(eve, ""), [], "another owner cannot");
    assert_eq!(labels(owner(&world, "bob"), ""), []);
}
