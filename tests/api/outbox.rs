//! Mail: never lost, never of what did not happen, and no secret kept longer than needed.

use crate::smtp::{Behaviour, Offer, Sink};
use crate::world::{PASSWORD, World, served};
use chrono::Duration;
use contactd::mail::parse_smtp_url;
use contactd::repository::{outbox, users};
use contactd::worker;
use serde_json::json;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

fn world(sink: &Sink) -> World {
    let url = sink.url();
    World::with(|config| config.smtp = Some(parse_smtp_url(&url).unwrap()))
}

fn register(world: &World, name: &str) {
    let email = format!("{name}@example.com");
    let body = json!({"username": name, "email": email, "password": PASSWORD});
    world.nobody().post("/api/auth/register", body).expect(201);
}

fn deliver(world: &World) -> usize {
    worker::deliver_due(&world.app).unwrap()
}

fn secrets_kept(world: &World) -> i64 {
    world.sql("SELECT count(*) FROM outbox WHERE token IS NOT NULL")
}

#[test]
fn a_mail_goes_out_by_itself_and_its_secret_is_wiped() {
    let sink = Sink::start();
    let world = world(&sink);
    let stop = AtomicBool::new(false);
    let mails = std::thread::scope(|scope| {
        scope.spawn(|| worker::run(&world.app, &stop));
        register(&world, "ann");
        let mails = sink.wait_for(1);
        stop.store(true, Ordering::Relaxed);
        world.app.work_waits.notify();
        mails
    });
    assert_eq!(mails[0].to, ["ann@example.com"]);
    let id = mails[0].header("Message-ID").unwrap();
    assert!(id.ends_with("@localhost>"), "{id}: the domain of MAIL_FROM");
    let link = mails[0].link().unwrap();
    // From PUBLIC_URL: the requests say `Host: evil.example`.
    assert!(link.starts_with("https://contacts.example/api/auth/confirmed_email/"), "{link}");
    assert!(!mails[0].data.contains("evil.example"));
    assert!(mails[0].html().contains(&link) && mails[0].text().contains("Hello,"));
    assert_eq!(secrets_kept(&world), 0);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM outbox WHERE done_at IS NOT NULL"), 1);
    let confirm = json!({"token": mails[0].token().unwrap()});
    world.nobody().post("/api/auth/confirm-email", confirm).expect(200);
}

/// Else whoever gets the mail behind it, or reads in the export when that was sent, learns who has an account.
#[test]
fn a_mail_that_nobody_gets_takes_as_long_as_one_that_is_sent() {
    let sink = Sink::start();
    let world = world(&sink);
    world.user("ann");
    // Six answers to each mail.
    sink.behave(Behaviour::Slow(std::time::Duration::from_millis(50)));
    for name in ["ann", "nobody1", "nobody2", "nobody3"] {
        let body = json!({"email": format!("{name}@example.com")});
        world.nobody().post("/api/auth/request-password-reset", body).expect(202);
    }
    let began = Instant::now();
    assert_eq!(deliver(&world), 1);
    let took = began.elapsed().as_millis();
    assert!(took >= 4 * 6 * 50, "{took} ms");
}

#[test]
fn a_mail_server_that_hangs_keeps_nothing_from_going_by_age() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}?tls=off", server.local_addr().unwrap());
    let world = World::with(|config| config.smtp = Some(parse_smtp_url(&url).unwrap()));
    world.user("old");
    world.pass(Duration::days(400));
    register(&world, "ann");
    register(&world, "bob");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| worker::run(&world.app, &stop));
        // The first mail fails at once; while the second one waits for a greeting, old sessions are gone already.
        drop(server.accept().unwrap());
        let waits = server.accept().unwrap();
        let left = world.sql::<i64>("SELECT count(*) FROM sessions");
        stop.store(true, Ordering::Relaxed);
        drop((waits, server));
        world.app.work_waits.notify();
        assert_eq!(left, 0);
    });
}

#[test]
fn a_worker_that_dies_before_sending_loses_nothing() {
    let sink = Sink::start();
    let world = world(&sink);
    register(&world, "ann");
    // Claimed, and then the process was killed.
    let claimed = world.app.db.write(|db| outbox::claim(db, world.now())).unwrap().unwrap();
    assert_eq!(deliver(&world), 0, "not due again yet");
    world.pass(Duration::minutes(1));
    assert_eq!(deliver(&world.replica()), 1);
    let mail = &sink.mails()[0];
    assert_eq!(mail.header("Message-ID").unwrap(), format!("<{}>", claimed.message_id));
}

#[test]
fn a_mail_that_may_have_arrived_comes_again_with_the_same_id_and_link() {
    let sink = Sink::start();
    let world = world(&sink);
    register(&world, "ann");
    sink.behave(Behaviour::DropAfterData);
    assert_eq!(deliver(&world), 0);
    assert_eq!(secrets_kept(&world), 1);
    sink.behave(Behaviour::Accept);
    world.pass(Duration::minutes(1));
    assert_eq!(deliver(&world.replica()), 1);
    let mails = sink.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    assert_eq!(mails[0].link(), mails[1].link());
    assert_eq!(secrets_kept(&world), 0);
    let confirm = json!({"token": mails[0].token().unwrap()});
    world.nobody().post("/api/auth/confirm-email", confirm).expect(200);
}

#[test]
fn tries_are_one_five_fifteen_and_sixty_minutes_apart_and_end_after_a_day() {
    let sink = Sink::start();
    let world = world(&sink);
    sink.behave(Behaviour::RefuseRecipient(451));
    register(&world, "ann");
    let start = world.now();
    let mut tries = Vec::new();
    for _ in 0..27 * 60 {
        let before = sink.connections();
        assert_eq!(deliver(&world), 0);
        if sink.connections() > before {
            tries.push((world.now() - start).num_minutes());
        }
        if world.sql::<bool>("SELECT done_at IS NOT NULL FROM outbox") {
            break;
        }
        assert_eq!(secrets_kept(&world), 1);
        world.pass(Duration::minutes(1));
    }
    assert_eq!(tries[..6], [0, 1, 6, 21, 81, 141]);
    let last = *tries.last().unwrap();
    assert!((24 * 60..25 * 60).contains(&last), "{tries:?}");
    assert_eq!(secrets_kept(&world), 0, "the secret of a mail that was given up");
    let error = world.sql::<String>("SELECT last_error FROM outbox");
    assert!(error.contains("451"), "{error}");
    sink.behave(Behaviour::Accept);
    world.pass(Duration::days(1));
    assert_eq!(deliver(&world), 0);
    assert!(sink.mails().is_empty());
}

#[test]
fn a_mail_that_comes_late_still_has_a_link_of_full_life() {
    let sink = Sink::start();
    let world = world(&sink);
    let _ann = world.user("ann");
    sink.behave(Behaviour::HangUp);
    world
        .nobody()
        .post("/api/auth/request-password-reset", json!({"email": "ann@example.com"}))
        .expect(202);
    for minutes in [0, 1, 5, 15, 60] {
        world.pass(Duration::minutes(minutes));
        assert_eq!(deliver(&world), 0);
    }
    sink.behave(Behaviour::Accept);
    world.pass(Duration::minutes(60));
    assert_eq!(deliver(&world), 1);
    world.pass(Duration::minutes(29));
    let body =
        json!({"token": sink.mails()[0].token().unwrap(), "new_password": "another good one"});
    world.nobody().post("/api/auth/reset-password", body).expect(200);
}

#[test]
fn a_link_that_was_handed_over_lives_no_longer_for_a_later_try() {
    let sink = Sink::start();
    let world = world(&sink);
    world.user("ann");
    let body = json!({"email": "ann@example.com"});
    world.nobody().post("/api/auth/request-password-reset", body).expect(202);
    // The server took it, and its answer was lost.
    sink.behave(Behaviour::DropAfterData);
    assert_eq!(deliver(&world), 0);
    world.pass(Duration::minutes(29));
    let page = format!("/api/auth/reset-password/{}", sink.mails()[0].token().unwrap());
    world.nobody().get(&page).expect(200);
    sink.behave(Behaviour::Accept);
    assert_eq!(deliver(&world), 1);
    assert_eq!(sink.mails()[1].token(), sink.mails()[0].token());
    world.pass(Duration::minutes(1));
    world.nobody().get(&page).expect(400);
    // And no try brings a dead one back to life.
    world
        .nobody()
        .post("/api/auth/request-password-reset", json!({"email": "ann@example.com"}))
        .expect(202);
    sink.behave(Behaviour::DropAfterData);
    assert_eq!(deliver(&world), 0);
    let sent = sink.mails().len();
    let page = format!("/api/auth/reset-password/{}", sink.mails()[sent - 1].token().unwrap());
    world.pass(Duration::minutes(30));
    sink.behave(Behaviour::Accept);
    assert_eq!(deliver(&world), 0);
    assert_eq!(sink.mails().len(), sent, "a dead link is not mailed");
    world.nobody().get(&page).expect(400);
}

#[test]
fn a_mail_of_what_was_rolled_back_is_never_sent() {
    let sink = Sink::start();
    let world = world(&sink);
    world.user("ann");
    for (name, email) in [("ANN", "x@example.com"), ("other", "Ann@example.com")] {
        let body = json!({"username": name, "email": email, "password": PASSWORD});
        world.nobody().post("/api/auth/register", body).expect(409);
    }
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM outbox"), 0);
    // A reset whose token another request used up in between.
    world
        .nobody()
        .post("/api/auth/request-password-reset", json!({"email": "ann@example.com"}))
        .expect(202);
    deliver(&world);
    let token = sink.mails()[0].token().unwrap();
    let body = json!({"token": token, "new_password": "another good one"});
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let path = "/api/auth/reset-password";
        let one = || served(|| world.nobody().post(path, body.clone())).status;
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    deliver(&world);
    assert_eq!(sink.mails().len(), 2, "one link and one notice");
    // A statement that fails after the mail was written down.
    let refuse =
        "ALTER TABLE audit_events ADD CHECK (action <> 'password_reset_requested') NOT VALID";
    world.app.db.write(|db| db.batch(refuse)).unwrap();
    world
        .nobody()
        .post("/api/auth/request-password-reset", json!({"email": "ann@example.com"}))
        .expect(500);
    assert_eq!(deliver(&world), 0);
    assert_eq!(sink.mails().len(), 2);
}

#[test]
fn a_newer_link_voids_the_older_even_when_the_older_waits() {
    let sink = Sink::start();
    let world = world(&sink);
    world.user("ann");
    let ask = || {
        let body = json!({"email": "ann@example.com"});
        world.nobody().post("/api/auth/request-password-reset", body).expect(202);
    };
    sink.behave(Behaviour::RefuseRecipient(451));
    ask();
    assert_eq!(deliver(&world), 0);
    sink.behave(Behaviour::Accept);
    ask();
    assert_eq!(deliver(&world), 1);
    world.pass(Duration::minutes(1));
    deliver(&world);
    assert_eq!(sink.mails().len(), 1, "the older one has become useless");
    assert_eq!(secrets_kept(&world), 0);
    let page = format!("/api/auth/reset-password/{}", sink.mails()[0].token().unwrap());
    world.nobody().get(&page).expect(200);
}

#[test]
fn of_two_wishes_the_newer_counts_whichever_worker_is_quicker() {
    let sink = Sink::start();
    let world = world(&sink);
    world.user("ann");
    for _ in 0..2 {
        let body = json!({"email": "ann@example.com"});
        world.nobody().post("/api/auth/request-password-reset", body).expect(202);
    }
    // One worker took the older wish and was slow; another one did the newer one meanwhile.
    let older = world.app.db.write(|db| outbox::claim(db, world.now())).unwrap().unwrap();
    assert_eq!(deliver(&world), 1);
    world.pass(Duration::minutes(1));
    assert_eq!(deliver(&world), 0, "the older wish {} is no mail any more", older.id);
    assert_eq!(sink.mails().len(), 1);
    let page = format!("/api/auth/reset-password/{}", sink.mails()[0].token().unwrap());
    world.nobody().get(&page).expect(200);
}

#[test]
fn nobody_is_written_to_who_does_not_want_it_any_more() {
    let sink = Sink::start();
    let world = world(&sink);
    let (root, ann) = (world.admin("root"), world.user("ann"));
    register(&world, "bob");
    world
        .nobody()
        .post("/api/auth/request-password-reset", json!({"email": "ann@example.com"}))
        .expect(202);
    ann.delete_with("/api/users/me", json!({"password": PASSWORD})).expect(204);
    let bob = root.get("/api/users?search=bob").json()[0]["id"].clone();
    root.patch(&format!("/api/users/{bob}"), json!({"is_active": false})).expect(200);
    deliver(&world);
    assert!(sink.mails().is_empty());
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM outbox WHERE done_at IS NULL"), 0);
}

#[test]
fn two_workers_send_each_mail_once() {
    let sink = Sink::start();
    let world = world(&sink);
    for number in 0..20 {
        world.user(&format!("user{number}"));
        let body = json!({"email": format!("user{number}@example.com")});
        world.nobody().post("/api/auth/request-password-reset", body).expect(202);
    }
    let there = world.replica();
    let sent: usize = std::thread::scope(|scope| {
        let workers = [&world, &there, &world, &there].map(|world| scope.spawn(|| deliver(world)));
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!((sent, sink.mails().len()), (20, 20));
    let mut to: Vec<_> = sink.mails().into_iter().flat_map(|mail| mail.to).collect();
    to.sort();
    to.dedup();
    assert_eq!(to.len(), 20);
}

#[test]
fn a_server_that_hangs_holds_no_request_up() {
    let sink = Sink::start();
    let world = world(&sink);
    sink.behave(Behaviour::Slow(std::time::Duration::from_secs(2)));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| worker::run(&world.app, &stop));
        let start = std::time::Instant::now();
        register(&world, "ann");
        world.user("bob").get("/api/users/me").expect(200);
        assert!(start.elapsed() < std::time::Duration::from_secs(5));
        sink.behave(Behaviour::Accept);
        stop.store(true, Ordering::Relaxed);
        world.app.work_waits.notify();
    });
}

#[test]
fn a_bell_wakes_the_worker_and_without_one_it_sleeps() {
    let world = World::new();
    let wait = |at_most| {
        let began = std::time::Instant::now();
        world.app.work_waits.wait(std::time::Duration::from_millis(at_most));
        began.elapsed().as_millis()
    };
    world.app.work_waits.notify(); // before anybody waits
    assert!(wait(60_000) < 30_000);
    assert!(wait(50) >= 50);
}

#[test]
fn what_was_sent_is_kept_for_a_week_and_a_dead_link_for_two_days() {
    let sink = Sink::start();
    let world = world(&sink);
    register(&world, "ann");
    assert_eq!(deliver(&world), 1);
    let kept = || {
        worker::purge(&world.app).unwrap();
        let mails: i64 = world.sql("SELECT count(*) FROM outbox");
        (mails, world.sql::<i64>("SELECT count(*) FROM mail_tokens"))
    };
    let (link, week) = (Duration::hours(24) + Duration::days(2), Duration::days(7));
    for (passes, expected) in [
        (link - Duration::seconds(1), (1, 1)),
        (Duration::seconds(1), (1, 0)),
        (week - link - Duration::seconds(1), (1, 0)),
        (Duration::seconds(1), (0, 0)),
    ] {
        world.pass(passes);
        assert_eq!(kept(), expected, "{}", world.now());
    }
}

#[test]
fn no_word_of_a_user_stands_in_a_header_and_html_is_escaped() {
    let sink = Sink::offering(Offer::Plain);
    let world = world(&sink);
    // Addresses may hold almost anything before the @.
    let body =
        json!({"username": "B.o-b_", "email": "o'brien&co<b>@example.com", "password": PASSWORD});
    world.nobody().post("/api/auth/register", body).expect(422);
    let body =
        json!({"username": "B.o-b_", "email": "o'brien&co@example.com", "password": PASSWORD});
    world.nobody().post("/api/auth/register", body).expect(201);
    // Nothing that may be registered today is odd, but rows may be older than the rules.
    let evil = "<b>\r\nBcc: eve@example.com";
    let odd = "UPDATE users SET username = $1, is_verified = true";
    world.app.db.write(|db| db.execute(odd, &[&evil])).unwrap();
    let body = json!({"email": "o'brien&co@example.com"});
    world.nobody().post("/api/auth/request-password-reset", body).expect(202);
    assert_eq!(deliver(&world), 1);
    let mail = &sink.mails()[0];
    assert_eq!(mail.to, ["o'brien&co@example.com"]);
    let (head, _) = mail.data.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("<b>") && !head.contains("eve@") && !head.contains("B.o-b_"), "{head}");
    assert!(mail.html().contains("&lt;b&gt;") && !mail.html().contains("<b>"));
    assert!(!mail.data.contains("\r\nBcc:"), "{}", mail.data);
}

#[test]
fn mails_are_in_the_language_of_the_account() {
    let sink = Sink::start();
    let world = world(&sink);
    let root = world.admin("root");
    for (name, language, subject, last) in [
        ("ann", None, "Choose a new password", "Your account was deleted"),
        ("olena", Some("uk"), "Виберіть новий пароль", "Ваш обліковий запис видалено"),
    ] {
        let user = world.user(name);
        world.app.db.write(|db| users::set_language(db, user.id, language)).unwrap();
        let body = json!({"email": format!("{name}@example.com")});
        world.nobody().post("/api/auth/request-password-reset", body).expect(202);
        deliver(&world);
        // This one outlives its account.
        root.delete(&format!("/api/users/{}", user.id)).expect(204);
        deliver(&world);
        let mails = sink.mails();
        let subjects: Vec<_> = mails.iter().rev().take(2).map(|mail| mail.subject()).collect();
        assert_eq!(subjects, [last, subject]);
        assert!(mails[mails.len() - 2].token().is_some());
    }
}
