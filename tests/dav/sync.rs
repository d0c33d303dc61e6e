//! Rules 65 to 72: sync-collection.

use crate::phone::{DAV, Ground, NAMESPACES, Phone, ann, card};
use chrono::Duration;
use serde_json::json;

fn put(phone: &Phone, uid: &str) {
    phone.put(&format!("{uid}.vcf"), &card(uid, uid, &[])).expect_one_of(&[201, 204]);
}

/// The names that are there and those that are gone since a token.
fn since(phone: &Phone, token: &str) -> (Vec<String>, Vec<String>) {
    let answer = phone.sync(token);
    let (there, gone) = answer.changes();
    let names = |hrefs: Vec<&str>| hrefs.into_iter().map(|it| phone.name_of(it)).collect();
    (names(there), names(gone))
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|it| it.to_string()).collect()
}

#[test]
fn rule_65_the_first_sync_lists_what_is_there() {
    let (_ground, _, phone) = ann();
    ["a", "b", "c"].iter().for_each(|uid| put(&phone, uid));
    phone.delete("b.vcf").expect(204);
    for level in ["1", "infinite"] {
        let body = format!(
            "<D:sync-collection {NAMESPACES}><D:sync-token/><D:sync-level>{level}</D:sync-level>\
             <D:prop><D:getetag/></D:prop></D:sync-collection>"
        );
        let answer = phone.report(&phone.book(), &[("Depth", "0")], &body).expect(207).multi();
        let mut hrefs = answer.hrefs();
        hrefs.sort_unstable();
        assert_eq!(hrefs, [phone.path("a.vcf"), phone.path("c.vcf")]);
        for it in &answer.responses {
            assert_eq!(it.get(DAV, "getetag").text, phone.etag(&phone.name_of(&it.href)));
        }
        assert_eq!(answer.token(), phone.token());
    }
}

#[test]
fn rule_66_without_a_change_the_token_stays() {
    let (_ground, _, phone) = ann();
    put(&phone, "a");
    let token = phone.token();
    let answer = phone.sync(&token);
    assert!(answer.responses.is_empty());
    assert_eq!(answer.token(), token);
    assert_eq!(phone.token(), token);
    assert!(token.contains(':'));
}

#[test]
fn rule_67_each_href_once_and_as_it_is_now() {
    let (_ground, _, phone) = ann();
    let empty = phone.token();
    ["same", "new", "back", "gone"].iter().for_each(|uid| put(&phone, uid));
    let token = phone.token();
    put(&phone, "added");
    phone.delete("added.vcf").expect(204);
    phone.delete("back.vcf").expect(204);
    put(&phone, "back");
    phone.delete("gone.vcf").expect(204);
    put(&phone, "gone");
    phone.delete("gone.vcf").expect(204);
    phone.put("new.vcf", &card("new", "other", &[])).expect(204);
    let answer = phone.sync(&token);
    assert_eq!(answer.responses.len(), 4);
    assert!(answer.responses.iter().all(|it| it.status.is_none() || it.propstats.is_empty()));
    assert_eq!(
        since(&phone, &token),
        (names(&["back.vcf", "new.vcf"]), names(&["added.vcf", "gone.vcf"]))
    );
    let (there, gone) = since(&phone, &empty);
    assert_eq!(there, names(&["back.vcf", "new.vcf", "same.vcf"]));
    assert_eq!(gone, names(&["added.vcf", "gone.vcf"]));
}

#[test]
fn rule_68_changes_by_rest_are_seen() {
    let (_ground, ann, phone) = ann();
    let mut token = phone.token();
    let mut seen = |what: &str, there: &[&str], gone: &[&str]| {
        let answer = phone.sync(&token);
        let found = since(&phone, &token);
        assert_eq!(found, (names(there), names(gone)), "{what}");
        token = answer.token().to_owned();
    };
    let create = |uid: &str| {
        ann.post(
            "/api/contacts",
            json!({"first_name": uid, "uid": uid, "email": format!("{uid}@x.example")}),
        )
        .expect(201)
        .json()["id"]
            .clone()
    };
    let (a, b) = (create("a"), create("b"));
    seen("create", &["a.vcf", "b.vcf"], &[]);
    let path = format!("/api/contacts/{a}");
    ann.patch(&path, json!({"labels": ["one"]})).expect(200);
    seen("edit", &["a.vcf"], &[]);
    ann.patch("/api/contacts/labels", json!({"from": "one", "to": "two"})).expect(200);
    seen("label rename", &["a.vcf"], &[]);
    ann.delete(&path).expect(204);
    seen("trash", &[], &["a.vcf"]);
    ann.post(&format!("{path}/restore"), json!({})).expect(200);
    seen("restore", &["a.vcf"], &[]);
    let file = card("i", "I", &[]);
    ann.send("POST", "/api/contacts/import", &[("Content-Type", "text/vcard")], file.as_bytes())
        .expect(200);
    seen("import", &["i.vcf"], &[]);
    ann.post("/api/contacts/merge", json!({"keep": a, "merge": [b]})).expect(200);
    seen("merge", &["a.vcf"], &["b.vcf"]);
    ann.post("/api/contacts/bulk", json!({"action": "delete", "ids": [a]})).expect(200);
    seen("bulk", &[], &["a.vcf"]);
}

#[test]
fn rule_68_a_change_that_is_committed_late_is_not_skipped() {
    let (ground, _, phone) = ann();
    put(&phone, "a");
    // A transaction that has written, and is not committed.
    let app = ground.world.app.clone();
    let owner = phone.id;
    let (began, begun) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel::<()>();
    let late = std::thread::spawn(move || {
        let by = contactd::service::writer::By { protocol: "rest", client: String::new() };
        contactd::service::writer::in_book(&app, owner, &by, |writer| {
            let mut new = vcard::Card::new("late");
            new.set(&vcard::Details { first_name: Some("Late".to_owned()), ..Default::default() });
            writer
                .insert(vec![contactd::service::writer::NewCard { card: new, resource: None }])?;
            began.send(()).unwrap();
            may_go.recv().unwrap();
            Ok(())
        })
        .unwrap();
    });
    begun.recv().unwrap();
    let token = phone.sync("").token().to_owned();
    // The next one waits for the first: its revision is a later one.
    let other = {
        let phone = phone.clone();
        std::thread::spawn(move || put(&phone, "b"))
    };
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(!other.is_finished());
    let between = phone.sync(&token);
    assert!(between.responses.is_empty());
    go.send(()).unwrap();
    late.join().unwrap();
    other.join().unwrap();
    for token in [&token, between.token()] {
        assert_eq!(since(&phone, token), (names(&["b.vcf", "late.vcf"]), vec![]));
    }
}

#[test]
fn rule_69_any_depth_means_the_book_and_nothing_else_syncs() {
    let (_ground, _, phone) = ann();
    put(&phone, "a");
    for headers in [&[][..], &[("Depth", "0")], &[("Depth", "1")], &[("Depth", "infinity")]] {
        let answer = phone.sync_with(headers, "", "").expect(207).multi();
        assert_eq!(answer.hrefs(), [phone.path("a.vcf")]);
    }
    let body =
        format!("<D:sync-collection {NAMESPACES}><D:sync-token/><D:prop/></D:sync-collection>");
    for path in [phone.path("a.vcf"), phone.principal(), phone.home(), "/dav/".to_owned()] {
        phone.report(&path, &[("Depth", "0")], &body).expect_error(403, DAV, "supported-report");
    }
}

#[test]
fn rule_70_a_limited_sync_goes_on_to_the_end() {
    let (_ground, _, phone) = ann();
    put(&phone, "old");
    put(&phone, "old2");
    let start = phone.token();
    (0..7).for_each(|number| put(&phone, &format!("n{number}")));
    phone.delete("old.vcf").expect(204);
    phone.delete("n3.vcf").expect(204);
    put(&phone, "n1");
    for begin in [String::new(), start] {
        for n in 1..10 {
            let limit = format!("<D:limit><D:nresults>{n}</D:nresults></D:limit>");
            let (mut token, mut seen, mut rounds) = (begin.clone(), Vec::new(), 0);
            loop {
                let answer = phone.sync_with(&[("Depth", "0")], &token, &limit).expect(207).multi();
                let (there, gone) = answer.changes();
                assert!(there.len() + gone.len() <= n);
                seen.extend(there.into_iter().map(str::to_owned));
                seen.extend(gone.into_iter().map(|it| format!("gone {it}")));
                let last = token.clone();
                token = answer.token().to_owned();
                let book = phone.book();
                let more = answer.responses.iter().find(|it| it.href == book);
                let Some(more) = more else { break };
                assert_eq!(more.status.as_deref(), Some("HTTP/1.1 507 Insufficient Storage"));
                assert_eq!(more.error.as_deref(), Some("number-of-matches-within-limits"));
                assert_ne!(token, last);
                rounds += 1;
                assert!(rounds < 20);
            }
            assert_eq!(token, phone.token());
            let mut expected: Vec<_> = ["n0", "n1", "n2", "n4", "n5", "n6"]
                .iter()
                .map(|it| phone.path(&format!("{it}.vcf")))
                .collect();
            match begin.is_empty() {
                true => expected.push(phone.path("old2.vcf")),
                false => expected.extend(
                    ["old", "n3"]
                        .iter()
                        .map(|it| format!("gone {}", phone.path(&format!("{it}.vcf")))),
                ),
            }
            // What was added and deleted since the client began, and what it never saw.
            seen.sort();
            expected.sort();
            if begin.is_empty() {
                seen.retain(|it| !it.starts_with("gone "));
            }
            assert_eq!(seen, expected, "{n} {begin}");
        }
    }
    for wrong in ["0", "x", "-1", ""] {
        let limit = format!("<D:limit><D:nresults>{wrong}</D:nresults></D:limit>");
        phone.sync_with(&[], "", &limit).expect(400);
    }
}

#[test]
fn rule_71_a_token_that_is_not_good_is_refused() {
    let ground = Ground::new();
    let (_, phone) = ground.owner("ann");
    let (_, eve) = ground.owner("eve");
    put(&phone, "a");
    put(&eve, "a");
    let token = phone.token();
    let (start, revision) = token.rsplit_once(':').unwrap();
    let future = format!("{start}:{}", revision.parse::<i64>().unwrap() + 1);
    let bad = [
        "x",
        "urn:contactd:sync:1",
        &future,
        &eve.token(),
        &format!("{token}x"),
        &format!("{start}:-1"),
        &format!("{start}:+1"),
        "http://sabre.io/ns/sync/1",
        "urn:contactd:sync:::1",
        "0",
    ];
    for bad in bad {
        phone.sync_with(&[], bad, "").expect_error(403, DAV, "valid-sync-token");
        let bird = phone.with_agent("Mozilla/5.0 Gecko/20100101 Thunderbird/140.0");
        bird.sync_with(&[], bad, "").expect_error(400, DAV, "valid-sync-token");
    }
    // Another process; and then a restored database.
    let again = Ground::of(ground.world.replica());
    let there = Phone { address: again.address, ..phone.clone() };
    assert!(there.sync(&token).responses.is_empty());
    ground.world.app.db.write(contactd::repository::contacts::books::restored).unwrap();
    phone.sync_with(&[], &token, "").expect_error(403, DAV, "valid-sync-token");
    assert_eq!(since(&phone, "").0, names(&["a.vcf"]));
}

#[test]
fn rule_71_a_token_is_good_until_its_deletions_are_forgotten() {
    let (ground, _, phone) = ann();
    ["a", "b"].iter().for_each(|uid| put(&phone, uid));
    let before = phone.token();
    phone.delete("a.vcf").expect(204);
    let after = phone.token();
    ground.world.pass(Duration::days(29));
    contactd::worker::purge(&ground.world.app).unwrap();
    assert_eq!(since(&phone, &before), (vec![], names(&["a.vcf"])));
    ground.world.pass(Duration::days(2));
    contactd::worker::purge(&ground.world.app).unwrap();
    phone.sync_with(&[], &before, "").expect_error(403, DAV, "valid-sync-token");
    assert!(phone.sync(&after).responses.is_empty());
}

/// It has missed no deletion, however long ago and in however many pieces the answer is made.
#[test]
fn rule_71_a_token_of_the_empty_book_is_good_for_ever() {
    let (ground, ann, phone) = ann();
    let empty = phone.token();
    let cards: String = (0..1_100).map(|n| card(&format!("u{n}"), "N", &[])).collect();
    ann.send("POST", "/api/contacts/import", &[("Content-Type", "text/vcard")], cards.as_bytes())
        .expect(200);
    phone.delete("u7.vcf").expect(204);
    ground.world.pass(Duration::days(31));
    contactd::worker::purge(&ground.world.app).unwrap();
    let (changed, gone) = since(&phone, &empty);
    assert_eq!((changed.len(), gone.len()), (1_099, 0));
    let feed = ann.signed_in().get(&format!("/api/contacts/changes?since={empty}&limit=10"));
    assert_eq!(feed.expect(200).json()["more"], true);
}

#[test]
fn rule_72_a_stale_token_guards_the_book() {
    let (_ground, _, phone) = ann();
    put(&phone, "a");
    let stale = format!("<{}> (<{}>)", phone.book(), phone.token());
    put(&phone, "b");
    let fresh = |phone: &Phone| format!("<{}> (<{}>)", phone.book(), phone.token());
    let to = phone.path("c.vcf");
    let text = card("a", "A", &[]);
    let guarded = |method: &str, condition: &str| {
        let headers =
            [("If", condition), ("Destination", to.as_str()), ("Content-Type", "text/vcard")];
        let body = if method == "PUT" { text.as_bytes() } else { b"" };
        phone.send(method, &phone.path("a.vcf"), &headers, body)
    };
    for method in ["PUT", "DELETE", "MOVE"] {
        guarded(method, &stale).expect(412);
        guarded(method, "nonsense").expect(400);
    }
    guarded("PUT", &fresh(&phone)).expect(204);
    guarded("PUT", &format!("([{}])", phone.etag("a.vcf"))).expect(204);
    guarded("PUT", "([\"0\"])").expect(412);
    guarded("MOVE", &fresh(&phone)).expect(201);
    phone.send("DELETE", &to, &[("If", &fresh(&phone))], b"").expect(204);
}

#[test]
fn rule_70_an_initial_sync_in_pages_goes_on_after_a_purge_and_hears_of_deletions() {
    for limit in 1..=3 {
        let (ground, ann, phone) = ann();
        let purge = || contactd::service::upkeep::purge(&ground.world.app).unwrap();
        put(&phone, "long-gone");
        phone.delete("long-gone.vcf").expect(204);
        ground.world.pass(Duration::days(31));
        purge();
        ["a", "b", "c", "d", "e"].iter().for_each(|uid| put(&phone, uid));
        put(&phone, "gone");
        phone.delete("gone.vcf").expect(204);
        let nresults = format!("<D:limit><D:nresults>{limit}</D:nresults></D:limit>");
        let (mut token, mut copy) = (String::new(), std::collections::BTreeSet::new());
        for page in 0.. {
            assert!(page < 20, "it comes to an end");
            let answer = phone.sync_with(&[("Depth", "0")], &token, &nresults).expect(207).multi();
            let (there, gone) = answer.changes();
            assert!(!gone.contains(&phone.path("gone.vcf").as_str()), "it was never there");
            copy.extend(there.into_iter().map(|it| phone.name_of(it)));
            for it in &gone {
                copy.remove(&phone.name_of(it));
            }
            token = answer.token().to_owned();
            if page == 0 {
                // One that was listed goes, one that was not yet does, and one is made.
                phone.delete("a.vcf").expect(204);
                phone.delete("e.vcf").expect(204);
                put(&phone, "new");
                phone.put("d.vcf", &card("d", "changed", &[])).expect(204);
                ground.world.pass(Duration::days(29));
                purge();
            }
            if token == phone.token() {
                break;
            }
        }
        assert_eq!(copy, ["b.vcf", "c.vcf", "d.vcf", "new.vcf"].map(str::to_owned).into());
        let signed_in = ann.signed_in().get("/api/contacts").expect(200);
        assert_eq!(signed_in.header("X-Total-Count"), "4");
    }
}
