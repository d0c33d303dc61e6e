//! What stands beside the rules: requests that a client sends one day though no example has them.

use crate::phone::{CARDDAV, DAV, NAMESPACES, Phone, ann, card, exchange};

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
    let got = phone.put("a.vcf", &long).expect_error(413, CARDDAV, "max-resource-size");
    // It is smaller than that: the answer has the limit that was meant, and so has the book.
    assert!(
        got.text().contains("<max-text-size xmlns=\"urn:contactd\">1048576<"),
        "{}",
        got.text()
    );
    let book = phone.propfind(&phone.book(), "0", "<max-text-size xmlns=\"urn:contactd\"/>");
    assert_eq!(book.responses[0].get("urn:contactd", "max-text-size").text, "1048576");
    phone.get("a.vcf").expect(404);
}

#[test]
fn rule_36_a_card_of_just_the_size_that_is_said_to_be_the_most_is_taken() {
    let (_ground, _, phone) = ann();
    let long = |line: &str, octets: usize| {
        let rest = octets - card("a", "A", &[line]).len();
        card("a", "A", &[&format!("{line}{}", "A".repeat(rest))])
    };
    let (text, whole) = (1024 * 1024, 4 * 1024 * 1024);
    for (line, most) in [("NOTE:", text), ("PHOTO;ENCODING=b;TYPE=JPEG:", whole)] {
        phone.put("a.vcf", &long(line, most + 1)).expect_error(413, CARDDAV, "max-resource-size");
        phone.put("a.vcf", &long(line, most)).expect_one_of(&[201, 204]);
    }
}

#[test]
fn rule_45_a_port_that_every_client_knows_may_be_left_out() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let names = ["b.vcf", "a.vcf"];
    let hosts = [
        ("book.example", "https://book.example:443"),
        ("book.example:443", "https://BOOK.example"),
        ("book.example", "http://book.example:80"),
        ("book.example:80", "http://book.example"),
    ];
    for (at, (host, to)) in hosts.iter().enumerate() {
        let (from, name) = (names[(at + 1) % 2], names[at % 2]);
        let head = format!(
            "MOVE {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: {}\r\n\
             Destination: {to}{}\r\n\r\n",
            phone.path(from),
            phone.authorization,
            phone.path(name)
        );
        exchange(phone.address, head.as_bytes()).expect(201);
    }
    for to in ["https://book.example:8443", "https://book.example.:443", "https://other"] {
        let to = format!("{to}{}", phone.path("c.vcf"));
        let headers = [("Destination", to.as_str())];
        phone.send("MOVE", &phone.path("a.vcf"), &headers, b"").expect(502);
    }
}

#[test]
fn rule_47_expand_property_of_a_card_gives_the_properties_of_the_card() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let body = format!(
        "<D:expand-property {NAMESPACES}><D:property name='getetag'/><D:property name='owner'>\
         <D:property name='displayname'/></D:property></D:expand-property>"
    );
    let answer = phone.report(&phone.path("a.vcf"), &[], &body).expect(207).multi();
    let card = answer.of(&phone.path("a.vcf"));
    assert_eq!(card.get(DAV, "getetag").text, phone.etag("a.vcf"));
    assert!(card.get(DAV, "owner").inside.contains(&"D:response".to_owned()), "{card:?}");
    phone.report(&phone.path("none.vcf"), &[], &body).expect(404);
    // Whatever is found and missing, a response has a status (RFC 4918, 14.24).
    for (inside, prefer) in
        [("none", "return=minimal"), ("none", ""), ("displayname", "return=minimal")]
    {
        let body = format!(
            "<D:expand-property {NAMESPACES}><D:property name='owner'><D:property name='{inside}'/>\
             </D:property></D:expand-property>"
        );
        let answer =
            phone.report(&phone.path("a.vcf"), &[("Prefer", prefer)], &body).expect(207).text();
        let within = answer.split("<D:owner>").nth(1).unwrap().split("</D:owner>").next().unwrap();
        assert!(within.contains("<D:status>"), "{answer}");
    }
}

#[test]
fn rule_59_a_card_that_is_asked_for_with_a_final_slash_too_comes_once() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    // The last one is no path, though it is called as a card is.
    let (a, none) = (phone.path("a.vcf"), phone.path("none.vcf"));
    let asked = [&a, &format!("{a}/"), &format!("{none}/"), &none, "a.vcf"];
    let answer = phone.multiget(&asked);
    let mut hrefs = answer.hrefs();
    hrefs.sort_unstable();
    assert_eq!(hrefs, [a.as_str(), &none, "a.vcf"]);
    answer.of(&a).get(CARDDAV, "address-data");
    assert_eq!(answer.of(&none).status.as_deref(), Some("HTTP/1.1 404 Not Found"));
}

#[test]
fn rule_59_cards_that_do_not_fit_into_one_piece_of_the_answer_come_all() {
    let (_ground, _, phone) = ann();
    let note = format!("NOTE:{}", "n".repeat(400_000));
    let mut names: Vec<_> = (0..5).map(|number| format!("n{number}.vcf")).collect();
    for name in &names {
        phone.put(name, &card(name, name, &[&note])).expect(201);
    }
    names.push("none.vcf".to_owned());
    let paths: Vec<_> = names.iter().map(|name| phone.path(name)).collect();
    let answer = phone.multiget(&paths.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(answer.responses.len(), 6);
    for (name, path) in names.iter().zip(&paths).take(5) {
        let text = answer.of(path).get(CARDDAV, "address-data").text;
        assert!(text.contains(&format!("UID:{name}\r\n")) && text.contains(&note), "{name}");
    }
}

#[test]
fn rule_72_a_condition_may_be_about_another_card() {
    let (_ground, _, phone) = ann();
    let a = phone.put("a.vcf", &card("a", "A", &[])).expect(201).header("ETag").to_owned();
    phone.put("b.vcf", &card("b", "B", &[])).expect(201);
    let put = |condition: &str| phone.put_with("b.vcf", &[("If", condition)], &card("b", "C", &[]));
    let of_a = |etag: &str| format!("<http://{}{}> ([{etag}])", phone.address, phone.path("a.vcf"));
    put(&of_a("\"0\"")).expect(412);
    put(&of_a(&a).replace("a.vcf", "none.vcf")).expect(412);
    put(&format!("{} ([\"0\"])", of_a("\"0\""))).expect(412);
    put(&of_a(&a)).expect(204);
    phone.put("a.vcf", &card("a", "D", &[])).expect(204);
    phone.send("DELETE", &phone.path("b.vcf"), &[("If", &of_a(&a))], b"").expect(412);
    let now = of_a(&phone.etag("a.vcf"));
    phone.send("DELETE", &phone.path("b.vcf"), &[("If", &now)], b"").expect(204);
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
