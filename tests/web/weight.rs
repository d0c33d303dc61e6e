//! Every page has at most 60,000 bytes with its style and script, whatever lies in the book. What a contact
//! itself says on its own two pages is not counted: a note may have a megabyte, and is shown whole.

use crate::browser::{Browser, contact_id};
use contactd::routes::{Gate, ROUTES};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::world::{Actor, World};

const MOST: usize = 60_000;

fn long(letters: usize, number: usize) -> String {
    format!("{number:04}{}", "щ".repeat(letters - 4))
}

/// The address of the next page, which an HTML page links to.
pub fn next_of(page: &str) -> Option<String> {
    let link = page.split("<a ").find(|it| it.contains("rel=\"next\""))?;
    let href = link.split("href=\"").nth(1)?.split('"').next()?;
    Some(href.replace("&amp;", "&"))
}

/// Pages that were too heavy.
struct Scale {
    style_and_script: usize,
    faults: Vec<String>,
}

impl Scale {
    fn new(world: &World) -> Scale {
        let bytes = |path| world.nobody().get(path).expect(200).text().len();
        Scale { style_and_script: bytes("/style.css") + bytes("/app.js"), faults: Vec::new() }
    }

    fn weigh(&mut self, name: &str, page: &str) {
        let bytes = page.len() + self.style_and_script;
        // Shown when a test fails, or with --nocapture.
        println!("{bytes:7} {name}");
        if bytes > MOST {
            self.faults.push(format!("{bytes} {name}"));
        }
    }
}

/// Fills a book with what makes pages long, as the limits of the API allow it.
fn fill(ann: &Actor) {
    for part in 0..20 {
        let labels: Vec<_> = (part * 50..part * 50 + 50).map(|n| long(50, n)).collect();
        ann.post("/api/contacts", json!({"first_name": "Label", "labels": labels})).expect(201);
    }
    for n in 0..110 {
        let contact = json!({
            "first_name": long(100, n), "last_name": long(100, n), "organization": long(200, n),
            "job_title": long(200, n), "nickname": long(100, n), "department": long(200, n),
            "prefix": long(100, n), "suffix": long(100, n), "middle_name": long(100, n),
            "birthday": "1990-11-25", "email": format!("{n}@example.com"), "phone": "+380 44 555 01 99 77 88",
            "additional_data": long(2_000, n / 6), "addresses": [{"street": long(500, n / 6), "city": long(200, n)}],
        });
        let made = ann.post("/api/contacts", contact).expect(201).json();
        if n % 2 == 0 {
            ann.delete(&format!("/api/contacts/{}", made["id"])).expect(204);
        }
    }
    // Six at a time have an address, and differ in everything else.
    for n in 0..24 {
        let contact = json!({
            "first_name": long(100, n), "last_name": long(100, n), "organization": long(200, n),
            "job_title": long(200, n), "nickname": long(100, n), "department": long(200, n),
            "birthday": format!("19{}-01-01", 50 + n), "additional_data": long(2_000, n),
            "email": format!("same{}@example.com", n / 6),
        });
        ann.post("/api/contacts", contact).expect(201);
    }
}

/// What the API takes at most, but the note: 50 entries of each list are 350 rows of a form.
fn full() -> Value {
    let entry = |n: usize| json!({"value": format!("+380 44 555 {n:04}"), "label": "work"});
    json!({
        "first_name": long(100, 1), "last_name": long(100, 1), "organization": long(200, 1),
        "phones": (0..8).map(entry).collect::<Vec<_>>(),
        "emails": (0..8).map(|n| json!({"value": format!("{n}@example.com"), "label": "home"})).collect::<Vec<_>>(),
        "labels": (0..10).map(|n| long(50, n)).collect::<Vec<_>>(),
    })
}

#[test]
fn every_page_is_light_for_a_book_of_long_names_and_a_thousand_labels() {
    let world = World::new();
    let ann = world.admin("ann");
    fill(&ann);
    let full = ann.post("/api/contacts", full()).expect(201).json()["id"].clone();
    for n in 0..120 {
        let name = json!({"first_name": long(100, n)});
        ann.patch(&format!("/api/contacts/{full}"), name).expect(200);
    }
    for n in 0..40 {
        let name = format!("{:a>50}", n);
        let sql = format!(
            "WITH made AS (INSERT INTO users (username, email, password_hash, is_verified, created_at)
                VALUES ('{name}', '{name}@{}.example', '', true, now()) RETURNING 1) SELECT count(*) FROM made",
            "b".repeat(60)
        );
        assert_eq!(world.sql::<i64>(&sql), 1);
    }
    let mut scale = Scale::new(&world);
    let mut labels = BTreeSet::new();
    let mut seen = 0;
    // The words of this language are the longer ones.
    for language in ["uk"] {
        let browser = Browser::signed_in(&world, "ann").reading(language);
        for n in 0..100 {
            let device = [("name", long(100, n)), ("scope", "carddav".to_owned())];
            let device: Vec<_> =
                device.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let password = [("password", support::world::PASSWORD)];
            let fields: Vec<_> = device.into_iter().chain(password).collect();
            browser.post("/settings/connect", &fields);
        }
        let fixed =
            ROUTES.iter().filter(|it| matches!(it.gate, Gate::Visitor(_)) && it.verb == "GET");
        let fixed = fixed
            .map(|it| it.path.replace("{id}", &full.to_string()).replace("rewind", "rewind?to=0"));
        let label =
            percent_encoding::utf8_percent_encode(&long(50, 7), percent_encoding::NON_ALPHANUMERIC)
                .to_string();
        let more = [
            "/contacts?search=щщщ".to_owned(),
            format!("/contacts?label={label}"),
            "/contacts?sort=-updated_at".to_owned(),
            format!("/contacts/{full}?then=1"),
            "/admin?limit=100".to_owned(),
            "/admin/events?limit=100".to_owned(),
            "/trash?limit=100".to_owned(),
            "/nowhere".to_owned(),
        ];
        for path in fixed.chain(more) {
            let mut next = Some(path);
            let mut pages = 0;
            while let Some(path) = next.take().filter(|_| pages < 60) {
                let answer = browser.get(&path);
                if !answer.header("Content-Type").starts_with("text/html") {
                    break;
                }
                let page = answer.text();
                scale.weigh(&format!("{language} {path}"), &page);
                if path.starts_with("/labels") {
                    labels.extend(page.split("<bdi>").skip(1).map(|it| it[..4].to_owned()));
                }
                next = next_of(&page);
                pages += 1;
                seen += 1;
            }
        }
    }
    assert!(seen > 60, "only {seen} pages");
    assert_eq!(labels.len(), 1_000, "labels that are on some page");
    assert!(scale.faults.is_empty(), "{:#?}", scale.faults);
}

#[test]
fn every_step_of_an_import_is_light_and_nothing_of_the_file_is_out_of_reach() {
    let world = World::new();
    world.user("ann");
    let mut scale = Scale::new(&world);
    // The words of this language are the longer ones.
    for language in ["uk"] {
        let browser = Browser::signed_in(&world, "ann").reading(language);
        let token = browser.token();
        let send = |page: &str, step: &str, more: &[(&str, &str)]| {
            let key = crate::browser::value(page, "key");
            let form = [("csrf", token.as_str()), ("key", key), ("step", step)];
            let form: Vec<_> = form.iter().chain(more).copied().collect();
            let origin = [("Origin", crate::browser::ORIGIN)];
            browser.post_raw("/import/found", &form, &origin).expect(200).text()
        };
        // A thousand columns of which nothing is known, and people without a name.
        let header: Vec<_> = (0..1_000).map(|n| long(60, n)).collect();
        let row = vec![long(60, 1); 1_000].join(",");
        let file = format!("{}\n{}", header.join(","), [row.as_str(); 2].join("\n"));
        browser
            .post_file("/import", &[("label", &long(50, 1))], "file", file.as_bytes())
            .expect(303);
        let mut page = browser.get("/import/found").expect(200).text();
        let mut columns = BTreeSet::new();
        for _ in 0..60 {
            scale.weigh(&format!("{language} columns {}", columns.len()), &page);
            columns.extend(
                page.split(" for=\"map.")
                    .skip(1)
                    .map(|it| it.split('"').next().unwrap().to_owned()),
            );
            let Some(step) = page.split("value=\"columns.").nth(1) else { break };
            let step = format!("columns.{}", step.split('"').next().unwrap());
            if step == "columns.0" {
                break;
            }
            page = send(&page, &step, &[("map.3", "first_name")]);
        }
        assert_eq!(columns.len(), 1_000);
        assert!(
            page.contains("name=\"map.3\" value=\"first_name\""),
            "what was corrected is forgotten"
        );
        // Four hundred people with long names, some of whom cannot be read.
        let card = |n: usize| {
            let name = long(100, n);
            let born = if n.is_multiple_of(2) { "BDAY:31.31.1990\r\n" } else { "" };
            format!(
                "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nORG:{name}\r\n{born}EMAIL:{n}@example.com\r\nEND:VCARD\r\n"
            )
        };
        let file: String = (0..400).map(card).collect();
        browser.post_file("/import", &[], "file", file.as_bytes()).expect(303);
        let mut page = browser.get("/import/found").expect(200).text();
        let mut names = BTreeSet::new();
        for _ in 0..60 {
            scale.weigh(&format!("{language} rows {}", names.len()), &page);
            names.extend(
                page.split("<bdi>").skip(1).filter_map(|it| it.get(..4)).map(str::to_owned),
            );
            let steps = page.split("value=\"rows.").skip(1).map(|it| it.split('"').next().unwrap());
            let Some(step) = steps.filter(|it| *it != "0").last() else { break };
            page = send(&page, &format!("rows.{step}"), &[]);
        }
        let people = names.iter().filter(|it| it.parse::<usize>().is_ok()).count();
        assert_eq!(people, 400, "people of the file that are on some page");
    }
    assert!(scale.faults.is_empty(), "{:#?}", scale.faults);
}

#[test]
fn a_long_history_of_a_contact_goes_on_until_the_day_it_was_made() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let id = contact_id(&browser.post("/contacts/new", &[("first_name", "Ada")]).expect(303));
    for n in 0..120 {
        ann.patch(&format!("/api/contacts/{id}"), json!({"job_title": format!("{n}")})).expect(200);
    }
    let (mut next, mut changes, mut made) = (Some(format!("/contacts/{id}")), BTreeSet::new(), 0);
    while let Some(path) = next.filter(|_| changes.len() < 200) {
        let page = browser.get(&path).expect(200).text();
        let past = page.split("class=\"past\"").nth(1).expect("a history");
        let found = past.split("?then=").skip(1).map(|it| it.split('"').next().unwrap().to_owned());
        changes.extend(found);
        made += past.matches("· Created").count();
        next = next_of(&page);
    }
    assert_eq!((changes.len(), made), (120, 1));
    let oldest = changes.iter().min_by_key(|it| it.parse::<i64>().unwrap()).unwrap();
    browser.get(&format!("/contacts/{id}?then={oldest}")).expect(200);
}
