//! What an attacker with a proxy between browser and server sends: every page and every form, with values
//! that no browser makes.

use crate::browser::{Browser, ORIGIN, contact_id};
use contactd::routes::{Gate, ROUTES, Route};
use support::world::{PASSWORD, World};

fn pages(verb: &str) -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(move |route| matches!(route.gate, Gate::Visitor(_)) && route.verb == verb)
}

/// Text that stores, headers, logs or pages could stumble over.
fn values() -> Vec<String> {
    let plain = [
        "\0",
        "a\0b",
        "\u{1b}[2J",
        "a\r\nSet-Cookie: planted=1",
        "<script>planted()</script>",
        "\"'><img src=x onerror=planted()>",
        "{\"a\":",
        "-1",
        "9223372036854775807",
        "99999999999999999999",
        "\u{FEFF}\u{202E}\u{FFFF}",
        "%00",
        "' OR 1=1 --",
    ];
    let long = "x".repeat(12_000);
    plain.into_iter().map(str::to_owned).chain([long]).collect()
}

/// Fields that hold text of any kind, and those that choose what is done.
const FREE: [&str; 30] = [
    "username",
    "email",
    "password",
    "current_password",
    "new_password",
    "code",
    "ticket",
    "next",
    "name",
    "label",
    "label_shown",
    "search",
    "first_name",
    "additional_data",
    "labels",
    "emails.0.value",
    "phones.0.value",
    "birthday",
    "uri",
    "secret",
    "id",
    "revision",
    "to",
    "key",
    "map.0",
    "existing",
    "language",
    "scope",
    "keep",
    "photo_was",
];

#[test]
fn no_form_makes_the_server_fail_whatever_stands_in_it() {
    let world = World::new();
    world.admin("ann");
    let mut browser = Browser::signed_in(&world, "ann");
    let (mut id, mut token) = (String::new(), String::new());
    for value in values() {
        for route in pages("POST") {
            for action in ["delete", "add_label", "merge", "export", "reset-totp"] {
                if action != "delete"
                    && !["/contacts/bulk", "/admin/users/{id}"].contains(&route.path)
                {
                    continue;
                }
                // Some forms end the session or the contact.
                if browser.get("/settings").status != 200 || id.is_empty() {
                    browser = Browser::signed_in(&world, "ann");
                    token = browser.token();
                    id = contact_id(&browser.post("/contacts/new", &[("first_name", "Bob")]))
                        .to_string();
                }
                let mut fields = vec![("csrf", token.as_str()), ("action", action), ("all", "1")];
                fields.extend(FREE.map(|name| match (name, route.path) {
                    // Some values are names that an account may have.
                    ("username", "/settings/profile") => (name, "ann"),
                    _ => (name, value.as_str()),
                }));
                let path = route.path.replace("{id}", &id);
                let answer = browser.post_raw(&path, &fields, &[("Origin", ORIGIN)]);
                assert!(answer.status < 500, "{} {value:.20?}: {}", answer.asked, answer.text());
                let headers = format!("{:?}", answer.headers);
                assert!(!headers.contains("planted=1\""), "{} {headers}", answer.asked);
                for planted in ["<script>planted", "<img src=x"] {
                    assert!(!answer.text().contains(planted), "{} {value:.20}", answer.asked);
                }
            }
        }
    }
}

#[test]
fn no_page_fails_whatever_is_asked_for() {
    let world = World::new();
    world.admin("ann");
    let browser = Browser::signed_in(&world, "ann");
    let id = contact_id(&browser.post("/contacts/new", &[("first_name", "Bob")]).expect(303))
        .to_string();
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    for value in values() {
        let value: String = value.chars().take(400).collect();
        let names = [
            "search", "label", "sort", "cursor", "then", "to", "ids", "skip", "limit", "next",
            "lang", "role", "user_id", "action", "format", "days", "key", "after", "before",
            "from",
        ];
        // Together; and alone those of which one fault could hide another's.
        let all = names.map(|name| format!("{name}={}", encode(&value))).join("&");
        let alone = ["search", "cursor", "ids", "to", "after", "before", "then"]
            .map(|name| format!("{name}={}", encode(&value)));
        for query in [all].iter().chain(&alone) {
            for route in pages("GET") {
                let answer = browser.get(&format!("{}?{query}", route.path.replace("{id}", &id)));
                assert!(answer.status < 500, "{}: {}", answer.asked, answer.text());
                for planted in ["<script>planted", "<img src=x"] {
                    assert!(!answer.text().contains(planted), "{}", answer.asked);
                }
            }
        }
        for name in ["__Host-flash", "__Host-lang", "__Host-zone", "__Host-contactd"] {
            let stranger = Browser::new(&world);
            stranger.set_cookie(name, &encode(&value));
            assert!(stranger.get("/login").status < 500, "{name} {value}");
        }
    }
}

#[test]
fn looking_at_a_file_again_and_again_is_limited_for_the_account() {
    let limit = Some(contactd::config::Rate { count: 1, seconds: 60 });
    let world = World::with(|config| config.rates.import = limit);
    world.user("ann");
    let browsers = [Browser::signed_in(&world, "ann"), Browser::signed_in(&world, "ann")];
    let card = b"BEGIN:VCARD\r\nFN:Bob\r\nEND:VCARD\r\n";
    browsers[0].post_file("/import", &[], "file", card).expect(303);
    let looks = (0..20).map(|at: usize| browsers[at % 2].get("/import/found").text());
    assert_eq!(looks.filter(|page| page.contains("Bob")).count(), 10);
}

#[test]
fn a_file_that_waits_takes_no_room_from_the_book_and_goes_after_an_hour() {
    let world = World::with(|config| config.max_storage = 20_000);
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let file = |size: usize| {
        let card = "BEGIN:VCARD\r\nFN:Bob\r\nEND:VCARD\r\n";
        card.repeat(size / card.len()).into_bytes()
    };
    let kept = || {
        world.sql::<i64>("SELECT coalesce(sum(length(content)), 0)::bigint FROM uploads") as usize
    };
    for size in [15_000, 25_000] {
        browser.post_file("/import", &[], "file", &file(size)).expect(303);
        assert_eq!(kept(), file(size).len(), "the newest, and no other");
    }
    let note = "x".repeat(15_000);
    let contact = serde_json::json!({"first_name": "A", "additional_data": note});
    ann.post("/api/contacts", contact).expect(201);
    // What the book has already needs no room, as by REST.
    let export = ann.get("/api/contacts/export").expect(200).body;
    ann.send("POST", "/api/contacts/import", &[("Content-Type", "text/vcard")], &export)
        .expect(200);
    browser.post_file("/import", &[], "file", &export).expect(303);
    assert_eq!(kept(), export.len());
    let new = String::from_utf8(export.clone()).unwrap().replace("UID:", "UID:x").into_bytes();
    let page = browser.post_file("/import", &[], "file", &new).expect(422).text();
    assert!(page.contains("may take at most 0 MiB"), "{page}");
    assert_eq!(kept(), export.len(), "what was refused replaces nothing");
    browser.post_file("/import", &[], "file", &file(5_000)).expect(303);
    world.pass(chrono::Duration::minutes(59));
    contactd::worker::purge(&world.app).unwrap();
    assert_eq!(kept(), file(5_000).len());
    world.pass(chrono::Duration::minutes(1));
    contactd::worker::purge(&world.app).unwrap();
    assert_eq!(kept(), 0);
}

#[test]
fn nothing_in_the_way_on_leads_a_browser_elsewhere() {
    let world = World::new();
    world.user("ann");
    // What a browser leaves out of an address (WHATWG URL, 4.4: tabs and line breaks; and C0 controls and
    // spaces before it), and how it reads backslashes.
    for next in [
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "/\\evil.example",
        "/\t\\evil.example",
        "\t//evil.example",
        " //evil.example",
        "//evil.example",
        "///evil.example",
        "https://evil.example",
        "/\u{b}/evil.example",
        "javascript:alert(1)",
        "/.//evil.example",
        "/a/..//evil.example",
    ] {
        let browser = Browser::new(&world);
        let form = [("username", "ann"), ("password", PASSWORD), ("next", next)];
        let answer = browser.post_raw("/login", &form, &[("Origin", ORIGIN)]).expect(303);
        let to = answer.header("Location");
        let joined = url::Url::parse(ORIGIN).unwrap().join(to).unwrap();
        assert_eq!(joined.origin().ascii_serialization(), ORIGIN, "{next:?} leads to {joined}");
        assert!(!to.contains(char::is_control), "{next:?}: {to:?}");
    }
}
