//! The tables of accounts.

use crate::world::World;
use chrono::Duration;
use contactd::db::Conn;
use contactd::error::{Conflict, Error};
use contactd::model::user::Role;
use contactd::repository::mail_tokens::{self, Purpose};
use contactd::repository::sessions::{self, Client, SESSIONS_MAX};
use contactd::repository::users::{self, NewUser};
use contactd::repository::{Slice, avatars, outbox, uploads};

fn insert(world: &World, username: &str, email: &str) -> contactd::error::Result<i64> {
    let new = NewUser {
        username,
        email,
        password_hash: "x",
        role: Role::User,
        is_verified: false,
        language: None,
    };
    world.app.db.transaction(|tx| Ok(users::insert(tx, &new, world.now())?.id))
}

/// `contactd user list`, while accounts end.
#[test]
fn every_account_is_listed_whatever_ends_meanwhile() {
    let world = World::new();
    const MANY: &str = "INSERT INTO users (username, email, password_hash, created_at)
        SELECT 'user' || i, i || '@example.com', 'x', now() FROM generate_series(1, 150) AS i";
    world.app.db.write(|db| db.batch(MANY)).unwrap();
    let mut seen = Vec::new();
    let end = "UPDATE users SET deleted_at = now() WHERE username IN ('user1', 'user2')";
    let note = |user: &contactd::model::user::User| {
        if seen.is_empty() {
            world.app.db.write(|db| db.batch(end)).unwrap();
        }
        seen.push(user.username.clone());
    };
    contactd::service::operator::each_user(&world.app, note).unwrap();
    assert_eq!(seen, (1..=150).map(|i| format!("user{i}")).collect::<Vec<_>>());
}

#[test]
fn letter_case_makes_no_second_account() {
    let world = World::new();
    insert(&world, "Ann", "Їжак@example.com").unwrap();
    let taken = insert(&world, "aNN", "b@example.com").unwrap_err();
    assert!(matches!(taken, Error::Conflict(Conflict::UsernameTaken)));
    let taken = insert(&world, "bob", "їЖАК@EXAMPLE.com").unwrap_err();
    assert!(matches!(taken, Error::Conflict(Conflict::EmailTaken)));
    let found = world.app.db.read(|db| users::find_by_login(db, "ЇЖАК@example.COM")).unwrap();
    assert_eq!(found.unwrap().user.username, "Ann");
}

#[test]
fn a_letter_that_a_locale_takes_for_another_one_is_in_no_username() {
    let world = World::new();
    insert(&world, "Kiwi", "kiwi@example.com").unwrap();
    let found = |name| world.app.db.read(|db| users::find_by_login(db, name)).unwrap().is_some();
    assert!(found("kiwi") && found("KIWI"));
    // Each spelling would be a name of its own, and count its own failed logins.
    for name in ["K\u{130}W\u{130}", "k\u{131}wi", "\u{212a}iwi"] {
        assert!(!found(name), "{name}");
    }
}

#[test]
fn accounts_are_listed_by_id_searched_and_counted() {
    let world = World::new();
    for name in ["ann", "bob", "annabel"] {
        insert(&world, name, &format!("{name}@example.com")).unwrap();
    }
    let list = |search: Option<&str>, role, limit, skip| {
        let slice = Slice { skip, limit };
        let (users, total) = world.app.db.read(|db| users::list(db, search, role, slice)).unwrap();
        (users.into_iter().map(|user| user.username).collect::<Vec<_>>(), total)
    };
    assert_eq!(list(None, None, 2, 1), (vec!["bob".to_owned(), "annabel".to_owned()], 3));
    assert_eq!(list(Some("ANN"), None, 1, 0), (vec!["ann".to_owned()], 2));
    assert_eq!(list(Some("%"), None, 9, 0).1, 0, "% is a plain character");
    assert_eq!(list(None, Some(Role::Admin), 9, 0).1, 0);
}

#[test]
fn the_twenty_first_session_ends_the_oldest() {
    let world = World::new();
    let id = insert(&world, "ann", "ann@example.com").unwrap();
    let client = Client { ip: "127.0.0.1".to_owned(), user_agent: "test".to_owned() };
    let mut ids = Vec::new();
    for number in 0..=SESSIONS_MAX {
        let hash = [u8::try_from(number).unwrap(); 32];
        let expires = world.now() + Duration::days(30);
        let session = world.app.db.transaction(|tx| {
            let secret = sessions::Secret::Refresh { family: &hash, token: &hash };
            let session = sessions::insert(tx, id, secret, &client, world.now(), expires)?;
            sessions::trim(tx, id)?;
            Ok(session)
        });
        ids.push(session.unwrap());
    }
    let left = world
        .app
        .db
        .read(|db| sessions::list(db, id, world.now(), world.now() - world.app.config.session))
        .unwrap();
    let left: Vec<_> = left.into_iter().rev().map(|session| session.id).collect();
    assert_eq!(left, ids[1..]);
    world.pass(Duration::days(30));
    assert_eq!(world.app.db.write(|db| sessions::purge(db, world.now())).unwrap(), 20);
}

#[test]
fn an_account_is_not_settled_while_somebody_changes_it() {
    let world = World::new();
    let id = insert(&world, "ann", "ann@example.com").unwrap();
    let settled = || world.app.db.read(|db| users::is_settled(db, id)).unwrap();
    assert!(settled());
    let during = world.app.db.transaction(|tx| users::lock(tx, id).map(|_| settled()));
    assert!(!during.unwrap() && settled());
}

#[test]
fn a_mailed_token_has_one_purpose_one_use_and_an_end() {
    let world = World::new();
    let id = insert(&world, "ann", "ann@example.com").unwrap();
    let expires = world.now() + Duration::minutes(30);
    let put = |hash: &[u8]| {
        world
            .app
            .db
            .transaction(|tx| mail_tokens::put(tx, id, Purpose::Reset, hash, "a@b.c", expires))
    };
    let consume = |hash: &[u8], purpose| {
        world
            .app
            .db
            .transaction(|tx| mail_tokens::consume(tx, id, hash, &[purpose], world.now()))
            .unwrap()
    };
    put(b"older").unwrap();
    put(b"newer").unwrap();
    assert_eq!(consume(b"older", Purpose::Reset), None, "a newer one voids the older");
    assert_eq!(consume(b"newer", Purpose::Confirm), None, "it has one purpose");
    assert!(consume(b"newer", Purpose::Reset).is_some());
    assert_eq!(consume(b"newer", Purpose::Reset), None, "it has one use");
    put(b"late").unwrap();
    world.pass(Duration::minutes(30));
    assert_eq!(consume(b"late", Purpose::Reset), None, "it has an end");
}

#[test]
fn deleting_an_account_deletes_all_that_belongs_to_it() {
    let world = World::new();
    let ann = world.user("ann");
    ann.post("/api/contacts", serde_json::json!({"first_name": "Bob"})).expect(201);
    world.app.db.transaction(|tx| avatars::put(tx, ann.id, "key", b"picture")).unwrap();
    let made = "INSERT INTO app_passwords (user_id, name, scope, digest, created_at) VALUES ($1, 'x', 'read', '', now())";
    world.app.db.write(|db| db.execute(made, &[&ann.id])).unwrap();
    let made = "INSERT INTO totp (user_id, secret, created_at) VALUES ($1, '', now())";
    world.app.db.write(|db| db.execute(made, &[&ann.id])).unwrap();
    world.app.delete_user(ann.id, |_, _, _| Ok(())).unwrap();
    let rows: i64 = world.sql(
        "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM sessions)
            + (SELECT count(*) FROM contacts) + (SELECT count(*) FROM address_books)
            + (SELECT count(*) FROM avatars) + (SELECT count(*) FROM mail_tokens)
            + (SELECT count(*) FROM app_passwords) + (SELECT count(*) FROM totp)",
    );
    assert_eq!(rows, 0);
}

#[test]
fn a_file_that_was_taken_in_takes_no_other_one_along() {
    let world = World::new();
    let id = insert(&world, "ann", "ann@example.com").unwrap();
    let upload = |seconds| uploads::Upload {
        label: String::new(),
        at: world.now() + Duration::seconds(seconds),
        found: String::new(),
        revision: 0,
    };
    let (first, second) = (upload(0), upload(1));
    for upload in [&first, &second] {
        let put = |db: &mut Conn| uploads::put(db, id, b"file", upload);
        world.app.db.write(put).unwrap();
    }
    let delete =
        |upload: &uploads::Upload| world.app.db.write(|db| uploads::delete(db, id, upload));
    assert_eq!(delete(&first).unwrap(), 0);
    assert_eq!(delete(&second).unwrap(), 1);
}

/// Its row refers to the account, which is looked for when all bytes are written.
#[test]
fn a_file_that_is_being_kept_when_its_account_goes_is_no_fault_of_ours() {
    let world = World::new();
    let file = vec![0; 50 << 20];
    for ms in (260..500).step_by(40) {
        let id = insert(&world, &format!("ann{ms}"), &format!("ann{ms}@example.com")).unwrap();
        let (label, found) = (String::new(), String::new());
        let upload = uploads::Upload { label, at: world.now(), found, revision: 0 };
        let put = |db: &mut Conn| uploads::put(db, id, &file, &upload);
        std::thread::scope(|scope| {
            let keeping = scope.spawn(|| world.app.db.write(put));
            std::thread::sleep(std::time::Duration::from_millis(ms));
            world.app.delete_user(id, |_, _, _| Ok(())).unwrap();
            keeping.join().unwrap().unwrap();
        });
    }
}

#[test]
fn two_workers_never_take_the_same_mail() {
    let world = World::new();
    let mail = |id: &'static str| outbox::NewMail {
        kind: "confirm",
        recipient: "ann@example.com",
        user_id: None,
        message_id: id,
        is_notice: false,
        username: None,
        language: None,
    };
    for id in ["a@x", "b@x", "c@x", "d@x"] {
        world.app.db.write(|db| outbox::insert(db, mail(id), world.now())).unwrap();
    }
    let claim = || world.app.db.write(|db| outbox::claim(db, world.now())).unwrap();
    let mut taken: Vec<i64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(claim)).collect();
        threads.into_iter().filter_map(|thread| Some(thread.join().unwrap()?.id)).collect()
    });
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len(), 4);
    assert!(claim().is_none(), "the next try is a minute away");
    world.pass(Duration::minutes(1));
    assert!(claim().is_some());
}
