//! Rules 25 to 41: GET and PUT of cards.

use crate::phone::{CARDDAV, DAV, Ground, Phone, ann, card};
use serde_json::json;

/// Every parser that is at hand reads this card.
#[track_caller]
pub fn read_by_others(text: &str) {
    let entry = calcard::Parser::new(text).entry();
    assert!(matches!(entry, calcard::Entry::VCard(_)), "calcard: {text}");
    if let Err(error) = vobject::vcard::Vcard::build(text) {
        panic!("vobject: {error:?}: {text}");
    }
}

#[test]
fn rule_25_get_gives_what_was_put() {
    let (_ground, ann, phone) = ann();
    let text = card("a", "Ä", &["NOTE:x"]);
    let put = phone.put("a.vcf", &text).expect(201);
    let got = phone.get("a.vcf").expect(200);
    assert_eq!(got.text(), text);
    assert_eq!(got.header("ETag"), put.header("ETag"));
    assert_eq!(got.header("Content-Type"), "text/vcard; charset=utf-8");
    assert_eq!(got.header("Cache-Control"), "no-store");
    let head = phone.send("HEAD", &phone.path("a.vcf"), &[], b"").expect(200);
    assert!(head.body.is_empty());
    for name in ["ETag", "Content-Type", "Last-Modified", "Content-Length"] {
        assert_eq!(head.header(name), got.header(name), "{name}");
    }
    for tag in [got.header("ETag"), "*", "W/\"0\", W/\"1\""] {
        let again = phone.send("GET", &phone.path("a.vcf"), &[("If-None-Match", tag)], b"");
        assert!(again.expect(304).body.is_empty());
    }
    phone.send("GET", &phone.path("a.vcf"), &[("If-None-Match", "\"0\"")], b"").expect(200);
    // What we write ourselves is folded, and never inside a character.
    let long = "Ж".repeat(200);
    let contact = json!({"first_name": "R", "additional_data": long, "uid": "rest"});
    ann.post("/api/contacts", contact).expect(201);
    let ours = phone.get("rest.vcf").expect(200).text();
    assert!(ours.contains("VERSION:3.0\r\n") && !ours.replace("\r\n", "").contains(['\r', '\n']));
    assert!(ours.split("\r\n").all(|line| line.len() <= 75));
    assert!(ours.replace("\r\n ", "").contains(&long));
    read_by_others(&ours);
}

#[test]
fn rule_26_only_version_3_is_given() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let get = |accept| phone.send("GET", &phone.path("a.vcf"), &[("Accept", accept)], b"");
    get("text/vcard; version=4.0").expect_error(406, CARDDAV, "supported-address-data-conversion");
    for accept in [
        "*/*",
        "text/*",
        "text/x-vcard",
        "text/directory",
        "text/vcard;charset=utf-8;version=3.0;q=0.9",
        "text/vcard; version=4.0, */*;q=0.1",
    ] {
        get(accept).expect(200);
    }
}

#[test]
fn rule_27_what_was_put_is_seen_everywhere() {
    let (_ground, ann, phone) = ann();
    let token = phone.token();
    phone.put("a.vcf", &card("a", "Ann", &[])).expect(201);
    let put = phone.put("a.vcf", &card("a", "Anne", &["TEL:+49 1234"])).expect(204);
    assert!(phone.get("a.vcf").text().contains("FN:Anne"));
    let found = phone.propfind(&phone.book(), "1", "<D:getetag/>");
    assert_eq!(found.of(&phone.path("a.vcf")).get(DAV, "getetag").text, put.header("ETag"));
    assert_eq!(phone.sync(&token).changes().0, [phone.path("a.vcf")]);
    let list = ann.get("/api/contacts").json();
    assert_eq!(
        (list[0]["display_name"].as_str(), list[0]["uid"].as_str()),
        (Some("Anne"), Some("a"))
    );
    assert_eq!(list[0]["phones"][0]["value"], "+49 1234");
}

#[test]
fn rule_28_the_etag_comes_only_if_the_octets_stayed() {
    let (_ground, _, phone) = ann();
    let plain = card("a", "A", &[]);
    let cases = [
        (plain.clone(), true),
        (plain.replace("\r\n", "\n"), false),
        (plain.replace("UID:a\r\n", ""), false),
        (plain.replace("FN:A\r\n", ""), false),
        (plain.replace("N:A;;;;\r\n", ""), false),
        (plain.replace("FN:A", "FN:A\u{7}"), false),
        (format!("\u{FEFF}{plain}"), false),
        (plain.replace("VERSION:3.0", "VERSION:4.0"), false),
        (
            card(
                "a",
                "A",
                &["X-ODD;x-p=\"q;r\":\\,\\;", "item1.TEL:1", "item1.X-ABLabel:boat", "TEL:1"],
            ),
            true,
        ),
        (card("a", "A", &[&format!("NOTE:{}", "long".repeat(500))]), true),
    ];
    for (number, (text, same)) in cases.iter().enumerate() {
        let name = format!("{number}.vcf");
        let text = text.replace("UID:a", &format!("UID:a{number}"));
        let put = phone.put(&name, &text).expect(201);
        assert_eq!(put.header("ETag").is_empty(), !same, "{text}");
        let got = phone.get(&name).expect(200);
        assert_eq!(got.text() == text, *same, "{text}");
        if *same {
            assert_eq!(got.header("ETag"), put.header("ETag"));
        }
        read_by_others(&got.text());
    }
    let latin = card("l", "M\u{fc}ller", &[]);
    let latin: Vec<u8> = latin.chars().map(|c| u32::from(c) as u8).collect();
    let put = phone.send("PUT", &phone.path("l.vcf"), &[], &latin).expect(201);
    assert!(put.header("ETag").is_empty());
    assert!(phone.get("l.vcf").text().contains("Müller"));
}

#[test]
fn rule_29_conditions_guard_a_card() {
    let (_ground, _, phone) = ann();
    let text = card("a", "A", &[]);
    let first = phone.put_with("a.vcf", &[("If-None-Match", "*")], &text).expect(201);
    phone.put_with("a.vcf", &[("If-None-Match", "*")], &text).expect(412);
    let etag = first.header("ETag");
    let second = card("a", "B", &[]);
    phone.put_with("a.vcf", &[("If-Match", etag)], &second).expect(204);
    phone.put_with("a.vcf", &[("If-Match", etag)], &text).expect(412);
    phone.put_with("b.vcf", &[("If-Match", etag)], &card("b", "B", &[])).expect(412);
    phone.put_with("b.vcf", &[("If-Match", "*")], &card("b", "B", &[])).expect(412);
    assert_eq!(phone.get("a.vcf").text(), second);
    phone.get("b.vcf").expect(404);
}

#[test]
fn rule_29_of_two_parallel_puts_one_wins() {
    let (_ground, _, phone) = ann();
    for round in 0..5 {
        let uid = format!("p{round}");
        let name = format!("{uid}.vcf");
        let etag = phone.put(&name, &card(&uid, "A", &[])).expect(201).header("ETag").to_owned();
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let (phone, name, uid, etag) =
                    (phone.clone(), name.clone(), uid.clone(), etag.clone());
                std::thread::spawn(move || {
                    let text = card(&uid, &format!("N{number}"), &[]);
                    phone.put_with(&name, &[("If-Match", &etag)], &text).status
                })
            })
            .collect();
        let mut statuses: Vec<_> = threads.into_iter().map(|it| it.join().unwrap()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 412, 412, 412]);
    }
}

#[test]
fn rule_30_what_is_not_one_card_is_refused() {
    let (_ground, _, phone) = ann();
    let one = card("a", "A", &[]);
    for body in [
        "",
        "x",
        "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        &format!("{one}{}", card("b", "B", &[])),
        one.strip_suffix("END:VCARD\r\n").unwrap(),
        "\u{0}\u{1}",
    ] {
        phone.put("a.vcf", body).expect_error(403, CARDDAV, "valid-address-data");
    }
    phone.get("a.vcf").expect(404);
}

#[test]
fn the_character_set_that_a_client_names_is_its_card_s() {
    let (_ground, _, phone) = ann();
    let kind = [("Content-Type", "text/x-vcard; charset=windows-1251")];
    // What is UTF-8 all the same is read as that
    for (name, sent) in [("a.vcf", &b"\xdf\xed"[..]), ("b.vcf", "Ян".as_bytes())] {
        let text = card(name, "NAME", &[]).into_bytes();
        let at = text.windows(4).position(|it| it == b"NAME").unwrap();
        let sent = [&text[..at], sent, &text[at + 4..]].concat();
        phone.send("PUT", &phone.path(name), &kind, &sent).expect(201);
        let text = phone.get(name).expect(200).text();
        assert!(text.contains("\r\nFN:Ян\r\n"), "{text}");
    }
}

#[test]
fn rule_31_the_type_says_card_or_nothing() {
    let (_ground, _, phone) = ann();
    for kind in ["text/calendar", "application/json", "text/html; charset=utf-8", "image/png"] {
        let got = phone.put_with("a.vcf", &[("Content-Type", kind)], &card("a", "A", &[]));
        got.expect_error(403, CARDDAV, "supported-address-data");
    }
    for (number, kind) in
        ["text/vcard", "text/x-vcard", "text/directory;profile=vCard", "application/octet-stream"]
            .iter()
            .enumerate()
    {
        let name = format!("{number}.vcf");
        phone.put_with(&name, &[("Content-Type", kind)], &card(&name, "A", &[])).expect(201);
    }
    phone.send("PUT", &phone.path("n.vcf"), &[], card("n", "N", &[]).as_bytes()).expect(201);
}

#[test]
fn rule_32_a_uid_is_one_cards() {
    let (_ground, _, phone) = ann();
    phone.put("a%40.vcf", &card("u1", "A", &[])).expect(201);
    let got = phone.put("b.vcf", &card("u1", "B", &[]));
    let got = got.expect_error(409, CARDDAV, "no-uid-conflict");
    assert!(got.text().contains(&format!("<D:href>{}</D:href>", phone.path("a%40.vcf"))));
    phone.get("b.vcf").expect(404);
    // Letter by letter: this is another one.
    phone.put("c.vcf", &card("U1", "C", &[])).expect(201);
    // The trash holds none.
    phone.delete("a%40.vcf").expect(204);
    phone.put("b.vcf", &card("u1", "B", &[])).expect(201);
}

#[test]
fn rule_33_a_card_keeps_its_uid() {
    let (_ground, _, phone) = ann();
    let text = card("u1", "A", &[]);
    phone.put("a.vcf", &text).expect(201);
    phone.put("b.vcf", &card("u2", "B", &[])).expect(201);
    for uid in ["u2", "u3"] {
        let got = phone.put("a.vcf", &card(uid, "X", &[]));
        got.expect_error(409, CARDDAV, "no-uid-conflict");
        assert_eq!(phone.get("a.vcf").text(), text);
    }
}

#[test]
fn rule_34_what_is_missing_is_made() {
    let (_ground, ann, phone) = ann();
    let shown = |lines: &str| {
        let text = format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{lines}END:VCARD\r\n");
        let put = phone.put("x.vcf", &text).expect(201);
        assert!(put.header("ETag").is_empty());
        let got = phone.get("x.vcf").expect(200).text();
        read_by_others(&got);
        let names: Vec<_> = got.lines().filter_map(|line| line.split([':', ';']).next()).collect();
        for name in ["UID", "FN", "N"] {
            assert!(names.contains(&name), "{name}: {got}");
        }
        phone.delete("x.vcf").expect(204);
        got.lines().find_map(|line| line.strip_prefix("FN:")).unwrap().to_owned()
    };
    assert_eq!(shown("N:Müller;Jürgen;;Dr.;\r\nORG:O\r\n"), "Dr. Jürgen Müller");
    assert_eq!(shown("ORG:Org;Dep\r\nNICKNAME:Nick\r\n"), "Org");
    assert_eq!(shown("NICKNAME:Nick\r\nEMAIL:e@x.example\r\n"), "Nick");
    assert_eq!(shown("EMAIL:e@x.example\r\nTEL:1\r\n"), "e@x.example");
    assert_eq!(shown("TEL:+49 1\r\n"), "+49 1");
    assert!(!shown("NOTE:x\r\n").is_empty());
    assert_eq!(ann.get("/api/contacts").json(), json!([]));
}

#[test]
fn rule_35_other_versions_become_version_3() {
    let (_ground, ann, phone) = ann();
    let four = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:u4\r\nFN:Four\r\nN:Four;;;;\r\n\
        TEL;VALUE=uri;PREF=1;TYPE=cell:tel:+49-1\r\nPHOTO:data:image/png;base64,iVBORw0KGgo=\r\n\
        BDAY:--0412\r\nANNIVERSARY:20150516\r\nNOTE;X-P=a^nb:x\r\nX-KEPT:yes\r\nEND:VCARD\r\n";
    assert!(phone.put("four.vcf", four).expect(201).header("ETag").is_empty());
    let got = phone.get("four.vcf").expect(200).text();
    read_by_others(&got);
    let flat = got.replace("\r\n ", "");
    for part in ["VERSION:3.0", "X-APPLE-OMIT-YEAR=1604", "X-ABDATE", "X-KEPT:yes", "ENCODING=b"] {
        assert!(flat.contains(part), "{part}: {got}");
    }
    assert!(!flat.contains("data:") && !flat.contains("PREF=1") && !flat.contains("tel:"), "{got}");
    let two = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=84;;;;\r\n\
        TEL;CELL:+49 2\r\nEND:VCARD\r\n";
    phone.put("two.vcf", two).expect(201);
    let got = phone.get("two.vcf").expect(200).text();
    read_by_others(&got);
    assert!(got.contains("VERSION:3.0") && got.contains("N:Ä") && !got.contains("QUOTED"), "{got}");
    let list = ann.get("/api/contacts?search=Four").json();
    assert_eq!(list[0]["birthday"], "--04-12");
    assert_eq!(list[0]["phones"][0], json!({"value": "+49-1", "label": "mobile", "primary": true}));
    assert_eq!(list[0]["dates"][0], json!({"value": "2015-05-16", "label": "anniversary"}));
}

#[test]
fn rule_36_a_card_that_is_too_large_is_refused() {
    let (_ground, _, phone) = ann();
    let photo = |octets: usize| {
        card("big", "Big", &[&format!("PHOTO;ENCODING=b;TYPE=JPEG:{}", "A".repeat(octets))])
    };
    let max = 4 * 1024 * 1024;
    phone.put("big.vcf", &photo(max - 1_000)).expect(201);
    let large = photo(max + 1);
    phone.put("b.vcf", &large).expect_error(413, CARDDAV, "max-resource-size");
    let mut chunked = format!("{:x}\r\n", large.len()).into_bytes();
    chunked.extend(large.as_bytes());
    chunked.extend(b"\r\n0\r\n\r\n");
    let headers = [("Transfer-Encoding", "chunked"), ("Content-Type", "text/vcard")];
    let got = phone.send("PUT", &phone.path("b.vcf"), &headers, &chunked);
    got.expect_error(413, CARDDAV, "max-resource-size");
    phone.get("b.vcf").expect(404);
}

#[test]
fn rule_37_cards_are_put_into_the_book_only() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let put = |path: &str| phone.send("PUT", path, &[], card("x", "X", &[]).as_bytes());
    put(&format!("{}work/x.vcf", phone.home())).expect(409);
    for path in [phone.book(), phone.home(), "/dav/".to_owned(), phone.principal()] {
        let got = put(&path).expect(405);
        assert!(!got.header("Allow").contains("PUT"));
    }
    put(&phone.path("a.vcf/x.vcf")).expect_one_of(&[403, 409]);
}

#[test]
fn rule_38_any_octets_are_a_name() {
    let (_ground, _, phone) = ann();
    let names = [
        ("plain", "plain"),
        ("a@b.vcf", "a%40b.vcf"),
        ("a+b,c.vcf", "a%2Bb%2Cc.vcf"),
        ("a%20b", "a%20b"),
        ("a%2Fb.vcf", "a%2fb.vcf"),
        ("%C3%BC.vcf", "%c3%bc.vcf"),
        ("%FF%FE", "%ff%fe"),
        ("a%25b", "%61%25b"),
        ("~x:y;z=1.vcf", "~x%3Ay%3Bz%3D1.vcf"),
        ("%F0%9F%98%80.vcf", "%f0%9f%98%80.vcf"),
    ];
    for (number, (name, other)) in names.iter().enumerate() {
        let text = card(&format!("u{number}"), "A", &[]);
        phone.put(name, &text).expect(201);
        for way in [name, other] {
            assert_eq!(phone.get(way).expect(200).text(), text, "{way}");
            let answer = phone.multiget(&[&phone.path(&way.replace('&', "&amp;"))]);
            assert_eq!(answer.responses[0].get(CARDDAV, "address-data").text, text);
        }
        phone.put(other, &text).expect(204);
    }
    let long = "ü".repeat(100);
    let encoded: String = long.bytes().map(|octet| format!("%{octet:02X}")).collect();
    phone.put(&encoded, &card("long", "L", &[])).expect(201);
    phone.get(&encoded).expect(200);
    let listed = phone.propfind(&phone.book(), "1", "<D:getetag/>");
    let mut listed: Vec<_> = listed.hrefs().into_iter().skip(1).map(str::to_owned).collect();
    listed.sort();
    let synced = phone.sync("");
    let mut synced: Vec<_> = synced.hrefs().into_iter().map(str::to_owned).collect();
    synced.sort();
    assert_eq!(listed, synced);
    assert_eq!(listed.len(), names.len() + 1);
    assert!(listed.iter().all(|href| href.is_ascii() && !href.contains(['@', '+', ' '])));
    phone.put("%00.vcf", &card("nul", "N", &[])).expect_one_of(&[400, 403, 404, 409]);
    phone.put(&"x".repeat(1_001), &card("toolong", "N", &[])).expect(403);
}

#[test]
fn rule_39_what_rest_does_not_show_stays() {
    let (_ground, ann, phone) = ann();
    let lines = [
        "X-ODD;X-P=\"a;b\":1",
        "item1.EMAIL;TYPE=INTERNET;X-Q=2:a@x.example",
        "item1.X-ABLabel:boat",
        "X-SAME:1",
        "X-SAME:1",
        "IMPP;X-SERVICE-TYPE=Jabber:xmpp:a@x.example",
        "NOTE:😀 emoji\\, and more",
        "TEL;TYPE=CELL;TYPE=pref:+49 170",
        "X-LONG:0123456789012345678901234567890123456789012345678901234567890123456789\r\n  folded",
    ];
    let text = card("a", "A", &lines);
    phone.put("a.vcf", &text).expect(201);
    assert_eq!(phone.get("a.vcf").text(), text);
    let contact = ann.get("/api/contacts").json()[0].clone();
    let path = format!("/api/contacts/{}", contact["id"]);
    ann.patch(&path, json!({"job_title": "Boss"})).expect(200);
    let after = phone.get("a.vcf").text();
    read_by_others(&after);
    for line in lines {
        assert!(after.contains(&format!("{line}\r\n")), "{line}: {after}");
    }
    assert!(after.contains("TITLE:Boss\r\n"));
}

#[test]
fn rule_40_control_characters_are_never_served() {
    let (_ground, _, phone) = ann();
    let controls: String = (0..32u8).map(char::from).filter(|c| !"\r\n".contains(*c)).collect();
    let text =
        card("a", &format!("A{controls}\u{FFFE}\u{FFFF}B"), &["NOTE:x\u{b}y", "X-A;X-B=\u{1}c:d"]);
    phone.put("a.vcf", &text).expect(201);
    let got = phone.get("a.vcf").expect(200).text();
    assert!(!got.chars().any(|c| matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{FFFE}' | '\u{FFFF}')));
    // roxmltree reads no document that has one.
    let answer = phone.multiget(&[&phone.path("a.vcf")]);
    assert_eq!(answer.responses[0].get(CARDDAV, "address-data").text, got);
}

#[test]
fn a_card_is_never_refused_for_what_it_says() {
    let (_ground, ann, phone) = ann();
    let addresses: Vec<String> = (0..200).map(|i| format!("EMAIL:a{i}@x.example")).collect();
    let mut lines: Vec<&str> = addresses.iter().map(String::as_str).collect();
    lines.extend([
        "BDAY:2999-01-01",
        "TEL:call me",
        "EMAIL:not an address",
        "URL:?",
        "CATEGORIES:",
    ]);
    let text = card("odd", &"N".repeat(5_000), &lines);
    phone.put("odd.vcf", &text).expect(201);
    assert_eq!(phone.get("odd.vcf").text(), text);
    let shown = ann.get("/api/contacts").json()[0].clone();
    assert_eq!(shown["emails"].as_array().unwrap().len(), 201);
    assert_eq!(shown["display_name"].as_str().unwrap().len(), 5_000);
    assert_eq!(shown["phone"], "call me");
}

#[test]
fn cards_are_as_large_as_the_quota_allows() {
    let ground = Ground::of(support::world::World::with(|config| config.max_contacts = 2));
    let (_, phone) = ground.owner("ann");
    let put = |phone: &Phone, uid: &str| phone.put(&format!("{uid}.vcf"), &card(uid, "A", &[]));
    put(&phone, "a").expect(201);
    put(&phone, "b").expect(201);
    put(&phone, "c").expect_error(507, DAV, "quota-not-exceeded");
    put(&phone, "b").expect(204);
}
