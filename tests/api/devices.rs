//! Phones and scripts at every door: which app password opens which route, what one costs, and from how many
//! networks it is known.

use crate::world::{Actor, PASSWORD, World, variable};
use chrono::Duration;
use contactd::config::Secret;
use contactd::routes::{Gate, ROUTES};
use serde_json::json;
use support::wire::Wire;

fn bearer(ann: &Actor, secret: &str) -> Actor {
    Actor { token: Some(secret.to_owned()), ..ann.clone() }
}

/// A request from another address, which a proxy reports.
fn from(phone: &Actor, address: &str) {
    let headers = [("X-Forwarded-For", address)];
    phone.at([10, 0, 0, 1]).send("GET", "/api/contacts", &headers, b"").expect(200);
}

fn behind_a_proxy() -> World {
    World::with(|config| config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()])
}

fn new_addresses(world: &World) -> i64 {
    world.sql("SELECT count(*) FROM audit_events WHERE action = 'app_password_new_address'")
}

/// Methods that change nothing.
const READING: [&str; 4] = ["GET", "PROPFIND", "REPORT", "OPTIONS"];

#[test]
fn each_route_takes_each_scope_as_its_row_says() {
    let world = World::new();
    // An admin: the routes of admins are not closed for want of the role.
    let ann = world.admin("ann");
    let mut seen = [0; 4];
    for scope in ["carddav", "read", "write"] {
        let secret = ann.app_password(scope);
        let by_name = ann.with_basic("ann", &secret);
        for (sender, is_basic) in [(bearer(&ann, &secret), false), (by_name, true)] {
            for route in ROUTES {
                let path = route.path.replace("{id}", "999999").replace("{path*}", "");
                let answer = sender.send(route.verb, &path, &[], b"");
                let report =
                    format!("{scope}, Basic {is_basic}: {} {}", answer.asked, answer.status);
                let reads = READING.contains(&route.verb);
                match route.gate {
                    Gate::User(_) | Gate::Admin(_) => assert_eq!(answer.status, 401, "{report}"),
                    Gate::Contacts(_) if scope == "carddav" => {
                        assert_eq!(answer.status, 401, "{report}");
                        seen[0] += 1;
                    }
                    // Who reads only has nothing to say about the calendar's address.
                    Gate::Contacts(_) if scope == "read" && !reads => {
                        assert_eq!(answer.status, 403, "{report}");
                        seen[1] += 1;
                    }
                    // It opens whatever lies in the account.
                    Gate::Contacts(_) if path.ends_with("/calendar-url") => {}
                    Gate::Contacts(_) => {
                        assert!(![401, 403].contains(&answer.status), "{report}");
                        seen[2] += 1;
                    }
                    Gate::Device(_) if !is_basic => assert_eq!(answer.status, 401, "{report}"),
                    Gate::Device(_) if scope == "read" && !reads => {
                        assert_eq!(answer.status, 403, "{report}");
                    }
                    Gate::Device(_) => {
                        assert_ne!(answer.status, 401, "{report}");
                        seen[3] += 1;
                    }
                    // On pages it is as nothing.
                    Gate::Visitor(_) => {
                        let stranger = world.nobody().send(route.verb, &path, &[], b"");
                        assert_eq!(answer.status, stranger.status, "{report}");
                        assert_eq!(
                            answer.header("Location"),
                            stranger.header("Location"),
                            "{report}"
                        );
                    }
                    Gate::Anyone(_) => {}
                }
            }
        }
    }
    assert!(seen.iter().all(|number| *number > 10), "{seen:?}");
}

#[test]
fn what_is_stored_is_the_sha_256_of_160_random_bits_and_the_account() {
    let world = World::new();
    let ann = world.user("ann");
    let secrets: Vec<_> = (0..20).map(|_| ann.app_password("read").replace('-', "")).collect();
    for secret in &secrets {
        let (id, letters) = secret.split_at(secret.len() - 32);
        assert_eq!(i64::from_str_radix(id, 32).ok(), Some(ann.id), "{secret}");
        let text = format!("{} {letters}", ann.id);
        let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let query = format!("SELECT count(*) FROM app_passwords WHERE digest = '\\x{hash}'");
        assert_eq!(world.sql::<i64>(&query), 1, "{secret}");
    }
    // Of random letters every place has several.
    for place in 1..=32 {
        let at = |secret: &String| secret.chars().rev().nth(place - 1);
        assert!(secrets.iter().any(|secret| at(secret) != at(&secrets[0])), "place {place}");
    }
}

/// With a wire before each store, this app password and an access token cost the same, to the round trip.
#[test]
fn one_costs_what_an_access_token_costs_one_round_trip_to_redis_and_no_sql() {
    let world = World::new();
    let ann = world.user("ann");
    let bob = ann.post("/api/contacts", json!({"first_name": "Bob"})).expect(201);
    let path = bob.header("Location");
    let host = |url: &str| {
        let url = url::Url::parse(url).unwrap();
        let default = if url.scheme().starts_with("redis") { 6379 } else { 5432 };
        format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(default))
    };
    let (database, redis) = (variable("TEST_DATABASE_URL"), variable("TEST_REDIS_URL"));
    let (sql, cache) = (Wire::to(&host(&database)), Wire::to(&host(&redis)));
    let moved = |url: &str, wire: &Wire| url.replacen(&host(url), &wire.address(), 1);
    let schema = world.app.config.redis_prefix.trim_end_matches(':').to_owned();
    let mut wired = world.app.config.clone();
    wired.postgres = moved(&database, &sql).parse().unwrap();
    wired.postgres.ssl_mode(postgres::config::SslMode::Disable);
    wired.postgres.options(&format!("-c search_path={schema}"));
    wired.redis_url = Some(Secret::new(moved(&redis, &cache)));
    let there = world.replica_of(wired);
    let secret = ann.app_password("read");
    let on = |actor: Actor| Actor { app: there.app.clone(), ..actor };
    let senders = [
        ("access token", on(ann.clone())),
        ("Bearer", on(bearer(&ann, &secret))),
        ("Basic", on(ann.with_basic("ann@example.com", &secret))),
    ];
    // Whoever needed argon2 would wait for one of these.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let _held: Vec<_> = (0..cores).map(|_| there.app.passwords.enter().unwrap()).collect();
    // The cheapest of many: on a busy machine Redis may answer too late, and then Postgres is asked.
    let cost = |sender: &Actor, method: &str, path: &str| {
        let once = |_| {
            let before = (cache.round_trips(), sql.round_trips());
            assert!(sender.send(method, path, &[], b"").status < 300);
            (cache.round_trips() - before.0, sql.round_trips() - before.1)
        };
        (0..30).map(once).min_by_key(|(cache, sql)| (cache + sql, *sql)).unwrap()
    };
    assert_eq!(cost(&senders[0].1, "GET", "/api/users/me"), (1, 0), "the wires count");
    let of_contact = cost(&senders[0].1, "GET", path);
    assert_eq!(of_contact, (1, 1), "the contact itself, and nothing of the account");
    for (name, sender) in &senders {
        assert_eq!(cost(sender, "GET", path), of_contact, "{name}");
    }
    // On CardDAV, where nothing is read of the book: no SQL at all.
    assert_eq!(cost(&senders[2].1, "OPTIONS", "/dav/"), (1, 0));
}

/// What the cache holds of an account is what a change of it goes round the cache's protocol for. A refresh
/// and the use of an app password change other columns only, so they may do without.
#[test]
fn a_refresh_and_a_use_change_nothing_that_the_cache_holds() {
    let world = World::new();
    let ann = world.user("ann");
    let tokens = ann.log_in(PASSWORD).expect(200).json();
    let phone = bearer(&ann, &ann.app_password("read"));
    let held = || {
        let found = world.app.load_user(ann.id, contactd::cache::Load::ToAnswer).unwrap().user;
        serde_json::to_string(&found.unwrap()).unwrap()
    };
    let before = held();
    let row = || world.sql::<String>("SELECT json_agg(s ORDER BY id)::text FROM sessions s");
    let rows = row();
    world.pass(Duration::minutes(5));
    let body = json!({"refresh_token": tokens["refresh_token"]});
    world.nobody().post("/api/auth/refresh", body).expect(200);
    phone.get("/api/contacts").expect(200);
    assert_ne!(row(), rows, "the refresh was written");
    assert!(world.sql::<bool>("SELECT last_used_at IS NOT NULL FROM app_passwords"));
    assert_eq!(held(), before);
    // And what must go by the protocol does change it.
    ann.log_in(PASSWORD).expect(200);
    assert_ne!(held(), before);
}

#[test]
fn a_use_is_written_once_a_minute_by_all_replicas_together() {
    let world = World::new();
    let there = world.replica();
    let ann = world.user("ann");
    let phone = bearer(&ann, &ann.app_password("read"));
    let elsewhere = Actor { app: there.app.clone(), ..phone.clone() };
    let last = || ann.get("/api/users/me/app-passwords").json()[0]["last_used_at"].clone();
    phone.get("/api/contacts").expect(200);
    let first = last();
    world.pass(Duration::seconds(30));
    elsewhere.get("/api/contacts").expect(200);
    assert_eq!(last(), first);
    world.pass(Duration::seconds(60));
    elsewhere.get("/api/contacts").expect(200);
    assert_ne!(last(), first);
    // One app password's use says nothing of another's.
    let other = bearer(&ann, &ann.app_password("write"));
    other.get("/api/contacts").expect(200);
    assert_ne!(last(), serde_json::Value::Null, "the newest is listed first");
}

/// Else a device that somebody else has would look unused until then.
#[test]
fn a_use_is_written_though_the_last_one_has_an_instant_of_the_future() {
    let world = World::new();
    let ann = world.user("ann");
    let phone = bearer(&ann, &ann.app_password("read"));
    let last_use =
        || -> chrono::DateTime<chrono::Utc> { world.sql("SELECT last_used_at FROM app_passwords") };
    // The clock was a year ahead for a while.
    world.pass(Duration::days(365));
    phone.get("/api/contacts").expect(200);
    assert_eq!(last_use(), world.now());
    world.pass(-Duration::days(364));
    phone.get("/api/contacts").expect(200);
    assert_eq!(last_use(), world.now());
    // A replica that is a little behind writes nothing back and forth.
    let behind = world.replica_with_clock(-Duration::seconds(30));
    let there = Actor { app: behind.app.clone(), ..phone.clone() };
    there.get("/api/contacts").expect(200);
    assert_eq!(last_use(), world.now());
}

#[test]
fn an_ipv6_network_of_64_bits_is_one_address() {
    let world = behind_a_proxy();
    let ann = world.user("ann");
    let phone = bearer(&ann, &ann.app_password("read"));
    for (address, events) in [
        ("2001:db8:1:7::1", 1),
        ("2001:db8:1:7:ffff:ffff:ffff:ffff", 1),
        ("2001:db8:1:8::1", 2),
        ("2001:db8:1:7::2", 2),
        ("192.0.2.1", 3),
        ("192.0.2.2", 4),
    ] {
        world.pass(Duration::minutes(1));
        from(&phone, address);
        assert_eq!(new_addresses(&world), events, "{address}");
        let listed = ann.get("/api/users/me/app-passwords").json();
        assert_eq!(listed[0]["last_used_ip"], address, "the whole address is shown");
    }
}

#[test]
fn the_last_twenty_networks_are_known_and_one_before_them_is_new_again() {
    let world = behind_a_proxy();
    let ann = world.user("ann");
    let phone = bearer(&ann, &ann.app_password("read"));
    let network = |number: usize| format!("2001:db8:0:{number:x}::1");
    for number in 0..20 {
        from(&phone, &network(number));
    }
    for number in 0..20 {
        world.pass(Duration::minutes(1));
        from(&phone, &network(number));
    }
    assert_eq!(new_addresses(&world), 20);
    from(&phone, &network(20));
    assert_eq!(new_addresses(&world), 21);
    from(&phone, &network(19));
    assert_eq!(new_addresses(&world), 21, "one of the last twenty");
    from(&phone, &network(0));
    assert_eq!(new_addresses(&world), 22, "forgotten, and so new");
    assert_eq!(world.sql::<i32>("SELECT cardinality(networks) FROM app_passwords"), 20);
}

#[test]
fn making_first_use_and_revoking_are_events_of_their_owner() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let phone = bearer(&ann, &ann.app_password("carddav"));
    let body = b"";
    let used = phone.with_basic("ann", phone.token.as_deref().unwrap()).at([192, 0, 2, 9]);
    assert!(used.send("OPTIONS", "/dav/", &[], body).status < 300);
    let id = ann.get("/api/users/me/app-passwords").json()[0]["id"].clone();
    ann.delete(&format!("/api/users/me/app-passwords/{id}")).expect(204);
    // Refused, so nothing happened.
    ann.delete(&format!("/api/users/me/app-passwords/{id}")).expect(404);
    let wrong = json!({"name": "x", "scope": "read", "password": "wrong password"});
    ann.post("/api/users/me/app-passwords", wrong).expect(403);
    let events = root.get(&format!("/api/audit-events?user_id={}", ann.id)).expect(200).json();
    let events = events.as_array().unwrap().iter().rev();
    let of_passwords =
        events.filter(|it| it["action"].as_str().unwrap().starts_with("app_password"));
    let report: Vec<_> = of_passwords
        .map(|it| (it["action"].clone(), it["actor_id"].clone(), it["ip"].clone()))
        .collect();
    let expected = [
        ("app_password_created", "127.0.0.1"),
        ("app_password_new_address", "192.0.2.9"),
        ("app_password_revoked", "127.0.0.1"),
    ];
    assert_eq!(report, expected.map(|(action, ip)| (json!(action), json!(ann.id), json!(ip))));
}

#[test]
fn on_carddav_they_end_as_everywhere_and_the_accounts_own_password_never_works() {
    let world = World::new();
    let (root, ann) = (world.admin("root"), world.user("ann"));
    let status = |name: &str, secret: &str| {
        ann.with_basic(name, secret).send("OPTIONS", "/dav/", &[], b"").status
    };
    let path = format!("/api/users/{}", ann.id);
    for scope in ["carddav", "read", "write"] {
        let secret = ann.signed_in().app_password(scope);
        for name in ["ann", "ANN", "ann@example.com", "Ann@Example.COM"] {
            assert!(status(name, &secret) < 300, "{scope} {name}");
            assert_eq!(status(name, PASSWORD), 401, "{scope} {name}");
        }
        for name in ["root", "", "an n", "ann@example.org"] {
            assert_eq!(status(name, &secret), 401, "{scope} {name}");
        }
        root.patch(&path, json!({"is_active": false})).expect(200);
        assert_eq!(status("ann", &secret), 401, "{scope}");
        root.patch(&path, json!({"is_active": true})).expect(200);
        assert!(status("ann", &secret) < 300, "{scope}");
        let body = json!({"current_password": PASSWORD, "new_password": PASSWORD});
        ann.signed_in().post("/api/users/me/password", body).expect(204);
        assert_eq!(status("ann", &secret), 401, "{scope}");
    }
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM app_passwords"), 0);
}
