//! Forms come back as they were sent, and nothing that was chosen is lost on the way.

use crate::browser::{Browser, contact_id, value};
use serde_json::json;
use support::world::World;

#[test]
fn a_faulty_new_password_leaves_the_tick_for_phones_and_scripts() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let form = [("current_password", "wrong"), ("new_password", "x")];
    let kept = "name=\"keep_app_passwords\" value=\"true\" checked";
    let page = browser.post("/settings/password", &form).expect(422).text();
    assert!(!page.contains(kept), "{page}");
    let form: Vec<_> = form.into_iter().chain([("keep_app_passwords", "true")]).collect();
    let page = browser.post("/settings/password", &form).expect(422).text();
    assert!(page.contains(kept), "{page}");
}

#[test]
fn what_is_there_already_can_be_added_once_more_though_nothing_is_new() {
    let world = World::new();
    let ann = world.user("ann");
    ann.post("/api/contacts", json!({"first_name": "Ada", "uid": "one"})).expect(201);
    let browser = Browser::signed_in(&world, "ann");
    let file = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:one\r\nFN:Ada\r\nNOTE:other\r\nEND:VCARD\r\n";
    let answer = browser.post_file("/import", &[], "file", file).expect(303);
    let page = browser.follow(&answer).expect(200).text();
    assert!(page.contains("There is nothing new in this file."), "{page}");
    assert!(page.contains("name=\"existing\"") && page.contains("value=\"import\""), "{page}");
    let key = value(&page, "key").to_owned();
    let form = [("step", "import"), ("key", key.as_str()), ("existing", "add")];
    browser.post("/import/found", &form).expect(303);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "2");
}

#[test]
fn a_table_that_is_not_known_is_not_said_to_be_empty_before_its_columns_are_known() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let answer = browser.post_file("/import", &[], "file", b"Xa,Xb\nq,w\ne,r\n").expect(303);
    let page = browser.follow(&answer).expect(200).text();
    assert!(page.contains("Which column is what?"), "{page}");
    for text in ["There is nothing new", "0 contacts"] {
        assert!(!page.contains(text), "{text}: {page}");
    }
}

/// A workbook is what most people have, and a sentence in another language tells them nothing.
#[test]
fn what_is_wrong_with_a_file_is_told_in_the_language_of_the_reader() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann").reading("uk");
    let many = "A\n".repeat(100_001);
    let many = format!("First Name\n{many}");
    for (file, told) in [
        (&b"PK\x03\x04"[..], "Це книга таблиць (як-от .xlsx) або архів (ZIP)"),
        (b"\xD0\xCF\x11\xE0", "Це документ Microsoft Office"),
        (b"!BDN", "Це поштова скринька Outlook"),
        (b"\x1F\x8B", "Файл стиснено"),
        (b"%PDF", "Це PDF; а потрібні vCard"),
        (b"{\\rtf", "Це документ (RTF)"),
        (b"SQLite format 3", "Це база даних"),
        (b"\x89PNG", "Це зображення"),
        (b"[{]", "Файл не є правильним JSON: "),
        (b"{}", "JSON має бути списком контактів"),
        (b"hello", "Жоден рядок не називає стовпців: один із перших"),
        (many.as_bytes(), "У файлі понад 100000 контактів"),
    ] {
        let page = browser.post_file("/import", &[], "file", file).expect(422).text();
        let main = page.split("<main").nth(1).unwrap();
        assert!(main.contains(told), "{told}: {main:.900}");
    }
}

#[test]
fn a_label_with_a_comma_stays_one_label_when_its_contact_is_saved() {
    let world = World::new();
    let ann = world.user("ann");
    let labels = json!(["Smith, Oslo", "family", "\"best\", friends"]);
    let contact = json!({"first_name": "Ada", "labels": labels});
    let id = ann.post("/api/contacts", contact).expect(201).json()["id"].as_i64().unwrap();
    let browser = Browser::signed_in(&world, "ann");
    let path = format!("/contacts/{id}/edit");
    let page = browser.get(&path).expect(200).text();
    let field = page.split("name=\"labels\"").nth(1).and_then(|it| it.split("value=\"").nth(1));
    let field = field.unwrap().split('"').next().unwrap().replace("&quot;", "\"");
    let revision = value(&page, "revision").to_owned();
    let form = [("first_name", "Augusta"), ("labels", field.as_str()), ("revision", &revision)];
    browser.post(&path, &form).expect(303);
    let stored = ann.get(&format!("/api/contacts/{id}")).expect(200).json();
    assert_eq!((&stored["first_name"], &stored["labels"]), (&json!("Augusta"), &labels));
}

#[test]
fn a_photo_stays_to_be_removed_or_is_asked_for_again() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let mut png = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(9, 9).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let png = png.into_inner();
    let named = [("first_name", "Bob")];
    let id = contact_id(&browser.post_file("/contacts/new", &named, "photo", &png).expect(303));
    let path = format!("/contacts/{id}/edit");
    let (ticked, again) = ("name=\"photo.remove\" value=\"1\" checked", "Choose the photo again");
    let page = browser.get(&path).expect(200).text();
    assert!(!page.contains(ticked) && !page.contains(again), "{page}");
    let revision = value(&page, "revision").to_owned();
    let faulty = [
        ("first_name", "Bob"),
        ("phones.0.value", "1"),
        ("photo.remove", "1"),
        ("revision", &revision),
    ];
    let page = browser.post(&path, &faulty).expect(422).text();
    assert!(page.contains(ticked) && !page.contains(again), "{page}");
    let page = browser.post_file(&path, &faulty, "photo", &png).expect(422).text();
    assert!(page.contains(again), "{page}");
    ann.patch(&format!("/api/contacts/{id}"), json!({"nickname": "Bobby"})).expect(200);
    let good = [("first_name", "Bob"), ("photo.remove", "1"), ("revision", &revision)];
    let page = browser.post_file(&path, &good, "photo", &png).expect(412).text();
    assert!(page.contains(ticked) && page.contains(again), "{page}");
}

#[test]
fn two_who_change_one_contact_see_only_where_they_differ() {
    let world = World::new();
    let ann = world.user("ann");
    let contact = json!({
        "first_name": "Ada", "birthday": "--02-29", "additional_data": "Nuts\nand bolts",
        "emails": [{"value": "a@example.com"}, {"value": "b@example.com"}],
    });
    let id = ann.post("/api/contacts", contact).expect(201).json()["id"].as_i64().unwrap();
    let browser = Browser::signed_in(&world, "ann");
    let path = format!("/contacts/{id}/edit");
    let revision = value(&browser.get(&path).expect(200).text(), "revision").to_owned();
    let other = json!({
        "first_name": "Augusta", "birthday": "1815-12-10",
        "emails": [{"value": "a@example.com"}, {"value": "b@example.com", "label": "boat"}],
    });
    ann.patch(&format!("/api/contacts/{id}"), other).expect(200);
    // As a browser sends the form: with the empty rows of the other lists.
    let form = [
        ("first_name", "Ada"),
        ("birthday", "29 February"),
        ("additional_data", "Nuts\r\nand bolts"),
        ("emails.0.value", "a@example.com"),
        ("emails.1.value", "b@example.com"),
        ("emails.primary", "1"),
        ("phones.0.value", ""),
        ("phones.0.label", ""),
        ("phones.primary", "0"),
        ("addresses.0.street", ""),
        ("addresses.primary", "0"),
        ("revision", &revision),
    ];
    let page = browser.post(&path, &form).expect(412).text();
    let table = page.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
    let rows: Vec<_> = table.split("<tr>").skip(1).map(str::trim).collect();
    let row = |name: &str, theirs: &str, mine: &str| {
        format!("<th scope=\"row\">{name}</th><td>{theirs}</td><td>{mine}</td></tr>")
    };
    let expected = [
        row("Birthday", "10 December 1815", "29 February"),
        row("E-mail addresses 2: Label", "boat", "–"),
        row("E-mail addresses: main", "a@example.com", "b@example.com"),
        row("First name", "Augusta", "Ada"),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_contact_does_not_say_by_whom_it_was_changed_when_history_does_not_remember() {
    let world = World::new();
    let ann = world.user("ann");
    let script = world.nobody().with_basic("ann", &ann.app_password("write"));
    let contact = json!({"first_name": "Ada"});
    let id = script.post("/api/contacts", contact).expect(201).json()["id"].as_i64().unwrap();
    let last = || {
        let page = Browser::signed_in(&world, "ann").get(&format!("/contacts/{id}")).text();
        let after = page.split("Changed <").nth(1).expect("when it was changed");
        after.split("<br>").next().unwrap().to_owned()
    };
    assert!(last().contains("my write"), "{}", last());
    let browser = Browser::signed_in(&world, "ann");
    let revision =
        value(&browser.get(&format!("/contacts/{id}/edit")).text(), "revision").to_owned();
    let form = [("first_name", "Augusta"), ("revision", &revision)];
    browser.post(&format!("/contacts/{id}/edit"), &form).expect(303);
    assert!(last().contains(" · you"), "{}", last());
    world.pass(chrono::Duration::days(40));
    assert!(!last().contains(" · "), "{}", last());
}

#[test]
fn what_stops_in_the_midst_says_how_far_it_came_and_can_be_undone() {
    let world = World::new();
    let ann = world.user("ann");
    let card = |n: usize| {
        // The last one has as many labels as a contact may have.
        let labels: Vec<_> =
            (0..if n == 1_000 { 50 } else { 0 }).map(|it| format!("l{it}")).collect();
        let labels = labels.join(",");
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Name {n:04}\r\nCATEGORIES:{labels}\r\nEND:VCARD\r\n"
        )
    };
    let file: String = (0..1_001).map(card).collect();
    let kind = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &kind, file.as_bytes()).expect(200);
    let browser = Browser::signed_in(&world, "ann");
    let form = [("action", "add_label"), ("label", "choir"), ("all", "1")];
    let answer = browser.post("/contacts/bulk", &form).expect(303);
    let page = browser.follow(&answer).text();
    for text in
        ["1,000 contacts got the label", "stay as they are. A contact has at most 50", "Undo"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[test]
fn a_faulty_form_for_many_comes_back_on_its_page_with_what_was_ticked() {
    let world = World::new();
    let ann = world.user("ann");
    let ids: Vec<_> = (0..60)
        .map(|n| {
            ann.post("/api/contacts", json!({"first_name": format!("Name{n:02}")})).json()["id"]
                .to_string()
        })
        .collect();
    let browser = Browser::signed_in(&world, "ann");
    let page = browser.get("/contacts?sort=-name").expect(200).text();
    let next = page.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let page = browser.get(&next.replace("&amp;", "&")).expect(200).text();
    let query = value(&page, "query").replace("&amp;", "&");
    let long = "x".repeat(51);
    let form = [
        ("action", "add_label"),
        ("label", long.as_str()),
        ("ids", &ids[3]),
        ("ids", &ids[5]),
        ("query", &query),
    ];
    let page = browser.post("/contacts/bulk", &form).expect(422).text();
    assert!(page.contains("a label of 1 to 50 characters"), "{page}");
    assert!(page.contains("Name09") && !page.contains("Name10"), "the second page: {page}");
    for (at, id) in ids.iter().enumerate().take(10) {
        let ticked = page.contains(&format!("name=\"ids\" value=\"{id}\" checked"));
        assert_eq!(ticked, [3, 5].contains(&at), "{at}: {page}");
    }
    assert!(page.contains(&format!("value=\"{long}\"")), "{page}");
    assert_eq!(value(&page, "query").replace("&amp;", "&"), query);
}

#[test]
fn a_date_is_typed_as_people_write_it_with_its_year_or_without() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let form = [
        ("first_name", "Ada"),
        ("birthday", "17.05."),
        ("dates.1.value", "5 червня 1990"),
        ("dates.1.label", "wedding"),
    ];
    let id = contact_id(&browser.post("/contacts/new", &form).expect(303));
    let stored = ann.get(&format!("/api/contacts/{id}")).expect(200).json();
    assert_eq!(
        (&stored["birthday"], &stored["dates"][0]["value"]),
        (&json!("--05-17"), &json!("1990-06-05"))
    );
    // It comes back as the pages of its reader write it.
    let edit = format!("/contacts/{id}/edit");
    for (browser, birthday, date) in [
        (&browser, "17 May", "5 June 1990"),
        (&Browser::signed_in(&world, "ann").reading("uk"), "17 травня", "5 червня 1990"),
        (&Browser::signed_in(&world, "ann").reading("en-US"), "May 17", "June 5, 1990"),
    ] {
        let page = browser.get(&edit).expect(200).text();
        assert_eq!((value(&page, "birthday"), value(&page, "dates.0.value")), (birthday, date));
        let form = [
            ("first_name", "Ada"),
            ("birthday", birthday),
            ("dates.0.value", date),
            ("dates.0.label", "wedding"),
            ("revision", value(&page, "revision")),
        ];
        browser.post(&edit, &form).expect(303);
    }
    let same = ann.get(&format!("/api/contacts/{id}")).expect(200).json();
    assert_eq!(same["revision"], stored["revision"]);
    // A label that is too long is no date that cannot be read.
    let label = "x".repeat(51);
    let form = [("first_name", "Ada"), ("dates.0.value", "1990-06-05"), ("dates.0.label", &label)];
    let page = browser.post("/contacts/new", &form).expect(422).text();
    let fault = page.split("id=\"dates.0.label-fault\">").nth(1).unwrap();
    assert!(fault.starts_with("Must have 1 to 50 characters"), "{fault:.80}");
    // What is wrong stands beside the field, which keeps what was typed.
    for (language, typed, why) in [
        ("en", "05/06/1990", "Could be two days: write the month as a word, as in 5 June 1990."),
        ("en", "31.02.", "There is no such day."),
        ("en", "last spring", "Must be a date such as 17 May 1990"),
        ("uk", "05/06/1990", "Це може бути два різні дні"),
        ("uk", "31.02.", "Такого дня немає."),
        ("uk", "17.05.90", "Напишіть дату так: 17 травня 1990"),
    ] {
        let browser = Browser::signed_in(&world, "ann").reading(language);
        let form = [("first_name", "Ada"), ("birthday", typed), ("dates.2.value", typed)];
        let page = browser.post("/contacts/new", &form).expect(422).text();
        for field in ["birthday", "dates.2.value"] {
            let fault = format!("id=\"{field}-fault\">{why}");
            assert!(page.contains(&fault), "{fault}: {page}");
            assert_eq!(value(&page, field), typed);
            let described = format!("aria-describedby=\"{field}-fault {field}-hint\"");
            assert!(page.contains(&described), "{described}: {page}");
        }
    }
}

#[test]
fn the_box_of_an_address_can_be_seen_and_taken_away() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let address = |po_box: &str| json!({"street": "Lindenstr. 5", "po_box": po_box});
    let contact = json!({"first_name": "Ada", "addresses": [address("PO 123")]});
    let id = ann.post("/api/contacts", contact).expect(201).json()["id"].clone();
    let path = format!("/contacts/{id}/edit");
    let page = browser.get(&path).expect(200).text();
    assert!(
        page.contains("P.O. box") && !page.contains("type=\"hidden\" name=\"addresses"),
        "{page}"
    );
    assert_eq!(value(&page, "addresses.0.po_box"), "PO 123");
    let form = [
        ("revision", value(&page, "revision")),
        ("first_name", "Ada"),
        ("addresses.0.street", "Lindenstr. 5"),
        ("addresses.0.po_box", ""),
    ];
    browser.post(&path, &form).expect(303);
    let stored = ann.get(&format!("/api/contacts/{id}")).expect(200).json();
    assert_eq!(stored["addresses"][0]["po_box"], json!(null));
    assert!(!browser.get(&path).text().contains("P.O. box"), "few have one");
}
