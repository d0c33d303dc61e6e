//! Rules 74 and 75: REST and CardDAV together, and what it costs.

use crate::phone::{CALSERVER, Ground, Phone, ann, card};
use serde_json::json;
use support::world::World;

#[test]
fn rule_74_one_etag_guards_both_ways() {
    let (_ground, ann, phone) = ann();
    let put = phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let id = ann.get("/api/contacts").json()[0]["id"].clone();
    let path = format!("/api/contacts/{id}");
    let rest = ann.get(&path).expect(200).header("ETag").to_owned();
    assert_eq!(put.header("ETag"), rest);
    let patch = |etag: &str| {
        let headers = [("Content-Type", "application/json"), ("If-Match", etag)];
        ann.send("PATCH", &path, &headers, json!({"nickname": "x"}).to_string().as_bytes())
    };
    phone.put("a.vcf", &card("a", "B", &[])).expect(204);
    patch(&rest).expect(412);
    let before = phone.etag("a.vcf");
    patch(&before).expect(200);
    phone.put_with("a.vcf", &[("If-Match", &before)], &card("a", "C", &[])).expect(412);
    let now = phone.etag("a.vcf");
    phone.put_with("a.vcf", &[("If-Match", &now)], &card("a", "C", &[])).expect(204);
}

/// A book of so many cards, by way of an import.
fn filled(count: usize) -> (Ground, Phone) {
    let ground = Ground::new();
    let (ann, phone) = ground.owner("ann");
    let file: String =
        (0..count).map(|number| card(&format!("u{number}"), "A B", &["TEL:+49 1"])).collect();
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, file.as_bytes()).expect(200);
    (ground, phone)
}

#[test]
fn rule_75_a_first_sync_of_5000_cards() {
    let (_ground, phone) = filled(5_000);
    let listed = phone.sync("");
    assert_eq!(listed.responses.len(), 5_000);
    for hrefs in listed.hrefs().chunks(100) {
        assert_eq!(phone.multiget(hrefs).responses.len(), 100);
    }
    // How long it takes is measured on a machine that does nothing else: `./dev bench dav`.
    let answer = phone.propfind(&phone.book(), "0", "<CS:getctag/>");
    answer.responses[0].get(CALSERVER, "getctag");
}

#[test]
fn rule_75_all_reports_of_a_large_book_are_whole() {
    let (_ground, phone) = filled(2_500);
    assert_eq!(phone.propfind(&phone.book(), "1", "<D:getetag/>").responses.len(), 2_501);
    assert_eq!(phone.query("<C:filter/>").len(), 2_500);
    let mut names = phone.query("<C:filter><C:prop-filter name=\"TEL\"/></C:filter>");
    names.dedup();
    assert_eq!(names.len(), 2_500);
}

#[test]
fn a_phone_has_a_limit_of_its_own() {
    let ground = Ground::of(World::with(|config| {
        config.rates.dav = Some(contactd::config::Rate { count: 3, seconds: 60 });
    }));
    let (ann, phone) = ground.owner("ann");
    let other = ground.phone(&ann, "write");
    for _ in 0..3 {
        let got = phone.propfind_with(&phone.book(), &[("Depth", "0")], "").expect(207);
        assert_eq!(got.header("RateLimit-Limit"), "3");
    }
    let got = phone.propfind_with(&phone.book(), &[("Depth", "0")], "").expect(429);
    assert!(!got.header("Retry-After").is_empty());
    other.propfind_with(&phone.book(), &[("Depth", "0")], "").expect(207);
    ann.get("/api/contacts").expect(200);
}
