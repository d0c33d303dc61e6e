//! What ends with what, what goes by age, and what is left of who is gone.

use crate::world::{Actor, PASSWORD, World};
use chrono::Duration;
use contactd::db::Conn;
use contactd::repository::contacts::books;
use contactd::repository::mail_tokens::{self, Purpose};
use contactd::repository::{outbox, users};
use contactd::worker;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

fn calendar(ann: &Actor) -> String {
    let url = ann.post("/api/contacts/calendar-url", json!({})).expect(201).json();
    url["url"].as_str().unwrap().strip_prefix("https://contacts.example").unwrap().to_owned()
}

/// An account that an attacker prepared is safe again after each of these.
#[test]
fn the_calendars_address_and_links_end_with_whatever_makes_an_account_safe() {
    let world = World::new();
    let root = world.admin("root");
    let reset = |ann: &Actor| {
        let body = json!({"email": format!("{}@example.com", ann.name)});
        ann.post("/api/auth/request-password-reset", body).expect(202);
        world.link_token(&format!("{}@example.com", ann.name))
    };
    type Way<'a> = (&'a str, &'a dyn Fn(&Actor));
    let ways: [Way<'_>; 5] = [
        ("logout-all", &|ann| {
            ann.post("/api/auth/logout-all", json!({})).expect(204);
        }),
        ("password", &|ann| {
            let body = json!({"current_password": PASSWORD, "new_password": PASSWORD});
            ann.post("/api/users/me/password", body).expect(204);
        }),
        ("reset", &|ann| {
            let body = json!({"token": reset(ann), "new_password": PASSWORD});
            ann.post("/api/auth/reset-password", body).expect(200);
        }),
        ("address", &|ann| {
            let email = format!("{}2@example.com", ann.name);
            let body = json!({"email": email, "password": PASSWORD});
            ann.post("/api/users/me/email", body).expect(202);
            let token = world.link_token(&email);
            ann.post("/api/auth/confirm-email", json!({ "token": token })).expect(200);
        }),
        ("disabling", &|ann| {
            let path = format!("/api/users/{}", ann.id);
            root.patch(&path, json!({"is_active": false})).expect(200);
            root.patch(&path, json!({"is_active": true})).expect(200);
        }),
    ];
    for (name, way) in ways {
        let ann = world.user(&format!("ann-{name}"));
        let address = calendar(&ann);
        world.nobody().get(&address).expect(200);
        let link = reset(&ann);
        way(&ann);
        world.nobody().get(&address).expect(404);
        let body = json!({"token": link, "new_password": "another good one"});
        let answer = world.nobody().post("/api/auth/reset-password", body);
        assert_eq!(answer.status, 400, "{name}");
        world.nobody().get(&address).expect(404);
    }
}

#[test]
fn a_confirmation_says_which_account_gets_which_address() {
    let world = World::new();
    let ann = world.user("ann");
    let body = json!({"email": "new@example.com", "password": PASSWORD});
    ann.post("/api/users/me/email", body).expect(202);
    let token = world.link_token("new@example.com");
    let page = world.nobody().get(&format!("/api/auth/confirmed_email/{token}")).expect(200).text();
    assert!(page.contains("<dd>ann</dd>"), "{page}");
    assert!(page.contains("<dd>new@example.com</dd>"), "{page}");
}

#[test]
fn registration_can_be_closed() {
    let world = World::with(|config| config.registration_open = false);
    let body = json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD});
    let answer = world.nobody().post("/api/auth/register", body).expect(403);
    assert_eq!(answer.json()["type"], "/problems/registration-closed");
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM users"), 0);
}

#[test]
fn an_account_goes_in_batches_and_a_cut_off_deletion_goes_on() {
    let world = World::new();
    let ann = world.user("ann");
    let bob = world.user("bob");
    bob.post("/api/contacts", json!({"first_name": "Stays"})).expect(201);
    let fill = "INSERT INTO contacts (owner, revision, created_at, updated_at, born, born_by, born_client, uid, card, made_by,
            is_group, members, sort_name, sort_more)
        SELECT $1, n, now(), now(), n, 'rest', '', n::text, '', 1, false, '', '', ''
        FROM generate_series(1, 2500) n";
    world.app.db.write(|db| db.execute(fill, &[&ann.id])).unwrap();
    // The process ends after the first commit.
    world
        .app
        .db
        .transaction(|tx| contactd::repository::users::end(tx, ann.id, world.now()))
        .unwrap();
    world.app.cache.write(&[ann.id], |_| Ok(())).unwrap();
    ann.get("/api/users/me").expect(401);
    ann.log_in(PASSWORD).expect(401);
    // Its name is free at once.
    let again = json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD});
    world.nobody().post("/api/auth/register", again).expect(201);
    let root = world.admin("root");
    root.get(&format!("/api/users/{}", ann.id)).expect(404);
    assert_eq!(root.get("/api/users?limit=100").json().as_array().unwrap().len(), 3);
    worker::purge(&world.app).unwrap();
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM contacts"), 1);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM users"), 3);
}

#[test]
fn what_waits_for_its_turn_while_the_account_is_disabled_does_not_happen() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let set = |active: bool| {
        root.patch(&format!("/api/users/{}", ann.id), json!({ "is_active": active })).expect(200);
    };
    for (path, body) in [
        ("app-passwords", json!({"name": "x", "scope": "write", "password": PASSWORD})),
        ("totp", json!({"password": PASSWORD})),
        ("email", json!({"email": "eve@example.com", "password": PASSWORD})),
        ("password", json!({"current_password": PASSWORD, "new_password": "another good one"})),
    ] {
        let ann = Actor { token: None, ..ann.clone() }.signed_in();
        ann.get("/api/users/me").expect(200);
        let (path, body) = (format!("/api/users/me/{path}"), body.to_string());
        let headers = [("Content-Type", "application/json")];
        let answer = ann.send_while("POST", &path, &headers, body.as_bytes(), || set(false));
        answer.expect(401);
        set(true);
    }
    for table in ["app_passwords", "totp"] {
        assert_eq!(world.sql::<i64>(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
}

#[test]
fn nothing_stored_names_a_deleted_account() {
    let world = World::new();
    let root = world.admin("root");
    for (name, by_admin) in [("annabel", false), ("bertram", true)] {
        let user = world.user(name);
        let email = format!("{name}@example.com");
        user.post("/api/auth/request-password-reset", json!({"email": email})).expect(202);
        let change = json!({"email": format!("{name}2@example.com"), "password": PASSWORD});
        user.post("/api/users/me/email", change).expect(202);
        worker::deliver_due(&world.app).unwrap();
        user.post("/api/auth/request-password-reset", json!({"email": email})).expect(202);
        user.app_password("read");
        match by_admin {
            true => root.delete(&format!("/api/users/{}", user.id)).expect(204),
            false => user.delete_with("/api/users/me", json!({"password": PASSWORD})).expect(204),
        };
        let before = world.mails_to(&email).len();
        let last = world.mails_to(&email).pop().unwrap();
        assert_eq!(last.header("Subject") == "Your account was deleted", by_admin);
        assert_eq!(last.text().contains("Hello bertram,"), by_admin);
        assert_eq!(world.mails_to(&email).len(), before);
        // Written down while the account ended.
        let wish = outbox::NewMail {
            kind: "reset",
            recipient: &email,
            user_id: Some(user.id),
            message_id: &email,
            is_notice: false,
            username: None,
            language: None,
        };
        world.app.db.write(|db| outbox::insert(db, wish, world.now())).unwrap();
        worker::deliver_due(&world.app).unwrap();
        for table in ["users", "sessions", "mail_tokens", "outbox", "audit_events", "app_passwords"]
        {
            let sql = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t");
            let all: String = world.app.db.read(|db| Ok(db.query_one(&sql, &[])?.get(0))).unwrap();
            assert!(!all.contains(name), "{table}: {all}");
        }
    }
}

/// Who waits for the row of an account finds that it was deleted.
#[test]
fn a_link_or_a_login_that_meets_the_end_of_its_account_is_refused_like_any_other() {
    let world = World::new();
    let wrong = json!({"username": "nobody", "password": PASSWORD});
    let wrong = world.nobody().post("/api/auth/login", wrong).expect(401).json();
    for (name, path) in [("ann", "confirm-email"), ("bob", "reset-password"), ("cyd", "login")] {
        let user = world.user(name);
        let email = format!("{name}@example.com");
        let body = match path {
            "confirm-email" => {
                let wish = json!({"email": "new@example.com", "password": PASSWORD});
                user.post("/api/users/me/email", wish).expect(202);
                json!({"token": world.link_token("new@example.com")})
            }
            "reset-password" => {
                let wish = json!({ "email": email });
                user.post("/api/auth/request-password-reset", wish).expect(202);
                json!({"token": world.link_token(&email), "new_password": PASSWORD})
            }
            _ => json!({"username": name, "password": PASSWORD}),
        };
        let nobody = world.nobody();
        let answer = std::thread::scope(|scope| {
            let end = |tx: &mut contactd::db::Tx| {
                users::lock(tx, user.id)?;
                let post = || nobody.post(&format!("/api/auth/{path}"), body.clone());
                let asking = scope.spawn(post);
                std::thread::sleep(std::time::Duration::from_millis(1_000));
                users::end(tx, user.id, world.now())?;
                Ok(asking)
            };
            world.app.db.transaction(end).unwrap().join().unwrap()
        });
        if path == "login" {
            assert_eq!(answer.expect(401).json()["detail"], wrong["detail"]);
        } else {
            assert_eq!(answer.expect(400).json()["type"], "/problems/dead-link", "{path}");
        }
    }
}

#[test]
fn who_never_confirmed_an_address_chooses_no_words_for_its_last_mail() {
    let world = World::new();
    let root = world.admin("root");
    let email = "victim@example.com";
    let body = json!({"username": "Win-a-car.example", "email": email, "password": PASSWORD});
    let user = world.nobody().post("/api/auth/register", body).expect(201).json();
    worker::deliver_due(&world.app).unwrap();
    root.delete(&format!("/api/users/{}", user["id"])).expect(204);
    let mails = world.mails_to(email);
    assert_eq!(mails.len(), 2);
    for mail in mails {
        assert!(mail.text().contains("Hello,") && !mail.text().contains("Win-a-car"));
    }
}

#[test]
fn an_account_that_is_not_confirmed_goes_after_seven_days() {
    let world = World::new();
    let body = json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD});
    world.nobody().post("/api/auth/register", body).expect(201);
    world.user("bob");
    world.pass(Duration::days(7) - Duration::seconds(1));
    worker::purge(&world.app).unwrap();
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM users"), 2);
    world.pass(Duration::seconds(1));
    worker::purge(&world.app).unwrap();
    assert_eq!(world.sql::<String>("SELECT string_agg(username, ' ') FROM users"), "bob");
}

#[test]
fn audit_events_are_kept_for_audit_days_or_for_ever() {
    let world = World::with(|config| config.audit = Some(Duration::days(365)));
    world.user("ann");
    let count = || world.sql::<i64>("SELECT count(*) FROM audit_events");
    assert_eq!(count(), 1);
    world.pass(Duration::days(365) - Duration::seconds(1));
    worker::purge(&world.app).unwrap();
    assert_eq!(count(), 1);
    let mut config = world.app.config.clone();
    config.audit = None;
    world.pass(Duration::seconds(1));
    worker::purge(&world.replica_of(config).app).unwrap();
    assert_eq!(count(), 1);
    // More of them than one statement deletes.
    world
        .app
        .db
        .write(|db| {
            db.batch(
                "INSERT INTO audit_events (at, action, ip, request_id)
                SELECT '2020-01-01', 'login', '', '' FROM generate_series(1, 2500)",
            )
        })
        .unwrap();
    worker::purge(&world.app).unwrap();
    assert_eq!(count(), 0);
}

#[test]
fn a_purge_that_fails_keeps_no_other_from_going() {
    let world = World::new();
    world.user("ann");
    // The first kind cannot be looked at.
    world.app.db.write(|db| db.batch("ALTER TABLE sessions RENAME TO elsewhere")).unwrap();
    world.pass(Duration::days(400));
    assert!(worker::purge(&world.app).is_err());
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM audit_events"), 0);
}

#[test]
fn an_account_that_is_busy_keeps_no_other_from_being_purged() {
    let world = World::new();
    let [ann, bob] = ["ann", "bob"].map(|name| world.user(name));
    for user in [&ann, &bob] {
        let path = user.post("/api/contacts", json!({"first_name": "Gone"})).expect(201);
        user.delete(path.header("Location")).expect(204);
    }
    let left = || world.sql::<i64>("SELECT count(*) FROM contacts");
    world.pass(Duration::days(31));
    let busy = world.app.db.transaction(|tx| {
        books::lock(tx, ann.id)?;
        assert!(worker::purge(&world.app).is_err());
        Ok(left())
    });
    assert_eq!(busy.unwrap(), 1);
    worker::purge(&world.app).unwrap();
    assert_eq!(left(), 0);
    // The same for accounts that end
    for user in [&ann, &bob] {
        user.signed_in().post("/api/contacts", json!({"first_name": "Here"})).expect(201);
        world.app.db.transaction(|tx| users::end(tx, user.id, world.app.now())).unwrap();
    }
    let busy = world.app.db.transaction(|tx| {
        books::lock(tx, ann.id)?;
        assert!(worker::purge(&world.app).is_err());
        Ok(world.sql::<i64>("SELECT count(*) FROM users"))
    });
    assert_eq!(busy.unwrap(), 1);
}

#[test]
fn a_large_account_that_ends_is_emptied_by_the_worker() {
    let world = World::new();
    let ann = world.user("ann");
    let file: String = (0..books::BATCH + 1).map(|it| format!("{it}\n")).collect();
    let file = format!("first_name\n{file}");
    let left = || world.sql::<i64>("SELECT count(*) FROM contacts");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| worker::run(&world.app, &stop)); // and does what it does at its start meanwhile
        let kind = [("Content-Type", "text/csv")];
        ann.send("POST", "/api/contacts/import", &kind, file.as_bytes()).expect(200);
        ann.delete_with("/api/users/me", json!({"password": PASSWORD})).expect(204);
        let end = Instant::now() + std::time::Duration::from_secs(30);
        while world.sql::<i64>("SELECT count(*) FROM users") > 0 && Instant::now() < end {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        world.app.work_waits.notify();
    });
    assert_eq!(left(), 0);
}

#[test]
fn of_two_wishes_to_delete_an_account_at_once_the_second_finds_no_session() {
    let world = World::new();
    let ann = world.user("ann");
    let delete = || ann.delete_with("/api/users/me", json!({"password": PASSWORD})).status;
    let waiting =
        "SELECT count(DISTINCT pid) FROM pg_locks AS waits JOIN pg_locks AS held USING (pid)
        WHERE NOT waits.granted AND held.relation = 'users'::regclass";
    let mut statuses = std::thread::scope(|scope| {
        let wishes = world.app.db.transaction(|tx| {
            tx.query("SELECT FROM users WHERE id = $1 FOR UPDATE", &[&ann.id])?;
            let wishes = [scope.spawn(delete), scope.spawn(delete)];
            // Locks are waited for no longer than two seconds.
            let end = Instant::now() + std::time::Duration::from_millis(1_500);
            while world.sql::<i64>(waiting) < 2 && Instant::now() < end {
                std::thread::yield_now();
            }
            Ok(wishes)
        });
        wishes.unwrap().map(|wish| wish.join().unwrap())
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
}

#[test]
fn a_link_that_is_renewed_while_old_ones_are_purged_stays() {
    let world = World::new();
    let ann = world.user("ann");
    let (now, old) = (world.app.now(), world.app.now() - Duration::days(9));
    let put = |db: &mut Conn, hash: &[u8], expires| {
        mail_tokens::put(db, ann.id, Purpose::Reset, hash, "ann@example.com", expires)
    };
    world.app.db.write(|db| put(db, b"old", old)).unwrap();
    std::thread::scope(|scope| {
        let renewed = world.app.db.transaction(|tx| {
            put(tx, b"new", now)?;
            scope.spawn(|| world.app.db.write(|db| mail_tokens::purge(db, now)));
            let waits = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND pid IN
                (SELECT pid FROM pg_stat_activity WHERE query LIKE 'DELETE FROM mail_tokens%')";
            while !world.sql::<bool>(waits) {
                std::thread::yield_now();
            }
            Ok(())
        });
        renewed.unwrap();
    });
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM mail_tokens"), 1);
}

#[test]
fn the_export_shows_a_wish_for_a_taken_address_as_for_a_free_one() {
    let world = World::new();
    world.user("bob");
    let seen = |name: &str, email: &str| -> Value {
        let ann = world.user(name);
        let body = json!({"email": email, "password": PASSWORD});
        ann.post("/api/users/me/email", body).expect(202);
        worker::deliver_due(&world.app).unwrap();
        let export = ann.get("/api/users/me/export").expect(200).text();
        let export = export.replace(email, "THE WISH").replace(name, "ann");
        let export: Value = serde_json::from_str(&export).unwrap();
        json!([export["pending_links"], export["mails"]])
    };
    let (taken, free) = (seen("ann1", "bob@example.com"), seen("ann2", "free@example.com"));
    assert!(taken.to_string().contains("THE WISH"));
    assert_eq!(taken, free);
}

/// Nor does what others wished for at that address before, of which some sends mail and some does not.
#[test]
fn the_export_shows_a_wish_for_a_taken_address_as_for_a_free_one_whoever_asked_before() {
    let world = World::with(|config| {
        config.rates.mailbox = Some(contactd::config::Rate { count: 3, seconds: 3_600 });
    });
    let (ann, _bob, _carl) = (world.user("ann"), world.user("bob"), world.user("carl"));
    let seen = |path: &str, email: &str| {
        for _ in 0..3 {
            world.nobody().post(path, json!({ "email": email })).expect(202);
        }
        let body = json!({"email": email, "password": PASSWORD});
        ann.post("/api/users/me/email", body).expect(202);
        worker::deliver_due(&world.app).unwrap();
        ann.get("/api/users/me/export").expect(200).text().contains(email)
    };
    for (path, taken, free) in [
        ("/api/auth/request_email", "bob@example.com", "free1@example.com"),
        ("/api/auth/request-password-reset", "carl@example.com", "free2@example.com"),
    ] {
        assert!(seen(path, taken) && seen(path, free), "{path}");
    }
}

#[test]
fn readyz_shows_no_queue() {
    let world = World::new();
    let shown = world.nobody().get("/readyz").expect(200).json();
    assert_eq!(shown, json!({"postgres": "ok", "redis": "ok"}));
}

#[test]
fn at_most_three_notices_of_a_kind_an_hour_and_links_before_them() {
    let world = World::new();
    let ann = world.user("ann");
    for number in 0..10 {
        let body = json!({"email": format!("a{number}@example.com"), "password": PASSWORD});
        ann.post("/api/users/me/email", body).expect(202);
    }
    ann.post("/api/auth/request-password-reset", json!({"email": "ann@example.com"})).expect(202);
    let first = world.app.db.write(|db| {
        let mut kinds = Vec::new();
        while let Some(due) = contactd::repository::outbox::claim(db, world.now())? {
            kinds.push(due.kind);
        }
        Ok(kinds)
    });
    let kinds = first.unwrap();
    assert_eq!(
        kinds,
        ["change_email", "reset", "email_changing", "email_changing", "email_changing"]
    );
    world.pass(Duration::hours(1));
    let body = json!({"email": "b@example.com", "password": PASSWORD});
    ann.signed_in().post("/api/users/me/email", body).expect(202);
    let notices = "SELECT count(*) FROM outbox WHERE kind = 'email_changing'";
    assert_eq!(world.sql::<i64>(notices), 4);
}

#[test]
fn an_admin_who_signed_in_long_ago_gives_the_password_again() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let tokens = root.log_in(PASSWORD).expect(200).json();
    world.pass(Duration::hours(1) + Duration::seconds(1));
    let body = json!({"refresh_token": tokens["refresh_token"]});
    let root = root.with_token(&root.post("/api/auth/refresh", body).json()["access_token"]);
    let path = format!("/api/users/{}", ann.id);
    let calls = |password: Option<&str>| {
        let with = |mut body: Value| {
            if let Some(password) = password {
                body["password"] = json!(password);
            }
            body
        };
        [
            root.patch(&format!("{path}/role"), with(json!({"role": "user"}))).status,
            root.patch(&path, with(json!({"is_active": true}))).status,
            root.delete_with(&format!("{path}/totp"), with(json!({}))).status,
        ]
    };
    assert_eq!(calls(None), [403; 3]);
    assert_eq!(root.delete(&path).expect(403).json()["type"], "/problems/password-needed");
    assert_eq!(calls(Some("wrong password")), [403; 3]);
    assert_eq!(calls(Some(PASSWORD)), [200, 200, 204]);
    root.get(&path).expect(200);
    root.delete_with(&path, json!({"password": PASSWORD})).expect(204);
}

#[test]
fn the_owner_is_told_of_a_role_and_of_a_changed_address() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let path = format!("/api/users/{}/role", ann.id);
    root.patch(&path, json!({"role": "admin"})).expect(200);
    root.patch(&path, json!({"role": "admin"})).expect(200);
    let subjects = |address: &str| -> Vec<String> {
        world.mails_to(address).iter().map(|mail| mail.header("Subject").to_owned()).collect()
    };
    assert_eq!(subjects("ann@example.com"), ["Your role was changed"]);
    let body = json!({"email": "new@example.com", "password": PASSWORD});
    ann.post("/api/users/me/email", body).expect(202);
    let token = world.link_token("new@example.com");
    ann.post("/api/auth/confirm-email", json!({ "token": token })).expect(200);
    let report = subjects("ann@example.com");
    assert_eq!(report.last().unwrap(), "Your e-mail address was changed", "{report:?}");
    let actions =
        world.sql::<String>("SELECT string_agg(action, ' ' ORDER BY id) FROM audit_events");
    assert!(actions.contains("email_change_requested email_changed"), "{actions}");
}

#[test]
fn well_known_addresses() {
    let world = World::with(|config| {
        config.security_contact = Some("mailto:security@example.com".to_owned());
    });
    let text = world.nobody().get("/.well-known/security.txt").expect(200).text();
    assert!(
        text.starts_with("Contact: mailto:security@example.com\nExpires: 2027-05-21T00:00:00Z\n")
    );
    World::new().nobody().get("/.well-known/security.txt").expect(404);
    let answer = world.nobody().get("/.well-known/change-password").expect(303);
    assert_eq!(answer.header("Location"), "https://contacts.example/settings");
    assert_eq!(answer.header("Strict-Transport-Security"), "max-age=31536000");
    let plain = World::with(|config| config.public_url = "http://127.0.0.1:8000".to_owned());
    assert_eq!(plain.nobody().get("/").header("Strict-Transport-Security"), "");
}

#[test]
fn an_event_has_our_own_id_of_the_request() {
    let world = World::new();
    let root = world.admin("root");
    let body = json!({"username": "root", "password": PASSWORD}).to_string();
    let headers = [("Content-Type", "application/json"), ("X-Request-Id", "chosen")];
    let answer = world.nobody().send("POST", "/api/auth/login", &headers, body.as_bytes());
    assert_eq!(answer.expect(200).header("X-Request-Id"), "chosen");
    let event = &root.get("/api/audit-events").json()[0];
    assert_eq!(event["action"], "login");
    assert_ne!(event["request_id"], "chosen");
    let answer = root.patch("/api/users/me", json!({"username": "root2"})).expect(200);
    let event = &root.get("/api/audit-events").json()[0];
    assert_eq!(event["action"], "renamed");
    assert_eq!(event["request_id"], answer.header("X-Request-Id"));
}

#[test]
fn twelve_kilobytes_of_unknown_members_are_twenty_faults() {
    let world = World::new();
    let members: serde_json::Map<String, Value> =
        (0..900).map(|number| (format!("m{number}"), json!(1))).collect();
    let answer = world.nobody().post("/api/auth/register", Value::Object(members)).expect(422);
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 20);
    assert!(answer.body.len() < 4_096);
}

#[test]
fn a_login_works_while_the_accounts_own_import_holds_its_book() {
    let world = World::new();
    let ann = world.user("ann");
    world
        .app
        .db
        .transaction(|tx| {
            contactd::repository::contacts::books::lock(tx, ann.id)?;
            let insert =
                "INSERT INTO contacts (owner, revision, created_at, updated_at, born, born_by, born_client, uid, card, made_by,
            is_group, members, sort_name, sort_more)
                VALUES ($1, 1, now(), now(), 1, 'rest', '', 'x', '', 1, false, '', '', '')";
            tx.execute(insert, &[&ann.id])?;
            // What waits for the lock waits for two seconds, and in vain.
            ann.log_in(PASSWORD).expect(200);
            ann.post("/api/auth/logout", json!({})).expect(204);
            Ok(())
        })
        .unwrap();
}

/// Its head came before the end, and its body after it: it is none of those that were under way.
#[test]
fn a_request_that_is_still_sending_its_body_ends_with_its_session() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let (long, json) = ("n".repeat(20_000), ("Content-Type", "application/json"));
    let body = json!({"first_name": "Bob", "additional_data": long}).to_string();
    let short = r#"{"first_name": "Bob"}"#;
    let expect = ("Expect", "100-continue");
    let send = |who: &Actor, headers: &[(&str, &str)], body: &str, end: &dyn Fn()| {
        who.get("/api/contacts").expect(200);
        who.send_while("POST", "/api/contacts", headers, body.as_bytes(), end).status
    };
    let log_out = |who: &Actor| {
        who.post("/api/auth/logout", json!({})).expect(204);
    };
    let thief = ann.signed_in();
    assert_eq!(send(&thief, &[json], &body, &|| log_out(&thief)), 401);
    let thief = ann.signed_in();
    assert_eq!(send(&thief, &[json, expect], short, &|| log_out(&thief)), 401);
    let phone = ann.with_basic("ann", &ann.app_password("write"));
    let revoke = || {
        let id: i64 = world.sql("SELECT max(id) FROM app_passwords");
        ann.delete_with(&format!("/api/users/me/app-passwords/{id}"), json!({})).expect(204);
    };
    assert_eq!(send(&phone, &[json], &body, &revoke), 401);
    let disable = || {
        let path = format!("/api/users/{}", ann.id);
        root.patch(&path, json!({"is_active": false, "password": PASSWORD})).expect(200);
    };
    assert_eq!(send(&ann, &[json], &body, &disable), 401);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM contacts"), 0);
    // Whose session goes on is not kept from it.
    assert_eq!(send(&root, &[json, expect], &body, &|| ()), 201);
}

#[test]
fn a_second_factor_that_a_thief_began_ends_with_the_old_password() {
    let world = World::new();
    let ann = world.user("ann");
    let begun = ann.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(201).json();
    let body = json!({"current_password": PASSWORD, "new_password": PASSWORD});
    ann.post("/api/users/me/password", body).expect(204);
    let code = crate::second_factor::code(begun["secret"].as_str().unwrap(), &world);
    ann.post("/api/users/me/totp/confirm", json!({ "code": code })).expect(409);
    ann.log_in(PASSWORD).expect(200);
}
