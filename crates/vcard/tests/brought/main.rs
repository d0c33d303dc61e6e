//! Files that people bring, found by trying what programs write by the hundred (29 November 2026).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy sees test functions, but not what they call"
)]

mod cards;
mod dumps;
mod rests;
mod sheets;
mod tables;

use vcard::table::{self, Fault, Options};
use vcard::*;

fn card(version: &str, lines: &[&str]) -> Vec<u8> {
    let lines = lines.join("\r\n");
    format!("BEGIN:VCARD\r\nVERSION:{version}\r\n{lines}\r\nEND:VCARD\r\n").into_bytes()
}

/// Display name or fault of each card.
fn names(file: &[u8], charset: Option<&str>) -> Vec<Result<String, String>> {
    read_cards(file, charset).map(|it| it.card.map(|card| card.details().display_name)).collect()
}

fn details(header: &str, row: &str) -> Details {
    let text = format!("{header}\n{row}\n");
    let table = table::read(&text, &Options { map: &[] }).unwrap();
    table.rows().next().unwrap().unwrap().details
}

#[test]
fn a_card_whose_name_is_blank_is_nobody() {
    let nobody = Err("nothing in the card says who it is".to_owned());
    for lines in [
        &["FN:"][..],
        &["FN: ", "N:;;;;", "TEL:"],
        &["FN:\u{200b}"],
        &["FN:\u{3164}"],
        &["UID:u1", "FN:", "EMAIL:"],
    ] {
        assert_eq!(names(&card("3.0", lines), None), *std::slice::from_ref(&nobody), "{lines:?}");
    }
    for (lines, name) in [
        (&["FN:", "TEL:5550100"][..], "5550100"),
        (&["FN:?"], "?"),
        (&["FN:", "NOTE:plumber, by the bridge"], "plumber, by the bridge"),
        // A list may have no name, whichever way it says that it is one.
        (&["FN:", "X-ADDRESSBOOKSERVER-KIND:group"], "?"),
        (&["FN:", "KIND:group"], "?"),
    ] {
        assert_eq!(names(&card("3.0", lines), None), [Ok(name.to_owned())], "{lines:?}");
    }
}

#[test]
fn japanese_of_the_days_of_mail_is_read() {
    // ISO-2022-JP is ASCII with escapes, and what stands between them looks like colons and semicolons too.
    let japanese =
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:\x1b$BNkLZ0lO:\x1b(B\r\nTEL:5550101\r\nEND:VCARD\r\n";
    for charset in [Some("iso-2022-jp"), None] {
        assert_eq!(names(japanese, charset), [Ok("鈴木一郎".to_owned())], "{charset:?}");
    }
    let table = b"Name,Phone\r\n\x1b$BNkLZ0lO:\x1b(B,5550101\r\n";
    assert_eq!(decode(table, None).0, "Name,Phone\r\n鈴木一郎,5550101\r\n");
}

#[test]
fn a_character_set_that_no_browser_reads_costs_no_value() {
    // The WHATWG standard has labels of which a browser shows one U+FFFD instead of the text.
    for charset in ["iso-2022-kr", "hz-gb-2312", "iso-2022-cn"] {
        assert_eq!(names(&card("3.0", &["FN:Zoë Ash"]), Some(charset)), [Ok("Zoë Ash".to_owned())]);
        let line = format!("FN;CHARSET={charset}:Zoë Ash");
        assert_eq!(names(&card("2.1", &[&line]), None), [Ok("Zoë Ash".to_owned())]);
    }
}

#[test]
fn the_printed_address_of_4_0_keeps_its_lines_and_quotes() {
    for (label, printed) in [
        ("Dr. Doe\\n1 Main St\\NTown", "Dr. Doe\n1 Main St\nTown"),
        ("^'The Mill^'^nTown ^^", "\"The Mill\"\nTown ^"),
    ] {
        let line = format!("ADR;LABEL=\"{label}\":;;1 Main St;Town;;;");
        let read = read_cards(&card("4.0", &["FN:J", &line]), None).next().unwrap();
        let card = read.card.unwrap();
        let labels = card.lines().filter(|line| line.is("LABEL"));
        assert_eq!(labels.map(|line| line.text()).collect::<Vec<_>>(), [printed]);
    }
}

#[test]
fn an_account_says_its_scheme_once() {
    for (line, value) in [
        ("X-SIP:sip:jo@x.example", "jo@x.example"),
        ("X-JABBER:xmpp:jo@x", "jo@x"),
        ("X-QQ:12:3", "12:3"),
    ] {
        let read = read_cards(&card("3.0", &["FN:J", line]), None).next().unwrap();
        assert_eq!(read.card.unwrap().details().online[0].value, value, "{line}");
    }
}

#[test]
fn a_picture_larger_than_any_card_costs_itself_only() {
    let photo = format!("PHOTO;ENCODING=b;TYPE=JPEG:{}", "AAAA".repeat(4 << 20));
    let file = [card("3.0", &["FN:Ann", &photo, "TEL:5550102"]), card("3.0", &["FN:Bob"])].concat();
    let read: Vec<Read> = read_cards(&file, None).collect();
    let ann = read[0].card.as_ref().unwrap().details();
    assert_eq!((ann.display_name.as_str(), ann.phones[0].value.as_str()), ("Ann", "5550102"));
    let said: Vec<_> = read[0].warnings.iter().map(|it| (it.line, it.detail.as_str())).collect();
    assert_eq!(said, [(4, "PHOTO: is larger than a card may be; left out")]);
    assert!(read[1].card.is_ok() && read.len() == 2);

    // As do those that are too large together.
    let half = format!("PHOTO;ENCODING=b;TYPE=JPEG:{}", "AAAA".repeat(1 << 20));
    let read = read_cards(&card("3.0", &["FN:Ann", &half, &half]), None).next().unwrap();
    assert_eq!(read.card.unwrap().lines().filter(|line| line.is("PHOTO")).count(), 1);
    assert_eq!(read.warnings[0].line, 5);
}

#[test]
fn a_label_longer_than_can_be_written_is_told_of() {
    for (length, told) in [(50, 0), (51, 1), (200, 1)] {
        let label = format!("CATEGORIES:{}", "ä".repeat(length));
        let read = read_cards(&card("3.0", &["FN:Ann", &label]), None).next().unwrap();
        assert_eq!(read.warnings.len(), told, "{length}: {:?}", read.warnings);
    }
}

#[test]
fn a_line_of_ldif_is_no_header() {
    let ldif =
        "dn: cn=Ann\nmail: ann@x.example\ntelephoneNumber: +1 555 0103\nmobile: +1 555 0104\n";
    let fault = table::read(ldif, &Options { map: &[] }).map(|_| ());
    assert!(matches!(fault, Err(Fault::NoTable(_))), "{fault:?}");
    assert_eq!(details("Phone 12,E-mail 3 - Value", "5550105,a@x.example").phones.len(), 1);
}

#[test]
fn a_map_to_no_member_is_a_fault_of_the_map() {
    let map = [("A".to_owned(), "nope".to_owned())];
    let fault = table::read("A,B\nx,y\n", &Options { map: &map }).map(|_| ());
    assert_eq!(fault.unwrap_err(), Fault::Map("A: there is no member \"nope\"".to_owned()));
}

#[test]
fn a_separator_behind_the_last_value_is_none_of_it() {
    for cell in ["f@x.example;", "f@x.example, ", "\"f@x.example\n;\""] {
        assert_eq!(
            details("Name,Email", &format!("F,{}", quoted(cell))).emails[0].value,
            "f@x.example"
        );
    }
    for cell in ["+1 555 010 0106;", "+1 555 010 0106 ,"] {
        assert_eq!(
            details("Name,Phone", &format!("F,{}", quoted(cell))).phones[0].value,
            "+1 555 010 0106"
        );
    }
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.trim_matches('"'))
}

#[test]
fn the_organization_says_the_title_before_the_occupation() {
    let google = "Name,Occupation,Organization 1 - Title";
    assert_eq!(details(google, "A,Nurse,Head of Ward").job_title.as_deref(), Some("Head of Ward"));
    assert_eq!(details(google, "A,Nurse,").job_title.as_deref(), Some("Nurse"));
    let outlook = "First Name,Job Title,Profession";
    assert_eq!(details(outlook, "A,Chief,Nurse").job_title.as_deref(), Some("Chief"));
}

#[test]
fn headers_that_programs_write() {
    let linkedin = "FirstName,LastName,Companies,EmailAddresses,PhoneNumbers,Sites";
    let row =
        "Im,Ported,Acme,\"i@x.example,j@x.example\",\"+1 555 0316,+1 555 0317\",http://s.example";
    let it = details(linkedin, row);
    assert_eq!((it.organization.as_deref(), it.emails.len()), (Some("Acme"), 2));
    assert_eq!((it.phones.len(), it.urls.len()), (2, 1));
    assert_eq!(details("Имя,Примечание", "И,прим").additional_data.as_deref(), Some("прим"));
    assert_eq!(details("Ім'я,Примітка", "І,прим").additional_data.as_deref(), Some("прим"));
    assert_eq!(details("Звертання,Ім'я", "пан,Їжак").prefix.as_deref(), Some("пан"));
    assert_eq!(details("姓,名,分類項目", "山田,太郎,友人").labels, ["友人"]);
    assert_eq!(details("Nome,Nome coniuge", "N,Perla").relations[0].value, "Perla");
}

#[test]
fn a_date_that_cannot_be_read_is_said_whatever_it_is_of() {
    let lines =
        ["FN:J", "BDAY:soon", "ANNIVERSARY:2009", "item1.X-ABDATE:2010-05-06", "X-ANNIVERSARY:"];
    let read = read_cards(&card("4.0", &lines), None).next().unwrap();
    let said: Vec<&str> = read.warnings.iter().map(|it| it.detail.as_str()).collect();
    let why = "is no date that can be read; kept as it is";
    assert_eq!(said, [format!("birthday: \"soon\" {why}"), format!("dates: \"2009\" {why}")]);
    assert_eq!(read.card.unwrap().details().dates.len(), 1);
}

#[test]
fn headers_of_offices() {
    let it = details(
        "First Name,Account Name,Mailing Street,Mailing City,Mailing Zip/Postal Code,iPhone",
        "Sal,Acct,1 St,Town,94105,+1 555 0833",
    );
    assert_eq!(it.organization.as_deref(), Some("Acct"));
    let address = &it.addresses[0];
    assert_eq!(
        [&address.street, &address.city, &address.postal_code].map(|it| it.as_deref()),
        [Some("1 St"), Some("Town"), Some("94105")]
    );
    assert_eq!(it.phones[0].label.as_deref(), Some("mobile"));
}

#[test]
fn a_header_of_all_names_is_the_whole_name() {
    for header in ["NOMBRE Y APELLIDOS", "Cognome e nome", "Nom, prénom", "Name, Vorname", "姓名"]
    {
        let it = details(&format!("{header};E-Mail"), "Lee Ann;a@x.example");
        assert_eq!(it.display_name, "Lee Ann", "{header}");
    }
    let it = details("Name (First),Name (Last),Last contact", "Ann,Lee,May");
    assert_eq!((it.first_name.as_deref(), it.last_name.as_deref()), (Some("Ann"), Some("Lee")));
}

#[test]
fn short_words_of_headers() {
    let it = details(
        "Vorname;Email geschaeftl.;Tel. privat;Tel. geschaeftl.;Geb.-Datum",
        "A;a@x.example;030111;030222;1.2.1970",
    );
    assert_eq!(it.emails[0].label.as_deref(), Some("work"));
    assert_eq!(it.phones[1].label.as_deref(), Some("work"));
    assert_eq!(it.birthday.map(|it| it.to_string()).as_deref(), Some("1970-02-01"));
    let kde = "Prefix,Given Name,Suffix,Title,Role,Postal address";
    let it = details(kde, "Dr.,Ann,,CEO,CEO,1 St");
    assert_eq!((it.prefix.as_deref(), it.job_title.as_deref()), (Some("Dr."), Some("CEO")));
    let it = details("NOM;TEL FIXE;TEL PORTABLE;DATE NAISSANCE", "A;0111111;0622222;13/04/1970");
    assert_eq!(it.phones.len(), 2);
    assert!(it.birthday.is_some());
}

#[test]
fn a_second_value_for_one_member_is_said() {
    let all = "Anrede,Titel,Vorname,Position,Firma,Firma\nFrau,Dr.,Anna,Chefin,A,B\n";
    let table = table::read(all, &Options { map: &[] }).unwrap();
    let row = table.rows().next().unwrap().unwrap();
    assert_eq!(row.details.prefix.as_deref(), Some("Frau Dr."));
    assert_eq!(row.kept, [("X-CSV-FIRMA".into(), "B".to_owned())]);
    let said: Vec<&str> = row.warnings.iter().map(|it| it.detail.as_str()).collect();
    assert_eq!(said, ["organization: \"B\" is one more; it is kept as X-CSV-FIRMA"]);
}

#[test]
fn lines_of_other_formats_are_no_header_and_quoted_words_no_open_quote() {
    let abook = "name=Ann Lee\nemail=a@x.example\nphone=111\n";
    assert!(matches!(table::read(abook, &Options { map: &[] }), Err(Fault::NoTable(_))));
    let it = details("Name,Phone", "\"Bob\" Lee,+1 555 010 0106\nCid,1");
    assert_eq!((it.display_name.as_str(), it.phones.len()), ("\"Bob\" Lee", 1));
    let joined = "\"Name\",Phone\nA,111111\n\u{feff}\"Name\",Phone\nB,222222\n";
    let table = table::read(joined, &Options { map: &[] }).unwrap();
    assert_eq!(table.rows().count(), 2);
}

#[test]
fn a_second_line_where_json_shows_one_is_said() {
    let lines = ["FN:A", "TEL;TYPE=HOME\\,VOICE:111111", "NOTE:x", "NOTE:x", "NOTE:y", "BDAY:soon"];
    let more = ["BDAY:1990-01-01", "BDAY:19900101", "TITLE;ALTID=1:a", "TITLE;ALTID=1:b"];
    let read = read_cards(&card("4.0", &[&lines[..], &more].concat()), None).next().unwrap();
    let said: Vec<&str> = read.warnings.iter().map(|it| it.detail.as_str()).collect();
    let all = [
        "birthday: \"soon\" is one more; it is kept as X-BDAY",
        "additional_data: \"y\" is one more; kept as it is",
    ];
    assert_eq!(said, all);
    let preferred = card("3.0", &["FN:A", "FN;TYPE=PREF:B"]);
    let read_names = read_cards(&preferred, None).next().unwrap();
    let said: Vec<&str> = read_names.warnings.iter().map(|it| it.detail.as_str()).collect();
    assert_eq!(said, ["display_name: \"A\" is one more; it is kept as X-FN"]);
    // Our own file of it says so no more, nor does what is written in two ways.
    let lines = ["X-FN:B", "N:Lee;Ann", "N:Lee;Ann;;;", "ORG:;", "ORG:Firm;", "ORG:Firm"];
    let again = card("3.0", &[&["FN:A"], &lines[..]].concat());
    assert_eq!(read_cards(&again, None).next().unwrap().warnings, []);
    // One that says nothing is not the one that is shown.
    let nothing = read_cards(&card("3.0", &["FN:A", "N: ;;;;", "N:Lee;Ann"]), None).next().unwrap();
    assert_eq!(nothing.warnings, []);
    assert_eq!(nothing.card.unwrap().details().last_name.as_deref(), Some("Lee"));
    assert_eq!(read.card.unwrap().details().phones[0].label.as_deref(), Some("home"));
}

#[test]
fn a_character_set_is_no_matter_of_backslashes_nor_of_one_wrong_word() {
    let lines = ["N;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:=95=5C;=83=5C", "TEL:5550100"];
    let read = read_cards(&card("2.1", &lines), None).next().unwrap().card.unwrap().details();
    assert_eq!((read.last_name.as_deref(), read.first_name.as_deref()), (Some("表"), Some("ソ")));
    let latin = card("3.0", &["FN;CHARSET=ISO-8859-1:Jürgen"]);
    assert_eq!(names(&latin, None), [Ok("Jürgen".to_owned())]);
    // Right as declared: these bytes are UTF-8 by chance.
    for (word, name) in [("NESTL=C9=AE", "NESTLÉ®"), ("REN=C9=92S", "RENÉ’S")] {
        let line = format!("FN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:{word}");
        assert_eq!(names(&card("2.1", &[&line]), None), [Ok(name.to_owned())]);
    }
    // A first byte alone takes no line break or semicolon for its second.
    let alone = ["N;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:=83;B", "TEL:5550100"];
    let read = read_cards(&card("2.1", &alone), None).next().unwrap().card.unwrap().details();
    assert_eq!(read.first_name.as_deref(), Some("B"));
}

#[test]
fn a_card_of_one_mebibyte_is_one_that_may_be_stored() {
    let at = |note: usize| {
        card("3.0", &["UID:u", "N:A;;;;", "FN:A", &format!("NOTE:{}", "n".repeat(note))])
    };
    let room = CARD_MAX - at(0).len();
    for (note, fits) in [(room, true), (room + 1, false)] {
        let read = read_cards(&at(note), None).next().unwrap();
        assert_eq!(read.card.is_ok(), fits, "{note} of {room}");
    }
}
