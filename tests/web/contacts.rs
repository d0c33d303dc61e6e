//! Contacts on pages: written, found, changed by two, selected, brought in, taken out.

use crate::browser::{Browser, contact_id, value};
use serde_json::json;
use support::world::World;

#[test]
fn a_contact_is_written_with_every_kind_of_entry_and_shown_whole() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let form = [
        ("first_name", "Jürgen"),
        ("last_name", "Müller"),
        ("organization", "Example GmbH"),
        ("emails.0.value", "j@example.com"),
        ("emails.0.label", "work"),
        ("emails.2.value", "jojo@example.net"),
        ("emails.2.label", "boat house"),
        ("emails.primary", "2"),
        ("phones.0.value", "+49 30 1234567"),
        ("phones.0.label", "mobile"),
        ("addresses.0.street", "Lindenstr. 5"),
        ("addresses.0.city", "Berlin"),
        ("birthday", "2000-02-29"),
        ("birthday.no_year", "1"),
        ("dates.0.value", "2015-05-16"),
        ("dates.0.label", "anniversary"),
        ("urls.0.value", "https://mueller.example"),
        ("online.0.service", "matrix"),
        ("online.0.value", "@jojo:example.net"),
        ("relations.0.value", "Anna"),
        ("labels", "family, optics"),
        ("additional_data", "Met in Oslo\nNuts"),
    ];
    let id = contact_id(&browser.post("/contacts/new", &form).expect(303));
    let contact = ann.get(&format!("/api/contacts/{id}")).expect(200).json();
    assert_eq!(contact["display_name"], "Jürgen Müller");
    assert_eq!(contact["email"], "jojo@example.net");
    assert_eq!(
        contact["emails"],
        json!([
            {"value": "j@example.com", "label": "work", "primary": false},
            {"value": "jojo@example.net", "label": "boat house", "primary": true}
        ])
    );
    assert_eq!(contact["birthday"], "--02-29");
    assert_eq!(contact["labels"], json!(["family", "optics"]));
    let page = browser.get(&format!("/contacts/{id}")).expect(200).text();
    for text in [
        "tel:+49301234567",
        "mailto:jojo@example.net",
        "openstreetmap.org",
        "29 February",
        "anniversary",
        "Met in Oslo<br>Nuts",
        "@jojo:example.net",
        "<bdi>Example GmbH</bdi>",
        "<details class=\"past\">",
        ": ann\"",
    ] {
        assert!(page.contains(text), "{text}");
    }
    // A later part of the history is not folded away.
    let page = browser.get(&format!("/contacts/{id}?before=999999")).expect(200).text();
    assert!(page.contains("<details class=\"past\" open>"));
    // What is shown in the form and sent back as it is changes nothing.
    let before = ann.get(&format!("/api/contacts/{id}")).expect(200);
    let page = browser.get(&format!("/contacts/{id}/edit")).expect(200).text();
    let revision = value(&page, "revision");
    let form: Vec<_> = form.into_iter().chain([("revision", revision)]).collect();
    browser.post(&format!("/contacts/{id}/edit"), &form).expect(303);
    assert_eq!(ann.get(&format!("/api/contacts/{id}")).header("ETag"), before.header("ETag"));
}

#[test]
fn what_is_wrong_stands_beside_its_field_and_nothing_is_lost() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let form = [
        ("last_name", "Müller"),
        ("emails.0.value", ""),
        ("emails.3.value", "no address"),
        ("phones.0.value", "1"),
        ("birthday", "1999-02-31"),
    ];
    let page = browser.post("/contacts/new", &form).expect(422).text();
    for field in ["emails.3.value", "phones.0.value", "birthday"] {
        assert!(page.contains(&format!("id=\"{field}-fault\"")), "{field}: {page}");
        assert!(page.contains(&format!("aria-describedby=\"{field}-fault")), "{field}");
    }
    assert!(page.contains("value=\"no address\"") && page.contains("value=\"Müller\""));
    let page = browser.post("/contacts/new", &[]).expect(422).text();
    assert!(page.contains("id=\"first_name-fault\""));
}

#[test]
fn without_the_script_a_button_adds_a_row_and_another_takes_one_away() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let form =
        [("first_name", "Ann"), ("phones.0.value", "+49 30 1"), ("phones.1.value", "+49 30 2")];
    let more: Vec<_> = form.into_iter().chain([("row", "phones.2")]).collect();
    let page = browser.post("/contacts/new", &more).expect(200).text();
    assert!(page.contains("name=\"phones.2.value\"") && page.contains("value=\"+49 30 2\""));
    let less: Vec<_> = form.into_iter().chain([("remove", "phones.0")]).collect();
    let page = browser.post("/contacts/new", &less).expect(200).text();
    assert!(!page.contains("value=\"+49 30 1\"") && page.contains("value=\"+49 30 2\""));
}

#[test]
fn two_who_change_one_contact_see_each_others_change() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let id = contact_id(&browser.post("/contacts/new", &[("first_name", "Bob")]).expect(303));
    let path = format!("/contacts/{id}/edit");
    let revision = |page: &str| value(page, "revision").to_owned();
    let seen = revision(&browser.get(&path).expect(200).text());
    ann.patch(&format!("/api/contacts/{id}"), json!({"first_name": "Robert"})).expect(200);
    let page =
        browser.post(&path, &[("first_name", "Bobby"), ("revision", &seen)]).expect(412).text();
    assert!(page.contains("Robert") && page.contains("Bobby"), "both are shown");
    assert_eq!(
        ann.get(&format!("/api/contacts/{id}")).json()["first_name"],
        "Robert",
        "nothing was overwritten"
    );
    browser.post(&path, &[("first_name", "Bobby"), ("revision", &revision(&page))]).expect(303);
    assert_eq!(ann.get(&format!("/api/contacts/{id}")).json()["first_name"], "Bobby");
}

#[test]
fn the_list_is_searched_sorted_labelled_and_paged() {
    let world = World::new();
    let ann = world.user("ann");
    for number in 0..60 {
        let labels = if number < 3 { json!(["few"]) } else { json!([]) };
        ann.post(
            "/api/contacts",
            json!({"first_name": format!("Name{number:02}"), "labels": labels}),
        )
        .expect(201);
    }
    let browser = Browser::signed_in(&world, "ann");
    let page = browser.get("/contacts").expect(200).text();
    assert_eq!(page.matches("name=\"ids\"").count(), 50);
    assert!(page.contains("60 contacts") && page.contains("Name49") && !page.contains("Name50"));
    let next = page
        .split("rel=\"next\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .replace("&amp;", "&");
    let page = browser.get(&next).expect(200).text();
    assert_eq!(page.matches("name=\"ids\"").count(), 10);
    assert!(page.contains("Name59") && !page.contains("rel=\"next\""));
    let page = browser.get("/contacts?label=few").expect(200).text();
    assert_eq!(page.matches("name=\"ids\"").count(), 3);
    let page = browser.get("/contacts?search=name4").expect(200).text();
    assert_eq!(page.matches("name=\"ids\"").count(), 10);
    let page = browser.get("/contacts?sort=-name").expect(200).text();
    assert!(page.contains("Name59") && !page.contains("Name00"));
    assert!(
        browser
            .get("/contacts?search=nothing-like-that")
            .expect(200)
            .text()
            .contains("Nothing found")
    );
}

/// A book in which that takes long is searched one at a time, whoever asks.
#[test]
fn all_that_was_found_is_looked_for_as_a_list_is() {
    let world = World::new();
    let ann = world.user("ann");
    ann.post("/api/contacts", json!({"first_name": "Ada"})).expect(201);
    let browser = Browser::signed_in(&world, "ann");
    let export = [("action", "export"), ("all", "1"), ("search", "ada")];
    world.app.slow_books.add(ann.id, std::time::Instant::now());
    let another_search = world.app.search_slot(ann.id).unwrap();
    browser.post("/contacts/bulk", &export).expect(503);
    drop(another_search);
    let cards = browser.post("/contacts/bulk", &export).expect(200).text();
    assert!(cards.contains("FN:Ada"), "{cards}");
}

#[test]
fn what_is_pasted_from_a_table_is_searched_as_words() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    for (first, last) in [("Ada", "Lovelace"), ("Ada", "Byron")] {
        ann.post("/api/contacts", json!({"first_name": first, "last_name": last})).expect(201);
    }
    let page = browser.get("/contacts?search=Lovelace%09Ada").expect(200).text();
    assert!(page.contains("Ada Lovelace") && !page.contains("Ada Byron"), "{page}");
}

#[test]
fn many_get_a_label_lose_it_and_are_deleted_and_are_back_by_undo() {
    let world = World::new();
    let ann = world.user("ann");
    for number in 0..60 {
        ann.post("/api/contacts", json!({"first_name": format!("Name{number:02}")})).expect(201);
    }
    let browser = Browser::signed_in(&world, "ann");
    let answer = browser
        .post("/contacts/bulk", &[("action", "add_label"), ("label", "all of them"), ("all", "1")])
        .expect(303);
    assert!(browser.follow(&answer).text().contains("60 contacts got the label “all of them”."));
    let total = |filter: &str| {
        ann.get(&format!("/api/contacts?{filter}")).header("X-Total-Count").to_owned()
    };
    assert_eq!(total("label=all%20of%20them"), "60");
    browser
        .post("/contacts/bulk", &[("action", "delete"), ("all", "1"), ("search", "Name5")])
        .expect(303);
    assert_eq!(total(""), "50");
    let page = browser.get("/contacts").text();
    assert!(page.contains("10 contacts were deleted."));
    let [to, after] = ["to", "undo"].map(|name| value(&page, name));
    assert!(!browser.get("/contacts").text().contains("were deleted"), "it is shown once");
    let undo = [("to", to), ("undo", after)];
    // A phone has added somebody since: the page asks before that goes too.
    let added = ann.post("/api/contacts", json!({"first_name": "Phone"})).expect(201).json();
    let answer = browser.post("/history/rewind", &undo).expect(303);
    assert_eq!(answer.header("Location"), format!("/history/rewind?to={to}"));
    assert_eq!(total(""), "51");
    ann.delete(&format!("/api/contacts/{}", added["id"])).expect(204);
    let now = (after.parse::<i64>().unwrap() + 2).to_string();
    let undo = [("to", to), ("undo", now.as_str())];
    let answer = browser.post("/history/rewind", &undo).expect(303);
    assert!(browser.follow(&answer).text().contains("The change was undone."));
    assert_eq!(total(""), "60");
    browser
        .post(
            "/contacts/bulk",
            &[("action", "remove_label"), ("label", "ALL OF THEM"), ("all", "1")],
        )
        .expect(303);
    assert_eq!(total("label=all%20of%20them"), "0");
    let page = browser.post("/contacts/bulk", &[("action", "delete")]).expect(422).text();
    assert!(page.contains("Select at least one"));
    for (action, label) in
        [("add_label", " "), ("remove_label", ""), ("add_label", &"x".repeat(51))]
    {
        let form = [("action", action), ("label", label), ("all", "1"), ("search", "Name5")];
        let page = browser.post("/contacts/bulk", &form).expect(422).text();
        assert!(page.contains("a label of 1 to 50 characters"));
    }
}

#[test]
fn all_that_was_found_is_more_than_a_page_and_the_labels_are_those_of_now() {
    let world = World::new();
    let ann = world.user("ann");
    let card = |n: usize| format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Name {n}\r\nEND:VCARD\r\n");
    let file: String = (0..1_230).map(card).collect();
    let kind = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &kind, file.as_bytes()).expect(200);
    let browser = Browser::signed_in(&world, "ann");
    let labels = || {
        let page = browser.get("/contacts").expect(200).text();
        page.split_once("labels-title").map(|(_, rest)| rest.to_owned()).unwrap_or_default()
    };
    assert_eq!(labels(), "");
    let all = |action, label, search| {
        [("action", action), ("label", label), ("search", search), ("all", "1")]
    };
    browser.post("/contacts/bulk", &all("add_label", "choir", "")).expect(303);
    assert!(labels().contains("<span>choir</span> <small>1,230</small>"));
    browser.post("/contacts/bulk", &all("remove_label", "choir", "name 1")).expect(303);
    // Without a 1 are nine digits in each of three places.
    assert!(labels().contains("<span>choir</span> <small>729</small>"), "{}", labels());
    browser.post("/contacts/bulk", &all("delete", "", "")).expect(303);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "0");
    assert_eq!(labels(), "");
}

#[test]
fn nothing_that_a_contact_says_runs_in_the_page() {
    let world = World::new();
    let ann = world.user("ann");
    let evil = "\"><img src=x onerror=alert(1)>";
    let contact = json!({
        "first_name": evil, "last_name": evil, "nickname": evil, "organization": evil, "job_title": evil, "additional_data": evil,
        "urls": [{"value": "javascript:alert(1)", "label": evil}], "labels": [evil], "relations": [{"value": evil, "label": evil}],
        "online": [{"service": evil, "value": evil, "label": evil}], "birthday": "1990-11-24",
    });
    let id = ann.post("/api/contacts", contact).expect(201).json()["id"].as_i64().unwrap();
    ann.patch(&format!("/api/contacts/{id}"), json!({"nickname": "other"})).expect(200);
    let browser = Browser::signed_in(&world, "ann");
    let paths = [
        "/contacts".to_owned(),
        format!("/contacts/{id}"),
        format!("/contacts/{id}/edit"),
        "/birthdays".to_owned(),
        "/history".to_owned(),
        "/duplicates".to_owned(),
        "/export".to_owned(),
        format!("/contacts?search={}", "%22%3E%3Cimg%20src%3Dx"),
    ];
    for path in paths {
        let page = browser.get(&path).expect(200).text();
        assert!(!page.contains("<img src=x"), "{path}");
        assert!(!page.contains("href=\"javascript:"), "{path}");
    }
}

#[test]
fn a_file_is_looked_at_before_it_comes_in_and_the_import_can_be_undone() {
    let world = World::new();
    let ann = world.user("ann");
    ann.post("/api/contacts", json!({"first_name": "Ada", "email": "ada@example.com"})).expect(201);
    let browser = Browser::signed_in(&world, "ann");
    let file =
        "First Name,Email\nAda,ada@example.com\nGrace,grace@example.com\nLinus,linus@example.com\n";
    let answer = browser
        .post_file("/import", &[("label", "from a file")], "file", file.as_bytes())
        .expect(303);
    let page = browser.follow(&answer).expect(200).text();
    for text in ["Ada", "Grace", "there already", "Import 2 contacts", "value=\"from a file\""] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("value=\"rows."), "there is no other page: {page}");
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "1", "nothing was changed");
    let key = value(&page, "key");
    browser
        .post("/import/found", &[("step", "import"), ("label", "from a file"), ("key", key)])
        .expect(303);
    assert_eq!(ann.get("/api/contacts?label=from%20a%20file").header("X-Total-Count"), "2");
    let page = browser.get("/contacts").text();
    assert!(page.contains("2 contacts were imported.") && page.contains("Undo"));
    let to = value(&page, "to");
    browser.post("/history/rewind", &[("to", to), ("confirm", "1")]).expect(303);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "1");
    let page = browser.post_file("/import", &[], "file", b"").expect(422).text();
    assert!(page.contains("class=\"fault\""));
    let answer = browser.post("/import/found", &[("step", "import"), ("key", key)]).expect(303);
    assert_eq!(answer.header("Location"), "/import", "the file was used");
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(width, height)
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// Whoever sends it again without the photo would have the contact twice.
#[test]
fn a_contact_whose_photo_has_no_room_is_not_made_without_it() {
    let world = World::with(|config| config.max_storage = 700);
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let new = [("first_name", "Bob")];
    browser.post_file("/contacts/new", &new, "photo", &png(40, 30)).expect(422);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM contacts"), 0);
    let id = contact_id(&browser.post("/contacts/new", &new).expect(303));
    let named = [("first_name", "Bert"), ("revision", "1")];
    browser.post_file(&format!("/contacts/{id}/edit"), &named, "photo", &png(40, 30)).expect(422);
    assert_eq!(world.sql::<i64>("SELECT revision FROM contacts"), 1);
}

#[test]
fn a_photo_comes_with_the_form_and_goes_again() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let answer = browser
        .post_file("/contacts/new", &[("first_name", "Bob")], "photo", &png(40, 30))
        .expect(303);
    let id = contact_id(&answer);
    let photo = browser.get(&format!("/contacts/{id}/photo")).expect(200);
    assert_eq!(photo.header("Content-Type"), "image/jpeg");
    assert!(
        browser.get(&format!("/contacts/{id}")).text().contains(&format!("/contacts/{id}/photo"))
    );
    let page = browser.get(&format!("/contacts/{id}/edit")).text();
    let revision = value(&page, "revision").to_owned();
    browser
        .post(
            &format!("/contacts/{id}/edit"),
            &[("first_name", "Bob"), ("revision", &revision), ("photo.remove", "1")],
        )
        .expect(303);
    browser.get(&format!("/contacts/{id}/photo")).expect(404);
    let page = browser
        .post_file("/contacts/new", &[("first_name", "Bob")], "photo", b"no picture")
        .expect(422)
        .text();
    assert!(page.contains("class=\"fault\"") && page.contains("value=\"Bob\""));
}
