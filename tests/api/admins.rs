//! What admins may do to accounts, and that the last of them is safe.

use crate::world::{Actor, Answer, PASSWORD, World, served};
use serde_json::{Value, json};
use std::sync::Barrier;

fn path(actor: &Actor) -> String {
    format!("/api/users/{}", actor.id)
}

fn role(admin: &Actor, of: &Actor, role: &str) -> crate::world::Answer {
    admin.patch(&format!("{}/role", path(of)), json!({ "role": role }))
}

#[test]
fn plain_users_may_none_of_it() {
    let world = World::new();
    let (_root, ann) = (world.admin("root"), world.user("ann"));
    ann.get("/api/users").expect(403);
    ann.get(&path(&ann)).expect(403);
    role(&ann, &ann, "admin").expect(403);
    ann.patch(&path(&ann), json!({"is_active": true})).expect(403);
    ann.delete(&path(&ann)).expect(403);
    ann.get("/api/audit-events").expect(403);
    ann.send("PATCH", "/api/users/avatar", &[], b"").expect(403);
    ann.delete("/api/users/avatar").expect(403);
    world.nobody().get("/api/users").expect(401);
    assert_eq!(ann.get("/api/users/me").json()["role"], "user");
}

#[test]
fn accounts_are_listed_searched_and_paged() {
    let world = World::new();
    let root = world.admin("root");
    for name in ["ann", "Anna_1", "bob%"].iter().map(|name| name.replace('%', "-x")) {
        world.user(&name);
    }
    let names = |query: &str| {
        let answer = root.get(&format!("/api/users{query}")).expect(200);
        let list = answer.json();
        let names = list
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["username"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>().join(" "), answer.header("X-Total-Count").to_owned())
    };
    let all = "root ann Anna_1 bob-x".to_owned();
    assert_eq!(names(""), (all, "4".to_owned()));
    assert_eq!(names("?search=ANN"), ("ann Anna_1".to_owned(), "2".to_owned()));
    assert_eq!(names("?search=BOB-X@EXAMPLE"), ("bob-x".to_owned(), "1".to_owned()));
    assert_eq!(names("?search=%25"), (String::new(), "0".to_owned()));
    assert_eq!(names("?search=_"), ("Anna_1".to_owned(), "1".to_owned()));
    assert_eq!(names("?role=admin&search="), ("root".to_owned(), "1".to_owned()));
    assert_eq!(names("?skip=1&limit=2&unknown=1"), ("ann Anna_1".to_owned(), "4".to_owned()));
    assert_eq!(names("?skip=9"), (String::new(), "4".to_owned()));
    let wrong = "/api/users?role=boss&limit=0&skip=-1";
    root.get(wrong).expect_faults(&["role", "limit", "skip"]);
    root.get("/api/users?limit=101").expect_faults(&["limit"]);
    root.get("/api/users?search=%zz").expect(400);
    let user = root.get("/api/users?search=ann").json()[0].clone();
    assert_eq!(root.get(&format!("/api/users/{}", user["id"])).expect(200).json(), user);
    let mut members: Vec<_> = user.as_object().unwrap().keys().cloned().collect();
    members.sort();
    let expected =
        ["avatar", "created_at", "email", "id", "is_active", "is_verified", "role", "username"];
    assert_eq!(members, expected);
    for id in ["999999", "0", "x", "-1", "1.0", "99999999999999999999"] {
        root.get(&format!("/api/users/{id}")).expect(404);
    }
}

#[test]
fn a_role_counts_from_the_very_next_request_on_every_replica() {
    let world = World::new();
    let there = world.replica();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let elsewhere = Actor { app: there.app.clone(), ..ann.clone() };
    for _ in 0..10 {
        elsewhere.get("/api/users").expect(403);
        assert_eq!(role(&root, &ann, "admin").expect(200).json()["role"], "admin");
        elsewhere.get("/api/users").expect(200);
        ann.get("/api/users/me").expect(200);
        role(&root, &ann, "user").expect(200);
        ann.get("/api/users").expect(403);
        elsewhere.get("/api/users").expect(403);
    }
    role(&root, &ann, "boss").expect_faults(&["role"]);
    root.patch(&format!("{}/role", path(&ann)), json!({})).expect_faults(&["role"]);
    let more = json!({"role": "user", "is_active": true});
    root.patch(&format!("{}/role", path(&ann)), more).expect_faults(&["is_active"]);
    root.patch("/api/users/999999/role", json!({"role": "user"})).expect(404);
    root.patch("/api/users/999999", json!({"is_active": true})).expect(404);
    root.patch(&path(&ann), json!({"is_active": "yes"})).expect_faults(&["is_active"]);
    root.patch(&path(&ann), json!({"role": "admin"})).expect_faults(&["is_active", "role"]);
    root.delete("/api/users/999999").expect(404);
}

#[test]
fn the_last_active_admin_stays() {
    let world = World::new();
    let root = world.admin("root");
    let off = world.admin("off");
    let is_last = |answer: crate::world::Answer| {
        let problem = answer.expect(409).json();
        assert!(problem["type"].as_str().unwrap().ends_with("last-admin"), "{problem}");
    };
    // A disabled admin does not count.
    root.patch(&path(&off), json!({"is_active": false})).expect(200);
    is_last(role(&root, &root, "user"));
    is_last(root.patch(&path(&root), json!({"is_active": false})));
    is_last(root.delete(&path(&root)));
    is_last(root.delete_with("/api/users/me", json!({"password": PASSWORD})));
    // What leaves the admin there is fine.
    role(&root, &root, "admin").expect(200);
    root.patch(&path(&root), json!({"is_active": true})).expect(200);
    assert_eq!(root.get("/api/users/me").expect(200).json()["role"], "admin");
    root.patch(&path(&off), json!({"is_active": true})).expect(200);
    role(&root, &root, "user").expect(200);
    root.get("/api/users").expect(403);
}

#[test]
fn an_account_and_all_that_is_its_own_can_be_deleted() {
    let world = World::new();
    let (root, ann, bob) = (world.admin("root"), world.user("ann"), world.user("bob"));
    for user in [&ann, &bob] {
        user.post("/api/contacts", json!({"first_name": "X"})).expect(201);
    }
    ann.delete_with("/api/users/me", json!({"password": "wrong password"})).expect(403);
    ann.delete_with("/api/users/me", json!({"password": PASSWORD})).expect(204);
    ann.get("/api/users/me").expect(401);
    ann.log_in(PASSWORD).expect(401);
    bob.get("/api/contacts").expect(200);
    root.delete(&path(&bob)).expect(204);
    bob.get("/api/contacts").expect(401);
    root.delete(&path(&bob)).expect(404);
    for left in [
        world.sql::<i64>("SELECT count(*) FROM contacts"),
        world.sql::<i64>("SELECT count(*) FROM sessions") - 1,
        world.sql::<i64>("SELECT count(*) FROM address_books") - 1,
    ] {
        assert_eq!(left, 0);
    }
    // The name is free again, and what happened stays written.
    let again = json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD});
    world.nobody().post("/api/auth/register", again).expect(201);
    let events = root.get(&format!("/api/audit-events?user_id={}&action=deleted", ann.id)).json();
    assert_eq!(events[0]["actor_id"], ann.id);
}

#[test]
fn a_call_that_needs_no_body_takes_one_of_a_type_that_is_empty() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    // Many clients say application/json of every request.
    for (verb, path) in [("DELETE", format!("{}/totp", path(&ann))), ("DELETE", path(&ann))] {
        let send = |headers: &[(&str, &str)], body: &[u8]| root.send(verb, &path, headers, body);
        send(&[("Content-Type", "application/json")], b"null").expect(422);
        send(&[("Content-Type", "text/plain")], b"{}").expect(415);
        send(&[("Content-Type", "application/json")], b"").expect(204);
    }
}

#[test]
fn a_lost_right_is_lost_even_for_a_request_under_way() {
    let world = World::new();
    let (root, eve) = (world.admin("root"), world.admin("eve"));
    let ann = world.user("ann");
    // Both come at once, many times: never may both succeed in an order that does not exist.
    for _ in 0..30 {
        let barrier = Barrier::new(2);
        let (demoted, promoted) = std::thread::scope(|scope| {
            let demote = scope.spawn(|| {
                barrier.wait();
                served(|| role(&root, &eve, "user")).status
            });
            let promote = scope.spawn(|| {
                barrier.wait();
                served(|| role(&eve, &ann, "admin")).status
            });
            (demote.join().unwrap(), promote.join().unwrap())
        });
        assert_eq!(demoted, 200);
        assert!([200, 403].contains(&promoted), "{promoted}");
        let order =
            "SELECT coalesce(string_agg(actor_id::text, ' ' ORDER BY id), '') FROM audit_events
            WHERE action = 'role_changed'";
        let order = world.sql::<String>(order);
        let last_of_eve = order.rfind(&eve.id.to_string());
        let last_of_root = order.rfind(&root.id.to_string()).unwrap();
        assert!(
            last_of_eve.is_none_or(|at| at < last_of_root),
            "eve acted after her demotion: {order}"
        );
        role(&root, &ann, "user").expect(200);
        role(&root, &eve, "admin").expect(200);
    }
}

/// Two admins take each other away, 200 times, in different ways; one always stays.
#[test]
fn two_admins_who_demote_each_other_at_once_leave_one() {
    let world = World::new();
    let there = world.replica();
    let (ann, bob) = (world.admin("ann"), world.admin("bob"));
    let elsewhere = Actor { app: there.app.clone(), ..bob.clone() };
    let mut outcomes = std::collections::BTreeMap::new();
    for round in 0..200 {
        let way = |by: &Actor, whom: &Actor| match round % 2 {
            0 => served(|| role(by, whom, "user")).status,
            _ => served(|| by.patch(&path(whom), json!({"is_active": false}))).status,
        };
        let barrier = Barrier::new(2);
        let mut statuses = std::thread::scope(|scope| {
            let one = scope.spawn(|| {
                barrier.wait();
                way(&ann, &bob)
            });
            let two = scope.spawn(|| {
                barrier.wait();
                way(&elsewhere, &ann)
            });
            [one.join().unwrap(), two.join().unwrap()]
        });
        statuses.sort_unstable();
        let [first, second] = statuses;
        assert_eq!(first, 200, "round {round}");
        // Too late: no admin any more, signed out, or (had it come later still) the last one.
        assert!([401, 403, 409].contains(&second), "round {round}: {second}");
        *outcomes.entry(second).or_insert(0) += 1;
        let left = "SELECT count(*) FROM users WHERE role = 'admin' AND is_active";
        assert_eq!(world.sql::<i64>(left), 1, "round {round}");
        restore(&world, &[&ann, &bob]);
    }
    println!("the slower of two admins got: {outcomes:?}");
}

/// Makes both admins again, sessions included, behind the back of the program but not of its
/// cache.
fn restore(world: &World, admins: &[&Actor]) {
    for admin in admins {
        let session = session_of(admin);
        world
            .app
            .change_user(admin.id, |tx, _| {
                tx.execute("UPDATE users SET role = 'admin', is_active = true WHERE id = $1", &[&admin.id])?;
                tx.execute(
                    "INSERT INTO sessions (id, user_id, refresh_hash, created_at, last_used_at, expires_at, ip, user_agent)
                     OVERRIDING SYSTEM VALUE
                     VALUES ($1, $2, int8send($1), $3, $3, $4, '', '') ON CONFLICT DO NOTHING",
                    &[&session, &admin.id, &world.now(), &(world.now() + chrono::Duration::days(1))],
                )
            })
            .unwrap();
    }
}

fn session_of(actor: &Actor) -> i64 {
    use base64::Engine;
    let part = actor.token.as_ref().unwrap().split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["sid"].as_i64().unwrap()
}

#[test]
fn two_last_admins_who_delete_their_own_accounts_at_once_leave_one() {
    for _ in 0..5 {
        let world = World::new();
        let (ann, bob) = (world.admin("ann"), world.admin("bob"));
        let delete = |actor: &Actor| {
            served(|| actor.delete_with("/api/users/me", json!({"password": PASSWORD}))).status
        };
        let mut statuses = std::thread::scope(|scope| {
            let (one, two) = (scope.spawn(|| delete(&ann)), scope.spawn(|| delete(&bob)));
            [one.join().unwrap(), two.join().unwrap()]
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
    }
}

#[test]
fn an_admin_who_cannot_sign_in_is_no_last_admin_and_disabling_ends_links_for_good() {
    let world = World::new();
    let root = world.admin("root");
    let new = json!({"username": "ghost", "email": "ghost@example.com", "password": PASSWORD});
    let ghost = world.nobody().post("/api/auth/register", new).expect(201).json();
    let ghost = ghost["id"].as_i64().unwrap();
    root.patch(&format!("/api/users/{ghost}/role"), json!({"role": "admin"})).expect(200);
    root.patch(&format!("/api/users/{}/role", root.id), json!({"role": "user"})).expect(409);

    let ann = world.user("ann");
    let wish = json!({"email": "new@example.com", "password": PASSWORD});
    ann.post("/api/users/me/email", wish).expect(202);
    let token = world.link_token("new@example.com");
    for active in [false, true] {
        root.patch(&format!("/api/users/{}", ann.id), json!({ "is_active": active })).expect(200);
    }
    world.nobody().post("/api/auth/confirm-email", json!({ "token": token })).expect(400);
}

#[test]
fn an_account_is_deleted_while_it_writes_and_nothing_answers_500() {
    let world = World::with(|config| config.db_pool_size = 8);
    for round in 0..6 {
        let ann = world.user(&format!("ann{round}"));
        let made = |_| ann.post("/api/contacts", json!({"first_name": "x"})).json()["id"].clone();
        let ids: Vec<_> = (0..100).map(made).collect();
        let (make, note) = (json!({"first_name": "x"}), json!({"nickname": "y"}));
        let label = json!({"action": "add_label", "label": "z", "ids": ids});
        let alike = json!({"ids": ids[..9]});
        let calls: [&(dyn Fn() -> Answer + Sync); 4] = [
            &|| ann.post("/api/contacts", make.clone()),
            &|| ann.patch(&format!("/api/contacts/{}", ids[50]), note.clone()),
            &|| ann.post("/api/contacts/bulk", label.clone()),
            &|| ann.post("/api/contacts/duplicates/dismiss", alike.clone()),
        ];
        std::thread::scope(|scope| {
            for call in calls {
                scope.spawn(move || {
                    for _ in 0..40 {
                        let status = served(call).status;
                        assert!(matches!(status, 200 | 201 | 204 | 401), "{status}");
                    }
                });
            }
            let password = json!({ "password": PASSWORD });
            served(|| ann.delete_with("/api/users/me", password.clone())).expect(204);
        });
    }
}
