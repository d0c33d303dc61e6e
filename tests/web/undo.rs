//! Trash, history, duplicates: the way back.

use crate::browser::{Browser, contact_id, value};
use serde_json::json;
use support::world::World;

#[test]
fn what_was_deleted_together_lies_together_in_the_trash_and_comes_back() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let ids: Vec<_> = (0..3)
        .map(|n| {
            contact_id(
                &browser.post("/contacts/new", &[("first_name", &format!("Name{n}"))]).expect(303),
            )
        })
        .collect();
    let (one, two, three) = (ids[0].to_string(), ids[1].to_string(), ids[2].to_string());
    browser.post(&format!("/contacts/{one}/delete"), &[]).expect(303);
    world.pass(chrono::Duration::minutes(11));
    let form = [("action", "delete"), ("ids", two.as_str()), ("ids", &three)];
    browser.post("/contacts/bulk", &form).expect(303);
    let page = browser.get("/trash").expect(200).text();
    assert!(page.contains("Restore all 2") && page.contains("Name0") && page.contains("Name2"));
    assert_eq!(page.matches("class=\"batch\"").count(), 2, "{page}");
    browser.post("/trash/restore", &[("one", &one), ("ids", &two)]).expect(303);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "1");
    browser.post("/trash/restore", &[("all", &format!("{two},{three}"))]).expect(303);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "3");
    assert!(browser.get("/trash").text().contains("The trash is empty"));
}

#[test]
fn what_a_phone_deletes_one_by_one_lies_together_and_comes_back_at_once() {
    let world = World::new();
    let ann = world.user("ann");
    let ids: Vec<_> = (0..3)
        .map(|n| {
            ann.post("/api/contacts", json!({"first_name": format!("Name{n}")})).json()["id"]
                .to_string()
        })
        .collect();
    let phone = world.nobody().with_basic("ann", &ann.app_password("write"));
    for id in &ids[1..] {
        phone.delete(&format!("/api/contacts/{id}")).expect(204);
        world.pass(chrono::Duration::minutes(2));
    }
    // Another program, as soon after.
    ann.delete(&format!("/api/contacts/{}", ids[0])).expect(204);
    let browser = Browser::signed_in(&world, "ann");
    let page = browser.get("/trash").expect(200).text();
    assert_eq!(page.matches("class=\"batch\"").count(), 2, "{page}");
    assert!(page.contains("Restore all 2"), "{page}");
    assert_eq!(page.matches("Restore the selected ones").count(), 2, "{page}");
    let all = format!("{},{}", ids[2], ids[1]);
    assert!(page.contains(&format!("name=\"all\" value=\"{all}\"")), "{page}");
    browser.post("/trash/restore", &[("all", &all)]).expect(303);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "2");
}

#[test]
fn a_group_of_the_trash_that_goes_on_on_the_next_page_restores_what_it_shows() {
    let world = World::new();
    let ann = world.user("ann");
    let card = |n: usize| format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Name {n}\r\nEND:VCARD\r\n");
    let file: String = (0..103).map(card).collect();
    let kind = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &kind, file.as_bytes()).expect(200);
    let browser = Browser::signed_in(&world, "ann");
    browser.post("/contacts/bulk", &[("action", "delete"), ("all", "1")]).expect(303);
    let page = browser.get("/trash").expect(200).text();
    assert!(page.contains("Restore the 50 shown here"), "{page}");
    let page = browser.get("/trash?skip=100").expect(200).text();
    assert!(page.contains("Restore the 3 shown here"), "{page}");
}

#[test]
fn the_history_says_who_did_what_and_takes_the_book_back() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let id = ann.post("/api/contacts", json!({"first_name": "Ada"})).expect(201).json()["id"]
        .as_i64()
        .unwrap();
    for number in 0..5 {
        ann.post("/api/contacts", json!({"first_name": format!("Name{number}")})).expect(201);
    }
    world.pass(chrono::Duration::hours(3));
    let ann = ann.signed_in();
    let form = [("action", "delete"), ("all", "1"), ("search", "Name")];
    browser.post("/contacts/bulk", &form).expect(303);
    let page = browser.get("/history").expect(200).text();
    assert!(page.contains("5 deleted") && page.contains("6 added"), "{page}");
    let to =
        page.split("/history/rewind?to=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let page = browser.get(&format!("/history/rewind?to={to}")).expect(200).text();
    assert!(page.contains("5 deleted contacts come back."), "{page}");
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "1", "looking changes nothing");
    browser.post("/history/rewind", &[("to", &to)]).expect(303);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "6");
    // One contact: as it was then.
    ann.patch(&format!("/api/contacts/{id}"), json!({"first_name": "Augusta"})).expect(200);
    let page = browser.get(&format!("/contacts/{id}")).expect(200).text();
    let then = page.split("?then=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let page = browser.get(&format!("/contacts/{id}?then={then}")).expect(200).text();
    assert!(page.contains("<h1><bdi>Ada"), "{page}");
    browser.post(&format!("/contacts/{id}/revert"), &[("revision", &then)]).expect(303);
    assert_eq!(ann.get(&format!("/api/contacts/{id}")).json()["first_name"], "Ada");
    browser.get(&format!("/contacts/{id}?then=999999")).expect(404);
}

#[test]
fn what_a_phone_changed_beside_is_not_undone_unasked() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let phone = world.nobody().with_basic("ann", &ann.app_password("write"));
    let [one, two] = ["One", "Two"].map(|name| {
        contact_id(&browser.post("/contacts/new", &[("first_name", name)]).expect(303)).to_string()
    });
    // The second click finds it in the trash, and goes back to before the first one.
    browser.post(&format!("/contacts/{one}/delete"), &[]).expect(303);
    let path = format!("/api/contacts/{two}");
    phone.patch(&path, json!({"nickname": "Deux"})).expect(200);
    browser.post(&format!("/contacts/{one}/delete"), &[]).expect(303);
    let page = browser.get("/contacts").expect(200).text();
    let (to, undo) = (value(&page, "to"), value(&page, "undo"));
    let answer = browser.post("/history/rewind", &[("to", to), ("undo", undo)]).expect(303);
    assert_eq!(answer.header("Location"), format!("/history/rewind?to={to}"), "it is asked");
    assert_eq!(ann.get(&path).expect(200).json()["nickname"], "Deux");
}

#[test]
fn two_of_one_person_become_one_with_the_values_that_were_chosen() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let one = json!({"first_name": "Grace", "last_name": "Hopper", "job_title": "Admiral", "email": "grace@example.com"});
    let two = json!({"first_name": "Grace", "last_name": "Hopper", "job_title": "Commodore", "email": "grace@example.com", "phone": "+1 202 555 0123"});
    let ids = [one, two].map(|it| {
        ann.post("/api/contacts", it).expect(201).json()["id"].as_i64().unwrap().to_string()
    });
    let page = browser.get("/duplicates").expect(200).text();
    assert!(
        page.contains("Admiral")
            && page.contains("Commodore")
            && page.contains("same e-mail address"),
        "{page}"
    );
    let form =
        [("ids", ids[0].as_str()), ("ids", &ids[1]), ("keep", &ids[0]), ("set.job_title", &ids[1])];
    browser.post("/duplicates/merge", &form).expect(303);
    let kept = ann.get(&format!("/api/contacts/{}", ids[0])).expect(200).json();
    assert_eq!(
        (kept["job_title"].as_str(), kept["phone"].as_str()),
        (Some("Commodore"), Some("+1 202 555 0123"))
    );
    ann.get(&format!("/api/contacts/{}", ids[1])).expect(404);
    assert!(browser.get("/duplicates").text().contains("Nobody is here twice"));
    ann.post("/api/contacts", json!({"first_name": "Grace", "last_name": "Hopper"})).expect(201);
    let page = browser.get("/duplicates").text();
    let other = page
        .split("name=\"ids\" value=\"")
        .map(|it| it.split('"').next().unwrap())
        .find(|it| it.parse::<i64>().is_ok() && **it != *ids[0])
        .unwrap()
        .to_owned();
    browser.post("/duplicates/dismiss", &[("ids", &ids[0]), ("ids", &other)]).expect(303);
    assert!(browser.get("/duplicates").text().contains("Nobody is here twice"));
}

#[test]
fn of_three_alike_one_may_be_left_out() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let ids: Vec<String> = ["ada@example.com", "ada@example.com", "other@example.net"]
        .map(|email| json!({"first_name": "Ada", "last_name": "Lovelace", "email": email}))
        .map(|it| ann.post("/api/contacts", it).expect(201).json()["id"].to_string())
        .to_vec();
    let page = browser.get("/duplicates").expect(200).text();
    assert_eq!(page.matches("the same person").count(), 3, "{page}");
    // The third is ticked off, though it was chosen to be kept before.
    let form = [("ids", ids[0].as_str()), ("ids", &ids[1]), ("keep", &ids[2])];
    let answer = browser.post("/duplicates/merge", &form).expect(303);
    assert_eq!(answer.header("Location"), "/duplicates");
    let page = browser.follow(&answer).text();
    assert!(page.contains("Merged.") && page.contains("Undo"), "{page}");
    ann.get(&format!("/api/contacts/{}", ids[1])).expect(404);
    let other = ann.get(&format!("/api/contacts/{}", ids[2])).expect(200).json();
    assert_eq!(other["email"], "other@example.net");
    for path in ["/duplicates/merge", "/duplicates/dismiss"] {
        let answer = browser.post(path, &[("ids", &ids[0]), ("keep", &ids[0])]).expect(303);
        assert!(browser.follow(&answer).text().contains("at least two"), "{path}");
    }
}

#[test]
fn those_that_were_selected_are_merged_or_left_and_never_perhaps_the_same() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let ids = [("Ada", "crew"), ("Grace", "navy")].map(|(name, label)| {
        let street = format!("{name} St");
        let contact = json!({
            "first_name": name, "labels": [label], "addresses": [{"street": street, "city": "Oslo"}],
            "online": [{"service": "matrix", "value": label}],
        });
        ann.post("/api/contacts", contact).expect(201).json()["id"].to_string()
    });
    let path = format!("/duplicates?ids={},{}", ids[0], ids[1]);
    let page = browser.get(&path).expect(200).text();
    // What a list of each says, a line an entry.
    for said in ["crew", "navy", "Ada St Oslo", "Grace St Oslo", "matrix crew", "matrix navy"] {
        assert!(page.contains(&format!("<bdi>{said}</bdi>")), "{said}: {page}");
    }
    assert!(page.contains("<h1>Merge the selected ones</h1>"), "{page}");
    assert!(page.contains("<a class=\"button\" href=\"/contacts\">Cancel</a>"), "{page}");
    assert!(!page.contains("perhaps the same") && !page.contains("1 group"), "{page}");
    let form = [("ids", ids[0].as_str()), ("ids", &ids[1]), ("keep", &ids[1]), ("chosen", "1")];
    let answer = browser.post("/duplicates/merge", &form).expect(303);
    assert_eq!(answer.header("Location"), format!("/contacts/{}", ids[1]));
}

#[test]
fn a_page_merges_no_more_than_the_api() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let ids: Vec<String> = (0..102)
        .map(|at| {
            let contact = json!({"first_name": format!("A{at}")});
            ann.post("/api/contacts", contact).expect(201).json()["id"].to_string()
        })
        .collect();
    let form = |ids: &[String]| -> Vec<(&'static str, String)> {
        ids.iter().map(|id| ("ids", id.clone())).collect()
    };
    let send = |ids: &[String]| {
        let form = form(ids);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, id)| (*name, id.as_str())).collect();
        browser.post("/duplicates/merge", &form)
    };
    send(&ids).expect(422);
    assert_eq!(ann.get("/api/contacts?limit=1").expect(200).header("X-Total-Count"), "102");
    send(&ids[1..]).expect(303);
    assert_eq!(ann.get("/api/contacts?limit=1").expect(200).header("X-Total-Count"), "2");
}

#[test]
fn no_button_offers_an_undo_that_history_had_no_room_for() {
    let world = World::with(|config| config.max_storage = 20_000);
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let offered = |note: usize| {
        let contact = json!({"first_name": "Ann", "additional_data": "x".repeat(note)});
        let made = ann.post("/api/contacts", contact).expect(201).json();
        browser.post(&format!("/contacts/{}/delete", made["id"]), &[]).expect(303);
        browser.get("/contacts").expect(200).text().contains("action=\"/history/rewind\"")
    };
    assert_eq!([offered(10), offered(18_000)], [true, false]);
}
