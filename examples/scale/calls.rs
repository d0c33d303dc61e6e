//! What is measured of lists, search and single statements: the functions that handlers run.

use contactd::db::{Conn, Pool, Tx};
use contactd::error::Result;
use contactd::model::contact::birthday::Window;
use contactd::model::contact::packed::unpack;
use contactd::repository::contacts::birthdays::{self, AfterBirthday};
use contactd::repository::contacts::filter::Filter;
use contactd::repository::contacts::lists::{self, Key, Sort, Start};
use contactd::repository::contacts::{books, changes, imports, resources, rows, writes};
use contactd::service::writer;
use serde_json::Value;
use vcard::{Card, Details};

/// Contacts of a page.
const PAGE: i64 = 20;
/// The first name of those that are added.
const INSERTED: &str = "Inserted";
const BY_NAME: Sort = Sort { key: Key::Name, descending: false };
/// All orders but [`BY_NAME`].
const ORDERS: [(&str, Sort); 5] = [
    ("-name", Sort { key: Key::Name, descending: true }),
    ("created_at", Sort { key: Key::CreatedAt, descending: false }),
    ("-created_at", Sort { key: Key::CreatedAt, descending: true }),
    ("updated_at", Sort { key: Key::UpdatedAt, descending: false }),
    ("-updated_at", Sort { key: Key::UpdatedAt, descending: true }),
];

/// A statement as a handler runs it.
pub struct Measured {
    pub name: String,
    pub run: Run,
}

type Run = Box<dyn Fn(&mut Conn, i64) -> Result<()>>;

fn page(filter: Filter, sort: Sort, start: Start) -> Run {
    Box::new(move |db, owner| lists::page(db, owner, &filter, sort, &start, PAGE).map(|_| ()))
}

fn search(text: &str) -> Filter {
    Filter { search: Some(text.to_owned()), ..Filter::default() }
}

/// Where the page after `skip` rows begins, as a cursor has it.
fn cursor(pool: &Pool, owner: i64, sort: Sort, skip: i64) -> Start {
    let (all, start) = (Filter::default(), Start::Skip(skip));
    let page = pool.read(|db| lists::page(db, owner, &all, sort, &start, 1));
    page.unwrap().next.expect("a next page")
}

/// Everything that is measured for an owner.
pub fn all(pool: &Pool, owner: i64) -> Vec<Measured> {
    // The row before page 1,000 of 20 each; for a smaller book the row before its last page.
    let count = pool.read(|db| contactd::repository::contacts::books::count(db, owner)).unwrap();
    let before = 19_979.min(count - PAGE - 5);
    let mut calls = pages(pool, owner, before);
    calls.extend(searches(pool, owner, before, count));
    calls.extend(others());
    calls.into_iter().map(|(name, run)| Measured { name, run }).collect()
}

fn pages(pool: &Pool, owner: i64, before: i64) -> Vec<(String, Run)> {
    let everything = Filter::default;
    let mut calls = vec![
        ("first page".to_owned(), page(everything(), BY_NAME, Start::Skip(0))),
        (
            "page 1,000 by cursor".to_owned(),
            page(everything(), BY_NAME, cursor(pool, owner, BY_NAME, before)),
        ),
    ];
    for (order, sort) in ORDERS {
        let after = cursor(pool, owner, sort, before);
        calls.push((format!("first page, {order}"), page(everything(), sort, Start::Skip(0))));
        calls.push((format!("page 1,000 by cursor, {order}"), page(everything(), sort, after)));
    }
    calls
}

fn searches(pool: &Pool, owner: i64, before: i64, count: i64) -> Vec<(String, Run)> {
    let filter = Filter::default;
    let some = |text: &str| Some(text.to_owned());
    let begin = "2026-01-01T00:00:00Z".parse().unwrap();
    let email = email(pool, owner);
    // As far as `skip` goes, or half of a small book.
    let deep = Start::Skip(10_000.min(count / 2));
    let filters = [
        ("search, nothing", search("nobody has this")),
        ("search, one hit", search(&email)),
        ("search, a tenth", search("ковален")),
        ("search, two words", search("ковален олена")),
        ("search, four words", search("example ковален conference work")),
        ("search, everything", search("example.com")),
        ("search by digits, nothing", search("(099) 123")),
        ("search by digits, few hits", search("(044) 123")),
        ("search by digits, everything", search("+380 44")),
        ("filter: first_name", Filter { first_name: some("олен"), ..filter() }),
        ("filter: last_name", Filter { last_name: some("mull"), ..filter() }),
        ("filter: email, everything", Filter { email: some("@"), ..filter() }),
        ("filter: phone", Filter { phone: some("44-00"), ..filter() }),
        ("filter: organization", Filter { organization: some("example 12"), ..filter() }),
        ("filter: label", Filter { label: some("Work"), ..filter() }),
        ("filter: updated_since, everything", Filter { updated_since: Some(begin), ..filter() }),
    ];
    let mut calls = Vec::new();
    for (name, filter) in filters {
        calls.push((name.to_owned(), page(filter.clone(), BY_NAME, Start::Skip(0))));
        let orders = ["search, a tenth", "search, everything", "search by digits, everything"];
        if !orders.contains(&name) {
            continue;
        }
        let after = cursor(pool, owner, BY_NAME, before);
        calls.push((format!("{name}, by cursor"), page(filter.clone(), BY_NAME, after)));
        for (order, sort) in ORDERS {
            let after = cursor(pool, owner, sort, before);
            let first = page(filter.clone(), sort, Start::Skip(0));
            calls.push((format!("{name}, {order}"), first));
            calls.push((format!("{name}, {order}, by cursor"), page(filter.clone(), sort, after)));
        }
        if name == "search, everything" {
            let newest = ORDERS[4].1;
            calls.push((format!("{name}, skip"), page(filter.clone(), BY_NAME, deep.clone())));
            calls.push((format!("{name}, -updated_at, skip"), page(filter, newest, deep.clone())));
        }
    }
    calls
}

/// The address of one contact.
fn email(pool: &Pool, owner: i64) -> String {
    let (all, start) = (Filter::default(), Start::Skip(50));
    let page = pool.read(|db| lists::page(db, owner, &all, BY_NAME, &start, 1)).unwrap();
    let members = unpack(&page.contacts[0].members.clone().unwrap());
    let place = contactd::model::contact::MEMBERS.iter().position(|it| it.0 == "email").unwrap();
    let email: Value = serde_json::from_str(members.split('\n').nth(place).unwrap()).unwrap();
    email.as_str().unwrap().to_owned()
}

fn others() -> Vec<(String, Run)> {
    let birthdays: Run = Box::new(|db, owner| {
        for (_, keys) in Window::new("2026-12-28".parse().unwrap(), 7).keys() {
            birthdays::with_birthday(db, owner, keys, &mut AfterBirthday::default())?;
        }
        Ok(())
    });
    let insert: Run = Box::new(|db, owner| {
        let mut card = Card::new(&contactd::crypto::random_uuid()?);
        let name = INSERTED.to_owned();
        card.set(&Details {
            first_name: Some(name.clone()),
            display_name: name,
            ..Details::default()
        });
        let row = writer::row(0, 1_000_000_000, None, &card)?;
        let at = "2026-11-22T12:00:00Z".parse().unwrap();
        let by = writes::Origin { protocol: "rest", client: "bench", at };
        let mut tx = Tx::begin(db)?;
        writes::insert(&mut tx, owner, &[row], by)?;
        tx.commit()
    });
    let export: Run = Box::new(|db, owner| rows::page(db, owner, &rows::Part::Live, 0).map(|_| ()));
    // A hundredth of the book; the poll of a phone, and that of a script.
    let day = |db: &mut Conn, owner| -> Result<(i64, i64, i64)> {
        let book = books::find(db, owner)?;
        let begin = book.revision - (book.contacts / 100).max(1);
        Ok((begin, begin, book.revision))
    };
    let phone: Run = Box::new(move |db, owner| {
        let day = day(db, owner)?;
        resources::changes(db, owner, day, 1_000).map(|_| ())
    });
    let script: Run = Box::new(move |db, owner| {
        let (after, deleted_after, _) = day(db, owner)?;
        changes::since(db, owner, after, deleted_after, 1_000).map(|_| ())
    });
    let uids: Run = Box::new(|db, owner| {
        let uids: Vec<_> = (0..500).map(|n| format!("nobody-{n}")).collect();
        imports::find_uids(db, owner, &uids).map(|_| ())
    });
    let names: Run = Box::new(|db, owner| {
        let names: Vec<_> = (0..500).map(|n| (format!("Шевченко{n}"), "Іван".to_owned())).collect();
        imports::each_named(db, owner, i64::MAX, &names, |_| ())
    });
    vec![
        ("birthdays of a week".to_owned(), birthdays),
        ("a row inserted, with its transaction".to_owned(), insert),
        ("a page of an export".to_owned(), export),
        ("a day's changes, CardDAV".to_owned(), phone),
        ("a day's changes, REST".to_owned(), script),
        ("500 uids of an import looked up".to_owned(), uids),
        ("500 names of an import looked up".to_owned(), names),
    ]
}

/// Takes away what the runs added, so that the next ones find what these found.
pub fn remove_inserted(db: &mut Conn, owner: i64) -> Result<u64> {
    let sql = "DELETE FROM contacts WHERE owner = $1 AND sort_name = $2 AND deleted_at IS NULL
        AND NOT is_group";
    db.execute(sql, &[&owner, &INSERTED])
}
