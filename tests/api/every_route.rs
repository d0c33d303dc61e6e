//! What holds for every route, tried on every route: a stranger sees and harms nothing, and
//! nothing that anybody sends makes the server fail.

use crate::world::{Actor, PASSWORD, World};
use contactd::routes::{Gate, ROUTES, Route};
use serde_json::json;

/// Stands in everything that Ann keeps to herself.
const PLANTED: &str = "Planted-9f31c7";

/// What Ann has, to be looked for and aimed at.
struct Ann {
    actor: Actor,
    contact: i64,
    deleted: i64,
    session: i64,
    app_password: i64,
}

fn plant(world: &World) -> Ann {
    let actor = world.user("ann");
    let contact = json!({
        "first_name": PLANTED, "last_name": "Last", "email": format!("{PLANTED}@example.com"),
        "phone": "+380 44 123-45-67", "birthday": "1990-11-24", "additional_data": PLANTED,
        "labels": [PLANTED],
    });
    let made = |contact: &serde_json::Value| {
        actor.post("/api/contacts", contact.clone()).expect(201).json()["id"].as_i64().unwrap()
    };
    let (kept, deleted) = (made(&contact), made(&contact));
    actor.delete(&format!("/api/contacts/{deleted}")).expect(204);
    let sessions = actor.get("/api/users/me/sessions").expect(200).json();
    let session = sessions[0]["id"].as_i64().unwrap();
    let body = json!({"name": PLANTED, "scope": "write", "password": PASSWORD});
    let made = actor.post("/api/users/me/app-passwords", body).expect(201).json();
    let app_password = made["id"].as_i64().unwrap();
    actor.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(201);
    Ann { actor, contact: kept, deleted, session, app_password }
}

/// Everything that is stored of Ann.
fn everything_of(world: &World, ann: &Ann) -> String {
    let tables = [
        "contacts WHERE owner",
        "history WHERE owner",
        "calendars WHERE owner",
        "address_books WHERE owner",
        "sessions WHERE user_id",
        "app_passwords WHERE user_id",
        "totp WHERE user_id",
        "users WHERE id",
    ];
    tables
        .iter()
        .map(|table| {
            let sql = format!("SELECT coalesce(json_agg(t)::text, '') FROM (SELECT * FROM {table} = $1 ORDER BY 1, 2) t");
            world.app.db.read(|db| Ok(db.query_one(&sql, &[&ann.actor.id])?.get::<_, String>(0))).unwrap()
        })
        .collect()
}

/// The paths of a route that point at Ann's things.
fn aimed_paths(route: &Route, ann: &Ann) -> Vec<String> {
    let ids: Vec<i64> = match route.path {
        path if path.starts_with("/api/contacts") => vec![ann.contact, ann.deleted],
        path if path.contains("sessions") => vec![ann.session],
        path if path.contains("app-passwords") => vec![ann.app_password],
        _ => vec![ann.actor.id],
    };
    let filled = |id: &i64| {
        route
            .path
            .replace("{id}", &id.to_string())
            .replace("{token}", "x")
            .replace("{secret}", "x")
            .replace("{key}", "x")
            .replace("{path*}", &format!("addressbooks/{}/contacts/", ann.actor.id))
    };
    let queries = [
        "",
        "?search=Planted&label=Planted-9f31c7&days=366&format=json&limit=100",
        "?updated_since=2000-01-01T00:00:00Z&sort=-created_at",
    ];
    ids.iter().map(filled).flat_map(|path| queries.map(|query| format!("{path}{query}"))).collect()
}

const BODIES: [&str; 4] = [
    r#"{"first_name": "Mallory"}"#,
    r#"{"username": "mallory", "is_active": false, "role": "admin"}"#,
    r#"{"email": "mallory@example.com", "password": "wrong password"}"#,
    "{}",
];

#[test]
fn a_stranger_sees_and_harms_nothing_on_any_route() {
    let world = World::new();
    let ann = plant(&world);
    let before = everything_of(&world, &ann);
    assert!(before.matches(PLANTED).count() >= 8, "nothing to protect");
    for route in ROUTES {
        // An admin manages accounts, Ann's too; the tests of accounts hold what that means.
        let manages = matches!(route.gate, Gate::Admin(_));
        let eve = world.user(&format!("eve{}", &contactd::crypto::random_uuid().unwrap()[..8]));
        let mut strangers = vec![world.nobody(), eve];
        if !manages {
            strangers.push(
                world.admin(&format!("adm{}", &contactd::crypto::random_uuid().unwrap()[..8])),
            );
        }
        for stranger in &strangers {
            for path in aimed_paths(route, &ann) {
                for body in BODIES {
                    let json = [("Content-Type", "application/json")];
                    let answer = stranger.send(route.verb, &path, &json, body.as_bytes());
                    let report = format!("{:?} {}", answer.headers, answer.text());
                    assert!(
                        !report.contains(PLANTED),
                        "{} was shown {}: {report}",
                        answer.asked,
                        stranger.name
                    );
                    if manages {
                        assert!(
                            matches!(answer.status, 401 | 403),
                            "{} {}",
                            answer.asked,
                            answer.status
                        );
                    }
                }
            }
        }
    }
    assert_eq!(everything_of(&world, &ann), before);
    ann.actor.get(&format!("/api/contacts/{}", ann.contact)).expect(200);
}

#[test]
fn who_may_call_is_held_by_every_route() {
    let world = World::new();
    let bob = world.user("bob");
    let mut forged = bob.clone();
    forged.token = Some(format!("{}x", bob.token.as_deref().unwrap()));
    for route in ROUTES {
        let path = route.path.replace("{id}", "1");
        let status = |actor: &Actor| actor.send(route.verb, &path, &[], b"").status;
        match route.gate {
            Gate::Anyone(_) => assert!(!matches!(status(&world.nobody()), 403), "{path}"),
            Gate::Visitor(_) => {}
            Gate::User(_) | Gate::Contacts(_) | Gate::Device(_) => {
                assert_eq!(
                    (status(&world.nobody()), status(&forged)),
                    (401, 401),
                    "{} {path}",
                    route.verb
                );
            }
            Gate::Admin(_) => {
                assert_eq!(
                    (status(&world.nobody()), status(&bob)),
                    (401, 403),
                    "{} {path}",
                    route.verb
                );
            }
        }
    }
}

#[test]
fn no_route_answers_500_to_anything() {
    let world = World::new();
    let deep = "[".repeat(10_000);
    let long = format!(r#"{{"first_name": "{}"}}"#, "x".repeat(20_000));
    let bodies: Vec<&[u8]> = vec![
        b"", b"{}", b"[]", b"null", b"7", b"\"x\"", b"{", b"\xff\xfe", b"{\"first_name\": \"\\u0000\"}",
        b"{\"first_name\": \"\\ud800\"}", b"{\"id\": 99999999999999999999, \"first_name\": 1e999}",
        b"username=%00&password=%ff", b"token=%", b"--x\r\n\r\n", b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:\0\r\nEND:VCARD",
        b"First Name,Birthday\n\"", b"{\"token\": \"\\u0000\", \"new_password\": \"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\"}",
        deep.as_bytes(), long.as_bytes(),
    ];
    let types = [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/vcard",
        "text/csv",
        "text/plain",
        "application/json; charset=utf-16",
        "\u{e9}",
        "",
    ];
    let queries = [
        "",
        "?",
        "?%",
        "?limit=-1&skip=x&cursor=!!&sort=;drop&days=999999999999999999999&from=0000-00-00&tz=../../etc",
        "?search=%00&label=%f0%9f%98%80&updated_since=9999-99-99",
        "?cursor=WyJuYW1lIiwiXHUwMDAwIiwieCIsMV0",
        "?from=9999-12-31&days=366",
        "?from=0001-01-01&days=366",
        "?skip=10000&limit=100",
        "?updated_since=262000-01-01T00:00:00Z",
        "?format=xml&dry_run=maybe",
    ];
    let ids = ["1", "0", "-1", "99999999999999999999", "x", "%00", "%ff", "1%2f2"];
    for route in ROUTES {
        let user = world.user(&format!("u{}", &contactd::crypto::random_uuid().unwrap()[..8]));
        let admin = world.admin(&format!("a{}", &contactd::crypto::random_uuid().unwrap()[..8]));
        let calls = bodies.iter().flat_map(|body| types.iter().map(move |kind| (*body, *kind)));
        for (number, (body, kind)) in calls.enumerate() {
            let id = ids[number % ids.len()];
            let path = ["{id}", "{token}", "{secret}", "{key}"]
                .iter()
                .fold(route.path.to_owned(), |path, name| path.replace(name, id));
            let path = format!("{path}{}", queries[number % queries.len()]);
            let actor = [&world.nobody(), &user, &admin][number % 3].clone();
            let answer = actor.send(
                route.verb,
                &path,
                &[("Content-Type", kind), ("If-Match", "\"x\"")],
                body,
            );
            assert!(
                answer.status < 500,
                "{} {kind} {body:?}: {} {}",
                answer.asked,
                answer.status,
                answer.text()
            );
            assert_ne!(answer.header("X-Request-Id"), "");
            assert_eq!(answer.header("X-Content-Type-Options"), "nosniff");
            let policy = answer.header("Content-Security-Policy");
            assert!(policy.contains("default-src 'none'"), "{}", answer.asked);
            assert!(policy.contains("frame-ancestors 'none'"), "{}", answer.asked);
        }
    }
}

#[test]
fn unknown_paths_wrong_methods_and_options() {
    let world = World::new();
    let ann = world.user("ann");
    ann.get("/api/nothing").expect(404);
    world.nobody().get("/api/contacts/1/x").expect(404);
    let answer = world.nobody().send("DELETE", "/api/contacts", &[], b"").expect(405);
    assert_eq!(answer.header("Allow"), "OPTIONS, POST, GET, HEAD");
    let answer = world.nobody().send("OPTIONS", "*", &[], b"").expect(204);
    assert_eq!(answer.header("Allow"), "OPTIONS, GET, HEAD, POST, PUT, PATCH, DELETE");
    let answer = world.nobody().send("OPTIONS", "/api/contacts", &[], b"").expect(204);
    assert_eq!(answer.header("Allow"), "OPTIONS, POST, GET, HEAD");
    ann.send("HEAD", "/api/contacts/", &[], b"").expect(200);
    for route in ROUTES {
        let path = route.path.replace(['{', '}'], "");
        for method in ["TRACE", "QUERY"] {
            // Whoever has no app password learns nothing about CardDAV.
            if route.is_below_dav() {
                ann.send(method, &path, &[], b"").expect(401);
                continue;
            }
            let answer = ann.send(method, &path, &[], b"").expect(405);
            assert!(answer.header("Allow").contains(route.verb), "{} {path}", route.verb);
        }
    }
}

#[test]
fn problems_are_rfc_9457_and_repeat_the_request_id() {
    let world = World::new();
    let sent = [("X-Request-Id", "my-id_1.2")];
    let answer = world.nobody().send("GET", "/api/users/me", &sent, b"").expect(401);
    assert_eq!(answer.header("Content-Type"), "application/problem+json");
    assert_eq!(answer.header("X-Request-Id"), "my-id_1.2");
    assert_eq!(answer.header("WWW-Authenticate"), "Bearer");
    assert_eq!(answer.header("X-Content-Type-Options"), "nosniff");
    assert_eq!(answer.header("Referrer-Policy"), "no-referrer");
    assert_eq!(answer.header("Cache-Control"), "no-store");
    let problem = answer.json();
    assert_eq!(problem["request_id"], "my-id_1.2");
    assert_eq!(problem["status"], 401);
    assert_eq!(problem["title"], "Unauthorized");
    assert!(problem["detail"].is_string() && problem["type"].is_string());
    for odd in ["", "a b", "\u{e9}", &"x".repeat(65), "a\tb"] {
        let answer =
            world.nobody().send("GET", "/healthz", &[("X-Request-Id", odd)], b"").expect(200);
        assert_ne!(answer.header("X-Request-Id"), odd);
    }
}

#[test]
fn the_codes_come_in_the_order_of_the_contract() {
    let world = World::with(|config| {
        config.rates.default = Some(contactd::config::Rate { count: 3, seconds: 3600 });
    });
    let big = vec![b'x'; 2_000_000];
    let text = [("Content-Type", "text/plain")];
    let json = [("Content-Type", "application/json")];
    let ann = world.user("ann");
    let contact = ann.post("/api/contacts", json!({"first_name": "Bob"})).expect(201);
    let path = contact.header("Location").to_owned();
    // 404 and 405 before 401, 401 before 413, 403 before 413.
    world.nobody().send("PUT", "/nothing", &text, &big).expect(404);
    world.nobody().send("POST", &path, &text, &big).expect(405);
    world.nobody().send("PUT", &path, &text, &big).expect(401);
    let bob = world.user("bob");
    bob.send("PATCH", "/api/users/1/role", &text, &big).expect(403);
    // 413 before 415, 415 before 400, 400 before 422, 422 before 404.
    let carol = world.user("carol");
    carol.send("PUT", "/api/contacts/999", &text, &big).expect(413);
    carol.send("PUT", "/api/contacts/999", &text, b"{").expect(415);
    carol.send("PUT", "/api/contacts/999", &json, b"{").expect(400);
    // The fourth request of the window: 429 before 413.
    let answer = carol.send("PUT", "/api/contacts/999", &text, &big).expect(429);
    assert!(answer.header("Retry-After").parse::<u64>().unwrap() >= 1);
    assert_eq!(answer.header("RateLimit-Remaining"), "0");
    let dave = world.user("dave");
    dave.send("PUT", "/api/contacts/999", &json, b"{}").expect(422);
    dave.send("PUT", "/api/contacts/999", &json, br#"{"first_name": "x"}"#).expect(404);
    // 404 before 412.
    let stale = [("Content-Type", "application/json"), ("If-Match", "\"0\"")];
    dave.send("PUT", &path, &stale, br#"{"first_name": "x"}"#).expect(404);
    ann.send("PUT", &path, &stale, br#"{"first_name": "x"}"#).expect(412);
}

#[test]
fn cross_origin_pages_are_welcome_only_from_known_origins() {
    let world = World::with(|config| config.cors_origins = vec!["https://app.example".to_owned()]);
    let ask = |origin: &str| {
        let headers = [("Origin", origin), ("Access-Control-Request-Method", "PUT")];
        world.nobody().send("OPTIONS", "/api/contacts/1", &headers, b"").expect(204)
    };
    let known = ask("https://app.example");
    assert_eq!(known.header("Access-Control-Allow-Origin"), "https://app.example");
    assert!(known.header("Access-Control-Allow-Methods").contains("PUT"));
    assert_eq!(known.header("Access-Control-Allow-Credentials"), "");
    assert_eq!(ask("https://evil.example").header("Access-Control-Allow-Origin"), "");
    let real = world.nobody().send("GET", "/healthz", &[("Origin", "https://app.example")], b"");
    assert_eq!(real.header("Access-Control-Allow-Origin"), "https://app.example");
}
