//! CSV: the tables of other programs in, ours out.

use crate::*;
use contactd::error::Error;
use contactd::formats::csv;

fn rows(text: &str) -> Vec<Row> {
    csv::read(text.as_bytes(), latest()).unwrap().collect()
}

/// The only row of a table, which must be good.
fn row(text: &str) -> Imported {
    let mut rows = rows(text);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0).unwrap()
}

/// One of the properties that have no field is exactly this line.
#[track_caller]
fn assert_kept(imported: &Imported, line: &str) {
    let kept = imported.properties.split('\n').any(|property| property == line);
    assert!(kept, "{line} is not in: {}", imported.properties);
}

fn table(contacts: &[Contact]) -> String {
    let mut out = String::new();
    csv::header(&mut out);
    contacts.iter().for_each(|contact| csv::row(&mut out, contact));
    out
}

fn date(text: &str) -> Option<NaiveDate> {
    Some(text.parse().unwrap())
}

#[test]
fn google_contacts() {
    let imported = row(
        "\u{feff}First Name,Middle Name,Last Name,Name Prefix,Nickname,File As,Organization Name,\
         Organization Title,Organization Department,Birthday,Notes,Labels,E-mail 1 - Label,\
         E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,\
         Address 1 - Label,Address 1 - Formatted,Address 1 - Street,Address 1 - City,\
         Event 1 - Label,Event 1 - Value,Custom Field 1 - Label,Custom Field 1 - Value,Website 1 - Value\r\n\
         Олена,Петрівна,Мушко,,,,\"ТОВ, Ромашка\",Director,Відділ,1990-04-12,\"Line \"\"one\"\"\r\ntwo\",\
         * myContacts ::: Friends,Home,o@home.example,* Work,o@work.example,дача,+380 50 1 ::: +380 50 2,\
         Home,\"Street 1\nKyiv\",Street 1,Kyiv,Anniversary,2015-06-07,Size,XL,https://a.b/c?d;e\r\n",
    );
    let fields = &imported.fields;
    assert_eq!((fields.first_name.as_str(), fields.last_name.as_deref()), ("Олена", Some("Мушко")));
    assert_eq!(fields.email.as_deref(), Some("o@work.example"), "the starred one");
    assert_eq!(fields.phone.as_deref(), Some("+380 50 1"));
    assert_eq!(fields.birthday, date("1990-04-12"));
    assert_eq!(fields.additional_data.as_deref(), Some("Line \"one\"\ntwo"));
    assert_eq!(fields.labels, ["myContacts", "Friends"]);
    let properties: Vec<_> = imported.properties.split('\n').collect();
    assert_eq!(
        properties,
        [
            "N:;;Петрівна;;",
            "EMAIL;TYPE=pref;TYPE=WORK:",
            "item1.TEL:",
            "EMAIL;TYPE=HOME:o@home.example",
            "item1.X-ABLabel:дача",
            "item2.TEL:+380 50 2",
            "item2.X-ABLabel:дача",
            r"ORG:ТОВ\, Ромашка;Відділ",
            "TITLE:Director",
            "ADR;TYPE=HOME:;;Street 1;Kyiv;;;",
            "URL:https://a.b/c?d;e",
            "item3.X-ABDATE:2015-06-07",
            "item3.X-ABLabel:Anniversary",
            "item4.X-CUSTOM:XL",
            "item4.X-ABLabel:Size",
        ]
    );
}

#[test]
fn google_until_2023() {
    let imported = row(
        "Name,Given Name,Additional Name,Family Name,Birthday,Notes,Group Membership,\
         E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,Organization 1 - Name\n\
         Dr. Ann Smith,Ann,,Smith, --04-12,,* friends ::: Chess,* Work,ann@x.yz,Mobile,+1 555 0100,Acme\n",
    );
    assert_eq!(imported.fields.labels, ["friends", "Chess"]);
    assert_eq!(imported.fields.birthday, None);
    for kept in ["FN:Dr. {first_name} {last_name}", "BDAY:--04-12", "TEL;TYPE=CELL:", "ORG:Acme"] {
        assert_kept(&imported, kept);
    }
}

#[test]
fn outlook() {
    let imported = row(
        "First Name;Last Name;Title;E-mail Address;E-mail 2 Address;Business Fax;Home Phone;Mobile Phone;\
         Company;Job Title;Business Street;Business Street 2;Business City;Birthday;Anniversary;Categories;Hobby\r\n\
         John;Smith;Mr.;j@x.yz;k@x.yz;+1 425 1;+1 425 2;+1 425 3;Contoso;Boss;1 Way;Door 2;Redmond;\
         5/15/1990;0/0/00;Red;Chess, \"\"go\"\"\r\n",
    );
    let fields = &imported.fields;
    assert_eq!(fields.birthday, date("1990-05-15"));
    assert_eq!(fields.phone.as_deref(), Some("+1 425 3"), "a mobile phone rather than a fax");
    assert_eq!(
        (fields.email.as_deref(), &fields.labels[..]),
        (Some("j@x.yz"), &["Red".to_owned()][..])
    );
    for kept in [
        "N:;;;Mr.;",
        "EMAIL:k@x.yz",
        "TEL;TYPE=WORK;TYPE=FAX:+1 425 1",
        "ORG:Contoso",
        "TITLE:Boss",
        r"ADR;TYPE=WORK:;;1 Way\nDoor 2;Redmond;;;",
        r#"X-CSV;X-COLUMN="Hobby":Chess\, ""go"""#,
    ] {
        assert_kept(&imported, kept);
    }
    let elsewhere = row("First Name,Birthday\nAnn,5/15/1990");
    assert_eq!(elsewhere.properties, "BDAY:5/15/1990");
}

#[test]
fn thunderbird_and_our_own_names() {
    let imported = row(
        "First Name\tLast Name\tDisplay Name\tPrimary Email\tSecondary Email\tMobile Number\tHome Address\t\
         Home ZipCode\tBirth Year\tBirth Month\tBirth Day\tNotes\n\
         Ann\tSmith\tAnn Smith\tann@x.yz\tb@x.yz\t111\tStreet 1\t01001\t1990\t4\t12\t=note\n",
    );
    assert_eq!(imported.fields.birthday, date("1990-04-12"));
    assert_eq!(imported.fields.additional_data.as_deref(), Some("=note"));
    let kept = "TEL;TYPE=CELL:\nEMAIL:b@x.yz\nADR;TYPE=HOME:;;Street 1;;;01001;";
    assert_eq!(imported.properties, kept);
    let ours = row(
        "first_name,last_name,email,phone,birthday,additional_data,labels,uid\na,b,a@b.cd,123,2000-02-29,n,l ::: m,u-1",
    );
    assert_eq!(
        (ours.uid.as_deref(), ours.fields.labels.len(), ours.properties.as_str()),
        (Some("u-1"), 2, "")
    );
}

#[test]
fn bad_rows_have_their_physical_line_and_do_not_stop_the_others() {
    for end in ["\n", "\r\n", "\r"] {
        let text = [
            "First Name,Last Name,E-mail 1 - Value,Phone 1 - Value,Birthday,Notes",
            "Good,,,,,\"two",
            "lines\"",
            "Bad,,nobody,12,2999-01-01,",
            "",
            "",
            ",Last,a@b.cd,,,",
            ",,,,,",
            "Good,,,,odd day,",
            "Bad,,,,,,too many",
            "Good,,,,,,",
            "Bad,\"open,,,,",
            "eaten,,,,,",
        ];
        let rows = rows(&text.join(end));
        let seen: Vec<_> = rows.iter().map(|row| row.as_ref().map(|row| row.line)).collect();
        let error = |line, detail: &str| RowError { line, detail: detail.to_owned() };
        let contact = error(
            4,
            "email: must be a valid e-mail address; phone: must have 3 to 32 characters; \
             birthday: must not be in the future",
        );
        assert_eq!(seen[..2], [Ok(2), Err(&contact)], "{end:?}");
        assert_eq!(seen[2..4], [Err(&error(7, "first_name: is required")), Ok(9)]);
        assert_eq!(seen[4..6], [Err(&error(10, "the row has more cells than the header")), Ok(11)]);
        let open = error(12, "a quote is opened in this row and never closed");
        assert_eq!(seen[6..], [Err(&open)]);
    }
}

#[test]
fn encodings_and_tables_that_are_none() {
    let names = |bytes: &[u8]| -> Vec<String> {
        let rows = csv::read(bytes, latest()).unwrap();
        rows.map(|row| row.unwrap().fields.first_name).collect()
    };
    assert_eq!(names(b"First Name,Notes\n\xAF\xE6\xE0\xEA,x\n"), ["Їжак"]);
    assert_eq!(names(b"First Name;Notes\nZo\xEB;x\n"), ["Zoë"]);
    let utf16 = "\u{feff}First Name\tNotes\r\nЇжак\tx";
    assert_eq!(
        names(&utf16.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()),
        ["Їжак"]
    );
    assert_eq!(names(b""), [""; 0]);
    assert_eq!(names(b"\xEF\xBB\xBF \r\n"), [""; 0]);
    for none in [
        "Ann,Smith\nBob,Lee",
        "{\"a\": 1}",
        "BEGIN:VCARD",
        &format!("First Name\n\"a\"\"\",b{}", ",".repeat(2_000)),
    ] {
        let read = csv::read(none.as_bytes(), latest());
        assert!(matches!(read, Err(Error::Malformed(_))), "{none:.20}");
    }
}

#[test]
fn no_cell_is_a_formula_and_every_text_comes_back() {
    let texts = [
        "=1+1",
        "@sum",
        "+1 x 2 x",
        "-1+cmd|' /C calc'!A0",
        "'=1",
        "''+1",
        "＝1",
        "'quoted'",
        "+380 44 123",
        "a,b;c\td",
        "say \"hi\"",
        "'",
        "\"",
        "a ::: b",
        "--04-12",
        "-",
        "don't",
    ];
    for text in texts {
        let mut contact = stored(&with_lines("FN:x"));
        contact.fields.first_name = text.replace('\t', "");
        contact.fields.additional_data = Some(format!("{text}\n{text}"));
        let out = table(std::slice::from_ref(&contact));
        assert_eq!(row(&out).fields, contact.fields, "{out}");
        let cells = out.lines().nth(1).unwrap();
        let begins = cells.trim_start_matches('"').chars().next().unwrap();
        let harmless = text.starts_with("+380") || text.starts_with("--04");
        assert!(harmless || !"=+-@＝".contains(begins), "{cells}");
    }
}

#[test]
fn a_card_goes_through_our_table_as_far_as_it_has_columns() {
    let contact = stored(&with_lines(
        "N:Smith;Ann;B.;Dr.;\nORG:Acme;Sales\nitem1.TEL:111\nitem1.X-ABLabel:boat\nTEL;TYPE=CELL:222\n\
         TEL;TYPE=WORK;TYPE=FAX:333\nTEL:444\nTEL:555\nEMAIL;TYPE=PREF;TYPE=HOME:a@b.cd\nEMAIL:c@d.ef\n\
         ADR;TYPE=HOME:;;Street 1;Kyiv;;01001;Ukraine\nBDAY:--0412\nURL:https://x.yz\nX-FOO:bar",
    ));
    let out = table(std::slice::from_ref(&contact));
    let again = row(&out);
    assert_eq!(again.fields, contact.fields);
    let mut kept: Vec<_> = again.properties.split('\n').collect();
    kept.sort_unstable();
    assert_eq!(
        kept,
        [
            "ADR;TYPE=HOME:;;Street 1;Kyiv;;01001;Ukraine",
            "BDAY:--0412",
            "EMAIL:c@d.ef",
            "EMAIL;TYPE=pref;TYPE=HOME:",
            "N:;;B.;Dr.;",
            "ORG:Acme;Sales",
            "TEL;TYPE=CELL:222",
            "TEL;TYPE=WORK;TYPE=FAX:333",
            "TEL;TYPE=WORK;TYPE=FAX:444",
            "TEL;TYPE=WORK;TYPE=FAX:555",
            "URL:https://x.yz",
            "item1.TEL:",
            "item1.X-ABLabel:boat",
        ]
    );
    // A number that is not our field's must not become it.
    let odd = stored(&with_lines("FN:Ann\nTEL:call me\nEMAIL:nobody"));
    assert_eq!(row(&table(std::slice::from_ref(&odd))).fields, odd.fields);
}

/// Every header of a single phone is known: with another one in the field, each keeps its kind.
#[test]
fn each_phone_column_has_its_kind() {
    for (header, kinds) in [
        ("Primary Phone", "MAIN"),
        ("Business Phone", "WORK"),
        ("Work Phone", "WORK"),
        ("Business Phone 2", "WORK"),
        ("Car Phone", "CAR"),
        ("Radio Phone", "RADIO"),
        ("Pager", "PAGER"),
        ("Home Fax", "HOME,FAX"),
        ("Telex", "TELEX"),
        ("TTY/TDD Phone", "TTY"),
    ] {
        let imported = row(&format!("First Name,Phone,{header}\r\nAnn,111,222\r\n"));
        assert_eq!(imported.fields.phone.as_deref(), Some("111"), "{header}");
        let types: String = kinds.split(',').map(|kind| format!(";TYPE={kind}")).collect();
        assert_kept(&imported, &format!("TEL{types}:222"));
    }
}

/// What Outlook has besides; its 0/0/00 is no birthday, and today is one.
#[test]
fn small_columns_of_outlook() {
    let imported = row("First Name,Suffix,Nickname,File As,Other PO Box,Other State,Birthday\r\n\
         Ann,Jr.,Annie,\"A, Ann\",Box 7,Kent,0/0/00\r\n");
    assert_eq!(imported.fields.birthday, None);
    let expected =
        ["N:;;;;Jr.", "NICKNAME:Annie", r"X-FILE-AS:A\, Ann", "ADR;TYPE=OTHER:Box 7;;;;Kent;;"];
    for property in expected {
        assert_kept(&imported, property);
    }
    let born = |day: &str| row(&format!("First Name,Birthday\r\nAnn,{day}\r\n")).fields.birthday;
    assert_eq!(born(&latest().to_string()), Some(latest()));
}
