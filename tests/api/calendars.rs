//! The birthday calendar at a secret address.

use crate::world::{Actor, World};
use serde_json::json;

fn new_address(who: &Actor) -> String {
    let made = who.send("POST", "/api/contacts/calendar-url", &[], b"").expect(201);
    assert_eq!(made.header("Cache-Control"), "no-store");
    let url = made.json()["url"].as_str().unwrap().to_owned();
    url.strip_prefix("https://contacts.example").unwrap().to_owned()
}

fn book(world: &World) -> Actor {
    let ann = world.user("ann");
    for (name, birthday) in [("Bob", "1990-04-12"), ("Leap", "2000-02-29"), ("Old", "1950-01-01")] {
        ann.post("/api/contacts", json!({"first_name": name, "birthday": birthday})).expect(201);
    }
    ann.post("/api/contacts", json!({"first_name": "Nobody knows"})).expect(201);
    ann
}

#[test]
fn it_has_one_yearly_event_a_birthday() {
    let world = World::new();
    let ann = book(&world);
    let address = new_address(&ann);
    let calendar = world.nobody().get(&address).expect(200);
    assert_eq!(calendar.header("Content-Type"), "text/calendar; charset=utf-8");
    assert_eq!(calendar.header("Cache-Control"), "no-store");
    assert_eq!(calendar.header("X-Robots-Tag"), "noindex");
    let text = calendar.text();
    assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.ends_with("END:VCALENDAR\r\n"));
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 3);
    assert_eq!(text.matches("RRULE:FREQ=YEARLY").count(), 3);
    assert_eq!(text.matches("TRANSP:TRANSPARENT").count(), 3);
    assert!(text.contains("DTSTART;VALUE=DATE:19900412\r\n"));
    assert!(text.contains("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1\r\n"));
    assert!(!text.contains("Nobody knows"));
    world.nobody().get(&format!("{address}/")).expect(200);
    world.nobody().send("HEAD", &address, &[], b"").expect(200);
}

#[test]
fn who_asks_again_hears_whether_anything_changed() {
    let world = World::new();
    let ann = book(&world);
    let address = new_address(&ann);
    let nobody = world.nobody();
    let tag = nobody.get(&address).expect(200).header("ETag").to_owned();
    let same = nobody.send("GET", &address, &[("If-None-Match", &tag)], b"").expect(304);
    assert_eq!(same.header("ETag"), tag);
    assert_eq!(same.header("Cache-Control"), "no-store");
    assert!(same.body.is_empty());
    let id = ann.get("/api/contacts?search=bob").json()[0]["id"].to_string();
    ann.delete(&format!("/api/contacts/{id}")).expect(204);
    let changed = nobody.send("GET", &address, &[("If-None-Match", &tag)], b"").expect(200);
    assert!(!changed.text().contains("Bob"));
    assert_ne!(changed.header("ETag"), tag);
}

#[test]
fn a_new_address_or_none_ends_the_old_one() {
    let world = World::new();
    let ann = book(&world);
    let first = new_address(&ann);
    let second = new_address(&ann);
    assert_ne!(first, second);
    world.nobody().get(&first).expect(404);
    world.nobody().get(&second).expect(200);
    for _ in 0..2 {
        ann.delete("/api/contacts/calendar-url").expect(204);
        world.nobody().get(&second).expect(404);
    }
    let secret = second.trim_start_matches("/calendars/").trim_end_matches(".ics");
    for wrong in ["/calendars/.ics", "/calendars/x.ics", "/calendars/%00.ics", "/calendars/"] {
        world.nobody().get(wrong).expect(404);
    }
    world.nobody().get(&format!("/calendars/{secret}")).expect(404);
    assert!(world.sql::<bool>("SELECT count(*) = 0 FROM calendars"));
}

#[test]
fn an_address_that_is_made_while_its_maker_is_thrown_out_is_none() {
    let world = World::new();
    let root = world.admin("root");
    let (ann, bob, cid) = (world.user("ann"), world.user("bob"), world.user("cid"));
    let script = Actor { token: Some(cid.app_password("write")), ..cid.clone() };
    let set = |who: &Actor, active: bool| {
        root.patch(&format!("/api/users/{}", who.id), json!({ "is_active": active })).expect(200);
    };
    let endings: [(&Actor, &dyn Fn()); 3] = [
        (&ann, &|| {
            ann.send("POST", "/api/auth/logout-all", &[], b"").expect(204);
        }),
        (&bob, &|| set(&bob, false)),
        (&script, &|| set(&cid, false)),
    ];
    for (maker, end) in endings {
        maker.get("/api/contacts").expect(200);
        // The request was let in, and waits for its turn.
        let path = "/api/contacts/calendar-url";
        maker.send_while("POST", path, &[], b"", end).expect(401);
    }
    set(&bob, true);
    set(&cid, true);
    script.get("/api/contacts").expect(200);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM calendars"), 0);
}

#[test]
fn while_the_account_is_disabled_there_is_none() {
    let world = World::new();
    let (ann, admin) = (book(&world), world.admin("root"));
    let address = new_address(&ann);
    let path = format!("/api/users/{}", ann.id);
    admin.patch(&path, json!({"is_active": false})).expect(200);
    world.nobody().get(&address).expect(404);
    admin.patch(&path, json!({"is_active": true})).expect(200);
    // Enabling does not bring it back.
    world.nobody().get(&address).expect(404);
    let address = new_address(&ann.signed_in());
    world.nobody().get(&address).expect(200);
    admin.delete(&path).expect(204);
    world.nobody().get(&address).expect(404);
}

#[test]
fn it_is_limited_like_everything_else() {
    let world = World::with(|config| {
        config.rates.default = Some(contactd::config::Rate { count: 3, seconds: 60 });
    });
    let nobody = world.nobody().at([203, 0, 113, 9]);
    for _ in 0..3 {
        nobody.get("/calendars/guess.ics").expect(404);
    }
    assert_ne!(nobody.get("/calendars/guess.ics").expect(429).header("Retry-After"), "");
}
