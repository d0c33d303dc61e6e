//! Many contacts at once by what they are known by: what Postgres reads for it does not grow with the book, also
//! in a table that it has no statistics of, as in the first minute of a server, or only older ones.

use super::{ann_and_eve, by};
use crate::world::World;
use chrono::DateTime;
use contactd::db::Tx;
use contactd::error::Result;
use contactd::repository::contacts::birthdays::{self, AfterBirthday};
use contactd::repository::contacts::filter::Filter;
use contactd::repository::contacts::history::Those;
use contactd::repository::contacts::lists::{self, Key, Sort, Start};
use contactd::repository::contacts::rows::{self, Part};
use contactd::repository::contacts::writes::{self, Origin};
use contactd::repository::contacts::{books, duplicates, history, imports, past, resources, trash};
use contactd::service::import::{self, Options};
use contactd::service::writer::in_book;
use contactd::service::{self, contacts, groups};
use std::cell::Cell;
use std::collections::HashSet;

/// Contacts of the book, and how many of them are asked for.
const BOOK: usize = 3_000;
const ASKED: usize = 20;
const HALF: usize = BOOK / 2;

type LookUp<'a> = Box<dyn Fn(&mut Tx) -> Result<usize> + 'a>;

/// How many rows and index entries a look-up reads at most in six runs: Postgres plans the first five of a
/// statement for what is asked, and then may settle for one plan.
fn read(world: &World, mut look_up: impl FnMut(&mut Tx) -> Result<usize>) -> i64 {
    let one = |run| {
        counted(world, |tx| {
            assert_eq!(look_up(tx)?, ASKED, "run {run}");
            Ok(())
        })
    };
    (0..6).map(one).max().unwrap()
}

/// How many rows and index entries this reads.
fn counted(world: &World, mut work: impl FnMut(&mut Tx) -> Result<()>) -> i64 {
    let difference = |tx: &mut Tx| {
        let before = reads_so_far(tx)?;
        work(tx)?;
        Ok(reads_so_far(tx)? - before)
    };
    world.app.db.transaction(difference).unwrap()
}

/// How many rows and index entries a transaction has read.
fn reads_so_far(tx: &mut Tx) -> Result<i64> {
    const SQL: &str = "WITH tables (id) AS (VALUES ('contacts'::regclass), ('history'))
        SELECT sum(pg_stat_get_xact_tuples_returned(id))::bigint FROM (
            SELECT id FROM tables UNION ALL SELECT indexrelid FROM pg_index, tables WHERE indrelid = tables.id
        ) AS all_of_them (id)";
    Ok(tx.query_one(SQL, &[])?.get(0))
}

/// Each contact of a book was changed once, after all were made; their revisions in the order of their ids.
fn change_all(world: &World, owner: i64) {
    let keep = "INSERT INTO history SELECT owner, revision + 100000, id, updated_at, '', '', card, created_at, false, false
        FROM contacts WHERE owner = $1";
    let change = "UPDATE contacts SET revision = revision + 100000 WHERE owner = $1";
    for sql in [keep, change] {
        world.app.db.transaction(|tx| tx.execute(sql, &[&owner])).unwrap();
    }
}

/// As random and as long as those of programs are: their index is larger than others of the book.
fn uid(n: usize) -> String {
    let scattered = (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{scattered:016x}-4b1d-4c1e-9d2a-{n:012x}")
}

/// Has Postgres look at the tables, of this world only: others are locked by other tests.
fn analyze(world: &World) {
    world.app.db.transaction(|tx| tx.execute("ANALYZE contacts, history", &[])).unwrap();
}

/// A book of that many contacts.
fn fill(world: &World, ann: i64) {
    fill_with(world, ann, BOOK, |n| format!("FN:A{n}"));
}

fn fill_with(world: &World, ann: i64, book: usize, lines: impl Fn(usize) -> String) {
    let card = |n| {
        let (uid, lines) = (uid(n), lines(n));
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\n{lines}\r\nEND:VCARD\r\n")
    };
    let file: String = (0..book).map(card).collect();
    let source = import::read(file.as_bytes(), "text/vcard", None, &[], chrono::NaiveDate::MAX);
    let outcome =
        import::store(&world.app, ann, &by(), source.unwrap(), &Options::default(), |_| Ok(()));
    assert_eq!(outcome.unwrap().created, book);
}

#[test]
fn a_list_of_what_changed_since_an_instant_reads_the_book_once() {
    let (world, ann, _) = ann_and_eve();
    let begin = world.now();
    fill(&world, ann);
    analyze(&world);
    let filter = Filter { updated_since: Some(begin), ..Filter::default() };
    let sort = Sort { key: Key::Name, descending: false };
    let reads = read(&world, |tx| {
        Ok(lists::page(tx, ann, &filter, sort, &Start::Skip(0), ASKED as i64)?.contacts.len())
    });
    assert!(reads <= BOOK as i64 * 5 / 4, "{reads}");
}

#[test]
fn a_calendar_reads_each_birthday_once() {
    let (world, ann, _) = ann_and_eve();
    // A thousand people of one name have one birthday.
    fill_with(&world, ann, BOOK, |n| format!("FN:A{}\r\nBDAY:1990-01-0{}", n % 3, n % 3 + 1));
    let mut uids = HashSet::new();
    let reads = counted(&world, |tx| {
        let mut after = AfterBirthday::default();
        loop {
            let page = birthdays::page(tx, ann, &mut after)?;
            if page.is_empty() {
                return Ok(());
            }
            for it in page {
                assert!(uids.insert(it.uid), "twice");
            }
        }
    });
    assert_eq!(uids.len(), BOOK);
    assert!(reads <= BOOK as i64 * 5 / 2, "{reads}"); // its entry in the index and its row
}

#[test]
fn looking_up_a_few_reads_a_few() {
    let (world, ann, _) = ann_and_eve();
    fill(&world, ann);
    looks_up_a_few(&world, ann);
}

#[test]
fn a_page_of_a_long_history_reads_a_part_of_it() {
    let (world, ann, _) = ann_and_eve();
    fill(&world, ann);
    let first: i64 = world.sql("SELECT max(revision) + 1 FROM contacts");
    // Twenty changes of each, one a second but for the first 25,000, which are of one transaction.
    let sql = "INSERT INTO history SELECT owner, $2 + n, id, now() + greatest(n, 25000) * interval '1 second', 'rest', '',
            '', created_at, false, false
        FROM (SELECT *, row_number() OVER (ORDER BY time, id) AS n FROM contacts, generate_series(1, 20) AS time
            WHERE owner = $1) AS changes";
    let done = world.app.db.transaction(|tx| tx.execute(sql, &[&ann, &first])).unwrap();
    assert_eq!(done, 60_000);
    analyze(&world);
    let (mut before, mut reads, mut changed) = (Some(i64::MAX), Vec::new(), 0);
    while let Some(end) = before {
        reads.push(counted(&world, |tx| {
            let (page, next) = past::stretches(tx, ann, DateTime::UNIX_EPOCH, end)?;
            changed += page.iter().map(|it| it.changed).sum::<i64>();
            before = next;
            Ok(())
        }));
    }
    assert_eq!(changed, 60_000);
    assert_eq!(reads.len(), 2, "{reads:?}");
    assert!(reads[0] < 20_000 * 7, "{reads:?}");
}

/// A book in use has something that is too old at every look, all year long.
#[test]
fn a_purge_reads_what_is_too_old_and_not_the_whole_history() {
    let (world, ann, _) = ann_and_eve();
    fill(&world, ann);
    let first: i64 = world.sql("SELECT max(revision) + 1 FROM contacts");
    // Twenty changes of each, one a second; the first hundred are too old.
    let sql = "INSERT INTO history SELECT owner, $2 + n, id, $3::timestamptz + (n - 100) * interval '1 second', 'rest',
            '', '', created_at, false, false
        FROM (SELECT *, row_number() OVER (ORDER BY time, id) AS n FROM contacts, generate_series(1, 20) AS time
            WHERE owner = $1) AS changes";
    let since = trash::kept_since(world.now());
    let done = world.app.db.transaction(|tx| tx.execute(sql, &[&ann, &first, &since])).unwrap();
    assert_eq!(done, 20 * BOOK as u64);
    // As the sum of their bytes, which no write of this test has counted.
    let sql = "UPDATE address_books SET history_bytes = 1000000 WHERE owner = $1";
    world.app.db.transaction(|tx| tx.execute(sql, &[&ann])).unwrap();
    analyze(&world);
    let reads = counted(&world, |tx| {
        let mut book = books::lock(tx, ann)?;
        assert!(!trash::purge(tx, &mut book, world.now())?);
        Ok(())
    });
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM history"), 20 * BOOK as i64 - 100);
    assert!(reads < BOOK as i64, "{reads}");
}

#[test]
fn groups_that_follow_their_labels_read_those_who_changed() {
    let (world, ann, _) = ann_and_eve();
    fill(&world, ann);
    let labels: Vec<String> = (0..50).map(|n| format!("label {n}")).collect();
    for (n, label) in labels.iter().enumerate() {
        let text = format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:g{n}\r\nFN:{label}\r\nN:;;;;\r\n\
            X-ADDRESSBOOKSERVER-KIND:group\r\nEND:VCARD\r\n"
        );
        let name = format!("g{n}.vcf").into_bytes();
        let card = vcard::Card::stored(&text);
        contacts::put(&world.app, ann, &by(), &name, card, contacts::UNGUARDED).unwrap();
    }
    let reads = in_book(&world.app, ann, &by(), |writer| {
        let stored = rows::find_uid(writer.tx, ann, &uid(HALF))?.unwrap();
        let mut card = stored.card();
        labels.iter().for_each(|label| service::labels::add(&mut card, label).unwrap());
        writer.update_one(stored, card)?;
        let before = reads_so_far(writer.tx)?;
        groups::follow(writer)?;
        Ok(reads_so_far(writer.tx)? - before)
    });
    assert_eq!(
        world
            .app
            .db
            .read(|db| rows::find_named(db, ann, b"g7.vcf"))
            .unwrap()
            .unwrap()
            .card()
            .group()
            .unwrap()
            .members,
        [uid(HALF)]
    );
    let reads = reads.unwrap();
    assert!(reads <= BOOK as i64 / 5, "{reads}");
}

/// As where all that was found is selected and exported: of very many ids each page looks up its own.
#[test]
fn pages_of_many_ids_look_each_of_them_up_once() {
    let (world, ann, eve) = ann_and_eve();
    fill(&world, eve);
    fill(&world, ann);
    let first: i64 = world.sql(&format!("SELECT min(id) FROM contacts WHERE owner = {ann}"));
    let hers = first..first + BOOK as i64;
    // In no order, one of them twice, and among them more that are not hers than a page has.
    let asked = Part::Ids((1..hers.end).rev().chain([first]).collect());
    let mut found = Vec::new();
    let reads = counted(&world, |tx| {
        loop {
            let page = rows::page(tx, ann, &asked, found.last().copied().unwrap_or(0))?;
            if page.is_empty() {
                return Ok(());
            }
            found.extend(page.iter().map(|it| it.contact.id));
        }
    });
    assert_eq!(found, hers.collect::<Vec<_>>());
    assert!(reads <= 2 * BOOK as i64, "{reads}");
}

/// Postgres looked at the tables before the owner had a book.
#[test]
fn looking_up_a_few_in_a_book_that_is_newer_than_the_statistics_reads_a_few() {
    let (world, ann, eve) = ann_and_eve();
    fill(&world, eve);
    change_all(&world, eve);
    analyze(&world);
    fill(&world, ann);
    looks_up_a_few(&world, ann);
}

#[test]
fn looking_up_a_few_in_a_book_that_postgres_knows_reads_a_few() {
    let (world, ann, _) = ann_and_eve();
    fill(&world, ann);
    analyze(&world);
    looks_up_a_few(&world, ann);
}

/// A plan that was made while the table was small lives until Postgres has looked at the table again.
#[test]
fn looking_up_a_few_by_plans_that_are_older_than_the_book_reads_a_few() {
    let (world, ann, eve) = ann_and_eve();
    let few = 2 * ASKED;
    fill_with(&world, eve, few, |n| format!("FN:A{n}"));
    each_look_up(&world, eve, few, |_, look_up| {
        for _ in 0..20 {
            world.app.db.transaction(|tx| look_up(tx)).unwrap();
        }
    });
    fill(&world, ann);
    each_look_up(&world, ann, BOOK, |name, look_up| {
        // One contact by its id has a kept plan, for speed, so that it may cost a book until Postgres has looked.
        if name != "find_any" {
            reads_a_few(&world, name, look_up);
        }
    });
}

fn looks_up_a_few(world: &World, ann: i64) {
    each_look_up(world, ann, BOOK, |name, look_up| reads_a_few(world, name, look_up));
}

fn reads_a_few(world: &World, name: &str, look_up: LookUp) {
    let reads = read(world, look_up);
    assert!(reads <= BOOK as i64 / 5, "{name} reads {reads}");
}

/// Has each way to look up many contacts tried for twenty of a book of so many.
fn each_look_up(world: &World, ann: i64, book: usize, mut attempt: impl FnMut(&str, LookUp)) {
    let (half, step) = (book / 2, (book / 2 / ASKED).min(3));
    let sql = format!("SELECT min(revision) FROM contacts WHERE owner = {ann}");
    let first_revision: i64 = world.sql(&sql);
    change_all(world, ann);
    let sql = format!("SELECT min(id) FROM contacts WHERE owner = {ann}");
    let first: i64 = world.sql(&sql);
    let ids: Vec<i64> = (first + half as i64..).step_by(step).take(ASKED).collect();
    let uids: Vec<String> = (0..ASKED).map(|n| uid(half + n * step)).collect();
    let names: Vec<String> = uids.iter().map(|uid| format!("{uid}.vcf")).collect();
    let octets: Vec<Vec<u8>> = names.iter().map(|name| name.clone().into_bytes()).collect();
    let by_ids = Part::Ids(ids.clone());
    let by_uids = Part::Uids(uids.clone());
    let revision = Cell::new(900_000);
    let bury = |tx: &mut Tx| {
        let by = Origin { protocol: "rest", client: "", at: world.now() };
        let buried = writes::bury(tx, ann, &ids, revision.get(), by)?;
        revision.set(revision.get() + buried.rows);
        Ok(buried.rows as usize)
    };
    let named: Vec<(String, String)> = (0..ASKED)
        .map(|n| {
            let sql = format!(
                "SELECT sort_name || '|' || sort_more FROM contacts WHERE owner = {ann} AND uid = '{}'",
                uid(half + n * step)
            );
            let both: String = world.sql(&sql);
            let (name, more) = both.split_once('|').unwrap();
            (name.to_owned(), more.to_owned())
        })
        .collect();
    let each_named = |tx: &mut Tx| {
        let mut count = 0;
        imports::each_named(tx, ann, i64::MAX, &named, |_| count += 1)?;
        Ok(count)
    };
    let each_card = |tx: &mut Tx| {
        let mut found = 0;
        resources::each_named(tx, ann, &names, |_, text| found += usize::from(text.is_some()))?;
        Ok(found)
    };
    let list = |tx: &mut Tx| {
        let sort = Sort { key: Key::Name, descending: false };
        let page = lists::page(tx, ann, &Filter::default(), sort, &Start::Skip(0), ASKED as i64)?;
        Ok(page.contacts.len())
    };
    let each_id = |tx: &mut Tx| {
        let found = ids.iter().map(|id| rows::find_any(tx, ann, *id));
        Ok(found.collect::<Result<Vec<_>>>()?.into_iter().flatten().count())
    };
    let each_name = |tx: &mut Tx| {
        let found = octets.iter().map(|name| rows::find_named(tx, ann, name));
        Ok(found.collect::<Result<Vec<_>>>()?.into_iter().flatten().count())
    };
    // The revisions that `change_all` gave.
    let changes = first_revision + 100_000;
    let made =
        |tx: &mut Tx| Ok(history::made_since(tx, ann, 0, (changes, changes + ASKED as i64))?.len());
    let changed = |tx: &mut Tx| {
        let (then, half) = (first_revision + book as i64, changes + half as i64);
        let some = (half, half + ASKED as i64);
        Ok(history::changed_since(tx, ann, Those::Others, then, some)?.len())
    };
    let looks: [(&str, LookUp); 17] = [
        ("list", Box::new(list)),
        ("find_any", Box::new(each_id)),
        ("find_named", Box::new(each_name)),
        ("made_since", Box::new(made)),
        ("changed_since", Box::new(changed)),
        ("find_uids", Box::new(|tx| Ok(imports::find_uids(tx, ann, &uids)?.len()))),
        ("taken_uids", Box::new(|tx| Ok(imports::taken_uids(tx, ann, &uids)?.len()))),
        ("taken_names", Box::new(|tx| Ok(imports::taken_names(tx, ann, &octets)?.len()))),
        ("shown", Box::new(|tx| Ok(rows::shown(tx, ann, &ids)?.len()))),
        ("all", Box::new(|tx| Ok(rows::all(tx, ann, &ids)?.len()))),
        ("uids", Box::new(|tx| Ok(rows::uids(tx, ann, &ids)?.len()))),
        ("page of ids", Box::new(|tx| Ok(rows::page(tx, ann, &by_ids, 0)?.len()))),
        ("page of uids", Box::new(|tx| Ok(rows::page(tx, ann, &by_uids, 0)?.len()))),
        ("count_shown", Box::new(|tx| duplicates::count_shown(tx, ann, &ids))),
        ("each card", Box::new(each_card)),
        ("each named", Box::new(each_named)),
        ("bury", Box::new(bury)),
    ];
    for (name, look_up) in looks {
        attempt(name, look_up);
    }
}
