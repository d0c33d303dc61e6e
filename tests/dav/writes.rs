//! Rules 42 to 47: DELETE, PROPPATCH, MKCOL, MOVE, COPY, and REPORT in general.

use crate::phone::{CARDDAV, DAV, Got, Ground, NAMESPACES, Phone, ann, card};
use serde_json::json;

#[test]
fn rule_42_a_deleted_card_lies_in_the_trash() {
    let (_ground, ann, phone) = ann();
    let etag = phone.put("a.vcf", &card("a", "A", &[])).expect(201).header("ETag").to_owned();
    let token = phone.token();
    phone.put("a.vcf", &card("a", "B", &[])).expect(204);
    let stale = [("If-Match", etag.as_str())];
    phone.send("DELETE", &phone.path("a.vcf"), &stale, b"").expect(412);
    phone.get("a.vcf").expect(200);
    phone.delete("a.vcf").expect(204);
    phone.get("a.vcf").expect(404);
    phone.delete("a.vcf").expect(404);
    assert_eq!(phone.propfind(&phone.book(), "1", "<D:getetag/>").hrefs(), [phone.book()]);
    assert_eq!(phone.sync(&token).changes(), (vec![], vec![phone.path("a.vcf").as_str()]));
    assert_eq!(ann.get("/api/contacts/trash").json()[0]["display_name"], "B");
    phone.send("DELETE", &phone.book(), &[], b"").expect(403);
    phone.send("DELETE", &phone.home(), &[], b"").expect_one_of(&[403, 405]);
}

fn proppatch(phone: &Phone, path: &str, inside: &str) -> Got {
    let body = format!("<D:propertyupdate {NAMESPACES}>{inside}</D:propertyupdate>");
    let headers = [("Content-Type", "application/xml")];
    phone.send("PROPPATCH", path, &headers, body.as_bytes())
}

#[test]
fn rule_43_two_programs_that_name_and_describe_the_book_at_once_are_both_heard() {
    let (ground, ann, phone) = ann();
    let set = |name: &str, value: &str| {
        let change = format!("<D:set><D:prop><{name}>{value}</{name}></D:prop></D:set>");
        proppatch(&phone, &phone.book(), &change).expect(207);
    };
    let waiting =
        "SELECT count(DISTINCT pid) FROM pg_locks AS waits JOIN pg_locks AS held USING (pid)
        WHERE NOT waits.granted AND held.relation = 'address_books'::regclass";
    std::thread::scope(|scope| {
        let locked = ground.world.app.db.transaction(|tx| {
            tx.query("SELECT FROM address_books WHERE owner = $1 FOR UPDATE", &[&ann.id])?;
            scope.spawn(|| set("D:displayname", "Mine"));
            scope.spawn(|| set("C:addressbook-description", "Friends"));
            // Locks are waited for no longer than two seconds.
            let end = std::time::Instant::now() + std::time::Duration::from_secs(1);
            while ground.world.sql::<i64>(waiting) < 2 && std::time::Instant::now() < end {
                std::thread::yield_now();
            }
            Ok(())
        });
        locked.unwrap();
    });
    assert_eq!(phone.property(&phone.book(), "D:displayname"), "Mine");
    assert_eq!(phone.property(&phone.book(), "C:addressbook-description"), "Friends");
    // What nobody sees is no name.
    set("D:displayname", "\u{200b} \u{2060}");
    assert_eq!(phone.property(&phone.book(), "D:displayname"), "Contacts");
}

#[test]
fn a_path_where_nothing_can_be_is_not_found() {
    let (_ground, _, phone) = ann();
    for path in [format!("{}work/", phone.home()), phone.path("a.vcf/b"), phone.path("%00")] {
        for method in ["GET", "HEAD", "MOVE", "DELETE", "PROPFIND"] {
            phone.send(method, &path, &[("Destination", &phone.path("c.vcf"))], b"").expect(404);
        }
    }
}

#[test]
fn rule_43_the_book_has_a_name_of_the_clients() {
    let (_ground, _, phone) = ann();
    let both = "<D:set><D:prop><D:displayname>Mine &amp; yours</D:displayname></D:prop></D:set>\
        <D:set><D:prop><C:addressbook-description>ü</C:addressbook-description></D:prop></D:set>";
    let answer = proppatch(&phone, &phone.book(), both).expect(207).multi();
    assert_eq!(answer.responses[0].ok().len(), 2);
    assert_eq!(phone.property(&phone.book(), "D:displayname"), "Mine & yours");
    assert_eq!(phone.property(&phone.book(), "C:addressbook-description"), "ü");
    for protected in ["D:getetag", "D:sync-token", "C:max-resource-size"] {
        let mixed = format!(
            "<D:set><D:prop><D:displayname>Other</D:displayname><{protected}>x</{protected}></D:prop></D:set>"
        );
        let got = proppatch(&phone, &phone.book(), &mixed).expect(207);
        let answer = got.multi();
        let statuses: Vec<_> =
            answer.responses[0].propstats.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(statuses, ["HTTP/1.1 424 Failed Dependency", "HTTP/1.1 403 Forbidden"]);
        assert!(got.text().contains("<D:error><D:cannot-modify-protected-property/></D:error>"));
        assert_eq!(phone.property(&phone.book(), "D:displayname"), "Mine & yours");
    }
    let dead = "<D:set><D:prop><X:y>1</X:y></D:prop></D:set>";
    let got = proppatch(&phone, &phone.book(), dead).expect(207);
    assert_eq!(got.multi().responses[0].propstats[0].0, "HTTP/1.1 403 Forbidden");
    assert!(!got.text().contains("protected-property"));
    for (characters, status) in [(200, "200 OK"), (201, "507 Insufficient Storage")] {
        let name = "ї".repeat(characters);
        let set = format!("<D:set><D:prop><D:displayname>{name}</D:displayname></D:prop></D:set>");
        let answer = proppatch(&phone, &phone.book(), &set).expect(207).multi();
        assert_eq!(answer.responses[0].propstats[0].0, format!("HTTP/1.1 {status}"));
    }
    let remove = "<D:remove><D:prop><D:displayname/></D:prop></D:remove>";
    proppatch(&phone, &phone.book(), remove).expect(207);
    assert_eq!(phone.property(&phone.book(), "D:displayname"), "Contacts");
    let answer = proppatch(&phone, &phone.principal(), both).expect(207).multi();
    assert!(answer.responses[0].ok().is_empty());
}

#[test]
fn rule_44_there_is_one_book() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let extended = format!(
        "<D:mkcol {NAMESPACES}><D:set><D:prop><D:resourcetype><D:collection/><C:addressbook/>\
         </D:resourcetype></D:prop></D:set></D:mkcol>"
    );
    for body in ["", &extended] {
        let headers = [("Content-Type", "application/xml")];
        let mkcol = |path: &str| phone.send("MKCOL", path, &headers, body.as_bytes()).status;
        assert_eq!(mkcol(&format!("{}work/", phone.home())), 403);
        assert_eq!(mkcol(&format!("{}work", phone.home())), 403);
        assert_eq!(mkcol(&phone.book()), 405);
        assert_eq!(mkcol(&phone.path("a.vcf")), 405);
        assert_eq!(mkcol(&format!("{}work/deep/", phone.home())), 409);
        assert_eq!(mkcol(&phone.path("new/")), 403);
    }
    let home = phone.propfind(&phone.home(), "1", "<D:resourcetype/>");
    assert_eq!(home.hrefs(), [phone.home(), phone.book()]);
}

fn rename(phone: &Phone, from: &str, to: &str, headers: &[(&str, &str)]) -> Got {
    let all: Vec<_> = headers.iter().copied().chain([("Destination", to)]).collect();
    phone.send("MOVE", &phone.path(from), &all, b"")
}

#[test]
fn rule_45_a_card_is_renamed_and_stays_itself() {
    let (_ground, ann, phone) = ann();
    let text = card("a", "A", &[]);
    phone.put("a.vcf", &text).expect(201);
    phone.put("b.vcf", &card("b", "B", &[])).expect(201);
    let before = ann.get("/api/contacts").json()[0].clone();
    let token = phone.token();
    rename(&phone, "a.vcf", &phone.path("new%40.vcf"), &[]).expect(201);
    phone.get("a.vcf").expect(404);
    assert_eq!(phone.get("new@.vcf").expect(200).text(), text);
    let after = ann.get("/api/contacts").json()[0].clone();
    assert_eq!((&before["id"], &before["uid"]), (&after["id"], &after["uid"]));
    let history = ann.get(&format!("/api/contacts/{}/history", after["id"])).expect(200).json();
    assert_eq!(history[0]["by"], "carddav");
    let (there, gone) = (phone.path("new%40.vcf"), phone.path("a.vcf"));
    assert_eq!(phone.sync(&token).changes(), (vec![there.as_str()], vec![gone.as_str()]));
    // And back: the first name is that of a card again.
    rename(&phone, "new%40.vcf", &phone.path("a.vcf"), &[]).expect(201);
    assert_eq!(phone.sync(&token).changes(), (vec![gone.as_str()], vec![there.as_str()]));

    let other = phone.path("b.vcf");
    rename(&phone, "a.vcf", &other, &[]).expect_error(409, CARDDAV, "no-uid-conflict");
    rename(&phone, "a.vcf", &other, &[("Overwrite", "F")]).expect(412);
    phone.send("MOVE", &phone.path("a.vcf"), &[], b"").expect(400);
    for bad in ["", "a.vcf", "mailto:x", "http:"] {
        rename(&phone, "a.vcf", bad, &[]).expect(400);
    }
    let free = phone.path("free.vcf");
    rename(&phone, "a.vcf", &format!("http://evil.example{free}"), &[]).expect(502);
    rename(&phone, "a.vcf", &phone.path("%61.vcf"), &[]).expect(403);
    rename(&phone, "a.vcf", &format!("{}work/a.vcf", phone.home()), &[]).expect(409);
    rename(&phone, "a.vcf", &format!("/dav/addressbooks/{}/contacts/x", phone.id + 1), &[])
        .expect(409);
    rename(&phone, "none.vcf", &free, &[]).expect(404);
    assert_eq!(phone.get("a.vcf").text(), text);
    // A query is no part of the path; a fragment names nothing that could be made.
    rename(&phone, "a.vcf", &phone.path("c.vcf#x"), &[]).expect(400);
    rename(&phone, "a.vcf", &phone.path("c.vcf?x=1"), &[]).expect(201);
    rename(&phone, "c.vcf", &phone.path("a.vcf"), &[]).expect(201);
    // Under the host that was asked, or that of PUBLIC_URL, whatever the scheme.
    rename(&phone, "a.vcf", &format!("https://{}{free}", phone.address), &[]).expect(201);
    rename(&phone, "free.vcf", &format!("http://contacts.example{}", phone.path("a.vcf")), &[])
        .expect(201);
}

#[test]
fn rule_45_copy_is_not_there() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let headers = [("Destination", phone.path("b.vcf"))];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let got = phone.send("COPY", &phone.path("a.vcf"), &headers, b"").expect(405);
    assert!(!got.header("Allow").contains("COPY") && got.header("Allow").contains("PUT"));
}

#[test]
fn rule_46_a_report_is_xml_about_something() {
    let (_ground, _, phone) = ann();
    let body = format!("<C:addressbook-query {NAMESPACES}/>");
    for kind in ["text/plain", "application/json", "text/vcard"] {
        phone.report(&phone.book(), &[("Content-Type", kind)], &body).expect_one_of(&[400, 415]);
    }
    for path in [phone.path("none.vcf"), format!("{}work/", phone.home()), "/dav/no/".to_owned()] {
        phone.report(&path, &[], &body).expect(404);
    }
}

#[test]
fn rule_47_reports_that_are_not_there_and_the_one_that_follows_hrefs() {
    let (_ground, _, phone) = ann();
    for report in ["D:acl-principal-prop-set", "C:none", "D:version-tree", "X:y", "D:propfind"] {
        let body = format!("<{report} {NAMESPACES}/>");
        phone.report(&phone.book(), &[], &body).expect_error(403, DAV, "supported-report");
    }
    let body = format!(
        "<D:expand-property {NAMESPACES}><D:property name=\"current-user-principal\">\
         <D:property name=\"addressbook-home-set\" namespace=\"{CARDDAV}\"><D:property name=\"resourcetype\"/>\
         </D:property><D:property name=\"displayname\"/></D:property><D:property name=\"none\"/></D:expand-property>"
    );
    let got = phone.report(&phone.book(), &[], &body).expect(207);
    let text = got.text();
    let document = roxmltree::Document::parse(&text).unwrap();
    let hrefs = document.descendants().filter(|it| it.has_tag_name((DAV, "response")));
    let hrefs: Vec<_> = hrefs.map(|it| it.first_element_child().unwrap().text().unwrap()).collect();
    assert_eq!(hrefs, [phone.book(), phone.principal(), phone.home()]);
    assert!(text.contains("<D:displayname>ann</D:displayname>"));
}

#[test]
fn what_a_phone_did_stands_in_the_history_under_its_name() {
    let ground = Ground::new();
    let (ann, phone) = ground.owner("ann");
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    phone.put("a.vcf", &card("a", "B", &[])).expect(204);
    let id = ann.get("/api/contacts").json()[0]["id"].clone();
    let history = ann.get(&format!("/api/contacts/{id}/history")).expect(200).json();
    assert_eq!(history[0]["by"], "carddav");
    assert_eq!(history[0]["client"], "phone");
    assert_eq!(history[0]["contact"]["display_name"], json!("A"));
}
