//! Who comes first: 404, 405, 401, 403, 429, 413, 415, 400, 422, 404 for the thing, 409.

use crate::world::{Actor, PASSWORD, World};
use contactd::batch::Contactd;
use contactd::config::Rate;
use http1::Service;
use serde_json::json;
use std::sync::Arc;

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

#[test]
fn one_mistake_after_the_other_is_told_in_its_order() {
    let world = World::with(|config| config.rates.default = Some(Rate { count: 6, seconds: 60 }));
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let big = "x".repeat(17 * 1024);
    let path = "/api/users/999999/role";
    let send = |actor: &Actor,
                method: &str,
                path: &str,
                headers: &[(&str, &str)],
                body: &str,
                status: u16| {
        actor.send(method, path, headers, body.as_bytes()).expect(status);
    };
    let text = [("Content-Type", "text/plain")];
    send(&world.nobody(), "PUT", "/api/nothing", &text, &big, 404);
    send(&world.nobody(), "PUT", path, &text, &big, 405);
    send(&world.nobody(), "PATCH", path, &text, &big, 401);
    for _ in 0..8 {
        send(&ann, "PATCH", path, &text, &big, 403); // 403 before 429
    }
    send(&root, "PATCH", path, &text, &big, 413);
    send(&root, "PATCH", path, &text, "{", 415);
    send(&root, "PATCH", path, &JSON, "{", 400);
    send(&root, "PATCH", path, &JSON, "{\"role\": 7}", 422);
    send(&root, "PATCH", path, &JSON, "{\"role\": \"user\"}", 404);
    let own = format!("/api/users/{}/role", root.id);
    send(&root, "PATCH", &own, &JSON, "{\"role\": \"user\"}", 409);
    send(&root, "PATCH", path, &text, &big, 429); // 429 before 413
}

#[test]
fn a_body_of_just_the_largest_size_is_read_to_its_end() {
    let world = World::new();
    let ann = world.user("ann");
    let largest = contactd::app::body_limit("POST", "/api/contacts") as usize;
    let send = |size: usize| {
        let contact = r#"{"first_name": "Bob"}"#;
        let body = " ".repeat(size - contact.len()) + contact;
        ann.send("POST", "/api/contacts", &JSON, body.as_bytes())
    };
    send(largest).expect(201);
    send(largest + 1).expect(413);
    // Of one without an announced size nothing is cut off either.
    let body = r#"{"first_name": "Bob"}"#.to_owned() + &" ".repeat(largest);
    let chunked = [JSON[0], ("Transfer-Encoding", "chunked")];
    let send = |size| ann.send("POST", "/api/contacts", &chunked, &body.as_bytes()[..size]);
    send(largest).expect(201);
    send(largest + 1).expect(413);
}

/// What contactd says to a request before its body is there.
fn look(world: &World, actor: &Actor, method: &str, path: &str) -> http1::Look {
    let token = format!("Bearer {}", actor.token.as_deref().unwrap_or_default());
    let headers = vec![("Authorization".to_owned(), token)];
    let request = rouille::Request::fake_http(method, path, headers, Vec::new());
    let mut in_flight = contactd::app::InFlight::begin(&world.app, request);
    Contactd(Arc::clone(&world.app)).look_up(std::slice::from_mut(&mut in_flight));
    in_flight.decide()
}

/// How many such requests of an account may be at work at once.
fn most(world: &World, actor: &Actor, method: &'static str, path: &str) -> usize {
    match look(world, actor, method, path) {
        http1::Look::Work(admission, _) => admission.most,
        http1::Look::Answer(_) => panic!("it waits for Postgres"),
    }
}

#[test]
fn of_one_account_half_of_the_pool_reads_and_a_quarter_writes() {
    let world = World::new();
    let ann = world.user("ann");
    ann.get("/api/users/me").expect(200); // now the cache knows her
    let pool = world.app.config.db_pool_size as usize;
    assert!(pool >= 4);
    for (method, path, expected) in [
        ("GET", "/api/contacts/1", pool / 2),
        ("HEAD", "/api/contacts/1", pool / 2),
        ("POST", "/api/contacts", pool / 4),
        ("PUT", "/api/contacts/1", pool / 4),
        ("PATCH", "/api/contacts/1", pool / 4),
        ("DELETE", "/api/contacts/1", pool / 4),
    ] {
        assert_eq!(most(&world, &ann, method, path), expected, "{method}");
    }
}

#[test]
fn an_account_whose_searches_are_slow_has_one_at_a_time() {
    let world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    for actor in [&ann, &bob] {
        actor.get("/api/users/me").expect(200); // now the cache knows them
    }
    let most = |actor: &Actor, path: &str| most(&world, actor, "GET", path);
    let (search, list) = ("/api/contacts?search=a", "/api/contacts?limit=1");
    let half = world.app.config.db_pool_size as usize / 2;
    assert!(half > 1);
    assert_eq!((most(&ann, search), most(&bob, search)), (half, half));
    let slow = world.app.search_book(ann.id, |_| {
        std::thread::sleep(std::time::Duration::from_millis(300));
        Ok(())
    });
    slow.unwrap();
    assert_eq!((most(&ann, search), most(&bob, search)), (1, half));
    assert_eq!(most(&ann, list), 1, "every list may be a search");
}

#[test]
fn only_what_asks_nobody_is_answered_without_a_thread_of_its_own() {
    let world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let is_quick = |actor: &Actor, method: &str, path: &str| {
        matches!(look(&world, actor, method, path), http1::Look::Answer(_))
    };
    ann.get("/api/users/me").expect(200);
    assert!(is_quick(&ann, "GET", "/api/users/me"));
    assert!(!is_quick(&bob, "GET", "/api/users/me"), "whom the cache does not know yet");
    assert!(!is_quick(&ann, "GET", "/api/contacts"), "for which Postgres is asked");
    assert!(!is_quick(&world.nobody(), "POST", "/api/auth/login"), "which hashes");
    assert!(is_quick(&world.nobody(), "GET", "/api/contacts"), "which is refused");
    assert!(is_quick(&world.nobody(), "GET", "/nothing"));
}

#[test]
fn a_body_is_told_apart_from_no_body_and_from_another_type() {
    let world = World::new();
    let ann = world.user("ann");
    let calls = [
        ("POST", "/api/auth/register"),
        ("POST", "/api/auth/login"),
        ("POST", "/api/auth/refresh"),
        ("POST", "/api/auth/request_email"),
        ("POST", "/api/auth/confirm-email"),
        ("POST", "/api/auth/request-password-reset"),
        ("POST", "/api/auth/reset-password"),
        ("PATCH", "/api/users/me"),
        ("POST", "/api/users/me/password"),
        ("POST", "/api/users/me/email"),
        ("DELETE", "/api/users/me"),
    ];
    for (method, path) in calls {
        let send = |headers: &[(&str, &str)], body: &str| {
            let answer = ann.send(method, path, headers, body.as_bytes());
            assert_eq!(answer.header("Content-Type"), "application/problem+json", "{path}");
            assert_eq!(answer.json()["status"], answer.status);
            assert_eq!(answer.json()["request_id"], answer.header("X-Request-Id"));
            answer
        };
        assert!(send(&[], "").expect(400).json()["detail"].as_str().unwrap().contains("missing"));
        send(&JSON, "").expect(400);
        send(&[], "{}").expect(415);
        send(&[("Content-Type", "text/plain")], "").expect(415);
        send(&[("Content-Type", "text/json")], "{}").expect(415);
        for broken in ["{", "nul", "{\"a\":}", "\u{feff}{}", "{} x", "{\"a\": \"\\ud800\"}"] {
            send(&JSON, broken).expect(400);
        }
        ann.send(method, path, &JSON, b"{\"a\": \"\xff\"}").expect(400);
        send(&JSON, &"[".repeat(5_000)).expect(400);
        for wrong in ["[]", "null", "7", "\"x\"", "{}", "{\"nick\": 1}"] {
            send(&JSON, wrong).expect(422);
        }
        send(&JSON, &format!("{{\"a\": \"{}\"}}", "x".repeat(17_000))).expect(413);
        let zipped = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
        send(&zipped, "{}").expect(415);
        send(&[("Content-Type", "application/json; charset=koi8-u")], "{}").expect(415);
        send(&[("Content-Type", "Application/JSON; charset=UTF-8")], "{}").expect(422);
    }
    ann.get("/api/users/me").expect(200);
}

#[test]
fn head_answers_where_get_does_and_without_a_trailing_slash_or_with() {
    let world = World::new();
    let root = world.admin("root");
    let key = root.get("/api/users/me").json()["avatar"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    for route in contactd::routes::ROUTES.iter().filter(|route| route.verb == "GET") {
        let path = route
            .path
            .replace("{id}", &root.id.to_string())
            .replace("{token}", "x")
            .replace("{key}", &key);
        let get = root.get(&path);
        let head = root.send("HEAD", &path, &[], b"");
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("Content-Type"), get.header("Content-Type"), "{path}");
        if path != "/" {
            assert_eq!(root.get(&format!("{path}/")).status, get.status, "{path}/");
        }
    }
    root.send("HEAD", "/api/auth/login", &[], b"").expect(405);
}

#[test]
fn every_answer_has_its_headers() {
    let world = World::new();
    let ann = world.user("ann");
    for (actor, path) in [
        (&ann, "/api/users/me"),
        (&ann, "/api/users"),
        (&ann, "/nothing"),
        (&world.nobody(), "/api/users/me"),
        (&world.nobody(), "/"),
        (&world.nobody(), "/api/auth/reset-password/x"),
    ] {
        let answer = actor.get(path);
        assert_eq!(answer.header("X-Content-Type-Options"), "nosniff");
        assert_eq!(answer.header("Referrer-Policy"), "no-referrer");
        assert!(!answer.header("X-Request-Id").is_empty());
        if path != "/" {
            assert_eq!(answer.header("Cache-Control"), "no-store", "{path}");
        }
    }
    let with = |id: &str| ann.send("GET", "/api/users/me", &[("X-Request-Id", id)], b"");
    assert_eq!(with("a-Z_0.9").header("X-Request-Id"), "a-Z_0.9");
    let mut made = std::collections::HashSet::new();
    for odd in ["", "a b", "<x>", &"x".repeat(65), "ї"] {
        let id = with(odd).header("X-Request-Id").to_owned();
        assert!(id != odd && made.insert(id), "one id leads to one line of the log");
    }
}

#[test]
fn a_wrong_user_change_is_told_and_a_taken_name_is_a_conflict() {
    let world = World::new();
    let (ann, _bob) = (world.user("ann"), world.user("bob"));
    for name in ["", "ab", &"x".repeat(51), "a b c", "анна", "ann\u{0}x"] {
        ann.patch("/api/users/me", json!({"username": name})).expect_faults(&["username"]);
    }
    ann.patch("/api/users/me", json!({"username": null})).expect_faults(&["username"]);
    ann.patch("/api/users/me", json!({"email": "x@y.z"})).expect_faults(&["username", "email"]);
    let problem = ann.patch("/api/users/me", json!({"username": "Bob"})).expect(409).json();
    assert!(problem["type"].as_str().unwrap().ends_with("username-taken"));
    let user = ann.patch("/api/users/me", json!({"username": " Ann.2 "})).expect(200).json();
    assert_eq!((&user["username"], &user["id"]), (&json!("Ann.2"), &json!(ann.id)));
    assert_eq!(ann.get("/api/users/me").json(), user);
    ann.log_in(PASSWORD).expect(401);
}
