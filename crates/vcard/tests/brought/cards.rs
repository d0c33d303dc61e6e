//! Cards that people bring, found by trying what programs write once more by the hundred.

use super::card;
use vcard::*;

/// The first card of a file, and all that is said of it.
fn read(file: &[u8]) -> (Card, Vec<String>) {
    let read = read_cards(file, None).next().unwrap();
    (read.card.unwrap(), read.warnings.into_iter().map(|it| it.detail).collect())
}

fn details(version: &str, lines: &[&str]) -> Details {
    read(&card(version, lines)).0.details()
}

/// Quoted-printable of a text in this character set.
fn quoted(text: &str, charset: &str) -> String {
    let (bytes, ..) = encoding_rs::Encoding::for_label(charset.as_bytes()).unwrap().encode(text);
    bytes.iter().map(|byte| format!("={byte:02X}")).collect()
}

/// The first card is long enough to be guessed by; the second one has second bytes that look like `\`.
#[test]
fn a_guessed_character_set_is_no_matter_of_backslashes_either() {
    for (charset, note, last, first) in [
        ("shift_jis", "能力と予定の表示、構造", "表", "ソニー"),
        ("gbk", "中国银行有限公司的号码", "俓", "李"),
        ("big5", "我們的公司在台北市中山北路", "許", "功蓋"),
    ] {
        let name = format!(
            "N;ENCODING=QUOTED-PRINTABLE:{};{}",
            quoted(last, charset),
            quoted(first, charset)
        );
        let text = format!("NOTE;ENCODING=QUOTED-PRINTABLE:{}", quoted(note, charset));
        let (read, said) = read(&card("2.1", &[&name, &text]));
        let it = read.details();
        assert_eq!((it.last_name.as_deref(), it.first_name.as_deref()), (Some(last), Some(first)));
        assert_eq!(it.additional_data.as_deref(), Some(note));
        assert_eq!(said.len(), 1, "{said:?}");
        // As when the media type says it.
        let file = card("2.1", &[&name, &text]);
        let again = read_cards(&file, Some(charset)).next().unwrap();
        assert_eq!((again.card.unwrap().details(), again.warnings), (it, Vec::new()));
    }
}

#[test]
fn text_of_an_old_mac_is_read_and_that_of_windows_as_before() {
    for (text, charset) in [
        ("Jürgen Müller, Köln, Äußere Straße; Zoë Dupré", "macintosh"),
        ("Renée; André, Garçon à la carte", "macintosh"),
        ("José Muñoz, Málaga", "macintosh"),
        ("Jürgen Müller, Köln, Äußere Straße; Zoë Dupré", "windows-1252"),
        ("Renée O’Neil, cœur, 100€ – “déjà”", "windows-1252"),
        ("Größe™ Straße… naïve", "windows-1252"),
    ] {
        let encoding = encoding_rs::Encoding::for_label(charset.as_bytes()).unwrap();
        let file = format!("Name;Notes\nA;{text}\n");
        let bytes = encoding.encode(&file).0;
        let (read, said) = decode(&bytes, None);
        assert_eq!((read.as_ref(), said.len()), (file.as_str(), 1), "{charset}");
        assert!(said[0].detail.ends_with(charset), "{said:?}");
    }
}

#[test]
fn a_part_that_is_cut_within_the_escape_of_a_byte_loses_that_character_only() {
    for cut in ["=D1=80=D0=", "=D1=80=D0=B", "=D1=80=D0"] {
        let line = format!("N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=9F{cut};=D0=86=D0=B2");
        let (read, said) = read(&card("2.1", &[&line]));
        let it = read.details();
        assert_eq!((it.last_name.as_deref(), it.first_name.as_deref()), (Some("Пр"), Some("Ів")));
        assert_eq!(said, Vec::<String>::new());
    }
    // A sign of equality is one where no character is cut.
    let line = "N;ENCODING=QUOTED-PRINTABLE:a=;b=c;d";
    assert_eq!(details("2.1", &[line]).last_name.as_deref(), Some("a="));
}

#[test]
fn labels_that_programs_write_in_their_own_way() {
    let tel = |version: &str, lines: &[&str]| {
        details(version, &[&["FN:A", "N:A;;;;"], lines].concat()).phones[0].label.clone()
    };
    for (version, lines, label) in [
        ("3.0", &["item1.TEL:5550101", "item1.X-ABLabel:_$!<HomeFAX>!$_"][..], "home fax"),
        ("3.0", &["item1.TEL:5550101", "item1.X-ABLabel:_$!<WorkFAX>!$_"], "work fax"),
        ("3.0", &["TEL;TYPE=homefax:5550101"], "home fax"),
        ("3.0", &["TEL;TYPE=WorkFax:5550101"], "work fax"),
        ("2.1", &["TEL;X-Custom(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=D0=B4=D0=B0):1"], "да"),
    ] {
        assert_eq!(tel(version, lines).as_deref(), Some(label), "{lines:?}");
    }
    // A label of one's own stays as it is.
    assert_eq!(tel("3.0", &["a.TEL:1", "a.X-ABLabel:homefax"]).as_deref(), Some("homefax"));
}

#[test]
fn accounts_say_their_service_as_a_type_or_as_rfc_9554_has_it() {
    for (version, line, service, value) in [
        ("3.0", "IMPP;TYPE=SKYPE:ann.s", Some("skype"), "ann.s"),
        ("3.0", "IMPP;TYPE=home,IRC:ann", Some("irc"), "ann"),
        ("3.0", "IMPP;TYPE=home:ann", None, "ann"),
        ("4.0", "IMPP;SERVICE-TYPE=Threema:ABC", Some("threema"), "ABC"),
        (
            "4.0",
            "SOCIALPROFILE;SERVICE-TYPE=Mastodon;USERNAME=ann:https://m.example/@ann",
            Some("mastodon"),
            "ann",
        ),
        (
            "4.0",
            "SOCIALPROFILE;SERVICE-TYPE=Bluesky:https://b.example/ann",
            Some("Bluesky"),
            "https://b.example/ann",
        ),
    ] {
        let it = details(version, &["FN:A", "N:A;;;;", line]).online.remove(0);
        assert_eq!((it.service.as_deref(), it.value.as_str()), (service, value), "{line}");
    }
}

#[test]
fn what_outlook_and_android_add_is_shown_of_a_valid_card_too() {
    let names = ["FN:Ann", "N:;Ann;;;"];
    let outlook = ["X-MS-ANNIVERSARY;VALUE=DATE:2010-05-06", "X-MS-CHILD:Tom", "X-MS-SPOUSE:Eva"];
    let it = details("3.0", &[&names[..], &outlook].concat());
    assert_eq!(it.dates[0].label.as_deref(), Some("anniversary"));
    let relations: Vec<_> =
        it.relations.iter().map(|it| (it.value.as_str(), it.label.as_deref())).collect();
    assert_eq!(relations, [("Tom", Some("child")), ("Eva", Some("spouse"))]);
    let android = [
        "X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Annie;1;;;;;;;;;;;;;",
        "X-ANDROID-CUSTOM:vnd.android.cursor.item/contact_event;2010-05-06;0;Moved;;;;;;;;;;;;",
    ];
    let it = details("3.0", &[&names[..], &android].concat());
    assert_eq!(it.nickname.as_deref(), Some("Annie"));
    assert_eq!(it.dates[0].label.as_deref(), Some("Moved"));
    // A device gets its own card back.
    let sent = card("3.0", &[&["UID:u"], &names[..], &android].concat());
    assert!(put_card(&sent).unwrap().as_sent);
}

#[test]
fn pictures_as_they_are_folded_and_said_otherwise() {
    let jpeg = "/9j/4AABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0";
    let (head, tail) = jpeg.split_at(40);
    for photo in [
        format!("PHOTO;JPEG;ENCODING=BASE64:\r\n\r\n  {head}\r\n\r\n  {tail}\r\n"),
        format!("PHOTO;ENCODING=BASE64;TYPE=JPEG:{head}\r\n\r\n {tail}\r\n"),
        format!("PHOTO;TYPE=image/jpeg;ENCODING=BASE64:data:image/jpeg;base64,{jpeg}"),
        format!("PHOTO;ENCODING=b;TYPE=JPEG:{head}\\n{tail}"),
        format!("PHOTO:{jpeg}"),
    ] {
        let (read, said) = read(&card("2.1", &["N:A", &photo, "TEL:5550100"]));
        assert_eq!(read.photo().map(|it| it.bytes.len()), Some(57), "{photo} {read:?}");
        assert_eq!(read.details().phones.len(), 1, "{photo}");
        assert_eq!(said, Vec::<String>::new(), "{photo}");
    }
    // What is no picture is none.
    let (read, _) = read(&card("3.0", &["FN:A", "PHOTO:https://x.example/a.jpg"]));
    assert_eq!(read.photo(), None);
}

#[test]
fn whoever_is_named_or_reached_in_lines_that_no_member_shows_becomes_a_contact() {
    for (line, name) in [
        ("X-EVOLUTION-FILE-AS:Ash\\, Ann", "Ash, Ann"),
        ("X-FILE-AS:Ash", "Ash"),
        ("X-PHONETIC-FIRST-NAME:Ann", "Ann"),
        ("LABEL;TYPE=HOME:1 Main St\\nTown", "1 Main St Town"),
        ("ROLE:Plumber", "Plumber"),
    ] {
        for version in ["2.1", "3.0", "4.0"] {
            assert_eq!(details(version, &[line, "NOTE:x"]).display_name, name, "{line}");
        }
    }
    for nobody in ["NOTE:x", "LABEL:", "GEO:1;2", "BDAY:1990-04-12"] {
        assert!(read_cards(&card("3.0", &[nobody]), None).next().unwrap().card.is_err());
    }
}

#[test]
fn dates_of_more_countries() {
    for (text, date) in [
        ("31-12-1990", "1990-12-31"),
        ("1990.12.31", "1990-12-31"),
        ("1990. 12. 31.", "1990-12-31"),
        ("31. 12. 1990", "1990-12-31"),
        ("31.12.1990.", "1990-12-31"),
        ("1990年12月31日", "1990-12-31"),
        ("1990년 12월 31일", "1990-12-31"),
        ("1990-12-31T", "1990-12-31"),
    ] {
        let (read, said) = read(&card("3.0", &["FN:A", &format!("BDAY:{text}")]));
        let born = read.details().birthday.map(|it| it.to_string());
        assert_eq!((born.as_deref(), said), (Some(date), Vec::new()), "{text}");
    }
    // Nothing shows the order, or there is none.
    for (text, warnings) in [("05-06-1990", 1), ("1990.13.31", 1), ("31.12.", 1), ("00-00-0000", 0)]
    {
        let (read, said) = read(&card("3.0", &["FN:A", &format!("BDAY:{text}")]));
        assert_eq!((read.details().birthday, said.len()), (None, warnings), "{text}");
        assert!(read.as_str().contains(&format!("BDAY:{text}\r\n")));
    }
}

#[test]
fn a_separator_behind_an_address_is_none_of_it() {
    let it = details("3.0", &["FN:A", "EMAIL:a@x.example;", "EMAIL:b@x.example\\, "]);
    assert_eq!([&it.emails[0].value, &it.emails[1].value], ["a@x.example", "b@x.example"]);
}

#[test]
fn what_no_client_may_write_is_told_of_every_part() {
    let long = |most: usize| "x".repeat(most + 1);
    for (line, most, member) in [
        ("item1.TEL:5550101\r\nitem1.X-ABLabel:", 50, "phones"),
        ("item1.X-ABDATE:2010-05-06\r\nitem1.X-ABLabel:", 50, "dates"),
        ("ADR:;;", 500, "addresses"),
        ("X-ABRELATEDNAMES:", 500, "relations"),
        ("IMPP:xmpp:", 500, "online"),
        ("URL:https://", 1_992, "urls"),
        ("X-A:1\r\nFN:", 200, "display_name"),
    ] {
        let name = if member == "display_name" { "X-B:2" } else { "FN:A" };
        for (more, told) in [(1, true), (0, false)] {
            let text = long(most);
            let line = format!("{line}{}", &text[..most + more]);
            let (read, said) = read(&card("3.0", &["N:A;;;;", name, &line]));
            assert_eq!(said.len(), usize::from(told), "{member} {more}: {said:?}");
            assert!(said.iter().all(|it| it.starts_with(member)), "{said:?}");
            assert!(read.text().replace("\r\n ", "").contains(&text[..most + more]), "{member}");
        }
    }
}

#[test]
fn a_card_that_begins_where_the_one_before_it_ends_is_somebody_else() {
    for between in ["", " ", "\u{feff}"] {
        let mut file = String::from_utf8(card("3.0", &["FN:Ann"])).unwrap().trim_end().to_owned();
        file += between;
        file += &String::from_utf8(card("3.0", &["FN:Bob", "BDAY:soon"])).unwrap();
        let read: Vec<_> = read_cards(file.as_bytes(), None).collect();
        let names = read.iter().map(|it| it.card.as_ref().unwrap().details().display_name);
        assert_eq!(names.collect::<Vec<_>>(), ["Ann", "Bob"], "{between:?}");
        assert_eq!((read[1].line, read[1].warnings.len()), (4, 1));
    }
}

#[test]
fn a_card_inside_of_another_is_told_of() {
    let inner = ["AGENT:", "BEGIN:VCARD", "VERSION:2.1", "N:Bay;Bob", "END:VCARD", "TEL:5550101"];
    let (read, said) = read(&card("2.1", &[&["N:Ash;Ann"], &inner[..]].concat()));
    assert_eq!(said, ["AGENT: a card inside of this one; it is kept there, and is no contact"]);
    assert!(read.as_str().contains("Bay") && read.details().phones.len() == 1);
    assert_eq!(self::read(&card("3.0", &["FN:Ann", "AGENT:urn:uuid:1"])).1, Vec::<String>::new());
}

#[test]
fn an_address_in_one_part_is_no_post_office_box() {
    for (line, street) in [
        ("ADR;TYPE=WORK:1 Main St\\, Town", Some("1 Main St, Town")),
        ("ADR:1 Main St, Town", Some("1 Main St, Town")),
        ("ADR:Box 5;;;;;;", None),
    ] {
        let address = details("3.0", &["FN:A", "N:A;;;;", line]).addresses.remove(0);
        assert_eq!(
            (address.street.as_deref(), address.po_box.is_none()),
            (street, street.is_some())
        );
    }
    // A device gets its own card back.
    assert!(
        put_card(&card("3.0", &["UID:u", "FN:A", "N:A;;;;", "ADR:1 Main St"])).unwrap().as_sent
    );
}

#[test]
fn kde_writes_accounts_as_lines_with_a_slash() {
    let it = details(
        "3.0",
        &["FN:A", "X-messaging/skype-All:ann.s", "X-messaging/xmpp-All:a@x.example"],
    );
    let online: Vec<_> =
        it.online.iter().map(|it| (it.service.as_deref(), it.value.as_str())).collect();
    assert_eq!(online, [(Some("skype"), "ann.s"), (Some("xmpp"), "a@x.example")]);
}

#[test]
fn quoted_printable_that_does_not_say_so_is_read_and_told_of() {
    for (line, shown, told) in [
        ("N:=C3=84sh;Ann", "Ann Äsh", 1),
        ("N:=D0=90=D0=BD=D0=BD=D0=B0;;;;", "Анна", 1),
        ("N;ENCODING=QUOTED-PRINTABEL:=C3=84sh;Ann", "Ann Äsh", 1),
        // Only so once what no value may have is gone; and quoted twice.
        ("N:=C3=8\u{e}\u{e}4sh=C3\u{1}=A4;Ann", "Ann Äshä", 1),
        ("N;ENCODING=QUOTED-PRINTABLE:=3DC3=3D84sh;Ann", "Ann Äsh", 1),
        // What is no UTF-8, or not all of it quoted, is what it is.
        ("N:a=C3=84=b;;;;", "a=C3=84=b", 0),
        ("N:=41=42;;;;", "=41=42", 0),
        ("N:x=C3=;;;;", "x=C3=", 0),
    ] {
        let (read, said) = read(&card("2.1", &[line]));
        assert_eq!((read.details().display_name.as_str(), said.len()), (shown, told), "{line}");
        let again = read_cards(read.as_str().as_bytes(), None).next().unwrap();
        assert_eq!(again.card, Ok(read), "{line}");
    }
}

#[test]
fn a_picture_in_base64_for_urls_is_one() {
    let photo = "PHOTO:data:image/jpeg;base64,_9j_4AABAgMEBQYHCAkKCwwNDg8Q";
    assert!(read(&card("4.0", &["FN:A", photo])).0.photo().is_some());
}

#[test]
fn a_sign_of_equality_at_the_end_of_a_value_takes_no_line_along() {
    let note = "NOTE;ENCODING=QUOTED-PRINTABLE:abc=";
    let it = details("2.1", &["N:Ann", note, "TEL;CELL:5550101", note, "EMAIL:a@x.example"]);
    assert_eq!(
        (it.additional_data.as_deref(), it.phones.len(), it.emails.len()),
        (Some("abc"), 1, 1)
    );
    // A signature is text, and so is any word.
    for (more, text) in [("=0D=0A=\r\nTEL: 123", "abc\nTEL: 123"), ("=\r\nTELL:1", "abcTELL:1")] {
        let it = details("2.1", &["N:Ann", &format!("NOTE;ENCODING=QUOTED-PRINTABLE:abc{more}")]);
        assert_eq!((it.additional_data.as_deref(), it.phones.len()), (Some(text), 0));
    }
}

#[test]
fn zeros_around_the_lines_of_a_card_are_none_of_it() {
    for file in
        ["\0\0BEGIN:VCARD\r\nFN:Ann\r\nEND:VCARD\r\n\0\0", "BEGIN:VCARD\0\nFN:Ann\0\nEND:VCARD\0\n"]
    {
        assert_eq!(super::names(file.as_bytes(), None), [Ok("Ann".to_owned())]);
        assert!(has_cards(file.as_bytes()));
    }
}
