//! What has to give way to a limit: the page says which limit it was, and whom it met.

use crate::browser::{Browser, value};
use contactd::config::Rate;
use serde_json::json;
use support::world::World;

#[test]
fn who_has_as_many_labels_as_one_may_have_is_named() {
    let world = World::new();
    let ann = world.user("ann");
    let labels: Vec<_> = (0..50).map(|n| n.to_string()).collect();
    for name in ["Ada", "Bob"] {
        ann.post("/api/contacts", json!({ "first_name": name })).expect(201);
    }
    ann.post("/api/contacts", json!({ "first_name": "Zoe", "labels": labels })).expect(201);
    let browser = Browser::signed_in(&world, "ann");
    let form = [("action", "add_label"), ("label", "choir"), ("all", "1")];
    let page = browser.post("/contacts/bulk", &form).expect(422).text();
    assert!(page.contains("A contact has at most 50 labels, and so many has Zoe."), "{page}");
    let browser = Browser::signed_in(&world, "ann").reading("uk");
    let page = browser.post("/contacts/bulk", &form).expect(422).text();
    assert!(page.contains("Контакт має щонайбільше 50 міток, і стільки вже має Zoe."), "{page}");
}

#[test]
fn too_many_words_are_a_fault_of_the_search_box() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    browser.post("/contacts/new", &[("first_name", "Bob")]).expect(303);
    let words = vec!["w"; 21].join("+");
    let page = browser.get(&format!("/contacts?search={words}&sort=-name")).expect(422).text();
    let fault = "<p class=\"fault\" id=\"search-fault\">Must have at most 20 words.</p>";
    assert!(page.contains(fault), "{page}");
    assert!(page.contains("aria-invalid=\"true\" aria-describedby=\"search-fault\""), "{page}");
    assert!(page.contains(&format!("value=\"{}\"", words.replace('+', " "))), "{page}");
    assert!(page.contains("<h1>Contacts</h1>") && !page.contains("Bob"), "{page}");
    let page = browser.get("/contacts?search=bob").expect(200).text();
    assert!(!page.contains("search-fault"), "{page}");
    // What no box sends is the page of an error, as it was.
    browser.get("/contacts?sort=odd").expect(422);
}

#[test]
fn whose_card_a_longer_label_makes_too_long_is_named() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let add = |uid: &str, lines: usize| {
        let pad = format!("X-PAD:{}\r\n", "x".repeat(54)).repeat(lines);
        let card = format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:Zoe\r\nN:;Zoe;;;\r\n\
             CATEGORIES:x\r\n{pad}END:VCARD\r\n"
        );
        let kind = [("Content-Type", "text/vcard")];
        ann.send("POST", "/api/contacts/import", &kind, card.as_bytes()).expect(200).json()
    };
    add("a", 10);
    let id = ann.get("/api/contacts").expect(200).json()[0]["id"].as_i64().unwrap();
    let short = browser.get(&format!("/contacts/{id}.vcf")).expect(200).body.len();
    let full = add("b", 10 + ((1 << 20) - short) / 62);
    assert_eq!(full["created"], 1, "{full}");
    let to = "ї".repeat(50);
    let form = [("from", "x"), ("to", to.as_str())];
    let page = browser.post("/labels", &form).expect(422).text();
    let why = "Must have at most 1 MiB as a vCard without its pictures, and Zoe would have more.";
    let fault = format!("<p class=\"fault\" id=\"to-fault\">{why}</p>");
    assert!(page.contains(&fault), "{page}");
    let refused = ann.patch("/api/contacts/labels", json!({"from": "x", "to": to}));
    let refused = refused.expect_faults(&["card"]).json();
    assert!(refused["detail"].as_str().unwrap().contains("and Zoe would have more"), "{refused}");
}

#[test]
fn the_pages_of_a_preview_are_no_imports() {
    let limit = Some(Rate { count: 2, seconds: 60 });
    let world = World::with(|config| config.rates.import = limit);
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let card = |n: usize| format!("BEGIN:VCARD\r\nFN:Name {n}\r\nEND:VCARD\r\n");
    let file: String = (0..300).map(card).collect();
    browser.post_file("/import", &[], "file", file.as_bytes()).expect(303);
    let found = browser.get("/import/found").expect(200).text();
    let key = value(&found, "key");
    for page in 1..12 {
        let step = format!("rows.{}", page * 25);
        let form = [("key", key), ("step", step.as_str())];
        browser.post("/import/found", &form).expect(200);
    }
    // To look with other answers is one.
    browser.post("/import/found", &[("key", key), ("step", "look")]).expect(200);
    let import = [("key", key), ("step", "import")];
    browser.post("/import/found", &import).expect(429);
    browser.post_file("/import", &[], "file", file.as_bytes()).expect(429);
}

#[test]
fn each_page_of_a_preview_has_faults_of_its_own() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let card = |line: &str| format!("BEGIN:VCARD\r\n{line}\r\nEND:VCARD\r\n");
    let file = card("VERSION:3.0").repeat(30) + &card("FN:Bob Builder").repeat(60);
    browser.post_file("/import", &[], "file", file.as_bytes()).expect(303);
    let found = browser.get("/import/found").expect(200).text();
    for (page, faults) in [("rows.0", 0..10), ("rows.25", 10..20), ("rows.50", 20..30)] {
        let form = [("key", value(&found, "key")), ("step", page)];
        let shown = browser.post("/import/found", &form).expect(200).text();
        let has = |n: &usize| shown.contains(&format!("<tr><td>{}</td>", 3 * n + 1));
        assert!((0..30).filter(has).eq(faults), "{page}");
    }
}

#[test]
fn taking_the_file_in_counts_as_an_import() {
    let limit = Some(Rate { count: 1, seconds: 60 });
    let world = World::with(|config| config.rates.import = limit);
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let card = b"BEGIN:VCARD\r\nFN:Bob\r\nEND:VCARD\r\n";
    browser.post_file("/import", &[], "file", card).expect(303);
    let found = browser.get("/import/found").expect(200).text();
    let key = value(&found, "key");
    for step in ["import", ""] {
        browser.post("/import/found", &[("key", key), ("step", step)]).expect(429);
    }
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM contacts"), 0);
}

#[test]
fn a_full_book_says_which_limit_it_is_and_that_the_trash_counts() {
    let world = World::with(|config| config.max_contacts = 1);
    let ann = world.user("ann");
    let id = ann.post("/api/contacts", json!({"first_name": "A"})).expect(201).json()["id"].clone();
    ann.delete(&format!("/api/contacts/{id}")).expect(204);
    let new = [("first_name", "B")];
    let page = Browser::signed_in(&world, "ann").post("/contacts/new", &new).expect(422).text();
    let why = "The address book may have at most 1 contacts. Those in the trash count";
    assert!(page.contains(why), "{page}");
    let browser = Browser::signed_in(&world, "ann").reading("uk");
    let page = browser.post("/contacts/new", &new).expect(422).text();
    assert!(page.contains("Контактів в адресній книзі може бути щонайбільше 1."), "{page}");
    let world = World::with(|config| config.max_storage = 1 << 20);
    let ann = world.user("ann");
    let photo = "A".repeat(900_000);
    let card = |uid: &str| {
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:A\r\nPHOTO;ENCODING=b;TYPE=JPEG:{photo}\r\nEND:VCARD\r\n"
        )
    };
    let import = |uid: &str| {
        let kind = [("Content-Type", "text/vcard")];
        ann.send("POST", "/api/contacts/import", &kind, card(uid).as_bytes())
    };
    import("a").expect(200);
    let full = import("b").expect(409).json();
    assert_eq!(full["type"], "/problems/quota-exceeded");
    let why =
        "The cards and photos of the address book may take at most 1 MiB, those in the trash too.";
    assert_eq!(full["detail"], why);
    let browser = Browser::signed_in(&world, "ann").reading("uk");
    let page = browser.post_file("/import", &[], "file", card("b").as_bytes()).expect(422).text();
    assert!(
        page.contains("артки й світлини адресної книги можуть займати щонайбільше 1 МіБ"),
        "{page}"
    );
}
