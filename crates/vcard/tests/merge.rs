//! Two cards of one person, and Apple's lists.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy sees test functions, but not what they call"
)]

mod lines;

use lines::{body, card};
use vcard::*;

#[test]
fn a_merge_unites_lists_and_keeps_unknown_lines() {
    let mut keep = card(&[
        "FN:Ann Lee",
        "N:Lee;Ann;;;",
        "TEL:+1 555 0100",
        "TEL;TYPE=pref:222",
        "item1.URL:https://a.example",
        "item1.X-ABLabel:blog",
        "CATEGORIES:a",
        "NOTE:mine",
        "X-KEPT:1",
        "PHOTO:https://x.example/p.jpg",
    ]);
    let other = card(&[
        "FN:A. Lee",
        "N:Lee;A.;B.;;",
        "TEL;TYPE=HOME,pref:+1 (555) 0100",
        "item1.TEL;TYPE=pref:333",
        "item1.X-ABLabel:boat",
        "EMAIL;TYPE=pref:a@b.example",
        "EMAIL:A@b.example",
        "CATEGORIES:A,c",
        "NOTE:theirs",
        "BDAY:1990-01-02",
        "X-KEPT:1",
        "X-KEPT:2",
        "X-OTHER;B=2;A=1:x",
        "ORG:Acme;Lab",
        "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AA=",
        "item9.X-ABLabel:alone",
    ]);
    keep.merge(std::slice::from_ref(&other));
    assert_eq!(
        body(&keep),
        [
            "FN:Ann B. Lee",
            "N:Lee;Ann;B.;;",
            "TEL:+1 555 0100",
            "TEL;TYPE=pref:222",
            "item1.URL:https://a.example",
            "item1.X-ABLabel:blog",
            "CATEGORIES:a,c",
            "NOTE:mine",
            "X-KEPT:1",
            "item2.TEL:333",
            "EMAIL;TYPE=pref:a@b.example",
            "X-KEPT:2",
            "X-OTHER;B=2;A=1:x",
            "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AA=",
            "item2.X-ABLabel:boat",
            "ORG:Acme;Lab",
            "BDAY:1990-01-02",
        ]
    );
    let details = keep.details();
    assert_eq!(
        details.phones.iter().map(|it| it.primary).collect::<Vec<_>>(),
        [false, true, false]
    );
    assert_eq!(details.phones[2].label.as_deref(), Some("boat"));
    assert!(keep.photo().is_some());
    let before = keep.clone();
    keep.merge(&[other, before.clone()]);
    assert_eq!(keep, before, "nothing new");
}

#[test]
fn entries_of_every_kind_are_united() {
    let mine = ["a@x", "1", "https://x", "20150516", "Eva", "xmpp:a@x", "Way 1"];
    let theirs = ["b@x", "2", "https://y", "20160617", "Max", "xmpp:b@x", "Way 2"];
    let lines = |of: [&str; 7]| {
        let [email, phone, url, date, relation, account, street] = of;
        card(&[
            "FN:Ann",
            &format!("EMAIL:{email}"),
            &format!("TEL:{phone}"),
            &format!("URL:{url}"),
            &format!("X-ABDATE:{date}"),
            &format!("X-ABRELATEDNAMES:{relation}"),
            &format!("IMPP:{account}"),
            &format!("ADR:;;{street};;;;"),
        ])
    };
    let mut keep = lines(mine);
    keep.merge(&[lines(theirs)]);
    let details = keep.details();
    assert_eq!(details.emails.len(), 2);
    assert_eq!(details.phones.len(), 2);
    assert_eq!(details.urls.len(), 2);
    assert_eq!(details.dates.len(), 2);
    assert_eq!(details.relations.len(), 2);
    assert_eq!(details.online.len(), 2);
    assert_eq!(details.addresses.len(), 2);
}

#[test]
fn what_a_card_says_once_comes_no_second_time() {
    let mut keep = card(&["N:;;;;", "FN:Max", "GENDER:M", "TZ:+01:00", "X-FOO:1"]);
    let other = card(&[
        "FN:Max",
        "GENDER:F",
        "item1.TZ:+02:00",
        "GEO:3;4",
        "geo:5;6",
        "CLASS:PUBLIC",
        "MAILER:mutt",
        "PRODID:-//x",
        "REV:20260101T000000Z",
        "X-ABShowAs:COMPANY",
        "X-PHONETIC-LAST-NAME:maks",
        "X-FOO:2",
    ]);
    let third = card(&["FN:Max", "GEO:7;8", "CLASS:PRIVATE", "X-PHONETIC-LAST-NAME:muks"]);
    keep.merge(&[other, third]);
    assert_eq!(
        body(&keep),
        [
            "N:;;;;",
            "FN:Max",
            "GENDER:M",
            "TZ:+01:00",
            "X-FOO:1",
            "GEO:3;4",
            "CLASS:PUBLIC",
            "MAILER:mutt",
            "X-PHONETIC-LAST-NAME:maks",
            "X-FOO:2",
        ]
    );
}

#[test]
fn a_card_says_all_of_another_whatever_it_says_beside() {
    let full = card(&[
        "FN:Ann Lee",
        "N:Lee;Ann;;;",
        "item1.TEL:+1 555 0100",
        "item1.X-ABLabel:boat",
        "EMAIL;TYPE=WORK:a@b.c",
        "ADR;TYPE=HOME:;;Street 1;Town;;;",
        "X-A;P=1;Q=2:x",
        "CATEGORIES:a,b",
        "BDAY:19900102",
        "NOTE:n",
    ]);
    for said in [
        &["FN:ann LEE", "N:Lee;Ann;;;"][..],
        &["FN:Ann Lee", "TEL:+1-555-0100", "EMAIL:A@B.c", "BDAY:1990-01-02"],
        &["FN:Ann Lee", "g.TEL:+15550100", "g.X-ABLABEL:Boat", "X-A;Q=2;P=1:x", "CATEGORIES:B"],
        &["FN:Ann Lee", "ADR:;;street 1;TOWN;;;", "EMAIL:", "REV:2020-01-01T00:00:00Z"],
    ] {
        assert!(full.says_all_of(&card(said)), "{said:?}");
    }
    for new in [
        &["FN:Bob Lee"][..],
        &["FN:Ann Lee", "TEL:+1 555 0101"],
        &["FN:Ann Lee", "TEL;TYPE=HOME:+1 555 0100"],
        &["FN:Ann Lee", "ADR:;;Street 1;Other;;;"],
        &["FN:Ann Lee", "X-A;P=1:x"],
        &["FN:Ann Lee", "NOTE:other"],
        &["FN:Ann Lee", "N:Lee;Ann;B;;"],
        &["FN:Ann Lee", "PHOTO;ENCODING=b:/9j/4AA="],
        &["FN:Ann Lee", "BDAY:x"],
    ] {
        assert!(!full.says_all_of(&card(new)), "{new:?}");
    }
    // A label says something of its entry, whatever kind the entry is of.
    for entry in ["X-ABDATE:20150516", "X-ABRELATEDNAMES:Eva", "IMPP:xmpp:ann@x", "URL:https://x"] {
        let plain = card(&["FN:Ann Lee", &format!("a.{entry}")]);
        let labelled = card(&["FN:Ann Lee", &format!("a.{entry}"), "a.X-ABLabel:boat"]);
        assert!(labelled.says_all_of(&plain), "{entry}");
        assert!(!plain.says_all_of(&labelled), "{entry}");
    }
}

#[test]
fn lists_of_apple() {
    let mut list = card(&[
        "N:My Group;;;;",
        "FN:My Group",
        "X-ADDRESSBOOKSERVER-KIND:group",
        "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:a",
        "X-ADDRESSBOOKSERVER-MEMBER:b",
        "X-KEPT:1",
    ]);
    let group = list.group().unwrap();
    assert_eq!(
        (group.name.as_str(), group.members),
        ("My Group", vec!["a".to_owned(), "b".to_owned()])
    );
    list.toggle_members(&["a".to_owned(), "c".to_owned()].into());
    list.set_group_name("New, name");
    assert_eq!(
        body(&list),
        [
            "N:New\\, name;;;;",
            "FN:New\\, name",
            "X-ADDRESSBOOKSERVER-KIND:group",
            "X-ADDRESSBOOKSERVER-MEMBER:b",
            "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:c",
            "X-KEPT:1",
        ]
    );
    let mut other = card(&["N:Club;The;;;", "FN:Chess", "KIND:group", "X-KEPT:Chess"]);
    other.set_group_name("Go");
    assert_eq!(body(&other), ["N:Club;The;;;", "FN:Go", "KIND:group", "X-KEPT:Chess"]);
    list.toggle_members(&["b".to_owned(), "c".to_owned()].into());
    assert_eq!(list.group().unwrap().members, Vec::<String>::new());
    assert_eq!(card(&["FN:A", "X-ADDRESSBOOKSERVER-KIND:individual"]).group(), None);
    assert_eq!(bare_uid(" URN:uuid:x "), "x");
}

#[test]
fn a_line_without_its_value_keeps_its_head() {
    let card = card(&["FN:A", "item1.PHOTO;ENCODING=b:/9j/", " 4AA="]);
    let mut out = String::new();
    card.lines()
        .filter(|line| line.is("photo"))
        .for_each(|line| line.without_value().write(&mut out));
    assert_eq!(out, "item1.PHOTO;ENCODING=b:\r\n");
}
