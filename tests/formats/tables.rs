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
    let imported =
        row("Name,Given Name,Additional Name,Family Name,Birthday,Notes,Group Membership,\
         E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,Organization 1 - Name,\
         Organization 1 - Department,Organization 1 - Title\n\
         Dr. Ann Smith,Ann,,Smith, --04-12,,* friends ::: Chess,* Work,ann@x.yz,Mobile,+1 555 0100,\
         Acme,Sales,Boss\n");
    assert_eq!(imported.fields.labels, ["friends", "Chess"]);
    assert_eq!(imported.fields.birthday, None);
    for kept in [
        "FN:Dr. {first_name} {last_name}",
        "BDAY:--04-12",
        "TEL;TYPE=CELL:",
        "ORG:Acme;Sales",
        "TITLE:Boss",
    ] {
        assert_kept(&imported, kept);
    }
}

#[test]
fn small_columns_of_google() {
    let imported =
        row("First Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,Photo,Gender,\
         IM 1 - Label,IM 1 - Value,Relation 1 - Label,Relation 1 - Value,Address 1 - Formatted,\
         Address 2 - Street,Address 2 - Extended Address,\"My \"\"own\"\" field\"\n\
         Ann,en,em,es,https://x.yz/a;b,f,XMPP,ann@x.yz,Sister,Eve,Way 1,Way 2,Door 3,\u{7}x\n");
    for kept in [
        "X-PHONETIC-FIRST-NAME:en",
        "X-PHONETIC-MIDDLE-NAME:em",
        "X-PHONETIC-LAST-NAME:es",
        "PHOTO;VALUE=uri:https://x.yz/a;b",
        "X-GENDER:f",
        "ADR:;;Way 1;;;;",
        "ADR:;Door 3;Way 2;;;;",
        "item1.X-IM:ann@x.yz",
        "item1.X-ABLabel:XMPP",
        "item2.X-ABRELATEDNAMES:Eve",
        "item2.X-ABLabel:Sister",
        r#"X-CSV;X-COLUMN="My  own  field":x"#,
    ] {
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
    // Month before day is sure only with Outlook's headers and none of Google's, and a year only
    // with its four digits.
    for (header, born) in [
        ("Phone", "5/15/1990"),
        ("Company,Phone 1 - Value", "5/15/1990"),
        ("Company", "5/15/90"),
        ("Company", "5/15/999"),
    ] {
        let kept = row(&format!("First Name,Birthday,{header}\nAnn,{born}")).properties;
        assert_eq!(kept, format!("BDAY:{born}"), "{header}");
    }
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
    for (parts, kept) in
        [("1990,,", "1990--"), (",4,", "-4-"), (",,12", "--12"), (",4,12", "--04-12")]
    {
        let odd = row(&format!("First Name,Birth Year,Birth Month,Birth Day\nAnn,{parts}\n"));
        assert_eq!(odd.properties, format!("BDAY:{kept}"));
    }
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

/// A table must be able to name somebody, in whatever way.
#[test]
fn whole_names_and_organisations_name_people_too() {
    for (header, name) in [("Name", "Ann Lee"), ("Display Name", "Ann Lee"), ("Company", "Acme")] {
        let imported = row(&format!("{header},Phone\n{name},111\n"));
        assert_eq!(imported.fields.first_name, name, "{header}");
    }
    for none in ["Phone 1 - Value,Notes\n111,x\n", "Middle Name,Nickname\nB.,Annie\n"] {
        assert!(matches!(csv::read(none.as_bytes(), latest()), Err(Error::Malformed(_))), "{none}");
    }
}

#[test]
fn a_line_has_a_thousand_cells_at_most_and_what_is_quoted_makes_none() {
    let wide = |cells: usize| format!("First Name{}\nAnn\n", ",".repeat(cells - 1));
    assert_eq!(rows(&wide(1_000)).len(), 1);
    assert!(matches!(csv::read(wide(1_001).as_bytes(), latest()), Err(Error::Malformed(_))));
    let note = format!("say \"hi\"{}", ",".repeat(1_500));
    let quoted = row(&format!("First Name,Notes\nAnn,\"{}\"\n", note.replace('"', "\"\"")));
    assert_eq!(quoted.fields.additional_data, Some(note));
    assert_eq!(rows(&format!("First Name,Notes\n{}", "Ann,x\n".repeat(1_100))).len(), 1_100);
    // Nor does it tell what separates them, nor does any line but the first.
    let semicolons = row("\"Size, in, cm, or so\";First Name;Notes\n1;Ann;x\n");
    assert_eq!(semicolons.fields.additional_data.as_deref(), Some("x"));
    let commas = row("First Name,Notes\nAnn,a;b;c;d\n");
    assert_eq!(commas.fields.additional_data.as_deref(), Some("a;b;c;d"));
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

/// Quotes only where they are needed, labels as Google writes them.
#[test]
fn a_row_of_ours() {
    let ann = with_lines(
        r"N:Smith;Ann;B.;Dr.;Jr.
NICKNAME:Annie
ORG:Acme;Sales
TITLE:Boss
BDAY:19900412
NOTE:a\; b
CATEGORIES:Work,* friends,a:::b
EMAIL;TYPE=HOME:a@b.cd
TEL:+1 555 0100
ADR;TYPE=WORK:Box 7;Door 2; Way 1;Kyiv;K;01001;Ukraine
URL:https://x.yz",
    );
    let out = table(&[stored(&ann)]);
    assert_eq!(
        out.lines().nth(1),
        Some(
            "Ann,B.,Smith,Dr.,Jr.,Annie,Acme,Boss,Sales,1990-04-12,\"a; b\",\
             Work ::: \\* friends ::: a\\:::b,home,a@b.cd,,,,+1 555 0100,,,,,\
             work,\" Way 1\",Kyiv,Box 7,K,01001,Ukraine,Door 2,https://x.yz"
        )
    );
    assert_eq!(row(&out).fields.labels, ["Work", "* friends", "a:::b"]);
}

#[test]
fn a_phone_has_the_label_that_google_gives_it() {
    for (line, label) in [
        ("TEL:111", ""),
        ("TEL;TYPE=HOME,FAX:111", "Home Fax"),
        ("TEL;TYPE=FAX;TYPE=WORK:111", "Work Fax"),
        ("TEL;TYPE=FAX:111", "fax"),
        ("TEL;TYPE=VOICE,HOME:111", "home"),
        ("TEL;TYPE=WORK,PREF:111", "* work"),
        ("TEL;TYPE=CELL,VOICE:111", "Mobile"),
        ("item1.TEL;TYPE=HOME:111\nitem1.X-ABLabel:_$!<School>!$_", "School"),
    ] {
        // The field is another one, so that this is the second phone.
        let card = with_lines(&format!("FN:Ann\nTEL;PREF=1:999\n{line}"));
        let out = table(&[stored(&card)]);
        assert!(out.contains(&format!(",*,999,{label},111,")), "{line}: {out}");
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
        ("Mobile Phone", "CELL"),
        ("Home Phone", "HOME"),
        ("Home Phone 2", "HOME"),
        ("Business Phone", "WORK"),
        ("Work Phone", "WORK"),
        ("Business Phone 2", "WORK"),
        ("Company Main Phone", "WORK,MAIN"),
        ("Other Phone", "OTHER"),
        ("Car Phone", "CAR"),
        ("Radio Phone", "RADIO"),
        ("Callback", "CALLBACK"),
        ("Assistant's Phone", "ASSISTANT"),
        ("ISDN", "ISDN"),
        ("Pager", "PAGER"),
        ("Home Fax", "HOME,FAX"),
        ("Business Fax", "WORK,FAX"),
        ("Other Fax", "FAX"),
        ("Telex", "TELEX"),
        ("TTY/TDD Phone", "TTY"),
    ] {
        let imported = row(&format!("First Name,Phone,{header}\r\nAnn,111,222\r\n"));
        assert_eq!(imported.fields.phone.as_deref(), Some("111"), "{header}");
        let types: String = kinds.split(',').map(|kind| format!(";TYPE={kind}")).collect();
        assert_kept(&imported, &format!("TEL{types}:222"));
    }
}

#[test]
fn an_address_may_have_all_its_parts() {
    let imported =
        row("First Name,Address 1 - PO Box,Address 1 - Extended Address,Address 1 - Street,\
         Address 1 - City,Address 1 - Region,Address 1 - Postal Code,Address 1 - Country\n\
         Ann,Box 7,Door 2,Way 1,Kyiv,K,01001,Ukraine\n");
    assert_kept(&imported, "ADR:Box 7;Door 2;Way 1;Kyiv;K;01001;Ukraine");
}

#[test]
fn each_phone_label_of_google_has_its_kind() {
    for (label, kinds) in [
        ("Mobile", "CELL"),
        ("Home Fax", "HOME,FAX"),
        ("Work Fax", "WORK,FAX"),
        ("Pager", "PAGER"),
        ("Main", "MAIN"),
    ] {
        let header = "First Name,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value";
        let imported = row(&format!("{header}\nAnn,111,{label},222\n"));
        let types: String = kinds.split(',').map(|kind| format!(";TYPE={kind}")).collect();
        assert_kept(&imported, &format!("TEL{types}:222"));
    }
}

/// What Outlook has besides; its 0/0/00 is no birthday, and today is one.
#[test]
fn small_columns_of_outlook() {
    let imported = row(
        "First Name,Suffix,Nickname,File As,Department,E-mail Address,E-mail 3 Address,Web Page,\
         Personal Web Page,Other PO Box,Other State,Other Country/Region,Birthday\r\n\
         Ann,Jr.,Annie,\"A, Ann\",Sales,a@b.cd,c@b.cd,x.yz/1,x.yz/2,Box 7,Kent,UK,0/0/00\r\n",
    );
    for property in [
        "N:;;;;Jr.",
        "NICKNAME:Annie",
        r"X-FILE-AS:A\, Ann",
        "ORG:;Sales",
        "EMAIL:c@b.cd",
        "URL:x.yz/1",
        "URL;TYPE=HOME:x.yz/2",
        "ADR;TYPE=OTHER:Box 7;;;;Kent;;UK",
    ] {
        assert_kept(&imported, property);
    }
    assert!(!imported.properties.contains("BDAY"), "{}", imported.properties);
    let born = |day: &str| row(&format!("First Name,Birthday\r\nAnn,{day}\r\n")).fields.birthday;
    assert_eq!(born(&latest().to_string()), Some(latest()));
}
