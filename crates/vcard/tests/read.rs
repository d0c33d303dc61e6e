//! Files that people bring (`files.md`): each kind with the sample and with inputs of our own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy sees test functions, but not what they call"
)]

use vcard::*;

/// The cards of a file that has no faults, with all warnings.
fn read(bytes: &[u8]) -> (Vec<Card>, Vec<String>) {
    let mut warnings = Vec::new();
    let cards = read_cards(bytes, None).map(|read| {
        warnings.extend(read.warnings.into_iter().map(|it| format!("{}: {}", it.line, it.detail)));
        read.card.unwrap_or_else(|why| panic!("line {}: {why}", read.line))
    });
    let cards = cards.collect();
    (cards, warnings)
}

/// The one card that these lines of that version make.
fn one(version: &str, lines: &[&[u8]]) -> (Card, Vec<String>) {
    let body = lines.join(&b"\r\n"[..]);
    let mut file = format!("BEGIN:VCARD\r\nVERSION:{version}\r\n").into_bytes();
    file.extend(body);
    file.extend(b"\r\nEND:VCARD\r\n");
    let (mut cards, warnings) = read(&file);
    assert_eq!(cards.len(), 1);
    (cards.remove(0), warnings)
}

/// The lines of that card but for BEGIN, VERSION and END, unfolded.
fn lines_of(version: &str, lines: &[&str]) -> Vec<String> {
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    let (card, _) = one(version, &lines);
    let ours = ["BEGIN", "VERSION", "END"];
    let lines = card.lines().filter(|line| !line.is_any(&ours));
    lines.map(|line| format!("{}:{}", line.head(), line.value())).collect()
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/samples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn names(cards: &[Card]) -> Vec<String> {
    cards.iter().map(|card| card.details().display_name).collect()
}

fn phones(card: &Card) -> Vec<String> {
    card.details().phones.into_iter().map(|entry| entry.value).collect()
}

#[test]
fn whoever_is_named_or_reached_becomes_a_contact() {
    let (cards, warnings) = read(&sample("f02-same-as-vcards.vcf"));
    assert_eq!(names(&cards), ["Ann", "Cid", "Eve", "Gus", "+1 555 010 0009", "only@x.example"]);
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert_eq!(cards[0].details().emails[0].value, "n/a");
    assert_eq!(phones(&cards[2]), ["1-800-555-CARS"]);
    for (lines, name) in [
        (&["ADR:;;Street 1;Town;;;"][..], "Street 1 Town"),
        (&["N:;;;Dr.;"], "Dr."),
        (&["N:Lee;;;Dr.;"], "Dr. Lee"),
        (&["FN: \u{200b}", "N:;;;;", "ORG:;Sales"], "Sales"),
        (&["NICKNAME:Jo", "NOTE:x"], "Jo"),
        (&["IMPP:xmpp:jo@x"], "jo@x"),
        (&["EMAIL:/o=ExchangeLabs/ou=x"], "/o=ExchangeLabs/ou=x"),
    ] {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        assert_eq!(one("3.0", &lines).0.details().display_name, name);
    }
    let nobody =
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nNOTE:x\r\nEND:VCARD\r\nBEGIN:VCARD\nFN:B\nEND:VCARD\n";
    let all: Vec<_> = read_cards(nobody, None).collect();
    assert_eq!((all[0].line, all[0].card.is_err()), (1, true));
    assert_eq!(all[1].card.as_ref().unwrap().details().display_name, "B");
}

#[test]
fn what_is_too_long_or_too_much_comes_in_whole_with_a_warning() {
    let long = format!("FN:{}", "x".repeat(130));
    let note = format!("NOTE:{}", "y".repeat(20_001));
    let labels: Vec<String> = (0..60).map(|at| format!("l{at}")).collect();
    let labels = format!("CATEGORIES:{}", labels.join(","));
    let name = format!("N:{};;;;", "x".repeat(130));
    let lines = [&long, &name, &note, &labels, "BDAY:2062-01-01"];
    let (card, warnings) = one("3.0", &lines.map(|line| line.as_bytes()));
    let details = card.details();
    assert_eq!(details.last_name.map(|it| it.len()), Some(130));
    assert_eq!(details.additional_data.map(|it| it.len()), Some(20_001));
    assert_eq!(details.labels.len(), 60);
    assert_eq!(details.birthday.unwrap().to_string(), "2062-01-01");
    assert_eq!(warnings.len(), 3, "{warnings:?}");
}

#[test]
fn large_photos_come_in_and_hostile_ones_are_left_out() {
    let file = |bytes: usize, name: &str| {
        let base64 = "/9j/".to_owned() + &"A".repeat(bytes);
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\n{name};ENCODING=b:{base64}\r\nEND:VCARD\r\n")
    };
    let (cards, _) = read(file(7 << 20, "PHOTO").as_bytes());
    assert!(cards[0].photo().unwrap().bytes.len() > 5 << 20);
    for (bytes, name) in [(20 << 20, "PHOTO"), (2 << 20, "X-PHOTO"), (8 << 20, "PHOTO")] {
        let file = file(bytes, name) + "BEGIN:VCARD\r\nFN:B\r\nEND:VCARD\r\n";
        let all: Vec<_> = read_cards(file.as_bytes(), None).collect();
        assert_eq!(all[0].card.is_ok(), name == "PHOTO", "{bytes}");
        let size = all[0].card.as_ref().map_or(0, |card| card.as_str().len());
        assert!(size < 100, "{bytes}");
        assert!(all[1].card.is_ok());
    }
}

#[test]
fn character_sets() {
    for (file, name, warned) in [
        ("f04-one-bad-byte.vcf", "Zoë\u{fffd} Müller", true),
        ("f05-cp1252-capitals.vcf", "ÄÖÜ Verein", true),
        ("f05-iso-8859-2-qp.vcf", "Jiří Dvořák", false),
        ("f05-koi8-r-declared.vcf", "Пётр Иванов", false),
        ("f05-shift_jis-declared.vcf", "太郎 山田", false),
        ("f05-windows-1250-declared.vcf", "Jiří Šťastný", false),
        ("05_fold_mid_utf8.vcf", "Fold Mid", false),
    ] {
        let (cards, warnings) = read(&sample(file));
        assert_eq!(names(&cards), [name], "{file}");
        assert_eq!(!warnings.is_empty(), warned, "{file} {warnings:?}");
    }
    for (line, name) in [
        (&b"FN;CHARSET=GBK:\xC0\xEE\xD0\xA1\xC3\xF7"[..], "李小明"),
        (b"FN;CHARSET=\"Big5\":\xA7\xF5", "李"),
        (b"FN;CHARSET=euc-kr:\xB1\xE8", "김"),
        (b"FN;CHARSET=ISO-2022-JP:\x1b$B;3ED\x1b(B", "山田"),
        (b"FN;CHARSET=windows-1251;ENCODING=QUOTED-PRINTABLE:=CC=E0=EA", "Мак"),
        (b"FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=9C=D0=B0=D0", "Ма"),
        (b"FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=9C=D0=B0=D0=B", "Ма"),
        (b"FN:\xED\xA0\xBD\xED\xB8\x80 Emo", "😀 Emo"),
        (b"FN;ENCODING=QUOTED-PRINTABLE:=ED=A0=BD=ED=B8=80", "😀"),
        (b"FN;CHARSET=nonsense:\xD0\x9C", "М"),
    ] {
        let (card, warnings) = one("2.1", &[line]);
        assert_eq!(card.details().display_name, name);
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    // A part cut in the middle loses its last character only.
    let cut = b"N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=9C=D0;=D0=9C=D0=B0";
    let details = one("2.1", &[cut]).0.details();
    assert_eq!(
        (details.last_name.as_deref(), details.first_name.as_deref()),
        (Some("М"), Some("Ма"))
    );
}

#[test]
fn the_character_set_is_guessed_over_the_whole_file_and_said_once() {
    let card = |name: &[u8]| [b"BEGIN:VCARD\nFN:", name, b"\nEND:VCARD\n"].concat();
    let file = [
        card(b"\xCF\xE5\xF2\xF0\xE5\xED\xEA\xEE"),
        card(b"\xCE\xEB\xE5\xF1\xFF"),
        b"BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:=CC=E0=EA\nEND:VCARD\n".to_vec(),
    ];
    let (cards, warnings) = read(&file.concat());
    assert_eq!(names(&cards), ["Петренко", "Олеся", "Мак"]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("2:") && warnings[0].contains("windows-1251"), "{warnings:?}");
    // What the media type declares counts for the whole file.
    let declared = read_cards(&file[0], Some("windows-1251")).next().unwrap();
    assert_eq!(declared.card.unwrap().details().display_name, "Петренко");
    assert!(declared.warnings.is_empty());
}

#[test]
fn utf_16_and_marks() {
    let text = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN;CHARSET=KOI8-R:Їжак 😀\r\nEND:VCARD\r\n";
    let units: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for file in [
        little.clone(),
        big.clone(),
        [&b"\xFF\xFE"[..], &little].concat(),
        [&b"\xFE\xFF"[..], &big].concat(),
        [&b"\xEF\xBB\xBF"[..], text.as_bytes()].concat(),
    ] {
        assert!(has_cards(&file));
        assert_eq!(names(&read(&file).0), ["Їжак 😀"]);
    }
    assert!(!has_cards(b"First Name,Last Name\n"));
}

#[test]
fn birthdays_of_every_form() {
    let birthdays = |file: &str| -> Vec<String> {
        let (cards, _) = read(&sample(file));
        cards
            .iter()
            .map(|card| card.details().birthday.map_or("-".into(), |it| it.to_string()))
            .collect()
    };
    assert_eq!(
        birthdays("f11-bday-forms.vcf"),
        [
            "1973-01-05",
            "1973-10-31",
            "1990-04-12",
            "1956-04-12",
            "1990-01-01",
            "1990-04-12",
            "1990-04-12"
        ]
    );
    assert_eq!(birthdays("f06-apple-yearless.vcf"), ["--04-24"]);
    assert_eq!(birthdays("f07-1604-without-parameter.vcf"), ["--05-12", "-", "--05-12"]);
    assert_eq!(birthdays("f09-bday-kept-then-edited.vcf"), ["--05-12", "1973-10-31", "--05-12"]);
    let whole = "1990-04-12";
    assert_eq!(
        birthdays("11_bdays.vcf"),
        [whole, whole, whole, "--04-12", "--04-12", "-", "-", "-", whole, "-", "-", "-"]
    );
    // Nothing distinguishes day and month; nothing at all; twice.
    let (card, warnings) = one("3.0", &[b"FN:A", b"BDAY:4/5/1990"]);
    assert_eq!((card.details().birthday, warnings.len()), (None, 1));
    assert!(card.text().contains("BDAY:4/5/1990\r\n"));
    assert_eq!(
        one("3.0", &[b"FN:A", b"BDAY:31/10/1973"]).0.details().birthday,
        PartialDate::parse("1973-10-31")
    );
    assert_eq!(one("3.0", &[b"FN:A", b"BDAY:0/0/00"]).1, Vec::<String>::new());
    assert_eq!(
        lines_of(
            "3.0",
            &["FN:A", "N:A;;;;", "BDAY:circa 1800", "BDAY:1800-01-02", "BDAY:1800-01-02"]
        ),
        ["FN:A", "N:A;;;;", "X-BDAY:circa 1800", "BDAY:1800-01-02"]
    );
}

#[test]
fn a_birthday_that_is_set_replaces_every_bday() {
    let (cards, _) = read(&sample("f09-bday-kept-then-edited.vcf"));
    for mut card in cards {
        let details = card.details();
        card.set(&Details { birthday: PartialDate::parse("1990-04-12"), ..details });
        let lines: Vec<_> = card
            .text()
            .split("\r\n")
            .filter(|it| it.starts_with("BDAY"))
            .map(str::to_owned)
            .collect();
        assert_eq!(lines, ["BDAY:1990-04-12"]);
    }
}

#[test]
fn display_names_follow_without_spaces_too() {
    let (cards, _) = read(&sample("f08-fn-cjk.vcf"));
    let renamed = cards.into_iter().map(|mut card| {
        let details = card.details();
        let first = if details.first_name.as_deref().unwrap().is_ascii() { "Bo" } else { "花子" };
        card.set(&Details { first_name: Some(first.to_owned()), ..details });
        card.details().display_name
    });
    assert_eq!(
        renamed.collect::<Vec<_>>(),
        ["山田花子", "王花子", "김花子", "花子ใจดี", "Bo smith", "Bo O'Neil"]
    );
}

#[test]
fn version_4_becomes_what_readers_of_3_understand() {
    let (cards, _) = read(&sample("f10-v4.vcf"));
    assert_eq!(phones(&cards[0]), ["+1-555-555-0601", "+1-555-555-0602"]);
    assert!(cards[0].photo().is_some());
    assert_eq!(
        lines_of(
            "4.0",
            &[
                "FN:A",
                "N:A;;;;",
                "KIND:org",
                "TEL;VALUE=uri;TYPE=\"voice,work\":tel:+1-555;ext=12",
                "TEL;PREF=1:2",
                "TEL;PREF=7:3",
                "EMAIL;PREF=5:a@b",
                "BDAY:--0412",
                "BDAY:19900412",
                "ANNIVERSARY:20090808",
                "ANNIVERSARY:2009",
                "ADR;LABEL=\"1 Rue^nParis^^ ^'x^'\":;;1 Rue;;;;",
                "RELATED;TYPE=friend;VALUE=text:Max",
                "RELATED;TYPE=spouse:urn:uuid:1",
                "PHOTO:data:image/png;base64\\,AAAA",
                "LOGO:https://x.example/l.png",
                "SOUND:data:audio/ogg,%41%42",
                "KEY;MEDIATYPE=application/pgp-keys:data:application/pgp-keys;base64,AAAA",
                "GEO:geo:1.5,2.5",
                "TZ:Europe/Kyiv",
                "TZ:-0500",
                "GENDER:F",
                "X-A;X-B=\"a^nb\":c",
            ]
        ),
        [
            "FN:A",
            "N:A;;;;",
            "X-ADDRESSBOOKSERVER-KIND:org",
            "TEL;TYPE=voice;TYPE=work:+1-555 x12",
            "TEL;TYPE=pref:2",
            "TEL;PREF=7:3",
            "EMAIL;TYPE=pref:a@b",
            "BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12",
            "X-BDAY:1990-04-12",
            "item1.X-ABDATE:2009-08-08",
            "item1.X-ABLabel:_$!<Anniversary>!$_",
            "ANNIVERSARY:2009",
            "item2.ADR:;;1 Rue;;;;",
            "item2.LABEL:1 Rue\\nParis^ \"x\"",
            "item3.X-ABRELATEDNAMES:Max",
            "item3.X-ABLabel:_$!<Friend>!$_",
            "RELATED;TYPE=spouse:urn:uuid:1",
            "PHOTO;ENCODING=b;TYPE=PNG:AAAA",
            "LOGO;VALUE=uri:https://x.example/l.png",
            "SOUND;ENCODING=b;TYPE=OGG:QUI=",
            "KEY;ENCODING=b;TYPE=PGP-KEYS:AAAA",
            "GEO:1.5;2.5",
            "TZ;VALUE=text:Europe/Kyiv",
            "TZ:-0500",
            "GENDER:F",
            "X-A;X-B=a b:c",
        ]
    );
    // Groups that are there already are not taken again.
    assert_eq!(
        lines_of(
            "4.0",
            &["FN:A", "N:A;;;;", "ANNIVERSARY:20090808", "item1.TEL:1", "item1.X-ABLabel:x"]
        )[2..],
        [
            "item2.X-ABDATE:2009-08-08",
            "item2.X-ABLabel:_$!<Anniversary>!$_",
            "item1.TEL:1",
            "item1.X-ABLabel:x"
        ]
    );
    assert_eq!(
        lines_of(
            "4.0",
            &["FN:A", "N:A;;;;", "BDAY;VALUE=date-time:20191028T000000", "TEL;VALUE=text:1"]
        )[2..],
        ["BDAY:2019-10-28", "TEL:1"]
    );
    // A name is a name, said to be text or not; what is said to be text is no address.
    for (related, name) in
        [("RELATED:Eva", "Eva"), ("RELATED;VALUE=text:Eva: my aunt", "Eva: my aunt")]
    {
        let lines = lines_of("4.0", &["FN:A", "N:A;;;;", related]);
        assert_eq!(lines[2..], [format!("X-ABRELATEDNAMES:{name}")], "{related}");
    }
}

#[test]
fn lines_of_2_1_become_lines_of_3_0() {
    for (old, new) in [
        ("TEL;CELL;PREF:1", "TEL;TYPE=CELL;TYPE=PREF:1"),
        ("ORG:Contoso, Ltd.;Sales", r"ORG:Contoso\, Ltd.;Sales"),
        ("NOTE;CHARSET=UTF-8:a; b", r"NOTE:a\; b"),
        ("LABEL;WORK;ENCODING=QUOTED-PRINTABLE:A=0D=0AB=3B", r"LABEL;TYPE=WORK:A\nB\;"),
        ("PHOTO;ENCODING=BASE64;JPEG:/9j /4A=", "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4A=="),
        ("PHOTO;ENCODING=b;BASE64;INLINE:/9j/", "PHOTO;ENCODING=b:/9j/"),
        ("PHOTO;URL:http://x.yz/a.jpg", "PHOTO;VALUE=URL:http://x.yz/a.jpg"),
        ("X-WEIRD;=;A;B=:v", "X-WEIRD;TYPE=A;B=:v"),
        ("EMAIL;TYPE=\"open:q@x.y", "EMAIL;TYPE=open:q@x.y"),
        ("X-A;B=b\"c,d:v", "X-A;B=\"bc,d\":v"),
        ("a.b.TEL:1\u{0}2", "a-b.TEL:12"),
        ("no colon, at all", r"X-CONTACTD-UNREADABLE:no colon\, at all"),
        (":empty", "X-CONTACTD-UNREADABLE::empty"),
        ("begin:vevent", "X-CONTACTD-UNREADABLE:begin:vevent"),
        ("END:VEVENT", "X-CONTACTD-UNREADABLE:END:VEVENT"),
        ("CATEGORIES:a;b,c", "CATEGORIES:a,b,c"),
        ("X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Jo;1;;;", "NICKNAME:Jo"),
        (
            "X-ANDROID-CUSTOM:vnd.android.cursor.item/x;Jo;1;;;",
            "X-ANDROID-CUSTOM:vnd.android.cursor.item/x;Jo;1;;;",
        ),
        // Names that only 4.0 gives a meaning
        ("ANNIVERSARY:20090808", "ANNIVERSARY:20090808"),
        ("RELATED;FRIEND:Eva", "RELATED;TYPE=FRIEND:Eva"),
        // Nothing to make a nickname of
        (
            "X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname; ;1;;;",
            "X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname; ;1;;;",
        ),
        ("NOTE;BASE64:YSxi\r\n Cg==", "NOTE:a\\,b\\n"),
        ("PHOTO;ENCODING=BASE64;JPEG:!!! no base64", "X-PHOTO;TYPE=JPEG:!!!nobase64"),
        ("PHOTO;ENCODING=BASE64;JPEG:/9j/4A", "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4A=="),
        ("X-MS-TEL;VOICE;CALLBACK:1", "TEL;TYPE=VOICE;TYPE=CALLBACK:1"),
        ("EMAIL;X-INTERNET:a@x", "EMAIL;TYPE=X-INTERNET:a@x"),
        ("X-BIN;ENCODING=BASE64:AAEC", "X-BIN;ENCODING=b:AAEC"),
    ] {
        assert_eq!(lines_of("2.1", &["FN:A", "N:A;;;;", old])[2..], [new], "{old}");
    }
    assert_eq!(
        lines_of(
            "2.1",
            &[
                "FN:A",
                "N:A",
                "TEL;X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=D0=B4=D0=B0):1"
            ]
        )[2..],
        ["item1.TEL:1", "item1.X-ABLabel:да"]
    );
    for (old, new) in [
        ("TEL;HOME;X-Boat:1", ["item1.TEL;TYPE=HOME:1", "item1.X-ABLabel:Boat"]),
        ("X-MS-SPOUSE;N:Eva", ["item1.X-ABRELATEDNAMES:Eva", "item1.X-ABLabel:_$!<Spouse>!$_"]),
        ("X-MS-CHILD:Tom", ["item1.X-ABRELATEDNAMES:Tom", "item1.X-ABLabel:_$!<Child>!$_"]),
        (
            "X-MS-ANNIVERSARY:20100506",
            ["item1.X-ABDATE:2010-05-06", "item1.X-ABLabel:_$!<Anniversary>!$_"],
        ),
        (
            "X-ANDROID-CUSTOM:vnd.android.cursor.item/contact_event;2015-05-16;2;;;",
            ["item1.X-ABDATE:2015-05-16", "item1.X-ABLabel:other"],
        ),
    ] {
        assert_eq!(lines_of("2.1", &["FN:A", "N:A;;;;", old])[2..], new, "{old}");
    }
    let (cards, _) = read(&sample("03_android21.vcf"));
    let details = cards[0].details();
    assert_eq!(details.phones[2].label.as_deref(), Some("дача"));
    assert_eq!(details.addresses[0].street.as_deref(), Some("вул. Садова, 5"));
    assert_eq!(details.additional_data.as_deref(), Some("Поет\nХудожник = великий; так"));
    assert!(cards[0].photo().is_some());
    let (cards, _) = read(&sample("08_outlook21.vcf"));
    assert_eq!(cards[0].details().organization.as_deref(), Some("Contoso, Ltd."));
}

#[test]
fn an_agent_is_a_value_of_3_0() {
    let lines = lines_of(
        "2.1",
        &[
            "FN:Boss",
            "N:Boss",
            "AGENT:",
            "BEGIN:VCARD",
            "VERSION:2.1",
            "FN:Sec;1",
            "TEL;CELL:2",
            "END:VCARD",
            "TEL:1",
        ],
    );
    assert_eq!(lines[3], "TEL:1");
    assert_eq!(
        lines[2],
        "AGENT:BEGIN:VCARD\\nVERSION:3.0\\nFN:Sec\\\\\\;1\\nTEL\\;TYPE=CELL:2\\nEND:VCARD"
    );
}

#[test]
fn numbers_are_shown_clean_and_kept_as_they_are() {
    let (cards, warnings) = read(&sample("f13-phones.vcf"));
    let shown: Vec<String> = cards.iter().flat_map(phones).collect();
    assert_eq!(
        shown[..6],
        [
            "+1 555 010 0115",
            "+1-555-010-0114",
            "555-010-0100",
            "050 555 0100",
            "09125550100",
            "090-5555-0100",
        ]
    );
    assert_eq!(warnings, Vec::<String>::new());
    assert!(cards[0].text().contains("TEL:+1\u{200b} 555 010 0115\r\n"));
    let (card, warnings) = one(
        "3.0",
        &[b"FN:A", "EMAIL:Ann <a..b@docomo.example>".as_bytes(), b"EMAIL:mailto:b@x.example"],
    );
    let emails: Vec<_> = card.details().emails.into_iter().map(|it| it.value).collect();
    assert_eq!(emails, ["a..b@docomo.example", "b@x.example"]);
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn line_ends_of_every_kind() {
    let (cards, _) = read(&sample("f14-blank-line-after-every-line.vcf"));
    assert_eq!(names(&cards), ["Rosa Reed"]);
    assert_eq!(
        cards[0].details().additional_data.as_deref(),
        Some("a note that is folded because it is long enough to be")
    );
    assert!(cards[0].photo().is_some());
    let (cards, _) = read(&sample("f14-base64-text.vcf"));
    assert_eq!(names(&cards), ["Олег Петренко"]);
    let (cards, _) = read(&sample("f14-qp-padded-soft-break.vcf"));
    assert_eq!(cards[0].details().additional_data.as_deref(), Some("one two"));
    let text = "BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nNOTE:fol\n ded\nTEL:123\nEND:VCARD\n";
    let blanks = text.replace('\n', "\n  ");
    for file in [
        text.replace('\n', "\r\n"),
        text.replace('\n', "\r"),
        text.replace('\n', "\r\r\n"),
        text.replace('\n', "\n\n"),
        text.replace('\n', "\r\n\r\n"),
        format!("  {blanks}"),
        format!("\t{}", text.replace('\n', "\n\t")),
        format!("\n\n{text}"),
        text.trim_end().to_owned(),
        text.replace("END:VCARD\n", ""),
        text.to_lowercase().replace("fn:ann", "fn:Ann"),
    ] {
        let (cards, warnings) = read(file.as_bytes());
        assert_eq!(names(&cards), ["Ann"], "{file:?}");
        assert_eq!(cards[0].details().additional_data.as_deref(), Some("folded"), "{file:?}");
        assert_eq!(phones(&cards[0]), ["123"], "{file:?}");
        assert!(warnings.is_empty());
    }
}

#[test]
fn what_shows_nothing_after_the_last_card_is_no_fault() {
    for end in ["\0\0\0", "\u{1a}", "\r\n\u{1a}\r\n", " \0 "] {
        let file =
            format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nN:;Ann;;;\r\nEND:VCARD\r\n{end}");
        assert_eq!(names(&read(file.as_bytes()).0), ["Ann"], "{end:?}");
    }
}

#[test]
fn broken_lines_and_cards_cost_nobody_else() {
    assert_eq!(vcard::lines("no colon\r\n").next().unwrap().unfolded(), "no colon");
    let (cards, warnings) = read(&sample("09_malformed.vcf"));
    assert_eq!(names(&cards), ["OnlyLast", "Good After Bad", "No End"]);
    assert!(warnings.iter().any(|it| it.starts_with("3: ")), "{warnings:?}");
    assert_eq!(cards[0].details().emails[0].value, "q@example.com");
    let file = b"junk\nBEGIN:VCARD\nFN:A\nBEGIN:VCARD\nFN:B\nEND:VCARD\nEND:VCARD\nmore\n";
    let all: Vec<_> = read_cards(file, None).collect();
    let found: Vec<_> = all.iter().map(|it| (it.line, it.card.is_ok())).collect();
    assert_eq!(found, [(1, false), (2, true), (4, true), (8, false)]);
    let none: Vec<_> = read_cards(b"Name,Phone\nAnn,1\n", None).collect();
    assert_eq!(none.len(), 1);
    assert!(none[0].card.as_ref().unwrap_err().contains("BEGIN:VCARD"));
    assert_eq!(read_cards(b" \n\n", None).count(), 0);
}

#[test]
fn lists_are_cards_that_name_their_members() {
    let (cards, _) = read(&sample("f15-groups.vcf"));
    let groups: Vec<_> =
        cards.iter().map(|card| card.group().map(|it| (it.name, it.members))).collect();
    let member = vec!["03a0".to_owned()];
    assert_eq!(groups[0], Some(("My Group".to_owned(), member.clone())));
    assert_eq!(groups[1], Some(("The Doe family".to_owned(), member)));
    assert_eq!(groups[2], None);
    assert_eq!(bare_uid(cards[2].uid().unwrap()), "03a0");
}

/// What does not belong to base64 goes before it is seen whether that is text.
#[test]
fn base64_with_something_else_in_it_is_the_same_when_it_is_read_again() {
    for value in ["0J/QtdGC\u{fffd}0YA", "0J/Qtd\\nGC0YA=", "data:text/plain;base64,0J/QtdGC0YA="] {
        let text = format!(
            "BEGIN:VCARD\r\nVERSION:2.1\r\nFN:A\r\nNICKNAME;ENCODING=BASE64:{value}\r\nEND:VCARD\r\n"
        );
        let read = |text: &str| read_cards(text.as_bytes(), None).next().unwrap().card.unwrap();
        let card = read(&text);
        assert_eq!(card.details().nickname.as_deref(), Some("Петр"), "{value}");
        assert_eq!(read(card.as_str()), card, "{value}");
    }
}

#[test]
fn a_picture_that_is_no_base64_costs_no_reader_the_card() {
    let (card, warnings) =
        one("3.0", &[b"FN:Ann", b"N:;Ann;;;", b"PHOTO;ENCODING=b;TYPE=JPEG:?!", b"TEL:5550101"]);
    let lines: Vec<_> =
        card.lines().map(|line| format!("{}:{}", line.head(), line.value())).collect();
    assert!(lines.contains(&"X-PHOTO;TYPE=JPEG:?!".to_owned()), "{lines:?}");
    assert_eq!(warnings, ["5: a value is no base64; it is kept as X-PHOTO"]);
    assert_eq!(phones(&card), ["5550101"]);
}

#[test]
fn valid_cards_come_in_octet_for_octet() {
    let text = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nN:A;;;;\r\nFN:A\r\nTEL;type=CELL;type=pref:1\r\n \t2\r\n\
        item1.X-ABLabel:_$!<Home>!$_\r\nPHOTO;ENCODING=b:AA\r\n  BB\r\nEND:VCARD\r\n";
    assert_eq!(read(text.as_bytes()).0[0].text(), text);
    assert_eq!(
        put_card(text.as_bytes()).map(|put| (put.card.text(), put.as_sent)),
        Ok((text.to_owned(), true))
    );
    // What is missing is added; the other lines stay.
    let (cards, _) = read(text.replace("UID:1\r\n", "").replace("FN:A\r\n", "").as_bytes());
    assert_eq!(
        cards[0].text(),
        text.replace("UID:1\r\nN:A;;;;\r\nFN:A\r\n", "FN:A\r\nN:A;;;;\r\n")
    );
}

#[test]
fn a_put_is_stored_as_sent_only_if_it_is_whole_and_valid() {
    let card = |lines: &str| {
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nN:A;;;;\r\nFN:A\r\n{lines}END:VCARD\r\n")
    };
    assert!(put_card(card("").as_bytes()).unwrap().as_sent);
    for other in [
        card("NOTE:a\u{1}b\r\n"),
        card("NOTE:a\u{ffff}\r\n"),
        card("NOTE:a\rb\r\n"),
        card("NOTE:a\r\n").replace("\r\n", "\n"),
        card("TEL;CELL:1\r\n"),
        card("NOTE;ENCODING=QUOTED-PRINTABLE:=41\r\n"),
        card("BDAY:1990-01-02\r\nBDAY:1990-01-03\r\n"),
        card("UID:2\r\n"),
        card("no colon\r\n"),
        card("\r\n"),
        card("").replace("3.0", "4.0"),
        card("").replace("3.0", "2.1"),
        card("").replace("VERSION:3.0\r\n", ""),
        card("").replace("UID:1\r\n", ""),
        card("").replace("FN:A\r\n", ""),
        card("").replace("FN:A\r\n", "FN:\r\n"),
        card("").replace("N:A;;;;\r\n", ""),
        card("").trim_end().to_owned(),
        format!("{}\r\n", card("")),
        format!("\u{feff}{}", card("")),
    ] {
        let put = put_card(other.as_bytes()).unwrap();
        assert!(!put.as_sent, "{other:?}");
        let text = put.card.text();
        let has = |line: &str| text.contains(&format!("\r\n{line}"));
        assert!(has("FN:A\r\n") || has("FN:1\r\n"), "{text}");
        assert!(has("N:") && has("VERSION:3.0\r\n"), "{text}");
        assert!(!text.contains(['\u{1}', '\u{ffff}']) && text.ends_with("END:VCARD\r\n"));
        let uid = put.card.uid();
        let again = put_card(text.as_bytes()).unwrap();
        assert_eq!((again.card.text(), again.as_sent), (text.clone(), uid.is_some()), "{text}");
    }
    let latin = card("").replace("FN:A", "FN:\u{1}").into_bytes();
    let latin: Vec<u8> = latin.iter().map(|byte| if *byte == 1 { 0xC4 } else { *byte }).collect();
    let put = put_card(&latin).unwrap();
    assert_eq!((put.as_sent, put.card.details().display_name.as_str()), (false, "Ä"));
}

#[test]
fn what_is_no_card_is_refused() {
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nEND:VCARD\r\n";
    let large = |name: &str, bytes: usize| {
        card.replace("FN:A", &format!("FN:A\r\n{name}:{}", "x".repeat(bytes)))
    };
    for (body, why) in [
        (String::new(), Refusal::NoCard),
        ("hello".to_owned(), Refusal::NoCard),
        ("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_owned(), Refusal::NoCard),
        (card.replace("END:VCARD\r\n", ""), Refusal::CutOff),
        (card.repeat(2), Refusal::TwoCards),
        (card.replace("END:VCARD\r\n", "") + card, Refusal::TwoCards),
        (large("X-A", 1 << 20), Refusal::TooLarge),
        (large("PHOTO;ENCODING=b", 4 << 20), Refusal::TooLarge),
        (format!("{card}{}", "\r\n".repeat(2 << 20)), Refusal::TooLarge),
    ] {
        assert_eq!(put_card(body.as_bytes()), Err(why), "{}", body.len());
    }
    assert!(put_card(large("PHOTO;ENCODING=b", 3 << 20).as_bytes()).is_ok());
    // The largest that fits, if it has an N: one is added, and takes room, too.
    let photo = format!("FN:A\r\nPHOTO;ENCODING=b:{}", "x".repeat(3 << 20));
    for (before, most) in [("FN:A", 1 << 20), (&photo, 4 << 20)] {
        let note = |length| format!("{before}\r\nNOTE:{}", "x".repeat(length));
        let full = card.replace("FN:A", &note(most - card.len() - note(0).len() + "FN:A".len()));
        assert_eq!((full.len(), put_card(full.as_bytes())), (most, Err(Refusal::TooLarge)));
        let whole = full.replace("xxxxxxxxx\r\nEND", "\r\nN:A;;;;\r\nEND");
        assert!(put_card(whole.as_bytes()).is_ok());
    }
    // Odd is not refused.
    let odd = format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{}\r\nTEL:x\r\nBDAY:2090-01-01\r\nEND:VCARD",
        "y".repeat(5000)
    );
    assert_eq!(put_card(odd.as_bytes()).unwrap().card.details().display_name.len(), 5000);
    let nobody = put_card(b"BEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCARD\r\n").unwrap();
    assert!(nobody.card.text().contains("FN:?\r\n"));
}

#[test]
fn a_type_has_no_blanks_around_it_and_is_read_again_the_same() {
    let read = |bytes: &[u8]| read_cards(bytes, None).next().unwrap().card.unwrap();
    for tel in ["X-CUSTOM(CHARSET=UTF-8, 5 )", "TYPE=PREE\u{a0}\"", "TYPE=HOME,\"PREE "] {
        let lines = format!("BEGIN:VCARD\r\nVERSION:2.1\r\nN:A\r\nTEL;{tel}:1\r\nEND:VCARD\r\n");
        let card = read(lines.as_bytes());
        assert_eq!(read(card.as_str().as_bytes()), card, "{tel}");
    }
}
