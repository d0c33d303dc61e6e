//! Rate limits: who is counted, together with whom, and what the answers say.

use crate::redis_server::RedisServer;
use crate::world::{Actor, Answer, PASSWORD, World, served};
use contactd::config::{Config, Rate, Secret};
use contactd::worker;
use serde_json::json;

fn rate(count: u64, seconds: u64) -> Option<Rate> {
    Some(Rate { count, seconds })
}

/// The limits of the contract.
fn defaults(config: &mut Config) {
    let rates = &mut config.rates;
    rates.login = rate(10, 60);
    rates.login_failures = rate(5, 900);
    rates.register = rate(10, 3_600);
    rates.mail = rate(5, 3_600);
    rates.mailbox = rate(3, 3_600);
    rates.me = rate(60, 60);
    rates.password = rate(10, 60);
    rates.import = rate(10, 60);
    rates.dav = rate(6_000, 3_600);
    rates.default = rate(600, 60);
}

fn report(answer: &Answer) -> (u64, u64, u64) {
    let number = |name: &str| {
        answer.header(name).parse().unwrap_or_else(|_| panic!("{}: no {name}", answer.asked))
    };
    (number("RateLimit-Limit"), number("RateLimit-Remaining"), number("RateLimit-Reset"))
}

/// Calls until 429; how many got through.
fn until_429(mut call: impl FnMut() -> Answer) -> u64 {
    for passed in 0..2_000 {
        let answer = call();
        if answer.status == 429 {
            let (_, remaining, reset) = report(&answer);
            assert_eq!(remaining, 0);
            assert_eq!(answer.header("Retry-After"), reset.to_string());
            assert_eq!(answer.header("Content-Type"), "application/problem+json");
            return passed;
        }
    }
    panic!("never 429");
}

#[test]
fn every_route_has_the_limit_of_the_contract() {
    let world = World::with(defaults);
    let ann = world.user("ann");
    let from = |last: u8| world.nobody().at([192, 0, 2, last]);
    let login =
        |at: u8| from(at).post("/api/auth/login", json!({"username": "x", "password": "y"}));
    assert_eq!(report(&login(1)).0, 10);
    // Good or bad, every request counts.
    assert_eq!(until_429(|| from(2).post("/api/auth/login", json!({}))), 10);
    assert_eq!(until_429(|| from(3).post("/api/auth/register", json!({}))), 10);
    let mail = ["/api/auth/request_email", "/api/auth/request-password-reset"];
    let mut number = 0;
    let both = until_429(|| {
        number += 1;
        from(4).post(mail[number % 2], json!({"email": format!("a{number}@example.com")}))
    });
    assert_eq!(both, 5, "the two calls share their counter");
    assert_eq!(until_429(|| ann.get("/api/users/me")), 60);
    // Another route has another counter, and another user too.
    assert_eq!(report(&ann.get("/api/users/me/sessions").expect(200)), (600, 599, 60));
    assert_eq!(report(&world.user("bob").get("/api/users/me").expect(200)), (60, 59, 60));
    assert_eq!(until_429(|| ann.get("/api/users/me/sessions")), 599);
    // Together with every other route that has none of its own.
    ann.get("/api/contacts").expect(429);
    assert_eq!(report(&from(5).get("/")).0, 600);
    for probe in ["/healthz", "/readyz", "/api/healthchecker"] {
        assert_eq!(from(5).get(probe).expect(200).header("RateLimit-Limit"), "");
    }
}

#[test]
fn every_limited_route_tells_where_the_caller_stands() {
    let world = World::with(defaults);
    for (number, route) in contactd::routes::ROUTES.iter().enumerate() {
        let path =
            route.path.replace("{id}", "1").replace("{token}", "x").replace("{key}", "i-a-0");
        // Somebody new each time: some of the routes end the session. And logins are limited.
        let user = world.user_at(&format!("user{number}"), [192, 0, 2, number as u8]);
        for actor in [&world.nobody(), &user] {
            let answer = actor.send(route.verb, &path, &[], b"");
            if route.limit == contactd::limits::Limit::Never {
                assert_eq!(answer.header("RateLimit-Limit"), "", "{}", answer.asked);
            } else {
                let (limit, remaining, reset) = report(&answer);
                assert!(remaining < limit && (1..=3_600).contains(&reset), "{}", answer.asked);
            }
        }
    }
}

#[test]
fn whoever_is_not_signed_in_is_counted_for_the_address_and_past_the_limit_told_429() {
    let world = World::with(|config| config.rates.default = rate(6, 60));
    let nobody = world.nobody();
    let ann = world.user("ann");
    let elsewhere = nobody.at([192, 0, 2, 7]);
    for (path, status) in [
        ("/api/contacts", 401),
        ("/api/users/me", 401),
        ("/nothing", 404),
        ("/api/users/me/password", 405),
        ("/api/users", 401),
        ("/", 200),
    ] {
        elsewhere.get(path).expect(status);
    }
    for path in ["/api/contacts", "/api/users/me", "/nothing", "/api/users/me/password", "/"] {
        elsewhere.get(path).expect(429);
    }
    // Probes are never limited, and whoever is signed in there is counted elsewhere.
    elsewhere.get("/healthz").expect(200);
    ann.at([192, 0, 2, 7]).get("/api/contacts").expect(200);
}

#[test]
fn a_dead_session_counts_against_the_address_and_not_against_its_owner() {
    let world = World::with(|config| config.rates.default = rate(5, 60));
    let ann = world.user("ann");
    let thief = ann.signed_in().at([192, 0, 2, 1]);
    thief.post("/api/auth/logout", json!({})).expect(204);
    for _ in 0..5 {
        thief.get("/api/contacts").expect(401);
    }
    thief.get("/api/contacts").expect(429);
    world.nobody().at([192, 0, 2, 1]).get("/").expect(429);
    // The logout was one of the owner's five.
    for _ in 0..4 {
        ann.get("/api/contacts").expect(200);
    }
    ann.get("/api/contacts").expect(429);
}

#[test]
fn a_refresh_with_a_live_token_counts_against_its_session() {
    let world = World::with(|config| config.rates.default = rate(3, 60));
    let ann = world.user("ann");
    let refresh = |token: &serde_json::Value| {
        world.nobody().post("/api/auth/refresh", json!({ "refresh_token": token }))
    };
    // A family behind one address: each session has its own count.
    for _ in 0..3 {
        let mut tokens = ann.log_in(PASSWORD).expect(200).json();
        for _ in 0..3 {
            tokens = refresh(&tokens["refresh_token"]).expect(200).json();
        }
    }
    let mut tokens = ann.log_in(PASSWORD).expect(200).json();
    for _ in 0..3 {
        tokens = refresh(&tokens["refresh_token"]).expect(200).json();
    }
    assert_eq!(until_429(|| refresh(&tokens["refresh_token"])), 0);
}

#[test]
fn ipv6_is_counted_by_64_and_by_48_with_ten_times_the_limit() {
    let world = World::with(|config| {
        config.rates.login = rate(2, 60);
        config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    });
    let login = |from: String| {
        let headers = [("X-Forwarded-For", from.as_str()), ("Content-Type", "application/json")];
        world.nobody().at([10, 0, 0, 1]).send("POST", "/api/auth/login", &headers, b"{}").status
    };
    for expected in [422, 422, 429] {
        assert_eq!(login(format!("2001:db8:1:7::{expected}")), expected);
    }
    // Eighteen more of the twenty (the refused one counted too), from as many networks.
    for network in 100..117 {
        assert_eq!(login(format!("2001:db8:1:{network}::1")), 422, "{network}");
    }
    assert_eq!(login("2001:db8:1:fff::1".to_owned()), 429);
    assert_eq!(login("2001:db8:2:fff::1".to_owned()), 422);
}

#[test]
fn five_failures_shut_a_name_for_their_client_and_nobody_else() {
    let world = World::with(|config| {
        config.rates.login_failures = rate(5, 900);
    });
    let ann = world.user("ann");
    let login = |name: &str, password: &str, ip: u8| {
        let body = json!({"username": name, "password": password});
        world.nobody().at([192, 0, 2, ip]).post("/api/auth/login", body)
    };
    for _ in 0..10 {
        login("ann", PASSWORD, 1).expect(200);
    }
    for name in ["ann", "ANN", "Ann", "ann", "aNN"] {
        login(name, "wrong password", 1).expect(401);
    }
    let answer = login("ann", PASSWORD, 1).expect(429);
    let (limit, remaining, reset) = report(&answer);
    assert_eq!((limit, remaining), (5, 0));
    assert!((800..=900).contains(&reset));
    assert_eq!(answer.header("Retry-After"), reset.to_string());
    // The name and the address are not tied together, and the owner is elsewhere.
    login("ann@example.com", PASSWORD, 1).expect(200);
    login("ann", PASSWORD, 2).expect(200);
    ann.get("/api/users/me").expect(200);
    world.user("bob").log_in(PASSWORD).expect(200);
    // A name that does not exist behaves in the same way.
    for name in ["nobody", "NoBody", "nobody", "nobody", "nobody"] {
        login(name, "wrong password", 1).expect(401);
    }
    login("nobody", "wrong password", 1).expect(429);
    login("nobody", "wrong password", 2).expect(401);
}

#[test]
fn a_name_is_shut_for_all_after_twenty_times_as_many_failures() {
    let world = World::with(|config| config.rates.login_failures = rate(1, 900));
    world.user("ann");
    for name in ["ann", "nobody"] {
        let login = |ip: u8, password: &str| {
            let body = json!({"username": name, "password": password});
            world.nobody().at([192, 0, 2, ip]).post("/api/auth/login", body)
        };
        for ip in 0..20 {
            login(ip, "wrong password").expect(401);
        }
        login(99, PASSWORD).expect(429);
    }
}

#[test]
fn a_lockout_does_not_touch_who_is_signed_in_and_a_reset_clears_it() {
    let world = World::with(|config| {
        config.rates.login_failures = rate(2, 900);
        config.rates.password = rate(10, 60);
    });
    let ann = world.user("ann");
    for _ in 0..2 {
        ann.log_in("wrong password").expect(401);
    }
    ann.log_in(PASSWORD).expect(429);
    let body = json!({"email": "new@example.com", "password": PASSWORD});
    ann.post("/api/users/me/email", body).expect(202);
    ann.post("/api/auth/request-password-reset", json!({"email": "ann@example.com"})).expect(202);
    let token = world.link_token("ann@example.com");
    let body = json!({"token": token, "new_password": "another good one"});
    world.nobody().post("/api/auth/reset-password", body).expect(200);
    ann.log_in("another good one").expect(200);
}

#[test]
fn checks_of_the_password_in_a_session_are_ten_a_minute_right_or_wrong() {
    let world = World::with(|config| config.rates.password = rate(10, 60));
    let ann = world.user("ann");
    let change = |current: &str| {
        let body = json!({"current_password": current, "new_password": PASSWORD});
        ann.post("/api/users/me/password", body)
    };
    for number in 0..10 {
        match number % 2 {
            0 => change(PASSWORD).expect(204),
            _ => change("wrong password").expect(403),
        };
    }
    assert_eq!(report(&change(PASSWORD).expect(429)).0, 10);
    // All calls that check it count together, from wherever.
    let body = json!({"name": "x", "scope": "read", "password": PASSWORD});
    ann.at([192, 0, 2, 1]).post("/api/users/me/app-passwords", body).expect(429);
    ann.delete_with("/api/users/me", json!({"password": PASSWORD})).expect(429);
    ann.get("/api/users/me").expect(200);
    let bob = world.user("bob");
    let body = json!({"current_password": PASSWORD, "new_password": PASSWORD});
    bob.post("/api/users/me/password", body).expect(204);
}

#[test]
fn right_passwords_at_once_do_not_shut_each_other_out() {
    let world = World::with(|config| config.rates.login_failures = rate(5, 900));
    let ann = world.user("ann");
    ann.log_in("wrong password").expect(401);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let one = || served(|| ann.log_in(PASSWORD)).status;
        let threads: Vec<_> = (0..24).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 24]);
}

#[test]
fn parallel_guesses_do_not_get_past_the_limit_of_failures() {
    let world = World::with(|config| config.rates.login_failures = rate(5, 900));
    let ann = world.user("ann");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let guess = || served(|| ann.log_in("wrong password")).status;
        let threads: Vec<_> = (0..40).map(|_| scope.spawn(guess)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let guessed = statuses.iter().filter(|status| **status == 401).count();
    // Where a busy machine's Redis does not answer in time, as many again are counted here.
    assert!((5..=10).contains(&guessed), "{statuses:?}");
    ann.log_in(PASSWORD).expect(429);
}

/// An account has many app passwords, and each has counters of its own.
#[test]
fn no_account_gets_round_the_limit_of_imports() {
    let world = World::with(defaults);
    let ann = world.user("ann");
    let phones = ["one", "two"].map(|_| ann.app_password("write"));
    let path = "/api/contacts/import?dry_run=true";
    let import = |by: &Actor| by.send("POST", path, &[("Content-Type", "text/csv")], b"");
    let [one, two] = phones.map(|secret| ann.with_basic("ann", &secret));
    for by in [&one, &two, &one, &two, &one, &two, &ann, &ann, &ann, &two] {
        import(by).expect(200);
    }
    for by in [&one, &two, &ann] {
        import(by).expect(429);
    }
    // Others are not touched, and neither is anything else of hers.
    import(&world.user("bob")).expect(200);
    two.get("/api/contacts").expect(200);
}

#[test]
fn a_mailbox_gets_three_an_hour_and_the_answer_never_changes() {
    let world = World::with(|config| config.rates.mailbox = rate(3, 3_600));
    let ann = world.user("ann");
    let ask = |path: &str, email: &str| {
        let body = world.nobody().post(path, json!({ "email": email })).expect(202).body;
        // Sent before the next one is asked for, which would make it needless.
        worker::deliver_due(&world.app).unwrap();
        body
    };
    let reset = "/api/auth/request-password-reset";
    let first = ask(reset, "ann@example.com");
    for email in ["ANN@example.com", " ann@example.com", "Ann@Example.com", "ann@example.com"] {
        assert_eq!(ask(reset, email), first);
    }
    assert_eq!(world.mails_to("ann@example.com").len(), 3);
    // The last link that came goes on working.
    let token = world.link_token("ann@example.com");
    world.nobody().get(&format!("/api/auth/reset-password/{token}")).expect(200);
    // Registration's own mail does not count, the two requests do, together.
    let bob = json!({"username": "bob", "email": "bob@example.com", "password": PASSWORD});
    world.nobody().post("/api/auth/register", bob).expect(201);
    for path in [reset, "/api/auth/request_email", reset, "/api/auth/request_email", reset] {
        ask(path, "bob@example.com");
    }
    assert_eq!(world.mails_to("bob@example.com").len(), 4);
    // Nor can a user fill a stranger's mailbox.
    for _ in 0..5 {
        let body = json!({"email": "eve@example.com", "password": PASSWORD});
        ann.post("/api/users/me/email", body).expect(202);
        // Sent at once, before the next wish takes it back.
        world.mails_to("eve@example.com");
    }
    assert_eq!(world.mails_to("eve@example.com").len(), 3);
}

#[test]
fn what_sends_no_mail_leaves_the_owners_mails_alone() {
    let world = World::with(|config| config.rates.mailbox = rate(3, 3_600));
    let (_ann, bob) = (world.user("ann"), world.user("bob"));
    let ask = |path: &str| {
        world.nobody().post(path, json!({"email": "ann@example.com"})).expect(202);
        worker::deliver_due(&world.app).unwrap();
    };
    for _ in 0..4 {
        ask("/api/auth/request_email"); // she is confirmed
        let body = json!({"email": "ann@example.com", "password": PASSWORD});
        bob.post("/api/users/me/email", body).expect(202); // it is another's
        worker::deliver_due(&world.app).unwrap();
    }
    assert_eq!(world.mails_to("ann@example.com").len(), 0);
    ask("/api/auth/request-password-reset");
    assert_eq!(world.mails_to("ann@example.com").len(), 1);
}

#[test]
fn new_addresses_are_as_few_as_other_mails() {
    let world = World::with(|config| config.rates.mail = rate(2, 3_600));
    let ann = world.user("ann");
    let mut number = 0;
    let passed = until_429(|| {
        number += 1;
        let body = json!({"email": format!("eve+{number}@example.com"), "password": PASSWORD});
        ann.post("/api/users/me/email", body)
    });
    assert_eq!(passed, 2);
}

/// While it is not known whose request it is, it takes nothing from an account that may be another's.
#[test]
fn a_dead_session_takes_no_check_of_a_password_from_its_owner() {
    let world = World::with(|config| {
        config.rates.password = rate(1, 60);
        config.redis_url = None;
    });
    let ann = world.user("ann");
    let thief = ann.signed_in();
    thief.post("/api/auth/logout", json!({})).expect(204);
    let body = json!({"current_password": "x", "new_password": PASSWORD}).to_string();
    let json = [("Content-Type", "application/json")];
    let owner = || {
        ann.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(201);
    };
    let path = "/api/users/me/password";
    assert_eq!(thief.send_while("POST", path, &json, body.as_bytes(), owner).status, 401);
    ann.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(429);
}

#[test]
fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
    let world = World::with(|config| {
        config.rates.default = rate(1, 60);
        config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    });
    let get = |peer: [u8; 4], forwarded: &str| {
        let headers = [("X-Forwarded-For", forwarded)];
        world.nobody().at(peer).send("GET", "/", &headers, b"").status
    };
    // Not from a proxy: the header is air, however it changes.
    assert_eq!(get([192, 0, 2, 1], "1.1.1.1"), 200);
    assert_eq!(get([192, 0, 2, 1], "1.1.1.2"), 429);
    assert_eq!(get([192, 0, 2, 1], "10.1.1.1"), 429);
    // From a proxy: the last address that is no proxy's.
    assert_eq!(get([10, 0, 0, 1], "2.2.2.2"), 200);
    assert_eq!(get([10, 0, 0, 2], "2.2.2.2"), 429);
    assert_eq!(get([10, 0, 0, 1], "6.6.6.6, 2.2.2.2"), 429);
    assert_eq!(get([10, 0, 0, 1], "6.6.6.6, 2.2.2.2, 10.9.9.9"), 429);
    assert_eq!(get([10, 0, 0, 1], "3.3.3.3:4711"), 200);
    assert_eq!(get([10, 0, 0, 1], "3.3.3.3"), 429);
    assert_eq!(get([10, 0, 0, 1], "::ffff:3.3.3.3"), 429);
    assert_eq!(get([10, 0, 0, 1], "5.5.5.5, junk"), 200, "stands for the proxy itself");
    assert_eq!(get([10, 0, 0, 1], ""), 429);
    assert_eq!(get([10, 0, 0, 1], "7.7.7.7, junk"), 429);
    // One customer's IPv6 network is one.
    assert_eq!(get([10, 0, 0, 1], "2001:db8:1:2::1"), 200);
    assert_eq!(get([10, 0, 0, 1], "2001:db8:1:2:ffff::9"), 429);
    assert_eq!(get([10, 0, 0, 1], "2001:db8:1:3::1"), 200);
}

#[test]
fn the_address_behind_a_proxy_is_the_one_in_sessions_and_events() {
    let world = World::with(|config| config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]);
    let root = world.admin("root");
    let body = json!({"username": "root", "password": PASSWORD}).to_string();
    let headers =
        [("Content-Type", "application/json"), ("X-Forwarded-For", "6.6.6.6, 203.0.113.5")];
    let proxy = world.nobody().at([10, 0, 0, 1]);
    proxy.send("POST", "/api/auth/login", &headers, body.as_bytes()).expect(200);
    assert_eq!(root.get("/api/users/me/sessions").json()[0]["ip"], "203.0.113.5");
    assert_eq!(root.get("/api/audit-events").json()[0]["ip"], "203.0.113.5");
}

#[test]
fn exempt_networks_are_exempt_from_every_limit() {
    let world = World::with(|config| {
        let rates = &mut config.rates;
        for one in [
            &mut rates.login,
            &mut rates.login_failures,
            &mut rates.register,
            &mut rates.mail,
            &mut rates.mailbox,
            &mut rates.me,
            &mut rates.default,
        ] {
            *one = rate(1, 3_600);
        }
        config.rate_limit_exempt = vec!["127.0.0.0/8".parse().unwrap()];
        config.trusted_proxies = vec!["10.0.0.1/32".parse().unwrap()];
    });
    let ann = world.user("ann");
    for number in 0..5 {
        assert_eq!(ann.get("/api/users/me").expect(200).header("RateLimit-Limit"), "");
        ann.get("/api/contacts").expect(200);
        ann.log_in("wrong password").expect(401);
        ann.post("/api/auth/request-password-reset", json!({"email": "ann@example.com"}))
            .expect(202);
        worker::deliver_due(&world.app).unwrap();
        let body = json!({"username": format!("u{number}"), "email": "b", "password": ""});
        ann.post("/api/auth/register", body).expect(422);
    }
    assert_eq!(world.mails_to("ann@example.com").len(), 5);
    ann.log_in(PASSWORD).expect(200);
    // Elsewhere they hold, also for who only says to be exempt.
    let away = ann.at([192, 0, 2, 1]);
    away.get("/api/users/me").expect(200);
    away.get("/api/users/me").expect(429);
    let forged = [("X-Forwarded-For", "127.0.0.1")];
    away.send("GET", "/api/users/me", &forged, b"").expect(429);
}

#[test]
fn replicas_share_their_counters() {
    let world = World::with(|config| config.rates.me = rate(10, 60));
    let there = world.replica();
    let ann = world.user("ann");
    let elsewhere = Actor { app: there.app.clone(), ..ann.clone() };
    for _ in 0..5 {
        ann.get("/api/users/me").expect(200);
        elsewhere.get("/api/users/me").expect(200);
    }
    ann.get("/api/users/me").expect(429);
    elsewhere.get("/api/users/me").expect(429);
}

#[test]
fn limits_hold_without_redis_and_nothing_becomes_an_error() {
    let mut server = RedisServer::start();
    let world = World::with(|config| {
        defaults(config);
        config.redis_url = Some(Secret::new(server.url()));
    });
    let ann = world.user("ann");
    ann.get("/api/users/me").expect(200);
    server.kill();
    assert_eq!(until_429(|| ann.get("/api/users/me")), 60);
    assert_eq!(world.nobody().get("/readyz").expect(200).json()["redis"], "down");
    // Writers go on too, and what they change counts at once.
    ann.patch("/api/users/me", json!({"username": "ann2"})).expect(200);
    assert_eq!(ann.get("/api/users/me/sessions").expect(200).header("RateLimit-Limit"), "600");
    for _ in 0..5 {
        Actor { name: "ann2".to_owned(), ..ann.clone() }.log_in("wrong password").expect(401);
    }
    Actor { name: "ann2".to_owned(), ..ann.clone() }.log_in(PASSWORD).expect(429);
    let ask = || world.nobody().post("/api/auth/request_email", json!({"email": "x@example.com"}));
    assert_eq!(until_429(ask), 5);
}
