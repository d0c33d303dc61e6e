//! Many contacts at once.

use super::{add, ann_and_eve, by, delete, name, state};
use crate::world::World;
use chrono::NaiveDate;
use contactd::config::Config;
use contactd::error::{Conflict, Error};
use contactd::repository::contacts::rows::{self, Part};
use contactd::service::import::{self, Existing, Options, Outcome};
use serde_json::json;

fn store(world: &World, owner: i64, file: &str, options: &Options) -> Outcome {
    let source = import::read(file.as_bytes(), "text/plain", None, &[], NaiveDate::MAX).unwrap();
    import::store(&world.app, owner, &by(), source, options, |_| Ok(())).unwrap()
}

fn names(world: &World, owner: i64) -> Vec<String> {
    let page = world.app.db.read(|db| rows::page(db, owner, &Part::Live, 0)).unwrap();
    page.iter().map(|stored| name(&stored.contact)).collect()
}

fn card(uid: &str, name: &str, more: &str) -> String {
    format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:;{name};;;\r\n{more}END:VCARD\r\n"
    )
}

#[test]
fn what_is_there_is_skipped_and_another_owner_s_does_not_count() {
    let (world, ann, eve) = ann_and_eve();
    let file = [card("1", "A", ""), card("2", "B", "TEL:112\r\n")].concat();
    for (owner, created) in [(ann, 2), (ann, 0), (eve, 2)] {
        let outcome = store(&world, owner, &file, &Options::default());
        assert_eq!((outcome.created, outcome.skipped_duplicates), (created, 2 - created));
    }
    assert_eq!(names(&world, ann), ["A", "B"]);
    // Its place in the trash does not count.
    let id: i64 = world.sql(&format!("SELECT id FROM contacts WHERE owner = {ann} AND uid = '1'"));
    delete(&world, ann, id).unwrap();
    assert_eq!(store(&world, ann, &file, &Options::default()).created, 1);
}

#[test]
fn a_uid_with_other_contents_is_skipped_replaced_or_added() {
    let (world, ann, _) = ann_and_eve();
    store(&world, ann, &card("1", "A", "TEL:112\r\n"), &Options::default());
    let other = card("1", "A", "TEL:113\r\n");
    let with = |existing| Options { existing, ..Options::default() };
    let skipped = store(&world, ann, &other, &with(Existing::Skip));
    assert_eq!((skipped.skipped_duplicates, skipped.warnings.len()), (1, 1));
    let updated = store(&world, ann, &other, &with(Existing::Update));
    assert_eq!((updated.updated, updated.created), (1, 0));
    let added = store(&world, ann, &card("1", "A", "TEL:114\r\n"), &with(Existing::Add));
    assert_eq!((added.created, names(&world, ann).len()), (1, 2));
}

#[test]
fn without_a_uid_a_card_is_skipped_when_one_contact_says_it_all() {
    let (world, ann, _) = ann_and_eve();
    let bare = |more: &str| {
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A B\r\nN:B;A;;;\r\n{more}END:VCARD\r\n")
    };
    let file = [bare("TEL:112\r\n"), bare("TEL:113\r\n"), bare("TEL:112\r\n")].concat();
    let first = store(&world, ann, &file, &Options::default());
    assert_eq!((first.created, first.skipped_duplicates), (2, 1));
    let id: i64 = world.sql("SELECT min(id) FROM contacts");
    super::patch(&world, ann, id, json!({"nickname": "more"})).unwrap();
    let again = store(&world, ann, &file, &Options::default());
    assert_eq!((again.created, again.skipped_duplicates), (0, 3), "also after it got more");
    let more = store(&world, ann, &bare("TEL:112\r\nEMAIL:a@example.com\r\n"), &Options::default());
    assert_eq!(more.created, 1, "nobody says that");
}

#[test]
fn a_dry_run_says_the_same_and_leaves_nothing_behind() {
    let (world, ann, _) = ann_and_eve();
    add(&world, ann, json!({"first_name": "There", "uid": "1"}));
    let file = [card("1", "Other", ""), card("2", "B", ""), card("2", "B", ""), card("2", "C", "")];
    let file = file.concat();
    let before = state(&world);
    let dry = store(&world, ann, &file, &Options { dry_run: true, ..Options::default() });
    assert_eq!(state(&world), before);
    let real = store(&world, ann, &file, &Options::default());
    let counts = |it: &Outcome| (it.created, it.updated, it.skipped_duplicates, it.undo);
    assert_eq!((counts(&dry), &dry.warnings), (counts(&real), &real.warnings));
    assert_eq!(counts(&real), (2, 0, 2, Some(1)));
}

#[test]
fn a_dry_run_fails_where_the_import_fails() {
    let (world, ann, _) = ann_and_eve();
    add(&world, ann, json!({"first_name": "There", "uid": "1"}));
    let file = [card("1", "Other", ""), card("2", "B", ""), card("3", "C", "")].concat();
    let size: i64 = world.sql("SELECT octet_length(card)::bigint FROM contacts");
    let room = |contacts: i64, bytes: i64, existing| {
        let config = world.app.config.clone();
        let full =
            world.replica_of(Config { max_contacts: contacts, max_storage: bytes, ..config });
        [true, false].map(|dry_run| {
            let options = Options { dry_run, existing, ..Options::default() };
            let read = import::read(file.as_bytes(), "text/vcard", None, &[], NaiveDate::MAX);
            match import::store(&full.app, ann, &by(), read.unwrap(), &options, |_| Ok(())) {
                Ok(done) => Some((done.created, done.updated)),
                Err(Error::Conflict(Conflict::QuotaExceeded(_))) => None,
                Err(other) => panic!("{other:?}"),
            }
        })
    };
    assert_eq!(room(2, 1 << 40, Existing::Skip), [None, None]);
    assert_eq!(room(9, size, Existing::Skip), [None, None]);
    assert_eq!(room(9, size, Existing::Update), [None, None]);
    assert_eq!(room(3, 1 << 40, Existing::Skip), [Some((2, 0)), Some((2, 0))]);
}

#[test]
fn labels_come_from_lists_of_people_and_from_the_call() {
    let (world, ann, _) = ann_and_eve();
    let list = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:g\r\nFN:Friends\r\nX-ADDRESSBOOKSERVER-KIND:group\r\n\
        X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1\r\nEND:VCARD\r\n";
    let file = [card("1", "A", ""), list.to_owned(), card("2", "B", "")].concat();
    let options = Options { label: Some("new".to_owned()), ..Options::default() };
    assert_eq!(store(&world, ann, &file, &options).created, 2);
    // The last line of the members, see model/contact/packed.rs.
    let labels = |uid: &str| -> Vec<String> {
        let sql = "SELECT split_part(members, E'\\n', -1) FROM contacts WHERE uid";
        serde_json::from_str(&world.sql::<String>(&format!("{sql} = '{uid}'"))).unwrap()
    };
    assert_eq!(
        (labels("1"), labels("2")),
        (vec!["Friends".into(), "new".into()], vec!["new".into()])
    );
}

#[test]
fn what_is_no_file_of_contacts_changes_nothing() {
    for (file, media_type) in [
        ("hello", "text/vcard"),
        ("hello", "text/csv"),
        ("{}", "application/json"),
        ("[1", "text/plain"),
    ] {
        let read = import::read(file.as_bytes(), media_type, None, &[], NaiveDate::MAX);
        assert!(matches!(read, Err(Error::Malformed(_))), "{file} {read:?}");
    }
}
