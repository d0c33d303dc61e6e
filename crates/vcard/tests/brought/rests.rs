//! What is left where a file was cut, put together or printed: cards without their marks, lines that a mail program
//! broke, tables under tables, lines that count the others.

use super::{card, names};
use vcard::table::{self, Options};
use vcard::*;

fn ok(names: &[&str]) -> Vec<Result<String, String>> {
    names.iter().map(|name| Ok((*name).to_owned())).collect()
}

/// Display name of each row, or none where it is an error.
pub fn rows_of(text: &str) -> Vec<Option<String>> {
    let table = table::read(text, &Options::default()).unwrap();
    table.rows().map(|row| row.ok().map(|row| row.details.display_name)).collect()
}

pub fn some(names: &[&str]) -> Vec<Option<String>> {
    names.iter().map(|name| Some((*name).to_owned())).collect()
}

#[test]
fn a_card_without_its_begin_is_somebody() {
    let ann = "VERSION:3.0\nN:Ash;Ann;;;\nTEL:5550101\n";
    let bob = "BEGIN:VCARD\nFN:Bob\nEND:VCARD\n";
    for (file, all) in [
        (ann.to_owned(), &["Ann Ash"][..]),
        (format!("\u{feff}\n{ann}END:VCARD\n"), &["Ann Ash"]),
        (format!("{ann}{bob}"), &["Ann Ash", "Bob"]),
        (format!("{bob}{ann}END:VCARD\n{bob}"), &["Bob", "Ann Ash", "Bob"]),
        (format!("{bob}{ann}"), &["Bob", "Ann Ash"]),
        (
            "N:Ash;Ann\nTEL;CELL:5550101\nEND:VCARD\nN:Bay;Bob\nEND:VCARD".to_owned(),
            &["Ann Ash", "Bob Bay"],
        ),
        ("FN:Ann\n".to_owned(), &["Ann"]),
        ("N;CHARSET=UTF-8:Ash;Ann\n".to_owned(), &["Ann Ash"]),
        ("PRODID:x\nUID:1\nTEL:5550101\nFN:Ann\nEND:VCARD\n".to_owned(), &["Ann"]),
    ] {
        assert!(has_cards(file.as_bytes()), "{file}");
        assert_eq!(names(file.as_bytes(), None), ok(all), "{file}");
    }
    let number = read_cards(ann.as_bytes(), None).next().unwrap().card.unwrap().details().phones;
    assert_eq!(number[0].value, "5550101");
    for no_card in [
        "N;Name;Tel.:\n1;Ann;5550101\n",
        "N,FN\n",
        "Note: of June\nName,Phone\nAnn,5550101\n",
        "version: 1\n",
    ] {
        assert!(!has_cards(no_card.as_bytes()), "{no_card}");
    }
    // A phone sends whole cards.
    for file in [ann.to_owned() + "END:VCARD\n", ann.to_owned()] {
        assert_eq!(put_card(file.as_bytes()), Err(Refusal::NoCard), "{file}");
    }
    assert!(put_card(format!("{ann}{bob}").as_bytes()).is_ok());
}

#[test]
fn lines_that_a_mail_program_broke_are_whole_again() {
    let read = |text: &str| {
        let file = format!("BEGIN:VCARD\nVERSION:3.0\nFN:Ann\n{text}TEL:5550101\nEND:VCARD\n");
        let read = read_cards(file.as_bytes(), None).next().unwrap();
        (read.card.unwrap().details(), read.warnings.len())
    };
    let words = "NOTE:She plays the cello in the evenings and paints houses by day, on\n\
        most days of the week at least, and does not like to be called after\nnine; mail is fine\n";
    let (it, told) = read(words);
    let whole = words.trim_start_matches("NOTE:").trim_end().replace('\n', " ");
    assert_eq!((it.additional_data, it.phones.len(), told), (Some(whole), 1, 0));
    // At 75 octets the blank of a fold was lost.
    let line = format!("NOTE:{}", "x".repeat(70));
    let (it, _) = read(&format!("{line}\nyy\n"));
    assert_eq!(it.additional_data.unwrap().len(), 72);
    let (it, _) = read(
        "ADR;TYPE=HOME:;;A street with a very long name indeed, door number 12;\nTown;CA;90210;USA\n",
    );
    assert_eq!(
        (it.addresses[0].city.as_deref(), it.addresses[0].country.as_deref()),
        (Some("Town"), Some("USA"))
    );
    // Behind a short line it is no rest of anything.
    let (it, told) = read("NOTE:short\nno line at all\n");
    assert_eq!((it.additional_data.as_deref(), told), (Some("short"), 1));
}

#[test]
fn who_says_utf_8_and_is_not_is_read_as_what_it_is() {
    let file = b"BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8:M\xFCller;J\xFCrgen\nEND:VCARD\n";
    assert_eq!(names(file, None), ok(&["Jürgen Müller"]));
    let line = "FN;CHARSET=UTF-8:Зоя Müller\n".repeat(3);
    let file =
        [b"BEGIN:VCARD\n", line.as_bytes(), b"NOTE;CHARSET=UTF-8:a\xFCb\nEND:VCARD\n"].concat();
    let read = read_cards(&file, None).next().unwrap().card.unwrap().details();
    assert_eq!(read.additional_data.as_deref(), Some("a\u{fffd}b"));
}

#[test]
fn lines_that_a_spreadsheet_took_for_one_cell_are_lines() {
    for text in [
        "\u{feff}\"Name,Phone\"\r\n\"Ann,\"\"5550101\"\"\"\r\n\"\"\"Bay, Bob\"\",5550102\"\r\n",
        "\"Name;Phone\"\n\"Ann;5550101\"\n\"Bay, Bob\";5550102\n",
    ] {
        assert!(table::read(text, &Options::default()).is_err());
        assert_eq!(rows_of(&table::unwrapped(text).unwrap()), some(&["Ann", "Bay, Bob"]));
    }
    for other in ["\"Name\",\"Phone\"\n", "\"Name\"\n", "Name,Phone\n", "", "\""] {
        assert_eq!(table::unwrapped(other), None, "{other}");
    }
}

/// Excel's `CSV (MS-DOS)`.
#[test]
fn tables_of_dos_are_read() {
    for (bytes, line, page) in [
        (
            &b"Vorname;Nachname;Ort\nJ\x81rgen;M\x81\xE1ig;K\x94ln\n"[..],
            "Jürgen;Müßig;Köln",
            "IBM850",
        ),
        (
            b"Nom;Pr\x82nom;Ville\nLef\x8Avre;Andr\x82;Besan\x87on\n",
            "Lefèvre;André;Besançon",
            "IBM850",
        ),
        (b"Nombre;Apellidos\nJos\x82;Mu\xA4oz Garc\xA1a\n", "José;Muñoz García", "IBM850"),
        (b"Jm\x82no;P\xFD\xA1jmen\xA1\nJi\xFD\xA1;Ku\x9Ferov\xA0\n", "Jiří;Kučerová", "IBM852"),
        (b"Imi\xA9;Nazwisko\nJ\xA2zef;W\xA5sik\n", "Józef;Wąsik", "IBM852"),
    ] {
        let (text, told) = decode(bytes, None);
        assert_eq!((text.lines().nth(1), told.len()), (Some(line), 1), "{line}");
        assert!(told[0].detail.ends_with(page), "{told:?}");
    }
    for (bytes, line) in [
        (&b"Name;Ort\nJ\xFCrgen \x84M\xFCller\x93;K\xF6ln\n"[..], "Jürgen „Müller“;Köln"),
        ("Name;Ort\nJürgen Müller;Köln\u{81}\n".as_bytes(), "Jürgen Müller;Köln\u{81}"),
    ] {
        assert_eq!(decode(bytes, None).0.lines().nth(1), Some(line));
    }
}

#[test]
fn a_line_that_reaches_somebody_is_no_header() {
    for text in [
        "Ann Ash,5550101,Home\nBob Bay,5550102,Work\n",
        "\"Ash\",\"Ann\",\"Boss\",\"Acme\",\"5550101\",\"a@x.example\",\"Business\"\n",
        "Work,a@x.example\nHome,b@x.example\n",
    ] {
        assert!(table::read(text, &Options::default()).is_err(), "{text}");
    }
    // A table that was sorted with its header.
    let text = "Ann Ash,5550101,\nEve,,\nName,Phone,Home\nOle,5550102,\n";
    assert_eq!(rows_of(text), some(&["Ann Ash", "Eve", "Ole"]));
    // What stands before the header and reaches somebody elsewhere is no row.
    let text =
        "Exported by,a@x.example\nTel. 5550101\nFirst Name,Last Name,Phone\nAnn,Ash,5550102\n";
    assert_eq!(rows_of(text), some(&["Ann Ash"]));
    // The map may name the cells of the first person.
    let map = [("Ann Ash", "display_name"), ("5550101", "phones")]
        .map(|(a, b)| (a.to_owned(), b.to_owned()));
    let text = "Ann Ash;5550101\nBob Bay;5550102\n";
    let table = table::read(text, &Options { map: &map }).unwrap();
    let found: Vec<_> = table.rows().map(|row| row.unwrap().details.display_name).collect();
    assert_eq!(found, ["Ann Ash", "Bob Bay"]);
}

#[test]
fn a_table_under_another_one_has_its_own_columns() {
    let text = "Name,Phone,Birthday\nAnn,5550101,25/12/1990\n\nE-mail,Last Name,Birthday\nb@x.example,Bay,5/13/1990\nc@x.example,Cid,\n";
    let table = table::read(text, &Options::default()).unwrap();
    let rows: Vec<_> = table.rows().map(|row| row.unwrap()).collect();
    let names: Vec<&str> = rows.iter().map(|row| row.details.display_name.as_str()).collect();
    assert_eq!(names, ["Ann", "Bay", "Cid"]);
    assert_eq!(rows[1].details.emails[0].value, "b@x.example");
    let born = [0, 1].map(|at| rows[at].details.birthday.unwrap().to_string());
    assert_eq!(
        (born, table.warnings().len()),
        (["1990-12-25".to_owned(), "1990-05-13".to_owned()], 0)
    );
    // The same columns in another order, and a column that nothing takes.
    assert_eq!(
        rows_of("Name,Phone\nAnn,5550101\nPhone,Name\n5550102,Bob\n"),
        some(&["Ann", "Bob"])
    );
    let text = "Name,Phone\nAnn,5550101\nName,Phone,Shoe\nBob,5550102,42\n";
    assert_eq!(rows_of(text), some(&["Ann", "Name", "Bob"]));
    // Words of headers that reach nobody are somebody's.
    let text = "Name,Title,City,Notes\nAnn,x,y,z\nCompany,Boss,Town,Home\n";
    assert_eq!(rows_of(text), some(&["Ann", "Company"]));
}

#[test]
fn a_line_that_counts_the_others_is_nobody() {
    for last in [
        "Total,2",
        "Total: 2,",
        "Summe;2;",
        "2 contacts exported",
        "(2 rows)",
        "2 rows in set (0.01 sec)",
        ",Count,2",
        "Всього: 2,",
        "Итого,,2",
        "合計,2",
        "Total,2,1,0",
        "2 Kontakte",
        // Some were left out.
        "Total,5",
        "Summe;12;",
        "3 contacts exported",
    ] {
        let text = format!("Name,Phone,E-mail,City\nAnn,5550101,,\nBob,5550102,,\n{last}\n");
        let found = rows_of(&text.replace(',', if last.contains(';') { ";" } else { "," }));
        assert_eq!(found, [some(&["Ann", "Bob"]), vec![None]].concat(), "{last}");
    }
    for person in [
        "Total,3900",
        "Total,5550102",
        "Sum,41",
        "7 Records,",
        "Total,",
        "Contact 2,5550102",
        "Contact 2,",
        "2,5550102",
        "2 Bob,",
        "Count Bob,2",
        "Total,2 b@x.example",
    ] {
        let text = format!("Name,Phone\nAnn,5550101\nBob,5550102\n{person}\n");
        assert_eq!(rows_of(&text).iter().flatten().count(), 3, "{person}");
    }
    assert_eq!(rows_of("Name,Phone\nTotal,0\n"), some(&["Total"]));
}

#[test]
fn headers_of_still_more_languages() {
    let same = "Jan;Novak;0171234567;a@x.example;Oslo;1990-06-25;hi";
    for header in [
        "الاسم الأول;اسم العائلة;رقم الجوال;البريد الإلكتروني;المدينة;تاريخ الميلاد;ملاحظات",
        "الاسم;الاسم الأخير;الهاتف المحمول;الايميل;المدينة;تاريخ الميلاد;ملاحظات",
        "نام;نام خانوادگی;تلفن همراه;ایمیل;شهر;تاریخ تولد;توضیحات",
        "שם פרטי;שם משפחה;טלפון נייד;דוא\"ל;עיר;תאריך לידה;הערות",
        "Tên;Họ;Điện thoại di động;Thư điện tử;Thành phố;Ngày sinh;Ghi chú",
        "ชื่อ;นามสกุล;โทรศัพท์มือถือ;อีเมล;เมือง;วันเกิด;หมายเหตุ",
        "पहला नाम;उपनाम;मोबाइल नंबर;ईमेल;शहर;जन्मदिन;टिप्पणी",
        "Nama depan;Nama belakang;No HP;Alamat email;Kota;Tanggal lahir;Catatan",
        "Ime;Priimek;Mobilni telefon;E-naslov;Mesto;Rojstni datum;Opombe",
        "Име;Презиме;Мобилни телефон;Имејл;Град;Датум рођења;Напомена",
        "Eesnimi;Perekonnanimi;Mobiiltelefon;E-post;Linn;Sünnipäev;Märkused",
        "Vārds;Uzvārds;Mobilais tālrunis;E-pasts;Pilsēta;Dzimšanas datums;Piezīmes",
        "Vardas;Pavardė;Mobilusis telefonas;El. paštas;Miestas;Gimimo data;Pastabos",
        "Імя;Прозвішча;Мабільны тэлефон;Электронная пошта;Горад;Дзень нараджэння;Нататкі",
    ] {
        let it = super::details(header, same);
        let said = [&it.first_name, &it.last_name, &it.additional_data].map(|it| it.as_deref());
        assert_eq!(said, [Some("Jan"), Some("Novak"), Some("hi")], "{header}");
        assert_eq!(it.phones[0].label.as_deref(), Some("mobile"), "{header}");
        assert_eq!(
            (it.emails.len(), it.addresses[0].city.as_deref()),
            (1, Some("Oslo")),
            "{header}"
        );
        assert_eq!(it.birthday.unwrap().to_string(), "1990-06-25", "{header}");
    }
    for header in [
        "الاسم;الهاتف",
        "نام;تلفن",
        "שם;טלפון",
        "Họ và tên;Số điện thoại",
        "Tên;SĐT",
        "ชื่อ-นามสกุล;เบอร์โทร",
        "नाम;फ़ोन",
        "Nama;Telepon",
        "Ime in priimek;Telefon",
    ] {
        let it = super::details(header, "Ash Ann;0171234567");
        assert_eq!(
            (it.display_name.as_str(), it.first_name, it.phones.len()),
            ("Ash Ann", None, 1),
            "{header}"
        );
    }
}

/// Apple folds within the head of a picture; the line before may be as long as one that a mail program broke.
#[test]
fn a_head_that_is_folded_is_no_rest_of_the_line_before() {
    let long = "x".repeat(70);
    let text = format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nTEL;CELL:5550101\r\nNOTE:{long}\r\n\
         PHOTO;X-ABCROP-RECTANGLE=ABClipRect_1&-9&20&283&283&WGHe9zKmBvRvhyIyYvN/1g=\r\n \
         =;VALUE=uri:https://a.example/1\r\nEND:VCARD\r\n"
    );
    let card = vcard::read_cards(text.as_bytes(), None).next().unwrap().card.unwrap();
    assert_eq!(card.details().additional_data, Some(long));
    assert!(card.lines().any(|line| line.is("PHOTO") && line.value().ends_with("/1")));
}

#[test]
fn a_birthday_of_android_without_a_year_is_one_of_3_0_and_is_read_again_the_same() {
    let event = "X-ANDROID-CUSTOM:vnd.android.cursor.item/contact_event;--05-17;3;;;;;;;;;;;;;";
    // What stays as Android wrote it has the card translated each time.
    let misc = "X-ANDROID-CUSTOM:vnd.com.google.cursor.item/contact_misc;a;b;;;;;;;;;;;;;";
    for version in ["2.1", "3.0"] {
        let file = card(version, &["N:Ash;Ann", "FN:Ann", event, misc]);
        let read = read_cards(&file, None).next().unwrap().card.unwrap();
        assert!(read.as_str().contains("\r\nBDAY;X-APPLE-OMIT-YEAR=1604:1604-05-17\r\n"));
        let again = read_cards(read.as_str().as_bytes(), None).next().unwrap().card;
        assert_eq!(again, Ok(read));
    }
}

#[test]
fn a_card_that_a_mail_quotes_is_one() {
    for mark in ["> ", ">", ">> ", "> > ", "  > "] {
        let lines =
            ["BEGIN:VCARD", "VERSION:3.0", "FN:Ann", "NOTE:one,", "  two", "", "TEL:5550101"];
        let lines = lines.iter().chain(&["END:VCARD", "BEGIN:VCARD", "FN:Bob", "END:VCARD"]);
        let lines: Vec<String> = lines.map(|line| format!("{mark}{line}\r\n")).collect();
        let file = lines.concat();
        assert!(has_cards(file.as_bytes()), "{mark}");
        assert_eq!(names(file.as_bytes(), None), ok(&["Ann", "Bob"]), "{mark}");
        let ann = read_cards(file.as_bytes(), None).next().unwrap().card.unwrap().details();
        assert_eq!(ann.additional_data.as_deref(), Some("one, two"), "{mark}");
        assert_eq!(ann.phones[0].value, "5550101", "{mark}");
    }
    // In a cell of a table it is text.
    for mark in ["", "> "] {
        let note = format!("\"x\n{mark}BEGIN:VCARD\n{mark}FN:Eve\n{mark}END:VCARD\ny\"");
        for header in ["First Name,Last Name,Notes", "Name;E-mail;Notes", "uid\tName\tNote"] {
            assert!(!has_cards(format!("{header}\r\nAnn,Ash,{note}\r\n").as_bytes()), "{header}");
        }
    }
    // A mark before some lines is text.
    let file = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\n>TEL:5550101\r\nEND:VCARD\r\n";
    assert!(
        read_cards(file.as_bytes(), None).next().unwrap().card.unwrap().details().phones.is_empty()
    );
}
