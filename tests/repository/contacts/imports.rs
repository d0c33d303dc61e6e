//! Many contacts at once.

use super::{add, ann_and_eve, change, delete, named, state};
use contactd::error::Error;
use contactd::model::contact::ContactFields;
use contactd::repository::contacts::exports::{self, Part};
use contactd::repository::contacts::imports::{self, NewContact};
use contactd::repository::contacts::{self, books};

fn new(name: &str) -> NewContact {
    NewContact {
        uid: format!("uid of {name}"),
        fields: named(name),
        properties: format!("X-A:{name}"),
    }
}

#[test]
fn uids_are_known_of_one_s_own_live_contacts_another_cannot() {
    let (world, ann, eve) = ann_and_eve();
    let [live, gone] = ["A", "B"].map(|name| add(&world, ann, &named(name)));
    delete(&world, ann, gone.id);
    let uids = [live.uid.as_str(), gone.uid.as_str(), "other"];
    let found = |owner| change(&world, |tx| imports::find_uids(tx, owner, &uids));
    assert_eq!(found(ann), [live.uid.clone()].into());
    assert_eq!(found(eve), [].into());
}

#[test]
fn a_digest_is_the_same_in_rust_and_in_sql_another_s_is_unknown() {
    let (world, ann, eve) = ann_and_eve();
    let full = ContactFields {
        email: Some("a@example.com".to_owned()),
        phone: Some("+380 44 1".to_owned()),
        birthday: "0987-02-03".parse().ok(),
        additional_data: Some("a\r\nb\rc\n".to_owned()),
        labels: vec!["Сім'я".to_owned(), "b".to_owned()],
        ..named("Ґ Ї")
    };
    let all = [full, named("A"), named("A B"), named("Gone")];
    for fields in &all {
        add(&world, ann, fields);
    }
    let gone = world.sql("SELECT id FROM contacts WHERE first_name = 'Gone'");
    delete(&world, ann, gone);
    let known = |owner| {
        let fields: Vec<_> = all.iter().collect();
        let known = change(&world, |tx| imports::find_digests(tx, owner, &fields));
        all.each_ref().map(|fields| known.contains(&imports::digest(fields)))
    };
    assert_eq!(known(ann), [true, true, true, false]);
    assert_eq!(known(eve), [false; 4]);
    let mut other = all[0].clone();
    other.additional_data = Some("a\nb\nc\n".to_owned());
    assert_eq!(imports::digest(&other), imports::digest(&all[0]), "line ends count as one");
    other.labels.reverse();
    assert_ne!(imports::digest(&other), imports::digest(&all[0]));
}

#[test]
fn what_is_inserted_is_there_in_order_and_counted_in_one_s_own_book() {
    let (world, ann, eve) = ann_and_eve();
    add(&world, ann, &named("A"));
    let mut list = vec![new("B"), new("C D")];
    list[1].fields.labels = vec!["x, y".to_owned(), "z".to_owned()];
    list[1].fields.birthday = "2000-02-29".parse().ok();
    change(&world, |tx| imports::insert(tx, ann, &list, world.now()));
    let page = |owner| {
        let page = world.app.db.read(|db| exports::page(db, owner, Part::Live, 0)).unwrap();
        page.into_iter().skip(1).collect::<Vec<_>>()
    };
    let there = page(ann);
    assert_eq!((there[0].revision, there[1].revision), (2, 3));
    for (new, there) in list.iter().zip(&there) {
        assert_eq!((&new.uid, &new.fields), (&there.uid, &there.fields));
        assert_eq!(new.properties, there.properties);
        assert_eq!((there.created_at, there.updated_at), (world.now(), world.now()));
    }
    let count = |owner| world.app.db.read(|db| books::count(db, owner)).unwrap();
    assert_eq!((count(ann), count(eve)), (3, 0));
    assert_eq!(page(eve), []);
    let nobody = world.app.db.transaction(|tx| imports::insert(tx, 4711, &list, world.now()));
    assert!(matches!(nobody, Err(Error::Unauthenticated)));
}

#[test]
fn a_rehearsal_leaves_nothing_behind() {
    let (world, ann, _) = ann_and_eve();
    add(&world, ann, &named("A"));
    let before = state(&world);
    change(&world, |tx| {
        books::lock(tx, ann)?;
        imports::begin_rehearsal(tx)?;
        imports::insert(tx, ann, &[new("B")], world.now())?;
        assert_eq!(imports::find_uids(tx, ann, &["uid of B"])?.len(), 1);
        imports::end_rehearsal(tx)
    });
    assert_eq!(state(&world), before);
    let find = |db: &mut _| contacts::find(db, ann, 2);
    assert_eq!(world.app.db.read(find).unwrap(), None);
}
