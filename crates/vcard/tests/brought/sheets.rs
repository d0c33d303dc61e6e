//! Tables of programs that manage customers and telephones, of spreadsheets and of reports.

use super::details;
use super::rests::{rows_of, some};
use vcard::table;

#[test]
fn all_people_above_the_header_of_a_sorted_sheet_are_rows() {
    let sorted = "Ann,,\nBob,5550102,\nBee,,\nName,Phone,Email\nCid,,c@x.example\n";
    assert_eq!(rows_of(sorted), some(&["Ann", "Bob", "Bee", "Cid"]));
    let titled = "Report,Created,By\nAnn,5550102,\nName,Phone,Email\nBob,5550101,\n";
    assert_eq!(rows_of(titled), some(&["Ann", "Bob"]));
    // The name of a table is nobody, nor is what has other cells than the table.
    for above in ["Contacts of 2024,,\n", "Contacts\nBob,5550102\n"] {
        assert_eq!(
            rows_of(&format!("{above}Name,Phone,Email\nCid,,c@x.example\n")),
            some(&["Cid"])
        );
    }
}

#[test]
fn a_line_that_says_which_page_it_is_is_nobody() {
    for footer in [
        "Page 1 of 1",
        "Page 2/3,",
        "Seite 1 von 2,",
        "page 1 sur 2",
        "Página 1 de 2",
        "Pagina 1 di 2",
        "Strona 1 z 2",
        "Сторінка 1 з 2",
        "Страница 1 из 2",
    ] {
        let above = format!("Name,Phone\n{footer}\nAnn,5550101\n");
        assert_eq!(rows_of(&above), [None, Some("Ann".to_owned())], "{footer}");
        let table = format!("Name,Phone\nAnn,5550101\n{footer}\nBob,5550102\n");
        assert_eq!(
            rows_of(&table),
            [Some("Ann".to_owned()), None, Some("Bob".to_owned())],
            "{footer}"
        );
    }
    let phone = "Name,Phone\nAnn,5550101\n,Page 555 1234\n";
    assert_eq!(rows_of(phone).iter().flatten().count(), 2);
    for (person, name) in
        [("Page,5550103", "Page"), ("Page Two", "Page Two"), ("Pat Page 2", "Pat Page 2")]
    {
        assert_eq!(rows_of(&format!("Name,Phone\nAnn,5550101\n{person}\n")), some(&["Ann", name]));
    }
}

#[test]
fn a_title_beside_a_role_is_no_form_of_address() {
    // KAddressBook and Evolution.
    let ann = details(
        "Formatted Name,Honorific Prefixes,Given Name,Honorific Suffixes,Title,Role",
        "Ann Ash,Dr.,Ann,M.A.,Head of Optics,",
    );
    assert_eq!((ann.prefix.as_deref(), ann.suffix.as_deref()), (Some("Dr."), Some("M.A.")));
    assert_eq!(ann.job_title.as_deref(), Some("Head of Optics"));
    let ann = details("full_name,title,role", "Ann Ash,Head of Optics,");
    assert_eq!((ann.prefix, ann.job_title.as_deref()), (None, Some("Head of Optics")));
    let tom = details("Title,First Name,Last Name,Role", "Mr,Tom,Ash,Engineer");
    assert_eq!((tom.prefix.as_deref(), tom.job_title.as_deref()), (Some("Mr"), Some("Engineer")));
    let ann = details("Title,First Name,Job Title", "Ms,Ann,Boss");
    assert_eq!(ann.prefix.as_deref(), Some("Ms"));
}

#[test]
fn an_address_that_stands_as_a_whole_beside_its_parts_is_said_once() {
    // Google's table for Outlook.
    let header =
        "First Name,Home Address,Home Street,Home Street 2,Home City,Home Postal Code,Home Country";
    let ann = details(
        header,
        "Ann,\"1 Main St\nFloor 2\nTown 62701\nUSA\",1 Main St,Floor 2,Town,62701,USA",
    );
    assert_eq!(ann.addresses[0].street.as_deref(), Some("1 Main St\nFloor 2"));
    assert_eq!(ann.addresses.len(), 1);
    // A house and its street are two lines of one, however much their words are alike.
    let ann =
        details("Name,Address Line 1,Address Line 2,Town", "Ann,Mill House,Mill House Lane,Oslo");
    assert_eq!(ann.addresses[0].street.as_deref(), Some("Mill House\nMill House Lane"));
    let ann = details("Name,Address,Street,City", "Ann,\"1 Main St, Apt 2, Town\",1 Main St,Town");
    assert_eq!(ann.addresses[0].street.as_deref(), Some("1 Main St, Apt 2, Town\n1 Main St"));
}

#[test]
fn whom_a_column_of_names_writes_to_is_reached() {
    let ann = details("Contact", "Ann Ash <ann@x.example>");
    assert_eq!(
        (ann.display_name.as_str(), ann.emails[0].value.as_str()),
        ("Ann Ash", "ann@x.example")
    );
    let ann = details("Name,Phone", "ann@x.example,5550101");
    assert_eq!((ann.display_name.as_str(), ann.emails.len()), ("ann@x.example", 1));
    // Where a column says it, it is not said twice.
    for (name, email) in [("ann@x.example", "ann@x.example"), ("band@night", "b@x.example")] {
        let ann = details("Name,Email", &format!("{name},{email}"));
        assert_eq!((ann.display_name.as_str(), ann.emails.len()), (name, 1));
        assert_eq!(ann.emails[0].value, email);
    }
    let ann = details("Name,Phone", "Ann@Home,5550101");
    assert_eq!((ann.display_name.as_str(), ann.emails.len()), ("Ann@Home", 0));
    let ann = details("Name,Phone", "Ann <3,5550101");
    assert_eq!((ann.display_name.as_str(), ann.emails.len()), ("Ann <3", 0));
}

#[test]
fn headers_that_all_begin_with_one_word_are_read_without_it() {
    // Pipedrive.
    let ann = details(
        "Person - Name,Person - Label,Person - Organization,Person - Email - Work,Person - Phone - Mobile,Person - ID",
        "Ann Ash,Friend,Acme,ann@x.example,5550101,5",
    );
    let said =
        (ann.display_name.as_str(), ann.organization.as_deref(), ann.emails[0].label.as_deref());
    assert_eq!(said, ("Ann Ash", Some("Acme"), Some("work")));
    assert_eq!(ann.phones[0].label.as_deref(), Some("mobile"));
    let acme = details("Organization - Name,Organization - Phone", "Acme,5550101");
    assert_eq!(acme.organization.as_deref(), Some("Acme"));
    // One word alone, and what numbers the entries of a list, say something.
    let ann = details("E-mail 1 - Label,E-mail 1 - Value", "work,ann@x.example");
    assert_eq!(ann.emails[0].label.as_deref(), Some("work"));
    let ann = details("Phone - Home,Phone - Work", "5550101,5550102");
    assert_eq!(ann.phones[1].label.as_deref(), Some("work"));
}

#[test]
fn headers_that_outlook_and_people_write_in_still_more_words() {
    for (header, cell, member) in [
        ("Name,Office Number", "A,5550101", "phones.work"),
        ("Name,home_number", "A,5550101", "phones.home"),
        ("Name,Other number", "A,5550101", "phones.other"),
        (
            "Nome,Sobrenome,País/Região do Endereço Residencial",
            "A,B,Brasil",
            "addresses.home.country",
        ),
        ("Jméno,Příjmení,Přípona", "A,B,CSc.", "suffix"),
        ("Jméno,Příjmení,Země/oblast (domů)", "A,B,Česko", "addresses.home.country"),
        ("이름,성,집 주소 번지", "A,B,세종대로 1", "addresses.home.street"),
        ("이름,성,범주 항목", "A,B,친구", "labels"),
        ("Vezetéknév,Hivatali telefon", "A,5550101", "phones.work"),
        ("Fornavn,Efternavn,By (privat)", "A,B,Aarhus", "addresses.home.city"),
        ("Fornavn,Land/område (privat)", "A,Danmark", "addresses.home.country"),
        ("Fornavn,Webside", "A,www.x.example", "urls"),
        ("Etunimi,Web-sivu", "A,www.x.example", "urls"),
    ] {
        let columns = table::columns(&format!("{header}\n{cell}\n")).unwrap();
        let last = columns.last().unwrap().member.as_deref();
        assert_eq!(last, Some(member), "{header}");
    }
}
