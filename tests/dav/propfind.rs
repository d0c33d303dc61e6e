//! Rules 9 to 24: PROPFIND.

use crate::phone::{CALSERVER, CARDDAV, DAV, NAMESPACES, Phone, ann, card};
use serde_json::json;
use std::time::{Duration, Instant};

fn ask(phone: &Phone, path: &str, depth: &str, inside: &str) -> crate::phone::Got {
    let body = format!("<D:propfind {NAMESPACES}>{inside}</D:propfind>");
    let headers = [("Depth", depth), ("Content-Type", "application/xml")];
    phone.send("PROPFIND", path, &headers, body.as_bytes())
}

#[test]
fn rule_09_no_body_asks_for_all() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    for path in [phone.book(), phone.path("a.vcf")] {
        let none = phone.send("PROPFIND", &path, &[("Depth", "0")], b"").expect(207);
        assert_eq!(none.text(), ask(&phone, &path, "0", "<D:allprop/>").expect(207).text());
        assert!(none.multi().responses[0].ok().len() > 1);
    }
}

#[test]
fn rule_10_a_whole_tree_is_not_listed() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    for path in ["/dav/", &phone.home(), &phone.book(), &phone.principal()] {
        for headers in [&[("Depth", "infinity")][..], &[]] {
            let got = phone.send("PROPFIND", path, headers, b"");
            got.expect_error(403, DAV, "propfind-finite-depth");
        }
    }
    phone.send("PROPFIND", &phone.path("a.vcf"), &[], b"").expect(207);
    phone.send("PROPFIND", &phone.book(), &[("Depth", "-1")], b"").expect(400);
}

#[test]
fn rule_11_depth_is_how_far_is_looked() {
    let (_ground, ann, phone) = ann();
    for name in ["a.vcf", "b.vcf", "gone.vcf"] {
        phone.put(name, &card(name, name, &[])).expect(201);
    }
    phone.delete("gone.vcf").expect(204);
    let rest = ann.post("/api/contacts", json!({"first_name": "R"})).expect(201).json();
    let by_uid = phone.path(&format!("{}.vcf", rest["uid"].as_str().unwrap()));
    assert_eq!(phone.propfind(&phone.book(), "0", "<D:getetag/>").hrefs(), [phone.book()]);
    let mut found = phone.propfind(&phone.book(), "1", "<D:getetag/>").hrefs().join(" ");
    let mut all = vec![phone.book(), phone.path("a.vcf"), phone.path("b.vcf"), by_uid];
    for part in &all {
        found = found.replacen(part.as_str(), "", 1);
    }
    assert_eq!(found.trim(), "", "{all:?}");
    all.clear();
    let home = phone.propfind(&phone.home(), "1", "<D:resourcetype/>");
    assert_eq!(home.hrefs(), [phone.home(), phone.book()]);
    assert_eq!(home.of(&phone.home()).get(DAV, "resourcetype").inside, ["D:collection"]);
    let one = phone.propfind(&phone.path("a.vcf"), "0", "<D:resourcetype/>");
    assert!(one.responses[0].get(DAV, "resourcetype").inside.is_empty());
    assert_eq!(phone.propfind("/dav/", "1", "<D:resourcetype/>").hrefs().len(), 3);
}

#[test]
fn rule_12_what_is_there_comes_before_what_is_not() {
    let (_ground, _, phone) = ann();
    let got =
        ask(&phone, &phone.book(), "0", "<D:prop><X:no/><D:displayname/></D:prop>").expect(207);
    let response = &got.multi().responses[0];
    let statuses: Vec<_> = response.propstats.iter().map(|(status, _)| status.as_str()).collect();
    assert_eq!(statuses, ["HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"]);
    assert_eq!(response.missing(), ["no"]);
    assert!(got.text().contains("urn:x"));
    // Asked twice, answered once.
    let twice = "<D:prop><X:no/><D:displayname/><X:no/><D:displayname/></D:prop>";
    assert_eq!(
        ask(&phone, &phone.book(), "0", twice).expect(207).text().matches("displayname").count(),
        2
    );
    let again = ask(&phone, &phone.book(), "0", twice).multi();
    assert_eq!(again.responses[0].missing(), ["no"]);
}

#[test]
fn rule_13_names_and_all() {
    let (_ground, _, phone) = ann();
    let names = ask(&phone, &phone.book(), "0", "<D:propname/>").expect(207).multi();
    let names = names.responses[0].ok();
    assert!(
        names.iter().any(|it| it.name == "sync-token") && names.iter().all(|it| it.text.is_empty())
    );
    let quiet = [
        "addressbook-description",
        "supported-address-data",
        "max-resource-size",
        "supported-collation-set",
        "addressbook-home-set",
        "principal-address",
        "sync-token",
    ];
    for path in [phone.book(), phone.principal()] {
        let all = ask(&phone, &path, "0", "<D:allprop/>").expect(207).multi();
        assert!(all.responses[0].missing().is_empty());
        for property in all.responses[0].ok() {
            assert!(!quiet.contains(&property.name.as_str()), "{}", property.name);
        }
    }
    let include = "<D:allprop/><D:include><D:sync-token/><X:y/></D:include>";
    let more = ask(&phone, &phone.book(), "0", include).expect(207).multi();
    more.responses[0].get(DAV, "sync-token");
    more.responses[0].get(DAV, "resourcetype");
    assert_eq!(more.responses[0].missing(), ["y"]);
}

#[test]
fn rule_14_the_card_is_no_property_but_for_one_card() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let all = phone.propfind(&phone.book(), "1", "<C:address-data/>");
    assert!(all.responses.iter().all(|it| it.missing() == ["address-data"]));
    let one = phone.propfind(&phone.path("a.vcf"), "0", "<C:address-data/>");
    assert_eq!(one.responses[0].get(CARDDAV, "address-data").text, card("a", "A", &[]));
}

#[test]
fn rule_15_bad_xml_is_refused_and_nothing_is_fetched() {
    let (_ground, _, phone) = ann();
    let xml = |method: &str, body: &str| {
        let headers = [("Depth", "0"), ("Content-Type", "text/xml")];
        phone.send(method, &phone.book(), &headers, body.as_bytes())
    };
    for body in ["<", "<a>", "<D:propfind/>", "x", "<a/><b/>", "<a xmlns='DAV:'/>"] {
        xml("PROPFIND", body).expect(400);
        xml("PROPPATCH", body).expect(400);
    }
    xml("REPORT", "").expect(400);
    xml("PROPPATCH", "").expect(400);
    xml("PROPFIND", &format!("<D:propfind {NAMESPACES}/>")).expect(400);
    let external = "<!DOCTYPE p [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>\
        <p:propfind xmlns:p='DAV:'><p:prop><p:displayname>&x;</p:displayname></p:prop></p:propfind>";
    for method in ["PROPFIND", "PROPPATCH", "REPORT"] {
        let got = xml(method, external).expect_error(403, DAV, "no-external-entities");
        assert!(!got.text().contains("root:"));
    }
    let bomb: String = (0..40)
        .map(|level| format!("<!ENTITY e{} \"{}\">", level + 1, format!("&e{level};").repeat(10)))
        .collect();
    let bomb = format!("<!DOCTYPE a [<!ENTITY e0 'ha'>{bomb}]><a>&e40;</a>");
    let deep = "<a>".repeat(1_000_000);
    for body in [bomb, deep] {
        let began = Instant::now();
        let status = xml("PROPFIND", &body).status;
        assert!((400..500).contains(&status), "{status}");
        assert!(began.elapsed() < Duration::from_secs(15));
    }
}

#[test]
fn rule_16_however_it_is_written_the_answer_is_the_same() {
    let (_ground, _, phone) = ann();
    let ask = |body: &str| {
        let headers = [("Depth", "0"), ("Content-Type", "application/xml")];
        phone.send("PROPFIND", &phone.book(), &headers, body.as_bytes()).expect(207).text()
    };
    let plain = ask(
        "<D:propfind xmlns:D=\"DAV:\"><D:prop><D:displayname/><D:getetag/></D:prop></D:propfind>",
    );
    for other in [
        "<x:propfind xmlns:x='DAV:'><x:prop><x:displayname/><x:getetag/></x:prop></x:propfind>",
        "<propfind xmlns='DAV:'><prop><displayname></displayname><getetag/></prop></propfind>",
        "\u{FEFF}<?xml version='1.0' encoding='UTF-8'?>\n<!-- c --><propfind xmlns='DAV:'>\n <prop>\
         <displayname><![CDATA[]]></displayname><!-- d --><getetag/>\n</prop></propfind>\n",
    ] {
        assert_eq!(ask(other), plain);
    }
}

#[test]
fn rule_17_hrefs_are_absolute_paths_encoded_once() {
    let (_ground, _, phone) = ann();
    phone.put("a%20b%25c.vcf", &card("a", "A", &[])).expect(201);
    let found = phone.propfind(&phone.book(), "1", "<D:getetag/>");
    assert_eq!(found.hrefs(), [phone.book(), phone.path("a%20b%25c.vcf")]);
    for asked in ["mailto:x", "a.vcf", "", "/dav/%zz", "//host/x"] {
        assert_eq!(phone.multiget(&[asked]).hrefs(), [asked]);
    }
}

#[test]
fn rule_18_a_final_slash_makes_no_difference() {
    let (_ground, _, phone) = ann();
    let bare = |path: &str| path.trim_end_matches('/').to_owned();
    for path in ["/dav/", &phone.principal(), &phone.home(), &phone.book()] {
        let with = phone.propfind_with(path, &[("Depth", "0")], "<D:resourcetype/>").expect(207);
        let without = phone.propfind_with(&bare(path), &[("Depth", "0")], "<D:resourcetype/>");
        assert_eq!(without.expect(207).text(), with.text());
        phone.send("OPTIONS", &bare(path), &[], b"").expect(200);
    }
    phone
        .report(
            &bare(&phone.book()),
            &[],
            &format!(
                "<D:sync-collection {NAMESPACES}><D:sync-token/><D:prop/></D:sync-collection>"
            ),
        )
        .expect(207);
}

#[test]
fn rule_19_the_book_is_an_address_book_that_may_be_written() {
    let (ground, ann, phone) = ann();
    let prop = "<D:resourcetype/><D:displayname/><D:owner/><D:current-user-privilege-set/>";
    let answer = phone.propfind(&phone.book(), "0", prop);
    let it = answer.of(&phone.book());
    assert_eq!(it.get(DAV, "resourcetype").inside, ["D:collection", "C:addressbook"]);
    assert!(!it.get(DAV, "displayname").text.is_empty());
    assert_eq!(it.get(DAV, "owner").text, phone.principal());
    let may = it.get(DAV, "current-user-privilege-set").inside;
    for one in ["read", "write", "write-content", "write-properties", "bind", "unbind"] {
        assert!(may.contains(&format!("D:{one}")), "{one}");
    }
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let reader = ground.phone(&ann, "read");
    for path in [phone.book(), format!("{}a.vcf", phone.book())] {
        let may = reader.propfind(&path, "0", "<D:current-user-privilege-set/>");
        let may = may.responses[0].get(DAV, "current-user-privilege-set").inside;
        assert_eq!(may, ["D:privilege", "D:read"], "{path}");
    }
    reader.get("a.vcf").expect(200);
    reader.put("b.vcf", &card("b", "B", &[])).expect(403);
    reader.delete("a.vcf").expect(403);
    for method in ["PROPPATCH", "MKCOL", "MOVE"] {
        reader.send(method, &reader.path("a.vcf"), &[("Destination", "/dav/")], b"").expect(403);
    }
    ground.phone(&ann, "write").put("c.vcf", &card("c", "C", &[])).expect(201);
}

#[test]
fn rule_20_the_reports_of_the_book_are_those_that_are_answered() {
    let (_ground, _, phone) = ann();
    let answer = phone.propfind(&phone.book(), "0", "<D:supported-report-set/>");
    let inside = answer.responses[0].get(DAV, "supported-report-set").inside;
    let mut expected = Vec::new();
    for report in
        ["C:addressbook-query", "C:addressbook-multiget", "D:sync-collection", "D:expand-property"]
    {
        expected.extend(["D:supported-report", "D:report", report]);
    }
    assert_eq!(inside, expected);
    for report in expected.iter().skip(2).step_by(3) {
        let body = format!("<{report} {NAMESPACES}><D:href>/x</D:href><D:sync-token/></{report}>");
        phone.report(&phone.book(), &[("Depth", "0")], &body).expect(207);
    }
}

#[test]
fn rule_21_what_the_book_takes() {
    let (_ground, _, phone) = ann();
    let prop = "<C:supported-address-data/><C:max-resource-size/><C:supported-collation-set/>";
    let answer = phone.propfind(&phone.book(), "0", prop);
    let it = answer.of(&phone.book());
    assert_eq!(
        it.get(CARDDAV, "supported-address-data").inside,
        ["C:address-data-type content-type=text/vcard version=3.0"]
    );
    assert_eq!(it.get(CARDDAV, "max-resource-size").text, (4 * 1024 * 1024).to_string());
    let collations = it.get(CARDDAV, "supported-collation-set").text;
    assert!(collations.contains("i;ascii-casemap") && collations.contains("i;unicode-casemap"));
}

#[test]
fn rule_22_the_marks_of_the_book_change_with_it_and_only_then() {
    let (ground, ann, phone) = ann();
    let marks = |phone: &Phone| {
        let book = phone.propfind(&phone.book(), "0", "<CS:getctag/><D:sync-token/>");
        let book = book.of(&phone.book());
        let home = phone.property(&phone.home(), "CS:getctag");
        (book.get(CALSERVER, "getctag").text, book.get(DAV, "sync-token").text, home)
    };
    let mut before = marks(&phone);
    assert_eq!(marks(&phone), before);
    // Another process on the same stores.
    let restarted = crate::phone::Ground::of(ground.world.replica());
    assert_eq!(marks(&Phone { address: restarted.address, ..phone.clone() }), before);
    let mut differ = |what: &str| {
        let now = marks(&phone);
        assert!(now.0 != before.0 && now.1 != before.1 && now.2 != before.2, "{what}");
        before = now;
    };
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    differ("PUT");
    let contact = ann.post("/api/contacts", json!({"first_name": "R"})).expect(201).json();
    differ("POST");
    let path = format!("/api/contacts/{}", contact["id"]);
    ann.patch(&path, json!({"nickname": "x"})).expect(200);
    differ("PATCH");
    ann.delete(&path).expect(204);
    differ("DELETE");
    ann.post(&format!("{path}/restore"), json!({})).expect(200);
    differ("restore");
    let file = card("i", "I", &[]);
    let headers = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &headers, file.as_bytes()).expect(200);
    differ("import");
    let ids: Vec<i64> = ann
        .get("/api/contacts")
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_i64().unwrap())
        .collect();
    ann.post("/api/contacts/merge", json!({"keep": ids[0], "merge": [ids[1]]})).expect(200);
    differ("merge");
}

#[test]
fn rule_23_a_card_says_what_get_says() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "Ä", &["NOTE:x"])).expect(201);
    let got = phone.get("a.vcf").expect(200);
    let prop =
        "<D:getetag/><D:getcontenttype/><D:getcontentlength/><D:getlastmodified/><D:resourcetype/>";
    for (path, depth) in [(phone.path("a.vcf"), "0"), (phone.book(), "1")] {
        let answer = phone.propfind(&path, depth, prop);
        let it = answer.of(&phone.path("a.vcf"));
        let etag = it.get(DAV, "getetag").text;
        assert_eq!(etag, got.header("ETag"));
        assert!(etag.starts_with('"') && etag.ends_with('"'));
        assert_eq!(it.get(DAV, "getcontenttype").text, got.header("Content-Type"));
        assert_eq!(it.get(DAV, "getcontentlength").text, got.body.len().to_string());
        assert_eq!(it.get(DAV, "getlastmodified").text, "Sun, 22 Nov 2026 12:00:00 GMT");
        assert!(it.get(DAV, "resourcetype").inside.is_empty());
    }
}

#[test]
fn rule_24_minimal_answers_say_nothing_of_what_is_missing() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let ways = [[("Depth", "1"), ("Prefer", "return=minimal")], [("Depth", "1"), ("Brief", "t")]];
    let mut bodies = Vec::new();
    for headers in &ways {
        let got = phone.propfind_with(&phone.book(), headers, "<D:getetag/><X:y/>").expect(207);
        let vary = got.header("Vary");
        assert!(vary.contains("Prefer") && vary.contains("Brief"), "{vary}");
        let answer = got.multi();
        assert!(answer.responses.iter().all(|it| it.missing().is_empty()));
        let book = answer.of(&phone.book());
        assert_eq!(book.propstats.len(), 1);
        assert!(book.ok().is_empty() && book.propstats[0].0 == "HTTP/1.1 200 OK");
        bodies.push(got.text());
        let applied = if headers[1].0 == "Prefer" { "return=minimal" } else { "" };
        assert_eq!(got.header("Preference-Applied"), applied);
        let report = phone.query_with(headers, "<C:filter/>").expect(207);
        assert!(!report.text().contains("404"));
    }
    assert_eq!(bodies[0], bodies[1]);
    phone.propfind(&phone.book(), "0", "<X:y/>").responses[0].missing();
}

#[test]
fn rule_24_a_minimal_answer_of_expand_property_leaves_out_what_is_missing() {
    let (_ground, _, phone) = ann();
    let body = |name: &str| {
        format!("<D:expand-property {NAMESPACES}><D:property name=\"{name}\"/></D:expand-property>")
    };
    let send = |headers: &[(&str, &str)], name: &str| {
        phone.report(&phone.principal(), headers, &body(name))
    };
    let whole = send(&[], "none").expect(207).text();
    assert!(whole.contains("404 Not Found"), "{whole}");
    let minimal = send(&[("Prefer", "return=minimal")], "none").expect(207);
    assert!(!minimal.text().contains("404"), "{}", minimal.text());
    // A name becomes an element of the answer.
    for name in ["", "a b", "x/&gt;&lt;y", "1"] {
        send(&[], name).expect(400);
    }
}
