//! Contacts that may be one person: found, dismissed, merged.

use crate::world::{Actor, Answer, World};
use serde_json::{Value, json};

fn add(who: &Actor, contact: Value) -> i64 {
    who.post("/api/contacts", contact).expect(201).json()["id"].as_i64().unwrap()
}

/// Ids, reasons and likeliness of each group of an answer.
fn groups(answer: &Answer) -> Vec<(Vec<i64>, Vec<String>, bool)> {
    let group = |it: &Value| {
        let ids = it["contacts"].as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap());
        let reasons =
            it["reasons"].as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned());
        (ids.collect(), reasons.collect(), it["likely"].as_bool().unwrap())
    };
    answer.json().as_array().unwrap().iter().map(group).collect()
}

fn found(who: &Actor) -> Vec<(Vec<i64>, Vec<String>, bool)> {
    groups(&who.get("/api/contacts/duplicates?limit=100").expect(200))
}

#[test]
fn who_shares_an_address_a_number_or_a_name_is_found() {
    let world = World::new();
    let ann = world.user("ann");
    let a = add(
        &ann,
        json!({"first_name": "Jürgen", "last_name": "Müller", "phone": "+49 30 1234567"}),
    );
    let b = add(&ann, json!({"first_name": "Jürgen", "phone": "030/1234567", "email": "jm@x.org"}));
    let c = add(
        &ann,
        json!({"last_name": "MULLER", "emails": [{"value": "a@x.org"}, {"value": "JM@x.org"}]}),
    );
    let d = add(&ann, json!({"first_name": "Bob", "last_name": "Éclair"}));
    let e = add(&ann, json!({"first_name": "bob", "last_name": "eclair", "email": "bob@x.org"}));
    let f =
        add(&ann, json!({"first_name": "Carol", "email": "desk@x.org", "birthday": "1990-01-01"}));
    let g =
        add(&ann, json!({"first_name": "Carol", "email": "desk@x.org", "birthday": "1990-01-02"}));
    add(&ann, json!({"first_name": "Dan", "phone": "030 7654321"}));
    let deleted = add(&ann, json!({"first_name": "Gone", "email": "bob@x.org"}));
    ann.delete(&format!("/api/contacts/{deleted}")).expect(204);
    add(
        &world.user("eve"),
        json!({"first_name": "Dan", "phone": "030 7654321", "email": "bob@x.org"}),
    );
    let wanted = [
        (vec![a, b, c], vec!["email", "phone"], true),
        (vec![f, g], vec!["email", "name"], false),
        (vec![d, e], vec!["name"], false),
    ];
    let wanted = wanted.map(|(ids, reasons, likely)| {
        (ids, reasons.into_iter().map(str::to_owned).collect::<Vec<_>>(), likely)
    });
    assert_eq!(found(&ann), wanted);
    let page = ann.get("/api/contacts/duplicates?skip=1&limit=1").expect(200);
    assert_eq!(page.header("X-Total-Count"), "3");
    assert_eq!(groups(&page), wanted[1..2]);
    assert_eq!(
        page.json()[0]["contacts"][0],
        ann.get(&format!("/api/contacts/{f}")).expect(200).json()
    );
    let past = ann.get("/api/contacts/duplicates?skip=3").expect(200);
    assert_eq!((past.json(), past.header("X-Total-Count")), (json!([]), "3"));
    ann.get("/api/contacts/duplicates?limit=0").expect_faults(&["limit"]);
}

#[test]
fn addresses_that_differ_in_an_accent_or_an_apostrophe_are_two() {
    let world = World::new();
    let ann = world.user("ann");
    let addresses = [
        "info@müller.example",
        "info@muller.example",
        "o'brien@x.example",
        "obrien@x.example",
        "JÜRGEN@x.example",
        "jürgen@X.example",
    ];
    let ids = addresses.map(|address| add(&ann, json!({"nickname": address, "email": address})));
    assert_eq!(found(&ann), [(vec![ids[4], ids[5]], vec!["email".to_owned()], true)]);
}

#[test]
fn a_birthday_without_a_year_contradicts_none_with_one() {
    let world = World::new();
    let ann = world.user("ann");
    add(&ann, json!({"first_name": "Bob", "email": "b@x.org", "birthday": "1990-01-02"}));
    add(&ann, json!({"first_name": "BOB", "email": "b@x.org", "birthday": "--01-02"}));
    assert!(found(&ann)[0].2);
    add(&ann, json!({"nickname": "Bobby", "email": "b@x.org", "birthday": "--01-03"}));
    assert!(!found(&ann)[0].2);
}

#[test]
fn a_long_contact_is_compared_too() {
    let world = World::new();
    let ann = world.user("ann");
    let note = "long ".repeat(3_900);
    let a = add(&ann, json!({"first_name": "Bob", "phone": "0301234567", "additional_data": note}));
    let b = add(&ann, json!({"first_name": "Bob", "email": "b@x.org", "phone": "+4930 1234567"}));
    let c = add(&ann, json!({"nickname": "X", "email": "B@X.ORG", "additional_data": note}));
    let shown = ann.get("/api/contacts/duplicates").expect(200);
    assert_eq!(groups(&shown)[0].0, [a, b, c]);
    assert_eq!(shown.json()[0]["contacts"][2]["additional_data"], note.trim());
}

#[test]
fn dismissed_contacts_are_not_shown_together_again() {
    let world = World::new();
    let ann = world.user("ann");
    let [a, b, c] =
        [1, 2, 3].map(|_| add(&ann, json!({"first_name": "Bob", "email": "desk@x.org"})));
    let before = ann.get("/api/contacts/changes").expect(200).json()["next"].clone();
    let dismiss = |ids: Value| ann.post("/api/contacts/duplicates/dismiss", json!({"ids": ids}));
    dismiss(json!([b, a, b])).expect(204);
    assert_eq!(found(&ann)[0].0, [a, c], "the third one still looks like the first");
    dismiss(json!([a, c])).expect(204);
    assert_eq!(found(&ann)[0].0, [b, c]);
    dismiss(json!([a, b, c])).expect(204);
    dismiss(json!([a, c])).expect(204);
    assert_eq!(found(&ann), []);
    assert_eq!(world.sql::<i64>("SELECT count(DISTINCT dismissal) FROM dismissals"), 3);
    assert_eq!(ann.get("/api/contacts/changes").expect(200).json()["next"], before, "no change");
    // A new one is shown with one of them; what was said stays said when contacts change.
    let d = add(&ann, json!({"first_name": "Bob", "email": "desk@x.org"}));
    ann.patch(&format!("/api/contacts/{a}"), json!({"nickname": "B"})).expect(200);
    assert_eq!(found(&ann).len(), 1);
    assert_eq!(found(&ann)[0].0, [a, d]);

    dismiss(json!([a])).expect_faults(&["ids"]);
    dismiss(json!([a, a])).expect_faults(&["ids"]);
    dismiss(json!("x")).expect_faults(&["ids"]);
    dismiss(json!(vec![a; 1_001])).expect_faults(&["ids"]);
    dismiss(json!([a, 999_999])).expect(404);
    let eve = world.user("eve");
    eve.post("/api/contacts/duplicates/dismiss", json!({"ids": [a, d]})).expect(404);
    ann.delete(&format!("/api/contacts/{d}")).expect(204);
    dismiss(json!([a, d])).expect(404);
    let exported = ann.get("/api/users/me/export").expect(200).json();
    assert_eq!(exported["dismissed_duplicates"][0], json!({"contact_ids": [a, b]}));
    assert_eq!(exported["dismissed_duplicates"].as_array().unwrap().len(), 3);
}

#[test]
fn an_undone_merge_leaves_no_dismissal_of_the_two_that_were_one() {
    let world = World::new();
    let ann = world.user("ann");
    let [a, b, kept] =
        [1, 2, 3].map(|_| add(&ann, json!({"first_name": "Bob", "email": "desk@x.org"})));
    ann.post("/api/contacts/duplicates/dismiss", json!({"ids": [a, b]})).expect(204);
    let before =
        ann.get(&format!("/api/contacts/{kept}")).header("ETag").trim_matches('"').to_owned();
    ann.post("/api/contacts/merge", json!({"keep": kept, "merge": [a]})).expect(200);
    assert_eq!(found(&ann), [], "it is the one now who differs from b");
    let revision: i64 = before.parse().unwrap();
    ann.post("/api/contacts/rewind", json!({"to": revision})).expect(200);
    assert_eq!(found(&ann)[0].0, [a, kept]);
}

#[test]
fn a_dismissal_goes_with_its_contacts_and_not_with_the_trash() {
    let world = World::new();
    let ann = world.user("ann");
    let [a, b] = [1, 2].map(|_| add(&ann, json!({"first_name": "Bob", "email": "desk@x.org"})));
    ann.post("/api/contacts/duplicates/dismiss", json!({"ids": [a, b]})).expect(204);
    ann.delete(&format!("/api/contacts/{a}")).expect(204);
    ann.post(&format!("/api/contacts/{a}/restore"), json!({})).expect(200);
    assert_eq!(found(&ann), []);
    ann.delete(&format!("/api/contacts/{a}")).expect(204);
    world.pass(chrono::Duration::days(31));
    contactd::service::upkeep::purge(&world.app).unwrap();
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM dismissals"), 1);
    ann.signed_in()
        .delete_with("/api/users/me", json!({"password": crate::world::PASSWORD}))
        .expect(204);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM dismissals"), 0);
}

#[test]
fn a_merge_unites_and_the_others_go_to_the_trash() {
    let world = World::new();
    let ann = world.user("ann");
    let keep = add(
        &ann,
        json!({
            "first_name": "Bob", "last_name": "Lee", "phone": "123", "email": "b@x.org",
            "labels": ["family"], "organization": "Acme"
        }),
    );
    let other = add(
        &ann,
        json!({
            "first_name": "Robert", "nickname": "Bobby", "organization": "Umbrella", "birthday": "1990-01-02",
            "emails": [{"value": "B@x.org"}, {"value": "bob@y.org", "label": "boat"}],
            "labels": ["FAMILY", "tennis"], "additional_data": "from the phone"
        }),
    );
    let third = [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "UID:third",
        "FN:Bob",
        "N:;Bob;;;",
        "NICKNAME:Bert",
        "X-KEPT;A=1:thing",
        "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AA=",
        "END:VCARD",
        "",
    ]
    .join("\r\n");
    ann.send("POST", "/api/contacts/import", &[("Content-Type", "text/vcard")], third.as_bytes())
        .expect(200);
    let third = ann.get("/api/contacts?search=Bert").expect(200).json()[0]["id"].as_i64().unwrap();
    let path = format!("/api/contacts/{keep}");
    let before = ann.get(&path).expect(200);

    let set = json!({"display_name": "Bob the Builder", "organization": null});
    let wish = json!({"keep": keep, "merge": [other, third, other], "set": set});
    let merged = ann.post("/api/contacts/merge", wish).expect(200);
    let bob = merged.json();
    assert_eq!(merged.header("ETag"), ann.get(&path).expect(200).header("ETag"));
    assert_eq!(bob, ann.get(&path).expect(200).json());
    let values = |list: &str| -> Vec<&str> {
        bob[list].as_array().unwrap().iter().map(|it| it["value"].as_str().unwrap()).collect()
    };
    assert_eq!(values("emails"), ["b@x.org", "bob@y.org"]);
    assert_eq!((&bob["email"], &bob["phone"]), (&json!("b@x.org"), &json!("123")));
    assert_eq!(bob["emails"][1]["label"], "boat");
    assert_eq!(bob["labels"], json!(["family", "tennis"]));
    assert_eq!(bob["display_name"], "Bob the Builder");
    assert_eq!((&bob["first_name"], &bob["last_name"]), (&json!("Bob"), &json!("Lee")));
    assert_eq!((&bob["nickname"], &bob["birthday"]), (&json!("Bobby"), &json!("1990-01-02")));
    assert_eq!(bob["organization"], Value::Null);
    assert_eq!(bob["additional_data"], "from the phone");
    assert_eq!(bob["photo"]["type"], "image/jpeg");
    let card = ann.send("GET", &path, &[("Accept", "text/vcard")], b"").expect(200).text();
    assert!(card.contains("X-KEPT;A=1:thing") && !card.contains("UID:third"), "{card}");
    assert_eq!(ann.get("/api/contacts").expect(200).header("X-Total-Count"), "1");
    assert_eq!(ann.get("/api/contacts/trash").expect(200).header("X-Total-Count"), "2");
    let history = ann.get(&format!("{path}/history")).expect(200).json();
    assert_eq!(
        (&history[0]["by"], &history[0]["contact"]["first_name"]),
        (&json!("merge"), &json!("Bob"))
    );

    // Undone without touching anything else: the others come back, the kept one is what it was.
    let revision: i64 = merged.header("ETag").trim_matches('"').parse().unwrap();
    ann.post("/api/contacts/bulk", json!({"action": "restore", "ids": [other, third]})).expect(200);
    let back =
        ann.post(&format!("{path}/revert"), json!({"revision": revision})).expect(200).json();
    let without_time = |mut contact: Value| {
        contact.as_object_mut().unwrap().remove("updated_at");
        contact
    };
    assert_eq!(without_time(back), without_time(before.json()));
    assert_eq!(ann.get("/api/contacts").expect(200).header("X-Total-Count"), "3");
}

#[test]
fn a_merge_that_cannot_be_changes_nothing() {
    let world = World::new();
    let ann = world.user("ann");
    let many = |from: usize| -> Vec<Value> {
        (from..from + 30).map(|it| json!({"value": format!("{it}@x.org")})).collect()
    };
    let a = add(&ann, json!({"first_name": "A", "emails": many(0)}));
    let b = add(&ann, json!({"first_name": "B", "emails": many(100)}));
    let gone = add(&ann, json!({"first_name": "C"}));
    ann.delete(&format!("/api/contacts/{gone}")).expect(204);
    let evas = add(&world.user("eve"), json!({"first_name": "E"}));
    let before = ann.get("/api/contacts/changes").expect(200).json();
    let merge = |wish: Value| ann.post("/api/contacts/merge", wish);
    merge(json!({})).expect_faults(&["keep", "merge"]);
    merge(json!({"keep": "x", "merge": 7, "set": 1, "x": 1}))
        .expect_faults(&["keep", "merge", "set", "x"]);
    merge(json!({"keep": a, "merge": []})).expect_faults(&["merge"]);
    merge(json!({"keep": a, "merge": [b, a]})).expect_faults(&["merge"]);
    merge(json!({"keep": a, "merge": vec![b; 101]})).expect_faults(&["merge"]);
    merge(json!({"keep": a, "merge": [b], "set": {"emails": [], "birthday": "soon"}}))
        .expect_faults(&["set.birthday"]);
    merge(json!({"keep": 999_999, "merge": [b], "set": {"birthday": "soon"}}))
        .expect_faults(&["set.birthday"]);
    merge(json!({"keep": a, "merge": [b]})).expect_faults(&["set.emails"]);
    for missing in [gone, evas, 999_999] {
        merge(json!({"keep": a, "merge": [b, missing], "set": {"emails": many(0)}})).expect(404);
        merge(json!({"keep": missing, "merge": [b]})).expect(404);
    }
    assert_eq!(ann.get("/api/contacts/changes").expect(200).json(), before);
    let merged = merge(json!({"keep": a, "merge": [b], "set": {"emails": many(100)}})).expect(200);
    assert_eq!(merged.json()["email"], "100@x.org");
}

#[test]
fn a_merge_happens_only_if_the_kept_one_is_as_it_was_seen() {
    let world = World::new();
    let ann = world.user("ann");
    let [a, b] = ["A", "B"].map(|name| add(&ann, json!({"first_name": name})));
    ann.patch(&format!("/api/contacts/{a}"), json!({"nickname": "seen by nobody"})).expect(200);
    let wish = json!({"keep": a, "merge": [b]}).to_string();
    let merge = |tag: &str| {
        let headers = [("Content-Type", "application/json"), ("If-Match", tag)];
        ann.send("POST", "/api/contacts/merge", &headers, wish.as_bytes())
    };
    let before = ann.get("/api/contacts/changes").expect(200).json();
    merge("\"1\"").expect(412);
    assert_eq!(ann.get("/api/contacts/changes").expect(200).json(), before);
    merge("\"3\"").expect(200);
}

#[test]
fn who_was_dismissed_with_a_merged_one_is_not_shown_with_the_one_that_is_kept() {
    let world = World::new();
    let ann = world.user("ann");
    let bob = |name: &str| add(&ann, json!({"first_name": name, "email": "desk@x.org"}));
    let [a, b, c] = ["A", "B", "C"].map(bob);
    ann.post("/api/contacts/duplicates/dismiss", json!({"ids": [b, c]})).expect(204);
    ann.post("/api/contacts/merge", json!({"keep": a, "merge": [b]})).expect(200);
    assert_eq!(found(&ann), []);
    // A dismissal of others says nothing of a new one.
    let d = bob("D");
    let shown = || found(&ann).into_iter().map(|it| it.0).collect::<Vec<_>>();
    assert_eq!(shown(), [[a, d]]);
    ann.delete(&format!("/api/contacts/{d}")).expect(204);
    // Who comes back looks like the one that took it over, as before the merge.
    ann.post(&format!("/api/contacts/{b}/restore"), json!({})).expect(200);
    assert_eq!(shown(), [[a, b]]);
}

fn dismiss(who: &Actor, ids: &[i64]) {
    who.post("/api/contacts/duplicates/dismiss", json!({"ids": ids})).expect(204);
}

fn merge(who: &Actor, keep: i64, others: &[i64]) {
    who.post("/api/contacts/merge", json!({"keep": keep, "merge": others})).expect(200);
}

fn rows(world: &World) -> i64 {
    world.sql("SELECT count(*) FROM dismissals")
}

#[test]
fn dismissals_do_not_multiply_from_merge_to_merge() {
    let world = World::new();
    let ann = world.user("ann");
    let ids: Vec<_> = (0..12).map(|n| add(&ann, json!({"first_name": format!("N{n}")}))).collect();
    dismiss(&ann, &ids);
    for other in &ids[1..6] {
        merge(&ann, ids[0], &[*other]);
    }
    assert_eq!(rows(&world), 12, "the one that is kept was dismissed with the rest already");
    let stranger = add(&ann, json!({"first_name": "S"}));
    for other in &ids[6..10] {
        merge(&ann, stranger, &[*other]);
    }
    merge(&ann, stranger, &[ids[10], ids[0]]);
    assert_eq!(rows(&world), 12 + 6, "a row for each that it takes the place of");
    // Undone and done again, it is the same rows.
    for _ in 0..3 {
        ann.post(&format!("/api/contacts/{}/restore", ids[0]), json!({})).expect(200);
        merge(&ann, stranger, &[ids[0]]);
    }
    assert_eq!(rows(&world), 12 + 6);
}

#[test]
fn what_a_merge_did_to_dismissals_is_undone_with_it() {
    let world = World::new();
    let ann = world.user("ann");
    let ids = |who: &Actor| found(who).into_iter().map(|it| it.0).collect::<Vec<_>>();
    let a = add(&ann, json!({"first_name": "A", "email": "desk@x.org"}));
    let b = add(&ann, json!({"first_name": "B", "phone": "030 1112223"}));
    let c = add(&ann, json!({"first_name": "C", "email": "desk@x.org"}));
    let d = add(&ann, json!({"first_name": "D", "phone": "030 7654321"}));
    dismiss(&ann, &[b, c]);
    merge(&ann, a, &[b]);
    assert_eq!(ids(&ann), [[0; 2]; 0]);
    // Whoever takes its place has to do with the one that was dismissed too.
    merge(&ann, d, &[a]);
    assert_eq!(ids(&ann), [[0; 2]; 0]);
    let rewind = |to: i64| ann.post("/api/contacts/rewind", json!({"to": to})).expect(200);
    rewind(6);
    assert_eq!(ids(&ann), [[0; 2]; 0], "b is in the trash, and a in its place");
    rewind(4);
    assert_eq!(ids(&ann), [[a, c]]);
    // What was dismissed in the meantime stays dismissed.
    merge(&ann, a, &[b]);
    dismiss(&ann, &[a, c]);
    rewind(4);
    assert_eq!(ids(&ann), [[0; 2]; 0]);
    let exported = ann.get("/api/users/me/export").expect(200).json();
    let heirs = json!([{"contact_id": a, "of": b}, {"contact_id": d, "of": a}]);
    let wanted = json!([{"contact_ids": [b, c], "heirs": heirs}, {"contact_ids": [a, c]}]);
    assert_eq!(exported["dismissed_duplicates"], wanted);
}

#[test]
fn a_purge_of_the_merged_one_leaves_its_heir_dismissed() {
    let world = World::new();
    let ann = world.user("ann");
    let [a, b, c] =
        ["A", "B", "C"].map(|name| add(&ann, json!({"first_name": name, "email": "desk@x.org"})));
    dismiss(&ann, &[b, c]);
    merge(&ann, a, &[b]);
    world.pass(chrono::Duration::days(31));
    contactd::service::upkeep::purge(&world.app).unwrap();
    assert_eq!((rows(&world), found(&ann.signed_in())), (2, vec![]));
}

#[test]
fn what_is_cut_off_of_a_long_contact_may_conflict() {
    let world = World::new();
    let ann = world.user("ann");
    let card = |uid: &str, name: &str, n: &str| {
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{n};;;\r\nEMAIL:q@x.org\r\nEND:VCARD\r\n"
        )
    };
    let long = "Z".repeat(4_100);
    let file = card("1", &long, "Smith;Ann") + &card("2", &long, "Jones;Bob");
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, file.as_bytes()).expect(200);
    let groups = found(&ann);
    assert_eq!((groups[0].0.len(), groups[0].2), (2, false));
}

#[test]
fn too_many_dismissals_say_so_and_not_that_the_book_is_full() {
    let world = World::new();
    let ann = world.user("ann");
    let [a, b, c] = [1, 2, 3].map(|_| add(&ann, json!({"first_name": "Bob"})));
    // A few at a time: a statement has five seconds, on any machine.
    let made = (0..10).map(|part| {
        let (from, to) = (part * 10_000 - 99_997, (part * 10_000 - 89_998).min(0));
        world.sql::<i64>(&format!(
            "WITH made AS (
                INSERT INTO dismissals (owner, dismissal, contact, stands_for)
                SELECT owner, n, id, id FROM contacts, generate_series({from}, {to}) AS n WHERE id = {a}
                RETURNING 1
            )
            SELECT count(*) FROM made"
        ))
    });
    assert_eq!(made.sum::<i64>(), 99_998);
    let dismiss = |ids| ann.post("/api/contacts/duplicates/dismiss", json!({"ids": ids}));
    dismiss([a, b]).expect(204);
    let full = dismiss([a, c]).expect(409);
    assert_eq!(full.json()["type"], "/problems/quota-exceeded");
    let detail = full.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("dismiss") && !detail.contains("address book"), "{detail}");
}
