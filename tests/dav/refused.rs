//! What other servers got wrong, as the standard page lists it; each is a test, here or under the
//! number of its rule.

use crate::cards::read_by_others;
use crate::phone::{CARDDAV, DAV, NAMESPACES, ann, card};
use contactd::handlers::dav::address_data::AddressData;
use contactd::handlers::dav::filter::Filter;
use contactd::handlers::dav::xml;
use serde_json::json;

#[test]
fn a_control_character_does_not_spoil_the_sync_of_the_other_cards() {
    let (_ground, ann, phone) = ann();
    phone.put("bad.vcf", &card("bad", "A\u{8}B", &["NOTE:\u{c}"])).expect(201);
    phone.put("good.vcf", &card("good", "G", &[])).expect(201);
    let file = card("imported", "I\u{1f}", &[]);
    ann.send("POST", "/api/contacts/import", &[("Content-Type", "text/vcard")], file.as_bytes())
        .expect(200);
    let synced = phone.sync("");
    assert_eq!(synced.responses.len(), 3);
    let answer = phone.multiget(&synced.hrefs());
    for it in &answer.responses {
        read_by_others(&it.get(CARDDAV, "address-data").text);
    }
}

#[test]
fn no_card_is_served_as_version_4_however_it_came() {
    let (_ground, ann, phone) = ann();
    let four = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:four\r\nFN:F\r\nBDAY;VALUE=date-time:20191028T000000\r\nEND:VCARD\r\n";
    phone.put("four.vcf", four).expect(201);
    let file = four.replace("UID:four", "UID:imported");
    ann.send("POST", "/api/contacts/import", &[("Content-Type", "text/vcard")], file.as_bytes())
        .expect(200);
    ann.post("/api/contacts", json!({"first_name": "R"})).expect(201);
    let synced = phone.sync("");
    assert_eq!(synced.responses.len(), 3);
    for it in &phone.multiget(&synced.hrefs()).responses {
        let text = it.get(CARDDAV, "address-data").text;
        assert!(text.contains("VERSION:3.0\r\n") && !text.contains("VERSION:4.0"), "{text}");
    }
    let shown = ann.get("/api/contacts?search=F").json();
    assert_eq!(shown[0]["birthday"], "2019-10-28");
}

#[test]
fn the_etag_is_the_same_wherever_it_is_said() {
    let (_ground, ann, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    ann.patch(
        &format!("/api/contacts/{}", ann.get("/api/contacts").json()[0]["id"]),
        json!({"nickname": "n"}),
    )
    .expect(200);
    let get = phone.etag("a.vcf");
    let path = phone.path("a.vcf");
    let listed =
        phone.propfind(&phone.book(), "1", "<D:getetag/>").of(&path).get(DAV, "getetag").text;
    let synced = phone.sync("").of(&path).get(DAV, "getetag").text;
    let multiget = phone.multiget(&[&path]).of(&path).get(DAV, "getetag").text;
    let queried = phone.query_with(&[], "<C:filter/>").multi().of(&path).get(DAV, "getetag").text;
    assert_eq!([&listed, &synced, &multiget, &queried], [&get; 4]);
}

#[test]
fn a_token_of_an_empty_book_is_a_token() {
    let (_ground, _, phone) = ann();
    let token = phone.token();
    assert!(phone.sync(&token).responses.is_empty());
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    assert_eq!(phone.sync(&token).hrefs(), [phone.path("a.vcf")]);
    phone.delete("a.vcf").expect(204);
    assert_eq!(phone.sync(&token).changes(), (vec![], vec![phone.path("a.vcf").as_str()]));
}

#[test]
fn a_large_photo_is_a_photo_and_not_the_end() {
    let (_ground, ann, phone) = ann();
    let photo = format!("PHOTO;ENCODING=b;TYPE=JPEG:{}", "/9j/4AAQ".repeat(350_000));
    for number in 0..3 {
        let uid = format!("p{number}");
        let text = card(&uid, "P", &[&photo]);
        phone.put(&format!("{uid}.vcf"), &text).expect(201);
        assert_eq!(phone.get(&format!("{uid}.vcf")).text(), text);
    }
    let hrefs: Vec<_> = (0..3).map(|number| phone.path(&format!("p{number}.vcf"))).collect();
    let answer = phone.multiget(&hrefs.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(
        answer.responses.iter().all(|it| it.get(CARDDAV, "address-data").text.contains(&photo))
    );
    assert_eq!(ann.get("/api/contacts").json().as_array().unwrap().len(), 3);
    let all =
        phone.query_with(&[], "<C:filter><C:prop-filter name=\"PHOTO\"/></C:filter>").expect(207);
    assert_eq!(all.multi().responses.len(), 3);
}

#[test]
fn an_equal_put_changes_nothing() {
    let (_ground, _, phone) = ann();
    let text = card("a", "A", &[]);
    let first = phone.put("a.vcf", &text).expect(201);
    let token = phone.token();
    let again = phone.put("a.vcf", &text).expect(204);
    assert_eq!(again.header("ETag"), first.header("ETag"));
    assert_eq!(phone.token(), token);
}

#[test]
fn a_name_that_follows_from_a_uid_is_not_given_twice() {
    let (_ground, ann, phone) = ann();
    phone.put("rest.vcf", &card("other", "O", &[])).expect(201);
    ann.post("/api/contacts", json!({"first_name": "R", "uid": "rest"})).expect(201);
    let listed = phone.propfind(&phone.book(), "1", "<D:getetag/>");
    assert_eq!(listed.responses.len(), 3);
    let mut hrefs = listed.hrefs();
    hrefs.sort_unstable();
    hrefs.dedup();
    assert_eq!(hrefs.len(), 3);
    assert!(phone.get("rest.vcf").text().contains("UID:other"));
    let mut uids: Vec<_> = hrefs
        .into_iter()
        .filter(|it| *it != phone.book())
        .map(|href| phone.get(&phone.name_of(href)).text())
        .filter_map(|text| {
            text.lines().find_map(|line| line.strip_prefix("UID:").map(str::to_owned))
        })
        .collect();
    uids.sort();
    assert_eq!(uids, ["other", "rest"]);
}

#[test]
fn filters_that_cost_too_much_are_refused() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let many = "<C:prop-filter name=\"FN\"/>".repeat(101);
    let got = phone.query_with(&[], &format!("<C:filter>{many}</C:filter>"));
    got.expect_error(403, CARDDAV, "supported-filter");
    let body = format!(
        "<C:addressbook-query {NAMESPACES}>{}</C:addressbook-query>",
        "<a/>".repeat(500_000)
    );
    phone.report(&phone.book(), &[], &body).expect(400);
    let body = vec![b' '; 11 * 1024 * 1024];
    phone.send("REPORT", &phone.book(), &[("Content-Type", "text/xml")], &body).expect(413);
}

#[test]
fn no_request_names_more_properties_than_any_client_does() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let (book, a) = (phone.book(), phone.path("a.vcf"));
    let props =
        |count: usize| -> String { (0..count).map(|number| format!("<D:a{number}/>")).collect() };
    let send = |method: &str, body: String| {
        let xml = [("Content-Type", "text/xml"), ("Depth", "0")];
        phone.send(method, &book, &xml, body.as_bytes())
    };
    // An answer repeats the namespace for every property of every resource.
    let far = format!("<x xmlns=\"{}\"/>", "n".repeat(257));
    for (wanted, status) in [(props(256), 207), (props(257), 400), (far, 400)] {
        phone.propfind_with(&book, &[("Depth", "1")], &wanted).expect(status);
        phone.multiget_with(&wanted, &[&a]).expect(status);
        for (method, outer, inside) in [
            ("REPORT", "C:addressbook-query", "<D:prop>WANTED</D:prop>"),
            ("REPORT", "D:sync-collection", "<D:sync-token/><D:prop>WANTED</D:prop>"),
            ("PROPPATCH", "D:propertyupdate", "<D:set><D:prop>WANTED</D:prop></D:set>"),
            ("PROPFIND", "D:propfind", "<D:allprop/><D:include>WANTED</D:include>"),
        ] {
            let inside = inside.replace("WANTED", &wanted);
            send(method, format!("<{outer} {NAMESPACES}>{inside}</{outer}>")).expect(status);
        }
    }
    for (count, status) in [(128, 207), (129, 400)] {
        let property = "<D:property name=\"owner\"><D:property name=\"owner\"/></D:property>";
        let inside = property.repeat(count);
        send("REPORT", format!("<D:expand-property {NAMESPACES}>{inside}</D:expand-property>"))
            .expect(status);
    }
}

/// What the processor did in this thread meanwhile, however busy the machine is.
fn cost(work: impl Fn()) -> u64 {
    let spent = || -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        stat.split(' ').next().unwrap().parse().unwrap()
    };
    let before = spent();
    work();
    spent() - before
}

#[test]
fn what_a_report_wants_of_a_card_costs_the_same_however_much_is_named() {
    let lines: Vec<String> = (0..2_000).map(|number| format!("TEL:{number}")).collect();
    let text = card("a", "A", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let cost_of = |names: usize| {
        let names = (0..names).map(|number| format!("<C:prop name=\"item{number}.X-{number}\"/>"));
        let names: String = names.collect();
        let wanted =
            format!("<C:address-data {NAMESPACES}><C:prop name=\"FN\"/>{names}</C:address-data>");
        let wanted = AddressData::read(&xml::read(wanted.as_bytes()).unwrap()).unwrap();
        cost(|| assert!((0..4).all(|_| wanted.of(&text).contains("FN:A"))))
    };
    let few = cost_of(1).max(cost_of(1));
    let many = cost_of(20_000).min(cost_of(20_000));
    // 160 million comparisons, if each line were compared with each name.
    assert!(many < few * 20, "{few}, {many} ns");
}

#[test]
fn a_line_is_folded_once_for_all_conditions_about_it() {
    let text = card("a", "A", &[&format!("NOTE:{}", "é".repeat(200_000))]);
    let cost_of = |conditions: usize| {
        let condition =
            "<C:prop-filter name=\"NOTE\"><C:text-match>zz</C:text-match></C:prop-filter>";
        let filter = condition.repeat(conditions);
        let filter = format!("<C:filter {NAMESPACES}>{filter}</C:filter>");
        let filter = Filter::read(Some(&xml::read(filter.as_bytes()).unwrap())).unwrap();
        cost(|| assert!(!filter.matches(&text)))
    };
    let one = cost_of(1).max(cost_of(1));
    let fifty = cost_of(50).min(cost_of(50));
    assert!(fifty < one * 10, "{one}, {fifty} ns");
}

#[test]
fn no_method_answers_500_to_anything() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let bodies = [
        "",
        "x",
        "{}",
        "\u{0}",
        "<a/>",
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:\u{0}\r\nEND:VCARD",
        "BEGIN:VCARD",
        "<D:propfind xmlns:D='DAV:'><D:prop><a/><b xmlns='&lt;'/><D:href/></D:prop></D:propfind>",
        "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:displayname/></D:prop></D:set><D:remove/></D:propertyupdate>",
        "<D:sync-collection xmlns:D='DAV:'><D:sync-token>urn:contactd:sync:</D:sync-token></D:sync-collection>",
        "<D:expand-property xmlns:D='DAV:'><D:property/><D:property name=''><D:property name='x'/></D:property></D:expand-property>",
        "<C:addressbook-multiget xmlns:C='urn:ietf:params:xml:ns:carddav' xmlns:D='DAV:'><D:href>/dav/addressbooks/1/contacts/%00</D:href>\
         <D:href>%</D:href><D:href>https://</D:href></C:addressbook-multiget>",
        "<C:addressbook-query xmlns:C='urn:ietf:params:xml:ns:carddav'><C:filter><C:prop-filter name='.'><C:param-filter name=''/>\
         </C:prop-filter></C:filter></C:addressbook-query>",
    ];
    let paths = [
        "/dav",
        "/dav/",
        "/dav//",
        "/dav/%00",
        "/dav/%ff/%",
        "/dav/principals/",
        "/dav/principals/0/",
        "/",
        "/dav/..",
        "/dav/addressbooks/99999999999999999999/",
        &phone.principal(),
        &phone.home(),
        &phone.book(),
        &phone.path("a.vcf"),
        &phone.path("%00"),
        &phone.path("a.vcf/b"),
        &phone.path("%2e%2e"),
        &phone.path("a?b=c"),
    ];
    let headers = [
        ("Depth", "x"),
        ("Destination", "%"),
        ("Destination", "http://x/%ff"),
        ("If", "((("),
        ("If-Match", "W/"),
        ("Content-Type", "text/xml; charset=utf-16"),
        ("Prefer", "return"),
        ("Overwrite", "?"),
        ("Accept", ";;q=,"),
        ("Content-Encoding", "gzip"),
        ("Depth", "0"),
    ];
    let methods = [
        "OPTIONS",
        "PROPFIND",
        "PROPPATCH",
        "REPORT",
        "GET",
        "PUT",
        "DELETE",
        "MOVE",
        "MKCOL",
        "COPY",
    ];
    let mut number = 0;
    for method in methods {
        for path in paths {
            for body in bodies {
                number += 1;
                let header = headers[number % headers.len()];
                let status = phone.send(method, path, &[header], body.as_bytes()).status;
                assert!(
                    status < 500 || status == 502,
                    "{method} {path} {header:?} {body}: {status}"
                );
            }
        }
    }
}
