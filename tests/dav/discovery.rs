//! Rules 1 to 8: discovery and signing in.

use crate::phone::{CARDDAV, DAV, Ground, NAMESPACES, Phone, ann, basic, card};
use contactd::repository::contacts::books;
use support::world::PASSWORD;

fn stranger(phone: &Phone) -> Phone {
    phone.with_authorization("")
}

#[test]
fn rule_01_well_known_leads_to_dav_without_credentials() {
    let (_ground, _, phone) = ann();
    for method in ["GET", "PROPFIND", "HEAD"] {
        let got = stranger(&phone).send(method, "/.well-known/carddav", &[], b"");
        let got = got.expect_one_of(&[301, 307, 308]);
        assert_eq!(got.header("Location"), "/dav/");
        assert!(!got.header("Cache-Control").is_empty());
    }
    // libdav follows it by GET, and takes anything but 2xx for "no CardDAV here".
    let got = phone.send("GET", "/dav/", &[], b"").expect(200);
    assert!(got.text().contains("CardDAV"));
    stranger(&phone).send("GET", "/dav/", &[], b"").expect(401);
}

#[test]
fn rule_02_the_root_names_the_principal() {
    let (_ground, _, phone) = ann();
    let answer = phone.propfind("/", "0", "<D:current-user-principal/>");
    let found = answer.responses[0].get(DAV, "current-user-principal");
    assert_eq!(found.text, phone.principal());
    stranger(&phone).send("PROPFIND", "/", &[("Depth", "0")], b"").expect(401);
}

#[test]
fn rule_03_whatever_is_under_dav_wants_credentials() {
    let (_ground, ann, phone) = ann();
    let other = phone.principal();
    let paths =
        ["/dav/", "/dav", &other, &phone.home(), &phone.book(), &phone.path("x.vcf"), "/dav/no"];
    let wrong = [
        String::new(),
        basic("ann", "wrong"),
        basic("ann", PASSWORD),
        format!("Bearer {}", ann.token.clone().unwrap()),
        phone.authorization.replace("Basic ", "Bearer "),
        "Basic ???".to_owned(),
        "Basic".to_owned(),
    ];
    for path in paths {
        for authorization in &wrong {
            for method in ["PROPFIND", "OPTIONS", "GET", "REPORT", "PUT", "DELETE", "COPY", "POST"]
            {
                let got = phone.with_authorization(authorization).send(method, path, &[], b"");
                let got = got.expect(401);
                let challenge = got.header("WWW-Authenticate");
                assert!(challenge.starts_with("Basic realm=\""), "{challenge}");
                assert!(challenge.contains("charset=\"UTF-8\""), "{challenge}");
            }
        }
    }
}

/// A phone that is let in writes while its account is deleted.
#[test]
fn rule_03_a_book_that_goes_under_a_request_is_asked_for_like_any_other() {
    let (ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    ground.world.app.db.write(|db| books::close(db, phone.id)).unwrap();
    for got in [phone.put("b.vcf", &card("b", "B", &[])), phone.send("PROPFIND", "/dav/", &[], b"")]
    {
        let got = got.expect(401);
        assert!(got.header("WWW-Authenticate").starts_with("Basic "));
    }
}

#[test]
fn rule_03_a_revoked_app_password_fails_on_the_next_request() {
    let (_ground, ann, phone) = ann();
    phone.propfind("/dav/", "0", "<D:current-user-principal/>");
    let list = ann.get("/api/users/me/app-passwords").expect(200).json();
    ann.delete(&format!("/api/users/me/app-passwords/{}", list[0]["id"])).expect(204);
    phone.propfind_with("/dav/", &[("Depth", "0")], "").expect(401);
}

#[test]
fn rule_04_credentials_are_utf_8_and_split_at_the_first_colon() {
    let (_ground, _, phone) = ann();
    for password in ["a:b:c", "пароль", ":", "", "\u{0}", "ü:ü"] {
        for name in ["ann", "Энн", ""] {
            let wrong = phone.with_authorization(&basic(name, password));
            wrong.send("PROPFIND", "/dav/", &[("Depth", "0")], b"").expect(401);
        }
    }
    // The address is as good as the name, and a space that a phone's keyboard adds is nothing.
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    let encoded = phone.authorization.strip_prefix("Basic ").unwrap();
    let secret = String::from_utf8(engine.decode(encoded).unwrap()).unwrap();
    let secret = secret.split_once(':').unwrap().1.to_owned();
    for name in ["ann@example.com", "ANN", "ann ", " ann@example.com "] {
        let named = phone.with_authorization(&basic(name, &secret));
        named.propfind("/dav/", "0", "<D:current-user-principal/>");
    }
    let invalid = format!("Basic {}", engine.encode(b"ann:\xff\xfe"));
    phone.with_authorization(&invalid).send("PROPFIND", "/dav/", &[], b"").expect(401);
}

#[test]
fn rule_05_options_tell_what_works_there() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let paths = [
        ("/dav/".to_owned(), false),
        (phone.principal(), false),
        (phone.home(), false),
        (phone.book(), false),
        (phone.path("a.vcf"), true),
    ];
    for (path, is_card) in paths {
        let got = phone.send("OPTIONS", &path, &[], b"").expect_one_of(&[200, 204]);
        assert_eq!(got.header("DAV"), "1, 3, access-control, addressbook");
        let allow: Vec<_> = got.header("Allow").split(", ").collect();
        for method in ["OPTIONS", "PROPFIND", "REPORT", "PROPPATCH"] {
            assert!(allow.contains(&method), "{path}: {allow:?}");
        }
        assert_eq!(allow.contains(&"PUT"), is_card);
        assert!(!allow.contains(&"COPY") && !allow.contains(&"MKCOL"));
        for method in ["GET", "HEAD", "PUT", "DELETE", "MOVE", "PROPPATCH", "COPY", "POST", "LOCK"]
        {
            let refused = phone.send(method, &path, &[], b"");
            let status = refused.status;
            if status == 405 {
                assert_eq!(refused.header("Allow"), got.header("Allow"), "{method} {path}");
            }
            // The only book stays: 403.
            let forbidden = method == "DELETE" && path == phone.book();
            let known = allow.contains(&method) || forbidden;
            assert_eq!(status != 405, known, "{method} {path}: {status}");
            phone.put("a.vcf", &card("a", "A", &[])).expect_one_of(&[201, 204]);
        }
    }
}

#[test]
fn rule_06_every_resource_names_the_principal() {
    let (_ground, _, phone) = ann();
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let paths = ["/dav/", &phone.principal(), &phone.home(), &phone.book(), &phone.path("a.vcf")];
    for path in paths {
        let answer = phone.propfind(path, "0", "<D:current-user-principal/>");
        let found = answer.of(path).get(DAV, "current-user-principal");
        assert_eq!((found.text, found.inside), (phone.principal(), vec!["D:href".to_owned()]));
    }
}

#[test]
fn rule_07_the_principal_leads_to_the_home() {
    let (_ground, _, phone) = ann();
    let answer = phone.propfind(
        &phone.principal(),
        "0",
        "<D:resourcetype/><D:displayname/><D:principal-URL/><C:addressbook-home-set/>\
         <D:supported-report-set/><D:principal-collection-set/><CS:email-address-set/>\
         <D:resource-id/><C:directory-gateway/><CS:dropbox-home-URL/><X:y/>",
    );
    let it = answer.of(&phone.principal());
    assert!(it.get(DAV, "resourcetype").inside.contains(&"D:principal".to_owned()));
    assert_eq!(it.get(DAV, "displayname").text, "ann");
    assert_eq!(it.get(DAV, "principal-URL").text, phone.principal());
    assert_eq!(it.get(CARDDAV, "addressbook-home-set").text, phone.home());
    assert!(it.get(DAV, "supported-report-set").inside.contains(&"D:expand-property".to_owned()));
    let collection = it.get(DAV, "principal-collection-set").text;
    phone.propfind(&collection, "0", "<D:resourcetype/>");
    let missing =
        ["email-address-set", "resource-id", "directory-gateway", "dropbox-home-URL", "y"];
    assert_eq!(it.missing(), missing);
}

#[test]
fn rule_08_what_is_anothers_is_as_what_never_was() {
    let ground = Ground::new();
    let (_, phone) = ground.owner("ann");
    let (_, eve) = ground.owner("eve");
    phone.put("a.vcf", &card("a", "A", &[])).expect(201);
    let never = Phone { id: 999_999, ..phone.clone() };
    let ours = [phone.principal(), phone.home(), phone.book(), phone.path("a.vcf")];
    let nowhere = [never.principal(), never.home(), never.book(), never.path("a.vcf")];
    let propfind = format!("<D:propfind {NAMESPACES}><D:allprop/></D:propfind>");
    let bodies = [
        ("OPTIONS", ""),
        ("GET", ""),
        ("DELETE", ""),
        ("MKCOL", ""),
        ("COPY", ""),
        ("LOCK", ""),
        ("POST", "x"),
        ("PROPFIND", &propfind),
        ("PROPFIND", "<"),
        ("REPORT", "<a/>"),
        ("PROPPATCH", "<a/>"),
        ("MOVE", ""),
        ("PUT", "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\nN:x\r\nUID:x\r\nEND:VCARD\r\n"),
    ];
    for (path, missing) in ours.iter().zip(&nowhere) {
        for (method, body) in bodies {
            let headers = [("Depth", "0"), ("Content-Type", "application/xml")];
            let there = eve.send(method, path, &headers, body.as_bytes()).expect(404);
            let never = eve.send(method, missing, &headers, body.as_bytes()).expect(404);
            assert_eq!(there.essence(), never.essence(), "{method} {path}");
            assert_eq!(there.header("Allow"), never.header("Allow"));
        }
    }
    phone.get("a.vcf").expect(200);
    let asked = eve.multiget(&[&phone.path("a.vcf")]);
    assert_eq!(asked.of(&phone.path("a.vcf")).status.as_deref(), Some("HTTP/1.1 404 Not Found"));
}
