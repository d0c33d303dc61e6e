//! What has to give way to a limit: the page says which limit it was, and whom it met.

use crate::browser::{Browser, value};
use contactd::config::Rate;
use support::world::World;

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
    let import = [("key", key), ("step", "import")];
    browser.post("/import/found", &import).expect(303);
    // That was the second one.
    browser.post_file("/import", &[], "file", file.as_bytes()).expect(429);
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
