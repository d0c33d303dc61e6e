//! What stands beside the rules: requests that a client sends one day though no example has them.

use crate::phone::{CARDDAV, NAMESPACES, Phone, ann, card};

#[test]
fn rule_13_the_names_of_a_card_are_those_of_its_properties() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let body = format!("<D:propfind {NAMESPACES}><D:propname/></D:propfind>");
    let headers = [("Depth", "0"), ("Content-Type", "text/xml")];
    let got = phone.send("PROPFIND", &phone.path("a.vcf"), &headers, body.as_bytes()).expect(207);
    let names: Vec<_> = got.multi().responses[0].ok().into_iter().map(|it| it.name).collect();
    assert!(names.contains(&"getetag".to_owned()), "{names:?}");
    // The card itself is answered there when it is asked for, and is no property (RFC 6352, 10.4).
    assert!(!names.contains(&"address-data".to_owned()), "{names:?}");
}

#[test]
fn rule_26_and_29_a_list_may_come_in_several_lines() {
    let (_ground, _, phone) = ann();
    let put = phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let etag = put.header("ETag").to_owned();
    let get = |headers: &[(&str, &str)]| phone.send("GET", &phone.path("a.vcf"), headers, b"");
    get(&[("Accept", "application/json"), ("Accept", "text/vcard")]).expect(200);
    get(&[("Accept", "application/json"), ("Accept", "text/html")]).expect(406);
    get(&[("If-None-Match", "\"no\""), ("If-None-Match", &etag)]).expect(304);
    let changed = card("a", "B", &[]);
    let put = |first: &str, second: &str| {
        phone.put_with("a.vcf", &[("If-Match", first), ("If-Match", second)], &changed)
    };
    put("\"no\"", "\"neither\"").expect(412);
    put("\"no\"", &etag).expect(204);
}

#[test]
fn rule_27_a_part_of_a_card_does_not_become_the_card() {
    let (_ground, _, phone) = ann();
    let text = card("a", "A", &[]);
    phone.put("a.vcf", &text).expect(201);
    let headers = [("Content-Range", "bytes 0-99/200")];
    phone.put_with("a.vcf", &headers, &card("a", "B", &[])).expect(400);
    assert_eq!(phone.get("a.vcf").text(), text);
}

#[test]
fn rule_33_the_answer_names_the_card_that_has_the_uid() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("u1", "A", &[])).expect(201);
    phone.put("b.vcf", &card("u2", "B", &[])).expect(201);
    for (uid, named) in [("u2", "b.vcf"), ("u3", "a.vcf")] {
        let got = phone.put("a.vcf", &card(uid, "X", &[]));
        let got = got.expect_error(409, CARDDAV, "no-uid-conflict");
        let href = format!("<D:href>{}</D:href>", phone.path(named));
        assert!(got.text().contains(&href), "{uid}: {}", got.text());
    }
}

#[test]
fn rule_36_text_that_is_too_long_is_said_to_be_too_large_and_no_bad_card() {
    let (_ground, _, phone) = ann();
    // A megabyte of text is no photo. DAVx5 ends its sync at a card that is said to be none (rule 30).
    let long = card("a", "A", &[&format!("NOTE:{}", "n".repeat(1 << 20))]);
    phone.put("a.vcf", &long).expect_error(413, CARDDAV, "max-resource-size");
    phone.get("a.vcf").expect(404);
}

#[test]
fn rule_43_every_live_property_that_is_the_servers_is_protected() {
    let (_ground, _, phone) = ann();
    for name in ["D:lockdiscovery", "D:acl", "D:quota-used-bytes", "C:anything", "CS:getctag"] {
        for change in ["set", "remove"] {
            let body = format!(
                "<D:propertyupdate {NAMESPACES}><D:{change}><D:prop><{name}/></D:prop></D:{change}>\
                 </D:propertyupdate>"
            );
            let headers = [("Content-Type", "application/xml")];
            let got = phone.send("PROPPATCH", &phone.book(), &headers, body.as_bytes());
            let text = got.expect(207).text();
            assert!(text.contains("HTTP/1.1 403 Forbidden"), "{name}: {text}");
            assert!(text.contains("<D:cannot-modify-protected-property/>"), "{name}: {text}");
        }
    }
}

fn three_cards() -> (crate::phone::Ground, Phone) {
    let (ground, _, phone) = ann();
    for uid in ["a", "b", "c"] {
        phone.put(&format!("{uid}.vcf"), &card(uid, uid, &[])).expect(201);
    }
    (ground, phone)
}

#[test]
fn rule_58_and_70_a_limit_that_is_a_large_number_is_none() {
    let (_ground, phone) = three_cards();
    for (number, members) in [("2", 2), ("3", 3), ("99999999999999999999999999", 3)] {
        let limit =
            |ns| format!("<{ns}:limit><{ns}:nresults>{number}</{ns}:nresults></{ns}:limit>");
        let found = phone.query_with(&[], &limit("C")).expect(207).multi();
        let synced = phone.sync_with(&[], "", &limit("D")).expect(207).multi();
        for answer in [found, synced] {
            let cards = answer.responses.iter().filter(|it| it.status.is_none()).count();
            assert_eq!((cards, answer.responses.len()), (members, 3), "{number}");
        }
    }
    for number in ["", " ", "-1", "+1", "1.0", "1 2", "٣"] {
        let limit =
            |ns| format!("<{ns}:limit><{ns}:nresults>{number}</{ns}:nresults></{ns}:limit>");
        phone.query_with(&[], &limit("C")).expect(400);
        phone.sync_with(&[], "", &limit("D")).expect(400);
    }
}

#[test]
fn rule_61_and_63_the_type_of_a_card_may_have_parameters() {
    let (_ground, phone) = three_cards();
    let href = phone.path("a.vcf");
    let ask = |kind: &str| {
        let prop = format!("<C:address-data content-type='{kind}'/>");
        phone.multiget_with(&prop, &[&href])
    };
    for kind in ["text/vcard; charset=utf-8", "text/vcard;version=3.0", "TEXT/VCARD"] {
        let data = ask(kind).expect(207).multi().responses[0].get(CARDDAV, "address-data").text;
        assert!(data.contains("UID:a"), "{kind}: {data}");
    }
    for kind in ["text/vcard;version=4.0", "text/vcard; version=\"2.1\"", "text/x-other"] {
        ask(kind).expect_error(403, CARDDAV, "supported-address-data");
    }
}
