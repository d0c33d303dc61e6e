//! What a card shows, and what an edit leaves alone.

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

/// Edits the details of a card.
fn edited(lines: &[&str], edit: impl Fn(&mut Details)) -> Vec<String> {
    let mut card = card(lines);
    let mut wanted = card.details();
    edit(&mut wanted);
    let name = wanted.display_name.clone();
    card.set(&wanted);
    let now = card.details();
    let wanted = Details { display_name: now.display_name.clone(), ..wanted.normal() };
    assert_eq!(now, wanted, "asked for {name}, got\n{}", card.text());
    body(&card)
}

fn entry(value: &str, label: Option<&str>, primary: bool) -> Entry {
    Entry { value: value.to_owned(), label: label.map(str::to_owned), primary }
}

const FULL: [&str; 24] = [
    "N:Müller;Jürgen;;Dr.;",
    "FN:Dr. Jürgen Müller",
    "NICKNAME:Jojo",
    "ORG:Example\\, GmbH;Research;Third unit",
    "TITLE:Head of Optics",
    "EMAIL;TYPE=INTERNET;TYPE=WORK:j.mueller@example.com",
    "EMAIL;TYPE=INTERNET,HOME,pref:jojo@example.net",
    "TEL;TYPE=WORK,VOICE:+49 30 1234567",
    "item1.TEL;X-KEPT=1:+49 33 000",
    "item1.X-ABLabel:boat house",
    "item1.X-OTHER:beside",
    "ADR;TYPE=HOME:;2nd floor;Lindenstr. 5;Berlin;;10969;Germany",
    "item2.URL:https\\://mueller.example",
    "item2.X-ABLabel:_$!<HomePage>!$_",
    "BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29",
    "item3.X-ABDATE;type=pref:20150516",
    "item3.X-ABLabel:_$!<Anniversary>!$_",
    "item4.X-ABRELATEDNAMES:Anna Müller",
    "item4.X-ABLabel:_$!<Sister>!$_",
    "IMPP;X-SERVICE-TYPE=Matrix:matrix:@jojo:example.net",
    "NOTE:Met in Oslo\\; allergic\\nto nuts",
    "CATEGORIES:family,optics",
    "CATEGORIES;LANGUAGE=en:Family,club",
    "X-UNKNOWN;X=1:kept",
];

#[test]
fn a_card_shows_what_the_contract_shows() {
    let details = card(&FULL).details();
    assert_eq!(details.display_name, "Dr. Jürgen Müller");
    assert_eq!(details.prefix.as_deref(), Some("Dr."));
    assert_eq!(details.first_name.as_deref(), Some("Jürgen"));
    assert_eq!(details.middle_name, None);
    assert_eq!(details.last_name.as_deref(), Some("Müller"));
    assert_eq!(details.nickname.as_deref(), Some("Jojo"));
    assert_eq!(details.organization.as_deref(), Some("Example, GmbH"));
    assert_eq!(details.department.as_deref(), Some("Research"));
    assert_eq!(details.job_title.as_deref(), Some("Head of Optics"));
    assert_eq!(
        details.emails,
        [
            entry("j.mueller@example.com", Some("work"), false),
            entry("jojo@example.net", Some("home"), true)
        ]
    );
    assert_eq!(
        details.phones,
        [
            entry("+49 30 1234567", Some("work"), true),
            entry("+49 33 000", Some("boat house"), false)
        ]
    );
    let home = &details.addresses[0];
    assert_eq!((home.label.as_deref(), home.primary), (Some("home"), true));
    assert_eq!(home.extended.as_deref(), Some("2nd floor"));
    assert_eq!((home.postal_code.as_deref(), home.region.as_deref()), (Some("10969"), None));
    assert_eq!(details.urls[0].value, "https://mueller.example");
    assert_eq!(details.urls[0].label.as_deref(), Some("homepage"));
    assert_eq!(details.birthday.unwrap().to_string(), "--02-29");
    assert_eq!(details.dates[0].value.to_string(), "2015-05-16");
    assert_eq!(details.dates[0].label.as_deref(), Some("anniversary"));
    assert_eq!(details.relations[0].label.as_deref(), Some("sister"));
    assert_eq!(details.online[0].service.as_deref(), Some("matrix"));
    assert_eq!(details.online[0].value, "@jojo:example.net");
    assert_eq!(details.additional_data.as_deref(), Some("Met in Oslo; allergic\nto nuts"));
    assert_eq!(details.labels, ["family", "optics", "club"]);
}

#[test]
fn the_same_again_changes_no_octet() {
    let mut same = card(&FULL);
    let details = same.details();
    same.set(&details);
    assert_eq!(same, card(&FULL));
}

/// What is edited, how, the beginnings of lines that may change, and the new lines.
type Edit = (&'static str, fn(&mut Details), &'static [&'static str], &'static [&'static str]);

#[test]
fn an_edit_changes_its_lines_only() {
    let edits: [Edit; 12] = [
        (
            "first name",
            |it| it.first_name = Some("Jörg".into()),
            &["N:", "FN:"],
            &["N:Müller;Jörg;;Dr.;", "FN:Dr. Jörg Müller"],
        ),
        ("nickname", |it| it.nickname = None, &["NICKNAME"], &[]),
        (
            "department",
            |it| it.department = Some("a;b".into()),
            &["ORG"],
            &["ORG:Example\\, GmbH;a\\;b;Third unit"],
        ),
        ("title", |it| it.job_title = Some("CEO".into()), &["TITLE"], &["TITLE:CEO"]),
        (
            "phone gone",
            |it| {
                it.phones.remove(1);
            },
            &["item1.TEL", "item1.X-ABLabel"],
            &[],
        ),
        (
            "label",
            |it| it.phones[1].label = Some("Mobile".into()),
            &["item1.TEL", "item1.X-ABLabel"],
            &["item1.TEL;X-KEPT=1;TYPE=CELL:+49 33 000"],
        ),
        (
            "own label",
            |it| it.phones[0].label = Some("lab".into()),
            &["TEL;TYPE=WORK"],
            &["item5.TEL;TYPE=VOICE:+49 30 1234567", "item5.X-ABLabel:lab"],
        ),
        (
            "date",
            |it| it.dates[0].value = PartialDate::parse("--05-16").unwrap(),
            &["item3"],
            &[
                "item5.X-ABDATE;X-APPLE-OMIT-YEAR=1604:1604-05-16",
                "item5.X-ABLabel:_$!<Anniversary>!$_",
            ],
        ),
        (
            "birthday",
            |it| it.birthday = PartialDate::parse("1984-02-29"),
            &["BDAY"],
            &["BDAY:1984-02-29"],
        ),
        ("note", |it| it.additional_data = Some("a,b".into()), &["NOTE"], &["NOTE:a\\,b"]),
        (
            "online",
            |it| it.online[0].service = None,
            &["IMPP"],
            &["IMPP:x-apple:@jojo:example.net"],
        ),
        (
            "primary",
            |it| {
                it.emails[0].primary = true;
                it.emails[1].primary = false;
            },
            &["EMAIL;TYPE=INTERNET,HOME"],
            &["EMAIL;TYPE=INTERNET,HOME:jojo@example.net"],
        ),
    ];
    for (what, edit, may_change, new) in edits {
        let after = edited(&FULL, edit);
        for line in FULL {
            let kept = after.iter().any(|it| it == line);
            let may = may_change.iter().any(|start| line.starts_with(start));
            assert!(kept != may, "{what}: {line}\n{after:#?}");
        }
        let made: Vec<_> = after.iter().filter(|line| !FULL.contains(&line.as_str())).collect();
        assert_eq!(made, new, "{what}");
    }
}

#[test]
fn a_new_card_has_all_that_is_wanted() {
    let wanted = card(&FULL).details();
    let mut new = Card::new("a,b");
    new.set(&Details { display_name: String::new(), ..wanted.clone() });
    assert_eq!(new.details(), wanted);
    assert_eq!(new.uid(), Some("a,b"));
    assert!(new.text().contains("UID:a\\,b\r\n"));
    assert!(new.text().split("\r\n").all(|line| line.len() <= 75));
}

#[test]
fn lists_in_another_order_keep_their_lines() {
    let lines = ["FN:A", "N:A;;;;", "TEL:1", "a.TEL;X=1:2", "a.X-ABLabel:x", "TEL;TYPE=pref:3"];
    let after = edited(&lines, |it| {
        it.phones.rotate_left(1);
        it.phones.insert(1, entry("4", Some("x"), false));
    });
    assert_eq!(
        after,
        [
            "FN:A",
            "N:A;;;;",
            "a.TEL;X=1:2",
            "item1.TEL:4",
            "item1.X-ABLabel:x",
            "a.X-ABLabel:x",
            "TEL;TYPE=pref:3",
            "TEL:1"
        ]
    );
    let after = edited(&lines, |it| it.phones.clear());
    assert_eq!(after, ["FN:A", "N:A;;;;"]);
    // A number that is there twice.
    let after = edited(&["FN:A", "N:A;;;;", "TEL;TYPE=HOME:1", "TEL;TYPE=WORK:1"], |it| {
        it.phones.remove(0);
    });
    assert_eq!(after, ["FN:A", "N:A;;;;", "TEL;TYPE=WORK:1"]);
}

#[test]
fn a_group_that_two_entries_share_keeps_its_label() {
    let lines = ["FN:A", "N:A;;;;", "a.TEL:1", "a.EMAIL:a@b", "a.X-ABLabel:x"];
    let after = edited(&lines, |it| it.phones.clear());
    assert_eq!(after, ["FN:A", "N:A;;;;", "a.EMAIL:a@b", "a.X-ABLabel:x"]);
    let after = edited(&lines, |it| it.phones[0].label = Some("home".into()));
    assert_eq!(after, ["FN:A", "N:A;;;;", "TEL;TYPE=HOME:1", "a.EMAIL:a@b", "a.X-ABLabel:x"]);
}

#[test]
fn display_names() {
    for (lines, name) in [
        (&["ORG:Acme"][..], "Acme"),
        (&["EMAIL:a@b", "TEL:123"], "a@b"),
        (&["TEL:123", "NICKNAME:Jo"], "Jo"),
        (&["N:;;;Dr.;"], "Dr."),
        (&["FN: \u{200b}", "N:Lee;Ann;;;"], "Ann Lee"),
        (&["ADR:;;Street 1;Town;;;"], "Street 1 Town"),
        (&["X-A:b"], "u1"),
    ] {
        assert_eq!(card(lines).details().display_name, name);
    }
    let boss = ["FN:The Boss", "N:Lee;Ann;;;"];
    assert_eq!(edited(&boss, |it| it.last_name = None), ["FN:The Boss", "N:;Ann;;;"]);
    let own = edited(&boss, |it| it.display_name = "Me".into());
    assert_eq!(own, ["FN:Me", "N:Lee;Ann;;;"]);
    let empty = edited(&["FN:Ann", "N:;Ann;;;", "EMAIL:a@b"], |it| it.first_name = None);
    assert_eq!(empty, ["FN:a@b", "N:;;;;", "EMAIL:a@b"]);
}

#[test]
fn birthdays_that_cannot_be_read_stay_until_one_is_set() {
    let lines = ["FN:A", "N:A;;;;", "BDAY:circa 1800"];
    assert_eq!(edited(&lines, |it| it.nickname = None), lines);
    let set = edited(&lines, |it| it.birthday = PartialDate::parse("--04-12"));
    assert_eq!(set, ["FN:A", "N:A;;;;", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12"]);
    let gone = edited(&["FN:A", "N:A;;;;", "BDAY:1990-01-02", "BDAY:x"], |it| it.birthday = None);
    assert_eq!(gone, ["FN:A", "N:A;;;;"]);
}

#[test]
fn labels_change_where_they_stand() {
    let lines = ["FN:A", "N:A;;;;", "CATEGORIES;X=1:a,b\\,c,d"];
    let after = edited(&lines, |it| {
        it.labels.retain(|label| label != "a");
        it.labels.push("e;f".into());
    });
    assert_eq!(after, ["FN:A", "N:A;;;;", "CATEGORIES;X=1:b\\,c,d,e\\;f"]);
    assert_eq!(edited(&lines, |it| it.labels.clear()), ["FN:A", "N:A;;;;"]);
    let after = edited(&lines, |it| it.labels.reverse());
    assert_eq!(after, ["FN:A", "N:A;;;;", "CATEGORIES;X=1:d,b\\,c,a"]);
    let after = edited(&["FN:A", "N:A;;;;"], |it| it.labels = vec!["x".into(), "X".into()]);
    assert_eq!(after, ["FN:A", "N:A;;;;", "CATEGORIES:x"]);
}

#[test]
fn photos() {
    let jpeg = Picture { media_type: "image/jpeg", bytes: [0xff, 0xd8, 0xff, 0xe0].repeat(60) };
    let mut card = card(&["FN:A", "N:A;;;;", "PHOTO:https://x.example/a", "NOTE:x"]);
    assert_eq!(card.photo(), None);
    let (whole, without) = card.sizes();
    assert_eq!(whole - without, "PHOTO:https://x.example/a\r\n".len());
    card.set_photo(Some(&jpeg));
    assert_eq!(card.photo().as_ref(), Some(&jpeg));
    assert_eq!(card.sizes().1, without);
    assert!(card.text().contains("PHOTO;ENCODING=b;TYPE=JPEG:/9j/4P"));
    card.set_photo(None);
    assert_eq!(body(&card), ["FN:A", "N:A;;;;", "NOTE:x"]);
}

#[test]
fn the_largest_pictures_and_keys_go_until_a_card_is_small_enough() {
    let (large, small) = ("AAAA".repeat(40), "AAAA".repeat(20));
    let photo = format!("PHOTO;ENCODING=b:{large}");
    let mut card = card(&["FN:A", "NOTE:x", &photo, &format!("Key;ENCODING=b:{small}")]);
    let size = card.text().len();
    assert_eq!(card.leave_out(size), [""; 0]);
    assert_eq!(card.clone().leave_out(0), ["PHOTO", "KEY"], "text stays");
    assert_eq!(card.leave_out(size - 1), ["PHOTO"]);
    assert_eq!(body(&card), ["FN:A", "NOTE:x", &format!("Key;ENCODING=b:{small}")]);
}

/// The card was read anew for each of them, so that 8 MiB of small ones took minutes.
#[test]
fn many_small_keys_go_in_one_pass() {
    let key = format!("KEY;ENCODING=b:{}", "AAAA".repeat(40));
    let mut card = card(&[&["FN:A"], vec![key.as_str(); 4_000].as_slice()].concat());
    let (size, begin) = (card.text().len(), std::time::Instant::now());
    assert_eq!(card.leave_out(size / 2).len(), 2_001);
    assert!(card.text().len() <= size / 2 && begin.elapsed() < std::time::Duration::from_secs(3));
}

/// The card was read anew for each of them: a table of 50 MiB with a thousand columns took many minutes.
#[test]
fn many_texts_are_kept_in_one_pass() {
    let kept: Vec<_> = (0..5_000).map(|n| (format!("X-CSV-{n}"), n.to_string())).collect();
    let (mut card, begin) = (card(&["FN:A"]), std::time::Instant::now());
    card.keep(kept.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    assert!(begin.elapsed() < std::time::Duration::from_secs(3));
    let lines = body(&card);
    assert_eq!((lines.len(), lines[5_000].as_str()), (5_001, "X-CSV-4999:4999"));
}

#[test]
fn uids_are_compared_octet_by_octet() {
    let mut card = card(&["FN:A", "N:A;;;;"]);
    card.set_uid("U1");
    assert_eq!(card.uid(), Some("U1"));
    assert_eq!(
        card.text(),
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:U1\r\nFN:A\r\nN:A;;;;\r\nEND:VCARD\r\n"
    );
    assert_eq!(Card::stored("BEGIN:VCARD\r\nUID: \r\nEND:VCARD\r\n").uid(), None);
}

#[test]
fn what_no_member_takes_is_kept_as_a_line_of_its_own() {
    let mut card = card(&["FN:Jo"]);
    card.keep([("X-CSV-Shoe-Size", "43; wide, red")]);
    let lines = body(&card);
    assert!(lines.contains(&"X-CSV-Shoe-Size:43\\; wide\\, red".to_owned()), "{lines:?}");
    let kept = card.lines().find(|line| line.is("X-CSV-Shoe-Size")).map(|line| line.text());
    assert_eq!(kept.as_deref(), Some("43; wide, red"));
    assert_eq!(card.details().display_name, "Jo", "the rest of the card is as it was");
}
