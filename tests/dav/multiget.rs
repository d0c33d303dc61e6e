//! Rules 59 to 64: addressbook-multiget and address-data.

use crate::phone::{CARDDAV, DAV, Ground, NAMESPACES, Phone, ann, card};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const GONE: Option<&str> = Some("HTTP/1.1 404 Not Found");

#[test]
fn rule_59_each_href_is_answered_once() {
    let ground = Ground::new();
    let (_, phone) = ground.owner("ann");
    let (_, eve) = ground.owner("eve");
    phone.put("a%20b.vcf", &card("a", "A", &[])).expect(201);
    phone.put("gone.vcf", &card("gone", "G", &[])).expect(201);
    phone.delete("gone.vcf").expect(204);
    eve.put("e.vcf", &card("e", "E", &[])).expect(201);
    let a = phone.path("a%20b.vcf");
    let full = format!("https://{}{}", phone.address, phone.path("%61%20b.vcf"));
    let (gone, none) = (phone.path("gone.vcf"), phone.path("none.vcf"));
    let (foreign, book) = (eve.path("e.vcf"), phone.book());
    let asked = [&a, &full, &a, &gone, &none, &foreign, &book, "nonsense", "/dav/../x", "/", "a b"];
    let answer = phone.multiget(&asked);
    let expected = [&a, &gone, &none, &foreign, &book, "nonsense", "/dav/../x", "/", "a b"];
    let mut hrefs = answer.hrefs();
    hrefs.sort_unstable();
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(hrefs, sorted);
    answer.of(&a).get(CARDDAV, "address-data");
    for missing in &expected[1..] {
        let response = answer.of(missing);
        assert_eq!(response.status.as_deref(), GONE, "{missing}");
        assert!(response.propstats.is_empty());
    }
    let body = format!(
        "<C:addressbook-multiget {NAMESPACES}><D:prop><D:getetag/></D:prop><D:href>{a}</D:href></C:addressbook-multiget>"
    );
    for headers in [&[][..], &[("Depth", "0")], &[("Depth", "1")], &[("Depth", "infinity")]] {
        let answer = phone.report(&phone.book(), headers, &body).expect(207).multi();
        assert_eq!(answer.hrefs(), [a.as_str()]);
    }
    phone.multiget_with("<D:getetag/>", &[]).expect(400);
}

#[test]
fn rule_60_ten_thousand_hrefs() {
    let (_ground, _, phone) = ann();
    phone.put("n5.vcf", &card("n5", "A", &[])).expect(201);
    let hrefs: Vec<String> =
        (0..10_000).map(|number| phone.path(&format!("n{number}.vcf"))).collect();
    let answer = phone.multiget(&hrefs.iter().map(String::as_str).collect::<Vec<_>>());
    let mut found = answer.hrefs();
    found.sort_unstable();
    let mut expected: Vec<_> = hrefs.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
    answer.of(&phone.path("n5.vcf")).get(DAV, "getetag");
}

fn data(phone: &Phone, element: &str) -> crate::phone::Got {
    phone.multiget_with(element, &[&phone.path("a.vcf")])
}

#[test]
fn rule_61_the_whole_card_is_what_get_gives() {
    let (_ground, _, phone) = ann();
    let text = card("a", "A <&> \"'", &["NOTE:]]> x", "item1.TEL:1"]);
    phone.put("a.vcf", &text).expect(201);
    for element in [
        "<C:address-data/>",
        "<C:address-data content-type=\"text/vcard\"/>",
        "<C:address-data content-type=\"text/vcard\" version=\"3.0\"/>",
        "<C:address-data><C:allprop/></C:address-data>",
    ] {
        let answer = data(&phone, element).expect(207).multi();
        assert_eq!(answer.responses[0].get(CARDDAV, "address-data").text, text, "{element}");
    }
}

#[test]
fn rule_62_parts_of_a_card() {
    let (_ground, _, phone) = ann();
    let lines =
        ["item1.TEL;TYPE=home:+49 1", "item1.X-ABLabel:boat", "TEL:+49 2", "EMAIL:a@x.example"];
    phone.put("a.vcf", &card("a", "A", &lines)).expect(201);
    let element = "<C:address-data><C:prop name=\"tel\"/><C:prop name=\"EMAIL\" novalue=\"yes\"/></C:address-data>";
    let answer = data(&phone, element).expect(207).multi();
    let text = answer.responses[0].get(CARDDAV, "address-data").text;
    let expected = "BEGIN:VCARD\r\nVERSION:3.0\r\nitem1.TEL;TYPE=home:+49 1\r\nTEL:+49 2\r\nEMAIL:\r\nEND:VCARD\r\n";
    assert_eq!(text, expected);
}

#[test]
fn rule_63_no_card_claims_to_be_version_4() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    for kind in [
        "content-type=\"text/vcard\" version=\"4.0\"",
        "content-type=\"application/vcard+json\"",
        "version=\"2.1\"",
    ] {
        let got = data(&phone, &format!("<C:address-data {kind}/>"));
        assert!(!got.text().contains("BEGIN:VCARD"));
        got.expect_error(403, CARDDAV, "supported-address-data");
    }
}

#[test]
fn rule_64_card_and_etag_are_of_one_revision() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "N0", &[])).expect(201);
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (phone, stop) = (phone.clone(), stop.clone());
        std::thread::spawn(move || {
            let mut etags = Vec::new();
            for number in 1.. {
                let name = format!("N{number}");
                let put = phone.put("a.vcf", &card("a", &name, &[])).expect(204);
                etags.push((put.header("ETag").to_owned(), name));
                if stop.load(Ordering::Relaxed) {
                    return etags;
                }
            }
            etags
        })
    };
    let seen: Vec<_> = (0..50)
        .map(|_| {
            let answer = phone.multiget(&[&phone.path("a.vcf")]);
            let it = &answer.responses[0];
            assert_eq!(it.propstats.len(), 1);
            (it.get(DAV, "getetag").text, it.get(CARDDAV, "address-data").text)
        })
        .collect();
    stop.store(true, Ordering::Relaxed);
    let written = writer.join().unwrap();
    let mut compared = 0;
    for (etag, text) in seen {
        if let Some((_, name)) = written.iter().find(|(known, _)| *known == etag) {
            assert!(text.contains(&format!("FN:{name}\r\n")), "{etag}: {text}");
            compared += 1;
        }
    }
    assert!(compared > 0);
}
