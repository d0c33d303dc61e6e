//! What holds for every page: it is there for its visitor, it changes nothing without the token, it
//! shows no user what is another's.

use crate::browser::{Browser, ORIGIN, contact_id};
use contactd::routes::{Gate, ROUTES, Route};
use support::world::World;

fn pages(verb: &str) -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(move |route| matches!(route.gate, Gate::Visitor(_)) && route.verb == verb)
}

const PLANTED: &str = "Planted-9f31c7";

#[test]
fn every_page_is_there_for_its_visitor_and_sends_strangers_to_the_sign_in_page() {
    let world = World::new();
    world.admin("ann");
    let ann = Browser::signed_in(&world, "ann");
    let id = contact_id(&ann.post("/contacts/new", &[("first_name", "Bob")]).expect(303));
    let stranger = Browser::new(&world);
    // Where there is none, a browser is told so by a page.
    let page = ann.get("/nowhere").expect(404);
    assert!(page.header("Content-Type").starts_with("text/html"), "{}", page.text());
    let mut count = 0;
    for route in pages("GET") {
        let path = route.path.replace("{id}", &id.to_string()).replace("rewind", "rewind?to=0");
        let answer = ann.get(&path);
        assert!(
            [200, 303, 404].contains(&answer.status),
            "{}: {} {}",
            answer.asked,
            answer.status,
            answer.text()
        );
        let no_photo = path.ends_with("/photo");
        assert_eq!(answer.status == 404, no_photo, "{path}");
        if answer.header("Content-Type").starts_with("text/html") {
            count += 1;
            let policy = answer.header("Content-Security-Policy");
            assert!(
                policy.contains("default-src 'none'") && !policy.contains("unsafe"),
                "{path}: {policy}"
            );
            assert_eq!(answer.header("X-Frame-Options"), "DENY");
            assert_eq!(answer.header("Cache-Control"), "no-store");
        }
        let answer = stranger.get(&path);
        assert!([200, 303].contains(&answer.status), "{path}: {}", answer.status);
        assert!(!answer.text().contains("Bob"), "{path}");
    }
    assert!(count > 15, "only {count} pages");
}

#[test]
fn the_address_of_every_form_leads_to_a_page_when_it_is_asked_for() {
    let world = World::new();
    world.admin("ann");
    let ann = Browser::signed_in(&world, "ann");
    let id = contact_id(&ann.post("/contacts/new", &[("first_name", "Bob")]).expect(303));
    let known: Vec<_> = pages("GET").map(|route| route.path).collect();
    for route in pages("POST").filter(|route| !known.contains(&route.path)) {
        let path = route.path.replace("{id}", &id.to_string());
        let page = ann.get(&path).expect(303).header("Location").to_owned();
        assert!(path.starts_with(&page), "{path}: {page}");
        let status = ann.get(&page).status;
        assert!([200, 303].contains(&status), "{path}: {page} is {status}");
    }
    ann.get("/settings/email").expect(303);
    assert_eq!(ann.get("/settings/sessions/end").header("Location"), "/settings");
}

/// Everything that is stored.
fn everything(world: &World) -> String {
    ["users", "sessions", "contacts", "address_books", "history", "app_passwords", "uploads"]
        .map(|table| -> String {
            let sql =
                format!("SELECT coalesce(json_agg(t ORDER BY t::text)::text, '') FROM {table} t");
            world.app.db.read(|db| Ok(db.query_one(&sql, &[])?.get(0))).unwrap()
        })
        .concat()
}

#[test]
fn no_form_changes_anything_without_the_token_of_a_session_that_is_alive() {
    let world = World::new();
    let admin = world.admin("ann");
    let bob = world.user("bob");
    let (ann, bobs) = (Browser::signed_in(&world, "ann"), Browser::signed_in(&world, "bob"));
    let id = contact_id(&ann.post("/contacts/new", &[("first_name", PLANTED)]).expect(303));
    let (token, foreign) = (ann.token(), bobs.token());
    let dead = Browser::signed_in(&world, "ann");
    let dead_token = dead.token();
    dead.post("/logout", &[]).expect(303);
    let before = everything(&world);
    let open = ["/login", "/login/code", "/register", "/forgot", "/confirmation"];
    let mut tried = 0;
    for route in pages("POST").filter(|route| !open.contains(&route.path)) {
        let path = route
            .path
            .replace("{id}", &id.to_string())
            .replace("users/1", &format!("users/{}", bob.id));
        let ids = id.to_string();
        let fields = [
            ("ids", ids.as_str()),
            ("keep", &ids),
            ("action", "delete"),
            ("sure", "1"),
            ("to", "0"),
            ("confirm", "1"),
            ("id", "1"),
            ("batch", &ids),
            ("username", "eve"),
            ("first_name", "Eve"),
        ];
        let with =
            |token: &'static str| [("csrf", token)].into_iter().chain(fields).collect::<Vec<_>>();
        let own = [("Origin", ORIGIN)];
        ann.post_raw(&path, &fields, &own).expect(403);
        ann.post_raw(&path, &with("made-up"), &own).expect(403);
        let token: &'static str = token.clone().leak();
        ann.post_raw(&path, &with(token), &[("Origin", "https://evil.example")]).expect(403);
        ann.post_raw(&path, &with(token), &[("Origin", ORIGIN), ("Sec-Fetch-Site", "cross-site")])
            .expect(403);
        ann.post_raw(&path, &with(foreign.clone().leak()), &own).expect(403);
        dead.post_raw(&path, &with(dead_token.clone().leak()), &own).expect(403);
        Browser::new(&world).post_raw(&path, &with(token), &own).expect(403);
        tried += 1;
    }
    assert!(tried > 25, "only {tried} forms");
    assert_eq!(everything(&world), before);
    let _ = admin;
}

#[test]
fn who_is_not_signed_in_sends_nothing_long() {
    let world = World::new();
    let stranger = Browser::new(&world);
    let long = vec![b'x'; 17 * 1024];
    for path in ["/import", "/contacts/new", "/settings/avatar", "/register"] {
        assert!(
            [403, 413].contains(&stranger.post_file(path, &[], "file", &long).status),
            "{path}"
        );
    }
}

#[test]
fn nobody_sees_or_changes_the_contacts_of_another() {
    let world = World::new();
    world.user("ann");
    world.admin("eve");
    let (ann, eve) = (Browser::signed_in(&world, "ann"), Browser::signed_in(&world, "eve"));
    let id = contact_id(
        &ann.post(
            "/contacts/new",
            &[("first_name", PLANTED), ("labels", PLANTED), ("birthday", "1990-11-23")],
        )
        .expect(303),
    );
    let deleted = contact_id(&ann.post("/contacts/new", &[("first_name", PLANTED)]).expect(303));
    ann.post(&format!("/contacts/{deleted}/delete"), &[]).expect(303);
    for route in pages("GET") {
        for id in [id, deleted] {
            let answer = eve.get(&route.path.replace("{id}", &id.to_string()));
            assert!(!answer.text().contains(PLANTED), "{}", answer.asked);
            if route.path.starts_with("/contacts/{id}") {
                answer.expect(404);
            }
        }
    }
    let listed = id.to_string();
    for path in [
        format!("/contacts/{id}/edit"),
        format!("/contacts/{id}/delete"),
        format!("/contacts/{id}/revert"),
    ] {
        let answer = eve.post(&path, &[("first_name", "Eve"), ("revision", "1")]);
        assert!([404, 422].contains(&answer.status), "{}: {}", answer.asked, answer.status);
    }
    eve.post("/contacts/bulk", &[("action", "delete"), ("ids", &listed)]).expect(303);
    let restored = deleted.to_string();
    eve.post("/trash/restore", &[("one", &restored)]).expect(303);
    assert!(ann.get(&format!("/contacts/{id}")).expect(200).text().contains(PLANTED));
    ann.get(&format!("/contacts/{deleted}")).expect(404);
}

#[test]
fn plain_users_have_no_pages_of_admins() {
    let world = World::new();
    world.user("bob");
    let bob = Browser::signed_in(&world, "bob");
    for path in ["/admin", "/admin/events"] {
        bob.get(path).expect(403);
    }
    bob.post("/admin/users/1", &[("action", "admin")]).expect(403);
    bob.post_file("/settings/avatar", &[], "file", b"x").expect(403);
}
