//! Forms come back as they were sent, and nothing that was chosen is lost on the way.

use crate::browser::{Browser, contact_id};
use serde_json::json;
use support::world::World;

/// The value of the first field of this name on a page.
fn value<'p>(page: &'p str, name: &str) -> &'p str {
    let after = page.split(&format!("name=\"{name}\" value=\"")).nth(1).expect(name);
    after.split('"').next().unwrap()
}

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
