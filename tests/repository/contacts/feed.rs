//! What has changed, in the order of commits.

use super::{add, ann_and_eve, delete, named, patch};
use crate::world::World;
use chrono::Duration;
use contactd::error::{Error, Result};
use contactd::repository::contacts::books;
use contactd::service::changes::{self, Changes, Place};
use std::collections::BTreeSet;

fn since(world: &World, owner: i64, token: Option<&str>, limit: i64) -> Result<Changes> {
    world.app.db.read(|db| changes::since(db, owner, token, limit))
}

fn ids(changes: &Changes) -> Vec<(i64, bool)> {
    changes.changes.iter().map(|it| (it.id, it.deleted)).collect()
}

#[test]
fn each_contact_comes_once_as_it_is_now() {
    let (world, ann, eve) = ann_and_eve();
    let [a, b, c] = ["A", "B", "C"].map(|name| add(&world, ann, named(name)).id);
    delete(&world, ann, b).unwrap();
    let all = since(&world, ann, None, 10).unwrap();
    assert_eq!((ids(&all), all.more), (vec![(a, false), (c, false)], false));
    let none = since(&world, ann, Some(&all.next), 10).unwrap();
    assert_eq!((ids(&none), &none.next), (vec![], &all.next), "stable without a change");
    patch(&world, ann, a, named("A2")).unwrap();
    delete(&world, ann, c).unwrap();
    patch(&world, ann, a, named("A3")).unwrap();
    let page = since(&world, ann, Some(&all.next), 1).unwrap();
    assert_eq!((ids(&page), page.more), (vec![(c, true)], true));
    let rest = since(&world, ann, Some(&page.next), 1).unwrap();
    assert_eq!((ids(&rest), rest.more), (vec![(a, false)], false));
    assert_eq!(ids(&since(&world, eve, None, 10).unwrap()), [], "another owner's are not");
    assert!(matches!(since(&world, eve, Some(&all.next), 10), Err(Error::Resync)));
}

/// Follows page by page to the end, and takes what is said to be there.
fn follow(
    world: &World,
    owner: i64,
    token: &mut Option<String>,
    copy: &mut BTreeSet<i64>,
    limit: i64,
) -> bool {
    let page = since(world, owner, token.as_deref(), limit).unwrap();
    assert!(
        page.changes.len() <= limit as usize && page.more == (page.next != token_now(world, owner))
    );
    for it in &page.changes {
        if it.deleted {
            copy.remove(&it.id)
        } else {
            copy.insert(it.id)
        };
    }
    *token = Some(page.next);
    page.more
}

fn token_now(world: &World, owner: i64) -> String {
    let book = world.app.db.read(|db| books::find(db, owner)).unwrap();
    changes::token(&book, Place::at(book.revision))
}

/// A purge between the look at a token and the look at the changes could take deletions away unseen.
#[test]
fn changes_that_were_read_while_a_purge_went_on_are_not_believed() {
    let (world, ann, _) = ann_and_eve();
    let [kept, gone] = ["Ada", "Bob"].map(|name| add(&world, ann, named(name)).id);
    let token = token_now(&world, ann);
    delete(&world, ann, gone).unwrap();
    let read = |job: &dyn Fn(&mut contactd::db::Conn) -> contactd::error::Result<()>| {
        world.app.db.read(job)
    };
    let book = world.app.db.read(|db| books::find(db, ann)).unwrap();
    let place = changes::place(&book, &token).unwrap();
    read(&|db| place.check(db, ann)).unwrap();
    world.pass(Duration::days(31));
    contactd::service::upkeep::purge(&world.app).unwrap();
    assert!(matches!(read(&|db| place.check(db, ann)), Err(Error::Resync)));
    // Who began with nothing has missed nothing.
    let book = world.app.db.read(|db| books::find(db, ann)).unwrap();
    let empty = format!("{}:0", token.rsplit_once(':').unwrap().0);
    for place in [Place::beginning(&book), changes::place(&book, &empty).unwrap().moved(1)] {
        read(&|db| place.check(db, ann)).unwrap();
    }
    assert_eq!(ids_of(&since(&world, ann, None, 9).unwrap()), [kept]);
}

/// What was purged before a listing began is no reason to begin again at its second page, whatever
/// happens between its pages.
#[test]
fn a_listing_in_pages_goes_on_after_a_purge_and_hears_what_happens_meanwhile() {
    for limit in 1..=3 {
        let (world, ann, _) = ann_and_eve();
        let purge = || contactd::service::upkeep::purge(&world.app).unwrap();
        let ids: Vec<_> = (0..9).map(|n| add(&world, ann, named(&format!("N{n}"))).id).collect();
        delete(&world, ann, ids[8]).unwrap();
        world.pass(Duration::days(31));
        purge();
        delete(&world, ann, ids[7]).unwrap();
        world.pass(Duration::days(29));
        let (mut token, mut copy) = (None, BTreeSet::new());
        assert!(follow(&world, ann, &mut token, &mut copy, limit));
        assert_eq!(copy, ids[..limit as usize].iter().copied().collect());
        // Gone: one that was listed, and one that was not. Changed: one of each too.
        delete(&world, ann, ids[0]).unwrap();
        delete(&world, ann, ids[5]).unwrap();
        patch(&world, ann, ids[limit as usize - 1], named("Changed")).ok();
        patch(&world, ann, ids[6], named("Changed")).unwrap();
        world.pass(Duration::days(2));
        let forgotten =
            |world: &World| world.app.db.read(|db| books::find(db, ann)).unwrap().forgotten;
        let before = forgotten(&world);
        purge();
        assert!(forgotten(&world) > before, "the one deleted before the listing began");
        let again = token.clone();
        while follow(&world, ann, &mut token, &mut copy, limit) {}
        let live: BTreeSet<_> = [1, 2, 3, 4, 6].into_iter().map(|at| ids[at]).collect();
        assert_eq!(copy, live, "pages of {limit}");
        assert_eq!(
            token,
            Some(token_now(&world, ann)),
            "the token of a whole listing is one of now"
        );
        // A page of what was gone before the listing began says nothing of it.
        let page = since(&world, ann, again.as_deref(), 100).unwrap();
        assert!(!ids_of(&page).contains(&ids[7]) && !page.more);
        // A month later the deletions since it began are forgotten: it has to begin again.
        world.pass(Duration::days(30));
        purge();
        assert!(matches!(since(&world, ann, again.as_deref(), limit), Err(Error::Resync)));
        let (mut token, mut copy) = (None, BTreeSet::new());
        while follow(&world, ann, &mut token, &mut copy, limit) {}
        assert_eq!(copy, live);
    }
}

fn ids_of(changes: &Changes) -> Vec<i64> {
    changes.changes.iter().map(|it| it.id).collect()
}

/// A writer that is slow to commit has a smaller revision than one that began later: nothing of it may
/// be passed over by a token that was given out meanwhile.
#[test]
fn a_change_that_is_committed_late_is_never_passed_over() {
    let (world, ann, _) = ann_and_eve();
    let before = since(&world, ann, None, 10).unwrap().next;
    let late = std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (go, may_go) = std::sync::mpsc::channel::<()>();
        let world = &world;
        let slow = scope.spawn(move || {
            let by = super::by();
            contactd::service::writer::in_book(&world.app, ann, &by, |writer| {
                let mut card = vcard::Card::new("late");
                card.set(&vcard::Details { first_name: Some("Late".into()), ..card.details() });
                let new = contactd::service::writer::NewCard { card, resource: None };
                let contact = writer.insert(vec![new])?.remove(0);
                sender.send(()).unwrap();
                may_go.recv().unwrap();
                Ok(contact.id)
            })
        });
        receiver.recv().unwrap();
        let meanwhile = since(world, ann, Some(&before), 10).unwrap();
        assert_eq!(ids(&meanwhile), [], "it is not committed yet");
        let later = scope.spawn(move || add(world, ann, named("Later")).id);
        std::thread::sleep(std::time::Duration::from_millis(200)); // it waits for the book
        go.send(()).unwrap();
        let (late, later) = (slow.join().unwrap().unwrap(), later.join().unwrap());
        let after = since(world, ann, Some(&meanwhile.next), 10).unwrap();
        assert_eq!(ids(&after), [(late, false), (later, false)]);
        late
    });
    assert!(late > 0);
}

/// A statement for two million books at once takes longer than a statement may.
#[test]
fn a_restored_backup_of_many_books_is_done_some_at_a_time() {
    let world = World::new();
    const MANY: &str = "SET session_replication_role = replica;
        INSERT INTO address_books (owner) SELECT generate_series(1, 11000);
        SET session_replication_role = origin;
        CREATE FUNCTION few() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF (SELECT count(*) FROM changed) > 5000 THEN RAISE 'too many at once'; END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER few AFTER UPDATE ON address_books REFERENCING NEW TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION few()";
    world.app.db.write(|db| db.batch(MANY)).unwrap();
    assert_eq!(world.app.db.write(books::restored).unwrap(), 11_000);
    let once = "SELECT count(DISTINCT epoch) FROM address_books WHERE revision = 1000000000";
    assert_eq!(world.sql::<i64>(once), 11_000);
}

#[test]
fn after_a_restored_backup_no_token_is_believed() {
    let (world, ann, _) = ann_and_eve();
    let a = add(&world, ann, named("A")).id;
    let token = since(&world, ann, None, 10).unwrap().next;
    assert!(since(&world, ann, Some(&token), 10).is_ok());
    let tag = |world: &World| super::find(world, ann, a).unwrap().contact.revision;
    let before = tag(&world);
    world.app.db.write(books::restored).unwrap();
    assert!(matches!(since(&world, ann, Some(&token), 10), Err(Error::Resync)));
    patch(&world, ann, a, named("B")).unwrap();
    assert!(tag(&world) > before + 1, "no tag that was given out comes again");
}
