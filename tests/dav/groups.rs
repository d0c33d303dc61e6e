//! Rule 41: labels are CATEGORIES, and Apple's groups are views of labels.

use crate::phone::{Ground, Phone, ann, card};
use serde_json::{Value, json};
use support::world::Actor;

pub fn group(uid: &str, name: &str, members: &[&str]) -> String {
    let mut lines = vec!["X-ADDRESSBOOKSERVER-KIND:group".to_owned()];
    lines.extend(members.iter().map(|it| format!("X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{it}")));
    lines.push("X-OTHER:kept".to_owned());
    card(uid, name, &lines.iter().map(String::as_str).collect::<Vec<_>>())
}

pub fn members(phone: &Phone, name: &str) -> Vec<String> {
    let text = phone.get(name).expect(200).text().replace("\r\n ", "");
    let members =
        text.lines().filter_map(|line| line.strip_prefix("X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:"));
    let mut members: Vec<_> = members.map(str::to_owned).collect();
    members.sort();
    members
}

pub fn labels(ann: &Actor, uid: &str) -> Value {
    let list = ann.get("/api/contacts").expect(200).json();
    let found = list.as_array().unwrap().iter().find(|it| it["uid"] == uid);
    found.unwrap_or_else(|| panic!("no {uid}"))["labels"].clone()
}

pub fn id(ann: &Actor, uid: &str) -> Value {
    let list = ann.get("/api/contacts").expect(200).json();
    list.as_array().unwrap().iter().find(|it| it["uid"] == uid).unwrap()["id"].clone()
}

/// Two contacts, and a group of the first.
pub fn family() -> (Ground, Actor, Phone) {
    let (ground, ann, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    phone.put("b.vcf", &card("b", "B", &[])).expect(201);
    phone.put("g.vcf", &group("g", "Family", &["a"])).expect(201);
    (ground, ann, phone)
}

#[test]
fn rule_41_labels_are_categories() {
    let (_ground, ann, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &["CATEGORIES:one,two\\, three"])).expect(201);
    assert_eq!(labels(&ann, "a"), json!(["one", "two, three"]));
    let path = format!("/api/contacts/{}", id(&ann, "a"));
    ann.patch(&path, json!({"labels": ["four", "one"]})).expect(200);
    let text = phone.get("a.vcf").text();
    assert!(
        text.contains("CATEGORIES:four,one\r\n") || text.contains("CATEGORIES:one,four\r\n"),
        "{text}"
    );
}

#[test]
fn rule_41_a_group_gives_its_label_to_its_members() {
    let (_ground, ann, phone) = family();
    assert_eq!(labels(&ann, "a"), json!(["Family"]));
    assert_eq!(labels(&ann, "b"), json!([]));
    assert!(phone.get("a.vcf").text().contains("CATEGORIES:Family\r\n"));
    phone.put("g.vcf", &group("g", "Family", &["b"])).expect(204);
    assert_eq!(labels(&ann, "a"), json!([]));
    assert_eq!(labels(&ann, "b"), json!(["Family"]));
    assert!(phone.get("g.vcf").text().contains("X-OTHER:kept"));
}

#[test]
fn rule_41_a_group_is_in_no_list_search_or_export() {
    let (_ground, ann, phone) = family();
    for path in
        ["/api/contacts", "/api/contacts?search=Family", "/api/contacts/export?format=vcard"]
    {
        let text = ann.get(path).expect(200).text();
        assert!(!text.contains("X-ADDRESSBOOKSERVER") && !text.contains("\"uid\":\"g\""), "{text}");
    }
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "2");
    let listed = phone.propfind(&phone.book(), "1", "<D:getetag/>");
    listed.of(&phone.path("g.vcf"));
}

#[test]
fn rule_41_a_group_follows_its_label() {
    let (_ground, ann, phone) = family();
    let mut before = (phone.etag("g.vcf"), phone.token());
    let mut changed = |what: &str, expected: &[&str]| {
        assert_eq!(members(&phone, "g.vcf"), expected, "{what}");
        let now = (phone.etag("g.vcf"), phone.token());
        assert_ne!(now.0, before.0, "{what}");
        assert!(
            phone.sync(&before.1).changes().0.contains(&phone.path("g.vcf").as_str()),
            "{what}"
        );
        before = now;
    };
    let path = |uid: &str| format!("/api/contacts/{}", id(&ann, uid));
    let (a, b) = (path("a"), path("b"));
    ann.patch(&b, json!({"labels": ["family"]})).expect(200);
    changed("PATCH gives the label", &["a", "b"]);
    let ids = json!([id(&ann, "a"), id(&ann, "b")]);
    ann.post(
        "/api/contacts/bulk",
        json!({"action": "remove_label", "label": "Family", "ids": ids}),
    )
    .expect(200);
    changed("bulk takes it off", &[]);
    ann.post("/api/contacts/bulk", json!({"action": "add_label", "label": "Family", "ids": ids}))
        .expect(200);
    changed("bulk gives it", &["a", "b"]);
    phone.put("b.vcf", &card("b", "B", &[])).expect(204);
    changed("PUT of a member without it", &["a"]);
    phone.put("b.vcf", &card("b", "B", &["CATEGORIES:Family"])).expect(204);
    changed("PUT of a member with it", &["a", "b"]);
    ann.delete(&a).expect(204);
    changed("a contact in the trash is no member", &["b"]);
    ann.post(&format!("{a}/restore"), json!({})).expect(200);
    changed("and is one again", &["a", "b"]);
    ann.post("/api/contacts", json!({"first_name": "C", "uid": "c", "labels": ["Family"]}))
        .expect(201);
    changed("a new contact with it", &["a", "b", "c"]);
    let file = card("d", "D", &["CATEGORIES:Family"]);
    ann.send("POST", "/api/contacts/import", &[("Content-Type", "text/vcard")], file.as_bytes())
        .expect(200);
    changed("an import with it", &["a", "b", "c", "d"]);
    let (keep, other) = (id(&ann, "c"), id(&ann, "d"));
    ann.post("/api/contacts/merge", json!({"keep": keep, "merge": [other]})).expect(200);
    changed("a merge", &["a", "b", "c"]);
}

#[test]
fn rule_41_renaming_and_deleting_go_both_ways() {
    let (_ground, ann, phone) = family();
    ann.patch("/api/contacts/labels", json!({"from": "Family", "to": "Clan"})).expect(200);
    assert!(phone.get("g.vcf").text().contains("FN:Clan\r\n"));
    assert_eq!(members(&phone, "g.vcf"), ["a"]);
    phone.put("g.vcf", &group("g", "Tribe", &["a"])).expect(204);
    assert_eq!(labels(&ann, "a"), json!(["Tribe"]));
    phone.delete("g.vcf").expect(204);
    assert_eq!(labels(&ann, "a"), json!([]));
    assert_eq!(ann.get("/api/contacts/trash").json(), json!([]));
}

#[test]
fn rule_41_a_member_that_is_unknown_waits_for_its_contact() {
    let (_ground, ann, phone) = family();
    phone.put("g.vcf", &group("g", "Family", &["a", "later", "never"])).expect(204);
    assert_eq!(members(&phone, "g.vcf"), ["a", "later", "never"]);
    let put = phone.put("later.vcf", &card("later", "L", &[])).expect(201);
    // It got the label, so it is not what was sent.
    assert_eq!(labels(&ann, "later"), json!(["Family"]));
    let text = phone.get("later.vcf").text();
    assert!(text.contains("CATEGORIES:Family\r\n") && put.header("ETag").is_empty());
    assert_eq!(members(&phone, "g.vcf"), ["a", "later", "never"]);
    phone.delete("later.vcf").expect(204);
    assert_eq!(members(&phone, "g.vcf"), ["a", "never"]);
}

#[test]
fn rule_41_a_label_that_is_renamed_into_another_brings_its_group_along() {
    let (_ground, ann, phone) = family();
    phone.put("b.vcf", &card("b", "B", &["CATEGORIES:Clan"])).expect(204);
    ann.patch("/api/contacts/labels", json!({"from": "family", "to": "clan"})).expect(200);
    assert_eq!(members(&phone, "g.vcf"), ["a", "b"]);
    // Nobody has the label that is renamed
    phone.put("h.vcf", &group("h", "Nobody", &[])).expect(201);
    ann.patch("/api/contacts/labels", json!({"from": "Nobody", "to": "Clan"})).expect(200);
    assert_eq!(members(&phone, "h.vcf"), ["a", "b"]);
}

#[test]
fn of_two_groups_of_a_label_one_can_go_and_nobody_loses_it() {
    let (_ground, ann, phone) = family();
    phone.put("h.vcf", &group("h", "family", &["a", "b"])).expect(201);
    phone.delete("g.vcf").expect(204);
    assert_eq!((labels(&ann, "a"), members(&phone, "h.vcf").len()), (json!(["Family"]), 2));
    phone.delete("h.vcf").expect(204);
    assert_eq!((labels(&ann, "a"), labels(&ann, "b")), (json!([]), json!([])));
}

#[test]
fn rule_41_a_group_within_a_group_stays_and_who_cannot_be_a_member_does_not() {
    let (_ground, ann, phone) = family();
    let fifty: Vec<_> = (0..50).map(|it| it.to_string()).collect();
    let full = card("full", "F", &[&format!("CATEGORIES:{}", fifty.join(","))]);
    phone.put("full.vcf", &full).expect(201);
    ann.delete(&format!("/api/contacts/{}", id(&ann, "b"))).expect(204);
    let put = phone.put("h.vcf", &group("h", "All", &["a", "b", "full", "g"])).expect(201);
    assert_eq!((put.header("ETag"), members(&phone, "h.vcf")), ("", vec!["a".into(), "g".into()]));
    ann.patch(&format!("/api/contacts/{}", id(&ann, "a")), json!({"labels": []})).expect(200);
    assert_eq!(members(&phone, "h.vcf"), ["g"]);
    // Put once more: nothing changes, and it is what was put
    let put = phone.put("h.vcf", &group("h", "All", &["g"])).expect(204);
    assert!(!put.header("ETag").is_empty());
}

#[test]
fn what_a_post_answers_has_the_label_of_the_group_that_waited() {
    let (_ground, ann, phone) = family();
    phone.put("g.vcf", &group("g", "Family", &["a", "later"])).expect(204);
    let made = ann.post("/api/contacts", json!({"first_name": "L", "uid": "later"})).expect(201);
    assert_eq!(made.json()["labels"], json!(["Family"]));
    let now = ann.get(made.header("Location")).expect(200);
    assert_eq!((now.json(), now.header("ETag")), (made.json(), made.header("ETag")));
}

#[test]
fn a_label_is_one_however_its_letters_are_composed() {
    let (_ground, ann, phone) = family();
    phone.put("a.vcf", &card("a", "A", &["CATEGORIES:Cafe\u{301},x"])).expect(204);
    phone.put("b.vcf", &card("b", "B", &["CATEGORIES:Caf\u{e9}"])).expect(204);
    phone.put("h.vcf", &group("h", "cafe\u{301}", &["a", "b"])).expect(201);
    let counted = ann.get("/api/contacts/labels").expect(200).json();
    assert_eq!(counted[0], json!({"label": "Caf\u{e9}", "count": 2}), "{counted}");
    assert!(phone.get("a.vcf").text().contains("CATEGORIES:Cafe\u{301},x\r\n"), "as it was put");
    let wish = json!({"ids": [id(&ann, "a")], "action": "remove_label", "label": "caf\u{e9}"});
    assert_eq!(ann.post("/api/contacts/bulk", wish).expect(200).json()["changed"], 1);
    assert_eq!((labels(&ann, "a"), members(&phone, "h.vcf")), (json!(["x"]), vec!["b".to_owned()]));
}

#[test]
fn a_group_of_the_newer_kind_gets_members_of_its_kind() {
    let (_ground, ann, phone) = family();
    let lines = ["KIND:group", "MEMBER:urn:uuid:a"];
    phone.put("h.vcf", &card("h", "New", &lines)).expect(201);
    ann.patch(&format!("/api/contacts/{}", id(&ann, "b")), json!({"labels": ["New"]})).expect(200);
    let text = phone.get("h.vcf").expect(200).text();
    assert!(text.contains("\r\nMEMBER:urn:uuid:b\r\n"), "{text}");
    assert!(!text.contains("ADDRESSBOOKSERVER"), "{text}");
}

#[test]
fn a_rewound_group_waits_again_for_who_was_not_here() {
    let (_ground, ann, phone) = family();
    phone.put("g.vcf", &group("g", "Family", &["a", "c"])).expect(204);
    let etag = phone.get("g.vcf").header("ETag").to_owned();
    let then: i64 = etag.trim_matches('"').parse().unwrap();
    phone.put("c.vcf", &card("c", "C", &[])).expect(201);
    assert_eq!(labels(&ann, "c"), json!(["Family"]));
    let rewound = ann.post("/api/contacts/rewind", json!({"to": then})).expect(200).json();
    assert_eq!(rewound["deleted"], 1, "{rewound}");
    assert_eq!(members(&phone, "g.vcf"), ["a", "c"]);
}

#[test]
fn rule_41_the_etag_of_a_group_is_that_of_what_is_served() {
    let (_ground, _, phone) = family();
    let text = group("h", "Work", &["a", "b"]);
    let put = phone.put("h.vcf", &text).expect(201);
    let got = phone.get("h.vcf");
    assert_eq!(put.header("ETag").is_empty(), got.text() != text);
    if !put.header("ETag").is_empty() {
        assert_eq!(put.header("ETag"), got.header("ETag"));
    }
    assert_eq!(members(&phone, "h.vcf"), ["a", "b"]);
}

/// What is no contact any more is gone for REST, and can be had back.
#[test]
fn a_contact_whose_name_a_group_takes_goes_to_the_trash_and_the_other_way_round() {
    let (_ground, ann, phone) = ann();
    let total = || ann.get("/api/contacts").header("X-Total-Count").to_owned();
    let feed = |since: &str| ann.get(&format!("/api/contacts/changes{since}")).expect(200).json();
    phone.put("x.vcf", &card("x", "X", &["NOTE:mine"])).expect(201);
    let x = id(&ann, "x");
    let (seen, token) = (feed("")["next"].as_str().unwrap().to_owned(), phone.token());
    let etag =
        phone.put("x.vcf", &group("x", "Friends", &[])).expect(204).header("ETag").to_owned();
    assert_eq!((total(), phone.etag("x.vcf")), ("0".to_owned(), etag));
    let changes = feed(&format!("?since={seen}"));
    assert_eq!(
        changes["changes"],
        json!([{"id": x, "uid": "x", "deleted": true, "contact": null}]),
        "a follower sees it go"
    );
    let synced = phone.sync(&token);
    assert_eq!(synced.changes(), (vec![phone.path("x.vcf").as_str()], vec![]), "one href, once");
    assert_eq!(ann.get("/api/contacts/trash").json()[0]["additional_data"], "mine");
    ann.get(&format!("/api/contacts/{x}/history")).expect(200);
    // Restored it is another card: the group has its name and uid.
    ann.post(&format!("/api/contacts/{x}/restore"), json!({})).expect(200);
    assert_eq!(phone.propfind(&phone.book(), "1", "<D:getetag/>").responses.len(), 3);
    assert_eq!(total(), "1");
    let token = feed("")["next"].as_str().unwrap().to_owned();
    phone.put("x.vcf", &card("x", "X2", &[])).expect(204);
    assert_eq!(total(), "2");
    assert_eq!(feed(&format!("?since={token}"))["changes"][0]["contact"]["uid"], "x");
    phone.put("x.vcf", &group("x", "Friends", &[])).expect(204);
    phone.delete("x.vcf").expect(204);
    assert_eq!(total(), "1");
    ann.post("/api/contacts/rewind", json!({"to": 0})).expect(200);
    let back = ann.post("/api/contacts/rewind", json!({"to": 1})).expect(200).json();
    assert_eq!(back, json!({"restored": 1, "reverted": 0, "deleted": 0}));
    let list = ann.get("/api/contacts").json();
    assert_eq!((&list[0]["uid"], &list[0]["additional_data"]), (&json!("x"), &json!("mine")));
}

#[test]
fn groups_are_no_contacts_where_contacts_are_counted_or_changed() {
    let (ground, ann, phone) = family();
    let g: i64 = ground.world.sql("SELECT id FROM contacts WHERE uid = 'g'");
    for (action, label) in [("delete", None), ("restore", None), ("add_label", Some("x"))] {
        let wish = json!({"action": action, "ids": [g], "label": label});
        let answer = ann.post("/api/contacts/bulk", wish).expect(200).json();
        assert_eq!(answer, json!({"changed": 0, "missing": [g]}), "{action}");
    }
    let rewind = |to: i64| {
        let [dry, done] = [true, false].map(|dry_run| {
            let wish = json!({"to": to, "dry_run": dry_run});
            ann.post("/api/contacts/rewind", wish).expect(200).json()
        });
        assert_eq!(dry, done);
        done
    };
    // Two contacts, and the group that gave one of them its label.
    let now: i64 = ground.world.sql("SELECT max(revision) FROM address_books");
    assert_eq!(rewind(2), json!({"restored": 0, "reverted": 1, "deleted": 0}));
    phone.get("g.vcf").expect(404);
    assert_eq!(rewind(now), json!({"restored": 0, "reverted": 1, "deleted": 0}));
    assert_eq!(
        (members(&phone, "g.vcf"), labels(&ann, "a")),
        (vec!["a".into()], json!(["Family"]))
    );
    assert_eq!(rewind(0), json!({"restored": 0, "reverted": 0, "deleted": 2}));
}

/// A transaction may begin with a group, whose change no page shows.
#[test]
fn the_page_of_the_history_goes_back_to_before_a_transaction_that_began_with_a_group() {
    use contactd::repository::contacts::past;
    let (ground, ann, phone) = family();
    ground.world.pass(chrono::Duration::hours(2));
    let ann = ann.signed_in();
    phone.put("g.vcf", &group("g", "Family", &["a", "b"])).expect(204);
    assert_eq!(labels(&ann, "b"), json!(["Family"]));
    let month_ago = ground.world.now() - chrono::Duration::days(30);
    let stretches = |before: i64| {
        let db = &ground.world.app.db;
        db.read(|db| past::stretches(db, ann.id, month_ago, before)).unwrap().0
    };
    let found = stretches(i64::MAX);
    assert_eq!(found.iter().map(|it| (it.made, it.changed)).collect::<Vec<_>>(), [(0, 1), (2, 1)]);
    ann.post("/api/contacts/rewind", json!({"to": found[0].first - 1})).expect(200);
    assert_eq!((labels(&ann, "b"), members(&phone, "g.vcf")), (json!([]), vec!["a".to_owned()]));
    // What changes groups alone is no stretch.
    ground.world.pass(chrono::Duration::hours(2));
    let before = stretches(i64::MAX).len();
    phone.put("h.vcf", &group("h", "Empty", &[])).expect(201);
    assert_eq!(stretches(i64::MAX).len(), before);
}

/// All of them are read whenever a contact comes in.
#[test]
fn groups_are_as_large_together_as_is_read_in_time() {
    let (_ground, ann, phone) = ann();
    let members: Vec<String> = (0..13_000).map(|at| format!("{at:036}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let large = |name: &str| group(name, name, &members);
    assert!((900_000..1_000_000).contains(&large("g1").len()), "{}", large("g1").len());
    let statuses: Vec<u16> = (1..=10)
        .map(|at| phone.put(&format!("g{at}.vcf"), &large(&format!("g{at}"))).status)
        .collect();
    let taken = statuses.iter().filter(|it| **it == 201).count();
    assert!((8..=9).contains(&taken), "{statuses:?}");
    assert_eq!(statuses.last(), Some(&507), "{statuses:?}");
    // What else there is goes on, and the groups welcome whom they name.
    phone.put("a.vcf", &card(&format!("{:036}", 7), "A", &[])).expect(201);
    assert_eq!(labels(&ann, &format!("{:036}", 7)).as_array().unwrap().len(), taken);
    phone.delete("g1.vcf").expect(204);
    phone.put("g10.vcf", &large("g10")).expect(201);
    // A small group that gets large is no other thing, whether it was put or a label makes it longer.
    phone.put("h.vcf", &group("h", "h", &[])).expect(201);
    phone.put("h.vcf", &group("h", "h", &members)).expect(507);
    assert!(!phone.get("h.vcf").expect(200).text().contains("MEMBER"));
    // One that gets shorter, and a change that gives no label, go on.
    let path = format!("/api/contacts/{}", id(&ann, &format!("{:036}", 7)).as_i64().unwrap());
    ann.patch(&path, json!({"first_name": "Anna"})).expect(200);
    phone.put("g2.vcf", &group("g2", "g2", &members[..10])).expect(204);
    phone.put("h.vcf", &group("h", "h", &members[..1_000])).expect(204);
}

#[test]
fn a_group_of_thousands_gives_each_its_label_and_takes_it_back() {
    let (_ground, ann, phone) = ann();
    let people: Vec<String> = (0..1_500).map(|at| format!("u{at}")).collect();
    let file: String = people.iter().map(|uid| card(uid, uid, &[])).collect();
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, file.as_bytes()).expect(200);
    let members: Vec<&str> = people.iter().map(String::as_str).collect();
    phone.put("g.vcf", &group("g", "All", &members)).expect(201);
    let count = |label: &str| {
        let answer = ann.get(&format!("/api/contacts?label={label}&limit=1")).expect(200);
        answer.header("X-Total-Count").to_owned()
    };
    assert_eq!(count("All"), "1500");
    phone.put("g.vcf", &group("g", "All", &members[..10])).expect(204);
    assert_eq!(count("All"), "10");
}

/// A UID of vCard 4.0 begins with `urn:uuid:`, and groups name it without: both ways are one.
#[test]
fn rule_41_a_group_means_a_contact_whose_uid_begins_with_urn_uuid() {
    for scheme in ["urn:uuid:", "URN:UUID:"] {
        let (_ground, ann, phone) = ann();
        let uid = |name: &str| format!("{scheme}{name}");
        // The group waits for c.
        phone.put("a.vcf", &card(&uid("a"), "A", &["CATEGORIES:Family"])).expect(201);
        phone.put("b.vcf", &card(&uid("b"), "B", &["CATEGORIES:Family"])).expect(201);
        phone.put("g.vcf", &group("g", "Family", &["a", "c"])).expect(201);
        assert_eq!(labels(&ann, &uid("a")), json!(["Family"]));
        assert_eq!(labels(&ann, &uid("b")), json!([]));
        phone.put("c.vcf", &card(&uid("c"), "C", &[])).expect(201);
        assert_eq!(labels(&ann, &uid("c")), json!(["Family"]));
        let path = format!("/api/contacts/{}", id(&ann, &uid("b")));
        ann.patch(&path, json!({"labels": ["Family"]})).expect(200);
        assert_eq!(members(&phone, "g.vcf"), ["a", "b", "c"]);
        // As it came it goes back, and takes nothing off.
        let text = phone.get("g.vcf").text();
        phone.put("g.vcf", &text).expect(204);
        for name in ["a", "b", "c"] {
            assert_eq!(labels(&ann, &uid(name)), json!(["Family"]), "{scheme} {name}");
        }
        phone.delete("a.vcf").expect(204);
        assert_eq!(members(&phone, "g.vcf"), ["b", "c"]);
    }
}

/// The label would make its card longer than a card may be; the group is not at fault for that.
#[test]
fn a_contact_whose_card_is_full_is_no_member_whoever_comes_first() {
    let (_ground, ann, phone) = ann();
    // Each line of a fold has one blank and an end of line.
    let folded = |length: usize| format!("NOTE:{}", "x\r\n ".repeat(length / 4));
    let full = |uid: &str| card(uid, uid, &[&folded((1 << 20) - 120)]);
    phone.put("a.vcf", &full("a")).expect(201);
    phone.put("g.vcf", &group("g", &"Family ".repeat(7), &["a", "b"])).expect(201);
    phone.put("b.vcf", &full("b")).expect(201);
    assert_eq!((labels(&ann, "a"), labels(&ann, "b")), (json!([]), json!([])));
    assert_eq!(members(&phone, "g.vcf"), Vec::<String>::new());
    // Nor once the group gets a longer name.
    phone.put("i.vcf", &group("i", "I", &["i1"])).expect(201);
    phone.put("i1.vcf", &full("i1")).expect(201);
    assert_eq!(members(&phone, "i.vcf"), ["i1"]);
    phone.put("i.vcf", &group("i", &"Indians ".repeat(6), &["i1"])).expect(204);
    assert_eq!((labels(&ann, "i1"), members(&phone, "i.vcf")), (json!([]), Vec::<String>::new()));
    let file = full("c") + &card("d", "D", &[]);
    phone.put("h.vcf", &group("h", &"Friends ".repeat(6), &["c", "d"])).expect(201);
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, file.as_bytes()).expect(200);
    assert_eq!(members(&phone, "h.vcf"), ["d"]);
    // A list in a file, and the label of an import.
    let file = full("e") + &group("j", &"Joggers ".repeat(6), &["e"]);
    for path in [
        "/api/contacts/import?dry_run=true",
        "/api/contacts/import?label=ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUV",
    ] {
        let told = ann.send("POST", path, &headers, file.as_bytes()).expect(200).json();
        assert_eq!((&told["created"], &told["errors"]), (&json!(1), &json!([])), "{told}");
        let why = told["warnings"].to_string();
        assert!(why.contains("would make the card too long"), "{why}");
    }
    assert_eq!(labels(&ann, "e"), json!([]));
}
