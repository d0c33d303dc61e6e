//! vCard: what becomes of each kind of line, golden files, edits.

use crate::*;

/// Exports of the samples lie in `tests/samples/out`. A missing one is written; look at it, then
/// commit it.
#[test]
fn samples_of_real_programs_come_back_as_expected() {
    for (name, bytes) in sample_cards() {
        let mut out = String::new();
        for row in cards(&bytes) {
            match row {
                Ok(imported) => out.push_str(&export(&stored(&imported))),
                Err(error) => out.push_str(&format!("{error:?}\r\n")),
            }
        }
        let path = samples().join("out").join(&name);
        if !path.exists() {
            std::fs::write(&path, &out).unwrap();
            panic!("{} was missing", path.display());
        }
        assert_eq!(out, std::fs::read_to_string(path).unwrap(), "{name}");
    }
}

#[test]
fn importing_an_export_changes_nothing() {
    for (name, bytes) in sample_cards() {
        for imported in cards(&bytes).into_iter().flatten() {
            let contact = stored(&imported);
            let again = card(&export(&contact));
            assert_eq!(again.uid.as_ref(), Some(&contact.uid), "{name}");
            assert_eq!(again.fields, imported.fields, "{name}");
            assert_eq!(again.properties, imported.properties, "{name}");
        }
    }
}

#[test]
fn the_preferred_mail_and_phone_fill_the_fields_and_the_others_are_kept() {
    let card = with_lines(
        "FN:Ann\nEMAIL:one@x.yz\nEMAIL;TYPE=HOME,PREF:two@x.yz\nTEL;TYPE=HOME:111\n\
         TEL;PREF=2:222\nTEL;PREF=1:333\nTEL:call me",
    );
    assert_eq!(card.fields.email.as_deref(), Some("two@x.yz"));
    assert_eq!(card.fields.phone.as_deref(), Some("333"));
    let lines = lines(&export(&stored(&card)));
    let odd = stored(&with_lines("FN:Ann\nTEL:call me\nEMAIL:nobody"));
    assert_eq!(self::lines(&export(&odd))[7..9], ["TEL:call me", "EMAIL:nobody"]);
    for line in [
        "EMAIL:one@x.yz",
        "EMAIL;TYPE=HOME,PREF:two@x.yz",
        "TEL;TYPE=HOME:111",
        "TEL;PREF=2:222",
        "TEL;PREF=1:333",
        "TEL:call me",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line} in {lines:?}");
    }
}

#[test]
fn an_edit_shows_and_keeps_what_the_fields_do_not_hold() {
    let mut contact = stored(&with_lines(
        "N;LANGUAGE=en:Smith;John;Q.;Dr.;Jr.\nFN:Dr. John Q. Smith Jr.\nitem1.TEL:111\n\
         item1.X-ABLabel:boat\nEMAIL;TYPE=HOME:a@b.cd\nBDAY:1990-04-12T10:30:00\n\
         NOTE;LANGUAGE=en:old\nCATEGORIES:a,b\nX-FOO:bar",
    ));
    let fields = &mut contact.fields;
    fields.first_name = "Jo, Ann".to_owned();
    fields.last_name = Some("Doe;x".to_owned());
    fields.phone = Some("999".to_owned());
    fields.email = None;
    fields.birthday = NaiveDate::from_ymd_opt(1991, 5, 6);
    fields.additional_data = Some("new\nnote".to_owned());
    fields.labels = vec!["c,d".to_owned()];
    let out = export(&contact);
    assert_eq!(
        lines(&out)[5..],
        [
            r"N;LANGUAGE=en:Doe\;x;Jo\, Ann;Q.;Dr.;Jr.",
            r"FN:Dr. Jo\, Ann Q. Doe\;x Jr.",
            "item1.TEL:999",
            "BDAY:1991-05-06T10:30:00",
            r"NOTE;LANGUAGE=en:new\nnote",
            r"CATEGORIES:c\,d",
            "item1.X-ABLabel:boat",
            "X-FOO:bar",
            "END:VCARD",
        ]
    );
    assert_eq!(card(&out).fields, contact.fields);
}

#[test]
fn what_the_user_deleted_is_nowhere_any_more() {
    let imported = with_lines(
        "FN:Ann\nTEL;TYPE=CELL:0441234567\nEMAIL;X=1:ann@x.yz\nNOTE;X=1:secret\nCATEGORIES;X=1:rivals",
    );
    for secret in ["0441234567", "ann@x.yz", "secret", "rivals"] {
        assert!(!imported.properties.contains(secret), "{}", imported.properties);
    }
}

#[test]
fn a_number_or_address_is_read_however_it_is_spelt() {
    for (line, phone) in [
        ("TEL:+380\u{a0}44\u{202f}1", "+380 44 1"),
        ("TEL:\u{202a}+1 555 0100\u{202c}", "+1 555 0100"),
        ("TEL:555\u{2011}0100", "555-0100"),
        ("TEL;VALUE=uri:tel:+1-555-0100;ext=5", "+1-555-0100 x5"),
    ] {
        let card = with_lines(&format!("FN:Ann\n{line}"));
        assert_eq!(card.fields.phone.as_deref(), Some(phone), "{line}");
    }
    let card = with_lines("FN:Ann\nEMAIL:MAILTO:ann@x.yz");
    assert_eq!(card.fields.email.as_deref(), Some("ann@x.yz"));
}

#[test]
fn labels_are_put_together_from_all_lines_that_say_nothing_besides() {
    for (lines, labels, kept) in [
        ("CATEGORIES:a\nCATEGORIES:b,c", &["a", "b", "c"][..], ""),
        ("CATEGORIES;X=1:a\nCATEGORIES:b", &["a", "b"], "CATEGORIES;X=1:"),
        ("CATEGORIES:a\nCATEGORIES;X=1:b", &["a"], "CATEGORIES;X=1:b"),
    ] {
        let card = with_lines(&format!("FN:Ann\n{lines}"));
        assert_eq!(card.fields.labels, labels, "{lines}");
        assert_eq!(card.properties, kept, "{lines}");
    }
}

#[test]
fn odd_birthdays_are_kept_and_full_ones_read() {
    let date = NaiveDate::from_ymd_opt(1990, 4, 12);
    for (line, kept) in [
        ("BDAY:19900412", ""),
        ("bday;value=date:1990-04-12", ""),
        ("BDAY;VALUE=date-and-or-time:19900412", ""),
        ("BDAY;VALUE=date-time:19900412T000000Z", ""),
        ("BDAY:1990-04-12T10:30:00Z", "BDAY:T10:30:00Z"),
        ("BDAY;CALSCALE=gregorian:19900412", "BDAY;CALSCALE=gregorian:"),
        ("BDAY:1990-04-12\nBDAY:--04-12", ""),
        ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12\nBDAY:1990-04-12", ""),
        ("BDAY:--0505\nBDAY:1990-04-12", "BDAY:--0505"),
        ("X-A:1\nBDAY:1990-04-12\nBDAY:1991-05-06", "X-A:1\nBDAY:1991-05-06"),
    ] {
        let card = with_lines(&format!("FN:Ann\n{line}"));
        assert_eq!((card.fields.birthday, card.properties.as_str()), (date, kept), "{line}");
    }
    for odd in [
        "BDAY:--0412",
        "BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12",
        "BDAY:1990",
        "BDAY:1990-02-30",
        "BDAY:0000-01-01",
        "BDAY:１９９０-04-12",
        "BDAY;VALUE=text:circa 1800",
        "BDAY:1990-4-12",
        "BDAY:1990+4+1",
        "BDAY:T10:30:00",
    ] {
        let card = with_lines(&format!("FN:Ann\n{odd}"));
        assert_eq!((card.fields.birthday, card.properties.as_str()), (None, odd));
        assert!(lines(&export(&stored(&card))).contains(&odd.to_owned()), "{odd}");
    }
}

#[test]
fn a_birthday_that_gets_its_year_takes_the_place_of_the_one_without() {
    for (kept, born) in [
        ("BDAY:--0412", &["BDAY:1990-04-12"][..]),
        ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12", &["BDAY:1990-04-12"]),
        ("BDAY:--0505", &["BDAY:1990-04-12", "BDAY:--0505"]),
    ] {
        let mut contact = stored(&with_lines(&format!("FN:Ann\n{kept}")));
        contact.fields.birthday = NaiveDate::from_ymd_opt(1990, 4, 12);
        let lines = lines(&export(&contact));
        let lines: Vec<_> = lines.iter().filter(|line| line.starts_with("BDAY")).collect();
        assert_eq!(lines, born);
    }
}

#[test]
fn a_value_that_its_field_cannot_take_is_an_error_with_line_and_field() {
    let long = |count| "x".repeat(count);
    for (lines, detail) in [
        (format!("N:b;{};;;", long(101)), "first_name: must have at most 100 characters"),
        (format!("N:{};b;;;", long(101)), "last_name: must have at most 100 characters"),
        (
            format!("FN:a\nNOTE:{}", long(5_001)),
            "additional_data: must have at most 5000 characters",
        ),
        (
            format!("FN:a\nCATEGORIES:{}", long(51)),
            "labels: each label must have 1 to 50 characters",
        ),
        (format!("FN:a\nUID:{}", long(256)), "uid: must have 1 to 255 characters"),
        ("FN:a\nBDAY:2999-01-01".to_owned(), "birthday: must not be in the future"),
        ("NOTE:nobody".to_owned(), "first_name: is required"),
        (
            format!(
                "BDAY:29990101\nCATEGORIES:{}",
                (0..21).map(|n| format!("{n},")).collect::<String>()
            ),
            "birthday: must not be in the future; labels: must have at most 20 labels; \
             first_name: is required",
        ),
    ] {
        let text = format!(
            "\r\nBEGIN:VCARD\r\n{lines}\r\nEND:VCARD\r\nBEGIN:VCARD\r\nFN:Good\r\nEND:VCARD"
        );
        let rows = cards(text.as_bytes());
        let error = rows[0].as_ref().unwrap_err();
        assert_eq!((error.line, error.detail.as_str()), (2, detail));
        assert_eq!(rows[1].as_ref().unwrap().fields.first_name, "Good");
    }
    let longest = with_lines(&format!("FN:a\nUID:{}", long(255)));
    assert_eq!(longest.uid, Some(long(255)));
}

#[test]
fn a_card_without_name_is_named_by_what_it_has() {
    for (lines, first) in [
        ("ORG:Acme\\, Inc.;Sales\nEMAIL:a@b.cd", "Acme, Inc."),
        ("NICKNAME:Bob\nTEL:111", "Bob"),
        ("EMAIL;TYPE=HOME:a@b.cd", "a@b.cd"),
        ("TEL:+380 44", "+380 44"),
    ] {
        let card = with_lines(lines);
        assert_eq!(card.fields.first_name, first);
        assert_eq!(self::card(&export(&stored(&card))).fields, card.fields);
    }
}

#[test]
fn encodings() {
    let card = |bytes: &[u8]| cards(bytes).remove(0).unwrap();
    let cp1251 = b"begin:vcard\nversion:2.1\nn;charset=windows-1251;encoding=quoted-printable:=CC=E0=EA;=AF=E6=\n=E0=EA\nend:vcard";
    assert_eq!(card(cp1251).fields.first_name, "Їжак");
    let latin = b"BEGIN:VCARD\r\nVERSION:2.1\r\nN:M\xFCller;Zo\xEB\r\nEND:VCARD\r\n";
    assert_eq!(card(latin).fields.last_name.as_deref(), Some("Müller"));
    let text = "BEGIN:VCARD\r\nFN:Їжак\r\nEND:VCARD";
    let utf16: Vec<u8> =
        "\u{feff}".chars().chain(text.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
    assert_eq!(card(&utf16).fields.first_name, "Їжак");
    assert_eq!(card(format!("\u{feff}{text}").as_bytes()).fields.first_name, "Їжак");
}

#[test]
fn a_card_in_a_card_stays_inside() {
    let text = "BEGIN:VCARD\nVERSION:2.1\nN:Boss;Ann\nAGENT:\nBEGIN:VCARD\nVERSION:2.1\nN:Help;Bob\n\
                TEL;CELL:1,2\nAGENT:\nBEGIN:VCARD\nN:Deep;Al\nEND:VCARD\nEND:VCARD\nX-AFTER:1\nEND:VCARD";
    let ann = card(text);
    assert_eq!(ann.fields.first_name, "Ann");
    assert_eq!(
        ann.properties,
        "AGENT:BEGIN:VCARD\\nVERSION:3.0\\nN:Help\\;Bob\\nTEL\\;TYPE=CELL:1\\,2\\nAGENT:\\n\
         BEGIN:VCARD\\nN:Deep\\;Al\\nEND:VCARD\\nEND:VCARD\nX-AFTER:1"
    );
    assert_eq!(card(&export(&stored(&ann))).properties, ann.properties);
}

#[test]
fn files_that_are_not_whole() {
    let names = |text: &str| -> Vec<_> {
        let name = |row: Row| row.map(|row| row.fields.first_name).map_err(|error| error.line);
        cards(text.as_bytes()).into_iter().map(name).collect()
    };
    let ok = |name: &str| Ok(name.to_owned());
    assert_eq!(names("BEGIN:VCARD\nFN:A\nBEGIN:VCARD\nFN:B"), [ok("A"), ok("B")]);
    let stray = "x\ny\nBEGIN:VCARD\nFN:A\nEND:VCARD\nEND:VCARD\n\nz\n";
    assert_eq!(names(stray), [Err(1), ok("A"), Err(8)]);
    assert_eq!(names("\u{feff} \r\n\r\n"), []);
    for none in ["FN:A", "BEGIN:VCALENDAR\r\nEND:VCALENDAR", "First Name\nAnn"] {
        let read = vcard::read(none.as_bytes(), latest());
        assert!(matches!(read, Err(contactd::error::Error::Malformed(_))), "{none}");
    }
}

/// Found by `./dev fuzz`: after a photograph, the first line of the second was taken for base64.
#[test]
fn a_long_name_after_a_photograph_stays_a_line_of_its_own() {
    for long in [format!("{}:b", "A".repeat(80)), format!("{}.NOTE:b", "A".repeat(80))] {
        let imported = with_lines(&format!("N:;a\nPHOTO;ENCODING=b:AAAA\n{long}"));
        assert_eq!(imported.properties.lines().count(), 2, "{}", imported.properties);
        assert_eq!(card(&export(&stored(&imported))).properties, imported.properties);
    }
}
