//! Nobody, an admin included, reaches another owner's contact by any call.

use crate::world::{Actor, World};
use base64::Engine;
use serde_json::json;

/// In every text of Ann's that could show up somewhere.
const PLANTED: &str = "planted7351";

/// Ann's book: a contact with a picture and history, one in the trash, a label, a group, a calendar. The paths of the two contacts,
/// and of the calendar.
fn plant(ann: &Actor) -> [String; 3] {
    let contact = |name: &str| {
        json!({
            "first_name": format!("{name} {PLANTED}"), "last_name": PLANTED, "phone": "7351735173",
            "email": format!("{PLANTED}@example.com"), "birthday": "1990-11-23",
            "additional_data": PLANTED, "labels": [PLANTED],
        })
    };
    let live = ann.post("/api/contacts", contact("a")).expect(201).header("Location").to_owned();
    let dead = ann.post("/api/contacts", contact("b")).expect(201).header("Location").to_owned();
    ann.delete(&dead).expect(204);
    let card = format!("BEGIN:VCARD\nVERSION:3.0\nUID:{PLANTED}\nN:;c\nX-A:{PLANTED}\nEND:VCARD\n");
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, card.as_bytes()).expect(200);
    // History, and a picture.
    ann.patch(&live, json!({"nickname": PLANTED})).expect(200);
    let pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    let pixel = base64::engine::general_purpose::STANDARD.decode(pixel).unwrap();
    ann.send("PUT", &format!("{live}/photo"), &[("Content-Type", "image/png")], &pixel).expect(200);
    // A phone's group.
    let phone = ann.with_basic(&ann.name, &ann.app_password("carddav"));
    let group = format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:g-{PLANTED}\r\nN:{PLANTED};;;;\r\nFN:{PLANTED}\r\n\
        X-ADDRESSBOOKSERVER-KIND:group\r\nX-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{PLANTED}\r\nEND:VCARD\r\n"
    );
    let path = format!("/dav/addressbooks/{}/contacts/g-{PLANTED}.vcf", ann.id);
    phone.send("PUT", &path, &[("Content-Type", "text/vcard")], group.as_bytes()).expect(201);
    let url = ann.send("POST", "/api/contacts/calendar-url", &[], b"").expect(201).json();
    let url = url["url"].as_str().unwrap().replace("https://contacts.example", "");
    [live, dead, url]
}

/// Everything that is stored of Ann's, as one text.
fn state(world: &World) -> String {
    world.sql(
        "SELECT (SELECT jsonb_agg(c ORDER BY c.id) FROM contacts c JOIN users u ON u.id = owner
            WHERE username = 'ann')::text
        || (SELECT jsonb_agg(b) FROM address_books b JOIN users u ON u.id = owner
            WHERE username = 'ann')::text
        || (SELECT jsonb_agg(h ORDER BY h.revision) FROM history h JOIN users u ON u.id = owner
            WHERE username = 'ann')::text",
    )
}

#[test]
fn a_stranger_and_an_admin_see_and_harm_nothing() {
    let world = World::new();
    let ann = world.user("ann");
    let [live, dead, _] = plant(&ann);
    let before = state(&world);
    let tag = ann.get(&live).header("ETag").to_owned();
    let page = ann.get("/api/contacts?limit=1").expect(200);
    let cursor =
        page.header("Link").split("cursor=").nth(1).unwrap().split('>').next().unwrap().to_owned();
    for stranger in [world.user("bob"), world.admin("root"), world.nobody()] {
        let signed_in = stranger.token.is_some();
        stranger.post("/api/contacts", json!({"first_name": "own"}));
        let no = if signed_in { 404 } else { 401 };
        for path in [&live, &dead] {
            stranger.get(path).expect(no);
            stranger.put(path, json!({"first_name": "harm"})).expect(no);
            stranger.patch(path, json!({"first_name": "harm"})).expect(no);
            stranger.delete(path).expect(no);
            stranger.send("POST", &format!("{path}/restore"), &[], b"").expect(no);
            for more in ["photo", "history"] {
                stranger.get(&format!("{path}/{more}")).expect(no);
            }
            stranger.delete(&format!("{path}/photo")).expect(no);
            stranger.post(&format!("{path}/revert"), json!({"revision": 3})).expect(no);
            for header in ["If-Match", "If-None-Match"] {
                let headers = [(header, tag.as_str()), ("Content-Type", "application/json")];
                stranger.send("GET", path, &headers, b"").expect(no);
                stranger.send("PATCH", path, &headers, b"{}").expect(no);
                stranger.send("DELETE", path, &[(header, "*")], b"").expect(no);
            }
        }
        let ids: Vec<i64> =
            [&live, &dead].map(|path| path.rsplit('/').next().unwrap().parse().unwrap()).into();
        for action in ["delete", "restore"] {
            stranger.post("/api/contacts/bulk", json!({"action": action, "ids": ids}));
        }
        let labelled = json!({"action": "remove_label", "label": PLANTED, "ids": ids});
        stranger.post("/api/contacts/bulk", labelled);
        stranger.patch("/api/contacts/labels", json!({"from": PLANTED, "to": "harm"}));
        stranger.post("/api/contacts/rewind", json!({"to": 0}));
        for path in [
            "/api/contacts?limit=100".to_owned(),
            format!("/api/contacts?limit=1&cursor={cursor}"),
            format!("/api/contacts?search={PLANTED}"),
            format!("/api/contacts?first_name={PLANTED}"),
            format!("/api/contacts?last_name={PLANTED}"),
            format!("/api/contacts?email={PLANTED}"),
            "/api/contacts?phone=7351".to_owned(),
            format!("/api/contacts?label={PLANTED}"),
            "/api/contacts?updated_since=2000-01-01T00:00:00Z&sort=-updated_at".to_owned(),
            format!("/api/contacts?search={PLANTED}&skip=10"),
            "/api/contacts/trash".to_owned(),
            "/api/contacts/labels".to_owned(),
            "/api/contacts/changes".to_owned(),
            format!("/api/contacts?organization={PLANTED}"),
            format!("/api/contacts/export?label={PLANTED}"),
            "/api/contacts/birthdays?days=366".to_owned(),
            "/api/contacts/export".to_owned(),
            "/api/contacts/export?format=csv".to_owned(),
            "/api/contacts/export?format=json".to_owned(),
            "/api/users/me/export".to_owned(),
            format!("/api/users?search={PLANTED}"),
            "/api/audit-events".to_owned(),
        ] {
            let answer = stranger.get(&path);
            let text = answer.text().replace(&path, "");
            assert!(!text.contains(PLANTED), "{path}: {text}");
            if path.contains("search") && signed_in && path.starts_with("/api/contacts") {
                assert_eq!(answer.expect(200).header("X-Total-Count"), "0", "{path}");
            }
        }
        let labels = stranger.get("/api/contacts/labels");
        assert!(!signed_in || labels.json() == json!([]));
    }
    assert_eq!(state(&world), before);
}

#[test]
fn an_import_neither_touches_nor_meets_another_s_contacts() {
    let world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    plant(&ann);
    let before = state(&world);
    let headers = [("Content-Type", "text/vcard")];
    // The same uid, and all the same fields: whether Ann has it must not show.
    let file = ann.get("/api/contacts/export").expect(200);
    let outcome = bob.send("POST", "/api/contacts/import", &headers, &file.body).expect(200).json();
    let counts = ["created", "updated", "skipped_duplicates"].map(|name| outcome[name].clone());
    assert_eq!(counts, [json!(2), json!(0), json!(0)], "{outcome}");
    assert_eq!((&outcome["errors"], &outcome["warnings"]), (&json!([]), &json!([])));
    assert_eq!(state(&world), before);
    assert_eq!(bob.get("/api/contacts").header("X-Total-Count"), "2");
}

#[test]
fn a_stranger_s_calendar_calls_leave_another_s_calendar_alone() {
    let world = World::new();
    let (ann, bob, root) = (world.user("ann"), world.user("bob"), world.admin("root"));
    let [.., calendar] = plant(&ann);
    let before = state(&world);
    for stranger in [&bob, &root] {
        let own = stranger.send("POST", "/api/contacts/calendar-url", &[], b"").expect(201).json();
        let own = own["url"].as_str().unwrap().replace("https://contacts.example", "");
        assert!(!world.nobody().get(&own).expect(200).text().contains(PLANTED));
        stranger.delete("/api/contacts/calendar-url").expect(204);
    }
    assert_eq!(state(&world), before);
    assert!(world.nobody().get(&calendar).expect(200).text().contains(PLANTED));
    // Who is deleted takes everything along, and nothing of anybody else's.
    root.delete(&format!("/api/users/{}", bob.id)).expect(204);
    assert_eq!(state(&world), before);
}
